//! A database moved between SQLite and PostgreSQL is the same database: every row of every table,
//! with its hashes; and the commands that need a few rows read no more.

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use reqwest::Method;
use serde_json::{Value, json};
use stride::db::Conn;

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound, printed, run, taken};

fn login() -> Value {
    json!({ "login": "analyst", "password": "purple tractor under seven moons" })
}

async fn put(client: &Client, path: &str, body: &Value) {
    let request = client.request(Method::PUT, path).json(body);
    let status = request.send().await.unwrap().status();
    assert!(status.is_success(), "{path}: {status}");
}

/// Something in every table.
async fn fill(database: &Database) {
    let mut server = Server::start(database);
    let client = Client::administrator(database, &server);
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U-1" });
    let unit = client.create("/api/v1/units", &unit).await;
    let path = format!("/api/v1/units/{}", unit["id"].as_str().unwrap());
    let (status, _) = client
        .patch(&path, 1, &json!({ "title": "Übung, \"é\"" }))
        .await;
    assert_eq!(status, 200);
    let generated = json!({ "title": "Unit", "unit_kind": "unit" });
    let generated = client.create("/api/v1/units", &generated).await;
    let other = format!("/api/v1/units/{}", generated["id"].as_str().unwrap());
    let (status, answer) = client
        .patch(&other, 1, &json!({ "reference": "U-2" }))
        .await;
    assert_eq!(status, 200, "{answer}");
    // A link that is lost.
    for (version, parent) in [(2, unit["id"].clone()), (3, Value::Null)] {
        let change = json!({ "parent_id": parent });
        let (status, answer) = client.patch(&other, version, &change).await;
        assert_eq!(status, 200, "{answer}");
    }
    let (status, answer) = client
        .patch(
            &format!("{path}?reason=It%20names%20an%20inquiry"),
            2,
            &json!({ "marking": "official_sensitive" }),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    let keyed = client
        .request(Method::POST, "/api/v1/units")
        .header("Idempotency-Key", "key")
        .json(&json!({ "title": "Unit", "unit_kind": "unit", "reference": "U-3" }));
    assert_eq!(taken(keyed.send().await.unwrap()).await.0, 201);

    let person = client
        .create("/api/v1/people", &json!({ "affiliation": "internal" }))
        .await;
    put(
        &client,
        &format!("/api/v1/people/{}/details", person["id"].as_str().unwrap()),
        &json!({ "display_name": "A. N. Other", "email": "person@example.org" }),
    )
    .await;
    let account = json!({ "title": "Analyst", "account_kind": "person" });
    let account = client.create("/api/v1/accounts", &account).await;
    let account = account["id"].as_str().unwrap();
    put(
        &client,
        &format!("/api/v1/accounts/{account}/password"),
        &login(),
    )
    .await;
    client
        .create(
            "/api/v1/grants",
            &json!({ "account_id": account, "role": "viewer" }),
        )
        .await;
    let (status, session) = client.post("/auth/login", &login()).await;
    assert_eq!(status, 200, "{session}");
    let own = Client::new(
        &server,
        session["access_token"].as_str().unwrap().to_owned(),
    );
    let feed = json!({ "title": "Deadlines", "filters": {} });
    let (status, answer) = own.post("/api/v1/calendar-feeds", &feed).await;
    assert_eq!(status, 201, "{answer}");
    let unit = json!({ "title": "Unit", "unit_kind": "unit" });
    let job = json!({ "operations": [{ "kind": "unit", "op": "create", "record": unit }] });
    let (status, answer) = client.post("/api/v1/jobs", &job).await;
    assert_eq!(status, 202, "{answer}");
    let job = format!("/api/v1/jobs/{}", answer["id"].as_str().unwrap());
    while client.get(&job).await.1["finished_at"] == Value::Null {}
    server.terminate();
    assert!(server.wait().success());
    printed(database, &["keys", "rotate"]);
}

#[derive(diesel::QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(diesel::QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut Conn, rows: &str) -> i64 {
    let counted: Counted = diesel::sql_query(format!("SELECT count(*) AS n FROM ({rows})"))
        .get_result(conn)
        .unwrap();
    counted.n
}

#[tokio::test]
async fn a_moved_database_is_the_same_in_every_row() {
    let from = Database::new(Backend::Sqlite).unwrap();
    fill(&from).await;
    let entries = assert_sound(&from);
    // By way of PostgreSQL, where it is to be had.
    let (middle, back) = (
        Database::new(Backend::Postgres),
        Database::new(Backend::Sqlite).unwrap(),
    );
    let last = if let Some(middle) = &middle {
        printed(&from, &["copy", "--to", &middle.url]);
        assert_eq!(assert_sound(middle), entries);
        middle
    } else {
        &from
    };
    let said = printed(last, &["copy", "--to", &back.url]);
    assert!(
        said.contains(&format!("copied {entries} entries")),
        "{said}"
    );

    let mut conn = from.connect();
    let file = back.url.strip_prefix("sqlite://").unwrap();
    conn.batch_execute(&format!("ATTACH DATABASE '{file}' AS back"))
        .unwrap();
    let tables: Vec<Named> =
        diesel::sql_query("SELECT name FROM sqlite_master WHERE type = 'table'")
            .load(&mut conn)
            .unwrap();
    for Named { name } in some(tables) {
        if name == "__diesel_schema_migrations" {
            continue;
        }
        let rows = count(&mut conn, &format!("SELECT * FROM main.{name}"));
        // Those of earlier builds are emptied at the start.
        assert!(
            rows > 0 || name == "earlier_persons",
            "nothing in {name} is tested"
        );
        assert_eq!(
            count(&mut conn, &format!("SELECT * FROM back.{name}")),
            rows,
            "{name}"
        );
        let differs = format!("SELECT * FROM main.{name} EXCEPT SELECT * FROM back.{name}");
        assert_eq!(count(&mut conn, &differs), 0, "{name}");
    }
    // What is answered under a key is answered there too, and people sign in.
    let server = Server::start(&back);
    let client = Client::administrator(&back, &server);
    let keyed = client
        .request(Method::POST, "/api/v1/units")
        .header("Idempotency-Key", "key")
        .json(&json!({ "title": "Unit", "unit_kind": "unit", "reference": "U-3" }));
    let answer = keyed.send().await.unwrap();
    assert!(answer.headers().contains_key("Idempotency-Replayed"));
    assert_eq!(client.post("/auth/login", &login()).await.0, 200);
}

async fn nothing_is_copied_over_something(backend: Backend) {
    let (Some(from), Some(to)) = (Database::new(backend), Database::new(backend)) else {
        return;
    };
    let refused = |from: &Database, to: &str, remedy: &str| {
        let output = run(from, &["copy", "--to", to]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(remedy), "{said}");
    };
    if backend == Backend::Sqlite {
        refused(&from, &to.url, "there is no database at");
    }
    drop(Server::start(&from));
    drop(Server::start(&to));
    let before = assert_sound(&to);
    refused(&from, &to.url, "is not empty");
    refused(&from, &from.url, "name another database");
    refused(&from, "mysql://somewhere", "must start with");
    assert_eq!(assert_sound(&to), before);
    if backend == Backend::Sqlite {
        let _server = Server::start(&from);
        let new = Database::new(backend).unwrap();
        refused(&from, &new.url, "another process is serving");
    }
}

/// A token signed by a key that was replaced at once is refused; one whose key was rotated is not.
async fn signing_keys_are_rotated(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let keys = async || {
        let (status, set) = client.get("/.well-known/jwks.json").await;
        assert_eq!(status, 200);
        set["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys().await, 1);
    let said = printed(&database, &["keys", "rotate"]);
    assert!(said.contains("signs from"), "{said}");
    // The service reads them again by itself.
    while keys().await < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let during = client_with_new_token(&database, &server);
    for client in some([&client, &during]) {
        assert_eq!(client.get("/api/v1/units").await.0, 200);
    }
    printed(&database, &["keys", "rotate", "--at-once"]);
    while keys().await > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    for client in some([&client, &during]) {
        assert_eq!(client.get("/api/v1/units").await.0, 401);
    }
    let after = client_with_new_token(&database, &server);
    assert_eq!(after.get("/api/v1/units").await.0, 200);
}

fn client_with_new_token(database: &Database, server: &Server) -> Client {
    Client::new(server, printed(database, &["token", "--role", "viewer"]))
}

/// A token is made without the records: one that cannot be read does not matter.
async fn a_token_needs_no_records(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "U-1" });
    let unit = client.create("/api/v1/units", &unit).await;
    let secretary = printed(&database, &["token", "--role", "board_secretary"]);
    let board = json!({ "title": "Board", "reference": "B-1", "board_kind": "board",
        "owner_unit_id": unit["id"] });
    Client::new(&server, secretary)
        .create("/api/v1/boards", &board)
        .await;
    database
        .connect()
        .batch_execute("UPDATE records SET body = 'none' WHERE kind = 'unit'")
        .unwrap();
    assert!(!run(&database, &["export"]).status.success());
    for scope in some(["B-1", "U-1"]) {
        printed(&database, &["token", "--role", "viewer", "--scope", scope]);
    }
    let output = run(&database, &["token", "--role", "viewer", "--scope", "NONE"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no unit or board with the reference `NONE`"),
        "{said}"
    );
}

/// What an export leaves out is said, where it does not get into the file.
#[tokio::test]
async fn an_export_says_what_it_leaves_out() {
    let database = Database::new(Backend::Sqlite).unwrap();
    drop(Server::start(&database));
    let output = run(&database, &["export"]);
    let (file, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(serde_json::from_str::<Value>(&file).is_ok(), "{file}");
    for word in some([
        "history",
        "accounts",
        "personal data",
        "files of documents",
        "stride copy",
    ]) {
        assert!(said.contains(word), "{said}");
    }
    let empty = Database::new(Backend::Sqlite).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.json");
    std::fs::write(&path, file.as_bytes()).unwrap();
    let output = run(&empty, &["load", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("earlier versions"),
        "{said}"
    );
}

on_both!(
    nothing_is_copied_over_something,
    signing_keys_are_rotated,
    a_token_needs_no_records
);
