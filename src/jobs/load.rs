//! The body of a job: operations on records of any kind. The format of the whole body is checked
//! before the job is accepted. The content of each operation is checked when it runs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::engine::Txn;
use crate::http::call::{not_json, object};
use crate::http::json::no_member_twice;
use crate::http::parameters::schema_ref;
use crate::http::resource::{BulkOperation, below};
use crate::problem::{Code, FieldError, Problem};
use crate::registers::catalogue;
use crate::world::schema::{self, Schemas};

/// Maximum number of operations in one job.
pub const MOST: usize = 100_000;
/// Maximum number of errors in one refusal.
const MOST_FAULTS: usize = 50;

/// One operation as sent.
#[derive(Deserialize)]
struct Sent {
    kind: String,
    #[serde(flatten)]
    operation: BulkOperation,
}

/// The schemas of a job's body.
pub fn schemas(schemas: &mut Schemas) {
    let any = |what: &str| json!({ "type": "object", "description": what });
    let mut operation = schema::bulk_operation(
        any("The record to create."),
        any("A JSON merge patch of the record."),
    );
    let names: Vec<&str> = catalogue().kinds().iter().map(|k| k.name).collect();
    if let Some(properties) = operation.get_mut("properties") {
        schema::set(
            properties,
            "kind",
            json!({ "type": "string", "enum": names, "description": "Kind of the record." }),
        );
    }
    schema::set(&mut operation, "required", json!(["kind", "op"]));
    schemas.insert("JobOperationInput".into(), operation);
    schemas.insert(
        "JobInput".into(),
        json!({
            "type": "object", "additionalProperties": false, "required": ["operations"],
            "properties": { "operations": {
                "type": "array", "minItems": 1, "maxItems": MOST, "items": schema_ref("JobOperationInput"), "description": "Operations to carry out, in order.",
            } },
        }),
    );
}

/// The format of one operation.
fn form() -> &'static jsonschema::Validator {
    static FORM: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let mut all = Schemas::new();
        schemas(&mut all);
        schema::compile("JobOperationInput", &all)
    });
    &FORM
}

/// Returns the operations in a body, each as it was sent. They share the memory of the body.
///
/// # Errors
/// 400 or 422 with the format errors.
pub fn operations(body: &Bytes) -> Result<Vec<Bytes>, Problem> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).map_err(|e| {
        if e.is_data() {
            Problem::new(Code::MalformedBody, "the body must be a JSON object")
        } else {
            not_json(&e)
        }
    })?;
    no_member_twice(body)?;
    let refused = |field: &str, code: &str, detail: String| {
        Err(Problem::field(
            Code::InvalidBody,
            format!("/{field}"),
            code,
            detail,
        ))
    };
    if let Some(name) = fields.keys().find(|name| *name != "operations") {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        return refused(
            &shown,
            "unknown_field",
            "there is no such field; remove it or correct its name".into(),
        );
    }
    let Some(list) = fields.get("operations") else {
        return refused("operations", "required", "must be given".into());
    };
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
        return refused("operations", "type", "must be a list of operations".into());
    };
    match list.len() {
        0 => {
            return refused(
                "operations",
                "min_items",
                "must have at least 1 member".into(),
            );
        }
        n if n > MOST => {
            return refused(
                "operations",
                "max_items",
                format!("must have at most {MOST} members"),
            );
        }
        _ => {}
    }
    let mut faults: Vec<FieldError> = Vec::new();
    let mut operations = Vec::with_capacity(list.len());
    for (index, raw) in list.into_iter().enumerate() {
        let raw = raw.get().as_bytes();
        match checked(raw) {
            Ok(_) => operations.push(body.slice_ref(raw)),
            Err(problem) => faults.extend(below(problem, &format!("/operations/{index}")).errors),
        }
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if faults.is_empty() {
        return Ok(operations);
    }
    faults.truncate(MOST_FAULTS);
    Err(Problem::with_errors(Code::InvalidBody, faults))
}

fn checked(raw: &[u8]) -> Result<Value, Problem> {
    let value = object(raw).map_err(|p| Problem::field(Code::InvalidBody, "", "type", p.detail))?;
    schema::check(form(), &value)?;
    Ok(value)
}

/// Carries out one operation, as it was sent.
///
/// # Errors
/// The refusal that the operation would get if sent alone.
pub fn run(raw: &[u8], txn: &mut Txn<'_>) -> Result<(), Problem> {
    let sent: Sent = serde_json::from_value(object(raw)?)
        .map_err(|e| Problem::new(Code::InvalidBody, e.to_string()))?;
    let kind = catalogue()
        .named(&sent.kind)
        .ok_or_else(Problem::not_found)?;
    sent.operation.run(kind, txn).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Vec<(String, String)> {
        let problem =
            operations(&Bytes::copy_from_slice(body.as_bytes())).expect_err("it is refused");
        problem
            .errors
            .into_iter()
            .map(|e| (e.pointer, e.code))
            .collect()
    }

    #[test]
    fn a_fault_of_form_is_named_by_its_place() {
        let good = r#"{"kind":"unit","op":"create","record":{"title":"x"}}"#;
        let body = Bytes::from(format!("{{\"operations\": [{good}, {good}]}}"));
        assert_eq!(operations(&body).expect("it is taken"), [good, good]);
        let at = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        for none in ["", "[]", "null", "{", "{\"operations\": [}", "1"] {
            assert_eq!(refused(none), []);
        }
        assert_eq!(refused("{}"), at("/operations", "required"));
        assert_eq!(refused(r#"{"operations": {}}"#), at("/operations", "type"));
        assert_eq!(
            refused(r#"{"operations": []}"#),
            at("/operations", "min_items")
        );
        assert_eq!(
            refused(r#"{"operations": [], "x": 1}"#),
            at("/x", "unknown_field")
        );
        assert_eq!(
            refused(&format!("{{\"operations\": [{good}, 1]}}")),
            at("/operations/1", "type")
        );
        let mixed = format!(
            "{{\"operations\": [{good}, {{\"kind\":\"unicorn\",\"op\":\"create\"}}, \
                {{\"kind\":\"unit\",\"op\":\"create\",\"id\":\"x\"}}]}}"
        );
        let mut faults = refused(&mixed);
        faults.sort();
        assert_eq!(
            faults,
            [
                at("/operations/1/kind", "enum"),
                at("/operations/2/id", "format")
            ]
            .concat()
        );
        let deep = format!(
            "{{\"operations\": [{{\"kind\":\"unit\",\"op\":\"create\",\"record\":{}1{}}}]}}",
            "{\"a\":".repeat(40),
            "}".repeat(40)
        );
        assert_eq!(refused(&deep), at("/operations/0", "type"));
        let many = format!("{{\"operations\": [{}0]}}", "0,".repeat(MOST));
        assert_eq!(refused(&many), at("/operations", "max_items"));
    }
}
