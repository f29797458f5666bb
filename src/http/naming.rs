//! Names for human readers: records and authors by name, values in words. A name is given only to a
//! caller who may see the record and read records of its kind.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use crate::access::accounts::Account;
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::render::labels;
use crate::render::text::{line, markdown};
use crate::world::codes::Codes;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Kind, Meta, Text};

/// Maximum number of records named for one value; the first ones in it are named.
const MOST_NAMES: usize = 100;

/// The name of a record whose kind is clear from the context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Id.
    pub id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Title.
    #[serde(alias = "name")] // in papers frozen by older builds
    pub title: Text<300>,
}

impl Named {
    pub(crate) fn new(meta: &Meta, title: &str) -> Self {
        Self {
            id: meta.id,
            reference: (&meta.reference).into(),
            title: Text::cut(title),
        }
    }
}

/// The name of a record of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordName {
    /// Its kind.
    pub kind: Text<60>,
    /// Id.
    pub id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Title, or the beginning of the text.
    #[serde(alias = "name")] // in papers frozen by older builds
    pub title: Text<300>,
}

impl RecordName {
    /// The name of a record.
    #[must_use]
    pub fn of(seen: &VisibleWorld, record: &std::sync::Arc<dyn AnyRecord>) -> Self {
        let meta = record.meta();
        let title = record.title().unwrap_or(&meta.reference);
        Self {
            kind: Text::cut(seen.kind_of(record)),
            id: meta.id,
            reference: (&meta.reference).into(),
            title: Text::cut(title),
        }
    }
}

/// Who made a change, as far as the caller may know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedBy {
    /// The account.
    pub account_id: Uuid,
    /// The post of the account, if recorded.
    pub post: Option<Named>,
    /// Title of the account; null if the caller may not read accounts.
    pub account: Option<Text<200>>,
}

/// Looks up names for one caller.
pub struct Names {
    seen: VisibleWorld,
    /// Whether the caller may read each kind, by the kind's position in the catalogue.
    may_read: Vec<bool>,
    reads_accounts: bool,
    codes: fn(&str) -> &'static Codes,
}

impl Names {
    /// Names from a world as visible to the caller.
    ///
    /// # Errors
    /// 401 if nobody is signed in.
    pub fn new(call: &Call, seen: VisibleWorld) -> Result<Self, Problem> {
        let caller = call.caller()?;
        Ok(Self {
            may_read: seen
                .kinds()
                .iter()
                .map(|k| caller.may(k.subject, Act::Read))
                .collect(),
            reads_accounts: caller.may(Subject::Access, Act::Read),
            codes: call.service.codes,
            seen,
        })
    }

    /// Whether the caller may read records of the kind at this position in the catalogue.
    #[must_use]
    pub fn may_read(&self, kind: usize) -> bool {
        self.may_read.get(kind) == Some(&true)
    }

    /// The codes in records of a kind.
    #[must_use]
    pub fn codes(&self, kind: &Kind) -> &'static Codes {
        (self.codes)(&kind.schema_name)
    }

    /// The name of a record, if the caller may see it.
    #[must_use]
    pub fn record(&self, id: Uuid) -> Option<RecordName> {
        let record = self
            .seen
            .any(id)
            .filter(|r| self.may_read(r.meta().kind()))?;
        Some(RecordName::of(&self.seen, record))
    }

    /// What the caller may know about the author of a change: the account's id, as in every
    /// history, and the post of the account. The title of the account is given only to callers who
    /// may read accounts.
    #[must_use]
    pub fn author(&self, account: Uuid) -> ChangedBy {
        let known = self.seen.get::<Account>(account);
        let post = known
            .and_then(|a| a.data.post_id)
            .and_then(|p| self.record(p.uuid()));
        ChangedBy {
            account_id: account,
            post: post.map(|p| Named {
                id: p.id,
                reference: p.reference,
                title: p.title,
            }),
            account: known
                .filter(|_| self.reads_accounts)
                .map(|a| (&a.data.title).into()),
        }
    }

    /// The records whose ids appear in a value, each once, in order of appearance.
    #[must_use]
    pub fn within(&self, value: &Value) -> Vec<RecordName> {
        let mut found = Vec::new();
        self.collect(value, &mut found);
        found
    }

    fn collect(&self, value: &Value, found: &mut Vec<RecordName>) {
        match value {
            Value::String(text) => {
                let id = id_in(text)
                    .filter(|id| found.len() < MOST_NAMES && found.iter().all(|f| f.id != *id));
                found.extend(id.and_then(|id| self.record(id)));
            }
            Value::Array(list) => list.iter().for_each(|v| self.collect(v, found)),
            Value::Object(map) => map.values().for_each(|v| self.collect(v, found)),
            _ => {}
        }
    }
}

/// Parses a text that is an id.
fn id_in(text: &str) -> Option<Uuid> {
    // Only in the form used in JSON.
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// A value as Markdown: ids as the given names, codes as their labels, lists and objects on one line.
#[must_use]
pub fn value(value: &Value, names: &[RecordName], codes: &Codes) -> String {
    match value {
        Value::Null => "not set".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => match id_in(text).and_then(|id| names.iter().find(|n| n.id == id)) {
            Some(record) => markdown(&record.title),
            None if line(text).is_empty() => "empty".into(),
            None if let Some(label) = codes.label(text) => markdown(label),
            None if is_code(text) => format!("`{text}`"),
            None => markdown(text),
        },
        Value::Array(list) if list.is_empty() => "none".into(),
        Value::Array(list) => list
            .iter()
            .map(|v| self::value(v, names, codes))
            .collect::<Vec<_>>()
            .join("; "),
        Value::Object(map) => {
            let said = map.iter().filter(|(_, v)| !v.is_null());
            let parts = said.map(|(name, v)| {
                let value = self::value(v, names, codes.field(name));
                format!("{} {value}", markdown(&labels::of_field(name)))
            });
            parts.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Whether a text is a code of several words (`in_progress`), which needs no escaping in a code
/// span.
fn is_code(text: &str) -> bool {
    let is_word = |w: &str| {
        !w.is_empty()
            && w.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.contains('_') && text.split('_').all(is_word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_one_line() {
        let id = Uuid::now_v7();
        let names = [RecordName {
            kind: Text::cut("unit"),
            id,
            reference: Text::cut("HR"),
            title: Text::cut("Human *Resources*"),
        }];
        let other = Uuid::now_v7().to_string();
        let none = Codes::default();
        assert_eq!(
            value(&json!([id, other]), &names, &none),
            format!("Human \\*Resources\\*; {other}")
        );
        assert_eq!(
            value(
                &json!({ "unit_id": id, "share": 2, "note": null }),
                &names,
                &none
            ),
            "unit Human \\*Resources\\*, share 2"
        );
        assert_eq!(value(&json!("in_progress"), &names, &none), "`in_progress`");
        assert_eq!(value(&json!("a\nb"), &names, &none), "a b");
        assert_eq!(
            [json!(null), json!([]), json!(true), json!(" ")].map(|v| value(&v, &[], &none)),
            ["not set", "none", "yes", "empty"]
        );
    }
}
