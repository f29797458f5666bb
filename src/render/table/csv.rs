//! A table as CSV (RFC 4180), with codes as they are.

use std::borrow::Cow;

use csv::{Terminator, Writer, WriterBuilder};

use super::{Cell, Column, NameOf, Places, Reader, Row, text};
use crate::problem::Problem;

/// A table that is being written. What is written can be taken out at any time.
pub struct Csv {
    out: Writer<Vec<u8>>,
    places: Places,
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new())
}

impl Csv {
    /// A table with its head.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn with_head(columns: &[Column]) -> Result<Self, Problem> {
        let mut out = writer();
        let names = columns.iter().map(|c| &c.field.name);
        out.write_record(names).map_err(Problem::internal)?;
        let places = Places::of(columns);
        Ok(Self { out, places })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn add(
        &mut self,
        row: &Row<'_>,
        columns: &[Column],
        name_of: NameOf<'_, '_>,
    ) -> Result<(), Problem> {
        for (column, cell) in self.places.cells(row, columns, name_of) {
            let cell = safe(&cell, column);
            let written = self.out.write_field(cell.as_bytes());
            written.map_err(Problem::internal)?;
        }
        let end = self.out.write_record(None::<&[u8]>);
        end.map_err(Problem::internal)
    }

    /// Number of bytes that were written and not taken out, roughly.
    #[must_use]
    pub fn length(&self) -> usize {
        self.out.get_ref().len()
    }

    /// Takes out what was written.
    ///
    /// # Errors
    /// The table cannot be written.
    pub fn take(&mut self) -> Result<Vec<u8>, Problem> {
        let out = std::mem::replace(&mut self.out, writer());
        out.into_inner().map_err(Problem::internal)
    }
}

/// A cell that no spreadsheet interprets as a formula (OWASP: CSV injection).
fn safe<'a>(cell: &Cell<'a>, column: &'a Column) -> Cow<'a, str> {
    let text = text(cell, column, Reader::Program);
    let is_number = matches!(cell, Cell::One(Row::Number(_)));
    if is_number || !text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text
    } else {
        format!("'{text}").into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::world::fields::Field;

    fn written(value: &Value) -> String {
        let column = Column {
            field: Field::named("a.b"),
            codes: Vec::new(),
        };
        let row = json!({ "a": { "b": value } });
        let (row, columns) = (Row::deserialize(&row).expect("a row"), [column]);
        let mut places = Places::of(&columns);
        let mut cells = places.cells(&row, &columns, &|_| None);
        let (column, cell) = cells.next().expect("a cell");
        safe(&cell, column).into_owned()
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
