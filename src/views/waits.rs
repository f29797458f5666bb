//! When a record that others wait for is expected.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::registers::governance::TermsOfReference;
use crate::registers::plan::WorkPlanItem;
use crate::registers::strategy::{Strategy, StrategyReview, StrategyVersion};
use crate::world::seen::Seen;

/// The day on which what is on record is expected, as far as it has one: an item's deadline, a review's target, the day a strategy is
/// expected, the day terms of reference were approved. A version is expected when its strategy is.
#[must_use]
pub fn due_of(seen: &Seen, id: Uuid) -> Option<NaiveDate> {
    if let Some(item) = seen.get::<WorkPlanItem>(id) {
        return item.data.completed_on.or_else(|| item.due_on());
    }
    if let Some(review) = seen.get::<StrategyReview>(id) {
        return review.data.completed_on.or(review.data.target.due_on);
    }
    if let Some(strategy) = seen.get::<Strategy>(id) {
        return strategy.data.expected_date.due_on;
    }
    if let Some(version) = seen.get::<StrategyVersion>(id) {
        return version.data.approved_on.or_else(|| due_of(seen, version.data.strategy_id));
    }
    seen.get::<TermsOfReference>(id).and_then(|t| t.data.approved_on)
}
