//! Parts of actions: the separate things an action asks for, each with its own status.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::governance::BoardId;
use crate::registers::links::{count, others, parts};
use crate::registers::meetings::action::response::ActionClaim;
use crate::registers::meetings::meeting::checks::{
    is_of_board, is_secretarys, reserved, withdrawn_by_secretary,
};
use crate::registers::meetings::{
    Action, ActionDeferral, ActionId, ActionResponse, ActionStatus, MeetingId,
};
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of a part, declared by the board's secretary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActionPartStatus {
    /// Neither answered nor done yet.
    #[default]
    Open,
    /// The board has its answer and requires nothing more.
    Answered,
    /// Done as asked.
    Done,
    /// Should have been done and was not. Still outstanding.
    NotDone,
    /// The board no longer asks for it.
    Dropped,
}

impl ActionPartStatus {
    /// Whether it is still outstanding.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::NotDone)
    }

    /// Whether a part of an action with this status is still to be done. Nothing is due any more
    /// once the action is closed or cancelled.
    fn progress(self, action: ActionStatus) -> Progress {
        match (self, action) {
            (Self::Dropped, _) | (_, ActionStatus::Cancelled) => Progress::GivenUp,
            (Self::Open | Self::NotDone, ActionStatus::Open) => Progress::Open,
            _ => Progress::Done,
        }
    }
}

/// Id of an action part.
pub type ActionPartId = Id<ActionPart>;

/// One of the things that an action asks for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActionPart {
    /// The action. Cannot be changed.
    pub action_id: ActionId,
    /// Label ("a", "1"). Unique within the action, ignoring case.
    pub label: Text<20, 1>,
    /// What is asked for.
    pub text: Text<4000, 1>,
    /// Status, declared by the board's secretary. What responses claim is given separately.
    #[serde(default)]
    pub status: ActionPartStatus,
    /// What the board said about it.
    #[serde(default)]
    pub note: Option<Text<2000>>,
}

/// Values computed by the service for a part. Responses and deferrals with a stricter marking than
/// the part are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionPartComputed {
    /// Whether it is still outstanding: open or not done.
    pub is_open: bool,
    /// Status claimed by the last response to it.
    pub claimed_status: Option<ActionClaim>,
    /// Whether the claimed status differs from the declared status.
    pub claim_differs: bool,
    /// Number of responses to it.
    #[schema(minimum = 0)]
    pub response_count: u32,
    /// Date of the last response to it.
    pub last_response_on: Option<NaiveDate>,
    /// Number of times this part was deferred on its own.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
}

/// Narrows a list of parts of actions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ActionPartFilter {
    /// Only parts of this action.
    action_id: Option<ActionId>,
    /// Only parts of actions given at this meeting.
    meeting_id: Option<MeetingId>,
    /// Only parts of actions given at meetings of this board.
    board_id: Option<BoardId>,
    /// Only parts of actions owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only parts in these statuses.
    #[param(value_type = Option<Vec<ActionPartStatus>>, inline, explode = false)]
    status: Option<Any<ActionPartStatus>>,
    /// Whether it is still outstanding.
    is_open: Option<bool>,
    /// Whether the status claimed by the last response differs from the declared status.
    claim_differs: Option<bool>,
    /// Whether there is any response to it.
    answered: Option<bool>,
    /// Only parts deferred on their own at least this many times.
    #[param(minimum = 0, maximum = 1000)]
    deferred_at_least: Option<u32>,
    /// Whether the part is outstanding, its action is open, and its due date has passed. If it was
    /// deferred without a date, the first due date of the action is used.
    overdue: Option<bool>,
}

/// The deferral that says when a part of an action is due: the part's own last deferral, or that of
/// the whole action if that came later.
#[must_use]
pub fn deferral_of<'a>(
    reading: Reading<'a>,
    part: &Rec<ActionPart>,
) -> Option<&'a Rec<ActionDeferral>> {
    let (action, part) = (part.data.action_id, part.meta.id);
    reading
        .pointing::<ActionDeferral>(action)
        .filter(|d| d.data.action_id == action && d.data.part_id.is_none_or(|p| p == part))
        .max_by_key(|d| (d.data.decided_on, d.meta.created_at, d.meta.id))
}

impl Resource for ActionPart {
    const KIND: &'static str = "action_part";
    const PATH: &'static str = "action-parts";
    const PREFIX: &'static str = "ACP";
    const SUBJECT: Subject = Subject::Action;
    const ABOUT: &'static str = "The separate things that an action asks for. The secretary \
        declares the status of each; the service also gives the status claimed by the last \
        response.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::ActionPartDue];
    type Computed = ActionPartComputed;
    type Filter = ActionPartFilter;

    fn example() -> Value {
        json!({
            "action_id": "019abcde-0000-7000-8000-000000000001",
            "label": "b",
            "text": "A draft of the performance dashboard",
            "status": "open"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.label)
    }
    fn place(&self) -> Place {
        Place::within([self.action_id])
    }
    // S21
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/action_id",
            |p| p.action_id,
            "withdraw this part and record it for the other action",
        );
        let twin = others::<Self>(rules, self.action_id.uuid())
            .any(|p| same_name(&p.data.label, &self.label));
        rules.require(
            !twin,
            "/label",
            "duplicate",
            "the action already has a part with this label; choose another",
        );
        let Some(action) = rules.reading.world.get::<Action>(self.action_id) else {
            return;
        };
        let meeting = action.data.meeting_id;
        if rules.before.is_none() && !is_secretarys(rules, meeting.uuid()) {
            rules.forbid(
                "/action_id",
                "only the secretary of the board that gave the action can say what it asks for",
            );
        }
        reserved(rules, self, meeting.uuid(), "/label", |p| p.label.clone());
        reserved(rules, self, meeting.uuid(), "/text", |p| p.text.clone());
        reserved(rules, self, meeting.uuid(), "/status", |p| p.status);
        reserved(rules, self, meeting.uuid(), "/note", |p| p.note.clone());
        let unsaid =
            action.data.status == ActionStatus::Closed && action.data.closure_reason.is_none();
        rules.require(
            rules.following || !unsaid || !self.status.is_open(),
            "/status",
            "closed",
            "the action is closed; say in its closure_reason why it is closed with an open part, \
                or reopen it",
        );
    }
    fn withdrawal(&self, rules: &mut Rules<'_, Self>) {
        let meeting = rules
            .reading
            .world
            .get::<Action>(self.action_id)
            .map(|a| a.data.meeting_id);
        withdrawn_by_secretary(rules, meeting.map(Into::into));
    }
    fn compute(&self, reading: Reading<'_>, meta: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let responses: Vec<&Rec<ActionResponse>> = parts(reading.world, meta).collect();
        let claimed_status = ActionResponse::claimed(responses.iter().copied());
        ActionPartComputed {
            is_open: self.status.is_open(),
            claimed_status,
            claim_differs: claimed_status.is_some_and(|c| c.as_status() != self.status),
            response_count: count(responses.len()),
            last_response_on: responses.iter().map(|r| r.data.responded_on).max(),
            deferral_count: count(parts::<ActionDeferral>(reading.world, meta).count()),
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.action_id.uuid()]
    }
    fn deadline<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Deadline<'a> {
        let action = reading.get::<Action>(record.data.action_id);
        let Some(action) = action.filter(|a| reading.is_live(*a)) else {
            return Deadline::new(Progress::GivenUp, When::default());
        };
        let due = match deferral_of(reading, record) {
            Some(deferral) => deferral.data.when(reading),
            None => When {
                due_on: action.computed.first_due_on,
                ..action
                    .computed
                    .first_due
                    .as_ref()
                    .map(When::from)
                    .unwrap_or_default()
            },
        };
        Deadline::new(record.data.status.progress(action.data.status), due)
            .first_on(action.computed.first_due_on)
    }
    /// Only of parts that were deferred separately: the others are due with their action.
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let action = reading.get::<Action>(record.data.action_id);
        let own = deferral_of(reading, record).filter(|d| d.data.part_id.is_some());
        let deadline = Self::deadline(record, reading);
        let Some(action) = action.filter(|_| own.is_some() && deadline.due.due_on.is_some()) else {
            return Vec::new();
        };
        vec![Dated {
            board_id: action.computed.board_id,
            ..Dated::due(CalendarEntryKind::ActionPartDue, deadline)
        }]
    }
    fn date_title<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Cow<'a, str> {
        format!("{}: {}", record.data.label, record.data.text).into()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "label",
                key: |r| Key::from(r.data.label.as_str()),
            },
            Sort {
                name: "last_response_on",
                key: |r| Key::from(r.computed.last_response_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let action = || reading.world.get::<Action>(r.data.action_id);
        let meeting = || action().map(|a| a.data.meeting_id);
        let below = |top| {
            action()
                .and_then(|a| a.data.owner())
                .is_some_and(|owner| reading.world.is_in_scope(owner, top))
        };
        is(&f.action_id, &r.data.action_id)
            && any(&f.status, &r.data.status)
            && is(&f.is_open, &r.computed.is_open)
            && is(&f.claim_differs, &r.computed.claim_differs)
            && asked(f.answered, || r.computed.response_count > 0)
            && f.deferred_at_least
                .is_none_or(|n| r.computed.deferral_count >= n)
            && (f.meeting_id.is_none() || meeting() == f.meeting_id)
            && (f.board_id.is_none()
                || meeting().is_some_and(|m| is_of_board(reading, m, f.board_id)))
            && f.unit_below.is_none_or(below)
            && asked(f.overdue, || {
                Self::deadline(r, reading).is_overdue(reading.on)
            })
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.action_id.map(Uuid::from)
    }
}
