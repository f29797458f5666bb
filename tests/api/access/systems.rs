//! Systems get tokens with their id and secret, and change over from one secret to the next.

use serde_json::{Value, json};
use stride::policy::Role;

use super::{account, ask_token, me, nobody};
use crate::support::client::Reply;
use crate::support::maker::{Made, kind};
use crate::support::{TestApp, some};

async fn rotate(app: &TestApp, account: &Made, hours: Value) -> Value {
    let body = json!({ "overlap_hours": hours });
    let reply = app
        .keeper(kind("account"))
        .post(&format!("{}/secrets", account.path), &body)
        .await;
    reply.status(201).json()
}

async fn token_for(app: &TestApp, id: &str, secret: &Value) -> Reply {
    let secret = secret["client_secret"].as_str().expect("a secret");
    ask_token(
        app,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
        ],
    )
    .await
}

/// What a client that knows RFC 6749 alone reads of a refusal.
#[track_caller]
fn assert_oauth(reply: &Reply, status: u16, error: &str) {
    let body = reply.status(status).json();
    assert_eq!(body["error"], error, "{body:#}");
    let description = body["error_description"].as_str().unwrap_or_default();
    let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    assert!(some(description.chars()).all(allowed), "{description}");
}

/// By form and by HTTP Basic, to write and to read with.
async fn a_system_gets_a_token(app: TestApp) {
    let (account, _) = account(&app, "service", Role::Viewer).await;
    let secret = rotate(&app, &account, json!(24)).await;
    assert_eq!(secret["client_id"], account.id_text());
    assert_eq!(
        secret["previous_until_at"],
        Value::Null,
        "there was none before"
    );
    let token = token_for(&app, account.id_text(), &secret)
        .await
        .status(200)
        .json();
    assert_eq!(
        token["refresh_token"],
        Value::Null,
        "a system has its secret"
    );
    assert_eq!(
        me(&app, &token).await.status(200).json()["account_id"],
        account.id_text()
    );
    let basic = app.client.ask("POST", "/oauth/token").basic(
        account.id_text(),
        secret["client_secret"].as_str().unwrap_or_default(),
    );
    let token = basic
        .form(&[("grant_type", "client_credentials"), ("scope", "read")])
        .send()
        .await
        .status(200)
        .json();
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
    token_for(&app, id, &first).await.problem("invalid_client");
    token_for(&app, id, &second).await.problem("invalid_client");
    token_for(&app, id, &third).await.status(200);
}

/// Every way to fail is answered alike.
async fn wrong_credentials_are_refused(app: TestApp) {
    let (account, _) = account(&app, "service", Role::Viewer).await;
    let secret = rotate(&app, &account, Value::Null).await;
    let made_up = json!({ "client_secret": "made-up" });
    token_for(&app, account.id_text(), &made_up)
        .await
        .problem("invalid_client");
    token_for(&app, &nobody().to_string(), &secret)
        .await
        .problem("invalid_client");
    token_for(&app, "not-an-id", &secret)
        .await
        .problem("invalid_client");
    ask_token(&app, &[("grant_type", "client_credentials")])
        .await
        .problem("invalid_client");
    ask_token(&app, &[("grant_type", "refresh_token")])
        .await
        .problem("invalid_grant");
    ask_token(
        &app,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", "made-up"),
        ],
    )
    .await
    .problem("invalid_grant");
    let etag = super::etag_now(&app, &account).await;
    app.keeper(kind("account"))
        .patch(&account.path, &etag, &json!({ "status": "disabled" }))
        .await
        .status(200);
    token_for(&app, account.id_text(), &secret)
        .await
        .problem("invalid_client");
}

/// Refusals are those of RFC 6749, section 5.2, for clients that know nothing of problems.
async fn a_refusal_is_one_that_oauth_clients_know(app: TestApp) {
    let (account, _) = account(&app, "service", Role::Viewer).await;
    let (id, secret) = (account.id_text(), rotate(&app, &account, Value::Null).await);
    let secret = secret["client_secret"].as_str().expect("a secret");
    let long = "x".repeat(1_001);
    let grant = ("grant_type", "client_credentials");
    for (fields, error, pointer) in [
        (
            vec![("grant_type", "password")],
            "unsupported_grant_type",
            "/grant_type",
        ),
        (vec![("scope", "read")], "invalid_request", "/grant_type"),
        (vec![("grant_type", "")], "invalid_request", "/grant_type"),
        (
            vec![grant, ("grant_type", "refresh_token")],
            "invalid_request",
            "/grant_type",
        ),
        (
            vec![grant, ("client_secret", long.as_str())],
            "invalid_request",
            "/client_secret",
        ),
        (
            vec![
                grant,
                ("client_id", id),
                ("client_secret", secret),
                ("scope", "admin"),
            ],
            "invalid_scope",
            "/scope",
        ),
    ] {
        let refused = ask_token(&app, &fields).await;
        refused.problem_at(error, pointer);
        assert_oauth(&refused, 400, error);
    }
    let wrong = ask_token(
        &app,
        &[grant, ("client_id", id), ("client_secret", "made-up")],
    )
    .await;
    assert_oauth(&wrong, 401, "invalid_client");
    assert!(wrong.header("www-authenticate").starts_with("Basic "));
    // A system has no refresh tokens, and proves who it is before it is told so.
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", id),
    ];
    let mut with_secret = refresh.to_vec();
    with_secret.push(("client_secret", secret));
    assert_oauth(
        &ask_token(&app, &with_secret).await,
        400,
        "unauthorized_client",
    );
    assert_oauth(&ask_token(&app, &refresh).await, 400, "invalid_grant");
    // What every operation can refuse with says it too.
    let json = app
        .client
        .post(
            "/oauth/token",
            &json!({ "grant_type": "client_credentials" }),
        )
        .await;
    json.problem("unsupported_media_type");
    assert_oauth(&json, 415, "invalid_request");
    assert_eq!(
        json.header("accept-post"),
        "application/x-www-form-urlencoded"
    );
    let query = app
        .client
        .ask("POST", "/oauth/token?x=1")
        .form(&[grant])
        .send()
        .await;
    query.problem("invalid_query");
    assert_oauth(&query, 400, "invalid_request");
    // Other operations do not.
    assert_eq!(
        app.client.get("/livez?x=1").await.json()["error"],
        Value::Null
    );
}

/// Clients of every make: a secret encoded before it is sent, parameters that the service does not
/// know, some without a value.
async fn any_client_gets_its_token(app: TestApp) {
    let (account, _) = account(&app, "service", Role::Viewer).await;
    let (id, secret) = (account.id_text(), rotate(&app, &account, Value::Null).await);
    let secret = secret["client_secret"].as_str().expect("a secret");
    let grant = ("grant_type", "client_credentials");
    let fields = [
        grant,
        ("client_id", id),
        ("client_secret", secret),
        ("audience", "https://stride.example"),
        ("scope", ""),
    ];
    let token = ask_token(&app, &fields).await;
    assert_eq!(token.status(200).json()["scope"], "read write");
    assert!(token.header("cache-control").contains("no-store"));
    assert_eq!(token.header("pragma"), "no-cache");
    let encoded = |text: &str| {
        text.bytes()
            .map(|b| format!("%{b:02X}"))
            .collect::<String>()
    };
    let basic = || {
        app.client
            .ask("POST", "/oauth/token")
            .basic(&encoded(id), &encoded(secret))
    };
    basic()
        .form(&[grant, ("client_id", id)])
        .send()
        .await
        .status(200);
    for twice in [("client_secret", secret), ("client_id", "another")] {
        let refused = basic().form(&[grant, twice]).send().await;
        refused.problem_at("invalid_request", &format!("/{}", twice.0));
    }
    for bad in ["Basic", "Basic ", "Basic !", "Basic bm9jb2xvbg=="] {
        let refused = app
            .client
            .ask("POST", "/oauth/token")
            .header("authorization", bad)
            .form(&[grant])
            .send()
            .await;
        assert_oauth(&refused, 401, "invalid_client");
    }
}

/// Only a system has secrets, and only an administrator gives them.
async fn a_person_has_no_secret(app: TestApp) {
    let (person, _) = account(&app, "person", Role::Viewer).await;
    let path = format!("{}/secrets", person.path);
    app.role(Role::Administrator)
        .post(&path, &json!({}))
        .await
        .problem("conflict");
    app.role(Role::Auditor)
        .post(&path, &json!({}))
        .await
        .problem("forbidden");
    app.role(Role::Administrator)
        .post(&path, &json!({ "overlap_hours": 721 }))
        .await
        .problem_at("invalid_body", "/overlap_hours");
}

on_both!(
    a_system_gets_a_token,
    a_secret_is_changed_without_a_gap,
    wrong_credentials_are_refused,
    a_refusal_is_one_that_oauth_clients_know,
    any_client_gets_its_token,
    a_person_has_no_secret
);
