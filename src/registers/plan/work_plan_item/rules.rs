//! The rules of work-plan items.

use ItemStatus as S;
use serde_json::json;
use uuid::Uuid;

use super::{ItemCarry, ItemStatus, WorkPlanItem};
use crate::registers::checks::{fixed, not_in_future};
use crate::registers::links::{no_repeats, others, reaches};
use crate::registers::plan::waits::awaited;
use crate::registers::plan::{DeadlineChange, Plan, WorkPlanItemId};
use crate::world::Rules;
use crate::world::blank::OptionalText;

const TRANSITIONS: &[(S, &[S])] = &[
    (
        S::NotStarted,
        &[
            S::InProgress,
            S::OnHold,
            S::Complete,
            S::Cancelled,
            S::Superseded,
        ],
    ),
    (
        S::InProgress,
        &[
            S::NotStarted,
            S::OnHold,
            S::Complete,
            S::Cancelled,
            S::Superseded,
        ],
    ),
    (
        S::OnHold,
        &[
            S::NotStarted,
            S::InProgress,
            S::Complete,
            S::Cancelled,
            S::Superseded,
        ],
    ),
    // An item that turns out not to be complete is reopened.
    (S::Complete, &[S::InProgress, S::OnHold, S::Superseded]),
    (
        S::Cancelled,
        &[S::NotStarted, S::InProgress, S::OnHold, S::Superseded],
    ),
];

pub(super) fn check(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    rules.transition(
        "/status",
        rules.before.map(|b| b.data.status),
        item.status,
        TRANSITIONS,
    );
    rules.require(
        (item.status == S::Complete) == item.completed_on.is_some(),
        "/completed_on",
        "required",
        "is required for a complete item and not allowed for any other; change it together with \
            status",
    );
    rules.require(
        item.carry != Some(ItemCarry::Dropped) || item.status == S::Cancelled,
        "/status",
        "dropped",
        "must be cancelled for an item that the refresh dropped; set status to cancelled, or \
            carry to changed",
    );
    rules.planned("/start", &item.start);
    rules.planned("/deadline", &item.deadline);
    if rules.following {
        keep_to_changes(item, rules);
        return;
    }
    not_in_future(rules, "/completed_on", item.completed_on);
    if let (Some(start), Some(completed)) = (item.start.from_on, item.completed_on)
        && completed < start
    {
        let detail = format!("must not be before the start ({start}); correct this day or start");
        rules.refuse("/completed_on", "date_order", detail);
    }
    rules.in_order(
        item.start.from_on,
        item.deadline.due_on,
        "/deadline/due_on",
        "the start",
    );
    deadline(item, rules);
    tree(item, rules);
    lists(item, rules);
    carry(item, rules);
}

/// S12: the first deadline never changes. Every later one has an approver and a reason.
fn deadline(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let moved = rules
        .before
        .is_some_and(|b| b.computed.first_deadline.is_some() && b.data.deadline != item.deadline);
    rules.require(
        !moved,
        "/deadline",
        "use_deadline_change",
        "is already set; to move it, record the new deadline, its approver and the reason with \
            POST /api/v1/deadline-changes",
    );
}

/// Keeps the deadline equal to that of the last change, or to the first deadline if there is no
/// change. This also applies after a change was withdrawn or restored.
fn keep_to_changes(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let Some(first) = rules
        .before
        .and_then(|b| b.computed.first_deadline.as_ref())
    else {
        return;
    };
    let changes = rules
        .reading
        .world
        .pointing::<DeadlineChange>(rules.meta.id);
    let last = changes.max_by_key(|c| (c.data.decided_on, c.meta.created_at, c.meta.id));
    let due = last.map_or(first, |c| &c.data.to);
    if *due != item.deadline {
        rules.follow_up(rules.meta.id, json!({ "deadline": due }));
    }
}

fn tree(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let remedy = "record an item in the other plan, with carried_from_item_id if that plan \
        refreshes this one";
    fixed(rules, item, "/plan_id", |i| i.plan_id, remedy);
    let parent = item
        .parent_id
        .and_then(|id| rules.reading.world.get::<WorkPlanItem>(id));
    rules.require(
        parent.is_none_or(|p| p.data.plan_id == item.plan_id),
        "/parent_id",
        "other_plan",
        "must be an item of the same plan",
    );
    rules.no_circle("/parent_id", item.parent_id, |i| i.parent_id);
    let (reading, id) = (rules.reading, rules.meta.id);
    let waits =
        |parent: WorkPlanItemId| reaches(id, parent.uuid(), |at| awaited(reading, at, Uuid::nil()));
    let is_new = rules
        .before
        .is_none_or(|b| b.data.parent_id != item.parent_id);
    rules.require(
        !(is_new && item.parent_id.is_some_and(waits)),
        "/parent_id",
        "circle",
        "must not be an item that this one waits for, directly or indirectly: an item is complete \
            only once its parts are; drop the dependency or choose another parent",
    );
}

fn lists(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    no_repeats(
        rules,
        "/goals",
        "goal_id",
        item.goals.iter().map(|g| Some(g.goal_id)),
    );
    no_repeats(
        rules,
        "/partners",
        "unit_id",
        item.partners.iter().map(|p| p.unit_id),
    );
    for (n, partner) in item.partners.iter().enumerate() {
        if partner.unit_id.is_some() == partner.name.is_some() {
            let detail = "give either unit_id or, if the partner is not recorded as a unit, name, \
                but not both";
            rules.refuse(format!("/partners/{n}/name"), "one_of", detail);
        }
    }
}

/// S8: a refresh carries items forward one by one and records what became of each.
fn carry(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let Some(from) = item.carried_from_item_id else {
        let none = item.carry.is_none() && item.carry_reason.is_none();
        let detail = "is only allowed with carried_from_item_id; name that item, or leave out \
            carry and carry_reason";
        rules.require(none, "/carry", "not_allowed", detail);
        return;
    };
    let Some(carry) = item.carry else {
        rules.refuse(
            "/carry",
            "required",
            "is required with carried_from_item_id; set it to carried, changed or dropped",
        );
        return;
    };
    rules.require(
        carry == ItemCarry::Carried || !item.carry_reason.is_unsaid(),
        "/carry_reason",
        "required",
        "is required if the item was changed or dropped; give the reason",
    );
    let world = rules.reading.world;
    let refreshed = world
        .get::<Plan>(item.plan_id)
        .and_then(|p| p.data.predecessor_id);
    let origin = world.get::<WorkPlanItem>(from).map(|i| i.data.plan_id);
    rules.require(
        origin.is_some() && origin == refreshed,
        "/carried_from_item_id",
        "other_plan",
        "must be an item of the plan that this item's plan refreshes; set predecessor_id of this \
            item's plan first, or name another item",
    );
    let may_share = |c: Option<ItemCarry>| c == Some(ItemCarry::Changed);
    let twin = others(rules, from.uuid())
        .filter(|i| i.data.carried_from_item_id == Some(from) && i.data.plan_id == item.plan_id)
        .find(|i| !may_share(item.carry) || !may_share(i.data.carry));
    if let Some(twin) = twin {
        let detail = format!(
            "{} already carries it forward; change that item, or set carry to changed on both if \
                one item became two",
            twin.meta.reference
        );
        rules.refuse("/carried_from_item_id", "duplicate", detail);
    }
}
