//! What a paper is made of beside its own fields.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a section of a paper takes its content from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaperSource {
    /// What the author writes under the section's key.
    Narrative,
    /// Why the paper is laid before the panel.
    Purpose,
    /// What the panel is to bear in mind.
    KeyConsiderations,
    /// The author's words, and the cross-references of the strategies in scope.
    Interdependencies,
    /// What the panel is asked to do.
    RecommendationsToPanel,
    /// The audit recommendations in scope, one by one.
    AssuranceRecommendations,
    /// The goals of the plans in scope with the items that serve them.
    PlanPriorities,
    /// The actions that the meetings in scope gave, part by part.
    PriorActions,
    /// The risks that the paper's recommendations and plans are about.
    Risks,
    /// The gaps that the author chose to show.
    Gaps,
    /// A line for everything overdue.
    Overdue,
    EqualityImpact,
    Financial,
    Legal,
    RiskImplications,
    Contact,
    Appendices,
}

/// What the panel is asked to do with a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanelVerb {
    Note,
    Approve,
    Agree,
    Endorse,
}

/// What the panel did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PanelDecision {
    Noted,
    Approved,
    Agreed,
    Endorsed,
    /// It followed with a change, which the note says.
    Amended,
    /// Put off to another meeting.
    Deferred,
    Rejected,
}

/// Something that the paper asks of the panel, and what the panel decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PanelRecommendation {
    /// What the panel is asked to do.
    pub verb: PanelVerb,
    /// With what; follows the verb. Markdown.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
    /// What the panel decided: recorded after the meeting by whoever keeps the board's meetings, and no part of what is issued.
    #[serde(default)]
    pub decision: Option<PanelDecision>,
    /// The day on which it decided; goes with a decision.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// What it said about it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub decision_note: Option<String>,
}

impl PanelRecommendation {
    /// What is asked, without what was decided.
    #[must_use]
    pub fn asked(&self) -> (PanelVerb, &str) {
        (self.verb, &self.text)
    }

    /// What was decided, without what is asked.
    #[must_use]
    pub fn decided(&self) -> (Option<PanelDecision>, Option<NaiveDate>, Option<&str>) {
        (
            self.decision,
            self.decided_on,
            self.decision_note.as_deref(),
        )
    }
}

/// What the author writes in one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperNarrative {
    /// Key of the section in the template.
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z][a-z0-9_]*$")]
    pub section: String,
    /// Markdown; `[[recommendation:DARA-2020-3]]` names a record by kind and reference.
    #[schema(min_length = 1, max_length = 20_000)]
    pub text: String,
}

/// How far implications were looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImplicationState {
    /// Looked into: there are none.
    AssessedNone,
    /// Looked into: there are some, as the text says.
    AssessedSome,
    /// Words that would fit any paper ("will be dealt with as needed").
    Boilerplate,
    #[default]
    NotAssessed,
}

/// One sort of implications.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperImplication {
    /// How far they were looked into.
    #[serde(default)]
    pub state: ImplicationState,
    /// What they are. Markdown; needed where there are some.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 8000)]
    pub text: Option<String>,
}

/// What goes with a paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperAppendix {
    /// What it is called.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// The very version of the document.
    #[serde(default)]
    pub document_version_id: Option<Uuid>,
    /// The document, where no file of it is kept here. Of the two one is needed, and only one.
    #[serde(default)]
    pub document_id: Option<Uuid>,
    /// What the document says of its own state, in its own words ("draft").
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300)]
    pub stated_status: Option<String>,
}

/// What a paper reports on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperScope {
    /// Strategies whose cross-references it shows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub strategy_ids: Vec<Uuid>,
    /// Plans whose items it shows, by the goals that they serve.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub plan_ids: Vec<Uuid>,
    /// Audit reviews all of whose recommendations it shows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub review_ids: Vec<Uuid>,
    /// Recommendations that it shows beside those.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub recommendation_ids: Vec<Uuid>,
    /// Earlier meetings whose actions it answers.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub meeting_ids: Vec<Uuid>,
}

/// A gap that the author chose to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChosenGap {
    /// The code of the rule that finds it.
    #[schema(min_length = 1, max_length = 60, pattern = "^[a-z][a-z0-9_]*$")]
    pub rule: String,
    /// The record that it is found on.
    pub record_id: Uuid,
}

/// Something overdue of which the paper does not speak, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StruckItem {
    /// The recommendation, work-plan item or action.
    pub record_id: Uuid,
    /// Why it is left out; the paper says so in its place.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// Where a paper stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaperStatus {
    /// It is being written, and computed anew whenever it is read.
    #[default]
    Draft,
    /// Its content is frozen.
    Issued,
    /// Another paper that was issued takes its place.
    Superseded,
    /// Its issue was withdrawn. It stays frozen.
    Recalled,
}
