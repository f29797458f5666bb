//! Every dated thing around the days of the papers.

use super::{DAYS, asked, compare, text};
use crate::support::TestApp;

/// A line: days, what is dated, which record, how it stands, how the source puts the day.
async fn lines(app: &crate::support::TestApp, day: &str) -> Vec<String> {
    let view = asked(
        app,
        "/api/v1/calendar?from=2017-01-01&until=2020-11-30",
        day,
    )
    .await;
    let rows = view["items"].as_array().cloned().unwrap_or_default();
    let line = |row: &serde_json::Value| {
        let first = if row["is_first_date"] == true {
            ", put off to no day"
        } else {
            ""
        };
        let days = match (text(row, "/starts_on"), text(row, "/ends_on")) {
            (first, last) if first == last => first.to_owned(),
            (first, last) => format!("{first} to {last}"),
        };
        format!(
            "{days} | {} | {} | {} ({}{first})",
            text(row, "/date_kind"),
            text(row, "/record/reference"),
            text(row, "/state"),
            text(row, "/source_text"),
        )
    };
    rows.iter().map(line).collect()
}

async fn dates_stood_so(app: TestApp) {
    for day in DAYS {
        compare("calendar", day, &lines(&app, day).await);
    }
}

on_papers!(dates_stood_so);
