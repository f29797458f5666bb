//! Audit reviews: who looked, when, at what, and with which opinion.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{AssuranceScale, Recommendation, recommendation};
use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, in_window};
use crate::registers::links::reaches;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::date::PlannedDate;
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What sort of review it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditReviewKind {
    /// Internal audit gives an opinion on governance, risk management and control.
    Assurance,
    /// Risk and assurance review: the risks of an undertaking and how they are kept down.
    RiskAndAssurance,
    /// What became of earlier recommendations.
    FollowUp,
    /// Advice without an opinion.
    Advisory,
    /// By an external auditor.
    ExternalAudit,
    /// By an inspectorate or regulator.
    Inspection,
    Other,
}

/// An audit review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditReview {
    /// What it is called.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// The body that reviewed.
    pub body_unit_id: Uuid,
    /// What sort of review it is.
    pub review_kind: AuditReviewKind,
    /// When the work on the ground was done.
    #[serde(default)]
    pub fieldwork: PlannedDate,
    /// When it was reported; unspecified where the sources do not say.
    #[serde(default)]
    pub reported: PlannedDate,
    /// What it covered.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub scope: Option<String>,
    /// The scale that the opinion stands on.
    #[serde(default)]
    pub scale_id: Option<Uuid>,
    /// The opinion: the code of a level of the scale. Null where none was given or is known.
    #[serde(default)]
    #[schema(max_length = 60, pattern = "^[a-z][a-z0-9_]*$")]
    pub opinion: Option<String>,
    /// The opinion in words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub opinion_statement: Option<String>,
    /// The earlier reviews that it follows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub follows_ids: Vec<Uuid>,
    /// The post that led it.
    #[serde(default)]
    pub lead_post_id: Option<Uuid>,
    /// Where the report can be read (a title, a file number, an address).
    #[serde(default)]
    #[schema(max_length = 500)]
    pub document: Option<String>,
}

/// Narrows a list of audit reviews.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AuditReviewFilter {
    /// Reviews by this body.
    body_unit_id: Option<Uuid>,
    /// Reviews of these kinds.
    #[param(value_type = Option<Vec<AuditReviewKind>>, inline, explode = false)]
    review_kind: Option<Any<AuditReviewKind>>,
    /// Reviews with an opinion on this scale.
    scale_id: Option<Uuid>,
    /// Reviews with this opinion.
    #[param(max_length = 60)]
    opinion: Option<String>,
    /// Reviews without an opinion (`true`), or with one (`false`).
    without_opinion: Option<bool>,
    /// Reviews that follow this one.
    follows_id: Option<Uuid>,
    /// Reviews led by this post.
    lead_post_id: Option<Uuid>,
    /// Reviews reported on or after this day.
    reported_from: Option<chrono::NaiveDate>,
    /// Reviews reported on or before this day.
    reported_until: Option<chrono::NaiveDate>,
}

impl AuditReview {
    fn check_opinion(&self, rules: &mut Rules<'_, Self>) {
        let Some(opinion) = &self.opinion else { return };
        let Some(scale_id) = self.scale_id else {
            let detail = "an opinion stands on a scale; give scale_id, or put it in words in opinion_statement";
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
    const ABOUT: &'static str = "Audit reviews with their scope and dates, the opinion on the body's own scale, and the earlier reviews they follow. Recommendations belong to one.";
    type Computed = NothingComputed;
    type Filter = AuditReviewFilter;

    fn example() -> Value {
        json!({
            "title": "Governance of the inclusion strategy", "body_unit_id": "019abcde-0000-7000-8000-000000000001",
            "review_kind": "risk_and_assurance", "reported": { "precision": "year", "due_on": "2020-12-31", "source_text": "2020" },
            "scope": "Governance framework, performance monitoring, risk management and communications",
            "scale_id": "019abcde-0000-7000-8000-000000000001", "opinion": "limited",
            "document": "Risk and assurance review, final report"
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/body_unit_id", &["unit"], self.body_unit_id);
        links.to("/scale_id", &["assurance_scale"], self.scale_id);
        links.each(
            "/follows_ids",
            &[Self::KIND],
            self.follows_ids.iter().copied(),
        );
        links.to("/lead_post_id", &["post"], self.lead_post_id);
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
        self.check_opinion(rules);
        let (world, own) = (rules.reading.world, rules.meta.id);
        let earlier = |id| {
            world
                .get::<Self>(id)
                .map(|r| r.data.follows_ids.clone())
                .unwrap_or_default()
        };
        for (n, id) in self.follows_ids.iter().enumerate() {
            if reaches(*id, own, earlier) {
                let detail = "that review follows this one, or is this one; name an earlier review";
                rules.refuse(format!("/follows_ids/{n}"), "circle", detail);
            }
        }
        // What is marked hides its recommendations, and what controls tell of them.
        if rules
            .before
            .is_some_and(|b| b.meta.marking != rules.meta.marking)
        {
            for r in world.pointing::<Recommendation>(own) {
                recommendation::tell_controls(rules, r.meta.id);
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
    fn text(&self) -> Vec<&str> {
        [&self.scope, &self.opinion_statement, &self.document]
            .into_iter()
            .filter_map(Option::as_deref)
            .chain([self.title.as_str()])
            .collect()
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
            && is_some(&f.lead_post_id, &review.lead_post_id)
            && in_window(review.reported.due_on, (f.reported_from, f.reported_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.follows_id
            .or(f.body_unit_id)
            .or(f.lead_post_id)
            .or(f.scale_id)
    }
}
