//! The rules of work-plan items.

use serde_json::json;

use super::{ItemCarry, ItemStatus, WorkPlanItem};
use crate::registers::checks::{fixed, not_in_future};
use crate::registers::links::{no_repeats, others};
use crate::registers::plan::{DeadlineChange, Plan};
use crate::world::Rules;

use ItemStatus as S;

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
    // What turns out not to be done is taken up again.
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
        "is needed for a complete item and for no other; give or remove it together with the status",
    );
    rules.require(
        item.carry != Some(ItemCarry::Dropped) || item.status == S::Cancelled,
        "/status",
        "dropped",
        "an item that the refresh dropped is cancelled; set the status to cancelled, or carry to changed",
    );
    rules.planned("/start", &item.start);
    rules.planned("/deadline", &item.deadline);
    if rules.following {
        keep_to_changes(item, rules);
        return;
    }
    not_in_future(rules, "/completed_on", item.completed_on);
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

/// S12: the first deadline never changes, and every later one has an approver and a reason.
fn deadline(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let moved = rules
        .before
        .is_some_and(|b| b.computed.first_deadline.is_some() && b.data.deadline != item.deadline);
    rules.require(
        !moved,
        "/deadline",
        "use_deadline_change",
        "the deadline is set; to move it, record who approved the new one and why with POST /api/v1/deadline-changes",
    );
}

/// The deadline is that of the last change, or the first one: also after a change was withdrawn or restored.
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
    let remedy =
        "make an item in the other plan, with carried_from_item_id if that plan refreshes this one";
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
            let detail = "name a partner by its unit_id or, where it is not on record, by its name: one of the two";
            rules.refuse(format!("/partners/{n}/name"), "one_of", detail);
        }
    }
}

/// S8: a refresh carries items forward one by one, and says of each what became of it.
fn carry(item: &WorkPlanItem, rules: &mut Rules<'_, WorkPlanItem>) {
    let Some(from) = item.carried_from_item_id else {
        let none = item.carry.is_none() && item.carry_reason.is_none();
        let detail = "goes with carried_from_item_id only; name that item, or leave carry and carry_reason out";
        rules.require(none, "/carry", "not_allowed", detail);
        return;
    };
    let Some(carry) = item.carry else {
        rules.refuse(
            "/carry",
            "required",
            "say what became of the earlier item: carried, changed or dropped",
        );
        return;
    };
    rules.require(
        carry == ItemCarry::Carried
            || item
                .carry_reason
                .as_ref()
                .is_some_and(|r| !r.trim().is_empty()),
        "/carry_reason",
        "required",
        "is needed where an item is changed or dropped; say why",
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
        "must be an item of the plan that this item's plan refreshes; set that plan's predecessor_id first, or name another item",
    );
    let may_share = |c: Option<ItemCarry>| c == Some(ItemCarry::Changed);
    let twin = others(rules, from)
        .filter(|i| i.data.carried_from_item_id == Some(from) && i.data.plan_id == item.plan_id)
        .find(|i| !may_share(item.carry) || !may_share(i.data.carry));
    if let Some(twin) = twin {
        let detail = format!(
            "{} carries it already; change that item, or set both to changed where one became two",
            twin.meta.reference
        );
        rules.refuse("/carried_from_item_id", "duplicate", detail);
    }
}
