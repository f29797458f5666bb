//! When a seat is due for rotation. This depends on the start of its holder's term, the length of a
//! term in the policy, and the date.

use chrono::{Months, NaiveDate};
use serde::Serialize;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::governance::Membership;
use crate::registers::organisation::{Post, Unit};
use crate::registers::representation::RotationPolicy;
use crate::registers::representation::constituency::{includes, speaks_for};
use crate::registers::settings::in_force;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Deadline, Progress, When};
use crate::world::{Reading, Rec};

/// Terms with no more than this number of days between them count as consecutive.
const GAP_DAYS: i64 = 31;

/// Rotation state of a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RotationState {
    /// The start of the term is not recorded.
    Unknown,
    /// Not due within the number of days that the settings call soon.
    NotDue,
    /// Due within the number of days that the settings call soon; the next holder needs to be
    /// found.
    DueSoon,
    /// The term is over and neither a new term nor another holder is recorded, or the member has
    /// served more terms than allowed.
    Overdue,
}

/// The rotation of one seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rotation {
    /// State.
    pub state: RotationState,
    /// Day after the end of the term, using the policy's term length. Null if the start of the term
    /// is not recorded.
    pub due_on: Option<NaiveDate>,
    /// Number of consecutive terms the member has served, including this one.
    #[schema(minimum = 1)]
    pub terms_in_row: u32,
    /// Whether the member may serve no further term, so that someone else must follow.
    pub last_term: bool,
}

impl Rotation {
    /// The rotation of a seat under a policy. `terms` are the terms on the board, including this
    /// one. `(on, soon)` are the date of the check and the number of days within which rotation
    /// counts as due soon.
    #[must_use]
    pub fn of(
        policy: &RotationPolicy,
        seat: &Membership,
        terms: &[&Membership],
        (on, soon): (NaiveDate, i64),
    ) -> Self {
        let terms_in_row = terms_in_row(seat, terms);
        let most = seat.maximum_terms.or(policy.maximum_terms).map(u32::from);
        let due_on = seat
            .term_from_on
            .and_then(|d| d.checked_add_months(Months::new(policy.term_months.into())));
        let state = match due_on {
            _ if most.is_some_and(|m| terms_in_row > m) => RotationState::Overdue,
            None => RotationState::Unknown,
            Some(due) if on >= due => RotationState::Overdue,
            Some(due) if (due - on).num_days() <= soon => RotationState::DueSoon,
            Some(_) => RotationState::NotDue,
        };
        Self {
            state,
            due_on,
            terms_in_row,
            last_term: most.is_some_and(|m| terms_in_row >= m),
        }
    }
}

impl Rotation {
    /// Last day on which the rotation is not overdue: the last of the term or, for a member who has
    /// served more terms than allowed, the day before this one began.
    fn last_day(&self, seat: &Membership, on: NaiveDate) -> Option<NaiveDate> {
        let too_many = self.state == RotationState::Overdue && self.due_on.is_some_and(|d| on < d);
        let late_from = if too_many {
            seat.term_from_on
        } else {
            self.due_on
        };
        late_from.and_then(|d| d.pred_opt())
    }
}

/// Counts back from a term to the same member's previous terms, for as long as they are
/// consecutive.
fn terms_in_row(seat: &Membership, terms: &[&Membership]) -> u32 {
    let (mut at, mut count) = (seat, 1);
    while let Some(from) = at.term_from_on {
        let before = terms
            .iter()
            .filter(|t| t.member() == at.member() && t.capacity == at.capacity)
            .find(|t| {
                let days = |until: NaiveDate| (from - until).num_days();
                t.term_until_on
                    .is_some_and(|until| (1..=GAP_DAYS + 1).contains(&days(until)))
            });
        let Some(before) = before else { break };
        (at, count) = (before, count + 1);
    }
    count
}

/// The rotations of the seats that a policy covers on the date. Empty if the policy is not in
/// force.
pub fn rotations(reading: Reading<'_>, policy: &Rec<RotationPolicy>) -> Vec<Rotation> {
    if !reading.is_active(policy) {
        return Vec::new();
    }
    let seats: Vec<&Rec<Membership>> = reading.pointing(policy.data.board_id).collect();
    let terms: Vec<&Membership> = seats.iter().map(|m| &m.data).collect();
    let world = reading.world;
    let soon = in_force(world).rotation_soon_days;
    let is_under = |seat: &Membership| {
        let unit = speaks_for(seat, |post| world.get::<Post>(post).map(|p| p.data.unit_id))
            .and_then(|id| world.get::<Unit>(id));
        holds_for(&policy.data, seat, unit)
    };
    seats
        .iter()
        .filter(|m| reading.is_active(**m) && is_under(&m.data))
        .map(|m| Rotation::of(&policy.data, &m.data, &terms, (reading.on, soon)))
        .collect()
}

/// The dates on which the seats that a policy covers are due for rotation, as dates of the seats. A
/// seat that several policies cover is due under one of them only: the one that names its unit takes
/// precedence over one for all units of its kind.
pub fn rotation_dates<'a>(reading: Reading<'a>, policy: &'a Rec<RotationPolicy>) -> Vec<Dated<'a>> {
    let board = policy.data.board_id;
    let seats: Vec<&Rec<Membership>> = reading.pointing::<Membership>(board).collect();
    let terms: Vec<&Membership> = seats.iter().map(|m| &m.data).collect();
    let mut policies: Vec<&Rec<RotationPolicy>> = reading
        .pointing::<RotationPolicy>(board)
        .filter(|p| reading.is_active(*p))
        .collect();
    policies.sort_by_key(|p| (p.data.constituency_kind.is_some(), p.meta.id));
    let rotates = |seat: &&&Rec<Membership>| {
        let of_post = |post| reading.get::<Post>(post).map(|p| p.data.unit_id);
        let unit = speaks_for(&seat.data, of_post).and_then(|id| reading.get::<Unit>(id));
        let first = policies
            .iter()
            .find(|p| holds_for(&p.data, &seat.data, unit));
        first.is_some_and(|p| p.meta.id == policy.meta.id)
    };
    let date = |seat: &&'a Rec<Membership>| {
        // Whether it is due soon does not matter here: the date says so.
        let rotation = Rotation::of(&policy.data, &seat.data, &terms, (reading.on, 0));
        let due = Deadline::new(Progress::Open, When::on(rotation.due_on));
        Dated {
            late_after: rotation.last_day(&seat.data, reading.on),
            record_id: Some(seat.meta.id),
            ..Dated::due(CalendarEntryKind::RotationDue, due).at_board(board)
        }
    };
    let held = seats.iter().filter(|s| reading.is_active(**s));
    held.filter(rotates).map(date).collect()
}

/// Whether a policy covers a seat that represents `unit`.
#[must_use]
pub fn holds_for(policy: &RotationPolicy, seat: &Membership, unit: Option<&Rec<Unit>>) -> bool {
    let collective =
        policy.constituency_kind.is_some() && policy.constituency_kind == seat.constituency_kind;
    collective
        || unit
            .is_some_and(|u| includes(policy.constituency_kind, &policy.constituency_unit_ids, u))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn term(member: u128, from: Option<&str>, until: Option<&str>) -> Membership {
        serde_json::from_value(json!({
            "board_id": Uuid::from_u128(9), "unit_id": Uuid::from_u128(member), "capacity": "adviser",
            "term_from_on": from, "term_until_on": until,
        }))
        .expect("a membership")
    }

    fn policy(maximum: Option<u8>) -> RotationPolicy {
        serde_json::from_value(json!({
            "board_id": Uuid::from_u128(9), "constituency_kind": "independent_advisory_group", "term_months": 12, "maximum_terms": maximum,
        }))
        .expect("a policy")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn a_seat_is_due_when_its_term_is_over() {
        let seat = term(1, Some("2020-06-29"), None);
        let state = |on: &str| Rotation::of(&policy(None), &seat, &[&seat], (day(on), 90)).state;
        assert_eq!(state("2021-03-30"), RotationState::NotDue);
        assert_eq!(state("2021-03-31"), RotationState::DueSoon);
        assert_eq!(
            state("2021-06-28"),
            RotationState::DueSoon,
            "the last day of the term"
        );
        assert_eq!(state("2021-06-29"), RotationState::Overdue);
        let seat = term(1, None, None);
        assert_eq!(
            Rotation::of(&policy(None), &seat, &[&seat], (day("2021-06-29"), 90)).state,
            RotationState::Unknown
        );
    }

    #[test]
    fn terms_in_a_row_are_counted_and_those_of_others_are_not() {
        let first = term(1, Some("2018-06-29"), Some("2019-06-28"));
        let other = term(2, Some("2018-06-29"), Some("2019-06-28"));
        let second = term(1, Some("2019-07-10"), Some("2020-07-09"));
        let third = term(1, Some("2020-07-10"), None);
        let all = [&first, &other, &second, &third];
        let second_of_two = Rotation::of(&policy(Some(2)), &second, &all, (day("2019-08-01"), 90));
        assert_eq!(
            (second_of_two.terms_in_row, second_of_two.last_term),
            (2, true)
        );
        assert_eq!(second_of_two.state, RotationState::NotDue);
        let one_too_many = Rotation::of(&policy(Some(2)), &third, &all, (day("2020-08-01"), 90));
        assert_eq!(
            (one_too_many.terms_in_row, one_too_many.state),
            (3, RotationState::Overdue)
        );
        assert_eq!(
            Rotation::of(&policy(Some(1)), &other, &all, (day("2019-01-01"), 90)).terms_in_row,
            1
        );
    }
}
