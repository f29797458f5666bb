//! Settings: the set in force applies, results are recomputed when it changes, and each view says
//! which set it used.

use chrono::{Days, Utc};
use serde_json::{Value, json};
use stride::policy::Role;

use crate::support::TestApp;
use crate::support::maker::{Maker, collection, kind};

const SETTINGS: &str = "/api/v1/settings";

/// Bands, appetite and escalation of every risk follow the settings, and the journal shows each
/// that changed.
async fn risks_follow_the_settings(app: TestApp) {
    let maker = Maker::new(&app);
    let risk = maker.make(kind("risk")).await;
    let read = async || {
        app.keeper(kind("risk"))
            .get(&risk.path)
            .await
            .status(200)
            .json()
    };
    let before = read().await;
    assert_eq!(
        before["current_level"],
        json!({ "product": 12, "band": "high" }),
        "{before}"
    );
    assert_eq!(
        (&before["above_appetite"], &before["escalation_due"]),
        (&json!(true), &json!(true))
    );
    let admin = app.keeper(kind("setting_set"));
    let bands = json!([{ "band": "low", "from": 1, "to": 12 }, { "band": "extreme", "from": 13, "to": 25 }]);
    let limits = json!([{ "appetite": "cautious", "highest_product": 12 }]);
    let made = admin
        .post(
            SETTINGS,
            &json!({ "in_force_from": "2020-04-01", "score_bands": bands, "appetite_limits": limits }),
        )
        .await;
    let made = made.status(201);
    let after = read().await;
    assert_eq!(
        after["current_level"],
        json!({ "product": 12, "band": "low" })
    );
    assert_eq!(
        (&after["above_appetite"], &after["escalation_due"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        after["version"],
        json!(before["version"].as_i64().expect("a version") + 1),
        "the change is a version of its own"
    );
    let list = |query: &str| format!("{}?{query}", collection(kind("risk")));
    let found = async |query: &str| {
        let page = app
            .role(Role::RiskManager)
            .get(&list(query))
            .await
            .status(200)
            .json();
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .any(|r| r["id"] == before["id"])
    };
    assert!(found("current_band=low&above_appetite=false").await);
    assert!(!found("escalation_due=true").await);
    // An earlier set changes nothing while a later one is in force; once that is gone, the earlier
    // holds.
    let earlier = json!({ "in_force_from": "2019-04-01", "escalation": { "from_product": 25, "above_appetite": false, "acknowledge_within_days": 7 } });
    admin.post(SETTINGS, &earlier).await.status(201);
    assert_eq!(read().await, after);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    admin
        .delete(&format!("{SETTINGS}/{id}"), &made.etag())
        .await
        .status(200);
    let last = read().await;
    assert_eq!(last["current_level"]["band"], json!("high"));
    assert_eq!(
        (&last["above_appetite"], &last["escalation_due"]),
        (&json!(true), &json!(false))
    );
}

/// Bands must cover every product, each once, from the mildest to the worst.
async fn bands_cover_every_product(app: TestApp) {
    let admin = app.keeper(kind("setting_set"));
    let refused = async |field: &str, value: Value, pointer: &str| {
        let mut body = json!({ "in_force_from": "2020-04-01" });
        body[field] = value;
        admin
            .post(SETTINGS, &body)
            .await
            .problem_at("rule_violation", pointer);
    };
    let band = |band: &str, from: u8, to: u8| json!({ "band": band, "from": from, "to": to });
    refused(
        "score_bands",
        json!([band("low", 1, 8), band("high", 10, 25)]),
        "/score_bands",
    )
    .await;
    refused(
        "score_bands",
        json!([band("low", 1, 12), band("high", 12, 25)]),
        "/score_bands",
    )
    .await;
    refused(
        "score_bands",
        json!([band("high", 1, 12), band("low", 13, 25)]),
        "/score_bands",
    )
    .await;
    refused(
        "score_bands",
        json!([band("low", 12, 1), band("high", 13, 25)]),
        "/score_bands/0/to",
    )
    .await;
    let limits = json!([{ "appetite": "averse", "highest_product": 9 }, { "appetite": "eager", "highest_product": 3 }]);
    refused("appetite_limits", limits, "/appetite_limits").await;
    let tomorrow = Utc::now().date_naive() + Days::new(1);
    admin
        .post(SETTINGS, &json!({ "in_force_from": tomorrow }))
        .await
        .problem_at("rule_violation", "/in_force_from");
}

/// A view says which settings it used, now and as of a time before they were.
async fn a_view_names_its_settings(app: TestApp) {
    let viewer = app.role(Role::Viewer);
    let built_in = viewer.get("/api/v1/status").await.status(200).json();
    assert_eq!(
        built_in["thresholds"]["settings"],
        json!({ "id": null, "reference": "built-in", "version": 0 })
    );
    let before = Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let admin = app.keeper(kind("setting_set"));
    let made = admin
        .post(
            SETTINGS,
            &json!({ "reference": "AGREED", "in_force_from": "2020-04-01", "due_soon_days": 7 }),
        )
        .await
        .status(201)
        .json();
    let now = viewer.get("/api/v1/status").await.status(200).json();
    assert_eq!(now["thresholds"]["due_soon_days"], json!(7));
    assert_eq!(
        now["thresholds"]["settings"],
        json!({ "id": made["id"], "reference": "AGREED", "version": 1 })
    );
    let then = viewer
        .get(&format!("/api/v1/status?as_of={before}"))
        .await
        .status(200)
        .json();
    assert_eq!(then["thresholds"], built_in["thresholds"]);
    viewer
        .post(SETTINGS, &json!({ "in_force_from": "2020-04-01" }))
        .await
        .problem("forbidden");
}

on_both!(
    risks_follow_the_settings,
    bands_cover_every_product,
    a_view_names_its_settings
);
