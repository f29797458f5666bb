//! Lists and views in formats other than JSON: tables (CSV as in RFC 4180, Excel workbooks), text
//! for diagrams, calendars (iCalendar as in RFC 5545), and papers to read (Markdown, HTML, DOCX,
//! PDF).

use serde_json::{Value, json};
use strum::VariantArray;
use uuid::Uuid;

use super::answer::{Answer, Body, JSON};
use super::parameters::query;
use super::query::invalid;
use crate::policy::{self, Act, Role, Subject};
use crate::problem::{Code, Problem};
use crate::render::table::xlsx::Book;
use crate::render::table::{Column, LinkedName};
use crate::world::visible::VisibleWorld;
use crate::world::vocabulary::in_words;

/// Format of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Csv,
    Xlsx,
    Mermaid,
    Dot,
    Svg,
    Ics,
    Markdown,
    Html,
    Docx,
    Pdf,
}

/// The formats that lists and views offer as well as JSON.
pub const TABLES: &[Format] = &[Format::Csv, Format::Xlsx];

/// The text format for human readers.
pub const TEXT: &[Format] = &[Format::Markdown];

/// The names of a format.
struct Naming {
    /// Its value in `?format=`.
    word: &'static str,
    /// Media type, without parameters.
    essence: &'static str,
    /// The media type as sent.
    sent: &'static str,
    /// File extension.
    ending: &'static str,
    /// Whether the content is binary rather than text.
    is_binary: bool,
}

impl Format {
    const fn naming(self) -> Naming {
        const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        const DOCX: &str =
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        let (word, essence, sent, ending) = match self {
            Self::Json => ("json", JSON, JSON, "json"),
            Self::Csv => (
                "csv",
                "text/csv",
                "text/csv; charset=utf-8; header=present",
                "csv",
            ),
            Self::Xlsx => ("xlsx", XLSX, XLSX, "xlsx"),
            // All of these are registered with IANA.
            Self::Mermaid => (
                "mermaid",
                "text/vnd.mermaid",
                "text/vnd.mermaid; charset=utf-8",
                "mmd",
            ),
            Self::Dot => (
                "dot",
                "text/vnd.graphviz",
                "text/vnd.graphviz; charset=utf-8",
                "gv",
            ),
            Self::Svg => (
                "svg",
                "image/svg+xml",
                "image/svg+xml; charset=utf-8",
                "svg",
            ),
            Self::Ics => (
                "ics",
                "text/calendar",
                "text/calendar; charset=utf-8",
                "ics",
            ),
            Self::Markdown => (
                "markdown",
                "text/markdown",
                "text/markdown; charset=utf-8",
                "md",
            ),
            Self::Html => ("html", "text/html", "text/html; charset=utf-8", "html"),
            Self::Docx => ("docx", DOCX, DOCX, "docx"),
            Self::Pdf => ("pdf", "application/pdf", "application/pdf", "pdf"),
        };
        Naming {
            word,
            essence,
            sent,
            ending,
            is_binary: matches!(self, Self::Xlsx | Self::Docx | Self::Pdf),
        }
    }

    /// Its value in `?format=`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.naming().word
    }

    /// Its media type, without parameters.
    #[must_use]
    pub const fn essence(self) -> &'static str {
        self.naming().essence
    }

    /// Its media type as it is sent.
    #[must_use]
    pub const fn sent(self) -> &'static str {
        self.naming().sent
    }

    /// Whether a response in this format is a table.
    #[must_use]
    pub const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx)
    }

    /// The OpenAPI schema of a body in this format.
    #[must_use]
    pub fn schema(self) -> Value {
        if self.naming().is_binary {
            json!({ "type": "string", "format": "binary" })
        } else {
            json!({ "type": "string" })
        }
    }

    /// Whether a media range in an Accept header (RFC 9110, section 12.5.1) matches this format.
    fn fits(self, range: &str) -> bool {
        let essence = self.essence();
        match range.strip_suffix("/*") {
            Some("*") => true,
            Some(group) => essence.split('/').next() == Some(group),
            None => essence == range || (self == Self::Json && range == "application/problem+json"),
        }
    }

    /// Whether this build can write it.
    const fn is_available(self) -> bool {
        !matches!(self, Self::Pdf) || cfg!(feature = "pdf")
    }

    /// The problem of a format that this build cannot write.
    fn unavailable() -> Problem {
        let detail = "this build of the service has no PDF support; use the container image, \
            which has it, or build with `--features pdf`; until then, request docx or html";
        Problem::new(Code::NotAcceptable, detail)
    }

    /// Chooses the format by `?format=`, or else by the Accept header. If a media range matches
    /// several, the first one offered is chosen.
    ///
    /// # Errors
    /// 400 for an unknown format, 406 if none of the accepted formats is offered, or if this build
    /// cannot write the only one that is.
    pub fn choose(
        asked: Option<&str>,
        accept: Option<&str>,
        offered: &[Self],
    ) -> Result<Self, Problem> {
        let all = || std::iter::once(Self::Json).chain(offered.iter().copied());
        if let Some(name) = asked {
            let format = all().find(|f| f.word() == name).ok_or_else(|| {
                let words: Vec<&str> = all().map(Self::word).collect();
                invalid("format", &format!("must be one of {}", words.join(", ")))
            })?;
            return if format.is_available() {
                Ok(format)
            } else {
                Err(Self::unavailable())
            };
        }
        let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else {
            return Ok(Self::Json);
        };
        let mut best: Option<(f32, Self)> = None;
        let mut is_unavailable = false;
        for part in accept.split(',') {
            let mut words = part.split(';').map(str::trim);
            let range = words.next().unwrap_or_default().to_ascii_lowercase();
            let Some(format) = all().find(|f| f.fits(&range)) else {
                continue;
            };
            let weight = words
                .find_map(|w| w.strip_prefix("q="))
                .map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if weight > 0.0 && !format.is_available() {
                is_unavailable = true;
                continue;
            }
            if weight > 0.0 && best.is_none_or(|(w, _)| weight > w) {
                best = Some((weight, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            if is_unavailable {
                return Self::unavailable();
            }
            let types: Vec<&str> = all().map(Self::essence).collect();
            Problem::new(
                Code::NotAcceptable,
                format!(
                    "no accepted format is offered; the formats are {}",
                    types.join(", ")
                ),
            )
        })
    }
}

/// The query parameter that selects the format.
#[must_use]
pub fn parameter(offered: &[Format]) -> Value {
    let words: Vec<&str> = std::iter::once(Format::Json)
        .chain(offered.iter().copied())
        .map(Format::word)
        .collect();
    query(
        "format",
        "Format of the response. If left out, the Accept header decides. A table has every row.",
        json!({ "type": "string", "enum": words }),
    )
}

/// Text for a diagram or a Markdown page.
#[must_use]
pub fn drawing(format: Format, name: &str, text: String) -> Answer {
    sent(format, name, "inline", text.into_bytes())
}

/// A document to read. Shown in the browser, unless it needs a word processor.
#[must_use]
pub fn document(format: Format, name: &str, bytes: Vec<u8>) -> Answer {
    let disposition = if format.naming().is_binary {
        "attachment"
    } else {
        "inline"
    };
    // A reference may contain characters that are not allowed in file names.
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    sent(format, &name, disposition, bytes)
}

fn sent(format: Format, name: &str, disposition: &str, body: impl Into<Body>) -> Answer {
    let naming = format.naming();
    let answer = Answer {
        status: 200,
        headers: Vec::new(),
        content_type: naming.sent,
        body: body.into(),
    };
    answer.header(
        "Content-Disposition",
        format!("{disposition}; filename=\"{name}.{}\"", naming.ending),
    )
}

/// The answer with a table.
#[must_use]
pub fn table(format: Format, name: &str, body: impl Into<Body>) -> Answer {
    sent(format, name, "attachment", body)
}

/// A workbook with a table of this name.
///
/// # Errors
/// 406 if it has more columns than a workbook can have.
pub fn workbook(name: &str, columns: Vec<Column>) -> Result<Book, Problem> {
    Book::with_head(&in_words(&name.replace('-', "_")), columns)
}

/// Names the records that tables link to.
pub struct LinkNames<'a> {
    /// The world of the table.
    seen: &'a VisibleWorld,
    /// By subject, whether every role may read it.
    is_open: Vec<bool>,
}

impl<'a> LinkNames<'a> {
    /// Names records of this world.
    #[must_use]
    pub fn of(seen: &'a VisibleWorld) -> Self {
        let is_open = |subject: &Subject| {
            let mut roles = Role::VARIANTS.iter();
            roles.all(|role| policy::allows(*role, *subject, Act::Read))
        };
        Self {
            seen,
            is_open: Subject::VARIANTS.iter().map(is_open).collect(),
        }
    }

    /// Reference and title of a record that the caller may see. Kinds that not every role may read
    /// are not named, so that a table is the same for all who may ask for it.
    #[must_use]
    pub fn name(&self, id: &str) -> Option<LinkedName<'a>> {
        let record = self.seen.any(Uuid::try_parse(id).ok()?)?;
        let is_open = *self.is_open.get(record.subject() as usize)?;
        is_open.then(|| LinkedName {
            reference: &record.meta().reference,
            title: record.title().unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_asked_for_or_accepted() {
        assert_eq!(Format::choose(None, None, TABLES), Ok(Format::Json));
        assert_eq!(
            Format::choose(None, Some("text/csv"), TABLES),
            Ok(Format::Csv)
        );
        assert_eq!(
            Format::choose(Some("xlsx"), Some("text/csv"), TABLES),
            Ok(Format::Xlsx)
        );
        assert_eq!(
            Format::choose(
                None,
                Some("text/html, application/json;q=0.5, text/csv;q=0.4"),
                TABLES
            ),
            Ok(Format::Json)
        );
        assert_eq!(
            Format::choose(None, Some("text/csv"), &[]).map_err(|p| p.code),
            Err(Code::NotAcceptable)
        );
        assert_eq!(
            Format::choose(Some("csv"), None, &[]).map_err(|p| p.code),
            Err(Code::InvalidQuery)
        );
        let drawn = &[Format::Mermaid, Format::Dot, Format::Svg];
        assert_eq!(Format::choose(Some("dot"), None, drawn), Ok(Format::Dot));
        assert_eq!(
            Format::choose(None, Some("text/vnd.mermaid"), drawn),
            Ok(Format::Mermaid)
        );
        assert_eq!(
            Format::choose(None, Some("image/*, text/*;q=0.5"), drawn),
            Ok(Format::Svg)
        );
        assert_eq!(Format::choose(None, Some("*/*"), drawn), Ok(Format::Json));
        assert_eq!(
            Format::choose(None, Some("text/*"), TABLES),
            Ok(Format::Csv)
        );
        assert_eq!(
            Format::choose(None, Some("image/svg+xml"), TABLES).map_err(|p| p.code),
            Err(Code::NotAcceptable)
        );
    }
}
