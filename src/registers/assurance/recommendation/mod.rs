//! Recommendations of audit reviews: the finding, what is recommended, the deadline, and the state
//! on three axes that are never merged.

mod checks;
pub mod closure;
pub mod extension;
mod filter;
pub mod link;
pub mod response;
mod state;
mod timeliness;
pub mod update;
pub mod verification;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

pub use filter::RecommendationFilter;
pub use state::{
    RecommendationClosureState, RecommendationComputed, RecommendationImplementation,
    RecommendationVerification,
};
pub use timeliness::Timeliness;

use super::RecommendationExtension;
use crate::policy::Subject;
use crate::registers::assurance::AuditReviewId;
use crate::registers::assurance::controls::tell_controls;
use crate::registers::checks::{distinct, fixed};
use crate::registers::links::{counts, others};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::WorkPlanItemId;
use crate::registers::strategy::GoalId;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::PlannedDate;
use crate::world::dates::{Dated, Days, Deadline};
use crate::world::id::{Mention, Target};
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Priority given by internal audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationPriority {
    /// Highest priority, above high.
    Critical,
    /// Priority below critical and above medium.
    High,
    /// Priority below high and above low.
    Medium,
    /// Lowest priority of a recommendation that is more than advice.
    Low,
    /// Good practice; nothing depends on it.
    Advisory,
}

/// Id of a recommendation.
pub type RecommendationId = Id<Recommendation>;

/// A recommendation of an audit review. Its state follows from other records and is never set here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The review that makes it. Cannot be changed.
    pub review_id: AuditReviewId,
    /// Number within the review.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10_000)]
    pub number: Option<u32>,
    /// Title in one line.
    pub title: Text<300, 1>,
    /// What the auditors found.
    #[serde(default)]
    pub finding: Option<Text<8000, 1>>,
    /// What the auditors recommend. A recommendation has this text, a finding or both; if either is
    /// missing, that is reported as a gap.
    #[serde(default)]
    pub recommendation: Option<Text<8000, 1>>,
    /// Priority given by internal audit; null if the sources do not say, which is reported as a
    /// gap.
    #[serde(default)]
    pub priority: Option<RecommendationPriority>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit responsible for it. Contributors of this unit report its progress.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Deadline for implementation. It can be set here once; after that, only an extension moves
    /// it.
    #[serde(default)]
    pub deadline: PlannedDate,
    /// Goals it relates to.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub goal_ids: Vec<GoalId>,
    /// Work-plan items it relates to.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub item_ids: Vec<WorkPlanItemId>,
    /// Records that show whether it is done, such as a measure with its target, a representation
    /// target or a document. A claim of implementation is compared with each.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub shown_by_ids: Vec<ShownById>,
}

/// A record that may show that a recommendation is implemented.
#[derive(Debug)]
pub enum ShownBy {}

impl Target for ShownBy {
    const KINDS: &'static str = "measure|representation_target|document|document_version|\
        terms_of_reference|dashboard|plan|work_plan_item|strategy_version";
}

/// Id of such a record. It is only mentioned: what is to show a claim can be withdrawn, and then
/// shows nothing.
pub type ShownById = Id<Mention<ShownBy>>;

impl Recommendation {
    /// S24: the first deadline never changes, and every later deadline has an approver and a
    /// reason.
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
            "has already been set; to move the deadline, record the new one with its approver and \
                reason with POST /api/v1/recommendation-extensions",
        );
        // The deadline is that of the last extension, or else the first one, even after an
        // extension was withdrawn or restored.
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
        let twin = others(rules, self.review_id.uuid())
            .find(|r| r.data.review_id == self.review_id && r.data.number == Some(number));
        if let Some(twin) = twin {
            let detail = format!(
                "is already used by {} in this review; give another number",
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
    const ABOUT: &'static str = "Recommendations of audit reviews. Three separate axes follow \
        from other records: implementation is what management reports (recommendation-updates), \
        verification is what audit confirms (verifications), and closure is how the \
        recommendation was closed (recommendation-closures). A deadline can be set here once. \
        Its first value is kept permanently, and it can be moved only with POST \
        /api/v1/recommendation-extensions.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::RecommendationDeadline];
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
    fn title(&self) -> Option<&str> {
        Some(&self.title)
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
            "give the recommendation, the finding or both",
        );
        distinct(rules, "/goal_ids", &self.goal_ids);
        distinct(rules, "/item_ids", &self.item_ids);
        distinct(rules, "/shown_by_ids", &self.shown_by_ids);
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
    fn deadline<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Deadline<'a> {
        record.deadline_on(reading.on)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let deadline = Self::deadline(record, reading);
        vec![Dated::due(
            CalendarEntryKind::RecommendationDeadline,
            deadline,
        )]
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
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        f.matches(r, reading)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.pivot()
    }
}
