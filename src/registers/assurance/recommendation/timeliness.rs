//! Timeliness of a deadline on a given day. It depends only on the record and the day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::{Recommendation, RecommendationClosureState, RecommendationVerification};
use crate::registers::assurance::AuditReview;
use crate::world::calendar::day_of;
use crate::world::dates::{Deadline, Progress};
use crate::world::{Reading, Rec};

/// How a deadline compares with the day on which the record was done or, for a recommendation, on
/// which implementation was claimed. Whether a claim is correct is a matter for verification; a
/// rejected claim counts as never made (S24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Timeliness {
    /// There is no deadline date to compare with.
    NoDeadline,
    /// The deadline is not near, or the record was closed without being done and nothing is due any
    /// more.
    NotDue,
    /// The deadline is within the period that counts as due soon.
    DueSoon,
    /// The deadline has passed, and the record is neither done nor claimed as done.
    Overdue,
    /// Done or claimed by the deadline.
    Met,
    /// Done or claimed after the deadline.
    MetLate,
}

impl Timeliness {
    /// Returns the timeliness and the days left: from the given day to the deadline or, once done
    /// or claimed, from that day to the deadline. Negative if late. A deadline within `soon` days is due
    /// soon.
    #[must_use]
    pub fn of(deadline: &Deadline<'_>, on: NaiveDate, soon: i64) -> (Self, Option<i64>) {
        let Some(due) = deadline.counts_on() else {
            return (Self::NoDeadline, None);
        };
        if let Some(claimed) = deadline.done_on.filter(|c| *c <= on) {
            let days = (due - claimed).num_days();
            let met = if days < 0 { Self::MetLate } else { Self::Met };
            return (met, Some(days));
        }
        if !deadline.is_open_on(on) {
            return (Self::NotDue, None);
        }
        let days = (due - on).num_days();
        let open = match days {
            ..0 => Self::Overdue,
            left if left <= soon => Self::DueSoon,
            _ => Self::NotDue,
        };
        (open, Some(days))
    }
}

/// Progress on a given day of a recommendation that was closed on `closed_on`. What was closed
/// without being implemented will not be.
fn progress(
    closure: RecommendationClosureState,
    closed_on: Option<NaiveDate>,
    on: NaiveDate,
) -> Progress {
    match closure {
        RecommendationClosureState::None => Progress::Open,
        _ if closed_on.is_some_and(|c| c > on) => Progress::Open,
        RecommendationClosureState::Verified => Progress::Done,
        RecommendationClosureState::RiskAccepted
        | RecommendationClosureState::Superseded
        | RecommendationClosureState::Duplicate
        | RecommendationClosureState::RejectedByManagement => Progress::GivenUp,
    }
}

impl Rec<Recommendation> {
    /// The deadline, and whether it is met on a given day. A claim counts as done; until audit has
    /// verified it, the recommendation is still open.
    #[must_use]
    pub fn deadline_on(&self, on: NaiveDate) -> Deadline<'_> {
        let computed = &self.computed;
        let first = computed.first_deadline.as_ref();
        let progress = progress(computed.closure, computed.closed_on, on);
        Deadline::new(progress, &self.data.deadline)
            .first_on(first.and_then(|d| d.due_on))
            .done_on(computed.claimed_on)
    }

    /// Timeliness on a given day, and the days left. A deadline within `soon` days, which is a
    /// setting, is due soon.
    #[must_use]
    pub fn timeliness(&self, on: NaiveDate, soon: i64) -> (Timeliness, Option<i64>) {
        Timeliness::of(&self.deadline_on(on), on, soon)
    }

    /// Whether the deadline has passed without a claim that it is implemented.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.deadline_on(on).is_overdue(on)
    }

    /// Date on which it was last heard of: an update, a management response, an extension or a
    /// verification. None if never.
    #[must_use]
    pub fn last_heard_on(&self) -> Option<NaiveDate> {
        // Recommendations recorded by earlier builds may lack the computed date.
        self.computed
            .last_heard_on
            .max(self.computed.latest_update_on)
    }

    /// Days since it was last heard of, if there are more than `most`, it is open and it is not
    /// waiting for audit. If it never was, the date on which its review was reported counts, and
    /// otherwise the date it was recorded.
    #[must_use]
    pub fn stale_days(&self, reading: Reading<'_>, most: i64) -> Option<i64> {
        let is_open = self.deadline_on(reading.on).progress == Progress::Open;
        if !is_open || self.computed.verification == RecommendationVerification::Submitted {
            return None;
        }
        let reported = || {
            let review = reading.get::<AuditReview>(self.data.review_id)?;
            review.data.reported.due_on
        };
        let last = self.last_heard_on().or_else(reported);
        let last = last.unwrap_or_else(|| day_of(self.meta.created_at));
        let days = (reading.on - last).num_days();
        (days > most).then_some(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::dates::When;

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    #[test]
    fn timeliness_is_that_on_the_date_of_the_claim() {
        let is = |claimed: &str, closed: &str, on: &str| {
            let on = day(on).expect("a day");
            let closure = match closed {
                "" => RecommendationClosureState::None,
                _ => RecommendationClosureState::RiskAccepted,
            };
            let progress = progress(closure, day(closed), on);
            let due = When::on(day("2020-11-30"));
            Timeliness::of(&Deadline::new(progress, due).done_on(day(claimed)), on, 28)
        };
        assert_eq!(is("", "", "2020-10-26"), (Timeliness::NotDue, Some(35)));
        assert_eq!(is("", "", "2020-11-02"), (Timeliness::DueSoon, Some(28)));
        assert_eq!(
            is("", "", "2020-11-30"),
            (Timeliness::DueSoon, Some(0)),
            "the last day is not late"
        );
        assert_eq!(is("", "", "2020-12-01"), (Timeliness::Overdue, Some(-1)));
        assert_eq!(
            is("2020-11-30", "", "2021-06-01"),
            (Timeliness::Met, Some(0))
        );
        assert_eq!(
            is("2020-12-01", "", "2021-06-01"),
            (Timeliness::MetLate, Some(-1))
        );
        assert_eq!(
            is("2021-06-02", "", "2021-06-01").0,
            Timeliness::Overdue,
            "a future claim does not count yet"
        );
        assert_eq!(
            is("", "2021-01-05", "2021-06-01"),
            (Timeliness::NotDue, None)
        );
        assert_eq!(
            is("", "2021-01-05", "2021-01-04").0,
            Timeliness::Overdue,
            "it was overdue until it was closed"
        );
        let on = day("2020-10-26").expect("a day");
        let undated = Deadline::new(Progress::Open, When::default()).done_on(day("2020-10-01"));
        assert_eq!(
            Timeliness::of(&undated, on, 28),
            (Timeliness::NoDeadline, None)
        );
    }
}
