//! The calendar: every dated record of every register in a window, as JSON, as a table and as
//! iCalendar (RFC 5545).

pub mod dates;
mod entries;

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Value, json};
use strum::VariantArray;
use utoipa::ToSchema;
use uuid::Uuid;

pub use dates::{CalendarEntry, CalendarEntryState, Wanted, gather};
pub use entries::write;

use super::request::{Asked, View, id_of, operation, some_of, window, words};
use crate::http::formats::Format;
use crate::http::operation::Operation;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::settings::{SettingsUsed, used};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};

/// Default number of days that the window covers before and after the date.
const BACK_DAYS: u64 = 28;
const AHEAD_DAYS: u64 = 91;
/// The longest window, in days and in words.
const LONGEST: (i64, &str) = (1_827, "five years");
/// Most dates in one answer.
pub const MOST: usize = 10_000;

/// Number of dates by state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CalendarCounts {
    /// Still to come.
    pub upcoming: u32,
    /// In progress.
    pub running: u32,
    /// Should have been done, or should have taken place, but was not.
    pub overdue: u32,
    /// Done, or held.
    pub done: u32,
    /// Over, with nothing that had to be done.
    pub passed: u32,
    /// Cancelled.
    pub cancelled: u32,
}

/// All dates in a window.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarView {
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// First day of the window.
    pub from: NaiveDate,
    /// Last day of the window.
    pub until: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Settings that decide when an escalation must be acknowledged.
    pub settings: SettingsUsed,
    /// Number of dates by state.
    pub counts: CalendarCounts,
    /// Dates with a day in the window, ordered by first day.
    #[schema(max_items = 10_000)]
    pub items: Vec<CalendarEntry>,
}

impl View for CalendarView {
    const FORMATS: &'static [Format] = &[Format::Csv, Format::Xlsx, Format::Ics];

    fn fields(&self) -> Vec<Field> {
        fields_of::<CalendarEntry>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }

    fn drawn(&self, _: Format) -> Option<String> {
        Some(write("stride", None, &self.items))
    }
}

fn wanted(asked: &Asked) -> Result<Wanted, Problem> {
    let day = |name: &str| {
        asked
            .query
            .value::<NaiveDate>(name, "a date such as 2020-10-26")
    };
    let (from, until) = (day("from")?, day("until")?);
    let back = |day: NaiveDate| day.checked_sub_days(Days::new(BACK_DAYS)).unwrap_or(day);
    let ahead = |day: NaiveDate| day.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(day);
    let from = from.unwrap_or_else(|| back(until.map_or(asked.on, |u| u.min(asked.on))));
    let until = until.unwrap_or_else(|| ahead(from.max(asked.on)));
    Ok(Wanted {
        window: window(from, until, LONGEST)?,
        kinds: words(asked, "kind")?,
        unit: id_of(asked, "unit_id")?,
        board: id_of(asked, "board_id")?,
    })
}

fn calendar(asked: &Asked) -> Result<CalendarView, Problem> {
    let wanted = wanted(asked)?;
    let states: Vec<CalendarEntryState> = words(asked, "state")?;
    let mut items = gather(&asked.seen, asked.on, &wanted);
    items.retain(|i| states.is_empty() || states.contains(&i.state));
    if items.len() > MOST {
        let detail = format!(
            "the window contains more than {MOST} dates; ask for a shorter window or for certain \
                kinds only"
        );
        return Err(invalid("until", &detail));
    }
    let mut counts = CalendarCounts::default();
    for item in &items {
        *match item.state {
            CalendarEntryState::Upcoming => &mut counts.upcoming,
            CalendarEntryState::Running => &mut counts.running,
            CalendarEntryState::Overdue => &mut counts.overdue,
            CalendarEntryState::Done => &mut counts.done,
            CalendarEntryState::Passed => &mut counts.passed,
            CalendarEntryState::Cancelled => &mut counts.cancelled,
        } += 1;
    }
    let (from, until) = wanted.window;
    Ok(CalendarView {
        on: asked.on,
        from,
        until,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        counts,
        items,
    })
}

/// What a feed shows: a month back and a year ahead. If that is too much, only the dates nearest to
/// the day.
#[must_use]
pub fn for_feed(
    seen: &crate::world::visible::VisibleWorld,
    on: NaiveDate,
    kinds: Vec<CalendarEntryKind>,
    unit: Option<Uuid>,
    board: Option<Uuid>,
) -> Vec<CalendarEntry> {
    let from = on.checked_sub_days(Days::new(31)).unwrap_or(on);
    let until = on.checked_add_days(Days::new(366)).unwrap_or(on);
    let wanted = Wanted {
        window: (from, until),
        kinds,
        unit,
        board,
    };
    let mut items = gather(seen, on, &wanted);
    if items.len() > MOST {
        items.sort_by_key(|i| (i.starts_on - on).num_days().abs());
        items.truncate(MOST);
        items.sort_by(|a, b| (a.starts_on, &a.uid).cmp(&(b.starts_on, &b.uid)));
    }
    items
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let day =
        |name: &str, what: &str| query(name, what, json!({ "type": "string", "format": "date" }));
    let states = [
        CalendarEntryState::Upcoming,
        CalendarEntryState::Running,
        CalendarEntryState::Overdue,
        CalendarEntryState::Done,
        CalendarEntryState::Passed,
        CalendarEntryState::Cancelled,
    ];
    vec![
        operation(
            "/api/v1/calendar",
            "getCalendar",
            Subject::PlanItem,
            calendar,
        )
        .takes([
            day(
                "from",
                "First day of the window. Defaults to 28 days before the date in `on`, or before \
                    `until` if that is earlier.",
            ),
            day(
                "until",
                "Last day of the window, included. Defaults to 91 days after the date in `on`, or \
                    after `from` if that is later. At most five years after `from`.",
            ),
            some_of(
                "kind",
                "Only dates of these kinds.",
                &CalendarEntryKind::VARIANTS
                    .iter()
                    .map(word)
                    .collect::<Vec<_>>(),
            ),
            some_of(
                "state",
                "Only dates in these states.",
                &states.map(|s| word(&s)),
            ),
            id_query(
                "unit_id",
                "Only dates of records owned by this unit or a unit below it.",
            ),
            id_query(
                "board_id",
                "Only dates of records that belong to this board or concern it: its meetings, its \
                    actions, reports to it.",
            ),
        ])
        .says(
            "Views",
            "Get the calendar",
            "Returns the deadlines of items, recommendations and actions, and the meetings, \
                reports, campaigns, reviews, rotations and ends of terms, that have a day in the \
                window. Something due in a month is due on its last day, and `precision` says \
                so. Something deferred without a date appears on the day it was first due. \
                Things that only happened (an update, an approval) are history and are not \
                included.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<CalendarView>(schemas);
}
