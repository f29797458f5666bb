//! The history of a record: its versions, and the difference between two of them. Read from the
//! journal; JSON for programs, Markdown for people.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::Answer;
use super::call::Call;
use super::formats::{self, Format};
use super::naming::{ChangedBy, Names, RecordName, value};
use super::page::{self, limit};
use super::query::invalid;
use crate::db::store::{self, JournalRow};
use crate::journal::REDACT;
use crate::problem::{Code, Problem};
use crate::render::labels;
use crate::render::text::{markdown, time};
use crate::world::codes::Codes;
use crate::world::vocabulary::{in_words, sentence_case};
use crate::world::{AnyRecord, Kind, Page, Text};

/// One field that differs between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChange {
    /// JSON Pointer of the field.
    #[schema(max_length = 500, example = "/responsible_unit_id")]
    pub pointer: String,
    /// Name of the field in words.
    #[schema(max_length = 500, example = "responsible unit")]
    pub label: String,
    /// Value before the change; null if it was not set.
    #[schema(value_type = Option<Value>)]
    pub before: Value,
    /// Value after the change; null if it is not set.
    #[schema(value_type = Option<Value>)]
    pub after: Value,
    /// Label of the code in `before`; null if it is not a code.
    #[schema(max_length = 200)]
    pub before_label: Option<String>,
    /// Label of the code in `after`; null if it is not a code.
    #[schema(max_length = 200)]
    pub after_label: Option<String>,
    /// Names of the records whose ids appear in `before`, if visible to the caller.
    #[schema(max_items = 100)]
    pub before_names: Vec<RecordName>,
    /// Names of the records whose ids appear in `after`, if visible to the caller.
    #[schema(max_items = 100)]
    pub after_names: Vec<RecordName>,
}

impl FieldChange {
    /// A change without labels and names of linked records.
    #[must_use]
    pub fn unnamed(pointer: String, before: Value, after: Value) -> Self {
        Self {
            label: labels::of_pointer(&pointer),
            pointer,
            before,
            after,
            before_label: None,
            after_label: None,
            before_names: Vec::new(),
            after_names: Vec::new(),
        }
    }

    /// Adds the labels of codes.
    pub fn labelled(&mut self, codes: &Codes) {
        let label = |value: &Value| codes.label(value.as_str()?).map(str::to_owned);
        (self.before_label, self.after_label) = (label(&self.before), label(&self.after));
    }
}

/// One version of a record: who made it, when, why, and what it changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionEntry {
    /// The version.
    pub version: i64,
    /// Number of the journal entry; null for callers who may not see every marked record.
    pub seq: Option<i64>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// When it was actually entered, if `at` was back-dated; null otherwise.
    pub entered_at: Option<DateTime<Utc>>,
    /// What was done: create, update, withdraw, restore or redact.
    pub action: Text<20>,
    /// The account that made it.
    pub actor_id: Uuid,
    /// The post and account behind it, as far as the caller may know.
    pub by: ChangedBy,
    /// Id of the request that made it.
    pub request_id: Text<64>,
    /// Reason for the change, if given.
    pub reason: Option<Text<1000>>,
    /// Whether the content was removed or is marked above the caller's clearance; `changes` is then
    /// empty.
    pub is_redacted: bool,
    /// The later version that removed the content of this one and says why; null if the content
    /// was not removed.
    pub redacted_by: Option<i64>,
    /// The earlier version whose content this one removed; null if it removed none.
    pub redacts: Option<i64>,
    /// Whether `changes` lists all fields of this version, because it is the first or because the
    /// previous version is not visible.
    pub is_whole: bool,
    /// The fields that it changed.
    #[schema(max_items = 500)]
    pub changes: Vec<FieldChange>,
}

/// Returns the versions of a record, oldest first.
///
/// # Errors
/// 404 if the record is not visible to the caller.
pub async fn history(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let answer = versions(&call, kind).await?;
    // The next caller who asks the same before the journal moves is answered from the cache.
    if let Some(key) = &call.tag {
        call.service.answers.keep(key.clone(), answer.clone());
    }
    Ok(answer)
}

async fn versions(call: &Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let id = known(call, kind)?;
    let names = Names::new(call, call.now())?;
    let size = limit(&call.query)?;
    let after = call
        .query
        .value::<i64>("cursor", "the next_cursor of the previous page")?
        .unwrap_or(0)
        .max(0);
    // One more at either end: one to compare the first version with, and one to know whether more
    // follow.
    let take = i64::try_from(size).unwrap_or(200) + 2;
    let (mut rows, redactions) = call
        .service
        .engine
        .read(move |c| {
            let rows = store::versions(c, id, after - 1, take)?;
            Ok((rows, store::redactions(c, id)?))
        })
        .await?;
    rows.retain(|r| call.knows(r.seq));
    let mut items = Vec::new();
    let mut before: Option<Value> = None;
    for row in &rows {
        let version = shown(call, kind, id, row);
        let says_why = version.as_ref().is_some_and(|v| v.is_exact);
        let snapshot = version.map(|v| v.snapshot);
        if row.version > after && items.len() < size {
            let changes = match &snapshot {
                Some(now) => names.difference(kind, before.as_ref().unwrap_or(&json!({})), now),
                None => Vec::new(),
            };
            items.push(VersionEntry {
                version: row.version,
                seq: call.now().entry_number(row.seq),
                at: row.at.0,
                entered_at: row.entered_at.map(|e| e.0),
                action: Text::cut(row.action.clone()),
                actor_id: row.actor.0,
                by: names.author(row.actor.0),
                request_id: Text::cut(row.request_id.clone()),
                reason: row.reason.clone().filter(|_| says_why).map(Text::cut),
                is_redacted: snapshot.is_none(),
                redacted_by: (redactions.iter())
                    .find(|(emptied, _)| *emptied == row.version)
                    .map(|(_, by)| *by),
                redacts: (redactions.iter())
                    .find(|(_, by)| *by == row.version)
                    .map(|(emptied, _)| *emptied),
                is_whole: snapshot.is_some() && before.is_none(),
                changes,
            });
        }
        before = snapshot;
    }
    let last = items.last().map(|i| i.version).unwrap_or_default();
    let more = rows.last().is_some_and(|r| r.version > last);
    let page = Page {
        items,
        next_cursor: more.then(|| Text::known(last.to_string())),
        total: None,
    };
    if call.format == Format::Markdown {
        let record = names.record(id).ok_or_else(Problem::not_found)?;
        let answer = formats::drawing(
            call.format,
            "history",
            text(kind, &record, &page, names.codes(kind)),
        );
        return Ok(page::linked(call, answer, &page));
    }
    page::answer(call, &page)
}

/// Fields common to all records that are already given in the heading or with the version.
const SAID: [&str; 4] = ["/id", "/reference", "/created_at", "/created_by"];

/// A history as Markdown. Every line starts with words written by the service, so that no content
/// can start a Markdown block.
fn text(kind: &Kind, record: &RecordName, page: &Page<VersionEntry>, codes: &Codes) -> String {
    let title = in_words(kind.name);
    let mut out = format!(
        "# {title} {}: {}\n",
        markdown(&record.reference),
        markdown(&record.title)
    );
    for item in &page.items {
        version_text(item, codes, &mut out);
    }
    if let Some(cursor) = &page.next_cursor {
        out.push_str(&format!(
            "\n*There are more versions. To read them, use `cursor={cursor}`.*\n"
        ));
    }
    out
}

fn version_text(item: &VersionEntry, codes: &Codes, out: &mut String) {
    let what = match item.action.as_str() {
        "create" => "created",
        "update" => "changed",
        "withdraw" => "withdrawn",
        "restore" => "restored",
        REDACT => "redaction",
        other => other,
    };
    out.push_str(&format!(
        "\n## Version {}: {} on {}\n\n",
        item.version,
        markdown(what),
        time(item.at)
    ));
    let account = || item.by.account.as_deref().map(markdown);
    let who = match (&item.by.post, account()) {
        (Some(post), Some(account)) => {
            format!("{}, using account {account}", markdown(&post.title))
        }
        (Some(post), None) => markdown(&post.title),
        (None, Some(account)) => format!("account {account}"),
        (None, None) => format!("account {}", item.by.account_id),
    };
    out.push_str(&format!("By: {who}\n"));
    if let Some(entered) = item.entered_at {
        out.push_str(&format!("\nEntered: {} (back-dated)\n", time(entered)));
    }
    if let Some(reason) = &item.reason {
        out.push_str(&format!("\nWhy: {}\n", markdown(reason)));
    }
    if let Some(emptied) = item.redacts {
        out.push_str(&format!(
            "\nThe content of version {emptied} was removed.\n"
        ));
    }
    if let Some(by) = item.redacted_by {
        out.push_str(&format!(
            "\nThe content of this version was removed. Version {by} says why.\n"
        ));
        return;
    }
    if item.is_redacted {
        out.push_str("\nThe content was removed, or is marked above your clearance.\n");
        return;
    }
    let told = |c: &&FieldChange| !(item.is_whole && SAID.contains(&c.pointer.as_str()));
    let lines = item.changes.iter().filter(told).map(|c| {
        let codes = codes.at(&c.pointer);
        let (before, after) = (
            value(&c.before, &c.before_names, codes),
            value(&c.after, &c.after_names, codes),
        );
        let change = if item.is_whole {
            after
        } else {
            format!("{before} → {after}")
        };
        format!("- {}: {change}\n", sentence_case(&markdown(&c.label)))
    });
    let lines: String = lines.collect();
    if item.is_whole && item.version > 1 {
        out.push_str("\nThe previous version is not visible to you. All fields of this version:\n");
    }
    out.push('\n');
    out.push_str(if lines.is_empty() {
        "No fields changed.\n"
    } else {
        &lines
    });
}

/// Returns the difference between two versions of a record.
///
/// # Errors
/// 404 if the record or one of the versions does not exist or is not visible to the caller.
pub async fn compare(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let id = known(&call, kind)?;
    let version = |name: &'static str| {
        let value = call
            .query
            .value::<i64>(name, "a version number of 1 or more")?;
        value
            .filter(|v| *v > 0)
            .ok_or_else(|| invalid(name, "must be a version number of 1 or more"))
    };
    let (from, to) = (version("from")?, version("to")?);
    let rows = call
        .service
        .engine
        .read(move |c| Ok((store::version(c, id, from)?, store::version(c, id, to)?)))
        .await?;
    let (Some(a), Some(b)) = rows else {
        return Err(Problem::not_found());
    };
    if !call.knows(a.seq.max(b.seq)) {
        return Err(Problem::not_found());
    }
    for (name, row) in [("from", &a), ("to", &b)] {
        if row.snapshot.is_none() {
            return Err(removed(name));
        }
    }
    let (Some(before), Some(after)) = (shown(&call, kind, id, &a), shown(&call, kind, id, &b))
    else {
        return Err(Problem::not_found());
    };
    let names = Names::new(&call, call.now())?;
    let changes = names.difference(kind, &before.snapshot, &after.snapshot);
    Answer::of(200, &json!({ "from": from, "to": to, "changes": changes }))
}

/// The problem for a record that does not exist in an earlier world, which says so if its content of
/// that time was removed.
pub async fn not_recorded(call: &Call, kind: &Kind, id: Uuid, seq: i64) -> Problem {
    let is_known = |r: &Arc<dyn AnyRecord>| r.meta().kind() == kind.index;
    if call.query.get("as_of").is_none() || !call.now().any(id).is_some_and(is_known) {
        return Problem::not_found();
    }
    let version = call
        .service
        .engine
        .read(move |c| store::versions_at(c, &[id], seq));
    match version.await {
        Ok(rows) if rows.iter().any(|row| row.snapshot.is_none()) => removed("as_of"),
        Ok(_) => Problem::not_found(),
        Err(problem) => problem,
    }
}

/// The content of the version that this parameter asks for was removed.
fn removed(parameter: &str) -> Problem {
    Problem::field(
        Code::NotFound,
        format!("?{parameter}"),
        "redacted",
        "the content of this version was removed; the record's history says when and why",
    )
}

fn known(call: &Call, kind: &Kind) -> Result<Uuid, Problem> {
    let id = call.id()?;
    call.now()
        .any(id)
        .filter(|r| r.meta().kind() == kind.index)
        .map(|r| r.meta().id)
        .ok_or_else(Problem::not_found)
}

/// A version as visible to the caller.
struct ShownVersion {
    snapshot: Value,
    /// Whether its exact figures are visible. If not, the reason for the change is withheld too,
    /// because it may mention them.
    is_exact: bool,
}

/// A version's snapshot in the current schema, if it is visible to the caller.
fn shown(call: &Call, kind: &Kind, id: Uuid, row: &JournalRow) -> Option<ShownVersion> {
    let record = (kind.parse)(row.snapshot.as_ref()?, row.shape, row.seq, kind.index).ok()?;
    let seen = call.now();
    if record.meta().id != id || !seen.may_see_version(record.as_ref()) {
        return None;
    }
    let version = seen.show_version(record.as_ref()).ok()?;
    Some(ShownVersion {
        snapshot: serde_json::from_slice(version.json()).ok()?,
        is_exact: seen.is_exact(record.as_ref()),
    })
}

impl Names {
    /// Every field that differs between two versions, with the names of linked records.
    #[must_use]
    pub fn difference(&self, kind: &Kind, before: &Value, after: &Value) -> Vec<FieldChange> {
        let mut changes = difference(before, after);
        let codes = self.codes(kind);
        for change in &mut changes {
            change.labelled(codes.at(&change.pointer));
            (change.before_names, change.after_names) =
                (self.within(&change.before), self.within(&change.after));
        }
        changes
    }
}

/// Every field that differs, by its deepest pointer; lists are compared whole. Version and time of
/// update always differ and are left out.
fn difference(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    walk(before, after, String::new(), &mut changes);
    changes.retain(|c| !matches!(c.pointer.as_str(), "/version" | "/updated_at"));
    changes
}

fn walk(before: &Value, after: &Value, pointer: String, changes: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let null = &Value::Null;
                walk(
                    a.get(name).unwrap_or(null),
                    b.get(name).unwrap_or(null),
                    format!("{pointer}/{name}"),
                    changes,
                );
            }
        }
        (a, b) if a != b => changes.push(FieldChange::unnamed(pointer, a.clone(), b.clone())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_the_deepest_field() {
        let changes = difference(
            &json!({ "version": 1, "a": { "b": 1, "c": [1] }, "d": "x" }),
            &json!({ "version": 2, "a": { "b": 2, "c": [1] }, "e": true }),
        );
        let named: Vec<(&str, &Value, &Value)> = changes
            .iter()
            .map(|c| (c.pointer.as_str(), &c.before, &c.after))
            .collect();
        let null = Value::Null;
        assert_eq!(
            named,
            vec![
                ("/a/b", &json!(1), &json!(2)),
                ("/d", &json!("x"), &null),
                ("/e", &null, &json!(true))
            ]
        );
    }
}
