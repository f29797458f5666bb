//! Timeliness of a recommendation on a given day. It depends only on the record and the day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::{Recommendation, RecommendationClosureState};
use crate::world::Rec;
use crate::world::dates::{Deadline, Progress};

/// How the claim, or the lack of a claim, compares with the deadline. Whether a claim is correct is
/// a matter for verification; a rejected claim counts as never made (S24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Timeliness {
    /// The recommendation has no deadline date to compare with.
    NoDeadline,
    /// The deadline is not near, or the recommendation was closed without being implemented and
    /// nothing is due any more.
    NotDue,
    /// The deadline is within the period that counts as due soon.
    DueSoon,
    /// The deadline has passed and no claim has been made that it is implemented.
    Overdue,
    /// Claimed by the deadline.
    Met,
    /// Claimed after the deadline.
    MetLate,
}

/// Returns the timeliness and the days left: from the given day to the deadline or, once claimed,
/// from the day of the claim to the deadline. Negative if late. A deadline within `soon` days is due
/// soon.
#[must_use]
fn assess(deadline: &Deadline<'_>, on: NaiveDate, soon: i64) -> (Timeliness, Option<i64>) {
    let Some(due) = deadline.counts_on() else {
        return (Timeliness::NoDeadline, None);
    };
    if let Some(claimed) = deadline.done_on.filter(|c| *c <= on) {
        let days = (due - claimed).num_days();
        let met = if days < 0 {
            Timeliness::MetLate
        } else {
            Timeliness::Met
        };
        return (met, Some(days));
    }
    if !deadline.is_open_on(on) {
        return (Timeliness::NotDue, None);
    }
    let days = (due - on).num_days();
    let open = match days {
        ..0 => Timeliness::Overdue,
        left if left <= soon => Timeliness::DueSoon,
        _ => Timeliness::NotDue,
    };
    (open, Some(days))
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
        assess(&self.deadline_on(on), on, soon)
    }

    /// Whether the deadline has passed without a claim that it is implemented.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.deadline_on(on).is_overdue(on)
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
            assess(&Deadline::new(progress, due).done_on(day(claimed)), on, 28)
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
        assert_eq!(assess(&undated, on, 28), (Timeliness::NoDeadline, None));
    }
}
