//! Assurance: audit reviews, recommendations, what management claims of them and what audit verifies.

mod assertion;
mod closure;
mod extension;
mod link;
mod recommendation;
mod response;
mod review;
mod scale;
mod update;
mod verification;

pub use assertion::{Assertion, AssertionEvidence};
pub use closure::{ClosureKind, RecommendationClosure};
pub use extension::RecommendationExtension;
pub use link::{RecommendationLink, RecommendationRelation};
pub use recommendation::{
    Recommendation, RecommendationClosureState, RecommendationComputed, RecommendationImplementation, RecommendationPriority,
    RecommendationVerification, Timeliness,
};
pub use response::{ManagementDecision, ManagementResponse};
pub use review::{AuditReview, AuditReviewKind};
pub use scale::{AssuranceLevel, AssuranceScale, TEMPLATES, missing_scales};
pub use update::{RecommendationUpdate, RecommendationUpdateKind, RecommendationUpdatePart, ReportedImplementation};
pub use verification::{Verification, VerificationResult};

use uuid::Uuid;

use crate::world::{Catalogue, Reading, Resource, Rules};

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<AssuranceScale>()
        .with::<AuditReview>()
        .with::<Recommendation>()
        .with::<ManagementResponse>()
        .with::<RecommendationUpdate>()
        .with::<Verification>()
        .with::<RecommendationExtension>()
        .with::<RecommendationLink>()
        .with::<RecommendationClosure>()
        .with::<Assertion>()
}

/// Whether a recommendation is one of the review asked for, if one is.
fn is_of_review(reading: Reading<'_>, recommendation: Uuid, review: Option<Uuid>) -> bool {
    let of = |id| reading.world.get::<Recommendation>(recommendation).is_some_and(|r| r.data.review_id == id);
    review.is_none_or(of)
}

/// Refuses who ever claimed on the recommendation: nobody judges what they said themselves (S25), whatever role they hold by now.
fn independent<R: Resource>(rules: &mut Rules<'_, R>, recommendation: Uuid, pointer: &str) {
    rules.require(
        !recommendation::claimed_by(rules.reading.world, recommendation, rules.actor),
        pointer,
        "own_claim",
        "this account has claimed that the recommendation is implemented; another auditor must decide",
    );
}
