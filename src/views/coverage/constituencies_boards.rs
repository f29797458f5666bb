//! Staff support associations and advisory groups against the boards where they have a seat or
//! attended.

use uuid::Uuid;

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::{AS_TABLE, board_lines, board_parameter, boards};
use super::matrix::{Line, Matrix};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::governance::Membership;
use crate::registers::organisation::{Post, Unit, UnitKind};
use crate::registers::representation::speaks_for;
use crate::views::attendance::{LAST_MEETINGS, attended};
use crate::views::representation::at_the_table;
use crate::views::request::{self, Asked};
use crate::world::Rec;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/constituencies-boards",
        "getCoverageConstituenciesBoards",
        Subject::PlanItem,
        compute,
    )
    .takes([board_parameter()])
    .says(
        "Views",
        "Show associations and advisory groups against boards",
        &format!(
            "Returns staff support associations and independent advisory groups against \
                boards: their seats on the date, and at how many of the board's last \
                {LAST_MEETINGS} held meetings somebody attended for them. A seat is not \
                attendance. Attendance without a seat is marked `came`. {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let (boards, units) = (boards(asked)?, constituencies(asked));
    let line = |u: &&Rec<Unit>| {
        let line = Line::of(&u.meta, &u.data.title);
        (
            u.meta.id,
            line.with_note(u.data.unit_kind.label().into_owned()),
        )
    };
    let rows = units.iter().map(line).collect();
    let mut matrix = Matrix::new(rows, board_lines(&boards));
    for board in &boards {
        let collective = mark_seats(asked, &mut matrix, board.meta.id);
        mark_turnout(asked, &mut matrix, board.meta.id, &units, &collective);
    }
    Ok(matrix.into_view(asked, CoverageMatrix::ConstituenciesBoards))
}

fn constituencies(asked: &Asked) -> Vec<&Rec<Unit>> {
    let kinds = [
        UnitKind::StaffSupportAssociation,
        UnitKind::IndependentAdvisoryGroup,
    ];
    let is_asked = |u: &&Rec<Unit>| kinds.contains(&u.data.unit_kind) && asked.is_active(*u);
    asked.seen.live::<Unit>().filter(is_asked).collect()
}

/// Marks the seats that units hold at a board. Returns the kinds of units for which it has a
/// collective seat, once for each such seat.
fn mark_seats(asked: &Asked, matrix: &mut Matrix, board: Uuid) -> Vec<UnitKind> {
    let seen = &asked.seen;
    let unit_of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
    let seats = seen
        .pointing::<Membership>(board)
        .filter(|m| m.data.board_id == board && asked.is_active(*m));
    let mut collective = Vec::new();
    for seat in seats {
        collective.extend(seat.data.constituency_kind);
        let unit = speaks_for(&seat.data, unit_of_post);
        if let Some(cell) = unit.and_then(|u| matrix.cell(u.uuid(), board)) {
            // Observers, deputies and secretaries do not have a seat that counts.
            let is_filled = cell.is_filled || at_the_table(&seat.data);
            cell.mark(word(&seat.data.capacity));
            cell.is_filled = is_filled;
        }
    }
    collective
}

/// Adds at how many of the board's last meetings each unit attended, whether or not it has a seat.
fn mark_turnout(
    asked: &Asked,
    matrix: &mut Matrix,
    board: Uuid,
    units: &[&Rec<Unit>],
    collective: &[UnitKind],
) {
    let attended = attended(&asked.seen, board, asked.on);
    for unit in units {
        let turnout = attended.for_unit(unit.meta.id);
        let is_collective = collective.contains(&unit.data.unit_kind);
        let has_seat = matrix.has_cell(unit.meta.id, board);
        if !has_seat && !is_collective && turnout.attended == 0 {
            continue;
        }
        let Some(cell) = matrix.cell(unit.meta.id, board) else {
            continue;
        };
        if is_collective {
            cell.mark("collective");
            cell.collective_turnout = Some(attended.for_kind(unit.data.unit_kind));
        } else if !has_seat {
            cell.marks.insert("came".into());
        }
        cell.turnout = Some(turnout);
    }
}
