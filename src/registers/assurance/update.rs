//! Updates on recommendations: what management reports, as dated entries that are never changed. A claim is an update too; a deferral is
//! not progress.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Recommendation, RecommendationClosureState, RecommendationImplementation,
    RecommendationVerification,
};
use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, in_window, not_in_future};
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::date::{PlannedDate, Precision};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What sort of update it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationUpdateKind {
    /// How far it has come.
    Progress,
    /// Management says that it is done, and asks audit to verify it.
    ClaimComplete,
    /// Management puts it off, to a date or to an event. It moves no deadline and is not progress.
    Deferral,
    /// Management asks for a later deadline.
    ExtensionRequest,
    /// Management points to something else for the answer.
    RefersTo,
}

/// How far management reports it to have come. That it is done is a claim, which is a kind of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportedImplementation {
    InProgress,
    PartiallyImplemented,
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
    /// Its label ("a"), where there are several parts.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 20)]
    pub label: Option<String>,
    /// What was done, and what comes next.
    #[schema(min_length = 1, max_length = 8000)]
    pub text: String,
    /// How far this part has come; a part may be claimed before the whole is. Not with a deferral or an extension request.
    #[serde(default)]
    pub implementation: Option<RecommendationImplementation>,
    /// What this part leans on.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<Uuid>,
}

/// An update on a recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecommendationUpdate {
    /// The recommendation.
    pub recommendation_id: Uuid,
    /// What sort of update it is.
    pub update_kind: RecommendationUpdateKind,
    /// The day it was stated.
    pub stated_on: NaiveDate,
    /// The post that stated it; null where the sources do not say.
    #[serde(default)]
    pub by_post_id: Option<Uuid>,
    /// The whole in words. An update has this, parts or both.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 8000)]
    pub narrative: Option<String>,
    /// Its parts, where it has several.
    #[serde(default)]
    #[schema(max_items = 26)]
    pub parts: Vec<RecommendationUpdatePart>,
    /// How far the recommendation has come; with `progress` only. A report of less takes an unverified claim back.
    #[serde(default)]
    pub implementation: Option<ReportedImplementation>,
    /// How much is done, 0 to 100; with `progress` only.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub percent_complete: Option<u8>,
    /// What the update leans on: another recommendation, a strategy's review, a work-plan item, a board, or any other record.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub refers_to_ids: Vec<Uuid>,
    /// The deadline asked for or named; with `extension_request`, which needs it, and `deferral`.
    #[serde(default)]
    pub asked_deadline: PlannedDate,
}

/// Narrows a list of updates.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RecommendationUpdateFilter {
    /// Updates on this recommendation.
    recommendation_id: Option<Uuid>,
    /// Updates on recommendations of this review.
    review_id: Option<Uuid>,
    /// Updates on recommendations that this unit, or one below it, answers for.
    unit_below: Option<Uuid>,
    /// Updates of these kinds.
    #[param(value_type = Option<Vec<RecommendationUpdateKind>>, inline, explode = false)]
    update_kind: Option<Any<RecommendationUpdateKind>>,
    /// Updates by this post.
    by_post_id: Option<Uuid>,
    /// Updates that lean on this record.
    refers_to_id: Option<Uuid>,
    /// Updates that lean on another record (`true`), or on none (`false`).
    refers: Option<bool>,
    /// Updates stated on or after this day.
    stated_from: Option<NaiveDate>,
    /// Updates stated on or before this day.
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

    /// Everything it leans on.
    pub fn referred(&self) -> impl Iterator<Item = Uuid> + '_ {
        let parts = self.parts.iter().flat_map(|p| &p.refers_to_ids);
        self.refers_to_ids.iter().chain(parts).copied()
    }

    fn check_words(&self, rules: &mut Rules<'_, Self>) {
        rules.require(
            self.narrative.is_some() || !self.parts.is_empty(),
            "/narrative",
            "required",
            "say what there is to report, in narrative or in parts",
        );
        for (n, part) in self.parts.iter().enumerate() {
            let mut earlier = self.parts.iter().take(n).filter_map(|p| p.label.as_ref());
            if part
                .label
                .as_ref()
                .is_some_and(|label| earlier.any(|l| same_name(l, label)))
            {
                let detail = "is the label of an earlier part; choose another";
                rules.refuse(format!("/parts/{n}/label"), "duplicate", detail);
            }
        }
    }

    /// S25: a deferral is not progress, and what is done is a claim.
    fn check_kind(&self, rules: &mut Rules<'_, Self>) {
        let progress = self.update_kind == K::Progress;
        let only =
            "goes with the kind progress only; record a progress update too, or leave it out";
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
                let detail = "what puts it off is not progress; record a progress update too, or leave it out";
                rules.refuse(format!("/parts/{n}/implementation"), "not_allowed", detail);
            }
        }
        let asks = self.asked_deadline.precision != Precision::Unspecified;
        rules.require(
            self.update_kind != K::ExtensionRequest || asks,
            "/asked_deadline",
            "required",
            "a request for an extension says to when; without a date it is a deferral",
        );
        rules.require(
            puts_off || !asks,
            "/asked_deadline",
            "not_allowed",
            "goes with a deferral or an extension request only",
        );
        rules.require(
            self.update_kind != K::RefersTo || self.referred().next().is_some(),
            "/refers_to_ids",
            "required",
            "name the record that it points to",
        );
    }

    fn check_references(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/refers_to_ids", &self.refers_to_ids);
        let own = self.recommendation_id;
        rules.require(
            !self.referred().any(|id| id == own),
            "/refers_to_ids",
            "self_reference",
            "name another record than the recommendation itself",
        );
        for (n, part) in self.parts.iter().enumerate() {
            distinct(
                rules,
                &format!("/parts/{n}/refers_to_ids"),
                &part.refers_to_ids,
            );
        }
    }

    fn check_standing(&self, rules: &mut Rules<'_, Self>) {
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
            "the recommendation is closed; have audit withdraw the closure or the verification first",
        );
        let waits = on.computed.verification == RecommendationVerification::Submitted;
        rules.require(
            self.update_kind != K::ClaimComplete || !waits,
            "/update_kind",
            "already_claimed",
            "a claim waits for verification already; withdraw it or take it back with a progress update first",
        );
        // Putting another's claim back would be claiming in their name.
        let others = rules.before.is_some() && rules.meta.created_by != Some(rules.actor);
        rules.require(
            !self.is_claim() || !others,
            "/update_kind",
            "another_claims",
            "only who made a claim restores it; record a claim of your own",
        );
    }
}

impl Resource for RecommendationUpdate {
    const KIND: &'static str = "recommendation_update";
    const PATH: &'static str = "recommendation-updates";
    const PREFIX: &'static str = "RUP";
    const SUBJECT: Subject = Subject::AssuranceProgress;
    const ABOUT: &'static str = "What management reports on recommendations, as dated entries. `claim_complete` submits the recommendation for verification as of its day; whoever recorded it can never verify or close that recommendation. A deferral or an extension request moves no deadline.";
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
    fn links(&self, links: &mut Links) {
        let any = crate::world::record::ANY_KIND;
        links.to(
            "/recommendation_id",
            &["recommendation"],
            self.recommendation_id,
        );
        links.to("/by_post_id", &["post"], self.by_post_id);
        links.each("/refers_to_ids", any, self.refers_to_ids.iter().copied());
        for (n, part) in self.parts.iter().enumerate() {
            links.each(
                &format!("/parts/{n}/refers_to_ids"),
                any,
                part.refers_to_ids.iter().copied(),
            );
        }
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
        self.check_standing(rules);
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.recommendation_id]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "stated_on",
            key: |r| Key::from(Some(r.data.stated_on)),
        }]
    }
    fn text(&self) -> Vec<&str> {
        let parts = self.parts.iter().map(|p| p.text.as_str());
        self.narrative.as_deref().into_iter().chain(parts).collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.recommendation_id, &r.data.recommendation_id)
            && super::is_of_review(reading, r.data.recommendation_id, f.review_id)
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
        f.recommendation_id.or(f.refers_to_id).or(f.by_post_id)
    }
}
