//! Meetings of boards: attendance, minutes and their deliveries, decisions, and the actions that
//! result.

mod action;
mod attendance;
mod meeting;
mod outcome;

pub use action::deferral::ActionDeferral;
pub use action::part::{ActionPart, ActionPartId, ActionPartStatus, deferral_of};
pub use action::response::ActionResponse;
pub use action::{Action, ActionComputed, ActionId, ActionState, ActionStatus};
pub use attendance::{Attendance, AttendanceStatus};
pub use meeting::minutes::{Minutes, MinutesId, MinutesStatus};
pub use meeting::minutes_amendment::MinutesAmendment;
pub use meeting::minutes_delivery::MinutesDelivery;
pub use meeting::{AgendaItem, Meeting, MeetingFormat, MeetingId, MeetingStatus};
pub use outcome::{MeetingOutcome, OutcomeKind};

use crate::registers::meetings::action::response::ActionClaim;
use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<ActionClaim>,
    Vocabulary::of::<ActionPartStatus>,
    Vocabulary::of::<ActionState>,
    Vocabulary::of::<ActionStatus>,
    Vocabulary::of::<AttendanceStatus>,
    Vocabulary::of::<MeetingFormat>,
    Vocabulary::of::<MeetingStatus>,
    Vocabulary::of::<MinutesStatus>,
    Vocabulary::of::<OutcomeKind>,
];

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
