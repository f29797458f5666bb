//! Plan items against the measures that report on them.

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::{AS_TABLE, items, measures, of_plan, plan_parameter, strategy_parameter};
use super::matrix::{Line, Matrix};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::plan::WorkPlanItem;
use crate::views::request::{self, Asked};
use crate::world::Rec;

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/items-measures",
        "getCoverageItemsMeasures",
        Subject::PlanItem,
        compute,
    )
    .takes([strategy_parameter(), plan_parameter()])
    .says(
        "Views",
        "Show plan items against measures",
        &format!(
            "Returns plan items against recorded measures, with items that no measure reports \
                on (`note` says if an item has measures described in words) and measures \
                that report on no item. {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let (plan, strategy) = of_plan(asked)?;
    let items = items(asked, (plan, strategy));
    let line = |i: &&Rec<WorkPlanItem>| {
        let note = match i.data.measures.len() {
            0 => None,
            1 => Some("one measure described in words".to_owned()),
            n => Some(format!("{n} measures described in words")),
        };
        let line = Line::of(&i.meta, &i.data.title);
        (i.meta.id, line.with_note(note))
    };
    let (measures, columns) = measures(seen);
    let mut matrix = Matrix::new(items.iter().map(line).collect(), columns);
    for measure in &measures {
        for item in &measure.data.item_ids {
            if let Some(cell) = matrix.cell((*item).uuid(), measure.meta.id) {
                cell.mark("told_by");
            }
        }
    }
    Ok(matrix.into_view(asked, CoverageMatrix::ItemsMeasures))
}
