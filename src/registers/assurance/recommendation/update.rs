//! Updates on recommendations: management's reports, as dated entries that are never changed. A
//! claim is also an update; a deferral is not progress.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::checks::is_of_review;
use crate::policy::Subject;
use crate::registers::assurance::recommendation::RecommendationId;
use crate::registers::assurance::review::AuditReviewId;
use crate::registers::assurance::{
    Recommendation, RecommendationClosureState, RecommendationImplementation,
    RecommendationVerification,
};
use crate::registers::checks::{asked, distinct, in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::date::{PlannedDate, Precision};
use crate::world::id::AnyRecordId;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Kind of update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationUpdateKind {
    /// Management reports the progress so far.
    Progress,
    /// Management claims that the recommendation is implemented and asks audit to verify it.
    #[strum(message = "Claim of completion")]
    ClaimComplete,
    /// Management defers it to a date or an event. This moves no deadline and is not progress.
    Deferral,
    /// Management asks for a later deadline.
    ExtensionRequest,
    /// Management refers to another record for the answer.
    #[strum(message = "Refers to another record")]
    RefersTo,
}

/// Implementation status reported by management. Full implementation is a claim, which has its own
/// kind of update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ReportedImplementation {
    /// Work has started, but nothing is implemented yet.
    InProgress,
    /// Part of the recommendation is implemented.
    PartiallyImplemented,
    /// The recommendation is not implemented.
    NotImplemented,
}

impl From<ReportedImplementation> for RecommendationImplementation {
    fn from(reported: ReportedImplementation) -> Self {
        match reported {
            ReportedImplementation::InProgress => Self::InProgress,
            ReportedImplementation::PartiallyImplemented => Self::PartiallyImplemented,
            ReportedImplementation::NotImplemented => Self::NotImplemented,
        }
    }
}

/// A part of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationUpdatePart {
    /// Label ("a"), if there are several parts.
    #[serde(default)]
    pub label: Option<Text<20, 1>>,
    /// What was done, and what comes next.
    pub text: Text<8000, 1>,
    /// Implementation status of this part. A part may be claimed before the whole. Not allowed with
    /// a deferral or an extension request.
    #[serde(default)]
    pub implementation: Option<RecommendationImplementation>,
    /// Records this part refers to.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<AnyRecordId>,
}

/// Id of a recommendation update.
pub type RecommendationUpdateId = Id<RecommendationUpdate>;

/// An update on a recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationUpdate {
    /// The recommendation.
    pub recommendation_id: RecommendationId,
    /// Kind of update.
    pub update_kind: RecommendationUpdateKind,
    /// Date of the statement.
    pub stated_on: NaiveDate,
    /// Post that made the statement; null if the sources do not say.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Narrative for the whole update. An update has a narrative, parts or both.
    #[serde(default)]
    pub narrative: Option<Text<8000, 1>>,
    /// Parts of the update, if it has several.
    #[serde(default)]
    #[schema(max_items = 26)]
    pub parts: Vec<RecommendationUpdatePart>,
    /// Implementation status of the recommendation; only with `progress`. A report of less progress
    /// retracts an unverified claim.
    #[serde(default)]
    pub implementation: Option<ReportedImplementation>,
    /// Percentage complete, 0 to 100; only with `progress`.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub percent_complete: Option<u8>,
    /// Records the update refers to: another recommendation, a strategy review, a work-plan item, a
    /// board, or any other record.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<AnyRecordId>,
    /// Deadline requested or stated. Required with `extension_request`, and also allowed with
    /// `deferral`.
    #[serde(default)]
    pub asked_deadline: PlannedDate,
}

/// Narrows a list of updates.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationUpdateFilter {
    /// Only updates on this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only updates on recommendations of this review.
    review_id: Option<AuditReviewId>,
    /// Only updates on recommendations owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only updates of these kinds.
    #[param(value_type = Option<Vec<RecommendationUpdateKind>>, inline, explode = false)]
    update_kind: Option<Any<RecommendationUpdateKind>>,
    /// Only updates by this post.
    by_post_id: Option<PostId>,
    /// Only updates that refer to this record.
    refers_to_id: Option<Uuid>,
    /// Only updates that refer to another record (`true`), or to none (`false`).
    refers: Option<bool>,
    /// Only updates stated on or after this day.
    stated_from: Option<NaiveDate>,
    /// Only updates stated on or before this day.
    stated_until: Option<NaiveDate>,
}

use RecommendationUpdateKind as K;

impl RecommendationUpdate {
    /// Whether it claims that the recommendation, or a part of it, is implemented.
    #[must_use]
    pub fn is_claim(&self) -> bool {
        let part = |p: &RecommendationUpdatePart| {
            p.implementation == Some(RecommendationImplementation::ClaimedImplemented)
        };
        self.update_kind == K::ClaimComplete || self.parts.iter().any(part)
    }

    /// All records that it refers to.
    pub fn referred(&self) -> impl Iterator<Item = Uuid> + '_ {
        let parts = self.parts.iter().flat_map(|p| &p.refers_to_ids);
        let all = self.refers_to_ids.iter().chain(parts);
        all.map(|id| id.uuid())
    }

    fn check_words(&self, rules: &mut Rules<'_, Self>) {
        rules.require(
            self.narrative.is_some() || !self.parts.is_empty(),
            "/narrative",
            "required",
            "give the report in narrative, in parts or in both",
        );
        for (n, part) in self.parts.iter().enumerate() {
            let mut earlier = self.parts.iter().take(n).filter_map(|p| p.label.as_ref());
            if part
                .label
                .as_ref()
                .is_some_and(|label| earlier.any(|l| same_name(l, label)))
            {
                let detail = "must differ from the labels of earlier parts; choose another";
                rules.refuse(format!("/parts/{n}/label"), "duplicate", detail);
            }
        }
    }

    /// S25: a deferral is not progress, and a report of completion is a claim.
    fn check_kind(&self, rules: &mut Rules<'_, Self>) {
        let progress = self.update_kind == K::Progress;
        let only = "is allowed only for progress updates; record a progress update as well, or \
            leave it out";
        rules.require(
            progress || self.implementation.is_none(),
            "/implementation",
            "not_allowed",
            only,
        );
        rules.require(
            progress || self.percent_complete.is_none(),
            "/percent_complete",
            "not_allowed",
            only,
        );
        let puts_off = matches!(self.update_kind, K::Deferral | K::ExtensionRequest);
        for (n, part) in self.parts.iter().enumerate() {
            if puts_off && part.implementation.is_some() {
                let detail = "is not allowed for a deferral or an extension request; record a \
                    progress update as well, or leave it out";
                rules.refuse(format!("/parts/{n}/implementation"), "not_allowed", detail);
            }
        }
        let asks = self.asked_deadline.precision != Precision::Unspecified;
        rules.require(
            self.update_kind != K::ExtensionRequest || asks,
            "/asked_deadline",
            "required",
            "is required for an extension request; if there is no date, record a deferral",
        );
        rules.require(
            puts_off || !asks,
            "/asked_deadline",
            "not_allowed",
            "is allowed only for a deferral or an extension request",
        );
        rules.require(
            self.update_kind != K::RefersTo || self.referred().next().is_some(),
            "/refers_to_ids",
            "required",
            "name the record that the update refers to",
        );
    }

    fn check_references(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/refers_to_ids", &self.refers_to_ids);
        let own = self.recommendation_id;
        rules.require(
            !self.referred().any(|id| id == own),
            "/refers_to_ids",
            "self_reference",
            "must name a record other than the recommendation itself",
        );
        for (n, part) in self.parts.iter().enumerate() {
            distinct(
                rules,
                &format!("/parts/{n}/refers_to_ids"),
                &part.refers_to_ids,
            );
        }
    }

    fn check_recommendation(&self, rules: &mut Rules<'_, Self>) {
        let Some(on) = rules
            .reading
            .world
            .get::<Recommendation>(self.recommendation_id)
        else {
            return;
        };
        let moves = self.update_kind != K::RefersTo
            && (self.update_kind != K::Progress || self.implementation.is_some());
        let open = on.computed.closure == RecommendationClosureState::None;
        rules.require(
            open || !moves,
            "/recommendation_id",
            "closed",
            "the recommendation is closed; ask audit to withdraw the closure or the verification \
                first",
        );
        let waits = on.computed.verification == RecommendationVerification::Submitted;
        rules.require(
            self.update_kind != K::ClaimComplete || !waits,
            "/update_kind",
            "already_claimed",
            "a claim is already waiting for verification; withdraw it first, or retract it with a \
                progress update",
        );
        // Restoring another account's claim would mean claiming in its name.
        let others = rules.before.is_some() && rules.meta.created_by != Some(rules.actor);
        rules.require(
            !self.is_claim() || !others,
            "/update_kind",
            "another_claims",
            "only the account that made a claim can restore it; record a claim of your own",
        );
    }
}

impl Resource for RecommendationUpdate {
    const KIND: &'static str = "recommendation_update";
    const PATH: &'static str = "recommendation-updates";
    const PREFIX: &'static str = "RUP";
    const SUBJECT: Subject = Subject::AssuranceProgress;
    const ABOUT: &'static str = "Management's reports on recommendations, as dated entries. \
        `claim_complete` submits the recommendation for verification with the date of the claim; \
        the account that recorded it can never verify or close that recommendation. A deferral \
        or an extension request does not move the deadline.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = RecommendationUpdateFilter;

    fn example() -> Value {
        json!({
            "recommendation_id": "019abcde-0000-7000-8000-000000000001", "update_kind": "progress", "stated_on": "2020-10-26",
            "by_post_id": "019abcde-0000-7000-8000-000000000001",
            "parts": [
                { "label": "a", "text": "Responsibilities will be part of the next strategy", "implementation": "in_progress" },
                { "label": "b", "text": "The first dashboard has been built", "implementation": "partially_implemented" }
            ],
            "implementation": "partially_implemented", "percent_complete": 40
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.recommendation_id])
    }
    fn normalise(&mut self) {
        self.asked_deadline.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/stated_on", Some(self.stated_on));
        rules.planned("/asked_deadline", &self.asked_deadline);
        self.check_words(rules);
        self.check_kind(rules);
        self.check_references(rules);
        self.check_recommendation(rules);
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "stated_on",
            key: |r| Key::from(Some(r.data.stated_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && is_of_review(reading, r.data.recommendation_id, f.review_id)
            && any(&f.update_kind, &r.data.update_kind)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && f.refers_to_id
                .is_none_or(|id| r.data.referred().any(|to| to == id))
            && asked(f.refers, || r.data.referred().next().is_some())
            && in_window(Some(r.data.stated_on), (f.stated_from, f.stated_until))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        (f.recommendation_id.map(Uuid::from))
            .or(f.refers_to_id)
            .or(f.by_post_id.map(Uuid::from))
    }
}
