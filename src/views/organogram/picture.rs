//! The organogram as a picture. Kinds of lines differ in their dashes and ends, not only in colour,
//! and gaps are written out in words.

use std::collections::HashMap;

use uuid::Uuid;

use super::layout::{BOX, Layout, Line, Net, Placed, Port, lay};
use super::model::{
    OrganogramNode, OrganogramNodeKind, OrganogramRelationship, OrganogramView, gap_words,
    is_unsettled, relationship_words,
};
use crate::registers::governance::{BoardRelationshipKind, BoardStatus};
use crate::render::diagram::label::line as one_line;
use crate::render::diagram::svg::{self, Group, Paint, Picture, Place, Shape};

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
    dashes: Option<&'static str>,
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
        Some(BoardRelationshipKind::EscalatesTo) => ("#a34700", Some("14 4 3 4"), "2.5"),
        Some(BoardRelationshipKind::Assures) => ("#16704f", Some("8 5"), "2"),
        Some(BoardRelationshipKind::AllocatesTo) => ("#6a3d9a", Some("2 4"), "2.5"),
        Some(BoardRelationshipKind::ReportsTo) | None => ("#1d3557", None, "2"),
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
pub fn picture(view: &OrganogramView) -> Picture {
    let contents: Vec<Content> = view.nodes.iter().map(Content::of).collect();
    let layout = place(view, &contents);
    let width = (layout.width + 2 * MARGIN).max(900);
    let height = layout.height + HEAD + MARGIN;
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
    let mut shapes = vec![
        rect((0, 0), (width, height), 0, Paint::filled("#ffffff")),
        Shape::Text(svg::Text {
            is_bold: true,
            ..words(MARGIN, 40, 22, &title)
        }),
        Shape::Text(svg::Text {
            fill: Some("#40464e"),
            ..words(MARGIN, 62, 13, &about)
        }),
    ];
    shapes.extend(legend());
    let mut drawn: Vec<Shape> = layout
        .nets
        .iter()
        .enumerate()
        .map(|(n, net)| trunk(view, net, n))
        .collect();
    drawn.extend(
        layout
            .heading
            .into_iter()
            .flat_map(|y| loose(y, layout.width)),
    );
    let boxes = view.nodes.iter().zip(&contents).zip(&layout.boxes);
    drawn.extend(boxes.map(|((node, content), placed)| frame(node, content, *placed)));
    shapes.push(Shape::Group(Group {
        place: Place::Moved((width - layout.width) / 2, HEAD),
        title: None,
        shapes: drawn,
    }));
    Picture {
        width,
        height,
        title,
        about,
        shapes,
    }
}

fn rect((x, y): (i32, i32), (width, height): (i32, i32), radius: i32, paint: Paint) -> Shape {
    Shape::Rect {
        x,
        y,
        width,
        height,
        radius,
        paint,
    }
}

fn words(x: i32, y: i32, size: i32, words: &str) -> svg::Text {
    svg::Text {
        x,
        y,
        size,
        words: words.to_owned(),
        ..svg::Text::default()
    }
}

fn text(x: i32, y: i32, said: &str) -> Shape {
    Shape::Text(words(x, y, 12, said))
}

/// The heading above what has no relationships.
fn loose(y: i32, right: i32) -> [Shape; 2] {
    let line = Shape::Path {
        d: format!("M0 {} H{right}", y - 20),
        paint: Paint::outlined("none", "#c3c9d0", "1"),
    };
    let heading = svg::Text {
        is_bold: true,
        ..words(0, y - 2, 14, "Boards and bodies without relationships")
    };
    [line, Shape::Text(heading)]
}

fn legend() -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut x = MARGIN;
    let y = 92;
    for (kind, edge) in KINDS.iter().enumerate() {
        let end = Port {
            x: x + 54,
            y,
            from_below: false,
            is_marked: false,
        };
        let mut own = path(kind, &format!("M{x} {y} H{}", x + 46), None);
        own.push(Shape::Group(Group {
            place: Place::Turned(end.x, y),
            title: None,
            shapes: vec![head(kind, end, None)],
        }));
        own.push(text(x + 62, y + 4, relationship_words(*edge)));
        shapes.push(Shape::Group(Group {
            shapes: own,
            ..Group::default()
        }));
        x += 150;
    }
    shapes.extend(mark(x + 8, y));
    shapes.push(text(x + 22, y + 4, "relationship not agreed by both sides"));
    shapes.extend(legend_of_boxes(114));
    shapes
}

fn legend_of_boxes(y: i32) -> Vec<Shape> {
    let sample = |x: i32, radius: i32, paint: Paint| rect((x, y - 11), (22, 14), radius, paint);
    let board = Paint::outlined("#ffffff", "#1d3557", "1.5");
    let other = Paint::outlined("#e9edf2", "#5c6773", "1.5");
    vec![
        sample(MARGIN, 0, board),
        text(MARGIN + 30, y, "board"),
        sample(MARGIN + 90, 0, dashed(board, "5 3")),
        text(MARGIN + 120, y, "proposed or dissolved"),
        sample(MARGIN + 270, 7, other),
        text(MARGIN + 300, y, "other body"),
        sign(MARGIN + 388, y - 10),
        text(MARGIN + 406, y, "gap"),
    ]
}

fn dashed(paint: Paint, dashes: &'static str) -> Paint {
    Paint {
        line: paint.line.map(|line| svg::Line {
            dashes: Some(dashes),
            ..line
        }),
        ..paint
    }
}

/// Draws a line in the colour of its kind, or in the shade given. It has a white outline, so that
/// where two lines cross, one passes over the other.
fn path(kind: usize, d: &str, shade: Option<&'static str>) -> Vec<Shape> {
    let Stroke {
        colour,
        dashes,
        width,
    } = stroke(kind);
    let line = svg::Line {
        colour: shade.unwrap_or(colour),
        width,
        dashes,
    };
    let paints = [
        Paint::outlined("none", "#ffffff", "7"),
        Paint {
            fill: "none",
            line: Some(line),
        },
    ];
    let drawn = paints.map(|paint| Shape::Path {
        d: d.to_owned(),
        paint,
    });
    drawn.into()
}

/// Arrowhead at the target end of a line. Each kind has its own.
fn head(kind: usize, at: Port, shade: Option<&'static str>) -> Shape {
    let colour = shade.unwrap_or(stroke(kind).colour);
    let (x, y) = (at.x, at.y);
    // Direction away from the box.
    let s = if at.from_below { 1 } else { -1 };
    let (d, paint) = match KINDS.get(kind) {
        Some(BoardRelationshipKind::Assures) => {
            return Shape::Circle {
                x,
                y: y + 6 * s,
                radius: 5,
                paint: Paint::outlined("#ffffff", colour, "2"),
            };
        }
        Some(BoardRelationshipKind::AllocatesTo) => (
            format!("M{x} {y} l-6 {} l6 {} l6 {} z", 7 * s, 7 * s, -7 * s),
            Paint::outlined("#ffffff", colour, "2"),
        ),
        Some(BoardRelationshipKind::EscalatesTo) => (
            format!(
                "M{x} {y} l-6 {} h12 z m0 {} l-6 {} h12 z",
                9 * s,
                8 * s,
                9 * s
            ),
            Paint::filled(colour),
        ),
        Some(BoardRelationshipKind::ReportsTo) | None => (
            format!("M{x} {y} l-6 {} h12 z", 11 * s),
            Paint::filled(colour),
        ),
    };
    Shape::Path { d, paint }
}

/// Mark on a relationship that is not agreed.
fn mark(x: i32, y: i32) -> [Shape; 2] {
    let circle = Shape::Circle {
        x,
        y,
        radius: 7,
        paint: Paint::outlined("#ffffff", "#b00020", "1.5"),
    };
    let sign = svg::Text {
        fill: Some("#b00020"),
        is_bold: true,
        is_centred: true,
        ..words(x, y + 4, 11, "!")
    };
    [circle, Shape::Text(sign)]
}

/// Warning sign next to a gap.
fn sign(x: i32, y: i32) -> Shape {
    Shape::Path {
        d: format!("M{} {y} l6 11 h-12 z", x + 6),
        paint: Paint::filled("#b00020"),
    }
}

/// Shades for the most common kind of line, so that neighbouring trunks can be told apart.
const SHADES: [&str; 4] = ["#1d3557", "#2a78b8", "#000000", "#5a6f96"];

fn trunk(view: &OrganogramView, net: &Net, nth: usize) -> Shape {
    let shade = SHADES
        .get(nth % SHADES.len())
        .copied()
        .filter(|_| net.kind == 0);
    let name = |n: usize| view.nodes.get(n).map_or("", |n| n.reference.as_str());
    let leaves: Vec<&str> = net.leaves.iter().map(|n| name(*n)).collect();
    let relation = KINDS.get(net.kind).map_or("", |k| relationship_words(*k));
    let (from, to) = if net.upwards {
        (leaves.join(", "), name(net.hub).to_owned())
    } else {
        (name(net.hub).to_owned(), leaves.join(", "))
    };
    let pieces = net.pieces.iter();
    let d: String = pieces
        .map(|(x1, y1, x2, y2)| format!("M{x1} {y1}L{x2} {y2}"))
        .collect();
    let mut shapes = path(net.kind, &d, shade);
    let ends = if net.upwards {
        &net.hub_ports
    } else {
        &net.leaf_ports
    };
    shapes.extend(ends.iter().map(|port| head(net.kind, *port, shade)));
    // Keeps clear of the end of the line.
    let away = if net.upwards { 9 } else { 15 };
    for port in net.leaf_ports.iter().filter(|p| p.is_marked) {
        let away = if port.from_below { away } else { -away };
        shapes.extend(mark(port.x, port.y + away));
    }
    Shape::Group(Group {
        place: Place::Here,
        title: Some(format!("{}: {relation} {}", one_line(&from), one_line(&to))),
        shapes,
    })
}

fn frame(node: &OrganogramNode, content: &Content, placed: Placed) -> Shape {
    let Placed { x, y, height } = placed;
    let is_body = node.node_kind == OrganogramNodeKind::Unit;
    let (paint, radius) = if is_body {
        (Paint::outlined("#e9edf2", "#5c6773", "1.5"), 14)
    } else {
        (Paint::outlined("#ffffff", "#1d3557", "1.5"), 3)
    };
    let paint = match node.status {
        Some(BoardStatus::Proposed | BoardStatus::Dissolved) => dashed(paint, "5 3"),
        _ => paint,
    };
    let mut shapes = vec![rect((0, 0), (BOX, height), radius, paint)];
    for (top, height) in &content.badges {
        let badge = Paint::outlined("#fff1f0", "#b00020", "1");
        shapes.push(rect((PAD, *top), (BOX - 2 * PAD, *height), 3, badge));
        shapes.push(sign(PAD + BADGE_PAD - 1, top + 6));
    }
    shapes.extend(content.texts.iter().map(|text| {
        Shape::Text(svg::Text {
            fill: match text.style {
                Style::Name | Style::Fact => None,
                Style::Sort => Some("#40464e"),
                Style::Gap => Some("#8a0019"),
            },
            is_bold: text.style == Style::Name,
            is_italic: text.style == Style::Sort,
            ..words(text.x, text.y, text.style.size(), &text.words)
        })
    }));
    Shape::Group(Group {
        place: Place::Moved(x, y),
        title: Some(format!(
            "{}, {}",
            one_line(&node.reference),
            one_line(&node.title)
        )),
        shapes,
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::lists::some;
    use crate::registers::governance::{BoardKind, RelationshipAgreement};
    use crate::render::diagram::{dot, mermaid};
    use crate::views::organogram::graph::graph;
    use crate::views::organogram::{OrganogramCounts, OrganogramMembers, OrganogramRelationship};
    use crate::world::Text;

    pub fn board(n: u128, name: &str, gaps: &[&str]) -> OrganogramNode {
        OrganogramNode {
            id: Uuid::from_u128(n),
            node_kind: OrganogramNodeKind::Board,
            reference: Text::cut(format!("BRD-{n}")),
            title: Text::cut(name),
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
            gaps: gaps.iter().map(|g| Text::cut(*g)).collect(),
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
            reference: Text::cut(format!("EDG-{n}")),
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
        for (n, a) in some(layout.boxes.iter().enumerate()) {
            for b in &layout.boxes[n + 1..] {
                let apart = a.x + BOX <= b.x
                    || b.x + BOX <= a.x
                    || a.y + a.height <= b.y
                    || b.y + b.height <= a.y;
                assert!(apart, "{a:?} and {b:?} overlap");
            }
        }
        for (content, node) in some(contents.iter().zip(&view.nodes)) {
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
        let picture = svg::write(&picture(&view));
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
            node.title = Text::cut(name);
            node.reference = Text::cut(name);
        }
        let picture = svg::write(&picture(&view));
        for bad in [
            "<script", "]]>", "<!--", "\u{202E}", "\u{0}", "onload", "href", "<style", " style=",
        ] {
            assert!(!picture.contains(bad), "{bad}");
        }
        assert_eq!(picture.matches("<svg").count(), 1);
        let flow = mermaid::write(&graph(&view));
        assert!(
            some(flow.lines()).all(|l| !l.contains("script>") && !l.contains("%%")),
            "{flow}"
        );
        let dot = dot::write(&graph(&view));
        assert_eq!(
            dot.lines().count(),
            30 + view.relationships.len() + 4,
            "{dot}"
        );
    }
}
