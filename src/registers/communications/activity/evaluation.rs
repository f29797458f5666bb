//! Evaluations: what an activity or campaign reached and what was learnt. They are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::communications::plan::CommunicationsPlanId;
use crate::registers::communications::{CommunicationsActivity, CommunicationsActivityId};
use crate::registers::organisation::PostId;
use crate::registers::query::{is, is_some};
use crate::world::blank::OptionalText;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Evaluation of what an activity reached and what was learnt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CampaignEvaluation {
    /// The activity or campaign.
    pub activity_id: CommunicationsActivityId,
    /// Date of the evaluation.
    pub evaluated_on: NaiveDate,
    /// The post that made it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Who it reached, in words. One of `reach`, `people_reached` and `learnt` is required.
    #[serde(default)]
    pub reach: Option<Text<2000>>,
    /// Number of people reached.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub people_reached: Option<u32>,
    /// What was learnt.
    #[serde(default)]
    pub learnt: Option<Text<4000, 1>>,
    /// How it was measured.
    #[serde(default)]
    pub measures: Option<Text<2000>>,
    /// What supports it. Without this, the evaluation is only a claim.
    #[serde(default)]
    pub evidence: Option<Text<2000>>,
}

/// Narrows a list of evaluations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CampaignEvaluationFilter {
    /// Only evaluations of this activity.
    activity_id: Option<CommunicationsActivityId>,
    /// Only evaluations of activities in this plan.
    plan_id: Option<CommunicationsPlanId>,
    /// Only evaluations made by this post.
    by_post_id: Option<PostId>,
    /// Only evaluations with evidence (`true`), or without (`false`).
    is_evidenced: Option<bool>,
    /// Only evaluations made on or after this date.
    evaluated_from: Option<NaiveDate>,
    /// Only evaluations made on or before this date.
    evaluated_until: Option<NaiveDate>,
}

impl Resource for CampaignEvaluation {
    const KIND: &'static str = "campaign_evaluation";
    const PATH: &'static str = "campaign-evaluations";
    const PREFIX: &'static str = "EVA";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "What activities and campaigns reached, how it was measured, and \
        what was learnt. Evaluations are never changed: a later one corrects an earlier one.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = CampaignEvaluationFilter;

    fn example() -> Value {
        json!({
            "activity_id": "019abcde-0000-7000-8000-000000000001",
            "evaluated_on": "2020-10-19",
            "by_post_id": "019abcde-0000-7000-8000-000000000002",
            "reach": "Readers of the intranet page during the week",
            "people_reached": 4200,
            "learnt": "Short films were read more than articles",
            "measures": "Page views",
            "evidence": "Intranet statistics, week 40"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.activity_id])
    }
    // S35
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/evaluated_on", Some(self.evaluated_on));
        rules.require(
            self.reach.is_some() || self.people_reached.is_some() || self.learnt.is_some(),
            "/reach",
            "required",
            "an evaluation needs content; give reach, people_reached or learnt",
        );
        let activity = rules
            .reading
            .world
            .get::<CommunicationsActivity>(self.activity_id);
        let starts_on = activity
            .filter(|_| rules.before.is_none())
            .map(|a| a.data.starts_on);
        rules.in_order(
            starts_on,
            Some(self.evaluated_on),
            "/evaluated_on",
            "the start of the activity",
        );
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "evaluated_on",
            key: |r| Key::from(Some(r.data.evaluated_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let e = &r.data;
        let of_plan = |plan| {
            let activity = reading.world.get::<CommunicationsActivity>(e.activity_id);
            activity.is_some_and(|a| a.data.plan_id == plan)
        };
        is(&f.activity_id, &e.activity_id)
            && f.plan_id.is_none_or(of_plan)
            && is_some(&f.by_post_id, &e.by_post_id)
            && asked(f.is_evidenced, || !e.evidence.is_unsaid())
            && in_window(Some(e.evaluated_on), (f.evaluated_from, f.evaluated_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.activity_id
            .map(Uuid::from)
            .or(f.by_post_id.map(Uuid::from))
    }
}
