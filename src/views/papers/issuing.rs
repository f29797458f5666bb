//! Issues a paper: its current content is frozen and kept with its hash in a separate record.

use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::compute::content;
use super::content::PaperState;
use super::layout;
use super::queries::Basis;
use super::scope::Sources;
use crate::engine::Txn;
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{id_parameter, query};
use crate::http::resource::{BASE, idempotency, if_match, reason};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::catalogue;
use crate::registers::papers::{Paper, PaperIssue, sha256};
use crate::render::document::markdown;
use crate::world::calendar::day_of;
use crate::world::record::Resource;
use crate::world::visible::{Clearance, Visibility, VisibleWorld};
use crate::world::{AnyRecord, Kind, Marking, Rec, World};

/// Fields of the issue that the caller may set. The marking is copied from the paper, because the
/// paper refers to the issue.
const GIVEN: [&str; 1] = ["reference"];

fn kind(name: &str) -> Result<&'static Kind, Problem> {
    catalogue()
        .named(name)
        .ok_or_else(|| Problem::internal(format!("there is no kind {name}")))
}

/// The world on an earlier date, for a paper that reports on one.
pub struct Past {
    pub day: NaiveDate,
    pub world: Arc<World>,
}

/// Decides what the frozen content may contain. A paper marked official contains nothing marked
/// official_sensitive, regardless of who issues it. A paper marked official_sensitive contains what
/// its issuer may see. In both cases, figures about people are in their released form.
fn visibility(paper: &Rec<Paper>, clearance: Clearance) -> Visibility {
    match paper.meta.marking {
        Marking::Official => Visibility::least(),
        Marking::OfficialSensitive => Visibility {
            clearance,
            exact: Vec::new(),
        },
    }
}

/// Issues a paper, as part of a change.
///
/// # Errors
/// Fails without permission, if the paper was issued before, or if it reports on another date than
/// that of `past`.
pub fn issue(
    txn: &mut Txn<'_>,
    id: Uuid,
    if_match: Option<&[i64]>,
    past: Option<&Past>,
    given: Map<String, Value>,
) -> Result<Arc<dyn AnyRecord>, Problem> {
    txn.find(kind(Paper::KIND)?, Act::Update, id, if_match)?;
    let now = Arc::new(txn.world.clone());
    let paper = now.get::<Paper>(id).ok_or_else(Problem::not_found)?;
    let today = day_of(txn.now());
    let earlier = paper.data.as_of_on.filter(|d| *d < today);
    if earlier != past.map(|p| p.day) {
        let detail = "the date that the paper reports on has changed, or is before anything \
            recorded here; read the paper again";
        return Err(Problem::new(Code::Conflict, detail));
    }
    if paper.is_frozen() {
        let detail = "the paper was already issued and can be issued only once; write another \
            that supersedes it (supersedes_id)";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let visibility = visibility(paper, txn.caller.clearance());
    let seen = VisibleWorld::now(Arc::clone(&now), visibility.clone());
    let basis = match past {
        Some(past) => Basis::of_day(
            VisibleWorld::past(Arc::clone(&past.world), Arc::clone(&now), visibility),
            past.day,
        ),
        None => Basis::of_moment(seen.clone(), today, now.at),
    };
    let sources = Sources {
        paper,
        seen: &seen,
        basis: &basis,
    };
    let frozen = content(&sources, PaperState::Issued);
    let text = serde_json::to_string(&frozen).map_err(Problem::internal)?;
    let markdown = markdown::write(&layout::nodes(&frozen));
    let mut draft = json!({
        "paper_id": id, "marking": paper.meta.marking, "paper_version": paper.meta.version, "issued_on": today, "assessed_on": basis.on, "as_of": basis.as_of,
        "journal_seq": frozen.journal_seq, "content_sha256": sha256(&text), "content": text,
        "markdown_sha256": sha256(&markdown), "markdown": markdown,
    });
    if let Value::Object(map) = &mut draft {
        map.extend(
            given
                .into_iter()
                .filter(|(name, _)| GIVEN.contains(&name.as_str())),
        );
    }
    txn.create(kind(PaperIssue::KIND)?, None, draft)
}

/// Issues a paper from a file to be loaded: `{"paper_id": …}`.
///
/// # Errors
/// Fails for the same reasons as issuing, and if the paper reports on a date before that of the
/// file.
pub fn issue_loaded(txn: &mut Txn<'_>, mut record: Value) -> Result<Arc<dyn AnyRecord>, Problem> {
    let given = record
        .as_object_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    if let Some(other) = given
        .keys()
        .find(|k| *k != "paper_id" && !GIVEN.contains(&k.as_str()))
    {
        let detail = "is not allowed here: send only paper_id and reference; issuing sets the \
            other fields";
        return Err(Problem::field(
            Code::InvalidBody,
            format!("/{other}"),
            "not_allowed",
            detail,
        ));
    }
    let id = given
        .get("paper_id")
        .and_then(Value::as_str)
        .and_then(|t| Uuid::try_parse(t).ok());
    let id = id.ok_or_else(|| {
        Problem::field(
            Code::InvalidBody,
            "/paper_id",
            "required",
            "give the id of the paper to issue",
        )
    })?;
    issue(txn, id, None, None, given)
}

/// The operation.
pub fn operation() -> Operation {
    Operation::new(
        "POST",
        format!("{BASE}/papers/{{id}}/issue"),
        "issuePaper",
        Access::Needs(Subject::Paper, Act::Update),
        run,
    )
    .says(
        "Papers",
        "Issue a paper",
        "Freezes the content of the paper, with its SHA-256 and the journal entry that it is \
            based on, in a paper issue. From then on the paper does not change, whatever is \
            recorded later; only the panel's decisions are added. A paper marked official \
            contains nothing marked official_sensitive, regardless of who issues it. A paper \
            marked official_sensitive contains what its issuer may see. The issue has the same \
            marking as its paper.",
    )
    .takes([
        id_parameter("paper"),
        if_match(),
        idempotency(),
        reason(),
        query(
            "reference",
            "Reference of the issue; generated if left out.",
            json!({ "type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]*$" }),
        ),
    ])
    .creates("issue", "PaperIssue")
    .refuses(&[
        Code::InvalidHeader,
        Code::Conflict,
        Code::ReferenceTaken,
        Code::VersionMismatch,
        Code::RuleViolation,
        Code::InvalidBody,
        Code::IdempotencyKeyReused,
        Code::PreconditionRequired,
    ])
}

async fn run(call: Call) -> Result<Answer, Problem> {
    let (id, versions, write) = (call.id()?, call.if_match()?, call.write()?);
    let seen = call.now();
    let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
    let past = match paper.data.as_of_on.filter(|d| *d < call.on) {
        Some(day) => Some(Past {
            day,
            world: call
                .service
                .engine
                .world_at(super::queries::end_of(day))
                .await?
                .world,
        }),
        None => None,
    };
    let given = GIVEN
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), call.query.get(name)?.into())))
        .collect();
    call.change(write, move |txn| {
        let record = issue(txn, id, Some(&versions), past.as_ref(), given)?;
        let location = format!("{BASE}/{}/{}", PaperIssue::PATH, record.meta().id);
        Ok(Answer::record(201, &txn.show(&record)?)
            .header("Location", location)
            .into())
    })
    .await
}
