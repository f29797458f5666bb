//! Diagrams: boxes and lines whose places a drawing program decides (Mermaid, DOT), and pictures
//! whose shapes have their places already (SVG).

pub mod dot;
pub mod label;
pub mod mermaid;
pub mod svg;

/// Boxes and the lines between them.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Its name in DOT.
    pub name: &'static str,
    pub direction: Direction,
    /// Said about the whole, such as what is left out.
    pub note: Option<String>,
    pub classes: &'static [Class],
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// Where lines lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Right,
}

/// How boxes of a class look.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    pub name: &'static str,
    /// Colours of the inside and the outline.
    pub fill: &'static str,
    pub outline: &'static str,
    pub border: Border,
}

/// Outline of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    Plain,
    Heavy,
    Dashed,
}

/// A box.
#[derive(Debug, Clone)]
pub struct Node {
    /// Letters and digits that identify it in the graph.
    pub key: String,
    /// Lines of text in it.
    pub lines: Vec<String>,
    /// Name of its class.
    pub class: &'static str,
    pub is_round: bool,
}

/// A line from one box to another.
#[derive(Debug, Clone)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub label: String,
    pub stroke: Stroke,
    /// Whether the box that it leads to is placed further on because of it.
    pub ranks: bool,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Bold,
    Dashed,
    Dotted,
}

/// Lines of a label as one, each escaped and without its quotes.
fn joined(lines: &[String], escape: fn(&str) -> String, between: &str) -> String {
    let inner = |line: &String| {
        let quoted = escape(line);
        let inner = quoted.strip_prefix('"').and_then(|l| l.strip_suffix('"'));
        inner.unwrap_or_default().to_owned()
    };
    let lines: Vec<String> = lines.iter().map(inner).collect();
    format!("\"{}\"", lines.join(between))
}
