//! A graph as Mermaid source.

use std::fmt::Write as _;

use super::label::mermaid as label;
use super::{Border, Direction, Graph, Stroke, joined};

/// Writes the graph.
#[must_use]
pub fn write(graph: &Graph) -> String {
    let direction = match graph.direction {
        Direction::Up => "BT",
        Direction::Right => "LR",
    };
    let mut out = format!("flowchart {direction}\n");
    // Writing to a string cannot fail.
    if let Some(note) = &graph.note {
        let _ = writeln!(out, "  note[{}]", label(note));
    }
    for node in &graph.nodes {
        let words = joined(&node.lines, label, "<br/>");
        let (open, close) = if node.is_round {
            ("([", "])")
        } else {
            ("[", "]")
        };
        let _ = writeln!(out, "  {}{open}{words}{close}:::{}", node.key, node.class);
    }
    for edge in &graph.edges {
        let arrow = match edge.stroke {
            Stroke::Solid => "-->",
            Stroke::Bold => "==>",
            Stroke::Dashed | Stroke::Dotted => "-.->",
        };
        let words = label(&edge.label);
        let _ = writeln!(out, "  {} {arrow}|{words}| {}", edge.from, edge.to);
    }
    for class in graph.classes {
        let border = match class.border {
            Border::Plain => "",
            Border::Heavy => ",stroke-width:2px",
            Border::Dashed => ",stroke-dasharray:4 3",
        };
        let _ = writeln!(
            out,
            "  classDef {} fill:{},stroke:{}{border},color:#000000",
            class.name, class.fill, class.outline
        );
    }
    out
}
