//! What is marked official_sensitive does not exist for who is not cleared: in no list, count,
//! history, search, link, export, journal.

use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::Role;
use stride::registers::catalogue;

use crate::support::TestApp;
use crate::support::app::keeping;
use crate::support::maker::{Made, Maker, collection, kind, links_of, target};
use crate::support::{Client, some};

fn marked() -> Value {
    json!({ "marking": "official_sensitive" })
}

/// Every id in a list, page by page, and the total it says.
async fn listed(client: &Client, made: &Made, query: &str) -> (Vec<String>, i64) {
    let page = client
        .get(&format!(
            "{}?include_total=true&limit=200&{query}",
            collection(made.kind)
        ))
        .await;
    let page = page.status(200).json();
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let ids = items
        .iter()
        .filter_map(|i| i["id"].as_str())
        .map(str::to_owned)
        .collect();
    (ids, page["total"].as_i64().unwrap_or(-1))
}

/// Every record that the journal tells of.
async fn journalled(client: &Client) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = client
            .get(&format!("/api/v1/journal?limit=200&cursor={cursor}"))
            .await
            .status(200)
            .json();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        all.extend(
            items
                .iter()
                .filter_map(|i| i["record_id"].as_str())
                .map(str::to_owned),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

/// Fails unless the record is there in every way that there is, or in none.
async fn check(client: &Client, made: &Made, there: bool) {
    let name = made.kind.name;
    let id = made.id_text().to_owned();
    let status = if there { 200 } else { 404 };
    let at = made.record["updated_at"].as_str().unwrap_or_default();
    for path in [
        String::new(),
        "/history".into(),
        "/difference?from=1&to=1".into(),
        format!("?as_of={at}"),
    ] {
        let reply = client.get(&format!("{}{path}", made.path)).await;
        assert_eq!(reply.status, status, "{name}{path}: {}", reply.text());
        if !there {
            reply.problem("not_found");
        }
    }
    for query in [
        String::new(),
        format!("reference={}", made.reference()),
        format!("q={}", made.reference()),
        format!("as_of={at}"),
        "include_withdrawn=true".into(),
        format!("updated_since={at}"),
        "sort=-updated_at".into(),
    ] {
        let (ids, total) = listed(client, made, &query).await;
        assert_eq!(ids.contains(&id), there, "{name}?{query}");
        assert_eq!(
            total,
            i64::try_from(ids.len()).unwrap_or(0),
            "{name}?{query}: the total counts what shows"
        );
    }
    let csv = client
        .get(&format!("{}?format=csv", collection(made.kind)))
        .await;
    assert_eq!(csv.status(200).text().contains(&id), there, "{name} as CSV");
}

/// Any record of any kind.
async fn a_marked_record_does_not_exist_for_the_uncleared(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds().iter().filter(|k| k.markable)) {
        let plain = maker.make(kind).await;
        let hidden = maker.make_with(kind.name, marked()).await;
        let by_auditors = keeping(kind) == Role::Auditor;
        // Auditors are cleared, so another role must read the kinds that only auditors may change.
        let uncleared = if by_auditors {
            app.role(Role::Viewer)
        } else {
            app.uncleared_keeper(kind)
        };
        check(&uncleared, &plain, true).await;
        check(&app.keeper(kind), &hidden, true).await;
        check(&uncleared, &hidden, false).await;
        if by_auditors {
            continue;
        }
        // Nor can it be changed, or told from nothing by trying.
        if !kind.append_only {
            uncleared
                .patch(&hidden.path, &hidden.etag, &maker.patch())
                .await
                .problem("not_found");
        }
        uncleared
            .delete(&hidden.path, &hidden.etag)
            .await
            .problem("not_found");
        uncleared
            .post(&format!("{}/restore", hidden.path), &json!({}))
            .await
            .problem("not_found");
        let bulk =
            json!({ "operations": [{ "op": "withdraw", "id": hidden.id(), "if_match": 1 }] });
        uncleared
            .post(&format!("{}/bulk", collection(kind)), &bulk)
            .await
            .problem("not_found");
        // The journal is read by administrators and auditors; an auditor is always cleared.
        let hides = journalled(&app.role(Role::Administrator)).await;
        assert!(
            hides.contains(&plain.id_text().to_owned())
                && !hides.contains(&hidden.id_text().to_owned()),
            "{}",
            kind.name
        );
        let shows = journalled(&app.role(Role::Auditor)).await;
        assert!(
            shows.contains(&hidden.id_text().to_owned()),
            "{}",
            kind.name
        );
    }
}

/// A link to a hidden record is a link to nothing.
async fn a_hidden_record_cannot_be_pointed_to(app: TestApp) {
    let maker = Maker::new(&app);
    let mut tried = 0;
    for kind in some(
        catalogue()
            .kinds()
            .iter()
            .filter(|k| k.offers_create && keeping(k) != Role::Auditor),
    ) {
        let whole = maker.draft(kind).await;
        for link in links_of(kind, &whole) {
            let hidden = maker.make_with(target(&link).name, marked()).await;
            let mut draft = whole.clone();
            let field = draft.pointer_mut(&link.pointer).expect("the link's field");
            *field = hidden.id_text().into();
            let refused = app
                .uncleared_keeper(kind)
                .post(&collection(kind), &draft)
                .await;
            let refused = refused.problem_at("rule_violation", &link.pointer);
            let unknown = refused["errors"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|e| e["pointer"] == link.pointer && e["code"] == "unknown");
            assert!(unknown, "{} {}: {refused:#}", kind.name, link.pointer);
            // In the same words as for what never was.
            *draft.pointer_mut(&link.pointer).expect("the link's field") =
                super::nobody().to_string().into();
            let nothing = app
                .uncleared_keeper(kind)
                .post(&collection(kind), &draft)
                .await
                .problem_at("rule_violation", &link.pointer);
            assert_eq!(
                refused["errors"], nothing["errors"],
                "{} {}",
                kind.name, link.pointer
            );
            tried += 1;
        }
    }
    assert!(
        tried > catalogue().kinds().len() / 2,
        "{tried} links were tried"
    );
}

/// Marking a record later hides its past too; taking the mark away shows the record, and not what
/// was said under it.
async fn a_mark_hides_the_past_and_what_was_said_under_it(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker.make_named("board").await;
    let (cleared, uncleared) = (app.keeper(board.kind), app.uncleared_keeper(board.kind));
    check(&uncleared, &board, true).await;
    let secret = json!({ "marking": "official_sensitive", "purpose": "What must not be told" });
    let hidden = cleared
        .ask(
            "PATCH",
            &format!("{}?reason=What+must+not+be+told+either", board.path),
        )
        .header("if-match", &board.etag);
    let hidden = hidden
        .body("application/merge-patch+json", secret.to_string())
        .send()
        .await;
    hidden.status(200);
    check(&uncleared, &board, false).await;
    let open = cleared
        .patch(
            &board.path,
            &hidden.etag(),
            &json!({ "marking": "official", "purpose": "What may be told" }),
        )
        .await;
    open.status(200);
    uncleared.get(&board.path).await.status(200);
    let history = uncleared.get(&format!("{}/history", board.path)).await;
    let text = history.status(200).text();
    assert!(!text.contains("What must not be told"), "{text}");
    let redacted: Vec<bool> = history.json()["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|v| v["is_redacted"] == true)
        .collect();
    assert_eq!(redacted, [false, true, false]);
    uncleared
        .get(&format!("{}/difference?from=1&to=2", board.path))
        .await
        .problem("not_found");
    uncleared
        .get(&format!("{}/difference?from=1&to=3", board.path))
        .await
        .status(200);
    let whole = cleared
        .get(&format!("{}/history", board.path))
        .await
        .status(200)
        .text();
    assert!(whole.contains("What must not be told") && whole.contains("told either"));
    // What was recorded under the mark is not to be had by asking for the past either.
    let then = hidden.json()["updated_at"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    uncleared
        .get(&format!("{}?as_of={then}", board.path))
        .await
        .problem("not_found");
    let (ids, _) = listed(&uncleared, &board, &format!("as_of={then}")).await;
    assert!(!ids.contains(&board.id_text().to_owned()));
    let (ids, _) = listed(&uncleared, &board, "q=must+not+be+told").await;
    assert!(ids.is_empty());
}

/// Who is cleared within a unit sees what belongs to it, and nothing else that is marked.
async fn a_clearance_holds_within_its_scope(app: TestApp) {
    let maker = Maker::new(&app);
    let ours = maker.make_named("unit").await;
    let below = maker
        .make_with("unit", json!({ "parent_id": ours.id() }))
        .await;
    let theirs = maker.make_named("unit").await;
    let mut boards = Vec::new();
    for owner in [&below, &theirs] {
        let fields = json!({ "marking": "official_sensitive", "owner_unit_id": owner.id() });
        boards.push(maker.make_with("board", fields).await);
    }
    let client = app.holding(Held {
        role: Role::Viewer,
        scope: Some(ours.id()),
        official_sensitive: true,
    });
    check(&client, &boards[0], true).await;
    check(&client, &boards[1], false).await;
    check(&app.scoped(Role::Viewer, ours.id()), &boards[0], false).await;
    check(&app.role(Role::Auditor), &boards[1], true).await;
}

/// The parts of a marked record are hidden with it, at every depth.
async fn what_lies_within_a_marked_record_is_hidden_with_it(app: TestApp) {
    let maker = Maker::new(&app);
    let register = maker.make_named("risk_register").await;
    let risk = maker
        .make_with("risk", json!({ "register_id": register.id() }))
        .await;
    let control = maker
        .make_with("control", json!({ "risk_ids": [risk.id()] }))
        .await;
    let viewer = app.role(Role::Viewer);
    for part in [&risk, &control] {
        check(&viewer, part, true).await;
    }
    let current = app.keeper(kind("risk_register")).get(&register.path).await;
    app.keeper(kind("risk_register"))
        .patch(&register.path, &current.etag(), &marked())
        .await
        .status(200);
    for part in [&register, &risk, &control] {
        check(&viewer, part, false).await;
    }
    for part in [&register, &risk, &control] {
        check(&app.role(Role::Auditor), part, true).await;
    }
}

/// A refused withdrawal does not name a linked record that the caller may not see.
async fn a_hidden_record_in_the_way_is_not_named(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let fields = json!({ "marking": "official_sensitive", "owner_unit_id": unit.id() });
    let board = maker.make_with("board", fields).await;
    let refused = app
        .role(Role::Administrator)
        .delete(&unit.path, &unit.etag)
        .await;
    refused.problem("in_use");
    assert!(
        !refused.text().contains(board.reference()) && !refused.text().contains(board.id_text())
    );
    let told = app
        .keeper(kind("unit"))
        .delete(&unit.path, &unit.etag)
        .await;
    told.problem("in_use");
    assert!(told.text().contains(board.reference()));
}

on_both!(
    a_marked_record_does_not_exist_for_the_uncleared,
    a_hidden_record_cannot_be_pointed_to,
    a_mark_hides_the_past_and_what_was_said_under_it,
    a_clearance_holds_within_its_scope,
    what_lies_within_a_marked_record_is_hidden_with_it,
    a_hidden_record_in_the_way_is_not_named
);
