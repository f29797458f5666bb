//! Every schema has limits and words, every example is valid.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::document::{
    DOCUMENT, PUBLISHED, compile, compile_closed, faults, follow, operations,
};
use crate::support::some;

/// A schema in the document and where it stands.
struct At {
    place: String,
    schema: &'static Value,
}

/// Every schema of the document, those within others too, but none behind a reference: that one
/// stands in its own place.
fn every_schema() -> Vec<At> {
    let mut all = Vec::new();
    let components = DOCUMENT["components"].as_object().expect("components");
    for (name, schema) in components["schemas"].as_object().expect("schemas") {
        within(name.clone(), schema, &mut all);
    }
    for (name, header) in components["headers"].as_object().expect("headers") {
        within(format!("header {name}"), &header["schema"], &mut all);
    }
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            let name = format!("{method} {path}");
            for p in operation["parameters"].as_array().into_iter().flatten() {
                within(format!("{name} {}", p["name"]), &p["schema"], &mut all);
            }
            for (media_type, content) in operation["requestBody"]["content"]
                .as_object()
                .into_iter()
                .flatten()
            {
                within(
                    format!("{name} body {media_type}"),
                    &content["schema"],
                    &mut all,
                );
            }
        }
    }
    all
}

fn within(place: String, schema: &'static Value, all: &mut Vec<At>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        within(format!("{place}.{name}"), inner, all);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        for inner in schema[word].as_array().into_iter().flatten() {
            within(place.clone(), inner, all);
        }
    }
    for word in ["items", "additionalProperties"] {
        if schema[word].is_object() {
            within(format!("{place}[]"), &schema[word], all);
        }
    }
    all.push(At { place, schema });
}

fn is_a(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == name,
        Value::Array(several) => several.iter().any(|t| t == name),
        _ => false,
    }
}

fn report(faults: BTreeSet<String>) {
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn every_string_and_every_list_has_a_limit() {
    let mut found = BTreeSet::new();
    for At { place, schema } in every_schema() {
        let limited = |words: &[&str]| words.iter().any(|w| schema.get(*w).is_some());
        let by_format = matches!(
            schema["format"].as_str(),
            Some("date" | "date-time" | "uuid")
        );
        // A pattern alone may let any length through: only one that begins, ends and never repeats
        // without bound would do.
        if is_a(schema, "string") && !by_format && !limited(&["maxLength", "enum", "const"]) {
            found.insert(format!("{place}: a string without a limit"));
        }
        if is_a(schema, "array") && !limited(&["maxItems"]) {
            found.insert(format!("{place}: a list without a limit"));
        }
        if is_a(schema, "array") && schema.get("items").is_none() {
            found.insert(format!("{place}: a list of anything"));
        }
    }
    report(found);
}

#[test]
fn requests_are_closed_and_answers_are_open_and_whole() {
    /// RFC 6749 asks that what is not recognised be ignored.
    const OPEN: [&str; 2] = ["TokenRequestInput", "RevocationRequestInput"];
    let mut found = BTreeSet::new();
    for At { place, schema } in every_schema()
        .into_iter()
        .filter(|a| !OPEN.contains(&a.place.as_str()))
    {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        let owner = place.split(['.', '[']).next().unwrap_or_default();
        let is_request = owner.contains(" body ")
            || ["Input", "Patch", "Bulk", "BulkOperation"]
                .iter()
                .any(|end| owner.ends_with(end));
        let is_closed = schema["additionalProperties"] == Value::Bool(false);
        if is_request != is_closed {
            found.insert(format!("{place}: a request is closed, an answer is open"));
        }
        if is_request {
            continue;
        }
        // What an answer has it always has: a reader need not ask whether a field is there.
        let required: BTreeSet<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for field in properties.keys().filter(|p| !required.contains(p.as_str())) {
            found.insert(format!("{place}.{field}: may be missing from an answer"));
        }
    }
    report(found);
}

#[test]
fn every_field_and_every_parameter_is_described() {
    let words = |v: &Value| {
        v["description"]
            .as_str()
            .is_some_and(|d| !d.trim().is_empty())
    };
    let mut found = BTreeSet::new();
    for At { place, schema } in every_schema() {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let fits = name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !fits && !place.starts_with("header") {
                found.insert(format!("{place}.{name}: is not snake_case"));
            }
            // What is a type of its own may be described there, and what a patch changes is
            // described where it is created.
            let draft = place
                .strip_suffix("Patch")
                .map(|kind| format!("{kind}Input"));
            let draft = draft.map(|d| &DOCUMENT["components"]["schemas"][d]["properties"][name]);
            if ![Some(property), Some(follow(property)), draft]
                .into_iter()
                .flatten()
                .any(&words)
            {
                found.insert(format!("{place}.{name}: no description"));
            }
        }
    }
    for o in operations() {
        for p in o.operation["parameters"].as_array().into_iter().flatten() {
            if !words(p) {
                found.insert(format!("{} {}: no description", o.name(), p["name"]));
            }
        }
    }
    for (name, header) in DOCUMENT["components"]["headers"]
        .as_object()
        .expect("headers")
    {
        if !words(header) {
            found.insert(format!("header {name}: no description"));
        }
    }
    report(found);
}

/// What has a name without being a record: what an item measures, a partner that is not recorded as
/// a unit, and the section of terms of reference that gives the board's name.
const NAMED: [&str; 3] = ["ItemMeasure", "ItemPartner", "TermsSections"];

#[test]
fn what_a_record_is_called_is_its_title() {
    let has_name = |at: &At| at.schema["properties"].get("name").is_some();
    let is_record = |place: &String| !NAMED.contains(&place.trim_end_matches("Input"));
    let found = every_schema().into_iter().filter(has_name);
    report(found.map(|at| at.place).filter(is_record).collect());
}

#[test]
fn every_enum_is_of_lower_snake_case_words() {
    let fits = |v: &Value| match v {
        Value::String(s) => {
            !s.is_empty()
                && s.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        }
        Value::Null => true,
        _ => false,
    };
    let mut found = BTreeSet::new();
    for At { place, schema } in every_schema() {
        for value in schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|v| !fits(v))
        {
            found.insert(format!("{place}: {value}"));
        }
    }
    report(found);
}

/// The words of an enumeration in one order.
fn sorted(words: &Value) -> String {
    let mut all: Vec<String> = words
        .as_array()
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
    all.sort();
    all.join(",")
}

/// A list of words that filters or fields share is a type of its own, so that clients generated from
/// the document have one type for it; and the codes of problems are such types.
#[test]
fn enumerations_are_referred_to() {
    let schemas = &PUBLISHED["components"]["schemas"];
    let named: BTreeSet<String> = schemas
        .as_object()
        .expect("schemas")
        .values()
        .filter(|s| s["enum"].is_array())
        .map(|s| sorted(&s["enum"]))
        .collect();
    let mut found = BTreeSet::new();
    let mut inline: BTreeMap<String, usize> = BTreeMap::new();
    let components = PUBLISHED["components"]["parameters"].as_object();
    let shared = components.expect("parameters").iter();
    let mut parameters: Vec<(String, &Value)> = shared.map(|(n, p)| (n.clone(), p)).collect();
    for (path, item) in PUBLISHED["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            let own = operation["parameters"].as_array().into_iter().flatten();
            parameters.extend(own.map(|p| (format!("{method} {path} {}", p["name"]), p)));
        }
    }
    for (name, p) in some(parameters) {
        for part in [&p["schema"], &p["schema"]["items"]] {
            let Some(words) = part["enum"].as_array() else {
                continue;
            };
            let text = sorted(&part["enum"]);
            if named.contains(&text) || words.len() > 10 {
                found.insert(format!("{name}: {} words written out", words.len()));
            }
            *inline.entry(text).or_default() += 1;
        }
    }
    for (words, _) in inline.iter().filter(|(_, n)| **n > 1) {
        found.insert(format!("written out by several filters: {words}"));
    }
    for (owner, field, code) in [
        ("ProblemBody", "code", "ProblemCode"),
        ("BulkProblem", "code", "ProblemCode"),
        ("FieldError", "code", "FieldErrorCode"),
    ] {
        let to = &schemas[owner]["properties"][field]["$ref"];
        if *to != format!("#/components/schemas/{code}") {
            found.insert(format!("{owner}.{field}: {to}"));
        }
        if schemas[code]["enum"].as_array().is_none_or(Vec::is_empty) {
            found.insert(format!("{code} lists no codes"));
        }
    }
    report(found);
}

/// Generators map a choice between shapes badly: `oneOf` says only that a value may be null, and
/// `anyOf` is never used; a form has named fields only.
#[test]
fn no_value_is_a_choice_between_shapes() {
    let mut found = BTreeSet::new();
    for At { place, schema } in every_schema() {
        if schema.get("anyOf").is_some() {
            found.insert(format!("{place}: anyOf"));
        }
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        let shapes = choices.filter(|c| c["type"] != "null").count();
        if shapes > 1 {
            found.insert(format!("{place}: oneOf {shapes} shapes"));
        }
        let has_fields = schema["properties"].is_object();
        if has_fields
            && !matches!(
                schema["additionalProperties"],
                Value::Null | Value::Bool(false)
            )
        {
            found.insert(format!("{place}: named fields and others"));
        }
    }
    report(found);
}

/// An example, where it stands, and the schema it must fit.
fn examples() -> Vec<(String, &'static Value, &'static Value)> {
    let mut all = Vec::new();
    for At { place, schema } in every_schema() {
        if let Some(example) = schema.get("example") {
            all.push((place.clone(), schema, example));
        }
        for example in schema["examples"].as_array().into_iter().flatten() {
            all.push((place.clone(), schema, example));
        }
    }
    let mut of_content = |place: &str, holder: &'static Value| {
        for (media_type, content) in holder["content"].as_object().into_iter().flatten() {
            if let Some(example) = content.get("example") {
                all.push((format!("{place} {media_type}"), &content["schema"], example));
            }
        }
    };
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            of_content(&format!("{method} {path} body"), &operation["requestBody"]);
            for (status, response) in operation["responses"].as_object().expect("responses") {
                of_content(&format!("{method} {path} {status}"), follow(response));
            }
        }
    }
    let components = DOCUMENT["components"].as_object().expect("components");
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("a path") {
            for p in operation["parameters"].as_array().into_iter().flatten() {
                if let Some(example) = p.get("example") {
                    all.push((
                        format!("{method} {path} {}", p["name"]),
                        &p["schema"],
                        example,
                    ));
                }
            }
        }
    }
    for (name, schema) in components["schemas"].as_object().expect("schemas") {
        for example in schema["examples"].as_array().into_iter().flatten() {
            all.push((format!("schema {name}"), schema, example));
        }
    }
    for (name, header) in components["headers"].as_object().expect("headers") {
        if let Some(example) = header.get("example") {
            all.push((format!("header {name}"), &header["schema"], example));
        }
    }
    all
}

#[test]
fn every_example_fits_its_schema() {
    let mut found = BTreeSet::new();
    let all = examples();
    assert!(all.len() > 20, "the walk finds examples");
    for (place, schema, example) in all {
        for fault in faults(&compile_closed(schema), example) {
            found.insert(format!("{place}: {fault}"));
        }
    }
    report(found);
}

#[test]
fn every_record_has_an_example() {
    for kind in some(stride::registers::catalogue().kinds()) {
        let examples = &DOCUMENT["components"]["schemas"][&kind.schema_name]["examples"];
        assert!(examples[0]["id"].is_string(), "{}", kind.name);
    }
}

#[test]
fn every_body_has_an_example() {
    let mut found = BTreeSet::new();
    for o in operations() {
        let forms = o.operation["requestBody"]["content"].as_object();
        // The same body in two media types has one example, with the first of them.
        let is_repeated = |media_type: &str, content: &Value| {
            let first = forms.and_then(|f| f.iter().next());
            first.is_some_and(|(m, f)| {
                m != media_type && f["schema"] == content["schema"] && f["example"].is_object()
            })
        };
        for (media_type, content) in forms.into_iter().flatten() {
            if is_repeated(media_type, content) {
                continue;
            }
            let is_file = content["schema"]["format"] == "binary";
            let is_table = media_type == "text/csv" && content["example"].is_string();
            if !content["example"].is_object() && !is_file && !is_table {
                found.insert(format!("{} {media_type}", o.name()));
            }
        }
    }
    report(found);
}

#[test]
fn every_schema_compiles() {
    for (name, _) in DOCUMENT["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        compile(&serde_json::json!({ "$ref": format!("#/components/schemas/{name}") }));
    }
}
