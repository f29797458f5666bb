//! Management's responses to recommendations: dated entries, never changed. The latest stands; a rejection alone closes nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What management says to a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ManagementDecision {
    Accepted,
    /// In part, or by other means.
    Partly,
    Rejected,
}

/// A response of management to a recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ManagementResponse {
    /// The recommendation.
    pub recommendation_id: Uuid,
    /// What management says to it.
    pub response: ManagementDecision,
    /// In its words, with what it means to do.
    #[schema(min_length = 1, max_length = 8000)]
    pub text: String,
    /// The post that answered; null where the sources do not say.
    #[serde(default)]
    pub by_post_id: Option<Uuid>,
    /// The day it answered.
    pub responded_on: NaiveDate,
}

/// Narrows a list of responses.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ManagementResponseFilter {
    /// Responses to this recommendation.
    recommendation_id: Option<Uuid>,
    /// Responses to recommendations of this review.
    review_id: Option<Uuid>,
    /// Responses to recommendations that this unit, or one below it, answers for.
    unit_below: Option<Uuid>,
    /// Responses of this sort.
    #[param(value_type = Option<Vec<ManagementDecision>>, inline, explode = false)]
    response: Option<Any<ManagementDecision>>,
    /// Responses by this post.
    by_post_id: Option<Uuid>,
    /// Responses on or after this day.
    responded_from: Option<NaiveDate>,
    /// Responses on or before this day.
    responded_until: Option<NaiveDate>,
}

impl Resource for ManagementResponse {
    const KIND: &'static str = "management_response";
    const PATH: &'static str = "management-responses";
    const PREFIX: &'static str = "MRS";
    const SUBJECT: Subject = Subject::AssuranceProgress;
    const ABOUT: &'static str = "What management answers to a recommendation. The latest stands on the recommendation; a rejection closes it only once audit records a closure.";
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
    fn links(&self, links: &mut Links) {
        links.to(
            "/recommendation_id",
            &["recommendation"],
            self.recommendation_id,
        );
        links.to("/by_post_id", &["post"], self.by_post_id);
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S24
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/responded_on", Some(self.responded_on));
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "responded_on",
            key: |r| Key::from(Some(r.data.responded_on)),
        }]
    }
    fn text(&self) -> Vec<&str> {
        vec![&self.text]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && super::is_of_review(reading, r.data.recommendation_id, f.review_id)
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
        f.recommendation_id.or(f.by_post_id)
    }
}
