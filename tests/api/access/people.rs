//! People sign in with name and password and keep their session by refresh tokens.

use serde_json::{Value, json};
use stride::policy::Role;

use super::{PASSWORD, account, ask_token, me, person, refresh, set_password, sign_in};
use crate::support::client::{Client, Reply};
use crate::support::maker::kind;
use crate::support::{TestApp, some};

/// A token from a sign-in opens what the account's grants open.
async fn a_person_signs_in(app: TestApp) {
    let (account, _) = person(&app, "Delivery.Lead", Role::Viewer).await;
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    assert_eq!(
        (&token["token_type"], &token["expires_in"], &token["scope"]),
        (&json!("Bearer"), &json!(900), &json!("read write"))
    );
    let me = me(&app, &token).await.status(200).json();
    assert_eq!(me["account_id"], account.id_text());
    assert_eq!(
        me["roles"],
        json!([{ "role": "viewer", "scope_id": null, "official_sensitive": false, "source": "grant" }])
    );
    // In any case, as it is stored.
    sign_in(&app, "DELIVERY.lead", PASSWORD).await.status(200);
}

/// A wrong password, an unknown name, a disabled account: the same answer, so that nobody learns
/// which names there are.
async fn a_wrong_name_and_a_wrong_password_are_answered_alike(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let wrong = sign_in(&app, "delivery.lead", "correct horse batterx")
        .await
        .problem("bad_credentials");
    let unknown = sign_in(&app, "delivery.load", PASSWORD)
        .await
        .problem("bad_credentials");
    app.keeper(kind("account"))
        .patch(
            &account.path,
            &account.etag,
            &json!({ "status": "disabled" }),
        )
        .await
        .status(200);
    let disabled = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .problem("bad_credentials");
    for other in [unknown, disabled] {
        for field in ["title", "detail", "status", "errors", "instance"] {
            assert_eq!(wrong[field], other[field]);
        }
    }
}

/// After five failures a name must wait, known or not, the right password included.
async fn a_name_that_fails_must_wait(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    for name in ["delivery.lead", "nobody.at.all"] {
        for _ in 0..5 {
            sign_in(&app, name, "wrong")
                .await
                .problem("bad_credentials");
        }
        let refused = sign_in(&app, name, PASSWORD).await;
        refused.problem("too_many_requests");
        assert!(
            refused
                .header("retry-after")
                .parse::<u64>()
                .is_ok_and(|s| s > 0)
        );
    }
    person(&app, "another.lead", Role::Viewer).await;
    sign_in(&app, "another.lead", PASSWORD).await.status(200);
}

/// Each refresh token is good once. One that is used again was stolen from one side or the other:
/// the whole family ends.
async fn a_refresh_token_used_twice_ends_its_family(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    let first = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    let other_session = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    let second = refresh(&app, &first).await.status(200).json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    me(&app, &second).await.status(200);
    let third = refresh(&app, &second).await.status(200).json();
    refresh(&app, &first).await.problem("invalid_grant");
    refresh(&app, &third).await.problem("invalid_grant");
    refresh(&app, &other_session).await.status(200);
}

/// Two uses at the same moment: one token at most comes of them.
async fn a_refresh_token_used_twice_at_once_gives_one_session(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    let uses = futures_util::future::join_all((0..4).map(|_| refresh(&app, &token))).await;
    let good = uses.iter().filter(|r| r.status == 200).count();
    assert!(good <= 1, "{good} of four uses gave a token");
    for refused in some(uses.iter().filter(|r| r.status != 200)) {
        refused.problem("invalid_grant");
    }
}

/// What was asked for to read with never grows into more.
async fn a_narrow_session_stays_narrow(app: TestApp) {
    person(&app, "service.owner", Role::Administrator).await;
    let body = json!({ "login": "service.owner", "password": PASSWORD, "scope": "read" });
    let token = app
        .client
        .post("/auth/login", &body)
        .await
        .status(200)
        .json();
    assert_eq!(token["scope"], "read");
    let old = token["refresh_token"].as_str().unwrap_or_default();
    let again = ask_token(
        &app,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", old),
            ("scope", "read write"),
        ],
    )
    .await;
    let again = again.status(200).json();
    assert_eq!(again["scope"], "read");
    let client = app
        .client
        .with_token(again["access_token"].as_str().unwrap_or_default());
    client.get("/api/v1/accounts").await.status(200);
    let draft = json!({ "title": "A unit", "unit_kind": "unit" });
    let refused = client
        .post("/api/v1/units", &draft)
        .await
        .problem("forbidden");
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|d| d.contains("read write")),
        "{refused}"
    );
    // And a wide one can be narrowed.
    let wide = sign_in(&app, "service.owner", PASSWORD)
        .await
        .status(200)
        .json();
    let old = wide["refresh_token"].as_str().unwrap_or_default();
    let narrow = ask_token(
        &app,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", old),
            ("scope", "read"),
        ],
    )
    .await;
    assert_eq!(narrow.status(200).json()["scope"], "read");
}

/// A new password ends the one before it and every session that could be kept.
async fn a_new_password_ends_the_old_sessions(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let token = sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .status(200)
        .json();
    set_password(&app, &account, "delivery.lead", "battery staple correct")
        .await
        .status(204);
    refresh(&app, &token).await.problem("invalid_grant");
    sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .problem("bad_credentials");
    sign_in(&app, "delivery.lead", "battery staple correct")
        .await
        .status(200);
}

/// One name, one account; and only people have one.
async fn a_name_is_taken_once(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    let (other, _) = account(&app, "person", Role::Viewer).await;
    set_password(&app, &other, "DELIVERY.LEAD", PASSWORD)
        .await
        .problem_at("reference_taken", "/login");
    let (system, _) = account(&app, "service", Role::Viewer).await;
    set_password(&app, &system, "system", PASSWORD)
        .await
        .problem("conflict");
    for (login, password, field) in [
        ("a b", PASSWORD, "/login"),
        ("ab", PASSWORD, "/login"),
        ("abc", "short", "/password"),
    ] {
        set_password(&app, &other, login, password)
            .await
            .problem_at("invalid_body", field);
    }
}

/// However many tries come at once, five are looked at; the others wait.
async fn tries_at_once_are_counted_before_they_are_checked(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    let tries = (0..40).map(|_| sign_in(&app, "delivery.lead", "wrong"));
    let replies = futures_util::future::join_all(tries).await;
    let looked_at = replies.iter().filter(|r| r.status == 401).count();
    assert_eq!((looked_at, replies.len()), (5, 40));
    for refused in some(replies.iter().filter(|r| r.status != 401)) {
        refused.problem("too_many_requests");
    }
}

/// The tokens of a person who signed in, and a client that sends them.
async fn session(app: &TestApp) -> (Value, Client) {
    let reply = sign_in(app, "delivery.lead", PASSWORD).await;
    let token = reply.status(200).json();
    let client = client_of(app, &token);
    (token, client)
}

fn client_of(app: &TestApp, token: &Value) -> Client {
    let access = token["access_token"].as_str().expect("a token");
    app.client.with_token(access)
}

async fn change_password(client: &Client, current: &str, new: &str) -> Reply {
    let body = json!({ "current_password": current, "password": new });
    client.put("/api/v1/me/password", &body).await
}

/// A password that is easily guessed is refused, no matter who sets it.
async fn an_easily_guessed_password_is_refused(app: TestApp) {
    let (account, _) = person(&app, "delivery.lead", Role::Viewer).await;
    let (_, own) = session(&app).await;
    for weak in [
        "password1234",
        "delivery.lead",
        "Delivery.Lead2026",
        "aaaaaaaaaaaaaaaa",
        "qwertyuiop123",
    ] {
        let reply = set_password(&app, &account, "delivery.lead", weak).await;
        reply.problem_at("rule_violation", "/password");
        let reply = change_password(&own, PASSWORD, weak).await;
        reply.problem_at("rule_violation", "/password");
    }
}

/// People change their own password; what was signed in with the old one ends.
async fn a_person_changes_their_own_password(app: TestApp) {
    const NEW: &str = "purple tractor under seven moons";
    person(&app, "delivery.lead", Role::Viewer).await;
    let (token, own) = session(&app).await;
    change_password(&own, "wrong", NEW)
        .await
        .problem("bad_credentials");
    change_password(&own, PASSWORD, NEW).await.status(204);
    refresh(&app, &token).await.problem("invalid_grant");
    sign_in(&app, "delivery.lead", PASSWORD)
        .await
        .problem("bad_credentials");
    sign_in(&app, "delivery.lead", NEW).await.status(200);
    // The command line has no password.
    let system = app.role(Role::Viewer);
    change_password(&system, PASSWORD, NEW)
        .await
        .problem("conflict");
}

/// A revoked refresh token ends its own session; signing out ends them all, access tokens included,
/// and a sign-in after that works at once.
async fn a_session_ends_when_its_owner_says_so(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    let ((first, _), (second, _)) = (session(&app).await, session(&app).await);
    let revoke = async |token: &str| {
        let ask = app.client.ask("POST", "/oauth/revoke");
        let form = [("token", token), ("token_type_hint", "refresh_token")];
        ask.form(&form).send().await
    };
    revoke(first["refresh_token"].as_str().expect("a token"))
        .await
        .status(200);
    revoke("unknown").await.status(200);
    revoke("").await.problem_at("invalid_request", "/token");
    revoke(&"x".repeat(1_001))
        .await
        .problem_at("invalid_request", "/token");
    refresh(&app, &first).await.problem("invalid_grant");
    let other = refresh(&app, &second).await.status(200).json();
    me(&app, &other).await.status(200);
    let signed_out = client_of(&app, &other)
        .post("/api/v1/me/sign-out", &Value::Null)
        .await;
    signed_out.status(204);
    me(&app, &other).await.problem("unauthenticated");
    refresh(&app, &other).await.problem("invalid_grant");
    let (again, _) = session(&app).await;
    me(&app, &again).await.status(200);
}

/// However a name is spelt, tries are counted together.
async fn another_spelling_waits_too(app: TestApp) {
    person(&app, "delivery.lead", Role::Viewer).await;
    for _ in 0..5 {
        sign_in(&app, "delivery.lead", "wrong")
            .await
            .problem("bad_credentials");
    }
    sign_in(&app, "Delivery.LEAD", PASSWORD)
        .await
        .problem("too_many_requests");
}

/// The sessions of an account that was disabled or withdrawn have ended for good.
async fn a_disabled_account_stays_signed_out(app: TestApp) {
    for is_withdrawn in some([false, true]) {
        let login = format!("lead.{is_withdrawn}");
        let (account, _) = person(&app, &login, Role::Viewer).await;
        let token = sign_in(&app, &login, PASSWORD).await.status(200).json();
        let admin = app.keeper(kind("account"));
        let tag = admin.get(&account.path).await.etag();
        if is_withdrawn {
            let grants = format!("/api/v1/grants?account_id={}", account.id());
            for grant in some(admin.items(&grants).await) {
                let path = format!("/api/v1/grants/{}", grant["id"].as_str().expect("an id"));
                let tag = admin.get(&path).await.etag();
                admin.delete(&path, &tag).await.status(200);
            }
            admin.delete(&account.path, &tag).await.status(200);
            admin
                .post(&format!("{}/restore", account.path), &Value::Null)
                .await
                .status(200);
        } else {
            let off = json!({ "status": "disabled" });
            let off = admin.patch(&account.path, &tag, &off).await;
            let tag = off.status(200).etag();
            let on = json!({ "status": "active" });
            admin.patch(&account.path, &tag, &on).await.status(200);
        }
        refresh(&app, &token).await.problem("invalid_grant");
        sign_in(&app, &login, PASSWORD).await.status(200);
    }
}

on_both!(
    tries_at_once_are_counted_before_they_are_checked,
    an_easily_guessed_password_is_refused,
    a_person_changes_their_own_password,
    a_session_ends_when_its_owner_says_so,
    a_person_signs_in,
    a_wrong_name_and_a_wrong_password_are_answered_alike,
    a_name_that_fails_must_wait,
    a_refresh_token_used_twice_ends_its_family,
    a_refresh_token_used_twice_at_once_gives_one_session,
    a_narrow_session_stays_narrow,
    a_new_password_ends_the_old_sessions,
    a_name_is_taken_once,
    another_spelling_waits_too,
    a_disabled_account_stays_signed_out
);
