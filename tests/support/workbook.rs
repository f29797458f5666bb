//! Reads the cells of an Excel workbook.

use std::io::{Cursor, Read};

use quick_xml::events::Event;

/// A part of the package, as text.
pub fn part(book: &[u8], name: &str) -> String {
    let mut package = zip::ZipArchive::new(Cursor::new(book)).expect("a package");
    let mut text = String::new();
    if let Ok(mut file) = package.by_name(name) {
        file.read_to_string(&mut text).expect("text");
    }
    text
}

/// The texts that cells share, in order.
fn shared(book: &[u8]) -> Vec<String> {
    let xml = part(book, "xl/sharedStrings.xml");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut all: Vec<String> = Vec::new();
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(e) if e.name().as_ref() == b"si" => all.push(String::new()),
            Event::Text(t) => {
                if let Some(last) = all.last_mut() {
                    last.push_str(&t.decode().expect("text"));
                }
            }
            Event::GeneralRef(r) => {
                if let Some(last) = all.last_mut() {
                    last.push_str(&unescaped(&r));
                }
            }
            Event::Eof => return all,
            _ => {}
        }
    }
}

/// The character that a reference stands for.
fn unescaped(reference: &quick_xml::events::BytesRef<'_>) -> String {
    let name = reference.decode().expect("a name");
    quick_xml::escape::unescape(&format!("&{name};"))
        .expect("a character")
        .into_owned()
}

/// Adds a text to a cell of the last row.
fn put(rows: &mut [Vec<String>], at: usize, text: &str) {
    let row = rows.last_mut().expect("a row");
    if row.len() <= at {
        row.resize(at + 1, String::new());
    }
    row[at].push_str(text);
}

/// Column of a cell such as `AB12`, from 0.
fn column(at: &str) -> usize {
    let letters = at.bytes().take_while(u8::is_ascii_uppercase);
    letters.fold(0, |n, letter| n * 26 + usize::from(letter - b'A') + 1) - 1
}

/// The rows of the first sheet, each as long as the first; an empty cell is an empty text.
pub fn rows(book: &[u8]) -> Vec<Vec<String>> {
    let shared = shared(book);
    let xml = part(book, "xl/worksheets/sheet1.xml");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let (mut at, mut is_shared, mut is_value, mut is_text) = (0, false, false, false);
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(e) if e.name().as_ref() == b"row" => {
                let width = rows.first().map_or(0, Vec::len);
                rows.push(vec![String::new(); width]);
            }
            Event::Start(e) if e.name().as_ref() == b"c" => {
                let attribute = |name: &str| {
                    let found = e.try_get_attribute(name).expect("an attribute")?;
                    Some(String::from_utf8_lossy(&found.value).into_owned())
                };
                at = column(&attribute("r").expect("a place"));
                is_shared = attribute("t").as_deref() == Some("s");
            }
            Event::Start(e) if e.name().as_ref() == b"v" => is_value = true,
            // A text may be in its cell.
            Event::Start(e) if e.name().as_ref() == b"t" => is_text = true,
            Event::End(_) => (is_value, is_text) = (false, false),
            Event::Text(t) if is_value => {
                let text = t.decode().expect("text").into_owned();
                let text = if is_shared {
                    shared[text.parse::<usize>().expect("a number")].clone()
                } else {
                    text
                };
                put(&mut rows, at, &text);
            }
            Event::Text(t) if is_text => {
                put(&mut rows, at, &t.decode().expect("text"));
            }
            Event::GeneralRef(r) if is_text => put(&mut rows, at, &unescaped(&r)),
            Event::Eof => return rows,
            _ => {}
        }
    }
}
