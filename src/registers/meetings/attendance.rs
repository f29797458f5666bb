//! Attendance: who was at a meeting, in what capacity and representing whom. Having a seat is not
//! attendance.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Meeting, MeetingStatus};
use crate::policy::Subject;
use crate::registers::checks::fixed;
use crate::registers::governance::{BoardId, Membership, MembershipCapacity, MembershipId};
use crate::registers::links::others;
use crate::registers::meetings::MeetingId;
use crate::registers::meetings::meeting::checks::{is_of_board, is_within};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::world::dates::overlap;
use crate::world::{Meta, Place, Reading, Rec, Resource, Rules, Text, World};

/// Whether someone attended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AttendanceStatus {
    /// Attended.
    Present,
    /// Sent apologies beforehand.
    Apologies,
    /// Did not attend and sent no apologies.
    Absent,
    /// Another post attended instead.
    Deputised,
}

/// Attendance or absence of one attendee at one meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Attendance {
    /// The meeting. Cannot be changed.
    pub meeting_id: MeetingId,
    /// Seat on the board, whether the member attended or not. Give one of this, `post_id` and
    /// `unit_id`. Cannot be changed.
    #[serde(default)]
    pub membership_id: Option<MembershipId>,
    /// Post, for an attendee without a seat. Cannot be changed.
    #[serde(default)]
    pub post_id: Option<PostId>,
    /// Unit, association or outside body, for an attendee without a seat. Cannot be changed.
    #[serde(default)]
    pub unit_id: Option<UnitId>,
    /// Capacity.
    pub capacity: MembershipCapacity,
    /// Staff support association, advisory group or unit that was represented.
    #[serde(default)]
    pub constituency_unit_id: Option<UnitId>,
    /// Whether they attended. Before the meeting, only apologies can be recorded.
    pub status: AttendanceStatus,
    /// Post that attended instead. Required with `deputised`; not allowed otherwise.
    #[serde(default)]
    pub deputy_post_id: Option<PostId>,
    /// Further details, for example which agenda items.
    #[serde(default)]
    pub note: Option<Text<1000>>,
}

/// Values computed by the service for an attendance record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttendanceComputed {
    /// Post or unit of the attendee, named directly or found through the seat.
    pub attendee_id: Option<Uuid>,
}

/// Narrows a list of attendance records.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AttendanceFilter {
    /// Only attendance at this meeting.
    meeting_id: Option<MeetingId>,
    /// Only attendance at meetings of this board.
    board_id: Option<BoardId>,
    /// Only attendance by this seat.
    membership_id: Option<MembershipId>,
    /// Only attendance by this post or unit, with or without a seat.
    attendee_id: Option<Uuid>,
    /// Only attendance by this post or unit, or by one that belongs to this unit or a unit below
    /// it.
    unit_below: Option<UnitId>,
    /// Only attendance in these capacities.
    #[param(value_type = Option<Vec<MembershipCapacity>>, inline, explode = false)]
    capacity: Option<Any<MembershipCapacity>>,
    /// Only attendance representing this association, group or unit.
    constituency_unit_id: Option<UnitId>,
    /// Only attendance in these statuses.
    #[param(value_type = Option<Vec<AttendanceStatus>>, inline, explode = false)]
    status: Option<Any<AttendanceStatus>>,
    /// Only attendance by this post in place of another.
    deputy_post_id: Option<PostId>,
    /// Only attendance at meetings on or after this date.
    meeting_from: Option<NaiveDate>,
    /// Only attendance at meetings on or before this date.
    meeting_until: Option<NaiveDate>,
}

impl Attendance {
    fn attendee(&self, world: &World) -> Option<Uuid> {
        let seat = || {
            world
                .get::<Membership>(self.membership_id?)
                .map(|m| &m.data)
        };
        let either = |post: Option<PostId>, unit: Option<UnitId>| {
            post.map(Uuid::from).or(unit.map(Uuid::from))
        };
        either(self.post_id, self.unit_id)
            .or_else(|| seat().and_then(|m| either(m.post_id, m.unit_id)))
    }

    fn check_attendee(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "withdraw this attendance record and create another";
        fixed(rules, self, "/meeting_id", |a| a.meeting_id, remedy);
        fixed(rules, self, "/membership_id", |a| a.membership_id, remedy);
        fixed(rules, self, "/post_id", |a| a.post_id, remedy);
        fixed(rules, self, "/unit_id", |a| a.unit_id, remedy);
        let named = [
            self.membership_id.map(Uuid::from),
            self.post_id.map(Uuid::from),
            self.unit_id.map(Uuid::from),
        ];
        let pointer = ["/membership_id", "/post_id", "/unit_id"]
            .into_iter()
            .zip(named)
            .find_map(|(pointer, id)| id.map(|_| pointer))
            .unwrap_or("/membership_id");
        rules.require(
            named.iter().flatten().count() == 1,
            pointer,
            "one_of",
            "name one attendee; give membership_id for a seat or, for an attendee without one, \
                post_id or unit_id",
        );
        let world = rules.reading.world;
        let attendee = self.attendee(world);
        let taken = attendee.is_some()
            && others::<Self>(rules, self.meeting_id.uuid())
                .any(|a| a.computed.attendee_id == attendee);
        rules.require(
            !taken,
            pointer,
            "duplicate",
            "the attendance of this post or unit at the meeting is already recorded; change that \
                record",
        );
        // Nobody is counted twice at a meeting.
        let deputy = self.deputy_post_id.map(Uuid::from);
        let deputises = |a: &Rec<Self>| a.data.deputy_post_id.map(Uuid::from);
        let is_deputy = attendee.is_some()
            && others::<Self>(rules, self.meeting_id.uuid()).any(|a| deputises(a) == attendee);
        rules.require(
            !is_deputy,
            pointer,
            "duplicate",
            "this post is already recorded as a deputy at the meeting; change that record",
        );
        let is_there = deputy.is_some()
            && others::<Self>(rules, self.meeting_id.uuid())
                .any(|a| a.computed.attendee_id == deputy || deputises(a) == deputy);
        rules.require(
            !is_there,
            "/deputy_post_id",
            "duplicate",
            "the attendance of this post at the meeting is already recorded, on its own or as a \
                deputy; name another post, or change that record",
        );
        rules.require(
            self.deputy_post_id.is_none() || self.deputy_post_id.map(Uuid::from) != attendee,
            "/deputy_post_id",
            "same",
            "nobody can deputise for themselves; set status to present, or name another post",
        );
    }

    /// Checks that the seat was one on the board at that meeting. A term may be corrected later.
    fn check_seat(&self, rules: &mut Rules<'_, Self>, meeting: &Meeting) {
        let world = rules.reading.world;
        let Some(seat) = self
            .membership_id
            .and_then(|id| world.get::<Membership>(id))
        else {
            return;
        };
        rules.require(
            seat.data.board_id == meeting.board_id,
            "/membership_id",
            "other_board",
            "is a seat on another board; name a seat on the board that met, or give post_id or \
                unit_id instead",
        );
        rules.require(
            rules.before.is_some() || overlap(seat.data.active_days(), meeting.days()),
            "/membership_id",
            "term",
            "the term of this seat does not include the day of the meeting; name the seat held on \
                that day, or give post_id or unit_id instead",
        );
    }
}

impl Resource for Attendance {
    const KIND: &'static str = "attendance";
    const PATH: &'static str = "attendances";
    const PREFIX: &'static str = "ATT";
    const SUBJECT: Subject = Subject::Meeting;
    const ABOUT: &'static str = "Who was at a meeting: a seat of the board, or a post or body \
        without one; in what capacity, representing which association or group, and whether \
        present, with apologies, absent or deputised. One record for each attendee and meeting.";
    type Computed = AttendanceComputed;
    type Filter = AttendanceFilter;

    fn example() -> Value {
        json!({
            "meeting_id": "019abcde-0000-7000-8000-000000000001",
            "post_id": "019abcde-0000-7000-8000-000000000002",
            "capacity": "member",
            "constituency_unit_id": "019abcde-0000-7000-8000-000000000003",
            "status": "present"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.meeting_id])
    }
    // S20
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        use AttendanceStatus::{Apologies, Deputised};
        self.check_attendee(rules);
        let Some(meeting) = rules.reading.world.get::<Meeting>(self.meeting_id) else {
            return;
        };
        self.check_seat(rules, &meeting.data);
        match (meeting.data.status, self.status) {
            (MeetingStatus::Held, _) | (MeetingStatus::Scheduled, Apologies) => {}
            (MeetingStatus::Scheduled, _) => rules.refuse(
                "/status",
                "not_held",
                "the meeting has not been held, and until then only apologies can be recorded; \
                    set its status to held first",
            ),
            (MeetingStatus::Cancelled, _) => {
                rules.refuse(
                    "/meeting_id",
                    "not_held",
                    "the meeting was cancelled; name one that was held",
                );
            }
        }
        let deputised = self.status == Deputised;
        let (code, detail) = if deputised {
            (
                "required",
                "say which post attended instead; give deputy_post_id",
            )
        } else {
            (
                "not_allowed",
                "only a deputised attendee has deputy_post_id; set status to deputised or leave \
                    deputy_post_id out",
            )
        };
        rules.require(
            deputised == self.deputy_post_id.is_some(),
            "/deputy_post_id",
            code,
            detail,
        );
    }
    fn compute(&self, reading: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        AttendanceComputed {
            attendee_id: self.attendee(reading.world),
        }
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let a = &r.data;
        let below = |top| {
            r.computed
                .attendee_id
                .is_some_and(|id| reading.world.is_in_scope(id, top))
        };
        is(&f.meeting_id, &a.meeting_id)
            && is_some(&f.membership_id, &a.membership_id)
            && is_some(&f.attendee_id, &r.computed.attendee_id)
            && any(&f.capacity, &a.capacity)
            && is_some(&f.constituency_unit_id, &a.constituency_unit_id)
            && any(&f.status, &a.status)
            && is_some(&f.deputy_post_id, &a.deputy_post_id)
            && is_of_board(reading, a.meeting_id, f.board_id)
            && is_within(
                reading,
                a.meeting_id.uuid(),
                (f.meeting_from, f.meeting_until),
            )
            && f.unit_below.is_none_or(below)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.meeting_id
            .map(Uuid::from)
            .or(f.membership_id.map(Uuid::from))
            .or(f.deputy_post_id.map(Uuid::from))
            .or(f.constituency_unit_id.map(Uuid::from))
    }
}
