//! Strategies: their versions, the suggestions made on them, their goals, how they refer to each other, and their reviews.

mod cross_reference;
mod goal;
mod review;
#[expect(clippy::module_inception, reason = "a file bears the name of what is kept in it")]
mod strategy;
mod suggestion;
mod version;

pub use cross_reference::{CrossReference, CrossReferenceRelation};
pub use goal::{Goal, GoalKind, GoalLineage, LineageRelation};
pub use review::{DeferredRecord, StrategyReview, StrategyReviewStatus};
pub use strategy::{Strategy, StrategyKind, StrategyStatus};
pub use suggestion::{Suggestion, SuggestionDisposition};
pub use version::{StrategyDocument, StrategyVersion, StrategyVersionStatus};

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Strategy>()
        .with::<StrategyVersion>()
        .with::<Goal>()
        .with::<Suggestion>()
        .with::<CrossReference>()
        .with::<StrategyReview>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    #[test]
    fn strategies() {
        check(
            "strategy",
            &[
                ("title", json!("")),
                ("title", long(201)),
                ("aliases", json!(vec!["x"; 21])),
                ("strategy_kind", json!("own")),
                ("status", json!("draft")),
                ("owner_unit_id", json!("SIDU")),
                ("from_year", json!(17)),
                ("until_year", json!("2021")),
                ("family", long(101)),
                ("description", long(4001)),
                ("expected_date", json!({ "precision": "decade" })),
                ("expected_date", json!({ "source_text": long(101) })),
            ],
        );
    }

    #[test]
    fn versions() {
        check(
            "strategy_version",
            &[
                ("strategy_id", Value::Null),
                ("label", json!("")),
                ("label", long(61)),
                ("status", json!("final")),
                ("approved_on", json!("June 2017")),
                ("document", json!({ "url": "https://intranet.example/strategy" })),
                ("document", json!({ "title": "Strategy", "url": "javascript:alert(1)" })),
                ("document", json!({ "title": "Strategy", "pages": 12 })),
                ("what_changed", long(4001)),
            ],
        );
        check(
            "suggestion",
            &[
                ("text", json!("")),
                ("disposition", json!("maybe")),
                ("reason", long(2001)),
                ("made_on", json!("2017-02-30")),
                ("taken_in_version_id", json!(1)),
            ],
        );
    }

    #[test]
    fn goals() {
        check(
            "goal",
            &[
                ("strategy_id", Value::Null),
                ("goal_kind", json!("vision")),
                ("title", long(301)),
                ("number", json!(0)),
                ("number", json!(1000)),
                ("number", json!(1.5)),
                ("lineage", json!([{ "relation": "cousin" }])),
                ("lineage", json!([{ "note": "no relation" }])),
                ("lineage", json!(vec![json!({ "relation": "new" }); 21])),
            ],
        );
    }

    #[test]
    fn references_and_reviews() {
        check(
            "cross_reference",
            &[
                ("to_strategy_id", Value::Null),
                ("relation", json!("likes")),
                ("section", json!("")),
                ("rationale", long(2001)),
                ("stated_in", long(301)),
            ],
        );
        check(
            "strategy_review",
            &[
                ("status", json!("commenced")),
                ("started_on", json!(2020)),
                ("target", json!("2021")),
                ("scope", long(4001)),
                ("deferred", json!([{ "note": "no record" }])),
                ("deferred", json!([{ "record_id": "x" }])),
            ],
        );
    }
}
