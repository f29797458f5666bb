//! A check that records about an action share.

use chrono::NaiveDate;
use uuid::Uuid;

use super::Action;
use super::part::ActionPart;
use crate::registers::meetings::meeting::checks::first_day;
use crate::world::{Rec, Resource, Rules};

/// Checks something recorded on a date about an action or a part of it: the part must belong to the
/// action, and the date must not be before the meeting that gave it.
pub(in crate::registers::meetings) fn on_action<R: Resource>(
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
