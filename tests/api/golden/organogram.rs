//! The boards, the lines between them, and what they lacked.

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// What the papers complain of; other rules find more.
const COMPLAINTS: [&str; 6] = [
    "board_without_terms",
    "terms_not_agreed",
    "board_without_chair",
    "board_without_reporting_line",
    "board_same_remit",
    "membership_without_basis",
];

/// A line for each board and body, then one for each line between them, then the tree.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let view = asked(app, "/api/v1/organogram", day).await;
    let list = |field: &str| view[field].as_array().cloned().unwrap_or_default();
    let reference = |id: &Value| {
        let nodes = view["nodes"].as_array().into_iter().flatten();
        nodes
            .into_iter()
            .find(|n| n["id"] == *id)
            .map_or("–", |n| text(n, "/reference"))
    };
    let mut lines = Vec::new();
    for node in list("nodes") {
        let gaps: Vec<&str> = node["gaps"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let gaps: Vec<&str> = gaps
            .into_iter()
            .filter(|g| COMPLAINTS.contains(g))
            .collect();
        let kind = node["board_kind"]
            .as_str()
            .or(node["unit_kind"].as_str())
            .unwrap_or("–");
        let chairs = node["chairs"].as_array().map_or(0, Vec::len);
        let about = match node["node_kind"].as_str() {
            Some("board") => format!(
                "{}, chairs {chairs}, terms {}, seats {} | {}",
                text(&node, "/status"),
                text(&node, "/terms/status"),
                node["members"]["total"],
                gaps.join(" ")
            ),
            _ => "body".to_owned(),
        };
        lines.push(format!("{} | {kind} | {about}", text(&node, "/reference")));
    }
    for edge in list("relationships") {
        lines.push(format!(
            "{} {} {}",
            reference(&edge["from_id"]),
            text(&edge, "/relationship_kind"),
            reference(&edge["to_id"])
        ));
    }
    for place in list("tree").iter().filter(|p| p["depth"] != 0) {
        lines.push(format!(
            "tree: {} below {}",
            reference(&place["id"]),
            reference(&place["parent_id"])
        ));
    }
    lines
}

async fn boards_stood_so(app: TestApp) {
    for day in DAYS {
        compare("organogram", day, &lines(&app, day).await);
    }
}

on_papers!(boards_stood_so);
