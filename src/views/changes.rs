//! What changed since a time, or since a board last met. Each record is listed once, with what
//! happened to it, by whom, and what is different.
//!
//! Changes are found by comparing the world then with the world now, record by record, in memory.
//! Who made them is read from the journal, only for the records on one page. Readers may see the
//! account's id, as in every history, and the post that the account is for. Only those who may read
//! accounts see the account's name. Names of people do not appear.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::request::{Asked, View, id_of, in_place, name_of, operation_by, render, some_of, words};
use super::status::Named;
use crate::db::store::{self, AuthorRow};
use crate::http::history::FieldChange;
use crate::http::naming::{ChangedBy, Names};
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::http::resource::moment;
use crate::http::{Answer, Call, entry_cursor};
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::catalogue;
use crate::registers::governance::Board;
use crate::registers::meetings::{Meeting, MeetingStatus};
use crate::render::table::LONGEST;
use crate::world::calendar::Calendar;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Kind, Rec, Text, World};

/// Default number of days to look back.
const BACK_DAYS: u64 = 28;
/// Most journal entries returned for one record; the latest ones.
const MOST_ENTRIES: i64 = 20;

/// The register that a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ChangeRegister {
    /// Units and posts.
    Organisation,
    /// Strategies, versions, suggestions, goals, cross-references, reviews.
    Strategy,
    /// Plans and their items, progress updates, benefit claims, deadline changes, dependencies,
    /// allocations.
    Plan,
    /// Boards, board relationships, terms of reference, remits, memberships.
    Governance,
    /// Audit reviews and recommendations, with what management and audit record on them.
    Assurance,
    /// Risk registers, risks, controls, reviews, escalations.
    Risk,
    /// Meetings, attendance, minutes, outcomes and actions.
    Meetings,
    /// Oversight channels and report obligations.
    Oversight,
    /// Measures, sources, classifications, targets, observations, dashboards.
    Performance,
    /// Communications plans, activities, campaigns, assets, good practice.
    Communications,
    /// Documents, their versions, and what they are evidence for.
    Evidence,
    /// Papers for boards.
    Papers,
    /// Waivers of gaps.
    Gaps,
    /// Settings that differ between organisations.
    Settings,
    /// Accounts and grants, for callers who may read them.
    Access,
}

impl ChangeRegister {
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
            Subject::Access | Subject::Journal | Subject::Redaction => Self::Access,
        }
    }
}

/// Net change to a record between the two times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ChangeKind {
    /// It did not exist at the earlier time.
    #[strum(message = "Created")]
    Made,
    /// It existed at the earlier time and has been changed since.
    Changed,
    /// It existed then, or was created since, and is now withdrawn.
    Withdrawn,
    /// It was withdrawn then and is live again.
    Restored,
}

/// One of the changes to a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeEntry {
    /// Number of the journal entry; null for callers who may not see every marked record.
    pub seq: Option<i64>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// When it was actually entered, if `at` was back-dated; null otherwise.
    pub entered_at: Option<DateTime<Utc>>,
    /// One of create, update, withdraw, restore or redact.
    pub action: Text<20>,
    /// Who made the change.
    pub by: ChangedBy,
    /// Reason for the change, if given.
    pub reason: Option<Text<1000>>,
}

/// What happened to one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordChange {
    /// The register that it belongs to.
    pub register: ChangeRegister,
    /// The record, with its current name.
    pub record: RecordName,
    /// Net change between the two times.
    pub change_kind: ChangeKind,
    /// It did not exist at the earlier time.
    pub is_new: bool,
    /// Version of the record at the earlier time; null if it did not exist.
    pub version_before: Option<i64>,
    /// Current version of the record.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Number of its last journal entry; null for callers who may not see every marked record.
    pub seq: Option<i64>,
    /// When the record was last changed.
    pub last_changed_at: DateTime<Utc>,
    /// Changes to the record, latest first; at most 20.
    #[schema(max_items = 20)]
    pub entries: Vec<ChangeEntry>,
    /// Whether one of the two versions is marked above the caller's clearance. If so, `changes` is
    /// empty.
    pub is_redacted: bool,
    /// Differences, field by field. Figures that the caller may not see as recorded are left out of
    /// both versions.
    #[schema(max_items = 500)]
    pub changes: Vec<FieldChange>,
}

/// Number of changed records of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeCounts {
    /// The register.
    pub register: ChangeRegister,
    /// The kind.
    pub kind: Text<60>,
    /// Records created.
    pub made: u32,
    /// Records changed.
    pub changed: u32,
    /// Records withdrawn.
    pub withdrawn: u32,
    /// Records restored.
    pub restored: u32,
}

/// A page of changes, with counts for everything that matches the filters.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangesView {
    /// Time after which changes are included.
    pub since: DateTime<Utc>,
    /// The meeting whose date is used for `since`, if `since_meeting_of` was given.
    pub since_meeting: Option<Named>,
    /// Its status. If it is `scheduled`, its day has passed and nobody has recorded whether it was
    /// held.
    pub since_meeting_status: Option<MeetingStatus>,
    /// Number of journal entries before the changes, as in `journal_seq`.
    pub seq_before: i64,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Number of records on all pages.
    #[schema(minimum = 0)]
    pub total: usize,
    /// Number of records by kind, on all pages.
    #[schema(max_items = 500)]
    pub by_kind: Vec<ChangeCounts>,
    /// Changed records, latest change first.
    #[schema(max_items = 200)]
    pub items: Vec<RecordChange>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<Text<60>>,
}

impl View for ChangesView {
    fn fields(&self) -> Vec<Field> {
        const RECORD: [&str; 10] = [
            "register",
            "record.kind",
            "record.id",
            "record.reference",
            "record.title",
            "change_kind",
            "version_before",
            "version",
            "last_changed_at",
            "by",
        ];
        let of_record = RECORD.map(Field::named).into_iter();
        of_record.chain(fields_of::<FieldChange>()).collect()
    }
    /// A row for each field that differs, and one for a record of which no field does. Of a text that
    /// no cell can hold, such as the content of an issued paper, it has the length.
    fn rows(&self) -> Vec<Value> {
        let row = |item: &RecordChange, change: Option<&FieldChange>| {
            let last = item.entries.first();
            let by = last.map(|e| {
                e.by.post
                    .as_ref()
                    .map_or_else(|| e.by.account_id.to_string(), |p| p.title.to_string())
            });
            let mut row = json!({
                "register": item.register, "record": item.record, "change_kind": item.change_kind, "version_before": item.version_before,
                "version": item.version, "last_changed_at": item.last_changed_at, "by": by,
            });
            if let (Value::Object(row), Value::Object(change)) = (&mut row, json!(change)) {
                row.extend(change);
                for side in ["before", "after"] {
                    row.get_mut(side).into_iter().for_each(shorten);
                }
            }
            row
        };
        let rows = |item: &RecordChange| match item.changes.as_slice() {
            [] => vec![row(item, None)],
            changes => changes.iter().map(|c| row(item, Some(c))).collect(),
        };
        self.items.iter().flat_map(rows).collect()
    }
}

/// Puts the length of a text in its place, if it is longer than a cell of a table can be.
fn shorten(value: &mut Value) {
    let length = value.as_str().map_or(0, |text| text.encode_utf16().count());
    if length > LONGEST {
        *value = json!(format!("{length} characters"));
    }
}

/// The changes asked for.
struct Wanted {
    kinds: Vec<String>,
    registers: Vec<ChangeRegister>,
    change_kinds: Vec<ChangeKind>,
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
            change_kinds: words(asked, "change_kind")?,
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

/// A record that changed, before it is described.
struct Found<'a> {
    kind: &'static Kind,
    record: &'a Arc<dyn AnyRecord>,
    before: Option<&'a Arc<dyn AnyRecord>>,
    change_kind: ChangeKind,
}

fn change_kind(before: Option<&Arc<dyn AnyRecord>>, now: &dyn AnyRecord) -> ChangeKind {
    let was_withdrawn = before.map(|b| b.meta().withdrawn_at.is_some());
    match (was_withdrawn, now.meta().withdrawn_at.is_some()) {
        (None | Some(false), true) => ChangeKind::Withdrawn,
        (None, false) => ChangeKind::Made,
        (Some(true), false) => ChangeKind::Restored,
        _ => ChangeKind::Changed,
    }
}

/// Every changed record that matches the filters, latest change first.
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
            let change_kind = change_kind(before, record.as_ref());
            if wanted.change_kinds.is_empty() || wanted.change_kinds.contains(&change_kind) {
                found.push(Found {
                    kind,
                    record,
                    before,
                    change_kind,
                });
            }
        }
    }
    found.sort_by_key(|f| Reverse(f.record.meta().seq));
    found
}

/// Contents of a version as visible to the caller; none if it is marked above the caller's
/// clearance.
fn said(seen: &VisibleWorld, version: &dyn AnyRecord) -> Option<Value> {
    let shown = seen
        .show_version(version)
        .ok()
        .filter(|_| seen.may_see_version(version))?;
    serde_json::from_slice(shown.json()).ok()
}

fn change(
    seen: &VisibleWorld,
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
        (Some(before), Some(after)) => names.difference(found.kind, &before, after),
        (None, Some(after)) => names.difference(found.kind, &json!({}), after),
        (_, None) => Vec::new(),
    };
    // For a new record, its own fields say enough.
    const ENVELOPE: [&str; 5] = [
        "/id",
        "/reference",
        "/marking",
        "/created_at",
        "/created_by",
    ];
    changes.retain(|c| found.before.is_some() || !ENVELOPE.contains(&c.pointer.as_str()));
    // The reason for a change may mention figures, or contents that were marked.
    let says_why = !is_redacted && seen.is_exact(found.record.as_ref());
    let entry = |row: AuthorRow| ChangeEntry {
        seq: seen.entry_number(row.seq),
        at: row.at.0,
        entered_at: row.entered_at.map(|e| e.0),
        action: Text::cut(row.action),
        by: now.author(row.actor.0),
        reason: row.reason.filter(|_| says_why).map(Text::cut),
    };
    RecordChange {
        register: ChangeRegister::of(found.kind.subject),
        record: RecordName::of(seen, found.record),
        change_kind: found.change_kind,
        is_new: found.before.is_none(),
        version_before: found.before.map(|b| b.meta().version),
        version: meta.version,
        seq: seen.entry_number(meta.seq),
        last_changed_at: meta.updated_at,
        entries: entries.into_iter().map(entry).collect(),
        is_redacted,
        changes,
    }
}

fn by_kind(found: &[Found<'_>]) -> Vec<ChangeCounts> {
    let mut counts: BTreeMap<(ChangeRegister, usize), ChangeCounts> = BTreeMap::new();
    for f in found {
        let register = ChangeRegister::of(f.kind.subject);
        let count = counts
            .entry((register, f.kind.index))
            .or_insert_with(|| ChangeCounts {
                register,
                kind: Text::cut(f.kind.name),
                made: 0,
                changed: 0,
                withdrawn: 0,
                restored: 0,
            });
        *match f.change_kind {
            ChangeKind::Made => &mut count.made,
            ChangeKind::Changed => &mut count.changed,
            ChangeKind::Withdrawn => &mut count.withdrawn,
            ChangeKind::Restored => &mut count.restored,
        } += 1;
    }
    counts.into_values().collect()
}

/// When a day is over.
fn after(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    Calendar::current().start_of(next)
}

/// The time to start from, included: the time asked for, the end of the day of the board's last
/// meeting, or some weeks back. A meeting whose day has passed counts even if nobody recorded that
/// it was held: the board may have met, and the answer says so.
fn since(asked: &Asked) -> Result<(DateTime<Utc>, Option<&Rec<Meeting>>), Problem> {
    let at = asked.query.since("since")?;
    let Some(board) = id_of(asked, "since_meeting_of")? else {
        let back = asked
            .on
            .checked_sub_days(Days::new(BACK_DAYS))
            .unwrap_or(asked.on);
        return Ok((at.unwrap_or_else(|| after(back)), None));
    };
    if at.is_some() {
        return Err(invalid(
            "since",
            "cannot be combined with `since_meeting_of`; give only one of the two",
        ));
    }
    let seen = &asked.seen;
    if !seen.get::<Board>(board).is_some_and(|b| seen.is_live(b)) {
        return Err(invalid(
            "since_meeting_of",
            "must be the id of a board that is visible to you",
        ));
    }
    let met = seen
        .pointing::<Meeting>(board)
        .filter(|m| m.data.board_id == board && m.data.status != MeetingStatus::Cancelled);
    let days = met.filter_map(|m| Some((m.computed.meeting_on.filter(|d| *d < asked.on)?, m)));
    let last = days.max_by_key(|(day, m)| (*day, m.meta.id));
    let (day, meeting) = last.ok_or_else(|| {
        invalid(
            "since_meeting_of",
            &format!("this board has no meeting before {}", asked.on),
        )
    })?;
    Ok((after(day), Some(meeting)))
}

async fn answer(call: Call) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let asked = Asked::of(&call).await?;
    // Linked records have the name they had then. Accounts that made changes have their current
    // name.
    let (names, now) = (
        Names::new(&call, asked.seen.clone())?,
        Names::new(&call, call.now())?,
    );
    let (size, wanted) = (asked.limit()?, Wanted::of(&asked)?);
    // A table is the whole answer.
    let before = (entry_cursor::read(&call).await?)
        .filter(|_| asked.cursor().is_some())
        .unwrap_or(i64::MAX);
    let (since, meeting) = since(&asked)?;
    let since_meeting = meeting.map(|m| Named::new(&m.meta, &m.data.title));
    let since_meeting_status = meeting.map(|m| m.data.status);
    // What was recorded at that very time is a change.
    let before_then = since - TimeDelta::microseconds(1);
    let found_then = call.service.engine.world_at(before_then).await?;
    let (then, seq_before) = (
        Arc::clone(&found_then.world),
        call.seen_at(found_then).seq(),
    );
    if then.seq > asked.seen.last_entry() {
        return Err(invalid("since", "must not be after `as_of`"));
    }
    let may_read: Vec<bool> = catalogue()
        .kinds()
        .iter()
        .map(|k| names.may_read(k.index))
        .collect();
    let (asked, then) = (Arc::new(asked), then);
    let (found_in, found_then) = (Arc::clone(&asked), Arc::clone(&then));
    // Counts the records and chooses the page on a separate thread, so that other requests are not
    // held up.
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
    let (ids, after, until) = (page.clone(), then.seq, asked.seen.last_entry());
    let authors = call.service.engine.read(move |conn| {
        let of = |id: &Uuid| store::authors(conn, *id, after, until, MOST_ENTRIES);
        ids.iter().map(of).collect::<Result<Vec<_>, _>>()
    });
    let authors = authors.await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let name = name_of(&call);
    let make = move || {
        let world = asked.seen.reading(asked.on).world;
        let items: Vec<RecordChange> = page
            .iter()
            .zip(authors)
            .filter_map(|(id, entries)| {
                let record = world.any(*id)?;
                let before = then.any(*id);
                let found = Found {
                    kind: catalogue().kinds().get(record.meta().kind())?,
                    record,
                    before,
                    change_kind: change_kind(before, record.as_ref()),
                };
                Some(change(&asked.seen, &names, &now, &found, entries))
            })
            .collect();
        let view = ChangesView {
            since,
            since_meeting,
            since_meeting_status,
            seq_before,
            journal_seq: asked.seen.seq(),
            total,
            by_kind,
            next_cursor: items
                .last()
                .filter(|_| more)
                .and_then(|i| asked.seen.any(i.record.id))
                .map(|r| {
                    let meta = r.meta();
                    let cursor = entry_cursor::write(&asked.seen, meta.seq, meta.id, meta.version);
                    Text::known(cursor)
                }),
            items,
        };
        service
            .answers
            .get_or_make(key, || render(view, &asked.seen, (format, &name), &service))
    };
    in_place(&call, make).await
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let registers: Vec<String> = ChangeRegister::VARIANTS.iter().map(word).collect();
    let change_kinds: Vec<String> = ChangeKind::VARIANTS.iter().map(word).collect();
    let kinds: Vec<&str> = catalogue().kinds().iter().map(|k| k.name).collect();
    vec![
        operation_by::<ChangesView>(
            "/api/v1/changes",
            "listChanges",
            Subject::PlanItem,
            Arc::new(|call| Box::pin(answer(call))),
        )
        .takes([
            query(
                "since",
                "Only what was recorded at or after this time. A day means its start. Defaults to \
                    27 days before the day in `on`.",
                moment("2020-06-29"),
            ),
            id_query(
                "since_meeting_of",
                "Only what was recorded after the day of this board's last meeting before the date \
                    in `on`, unless that was cancelled.",
            ),
            limit_parameter("Records"),
            entry_cursor::parameter("`next_cursor` of the previous page."),
            some_of("register", "Only records of these registers.", &registers),
            some_of("kind", "Only records of these kinds.", &kinds),
            some_of(
                "change_kind",
                "Only records with this net change.",
                &change_kinds,
            ),
            id_query("record_id", "Only this record."),
            id_query(
                "unit_id",
                "Only records owned by this unit or a unit below it.",
            ),
            id_query("board_id", "Only this board and records that belong to it."),
        ])
        .says(
            "Views",
            "List changes",
            "Returns every record that was created, changed, withdrawn or restored since a time, \
                or since a board last met, until now or `as_of`. Each record is listed once, \
                with the differences between the two times, field by field, and who made each \
                change and when. Readers see the account's id and the post it is for. Auditors \
                and administrators also see the account's name. Names of people do not appear. \
                With `as_of`, the pages of one answer stay consistent whatever is recorded in \
                the meantime.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ChangesView>(schemas);
}
