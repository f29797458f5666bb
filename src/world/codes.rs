//! Where a document has codes: for each of its fields, the vocabularies of its values. They are
//! found in the schema, so a field needs to say nothing more.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::schema::{LOCAL, Schemas};
use super::vocabulary::Vocabulary;

/// Vocabularies by the names of their schemas.
type Vocabularies = BTreeMap<String, Arc<Vocabulary>>;

/// The codes of a value: its own if it is a code, and those of its fields. The members of a list
/// count as the list.
#[derive(Debug, Default)]
pub struct Codes {
    own: Vec<Arc<Vocabulary>>,
    fields: BTreeMap<String, Codes>,
}

static NONE: Codes = Codes {
    own: Vec::new(),
    fields: BTreeMap::new(),
};

impl Codes {
    /// The codes of a value with this schema.
    fn of(schema: &Value, schemas: &Schemas, vocabularies: &Vocabularies) -> Self {
        let mut codes = Self::default();
        codes.add(schema, &(schemas, vocabularies), &mut Vec::new());
        codes
    }

    fn add<'a>(
        &mut self,
        schema: &'a Value,
        known: &(&'a Schemas, &'a Vocabularies),
        within: &mut Vec<&'a str>,
    ) {
        let parts =
            ["oneOf", "allOf", "anyOf"].map(|name| schema.get(name).and_then(Value::as_array));
        for part in parts
            .into_iter()
            .flatten()
            .flatten()
            .chain(schema.get("items"))
        {
            self.add(part, known, within);
        }
        let fields = schema.get("properties").and_then(Value::as_object);
        for (name, field) in fields.into_iter().flatten() {
            let codes = self.fields.entry(name.clone()).or_default();
            codes.add(field, known, within);
        }
        let to = schema.get("$ref").and_then(Value::as_str);
        let Some(name) = to.and_then(|to| to.strip_prefix(LOCAL)) else {
            return;
        };
        if let Some(vocabulary) = known.1.get(name) {
            if !self.own.iter().any(|own| own.name == vocabulary.name) {
                self.own.push(Arc::clone(vocabulary));
            }
        } else if let Some(schema) = known.0.get(name)
            // A type that contains itself is followed once.
            && !within.contains(&name)
        {
            within.push(name);
            self.add(schema, known, within);
            within.pop();
        }
    }

    /// The vocabularies of the value itself.
    #[must_use]
    pub fn own(&self) -> &[Arc<Vocabulary>] {
        &self.own
    }

    /// The codes of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> &Self {
        self.fields.get(name).unwrap_or(&NONE)
    }

    /// The codes of the field at a JSON Pointer.
    #[must_use]
    pub fn at(&self, pointer: &str) -> &Self {
        let names = pointer.split('/').filter(|name| !name.is_empty());
        names.fold(self, |codes, name| codes.field(name))
    }

    /// The vocabularies of every field with this name, at any depth.
    #[must_use]
    pub fn anywhere(&self, name: &str) -> Vec<Arc<Vocabulary>> {
        let mut found = self.field(name).own.clone();
        for vocabulary in self.fields.values().flat_map(|field| field.anywhere(name)) {
            if !found.iter().any(|known| known.name == vocabulary.name) {
                found.push(vocabulary);
            }
        }
        found
    }

    /// What people read in place of a code.
    #[must_use]
    pub fn label(&self, code: &str) -> Option<&str> {
        self.own.iter().find_map(|v| v.label(code))
    }
}

/// The codes of every type in the document, each worked out when it is first asked for.
pub struct CodeBook {
    schemas: Schemas,
    vocabularies: Vocabularies,
    known: BTreeMap<String, OnceLock<Codes>>,
}

impl CodeBook {
    /// The codes of the types with these schemas.
    #[must_use]
    pub fn new(schemas: Schemas, vocabularies: Vec<Vocabulary>) -> Self {
        let named = |v: Vocabulary| (v.name.to_string(), Arc::new(v));
        Self {
            known: schemas
                .keys()
                .map(|name| (name.clone(), OnceLock::new()))
                .collect(),
            vocabularies: vocabularies.into_iter().map(named).collect(),
            schemas,
        }
    }

    /// The codes of a type, by the name of its schema.
    #[must_use]
    pub fn of(&self, name: &str) -> &Codes {
        let (Some(known), Some(schema)) = (self.known.get(name), self.schemas.get(name)) else {
            return &NONE;
        };
        known.get_or_init(|| Codes::of(schema, &self.schemas, &self.vocabularies))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::world::Marking;

    #[test]
    fn codes_are_found_at_every_depth() {
        let vocabularies =
            Vocabularies::from([("Marking".to_owned(), Arc::new(Vocabulary::of::<Marking>()))]);
        let marking = json!({ "$ref": "#/components/schemas/Marking" });
        let own = json!({ "$ref": "#/components/schemas/Own" });
        let schemas = Schemas::from([(
            "Own".to_owned(),
            json!({ "properties": {
                "marking": { "oneOf": [{ "type": "null" }, marking] },
                "parts": { "type": "array", "items": own },
                "name": { "type": "string" },
            } }),
        )]);
        let codes = Codes::of(&own, &schemas, &vocabularies);
        let label = "OFFICIAL-SENSITIVE";
        assert_eq!(
            codes.at("/marking").label("official_sensitive"),
            Some(label)
        );
        assert_eq!(codes.at("/name").label("official_sensitive"), None);
        let page = json!({ "properties": { "items": { "type": "array", "items": own } } });
        let codes = Codes::of(&page, &schemas, &vocabularies);
        assert_eq!(
            codes.at("/items/marking").label("official"),
            Some("OFFICIAL")
        );
        assert_eq!(codes.anywhere("marking").len(), 1);
    }
}
