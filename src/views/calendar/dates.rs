//! All dates that are still to come, have been missed, or are past, each with its day and its
//! state. Which these are, each resource declares ([`crate::world::Resource::dates`]).

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::views::RecordName;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::collation::Collated;
use crate::world::date::Precision;
use crate::world::dates::{Course, Dated, Progress, overlap};
use crate::world::record::word;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Text};

/// State of a calendar entry on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CalendarEntryState {
    /// Still to come.
    Upcoming,
    /// In progress.
    Running,
    /// It should have been done or taken place, but was not.
    Overdue,
    /// It was done or held, or nothing more has to be done.
    Done,
    /// Over, with nothing that had to be done.
    Passed,
    /// It is no longer going ahead, or nothing is due any more.
    Cancelled,
}

/// A calendar entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CalendarEntry {
    /// Identifier that does not change when the date moves: the record's id and the kind of date,
    /// and the date too if it recurs. The UID in iCalendar.
    #[schema(max_length = 120)]
    pub uid: String,
    /// Kind of date.
    pub date_kind: CalendarEntryKind,
    /// Record the date comes from.
    pub record: RecordName,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day, included. Something due in a month is due on the last day of that month.
    pub ends_on: NaiveDate,
    /// Precision of the date.
    pub precision: Precision,
    /// The source's own words for the date, if recorded.
    #[schema(max_length = 100)]
    pub source_text: Option<String>,
    /// State on the day.
    pub state: CalendarEntryState,
    /// Whether it was deferred without a date and is shown on the day it was first due.
    pub is_first_date: bool,
    /// Board it concerns, if there is one.
    pub board_id: Option<Uuid>,
    /// Version of the record.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which calendar entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// First and last day. An entry is included if any of its days is between them.
    pub window: (NaiveDate, NaiveDate),
    /// Only these kinds. If empty, all kinds.
    pub kinds: Vec<CalendarEntryKind>,
    /// Only entries owned by this unit or a unit below it.
    pub unit: Option<Uuid>,
    /// Only entries that belong to this board or concern it.
    pub board: Option<Uuid>,
}

/// Returns every entry that is wanted, by first day, kind and reference.
pub fn gather(seen: &VisibleWorld, on: NaiveDate, wanted: &Wanted) -> Vec<CalendarEntry> {
    let (from, until) = wanted.window;
    let window = (Some(from), Some(until));
    let reading = seen.reading(on);
    let mut found: Vec<CalendarEntry> = Vec::new();
    for kind in seen.kinds() {
        if !kind.dates.iter().any(|d| wanted.wants(*d)) {
            continue;
        }
        for record in seen.live_of(kind) {
            let dates = record.dates(reading, window);
            let dates = dates.iter().filter(|d| wanted.wants(d.kind));
            found.extend(dates.filter_map(|d| entry(seen, on, wanted, record, d)));
        }
    }
    found.sort_by(|a, b| {
        let key = |d: &CalendarEntry| (d.starts_on, d.ends_on, d.date_kind);
        key(a)
            .cmp(&key(b))
            .then_with(|| Collated(&a.record.reference).cmp(&Collated(&b.record.reference)))
            .then_with(|| a.uid.cmp(&b.uid))
    });
    found
}

impl Wanted {
    fn wants(&self, kind: CalendarEntryKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// The first and last day on which a date is shown. What is to begin is shown on its first day, what
/// is due or ends on its last, or on the day it was first due if it was deferred without a date.
fn days(dated: &Dated<'_>) -> Option<(NaiveDate, NaiveDate)> {
    let due = dated.deadline.due;
    let one = |day: Option<NaiveDate>| day.zip(day);
    match dated.course {
        Course::Start => one(due.from_on.or(due.due_on)),
        Course::Due | Course::End => one(dated.deadline.counts_on()),
        Course::Run => due.from_on.zip(due.due_on),
    }
}

fn state(
    dated: &Dated<'_>,
    (first, last): (NaiveDate, NaiveDate),
    on: NaiveDate,
) -> CalendarEntryState {
    match dated.deadline.progress_on(on) {
        Progress::Done | Progress::InForce => return CalendarEntryState::Done,
        Progress::GivenUp => return CalendarEntryState::Cancelled,
        Progress::Open | Progress::Lasting => {}
    }
    match dated.course {
        Course::Start | Course::Due if dated.is_overdue(on) => CalendarEntryState::Overdue,
        Course::End | Course::Run if last < on => CalendarEntryState::Passed,
        Course::Run if first <= on => CalendarEntryState::Running,
        _ => CalendarEntryState::Upcoming,
    }
}

/// The entry of a date, if it is in the window and concerns the unit and board that are wanted.
fn entry(
    seen: &VisibleWorld,
    on: NaiveDate,
    wanted: &Wanted,
    declared_by: &Arc<dyn AnyRecord>,
    dated: &Dated<'_>,
) -> Option<CalendarEntry> {
    let (first, last) = days(dated)?;
    let (from, until) = wanted.window;
    if !overlap((Some(from), Some(until)), (Some(first), Some(last))) {
        return None;
    }
    let record = match dated.record_id {
        Some(id) => seen.any(id)?,
        None => declared_by,
    };
    let (meta, reading) = (record.meta(), seen.reading(on));
    let belongs = |to: Uuid| reading.world.is_in_scope(meta.id, to);
    if !wanted.unit.is_none_or(belongs)
        || !wanted
            .board
            .is_none_or(|b| dated.board_id == Some(b) || belongs(b))
    {
        return None;
    }
    let which = dated
        .occurrence
        .map(|d| format!(".{d}"))
        .unwrap_or_default();
    let due = dated.deadline.due;
    let is_first_date = due.due_on.is_none() && dated.deadline.first_on.is_some();
    Some(CalendarEntry {
        uid: format!("{}.{}{which}@stride", meta.id, word(&dated.kind)),
        date_kind: dated.kind,
        record: RecordName {
            kind: Text::cut(seen.kind_of(record)),
            id: meta.id,
            reference: (&meta.reference).into(),
            title: Text::cut(record.date_title(reading)),
        },
        starts_on: first,
        ends_on: last,
        precision: if is_first_date {
            Precision::Day
        } else {
            due.precision
        },
        source_text: due
            .source_text
            .filter(|_| !is_first_date)
            .map(str::to_owned),
        state: state(dated, (first, last), on),
        is_first_date,
        board_id: dated.board_id.filter(|b| seen.may_see(*b)),
        version: meta.version,
        updated_at: meta.updated_at,
    })
}
