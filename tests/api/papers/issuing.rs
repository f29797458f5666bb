//! Issuing freezes: the content, whatever is recorded later; the paper, but for what the panel
//! decides; and who saw it.

use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::Role;
use stride::registers::papers::sha256;

use super::{Scene, issue, path};
use crate::support::TestApp;
use crate::support::maker::{Maker, kind};

/// Whatever changes in the world afterwards, the bytes are the same, and the hash says so; also
/// read as of then.
async fn what_is_issued_stays(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let paper = scene
        .paper(&keeper, json!({ "purpose": "To report" }))
        .await;
    let draft = keeper
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .json();
    let issued = issue(&keeper, &paper).await;
    let content = |query: &str| format!("{}/content{query}", path(&paper));
    let json = keeper.get(&content("")).await.status(200).text();
    let markdown = keeper
        .get(&content("?format=markdown"))
        .await
        .status(200)
        .text();
    assert_eq!(
        (&json!(sha256(&json)), &json!(sha256(&markdown))),
        (&issued["content_sha256"], &issued["markdown_sha256"])
    );
    let frozen: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (
            &frozen["state"],
            &frozen["recommendations"],
            &frozen["journal_seq"]
        ),
        (
            &json!("issued"),
            &draft["recommendations"],
            &issued["journal_seq"]
        )
    );
    let at = issued["created_at"].as_str().expect("a time").to_owned();

    let etag = keeper.get(&path(&paper)).await.etag();
    let now = keeper.get(&path(&paper)).await.json();
    assert_eq!(
        (&now["status"], &now["content_sha256"]),
        (&json!("issued"), &issued["content_sha256"])
    );
    let auditor = app.keeper(kind("recommendation"));
    let late = auditor.get(&scene.late.path).await.etag();
    auditor
        .patch(
            &scene.late.path,
            &late,
            &json!({ "title": "Another title", "finding": "Another finding" }),
        )
        .await
        .status(200);
    let templates = format!(
        "/api/v1/paper-templates/{}",
        scene.template["id"].as_str().expect("an id")
    );
    let template = keeper.get(&templates).await.etag();
    keeper
        .patch(&templates, &template, &json!({ "language": "cy" }))
        .await
        .status(200);
    assert_eq!(keeper.get(&content("")).await.status(200).text(), json);
    assert_eq!(
        keeper
            .get(&content(&format!("?as_of={at}")))
            .await
            .status(200)
            .text(),
        json
    );
    assert_eq!(
        keeper
            .get(&content("?format=markdown"))
            .await
            .status(200)
            .text(),
        markdown
    );
    let html = keeper
        .get(&content("?format=html"))
        .await
        .status(200)
        .text();
    assert!(!html.contains("Another") && html.contains("Late one"));

    for patch in [
        json!({ "title": "Another" }),
        json!({ "reference": "OTHER" }),
        json!({ "purpose": null }),
        json!({ "as_of_on": "2020-01-01" }),
    ] {
        keeper
            .patch(&path(&paper), &etag, &patch)
            .await
            .problem_at("rule_violation", "");
    }
    keeper
        .ask("POST", &format!("{}/issue", path(&paper)))
        .header("if-match", &etag)
        .send()
        .await
        .problem("conflict");
    keeper
        .ask("POST", &format!("{}/issue", path(&paper)))
        .send()
        .await
        .problem("precondition_required");
    let found = keeper
        .items(&format!(
            "/api/v1/paper-issues?sha256={}",
            issued["content_sha256"].as_str().expect("a hash")
        ))
        .await;
    assert_eq!(found.len(), 1);
}

/// Who keeps papers issues them; what the panel decided is the secretary's to say, after the
/// meeting, and changes nothing frozen.
async fn roles_and_decisions(app: TestApp) {
    let scene = Scene::of(&app).await;
    let manager = app.role(Role::StrategyManager);
    let paper = scene
        .paper(
            &manager,
            json!({ "recommendations": [{ "verb": "note", "text": "this" }, { "verb": "approve", "text": "that" }] }),
        )
        .await;
    let etag = manager.get(&path(&paper)).await.etag();
    for role in [
        Role::Viewer,
        Role::Contributor,
        Role::Analyst,
        Role::RiskManager,
        Role::Auditor,
        Role::Administrator,
    ] {
        let other = app.role(role);
        other
            .get(&format!("{}/content", path(&paper)))
            .await
            .status(200);
        other
            .post("/api/v1/papers", &scene.draft(json!({})))
            .await
            .problem("forbidden");
        other
            .ask("POST", &format!("{}/issue", path(&paper)))
            .header("if-match", &etag)
            .send()
            .await
            .problem("forbidden");
    }
    // A secretary of another board keeps none of this one's papers.
    let maker = Maker::new(&app);
    let other_board = maker.make_named("board").await;
    let elsewhere = app.scoped(Role::BoardSecretary, other_board.id());
    elsewhere
        .ask("POST", &format!("{}/issue", path(&paper)))
        .header("if-match", &etag)
        .send()
        .await
        .problem("forbidden");
    elsewhere
        .post("/api/v1/papers", &scene.draft(json!({})))
        .await
        .problem("forbidden");
    let decided = |day: &str| json!({ "recommendations": [{ "verb": "note", "text": "this", "decision": "noted", "decided_on": day }, { "verb": "approve", "text": "that" }] });
    let secretary = app.scoped(Role::BoardSecretary, scene.board.id());
    secretary
        .patch(&path(&paper), &etag, &decided("2020-10-26"))
        .await
        .problem_at("rule_violation", "/recommendations/0/decision");
    let stale = secretary
        .ask("POST", &format!("{}/issue", path(&paper)))
        .header("if-match", "\"9\"")
        .send()
        .await;
    stale.problem("version_mismatch");
    issue(&secretary, &paper).await;
    let before = manager
        .get(&format!("{}/content", path(&paper)))
        .await
        .status(200)
        .text();

    let etag = manager.get(&path(&paper)).await.etag();
    manager
        .patch(&path(&paper), &etag, &decided("2020-10-26"))
        .await
        .problem_at("forbidden", "/recommendations/0/decision");
    elsewhere
        .patch(&path(&paper), &etag, &decided("2020-10-26"))
        .await
        .problem("forbidden");
    secretary
        .patch(&path(&paper), &etag, &decided("2020-10-25"))
        .await
        .problem_at("rule_violation", "/recommendations/0/decided_on");
    secretary
        .patch(&path(&paper), &etag, &decided("2999-10-25"))
        .await
        .problem_at("rule_violation", "/recommendations/0/decided_on");
    let other_words = json!({ "recommendations": [{ "verb": "note", "text": "something else", "decision": "noted", "decided_on": "2020-10-26" }] });
    secretary
        .patch(&path(&paper), &etag, &other_words)
        .await
        .problem_at("rule_violation", "");
    let now = secretary
        .patch(&path(&paper), &etag, &decided("2020-10-26"))
        .await
        .status(200)
        .json();
    assert_eq!(now["decisions_open"], 1);
    assert_eq!(
        manager
            .get(&format!("{}/content", path(&paper)))
            .await
            .status(200)
            .text(),
        before
    );
}

/// An official paper contains nothing that is marked, even if its issuer is cleared. A draft shows
/// each reader what they may see. A marked paper contains more, and never becomes official again.
async fn what_is_marked_stays_hidden(app: TestApp) {
    let scene = Scene::of(&app).await;
    let maker = Maker::new(&app);
    let hidden = json!({ "review_id": scene.review.id(), "number": 9, "title": "Secret one", "marking": "official_sensitive", "deadline": { "precision": "day", "due_on": "2020-01-31" } });
    let hidden = maker.make_with("recommendation", hidden).await;
    let cleared = app.keeper(kind("paper"));
    let viewer = app.role(Role::Viewer);
    let words = json!({ "purpose": format!("About [[recommendation:{}]]", hidden.reference()) });
    let paper = scene.paper(&cleared, words.clone()).await;
    let content = format!("{}/content", path(&paper));
    assert!(
        cleared
            .get(&content)
            .await
            .status(200)
            .text()
            .contains("Secret one")
    );
    let seen = viewer.get(&content).await;
    seen.status(200);
    assert!(
        !seen.text().contains("Secret one")
            && seen.json()["unresolved"][0]["reason"] == "no_such_record",
        "{}",
        seen.text()
    );
    let issued = issue(&cleared, &paper).await;
    assert!(!issued.to_string().contains("Secret one"));
    for reader in [&cleared, &viewer] {
        for format in ["json", "markdown", "html"] {
            assert!(
                !reader
                    .get(&format!("{content}?format={format}"))
                    .await
                    .status(200)
                    .text()
                    .contains("Secret one")
            );
        }
    }

    let mut marked = words;
    marked["marking"] = "official_sensitive".into();
    let marked = scene.paper(&cleared, marked).await;
    let issued = issue(&cleared, &marked).await;
    assert!(issued.to_string().contains("Secret one"));
    for path in [
        path(&marked),
        format!("{}/content", path(&marked)),
        format!("{}/compared", path(&marked)),
        format!(
            "/api/v1/paper-issues/{}",
            issued["id"].as_str().expect("an id")
        ),
    ] {
        viewer.get(&path).await.problem("not_found");
    }
    let etag = cleared.get(&path(&marked)).await.etag();
    cleared
        .patch(&path(&marked), &etag, &json!({ "marking": "official" }))
        .await
        .problem_at("rule_violation", "/marking");
    // Cleared for the board alone, its secretary freezes what belongs to the board, and no secret
    // of others.
    let partly = app.holding(Held {
        role: Role::BoardSecretary,
        scope: Some(scene.board.id()),
        official_sensitive: true,
    });
    let mut own = scene.draft(json!({ "purpose": "Ours" }));
    own["marking"] = "official_sensitive".into();
    let own = partly.post("/api/v1/papers", &own).await.status(201).json();
    assert!(
        !issue(&partly, &own)
            .await
            .to_string()
            .contains("Secret one")
    );
}

/// A paper that takes another's place supersedes it once it is issued; a withdrawn issue recalls
/// its paper, which stays frozen.
async fn superseded_and_recalled(app: TestApp) {
    let scene = Scene::of(&app).await;
    let keeper = app.role(Role::StrategyManager);
    let first = scene.paper(&keeper, json!({ "purpose": "First" })).await;
    issue(&keeper, &first).await;
    let second = scene
        .paper(
            &keeper,
            json!({ "purpose": "Second", "supersedes_id": first["id"] }),
        )
        .await;
    let status =
        async |paper: &Value| keeper.get(&path(paper)).await.status(200).json()["status"].clone();
    assert_eq!(
        (status(&first).await, status(&second).await),
        (json!("issued"), json!("draft"))
    );
    let issued = issue(&keeper, &second).await;
    assert_eq!(
        (status(&first).await, status(&second).await),
        (json!("superseded"), json!("issued"))
    );
    let at = format!(
        "/api/v1/paper-issues/{}",
        issued["id"].as_str().expect("an id")
    );
    let before = keeper
        .get(&format!("{}/content", path(&second)))
        .await
        .status(200)
        .text();
    keeper.delete(&at, "\"1\"").await.status(200);
    assert_eq!(
        (status(&first).await, status(&second).await),
        (json!("issued"), json!("recalled"))
    );
    assert_eq!(
        keeper
            .get(&format!("{}/content", path(&second)))
            .await
            .status(200)
            .text(),
        before
    );
    let etag = keeper.get(&path(&second)).await.etag();
    keeper
        .patch(&path(&second), &etag, &json!({ "purpose": "Other" }))
        .await
        .problem_at("rule_violation", "");
    keeper
        .post(&format!("{at}/restore"), &json!({}))
        .await
        .status(200);
    assert_eq!(status(&second).await, json!("issued"));
    // What it reports on may be withdrawn; what it is frozen as stays.
    let auditor = app.keeper(kind("recommendation"));
    let late = auditor.get(&scene.late.path).await.etag();
    auditor.delete(&scene.late.path, &late).await.status(200);
    assert_eq!(
        keeper
            .get(&format!("{}/content", path(&second)))
            .await
            .status(200)
            .text(),
        before
    );
}

on_both!(
    what_is_issued_stays,
    roles_and_decisions,
    what_is_marked_stays_hidden,
    superseded_and_recalled
);
