//! The audit log: the journal's entries, for callers who may read it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{query, schema_ref};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::world::schema::{Schemas, add_answer};
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
    /// One of create, update, withdraw or restore.
    pub action: Text<20>,
    /// SHA-256 of the previous entry, in hexadecimal.
    pub previous: Text<64>,
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
    ]
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
    let Page {
        items,
        next_cursor,
        total,
    } = Page::of(rows, limit, |r| r.seq.to_string());
    let seen = call.now();
    // The page continues after the last entry read, whoever may see that one.
    let items: Vec<TrailEntry> = items
        .into_iter()
        .filter(|r| seen.any(r.record_id.0).is_some())
        .map(|r| TrailEntry {
            seq: r.seq,
            at: r.at.0,
            entered_at: r.entered_at.map(|e| e.0),
            actor_id: r.actor.0,
            request_id: Text::cut(r.request_id),
            kind: Text::cut(r.kind),
            record_id: r.record_id.0,
            version: r.version,
            action: Text::cut(r.action),
            previous: Text::known(hex::encode(r.previous)),
            hash: Text::known(hex::encode(r.hash)),
        })
        .collect();
    let page = Page {
        items,
        next_cursor,
        total,
    };
    page::answer(&call, &page)
}
