//! What had slipped, what waited on what, and which dates could not hold.

use serde_json::Value;

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

fn each(list: &Value, line: impl Fn(&Value) -> String) -> String {
    let all: Vec<String> = list.as_array().into_iter().flatten().map(line).collect();
    all.join(" ")
}

/// What a wait leads to.
fn name(of: &Value) -> String {
    match of.pointer("/record/reference").and_then(Value::as_str) {
        Some(reference) => reference.to_owned(),
        None => text(of, "/event").to_owned(),
    }
}

/// A line for each dated record, then one for each event that several wait on.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let view = asked(app, "/api/v1/slippage?limit=200", day).await;
    let flag = |row: &Value, field: &str, word: &str| {
        if row[field] == true {
            format!(", {word}")
        } else {
            String::new()
        }
    };
    let row = |row: &Value| {
        let days = row["days_overdue"]
            .as_i64()
            .map(|d| format!(" by {d} days"))
            .unwrap_or_default();
        format!(
            "{} | first {} now {} ({}) | {}{}{}{days} | {} changes {} deferrals | {} | {} | waits on {} | chain {}",
            text(row, "/record/reference"),
            text(row, "/first_due_on"),
            text(row, "/due_on"),
            text(row, "/due_words"),
            if row["is_open"] == true {
                "open"
            } else {
                "closed"
            },
            flag(row, "deferred_without_date", "put off"),
            flag(row, "is_overdue", "overdue"),
            row["changes"],
            row["deferrals"],
            text(row, "/timeliness"),
            text(row, "/can_be_met"),
            each(&row["waits_on"], |w| if w["is_open"] == true {
                name(w)
            } else {
                format!("({})", name(w))
            }),
            each(&row["chain"], name),
        )
    };
    let event = |event: &Value| {
        format!(
            "event {} | expected {} | first needed {} | {} wait, {} in all | {}",
            name(event),
            text(event, "/expected_on"),
            text(event, "/first_needed_on"),
            event["waiting"],
            event["waiting_in_all"],
            each(&event["waiters"], |r| text(r, "/reference").to_owned()),
        )
    };
    let rows = view["items"].as_array().into_iter().flatten().map(row);
    let events = view["events"].as_array().into_iter().flatten().map(event);
    rows.chain(events).collect()
}

async fn slippage_was_this(app: TestApp) {
    for day in DAYS {
        compare("slippage", day, &lines(&app, day).await);
    }
}

on_papers!(slippage_was_this);
