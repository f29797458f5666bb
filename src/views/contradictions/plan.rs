//! Contradictions in plans and their items: what leads declare, against parts, dependencies,
//! benefits and audit.

use uuid::Uuid;

use super::rule::{Clash, Context, Each, Rule, Said, audit};
use crate::registers::assurance::{
    Recommendation, RecommendationClosureState, RecommendationVerification,
};
use crate::registers::plan::{
    Dependency, DependencyStatus, ItemStatus, Plan, PlanCompleteness, PlanStatus, ProgressUpdate,
    WorkPlanItem, WorkPlanItemId,
};
use crate::registers::query::has;
use crate::registers::strategy::{StrategyVersion, StrategyVersionStatus};
use crate::views::findings::FindingSeverity as Is;
use crate::views::readiness::{Readiness, readiness};
use crate::world::Rec;
use crate::world::blank::OptionalText;
use crate::world::dates::Progress;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "item_rag_differs",
        severity: Is::Medium,
        checks: "The RAG rating declared by the lead differs from the one computed by the service.",
        why: "One of the two is wrong, and the board sees only one.",
        remedy: "Record an update that explains the declared RAG rating, or correct it.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            if i.data.status.is_closed() || !c.is_planned(i.data.plan_id.uuid()) {
                return None;
            }
            let rated = c.judge.item(i);
            (!rated.agrees(i.data.declared_rag)).then(|| {
                let colour = i.data.declared_rag;
                let claimed =
                    said_in_update(c, i, format!("declared {}", colour.in_sentence()), |u| {
                        u.declared_rag == Some(colour)
                    });
                Clash::of(Said {
                    code: word(&colour),
                    ..claimed
                })
                .computed(Said::new(word(&rated.rag), rated.reason()))
            })
        }),
    },
    Rule {
        code: "item_complete_with_open_part",
        severity: Is::High,
        checks: "The item is declared complete, but items that are part of it are open.",
        why: "An item is not done while one of its parts is outstanding.",
        remedy: "Complete or cancel the parts, or reopen the item.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let (mut parts, mut open) = (0, Vec::new());
            for part in children(c, i) {
                parts += 1;
                if !part.data.status.is_closed() {
                    open.push(part.meta.id);
                }
            }
            if open.is_empty() {
                return None;
            }
            let computed = Said::new(
                "parts_open",
                format!("open parts: {} of {parts}", open.len()),
            );
            Some(Clash::of(completed(c, i)?).computed(computed).against(open))
        }),
    },
    Rule {
        code: "item_complete_while_waiting",
        severity: Is::Medium,
        checks: "The item is declared complete, but it is still waiting for something.",
        why: "Either it did not need what it is waiting for, or it is not complete.",
        remedy: "Set the dependency to met or dropped, or reopen the item.",
        answers: &["2020, recommendations 1 to 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let claimed = completed(c, i)?;
            let waits = c.seen.pointing::<Dependency>(i.meta.id);
            let open: Vec<Uuid> = waits
                .filter(|d| d.data.item_id == i.meta.id && d.data.status == DependencyStatus::Open)
                .map(|d| d.meta.id)
                .collect();
            (!open.is_empty()).then(|| {
                let computed = Said::new(
                    "dependencies_open",
                    format!("open dependencies: {}", open.len()),
                );
                Clash::of(claimed).computed(computed).against(open)
            })
        }),
    },
    Rule {
        code: "item_complete_audit_disagrees",
        severity: Is::High,
        checks: "The item is declared complete, but audit has rejected the claim on a recommendation \
            that it carries out, or that recommendation is overdue and not claimed although all \
            its items are done.",
        why: "The plan reports work as done, and the recommendation does not.",
        remedy: "Show audit what was delivered, or reopen the item.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let claimed = completed(c, i)?;
            let is_done = |id: &WorkPlanItemId| {
                let item = c.seen.get::<WorkPlanItem>(*id);
                item.is_none_or(|i| i.data.status.is_closed())
            };
            let is_against = |r: &&Rec<Recommendation>| {
                let open = r.computed.closure == RecommendationClosureState::None;
                let rejected = r.computed.verification == RecommendationVerification::Rejected;
                let unclaimed = || {
                    r.computed.verification == RecommendationVerification::None
                        && r.is_overdue(c.on)
                        && r.data.item_ids.iter().all(is_done)
                };
                open && has(&r.data.item_ids, i.meta.id) && (rejected || unclaimed())
            };
            let against: Vec<&Rec<Recommendation>> = c
                .seen
                .pointing::<Recommendation>(i.meta.id)
                .filter(is_against)
                .collect();
            let first = against.first()?;
            let found = audit(first.computed.verification);
            let computed = Said::new(
                "recommendations_open",
                format!(
                    "open recommendations linked to it, rejected or overdue: {}",
                    against.len()
                ),
            );
            Some(
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against(against.iter().map(|r| r.meta.id)),
            )
        }),
    },
    Rule {
        code: "item_percentage_differs",
        severity: Is::Low,
        checks: "The status and the percentage declared by the lead do not agree.",
        why: "Readers cannot tell which of the two to believe.",
        remedy: "Correct the status or the percentage.",
        answers: &[],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let percent = i.data.percent_complete?;
            let complete = i.data.status == ItemStatus::Complete;
            let differs =
                (complete && percent < 100) || (percent == 100 && !i.data.status.is_closed());
            (differs && c.is_planned(i.data.plan_id.uuid())).then(|| {
                let claimed = said_in_update(c, i, format!("{percent} per cent done"), |u| {
                    u.percent_complete == Some(percent)
                });
                let computed = Said::new(
                    word(&i.data.status),
                    format!("its status is {}", i.data.status.in_sentence()),
                );
                Clash::of(Said {
                    code: format!("percent_{percent}"),
                    ..claimed
                })
                .computed(computed)
            })
        }),
    },
    Rule {
        code: "dependency_met_by_what_is_open",
        severity: Is::Medium,
        checks: "The dependency is recorded as met, but what the item was waiting for is not done.",
        why: "The item is going ahead without what it needs.",
        remedy: "Complete what it was waiting for, or reopen the dependency.",
        answers: &["2020, recommendations 1 to 4"],
        check: &Each::new(|c, d: &Rec<Dependency>| {
            let state = awaited(c, d)?;
            (d.data.status == DependencyStatus::Met && state.0 == "open").then(|| {
                let claimed =
                    Said::new("met", "the item has what it was waiting for").on(d.data.met_on);
                Clash::of(claimed)
                    .computed(Said::new("open", state.1))
                    .against(d.data.on_id.map(Uuid::from))
            })
        }),
    },
    Rule {
        code: "dependency_open_on_what_is_done",
        severity: Is::Low,
        checks: "The item is recorded as waiting for something that is done.",
        why: "The item no longer has a reason to wait.",
        remedy: "Set the dependency to met, or say what is still missing.",
        answers: &[],
        check: &Each::new(|c, d: &Rec<Dependency>| {
            let state = awaited(c, d)?;
            let item = c.seen.get::<WorkPlanItem>(d.data.item_id)?;
            let waits = d.data.status == DependencyStatus::Open
                && !item.data.status.is_closed()
                && c.is_planned(item.data.plan_id.uuid());
            (waits && state.0 == "done").then(|| {
                let claimed = Said::new("open", "the item is waiting for it");
                Clash::of(claimed)
                    .computed(Said::new("done", state.1))
                    .against(d.data.on_id.map(Uuid::from))
            })
        }),
    },
    Rule {
        code: "plan_complete_with_incomplete_items",
        severity: Is::High,
        checks: "The plan is recorded as complete, but some of its items lack a lead, unit, what, \
            how, outcome, measure, goal or deadline.",
        why: "A plan is not complete while nobody can tell what its items are, who is responsible \
            for them and when they are due.",
        remedy: "Complete the items, or record that the plan is partial.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, p: &Rec<Plan>| {
            if p.data.completeness_claim != PlanCompleteness::Complete || !c.is_active(p) {
                return None;
            }
            let (mut items, mut lacking) = (0, Vec::new());
            for item in c
                .seen
                .pointing::<WorkPlanItem>(p.meta.id)
                .filter(|i| i.data.plan_id == p.meta.id)
            {
                items += 1;
                if lacks(item) {
                    lacking.push(item.meta.id);
                }
            }
            (!lacking.is_empty()).then(|| {
                let claimed = Said::new(
                    "complete",
                    p.data
                        .completeness_source
                        .as_deref()
                        .unwrap_or("recorded as complete"),
                );
                let computed = Said::new(
                    "items_incomplete",
                    format!("incomplete items: {} of {items}", lacking.len()),
                );
                Clash::of(claimed).computed(computed).against(lacking)
            })
        }),
    },
    Rule {
        code: "plan_active_on_unapproved_version",
        severity: Is::Medium,
        checks: "The plan is active, but the strategy version that it delivers is not approved.",
        why: "Work is starting on something that may still change.",
        remedy: "Have the version approved, or link the plan to an approved version.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, p: &Rec<Plan>| {
            let version = c.seen.get::<StrategyVersion>(p.data.strategy_version_id?)?;
            let unapproved = matches!(
                version.data.status,
                StrategyVersionStatus::Draft
                    | StrategyVersionStatus::InReview
                    | StrategyVersionStatus::Withdrawn
            );
            (p.data.status == PlanStatus::Active && unapproved).then(|| {
                let status = version.data.status;
                let found = Said::new(
                    word(&status),
                    format!("the version is {}", status.in_sentence()),
                );
                Clash::of(Said::new("active", "the plan is active"))
                    .verified(found)
                    .against([version.meta.id])
            })
        }),
    },
];

fn children<'a>(
    c: &Context<'a>,
    item: &Rec<WorkPlanItem>,
) -> impl Iterator<Item = &'a Rec<WorkPlanItem>> + use<'a> {
    let (id, complete) = (item.meta.id, item.data.status == ItemStatus::Complete);
    let all = complete.then(|| c.seen.pointing::<WorkPlanItem>(id));
    all.into_iter()
        .flatten()
        .filter(move |p| p.data.parent_id == Some(id.into()))
}

/// What an item's lead says, from the latest update that says it. If no update says it, the lead is
/// named without a date.
fn said_in_update(
    c: &Context<'_>,
    item: &Rec<WorkPlanItem>,
    words: String,
    says: impl Fn(&ProgressUpdate) -> bool,
) -> Said {
    let updates = c
        .seen
        .pointing::<ProgressUpdate>(item.meta.id)
        .filter(|u| says(&u.data));
    let last = updates.max_by_key(|u| (u.data.made_on, u.meta.id));
    let said = Said::new("", words);
    match last {
        Some(update) => said
            .by(Some(update.data.by_post_id.uuid()))
            .on(Some(update.data.made_on)),
        None => said.by(item.data.lead_post_id.map(Into::into)),
    }
}

/// The statement that an item is complete, if it is declared complete.
fn completed(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> Option<Said> {
    if item.data.status != ItemStatus::Complete {
        return None;
    }
    let said = said_in_update(c, item, "declared complete".into(), |u| {
        u.status == Some(ItemStatus::Complete)
    });
    let on = said.on.or(item.data.completed_on);
    Some(Said {
        code: "complete".into(),
        on,
        ..said
    })
}

/// Whether what a dependency waits for is open or done, if it has such a state.
fn awaited(c: &Context<'_>, dependency: &Rec<Dependency>) -> Option<(&'static str, String)> {
    let id = dependency.data.on_id?.uuid();
    let name = || c.name(id);
    match readiness(c.seen, c.on, c.seen.any(id)?) {
        Readiness::Done | Readiness::InForce => {
            Some(("done", format!("{} is recorded as done", name())))
        }
        Readiness::Open(_) => Some(("open", format!("{} is recorded as open", name()))),
        Readiness::GivenUp => Some(("open", format!("{} is given up", name()))),
        Readiness::NeverDue => None,
    }
}

/// Whether an item lacks a field that a complete plan needs (the fields that recommendation 4 of
/// 2020 asks for).
pub fn lacks(item: &Rec<WorkPlanItem>) -> bool {
    let i = &item.data;
    let dropped = item.due().progress == Progress::GivenUp;
    let answered_for = i.lead_post_id.is_some() && i.responsible_unit_id.is_some();
    let unsaid = i.what.is_unsaid() || i.how.is_unsaid() || i.intended_outcome.is_unsaid();
    let measurable = (!i.measures.is_empty() || i.quantified_target.is_some())
        && !i.goals.is_empty()
        && item.due().counts_on().is_some();
    let complete = answered_for && !unsaid && measurable;
    !dropped && !complete
}
