//! What gaps follow from. A gap that follows from another one is folded under it.

use uuid::Uuid;

use super::rule::Context;
use crate::registers::assurance::{Recommendation, RecommendationLink, RecommendationRelation};
use crate::registers::meetings::Action;
use crate::registers::performance::Dashboard;
use crate::registers::plan::{Dependency, WorkPlanItem};
use crate::registers::strategy::{Strategy, StrategyReview};
use crate::views::findings::Cause;
use crate::views::judgement::awaited_by;
use crate::views::readiness::Readiness;
use crate::world::{Rec, Resource};

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

/// The rules that say that something has no date, and that a recommendation is overdue.
pub const UNDATED_OR_OVERDUE: &[&str] = &[
    "strategy_review_without_target_date",
    "strategy_planned_without_date",
    "recommendation_without_deadline",
    "item_without_deadline",
    "item_deferred_without_date",
    "action_without_deadline",
    "action_deferred_without_date",
    "dashboard_without_date",
    "recommendation_overdue",
];

/// Findings of these rules on the same record.
pub fn same<R: Resource>(record: &Rec<R>, rules: &[&'static str]) -> Vec<Cause> {
    rules.iter().map(|rule| (*rule, record.meta.id)).collect()
}

fn by_kind(
    c: &Context<'_>,
    id: Uuid,
    rules: impl Fn(&str) -> &'static [&'static str],
) -> Vec<Cause> {
    let kind = c.seen.any(id).map(|record| c.seen.kind_of(record));
    let rules = kind.map_or(&[][..], rules);
    rules.iter().map(|rule| (*rule, id)).collect()
}

/// That a record has no date.
pub fn undated(c: &Context<'_>, id: Option<Uuid>) -> Vec<Cause> {
    let of_kind = |kind: &str| -> &'static [&'static str] {
        match kind {
            StrategyReview::KIND => &["strategy_review_without_target_date"],
            Strategy::KIND => &["strategy_planned_without_date"],
            Recommendation::KIND => &["recommendation_without_deadline"],
            WorkPlanItem::KIND => &["item_without_deadline", "item_deferred_without_date"],
            Action::KIND => &["action_without_deadline", "action_deferred_without_date"],
            Dashboard::KIND => &["dashboard_without_date"],
            _ => &[],
        }
    };
    id.map_or_else(Vec::new, |id| by_kind(c, id, of_kind))
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

/// What explains an item's computed RAG rating: that it is overdue, or what it waits for.
pub fn of_rating(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> Vec<Cause> {
    let mut causes = same(item, &["item_overdue"]);
    let dependencies = c.seen.pointing::<Dependency>(item.meta.id);
    for dependency in dependencies.filter(|d| d.data.item_id.uuid() == item.meta.id) {
        let rules = [
            "dependency_given_up",
            "dependency_late",
            "dependency_undated",
        ];
        causes.extend(rules.map(|rule| (rule, dependency.meta.id)));
    }
    causes
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

/// The same, or else that the recommendation is overdue.
pub fn of_deferred(c: &Context<'_>, recommendation: &Rec<Recommendation>) -> Vec<Cause> {
    let mut causes = of_waiting(c, recommendation);
    causes.extend(same(recommendation, &["recommendation_overdue"]));
    causes
}

/// That what a recommendation waits for is overdue.
pub fn of_late_wait(c: &Context<'_>, recommendation: &Rec<Recommendation>) -> Vec<Cause> {
    let of_kind = |kind: &str| -> &'static [&'static str] {
        match kind {
            StrategyReview::KIND => &["strategy_review_overdue"],
            Recommendation::KIND => &["recommendation_overdue"],
            WorkPlanItem::KIND => &["item_overdue"],
            Action::KIND => &["action_overdue"],
            Dashboard::KIND => &["dashboard_overdue"],
            _ => &[],
        }
    };
    awaited_by(c.seen, c.on, recommendation)
        .iter()
        .flat_map(|a| by_kind(c, a.record.meta().id, of_kind))
        .collect()
}
