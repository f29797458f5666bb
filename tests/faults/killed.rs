//! SIGKILL in the middle of concurrent writes: what was acknowledged is there, nothing is half
//! there, repeats are safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::cluster::{Backend, Database};
use crate::lists::perhaps;
use crate::server::{Client, Server, assert_sound};

const CLIENTS: usize = 8;
/// Records in one atomic bulk call: the part of the writes that could be half there.
const BULK: usize = 5;

/// One request with its key: sent until it is answered, and once more after the restart.
#[derive(Debug, Clone)]
struct Sent {
    method: Method,
    path: String,
    key: String,
    if_match: Option<String>,
    body: Value,
}

/// What one client knows when the service has gone.
struct Memory {
    client: usize,
    acknowledged: Vec<(Sent, Value)>,
    /// Nobody knows what became of it.
    last: Sent,
}

/// Counts answers and says when there are enough.
struct Count {
    answers: AtomicUsize,
    enough: usize,
    reached: Notify,
}

async fn send(client: &Client, sent: &Sent) -> Result<(u16, Value, bool), reqwest::Error> {
    let mut request = client
        .request(sent.method.clone(), &sent.path)
        .header("Idempotency-Key", &sent.key)
        .json(&sent.body);
    if let Some(tag) = &sent.if_match {
        request = request.header("If-Match", tag);
    }
    let response = request.send().await?;
    let replayed = response.headers().contains_key("Idempotency-Replayed");
    let status = response.status().as_u16();
    Ok((status, response.json().await?, replayed))
}

/// The client's next request: create a unit, change it twice, make several at once, begin again.
fn next(client: usize, round: usize, before: &[(Sent, Value)]) -> Sent {
    let n = before.len();
    let key = format!("r{round}-c{client}-n{n}");
    let unit = |reference: String| json!({ "reference": reference, "title": key, "description": key, "unit_kind": "unit" });
    let post = |path: &str, body: Value| Sent {
        method: Method::POST,
        path: path.into(),
        key: key.clone(),
        if_match: None,
        body,
    };
    match n % 4 {
        0 => post("/api/v1/units", unit(key.to_uppercase())),
        3 => {
            let operations: Vec<Value> = (0..BULK)
                .map(|i| json!({ "op": "create", "record": unit(format!("{}-{i}", key.to_uppercase())) }))
                .collect();
            post("/api/v1/units/bulk", json!({ "operations": operations }))
        }
        _ => {
            let record = &before[n - 1].1;
            Sent {
                method: Method::PATCH,
                path: format!("/api/v1/units/{}", record["id"].as_str().unwrap()),
                key: key.clone(),
                if_match: Some(format!("\"{}\"", record["version"])),
                body: json!({ "title": key, "description": key }),
            }
        }
    }
}

async fn write_until_gone(
    client: Client,
    number: usize,
    round: usize,
    count: Arc<Count>,
) -> Memory {
    let mut acknowledged: Vec<(Sent, Value)> = Vec::new();
    loop {
        let sent = next(number, round, &acknowledged);
        match send(&client, &sent).await {
            Ok((status, answer, _)) => {
                assert!((200..300).contains(&status), "{status} {answer}");
                acknowledged.push((sent, answer));
                if count.answers.fetch_add(1, Ordering::SeqCst) + 1 == count.enough {
                    count.reached.notify_one();
                }
            }
            Err(_) => {
                return Memory {
                    client: number,
                    acknowledged,
                    last: sent,
                };
            }
        }
    }
}

/// Every acknowledged answer is what the journal has at that version.
async fn assert_kept(client: &Client, memory: &Memory) {
    for (sent, answer) in perhaps(&memory.acknowledged) {
        let written: Vec<&Value> = match answer["results"].as_array() {
            Some(results) => results.iter().map(|r| &r["record"]).collect(),
            None => vec![answer],
        };
        for record in written {
            let path = format!("/api/v1/units/{}", record["id"].as_str().unwrap());
            let (status, now) = client.get(&path).await;
            assert_eq!(status, 200, "acknowledged and lost: {sent:?}");
            let (seen, was) = (
                now["version"].as_i64().unwrap(),
                record["version"].as_i64().unwrap(),
            );
            assert!(
                seen >= was,
                "went back from version {was} to {seen}: {sent:?}"
            );
            if seen == was {
                assert_eq!(&now, record);
            }
            assert_eq!(
                now["title"], now["description"],
                "half of a change is there"
            );
        }
    }
}

/// The write that nobody heard of again is there whole or not at all, and sending it once more
/// makes it be there once.
async fn assert_whole(client: &Client, memory: &Memory) -> bool {
    let sent = &memory.last;
    if sent.path.ends_with("/bulk") {
        let written = client
            .get(&format!(
                "/api/v1/units?title={}&include_total=true",
                sent.key
            ))
            .await
            .1;
        let total = written["total"].as_u64().unwrap() as usize;
        assert!(
            total == 0 || total == BULK,
            "{total} of {BULK} records of one transaction are there"
        );
    }
    let (status, first, replayed) = send(client, sent).await.unwrap();
    assert!(
        (200..300).contains(&status),
        "a repeat was refused: {status} {first} for {sent:?}"
    );
    let (again, second, second_replayed) = send(client, sent).await.unwrap();
    assert_eq!(
        (again, &second),
        (status, &first),
        "client {}",
        memory.client
    );
    assert!(second_replayed);
    replayed
}

async fn a_killed_process_loses_nothing_that_it_acknowledged(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let mut expected = assert_sound(&database);
    for (round, enough) in [40, 97, 160].into_iter().enumerate() {
        let client = Client::administrator(&database, &server);
        let count = Arc::new(Count {
            answers: AtomicUsize::new(0),
            enough,
            reached: Notify::new(),
        });
        let writers: Vec<_> = (0..CLIENTS)
            .map(|n| {
                tokio::spawn(write_until_gone(
                    client.clone(),
                    n,
                    round,
                    Arc::clone(&count),
                ))
            })
            .collect();
        count.reached.notified().await;
        server.kill();
        let mut memories = Vec::new();
        for writer in writers {
            memories.push(writer.await.unwrap());
        }
        assert_sound(&database);
        server = Server::start(&database);
        let client = client.at(&server);
        for memory in &memories {
            assert_kept(&client, memory).await;
        }
        for memory in &memories {
            assert_whole(&client, memory).await;
        }
        // Each request made its entries exactly once: those that were answered, and those whose
        // answer was lost.
        let entries = |sent: &Sent| {
            if sent.path.ends_with("/bulk") {
                BULK
            } else {
                1
            }
        };
        expected += memories
            .iter()
            .flat_map(|m| m.acknowledged.iter().map(|(s, _)| s).chain([&m.last]))
            .map(entries)
            .sum::<usize>();
        assert_eq!(assert_sound(&database), expected);
    }
}

on_both!(a_killed_process_loses_nothing_that_it_acknowledged);
