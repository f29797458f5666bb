//! Strategies: their versions, suggestions on them, their goals, the cross-references between them,
//! and their reviews.

mod cross_reference;
mod goal;
mod review;
#[expect(
    clippy::module_inception,
    reason = "the file is named after the record it defines"
)]
mod strategy;
mod suggestion;
mod version;

pub use cross_reference::{CrossReference, CrossReferenceRelation, CrossReferenceStatement};
pub use goal::{Goal, GoalId, GoalKind, GoalLineage, LineageRelation};
pub use review::{DeferrableId, DeferredRecord, StrategyReview, StrategyReviewStatus};
pub use strategy::{Strategy, StrategyId, StrategyKind, StrategyStatus};
pub use suggestion::{Suggestion, SuggestionDisposition};
pub use version::{StrategyDocument, StrategyVersion, StrategyVersionId, StrategyVersionStatus};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<CrossReferenceRelation>,
    Vocabulary::of::<GoalKind>,
    Vocabulary::of::<LineageRelation>,
    Vocabulary::of::<StrategyKind>,
    Vocabulary::of::<StrategyReviewStatus>,
    Vocabulary::of::<StrategyStatus>,
    Vocabulary::of::<StrategyVersionStatus>,
    Vocabulary::of::<SuggestionDisposition>,
];

/// Adds the kinds of record in this register.
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

    use crate::registers::catalogue;
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
                (
                    "document",
                    json!({ "url": "https://intranet.example/strategy" }),
                ),
                (
                    "document",
                    json!({ "title": "Strategy", "url": "javascript:alert(1)" }),
                ),
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

    /// A cross-reference as recorded in the journal when a single text said where it is claimed.
    const SHAPE_1: &str = r#"{
        "id": "01939ab0-7c00-7000-8000-000000000051", "reference": "XRF-0051", "version": 1, "marking": "official",
        "created_at": "2020-10-26T09:00:00Z", "created_by": null, "updated_at": "2020-10-26T09:00:00Z", "withdrawn_at": null,
        "from_strategy_id": "01939ab0-7c00-7000-8000-000000000052", "to_strategy_id": "01939ab0-7c00-7000-8000-000000000053",
        "relation": "references", "section": null, "rationale": null, "stated_in": "The paper of 2017"
    }"#;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
    fn where_a_cross_reference_of_the_first_shape_is_claimed_becomes_a_list() {
        let kind = catalogue()
            .named("cross_reference")
            .expect("cross-references");
        let stated = |snapshot: &str, shape: i32| {
            let record = (kind.parse)(snapshot, shape, 7, kind.index).expect("it is lifted");
            let lifted: Value =
                serde_json::from_slice(&record.json().expect("JSON")).expect("JSON");
            lifted["stated_in"].clone()
        };
        assert_eq!(
            stated(SHAPE_1, 1),
            json!([{ "source": "The paper of 2017", "place": null }])
        );
        assert_eq!(
            stated(&SHAPE_1.replace("\"The paper of 2017\"", "null"), 1),
            json!([])
        );
        let place = json!([{ "source": "The paper of 2017", "place": "cover" }]);
        assert_eq!(
            stated(
                &SHAPE_1.replace("\"The paper of 2017\"", &place.to_string()),
                kind.shape
            ),
            place
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
                ("stated_in", long(300)),
                ("stated_in", json!([{ "source": "" }])),
                ("stated_in", json!([{ "place": "paragraph 1.1" }])),
                ("stated_in", json!(vec![json!({ "source": "Paper" }); 21])),
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
