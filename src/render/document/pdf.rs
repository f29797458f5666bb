//! A document as PDF, tagged as PDF/UA-1 (ISO 14289-1) asks: headings, lists, tables with head
//! cells, a title and a language. Set with Typst and the fonts that come with it.
//!
//! Text is handed to Typst as string literals, so none of it becomes markup. A character that none
//! of the fonts has is shown as `?`, because PDF/UA allows no missing glyphs.

use std::fmt::Write as _;
use std::sync::OnceLock;

use chrono::{Datelike, Timelike};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Feature, Library, LibraryExt, World};
use typst_kit::fonts::FontStore;
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use super::About;
use super::markup::{Cell, Front, Mark, Node, Span, Table, plain};
use crate::problem::Problem;

/// Writes the document.
///
/// # Errors
/// Fails if Typst cannot set the document, or if it would not be valid PDF/UA-1.
pub fn write(nodes: &[Node], about: &About<'_>) -> Result<Vec<u8>, Problem> {
    let mut markup = Markup {
        about,
        out: head(about),
    };
    markup.blocks(nodes);
    let sheet = Sheet {
        source: Source::detached(markup.out),
    };
    let set = typst::compile::<PagedDocument>(&sheet);
    let made = set.output.and_then(|document| {
        let at = Datetime::from_ymd_hms(
            about.at.year(),
            about.at.month() as u8,
            about.at.day() as u8,
            about.at.hour() as u8,
            about.at.minute() as u8,
            about.at.second() as u8,
        );
        let options = PdfOptions {
            // The file contains no time of writing, so the same paper always gives the same file.
            timestamp: at.map(Timestamp::new_utc),
            creator: Smart::Custom(Some("stride".to_owned())),
            standards: PdfStandards::new(&[PdfStandard::Ua_1]).unwrap_or_default(),
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&document, &options)
    });
    // Typst keeps what it worked out, for documents that are set again; papers rarely are.
    typst::comemo::evict(0);
    made.map_err(|errors| {
        let says = |e: &SourceDiagnostic| e.message.to_string();
        let all: Vec<String> = errors.iter().map(says).collect();
        Problem::internal(format!("the PDF was not written: {}", all.join("; ")))
    })
}

fn fonts() -> &'static FontStore {
    static FONTS: OnceLock<FontStore> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut store = FontStore::new();
        store.extend(typst_kit::fonts::embedded());
        store
    })
}

fn library() -> &'static LazyHash<Library> {
    static LIBRARY: OnceLock<LazyHash<Library>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        // Head cells of rows.
        let features = [Feature::A11yExtras].into_iter().collect();
        LazyHash::new(Library::builder().with_features(features).build())
    })
}

/// All that Typst may read: the document, and the fonts.
struct Sheet {
    source: Source,
}

impl World for Sheet {
    fn library(&self) -> &LazyHash<Library> {
        library()
    }
    fn book(&self) -> &LazyHash<FontBook> {
        fonts().book()
    }
    fn main(&self) -> FileId {
        self.source.id()
    }
    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() {
            Ok(self.source.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }
    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }
    fn font(&self, index: usize) -> Option<Font> {
        fonts().font(index)
    }
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Whether one of the fonts has the character.
fn is_covered(c: char) -> bool {
    let book = fonts().book();
    (0..)
        .map_while(|n| book.info(n))
        .any(|font| font.coverage.contains(u32::from(c)))
}

/// A string literal of Typst.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
            c if c.is_whitespace() => out.push(if c == '\u{a0}' { c } else { ' ' }),
            c if c.is_ascii_graphic() => out.push(c),
            // Some fonts use the private area for characters of their own.
            '\u{e000}'..='\u{f8ff}' => out.push('?'),
            c if !c.is_control() && is_covered(c) => out.push(c),
            _ => out.push('?'),
        }
    }
    out.push('"');
    out
}

/// Settings of the whole document.
fn head(about: &About<'_>) -> String {
    let (language, region) = about
        .language
        .split_once('-')
        .unwrap_or((about.language, ""));
    let region = if region.len() == 2 {
        format!(", region: {}", literal(region))
    } else {
        String::new()
    };
    format!(
        "#set document(title: {title}, author: {author})\n\
         #set text(lang: {language}{region}, font: (\"Libertinus Serif\", \"DejaVu Sans Mono\", \
         \"New Computer Modern\"), size: 10.5pt)\n\
         #set par(leading: 0.6em, spacing: 0.85em)\n\
         #set page(paper: \"a4\", margin: (x: 2cm, top: 2.4cm, bottom: 2.4cm), \
         header: align(center, text(size: 9pt, weight: \"bold\", {marking})), \
         footer: context grid(columns: (1fr, auto, 1fr), \
         text(size: 9pt, {reference}), text(size: 9pt, weight: \"bold\", {marking}), \
         align(right, text(size: 9pt)[Page #counter(page).display() of \
         #counter(page).final().first()])))\n\
         #show title: set text(size: 19pt, fill: rgb(\"1f3552\"))\n\
         #show title: set block(above: 1.2em, below: 1em)\n\
         #show heading: set text(fill: rgb(\"1f3552\"))\n\
         #show heading: set block(above: 1.5em, below: 0.8em, sticky: true)\n\
         #show heading.where(level: 1): set text(size: 14pt)\n\
         #show heading.where(level: 2): set text(size: 12pt)\n\
         #show heading.where(level: 3): set text(size: 11pt)\n\
         #show heading.where(level: 4): set text(size: 10.5pt)\n\
         #set list(indent: 0.5em, body-indent: 0.6em, spacing: 0.7em)\n\
         #set enum(indent: 0.5em, body-indent: 0.6em, spacing: 0.7em)\n\
         #show figure: set block(breakable: true, above: 1.1em, below: 1.1em)\n\
         #show figure: set align(left)\n\
         #show figure.caption: set align(left)\n\
         #show figure.caption: set text(size: 9.5pt, weight: \"bold\")\n\
         #show figure.caption: it => block(sticky: true, it.body)\n\
         #set figure.caption(position: top)\n\
         #show table: set text(size: 9.5pt)\n\
         #show table: set par(leading: 0.5em, justify: false)\n\
         #set table(stroke: 0.5pt + rgb(\"767676\"), inset: 5pt, align: left + top)\n\
         #show link: set text(fill: rgb(\"00458b\"))\n\
         #show raw: set text(size: 8.5pt)\n",
        title = literal(about.title),
        author = literal(about.author),
        language = literal(language),
        marking = literal(about.marking),
        reference = literal(about.reference),
    )
}

/// A table with fewer lines stays together on a page.
const HALF_A_PAGE: usize = 30;

/// A cell with more text may be split between pages, because it may not fit on one.
const UNSPLIT: usize = 1_200;

struct Markup<'a> {
    about: &'a About<'a>,
    out: String,
}

impl Markup<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn blocks(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.block(node);
            self.push("\n\n");
        }
    }

    fn block(&mut self, node: &Node) {
        match node {
            Node::Front(front) => self.front(front),
            Node::Heading(level, spans) => {
                let _ = write!(self.out, "#heading(level: {})[", (*level).max(1));
                self.inline(spans);
                self.push("]");
            }
            Node::Para(spans) => {
                self.push("#par[");
                self.inline(spans);
                self.push("]");
            }
            Node::List(mark, items) => self.list(*mark, items),
            Node::Quote(inner) => {
                self.push("#quote(block: true)[");
                self.blocks(inner);
                self.push("]");
            }
            Node::Code(code) => {
                let lines = code.trim_end_matches('\n').split('\n');
                let lines: Vec<String> = lines.map(|l| format!("raw({})", literal(l))).collect();
                let _ = write!(self.out, "#block({})", lines.join(" + linebreak() + "));
            }
            Node::Table(table) => self.table(table),
            Node::NewPage => self.push("#pagebreak(weak: true)"),
        }
    }

    fn front(&mut self, front: &Front) {
        for text in &front.above {
            let _ = writeln!(
                self.out,
                "#par(text(size: 13pt, weight: \"bold\", {}))",
                literal(text)
            );
        }
        self.push("#title()\n");
        for (label, text) in &front.facts {
            let label = literal(&format!("{label}: "));
            let _ = writeln!(self.out, "#par[#strong({label})#{};]", literal(text));
        }
    }

    fn list(&mut self, mark: Mark, items: &[Vec<Node>]) {
        match mark {
            Mark::Bullet => self.push("#list("),
            Mark::Number(from) => {
                let _ = write!(self.out, "#enum(start: {from}, ");
            }
            Mark::Letter => self.push("#enum(numbering: \"a)\", "),
        }
        for item in items {
            self.push("[");
            match item.as_slice() {
                [Node::Para(spans), rest @ ..] => {
                    self.inline(spans);
                    if !rest.is_empty() {
                        self.push("\n\n");
                        self.blocks(rest);
                    }
                }
                other => self.blocks(other),
            }
            self.push("], ");
        }
        self.push(")");
    }

    fn table(&mut self, table: &Table) {
        let shares = table.shares();
        let columns: Vec<String> = shares.iter().map(|s| format!("{s:.4}fr")).collect();
        let is_short = Self::lines(table, &shares) < HALF_A_PAGE;
        if is_short {
            self.push("#[#show figure: set block(breakable: false)\n");
        }
        if !table.caption.is_empty() {
            let _ = write!(
                self.out,
                "#figure(kind: table, supplement: none, numbering: none, caption: [#{};], ",
                literal(&table.caption)
            );
        } else {
            self.push("#block(");
        }
        let _ = write!(
            self.out,
            "table(columns: ({},), table.header(",
            columns.join(", ")
        );
        for cell in &table.head {
            self.push("table.cell(fill: rgb(\"e8ecf0\"))[#strong[");
            self.inline(cell);
            self.push("]], ");
        }
        self.push("), ");
        for row in &table.rows {
            let is_long = row.iter().any(|c| plain(c).chars().count() > UNSPLIT);
            for (n, cell) in row.iter().enumerate() {
                self.cell(n, cell, is_long);
            }
        }
        self.push(if is_short { "))]" } else { "))" });
    }

    /// About how many lines a table takes.
    fn lines(table: &Table, shares: &[f64]) -> usize {
        let row = |row: &Vec<Cell>| {
            let cells = row.iter().zip(shares);
            let lines = cells.map(|(c, s)| plain(c).chars().count() / (s * 92.0).max(1.0) as usize);
            lines.max().unwrap_or(0) + 1
        };
        table.rows.iter().map(row).sum()
    }

    fn cell(&mut self, n: usize, cell: &Cell, is_long: bool) {
        let own = format!("table.cell(breakable: {is_long})[");
        let is_head = n == 0 && !plain(cell).trim().is_empty();
        if is_head {
            self.push("pdf.header-cell(scope: \"row\", ");
        }
        self.push(&own);
        self.inline(cell);
        self.push(if is_head { "]), " } else { "], " });
    }

    fn inline(&mut self, spans: &[Span]) {
        for span in spans {
            match span {
                Span::Text(text) => {
                    let _ = write!(self.out, "#{};", literal(text));
                }
                Span::Strong(inner) => {
                    self.push("#strong[");
                    self.inline(inner);
                    self.push("]");
                }
                Span::Emphasis(inner) => {
                    self.push("#emph[");
                    self.inline(inner);
                    self.push("]");
                }
                Span::Code(code) => {
                    let _ = write!(self.out, "#raw({})", literal(code));
                }
                Span::Link(to, inner) => match self.about.address(to) {
                    // A link without text would be announced as nothing.
                    Some(to) if !plain(inner).trim().is_empty() => {
                        let _ = write!(self.out, "#link({})[", literal(&to));
                        self.inline(inner);
                        self.push("]");
                    }
                    _ => self.inline(inner),
                },
                Span::Break => self.push("#linebreak()"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(literal("a \"b\" \\ #c"), r##""a \"b\" \\ #c""##);
        assert_eq!(literal("Ŵ – “x”\n\u{0}\u{200b}"), "\"Ŵ – “x” ?\"");
        assert_eq!(literal("漢\u{e000}"), "\"??\"");
    }
}
