//! A load of writes that remembers what was acknowledged, and the check that follows every fault:
//! nothing acknowledged is lost, nothing is half done, nothing is there twice, the chain is verified,
//! and every replica goes on without a hand.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use stride::db::store;
use tokio::task::JoinHandle;

use crate::cluster::Database;
use crate::server::{Client, run, taken};

/// Records in one atomic bulk call: the part of the writes that could be half there.
pub const BULK: usize = 5;

/// Longer than a service may take to go on after a fault has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request with its key, repeated until its end is known.
#[derive(Debug, Clone)]
pub struct Sent {
    method: Method,
    path: String,
    pub key: String,
    if_match: Option<String>,
    body: Value,
}

impl Sent {
    /// Number of journal entries that it makes.
    fn entries(&self) -> usize {
        if self.is_bulk() { BULK } else { 1 }
    }

    fn is_bulk(&self) -> bool {
        self.path.ends_with("/bulk")
    }
}

/// What one writer knows.
#[derive(Debug, Default)]
pub struct Ledger {
    pub acknowledged: Vec<(Sent, Value)>,
    /// Nobody knows what became of it.
    pub open: Option<Sent>,
}

/// The next request of a writer: create a unit, change it twice, make several at once, begin again.
pub fn next(writer: &str, before: &[(Sent, Value)]) -> Sent {
    let n = before.len();
    let key = format!("{writer}-n{n}");
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

/// Sends it; status, body, and whether the answer is that of an earlier time.
pub async fn send(client: &Client, sent: &Sent) -> Result<(u16, Value, bool), reqwest::Error> {
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

/// A replica as its writers know it.
struct Replica {
    client: Mutex<Client>,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
}

/// Writers at work.
pub struct Load {
    replicas: Arc<Vec<Replica>>,
    ends: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Ledger>>,
}

impl Load {
    /// Starts this number of writers. Each turns to the next replica when one does not acknowledge.
    pub fn start(clients: &[Client], writers: usize, name: &str) -> Self {
        let replica = |client: &Client| Replica {
            client: Mutex::new(client.clone()),
            acknowledged: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        };
        let replicas = Arc::new(clients.iter().map(replica).collect::<Vec<_>>());
        let ends = Arc::new(AtomicBool::new(false));
        let writers = (0..writers)
            .map(|n| {
                let writer = format!("{name}-w{n}");
                tokio::spawn(write(Arc::clone(&replicas), Arc::clone(&ends), writer, n))
            })
            .collect();
        Self {
            replicas,
            ends,
            writers,
        }
    }

    /// A replica was started again elsewhere.
    pub fn moved(&self, replica: usize, client: Client) {
        *self.replicas[replica].client.lock().unwrap() = client;
    }

    /// Number of acknowledged requests.
    pub fn acknowledged(&self) -> usize {
        let count = |r: &Replica| r.acknowledged.load(Ordering::SeqCst);
        self.replicas.iter().map(count).sum()
    }

    /// Number of requests that were refused or not answered.
    pub fn refused(&self) -> usize {
        let count = |r: &Replica| r.refused.load(Ordering::SeqCst);
        self.replicas.iter().map(count).sum()
    }

    /// Waits until this number of requests was acknowledged.
    pub async fn reach(&self, number: usize) {
        self.until("acknowledges enough", || self.acknowledged() >= number)
            .await;
    }

    /// Waits until nothing is acknowledged: as many requests are refused as there are writers.
    pub async fn is_refused(&self) {
        let enough = self.refused() + self.writers.len();
        self.until("refuses", || self.refused() >= enough).await;
    }

    /// Waits until every replica acknowledges again.
    pub async fn goes_on(&self) {
        for (n, replica) in self.replicas.iter().enumerate() {
            let before = replica.acknowledged.load(Ordering::SeqCst);
            let what = format!("at {n} goes on");
            self.until(&what, || {
                replica.acknowledged.load(Ordering::SeqCst) > before
            })
            .await;
        }
    }

    async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "no replica {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the writers; what they know.
    pub async fn end(self) -> Vec<Ledger> {
        self.ends.store(true, Ordering::SeqCst);
        let mut ledgers = Vec::new();
        for writer in self.writers {
            ledgers.push(writer.await.unwrap());
        }
        ledgers
    }
}

async fn write(
    replicas: Arc<Vec<Replica>>,
    ends: Arc<AtomicBool>,
    writer: String,
    mut at: usize,
) -> Ledger {
    let mut ledger = Ledger::default();
    while !ends.load(Ordering::SeqCst) {
        let sent = next(&writer, &ledger.acknowledged);
        loop {
            let replica = &replicas[at % replicas.len()];
            let client = replica.client.lock().unwrap().clone();
            match send(&client, &sent).await {
                Ok((status, answer, _)) if (200..300).contains(&status) => {
                    ledger.acknowledged.push((sent, answer));
                    replica.acknowledged.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                // A refusal says what is known, and how to go on.
                Ok((status, problem, _)) => {
                    let code = problem["code"].as_str().unwrap_or_default();
                    assert!(
                        status == 503 && ["unavailable", "outcome_unknown"].contains(&code),
                        "{sent:?} was refused: {status} {problem}"
                    );
                }
                Err(_) => {}
            }
            replica.refused.fetch_add(1, Ordering::SeqCst);
            if ends.load(Ordering::SeqCst) {
                ledger.open = Some(sent);
                return ledger;
            }
            at += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Each replica in turn, so that all are known to go on.
        at += 1;
    }
    ledger
}

/// The records in an answer.
fn records(answer: &Value) -> Vec<&Value> {
    match answer["results"].as_array() {
        Some(results) => results.iter().map(|r| &r["record"]).collect(),
        None => vec![answer],
    }
}

/// What is wrong; nothing if all is well. `before` is the number of journal entries before the
/// writers began. Requests whose end is not known are repeated, so that it is known afterwards.
pub async fn faults(
    database: &Database,
    client: &Client,
    before: usize,
    ledgers: &[Ledger],
) -> Vec<String> {
    let (mut found, _) = verified(database);
    lost(database, client, ledgers, &mut found).await;
    for ledger in ledgers {
        if let Some(sent) = &ledger.open {
            half_done(client, sent, &mut found).await;
        }
    }
    let made = |ledger: &Ledger| {
        let acknowledged = ledger.acknowledged.iter().map(|(sent, _)| sent);
        let all = acknowledged.chain(&ledger.open);
        all.map(Sent::entries).sum::<usize>()
    };
    let expected = before + ledgers.iter().map(made).sum::<usize>();
    let (after, entries) = verified(database);
    found.extend(after);
    if entries != expected {
        found.push(format!(
            "the journal has {entries} entries, and {expected} were asked for"
        ));
    }
    found.sort();
    found.dedup();
    found
}

/// What `stride verify` finds, and the number of entries.
fn verified(database: &Database) -> (Vec<String>, usize) {
    let output = run(database, &["verify"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = text
        .lines()
        .find_map(|line| line.split_once(" entries,")?.0.parse().ok());
    let faults = if output.status.success() {
        Vec::new()
    } else {
        vec![format!("verify finds faults:\n{text}")]
    };
    (faults, count.unwrap_or_default())
}

/// Every acknowledged version is in the journal as it was acknowledged, and no record is behind it.
async fn lost(database: &Database, client: &Client, ledgers: &[Ledger], found: &mut Vec<String>) {
    let current: HashMap<String, Value> = client
        .all("/api/v1/units")
        .await
        .into_iter()
        .map(|unit| (unit["id"].as_str().unwrap().to_owned(), unit))
        .collect();
    let mut conn = database.connect();
    let acknowledged = ledgers.iter().flat_map(|l| &l.acknowledged);
    for (key, record) in acknowledged.flat_map(|(sent, answer)| {
        let all = records(answer);
        all.into_iter().map(|record| (&sent.key, record))
    }) {
        let id = record["id"].as_str().unwrap();
        let version = record["version"].as_i64().unwrap();
        let entry = store::version(&mut conn, id.parse().unwrap(), version).unwrap();
        let snapshot = entry.and_then(|entry| entry.snapshot);
        let snapshot: Option<Value> = snapshot.map(|s| serde_json::from_str(&s).unwrap());
        if snapshot.is_none() {
            found.push(format!(
                "{key} was acknowledged and is lost from the journal"
            ));
        }
        for field in ["reference", "title", "description"] {
            if snapshot.as_ref().is_some_and(|s| s[field] != record[field]) {
                found.push(format!("{key} is not as it was acknowledged: {field}"));
            }
        }
        let Some(now) = current.get(id) else {
            found.push(format!("{key} was acknowledged and its record is lost"));
            continue;
        };
        let is_behind = now["version"].as_i64().unwrap() < version;
        if is_behind || now["version"] == record["version"] && now != record {
            found.push(format!("{key} was acknowledged and its record differs"));
        }
    }
    for unit in current.values() {
        if unit["title"] != unit["description"] {
            found.push(format!("half of a change is there: {}", unit["title"]));
        }
    }
}

/// The write that nobody heard of again is there whole or not at all, and sending it once more
/// makes it be there once.
async fn half_done(client: &Client, sent: &Sent, found: &mut Vec<String>) {
    let key = &sent.key;
    if sent.is_bulk() {
        let list = format!("/api/v1/units?title={key}&include_total=true");
        let total = client.get(&list).await.1["total"].as_u64().unwrap() as usize;
        if total != 0 && total != BULK {
            found.push(format!("{total} of {BULK} records of {key} are there"));
        }
    }
    let first = send(client, sent).await.unwrap();
    if !(200..300).contains(&first.0) {
        found.push(format!("a repeat of {key} was refused: {first:?}"));
        return;
    }
    let second = send(client, sent).await.unwrap();
    if (second.0, &second.1) != (first.0, &first.1) || !second.2 {
        found.push(format!("{key} was carried out twice: {first:?} {second:?}"));
    }
}

/// Nothing is wrong; how many entries the journal has now.
pub async fn assert_nothing_lost(
    database: &Database,
    client: &Client,
    before: usize,
    ledgers: &[Ledger],
) -> usize {
    let found = faults(database, client, before, ledgers).await;
    assert!(found.is_empty(), "{}", found.join("\n"));
    let acknowledged: usize = ledgers.iter().map(|l| l.acknowledged.len()).sum();
    assert!(acknowledged > 0, "nothing was acknowledged");
    verified(database).1
}

/// Waits until a replica says that it is ready.
pub async fn is_ready(client: &Client) {
    let began = Instant::now();
    while ready(client).await != Some(200) {
        assert!(began.elapsed() < PATIENCE, "it does not become ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ready(client: &Client) -> Option<u16> {
    let answer = client.request(Method::GET, "/readyz").send().await.ok()?;
    Some(taken(answer).await.0)
}
