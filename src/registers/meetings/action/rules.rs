//! Rules for actions.

use serde_json::json;

use super::{Action, ActionStatus, due_of};
use crate::registers::checks::{distinct, fixed, not_in_future};
use crate::registers::links::others;
use crate::registers::meetings::meeting::checks::{
    first_day, is_secretarys, later_meeting, only_of_same_board, only_when_held, reserved,
};
use crate::registers::meetings::{ActionPart, Meeting, MeetingStatus};
use crate::world::Rules;

// S21
pub(super) fn check(action: &Action, rules: &mut Rules<'_, Action>) {
    if rules.following {
        keep_to_deferrals(action, rules);
        return;
    }
    who(action, rules);
    let meeting = action.meeting_id;
    only_when_held(rules, "/meeting_id", meeting.uuid());
    let twin = others::<Action>(rules, meeting.uuid())
        .any(|a| a.data.meeting_id == meeting && a.data.number == action.number);
    rules.require(
        !twin,
        "/number",
        "duplicate",
        "the meeting already has an action with this number; choose another, or change that action",
    );
    distinct(rules, "/record_ids", &action.record_ids);
    due(action, rules);
    closure(action, rules);
}

/// Checks who may change what. The owning unit's contributors may set the owner post. Everything
/// else is for the secretary of the board that gave the action, and only the secretary may create
/// one.
fn who(action: &Action, rules: &mut Rules<'_, Action>) {
    let meeting = action.meeting_id;
    if rules.before.is_none() && !is_secretarys(rules, meeting.uuid()) {
        rules.forbid(
            "/meeting_id",
            "only the secretary of the board that met can record its actions",
        );
    }
    fixed(
        rules,
        action,
        "/meeting_id",
        |a| a.meeting_id,
        "withdraw this action and record it for the other meeting",
    );
    reserved(rules, action, meeting.uuid(), "/number", |a| a.number);
    reserved(rules, action, meeting.uuid(), "/text", |a| a.text.clone());
    reserved(rules, action, meeting.uuid(), "/owner_unit_id", |a| {
        a.owner_unit_id
    });
    reserved(rules, action, meeting.uuid(), "/due", |a| a.due.clone());
    reserved(rules, action, meeting.uuid(), "/target_meeting_id", |a| {
        a.target_meeting_id
    });
    reserved(rules, action, meeting.uuid(), "/status", |a| a.status);
    reserved(rules, action, meeting.uuid(), "/closed_on", |a| a.closed_on);
    reserved(
        rules,
        action,
        meeting.uuid(),
        "/closed_at_meeting_id",
        |a| a.closed_at_meeting_id,
    );
    reserved(rules, action, meeting.uuid(), "/closure_reason", |a| {
        a.closure_reason.clone()
    });
    reserved(rules, action, meeting.uuid(), "/record_ids", |a| {
        a.record_ids.clone()
    });
}

/// Checks that the first due date never changes, and that every later date comes from a deferral
/// with a reason.
fn due(action: &Action, rules: &mut Rules<'_, Action>) {
    rules.planned("/due", &action.due);
    let moved = |pointer: &str, rules: &mut Rules<'_, Action>| {
        rules.refuse(
            pointer,
            "use_deferral",
            "is already set; to move it, record the new date and the reason with POST \
                /api/v1/action-deferrals",
        );
    };
    if let Some(before) = rules.before.filter(|b| b.computed.first_due.is_some()) {
        if before.data.due != action.due {
            moved("/due", rules);
        }
        if before.data.target_meeting_id != action.target_meeting_id {
            moved("/target_meeting_id", rules);
        }
        return;
    }
    let world = rules.reading.world;
    rules.in_order(
        first_day(world, action.meeting_id.uuid()),
        action.due.due_on,
        "/due/due_on",
        "the meeting that gave it",
    );
    only_of_same_board(
        rules,
        "/target_meeting_id",
        action.meeting_id.uuid(),
        action.target_meeting_id.map(Into::into),
    );
    let target = action
        .target_meeting_id
        .and_then(|id| world.get::<Meeting>(id));
    rules.require(
        action.target_meeting_id != Some(action.meeting_id)
            && target.is_none_or(|m| m.data.status != MeetingStatus::Cancelled),
        "/target_meeting_id",
        "not_allowed",
        "must be a later meeting that is not cancelled",
    );
}

fn closure(action: &Action, rules: &mut Rules<'_, Action>) {
    use ActionStatus::{Cancelled, Closed, Open};
    // A new record may have any status, because past actions are recorded too.
    rules.transition(
        "/status",
        rules.before.map(|b| b.data.status),
        action.status,
        &[
            (Open, &[Closed, Cancelled]),
            (Closed, &[Open]),
            (Cancelled, &[Open]),
        ],
    );
    let open = action.status == Open;
    let early = "the action is open; set status to closed or cancelled, or leave this field out";
    let needed = "a closed or cancelled action needs the date this happened; give closed_on";
    let (code, detail) = if open {
        ("not_allowed", early)
    } else {
        ("required", needed)
    };
    rules.require(
        open == action.closed_on.is_none(),
        "/closed_on",
        code,
        detail,
    );
    rules.require(
        !open || action.closed_at_meeting_id.is_none(),
        "/closed_at_meeting_id",
        "not_allowed",
        early,
    );
    rules.require(
        !open || action.closure_reason.is_none(),
        "/closure_reason",
        "not_allowed",
        early,
    );
    rules.require(
        action.status != Cancelled || action.closure_reason.is_some(),
        "/closure_reason",
        "required",
        "a cancelled action needs a reason; give closure_reason",
    );
    let id = rules.meta.id;
    let owed = || {
        rules
            .reading
            .world
            .pointing::<ActionPart>(id)
            .any(|p| p.data.status.is_open())
    };
    let unsaid = action.status == Closed && action.closure_reason.is_none() && owed();
    rules.require(
        !unsaid,
        "/closure_reason",
        "required",
        "a part of the action is open; say in closure_reason why the action is closed anyway, or \
            settle the part first",
    );
    not_in_future(rules, "/closed_on", action.closed_on);
    let world = rules.reading.world;
    rules.in_order(
        first_day(world, action.meeting_id.uuid()),
        action.closed_on,
        "/closed_on",
        "the meeting that gave it",
    );
    later_meeting(
        rules,
        "/closed_at_meeting_id",
        action.meeting_id.uuid(),
        action.closed_at_meeting_id.map(Into::into),
    );
}

/// Keeps the due date in line with the deferrals, or with the first due date if nothing was
/// deferred. This also applies after a deferral is withdrawn or restored.
fn keep_to_deferrals(action: &Action, rules: &mut Rules<'_, Action>) {
    let Some(before) = rules.before.filter(|b| b.computed.first_due.is_some()) else {
        return;
    };
    let due = due_of(rules.reading.world, before, None);
    if (&due.date, due.meeting) != (&action.due, action.target_meeting_id.map(Into::into)) {
        rules.follow_up(
            rules.meta.id,
            json!({ "due": due.date, "target_meeting_id": due.meeting }),
        );
    }
}
