//! Plans of a paper, arranged by the goals that their items serve.

use std::collections::HashSet;

use uuid::Uuid;

use super::content::{PaperFigure, PaperItem, PaperPart, PaperPriority};
use super::queries::Basis;
use super::scope::{Scope, named};
use crate::registers::organisation::{Post, Unit};
use crate::registers::plan::{Plan, ProgressUpdate, WorkPlanItem};
use crate::registers::settings::in_force;
use crate::registers::strategy::Goal;
use crate::views::judgement::Judge;
use crate::views::status::Named;
use crate::world::collation::Collated;
use crate::world::{Rec, Resource, Text};

/// Every goal of the strategies that the plans deliver, with the items that serve it, followed by
/// items that serve no goal.
#[must_use]
pub fn priorities(basis: &Basis, scope: &Scope, open_only: bool) -> Vec<PaperPriority> {
    let seen = &basis.seen;
    let mut items: Vec<&Rec<WorkPlanItem>> = Vec::new();
    for plan in &scope.plans {
        items.extend(
            seen.pointing::<WorkPlanItem>(*plan)
                .filter(|i| i.data.plan_id == *plan),
        );
    }
    items.retain(|i| !open_only || !i.data.status.is_closed());
    items.sort_by_key(|i| Collated(&i.meta.reference));
    if scope.plans.is_empty() {
        return Vec::new();
    }
    let mut goals: Vec<&Rec<Goal>> = Vec::new();
    for strategy in &scope.strategies {
        let mut own: Vec<_> = seen
            .pointing::<Goal>(*strategy)
            .filter(|g| g.data.strategy_id == *strategy)
            .collect();
        own.sort_by_key(|g| {
            (
                g.data.goal_kind as u8,
                g.data.number.unwrap_or(u16::MAX),
                Collated(&g.meta.reference),
            )
        });
        goals.extend(own);
    }
    let known: HashSet<Uuid> = goals.iter().map(|g| g.meta.id).collect();
    let serves =
        |item: &Rec<WorkPlanItem>, goal: Uuid| item.data.goals.iter().any(|s| s.goal_id == goal);
    let mut all: Vec<PaperPriority> = goals
        .into_iter()
        .map(|g| PaperPriority {
            goal: Some(Named::new(&g.meta, &g.data.title)),
            goal_kind: Some(g.data.goal_kind),
            number: g.data.number,
            items: items
                .iter()
                .filter(|i| serves(i, g.meta.id))
                .map(|i| row(i, basis))
                .collect(),
            query: Text::cut(basis.of("work-plan-items", "goal_id", g.meta.id)),
        })
        .collect();
    let rest: Vec<PaperItem> = items
        .iter()
        .filter(|i| {
            !i.data
                .goals
                .iter()
                .any(|s| known.contains(&s.goal_id.uuid()))
        })
        .map(|i| row(i, basis))
        .collect();
    if !rest.is_empty() {
        all.push(PaperPriority {
            goal: None,
            goal_kind: None,
            number: None,
            items: rest,
            query: Text::cut(
                scope
                    .plans
                    .first()
                    .map_or_else(String::new, |p| basis.of("work-plan-items", "plan_id", *p)),
            ),
        });
    }
    all
}

fn row(i: &Rec<WorkPlanItem>, basis: &Basis) -> PaperItem {
    let (seen, data) = (&basis.seen, &i.data);
    let settings = in_force(seen.reading(basis.on).world);
    let rated = Judge::new(seen, basis.on, settings).item(i);
    let own = |u: &&Rec<ProgressUpdate>| u.data.item_id == i.meta.id && u.data.made_on <= basis.on;
    let latest = seen
        .pointing::<ProgressUpdate>(i.meta.id)
        .filter(own)
        .max_by_key(|u| (u.data.made_on, u.meta.created_at, u.meta.id));
    let part = |p: &crate::registers::plan::ProgressPart| PaperPart {
        label: p.label.as_ref().map(Into::into),
        text: (&p.text).into(),
    };
    PaperItem {
        item: Named::new(&i.meta, &data.title),
        deadline: data.deadline.clone(),
        first_deadline: i
            .computed
            .first_deadline
            .clone()
            .filter(|d| *d != data.deadline),
        is_overdue: i.due().is_overdue(basis.on),
        lead: data
            .lead_post_id
            .and_then(|post| named::<Post>(seen, post, |p| &p.title)),
        unit: data
            .responsible_unit_id
            .and_then(|unit| named::<Unit>(seen, unit, |u| &u.title)),
        status: data.status,
        declared_rag: data.declared_rag,
        computed_rag: rated.rag,
        computed_reason: Text::cut(rated.reason()),
        updated_on: latest.map(|u| u.data.made_on),
        latest: latest
            .map(|u| u.data.parts.iter().map(part).collect())
            .unwrap_or_default(),
        query: Text::cut(basis.one(WorkPlanItem::KIND, &i.meta.reference)),
    }
}

/// Number of items in each plan, and number of those that are overdue.
#[must_use]
pub fn figures(basis: &Basis, scope: &Scope) -> Vec<PaperFigure> {
    let mut figures = Vec::new();
    for plan in &scope.plans {
        let Some(plan) = basis.seen.get::<Plan>(*plan) else {
            continue;
        };
        let own: Vec<_> = basis
            .seen
            .pointing::<WorkPlanItem>(plan.meta.id)
            .filter(|i| i.data.plan_id == plan.meta.id)
            .collect();
        let id = plan.meta.id.to_string();
        let overdue = own.iter().filter(|i| i.due().is_overdue(basis.on)).count();
        for (what, value, filters) in [
            ("items", own.len(), vec![("plan_id", id.as_str())]),
            (
                "overdue",
                overdue,
                vec![("plan_id", id.as_str()), ("overdue", "true")],
            ),
        ] {
            figures.push(PaperFigure {
                label: Text::cut(format!("{}: {what}", plan.data.title)),
                value,
                query: Text::cut(basis.rows("work-plan-items", &filters)),
            });
        }
    }
    figures
}
