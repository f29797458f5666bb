//! Example answers, made from the schema and from the body that would create the record, so that
//! they fit both.

use serde_json::{Map, Value, json};

use super::catalogue::Kind;
use super::schema::{LOCAL, Schemas, set};

/// Adds an example to the schema of a kind's record.
pub fn add_example(kind: &Kind, schemas: &mut Schemas) {
    let Some(schema) = schemas.get(&kind.schema_name) else {
        return;
    };
    let example = complete(schema, Some(&(kind.example)()), schemas);
    if let Some(schema) = schemas.get_mut(&kind.schema_name) {
        set(schema, "examples", json!([example]));
    }
}

/// `given`, with every field of the schema that it lacks; without `given`, a value that fits the
/// schema.
fn complete(schema: &Value, given: Option<&Value>, schemas: &Schemas) -> Value {
    if let Some(name) = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix(LOCAL))
    {
        return schemas
            .get(name)
            .map_or(Value::Null, |s| complete(s, given, schemas));
    }
    if let Some(branches) = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
    {
        // A field that may be null is `oneOf [null, T]`.
        return match (given, branches.last()) {
            (Some(value), Some(branch)) if !value.is_null() => complete(branch, given, schemas),
            _ => Value::Null,
        };
    }
    match (given, schema.get("properties").and_then(Value::as_object)) {
        (Some(Value::Object(_)) | None, Some(properties)) => {
            let field = |(name, s): (&String, &Value)| {
                (
                    name.clone(),
                    complete(s, given.and_then(|g| g.get(name)), schemas),
                )
            };
            Value::Object(properties.iter().map(field).collect::<Map<_, _>>())
        }
        (Some(Value::Array(list)), _) => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            list.iter()
                .map(|v| complete(items, Some(v), schemas))
                .collect()
        }
        (Some(value), _) => value.clone(),
        (None, None) => simple(schema),
    }
}

/// A value of a simple type.
fn simple(schema: &Value) -> Value {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    if let Some(example) = schema
        .get("example")
        .or_else(|| schema.get("enum").and_then(|e| e.get(0)))
    {
        return example.clone();
    }
    match (text("type"), text("format")) {
        (Some("string"), Some("date-time")) => json!("2020-10-26T09:00:00Z"),
        (Some("string"), Some("date")) => json!("2020-10-26"),
        (Some("string"), Some("uuid")) => json!("019abcde-0000-7000-8000-000000000002"),
        (Some("string"), _) => json!("HR-1"),
        (Some("integer" | "number"), _) => schema.get("minimum").cloned().unwrap_or(json!(0)),
        (Some("boolean"), _) => json!(false),
        (Some("array"), _) => json!([]),
        // If there are several types, one of them is null.
        _ => Value::Null,
    }
}
