//! A view as a table: its rows, and a page of them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::http::parameters::schema_ref;
use crate::world::schema::page;

/// Flattens nested counts into columns: `declared_rag.red`.
pub(super) fn flatten(row: &mut Map<String, Value>, prefix: &str, value: Value) {
    if let Value::Object(map) = value {
        for (name, value) in map {
            let name = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            flatten(row, &name, value);
        }
    } else {
        row.insert(prefix.to_owned(), value);
    }
}

/// The row of a value, with nested fields flattened.
pub(super) fn row<T: Serialize>(of: &T) -> Map<String, Value> {
    let mut row = Map::new();
    flatten(&mut row, "", json!(of));
    row
}

/// A page of rows that names the date and the settings used to calculate it.
pub(super) fn assessed_page(row: &str) -> Value {
    let mut page = page(&schema_ref(row));
    let own = [
        (
            "on",
            json!({ "type": "string", "format": "date", "description": "Date it is calculated for." }),
        ),
        (
            "settings",
            json!({ "allOf": [schema_ref("SettingsUsed")], "description": "Settings used to calculate it." }),
        ),
    ];
    for (name, schema) in own {
        if let Some(Value::Object(properties)) = page.get_mut("properties") {
            properties.insert(name.into(), schema);
        }
        if let Some(Value::Array(required)) = page.get_mut("required") {
            required.push(name.into());
        }
    }
    page
}
