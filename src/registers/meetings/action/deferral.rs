//! Deferrals of actions: the old and new due dates, and the reason. They are counted and never
//! changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::{count, others};
use crate::registers::meetings::action::checks::on_action;
use crate::registers::meetings::action::{Due, due_of, due_with};
use crate::registers::meetings::meeting::checks::{
    is_of_board, is_secretarys, later_meeting, only_of_same_board, withdrawn_by_secretary,
};
use crate::registers::meetings::{
    Action, ActionId, ActionPartId, ActionStatus, Meeting, MeetingId, MeetingStatus,
};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{is, is_some};
use crate::world::date::PlannedDate;
use crate::world::dates::When;
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Deferral of an action or of one of its parts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ActionDeferral {
    /// The action.
    pub action_id: ActionId,
    /// Part that was deferred. Null if the action was deferred as a whole.
    #[serde(default)]
    pub part_id: Option<ActionPartId>,
    /// When it is now due. If deferred to a meeting, give `to_meeting_id`; if deferred without a
    /// date, give the words of the source.
    #[serde(default)]
    pub to: PlannedDate,
    /// Meeting it was deferred to. If `to` has no date, the date of this meeting counts.
    #[serde(default)]
    pub to_meeting_id: Option<MeetingId>,
    /// Reason.
    pub reason: Text<2000, 1>,
    /// Date the deferral was stated or decided.
    pub decided_on: NaiveDate,
    /// The post that asked for it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Meeting that agreed to the deferral, as recorded by its board's secretary. Null if the
    /// deferral is only stated by the owner.
    #[serde(default)]
    pub agreed_at_meeting_id: Option<MeetingId>,
}

/// Values recorded by the service for a deferral.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActionDeferralComputed {
    /// Previous due date.
    pub from: PlannedDate,
    /// Previous target meeting.
    pub from_meeting_id: Option<Uuid>,
    /// Number of days it moved. Null if either date is missing.
    pub days_moved: Option<i64>,
    /// Number of this deferral among those of the action, starting at 1, when it was recorded.
    #[schema(minimum = 0)]
    pub ordinal: u32,
}

/// Narrows a list of deferrals.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ActionDeferralFilter {
    /// Only deferrals of this action and its parts.
    action_id: Option<ActionId>,
    /// Only deferrals of this part.
    part_id: Option<ActionPartId>,
    /// Only deferrals of actions given at this meeting.
    meeting_id: Option<MeetingId>,
    /// Only deferrals of actions given at meetings of this board.
    board_id: Option<BoardId>,
    /// Only deferrals of actions owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only deferrals from this meeting.
    from_meeting_id: Option<MeetingId>,
    /// Only deferrals to this meeting.
    to_meeting_id: Option<MeetingId>,
    /// Only deferrals asked for by this post.
    by_post_id: Option<PostId>,
    /// Whether a meeting agreed to the deferral.
    agreed: Option<bool>,
    /// Only deferrals decided on or after this date.
    decided_from: Option<NaiveDate>,
    /// Only deferrals decided on or before this date.
    decided_until: Option<NaiveDate>,
}

impl ActionDeferral {
    /// Returns when it is due under this deferral.
    pub(in crate::registers::meetings) fn due(&self) -> Due {
        Due {
            date: self.to.clone(),
            meeting: self.to_meeting_id.map(Into::into),
        }
    }

    /// The day on which it is due under this deferral, as far as the caller may see.
    pub(super) fn when<'a>(&'a self, reading: Reading<'a>) -> When<'a> {
        let meeting = || {
            reading
                .get::<Meeting>(self.to_meeting_id?)?
                .computed
                .meeting_on
        };
        match self.to.due_on {
            Some(_) => When::from(&self.to),
            None => When {
                source_text: self.to.source_text.as_deref(),
                ..When::on(meeting())
            },
        }
    }

    fn check_target(&self, rules: &mut Rules<'_, Self>, meeting: Uuid) {
        rules.planned("/to", &self.to);
        rules.require(
            self.to.due_on.is_some()
                || self.to_meeting_id.is_some()
                || self.to.source_text.is_some(),
            "/to",
            "required",
            "say when it is deferred to; give a date in to, a meeting in to_meeting_id or, if \
                there is no date, the words of the source in to/source_text",
        );
        only_of_same_board(
            rules,
            "/to_meeting_id",
            meeting,
            self.to_meeting_id.map(Into::into),
        );
        let target = self
            .to_meeting_id
            .and_then(|id| rules.reading.world.get::<Meeting>(id));
        rules.require(
            rules.before.is_some()
                || target.is_none_or(|m| m.data.status != MeetingStatus::Cancelled),
            "/to_meeting_id",
            "cancelled",
            "that meeting was cancelled; name the meeting that replaces it",
        );
        rules.require(
            self.to_meeting_id != Some(meeting.into()),
            "/to_meeting_id",
            "same",
            "is the meeting that gave the action; name a later meeting",
        );
    }

    /// Checks what must be true when the deferral is recorded. It is not checked later, because the
    /// action may have moved on.
    fn check_move(&self, rules: &mut Rules<'_, Self>, action: &Rec<Action>) {
        let world = rules.reading.world;
        rules.require(
            action.computed.first_due.is_some(),
            "/action_id",
            "no_due",
            "no due date is recorded for the action; set due or target_meeting_id with PATCH on \
                the action",
        );
        let closed = action.data.status != ActionStatus::Open
            && action.data.closed_on.is_none_or(|d| d < self.decided_on);
        rules.require(
            !closed,
            "/action_id",
            "closed",
            "the action is closed or cancelled; reopen it before you defer it",
        );
        let now = due_of(world, action, self.part_id.map(Into::into));
        let (from, to) = (now.day(world), self.due().day(world));
        let earlier = matches!((from, to), (Some(from), Some(to)) if to <= from);
        let same = from.is_none() && now == self.due();
        let pointer = if self.to.due_on.is_none() && self.to_meeting_id.is_some() {
            "/to_meeting_id"
        } else {
            "/to"
        };
        rules.require(
            !earlier && !same,
            pointer,
            "not_later",
            "is not later than the current due date; give a later date, or do not record a \
                deferral",
        );
        let last = others(rules, self.action_id.uuid())
            .map(|d| d.data.decided_on)
            .max();
        rules.in_order(
            last,
            Some(self.decided_on),
            "/decided_on",
            "the last deferral of this action",
        );
    }
}

impl Resource for ActionDeferral {
    const KIND: &'static str = "action_deferral";
    const PATH: &'static str = "action-deferrals";
    const PREFIX: &'static str = "ACD";
    const SUBJECT: Subject = Subject::ActionProgress;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Deferrals of an action or part of it, with the reason: to a \
        date, to a meeting, or without a date. The action is then due with the last of its \
        parts. Its first due date stays on record. Withdrawing a deferral moves the due date \
        back.";
    const APPEND_ONLY: bool = true;
    type Computed = ActionDeferralComputed;
    type Filter = ActionDeferralFilter;

    fn example() -> Value {
        json!({
            "action_id": "019abcde-0000-7000-8000-000000000001",
            "to": { "precision": "quarter", "due_on": "2020-12-31", "source_text": "the next meeting" },
            "reason": "The dashboard is not developed far enough to be shown",
            "decided_on": "2020-09-28"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.action_id]).and_within(self.part_id)
    }
    fn normalise(&mut self) {
        self.to.normalise();
    }
    // S21
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/decided_on", Some(self.decided_on));
        let world = rules.reading.world;
        let Some(action) = world.get::<Action>(self.action_id) else {
            return;
        };
        let meeting = action.data.meeting_id;
        on_action(
            rules,
            action,
            self.part_id.map(Into::into),
            ("/decided_on", self.decided_on),
        );
        self.check_target(rules, meeting.uuid());
        later_meeting(
            rules,
            "/agreed_at_meeting_id",
            meeting.uuid(),
            self.agreed_at_meeting_id.map(Into::into),
        );
        if self.agreed_at_meeting_id.is_some()
            && rules.before.is_none()
            && !is_secretarys(rules, meeting.uuid())
        {
            let detail = "only the secretary of the board that gave the action can record its \
                agreement; leave agreed_at_meeting_id out";
            rules.forbid("/agreed_at_meeting_id", detail);
        }
        if rules.before.is_none() {
            self.check_move(rules, action);
        }
        let due = due_with(world, action, self, rules.meta);
        rules.follow_up(
            self.action_id,
            json!({ "due": due.date, "target_meeting_id": due.meeting }),
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
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        if let Some(before) = before {
            return before.computed.clone();
        }
        let world = reading.world;
        let Some(action) = world.get::<Action>(self.action_id) else {
            return ActionDeferralComputed::default();
        };
        let from = due_of(world, action, self.part_id.map(Into::into));
        let earlier = world
            .pointing::<Self>(self.action_id)
            .filter(|d| d.meta.id != meta.id)
            .count();
        let days = from.day(world).zip(self.due().day(world));
        ActionDeferralComputed {
            days_moved: days.map(|(from, to)| (to - from).num_days()),
            from: from.date,
            from_meeting_id: from.meeting,
            ordinal: count(earlier + 1),
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
            name: "decided_on",
            key: |r| Key::from(Some(r.data.decided_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let d = &r.data;
        let action = || reading.world.get::<Action>(d.action_id);
        let meeting = || action().map(|a| a.data.meeting_id);
        let below = |top| {
            action()
                .and_then(|a| a.data.owner())
                .is_some_and(|owner| reading.world.is_in_scope(owner, top))
        };
        is(&f.action_id, &d.action_id)
            && is_some(&f.part_id, &d.part_id)
            && is_some(&f.from_meeting_id, &r.computed.from_meeting_id)
            && is_some(&f.to_meeting_id, &d.to_meeting_id)
            && is_some(&f.by_post_id, &d.by_post_id)
            && asked(f.agreed, || d.agreed_at_meeting_id.is_some())
            && in_window(Some(d.decided_on), (f.decided_from, f.decided_until))
            && (f.meeting_id.is_none() || meeting() == f.meeting_id)
            && (f.board_id.is_none()
                || meeting().is_some_and(|m| is_of_board(reading, m, f.board_id)))
            && f.unit_below.is_none_or(below)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.part_id
            .map(Uuid::from)
            .or(f.action_id.map(Uuid::from))
            .or(f.to_meeting_id.map(Uuid::from))
            .or(f.by_post_id.map(Uuid::from))
    }
}
