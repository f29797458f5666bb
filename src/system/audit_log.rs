//! The audit log: the journal's entries, for callers who may read it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store::{self, JournalRow};
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{query, schema_ref};
use crate::http::resource::{JSON_BODY, idempotency};
use crate::http::{Answer, Call, entry_cursor, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::world::schema::{Schemas, add_answer, add_input};
use crate::world::visible::VisibleWorld;
use crate::world::{Marking, Page, Text};

/// One entry of the journal, without the content of the record. The content is in the record's
/// history, for anyone who may read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailEntry {
    /// Number of the entry. Numbers have no gaps and follow the order of commits. Null for callers
    /// who may not see every marked record.
    pub seq: Option<i64>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// When it was actually entered, if `at` was back-dated; null otherwise.
    pub entered_at: Option<DateTime<Utc>>,
    /// The account that made the change.
    pub actor_id: Uuid,
    /// Id of the request that made it.
    pub request_id: Text<64>,
    /// Kind of the record.
    pub kind: Text<60>,
    /// Id of the record.
    pub record_id: Uuid,
    /// Version of the record.
    pub version: i64,
    /// One of create, update, withdraw, restore or redact.
    pub action: Text<20>,
    /// Number of the entry whose content this one removed; null if it removed none.
    pub redacts: Option<i64>,
    /// Marking of this version of the record; null if its content was redacted or is marked above
    /// the caller's clearance.
    pub marking: Option<Marking>,
    /// Reason for the change, if given and visible to the caller.
    pub reason: Option<Text<1000>>,
    /// SHA-256 of the previous entry, in hexadecimal. Null for callers who may not see every marked
    /// record.
    pub previous: Option<Text<64>>,
    /// SHA-256 of this entry, in hexadecimal.
    pub hash: Text<64>,
}

/// Why the content of an entry is removed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MakeRedaction {
    /// Reason for the removal, such as the request or the decision that it follows. It is kept for
    /// ever: do not repeat what is removed.
    pub reason: Text<1000, 1>,
}

/// A removal of an entry's content.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redaction {
    /// Number of the entry whose content was removed.
    pub redacts: i64,
    /// Number of the entry that records the removal.
    pub seq: i64,
    /// Kind of the record.
    pub kind: Text<60>,
    /// Id of the record.
    pub record_id: Uuid,
    /// Version of the record that records the removal.
    pub version: i64,
    /// Reason for the removal.
    pub reason: Text<1000, 1>,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_input::<MakeRedaction>(schemas);
    add_answer::<Redaction>(schemas);
    add_answer::<Page<TrailEntry>>(schemas);
}

/// The operations of this module.
/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "GET",
            "/api/v1/journal",
            "listJournal",
            Access::Needs(Subject::Journal, Act::Read),
            list,
        )
        .says(
            "Journal",
            "List the audit log",
            "Returns every change ever made, in the order of commits. Entries about records that \
                are not visible to the caller are left out. With `markings=true`, returns who \
                marked a record official_sensitive or removed its marking, when and why.",
        )
        .takes([
            page::limit_parameter("Entries"),
            entry_cursor::parameter(
                "`next_cursor` of the previous page. Returns the entries after the one that it \
                    names: `0` for the first page, or the id of a record and its version, such as \
                    `019abcde-0000-7000-8000-000000000001.3`. Callers who may see every marked \
                    record can also give the number of an entry.",
            ),
            query(
                "markings",
                "Only entries by which a record was marked, or its marking removed.",
                json!({ "type": "boolean", "default": false }),
            ),
        ])
        .answers(200, "A page of entries.", schema_ref("TrailEntryPage"))
        .etag(Tag::Journal),
        Operation::new(
            "POST",
            "/api/v1/journal/{seq}/redact",
            "redactJournalEntry",
            Access::Needs(Subject::Redaction, Act::Create),
            redact,
        )
        .settled_by_writer()
        .says(
            "Journal",
            "Remove the content of an entry",
            "Removes for good what a superseded version of a record said, with the reason for that \
                change. Who changed which record and when stays. The record gets a new version, \
                otherwise the same, which records who removed the content and why. The history \
                and `as_of` then say that the content was removed. The current version cannot be \
                redacted: correct the record first. Nor can accounts and grants. The caller needs \
                clearance for every record marked official_sensitive.",
        )
        .takes([
            json!({
                "name": "seq", "in": "path", "required": true, "description": "Number of the entry.",
                "schema": { "type": "integer", "format": "int64", "minimum": 1 },
            }),
            idempotency(),
        ])
        .body(
            JSON_BODY,
            schema_ref("MakeRedactionInput"),
            json!({ "reason": "Erasure request 2020-114, decided on 26 October 2020" }),
        )
        .answers(201, "The removal.", schema_ref("Redaction"))
        .refuses(&[Code::Conflict]),
    ]
}

async fn redact(call: Call) -> Result<Answer, Problem> {
    let input: MakeRedaction = call.input()?;
    let seq = call.param("seq").and_then(|seq| seq.parse::<i64>().ok());
    let seq = seq.ok_or_else(Problem::not_found)?;
    let mut write = call.write()?;
    write.reason = Some(input.reason.to_string());
    call.change(write, move |txn| {
        let record = txn.redact(seq)?;
        let (meta, kinds) = (record.meta(), txn.world.catalogue().kinds());
        let redaction = Redaction {
            redacts: seq,
            seq: meta.seq,
            kind: Text::cut(kinds.get(meta.kind()).map_or("", |kind| kind.name)),
            record_id: meta.id,
            version: meta.version,
            reason: input.reason,
        };
        Ok(Answer::of(201, &redaction)?.into())
    })
    .await
}

/// Number of entries read at once where most of those before were not visible.
const READ_ON: usize = 1_000;

async fn list(call: Call) -> Result<Answer, Problem> {
    let limit = page::limit(&call.query)?;
    let only_markings = call.query.flag("markings")?;
    let mut after = entry_cursor::read(&call).await?.unwrap_or(0);
    let seen = call.now();
    let mut take = limit + 1;
    let mut rows: Vec<(JournalRow, Option<Marking>)> = Vec::new();
    // A page is filled with visible entries, so that its length does not show how many were left
    // out.
    loop {
        let most = i64::try_from(take).unwrap_or(i64::MAX);
        let read = call.service.engine.read(move |c| match only_markings {
            true => store::markings_after(c, after, most),
            false => store::entries_after(c, after, most),
        });
        let mut found = read.await?;
        let count = found.len();
        found.retain(|r| call.knows(r.seq));
        let is_last = count < take || found.len() < count;
        after = found.last().map_or(after, |r| r.seq);
        let visible = found
            .into_iter()
            .filter(|r| seen.any(r.record_id.0).is_some());
        let marked = visible.map(|r| {
            let marking = marking_of(&seen, &r);
            (r, marking)
        });
        rows.extend(marked.filter(|(_, marking)| !only_markings || marking.is_some()));
        if is_last || rows.len() > limit {
            break;
        }
        take = READ_ON;
    }
    let page = Page::of(rows, limit, |(r, _)| {
        entry_cursor::write(&seen, r.seq, r.record_id.0, r.version)
    });
    let page = page.filter_map(|(r, marking)| Some(entry(&seen, r, marking)));
    page::answer(&call, &page)
}

/// An entry as far as its caller may see it.
fn entry(seen: &VisibleWorld, row: JournalRow, marking: Option<Marking>) -> TrailEntry {
    let record = seen.any(row.record_id.0);
    // The reason may mention figures, or contents that were marked.
    let says_why = marking.is_some() && record.is_some_and(|n| seen.is_exact(n.as_ref()));
    let seq = seen.entry_number(row.seq);
    TrailEntry {
        seq,
        at: row.at.0,
        entered_at: row.entered_at.map(|e| e.0),
        actor_id: row.actor.0,
        request_id: Text::cut(row.request_id),
        kind: Text::cut(row.kind),
        record_id: row.record_id.0,
        version: row.version,
        action: Text::cut(row.action),
        redacts: row.redacts.filter(|_| seq.is_some()),
        marking,
        reason: row.reason.filter(|_| says_why).map(Text::cut),
        previous: seq.map(|_| Text::known(hex::encode(row.previous))),
        hash: Text::known(hex::encode(row.hash)),
    }
}

/// The marking of the version that an entry recorded, if that version is visible to the caller.
fn marking_of(seen: &VisibleWorld, row: &JournalRow) -> Option<Marking> {
    #[derive(Deserialize)]
    struct Marked {
        marking: Marking,
    }
    let version: Marked = serde_json::from_str(row.snapshot.as_deref()?).ok()?;
    let is_visible = seen.may_see_marking(row.record_id.0, version.marking);
    is_visible.then_some(version.marking)
}
