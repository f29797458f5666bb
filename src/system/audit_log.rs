//! The audit log: the journal's entries, for callers who may read it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{query, schema_ref};
use crate::http::resource::{JSON_BODY, idempotency};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::world::schema::{Schemas, add_answer, add_input};
use crate::world::{Page, Text};

/// One entry of the journal, without the content of the record. The content is in the record's
/// history, for anyone who may read it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailEntry {
    /// Number of the entry. Numbers have no gaps and follow the order of commits.
    pub seq: i64,
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
    /// SHA-256 of the previous entry, in hexadecimal.
    pub previous: Text<64>,
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
                are not visible to the caller are left out; their hashes appear as `previous` in \
                the next entry.",
        )
        .takes([
            page::limit_parameter("Entries"),
            query(
                "cursor",
                "`next_cursor` of the previous page. Returns the entries after this number.",
                json!({ "type": "string", "maxLength": 20, "pattern": "^[0-9]+$" }),
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
                redacted: correct the record first. Nor can accounts and grants.",
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
            kind: Text::cut(kinds.get(meta.kind).map_or("", |kind| kind.name)),
            record_id: meta.id,
            version: meta.version,
            reason: input.reason,
        };
        Ok(Answer::of(201, &redaction)?.into())
    })
    .await
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let limit = page::limit(&call.query)?;
    let after = call
        .query
        .value::<i64>("cursor", "the next_cursor of the previous page")?
        .unwrap_or(0)
        .max(0);
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let mut rows = call
        .service
        .engine
        .read(move |c| store::entries_after(c, after, take))
        .await?;
    rows.retain(|r| call.knows(r.seq));
    let seen = call.now();
    let page = Page::of(rows, limit, |r| r.seq.to_string()).filter_map(|r| {
        seen.any(r.record_id.0)?;
        Some(TrailEntry {
            seq: r.seq,
            at: r.at.0,
            entered_at: r.entered_at.map(|e| e.0),
            actor_id: r.actor.0,
            request_id: Text::cut(r.request_id),
            kind: Text::cut(r.kind),
            record_id: r.record_id.0,
            version: r.version,
            action: Text::cut(r.action),
            redacts: r.redacts,
            previous: Text::known(hex::encode(r.previous)),
            hash: Text::known(hex::encode(r.hash)),
        })
    });
    page::answer(&call, &page)
}
