//! Outcomes: what a meeting noted, decided or asked for.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Action, Meeting, Minutes, MinutesStatus};
use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed};
use crate::registers::governance::BoardId;
use crate::registers::meetings::meeting::checks::{is_of_board, is_within, only_when_held};
use crate::registers::meetings::{ActionId, MeetingId};
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::id::{AnyRecordId, MentionId};
use crate::world::{NothingComputed, Place, Reading, Rec, Resource, Rules, Text};

/// Kind of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum OutcomeKind {
    /// The meeting noted the item.
    Information,
    /// The meeting took a decision.
    Decision,
    /// The meeting asked for something to be done.
    Action,
}

/// Outcome of an item at a meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MeetingOutcome {
    /// The meeting. Cannot be changed.
    pub meeting_id: MeetingId,
    /// Number of the agenda item, if it belongs to one. Cannot be changed once the minutes are
    /// approved.
    #[serde(default)]
    pub agenda_number: Option<Text<20, 1>>,
    /// Kind of outcome. Cannot be changed once the minutes are approved.
    pub outcome_kind: OutcomeKind,
    /// What was said or asked for. Cannot be changed once the minutes are approved.
    pub text: Text<4000, 1>,
    /// What was decided, in words. Required for a decision; not allowed for any other outcome.
    /// Cannot be changed once the minutes are approved.
    #[serde(default)]
    pub decision: Option<Text<2000, 1>>,
    /// Action that was given. Only an outcome of kind action has it.
    #[serde(default)]
    pub action_id: Option<ActionId>,
    /// Records of any kind that it is about. These are mentions only: the records can still be
    /// withdrawn.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub record_ids: Vec<MentionId>,
}

/// Narrows a list of outcomes.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MeetingOutcomeFilter {
    /// Only outcomes of this meeting.
    meeting_id: Option<MeetingId>,
    /// Only outcomes of meetings of this board.
    board_id: Option<BoardId>,
    /// Only outcomes of meetings of boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only outcomes of these kinds.
    #[param(value_type = Option<Vec<OutcomeKind>>, inline, explode = false)]
    outcome_kind: Option<Any<OutcomeKind>>,
    /// Only outcomes about this record.
    about_id: Option<AnyRecordId>,
    /// Only the outcome that gave this action.
    action_id: Option<ActionId>,
    /// Whether an outcome that asks for an action has no action recorded.
    without_action: Option<bool>,
    /// Only outcomes of meetings on or after this date.
    meeting_from: Option<NaiveDate>,
    /// Only outcomes of meetings on or before this date.
    meeting_until: Option<NaiveDate>,
}

impl MeetingOutcome {
    fn check_kind(&self, rules: &mut Rules<'_, Self>) {
        let decided = self.outcome_kind == OutcomeKind::Decision;
        let (code, detail) = if decided {
            ("required", "a decision needs its wording; give decision")
        } else {
            (
                "not_allowed",
                "only an outcome of kind decision has decision; set outcome_kind to decision or \
                    leave decision out",
            )
        };
        rules.require(
            decided == self.decision.is_some(),
            "/decision",
            code,
            detail,
        );
        rules.require(
            self.action_id.is_none() || self.outcome_kind == OutcomeKind::Action,
            "/action_id",
            "not_allowed",
            "only an outcome of kind action has action_id; set outcome_kind to action or leave \
                action_id out",
        );
        let action = self
            .action_id
            .and_then(|id| rules.reading.world.get::<Action>(id));
        rules.require(
            action.is_none_or(|a| a.data.meeting_id == self.meeting_id),
            "/action_id",
            "other_meeting",
            "must be an action given at the same meeting",
        );
    }

    /// Checks that what approved minutes record does not change.
    fn check_unchanged(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/meeting_id",
            |o| o.meeting_id,
            "withdraw this outcome and record it for the other meeting",
        );
        let (world, id) = (rules.reading.world, self.meeting_id);
        let approved =
            |m: &Rec<Minutes>| m.data.meeting_id == id && m.data.status != MinutesStatus::Draft;
        if world.pointing::<Minutes>(id).any(approved) {
            let remedy = "the minutes of the meeting are approved; record an amendment to them, \
                and a new outcome in place of this one";
            fixed(
                rules,
                self,
                "/agenda_number",
                |o| o.agenda_number.clone(),
                remedy,
            );
            fixed(rules, self, "/outcome_kind", |o| o.outcome_kind, remedy);
            fixed(rules, self, "/text", |o| o.text.clone(), remedy);
            fixed(rules, self, "/decision", |o| o.decision.clone(), remedy);
        }
    }
}

impl Resource for MeetingOutcome {
    const KIND: &'static str = "meeting_outcome";
    const PATH: &'static str = "meeting-outcomes";
    const PREFIX: &'static str = "OUT";
    const SUBJECT: Subject = Subject::Meeting;
    const ABOUT: &'static str = "Outcomes of the items of a meeting: information, a decision in \
        words, or an action. Once the minutes are approved, an outcome cannot be changed.";
    type Computed = NothingComputed;
    type Filter = MeetingOutcomeFilter;

    fn example() -> Value {
        json!({
            "meeting_id": "019abcde-0000-7000-8000-000000000001", "agenda_number": "2", "outcome_kind": "decision",
            "text": "Who else should have a seat", "decision": "Membership is opened to further groups"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.text)
    }
    fn place(&self) -> Place {
        Place::within([self.meeting_id])
    }
    // S20
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        only_when_held(rules, "/meeting_id", self.meeting_id.uuid());
        distinct(rules, "/record_ids", &self.record_ids);
        self.check_kind(rules);
        self.check_unchanged(rules);
        let meeting = rules.reading.world.get::<Meeting>(self.meeting_id);
        let listed = |number: &str| meeting.is_none_or(|m| m.data.has_item(number));
        rules.require(
            self.agenda_number.as_deref().is_none_or(listed),
            "/agenda_number",
            "unknown",
            "is not a number on the meeting's agenda; add the item there or leave agenda_number \
                out",
        );
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let o = &r.data;
        is(&f.meeting_id, &o.meeting_id)
            && any(&f.outcome_kind, &o.outcome_kind)
            && is_some(&f.action_id, &o.action_id)
            && f.about_id
                .is_none_or(|id| o.record_ids.iter().any(|r| *r == id.uuid()))
            && asked(f.without_action, || {
                o.outcome_kind == OutcomeKind::Action && o.action_id.is_none()
            })
            && is_of_board(reading, o.meeting_id, f.board_id)
            && is_within(
                reading,
                o.meeting_id.uuid(),
                (f.meeting_from, f.meeting_until),
            )
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.meeting_id
            .map(Uuid::from)
            .or(f.action_id.map(Uuid::from))
            .or(f.about_id.map(Uuid::from))
    }
}
