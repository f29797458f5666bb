//! Boards against the goals in their remit.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::{
    AS_TABLE, board_lines, board_parameter, boards, goal_lines, goals, strategy_parameter,
};
use super::matrix::Matrix;
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::governance::{Board, Remit, RemitKind};
use crate::views::request::{self, Asked, id_of};
use crate::world::Rec;
use crate::world::record::word;

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/boards-goals",
        "getCoverageBoardsGoals",
        Subject::PlanItem,
        compute,
    )
    .takes([strategy_parameter(), board_parameter()])
    .says(
        "Views",
        "Show boards against goals",
        &format!(
            "Returns boards against goals by kind of remit on the date, with boards and goals \
                that have none, goals that several boards decide on (`held_twice`) and goals \
                that no board decides on (`undecided`). {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let mut boards = boards(asked)?;
    // A board that others keep, or that is only mentioned, is not asked for its remit.
    let has_remit = |board: &Rec<Board>| {
        let mut remits = seen.pointing::<Remit>(board.meta.id);
        remits.any(|r| asked.is_active(r))
    };
    boards.retain(|b| b.data.kept_by.is_here() || has_remit(b));
    let goals = goals(asked, id_of(asked, "strategy_id")?);
    let mut matrix = Matrix::new(board_lines(&boards), goal_lines(&goals));
    let mut deciding: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for remit in seen.live::<Remit>().filter(|r| asked.is_active(*r)) {
        let Some(cell) = matrix.cell(remit.data.board_id.uuid(), remit.data.goal_id.uuid()) else {
            continue;
        };
        cell.mark(word(&remit.data.remit_kind));
        if remit.data.remit_kind == RemitKind::Decides {
            deciding
                .entry(remit.data.goal_id.uuid())
                .or_default()
                .insert(remit.data.board_id.uuid());
        }
    }
    for goal in &goals {
        let boards = deciding.get(&goal.meta.id).map_or(0, BTreeSet::len);
        let Some(at) = matrix.column_of.get(&goal.meta.id).copied() else {
            continue;
        };
        match boards {
            0 => drop(matrix.undecided.insert(at)),
            1 => {}
            _ => drop(matrix.held_twice.insert(at)),
        }
    }
    Ok(matrix.into_view(asked, CoverageMatrix::BoardsGoals))
}
