//! The answer: one type for every matrix of coverage.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::views::attendance::Turnout;
use crate::world::Text;

/// Which matrix this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CoverageMatrix {
    /// Plan items against the goals that they serve.
    #[strum(message = "Items and goals")]
    ItemsGoals,
    /// Boards against the goals in their remit.
    #[strum(message = "Boards and goals")]
    BoardsGoals,
    /// Staff support associations and advisory groups against the boards where they have a seat or
    /// attended.
    #[strum(message = "Constituencies and boards")]
    ConstituenciesBoards,
    /// Plan items against the measures that report on them.
    #[strum(message = "Items and measures")]
    ItemsMeasures,
    /// Measures against the protected characteristics for which there are figures.
    #[strum(message = "Measures and characteristics")]
    MeasuresCharacteristics,
    /// Business groups against good practice, by whether it was published by plan or ad hoc.
    #[strum(message = "Groups and good practice")]
    GroupsGoodPractice,
}

/// A row or a column.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CoverageEntry {
    /// Key used in cells: its id or, if it is not a record, its code.
    pub key: Text<36>,
    /// Its reference or code.
    pub reference: Text<60>,
    /// Its title.
    pub title: Text<300>,
    /// Number of its cells that are filled.
    #[schema(minimum = 0)]
    pub filled: u32,
    /// Further information, if any.
    pub note: Option<Text<200>>,
}

/// A cell that is not empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageCell {
    /// Key of the row.
    #[schema(value_type = Text<36>)]
    pub row: Arc<str>,
    /// Key of the column.
    #[schema(value_type = Text<36>)]
    pub column: Arc<str>,
    /// How the row and the column are related, as codes: `serves`; kinds of remit; capacities of
    /// seats, `collective` for a seat held for all of a kind, `came` for attendance without a seat;
    /// `told_by`; `figures`, `suppressed`, `wanted`; `example`.
    #[schema(max_items = 20, value_type = Vec<Text<60>>)]
    pub marks: Arc<[Text<60>]>,
    /// Number of records in the cell: seats, remits, examples, categories with a figure.
    #[schema(minimum = 0)]
    pub count: u32,
    /// Whether the cell counts as filled. A seat counts even if nobody attends. An observer's or
    /// deputy's seat, attendance without a seat, and figures that are only wanted do not count.
    pub is_filled: bool,
    /// For seats: at how many of the board's last meetings somebody attended for the association or
    /// group.
    pub turnout: Option<Turnout>,
    /// Of these, at how many somebody attended in a collective seat for all of its kind.
    pub collective_turnout: Option<Turnout>,
}

/// A matrix: its filled cells, and the rows and columns that have none.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageView {
    /// Which matrix this is.
    pub matrix: CoverageMatrix,
    /// Date the view is calculated for.
    pub on: chrono::NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Number of rows.
    #[schema(minimum = 0)]
    pub row_count: u32,
    /// Number of columns.
    #[schema(minimum = 0)]
    pub column_count: u32,
    /// Number of filled cells.
    #[schema(minimum = 0)]
    pub filled_count: u32,
    /// Number of rows without a filled cell.
    #[schema(minimum = 0)]
    pub row_gap_count: u32,
    /// Number of columns without a filled cell.
    #[schema(minimum = 0)]
    pub column_gap_count: u32,
    /// Whether any list is cut short.
    pub is_cut: bool,
    /// Rows with a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub rows: Vec<CoverageEntry>,
    /// Columns with a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub columns: Vec<CoverageEntry>,
    /// Rows without a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub row_gaps: Vec<CoverageEntry>,
    /// Columns without a filled cell, by reference.
    #[schema(max_items = 10_000)]
    pub column_gaps: Vec<CoverageEntry>,
    /// Columns held by several rows where only one should hold them: goals that more than one board
    /// decides on.
    #[schema(max_items = 10_000)]
    pub held_twice: Vec<CoverageEntry>,
    /// Goals that no board decides on, whether or not a board oversees them; empty for other
    /// matrices.
    #[schema(max_items = 10_000)]
    pub undecided: Vec<CoverageEntry>,
    /// Cells that are not empty, by row and column.
    #[schema(max_items = 50_000)]
    pub cells: Vec<CoverageCell>,
}
