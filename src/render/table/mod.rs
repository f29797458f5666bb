//! Tables: rows with columns, written as CSV for programs and as a workbook for people. Programs get
//! codes, and people get the labels of these codes.

pub mod csv;
pub mod xlsx;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::world::vocabulary::Vocabulary;

/// A column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its name, in the first row and in the rows.
    pub name: String,
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

/// A row: its cells by the names of their columns. A list is written as its members separated by
/// `; `, an object as JSON.
pub type Row = Map<String, Value>;

fn cell<'a>(row: &'a Row, column: &Column) -> &'a Value {
    row.get(&column.name).unwrap_or(&Value::Null)
}

/// Text of a cell. `say` puts each text in it into words.
fn text<'a>(value: &'a Value, say: &dyn Fn(&'a str) -> &'a str) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => say(s).to_owned(),
        Value::Array(list) if !list.iter().any(|v| v.is_object() || v.is_array()) => {
            let members: Vec<String> = list.iter().map(|v| text(v, say)).collect();
            members.join("; ")
        }
        other => other.to_string(),
    }
}
