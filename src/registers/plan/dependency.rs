//! Dependencies: what a work-plan item waits for.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::links::{others, reaches};
use crate::registers::plan::is_of_plan;
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::PlannedDate;
use crate::world::dates::{Dated, Days, Deadline, Progress};
use crate::world::id::Target;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Whether the item is still waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DependencyStatus {
    /// The item is waiting.
    #[default]
    Open,
    /// The item has what it was waiting for.
    Met,
    /// The item no longer needs it.
    Dropped,
}

/// Something that a work-plan item waits for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// Item that is waiting.
    pub item_id: WorkPlanItemId,
    /// Record it waits for: another item, a plan, a strategy, a strategy version, a goal, a
    /// cross-reference, a strategy review, a board or terms of reference. Give either this or
    /// `on_other`.
    #[serde(default)]
    pub on_id: Option<AwaitedId>,
    /// What it waits for if that is not recorded in the service: a system, an outside event.
    #[serde(default)]
    pub on_other: Option<Text<300, 1>>,
    /// What exactly is needed.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// When it is needed.
    #[serde(default)]
    pub needed_by: PlannedDate,
    /// Whether the item is still waiting.
    #[serde(default)]
    pub status: DependencyStatus,
    /// Date it was met, if known. Only allowed for a dependency that is met.
    #[serde(default)]
    pub met_on: Option<NaiveDate>,
}

/// Filters for a list of dependencies.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DependencyFilter {
    /// Only dependencies of this item.
    item_id: Option<WorkPlanItemId>,
    /// Only dependencies on this record.
    on_id: Option<AwaitedId>,
    /// Only dependencies of items in this plan.
    plan_id: Option<PlanId>,
    /// Only dependencies of items that belong to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only dependencies in any of these statuses.
    #[param(value_type = Option<Vec<DependencyStatus>>, inline, explode = false)]
    status: Option<Any<DependencyStatus>>,
    /// Only dependencies needed on or after this date.
    due_from: Option<NaiveDate>,
    /// Only dependencies needed on or before this date.
    due_until: Option<NaiveDate>,
    /// Only open dependencies whose needed-by date has passed (`true`), or all others (`false`).
    overdue: Option<bool>,
}

/// A record that an item may wait for.
#[derive(Debug)]
pub enum Awaited {}

impl Target for Awaited {
    const KINDS: &'static str = "work_plan_item|plan|strategy|strategy_version|goal|\
        cross_reference|strategy_review|board|terms_of_reference";
}

/// Id of such a record.
pub type AwaitedId = Id<Awaited>;

use crate::registers::organisation::UnitId;
use crate::registers::plan::PlanId;
use crate::registers::plan::waits::awaited;
use crate::registers::plan::{WorkPlanItem, WorkPlanItemId};
use DependencyStatus as S;

const TRANSITIONS: &[(S, &[S])] = &[
    (S::Open, &[S::Met, S::Dropped]),
    (S::Met, &[S::Open]),
    (S::Dropped, &[S::Open]),
];

impl Dependency {
    fn repeats(&self, other: &Self) -> bool {
        let same_text = match (&self.on_other, &other.on_other) {
            (Some(one), Some(other)) => same_name(one, other),
            (one, other) => one == other,
        };
        self.item_id == other.item_id && self.on_id == other.on_id && same_text
    }

    /// S14: an item that waits for itself, directly or indirectly, can never be done.
    fn check_circle(&self, rules: &mut Rules<'_, Self>) {
        let (reading, own) = (rules.reading, rules.meta.id);
        let Some(on) = self.on_id else { return };
        if on == self.item_id.uuid() {
            rules.refuse(
                "/on_id",
                "self_reference",
                "must not be the item that waits; name a different record",
            );
        } else if self.status == S::Open
            && reaches(on.uuid(), self.item_id.uuid(), |at| {
                awaited(reading, at, own)
            })
        {
            let detail = "names a record that already waits for this item, directly or \
                indirectly (an item also waits for the items that are part of it); drop one of the \
                dependencies between them";
            rules.refuse("/on_id", "circle", detail);
        }
    }
}

impl Resource for Dependency {
    const KIND: &'static str = "dependency";
    const PATH: &'static str = "dependencies";
    const PREFIX: &'static str = "DEP";
    const SUBJECT: Subject = Subject::Plan;
    const ABOUT: &'static str = "What work-plan items wait for: each other, a refresh of the \
        strategy, a board, or something that is not recorded in the service. Items cannot wait \
        for each other in a circle.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::DependencyNeeded];
    type Computed = NothingComputed;
    type Filter = DependencyFilter;

    fn example() -> Value {
        json!({
            "item_id": "019abcde-0000-7000-8000-000000000001", "on_id": "019abcde-0000-7000-8000-000000000002",
            "description": "The boards' responsibilities are settled by the refresh of the \
                strategy",
            "needed_by": { "precision": "month", "due_on": "2020-11-30" }
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.item_id])
    }
    fn normalise(&mut self) {
        self.needed_by.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this dependency and record a new one";
        fixed(rules, self, "/item_id", |d| d.item_id, remedy);
        fixed(rules, self, "/on_id", |d| d.on_id, remedy);
        rules.require(
            self.on_id.is_some() != self.on_other.is_some(),
            "/on_id",
            "one_of",
            "give either on_id or, if what the item waits for is not recorded in the service, \
                on_other, but not both",
        );
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            TRANSITIONS,
        );
        rules.planned("/needed_by", &self.needed_by);
        rules.require(
            self.met_on.is_none() || self.status == S::Met,
            "/met_on",
            "not_allowed",
            "is only allowed for a dependency that is met; set status to met, or leave it out",
        );
        not_in_future(rules, "/met_on", self.met_on);
        if self.status == S::Dropped {
            return;
        }
        self.check_circle(rules);
        let twin = others(rules, self.item_id.uuid())
            .find(|d| d.data.status != S::Dropped && d.data.repeats(self));
        if let Some(twin) = twin {
            let detail = format!(
                "{} records the same; change that one instead",
                twin.meta.reference
            );
            rules.refuse("/on_id", "duplicate", detail);
        }
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            S::Open => Progress::Open,
            S::Met => Progress::Done,
            S::Dropped => Progress::GivenUp,
        };
        Deadline::new(progress, &record.data.needed_by).done_on(record.data.met_on)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let deadline = Self::deadline(record, reading);
        vec![Dated::due(CalendarEntryKind::DependencyNeeded, deadline)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let data = &record.data;
        let item = reading
            .title_of::<WorkPlanItem>(data.item_id)
            .unwrap_or_default();
        match data.on_other.as_deref().or(data.description.as_deref()) {
            Some(what) => format!("{what}, for {item}").into(),
            None => format!("for {item}").into(),
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "due_on",
            key: |r| Key::from(r.data.needed_by.due_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.item_id, &r.data.item_id)
            && is_some(&f.on_id, &r.data.on_id)
            && any(&f.status, &r.data.status)
            && in_window(r.data.needed_by.due_on, (f.due_from, f.due_until))
            && asked(f.overdue, || {
                Self::deadline(r, reading).is_overdue(reading.on)
            })
            && is_of_plan(reading, r.data.item_id, f.plan_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.data.item_id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.item_id.map(Uuid::from).or(f.on_id.map(Uuid::from))
    }
}
