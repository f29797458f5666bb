//! Deliveries of minutes: who they were sent to, and when. They are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::meetings::meeting::checks::{first_day, is_of_board};
use crate::registers::meetings::{MeetingId, Minutes, MinutesId};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{is, is_some};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Delivery of minutes to a recipient.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MinutesDelivery {
    /// Minutes that were sent.
    pub minutes_id: MinutesId,
    /// Unit or outside body they were sent to. Give one of this, `to_post_id` and `to_board_id`.
    #[serde(default)]
    pub to_unit_id: Option<UnitId>,
    /// Post they were sent to.
    #[serde(default)]
    pub to_post_id: Option<PostId>,
    /// Board they were sent to.
    #[serde(default)]
    pub to_board_id: Option<BoardId>,
    /// Date they were sent. If the exact date is not known, a date by which they had been sent.
    pub sent_on: NaiveDate,
    /// Post that sent them.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// Why and how they were sent, and how precisely the date is known.
    #[serde(default)]
    pub note: Option<Text<1000>>,
}

/// Narrows a list of deliveries of minutes.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MinutesDeliveryFilter {
    /// Only deliveries of these minutes.
    minutes_id: Option<MinutesId>,
    /// Only deliveries of the minutes of this meeting.
    meeting_id: Option<MeetingId>,
    /// Only deliveries of the minutes of this board.
    board_id: Option<BoardId>,
    /// Only deliveries to this unit or body.
    to_unit_id: Option<UnitId>,
    /// Only deliveries to this post.
    to_post_id: Option<PostId>,
    /// Only deliveries to this board.
    to_board_id: Option<BoardId>,
    /// Only deliveries by this post.
    by_post_id: Option<PostId>,
    /// Only deliveries on or after this date.
    sent_from: Option<NaiveDate>,
    /// Only deliveries on or before this date.
    sent_until: Option<NaiveDate>,
}

impl MinutesDelivery {
    /// Returns the recipient.
    pub(in crate::registers::meetings) fn to(&self) -> Option<Uuid> {
        self.to_unit_id
            .map(Uuid::from)
            .or(self.to_post_id.map(Uuid::from))
            .or(self.to_board_id.map(Uuid::from))
    }
}

impl Resource for MinutesDelivery {
    const KIND: &'static str = "minutes_delivery";
    const PATH: &'static str = "minutes-deliveries";
    const PREFIX: &'static str = "MDL";
    const SUBJECT: Subject = Subject::Meeting;
    const ABOUT: &'static str = "Deliveries of minutes to a body, a post or a board, with the \
        date and the sender. Use as_of to read what was sent.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = MinutesDeliveryFilter;

    fn example() -> Value {
        json!({
            "minutes_id": "019abcde-0000-7000-8000-000000000001",
            "to_unit_id": "019abcde-0000-7000-8000-000000000002",
            "sent_on": "2020-10-01",
            "note": "To show that membership was opened to further groups"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.minutes_id])
    }
    // S20
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.require(
            [
                self.to_unit_id.map(Uuid::from),
                self.to_post_id.map(Uuid::from),
                self.to_board_id.map(Uuid::from),
            ]
            .iter()
            .flatten()
            .count()
                == 1,
            "/to_unit_id",
            "one_of",
            "name one recipient; give to_unit_id, to_post_id or to_board_id, and record a \
                separate delivery for each recipient",
        );
        not_in_future(rules, "/sent_on", Some(self.sent_on));
        let world = rules.reading.world;
        let meeting = world
            .get::<Minutes>(self.minutes_id)
            .map(|m| m.data.meeting_id);
        let held = meeting.and_then(|m| first_day(world, m.uuid()));
        rules.in_order(held, Some(self.sent_on), "/sent_on", "the meeting");
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "sent_on",
            key: |r| Key::from(Some(r.data.sent_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let d = &r.data;
        let meeting = || {
            reading
                .world
                .get::<Minutes>(d.minutes_id)
                .map(|m| m.data.meeting_id)
        };
        is(&f.minutes_id, &d.minutes_id)
            && is_some(&f.to_unit_id, &d.to_unit_id)
            && is_some(&f.to_post_id, &d.to_post_id)
            && is_some(&f.to_board_id, &d.to_board_id)
            && is_some(&f.by_post_id, &d.by_post_id)
            && in_window(Some(d.sent_on), (f.sent_from, f.sent_until))
            && (f.meeting_id.is_none() || meeting() == f.meeting_id)
            && (f.board_id.is_none()
                || meeting().is_some_and(|m| is_of_board(reading, m, f.board_id)))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.minutes_id
            .map(Uuid::from)
            .or(f.to_unit_id.map(Uuid::from))
            .or(f.to_post_id.map(Uuid::from))
            .or(f.to_board_id.map(Uuid::from))
            .or(f.by_post_id.map(Uuid::from))
    }
}
