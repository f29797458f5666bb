//! What an administrator takes away is gone at the next request, not when the token ends.

use std::sync::Arc;

use chrono::{Days, Utc};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use stride::policy::Role;

use super::{PASSWORD, me, person, refresh, sign_in};
use crate::support::TestApp;
use crate::support::maker::{Maker, kind};

/// A disabled account, a withdrawn account.
async fn a_disabled_account_is_out_at_the_next_request(app: TestApp) {
    let (account, grant) = person(&app, "delivery.lead", Role::Viewer).await;
    let admin = app.keeper(kind("account"));
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    me(&app, &token).await.status(200);
    let off = admin
        .patch(
            &account.path,
            &account.etag,
            &json!({ "status": "disabled" }),
        )
        .await;
    me(&app, &token).await.problem("unauthenticated");
    refresh(&app, &token).await.problem("invalid_grant");
    let on = admin
        .patch(
            &account.path,
            &off.status(200).etag(),
            &json!({ "status": "active" }),
        )
        .await;
    me(&app, &token).await.status(200);
    admin.delete(&grant.path, &grant.etag).await.status(200);
    admin
        .delete(&account.path, &on.status(200).etag())
        .await
        .status(200);
    me(&app, &token).await.problem("unauthenticated");
    sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .problem("bad_credentials");
}

/// A withdrawn grant, a changed one, one that has run out.
async fn a_withdrawn_grant_is_gone_at_the_next_request(app: TestApp) {
    let (_, grant) = person(&app, "delivery.lead", Role::StrategyManager).await;
    let admin = app.keeper(kind("grant"));
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    let client = app
        .client
        .with_token(token["access_token"].as_str().unwrap_or_default());
    let may_create = async |wanted: &str| {
        // An empty draft: who may create is told what is missing, who may not is told that.
        client
            .post("/api/v1/strategies", &json!({}))
            .await
            .problem(wanted);
    };
    may_create("invalid_body").await;
    let today = Utc::now().date_naive();
    let yesterday = today.checked_sub_days(Days::new(1));
    let ended = admin
        .patch(&grant.path, &grant.etag, &json!({ "until_on": yesterday }))
        .await;
    may_create("forbidden").await;
    client.get("/api/v1/strategies").await.problem("forbidden");
    let last_day = admin
        .patch(
            &grant.path,
            &ended.status(200).etag(),
            &json!({ "until_on": today }),
        )
        .await;
    may_create("invalid_body").await;
    let less = admin
        .patch(
            &grant.path,
            &last_day.status(200).etag(),
            &json!({ "role": "viewer", "until_on": null }),
        )
        .await;
    may_create("forbidden").await;
    client.get("/api/v1/strategies").await.status(200);
    admin
        .delete(&grant.path, &less.status(200).etag())
        .await
        .status(200);
    client.get("/api/v1/strategies").await.problem("forbidden");
    assert_eq!(
        me(&app, &token).await.status(200).json()["roles"],
        json!([])
    );
}

/// Setting `tokens_valid_from` to now ends every session there is, and none that comes after.
async fn every_session_can_be_ended(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    let admin = app.keeper(kind("account"));
    let now = Utc::now();
    let ended = admin
        .patch(
            &account.path,
            &account.etag,
            &json!({ "tokens_valid_from": now }),
        )
        .await;
    me(&app, &token).await.problem("unauthenticated");
    refresh(&app, &token).await.problem("invalid_grant");
    // A token issued in a later second is valid, and so is a new token if the time is in the past.
    let past = now - chrono::Duration::hours(1);
    admin
        .patch(
            &account.path,
            &ended.status(200).etag(),
            &json!({ "tokens_valid_from": past }),
        )
        .await
        .status(200);
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    me(&app, &token).await.status(200);
}

/// Only the local operator's token carries a role of its own; anyone else's says nothing about
/// roles.
async fn a_role_in_a_token_counts_for_the_operator_alone(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let client = app.with(&stride::access::tokens::Subject {
        account: account.id(),
        client_id: "tests".into(),
        read_only: false,
        acting_as: Some(stride::access::Held {
            role: Role::Administrator,
            scope: None,
            official_sensitive: true,
        }),
    });
    let me = client.get("/api/v1/me").await.status(200).json();
    assert_eq!(
        me["roles"],
        json!([{ "role": "viewer", "scope_id": null, "official_sensitive": false, "source": "grant" }])
    );
    client.get("/api/v1/accounts").await.problem("forbidden");
}

/// Rights add up over an account's grants, and nobody disables the account they act with.
async fn grants_add_up(app: TestApp) {
    let (account, _) = person(&app, "service.owner", Role::Administrator).await;
    let admin = app.keeper(kind("grant"));
    admin
        .post(
            "/api/v1/grants",
            &json!({ "account_id": account.id(), "role": "risk_manager" }),
        )
        .await
        .status(201);
    let token = sign_in(&app, "service.owner", PASSWORD)
        .await
        .status(200)
        .json();
    let client = app
        .client
        .with_token(token["access_token"].as_str().unwrap_or_default());
    client
        .post("/api/v1/risk-registers", &json!({}))
        .await
        .problem("invalid_body");
    client
        .post("/api/v1/units", &json!({}))
        .await
        .problem("invalid_body");
    client
        .post("/api/v1/strategies", &json!({}))
        .await
        .problem("forbidden");
    client
        .patch(
            &account.path,
            &account.etag,
            &json!({ "status": "disabled" }),
        )
        .await
        .problem_at("rule_violation", "/status");
    let scoped =
        json!({ "account_id": account.id(), "role": "administrator", "scope_id": super::nobody() });
    admin
        .post("/api/v1/grants", &scoped)
        .await
        .problem_at("rule_violation", "/scope_id");
}

/// In a database from before accounts kept them, earlier persons are found in the journal, once.
async fn earlier_persons_are_found_in_the_journal(app: TestApp) {
    let maker = Maker::new(&app);
    let (_, account, _) = maker.account("viewer").await;
    let person = maker.make_named("person").await;
    maker.belongs_to(&account, Some(person.id())).await;
    let unlinked = maker.belongs_to(&account, None).await;
    app.stop().await;
    let id = person.id_text();
    let older = format!(
        "UPDATE records SET body = \
            replace(body, '\"linked_person_ids\":[\"{id}\"]', '\"linked_person_ids\":[]'); \
         INSERT INTO earlier_persons (account_id) SELECT DISTINCT record_id FROM journal \
            WHERE kind = 'account' AND snapshot LIKE '%\"person_id\":\"%';"
    );
    let address = stride::db::Address::parse(&app.store.url()).expect("a database");
    let mut conn = address.connect().expect("a connection");
    conn.batch_execute(&older).expect("an older database");
    drop(conn);
    for _ in 0..2 {
        let started = TestApp::on(Arc::clone(&app.store), app.backend, |_| {}).await;
        let now = started.keeper(account.kind).get(&account.path).await;
        let now = now.status(200).json();
        assert_eq!(now["linked_person_ids"], unlinked["linked_person_ids"]);
        let version = unlinked["version"].as_i64().expect("a version") + 1;
        assert_eq!(now["version"], version, "found once");
        started.stop().await;
    }
}

/// Nobody grants a role to an account of their own: not to the one they are signed in with, nor to
/// another of the same person, whether the two are linked now or were.
async fn nobody_grants_to_themselves(app: TestApp) {
    let maker = Maker::new(&app);
    let (administrator, account, grant) = maker.account("administrator").await;
    let (_, second, _) = maker.account("viewer").await;
    let own = json!({ "account_id": account.id(), "role": "auditor" });
    let other = json!({ "account_id": second.id(), "role": "auditor" });
    let post = async |draft: &Value| administrator.post("/api/v1/grants", draft).await;
    post(&own).await.problem_at("forbidden", "/account_id");
    administrator
        .patch(
            &grant.path,
            &grant.etag,
            &json!({ "official_sensitive": true }),
        )
        .await
        .problem_at("forbidden", "/account_id");
    let granted = post(&other).await.status(201).json();
    let person = maker.make_named("person").await;
    maker.belongs_to(&account, Some(person.id())).await;
    maker.belongs_to(&second, Some(person.id())).await;
    post(&other).await.problem_at("forbidden", "/account_id");
    // Removing the link does not separate the two accounts.
    let unlinked = maker.belongs_to(&second, None).await;
    assert_eq!(unlinked["linked_person_ids"], json!([person.id()]));
    post(&other).await.problem_at("forbidden", "/account_id");
    // Giving up a role is open to everybody.
    let path = format!(
        "/api/v1/grants/{}",
        granted["id"].as_str().unwrap_or_default()
    );
    administrator.delete(&path, "\"1\"").await.status(200);
    administrator
        .post(&format!("{path}/restore"), &json!({}))
        .await
        .problem_at("forbidden", "/account_id");
    let (another, _, _) = maker.account("administrator").await;
    another.post("/api/v1/grants", &own).await.status(201);
}

on_both!(
    a_disabled_account_is_out_at_the_next_request,
    a_withdrawn_grant_is_gone_at_the_next_request,
    every_session_can_be_ended,
    a_role_in_a_token_counts_for_the_operator_alone,
    grants_add_up,
    earlier_persons_are_found_in_the_journal,
    nobody_grants_to_themselves
);
