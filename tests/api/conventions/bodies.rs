//! Bodies that are refused: each answer names the field, and nothing is stored.

use std::sync::Arc;

use serde_json::{Value, json};
use stride::registers::catalogue;
use stride::world::Kind;

use super::filters::plain;
use crate::support::client::{JSON, MERGE_PATCH};
use crate::support::document::DOCUMENT;
use crate::support::maker::{Maker, collection, kind};
use crate::support::{TestApp, some};

/// The schema of a kind's draft, as the document shows it.
fn input(kind: &Kind) -> &'static Value {
    &DOCUMENT["components"]["schemas"][format!("{}Input", kind.schema_name)]
}

/// Values that a property does not take.
fn wrong(schema: &Value) -> Vec<Value> {
    let schema = plain(schema);
    let mut all = vec![json!({ "no_such_field": 1 })];
    let text = |n: u64| "x".repeat(usize::try_from(n).unwrap_or(0));
    match schema["type"].as_str() {
        Some("string") => {
            all.extend([json!(12_345), json!(["x"]), json!(true)]);
            if schema.get("enum").is_some() {
                all.extend([json!("no_such_word"), json!("")]);
            } else if let Some(most) = schema["maxLength"].as_u64() {
                all.push(text(most + 1).into());
                all.extend(["a\u{0}b", "a\u{7}b", "a\u{9b}b"].map(Value::from));
            }
            match schema["format"].as_str() {
                Some("date") => all.extend(
                    [
                        "2021-02-30",
                        "2021-2-3",
                        "30/11/2020",
                        "2020-11-30T00:00:00Z",
                    ]
                    .map(Value::from),
                ),
                Some("uuid") => {
                    all.extend(["x", "019abcde-0000-7000-8000-00000000000"].map(Value::from))
                }
                Some("date-time") => {
                    all.extend(["2021-02-30T00:00:00Z", "2021-01-01", "noon"].map(Value::from))
                }
                _ => {}
            }
            if schema["minLength"].as_u64().is_some_and(|n| n > 0) {
                all.push("".into());
            }
        }
        Some("integer" | "number") => {
            all.extend([json!("1"), json!(1.5), json!(1e300)]);
            if schema["type"] == "number" {
                all.remove(2);
            }
            all.extend(schema["minimum"].as_i64().map(|n| json!(n - 1)));
            all.extend(schema["maximum"].as_i64().map(|n| json!(n + 1)));
        }
        Some("boolean") => all.extend([json!("true"), json!(1)]),
        Some("array") => {
            all.extend([json!("x"), json!([null]), json!([[]])]);
            let most = usize::try_from(schema["maxItems"].as_u64().unwrap_or(0)).unwrap_or(0);
            let item = match plain(&schema["items"])["format"].as_str() {
                Some("uuid") => json!(uuid::Uuid::nil()),
                _ => json!("x"),
            };
            all.push(vec![item; most + 1].into());
        }
        // A struct is not an array of its fields.
        Some("object") => all.extend([json!("x"), json!([]), json!([1, 2])]),
        other => panic!("a property of a sort that the tests do not know: {other:?} in {schema}"),
    }
    all
}

/// Sends a body that is refused, as a new record and as a change, and sees that the answer names
/// the field.
struct Try<'a> {
    client: &'a crate::support::Client,
    kind: &'static Kind,
    path: &'a str,
    etag: &'a str,
}

impl Try<'_> {
    async fn field(&self, field: &str, value: &Value, draft: &Value) {
        let mut body = draft.clone();
        body[field] = value.clone();
        let mut answers = vec![self.client.post(&collection(self.kind), &body).await];
        // An object in a merge patch is merged: what is wrong as a whole may be right as a part.
        if !self.kind.append_only && !value.is_object() {
            answers.push(
                self.client
                    .patch(self.path, self.etag, &json!({ field: value }))
                    .await,
            );
        }
        for answer in some(answers) {
            let problem = answer.problem("invalid_body");
            let pointer = format!("/{field}");
            let named = problem["errors"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|e| e["pointer"].as_str());
            assert!(
                named
                    .clone()
                    .any(|p| p == pointer || p.starts_with(&format!("{pointer}/"))),
                "{} {field} = {value}: {problem:#}",
                answer.asked
            );
        }
    }
}

/// Every field of every kind with values that its schema does not take.
async fn a_wrong_value_is_named_by_its_field(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let made = maker.make(kind).await;
        let draft = maker.draft(kind).await;
        let client = maker.client(kind);
        let etag = client.get(&made.path).await.etag();
        let seq = app.seq().await;
        let one = Try {
            client: &client,
            kind,
            path: &made.path,
            etag: &etag,
        };
        let schema = input(kind);
        for (field, property) in schema["properties"].as_object().expect("properties") {
            for value in wrong(property) {
                one.field(field, &value, &draft).await;
            }
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for field in required.iter().filter_map(Value::as_str) {
            one.field(field, &Value::Null, &draft).await;
            let mut without = draft.clone();
            without.as_object_mut().expect("an object").remove(field);
            client
                .post(&collection(kind), &without)
                .await
                .problem_at("invalid_body", &format!("/{field}"));
        }
        one.field("no_such_field", &json!(1), &draft).await;
        one.field("id", &json!(made.id()), &draft).await;
        one.field("version", &json!(1), &draft).await;
        assert_eq!(app.seq().await, seq, "{}: nothing was stored", kind.name);
    }
}

/// What is no JSON object at all.
async fn a_body_that_is_no_object_is_refused(app: TestApp) {
    let maker = Maker::new(&app);
    let deep = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n)).into_bytes();
    let bodies: Vec<Vec<u8>> = [
        &b""[..],
        b" ",
        b"[]",
        b"[{}]",
        b"null",
        b"1",
        b"\"x\"",
        b"{",
        b"{}{}",
        b"{'a':1}",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":NaN}",
    ]
    .iter()
    .map(|b| b.to_vec())
    .chain([deep(33), deep(1_000), deep(10_000)])
    .collect();
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let etag = client.get(&made.path).await.etag();
        let seq = app.seq().await;
        for body in &bodies {
            client
                .ask("POST", &collection(kind))
                .body(JSON, body.clone())
                .send()
                .await
                .problem("malformed_body");
            client
                .ask("POST", &format!("{}/bulk", collection(kind)))
                .body(JSON, body.clone())
                .send()
                .await
                .problem("malformed_body");
            if !kind.append_only {
                let ask = client.ask("PATCH", &made.path).header("if-match", &etag);
                ask.body(MERGE_PATCH, body.clone())
                    .send()
                    .await
                    .problem("malformed_body");
            }
        }
        for media_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ] {
            let refused = client
                .ask("POST", &collection(kind))
                .body(media_type, "{}")
                .send()
                .await;
            refused.problem("unsupported_media_type");
            assert_eq!(refused.header("accept-post"), "application/json");
        }
        assert_eq!(app.seq().await, seq, "{}", kind.name);
    }
}

/// A body above the limit, whether its length is announced or not.
async fn a_body_that_is_too_large_is_refused(app: TestApp) {
    let small = TestApp::on(Arc::clone(&app.store), app.backend, |c| {
        c.serving.body_limit = 20_000
    })
    .await;
    let client = small.keeper(kind("unit"));
    let body = |n: usize| {
        json!({ "title": "A unit", "unit_kind": "unit", "description": "x".repeat(n) }).to_string()
    };
    let seq = app.seq().await;
    let announced = client
        .ask("POST", "/api/v1/units")
        .body(JSON, body(20_001))
        .send()
        .await;
    announced.problem("payload_too_large");
    client
        .ask("POST", "/api/v1/units")
        .body(JSON, body(10_000))
        .send()
        .await
        .problem_at("invalid_body", "/description");
    client
        .ask("POST", "/api/v1/units")
        .body(JSON, body(2_001))
        .send()
        .await
        .problem_at("invalid_body", "/description");
    assert_eq!(app.seq().await, seq);
    client
        .ask("POST", "/api/v1/units")
        .body(JSON, body(2_000))
        .send()
        .await
        .status(201);
    small.stop().await;
}

/// Every fault is named, not only the first.
async fn every_fault_is_named(app: TestApp) {
    let client = app.keeper(kind("unit"));
    let body = json!({ "title": "", "unit_kind": "x", "parent_id": "y", "from_on": 1, "extra": true, "more": [] });
    let problem = client
        .post("/api/v1/units", &body)
        .await
        .problem("invalid_body");
    let mut named: Vec<&str> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["pointer"].as_str())
        .collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(
        named,
        [
            "/extra",
            "/from_on",
            "/more",
            "/parent_id",
            "/title",
            "/unit_kind"
        ]
    );
}

on_both!(
    a_wrong_value_is_named_by_its_field,
    a_body_that_is_no_object_is_refused,
    a_body_that_is_too_large_is_refused,
    every_fault_is_named
);
