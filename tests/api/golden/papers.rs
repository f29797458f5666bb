//! What the two papers would have said, computed from the registers on their days.

use std::collections::HashMap;

use serde_json::Value;
use stride::policy::Role;
use stride::registers::papers::sha256;

use super::DAYS;
use crate::support::{TestApp, golden, some};

/// The papers, by the days of [`DAYS`].
const PAPERS: [&str; 2] = ["PAPER-2017", "PAPER-2020"];

/// Every id in a value with the reference of its record.
fn references(value: &Value, known: &mut HashMap<String, String>) {
    match value {
        Value::Object(map) => {
            if let (Some(id), Some(reference)) = (
                map.get("id").and_then(Value::as_str),
                map.get("reference").and_then(Value::as_str),
            ) {
                known.insert(id.to_owned(), reference.to_owned());
            }
            map.values().for_each(|v| references(v, known));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, known)),
        _ => {}
    }
}

/// The text with references in the place of ids: those differ from load to load.
fn readable(text: &str, known: &HashMap<String, String>) -> String {
    known.iter().fold(text.to_owned(), |text, (id, reference)| {
        text.replace(id, &format!("{{{reference}}}"))
    })
}

async fn paper(app: &TestApp, reference: &str) -> Value {
    let found = app
        .role(Role::Viewer)
        .items(&format!("/api/v1/papers?reference={reference}"))
        .await;
    found
        .first()
        .cloned()
        .unwrap_or_else(|| panic!("no {reference}"))
}

/// The files were derived from the papers line by line. What was issued is what its hash says, by
/// whatever way it is read.
async fn papers_say_so(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    for (day, reference) in some(DAYS.into_iter().zip(PAPERS)) {
        let paper = paper(&app, reference).await;
        assert_eq!(paper["status"], "issued");
        let path = format!(
            "/api/v1/papers/{}/content",
            paper["id"].as_str().expect("an id")
        );
        let json = viewer.get(&path).await;
        assert_eq!(
            Value::from(sha256(&json.status(200).text())),
            paper["content_sha256"]
        );
        assert_eq!(
            viewer
                .get(&format!("{path}?as_of={day}"))
                .await
                .status(200)
                .body,
            json.body
        );
        let markdown = viewer
            .get(&format!("{path}?format=markdown"))
            .await
            .status(200)
            .text();
        let issue = viewer
            .get(&format!(
                "/api/v1/paper-issues/{}",
                paper["issue_id"].as_str().expect("an id")
            ))
            .await
            .json();
        assert_eq!(Value::from(sha256(&markdown)), issue["markdown_sha256"]);
        assert_eq!(issue["issued_on"], day);
        let mut known = HashMap::new();
        references(&json.json(), &mut known);
        for (kind, reference) in [
            ("plans", "WP-2017"),
            ("meetings", "AP-2017-03"),
            ("audit-reviews", "DARA-RAR"),
            ("audit-reviews", "DARA-2020"),
        ] {
            for record in viewer
                .items(&format!("/api/v1/{kind}?reference={reference}"))
                .await
            {
                references(&record, &mut known);
            }
        }
        golden::compare(
            &format!("tests/api/golden/{day}/paper.md"),
            &readable(&markdown, &known),
            "STRIDE_TEST_UPDATE=1 cargo test --test api golden",
        );
    }
}

/// The recommendations that were overdue in October 2020, of which that paper did not say so, have
/// their lines; so has what the panel had been promised in 2017.
async fn what_is_overdue_shows(app: TestApp) {
    let id = paper(&app, "PAPER-2020").await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let content = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/papers/{id}/content"))
        .await
        .status(200)
        .json();
    let lines: Vec<(&str, i64)> = content["overdue"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|l| {
            (
                l["record"]["reference"].as_str().expect("a reference"),
                l["days_late"].as_i64().expect("days"),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("AP-2017-03-14", 1214),
            ("DARA-2020-6", 87),
            ("DARA-2020-7", 87),
            ("DARA-2020-9", 26)
        ]
    );
}

/// Every figure and row leads to what it was taken from: the query is answered, and with as many.
async fn every_query_leads_to_its_rows(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    for reference in PAPERS {
        let id = paper(&app, reference).await["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let content = viewer
            .get(&format!("/api/v1/papers/{id}/content"))
            .await
            .status(200)
            .json();
        let mut queries = Vec::new();
        collect(&content, &mut queries);
        assert!(queries.len() > 30, "{reference}: {}", queries.len());
        for (query, count) in queries {
            let found = viewer
                .items(&if query.contains("limit=") {
                    query.clone()
                } else {
                    format!("{query}&limit=200")
                })
                .await;
            match count {
                Some(count) => assert_eq!(found.len(), count, "{query}"),
                None => assert!(!found.is_empty() || query.contains("goal_id"), "{query}"),
            }
        }
    }
}

on_papers!(
    papers_say_so,
    what_is_overdue_shows,
    every_query_leads_to_its_rows
);

/// Every query in a content, with the figure that it leads to.
fn collect(value: &Value, queries: &mut Vec<(String, Option<usize>)>) {
    match value {
        Value::Object(map) => {
            if let Some(query) = map.get("query").and_then(Value::as_str) {
                let count = map.get("value").and_then(Value::as_u64).map(|n| n as usize);
                let one = (query.to_owned(), count);
                if !queries.contains(&one) {
                    queries.push(one);
                }
            }
            map.values().for_each(|v| collect(v, queries));
        }
        Value::Array(list) => list.iter().for_each(|v| collect(v, queries)),
        _ => {}
    }
}
