//! Who gets in, what they may change, and what they may know of.

mod grants;
mod issuers;
mod marking;
mod people;
mod redaction;
mod scope;
mod systems;

use serde_json::{Value, json};
use stride::policy::Role;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::Reply;
use crate::support::maker::{Made, Maker, kind};

pub const PASSWORD: &str = "correct horse battery";

/// An account with a role, for the whole organisation.
async fn account(app: &TestApp, account_kind: &str, role: Role) -> (Made, Made) {
    let maker = Maker::new(app);
    let account = maker
        .create(
            kind("account"),
            &json!({ "account_kind": account_kind, "title": "A post or a system" }),
        )
        .await;
    let grant = maker
        .create(
            kind("grant"),
            &json!({ "account_id": account.id(), "role": role.as_str() }),
        )
        .await;
    (account, grant)
}

/// A person with a role who signs in with `login` and [`PASSWORD`].
pub async fn person(app: &TestApp, login: &str, role: Role) -> (Made, Made) {
    let (mut account, grant) = account(app, "person", role).await;
    set_password(app, &account, login, PASSWORD)
        .await
        .status(204);
    account.etag = etag_now(app, &account).await;
    (account, grant)
}

/// The account's ETag: setting a secret makes a version of it.
async fn etag_now(app: &TestApp, account: &Made) -> String {
    app.keeper(kind("account"))
        .get(&account.path)
        .await
        .status(200)
        .etag()
}

async fn set_password(app: &TestApp, account: &Made, login: &str, password: &str) -> Reply {
    let body = json!({ "login": login, "password": password });
    app.keeper(kind("account"))
        .put(&format!("{}/password", account.path), &body)
        .await
}

pub async fn sign_in(app: &TestApp, login: &str, password: &str) -> Reply {
    app.client
        .post(
            "/auth/login",
            &json!({ "login": login, "password": password }),
        )
        .await
}

async fn ask_token(app: &TestApp, fields: &[(&str, &str)]) -> Reply {
    app.client
        .ask("POST", "/oauth/token")
        .form(fields)
        .send()
        .await
}

pub async fn refresh(app: &TestApp, token: &Value) -> Reply {
    let token = token["refresh_token"].as_str().expect("a refresh token");
    ask_token(
        app,
        &[("grant_type", "refresh_token"), ("refresh_token", token)],
    )
    .await
}

/// What `GET /api/v1/me` answers to the holder of an access token.
pub async fn me(app: &TestApp, token: &Value) -> Reply {
    let token = token["access_token"].as_str().expect("an access token");
    app.client.with_token(token).get("/api/v1/me").await
}

/// An id that belongs to nothing.
pub fn nobody() -> Uuid {
    Uuid::now_v7()
}
