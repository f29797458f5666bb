//! Systems get tokens with their id and secret, and change over from one secret to the next.

use serde_json::{Value, json};
use stride::access::policy::Role;

use super::{account, ask_token, me, nobody};
use crate::support::TestApp;
use crate::support::client::Reply;
use crate::support::maker::{Made, kind};

async fn rotate(app: &TestApp, account: &Made, hours: Value) -> Value {
    let body = json!({ "overlap_hours": hours });
    let reply = app.keeper(kind("account")).post(&format!("{}/secrets", account.path), &body).await;
    reply.status(201).json()
}

async fn token_for(app: &TestApp, id: &str, secret: &Value) -> Reply {
    let secret = secret["client_secret"].as_str().expect("a secret");
    ask_token(
        app,
        &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)],
    )
    .await
}

on_both! {
    /// By form and by HTTP Basic, to write and to read with.
    async fn a_system_gets_a_token(app: TestApp) {
        let (account, _) = account(&app, "service", Role::Viewer).await;
        let secret = rotate(&app, &account, json!(24)).await;
        assert_eq!(secret["client_id"], account.id_text());
        assert_eq!(secret["previous_until_at"], Value::Null, "there was none before");
        let token = token_for(&app, account.id_text(), &secret).await.status(200).json();
        assert_eq!(token["refresh_token"], Value::Null, "a system has its secret");
        assert_eq!(me(&app, &token).await.status(200).json()["account_id"], account.id_text());
        let basic = app.client.ask("POST", "/oauth/token").basic(account.id_text(), secret["client_secret"].as_str().unwrap_or_default());
        let token = basic.form(&[("grant_type", "client_credentials"), ("scope", "read")]).send().await.status(200).json();
        assert_eq!(token["scope"], "read");
        assert_eq!(me(&app, &token).await.status(200).json()["read_only"], true);
    }

    /// The secrets before stay good for the overlap and no longer.
    async fn a_secret_is_changed_without_a_gap(app: TestApp) {
        let (account, _) = account(&app, "service", Role::Viewer).await;
        let id = account.id_text();
        let first = rotate(&app, &account, Value::Null).await;
        let second = rotate(&app, &account, json!(1)).await;
        assert!(second["previous_until_at"].is_string());
        token_for(&app, id, &first).await.status(200);
        token_for(&app, id, &second).await.status(200);
        let third = rotate(&app, &account, json!(0)).await;
        token_for(&app, id, &first).await.problem("bad_credentials");
        token_for(&app, id, &second).await.problem("bad_credentials");
        token_for(&app, id, &third).await.status(200);
    }

    /// Every way to fail is answered alike.
    async fn wrong_credentials_are_refused(app: TestApp) {
        let (account, _) = account(&app, "service", Role::Viewer).await;
        let secret = rotate(&app, &account, Value::Null).await;
        let made_up = json!({ "client_secret": "made-up" });
        token_for(&app, account.id_text(), &made_up).await.problem("bad_credentials");
        token_for(&app, &nobody().to_string(), &secret).await.problem("bad_credentials");
        token_for(&app, "not-an-id", &secret).await.problem("bad_credentials");
        ask_token(&app, &[("grant_type", "client_credentials")]).await.problem("bad_credentials");
        ask_token(&app, &[("grant_type", "refresh_token")]).await.problem("bad_credentials");
        ask_token(&app, &[("grant_type", "refresh_token"), ("refresh_token", "made-up")]).await.problem("bad_credentials");
        let etag = super::etag_now(&app, &account).await;
        app.keeper(kind("account")).patch(&account.path, &etag, &json!({ "status": "disabled" })).await.status(200);
        token_for(&app, account.id_text(), &secret).await.problem("bad_credentials");
    }

    /// The form is as strict as every other body.
    async fn a_form_is_checked(app: TestApp) {
        let long = "x".repeat(1_001);
        for (fields, pointer) in [
            (vec![("grant_type", "password")], "/grant_type"),
            (vec![("scope", "read")], "/grant_type"),
            (vec![("grant_type", "client_credentials"), ("audience", "x")], "/audience"),
            (vec![("grant_type", "client_credentials"), ("grant_type", "refresh_token")], "/grant_type"),
            (vec![("grant_type", "client_credentials"), ("client_secret", long.as_str())], "/client_secret"),
            (vec![("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", "y"), ("scope", "admin")], "/scope"),
        ] {
            ask_token(&app, &fields).await.problem_at("invalid_body", pointer);
        }
        let json = app.client.post("/oauth/token", &json!({ "grant_type": "client_credentials" })).await;
        json.problem("unsupported_media_type");
        assert_eq!(json.header("accept-post"), "application/x-www-form-urlencoded");
    }

    /// Only a system has secrets, and only an administrator gives them.
    async fn a_person_has_no_secret(app: TestApp) {
        let (person, _) = account(&app, "person", Role::Viewer).await;
        let path = format!("{}/secrets", person.path);
        app.role(Role::Administrator).post(&path, &json!({})).await.problem("conflict");
        app.role(Role::Auditor).post(&path, &json!({})).await.problem("forbidden");
        app.role(Role::Administrator).post(&path, &json!({ "overlap_hours": 721 })).await.problem_at("invalid_body", "/overlap_hours");
    }
}
