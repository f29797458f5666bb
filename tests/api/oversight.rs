//! Oversight that is no board: channels, obligations to report, what was handed in and what was
//! missed.

use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::maker::{Made, Maker, kind};
use crate::support::{TestApp, some};

const OBLIGATIONS: &str = "/api/v1/report-obligations";
const SUBMISSIONS: &str = "/api/v1/report-submissions";

async fn yearly(maker: &Maker<'_>, fields: Value) -> Made {
    let mut all = json!({ "first_due_on": "2018-03-30", "frequency": { "every": 1, "unit": "year" }, "grace_days": 7 });
    all.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("fields").clone());
    maker.make_with("report_obligation", all).await
}

fn states(view: &Value) -> Vec<(&str, &str)> {
    let items = view["items"].as_array().expect("items");
    items
        .iter()
        .map(|i| {
            (
                i["due_on"].as_str().expect("a day"),
                i["state"].as_str().expect("a state"),
            )
        })
        .collect()
}

/// Expected, met, late and missed, as the day has it.
async fn a_report_is_expected_met_late_or_missed(app: TestApp) {
    let maker = Maker::new(&app);
    let obligation = yearly(&maker, json!({})).await;
    let client = maker.client(obligation.kind);
    for (due, on) in [
        ("2018-03-30", "2018-04-06"),
        ("2019-03-30", "2019-04-08"),
        ("2019-03-30", "2019-05-01"),
    ] {
        let draft =
            json!({ "obligation_id": obligation.id(), "period_due_on": due, "submitted_on": on });
        client.post(SUBMISSIONS, &draft).await.status(201);
    }
    let path = format!("{}/occurrences", obligation.path);
    let found = client
        .get(&format!("{path}?on=2020-10-26&due_until=2021-12-31"))
        .await
        .status(200)
        .json();
    assert_eq!(
        states(&found),
        [
            ("2018-03-30", "met"),
            ("2019-03-30", "late"),
            ("2020-03-30", "missed"),
            ("2021-03-30", "expected")
        ]
    );
    assert_eq!(
        found["counts"],
        json!({ "expected": 1, "met": 1, "late": 1, "missed": 1 })
    );
    assert_eq!(
        (
            &found["items"][1]["days_late"],
            &found["items"][1]["submitted_on"]
        ),
        (&json!(2), &json!("2019-04-08"))
    );
    assert_eq!(found["items"][2]["days_late"], 203);
    // A year ahead when nothing else is asked for; what came later is not known on the day.
    let then = client
        .get(&format!("{path}?on=2019-04-07"))
        .await
        .status(200)
        .json();
    assert_eq!(
        states(&then),
        [
            ("2018-03-30", "met"),
            ("2019-03-30", "missed"),
            ("2020-03-30", "expected")
        ]
    );
    let some = client
        .get(&format!(
            "{path}?on=2020-10-26&state=met,late&due_from=2019-01-01"
        ))
        .await
        .status(200)
        .json();
    assert_eq!(states(&some), [("2019-03-30", "late")]);
    client
        .get(&format!("{path}?state=forgotten"))
        .await
        .problem_at("invalid_query", "?state");
    client
        .get(&format!("{path}?due_from=spring"))
        .await
        .problem_at("invalid_query", "?due_from");
    let csv = client
        .get(&format!("{path}?on=2020-10-26&format=csv"))
        .await
        .status(200)
        .text();
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let list = format!("{OBLIGATIONS}?reference={}", obligation.reference());
    assert_eq!(client.items(&format!("{list}&missed=true")).await.len(), 1);
    assert!(
        client
            .items(&format!("{list}&missed=false"))
            .await
            .is_empty()
    );
}

/// All obligations together, by due date, page by page.
async fn the_reports_of_all_obligations(app: TestApp) {
    let maker = Maker::new(&app);
    let (one, two) = (
        yearly(&maker, json!({})).await,
        yearly(&maker, json!({ "first_due_on": "2018-09-30" })).await,
    );
    let client = maker.client(one.kind);
    let path = "/api/v1/report-occurrences?on=2020-10-26&due_until=2020-12-31&limit=4";
    let first = client.get(path).await.status(200).json();
    let second = client
        .get(&format!(
            "{path}&cursor={}",
            first["next_cursor"].as_str().expect("a cursor")
        ))
        .await
        .status(200)
        .json();
    assert_eq!(second["next_cursor"], Value::Null);
    let days: Vec<_> = states(&first)
        .into_iter()
        .chain(states(&second))
        .map(|(day, _)| day)
        .collect();
    assert_eq!(
        days,
        [
            "2018-03-30",
            "2018-09-30",
            "2019-03-30",
            "2019-09-30",
            "2020-03-30",
            "2020-09-30"
        ]
    );
    let missed = client
        .get(&format!(
            "{path}&missed=true&from_unit_id={}&due_from=2020-01-01",
            two.record["from_unit_id"].as_str().expect("a unit")
        ))
        .await;
    assert_eq!(
        states(&missed.status(200).json()),
        [("2020-09-30", "missed")]
    );
    client
        .get(&format!("{path}&cursor=x"))
        .await
        .problem_at("invalid_query", "?cursor");
}

/// A submission is for a day on which the report is due; nothing is handed in tomorrow.
async fn a_submission_is_for_one_of_the_due_dates(app: TestApp) {
    let maker = Maker::new(&app);
    let dated = yearly(&maker, json!({})).await;
    let undated = yearly(
        &maker,
        json!({ "frequency": { "source_text": "regularly" }, "first_due_on": null }),
    )
    .await;
    assert_eq!(
        (
            &dated.record["is_scheduled"],
            &undated.record["is_scheduled"]
        ),
        (&json!(true), &json!(false))
    );
    let client = maker.client(dated.kind);
    let draft = |of: &Made, due: Value| json!({ "obligation_id": of.id(), "period_due_on": due, "submitted_on": "2020-03-30" });
    let refused = client
        .post(SUBMISSIONS, &draft(&dated, json!("2020-03-31")))
        .await
        .problem_at("rule_violation", "/period_due_on");
    let detail = refused["errors"][0]["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("the previous one is 2020-03-30")
            && detail.contains("the next one is 2021-03-30"),
        "{detail}"
    );
    client
        .post(SUBMISSIONS, &draft(&dated, Value::Null))
        .await
        .problem_at("rule_violation", "/period_due_on");
    client
        .post(SUBMISSIONS, &draft(&undated, json!("2020-03-30")))
        .await
        .problem_at("rule_violation", "/period_due_on");
    client
        .post(SUBMISSIONS, &draft(&undated, Value::Null))
        .await
        .status(201);
    let mut early = draft(&dated, json!("2020-03-30"));
    early["submitted_on"] = "2999-01-01".into();
    client
        .post(SUBMISSIONS, &early)
        .await
        .problem_at("rule_violation", "/submitted_on");
    // One that the obligation, changed later, no longer asks for is shown.
    let made = client
        .post(SUBMISSIONS, &draft(&dated, json!("2020-03-30")))
        .await
        .status(201)
        .json();
    client
        .patch(
            &dated.path,
            &dated.etag,
            &json!({ "first_due_on": "2018-04-30" }),
        )
        .await
        .status(200);
    let view = client
        .get(&format!("{}/occurrences", dated.path))
        .await
        .status(200)
        .json();
    assert_eq!(view["unmatched_submission_ids"], json!([made["id"]]));
    client
        .patch(
            &format!("{SUBMISSIONS}/{}", made["id"].as_str().expect("an id")),
            "\"1\"",
            &json!({ "note": "x" }),
        )
        .await
        .problem("method_not_allowed");
}

/// A board can owe a report, alone: the report is in its list, its scope and the gap.
async fn a_board_owes_a_report(app: TestApp) {
    let maker = Maker::new(&app);
    let board = maker
        .make_with("board", json!({ "title": "A board" }))
        .await;
    let owed = yearly(
        &maker,
        json!({ "from_unit_id": null, "from_board_id": board.id() }),
    )
    .await;
    yearly(&maker, json!({})).await;
    let client = maker.client(owed.kind);
    let owner = board.record["owner_unit_id"].as_str().expect("an owner");
    let of_board = format!("from_board_id={}", board.id_text());
    for path in some([
        format!("{OBLIGATIONS}?{of_board}"),
        format!("{OBLIGATIONS}?unit_below={owner}"),
    ]) {
        let found = client.items(&path).await;
        let ids: Vec<&Value> = found.iter().map(|o| &o["id"]).collect();
        assert_eq!(ids, [&json!(owed.id())], "{path}");
    }
    let path = format!("/api/v1/report-occurrences?on=2020-10-26&missed=true&{of_board}");
    let missed = client.get(&path).await.status(200).json();
    let missed = missed["items"].as_array().expect("items");
    for occurrence in some(missed) {
        assert_eq!(occurrence["obligation"]["id"], json!(owed.id()));
        assert_eq!(occurrence["from_board_id"], json!(board.id()));
        assert_eq!(occurrence["from_unit_id"], Value::Null);
    }
    let path = format!(
        "/api/v1/gaps?on=2020-10-26&rule=report_missed&record_id={}",
        owed.id_text()
    );
    let gaps = client.get(&path).await.status(200).text();
    let debtor = format!("owed by A board ({})", board.reference());
    assert!(gaps.contains(&debtor), "{gaps}");
    let nobody = json!({ "from_board_id": null });
    let refused = client.patch(&owed.path, &owed.etag, &nobody).await;
    refused.problem_at("rule_violation", "/from_unit_id");
}

/// A frequency is a rule, an interval or words, and a hostile rule is refused with the remedy.
async fn a_frequency_is_one_that_can_be_followed(app: TestApp) {
    let maker = Maker::new(&app);
    let (channel, obligation) = (
        maker.draft(kind("oversight_channel")).await,
        maker.draft(kind("report_obligation")).await,
    );
    let client = maker.client(kind("report_obligation"));
    let cases = [
        (json!({ "rule": "FREQ=SECONDLY" }), "/frequency/rule"),
        (json!({ "rule": "FREQ=DAILY" }), "/frequency/rule"),
        (
            json!({ "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" }),
            "/frequency/rule",
        ),
        (
            json!({ "rule": "FREQ=YEARLY;BYMONTH=4" }),
            "/frequency/rule",
        ),
        (
            json!({ "rule": "FREQ=YEARLY", "every": 1, "unit": "year" }),
            "/frequency/rule",
        ),
        (json!({ "every": 2 }), "/frequency/unit"),
        (json!({ "unit": "week" }), "/frequency/every"),
        (json!({ "every": 1, "unit": "day" }), "/frequency/every"),
    ];
    for (frequency, at) in some(cases) {
        let mut draft = obligation.clone();
        draft["frequency"] = frequency;
        client
            .post(OBLIGATIONS, &draft)
            .await
            .problem_at("rule_violation", at);
    }
    let mut draft = obligation.clone();
    draft["first_due_on"] = Value::Null;
    client
        .post(OBLIGATIONS, &draft)
        .await
        .problem_at("rule_violation", "/first_due_on");
    for field in ["to_others", "from_unit_id"] {
        let mut draft = obligation.clone();
        draft[field] = Value::Null;
        let at = if field == "to_others" {
            "/to_board_id"
        } else {
            "/from_unit_id"
        };
        client
            .post(OBLIGATIONS, &draft)
            .await
            .problem_at("rule_violation", at);
    }
    let mut draft = channel.clone();
    draft["frequency"] = json!({ "rule": "FREQ=HOURLY" });
    client
        .post("/api/v1/oversight-channels", &draft)
        .await
        .problem_at("rule_violation", "/frequency/rule");
    draft["frequency"] = json!({ "every": 3, "unit": "month" });
    client
        .post("/api/v1/oversight-channels", &draft)
        .await
        .status(201);
    draft["party_unit_ids"] = json!([]);
    client
        .post("/api/v1/oversight-channels", &draft)
        .await
        .problem_at("rule_violation", "/party_post_ids");
}

/// The specific duties under the equality duty are there for the asking, once.
async fn the_equality_duties_from_their_template(app: TestApp) {
    let maker = Maker::new(&app);
    let path = format!("{OBLIGATIONS}/from-template");
    let client = maker.client(kind("report_obligation"));
    client
        .post(&path, &json!({}))
        .await
        .problem_at("invalid_query", "?unit_id");
    let unit = maker
        .create(
            kind("unit"),
            &json!({ "title": "The service", "unit_kind": "organisation" }),
        )
        .await;
    let tried = client
        .post(&format!("{path}?dry_run=true"), &json!({}))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&tried["dry_run"], tried["items"].as_array().map(Vec::len)),
        (&json!(true), Some(2))
    );
    app.scoped(Role::StrategyManager, maker.make_named("unit").await.id())
        .post(&path, &json!({}))
        .await
        .problem("forbidden");
    let made = client.post(&path, &json!({})).await.status(200).json();
    let duties: Vec<&Value> = made["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| &i["statutory_duty"])
        .collect();
    assert_eq!(
        duties,
        ["psed_equality_information", "psed_equality_objectives"]
    );
    assert!(
        some(made["items"].as_array().expect("items")).all(|i| i["from_unit_id"] == unit.id_text())
    );
    assert_eq!(
        client.post(&path, &json!({})).await.status(200).json()["items"],
        json!([]),
        "once"
    );
    let view = client
        .get("/api/v1/report-occurrences?on=2022-03-31&due_until=2022-12-31")
        .await
        .status(200)
        .json();
    let days: Vec<&str> = states(&view).into_iter().map(|(day, _)| day).collect();
    assert_eq!(
        days,
        [
            "2018-03-30",
            "2018-03-30",
            "2019-03-30",
            "2020-03-30",
            "2021-03-30",
            "2022-03-30",
            "2022-03-30"
        ]
    );
    // The boards' template is as it was.
    let boards = app
        .keeper(kind("board"))
        .post("/api/v1/boards/from-template", &json!({}))
        .await;
    assert!(boards.status(200).json()["items"].is_array());
}

on_both!(
    a_report_is_expected_met_late_or_missed,
    the_reports_of_all_obligations,
    a_submission_is_for_one_of_the_due_dates,
    a_board_owes_a_report,
    a_frequency_is_one_that_can_be_followed,
    the_equality_duties_from_their_template
);
