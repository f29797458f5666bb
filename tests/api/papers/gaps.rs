//! What papers lack shows as a gap, and goes when it is mended.

use serde_json::{Value, json};
use stride::policy::Role;

use super::{Scene, issue, path};
use crate::support::TestApp;
use crate::support::maker::{Maker, kind};

async fn found(app: &TestApp, paper: &Value) -> Vec<String> {
    let id = paper["id"].as_str().expect("an id");
    let items = app
        .role(Role::Viewer)
        .items(&format!("/api/v1/gaps?register=papers&record_id={id}"))
        .await;
    items
        .iter()
        .filter_map(|g| g["rule"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Each gap of a paper has its cause, and no other.
async fn gaps_of_papers(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::BoardSecretary);
    let none = json!({ "state": "assessed_none" });
    let whole = json!({ "equality_impact": none, "financial": none, "legal": none, "risk": none, "recommendations": [{ "verb": "note", "text": "this" }] });
    let paper = scene.paper(&keeper, whole).await;
    assert!(
        found(&app, &paper).await.is_empty(),
        "{:?}",
        found(&app, &paper).await
    );
    let document = Maker::new(&app)
        .make_with("document", json!({ "state": "draft" }))
        .await;
    for (broken, mended, rule) in [
        (
            json!({ "legal": { "state": "boilerplate" } }),
            json!({ "legal": none }),
            "paper_implication_not_assessed",
        ),
        (
            json!({ "legal": { "state": "assessed_some", "text": "Will be addressed As Required." } }),
            json!({ "legal": { "state": "assessed_none", "text": null } }),
            "paper_implication_not_assessed",
        ),
        (
            json!({ "risk": { "state": "not_assessed" } }),
            json!({ "risk": none }),
            "paper_implication_not_assessed",
        ),
        (
            json!({ "appendices": [{ "title": "A", "document_id": document.id() }] }),
            json!({ "appendices": [] }),
            "paper_appendix_draft",
        ),
        (
            json!({ "purpose": "See [[board:NOWHERE]]" }),
            json!({ "purpose": null }),
            "paper_reference_unresolved",
        ),
        (
            json!({ "scope": { "review_ids": [], "recommendation_ids": [scene.early.id()] } }),
            json!({ "scope": { "review_ids": [scene.review.id()], "recommendation_ids": [] } }),
            "overdue_recommendation_not_in_paper",
        ),
        (
            json!({ "struck": [{ "record_id": scene.early.id(), "reason": "x" }] }),
            json!({ "struck": [] }),
            "overdue_recommendation_not_in_paper",
        ),
    ] {
        for (patch, expected) in [(&broken, vec![rule.to_owned()]), (&mended, Vec::new())] {
            let etag = keeper.get(&path(&paper)).await.etag();
            keeper.patch(&path(&paper), &etag, patch).await.status(200);
            assert_eq!(found(&app, &paper).await, expected, "{patch}");
        }
    }
    issue(&keeper, &paper).await;
    assert_eq!(found(&app, &paper).await, ["paper_decision_unrecorded"]);
    let decided = json!({ "recommendations": [{ "verb": "note", "text": "this", "decision": "noted", "decided_on": "2020-10-26" }] });
    let etag = keeper.get(&path(&paper)).await.etag();
    keeper
        .patch(&path(&paper), &etag, &decided)
        .await
        .status(200);
    assert!(found(&app, &paper).await.is_empty());
}

/// A gap that the author shows stands in the paper as it is found, and is said to be gone once it
/// is.
async fn a_paper_shows_chosen_gaps(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let risk = Maker::new(&app).make_named("risk").await;
    let board = scene.board.id();
    let chosen = json!([{ "rule": "board_without_terms", "record_id": board }, { "rule": "no_such_rule", "record_id": board }, { "rule": "board_without_terms", "record_id": risk.id() }]);
    let paper = scene.paper(&keeper, json!({ "gaps": chosen })).await;
    let gaps = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json()["gaps"]
        .clone();
    assert_eq!(gaps[0]["is_open"], true, "{gaps}");
    assert_eq!(
        (&gaps[1]["severity"], &gaps[2]["is_open"]),
        (&Value::Null, &json!(false)),
        "{gaps}"
    );
    let there = keeper
        .items(gaps[0]["query"].as_str().expect("a query"))
        .await;
    assert_eq!(there.len(), 1);
    assert!(kind("paper").about.contains("issue"));
}

on_both!(gaps_of_papers, a_paper_shows_chosen_gaps);
