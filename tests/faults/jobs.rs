//! A process that ends in the middle of a job: what the job did stands, and the next process says
//! how much that is.

use serde_json::{Value, json};

use crate::cluster::{Backend, Database};
use crate::server::{Client, Server, assert_sound};

/// So many that the job is still under way when the process ends.
const MANY: usize = 20_000;

async fn ended(backend: Backend, end: impl Fn(&mut Server), is_counted_by_the_next: bool) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let before = assert_sound(&database);
    let operations: Vec<Value> = (0..MANY)
        .map(|n| json!({ "kind": "unit", "op": "create", "record": { "reference": format!("JOB-{n}"), "title": "Loaded", "unit_kind": "unit" } }))
        .collect();
    let (status, job) = client
        .post("/api/v1/jobs", &json!({ "operations": operations }))
        .await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    while client.get(&path).await.1["done"] == 0 {}
    end(&mut server);
    let metrics = crate::watched::free();
    let server = Server::with(&database, &[("STRIDE_METRICS_BIND", &metrics)]);
    let client = client.at(&server);
    let (_, job) = client.get(&path).await;
    assert_eq!(
        (&job["state"], &job["failure"]),
        (&json!("failed"), &json!("interrupted")),
        "{job:#}"
    );
    // Each job is counted once: by the process that ends it, or else by the next.
    let counted = crate::watched::metrics(&metrics).await;
    let failed = counted["stride_jobs_finished_total{state=\"failed\"}"];
    assert_eq!(failed == 1.0, is_counted_by_the_next, "{failed}");
    let done = usize::try_from(job["done"].as_u64().unwrap()).unwrap();
    assert!(0 < done && done < MANY, "{done}");
    assert_eq!(assert_sound(&database), before + done);
    // What was cut off goes on from there.
    let rest = json!({ "operations": operations[done..done + 10] });
    let (_, next) = client.post("/api/v1/jobs", &rest).await;
    let path = format!("/api/v1/jobs/{}", next["id"].as_str().unwrap());
    let next = loop {
        let (_, next) = client.get(&path).await;
        if !next["finished_at"].is_null() {
            break next;
        }
    };
    assert_eq!(
        (&next["state"], &next["failed"]),
        (&json!("succeeded"), &json!(0)),
        "{next:#}"
    );
}

fn terminated(server: &mut Server) {
    server.terminate();
    let status = server.wait();
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test]
async fn a_process_told_to_stop_ends_its_job_between_two_parts_on_sqlite() {
    ended(Backend::Sqlite, terminated, false).await;
}

#[tokio::test]
async fn a_process_told_to_stop_ends_its_job_between_two_parts_on_postgres() {
    ended(Backend::Postgres, terminated, false).await;
}

/// On PostgreSQL the same is said once the process has been silent for a minute.
#[tokio::test]
async fn a_killed_process_leaves_its_job_where_it_was_on_sqlite() {
    ended(Backend::Sqlite, Server::kill, true).await;
}
