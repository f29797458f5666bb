//! Activities and campaigns: channel, audience, owner, goal, inclusive dates and recurrence.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::run::{ActivityState, runs, state};
use super::{CampaignEvaluation, CommunicationsPlan};
use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed, overlap};
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::recurrence;
use crate::world::record::word;
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What sort of activity it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A single or a regular activity: a weekly message, an article.
    Activity,
    /// A campaign on one theme.
    Campaign,
}

/// By what way it reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommunicationsChannel {
    Intranet,
    /// A discussion forum.
    Forum,
    WeeklyMessage,
    Press,
    Event,
    Email,
    SocialMedia,
    Other,
}

/// Whom it is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommunicationsAudience {
    /// The organisation's own people.
    Internal,
    /// Partners and stakeholders.
    Partners,
    Public,
}

/// Whether it is to take place. Whether it is due, running or over follows from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityStatus {
    #[default]
    Planned,
    Cancelled,
}

/// An activity or a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommunicationsActivity {
    /// The plan that it is part of. Cannot change.
    pub plan_id: Uuid,
    /// What sort of activity it is.
    pub activity_kind: ActivityKind,
    /// Its title.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// The ways in which it reaches people, each once.
    #[schema(min_items = 1, max_items = 8)]
    pub channels: Vec<CommunicationsChannel>,
    /// Whom it is meant for, each once.
    #[schema(min_items = 1, max_items = 3)]
    pub audiences: Vec<CommunicationsAudience>,
    /// The post that answers for it.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// The unit that answers for it.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// The goals that it serves. One that serves none is a gap.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub goal_ids: Vec<Uuid>,
    /// First day, included.
    pub starts_on: NaiveDate,
    /// Last day, included: a campaign to 31 October still runs on 31 October. Where it recurs, the last day of its first run.
    pub ends_on: NaiveDate,
    /// A recurrence rule of RFC 5545 without `RRULE:`; its first day is `starts_on`, and each run lasts as long as the first.
    #[serde(default)]
    #[schema(
        min_length = 6,
        max_length = 200,
        example = "FREQ=WEEKLY;UNTIL=20201231"
    )]
    pub recurrence: Option<String>,
    /// Whether it is to take place. One that was cancelled can be planned again.
    #[serde(default)]
    pub status: ActivityStatus,
    /// What it says.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub messages: Option<String>,
}

/// Narrows a list of activities.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CommunicationsActivityFilter {
    /// Activities of this plan.
    plan_id: Option<Uuid>,
    /// Activities of these sorts.
    #[param(value_type = Option<Vec<ActivityKind>>, inline, explode = false)]
    activity_kind: Option<Any<ActivityKind>>,
    /// Activities that use one of these channels.
    #[param(value_type = Option<Vec<CommunicationsChannel>>, inline, explode = false)]
    channel: Option<Any<CommunicationsChannel>>,
    /// Activities that are meant for one of these audiences.
    #[param(value_type = Option<Vec<CommunicationsAudience>>, inline, explode = false)]
    audience: Option<Any<CommunicationsAudience>>,
    /// Activities that this post answers for.
    owner_post_id: Option<Uuid>,
    /// Activities that this unit answers for.
    owner_unit_id: Option<Uuid>,
    /// Activities of this unit and of all units below it.
    unit_below: Option<Uuid>,
    /// Activities that serve this goal.
    goal_id: Option<Uuid>,
    /// Activities in these statuses.
    #[param(value_type = Option<Vec<ActivityStatus>>, inline, explode = false)]
    status: Option<Any<ActivityStatus>>,
    /// Activities that stand like this today: due, running, ended or cancelled.
    #[param(value_type = Option<Vec<ActivityState>>, inline, explode = false)]
    state: Option<Any<ActivityState>>,
    /// Whether the activity was evaluated.
    evaluated: Option<bool>,
    /// Activities with a run on or after this day.
    runs_from: Option<NaiveDate>,
    /// Activities with a run on or before this day.
    runs_until: Option<NaiveDate>,
}

/// The longest run, in days: nothing that lasts longer is an activity.
const LONGEST_DAYS: i64 = 3_660;

impl Resource for CommunicationsActivity {
    const KIND: &'static str = "communications_activity";
    const PATH: &'static str = "communications-activities";
    const PREFIX: &'static str = "CMA";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Activities and campaigns of a communications plan, from their first to their last day, both included, once or again and again. Whether one is due, running or over follows from its dates.";
    type Computed = NothingComputed;
    type Filter = CommunicationsActivityFilter;

    fn example() -> Value {
        json!({
            "plan_id": "019abcde-0000-7000-8000-000000000001",
            "activity_kind": "campaign",
            "title": "National Inclusion Week",
            "channels": ["intranet", "weekly_message"],
            "audiences": ["internal", "partners"],
            "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "goal_ids": ["019abcde-0000-7000-8000-000000000003"],
            "starts_on": "2020-09-28",
            "ends_on": "2020-10-04",
            "status": "planned"
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/plan_id", &["communications_plan"], self.plan_id);
        links.to("/owner_post_id", &["post"], self.owner_post_id);
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.each("/goal_ids", &["goal"], self.goal_ids.iter().copied());
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id.into_iter().chain(self.owner_post_id))
            .and_within([self.plan_id])
    }
    // S35
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/plan_id",
            |a| a.plan_id,
            "cancel this activity and make another",
        );
        distinct(rules, "/goal_ids", &self.goal_ids);
        once(rules, "/channels", &self.channels);
        once(rules, "/audiences", &self.audiences);
        rules.in_order(
            Some(self.starts_on),
            Some(self.ends_on),
            "/ends_on",
            "starts_on",
        );
        rules.require(
            (self.ends_on - self.starts_on).num_days() < LONGEST_DAYS,
            "/ends_on",
            "too_long",
            "lies more than ten years after starts_on; end it sooner or let it recur",
        );
        let fault = self
            .recurrence
            .as_ref()
            .and_then(|rule| recurrence::fault(rule, Some(self.starts_on), None));
        if let Some(detail) = fault {
            rules.refuse("/recurrence", "recurrence", detail);
        }
        let of_plan = rules
            .reading
            .world
            .get::<CommunicationsPlan>(self.plan_id)
            .map(|p| p.data.days());
        rules.require(
            of_plan.is_none_or(|days| overlap(days, (Some(self.starts_on), None))),
            "/starts_on",
            "date_order",
            "lies after the end of the plan; give an earlier day or lengthen the plan",
        );
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "starts_on",
                key: |r| Key::from(Some(r.data.starts_on)),
            },
        ]
    }
    fn text(&self) -> Vec<&str> {
        vec![&self.title, self.messages.as_deref().unwrap_or_default()]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let a = &r.data;
        let window = (f.runs_from, f.runs_until);
        is(&f.plan_id, &a.plan_id)
            && any(&f.activity_kind, &a.activity_kind)
            && f.channel
                .as_ref()
                .is_none_or(|w| a.channels.iter().any(|c| w.has(c)))
            && f.audience
                .as_ref()
                .is_none_or(|w| a.audiences.iter().any(|c| w.has(c)))
            && is_some(&f.owner_post_id, &a.owner_post_id)
            && is_some(&f.owner_unit_id, &a.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && f.goal_id.is_none_or(|g| a.goal_ids.contains(&g))
            && any(&f.status, &a.status)
            && f.state
                .as_ref()
                .is_none_or(|w| w.has(&state(a, reading.on)))
            && asked(f.evaluated, || {
                reading
                    .pointing::<CampaignEvaluation>(r.meta.id)
                    .next()
                    .is_some()
            })
            && (window == (None, None) || !runs(a, window).is_empty())
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.plan_id
            .or(f.owner_unit_id)
            .or(f.owner_post_id)
            .or(f.goal_id)
    }
}

/// Refuses a list that names the same word twice.
fn once<T: PartialEq + Serialize>(
    rules: &mut Rules<'_, CommunicationsActivity>,
    pointer: &str,
    words: &[T],
) {
    for (n, value) in words.iter().enumerate() {
        if words.iter().take(n).any(|w| w == value) {
            rules.refuse(
                format!("{pointer}/{n}"),
                "duplicate",
                format!("names {} again; remove it", word(value)),
            );
        }
    }
}
