//! The OpenAPI document as the tests read it, and the check that an answer is what it promises.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

/// The document, with the parameters that operations share put back in their places.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value =
        serde_json::from_str(&stride::app::document()).expect("the OpenAPI document is JSON");
    let shared = document["components"]["parameters"].clone();
    let paths = document["paths"].as_object_mut().expect("paths");
    for operation in paths
        .values_mut()
        .flat_map(|p| p.as_object_mut().expect("a path").values_mut())
    {
        for parameter in operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(name) = parameter["$ref"]
                .as_str()
                .and_then(|r| r.strip_prefix("#/components/parameters/"))
            {
                *parameter = shared
                    .get(name)
                    .expect("a reference leads to a parameter")
                    .clone();
            }
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
        let filled: Vec<&str> = self
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { id } else { part })
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
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let text = schema.to_string();
    let known = KNOWN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&text)
        .cloned();
    known.unwrap_or_else(|| {
        let made = Arc::new(compile_anew(schema));
        KNOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(text, Arc::clone(&made));
        made
    })
}

/// With no more of the document than the schema refers to: all of it takes a second to read.
fn compile_anew(schema: &Value) -> Validator {
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
    whole["components"] = json!({ "schemas": needed });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .unwrap_or_else(|e| panic!("a schema does not compile: {e}\n{schema:#}"))
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

/// Fails unless the document promises an answer of this status, and of this form.
pub fn check_answer(
    method: &str,
    path: &str,
    status: u16,
    content_type: Option<&str>,
    body: &[u8],
) {
    let Some((template, operation)) = operation_at(method, path) else {
        return;
    };
    let responses = &operation["responses"];
    let described = responses.get(status.to_string()).unwrap_or_else(|| {
        panic!("{method} {template} answered {status}, which the document does not name")
    });
    let described = follow(described);
    if body.is_empty() || method == "HEAD" {
        return;
    }
    let media_type = content_type
        .and_then(|t| t.split(';').next())
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
    let validator = compile(&form["schema"]);
    let found = faults(&validator, &value);
    assert!(
        found.is_empty(),
        "{method} {template} {status}: the answer does not fit its schema:\n{}\n{value:#}",
        found.join("\n")
    );
}
