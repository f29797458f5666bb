//! An organogram as data.

use chrono::NaiveDate;
use serde::Serialize;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::governance::{
    BoardKind, BoardRelationshipKind, BoardStatus, RelationshipAgreement, TermsStatus,
};
use crate::registers::organisation::UnitKind;
use crate::views::status::Named;
use crate::world::Text;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum OrganogramNodeKind {
    /// A board, group, panel or workstream.
    Board,
    /// A unit or an outside body that a board is linked to.
    Unit,
}

/// The applicable terms of reference of a board: those in force, otherwise the latest that are
/// being written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganogramTerms {
    /// Their id.
    pub id: Uuid,
    /// Their reference.
    pub reference: Text<60>,
    /// Label of the version.
    pub version_label: Text<60>,
    /// Progress so far.
    pub status: TermsStatus,
    /// Share of the sections that are filled in, in whole per cent.
    #[schema(minimum = 0, maximum = 100)]
    pub completeness: u8,
}

/// Members of a board on the date, by capacity.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct OrganogramMembers {
    /// All members together.
    pub total: u32,
    /// Chairs.
    pub chair: u32,
    /// Deputy chairs.
    pub deputy_chair: u32,
    /// Members.
    pub member: u32,
    /// Deputies of members.
    pub deputy: u32,
    /// Advisers.
    pub adviser: u32,
    /// Observers.
    pub observer: u32,
    /// Secretaries.
    pub secretary: u32,
}

/// A board, or a body that a board is linked to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganogramNode {
    /// Id.
    pub id: Uuid,
    /// What it is.
    pub node_kind: OrganogramNodeKind,
    /// Reference.
    pub reference: Text<60>,
    /// Title.
    pub title: Text<200>,
    /// Whether it does not match the filters, and is included only because of a board relationship.
    pub tied_only: bool,
    /// Kind of board; null for other bodies.
    pub board_kind: Option<BoardKind>,
    /// Kind of body; null for boards.
    pub unit_kind: Option<UnitKind>,
    /// Recorded status of the board; null for other bodies.
    pub status: Option<BoardStatus>,
    /// The unit that owns the board.
    pub owner: Option<Named>,
    /// Posts or bodies that chair it on the date.
    #[schema(max_items = 100)]
    pub chairs: Vec<Named>,
    /// Its terms of reference; null if there are none.
    pub terms: Option<OrganogramTerms>,
    /// Its members on the date; null for other bodies.
    pub members: Option<OrganogramMembers>,
    /// Codes of the rules that find a gap on it, or on its terms of reference, relationships or
    /// seats. See `/api/v1/gap-rules`.
    #[schema(max_items = 100)]
    pub gaps: Vec<Text<60>>,
}

/// A relationship of a board to another board or body.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganogramRelationship {
    /// Id.
    pub id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Board from which it starts.
    pub from_id: Uuid,
    /// Board or body to which it leads.
    pub to_id: Uuid,
    /// Meaning.
    pub relationship_kind: BoardRelationshipKind,
    /// Whether the ends agree to it, if they have to.
    pub agreement: RelationshipAgreement,
}

/// Why a body appears in the tree again, without what is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum OrganogramRepeat {
    /// It reports to several bodies and appears in full below another.
    #[strum(message = "Several reporting lines")]
    SeveralParents,
    /// It is above itself: the reporting lines form a circle.
    #[strum(message = "Circular reporting line")]
    Circle,
}

/// A place in the tree.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganogramPlace {
    /// The board or body.
    pub id: Uuid,
    /// The board or body above it; null at the top.
    pub parent_id: Option<Uuid>,
    /// Number of levels down: 0 at the top.
    #[schema(minimum = 0)]
    pub depth: u32,
    /// Why it appears here without what is below it; null if it appears in full.
    pub repeats: Option<OrganogramRepeat>,
}

/// Numbers of boards, bodies and board relationships.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct OrganogramCounts {
    /// Boards.
    pub boards: u32,
    /// Other bodies.
    pub bodies: u32,
    /// Board relationships.
    pub relationships: u32,
    /// Boards with gaps.
    pub boards_with_gaps: u32,
    /// Boards without any board relationship.
    pub boards_without_relationships: u32,
}

/// The organogram on a date.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganogramView {
    /// Date of the organogram: it has the boards that are established and not dissolved then, and
    /// the memberships that run then.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Its numbers.
    pub counts: OrganogramCounts,
    /// Boards and bodies, by reference.
    #[schema(max_items = 1000)]
    pub nodes: Vec<OrganogramNode>,
    /// Board relationships, by reference.
    #[schema(max_items = 10000)]
    pub relationships: Vec<OrganogramRelationship>,
    /// The tree of reporting lines from the top down. Each place comes directly after the one above
    /// it, or after the trees of its siblings.
    #[schema(max_items = 10000)]
    pub tree: Vec<OrganogramPlace>,
}

/// Label of a gap's code on a drawing.
pub(super) fn gap_words(code: &str) -> String {
    code.strip_prefix("board_")
        .unwrap_or(code)
        .replace('_', " ")
}

/// Label of a board relationship.
pub(super) const fn relationship_words(kind: BoardRelationshipKind) -> &'static str {
    match kind {
        BoardRelationshipKind::ReportsTo => "reports to",
        BoardRelationshipKind::Assures => "assures",
        BoardRelationshipKind::AllocatesTo => "allocates to",
        BoardRelationshipKind::EscalatesTo => "escalates to",
    }
}

/// Whether a board relationship still lacks an agreement that it needs.
pub(super) const fn is_unsettled(relationship: &OrganogramRelationship) -> bool {
    matches!(
        relationship.agreement,
        RelationshipAgreement::Missing | RelationshipAgreement::OneSided
    )
}
