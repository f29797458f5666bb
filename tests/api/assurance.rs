//! Assurance: who may verify what, how a recommendation's three axes follow from what is recorded,
//! deadlines, links, controls, views.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::{Value, json};
use stride::policy::Role;
use stride::transfer::load;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{Backend, Client, TestApp, some};

const UPDATES: &str = "/api/v1/recommendation-updates";
const VERIFICATIONS: &str = "/api/v1/verifications";
const CLOSURES: &str = "/api/v1/recommendation-closures";
const EXTENSIONS: &str = "/api/v1/recommendation-extensions";
const LINKS: &str = "/api/v1/recommendation-links";
const VIEW: &str = "/api/v1/status/recommendations";

fn claim(on: &Made, day: &str) -> Value {
    json!({ "recommendation_id": on.id(), "update_kind": "claim_complete", "stated_on": day, "narrative": "All of it is done" })
}

fn progress(on: &Made, day: &str, implementation: Option<&str>) -> Value {
    json!({ "recommendation_id": on.id(), "update_kind": "progress", "stated_on": day, "narrative": "Some is done", "implementation": implementation })
}

fn verdict(on: &Made, claim: &Value, result: &str, day: &str) -> Value {
    let reason = (result == "rejected").then_some("No terms of reference were shown");
    json!({ "recommendation_id": on.id(), "claim_id": claim["id"], "result": result, "decided_on": day, "reason": reason })
}

fn accepted_risk(on: &Made, post: &Made) -> Value {
    json!({
        "recommendation_id": on.id(), "closure": "risk_accepted", "closed_on": "2020-12-01", "reason": "Too dear",
        "accepted_by_post_id": post.id()
    })
}

async fn made(client: &Client, path: &str, body: &Value) -> Value {
    client.post(path, body).await.status(201).json()
}

async fn now(app: &TestApp, on: &Made) -> Value {
    app.role(Role::Auditor)
        .get(&on.path)
        .await
        .status(200)
        .json()
}

/// The three axes: implementation, verification, closure.
async fn axes(app: &TestApp, on: &Made) -> [String; 3] {
    let record = now(app, on).await;
    ["implementation", "verification", "closure"]
        .map(|f| record[f].as_str().unwrap_or_default().to_owned())
}

async fn withdraw(client: &Client, path: &str, record: &Value) {
    let path = format!("{path}/{}", record["id"].as_str().unwrap_or_default());
    let etag = client.get(&path).await.etag();
    client.delete(&path, &etag).await.status(200);
}

/// The one row of the view on a recommendation, as on a day.
async fn row(client: &Client, on: &Made, day: &str) -> Value {
    let rows = client.items(&format!("{VIEW}?limit=200&on={day}")).await;
    rows.into_iter()
        .find(|r| r["recommendation"]["id"] == on.id_text())
        .unwrap_or_default()
}

/// Nobody verifies or closes what they claimed: alone, in bulk, after a change of role, by
/// withdrawing a finding or restoring one.
async fn nobody_verifies_what_they_claimed(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker.make_named("recommendation").await;
    let post = maker.make_named("post").await;
    let (lead, _, grant) = maker.account("strategy_manager").await;
    let (auditor, _, _) = maker.account("auditor").await;
    let first = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    lead.post(
        VERIFICATIONS,
        &verdict(&on, &first, "verified", "2020-10-02"),
    )
    .await
    .problem("forbidden");
    // The role changes in between; the account stays who it was.
    let grants = app.keeper(kind("grant"));
    grants
        .patch(&grant.path, &grant.etag, &json!({ "role": "auditor" }))
        .await
        .status(200);
    let own = lead
        .post(
            VERIFICATIONS,
            &verdict(&on, &first, "verified", "2020-10-02"),
        )
        .await;
    assert_eq!(
        own.problem_at("rule_violation", "/recommendation_id")["errors"][0]["code"],
        "own_claim"
    );
    let bulk = json!({ "operations": [{ "op": "create", "record": verdict(&on, &first, "verified", "2020-10-02") }] });
    lead.post(&format!("{VERIFICATIONS}/bulk"), &bulk)
        .await
        .problem("rule_violation");
    let each = lead
        .post(&format!("{VERIFICATIONS}/bulk?mode=each"), &bulk)
        .await
        .status(207)
        .json();
    assert_eq!(each["results"][0]["status"], 422);
    lead.post(CLOSURES, &accepted_risk(&on, &post))
        .await
        .problem_at("rule_violation", "/recommendation_id");
    // No axis is a field that can be sent.
    let etag = lead.get(&on.path).await.etag();
    for axis in [
        "implementation",
        "verification",
        "closure",
        "claimed_on",
        "first_deadline",
    ] {
        let patch = json!({ axis: "verified" });
        lead.patch(&on.path, &etag, &patch)
            .await
            .problem_at("invalid_body", &format!("/{axis}"));
    }
    // Another's rejection is not theirs to take away, nor to put back.
    let rejected = made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &first, "rejected", "2020-10-05"),
    )
    .await;
    let path = format!(
        "{VERIFICATIONS}/{}",
        rejected["id"].as_str().unwrap_or_default()
    );
    lead.delete(&path, "\"1\"").await.problem("rule_violation");
    auditor.delete(&path, "\"1\"").await.status(200);
    lead.post(&format!("{path}/restore"), &json!({}))
        .await
        .problem("rule_violation");
    assert_eq!(
        axes(&app, &on).await,
        ["claimed_implemented", "submitted", "none"]
    );
    let verified = auditor
        .post(
            VERIFICATIONS,
            &verdict(&on, &first, "verified", "2020-10-06"),
        )
        .await;
    verified.status(201);
    assert_eq!(
        axes(&app, &on).await,
        ["claimed_implemented", "verified", "verified"]
    );
    // What a finding rests on stays.
    let claim_path = format!("{UPDATES}/{}", first["id"].as_str().unwrap_or_default());
    app.role(Role::StrategyManager)
        .delete(&claim_path, "\"1\"")
        .await
        .problem("in_use");
}

/// Two accounts of one person are one hand.
async fn nobody_verifies_by_another_account_of_theirs(app: TestApp) {
    let maker = Maker::new(&app);
    let (on, person) = (
        maker.make_named("recommendation").await,
        maker.make_named("person").await,
    );
    let (lead, account, _) = maker.account("strategy_manager").await;
    let (auditor, other, _) = maker.account("auditor").await;
    let first = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    for one in [&account, &other] {
        maker.belongs_to(one, Some(person.id())).await;
    }
    let own = auditor
        .post(
            VERIFICATIONS,
            &verdict(&on, &first, "verified", "2020-10-02"),
        )
        .await;
    assert_eq!(
        own.problem_at("rule_violation", "/recommendation_id")["errors"][0]["code"],
        "own_claim"
    );
}

/// Removing the link to the person does not separate two accounts. Where the link came only after
/// the verdict, it is a contradiction.
async fn a_link_that_was_removed_or_came_late_counts(app: TestApp) {
    let maker = Maker::new(&app);
    let (on, person) = (
        maker.make_named("recommendation").await,
        maker.make_named("person").await,
    );
    let (lead, account, _) = maker.account("strategy_manager").await;
    let (auditor, other, _) = maker.account("auditor").await;
    let first = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    let verdict = verdict(&on, &first, "verified", "2020-10-02");
    maker.belongs_to(&account, Some(person.id())).await;
    maker.belongs_to(&other, Some(person.id())).await;
    maker.belongs_to(&account, None).await;
    auditor
        .post(VERIFICATIONS, &verdict)
        .await
        .problem_at("rule_violation", "/recommendation_id");
    let (third, late, _) = maker.account("auditor").await;
    made(&third, VERIFICATIONS, &verdict).await;
    let path = "/api/v1/contradictions?rule=recommendation_decided_by_claimant";
    let viewer = app.role(Role::Viewer);
    assert!(viewer.items(path).await.is_empty());
    maker.belongs_to(&late, Some(person.id())).await;
    let found = viewer.items(path).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["record"]["id"], on.record["id"]);
    // Nor does the role count that the claimant gave.
    let on = maker.make_named("recommendation").await;
    let claimed = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    let right = json!({ "account_id": account.id(), "role": "administrator" });
    maker
        .create(crate::support::maker::kind("grant"), &right)
        .await;
    let (chosen, theirs, _) = maker.account("viewer").await;
    let right = json!({ "account_id": theirs.id(), "role": "auditor" });
    lead.post("/api/v1/grants", &right).await.status(201);
    let decided = self::verdict(&on, &claimed, "verified", "2020-10-02");
    made(&chosen, VERIFICATIONS, &decided).await;
    let found = viewer.items(path).await;
    assert!(
        found.iter().any(|f| f["record"]["id"] == on.record["id"]),
        "{found:?}"
    );
}

/// A claim of a part counts, so does one that was withdrawn; and nobody puts another's claim back.
async fn a_claim_belongs_to_its_author(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker.make_named("recommendation").await;
    let (partly, _, grant) = maker.account("strategy_manager").await;
    let part = json!({
        "recommendation_id": on.id(), "update_kind": "progress", "stated_on": "2020-10-01",
        "parts": [{ "label": "b", "text": "A dashboard is there", "implementation": "claimed_implemented" }]
    });
    let said = made(&partly, UPDATES, &part).await;
    withdraw(&partly, UPDATES, &said).await;
    let path = format!(
        "{UPDATES}/{}/restore",
        said["id"].as_str().unwrap_or_default()
    );
    maker
        .claimant()
        .await
        .post(&path, &json!({}))
        .await
        .problem_at("rule_violation", "/update_kind");
    app.keeper(kind("grant"))
        .patch(&grant.path, &grant.etag, &json!({ "role": "auditor" }))
        .await
        .status(200);
    let whole = made(&maker.claimant().await, UPDATES, &claim(&on, "2020-10-02")).await;
    partly
        .post(
            VERIFICATIONS,
            &verdict(&on, &whole, "verified", "2020-10-03"),
        )
        .await
        .problem_at("rule_violation", "/recommendation_id");
}

/// The loader is one account: what it claims it cannot verify.
async fn a_loaded_file_does_not_verify_its_own_claims(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker.make_named("recommendation").await;
    let mut said = claim(&on, "2020-10-01");
    said["reference"] = "CLAIM-1".into();
    let mut found = verdict(&on, &Value::Null, "verified", "2020-10-02");
    found["claim_id"] = "@recommendation_update:CLAIM-1".into();
    let file = |records: Value| json!({ "format": load::FORMAT, "records": records }).to_string();
    let both = file(json!([
        { "kind": "recommendation_update", "record": said },
        { "kind": "verification", "record": found },
    ]));
    let refused = load::text(&app.service.engine, &both)
        .await
        .expect_err("it is refused");
    assert!(
        refused
            .errors
            .iter()
            .any(|e| e.pointer == "/records/1/recommendation_id" && e.code == "own_claim"),
        "{refused:?}"
    );
    assert_eq!(
        axes(&app, &on).await,
        ["open", "none", "none"],
        "nothing of the file was loaded"
    );
    load::text(
        &app.service.engine,
        &file(json!([{ "kind": "recommendation_update", "record": said }])),
    )
    .await
    .expect("a claim");
    let claimed = now(&app, &on).await;
    let body = verdict(
        &on,
        &json!({ "id": claimed["claim_id"] }),
        "verified",
        "2020-10-02",
    );
    app.role(Role::Auditor)
        .post(VERIFICATIONS, &body)
        .await
        .problem_at("rule_violation", "/recommendation_id");
    maker
        .account("auditor")
        .await
        .0
        .post(VERIFICATIONS, &body)
        .await
        .status(201);
}

/// Reports, claims and findings move the axes; a rejection needs a reason, reopens, and makes the
/// claim as if it had never been.
async fn states_follow_from_what_is_recorded(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker.make_named("recommendation").await;
    let (lead, auditor) = (maker.claimant().await, app.role(Role::Auditor));
    assert_eq!(axes(&app, &on).await, ["open", "none", "none"]);
    // Putting off and pointing elsewhere is not progress.
    let deferred = json!({ "recommendation_id": on.id(), "update_kind": "deferral", "stated_on": "2020-09-01", "narrative": "With the refresh" });
    made(&lead, UPDATES, &deferred).await;
    let mut progressing = deferred.clone();
    progressing["implementation"] = "in_progress".into();
    lead.post(UPDATES, &progressing)
        .await
        .problem_at("rule_violation", "/implementation");
    let nothing = json!({ "recommendation_id": on.id(), "update_kind": "refers_to", "stated_on": "2020-09-01", "narrative": "See there" });
    lead.post(UPDATES, &nothing)
        .await
        .problem_at("rule_violation", "/refers_to_ids");
    let request = json!({ "recommendation_id": on.id(), "update_kind": "extension_request", "stated_on": "2020-09-01", "narrative": "Later" });
    lead.post(UPDATES, &request)
        .await
        .problem_at("rule_violation", "/asked_deadline");
    let record = now(&app, &on).await;
    assert_eq!(
        (
            &record["implementation"],
            &record["deferral_count"],
            &record["latest_update_kind"]
        ),
        (&json!("open"), &json!(1), &json!("deferral"))
    );
    made(&lead, UPDATES, &progress(&on, "2020-09-10", None)).await;
    assert_eq!(axes(&app, &on).await, ["in_progress", "none", "none"]);
    made(
        &lead,
        UPDATES,
        &progress(&on, "2020-09-20", Some("partially_implemented")),
    )
    .await;
    let first = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    assert_eq!(
        axes(&app, &on).await,
        ["claimed_implemented", "submitted", "none"]
    );
    lead.post(UPDATES, &claim(&on, "2020-10-02"))
        .await
        .problem_at("rule_violation", "/update_kind");
    assert_eq!(row(&auditor, &on, "2021-06-01").await["timeliness"], "met");
    let mut unreasoned = verdict(&on, &first, "rejected", "2020-12-10");
    unreasoned["reason"] = Value::Null;
    auditor
        .post(VERIFICATIONS, &unreasoned)
        .await
        .problem_at("rule_violation", "/reason");
    auditor
        .post(
            VERIFICATIONS,
            &verdict(&on, &first, "verified", "2020-09-30"),
        )
        .await
        .problem_at("rule_violation", "/decided_on");
    let rejected = made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &first, "rejected", "2020-12-10"),
    )
    .await;
    assert_eq!(
        axes(&app, &on).await,
        ["partially_implemented", "rejected", "none"]
    );
    assert_eq!(now(&app, &on).await["claimed_on"], Value::Null);
    assert_eq!(
        row(&auditor, &on, "2021-06-01").await["timeliness"],
        "overdue",
        "a rejected claim counts as never made"
    );
    auditor
        .post(
            VERIFICATIONS,
            &verdict(&on, &first, "verified", "2020-12-11"),
        )
        .await
        .problem_at("rule_violation", "/claim_id");
    // A second claim, late; a report of less takes it back; a third is verified.
    made(&lead, UPDATES, &claim(&on, "2020-12-15")).await;
    assert_eq!(
        row(&auditor, &on, "2021-06-01").await["timeliness"],
        "met_late"
    );
    made(
        &lead,
        UPDATES,
        &progress(&on, "2020-12-16", Some("not_implemented")),
    )
    .await;
    assert_eq!(axes(&app, &on).await, ["not_implemented", "none", "none"]);
    let third = made(&lead, UPDATES, &claim(&on, "2020-12-20")).await;
    let verified = made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &third, "verified", "2021-01-10"),
    )
    .await;
    assert_eq!(
        axes(&app, &on).await,
        ["claimed_implemented", "verified", "verified"]
    );
    assert_eq!(
        (
            &now(&app, &on).await["verified_on"],
            &now(&app, &on).await["claimed_on"]
        ),
        (&json!("2021-01-10"), &json!("2020-12-20"))
    );
    for body in [
        claim(&on, "2021-02-01"),
        progress(&on, "2021-02-01", Some("in_progress")),
    ] {
        lead.post(UPDATES, &body)
            .await
            .problem_at("rule_violation", "/recommendation_id");
    }
    withdraw(&auditor, VERIFICATIONS, &verified).await;
    assert_eq!(
        axes(&app, &on).await,
        ["claimed_implemented", "submitted", "none"]
    );
    assert_eq!(rejected["result"], "rejected");
}

/// "November 2020" is 30 November 2020; extending moves the deadline and never the first one.
async fn a_deadline_moves_by_extension_only(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker
        .make_with(
            "recommendation",
            json!({ "deadline": { "precision": "month", "due_on": "2020-11-30", "source_text": "November 2020" } }),
        )
        .await;
    let (auditor, post) = (app.role(Role::Auditor), maker.make_named("post").await);
    assert_eq!(on.record["deadline"]["due_on"], "2020-11-30");
    for (day, is) in [
        ("2020-11-30", "due_soon"),
        ("2020-12-01", "overdue"),
        ("2020-10-26", "not_due"),
    ] {
        let row = row(&auditor, &on, day).await;
        assert_eq!(row["timeliness"], is, "{day}");
    }
    for deadline in [
        json!({ "precision": "day", "due_on": "2021-01-31" }),
        json!({ "precision": "unspecified" }),
    ] {
        auditor
            .patch(&on.path, &on.etag, &json!({ "deadline": deadline }))
            .await
            .problem_at("rule_violation", "/deadline");
    }
    let extension = |to: &str, day: &str| {
        json!({
            "recommendation_id": on.id(), "to": { "precision": "month", "due_on": to }, "approver_post_id": post.id(),
            "reason": "The strategy comes later", "approved_on": day
        })
    };
    let mut nobodys = extension("2021-03-31", "2020-11-01");
    nobodys["approver_post_id"] = Value::Null;
    auditor
        .post(EXTENSIONS, &nobodys)
        .await
        .problem_at("rule_violation", "/approver_post_id");
    auditor
        .post(EXTENSIONS, &extension("2020-11-30", "2020-11-01"))
        .await
        .problem_at("rule_violation", "/to/due_on");
    app.role(Role::StrategyManager)
        .post(EXTENSIONS, &extension("2021-03-31", "2020-11-01"))
        .await
        .problem("forbidden");
    let first = made(&auditor, EXTENSIONS, &extension("2021-01-31", "2020-11-01")).await;
    let second = made(&auditor, EXTENSIONS, &extension("2021-03-31", "2020-12-01")).await;
    assert_eq!(
        (
            &first["from"]["due_on"],
            &second["from"]["due_on"],
            &second["days_moved"]
        ),
        (&json!("2020-11-30"), &json!("2021-01-31"), &json!(59))
    );
    let record = now(&app, &on).await;
    assert_eq!(
        (
            &record["deadline"]["due_on"],
            &record["first_deadline"]["due_on"],
            &record["extension_count"]
        ),
        (&json!("2021-03-31"), &json!("2020-11-30"), &json!(2))
    );
    assert_eq!(record["version"], 3, "an extension makes one version");
    assert_eq!(record["first_deadline"]["source_text"], "November 2020");
    withdraw(&auditor, EXTENSIONS, &second).await;
    assert_eq!(now(&app, &on).await["deadline"]["due_on"], "2021-01-31");
    withdraw(&auditor, EXTENSIONS, &first).await;
    let record = now(&app, &on).await;
    assert_eq!(
        (&record["deadline"], &record["extension_count"]),
        (&on.record["deadline"], &json!(0))
    );
    // Without a deadline there is nothing to extend; it is set once.
    let undated = maker
        .make_with(
            "recommendation",
            json!({ "deadline": { "precision": "unspecified" } }),
        )
        .await;
    assert_eq!(
        (
            &undated.record["first_deadline"],
            &row(&auditor, &undated, "2020-12-01").await["timeliness"]
        ),
        (&Value::Null, &json!("no_deadline"))
    );
    let mut body = extension("2021-03-31", "2020-11-01");
    body["recommendation_id"] = undated.id_text().into();
    auditor
        .post(EXTENSIONS, &body)
        .await
        .problem_at("rule_violation", "/recommendation_id");
    let set = auditor
        .patch(
            &undated.path,
            &undated.etag,
            &json!({ "deadline": { "precision": "day", "due_on": "2021-01-31" } }),
        )
        .await;
    assert_eq!(
        set.status(200).json()["first_deadline"]["due_on"],
        "2021-01-31"
    );
}

/// Management proposes that one duplicates another; audit accepts, or does not. No link leads in a
/// circle.
async fn a_duplicate_closes_only_when_audit_accepts(app: TestApp) {
    let maker = Maker::new(&app);
    let (a, b, c) = (
        maker.make_named("recommendation").await,
        maker.make_named("recommendation").await,
        maker.make_named("recommendation").await,
    );
    let (lead, auditor) = (app.role(Role::StrategyManager), app.role(Role::Auditor));
    let link = |from: &Made, relation: &str, to: &Made| json!({ "recommendation_id": from.id(), "relation": relation, "to_id": to.id() });
    for relation in [
        "duplicates",
        "repeats",
        "refers_to",
        "depends_on",
        "addressed_by",
    ] {
        for (from, to) in [(&a, &b), (&b, &c)] {
            lead.post(LINKS, &link(from, relation, to))
                .await
                .status(201);
        }
        for (from, to) in [(&c, &a), (&b, &a), (&a, &a)] {
            auditor
                .post(LINKS, &link(from, relation, to))
                .await
                .problem_at("rule_violation", "/to_id");
        }
        lead.post(LINKS, &link(&a, relation, &b))
            .await
            .problem_at("rule_violation", "/to_id");
    }
    assert_eq!(
        axes(&app, &a).await,
        ["open", "none", "none"],
        "nothing follows from a link"
    );
    let board = maker.make_named("board").await;
    lead.post(LINKS, &link(&a, "duplicates", &board))
        .await
        .problem_at("rule_violation", "/to_id");
    let waits = made(&lead, LINKS, &link(&a, "depends_on", &board)).await;
    let leaning = auditor
        .items(&format!(
            "/api/v1/recommendations?refers_to_id={}",
            board.id()
        ))
        .await;
    assert_eq!(
        leaning.iter().map(|r| &r["id"]).collect::<Vec<_>>(),
        [&a.record["id"]]
    );
    let twin = auditor
        .items(&format!(
            "{LINKS}?recommendation_id={}&relation=duplicates",
            a.id()
        ))
        .await
        .remove(0);
    let closure = |link: &Value| {
        json!({
            "recommendation_id": a.id(), "closure": "duplicate", "closed_on": "2020-12-01", "reason": "One dashboard answers both",
            "duplicate_link_id": link["id"]
        })
    };
    lead.post(CLOSURES, &closure(&twin))
        .await
        .problem("forbidden");
    auditor
        .post(CLOSURES, &closure(&waits))
        .await
        .problem_at("rule_violation", "/duplicate_link_id");
    auditor
        .post(CLOSURES, &closure(&json!({ "id": null })))
        .await
        .problem_at("rule_violation", "/duplicate_link_id");
    let closed = made(&auditor, CLOSURES, &closure(&twin)).await;
    assert_eq!(axes(&app, &a).await, ["open", "none", "duplicate"]);
    assert_eq!(
        row(&auditor, &a, "2021-06-01").await["timeliness"],
        "not_due",
        "nothing is due any more"
    );
    let path = format!("{LINKS}/{}", twin["id"].as_str().unwrap_or_default());
    lead.delete(&path, "\"1\"").await.problem("in_use");
    withdraw(&auditor, CLOSURES, &closed).await;
    assert_eq!(axes(&app, &a).await, ["open", "none", "none"]);
}

/// A closure rests on its ground; a rejection by management alone closes nothing.
async fn a_closure_rests_on_its_ground(app: TestApp) {
    let maker = Maker::new(&app);
    let (on, other) = (
        maker.make_named("recommendation").await,
        maker.make_named("recommendation").await,
    );
    let (auditor, lead, post) = (
        app.role(Role::Auditor),
        app.role(Role::StrategyManager),
        maker.make_named("post").await,
    );
    let response = |to: &Made, is: &str, day: &str| json!({ "recommendation_id": to.id(), "response": is, "text": "We see it otherwise", "responded_on": day });
    let accepts = made(
        &lead,
        "/api/v1/management-responses",
        &response(&on, "accepted", "2020-06-01"),
    )
    .await;
    let rejects = made(
        &lead,
        "/api/v1/management-responses",
        &response(&on, "rejected", "2020-07-01"),
    )
    .await;
    assert_eq!(now(&app, &on).await["management_response"], "rejected");
    assert_eq!(axes(&app, &on).await, ["open", "none", "none"]);
    let close = |closure: &str, ground: &str, id: &Value| {
        json!({
            "recommendation_id": on.id(), "closure": closure, "closed_on": "2020-12-01", "reason": "Agreed with management", ground: id
        })
    };
    for (closure, ground, id) in [
        ("rejected_by_management", "response_id", &accepts["id"]),
        ("rejected_by_management", "response_id", &Value::Null),
        ("superseded", "superseded_by_id", &on.record["id"]),
        ("risk_accepted", "accepted_by_post_id", &Value::Null),
        ("superseded", "accepted_by_post_id", &post.record["id"]),
    ] {
        auditor
            .post(CLOSURES, &close(closure, ground, id))
            .await
            .problem_at("rule_violation", &format!("/{ground}"));
    }
    for (closure, ground, id) in [
        ("rejected_by_management", "response_id", &rejects["id"]),
        ("superseded", "superseded_by_id", &other.record["id"]),
        ("risk_accepted", "accepted_by_post_id", &post.record["id"]),
    ] {
        let closed = made(&auditor, CLOSURES, &close(closure, ground, id)).await;
        assert_eq!(axes(&app, &on).await[2], closure);
        assert_eq!(now(&app, &on).await["closed_on"], "2020-12-01");
        auditor
            .post(CLOSURES, &accepted_risk(&on, &post))
            .await
            .problem_at("rule_violation", "/recommendation_id");
        withdraw(&auditor, CLOSURES, &closed).await;
    }
    assert_eq!(axes(&app, &on).await[2], "none");
}

/// A contributor sees every unit's recommendations and says how far those of their own have come,
/// and no more.
async fn a_contributor_keeps_to_their_unit(app: TestApp) {
    let maker = Maker::new(&app);
    let (ours, theirs) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let mine = maker
        .make_with("recommendation", json!({ "owner_unit_id": ours.id() }))
        .await;
    let other = maker
        .make_with("recommendation", json!({ "owner_unit_id": theirs.id() }))
        .await;
    let client = app.scoped(Role::Contributor, ours.id());
    client.get(&other.path).await.status(200);
    assert_eq!(client.items("/api/v1/recommendations").await.len(), 2);
    assert_eq!(client.items(VIEW).await.len(), 2);
    assert_eq!(
        client
            .items(&format!("/api/v1/recommendations?unit_below={}", ours.id()))
            .await
            .len(),
        1
    );
    for body in [
        progress(&other, "2020-10-01", None),
        claim(&other, "2020-10-01"),
    ] {
        client.post(UPDATES, &body).await.problem("forbidden");
    }
    let bulk = json!({ "operations": [{ "op": "create", "record": claim(&other, "2020-10-01") }] });
    client
        .post(&format!("{UPDATES}/bulk"), &bulk)
        .await
        .problem("forbidden");
    client
        .post(
            LINKS,
            &json!({ "recommendation_id": other.id(), "relation": "refers_to", "to_id": mine.id() }),
        )
        .await
        .problem("forbidden");
    client
        .post(
            "/api/v1/assertions",
            &json!({ "about_id": other.id(), "claim": "Embedded", "said_on": "2020-10-26" }),
        )
        .await
        .problem("forbidden");
    client
        .patch(&mine.path, &mine.etag, &json!({ "title": "Easier" }))
        .await
        .problem("forbidden");
    client
        .post(
            LINKS,
            &json!({ "recommendation_id": mine.id(), "relation": "refers_to", "to_id": other.id() }),
        )
        .await
        .status(201);
    client
        .post(
            "/api/v1/assertions",
            &json!({ "about_id": mine.id(), "claim": "Embedded", "said_on": "2020-10-26" }),
        )
        .await
        .status(201);
    let said = made(&client, UPDATES, &claim(&mine, "2020-10-01")).await;
    client
        .post(
            VERIFICATIONS,
            &verdict(&mine, &said, "verified", "2020-10-02"),
        )
        .await
        .problem("forbidden");
    assert_eq!(axes(&app, &other).await, ["open", "none", "none"]);
}

/// An assertion says of which kind it is; what it is aligned to and which group is meant go with
/// their kinds alone.
async fn an_assertion_says_what_it_says_of_its_record(app: TestApp) {
    let maker = Maker::new(&app);
    let (plan, strategy) = (
        maker.make_named("plan").await,
        maker.make_named("strategy").await,
    );
    let client = maker.client(kind("assertion"));
    let draft = |fields: Value| {
        let mut draft =
            json!({ "about_id": plan.id(), "claim": "So it is", "said_on": "2020-10-26" });
        let fields = fields.as_object().expect("an object").clone();
        draft.as_object_mut().expect("an object").extend(fields);
        draft
    };
    let to = strategy.id();
    let refused = [
        (json!({ "assertion_kind": "aligned" }), "/aligned_to_id"),
        (
            json!({ "assertion_kind": "complete", "aligned_to_id": to }),
            "/aligned_to_id",
        ),
        (json!({ "aligned_to_id": to }), "/aligned_to_id"),
        (
            json!({ "assertion_kind": "none", "group_kind": "business_group" }),
            "/group_kind",
        ),
    ];
    for (fields, at) in some(refused) {
        client
            .post("/api/v1/assertions", &draft(fields))
            .await
            .problem_at("rule_violation", at);
    }
    let aligned = json!({ "assertion_kind": "aligned", "aligned_to_id": to });
    let group = json!({ "assertion_kind": "all_of_group", "group_kind": "business_group" });
    for fields in some([json!({}), aligned, group]) {
        client
            .post("/api/v1/assertions", &draft(fields))
            .await
            .status(201);
    }
    let found = client
        .items("/api/v1/assertions?assertion_kind=aligned,improved")
        .await;
    let kinds: Vec<&Value> = found.iter().map(|a| &a["assertion_kind"]).collect();
    assert_eq!(kinds, ["aligned"]);
}

/// What is marked official_sensitive shows in no list, count, view or figure to who is not cleared.
async fn what_is_marked_stays_invisible(app: TestApp) {
    let maker = Maker::new(&app);
    let open = maker.make_named("recommendation").await;
    let secret = maker
        .make_with("recommendation", json!({ "marking": "official_sensitive" }))
        .await;
    let cleared = app.keeper(kind("recommendation_update"));
    let mut hidden = progress(&open, "2020-10-20", Some("not_implemented"));
    hidden["marking"] = "official_sensitive".into();
    made(&cleared, UPDATES, &hidden).await;
    let viewer = app.role(Role::Viewer);
    let page = viewer
        .get("/api/v1/recommendations?include_total=true")
        .await
        .status(200)
        .json();
    assert_eq!(
        (page["items"].as_array().map(Vec::len), &page["total"]),
        (Some(1), &json!(1))
    );
    let record = &page["items"][0];
    assert_eq!(
        (
            &record["update_count"],
            &record["implementation"],
            &record["latest_update_id"]
        ),
        (&json!(0), &json!("open"), &Value::Null)
    );
    let rows = viewer.items(VIEW).await;
    assert_eq!(
        (
            rows.len(),
            &rows[0]["latest_update"],
            &rows[0]["update_count"]
        ),
        (1, &Value::Null, &json!(0))
    );
    assert_eq!(app.role(Role::Auditor).items(VIEW).await.len(), 2);
    // A control tells nothing of a recommendation that its readers may not know of; nor does one
    // whose review is marked later.
    let risks = app.keeper(kind("control"));
    let verification = async |on: &Made| {
        let control = maker
            .make_with("control", json!({ "recommendation_id": on.id() }))
            .await;
        (
            control.record["recommendation_verification"].clone(),
            control,
        )
    };
    assert_eq!(verification(&secret).await.0, Value::Null);
    let (told, control) = verification(&open).await;
    assert_eq!(told, "none");
    let review = format!(
        "/api/v1/audit-reviews/{}",
        open.record["review_id"].as_str().unwrap_or_default()
    );
    let reviews = app.keeper(kind("audit_review"));
    let etag = reviews.get(&review).await.etag();
    reviews
        .patch(&review, &etag, &json!({ "marking": "official_sensitive" }))
        .await
        .status(200);
    assert_eq!(
        risks.get(&control.path).await.json()["recommendation_verification"],
        Value::Null
    );
    assert_eq!(row(&viewer, &open, "2021-06-01").await, Value::Null);
    assert!(
        viewer
            .items("/api/v1/controls?failing=true")
            .await
            .is_empty()
    );
    assert_eq!(
        app.role(Role::Auditor)
            .items("/api/v1/controls?failing=true")
            .await
            .len(),
        2
    );
}

/// A control that carries out a recommendation is as good as audit has verified, and fails while
/// that is overdue.
async fn a_control_follows_its_recommendation(app: TestApp) {
    let maker = Maker::new(&app);
    let on = maker.make_named("recommendation").await;
    let control = maker
        .make_with("control", json!({ "recommendation_id": on.id() }))
        .await;
    let risk = format!(
        "/api/v1/risks/{}",
        control.record["risk_ids"][0].as_str().unwrap_or_default()
    );
    let (keeper, auditor, lead) = (
        app.keeper(kind("control")),
        app.role(Role::Auditor),
        maker.claimant().await,
    );
    let effective = json!({ "effectiveness": "effective", "assessed_on": "2021-02-01" });
    keeper
        .patch(&control.path, &control.etag, &effective)
        .await
        .problem_at("rule_violation", "/effectiveness");
    let mut draft = maker.draft(kind("control")).await;
    draft["recommendation_id"] = on.id_text().into();
    draft["effectiveness"] = "effective".into();
    draft["assessed_on"] = "2021-02-01".into();
    keeper
        .post("/api/v1/controls", &draft)
        .await
        .problem_at("rule_violation", "/effectiveness");
    let state = async || {
        let c = keeper.get(&control.path).await.json();
        let counted = keeper.get(&risk).await.json()["effective_control_count"].clone();
        (
            c["recommendation_verification"].clone(),
            c["effectiveness_from_recommendation"].clone(),
            c["counted_effectiveness"].clone(),
            counted,
        )
    };
    assert_eq!(
        state().await,
        (
            json!("none"),
            json!("not_assessed"),
            json!("not_assessed"),
            json!(0)
        )
    );
    assert_eq!(keeper.items("/api/v1/controls?failing=true").await.len(), 1);
    let first = made(&lead, UPDATES, &claim(&on, "2020-10-01")).await;
    assert_eq!(state().await.0, "submitted");
    assert!(
        keeper
            .items("/api/v1/controls?failing=true")
            .await
            .is_empty()
    );
    let rejected = made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &first, "rejected", "2020-10-02"),
    )
    .await;
    assert_eq!(
        state().await,
        (
            json!("rejected"),
            json!("ineffective"),
            json!("ineffective"),
            json!(0)
        )
    );
    withdraw(&auditor, VERIFICATIONS, &rejected).await;
    let verified = made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &first, "verified", "2020-10-02"),
    )
    .await;
    assert_eq!(
        state().await,
        (
            json!("verified"),
            json!("effective"),
            json!("effective"),
            json!(1)
        )
    );
    let etag = keeper.get(&control.path).await.etag();
    keeper
        .patch(&control.path, &etag, &effective)
        .await
        .status(200);
    // The assessment stays beside what follows from the recommendation, and does not outrank it.
    withdraw(&auditor, VERIFICATIONS, &verified).await;
    assert_eq!(
        state().await,
        (
            json!("submitted"),
            json!("not_assessed"),
            json!("not_assessed"),
            json!(0)
        )
    );
    let after = keeper.get(&control.path).await.json();
    assert_eq!(after["effectiveness"], "effective");
    let weak = json!({ "effectiveness": "partial" });
    keeper
        .patch(&control.path, &format!("\"{}\"", after["version"]), &weak)
        .await
        .status(200);
    made(
        &auditor,
        VERIFICATIONS,
        &verdict(&on, &first, "verified", "2020-10-02"),
    )
    .await;
    assert_eq!(
        state().await,
        (
            json!("verified"),
            json!("effective"),
            json!("partial"),
            json!(0)
        )
    );
}

/// A control of an older database names its recommendation in words; at a start after the
/// recommendation is on record it gets the link.
async fn words_of_an_older_control_become_a_link(app: TestApp) {
    let maker = Maker::new(&app);
    let risk = maker.make_named("risk").await;
    let mut snapshot: Value =
        serde_json::from_str(include_str!("../../src/registers/risk/control.shape1.json"))
            .expect("JSON");
    snapshot["risk_ids"] = json!([risk.id()]);
    let file = json!({ "format": load::FORMAT, "records": [{ "kind": "control", "shape": 1, "snapshot": snapshot }] });
    load::text(&app.service.engine, &file.to_string())
        .await
        .expect("it is loaded");
    let keeper = app.keeper(kind("control"));
    let path = format!(
        "/api/v1/controls/{}",
        snapshot["id"].as_str().unwrap_or_default()
    );
    let old = keeper.get(&path).await.status(200).json();
    assert_eq!(
        (&old["recommendation_reference"], &old["recommendation_id"]),
        (&json!("DARA-2"), &Value::Null)
    );
    assert_eq!(
        keeper
            .items("/api/v1/controls?unresolved_recommendation=true")
            .await
            .len(),
        1
    );
    keeper
        .patch(
            &path,
            "\"1\"",
            &json!({ "recommendation_reference": "DARA-3" }),
        )
        .await
        .problem_at("invalid_body", "/recommendation_reference");
    let unresolved = app.replica().await;
    assert_eq!(
        unresolved.keeper(kind("control")).get(&path).await.json(),
        old,
        "nothing to link yet"
    );
    unresolved.stop().await;
    let on = maker
        .make_with("recommendation", json!({ "reference": "dara-2" }))
        .await;
    let later = app.replica().await;
    let keeper = later.keeper(kind("control"));
    let linked = keeper.get(&path).await.json();
    assert_eq!(
        (
            &linked["recommendation_reference"],
            &linked["recommendation_id"]
        ),
        (&Value::Null, &on.record["id"])
    );
    assert_eq!(
        (&linked["version"], &linked["recommendation_verification"]),
        (&json!(2), &json!("none"))
    );
    let history = keeper
        .get(&format!("{path}/history"))
        .await
        .status(200)
        .json();
    assert_eq!(
        history["items"].as_array().map(Vec::len),
        Some(2),
        "the change is journalled"
    );
    assert!(
        history["items"][1]["reason"]
            .as_str()
            .is_some_and(|r| r.contains("is now recorded"))
    );
    later.stop().await;
}

/// Opinions are levels of a scale that the administrator keeps; the usual scales come from
/// templates; reviews follow each other in no circle.
async fn an_opinion_is_on_its_scale(app: TestApp) {
    let maker = Maker::new(&app);
    let administrator = app.role(Role::Administrator);
    let path = "/api/v1/assurance-scales/from-template";
    app.role(Role::Auditor)
        .post(path, &Value::Null)
        .await
        .problem("forbidden");
    administrator
        .post(&format!("{path}?template=stars"), &Value::Null)
        .await
        .problem_at("invalid_query", "?template");
    let one = administrator
        .post(
            &format!("{path}?template=substantial_moderate_limited_unsatisfactory"),
            &Value::Null,
        )
        .await
        .status(200)
        .json();
    let scale = &one["items"][0];
    assert_eq!(
        scale["levels"]
            .as_array()
            .map(|l| l.iter().map(|x| x["code"].clone()).collect::<Vec<_>>()),
        Some(vec![
            json!("substantial"),
            json!("moderate"),
            json!("limited"),
            json!("unsatisfactory")
        ])
    );
    let rest = administrator
        .post(path, &Value::Null)
        .await
        .status(200)
        .json();
    assert_eq!(
        rest["items"].as_array().map(Vec::len),
        Some(2),
        "only what is missing"
    );
    let auditor = app.role(Role::Auditor);
    let unit = maker.make_named("unit").await;
    let review = |opinion: &str| {
        json!({
            "title": "Governance", "body_unit_id": unit.id(), "review_kind": "assurance", "scale_id": scale["id"], "opinion": opinion
        })
    };
    auditor
        .post("/api/v1/audit-reviews", &review("adequate"))
        .await
        .problem_at("rule_violation", "/opinion");
    let mut unscaled = review("limited");
    unscaled["scale_id"] = Value::Null;
    auditor
        .post("/api/v1/audit-reviews", &unscaled)
        .await
        .problem_at("rule_violation", "/scale_id");
    let first = made(&auditor, "/api/v1/audit-reviews", &review("limited")).await;
    let scale_path = format!(
        "/api/v1/assurance-scales/{}",
        scale["id"].as_str().unwrap_or_default()
    );
    let shorter = json!({ "levels": [{ "code": "good", "label": "Good" }, { "code": "bad", "label": "Bad" }] });
    administrator
        .patch(&scale_path, "\"1\"", &shorter)
        .await
        .problem_at("rule_violation", "/levels");
    let mut next = review("moderate");
    next["follows_ids"] = json!([first["id"]]);
    let second = made(&auditor, "/api/v1/audit-reviews", &next).await;
    let back = json!({ "follows_ids": [second["id"]] });
    let first_path = format!(
        "/api/v1/audit-reviews/{}",
        first["id"].as_str().unwrap_or_default()
    );
    auditor
        .patch(&first_path, "\"1\"", &back)
        .await
        .problem_at("rule_violation", "/follows_ids/0");
}

/// The view tells in one row what stands where, as JSON and as a table, filtered as asked; and so
/// does the list's filter.
async fn the_view_shows_each_recommendation(app: TestApp) {
    let maker = Maker::new(&app);
    let due = |day: &str| json!({ "deadline": { "precision": "day", "due_on": day } });
    let soon = (chrono::Utc::now().date_naive() + chrono::Days::new(5)).to_string();
    let late = maker.make_with("recommendation", due("2020-06-30")).await;
    let near = maker.make_with("recommendation", due(&soon)).await;
    let lead = maker.claimant().await;
    let parts = json!({
        "recommendation_id": late.id(), "update_kind": "refers_to", "stated_on": "2020-10-26",
        "parts": [{ "label": "a", "text": "See there", "refers_to_ids": [near.id()] }]
    });
    made(&lead, UPDATES, &parts).await;
    let viewer = app.role(Role::Viewer);
    let page = viewer
        .get(&format!("{VIEW}?on=2020-10-26&timeliness=overdue"))
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            page["items"].as_array().map(Vec::len),
            &page["on"],
            &page["settings"]["reference"]
        ),
        (Some(1), &json!("2020-10-26"), &json!("built-in"))
    );
    let row = &page["items"][0];
    assert_eq!(
        (&row["recommendation"]["id"], &row["days"]),
        (&late.record["id"], &json!(-118))
    );
    assert_eq!(
        (
            &row["latest_update"]["update_kind"],
            &row["latest_update"]["parts"][0]["label"]
        ),
        (&json!("refers_to"), &json!("a"))
    );
    assert_eq!(row["latest_update"]["stated_on"], "2020-10-26");
    assert!(row["owner_post"]["title"].is_string() && row["review"]["title"].is_string());
    let csv = viewer.get(&format!("{VIEW}?format=csv")).await;
    assert_eq!(csv.status(200).text().lines().count(), 3);
    assert!(
        csv.text()
            .lines()
            .next()
            .is_some_and(|h| h.contains("deadline.due_on") && h.contains("timeliness")),
        "{}",
        csv.text()
    );
    viewer.get(&format!("{VIEW}?format=xlsx")).await.status(200);
    let review = late.record["review_id"].as_str().unwrap_or_default();
    for (query, wanted) in [
        (format!("review_id={review}"), 1),
        (
            format!(
                "owner_unit_id={}",
                near.record["owner_unit_id"].as_str().unwrap_or_default()
            ),
            1,
        ),
        ("closure=none".into(), 2),
        ("closure=verified".into(), 0),
        ("timeliness=due_soon".into(), 1),
    ] {
        assert_eq!(
            viewer.items(&format!("{VIEW}?{query}")).await.len(),
            wanted,
            "{query}"
        );
        assert_eq!(
            viewer
                .items(&format!("/api/v1/recommendations?{query}"))
                .await
                .len(),
            wanted,
            "{query}"
        );
    }
    assert_eq!(
        viewer
            .items("/api/v1/recommendations?timeliness=due_soon,overdue")
            .await
            .len(),
        2
    );
    viewer
        .get(&format!("{VIEW}?timeliness=late"))
        .await
        .problem_at("invalid_query", "?timeliness");
    viewer
        .get(&format!("{VIEW}?review_id=x"))
        .await
        .problem_at("invalid_query", "?review_id");
    // Before the update was recorded there was none.
    let then = late.record["updated_at"].as_str().unwrap_or_default();
    let before = viewer.items(&format!("{VIEW}?as_of={then}")).await;
    assert_eq!(
        (before.len(), &before[0]["latest_update"]),
        (1, &Value::Null)
    );
    // What is due soon is a setting.
    let set = json!({ "in_force_from": "2020-01-01", "due_soon_days": 2 });
    made(&app.role(Role::Administrator), "/api/v1/settings", &set).await;
    assert!(
        viewer
            .items(&format!("{VIEW}?timeliness=due_soon"))
            .await
            .is_empty()
    );
    assert!(
        viewer
            .items("/api/v1/recommendations?timeliness=due_soon")
            .await
            .is_empty()
    );
}

on_both!(
    nobody_verifies_what_they_claimed,
    nobody_verifies_by_another_account_of_theirs,
    a_link_that_was_removed_or_came_late_counts,
    a_claim_belongs_to_its_author,
    a_loaded_file_does_not_verify_its_own_claims,
    states_follow_from_what_is_recorded,
    a_deadline_moves_by_extension_only,
    a_duplicate_closes_only_when_audit_accepts,
    a_closure_rests_on_its_ground,
    a_contributor_keeps_to_their_unit,
    an_assertion_says_what_it_says_of_its_record,
    what_is_marked_stays_invisible,
    a_control_follows_its_recommendation,
    words_of_an_older_control_become_a_link,
    an_opinion_is_on_its_scale,
    the_view_shows_each_recommendation
);

/// Statements sent to each database since its counting began, by the address of the connection that
/// sent them.
static ASKED: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

struct Counter(String);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                url.clone_into(&mut self.0);
                LAST.with_borrow_mut(|last| url.clone_into(last));
            }
            // On SQLite the follower looks now and then by itself whether a command has written; no
            // request waits for it.
            InstrumentationEvent::StartQuery { .. }
                if !self.0.starts_with("postgres") && on_follower() => {}
            // No request waits until the writer gives back the right to write.
            InstrumentationEvent::StartQuery { query, .. }
                if query.to_string().contains("pg_advisory_unlock") => {}
            InstrumentationEvent::StartQuery { .. } => {
                // The service may have put this one in place of the one that saw the URL.
                if self.0.is_empty() {
                    self.0 = LAST.with_borrow(Clone::clone);
                }
                *asked
                    .get_or_insert_default()
                    .entry(self.0.clone())
                    .or_default() += 1
            }
            _ => {}
        }
    }
}

thread_local! {
    /// The URL that this thread has connected to last.
    static LAST: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

fn on_follower() -> bool {
    std::thread::current().name() == Some("follower")
}

/// How many statements a database was sent up to now.
fn asked(app: &TestApp) -> usize {
    let url = app.store.url();
    let address = url.strip_prefix("sqlite://").unwrap_or(&url);
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    // The service adds to the URL.
    let of = |(url, asked): (&String, &usize)| url.starts_with(address).then_some(*asked);
    asked.as_ref().map_or(0, |a| a.iter().filter_map(of).sum())
}

/// A list of recommendations with their latest updates, and the view of them, ask the database
/// nothing for a row: on SQLite nothing at all, on PostgreSQL whether the journal has moved.
async fn more_rows_need_no_more_queries(app: TestApp) {
    set_default_instrumentation(|| Some(Box::new(Counter(String::new()))))
        .expect("connections from here on are counted");
    // The same database, asked by connections that are counted.
    let counted = app.replica().await;
    let maker = Maker::new(&counted);
    let lead = maker.claimant().await;
    let review = maker.make_named("audit_review").await;
    let viewer = counted.role(Role::Viewer);
    let mut costs = Vec::new();
    for many in [1, 40] {
        let operations: Vec<Value> = (0..many)
            .map(|n| json!({ "op": "create", "record": { "review_id": review.id(), "title": format!("Of {many}: {n}"), "finding": "Found" } }))
            .collect();
        let before = asked(&counted);
        let bulk = counted
            .keeper(kind("recommendation"))
            .post(
                "/api/v1/recommendations/bulk",
                &json!({ "operations": operations }),
            )
            .await;
        assert!(asked(&counted) > before, "the counter counts");
        for result in bulk.status(200).json()["results"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let update = json!({ "recommendation_id": result["record"]["id"], "update_kind": "progress", "stated_on": "2020-10-26", "narrative": "Under way" });
            made(&lead, UPDATES, &update).await;
        }
        for path in [
            "/api/v1/recommendations?limit=200",
            "/api/v1/status/recommendations?limit=200",
            "/api/v1/recommendations?limit=200&timeliness=no_deadline",
        ] {
            let before = asked(&counted);
            let rows = viewer.items(path).await;
            costs.push(asked(&counted) - before);
            assert!(
                rows.len() >= many && some(&rows).all(|r| r["update_count"] == 1),
                "{path}"
            );
        }
    }
    let (few, more) = costs.split_at(3);
    assert_eq!(few, more, "one row or forty cost the same");
    assert!(
        some(&costs).all(|c| *c <= usize::from(app.backend == Backend::Postgres)),
        "{costs:?}"
    );
    counted.stop().await;
}

on_both!(more_rows_need_no_more_queries);
