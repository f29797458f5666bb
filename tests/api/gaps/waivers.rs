//! Waivers: who may grant them, what they leave out, and when they end.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::Role;
use strum::VariantArray;
use uuid::Uuid;

use super::world::{Step, World, found};
use crate::support::TestApp;
use crate::support::maker::{Made, Maker, kind};
use crate::support::{Client, some};

const WAIVERS: &str = "/api/v1/gap-waivers";

fn waiver(rule: &str, record: &str) -> Value {
    json!({ "rule": rule, "record_id": record, "reason": "It is settled in March", "granted_on": "2020-10-01", "expires_on": "2021-03-31" })
}

/// What a viewer is told about one rule on a day: how many gaps are listed, how many are waived,
/// and the first.
async fn told(client: &Client, rule: &str, on: &str, waived: &str) -> (Value, Value, Value) {
    let view = client
        .get(&format!("/api/v1/gaps?rule={rule}&on={on}&waived={waived}"))
        .await
        .status(200)
        .json();
    (
        view["total"].clone(),
        view["waived"].clone(),
        view["items"][0].clone(),
    )
}

async fn owned(maker: &Maker<'_>, name: &str, unit: &Made) -> Made {
    maker
        .make_with(name, json!({ "owner_unit_id": unit.id() }))
        .await
}

/// A waived gap is left out of what is open until the waiver's last day, shown when asked for, and
/// comes back.
async fn a_waived_gap_does_not_count_until_the_waiver_expires(app: TestApp) {
    let world = World::complete(&app).await;
    let viewer = app.role(Role::Viewer);
    let (rule, steps) = ("measure_without_target", [Step::Withdraw("MTG")]);
    world.with(&steps, async || {
        let made = app.role(Role::Analyst).post(WAIVERS, &waiver(rule, &world.id("M"))).await.status(201).json();
        assert!(made["created_by"].is_string(), "who granted it is known: {made}");
        let (total, waived, first) = told(&viewer, rule, "2020-10-26", "false").await;
        assert_eq!((total, waived, first), (json!(0), json!(1), Value::Null));
        assert_eq!(world.gaps().await, BTreeSet::new());
        for too in ["true", "only"] {
            let (total, waived, gap) = told(&viewer, rule, "2021-03-31", too).await;
            assert_eq!((total, waived), (json!(1), json!(1)), "the last day counts");
            let expected = json!({ "id": made["id"], "reference": made["reference"], "reason": made["reason"], "granted_on": "2020-10-01", "expires_on": "2021-03-31" });
            assert_eq!(gap["waiver"], expected);
        }
        for on in ["2020-09-30", "2021-04-01"] {
            let (total, waived, gap) = told(&viewer, rule, on, "false").await;
            assert_eq!((total, waived, &gap["waiver"]), (json!(1), json!(0), &Value::Null), "on {on} it counts");
            assert_eq!(told(&viewer, rule, on, "only").await.0, json!(0));
        }
        let counted = viewer.get(&format!("/api/v1/gaps?rule={rule}&on=2020-10-26")).await.json();
        assert_eq!(counted["by_rule"][0]["gaps"], json!(0));
        assert_eq!(counted["by_rule"][0]["waived"], json!(1));
        let other = told(&viewer, "measure_without_source", "2020-10-26", "true").await;
        assert_eq!(other.1, json!(0), "a waiver is of one rule");
    }).await;
    // The target is back, and the waiver is not: it would hide the gap unseen.
    let left = world.gaps().await;
    assert!(
        some(&left).all(|(rule, _)| rule == "waiver_without_gap") && left.len() == 1,
        "{left:?}"
    );
    viewer
        .get("/api/v1/gaps?waived=perhaps")
        .await
        .problem_at("invalid_query", "?waived");
    viewer
        .get("/api/v1/gaps?waived=true,only")
        .await
        .problem_at("invalid_query", "?waived");
    assert_eq!(
        viewer
            .items(&format!("{WAIVERS}?in_force=true&as_of=2020-10-26"))
            .await
            .len(),
        0,
        "it was not recorded then"
    );
    assert_eq!(
        viewer
            .items(&format!("{WAIVERS}?register=performance&rule={rule}"))
            .await
            .len(),
        1
    );
    assert_eq!(
        viewer
            .items(&format!("{WAIVERS}?register=plan,boards"))
            .await
            .len(),
        0
    );
}

/// Only those responsible for the rule's register can waive its gaps, in a scope that covers the
/// record. A contributor never can.
async fn a_gap_is_waived_by_who_keeps_its_register(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker.make_named("unit").await;
    let other = maker.make_named("unit").await;
    let item = maker
        .make_with(
            "work_plan_item",
            json!({ "responsible_unit_id": unit.id() }),
        )
        .await;
    let records = [
        (
            "strategy_without_owner",
            maker.make_named("strategy").await,
            Role::StrategyManager,
        ),
        ("item_without_what", item.clone(), Role::StrategyManager),
        (
            "activity_without_goal",
            maker.make_named("communications_activity").await,
            Role::StrategyManager,
        ),
        (
            "board_without_chair",
            owned(&maker, "board", &unit).await,
            Role::BoardSecretary,
        ),
        (
            "action_without_owner",
            maker.make_named("action").await,
            Role::BoardSecretary,
        ),
        (
            "recommendation_without_priority",
            maker.make_named("recommendation").await,
            Role::Auditor,
        ),
        (
            "assertion_without_evidence",
            maker.make_named("assertion").await,
            Role::Auditor,
        ),
        (
            "risk_without_owner",
            maker.make_named("risk").await,
            Role::RiskManager,
        ),
        (
            "measure_without_owner",
            owned(&maker, "measure", &unit).await,
            Role::Analyst,
        ),
    ];
    for (rule, record, keeper) in some(&records) {
        let draft = waiver(rule, record.id_text());
        for role in Role::VARIANTS.iter().copied() {
            let reply = app.role(role).post(WAIVERS, &draft).await;
            if role != *keeper {
                reply.problem("forbidden");
                continue;
            }
            let made = reply.status(201).json();
            let path = format!("{WAIVERS}/{}", made["id"].as_str().expect("an id"));
            for another in Role::VARIANTS.iter().copied().filter(|r| r != keeper) {
                app.role(another)
                    .delete(&path, &reply.etag())
                    .await
                    .problem("forbidden");
            }
            app.role(role).delete(&path, &reply.etag()).await;
            app.role(role).get(&path).await.status(200);
        }
    }
    // A grant for one unit waives what that unit owns.
    let scoped = |unit: Uuid| {
        app.holding(Held {
            role: Role::StrategyManager,
            scope: Some(unit),
            official_sensitive: false,
        })
    };
    scoped(other.id())
        .post(WAIVERS, &waiver("item_without_how", item.id_text()))
        .await
        .problem("forbidden");
    scoped(unit.id())
        .post(WAIVERS, &waiver("item_without_how", item.id_text()))
        .await
        .status(201);
    // And nobody waives that a waiver has no gap.
    let keeper = app.role(Role::StrategyManager);
    keeper
        .post(WAIVERS, &waiver("waiver_without_gap", item.id_text()))
        .await
        .problem_at("invalid_body", "/rule");
    keeper
        .post(WAIVERS, &waiver("no_such_rule", item.id_text()))
        .await
        .problem_at("invalid_body", "/rule");
}

/// A waiver has a reason and an end that is not far off, is of a record that the rule looks at, and
/// stands alone.
async fn a_waiver_is_refused_with_what_is_wrong(app: TestApp) {
    let maker = Maker::new(&app);
    let measure = maker.make_named("measure").await;
    let unit = maker.make_named("unit").await;
    let analyst = app.role(Role::Analyst);
    let with = |field: &str, value: Value| {
        let mut draft = waiver("measure_without_target", measure.id_text());
        draft[field] = value;
        draft
    };
    for (field, value, code) in [
        ("expires_on", json!("2020-09-30"), "rule_violation"),
        ("expires_on", json!("2021-10-03"), "rule_violation"),
        ("granted_on", json!("2999-01-01"), "rule_violation"),
        ("reason", json!(""), "invalid_body"),
    ] {
        let reply = analyst.post(WAIVERS, &with(field, value)).await;
        let pointers: Vec<String> = reply.problem(code)["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|e| e["pointer"].to_string())
            .collect();
        assert!(
            pointers
                .iter()
                .any(|p| p.contains(field) || p.contains("expires_on")),
            "{field}: {pointers:?}"
        );
    }
    analyst
        .post(WAIVERS, &waiver("measure_without_target", unit.id_text()))
        .await
        .problem_at("rule_violation", "/record_id");
    let first = analyst
        .post(WAIVERS, &with("expires_on", json!("2021-03-31")))
        .await;
    first.status(201);
    analyst
        .post(WAIVERS, &with("granted_on", json!("2020-11-01")))
        .await
        .problem_at("rule_violation", "/granted_on");
    let mut after = with("granted_on", json!("2021-04-01"));
    after["expires_on"] = json!("2021-06-30");
    analyst.post(WAIVERS, &after).await.status(201);
    analyst
        .post(
            WAIVERS,
            &waiver("measure_without_source", measure.id_text()),
        )
        .await
        .status(201);
    // How long one may last is the organisation's to say.
    let short = json!({ "in_force_from": "2020-04-01", "gaps": { "longest_waiver_days": 30 } });
    app.keeper(kind("setting_set"))
        .post("/api/v1/settings", &short)
        .await
        .status(201);
    analyst
        .post(WAIVERS, &waiver("measure_without_owner", measure.id_text()))
        .await
        .problem_at("rule_violation", "/expires_on");
}

/// A waiver that a caller may not see waives nothing for them; for who sees it the gap does not
/// count.
async fn a_hidden_waiver_changes_nothing_for_others(app: TestApp) {
    let world = World::complete(&app).await;
    let mut hidden = waiver("measure_without_target", &world.id("M"));
    hidden["marking"] = "official_sensitive".into();
    world
        .with(
            &[Step::Withdraw("MTG"), Step::Make("gap_waiver", hidden)],
            async || {
                let gap = BTreeSet::from([("measure_without_target".to_owned(), "M".to_owned())]);
                assert_eq!(world.gaps().await, gap);
                assert_eq!(
                    found(&app.keeper(kind("gap_waiver")), "").await,
                    BTreeSet::new()
                );
            },
        )
        .await;
}

on_both!(
    a_waived_gap_does_not_count_until_the_waiver_expires,
    a_gap_is_waived_by_who_keeps_its_register,
    a_waiver_is_refused_with_what_is_wrong,
    a_hidden_waiver_changes_nothing_for_others
);
