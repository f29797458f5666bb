//! A graph as DOT source, for Graphviz.

use std::fmt::Write as _;

use super::label::dot as label;
use super::{Border, Direction, Graph, Stroke, joined};

/// Writes the graph.
#[must_use]
pub fn write(graph: &Graph) -> String {
    let direction = match graph.direction {
        Direction::Up => "BT",
        Direction::Right => "LR",
    };
    let mut out = format!(
        "digraph {} {{\n  rankdir={direction};\n  node [shape=box, fontname=\"Helvetica\", \
            style=filled, fillcolor=white];\n",
        graph.name
    );
    // Writing to a string cannot fail.
    if let Some(note) = &graph.note {
        let _ = writeln!(out, "  label={};", label(note));
    }
    for node in &graph.nodes {
        let words = joined(&node.lines, label, "\\n");
        let shape = if node.is_round { ", shape=ellipse" } else { "" };
        let class = graph.classes.iter().find(|class| class.name == node.class);
        let look = class.map_or_else(String::new, |class| {
            let border = match class.border {
                Border::Plain => "",
                Border::Heavy => ", penwidth=2",
                Border::Dashed => ", style=\"filled,dashed\"",
            };
            format!(
                ", fillcolor=\"{}\", color=\"{}\"{border}",
                class.fill, class.outline
            )
        });
        let _ = writeln!(out, "  {} [label={words}{shape}{look}];", node.key);
    }
    for edge in &graph.edges {
        let style = match edge.stroke {
            Stroke::Solid => "solid",
            Stroke::Bold => "bold",
            Stroke::Dashed => "dashed",
            Stroke::Dotted => "dotted",
        };
        let free = if edge.ranks { "" } else { ", constraint=false" };
        let words = label(&edge.label);
        let _ = writeln!(
            out,
            "  {} -> {} [label={words}, style={style}{free}];",
            edge.from, edge.to
        );
    }
    out.push_str("}\n");
    out
}
