//! The matrix as a spreadsheet.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::answer::{CoverageCell, CoverageEntry, CoverageView};
use crate::views::rag::counted;
use crate::views::request::View;
use crate::world::collation::reference_key;
use crate::world::fields::Field;
use crate::world::vocabulary::in_words;

/// Most matrix columns that a table shows as columns. Above that, the table has a row for each
/// cell.
const WIDEST: usize = 200;

/// The cells of a row are next to each other, in the order of their columns' keys.
type Cells<'a> = BTreeMap<(&'a str, &'a str), &'a CoverageCell>;

type Row = Map<String, Value>;

impl CoverageCell {
    /// Text of the cell in a spreadsheet.
    fn text(&self) -> String {
        let marks: Vec<String> = self.marks.iter().map(|m| in_words(m)).collect();
        let marks = marks.join("; ");
        match &self.turnout {
            // If attendance was not recorded, nobody can tell who came.
            Some(t) if t.recorded == 0 => {
                format!(
                    "{marks}: attendance not recorded ({})",
                    counted(t.held.into(), "meeting")
                )
            }
            Some(t) => format!(
                "{marks}: attended {} of {} with recorded attendance",
                t.attended,
                counted(t.recorded.into(), "meeting")
            ),
            None if self.count > 1 => format!("{marks} ({})", self.count),
            None => marks,
        }
    }
}

impl View for CoverageView {
    /// The columns of the matrix are columns of the table, unless there are too many of them.
    fn fields(&self) -> Vec<Field> {
        let columns = by_reference(&self.columns, &self.column_gaps);
        let head = ["reference", "title", "filled"].map(Field::named);
        let rest: Vec<Field> = if columns.len() > WIDEST {
            LONG.map(Field::named).into()
        } else {
            let names = columns.into_iter().map(heading);
            names.map(Field::plain).collect()
        };
        head.into_iter().chain(rest).collect()
    }

    /// Cells are many, so they are written on all cores. They are the last field.
    fn written(mut self) -> serde_json::Result<Vec<u8>> {
        /// Number of cells that one thread writes before it takes the next.
        const PIECE: usize = 2_048;
        const END: &[u8] = b"[]}";
        let cells = std::mem::take(&mut self.cells);
        let (head, pieces) = rayon::join(
            || serde_json::to_vec(&self),
            || {
                let pieces = cells.par_chunks(PIECE).map(serde_json::to_vec);
                pieces.collect::<serde_json::Result<Vec<Vec<u8>>>>()
            },
        );
        let (mut json, pieces) = (head?, pieces?);
        debug_assert!(json.ends_with(END), "the cells are not the last field");
        json.truncate(json.len().saturating_sub(END.len() - 1));
        json.reserve(pieces.iter().map(Vec::len).sum::<usize>() + END.len());
        for (n, piece) in pieces.iter().enumerate() {
            // Each piece is a list of its own.
            let inner = piece.get(1..piece.len().saturating_sub(1));
            json.extend_from_slice(if n == 0 { b"" } else { b"," });
            json.extend_from_slice(inner.unwrap_or_default());
        }
        json.extend_from_slice(b"]}");
        Ok(json)
    }

    /// If the matrix is too wide, the table has a row for each cell and each gap.
    fn rows(&self) -> Vec<Value> {
        let rows = by_reference(&self.rows, &self.row_gaps);
        let columns = by_reference(&self.columns, &self.column_gaps);
        let cells: Cells<'_> = self
            .cells
            .iter()
            .map(|c| ((&*c.row, &*c.column), c))
            .collect();
        let rows = if columns.len() > WIDEST {
            long(&rows, &columns, &cells, &self.column_gaps)
        } else {
            wide(&rows, &columns, &cells, self.filled_count)
        };
        rows.into_iter().map(Value::Object).collect()
    }

    fn is_whole(&self) -> bool {
        !self.is_cut
    }
}

/// Columns of a table with a row for each cell.
const LONG: [&str; 3] = ["column_reference", "column_title", "cell"];

/// Heading of a column. The space in it keeps it distinct from the first three columns.
fn heading(column: &CoverageEntry) -> String {
    let heading = format!("{} {}", column.reference, column.title);
    heading.chars().take(80).collect()
}

fn by_reference<'a>(a: &'a [CoverageEntry], b: &'a [CoverageEntry]) -> Vec<&'a CoverageEntry> {
    let mut all: Vec<&CoverageEntry> = a.iter().chain(b).collect();
    all.sort_by_cached_key(|entry| reference_key(&entry.reference));
    all
}

/// The first columns of every row.
fn head(reference: Value, title: Value, filled: u32) -> Row {
    let mut row = Map::new();
    row.insert("reference".into(), reference);
    row.insert("title".into(), title);
    row.insert("filled".into(), json!(filled));
    row
}

fn head_of(entry: &CoverageEntry) -> Row {
    head(json!(entry.reference), json!(entry.title), entry.filled)
}

/// A column for each column of the matrix, and a last row with the totals.
fn wide(
    rows: &[&CoverageEntry],
    columns: &[&CoverageEntry],
    cells: &Cells<'_>,
    filled_count: u32,
) -> Vec<Row> {
    let mut table: Vec<Row> = Vec::with_capacity(rows.len() + 1);
    for of in rows {
        let mut row = head_of(of);
        for column in columns {
            let cell = cells.get(&(of.key.as_str(), column.key.as_str()));
            row.insert(heading(column), json!(cell.map(|c| c.text())));
        }
        table.push(row);
    }
    let mut totals = head(json!("filled"), Value::Null, filled_count);
    for column in columns {
        totals.insert(heading(column), json!(column.filled));
    }
    table.push(totals);
    table
}

/// A row for each cell, for each row without a cell, and for each column without a filled cell.
fn long(
    rows: &[&CoverageEntry],
    columns: &[&CoverageEntry],
    cells: &Cells<'_>,
    column_gaps: &[CoverageEntry],
) -> Vec<Row> {
    let by_key: HashMap<&str, &CoverageEntry> =
        columns.iter().map(|c| (c.key.as_str(), *c)).collect();
    let with_cell = |mut row: Row, column: Option<&CoverageEntry>, cell: Option<&CoverageCell>| {
        let reference = column.map(|c| &c.reference);
        row.insert("column_reference".into(), json!(reference));
        row.insert("column_title".into(), json!(column.map(|c| &c.title)));
        row.insert("cell".into(), json!(cell.map(CoverageCell::text)));
        row
    };
    let mut table = Vec::new();
    for of in rows {
        let of_row = cells
            .range((of.key.as_str(), "")..)
            .take_while(|((row, _), _)| *row == of.key.as_str());
        let before = table.len();
        for ((_, column), cell) in of_row {
            let column = by_key.get(column).copied();
            table.push(with_cell(head_of(of), column, Some(cell)));
        }
        if table.len() == before {
            table.push(with_cell(head_of(of), None, None));
        }
    }
    for column in column_gaps {
        let row = head(Value::Null, Value::Null, 0);
        table.push(with_cell(row, Some(column), None));
    }
    table
}
