//! The document that is checked in, the one that is served, and the one that is generated are the
//! same.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::TestApp;
use crate::support::document::{DOCUMENT, operations, references};
use crate::support::golden;

#[test]
fn the_checked_in_document_is_what_is_generated() {
    golden::compare(
        "openapi/stride.json",
        &stride::app::document(),
        "cargo run -q -- openapi > openapi/stride.json",
    );
}

/// What is served is what is generated, byte by byte.
async fn the_served_document_is_what_is_generated(app: TestApp) {
    let reply = app.client.get("/openapi.json").await;
    assert_eq!(reply.status(200).text(), stride::app::document());
}

on_both!(the_served_document_is_what_is_generated);

#[test]
fn every_operation_says_what_it_does_and_who_may() {
    let mut faults = Vec::new();
    for o in operations() {
        let name = o.name();
        let text = |field: &str| {
            o.operation[field]
                .as_str()
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        for field in ["operationId", "summary", "description"] {
            if text(field).is_empty() {
                faults.push(format!("{name}: no {field}"));
            }
        }
        if text("summary").ends_with('.') || text("summary").len() > 100 {
            faults.push(format!(
                "{name}: a summary is one short line without a full stop"
            ));
        }
        match o.operation["x-roles"].as_array() {
            None => faults.push(format!("{name}: no x-roles")),
            Some(roles) if roles.is_empty() != o.is_public() => faults.push(format!(
                "{name}: x-roles is empty exactly when it is public"
            )),
            Some(_) => {}
        }
        if o.operation["tags"].as_array().is_none_or(|t| t.len() != 1) {
            faults.push(format!("{name}: belongs to one group"));
        }
        let responses = o.operation["responses"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        // The common one, or one of the operation's own.
        let is_problem = |status: &str| {
            responses.get(status).is_some_and(|r| {
                r["$ref"] == format!("#/components/responses/Problem{status}")
                    || r["content"]["application/problem+json"].is_object()
            })
        };
        let mut wanted = vec!["400", "406", "429", "500", "503"];
        if !o.is_public() {
            wanted.push("401");
        }
        if o.path.contains('{') {
            wanted.push("404");
        }
        if !o.media_types().is_empty() {
            wanted.extend(["413", "415", "422"]);
        }
        if matches!(o.method.as_str(), "PATCH" | "DELETE") {
            wanted.extend(["412", "428"]);
        }
        for status in wanted {
            if !is_problem(status) {
                faults.push(format!("{name}: no problem response {status}"));
            }
        }
        if !responses.keys().any(|s| s.starts_with(['2', '3'])) {
            faults.push(format!("{name}: no answer for when all is well"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn operation_ids_are_unique_and_names_follow_the_conventions() {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for o in operations() {
        let id = o.operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !seen.insert(id.clone()) {
            faults.push(format!("{}: {id} is used twice", o.name()));
        }
        if let Some(rest) = o.path.strip_prefix("/api/v1/") {
            let kebab = |p: &str| {
                !p.is_empty()
                    && p.bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            // Some calendar programs take only an address that ends so.
            let parts = rest.strip_suffix(".ics").unwrap_or(rest).split('/');
            if !parts.into_iter().all(|p| p.starts_with('{') || kebab(p)) {
                faults.push(format!("{}: a path is kebab-case", o.name()));
            }
        }
        for p in o.parameters("query") {
            let name = p["name"].as_str().unwrap_or_default();
            if !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            {
                faults.push(format!(
                    "{}: the parameter {name} is not snake_case",
                    o.name()
                ));
            }
        }
        let in_path: BTreeSet<&str> = o
            .parameters("path")
            .iter()
            .filter_map(|p| p["name"].as_str())
            .collect();
        let wanted: BTreeSet<&str> = o
            .path
            .split('/')
            .filter_map(|p| p.strip_prefix('{')?.strip_suffix('}'))
            .map(|p| p.split(':').next().unwrap_or(p))
            .collect();
        if in_path != wanted {
            faults.push(format!(
                "{}: describes the path parameters {in_path:?}, has {wanted:?}",
                o.name()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let found: BTreeSet<String> = references(&DOCUMENT).into_iter().collect();
    let lost: Vec<&String> = found
        .iter()
        .filter(|to| {
            to.strip_prefix('#')
                .and_then(|p| DOCUMENT.pointer(p))
                .is_none()
        })
        .collect();
    assert!(lost.is_empty(), "these lead nowhere: {lost:?}");
    let schemas = DOCUMENT["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let unused: Vec<&String> = schemas
        .keys()
        .filter(|name| !found.contains(&format!("#/components/schemas/{name}")))
        .collect();
    assert!(unused.is_empty(), "nothing uses these schemas: {unused:?}");
}

#[test]
fn the_document_asks_for_a_token_wherever_one_is_needed() {
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    assert_eq!(DOCUMENT["security"], json!([{ "bearer": [] }]));
    for o in operations() {
        let own = o.operation.get("security");
        assert!(
            own.is_none() || own == Some(&json!([])),
            "{}: {own:?}",
            o.name()
        );
    }
}
