//! Filters for lists of recommendations.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    Recommendation, RecommendationClosureState, RecommendationImplementation,
    RecommendationPriority, RecommendationVerification, Timeliness,
};
use crate::registers::assurance::{
    AuditReviewId, ManagementDecision, RecommendationLink, RecommendationUpdate,
};
use crate::registers::checks::{asked, in_window};
use crate::registers::organisation::{PostId, UnitId, has_owner};
use crate::registers::plan::WorkPlanItemId;
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::settings::in_force;
use crate::registers::strategy::GoalId;
use crate::world::{Reading, Rec};

/// Narrows a list of recommendations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationFilter {
    /// Only recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only recommendations owned by this post.
    owner_post_id: Option<PostId>,
    /// Only recommendations owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only recommendations without an owner post or unit that exists on the date (`true`), or with
    /// one (`false`).
    without_owner: Option<bool>,
    /// Only recommendations of these priorities.
    #[param(value_type = Option<Vec<RecommendationPriority>>, inline, explode = false)]
    priority: Option<Any<RecommendationPriority>>,
    /// Only recommendations without a priority (`true`), or with one (`false`).
    without_priority: Option<bool>,
    /// Only recommendations with these implementation statuses, as reported by management.
    #[param(value_type = Option<Vec<RecommendationImplementation>>, inline, explode = false)]
    implementation: Option<Any<RecommendationImplementation>>,
    /// Only recommendations with these verification statuses.
    #[param(value_type = Option<Vec<RecommendationVerification>>, inline, explode = false)]
    verification: Option<Any<RecommendationVerification>>,
    /// Only recommendations closed in these ways; `none` returns those that are open.
    #[param(value_type = Option<Vec<RecommendationClosureState>>, inline, explode = false)]
    closure: Option<Any<RecommendationClosureState>>,
    /// Only recommendations with these latest management responses.
    #[param(value_type = Option<Vec<ManagementDecision>>, inline, explode = false)]
    management_response: Option<Any<ManagementDecision>>,
    /// Only recommendations without a management response (`true`), or with one (`false`).
    without_response: Option<bool>,
    /// Only recommendations with this timeliness today, or on the day of `as_of`.
    #[param(value_type = Option<Vec<Timeliness>>, inline, explode = false)]
    timeliness: Option<Any<Timeliness>>,
    /// Only recommendations due on or after this day.
    due_from: Option<NaiveDate>,
    /// Only recommendations due on or before this day.
    due_until: Option<NaiveDate>,
    /// Only recommendations without a deadline (`true`), or with one (`false`).
    without_deadline: Option<bool>,
    /// Only recommendations whose deadline has been extended (`true`), or never extended (`false`).
    extended: Option<bool>,
    /// Only recommendations whose latest update, management response, extension or verification is
    /// before this day, or that have none of these.
    no_update_since: Option<NaiveDate>,
    /// Only open recommendations that have gone longer without any of these than the settings allow
    /// and are not waiting for audit (`true`), or all others (`false`).
    stale: Option<bool>,
    /// Only recommendations that relate to this goal.
    goal_id: Option<GoalId>,
    /// Only recommendations that relate to this work-plan item.
    item_id: Option<WorkPlanItemId>,
    /// Only recommendations that refer to this record through an update or a link.
    refers_to_id: Option<Uuid>,
}

impl RecommendationFilter {
    /// Checks the cheapest filters first.
    pub(super) fn matches(&self, r: &Rec<Recommendation>, reading: Reading<'_>) -> bool {
        let (data, computed) = (&r.data, &r.computed);
        is(&self.review_id, &data.review_id)
            && is_some(&self.owner_post_id, &data.owner_post_id)
            && is_some(&self.owner_unit_id, &data.owner_unit_id)
            && asked(self.without_owner, || {
                !has_owner(reading, data.owner_post_id, data.owner_unit_id)
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
                .is_none_or(|d| r.last_heard_on().is_none_or(|u| u < d))
            && asked(self.stale, || {
                let most = in_force(reading.world).stale_after_days;
                r.stale_days(reading, most).is_some()
            })
            && self.goal_id.is_none_or(|g| data.goal_ids.contains(&g))
            && self.item_id.is_none_or(|i| data.item_ids.contains(&i))
            && self.unit_below.is_none_or(|top| {
                data.owner_unit_id
                    .is_some_and(|u| reading.world.is_in_scope(u, top))
            })
            && self
                .refers_to_id
                .is_none_or(|on| refers_to(r.meta.id, on, reading))
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

    /// The most selective record id among the filters.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.review_id
            .map(Uuid::from)
            .or(self.item_id.map(Uuid::from))
            .or(self.goal_id.map(Uuid::from))
            .or(self.owner_post_id.map(Uuid::from))
            .or(self.owner_unit_id.map(Uuid::from))
    }
}

/// Whether a link or an update of the recommendation refers to a record, as far as they are visible
/// to the caller.
fn refers_to(recommendation: Uuid, on: Uuid, reading: Reading<'_>) -> bool {
    let of = |id: Uuid| id == recommendation;
    reading
        .pointing::<RecommendationLink>(on)
        .any(|l| of(l.data.recommendation_id.uuid()) && l.data.to_id == on)
        || reading
            .pointing::<RecommendationUpdate>(on)
            .any(|u| of(u.data.recommendation_id.uuid()) && u.data.referred().any(|id| id == on))
}
