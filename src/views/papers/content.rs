//! What a paper says: the author's words, and beside them what the registers hold. This is what is frozen when it is issued.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::assurance::{
    RecommendationClosureState, RecommendationImplementation, RecommendationRelation,
    RecommendationUpdateKind, RecommendationVerification, Timeliness,
};
use crate::registers::evidence::DocumentState;
use crate::registers::meetings::{ActionPartStatus, ActionState, ActionStatus};
use crate::registers::papers::{PanelVerb, PaperImplication, PaperSource};
use crate::registers::plan::{ItemStatus, Rag};
use crate::registers::risk::{RiskLevel, RiskStatus};
use crate::registers::settings::SettingsUsed;
use crate::registers::strategy::{CrossReferenceRelation, GoalKind};
use crate::views::RecordName;
use crate::views::findings::GapSeverity;
use crate::views::status::Named;
use crate::world::date::PlannedDate;

/// The form of the content, so that a reader of what was frozen long ago knows what it holds.
pub const FORMAT: &str = "stride.paper.1";

/// Whether a content is what is being written or what was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaperState {
    Draft,
    Issued,
}

/// What a paper says. Every row and figure has the query that leads to what it was taken from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperContent {
    /// The form of this content.
    #[schema(max_length = 60, example = "stride.paper.1")]
    pub format: String,
    /// Whether it is being written or was issued.
    pub state: PaperState,
    /// Language, as BCP 47 names it.
    #[schema(max_length = 20)]
    pub language: String,
    /// The paper.
    pub paper: Named,
    /// The board it goes to.
    pub board: Option<RecordName>,
    /// The meeting it goes to.
    pub meeting: Option<RecordName>,
    /// The day of that meeting, as far as it is known.
    pub meeting_on: Option<NaiveDate>,
    /// The post it comes from.
    pub author: Option<RecordName>,
    /// The post to turn to.
    pub contact: Option<RecordName>,
    /// The template that orders it.
    pub template: RecordName,
    /// The day by which it judges.
    pub on: NaiveDate,
    /// It says what was recorded up to this time.
    pub as_of: DateTime<Utc>,
    /// Number of the journal entry up to which it looks.
    #[schema(minimum = 0)]
    pub journal_seq: i64,
    /// The settings that say what is late and what is due soon.
    pub settings: SettingsUsed,
    /// Its sections, in order.
    #[schema(max_items = 60)]
    pub sections: Vec<PaperSection>,
    /// What the panel is to bear in mind. Markdown.
    #[schema(max_items = 20, schema_with = texts)]
    pub key_considerations: Vec<String>,
    /// What the panel is asked to do.
    #[schema(max_items = 26)]
    pub recommendations_to_panel: Vec<AskedOfPanel>,
    /// Cross-references from and to the strategies in scope.
    #[schema(max_items = 10_000)]
    pub interdependencies: Vec<PaperInterdependency>,
    /// The audit recommendations in scope.
    #[schema(max_items = 10_000)]
    pub recommendations: Vec<PaperRecommendation>,
    /// The goals of the plans in scope, with the items that serve them; last the items that serve none.
    #[schema(max_items = 10_000)]
    pub priorities: Vec<PaperPriority>,
    /// The actions of earlier meetings in scope.
    #[schema(max_items = 10_000)]
    pub actions: Vec<PaperAction>,
    /// The risks that the recommendations and plans in scope are about.
    #[schema(max_items = 10_000)]
    pub risks: Vec<PaperRisk>,
    /// The gaps that the author shows.
    #[schema(max_items = 100)]
    pub gaps: Vec<PaperGap>,
    /// Everything overdue in scope, and every overdue action of the board; what is struck shows why.
    #[schema(max_items = 100_000)]
    pub overdue: Vec<OverdueLine>,
    /// Impact on equality and diversity.
    pub equality_impact: PaperImplication,
    /// Financial implications.
    pub financial: PaperImplication,
    /// Legal implications.
    pub legal: PaperImplication,
    /// Risk implications.
    pub risk: PaperImplication,
    /// What goes with it.
    #[schema(max_items = 30)]
    pub appendices: Vec<AppendixLine>,
    /// What `[[kind:REFERENCE]]` in the author's words stands for.
    #[schema(max_items = 10_000)]
    pub references: Vec<ResolvedReference>,
    /// What in the author's words leads nowhere.
    #[schema(max_items = 10_000)]
    pub unresolved: Vec<UnresolvedReference>,
}

fn texts() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(4000));
    ArrayBuilder::new()
        .description(Some("What the panel is to bear in mind. Markdown."))
        .items(one)
        .max_items(Some(20))
        .build()
}

fn places() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(600));
    ArrayBuilder::new()
        .description(Some("Where it is claimed."))
        .items(one)
        .max_items(Some(100))
        .build()
}

/// A section of a paper.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperSection {
    /// Its key in the template.
    #[schema(max_length = 60)]
    pub key: String,
    /// Its number ("1.2"), where it bears one.
    #[schema(max_length = 20)]
    pub number: Option<String>,
    /// Its heading.
    #[schema(max_length = 200)]
    pub heading: String,
    /// Its level below the title, from 1.
    #[schema(minimum = 1, maximum = 3)]
    pub level: u8,
    /// Where its content comes from: the list of that name further down.
    pub source: PaperSource,
    /// The author's words. Markdown.
    #[schema(max_length = 40_000)]
    pub text: Option<String>,
    /// The figures that sum it up.
    #[schema(max_items = 100)]
    pub figures: Vec<PaperFigure>,
}

/// A figure, and the query that leads to what it counts.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperFigure {
    /// What it counts.
    #[schema(max_length = 400)]
    pub label: String,
    /// How many there are.
    #[schema(minimum = 0)]
    pub value: usize,
    /// The query that leads to them.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// What the panel is asked to do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AskedOfPanel {
    /// Its letter.
    #[schema(max_length = 2)]
    pub label: String,
    /// What it is to do.
    pub verb: PanelVerb,
    /// With what. Markdown.
    #[schema(max_length = 2000)]
    pub text: String,
}

/// A cross-reference between two strategies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperInterdependency {
    /// The cross-reference's id.
    pub id: Uuid,
    /// The strategy that refers.
    pub from: Named,
    /// The strategy that is referred to.
    pub to: Named,
    /// What it says about the two.
    pub relation: CrossReferenceRelation,
    /// Why they belong together.
    #[schema(max_length = 2000)]
    pub rationale: Option<String>,
    /// Where it is claimed.
    #[schema(max_items = 100, schema_with = places)]
    pub stated_in: Vec<String>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A part of an update.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperPart {
    /// Its label.
    #[schema(max_length = 20)]
    pub label: Option<String>,
    /// What it says.
    #[schema(max_length = 8000)]
    pub text: String,
}

/// An update on a recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperUpdate {
    /// Its id.
    pub id: Uuid,
    /// What sort of update it is: a deferral is not progress.
    pub update_kind: RecommendationUpdateKind,
    /// The day it was stated.
    pub stated_on: NaiveDate,
    /// The whole in words.
    #[schema(max_length = 8000)]
    pub narrative: Option<String>,
    /// Its parts.
    #[schema(max_items = 26)]
    pub parts: Vec<PaperPart>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// Something that a recommendation leans on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeansOn {
    /// What a link says about the two; null where only an update refers to it.
    pub relation: Option<RecommendationRelation>,
    /// The record.
    pub record: RecordName,
    /// The day it is expected; null where none is recorded.
    pub expected_on: Option<NaiveDate>,
    /// The recommendation waits for it, and nobody has said until when.
    pub without_date: bool,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// An audit recommendation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperRecommendation {
    /// The recommendation.
    pub recommendation: Named,
    /// Its number in the review.
    pub number: Option<u32>,
    /// The review that makes it.
    pub review: Option<Named>,
    /// What the auditors found.
    #[schema(max_length = 8000)]
    pub finding: Option<String>,
    /// What they recommend.
    #[schema(max_length = 8000)]
    pub asks: Option<String>,
    /// When it is due.
    pub deadline: PlannedDate,
    /// When it was first due, where that was another day.
    pub first_deadline: Option<PlannedDate>,
    /// Whether it is in time, as computed.
    pub timeliness: Timeliness,
    /// Days left; negative: late.
    pub days: Option<i64>,
    /// How far it has come, as management reports.
    pub implementation: RecommendationImplementation,
    /// What audit has found of that.
    pub verification: RecommendationVerification,
    /// How it ended.
    pub closure: RecommendationClosureState,
    /// What was said on the last day on which anything was said.
    #[schema(max_items = 100)]
    pub updates: Vec<PaperUpdate>,
    /// What it leans on.
    #[schema(max_items = 1000)]
    pub leans_on: Vec<LeansOn>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A goal and the items that serve it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperPriority {
    /// The goal; null for the items that serve none.
    pub goal: Option<Named>,
    /// What sort of goal it is.
    pub goal_kind: Option<GoalKind>,
    /// Its number in the strategy.
    #[schema(minimum = 1)]
    pub number: Option<u16>,
    /// The items.
    #[schema(max_items = 10_000)]
    pub items: Vec<PaperItem>,
    /// The query that leads to them.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A work-plan item.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperItem {
    /// The item.
    pub item: Named,
    /// When it is due.
    pub deadline: PlannedDate,
    /// When it was first due, where that was another day.
    pub first_deadline: Option<PlannedDate>,
    /// Whether that has passed.
    pub is_overdue: bool,
    /// The post that leads it.
    pub lead: Option<Named>,
    /// The unit that is responsible for it.
    pub unit: Option<Named>,
    /// Where it stands, as declared.
    pub status: ItemStatus,
    /// As its lead rates it.
    pub declared_rag: Rag,
    /// As the service computes it.
    pub computed_rag: Rag,
    /// Why.
    #[schema(max_length = 200)]
    pub computed_reason: String,
    /// The day of its latest progress update.
    pub updated_on: Option<NaiveDate>,
    /// What that says.
    #[schema(max_items = 26)]
    pub latest: Vec<PaperPart>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// An answer to an action or a part of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperAnswer {
    /// Its id.
    pub id: Uuid,
    /// The day on which it was given or decided.
    pub on: NaiveDate,
    /// What was done, or why it was put off.
    #[schema(max_length = 8000)]
    pub text: String,
    /// What a response claims; null for one that claims nothing, and for a deferral.
    pub claimed_status: Option<ActionPartStatus>,
    /// To when a deferral puts it off; null for a response.
    #[schema(max_length = 300)]
    pub deferred_to: Option<String>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A part of an action.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperActionPart {
    /// The part.
    pub part: Named,
    /// Its label.
    #[schema(max_length = 20)]
    pub label: String,
    /// Where it stands, as the board's secretary declares.
    pub status: ActionPartStatus,
    /// Whether it is still owed.
    pub is_open: bool,
    /// Responses and deferrals, in the order of their days.
    #[schema(max_items = 1000)]
    pub answers: Vec<PaperAnswer>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// An action of an earlier meeting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperAction {
    /// The action.
    pub action: RecordName,
    /// Its number.
    pub number: u32,
    /// The meeting that gave it.
    pub meeting: Option<Named>,
    /// What is asked.
    #[schema(max_length = 4000)]
    pub text: String,
    /// Where it stands, as the board's secretary declares.
    pub status: ActionStatus,
    /// How far it has come, as computed.
    pub progress: ActionState,
    /// When it is due, in words.
    #[schema(max_length = 300)]
    pub due: Option<String>,
    /// The day by which it is judged.
    pub judged_on: Option<NaiveDate>,
    /// Whether it should have been dealt with.
    pub is_overdue: bool,
    /// How many times it, or a part of it, was put off.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// Its parts.
    #[schema(max_items = 1000)]
    pub parts: Vec<PaperActionPart>,
    /// Responses and deferrals of the whole.
    #[schema(max_items = 1000)]
    pub answers: Vec<PaperAnswer>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A risk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperRisk {
    /// The risk.
    pub risk: Named,
    /// The register it stands on.
    pub register: Option<Named>,
    /// What might happen.
    #[schema(max_length = 2000)]
    pub event: Option<String>,
    /// Whether it still threatens.
    pub status: RiskStatus,
    /// Its score today; null where nobody has scored it.
    pub current: Option<RiskLevel>,
    /// How many controls it has.
    #[schema(minimum = 0)]
    pub controls: u32,
    /// How many of them are known to work.
    #[schema(minimum = 0)]
    pub effective_controls: u32,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// A gap that the author shows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperGap {
    /// The code of the rule.
    #[schema(max_length = 60)]
    pub rule: String,
    /// How much it weighs; null where there is no such rule.
    pub severity: Option<GapSeverity>,
    /// The record; null where it is not there.
    pub record: Option<RecordName>,
    /// Whether the rule still finds it.
    pub is_open: bool,
    /// What is wrong.
    #[schema(max_length = 4000)]
    pub reason: Option<String>,
    /// What mends it.
    #[schema(max_length = 300)]
    pub remedy: Option<String>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// Something overdue.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OverdueLine {
    /// The recommendation, item or action.
    pub record: RecordName,
    /// The day that has passed.
    pub due_on: NaiveDate,
    /// How many days ago.
    #[schema(minimum = 1)]
    pub days_late: i64,
    /// It was put off to no day: it is judged by the day on which it was first due.
    pub put_off: bool,
    /// Why the author leaves it out; null where the line stands.
    #[schema(max_length = 2000)]
    pub struck: Option<String>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// What goes with a paper.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AppendixLine {
    /// Its number.
    #[schema(minimum = 1)]
    pub number: usize,
    /// What it is called.
    #[schema(max_length = 300)]
    pub title: String,
    /// The document.
    pub document: Option<RecordName>,
    /// The version of it; null where no file is kept here.
    pub version: Option<RecordName>,
    /// SHA-256 of that version's file, in hexadecimal.
    #[schema(max_length = 64)]
    pub sha256: Option<String>,
    /// How finished the document says it is.
    pub document_state: Option<DocumentState>,
    /// The same in its own words.
    #[schema(max_length = 300)]
    pub stated_status: Option<String>,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: Option<String>,
}

/// A reference in the author's words, and the record that it names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResolvedReference {
    /// What stands between the brackets.
    #[schema(max_length = 200)]
    pub text: String,
    /// The record.
    pub record: RecordName,
    /// The query that leads to it.
    #[schema(max_length = 1000)]
    pub query: String,
}

/// Why something in the author's words leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnresolvedReason {
    /// There is no such record, or none that the reader may know of.
    NoSuchRecord,
    /// It is not of the form `[[kind:REFERENCE]]`.
    NotAReference,
    /// `[[` without `]]`.
    NotClosed,
    /// A link to an address that is not http, https or mailto: it stands as text.
    LinkRefused,
    /// Narrative for a section that the template no longer has.
    NoSuchSection,
}

/// Something in the author's words that leads nowhere. It stands in the paper as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnresolvedReference {
    /// JSON Pointer of the paper's field.
    #[schema(max_length = 200)]
    pub pointer: String,
    /// What is written there.
    #[schema(max_length = 200)]
    pub text: String,
    /// Why it leads nowhere.
    pub reason: UnresolvedReason,
}
