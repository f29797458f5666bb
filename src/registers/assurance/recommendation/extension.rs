//! Extensions of recommendations' deadlines: the new date, who approved it, and why. They are never
//! changed, and the first deadline is kept.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::is_of_review;
use crate::policy::Subject;
use crate::registers::assurance::{
    AuditReviewId, Recommendation, RecommendationClosureState, RecommendationId,
    RecommendationUpdate, RecommendationUpdateId, RecommendationUpdateKind,
};
use crate::registers::checks::{approved, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::{counts, others};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{is, is_some};
use crate::world::date::PlannedDate;
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// An extension of a recommendation's deadline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationExtension {
    /// The recommendation.
    pub recommendation_id: RecommendationId,
    /// New deadline, later than the current one.
    pub to: PlannedDate,
    /// Post that approved it. An extension names a post, a board or both.
    #[serde(default)]
    pub approver_post_id: Option<PostId>,
    /// Board that approved it.
    #[serde(default)]
    pub approver_board_id: Option<BoardId>,
    /// The extension request that it grants, if there was one.
    #[serde(default)]
    pub request_id: Option<RecommendationUpdateId>,
    /// Reason for the extension.
    pub reason: Text<2000, 1>,
    /// Date of approval.
    pub approved_on: NaiveDate,
}

/// Fields that the service computes for an extension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationExtensionComputed {
    /// Previous deadline.
    pub from: PlannedDate,
    /// Number of days by which the deadline moves.
    pub days_moved: Option<i64>,
}

/// Narrows a list of extensions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationExtensionFilter {
    /// Only extensions for this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only extensions for recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only extensions for recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only extensions approved by this post.
    approver_post_id: Option<PostId>,
    /// Only extensions approved by this board.
    approver_board_id: Option<BoardId>,
    /// Only extensions approved on or after this day.
    approved_from: Option<NaiveDate>,
    /// Only extensions approved on or before this day.
    approved_until: Option<NaiveDate>,
}

impl RecommendationExtension {
    /// Checks made only when an extension is recorded, because the deadline moves on afterwards.
    fn check_move(&self, rules: &mut Rules<'_, Self>, on: &Rec<Recommendation>) {
        rules.require(
            on.computed.closure == RecommendationClosureState::None,
            "/recommendation_id",
            "closed",
            "the recommendation is closed; first withdraw the record that closed it",
        );
        match on.data.deadline.due_on {
            None => rules.refuse(
                "/recommendation_id",
                "no_deadline",
                "the recommendation has no deadline yet; set it with PATCH on the recommendation",
            ),
            Some(due) => rules.require(
                self.to.due_on.is_some_and(|to| to > due),
                "/to/due_on",
                "not_later",
                "must be after the current deadline; to postpone without a date, record a \
                    deferral (recommendation-updates)",
            ),
        }
        let last = others(rules, self.recommendation_id.uuid())
            .map(|e| e.data.approved_on)
            .max();
        rules.in_order(
            last,
            Some(self.approved_on),
            "/approved_on",
            "the last extension",
        );
    }
}

impl Resource for RecommendationExtension {
    const KIND: &'static str = "recommendation_extension";
    const PATH: &'static str = "recommendation-extensions";
    const PREFIX: &'static str = "REX";
    const SUBJECT: Subject = Subject::Assurance;
    const ABOUT: &'static str = "Extensions of recommendations' deadlines. Recording one moves \
        the deadline, and withdrawing the last one moves it back; the first deadline never \
        changes.";
    const APPEND_ONLY: bool = true;
    type Computed = RecommendationExtensionComputed;
    type Filter = RecommendationExtensionFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "to": { "precision": "quarter", "due_on": "2021-03-31" },
            "approver_post_id": "019abcde-0000-7000-8000-000000000001", "reason": "The strategy that it waits for comes in the spring",
            "approved_on": "2020-10-26"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    fn normalise(&mut self) {
        self.to.normalise();
    }
    // S24, S25
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.planned("/to", &self.to);
        approved(
            rules,
            self.approver_post_id.is_some() || self.approver_board_id.is_some(),
        );
        not_in_future(rules, "/approved_on", Some(self.approved_on));
        let world = rules.reading.world;
        let request = self
            .request_id
            .and_then(|id| world.get::<RecommendationUpdate>(id));
        let asks = |u: &RecommendationUpdate| {
            u.recommendation_id == self.recommendation_id
                && u.update_kind == RecommendationUpdateKind::ExtensionRequest
        };
        rules.require(
            request.is_none_or(|u| asks(&u.data)),
            "/request_id",
            "wrong_kind",
            "must be an extension request on the same recommendation",
        );
        let on = world.get::<Recommendation>(self.recommendation_id);
        if let Some(on) = on.filter(|_| rules.before.is_none()) {
            self.check_move(rules, on);
            if counts(&on.meta, rules.meta) {
                rules.follow_up(self.recommendation_id, json!({ "deadline": self.to }));
            }
        }
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        _: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        let present = || reading.world.get::<Recommendation>(self.recommendation_id);
        let from = match before {
            Some(b) => b.computed.from.clone(),
            None => present().map_or_else(PlannedDate::default, |r| r.data.deadline.clone()),
        };
        let days_moved = from
            .due_on
            .zip(self.to.due_on)
            .map(|(from, to)| (to - from).num_days());
        RecommendationExtensionComputed { from, days_moved }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "approved_on",
            key: |r| Key::from(Some(r.data.approved_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
            && is_some(&f.approver_post_id, &r.data.approver_post_id)
            && is_some(&f.approver_board_id, &r.data.approver_board_id)
            && in_window(
                Some(r.data.approved_on),
                (f.approved_from, f.approved_until),
            )
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id
            .map(Uuid::from)
            .or(f.approver_post_id.map(Uuid::from))
            .or(f.approver_board_id.map(Uuid::from))
    }
}
