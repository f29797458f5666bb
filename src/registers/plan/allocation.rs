//! Allocations: which board gave a work-plan item to which unit, and when.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::others;
use crate::registers::organisation::UnitId;
use crate::registers::plan::is_of_plan;
use crate::registers::plan::{PlanId, WorkPlanItemId};
use crate::registers::query::is;
use crate::world::blank::OptionalText;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// A board's decision to give an item to a unit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Allocation {
    /// Item that is allocated.
    pub item_id: WorkPlanItemId,
    /// Board that allocates the item and holds the unit to account for it.
    pub board_id: BoardId,
    /// Unit the item is allocated to.
    pub unit_id: UnitId,
    /// Date of the decision, if known.
    #[serde(default)]
    pub allocated_on: Option<NaiveDate>,
    /// Where the decision is recorded ("Minutes of 29 June 2020, item 4").
    #[serde(default)]
    pub minute_reference: Option<Text<300, 1>>,
}

/// Filters for a list of allocations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AllocationFilter {
    /// Only allocations of this item.
    item_id: Option<WorkPlanItemId>,
    /// Only allocations of items in this plan.
    plan_id: Option<PlanId>,
    /// Only allocations by this board.
    board_id: Option<BoardId>,
    /// Only allocations to this unit.
    unit_id: Option<UnitId>,
    /// Only allocations to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only allocations without a minute reference (`true`), or only those with one (`false`).
    without_minute: Option<bool>,
    /// Only allocations decided on or after this date.
    allocated_from: Option<NaiveDate>,
    /// Only allocations decided on or before this date.
    allocated_until: Option<NaiveDate>,
}

impl Resource for Allocation {
    const KIND: &'static str = "allocation";
    const PATH: &'static str = "allocations";
    const PREFIX: &'static str = "ALC";
    const SUBJECT: Subject = Subject::Plan;
    const ABOUT: &'static str = "Which board gave a work-plan item to which unit: what the board \
        holds the unit to account for. An item can be allocated to a unit only once. Withdraw \
        the allocation to end it.";
    type Computed = NothingComputed;
    type Filter = AllocationFilter;

    fn example() -> Value {
        json!({
            "item_id": "019abcde-0000-7000-8000-000000000001", "board_id": "019abcde-0000-7000-8000-000000000001",
            "unit_id": "019abcde-0000-7000-8000-000000000001", "allocated_on": "2020-06-29",
            "minute_reference": "Minutes of 29 June 2020, item 4"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.item_id])
    }
    // S13
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this allocation and record a new one";
        fixed(rules, self, "/item_id", |a| a.item_id, remedy);
        fixed(rules, self, "/board_id", |a| a.board_id, remedy);
        fixed(rules, self, "/unit_id", |a| a.unit_id, remedy);
        not_in_future(rules, "/allocated_on", self.allocated_on);
        if let Some(twin) =
            others(rules, self.item_id.uuid()).find(|a| a.data.unit_id == self.unit_id)
        {
            let detail = format!(
                "{} already allocates the item to this unit; withdraw that allocation first",
                twin.meta.reference
            );
            rules.refuse("/unit_id", "duplicate", detail);
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "allocated_on",
            key: |r| Key::from(r.data.allocated_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.item_id, &r.data.item_id)
            && is(&f.board_id, &r.data.board_id)
            && is(&f.unit_id, &r.data.unit_id)
            && asked(f.without_minute, || r.data.minute_reference.is_unsaid())
            && in_window(r.data.allocated_on, (f.allocated_from, f.allocated_until))
            && is_of_plan(reading, r.data.item_id, f.plan_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.data.unit_id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.item_id
            .map(Uuid::from)
            .or(f.unit_id.map(Uuid::from))
            .or(f.board_id.map(Uuid::from))
    }
}
