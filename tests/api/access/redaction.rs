//! What a superseded version said can be removed for good, and the journal says so.

use serde_json::{Value, json};
use stride::access::Held;
use stride::journal::verify::verify;
use stride::policy::{Role, Subject};
use stride::registers::catalogue;

use crate::support::client::{Reply, escaped};
use crate::support::maker::{Made, Maker, collection, kind};
use crate::support::{Client, TestApp, some};

/// Someone who may redact what they can see, marked records too.
fn redactor(app: &TestApp) -> Client {
    app.holding(Held {
        role: Role::Administrator,
        scope: None,
        official_sensitive: true,
    })
}

async fn redact(client: &Client, seq: &Value, reason: &str) -> Reply {
    let path = format!("/api/v1/journal/{seq}/redact");
    client.post(&path, &json!({ "reason": reason })).await
}

/// The versions of a record, as someone sees them who may see everything.
async fn history(app: &TestApp, made: &Made) -> Vec<Value> {
    let auditor = app.role(Role::Auditor);
    auditor.items(&format!("{}/history", made.path)).await
}

/// A record whose first version is superseded, and the time of that version.
async fn superseded(maker: &Maker<'_>, made: &Made) -> String {
    let client = maker.client(made.kind);
    let etag = client.get(&made.path).await.etag();
    let path = format!("{}?reason=superseded", made.path);
    if made.kind.append_only {
        client.delete(&path, &etag).await.status(200);
    } else {
        let patch = maker.patch();
        client.patch(&path, &etag, &patch).await.status(200);
    }
    made.record["updated_at"]
        .as_str()
        .expect("a time")
        .to_owned()
}

/// Of every kind: a superseded version is removed, once; history, `as_of` and comparison say so, the
/// record stays as it was, and the chain holds.
async fn what_a_version_said_is_removed_and_accounted_for(app: TestApp) {
    let maker = Maker::new(&app);
    let redactor = redactor(&app);
    let kinds = catalogue().kinds().iter();
    for kind in some(kinds.filter(|k| k.subject != Subject::Access)) {
        let name = kind.name;
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        // Rules may have made more versions of it at once.
        let version = &made.record["version"];
        let made_now = history(&app, &made).await;
        let first = made_now.iter().find(|v| v["version"] == *version);
        let first = first.expect("the version that was made").clone();
        redact(&redactor, &first["seq"], "too early")
            .await
            .problem("conflict");
        let at = superseded(&maker, &made).await;
        // A past world that is cached must not go on showing what was removed.
        let then = format!("{}?as_of={}", made.path, escaped(&at));
        client.get(&then).await.status(200);
        let before = client.get(&made.path).await.status(200).json();

        let done = redact(&redactor, &first["seq"], "erasure request 7").await;
        let done = done.status(201).json();
        assert_eq!(done["redacts"], first["seq"], "{name}");
        let mut after = client.get(&made.path).await.status(200).json();
        assert_eq!(after["version"], done["version"], "{name}");
        for field in ["version", "updated_at"] {
            after[field] = before[field].clone();
        }
        assert_eq!(after, before, "{name}: the record stays as it was");
        redact(&redactor, &first["seq"], "again")
            .await
            .problem("conflict");

        // Who may see figures as they are recorded also sees the reasons.
        let versions = client.items(&format!("{}/history", made.path)).await;
        let with = |version: &Value| {
            let found = versions.iter().find(|v| v["version"] == *version);
            found.unwrap_or_else(|| panic!("{name}: there is no version {version}"))
        };
        let (old, new) = (with(version), with(&done["version"]));
        assert_eq!(
            (&old["is_redacted"], &old["redacted_by"], &old["changes"]),
            (&json!(true), &done["version"], &json!([])),
            "{name}: {old:#}"
        );
        assert_eq!(
            (&new["action"], &new["redacts"], &new["reason"]),
            (&json!("redact"), version, &json!("erasure request 7")),
            "{name}: {new:#}"
        );
        let text = client
            .get(&format!("{}/history?format=markdown", made.path))
            .await
            .status(200)
            .text();
        assert!(text.contains("The content of this version was removed"));

        let gone = client.get(&then).await.problem("not_found");
        assert_eq!(gone["errors"][0]["code"], "redacted", "{name}: {gone:#}");
        let list = format!("{}?limit=200&as_of={}", collection(kind), escaped(&at));
        let ids = client.items(&list).await;
        assert!(!ids.iter().any(|i| i["id"] == made.record["id"]), "{name}");
        client
            .get(&format!(
                "{}/difference?from={version}&to={}",
                made.path, done["version"]
            ))
            .await
            .problem_at("not_found", "?from");
    }
    let auditor = app.role(Role::Auditor);
    let journal = auditor.items("/api/v1/journal?limit=200&cursor=1").await;
    assert!(some(&journal).any(|e| e["action"] == "redact" && e["redacts"].is_i64()));
    app.stop().await;
    let address = stride::db::Address::parse(&app.store.url()).expect("a database");
    let mut conn = address.connect().expect("a connection");
    let report = verify(&mut conn, &[]).expect("it is read");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert!(report.redacted > 0);
}

/// Who had which rights must remain provable.
async fn accounts_and_grants_cannot_be_redacted(app: TestApp) {
    let maker = Maker::new(&app);
    let kinds = catalogue().kinds().iter();
    for kind in some(kinds.filter(|k| k.subject == Subject::Access)) {
        let made = maker.make(kind).await;
        superseded(&maker, &made).await;
        let first = history(&app, &made).await[0]["seq"].clone();
        redact(&redactor(&app), &first, "inconvenient")
            .await
            .problem("conflict");
    }
}

/// It needs a reason, the right, a scope that covers the record, and clearance for everything.
async fn a_redaction_needs_a_reason_and_a_right(app: TestApp) {
    let maker = Maker::new(&app);
    let (unit, other) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let seq = history(&app, &unit).await[0]["seq"].clone();
    superseded(&maker, &unit).await;
    let administrator = app.role(Role::Administrator);
    for reason in [
        json!({}),
        json!({ "reason": "" }),
        json!({ "reason": null }),
        json!({ "reason": "\u{200b}" }),
    ] {
        administrator
            .post(&format!("/api/v1/journal/{seq}/redact"), &reason)
            .await
            .problem_at("invalid_body", "/reason");
    }
    let elsewhere = app.holding(Held {
        role: Role::Administrator,
        scope: Some(other.id()),
        official_sensitive: true,
    });
    redact(&elsewhere, &seq, "no").await.problem("forbidden");
    for unknown in [json!(0), json!(9_999_999), json!(true)] {
        redact(&redactor(&app), &unknown, "no")
            .await
            .problem("not_found");
    }
    // Numbers of entries tell who is not cleared nothing, whether there is such an entry or not.
    let marked =
        json!({ "title": "Secret unit", "unit_kind": "unit", "marking": "official_sensitive" });
    let made = maker.create(kind("unit"), &marked).await;
    let keeper = maker.client(made.kind);
    let seq = history(&app, &made).await[0]["seq"].clone();
    let open = json!({ "marking": "official" });
    let etag = keeper.get(&made.path).await.etag();
    keeper.patch(&made.path, &etag, &open).await.status(200);
    for number in [&seq, &json!(9_999_999)] {
        for role in [
            Role::Viewer,
            Role::StrategyManager,
            Role::Auditor,
            Role::Administrator,
        ] {
            redact(&app.role(role), number, "no")
                .await
                .problem("forbidden");
        }
    }
    redact(&redactor(&app), &seq, "yes").await.status(201);
}

on_both!(
    what_a_version_said_is_removed_and_accounted_for,
    accounts_and_grants_cannot_be_redacted,
    a_redaction_needs_a_reason_and_a_right,
);
