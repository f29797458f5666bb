//! People sign in with name and password and keep their session by refresh tokens.

use serde_json::json;
use stride::policy::Role;

use super::{PASSWORD, account, ask_token, me, person, refresh, set_password, sign_in};
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

on_both!(
    a_person_signs_in,
    a_wrong_name_and_a_wrong_password_are_answered_alike,
    a_name_that_fails_must_wait,
    a_refresh_token_used_twice_ends_its_family,
    a_refresh_token_used_twice_at_once_gives_one_session,
    a_narrow_session_stays_narrow,
    a_new_password_ends_the_old_sessions,
    a_name_is_taken_once
);
