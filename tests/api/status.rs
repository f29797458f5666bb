//! Where everything stands: what each status covers, why a whole has its colour, what has moved,
//! and what is hidden.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, some};

const ON: &str = "on=2020-10-26";

async fn status(app: &TestApp, path: &str) -> Value {
    app.role(Role::Viewer).get(path).await.status(200).json()
}

/// How many items, recommendations, actions and risks the status of a record counts.
async fn counts(app: &TestApp, of: &Made) -> [u64; 4] {
    let view = status(app, &format!("{}/status?{ON}", of.path)).await;
    assert_eq!(
        (&view["about"]["id"], &view["about"]["kind"]),
        (&of.record["id"], &json!(of.kind.name)),
        "{view}"
    );
    [
        "/totals/items",
        "/recommendations/recommendations",
        "/actions/actions",
        "/risks/risks",
    ]
    .map(|p| {
        view.pointer(p)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no {p} in {view}"))
    })
}

/// What belongs together: a unit below another, a goal below another, a plan, an item, a
/// recommendation, an action and a risk about it.
struct Whole {
    top: Made,
    unit: Made,
    goal: Made,
    part: Made,
    plan: Made,
    item: Made,
    board: Made,
    review: Made,
    recommendation: Made,
    action: Made,
    register: Made,
}

async fn whole(maker: &Maker<'_>, word: &str) -> Whole {
    let unit = async |name: &str, parent: Option<&Made>| {
        let draft = json!({ "title": format!("{name} {word}"), "unit_kind": "unit", "parent_id": parent.map(Made::id_text) });
        maker.create(kind("unit"), &draft).await
    };
    let top = unit("Top", None).await;
    let unit = unit("Below", Some(&top)).await;
    let strategy = maker.make(kind("strategy")).await;
    let goal = async |title: &str, parent: Option<&Made>| {
        let draft = json!({ "strategy_id": strategy.id(), "goal_kind": "objective", "title": title, "parent_id": parent.map(Made::id_text) });
        maker.create(kind("goal"), &draft).await
    };
    let goal_above = goal("Above", None).await;
    let part = goal("Part", Some(&goal_above)).await;
    let plan = maker.make(kind("plan")).await;
    let item = json!({
        "plan_id": plan.id(), "item_kind": "deliverable", "title": "The dashboard", "responsible_unit_id": unit.id(),
        "goals": [{ "goal_id": part.id() }], "status": "in_progress", "declared_rag": "green",
        "deadline": { "precision": "day", "due_on": "2020-06-30" },
    });
    let item = maker.create(kind("work_plan_item"), &item).await;
    let board = maker.make(kind("board")).await;
    maker
        .create(
            kind("allocation"),
            &json!({ "item_id": item.id(), "board_id": board.id(), "unit_id": unit.id() }),
        )
        .await;
    let review = maker.make(kind("audit_review")).await;
    let recommendation = json!({
        "review_id": review.id(), "title": "Have a dashboard", "recommendation": "Make one", "owner_unit_id": unit.id(), "item_ids": [item.id()],
        "deadline": { "precision": "month", "due_on": "2020-11-30" },
    });
    let recommendation = maker.create(kind("recommendation"), &recommendation).await;
    let meeting = json!({ "board_id": board.id(), "title": "A meeting", "status": "held", "held_on": "2020-03-30" });
    let meeting = maker.create(kind("meeting"), &meeting).await;
    let action = json!({ "meeting_id": meeting.id(), "number": 14, "text": "Bring it", "owner_unit_id": unit.id(), "record_ids": [item.id(), recommendation.id()] });
    let action = maker.create(kind("action"), &action).await;
    let register = maker
        .create(
            kind("risk_register"),
            &json!({ "title": format!("Register {word}"), "register_kind": "plan", "board_id": board.id() }),
        )
        .await;
    let risk = json!({ "register_id": register.id(), "title": "It never comes", "owner_unit_id": unit.id(), "item_ids": [item.id()], "review_on": "2020-12-01" });
    maker.create(kind("risk"), &risk).await;
    Whole {
        top,
        unit,
        goal: goal_above,
        part,
        plan,
        item,
        board,
        review,
        recommendation,
        action,
        register,
    }
}

/// Each status counts what belongs to its record, however far below, and nothing else.
async fn a_status_covers_what_belongs_to_its_record(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    whole(&maker, "two").await;
    for of in [&w.top, &w.unit, &w.goal, &w.part, &w.plan, &w.board] {
        assert_eq!(counts(&app, of).await, [1, 1, 1, 1], "{}", of.path);
    }
    assert_eq!(
        counts(&app, &w.review).await,
        [1, 1, 1, 0],
        "no control carries it out"
    );
    assert_eq!(counts(&app, &w.register).await, [0, 0, 0, 1]);
    let all = status(&app, &format!("/api/v1/status?{ON}")).await;
    assert_eq!(
        (
            &all["about"],
            &all["totals"]["items"],
            &all["actions"]["open"]
        ),
        (&Value::Null, &json!(2), &json!(2))
    );
    let elsewhere = maker.make(kind("unit")).await;
    assert_eq!(counts(&app, &elsewhere).await, [0; 4]);
    let nothing = status(&app, &format!("{}/status?{ON}", elsewhere.path)).await;
    assert_eq!(
        (&nothing["computed_rag"], &nothing["reasons"][0]["cause"]),
        (&json!("grey"), &json!("nothing_to_assess"))
    );
    // A status of a goal at the address of a unit is none.
    app.role(Role::Viewer)
        .get(&format!("/api/v1/units/{}/status", w.goal.id()))
        .await
        .problem("not_found");
    // What is in a withdrawn plan is not planned any more. Records outside the plan would keep its
    // item from being withdrawn with it.
    let risks = format!("/api/v1/risks?item_id={}", w.item.id());
    let risk = app.role(Role::Viewer).items(&risks).await.remove(0);
    let risk = format!("/api/v1/risks/{}", risk["id"].as_str().expect("an id"));
    for (kind, path) in [
        (w.recommendation.kind, w.recommendation.path.clone()),
        (kind("risk"), risk),
    ] {
        let client = maker.client(kind);
        let etag = client.get(&path).await.etag();
        client
            .patch(&path, &etag, &json!({ "item_ids": [] }))
            .await
            .status(200);
    }
    maker
        .client(w.plan.kind)
        .delete(&format!("{}?within=withdraw", w.plan.path), &w.plan.etag)
        .await
        .status(200);
    assert_eq!(counts(&app, &w.unit).await, [0, 1, 1, 1]);
    let csv = app
        .role(Role::Viewer)
        .get(&format!("{}/status?{ON}&format=csv", w.board.path))
        .await;
    assert!(
        csv.status(200)
            .text()
            .starts_with("group,id,reference,title,items,"),
        "{}",
        csv.text()
    );
}

/// The colour of the whole is the worst that a reason gives; next dates come from every register.
async fn a_rag_rating_has_its_reasons(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    let view = status(&app, &format!("{}/status?{ON}", w.unit.path)).await;
    assert_eq!(view["computed_rag"], "red");
    assert_eq!(
        view["reasons"],
        json!([
            { "rag": "red", "cause": "items_red", "count": 1 },
            { "rag": "amber", "cause": "items_disagreeing", "count": 1 },
        ])
    );
    let next: Vec<(&Value, &Value)> = view["next_dates"]
        .as_array()
        .expect("dates")
        .iter()
        .map(|d| (&d["due_on"], &d["record"]["kind"]))
        .collect();
    assert_eq!(
        next,
        [
            (&json!("2020-11-30"), &json!("recommendation")),
            (&json!("2020-12-01"), &json!("risk"))
        ]
    );
    let later = status(&app, &format!("{}/status?on=2020-12-02", w.unit.path)).await;
    let causes: Vec<&Value> = later["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .map(|r| &r["cause"])
        .collect();
    assert_eq!(
        causes,
        ["items_red", "recommendations_overdue", "items_disagreeing"]
    );
    assert_eq!(
        (
            &later["recommendations"]["timeliness"]["overdue"],
            &later["risks"]["review_overdue"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(later["next_dates"], json!([]));
}

/// What is due on the day itself is still to come, and so is what was deferred without a date, until the
/// day on which it was first due: as in the calendar.
async fn next_dates_are_those_of_the_calendar(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    let board = maker.make(kind("board")).await;
    let item = |title: &str, due_on: &str| {
        json!({
            "plan_id": w.plan.id(), "item_kind": "deliverable", "title": title, "responsible_unit_id": w.unit.id(),
            "deadline": { "precision": "day", "due_on": due_on },
        })
    };
    let items = kind("work_plan_item");
    maker.create(items, &item("Today", "2020-10-26")).await;
    maker.create(items, &item("Yesterday", "2020-10-25")).await;
    let later = maker.create(items, &item("Later", "2020-11-05")).await;
    let change = json!({
        "item_id": later.id(), "to": { "precision": "unspecified", "source_text": "in due course" },
        "approver_board_id": board.id(), "reason": "Not yet", "decided_on": "2020-10-20",
    });
    maker.create(kind("deadline_change"), &change).await;
    let dated = async |on: &str| -> Vec<(Value, Value)> {
        let view = status(&app, &format!("{}/status?on={on}", w.unit.path)).await;
        let dates = view["next_dates"].as_array().expect("dates");
        let named = dates
            .iter()
            .filter(|d| d["record"]["kind"] == "work_plan_item");
        named
            .map(|d| (d["due_on"].clone(), d["record"]["title"].clone()))
            .collect()
    };
    let today = (json!("2020-10-26"), json!("Today"));
    let first = (json!("2020-11-05"), json!("Later"));
    assert_eq!(dated("2020-10-26").await, [today, first.clone()]);
    assert_eq!(dated("2020-11-05").await, [first]);
    assert_eq!(dated("2020-11-06").await, []);
}

/// A trend names every figure that differs from the earlier time, and no other.
async fn a_trend_shows_what_moved(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    let before = app
        .service
        .engine
        .fresh()
        .await
        .expect("the world")
        .at
        .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let update =
        json!({ "status": "complete", "completed_on": "2020-10-20", "declared_rag": "blue" });
    maker
        .client(w.item.kind)
        .patch(&w.item.path, &w.item.etag, &update)
        .await
        .status(200);
    let path = format!("{}/status?compare_to={before}", w.unit.path);
    let trend = status(&app, &path).await["trend"].clone();
    assert_eq!(
        (&trend["was_on_record"], &trend["computed_rag"]),
        (&json!(true), &json!("red")),
        "{trend:#}"
    );
    let change = |figure: &str| {
        let all = trend["changes"].as_array().expect("changes");
        all.iter()
            .find(|c| c["figure"] == figure)
            .map(|c| c["change"].clone())
    };
    assert_eq!(change("items.by_status.complete"), Some(json!(1)));
    assert_eq!(change("items.by_status.in_progress"), Some(json!(-1)));
    assert_eq!(change("items.overdue"), Some(json!(-1)));
    assert_eq!(
        (
            change("items.items"),
            change("recommendations.recommendations")
        ),
        (None, None)
    );
    // Nothing moves against itself.
    let now = status(
        &app,
        &format!("{}/status?compare_to={before}&as_of={before}", w.unit.path),
    )
    .await;
    assert_eq!(now["trend"]["changes"], json!([]));
    let unborn = status(
        &app,
        &format!("{}/status?compare_to=2019-01-01", w.unit.path),
    )
    .await;
    assert_eq!(
        (
            &unborn["trend"]["was_on_record"],
            &unborn["trend"]["computed_rag"]
        ),
        (&json!(false), &Value::Null)
    );
    let viewer = app.role(Role::Viewer);
    viewer
        .get("/api/v1/status?compare_to=2999-01-01")
        .await
        .problem_at("invalid_query", "?compare_to");
    viewer
        .get(&format!(
            "/api/v1/status?as_of=2019-01-01&compare_to={before}"
        ))
        .await
        .problem_at("invalid_query", "?compare_to");
    viewer
        .get("/api/v1/status?compare_to=soon")
        .await
        .problem_at("invalid_query", "?compare_to");
}

/// What is marked above a caller's clearance changes no figure that it sees; as of now is as
/// without it.
async fn what_is_hidden_changes_no_figure(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    let paths = [&w.top, &w.goal, &w.plan, &w.board, &w.review, &w.register]
        .map(|m| format!("{}/status?{ON}", m.path));
    let mut before = Vec::new();
    for path in &paths {
        let mut view = status(&app, path).await;
        view["journal_seq"] = Value::Null;
        before.push(view);
    }
    let hidden = json!({ "marking": "official_sensitive" });
    for (kind_name, fields) in [
        (
            "work_plan_item",
            json!({ "plan_id": w.plan.id(), "item_kind": "activity", "title": "Hidden", "responsible_unit_id": w.unit.id(), "goals": [{ "goal_id": w.part.id() }] }),
        ),
        (
            "recommendation",
            json!({ "review_id": w.review.id(), "title": "Hidden", "recommendation": "Hidden", "owner_unit_id": w.unit.id(), "item_ids": [w.item.id()] }),
        ),
        (
            "action",
            json!({ "meeting_id": w.action.record["meeting_id"], "number": 15, "text": "Hidden", "owner_unit_id": w.unit.id(), "record_ids": [w.recommendation.id()] }),
        ),
        (
            "risk",
            json!({ "register_id": w.register.id(), "title": "Hidden", "owner_unit_id": w.unit.id(), "item_ids": [w.item.id()] }),
        ),
    ] {
        let mut draft = fields;
        draft
            .as_object_mut()
            .expect("an object")
            .extend(hidden.as_object().expect("an object").clone());
        maker.create(kind(kind_name), &draft).await;
    }
    let now = app
        .service
        .engine
        .fresh()
        .await
        .expect("the world")
        .at
        .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    for (path, before) in some(paths.iter().zip(&before)) {
        for path in [path.clone(), format!("{path}&as_of={now}")] {
            let mut view = status(&app, &path).await;
            view["journal_seq"] = Value::Null;
            assert_eq!(view, *before, "{path}");
        }
        let cleared = app
            .keeper(kind("work_plan_item"))
            .get(path)
            .await
            .status(200)
            .json();
        assert_ne!(
            cleared["totals"]["items"].as_u64().unwrap_or(0)
                + cleared["risks"]["risks"].as_u64().unwrap_or(0),
            before["totals"]["items"].as_u64().unwrap_or(0)
                + before["risks"]["risks"].as_u64().unwrap_or(0)
                + u64::from(path.contains("audit-reviews")),
            "{path}"
        );
    }
}

on_both!(
    a_status_covers_what_belongs_to_its_record,
    a_rag_rating_has_its_reasons,
    next_dates_are_those_of_the_calendar,
    a_trend_shows_what_moved,
    what_is_hidden_changes_no_figure
);
