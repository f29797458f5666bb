//! How a list of work-plan items is narrowed.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{ItemCarry, ItemKind, ItemStatus, WorkPlanItem};
use crate::registers::checks::{asked, in_window};
use crate::registers::plan::{Allocation, Rag};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Reading, Rec};

/// Narrows a list of work-plan items.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct WorkPlanItemFilter {
    /// Items of this plan.
    plan_id: Option<Uuid>,
    /// Items directly below this one.
    parent_id: Option<Uuid>,
    /// Items of these kinds.
    #[param(value_type = Option<Vec<ItemKind>>, inline, explode = false)]
    item_kind: Option<Any<ItemKind>>,
    /// Items that serve this goal.
    goal_id: Option<Uuid>,
    /// Items that serve no goal (`true`), or at least one (`false`).
    without_goal: Option<bool>,
    /// Items that this unit is responsible for.
    responsible_unit_id: Option<Uuid>,
    /// Items that this unit, or one below it, is responsible for.
    unit_below: Option<Uuid>,
    /// Items that this post leads.
    lead_post_id: Option<Uuid>,
    /// Items that no post leads (`true`), or that one does (`false`).
    without_lead: Option<bool>,
    /// Items that this board gave to a unit.
    board_id: Option<Uuid>,
    /// Items that a board gave to this unit.
    allocated_unit_id: Option<Uuid>,
    /// Items in any of these statuses.
    #[param(value_type = Option<Vec<ItemStatus>>, inline, explode = false)]
    status: Option<Any<ItemStatus>>,
    /// Items rated by their lead in any of these colours.
    #[param(value_type = Option<Vec<Rag>>, inline, explode = false)]
    declared_rag: Option<Any<Rag>>,
    /// Items due on or after this day.
    due_from: Option<NaiveDate>,
    /// Items due on or before this day.
    due_until: Option<NaiveDate>,
    /// Items still open though their deadline has passed (`true`), or all others (`false`). What was put off to no date is judged by
    /// its first deadline.
    overdue: Option<bool>,
    /// Items without a deadline (`true`), or with one (`false`).
    without_deadline: Option<bool>,
    /// Items whose deadline has been changed (`true`), or never was (`false`).
    deadline_changed: Option<bool>,
    /// Items whose latest progress update lies before this day, or that have none.
    no_update_since: Option<NaiveDate>,
    /// Items that carry this one of an earlier plan forward.
    carried_from_item_id: Option<Uuid>,
    /// Items of a refreshed plan that were carried in any of these ways.
    #[param(value_type = Option<Vec<ItemCarry>>, inline, explode = false)]
    carry: Option<Any<ItemCarry>>,
}

impl WorkPlanItemFilter {
    /// What costs least is asked first: a list may hold a hundred thousand items.
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
            && asked(self.overdue, || r.is_overdue(reading.on))
            && asked(self.without_deadline, || item.deadline.due_on.is_none())
            && asked(self.deadline_changed, || r.computed.deadline_changes > 0)
            && self
                .no_update_since
                .is_none_or(|d| r.computed.last_update_on.is_none_or(|u| u < d))
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
                is(&self.board_id, &a.data.board_id) && is(&self.allocated_unit_id, &a.data.unit_id)
            })
    }

    /// The narrowest of the links asked for.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.parent_id
            .or(self.carried_from_item_id)
            .or(self.lead_post_id)
            .or(self.goal_id)
            .or(self.responsible_unit_id)
            .or(self.plan_id)
    }
}
