//! Meetings of boards: attendance, minutes and their deliveries, decisions, and the actions that
//! result.

mod action;
mod action_deferral;
mod action_part;
mod action_response;
mod attendance;
mod meeting;
mod minutes;
mod minutes_amendment;
mod minutes_delivery;
mod outcome;

pub use action::{Action, ActionComputed, ActionId, ActionState, ActionStatus};
pub use action_deferral::ActionDeferral;
pub use action_part::{ActionPart, ActionPartId, ActionPartStatus};
pub use action_response::ActionResponse;
pub use attendance::{Attendance, AttendanceStatus};
pub use meeting::{AgendaItem, Meeting, MeetingFormat, MeetingId, MeetingStatus};
pub use minutes::{Minutes, MinutesId, MinutesStatus};
pub use minutes_amendment::MinutesAmendment;
pub use minutes_delivery::MinutesDelivery;
pub use outcome::{MeetingOutcome, OutcomeKind};

use chrono::NaiveDate;
use uuid::Uuid;

use crate::policy::{Act, Subject};
use crate::registers::checks::{Days, in_window};
use crate::registers::governance::Board;
use crate::world::{Catalogue, Reading, Rec, Resource, Rules, World};

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Meeting>()
        .with::<Attendance>()
        .with::<Minutes>()
        .with::<MinutesAmendment>()
        .with::<MinutesDelivery>()
        .with::<Action>()
        .with::<ActionPart>()
        .with::<ActionResponse>()
        .with::<ActionDeferral>()
        .with::<MeetingOutcome>()
}

/// Whether a meeting belongs to the given board. Always true if no board is given.
fn is_of_board(reading: Reading<'_>, meeting: Uuid, board: Option<Uuid>) -> bool {
    board.is_none_or(|b| {
        reading
            .world
            .get::<Meeting>(meeting)
            .is_some_and(|m| m.data.board_id == b)
    })
}

/// Whether a meeting is within the given dates. Always true if none are given.
fn is_within(reading: Reading<'_>, meeting: Uuid, window: Days) -> bool {
    window == (None, None) || in_window(day_of(reading.world, meeting), window)
}

/// Returns the date of a meeting.
fn day_of(world: &World, meeting: Uuid) -> Option<NaiveDate> {
    world
        .get::<Meeting>(meeting)
        .and_then(|m| m.computed.meeting_on)
}

/// Returns the first day on which a meeting may have taken place. Nothing that results from it can
/// be earlier.
fn first_day(world: &World, meeting: Uuid) -> Option<NaiveDate> {
    world.get::<Meeting>(meeting).and_then(|m| m.data.days().0)
}

/// Refuses anything that results from a meeting that was not held.
fn only_when_held<R: Resource>(rules: &mut Rules<'_, R>, pointer: &str, meeting: Uuid) {
    let held = |m: &Rec<Meeting>| m.data.status == MeetingStatus::Held;
    rules.require(
        rules.reading.world.get::<Meeting>(meeting).is_none_or(held),
        pointer,
        "not_held",
        "that meeting was not held; set its status to held first, or name another meeting",
    );
}

/// Refuses a later meeting of a board other than the same one or the one that took over from it.
fn only_of_same_board<R: Resource>(
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
fn later_meeting<R: Resource>(
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

/// Checks something recorded on a date about an action or a part of it: the part must belong to the
/// action, and the date must not be before the meeting that gave it.
fn on_action<R: Resource>(
    rules: &mut Rules<'_, R>,
    action: &Rec<Action>,
    part: Option<Uuid>,
    (pointer, day): (&str, NaiveDate),
) {
    let world = rules.reading.world;
    let part = part.and_then(|id| world.get::<ActionPart>(id));
    rules.require(
        part.is_none_or(|p| p.data.action_id == action.meta.id),
        "/part_id",
        "other_action",
        "must be a part of the same action",
    );
    let given = first_day(world, action.data.meeting_id.uuid());
    rules.in_order(
        given,
        Some(day),
        pointer,
        "the meeting that gave the action",
    );
}

/// Whether the caller may change the meetings of the board that held this one. That is its
/// secretary, not the owner of an action given there.
fn is_secretarys<R: Resource>(rules: &Rules<'_, R>, meeting: Uuid) -> bool {
    rules.may(Subject::Meeting, Act::Update, meeting)
}

/// Refuses a change to a field that only the board's secretary may set.
fn reserved<R: Resource, T: PartialEq>(
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
fn withdrawn_by_secretary<R: Resource>(rules: &mut Rules<'_, R>, meeting: Option<Uuid>) {
    if !meeting.is_some_and(|m| is_secretarys(rules, m)) {
        rules.forbid(
            "",
            "only the secretary of the board that gave the action can withdraw it, its parts and \
                its deferrals",
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn meetings_and_attendance() {
        check(
            "meeting",
            &[
                ("board_id", Value::Null),
                ("title", json!("")),
                ("title", long(201)),
                ("status", json!("postponed")),
                ("scheduled", json!("March 2017")),
                ("held_on", json!("yesterday")),
                ("format", json!("telepathic")),
                ("venue", long(201)),
                ("agenda", json!([{ "title": "No number" }])),
                ("agenda", json!([{ "number": "", "title": "x" }])),
                (
                    "agenda",
                    json!([{ "number": "1", "title": "x", "record_ids": vec![ID; 51] }]),
                ),
                (
                    "agenda",
                    json!(vec![json!({ "number": "1", "title": "x" }); 101]),
                ),
                ("meeting_on", json!("2020-06-29")),
            ],
        );
        check(
            "attendance",
            &[
                ("meeting_id", json!("June")),
                ("capacity", json!("guest")),
                ("status", json!("late")),
                ("note", long(1001)),
                ("attendee_id", json!(ID)),
            ],
        );
    }

    #[test]
    fn minutes_and_outcomes() {
        check(
            "minutes",
            &[
                ("status", json!("lost")),
                ("text", long(20_001)),
                ("document", long(501)),
                ("approved_on", json!(2020)),
            ],
        );
        check(
            "minutes_amendment",
            &[
                ("change", json!("")),
                ("reason", long(2001)),
                ("agreed_on", Value::Null),
            ],
        );
        check(
            "minutes_delivery",
            &[
                ("sent_on", Value::Null),
                ("to_unit_id", json!("DARA")),
                ("note", long(1001)),
            ],
        );
        check(
            "meeting_outcome",
            &[
                ("outcome_kind", json!("rumour")),
                ("text", json!("")),
                ("decision", long(2001)),
                ("agenda_number", long(21)),
                ("record_ids", json!(vec![ID; 51])),
            ],
        );
    }

    #[test]
    fn actions() {
        check(
            "action",
            &[
                ("number", json!(0)),
                ("number", json!("14")),
                ("text", long(4001)),
                ("status", json!("forgotten")),
                ("due", json!("June 2017")),
                ("closure_reason", json!("")),
                ("state", json!("complete")),
                ("deferral_count", json!(0)),
            ],
        );
        check(
            "action_part",
            &[
                ("label", json!("")),
                ("text", Value::Null),
                ("status", json!("maybe")),
                ("note", long(2001)),
            ],
        );
        check(
            "action_response",
            &[
                ("text", long(8001)),
                ("responded_on", Value::Null),
                ("claimed_status", json!("dropped")),
                ("evidence", long(2001)),
                ("record_ids", json!(["a paper"])),
            ],
        );
        check(
            "action_deferral",
            &[
                ("reason", json!("")),
                ("to", json!({ "precision": "soon" })),
                ("decided_on", json!("later")),
                ("from", json!({})),
            ],
        );
    }
}
