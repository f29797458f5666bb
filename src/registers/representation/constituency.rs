//! Constituencies: all units of a kind, or named units; and the unit a seat represents.

use crate::registers::checks::distinct;
use crate::registers::governance::{BoardId, Membership, TermsOfReference, TermsOfReferenceId};
use crate::registers::organisation::{PostId, Unit, UnitId, UnitKind};
use crate::registers::query::has;
use crate::world::{Rec, Resource, Rules};

/// Whether a unit belongs to a constituency.
#[must_use]
pub fn includes(kind: Option<UnitKind>, ids: &[UnitId], unit: &Rec<Unit>) -> bool {
    kind == Some(unit.data.unit_kind) || has(ids, unit.meta.id)
}

/// The unit a seat represents: the unit it names, the body that holds it, or the unit of the post
/// that holds it. None for a collective seat.
pub fn speaks_for(
    seat: &Membership,
    unit_of_post: impl FnOnce(PostId) -> Option<UnitId>,
) -> Option<UnitId> {
    if seat.constituency_kind.is_some() {
        return None;
    }
    seat.constituency_unit_id
        .or(seat.unit_id)
        .or_else(|| seat.post_id.and_then(unit_of_post))
}

/// Refuses a constituency that has neither a kind nor a list of units, or that has both.
pub(super) fn check_constituency<R: Resource>(
    rules: &mut Rules<'_, R>,
    kind: Option<UnitKind>,
    ids: &[UnitId],
) {
    rules.require(
        kind.is_some() == ids.is_empty(),
        "/constituency_kind",
        "one_of",
        "say whose seats these are: give either constituency_kind or constituency_unit_ids, but \
            not both",
    );
    distinct(rules, "/constituency_unit_ids", ids);
}

/// Refuses terms of reference of another board, and a clause without terms of reference.
pub(super) fn check_terms<R: Resource>(
    rules: &mut Rules<'_, R>,
    board: BoardId,
    terms: Option<TermsOfReferenceId>,
    clause: Option<&str>,
) {
    let world = rules.reading.world;
    let elsewhere = terms
        .and_then(|id| world.get::<TermsOfReference>(id))
        .is_some_and(|t| t.data.board_id != board);
    rules.require(
        !elsewhere,
        "/terms_of_reference_id",
        "other_board",
        "names the terms of reference of another board; name those of this board",
    );
    rules.require(
        clause.is_none() || terms.is_some(),
        "/terms_of_reference_id",
        "required",
        "is required with terms_clause; name the terms of reference, or leave out terms_clause",
    );
}
