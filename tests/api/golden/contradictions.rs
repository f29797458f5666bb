//! Where claim, verification and computation differed.

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

fn references(list: &Value) -> String {
    let mut all: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| text(r, "/reference"))
        .collect();
    all.sort_unstable();
    all.join(" ")
}

/// A line: rule, record, who claims what and when, what was verified, what is computed, what speaks
/// against it.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let view = asked(app, "/api/v1/contradictions?limit=200", day).await;
    let rows = view["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(view["total"], rows.len());
    let line = |row: &Value| {
        format!(
            "{} | {} | claimed {} by {} on {} | verified {} | computed {} | against {}",
            text(row, "/rule"),
            text(row, "/record/reference"),
            text(row, "/claimed/code"),
            text(row, "/claimed/by/reference"),
            text(row, "/claimed/on"),
            text(row, "/verified/code"),
            text(row, "/computed/code"),
            references(&row["against"]),
        )
        .trim_end()
        .to_owned()
    };
    rows.iter().map(line).collect()
}

async fn contradictions_were_these(app: TestApp) {
    for day in DAYS {
        compare("contradictions", day, &lines(&app, day).await);
    }
}

on_papers!(contradictions_were_these);
