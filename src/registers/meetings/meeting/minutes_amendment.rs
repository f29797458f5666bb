//! Amendments to approved minutes: the correction, the reason, and who agreed. They are never
//! changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::meetings::meeting::checks::{first_day, is_of_board, later_meeting};
use crate::registers::meetings::{Meeting, MeetingId, Minutes, MinutesId, MinutesStatus};
use crate::registers::organisation::PostId;
use crate::registers::query::{is, is_some};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Correction to approved minutes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MinutesAmendment {
    /// Minutes that are corrected. They must be approved.
    pub minutes_id: MinutesId,
    /// What the minutes should say, and what it replaces.
    pub change: Text<8000, 1>,
    /// Reason.
    pub reason: Text<2000, 1>,
    /// Date the amendment was agreed.
    pub agreed_on: NaiveDate,
    /// Meeting that agreed the amendment.
    #[serde(default)]
    pub agreed_at_meeting_id: Option<MeetingId>,
    /// The post that asked for it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
}

/// Narrows a list of amendments to minutes.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MinutesAmendmentFilter {
    /// Only amendments to these minutes.
    minutes_id: Option<MinutesId>,
    /// Only amendments to the minutes of this meeting.
    meeting_id: Option<MeetingId>,
    /// Only amendments to the minutes of this board.
    board_id: Option<BoardId>,
    /// Only amendments agreed by this meeting.
    agreed_at_meeting_id: Option<MeetingId>,
    /// Only amendments agreed on or after this date.
    agreed_from: Option<NaiveDate>,
    /// Only amendments agreed on or before this date.
    agreed_until: Option<NaiveDate>,
}

impl Resource for MinutesAmendment {
    const KIND: &'static str = "minutes_amendment";
    const PATH: &'static str = "minutes-amendments";
    const PREFIX: &'static str = "MAM";
    const SUBJECT: Subject = Subject::Meeting;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Corrections to approved minutes, kept separately from what was \
        approved. Recording one makes the minutes amended; withdrawing the only one makes them \
        approved again.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = MinutesAmendmentFilter;

    fn example() -> Value {
        json!({
            "minutes_id": "019abcde-0000-7000-8000-000000000001",
            "change": "Item 2: the offer of seats went to all associations, not to one",
            "reason": "The draft left out the second half of the decision",
            "agreed_on": "2020-09-28"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.minutes_id])
    }
    // S20
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/agreed_on", Some(self.agreed_on));
        let world = rules.reading.world;
        let Some(minutes) = world.get::<Minutes>(self.minutes_id) else {
            return;
        };
        rules.require(
            minutes.data.status != MinutesStatus::Draft,
            "/minutes_id",
            "draft",
            "the minutes are a draft; correct them with PATCH on the minutes",
        );
        let meeting = minutes.data.meeting_id;
        later_meeting(
            rules,
            "/agreed_at_meeting_id",
            meeting.uuid(),
            self.agreed_at_meeting_id.map(Into::into),
        );
        let approved_on = minutes
            .data
            .approved_on
            .or_else(|| first_day(world, minutes.data.approved_at_meeting_id?.uuid()));
        rules.in_order(
            approved_on,
            Some(self.agreed_on),
            "/agreed_on",
            "the approval of the minutes",
        );
        let there = self
            .agreed_at_meeting_id
            .and_then(|id| world.get::<Meeting>(id))
            .and_then(|m| m.data.held_on);
        rules.require(
            there.is_none_or(|d| d == self.agreed_on),
            "/agreed_on",
            "date_order",
            "is not the date of the meeting that agreed the amendment; make the two match, or \
                leave the meeting out",
        );
        rules.follow_up(self.minutes_id, json!({ "status": MinutesStatus::Amended }));
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.minutes_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "agreed_on",
            key: |r| Key::from(Some(r.data.agreed_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let meeting = || {
            reading
                .world
                .get::<Minutes>(r.data.minutes_id)
                .map(|m| m.data.meeting_id)
        };
        is(&f.minutes_id, &r.data.minutes_id)
            && is_some(&f.agreed_at_meeting_id, &r.data.agreed_at_meeting_id)
            && in_window(Some(r.data.agreed_on), (f.agreed_from, f.agreed_until))
            && (f.meeting_id.is_none() || meeting() == f.meeting_id)
            && (f.board_id.is_none()
                || meeting().is_some_and(|m| is_of_board(reading, m, f.board_id)))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.minutes_id
            .map(Uuid::from)
            .or(f.agreed_at_meeting_id.map(Uuid::from))
    }
}
