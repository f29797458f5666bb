//! Papers for boards: templates, what the authors write, and what was issued.

mod paper;
mod parts;
mod presets;
mod template;

pub use paper::issue::{PaperIssue, sha256};
pub use paper::{Paper, PaperComputed, PaperId};
pub use parts::{
    ChosenGap, ImplicationState, MeetingMention, PanelDecision, PanelRecommendation, PanelVerb,
    PaperAppendix, PaperImplication, PaperNarrative, PaperScope, PaperSource, PaperStatus,
    PlanMention, RecommendationMention, ReviewMention, StrategyMention, StruckId, StruckItem,
};
pub use presets::{TEMPLATES, missing_templates};
pub use template::{PaperTemplate, PaperTemplateId, TemplateSection};

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<ImplicationState>,
    Vocabulary::of::<PanelDecision>,
    Vocabulary::of::<PanelVerb>,
    Vocabulary::of::<PaperSource>,
    Vocabulary::of::<PaperStatus>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<PaperTemplate>()
        .with::<Paper>()
        .with::<PaperIssue>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn papers() {
        let asked = |more: Value| {
            let mut one = json!({ "verb": "note", "text": "x" });
            one.as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("fields").clone());
            json!([one])
        };
        check(
            "paper",
            &[
                ("title", json!("")),
                ("title", long(301)),
                ("meeting_id", Value::Null),
                ("author_post_id", json!("HEAD")),
                ("template_id", Value::Null),
                ("purpose", json!("")),
                ("purpose", long(8001)),
                ("key_considerations", json!([""])),
                ("key_considerations", json!([long(4001)])),
                ("recommendations", asked(json!({ "verb": "applaud" }))),
                ("recommendations", asked(json!({ "text": "" }))),
                ("recommendations", asked(json!({ "decision": "shelved" }))),
                (
                    "recommendations",
                    json!(vec![json!({ "verb": "note", "text": "x" }); 27]),
                ),
                (
                    "narrative",
                    json!([{ "section": "Not a key", "text": "x" }]),
                ),
                (
                    "narrative",
                    json!([{ "section": "statement", "text": long(20_001) }]),
                ),
                ("financial", json!({ "state": "none" })),
                ("legal", json!({ "text": long(8001) })),
                ("appendices", json!([{ "document_id": ID }])),
                ("scope", json!({ "plan_ids": ["x"] })),
                ("scope", json!({ "boards": [] })),
                ("gaps", json!([{ "rule": "x" }])),
                ("struck", json!([{ "record_id": ID, "reason": "" }])),
                ("as_of_on", json!("yesterday")),
                ("status", json!("issued")),
                ("issue_id", json!(ID)),
            ],
        );
    }

    #[test]
    fn templates_and_issues() {
        let section = |more: Value| {
            let mut one = json!({ "key": "overdue", "heading": "Overdue", "source": "overdue" });
            one.as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("fields").clone());
            json!([one])
        };
        check(
            "paper_template",
            &[
                ("title", json!("")),
                ("language", json!("English")),
                ("sections", json!([])),
                ("sections", section(json!({ "key": "1st" }))),
                ("sections", section(json!({ "heading": "" }))),
                ("sections", section(json!({ "level": 4 }))),
                ("sections", section(json!({ "source": "rumours" }))),
            ],
        );
        check(
            "paper_issue",
            &[
                ("paper_id", Value::Null),
                ("content", json!("")),
                ("content_sha256", json!("abc")),
                ("markdown_sha256", long(64)),
                ("journal_seq", json!(-1)),
                ("as_of", json!("then")),
            ],
        );
    }
}
