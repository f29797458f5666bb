//! Closures of recommendations other than by verification: how audit closes them, and on what
//! ground.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::{independent, is_of_review};
use crate::policy::Subject;
use crate::registers::assurance::{
    AuditReviewId, ManagementDecision, ManagementResponse, ManagementResponseId, Recommendation,
    RecommendationClosureState, RecommendationId, RecommendationLink, RecommendationLinkId,
    RecommendationRelation,
};
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::links::reaches;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, World};

/// How a recommendation is closed without being verified as implemented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ClosureKind {
    /// Management accepts the risk of not implementing it (Global Internal Audit Standards, 15.2).
    RiskAccepted,
    /// Another recommendation replaces it.
    Superseded,
    /// Audit accepts that it duplicates another recommendation.
    Duplicate,
    /// Management rejects it, and audit closes it.
    RejectedByManagement,
}

/// Closure of a recommendation. Withdrawing the closure reopens the recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationClosure {
    /// The recommendation.
    pub recommendation_id: RecommendationId,
    /// How it is closed.
    pub closure: ClosureKind,
    /// Date of the closure.
    pub closed_on: NaiveDate,
    /// Reason.
    pub reason: Text<4000, 1>,
    /// The management post that accepted the risk. Required with `risk_accepted`, and allowed only
    /// then.
    #[serde(default)]
    pub accepted_by_post_id: Option<PostId>,
    /// The recommendation that replaces it. Required with `superseded`, and allowed only then.
    #[serde(default)]
    pub superseded_by_id: Option<RecommendationId>,
    /// The `duplicates` link that audit accepts. Required with `duplicate`, and allowed only then.
    #[serde(default)]
    pub duplicate_link_id: Option<RecommendationLinkId>,
    /// The response in which management rejects it. Required with `rejected_by_management`, and
    /// allowed only then.
    #[serde(default)]
    pub response_id: Option<ManagementResponseId>,
}

/// Narrows a list of closures.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationClosureFilter {
    /// Only closures of this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only closures of recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only closures of recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only closures of these kinds.
    #[param(value_type = Option<Vec<ClosureKind>>, inline, explode = false)]
    closure: Option<Any<ClosureKind>>,
    /// Only closures for which this post accepted the risk.
    accepted_by_post_id: Option<PostId>,
    /// Only closures in which this recommendation replaces another.
    superseded_by_id: Option<RecommendationId>,
    /// Only closures on or after this day.
    closed_from: Option<NaiveDate>,
    /// Only closures on or before this day.
    closed_until: Option<NaiveDate>,
}

/// The recommendations that replaced a recommendation.
fn successors(world: &World, of: Uuid) -> Vec<Uuid> {
    world
        .pointing::<RecommendationClosure>(of)
        .filter(|c| c.data.recommendation_id == of)
        .filter_map(|c| c.data.superseded_by_id)
        .map(Uuid::from)
        .collect()
}

impl RecommendationClosure {
    fn check_ground(&self, rules: &mut Rules<'_, Self>) {
        for (pointer, kind, given) in [
            (
                "/accepted_by_post_id",
                ClosureKind::RiskAccepted,
                self.accepted_by_post_id.is_some(),
            ),
            (
                "/superseded_by_id",
                ClosureKind::Superseded,
                self.superseded_by_id.is_some(),
            ),
            (
                "/duplicate_link_id",
                ClosureKind::Duplicate,
                self.duplicate_link_id.is_some(),
            ),
            (
                "/response_id",
                ClosureKind::RejectedByManagement,
                self.response_id.is_some(),
            ),
        ] {
            let needed = self.closure == kind;
            let (code, detail) = if needed {
                ("required", "is required for this kind of closure")
            } else {
                (
                    "not_allowed",
                    "is not allowed for this kind of closure; leave it out",
                )
            };
            rules.require(given == needed, pointer, code, detail);
        }
        let (world, own) = (rules.reading.world, self.recommendation_id);
        let link = self
            .duplicate_link_id
            .and_then(|id| world.get::<RecommendationLink>(id));
        let duplicates = |l: &RecommendationLink| {
            l.recommendation_id == own && l.relation == RecommendationRelation::Duplicates
        };
        rules.require(
            link.is_none_or(|l| duplicates(&l.data)),
            "/duplicate_link_id",
            "wrong_kind",
            "must be a duplicates link from this recommendation; record one with POST \
                /api/v1/recommendation-links",
        );
        let response = self
            .response_id
            .and_then(|id| world.get::<ManagementResponse>(id));
        let rejects = |m: &ManagementResponse| {
            m.recommendation_id == own && m.response == ManagementDecision::Rejected
        };
        rules.require(
            response.is_none_or(|m| rejects(&m.data)),
            "/response_id",
            "wrong_kind",
            "must be a response in which management rejects this recommendation",
        );
        let circle = self
            .superseded_by_id
            .is_some_and(|by| reaches(by.uuid(), own.uuid(), |at| successors(world, at)));
        rules.require(
            !circle,
            "/superseded_by_id",
            "circle",
            "must not be this recommendation, or one that this recommendation replaced; name \
                another",
        );
    }
}

impl Resource for RecommendationClosure {
    const KIND: &'static str = "recommendation_closure";
    const PATH: &'static str = "recommendation-closures";
    const PREFIX: &'static str = "RCL";
    const SUBJECT: Subject = Subject::Assurance;
    const ABOUT: &'static str = "Closures of recommendations other than by verification: risk \
        accepted by management (Global Internal Audit Standards 15.2), superseded, duplicate \
        accepted by audit, or rejected by management. Each names a record as its ground; that \
        record cannot be withdrawn while the closure is in force. An account that has ever made \
        a claim on the recommendation cannot close it. Withdrawing the closure reopens the \
        recommendation.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = RecommendationClosureFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "closure": "risk_accepted", "closed_on": "2020-10-26",
            "reason": "The cost of a full review outweighs what it would prevent",
            "accepted_by_post_id": "019abcde-0000-7000-8000-000000000001"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    // S24, S26
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        independent(rules, self.recommendation_id);
        not_in_future(rules, "/closed_on", Some(self.closed_on));
        self.check_ground(rules);
        let on = rules
            .reading
            .world
            .get::<Recommendation>(self.recommendation_id);
        rules.require(
            on.is_none_or(|r| r.computed.closure == RecommendationClosureState::None),
            "/recommendation_id",
            "closed",
            "the recommendation is already closed; first withdraw the record that closed it",
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
            name: "closed_on",
            key: |r| Key::from(Some(r.data.closed_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
            && any(&f.closure, &r.data.closure)
            && is_some(&f.accepted_by_post_id, &r.data.accepted_by_post_id)
            && is_some(&f.superseded_by_id, &r.data.superseded_by_id)
            && in_window(Some(r.data.closed_on), (f.closed_from, f.closed_until))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.recommendation_id
            .map(Uuid::from)
            .or(f.superseded_by_id.map(Uuid::from))
            .or(f.accepted_by_post_id.map(Uuid::from))
    }
}
