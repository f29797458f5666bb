//! The parts of a paper, apart from its own fields.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::assurance::{AuditReview, Recommendation};
use crate::registers::evidence::{DocumentId, DocumentVersionId};
use crate::registers::meetings::Meeting;
use crate::registers::plan::Plan;
use crate::registers::strategy::Strategy;
use crate::world::id::{Mention, MentionId, Target};
use crate::world::text::CodeWord;
use crate::world::{Id, Text};

/// Source of the content of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PaperSource {
    /// The author's text under the section's key.
    Narrative,
    /// Why the paper is submitted to the panel.
    Purpose,
    /// What the panel should consider.
    KeyConsiderations,
    /// The author's text, and the cross-references of the strategies in scope.
    Interdependencies,
    /// What the panel is asked to do.
    #[strum(message = "Recommendations to the panel")]
    RecommendationsToPanel,
    /// The audit recommendations in scope, one by one.
    #[strum(message = "Audit recommendations")]
    AssuranceRecommendations,
    /// The goals of the plans in scope with the items that serve them.
    PlanPriorities,
    /// The actions given at the meetings in scope, part by part.
    #[strum(message = "Earlier actions")]
    PriorActions,
    /// The risks that the paper's recommendations and plans are about.
    Risks,
    /// The gaps that the author chose to show.
    Gaps,
    /// One line for everything that is overdue.
    Overdue,
    /// Whether the impact on equality and diversity was assessed, and the result.
    #[strum(message = "Equality and diversity impact")]
    EqualityImpact,
    /// Whether financial implications were assessed, and the result.
    #[strum(message = "Financial implications")]
    Financial,
    /// Whether legal implications were assessed, and the result.
    #[strum(message = "Legal implications")]
    Legal,
    /// Whether risk implications were assessed, and the result.
    RiskImplications,
    /// The contact for the paper.
    #[strum(message = "Contact details")]
    Contact,
    /// The appendices and background papers.
    Appendices,
}

/// What the panel is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PanelVerb {
    /// The panel is asked to take note.
    Note,
    /// The panel is asked to give its approval.
    Approve,
    /// The panel is asked to agree to a proposal.
    Agree,
    /// The panel is asked to give its support.
    Endorse,
}

/// Decision of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PanelDecision {
    /// The panel took note of it.
    Noted,
    /// The panel gave its approval.
    Approved,
    /// The panel agreed to what was proposed.
    Agreed,
    /// The panel gave its support.
    Endorsed,
    /// Accepted with a change, which the note gives.
    Amended,
    /// The panel left it to another meeting.
    Deferred,
    /// The panel did not accept it.
    Rejected,
}

/// A recommendation to the panel, and the panel's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PanelRecommendation {
    /// What the panel is asked to do.
    pub verb: PanelVerb,
    /// Text that follows the verb. Markdown.
    pub text: Text<2000, 1>,
    /// The panel's decision. It is recorded after the meeting by those responsible for the board's
    /// meetings, and is not part of what is issued.
    #[serde(default)]
    pub decision: Option<PanelDecision>,
    /// Date of the decision. Required with a decision; not allowed without one.
    #[serde(default)]
    pub decided_on: Option<NaiveDate>,
    /// The panel's comment on its decision.
    #[serde(default)]
    pub decision_note: Option<Text<2000, 1>>,
}

impl PanelRecommendation {
    /// Returns what is asked, without the decision.
    #[must_use]
    pub fn asked(&self) -> (PanelVerb, &str) {
        (self.verb, &self.text)
    }

    /// Returns the decision, without what is asked.
    #[must_use]
    pub fn decided(&self) -> (Option<PanelDecision>, Option<NaiveDate>, Option<&str>) {
        (
            self.decision,
            self.decided_on,
            self.decision_note.as_deref(),
        )
    }
}

/// Author's text in one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperNarrative {
    /// Key of the section in the template.
    pub section: CodeWord<60>,
    /// Markdown. `[[recommendation:DARA-2020-3]]` names a record by kind and reference.
    pub text: Text<20_000, 1>,
}

/// Whether implications were assessed, and with what result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ImplicationState {
    /// The implications were assessed and there are none.
    #[strum(message = "Assessed: none")]
    AssessedNone,
    /// The implications were assessed and there are some, given in the text.
    #[strum(message = "Assessed: some")]
    AssessedSome,
    /// Wording that would fit any paper ("will be dealt with as needed").
    Boilerplate,
    /// No assessment of the implications is recorded.
    #[default]
    NotAssessed,
}

/// One kind of implication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperImplication {
    /// Whether the implications were assessed, and with what result.
    #[serde(default)]
    pub state: ImplicationState,
    /// The implications. Markdown. Required if there are some.
    #[serde(default)]
    pub text: Option<Text<8000, 1>>,
}

/// Appendix to a paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperAppendix {
    /// Title.
    pub title: Text<300, 1>,
    /// The exact version of the document. Give either this or `document_id`.
    #[serde(default)]
    pub document_version_id: Option<DocumentVersionId>,
    /// The document, if no file of it is kept here. Give either this or `document_version_id`.
    #[serde(default)]
    pub document_id: Option<DocumentId>,
    /// State of completion in the document's own words ("draft").
    #[serde(default)]
    pub stated_status: Option<Text<300, 1>>,
}

/// Id of a mentioned strategy.
pub type StrategyMention = Id<Mention<Strategy>>;

/// Id of a mentioned meeting.
pub type MeetingMention = Id<Mention<Meeting>>;

/// Id of a mentioned plan.
pub type PlanMention = Id<Mention<Plan>>;

/// Id of a mentioned audit review.
pub type ReviewMention = Id<Mention<AuditReview>>;

/// Id of a mentioned recommendation.
pub type RecommendationMention = Id<Mention<Recommendation>>;

/// Scope of a paper: what it reports on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperScope {
    /// Strategies whose cross-references the paper shows.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub strategy_ids: Vec<StrategyMention>,
    /// Plans whose items the paper shows, by the goals they serve.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub plan_ids: Vec<PlanMention>,
    /// Audit reviews whose recommendations are all shown.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub review_ids: Vec<ReviewMention>,
    /// Recommendations shown in addition to those of the reviews.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub recommendation_ids: Vec<RecommendationMention>,
    /// Earlier meetings whose actions the paper responds to.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub meeting_ids: Vec<MeetingMention>,
}

/// A gap that the author chose to include.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChosenGap {
    /// Code of the rule that finds the gap.
    pub rule: CodeWord<60>,
    /// Record the gap is found on.
    pub record_id: MentionId,
}

/// A record that can be overdue, and that a paper can leave out.
#[derive(Debug)]
pub enum Struck {}

impl Target for Struck {
    const KINDS: &'static str = "recommendation|work_plan_item|action";
}

/// Id of a mentioned struck.
pub type StruckId = Id<Mention<Struck>>;

/// An overdue record that the paper leaves out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StruckItem {
    /// Recommendation, work-plan item or action.
    pub record_id: StruckId,
    /// Why it is left out. The paper gives this reason in its place.
    pub reason: Text<2000, 1>,
}

/// Status of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PaperStatus {
    /// Being written. It is computed again each time it is read.
    #[default]
    Draft,
    /// Its content is frozen.
    Issued,
    /// Replaced by another issued paper.
    Superseded,
    /// Its issue was withdrawn. The paper stays frozen.
    Recalled,
}
