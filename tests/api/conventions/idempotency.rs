//! A request with a key can be repeated.

use serde_json::{Value, json};
use stride::policy::Role;
use stride::registers::catalogue;

use crate::support::client::MERGE_PATCH;
use crate::support::maker::{Maker, collection, kind};
use crate::support::{TestApp, some};

/// The same key and the same request: the first answer again, and nothing done twice. Another
/// request with the key: 422.
async fn a_repeated_request_is_answered_as_the_first_time(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let draft = maker.draft(kind).await;
        let client = maker.client(kind);
        let key = format!("key-{}", kind.name);
        let send = |body: &Value| {
            client
                .ask("POST", &collection(kind))
                .header("idempotency-key", &key)
                .json(body)
                .send()
        };
        let first = send(&draft).await;
        first.status(201);
        let seq = app.seq().await;
        let again = send(&draft).await;
        assert_eq!(
            (
                again.status,
                &again.body,
                again.etag(),
                again.header("location")
            ),
            (201, &first.body, first.etag(), first.header("location"))
        );
        assert_eq!(
            (
                again.header("idempotency-replayed"),
                first.header_if("idempotency-replayed")
            ),
            ("true", None)
        );
        let mut other = draft.clone();
        other["marking"] = "official_sensitive".into();
        send(&other)
            .await
            .problem_at("idempotency_key_reused", "Idempotency-Key");
        assert_eq!(app.seq().await, seq, "{}", kind.name);
        if kind.append_only {
            continue;
        }
        let path = first.header("location").to_owned();
        let patch = maker.patch();
        let send = |etag: &'static str| {
            let ask = client
                .ask("PATCH", &path)
                .header("idempotency-key", &format!("{key}-patch"))
                .header("if-match", etag);
            ask.body(MERGE_PATCH, patch.to_string()).send()
        };
        let changed = send("\"1\"").await;
        let again = send("\"1\"").await;
        assert_eq!(
            (again.status(200).body.clone(), again.etag()),
            (changed.status(200).body.clone(), changed.etag()),
            "{}",
            kind.name
        );
        send("\"2\"").await.problem("idempotency_key_reused");
    }
}

/// A request that failed may be mended under the same key; a key is one caller's own.
async fn a_key_is_used_up_by_success_alone(app: TestApp) {
    let maker = Maker::new(&app);
    let client = maker.client(kind("unit"));
    let send = |body: Value| {
        client
            .ask("POST", "/api/v1/units")
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    send(json!({ "title": "A unit" }))
        .await
        .problem_at("invalid_body", "/unit_kind");
    let made = send(json!({ "title": "A unit", "unit_kind": "unit" })).await;
    made.status(201);
    let (other, _) = crate::access::person(&app, "service.owner", Role::Administrator).await;
    let token = crate::access::sign_in(&app, "service.owner", crate::access::PASSWORD)
        .await
        .status(200)
        .json();
    let client = app
        .client
        .with_token(token["access_token"].as_str().unwrap_or_default());
    let ask = client
        .ask("POST", "/api/v1/units")
        .header("idempotency-key", "k");
    let theirs = ask
        .json(&json!({ "title": "A unit", "unit_kind": "unit" }))
        .send()
        .await;
    assert_ne!(theirs.status(201).json()["id"], made.json()["id"]);
    assert!(!other.reference().is_empty());
    for bad in ["", "a b", "x\ty", &"x".repeat(256)] {
        let ask = client
            .ask("POST", "/api/v1/units")
            .header("idempotency-key", bad);
        ask.json(&json!({ "title": "A unit", "unit_kind": "unit" }))
            .send()
            .await
            .problem_at("invalid_header", "Idempotency-Key");
    }
}

/// Repeats that arrive together do it once.
async fn repeats_that_arrive_together_do_it_once(app: TestApp) {
    let client = app.keeper(kind("unit"));
    let body = json!({ "title": "A unit", "unit_kind": "unit" });
    let send = || {
        client
            .ask("POST", "/api/v1/units")
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    let all = futures_util::future::join_all((0..8).map(|_| send())).await;
    let first = all[0].status(201).json();
    assert!(some(&all).all(|r| r.json() == first));
    assert_eq!(client.items("/api/v1/units").await.len(), 1);
}

on_both!(
    a_repeated_request_is_answered_as_the_first_time,
    a_key_is_used_up_by_success_alone,
    repeats_that_arrive_together_do_it_once
);
