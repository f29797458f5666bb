//! When a record that others wait for is expected, as the gap rules and the papers work it out: a
//! record deferred without a date counts by its first deadline. The dependency graph (`awaits`)
//! uses `readiness`, where such a date says nothing.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::registers::assurance::{
    Recommendation, RecommendationClosureState, RecommendationLink, RecommendationRelation,
    RecommendationUpdate,
};
use crate::registers::governance::{TermsOfReference, TermsStatus};
use crate::registers::plan::WorkPlanItem;
use crate::registers::strategy::{
    Strategy, StrategyReview, StrategyReviewStatus, StrategyStatus, StrategyVersion,
    StrategyVersionStatus,
};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec};

/// Date on which a record is expected, if it has one: an item's completion date or deadline, a
/// review's completion or target date, the date on which a strategy is expected, the date on which
/// terms of reference were approved. A version without an approval date is expected when its
/// strategy is.
#[must_use]
pub fn due_of(seen: &VisibleWorld, id: Uuid) -> Option<NaiveDate> {
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
        return version
            .data
            .approved_on
            .or_else(|| due_of(seen, version.data.strategy_id.uuid()));
    }
    seen.get::<TermsOfReference>(id)
        .and_then(|t| t.data.approved_on)
}

/// Something that has not happened yet, and that something else waits for.
pub struct Awaited<'a> {
    pub record: &'a Arc<dyn AnyRecord>,
    /// Date on which it is expected.
    pub due_on: Option<NaiveDate>,
}

/// What a recommendation depends on or refers to that has not happened yet, from its links and its
/// latest update. Records that only describe something (a board, a register, a document) are never
/// expected.
#[must_use]
pub fn awaited_by<'a>(
    seen: &'a VisibleWorld,
    recommendation: &Rec<Recommendation>,
) -> Vec<Awaited<'a>> {
    use RecommendationRelation::{AddressedBy, DependsOn, RefersTo};
    let own = recommendation.meta.id;
    let mut ids: Vec<Uuid> = seen
        .pointing::<RecommendationLink>(own)
        .filter(|l| {
            l.data.recommendation_id == own
                && matches!(l.data.relation, RefersTo | DependsOn | AddressedBy)
        })
        .map(|l| l.data.to_id)
        .map(Into::into)
        .collect();
    let latest = recommendation
        .computed
        .latest_update_id
        .and_then(|id| seen.get::<RecommendationUpdate>(id));
    ids.extend(latest.iter().flat_map(|u| u.data.referred()));
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter(|id| *id != own)
        .filter_map(|id| {
            let due_on = still_due(seen, id)?;
            Some(Awaited {
                record: seen.any(id).filter(|r| r.meta().withdrawn_at.is_none())?,
                due_on,
            })
        })
        .collect()
}

/// When something that has not happened yet is expected; `None` if it has happened or never will.
fn still_due(seen: &VisibleWorld, id: Uuid) -> Option<Option<NaiveDate>> {
    let waits = if let Some(r) = seen.get::<Recommendation>(id) {
        let open =
            r.computed.closure == RecommendationClosureState::None && r.computed.claim_id.is_none();
        return open.then_some(r.data.deadline.due_on);
    } else if let Some(item) = seen.get::<WorkPlanItem>(id) {
        !item.data.status.is_closed()
    } else if let Some(review) = seen.get::<StrategyReview>(id) {
        matches!(
            review.data.status,
            StrategyReviewStatus::Planned | StrategyReviewStatus::InProgress
        )
    } else if let Some(strategy) = seen.get::<Strategy>(id) {
        strategy.data.status == StrategyStatus::Planned
    } else if let Some(version) = seen.get::<StrategyVersion>(id) {
        matches!(
            version.data.status,
            StrategyVersionStatus::Draft | StrategyVersionStatus::InReview
        )
    } else if let Some(terms) = seen.get::<TermsOfReference>(id) {
        matches!(
            terms.data.status,
            TermsStatus::Draft | TermsStatus::InReview
        )
    } else {
        false
    };
    waits.then(|| due_of(seen, id))
}
