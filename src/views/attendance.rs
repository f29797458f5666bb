//! Who came: for each constituency and each seat of a board, at how many of its last meetings somebody was there for it. A seat is not attendance.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::checks::overlap;
use crate::registers::governance::Membership;
use crate::registers::links::count;
use crate::registers::meetings::{Attendance, AttendanceStatus, Meeting, MeetingStatus};
use crate::registers::organisation::{Post, UnitKind};
use crate::registers::representation::speaks_for;
use crate::world::Rec;
use crate::world::seen::Seen;

/// So many of a board's last held meetings are looked at: a year's, where it meets monthly.
pub const LAST_MEETINGS: usize = 12;

/// At how many of a board's last held meetings somebody was there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Turnout {
    /// The last meetings that were held, 12 at most; for a seat, those in its term.
    #[schema(maximum = 12)]
    pub held: u32,
    /// Those of them of which it is on record who was there. Of the others nobody can say.
    #[schema(maximum = 12)]
    pub recorded: u32,
    /// Those at which somebody was present for it, or somebody else instead.
    #[schema(maximum = 12)]
    pub attended: u32,
    /// The last of these; null where there is none.
    pub last_attended_on: Option<NaiveDate>,
}

/// A held meeting, and for whom somebody was there.
struct Held<'a> {
    meeting: &'a Rec<Meeting>,
    recorded: bool,
    units: HashSet<Uuid>,
    seats: HashSet<Uuid>,
    kinds: Vec<UnitKind>,
}

/// The last held meetings of a board, the latest first.
pub struct Attended<'a>(Vec<Held<'a>>);

/// Who came to the meetings that a board held up to a day.
#[must_use]
pub fn attended(seen: &Seen, board: Uuid, on: NaiveDate) -> Attended<'_> {
    let mut meetings: Vec<&Rec<Meeting>> = seen
        .pointing::<Meeting>(board)
        .filter(|m| {
            m.data.board_id == board
                && m.data.status == MeetingStatus::Held
                && m.data.days().0.is_none_or(|d| d <= on)
        })
        .collect();
    meetings.sort_by_key(|m| std::cmp::Reverse((m.computed.meeting_on, &m.meta.reference)));
    meetings.truncate(LAST_MEETINGS);
    // A post or body whose seat is not named sits on its seat all the same.
    let mut seats: HashMap<Uuid, Vec<&Rec<Membership>>> = HashMap::new();
    for seat in seen
        .pointing::<Membership>(board)
        .filter(|m| m.data.board_id == board)
    {
        for holder in [seat.data.post_id, seat.data.unit_id].into_iter().flatten() {
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
        seen: &Seen,
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
        seen: &Seen,
        attendance: &Attendance,
        seats: &HashMap<Uuid, Vec<&Rec<Membership>>>,
    ) {
        let unit_of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
        let days = self.meeting.data.days();
        let holder = attendance.post_id.or(attendance.unit_id);
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
            .chain(by_holder.filter(|s| overlap(s.data.term(), days)))
            .collect();
        for seat in &theirs {
            self.seats.insert(seat.meta.id);
            self.kinds.extend(seat.data.constituency_kind);
        }
        // What the meeting's own record says goes before what the seat says, and that before where somebody belongs.
        if let Some(unit) = attendance.constituency_unit_id {
            self.units.insert(unit);
        } else if theirs.is_empty() {
            self.units.extend(
                attendance
                    .unit_id
                    .or_else(|| attendance.post_id.and_then(unit_of_post)),
            );
        } else {
            self.units.extend(
                theirs
                    .iter()
                    .filter_map(|s| speaks_for(&s.data, unit_of_post)),
            );
        }
    }
}

impl Attended<'_> {
    /// For anybody at all.
    #[must_use]
    pub fn of_anybody(&self) -> Turnout {
        self.turnout(|_| true, |h| !h.units.is_empty() || !h.seats.is_empty())
    }

    /// For a unit: an association, say, with a seat or without one.
    #[must_use]
    pub fn for_unit(&self, unit: Uuid) -> Turnout {
        self.turnout(|_| true, |h| h.units.contains(&unit))
    }

    /// For all units of a kind together, on a collective seat.
    #[must_use]
    pub fn for_kind(&self, kind: UnitKind) -> Turnout {
        self.turnout(|_| true, |h| h.kinds.contains(&kind))
    }

    /// For one seat, in its term.
    #[must_use]
    pub fn for_seat(&self, seat: &Rec<Membership>) -> Turnout {
        self.turnout(
            |m| overlap(seat.data.term(), m.data.days()),
            |h| h.seats.contains(&seat.meta.id),
        )
    }

    /// Of how many of the last meetings in a seat's term, in a row up to the latest, it is on record that nobody was there for it, nor for
    /// the unit that it speaks for.
    #[must_use]
    pub fn missed_in_a_row(&self, seat: &Rec<Membership>, unit: Option<Uuid>) -> u32 {
        let in_term = self
            .0
            .iter()
            .filter(|h| h.recorded && overlap(seat.data.term(), h.meeting.data.days()));
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
