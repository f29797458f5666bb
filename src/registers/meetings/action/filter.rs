//! Filters for a list of actions.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Action, ActionState, ActionStatus};
use crate::registers::checks::{asked, in_window};
use crate::registers::governance::BoardId;
use crate::registers::meetings::{ActionDeferral, MeetingId};
use crate::registers::organisation::{PostId, UnitId, has_owner};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::id::AnyRecordId;
use crate::world::{Reading, Rec};

/// Narrows a list of actions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ActionFilter {
    /// Only actions given at meetings of this board.
    board_id: Option<BoardId>,
    /// Only actions given at this meeting.
    meeting_id: Option<MeetingId>,
    /// Only actions with this number.
    #[param(minimum = 1, maximum = 99_999)]
    number: Option<u32>,
    /// Only actions in these statuses.
    #[param(value_type = Option<Vec<ActionStatus>>, inline, explode = false)]
    status: Option<Any<ActionStatus>>,
    /// Only actions in these computed states.
    #[param(value_type = Option<Vec<ActionState>>, inline, explode = false)]
    state: Option<Any<ActionState>>,
    /// Only actions owned by this post.
    owner_post_id: Option<PostId>,
    /// Only actions owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only actions owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only actions without an owner post or unit that exists on the date (`true`), or with one
    /// (`false`).
    without_owner: Option<bool>,
    /// Only actions due at this meeting.
    target_meeting_id: Option<MeetingId>,
    /// Only actions due on or after this date.
    due_from: Option<NaiveDate>,
    /// Only actions due on or before this date.
    due_until: Option<NaiveDate>,
    /// Whether an open action is overdue. If it was deferred without a date, its first due date is
    /// used.
    overdue: Option<bool>,
    /// Whether an open action is past its first due date, regardless of deferrals.
    past_first_due: Option<bool>,
    /// Only actions without a due date (`true`), or with one (`false`).
    without_due: Option<bool>,
    /// Only actions deferred at least this many times, as a whole or in part.
    #[param(minimum = 0, maximum = 1000)]
    deferred_at_least: Option<u32>,
    /// Only actions deferred to this meeting, even if they have moved on since.
    deferred_to_meeting_id: Option<MeetingId>,
    /// Only actions with an open part (`true`), or without one (`false`).
    with_open_parts: Option<bool>,
    /// Whether the action is declared closed although a part is open.
    closed_with_open_part: Option<bool>,
    /// Whether there is any response.
    answered: Option<bool>,
    /// Only actions with no response on or after this date.
    no_response_since: Option<NaiveDate>,
    /// Only actions closed or cancelled on or after this date.
    closed_from: Option<NaiveDate>,
    /// Only actions closed or cancelled on or before this date.
    closed_until: Option<NaiveDate>,
    /// Only actions about this record.
    about_id: Option<AnyRecordId>,
}

impl ActionFilter {
    pub(super) fn matches(&self, r: &Rec<Action>, reading: Reading<'_>) -> bool {
        self.by_belonging(r, reading) && self.by_time(r, reading.on) && self.by_progress(r, reading)
    }

    fn by_belonging(&self, r: &Rec<Action>, reading: Reading<'_>) -> bool {
        let a = &r.data;
        let below = |top| {
            a.owner()
                .is_some_and(|owner| reading.world.is_in_scope(owner, top))
        };
        is_some(&self.board_id, &r.computed.board_id)
            && is(&self.meeting_id, &a.meeting_id)
            && is(&self.number, &a.number)
            && is_some(&self.owner_post_id, &a.owner_post_id)
            && is_some(&self.owner_unit_id, &a.owner_unit_id)
            && asked(self.without_owner, || {
                !has_owner(reading, a.owner_post_id, a.owner_unit_id)
            })
            && is_some(&self.target_meeting_id, &a.target_meeting_id)
            && self
                .about_id
                .is_none_or(|id| a.record_ids.iter().any(|r| *r == id.uuid()))
            && self.unit_below.is_none_or(below)
    }

    fn by_time(&self, r: &Rec<Action>, on: NaiveDate) -> bool {
        let open = r.data.status == ActionStatus::Open;
        in_window(r.computed.due_on, (self.due_from, self.due_until))
            && asked(self.overdue, || r.due().is_overdue(on))
            && asked(self.past_first_due, || {
                open && r.computed.first_due_on.is_some_and(|d| d < on)
            })
            && asked(self.without_due, || r.computed.due_on.is_none())
            && in_window(r.data.closed_on, (self.closed_from, self.closed_until))
            && self
                .no_response_since
                .is_none_or(|d| r.computed.last_response_on.is_none_or(|last| last < d))
    }

    fn by_progress(&self, r: &Rec<Action>, reading: Reading<'_>) -> bool {
        let to = |id: MeetingId| {
            reading
                .pointing::<ActionDeferral>(r.meta.id)
                .any(|d| d.data.to_meeting_id == Some(id))
        };
        any(&self.status, &r.data.status)
            && any(&self.state, &r.computed.state)
            && self
                .deferred_at_least
                .is_none_or(|n| r.computed.deferral_count >= n)
            && asked(self.with_open_parts, || r.computed.parts_open > 0)
            && is(
                &self.closed_with_open_part,
                &r.computed.closed_with_open_part,
            )
            && asked(self.answered, || r.computed.response_count > 0)
            && self.deferred_to_meeting_id.is_none_or(to)
    }

    /// The most selective record id among the filters.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.meeting_id
            .map(Uuid::from)
            .or(self.target_meeting_id.map(Uuid::from))
            .or(self.about_id.map(Uuid::from))
            .or(self.owner_post_id.map(Uuid::from))
            .or(self.owner_unit_id.map(Uuid::from))
    }
}
