//! Lists: pages, orders, filters, and queries that are not understood.

use std::cmp::Ordering;

use chrono::DateTime;
use serde_json::Value;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::collation::sort_key;

use super::filters::filters;
use super::{ids, several};
use crate::support::TestApp;
use crate::support::client::escaped;
use crate::support::maker::{Maker, collection, kind};
use crate::support::{Client, some};

/// Follows `next_cursor` to the end.
async fn walk(client: &Client, path: &str, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let more = cursor.map_or_else(String::new, |c| format!("&cursor={c}"));
        let reply = client.get(&format!("{path}&limit={limit}{more}")).await;
        let page = reply.status(200).json();
        let here = ids(&page);
        assert!(here.len() <= limit);
        all.extend(here);
        match page["next_cursor"].as_str() {
            None => {
                assert_eq!(reply.header_if("link"), None);
                return all;
            }
            Some(next) => {
                let link = reply.header("link");
                assert!(
                    link.ends_with("; rel=\"next\"") && link.contains(&escaped(next)),
                    "{link}"
                );
                cursor = Some(next.to_owned());
            }
        }
        assert!(all.len() < 5_000, "{path}: the pages never end");
    }
}

/// How two values of a field are ordered; `None` where it cannot be told from outside.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Greater),
        (_, Value::Null) => Some(Ordering::Less),
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => {
            let moments = (
                DateTime::parse_from_rfc3339(a),
                DateTime::parse_from_rfc3339(b),
            );
            Some(match moments {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => sort_key(a).cmp(&sort_key(b)),
            })
        }
        _ => None,
    }
}

/// Page by page everything comes exactly once, in every order there is and in its reverse.
async fn pages_visit_everything_once_in_order(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        several(&maker, kind).await;
        let client = maker.client(kind);
        for sort in &kind.sorts {
            let path =
                |sort: &str| format!("{}?include_withdrawn=true&sort={sort}", collection(kind));
            let up = client.items(&format!("{}&limit=200", path(sort))).await;
            let ids: Vec<String> = up
                .iter()
                .filter_map(|i| i["id"].as_str())
                .map(str::to_owned)
                .collect();
            for pair in up.windows(2) {
                let placed = order(&pair[0][*sort], &pair[1][*sort]);
                assert_ne!(
                    placed,
                    Some(Ordering::Greater),
                    "{} by {sort}: {:#} before {:#}",
                    kind.name,
                    pair[0][*sort],
                    pair[1][*sort]
                );
            }
            let mut backwards = ids.clone();
            backwards.reverse();
            let down = format!("-{sort}");
            let other = if *sort == "reference" {
                "updated_at"
            } else {
                "reference"
            };
            let several = format!("{sort},-{other}");
            for limit in [1, 3] {
                assert_eq!(
                    walk(&client, &path(sort), limit).await,
                    ids,
                    "{} by {sort}, {limit} at a time",
                    kind.name
                );
                assert_eq!(
                    walk(&client, &path(&down), limit).await,
                    backwards,
                    "{} by {down}, {limit} at a time",
                    kind.name
                );
            }
            let whole: Vec<String> = super::ids(
                &client
                    .get(&format!("{}&limit=200", path(&several)))
                    .await
                    .status(200)
                    .json(),
            );
            assert_eq!(
                walk(&client, &path(&several), 2).await,
                whole,
                "{} by {several}",
                kind.name
            );
            let (mut a, mut b) = (whole, ids);
            a.sort();
            b.sort();
            assert_eq!(a, b, "{}: every order shows the same", kind.name);
        }
    }
}

/// A filter shows what it says, all of it and nothing else; pages and totals agree.
async fn filters_show_what_they_say(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let name = kind.name;
        several(&maker, kind).await;
        let client = maker.client(kind);
        let path = collection(kind);
        let all = client.items(&format!("{path}?limit=200")).await;
        let mut narrowed = false;
        for f in filters(kind, &all) {
            let query = format!("{path}?{}={}", f.name, escaped(&f.value));
            let page = client
                .get(&format!("{query}&limit=200&include_total=true"))
                .await
                .status(200)
                .json();
            let items = page["items"].as_array().expect("items");
            assert_eq!(page["total"], items.len(), "{query}");
            assert!(
                !items.iter().any(|i| !all.contains(i)),
                "{query}: shows what is not there without it"
            );
            narrowed |= items.len() < all.len();
            let found = ids(&page);
            assert_eq!(walk(&client, &query, 2).await, found, "{query}");
            let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            let plain = |v: &Value| v.is_string() || v.is_boolean() || v.is_null();
            if f.exact && all.iter().all(|i| i.get(&f.name).is_some_and(plain)) {
                let wanted: Vec<String> = all
                    .iter()
                    .filter(|i| text(&i[&f.name]) == f.value)
                    .filter_map(|i| i["id"].as_str())
                    .map(str::to_owned)
                    .collect();
                assert_eq!(found, wanted, "{query}");
            }
        }
        assert!(narrowed, "{name}: some filter leaves something out");
        let one = &all[0];
        let reference = one["reference"].as_str().unwrap_or_default();
        assert_eq!(
            ids(&client
                .get(&format!("{path}?reference={}", escaped(reference)))
                .await
                .json()),
            [one["id"].as_str().unwrap_or_default()],
            "{name}"
        );
        let upper = escaped(&reference.to_uppercase());
        assert!(
            ids(&client
                .get(&format!("{path}?q={upper}&limit=200"))
                .await
                .json())
            .contains(&one["id"].as_str().unwrap_or_default().to_owned()),
            "{name}"
        );
        assert!(
            client
                .items(&format!("{path}?q={upper}+nosuchword"))
                .await
                .is_empty(),
            "{name}"
        );
        let last = all
            .iter()
            .filter_map(|i| i["updated_at"].as_str())
            .max_by_key(|t| DateTime::parse_from_rfc3339(t).ok())
            .unwrap_or_default();
        let since = client
            .items(&format!("{path}?limit=200&updated_since={}", escaped(last)))
            .await;
        assert!(some(&since).all(|i| i["updated_at"] == last), "{name}");
    }
}

/// A cursor is good for the list that it came from.
async fn a_cursor_belongs_to_its_list(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let first = several(&maker, kind).await;
        let client = maker.client(kind);
        let path = collection(kind);
        let page = client
            .get(&format!("{path}?limit=1"))
            .await
            .status(200)
            .json();
        let cursor = page["next_cursor"]
            .as_str()
            .expect("a second page")
            .to_owned();
        client
            .get(&format!(
                "{path}?limit=2&include_total=true&cursor={cursor}"
            ))
            .await
            .status(200);
        for query in [
            "sort=-reference",
            "sort=updated_at",
            "include_withdrawn=true",
            "q=x",
            "updated_since=2020-01-01",
            "reference=X",
        ] {
            client
                .get(&format!("{path}?{query}&cursor={cursor}"))
                .await
                .problem_at("invalid_cursor", "?cursor");
        }
        for bad in ["x", "AAAA", "e30", &cursor[1..], &format!("{cursor}A")] {
            client
                .get(&format!("{path}?cursor={bad}"))
                .await
                .problem_at("invalid_cursor", "?cursor");
        }
        // A record that goes between two pages is not a reason to lose the place.
        let gone = first
            .iter()
            .find(|m| m.record["id"] == page["items"][0]["id"]);
        if let Some(gone) = gone {
            let etag = client.get(&gone.path).await.etag();
            client.delete(&gone.path, &etag).await;
            client
                .get(&format!("{path}?limit=1&cursor={cursor}"))
                .await
                .status(200);
        }
    }
}

/// What is not understood is named.
async fn a_query_that_is_not_understood_is_refused(app: TestApp) {
    for kind in some(catalogue().kinds()) {
        let client = app.keeper(kind);
        let path = collection(kind);
        for (query, pointer) in [
            ("colour=red", "?colour"),
            ("Limit=1", "?Limit"),
            ("limit=1&limit=2", "?limit"),
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("limit=-1", "?limit"),
            ("limit=", "?limit"),
            ("sort=no_such_field", "?sort"),
            ("sort=reference,-reference", "?sort"),
            ("sort=", "?sort"),
            ("include_total=yes", "?include_total"),
            ("limit=&format=csv", "?limit"),
            ("include_total=&format=csv", "?include_total"),
            ("include_withdrawn=1", "?include_withdrawn"),
            ("updated_since=yesterday", "?updated_since"),
            ("as_of=2020-13-01", "?as_of"),
            ("as_of=9999-12-31", "?as_of"),
            ("q=%00", "?q"),
            ("format=pdf", "?format"),
        ] {
            client
                .get(&format!("{path}?{query}"))
                .await
                .problem_at("invalid_query", pointer);
        }
        client
            .get(&format!("{path}?q={}", "x".repeat(4_096)))
            .await
            .problem("invalid_query");
        for parameter in (kind.filter_params)() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let schema = super::filters::plain(&parameter["schema"]);
            if schema["type"] != "string"
                || schema.get("format").is_some()
                || schema.get("enum").is_some()
            {
                client
                    .get(&format!("{path}?{name}=%20nonsense%20"))
                    .await
                    .problem_at("invalid_query", &format!("?{name}"));
            }
        }
    }
}

/// Some clients repeat a parameter that takes several values; it means the same as commas.
async fn a_list_of_values_may_be_repeated(app: TestApp) {
    let client = app.keeper(kind("unit"));
    for unit_kind in ["unit", "business_group", "outside_body"] {
        client
            .post(
                "/api/v1/units",
                &serde_json::json!({ "title": unit_kind, "unit_kind": unit_kind }),
            )
            .await
            .status(201);
    }
    let found = async |query: &str| client.items(&format!("/api/v1/units?{query}")).await.len();
    assert_eq!(found("unit_kind=unit,business_group").await, 2);
    assert_eq!(found("unit_kind=unit&unit_kind=business_group").await, 2);
    client
        .get("/api/v1/units?unit_kind=unit&unit_kind=nonsense")
        .await
        .problem_at("invalid_query", "?unit_kind");
}

/// Fifty to a page unless asked otherwise, two hundred at most, and counted only when asked.
async fn a_page_has_its_size(app: TestApp) {
    let client = app.keeper(kind("unit"));
    let unit = |n: usize| serde_json::json!({ "op": "create", "record": { "title": format!("Unit {n}"), "unit_kind": "unit" } });
    let body = serde_json::json!({ "operations": (0..230).map(unit).collect::<Vec<_>>() });
    client.post("/api/v1/units/bulk", &body).await.status(200);
    let size = async |query: &str| client.items(&format!("/api/v1/units{query}")).await.len();
    assert_eq!(
        (
            size("").await,
            size("?limit=200").await,
            size("?limit=1").await
        ),
        (50, 200, 1)
    );
    let page = client.get("/api/v1/units").await.json();
    assert_eq!(page["total"], Value::Null);
    assert_eq!(
        client.get("/api/v1/units?include_total=true").await.json()["total"],
        230
    );
    assert_eq!(
        walk(&client, "/api/v1/units?sort=title", 200).await.len(),
        230
    );
}

/// In a "since", a day means its start: what was changed on that day is returned.
async fn a_day_means_its_start(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let at: DateTime<chrono::Utc> = (made.record["updated_at"].as_str())
            .and_then(|at| at.parse().ok())
            .expect("a time");
        let day = at.with_timezone(&chrono_tz::Europe::London).date_naive();
        let next = day.succ_opt().expect("a day");
        let client = maker.client(kind);
        for (since, is_found) in [(day, true), (next, false)] {
            let path = format!("{}?limit=200&updated_since={since}", collection(kind));
            let found = client.items(&path).await;
            let found = found.iter().any(|item| item["id"] == made.record["id"]);
            assert_eq!(found, is_found, "{path}");
        }
        let path = format!("/api/v1/changes?limit=200&since={day}");
        let changes = app.role(Role::Auditor).items(&path).await;
        assert!(!changes.is_empty(), "{path}");
    }
}

on_both!(
    pages_visit_everything_once_in_order,
    filters_show_what_they_say,
    a_cursor_belongs_to_its_list,
    a_query_that_is_not_understood_is_refused,
    a_list_of_values_may_be_repeated,
    a_page_has_its_size,
    a_day_means_its_start
);
