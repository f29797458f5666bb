//! Recommendations of audit reviews: what was found, what is asked for, by when, and where it stands on three axes that are never merged.

mod filter;
mod state;
mod timeliness;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use filter::RecommendationFilter;
pub use state::{
    RecommendationClosureState, RecommendationComputed, RecommendationImplementation,
    RecommendationVerification,
};
pub use timeliness::Timeliness;

pub(super) use state::claimed_by;

use super::RecommendationExtension;
use crate::policy::Subject;
use crate::registers::checks::{distinct, fixed};
use crate::registers::links::{counts, others};
use crate::registers::risk::Control;
use crate::world::date::PlannedDate;
use crate::world::{Key, Links, Meta, Place, Reading, Rec, Resource, Rules, Sort};

/// How much an auditor minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecommendationPriority {
    Critical,
    High,
    Medium,
    Low,
    /// Good practice; nothing depends on it.
    Advisory,
}

/// A recommendation of an audit review. Where it stands follows from what is recorded about it and is never set here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The review that makes it. Cannot change.
    pub review_id: Uuid,
    /// Its number in the review.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub number: Option<u32>,
    /// It in a line.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// What the auditors found.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 8000)]
    pub finding: Option<String>,
    /// What they recommend. A recommendation has this, a finding or both; one that is missing is a gap.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 8000)]
    pub recommendation: Option<String>,
    /// How much they mind; null where the sources do not say, which is a gap.
    #[serde(default)]
    pub priority: Option<RecommendationPriority>,
    /// The post that answers for it.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// The unit that answers for it: its contributors say how far it has come.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// When it is to be implemented. It can be set here once; from then on it moves by an extension only.
    #[serde(default)]
    pub deadline: PlannedDate,
    /// The goals it bears on.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub goal_ids: Vec<Uuid>,
    /// The work-plan items it bears on.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub item_ids: Vec<Uuid>,
}

/// Has the controls that carry out a recommendation computed anew.
pub(super) fn tell_controls<R: Resource>(rules: &mut Rules<'_, R>, recommendation: Uuid) {
    for control in rules.reading.world.pointing::<Control>(recommendation) {
        rules.follow_up(control.meta.id, json!({}));
    }
}

impl Recommendation {
    /// S24: the first deadline never changes, and every later one has an approver and a reason.
    fn check_deadline(&self, rules: &mut Rules<'_, Self>) {
        rules.planned("/deadline", &self.deadline);
        let Some(before) = rules.before else { return };
        let Some(first) = &before.computed.first_deadline else {
            return;
        };
        let moved = before.data.deadline != self.deadline;
        rules.require(
            rules.following || !moved,
            "/deadline",
            "use_extension",
            "the deadline is set; to move it, record who approved the new one and why with POST /api/v1/recommendation-extensions",
        );
        // It is that of the last extension, or the first: also after an extension was withdrawn or restored.
        let extensions = rules
            .reading
            .world
            .pointing::<RecommendationExtension>(rules.meta.id);
        let last = extensions
            .filter(|e| counts(rules.meta, &e.meta))
            .max_by_key(|e| (e.data.approved_on, e.meta.created_at, e.meta.id));
        let due = last.map_or(first, |e| &e.data.to);
        if *due != self.deadline && (rules.following || !moved) {
            rules.follow_up(rules.meta.id, json!({ "deadline": due }));
        }
    }

    fn check_number(&self, rules: &mut Rules<'_, Self>) {
        let Some(number) = self.number else { return };
        let twin = others(rules, self.review_id)
            .find(|r| r.data.review_id == self.review_id && r.data.number == Some(number));
        if let Some(twin) = twin {
            let detail = format!(
                "{} has this number in the review; give another",
                twin.meta.reference
            );
            rules.refuse("/number", "duplicate", detail);
        }
    }
}

impl Resource for Recommendation {
    const KIND: &'static str = "recommendation";
    const PATH: &'static str = "recommendations";
    const PREFIX: &'static str = "REC";
    const SUBJECT: Subject = Subject::Assurance;
    const ABOUT: &'static str = "Recommendations of audit reviews. Three axes stand side by side and follow from other records: implementation is what management reports (recommendation-updates), verification what audit finds (verifications), closure how it ended (recommendation-closures). A deadline can be set here once; its first value is kept for good, and it moves only by POST /api/v1/recommendation-extensions.";
    type Computed = RecommendationComputed;
    type Filter = RecommendationFilter;

    fn example() -> Value {
        json!({
            "review_id": "019abcde-0000-7000-8000-000000000001", "number": 2, "title": "Accountabilities of both boards",
            "finding": "Two boards share aim and objectives without documented terms of reference",
            "recommendation": "Agree terms of reference that set the two apart", "priority": "high",
            "owner_post_id": "019abcde-0000-7000-8000-000000000001", "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "deadline": { "precision": "month", "due_on": "2020-11-30", "source_text": "November 2020" }
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/review_id", &["audit_review"], self.review_id);
        links.to("/owner_post_id", &["post"], self.owner_post_id);
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.each("/goal_ids", &["goal"], self.goal_ids.iter().copied());
        links.each(
            "/item_ids",
            &["work_plan_item"],
            self.item_ids.iter().copied(),
        );
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id).and_within([self.review_id])
    }
    fn normalise(&mut self) {
        self.deadline.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        self.check_deadline(rules);
        tell_controls(rules, rules.meta.id);
        if rules.following {
            return;
        }
        let remedy = "record it under the other review and close this one as superseded";
        fixed(rules, self, "/review_id", |r| r.review_id, remedy);
        rules.require(
            self.finding.is_some() || self.recommendation.is_some(),
            "/recommendation",
            "required",
            "say what is recommended, what was found, or both",
        );
        distinct(rules, "/goal_ids", &self.goal_ids);
        distinct(rules, "/item_ids", &self.item_ids);
        self.check_number(rules);
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        RecommendationComputed::of(self, reading.world, meta, before)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "number",
                key: |r| Key::from(r.data.number.map(i64::from)),
            },
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "due_on",
                key: |r| Key::from(r.data.deadline.due_on),
            },
            Sort {
                name: "claimed_on",
                key: |r| Key::from(r.computed.claimed_on),
            },
            Sort {
                name: "latest_update_on",
                key: |r| Key::from(r.computed.latest_update_on),
            },
        ]
    }
    fn text(&self) -> Vec<&str> {
        [
            &self.finding,
            &self.recommendation,
            &self.deadline.source_text,
        ]
        .into_iter()
        .filter_map(Option::as_deref)
        .chain([self.title.as_str()])
        .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        f.matches(r, reading)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.pivot()
    }
}
