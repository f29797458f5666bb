//! Checks that several records about a recommendation share.

use super::{Recommendation, RecommendationId, state};
use crate::registers::assurance::AuditReviewId;
use crate::world::{Reading, Resource, Rules};

/// Whether a recommendation belongs to the requested review. True if no review is requested.
pub(in crate::registers::assurance) fn is_of_review(
    reading: Reading<'_>,
    recommendation: RecommendationId,
    review: Option<AuditReviewId>,
) -> bool {
    let of = |id| {
        reading
            .world
            .get::<Recommendation>(recommendation)
            .is_some_and(|r| r.data.review_id == id)
    };
    review.is_none_or(of)
}

/// Refuses an account that has ever made a claim on the recommendation. Nobody may decide on their
/// own claim (S25), whatever role they hold now.
pub(in crate::registers::assurance) fn independent<R: Resource>(
    rules: &mut Rules<'_, R>,
    recommendation: RecommendationId,
) {
    rules.require(
        !state::claimed_by(rules.whole, recommendation.uuid(), rules.actor),
        "/recommendation_id",
        "own_claim",
        "this account, or another of the same person, has claimed that the recommendation is \
            implemented; another auditor must decide",
    );
}
