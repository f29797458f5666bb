//! Planned dates are recorded as they were sent, in every field of every kind that has one.

use serde_json::{Value, json};
use stride::registers::catalogue;
use stride::world::Kind;

use crate::support::document::{follow, resolve};
use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

/// What a kind's example must say for a date that it does without.
fn needed(kind: &Kind) -> Value {
    match kind.name {
        "recommendation_update" => json!({
            "update_kind": "extension_request",
            "implementation": null, "percent_complete": null, "parts": [], "narrative": "More time is needed"
        }),
        _ => json!({}),
    }
}

/// JSON Pointers of the planned dates in a form for input; of a list, in its first member.
fn planned_dates(schema: &'static Value, at: &str, found: &mut Vec<String>) {
    let options = schema["oneOf"].as_array();
    for option in options.into_iter().flatten() {
        planned_dates(option, at, found);
    }
    if schema["$ref"] == "#/components/schemas/PlannedDateInput" {
        found.push(at.to_owned());
        return;
    }
    let schema = follow(schema);
    if let Some(items) = schema.get("items") {
        planned_dates(items, &format!("{at}/0"), found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        planned_dates(property, &format!("{at}/{name}"), found);
    }
}

fn dates_of(kind: &Kind) -> Vec<String> {
    let mut found = Vec::new();
    let name = format!("#/components/schemas/{}Input", kind.schema_name);
    planned_dates(resolve(&name).expect("an input form"), "", &mut found);
    found
}

/// Sets a planned date of a draft; in a list, of its first member.
fn set(draft: &mut Value, pointer: &str, date: &Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = draft.pointer_mut(parent);
    parent.unwrap_or_else(|| panic!("the example has no {pointer}"))[name] = date.clone();
}

/// Sent dates that contradict themselves, and the field that the refusal names.
fn contradictions() -> Vec<(Value, &'static str)> {
    vec![
        (
            json!({ "precision": "unspecified", "due_on": "2020-11-30" }),
            "due_on",
        ),
        (json!({ "from_on": "2020-11-30" }), "from_on"),
        (
            json!({ "precision": "half", "from_on": "2020-04-01", "due_on": "2020-09-30" }),
            "due_on",
        ),
        (
            json!({ "precision": "year", "from_on": "2020-04-01", "due_on": "2021-03-31" }),
            "due_on",
        ),
        (
            json!({ "precision": "quarter", "from_on": "2020-01-01", "due_on": "2020-06-30" }),
            "from_on",
        ),
        (
            json!({ "precision": "month", "due_on": "2020-11-15" }),
            "due_on",
        ),
        (
            json!({ "precision": "day", "from_on": "2020-11-01", "due_on": "2020-11-30" }),
            "from_on",
        ),
        (json!({ "precision": "month" }), "due_on"),
    ]
}

/// A date that contradicts itself is refused; a date without precision is a day; financial halves
/// and years are what they are called.
async fn a_date_is_recorded_as_it_was_sent(app: TestApp) {
    let maker = Maker::new(&app);
    let mut fields = 0;
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let client = maker.client(kind);
        for pointer in dates_of(kind) {
            fields += 1;
            let mut draft = maker.draft(kind).await;
            for (field, value) in needed(kind).as_object().expect("fields") {
                draft[field] = value.clone();
            }
            let seq = app.seq().await;
            for (date, field) in contradictions() {
                let mut draft = draft.clone();
                set(&mut draft, &pointer, &date);
                let refused = client.post(&collection(kind), &draft).await;
                refused.problem_at("rule_violation", &format!("{pointer}/{field}"));
            }
            assert_eq!(app.seq().await, seq, "{}: nothing was stored", kind.name);
            let due = draft
                .pointer(&format!("{pointer}/due_on"))
                .and_then(Value::as_str);
            let due = due.unwrap_or("2020-11-30").to_owned();
            let mut draft = draft.clone();
            set(&mut draft, &pointer, &json!({ "due_on": due }));
            let made = maker.create(kind, &draft).await;
            let date = made.record.pointer(&pointer).expect("the date");
            assert_eq!(
                (&date["precision"], &date["from_on"], &date["due_on"]),
                (&json!("day"), &json!(due), &json!(due)),
                "{} {pointer}",
                kind.name
            );
        }
    }
    assert!(fields >= 12, "only {fields} fields were tried");
}

/// A patch that sends a due date alone sets it, and the first day follows.
async fn a_patched_date_is_the_one_that_was_sent(app: TestApp) {
    let maker = Maker::new(&app);
    let strategy = maker
        .make_with(
            "strategy",
            json!({ "expected_date": { "precision": "month", "due_on": "2027-11-30" } }),
        )
        .await;
    let client = maker.client(strategy.kind);
    let (mut etag, date_of) = (strategy.etag.clone(), |r: &Value| {
        let date = &r["expected_date"];
        [&date["precision"], &date["from_on"], &date["due_on"]]
            .map(|v| v.as_str().unwrap_or("-").to_owned())
    });
    assert_eq!(
        date_of(&strategy.record),
        ["month", "2027-11-01", "2027-11-30"]
    );
    for (patch, expected) in [
        (
            json!({ "due_on": "2027-12-31" }),
            ["month", "2027-12-01", "2027-12-31"],
        ),
        (
            json!({ "precision": "day", "due_on": "2027-12-18" }),
            ["day", "2027-12-18", "2027-12-18"],
        ),
        (
            json!({ "precision": "unspecified" }),
            ["unspecified", "-", "-"],
        ),
        (
            json!({ "due_on": "2027-12-18" }),
            ["day", "2027-12-18", "2027-12-18"],
        ),
        (
            json!({ "precision": "financial_year", "due_on": "2028-03-31" }),
            ["financial_year", "2027-04-01", "2028-03-31"],
        ),
        (
            json!({ "precision": "financial_half", "due_on": null, "from_on": "2027-10-01" }),
            ["financial_half", "2027-10-01", "2028-03-31"],
        ),
        (
            json!({ "precision": "financial_quarter", "due_on": "2027-12-31" }),
            ["financial_quarter", "2027-10-01", "2027-12-31"],
        ),
    ] {
        let reply = client
            .patch(&strategy.path, &etag, &json!({ "expected_date": patch }))
            .await;
        assert_eq!(date_of(&reply.status(200).json()), expected, "{patch}");
        etag = reply.etag();
    }
    let moved = json!({ "expected_date": { "precision": "month", "due_on": "2027-12-18" } });
    let refused = client.patch(&strategy.path, &etag, &moved).await;
    refused.problem_at("rule_violation", "/expected_date/due_on");
}

on_both!(
    a_date_is_recorded_as_it_was_sent,
    a_patched_date_is_the_one_that_was_sent
);
