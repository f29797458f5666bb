//! Coverage: what is filled, what is a gap on either side, and that a seat is not attendance.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, some};

const DAY: &str = "2020-10-26";

async fn matrix(app: &TestApp, path: &str) -> Value {
    let mark = if path.contains('?') { '&' } else { '?' };
    let path = format!("/api/v1/coverage/{path}{mark}on={DAY}");
    app.role(Role::Viewer).get(&path).await.status(200).json()
}

fn references<'a>(view: &'a Value, list: &str) -> Vec<&'a str> {
    view[list]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["reference"].as_str())
        .collect()
}

fn cell<'a>(view: &'a Value, row: &Made, column: &Made) -> Option<&'a Value> {
    let cells = view["cells"].as_array().expect("cells");
    cells
        .iter()
        .find(|c| c["row"] == row.id_text() && c["column"] == column.id_text())
}

async fn goal(maker: &Maker<'_>, strategy: &Made, fields: Value) -> Made {
    let mut draft = json!({ "strategy_id": strategy.id(), "goal_kind": "priority", "title": format!("A goal {}", fields["number"]) });
    draft
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    maker.create(kind("goal"), &draft).await
}

/// Items and goals, both ways; what serves a part of a goal serves the goal; hidden items fill
/// nothing.
async fn items_and_goals_are_covered_both_ways(app: TestApp) {
    let maker = Maker::new(&app);
    let strategy = maker
        .make_with("strategy", json!({ "status": "current" }))
        .await;
    let whole = goal(&maker, &strategy, json!({ "number": 1 })).await;
    let part = goal(
        &maker,
        &strategy,
        json!({ "number": 2, "parent_id": whole.id() }),
    )
    .await;
    let bare = goal(&maker, &strategy, json!({ "number": 3 })).await;
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let draft = |goals: Value| json!({ "plan_id": plan.id(), "item_kind": "project", "title": "A project", "goals": goals });
    let serves = maker
        .create(
            kind("work_plan_item"),
            &draft(json!([{ "goal_id": part.id(), "rationale": "By its subject" }])),
        )
        .await;
    let idle = maker
        .create(kind("work_plan_item"), &draft(json!([])))
        .await;
    let path = format!(
        "items-goals?strategy_id={}&plan_id={}",
        strategy.id_text(),
        plan.id_text()
    );
    let view = matrix(&app, &path).await;
    assert_eq!(
        (
            &view["row_count"],
            &view["column_count"],
            &view["filled_count"]
        ),
        (&json!(2), &json!(3), &json!(1)),
        "{view:#}"
    );
    assert_eq!(
        (
            references(&view, "row_gaps"),
            references(&view, "column_gaps")
        ),
        (vec![idle.reference()], vec![bare.reference()])
    );
    assert_eq!(
        cell(&view, &serves, &part).map(|c| &c["marks"]),
        Some(&json!(["serves"]))
    );
    let csv = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/coverage/{path}&format=csv"))
        .await
        .status(200)
        .body
        .clone();
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    assert_eq!(
        reader.headers().expect("a header").len(),
        6,
        "reference, name, filled and three goals"
    );
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
    assert_eq!((rows.len(), &rows[2][0], &rows[2][2]), (3, "filled", "1"));
    let mut hidden = draft(json!([{ "goal_id": bare.id(), "rationale": "Secret" }]));
    hidden["marking"] = "official_sensitive".into();
    maker.create(kind("work_plan_item"), &hidden).await;
    let after = matrix(&app, &path).await;
    assert_eq!(
        (&after["row_count"], &after["cells"], &after["column_gaps"]),
        (&view["row_count"], &view["cells"], &view["column_gaps"])
    );
    app.role(Role::Viewer)
        .get("/api/v1/coverage/items-goals?plan_id=1")
        .await
        .problem_at("invalid_query", "?plan_id");
}

/// Goals that nobody has, that two decide on, and that are overseen and not decided; on the day,
/// not before it.
async fn goals_are_owned_once(app: TestApp) {
    let maker = Maker::new(&app);
    let strategy = maker
        .make_with("strategy", json!({ "status": "current" }))
        .await;
    let make = async |n: u16| goal(&maker, &strategy, json!({ "number": n })).await;
    let (twice, watched, bare) = (make(1).await, make(2).await, make(3).await);
    let board = async || {
        maker
            .make_with("board", json!({ "status": "active" }))
            .await
    };
    let (one, two, idle) = (board().await, board().await, board().await);
    for (board, goal, remit_kind, from) in [
        (&one, &twice, "decides", "2020-01-01"),
        (&two, &twice, "decides", "2020-06-01"),
        (&two, &watched, "oversees", "2020-01-01"),
    ] {
        maker
            .create(
                kind("remit"),
                &json!({ "board_id": board.id(), "goal_id": goal.id(), "remit_kind": remit_kind, "from_on": from }),
            )
            .await;
    }
    let path = format!("boards-goals?strategy_id={}", strategy.id_text());
    let view = matrix(&app, &path).await;
    assert_eq!(
        references(&view, "held_twice"),
        [twice.reference()],
        "{view:#}"
    );
    let mut undecided = [watched.reference(), bare.reference()];
    undecided.sort_unstable();
    assert_eq!(references(&view, "undecided"), undecided);
    assert_eq!(references(&view, "column_gaps"), [bare.reference()]);
    assert!(references(&view, "row_gaps").contains(&idle.reference()));
    let before = app
        .role(Role::Viewer)
        .get(&format!("/api/v1/coverage/{path}&on=2020-03-01"))
        .await
        .status(200)
        .json();
    assert_eq!(before["held_twice"], json!([]));
}

/// A seat is not attendance: the numbers are those of the view of who is represented.
async fn a_seat_is_not_attendance(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker
        .make_with(
            "board",
            json!({ "status": "active", "owner_unit_id": null }),
        )
        .await;
    let unit = async |name: &str| {
        maker
            .create(
                kind("unit"),
                &json!({ "reference": name, "title": name, "unit_kind": "staff_support_association" }),
            )
            .await
    };
    let (seated, guest, none, listens) = (
        unit("SSA-1").await,
        unit("SSA-2").await,
        unit("SSA-3").await,
        unit("SSA-4").await,
    );
    let seat = |unit: &Made, capacity: &str| json!({ "board_id": board.id(), "unit_id": unit.id(), "capacity": capacity });
    let membership = maker
        .create(kind("membership"), &seat(&seated, "member"))
        .await;
    maker
        .create(kind("membership"), &seat(&listens, "observer"))
        .await;
    for (day, who) in [
        ("2020-06-01", Some(&seated)),
        ("2020-07-01", Some(&guest)),
        ("2020-08-01", None),
    ] {
        let meeting = json!({ "board_id": board.id(), "title": "A meeting", "status": "held", "held_on": day, "scheduled": { "precision": "day", "due_on": day } });
        let meeting = maker.create(kind("meeting"), &meeting).await;
        let Some(who) = who else { continue };
        let mut there =
            json!({ "meeting_id": meeting.id(), "capacity": "member", "status": "present" });
        if who.id() == seated.id() {
            there["membership_id"] = membership.id_text().into();
        } else {
            there["unit_id"] = who.id_text().into();
        }
        maker.create(kind("attendance"), &there).await;
    }
    let view = matrix(
        &app,
        &format!("constituencies-boards?board_id={}", board.id_text()),
    )
    .await;
    assert_eq!(
        (
            &view["row_count"],
            &view["filled_count"],
            &view["row_gap_count"]
        ),
        (&json!(4), &json!(1), &json!(3)),
        "{view:#}"
    );
    let taken = cell(&view, &seated, &board).expect("a seat");
    assert_eq!(
        (
            &taken["marks"],
            &taken["turnout"]["held"],
            &taken["turnout"]["recorded"],
            &taken["turnout"]["attended"]
        ),
        (&json!(["member"]), &json!(3), &json!(2), &json!(1)),
        "{taken:#}"
    );
    let came = cell(&view, &guest, &board).expect("came without a seat");
    assert_eq!(
        (
            &came["marks"],
            &came["is_filled"],
            &came["turnout"]["attended"]
        ),
        (&json!(["came"]), &json!(false), &json!(1))
    );
    assert_eq!(cell(&view, &none, &board), None);
    assert_eq!(
        cell(&view, &listens, &board).map(|c| (&c["marks"], &c["is_filled"])),
        Some((&json!(["observer"]), &json!(false)))
    );
    let represented = app
        .role(Role::Viewer)
        .get(&format!("{}/representation?on={DAY}", board.path))
        .await
        .status(200)
        .json();
    for c in some(
        represented["constituencies"]
            .as_array()
            .expect("constituencies"),
    ) {
        let unit = [&seated, &guest, &none, &listens]
            .into_iter()
            .find(|u| c["unit"]["id"] == u.id_text())
            .expect("the unit");
        let own = cell(&view, unit, &board);
        assert_eq!(
            own.is_some_and(|o| o["is_filled"] == true),
            c["seated"] == true,
            "{c:#}"
        );
        if let Some(own) = own {
            assert_eq!(own["turnout"], c["turnout"], "{c:#}");
        }
    }
    let csv = app
        .role(Role::Viewer)
        .get(&format!(
            "/api/v1/coverage/constituencies-boards?board_id={}&format=csv",
            board.id_text()
        ))
        .await
        .status(200)
        .text();
    assert!(
        csv.contains("Member: attended 1 of 2 meetings with recorded attendance"),
        "{csv}"
    );
}

/// Measures tell about items; business groups have good practice, by themselves or by a unit below.
async fn measures_and_good_practice_are_covered(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let draft = json!({ "plan_id": plan.id(), "item_kind": "project", "title": "A project", "measures": [{ "name": "People trained" }] });
    let (told, words) = (
        maker.create(kind("work_plan_item"), &draft).await,
        maker.create(kind("work_plan_item"), &draft).await,
    );
    let measure = maker
        .make_with(
            "measure",
            json!({ "state": "planned", "item_ids": [told.id()] }),
        )
        .await;
    let view = matrix(&app, &format!("items-measures?plan_id={}", plan.id_text())).await;
    assert_eq!(
        cell(&view, &told, &measure).map(|c| &c["marks"]),
        Some(&json!(["told_by"])),
        "{view:#}"
    );
    assert_eq!(
        (references(&view, "row_gaps"), &view["row_gaps"][0]["note"]),
        (
            vec![words.reference()],
            &json!("one measure described in words")
        )
    );
    let wanted = matrix(&app, "measures-characteristics").await;
    assert_eq!(
        (
            &wanted["column_count"],
            &wanted["filled_count"],
            &wanted["column_gap_count"]
        ),
        (&json!(9), &json!(0), &json!(9)),
        "{wanted:#}"
    );
    let unit = async |name: &str, unit_kind: &str, parent: Option<&Made>| {
        let draft = json!({ "reference": name, "title": name, "unit_kind": unit_kind, "parent_id": parent.map(Made::id) });
        maker.create(kind("unit"), &draft).await
    };
    let (group, idle) = (
        unit("GROUP-1", "business_group", None).await,
        unit("GROUP-2", "business_group", None).await,
    );
    let below = unit("BELOW-1", "unit", Some(&group)).await;
    maker
        .create(
            kind("good_practice"),
            &json!({ "unit_id": below.id(), "title": "Mentoring", "basis": "planned", "published_on": "2020-09-01" }),
        )
        .await;
    let inner = unit("GROUP-3", "business_group", Some(&group)).await;
    // Not published yet.
    maker
        .create(
            kind("good_practice"),
            &json!({ "unit_id": inner.id(), "title": "Listening", "basis": "planned" }),
        )
        .await;
    let view = matrix(&app, "groups-good-practice").await;
    let filled = view["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .find(|c| c["row"] == group.id_text())
        .expect("a cell");
    assert_eq!(
        (&filled["column"], &filled["marks"], &filled["count"]),
        (&json!("planned"), &json!(["example"]), &json!(1))
    );
    for without in [&idle, &inner] {
        assert!(references(&view, "row_gaps").contains(&without.reference()));
    }
    let path = "/api/v1/gaps?rule=group_without_good_practice";
    let gaps = app.role(Role::Viewer).items(path).await;
    let of_gaps = gaps
        .iter()
        .filter_map(|g| g["record"]["reference"].as_str());
    assert_eq!(
        of_gaps.collect::<Vec<_>>(),
        references(&view, "row_gaps"),
        "the gaps are those of the matrix"
    );
}

on_both!(
    items_and_goals_are_covered_both_ways,
    goals_are_owned_once,
    a_seat_is_not_attendance,
    measures_and_good_practice_are_covered
);
