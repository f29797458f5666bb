//! Plan items against the goals that they serve.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::answer::{CoverageMatrix, CoverageView};
use super::items::{Cells, ItemsMatrix, KeptItems};
use super::lines::{AS_TABLE, goal_lines, goals, of_plan, plan_parameter, strategy_parameter};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::views::request::{self, Asked};

pub(super) fn operation(kept: &Arc<KeptItems>) -> Operation {
    let kept = Arc::clone(kept);
    request::operation(
        "/api/v1/coverage/items-goals",
        "getCoverageItemsGoals",
        Subject::PlanItem,
        move |asked| compute(asked, &kept),
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

pub(super) fn compute(asked: &Asked, kept: &KeptItems) -> Result<CoverageView, Problem> {
    let (plan, strategy) = of_plan(asked)?;
    let goals = goals(asked, strategy);
    let cells = Cells {
        matrix: CoverageMatrix::ItemsGoals,
        mark: "serves",
        of: |_, item| item.data.goals.iter().map(|g| g.goal_id.uuid()).collect(),
        note: |_| None,
    };
    let mut matrix = ItemsMatrix::new(asked, kept, (plan, strategy), cells, goal_lines(&goals));
    // A goal also counts as served if a goal directly below it is served.
    let served: BTreeSet<usize> = (matrix.columns.iter().enumerate())
        .filter(|(_, line)| line.filled > 0)
        .map(|(at, _)| at)
        .collect();
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
    Ok(matrix.into_view())
}
