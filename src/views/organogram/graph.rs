//! The organogram as boxes and lines for other drawing programs.

use std::collections::HashMap;

use uuid::Uuid;

use super::model::{
    OrganogramNode, OrganogramNodeKind, OrganogramRelationship, OrganogramView, gap_words,
    is_unsettled, relationship_words,
};
use crate::registers::governance::BoardRelationshipKind;
use crate::render::diagram::{Border, Class, Direction, Edge, Graph, Node, Stroke};

const CLASSES: &[Class] = &[
    Class {
        name: "whole",
        fill: "#ffffff",
        outline: "#1d3557",
        border: Border::Plain,
    },
    Class {
        name: "gaps",
        fill: "#fff4e5",
        outline: "#b00020",
        border: Border::Heavy,
    },
    Class {
        name: "body",
        fill: "#eef1f5",
        outline: "#5c6773",
        border: Border::Dashed,
    },
];

/// Lines of text in a box: name, kind, facts and gaps.
fn lines(node: &OrganogramNode) -> Vec<String> {
    let mut lines = vec![node.title.to_string(), node.sort()];
    lines.extend(node.facts());
    lines.extend(node.gaps.iter().map(|g| format!("Gap: {}", gap_words(g))));
    lines.retain(|l| !l.trim().is_empty());
    lines
}

/// The boards and bodies, each below the one that it reports to.
pub fn graph(view: &OrganogramView) -> Graph {
    let node = |(n, node): (usize, &OrganogramNode)| Node {
        key: format!("n{n}"),
        lines: lines(node),
        class: match (node.node_kind, node.gaps.is_empty()) {
            (OrganogramNodeKind::Unit, _) => "body",
            (OrganogramNodeKind::Board, true) => "whole",
            (OrganogramNodeKind::Board, false) => "gaps",
        },
        is_round: false,
    };
    let keys: HashMap<Uuid, String> = view
        .nodes
        .iter()
        .enumerate()
        .map(|(n, node)| (node.id, format!("n{n}")))
        .collect();
    let edge = |edge: &OrganogramRelationship| {
        let missing = if is_unsettled(edge) {
            ", not agreed by both"
        } else {
            ""
        };
        let kind = edge.relationship_kind;
        Some(Edge {
            from: keys.get(&edge.from_id)?.clone(),
            to: keys.get(&edge.to_id)?.clone(),
            label: format!("{}{missing}", relationship_words(kind)),
            stroke: match kind {
                BoardRelationshipKind::ReportsTo => Stroke::Solid,
                BoardRelationshipKind::EscalatesTo => Stroke::Bold,
                BoardRelationshipKind::Assures => Stroke::Dashed,
                BoardRelationshipKind::AllocatesTo => Stroke::Dotted,
            },
            // Allocations do not affect the ranking: the body that receives one is drawn below the
            // body that gives it.
            ranks: matches!(
                kind,
                BoardRelationshipKind::ReportsTo | BoardRelationshipKind::EscalatesTo
            ),
        })
    };
    Graph {
        name: "organogram",
        direction: Direction::Up,
        note: None,
        classes: CLASSES,
        nodes: view.nodes.iter().enumerate().map(node).collect(),
        edges: view.relationships.iter().filter_map(edge).collect(),
    }
}
