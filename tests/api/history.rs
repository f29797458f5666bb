//! What became of a record, as a person reads it: who, when, why, field by field, with names in
//! place of ids.

use serde_json::{Value, json};
use stride::policy::Role;
use stride::registers::catalogue;

use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind, links_of};
use crate::support::{Client, some};

/// A record's history as Markdown.
async fn text(client: &Client, of: &Made) -> String {
    let reply = client
        .get(&format!("{}/history?format=markdown", of.path))
        .await;
    assert!(
        reply
            .status(200)
            .header("content-type")
            .starts_with("text/markdown")
    );
    reply.text()
}

/// Every change in a history.
async fn told(client: &Client, of: &Made) -> Vec<Value> {
    let items = client.items(&format!("{}/history", of.path)).await;
    items
        .iter()
        .flat_map(|i| i["changes"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// Changes a record as it stands.
async fn change(maker: &Maker<'_>, of: &Made, patch: Value) {
    let client = maker.client(of.kind);
    let etag = client.get(&of.path).await.status(200).etag();
    client.patch(&of.path, &etag, &patch).await.status(200);
}

/// Of any kind: a heading, a section for each version, a line for each field, and every link by
/// name.
async fn a_history_of_any_kind_can_be_read(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let client = maker.client(kind);
        let etag = client.get(&made.path).await.status(200).etag();
        client
            .delete(&format!("{}?reason=Entered+twice", made.path), &etag)
            .await
            .status(200);
        client
            .post(&format!("{}/restore", made.path), &Value::Null)
            .await
            .status(200);
        let history = client.items(&format!("{}/history", made.path)).await;
        let text = text(&client, &made).await;
        let lines: Vec<&str> = text.lines().filter(|l| !l.is_empty()).collect();
        let title = kind.name.replace('_', " ");
        assert!(
            lines[0].to_lowercase().starts_with(&format!("# {title} ")),
            "{text}"
        );
        assert_eq!(
            lines
                .iter()
                .filter(|l| l.starts_with("## Version "))
                .count(),
            history.len(),
            "{text}"
        );
        let known = [
            "# ",
            "## Version ",
            "By: ",
            "Why: Entered twice",
            "- ",
            "No fields changed.",
        ];
        assert!(
            some(&lines).all(|l| known.iter().any(|k| l.starts_with(k))),
            "{text}"
        );
        assert!(
            lines
                .iter()
                .any(|l| l.starts_with("- Withdrawn at: not set → 20")),
            "{text}"
        );
        assert!(
            some(&history).all(|v| v["by"]["account_id"] == v["actor_id"]),
            "{}",
            kind.name
        );
        assert!(history[0]["is_whole"] == true && history[1]["is_whole"] == false);
        let changes = told(&maker.client(kind), &made).await;
        assert!(
            some(&changes).all(|c| c["label"]
                .as_str()
                .is_some_and(|l| !l.is_empty() && !l.contains(['_', '/']))),
            "{changes:#?}"
        );
        // An auditor may read every kind, so the history names every linked record.
        let auditor = told(&app.role(Role::Auditor), &made).await;
        let draft = maker.client(kind).get(&made.path).await.json();
        for link in links_of(kind, &body(kind, &draft)) {
            let field = format!("/{}", link.pointer.split('/').nth(1).unwrap_or_default());
            let change = auditor
                .iter()
                .find(|c| c["pointer"] == field.as_str())
                .unwrap_or_else(|| panic!("{} {field}", kind.name));
            let names = change["after_names"].as_array().expect("names");
            assert!(
                names
                    .iter()
                    .any(|n| n["id"] == link.id.to_string() && n["title"] != ""),
                "{} {field}: {change:#}",
                kind.name
            );
        }
    }
}

/// The line that a person looks for; who wrote it, by post; and nothing that was written leaves its
/// line.
async fn a_person_reads_who_changed_what_and_why(app: TestApp) {
    let maker = Maker::new(&app);
    let (hr, sidu) = (
        maker
            .make_with("unit", json!({ "title": "Human Resources" }))
            .await,
        maker.make_with("unit", json!({ "title": "SIDU" })).await,
    );
    let hostile = "# Title\n\n## Version 9:<b>made</b> [by](javascript:x) www.x.test `them` *now*";
    let item = maker
        .make_with(
            "work_plan_item",
            json!({ "title": hostile, "responsible_unit_id": hr.id() }),
        )
        .await;
    let (writer, account, _) = maker.account("strategy_manager").await;
    let post = maker
        .make_with("post", json!({ "title": "Head of SIDU" }))
        .await;
    change(&maker, &account, json!({ "post_id": post.id() })).await;
    let patch = json!({ "responsible_unit_id": sidu.id() });
    let ask = writer
        .ask(
            "PATCH",
            &format!("{}?reason=Moved+%23+at+%3Cb%3Elast", item.path),
        )
        .header("if-match", &item.etag);
    ask.body("application/merge-patch+json", patch.to_string())
        .send()
        .await
        .status(200);

    let viewer = app.role(Role::Viewer);
    let (seen, audited) = (
        text(&viewer, &item).await,
        text(&app.role(Role::Auditor), &item).await,
    );
    assert!(
        seen.contains("\n- Responsible unit: Human Resources\n"),
        "{seen}"
    );
    assert!(
        seen.contains("\n- Responsible unit: Human Resources → SIDU\n"),
        "{seen}"
    );
    assert!(seen.contains("\nWhy: Moved \\# at \\<b\\>last\n"), "{seen}");
    assert!(
        seen.contains("\nBy: Head of SIDU\n")
            && audited.contains("\nBy: Head of SIDU, using account A post\n"),
        "{seen}\n{audited}"
    );
    assert_eq!(
        seen.lines().filter(|l| l.starts_with('#')).count(),
        3,
        "{seen}"
    );
    let title = "\\# Title \\#\\# Version 9\\:\\<b\\>made\\</b\\> \\[by\\](javascript\\:x) www\\.x.test \\`them\\` \\*now\\*";
    assert!(seen.contains(&format!(": {title}\n")), "{seen}");

    let difference = viewer
        .get(&format!("{}/difference?from=1&to=2", item.path))
        .await
        .status(200)
        .json();
    let names = |c: &Value, field: &str| c[field][0]["title"].clone();
    let moved = &difference["changes"][0];
    assert_eq!(
        (
            &moved["label"],
            names(moved, "before_names"),
            names(moved, "after_names")
        ),
        (
            &json!("responsible unit"),
            json!("Human Resources"),
            json!("SIDU")
        )
    );
    // Page by page, as a program follows it.
    let page = viewer
        .get(&format!("{}/history?format=markdown&limit=1", item.path))
        .await;
    assert!(
        page.status(200).header("link").contains("cursor=1") && page.text().contains("`cursor=1`")
    );
    viewer
        .get(&format!("{}/history?format=csv", item.path))
        .await
        .problem_at("invalid_query", "?format");
    let accepted = viewer
        .ask("GET", &format!("{}/history", item.path))
        .header("accept", "text/markdown")
        .send()
        .await;
    assert_eq!(accepted.status(200).text(), seen);
}

/// Nothing that the reader may not know of is named: a neighbour that is marked, an account, a
/// version that was.
async fn nothing_hidden_is_named(app: TestApp) {
    let maker = Maker::new(&app);
    let secret = maker
        .make_with("unit", json!({ "title": "Undisclosed unit" }))
        .await;
    let item = maker
        .make_with(
            "work_plan_item",
            json!({ "responsible_unit_id": secret.id() }),
        )
        .await;
    change(
        &maker,
        &item,
        json!({ "marking": "official_sensitive", "title": "Undisclosed title" }),
    )
    .await;
    change(
        &maker,
        &item,
        json!({ "marking": "official", "title": "What may be told" }),
    )
    .await;
    change(&maker, &secret, json!({ "marking": "official_sensitive" })).await;
    let (viewer, keeper) = (app.role(Role::Viewer), maker.client(item.kind));
    let (seen, whole) = (text(&viewer, &item).await, text(&keeper, &item).await);
    assert!(
        whole.contains("Undisclosed unit") && whole.contains("Undisclosed title"),
        "{whole}"
    );
    assert!(
        !seen.contains("Undisclosed") && seen.contains(secret.id_text()),
        "{seen}"
    );
    assert!(
        seen.contains("marked above your clearance")
            && seen.contains(
                "The previous version is not visible to you. All fields of this version:"
            ),
        "{seen}"
    );
    let history = format!(
        "{:?}",
        viewer.items(&format!("{}/history", item.path)).await
    );
    let difference = viewer
        .get(&format!("{}/difference?from=1&to=3", item.path))
        .await
        .status(200)
        .text();
    assert!(
        !history.contains("Undisclosed") && !difference.contains("Undisclosed"),
        "{history}"
    );

    let operator = app
        .role(Role::Auditor)
        .get(&format!("/api/v1/accounts/{}", app.operator()))
        .await
        .status(200)
        .json();
    let by = |items: Vec<Value>| {
        items[0]["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .find(|c| c["pointer"] == "/created_by")
            .expect("who")
            .clone()
    };
    let path = format!("{}/history", item.path);
    assert_eq!(
        by(viewer.items(&path).await)["after_names"],
        json!([]),
        "accounts are not everybody's to read"
    );
    assert_eq!(
        by(app.role(Role::Auditor).items(&path).await)["after_names"][0]["title"],
        operator["title"]
    );
}

on_both!(
    a_history_of_any_kind_can_be_read,
    a_person_reads_who_changed_what_and_why,
    nothing_hidden_is_named
);

/// What was recorded under an earlier time says so.
async fn a_back_dated_version_says_when_it_was_entered(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let item = viewer
        .items("/api/v1/work-plan-items?reference=WP17-RECRUIT")
        .await
        .remove(0);
    let path = format!(
        "/api/v1/work-plan-items/{}",
        item["id"].as_str().expect("an id")
    );
    let item = Made {
        kind: kind("work_plan_item"),
        record: item,
        etag: String::new(),
        path,
    };
    let text = text(&viewer, &item).await;
    assert!(
        text.contains("created on 2017-06-30 09:00:00 UTC\n") && text.contains("\nEntered: 20"),
        "{text}"
    );
}

on_papers!(a_back_dated_version_says_when_it_was_entered);

/// What a caller may set of a record.
fn body(kind: &stride::world::Kind, record: &Value) -> Value {
    let snapshot = record.to_string();
    (kind.parse)(&snapshot, kind.shape, 1, kind.index)
        .expect("a record")
        .draft()
}
