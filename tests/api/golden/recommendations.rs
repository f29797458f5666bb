//! Where the audit recommendations stood.

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// A line: reference, deadline, timeliness, the three axes, what was said last.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let view = asked(app, "/api/v1/status/recommendations?limit=200", day).await;
    let rows = view["items"].as_array().cloned().unwrap_or_default();
    let line = |row: &serde_json::Value| {
        format!(
            "{} | due {} ({}) | {} | {} / {} / {} | last said {} ({}, {} parts)",
            text(row, "/recommendation/reference"),
            text(row, "/deadline/due_on"),
            text(row, "/deadline/source_text"),
            text(row, "/timeliness"),
            text(row, "/implementation"),
            text(row, "/verification"),
            text(row, "/closure"),
            text(row, "/latest_update/stated_on"),
            text(row, "/latest_update/update_kind"),
            row.pointer("/latest_update/parts")
                .and_then(|p| p.as_array())
                .map_or(0, Vec::len),
        )
    };
    rows.iter().map(line).collect()
}

async fn recommendations_stood_so(app: TestApp) {
    for day in DAYS {
        compare("recommendations", day, &lines(&app, day).await);
    }
}

on_papers!(recommendations_stood_so);
