//! Says once, in the components, what many operations and schemas have in common, and refers to it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::world::schema::{LOCAL, Schemas, set};

/// The groups of components that other parts of the document refer to.
const GROUPS: [&str; 4] = ["schemas", "parameters", "responses", "headers"];

/// Gives answers that share the properties of `base` a reference to it in their place: `allOf` the
/// base and their own.
pub fn extend(schemas: &mut Schemas, name: &str, base: Value) {
    let Some(shared) = base.get("properties").and_then(Value::as_object).cloned() else {
        return;
    };
    for form in schemas.values_mut() {
        let own = form.get("properties").and_then(Value::as_object);
        // What is closed is a request, which takes nothing from elsewhere.
        if form.get("additionalProperties").is_some()
            || !own.is_some_and(|own| shared.iter().all(|(k, v)| own.get(k) == Some(v)))
        {
            continue;
        }
        let Some(map) = form.as_object_mut() else {
            continue;
        };
        let mut rest = json!({ "type": "object" });
        for word in ["properties", "required"] {
            let mut part = map.remove(word).unwrap_or_default();
            match &mut part {
                Value::Object(all) => all.retain(|k, _| !shared.contains_key(k)),
                Value::Array(all) => {
                    all.retain(|k| !k.as_str().is_some_and(|k| shared.contains_key(k)));
                }
                _ => continue,
            }
            set(&mut rest, word, part);
        }
        map.remove("type");
        let own_words = std::mem::take(map);
        map.insert(
            "allOf".into(),
            json!([{ "$ref": format!("{LOCAL}{name}") }, rest]),
        );
        map.extend(own_words);
    }
    schemas.insert(name.to_owned(), base);
}

/// Words that describe a value and do not limit it; they stay where a named form is referred to.
const ABOUT: [&str; 2] = ["description", "default"];

/// Refers to the named enumerations and texts wherever one of them is written out.
pub fn name_forms(schemas: &mut Schemas, paths: &mut Map<String, Value>) {
    let known: HashMap<String, String> = schemas
        .iter()
        .filter_map(|(name, form)| Some((limits(form.as_object()?)?, name.clone())))
        .collect();
    for form in schemas.values_mut() {
        if form.as_object().is_none_or(|f| limits(f).is_none()) {
            refer(form, &known);
        }
    }
    each_parameter(paths, |p| refer(p, &known));
}

/// What limits a string to certain codes or to a form; nothing for any other schema.
fn limits(schema: &Map<String, Value>) -> Option<String> {
    let is_limited = schema.contains_key("enum") || schema.contains_key("pattern");
    (is_limited && schema.get("type").is_some_and(|t| t == "string")).then(|| {
        let mut own: BTreeMap<String, Value> = schema
            .iter()
            .filter(|(word, _)| !ABOUT.contains(&word.as_str()))
            .map(|(word, value)| (word.clone(), value.clone()))
            .collect();
        // Two lists of the same words are one enumeration.
        if let Some(Value::Array(words)) = own.get_mut("enum") {
            words.sort_by_key(ToString::to_string);
        }
        serde_json::to_string(&own).unwrap_or_default()
    })
}

fn refer(value: &mut Value, known: &HashMap<String, String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = limits(map).and_then(|l| known.get(&l)) {
                map.retain(|word, _| ABOUT.contains(&word.as_str()));
                map.shift_insert(0, "$ref".into(), format!("{LOCAL}{name}").into());
                return;
            }
            map.iter_mut()
                .filter(|(k, _)| !matches!(k.as_str(), "example" | "examples"))
                .for_each(|(_, v)| refer(v, known));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| refer(v, known)),
        _ => {}
    }
}

/// Moves what several operations say to the components: parameters and answers.
pub fn hoist(paths: &mut Map<String, Value>, responses: &mut Map<String, Value>) -> Value {
    let mut parameters = Map::new();
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    each_parameter(paths, |p| *uses.entry(p.to_string()).or_default() += 1);
    each_parameter(paths, |p| {
        if uses.get(&p.to_string()).is_some_and(|n| *n > 1) {
            let name = p.get("name").and_then(Value::as_str).unwrap_or_default();
            let name = name.to_owned();
            move_to(p, &mut parameters, "parameters", &name);
        }
    });
    uses.clear();
    each_response(paths, |_, r| *uses.entry(r.to_string()).or_default() += 1);
    each_response(paths, |status, r| {
        if r.get("$ref").is_none() && uses.get(&r.to_string()).is_some_and(|n| *n > 1) {
            let name = response_name(status, r);
            move_to(r, responses, "responses", &name);
        }
    });
    parameters.into()
}

fn response_name(status: &str, response: &Value) -> String {
    let schema = response
        .get("content")
        .and_then(Value::as_object)
        .and_then(|c| c.values().next())
        .and_then(|c| c.pointer("/schema/$ref"))
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix(LOCAL));
    match (schema, status) {
        // Not the schema's own name, nor that with `Response`: orval calls answers so, and there is
        // an `ActionResponse`.
        (Some(name), _) => format!("{name}Answer"),
        (None, "304") => "NotModified".to_owned(),
        (None, _) => format!("Answer{status}"),
    }
}

/// Puts a value into a group of components, under a name that no other has, and leaves a reference.
fn move_to(value: &mut Value, group: &mut Map<String, Value>, group_name: &str, name: &str) {
    let mut key = name.to_owned();
    let mut n = 1;
    while group.get(&key).is_some_and(|other| other != value) {
        n += 1;
        key = format!("{name}-{n}");
    }
    let to = json!({ "$ref": format!("#/components/{group_name}/{key}") });
    group.insert(key, std::mem::replace(value, to));
}

fn each_operation(paths: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|p| p.values_mut())
}

fn each_parameter(paths: &mut Map<String, Value>, mut visit: impl FnMut(&mut Value)) {
    for operation in each_operation(paths) {
        if let Some(Value::Array(all)) = operation.get_mut("parameters") {
            all.iter_mut().for_each(&mut visit);
        }
    }
}

fn each_response(paths: &mut Map<String, Value>, mut visit: impl FnMut(&str, &mut Value)) {
    for operation in each_operation(paths) {
        if let Some(Value::Object(all)) = operation.get_mut("responses") {
            all.iter_mut().for_each(|(status, r)| visit(status, r));
        }
    }
}

/// Removes components that nothing refers to.
pub fn prune(document: &mut Value) {
    let used = used(document, document);
    for group in GROUPS {
        let all = document.pointer_mut(&format!("/components/{group}"));
        if let Some(all) = all.and_then(Value::as_object_mut) {
            all.retain(|name, _| used.contains(&format!("#/components/{group}/{name}")));
        }
    }
}

/// The components of `document` that a part of it needs.
pub fn needed(part: &Value, document: &Value) -> Value {
    let used = used(part, document);
    let mut components = Map::new();
    let all = document.get("components").and_then(Value::as_object);
    for (group, members) in all.into_iter().flatten() {
        let is_used = |name: &str| {
            !GROUPS.contains(&group.as_str())
                || used.contains(&format!("#/components/{group}/{name}"))
        };
        let members = members.as_object().into_iter().flatten();
        let kept: Map<String, Value> = members
            .filter(|(name, _)| is_used(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        components.insert(group.clone(), kept.into());
    }
    components.into()
}

/// What a part of a document refers to outside its components, and what that refers to.
fn used(part: &Value, document: &Value) -> HashSet<String> {
    let mut used = HashSet::new();
    let mut todo = Vec::new();
    for (word, value) in part.as_object().into_iter().flatten() {
        if word != "components" {
            references(value, &mut todo);
        }
    }
    while let Some(to) = todo.pop() {
        let found = to.strip_prefix('#').and_then(|p| document.pointer(p));
        if let Some(found) = found.filter(|_| !used.contains(&to)) {
            references(found, &mut todo);
            used.insert(to);
        }
    }
    used
}

/// Takes out what other words say already: an id's length, and that a parameter is optional.
pub fn trim(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("format").is_some_and(|f| f == "uuid") {
                map.shift_remove("maxLength");
            }
            if map.contains_key("in") && map.get("required") == Some(&Value::Bool(false)) {
                map.shift_remove("required");
            }
            map.values_mut().for_each(trim);
        }
        Value::Array(list) => list.iter_mut().for_each(trim),
        _ => {}
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}
