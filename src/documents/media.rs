//! Which files are accepted, and whether a file is what it claims to be.
//!
//! Files that boards and auditors exchange are accepted. Files that a browser or a machine would
//! run (HTML, SVG, scripts, programs) are refused under any name, because this service serves
//! uploaded files from its own address.

use std::sync::LazyLock;

use memchr::{memchr, memmem};

use crate::problem::{Code, Problem};

/// How many bytes of a file are used to detect its type. The parts that distinguish Office files
/// are within these bytes.
pub const HEAD: usize = 64 * 1024;

/// An accepted media type.
#[derive(Debug, PartialEq, Eq)]
pub struct Media {
    pub name: &'static str,
    /// File extensions, without the dot; the usual one first.
    pub endings: &'static [&'static str],
    form: Form,
}

/// How files of a type are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By their first bytes.
    Magic,
    /// As a ZIP archive with a part in this folder (ECMA-376).
    Office(&'static str),
    /// As UTF-8 without NUL that is neither markup nor a script.
    Text,
}

/// All accepted types.
pub static MEDIA: &[Media] = &[
    media("application/pdf", &["pdf"], Form::Magic),
    media(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["docx"],
        Form::Office("word/"),
    ),
    media(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &["xlsx"],
        Form::Office("xl/"),
    ),
    media(
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &["pptx"],
        Form::Office("ppt/"),
    ),
    media(
        "application/vnd.oasis.opendocument.text",
        &["odt"],
        Form::Magic,
    ),
    media(
        "application/vnd.oasis.opendocument.spreadsheet",
        &["ods"],
        Form::Magic,
    ),
    media(
        "application/vnd.oasis.opendocument.presentation",
        &["odp"],
        Form::Magic,
    ),
    media("image/png", &["png"], Form::Magic),
    media("image/jpeg", &["jpg", "jpeg"], Form::Magic),
    media("image/gif", &["gif"], Form::Magic),
    media("text/csv", &["csv"], Form::Text),
    media("text/plain", &["txt", "text", "log"], Form::Text),
    media("text/markdown", &["md", "markdown"], Form::Text),
];

const fn media(name: &'static str, endings: &'static [&'static str], form: Form) -> Media {
    Media {
        name,
        endings,
        form,
    }
}

/// Names of the accepted types.
pub fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&'static str>> =
        LazyLock::new(|| MEDIA.iter().map(|m| m.name).collect());
    &NAMES
}

/// Returns the type with this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Media> {
    MEDIA.iter().find(|m| m.name == name)
}

impl Media {
    /// Refuses a file whose first bytes do not fit this type.
    ///
    /// # Errors
    /// 415, saying what the file looks like.
    pub fn check(&self, head: &[u8]) -> Result<(), Problem> {
        let found = match self.form {
            Form::Magic => infer::get(head).map_or("of an unknown type", |t| t.mime_type()),
            Form::Office(_) => office(head).unwrap_or("not an Office file"),
            Form::Text => text(head).unwrap_or(self.name),
        };
        if found == self.name {
            return Ok(());
        }
        let detail = format!(
            "is {}, but the file is {found}; send the file with its own media type, if that type \
                is accepted",
            self.name
        );
        Err(Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "does_not_match",
            detail,
        ))
    }

    /// Whether its files are plain text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.form == Form::Text
    }
}

/// Returns the type of an Office file, from the first part that identifies it. Parts can be in any
/// order, and most programs write the common ones first.
fn office(head: &[u8]) -> Option<&'static str> {
    const SIGNATURE: &[u8] = b"PK\x03\x04";
    /// Offset of a part's name from the signature of its header.
    const NAME_AT: usize = 30;
    if !head.starts_with(SIGNATURE) {
        return None;
    }
    memmem::find_iter(head, SIGNATURE).find_map(|at| {
        let name = head.get(at + NAME_AT..)?;
        let is_in = |m: &&Media| matches!(m.form, Form::Office(folder) if name.starts_with(folder.as_bytes()));
        MEDIA.iter().find(is_in).map(|m| m.name)
    })
}

/// Returns what the file is if it is not plain text.
fn text(head: &[u8]) -> Option<&'static str> {
    let start = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    if memchr(0, head).is_some() {
        return Some("not text");
    }
    // Some image types are recognised by two letters only, and a table may begin with "BM". A file
    // without NUL is not such an image.
    let runs = |t: &infer::Type| {
        matches!(
            t.matcher_type(),
            infer::MatcherType::App | infer::MatcherType::Text
        ) || t.extension() == "pdf"
    };
    if let Some(found) = infer::get(start).filter(runs) {
        return Some(found.mime_type());
    }
    match start {
        [b'<', ..] => Some("markup"),
        [b'#', b'!', ..] => Some("a script"),
        _ => None,
    }
}

/// Checks a text piece by piece: is it UTF-8 without NUL? A character may be split between two
/// pieces.
#[derive(Default)]
pub struct Utf8(Vec<u8>);

impl Utf8 {
    /// Whether the text is still valid with this piece.
    pub fn takes(&mut self, piece: &[u8]) -> bool {
        if memchr(0, piece).is_some() {
            return false;
        }
        let joined;
        let bytes = if self.0.is_empty() {
            piece
        } else {
            joined = [self.0.as_slice(), piece].concat();
            joined.as_slice()
        };
        match std::str::from_utf8(bytes) {
            Ok(_) => self.0 = Vec::new(),
            Err(e) if e.error_len().is_none() => {
                self.0 = bytes.get(e.valid_up_to()..).unwrap_or_default().to_vec()
            }
            Err(_) => return false,
        }
        true
    }

    /// Whether the text ended with a complete character.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(name: &str, bytes: &[u8]) -> bool {
        named(name).expect("a type").check(bytes).is_ok()
    }

    fn zip(names: &[&str]) -> Vec<u8> {
        let part = |name: &&str| {
            [
                b"PK\x03\x04".as_slice(),
                &[0; 26],
                name.as_bytes(),
                b"content",
            ]
            .concat()
        };
        names.iter().flat_map(part).collect()
    }

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        assert!(is("application/pdf", b"%PDF-1.7\n"));
        assert!(is("image/png", b"\x89PNG\r\n\x1a\n0000"));
        assert!(!is("image/png", b"\xff\xd8\xff\xe0"));
        assert!(!is("application/pdf", b"<html><script>alert(1)</script>"));
        let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let word = zip(&[
            "[Content_Types].xml",
            "_rels/.rels",
            "docProps/core.xml",
            "word/document.xml",
        ]);
        assert!(is(docx, &word) && !is(xlsx, &word));
        assert!(is(
            xlsx,
            &zip(&["docProps/app.xml", "docProps/core.xml", "xl/workbook.xml"])
        ));
        assert!(!is(docx, &zip(&["setup.exe"])) && !is(docx, b"word/document.xml"));
        let odt = [
            &zip(&[])[..],
            b"PK\x03\x04",
            &[0; 26],
            b"mimetypeapplication/vnd.oasis.opendocument.text",
        ]
        .concat();
        assert!(is("application/vnd.oasis.opendocument.text", &odt));
    }

    #[test]
    fn what_would_run_is_no_text() {
        assert!(
            is("text/csv", b"BME,BM\r\n")
                && is("text/csv", b"a,b\r\n1,2\r\n")
                && is("text/markdown", b"# Aims\n")
                && is("text/plain", "\u{feff}Straße".as_bytes())
        );
        for bad in [
            &b"<!DOCTYPE html><p>"[..],
            b"  <svg onload=alert(1)>",
            b"<?xml version=\"1.0\"?>",
            b"#!/bin/sh\n",
            b"MZ\x90\0",
            b"\x7fELF and what else a program begins with, which is fifty bytes and more",
            b"a\0b",
            b"%PDF-1.4",
        ] {
            assert!(!is("text/plain", bad), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn a_character_may_be_cut_in_two() {
        let (mut whole, mut cut) = (Utf8::default(), Utf8::default());
        assert!(whole.takes("Stra\u{df}e".as_bytes()) && whole.is_whole());
        assert!(cut.takes(b"Stra\xc3") && !cut.is_whole() && cut.takes(b"\x9fe") && cut.is_whole());
        assert!(!Utf8::default().takes(b"Stra\xdfe") && !Utf8::default().takes(b"a\0"));
    }
}
