//! Tables: rows with columns, written as CSV for programs and as a workbook for people. Programs get
//! codes, and people get the labels of these codes.

pub mod csv;
pub mod row;
pub mod xlsx;

use std::borrow::Cow;
use std::sync::Arc;

pub use self::row::Row;
use crate::world::fields::{Field, FieldForm};
use crate::world::vocabulary::Vocabulary;

/// Most characters of a cell, in UTF-16: those of Excel.
pub const LONGEST: usize = 32_767;

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The field of the rows that it shows.
    pub field: Field,
    /// Vocabularies of the codes in it.
    pub codes: Vec<Arc<Vocabulary>>,
}

impl Column {
    /// What people read in place of a text in this column.
    fn label<'a>(&'a self, text: &'a str) -> &'a str {
        let label = self.codes.iter().find_map(|v| v.label(text));
        label.unwrap_or(text)
    }
}

/// Reference and title of a record.
#[derive(Debug, Clone, Copy)]
pub struct LinkedName<'a> {
    pub reference: &'a str,
    pub title: &'a str,
}

/// Names the record with an id; none if the caller may not see it.
pub type NameOf<'a, 'w> = &'a dyn Fn(&str) -> Option<LinkedName<'w>>;

/// The content of a cell.
enum Cell<'a> {
    Empty,
    One(&'a Row<'a>),
    Name(&'a str),
    /// Members of a list.
    Many(Vec<Cell<'a>>),
}

/// Who reads a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Reads codes, and takes lists apart.
    Program,
    /// Reads labels.
    Person,
}

/// Where the columns' fields were in the row before.
struct Places(Vec<usize>);

impl Places {
    fn of(columns: &[Column]) -> Self {
        Self(vec![0; columns.len()])
    }

    /// The cells of a row, each with its column.
    fn cells<'a, 'w: 'a>(
        &'a mut self,
        row: &'a Row<'a>,
        columns: &'a [Column],
        name_of: NameOf<'a, 'w>,
    ) -> impl Iterator<Item = (&'a Column, Cell<'a>)> {
        columns.iter().zip(&mut self.0).map(move |(column, place)| {
            let [first, rest @ ..] = column.field.path.as_slice() else {
                return (column, Cell::Empty);
            };
            let found = row.member(first, place);
            let cell = found.map_or(Cell::Empty, |value| at(value, rest));
            (column, named(cell, column.field.form, name_of))
        })
    }
}

fn at<'a>(value: &'a Row<'a>, path: &[String]) -> Cell<'a> {
    match (value, path) {
        (Row::Null, _) => Cell::Empty,
        (Row::List(list), _) => Cell::Many(list.iter().map(|v| at(v, path)).collect()),
        (Row::Object(_), [first, rest @ ..]) => value
            .member(first, &mut 0)
            .map_or(Cell::Empty, |v| at(v, rest)),
        (value, []) => Cell::One(value),
        _ => Cell::Empty,
    }
}

/// The cell of a link's name, in place of its id.
fn named<'a, 'w: 'a>(cell: Cell<'a>, form: FieldForm, name_of: NameOf<'_, 'w>) -> Cell<'a> {
    match (cell, form) {
        (Cell::Many(list), form @ (FieldForm::Reference | FieldForm::Title)) => {
            let names = list.into_iter().map(|cell| named(cell, form, name_of));
            Cell::Many(names.collect())
        }
        (Cell::One(id), FieldForm::Reference | FieldForm::Title) => {
            let name = match id {
                Row::Text(id) => name_of(id),
                _ => None,
            };
            let said = name.map(|name| match form {
                FieldForm::Reference => name.reference,
                _ => name.title,
            });
            said.map_or(Cell::Empty, Cell::Name)
        }
        (cell, _) => cell,
    }
}

/// Text of a cell. The members of a list are separated by `; `. For programs, a semicolon or
/// backslash in a member has a backslash before it, so that the list can be taken apart again.
fn text<'a>(cell: &Cell<'a>, column: &'a Column, reader: Reader) -> Cow<'a, str> {
    match cell {
        Cell::Empty => Cow::Borrowed(""),
        Cell::Name(name) => Cow::Borrowed(name),
        Cell::One(Row::Text(text)) if reader == Reader::Person => Cow::Borrowed(column.label(text)),
        Cell::One(Row::Text(text)) => Cow::Borrowed(text),
        Cell::One(other) => serde_json::to_string(other).unwrap_or_default().into(),
        Cell::Many(list) => {
            let mut all = String::new();
            for (n, cell) in list.iter().enumerate() {
                if n > 0 {
                    all.push_str("; ");
                }
                let member = text(cell, column, reader);
                if reader == Reader::Program && member.contains(['\\', ';']) {
                    all.push_str(&member.replace('\\', "\\\\").replace(';', "\\;"));
                } else {
                    all.push_str(&member);
                }
            }
            all.into()
        }
    }
}
