//! A table as an Excel workbook, with labels in place of codes. Days and times are cells that Excel
//! can calculate with; times are those of the organisation's time zone, as people read them.

use std::io::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use super::{Cell, Column, LONGEST, NameOf, Places, Reader, Row, text};
use crate::problem::{Code, Problem};
use crate::world::calendar::Calendar;
use crate::world::fields::FieldForm;

/// Most rows and most columns of a sheet: Excel's own.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
/// Longest name of a sheet.
const LONGEST_NAME: usize = 31;
/// Narrowest and widest column, in characters. A longer text is in its cell all the same.
const NARROWEST: usize = 8;
const WIDEST: usize = 60;
/// Room in the head row for the button of the filter.
const BUTTON: usize = 3;

/// How much a workbook is compressed: larger by a twentieth than by the library's default, and
/// made in two thirds of the time.
const COMPRESSION: u8 = 3;

/// A workbook with one table, whose rows are kept in a temporary file until it is saved.
pub struct Book {
    book: Workbook,
    columns: Vec<Column>,
    places: Places,
    /// Longest text of each column, in characters.
    widths: Vec<usize>,
    /// The next row.
    line: u32,
    day: Format,
    time: Format,
}

impl Book {
    /// A workbook with a sheet of this name, and its head row. A document has no column, because it
    /// may be longer than a cell.
    ///
    /// # Errors
    /// 406 if it has more columns than a sheet can have, or it cannot be written.
    pub fn with_head(name: &str, mut columns: Vec<Column>) -> Result<Self, Problem> {
        columns.retain(|c| c.field.form != FieldForm::Document);
        if columns.len() > MOST_COLUMNS {
            return Err(too_large(&format!("at most {MOST_COLUMNS} columns")));
        }
        let mut book = Workbook::new();
        book.set_zip_compression_level(COMPRESSION);
        let sheet = book.add_worksheet_with_constant_memory();
        let sheet = sheet.map_err(no_room)?;
        sheet
            .set_name(sheet_name(name))
            .map_err(Problem::internal)?;
        let head = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0x00E8_ECF0))
            .set_border_bottom(FormatBorder::Thin);
        for (at, column) in (0u16..).zip(&columns) {
            sheet
                .write_string_with_format(0, at, &column.field.name, &head)
                .map_err(Problem::internal)?;
        }
        let aligned = |format: &str| {
            let format = Format::new().set_num_format(format);
            format.set_align(FormatAlign::Left)
        };
        Ok(Self {
            book,
            places: Places::of(&columns),
            widths: columns
                .iter()
                .map(|c| c.field.name.chars().count() + BUTTON)
                .collect(),
            columns,
            line: 1,
            day: aligned("yyyy-mm-dd"),
            time: aligned("yyyy-mm-dd hh:mm:ss"),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// 406 if it does not fit into a workbook, or it cannot be written.
    pub fn add(&mut self, row: &Row<'_>, name_of: NameOf<'_, '_>) -> Result<(), Problem> {
        if self.line >= MOST_ROWS {
            return Err(too_large(&format!("at most {MOST_ROWS} rows")));
        }
        let sheet = self.book.worksheet_from_index(0);
        let sheet = sheet.map_err(Problem::internal)?;
        let formats = (&self.day, &self.time);
        let cells = self.places.cells(row, &self.columns, name_of);
        for ((at, (column, cell)), widest) in (0u16..).zip(cells).zip(&mut self.widths) {
            let put = put(sheet, (self.line, at), (column, &cell), formats);
            let width = put.map_err(Problem::internal)?.map_err(|length| {
                let of = [&["reference"][..], &["record", "reference"], &["id"]];
                let of = of.into_iter().find_map(|path| row.text_at(path));
                too_large(&format!(
                    "at most {LONGEST} characters in a cell, and `{}` of {} has {length}",
                    column.field.name,
                    of.map_or_else(|| format!("row {}", self.line), str::to_owned)
                ))
            })?;
            *widest = width.max(*widest);
        }
        self.line += 1;
        Ok(())
    }

    /// Sets widths and the filter, keeps the head row in view, and writes the workbook.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(mut self, out: impl Write + Send) -> Result<(), Problem> {
        self.finish().map_err(Problem::internal)?;
        self.book.save_to_writer(out).map_err(no_room)
    }

    fn finish(&mut self) -> Result<(), XlsxError> {
        let sheet = self.book.worksheet_from_index(0)?;
        for ((at, column), width) in (0u16..).zip(&self.columns).zip(&self.widths) {
            // Nobody reads an id from end to end.
            let widest = match column.field.form {
                FieldForm::Id => column.field.name.len() + BUTTON,
                _ => WIDEST,
            };
            let width = (*width).clamp(NARROWEST, widest.max(NARROWEST)) + 1;
            sheet.set_column_width(at, f64::from(u16::try_from(width).unwrap_or(u16::MAX)))?;
        }
        sheet.set_freeze_panes(1, 0)?;
        if let Some(last) = self.columns.len().checked_sub(1) {
            let last = u16::try_from(last).unwrap_or(u16::MAX);
            sheet.autofilter(0, 0, self.line - 1, last)?;
        }
        Ok(())
    }
}

/// The folder for temporary files is full or cannot be written.
fn no_room(e: XlsxError) -> Problem {
    log::error!("a workbook cannot be written: {e}; TMPDIR names the folder for temporary files");
    Problem::unavailable(
        "there is no room for the workbook at the moment; ask for CSV, or try later",
    )
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

/// Writes a cell and returns its width; or its length, if it is too long.
fn put(
    sheet: &mut Worksheet,
    (line, at): (u32, u16),
    (column, cell): (&Column, &Cell<'_>),
    (day_format, time_format): (&Format, &Format),
) -> Result<Result<usize, usize>, XlsxError> {
    match cell {
        Cell::Empty => return Ok(Ok(0)),
        Cell::One(Row::Bool(b)) => {
            sheet.write_boolean(line, at, *b)?;
            return Ok(Ok(NARROWEST));
        }
        Cell::One(Row::Number(n)) => {
            sheet.write_number(line, at, n.as_f64().unwrap_or_default())?;
            return Ok(Ok(n.to_string().len()));
        }
        Cell::One(Row::Text(text)) if column.field.form == FieldForm::Day => {
            let day = text.parse::<NaiveDate>().ok();
            if let Some(day) = day.and_then(|day| excel_day(day).ok()) {
                sheet.write_datetime_with_format(line, at, &day, day_format)?;
                return Ok(Ok("2020-10-26".len()));
            }
        }
        Cell::One(Row::Text(text)) if column.field.form == FieldForm::Time => {
            let time = DateTime::parse_from_rfc3339(text).ok();
            let time = time.map(|t| Calendar::current().local(t.to_utc()));
            if let Some(time) = time.and_then(|time| excel_time(time).ok()) {
                sheet.write_datetime_with_format(line, at, &time, time_format)?;
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
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::world::fields::Field;

    fn written(name: &str, text: &str) -> Result<Vec<u8>, Problem> {
        let column = Column {
            field: Field::named("text"),
            codes: Vec::new(),
        };
        let row = json!({ "reference": "TOR-1", "text": text });
        let row = Row::deserialize(&row).expect("a row");
        let mut book = Book::with_head(name, vec![column])?;
        book.add(&row, &|_| None)?;
        let mut file = Vec::new();
        book.save(&mut file)?;
        Ok(file)
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
