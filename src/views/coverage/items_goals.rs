//! Plan items against the goals that they serve.

use std::collections::BTreeSet;

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::{
    AS_TABLE, goal_lines, goals, items, of_plan, plan_parameter, strategy_parameter,
};
use super::matrix::{Line, Matrix};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::views::request::{self, Asked};

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/items-goals",
        "getCoverageItemsGoals",
        Subject::PlanItem,
        compute,
    )
    .takes([strategy_parameter(), plan_parameter()])
    .says(
        "Views",
        "Show plan items against goals",
        &format!(
            "Returns plan items against goals, with the items that serve no goal and the \
                goals that no item serves. {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let (plan, strategy) = of_plan(asked)?;
    let (goals, items) = (goals(asked, strategy), items(asked, (plan, strategy)));
    let rows = items
        .iter()
        .map(|i| (i.meta.id, Line::of(&i.meta, &i.data.title)))
        .collect();
    let mut matrix = Matrix::new(rows, goal_lines(&goals));
    for item in &items {
        for served in &item.data.goals {
            if let Some(cell) = matrix.cell(item.meta.id, served.goal_id.uuid()) {
                cell.mark("serves");
            }
        }
    }
    // A goal also counts as served if a goal directly below it is served.
    let served: BTreeSet<usize> = matrix.cells.keys().map(|(_, column)| *column).collect();
    for goal in &goals {
        let at = matrix
            .column_of
            .get(&goal.meta.id)
            .filter(|at| served.contains(*at));
        let parent = at
            .and(goal.data.parent_id)
            .and_then(|id| matrix.column_of.get(&id.uuid()).copied());
        if let Some(line) = parent.and_then(|at| matrix.columns.get_mut(at)) {
            line.is_excused = true;
            line.note = Some("a goal below it is served".into());
        }
    }
    Ok(matrix.into_view(asked, CoverageMatrix::ItemsGoals))
}
