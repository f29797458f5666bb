//! Gaps in board seats: who is missing, and on what terms members hold their seats.

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if};
use crate::registers::governance::{Board, Membership};
use crate::registers::organisation::{Unit, UnitKind};
use crate::registers::representation::{RepresentationTarget, RotationState};
use crate::views::findings::Cause;
use crate::views::representation::{at_the_table, unit_of};
use crate::world::Rec;
use crate::world::blank::OptionalText;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "membership_uninvited",
        severity: Is::Medium,
        checks: "The member is on the board by invitation, but no invitation is recorded.",
        why: "Nobody can say why the member is there or who invited them.",
        remedy: "Record the invitation, or the document that sets out the basis.",
        answers: &["2020, recommendation 9"],
        check: &Each::new(|c, m: &Rec<Membership>| {
            use crate::registers::governance::MembershipBasis::Invited;
            plain_if(
                m.data.basis == Invited
                    && c.is_active(m)
                    && c.picture(m.data.board_id.uuid()).basis_unclear(&m.data),
            )
        })
        .detail(),
    },
    Rule {
        code: "rotation_overdue",
        severity: Is::Medium,
        checks: "The seat is overdue for rotation.",
        why: "The same voice is heard each time, and others of its kind are not.",
        remedy: "Record the next holder, or the new term if the member may stay.",
        answers: &["2020, recommendation 9"],
        check: &Each::new(|c, m: &Rec<Membership>| {
            if !c.is_active(m) {
                return None;
            }
            let rotation = c.picture(m.data.board_id.uuid()).rotation(&m.data)?;
            match (rotation.state, rotation.due_on) {
                (RotationState::Overdue, Some(due)) if due <= c.on => {
                    because(format!("was due on {due}"))
                }
                (RotationState::Overdue, _) => {
                    because(format!("consecutive terms: {}", rotation.terms_in_row))
                }
                _ => None,
            }
        }),
    },
    Rule {
        code: "seat_without_rotation",
        severity: Is::Low,
        checks: "No rotation policy is recorded for the seat of an association or advisory group.",
        why: "The holder never changes, and the wider pool is never used.",
        remedy: "Record a policy that says how long a term is and where the next holder comes \
            from.",
        answers: &["2020, recommendation 9"],
        check: &Each::new(|c, m: &Rec<Membership>| {
            let unit = || unit_of(c.seen, &m.data).map(|u| u.data.unit_kind);
            let of = || {
                m.data
                    .constituency_kind
                    .or_else(unit)
                    .is_some_and(speaks_from_outside)
            };
            plain_if(
                c.is_active(m)
                    && at_the_table(&m.data)
                    && of()
                    && c.picture(m.data.board_id.uuid())
                        .rotation(&m.data)
                        .is_none(),
            )
        })
        .detail(),
    },
    Rule {
        code: "seat_never_filled",
        severity: Is::Medium,
        checks: "The seat is held, but nobody from its constituency is recorded as present at any of \
            the last meetings.",
        why: "A seat that nobody takes up gives its constituency no voice.",
        remedy: "Ask why, and give the seat to somebody who can attend.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(seat_never_filled),
    },
    Rule {
        code: "representation_below_target",
        severity: Is::High,
        checks: "Fewer members of the constituency sit on the board than the target requires.",
        why: "Their collective voice is not heard where this was promised.",
        remedy: "Fill the missing seats, or agree in the terms of reference that one seat \
            represents all.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, t: &Rec<RepresentationTarget>| {
            let board = c
                .seen
                .get::<Board>(t.data.board_id)
                .filter(|b| c.is_active(*b))?;
            let state = c.target(t).filter(|s| c.is_active(t) && !s.met)?;
            let filled = if state.one_each {
                state.seated
            } else {
                state.seats_filled
            };
            let collective = match state.collective_seat_allowed {
                true => ", and no seat that represents all of them",
                false => "",
            };
            because(format!(
                "{filled} of {} on {}{collective}",
                state.seats_wanted, board.meta.reference
            ))
        }),
    },
    Rule {
        code: "constituency_unrepresented",
        severity: Is::Medium,
        checks: "No seat on any board is recorded for the association or advisory group.",
        why: "Decisions are made without the people it speaks for.",
        remedy: "Give it a seat, or record which seat represents it.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, u: &Rec<Unit>| {
            let is = speaks_from_outside(u.data.unit_kind) && c.is_active(u);
            plain_if(is && !c.is_heard(u))
        })
        .detail()
        .follows(&["representation_below_target"], targets_for)
        .part_of(|_, u| u.data.parent_id.map(Into::into)),
    },
];

/// Whether boards should hear units of this kind, which are outside the line of management.
fn speaks_from_outside(kind: UnitKind) -> bool {
    crate::views::representation::ALWAYS.contains(&kind)
}

/// The targets for units of a kind.
fn targets_for(c: &Context<'_>, unit: &Rec<Unit>) -> Vec<Cause> {
    let targets = c.seen.live::<RepresentationTarget>();
    targets
        .filter(|t| t.data.constituency_kind == Some(unit.data.unit_kind))
        .map(|t| ("representation_below_target", t.meta.id))
        .collect()
}

fn seat_never_filled(c: &Context<'_>, m: &Rec<Membership>) -> Fault {
    let data = &m.data;
    let speaks = data.constituency_unit_id.is_some()
        || data.constituency_kind.is_some()
        || !data.constituency.is_unsaid();
    if !speaks || !at_the_table(data) || !c.is_active(m) {
        return None;
    }
    let picture = c.picture(data.board_id.uuid());
    let missed = picture
        .attended()
        .missed_in_a_row(m, unit_of(c.seen, data).map(|u| u.meta.id));
    if missed < c.settings.gaps.missed_meetings {
        None
    } else {
        because(format!(
            "meetings missed in a row: {missed}, counting those with recorded attendance"
        ))
    }
}
