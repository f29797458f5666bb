//! The fields of a document as the columns of a table. They follow from its schema, so a table has
//! the same columns whatever its rows are.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::schema::{LOCAL, Schemas, add_answer};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldForm {
    /// A text, number, code or truth value, as it is.
    Plain,
    /// An id.
    Id,
    /// A whole document as text, which has an address of its own.
    Document,
    /// A day.
    Day,
    /// A time.
    Time,
    /// The reference of the record whose id the field holds.
    Reference,
    /// The title of that record.
    Title,
}

/// A field of a document, at any depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, with those of the objects that it is in: `deadline.due_on`. In the members of a
    /// list, it is one field with a list of values.
    pub name: String,
    /// The names on the way to its value.
    pub path: Vec<String>,
    pub form: FieldForm,
}

/// A text that may have this many characters is a document.
const DOCUMENT_CHARACTERS: u64 = 1_000_000;

/// Endings of links that no table names, because only administrators and auditors may read what
/// they lead to.
const UNNAMED: [&str; 2] = ["account_id", "person_id"];

impl Field {
    /// A field with this name, which says what it holds.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let form = match name {
            n if n == "id" || n.ends_with("_id") || n.ends_with(".id") => FieldForm::Id,
            n if n.ends_with("_on") || n == "on" => FieldForm::Day,
            n if n.ends_with("_at") => FieldForm::Time,
            _ => FieldForm::Plain,
        };
        Self {
            name: name.to_owned(),
            path: name.split('.').map(str::to_owned).collect(),
            form,
        }
    }

    /// A field with any name, directly in the document.
    #[must_use]
    pub fn plain(name: String) -> Self {
        Self {
            path: vec![name.clone()],
            name,
            form: FieldForm::Plain,
        }
    }

    /// The same field within another.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.name = format!("{outer}.{}", self.name);
        self.path.insert(0, outer.to_owned());
        self
    }
}

/// The fields of a type, in the order of its schema.
#[must_use]
pub fn fields_of<T: ToSchema>() -> Vec<Field> {
    let mut schemas = Schemas::new();
    add_answer::<T>(&mut schemas);
    let name = T::name();
    schemas
        .get(name.as_ref())
        .map(|schema| fields(schema, &schemas))
        .unwrap_or_default()
}

/// The fields of a document with this schema. Objects are taken apart at every depth. Links have the
/// reference and the title of the linked record next to them.
#[must_use]
pub fn fields(schema: &Value, schemas: &Schemas) -> Vec<Field> {
    let mut found = Found {
        schemas,
        fields: Vec::new(),
        path: Vec::new(),
        within: Vec::new(),
    };
    found.add(schema);
    let known: BTreeSet<String> = found.fields.iter().map(|f| f.name.clone()).collect();
    let fields = found.fields.into_iter();
    fields.flat_map(|field| with_names(field, &known)).collect()
}

/// A link, followed by what it leads to.
fn with_names(field: Field, known: &BTreeSet<String>) -> Vec<Field> {
    let list = field.name.strip_suffix("_ids");
    let base = list.or(field.name.strip_suffix("_id"));
    let is_named = field.form == FieldForm::Id
        && !UNNAMED
            .iter()
            .any(|end| field.name.trim_end_matches('s').ends_with(end));
    let Some(base) = base.filter(|_| is_named).map(str::to_owned) else {
        return vec![field];
    };
    let plural = if list.is_some() { "s" } else { "" };
    let of = |what: &str, form| {
        let name = format!("{base}_{what}{plural}");
        Field {
            // The document may have such a field of its own.
            name: if known.contains(&name) {
                format!("{}.{what}", field.name)
            } else {
                name
            },
            path: field.path.clone(),
            form,
        }
    };
    let names = [
        of("reference", FieldForm::Reference),
        of("title", FieldForm::Title),
    ];
    std::iter::once(field.clone()).chain(names).collect()
}

struct Found<'a> {
    schemas: &'a Schemas,
    fields: Vec<Field>,
    path: Vec<String>,
    /// Types that are being taken apart; one that contains itself stays whole there.
    within: Vec<&'a str>,
}

impl<'a> Found<'a> {
    fn add(&mut self, schema: &'a Value) {
        if !self.take_apart(schema) {
            self.push(schema);
        }
    }

    /// Adds the fields of an object, or of the members of a list; false if it has no fields.
    fn take_apart(&mut self, schema: &'a Value) -> bool {
        let to = schema.get("$ref").and_then(Value::as_str);
        if let Some(name) = to.and_then(|to| to.strip_prefix(LOCAL)) {
            let Some(schema) = self
                .schemas
                .get(name)
                .filter(|_| !self.within.contains(&name))
            else {
                return false;
            };
            self.within.push(name);
            let is_apart = self.take_apart(schema);
            self.within.pop();
            return is_apart;
        }
        if let Some(items) = schema.get("items") {
            return self.take_apart(items);
        }
        // A field that may be null is a choice of null and its type.
        let choices = schema.get("oneOf").and_then(Value::as_array);
        let mut choices = choices.into_iter().flatten();
        let one = choices.find(|c| c.get("type").is_none_or(|t| t != "null"));
        let is_only = choices.all(|c| c.get("type").is_some_and(|t| t == "null"));
        if let Some(one) = one.filter(|_| is_only) {
            return self.take_apart(one);
        }
        let mut properties: Vec<(&'a String, &'a Value)> = Vec::new();
        self.collect(schema, &mut properties);
        for (name, property) in &properties {
            self.path.push((*name).clone());
            self.add(property);
            self.path.pop();
        }
        !properties.is_empty()
    }

    /// Collects the properties of an object that may have several forms.
    fn collect(&self, schema: &'a Value, properties: &mut Vec<(&'a String, &'a Value)>) {
        let parts = ["oneOf", "allOf", "anyOf"].map(|w| schema.get(w).and_then(Value::as_array));
        for part in parts.into_iter().flatten().flatten() {
            let to = part.get("$ref").and_then(Value::as_str);
            let named = to
                .and_then(|to| to.strip_prefix(LOCAL))
                .filter(|name| !self.within.contains(name))
                .and_then(|name| self.schemas.get(name));
            self.collect(named.unwrap_or(part), properties);
        }
        let own = schema.get("properties").and_then(Value::as_object);
        for (name, property) in own.into_iter().flat_map(Map::iter) {
            if properties.iter().all(|(known, _)| *known != name) {
                properties.push((name, property));
            }
        }
    }

    fn push(&mut self, schema: &Value) {
        let item = schema.get("items").unwrap_or(schema);
        let longest = item.get("maxLength").and_then(Value::as_u64);
        let form = match item.get("format").and_then(Value::as_str) {
            Some("uuid") => FieldForm::Id,
            Some("date") => FieldForm::Day,
            Some("date-time") => FieldForm::Time,
            _ if longest.is_some_and(|n| n >= DOCUMENT_CHARACTERS) => FieldForm::Document,
            _ => FieldForm::Plain,
        };
        self.fields.push(Field {
            name: self.path.join("."),
            path: self.path.clone(),
            form,
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_follow_from_the_schema() {
        let own = json!({ "$ref": "#/components/schemas/Own" });
        let date = json!({ "type": "string", "format": "date" });
        let id = json!({ "type": ["string", "null"], "format": "uuid" });
        let schemas = Schemas::from([(
            "Own".to_owned(),
            json!({ "properties": {
                "due_on": date,
                "parts": { "type": "array", "items": own },
            } }),
        )]);
        let schema = json!({ "properties": {
            "id": id,
            "board_id": id,
            "account_id": id,
            "goal_ids": { "type": "array", "items": id },
            "deadline": { "oneOf": [{ "type": "null" }, own] },
            "steps": { "type": "array", "items": { "properties": { "day": date } } },
        } });
        let found = fields(&schema, &schemas);
        let names: Vec<&str> = found.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "id",
                "board_id",
                "board_reference",
                "board_title",
                "account_id",
                "goal_ids",
                "goal_references",
                "goal_titles",
                "deadline.due_on",
                "deadline.parts",
                "steps.day",
            ]
        );
        assert_eq!(found[2].path, ["board_id"]);
        assert_eq!(found[10].form, FieldForm::Day);
    }
}
