//! Contradictions: each appears when claim, verification and records part, and goes when they meet
//! again.

mod against;

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, some};

const DAY: &str = "2020-10-26";

/// What a rule found on a record, if anything.
async fn found(app: &TestApp, rule: &str, on: &Made) -> Option<Value> {
    let path = format!(
        "/api/v1/contradictions?on={DAY}&rule={rule}&record_id={}",
        on.id_text()
    );
    let view = app.role(Role::Viewer).get(&path).await.status(200).json();
    let items = view["items"].as_array().expect("items");
    assert_eq!(view["total"], json!(items.len()), "{view}");
    items.first().cloned()
}

async fn changed(app: &TestApp, record: &Made, patch: Value) -> Value {
    let keeper = app.keeper(record.kind);
    let etag = keeper.get(&record.path).await.etag();
    keeper
        .patch(&record.path, &etag, &patch)
        .await
        .status(200)
        .json()
}

async fn item(maker: &Maker<'_>, plan: &Made, fields: Value) -> Made {
    let mut draft = json!({ "plan_id": plan.id(), "item_kind": "project", "title": "A project" });
    draft
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    maker.create(kind("work_plan_item"), &draft).await
}

/// An item declared complete, against its parts, its dependencies, its percentage and audit; with who declared it and when.
async fn an_item_is_not_complete_because_its_lead_says_so(app: TestApp) {
    let maker = Maker::new(&app);
    let (plan, post) = (
        maker.make_with("plan", json!({ "status": "active" })).await,
        maker.make_named("post").await,
    );
    let whole = item(&maker, &plan, json!({})).await;
    let part = item(&maker, &plan, json!({ "parent_id": whole.id() })).await;
    let waits = maker
        .create(
            kind("dependency"),
            &json!({ "item_id": whole.id(), "on_other": "A system" }),
        )
        .await;
    let overdue = maker
        .make_with(
            "recommendation",
            json!({ "item_ids": [whole.id()], "deadline": { "precision": "day", "due_on": "2020-09-30" } }),
        )
        .await;
    let rules = [
        "item_complete_with_open_part",
        "item_complete_while_waiting",
        "item_complete_audit_disagrees",
        "item_percentage_differs",
    ];
    for rule in some(rules) {
        assert_eq!(found(&app, rule, &whole).await, None, "{rule}");
    }
    let update = json!({ "item_id": whole.id(), "made_on": "2020-10-20", "by_post_id": post.id(), "parts": [{ "text": "Done" }], "status": "complete", "percent_complete": 60 });
    maker.create(kind("progress_update"), &update).await;
    let against = [&part, &waits, &overdue];
    for (rule, against) in some(rules.iter().zip(against)) {
        let row = found(&app, rule, &whole)
            .await
            .unwrap_or_else(|| panic!("{rule}"));
        assert_eq!(
            (&row["claimed"]["by"]["id"], &row["claimed"]["on"]),
            (&json!(post.id()), &json!("2020-10-20")),
            "{row:#}"
        );
        assert_eq!(row["against"][0]["id"], json!(against.id()), "{row:#}");
        assert!(row["computed"]["words"].is_string() || row["verified"]["words"].is_string());
    }
    assert_eq!(
        found(&app, "item_percentage_differs", &whole)
            .await
            .unwrap()["claimed"]["code"],
        "percent_60"
    );
    changed(&app, &part, json!({ "status": "cancelled" })).await;
    changed(&app, &waits, json!({ "status": "met" })).await;
    changed(&app, &overdue, json!({ "item_ids": [] })).await;
    changed(&app, &whole, json!({ "percent_complete": 100 })).await;
    for rule in some(rules) {
        assert_eq!(found(&app, rule, &whole).await, None, "{rule}");
    }
}

/// A declared colour that the service does not compute; a plan called complete whose items are not.
async fn what_a_plan_declares_is_compared(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker
        .make_with(
            "plan",
            json!({ "status": "active", "completeness_claim": "complete" }),
        )
        .await;
    assert_eq!(
        found(&app, "plan_complete_with_incomplete_items", &plan).await,
        None
    );
    let late = item(
        &maker,
        &plan,
        json!({ "status": "in_progress", "declared_rag": "green", "deadline": { "precision": "day", "due_on": "2020-06-30" } }),
    )
    .await;
    let row = found(&app, "item_rag_differs", &late)
        .await
        .expect("it differs");
    assert_eq!(
        (&row["claimed"]["code"], &row["computed"]["code"]),
        (&json!("green"), &json!("red")),
        "{row:#}"
    );
    let row = found(&app, "plan_complete_with_incomplete_items", &plan)
        .await
        .expect("an item lacks what it needs");
    assert_eq!(row["computed"]["words"], "incomplete items: 1 of 1");
    changed(&app, &late, json!({ "declared_rag": "red" })).await;
    assert_eq!(found(&app, "item_rag_differs", &late).await, None);
    let done = item(
        &maker,
        &plan,
        json!({ "status": "complete", "completed_on": "2020-10-01" }),
    )
    .await;
    let waits = maker
        .create(
            kind("dependency"),
            &json!({ "item_id": late.id(), "on_id": done.id() }),
        )
        .await;
    assert!(
        found(&app, "dependency_open_on_what_is_done", &waits)
            .await
            .is_some()
    );
    changed(&app, &waits, json!({ "status": "met" })).await;
    assert_eq!(
        found(&app, "dependency_open_on_what_is_done", &waits).await,
        None
    );
    changed(
        &app,
        &done,
        json!({ "status": "in_progress", "completed_on": null }),
    )
    .await;
    assert!(
        found(&app, "dependency_met_by_what_is_open", &waits)
            .await
            .is_some()
    );
}

/// Claimed, unverified, leaning on what is open, contradicted by its own parts, and rejected: with
/// who said what when.
async fn a_claim_on_a_recommendation_is_compared(app: TestApp) {
    let maker = Maker::new(&app);
    let (on, post) = (
        maker.make_named("recommendation").await,
        maker.make_named("post").await,
    );
    let review = maker
        .make_with(
            "strategy_review",
            json!({ "status": "in_progress", "started_on": "2020-09-01", "completed_on": null, "deferred": [] }),
        )
        .await;
    let link =
        json!({ "recommendation_id": on.id(), "relation": "depends_on", "to_id": review.id() });
    app.role(Role::Auditor)
        .post("/api/v1/recommendation-links", &link)
        .await
        .status(201);
    let claimant = maker.claimant().await;
    let claim = json!({
        "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": "2020-10-20", "by_post_id": post.id(), "narrative": "All done",
        "parts": [{ "label": "a", "text": "Written", "implementation": "claimed_implemented" }, { "label": "b", "text": "Begun", "implementation": "in_progress" }],
    });
    let claim = claimant
        .post("/api/v1/recommendation-updates", &claim)
        .await
        .status(201)
        .json();
    let row = found(&app, "recommendation_claim_unverified", &on)
        .await
        .expect("unverified");
    assert_eq!(
        (&row["claimed"]["by"]["id"], &row["claimed"]["on"]),
        (&json!(post.id()), &json!("2020-10-20"))
    );
    assert_eq!(
        (&row["verified"]["code"], &row["verified"]["words"]),
        (
            &json!("submitted"),
            &json!("claimed 6 days ago; no response of audit is recorded")
        )
    );
    let row = found(&app, "recommendation_claim_with_open_linked_record", &on)
        .await
        .expect("refers to the review");
    assert_eq!(row["against"][0]["id"], json!(review.id()), "{row:#}");
    let row = found(&app, "recommendation_claim_with_open_part", &on)
        .await
        .expect("part b is open");
    assert_eq!(
        row["computed"]["words"],
        "parts that the update itself says are not implemented: b"
    );
    changed(
        &app,
        &review,
        json!({ "status": "completed", "completed_on": "2020-10-21" }),
    )
    .await;
    assert_eq!(
        found(&app, "recommendation_claim_with_open_linked_record", &on).await,
        None
    );
    let verdict = json!({ "recommendation_id": on.id(), "claim_id": claim["id"], "result": "rejected", "decided_on": "2020-10-22", "reason": "Nothing to show" });
    let (auditor, _, _) = maker.account("auditor").await;
    auditor
        .post("/api/v1/verifications", &verdict)
        .await
        .status(201);
    assert_eq!(
        found(&app, "recommendation_claim_unverified", &on).await,
        None
    );
    let row = found(&app, "recommendation_claim_rejected", &on)
        .await
        .expect("rejected");
    assert_eq!(
        (
            &row["verified"]["words"],
            &row["verified"]["on"],
            &row["claimed"]["words"]
        ),
        (
            &json!("Nothing to show"),
            &json!("2020-10-22"),
            &json!("All done Written Begun")
        )
    );
}

/// Actions closed with an open part, parts that the board and the owner see differently, terms
/// called refreshed, boards and successors.
async fn what_boards_declare_is_compared(app: TestApp) {
    let maker = Maker::new(&app);
    let post = maker.make_named("post").await;
    let action = maker.make_named("action").await;
    let part = maker
        .create(
            kind("action_part"),
            &json!({ "action_id": action.id(), "label": "a", "text": "A draft" }),
        )
        .await;
    let response = json!({ "action_id": action.id(), "part_id": part.id(), "text": "It is there", "responded_on": "2020-10-01", "by_post_id": post.id(), "claimed_status": "done" });
    maker.create(kind("action_response"), &response).await;
    let row = found(&app, "action_part_claim_differs", &part)
        .await
        .expect("claimed done, open");
    assert_eq!(
        (
            &row["claimed"]["words"],
            &row["claimed"]["by"]["id"],
            &row["verified"]["code"]
        ),
        (&json!("It is there"), &json!(post.id()), &json!("open"))
    );
    changed(
        &app,
        &action,
        json!({ "status": "closed", "closed_on": "2020-10-10", "closure_reason": "Enough" }),
    )
    .await;
    let row = found(&app, "action_closed_with_open_part", &action)
        .await
        .expect("part a is open");
    assert_eq!(
        (&row["claimed"]["words"], &row["against"][0]["id"]),
        (&json!("Enough"), &json!(part.id()))
    );
    changed(&app, &part, json!({ "status": "done" })).await;
    assert_eq!(
        found(&app, "action_closed_with_open_part", &action).await,
        None
    );
    assert_eq!(found(&app, "action_part_claim_differs", &part).await, None);
    changed(
        &app,
        &action,
        json!({ "status": "open", "closed_on": null, "closure_reason": null }),
    )
    .await;
    assert!(
        found(&app, "action_open_with_nothing_owed", &action)
            .await
            .is_some()
    );

    let next = maker
        .make_with("board", json!({ "status": "active" }))
        .await;
    let board = maker
        .make_with(
            "board",
            json!({ "status": "active", "successor_id": next.id() }),
        )
        .await;
    assert!(
        found(&app, "board_active_beside_its_successor", &board)
            .await
            .is_some()
    );
    changed(
        &app,
        &board,
        json!({ "status": "dissolved", "dissolved_on": "2020-10-01" }),
    )
    .await;
    assert_eq!(
        found(&app, "board_active_beside_its_successor", &board).await,
        None
    );

    let terms = maker
        .create(
            kind("terms_of_reference"),
            &json!({ "board_id": next.id(), "version_label": "Refreshed" }),
        )
        .await;
    assert_eq!(
        found(&app, "terms_called_refreshed_not_agreed", &terms).await,
        None
    );
    let on = maker.make_named("recommendation").await;
    let update = json!({ "recommendation_id": on.id(), "update_kind": "progress", "stated_on": "2020-10-20", "narrative": "They have been refreshed", "refers_to_ids": [terms.id()] });
    maker
        .claimant()
        .await
        .post("/api/v1/recommendation-updates", &update)
        .await
        .status(201);
    let row = found(&app, "terms_called_refreshed_not_agreed", &terms)
        .await
        .expect("nobody agreed them");
    assert_eq!(
        (
            &row["claimed"]["words"],
            &row["verified"]["code"],
            &row["computed"]["code"]
        ),
        (
            &json!("They have been refreshed"),
            &json!("not_agreed"),
            &json!("draft")
        )
    );
    changed(
        &app,
        &terms,
        json!({ "status": "agreed", "approver_post_id": post.id(), "approved_on": "2020-10-21" }),
    )
    .await;
    assert_eq!(
        found(&app, "terms_called_refreshed_not_agreed", &terms).await,
        None
    );
}

/// A control that carries out an unverified recommendation: assumed beside verified, and never
/// rescored.
async fn a_control_is_worth_what_is_verified(app: TestApp) {
    let maker = Maker::new(&app);
    let score =
        |likelihood: &str, impact: &str| json!({ "likelihood": likelihood, "impact": impact });
    let risk = maker
        .make_with(
            "risk",
            json!({ "inherent": score("likely", "major"), "current": score("rare", "major"), "target": null, "status": "open" }),
        )
        .await;
    let on = maker
        .make_with(
            "recommendation",
            json!({ "deadline": { "precision": "day", "due_on": "2020-07-31" } }),
        )
        .await;
    let control = json!({
        "risk_ids": [risk.id()], "title": "A control", "effectiveness": "partial", "assessed_on": "2020-10-01", "recommendation_id": on.id(),
        "assumed_reduction": { "likelihood": 2, "impact": 0 },
    });
    let control = maker.create(kind("control"), &control).await;
    let row = found(&app, "control_assumed_not_verified", &control)
        .await
        .expect("assumed");
    assert_eq!(
        (
            &row["computed"]["code"],
            &row["verified"]["code"],
            &row["against"][0]["id"]
        ),
        (&json!("failing"), &json!("none"), &json!(on.id())),
        "{row:#}"
    );
    assert!(
        found(&app, "control_effective_not_verified", &control)
            .await
            .is_some()
    );
    let row = found(&app, "risk_assumed_below_verified", &risk)
        .await
        .expect("believed, not known");
    assert_eq!(
        (&row["claimed"]["words"], &row["verified"]["words"]),
        (
            &json!("assumed score: 8 (high)"),
            &json!("verified score: 16 (extreme)")
        ),
        "{row:#}"
    );
    assert!(
        found(&app, "risk_current_below_verified", &risk)
            .await
            .is_some()
    );
    let claimant = maker.claimant().await;
    let claim = json!({ "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": "2020-10-20", "narrative": "Done" });
    let claim = claimant
        .post("/api/v1/recommendation-updates", &claim)
        .await
        .status(201)
        .json();
    let verdict = json!({ "recommendation_id": on.id(), "claim_id": claim["id"], "result": "verified", "decided_on": "2020-10-22" });
    maker
        .account("auditor")
        .await
        .0
        .post("/api/v1/verifications", &verdict)
        .await
        .status(201);
    changed(
        &app,
        &control,
        json!({ "effectiveness": "effective", "assessed_on": "2020-10-23" }),
    )
    .await;
    for (rule, record) in [
        ("control_assumed_not_verified", &control),
        ("control_effective_not_verified", &control),
        ("risk_assumed_below_verified", &risk),
    ] {
        assert_eq!(found(&app, rule, record).await, None, "{rule}");
    }
}

/// A reduction that nobody stated is not taken for nought: there is no verified score, and nothing is
/// said to be below it.
async fn a_reduction_that_is_not_stated_is_no_number(app: TestApp) {
    let maker = Maker::new(&app);
    let score =
        |likelihood: &str, impact: &str| json!({ "likelihood": likelihood, "impact": impact });
    let risk = maker
        .make_with(
            "risk",
            json!({ "inherent": score("likely", "major"), "current": score("rare", "major"), "target": null, "status": "open" }),
        )
        .await;
    let control = json!({
        "risk_ids": [risk.id()], "title": "A control", "effectiveness": "effective", "assessed_on": "2020-10-01",
    });
    let control = maker.create(kind("control"), &control).await;
    let scores = async || {
        let risk = app.role(Role::Viewer).get(&risk.path).await.json();
        (
            risk["verified_level"]["product"].clone(),
            risk["verified_level_missing"].clone(),
            risk["assumed_level_missing"].clone(),
        )
    };
    let missing = json!("reduction_not_stated");
    assert_eq!(
        scores().await,
        (Value::Null, missing.clone(), missing.clone())
    );
    for rule in ["risk_current_below_verified", "risk_assumed_below_verified"] {
        assert_eq!(found(&app, rule, &risk).await, None, "{rule}");
    }
    changed(
        &app,
        &control,
        json!({ "assumed_reduction": { "likelihood": 1, "impact": 0 } }),
    )
    .await;
    assert_eq!(scores().await, (json!(12), Value::Null, Value::Null));
    assert!(
        found(&app, "risk_current_below_verified", &risk)
            .await
            .is_some()
    );
}

/// Approved and still a draft; integrated without a figure.
async fn what_is_called_approved_or_integrated_is_compared(app: TestApp) {
    let maker = Maker::new(&app);
    let post = maker.make_named("post").await;
    let strategy = maker.make_named("strategy").await;
    let version = json!({ "strategy_id": strategy.id(), "label": "1.0", "status": "approved", "document": { "title": "The strategy", "stated_status": "Final DRAFT" } });
    let version = maker.create(kind("strategy_version"), &version).await;
    let row = found(&app, "version_approved_document_draft", &version)
        .await
        .expect("its document says draft");
    assert_eq!(row["computed"]["words"], "its document says: Final DRAFT");
    changed(&app, &version, json!({ "approver_post_id": post.id(), "approved_on": "2020-10-01", "document": { "title": "The strategy", "stated_status": "final" } })).await;
    assert_eq!(
        found(&app, "version_approved_document_draft", &version).await,
        None
    );
    let measure = maker
        .make_with("measure", json!({ "state": "integrated" }))
        .await;
    assert!(
        found(&app, "measure_integrated_without_figures", &measure)
            .await
            .is_some()
    );
}

/// What does not contradict a statement is not held against it: a record that is only referred to, an
/// approval before the period begins, a reduction that is not stated, a dashboard without measures.
async fn what_does_not_contradict_is_not_cited(app: TestApp) {
    let maker = Maker::new(&app);
    let (on, other) = (
        maker.make_named("recommendation").await,
        maker.make_named("recommendation").await,
    );
    let link =
        json!({ "recommendation_id": on.id(), "relation": "refers_to", "to_id": other.id() });
    app.role(Role::Auditor)
        .post("/api/v1/recommendation-links", &link)
        .await
        .status(201);
    let claim = json!({
        "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": DAY, "narrative": "Done",
        "refers_to_ids": [other.id()],
    });
    let claimant = maker.claimant().await;
    claimant
        .post("/api/v1/recommendation-updates", &claim)
        .await
        .status(201);
    let rule = "recommendation_claim_with_open_linked_record";
    assert_eq!(found(&app, rule, &on).await, None);
    let row = found(&app, "recommendation_claim_unverified", &on).await;
    assert_eq!(
        row.expect("nobody has responded")["verified"]["words"],
        "claimed today; no response of audit is recorded"
    );

    let planned = json!({ "status": "planned", "from_year": 2021, "until_year": 2024 });
    let planned = maker.make_with("strategy", planned).await;
    let version = json!({ "strategy_id": planned.id(), "label": "1", "status": "approved" });
    maker.create(kind("strategy_version"), &version).await;
    let rule = "strategy_planned_version_approved";
    assert_eq!(found(&app, rule, &planned).await, None);
    changed(&app, &planned, json!({ "from_year": 2020 })).await;
    assert!(found(&app, rule, &planned).await.is_some());

    let score = |likelihood: &str| json!({ "likelihood": likelihood, "impact": "major" });
    let scores = json!({
        "inherent": score("likely"), "current": score("rare"), "target": null, "status": "open",
    });
    let risk = maker.make_with("risk", scores).await;
    let control = json!({
        "risk_ids": [risk.id()], "title": "A control", "effectiveness": "effective",
        "assessed_on": "2020-10-01",
    });
    let control = maker.create(kind("control"), &control).await;
    let rule = "risk_current_below_verified";
    assert_eq!(found(&app, rule, &risk).await, None);
    let reduction = json!({ "assumed_reduction": { "likelihood": 1, "impact": 0 } });
    changed(&app, &control, reduction).await;
    assert!(found(&app, rule, &risk).await.is_some());

    let dashboard = json!({ "measure_ids": [], "promised": [] });
    let dashboard = maker.make_with("dashboard", dashboard).await;
    let version = json!({
        "dashboard_id": dashboard.id(), "label": "1", "maturity": "published", "published_on": "2020-10-01",
    });
    maker.create(kind("dashboard_version"), &version).await;
    let rule = "dashboard_published_without_figures";
    assert_eq!(found(&app, rule, &dashboard).await, None);
    let measure = maker.make_named("measure").await;
    changed(&app, &dashboard, json!({ "measure_ids": [measure.id()] })).await;
    assert!(found(&app, rule, &dashboard).await.is_some());
}

/// Pages follow each other without loss; a filter that is not known is named; what a caller may not
/// know of changes nothing.
async fn contradictions_come_in_pages_and_hide_what_is_hidden(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    for _ in 0..3 {
        item(&maker, &plan, json!({ "percent_complete": 100 })).await;
        maker
            .make_with("measure", json!({ "state": "integrated" }))
            .await;
    }
    let viewer = app.role(Role::Viewer);
    let whole = viewer
        .get("/api/v1/contradictions?limit=200")
        .await
        .status(200)
        .json();
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer
            .get(&format!("/api/v1/contradictions?limit=2{cursor}"))
            .await
            .status(200)
            .json();
        assert_eq!(
            (&page["total"], &page["by_rule"]),
            (&whole["total"], &whole["by_rule"])
        );
        walked.extend(page["items"].as_array().expect("items").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(walked), whole["items"]);
    assert!(walked.len() >= 6);
    let performance = viewer
        .get("/api/v1/contradictions?register=performance&severity=high")
        .await
        .status(200)
        .json();
    assert_eq!(performance["total"], 3);
    for (query, name) in [
        ("rule=nonsense", "?rule"),
        ("severity=dire", "?severity"),
        ("register=moon", "?register"),
        ("cursor=x", "?cursor"),
        ("unit_id=1", "?unit_id"),
    ] {
        viewer
            .get(&format!("/api/v1/contradictions?{query}"))
            .await
            .problem_at("invalid_query", name);
    }
    let csv = viewer
        .get("/api/v1/contradictions?format=csv")
        .await
        .status(200)
        .text();
    assert!(
        csv.lines()
            .next()
            .is_some_and(|h| h.contains("claimed.words")
                && h.contains("verified.by.reference")
                && h.contains("computed.on")),
        "{csv}"
    );
    let rules = viewer
        .get("/api/v1/contradiction-rules")
        .await
        .status(200)
        .json();
    assert!(rules["items"].as_array().is_some_and(|r| r.len() > 30));
    // A hidden part of a complete item, and a hidden item, contradict nobody who may not know of
    // them.
    let done = item(
        &maker,
        &plan,
        json!({ "status": "complete", "completed_on": "2020-10-01" }),
    )
    .await;
    item(
        &maker,
        &plan,
        json!({ "parent_id": done.id(), "marking": "official_sensitive" }),
    )
    .await;
    item(
        &maker,
        &plan,
        json!({ "percent_complete": 100, "marking": "official_sensitive" }),
    )
    .await;
    let after = viewer
        .get("/api/v1/contradictions?limit=200")
        .await
        .status(200)
        .json();
    assert_eq!(
        (&after["total"], &after["items"]),
        (&whole["total"], &whole["items"])
    );
    let cleared = app
        .keeper(kind("work_plan_item"))
        .get("/api/v1/contradictions?limit=200")
        .await
        .status(200)
        .json();
    assert_eq!(
        cleared["total"].as_u64(),
        whole["total"].as_u64().map(|n| n + 2)
    );
}

on_both!(
    an_item_is_not_complete_because_its_lead_says_so,
    what_a_plan_declares_is_compared,
    a_claim_on_a_recommendation_is_compared,
    what_boards_declare_is_compared,
    a_control_is_worth_what_is_verified,
    what_is_called_approved_or_integrated_is_compared,
    what_does_not_contradict_is_not_cited,
    a_reduction_that_is_not_stated_is_no_number,
    contradictions_come_in_pages_and_hide_what_is_hidden
);
