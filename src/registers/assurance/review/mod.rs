//! Audit reviews: reviewing body, dates, scope and opinion.

pub mod scale;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::assurance::controls::tell_controls;
use crate::registers::assurance::{AssuranceScale, AssuranceScaleId};
use crate::registers::checks::{asked, distinct, in_window};
use crate::registers::links::reaches;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::date::PlannedDate;
use crate::world::id::Target;
use crate::world::text::CodeWord;
use crate::world::{
    Id, KeptBy, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// Kind of review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AuditReviewKind {
    /// Internal audit review with an opinion on governance, risk management and control.
    Assurance,
    /// Risk and assurance review: the risks of a piece of work and how they are mitigated.
    RiskAndAssurance,
    /// Follow-up of earlier recommendations.
    #[strum(message = "Follow-up")]
    FollowUp,
    /// Advice without an opinion.
    Advisory,
    /// Review by an external auditor.
    ExternalAudit,
    /// Review by an inspectorate or regulator.
    Inspection,
    /// Any other kind of review.
    Other,
}

/// Id of an audit review.
pub type AuditReviewId = Id<AuditReview>;

/// A record that a review is about.
#[derive(Debug)]
pub enum ReviewSubject {}

impl Target for ReviewSubject {
    const KINDS: &'static str = "strategy|plan|board";
}

/// Id of such a record.
pub type ReviewSubjectId = Id<ReviewSubject>;

/// An audit review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditReview {
    /// Title.
    pub title: Text<300, 1>,
    /// Body that carried out the review.
    pub body_unit_id: UnitId,
    /// Kind of review.
    pub review_kind: AuditReviewKind,
    /// When the fieldwork was done.
    #[serde(default)]
    pub fieldwork: PlannedDate,
    /// When the report was issued; unspecified if the sources do not say.
    #[serde(default)]
    pub reported: PlannedDate,
    /// Scope of the review.
    #[serde(default)]
    pub scope: Option<Text<4000>>,
    /// Strategies, plans and boards that it reviews. Its recommendations count in their status.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub subject_ids: Vec<ReviewSubjectId>,
    /// The assurance scale used for the opinion.
    #[serde(default)]
    pub scale_id: Option<AssuranceScaleId>,
    /// The opinion, as the code of a level on the scale. Null if none was given or it is not known.
    #[serde(default)]
    pub opinion: Option<CodeWord<60>>,
    /// The opinion in words.
    #[serde(default)]
    pub opinion_statement: Option<Text<2000>>,
    /// Earlier reviews that it follows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub follows_ids: Vec<AuditReviewId>,
    /// Post that led the review.
    #[serde(default)]
    pub lead_post_id: Option<PostId>,
    /// Where to find the report (a title, a file number, an address).
    #[serde(default)]
    pub document: Option<Text<500>>,
    /// Who keeps the full record.
    #[serde(default)]
    pub kept_by: KeptBy,
}

/// Narrows a list of audit reviews.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AuditReviewFilter {
    /// Only reviews by this body.
    body_unit_id: Option<UnitId>,
    /// Only reviews of these kinds.
    #[param(value_type = Option<Vec<AuditReviewKind>>, inline, explode = false)]
    review_kind: Option<Any<AuditReviewKind>>,
    /// Only reviews with an opinion on this scale.
    scale_id: Option<AssuranceScaleId>,
    /// Only reviews with this opinion.
    opinion: Option<Text<60>>,
    /// Only reviews without an opinion (`true`), or with one (`false`).
    without_opinion: Option<bool>,
    /// Only reviews of this strategy, plan or board.
    subject_id: Option<ReviewSubjectId>,
    /// Only reviews that follow this one.
    follows_id: Option<AuditReviewId>,
    /// Only reviews led by this post.
    lead_post_id: Option<PostId>,
    /// Only reviews reported on or after this day.
    reported_from: Option<chrono::NaiveDate>,
    /// Only reviews reported on or before this day.
    reported_until: Option<chrono::NaiveDate>,
}

impl AuditReview {
    fn check_opinion(&self, rules: &mut Rules<'_, Self>) {
        let Some(opinion) = &self.opinion else { return };
        let Some(scale_id) = self.scale_id else {
            let detail = "an opinion needs a scale; give scale_id, or describe the opinion in \
                opinion_statement";
            rules.refuse("/scale_id", "required", detail);
            return;
        };
        let scale = rules.reading.world.get::<AssuranceScale>(scale_id);
        if let Some(scale) = scale.filter(|s| s.data.level(opinion).is_none()) {
            let codes: Vec<&str> = scale.data.levels.iter().map(|l| l.code.as_str()).collect();
            let detail = format!(
                "must be a level of {}: {}",
                scale.meta.reference,
                codes.join(", ")
            );
            rules.refuse("/opinion", "unknown", detail);
        }
    }
}

impl Resource for AuditReview {
    const KIND: &'static str = "audit_review";
    const PATH: &'static str = "audit-reviews";
    const PREFIX: &'static str = "ARV";
    const SUBJECT: Subject = Subject::Assurance;
    const ABOUT: &'static str = "Audit reviews with their scope and dates, the opinion on the \
        body's own scale, and the earlier reviews that they follow. Every recommendation belongs \
        to a review.";
    type Computed = NothingComputed;
    type Filter = AuditReviewFilter;

    fn example() -> Value {
        json!({
            "title": "Governance of the inclusion strategy", "body_unit_id": "019abcde-0000-7000-8000-000000000001",
            "review_kind": "risk_and_assurance", "reported": { "precision": "year", "due_on": "2020-12-31", "source_text": "2020" },
            "scope": "Governance framework, performance monitoring, risk management and \
                communications",
            "scale_id": "019abcde-0000-7000-8000-000000000001", "opinion": "limited",
            "document": "Risk and assurance review, final report"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn kept_by(&self) -> KeptBy {
        self.kept_by
    }
    fn place(&self) -> Place {
        Place::owned([self.body_unit_id])
    }
    fn normalise(&mut self) {
        self.fieldwork.normalise();
        self.reported.normalise();
    }
    // S23
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.planned("/fieldwork", &self.fieldwork);
        rules.planned("/reported", &self.reported);
        rules.in_order(
            self.fieldwork.from_on,
            self.reported.due_on,
            "/reported/due_on",
            "the fieldwork",
        );
        distinct(rules, "/follows_ids", &self.follows_ids);
        distinct(rules, "/subject_ids", &self.subject_ids);
        self.check_opinion(rules);
        let (world, own) = (rules.reading.world, rules.meta.id);
        let earlier = |id: Uuid| {
            world
                .get::<Self>(id)
                .map(|r| r.data.follows_ids.iter().map(|id| id.uuid()).collect())
                .unwrap_or_default()
        };
        for (n, id) in self.follows_ids.iter().enumerate() {
            if reaches(id.uuid(), own, earlier) {
                let detail = "must not be this review or one that follows it; name an earlier \
                    review";
                rules.refuse(format!("/follows_ids/{n}"), "circle", detail);
            }
        }
        // The marking decides whether the review's recommendations are visible, and so what
        // controls show about them.
        if rules
            .before
            .is_some_and(|b| b.meta.marking != rules.meta.marking)
        {
            for r in world.pointing_to(own) {
                tell_controls(rules, r.meta().id);
            }
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "reported_on",
                key: |r| Key::from(r.data.reported.due_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        let review = &r.data;
        is(&f.body_unit_id, &review.body_unit_id)
            && any(&f.review_kind, &review.review_kind)
            && is_some(&f.scale_id, &review.scale_id)
            && is_some(&f.opinion, &review.opinion)
            && asked(f.without_opinion, || review.opinion.is_none())
            && f.follows_id
                .is_none_or(|id| review.follows_ids.contains(&id))
            && f.subject_id
                .is_none_or(|id| review.subject_ids.contains(&id))
            && is_some(&f.lead_post_id, &review.lead_post_id)
            && in_window(review.reported.due_on, (f.reported_from, f.reported_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.follows_id
            .map(Uuid::from)
            .or(f.subject_id.map(Uuid::from))
            .or(f.body_unit_id.map(Uuid::from))
            .or(f.lead_post_id.map(Uuid::from))
            .or(f.scale_id.map(Uuid::from))
    }
}
