//! Representation on a board: each association and advisory group with its seats, invitations and
//! rotation, compared with the targets.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attendance::{Attended, Turnout, attended};
use super::request::{Asked, View, operation};
use super::status::Named;
use crate::http::operation::Operation;
use crate::http::parameters::id_parameter;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::governance::{
    Board, Membership, MembershipBasis, MembershipCapacity, TermsOfReference,
};
use crate::registers::organisation::{Post, Unit, UnitKind};
use crate::registers::representation::{
    Invitation, RepresentationTarget, Rotation, RotationPolicy, RotationState, holds_for, includes,
    speaks_for,
};
use crate::registers::settings::{SettingsUsed, in_force, used};
use crate::world::collation::reference_key;
use crate::world::fields::Field;
use crate::world::reads::Shared;
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Text};

/// Kinds of units that should be represented on every board.
pub(super) const ALWAYS: [UnitKind; 2] = [
    UnitKind::StaffSupportAssociation,
    UnitKind::IndependentAdvisoryGroup,
];

/// A seat on the board.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationSeat {
    /// Id of the membership.
    pub membership_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Name of the seat.
    pub seat: Option<Text<100>>,
    /// Post or body that holds the seat; null if the caller may not see it.
    pub holder: Option<Named>,
    /// Capacity.
    pub capacity: MembershipCapacity,
    /// Whether the seat counts towards a target. Observers, deputies and secretaries do not count.
    pub counts: bool,
    /// Whether it represents all units of a kind.
    pub collective: bool,
    /// Constituency that it represents, in words.
    pub constituency: Option<Text<200>>,
    /// Basis on which the member has the seat.
    pub basis: MembershipBasis,
    /// Where the basis is set out.
    pub basis_reference: Option<Text<200>>,
    /// Whether the seat is held by invitation or on no stated basis, and neither a reference nor an
    /// invitation explains it.
    pub basis_unclear: bool,
    /// First day of the term.
    pub term_from_on: Option<NaiveDate>,
    /// Last day of the term.
    pub term_until_on: Option<NaiveDate>,
    /// When the seat is due for rotation; null if no policy applies to it.
    pub rotation: Option<Rotation>,
    /// At how many of the board's last meetings in its term someone attended for it. A seat is not
    /// attendance.
    pub turnout: Turnout,
}

/// A unit that should be represented on the board, or is.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationConstituency {
    /// The association, advisory group or other unit.
    pub unit: Named,
    /// Kind of body.
    pub unit_kind: UnitKind,
    /// Its own seats.
    #[schema(max_items = 1000)]
    pub seats: Vec<RepresentationSeat>,
    /// Whether one of them counts.
    pub seated: bool,
    /// Whether a collective seat represents it. This counts only if a target allows one seat to
    /// represent all.
    pub covered_by_collective_seat: bool,
    /// References of the invitations that apply to it.
    #[schema(max_items = 1000)]
    pub invitations: Vec<Text<60>>,
    /// Whether the targets that include it are met for it; null if no target includes it.
    pub target_met: Option<bool>,
    /// At how many of the board's last meetings someone attended for it, with or without a seat of
    /// its own.
    pub turnout: Turnout,
    /// Whether it has a seat that counts, but no one attended for it at any of the last meetings
    /// with recorded attendance.
    pub seated_but_absent: bool,
}

/// A target, and how far it is met.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationTargetState {
    /// Id of the target.
    pub target_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Kind of unit that the target covers, if it covers all units of a kind.
    pub constituency_kind: Option<UnitKind>,
    /// Number of units that the target covers.
    pub constituencies: u32,
    /// Number of them with a seat of their own that counts.
    pub seated: u32,
    /// Number of their seats that count.
    pub seats_filled: u32,
    /// Number of seats that they should have.
    pub seats_wanted: u32,
    /// Whether each unit should have a seat.
    pub one_each: bool,
    /// Whether one seat may represent all of them. The target must allow it, and so must agreed
    /// terms of reference.
    pub collective_seat_allowed: bool,
    /// Whether such a seat is filled.
    pub collective_seat_filled: bool,
    /// Whether the target is met.
    pub met: bool,
    /// Number of seats that are missing.
    pub missing: u32,
}

/// Representation of the units of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationKindCounts {
    /// The kind.
    pub unit_kind: UnitKind,
    /// Number of units of this kind.
    pub constituencies: u32,
    /// Number with a seat of their own that counts.
    pub seated: u32,
    /// Number without such a seat that a collective seat represents.
    pub collectively_only: u32,
    /// Number with neither.
    pub unrepresented: u32,
    /// Number for which someone attended at least one of the last meetings, with or without a seat.
    pub attending: u32,
    /// Number with a seat that counts for which no one attended any of them.
    pub seated_but_absent: u32,
}

/// The meetings used to work out turnout.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationMeetings {
    /// Number of the last meetings held, at most 12.
    #[schema(maximum = 12)]
    pub held: u32,
    /// Number of those with recorded attendance.
    #[schema(maximum = 12)]
    pub recorded: u32,
}

/// Who is represented on a board.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepresentationView {
    /// The board.
    pub board: Named,
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// The board's last meetings used to work out turnout, and how many of them have recorded
    /// attendance. Without any, it is not known who attended.
    pub meetings: RepresentationMeetings,
    /// Number of days before the due date from which a rotation counts as due soon.
    pub rotation_soon_days: i64,
    /// Settings that define this.
    pub settings: SettingsUsed,
    /// By kind of unit.
    #[schema(max_items = 20)]
    pub by_kind: Vec<RepresentationKindCounts>,
    /// Targets in force on the date.
    #[schema(max_items = 1000)]
    pub targets: Vec<RepresentationTargetState>,
    /// Each unit, ordered by kind and reference.
    #[schema(max_items = 100_000)]
    pub constituencies: Vec<RepresentationConstituency>,
    /// Seats that represent all units of a kind.
    #[schema(max_items = 1000)]
    pub collective_seats: Vec<RepresentationSeat>,
    /// Number of seats with an overdue rotation.
    pub rotations_overdue: u32,
    /// Number of seats with an unclear basis.
    pub basis_unclear: u32,
}

impl View for RepresentationView {
    fn fields(&self) -> Vec<Field> {
        const FIELDS: [&str; 23] = [
            "board",
            "on",
            "unit_id",
            "reference",
            "title",
            "unit_kind",
            "seated",
            "seats",
            "memberships",
            "capacities",
            "bases",
            "basis_unclear",
            "covered_by_collective_seat",
            "invitations",
            "term_until_on",
            "rotation_state",
            "rotation_due_on",
            "target_met",
            "meetings_held",
            "meetings_recorded",
            "meetings_attended",
            "last_attended_on",
            "seated_but_absent",
        ];
        FIELDS.map(Field::named).into()
    }
    fn rows(&self) -> Vec<Value> {
        let row = |c: &RepresentationConstituency| {
            let rotation = |field: fn(&Rotation) -> Value| {
                let first = c
                    .seats
                    .iter()
                    .filter_map(|s| s.rotation.as_ref())
                    .min_by_key(|r| (r.due_on.is_none(), r.due_on));
                first.map_or(Value::Null, field)
            };
            json!({
                "board": self.board.reference, "on": self.on, "unit_id": c.unit.id, "reference": c.unit.reference, "title": c.unit.title,
                "unit_kind": c.unit_kind, "seated": c.seated, "seats": c.seats.len(),
                "memberships": c.seats.iter().map(|s| &s.reference).collect::<Vec<_>>(),
                "capacities": c.seats.iter().map(|s| s.capacity).collect::<Vec<_>>(),
                "bases": c.seats.iter().map(|s| s.basis).collect::<Vec<_>>(),
                "basis_unclear": c.seats.iter().any(|s| s.basis_unclear),
                "covered_by_collective_seat": c.covered_by_collective_seat,
                "invitations": c.invitations,
                "term_until_on": c.seats.iter().filter_map(|s| s.term_until_on).max(),
                "rotation_state": rotation(|r| json!(r.state)),
                "rotation_due_on": rotation(|r| json!(r.due_on)),
                "target_met": c.target_met,
                "meetings_held": c.turnout.held, "meetings_recorded": c.turnout.recorded, "meetings_attended": c.turnout.attended,
                "last_attended_on": c.turnout.last_attended_on, "seated_but_absent": c.seated_but_absent,
            })
        };
        self.constituencies.iter().map(row).collect()
    }

    fn field_of(column: &str) -> &str {
        match column {
            "capacities" => "capacity",
            "bases" => "basis",
            "rotation_state" => "state",
            other => other.rsplit('.').next().unwrap_or(other),
        }
    }
}

/// Records of the board on a date.
pub(super) struct Picture<'a> {
    seen: &'a VisibleWorld,
    board: Uuid,
    on: NaiveDate,
    /// Number of days before the due date from which a rotation counts as due soon.
    soon: i64,
    terms: Vec<&'a Membership>,
    /// Seats held on the date.
    seats: Vec<&'a Rec<Membership>>,
    targets: Vec<&'a Rec<RepresentationTarget>>,
    invitations: Vec<&'a Rec<Invitation>>,
    policies: Vec<&'a RotationPolicy>,
    attended: Shared<Attended<'a>>,
}

impl<'a> Picture<'a> {
    pub(super) fn new(seen: &'a VisibleWorld, board: Uuid, on: NaiveDate) -> Self {
        let members: Vec<&Rec<Membership>> = seen.pointing::<Membership>(board).collect();
        Self {
            seen,
            board,
            on,
            soon: in_force(seen.reading(on).world).rotation_soon_days,
            terms: members.iter().map(|m| &m.data).collect(),
            seats: members
                .into_iter()
                .filter(|m| seen.is_active_on(*m, on))
                .collect(),
            targets: seen
                .pointing::<RepresentationTarget>(board)
                .filter(|t| seen.is_active_on(*t, on))
                .collect(),
            invitations: seen
                .pointing::<Invitation>(board)
                .filter(|i| i.data.board_id == board && seen.is_active_on(*i, on))
                .collect(),
            policies: seen
                .pointing::<RotationPolicy>(board)
                .filter(|p| seen.is_active_on(*p, on))
                .map(|p| &p.data)
                .collect(),
            attended: Shared::default(),
        }
    }

    /// Attendance at the board's last meetings.
    pub(super) fn attended(&self) -> &Attended<'a> {
        self.attended
            .get_or_make(|| attended(self.seen, self.board, self.on))
    }

    fn unit_of(&self, seat: &Membership) -> Option<&'a Rec<Unit>> {
        unit_of(self.seen, seat)
    }

    /// Units that should be represented on the board, or are: associations and advisory groups,
    /// units that a target or policy covers, and units with a seat.
    fn units(&self) -> Vec<&'a Rec<Unit>> {
        let mut kinds: Vec<UnitKind> = ALWAYS.to_vec();
        kinds.extend(self.targets.iter().filter_map(|t| t.data.constituency_kind));
        kinds.extend(self.policies.iter().filter_map(|p| p.constituency_kind));
        let mut ids: Vec<Uuid> = self
            .targets
            .iter()
            .flat_map(|t| t.data.constituency_unit_ids.iter().copied())
            .map(Into::into)
            .collect();
        ids.extend(
            self.policies
                .iter()
                .flat_map(|p| p.constituency_unit_ids.iter().map(|id| id.uuid())),
        );
        let exists = |u: &Rec<Unit>| self.seen.is_active_on(u, self.on);
        let named = |u: &Rec<Unit>| kinds.contains(&u.data.unit_kind) || ids.contains(&u.meta.id);
        let mut units: Vec<&Rec<Unit>> = self
            .seen
            .live::<Unit>()
            .filter(|u| named(u) && exists(u))
            .collect();
        units.extend(
            self.seats
                .iter()
                .filter(|s| s.data.constituency_unit_id.is_some())
                .filter_map(|s| self.unit_of(&s.data)),
        );
        units.sort_by_cached_key(|u| (word(&u.data.unit_kind), reference_key(&u.meta.reference)));
        units.dedup_by_key(|u| u.meta.id);
        units
    }

    fn invites(
        &self,
        unit: Option<&Rec<Unit>>,
        seat: Option<&Membership>,
    ) -> impl Iterator<Item = &'a Rec<Invitation>> {
        let is_for = move |i: &&Rec<Invitation>| {
            let i = &i.data;
            let of_unit = unit.is_some_and(|u| {
                i.unit_id == Some(u.meta.id.into()) || i.constituency_kind == Some(u.data.unit_kind)
            });
            let of_seat = seat.is_some_and(|s| {
                (i.post_id.is_some() && i.post_id == s.post_id)
                    || (i.unit_id.is_some() && i.unit_id == s.unit_id)
                    || (i.constituency_kind.is_some() && i.constituency_kind == s.constituency_kind)
            });
            of_unit || of_seat
        };
        self.invitations.clone().into_iter().filter(is_for)
    }

    /// Whether the seat is held by invitation or on no stated basis, and neither a reference nor an
    /// invitation explains it.
    pub(super) fn basis_unclear(&self, seat: &Membership) -> bool {
        let asked = matches!(
            seat.basis,
            MembershipBasis::Invited | MembershipBasis::Unstated
        );
        asked
            && seat.basis_reference.is_none()
            && self
                .invites(self.unit_of(seat), Some(seat))
                .next()
                .is_none()
    }

    /// When the seat is due for rotation; `None` if no policy applies to it.
    pub(super) fn rotation(&self, seat: &Membership) -> Option<Rotation> {
        let unit = self.unit_of(seat);
        let holding = self
            .policies
            .iter()
            .copied()
            .filter(|p| holds_for(p, seat, unit));
        // A policy that names the unit takes precedence over one for all units of its kind.
        let policy = holding.min_by_key(|p| p.constituency_kind.is_some())?;
        Some(Rotation::of(
            policy,
            seat,
            &self.terms,
            (self.on, self.soon),
        ))
    }

    fn seat(&self, m: &Rec<Membership>) -> RepresentationSeat {
        let data = &m.data;
        let holder = match data.member() {
            (Some(post), _) => self
                .seen
                .get::<Post>(post)
                .map(|p| Named::new(&p.meta, &p.data.title)),
            (_, Some(unit)) => self
                .seen
                .get::<Unit>(unit)
                .map(|u| Named::new(&u.meta, &u.data.title)),
            _ => None,
        };
        RepresentationSeat {
            membership_id: m.meta.id,
            reference: (&m.meta.reference).into(),
            seat: data.seat.as_ref().map(Into::into),
            holder,
            capacity: data.capacity,
            counts: at_the_table(data),
            collective: data.constituency_kind.is_some(),
            constituency: data.constituency.clone(),
            basis: data.basis,
            basis_reference: data.basis_reference.clone(),
            basis_unclear: self.basis_unclear(data),
            term_from_on: data.term_from_on,
            term_until_on: data.term_until_on,
            rotation: self.rotation(data),
            turnout: self.attended().for_seat(m),
        }
    }

    fn looked(&self) -> RepresentationMeetings {
        let Turnout { held, recorded, .. } = self.attended().of_anybody();
        RepresentationMeetings { held, recorded }
    }

    fn has_collective(&self, kind: UnitKind) -> bool {
        self.seats
            .iter()
            .any(|s| s.data.constituency_kind == Some(kind) && at_the_table(&s.data))
    }

    fn constituency(&self, unit: &Rec<Unit>) -> RepresentationConstituency {
        let own = |s: &&&Rec<Membership>| {
            self.unit_of(&s.data)
                .is_some_and(|u| u.meta.id == unit.meta.id)
        };
        let seats: Vec<RepresentationSeat> = self
            .seats
            .iter()
            .filter(own)
            .map(|s| self.seat(s))
            .collect();
        let seated = seats.iter().any(|s| s.counts);
        let turnout = self.attended().for_unit(unit.meta.id);
        RepresentationConstituency {
            unit: Named::new(&unit.meta, &unit.data.title),
            unit_kind: unit.data.unit_kind,
            seated,
            seated_but_absent: seated && turnout.recorded > 0 && turnout.attended == 0,
            turnout,
            seats,
            covered_by_collective_seat: self.has_collective(unit.data.unit_kind),
            invitations: self
                .invites(Some(unit), None)
                .map(|i| (&i.meta.reference).into())
                .collect(),
            target_met: None,
        }
    }

    /// How far each target is met, and how each unit is represented.
    pub(super) fn heard(
        &self,
    ) -> (
        Vec<RepresentationTargetState>,
        Vec<RepresentationConstituency>,
    ) {
        let units = self.units();
        let mut constituencies: Vec<RepresentationConstituency> =
            units.iter().map(|u| self.constituency(u)).collect();
        let mut targets = Vec::new();
        for target in &self.targets {
            let state = self.target(target, &units, &constituencies);
            let data = &target.data;
            for (unit, c) in units.iter().zip(&mut constituencies) {
                if includes(data.constituency_kind, &data.constituency_unit_ids, unit) {
                    let heard = state.met || (state.one_each && c.seated);
                    c.target_met = Some(c.target_met.unwrap_or(true) && heard);
                }
            }
            targets.push(state);
        }
        (targets, constituencies)
    }

    fn target(
        &self,
        target: &Rec<RepresentationTarget>,
        units: &[&Rec<Unit>],
        all: &[RepresentationConstituency],
    ) -> RepresentationTargetState {
        let data = &target.data;
        let of = |u: &&&Rec<Unit>| includes(data.constituency_kind, &data.constituency_unit_ids, u);
        let ids: Vec<Uuid> = units.iter().filter(of).map(|u| u.meta.id).collect();
        let theirs = || all.iter().filter(|c| ids.contains(&c.unit.id));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let constituencies = count(ids.len());
        let seated = count(theirs().filter(|c| c.seated).count());
        let filled = count(theirs().flat_map(|c| &c.seats).filter(|s| s.counts).count());
        let one_each = data.seats_wanted.is_none();
        let wanted = data.seats_wanted.map_or(constituencies, u32::from);
        let agreed = data.terms_of_reference_id.is_none_or(|id| {
            let terms = self.seen.get::<TermsOfReference>(id);
            terms.is_some_and(|t| self.seen.is_active_on(t, self.on) && t.data.collective_seat)
        });
        let allowed = data.collective_seat && agreed;
        let collective = constituencies > 0 && theirs().all(|c| c.covered_by_collective_seat);
        let missing = if allowed && collective {
            0
        } else {
            wanted.saturating_sub(if one_each { seated } else { filled })
        };
        RepresentationTargetState {
            target_id: target.meta.id,
            reference: (&target.meta.reference).into(),
            constituency_kind: data.constituency_kind,
            constituencies,
            seated,
            seats_filled: filled,
            seats_wanted: wanted,
            one_each,
            collective_seat_allowed: allowed,
            collective_seat_filled: collective,
            met: missing == 0,
            missing,
        }
    }
}

/// The unit that a seat represents, if the caller may see it.
pub(super) fn unit_of<'a>(seen: &'a VisibleWorld, seat: &Membership) -> Option<&'a Rec<Unit>> {
    let of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
    speaks_for(seat, of_post).and_then(|id| seen.get::<Unit>(id))
}

/// Whether a seat is at the table: chair, deputy chair, member or adviser.
pub(super) fn at_the_table(seat: &Membership) -> bool {
    use MembershipCapacity::{Adviser, Chair, DeputyChair, Member};
    matches!(seat.capacity, Chair | DeputyChair | Member | Adviser)
}

fn by_kind(all: &[RepresentationConstituency]) -> Vec<RepresentationKindCounts> {
    let mut kinds: Vec<RepresentationKindCounts> = Vec::new();
    for c in all {
        if kinds.last().is_none_or(|k| k.unit_kind != c.unit_kind) {
            kinds.push(RepresentationKindCounts {
                unit_kind: c.unit_kind,
                constituencies: 0,
                seated: 0,
                collectively_only: 0,
                unrepresented: 0,
                attending: 0,
                seated_but_absent: 0,
            });
        }
        let Some(kind) = kinds.last_mut() else {
            continue;
        };
        kind.constituencies += 1;
        kind.attending += u32::from(c.turnout.attended > 0);
        kind.seated_but_absent += u32::from(c.seated_but_absent);
        *match (c.seated, c.covered_by_collective_seat) {
            (true, _) => &mut kind.seated,
            (false, true) => &mut kind.collectively_only,
            (false, false) => &mut kind.unrepresented,
        } += 1;
    }
    kinds
}

fn representation(asked: &Asked) -> Result<RepresentationView, Problem> {
    let seen = &asked.seen;
    let board = seen
        .get::<Board>(asked.id()?)
        .ok_or_else(Problem::not_found)?;
    let picture = Picture::new(seen, board.meta.id, asked.on);
    let (targets, constituencies) = picture.heard();
    let seats: Vec<RepresentationSeat> = picture.seats.iter().map(|s| picture.seat(s)).collect();
    let count = |wanted: fn(&RepresentationSeat) -> bool| {
        u32::try_from(seats.iter().filter(|s| wanted(s)).count()).unwrap_or(u32::MAX)
    };
    Ok(RepresentationView {
        board: Named::new(&board.meta, &board.data.title),
        on: asked.on,
        journal_seq: seen.seq(),
        meetings: picture.looked(),
        rotation_soon_days: picture.soon,
        settings: used(seen),
        by_kind: by_kind(&constituencies),
        targets,
        constituencies,
        rotations_overdue: count(|s| {
            s.rotation
                .as_ref()
                .is_some_and(|r| r.state == RotationState::Overdue)
        }),
        basis_unclear: count(|s| s.basis_unclear),
        collective_seats: seats.into_iter().filter(|s| s.collective).collect(),
    })
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    vec![
        operation(
            "/api/v1/boards/{id}/representation",
            "getBoardRepresentation",
            Subject::Governance,
            representation,
        )
        .takes([id_parameter("board")])
        .says(
            "Views",
            "Get the representation on a board",
            "Returns every staff support association and advisory group, and any other unit that \
                a target or a rotation policy covers: their seats, capacity, basis and term on \
                the date; whether a collective seat represents them; invitations; when their \
                seats are due for rotation; whether the targets are met; and at how many of the \
                board's last held meetings (at most 12) someone attended for them, because a \
                seat is not attendance. As a table: one row for each unit.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<RepresentationView>(schemas);
}
