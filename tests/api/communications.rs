//! Communications: plans, activities and campaigns with their dates, evaluations, intranet assets,
//! good practice.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::maker::{Made, Maker};

const ACTIVITIES: &str = "/api/v1/communications-activities";
const CALENDAR: &str = "/api/v1/communications/calendar";

async fn activity(
    maker: &Maker<'_>,
    plan: &Made,
    title: &str,
    dates: (&str, &str),
    more: Value,
) -> Made {
    let mut fields =
        json!({ "plan_id": plan.id(), "title": title, "starts_on": dates.0, "ends_on": dates.1 });
    fields
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("fields").clone());
    maker.make_with("communications_activity", fields).await
}

async fn autumn(maker: &Maker<'_>) -> Made {
    let plan = maker
        .make_with("communications_plan", json!({ "until_on": null }))
        .await;
    activity(
        maker,
        &plan,
        "National Inclusion Week",
        ("2020-09-28", "2020-10-04"),
        json!({}),
    )
    .await;
    activity(
        maker,
        &plan,
        "National Hate Crime Awareness Week",
        ("2020-10-10", "2020-10-17"),
        json!({}),
    )
    .await;
    activity(
        maker,
        &plan,
        "Black History Month",
        ("2020-10-01", "2020-10-31"),
        json!({ "channels": ["event"] }),
    )
    .await;
    plan
}

fn runs(view: &Value) -> Vec<(&str, &str)> {
    let items = view["items"].as_array().expect("items");
    items
        .iter()
        .map(|i| {
            (
                i["activity"]["title"].as_str().expect("a title"),
                i["state"].as_str().expect("a state"),
            )
        })
        .collect()
}

/// The three campaigns of autumn 2020: the first and the last day belong to each.
async fn the_campaigns_of_autumn(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = autumn(&maker).await;
    let client = maker.client(plan.kind);
    let on = async |day: &str| {
        let path = format!("{CALENDAR}?on={day}&from=2020-09-01&until=2020-10-31");
        let view = client.get(&path).await.status(200).json();
        runs(&view)
            .into_iter()
            .map(|(_, state)| state.to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (day, states) in [
        ("2020-09-27", "due due due"),
        ("2020-09-28", "running due due"),
        ("2020-10-01", "running running due"),
        ("2020-10-04", "running running due"),
        ("2020-10-05", "ended running due"),
        ("2020-10-17", "ended running running"),
        ("2020-10-18", "ended running ended"),
        ("2020-10-31", "ended running ended"),
        ("2020-11-01", "ended ended ended"),
    ] {
        assert_eq!(
            on(day).await,
            states,
            "on {day}: inclusion week, history month, hate crime week"
        );
    }
    let view = client
        .get(&format!(
            "{CALENDAR}?on=2020-10-17&from=2020-10-17&until=2020-10-17"
        ))
        .await
        .status(200)
        .json();
    assert_eq!(
        runs(&view),
        [
            ("Black History Month", "running"),
            ("National Hate Crime Awareness Week", "running")
        ]
    );
    assert_eq!(
        view["counts"],
        json!({ "due": 0, "running": 2, "ended": 0, "cancelled": 0 })
    );
    let some = client
        .get(&format!(
            "{CALENDAR}?on=2020-10-26&from=2020-09-01&state=running,due&channel=event&plan_id={}",
            plan.id()
        ))
        .await;
    assert_eq!(
        runs(&some.status(200).json()),
        [("Black History Month", "running")]
    );
    let csv = client
        .get(&format!(
            "{CALENDAR}?on=2020-10-26&from=2020-09-01&until=2020-10-31&format=csv"
        ))
        .await
        .status(200)
        .text();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    for (query, at) in [
        ("from=2020-10-02&until=2020-10-01", "?until"),
        ("from=2020-01-01&until=2023-01-01", "?until"),
        ("state=late", "?state"),
        ("plan_id=x", "?plan_id"),
    ] {
        client
            .get(&format!("{CALENDAR}?{query}"))
            .await
            .problem_at("invalid_query", at);
    }
}

/// A list by state judges by the day of `as_of`, or today.
async fn activities_by_state(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = autumn(&maker).await;
    let client = maker.client(plan.kind);
    let off = activity(
        &maker,
        &plan,
        "Called off",
        ("2020-10-01", "2020-10-02"),
        json!({ "status": "cancelled" }),
    )
    .await;
    activity(
        &maker,
        &plan,
        "To come",
        ("2999-01-01", "2999-01-02"),
        json!({}),
    )
    .await;
    activity(
        &maker,
        &plan,
        "Always",
        ("2020-01-06", "2020-01-12"),
        json!({ "recurrence": "FREQ=WEEKLY" }),
    )
    .await;
    let mine = format!("{ACTIVITIES}?plan_id={}", plan.id());
    let count = async |state: &str| client.items(&format!("{mine}&state={state}")).await.len();
    assert_eq!(
        [
            count("ended").await,
            count("due").await,
            count("running").await,
            count("cancelled").await
        ],
        [3, 1, 1, 1]
    );
    assert_eq!(count("due,running").await, 2);
    assert_eq!(
        client
            .items(&format!(
                "{mine}&runs_from=2020-10-11&runs_until=2020-10-11"
            ))
            .await
            .len(),
        3
    );
    // Running and ended are nobody's to say.
    client
        .patch(&off.path, &off.etag, &json!({ "status": "running" }))
        .await
        .problem_at("invalid_body", "/status");
    client
        .patch(&off.path, &off.etag, &json!({ "status": "planned" }))
        .await
        .status(200);
}

/// A recurring activity has a run for each occurrence; a rule that would never end, or never begin,
/// is refused.
async fn a_recurrence_is_bounded(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker
        .make_with("communications_plan", json!({ "until_on": null }))
        .await;
    let client = maker.client(plan.kind);
    let weekly =
        json!({ "recurrence": "FREQ=WEEKLY;BYDAY=FR;UNTIL=20201231", "activity_kind": "activity" });
    let message = activity(
        &maker,
        &plan,
        "Weekly message",
        ("2020-10-02", "2020-10-02"),
        weekly,
    )
    .await;
    let view = client
        .get(&format!(
            "{CALENDAR}?on=2020-10-16&from=2020-10-01&until=2020-10-30"
        ))
        .await
        .status(200)
        .json();
    let states: Vec<&str> = runs(&view).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["ended", "ended", "running", "due", "due"]);
    assert_eq!(view["items"][4]["starts_on"], "2020-10-30");
    for rule in [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;COUNT=5",
        "FREQ=DAILY",
        "FREQ=DAILY;COUNT=99999",
        "FREQ=WEEKLY;BYDAY=MO",
        "FREQ=DAILY;COUNT=3;BYSECOND=1,2,3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;INTERVAL=60000",
        "RRULE:FREQ=WEEKLY",
        "every week",
    ] {
        let change = json!({ "recurrence": rule });
        client
            .patch(&message.path, &message.etag, &change)
            .await
            .problem_at("rule_violation", "/recurrence");
    }
    let mut draft = maker.draft(message.kind).await;
    draft["ends_on"] = "2020-09-27".into();
    client
        .post(ACTIVITIES, &draft)
        .await
        .problem_at("rule_violation", "/ends_on");
    draft["ends_on"] = "2031-09-27".into();
    client
        .post(ACTIVITIES, &draft)
        .await
        .problem_at("rule_violation", "/ends_on");
    draft["ends_on"] = "2020-10-04".into();
    draft["channels"] = json!(["press", "forum", "press"]);
    client
        .post(ACTIVITIES, &draft)
        .await
        .problem_at("rule_violation", "/channels/2");
    draft["channels"] = json!(["press"]);
    draft["starts_on"] = "2021-01-01".into();
    draft["ends_on"] = "2021-01-02".into();
    client
        .post(ACTIVITIES, &draft)
        .await
        .problem_at("rule_violation", "/starts_on");
}

/// An evaluation says something, and not before the activity began.
async fn an_evaluation_says_something(app: TestApp) {
    let maker = Maker::new(&app);
    let made = maker.make_named("campaign_evaluation").await;
    let client = maker.client(made.kind);
    let path = "/api/v1/campaign-evaluations";
    let mut draft = json!({ "activity_id": made.record["activity_id"], "evaluated_on": "2020-09-27", "learnt": "Too early" });
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/evaluated_on");
    draft["evaluated_on"] = "2020-10-05".into();
    draft["learnt"] = Value::Null;
    client
        .post(path, &draft)
        .await
        .problem_at("rule_violation", "/reach");
    draft["people_reached"] = 0.into();
    let claim = client.post(path, &draft).await.status(201).json();
    let unevidenced = client
        .items(&format!(
            "{path}?activity_id={}&is_evidenced=false",
            draft["activity_id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(
        unevidenced.iter().map(|e| &e["id"]).collect::<Vec<_>>(),
        [&claim["id"]]
    );
    assert_eq!(
        client
            .items(&format!("{ACTIVITIES}?evaluated=true"))
            .await
            .len(),
        1
    );
    assert!(
        client
            .items(&format!("{ACTIVITIES}?evaluated=false"))
            .await
            .is_empty()
    );
}

/// A page is overdue for review once the day has passed, and never when it is retired.
async fn intranet_assets_and_good_practice(app: TestApp) {
    let maker = Maker::new(&app);
    let asset = maker.make_named("intranet_asset").await;
    let client = maker.client(asset.kind);
    let overdue = async || {
        client
            .items("/api/v1/intranet-assets?overdue=true")
            .await
            .len()
    };
    assert_eq!(overdue().await, 1);
    let change = json!({ "last_reviewed_on": "2021-01-01" });
    client
        .patch(&asset.path, &asset.etag, &change)
        .await
        .problem_at("rule_violation", "/review_due_on");
    client
        .patch(
            &asset.path,
            &asset.etag,
            &json!({ "last_reviewed_on": "2999-01-01", "review_due_on": null }),
        )
        .await
        .problem_at("rule_violation", "/last_reviewed_on");
    client
        .patch(&asset.path, &asset.etag, &json!({ "status": "retired" }))
        .await
        .status(200);
    assert_eq!(overdue().await, 0);
    let practice = maker.make_named("good_practice").await;
    let unit = maker.make_named("unit").await;
    client
        .patch(
            &practice.path,
            &practice.etag,
            &json!({ "unit_id": unit.id() }),
        )
        .await
        .problem_at("rule_violation", "/unit_id");
    assert_eq!(
        client
            .items("/api/v1/good-practices?basis=ad_hoc&is_published=true")
            .await
            .len(),
        1
    );
    assert!(
        client
            .items(&format!("/api/v1/good-practices?unit_below={}", unit.id()))
            .await
            .is_empty()
    );
}

on_both!(
    the_campaigns_of_autumn,
    activities_by_state,
    a_recurrence_is_bounded,
    an_evaluation_says_something,
    intranet_assets_and_good_practice
);
