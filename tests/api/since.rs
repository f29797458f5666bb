//! When findings began. A finding is listed as of the moment that it names, and not as of the
//! microsecond before.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use stride::db::Address;
use stride::policy::Role;

use crate::support::maker::{Maker, kind};
use crate::support::{Backend, Client, TestApp, some};

fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// The findings of a view at a time, by rule and record, with those folded under others.
async fn found(client: &Client, view: &str, at: DateTime<Utc>) -> BTreeSet<(String, String)> {
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let folded = if view == "gaps" {
        "&folded=true&waived=true"
    } else {
        ""
    };
    let (mut all, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let path = format!("/api/v1/{view}?limit=200&as_of={at}{folded}{cursor}");
        let page = client.get(&path).await.status(200).json();
        let items = page["items"].as_array().expect("a list");
        for item in items {
            let at = |pointer| word(item, pointer).to_owned();
            all.insert((at("/rule"), at("/record/reference")));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Each finding of a view began when it says.
async fn check(client: &Client, view: &str, as_of: &str) {
    let folded = if view == "gaps" { "&folded=true" } else { "" };
    let path = format!("/api/v1/{view}?limit=200{as_of}{folded}");
    let findings = client.items(&path).await;
    for finding in some(&findings) {
        let rule = word(finding, "/rule");
        let since: DateTime<Utc> = word(finding, "/since").parse().expect("a time");
        let also = finding["also"]["items"].as_array().into_iter().flatten();
        let parts: BTreeSet<String> = also
            .filter(|part| word(part, "/rule") == rule)
            .map(|part| word(part, "/record/reference").to_owned())
            .collect();
        // One on several parts of a record began with the first of them.
        let own = BTreeSet::from([word(finding, "/record/reference").to_owned()]);
        let records = if parts.is_empty() { own } else { parts };
        let is_found = |all: &BTreeSet<(String, String)>| {
            all.iter().any(|(r, on)| r == rule && records.contains(on))
        };
        assert!(
            is_found(&found(client, view, since).await),
            "not yet: {finding}"
        );
        let before = since - TimeDelta::microseconds(1);
        assert!(
            !is_found(&found(client, view, before).await),
            "already: {finding}"
        );
    }
}

/// Makes the table of former links again from the journal, as for a database of before there was one.
fn upgrade(app: &TestApp) {
    let tree = match app.backend {
        Backend::Sqlite => "sqlite",
        Backend::Postgres => "postgres",
    };
    let address = Address::parse(&app.store.url()).expect("an address");
    let mut conn = address.connect().expect("a database");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for way in ["down", "up"] {
        let path = folder
            .join(tree)
            .join(format!("0009_former_links/{way}.sql"));
        let sql = std::fs::read_to_string(path).expect("the migration");
        conn.batch_execute(&sql).expect("it runs");
    }
}

/// The findings of both papers' days.
async fn findings_of_the_papers_began_when_they_say(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    for day in ["2017-11-20", "2020-10-26", "2022-03-01"] {
        for view in ["gaps", "contradictions"] {
            check(&viewer, view, &format!("&as_of={day}")).await;
        }
    }
    let lines = viewer
        .items("/api/v1/attention?limit=200&as_of=2020-10-26")
        .await;
    let gaps = viewer
        .items("/api/v1/gaps?limit=200&as_of=2020-10-26")
        .await;
    let clashes = viewer
        .items("/api/v1/contradictions?limit=200&as_of=2020-10-26")
        .await;
    let all: Vec<&Value> = gaps.iter().chain(&clashes).collect();
    for line in some(&lines) {
        let same = |f: &&&Value| {
            word(f, "/rule") == word(line, "/rule")
                && word(f, "/record/id") == word(line, "/found_on/id")
        };
        let found = all.iter().find(same).expect("the finding of the line");
        assert_eq!(line["since"], found["since"], "{line}");
    }
}

/// A finding begins with a change of its record, of a record that links to it, of one that no longer
/// does, or with the withdrawal of what was recorded, and begins again after a time without it.
async fn findings_begin_with_changes(app: TestApp) {
    let maker = Maker::new(&app);
    let viewer = app.role(Role::Viewer);
    let strategy = json!({ "status": "current" });
    let strategy = maker.make_with("strategy", strategy).await;
    let goal = json!({ "strategy_id": strategy.id() });
    let goal = maker.make_with("goal", goal).await;
    let post = maker.make(kind("post")).await;
    let item = json!({ "goals": [{ "goal_id": goal.id() }], "lead_post_id": post.id() });
    let item = maker.make_with("work_plan_item", item).await;
    let board = maker.make(kind("board")).await;
    let terms = json!({ "board_id": board.id(), "status": "draft", "approver_post_id": null, "approver_board_id": null, "approved_on": null });
    let terms = maker.make_with("terms_of_reference", terms).await;
    let since = async |rule: &str, record: &crate::support::maker::Made| {
        let path = format!("/api/v1/gaps?rule={rule}&record_id={}", record.id_text());
        let found = viewer.items(&path).await;
        found.first().map(|gap| word(gap, "/since").to_owned())
    };
    assert_eq!(since("goal_without_item", &goal).await, None);
    let keeper = app.keeper(kind("work_plan_item"));
    let mut tag = item.etag.clone();
    let mut times = Vec::new();
    let path = format!("/api/v1/work-plan-items/{}", item.id_text());
    let with_goal = json!([{ "goal_id": goal.id() }]);
    for change in [
        json!({ "goals": [] }),
        json!({ "lead_post_id": null }),
        json!({ "goals": with_goal }),
        json!({ "goals": [], "lead_post_id": post.id() }),
        json!({ "title": "Another title" }),
        json!({ "lead_post_id": null }),
    ] {
        let changed = keeper.patch(&path, &tag, &change).await;
        let changed = changed.status(200);
        tag = changed.header("etag").to_owned();
        times.push(word(&changed.json(), "/updated_at").to_owned());
    }
    assert_eq!(
        since("goal_without_item", &goal).await.as_ref(),
        times.get(3)
    );
    upgrade(&app);
    maker.make(kind("post")).await;
    let began = since("goal_without_item", &goal).await;
    assert_eq!(began.as_ref(), times.get(3), "after an upgrade");
    assert_eq!(
        since("item_without_goal", &item).await.as_ref(),
        times.get(3)
    );
    assert_eq!(
        since("item_without_lead", &item).await.as_ref(),
        times.get(5)
    );
    assert_eq!(since("board_without_terms", &board).await, None);
    let secretary = app.keeper(kind("terms_of_reference"));
    let path = format!("/api/v1/terms-of-reference/{}", terms.id_text());
    let gone = secretary.delete(&path, &terms.etag).await;
    let gone = gone.status(200).json();
    let withdrawn = since("board_without_terms", &board).await;
    assert_eq!(withdrawn.as_deref(), Some(word(&gone, "/updated_at")));
    check(&viewer, "gaps", "").await;
    // What is remembered of an earlier time is not said of now, also where the link was lost before
    // the service started.
    let again = TestApp::on(Arc::clone(&app.store), app.backend, |_| {}).await;
    let viewer = again.role(Role::Viewer);
    let created = word(&goal.record, "/created_at").to_owned();
    for (as_of, began) in [
        (format!("&as_of={created}"), &created),
        (String::new(), &times[3]),
    ] {
        let of_goal = format!("rule=goal_without_item&record_id={}", goal.id_text());
        let path = format!("/api/v1/gaps?{of_goal}&on=2099-01-01{as_of}");
        let found = viewer.items(&path).await;
        let since = found.first().map(|gap| word(gap, "/since"));
        assert_eq!(since, Some(began.as_str()), "{as_of}");
    }
}

on_both!(findings_begin_with_changes);
on_both! {
    by crate::golden::run;
    findings_of_the_papers_began_when_they_say
}
