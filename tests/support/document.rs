//! The OpenAPI document as the tests read it, and the check that an answer is what it promises.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use stride::policy::Role;
use stride::world::Kind;
use strum::VariantArray;

/// The document as it is generated.
pub static PUBLISHED: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(&stride::app::document()).expect("the OpenAPI document is JSON")
});

/// The same with the parameters and answers that operations share put back in their places, and
/// every role by its name.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = PUBLISHED.clone();
    let replace = |value: &mut Value| {
        if let Some(to) = value["$ref"].as_str() {
            let pointer = to.strip_prefix('#').expect("a reference within");
            *value = PUBLISHED
                .pointer(pointer)
                .expect("it leads somewhere")
                .clone();
        }
    };
    let paths = document["paths"].as_object_mut().expect("paths");
    for operation in paths
        .values_mut()
        .flat_map(|p| p.as_object_mut().expect("a path").values_mut())
    {
        let parameters = operation.get_mut("parameters");
        parameters
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .for_each(replace);
        let responses = operation["responses"].as_object_mut().expect("responses");
        responses.values_mut().for_each(replace);
        if operation["x-roles"] == json!(["any"]) {
            operation["x-roles"] = Role::VARIANTS.iter().map(|r| r.as_str()).collect();
        }
    }
    document
});

/// One operation of it.
#[derive(Debug, Clone)]
pub struct Described {
    /// In capitals.
    pub method: String,
    pub path: String,
    pub operation: Value,
}

impl Described {
    /// `GET /api/v1/boards`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it needs no token.
    pub fn is_public(&self) -> bool {
        self.operation["security"] == json!([])
    }

    /// Its path with something in place of every parameter.
    pub fn address(&self, id: &str) -> String {
        let filled: Vec<String> = self
            .path
            .split('/')
            .map(|part| match part.split_once('}') {
                Some((_, ending)) => format!("{id}{ending}"),
                None => part.to_owned(),
            })
            .collect();
        filled.join("/")
    }

    /// The media types of its body.
    pub fn media_types(&self) -> Vec<String> {
        self.operation["requestBody"]["content"]
            .as_object()
            .map(|c| c.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Its parameters of one place (`query`, `header`, `path`).
    pub fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.operation["parameters"].as_array();
        all.into_iter()
            .flatten()
            .filter(|p| p["in"] == place)
            .collect()
    }
}

/// The codes of the problems that an operation can answer: its own, and those that follow from its
/// form.
pub fn problems_of(path: &str, operation: &Value) -> Vec<&'static str> {
    let has = |place: &str, name: &str| {
        let all = operation["parameters"].as_array().into_iter().flatten();
        all.into_iter()
            .any(|p| p["in"] == place && (name.is_empty() || p["name"] == name))
    };
    let is_public = operation["security"] == json!([]);
    let id = operation["operationId"].as_str().unwrap_or_default();
    let is_change = PUBLISHED["paths"][path]["get"]["operationId"] != id;
    let forms = [
        ("any", true),
        ("change", is_change),
        ("bulk", path.ends_with("/bulk")),
        ("create", id.starts_with("create")),
        ("update", id.starts_with("update")),
        ("withdraw", id.starts_with("withdraw")),
        ("restore", id.starts_with("restore")),
        ("token", !is_public),
        ("role", !is_public),
        ("path", path.contains('{')),
        ("body", operation["requestBody"].is_object()),
        ("cursor", has("query", "cursor")),
        ("etag", operation["responses"]["304"].is_object()),
        ("if_match", has("header", "If-Match")),
        ("idempotency_key", has("header", "Idempotency-Key")),
    ];
    let mut codes = Vec::new();
    for (form, _) in forms.into_iter().filter(|(_, is)| *is) {
        let all = PUBLISHED["x-problems"][form].as_array().expect("a list");
        codes.extend(all.iter().filter_map(Value::as_str));
    }
    let own = PUBLISHED
        .pointer(&format!(
            "/paths/{}",
            path.replace('~', "~0").replace('/', "~1")
        ))
        .and_then(|item| {
            item.as_object()?
                .values()
                .find(|o| o["operationId"] == operation["operationId"])
        })
        .and_then(|o| o["x-problems"].as_array());
    codes.extend(own.into_iter().flatten().filter_map(Value::as_str));
    codes
}

/// Every operation, in the document's order.
pub fn operations() -> Vec<Described> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let of = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("a path item").clone();
        let path = path.clone();
        methods
            .into_iter()
            .map(move |(method, operation)| Described {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                operation,
            })
    };
    paths.iter().flat_map(of).collect()
}

/// What a reference (`#/…`) leads to.
pub fn resolve(reference: &str) -> Option<&'static Value> {
    DOCUMENT.pointer(reference.strip_prefix('#')?)
}

/// A value, or what it refers to.
pub fn follow(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            follow(resolve(reference).unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => value,
    }
}

/// A validator of a schema that stands in the document. Each is made once.
pub fn compile(schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Known> = LazyLock::new(Mutex::default);
    once(&KNOWN, schema, false)
}

/// The same, with answers closed: clients must accept new fields, but this build must answer none
/// that it does not document.
pub fn compile_closed(schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Known> = LazyLock::new(Mutex::default);
    once(&KNOWN, schema, true)
}

type Known = Mutex<HashMap<String, Arc<Validator>>>;

fn once(known: &Known, schema: &Value, is_closed: bool) -> Arc<Validator> {
    let text = schema.to_string();
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let made = lock().get(&text).cloned();
    made.unwrap_or_else(|| {
        let made = Arc::new(compile_anew(schema, is_closed));
        lock().insert(text, Arc::clone(&made));
        made
    })
}

/// With no more of the document than the schema refers to: all of it takes a second to read.
fn compile_anew(schema: &Value, is_closed: bool) -> Validator {
    let mut needed = serde_json::Map::new();
    let mut todo = references(schema);
    while let Some(reference) = todo.pop() {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        let found = resolve(&reference).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        if needed.insert(name, found.clone()).is_none() {
            todo.extend(references(found));
        }
    }
    let mut whole = schema.clone();
    if is_closed {
        close(&mut whole);
        for (name, schema) in &mut needed {
            // What others are made of is closed where it is used.
            if !is_base(name) {
                close(schema);
            }
        }
    }
    whole["components"] = json!({ "schemas": needed });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .unwrap_or_else(|e| panic!("a schema does not compile: {e}\n{schema:#}"))
}

/// Whether other schemas are this one and more.
pub fn is_base(name: &str) -> bool {
    static BASES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let schemas = PUBLISHED["components"]["schemas"].as_object();
        let parts = schemas.expect("schemas").values();
        parts
            .flat_map(|s| s["allOf"].as_array().into_iter().flatten())
            .filter_map(|part| part["$ref"].as_str()?.rsplit('/').next())
            .map(str::to_owned)
            .collect()
    });
    BASES.contains(name)
}

/// Refuses what an object, or any within it, does not name.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") || map.contains_key("allOf") {
                map.entry("unevaluatedProperties").or_insert(json!(false));
            }
            for (word, inner) in map.iter_mut() {
                match word.as_str() {
                    // Its parts see only their own fields.
                    "allOf" => {
                        for part in inner.as_array_mut().into_iter().flatten() {
                            let own = part.get_mut("properties").and_then(Value::as_object_mut);
                            own.into_iter().flat_map(|p| p.values_mut()).for_each(close);
                        }
                    }
                    "examples" | "example" => {}
                    _ => close(inner),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

/// Every `$ref` in a value.
pub fn references(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|v| found.extend(references(v)));
        }
        Value::Array(list) => list.iter().for_each(|v| found.extend(references(v))),
        _ => {}
    }
    found
}

/// Every fault of a value, in words.
pub fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|e| format!("{} at `{}`", e, e.instance_path()))
        .collect()
}

/// The operation that an address belongs to. A fixed part goes before a parameter.
pub fn operation_at(method: &str, path: &str) -> Option<&'static (String, Value)> {
    static ALL: LazyLock<HashMap<String, Vec<(String, Value)>>> = LazyLock::new(|| {
        let mut all: HashMap<String, Vec<(String, Value)>> = HashMap::new();
        for o in operations() {
            all.entry(o.method.clone())
                .or_default()
                .push((o.path, o.operation));
        }
        for some in all.values_mut() {
            some.sort_by_key(|(path, _)| path.matches('{').count());
        }
        all
    });
    let method = if method == "HEAD" { "GET" } else { method };
    let parts: Vec<&str> = path.split('/').collect();
    ALL.get(method)?.iter().find(|(template, _)| {
        let wanted: Vec<&str> = template.split('/').collect();
        let fits = |(w, p): (&&str, &&str)| w == p || (w.starts_with('{') && !p.is_empty());
        wanted.len() == parts.len() && wanted.iter().zip(&parts).all(fits)
    })
}

/// Headers that an answer has whenever the document promises them.
const ALWAYS_SENT: [&str; 2] = ["ETag", "Location"];

/// Fails unless the document promises an answer of this status, of this form and with these headers.
pub fn check_answer(method: &str, path: &str, status: u16, headers: &HeaderMap, body: &[u8]) {
    let Some((template, operation)) = operation_at(method, path) else {
        return;
    };
    let responses = &operation["responses"];
    let described = responses
        .get(status.to_string())
        .or_else(|| responses.get("default").filter(|_| status >= 400))
        .unwrap_or_else(|| {
            panic!("{method} {template} answered {status}, which the document does not name")
        });
    for name in ALWAYS_SENT {
        let is_promised = described["headers"].get(name).is_some();
        assert!(
            status >= 400 || is_promised == headers.contains_key(name),
            "{method} {template} answered {status}: {name} is promised: {is_promised}, {headers:?}"
        );
    }
    if body.is_empty() || method == "HEAD" {
        return;
    }
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|t| t.to_str().ok()?.split(';').next())
        .unwrap_or_default();
    let content = &described["content"];
    if media_type == "text/html" || content["text/html"].is_object() {
        return;
    }
    let form = content
        .get(media_type)
        .or_else(|| content.get("*/*").filter(|_| status < 300))
        .unwrap_or_else(|| panic!("{method} {template} answered {status} as {media_type:?}, which the document does not name"));
    if !media_type.ends_with("json") {
        return;
    }
    let value: Value = serde_json::from_slice(body)
        .unwrap_or_else(|e| panic!("{method} {template} answered what is not JSON: {e}"));
    if status >= 400 {
        let code = value["code"].as_str().unwrap_or_default();
        assert!(
            problems_of(template, operation).contains(&code),
            "{method} {template} answered {code}, which the document does not name"
        );
    }
    let validator = compile_closed(&form["schema"]);
    let found = faults(&validator, &value);
    assert!(
        found.is_empty(),
        "{method} {template} {status}: the answer does not fit its schema:\n{}\n{value:#}",
        found.join("\n")
    );
}

/// Whether callers can set a field of a kind.
pub fn has_field(kind: &Kind, field: &str) -> bool {
    let name = format!("#/components/schemas/{}Input", kind.schema_name);
    let form = follow(resolve(&name).expect("an input form"));
    form["properties"].get(field).is_some()
}
