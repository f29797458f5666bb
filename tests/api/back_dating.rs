//! Records loaded under the times at which they were known: the past answers as it would have then,
//! and the journal says so.

use std::sync::Arc;

use serde_json::json;
use stride::db::Address;
use stride::engine::Engine;
use stride::journal::verify::verify;
use stride::policy::Role;
use stride::problem::Code;
use stride::registers::catalogue;
use stride::transfer::{first_start, load};

use crate::support::app::{Store, TestApp, store_for};
use crate::support::{Backend, some};

fn stages(stages: &serde_json::Value) -> load::File {
    let text = json!({ "format": load::FORMAT, "stages": stages }).to_string();
    load::File::parse(&text).expect("it is read")
}

fn engine(store: &Store) -> Arc<Engine> {
    Engine::start(
        Address::parse(&store.url()).expect("an address"),
        catalogue(),
    )
    .expect("the engine starts")
}

/// A unit known in 2017, a rename in 2020, and a second unit.
fn papers() -> load::File {
    stages(&json!([
        { "recorded_at": "2017-06-30T12:00:00Z", "records": [
            { "kind": "unit", "record": { "reference": "INSIGHT", "title": "Information and Insight", "unit_kind": "unit" } }] },
        { "recorded_at": "2020-10-26T12:00:00Z", "records": [
            { "kind": "unit", "reference": "INSIGHT", "patch": { "title": "Data & Insight" } },
            { "kind": "unit", "record": { "reference": "CPIE", "title": "CPIE", "unit_kind": "business_group", "parent_id": "@unit:INSIGHT" } }] }
    ]))
}

fn run(backend: Backend) {
    let Some(store) = store_for(backend) else {
        return;
    };
    actix_web::rt::System::new().block_on(async move {
        let first = engine(&store);
        let bad = [
            stages(&json!([{ "recorded_at": "2020-01-02T00:00:00Z", "records": [] }, { "recorded_at": "2020-01-01T00:00:00Z", "records": [] }])),
            stages(&json!([{ "recorded_at": "2999-01-01T00:00:00Z", "records": [] }])),
        ];
        for file in some(bad) {
            let refused = first_start::prepare(&first, Some(file)).await.expect_err("it is refused");
            assert_eq!(refused.code, Code::RuleViolation);
            assert!(refused.errors[0].pointer.ends_with("/recorded_at"), "{refused:?}");
            assert_eq!(first.now().seq, 0, "nothing was written");
        }
        assert!(first_start::prepare(&first, Some(papers())).await.expect("it is loaded"));
        let held = first.now().seq;
        assert!(!first_start::prepare(&first, Some(papers())).await.expect("nothing is done"), "only an empty database");
        assert_eq!(first.now().seq, held);
        first.stop();
        drop(first);
        let store = Arc::new(store);
        let app = TestApp::on(Arc::clone(&store), backend, |_| {}).await;
        let viewer = app.role(Role::Viewer);
        let names = async |as_of: &str| {
            let page = viewer.get(&format!("/api/v1/units?sort=reference&as_of={as_of}")).await.status(200).json();
            page["items"].as_array().expect("items").iter().map(|u| u["title"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert!(names("2017-06-29").await.is_empty());
        assert_eq!(names("2017-06-30").await, ["Information and Insight"]);
        assert_eq!(names("2020-10-26").await, ["CPIE", "Data & Insight"]);
        let auditor = app.role(Role::Auditor);
        let trail = auditor.get("/api/v1/journal").await.status(200).json();
        let entries = trail["items"].as_array().expect("entries");
        assert!(some(entries).all(|e| e["entered_at"].as_str() > e["at"].as_str()), "every entry says when it was really made: {trail}");
        // What comes now is not back-dated, and the chain holds over both.
        let admin = app.role(Role::Administrator);
        let made = admin.post("/api/v1/units", &json!({ "title": "HR", "unit_kind": "business_group" })).await;
        let id = made.status(201).json()["id"].as_str().expect("an id").to_owned();
        let history = admin.get(&format!("/api/v1/units/{id}/history")).await.status(200).json();
        assert_eq!(history["items"][0]["entered_at"], json!(null));
        app.stop().await;
        let mut conn = Address::parse(&store.url()).expect("an address").connect().expect("it connects");
        let report = verify(&mut conn, &[]).expect("it is read");
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    });
}

#[test]
fn the_past_answers_as_it_was_known_sqlite() {
    run(Backend::Sqlite);
}

#[test]
fn the_past_answers_as_it_was_known_postgres() {
    run(Backend::Postgres);
}
