//! A table as CSV (RFC 4180), with codes as they are.

use csv::{Terminator, WriterBuilder};
use serde_json::Value;

use super::{Cell, Column, NameOf, Reader, Row, cell, text};
use crate::problem::Problem;

/// Writes the table.
///
/// # Errors
/// The table cannot be written.
pub fn write(
    columns: &[Column],
    rows: impl Iterator<Item = Result<Row, Problem>>,
    name_of: NameOf<'_>,
) -> Result<Vec<u8>, Problem> {
    let mut out = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let names = columns.iter().map(|c| &c.field.name);
    out.write_record(names).map_err(Problem::internal)?;
    for row in rows {
        let row = row?;
        let cells = columns.iter().map(|c| safe(&cell(&row, c, name_of), c));
        out.write_record(cells).map_err(Problem::internal)?;
    }
    out.into_inner().map_err(Problem::internal)
}

/// A cell that no spreadsheet interprets as a formula (OWASP: CSV injection).
fn safe(cell: &Cell<'_>, column: &Column) -> String {
    let text = text(cell, column, Reader::Program);
    let is_number = matches!(cell, Cell::One(Value::Number(_)));
    if is_number || !text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text
    } else {
        format!("'{text}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::world::fields::Field;

    fn written(value: &Value) -> String {
        let column = Column {
            field: Field::named("a.b"),
            codes: Vec::new(),
        };
        safe(
            &cell(&json!({ "a": { "b": value } }), &column, &|_| None),
            &column,
        )
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(written(&json!("=1+1")), "'=1+1");
        assert_eq!(written(&json!("@cmd")), "'@cmd");
        assert_eq!(written(&json!(-3)), "-3");
        assert_eq!(written(&json!("plain")), "plain");
        assert_eq!(written(&json!(["a", "b"])), "a; b");
        assert_eq!(written(&json!(["a; b", "c\\d"])), "a\\; b; c\\\\d");
        assert_eq!(written(&json!(["=a"])), "'=a");
    }

    /// The members of a list, as README says how to read them.
    fn members(cell: &str) -> Vec<String> {
        let (mut all, mut member) = (Vec::new(), String::new());
        let mut letters = cell.chars();
        while let Some(c) = letters.next() {
            match c {
                '\\' => member.extend(letters.next()),
                ';' => {
                    all.push(std::mem::take(&mut member));
                    assert_eq!(letters.next(), Some(' '));
                }
                c => member.push(c),
            }
        }
        all.push(member);
        all
    }

    proptest! {
        #[test]
        fn a_list_can_be_taken_apart(list in prop::collection::vec("[a-z;\\\\ ]{1,8}", 1..5)) {
            prop_assert_eq!(members(&written(&json!(list))), list);
        }
    }
}
