//! Content of a paper: the author's text and what the registers hold. This is what is frozen when
//! the paper is issued.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::assurance::{
    ClosureKind, ManagementDecision, RecommendationClosureState, RecommendationImplementation,
    RecommendationRelation, RecommendationVerification, Timeliness,
};
use crate::registers::evidence::DocumentState;
use crate::registers::meetings::{ActionPartStatus, ActionState, ActionStatus};
use crate::registers::papers::{PanelVerb, PaperImplication, PaperSource};
use crate::registers::plan::{ItemStatus, Rag};
use crate::registers::risk::{RiskLevel, RiskStatus};
use crate::registers::settings::SettingsUsed;
use crate::registers::strategy::{CrossReferenceRelation, GoalKind};
use crate::views::RecordName;
use crate::views::findings::FindingSeverity;
use crate::views::status::Named;
use crate::world::date::PlannedDate;
use crate::world::{Marking, Text};

/// Name of the content's format, so that readers of content frozen long ago know what it holds.
pub const FORMAT: &str = "stride.paper.1";

/// Whether the content is a draft or was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PaperState {
    /// Not issued: the content changes as records change.
    Draft,
    /// The content is frozen and no longer changes.
    Issued,
}

/// Content of a paper. Every row and figure has the query that returns what it was taken from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperContent {
    /// Name of the format of this content.
    #[schema(max_length = 60, example = "stride.paper.1")]
    pub format: String,
    /// Whether the paper is a draft or was issued.
    pub state: PaperState,
    /// Language, as a BCP 47 tag.
    pub language: Text<20>,
    /// The paper.
    pub paper: Named,
    /// Board that the paper goes to.
    pub board: Option<RecordName>,
    /// Meeting that the paper goes to.
    pub meeting: Option<RecordName>,
    /// Marking of the paper; null in papers frozen by older builds, which have that of their issue.
    /// For a draft, the highest marking of what its reader sees in it.
    #[serde(default)]
    pub marking: Option<Marking>,
    /// Date of that meeting, if known.
    pub meeting_on: Option<NaiveDate>,
    /// Post that the paper comes from.
    pub author: Option<RecordName>,
    /// Post to contact.
    pub contact: Option<RecordName>,
    /// Template that sets the order of the sections.
    pub template: RecordName,
    /// Date used to decide what is overdue and due soon.
    pub on: NaiveDate,
    /// Time up to which recorded data is included.
    pub as_of: DateTime<Utc>,
    /// Number of journal entries taken into account: those about records visible to the caller.
    #[schema(minimum = 0)]
    pub journal_seq: i64,
    /// Settings that decide what is overdue and what is due soon.
    pub settings: SettingsUsed,
    /// Sections, in order.
    #[schema(max_items = 60)]
    pub sections: Vec<PaperSection>,
    /// Points for the panel to consider. Markdown.
    #[schema(max_items = 20)]
    pub key_considerations: Vec<Text<4000>>,
    /// What the panel is asked to do.
    #[schema(max_items = 26)]
    pub recommendations_to_panel: Vec<PaperRecommendationToPanel>,
    /// Cross-references from and to the strategies in scope.
    #[schema(max_items = 10_000)]
    pub interdependencies: Vec<PaperInterdependency>,
    /// The audit recommendations in scope.
    #[schema(max_items = 10_000)]
    pub recommendations: Vec<PaperRecommendation>,
    /// Goals of the plans in scope, with the items that serve them. Items that serve no goal come
    /// last.
    #[schema(max_items = 10_000)]
    pub priorities: Vec<PaperPriority>,
    /// The actions of earlier meetings in scope.
    #[schema(max_items = 10_000)]
    pub actions: Vec<PaperAction>,
    /// Risks related to the recommendations and plans in scope.
    #[schema(max_items = 10_000)]
    pub risks: Vec<PaperRisk>,
    /// Gaps that the author chose to include.
    #[schema(max_items = 100)]
    pub gaps: Vec<PaperGap>,
    /// What is overdue among what `overdue_covers` names. Lines that the author left out give the
    /// reason.
    #[schema(max_items = 100_000)]
    pub overdue: Vec<PaperOverdueLine>,
    /// What `overdue` covers, in words: the reviews, plans, strategies and meetings in scope.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub overdue_covers: Vec<Text<700>>,
    /// Impact on equality and diversity.
    pub equality_impact: PaperImplication,
    /// Financial implications.
    pub financial: PaperImplication,
    /// Legal implications.
    pub legal: PaperImplication,
    /// Risk implications.
    pub risk: PaperImplication,
    /// Appendices.
    #[schema(max_items = 30)]
    pub appendices: Vec<PaperAppendixLine>,
    /// Records that `[[kind:REFERENCE]]` in the author's text refers to.
    #[schema(max_items = 10_000)]
    pub references: Vec<PaperResolvedReference>,
    /// Parts of the author's text that could not be resolved.
    #[schema(max_items = 10_000)]
    pub unresolved: Vec<PaperUnresolvedReference>,
}

impl PaperContent {
    /// For each section, whether there is nothing to print in it or in those below it.
    #[must_use]
    pub fn empty_sections(&self) -> Vec<bool> {
        let own: Vec<bool> = self
            .sections
            .iter()
            .map(|s| self.says_something(s))
            .collect();
        let is_empty = |(n, section): (usize, &PaperSection)| {
            let below = self.sections.iter().zip(&own).skip(n + 1);
            let mut below = below.take_while(|(s, _)| s.level > section.level);
            !own.get(n).is_some_and(|own| *own) && !below.any(|(_, own)| *own)
        };
        self.sections.iter().enumerate().map(is_empty).collect()
    }

    fn says_something(&self, section: &PaperSection) -> bool {
        let listed = match section.source {
            PaperSource::Narrative | PaperSource::Purpose => false,
            PaperSource::KeyConsiderations => !self.key_considerations.is_empty(),
            PaperSource::Interdependencies => !self.interdependencies.is_empty(),
            PaperSource::RecommendationsToPanel => !self.recommendations_to_panel.is_empty(),
            PaperSource::AssuranceRecommendations => !self.recommendations.is_empty(),
            PaperSource::PlanPriorities => !self.priorities.is_empty(),
            PaperSource::PriorActions => !self.actions.is_empty(),
            PaperSource::Risks => !self.risks.is_empty(),
            PaperSource::Gaps => !self.gaps.is_empty(),
            PaperSource::Overdue => !self.overdue.is_empty(),
            PaperSource::Appendices => !self.appendices.is_empty(),
            // That nothing was assessed is said as well.
            PaperSource::EqualityImpact
            | PaperSource::Financial
            | PaperSource::Legal
            | PaperSource::RiskImplications => true,
            PaperSource::Contact => self.contact.is_some(),
        };
        let has_figures = section.figures.iter().any(|f| f.value > 0);
        listed
            || has_figures
            || section
                .text
                .as_deref()
                .is_some_and(|t| !t.trim().is_empty())
    }
}

/// A section of a paper.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperSection {
    /// Its key in the template.
    pub key: Text<60>,
    /// Its number ("1.2"), if it has one. A section with nothing to print has none.
    pub number: Option<Text<20>>,
    /// Heading.
    pub heading: Text<200>,
    /// Level below the title, starting at 1.
    #[schema(minimum = 1, maximum = 3)]
    pub level: u8,
    /// Source of its content: the list with this name further down.
    pub source: PaperSource,
    /// The author's text. Markdown.
    pub text: Option<Text<40_000>>,
    /// Figures that summarise it.
    #[schema(max_items = 100)]
    pub figures: Vec<PaperFigure>,
    /// Whether there is nothing to print in it or in the sections below it. It is left out of the
    /// written forms, which name it at their end.
    #[serde(default)]
    pub is_empty: bool,
}

/// A figure, and the query that returns what it counts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperFigure {
    /// What it counts.
    pub label: Text<400>,
    /// How many there are.
    #[schema(minimum = 0)]
    pub value: usize,
    /// Query that returns them.
    pub query: Text<1000>,
}

/// What the panel is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperRecommendationToPanel {
    /// Its letter.
    pub label: Text<2>,
    /// What the panel is asked to do.
    pub verb: PanelVerb,
    /// What it is asked to act on. Markdown.
    pub text: Text<2000>,
}

/// A cross-reference between two strategies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperInterdependency {
    /// Id of the cross-reference.
    pub id: Uuid,
    /// Strategy that refers to the other.
    pub from: Named,
    /// Strategy that is referred to.
    pub to: Named,
    /// How the two are related.
    pub relation: CrossReferenceRelation,
    /// Reason for the cross-reference.
    pub rationale: Option<Text<2000>>,
    /// Where the cross-reference is stated.
    #[schema(max_items = 100)]
    pub stated_in: Vec<Text<600>>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A part of an update.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperPart {
    /// Its label.
    pub label: Option<Text<20>>,
    /// Text.
    pub text: Text<8000>,
}

/// What happened to a recommendation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PaperEventKind {
    /// Management responded to the recommendation.
    Response,
    /// Management reported progress.
    Progress,
    /// Management claimed that it is implemented.
    #[strum(message = "Claimed complete")]
    ClaimComplete,
    /// Management deferred it. This is not progress.
    #[strum(message = "Deferred")]
    Deferral,
    /// Management asked for a later deadline.
    #[strum(message = "Later deadline requested")]
    ExtensionRequest,
    /// Management referred to another record for the answer.
    #[strum(message = "Refers to other records")]
    RefersTo,
    /// Audit confirmed a claim.
    #[strum(message = "Claim verified")]
    Verified,
    /// Audit rejected a claim, which counts as never made.
    #[strum(message = "Claim rejected")]
    Rejected,
    /// A later deadline was approved.
    #[strum(message = "Deadline extended")]
    Extended,
    /// The recommendation was closed without being verified.
    Closed,
}

/// Something that happened to a recommendation: an update, a response, or a decision.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperEvent {
    /// Id of its record.
    pub id: Uuid,
    /// What happened.
    #[serde(alias = "update_kind")] // in papers frozen by older builds
    pub kind: PaperEventKind,
    /// When it was stated, decided or approved.
    #[serde(alias = "stated_on")]
    pub on: NaiveDate,
    /// Posts and boards that stated, decided or approved it; empty if that is not recorded.
    #[serde(default)]
    #[schema(max_items = 2)]
    pub by: Vec<RecordName>,
    /// The text, or the reason.
    #[serde(alias = "narrative")]
    pub text: Option<Text<8000>>,
    /// Parts of an update.
    #[schema(max_items = 26)]
    pub parts: Vec<PaperPart>,
    /// Management's response; null for anything else.
    #[serde(default)]
    pub response: Option<ManagementDecision>,
    /// Ground for the closure; null for anything else.
    #[serde(default)]
    pub closure: Option<ClosureKind>,
    /// Date of the claim that was verified or rejected.
    #[serde(default)]
    pub claimed_on: Option<NaiveDate>,
    /// Previous deadline, with an extension.
    #[serde(default)]
    pub deadline_from: Option<PlannedDate>,
    /// New deadline: approved with an extension, otherwise asked for or stated.
    #[serde(default)]
    pub deadline_to: Option<PlannedDate>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A record that a recommendation depends on or refers to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperLinkedRecord {
    /// Relation recorded by a link; null if only an update refers to the record.
    pub relation: Option<RecommendationRelation>,
    /// Whether the recommendation waits for it: by a link `depends_on`, or because it was deferred
    /// to it.
    #[serde(default)]
    pub is_awaited: bool,
    /// Id of the record.
    pub record: RecordName,
    /// Date it is expected, if the recommendation waits for it or is to be implemented by it; null
    /// if none is recorded.
    pub expected_on: Option<NaiveDate>,
    /// Whether the recommendation is waiting for it and no date is recorded.
    pub without_date: bool,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// An audit recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperRecommendation {
    /// The recommendation.
    pub recommendation: Named,
    /// Number within the review.
    pub number: Option<u32>,
    /// Review that made it.
    pub review: Option<Named>,
    /// What the auditors found.
    pub finding: Option<Text<8000>>,
    /// What the auditors recommend.
    pub asks: Option<Text<8000>>,
    /// Due date.
    pub deadline: PlannedDate,
    /// First due date, if it was different.
    pub first_deadline: Option<PlannedDate>,
    /// Computed timeliness.
    pub timeliness: Timeliness,
    /// Days left; negative if late.
    pub days: Option<i64>,
    /// Implementation status, as reported by management.
    pub implementation: RecommendationImplementation,
    /// What audit found when verifying it.
    pub verification: RecommendationVerification,
    /// How the recommendation was closed.
    pub closure: RecommendationClosureState,
    /// What happened to it, by date: every response, claim, deferral, request and decision, and
    /// the other updates of the most recent date on which any were made.
    #[schema(max_items = 1000)]
    #[serde(alias = "updates")] // in papers frozen by older builds
    pub events: Vec<PaperEvent>,
    /// Records that it refers to.
    #[schema(max_items = 1000)]
    #[serde(alias = "leans_on")] // in papers frozen by older builds
    pub linked_records: Vec<PaperLinkedRecord>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A goal and the items that serve it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperPriority {
    /// The goal; null for items that serve no goal.
    pub goal: Option<Named>,
    /// Kind of goal.
    pub goal_kind: Option<GoalKind>,
    /// Its number in the strategy.
    #[schema(minimum = 1)]
    pub number: Option<u16>,
    /// The items.
    #[schema(max_items = 10_000)]
    pub items: Vec<PaperItem>,
    /// Query that returns them.
    pub query: Text<1000>,
}

/// A work-plan item.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperItem {
    /// The item.
    pub item: Named,
    /// Due date.
    pub deadline: PlannedDate,
    /// First due date, if it was different.
    pub first_deadline: Option<PlannedDate>,
    /// Whether its deadline has passed.
    pub is_overdue: bool,
    /// The post that leads it.
    pub lead: Option<Named>,
    /// Unit responsible for it.
    pub unit: Option<Named>,
    /// Declared status.
    pub status: ItemStatus,
    /// RAG rating declared by the lead.
    pub declared_rag: Rag,
    /// RAG rating computed by the service.
    pub computed_rag: Rag,
    /// Reason.
    pub computed_reason: Text<200>,
    /// Date of its latest progress update.
    pub updated_on: Option<NaiveDate>,
    /// Text of the latest update.
    #[schema(max_items = 26)]
    pub latest: Vec<PaperPart>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// Response to an action or to one of its parts, or a deferral of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperAnswer {
    /// Id.
    pub id: Uuid,
    /// Date of the response, or of the decision to defer.
    pub on: NaiveDate,
    /// What was done, or why it was deferred.
    pub text: Text<8000>,
    /// Status that a response claims; null if it claims none, and for a deferral.
    pub claimed_status: Option<ActionPartStatus>,
    /// When a deferral moves it to; null for a response.
    pub deferred_to: Option<Text<300>>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A part of an action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperActionPart {
    /// The part.
    pub part: Named,
    /// Its label.
    pub label: Text<20>,
    /// Status declared by the board's secretary.
    pub status: ActionPartStatus,
    /// Whether it is still outstanding.
    pub is_open: bool,
    /// Responses and deferrals, ordered by date.
    #[schema(max_items = 1000)]
    pub answers: Vec<PaperAnswer>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// An action of an earlier meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperAction {
    /// The action.
    pub action: RecordName,
    /// Its number.
    pub number: u32,
    /// Meeting that set it.
    pub meeting: Option<Named>,
    /// What is asked for.
    pub text: Text<4000>,
    /// Status declared by the board's secretary.
    pub status: ActionStatus,
    /// Computed progress.
    pub progress: ActionState,
    /// When it is due, in words.
    pub due: Option<Text<300>>,
    /// Date after which it is overdue.
    #[serde(alias = "judged_on")] // in papers frozen by older builds
    pub overdue_after: Option<NaiveDate>,
    /// Whether it is overdue.
    pub is_overdue: bool,
    /// Number of times it, or a part of it, was deferred.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// Its parts.
    #[schema(max_items = 1000)]
    pub parts: Vec<PaperActionPart>,
    /// Responses to the whole action, and deferrals of it.
    #[schema(max_items = 1000)]
    pub answers: Vec<PaperAnswer>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A risk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperRisk {
    /// The risk.
    pub risk: Named,
    /// Register it is on.
    pub register: Option<Named>,
    /// What might happen.
    pub event: Option<Text<2000>>,
    /// Whether the risk is open or closed.
    pub status: RiskStatus,
    /// Current score; null if it has not been scored.
    pub current: Option<RiskLevel>,
    /// Number of controls.
    #[schema(minimum = 0)]
    pub controls: u32,
    /// Number of controls known to be effective.
    #[schema(minimum = 0)]
    pub effective_controls: u32,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// A gap that the author chose to include.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperGap {
    /// Code of the rule.
    pub rule: Text<60>,
    /// Severity; null if there is no such rule.
    pub severity: Option<FindingSeverity>,
    /// The record; null if it does not exist or the reader may not see it.
    pub record: Option<RecordName>,
    /// Whether the rule still reports the gap.
    pub is_open: bool,
    /// What is wrong.
    pub reason: Option<Text<4000>>,
    /// How to put it right.
    pub remedy: Option<Text<300>>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// Something overdue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperOverdueLine {
    /// The recommendation, item or action.
    pub record: RecordName,
    /// Due date that has passed.
    pub due_on: NaiveDate,
    /// Number of days since then.
    #[schema(minimum = 1)]
    pub days_late: i64,
    /// Whether it was deferred without a new date. It then counts as overdue from its first due
    /// date.
    #[serde(alias = "put_off")] // in papers frozen by older builds
    pub deferred: bool,
    /// Why the author left it out; null if it was not left out.
    pub struck: Option<Text<2000>>,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// Appendix to a paper.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperAppendixLine {
    /// Its number.
    #[schema(minimum = 1)]
    pub number: usize,
    /// Title.
    pub title: Text<300>,
    /// The document.
    pub document: Option<RecordName>,
    /// Version of the document; null if no file is held here.
    pub version: Option<RecordName>,
    /// SHA-256 of that version's file, in hexadecimal.
    pub sha256: Option<Text<64>>,
    /// Status of the document, as stated in it.
    pub document_state: Option<DocumentState>,
    /// That status in the document's own words.
    pub stated_status: Option<Text<300>>,
    /// Query that returns it.
    pub query: Option<Text<1000>>,
}

/// A reference in the author's text, and the record that it names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperResolvedReference {
    /// Text between the brackets.
    pub text: Text<200>,
    /// Id of the record.
    pub record: RecordName,
    /// Query that returns it.
    pub query: Text<1000>,
}

/// Why part of the author's text could not be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PaperUnresolvedReason {
    /// There is no such record, or the reader may not see it.
    NoSuchRecord,
    /// The text does not have the form `[[kind:REFERENCE]]`.
    NotAReference,
    /// A reference is opened with `[[` and not closed with `]]`.
    #[strum(message = "Brackets not closed")]
    NotClosed,
    /// A link to an address that is not http, https or mailto. It is kept as text.
    LinkRefused,
    /// Narrative for a section that the template no longer has.
    NoSuchSection,
}

/// Part of the author's text that could not be resolved. The paper keeps it as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaperUnresolvedReference {
    /// JSON Pointer to the field of the paper.
    pub pointer: Text<200>,
    /// The text as written.
    pub text: Text<200>,
    /// Why it could not be resolved.
    pub reason: PaperUnresolvedReason,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PaperOverdueLine;

    #[test]
    fn a_line_frozen_by_an_older_build_is_read() {
        let line = json!({
            "record": {
                "id": "019abcde-0000-7000-8000-000000000001", "kind": "action",
                "reference": "ACT-0001", "name": "Publish the dashboard",
            },
            "due_on": "2020-07-31", "days_late": 87, "put_off": true, "struck": null,
            "query": "/api/v1/actions?overdue=true",
        });
        let line: PaperOverdueLine = serde_json::from_value(line).expect("it is read");
        assert!(line.deferred);
        let now = serde_json::to_value(&line).expect("JSON");
        assert_eq!(now["record"]["title"], "Publish the dashboard");
        assert_eq!(now.get("deferred"), Some(&json!(true)));
        assert_eq!(now.get("put_off"), None);
    }
}
