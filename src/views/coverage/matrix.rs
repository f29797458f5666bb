//! A matrix while it is being built. Matrices differ in their rows, columns and cells; how they are
//! sorted, counted and cut short is defined here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::answer::{CoverageCell, CoverageEntry, CoverageMatrix, CoverageView};
use crate::registers::links::count;
use crate::views::attendance::Turnout;
use crate::views::request::Asked;
use crate::world::collation::reference_key;
use crate::world::record::word;
use crate::world::vocabulary::Coded;
use crate::world::{Meta, Text};

/// Most entries named in one list. The counts are always exact.
pub(super) const MOST_ENTRIES: usize = 10_000;
/// Most cells returned.
pub(super) const MOST_CELLS: usize = 50_000;

/// A row or a column.
#[derive(Default)]
pub(super) struct Line {
    pub(super) key: String,
    reference: String,
    title: String,
    pub(super) note: Option<String>,
    pub(super) filled: u32,
    /// Whether it is not a gap even though none of its cells is filled.
    pub(super) is_excused: bool,
}

impl Line {
    pub(super) fn of(meta: &Meta, title: &str) -> Self {
        Self {
            key: meta.id.to_string(),
            reference: meta.reference.to_string(),
            title: title.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn with_note(self, note: impl Into<Option<String>>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }

    /// A row or column for a code of a vocabulary rather than a record.
    pub(super) fn of_code<C: Coded>(code: &C) -> Self {
        let key = word(code);
        Self {
            reference: key.clone(),
            title: code.label().into_owned(),
            key,
            ..Self::default()
        }
    }
}

impl From<&Line> for CoverageEntry {
    fn from(line: &Line) -> Self {
        Self {
            key: Text::cut(line.key.clone()),
            reference: Text::cut(line.reference.clone()),
            title: Text::cut(line.title.clone()),
            filled: line.filled,
            note: line.note.clone().map(Text::cut),
        }
    }
}

/// A cell that is not empty.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) marks: BTreeSet<String>,
    pub(super) count: u32,
    pub(super) is_filled: bool,
    pub(super) turnout: Option<Turnout>,
    pub(super) collective_turnout: Option<Turnout>,
}

impl Cell {
    pub(super) fn mark(&mut self, mark: impl Into<String>) {
        self.marks.insert(mark.into());
        self.count += 1;
        self.is_filled = true;
    }
}

/// A matrix being built, with rows and columns in the order of their references.
pub(super) struct Matrix {
    rows: Vec<Line>,
    pub(super) columns: Vec<Line>,
    pub(super) row_of: HashMap<Uuid, usize>,
    pub(super) column_of: HashMap<Uuid, usize>,
    pub(super) cells: BTreeMap<(usize, usize), Cell>,
    pub(super) held_twice: BTreeSet<usize>,
    pub(super) undecided: BTreeSet<usize>,
}

/// Sorts rows or columns by reference, with the place of each record among them.
pub(super) fn places(mut lines: Vec<(Uuid, Line)>) -> (Vec<Line>, HashMap<Uuid, usize>) {
    lines.sort_by_cached_key(|(_, line)| reference_key(&line.reference));
    let places = lines
        .iter()
        .enumerate()
        .map(|(n, (id, _))| (*id, n))
        .collect();
    (lines.into_iter().map(|(_, line)| line).collect(), places)
}

impl Matrix {
    pub(super) fn new(rows: Vec<(Uuid, Line)>, columns: Vec<(Uuid, Line)>) -> Self {
        let ((rows, row_of), (columns, column_of)) = (places(rows), places(columns));
        Self {
            rows,
            columns,
            row_of,
            column_of,
            cells: BTreeMap::new(),
            held_twice: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    pub(super) fn cell(&mut self, row: Uuid, column: Uuid) -> Option<&mut Cell> {
        let at = (*self.row_of.get(&row)?, *self.column_of.get(&column)?);
        Some(self.cells.entry(at).or_default())
    }

    pub(super) fn has_cell(&self, row: Uuid, column: Uuid) -> bool {
        let at = self.row_of.get(&row).zip(self.column_of.get(&column));
        at.is_some_and(|(row, column)| self.cells.contains_key(&(*row, *column)))
    }

    pub(super) fn into_view(mut self, asked: &Asked, matrix: CoverageMatrix) -> CoverageView {
        let filled_count = self.count_filled();
        let sides = (Side::of(&self.rows), Side::of(&self.columns));
        let held_twice = self.entries_of(&self.held_twice);
        let undecided = self.entries_of(&self.undecided);
        let is_cut =
            held_twice.len() < self.held_twice.len() || undecided.len() < self.undecided.len();
        let cell_count = self.cells.len();
        let view = CoverageView::of(
            asked,
            matrix,
            sides,
            (self.into_cells(), cell_count, filled_count),
        );
        CoverageView {
            is_cut: view.is_cut || is_cut,
            held_twice,
            undecided,
            ..view
        }
    }

    /// Counts the filled cells of each row and column, and of the whole matrix.
    fn count_filled(&mut self) -> usize {
        let mut all = 0;
        for ((row, column), _) in self.cells.iter().filter(|(_, c)| c.is_filled) {
            let lines = [self.rows.get_mut(*row), self.columns.get_mut(*column)];
            lines.into_iter().flatten().for_each(|l| l.filled += 1);
            all += 1;
        }
        all
    }

    fn entries_of(&self, places: &BTreeSet<usize>) -> Vec<CoverageEntry> {
        let columns = places.iter().filter_map(|n| self.columns.get(*n));
        columns.take(MOST_ENTRIES).map(Into::into).collect()
    }

    fn into_cells(self) -> Vec<CoverageCell> {
        let keys = |lines: &[Line]| -> Vec<Arc<str>> {
            lines.iter().map(|line| line.key.as_str().into()).collect()
        };
        let (rows, columns) = (keys(&self.rows), keys(&self.columns));
        let key = |keys: &[Arc<str>], at: usize| keys.get(at).map(Arc::clone).unwrap_or_default();
        let cell = |((row, column), cell): ((usize, usize), Cell)| CoverageCell {
            row: key(&rows, row),
            column: key(&columns, column),
            marks: cell.marks.into_iter().map(Text::cut).collect(),
            count: cell.count,
            is_filled: cell.is_filled,
            turnout: cell.turnout,
            collective_turnout: cell.collective_turnout,
        };
        self.cells.into_iter().take(MOST_CELLS).map(cell).collect()
    }
}

/// Rows or columns: those that are covered, and those that are gaps.
pub(super) struct Side {
    pub(super) count: usize,
    pub(super) covered: Vec<CoverageEntry>,
    pub(super) gaps: Vec<CoverageEntry>,
    pub(super) gap_count: usize,
}

impl Side {
    pub(super) fn of(lines: &[Line]) -> Self {
        let (gaps, covered): (Vec<&Line>, Vec<&Line>) = lines
            .iter()
            .partition(|line| line.filled == 0 && !line.is_excused);
        let first = |lines: &[&Line]| -> Vec<CoverageEntry> {
            let lines = lines.iter().take(MOST_ENTRIES);
            lines.map(|line| CoverageEntry::from(*line)).collect()
        };
        Self {
            count: lines.len(),
            gap_count: gaps.len(),
            covered: first(&covered),
            gaps: first(&gaps),
        }
    }

    fn is_cut(&self) -> bool {
        self.gap_count.max(self.count - self.gap_count) > MOST_ENTRIES
    }
}

impl CoverageView {
    /// A view of these rows and columns, with its first cells, the number of all cells and of those
    /// that are filled.
    pub(super) fn of(
        asked: &Asked,
        matrix: CoverageMatrix,
        (rows, columns): (Side, Side),
        (cells, cell_count, filled_count): (Vec<CoverageCell>, usize, usize),
    ) -> Self {
        Self {
            matrix,
            on: asked.on,
            journal_seq: asked.seen.seq(),
            row_count: count(rows.count),
            column_count: count(columns.count),
            filled_count: count(filled_count),
            row_gap_count: count(rows.gap_count),
            column_gap_count: count(columns.gap_count),
            is_cut: rows.is_cut() || columns.is_cut() || cell_count > MOST_CELLS,
            rows: rows.covered,
            columns: columns.covered,
            row_gaps: rows.gaps,
            column_gaps: columns.gaps,
            held_twice: Vec::new(),
            undecided: Vec::new(),
            cells,
        }
    }
}
