//! What says nothing is refused in every text of every kind, and counts as absent where an older
//! journal holds it.

use serde_json::{Value, json};
use stride::registers::catalogue;

use crate::support::maker::{Maker, collection};
use crate::support::{TestApp, some};

/// Texts without a visible character: spaces of several kinds, zero-width and format characters.
const BLANK: &[&str] = &[" ", "\u{a0}\t\n", "\u{200b}\u{feff}", "\u{2800}\u{3164}"];

/// The texts of a draft, at any depth: strings with a space in them are nothing else.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(' ') => found.push(at.to_owned()),
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                texts(value, &format!("{at}/{n}"), found);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                texts(value, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// No text of any kind of record can be blank, whether it is required or not, when it is made, in a
/// patch and in bulk; nor can a reason.
async fn a_text_that_says_nothing_is_refused(app: TestApp) {
    let maker = Maker::new(&app);
    let mut checked = 0;
    for kind in some(catalogue().kinds().iter().filter(|k| k.offers_create)) {
        let draft = maker.draft(kind).await;
        let client = maker.client(kind);
        let path = collection(kind);
        let mut found = Vec::new();
        texts(&draft, "", &mut found);
        for (n, pointer) in found.iter().enumerate() {
            let blank = BLANK[n % BLANK.len()];
            let mut wrong = draft.clone();
            *wrong.pointer_mut(pointer).expect("a text") = blank.into();
            let refused = client.post(&path, &wrong).await;
            assert_eq!(
                refused.status,
                422,
                "{} {pointer}: {}",
                kind.name,
                refused.text()
            );
            let problem = refused.json();
            let errors = problem["errors"].as_array().expect("errors");
            let is_named = errors.iter().any(|e| {
                e["pointer"] == **pointer
                    && ["blank", "pattern", "recurrence"]
                        .contains(&e["code"].as_str().unwrap_or(""))
            });
            assert!(is_named, "{} {pointer}: {problem}", kind.name);
            checked += 1;
        }
        let bulk = json!({ "operations": [{ "op": "create", "record": draft }] });
        client
            .post(&format!("{path}/bulk?reason=%E2%80%8B"), &bulk)
            .await
            .problem_at("rule_violation", "?reason");
    }
    assert!(checked > 60, "{checked} texts were checked");
    // An optional text too, in a patch.
    let item = maker.make_named("work_plan_item").await;
    let client = maker.client(item.kind);
    for field in ["what", "how", "intended_outcome"] {
        for blank in BLANK.iter().chain(&[""]) {
            client
                .patch(&item.path, &item.etag, &json!({ field: blank }))
                .await
                .problem_at("rule_violation", &format!("/{field}"));
        }
    }
}

on_both!(a_text_that_says_nothing_is_refused);
