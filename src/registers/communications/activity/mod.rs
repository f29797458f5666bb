//! Activities and campaigns: channels, audiences, owner, goals, first and last day, and recurrence.

pub mod evaluation;
pub mod run;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed};
use crate::registers::communications::activity::run::{ActivityState, Run, runs, state};
use crate::registers::communications::{
    CampaignEvaluation, CommunicationsPlan, CommunicationsPlanId,
};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::recurrence;
use crate::registers::recurrence::RecurrenceRule;
use crate::registers::strategy::GoalId;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Course, Dated, Days, Deadline, Progress, When, overlap};
use crate::world::record::word;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Kind of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActivityKind {
    /// A single or regular activity, such as a weekly message or an article.
    Activity,
    /// A campaign on one theme.
    Campaign,
}

/// Channel through which people are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CommunicationsChannel {
    /// The organisation's internal website.
    Intranet,
    /// A discussion forum.
    Forum,
    /// A message sent out every week.
    WeeklyMessage,
    /// Newspapers, broadcasters and other news media.
    Press,
    /// An event that people attend.
    Event,
    /// A message by email.
    Email,
    /// Posts on social networks.
    SocialMedia,
    /// Any other channel.
    Other,
}

/// Intended audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CommunicationsAudience {
    /// The organisation's own staff.
    Internal,
    /// Partners and stakeholders.
    Partners,
    /// Members of the public.
    Public,
}

/// Whether it is planned to take place. Whether it is due, running or ended follows from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActivityStatus {
    /// It is planned to take place on its dates.
    #[default]
    Planned,
    /// It will not take place.
    Cancelled,
}

/// Id of a communications activity.
pub type CommunicationsActivityId = Id<CommunicationsActivity>;

/// An activity or a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommunicationsActivity {
    /// The plan it belongs to. Cannot be changed.
    pub plan_id: CommunicationsPlanId,
    /// Kind of activity.
    pub activity_kind: ActivityKind,
    /// Title.
    pub title: Text<200, 1>,
    /// Channels used, each listed once.
    #[schema(min_items = 1, max_items = 8)]
    pub channels: Vec<CommunicationsChannel>,
    /// Intended audiences, each listed once.
    #[schema(min_items = 1, max_items = 3)]
    pub audiences: Vec<CommunicationsAudience>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit responsible for it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Goals it serves. An activity that serves no goal is reported as a gap.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub goal_ids: Vec<GoalId>,
    /// First day, included.
    pub starts_on: NaiveDate,
    /// Last day, included: a campaign that ends on 31 October is still running on 31 October. If
    /// the activity recurs, the last day of its first run.
    pub ends_on: NaiveDate,
    /// A recurrence rule as in RFC 5545, without `RRULE:`. The first run starts on `starts_on`, and
    /// each run lasts as long as the first.
    #[serde(default)]
    pub recurrence: Option<RecurrenceRule>,
    /// Whether it is planned to take place. A cancelled activity can be planned again.
    #[serde(default)]
    pub status: ActivityStatus,
    /// Text.
    #[serde(default)]
    pub messages: Option<Text<4000>>,
}

/// Narrows a list of activities.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CommunicationsActivityFilter {
    /// Only activities of this plan.
    plan_id: Option<CommunicationsPlanId>,
    /// Only activities of these kinds.
    #[param(value_type = Option<Vec<ActivityKind>>, inline, explode = false)]
    activity_kind: Option<Any<ActivityKind>>,
    /// Only activities that use one of these channels.
    #[param(value_type = Option<Vec<CommunicationsChannel>>, inline, explode = false)]
    channel: Option<Any<CommunicationsChannel>>,
    /// Only activities intended for one of these audiences.
    #[param(value_type = Option<Vec<CommunicationsAudience>>, inline, explode = false)]
    audience: Option<Any<CommunicationsAudience>>,
    /// Only activities owned by this post.
    owner_post_id: Option<PostId>,
    /// Only activities owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only activities of this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only activities that serve this goal.
    goal_id: Option<GoalId>,
    /// Only activities in these statuses.
    #[param(value_type = Option<Vec<ActivityStatus>>, inline, explode = false)]
    status: Option<Any<ActivityStatus>>,
    /// Only activities in these states today: due, running, ended or cancelled.
    #[param(value_type = Option<Vec<ActivityState>>, inline, explode = false)]
    state: Option<Any<ActivityState>>,
    /// Only activities that have been evaluated (`true`), or that have not (`false`).
    evaluated: Option<bool>,
    /// Only activities with a run on or after this day.
    runs_from: Option<NaiveDate>,
    /// Only activities with a run on or before this day.
    runs_until: Option<NaiveDate>,
}

/// Maximum length of a run, in days. Anything longer is not an activity.
const LONGEST_DAYS: i64 = 3_660;

impl CommunicationsActivity {
    /// A run must end before the next one starts: otherwise nobody can say which run an evaluation
    /// is about, or when the activity is over.
    fn check_overlap(&self, rules: &mut Rules<'_, Self>) {
        let all = runs(self, (None, None));
        let clash = all
            .iter()
            .zip(all.iter().skip(1))
            .find(|(run, next)| run.ends_on >= next.starts_on);
        if let Some((run, next)) = clash {
            let detail = format!(
                "the run from {} would not be over when the next one starts on {}; give an earlier \
                    day, or a longer interval in recurrence",
                run.starts_on, next.starts_on
            );
            rules.refuse("/ends_on", "overlap", detail);
        }
    }
}

impl Resource for CommunicationsActivity {
    const KIND: &'static str = "communications_activity";
    const PATH: &'static str = "communications-activities";
    const PREFIX: &'static str = "CMA";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Activities and campaigns of a communications plan, from first to \
        last day, both included, once or recurring. Whether an activity is due, running or ended \
        follows from its dates.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::Communications];
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
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(
            self.owner_unit_id
                .map(Uuid::from)
                .into_iter()
                .chain(self.owner_post_id.map(Uuid::from)),
        )
        .and_within([self.plan_id])
    }
    // S35
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/plan_id",
            |a| a.plan_id,
            "cancel this activity and create another",
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
            "must not be more than ten years after starts_on; use an earlier date or a recurrence",
        );
        let fault = self
            .recurrence
            .as_ref()
            .and_then(|rule| recurrence::fault(rule, Some(self.starts_on), None));
        if let Some(detail) = fault {
            rules.refuse("/recurrence", "recurrence", detail);
        } else {
            self.check_overlap(rules);
        }
        let of_plan = rules
            .reading
            .world
            .get::<CommunicationsPlan>(self.plan_id)
            .map(|p| p.data.active_days());
        rules.require(
            of_plan.is_none_or(|days| overlap(days, (Some(self.starts_on), None))),
            "/starts_on",
            "date_order",
            "must not be after the end of the plan; give an earlier day or extend the plan",
        );
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, window: Days) -> Vec<Dated<'a>> {
        let data = &record.data;
        let progress = match data.status {
            ActivityStatus::Planned => Progress::Lasting,
            ActivityStatus::Cancelled => Progress::GivenUp,
        };
        let date = |run: Run| {
            let days = When::between(Some(run.starts_on), Some(run.ends_on));
            let deadline = Deadline::new(progress, days);
            Dated {
                occurrence: data.recurrence.as_ref().map(|_| run.starts_on),
                ..Dated::new(CalendarEntryKind::Communications, Course::Run, deadline)
            }
        };
        runs(data, window).into_iter().map(date).collect()
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
            .map(Uuid::from)
            .or(f.owner_unit_id.map(Uuid::from))
            .or(f.owner_post_id.map(Uuid::from))
            .or(f.goal_id.map(Uuid::from))
    }
}

/// Refuses a list that contains the same value twice.
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
                format!("repeats {}; remove it", word(value)),
            );
        }
    }
}
