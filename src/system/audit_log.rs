//! The audit log: the journal's entries, for callers who may read it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store::{self, JournalRow};
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{query, schema_ref};
use crate::http::{Answer, Call, entry_cursor, page};
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::world::schema::{Schemas, add_answer};
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
    /// One of create, update, withdraw or restore.
    pub action: Text<20>,
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

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
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
    ]
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let limit = page::limit(&call.query)?;
    let only_markings = call.query.flag("markings")?;
    let mut after = entry_cursor::read(&call).await?.unwrap_or(0);
    let seen = call.now();
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let mut rows: Vec<(JournalRow, Option<Marking>)> = Vec::new();
    // A page is filled with visible entries, so that its length does not show how many were left
    // out.
    loop {
        let read = call.service.engine.read(move |c| match only_markings {
            true => store::markings_after(c, after, take),
            false => store::entries_after(c, after, take),
        });
        let mut found = read.await?;
        let count = found.len();
        found.retain(|r| call.knows(r.seq));
        let is_last = count <= limit || found.len() < count;
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
    }
    let Page {
        items,
        next_cursor,
        total,
    } = Page::of(rows, limit, |(r, _)| {
        entry_cursor::write(&seen, r.seq, r.record_id.0, r.version)
    });
    let items: Vec<TrailEntry> = items
        .into_iter()
        .map(|(r, marking)| {
            let record = seen.any(r.record_id.0);
            // The reason may mention figures, or contents that were marked.
            let says_why = marking.is_some() && record.is_some_and(|n| seen.is_exact(n.as_ref()));
            let seq = seen.entry_number(r.seq);
            TrailEntry {
                seq,
                at: r.at.0,
                entered_at: r.entered_at.map(|e| e.0),
                actor_id: r.actor.0,
                request_id: Text::cut(r.request_id),
                kind: Text::cut(r.kind),
                record_id: r.record_id.0,
                version: r.version,
                action: Text::cut(r.action),
                marking,
                reason: r.reason.filter(|_| says_why).map(Text::cut),
                previous: seq.map(|_| Text::known(hex::encode(r.previous))),
                hash: Text::known(hex::encode(r.hash)),
            }
        })
        .collect();
    let page = Page {
        items,
        next_cursor,
        total,
    };
    page::answer(&call, &page)
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
