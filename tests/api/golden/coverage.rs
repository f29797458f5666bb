//! What met what, and what met nothing.

use std::collections::HashMap;

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

const MATRICES: [&str; 6] = [
    "items-goals",
    "boards-goals",
    "constituencies-boards",
    "items-measures",
    "measures-characteristics",
    "groups-good-practice",
];

fn references(list: &Value) -> String {
    let all: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| text(r, "/reference"))
        .collect();
    all.join(" ")
}

/// For each matrix its size, its cells, and the gaps of either side.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for matrix in MATRICES {
        let view = asked(app, &format!("/api/v1/coverage/{matrix}"), day).await;
        lines.push(format!(
            "{matrix}: {} rows, {} columns, {} filled, {} row gaps, {} column gaps",
            view["row_count"],
            view["column_count"],
            view["filled_count"],
            view["row_gap_count"],
            view["column_gap_count"]
        ));
        let lists = ["rows", "columns", "row_gaps", "column_gaps"];
        let entries = lists
            .iter()
            .flat_map(|l| view[*l].as_array().into_iter().flatten());
        let names: HashMap<&str, &str> = entries
            .map(|e| (text(e, "/key"), text(e, "/reference")))
            .collect();
        for cell in view["cells"].as_array().into_iter().flatten() {
            let marks: Vec<&str> = cell["marks"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let turnout = match &cell["turnout"] {
                Value::Null => String::new(),
                t => format!(
                    ", there at {} of {} meetings, {} on record",
                    t["attended"], t["held"], t["recorded"]
                ),
            };
            let (row, column) = (names[text(cell, "/row")], names[text(cell, "/column")]);
            lines.push(format!("  {row} × {column}: {}{turnout}", marks.join(" ")));
        }
        for (what, list) in [
            ("row gaps", "row_gaps"),
            ("column gaps", "column_gaps"),
            ("held twice", "held_twice"),
            ("undecided", "undecided"),
        ] {
            let named = references(&view[list]);
            if !named.is_empty() {
                lines.push(format!("  {what}: {named}"));
            }
        }
    }
    lines
}

async fn coverage_was_so(app: TestApp) {
    for day in DAYS {
        compare("coverage", day, &lines(&app, day).await);
    }
}

on_papers!(coverage_was_so);
