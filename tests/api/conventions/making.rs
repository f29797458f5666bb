//! What is created is there, whole, at the address that the answer names.

use serde_json::Value;
use stride::registers::catalogue;

use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

/// Create → 201 with `Location` and `ETag`; what is read there is what was answered, and holds what
/// was sent.
async fn a_record_of_every_kind_can_be_made_and_read(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let draft = maker.draft(kind).await;
        let client = maker.client(kind);
        let seq = app.seq().await;
        let made = client.post(&collection(kind), &draft).await;
        let record = made.status(201).json();
        assert!(app.seq().await > seq);
        assert_eq!(made.etag(), "\"1\"", "{}", kind.name);
        assert_eq!(record["version"], 1);
        assert_eq!(record["withdrawn_at"], Value::Null);
        assert_eq!(record["created_at"], record["updated_at"]);
        let reference = record["reference"].as_str().unwrap_or_default();
        assert!(
            reference.starts_with(&format!("{}-", kind.prefix)),
            "{}: {reference}",
            kind.name
        );
        for (field, sent) in draft.as_object().expect("a draft") {
            holds(kind.name, field, sent, &record[field]);
        }
        let location = made.header("location");
        assert_eq!(
            location,
            format!(
                "{}/{}",
                collection(kind),
                record["id"].as_str().unwrap_or_default()
            )
        );
        let read = client.get(location).await;
        assert_eq!(
            (read.status(200).json(), read.etag()),
            (record, made.etag()),
            "{}",
            kind.name
        );
    }
}

/// A reference of one's own is kept, and taken once among the records of the kind, withdrawn ones
/// included.
async fn a_reference_is_taken_once(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let first = maker
            .make_with(
                kind.name,
                serde_json::json!({ "reference": "Our.Own/Ref_1-2" }),
            )
            .await;
        assert_eq!(first.reference(), "Our.Own/Ref_1-2");
        let mut draft = maker.draft(kind).await;
        draft["reference"] = first.reference().into();
        let client = maker.client(kind);
        client
            .post(&collection(kind), &draft)
            .await
            .problem_at("reference_taken", "/reference");
        client
            .delete(&first.path, &client.get(&first.path).await.etag())
            .await
            .status(200);
        client
            .post(&collection(kind), &draft)
            .await
            .problem_at("reference_taken", "/reference");
        for bad in ["", " ", "-x", "a b", "x\u{e9}", &"x".repeat(61)] {
            draft["reference"] = bad.into();
            client
                .post(&collection(kind), &draft)
                .await
                .problem_at("invalid_body", "/reference");
        }
    }
}

on_both!(
    a_record_of_every_kind_can_be_made_and_read,
    a_reference_is_taken_once
);

/// What was sent is there; the service may complete an object (a month's first and last day).
fn holds(kind: &str, field: &str, sent: &Value, found: &Value) {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => {
            for (name, value) in sent {
                if value.is_object() || !name.ends_with("_on") {
                    holds(kind, &format!("{field}/{name}"), value, &found[name]);
                }
            }
        }
        (Value::Array(sent), Value::Array(found)) if sent.len() == found.len() => {
            for (n, (s, f)) in sent.iter().zip(found).enumerate() {
                holds(kind, &format!("{field}/{n}"), s, f);
            }
        }
        _ => assert_eq!(sent, found, "{kind} {field}"),
    }
}
