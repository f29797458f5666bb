//! A document as a small tree, from which each format is written, and an author's Markdown read
//! into one. Raw HTML becomes text, and links may only use allowed addresses.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

/// A block of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// What comes before everything else, with the document's title.
    Front(Front),
    /// Level 1 is the highest below the document's title.
    Heading(u8, Vec<Span>),
    Para(Vec<Span>),
    /// Each item is a list of blocks.
    List(Mark, Vec<Vec<Node>>),
    Table(Table),
    Quote(Vec<Node>),
    Code(String),
    /// What follows begins on a new page, where there are pages.
    NewPage,
}

/// The head of a document: for whom it is and when, its title, and facts about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Front {
    /// Lines above the title, such as the name of a board and a date.
    pub above: Vec<String>,
    pub title: String,
    /// Lines below the title, each with its label.
    pub facts: Vec<(String, String)>,
}

/// What the items of a list begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Bullet,
    /// Numbers, from this one.
    Number(u64),
    /// Letters, from `a`.
    Letter,
}

impl Mark {
    /// The letter of an item, counted from 0: `a` to `z`, then `aa`.
    #[must_use]
    pub fn letter(n: usize) -> String {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
        match n / 26 {
            0 => letter(n).to_string(),
            more => format!("{}{}", Self::letter(more - 1), letter(n)),
        }
    }
}

/// A table: its caption, column headers and rows. The first cell of a row is the row header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub caption: String,
    pub head: Vec<Cell>,
    pub rows: Vec<Vec<Cell>>,
    /// Width of each column as a share of the whole. Empty: as [`Table::shares`] finds them.
    pub widths: Vec<f64>,
}

/// Characters that fit into a line of a table.
const LINE: f64 = 92.0;

/// A longer word is broken rather than given a column of its width.
const LONGEST: usize = 22;

impl Table {
    /// Width of each column as a share of the whole: at least its longest word, and the rest by how
    /// much it has to say. A column of short words stays narrow, so that no word is broken where
    /// there is room for it.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let columns = self.head.len().max(1);
        if self.widths.len() == columns {
            return self.widths.clone();
        }
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let measured: Vec<(f64, f64)> = (0..columns)
            .map(|n| {
                let texts: Vec<String> = rows()
                    .filter_map(|row| row.get(n))
                    .map(|c| plain(c))
                    .collect();
                let words = texts.iter().flat_map(|t| t.split_whitespace());
                let longest = words.map(|w| w.chars().count()).max().unwrap_or(0);
                // Bold heads are wider, and each cell has space at its sides.
                let least = longest.clamp(3, LONGEST) as f64 * 1.15 + 2.0;
                let lengths = texts.iter().map(|t| t.chars().count());
                let most = lengths.clone().max().unwrap_or(0) as f64 + 2.0;
                let all: usize = lengths.sum();
                // A cell of one line needs no more than that; of longer ones the average counts.
                let needs = most.min(24.0).max(all as f64 / texts.len().max(1) as f64);
                (least, needs.max(least))
            })
            .collect();
        let least: f64 = measured.iter().map(|(least, _)| least).sum();
        let beyond: f64 = measured.iter().map(|(least, needs)| needs - least).sum();
        let room = (LINE - least).max(0.0);
        let share = |(least, needs): &(f64, f64)| {
            let more = if beyond > 0.0 {
                (needs - least) / beyond
            } else {
                0.0
            };
            least + room * more
        };
        let widths: Vec<f64> = measured.iter().map(share).collect();
        let all: f64 = widths.iter().sum();
        widths.into_iter().map(|w| w / all).collect()
    }
}

/// Content of a cell.
pub type Cell = Vec<Span>;

/// A run of text.
#[derive(Debug, Clone, PartialEq)]
pub enum Span {
    Text(String),
    Strong(Vec<Span>),
    Emphasis(Vec<Span>),
    Code(String),
    /// A checked address and its text.
    Link(String, Vec<Span>),
    Break,
}

impl Span {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
    /// Strong text.
    pub fn strong(text: impl Into<String>) -> Self {
        Self::Strong(vec![Self::text(text)])
    }
    /// A link with a text.
    pub fn link(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link(to.into(), vec![Self::text(text)])
    }
}

/// Text of spans, without formatting.
#[must_use]
pub fn plain(spans: &[Span]) -> String {
    let one = |span: &Span| match span {
        Span::Text(t) | Span::Code(t) => t.clone(),
        Span::Strong(s) | Span::Emphasis(s) | Span::Link(_, s) => plain(s),
        Span::Break => " ".into(),
    };
    spans.iter().map(one).collect()
}

/// Anything nested deeper is kept at this depth, so that no text can overflow the stack.
const DEEPEST: usize = 12;

/// A wider table is written as lines of text.
const WIDEST: usize = 20;

/// Whether the author may link to the address.
#[must_use]
pub fn may_link(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    let scheme = ["https://", "http://", "mailto:"]
        .iter()
        .any(|s| lower.starts_with(s));
    scheme
        && address.len() <= 2_000
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Reads Markdown. Calls `refused` for every link to an address that is not allowed.
pub fn read(text: &str, refused: &mut dyn FnMut(&str)) -> Vec<Node> {
    let mut builder = Builder {
        stack: vec![Frame::blocks(Kind::Root)],
        refused,
    };
    for event in TextMergeStream::new(Parser::new_ext(text, Options::ENABLE_TABLES)) {
        builder.take(event);
    }
    while builder.stack.len() > 1 {
        builder.close();
    }
    builder.stack.pop().map_or_else(Vec::new, |mut root| {
        root.flush();
        root.nodes
    })
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Root,
    /// Its content goes to its parent.
    Nothing,
    Quote,
    List(Mark),
    Item,
    Para,
    Heading,
    Strong,
    Emphasis,
    Link(String),
    Code,
    Table,
    Row,
    Cell,
}

/// An element that is still open.
struct Frame {
    kind: Kind,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    items: Vec<Vec<Node>>,
    rows: Vec<Vec<Cell>>,
    cells: Vec<Cell>,
}

impl Frame {
    fn blocks(kind: Kind) -> Self {
        Self {
            kind,
            nodes: Vec::new(),
            spans: Vec::new(),
            items: Vec::new(),
            rows: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Turns text directly inside a block into a paragraph.
    fn flush(&mut self) {
        if !self.spans.is_empty() {
            self.nodes.push(Node::Para(std::mem::take(&mut self.spans)));
        }
    }

    fn node(&mut self, node: Node) {
        self.flush();
        self.nodes.push(node);
    }
}

struct Builder<'a> {
    stack: Vec<Frame>,
    refused: &'a mut dyn FnMut(&str),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(tag),
            Event::End(end) => self.end(end),
            Event::Text(t)
            | Event::Html(t)
            | Event::InlineHtml(t)
            | Event::InlineMath(t)
            | Event::DisplayMath(t) => {
                self.span(Span::text(t.into_string()));
            }
            Event::Code(t) => self.span(Span::Code(t.into_string())),
            Event::SoftBreak => self.span(Span::text(" ")),
            Event::HardBreak => self.span(Span::Break),
            Event::FootnoteReference(t) => self.span(Span::text(format!("[{t}]"))),
            Event::TaskListMarker(_) | Event::Rule => {}
        }
    }

    fn open(&mut self, tag: Tag<'_>) {
        let kind = match tag {
            Tag::BlockQuote(_) => Kind::Quote,
            Tag::List(start) => Kind::List(start.map_or(Mark::Bullet, Mark::Number)),
            Tag::Item => Kind::Item,
            Tag::Paragraph | Tag::HtmlBlock => Kind::Para,
            Tag::Heading { .. } => Kind::Heading,
            Tag::Strong => Kind::Strong,
            Tag::Emphasis => Kind::Emphasis,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                Kind::Link(dest_url.into_string())
            }
            Tag::CodeBlock(_) => Kind::Code,
            Tag::Table(_) => Kind::Table,
            Tag::TableHead | Tag::TableRow => Kind::Row,
            Tag::TableCell => Kind::Cell,
            _ => Kind::Nothing,
        };
        // A list is flattened together with its items, and a table together with its rows and
        // cells.
        let is_part = matches!(kind, Kind::Item | Kind::Row | Kind::Cell);
        let flat = self.stack.len() >= DEEPEST && !is_part;
        let parent_is_flat = is_part && self.stack.last().is_some_and(|f| f.kind == Kind::Nothing);
        self.stack.push(Frame::blocks(if flat || parent_is_flat {
            Kind::Nothing
        } else {
            kind
        }));
    }

    fn end(&mut self, _: TagEnd) {
        if self.stack.len() > 1 {
            self.close();
        }
    }

    /// Adds a complete element to its parent.
    fn close(&mut self) {
        let Some(mut frame) = self.stack.pop() else {
            return;
        };
        let is_inline = matches!(
            frame.kind,
            Kind::Strong
                | Kind::Emphasis
                | Kind::Link(_)
                | Kind::Para
                | Kind::Heading
                | Kind::Cell
                | Kind::Code
                | Kind::Nothing
        );
        if !is_inline {
            frame.flush();
        }
        match frame.kind {
            Kind::Root => {}
            Kind::Nothing => {
                let Some(parent) = self.stack.last_mut() else {
                    return;
                };
                for node in frame.nodes {
                    parent.node(node);
                }
                parent.spans.extend(frame.spans);
            }
            Kind::Quote => self.node(Node::Quote(frame.nodes)),
            Kind::List(start) => self.node(Node::List(start, frame.items)),
            Kind::Item => self.parent(|p| p.items.push(frame.nodes)),
            Kind::Para => self.node(Node::Para(frame.spans)),
            // Headings come from the template, so an author's heading becomes strong text.
            Kind::Heading => self.node(Node::Para(vec![Span::Strong(frame.spans)])),
            Kind::Strong => self.span(Span::Strong(frame.spans)),
            Kind::Emphasis => self.span(Span::Emphasis(frame.spans)),
            Kind::Link(to) => self.link(&to, frame.spans),
            Kind::Code => self.node(Node::Code(plain(&frame.spans))),
            Kind::Cell => self.parent(|p| p.cells.push(frame.spans)),
            Kind::Row => self.parent(|p| p.rows.push(frame.cells)),
            Kind::Table => self.table(frame.rows),
        }
    }

    fn parent(&mut self, put: impl FnOnce(&mut Frame)) {
        if let Some(parent) = self.stack.last_mut() {
            put(parent);
        }
    }

    fn node(&mut self, node: Node) {
        self.parent(|p| p.node(node));
    }

    fn span(&mut self, span: Span) {
        self.parent(|p| match (p.spans.last_mut(), &span) {
            (Some(Span::Text(before)), Span::Text(more)) => before.push_str(more),
            _ => p.spans.push(span),
        });
    }

    fn link(&mut self, to: &str, spans: Vec<Span>) {
        if may_link(to) {
            return self.span(Span::Link(to.to_owned(), spans));
        }
        (self.refused)(to);
        for span in spans {
            self.span(span);
        }
        self.span(Span::text(format!(" ({to})")));
    }

    fn table(&mut self, mut rows: Vec<Vec<Cell>>) {
        for row in &mut rows {
            while row.last().is_some_and(Vec::is_empty) {
                row.pop();
            }
        }
        rows.retain(|r| !r.is_empty());
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        if width > WIDEST {
            for row in rows {
                let texts: Vec<String> = row.iter().map(|c| plain(c)).collect();
                self.node(Node::Para(vec![Span::text(texts.join(" | "))]));
            }
            return;
        }
        for row in &mut rows {
            row.resize(width, Vec::new());
        }
        if !rows.is_empty() {
            let head = rows.remove(0);
            self.node(Node::Table(Table {
                caption: String::new(),
                head,
                rows,
                widths: Vec::new(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> (Vec<Node>, Vec<String>) {
        let mut refused = Vec::new();
        let nodes = read(text, &mut |to| refused.push(to.to_owned()));
        (nodes, refused)
    }

    #[test]
    fn html_is_text_and_links_lead_where_links_may() {
        let (nodes, refused) =
            read_all("A <b>bold</b> [click](javascript:alert(1)) and [go](https://example.org).");
        let Some(Node::Para(spans)) = nodes.first() else {
            panic!("{nodes:?}")
        };
        assert!(
            plain(spans).contains("<b>bold</b> click (javascript:alert(1))"),
            "{spans:?}"
        );
        assert!(
            spans.contains(&Span::link("https://example.org", "go")),
            "{spans:?}"
        );
        assert_eq!(refused, ["javascript:alert(1)"]);
        let (nodes, _) = read_all("<script>\nalert(1)\n</script>");
        assert!(matches!(nodes.as_slice(), [Node::Para(_)]), "{nodes:?}");
        for bad in [
            "JaVaScRiPt:1",
            "data:text/html,x",
            "//evil.example",
            "/relative",
            "https://x y",
            "vbscript:x",
            "",
        ] {
            assert!(!may_link(bad), "{bad}");
        }
    }

    #[test]
    fn blocks_are_kept() {
        let (nodes, _) = read_all(
            "# Head\n\n- one\n- two\n  1. deep\n\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 \
                |\n\n```\ncode\n```\n",
        );
        let kinds: Vec<&str> = nodes
            .iter()
            .map(|n| match n {
                Node::Heading(..) => "heading",
                Node::Para(_) => "para",
                Node::List(..) => "list",
                Node::Table(_) => "table",
                Node::Quote(_) => "quote",
                Node::Code(_) => "code",
                Node::Front(_) | Node::NewPage => "other",
            })
            .collect();
        assert_eq!(kinds, ["para", "list", "quote", "table", "code"]);
    }

    #[test]
    fn hostile_depth_and_width_do_no_harm() {
        for text in [
            ">".repeat(20_000),
            "- ".repeat(10_000),
            "*_".repeat(10_000),
            "[".repeat(20_000),
            format!("{}\n{}\n", "|a".repeat(3_000), "|-".repeat(3_000)),
            format!("|a|b|\n|-|-|\n{}", "|x|\n".repeat(4_000)),
        ] {
            let (nodes, _) = read_all(&text);
            assert!(deepest(&nodes) <= 2 * DEEPEST, "{}", &text[..20]);
        }
    }

    #[test]
    fn columns_are_as_wide_as_what_they_say() {
        let cell = |t: &str| vec![Span::text(t)];
        let table = Table {
            caption: String::new(),
            head: vec![cell("No."), cell("Recommendation"), cell("Deadline")],
            rows: vec![vec![
                cell("1"),
                cell("Roles and responsibilities are clear, and fit together and with the whole"),
                cell("30 November 2020"),
            ]],
            widths: Vec::new(),
        };
        let shares = table.shares();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(
            matches!(shares.as_slice(), [no, what, due] if no < due && due < what),
            "{shares:?}"
        );
        assert_eq!(Table::default().shares(), [1.0]);
    }

    #[test]
    fn letters_go_on_after_z() {
        let letters: Vec<String> = [0, 25, 26, 51, 52].map(Mark::letter).into();
        assert_eq!(letters, ["a", "z", "aa", "az", "ba"]);
    }

    fn deepest(nodes: &[Node]) -> usize {
        let one = |n: &Node| match n {
            Node::List(_, items) => 1 + items.iter().map(|i| deepest(i)).max().unwrap_or(0),
            Node::Quote(inner) => 1 + deepest(inner),
            _ => 1,
        };
        nodes.iter().map(one).max().unwrap_or(0)
    }
}
