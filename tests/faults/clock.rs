//! A clock that is set back and forward while the service runs and between its starts: time never runs
//! backwards in the journal, what was recorded is found again, and tokens, keys and jobs go by the
//! clock as it is.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use stride::db::store;

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound, taken};
use crate::skipped::skipped;

/// Where Debian keeps what sets the clock of one process alone.
fn library() -> String {
    let machine = std::env::consts::ARCH;
    format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1")
}

/// The clock of one service.
struct Clock {
    file: tempfile::NamedTempFile,
}

impl Clock {
    /// A clock that is right; none where the library is missing.
    fn new() -> Option<Self> {
        if !Path::new(&library()).exists() {
            skipped(
                "STRIDE_TEST_REQUIRE_FAULTS",
                "the clock cannot be set (install libfaketime)",
            );
            return None;
        }
        let clock = Self {
            file: tempfile::NamedTempFile::new().unwrap(),
        };
        clock.set("+0");
        Some(clock)
    }

    /// Sets it so much later or earlier than it is, such as `-2h`.
    fn set(&self, by: &str) {
        // At once, so that no half of it is read.
        let new = self.file.path().with_extension("new");
        std::fs::write(&new, by).unwrap();
        std::fs::rename(&new, self.file.path()).unwrap();
    }

    fn start(&self, database: &Database) -> Server {
        let library = library();
        let settings = [
            ("LD_PRELOAD", library.as_str()),
            (
                "FAKETIME_TIMESTAMP_FILE",
                self.file.path().to_str().unwrap(),
            ),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        Server::with(database, &settings)
    }
}

/// Times of all entries, in the order of the journal.
fn times(database: &Database) -> Vec<DateTime<Utc>> {
    let rows = store::entries_after(&mut database.connect(), 0, 10_000).unwrap();
    rows.iter().map(|row| row.at.0).collect()
}

fn assert_never_backwards(database: &Database) {
    let times = times(database);
    assert!(times.len() > 5 && times.is_sorted(), "{times:?}");
    assert_sound(database);
}

fn unit(title: &str) -> Value {
    json!({ "title": title, "unit_kind": "unit" })
}

/// Creates a unit, changes it, reads it now and in the past, and looks at the whole history.
async fn works(client: &Client, title: &str) {
    let made = client.create("/api/v1/units", &unit(title)).await;
    let path = format!("/api/v1/units/{}", made["id"].as_str().unwrap());
    let (status, changed) = client
        .patch(&path, 1, &json!({ "description": "Changed" }))
        .await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(client.get(&path).await, (200, changed.clone()));
    let at = changed["updated_at"].as_str().unwrap();
    assert!(at >= made["updated_at"].as_str().unwrap());
    let past = client.get(&format!("{path}?as_of={at}")).await;
    assert_eq!((past.0, &past.1["version"]), (200, &json!(2)), "{}", past.1);
    let since = format!("/api/v1/units?updated_since={at}");
    let listed = client.get(&since).await.1;
    let items = some(listed["items"].as_array().unwrap());
    assert!(items.into_iter().any(|i| i["id"] == made["id"]), "{listed}");
    let (status, history) = client.get(&format!("{path}/history")).await;
    assert_eq!(status, 200, "{history}");
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
}

async fn time_never_runs_backwards(backend: Backend) {
    let (Some(clock), Some(database)) = (Clock::new(), Database::new(backend)) else {
        return;
    };
    let mut server = clock.start(&database);
    let client = Client::administrator(&database, &server);
    works(&client, "At first").await;
    clock.set("-2h");
    works(&client, "Set back").await;
    clock.set("-400d");
    works(&client, "Set back far").await;
    assert_never_backwards(&database);
    // Tokens of the command line are of the right clock.
    clock.set("+10m");
    works(&client, "Set forward").await;
    assert_never_backwards(&database);
    let last = *times(&database).last().unwrap();
    assert!(last > Utc::now(), "{last}");
    for by in some(["+0", "-1d", "-400d"]) {
        server.terminate();
        assert!(server.wait().success());
        clock.set(by);
        server = clock.start(&database);
        works(&client.at(&server), by).await;
    }
    assert_never_backwards(&database);
    // From the last entry on, time stands still until the clock has caught up.
    assert_eq!(*times(&database).last().unwrap(), last);
}

/// A service that first started while its clock was wrong, and a token of each time.
async fn tokens_go_by_the_clock(backend: Backend) {
    let (Some(clock), Some(database)) = (Clock::new(), Database::new(backend)) else {
        return;
    };
    clock.set("+1d");
    let mut server = clock.start(&database);
    let of_command_line = crate::server::printed(&database, &["token", "--role", "administrator"]);
    let early = Client::new(&server, of_command_line);
    assert_eq!(
        early.get("/api/v1/units").await.0,
        401,
        "it expired yesterday"
    );
    server.terminate();
    assert!(server.wait().success());
    clock.set("+0");
    server = clock.start(&database);
    let admin = Client::administrator(&database, &server);
    let body = json!({ "account_kind": "service", "title": "Dashboard" });
    let account = admin.create("/api/v1/accounts", &body).await;
    let id = account["id"].as_str().unwrap();
    let grant = json!({ "account_id": id, "role": "viewer" });
    admin.create("/api/v1/grants", &grant).await;
    let secret = admin
        .create(&format!("/api/v1/accounts/{id}/secrets"), &json!({}))
        .await;
    let sign_in = async || {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret["client_secret"].as_str().unwrap()),
        ];
        let request = admin.request(reqwest::Method::POST, "/oauth/token");
        let (status, answer) = taken(request.form(&form).send().await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        Client::new(&server, answer["access_token"].as_str().unwrap().to_owned())
    };
    let now = sign_in().await;
    assert_eq!(now.get("/api/v1/units").await.0, 200);
    // Also one that was seen before.
    clock.set("+1h");
    assert_eq!(now.get("/api/v1/units").await.0, 401, "it has expired");
    let later = sign_in().await;
    assert_eq!(later.get("/api/v1/units").await.0, 200);
    clock.set("-1h");
    assert_eq!(now.get("/api/v1/units").await.0, 200, "not yet expired");
    assert_eq!(sign_in().await.get("/api/v1/units").await.0, 200);
    // What is revoked stays revoked, whatever the clock says.
    let (status, changed) = admin
        .patch(
            &format!("/api/v1/accounts/{id}"),
            2,
            &json!({ "status": "disabled" }),
        )
        .await;
    assert_eq!(status, 200, "{changed}");
    for by in some(["-1h", "+0", "-400d"]) {
        clock.set(by);
        assert_eq!(now.get("/api/v1/units").await.0, 401, "{by}");
    }
    assert_never_backwards(&database);
}

/// A job under way is neither lost nor taken for interrupted, and a repeat finds its first answer.
async fn jobs_and_repeats_outlast_a_changed_clock(backend: Backend) {
    let (Some(clock), Some(database)) = (Clock::new(), Database::new(backend)) else {
        return;
    };
    let server = clock.start(&database);
    let client = Client::administrator(&database, &server);
    let operations: Vec<Value> = (0..3_000)
        .map(|n| json!({ "kind": "unit", "op": "create", "record": unit(&format!("{n}")) }))
        .collect();
    let body = json!({ "operations": operations });
    for by in some(["-2h", "+5m"]) {
        clock.set("+0");
        let (status, job) = client.post("/api/v1/jobs", &body).await;
        assert_eq!(status, 202, "{job}");
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        while client.get(&path).await.1["done"] == 0 {}
        clock.set(by);
        let ended = loop {
            let (_, job) = client.get(&path).await;
            if !job["finished_at"].is_null() {
                break job;
            }
        };
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
    }
    let once = async || {
        let request = client
            .request(reqwest::Method::POST, "/api/v1/units")
            .header("Idempotency-Key", "once")
            .json(&unit("Once"));
        taken(request.send().await.unwrap()).await
    };
    let first = once().await;
    assert_eq!(first.0, 201, "{}", first.1);
    for by in some(["-2h", "-400d", "+10m"]) {
        clock.set(by);
        assert_eq!(once().await, first, "{by}");
    }
    assert_never_backwards(&database);
}

on_both!(
    time_never_runs_backwards,
    tokens_go_by_the_clock,
    jobs_and_repeats_outlast_a_changed_clock
);
