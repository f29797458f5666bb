//! Rows and columns that several matrices have, and the parameters that choose them.

use serde_json::Value;
use uuid::Uuid;

use super::matrix::Line;
use crate::http::parameters::id_query;
use crate::problem::Problem;
use crate::registers::governance::Board;
use crate::registers::performance::{Measure, MeasureState};
use crate::registers::plan::{Plan, WorkPlanItem};
use crate::registers::strategy::{Goal, StrategyVersion};
use crate::views::request::{Asked, id_of};
use crate::views::wait_graph::worked_plans;
use crate::world::dates::Progress;
use crate::world::visible::VisibleWorld;
use crate::world::vocabulary::Coded;
use crate::world::{IdSet, Rec};

/// How every matrix looks as a table.
pub(super) const AS_TABLE: &str = "As a table: one row for each row and one column for each \
    column, with totals below; above 200 columns, one row for each cell and each gap.";

pub(super) fn strategy_parameter() -> Value {
    id_query(
        "strategy_id",
        "Only what belongs to this strategy. Defaults to all current strategies.",
    )
}

pub(super) fn plan_parameter() -> Value {
    id_query(
        "plan_id",
        "Only items of this plan. Defaults to all plans that are not closed.",
    )
}

pub(super) fn board_parameter() -> Value {
    id_query(
        "board_id",
        "Only this board. Defaults to all active boards.",
    )
}

/// The strategy that a plan delivers.
fn strategy_of(seen: &VisibleWorld, plan: Uuid) -> Option<Uuid> {
    let version = seen.get::<Plan>(plan)?.data.strategy_version_id?;
    Some((seen.get::<StrategyVersion>(version)?.data.strategy_id).uuid())
}

/// The plan and strategy asked for. If only a plan is given, the strategy is the one that it
/// delivers.
pub(super) fn of_plan(asked: &Asked) -> Result<(Option<Uuid>, Option<Uuid>), Problem> {
    let (plan, strategy) = (id_of(asked, "plan_id")?, id_of(asked, "strategy_id")?);
    Ok((
        plan,
        strategy.or_else(|| plan.and_then(|p| strategy_of(&asked.seen, p))),
    ))
}

/// The goals of one strategy, or of all current strategies.
pub(super) fn goals(asked: &Asked, strategy: Option<Uuid>) -> Vec<&Rec<Goal>> {
    let wanted = |g: &&Rec<Goal>| match strategy {
        Some(id) => g.data.strategy_id == id,
        None => asked.is_active(*g),
    };
    asked.seen.live::<Goal>().filter(wanted).collect()
}

pub(super) fn goal_lines(goals: &[&Rec<Goal>]) -> Vec<(Uuid, Line)> {
    goals
        .iter()
        .map(|g| (g.meta.id, Line::of(&g.meta, &g.data.title)))
        .collect()
}

/// One plan, the open plans of one strategy, or all open plans.
pub(super) fn plans(asked: &Asked, (plan, strategy): (Option<Uuid>, Option<Uuid>)) -> IdSet {
    let seen = &asked.seen;
    match plan {
        Some(plan) => IdSet::from_iter([plan]),
        None => {
            let is_asked = |id: &Uuid| strategy.is_none_or(|s| strategy_of(seen, *id) == Some(s));
            worked_plans(seen, asked.on)
                .into_iter()
                .filter(is_asked)
                .collect()
        }
    }
}

/// Whether an item is one of these plans'. Cancelled and superseded items are left out.
pub(super) fn is_listed(item: &Rec<WorkPlanItem>, plans: &IdSet) -> bool {
    item.due().progress != Progress::GivenUp && plans.contains(&item.data.plan_id.uuid())
}

/// The board asked for, or all active boards.
pub(super) fn boards(asked: &Asked) -> Result<Vec<&Rec<Board>>, Problem> {
    let board = id_of(asked, "board_id")?;
    let wanted = |b: &&Rec<Board>| board.map_or(asked.is_active(*b), |id| b.meta.id == id);
    Ok(asked.seen.live::<Board>().filter(wanted).collect())
}

pub(super) fn board_lines(boards: &[&Rec<Board>]) -> Vec<(Uuid, Line)> {
    boards
        .iter()
        .map(|b| (b.meta.id, Line::of(&b.meta, &b.data.title)))
        .collect()
}

/// Measures that are not retired, each with its line. The line's note is the measure's state.
pub(super) fn measures(seen: &VisibleWorld) -> (Vec<&Rec<Measure>>, Vec<(Uuid, Line)>) {
    let measures: Vec<&Rec<Measure>> = seen
        .live::<Measure>()
        .filter(|m| m.data.state != MeasureState::Retired)
        .collect();
    let line = |m: &&Rec<Measure>| {
        let line = Line::of(&m.meta, &m.data.title);
        (m.meta.id, line.with_note(m.data.state.label().into_owned()))
    };
    let lines = measures.iter().map(line).collect();
    (measures, lines)
}
