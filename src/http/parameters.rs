//! Parts of an OpenAPI document that many operations use.

use serde_json::{Value, json};

/// A reference to a named schema.
#[must_use]
pub fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A query parameter.
#[must_use]
pub fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// A query parameter that is an id.
#[must_use]
pub fn id_query(name: &str, description: &str) -> Value {
    query(
        name,
        description,
        json!({ "type": "string", "format": "uuid", "maxLength": 36 }),
    )
}

/// A path parameter that is an id.
#[must_use]
pub fn id_parameter(what: &str) -> Value {
    json!({ "name": "id", "in": "path", "required": true, "description": format!("Id of the {what}."),
            "schema": { "type": "string", "format": "uuid", "maxLength": 36 }, "example": "019abcde-0000-7000-8000-000000000001" })
}

/// A header parameter.
#[must_use]
pub fn header(name: &str, required: bool, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": required, "description": description, "schema": schema })
}
