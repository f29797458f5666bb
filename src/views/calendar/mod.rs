//! The calendar: every dated thing of every register in a window, as JSON, as a table and as iCalendar (RFC 5545).

mod dates;
mod ics;

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use dates::{DateKind, DateState, DatedThing, Wanted, gather};
pub use ics::write;

use super::request::{Asked, View, id_of, operation, some_of, window, words};
use super::rows::flatten;
use crate::http::formats::Format;
use crate::http::operation::{Operation, id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::settings::{SettingsUsed, used};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};

/// Unless asked otherwise the window looks so many days back and ahead.
const BACK_DAYS: u64 = 28;
const AHEAD_DAYS: u64 = 91;
/// The longest window, in days and in words.
const LONGEST: (i64, &str) = (1_827, "five years");
/// The most dated things in one answer.
pub const MOST: usize = 10_000;

/// How many dated things stand how.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct DateCounts {
    /// Still to come.
    pub upcoming: u32,
    /// Going on.
    pub running: u32,
    /// They should have been done, or have taken place, and were not.
    pub overdue: u32,
    /// Done, or held.
    pub done: u32,
    /// Over, and nothing had to be done.
    pub passed: u32,
    /// No longer to be.
    pub cancelled: u32,
}

/// Every dated thing in a window.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatesView {
    /// The day it is judged by.
    pub on: NaiveDate,
    /// First day of the window.
    pub from: NaiveDate,
    /// Last day of the window.
    pub until: NaiveDate,
    /// Number of the journal entry up to which it looks.
    pub journal_seq: i64,
    /// The settings that decide when an escalation is to be acknowledged.
    pub settings: SettingsUsed,
    /// The dated things, counted.
    pub counts: DateCounts,
    /// The dated things with a day in the window, by first day.
    #[schema(max_items = 10_000)]
    pub items: Vec<DatedThing>,
}

impl View for DatesView {
    const FORMATS: &'static [Format] = &[Format::Csv, Format::Xlsx, Format::Ics];

    fn rows(&self) -> Vec<Map<String, Value>> {
        let row = |item: &DatedThing| {
            let mut row = Map::new();
            flatten(&mut row, "", json!(item));
            row
        };
        self.items.iter().map(row).collect()
    }

    fn drawn(&self, _: Format) -> Option<String> {
        Some(write("stride", None, &self.items))
    }
}

fn wanted(asked: &Asked) -> Result<Wanted, Problem> {
    let day = |name: &str| {
        asked
            .query
            .value::<NaiveDate>(name, "a day like 2020-10-26")
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

fn calendar(asked: &Asked) -> Result<DatesView, Problem> {
    let wanted = wanted(asked)?;
    let states: Vec<DateState> = words(asked, "state")?;
    let mut items = gather(&asked.seen, asked.on, &wanted);
    items.retain(|i| states.is_empty() || states.contains(&i.state));
    if items.len() > MOST {
        let detail = format!(
            "the window holds more than {MOST} dates; ask for a shorter one, or for some kinds alone"
        );
        return Err(invalid("until", &detail));
    }
    let mut counts = DateCounts::default();
    for item in &items {
        *match item.state {
            DateState::Upcoming => &mut counts.upcoming,
            DateState::Running => &mut counts.running,
            DateState::Overdue => &mut counts.overdue,
            DateState::Done => &mut counts.done,
            DateState::Passed => &mut counts.passed,
            DateState::Cancelled => &mut counts.cancelled,
        } += 1;
    }
    let (from, until) = wanted.window;
    Ok(DatesView {
        on: asked.on,
        from,
        until,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        counts,
        items,
    })
}

/// What a feed shows: a month back and a year ahead, and where that is too much, what lies nearest to the day.
#[must_use]
pub fn for_feed(
    seen: &crate::world::seen::Seen,
    on: NaiveDate,
    kinds: Vec<DateKind>,
    unit: Option<Uuid>,
    board: Option<Uuid>,
) -> Vec<DatedThing> {
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
        DateState::Upcoming,
        DateState::Running,
        DateState::Overdue,
        DateState::Done,
        DateState::Passed,
        DateState::Cancelled,
    ];
    vec![
        operation("/api/v1/calendar", "getCalendar", Subject::PlanItem, calendar)
            .takes([
                day("from", "First day of the window; when left out, 28 days before the day to judge by."),
                day("until", "Last day of the window, included; when left out, 91 days after the day to judge by. Five years after `from` at most."),
                some_of("kind", "Only dates of these kinds.", &DateKind::ALL.map(|k| word(&k))),
                some_of("state", "Only dates that stand like this.", &states.map(|s| word(&s))),
                id_query("unit_id", "Only dates of what this unit owns, or a unit below it."),
                id_query("board_id", "Only dates of what belongs to this board or concerns it: its meetings, its actions, reports to it."),
            ])
            .says(
                "Views",
                "Every dated thing",
                "Deadlines of items, recommendations and actions, meetings, reports, campaigns, reviews, rotations and ends of terms that have a day in the window. What is due in a month is due on its last day, and `precision` says so. What was put off to no day stands at the day on which it was first due. What merely happened (an update, an approval) is history and not here.",
            ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<DatesView>(schemas);
}
