//! Checks that several records about a recommendation share.

use uuid::Uuid;

use super::{Recommendation, state};
use crate::world::{Reading, Resource, Rules};

/// Whether a recommendation belongs to the requested review. True if no review is requested.
pub(in crate::registers::assurance) fn is_of_review(
    reading: Reading<'_>,
    recommendation: Uuid,
    review: Option<Uuid>,
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
    recommendation: Uuid,
    pointer: &str,
) {
    rules.require(
        !state::claimed_by(rules.reading.world, recommendation, rules.actor),
        pointer,
        "own_claim",
        "this account, or another of the same person, has claimed that the recommendation is \
            implemented; another auditor must decide",
    );
}
