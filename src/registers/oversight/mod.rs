//! Oversight arrangements other than boards: channels, obligations to report, and submissions.

mod channel;
mod obligation;
pub mod template;

pub use channel::OversightChannel;
pub use obligation::occurrence::{Occurrence, OccurrenceState, occurrences};
pub use obligation::submission::{ReportDocument, ReportSubmission};
pub use obligation::{ReportObligation, ReportObligationId, StatutoryDuty};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<OccurrenceState>,
    Vocabulary::of::<StatutoryDuty>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<OversightChannel>()
        .with::<ReportObligation>()
        .with::<ReportSubmission>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::template::psed_duties;
    use crate::registers::catalogue;
    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn channels() {
        check(
            "oversight_channel",
            &[
                ("title", Value::Null),
                ("party_post_ids", json!(["The Commissioner"])),
                ("party_unit_ids", json!(vec![ID; 21])),
                ("frequency", json!("regularly")),
                ("frequency", json!({ "rule": "" })),
                ("frequency", json!({ "every": 0, "unit": "month" })),
                ("frequency", json!({ "every": 1, "unit": "moon" })),
                ("covers", long(2001)),
                ("goal_ids", json!([null])),
                ("source_text", long(501)),
            ],
        );
    }

    #[test]
    fn obligations_and_submissions() {
        check(
            "report_obligation",
            &[
                ("title", json!("")),
                ("what", long(4001)),
                ("from_unit_id", json!("SIDU")),
                ("from_board_id", json!("STRIDE-BOARD")),
                ("legal_basis", long(501)),
                ("statutory_duty", json!("gender_pay_gap")),
                ("frequency", json!({ "rule": long(201) })),
                ("first_due_on", json!("30 March")),
                ("grace_days", json!(-1)),
                ("grace_days", json!(367)),
                ("is_scheduled", json!(true)),
            ],
        );
        check(
            "report_submission",
            &[
                ("obligation_id", Value::Null),
                ("period_due_on", json!("March")),
                ("submitted_on", Value::Null),
                (
                    "document",
                    json!({ "url": "https://intranet.example/report" }),
                ),
                (
                    "document",
                    json!({ "title": "Report", "url": "javascript:alert(1)" }),
                ),
                ("note", long(2001)),
            ],
        );
    }

    #[test]
    fn the_templates_fit_their_schema() {
        let kind = catalogue()
            .named("report_obligation")
            .expect("the kind is registered");
        let unit: Uuid = ID.parse().expect("an id");
        let drafts = psed_duties(unit);
        assert_eq!(drafts.len(), 2);
        for draft in drafts {
            kind.check_schema(&draft).expect("a draft that fits");
        }
    }
}
