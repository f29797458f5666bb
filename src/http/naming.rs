//! Names for human readers: records and authors by name, fields in words. A name is given only to a
//! caller who may see the record and read records of its kind.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::Call;
use crate::access::accounts::Account;
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Meta};

/// Maximum length of a name, in characters.
const LONGEST: usize = 300;

/// Maximum number of records named for one value; the first ones in it are named.
const MOST_NAMES: usize = 100;

/// The name of a record whose kind is clear from the context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// Id.
    pub id: Uuid,
    /// Reference.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Title.
    #[serde(alias = "name")] // in papers frozen by older builds
    #[schema(max_length = 300)]
    pub title: String,
}

impl Named {
    pub(crate) fn new(meta: &Meta, title: &str) -> Self {
        Self {
            id: meta.id,
            reference: meta.reference.clone(),
            title: title.to_owned(),
        }
    }
}

/// The name of a record of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordName {
    /// Its kind.
    #[schema(max_length = 60)]
    pub kind: String,
    /// Id.
    pub id: Uuid,
    /// Reference.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Title, or the beginning of the text.
    #[serde(alias = "name")] // in papers frozen by older builds
    #[schema(max_length = 300)]
    pub title: String,
}

impl RecordName {
    /// The name of a record.
    #[must_use]
    pub fn of(seen: &VisibleWorld, record: &std::sync::Arc<dyn AnyRecord>) -> Self {
        let meta = record.meta();
        let title = record.title().unwrap_or(&meta.reference);
        Self {
            kind: seen.kind_of(record).to_owned(),
            id: meta.id,
            reference: meta.reference.clone(),
            title: title.chars().take(LONGEST).collect(),
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
    #[schema(max_length = 200)]
    pub account: Option<String>,
}

/// Looks up names for one caller.
pub struct Names {
    seen: VisibleWorld,
    /// Whether the caller may read each kind, by the kind's position in the catalogue.
    may_read: Vec<bool>,
    reads_accounts: bool,
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
            seen,
        })
    }

    /// Whether the caller may read records of the kind at this position in the catalogue.
    #[must_use]
    pub fn may_read(&self, kind: usize) -> bool {
        self.may_read.get(kind) == Some(&true)
    }

    /// The name of a record, if the caller may see it.
    #[must_use]
    pub fn record(&self, id: Uuid) -> Option<RecordName> {
        let record = self.seen.any(id).filter(|r| self.may_read(r.meta().kind))?;
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
                .map(|a| a.data.title.clone()),
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

/// A field name in words, from its JSON Pointer: `/responsible_unit_id` becomes "responsible unit",
/// `/deadline/due_on` "deadline, due on".
#[must_use]
pub fn label(pointer: &str) -> String {
    let parts = pointer
        .split('/')
        .filter(|p| !p.is_empty())
        .map(field_words);
    parts.collect::<Vec<_>>().join(", ")
}

/// A field's name in words.
fn field_words(name: &str) -> String {
    let name = name.replace("~1", "/").replace("~0", "~");
    let plain = match (name.strip_suffix("_ids"), name.strip_suffix("_id")) {
        (Some(many), _) => plural(many),
        (_, Some(one)) => one.to_owned(),
        _ => name,
    };
    let word = |word: &str| match word {
        "rag" | "url" | "kpi" => word.to_uppercase(),
        other => other.to_owned(),
    };
    plain
        .split('_')
        .filter(|w| !w.is_empty())
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

/// One line for human readers, without control characters, repeated white space or characters that
/// change the direction of writing.
#[must_use]
pub fn line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFFE}'..='\u{FFFF}');
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ");
    line.retain(|c| !turns(c));
    line
}

/// Escapes a text for use within a line of Markdown. Anything that CommonMark or its common
/// extensions read as markup, a link, an entity, a mention or HTML gets a backslash.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    let mut last = [' '; 3];
    while let Some(c) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let is_active = match c {
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '&' | '#' | '|' | '!' | '$'
            | '@' | '^' | '{' | '}' | '"' => true,
            // `http://`, `:emoji:`; a time stays as it is.
            ':' => !next.is_whitespace() && !next.is_ascii_digit(),
            // `www.`
            '.' => last.iter().all(|l| l.eq_ignore_ascii_case(&'w')),
            _ => false,
        };
        if is_active {
            out.push('\\');
        }
        out.push(c);
        last = [last[1], last[2], c];
    }
    out
}

/// A time for human readers.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A value as Markdown: ids as the given names, codes unchanged, lists and objects on one line.
#[must_use]
pub fn value(value: &Value, names: &[RecordName]) -> String {
    match value {
        Value::Null => "not set".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => match id_in(text).and_then(|id| names.iter().find(|n| n.id == id)) {
            Some(record) => markdown(&record.title),
            None if line(text).is_empty() => "empty".into(),
            None if is_code(text) => format!("`{text}`"),
            None => markdown(text),
        },
        Value::Array(list) if list.is_empty() => "none".into(),
        Value::Array(list) => list
            .iter()
            .map(|v| self::value(v, names))
            .collect::<Vec<_>>()
            .join("; "),
        Value::Object(map) => {
            let said = map.iter().filter(|(_, v)| !v.is_null());
            let parts = said.map(|(name, v)| {
                format!("{} {}", markdown(&field_words(name)), self::value(v, names))
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
    fn a_pointer_is_said_in_words() {
        for (pointer, words) in [
            ("/responsible_unit_id", "responsible unit"),
            ("/deadline/due_on", "deadline, due on"),
            ("/risk_ids", "risks"),
            ("/category_ids", "categories"),
            ("/survey_ids", "surveys"),
            ("/declared_rag", "declared RAG"),
            ("/id", "id"),
            ("/odd~1name", "odd/name"),
        ] {
            assert_eq!(label(pointer), words);
        }
    }

    #[test]
    fn nothing_that_others_wrote_is_markup() {
        for (text, safe) in [
            ("# Title\n\n## Version 9", "\\# Title \\#\\# Version 9"),
            (
                "<img src=x onerror=alert(1)>",
                "\\<img src=x onerror=alert(1)\\>",
            ),
            ("[a](javascript:alert(1))", "\\[a\\](javascript\\:alert(1))"),
            ("![a](b)", "\\!\\[a\\](b)"),
            (
                "https://x.test www.x.test a@x.test",
                "https\\://x.test www\\.x.test a\\@x.test",
            ),
            (
                "&lt;b&gt; **b** __b__ ~~b~~ `b`",
                "\\&lt;b\\&gt; \\*\\*b\\*\\* \\_\\_b\\_\\_ \\~\\~b\\~\\~ \\`b\\`",
            ),
            ("tail\\", "tail\\\\"),
            ("09:30, at 5: late\u{202E}\u{0}", "09:30, at 5: late"),
        ] {
            assert_eq!(markdown(text), safe);
        }
    }

    #[test]
    fn a_value_is_one_line() {
        let id = Uuid::now_v7();
        let names = [RecordName {
            kind: "unit".into(),
            id,
            reference: "HR".into(),
            title: "Human *Resources*".into(),
        }];
        let other = Uuid::now_v7().to_string();
        assert_eq!(
            value(&json!([id, other]), &names),
            format!("Human \\*Resources\\*; {other}")
        );
        assert_eq!(
            value(&json!({ "unit_id": id, "share": 2, "note": null }), &names),
            "unit Human \\*Resources\\*, share 2"
        );
        assert_eq!(value(&json!("in_progress"), &names), "`in_progress`");
        assert_eq!(value(&json!("a\nb"), &names), "a b");
        assert_eq!(
            [json!(null), json!([]), json!(true), json!(" ")].map(|v| value(&v, &[])),
            ["not set", "none", "yes", "empty"]
        );
    }
}
