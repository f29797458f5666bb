//! A request is named in its answer, in the log and in the journal.

use crate::support::{TestApp, some};
use serde_json::json;
use stride::policy::Role;

/// A caller's own name for a request is taken if it is of the documented form; else it is given
/// one.
async fn a_request_keeps_its_name(app: TestApp) {
    let client = app.role(Role::Administrator);
    let longest = "x".repeat(64);
    for good in ["a", "A.b_c-1", &longest] {
        for (path, status) in [
            ("/api/v1/units", 200),
            ("/api/v1/nothing", 404),
            ("/livez", 200),
            ("/api/v1/units?x=1", 400),
        ] {
            let reply = client
                .ask("GET", path)
                .header("x-request-id", good)
                .send()
                .await;
            assert_eq!(reply.status(status).header("x-request-id"), good, "{path}");
        }
    }
    let too_long = "x".repeat(65);
    for bad in ["", " ", "a b", "a/b", "a\tb", "<script>", "a,b", &too_long] {
        let reply = client
            .ask("GET", "/api/v1/units")
            .header("x-request-id", bad)
            .send()
            .await;
        let given = reply.status(200).header("x-request-id");
        assert_ne!(given, bad);
        assert!(
            (1..=64).contains(&given.len())
                && some(given.bytes()).all(|b| b.is_ascii_alphanumeric())
        );
    }
    let (one, two) = (client.get("/livez").await, client.get("/livez").await);
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    let ask = client
        .ask("POST", "/api/v1/units")
        .header("x-request-id", "in-the-journal");
    ask.json(&json!({ "title": "A unit", "unit_kind": "unit" }))
        .send()
        .await
        .status(201);
    let journal = client.items("/api/v1/journal").await;
    assert!(journal.iter().any(|e| e["request_id"] == "in-the-journal"));
}

/// `traceparent` is accepted, whatever it holds.
async fn a_trace_is_accepted(app: TestApp) {
    for trace in [
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "",
        "rubbish",
    ] {
        app.client
            .ask("GET", "/livez")
            .header("traceparent", trace)
            .send()
            .await
            .status(200);
    }
}

on_both!(a_request_keeps_its_name, a_trace_is_accepted);
