//! A table as an Excel workbook, with labels in place of codes. Days and times are cells that Excel
//! can calculate with; times are those of the organisation's time zone, as people read them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};
use serde_json::Value;

use super::{Cell, Column, NameOf, Reader, Row, cell, text};
use crate::problem::{Code, Problem};
use crate::world::calendar::Calendar;
use crate::world::fields::FieldForm;

/// Most characters of a cell (in UTF-16), most rows and most columns of a sheet: Excel's own.
const LONGEST: usize = 32_767;
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
/// Longest name of a sheet.
const LONGEST_NAME: usize = 31;
/// Narrowest and widest column, in characters. A longer text is in its cell all the same.
const NARROWEST: usize = 8;
const WIDEST: usize = 60;
/// Room in the head row for the button of the filter.
const BUTTON: usize = 3;

/// Writes the table into a sheet with this name.
///
/// # Errors
/// 406 if it does not fit into a workbook; or the workbook cannot be written.
pub fn write(
    name: &str,
    columns: &[Column],
    rows: impl Iterator<Item = Result<Row, Problem>>,
    name_of: NameOf<'_>,
) -> Result<Vec<u8>, Problem> {
    if columns.len() > MOST_COLUMNS {
        return Err(too_large(&format!("at most {MOST_COLUMNS} columns")));
    }
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet
        .set_name(sheet_name(name))
        .map_err(Problem::internal)?;
    let mut table = Table::new(sheet, columns);
    table.head().map_err(Problem::internal)?;
    for row in rows {
        table.add(&row?, name_of)?;
    }
    table.finish().map_err(Problem::internal)?;
    book.save_to_buffer().map_err(Problem::internal)
}

fn too_large(limit: &str) -> Problem {
    Problem::new(
        Code::NotAcceptable,
        format!("an Excel workbook has {limit}; ask for CSV or JSON, which have no such limit"),
    )
}

/// A name that Excel allows for a sheet.
fn sheet_name(name: &str) -> String {
    let plain = name.chars().filter(|c| !r"[]:*?/\'".contains(*c));
    plain.take(LONGEST_NAME).collect()
}

struct Table<'a> {
    sheet: &'a mut Worksheet,
    columns: &'a [Column],
    /// Longest text of each column, in characters.
    widths: Vec<usize>,
    /// The next row.
    line: u32,
    head: Format,
    day: Format,
    time: Format,
}

impl<'a> Table<'a> {
    fn new(sheet: &'a mut Worksheet, columns: &'a [Column]) -> Self {
        let head = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0x00E8_ECF0))
            .set_border_bottom(FormatBorder::Thin);
        let aligned = |format: &str| {
            let format = Format::new().set_num_format(format);
            format.set_align(FormatAlign::Left)
        };
        Self {
            sheet,
            columns,
            widths: columns
                .iter()
                .map(|c| c.field.name.chars().count() + BUTTON)
                .collect(),
            line: 1,
            head,
            day: aligned("yyyy-mm-dd"),
            time: aligned("yyyy-mm-dd hh:mm:ss"),
        }
    }

    fn head(&mut self) -> Result<(), XlsxError> {
        for (at, column) in (0u16..).zip(self.columns) {
            let name = &column.field.name;
            self.sheet
                .write_string_with_format(0, at, name, &self.head)?;
        }
        Ok(())
    }

    fn add(&mut self, row: &Row, name_of: NameOf<'_>) -> Result<(), Problem> {
        if self.line >= MOST_ROWS {
            return Err(too_large(&format!("at most {MOST_ROWS} rows")));
        }
        for (at, column) in (0u16..).zip(self.columns) {
            let cell = cell(row, column, name_of);
            let width = match self.put(at, &cell, column).map_err(Problem::internal)? {
                Ok(width) => width,
                Err(length) => {
                    let of = ["/reference", "/record/reference", "/id"]
                        .into_iter()
                        .find_map(|name| row.pointer(name));
                    let of = of.and_then(Value::as_str);
                    return Err(too_large(&format!(
                        "at most {LONGEST} characters in a cell, and `{}` of {} has {length}",
                        column.field.name,
                        of.map_or_else(|| format!("row {}", self.line), str::to_owned)
                    )));
                }
            };
            if let Some(widest) = self.widths.get_mut(usize::from(at)) {
                *widest = width.max(*widest);
            }
        }
        self.line += 1;
        Ok(())
    }

    /// Writes a cell and returns its width; or its length, if it is too long.
    fn put(
        &mut self,
        at: u16,
        cell: &Cell<'_>,
        column: &Column,
    ) -> Result<Result<usize, usize>, XlsxError> {
        let (sheet, line) = (&mut *self.sheet, self.line);
        match cell {
            Cell::Empty => return Ok(Ok(0)),
            Cell::One(Value::Bool(b)) => {
                sheet.write_boolean(line, at, *b)?;
                return Ok(Ok(NARROWEST));
            }
            Cell::One(Value::Number(n)) => {
                sheet.write_number(line, at, n.as_f64().unwrap_or_default())?;
                return Ok(Ok(n.to_string().len()));
            }
            Cell::One(Value::String(text)) if column.field.form == FieldForm::Day => {
                let day = text.parse::<NaiveDate>().ok();
                if let Some(day) = day.and_then(|day| excel_day(day).ok()) {
                    sheet.write_datetime_with_format(line, at, &day, &self.day)?;
                    return Ok(Ok("2020-10-26".len()));
                }
            }
            Cell::One(Value::String(text)) if column.field.form == FieldForm::Time => {
                let time = DateTime::parse_from_rfc3339(text).ok();
                let time = time.map(|t| Calendar::current().local(t.to_utc()));
                if let Some(time) = time.and_then(|time| excel_time(time).ok()) {
                    sheet.write_datetime_with_format(line, at, &time, &self.time)?;
                    return Ok(Ok("2020-10-26 09:00:00".len()));
                }
            }
            _ => {}
        }
        // A string cell is never interpreted as a formula.
        let words = text(cell, column, Reader::Person);
        let length = words.encode_utf16().count();
        if length > LONGEST {
            return Ok(Err(length));
        }
        let width = words.lines().map(|line| line.chars().count()).max();
        sheet.write_string(line, at, words)?;
        Ok(Ok(width.unwrap_or(0)))
    }

    /// Sets widths and the filter, and keeps the head row in view.
    fn finish(self) -> Result<(), XlsxError> {
        for ((at, column), width) in (0u16..).zip(self.columns).zip(&self.widths) {
            // Nobody reads an id from end to end.
            let widest = match column.field.form {
                FieldForm::Id => column.field.name.len() + BUTTON,
                _ => WIDEST,
            };
            let width = (*width).clamp(NARROWEST, widest.max(NARROWEST)) + 1;
            self.sheet
                .set_column_width(at, f64::from(u16::try_from(width).unwrap_or(u16::MAX)))?;
        }
        self.sheet.set_freeze_panes(1, 0)?;
        if let Some(last) = self.columns.len().checked_sub(1) {
            let last = u16::try_from(last).unwrap_or(u16::MAX);
            self.sheet.autofilter(0, 0, self.line - 1, last)?;
        }
        Ok(())
    }
}

fn excel_day(day: NaiveDate) -> Result<ExcelDateTime, XlsxError> {
    let (month, of_month) = (small(day.month()), small(day.day()));
    ExcelDateTime::from_ymd(u16::try_from(day.year()).unwrap_or(0), month, of_month)
}

fn excel_time(time: NaiveDateTime) -> Result<ExcelDateTime, XlsxError> {
    let (hour, minute) = (time.hour().try_into().unwrap_or(0), small(time.minute()));
    excel_day(time.date())?.and_hms(hour, minute, time.second())
}

fn small(n: u32) -> u8 {
    u8::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::world::fields::Field;

    fn written(name: &str, text: &str) -> Result<Vec<u8>, Problem> {
        let column = Column {
            field: Field::named("text"),
            codes: Vec::new(),
        };
        let row = json!({ "reference": "TOR-1", "text": text });
        write(name, &[column], std::iter::once(Ok(row)), &|_| None)
    }

    /// A cell is whole, or the workbook is refused in words.
    #[test]
    fn no_cell_is_cut() {
        assert!(written("Terms", &"x".repeat(LONGEST)).is_ok());
        for long in ["x".repeat(LONGEST + 1), "\u{1F600}".repeat(LONGEST / 2 + 1)] {
            let refused = written("Terms", &long).map(|_| ());
            let refused = refused.map_err(|p| (p.code, p.detail.contains("TOR-1")));
            assert_eq!(refused, Err((Code::NotAcceptable, true)));
        }
    }

    #[test]
    fn a_sheet_has_a_name_that_excel_takes() {
        for name in [
            "Terms of reference: a/b [c] *?",
            &"long ".repeat(20),
            "'quoted'",
        ] {
            assert!(written(name, "x").is_ok(), "{name}");
        }
    }
}
