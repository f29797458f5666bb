//! Risk: registers, risks with three scores, controls, reviews, and escalations to boards.

mod parts;
mod register;
#[expect(
    clippy::module_inception,
    reason = "the file is named after what it holds"
)]
mod risk;
mod score;

pub use parts::{RiskAppetite, RiskBand};
pub use register::{RiskRegister, RiskRegisterId, RiskRegisterKind};
pub use risk::control::{
    AssumedReduction, Control, ControlComputed, ControlEffectiveness, ControlKind, ControlLine,
    resolvable_controls,
};
pub use risk::escalation::{Escalation, EscalationStatus};
pub use risk::review::RiskReview;
pub use risk::sums::{RiskComputed, RiskLevelMissing};
pub use risk::{Risk, RiskCategory, RiskId, RiskResponse, RiskStatus};
pub use score::{RiskImpact, RiskLevel, RiskLikelihood, RiskScore};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<ControlEffectiveness>,
    Vocabulary::of::<ControlKind>,
    Vocabulary::of::<ControlLine>,
    Vocabulary::of::<EscalationStatus>,
    Vocabulary::of::<RiskAppetite>,
    Vocabulary::of::<RiskBand>,
    Vocabulary::of::<RiskCategory>,
    Vocabulary::of::<RiskImpact>,
    Vocabulary::of::<RiskLevelMissing>,
    Vocabulary::of::<RiskLikelihood>,
    Vocabulary::of::<RiskRegisterKind>,
    Vocabulary::of::<RiskResponse>,
    Vocabulary::of::<RiskStatus>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<RiskRegister>()
        .with::<Risk>()
        .with::<Control>()
        .with::<RiskReview>()
        .with::<Escalation>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::catalogue;
    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    /// A control as recorded in the journal before recommendations were recorded in the service.
    const SHAPE_1: &str = include_str!("control.shape1.json");

    #[test]
    #[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
    fn a_control_of_the_first_shape_keeps_its_recommendation_in_words() {
        let kind = catalogue().named("control").expect("controls");
        let record = (kind.parse)(SHAPE_1, 1, 7, kind.index).expect("it is lifted");
        let lifted: Value = serde_json::from_slice(&record.json().expect("JSON")).expect("JSON");
        assert_eq!(
            (
                &lifted["recommendation_reference"],
                &lifted["recommendation_id"]
            ),
            (&json!("DARA-2"), &Value::Null)
        );
        assert_eq!(
            (&lifted["effectiveness"], &lifted["counted_effectiveness"]),
            (&json!("partial"), &json!("partial"))
        );
        assert_eq!(
            record.draft().get("recommendation_reference"),
            None,
            "words can be kept, and not set"
        );
        let again =
            (kind.parse)(&lifted.to_string(), kind.shape, 7, kind.index).expect("today's shape");
        assert_eq!(again.content(), record.content());
    }

    #[test]
    fn registers_and_risks() {
        check(
            "risk_register",
            &[
                ("title", json!("")),
                ("register_kind", json!("secret")),
                ("description", long(2001)),
                ("plan_id", json!(7)),
            ],
        );
        check(
            "risk",
            &[
                ("register_id", Value::Null),
                ("title", long(201)),
                ("cause", long(2001)),
                ("category", json!("weather")),
                ("appetite", json!("hungry")),
                ("response", json!("ignore")),
                ("inherent", json!({ "likelihood": "rare" })),
                ("current", json!({ "likelihood": "rare", "impact": 5 })),
                (
                    "target",
                    json!({ "likelihood": "rare", "impact": "minor", "product": 2 }),
                ),
                ("target", json!(6)),
                ("goal_ids", json!(["aim 1"])),
                ("item_ids", json!(vec![ID; 51])),
                ("control_count", json!(3)),
            ],
        );
    }

    #[test]
    fn controls_reviews_and_escalations() {
        check(
            "control",
            &[
                ("risk_ids", json!([])),
                ("risk_ids", json!(vec![ID; 51])),
                ("risk_ids", json!([null])),
                ("title", Value::Null),
                ("control_kind", json!("magical")),
                ("line", json!("fourth")),
                ("effectiveness", json!("very")),
                ("recommendation_id", json!("DARA-2")),
                ("recommendation_reference", json!("DARA-2")),
                ("counted_effectiveness", json!("effective")),
                ("assumed_reduction", json!({ "likelihood": 5 })),
                ("assumed_reduction", json!({ "impact": -1 })),
            ],
        );
        check(
            "risk_review",
            &[
                ("reviewed_on", Value::Null),
                ("note", json!("")),
                ("note", long(4001)),
                ("current", json!("high")),
            ],
        );
        check(
            "escalation",
            &[
                ("to_board_id", Value::Null),
                ("status", json!("forgotten")),
                ("reason", long(2001)),
                ("proposed_on", Value::Null),
                ("outcome", long(2001)),
            ],
        );
    }
}
