//! The organogram as SVG. The picture is self-contained, without scripts, styles or links, so it
//! works under the service's content security policy. Kinds of lines differ in their dashes and
//! ends, not only in colour, and gaps are written out in words.

use std::collections::HashMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::layout::{BOX, Layout, Line, Net, Placed, Port, lay};
use super::model::{
    OrganogramNode, OrganogramNodeKind, OrganogramRelationship, OrganogramView, gap_words,
    is_unsettled, relationship_words,
};
use crate::registers::governance::{BoardRelationshipKind, BoardStatus};
use crate::views::diagram::{line as one_line, xml};

/// Space around the picture, inside a box and inside a badge.
const MARGIN: i32 = 24;
const PAD: i32 = 12;
const BADGE_PAD: i32 = 6;
/// Height of the part above the boxes.
const HEAD: i32 = 128;

/// Style of a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Name,
    Sort,
    Fact,
    Gap,
}

impl Style {
    const fn size(self) -> i32 {
        match self {
            Self::Name => 14,
            Self::Sort | Self::Fact | Self::Gap => 12,
        }
    }
    /// Distance from one line to the next.
    const fn leading(self) -> i32 {
        self.size() + 4
    }
}

/// A line of text in a box, placed by its left end on the baseline.
#[derive(Debug)]
struct Text {
    style: Style,
    x: i32,
    y: i32,
    words: String,
}

/// Content of a box.
#[derive(Debug, Default)]
struct Content {
    texts: Vec<Text>,
    /// Top and height of each badge.
    badges: Vec<(i32, i32)>,
    height: i32,
}

/// Approximate width of a character, in thousandths of the font size. It errs on the wide side for
/// Arial, Helvetica, Liberation Sans and DejaVu Sans.
const fn wide(c: char) -> i32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 340,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 450,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '&' | '…' => 1_010,
        'A'..='Z' => 780,
        'a'..='z' | '0'..='9' => 640,
        c if c.is_ascii() => 700,
        '\u{00C0}'..='\u{024F}' => 780,
        _ => 1_100,
    }
}

/// Approximate width of a text.
fn width(words: &str, style: Style) -> i32 {
    let bold = if style == Style::Name { 108 } else { 100 };
    words.chars().map(wide).sum::<i32>() * style.size() / 1_000 * bold / 100
}

/// Wraps words into lines no wider than `room`. A word wider than that is broken.
fn wrap(words: &str, style: Style, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut at = String::new();
    for word in one_line(words).split(' ').filter(|w| !w.is_empty()) {
        let longer = if at.is_empty() {
            word.to_owned()
        } else {
            format!("{at} {word}")
        };
        if width(&longer, style) <= room {
            at = longer;
            continue;
        }
        if !at.is_empty() {
            lines.push(std::mem::take(&mut at));
        }
        for c in word.chars() {
            at.push(c);
            if width(&at, style) > room {
                at.pop();
                lines.push(std::mem::take(&mut at));
                at.push(c);
            }
        }
    }
    if !at.is_empty() {
        lines.push(at);
    }
    lines
}

impl Content {
    fn of(node: &OrganogramNode) -> Self {
        let mut content = Self {
            height: PAD,
            ..Self::default()
        };
        content.put(&node.title, Style::Name, PAD);
        content.put(&node.sort(), Style::Sort, PAD);
        for fact in node.facts() {
            content.put(&fact, Style::Fact, PAD);
        }
        for gap in &node.gaps {
            content.height += 4;
            let top = content.height;
            content.height += 2;
            // The warning sign goes to the left of it.
            content.put(
                &format!("Gap: {}", gap_words(gap)),
                Style::Gap,
                PAD + BADGE_PAD + 14,
            );
            content.height += 4;
            content.badges.push((top, content.height - top));
        }
        content.height += PAD;
        content
    }

    fn put(&mut self, words: &str, style: Style, left: i32) {
        let right = if style == Style::Gap {
            PAD + BADGE_PAD
        } else {
            PAD
        };
        for words in wrap(words, style, BOX - left - right) {
            self.height += style.leading();
            self.texts.push(Text {
                style,
                x: left,
                y: self.height - 4,
                words,
            });
        }
    }
}

/// How a kind of line is drawn.
struct Stroke {
    colour: &'static str,
    dashes: &'static str,
    width: &'static str,
}

const KINDS: [BoardRelationshipKind; 4] = [
    BoardRelationshipKind::ReportsTo,
    BoardRelationshipKind::EscalatesTo,
    BoardRelationshipKind::Assures,
    BoardRelationshipKind::AllocatesTo,
];

fn stroke(kind: usize) -> Stroke {
    let (colour, dashes, width) = match KINDS.get(kind) {
        Some(BoardRelationshipKind::EscalatesTo) => ("#a34700", "14 4 3 4", "2.5"),
        Some(BoardRelationshipKind::Assures) => ("#16704f", "8 5", "2"),
        Some(BoardRelationshipKind::AllocatesTo) => ("#6a3d9a", "2 4", "2.5"),
        Some(BoardRelationshipKind::ReportsTo) | None => ("#1d3557", "none", "2"),
    };
    Stroke {
        colour,
        dashes,
        width,
    }
}

/// Computes the layout of a view.
fn place(view: &OrganogramView, contents: &[Content]) -> Layout {
    let numbers: HashMap<Uuid, usize> = view
        .nodes
        .iter()
        .enumerate()
        .map(|(n, node)| (node.id, n))
        .collect();
    let line = |relationship: &OrganogramRelationship| {
        Some(Line {
            from: *numbers.get(&relationship.from_id)?,
            to: *numbers.get(&relationship.to_id)?,
            kind: KINDS
                .iter()
                .position(|k| *k == relationship.relationship_kind)?,
            upwards: matches!(
                relationship.relationship_kind,
                BoardRelationshipKind::ReportsTo | BoardRelationshipKind::EscalatesTo
            ),
            is_marked: is_unsettled(relationship),
        })
    };
    let lines: Vec<Line> = view.relationships.iter().filter_map(line).collect();
    let heights: Vec<i32> = contents.iter().map(|c| c.height).collect();
    lay(&heights, &lines)
}

/// Draws the organogram.
pub fn draw(view: &OrganogramView) -> String {
    let contents: Vec<Content> = view.nodes.iter().map(Content::of).collect();
    let layout = place(view, &contents);
    let width = (layout.width + 2 * MARGIN).max(900);
    let height = layout.height + HEAD + MARGIN;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
            width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\" \
            font-family=\"Arial, Helvetica, 'Liberation Sans', sans-serif\" fill=\"#1b1f24\">"
    );
    let counts = &view.counts;
    let title = format!("Organogram on {}", view.on);
    let about = format!(
        "Boards: {}. Other bodies: {}. Relationships: {}. Boards with gaps: {}. Boards without \
            relationships: {}.",
        counts.boards,
        counts.bodies,
        counts.relationships,
        counts.boards_with_gaps,
        counts.boards_without_relationships
    );
    let _ = writeln!(
        out,
        "<title id=\"title\">{title}</title>\n<desc id=\"desc\">{}</desc>",
        xml(&about)
    );
    let _ = writeln!(
        out,
        "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
    );
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"40\" font-size=\"22\" font-weight=\"bold\">{title}</text>"
    );
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"62\" font-size=\"13\" fill=\"#40464e\">{}</text>",
        xml(&about)
    );
    legend(&mut out);
    let left = (width - layout.width) / 2;
    let _ = writeln!(out, "<g transform=\"translate({left} {HEAD})\">");
    for (n, net) in layout.nets.iter().enumerate() {
        trunk(&mut out, view, net, n);
    }
    if let Some(y) = layout.heading {
        let right = layout.width;
        let _ = writeln!(
            out,
            "<path d=\"M0 {} H{right}\" stroke=\"#c3c9d0\" fill=\"none\"/><text x=\"0\" y=\"{}\" \
                font-size=\"14\" font-weight=\"bold\">Boards and bodies without \
                relationships</text>",
            y - 20,
            y - 2,
        );
    }
    for ((node, content), placed) in view.nodes.iter().zip(&contents).zip(&layout.boxes) {
        frame(&mut out, node, content, *placed);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn legend(out: &mut String) {
    let mut x = MARGIN;
    let y = 92;
    for (kind, relationship) in KINDS.iter().enumerate() {
        let _ = write!(
            out,
            "<g>{}",
            path(kind, &format!("M{x} {y} H{}", x + 46), None)
        );
        let end = Port {
            x: x + 54,
            y,
            from_below: false,
            is_marked: false,
        };
        let _ = write!(
            out,
            "<g transform=\"rotate(-90 {} {y})\">{}</g>",
            end.x,
            head(kind, end)
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" font-size=\"12\">{}</text></g>",
            x + 62,
            y + 4,
            relationship_words(*relationship)
        );
        x += 150;
    }
    let _ = writeln!(
        out,
        "{}<text x=\"{}\" y=\"{}\" font-size=\"12\">relationship not agreed by both sides</text>",
        mark(x + 8, y),
        x + 22,
        y + 4
    );
    let y = 114;
    let _ = writeln!(
        out,
        "<rect x=\"{MARGIN}\" y=\"{}\" width=\"22\" height=\"14\" fill=\"#ffffff\" \
            stroke=\"#1d3557\" stroke-width=\"1.5\"/><text x=\"{}\" y=\"{y}\" \
            font-size=\"12\">board</text><rect x=\"{}\" y=\"{}\" width=\"22\" height=\"14\" \
            fill=\"#ffffff\" stroke=\"#1d3557\" stroke-width=\"1.5\" stroke-dasharray=\"5 \
            3\"/><text x=\"{}\" y=\"{y}\" font-size=\"12\">proposed or dissolved</text><rect \
            x=\"{}\" y=\"{}\" width=\"22\" height=\"14\" rx=\"7\" fill=\"#e9edf2\" \
            stroke=\"#5c6773\" stroke-width=\"1.5\"/><text x=\"{}\" y=\"{y}\" \
            font-size=\"12\">other body</text>{}<text x=\"{}\" y=\"{y}\" \
            font-size=\"12\">gap</text>",
        y - 11,
        MARGIN + 30,
        MARGIN + 90,
        y - 11,
        MARGIN + 120,
        MARGIN + 270,
        y - 11,
        MARGIN + 300,
        sign(MARGIN + 388, y - 10),
        MARGIN + 406,
    );
}

/// Draws a line in the colour of its kind, or in the shade given. It has a white outline, so that
/// where two lines cross, one passes over the other.
fn path(kind: usize, d: &str, shade: Option<&str>) -> String {
    let Stroke {
        colour,
        dashes,
        width,
    } = stroke(kind);
    let colour = shade.unwrap_or(colour);
    format!(
        "<path d=\"{d}\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"7\"/><path d=\"{d}\" \
            fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
            stroke-dasharray=\"{dashes}\"/>"
    )
}

/// Arrowhead at the target end of a line. Each kind has its own.
fn head(kind: usize, at: Port) -> String {
    let colour = stroke(kind).colour;
    let (x, y) = (at.x, at.y);
    // Direction away from the box.
    let s = if at.from_below { 1 } else { -1 };
    match KINDS.get(kind) {
        Some(BoardRelationshipKind::Assures) => {
            format!(
                "<circle cx=\"{x}\" cy=\"{}\" r=\"5\" fill=\"#ffffff\" stroke=\"{colour}\" \
                    stroke-width=\"2\"/>",
                y + 6 * s
            )
        }
        Some(BoardRelationshipKind::AllocatesTo) => {
            let d = format!("M{x} {y} l-6 {} l6 {} l6 {} z", 7 * s, 7 * s, -7 * s);
            format!("<path d=\"{d}\" fill=\"#ffffff\" stroke=\"{colour}\" stroke-width=\"2\"/>")
        }
        Some(BoardRelationshipKind::EscalatesTo) => {
            let d = format!(
                "M{x} {y} l-6 {} h12 z m0 {} l-6 {} h12 z",
                9 * s,
                8 * s,
                9 * s
            );
            format!("<path d=\"{d}\" fill=\"{colour}\"/>")
        }
        Some(BoardRelationshipKind::ReportsTo) | None => {
            format!(
                "<path d=\"M{x} {y} l-6 {} h12 z\" fill=\"{colour}\"/>",
                11 * s
            )
        }
    }
}

/// Mark on a relationship that is not agreed.
fn mark(x: i32, y: i32) -> String {
    format!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"7\" fill=\"#ffffff\" stroke=\"#b00020\" \
            stroke-width=\"1.5\"/><text x=\"{x}\" y=\"{}\" font-size=\"11\" font-weight=\"bold\" \
            text-anchor=\"middle\" fill=\"#b00020\">!</text>",
        y + 4
    )
}

/// Warning sign next to a gap.
fn sign(x: i32, y: i32) -> String {
    format!("<path d=\"M{} {y} l6 11 h-12 z\" fill=\"#b00020\"/>", x + 6)
}

/// Shades for the most common kind of line, so that neighbouring trunks can be told apart.
const SHADES: [&str; 4] = ["#1d3557", "#2a78b8", "#000000", "#5a6f96"];

fn trunk(out: &mut String, view: &OrganogramView, net: &Net, nth: usize) {
    let shade = SHADES
        .get(nth % SHADES.len())
        .copied()
        .filter(|_| net.kind == 0);
    let name = |n: usize| view.nodes.get(n).map_or("", |n| n.reference.as_str());
    let leaves: Vec<&str> = net.leaves.iter().map(|n| name(*n)).collect();
    let words = KINDS.get(net.kind).map_or("", |k| relationship_words(*k));
    let (from, to) = if net.upwards {
        (leaves.join(", "), name(net.hub).to_owned())
    } else {
        (name(net.hub).to_owned(), leaves.join(", "))
    };
    let mut d = String::new();
    for (x1, y1, x2, y2) in &net.pieces {
        let _ = write!(d, "M{x1} {y1}L{x2} {y2}");
    }
    let _ = write!(
        out,
        "<g><title>{}: {words} {}</title>{}",
        xml(&from),
        xml(&to),
        path(net.kind, &d, shade)
    );
    let ends = if net.upwards {
        &net.hub_ports
    } else {
        &net.leaf_ports
    };
    for port in ends {
        let end = head(net.kind, *port);
        out.push_str(&shade.map_or(end.clone(), |shade| {
            end.replace(stroke(net.kind).colour, shade)
        }));
    }
    for port in net.leaf_ports.iter().filter(|p| p.is_marked) {
        // Keeps clear of the end of the line.
        let away = if net.upwards { 9 } else { 15 };
        out.push_str(&mark(
            port.x,
            if port.from_below {
                port.y + away
            } else {
                port.y - away
            },
        ));
    }
    out.push_str("</g>\n");
}

fn frame(out: &mut String, node: &OrganogramNode, content: &Content, placed: Placed) {
    let Placed { x, y, height } = placed;
    let is_body = node.node_kind == OrganogramNodeKind::Unit;
    let dashes = match node.status {
        Some(BoardStatus::Proposed | BoardStatus::Dissolved) => "5 3",
        _ => "none",
    };
    let (fill, colour, radius) = if is_body {
        ("#e9edf2", "#5c6773", 14)
    } else {
        ("#ffffff", "#1d3557", 3)
    };
    let _ = write!(
        out,
        "<g transform=\"translate({x} {y})\"><title>{}, {}</title><rect width=\"{BOX}\" \
            height=\"{height}\" rx=\"{radius}\" fill=\"{fill}\" stroke=\"{colour}\" \
            stroke-width=\"1.5\" stroke-dasharray=\"{dashes}\"/>",
        xml(&node.reference),
        xml(&node.title),
    );
    for (top, height) in &content.badges {
        let _ = write!(
            out,
            "<rect x=\"{PAD}\" y=\"{top}\" width=\"{}\" height=\"{height}\" rx=\"3\" \
                fill=\"#fff1f0\" stroke=\"#b00020\"/>{}",
            BOX - 2 * PAD,
            sign(PAD + BADGE_PAD - 1, top + 6),
        );
    }
    for text in &content.texts {
        let style = match text.style {
            Style::Name => " font-weight=\"bold\"",
            Style::Sort => " font-style=\"italic\" fill=\"#40464e\"",
            Style::Fact => "",
            Style::Gap => " fill=\"#8a0019\"",
        };
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{style}>{}</text>",
            text.x,
            text.y,
            text.style.size(),
            xml(&text.words),
        );
    }
    out.push_str("</g>\n");
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::registers::governance::{BoardKind, RelationshipAgreement};
    use crate::views::organogram::{OrganogramCounts, OrganogramMembers, OrganogramRelationship};

    pub fn board(n: u128, name: &str, gaps: &[&str]) -> OrganogramNode {
        OrganogramNode {
            id: Uuid::from_u128(n),
            node_kind: OrganogramNodeKind::Board,
            reference: format!("BRD-{n}"),
            title: name.to_owned(),
            tied_only: false,
            board_kind: Some(BoardKind::BusinessGroupBoard),
            unit_kind: None,
            status: Some(if n.is_multiple_of(7) {
                BoardStatus::Proposed
            } else {
                BoardStatus::Active
            }),
            owner: None,
            chairs: Vec::new(),
            terms: None,
            members: Some(OrganogramMembers::default()),
            gaps: gaps.iter().map(|g| (*g).to_owned()).collect(),
        }
    }

    fn relationship(
        n: u128,
        from: u128,
        to: u128,
        relationship_kind: BoardRelationshipKind,
    ) -> OrganogramRelationship {
        OrganogramRelationship {
            id: Uuid::from_u128(1_000 + n),
            reference: format!("EDG-{n}"),
            from_id: Uuid::from_u128(from),
            to_id: Uuid::from_u128(to),
            relationship_kind,
            agreement: if n.is_multiple_of(5) {
                RelationshipAgreement::OneSided
            } else {
                RelationshipAgreement::Agreed
            },
        }
    }

    /// Thirty boards with long names, in a tree of three levels, with lines of every kind across
    /// it.
    pub fn thirty() -> OrganogramView {
        let themes = [
            "Workforce Inclusion, Retention and Progression",
            "Trust, Confidence and Community Engagement",
            "Discrimination and Misconduct",
            "Hate Crime and Victim Satisfaction",
            "Non-Discriminatory Technology Procurement",
            "Wellbeing",
        ];
        let gaps = [
            "board_without_terms",
            "board_without_chair",
            "board_without_reporting_line",
            "relationship_agreed_by_one_side",
            "membership_without_basis",
        ];
        let node = |n: u128| {
            let at = usize::try_from(n).expect("small");
            let name = format!(
                "{} Oversight and Delivery Board number {n}",
                themes[at % themes.len()]
            );
            board(n, &name, &gaps[..at % gaps.len()])
        };
        let nodes: Vec<OrganogramNode> = (0..30).map(node).collect();
        let mut relationships: Vec<OrganogramRelationship> = (1..6)
            .map(|n| relationship(n, n, 0, BoardRelationshipKind::ReportsTo))
            .collect();
        relationships.extend(
            (6..24).map(|n| relationship(n, n, 1 + n % 5, BoardRelationshipKind::ReportsTo)),
        );
        relationships.extend([(8, 0), (13, 2), (20, 0)].map(|(from, to)| {
            relationship(from + 30, from, to, BoardRelationshipKind::EscalatesTo)
        }));
        relationships.extend(
            [(0, 24), (2, 25), (3, 9)].map(|(from, to)| {
                relationship(from + 60, from, to, BoardRelationshipKind::Assures)
            }),
        );
        relationships.extend([(1, 26), (1, 11), (4, 26), (4, 22)].map(|(from, to)| {
            relationship(from + 90 + to, from, to, BoardRelationshipKind::AllocatesTo)
        }));
        OrganogramView {
            on: NaiveDate::from_ymd_opt(2020, 10, 26).expect("a day"),
            journal_seq: 1,
            counts: OrganogramCounts::default(),
            nodes,
            relationships,
            tree: Vec::new(),
        }
    }

    #[test]
    fn thirty_boards_are_legible() {
        let view = thirty();
        let contents: Vec<Content> = view.nodes.iter().map(Content::of).collect();
        let layout = place(&view, &contents);
        for (n, a) in layout.boxes.iter().enumerate() {
            for b in &layout.boxes[n + 1..] {
                let apart = a.x + BOX <= b.x
                    || b.x + BOX <= a.x
                    || a.y + a.height <= b.y
                    || b.y + b.height <= a.y;
                assert!(apart, "{a:?} and {b:?} overlap");
            }
        }
        for (content, node) in contents.iter().zip(&view.nodes) {
            let mut below = 0;
            for text in &content.texts {
                let right = text.x + width(&text.words, text.style);
                assert!(
                    text.x >= PAD && right <= BOX - PAD,
                    "{} leaves its box",
                    text.words
                );
                assert!(
                    text.y - text.style.size() >= below && text.y <= content.height - PAD + 4,
                    "{} lies on another",
                    text.words
                );
                below = text.y;
            }
            let said: Vec<&str> = content
                .texts
                .iter()
                .filter(|t| t.style == Style::Name)
                .map(|t| t.words.as_str())
                .collect();
            assert_eq!(said.join(" "), node.title, "the whole name is there");
        }
        let picture = draw(&view);
        if let Ok(path) = std::env::var("STRIDE_TEST_PICTURE") {
            std::fs::write(path, &picture).expect("a file");
        }
    }

    #[test]
    fn hostile_names_stay_words() {
        let mut view = thirty();
        let hostile = [
            "</text><script>alert(1)</script>",
            "]]> <!-- \" ' & \n ; %%{init}%%",
            "\u{202E}\u{0}",
            "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
            "",
        ];
        for (node, name) in view.nodes.iter_mut().zip(hostile) {
            node.title = name.into();
            node.reference = name.into();
        }
        let picture = draw(&view);
        for bad in [
            "<script", "]]>", "<!--", "\u{202E}", "\u{0}", "onload", "href", "<style", " style=",
        ] {
            assert!(!picture.contains(bad), "{bad}");
        }
        assert_eq!(picture.matches("<svg").count(), 1);
        let graph = super::super::text::mermaid(&view);
        assert!(
            graph
                .lines()
                .all(|l| !l.contains("script>") && !l.contains("%%")),
            "{graph}"
        );
        let dot = super::super::text::dot(&view);
        assert_eq!(
            dot.lines().count(),
            30 + view.relationships.len() + 4,
            "{dot}"
        );
    }
}
