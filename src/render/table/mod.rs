//! Tables: rows with columns, written as CSV for programs and as a workbook for people. Programs get
//! codes, and people get the labels of these codes.

pub mod csv;
pub mod xlsx;

use std::sync::Arc;

use serde_json::Value;

use crate::world::fields::{Field, FieldForm};
use crate::world::vocabulary::Vocabulary;

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
#[derive(Debug, Clone)]
pub struct LinkedName {
    pub reference: String,
    pub title: String,
}

/// Names the record with an id; none if the caller may not see it.
pub type NameOf<'a> = &'a dyn Fn(&str) -> Option<LinkedName>;

/// A row: a JSON object, with the values of the columns' fields.
pub type Row = Value;

/// The content of a cell.
enum Cell<'a> {
    Empty,
    One(&'a Value),
    Name(String),
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

fn cell<'a>(row: &'a Row, column: &Column, name_of: NameOf<'_>) -> Cell<'a> {
    named(at(row, &column.field.path), column.field.form, name_of)
}

fn at<'a>(value: &'a Value, path: &[String]) -> Cell<'a> {
    match (value, path) {
        (Value::Null, _) => Cell::Empty,
        (Value::Array(list), _) => Cell::Many(list.iter().map(|v| at(v, path)).collect()),
        (Value::Object(map), [first, rest @ ..]) => {
            map.get(first).map_or(Cell::Empty, |v| at(v, rest))
        }
        (value, []) => Cell::One(value),
        _ => Cell::Empty,
    }
}

/// The cell of a link's name, in place of its id.
fn named<'a>(cell: Cell<'a>, form: FieldForm, name_of: NameOf<'_>) -> Cell<'a> {
    match (cell, form) {
        (Cell::Many(list), form @ (FieldForm::Reference | FieldForm::Title)) => {
            let names = list.into_iter().map(|cell| named(cell, form, name_of));
            Cell::Many(names.collect())
        }
        (Cell::One(id), FieldForm::Reference | FieldForm::Title) => {
            let name = id.as_str().and_then(name_of);
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
fn text(cell: &Cell<'_>, column: &Column, reader: Reader) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Name(name) => name.clone(),
        Cell::One(Value::String(text)) if reader == Reader::Person => column.label(text).to_owned(),
        Cell::One(Value::String(text)) => text.clone(),
        Cell::One(other) => other.to_string(),
        Cell::Many(list) => {
            let member = |cell| {
                let text = text(cell, column, reader);
                if reader == Reader::Program {
                    text.replace('\\', "\\\\").replace(';', "\\;")
                } else {
                    text
                }
            };
            list.iter().map(member).collect::<Vec<_>>().join("; ")
        }
    }
}
