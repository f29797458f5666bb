//! A PostgreSQL server that is frozen or killed while its standby takes over: the service goes on
//! with the standby, and nothing that it acknowledged is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::Replicated;
use crate::lists::some;
use crate::server::{Client, Server, assert_sound, taken};

const WRITERS: usize = 4;

/// Writes units one after another, each with a key, until told to end. A request whose end is not
/// known is repeated. Returns the references that were acknowledged.
async fn write(client: Client, writer: usize, ends: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let reference = format!("F-{writer}-{}", acknowledged.len());
        let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": reference });
        loop {
            let request = client
                .request(Method::POST, "/api/v1/units")
                .header("Idempotency-Key", &reference)
                .json(&unit);
            match taken(request.send().await.unwrap()).await {
                (201, _) => break,
                (status, problem) => {
                    assert_eq!(status, 503, "{problem}");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
        acknowledged.push(reference);
    }
    acknowledged
}

async fn the_standby_takes_over(fall: impl Fn(&Replicated)) {
    let Some(servers) = Replicated::new() else {
        return;
    };
    let server = Server::start(&servers.database);
    let client = Client::administrator(&servers.database, &server);
    let ends = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(write(client.clone(), n, Arc::clone(&ends))))
        .collect();
    let has = async |reference: &str| {
        let (status, list) = client
            .get(&format!("/api/v1/units?reference={reference}"))
            .await;
        status == 200 && list["items"] != json!([])
    };
    while !has("F-0-5").await {}
    fall(&servers);
    servers.promote();
    // Everybody goes on at the other server.
    while client.get("/readyz").await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    while !has("AFTER").await {
        let unit = json!({ "title": "Unit", "unit_kind": "unit", "reference": "AFTER" });
        let (status, problem) = client.post("/api/v1/units", &unit).await;
        assert!([201, 409, 503].contains(&status), "{problem}");
    }
    ends.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let kept: Vec<Value> = client.all("/api/v1/units").await;
    for reference in some(&acknowledged) {
        let same = kept.iter().filter(|unit| unit["reference"] == **reference);
        assert_eq!(same.count(), 1, "{reference} was acknowledged");
    }
    assert_eq!(kept.len(), acknowledged.len() + 1);
    assert_sound(&servers.database);
}

#[tokio::test]
async fn of_a_frozen_server() {
    the_standby_takes_over(Replicated::freeze).await;
}

#[tokio::test]
async fn of_a_killed_server() {
    the_standby_takes_over(Replicated::kill).await;
}
