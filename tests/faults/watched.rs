//! What an operator watches: metrics at their own address, lost connections among them, and whether
//! the service is ready. And a hangup, which ends nothing.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, run_with};

/// A free address of this machine.
pub fn free() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Every series with its value.
pub async fn metrics(address: &str) -> BTreeMap<String, f64> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("http://{address}/metrics")).send();
    let answer = answer.await.unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; version=0.0.4"
    );
    let text = answer.text().await.unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn metrics_say_which_build_runs_and_what_the_process_needs() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let address = free();
    let server = Server::with(&database, &[("STRIDE_METRICS_BIND", &address)]);
    let client = Client::administrator(&database, &server);
    let (found, metrics) = (client.get("/metrics").await.0, metrics(&address).await);
    assert_eq!(found, 404, "callers do not see the metrics");
    let version = format!(
        "stride_build_info{{version=\"{}\"}}",
        env!("CARGO_PKG_VERSION")
    );
    for name in [
        version.as_str(),
        "stride_start_duration_seconds",
        "process_open_fds",
        "process_max_fds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
        "process_threads",
    ] {
        assert!(metrics[name] > 0.0, "{name}");
    }
    assert!(metrics.contains_key("process_cpu_seconds_total"));
}

#[tokio::test]
async fn a_lost_connection_is_counted() {
    let Some(database) = Database::new(Backend::Postgres) else {
        return;
    };
    let address = free();
    let server = Server::with(&database, &[("STRIDE_METRICS_BIND", &address)]);
    let client = Client::administrator(&database, &server);
    let unit = json!({ "title": "A unit", "unit_kind": "unit" });
    let made = client.create("/api/v1/units", &unit).await;
    let history = format!("/api/v1/units/{}/history", made["id"].as_str().unwrap());
    for connection in ["writer", "reader", "follower"] {
        for counted in ["errors", "reconnects"] {
            let name = format!("stride_database_{counted}_total{{connection=\"{connection}\"}}");
            assert_eq!(metrics(&address).await[&name], 0.0, "{name}");
        }
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.connect().batch_execute(end).unwrap();
    for connection in ["writer", "reader", "follower"] {
        for counted in ["errors", "reconnects"] {
            let name = format!("stride_database_{counted}_total{{connection=\"{connection}\"}}");
            // Each of the readers has a connection of its own.
            while metrics(&address).await[&name] == 0.0 {
                client.post("/api/v1/units", &unit).await;
                client.get("/api/v1/units").await;
                client.get(&history).await;
            }
        }
    }
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let settings = [("RUST_LOG", "info")];
    let mut server = Server::logging(&database, &settings, log.reopen().unwrap());
    let client = Client::administrator(&database, &server);
    server.signal("HUP");
    let has_noticed = || {
        std::fs::read_to_string(log.path())
            .unwrap()
            .contains("SIGHUP")
    };
    while !has_noticed() {
        assert_eq!(client.get("/livez").await.0, 200);
    }
    let unit = json!({ "title": "A unit", "unit_kind": "unit" });
    client.create("/api/v1/units", &unit).await;
    server.terminate();
    assert!(server.wait().success());
}

#[tokio::test]
async fn health_says_whether_the_service_is_ready() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let mut server = Server::start(&database);
    let everywhere = format!("0.0.0.0:{}", server.address.port());
    let asked = [server.address.to_string(), everywhere];
    let health = |address: &str| {
        let settings = [("STRIDE_BIND", address)];
        run_with(&database, &settings, &["health", "--seconds", "60"])
    };
    for address in some(&asked) {
        let output = health(address);
        assert!(output.status.success(), "{address}: {output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
    }
    server.kill();
    for address in some(&asked) {
        let output = health(address);
        assert!(!output.status.success(), "{address}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no answer"));
    }
}
