//! Many changes in one request.

use serde_json::{Value, json};
use stride::registers::catalogue;

use crate::support::maker::{Maker, collection, kind};
use crate::support::{TestApp, some};

fn statuses(answer: &Value) -> Vec<i64> {
    let results = answer["results"].as_array().expect("results");
    for (n, result) in some(results.iter().enumerate()) {
        assert_eq!(result["index"], n);
        assert_eq!(
            result["record"].is_null(),
            !result["problem"].is_null(),
            "{result:#}"
        );
    }
    results
        .iter()
        .filter_map(|r| r["status"].as_i64())
        .collect()
}

/// All or nothing; one by one; only to see what would happen.
async fn many_changes_at_once(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let name = kind.name;
        let client = maker.client(kind);
        let path = format!("{}/bulk", collection(kind));
        let (one, two) = (maker.draft(kind).await, maker.draft(kind).await);
        let mut bad = maker.draft(kind).await;
        bad["no_such_field"] = 1.into();
        let good = json!({ "operations": [{ "op": "create", "record": one }, { "op": "create", "record": two }] });
        let mixed = json!({ "operations": [{ "op": "create", "record": one }, { "op": "create", "record": bad }, { "op": "restore", "id": super::super::access::nobody() }] });
        let seq = app.seq().await;
        for path in [
            format!("{path}?dry_run=true"),
            format!("{path}?dry_run=true&mode=each"),
        ] {
            let tried = client.post(&path, &good).await;
            assert_eq!(
                (statuses(&tried.json()), &tried.json()["dry_run"]),
                (vec![200, 200], &json!(true)),
                "{name}"
            );
        }
        client
            .post(&path, &mixed)
            .await
            .problem_at("invalid_body", "/operations/1/record/no_such_field");
        client
            .post(&format!("{path}?dry_run=true"), &mixed)
            .await
            .problem_at("invalid_body", "/operations/1/record/no_such_field");
        assert_eq!(app.seq().await, seq, "{name}: nothing was written");
        let made = client.post(&path, &good).await;
        assert_eq!(statuses(&made.status(200).json()), [200, 200], "{name}");
        let record = made.json()["results"][0]["record"].clone();
        let at = format!(
            "{}/{}",
            collection(kind),
            record["id"].as_str().unwrap_or_default()
        );
        let id = &record["id"];
        // Others may have followed the first record when the second came: its version is read
        // again.
        let version = client.get(&at).await.status(200).json()["version"].clone();
        let now = version.as_i64().expect("a version");
        let steps = json!({ "operations": [
            { "op": "withdraw", "id": id, "if_match": now },
            { "op": "restore", "id": id, "if_match": now + 1 },
            { "op": "withdraw", "id": id, "if_match": now },
        ] });
        let each = client
            .post(&format!("{path}?mode=each"), &steps)
            .await
            .status(207)
            .json();
        assert_eq!(statuses(&each), [200, 200, 412], "{name}");
        assert_eq!(each["results"][2]["problem"]["code"], "version_mismatch");
        assert_eq!(
            client.get(&at).await.status(200).json()["version"],
            now + 2,
            "{name}"
        );
        let mixed = client
            .post(&format!("{path}?mode=each"), &mixed)
            .await
            .status(207)
            .json();
        let wanted = if statuses(&mixed)[0] == 200 {
            [200, 422, 404]
        } else {
            [422, 422, 404]
        };
        assert_eq!(statuses(&mixed), wanted, "{name}");
        assert_eq!(
            mixed["results"][1]["problem"]["errors"][0]["pointer"],
            "/record/no_such_field"
        );
    }
}

/// What each operation needs, and how many there may be.
async fn a_bulk_call_is_checked(app: TestApp) {
    let client = app.keeper(kind("unit"));
    let id = super::super::access::nobody();
    let path = "/api/v1/units/bulk";
    for (operation, pointer) in [
        (json!({ "op": "create" }), "/operations/0/record"),
        (
            json!({ "op": "update", "if_match": 1, "patch": {} }),
            "/operations/0/id",
        ),
        (
            json!({ "op": "update", "id": id, "patch": {} }),
            "/operations/0/if_match",
        ),
        (
            json!({ "op": "update", "id": id, "if_match": 1 }),
            "/operations/0/patch",
        ),
        (
            json!({ "op": "withdraw", "id": id }),
            "/operations/0/if_match",
        ),
        (json!({ "op": "restore" }), "/operations/0/id"),
        (json!({ "op": "erase" }), "/operations/0/op"),
        (json!({ "record": {} }), "/operations/0/op"),
        (
            json!({ "op": "create", "record": {}, "extra": 1 }),
            "/operations/0/extra",
        ),
        (
            json!({ "op": "withdraw", "id": "x", "if_match": 1 }),
            "/operations/0/id",
        ),
    ] {
        client
            .post(path, &json!({ "operations": [operation] }))
            .await
            .problem_at("invalid_body", pointer);
    }
    client
        .post(path, &json!({ "operations": [] }))
        .await
        .problem_at("invalid_body", "/operations");
    client
        .post(path, &json!({}))
        .await
        .problem_at("invalid_body", "/operations");
    let unit = |n: usize| json!({ "op": "create", "record": { "title": format!("Unit {n}"), "unit_kind": "unit" } });
    let many = |n: usize| json!({ "operations": (0..n).map(unit).collect::<Vec<_>>() });
    client
        .post(path, &many(1_001))
        .await
        .problem_at("invalid_body", "/operations");
    for query in ["?mode=some", "?dry_run=1", "?other=1"] {
        client
            .post(&format!("{path}{query}"), &many(1))
            .await
            .problem("invalid_query");
    }
    let seq = app.seq().await;
    assert_eq!(
        statuses(&client.post(path, &many(1_000)).await.status(200).json()).len(),
        1_000
    );
    assert_eq!(app.seq().await, seq + 1_000);
}

/// A later operation sees what an earlier one did, and a repeated call does it once.
async fn operations_follow_each_other(app: TestApp) {
    let client = app.keeper(kind("unit"));
    let body = json!({ "operations": [
        { "op": "create", "record": { "reference": "ONE", "title": "One", "unit_kind": "unit" } },
        { "op": "create", "record": { "reference": "ONE", "title": "Two", "unit_kind": "unit" } },
    ] });
    let refused = client
        .post("/api/v1/units/bulk", &body)
        .await
        .problem_at("reference_taken", "/operations/1/record/reference");
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|d| d.starts_with("operation 1")),
        "{refused}"
    );
    let send = || {
        client
            .ask("POST", "/api/v1/units/bulk?mode=each")
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    let first = send().await;
    assert_eq!(statuses(&first.status(207).json()), [200, 409]);
    assert_eq!(send().await.status(207).json(), first.json());
    assert_eq!(client.items("/api/v1/units").await.len(), 1);
}

on_both!(
    many_changes_at_once,
    a_bulk_call_is_checked,
    operations_follow_each_other
);
