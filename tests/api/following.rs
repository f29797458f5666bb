//! Anyone who follows the changes misses none and gets none twice, however fast they are made.

use std::cell::Cell;
use std::collections::BTreeMap;

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::client::escaped;
use crate::support::{TestApp, perhaps};

/// Writers, and the changes that each of them makes.
const WRITERS: usize = 8;
const CHANGES: usize = 20;

/// Creates units and changes every second one.
async fn write(app: &TestApp, writer: usize, running: &Cell<usize>) {
    let client = app.role(Role::Administrator);
    for n in 0..CHANGES {
        let unit = json!({ "title": format!("Unit {writer} {n}"), "unit_kind": "unit" });
        let made = client.post("/api/v1/units", &unit).await;
        let id = made.status(201).json()["id"].clone();
        if n % 2 == 0 {
            let path = format!("/api/v1/units/{}", id.as_str().expect("an id"));
            let patch = json!({ "title": format!("Renamed {writer} {n}") });
            client.patch(&path, "\"1\"", &patch).await.status(200);
        }
    }
    running.set(running.get() - 1);
}

/// Follows the journal by its numbers until everything is written and read; the numbers in the
/// order in which they came.
async fn follow_journal(app: &TestApp, running: &Cell<usize>) -> Vec<i64> {
    let auditor = app.role(Role::Auditor);
    let mut numbers: Vec<i64> = Vec::new();
    loop {
        let is_over = running.get() == 0;
        let after = numbers.last().copied().unwrap_or(0);
        let path = format!("/api/v1/journal?limit=200&cursor={after}");
        let page = auditor.get(&path).await.status(200).json();
        let items = page["items"].as_array().expect("items");
        numbers.extend(items.iter().filter_map(|i| i["seq"].as_i64()));
        if is_over && items.is_empty() {
            return numbers;
        }
    }
}

/// Follows a list by `updated_since`; the last version seen of each unit.
async fn follow_list(app: &TestApp, running: &Cell<usize>) -> BTreeMap<String, i64> {
    let viewer = app.role(Role::Viewer);
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    let mut since = "2000-01-01T00:00:00Z".to_owned();
    loop {
        let is_over = running.get() == 0;
        let path = format!(
            "/api/v1/units?limit=200&sort=updated_at&updated_since={}",
            escaped(&since)
        );
        let items = viewer.items(&path).await;
        let before = seen.clone();
        for item in perhaps(&items) {
            let version = item["version"].as_i64().expect("a version");
            let id = item["id"].as_str().expect("an id").to_owned();
            let known = seen.insert(id, version).unwrap_or(0);
            assert!(known <= version, "a version came after a later one");
        }
        if let Some(last) = items.last().and_then(|i| i["updated_at"].as_str()) {
            last.clone_into(&mut since);
        }
        if is_over && before == seen {
            return seen;
        }
    }
}

/// No number of the journal is missing or comes twice, and every unit is found in its last version.
async fn a_follower_misses_nothing(app: TestApp) {
    let running = Cell::new(WRITERS);
    let writers = join_all((0..WRITERS).map(|n| write(&app, n, &running)));
    let followers = join(follow_journal(&app, &running), follow_list(&app, &running));
    let (_, (numbers, seen)) = join(writers, followers).await;
    let head = app.seq().await;
    assert_eq!(numbers, (1..=head).collect::<Vec<_>>());
    let units: Vec<Value> = app
        .role(Role::Viewer)
        .items("/api/v1/units?limit=200")
        .await;
    assert_eq!(units.len(), WRITERS * CHANGES);
    let last = units.iter().map(|u| {
        let id = u["id"].as_str().expect("an id").to_owned();
        (id, u["version"].as_i64().expect("a version"))
    });
    assert_eq!(seen, last.collect());
}

on_both!(a_follower_misses_nothing);
