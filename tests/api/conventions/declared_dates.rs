//! A record that has a date by which something is to be done, or on which it ends, says so: then it
//! is in the calendar, and every view knows whether it is overdue, open or active.

use serde_json::{Value, json};
use stride::registers::catalogue;
use stride::world::calendar_entry_kind::CalendarEntryKind;
use stride::world::record::word;
use stride::world::sample::add_example;
use stride::world::schema::Schemas;
use stride::world::{AnyRecord, Kind};
use strum::VariantArray;

use crate::support::some;

/// Fields whose date is another record's, or history, and why.
const NOT_OWN: &[(&str, &str)] = &[
    ("action_deferral/to", "moves the date of the action"),
    ("action_deferral/from", "moves the date of the action"),
    ("audit_review/fieldwork", "says when it was done"),
    ("audit_review/reported", "says when it was issued"),
    ("deadline_change/to", "moves the deadline of the item"),
    ("deadline_change/from", "moves the deadline of the item"),
    ("recommendation_extension/to", "moves the deadline"),
    ("recommendation_extension/from", "moves the deadline"),
    (
        "recommendation_update/asked_deadline",
        "asks to move the deadline",
    ),
    (
        "report_submission/period_due_on",
        "names a date of the obligation",
    ),
    ("risk_review/next_review_on", "sets the date of the risk"),
];

/// Ends of names of fields with the day by which something is to be done.
const DUE: &[&str] = &["due_on", "review_on", "expires_on"];
/// Names of fields with the last day on which a record exists or applies.
const LAST: &[&str] = &[
    "until_on",
    "term_until_on",
    "expires_on",
    "dissolved_on",
    "valid_until",
];

fn schemas_of(kind: &Kind) -> Schemas {
    let mut schemas = Schemas::new();
    (kind.schemas)(&mut schemas);
    add_example(kind, &mut schemas);
    schemas
}

/// The schema that a field leads to: through null, lists and references.
fn target<'a>(schema: &'a Value, schemas: &'a Schemas) -> (Option<&'a str>, &'a Value) {
    let name = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next());
    if let Some(name) = name {
        return (Some(name), schemas.get(name).unwrap_or(schema));
    }
    let branches = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    match branches.and_then(|b| b.last()) {
        Some(branch) => target(branch, schemas),
        None if schema.get("items").is_some() => target(&schema["items"], schemas),
        None => (None, schema),
    }
}

/// The fields with a planned date or with a day by which something is to be done.
fn due_fields(at: &str, schema: &Value, schemas: &Schemas, found: &mut Vec<String>) {
    let Some(fields) = schema["properties"].as_object() else {
        return;
    };
    for (name, field) in fields {
        let at = format!("{at}/{name}");
        match target(field, schemas) {
            (Some("PlannedDate"), _) => found.push(at),
            (_, field) if field["format"] == "date" => {
                found.extend(DUE.iter().any(|d| name.ends_with(d)).then_some(at));
            }
            (_, field) => due_fields(&at, field, schemas, found),
        }
    }
}

fn due_fields_of(kind: &Kind) -> Vec<String> {
    let schemas = schemas_of(kind);
    let mut found = Vec::new();
    due_fields(kind.name, &schemas[&kind.schema_name], &schemas, &mut found);
    found
}

#[test]
fn a_record_with_a_due_date_declares_its_dates() {
    let mut with_dates = 0;
    for kind in some(catalogue().kinds()) {
        let fields = due_fields_of(kind);
        let own = |f: &&String| !NOT_OWN.iter().any(|(not_own, _)| f == not_own);
        let own: Vec<&String> = fields.iter().filter(own).collect();
        with_dates += usize::from(!own.is_empty());
        assert!(
            own.is_empty() || !kind.dates.is_empty(),
            "{own:?}: define `DATES` and `dates` (and `deadline`, if the record itself is to be done \
             by that day) in the resource's own file, so that it is in the calendar; if the date is \
             another record's, add the field to NOT_OWN with the reason",
        );
    }
    assert!(with_dates > 10, "only {with_dates} kinds have dates");
}

#[test]
fn what_is_listed_as_not_its_own_date_is_there() {
    let fields: Vec<String> = catalogue().kinds().iter().flat_map(due_fields_of).collect();
    for (field, _) in NOT_OWN {
        assert!(
            fields.iter().any(|f| f == field),
            "{field} is no such field: take it out of NOT_OWN"
        );
    }
}

#[test]
fn every_kind_of_date_is_declared_by_one_resource() {
    for date in CalendarEntryKind::VARIANTS {
        let kinds = catalogue().kinds().iter();
        let by: Vec<&str> = kinds
            .filter(|k| k.dates.contains(date))
            .map(|k| k.name)
            .collect();
        assert_eq!(by.len(), 1, "{} is declared by {by:?}", word(date));
    }
}

/// The kind's example as a record, with each field that begins or ends it set to these days.
fn lasting(kind: &Kind, from: &str, until: &str) -> Option<std::sync::Arc<dyn AnyRecord>> {
    let schemas = schemas_of(kind);
    let mut snapshot = schemas[&kind.schema_name]["examples"][0].clone();
    snapshot["withdrawn_at"] = Value::Null;
    let parsed = |snapshot: &Value| {
        (kind.parse)(&snapshot.to_string(), kind.shape, 1, kind.index).expect(kind.name)
    };
    let draft = parsed(&snapshot).draft();
    let ends: Vec<&&str> = LAST.iter().filter(|f| draft.get(**f).is_some()).collect();
    for (fields, day) in [
        (
            &[
                "from_on",
                "term_from_on",
                "granted_on",
                "established_on",
                "valid_from",
            ][..],
            from,
        ),
        (LAST, until),
    ] {
        for field in fields.iter().filter(|f| draft.get(**f).is_some()) {
            snapshot[*field] = json!(day);
        }
    }
    (!ends.is_empty()).then(|| parsed(&snapshot))
}

#[test]
fn a_record_with_a_last_day_is_not_active_after_it() {
    let day = |text: &str| text.parse().expect("a day");
    let mut tried = 0;
    for kind in some(catalogue().kinds()) {
        let Some(record) = lasting(kind, "2020-01-01", "2020-01-31") else {
            continue;
        };
        tried += 1;
        assert!(
            record.exists_on(day("2020-01-31")) && !record.exists_on(day("2020-02-01")),
            "{}: define `active_days` in the resource's own file",
            kind.name
        );
    }
    assert!(tried > 10, "only {tried} kinds have a last day");
}
