//! The page of a view that has rows.

use serde_json::{Value, json};

use crate::http::parameters::schema_ref;
use crate::world::schema::page;

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
