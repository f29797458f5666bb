//! Management's responses to recommendations: dated entries that are never changed. The latest one
//! counts; a rejection alone closes nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::is_of_review;
use crate::policy::Subject;
use crate::registers::assurance::{AuditReviewId, RecommendationId};
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Management's decision on a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ManagementDecision {
    /// Management accepts the recommendation in full.
    Accepted,
    /// Accepted in part, or to be met by other means.
    #[strum(message = "Partly accepted")]
    Partly,
    /// Management rejects the recommendation. This alone does not close it.
    Rejected,
}

/// Id of a management response.
pub type ManagementResponseId = Id<ManagementResponse>;

/// Management's response to a recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ManagementResponse {
    /// The recommendation.
    pub recommendation_id: RecommendationId,
    /// Management's decision.
    pub response: ManagementDecision,
    /// Text of the response, with the action that management intends to take.
    pub text: Text<8000, 1>,
    /// Post that responded; null if the sources do not say.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Date of the response.
    pub responded_on: NaiveDate,
}

/// Narrows a list of responses.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ManagementResponseFilter {
    /// Only responses to this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only responses to recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only responses to recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only responses with these decisions.
    #[param(value_type = Option<Vec<ManagementDecision>>, inline, explode = false)]
    response: Option<Any<ManagementDecision>>,
    /// Only responses by this post.
    by_post_id: Option<PostId>,
    /// Only responses on or after this day.
    responded_from: Option<NaiveDate>,
    /// Only responses on or before this day.
    responded_until: Option<NaiveDate>,
}

impl Resource for ManagementResponse {
    const KIND: &'static str = "management_response";
    const PATH: &'static str = "management-responses";
    const PREFIX: &'static str = "MRS";
    const SUBJECT: Subject = Subject::AssuranceProgress;
    const ABOUT: &'static str = "Management's responses to recommendations. The recommendation \
        shows the latest one; a rejection closes it only once audit records a closure.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = ManagementResponseFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "response": "accepted",
            "text": "Terms of reference will be agreed by both boards", "by_post_id": "019abcde-0000-7000-8000-000000000001",
            "responded_on": "2020-06-30"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.text)
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S24
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/responded_on", Some(self.responded_on));
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "responded_on",
            key: |r| Key::from(Some(r.data.responded_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
            && any(&f.response, &r.data.response)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && in_window(
                Some(r.data.responded_on),
                (f.responded_from, f.responded_until),
            )
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id
            .map(Uuid::from)
            .or(f.by_post_id.map(Uuid::from))
    }
}
