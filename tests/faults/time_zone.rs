//! The organisation's time zone decides what day it is, and its financial year what a half is.

use chrono::{NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::json;

use crate::cluster::{Backend, Database};
use crate::server::{Client, Server, printed};

fn day_in(zone: Tz) -> NaiveDate {
    Utc::now().with_timezone(&zone).date_naive()
}

/// Two zones that never have the same day: 14 hours ahead of UTC, and 12 behind.
async fn every_day_is_one_of_the_time_zone(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    for zone in [Tz::Pacific__Kiritimati, Tz::Etc__GMTPlus12] {
        let mut server = Server::with(&database, &[("STRIDE_TIME_ZONE", zone.name())]);
        let client = Client::administrator(&database, &server).at(&server);
        let began = day_in(zone);
        let status = client.get("/api/v1/status").await.1;
        let body = json!({ "reference": zone.name().replace('+', "."), "in_force_from": began });
        let made = client.create("/api/v1/settings", &body).await;
        let ended = day_in(zone);
        let on: NaiveDate = status["on"].as_str().unwrap().parse().unwrap();
        assert!([began, ended].contains(&on), "{zone}: {on}");
        // A day means its start for `since`, and its end for `as_of`.
        let listed = async |query: String| {
            let page = client
                .get(&format!("/api/v1/settings?limit=200&{query}"))
                .await
                .1;
            let items = page["items"].as_array().unwrap().clone();
            items.iter().any(|i| i["id"] == made["id"])
        };
        assert!(listed(format!("updated_since={began}")).await, "{zone}");
        let tomorrow = ended.succ_opt().unwrap();
        assert!(!listed(format!("updated_since={tomorrow}")).await, "{zone}");
        let yesterday = began.pred_opt().unwrap();
        assert!(!listed(format!("as_of={yesterday}")).await, "{zone}");
        server.terminate();
        server.wait();
    }
}

/// A half of a year that starts in October.
async fn a_financial_year_starts_in_its_month(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let settings = [("STRIDE_FINANCIAL_YEAR_STARTS", "10")];
    let server = Server::with(&database, &settings);
    let token = printed(&database, &["token", "--role", "strategy_manager"]);
    let client = Client::new(&server, token);
    let strategy = json!({
        "title": "Strategy", "strategy_kind": "own_strategy", "status": "planned",
        "expected_date": { "precision": "financial_half", "due_on": "2027-03-31" }
    });
    let strategy = client.create("/api/v1/strategies", &strategy).await;
    assert_eq!(strategy["expected_date"]["from_on"], "2026-10-01");
}

on_both!(
    every_day_is_one_of_the_time_zone,
    a_financial_year_starts_in_its_month
);
