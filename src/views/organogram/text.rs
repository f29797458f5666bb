//! The organogram as text for other drawing programs: Mermaid and DOT.

use std::collections::HashMap;
use std::fmt::Write as _;

use uuid::Uuid;

use super::model::{
    OrganogramNode, OrganogramNodeKind, OrganogramView, gap_words, is_unsettled, relationship_words,
};
use crate::registers::governance::BoardRelationshipKind;
use crate::views::diagram;

/// Lines of text in a box: name, kind, facts and gaps.
fn lines(node: &OrganogramNode) -> Vec<String> {
    let mut lines = vec![node.title.clone(), node.sort()];
    lines.extend(node.facts());
    lines.extend(node.gaps.iter().map(|g| format!("Gap: {}", gap_words(g))));
    lines.retain(|l| !l.trim().is_empty());
    lines
}

fn numbers(view: &OrganogramView) -> HashMap<Uuid, usize> {
    view.nodes
        .iter()
        .enumerate()
        .map(|(n, node)| (node.id, n))
        .collect()
}

/// Escaped lines, joined with the line break of the target language.
fn label(node: &OrganogramNode, escape: fn(&str) -> String, between: &str) -> String {
    let inner = |line: &String| {
        let quoted = escape(line);
        quoted
            .strip_prefix('"')
            .and_then(|l| l.strip_suffix('"'))
            .unwrap_or_default()
            .to_owned()
    };
    format!(
        "\"{}\"",
        lines(node)
            .iter()
            .map(inner)
            .collect::<Vec<_>>()
            .join(between)
    )
}

/// Mermaid source. A body that others report to is drawn above them.
pub fn mermaid(view: &OrganogramView) -> String {
    let mut out = String::from("flowchart BT\n");
    for (n, node) in view.nodes.iter().enumerate() {
        let label = label(node, diagram::mermaid, "<br/>");
        let class = match (node.node_kind, node.gaps.is_empty()) {
            (OrganogramNodeKind::Unit, _) => "body",
            (OrganogramNodeKind::Board, true) => "whole",
            (OrganogramNodeKind::Board, false) => "gaps",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  n{n}[{label}]:::{class}");
    }
    let numbers = numbers(view);
    for relationship in &view.relationships {
        let (Some(from), Some(to)) = (
            numbers.get(&relationship.from_id),
            numbers.get(&relationship.to_id),
        ) else {
            continue;
        };
        let line = match relationship.relationship_kind {
            BoardRelationshipKind::ReportsTo => "-->",
            BoardRelationshipKind::EscalatesTo => "==>",
            BoardRelationshipKind::Assures | BoardRelationshipKind::AllocatesTo => "-.->",
        };
        let missing = if is_unsettled(relationship) {
            ", not agreed by both"
        } else {
            ""
        };
        let words = diagram::mermaid(&format!(
            "{}{missing}",
            relationship_words(relationship.relationship_kind)
        ));
        let _ = writeln!(out, "  n{from} {line}|{words}| n{to}");
    }
    out.push_str(
        "  classDef whole fill:#ffffff,stroke:#1d3557\n  classDef gaps \
            fill:#fff4e5,stroke:#b00020,stroke-width:2px\n",
    );
    out.push_str("  classDef body fill:#eef1f5,stroke:#5c6773,stroke-dasharray:4 3\n");
    out
}

/// DOT source, for Graphviz.
pub fn dot(view: &OrganogramView) -> String {
    let mut out = String::from(
        "digraph organogram {\n  rankdir=BT;\n  node [shape=box, fontname=\"Helvetica\", \
            style=filled, fillcolor=white];\n",
    );
    for (n, node) in view.nodes.iter().enumerate() {
        let label = label(node, diagram::dot, "\\n");
        let style = match (node.node_kind, node.gaps.is_empty()) {
            (OrganogramNodeKind::Unit, _) => ", style=\"filled,dashed\", fillcolor=\"#eef1f5\"",
            (OrganogramNodeKind::Board, true) => "",
            (OrganogramNodeKind::Board, false) => {
                ", color=\"#b00020\", penwidth=2, fillcolor=\"#fff4e5\""
            }
        };
        let _ = writeln!(out, "  n{n} [label={label}{style}];");
    }
    let numbers = numbers(view);
    for relationship in &view.relationships {
        let (Some(from), Some(to)) = (
            numbers.get(&relationship.from_id),
            numbers.get(&relationship.to_id),
        ) else {
            continue;
        };
        let style = match relationship.relationship_kind {
            BoardRelationshipKind::ReportsTo => "solid",
            BoardRelationshipKind::EscalatesTo => "bold",
            BoardRelationshipKind::Assures => "dashed",
            BoardRelationshipKind::AllocatesTo => "dotted",
        };
        let missing = if is_unsettled(relationship) {
            ", not agreed by both"
        } else {
            ""
        };
        let words = diagram::dot(&format!(
            "{}{missing}",
            relationship_words(relationship.relationship_kind)
        ));
        // Allocations do not affect the ranking: the body that receives one is drawn below the body
        // that gives it.
        let ranked = matches!(
            relationship.relationship_kind,
            BoardRelationshipKind::ReportsTo | BoardRelationshipKind::EscalatesTo
        );
        let _ = writeln!(
            out,
            "  n{from} -> n{to} [label={words}, style={style}, constraint={ranked}];"
        );
    }
    out.push_str("}\n");
    out
}
