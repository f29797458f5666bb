//! Work-plan items: what is to be done, how, by whom, by when, and which goals it serves.

pub mod deadline_change;
mod filter;
mod parts;
pub mod progress_update;
mod rules;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use filter::WorkPlanItemFilter;
pub use parts::{
    ItemCarry, ItemKind, ItemMeasure, ItemPartner, ItemStatus, QuantifiedTarget, ServedGoal,
};

use super::{DeadlineChange, ProgressUpdate, Rag};
use crate::policy::Subject;
use crate::registers::links::counts;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::PlanId;
use crate::world::calendar::day_of;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::{PlannedDate, Precision};
use crate::world::dates::{Course, Dated, Days, Deadline, Progress};
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Id of a work plan item.
pub type WorkPlanItemId = Id<WorkPlanItem>;

/// An item of a delivery plan. Its status, RAG rating and percentage are as declared by its lead.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkPlanItem {
    /// The plan it belongs to.
    pub plan_id: PlanId,
    /// Kind of item.
    pub item_kind: ItemKind,
    /// The item it is part of, in the same plan.
    #[serde(default)]
    pub parent_id: Option<WorkPlanItemId>,
    /// Title of the item, in one line.
    pub title: Text<300, 1>,
    /// What is to be done.
    #[serde(default)]
    pub what: Option<Text<4000>>,
    /// How it is to be done.
    #[serde(default)]
    pub how: Option<Text<4000>>,
    /// What will be different once it is done.
    #[serde(default)]
    pub intended_outcome: Option<Text<2000>>,
    /// How success will be measured.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub measures: Vec<ItemMeasure>,
    /// The post that leads it.
    #[serde(default)]
    pub lead_post_id: Option<PostId>,
    /// Unit responsible for it. The unit's contributors keep the item up to date.
    #[serde(default)]
    pub responsible_unit_id: Option<UnitId>,
    /// Others who help to deliver it.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub partners: Vec<ItemPartner>,
    /// External source that gave rise to it (a regulator's report, a tribunal).
    #[serde(default)]
    pub external_source: Option<Text<500>>,
    /// The risks to its delivery, in brief.
    #[serde(default)]
    pub risk_summary: Option<Text<2000>>,
    /// Goals served.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub goals: Vec<ServedGoal>,
    /// Numerical target, if there is one.
    #[serde(default)]
    pub quantified_target: Option<QuantifiedTarget>,
    /// When it is due to start.
    #[serde(default)]
    pub start: PlannedDate,
    /// When it is due to be done. It can be set here once; after that it moves only through a
    /// deadline change.
    #[serde(default)]
    pub deadline: PlannedDate,
    /// Current status.
    #[serde(default)]
    pub status: ItemStatus,
    /// Date it was completed. Required once it is completed, and not allowed before.
    #[serde(default)]
    pub completed_on: Option<NaiveDate>,
    /// RAG rating declared by its lead.
    #[serde(default)]
    pub declared_rag: Rag,
    /// Percentage done as declared by its lead, from 0 to 100.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub percent_complete: Option<u8>,
    /// Item of the previous plan that continues in this one.
    #[serde(default)]
    pub carried_from_item_id: Option<WorkPlanItemId>,
    /// What became of that item. Required with `carried_from_item_id`.
    #[serde(default)]
    pub carry: Option<ItemCarry>,
    /// Why it was changed or dropped. Required in those two cases.
    #[serde(default)]
    pub carry_reason: Option<Text<2000, 1>>,
}

/// Values computed by the service for an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkPlanItemComputed {
    /// The first deadline ever set. It never changes.
    #[serde(default)]
    #[schema(required)]
    pub first_deadline: Option<PlannedDate>,
    /// Number of times the deadline has been changed.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub deadline_changes: u32,
    /// Number of days from the first deadline to the current one. Negative if it was brought
    /// forward; null if either has no date.
    #[serde(default)]
    #[schema(required)]
    pub deadline_moved_days: Option<i64>,
    /// Number of progress updates.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub update_count: u32,
    /// Date of the latest progress update.
    #[serde(default)]
    #[schema(required)]
    pub last_update_on: Option<NaiveDate>,
    /// Date of the latest progress update or deadline change.
    #[serde(default)]
    #[schema(required)]
    pub last_heard_on: Option<NaiveDate>,
}

impl Rec<WorkPlanItem> {
    /// Until when it is to be done, and whether it is.
    #[must_use]
    pub fn due(&self) -> Deadline<'_> {
        let first = self.computed.first_deadline.as_ref();
        Deadline::new(self.data.status.progress(), &self.data.deadline)
            .first_on(first.and_then(|d| d.due_on))
            .done_on(self.data.completed_on)
    }

    /// Date on which it was last heard of: an update or a deadline change. None if never.
    #[must_use]
    pub fn last_heard_on(&self) -> Option<NaiveDate> {
        // Items recorded by earlier builds may lack the computed date.
        self.computed
            .last_heard_on
            .max(self.computed.last_update_on)
    }

    /// Days since an open item was last heard of, if there are more than `most`. If it never was,
    /// its planned start counts, and otherwise the date it was recorded.
    #[must_use]
    pub fn stale_days(&self, on: NaiveDate, most: i64) -> Option<i64> {
        let last = self
            .last_heard_on()
            .or(self.data.start.from_on)
            .unwrap_or_else(|| day_of(self.meta.created_at));
        let days = (on - last).num_days();
        (!self.data.status.is_closed() && days > most).then_some(days)
    }
}

impl Resource for WorkPlanItem {
    const KIND: &'static str = "work_plan_item";
    const PATH: &'static str = "work-plan-items";
    const PREFIX: &'static str = "WPI";
    const SUBJECT: Subject = Subject::PlanItem;
    const ABOUT: &'static str = "Items of delivery plans: strands, projects, pilots, deliverables \
        and activities. Status, RAG rating and percentage are declared by the lead, here or in a \
        progress update. A deadline can be set here once. Its first value is kept permanently, \
        and it moves only through POST /api/v1/deadline-changes.";
    const DATES: &'static [CalendarEntryKind] = &[
        CalendarEntryKind::ItemStart,
        CalendarEntryKind::ItemDeadline,
    ];
    type Computed = WorkPlanItemComputed;
    type Filter = WorkPlanItemFilter;

    fn example() -> Value {
        json!({
            "plan_id": "019abcde-0000-7000-8000-000000000001", "item_kind": "project", "title": "Inclusion training for leaders",
            "what": "An inclusion segment of the leadership programme", "how": "Written with Human Resources, given in each business group",
            "intended_outcome": "Leaders notice and act on unfair treatment",
            "measures": [{ "name": "Leaders trained", "target": "10,000 by the end of 2018" }],
            "responsible_unit_id": "019abcde-0000-7000-8000-000000000001", "partners": [{ "name": "A university" }],
            "goals": [{ "goal_id": "019abcde-0000-7000-8000-000000000001", "rationale": "Fair treatment begins with line managers" }],
            "quantified_target": { "population": "officers and staff", "target": 10000, "unit": "people trained" },
            "deadline": { "precision": "month", "due_on": "2020-11-30", "source_text": "November 2020" },
            "status": "in_progress", "declared_rag": "amber", "percent_complete": 40
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.responsible_unit_id)
            .and_within([self.plan_id])
            .and_within(self.parent_id)
    }
    fn normalise(&mut self) {
        self.start.normalise();
        self.deadline.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules::check(self, rules);
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        let own =
            (self.deadline.precision != Precision::Unspecified).then(|| self.deadline.clone());
        let first_deadline = before
            .and_then(|b| b.computed.first_deadline.clone())
            .or(own);
        let first_due = first_deadline.as_ref().and_then(|d| d.due_on);
        let mut computed = WorkPlanItemComputed {
            deadline_moved_days: first_due
                .zip(self.deadline.due_on)
                .map(|(first, now)| (now - first).num_days()),
            first_deadline,
            ..WorkPlanItemComputed::default()
        };
        // Collects parts of every kind in one pass over the records that link to the item.
        let sources = reading
            .world
            .pointing_to(meta.id)
            .filter(|r| reading.is_live(r.as_ref()));
        for source in sources.filter(|r| counts(meta, r.meta())) {
            if let Some(update) = source.as_any().downcast_ref::<Rec<ProgressUpdate>>() {
                computed.update_count += 1;
                computed.last_update_on = computed.last_update_on.max(Some(update.data.made_on));
            } else if let Some(change) = source.as_any().downcast_ref::<Rec<DeadlineChange>>() {
                computed.deadline_changes += 1;
                computed.last_heard_on = computed.last_heard_on.max(Some(change.data.decided_on));
            }
        }
        computed.last_heard_on = computed.last_heard_on.max(computed.last_update_on);
        computed
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        record.due()
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let begun = match record.data.status {
            ItemStatus::NotStarted => Progress::Open,
            status if status.progress() == Progress::GivenUp => Progress::GivenUp,
            _ => Progress::Done,
        };
        let start = Deadline::new(begun, &record.data.start);
        vec![
            Dated::new(CalendarEntryKind::ItemStart, Course::Start, start),
            Dated::due(CalendarEntryKind::ItemDeadline, record.due()),
        ]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "due_on",
                key: |r| Key::from(r.data.deadline.due_on),
            },
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "last_update_on",
                key: |r| Key::from(r.computed.last_update_on),
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
