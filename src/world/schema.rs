//! The JSON schemas of records and drafts, made from the types. The same schema is shown in the
//! OpenAPI document and checks bodies.
//!
//! Every type has a form for answers (all fields required, others may be added) and, where they
//! differ, a form for input (`…Input`, unknown fields refused).

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Fault;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::catalogue::Kind;
use super::page;
use super::record::{Common, Meta, Resource};
use crate::problem::{Code, FieldError, Problem};

/// Schemas by name.
pub type Schemas = BTreeMap<String, Value>;

/// Where schemas are in the document.
pub const LOCAL: &str = "#/components/schemas/";

/// Adds the schemas of a type used only in answers.
pub fn add_answer<T: ToSchema>(schemas: &mut Schemas) {
    collect::<T>(schemas, false);
}

/// Adds the schemas of a type used only in requests.
pub fn add_input<T: ToSchema>(schemas: &mut Schemas) {
    collect::<T>(schemas, true);
}

/// How the name of a type starts whose schema replaces references to it, because it has no name in
/// the document: ids and texts. The schema itself follows.
const INLINED: &str = "stride-inline ";

/// The name of a type whose schema replaces references to it.
pub(super) fn inlined<T: PartialSchema>() -> Cow<'static, str> {
    let schema = serde_json::to_string(&T::schema()).unwrap_or_default();
    format!("{INLINED}{schema}").into()
}

/// Puts the schemas of ids and texts in place of references to them, at every depth.
pub fn inline(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            resolve_inline(map);
            map.values_mut().for_each(inline);
        }
        Value::Array(list) => list.iter_mut().for_each(inline),
        _ => {}
    }
}

/// Puts the schema in place of a reference to a type that has no name.
fn resolve_inline(map: &mut Map<String, Value>) {
    if let Some(name) = map.get("$ref").and_then(Value::as_str)
        && let Some(name) = name
            .strip_prefix(LOCAL)
            .and_then(|n| n.strip_prefix(INLINED))
        && let Ok(mut schema) = serde_json::from_str::<Map<String, Value>>(name)
    {
        map.remove("$ref");
        schema.append(map);
        *map = schema;
    }
    // A nullable id or text is one type that allows null, not a choice of two.
    if let Some(Value::Array(options)) = map.get_mut("oneOf") {
        for option in options.iter_mut().filter_map(Value::as_object_mut) {
            resolve_inline(option);
        }
        let null = json!({ "type": "null" });
        if let [a, b] = options.as_slice()
            && (*a == null || *b == null)
            && let Some(one) = if *a == null { b } else { a }.as_object()
            && one.get("type").is_some_and(Value::is_string)
            && !one.contains_key("properties")
            && !one.contains_key("enum")
        {
            let mut one = one.clone();
            let nullable = json!([one.get("type"), "null"]);
            one.insert("type".into(), nullable);
            map.remove("oneOf");
            map.extend(one);
        }
    }
}

fn collect<T: ToSchema>(schemas: &mut Schemas, input: bool) {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    parts.push((T::name().into_owned(), T::schema()));
    let mut parts: Vec<(String, Value)> = parts.into_iter().map(|(n, s)| (n, to_json(s))).collect();
    if input {
        let objects: Vec<String> = parts
            .iter()
            .filter(|(_, s)| is_object(s))
            .map(|(n, _)| n.clone())
            .collect();
        parts
            .iter_mut()
            .for_each(|(_, schema)| point_at_inputs(schema, &objects));
    }
    for (name, schema) in parts {
        add_form(schemas, &name, &schema, input);
    }
}

fn to_json(schema: RefOr<Schema>) -> Value {
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    inline(&mut schema);
    schema
}

fn is_object(schema: &Value) -> bool {
    schema.get("properties").is_some()
}

fn add_form(schemas: &mut Schemas, name: &str, schema: &Value, input: bool) {
    if name.starts_with(INLINED) {
        return;
    }
    let named = if input && is_object(schema) {
        format!("{name}Input")
    } else {
        name.to_owned()
    };
    let mut form = schema.clone();
    finish(&mut form, input);
    // Two types with the same name would be documented as each other.
    debug_assert!(
        schemas.get(&named).is_none_or(|other| *other == form),
        "two schemas are called {named}"
    );
    schemas.insert(named, form);
}

/// Closes what is sent, and names what an answer always has.
fn finish(schema: &mut Value, input: bool) {
    match schema {
        Value::Object(map) => {
            if !input {
                // Callers need the kinds when they set a link. Answers do not repeat them.
                map.remove("x-kinds");
            }
            if let Some(Value::Object(properties)) = map.get("properties") {
                let names: Vec<Value> =
                    properties.keys().map(|k| Value::from(k.as_str())).collect();
                if input {
                    map.insert("additionalProperties".into(), false.into());
                } else if !names.is_empty() {
                    map.insert("required".into(), names.into());
                }
            }
            let is_text = |t: &Value| *t == "string" || *t == json!(["string", "null"]);
            if map.get("type").is_some_and(is_text) && map.get("format") == Some(&json!("uuid")) {
                map.insert("maxLength".into(), 36.into());
            }
            null_first(map);
            for value in map.values_mut() {
                finish(value, input);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| finish(v, input)),
        _ => {}
    }
}

/// Turns a nullable reference into `oneOf [null, T]`, in this order ([`explain`] relies on it),
/// with the description outside.
fn null_first(map: &mut Map<String, Value>) {
    let null = json!({ "type": "null" });
    let Some(Value::Array(options)) = map.get_mut("oneOf") else {
        return;
    };
    let (Some(at), 2) = (options.iter().position(|o| *o == null), options.len()) else {
        return;
    };
    options.swap(0, at);
    let inner = options.get_mut(1).and_then(Value::as_object_mut);
    if let Some(description) = inner.and_then(|i| i.remove("description")) {
        map.insert("description".into(), description);
    }
}

/// Makes references to object types use their input form. Enums have only one form.
fn point_at_inputs(schema: &mut Value, objects: &[String]) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(to)) = map.get_mut("$ref")
                && let Some(name) = to.strip_prefix(LOCAL)
                && objects.iter().any(|o| o == name)
            {
                *to = format!("{LOCAL}{name}Input");
            }
            map.values_mut().for_each(|v| point_at_inputs(v, objects));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| point_at_inputs(v, objects)),
        _ => {}
    }
}

/// Adds a resource's record (`Board`) and draft (`BoardInput`), each as one flat object, with every
/// type they use.
pub fn add_resource<R: Resource>(schemas: &mut Schemas) {
    let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
    R::schemas(&mut parts);
    // Parts after these appear in answers only.
    let own_parts = parts.len();
    R::Computed::schemas(&mut parts);
    Meta::schemas(&mut parts);
    parts.push(("Marking".into(), super::Marking::schema()));
    let parts: Vec<(String, Value)> = parts.into_iter().map(|(n, s)| (n, to_json(s))).collect();
    let mut objects: Vec<String> = parts
        .iter()
        .filter(|(_, s)| is_object(s))
        .map(|(n, _)| n.clone())
        .collect();
    objects.sort();
    for (n, (name, schema)) in parts.iter().enumerate() {
        add_form(schemas, name, schema, false);
        if n < own_parts && is_object(schema) {
            let mut input = schema.clone();
            point_at_inputs(&mut input, &objects);
            add_form(schemas, name, &input, true);
        }
    }
    let (own, computed) = (to_json(R::schema()), to_json(R::Computed::schema()));
    let name = R::name();
    let mut record = flat(&[&to_json(Meta::schema()), &own, &read_only(computed)]);
    let mut draft = flat(&[&to_json(Common::schema()), &own]);
    if !R::MARKABLE
        && let Some(properties) = draft.get_mut("properties")
    {
        set(properties, "marking", unmarkable());
    }
    for (form, input) in [(&mut record, false), (&mut draft, true)] {
        form.insert(
            "description".into(),
            own.get("description")
                .cloned()
                .unwrap_or_else(|| R::ABOUT.into()),
        );
        let mut value = Value::Object(form.clone());
        if input {
            point_at_inputs(&mut value, &objects);
        }
        finish(&mut value, input);
        schemas.insert(
            if input {
                format!("{name}Input")
            } else {
                name.to_string()
            },
            value,
        );
    }
}

/// Schema of the marking of a record that cannot be marked directly.
fn unmarkable() -> Value {
    json!({
        "type": "string", "enum": ["official"], "default": "official",
        "description": "Always `official`, because its content shows in other records, which it \
            changes or which are assessed by it. It is not visible if the record that it is \
            about is not visible.",
    })
}

/// Maximum number of operations in one bulk call.
pub const BULK_LIMIT: usize = 1_000;

/// Adds the schemas used with a resource's records: a page of them, a merge patch, a bulk call and
/// its result.
pub fn add_envelopes(kind: &Kind, schemas: &mut Schemas) {
    let name = &kind.schema_name;
    let to = |name: &str| json!({ "$ref": format!("{LOCAL}{name}") });
    schemas.insert(format!("{name}Page"), page::schema(&to(name)));
    if let Some(input) = schemas.get(&format!("{name}Input")).cloned() {
        schemas.insert(format!("{name}Patch"), patch(input));
    }
    let operation = bulk_operation(to(&format!("{name}Input")), to(&format!("{name}Patch")));
    schemas.insert(format!("{name}BulkOperation"), operation);
    schemas.insert(
        format!("{name}Bulk"),
        bulk(&to(&format!("{name}BulkOperation"))),
    );
    schemas.insert(format!("{name}BulkOutcome"), bulk_outcome(&to(name)));
    schemas.insert(format!("{name}BulkResult"), json!({
        "type": "object", "required": ["dry_run", "results"],
        "properties": {
            "dry_run": { "type": "boolean", "description": "Dry run." },
            "results": { "type": "array", "maxItems": BULK_LIMIT, "items": to(&format!("{name}BulkOutcome")), "description": "In order." },
        },
    }));
}

/// What became of one operation of a bulk call on a `record`.
#[must_use]
pub fn bulk_outcome(record: &Value) -> Value {
    let problem = json!({ "$ref": format!("{LOCAL}BulkProblem") });
    json!({
        "type": "object", "required": ["index", "status", "record", "problem"],
        "properties": {
            "index": { "type": "integer", "minimum": 0, "maximum": BULK_LIMIT, "description": "Position of the operation in the request, from 0." },
            "status": { "type": "integer", "minimum": 200, "maximum": 599, "description": "HTTP status that the \
                operation would have had on its own; 200 for success." },
            "record": nullable(record, "The current record."),
            "problem": nullable(&problem, "Why it was refused."),
        },
    })
}

/// A bulk call made of `operation`s.
#[must_use]
pub fn bulk(operation: &Value) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["operations"],
        "properties": { "operations": { "type": "array", "minItems": 1, "maxItems": BULK_LIMIT, "items": operation, "description": "In order." } },
    })
}

/// One operation of a bulk call.
#[must_use]
pub fn bulk_operation(record: Value, patch: Value) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["op"],
        "properties": {
            "op": { "type": "string", "enum": ["create", "update", "withdraw", "restore"] },
            "id": { "type": "string", "format": "uuid", "maxLength": 36, "description": "The record." },
            "if_match": { "type": "integer", "minimum": 1, "maximum": 999_999_999_999_999_999_i64, "description": "Its version." },
            "record": record,
            "patch": patch,
            "within": { "type": "string", "enum": ["withdraw", "restore"] },
        },
    })
}

/// Sets a field of a JSON object.
pub fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut() {
        map.insert(name.to_owned(), value.into());
    }
}

fn nullable(schema: &Value, description: &str) -> Value {
    json!({ "oneOf": [{ "type": "null" }, schema], "description": description })
}

/// A draft in which no field is required, and optional fields may be cleared with `null`.
fn patch(mut draft: Value) -> Value {
    let required: Vec<Value> = draft
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if let Some(properties) = draft.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties
            .iter_mut()
            .filter(|(name, _)| !required.contains(&json!(name)))
        {
            if name != "reference" {
                make_nullable(property);
            }
        }
    }
    // What is left out stays: a default would have generated clients send it. The draft describes
    // the fields.
    let properties = draft.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        for word in ["default", "description", "x-kinds"] {
            property.as_object_mut().and_then(|p| p.remove(word));
        }
    }
    if let Some(map) = draft.as_object_mut() {
        map.remove("required");
        map.insert("description".into(), "A JSON merge patch.".into());
    }
    draft
}

fn make_nullable(property: &mut Value) {
    let Some(map) = property.as_object_mut() else {
        return;
    };
    if let Some(Value::String(one)) = map.get("type") {
        let one = one.clone();
        map.insert("type".into(), json!([one, "null"]));
        if let Some(Value::Array(options)) = map.get_mut("enum") {
            options.push(Value::Null);
        }
    } else if map.contains_key("$ref") {
        let description = map.remove("description");
        let inner = property.take();
        *property = json!({ "oneOf": [{ "type": "null" }, inner] });
        if let (Some(description), Some(map)) = (description, property.as_object_mut()) {
            map.insert("description".into(), description);
        }
    }
}

fn read_only(mut computed: Value) -> Value {
    if let Some(Value::Object(properties)) = computed.get_mut("properties") {
        for property in properties
            .values_mut()
            .filter_map(Value::as_object_mut)
            .filter(|p| !p.contains_key("$ref"))
        {
            property.insert("readOnly".into(), true.into());
        }
    }
    computed
}

fn flat(parts: &[&Value]) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in parts {
        if let Some(Value::Object(p)) = part.get("properties") {
            properties.extend(p.clone());
        }
        if let Some(Value::Array(r)) = part.get("required") {
            required.extend(r.clone());
        }
    }
    let mut object = Map::new();
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    if !required.is_empty() {
        object.insert("required".into(), required.into());
    }
    object
}

/// Validator for the drafts of a kind.
pub fn validator(kind: &Kind) -> jsonschema::Validator {
    let mut schemas = Schemas::new();
    (kind.schemas)(&mut schemas);
    compile(&format!("{}Input", kind.schema_name), &schemas)
}

/// Validator for a body of type `T`. Each is compiled once.
pub fn input_validator<T: ToSchema + 'static>() -> Arc<jsonschema::Validator> {
    static KNOWN: LazyLock<Mutex<HashMap<TypeId, Arc<jsonschema::Validator>>>> =
        LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(TypeId::of::<T>()).or_insert_with(|| {
        let mut schemas = Schemas::new();
        add_input::<T>(&mut schemas);
        Arc::new(compile(&format!("{}Input", T::name()), &schemas))
    });
    Arc::clone(made)
}

/// Compiles one of `schemas`.
pub fn compile(name: &str, schemas: &Schemas) -> jsonschema::Validator {
    let document =
        json!({ "$ref": format!("{LOCAL}{name}"), "components": { "schemas": schemas } });
    let built = jsonschema::options()
        .should_validate_formats(true)
        .build(&document);
    built.unwrap_or_else(|e| {
        log::error!("the schema {name} does not compile: {e}");
        refuse_all()
    })
}

/// A schema that does not compile accepts nothing. A test checks that every schema compiles.
#[expect(clippy::expect_used, reason = "`false` is a valid schema")]
fn refuse_all() -> jsonschema::Validator {
    jsonschema::validator_for(&Value::Bool(false)).expect("`false` compiles")
}

/// Maximum number of errors in one answer.
const MOST: usize = 50;

/// Checks a value and reports every error.
///
/// # Errors
/// Fails with what is wrong, by JSON Pointer.
pub fn check(validator: &jsonschema::Validator, value: &Value) -> Result<(), Problem> {
    // Almost every body is valid, and asking that is much faster than collecting errors.
    if validator.is_valid(value) {
        return Ok(());
    }
    let mut errors = Vec::new();
    for e in validator.iter_errors(value).take(MOST) {
        explain(&e, &mut errors);
    }
    Err(Problem::with_errors(Code::InvalidBody, errors))
}

/// Merges a patch (RFC 7396) into a stored draft and checks the result. A null member is checked
/// like any other: of an unknown field it is an error, of an optional field it is the value, and
/// otherwise it removes the member, so that the default applies.
///
/// # Errors
/// Fails with what is wrong, by JSON Pointer.
pub fn patched(
    validator: &jsonschema::Validator,
    mut draft: Value,
    patch: &Value,
) -> Result<Value, Problem> {
    let mut nulls = Vec::new();
    overlay(&mut draft, patch, &mut String::new(), &mut nulls);
    if validator.is_valid(&draft) {
        return Ok(draft);
    }
    let mut errors = Vec::new();
    for e in validator.iter_errors(&draft) {
        explain(&e, &mut errors);
    }
    for error in errors.iter().filter(|e| e.code != "unknown_field") {
        if nulls.contains(&error.pointer) {
            remove(&mut draft, &error.pointer);
        }
    }
    check(validator, &draft)?;
    Ok(draft)
}

/// Lays a patch over a value, and lists where it has null.
fn overlay(target: &mut Value, patch: &Value, at: &mut String, nulls: &mut Vec<String>) {
    let Value::Object(patch) = patch else {
        if patch.is_null() {
            nulls.push(at.clone());
        }
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else {
        return;
    };
    let length = at.len();
    for (name, value) in patch {
        at.push('/');
        at.push_str(&escape(name));
        overlay(
            map.entry(name.as_str()).or_insert(Value::Null),
            value,
            at,
            nulls,
        );
        at.truncate(length);
    }
}

/// Removes the member at a JSON Pointer.
fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    if let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.shift_remove(&name);
    }
}

fn explain(e: &ValidationError<'_>, errors: &mut Vec<FieldError>) {
    let at = e.instance_path().to_string();
    let mut push = |pointer: String, code: &str, detail: String| {
        errors.push(FieldError {
            pointer,
            code: code.into(),
            detail,
        })
    };
    match e.kind() {
        Fault::AdditionalProperties { unexpected } => {
            for name in unexpected {
                push(
                    format!("{at}/{}", escape(name)),
                    "unknown_field",
                    "there is no such field; remove it or correct its name".into(),
                );
            }
        }
        Fault::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            push(format!("{at}/{name}"), "required", "must be given".into());
        }
        Fault::OneOfNotValid { context } | Fault::AnyOf { context } => {
            // A nullable reference is `oneOf [null, T]`, so only the errors of T matter.
            match context.last().filter(|_| !e.instance().is_null()) {
                Some(inner) => inner.iter().for_each(|i| explain(i, errors)),
                None => push(at, "type", "does not have the documented form".into()),
            }
        }
        Fault::MaxLength { limit } => push(
            at,
            "max_length",
            format!("must be at most {limit} characters long"),
        ),
        Fault::MinLength { limit } => push(
            at,
            "min_length",
            format!("must be at least {limit} characters long"),
        ),
        Fault::MaxItems { limit } => push(
            at,
            "max_items",
            format!("must have at most {limit} members"),
        ),
        Fault::MinItems { limit } => push(
            at,
            "min_items",
            format!("must have at least {limit} members"),
        ),
        Fault::Maximum { limit } => push(at, "maximum", format!("must be at most {limit}")),
        Fault::Minimum { limit } => push(at, "minimum", format!("must be at least {limit}")),
        Fault::Enum { options } => push(at, "enum", one_of(e.instance(), options)),
        Fault::Pattern { pattern } => push(at, "pattern", format!("must match {pattern}")),
        Fault::Format { format } => {
            push(at, "format", format!("must be a {format}{}", hint(format)))
        }
        Fault::Type { .. } => push(
            at,
            "type",
            format!("is of the wrong type: {}", short(&e.masked().to_string())),
        ),
        Fault::UniqueItems => push(
            at,
            "unique_items",
            "must not contain the same value twice".into(),
        ),
        _ => push(at, "schema", short(&e.masked().to_string())),
    }
}

fn hint(format: &str) -> &'static str {
    match format {
        "date" => " of the form 2020-11-30",
        "date-time" => " of the form 2020-11-30T12:00:00Z",
        "uuid" => ": 32 hexadecimal digits in five groups",
        _ => "",
    }
}

fn one_of(given: &Value, options: &Value) -> String {
    let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let words: Vec<String> = options.as_array().into_iter().flatten().map(word).collect();
    crate::problem::one_of(
        &word(given),
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn escape(name: &str) -> String {
    short(&name.replace('~', "~0").replace('/', "~1"))
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
