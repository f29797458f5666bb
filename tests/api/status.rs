//! Where everything stands: what each status covers, why a whole has its colour, what has moved,
//! and what is hidden.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, perhaps, some};

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
    let mut reasons = view["reasons"].clone();
    for reason in some(reasons.as_array_mut().expect("reasons")) {
        let reason = reason.as_object_mut().expect("a reason");
        assert!(reason.remove("query").is_some_and(|q| q.is_string()));
    }
    assert_eq!(
        reasons,
        json!([
            { "rag": "red", "cause": "items_red", "count": 1 },
            { "rag": "amber", "cause": "risks_not_scored", "count": 1 },
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
        [
            "items_red",
            "recommendations_overdue",
            "risks_not_scored",
            "items_disagreeing"
        ]
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

/// The rows of `status/items` by title, each with the rating, its rule and its reason.
async fn ratings(app: &TestApp) -> std::collections::BTreeMap<String, (Value, Value, String)> {
    let rows = app
        .role(Role::Viewer)
        .items(&format!("/api/v1/status/items?{ON}"))
        .await;
    let row = |r: &Value| {
        (
            r["item"]["title"].as_str().expect("a title").to_owned(),
            (
                r["computed_rag"].clone(),
                r["computed_by"].clone(),
                r["computed_reason"].as_str().expect("a reason").to_owned(),
            ),
        )
    };
    rows.iter().map(row).collect()
}

/// An item that waits, directly or through others, for what has no date, comes too late or was given
/// up is not on course, in any view.
async fn an_item_that_waits_in_vain_is_not_on_course(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let item = async |title: &str, due_on: Option<&str>| {
        let deadline = due_on.map_or(json!({}), |d| json!({ "precision": "day", "due_on": d }));
        let draft = json!({
            "plan_id": plan.id(), "item_kind": "project", "title": title, "status": "in_progress", "declared_rag": "green",
            "start": { "precision": "day", "due_on": "2020-10-01" }, "deadline": deadline,
        });
        maker.create(kind("work_plan_item"), &draft).await
    };
    let due = Some("2021-03-31");
    let alone = item("Alone", due).await;
    let undated = item("Undated", due).await;
    let behind = item("Behind", due).await;
    let late = item("Late", due).await;
    let ended = item("Ended", due).await;
    let without_day = item("Without a day", None).await;
    let next_year = item("Next year", Some("2021-04-10")).await;
    let gone = item("Gone", due).await;
    let client = maker.client(gone.kind);
    client
        .patch(&gone.path, &gone.etag, &json!({ "status": "cancelled" }))
        .await
        .status(200);
    for (from, to) in [
        (&undated, &without_day),
        (&behind, &undated),
        (&late, &next_year),
        (&ended, &gone),
    ] {
        let draft = json!({ "item_id": from.id(), "on_id": to.id() });
        maker.create(kind("dependency"), &draft).await;
    }
    let all = ratings(&app).await;
    let is = |rag: &str, by: &str, reason: String| (json!(rag), json!(by), reason);
    let named = |made: &Made, title: &str| format!("waits for {title} ({})", made.reference());
    assert_eq!(all["Alone"].1, "on_course");
    let no_date = format!(
        "{}, which has no date",
        named(&without_day, "Without a day")
    );
    assert_eq!(
        all["Undated"],
        is("amber", "waits_for_undated", no_date.clone())
    );
    assert_eq!(all["Behind"], is("amber", "waits_for_undated", no_date));
    assert_eq!(
        all["Late"],
        is(
            "red",
            "cannot_be_met",
            format!(
                "{}, which comes 10 days after its deadline or later",
                named(&next_year, "Next year")
            )
        )
    );
    assert_eq!(
        all["Ended"],
        is(
            "red",
            "cannot_be_met",
            format!("{}, which was given up", named(&gone, "Gone"))
        )
    );
    let view = status(&app, &format!("{}/status?{ON}", plan.path)).await;
    let everything = status(&app, &format!("/api/v1/status?{ON}")).await;
    for view in [&view, &everything] {
        assert_eq!(
            view["totals"]["computed_rag"],
            json!({ "red": 2, "amber": 2, "green": 2, "blue": 0, "grey": 2 }),
            "{view:#}"
        );
        assert_eq!(view["totals"]["disagreeing"], 5);
    }
    assert_eq!(
        everything["by_goal"][0]["counts"]["computed_rag"], everything["totals"]["computed_rag"],
        "items without a goal"
    );
    let viewer = app.role(Role::Viewer);
    for (path, field) in [
        ("contradictions?rule=item_rag_differs", "/computed/words"),
        ("gaps?rule=item_rag_disagrees", "/reason"),
    ] {
        let found = viewer.items(&format!("/api/v1/{path}&{ON}")).await;
        let of = |made: &Made| {
            let mut found = found.iter();
            let found = found.find(|f| f["record"]["id"] == made.id_text());
            let words = found.and_then(|f| f.pointer(field)).and_then(Value::as_str);
            words.unwrap_or("nothing").to_owned()
        };
        assert_eq!(of(&alone), "nothing", "{path}");
        for (made, title) in [(&undated, "Undated"), (&behind, "Behind"), (&late, "Late")] {
            assert!(of(made).contains(&all[title].2), "{path}: {}", of(made));
        }
    }
}

/// A risk without a score, without an owner, with a failing control, or extreme without an appetite
/// is neither grey nor green.
async fn a_risk_that_lacks_something_is_not_green(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let high = json!({ "likelihood": "almost_certain", "impact": "catastrophic" });
    let low = json!({ "likelihood": "rare", "impact": "minor" });
    let whole = json!({
        "owner_unit_id": unit.id(), "owner_post_id": null, "appetite": "open", "inherent": high,
        "current": low, "target": null, "review_on": null, "goal_ids": [], "item_ids": [],
    });
    let register = async |fields: Value| {
        let register = maker.make_named("risk_register").await;
        let mut draft = whole.clone();
        draft["register_id"] = json!(register.id());
        let draft = draft.as_object_mut().expect("an object");
        draft.extend(fields.as_object().expect("an object").clone());
        let risk = maker.make_with("risk", json!(draft)).await;
        (register, risk)
    };
    let rated = async |register: &Made| {
        let view = status(&app, &format!("{}/status?{ON}", register.path)).await;
        let causes = view["reasons"].as_array().expect("reasons");
        let causes = causes.iter().filter_map(|r| r["cause"].as_str());
        let causes: Vec<String> = causes.map(str::to_owned).collect();
        let rag = view["computed_rag"].as_str().expect("a rating").to_owned();
        assert_eq!(view["risks"]["computed_rag"][&rag], 1, "{view:#}");
        (rag, causes.join(" "))
    };
    let is = |rag: &str, causes: &str| (rag.to_owned(), causes.to_owned());
    let (sound, risk) = register(json!({})).await;
    assert_eq!(rated(&sound).await, is("green", "on_course"));
    let (unscored, _) = register(json!({ "current": null })).await;
    assert_eq!(rated(&unscored).await, is("amber", "risks_not_scored"));
    let (unowned, _) = register(json!({ "owner_unit_id": null })).await;
    assert_eq!(rated(&unowned).await, is("amber", "risks_without_owner"));
    let (extreme, _) = register(json!({ "current": high, "appetite": null })).await;
    assert_eq!(
        rated(&extreme).await,
        is("red", "escalations_due risks_extreme_without_appetite")
    );
    let late = json!({ "deadline": { "precision": "day", "due_on": "2020-07-31" } });
    let late = maker.make_with("recommendation", late).await;
    let control =
        json!({ "risk_ids": [risk.id()], "title": "A control", "recommendation_id": late.id() });
    maker.create(kind("control"), &control).await;
    assert_eq!(rated(&sound).await, is("amber", "controls_failing"));
    let view = status(&app, &format!("/api/v1/status?{ON}")).await;
    assert_eq!(
        (
            &view["risks"]["control_failing"],
            &view["risks"]["without_owner"],
            &view["risks"]["computed_rag"]
        ),
        (
            &json!(1),
            &json!(1),
            &json!({ "red": 1, "amber": 3, "green": 0, "blue": 0, "grey": 0 })
        )
    );
}

/// A recommendation counts for the strategy, plan or board that its review is about, and a risk that
/// has no owner for the unit that owns its register.
async fn what_has_no_links_of_its_own_counts_where_it_belongs(app: TestApp) {
    let maker = Maker::new(&app);
    let strategy = maker.make_named("strategy").await;
    let version = maker
        .make_with(
            "strategy_version",
            json!({ "strategy_id": strategy.id(), "status": "draft", "approved_on": null }),
        )
        .await;
    let plan = maker
        .make_with("plan", json!({ "strategy_version_id": version.id() }))
        .await;
    let board = maker.make_named("board").await;
    let about = async |subject: &Made| {
        let review = json!({ "subject_ids": [subject.id()] });
        let review = maker.make_with("audit_review", review).await;
        let draft = json!({ "review_id": review.id(), "goal_ids": [], "item_ids": [] });
        maker.make_with("recommendation", draft).await;
    };
    about(&strategy).await;
    about(&plan).await;
    assert_eq!(counts(&app, &strategy).await[1], 2);
    assert_eq!(counts(&app, &plan).await[1], 1);
    assert_eq!(counts(&app, &board).await[1], 0);
    about(&board).await;
    assert_eq!(counts(&app, &board).await[1], 1);

    let (unit, other) = (
        maker.make_named("unit").await,
        maker.make_named("unit").await,
    );
    let register = json!({ "owner_unit_id": unit.id(), "owner_post_id": null });
    let register = maker.make_with("risk_register", register).await;
    let risk = async |owner: Option<&Made>| {
        let draft = json!({
            "register_id": register.id(), "owner_unit_id": owner.map(Made::id_text), "owner_post_id": null,
            "goal_ids": [], "item_ids": [],
        });
        maker.make_with("risk", draft).await;
    };
    risk(None).await;
    risk(Some(&other)).await;
    let listed = async |unit: &Made| {
        let path = format!("/api/v1/risks?unit_below={}", unit.id_text());
        app.role(Role::Viewer).items(&path).await.len() as u64
    };
    for unit in [&unit, &other] {
        assert_eq!((counts(&app, unit).await[3], listed(unit).await), (1, 1));
    }
}

/// A changed deadline, a response or an extension is news of a record, as an update is: status, gaps
/// and the lists say the same.
async fn what_was_heard_of_is_not_stale(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let start = json!({ "precision": "day", "from_on": "2019-01-01", "due_on": "2019-01-01" });
    let deadline = json!({ "precision": "day", "due_on": "2099-03-31" });
    let draft = json!({
        "plan_id": plan.id(), "item_kind": "project", "title": "Silent", "status": "in_progress",
        "start": start, "deadline": deadline,
    });
    let item = maker.create(kind("work_plan_item"), &draft).await;
    let reported = json!({ "precision": "day", "due_on": "2019-01-01" });
    let review = json!({ "reported": reported, "fieldwork": {} });
    let review = maker.make_with("audit_review", review).await;
    let draft = json!({ "review_id": review.id(), "deadline": deadline, "item_ids": [] });
    let recommendation = maker.make_with("recommendation", draft).await;
    let viewer = app.role(Role::Viewer);
    let back = |days: u64| (chrono::Utc::now().date_naive() - chrono::Days::new(days)).to_string();
    let stale = async || {
        let view = status(&app, "/api/v1/status").await;
        let figures = (
            view["totals"]["stale"].as_u64(),
            view["recommendations"]["stale"].as_u64(),
        );
        let mut lists = Vec::new();
        for path in [
            "work-plan-items?stale=true",
            "recommendations?stale=true",
            &format!("work-plan-items?no_update_since={}", back(9)),
            &format!("recommendations?no_update_since={}", back(9)),
            "gaps?rule=item_stale",
            "gaps?rule=recommendation_stale",
        ] {
            lists.push(viewer.items(&format!("/api/v1/{path}")).await.len());
        }
        (figures, lists)
    };
    let all = ((Some(1), Some(1)), vec![1; 6]);
    assert_eq!(stale().await, all);
    let board = maker.make_named("board").await;
    let change = json!({
        "item_id": item.id(), "to": { "precision": "day", "due_on": "2099-06-30" },
        "approver_board_id": board.id(), "reason": "Not yet", "decided_on": back(3),
    });
    maker.create(kind("deadline_change"), &change).await;
    let post = maker.make_named("post").await;
    let longer = json!({
        "recommendation_id": recommendation.id(), "to": { "precision": "day", "due_on": "2099-06-30" },
        "approver_post_id": post.id(), "reason": "Agreed", "approved_on": back(3),
    });
    maker
        .create(kind("recommendation_extension"), &longer)
        .await;
    assert_eq!(stale().await, ((Some(0), Some(0)), vec![0; 6]));
}

/// Every number below an object, by its path.
fn numbers(value: &Value, at: &str, found: &mut Vec<(String, u64)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                numbers(value, &name, found);
            }
        }
        Value::Number(n) => found.push((at.to_owned(), n.as_u64().expect("a count"))),
        other => panic!("{at} is {other}"),
    }
}

/// Each figure has the query of the records behind it, and that many records are there.
async fn every_figure_leads_to_its_records(app: TestApp) {
    let maker = Maker::new(&app);
    let w = whole(&maker, "one").await;
    whole(&maker, "two").await;
    let viewer = app.role(Role::Viewer);
    let follow = async |query: &Value| {
        let path = format!("{}&limit=200", query.as_str().expect("a query"));
        viewer.items(&path).await.len() as u64
    };
    let mut counted = 0;
    let about = [&w.top, &w.part, &w.plan, &w.board, &w.review, &w.register];
    let paths = about.map(|of| of.path.clone());
    for path in some(paths.iter().map(String::as_str).chain(["/api/v1"])) {
        let view = status(&app, &format!("{path}/status?{ON}")).await;
        let mut figures = Vec::new();
        for (name, list) in [
            ("items", "totals"),
            ("recommendations", "recommendations"),
            ("actions", "actions"),
            ("risks", "risks"),
        ] {
            numbers(&view[list], name, &mut figures);
        }
        let told = |figure: &Value| {
            let name = figure["figure"].as_str().expect("a name").to_owned();
            (name, figure["count"].as_u64().expect("a count"))
        };
        let all: std::collections::BTreeMap<String, u64> = view["figures"]
            .as_array()
            .expect("figures")
            .iter()
            .map(told)
            .collect();
        assert_eq!(all, figures.into_iter().collect(), "{path}");
        for figure in some(view["figures"].as_array().expect("figures")) {
            let count = figure["count"].as_u64().expect("a count");
            counted += count;
            assert_eq!(follow(&figure["query"]).await, count, "{path}: {figure}");
        }
        for reason in some(view["reasons"].as_array().expect("reasons")) {
            if !reason["query"].is_null() {
                assert_eq!(follow(&reason["query"]).await, reason["count"], "{reason}");
            }
        }
        for group in ["by_goal", "by_unit"] {
            let groups = view[group].as_array().expect("groups");
            for group in perhaps(groups.iter().filter(|g| !g["query"].is_null())) {
                let items = &group["counts"]["items"];
                assert_eq!(follow(&group["query"]).await, *items, "{group}");
            }
        }
    }
    assert!(counted > 50, "{counted}");
    let path = format!("/api/v1/status/records?figure=actions.open&{ON}");
    assert_eq!(
        viewer.items(&path).await[0]["id"],
        w.action.record["id"],
        "the records themselves"
    );
    for (query, name) in [("figure=moon", "?figure"), ("record_id=1", "?record_id")] {
        viewer
            .get(&format!("/api/v1/status/records?{query}"))
            .await
            .problem_at("invalid_query", name);
    }
}

on_both!(
    every_figure_leads_to_its_records,
    an_item_that_waits_in_vain_is_not_on_course,
    a_risk_that_lacks_something_is_not_green,
    what_has_no_links_of_its_own_counts_where_it_belongs,
    what_was_heard_of_is_not_stale,
    a_status_covers_what_belongs_to_its_record,
    a_rag_rating_has_its_reasons,
    next_dates_are_those_of_the_calendar,
    a_trend_shows_what_moved,
    what_is_hidden_changes_no_figure
);
