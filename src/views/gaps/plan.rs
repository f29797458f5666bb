//! What delivery plans and their items lack.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use super::causes;
use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::plan::{
    Allocation, BenefitClaim, Dependency, ItemKind, Plan, PlanCompleteness, PlanStatus,
    ProgressUpdate, WorkPlanItem,
};
use crate::registers::risk::{Risk, RiskStatus};
use crate::views::rag::{counted, days};
use crate::views::readiness::{Readiness, expected_on, readiness};
use crate::world::blank::OptionalText;
use crate::world::date::Precision;
use crate::world::dates::Progress;
use crate::world::vocabulary::Coded;
use crate::world::{AnyRecord, Rec};

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "plan_without_owner",
        severity: Is::High,
        checks: "No owner unit is recorded for the plan.",
        why: "Nobody keeps it up to date.",
        remedy: "Record the unit that owns it.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, p: &Rec<Plan>| {
            unowned(c, c.is_planned(p.meta.id), None, p.data.owner_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "plan_without_version",
        severity: Is::Medium,
        checks: "Which version of which strategy the plan delivers is not recorded.",
        why: "Nobody can tell whether it is complete or out of date.",
        remedy: "Record the version.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, p: &Rec<Plan>| {
            plain_if(c.is_planned(p.meta.id) && p.data.strategy_version_id.is_none())
        })
        .detail(),
    },
    Rule {
        code: "plan_incomplete",
        severity: Is::Medium,
        checks: "The plan is active, but its owner says that parts are missing.",
        why: "Nobody does or sees what is missing.",
        remedy: "Add what is missing.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|_, p: &Rec<Plan>| {
            plain_if(
                p.data.status == PlanStatus::Active
                    && p.data.completeness_claim == PlanCompleteness::Partial,
            )
        }),
    },
    Rule {
        code: "plan_without_items",
        severity: Is::Medium,
        checks: "The plan is active, but no item of it is recorded.",
        why: "Nobody can tell what is to be done, by whom and by when.",
        remedy: "Record its items.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, p: &Rec<Plan>| {
            let id = p.meta.id;
            let has_items = || {
                let mut items = c.seen.pointing::<WorkPlanItem>(id);
                items.any(|i| i.data.plan_id.uuid() == id)
            };
            plain_if(p.data.status == PlanStatus::Active && !has_items())
        })
        .keeping(),
    },
    Rule {
        code: "plan_ended_with_open_items",
        severity: Is::Medium,
        checks: "The plan has ended or been succeeded, but items of it are open.",
        why: "Nobody can tell which of them is still to be done.",
        remedy: "Complete or cancel each item, or carry it forward into the new plan.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(plan_ended_with_open_items),
    },
    Rule {
        code: "item_without_lead",
        severity: Is::High,
        checks: "No lead post is recorded for the item.",
        why: "Nobody is accountable for it.",
        remedy: "Record the post that leads it.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            unowned(c, is_open(c, i), i.data.lead_post_id, None)
        })
        .detail(),
    },
    Rule {
        code: "item_without_unit",
        severity: Is::High,
        checks: "No responsible unit is recorded for the item.",
        why: "Nobody can be held to account for it.",
        remedy: "Record the unit that is responsible.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            unowned(c, is_open(c, i), None, i.data.responsible_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "item_without_what",
        severity: Is::Medium,
        checks: "What is to be done is not recorded for the item.",
        why: "A title does not describe the work.",
        remedy: "Say what is to be done.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(is_open(c, i) && i.data.what.is_unsaid())
        })
        .detail(),
    },
    Rule {
        code: "item_without_how",
        severity: Is::Medium,
        checks: "How it is to be done is not recorded for the item.",
        why: "Without a method, there is nothing to check progress against.",
        remedy: "Say how it is to be done.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(is_open(c, i) && i.data.how.is_unsaid())
        })
        .detail(),
    },
    Rule {
        code: "item_without_outcome",
        severity: Is::Medium,
        checks: "No intended outcome is recorded for the item.",
        why: "Nobody can tell whether it was worth doing.",
        remedy: "Say what will be different once it is done.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(is_open(c, i) && i.data.intended_outcome.is_unsaid())
        })
        .detail(),
    },
    Rule {
        code: "item_without_measure",
        severity: Is::Medium,
        checks: "No measure of success is recorded for the item.",
        why: "It can be called done with nothing to show for it.",
        remedy: "Record the measure and what it should reach.",
        answers: &["2020, recommendations 4 and 5"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let has = !i.data.measures.is_empty() || i.data.quantified_target.is_some();
            plain_if(is_open(c, i) && !has)
        })
        .detail(),
    },
    Rule {
        code: "item_without_goal",
        severity: Is::Medium,
        checks: "No goal is recorded for the item.",
        why: "Work that serves no goal takes time from work that does.",
        remedy: "Record the goal that it serves, with the reason, or drop the item.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(is_open(c, i) && i.data.goals.is_empty())
        })
        .detail(),
    },
    Rule {
        code: "item_without_deadline",
        severity: Is::High,
        checks: "No deadline is recorded for the item.",
        why: "It can never become overdue.",
        remedy: "Set a deadline.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            // A strand groups other items. Its items have the deadlines.
            plain_if(
                is_open(c, i)
                    && i.data.item_kind != ItemKind::Strand
                    && i.due().counts_on().is_none(),
            )
        })
        .detail(),
    },
    Rule {
        code: "item_deadline_vague",
        severity: Is::Low,
        checks: "The item's deadline is vaguer than a quarter.",
        why: "A broad timescale can hide for months that something is late.",
        remedy: "Set a deadline as a quarter, a month or a day.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let d = &i.data.deadline;
            // A strand needs no deadline. A deadline given only in words counts as vague.
            let words = d
                .source_text
                .as_ref()
                .filter(|_| i.data.item_kind == ItemKind::Strand && i.due().counts_on().is_none());
            match words {
                _ if !is_open(c, i) => None,
                Some(words) => because(format!("only \"{words}\"")),
                None => plain_if(is_vague(d.precision, d.from_on, d.due_on)),
            }
        })
        .detail(),
    },
    Rule {
        code: "item_deferred_without_date",
        severity: Is::High,
        checks: "The item was deferred without a date.",
        why: "Without a date, nobody can tell whether the promise has been broken or kept.",
        remedy: "Set a new deadline with its reason and approver.",
        answers: &["2017, summary", "2020, recommendation 5"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(
                is_open(c, i) && i.data.deadline.due_on.is_none() && i.due().counts_on().is_some(),
            )
        })
        .follows_own(&["item_overdue"]),
    },
    Rule {
        code: "item_overdue",
        severity: Is::High,
        checks: "The item is past its deadline.",
        why: "If nobody mentions an overdue deadline, nothing is done about it.",
        remedy: "Complete it, or have the deadline changed with the reason.",
        answers: &["2020, deadlines of June to September 2020"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| match i.due().counts_on() {
            Some(due) if is_open(c, i) && i.due().is_overdue(c.on) => because(format!(
                "was due on {due}, {} ago",
                days((c.on - due).num_days())
            )),
            _ => None,
        })
        .follows(&["recommendation_overdue"], causes::of_late_item),
    },
    Rule {
        code: "item_stale",
        severity: Is::Medium,
        checks: "No recent update of the item is recorded.",
        why: "Without updates, nobody can see progress.",
        remedy: "Record a progress update.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            match i.stale_days(c.on, c.settings.stale_after_days) {
                Some(n) if is_open(c, i) => because(format!("no update for {}", days(n))),
                _ => None,
            }
        })
        .detail()
        .follows_own(&["item_overdue", "item_deferred_without_date"]),
    },
    Rule {
        code: "item_without_risk",
        severity: Is::Low,
        checks: "No risks are recorded for the item.",
        why: "A risk that nobody has identified cannot be watched.",
        remedy: "Summarise the risks on the item, or record a risk that threatens it.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let watched = || {
                c.seen
                    .pointing::<Risk>(i.meta.id)
                    .any(|r| r.data.status == RiskStatus::Open)
            };
            plain_if(is_open(c, i) && i.data.risk_summary.is_unsaid() && !watched())
        })
        .detail(),
    },
    Rule {
        code: "item_not_allocated",
        severity: Is::Low,
        checks: "No allocation of the item by a board to a unit is recorded.",
        why: "A board can hold a unit to account only for what it has allocated.",
        remedy: "Record which board allocated it to which unit, and when.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            plain_if(is_open(c, i) && c.seen.pointing::<Allocation>(i.meta.id).next().is_none())
        })
        .detail(),
    },
    Rule {
        code: "item_rag_disagrees",
        severity: Is::Medium,
        checks: "The RAG rating declared by the lead differs from the one computed by the service.",
        why: "One of the two is wrong, and the board sees only one.",
        remedy: "Record an update that explains the declared RAG rating, or correct it.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            if !is_open(c, i) {
                return None;
            }
            let rated = c.judge.item(i);
            if rated.agrees(i.data.declared_rag) {
                return None;
            }
            because(format!(
                "declared {}, computed {}: {}",
                i.data.declared_rag.in_sentence(),
                rated.rag.in_sentence(),
                rated.reason()
            ))
        })
        .follows(causes::WAITING, causes::of_rating)
        .follows_own(&["item_overdue"]),
    },
    Rule {
        code: "item_complete_without_update",
        severity: Is::Medium,
        checks: "The item is recorded as complete, but no update says what was done.",
        why: "A claim without an update cannot be checked.",
        remedy: "Record what was delivered, with evidence.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            let complete = i.data.status == crate::registers::plan::ItemStatus::Complete;
            plain_if(
                complete
                    && c.is_planned(i.data.plan_id.uuid())
                    && c.seen
                        .pointing::<ProgressUpdate>(i.meta.id)
                        .next()
                        .is_none(),
            )
        })
        .detail(),
    },
    Rule {
        code: "item_not_carried_forward",
        severity: Is::High,
        checks: "The plan was refreshed, but no item of the new plan says what became of this one.",
        why: "A refresh must not drop an item without saying so.",
        remedy: "Carry the item forward, changed or unchanged, or drop it with the reason.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, i: &Rec<WorkPlanItem>| {
            if i.data.status.is_closed() {
                return None;
            }
            let next = successor(c, i.data.plan_id.uuid())?;
            if is_carried(c, i) {
                None
            } else {
                because(format!("not in {}", next.meta.reference))
            }
        })
        .follows(&["plan_ended_with_open_items"], |_, i| {
            vec![("plan_ended_with_open_items", i.data.plan_id.uuid())]
        }),
    },
    Rule {
        code: "dependency_undated",
        severity: Is::Medium,
        checks: "The item waits for something that has no date.",
        why: "Its own deadline cannot be relied on.",
        remedy: "Give what it waits for a date, or record when it is needed.",
        answers: &["2020, recommendations 1, 2, 3, 4 and 9"],
        check: &Each::new(|c, d: &Rec<Dependency>| {
            plain_if(is_waiting(c, d) && awaited_on(c, d).is_none() && given_up(c, d).is_none())
        })
        .follows(causes::UNDATED, |c, d| {
            causes::undated(c, d.data.on_id.map(|id| id.uuid()))
        }),
    },
    Rule {
        code: "dependency_given_up",
        severity: Is::High,
        checks: "The item waits for something that was given up.",
        why: "What was cancelled, dissolved or superseded never comes, so the item cannot be done \
            as planned.",
        remedy: "Drop the dependency, or record what the item waits for instead.",
        answers: &["2020, recommendations 1, 2, 3, 4 and 9"],
        check: &Each::new(|c, d: &Rec<Dependency>| {
            let awaited = given_up(c, d).filter(|_| is_waiting(c, d))?;
            because(format!("{} was given up", awaited.meta().reference))
        }),
    },
    Rule {
        code: "dependency_late",
        severity: Is::High,
        checks: "What the item waits for is expected after the item's own deadline.",
        why: "The deadline cannot be met, and this is already known.",
        remedy: "Bring forward what it waits for, or change the deadline now.",
        answers: &["2020, recommendations 1, 2, 3 and 4"],
        check: &Each::new(|c, d: &Rec<Dependency>| {
            let due = c
                .seen
                .get::<WorkPlanItem>(d.data.item_id)?
                .due()
                .counts_on()?;
            let waits = is_waiting(c, d) && given_up(c, d).is_none();
            let awaited = awaited_on(c, d).filter(|on| waits && *on > due)?;
            because(format!("expected on {awaited}, due on {due}"))
        }),
    },
    Rule {
        code: "benefit_without_evidence",
        severity: Is::Medium,
        checks: "The benefit is claimed without evidence.",
        why: "Anyone can say that awareness was raised.",
        remedy: "Add the evidence, or withdraw the claim.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|_, b: &Rec<BenefitClaim>| plain_if(!b.computed.is_evidenced)).detail(),
    },
];

/// Whether the item is still to be done under a plan that is being worked to. What is left in a plan
/// that has ended or been succeeded is asked for once, at the plan.
fn is_open(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> bool {
    !item.data.status.is_closed()
        && c.is_active(item)
        && successor(c, item.data.plan_id.uuid()).is_none()
}

/// The open items of a plan that has ended, except those carried forward.
fn plan_ended_with_open_items(c: &Context<'_>, plan: &Rec<Plan>) -> Fault {
    let next = successor(c, plan.meta.id);
    if plan.data.status != PlanStatus::Closed && next.is_none() {
        return None;
    }
    let items = c.seen.pointing::<WorkPlanItem>(plan.meta.id);
    let own = items.filter(|i| i.data.plan_id.uuid() == plan.meta.id);
    let open = own.filter(|i| !i.data.status.is_closed() && !is_carried(c, i));
    match (open.count(), next) {
        (0, _) => None,
        (n, Some(next)) => because(format!(
            "{}, succeeded by {}",
            counted_items(n),
            next.meta.reference
        )),
        (n, None) => because(counted_items(n)),
    }
}

fn counted_items(n: usize) -> String {
    counted(i64::try_from(n).unwrap_or(i64::MAX), "open item")
}

/// Whether an item of another plan carries this one forward.
fn is_carried(c: &Context<'_>, item: &Rec<WorkPlanItem>) -> bool {
    let id = Some(item.meta.id.into());
    let mut later = c.seen.pointing::<WorkPlanItem>(item.meta.id);
    later.any(|n| n.data.carried_from_item_id == id)
}

/// The plan that replaced another.
fn successor<'a>(c: &Context<'a>, plan: Uuid) -> Option<&'a Rec<Plan>> {
    c.refreshes
        .of(plan)
        .find(|p| p.data.status != PlanStatus::Draft)
}

fn is_waiting(c: &Context<'_>, dependency: &Rec<Dependency>) -> bool {
    let item = c.seen.get::<WorkPlanItem>(dependency.data.item_id);
    c.deadline(dependency).progress == Progress::Open && item.is_some_and(|i| is_open(c, i))
}

/// What a dependency waits for, if it was given up.
fn given_up<'a>(c: &Context<'a>, dependency: &Rec<Dependency>) -> Option<&'a Arc<dyn AnyRecord>> {
    let awaited = c.seen.any(dependency.data.on_id?.uuid())?;
    (readiness(c.seen, c.on, awaited) == Readiness::GivenUp).then_some(awaited)
}

/// When what a dependency waits for is expected: its own date if it is recorded and has one,
/// otherwise the date by which it is needed.
fn awaited_on(c: &Context<'_>, dependency: &Rec<Dependency>) -> Option<NaiveDate> {
    let own = dependency
        .data
        .on_id
        .and_then(|id| expected_on(c.seen, c.on, id.uuid()));
    own.or(dependency.data.needed_by.due_on)
}

/// Whether a date is vaguer than a quarter.
fn is_vague(precision: Precision, from: Option<NaiveDate>, due: Option<NaiveDate>) -> bool {
    /// The longest quarter.
    const QUARTER_DAYS: i64 = 92;
    match precision {
        Precision::Half | Precision::Year => true,
        Precision::Period => from
            .zip(due)
            .is_some_and(|(from, due)| (due - from).num_days() >= QUARTER_DAYS),
        _ => false,
    }
}
