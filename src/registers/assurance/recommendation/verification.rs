//! Verifications: audit's decisions on claims that a recommendation is implemented. An account that
//! made such a claim cannot record one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::{independent, is_of_review};
use crate::policy::Subject;
use crate::registers::assurance::{
    AuditReviewId, Recommendation, RecommendationClosureState, RecommendationId,
    RecommendationUpdate, RecommendationUpdateId, RecommendationVerification,
};
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Result of the verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum VerificationResult {
    /// The claim is confirmed, and the recommendation is closed.
    Verified,
    /// The claim is not confirmed, and counts as never made.
    Rejected,
}

/// Audit's decision on a claim.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// The recommendation.
    pub recommendation_id: RecommendationId,
    /// The claim to be verified: the recommendation's `claim_id`.
    pub claim_id: RecommendationUpdateId,
    /// Result of the verification.
    pub result: VerificationResult,
    /// Date of the decision.
    pub decided_on: NaiveDate,
    /// Reason for the decision; required for a rejection.
    #[serde(default)]
    pub reason: Option<Text<4000, 1>>,
    /// How it was checked (records read, a sample tested, interviews).
    #[serde(default)]
    pub method: Option<Text<2000, 1>>,
    /// Evidence examined.
    #[serde(default)]
    pub evidence: Option<Text<4000, 1>>,
    /// Post that decided; null if the sources do not say.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
}

/// Narrows a list of verifications.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct VerificationFilter {
    /// Only verifications of this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only verifications of recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only verifications of recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only verifications of this claim.
    claim_id: Option<RecommendationUpdateId>,
    /// Only verifications with this result.
    #[param(value_type = Option<Vec<VerificationResult>>, inline, explode = false)]
    result: Option<Any<VerificationResult>>,
    /// Only verifications by this post.
    by_post_id: Option<PostId>,
    /// Only verifications decided on or after this day.
    decided_from: Option<NaiveDate>,
    /// Only verifications decided on or before this day.
    decided_until: Option<NaiveDate>,
}

impl Resource for Verification {
    const KIND: &'static str = "verification";
    const PATH: &'static str = "verifications";
    const PREFIX: &'static str = "VER";
    const SUBJECT: Subject = Subject::Assurance;
    const ABOUT: &'static str = "Audit's decisions on claims. `verified` closes the \
        recommendation. `rejected` needs a reason and reopens the recommendation, as if the \
        claim had never been made. An account that has ever made a claim on the recommendation \
        is refused, whatever role it holds now. Confirming implementation is standard 15.2 of \
        the Global Internal Audit Standards.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = VerificationFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "claim_id": "019abcde-0000-7000-8000-000000000001",
            "result": "rejected", "decided_on": "2020-10-26", "reason": "The terms of reference name no chair and no quorum",
            "method": "Documents read", "evidence": "Both drafts of September 2020", "by_post_id": "019abcde-0000-7000-8000-000000000001"
        })
    }
    fn title(&self) -> Option<&str> {
        self.reason.as_deref()
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S25
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        independent(rules, self.recommendation_id);
        not_in_future(rules, "/decided_on", Some(self.decided_on));
        rules.require(
            self.result == VerificationResult::Verified || self.reason.is_some(),
            "/reason",
            "required",
            "is required for a rejection",
        );
        let world = rules.reading.world;
        if let Some(on) = world.get::<Recommendation>(self.recommendation_id) {
            rules.require(
                on.computed.verification == RecommendationVerification::Submitted
                    && on.computed.claim_id == Some(self.claim_id.uuid()),
                "/claim_id",
                "not_submitted",
                "must be the claim waiting for verification, which is the recommendation's \
                    claim_id while its verification is submitted",
            );
        }
        let closed = world
            .get::<Recommendation>(self.recommendation_id)
            .is_some_and(|on| on.computed.closure != RecommendationClosureState::None);
        rules.require(
            !closed,
            "/recommendation_id",
            "closed",
            "the recommendation is closed; first withdraw the record that closed it",
        );
        let claimed_on = world
            .get::<RecommendationUpdate>(self.claim_id)
            .map(|c| c.data.stated_on);
        rules.in_order(
            claimed_on,
            Some(self.decided_on),
            "/decided_on",
            "the day of the claim",
        );
    }
    fn withdrawal(&self, rules: &mut Rules<'_, Self>) {
        independent(rules, self.recommendation_id);
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "decided_on",
            key: |r| Key::from(Some(r.data.decided_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
            && is(&f.claim_id, &r.data.claim_id)
            && any(&f.result, &r.data.result)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && in_window(Some(r.data.decided_on), (f.decided_from, f.decided_until))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id
            .map(Uuid::from)
            .or(f.claim_id.map(Uuid::from))
            .or(f.by_post_id.map(Uuid::from))
    }
}
