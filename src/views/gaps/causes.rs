//! What gaps follow from. A gap that follows from another one is folded under it.

use uuid::Uuid;

use super::rule::Context;
use crate::registers::assurance::{Recommendation, RecommendationLink, RecommendationRelation};
use crate::registers::gaps::gap_code;
use crate::registers::meetings::Action;
use crate::registers::performance::Dashboard;
use crate::registers::plan::{Dependency, WorkPlanItem};
use crate::registers::strategy::{Strategy, StrategyReview};
use crate::views::findings::Cause;
use crate::views::judgement::awaited_by;
use crate::views::readiness::Readiness;
use crate::world::Rec;

/// The rules that say that something has no date.
pub const UNDATED: &[&str] = &[
    "strategy_review_without_target_date",
    "strategy_planned_without_date",
    "recommendation_without_deadline",
    "item_without_deadline",
    "item_deferred_without_date",
    "action_without_deadline",
    "action_deferred_without_date",
    "dashboard_without_date",
];

/// The rules that say that something is overdue.
pub const OVERDUE: &[&str] = &[
    "strategy_review_overdue",
    "recommendation_overdue",
    "item_overdue",
    "action_overdue",
    "dashboard_overdue",
];

/// Those of these rules that check the record's kind.
fn of_kind(c: &Context<'_>, rules: &[&'static str], id: Uuid) -> Vec<Cause> {
    let kind = c.seen.any(id).map(|record| c.seen.kind_of(record));
    let checks = |rule: &&&'static str| gap_code(rule).map(|(_, kind)| kind) == kind;
    let rules = rules.iter().filter(checks);
    rules.map(|rule| (*rule, id)).collect()
}

/// That a record has no date.
pub fn undated(c: &Context<'_>, id: Option<Uuid>) -> Vec<Cause> {
    id.map_or_else(Vec::new, |id| of_kind(c, UNDATED, id))
}

/// That the review from which a planned strategy is to result has no date.
pub fn of_planned_strategy(c: &Context<'_>, strategy: &Rec<Strategy>) -> Vec<Cause> {
    let id = strategy.meta.id;
    let reviews = c.seen.pointing::<StrategyReview>(id);
    reviews
        .filter(|r| r.data.successor_strategy_id.map(Uuid::from) == Some(id))
        .map(|r| ("strategy_review_without_target_date", r.meta.id))
        .collect()
}

/// The rules that say that an item waits for something that is late or in doubt.
pub const WAITING: &[&str] = &[
    "dependency_given_up",
    "dependency_late",
    "dependency_undated",
];

/// That what an item waits for is late or in doubt.
pub fn of_rating(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> Vec<Cause> {
    let dependencies = c.seen.pointing::<Dependency>(item.meta.id);
    let own = dependencies.filter(|d| d.data.item_id.uuid() == item.meta.id);
    own.flat_map(|d| WAITING.iter().map(|rule| (*rule, d.meta.id)))
        .collect()
}

/// That a dashboard which an action asks for is overdue.
pub fn of_late_action(c: &Context<'_>, action: &Rec<Action>) -> Vec<Cause> {
    let about = action.data.record_ids.iter().map(|id| id.uuid());
    about
        .filter(|id| c.seen.get::<Dashboard>(*id).is_some())
        .map(|id| ("dashboard_overdue", id))
        .collect()
}

/// That a recommendation which an item is to implement is overdue.
pub fn of_late_item(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> Vec<Cause> {
    let id = item.meta.id;
    let links = c.seen.pointing::<RecommendationLink>(id);
    let linked = links
        .filter(|l| l.data.to_id.uuid() == id)
        .filter(|l| l.data.relation == RecommendationRelation::AddressedBy)
        .map(|l| l.data.recommendation_id.uuid());
    let named = c.seen.pointing::<Recommendation>(id).map(|r| r.meta.id);
    linked
        .chain(named)
        .map(|id| ("recommendation_overdue", id))
        .collect()
}

/// That what a recommendation waits for has no date.
pub fn of_waiting(c: &Context<'_>, recommendation: &Rec<Recommendation>) -> Vec<Cause> {
    let awaited = awaited_by(c.seen, c.on, recommendation);
    let undated_ones = awaited
        .iter()
        .filter(|a| a.readiness == Readiness::Open(None));
    undated_ones
        .flat_map(|a| undated(c, Some(a.record.meta().id)))
        .collect()
}

/// That what a recommendation waits for is overdue.
pub fn of_late_wait(c: &Context<'_>, recommendation: &Rec<Recommendation>) -> Vec<Cause> {
    awaited_by(c.seen, c.on, recommendation)
        .iter()
        .flat_map(|a| of_kind(c, OVERDUE, a.record.meta().id))
        .collect()
}
