//! The filters for lists of work-plan items.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{ItemCarry, ItemKind, ItemStatus, WorkPlanItem};
use crate::registers::checks::{asked, in_window};
use crate::registers::governance::BoardId;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::{Allocation, PlanId, Rag, WorkPlanItemId};
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::settings::in_force;
use crate::registers::strategy::GoalId;
use crate::world::{Reading, Rec};

/// Filters for a list of work-plan items.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct WorkPlanItemFilter {
    /// Only items in this plan.
    plan_id: Option<PlanId>,
    /// Only items directly below this one.
    parent_id: Option<WorkPlanItemId>,
    /// Only items of these kinds.
    #[param(value_type = Option<Vec<ItemKind>>, inline, explode = false)]
    item_kind: Option<Any<ItemKind>>,
    /// Only items that serve this goal.
    goal_id: Option<GoalId>,
    /// Only items that serve no goal (`true`), or only those that serve at least one (`false`).
    without_goal: Option<bool>,
    /// Only items that this unit is responsible for.
    responsible_unit_id: Option<UnitId>,
    /// Only items that this unit or a unit below it is responsible for.
    unit_below: Option<UnitId>,
    /// Only items led by this post.
    lead_post_id: Option<PostId>,
    /// Only items without a lead post (`true`), or only those with one (`false`).
    without_lead: Option<bool>,
    /// Only items that this board allocated to a unit.
    board_id: Option<BoardId>,
    /// Only items that a board allocated to this unit.
    allocated_unit_id: Option<UnitId>,
    /// Only items in any of these statuses.
    #[param(value_type = Option<Vec<ItemStatus>>, inline, explode = false)]
    status: Option<Any<ItemStatus>>,
    /// Only items with any of these RAG ratings, as declared by the lead.
    #[param(value_type = Option<Vec<Rag>>, inline, explode = false)]
    declared_rag: Option<Any<Rag>>,
    /// Only items due on or after this date.
    due_from: Option<NaiveDate>,
    /// Only items due on or before this date.
    due_until: Option<NaiveDate>,
    /// Only items still open after their deadline (`true`), or all others (`false`). The first
    /// deadline applies to an item deferred without a date.
    overdue: Option<bool>,
    /// Only items without a deadline (`true`), or only those with one (`false`).
    without_deadline: Option<bool>,
    /// Only items whose deadline has been changed (`true`), or only those whose deadline has never
    /// been changed (`false`).
    deadline_changed: Option<bool>,
    /// Only items whose latest progress update or deadline change is before this date, or that
    /// have neither.
    no_update_since: Option<NaiveDate>,
    /// Only open items that have gone longer without an update or deadline change than the settings
    /// allow (`true`), or all others (`false`).
    stale: Option<bool>,
    /// Only items that carry forward this item of an earlier plan.
    carried_from_item_id: Option<WorkPlanItemId>,
    /// Only items of a refreshed plan that were carried forward in any of these ways.
    #[param(value_type = Option<Vec<ItemCarry>>, inline, explode = false)]
    carry: Option<Any<ItemCarry>>,
}

impl WorkPlanItemFilter {
    /// The cheapest checks come first, because a list may hold a hundred thousand items.
    pub(super) fn matches(&self, r: &Rec<WorkPlanItem>, reading: Reading<'_>) -> bool {
        let item = &r.data;
        is(&self.plan_id, &item.plan_id)
            && is_some(&self.parent_id, &item.parent_id)
            && any(&self.item_kind, &item.item_kind)
            && is_some(&self.responsible_unit_id, &item.responsible_unit_id)
            && is_some(&self.lead_post_id, &item.lead_post_id)
            && asked(self.without_lead, || item.lead_post_id.is_none())
            && any(&self.status, &item.status)
            && any(&self.declared_rag, &item.declared_rag)
            && in_window(item.deadline.due_on, (self.due_from, self.due_until))
            && asked(self.overdue, || r.due().is_overdue(reading.on))
            && asked(self.without_deadline, || item.deadline.due_on.is_none())
            && asked(self.deadline_changed, || r.computed.deadline_changes > 0)
            && self
                .no_update_since
                .is_none_or(|d| r.last_heard_on().is_none_or(|u| u < d))
            && asked(self.stale, || {
                let most = in_force(reading.world).stale_after_days;
                r.stale_days(reading.on, most).is_some()
            })
            && is_some(&self.carried_from_item_id, &item.carried_from_item_id)
            && (self.carry.is_none() || item.carry.is_some_and(|c| any(&self.carry, &c)))
            && asked(self.without_goal, || item.goals.is_empty())
            && self
                .goal_id
                .is_none_or(|g| item.goals.iter().any(|s| s.goal_id == g))
            && self.is_in_units_of(item, reading)
            && self.is_allocated(r, reading)
    }

    fn is_in_units_of(&self, item: &WorkPlanItem, reading: Reading<'_>) -> bool {
        let below = |top| {
            item.responsible_unit_id
                .is_some_and(|unit| reading.world.is_in_scope(unit, top))
        };
        self.unit_below.is_none_or(below)
    }

    fn is_allocated(&self, r: &Rec<WorkPlanItem>, reading: Reading<'_>) -> bool {
        (self.board_id.is_none() && self.allocated_unit_id.is_none())
            || reading.pointing::<Allocation>(r.meta.id).any(|a| {
                is(&self.board_id, &a.data.board_id.uuid())
                    && is(&self.allocated_unit_id, &a.data.unit_id.uuid())
            })
    }

    /// The most selective record id among the filters.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.parent_id
            .map(Uuid::from)
            .or(self.carried_from_item_id.map(Uuid::from))
            .or(self.lead_post_id.map(Uuid::from))
            .or(self.goal_id.map(Uuid::from))
            .or(self.responsible_unit_id.map(Uuid::from))
            .or(self.plan_id.map(Uuid::from))
    }
}
