//! The communications calendar: every run of every activity in a window, and whether it is due,
//! running or ended on the date.

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{Asked, View, id_of, operation, some_of, window, words};
use super::status::Named;
use crate::http::operation::Operation;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::communications::{
    ActivityKind, ActivityState, ActivityStatus, CommunicationsActivity, CommunicationsAudience,
    CommunicationsChannel, CommunicationsPlan, Run, runs,
};
use crate::registers::query::has;
use crate::world::Rec;
use crate::world::collation::reference_key;
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};

/// Default number of days that the window covers after its first day.
const AHEAD_DAYS: u64 = 91;
/// The longest window, in days and in words.
const LONGEST: (i64, &str) = (731, "two years");
/// Most runs in one answer.
const MOST: usize = 10_000;

/// One run of an activity.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommunicationsCalendarEntry {
    /// The activity.
    pub activity: Named,
    /// Kind of activity.
    pub activity_kind: ActivityKind,
    /// Plan that the activity is part of; null if it is not visible to the caller.
    pub plan: Option<Named>,
    /// First day of the run.
    pub starts_on: NaiveDate,
    /// Last day of the run, included.
    pub ends_on: NaiveDate,
    /// State of the run on the date.
    pub state: ActivityState,
    /// Whether the activity recurs.
    pub recurs: bool,
    /// Channels through which it reaches people.
    #[schema(max_items = 8)]
    pub channels: Vec<CommunicationsChannel>,
    /// Intended audience.
    #[schema(max_items = 3)]
    pub audiences: Vec<CommunicationsAudience>,
    /// Unit responsible for it.
    pub owner_unit_id: Option<Uuid>,
    /// Post responsible for it.
    pub owner_post_id: Option<Uuid>,
    /// Goals served.
    #[schema(max_items = 100)]
    pub goal_ids: Vec<Uuid>,
}

/// Number of runs by state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct CommunicationsCalendarCounts {
    /// Still to come.
    pub due: u32,
    /// In progress.
    pub running: u32,
    /// Finished.
    pub ended: u32,
    /// Runs of activities that have been cancelled.
    pub cancelled: u32,
}

/// The communications calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommunicationsCalendarView {
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// First day of the window.
    pub from: NaiveDate,
    /// Last day of the window.
    pub until: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Number of runs by state.
    pub counts: CommunicationsCalendarCounts,
    /// Runs with a day in the window, ordered by first day.
    #[schema(max_items = 10_000)]
    pub items: Vec<CommunicationsCalendarEntry>,
}

impl View for CommunicationsCalendarView {
    fn fields(&self) -> Vec<Field> {
        fields_of::<CommunicationsCalendarEntry>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// The filters for activities.
struct Wanted {
    window: (NaiveDate, NaiveDate),
    plan: Option<Uuid>,
    unit: Option<Uuid>,
    goal: Option<Uuid>,
    states: Vec<ActivityState>,
    kinds: Vec<ActivityKind>,
    channels: Vec<CommunicationsChannel>,
    audiences: Vec<CommunicationsAudience>,
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Self, Problem> {
        let day = |name: &str| {
            asked
                .query
                .value::<NaiveDate>(name, "a date such as 2020-10-26")
        };
        let from = day("from")?.unwrap_or(asked.on);
        let ahead = from.checked_add_days(Days::new(AHEAD_DAYS)).unwrap_or(from);
        let until = day("until")?.unwrap_or(ahead);
        Ok(Self {
            window: window(from, until, LONGEST)?,
            plan: id_of(asked, "plan_id")?,
            unit: id_of(asked, "unit_below")?,
            goal: id_of(asked, "goal_id")?,
            states: words(asked, "state")?,
            kinds: words(asked, "activity_kind")?,
            channels: words(asked, "channel")?,
            audiences: words(asked, "audience")?,
        })
    }

    fn has(&self, asked: &Asked, a: &Rec<CommunicationsActivity>) -> bool {
        let data = &a.data;
        self.plan.is_none_or(|p| data.plan_id == p)
            && self
                .unit
                .is_none_or(|u| asked.seen.reading(asked.on).world.is_in_scope(a.meta.id, u))
            && self.goal.is_none_or(|g| has(&data.goal_ids, g))
            && (self.kinds.is_empty() || self.kinds.contains(&data.activity_kind))
            && (self.channels.is_empty() || data.channels.iter().any(|c| self.channels.contains(c)))
            && (self.audiences.is_empty()
                || data.audiences.iter().any(|c| self.audiences.contains(c)))
    }
}

fn entry(
    asked: &Asked,
    activity: &Rec<CommunicationsActivity>,
    run: Run,
) -> CommunicationsCalendarEntry {
    let data = &activity.data;
    let plan = asked.seen.get::<CommunicationsPlan>(data.plan_id);
    CommunicationsCalendarEntry {
        activity: Named::new(&activity.meta, &data.title),
        activity_kind: data.activity_kind,
        plan: plan.map(|p| Named::new(&p.meta, &p.data.title)),
        starts_on: run.starts_on,
        ends_on: run.ends_on,
        state: match data.status {
            ActivityStatus::Cancelled => ActivityState::Cancelled,
            ActivityStatus::Planned => run.state(asked.on),
        },
        recurs: data.recurrence.is_some(),
        channels: data.channels.clone(),
        audiences: data.audiences.clone(),
        owner_unit_id: data.owner_unit_id.map(Into::into),
        owner_post_id: data.owner_post_id.map(Into::into),
        goal_ids: data.goal_ids.iter().map(|id| id.uuid()).collect(),
    }
}

fn calendar(asked: &Asked) -> Result<CommunicationsCalendarView, Problem> {
    let wanted = Wanted::read(asked)?;
    let (from, until) = wanted.window;
    let mut items: Vec<CommunicationsCalendarEntry> = asked
        .seen
        .live::<CommunicationsActivity>()
        .filter(|a| wanted.has(asked, a))
        .flat_map(|a| {
            runs(&a.data, (Some(from), Some(until)))
                .into_iter()
                .map(move |r| entry(asked, a, r))
        })
        .filter(|e| wanted.states.is_empty() || wanted.states.contains(&e.state))
        .take(MOST + 1)
        .collect();
    if items.len() > MOST {
        return Err(invalid(
            "until",
            &format!("the window contains more than {MOST} runs; ask for a shorter window"),
        ));
    }
    items.sort_by_cached_key(|i| {
        let reference = reference_key(&i.activity.reference);
        (i.starts_on, i.ends_on, reference)
    });
    let mut counts = CommunicationsCalendarCounts::default();
    for item in &items {
        *match item.state {
            ActivityState::Due => &mut counts.due,
            ActivityState::Running => &mut counts.running,
            ActivityState::Ended => &mut counts.ended,
            ActivityState::Cancelled => &mut counts.cancelled,
        } += 1;
    }
    Ok(CommunicationsCalendarView {
        on: asked.on,
        from,
        until,
        journal_seq: asked.seen.seq(),
        counts,
        items,
    })
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    let day =
        |name: &str, what: &str| query(name, what, json!({ "type": "string", "format": "date" }));
    vec![
        operation(
            "/api/v1/communications/calendar",
            "getCommunicationsCalendar",
            Subject::Communications,
            calendar,
        )
        .takes([
            day(
                "from",
                "First day of the window. Defaults to the date in `on`.",
            ),
            day(
                "until",
                "Last day of the window, included. Defaults to 91 days after `from`. At most two \
                    years after `from`.",
            ),
            some_of(
                "state",
                "Only runs in these states.",
                &["due", "running", "ended", "cancelled"],
            ),
            some_of(
                "activity_kind",
                "Only activities of these kinds.",
                &["activity", "campaign"],
            ),
            some_of(
                "channel",
                "Only activities that use one of these channels.",
                &[
                    "intranet",
                    "forum",
                    "weekly_message",
                    "press",
                    "event",
                    "email",
                    "social_media",
                    "other",
                ],
            ),
            some_of(
                "audience",
                "Only activities for one of these audiences.",
                &["internal", "partners", "public"],
            ),
            id_query("plan_id", "Only activities of this plan."),
            id_query(
                "unit_below",
                "Only activities of this unit and all units below it.",
            ),
            id_query("goal_id", "Only activities that serve this goal."),
        ])
        .says(
            "Views",
            "Get the communications calendar",
            "Returns each run of each activity and campaign that has a day in the window, with \
                its first and last day, both included, and whether it is due, running or ended \
                on the date. A recurring activity has a run for each occurrence.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<CommunicationsCalendarView>(schemas);
}
