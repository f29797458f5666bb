//! Floors for `benches/run`: the same work with nothing around it. Each prints operations per
//! second.
//!
//! `floor serve PORT FILE` answers every request with FILE; `floor sqlite-make FROM TO` puts the
//! items of a generated database into a plain table; `floor sqlite-insert DB ROWS` puts rows into
//! two tables with the service's indexes, 1,000 to a commit; `floor sqlite-get DB SECONDS`, `floor
//! sqlite-list DB SECONDS` read it; `floor postgres-list URL SECONDS` does on PostgreSQL what
//! `sqlite-list` does, through diesel on four connections.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use diesel::prelude::*;
use rusqlite::Connection as Sqlite;
use serde::Serialize;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Records on a page, and connections to PostgreSQL.
const PAGE: i64 = 50;
const CONNECTIONS: usize = 4;
/// What the service is asked for too: items in these two statuses.
const STATUSES: [&str; 2] = ["in_progress", "complete"];

diesel::table! {
    floor_items (n) {
        n -> BigInt,
        id -> Text,
        reference -> Text,
        version -> BigInt,
        plan_id -> Text,
        parent_id -> Nullable<Text>,
        item_kind -> Text,
        title -> Text,
        what -> Nullable<Text>,
        how -> Nullable<Text>,
        intended_outcome -> Nullable<Text>,
        lead_post_id -> Nullable<Text>,
        responsible_unit_id -> Nullable<Text>,
        status -> Text,
        declared_rag -> Text,
        due_on -> Nullable<Text>,
        created_at -> Text,
        updated_at -> Text,
    }
}

#[derive(Queryable, Serialize)]
struct Item {
    n: i64,
    id: String,
    reference: String,
    version: i64,
    plan_id: String,
    parent_id: Option<String>,
    item_kind: String,
    title: String,
    what: Option<String>,
    how: Option<String>,
    intended_outcome: Option<String>,
    lead_post_id: Option<String>,
    responsible_unit_id: Option<String>,
    status: String,
    declared_rag: String,
    due_on: Option<String>,
    created_at: String,
    updated_at: String,
}

fn main() -> Result<(), Failed> {
    let all: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let arguments: Vec<&str> = all.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", port, file] => {
            actix_web::rt::System::new().block_on(serve(port.parse()?, std::fs::read(file)?))
        }
        ["sqlite-make", from, to] => sqlite_make(from, to),
        ["sqlite-insert", db, rows] => sqlite_insert(db, rows.parse()?),
        ["sqlite-get", db, seconds] => sqlite_get(db, seconds.parse()?),
        ["sqlite-list", db, seconds] => sqlite_list(db, seconds.parse()?),
        ["postgres-list", url, seconds] => postgres_list(url, seconds.parse()?),
        _ => Err("see the top of benches/floor.rs for what it takes".into()),
    }
}

async fn serve(port: u16, body: Vec<u8>) -> Result<(), Failed> {
    let body = bytes::Bytes::from(body);
    let app = move || {
        let body = body.clone();
        let answer = move || {
            let answer = HttpResponse::Ok()
                .content_type("application/json")
                .body(body.clone());
            async { answer }
        };
        App::new().default_service(web::to(answer))
    };
    Ok(HttpServer::new(app)
        .workers(2)
        .tcp_nodelay(true)
        .bind(("127.0.0.1", port))?
        .run()
        .await?)
}

/// Runs `once` for so long, telling it how often it ran.
fn rate(seconds: u64, mut once: impl FnMut(u64) -> Result<(), Failed>) -> Result<f64, Failed> {
    let (started, until) = (Instant::now(), Duration::from_secs(seconds));
    let mut done = 0;
    while started.elapsed() < until {
        once(done)?;
        done += 1;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

fn sqlite_make(from: &str, to: &str) -> Result<(), Failed> {
    let db = Sqlite::open(to)?;
    db.execute("ATTACH ?1 AS stride", [from])?;
    let field = |name: &str| format!("json_extract(body, '$.{name}') AS {name}");
    let fields: Vec<String> = [
        "plan_id",
        "parent_id",
        "item_kind",
        "title",
        "what",
        "how",
        "intended_outcome",
        "lead_post_id",
    ]
    .into_iter()
    .chain(["responsible_unit_id", "status", "declared_rag"])
    .map(field)
    .collect();
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE floor_items AS SELECT row_number() OVER (ORDER BY reference) AS n, json_extract(body, '$.id') AS id, reference, version, {},
             json_extract(body, '$.deadline.due_on') AS due_on, json_extract(body, '$.created_at') AS created_at,
             json_extract(body, '$.updated_at') AS updated_at
             FROM stride.records WHERE kind = 'work_plan_item';
         CREATE UNIQUE INDEX floor_n ON floor_items (n);
         CREATE UNIQUE INDEX floor_reference ON floor_items (reference);",
        fields.join(", ")
    ))?;
    Ok(())
}

/// What an imported observation costs at the least: its row and its log row, with the indexes that
/// the service's tables have.
fn sqlite_insert(db: &str, rows: u64) -> Result<(), Failed> {
    let mut db = Sqlite::open(db)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         CREATE TABLE floor_log (seq INTEGER PRIMARY KEY, at INTEGER, record_id BLOB, version INTEGER, digest BLOB, hash BLOB, body TEXT);
         CREATE UNIQUE INDEX floor_log_version ON floor_log (record_id, version);
         CREATE INDEX floor_log_at ON floor_log (at);
         CREATE TABLE floor_rows (id BLOB PRIMARY KEY, kind TEXT, reference TEXT, version INTEGER, seq INTEGER, body TEXT);
         CREATE UNIQUE INDEX floor_rows_reference ON floor_rows (kind, reference);",
    )?;
    let body = "a figure of a measure ".repeat(28);
    let started = Instant::now();
    for portion in 0..rows.div_ceil(1_000) {
        let txn = db.transaction()?;
        {
            let mut log =
                txn.prepare("INSERT INTO floor_log VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)")?;
            let mut row =
                txn.prepare("INSERT INTO floor_rows VALUES (?1, 'observation', ?2, 1, ?3, ?4)")?;
            for n in portion * 1_000..(portion * 1_000 + 1_000).min(rows) {
                let (seq, id) = (i64::try_from(n)? + 1, uuid::Uuid::now_v7());
                log.execute((seq, seq, id.as_bytes(), [0_u8; 32], [0_u8; 32], &body))?;
                row.execute((id.as_bytes(), format!("OBS-{seq:04}"), seq, &body))?;
            }
        }
        txn.commit()?;
    }
    report(rows as f64 / started.elapsed().as_secs_f64());
    Ok(())
}

fn item(row: &rusqlite::Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        n: row.get(0)?,
        id: row.get(1)?,
        reference: row.get(2)?,
        version: row.get(3)?,
        plan_id: row.get(4)?,
        parent_id: row.get(5)?,
        item_kind: row.get(6)?,
        title: row.get(7)?,
        what: row.get(8)?,
        how: row.get(9)?,
        intended_outcome: row.get(10)?,
        lead_post_id: row.get(11)?,
        responsible_unit_id: row.get(12)?,
        status: row.get(13)?,
        declared_rag: row.get(14)?,
        due_on: row.get(15)?,
        created_at: row.get(16)?,
        updated_at: row.get(17)?,
    })
}

fn sqlite_get(db: &str, seconds: u64) -> Result<(), Failed> {
    let db = Sqlite::open(db)?;
    let count: i64 = db.query_row("SELECT count(*) FROM floor_items", [], |r| r.get(0))?;
    let mut by_key = db.prepare("SELECT * FROM floor_items WHERE n = ?1")?;
    let done = rate(seconds, |turn| {
        let key = i64::try_from(turn)?.wrapping_mul(7_919) % count + 1;
        std::hint::black_box(serde_json::to_vec(&by_key.query_row([key], item)?)?);
        Ok(())
    })?;
    report(done);
    Ok(())
}

fn sqlite_list(db: &str, seconds: u64) -> Result<(), Failed> {
    let db = Sqlite::open(db)?;
    let mut page = db.prepare(&format!(
        "SELECT * FROM floor_items WHERE reference > ?1 AND status IN ('{}', '{}') ORDER BY reference LIMIT {PAGE}",
        STATUSES[0], STATUSES[1]
    ))?;
    let mut after = String::new();
    let done = rate(seconds, |_| {
        let items: Vec<Item> = page.query_map([&after], item)?.collect::<Result<_, _>>()?;
        std::hint::black_box(serde_json::to_vec(&items)?);
        after = items
            .last()
            .map(|i| i.reference.clone())
            .unwrap_or_default();
        Ok(())
    })?;
    report(done);
    Ok(())
}

fn postgres_list(url: &str, seconds: u64) -> Result<(), Failed> {
    let total = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| postgres_pages(url, seconds, &total)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|t| t.join().map_err(|_| Failed::from("a thread panicked"))?)
    })?;
    report(total.into_inner() as f64 / 1_000.0);
    Ok(())
}

fn postgres_pages(url: &str, seconds: u64, total: &AtomicU64) -> Result<(), Failed> {
    use floor_items::dsl;
    let mut db = PgConnection::establish(url)?;
    let mut after = String::new();
    let done = rate(seconds, |_| {
        let items: Vec<Item> = dsl::floor_items
            .filter(dsl::reference.gt(&after))
            .filter(dsl::status.eq_any(STATUSES))
            .order(dsl::reference)
            .limit(PAGE)
            .load(&mut db)?;
        std::hint::black_box(serde_json::to_vec(&items)?);
        after = items
            .last()
            .map(|i| i.reference.clone())
            .unwrap_or_default();
        Ok(())
    })?;
    // Thousandths: the rates of the threads are added up as whole numbers.
    total.fetch_add((done * 1_000.0) as u64, Ordering::Relaxed);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its answer")]
fn report(per_second: f64) {
    println!("{per_second:.1}");
}
