//! Lists and views as tables: CSV (RFC 4180) and Excel workbooks.

use serde_json::{Map, Value};

use super::answer::Answer;
use crate::problem::{Code, Problem};
use crate::world::Kind;
use crate::world::seen::Shown;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Csv,
    Xlsx,
}

/// Media types of the tables.
pub const CSV: &str = "text/csv; charset=utf-8; header=present";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The formats that lists and views offer beside JSON.
pub const TABLES: &[&str] = &["csv", "xlsx"];

impl Format {
    /// Chooses by `?format=`, else by Accept.
    ///
    /// # Errors
    /// 400 for an unknown format, 406 when nothing that is accepted is offered.
    pub fn choose(asked: Option<&str>, accept: Option<&str>, offered: &[&str]) -> Result<Self, Problem> {
        let known = |name: &str| match name {
            "json" => Some(Self::Json),
            "csv" if offered.contains(&"csv") => Some(Self::Csv),
            "xlsx" if offered.contains(&"xlsx") => Some(Self::Xlsx),
            _ => None,
        };
        if let Some(name) = asked {
            return known(name).ok_or_else(|| {
                super::query::invalid(
                    "format",
                    &format!("must be json{}", offered.iter().map(|f| format!(", {f}")).collect::<String>()),
                )
            });
        }
        let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else {
            return Ok(Self::Json);
        };
        let mut best: Option<(f32, Self)> = None;
        for part in accept.split(',') {
            let mut words = part.split(';').map(str::trim);
            let name = match words.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "*/*" | "application/*" | "application/json" | "application/problem+json" => "json",
                "text/csv" | "text/*" => "csv",
                XLSX => "xlsx",
                _ => continue,
            };
            let weight = words.find_map(|w| w.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if let Some(format) = known(name).filter(|_| weight > 0.0)
                && best.is_none_or(|(w, _)| weight > w)
            {
                best = Some((weight, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            let types: Vec<&str> = offered.iter().map(|f| if *f == "csv" { "text/csv" } else { XLSX }).collect();
            Problem::new(
                Code::NotAcceptable,
                format!(
                    "offered are application/json{}",
                    types.iter().map(|t| format!(", {t}")).collect::<String>()
                ),
            )
        })
    }
}

/// Records as a table, one column for each field.
///
/// # Errors
/// The workbook cannot be written.
pub fn records(format: Format, kind: &Kind, rows: &[Shown]) -> Result<Answer, Problem> {
    let rows = rows
        .iter()
        .map(|r| serde_json::from_slice::<Map<String, Value>>(r.json()).unwrap_or_default());
    table(format, kind.path, kind.columns(), rows)
}

/// Rows as a table. A list becomes its members separated by `; `, an object its JSON.
///
/// # Errors
/// The workbook cannot be written.
pub fn table(format: Format, name: &str, columns: &[String], rows: impl Iterator<Item = Map<String, Value>>) -> Result<Answer, Problem> {
    let (bytes, content_type, ending) = match format {
        Format::Xlsx => (xlsx(columns, rows)?, XLSX, "xlsx"),
        Format::Csv | Format::Json => (csv(columns, rows)?, CSV, "csv"),
    };
    let answer = Answer {
        status: 200,
        headers: Vec::new(),
        content_type,
        body: bytes.into(),
    };
    Ok(answer.header("Content-Disposition", format!("attachment; filename=\"{name}.{ending}\"")))
}

fn csv(columns: &[String], rows: impl Iterator<Item = Map<String, Value>>) -> Result<Vec<u8>, Problem> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(columns).map_err(Problem::internal)?;
    for row in rows {
        out.write_record(columns.iter().map(|c| safe(row.get(c).unwrap_or(&Value::Null))))
            .map_err(Problem::internal)?;
    }
    out.into_inner().map_err(Problem::internal)
}

fn xlsx(columns: &[String], rows: impl Iterator<Item = Map<String, Value>>) -> Result<Vec<u8>, Problem> {
    /// What Excel takes in one cell.
    const LONGEST: usize = 32_000;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let bold = rust_xlsxwriter::Format::new().set_bold();
    for (column, name) in (0u16..).zip(columns) {
        sheet.write_string_with_format(0, column, name, &bold).map_err(Problem::internal)?;
    }
    for (line, row) in (1u32..).zip(rows) {
        for (column, name) in (0u16..).zip(columns) {
            match row.get(name).unwrap_or(&Value::Null) {
                Value::Null => {}
                Value::Bool(b) => drop(sheet.write_boolean(line, column, *b).map_err(Problem::internal)?),
                Value::Number(n) => drop(
                    sheet
                        .write_number(line, column, n.as_f64().unwrap_or_default())
                        .map_err(Problem::internal)?,
                ),
                // A string cell is never read as a formula.
                other => drop(
                    sheet
                        .write_string(line, column, text(other).chars().take(LONGEST).collect::<String>())
                        .map_err(Problem::internal)?,
                ),
            }
        }
    }
    book.save_to_buffer().map_err(Problem::internal)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        Value::Array(list) if !list.iter().any(|v| v.is_object() || v.is_array()) => list.iter().map(text).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula (OWASP: CSV injection).
fn safe(value: &Value) -> String {
    let cell = text(value);
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

    #[test]
    fn the_format_is_asked_for_or_accepted() {
        assert_eq!(Format::choose(None, None, TABLES), Ok(Format::Json));
        assert_eq!(Format::choose(None, Some("text/csv"), TABLES), Ok(Format::Csv));
        assert_eq!(Format::choose(Some("xlsx"), Some("text/csv"), TABLES), Ok(Format::Xlsx));
        assert_eq!(
            Format::choose(None, Some("text/html, application/json;q=0.5, text/csv;q=0.4"), TABLES),
            Ok(Format::Json)
        );
        assert_eq!(
            Format::choose(None, Some("text/csv"), &[]).map_err(|p| p.code),
            Err(Code::NotAcceptable)
        );
        assert_eq!(Format::choose(Some("csv"), None, &[]).map_err(|p| p.code), Err(Code::InvalidQuery));
    }
}
