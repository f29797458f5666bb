//! What was missing on the days of the two papers: every gap, and the papers' own complaints among
//! them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::{TestApp, some};

/// Every gap of a day, page by page.
async fn all(app: &TestApp, day: &str, query: &str) -> Vec<Value> {
    let (mut gaps, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = asked(app, &format!("/api/v1/gaps?limit=200{query}{cursor}"), day).await;
        gaps.extend(page["items"].as_array().expect("gaps").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return gaps,
        }
    }
}

/// The complaints of the papers, one in each line: day, what is complained of, reference, and the code
/// of the rule that answers it.
const COMPLAINTS: &str = include_str!("complaints.txt");

async fn gaps_were_these(app: TestApp) {
    for day in DAYS {
        let line = |g: &Value| {
            let also = g.pointer("/also/count").and_then(Value::as_u64);
            format!(
                "{} | {} | {} | {} | {}",
                text(g, "/rule"),
                text(g, "/record/reference"),
                text(g, "/severity"),
                text(g, "/reason"),
                also.unwrap_or_default()
            )
        };
        let open = all(&app, day, "").await;
        compare("gaps", day, &open.iter().map(line).collect::<Vec<_>>());
        assert!(
            open.len() <= 60,
            "{day}: {} are too many to read",
            open.len()
        );
    }
}

/// Every complaint of the papers is found by a rule, on its own or folded under its cause.
async fn every_complaint_is_found(app: TestApp) {
    let mut missing: Vec<&str> = Vec::new();
    for day in DAYS {
        let mut found = all(&app, day, "&folded=true").await;
        let contradictions = asked(&app, "/api/v1/contradictions?limit=200", day).await;
        found.extend(contradictions["items"].as_array().cloned().expect("items"));
        let found: BTreeSet<(&str, &str)> = found
            .iter()
            .map(|f| (text(f, "/record/reference"), text(f, "/rule")))
            .collect();
        let of_day = COMPLAINTS.lines().filter(|line| line.starts_with(day));
        for line in some(of_day) {
            let parts: Vec<&str> = line.split(" | ").collect();
            let [_, _, reference, rule] = parts.as_slice() else {
                panic!("not four parts: {line}");
            };
            if !found.contains(&(*reference, *rule)) {
                missing.push(line);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "the papers complain of it and no rule finds it: {missing:#?}"
    );
}

on_papers!(gaps_were_these, every_complaint_is_found);
