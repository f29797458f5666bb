//! A database that says nothing: a server that is frozen, a network that swallows everything, a
//! replica that is stopped while it writes, a socket at which nobody answers. No wait is without an
//! end, and nothing is said about a change that is not known.

use std::net::{SocketAddr, TcpListener, TcpStream};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::cluster::{Backend, Database, Relay};
use crate::lists::some;
use crate::loss::{Load, assert_nothing_lost};
use crate::server::{Client, Server, assert_sound, run_with};

/// Short limits, so that the tests need not wait long.
pub const SHORT: [(&str, &str); 4] = [
    ("STRIDE_DATABASE_STATEMENT_SECONDS", "1"),
    ("STRIDE_DATABASE_LOCK_SECONDS", "2"),
    ("STRIDE_DATABASE_IDLE_SECONDS", "1"),
    ("STRIDE_DATABASE_NETWORK_SECONDS", "2"),
];

fn unit(reference: &str) -> Value {
    json!({ "title": "Unit", "unit_kind": "unit", "reference": reference })
}

/// A service that reaches its database through a relay that can fall silent.
fn behind_a_relay() -> Option<(Database, Relay, Server, Client)> {
    let database = Database::new(Backend::Postgres)?;
    let relay = Relay::to(&database);
    let settings: Vec<_> = SHORT
        .into_iter()
        .chain([("DATABASE_URL", relay.url.as_str())])
        .collect();
    let server = Server::with(&database, &settings);
    let client = Client::administrator(&database, &server);
    Some((database, relay, server, client))
}

/// Asks until the status is the one that is waited for. A test that waits in vain ends by the limit
/// of its client.
async fn until(client: &Client, path: &str, status: u16) {
    while client.get(path).await.0 != status {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_silent_database_is_left_and_found_again() {
    let Some((database, relay, _server, client)) = behind_a_relay() else {
        return;
    };
    client.create("/api/v1/units", &unit("A")).await;
    for round in 0..2 {
        relay.fall_silent();
        assert_eq!(client.get("/readyz").await.0, 503);
        assert_eq!(client.get("/livez").await.0, 200);
        // Reads, the past, and changes all come to an end, and say what is known.
        let reads = ["/api/v1/units", "/api/v1/units?as_of=2020-01-01T00:00:00Z"];
        for (status, problem) in some(join_all(reads.map(|path| client.get(path))).await) {
            assert_eq!((status, &problem["code"]), (503, &json!("unavailable")));
        }
        let body = unit(&format!("LOST-{round}"));
        let (status, problem) = client.post("/api/v1/units", &body).await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("unavailable")),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("nothing was written")
        );
        relay.speak();
        until(&client, "/readyz", 200).await;
        let (status, list) = client.get("/api/v1/units").await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(list["items"].as_array().unwrap().len(), 1 + round);
        client
            .create("/api/v1/units", &unit(&format!("B-{round}")))
            .await;
    }
    assert_sound(&database);
}

#[tokio::test]
async fn a_restarted_connection_is_replaced_without_a_word() {
    let Some((database, relay, _server, client)) = behind_a_relay() else {
        return;
    };
    for n in 0..5 {
        relay.cut();
        client
            .create("/api/v1/units", &unit(&format!("U-{n}")))
            .await;
        relay.cut();
        let (status, list) = client.get("/api/v1/units").await;
        assert_eq!(status, 200, "{list}");
        relay.cut();
        assert_eq!(client.get("/readyz").await.0, 200);
    }
    assert_sound(&database);
}

/// The answer to a commit gets lost: the service says that it does not know, and the same request
/// with the same key finds out. A change without a key is one statement, which is its own commit.
#[tokio::test]
async fn a_commit_without_an_answer_is_not_known() {
    let Some((database, relay, _server, client)) = behind_a_relay() else {
        return;
    };
    client.create("/api/v1/units", &unit("A")).await;
    let mut before = assert_sound(&database);
    for (key, title, lost) in some([(true, "B", "COMMIT"), (false, "Lost", "Lost")]) {
        let send = async || {
            let body = json!({ "title": title, "unit_kind": "unit", "reference": title });
            let mut request = client
                .request(reqwest::Method::POST, "/api/v1/units")
                .json(&body);
            if key {
                request = request.header("Idempotency-Key", "once");
            }
            crate::server::taken(request.send().await.unwrap()).await
        };
        relay.keep_back_answers_to(lost);
        let (status, problem) = send().await;
        assert_eq!(
            (status, &problem["code"]),
            (503, &json!("outcome_unknown")),
            "{problem}"
        );
        relay.speak();
        until(&client, "/readyz", 200).await;
        let (status, made) = send().await;
        if key {
            assert_eq!((status, &made["reference"]), (201, &json!(title)), "{made}");
        } else {
            assert_eq!((status, &made["code"]), (409, &json!("reference_taken")));
        }
        before += 1;
        assert_eq!(assert_sound(&database), before, "it was written once");
    }
}

/// The answer to giving back the right to write gets lost, which no caller waits for: the next change is
/// made all the same, by another thread.
#[tokio::test]
async fn a_right_that_is_not_seen_to_be_given_back_holds_nobody_up() {
    let Some((database, relay, _server, client)) = behind_a_relay() else {
        return;
    };
    let before = assert_sound(&database);
    relay.keep_back_answers_to("pg_advisory_unlock");
    client.create("/api/v1/units", &unit("A")).await;
    // Longer than the right is kept.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    client.create("/api/v1/units", &unit("B")).await;
    relay.speak();
    client.create("/api/v1/units", &unit("C")).await;
    assert_eq!(assert_sound(&database), before + 3);
}

#[tokio::test]
async fn a_stopped_replica_holds_nobody_up() {
    let Some(database) = Database::new(Backend::Postgres) else {
        return;
    };
    let servers = [
        Server::with(&database, &SHORT),
        Server::with(&database, &SHORT),
    ];
    let clients = servers
        .each_ref()
        .map(|server| Client::administrator(&database, server));
    let (stopped, other) = (&clients[0], &clients[1]);
    let mut entries = assert_sound(&database);
    for round in 0..3 {
        // In the middle of its writes.
        let load = Load::start(std::slice::from_ref(stopped), 4, &format!("s{round}"));
        load.reach(10).await;
        servers[0].signal("STOP");
        let made = json!({ "title": "Unit", "description": "Unit", "unit_kind": "unit" });
        let (status, problem) = loop {
            let answer = other.post("/api/v1/units", &made).await;
            if answer.0 != 503 {
                break answer;
            }
        };
        assert_eq!(status, 201, "{problem}");
        servers[0].signal("CONT");
        load.goes_on().await;
        let ledgers = load.end().await;
        entries = assert_nothing_lost(&database, other, entries + 1, &ledgers).await;
        until(stopped, "/readyz", 200).await;
    }
    assert_sound(&database);
}

#[tokio::test]
async fn a_start_at_a_socket_that_never_answers_ends_in_words() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at: SocketAddr = silent.local_addr().unwrap();
    // Connections are taken and nothing is said.
    let _waits = TcpStream::connect(at).unwrap();
    let url = format!("postgres://stride@127.0.0.1:{}/stride", at.port());
    let serve = ["serve", "--bind", "127.0.0.1:0"];
    let output = run_with(&database, &[("DATABASE_URL", &url)], &serve);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && said.contains("cannot connect to the database"),
        "{said}"
    );
}
