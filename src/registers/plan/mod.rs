//! Delivery plans: their items, progress updates, deadline changes, allocations, dependencies and
//! benefit claims.

mod allocation;
mod benefit_claim;
mod dependency;
#[expect(
    clippy::module_inception,
    reason = "the file is named after the record it defines"
)]
mod plan;
mod rag;
mod waits;
mod work_plan_item;

pub use allocation::Allocation;
pub use benefit_claim::{BenefitClaim, BenefitEvidence};
pub use dependency::{AwaitedId, Dependency, DependencyStatus};
pub use plan::{Plan, PlanCompleteness, PlanId, PlanStatus};
pub use rag::Rag;
pub use work_plan_item::deadline_change::DeadlineChange;
pub use work_plan_item::progress_update::{ProgressPart, ProgressUpdate};
pub use work_plan_item::{
    ItemCarry, ItemKind, ItemMeasure, ItemPartner, ItemStatus, QuantifiedTarget, ServedGoal,
    WorkPlanItem, WorkPlanItemId,
};

use crate::world::vocabulary::Vocabulary;
use crate::world::{Catalogue, Reading};

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<DependencyStatus>,
    Vocabulary::of::<ItemCarry>,
    Vocabulary::of::<ItemKind>,
    Vocabulary::of::<ItemStatus>,
    Vocabulary::of::<PlanCompleteness>,
    Vocabulary::of::<PlanStatus>,
    Vocabulary::of::<Rag>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Plan>()
        .with::<WorkPlanItem>()
        .with::<ProgressUpdate>()
        .with::<DeadlineChange>()
        .with::<Allocation>()
        .with::<Dependency>()
        .with::<BenefitClaim>()
}

/// Whether an item belongs to the given plan. True if no plan is given.
fn is_of_plan(reading: Reading<'_>, item: WorkPlanItemId, plan: Option<PlanId>) -> bool {
    plan.is_none_or(|p| {
        reading
            .world
            .get::<WorkPlanItem>(item)
            .is_some_and(|i| i.data.plan_id == p)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn plans() {
        check(
            "plan",
            &[
                ("title", json!("")),
                ("strategy_version_id", json!("v1")),
                ("status", json!("fully_aligned")),
                ("completeness_claim", json!(true)),
                ("completeness_source", long(501)),
                ("description", long(4001)),
            ],
        );
    }

    #[test]
    fn items() {
        check(
            "work_plan_item",
            &[
                ("plan_id", Value::Null),
                ("item_kind", json!("task")),
                ("title", long(301)),
                ("what", long(4001)),
                ("measures", json!([{ "target": "all" }])),
                ("measures", json!(vec![json!({ "name": "x" }); 21])),
                ("partners", json!([{ "name": "" }])),
                ("partners", json!(["A university"])),
                ("goals", json!([{ "rationale": "no goal" }])),
                ("goals", json!([{ "goal_id": ID, "rationale": long(1001) }])),
                (
                    "quantified_target",
                    json!({ "population": "staff", "target": -1, "unit": "people" }),
                ),
                (
                    "quantified_target",
                    json!({ "population": "staff", "target": 10_000 }),
                ),
                ("deadline", json!("2020-11-30")),
                (
                    "deadline",
                    json!({ "precision": "day", "due_on": "30 November" }),
                ),
                ("status", json!("done")),
                ("declared_rag", json!("purple")),
                ("percent_complete", json!(101)),
                ("percent_complete", json!(-1)),
                ("carry", json!("forgotten")),
                ("first_deadline", json!({ "precision": "unspecified" })),
                ("update_count", json!(3)),
            ],
        );
    }

    #[test]
    fn updates_and_changes() {
        check(
            "progress_update",
            &[
                ("made_on", Value::Null),
                ("parts", json!([])),
                ("parts", json!([{ "label": "a" }])),
                ("parts", json!([{ "text": long(8001) }])),
                ("declared_rag", json!("yellow")),
                ("percent_complete", json!(50.5)),
                ("status", json!("")),
            ],
        );
        check(
            "deadline_change",
            &[
                ("to", Value::Null),
                ("to", json!({ "due": "2021-03-31" })),
                ("reason", json!("")),
                ("reason", long(2001)),
                ("decided_on", json!("yesterday")),
                ("from", json!({ "precision": "unspecified" })),
                ("is_extension", json!(true)),
            ],
        );
    }

    #[test]
    fn allocations_dependencies_and_claims() {
        check(
            "allocation",
            &[
                ("board_id", Value::Null),
                ("allocated_on", json!(29)),
                ("minute_reference", long(301)),
            ],
        );
        check(
            "dependency",
            &[
                ("item_id", Value::Null),
                ("on_other", json!("")),
                ("needed_by", json!({ "due_on": 2020 })),
                ("status", json!("waiting")),
                ("met_on", json!("soon")),
            ],
        );
        check(
            "benefit_claim",
            &[
                ("claim", json!("")),
                ("by_post_id", json!("SIDU")),
                ("evidence", json!([{ "url": "https://intranet.example/x" }])),
                ("evidence", json!([{ "title": "Survey", "url": "ftp://x" }])),
                ("is_evidenced", json!(true)),
            ],
        );
    }
}
