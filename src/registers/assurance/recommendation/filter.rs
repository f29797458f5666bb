//! How a list of recommendations is narrowed.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    Recommendation, RecommendationClosureState, RecommendationImplementation,
    RecommendationPriority, RecommendationVerification, Timeliness,
};
use crate::registers::assurance::{ManagementDecision, RecommendationLink, RecommendationUpdate};
use crate::registers::checks::{asked, in_window};
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::settings::in_force;
use crate::world::{Reading, Rec};

/// Narrows a list of recommendations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationFilter {
    /// Recommendations of this review.
    review_id: Option<Uuid>,
    /// Recommendations that this post answers for.
    owner_post_id: Option<Uuid>,
    /// Recommendations that this unit answers for.
    owner_unit_id: Option<Uuid>,
    /// Recommendations that this unit, or one below it, answers for.
    unit_below: Option<Uuid>,
    /// Recommendations that neither a post nor a unit answers for (`true`), or that one does (`false`).
    without_owner: Option<bool>,
    /// Recommendations of these priorities.
    #[param(value_type = Option<Vec<RecommendationPriority>>, inline, explode = false)]
    priority: Option<Any<RecommendationPriority>>,
    /// Recommendations without a priority (`true`), or with one (`false`).
    without_priority: Option<bool>,
    /// Recommendations that have come this far, as management reports.
    #[param(value_type = Option<Vec<RecommendationImplementation>>, inline, explode = false)]
    implementation: Option<Any<RecommendationImplementation>>,
    /// Recommendations of whose claims audit has found this.
    #[param(value_type = Option<Vec<RecommendationVerification>>, inline, explode = false)]
    verification: Option<Any<RecommendationVerification>>,
    /// Recommendations that ended so; `none`: those that are open.
    #[param(value_type = Option<Vec<RecommendationClosureState>>, inline, explode = false)]
    closure: Option<Any<RecommendationClosureState>>,
    /// Recommendations that management last answered so.
    #[param(value_type = Option<Vec<ManagementDecision>>, inline, explode = false)]
    management_response: Option<Any<ManagementDecision>>,
    /// Recommendations without an answer of management (`true`), or with one (`false`).
    without_response: Option<bool>,
    /// Recommendations that are or are not in time today, or on the day of `as_of`.
    #[param(value_type = Option<Vec<Timeliness>>, inline, explode = false)]
    timeliness: Option<Any<Timeliness>>,
    /// Recommendations due on or after this day.
    due_from: Option<NaiveDate>,
    /// Recommendations due on or before this day.
    due_until: Option<NaiveDate>,
    /// Recommendations without a deadline (`true`), or with one (`false`).
    without_deadline: Option<bool>,
    /// Recommendations whose deadline was extended (`true`), or never was (`false`).
    extended: Option<bool>,
    /// Recommendations whose latest update lies before this day, or that have none.
    no_update_since: Option<NaiveDate>,
    /// Recommendations that bear on this goal.
    goal_id: Option<Uuid>,
    /// Recommendations that bear on this work-plan item.
    item_id: Option<Uuid>,
    /// Recommendations that lean on this record: an update refers to it, or a link leads to it.
    leans_on_id: Option<Uuid>,
}

impl RecommendationFilter {
    /// What costs least is asked first.
    pub(super) fn matches(&self, r: &Rec<Recommendation>, reading: Reading<'_>) -> bool {
        let (data, computed) = (&r.data, &r.computed);
        is(&self.review_id, &data.review_id)
            && is_some(&self.owner_post_id, &data.owner_post_id)
            && is_some(&self.owner_unit_id, &data.owner_unit_id)
            && asked(self.without_owner, || {
                data.owner_post_id.is_none() && data.owner_unit_id.is_none()
            })
            && (self.priority.is_none() || data.priority.is_some_and(|p| any(&self.priority, &p)))
            && asked(self.without_priority, || data.priority.is_none())
            && any(&self.implementation, &computed.implementation)
            && any(&self.verification, &computed.verification)
            && any(&self.closure, &computed.closure)
            && (self.management_response.is_none()
                || computed
                    .management_response
                    .is_some_and(|m| any(&self.management_response, &m)))
            && asked(self.without_response, || {
                computed.management_response.is_none()
            })
            && self.is_in_time(r, reading)
            && in_window(data.deadline.due_on, (self.due_from, self.due_until))
            && asked(self.without_deadline, || data.deadline.due_on.is_none())
            && asked(self.extended, || computed.extension_count > 0)
            && self
                .no_update_since
                .is_none_or(|d| computed.latest_update_on.is_none_or(|u| u < d))
            && self.goal_id.is_none_or(|g| data.goal_ids.contains(&g))
            && self.item_id.is_none_or(|i| data.item_ids.contains(&i))
            && self.unit_below.is_none_or(|top| {
                data.owner_unit_id
                    .is_some_and(|u| reading.world.is_in_scope(u, top))
            })
            && self
                .leans_on_id
                .is_none_or(|on| leans(r.meta.id, on, reading))
    }

    fn is_in_time(&self, r: &Rec<Recommendation>, reading: Reading<'_>) -> bool {
        let is = |wanted: &Any<Timeliness>| {
            wanted.has(
                &r.timeliness(reading.on, in_force(reading.world).due_soon_days)
                    .0,
            )
        };
        self.timeliness.as_ref().is_none_or(is)
    }

    /// The narrowest of the links asked for.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.review_id
            .or(self.item_id)
            .or(self.goal_id)
            .or(self.owner_post_id)
            .or(self.owner_unit_id)
    }
}

/// Whether a link or an update of the recommendation leads to a record, as far as the asker may know of it.
fn leans(recommendation: Uuid, on: Uuid, reading: Reading<'_>) -> bool {
    let of = |id: Uuid| id == recommendation;
    reading
        .pointing::<RecommendationLink>(on)
        .any(|l| of(l.data.recommendation_id) && l.data.to_id == on)
        || reading
            .pointing::<RecommendationUpdate>(on)
            .any(|u| of(u.data.recommendation_id) && u.data.referred().any(|id| id == on))
}
