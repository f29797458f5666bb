//! Large answers: tables are sent as they are made, a few at once, and long lists hold up nobody.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use stride::config::Serving;
use stride::policy::Role;
use stride::registers::catalogue;
use stride::world::Kind;
use stride::world::fields::{Field, FieldForm};

use super::several;
use crate::support::maker::{Made, Maker, collection};
use crate::support::{Client, TestApp, some, workbook};

const UNITS: &str = "/api/v1/units";

/// The text of a value in CSV, as README says.
fn text(value: &Value, path: &[String]) -> String {
    match (value, path) {
        (Value::Null, _) => String::new(),
        (Value::Array(list), _) => {
            let member = |v| text(v, path).replace('\\', "\\\\").replace(';', "\\;");
            list.iter().map(member).collect::<Vec<_>>().join("; ")
        }
        (Value::Object(map), [first, rest @ ..]) => {
            map.get(first).map_or_else(String::new, |v| text(v, rest))
        }
        (Value::String(text), []) => text.clone(),
        (other, []) => other.to_string(),
        _ => String::new(),
    }
}

/// What the rows of a list say, by column, without the names of links.
fn expected(fields: &[Field], item: &Value) -> BTreeMap<String, String> {
    let is_named = |f: &&Field| matches!(f.form, FieldForm::Reference | FieldForm::Title);
    let own = fields.iter().filter(|f| !is_named(f));
    own.map(|f| (f.name.clone(), text(item, &f.path))).collect()
}

/// The fields that a workbook leaves out: whole documents, which are longer than a cell may be.
fn documents(kind: &Kind) -> Vec<&str> {
    let fields = kind.fields().iter();
    let documents = fields.filter(|f| f.form == FieldForm::Document);
    documents.map(|f| f.name.as_str()).collect()
}

/// A table has the records of the list, field by field, in the same order; a workbook has the same
/// rows, ids and columns, except whole documents.
async fn a_table_says_what_the_list_says(app: TestApp) {
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        several(&maker, kind).await;
        let (client, path) = (maker.client(kind), collection(kind));
        for sort in ["-created_at", "updated_at,-reference"] {
            let items = client.items(&format!("{path}?limit=200&sort={sort}")).await;
            let asked = format!("{path}?sort={sort}&format");
            let csv = client.get(&format!("{asked}=csv")).await;
            let mut csv = csv::Reader::from_reader(csv.status(200).body.as_slice());
            let header = csv.headers().expect("a header").clone();
            let rows: Vec<_> = csv.records().map(|r| r.expect("a row")).collect();
            assert_eq!(rows.len(), items.len(), "{}", kind.name);
            for (row, item) in rows.iter().zip(&items) {
                let row: BTreeMap<_, _> = header.iter().zip(row).collect();
                for (name, value) in some(expected(kind.fields(), item)) {
                    let cell = row[name.as_str()];
                    let cell = cell.strip_prefix('\'').unwrap_or(cell);
                    assert_eq!(cell, value, "{} {name}", kind.name);
                }
            }
            let book = client.get(&format!("{asked}=xlsx")).await;
            let book = workbook::rows(&book.status(200).body);
            let ids = book.iter().skip(1).map(|row| row[0].as_str());
            assert!(
                ids.eq(items.iter().filter_map(|i| i["id"].as_str())),
                "{}",
                kind.name
            );
            let documents = documents(kind);
            let columns = header.iter().filter(|name| !documents.contains(name));
            assert!(book[0].iter().eq(columns), "{}", kind.name);
            assert!(
                documents.is_empty() || ["paper_issue"].contains(&kind.name),
                "{}: {documents:?} are in no workbook",
                kind.name
            );
        }
    }
}

/// The same service with other settings.
async fn with(app: &TestApp, adjust: impl FnOnce(&mut Serving)) -> TestApp {
    let store = std::sync::Arc::clone(&app.store);
    TestApp::on(store, app.backend, |config| {
        config.serving.body_limit = 64 * 1024 * 1024;
        adjust(&mut config.serving);
    })
    .await
}

/// Units with texts so long that no connection takes all of them before they are read.
async fn long_units(app: &TestApp) {
    let letters = "\u{1D11E}".repeat(2_000);
    bulk(
        app,
        1_000,
        |n| json!({ "title": format!("Unit {n}"), "unit_kind": "unit", "description": letters }),
    )
    .await;
}

/// Makes this many units.
async fn bulk(app: &TestApp, count: usize, unit: impl Fn(usize) -> Value) {
    let client = app.role(Role::Administrator);
    let all: Vec<usize> = (0..count).collect();
    for part in some(all.chunks(1_000)) {
        let operations = part
            .iter()
            .map(|n| json!({ "op": "create", "record": unit(*n) }));
        let operations: Vec<Value> = operations.collect();
        let body = json!({ "operations": operations });
        let ask = client.ask("POST", &format!("{UNITS}/bulk")).json(&body);
        ask.send_unchecked().await.status(200);
    }
}

/// Someone who asks for something and takes nothing of it.
fn absent(client: &Client, path: &str) -> TcpStream {
    let address = client.base.trim_start_matches("http://").to_owned();
    let token = client.token.clone().unwrap_or_default();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream
}

/// Waits until this number of tables are being made or sent.
async fn until_open(app: &TestApp, wanted: u32) {
    for _ in 0..6_000 {
        if app.service.large.open() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} tables are open, not {wanted}", app.service.large.open());
}

/// A reader who takes nothing is given up, and does not take a part for the whole.
async fn an_absent_reader_is_given_up(app: TestApp) {
    let app = with(&app, |serving| serving.reader_idle_seconds = 1).await;
    long_units(&app).await;
    for format in ["csv", "xlsx"] {
        let client = app.role(Role::Viewer);
        let mut stream = absent(&client, &format!("{UNITS}?format={format}"));
        until_open(&app, 1).await;
        // A workbook of these texts is small enough for a connection to take it whole.
        until_open(&app, 0).await;
        if format == "csv" {
            let mut taken = Vec::new();
            let _ = stream.read_to_end(&mut taken);
            assert!(!taken.ends_with(b"\r\n0\r\n\r\n"), "it looks complete");
        }
    }
    let client = app.role(Role::Viewer);
    let whole = client.get(&format!("{UNITS}?format=csv")).await;
    assert!(whole.status(200).body.len() > 8_000_000);
}

/// What a reader who has left had asked for is not made to its end.
async fn a_reader_who_leaves_ends_the_work(app: TestApp) {
    let app = with(&app, |serving| serving.reader_idle_seconds = 3_600).await;
    long_units(&app).await;
    let stream = absent(&app.role(Role::Viewer), &format!("{UNITS}?format=csv"));
    until_open(&app, 1).await;
    drop(stream);
    until_open(&app, 0).await;
}

/// The rows of a table are of one moment, whatever is recorded while they are sent.
async fn a_table_is_of_one_moment(app: TestApp) {
    let app = with(&app, |serving| serving.reader_idle_seconds = 3_600).await;
    long_units(&app).await;
    let client = app.role(Role::Administrator);
    let mut stream = absent(&client, &format!("{UNITS}?format=csv&sort=created_at"));
    until_open(&app, 1).await;
    let last = client
        .items(&format!("{UNITS}?sort=-created_at&limit=1"))
        .await;
    let path = format!("{UNITS}/{}", last[0]["id"].as_str().expect("an id"));
    let etag = client.get(&path).await.etag();
    let renamed = json!({ "title": "Renamed meanwhile" });
    client.patch(&path, &etag, &renamed).await.status(200);
    assert_eq!(app.service.large.open(), 1, "it was sent before the change");
    let read = move || {
        let (mut all, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        while !all.ends_with(b"\r\n0\r\n\r\n") {
            let n = stream.read(&mut piece).expect("the rest");
            assert!(n > 0, "the table ends early");
            all.extend_from_slice(&piece[..n]);
        }
        String::from_utf8_lossy(&all).into_owned()
    };
    let all = actix_web::web::block(read).await.expect("the table");
    assert!(all.contains(",Unit 999,"), "the last row");
    assert!(!all.contains("Renamed meanwhile"));
    until_open(&app, 0).await;
}

/// As many tables as the setting says are made and sent, half of them for one account; others are
/// refused until one is complete. Everything else goes on.
async fn tables_are_limited_in_number(app: TestApp) {
    let app = with(&app, |serving| {
        serving.exports = 1;
        serving.reader_idle_seconds = 3_600;
    })
    .await;
    long_units(&app).await;
    let maker = Maker::new(&app);
    let mut accounts: Vec<Client> = Vec::new();
    for _ in 0..3 {
        let (client, _, _): (Client, Made, Made) = maker.account("viewer").await;
        accounts.push(client);
    }
    let [first, second, third] = accounts.as_slice() else {
        panic!("three accounts");
    };
    let csv = format!("{UNITS}?format=csv");
    let mut absents: Vec<TcpStream> = (0..4).map(|_| absent(first, &csv)).collect();
    until_open(&app, 4).await;
    let tables = [
        csv.clone(),
        format!("{UNITS}?format=xlsx"),
        "/api/v1/gaps?format=csv".to_owned(),
        "/api/v1/changes?format=xlsx".to_owned(),
    ];
    for path in some(&tables) {
        let refused = first.get(path).await;
        refused.problem("too_many_requests");
        assert_eq!(refused.header("retry-after"), "5", "{path}");
        second.get(path).await.status(200);
    }
    absents.extend((0..4).map(|_| absent(second, &csv)));
    until_open(&app, 8).await;
    for path in some(&tables) {
        let refused = third.get(path).await;
        refused.problem("unavailable");
        assert!(
            refused.header("retry-after").parse::<u32>().is_ok(),
            "{path}"
        );
    }
    for client in [first, second, third] {
        client.get(&format!("{UNITS}?limit=1")).await.status(200);
        let counted = format!("{UNITS}?limit=1&include_total=true");
        let counted = client.get(&counted).await.status(200).json();
        assert_eq!(counted["total"], 1_000);
    }
    absents.clear();
    until_open(&app, 0).await;
    for path in some(&tables) {
        third.get(path).await.status(200);
    }
}

/// A list that goes through many records waits for its turn, and nothing else waits for it. It
/// answers the same as a short one, also after a write and to callers who see different records.
async fn a_long_list_holds_up_nobody(app: TestApp) {
    let count = 1_500;
    bulk(
        &app,
        count,
        |n| json!({ "title": format!("Unit {}", n % 3), "unit_kind": "unit" }),
    )
    .await;
    let keeper = app.keeper(crate::support::maker::kind("unit"));
    let viewer = app.role(Role::Viewer);
    let long = format!(
        "{UNITS}?include_total=true&updated_since=2000-01-01&limit=1&sort=title,-reference"
    );
    let (starts, started) = mpsc::channel();
    let (ends, ended) = std::sync::mpsc::channel::<()>();
    let ended = std::sync::Arc::new(std::sync::Mutex::new(ended));
    let turns = usize::from(app.service.config.serving.exports);
    let mut held = Vec::new();
    for _ in 0..turns {
        let (service, starts) = (std::sync::Arc::clone(&app.service), starts.clone());
        let ended = std::sync::Arc::clone(&ended);
        held.push(actix_web::rt::spawn(async move {
            let work = move || {
                starts.send(()).expect("it starts");
                let _ = ended.lock().expect("the end").recv();
                Ok(())
            };
            service.large.list(work).await.map_err(|p| p.code)
        }));
    }
    let all_started = move || (0..turns).all(|_| started.recv().is_ok());
    assert!(actix_web::web::block(all_started).await.expect("turns"));
    let waiting = {
        let (client, long) = (viewer.clone(), long.clone());
        actix_web::rt::spawn(async move { client.get(&long).await.status(200).json() })
    };
    for _ in 0..20 {
        viewer.get(&format!("{UNITS}?limit=1")).await.status(200);
        app.client.get("/livez").await.status(200);
    }
    assert!(!waiting.is_finished(), "it did not wait for its turn");
    drop(ends);
    for held in some(held) {
        assert_eq!(held.await.expect("the turn"), Ok(()));
    }
    let page = waiting.await.expect("the list");
    assert_eq!(
        (&page["total"], &page["items"][0]["title"]),
        (&json!(count), &json!("Unit 0"))
    );
    // Walked through page by page, a long list has every record once and in order.
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{UNITS}?limit=200&sort=title,-reference{cursor}");
        let page = viewer.get(&path).await.status(200).json();
        let of = |i: &Value| (i["title"].to_string(), i["reference"].to_string());
        seen.extend(page["items"].as_array().expect("items").iter().map(of));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), count);
    let in_order = |(a, b): (&(String, String), &(String, String))| (&a.0, &b.1) < (&b.0, &a.1);
    assert!(some(seen.iter().zip(seen.iter().skip(1))).all(in_order));
    // What was cached is not answered after a write, nor to those who see other records.
    let total = async |client: &Client| client.get(&long).await.status(200).json()["total"].clone();
    assert_eq!(total(&keeper).await, count);
    let marked = json!({ "title": "Marked", "unit_kind": "unit", "marking": "official_sensitive" });
    let ask = keeper
        .ask("POST", &format!("{UNITS}?reason=Marked"))
        .json(&marked);
    ask.send().await.status(201);
    assert_eq!(
        (total(&keeper).await, total(&viewer).await),
        (json!(count + 1), json!(count))
    );
    keeper
        .post(UNITS, &json!({ "title": "Open", "unit_kind": "unit" }))
        .await
        .status(201);
    assert_eq!(
        (total(&keeper).await, total(&viewer).await),
        (json!(count + 2), json!(count + 1))
    );
}

on_both!(
    a_table_says_what_the_list_says,
    an_absent_reader_is_given_up,
    a_reader_who_leaves_ends_the_work,
    a_table_is_of_one_moment,
    tables_are_limited_in_number,
    a_long_list_holds_up_nobody,
);
