//! What needs attention: one ranked list of gaps and contradictions, for everything, a unit, a board,
//! a post, a strategy, and the caller.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Maker, kind};
use crate::support::{Client, TestApp, some};

const DAY: &str = "2020-10-26";

async fn all(client: &Client, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/attention?limit=200{query}");
    let view = client.get(&path).await.status(200).json();
    assert_eq!(view["next_cursor"], Value::Null, "more than a page");
    let items = view["items"].as_array().cloned().expect("lines");
    assert_eq!(view["total"], json!(items.len()));
    items
}

fn word(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn references(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|l| word(l, "/record/reference")).collect()
}

/// Every open gap and every contradiction is in exactly one line, each line's points are the sum of
/// its reasons, and the lines are in the order of their points.
async fn every_finding_is_in_one_line(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let lines = all(&viewer, &format!("&as_of={DAY}")).await;
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for (n, line) in some(lines.iter().enumerate()) {
        assert_eq!(line["rank"], json!(n + 1));
        let reasons = line["reasons"].as_array().cloned().expect("reasons");
        let points: i64 = some(&reasons).filter_map(|r| r["points"].as_i64()).sum();
        assert_eq!(line["points"], json!(points), "{line}");
        assert!(
            told.insert((word(line, "/rule"), word(line, "/found_on/reference"))),
            "twice: {line}"
        );
        let also = line["also"]["items"].as_array().cloned().expect("also");
        told.extend(
            also.iter()
                .map(|f| (word(f, "/rule"), word(f, "/record/reference"))),
        );
        for said in ["/what", "/why", "/remedy", "/closed_by/path"] {
            assert_ne!(word(line, said), "", "{said}: {line}");
        }
    }
    let points: Vec<i64> = lines.iter().filter_map(|l| l["points"].as_i64()).collect();
    assert!(points.is_sorted_by(|a, b| a >= b), "{points:?}");
    for view in ["gaps", "contradictions"] {
        let path = format!("/api/v1/{view}?limit=200&as_of={DAY}");
        let found = viewer.items(&path).await;
        // A gap reports it as well, folded under what explains it.
        let told_as_gap = |f: &&Value| word(f, "/rule") == "item_rag_differs";
        for finding in some(&found).filter(|f| !told_as_gap(f)) {
            let at = (word(finding, "/rule"), word(finding, "/record/reference"));
            assert!(told.contains(&at), "{view}: {at:?} is in no line");
        }
    }
}

/// Pages follow each other without loss, and a filter that is not known is named.
async fn lines_come_in_pages(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let lines = references(&all(&viewer, &format!("&as_of={DAY}")).await);
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/attention?limit=7&as_of={DAY}{cursor}");
        let page = viewer.get(&path).await.status(200).json();
        assert_eq!(page["total"], json!(lines.len()));
        walked.extend(references(page["items"].as_array().expect("lines")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, lines);
    for (query, name) in [
        ("cursor=x", "cursor"),
        ("unit_id=x", "unit_id"),
        ("limit=0", "limit"),
    ] {
        let path = format!("/api/v1/attention?{query}");
        let told = viewer.get(&path).await.problem("invalid_query");
        assert!(word(&told, "/detail").contains(name), "{told}");
    }
    let csv = format!("/api/v1/attention?format=csv&as_of={DAY}");
    let csv = viewer.get(&csv).await.status(200).text();
    assert_eq!(csv.lines().count(), lines.len() + 1);
    let xlsx = format!("/api/v1/attention?format=xlsx&as_of={DAY}");
    viewer.get(&xlsx).await.status(200);
}

/// A list that is narrowed has the lines of everything that belong there, and no others.
async fn lines_are_narrowed(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let id = async |collection: &str, reference: &str| {
        let path = format!("/api/v1/{collection}?reference={reference}");
        let found = viewer.items(&path).await;
        word(&found[0], "/id")
    };
    let lines = references(&all(&viewer, &format!("&as_of={DAY}")).await);
    for (name, collection, reference, there, not_there) in [
        (
            "unit_id",
            "units",
            "DATA-INSIGHT",
            "MEASURE-PAS",
            "STRIDE-DG",
        ),
        (
            "board_id",
            "boards",
            "STRIDE-DG",
            "STRIDE-DG",
            "STRIDE-BOARD",
        ),
        (
            "strategy_id",
            "strategies",
            "STRIDE-2017",
            "DP-2020",
            "MEASURE-PAS",
        ),
        (
            "post_id",
            "posts",
            "COMMANDER-CPIE",
            "PAPER-2020",
            "DP-2020",
        ),
    ] {
        let id = id(collection, reference).await;
        let narrow = references(&all(&viewer, &format!("&as_of={DAY}&{name}={id}")).await);
        assert!(narrow.contains(&there.to_owned()), "{name}: {narrow:?}");
        assert!(
            !narrow.contains(&not_there.to_owned()),
            "{name}: {narrow:?}"
        );
        assert!(
            some(&narrow).all(|r| lines.contains(r)),
            "{name}: {narrow:?}"
        );
        assert!(narrow.len() < lines.len(), "{name}: {narrow:?}");
    }
}

/// A caller is told what their own posts must do, and nothing to do with others.
async fn a_caller_is_told_what_is_theirs(app: TestApp) {
    let maker = Maker::new(&app);
    let post = maker.make_named("post").await;
    let other = maker.make_named("post").await;
    let risk = async |owner: &crate::support::maker::Made| {
        let fields = json!({ "owner_post_id": owner.id(), "owner_unit_id": null });
        maker.make_with("risk", fields).await
    };
    let (own, theirs) = (risk(&post).await, risk(&other).await);
    let (client, account, _) = maker.account("viewer").await;
    let mine = async || {
        let view = client.get("/api/v1/me/attention").await.status(200).json();
        references(view["items"].as_array().expect("lines"))
    };
    assert_eq!(mine().await, Vec::<String>::new(), "no post, nothing to do");
    let keeper = app.keeper(kind("account"));
    let account = keeper.get(&account.path).await;
    let path = format!("/api/v1/accounts/{}", word(&account.json(), "/id"));
    let holds = json!({ "post_id": post.id() });
    keeper
        .patch(&path, &account.etag(), &holds)
        .await
        .status(200);
    let told = mine().await;
    assert!(told.contains(&own.reference().to_owned()), "{told:?}");
    assert!(!told.contains(&theirs.reference().to_owned()), "{told:?}");
}

/// Doing what a line says closes it; marking its record hides it.
async fn a_line_goes_when_it_is_done(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker
        .make_with("plan", json!({ "owner_unit_id": null, "status": "active", "completeness_claim": "not_stated" }))
        .await;
    maker
        .make_with("work_plan_item", json!({ "plan_id": plan.id() }))
        .await;
    let unit = maker.make_named("unit").await;
    let viewer = app.role(Role::Viewer);
    let lines = all(&viewer, "").await;
    let line = some(&lines)
        .find(|l| word(l, "/record/reference") == plan.reference())
        .cloned()
        .expect("a line");
    assert_eq!(line["rule"], "plan_without_owner");
    let closed_by = json!({
        "operation_id": "updatePlan", "method": "PATCH",
        "path": format!("/api/v1/plans/{}", plan.id_text()), "fields": ["owner_unit_id"],
    });
    assert_eq!(line["closed_by"], closed_by);
    let keeper = app.keeper(kind("plan"));
    let done = json!({ "owner_unit_id": unit.id() });
    keeper
        .patch(&word(&line, "/closed_by/path"), &plan.etag, &done)
        .await
        .status(200);
    assert!(!references(&all(&viewer, "").await).contains(&plan.reference().to_owned()));
    let hidden =
        json!({ "owner_unit_id": null, "status": "active", "marking": "official_sensitive" });
    let hidden = maker.make_with("plan", hidden).await;
    assert!(!references(&all(&viewer, "").await).contains(&hidden.reference().to_owned()));
    assert!(references(&all(&keeper, "").await).contains(&hidden.reference().to_owned()));
}

/// The weights are settings.
async fn weights_are_settings(app: TestApp) {
    let maker = Maker::new(&app);
    let late = json!({ "target": { "precision": "day", "due_on": "2020-01-31" }, "started_on": "2019-01-01", "status": "in_progress" });
    let review = maker.make_with("strategy_review", late).await;
    let viewer = app.role(Role::Viewer);
    let points = async || {
        let lines = all(&viewer, "").await;
        let mut of_review =
            some(&lines).filter(|l| word(l, "/record/reference") == review.reference());
        of_review
            .next()
            .map_or(Value::Null, |l| l["points"].clone())
    };
    // 40 for the rule, 20 and 9 for being overdue, 5 because other records rest on the review.
    assert_eq!(points().await, json!(74));
    let weights = json!({
        "in_force_from": "2020-04-01",
        "attention": { "high": 40, "medium": 20, "low": 5, "overdue": 0, "overdue_at_most": 0, "importance": 0 },
    });
    let keeper = app.keeper(kind("setting_set"));
    keeper.post("/api/v1/settings", &weights).await.status(201);
    assert_eq!(points().await, json!(40));
    let wrong = json!({ "in_force_from": "2020-04-01", "attention": { "high": 10, "medium": 20 } });
    keeper
        .post("/api/v1/settings", &wrong)
        .await
        .problem_at("rule_violation", "/attention/medium");
}

on_both!(
    a_caller_is_told_what_is_theirs,
    a_line_goes_when_it_is_done,
    weights_are_settings
);
on_both! {
    by crate::golden::run;
    every_finding_is_in_one_line,
    lines_come_in_pages,
    lines_are_narrowed
}
