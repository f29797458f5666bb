//! Slippage: first against present deadline, chains of waits, circles, events that several wait on,
//! and the graph that is drawn of them.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind};

const DAY: &str = "2020-10-26";

fn due(day: &str) -> Value {
    json!({ "precision": "day", "due_on": day })
}

async fn item(maker: &Maker<'_>, plan: &Made, fields: Value) -> Made {
    let mut draft = json!({ "plan_id": plan.id(), "item_kind": "project", "title": "A project" });
    draft
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    maker.create(kind("work_plan_item"), &draft).await
}

async fn waits(maker: &Maker<'_>, item: &Made, on: &Made) -> Made {
    maker
        .create(
            kind("dependency"),
            &json!({ "item_id": item.id(), "on_id": on.id() }),
        )
        .await
}

async fn slippage(app: &TestApp, query: &str) -> Value {
    let path = format!("/api/v1/slippage?limit=200&on={DAY}&{query}");
    app.role(Role::Viewer).get(&path).await.status(200).json()
}

/// The row of one record.
async fn row(app: &TestApp, on: &Made) -> Value {
    slippage(app, &format!("record_id={}", on.id_text())).await["items"][0].clone()
}

fn references(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|v| {
            v["record"]["reference"]
                .as_str()
                .or(v["reference"].as_str())
                .or(v["event"].as_str())
        })
        .collect()
}

/// The earliest day that can hold follows through everything that is waited on; moving the deadline
/// behind it makes it hold.
async fn a_date_holds_no_better_than_what_it_waits_on(app: TestApp) {
    let maker = Maker::new(&app);
    let (plan, board) = (
        maker.make_with("plan", json!({ "status": "active" })).await,
        maker.make_named("board").await,
    );
    let first = item(&maker, &plan, json!({ "deadline": due("2021-01-31") })).await;
    let second = item(&maker, &plan, json!({ "deadline": due("2021-03-31") })).await;
    let third = item(&maker, &plan, json!({ "deadline": due("2021-06-30") })).await;
    waits(&maker, &first, &second).await;
    let last = waits(&maker, &second, &third).await;
    let seen = row(&app, &first).await;
    assert_eq!(
        (&seen["can_be_met"], &seen["earliest_on"]),
        (&json!("impossible"), &json!("2021-06-30")),
        "{seen:#}"
    );
    assert_eq!(
        references(&seen["chain"]),
        [second.reference(), third.reference()]
    );
    assert_eq!(
        (
            &seen["waits_on"][0]["is_late"],
            &row(&app, &third).await["can_be_met"]
        ),
        (&json!(true), &json!("possible"))
    );
    assert_eq!(row(&app, &third).await["awaited_by"], 1);
    let change = json!({ "item_id": first.id(), "to": due("2021-12-31"), "approver_board_id": board.id(), "reason": "It waits", "decided_on": "2020-10-20" });
    maker.create(kind("deadline_change"), &change).await;
    let seen = row(&app, &first).await;
    assert_eq!(
        (&seen["can_be_met"], &seen["moved_days"], &seen["changes"]),
        (&json!("possible"), &json!(334), &json!(1)),
        "{seen:#}"
    );
    assert_eq!(
        (&seen["first_due_on"], &seen["due_on"]),
        (&json!("2021-01-31"), &json!("2021-12-31"))
    );
    assert_eq!(
        (
            &seen["moves"][0]["approved_by"][0]["id"],
            &seen["moves"][0]["reason"]
        ),
        (&json!(board.id()), &json!("It waits"))
    );
    assert_eq!(slippage(&app, "only=slipped").await["counts"]["records"], 1);
    // Once it has what it waited for, nothing keeps it.
    app.keeper(last.kind)
        .patch(&last.path, &last.etag, &json!({ "status": "met" }))
        .await
        .status(200);
    assert_eq!(row(&app, &second).await["can_be_met"], "possible");
    // What was to be done by now comes today at the earliest.
    let late = item(&maker, &plan, json!({ "deadline": due("2020-06-30") })).await;
    let soon = item(&maker, &plan, json!({ "deadline": due("2020-09-30") })).await;
    waits(&maker, &soon, &late).await;
    let seen = row(&app, &soon).await;
    assert_eq!(
        (
            &seen["can_be_met"],
            &seen["earliest_on"],
            &seen["is_overdue"],
            &seen["days_overdue"]
        ),
        (&json!("impossible"), &json!(DAY), &json!(true), &json!(26))
    );
}

/// What has no day makes every day that rests on it unknown; two that wait on the same words wait
/// on the same event.
async fn several_wait_on_one_event_without_a_day(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let (one, two) = (
        item(&maker, &plan, json!({ "deadline": due("2021-01-31") })).await,
        item(&maker, &plan, json!({ "deadline": due("2020-12-31") })).await,
    );
    let behind = item(&maker, &plan, json!({ "deadline": due("2021-02-28") })).await;
    for (item, words) in [(&one, "The new  system"), (&two, "the NEW system")] {
        maker
            .create(
                kind("dependency"),
                &json!({ "item_id": item.id(), "on_other": words }),
            )
            .await;
    }
    waits(&maker, &behind, &one).await;
    let seen = slippage(&app, "").await;
    let events = seen["events"].as_array().expect("events");
    assert_eq!(events.len(), 1, "{seen:#}");
    assert_eq!(
        (
            &events[0]["event"],
            &events[0]["expected_on"],
            &events[0]["waiting"],
            &events[0]["waiting_in_all"]
        ),
        (
            &json!("The new  system"),
            &Value::Null,
            &json!(2),
            &json!(3)
        )
    );
    assert_eq!(events[0]["first_needed_on"], "2020-12-31");
    let behind = row(&app, &behind).await;
    assert_eq!(
        (&behind["can_be_met"], &behind["earliest_on"]),
        (&json!("unknown"), &json!("2021-01-31"))
    );
    assert_eq!(
        references(&behind["chain"]),
        [one.reference(), "The new  system"]
    );
    assert_eq!(seen["counts"]["unknown"], 3);
    assert_eq!(
        slippage(&app, "only=cannot_hold").await["counts"]["records"],
        3
    );
    assert_eq!(
        slippage(&app, "dated_kind=recommendation").await["counts"]["records"],
        0
    );
}

/// A circle of recommendations is named and hangs nothing; an extension and deferrals are told
/// apart.
async fn a_circle_is_named(app: TestApp) {
    let maker = Maker::new(&app);
    let review = maker.make_named("audit_review").await;
    let make = async |n: u32| {
        maker
            .make_with(
                "recommendation",
                json!({ "review_id": review.id(), "number": n, "deadline": due("2021-01-31") }),
            )
            .await
    };
    let (one, two, third) = (make(1).await, make(2).await, make(3).await);
    let auditor = app.role(Role::Auditor);
    for (from, relation, to) in [(&one, "depends_on", &two), (&third, "depends_on", &one)] {
        let link =
            json!({ "recommendation_id": from.id(), "relation": relation, "to_id": to.id() });
        auditor
            .post("/api/v1/recommendation-links", &link)
            .await
            .status(201);
    }
    let post = maker.make_named("post").await;
    let deferred = async |from: &Made, words: &str, to: Vec<&Made>| {
        let to: Vec<Value> = to.iter().map(|t| json!(t.id())).collect();
        let deferral = json!({ "recommendation_id": from.id(), "update_kind": "deferral", "stated_on": "2020-10-20", "by_post_id": post.id(), "narrative": words, "refers_to_ids": to });
        maker
            .claimant()
            .await
            .post("/api/v1/recommendation-updates", &deferral)
            .await
            .status(201);
    };
    deferred(&two, "Once the other is done", vec![&one]).await;
    for on in [&one, &two, &third] {
        let seen = row(&app, on).await;
        assert_eq!(seen["can_be_met"], "circle", "{seen:#}");
        assert!(
            seen["chain"]
                .as_array()
                .is_some_and(|c| !c.is_empty() && c.len() <= 3),
            "{seen:#}"
        );
    }
    let graph = app
        .role(Role::Viewer)
        .get("/api/v1/dependency-graph")
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            &graph["nodes_in_all"],
            &graph["edges_in_all"],
            &graph["is_cut"]
        ),
        (&json!(3), &json!(3), &json!(false))
    );
    deferred(&one, "To the refresh", vec![]).await;
    let longer = json!({ "recommendation_id": one.id(), "to": due("2021-03-31"), "approver_post_id": post.id(), "reason": "Agreed", "approved_on": "2020-10-21" });
    maker
        .create(kind("recommendation_extension"), &longer)
        .await;
    let seen = row(&app, &one).await;
    assert_eq!(
        (&seen["changes"], &seen["deferrals"], &seen["moved_days"]),
        (&json!(1), &json!(1), &json!(59)),
        "{seen:#}"
    );
    let kinds: Vec<&str> = seen["moves"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|m| m["move_kind"].as_str())
        .collect();
    assert_eq!(kinds, ["deferral", "change"]);
    assert_eq!(
        (
            &seen["moves"][0]["approved_by"],
            &seen["moves"][0]["asked_by"]["id"]
        ),
        (&json!([]), &json!(post.id()))
    );
    assert_eq!(
        slippage(&app, &format!("review_id={}", review.id_text())).await["counts"]["records"],
        3
    );
}

/// What was put off to no day is judged by its first; a part of an action by its own deferral.
async fn what_is_deferred_to_no_day_shows(app: TestApp) {
    let maker = Maker::new(&app);
    let action = maker
        .make_with(
            "action",
            json!({ "due": due("2020-06-30"), "target_meeting_id": null }),
        )
        .await;
    let part = async |label: &str| {
        maker
            .create(
                kind("action_part"),
                &json!({ "action_id": action.id(), "label": label, "text": "A draft" }),
            )
            .await
    };
    let (kept, moved) = (part("a").await, part("b").await);
    let deferral = json!({ "action_id": action.id(), "part_id": moved.id(), "to": { "precision": "unspecified", "source_text": "later" }, "reason": "Not ready", "decided_on": "2020-06-30" });
    maker.create(kind("action_deferral"), &deferral).await;
    let seen = row(&app, &moved).await;
    assert_eq!(
        (
            &seen["deferred_without_date"],
            &seen["is_overdue"],
            &seen["due_words"],
            &seen["deferrals"]
        ),
        (&json!(true), &json!(true), &json!("later"), &json!(1)),
        "{seen:#}"
    );
    let seen = row(&app, &kept).await;
    assert_eq!(
        (
            &seen["deferred_without_date"],
            &seen["due_on"],
            &seen["days_overdue"]
        ),
        (&json!(false), &json!("2020-06-30"), &json!(118))
    );
    assert_eq!(
        slippage(&app, "only=deferred").await["counts"]["records"],
        2,
        "the action and its part b"
    );
}

/// A part of an action that the board has cancelled is neither open nor overdue, in any view.
async fn nothing_is_due_any_more_of_a_cancelled_action(app: TestApp) {
    let maker = Maker::new(&app);
    let action = maker
        .make_with(
            "action",
            json!({ "due": due("2020-06-30"), "target_meeting_id": null }),
        )
        .await;
    let part = maker
        .create(
            kind("action_part"),
            &json!({ "action_id": action.id(), "label": "a", "text": "A draft" }),
        )
        .await;
    let shows = async |is: bool| {
        let seen = row(&app, &part).await;
        assert_eq!(
            (&seen["is_open"], &seen["is_overdue"]),
            (&json!(is), &json!(is)),
            "{seen:#}"
        );
    };
    shows(true).await;
    let etag = app.role(Role::Viewer).get(&action.path).await.etag();
    let cancelled =
        json!({ "status": "cancelled", "closed_on": "2020-07-31", "closure_reason": "Dropped" });
    app.keeper(action.kind)
        .patch(&action.path, &etag, &cancelled)
        .await
        .status(200);
    shows(false).await;
}

/// What waits for a recommendation that was closed without being implemented waits for what will
/// not come, so its deadline cannot be met.
async fn what_was_closed_unimplemented_is_given_up(app: TestApp) {
    let maker = Maker::new(&app);
    let make = async |due: Value| {
        maker
            .make_with("recommendation", json!({ "deadline": due }))
            .await
    };
    let (waiting, given_up) = (make(due("2021-01-31")).await, make(due("2020-12-31")).await);
    let auditor = app.role(Role::Auditor);
    let link = json!({ "recommendation_id": waiting.id(), "relation": "depends_on", "to_id": given_up.id() });
    auditor
        .post("/api/v1/recommendation-links", &link)
        .await
        .status(201);
    assert_eq!(row(&app, &waiting).await["can_be_met"], "possible");
    let post = maker.make_named("post").await;
    let closure = json!({ "recommendation_id": given_up.id(), "closure": "risk_accepted", "closed_on": "2020-10-20", "reason": "Accepted", "accepted_by_post_id": post.id() });
    auditor
        .post("/api/v1/recommendation-closures", &closure)
        .await
        .status(201);
    assert_eq!(row(&app, &waiting).await["can_be_met"], "impossible");
    assert_eq!(row(&app, &given_up).await["is_open"], false);
}

/// A recommendation waits for what it depends on, what implements it and what it was deferred to.
/// What it refers to, duplicates or repeats holds nothing up.
async fn what_is_only_referred_to_holds_nothing_up(app: TestApp) {
    let maker = Maker::new(&app);
    let make = async |due: Value| {
        maker
            .make_with("recommendation", json!({ "deadline": due }))
            .await
    };
    let (one, later) = (make(due("2020-11-30")).await, make(due("2021-11-30")).await);
    let review = maker
        .make_with(
            "strategy_review",
            json!({ "status": "in_progress", "target": {}, "deferred": [], "completed_on": null }),
        )
        .await;
    let auditor = app.role(Role::Auditor);
    for relation in ["refers_to", "duplicates", "repeats"] {
        let link =
            json!({ "recommendation_id": one.id(), "relation": relation, "to_id": later.id() });
        auditor
            .post("/api/v1/recommendation-links", &link)
            .await
            .status(201);
    }
    let claimant = maker.claimant().await;
    let update = async |update_kind: &str, to: &Made| {
        let update = json!({ "recommendation_id": one.id(), "update_kind": update_kind, "stated_on": "2020-10-20", "narrative": "See there", "refers_to_ids": [to.id()] });
        claimant
            .post("/api/v1/recommendation-updates", &update)
            .await
            .status(201);
    };
    update("refers_to", &review).await;
    let gaps = async || -> Vec<String> {
        let path = format!("/api/v1/gaps?on={DAY}&record_id={}", one.id_text());
        let gaps = app.role(Role::Viewer).items(&path).await;
        let codes = gaps.iter().filter_map(|g| g["rule"].as_str());
        let waits = codes.filter(|c| c.starts_with("recommendation_waits"));
        waits.map(str::to_owned).collect()
    };
    let seen = row(&app, &one).await;
    assert_eq!(
        (&seen["can_be_met"], &seen["waits_on"], gaps().await),
        (&json!("possible"), &json!([]), Vec::new()),
        "{seen:#}"
    );
    assert_eq!(row(&app, &later).await["awaited_by"], 0);
    let graph = app.role(Role::Viewer).get("/api/v1/dependency-graph").await;
    assert_eq!(graph.status(200).json()["edges_in_all"], 0);
    update("deferral", &review).await;
    let seen = row(&app, &one).await;
    assert_eq!(
        (&seen["can_be_met"], &seen["waits_on"][0]["wait_kind"]),
        (&json!("unknown"), &json!("deferred_to")),
        "{seen:#}"
    );
    assert_eq!(gaps().await, ["recommendation_waits_for_undated"]);
    // A later deferral replaces the one before.
    update("deferral", &later).await;
    let seen = row(&app, &one).await;
    assert_eq!(seen["can_be_met"], "impossible", "{seen:#}");
    assert_eq!(references(&seen["waits_on"]), [later.reference()]);
    assert_eq!(gaps().await, ["recommendation_waits_beyond_deadline"]);
}

/// Whether a deadline has passed and whether it can still be met are told apart. One that has passed
/// never can.
async fn a_deadline_that_has_passed_cannot_be_met(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let told = async |fields: Value| {
        let item = item(&maker, &plan, fields).await;
        let seen = row(&app, &item).await;
        (seen["timeliness"].clone(), seen["can_be_met"].clone())
    };
    let is = |timeliness: &str, can_be_met: &str| (json!(timeliness), json!(can_be_met));
    assert_eq!(
        told(json!({ "deadline": due("2017-06-30") })).await,
        is("overdue", "impossible")
    );
    assert_eq!(
        told(json!({ "deadline": due(DAY) })).await,
        is("due_soon", "possible")
    );
    assert_eq!(
        told(json!({ "deadline": due("2021-06-30") })).await,
        is("not_due", "possible")
    );
    let done = json!({ "deadline": due("2020-06-30"), "status": "complete", "completed_on": "2020-07-15" });
    assert_eq!(told(done).await, is("met_late", "closed"));
    let counts = slippage(&app, "").await["counts"].clone();
    assert_eq!(
        (&counts["overdue"], &counts["cannot_be_met"]),
        (&json!(1), &json!(1))
    );
}

/// An active plan is in force: nothing waits for it, but it is not done until it is closed.
async fn an_active_plan_is_in_force_and_not_done(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "draft" })).await;
    let one = maker
        .make_with("recommendation", json!({ "deadline": due("2020-11-30") }))
        .await;
    let link =
        json!({ "recommendation_id": one.id(), "relation": "depends_on", "to_id": plan.id() });
    let auditor = app.role(Role::Auditor);
    auditor
        .post("/api/v1/recommendation-links", &link)
        .await
        .status(201);
    let drawn = async || {
        let path = format!("/api/v1/dependency-graph?record_id={}", one.id_text());
        let graph = app.role(Role::Viewer).get(&path).await.status(200).json();
        let nodes = graph["nodes"].as_array().expect("nodes").clone();
        let node = nodes
            .into_iter()
            .find(|n| n["record"]["id"] == plan.id_text());
        (
            node.expect("the plan")["state"].clone(),
            graph["edges"][0]["is_open"].clone(),
        )
    };
    assert_eq!(drawn().await, (json!("open"), json!(true)));
    for (status, state) in [("active", "in_force"), ("closed", "done")] {
        let client = maker.client(plan.kind);
        let etag = client.get(&plan.path).await.etag();
        client
            .patch(&plan.path, &etag, &json!({ "status": status }))
            .await
            .status(200);
        assert_eq!(drawn().await, (json!(state), json!(false)), "{status}");
    }
}

/// Pages follow each other; parameters that are not understood are named; what is hidden changes no
/// number.
async fn slippage_comes_in_pages_and_hides_what_is_hidden(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(item(&maker, &plan, json!({ "deadline": due("2021-01-31") })).await);
    }
    let viewer = app.role(Role::Viewer);
    let whole = slippage(&app, "").await;
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = viewer
            .get(&format!("/api/v1/slippage?limit=2&on={DAY}{cursor}"))
            .await
            .status(200)
            .json();
        assert_eq!(page["counts"], whole["counts"]);
        walked.extend(page["items"].as_array().expect("items").clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((json!(walked), walked.len()), (whole["items"].clone(), 5));
    for (query, name) in [
        ("only=nonsense", "?only"),
        ("dated_kind=moon", "?dated_kind"),
        ("cursor=x", "?cursor"),
        ("review_id=1", "?review_id"),
        ("limit=0", "?limit"),
    ] {
        viewer
            .get(&format!("/api/v1/slippage?{query}"))
            .await
            .problem_at("invalid_query", name);
    }
    let csv = viewer
        .get("/api/v1/slippage?format=csv")
        .await
        .status(200)
        .text();
    assert!(
        csv.starts_with("record.kind,record.id,record.reference"),
        "{csv}"
    );
    let graph = viewer
        .get("/api/v1/dependency-graph")
        .await
        .status(200)
        .json();
    let secret = item(
        &maker,
        &plan,
        json!({ "deadline": due("2030-01-31"), "marking": "official_sensitive" }),
    )
    .await;
    let hidden =
        json!({ "item_id": all[0].id(), "on_id": secret.id(), "marking": "official_sensitive" });
    maker.create(kind("dependency"), &hidden).await;
    let after = slippage(&app, "").await;
    assert_eq!(
        (&after["counts"], &after["items"], &after["events"]),
        (&whole["counts"], &whole["items"], &whole["events"])
    );
    let still = viewer
        .get("/api/v1/dependency-graph")
        .await
        .status(200)
        .json();
    assert_eq!(
        (&still["nodes"], &still["nodes_in_all"]),
        (&graph["nodes"], &graph["nodes_in_all"])
    );
    let cleared = app
        .keeper(kind("work_plan_item"))
        .get(&format!("/api/v1/slippage?on={DAY}&only=cannot_hold"))
        .await
        .status(200)
        .json();
    assert_eq!(cleared["counts"]["cannot_be_met"], 1, "{cleared:#}");
}

/// The graph is drawn in Mermaid and DOT, chosen by parameter or Accept; no title leaves its label;
/// what is cut is said.
async fn the_graph_is_drawn_and_no_title_leaves_its_label(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let hostile = "x\"]; click n0 href \"javascript:alert(1)\" %%{init: {}}%% <img src=x> \\";
    let centre = item(
        &maker,
        &plan,
        json!({ "title": hostile, "deadline": due("2021-06-30") }),
    )
    .await;
    let mut around = Vec::new();
    for _ in 0..3 {
        let next = item(&maker, &plan, json!({ "deadline": due("2021-01-31") })).await;
        waits(&maker, &next, &centre).await;
        around.push(next);
    }
    let far = item(&maker, &plan, json!({})).await;
    waits(&maker, &far, &around[0]).await;
    let viewer = app.role(Role::Viewer);
    let mermaid = viewer.get("/api/v1/dependency-graph?format=mermaid").await;
    assert_eq!(
        mermaid.status(200).header("content-type"),
        "text/vnd.mermaid; charset=utf-8"
    );
    let text = mermaid.text();
    assert!(
        text.starts_with("flowchart LR\n") && text.contains("n1 -->|\"dependency\"| n0"),
        "{text}"
    );
    for forbidden in ["%%", "<img", "javascript:", "\\", "\"]; click"] {
        assert!(!text.contains(forbidden), "{forbidden} in {text}");
    }
    let tag = mermaid.etag();
    viewer
        .ask("GET", "/api/v1/dependency-graph?format=mermaid")
        .header("if-none-match", &tag)
        .send()
        .await
        .status(304);
    let dot = viewer
        .ask("GET", "/api/v1/dependency-graph")
        .header("accept", "text/vnd.graphviz")
        .send()
        .await;
    assert_eq!(
        dot.status(200).header("content-type"),
        "text/vnd.graphviz; charset=utf-8"
    );
    assert!(
        dot.text().starts_with("digraph waits {") && dot.text().contains("x\\\"]; click"),
        "{}",
        dot.text()
    );
    assert_ne!(dot.etag(), tag);
    viewer
        .get("/api/v1/dependency-graph?format=svg")
        .await
        .problem_at("invalid_query", "?format");
    viewer
        .ask("GET", "/api/v1/dependency-graph")
        .header("accept", "image/svg+xml")
        .send()
        .await
        .problem("not_acceptable");
    viewer
        .get("/api/v1/slippage?format=mermaid")
        .await
        .problem_at("invalid_query", "?format");
    // Around one record: one step from the far end reaches what it waits on.
    let near = viewer
        .get(&format!(
            "/api/v1/dependency-graph?depth=1&record_id={}",
            far.id_text()
        ))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&near["nodes_in_all"], &near["edges_in_all"]),
        (&json!(2), &json!(1)),
        "{near:#}"
    );
    assert_eq!(
        near["nodes"][0]["record"]["reference"],
        json!(far.reference())
    );
    let two = viewer
        .get(&format!(
            "/api/v1/dependency-graph?depth=2&record_id={}",
            far.id_text()
        ))
        .await
        .status(200)
        .json();
    assert_eq!(two["nodes_in_all"], 3);
    let cut = viewer
        .get("/api/v1/dependency-graph?max_nodes=2")
        .await
        .status(200)
        .json();
    assert_eq!(
        (
            &cut["is_cut"],
            cut["nodes"].as_array().map(Vec::len),
            &cut["nodes_in_all"]
        ),
        (&json!(true), Some(2), &json!(5))
    );
    assert!(
        viewer
            .get("/api/v1/dependency-graph?max_nodes=2&format=mermaid")
            .await
            .text()
            .contains("2 of 5 nodes shown")
    );
    for (query, name) in [
        ("depth=0", "?depth"),
        ("max_nodes=9999", "?max_nodes"),
        ("wait_kind=x", "?wait_kind"),
        ("record_id=1", "?record_id"),
    ] {
        viewer
            .get(&format!("/api/v1/dependency-graph?{query}"))
            .await
            .problem_at("invalid_query", name);
    }
    let csv = viewer
        .get("/api/v1/dependency-graph?format=csv")
        .await
        .status(200)
        .text();
    assert_eq!(csv.lines().count(), 5, "{csv}");
}

on_both!(
    a_date_holds_no_better_than_what_it_waits_on,
    several_wait_on_one_event_without_a_day,
    a_circle_is_named,
    what_is_deferred_to_no_day_shows,
    nothing_is_due_any_more_of_a_cancelled_action,
    what_was_closed_unimplemented_is_given_up,
    what_is_only_referred_to_holds_nothing_up,
    a_deadline_that_has_passed_cannot_be_met,
    an_active_plan_is_in_force_and_not_done,
    slippage_comes_in_pages_and_hides_what_is_hidden,
    the_graph_is_drawn_and_no_title_leaves_its_label
);
