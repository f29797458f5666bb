//! What changed since a time, and since a board last met.

use chrono::TimeDelta;
use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::TestApp;
use crate::support::client::escaped;
use crate::support::maker::{Made, Maker, kind};

const PATH: &str = "/api/v1/changes";

/// The time of the last entry: `as_of` includes it.
async fn now(app: &TestApp) -> String {
    let world = app.service.engine.fresh().await.expect("the world");
    escaped(&world.at.to_rfc3339())
}

/// A time after everything that is recorded: `since` includes what was recorded at that time.
async fn from_now(app: &TestApp) -> String {
    let world = app.service.engine.fresh().await.expect("the world");
    escaped(&(world.at + TimeDelta::microseconds(1)).to_rfc3339())
}

fn found<'a>(view: &'a Value, of: &Made) -> &'a Value {
    let items = view["items"].as_array().expect("items");
    items
        .iter()
        .find(|i| i["record"]["id"] == of.record["id"])
        .unwrap_or(&Value::Null)
}

async fn again(maker: &Maker<'_>, of: &Made, patch: Value) -> String {
    let client = maker.client(of.kind);
    let etag = client.get(&of.path).await.status(200).etag();
    client
        .patch(&of.path, &etag, &patch)
        .await
        .status(200)
        .etag()
}

/// Each record once, with what happened to it all in all and what is different between the two
/// times.
async fn each_record_is_listed_once(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = |title: &str| json!({ "title": title, "aliases": [] });
    let (changed, gone, back) = (
        maker.make_with("unit", unit("Before")).await,
        maker.make_with("unit", unit("Gone")).await,
        maker.make_with("unit", unit("Back")).await,
    );
    let untouched = maker.make_with("unit", unit("Untouched")).await;
    let client = maker.client(changed.kind);
    client.delete(&back.path, &back.etag).await.status(200);
    let since = from_now(&app).await;
    again(&maker, &changed, json!({ "title": "Between" })).await;
    again(&maker, &changed, json!({ "title": "After" })).await;
    client
        .delete(&format!("{}?reason=Merged", gone.path), &gone.etag)
        .await
        .status(200);
    client
        .post(&format!("{}/restore", back.path), &Value::Null)
        .await
        .status(200);
    let made = maker.make_with("unit", unit("Made")).await;
    let until = now(&app).await;
    again(&maker, &untouched, json!({ "title": "Later" })).await;

    let viewer = app.role(Role::Viewer);
    let view = viewer
        .get(&format!("{PATH}?since={since}&as_of={until}&kind=unit"))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&view["total"], view["items"].as_array().map(Vec::len)),
        (&json!(4), Some(4)),
        "{view:#}"
    );
    let happened = |of: &Made| {
        found(&view, of)["change_kind"]
            .as_str()
            .unwrap_or("nothing")
            .to_owned()
    };
    assert_eq!(
        [&changed, &gone, &back, &made, &untouched].map(happened),
        ["changed", "withdrawn", "restored", "made", "nothing"]
    );
    let of_changed = found(&view, &changed);
    assert_eq!(
        of_changed["changes"],
        json!([{ "pointer": "/title", "label": "title", "before": "Before", "after": "After", "before_label": null, "after_label": null, "before_names": [], "after_names": [] }])
    );
    assert_eq!(
        (
            &of_changed["version_before"],
            &of_changed["version"],
            of_changed["entries"].as_array().map(Vec::len)
        ),
        (&json!(1), &json!(3), Some(2))
    );
    assert_eq!(found(&view, &gone)["entries"][0]["reason"], "Merged");
    assert_eq!(
        found(&view, &made)["changes"]
            .as_array()
            .expect("changes")
            .iter()
            .find(|c| c["pointer"] == "/title")
            .expect("a title")["after"],
        "Made"
    );
    assert_eq!(
        view["by_kind"],
        json!([{ "register": "organisation", "kind": "unit", "made": 1, "changed": 1, "withdrawn": 1, "restored": 1 }])
    );
    let later = viewer
        .get(&format!("{PATH}?since={since}&kind=unit"))
        .await
        .status(200)
        .json();
    assert_eq!(found(&later, &untouched)["change_kind"], "changed");

    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = viewer
            .get(&format!(
                "{PATH}?since={since}&as_of={until}&kind=unit&limit=1{next}"
            ))
            .await
            .status(200)
            .json();
        seen.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|i| i["record"]["id"].clone()),
        );
        assert_eq!(page["total"], 4);
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    let all: Vec<Value> = view["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| i["record"]["id"].clone())
        .collect();
    assert_eq!(seen, all);
    for (filter, wanted) in [
        (format!("record_id={}", gone.id()), 1),
        ("change_kind=made,restored".into(), 2),
        ("register=plan".into(), 0),
        (format!("unit_id={}", made.id()), 1),
        (format!("board_id={}", made.id()), 1),
        ("kind=board".into(), 0),
    ] {
        let view = viewer
            .get(&format!("{PATH}?since={since}&as_of={until}&{filter}"))
            .await
            .status(200)
            .json();
        assert_eq!(view["total"], wanted, "{filter}");
    }
    let table = viewer
        .get(&format!(
            "{PATH}?since={since}&as_of={until}&kind=unit&format=csv"
        ))
        .await;
    assert!(
        table
            .status(200)
            .text()
            .contains("/title,title,Before,After"),
        "{}",
        table.text()
    );
    viewer
        .get(&format!("{PATH}?kind=unicorn"))
        .await
        .problem_at("invalid_query", "?kind");
    viewer
        .get(&format!("{PATH}?since={until}&as_of={since}"))
        .await
        .problem_at("invalid_query", "?since");
}

/// Since the day of the last meeting that was held before the day to judge by.
async fn a_board_is_told_what_changed_since_it_met(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker
        .make_with("board", json!({ "status": "active" }))
        .await;
    let viewer = app.role(Role::Viewer);
    let path = format!("{PATH}?since_meeting_of={}", board.id());
    viewer
        .get(&path)
        .await
        .problem_at("invalid_query", "?since_meeting_of");
    for (day, status) in [
        ("2020-03-02", "held"),
        ("2020-06-29", "held"),
        ("2020-09-01", "cancelled"),
    ] {
        let held = if status == "held" {
            json!(day)
        } else {
            Value::Null
        };
        let reason = if status == "held" {
            Value::Null
        } else {
            json!("No quorum")
        };
        let day = json!({ "precision": "day", "due_on": day });
        maker.make_with("meeting", json!({ "board_id": board.id(), "title": format!("Of {}", day["due_on"]), "status": status, "scheduled": day, "held_on": held, "cancellation_reason": reason, "agenda": [] })).await;
    }
    let since = |reply: Value| reply["since"].as_str().expect("a time").to_owned();
    let last = viewer.get(&path).await.status(200).json();
    assert!(
        last["since_meeting"]["title"]
            .as_str()
            .is_some_and(|n| n.contains("2020-06-29"))
    );
    // When the day of the meeting is over, in London.
    assert_eq!(since(last), "2020-06-29T23:00:00Z");
    assert!(
        since(
            viewer
                .get(&format!("{path}&on=2020-06-29"))
                .await
                .status(200)
                .json()
        )
        .starts_with("2020-03-03T00:00:00"),
        "before that day, not on it"
    );
    // A meeting whose day has passed may have been held: the answer goes back no further, and says
    // that it is not recorded.
    let day = json!({ "precision": "day", "due_on": "2020-09-14" });
    maker.make_with("meeting", json!({ "board_id": board.id(), "title": "Forgotten", "status": "scheduled", "scheduled": day, "held_on": null, "cancellation_reason": null, "agenda": [] })).await;
    let last = viewer
        .get(&format!("{path}&on=2020-10-26"))
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            &last["since_meeting"]["title"],
            &last["since_meeting_status"]
        ),
        (&json!("Forgotten"), &json!("scheduled"))
    );
    let before = viewer
        .get(&format!("{path}&on=2020-09-14"))
        .await
        .status(200)
        .json();
    assert_eq!(before["since_meeting_status"], "held");
    viewer
        .get(&format!("{path}&since=2020-01-01"))
        .await
        .problem_at("invalid_query", "?since");
    viewer
        .get(&format!(
            "{PATH}?since_meeting_of={}",
            crate::access::nobody()
        ))
        .await
        .problem_at("invalid_query", "?since_meeting_of");
}

/// What is hidden changes nothing that is shown; what was hidden stays so; of who, readers learn
/// the post and nothing of the account.
async fn nothing_hidden_shows(app: TestApp) {
    let maker = Maker::new(&app);
    let was_marked = maker
        .make_with(
            "board",
            json!({ "marking": "official_sensitive", "purpose": "Secret purpose" }),
        )
        .await;
    let open = maker.make_with("board", json!({})).await;
    let since = from_now(&app).await;
    again(
        &maker,
        &was_marked,
        json!({ "marking": "official", "purpose": "Open purpose" }),
    )
    .await;
    again(&maker, &open, json!({ "purpose": "Another purpose" })).await;
    let viewer = app.role(Role::Viewer);
    let path = format!("{PATH}?since={since}&kind=board");
    let view = viewer.get(&path).await.status(200).json();
    let shown = found(&view, &was_marked);
    assert_eq!(
        (&shown["is_redacted"], &shown["changes"]),
        (&json!(true), &json!([]))
    );
    assert!(!view.to_string().contains("Secret purpose"));
    let cleared = maker
        .client(kind("board"))
        .get(&path)
        .await
        .status(200)
        .json();
    assert!(cleared.to_string().contains("Secret purpose"));

    maker
        .make_with(
            "board",
            json!({ "marking": "official_sensitive", "owner_unit_id": null }),
        )
        .await;
    again(&maker, &open, json!({ "marking": "official_sensitive" })).await;
    let after = viewer.get(&path).await.status(200).json();
    assert_eq!(
        found(&after, &open),
        &Value::Null,
        "what is hidden today is hidden in the past too"
    );
    assert_eq!(
        after["total"].as_u64(),
        view["total"].as_u64().map(|n| n - 1)
    );

    let (writer, account, _) = maker.account("board_secretary").await;
    let (post, since) = (maker.make_named("post").await, from_now(&app).await);
    again(&maker, &account, json!({ "post_id": post.id() })).await;
    let made = writer
        .post(
            "/api/v1/boards",
            &json!({ "title": "Made", "board_kind": "board" }),
        )
        .await
        .status(201)
        .json();
    let path = format!("{PATH}?since={since}");
    let by = |view: Value| {
        let items = view["items"].as_array().expect("items").clone();
        items
            .into_iter()
            .find(|i| i["record"]["id"] == made["id"])
            .expect("the board")["entries"][0]["by"]
            .clone()
    };
    let to_viewer = viewer.get(&path).await.status(200).json();
    assert_eq!(
        found(&to_viewer, &account),
        &Value::Null,
        "accounts are not everybody's to read"
    );
    let (seen, audited) = (
        by(to_viewer),
        by(app.role(Role::Auditor).get(&path).await.status(200).json()),
    );
    assert_eq!(
        (&seen["account_id"], &seen["post"]["id"], &seen["account"]),
        (&account.record["id"], &post.record["id"], &Value::Null)
    );
    assert_eq!(audited["account"], account.record["title"]);
}

/// Figures are in no difference for who is shown them released.
async fn no_difference_shows_a_figure(app: TestApp) {
    let maker = Maker::new(&app);
    let since = from_now(&app).await;
    let figure = maker.make_named("observation").await;
    let value = ["value", "numerator"]
        .into_iter()
        .find(|f| figure.record[*f].is_number())
        .expect("a figure");
    let path = format!("{PATH}?since={since}&kind=observation");
    let exact = maker
        .client(figure.kind)
        .get(&path)
        .await
        .status(200)
        .json();
    let pointer = format!("/{value}");
    let of = |view: &Value| {
        let changes = found(view, &figure)["changes"]
            .as_array()
            .expect("changes")
            .clone();
        changes
            .into_iter()
            .find(|c| c["pointer"] == pointer.as_str())
            .map(|c| c["after"].clone())
    };
    assert_eq!(of(&exact), Some(figure.record[value].clone()));
    let released = app.role(Role::Viewer).get(&path).await.status(200).json();
    assert!(of(&released).is_none_or(|v| v.is_null()), "{released:#}");
}

on_both!(
    each_record_is_listed_once,
    a_board_is_told_what_changed_since_it_met,
    nothing_hidden_shows,
    no_difference_shows_a_figure
);
