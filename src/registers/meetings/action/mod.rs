//! Actions given by boards: the owner, the due date, and progress.

mod checks;
pub mod deferral;
mod due;
mod filter;
pub mod part;
pub mod response;
mod rules;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

pub(super) use due::{Due, due_of, due_with};
pub use filter::ActionFilter;

use self::part::ActionPart;
use self::response::{ActionClaim, ActionResponse};
use super::{ActionDeferral, Meeting};
use crate::policy::Subject;
use crate::registers::links::{count, parts};
use crate::registers::meetings::MeetingId;
use crate::registers::meetings::meeting::checks::withdrawn_by_secretary;
use crate::registers::organisation::{PostId, UnitId};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::{PlannedDate, Precision};
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::id::MentionId;
use crate::world::{
    Id, Key, Marking, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text, World,
};

/// Status of an action, declared by the board's secretary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActionStatus {
    /// The board still requires something.
    #[default]
    Open,
    /// The board requires nothing more.
    Closed,
    /// The action is no longer going ahead.
    Cancelled,
}

/// Progress of an action, as computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActionState {
    /// No response, and no part settled.
    #[default]
    NotStarted,
    /// There is a response or a settled part, but something is still outstanding.
    InProgress,
    /// No part is open or, if there are no parts, the last response that claims a status says
    /// answered or done.
    Complete,
}

/// Id of an action.
pub type ActionId = Id<Action>;

/// An action given by a board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// Meeting that gave the action. Cannot be changed.
    pub meeting_id: MeetingId,
    /// Number of the action. Unique among the actions of that meeting.
    #[schema(minimum = 1, maximum = 99_999)]
    pub number: u32,
    /// What is asked for.
    pub text: Text<4000, 1>,
    /// Post that owns the action. The owning unit's contributors may change this field; only the
    /// board's secretary may change the others.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit that owns the action. Its contributors respond. If empty, the unit of the owner post
    /// responds.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// When the action is due. It can be set here once; after that only a deferral changes it.
    #[serde(default)]
    pub due: PlannedDate,
    /// Meeting at which the action is due. It can be set here once; after that only a deferral
    /// changes it. If `due` has no date, the date of this meeting counts.
    #[serde(default)]
    pub target_meeting_id: Option<MeetingId>,
    /// Status, declared by the board's secretary.
    #[serde(default)]
    pub status: ActionStatus,
    /// Date it was closed or cancelled. Required for a closed or cancelled action; not allowed for
    /// an open one.
    #[serde(default)]
    pub closed_on: Option<NaiveDate>,
    /// Meeting that closed or cancelled it.
    #[serde(default)]
    pub closed_at_meeting_id: Option<MeetingId>,
    /// Why it was closed or cancelled. Required if it was cancelled, or closed with an open part.
    #[serde(default)]
    pub closure_reason: Option<Text<2000, 1>>,
    /// Records of any kind that it is about. These are mentions only: the records can still be
    /// withdrawn.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub record_ids: Vec<MentionId>,
}

/// Values computed by the service for an action. Parts, responses and deferrals with a stricter
/// marking than the action are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionComputed {
    /// Board whose meeting gave the action.
    pub board_id: Option<Uuid>,
    /// Progress, taken from its parts or, if it has none, from what its last response claims.
    pub state: ActionState,
    /// Number of parts.
    #[schema(minimum = 0)]
    pub parts_total: u32,
    /// Number of parts that are open or were not done.
    #[schema(minimum = 0)]
    pub parts_open: u32,
    /// Whether it is declared closed although a part is open.
    pub closed_with_open_part: bool,
    /// Number of responses to it and its parts.
    #[schema(minimum = 0)]
    pub response_count: u32,
    /// Date of the last response.
    pub last_response_on: Option<NaiveDate>,
    /// Status claimed by the last response to the action as a whole.
    pub claimed_status: Option<ActionClaim>,
    /// Number of times it, or a part of it, was deferred.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// First due date. It never changes.
    pub first_due: Option<PlannedDate>,
    /// First target meeting. It never changes.
    pub first_target_meeting_id: Option<Uuid>,
    /// Date on which it was first due: the last day of `first_due`, or the date of the first target
    /// meeting as it was then.
    pub first_due_on: Option<NaiveDate>,
    /// Due date: the last day of `due`, or the date of the target meeting. Null if it was deferred
    /// without a date; `first_due_on` is then used to decide whether it is overdue.
    pub due_on: Option<NaiveDate>,
}

impl Action {
    /// Returns the owner: the unit or, if no unit is given, the post.
    pub(super) fn owner(&self) -> Option<Uuid> {
        self.owner_unit_id
            .map(Uuid::from)
            .or(self.owner_post_id.map(Uuid::from))
    }

    /// Whether a due date or target meeting is recorded.
    fn has_due(&self) -> bool {
        self.due.precision != Precision::Unspecified || self.target_meeting_id.is_some()
    }

    /// Returns the due date. The date of a target meeting with a stricter marking than the action
    /// is not disclosed.
    fn day(&self, world: &World, meta: &Meta) -> Option<NaiveDate> {
        let told = |m: &&Rec<Meeting>| {
            m.meta.marking == Marking::Official || meta.marking == Marking::OfficialSensitive
        };
        let target = || {
            world
                .get::<Meeting>(self.target_meeting_id?)
                .filter(told)?
                .computed
                .meeting_on
        };
        self.due.due_on.or_else(target)
    }
}

impl Rec<Action> {
    /// Until when it is to be done, and whether it is.
    #[must_use]
    pub fn due(&self) -> Deadline<'_> {
        let (data, computed) = (&self.data, &self.computed);
        let progress = match data.status {
            ActionStatus::Open => Progress::Open,
            ActionStatus::Closed => Progress::Done,
            ActionStatus::Cancelled => Progress::GivenUp,
        };
        let due = match data.due.due_on {
            Some(_) => When::from(&data.due),
            // If a meeting is the target, the date is that of the meeting.
            None => When {
                source_text: data.due.source_text.as_deref(),
                ..When::on(computed.due_on)
            },
        };
        Deadline::new(progress, due)
            .first_on(computed.first_due_on)
            .done_on(data.closed_on.filter(|_| progress == Progress::Done))
    }
}

impl Resource for Action {
    const KIND: &'static str = "action";
    const PATH: &'static str = "actions";
    const PREFIX: &'static str = "ACT";
    const SUBJECT: Subject = Subject::Action;
    const ABOUT: &'static str = "Actions given by boards, numbered within their meeting. If an \
        action asks for several things, each has a record of its own (POST \
        /api/v1/action-parts). The secretary declares the action open, closed or cancelled; the \
        service also computes its state from its parts and responses. The due date can be set \
        here once; after that it moves only by POST /api/v1/action-deferrals, and deferrals are \
        counted.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::ActionDue];
    type Computed = ActionComputed;
    type Filter = ActionFilter;

    fn example() -> Value {
        json!({
            "meeting_id": "019abcde-0000-7000-8000-000000000001", "number": 14,
            "text": "Bring the approved strategy and the draft dashboard, with time scales in the \
                work plan",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "due": { "precision": "month", "due_on": "2020-09-30", "source_text": "September 2020" },
            "status": "open"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.text)
    }
    /// Grants for its owner cover it, and so do grants for the board.
    fn place(&self) -> Place {
        Place::owned(self.owner().into_iter().chain([self.meeting_id.uuid()]))
            .and_within([self.meeting_id])
    }
    fn normalise(&mut self) {
        self.due.normalise();
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules::check(self, rules);
    }
    fn withdrawal(&self, rules: &mut Rules<'_, Self>) {
        withdrawn_by_secretary(rules, Some(self.meeting_id.uuid()));
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        let world = reading.world;
        let first = before
            .map(|b| &b.computed)
            .filter(|c| c.first_due.is_some());
        let due_on = self.day(world, meta);
        let sections: Vec<&Rec<ActionPart>> = parts(world, meta).collect();
        let open = sections.iter().filter(|p| p.data.status.is_open()).count();
        let responses: Vec<&Rec<ActionResponse>> = parts(world, meta).collect();
        let claimed_status = ActionResponse::claimed(
            responses
                .iter()
                .filter(|r| r.data.part_id.is_none())
                .copied(),
        );
        let settled = if sections.is_empty() {
            claimed_status.is_some_and(ActionClaim::is_settled)
        } else {
            open == 0
        };
        ActionComputed {
            board_id: world
                .get::<Meeting>(self.meeting_id)
                .map(|m| m.data.board_id.uuid()),
            state: match (settled, responses.is_empty() && open == sections.len()) {
                (true, _) => ActionState::Complete,
                (false, true) => ActionState::NotStarted,
                (false, false) => ActionState::InProgress,
            },
            parts_total: count(sections.len()),
            parts_open: count(open),
            closed_with_open_part: self.status == ActionStatus::Closed && open > 0,
            response_count: count(responses.len()),
            last_response_on: responses.iter().map(|r| r.data.responded_on).max(),
            claimed_status,
            deferral_count: count(parts::<ActionDeferral>(world, meta).count()),
            first_due: first.map_or_else(
                || self.has_due().then(|| self.due.clone()),
                |c| c.first_due.clone(),
            ),
            first_target_meeting_id: first.map_or(self.target_meeting_id.map(Into::into), |c| {
                c.first_target_meeting_id
            }),
            first_due_on: first.and_then(|c| c.first_due_on).or(due_on),
            due_on,
        }
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        record.due()
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        vec![Dated {
            board_id: record.computed.board_id,
            ..Dated::due(CalendarEntryKind::ActionDue, record.due())
        }]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "due_on",
                key: |r| Key::from(r.computed.due_on),
            },
            Sort {
                name: "number",
                key: |r| Key::Number(r.data.number.into()),
            },
            Sort {
                name: "deferral_count",
                key: |r| Key::Number(r.computed.deferral_count.into()),
            },
            Sort {
                name: "last_response_on",
                key: |r| Key::from(r.computed.last_response_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        f.matches(r, reading)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.pivot()
    }
}
