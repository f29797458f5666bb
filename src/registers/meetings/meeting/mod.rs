//! Meetings: the board, the date, the agenda, and whether they were held.

pub mod checks;
pub mod minutes;
pub mod minutes_amendment;
pub mod minutes_delivery;

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed, in_window, not_in_future};
use crate::registers::governance::{Board, BoardId};
use crate::registers::links::{others, parts};
use crate::registers::meetings::{Minutes, MinutesStatus};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::{PlannedDate, Precision};
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::id::{AnyRecordId, MentionId};
use crate::world::{
    AnyRecord, Id, Key, Link, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// Whether it took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MeetingStatus {
    /// It is planned and has not been recorded as held.
    #[default]
    Scheduled,
    /// It took place. This is final.
    Held,
    /// It will not take place. It can be scheduled again.
    Cancelled,
}

/// How its members meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MeetingFormat {
    /// All in the room.
    InPerson,
    /// All online.
    Online,
    /// Some in the room, some online.
    Hybrid,
    /// Decided in writing, without a meeting.
    #[strum(message = "By correspondence")]
    Correspondence,
}

/// Item on the agenda of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgendaItem {
    /// Number on the agenda ("4", "4a"). Unique within the agenda, ignoring case.
    pub number: Text<20, 1>,
    /// What it is about.
    pub title: Text<300, 1>,
    /// Records of any kind that it is about. These are mentions only: the records can still be
    /// withdrawn.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub record_ids: Vec<MentionId>,
    /// Post that presents the item.
    #[serde(default)]
    pub presenter_post_id: Option<PostId>,
}

/// Id of a meeting.
pub type MeetingId = Id<Meeting>;

/// A meeting of a board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Meeting {
    /// Board that meets. Cannot be changed.
    pub board_id: BoardId,
    /// Title. Meetings of one board on the same day must have different titles.
    pub title: Text<200, 1>,
    /// Whether it took place.
    #[serde(default)]
    pub status: MeetingStatus,
    /// When the meeting is or was planned to be, as precisely as is known ("March 2017").
    #[serde(default)]
    pub scheduled: PlannedDate,
    /// Date it was held. Only a held meeting has it. Without it, `scheduled` gives the time of a
    /// held meeting.
    #[serde(default)]
    pub held_on: Option<NaiveDate>,
    /// How its members meet.
    #[serde(default)]
    pub format: Option<MeetingFormat>,
    /// Venue.
    #[serde(default)]
    pub venue: Option<Text<200>>,
    /// Agenda items, in order.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub agenda: Vec<AgendaItem>,
    /// Why the meeting will not take place. Required for a cancelled meeting; not allowed for any
    /// other.
    #[serde(default)]
    pub cancellation_reason: Option<Text<2000, 1>>,
}

/// Values computed by the service for a meeting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeetingComputed {
    /// Date of the meeting: `held_on`, or the last day of `scheduled`.
    pub meeting_on: Option<NaiveDate>,
    /// Status of the minutes. Null if the meeting has no minutes, or if they have a stricter
    /// marking than the meeting.
    pub minutes_status: Option<MinutesStatus>,
}

/// Narrows a list of meetings.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MeetingFilter {
    /// Only meetings of this board.
    board_id: Option<BoardId>,
    /// Only meetings of boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only meetings in these statuses.
    #[param(value_type = Option<Vec<MeetingStatus>>, inline, explode = false)]
    status: Option<Any<MeetingStatus>>,
    /// Only meetings on or after this date. A meeting known only by month counts by the last day of
    /// the month.
    meeting_from: Option<NaiveDate>,
    /// Only meetings on or before this date.
    meeting_until: Option<NaiveDate>,
    /// Whether the meeting is still scheduled although its date has passed.
    overdue: Option<bool>,
    /// Only meetings with minutes in these statuses.
    #[param(value_type = Option<Vec<MinutesStatus>>, inline, explode = false)]
    minutes_status: Option<Any<MinutesStatus>>,
    /// Whether a held meeting has no minutes, or no approved ones.
    minutes_outstanding: Option<bool>,
    /// Only meetings whose agenda mentions this record.
    about_id: Option<AnyRecordId>,
    /// Only meetings at which this post presents an item.
    presenter_post_id: Option<PostId>,
}

impl Meeting {
    /// Returns the first and last day between which the meeting takes place.
    #[must_use]
    pub fn days(&self) -> Days {
        match self.held_on {
            Some(day) => (Some(day), Some(day)),
            None => (self.scheduled.from_on, self.scheduled.due_on),
        }
    }

    /// Returns the exact date, if known.
    fn exact_day(&self) -> Option<NaiveDate> {
        let planned = || {
            self.scheduled
                .due_on
                .filter(|_| self.scheduled.precision == Precision::Day)
        };
        self.held_on.or_else(planned)
    }

    fn check_status(&self, rules: &mut Rules<'_, Self>) {
        use MeetingStatus::{Cancelled, Held, Scheduled};
        // A new record may have any status, because past meetings are recorded too.
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            &[(Scheduled, &[Held, Cancelled]), (Cancelled, &[Scheduled])],
        );
        let (held, cancelled) = (self.status == Held, self.status == Cancelled);
        rules.require(
            held || self.held_on.is_none(),
            "/held_on",
            "not_allowed",
            "only a held meeting has held_on; set status to held or leave held_on out",
        );
        rules.require(
            !held || self.days().0.is_some_and(|d| d <= rules.reading.on),
            "/held_on",
            "required",
            "a held meeting needs held_on, or a scheduled period that has begun",
        );
        not_in_future(rules, "/held_on", self.held_on);
        let (code, detail) = if cancelled {
            (
                "required",
                "a cancelled meeting needs a reason; give cancellation_reason",
            )
        } else {
            (
                "not_allowed",
                "only a cancelled meeting has cancellation_reason; set status to cancelled or \
                    leave cancellation_reason out",
            )
        };
        rules.require(
            cancelled == self.cancellation_reason.is_some(),
            "/cancellation_reason",
            code,
            detail,
        );
    }

    fn check_board(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/board_id",
            |m| m.board_id,
            "record the meeting for the other board",
        );
        let ended = rules
            .reading
            .world
            .get::<Board>(self.board_id)
            .and_then(|b| b.data.dissolved_on);
        let pointer = if self.held_on.is_some() {
            "/held_on"
        } else {
            "/scheduled"
        };
        if let (Some(ended), Some(day)) = (ended, self.days().0)
            && day > ended
            && self.status != MeetingStatus::Cancelled
        {
            rules.refuse(
                pointer,
                "date_order",
                format!("the board was dissolved on {ended}; name a board that is not dissolved"),
            );
        }
        let day = self
            .exact_day()
            .filter(|_| self.status != MeetingStatus::Cancelled);
        let twin = |m: &Rec<Self>| {
            m.data.status != MeetingStatus::Cancelled
                && m.data.exact_day() == day
                && same_name(&m.data.title, &self.title)
        };
        let taken = day.is_some() && others::<Self>(rules, self.board_id.uuid()).any(twin);
        rules.require(
            !taken,
            "/title",
            "duplicate",
            "the board already has a meeting with this title on this day; change that meeting, or \
                give this one another title",
        );
    }

    fn check_agenda(&self, rules: &mut Rules<'_, Self>) {
        for (n, item) in self.agenda.iter().enumerate() {
            if self
                .agenda
                .iter()
                .take(n)
                .any(|i| same_name(&i.number, &item.number))
            {
                let detail = "an earlier item has this number; choose another";
                rules.refuse(format!("/agenda/{n}/number"), "duplicate", detail);
            }
            distinct(rules, &format!("/agenda/{n}/record_ids"), &item.record_ids);
        }
        let id = rules.meta.id;
        // Outcomes know meetings, so a meeting reads them as records of any kind.
        let world = rules.reading.world;
        let is_outcome = |r: &&Arc<dyn AnyRecord>| world.is_live(r.as_ref());
        let gone = (world.pointing_to(id).filter(is_outcome)).find_map(|r| {
            let number = r.draft().get("agenda_number")?.as_str()?.to_owned();
            (!self.has_item(&number)).then_some(number)
        });
        if let Some(gone) = gone {
            let detail = format!(
                "item {gone} has outcomes; leave it on the agenda, or change the outcomes first"
            );
            rules.refuse("/agenda", "in_use", detail);
        }
    }

    /// Whether an item with this number is on the agenda.
    pub(in crate::registers::meetings) fn has_item(&self, number: &str) -> bool {
        self.agenda.iter().any(|i| same_name(&i.number, number))
    }
}

impl Resource for Meeting {
    const KIND: &'static str = "meeting";
    const PATH: &'static str = "meetings";
    const PREFIX: &'static str = "MTG";
    const SUBJECT: Subject = Subject::Meeting;
    const ABOUT: &'static str = "Meetings of boards: scheduled, held or cancelled, with their \
        agenda. Attendance, minutes, outcomes and actions belong to a meeting. List the meetings \
        of one board with sort=meeting_on to see which came before and after.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::Meeting];
    type Computed = MeetingComputed;
    type Filter = MeetingFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001", "title": "Delivery Board meeting", "status": "held",
            "scheduled": { "precision": "day", "due_on": "2020-06-29", "source_text": "29 June 2020" },
            "held_on": "2020-06-29", "format": "online",
            "agenda": [
                { "number": "1", "title": "Minutes of the last meeting" },
                { "number": "2", "title": "Membership", "presenter_post_id": "019abcde-0000-7000-8000-000000000002" }
            ]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    fn normalise(&mut self) {
        self.scheduled.normalise();
    }
    // S20
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.planned("/scheduled", &self.scheduled);
        self.check_status(rules);
        self.check_board(rules);
        self.check_agenda(rules);
        // Actions due at this meeting take their due date from it.
        if rules.before.is_some_and(|b| b.data.days() != self.days()) {
            let (id, reading) = (rules.meta.id, rules.reading);
            let is_due_here = |r: &&Arc<dyn AnyRecord>| {
                let due = |l: &Link| l.id == id && l.pointer == "/target_meeting_id";
                reading.is_live(r.as_ref()) && r.links().iter().any(due)
            };
            for action in reading.world.pointing_to(id).filter(is_due_here) {
                rules.follow_up(action.meta().id, json!({}));
            }
        }
    }
    fn compute(&self, reading: Reading<'_>, meta: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let own = |m: &&Rec<Minutes>| m.data.meeting_id == meta.id;
        MeetingComputed {
            meeting_on: self.days().1,
            minutes_status: parts::<Minutes>(reading.world, meta)
                .find(own)
                .map(|m| m.data.status),
        }
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let data = &record.data;
        let progress = match data.status {
            MeetingStatus::Scheduled => Progress::Open,
            MeetingStatus::Held => Progress::Done,
            MeetingStatus::Cancelled => Progress::GivenUp,
        };
        let when = match data.held_on {
            Some(day) => When::on(Some(day)),
            None => When::from(&data.scheduled),
        };
        Deadline::new(progress, when).done_on(data.held_on)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let deadline = Self::deadline(record, reading);
        vec![Dated::due(CalendarEntryKind::Meeting, deadline).at_board(record.data.board_id)]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "meeting_on",
                key: |r| Key::from(r.computed.meeting_on),
            },
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let m = &r.data;
        let minutes = || {
            reading
                .pointing::<Minutes>(r.meta.id)
                .find(|i| i.data.meeting_id == r.meta.id)
                .map(|i| i.data.status)
        };
        let outstanding = || {
            m.status == MeetingStatus::Held && minutes().is_none_or(|s| s == MinutesStatus::Draft)
        };
        is(&f.board_id, &m.board_id)
            && any(&f.status, &m.status)
            && in_window(r.computed.meeting_on, (f.meeting_from, f.meeting_until))
            && asked(f.overdue, || {
                Self::deadline(r, reading).is_overdue(reading.on)
            })
            && (f.minutes_status.is_none() || minutes().is_some_and(|s| any(&f.minutes_status, &s)))
            && asked(f.minutes_outstanding, outstanding)
            && f.about_id.is_none_or(|id| {
                m.agenda
                    .iter()
                    .any(|i| i.record_ids.iter().any(|r| *r == id.uuid()))
            })
            && f.presenter_post_id
                .is_none_or(|id| m.agenda.iter().any(|i| i.presenter_post_id == Some(id)))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.about_id
            .map(Uuid::from)
            .or(f.presenter_post_id.map(Uuid::from))
            .or(f.board_id.map(Uuid::from))
    }
}
