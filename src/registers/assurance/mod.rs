//! Assurance: audit reviews and recommendations, what management claims about them, and what audit
//! verifies.

mod assertion;
mod controls;
mod recommendation;
mod review;

pub use assertion::{Assertion, AssertionEvidence, AssertionKind};
pub use recommendation::closure::{ClosureKind, RecommendationClosure};
pub use recommendation::extension::RecommendationExtension;
pub use recommendation::link::{RecommendationLink, RecommendationLinkId, RecommendationRelation};
pub use recommendation::response::{ManagementDecision, ManagementResponse, ManagementResponseId};
pub use recommendation::update::{
    RecommendationUpdate, RecommendationUpdateId, RecommendationUpdateKind,
    RecommendationUpdatePart, ReportedImplementation,
};
pub use recommendation::verification::{Verification, VerificationResult};
pub use recommendation::{
    Recommendation, RecommendationClosureState, RecommendationComputed, RecommendationId,
    RecommendationImplementation, RecommendationPriority, RecommendationVerification, Timeliness,
};
pub use review::scale::{
    AssuranceLevel, AssuranceScale, AssuranceScaleId, TEMPLATES, missing_scales,
};
pub use review::{AuditReview, AuditReviewId, AuditReviewKind};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<AssertionEvidence>,
    Vocabulary::of::<AssertionKind>,
    Vocabulary::of::<AuditReviewKind>,
    Vocabulary::of::<ClosureKind>,
    Vocabulary::of::<ManagementDecision>,
    Vocabulary::of::<RecommendationClosureState>,
    Vocabulary::of::<RecommendationImplementation>,
    Vocabulary::of::<RecommendationPriority>,
    Vocabulary::of::<RecommendationRelation>,
    Vocabulary::of::<RecommendationUpdateKind>,
    Vocabulary::of::<RecommendationVerification>,
    Vocabulary::of::<ReportedImplementation>,
    Vocabulary::of::<Timeliness>,
    Vocabulary::of::<VerificationResult>,
];

/// Adds the kinds of record in this register.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn scales_and_reviews() {
        check(
            "assurance_scale",
            &[
                ("title", json!("")),
                ("levels", json!([{ "code": "only", "label": "Only one" }])),
                (
                    "levels",
                    json!([{ "code": "Not a code", "label": "x" }, { "code": "x", "label": "x" }]),
                ),
                (
                    "levels",
                    json!(vec![json!({ "code": "x", "label": "x" }); 11]),
                ),
            ],
        );
        check(
            "audit_review",
            &[
                ("title", long(301)),
                ("body_unit_id", Value::Null),
                ("review_kind", json!("surprise")),
                ("opinion", json!("Not a code")),
                ("reported", json!("2020")),
                ("follows_ids", json!(vec![ID; 21])),
                ("document", long(501)),
            ],
        );
    }

    #[test]
    fn recommendations() {
        check(
            "recommendation",
            &[
                ("review_id", Value::Null),
                ("number", json!(0)),
                ("title", json!("")),
                ("finding", long(8001)),
                ("recommendation", json!("")),
                ("priority", json!("urgent")),
                ("deadline", json!("November 2020")),
                ("goal_ids", json!(vec![ID; 51])),
                ("shown_by_ids", json!(["20 seats"])),
                ("shown_by_ids", json!(vec![ID; 21])),
                // Computed fields are never sent.
                ("first_deadline", json!({ "precision": "unspecified" })),
                ("implementation", json!("open")),
                ("verification", json!("verified")),
                ("closure", json!("verified")),
                ("claimed_on", json!("2020-10-26")),
                ("update_count", json!(1)),
            ],
        );
        check(
            "management_response",
            &[
                ("response", json!("maybe")),
                ("text", json!("")),
                ("responded_on", json!("June")),
            ],
        );
    }

    #[test]
    fn what_is_said_of_a_recommendation() {
        check(
            "recommendation_update",
            &[
                ("update_kind", json!("verify")),
                ("stated_on", Value::Null),
                ("narrative", json!("")),
                ("parts", json!([{ "label": "a" }])),
                ("parts", json!([{ "text": "x", "implementation": "done" }])),
                ("parts", json!(vec![json!({ "text": "x" }); 27])),
                ("implementation", json!("claimed_implemented")),
                ("percent_complete", json!(101)),
                ("refers_to_ids", json!(["recommendation 3"])),
            ],
        );
        check(
            "recommendation_link",
            &[
                ("relation", json!("resembles")),
                ("to_id", Value::Null),
                ("note", long(2001)),
            ],
        );
        check(
            "assertion",
            &[
                ("about_id", Value::Null),
                ("claim", json!("")),
                ("assertion_kind", json!("splendid")),
                ("aligned_to_id", json!("STRIDE")),
                ("group_kind", json!("everyone")),
                ("evidence", json!("plenty")),
                ("evidence_description", long(2001)),
            ],
        );
    }

    #[test]
    fn what_audit_decides() {
        check(
            "verification",
            &[
                ("claim_id", Value::Null),
                ("result", json!("perhaps")),
                ("decided_on", Value::Null),
                ("reason", json!("")),
                ("evidence", long(4001)),
            ],
        );
        check(
            "recommendation_extension",
            &[
                ("to", Value::Null),
                ("reason", json!("")),
                ("from", json!({ "precision": "unspecified" })),
                ("days_moved", json!(3)),
            ],
        );
        check(
            "recommendation_closure",
            &[
                ("closure", json!("verified")),
                ("closure", json!("none")),
                ("reason", Value::Null),
                ("closed_on", json!("today")),
            ],
        );
    }
}
