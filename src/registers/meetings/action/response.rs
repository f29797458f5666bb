//! Responses to actions: what the owner says has been done, and the evidence. They are claims, and
//! are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::meetings::action::checks::on_action;
use crate::registers::meetings::meeting::checks::{is_of_board, only_of_same_board};
use crate::registers::meetings::{Action, ActionId, ActionPartId, ActionPartStatus, MeetingId};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::blank::OptionalText;
use crate::world::id::{AnyRecordId, MentionId};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// What a response claims about an action or a part. Only the board can drop an action or part, so
/// this cannot be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActionClaim {
    /// The response says that it is still open.
    Open,
    /// The response says that the board has its answer.
    Answered,
    /// The response says that it was done as asked.
    Done,
    /// The response says that it was not done.
    NotDone,
}

impl ActionClaim {
    /// Whether nothing more is outstanding if the claim is true.
    #[must_use]
    pub fn is_settled(self) -> bool {
        !self.as_status().is_open()
    }

    /// Returns the status that a part would have if the claim is true.
    #[must_use]
    pub fn as_status(self) -> ActionPartStatus {
        match self {
            Self::Open => ActionPartStatus::Open,
            Self::Answered => ActionPartStatus::Answered,
            Self::Done => ActionPartStatus::Done,
            Self::NotDone => ActionPartStatus::NotDone,
        }
    }
}

/// A response to an action, or to one of its parts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActionResponse {
    /// The action.
    pub action_id: ActionId,
    /// Part that the response is about. Null if it is about the action as a whole.
    #[serde(default)]
    pub part_id: Option<ActionPartId>,
    /// What was done, or why not.
    pub text: Text<8000, 1>,
    /// Date of the response.
    pub responded_on: NaiveDate,
    /// Post that responded.
    pub by_post_id: PostId,
    /// Meeting the response was given to.
    #[serde(default)]
    pub to_meeting_id: Option<MeetingId>,
    /// Status claimed. It is only a claim: the secretary may accept it or not. Null if the response
    /// claims nothing.
    #[serde(default)]
    pub claimed_status: Option<ActionClaim>,
    /// Evidence, in words.
    #[serde(default)]
    pub evidence: Option<Text<2000>>,
    /// Records of any kind that support the response or that it mentions. These are mentions only:
    /// the records can still be withdrawn.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub record_ids: Vec<MentionId>,
}

/// Narrows a list of responses to actions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ActionResponseFilter {
    /// Only responses to this action and its parts.
    action_id: Option<ActionId>,
    /// Only responses to this part.
    part_id: Option<ActionPartId>,
    /// Only responses to actions given at this meeting.
    meeting_id: Option<MeetingId>,
    /// Only responses to actions given at meetings of this board.
    board_id: Option<BoardId>,
    /// Only responses to actions owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only responses given to this meeting.
    to_meeting_id: Option<MeetingId>,
    /// Only responses by this post.
    by_post_id: Option<PostId>,
    /// Only responses that claim one of these statuses.
    #[param(value_type = Option<Vec<ActionClaim>>, inline, explode = false)]
    claimed_status: Option<Any<ActionClaim>>,
    /// Whether the response has evidence, in words or as records.
    evidenced: Option<bool>,
    /// Only responses that mention this record.
    about_id: Option<AnyRecordId>,
    /// Only responses on or after this day.
    responded_from: Option<NaiveDate>,
    /// Only responses on or before this day.
    responded_until: Option<NaiveDate>,
}

impl ActionResponse {
    /// Returns the status claimed by the latest of these responses that claims one.
    pub(in crate::registers::meetings) fn claimed<'a>(
        responses: impl Iterator<Item = &'a Rec<Self>>,
    ) -> Option<ActionClaim> {
        responses
            .filter(|r| r.data.claimed_status.is_some())
            .max_by_key(|r| (r.data.responded_on, r.meta.created_at, r.meta.id))
            .and_then(|r| r.data.claimed_status)
    }
}

impl Resource for ActionResponse {
    const KIND: &'static str = "action_response";
    const PATH: &'static str = "action-responses";
    const PREFIX: &'static str = "ACR";
    const SUBJECT: Subject = Subject::ActionProgress;
    const ABOUT: &'static str = "What the owner of an action says has been done about it or one \
        of its parts, with the evidence. A response is a claim; the board's secretary declares \
        the status on the part or the action.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = ActionResponseFilter;

    fn example() -> Value {
        json!({
            "action_id": "019abcde-0000-7000-8000-000000000001",
            "text": "The strategy was approved and is attached",
            "responded_on": "2020-09-28",
            "by_post_id": "019abcde-0000-7000-8000-000000000002",
            "claimed_status": "done",
            "evidence": "Appendix 1 of the paper"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.text)
    }
    fn place(&self) -> Place {
        Place::within([self.action_id]).and_within(self.part_id)
    }
    // S21
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/responded_on", Some(self.responded_on));
        distinct(rules, "/record_ids", &self.record_ids);
        let world = rules.reading.world;
        let Some(action) = world.get::<Action>(self.action_id) else {
            return;
        };
        let meeting = action.data.meeting_id;
        on_action(
            rules,
            action,
            self.part_id.map(Into::into),
            ("/responded_on", self.responded_on),
        );
        only_of_same_board(
            rules,
            "/to_meeting_id",
            meeting.uuid(),
            self.to_meeting_id.map(Into::into),
        );
        let closed = action
            .data
            .closed_on
            .filter(|d| *d < self.responded_on && rules.before.is_none());
        if let Some(day) = closed {
            let detail = format!(
                "the action was closed or cancelled on {day}; reopen it before you record a \
                    response after that date"
            );
            rules.refuse("/responded_on", "closed", detail);
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        self.part_id
            .map(Uuid::from)
            .into_iter()
            .chain([self.action_id.uuid()])
            .collect()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "responded_on",
            key: |r| Key::from(Some(r.data.responded_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let a = &r.data;
        let action = || reading.world.get::<Action>(a.action_id);
        let meeting = || action().map(|a| a.data.meeting_id);
        let below = |top| {
            action()
                .and_then(|a| a.data.owner())
                .is_some_and(|owner| reading.world.is_in_scope(owner, top))
        };
        is(&f.action_id, &a.action_id)
            && is_some(&f.part_id, &a.part_id)
            && is_some(&f.to_meeting_id, &a.to_meeting_id)
            && is(&f.by_post_id, &a.by_post_id)
            && (f.claimed_status.is_none()
                || a.claimed_status.is_some_and(|c| any(&f.claimed_status, &c)))
            && asked(f.evidenced, || {
                !a.evidence.is_unsaid() || !a.record_ids.is_empty()
            })
            && f.about_id
                .is_none_or(|id| a.record_ids.iter().any(|r| *r == id.uuid()))
            && in_window(Some(a.responded_on), (f.responded_from, f.responded_until))
            && (f.meeting_id.is_none() || meeting() == f.meeting_id)
            && (f.board_id.is_none()
                || meeting().is_some_and(|m| is_of_board(reading, m, f.board_id)))
            && f.unit_below.is_none_or(below)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.part_id
            .map(Uuid::from)
            .or(f.action_id.map(Uuid::from))
            .or(f.about_id.map(Uuid::from))
            .or(f.to_meeting_id.map(Uuid::from))
            .or(f.by_post_id.map(Uuid::from))
    }
}
