//! A table as an Excel workbook, with labels in place of codes.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use super::{Column, Row, cell, text};
use crate::problem::Problem;

/// Maximum length of a cell, within Excel's limit.
const LONGEST: usize = 32_000;

/// Writes the table.
///
/// # Errors
/// The workbook cannot be written.
pub fn write(columns: &[Column], rows: impl Iterator<Item = Row>) -> Result<Vec<u8>, Problem> {
    let mut book = Workbook::new();
    fill(book.add_worksheet(), columns, rows).map_err(Problem::internal)?;
    book.save_to_buffer().map_err(Problem::internal)
}

fn fill(
    sheet: &mut Worksheet,
    columns: &[Column],
    rows: impl Iterator<Item = Row>,
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    for (at, column) in (0u16..).zip(columns) {
        sheet.write_string_with_format(0, at, &column.name, &bold)?;
    }
    for (line, row) in (1u32..).zip(rows) {
        for (at, column) in (0u16..).zip(columns) {
            put(sheet, (line, at), cell(&row, column), column)?;
        }
    }
    Ok(())
}

fn put(
    sheet: &mut Worksheet,
    (line, at): (u32, u16),
    value: &Value,
    column: &Column,
) -> Result<(), XlsxError> {
    match value {
        Value::Null => {}
        Value::Bool(b) => drop(sheet.write_boolean(line, at, *b)?),
        Value::Number(n) => drop(sheet.write_number(line, at, n.as_f64().unwrap_or_default())?),
        // A string cell is never interpreted as a formula.
        other => {
            let words = text(other, &|code| column.label(code));
            let words: String = words.chars().take(LONGEST).collect();
            sheet.write_string(line, at, words)?;
        }
    }
    Ok(())
}
