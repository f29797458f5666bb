//! Values to try a list's own filters with: from its schema, and from the records that are there.

use chrono::Utc;
use serde_json::Value;
use stride::world::Kind;

use crate::support::document::resolve;
use crate::support::perhaps;

/// One parameter with one value.
pub struct Filter {
    pub name: String,
    pub value: String,
    /// It names one value that a field of the same name must have.
    pub exact: bool,
}

/// Every filter of a kind with every value that tells something.
pub fn filters(kind: &Kind, records: &[Value]) -> Vec<Filter> {
    let mut all = Vec::new();
    for parameter in perhaps((kind.filter_params)()) {
        let name = parameter["name"].as_str().expect("a name").to_owned();
        let schema = plain(&parameter["schema"]);
        let values = values(&name, &schema, records);
        assert!(
            !values.is_empty(),
            "{} {name}: no value to try: {schema}",
            kind.name
        );
        for (value, exact) in values {
            all.push(Filter {
                name: name.clone(),
                value,
                exact,
            });
        }
    }
    all
}

/// A schema without its reference and without its null.
pub fn plain(schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return plain(resolve(reference).unwrap_or_else(|| panic!("{reference} leads nowhere")));
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let other = options.iter().find(|o| o["type"] != "null");
        return plain(other.unwrap_or_else(|| panic!("nothing but null: {schema}")));
    }
    let mut schema = schema.clone();
    if let Some(types) = schema["type"].as_array() {
        schema["type"] = types
            .iter()
            .find(|t| *t != "null")
            .cloned()
            .unwrap_or_default();
    }
    schema
}

fn words(schema: &Value) -> Option<Vec<String>> {
    let words = schema["enum"].as_array()?;
    Some(
        words
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

fn values(name: &str, schema: &Value, records: &[Value]) -> Vec<(String, bool)> {
    let exact = |values: Vec<String>| values.into_iter().map(|v| (v, true)).collect::<Vec<_>>();
    let loose = |values: Vec<String>| values.into_iter().map(|v| (v, false)).collect::<Vec<_>>();
    if let Some(words) = words(schema) {
        return exact(words);
    }
    if schema["type"] == "array" {
        let items = plain(&schema["items"]);
        let mut words =
            words(&items).unwrap_or_else(|| found(records, |s| s.parse::<uuid::Uuid>().is_ok()));
        // A list takes no more than its schema says; of a hundred codes some are enough.
        let most = schema["maxItems"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        words.truncate(most.unwrap_or(usize::MAX).min(20));
        let mut all = exact(words.clone());
        all.push((words.join(","), false));
        return all;
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => exact(vec!["true".into(), "false".into()]),
        (Some("integer"), _) => {
            let least = schema["minimum"].as_i64().unwrap_or(0);
            let most = schema["maximum"].as_i64().unwrap_or(least + 3);
            loose(vec![
                least.to_string(),
                ((least + most) / 2).to_string(),
                most.to_string(),
            ])
        }
        (Some("string"), Some("uuid")) => {
            let mut ids = found(records, |s| s.parse::<uuid::Uuid>().is_ok());
            ids.push(uuid::Uuid::now_v7().to_string());
            exact(ids)
        }
        (Some("string"), Some("date")) => {
            let mut days = found(records, |s| s.parse::<chrono::NaiveDate>().is_ok());
            days.truncate(4);
            days.extend(["2020-01-01".into(), Utc::now().date_naive().to_string()]);
            loose(days)
        }
        (Some("string"), _) => {
            let mut texts: Vec<String> = records
                .iter()
                .filter_map(|r| r[name].as_str())
                .map(str::to_owned)
                .collect();
            texts.push("no such word".into());
            loose(texts)
        }
        other => panic!("a filter of a sort that the tests do not know: {name} {other:?}"),
    }
}

/// Every distinct string somewhere in the records that is one.
fn found(records: &[Value], is_one: impl Fn(&str) -> bool) -> Vec<String> {
    fn walk(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::String(s) if !all.contains(s) => all.push(s.clone()),
            Value::Array(list) => list.iter().for_each(|v| walk(v, all)),
            Value::Object(map) => map.values().for_each(|v| walk(v, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    records.iter().for_each(|r| walk(r, &mut all));
    all.retain(|s| is_one(s));
    all.truncate(12);
    all
}
