//! What cannot have happened, or cannot ever happen, is refused with the field and a remedy.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::maker::{Maker, kind};

/// Sends a draft and expects this field to be refused.
async fn refused(maker: &Maker<'_>, name: &str, draft: Value, pointer: &str) {
    let kind = kind(name);
    let path = format!("/api/v1/{}", kind.path);
    let problem = maker
        .client(kind)
        .post(&path, &draft)
        .await
        .problem_at("rule_violation", pointer);
    assert!(
        problem["errors"][0]["detail"]
            .as_str()
            .is_some_and(|d| d.len() > 20)
    );
}

/// Nothing is complete before it starts.
async fn nothing_is_complete_before_it_starts(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_named("plan").await;
    let item = |completed: &str| {
        json!({
            "plan_id": plan.id(), "item_kind": "project", "title": "A project", "status": "complete",
            "start": { "precision": "day", "due_on": "2020-10-01" }, "completed_on": completed,
        })
    };
    refused(
        &maker,
        "work_plan_item",
        item("2020-09-30"),
        "/completed_on",
    )
    .await;
    maker
        .create(kind("work_plan_item"), &item("2020-10-01"))
        .await;
}

/// Nobody is counted twice at a meeting, as a member and as a deputy or as two deputies.
async fn nobody_is_twice_at_a_meeting(app: TestApp) {
    let maker = Maker::new(&app);
    let meeting = maker.make_named("meeting").await;
    let mut posts = Vec::new();
    for _ in 0..4 {
        posts.push(maker.make_named("post").await.id());
    }
    let there = |post: usize| {
        json!({
            "meeting_id": meeting.id(), "post_id": posts[post], "capacity": "member", "status": "present",
        })
    };
    let sent = |post: usize, deputy: usize| {
        json!({
            "meeting_id": meeting.id(), "post_id": posts[post], "capacity": "member",
            "status": "deputised", "deputy_post_id": posts[deputy],
        })
    };
    maker.create(kind("attendance"), &there(0)).await;
    refused(&maker, "attendance", sent(1, 0), "/deputy_post_id").await;
    maker.create(kind("attendance"), &sent(1, 2)).await;
    refused(&maker, "attendance", sent(3, 2), "/deputy_post_id").await;
    refused(&maker, "attendance", there(2), "/post_id").await;
    maker.create(kind("attendance"), &there(3)).await;
}

/// An item never waits for the item that it is part of, at whatever distance and in whichever
/// order the two are recorded.
async fn a_part_never_waits_for_its_whole(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_named("plan").await;
    let item = async |parent: Value| {
        let draft = json!({
            "plan_id": plan.id(), "item_kind": "project", "title": "A project", "parent_id": parent,
        });
        maker.create(kind("work_plan_item"), &draft).await
    };
    let top = item(Value::Null).await;
    let middle = item(json!(top.id())).await;
    let part = item(json!(middle.id())).await;
    let other = item(Value::Null).await;
    let waits = |item: &str, on: &str| json!({ "item_id": item, "on_id": on });
    for whole in [&middle, &top] {
        let draft = waits(part.id_text(), whole.id_text());
        refused(&maker, "dependency", draft, "/on_id").await;
    }
    // Through another item.
    maker
        .create(kind("dependency"), &waits(other.id_text(), top.id_text()))
        .await;
    let draft = waits(part.id_text(), other.id_text());
    refused(&maker, "dependency", draft, "/on_id").await;
    // The dependency first, then the parent.
    maker
        .client(kind("work_plan_item"))
        .patch(
            &other.path,
            &other.etag,
            &json!({ "parent_id": middle.id() }),
        )
        .await
        .problem_at("rule_violation", "/parent_id");
    // A whole may wait for its part, and parts for each other.
    maker
        .create(kind("dependency"), &waits(top.id_text(), part.id_text()))
        .await;
}

/// What recurs is over before it comes again: the runs of an activity, the days of grace of a
/// report.
async fn what_recurs_is_over_before_it_comes_again(app: TestApp) {
    let maker = Maker::new(&app);
    let mut draft = maker.draft(kind("communications_activity")).await;
    draft["starts_on"] = "2020-10-05".into();
    draft["recurrence"] = "FREQ=WEEKLY;COUNT=10".into();
    draft["ends_on"] = "2020-10-12".into();
    refused(&maker, "communications_activity", draft.clone(), "/ends_on").await;
    draft["ends_on"] = "2020-10-11".into();
    maker.create(kind("communications_activity"), &draft).await;
    let mut draft = maker.draft(kind("report_obligation")).await;
    draft["frequency"] = json!({ "rule": "FREQ=WEEKLY;COUNT=10" });
    draft["first_due_on"] = "2020-10-05".into();
    draft["until_on"] = Value::Null;
    draft["grace_days"] = 7.into();
    refused(&maker, "report_obligation", draft.clone(), "/grace_days").await;
    draft["grace_days"] = 6.into();
    maker.create(kind("report_obligation"), &draft).await;
}

/// What waits for something that was given up is found, and its deadline cannot be met.
async fn what_waits_for_what_was_given_up_is_found(app: TestApp) {
    let maker = Maker::new(&app);
    let plan = maker.make_with("plan", json!({ "status": "active" })).await;
    let item = async |status: &str| {
        let draft = json!({
            "plan_id": plan.id(), "item_kind": "project", "title": "A project", "status": status,
            "deadline": { "precision": "day", "due_on": "2021-03-31" },
        });
        maker.create(kind("work_plan_item"), &draft).await
    };
    let (waiting, gone, next) = (
        item("in_progress").await,
        item("cancelled").await,
        item("in_progress").await,
    );
    let draft = json!({ "item_id": waiting.id(), "on_id": gone.id() });
    let dependency = maker.create(kind("dependency"), &draft).await;
    let draft = json!({ "item_id": next.id(), "on_id": waiting.id() });
    maker.create(kind("dependency"), &draft).await;
    let client = maker.client(kind("work_plan_item"));
    let gaps = client
        .get("/api/v1/gaps?on=2020-11-02&rule=dependency_given_up")
        .await
        .status(200)
        .json();
    assert_eq!(gaps["items"][0]["record"]["id"], dependency.id_text());
    assert_eq!(gaps["items"][0]["severity"], "high");
    let slippage = client
        .get("/api/v1/slippage?on=2020-11-02&limit=200")
        .await
        .status(200)
        .json();
    for made in [&waiting, &next] {
        let rows = slippage["items"].as_array().expect("rows");
        let row = rows.iter().find(|r| r["record"]["id"] == made.id_text());
        let row = row.expect("a row");
        assert_eq!(row["can_be_met"], "impossible", "{row}");
        let chain = row["chain"].as_array().expect("a chain");
        assert_eq!(
            chain.last().expect("an end")["record"]["id"],
            gone.id_text()
        );
    }
}

on_both!(
    nothing_is_complete_before_it_starts,
    nobody_is_twice_at_a_meeting,
    a_part_never_waits_for_its_whole,
    what_recurs_is_over_before_it_comes_again,
    what_waits_for_what_was_given_up_is_found
);
