//! Minutes of a meeting. A draft can be corrected; approved minutes can only be amended.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::others;
use crate::registers::meetings::meeting::checks::{
    first_day, is_of_board, is_within, later_meeting, only_when_held,
};
use crate::registers::meetings::{Meeting, MeetingId, MinutesAmendment, MinutesDelivery};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MinutesStatus {
    /// Can be corrected directly.
    #[default]
    Draft,
    /// The board has agreed that they are correct. They can no longer be changed.
    Approved,
    /// Approved, and corrected since by an amendment. Set by the service.
    Amended,
}

/// Id of a minutes.
pub type MinutesId = Id<Minutes>;

/// Minutes of one meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Minutes {
    /// Meeting the minutes are of. A meeting has one set of minutes. Cannot be changed.
    pub meeting_id: MeetingId,
    /// Status of the minutes. POST /api/v1/minutes-amendments makes them amended.
    #[serde(default)]
    pub status: MinutesStatus,
    /// Text, or a summary of it. Cannot be changed once approved.
    #[serde(default)]
    pub text: Option<Text<20000>>,
    /// Document that contains them, in words: title, version, location. Cannot be changed once
    /// approved.
    #[serde(default)]
    pub document: Option<Text<500>>,
    /// Post that wrote them. Cannot be changed once approved.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Meeting that approved them. Approved minutes need this, `approved_on` or both. Cannot be
    /// changed once approved.
    #[serde(default)]
    pub approved_at_meeting_id: Option<MeetingId>,
    /// Date of approval. Cannot be changed once approved.
    #[serde(default)]
    pub approved_on: Option<NaiveDate>,
}

/// Narrows a list of minutes.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MinutesFilter {
    /// Only minutes of this meeting.
    meeting_id: Option<MeetingId>,
    /// Only minutes of meetings of this board.
    board_id: Option<BoardId>,
    /// Only minutes of boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only minutes in these statuses.
    #[param(value_type = Option<Vec<MinutesStatus>>, inline, explode = false)]
    status: Option<Any<MinutesStatus>>,
    /// Only minutes approved by this meeting.
    approved_at_meeting_id: Option<MeetingId>,
    /// Only minutes approved on or after this date.
    approved_from: Option<NaiveDate>,
    /// Only minutes approved on or before this date.
    approved_until: Option<NaiveDate>,
    /// Only minutes of meetings on or after this date.
    meeting_from: Option<NaiveDate>,
    /// Only minutes of meetings on or before this date.
    meeting_until: Option<NaiveDate>,
    /// Only minutes sent to this unit, post or board.
    sent_to: Option<Uuid>,
    /// Whether they were sent to anyone.
    sent: Option<bool>,
}

impl Minutes {
    /// S20: approved minutes change only by amendment.
    fn check_status(&self, rules: &mut Rules<'_, Self>) {
        use MinutesStatus::{Amended, Approved, Draft};
        let was = rules.before.map(|b| b.data.status);
        if self.status == Amended && was != Some(Amended) {
            rules.refuse(
                "/status",
                "use_amendment",
                "record the minutes as approved, then record the correction with POST \
                    /api/v1/minutes-amendments",
            );
        } else {
            rules.transition("/status", was, self.status, &[(Draft, &[Approved])]);
        }
        if was.is_some_and(|s| s != Draft) {
            let remedy = "the minutes are approved; record the correction with POST \
                /api/v1/minutes-amendments";
            fixed(rules, self, "/text", |m| m.text.clone(), remedy);
            fixed(rules, self, "/document", |m| m.document.clone(), remedy);
            fixed(rules, self, "/by_post_id", |m| m.by_post_id, remedy);
            fixed(
                rules,
                self,
                "/approved_at_meeting_id",
                |m| m.approved_at_meeting_id,
                remedy,
            );
            fixed(rules, self, "/approved_on", |m| m.approved_on, remedy);
        }
    }

    fn check_approval(&self, rules: &mut Rules<'_, Self>) {
        let approved = self.status != MinutesStatus::Draft;
        let given = self.approved_on.is_some() || self.approved_at_meeting_id.is_some();
        let (code, detail) = if approved {
            (
                "required",
                "approved minutes need approved_on, approved_at_meeting_id or both",
            )
        } else {
            (
                "not_allowed",
                "a draft has neither approved_on nor approved_at_meeting_id; set status to \
                    approved or leave them out",
            )
        };
        rules.require(given == approved, "/approved_on", code, detail);
        rules.require(
            self.approved_at_meeting_id != Some(self.meeting_id),
            "/approved_at_meeting_id",
            "same",
            "a meeting cannot approve its own minutes; name the later meeting that did",
        );
        later_meeting(
            rules,
            "/approved_at_meeting_id",
            self.meeting_id.uuid(),
            self.approved_at_meeting_id.map(Into::into),
        );
        not_in_future(rules, "/approved_on", self.approved_on);
        let world = rules.reading.world;
        rules.in_order(
            first_day(world, self.meeting_id.uuid()),
            self.approved_on,
            "/approved_on",
            "the meeting",
        );
        let there = self
            .approved_at_meeting_id
            .and_then(|id| world.get::<Meeting>(id))
            .and_then(|m| m.data.held_on);
        rules.require(
            self.approved_on.is_none() || there.is_none() || there == self.approved_on,
            "/approved_on",
            "date_order",
            "is not the date of the meeting that approved the minutes; leave one of the two out, \
                or make them match",
        );
    }

    /// Checks that a meeting has one set of minutes. Withdrawing approved minutes does not make
    /// room for others.
    fn check_others(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/meeting_id",
            |m| m.meeting_id,
            "withdraw these minutes and record minutes for the other meeting",
        );
        let (world, id, meeting) = (rules.reading.world, rules.meta.id, self.meeting_id);
        rules.require(
            !others::<Self>(rules, meeting.uuid()).any(|m| m.data.meeting_id == meeting),
            "/meeting_id",
            "duplicate",
            "the meeting already has minutes; change those or, if they are approved, amend them",
        );
        let settled = |m: &&Rec<Self>| {
            !world.is_live(*m)
                && m.meta.id != id
                && m.data.meeting_id == meeting
                && m.data.status != MinutesStatus::Draft
        };
        let mut all = world
            .pointing_to(meeting)
            .filter_map(|r| r.as_any().downcast_ref::<Rec<Self>>());
        rules.require(
            !all.any(|m| settled(&m)),
            "/meeting_id",
            "withdrawn",
            "approved minutes of this meeting were withdrawn; restore them and record an amendment",
        );
    }

    /// Sets the status to amended while there is an amendment, and back to approved when no
    /// amendment is left.
    fn keep_to_amendments(&self, rules: &mut Rules<'_, Self>) {
        let amended = rules
            .reading
            .world
            .pointing::<MinutesAmendment>(rules.meta.id)
            .next()
            .is_some();
        let status = match (self.status, amended) {
            (MinutesStatus::Draft, _) => MinutesStatus::Draft,
            (_, true) => MinutesStatus::Amended,
            (_, false) => MinutesStatus::Approved,
        };
        if status != self.status {
            rules.follow_up(rules.meta.id, json!({ "status": status }));
        }
    }
}

impl Resource for Minutes {
    const KIND: &'static str = "minutes";
    const PATH: &'static str = "minutes";
    const PREFIX: &'static str = "MIN";
    const SUBJECT: Subject = Subject::Meeting;
    const ABOUT: &'static str = "Minutes of meetings. A draft can be corrected directly. Approved \
        minutes cannot be changed; a later correction is recorded as a separate amendment.";
    type Computed = NothingComputed;
    type Filter = MinutesFilter;

    fn example() -> Value {
        json!({
            "meeting_id": "019abcde-0000-7000-8000-000000000001",
            "status": "approved",
            "text": "The board opened its membership to further groups.",
            "document": "Delivery Board minutes, 29 June 2020, version 1.0",
            "approved_on": "2020-07-27"
        })
    }
    fn title(&self) -> Option<&str> {
        self.text.as_deref()
    }
    fn place(&self) -> Place {
        Place::within([self.meeting_id])
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        if rules.following {
            self.keep_to_amendments(rules);
            return;
        }
        self.check_status(rules);
        self.check_others(rules);
        only_when_held(rules, "/meeting_id", self.meeting_id.uuid());
        self.check_approval(rules);
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.meeting_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "approved_on",
            key: |r| Key::from(r.data.approved_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let m = &r.data;
        let to = |id| {
            reading
                .pointing::<MinutesDelivery>(r.meta.id)
                .any(|d| d.data.to() == Some(id))
        };
        is(&f.meeting_id, &m.meeting_id)
            && any(&f.status, &m.status)
            && is_some(&f.approved_at_meeting_id, &m.approved_at_meeting_id)
            && in_window(m.approved_on, (f.approved_from, f.approved_until))
            && is_of_board(reading, m.meeting_id, f.board_id)
            && is_within(
                reading,
                m.meeting_id.uuid(),
                (f.meeting_from, f.meeting_until),
            )
            && f.sent_to.is_none_or(to)
            && asked(f.sent, || {
                reading
                    .pointing::<MinutesDelivery>(r.meta.id)
                    .next()
                    .is_some()
            })
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.meeting_id
            .map(Uuid::from)
            .or(f.approved_at_meeting_id.map(Uuid::from))
    }
}
