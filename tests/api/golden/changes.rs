//! What changed between the two papers.

use serde_json::Value;

use super::{asked, compare, text};
use crate::support::TestApp;

const DAY: &str = "2020-10-26";

/// A line for each kind and what happened, with the references.
async fn lines(app: &crate::support::TestApp) -> Vec<String> {
    let path = "/api/v1/changes?since=2017-07-01&limit=200";
    let mut items: Vec<Value> = Vec::new();
    let mut next = String::new();
    loop {
        let page = asked(app, &format!("{path}{next}"), DAY).await;
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let mut lines: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for item in &items {
        let head = format!(
            "{} | {} | {}",
            text(item, "/register"),
            text(item, "/record/kind"),
            text(item, "/change_kind")
        );
        let fields: Vec<&str> = item["changes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|c| text(c, "/pointer"))
            .collect();
        let which = text(item, "/record/reference").to_owned();
        let which = if item["change_kind"] == "changed" {
            format!("{which} ({})", fields.join(" "))
        } else {
            which
        };
        lines.entry(head).or_default().push(which);
    }
    let line = |(head, mut which): (String, Vec<String>)| {
        which.sort();
        format!("{head} | {}: {}", which.len(), which.join(", "))
    };
    lines.into_iter().map(line).collect()
}

async fn this_changed_between_the_papers(app: TestApp) {
    compare("changes", DAY, &lines(&app).await);
}

on_papers!(this_changed_between_the_papers);
