//! A table as CSV (RFC 4180), with codes as they are.

use csv::{Terminator, WriterBuilder};
use serde_json::Value;

use super::{Column, Row, cell, text};
use crate::problem::Problem;

/// Writes the table.
///
/// # Errors
/// The table cannot be written.
pub fn write(columns: &[Column], rows: impl Iterator<Item = Row>) -> Result<Vec<u8>, Problem> {
    let mut out = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let names = columns.iter().map(|c| &c.name);
    out.write_record(names).map_err(Problem::internal)?;
    for row in rows {
        out.write_record(columns.iter().map(|c| safe(cell(&row, c))))
            .map_err(Problem::internal)?;
    }
    out.into_inner().map_err(Problem::internal)
}

/// A cell that no spreadsheet interprets as a formula (OWASP: CSV injection).
fn safe(value: &Value) -> String {
    let cell = text(value, &|code| code);
    if value.is_number() || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        cell
    } else {
        format!("'{cell}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(safe(&json!("=1+1")), "'=1+1");
        assert_eq!(safe(&json!("@cmd")), "'@cmd");
        assert_eq!(safe(&json!(-3)), "-3");
        assert_eq!(safe(&json!("plain")), "plain");
        assert_eq!(safe(&json!(["a", "b"])), "a; b");
    }
}
