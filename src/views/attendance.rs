//! Attendance: for each constituency and each seat of a board, the number of its latest meetings at
//! which someone attended for it. Having a seat is not the same as attending.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::governance::Membership;
use crate::registers::links::count;
use crate::registers::meetings::{Attendance, AttendanceStatus, Meeting, MeetingStatus};
use crate::registers::organisation::{Post, UnitKind};
use crate::registers::representation::speaks_for;
use crate::world::collation::reference_key;
use crate::world::dates::overlap;
use crate::world::id::either;
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Resource};

/// Number of a board's latest held meetings that are considered: a year's meetings, if it meets
/// monthly.
pub const LAST_MEETINGS: usize = 12;

/// Attendance at a board's latest held meetings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Turnout {
    /// Number of the latest meetings that were held, at most 12. For a seat, only those in its
    /// term.
    #[schema(maximum = 12)]
    pub held: u32,
    /// Number of those meetings for which attendance is recorded. For the others it is not known.
    #[schema(maximum = 12)]
    pub recorded: u32,
    /// Number of those meetings at which someone was present for it, including as a deputy.
    #[schema(maximum = 12)]
    pub attended: u32,
    /// Date of the latest meeting attended. Null if no meeting was attended.
    pub last_attended_on: Option<NaiveDate>,
}

/// A held meeting, and whom those present represented.
struct Held<'a> {
    meeting: &'a Rec<Meeting>,
    recorded: bool,
    units: HashSet<Uuid>,
    seats: HashSet<Uuid>,
    kinds: Vec<UnitKind>,
}

/// The latest held meetings of a board, most recent first.
pub struct Attended<'a>(Vec<Held<'a>>);

/// Returns the attendance at the meetings that a board held up to a date.
#[must_use]
pub fn attended(seen: &VisibleWorld, board: Uuid, on: NaiveDate) -> Attended<'_> {
    let mut meetings: Vec<&Rec<Meeting>> = seen
        .pointing::<Meeting>(board)
        .filter(|m| {
            m.data.board_id == board
                && m.data.status == MeetingStatus::Held
                && m.data.days().0.is_none_or(|d| d <= on)
        })
        .collect();
    meetings.sort_by_cached_key(|m| {
        std::cmp::Reverse((m.computed.meeting_on, reference_key(&m.meta.reference)))
    });
    meetings.truncate(LAST_MEETINGS);
    // If the attendance of a post or body does not name a seat, it counts for any seat that the
    // post or body holds.
    let mut seats: HashMap<Uuid, Vec<&Rec<Membership>>> = HashMap::new();
    for seat in seen
        .pointing::<Membership>(board)
        .filter(|m| m.data.board_id == board)
    {
        for holder in [
            seat.data.post_id.map(Uuid::from),
            seat.data.unit_id.map(Uuid::from),
        ]
        .into_iter()
        .flatten()
        {
            seats.entry(holder).or_default().push(seat);
        }
    }
    Attended(
        meetings
            .into_iter()
            .map(|m| Held::of(seen, m, &seats))
            .collect(),
    )
}

impl<'a> Held<'a> {
    fn of(
        seen: &VisibleWorld,
        meeting: &'a Rec<Meeting>,
        seats: &HashMap<Uuid, Vec<&Rec<Membership>>>,
    ) -> Self {
        let mut held = Self {
            meeting,
            recorded: false,
            units: HashSet::new(),
            seats: HashSet::new(),
            kinds: Vec::new(),
        };
        for attendance in seen
            .pointing::<Attendance>(meeting.meta.id)
            .map(|a| &a.data)
        {
            held.recorded = true;
            if matches!(
                attendance.status,
                AttendanceStatus::Present | AttendanceStatus::Deputised
            ) {
                held.came(seen, attendance, seats);
            }
        }
        held
    }

    fn came(
        &mut self,
        seen: &VisibleWorld,
        attendance: &Attendance,
        seats: &HashMap<Uuid, Vec<&Rec<Membership>>>,
    ) {
        let unit_of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
        let days = self.meeting.data.days();
        let holder = either(attendance.post_id, attendance.unit_id);
        let by_holder = holder
            .and_then(|h| seats.get(&h))
            .into_iter()
            .flatten()
            .copied();
        let named = attendance
            .membership_id
            .and_then(|id| seen.get::<Membership>(id));
        let theirs: Vec<&Rec<Membership>> = named
            .into_iter()
            .chain(by_holder.filter(|s| overlap(s.data.active_days(), days)))
            .collect();
        for seat in &theirs {
            self.seats.insert(seat.meta.id);
            self.kinds.extend(seat.data.constituency_kind);
        }
        // The attendance record takes precedence over the seat, and the seat over the unit that the
        // post or body belongs to.
        if let Some(unit) = attendance.constituency_unit_id {
            self.units.insert(unit.uuid());
        } else if theirs.is_empty() {
            let unit = attendance
                .unit_id
                .or_else(|| attendance.post_id.and_then(unit_of_post));
            self.units.extend(unit.map(Uuid::from));
        } else {
            self.units.extend(
                theirs
                    .iter()
                    .filter_map(|s| speaks_for(&s.data, unit_of_post))
                    .map(Uuid::from),
            );
        }
    }
}

impl Attended<'_> {
    /// Attendance by anyone at all.
    #[must_use]
    pub fn of_anybody(&self) -> Turnout {
        self.turnout(|_| true, |h| !h.units.is_empty() || !h.seats.is_empty())
    }

    /// Attendance for a unit, such as an association, with or without a seat.
    #[must_use]
    pub fn for_unit(&self, unit: Uuid) -> Turnout {
        self.turnout(|_| true, |h| h.units.contains(&unit))
    }

    /// Attendance for all units of a kind together, on a collective seat.
    #[must_use]
    pub fn for_kind(&self, kind: UnitKind) -> Turnout {
        self.turnout(|_| true, |h| h.kinds.contains(&kind))
    }

    /// Attendance for one seat, during its term.
    #[must_use]
    pub fn for_seat(&self, seat: &Rec<Membership>) -> Turnout {
        self.turnout(
            |m| overlap(seat.data.active_days(), m.data.days()),
            |h| h.seats.contains(&seat.meta.id),
        )
    }

    /// Number of meetings in a seat's term, in a row up to the latest, whose attendance records
    /// show nobody present for the seat or for the unit it represents.
    #[must_use]
    pub fn missed_in_a_row(&self, seat: &Rec<Membership>, unit: Option<Uuid>) -> u32 {
        let in_term = self
            .0
            .iter()
            .filter(|h| h.recorded && overlap(seat.data.active_days(), h.meeting.data.days()));
        let came = |h: &&Held<'_>| {
            h.seats.contains(&seat.meta.id) || unit.is_some_and(|u| h.units.contains(&u))
        };
        count(in_term.take_while(|h| !came(h)).count())
    }

    fn turnout(
        &self,
        counts: impl Fn(&Rec<Meeting>) -> bool,
        came: impl Fn(&Held<'_>) -> bool,
    ) -> Turnout {
        let held: Vec<&Held<'_>> = self.0.iter().filter(|h| counts(h.meeting)).collect();
        let there = || held.iter().filter(|h| came(h));
        Turnout {
            held: count(held.len()),
            recorded: count(held.iter().filter(|h| h.recorded).count()),
            attended: count(there().count()),
            last_attended_on: there().find_map(|h| h.meeting.computed.meeting_on),
        }
    }
}
