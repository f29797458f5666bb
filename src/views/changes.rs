//! What changed since a time, or since a board last met: each record once, with what happened to it, by whom, and what is different.
//!
//! What changed is found by comparing the world then with the world now, record by record, in memory; who did it is read from the journal
//! for the records of one page alone. What a reader may know of who: the account's id, as in every history, and the post that the account
//! is for; what the account is called only whoever may read accounts. Names of people stand in none of this.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::request::{Asked, View, id_of, operation_by, render, some_of, words};
use super::rows::flatten;
use super::status::Named;
use crate::db::store::{self, AuthorRow};
use crate::http::history::FieldChange;
use crate::http::naming::{ChangedBy, Names};
use crate::http::operation::{Operation, id_query, query};
use crate::http::page::{limit, limit_parameter};
use crate::http::query::invalid;
use crate::http::resource::moment;
use crate::http::{Answer, Call};
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::catalogue;
use crate::registers::governance::Board;
use crate::registers::meetings::{Meeting, MeetingStatus};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::Seen;
use crate::world::{AnyRecord, Kind, Rec, World};

/// Days back unless asked otherwise.
const BACK_DAYS: u64 = 28;
/// Journal entries named for one record: the last ones.
const MOST_ENTRIES: i64 = 20;

/// The register that a record belongs to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ChangeRegister {
    Organisation,
    Strategy,
    Plan,
    Governance,
    Assurance,
    Risk,
    Meetings,
    Oversight,
    Performance,
    Communications,
    Evidence,
    /// Papers for boards.
    Papers,
    /// Waivers of gaps.
    Gaps,
    Settings,
    /// Accounts and grants: for who may read them.
    Access,
}

impl ChangeRegister {
    const ALL: [Self; 15] = [
        Self::Organisation,
        Self::Strategy,
        Self::Plan,
        Self::Governance,
        Self::Assurance,
        Self::Risk,
        Self::Meetings,
        Self::Oversight,
        Self::Performance,
        Self::Communications,
        Self::Evidence,
        Self::Papers,
        Self::Gaps,
        Self::Settings,
        Self::Access,
    ];

    const fn of(subject: Subject) -> Self {
        match subject {
            Subject::Organisation => Self::Organisation,
            Subject::Strategy => Self::Strategy,
            Subject::Plan | Subject::PlanItem | Subject::Progress | Subject::DeadlineChange => {
                Self::Plan
            }
            Subject::Governance => Self::Governance,
            Subject::Risk | Subject::Control => Self::Risk,
            Subject::Assurance | Subject::AssuranceProgress | Subject::AssuranceLink => {
                Self::Assurance
            }
            Subject::Document => Self::Evidence,
            Subject::Meeting | Subject::Action | Subject::ActionProgress => Self::Meetings,
            Subject::Oversight => Self::Oversight,
            Subject::Performance => Self::Performance,
            Subject::Communications => Self::Communications,
            Subject::Paper => Self::Papers,
            Subject::Waiver => Self::Gaps,
            Subject::Setting => Self::Settings,
            Subject::Access | Subject::Journal => Self::Access,
        }
    }
}

/// What happened to a record between the two times, all in all.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was not there before.
    Made,
    Changed,
    /// It was there, or was made since, and counts no more.
    Withdrawn,
    /// It did not count before, and counts again.
    Restored,
}

/// One of the changes to a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEntry {
    /// Number of the journal entry.
    pub seq: i64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// When it was really entered, where `at` was given an earlier time; null for every other entry.
    pub entered_at: Option<DateTime<Utc>>,
    /// create, update, withdraw or restore.
    #[schema(max_length = 20)]
    pub action: String,
    /// Who made it.
    pub by: ChangedBy,
    /// Why, where it was said.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// What became of one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordChange {
    /// The register that it belongs to.
    pub register: ChangeRegister,
    /// The record, as it is called now.
    pub record: RecordName,
    /// What happened to it, all in all.
    pub happened: Happened,
    /// It was not there before.
    pub is_new: bool,
    /// Its version before; null where it was not there.
    pub version_before: Option<i64>,
    /// Its version now.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Number of its last journal entry.
    pub seq: i64,
    /// When it was changed last.
    pub last_changed_at: DateTime<Utc>,
    /// The changes to it, the last first; at most 20.
    #[schema(max_items = 20)]
    pub entries: Vec<ChangeEntry>,
    /// Whether what it said before was marked above the caller's clearance; then `changes` is empty.
    pub is_redacted: bool,
    /// What is different, field by field. Figures that the caller is not shown as recorded are in neither.
    #[schema(max_items = 500)]
    pub changes: Vec<FieldChange>,
}

/// What became of the records of one kind, in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindChanges {
    /// The register.
    pub register: ChangeRegister,
    /// The kind.
    #[schema(max_length = 60)]
    pub kind: String,
    /// Made.
    pub made: u32,
    /// Changed.
    pub changed: u32,
    /// Withdrawn.
    pub withdrawn: u32,
    /// Restored.
    pub restored: u32,
}

/// What changed, a page at a time, with the counts of all that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangesView {
    /// Everything recorded after this moment.
    pub since: DateTime<Utc>,
    /// The meeting since whose day it looks, if that was asked for.
    pub since_meeting: Option<Named>,
    /// Number of the last journal entry before.
    pub seq_before: i64,
    /// Number of the journal entry up to which it looks.
    pub journal_seq: i64,
    /// How many records there are on all pages.
    #[schema(minimum = 0)]
    pub total: usize,
    /// How many by kind, on all pages.
    #[schema(max_items = 500)]
    pub by_kind: Vec<KindChanges>,
    /// The records, what was changed last first.
    #[schema(max_items = 200)]
    pub items: Vec<RecordChange>,
    /// Where the next page begins; null on the last.
    #[schema(max_length = 20)]
    pub next_cursor: Option<String>,
}

impl View for ChangesView {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let row = |item: &RecordChange| {
            let last = item.entries.first();
            let by = last.map(|e| {
                e.by.post
                    .as_ref()
                    .map_or_else(|| e.by.account_id.to_string(), |p| p.name.clone())
            });
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            let changes: Vec<String> = item
                .changes
                .iter()
                .map(|c| format!("{}: {} → {}", c.pointer, text(&c.before), text(&c.after)))
                .collect();
            let mut row = Map::new();
            let fields = json!({
                "register": item.register, "record": item.record, "happened": item.happened, "version_before": item.version_before,
                "version": item.version, "last_changed_at": item.last_changed_at, "by": by, "changes": changes,
            });
            flatten(&mut row, "", fields);
            row
        };
        self.items.iter().map(row).collect()
    }
}

/// Which changes are asked for.
struct Wanted {
    kinds: Vec<String>,
    registers: Vec<ChangeRegister>,
    happened: Vec<Happened>,
    record: Option<Uuid>,
    scopes: Vec<Uuid>,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Problem> {
        let kinds: Vec<String> = words(asked, "kind")?;
        if let Some(unknown) = kinds.iter().find(|k| catalogue().named(k).is_none()) {
            return Err(invalid("kind", &format!("there is no kind `{unknown}`")));
        }
        let scopes = [id_of(asked, "unit_id")?, id_of(asked, "board_id")?];
        Ok(Self {
            kinds,
            registers: words(asked, "register")?,
            happened: words(asked, "happened")?,
            record: id_of(asked, "record_id")?,
            scopes: scopes.into_iter().flatten().collect(),
        })
    }

    fn has_kind(&self, kind: &Kind) -> bool {
        let register = ChangeRegister::of(kind.subject);
        (self.kinds.is_empty() || self.kinds.iter().any(|k| k == kind.name))
            && (self.registers.is_empty() || self.registers.contains(&register))
    }
}

/// A record that changed, before anything is said of it.
struct Found<'a> {
    kind: &'static Kind,
    record: &'a Arc<dyn AnyRecord>,
    before: Option<&'a Arc<dyn AnyRecord>>,
    happened: Happened,
}

fn happened(before: Option<&Arc<dyn AnyRecord>>, now: &dyn AnyRecord) -> Happened {
    let was_withdrawn = before.map(|b| b.meta().withdrawn_at.is_some());
    match (was_withdrawn, now.meta().withdrawn_at.is_some()) {
        (None | Some(false), true) => Happened::Withdrawn,
        (None, false) => Happened::Made,
        (Some(true), false) => Happened::Restored,
        _ => Happened::Changed,
    }
}

/// Every record that is wanted and changed, what was changed last first.
fn find<'a>(
    asked: &'a Asked,
    then: &'a World,
    wanted: &Wanted,
    may_read: &[bool],
) -> Vec<Found<'a>> {
    let world = asked.seen.reading(asked.on).world;
    let mut found = Vec::new();
    for kind in catalogue()
        .kinds()
        .iter()
        .filter(|k| may_read.get(k.index) == Some(&true) && wanted.has_kind(k))
    {
        let rows = world.table(kind.index).into_iter().flat_map(|t| t.rows());
        for record in rows.filter(|r| r.meta().seq > then.seq) {
            let id = record.meta().id;
            let is_asked = wanted.record.is_none_or(|r| r == id)
                && wanted.scopes.iter().all(|s| world.is_in_scope(id, *s));
            if !is_asked || !asked.seen.may_see(id) {
                continue;
            }
            let before = then.any(id);
            let happened = happened(before, record.as_ref());
            if wanted.happened.is_empty() || wanted.happened.contains(&happened) {
                found.push(Found {
                    kind,
                    record,
                    before,
                    happened,
                });
            }
        }
    }
    found.sort_by_key(|f| Reverse(f.record.meta().seq));
    found
}

/// What a version says, as the caller is shown it; none where it was marked above the caller's clearance.
fn said(seen: &Seen, version: &dyn AnyRecord) -> Option<Value> {
    let shown = seen
        .show_version(version)
        .ok()
        .filter(|_| seen.may_see_version(version))?;
    serde_json::from_slice(shown.json()).ok()
}

fn change(
    seen: &Seen,
    names: &Names,
    now: &Names,
    found: &Found<'_>,
    entries: Vec<AuthorRow>,
) -> RecordChange {
    let meta = found.record.meta();
    let after = said(seen, found.record.as_ref());
    let before = found.before.map(|b| said(seen, b.as_ref()));
    let is_redacted = after.is_none() || before == Some(None);
    let mut changes = match (before.clone().flatten(), &after) {
        _ if is_redacted => Vec::new(),
        (Some(before), Some(after)) => names.difference(&before, after),
        (None, Some(after)) => names.difference(&json!({}), after),
        (_, None) => Vec::new(),
    };
    // Of what is new its own fields say enough.
    const ENVELOPE: [&str; 5] = [
        "/id",
        "/reference",
        "/marking",
        "/created_at",
        "/created_by",
    ];
    changes.retain(|c| found.before.is_some() || !ENVELOPE.contains(&c.pointer.as_str()));
    // Why it was done may speak of figures, or of what was marked.
    let says_why = !is_redacted && seen.is_exact(found.record.as_ref());
    let entry = |row: AuthorRow| ChangeEntry {
        seq: row.seq,
        at: row.at.0,
        entered_at: row.entered_at.map(|e| e.0),
        action: row.action,
        by: now.author(row.actor.0),
        reason: row.reason.filter(|_| says_why),
    };
    RecordChange {
        register: ChangeRegister::of(found.kind.subject),
        record: RecordName::of(seen, found.record),
        happened: found.happened,
        is_new: found.before.is_none(),
        version_before: found.before.map(|b| b.meta().version),
        version: meta.version,
        seq: meta.seq,
        last_changed_at: meta.updated_at,
        entries: entries.into_iter().map(entry).collect(),
        is_redacted,
        changes,
    }
}

fn by_kind(found: &[Found<'_>]) -> Vec<KindChanges> {
    let mut counts: BTreeMap<(ChangeRegister, usize), KindChanges> = BTreeMap::new();
    for f in found {
        let register = ChangeRegister::of(f.kind.subject);
        let count = counts
            .entry((register, f.kind.index))
            .or_insert_with(|| KindChanges {
                register,
                kind: f.kind.name.to_owned(),
                made: 0,
                changed: 0,
                withdrawn: 0,
                restored: 0,
            });
        *match f.happened {
            Happened::Made => &mut count.made,
            Happened::Changed => &mut count.changed,
            Happened::Withdrawn => &mut count.withdrawn,
            Happened::Restored => &mut count.restored,
        } += 1;
    }
    counts.into_values().collect()
}

/// The end of a day.
fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    next.and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1)
}

/// Since when: the time asked for, the end of the day on which the board last met, or some weeks back.
fn since(asked: &Asked) -> Result<(DateTime<Utc>, Option<Named>), Problem> {
    let at = asked.query.moment("since")?;
    let Some(board) = id_of(asked, "since_meeting_of")? else {
        let back = asked
            .on
            .checked_sub_days(Days::new(BACK_DAYS))
            .unwrap_or(asked.on);
        return Ok((at.unwrap_or_else(|| end_of(back)), None));
    };
    if at.is_some() {
        return Err(invalid(
            "since",
            "is given beside since_meeting_of; give one of the two",
        ));
    }
    let seen = &asked.seen;
    if !seen.get::<Board>(board).is_some_and(Rec::is_live) {
        return Err(invalid(
            "since_meeting_of",
            "is the id of no board that you may know of",
        ));
    }
    let held = seen
        .pointing::<Meeting>(board)
        .filter(|m| m.data.board_id == board && m.data.status == MeetingStatus::Held);
    let days = held.filter_map(|m| Some((m.computed.meeting_on.filter(|d| *d < asked.on)?, m)));
    let last = days.max_by_key(|(day, m)| (*day, m.meta.id));
    let (day, meeting) = last.ok_or_else(|| {
        invalid(
            "since_meeting_of",
            &format!("the board held no meeting before {}", asked.on),
        )
    })?;
    Ok((
        end_of(day),
        Some(Named::new(&meeting.meta, &meeting.data.title)),
    ))
}

async fn answer(call: Call) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let asked = Asked::of(&call).await?;
    // What is pointed to is named as it was then, who did it as they are now.
    let (names, now) = (
        Names::new(&call, asked.seen.clone())?,
        Names::new(&call, call.now())?,
    );
    let (size, wanted) = (limit(&asked.query)?, Wanted::of(&asked)?);
    let before = asked
        .query
        .value::<i64>("cursor", "the next_cursor of the page before")?
        .unwrap_or(i64::MAX);
    let (since, since_meeting) = since(&asked)?;
    let then = call.service.engine.world_at(since).await?.world;
    if then.seq > asked.seen.seq() {
        return Err(invalid("since", "lies after as_of"));
    }
    let may_read: Vec<bool> = catalogue()
        .kinds()
        .iter()
        .map(|k| names.may_read(k.index))
        .collect();
    let (asked, then) = (Arc::new(asked), then);
    let (found_in, found_then) = (Arc::clone(&asked), Arc::clone(&then));
    // Counted, and the page chosen, off the thread that serves others.
    let choose = move || {
        let found = find(&found_in, &found_then, &wanted, &may_read);
        let page: Vec<Uuid> = found
            .iter()
            .filter(|f| f.record.meta().seq < before)
            .take(size + 1)
            .map(|f| f.record.meta().id)
            .collect();
        (found.len(), by_kind(&found), page)
    };
    let (total, by_kind, mut page) = actix_web::web::block(choose)
        .await
        .map_err(Problem::internal)?;
    let more = page.len() > size;
    page.truncate(size);
    let (ids, after, until) = (page.clone(), then.seq, asked.seen.seq());
    let authors = call.service.engine.read(move |conn| {
        let of = |id: &Uuid| store::authors(conn, *id, after, until, MOST_ENTRIES);
        ids.iter().map(of).collect::<Result<Vec<_>, _>>()
    });
    let authors = authors.await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let make = move || {
        let world = asked.seen.reading(asked.on).world;
        let items: Vec<RecordChange> = page
            .iter()
            .zip(authors)
            .filter_map(|(id, entries)| {
                let record = world.any(*id)?;
                let before = then.any(*id);
                let found = Found {
                    kind: catalogue().kinds().get(record.meta().kind)?,
                    record,
                    before,
                    happened: happened(before, record.as_ref()),
                };
                Some(change(&asked.seen, &names, &now, &found, entries))
            })
            .collect();
        let view = ChangesView {
            since,
            since_meeting,
            seq_before: then.seq,
            journal_seq: asked.seen.seq(),
            total,
            by_kind,
            next_cursor: items.last().filter(|_| more).map(|i| i.seq.to_string()),
            items,
        };
        service.answers.kept(key, || render(&view, format))
    };
    actix_web::web::block(make)
        .await
        .map_err(Problem::internal)?
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let registers = ChangeRegister::ALL.map(|r| word(&r));
    let happened = [
        Happened::Made,
        Happened::Changed,
        Happened::Withdrawn,
        Happened::Restored,
    ]
    .map(|h| word(&h));
    let kinds: Vec<&str> = catalogue().kinds().iter().map(|k| k.name).collect();
    vec![
        operation_by::<ChangesView>("/api/v1/changes", "listChanges", Subject::PlanItem, Arc::new(|call| Box::pin(answer(call))))
            .takes([
                query(
                    "since",
                    "Only what was recorded after this time, or after this day's end; when left out, 28 days back.",
                    moment("2020-06-29"),
                ),
                id_query("since_meeting_of", "Since the day of this board's last held meeting before the day to judge by."),
                limit_parameter("Records"),
                query("cursor", "`next_cursor` of the page before.", json!({ "type": "string", "maxLength": 20, "pattern": "^[0-9]+$" })),
                some_of("register", "Only records of these registers.", &registers),
                some_of("kind", "Only records of these kinds.", &kinds),
                some_of("happened", "Only records to which this happened.", &happened),
                id_query("record_id", "Only this record."),
                id_query("unit_id", "Only what this unit owns, or a unit below it."),
                id_query("board_id", "Only this board and what belongs to it."),
            ])
            .says(
                "Views",
                "What changed",
                "Every record that was made, changed, withdrawn or restored since a time, or since a board last met, until now or `as_of`: once, with what is different between the two times, field by field, and who did it when. Readers see the account's id and the post it is for, auditors and administrators what the account is called too; names of people stand nowhere. With `as_of` the pages of one answer hang together whatever is recorded meanwhile.",
            ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ChangesView>(schemas);
}
