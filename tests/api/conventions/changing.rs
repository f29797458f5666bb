//! Changing, withdrawing, restoring; versions, their history and their difference.

use serde_json::{Value, json};
use stride::registers::catalogue;

use super::ids;
use crate::support::client::{JSON, MERGE_PATCH};
use crate::support::document::resolve;
use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

/// A patch needs the version it was made for, in a media type that says it is a patch.
async fn a_change_needs_the_version_it_is_made_for(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| !k.append_only)) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let patch = maker.patch();
        let seq = app.seq().await;
        let send = |etag: Option<&'static str>, media_type: &'static str| {
            let mut ask = client.ask("PATCH", &made.path);
            if let Some(etag) = etag {
                ask = ask.header("if-match", etag);
            }
            ask.body(media_type, patch.to_string()).send()
        };
        let stale = send(Some("\"99\""), MERGE_PATCH).await;
        stale.problem("version_mismatch");
        assert_eq!(
            stale.etag(),
            made.etag,
            "{}: the answer names the version that there is",
            kind.name
        );
        send(None, MERGE_PATCH)
            .await
            .problem("precondition_required");
        send(Some("*"), MERGE_PATCH)
            .await
            .problem("precondition_required");
        for old in ["W/\"1\"", "\"98\", \"99\"", "\"99\", W/\"1\""] {
            send(Some(old), MERGE_PATCH)
                .await
                .problem("version_mismatch");
        }
        for bad in ["1", "\"x\"", "\"1\", \"x\"", "\"0\"", "\"-1\""] {
            send(Some(bad), MERGE_PATCH)
                .await
                .problem_at("invalid_header", "If-Match");
        }
        for media_type in [
            "text/plain",
            "application/json-patch+json",
            "application/xml",
        ] {
            let refused = send(Some("\"1\""), media_type).await;
            refused.problem("unsupported_media_type");
            assert_eq!(
                refused.header("accept-patch"),
                "application/merge-patch+json, application/json"
            );
        }
        assert_eq!(app.seq().await, seq, "{}: nothing was stored", kind.name);
        let changed = send(
            Some("\"99\", \"1\""),
            "application/merge-patch+json; charset=utf-8",
        )
        .await;
        assert_eq!(changed.status(200).etag(), "\"2\"");
        let again = client
            .ask("PATCH", &made.path)
            .header("if-match", "\"2\"")
            .body(JSON, maker.patch().to_string())
            .send()
            .await;
        assert_eq!(again.status(200).etag(), "\"3\"");
        client
            .patch("/api/v1/nothing", "\"1\"", &patch)
            .await
            .problem("not_found");
    }
}

/// A patch that changes nothing leaves no version and no journal entry.
async fn a_patch_that_changes_nothing_makes_no_version(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| !k.append_only)) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let seq = app.seq().await;
        for patch in [
            json!({}),
            json!({ "marking": "official" }),
            json!({ "reference": made.reference() }),
        ] {
            let same = client.patch(&made.path, &made.etag, &patch).await;
            assert_eq!(
                (same.status(200).etag(), same.json()),
                (made.etag.clone(), made.record.clone()),
                "{}",
                kind.name
            );
        }
        assert_eq!(app.seq().await, seq, "{}", kind.name);
    }
}

/// Null where nothing is recorded changes nothing, at any depth; null for a field that does not exist
/// is refused like any other value for it.
async fn null_in_a_patch_is_checked_like_any_value(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| !k.append_only)) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let input = resolve(&format!("#/components/schemas/{}Input", kind.schema_name));
        let fields = input.expect("an input form")["properties"]
            .as_object()
            .expect("fields");
        let seq = app.seq().await;
        let mut nothing = json!({ "marking": null });
        for (name, value) in fields.keys().map(|name| (name, &made.record[name])) {
            if value.is_null() {
                nothing[name] = Value::Null;
            }
            if value.is_object() {
                let patch = json!({ name: { "no_such_field": null } });
                let refused = client.patch(&made.path, &made.etag, &patch).await;
                let body = refused.problem_at("invalid_body", &format!("/{name}/no_such_field"));
                assert_eq!(body["errors"][0]["code"], "unknown_field", "{body:#}");
                let inner = value.as_object().expect("an object").iter();
                for (inner, _) in inner.filter(|(_, v)| v.is_null()) {
                    nothing[name][inner] = Value::Null;
                }
            }
        }
        let same = client.patch(&made.path, &made.etag, &nothing).await;
        assert_eq!(
            (same.status(200).etag(), same.json()),
            (made.etag.clone(), made.record.clone()),
            "{}: {nothing:#}",
            kind.name
        );
        for patch in [json!({ "no_such_field": null }), json!({ "a/b~c": null })] {
            let name = patch
                .as_object()
                .expect("a patch")
                .keys()
                .next()
                .expect("a name");
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let refused = client.patch(&made.path, &made.etag, &patch).await;
            let body = refused.problem_at("invalid_body", &pointer);
            assert_eq!(body["errors"][0]["code"], "unknown_field", "{body:#}");
            let update = json!({ "op": "update", "id": made.id(), "if_match": 1, "patch": patch });
            let bulk = json!({ "operations": [update] });
            client
                .post(&format!("{}/bulk", collection(kind)), &bulk)
                .await
                .problem_at("invalid_body", &format!("/operations/0/patch{pointer}"));
        }
        assert_eq!(app.seq().await, seq, "{}", kind.name);
    }
}

/// Records of a log are never changed.
async fn a_log_offers_no_change(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.append_only)) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let refused = client
            .ask("PATCH", &made.path)
            .header("if-match", &made.etag)
            .body(MERGE_PATCH, "{}")
            .send()
            .await;
        refused.problem("method_not_allowed");
        assert_eq!(refused.header("allow"), "GET, DELETE, HEAD, OPTIONS");
        let bulk = json!({ "operations": [{ "op": "update", "id": made.id(), "if_match": 1, "patch": maker.patch() }] });
        client
            .post(&format!("{}/bulk", collection(kind)), &bulk)
            .await
            .problem_at("rule_violation", "/operations/0/op");
        assert_eq!(client.get(&made.path).await.json(), made.record);
    }
}

/// Nothing is deleted: a withdrawn record leaves the list and comes back.
async fn a_record_is_withdrawn_and_restored(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let id = made.id_text().to_owned();
        let is_listed = async |query: &str| {
            ids(&client
                .get(&format!("{}?limit=200&{query}", collection(kind)))
                .await
                .status(200)
                .json())
            .contains(&id)
        };
        client
            .ask("DELETE", &made.path)
            .send()
            .await
            .problem("precondition_required");
        client
            .delete(&made.path, "\"7\"")
            .await
            .problem("version_mismatch");
        client
            .post(&format!("{}/restore", made.path), &Value::Null)
            .await
            .problem("conflict");
        assert!(is_listed("").await);
        let gone = client
            .delete(&format!("{}?reason=Entered+twice", made.path), &made.etag)
            .await;
        assert!(gone.status(200).json()["withdrawn_at"].is_string());
        assert_eq!(gone.etag(), "\"2\"", "{}", kind.name);
        assert!(
            !is_listed("").await && is_listed("include_withdrawn=true").await,
            "{}",
            kind.name
        );
        assert_eq!(client.get(&made.path).await.status(200).json(), gone.json());
        client.delete(&made.path, "\"2\"").await.problem("conflict");
        if !kind.append_only {
            client
                .patch(&made.path, "\"2\"", &maker.patch())
                .await
                .problem("conflict");
        }
        let back = client
            .post(&format!("{}/restore", made.path), &Value::Null)
            .await;
        assert_eq!(
            (back.status(200).etag(), &back.json()["withdrawn_at"]),
            ("\"3\"".to_owned(), &Value::Null)
        );
        assert!(is_listed("").await, "{}", kind.name);
        // All that a caller may set is as it was.
        for (field, value) in made.record.as_object().expect("a record") {
            if !["version", "updated_at"].contains(&field.as_str()) {
                assert_eq!(&back.json()[field], value, "{} {field}", kind.name);
            }
        }
    }
}

/// History tells who did what, when and why, page by page, and the difference between any two
/// versions.
async fn history_tells_every_version(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let ask = client.ask("DELETE", &format!("{}?reason=Entered+twice", made.path));
        ask.header("if-match", "\"1\"")
            .header("x-request-id", "the-second")
            .send()
            .await
            .status(200);
        client
            .post(&format!("{}/restore", made.path), &Value::Null)
            .await
            .status(200);
        let path = format!("{}/history", made.path);
        let whole = client.get(&path).await;
        let page = whole.status(200).json();
        let items = page["items"].as_array().expect("items");
        let told: Vec<(i64, &str)> = items
            .iter()
            .map(|v| {
                (
                    v["version"].as_i64().unwrap_or(0),
                    v["action"].as_str().unwrap_or(""),
                )
            })
            .collect();
        assert_eq!(
            told,
            [(1, "create"), (2, "withdraw"), (3, "restore")],
            "{}",
            kind.name
        );
        assert_eq!(
            (&items[1]["reason"], &items[1]["request_id"]),
            (&json!("Entered twice"), &json!("the-second"))
        );
        assert_eq!(
            (&items[0]["reason"], &items[0]["is_redacted"]),
            (&Value::Null, &json!(false))
        );
        assert_eq!(items[0]["actor_id"], app.operator().to_string());
        assert_eq!(
            items[1]["changes"]
                .as_array()
                .map(|c| c.iter().map(|c| c["pointer"].clone()).collect::<Vec<_>>()),
            Some(vec![json!("/withdrawn_at")])
        );
        let mut seen = Vec::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let query = if cursor.is_empty() {
                String::new()
            } else {
                format!("&cursor={cursor}")
            };
            let one = client
                .get(&format!("{path}?limit=1{query}"))
                .await
                .status(200)
                .json();
            seen.extend(one["items"].as_array().cloned().unwrap_or_default());
            next = one["next_cursor"].as_str().map(str::to_owned);
        }
        assert_eq!(&seen, items, "{}: page by page it is the same", kind.name);
        let difference = client
            .get(&format!("{}/difference?from=1&to=3", made.path))
            .await
            .status(200)
            .json();
        assert_eq!(difference["changes"], json!([]), "{}", kind.name);
        let difference = client
            .get(&format!("{}/difference?from=2&to=1", made.path))
            .await
            .status(200)
            .json();
        assert_eq!(
            (
                &difference["changes"][0]["pointer"],
                &difference["changes"][0]["after"]
            ),
            (&json!("/withdrawn_at"), &Value::Null)
        );
        client
            .get(&format!("{}/difference?from=1&to=9", made.path))
            .await
            .problem("not_found");
        for query in ["", "?from=1", "?from=0&to=1", "?from=x&to=1"] {
            client
                .get(&format!("{}/difference{query}", made.path))
                .await
                .problem("invalid_query");
        }
    }
}

/// Who has the latest already is told so and no more.
async fn what_has_not_changed_is_not_sent_again(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        for path in [
            made.path.clone(),
            collection(kind),
            format!("{}/history", made.path),
            format!("{}/difference?from=1&to=1", made.path),
        ] {
            let first = client.get(&path).await;
            let etag = first.status(200).etag();
            for tag in [
                etag.clone(),
                format!("W/{etag}"),
                format!("\"other\", {etag}"),
                "*".into(),
            ] {
                let again = client
                    .ask("GET", &path)
                    .header("if-none-match", &tag)
                    .send()
                    .await;
                assert_eq!(
                    (again.status(304).etag(), again.body.len()),
                    (etag.clone(), 0),
                    "{path} {tag}"
                );
            }
            client
                .ask("GET", &path)
                .header("if-none-match", "\"other\"")
                .send()
                .await
                .status(200);
        }
        let list = client.get(&collection(kind)).await.etag();
        client.delete(&made.path, &made.etag).await.status(200);
        client
            .ask("GET", &made.path)
            .header("if-none-match", &made.etag)
            .send()
            .await
            .status(200);
        client
            .ask("GET", &collection(kind))
            .header("if-none-match", &list)
            .send()
            .await
            .status(200);
    }
}

on_both!(
    a_change_needs_the_version_it_is_made_for,
    a_patch_that_changes_nothing_makes_no_version,
    null_in_a_patch_is_checked_like_any_value,
    a_log_offers_no_change,
    a_record_is_withdrawn_and_restored,
    history_tells_every_version,
    what_has_not_changed_is_not_sent_again
);
