//! Checks that several records about a meeting share.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Meeting, MeetingId, MeetingStatus};
use crate::policy::{Act, Subject};
use crate::registers::checks::in_window;
use crate::registers::governance::{Board, BoardId};
use crate::world::dates::Days;
use crate::world::{Reading, Rec, Resource, Rules, World};

/// Whether a meeting belongs to the given board. Always true if no board is given.
pub(in crate::registers::meetings) fn is_of_board(
    reading: Reading<'_>,
    meeting: MeetingId,
    board: Option<BoardId>,
) -> bool {
    board.is_none_or(|b| {
        reading
            .world
            .get::<Meeting>(meeting)
            .is_some_and(|m| m.data.board_id == b)
    })
}

/// Whether a meeting is within the given dates. Always true if none are given.
pub(in crate::registers::meetings) fn is_within(
    reading: Reading<'_>,
    meeting: Uuid,
    window: Days,
) -> bool {
    window == (None, None) || in_window(day_of(reading.world, meeting), window)
}

/// Returns the date of a meeting.
pub(in crate::registers::meetings) fn day_of(world: &World, meeting: Uuid) -> Option<NaiveDate> {
    world
        .get::<Meeting>(meeting)
        .and_then(|m| m.computed.meeting_on)
}

/// Returns the first day on which a meeting may have taken place. Nothing that results from it can
/// be earlier.
pub(in crate::registers::meetings) fn first_day(world: &World, meeting: Uuid) -> Option<NaiveDate> {
    world.get::<Meeting>(meeting).and_then(|m| m.data.days().0)
}

/// Refuses anything that results from a meeting that was not held.
pub(in crate::registers::meetings) fn only_when_held<R: Resource>(
    rules: &mut Rules<'_, R>,
    pointer: &str,
    meeting: Uuid,
) {
    let held = |m: &Rec<Meeting>| m.data.status == MeetingStatus::Held;
    rules.require(
        rules.reading.world.get::<Meeting>(meeting).is_none_or(held),
        pointer,
        "not_held",
        "that meeting was not held; set its status to held first, or name another meeting",
    );
}

/// Refuses a later meeting of a board other than the same one or the one that took over from it.
pub(in crate::registers::meetings) fn only_of_same_board<R: Resource>(
    rules: &mut Rules<'_, R>,
    pointer: &str,
    meeting: Uuid,
    later: Option<Uuid>,
) {
    let world = rules.reading.world;
    let board = |id| world.get::<Meeting>(id).map(|m| m.data.board_id);
    let (Some(from), Some(to)) = (board(meeting), later.and_then(board)) else {
        return;
    };
    let successor = world.get::<Board>(from).and_then(|b| b.data.successor_id);
    rules.require(
        to == from || successor == Some(to),
        pointer,
        "other_board",
        "must be a meeting of the same board, or of the board that took over from it",
    );
}

/// Checks a later meeting that acted on the same record: it must have been held, be of the same
/// board, and be no earlier than the first.
pub(in crate::registers::meetings) fn later_meeting<R: Resource>(
    rules: &mut Rules<'_, R>,
    pointer: &str,
    meeting: Uuid,
    later: Option<Uuid>,
) {
    let Some(id) = later else { return };
    only_when_held(rules, pointer, id);
    only_of_same_board(rules, pointer, meeting, later);
    let world = rules.reading.world;
    rules.in_order(
        first_day(world, meeting),
        day_of(world, id),
        pointer,
        "the meeting it comes from",
    );
}

/// Whether the caller may change the meetings of the board that held this one. That is its
/// secretary, not the owner of an action given there.
pub(in crate::registers::meetings) fn is_secretarys<R: Resource>(
    rules: &Rules<'_, R>,
    meeting: Uuid,
) -> bool {
    rules.may(Subject::Meeting, Act::Update, meeting)
}

/// Refuses a change to a field that only the board's secretary may set.
pub(in crate::registers::meetings) fn reserved<R: Resource, T: PartialEq>(
    rules: &mut Rules<'_, R>,
    is: &R,
    meeting: Uuid,
    pointer: &str,
    field: impl Fn(&R) -> T,
) {
    if rules.before.is_some_and(|b| field(&b.data) != field(is)) && !is_secretarys(rules, meeting) {
        rules.forbid(
            pointer,
            "only the secretary of the board that gave the action can set this; record a response \
                or a deferral instead",
        );
    }
}

/// Refuses a withdrawal by anyone but the board's secretary. The unit that owns an action responds
/// to it and cannot undo it.
pub(in crate::registers::meetings) fn withdrawn_by_secretary<R: Resource>(
    rules: &mut Rules<'_, R>,
    meeting: Option<Uuid>,
) {
    if !meeting.is_some_and(|m| is_secretarys(rules, m)) {
        rules.forbid(
            "",
            "only the secretary of the board that gave the action can withdraw it, its parts and \
                its deferrals",
        );
    }
}
