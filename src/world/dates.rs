//! What a record says about its dates: until when something is to be done, what begins or ends,
//! and on which days it is active. Each resource declares this itself ([`Resource::deadline`],
//! [`Resource::dates`], [`Resource::exists_on`]), and views ask any record alike.
//!
//! [`Resource::deadline`]: super::Resource::deadline
//! [`Resource::dates`]: super::Resource::dates
//! [`Resource::exists_on`]: super::Resource::exists_on

use chrono::NaiveDate;
use uuid::Uuid;

use super::calendar_entry_kind::CalendarEntryKind;
use super::date::{PlannedDate, Precision};

/// First and last day, both included; an unknown end is open.
pub type Days = (Option<NaiveDate>, Option<NaiveDate>);

/// Whether two periods have a day in common.
#[must_use]
pub fn overlap(a: Days, b: Days) -> bool {
    let starts_by_end = |from: Option<NaiveDate>, until: Option<NaiveDate>| match (from, until) {
        (Some(from), Some(until)) => from <= until,
        _ => true,
    };
    starts_by_end(a.0, b.1) && starts_by_end(b.0, a.1)
}

/// Whether a day falls within a period.
#[must_use]
pub fn runs_on(days: Days, on: NaiveDate) -> bool {
    overlap(days, (Some(on), Some(on)))
}

/// Whether something is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Still to be done.
    Open,
    /// Done: complete, held or closed.
    Done,
    /// It came about and lasts: a plan that is worked to, a strategy or terms in force.
    InForce,
    /// Given up: it will not be done.
    GivenUp,
    /// It is not something to be done: a document, a goal, an active board.
    #[default]
    Lasting,
}

/// Days as planned, as precise as their source.
#[derive(Debug, Clone, Copy, Default)]
pub struct When<'a> {
    /// First day, if it is not one day.
    pub from_on: Option<NaiveDate>,
    /// Last day.
    pub due_on: Option<NaiveDate>,
    /// How precisely it is known.
    pub precision: Precision,
    /// The words of the source.
    pub source_text: Option<&'a str>,
}

impl When<'_> {
    /// One day.
    #[must_use]
    pub fn on(day: Option<NaiveDate>) -> Self {
        Self::between(day, day)
    }

    /// From one day to another.
    #[must_use]
    pub fn between(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Self {
        Self {
            from_on: first,
            due_on: last,
            precision: Precision::Day,
            source_text: None,
        }
    }
}

impl<'a> From<&'a PlannedDate> for When<'a> {
    fn from(date: &'a PlannedDate) -> Self {
        Self {
            from_on: date.from_on,
            due_on: date.due_on,
            precision: date.precision,
            source_text: date.source_text.as_deref(),
        }
    }
}

/// Until when something is to be done, and whether it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deadline<'a> {
    /// Whether it is still to be done.
    pub progress: Progress,
    /// When it is due. Without a day if none is set, or if it was deferred without a new date.
    pub due: When<'a>,
    /// Day on which it was first due. It counts if it was deferred without a new date: otherwise
    /// such a record would never be overdue, as happened with the dashboard of 2017.
    pub first_on: Option<NaiveDate>,
    /// Day on which it was done or reported as done.
    pub done_on: Option<NaiveDate>,
}

impl<'a> Deadline<'a> {
    /// Something with this progress and this due date.
    pub fn new(progress: Progress, due: impl Into<When<'a>>) -> Self {
        Self {
            progress,
            due: due.into(),
            ..Self::default()
        }
    }

    /// The same, first due on this day.
    #[must_use]
    pub fn first_on(self, first_on: Option<NaiveDate>) -> Self {
        Self { first_on, ..self }
    }

    /// The same, done or reported as done on this day.
    #[must_use]
    pub fn done_on(self, done_on: Option<NaiveDate>) -> Self {
        Self { done_on, ..self }
    }

    /// The day that decides whether it is overdue: the due date or, if it was deferred without a
    /// new date, the first one.
    #[must_use]
    pub fn counts_on(&self) -> Option<NaiveDate> {
        self.due.due_on.or(self.first_on)
    }

    /// Day on which it was done or else is due.
    #[must_use]
    pub fn expected_on(&self) -> Option<NaiveDate> {
        self.done_on.or(self.counts_on())
    }

    /// Its progress on a day. What was reported as done by then is done, whether or not that was
    /// confirmed.
    #[must_use]
    pub fn progress_on(&self, on: NaiveDate) -> Progress {
        if self.done_on.is_some_and(|d| d <= on) {
            Progress::Done
        } else {
            self.progress
        }
    }

    /// Whether it is still to be done on a day.
    #[must_use]
    pub fn is_open_on(&self, on: NaiveDate) -> bool {
        self.progress_on(on) == Progress::Open
    }

    /// Whether its day has passed and it is still to be done.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.is_open_on(on) && self.counts_on().is_some_and(|d| d < on)
    }

    /// Whether it is still to be done and due within this number of days.
    #[must_use]
    pub fn is_due_within(&self, on: NaiveDate, days: i64) -> bool {
        let left = self.due.due_on.map(|d| (d - on).num_days());
        self.is_open_on(on) && left.is_some_and(|left| (0..=days).contains(&left))
    }
}

/// What the passing of a date means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Something is to begin. It is late if it has not begun by the last day.
    Start,
    /// Something is to be done by the last day.
    Due,
    /// Something ends with the last day. Nothing has to be done.
    End,
    /// Something goes on from the first day to the last.
    Run,
}

/// One date of a record, as the calendar shows it.
#[derive(Debug, Clone, Copy)]
pub struct Dated<'a> {
    /// Kind of date.
    pub kind: CalendarEntryKind,
    /// What its passing means.
    pub course: Course,
    /// The date, and whether it is met.
    pub deadline: Deadline<'a>,
    /// Last day on which it is not overdue, if that is not the due date.
    pub late_after: Option<NaiveDate>,
    /// Which of several dates of this kind, if the date recurs.
    pub occurrence: Option<NaiveDate>,
    /// The record that it is a date of, if that is not the one that declares it.
    pub record_id: Option<Uuid>,
    /// Board that it concerns.
    pub board_id: Option<Uuid>,
}

impl<'a> Dated<'a> {
    /// A date of this kind.
    #[must_use]
    pub fn new(kind: CalendarEntryKind, course: Course, deadline: Deadline<'a>) -> Self {
        Self {
            kind,
            course,
            deadline,
            late_after: None,
            occurrence: None,
            record_id: None,
            board_id: None,
        }
    }

    /// Something to be done by the deadline.
    #[must_use]
    pub fn due(kind: CalendarEntryKind, deadline: Deadline<'a>) -> Self {
        Self::new(kind, Course::Due, deadline)
    }

    /// The end of something, if it has one.
    #[must_use]
    pub fn end(kind: CalendarEntryKind, day: Option<NaiveDate>) -> Self {
        let deadline = Deadline::new(Progress::Lasting, When::on(day));
        Self::new(kind, Course::End, deadline)
    }

    /// The same, concerning this board.
    #[must_use]
    pub fn at_board(self, board: impl Into<Uuid>) -> Self {
        Self {
            board_id: Some(board.into()),
            ..self
        }
    }

    /// Whether it should have begun or been done by now, and was not.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        let last = self.late_after.or(self.deadline.counts_on());
        matches!(self.course, Course::Start | Course::Due)
            && self.deadline.is_open_on(on)
            && last.is_some_and(|d| d < on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    #[test]
    fn stretches_that_share_a_day_overlap() {
        let spring = (day("2020-03-01"), day("2020-05-31"));
        assert!(
            overlap(spring, (day("2020-05-31"), None)),
            "the last day counts"
        );
        assert!(!overlap(spring, (day("2020-06-01"), None)));
        assert!(!overlap((day("2020-06-01"), None), spring));
        assert!(overlap(spring, (None, None)), "open ends reach everywhere");
        assert!(overlap((None, day("2020-03-01")), spring));
    }

    #[test]
    fn what_was_deferred_without_a_date_counts_by_its_first() {
        let on = day("2020-10-26").expect("a day");
        let deferred = Deadline::new(Progress::Open, When::default()).first_on(day("2020-09-30"));
        assert!(deferred.is_overdue(on));
        assert!(!deferred.is_due_within(on, 28), "no day is set");
        let moved = Deadline {
            due: When::on(day("2020-11-30")),
            ..deferred
        };
        assert!(!moved.is_overdue(on));
        assert!(moved.is_due_within(on, 35));
        assert!(!moved.is_due_within(on, 34));
    }

    #[test]
    fn what_is_done_or_given_up_is_not_overdue() {
        let (on, due) = (
            day("2020-10-26").expect("a day"),
            When::on(day("2020-09-30")),
        );
        for progress in [
            Progress::Done,
            Progress::InForce,
            Progress::GivenUp,
            Progress::Lasting,
        ] {
            assert!(!Deadline::new(progress, due).is_overdue(on), "{progress:?}");
        }
        let reported = |text| Deadline::new(Progress::Open, due).done_on(day(text));
        assert_eq!(reported("2020-10-26").progress_on(on), Progress::Done);
        assert!(
            reported("2020-10-27").is_overdue(on),
            "a later report does not count yet"
        );
    }

    #[test]
    fn what_is_within_its_days_of_grace_is_not_late() {
        let due = Deadline::new(Progress::Open, When::on(day("2020-10-20")));
        let report = Dated {
            late_after: day("2020-10-27"),
            ..Dated::due(CalendarEntryKind::ReportDue, due)
        };
        let late = |text: &str| report.is_overdue(day(text).expect("a day"));
        assert!(!late("2020-10-27"));
        assert!(late("2020-10-28"));
        let end = Dated::end(CalendarEntryKind::RemitEnd, day("2020-10-20"));
        assert!(!end.is_overdue(day("2020-10-28").expect("a day")));
    }
}
