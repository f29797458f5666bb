//! How a list of actions is narrowed.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Action, ActionState, ActionStatus};
use crate::registers::checks::{asked, in_window};
use crate::registers::meetings::ActionDeferral;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Reading, Rec};

/// Narrows a list of actions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ActionFilter {
    /// Actions that meetings of this board gave.
    board_id: Option<Uuid>,
    /// Actions that this meeting gave.
    meeting_id: Option<Uuid>,
    /// Actions with this number.
    #[param(minimum = 1, maximum = 99_999)]
    number: Option<u32>,
    /// Actions in these statuses.
    #[param(value_type = Option<Vec<ActionStatus>>, inline, explode = false)]
    status: Option<Any<ActionStatus>>,
    /// Actions that have come this far.
    #[param(value_type = Option<Vec<ActionState>>, inline, explode = false)]
    state: Option<Any<ActionState>>,
    /// Actions that this post answers for.
    owner_post_id: Option<Uuid>,
    /// Actions that this unit answers for.
    owner_unit_id: Option<Uuid>,
    /// Actions that this unit or a unit below it answers for.
    unit_below: Option<Uuid>,
    /// Actions that nobody answers for (`true`), or that somebody does (`false`).
    without_owner: Option<bool>,
    /// Actions due at this meeting.
    target_meeting_id: Option<Uuid>,
    /// Actions due on or after this day.
    due_from: Option<NaiveDate>,
    /// Actions due on or before this day.
    due_until: Option<NaiveDate>,
    /// Whether an open action should have been dealt with by now. What was put off to no day is judged by the day on which it was first due.
    overdue: Option<bool>,
    /// Whether an open action is past the day on which it was first due, whatever was deferred since.
    past_first_due: Option<bool>,
    /// Actions without a day on which they are due (`true`), or with one (`false`).
    without_due: Option<bool>,
    /// Actions deferred at least so many times, themselves or in a part.
    #[param(minimum = 0, maximum = 1000)]
    deferred_at_least: Option<u32>,
    /// Actions deferred to this meeting, whether or not they have moved on since.
    deferred_to_meeting_id: Option<Uuid>,
    /// Actions with an open part (`true`), or with none (`false`).
    with_open_parts: Option<bool>,
    /// Whether the action is declared closed though a part is open.
    closed_with_open_part: Option<bool>,
    /// Whether there is any response.
    answered: Option<bool>,
    /// Actions whose last response lies before this day, or that have none.
    no_response_since: Option<NaiveDate>,
    /// Actions closed or cancelled on or after this day.
    closed_from: Option<NaiveDate>,
    /// Actions closed or cancelled on or before this day.
    closed_until: Option<NaiveDate>,
    /// Actions about this record.
    about_id: Option<Uuid>,
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
            && asked(self.without_owner, || a.owner().is_none())
            && is_some(&self.target_meeting_id, &a.target_meeting_id)
            && self.about_id.is_none_or(|id| a.record_ids.contains(&id))
            && self.unit_below.is_none_or(below)
    }

    fn by_time(&self, r: &Rec<Action>, on: NaiveDate) -> bool {
        let open = r.data.status == ActionStatus::Open;
        in_window(r.computed.due_on, (self.due_from, self.due_until))
            && asked(self.overdue, || r.is_overdue(on))
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
        let to = |id| {
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

    /// The narrowest of the links asked for.
    pub(super) fn pivot(&self) -> Option<Uuid> {
        self.meeting_id
            .or(self.target_meeting_id)
            .or(self.about_id)
            .or(self.owner_post_id)
            .or(self.owner_unit_id)
    }
}
