//! Lists as tables.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::Kind;

use super::several;
use crate::support::maker::{Maker, collection, kind};
use crate::support::{Client, TestApp, some, workbook};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// CSV and Excel, by `?format=` and by Accept: a column for each field, a row for each record of
/// the same list.
async fn a_list_is_answered_as_a_table(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        several(&maker, kind).await;
        let client = maker.client(kind);
        let path = collection(kind);
        let csv = client
            .get(&format!("{path}?format=csv&sort=-created_at"))
            .await;
        assert_eq!(
            csv.status(200).header("content-type"),
            "text/csv; charset=utf-8; header=present"
        );
        assert_eq!(
            csv.header("content-disposition"),
            format!("attachment; filename=\"{}.csv\"", kind.path)
        );
        let mut reader = csv::Reader::from_reader(csv.body.as_slice());
        let header: Vec<String> = reader
            .headers()
            .expect("a header")
            .iter()
            .map(str::to_owned)
            .collect();
        let fields = kind.fields();
        assert!(
            header.iter().eq(fields.iter().map(|f| &f.name)),
            "{}: {header:?}",
            kind.name
        );
        let rows: Vec<csv::StringRecord> =
            reader.records().collect::<Result<_, _>>().expect("rows");
        let items = client
            .items(&format!("{path}?limit=200&sort=-created_at"))
            .await;
        assert_eq!(
            rows.iter().map(|r| &r[0]).collect::<Vec<_>>(),
            items
                .iter()
                .filter_map(|i| i["id"].as_str())
                .collect::<Vec<_>>()
        );
        for name in items[0].as_object().expect("a record").keys() {
            assert!(
                fields.iter().any(|f| f.path.first() == Some(name)),
                "{}: no column for {name}",
                kind.name
            );
        }
        let unique: BTreeSet<&String> = header.iter().collect();
        assert_eq!(unique.len(), header.len(), "{}: {header:?}", kind.name);
        // Neither a page nor a cursor makes a table shorter.
        let page = client.get(&format!("{path}?limit=1")).await.json();
        let cursor = page["next_cursor"].as_str().expect("more");
        for more in ["limit=1", &format!("cursor={cursor}")] {
            let whole = client
                .get(&format!("{path}?format=csv&{more}"))
                .await
                .status(200)
                .body
                .clone();
            let mut reader = csv::Reader::from_reader(whole.as_slice());
            assert_eq!(reader.records().count(), rows.len(), "{} {more}", kind.name);
        }
        for (row, item) in rows.iter().zip(&items) {
            is_taken_apart(kind, row, &header);
            names_its_links(&client, item, row, &header).await;
        }
        let none = client
            .get(&format!("{path}?format=csv&q=nothing-has-this-word"))
            .await;
        let mut none = csv::Reader::from_reader(none.status(200).body.as_slice());
        assert!(
            none.headers().expect("a header").iter().eq(&header),
            "{}: columns do not depend on rows",
            kind.name
        );
        assert_eq!(none.records().count(), 0, "{}", kind.name);
        let accepted = client
            .ask("GET", &format!("{path}?sort=-created_at"))
            .header("accept", "text/csv")
            .send()
            .await;
        assert_eq!(accepted.status(200).body, csv.body);
        assert_ne!(
            accepted.etag(),
            client.get(&format!("{path}?sort=-created_at")).await.etag(),
            "each form has a tag of its own"
        );
        let book = client.get(&format!("{path}?format=xlsx")).await;
        assert_eq!(book.status(200).header("content-type"), XLSX);
        assert!(
            book.body.starts_with(b"PK\x03\x04") && book.body.len() > 1_000,
            "{}",
            kind.name
        );
        let accepted = client.ask("GET", &path).header("accept", XLSX).send().await;
        assert_eq!(accepted.status(200).header("content-type"), XLSX);
        client
            .get(&format!("{path}?format=pdf"))
            .await
            .problem_at("invalid_query", "?format");
        client
            .ask("GET", &path)
            .header("accept", "image/png")
            .send()
            .await
            .problem("not_acceptable");
    }
}

/// Fields without a form of their own: their values stay JSON.
const FREE: [&str; 1] = ["content"];

/// No cell has an object in it, where columns can be had.
fn is_taken_apart(kind: &Kind, row: &csv::StringRecord, header: &[String]) {
    for (cell, name) in some(row.iter().zip(header)) {
        let is_object = cell.starts_with('{') || cell.starts_with("[{");
        assert!(
            !is_object || FREE.contains(&name.as_str()),
            "{} {name}: {cell}",
            kind.name
        );
    }
}

/// A link's reference and title are those of the linked record, as it is found by its reference.
async fn names_its_links(
    client: &Client,
    item: &Value,
    row: &csv::StringRecord,
    header: &[String],
) {
    let cell = |name: &str| {
        let at = header.iter().position(|h| h == name);
        at.map(|at| row[at].to_owned())
    };
    for (name, value) in some(item.as_object().expect("a record")) {
        let Some(base) = name.strip_suffix("_id") else {
            continue;
        };
        let Some(reference) = cell(&format!("{base}_reference")) else {
            continue;
        };
        if item.get(format!("{base}_reference")).is_some() {
            continue;
        }
        let Some(id) = value.as_str() else {
            assert_eq!(reference, "", "{name}");
            continue;
        };
        assert!(!reference.is_empty(), "{name} {id}: not named");
        let mut found = None;
        for kind in catalogue().kinds() {
            let path = format!("{}/{id}", collection(kind));
            let reply = client.get(&path).await;
            if reply.status == 200 {
                found = Some(reply.json());
                break;
            }
        }
        let found = found.expect("the linked record");
        assert_eq!(found["reference"], reference, "{name}");
        if found["title"].is_string() {
            let title = cell(&format!("{base}_title"));
            assert_eq!(found["title"].as_str(), title.as_deref(), "{name}");
        }
        break;
    }
}

/// A table does not name what its reader may not see: a marked record, an account, a person.
async fn a_table_names_nothing_hidden(app: TestApp) {
    let maker = Maker::new(&app);
    let secret = json!({ "title": "Unit nobody knows", "reference": "HID-7", "marking": "official_sensitive" });
    let secret = maker.make_with("unit", secret).await;
    let open = maker
        .make_with("unit", json!({ "title": "Unit everybody knows" }))
        .await;
    for unit in [&secret, &open] {
        maker
            .make_with("post", json!({ "unit_id": unit.id(), "title": "Somebody" }))
            .await;
    }
    for format in ["csv", "xlsx"] {
        let read = async |client: Client| {
            let reply = client.get(&format!("/api/v1/posts?format={format}")).await;
            let body = reply.status(200).body.clone();
            if format == "csv" {
                String::from_utf8_lossy(&body).into_owned()
            } else {
                format!("{:?}", workbook::rows(&body))
            }
        };
        let seen = read(app.role(Role::Viewer)).await;
        assert!(seen.contains("Unit everybody knows"), "{seen}");
        assert!(
            !seen.contains("HID-7") && !seen.contains("Unit nobody knows"),
            "{seen}"
        );
        let seen = read(maker.client(kind("post"))).await;
        assert!(
            seen.contains("HID-7") && seen.contains("Unit nobody knows"),
            "{seen}"
        );
    }
}

/// A workbook has days and times that Excel calculates with, a head row that stays, a filter and a
/// sheet with the name of the list.
async fn a_workbook_is_fit_for_people(app: TestApp) {
    let maker = Maker::new(&app);
    let goal = maker.make_named("work_plan_item").await;
    let path = collection(goal.kind);
    let book = maker
        .client(goal.kind)
        .get(&format!("{path}?format=xlsx"))
        .await;
    let book = &book.status(200).body;
    let rows = workbook::rows(book);
    let (head, first) = (&rows[0], &rows[1]);
    let cell = |name: &str| &first[head.iter().position(|h| h == name).expect("a column")];
    let due = goal.record["deadline"]["due_on"].as_str().expect("a day");
    let due: chrono::NaiveDate = due.parse().expect("a day");
    let zero = chrono::NaiveDate::from_ymd_opt(1899, 12, 30).expect("a day");
    assert_eq!(
        cell("deadline.due_on"),
        &(due - zero).num_days().to_string()
    );
    assert!(
        cell("created_at")
            .parse::<f64>()
            .is_ok_and(|n| n > 40_000.0),
        "{first:?}"
    );
    let sheet = workbook::part(book, "xl/worksheets/sheet1.xml");
    for wanted in ["state=\"frozen\"", "<autoFilter ref=\"A1:", "<col min="] {
        assert!(sheet.contains(wanted), "{wanted}");
    }
    assert!(workbook::part(book, "xl/workbook.xml").contains("name=\"Work plan items\""));
}

/// A cell that a spreadsheet would take for a formula is defused.
async fn a_cell_is_never_a_formula(app: TestApp) {
    let maker = Maker::new(&app);
    let unit = maker
        .make_with(
            "unit",
            serde_json::json!({ "title": "=cmd|' /C calc'!A0", "description": "a,\"b\"\nc" }),
        )
        .await;
    let csv = maker
        .client(unit.kind)
        .get("/api/v1/units?format=csv")
        .await;
    let mut reader = csv::Reader::from_reader(csv.status(200).body.as_slice());
    let header = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("a row");
    let cell = |name: &str| {
        header
            .iter()
            .position(|h| h == name)
            .map(|n| row[n].to_owned())
    };
    assert!(
        cell("title").is_some_and(|n| n.starts_with("'=cmd")),
        "{row:?}"
    );
    assert_eq!(cell("description").as_deref(), Some("a,\"b\"\nc"));
}

on_both!(
    a_list_is_answered_as_a_table,
    a_table_names_nothing_hidden,
    a_workbook_is_fit_for_people,
    a_cell_is_never_a_formula,
);
