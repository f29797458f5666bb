//! Jobs: loads that run beside requests, in small parts or all at once.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use stride::access::tokens::Subject;
use stride::db::store::Side;
use stride::engine::{Outcome, Write};
use stride::jobs::{JobMode, queued};
use stride::policy::Role;
use uuid::Uuid;

use crate::access::{PASSWORD, person, sign_in};
use crate::support::Backend;
use crate::support::client::{Client, Reply};
use crate::support::maker::{Made, kind};
use crate::support::{TestApp, client::JSON, some};

const PATH: &str = "/api/v1/jobs";
/// So many that a job is still under way when it is asked after, however fast the machine.
const MANY: usize = 20_000;

fn unit(n: usize) -> Value {
    json!({ "kind": "unit", "op": "create", "record": { "reference": format!("JOB-{n}"), "title": format!("Unit {n}"), "unit_kind": "unit" } })
}

fn units(count: usize) -> Value {
    json!({ "operations": (0..count).map(unit).collect::<Vec<_>>() })
}

/// Operations of which the first and the last are good.
fn mixed() -> Value {
    json!({ "operations": [
        unit(1),
        { "kind": "unit", "op": "create", "record": { "title": "No kind", "colour": "red" } },
        { "kind": "board", "op": "restore", "id": crate::access::nobody() },
        { "kind": "unit", "op": "withdraw", "id": crate::access::nobody() },
        unit(1),
        unit(2),
    ] })
}

async fn start(client: &Client, query: &str, body: &Value) -> String {
    let reply = client.post(&format!("{PATH}{query}"), body).await;
    let job = reply.status(202).json();
    assert_eq!(
        reply.header("location"),
        format!("{PATH}/{}", job["id"].as_str().expect("an id"))
    );
    assert_eq!(
        (&job["state"], &job["done"], &job["errors"]),
        (&json!("queued"), &json!(0), &json!([]))
    );
    reply.header("location").to_owned()
}

/// Asks until it is so.
async fn until(client: &Client, job: &str, so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let now = client.get(job).await.status(200).json();
        if so(&now) {
            return now;
        }
    }
}

pub async fn ended(client: &Client, job: &str) -> Value {
    until(client, job, |j| !j["finished_at"].is_null()).await
}

/// Waits until some of it is done, and more is to come.
async fn under_way(client: &Client, job: &str) {
    let now = until(client, job, |j| j["done"].as_i64() > Some(0)).await;
    assert_eq!(now["state"], "running", "{now:#}");
}

async fn count(client: &Client) -> i64 {
    let page = client
        .get("/api/v1/units?limit=1&include_total=true")
        .await
        .status(200)
        .json();
    page["total"].as_i64().expect("a total")
}

/// An account of its own with a role, and its grant.
async fn someone(app: &TestApp, login: &str, role: Role) -> (Client, Made, Made) {
    let (account, grant) = person(app, login, role).await;
    let token = sign_in(app, login, PASSWORD).await.status(200).json();
    (
        app.client
            .with_token(token["access_token"].as_str().expect("a token")),
        account,
        grant,
    )
}

fn indices(job: &Value) -> Vec<(i64, &str)> {
    let errors = job["errors"].as_array().expect("errors").iter();
    errors
        .map(|e| {
            (
                e["index"].as_i64().expect("an index"),
                e["problem"]["code"].as_str().expect("a code"),
            )
        })
        .collect()
}

/// More than a bulk call takes: done in parts, each journalled under the request that asked for it.
async fn a_job_does_what_it_was_given(app: TestApp) {
    let client = app.role(Role::Administrator);
    let ask = client
        .ask("POST", &format!("{PATH}?reason=Moved+from+the+old+system"))
        .header("x-request-id", "the-load");
    let reply = ask.json(&units(1_250)).send().await;
    reply.status(202);
    let job = ended(&client, reply.header("location")).await;
    for (field, value) in [
        ("state", json!("succeeded")),
        ("total", json!(1_250)),
        ("done", json!(1_250)),
        ("failed", json!(0)),
        ("request_id", json!("the-load")),
        ("failure", Value::Null),
    ] {
        assert_eq!(job[field], value, "{field}");
    }
    assert!(
        job["created_at"].as_str() <= job["started_at"].as_str()
            && job["started_at"].as_str() <= job["finished_at"].as_str()
    );
    assert_eq!(count(&client).await, 1_250);
    let first = client.items("/api/v1/units?reference=JOB-0").await[0].clone();
    let history = client
        .items(&format!(
            "/api/v1/units/{}/history",
            first["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(history[0]["reason"], "Moved from the old system");
    let journal = client.items("/api/v1/journal?limit=200").await;
    assert!(
        journal
            .iter()
            .filter(|e| e["request_id"] == "the-load")
            .count()
            > 100
    );
    // What is done cannot be cancelled.
    client
        .post(&format!("{}/cancel", reply.header("location")), &json!({}))
        .await
        .problem("conflict");
}

/// A refused operation is named by its place; the others stand, unless all hang together.
async fn a_refused_operation_is_named(app: TestApp) {
    let client = app.role(Role::Administrator);
    let wanted = vec![
        (1, "invalid_body"),
        (2, "forbidden"),
        (3, "invalid_body"),
        (4, "reference_taken"),
    ];
    let tried = ended(&client, &start(&client, "?dry_run=true", &mixed()).await).await;
    assert_eq!(
        (
            &tried["state"],
            &tried["done"],
            &tried["failed"],
            &tried["dry_run"]
        ),
        (
            &json!("partly_succeeded"),
            &json!(6),
            &json!(4),
            &json!(true)
        )
    );
    assert_eq!(indices(&tried), wanted);
    let all = ended(&client, &start(&client, "?mode=atomic", &mixed()).await).await;
    assert_eq!(
        (&all["state"], &all["failure"], &all["done"], &all["failed"]),
        (&json!("failed"), &json!("refused"), &json!(0), &json!(1))
    );
    assert_eq!(indices(&all), wanted[..1]);
    assert!(
        all["detail"]
            .as_str()
            .is_some_and(|d| d.starts_with("operation 1: ")),
        "{all:#}"
    );
    assert_eq!(count(&client).await, 0, "neither wrote anything");
    let each = ended(&client, &start(&client, "", &mixed()).await).await;
    assert_eq!(
        (&each["state"], &each["done"], &each["failed"]),
        (&json!("partly_succeeded"), &json!(6), &json!(4))
    );
    assert_eq!(indices(&each), wanted);
    let faults = each["errors"][0]["problem"]["errors"]
        .as_array()
        .expect("faults");
    assert!(
        faults.iter().any(|f| f["pointer"] == "/record/colour"),
        "{faults:?}"
    );
    assert_eq!(count(&client).await, 2);
    let good = json!({ "operations": [unit(3), unit(4)] });
    let all = ended(&client, &start(&client, "?mode=atomic", &good).await).await;
    assert_eq!(
        (&all["state"], &all["done"]),
        (&json!("succeeded"), &json!(2))
    );
    assert_eq!(count(&client).await, 4);
    // Many refusals are counted, the first hundred told.
    let many = json!({ "operations": vec![unit(1); 450] });
    let many = ended(&client, &start(&client, "", &many).await).await;
    assert_eq!((&many["done"], &many["failed"]), (&json!(450), &json!(450)));
    assert_eq!(
        (&many["state"], &many["failure"]),
        (&json!("failed"), &json!("refused"))
    );
    assert_eq!(many["errors"].as_array().map(Vec::len), Some(100));
}

/// Cancelled, on PostgreSQL at another replica: what is done stands, nothing is added.
async fn a_cancelled_job_changes_nothing_more(app: TestApp) {
    let client = app.role(Role::Administrator);
    // A second process on one SQLite file waits for the file's lock, and would be tried for its
    // luck alone.
    let replica = if app.backend == Backend::Postgres {
        Some(app.replica().await)
    } else {
        None
    };
    let there = replica.as_ref().unwrap_or(&app).role(Role::Administrator);
    let job = start(&client, "", &units(MANY)).await;
    under_way(&there, &job).await;
    let cancelled = there
        .post(&format!("{job}/cancel"), &json!({}))
        .await
        .status(200)
        .json();
    assert_eq!(cancelled["state"], "cancelled");
    let done = cancelled["done"].as_i64().expect("a number");
    assert!(0 < done && done < MANY as i64 && !cancelled["finished_at"].is_null());
    // The next job begins when this one has let go.
    let next = json!({ "operations": [{ "kind": "unit", "op": "create", "record": { "title": "Last", "unit_kind": "unit" } }] });
    ended(&client, &start(&client, "", &next).await).await;
    assert_eq!(client.get(&job).await.json(), cancelled);
    assert_eq!(there.get(&job).await.json(), cancelled);
    assert_eq!(count(&client).await, done + 1);
    there
        .post(&format!("{job}/cancel"), &json!({}))
        .await
        .problem("conflict");
    if let Some(replica) = &replica {
        replica.stop().await;
    }
}

/// One that still waits never begins.
async fn a_job_that_waits_can_be_cancelled(app: TestApp) {
    let client = app.role(Role::Administrator);
    let first = start(&client, "", &units(MANY)).await;
    let second = start(
        &client,
        "?mode=atomic",
        &json!({ "operations": [unit(MANY)] }),
    )
    .await;
    let cancelled = client
        .post(&format!("{second}/cancel"), &json!({}))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&cancelled["state"], &cancelled["started_at"]),
        (&json!("cancelled"), &Value::Null)
    );
    client
        .post(&format!("{first}/cancel"), &json!({}))
        .await
        .status(200);
    ended(
        &client,
        &start(
            &client,
            "",
            &json!({ "operations": [{ "kind": "unit", "op": "restore", "id": Uuid::nil() }] }),
        )
        .await,
    )
    .await;
    assert_eq!(
        client
            .items(&format!("/api/v1/units?reference=JOB-{MANY}"))
            .await
            .len(),
        0
    );
}

/// What is revoked while a job runs it may no more.
async fn a_revocation_takes_effect_in_the_middle_of_a_job(app: TestApp) {
    let (owner, account, grant) = someone(&app, "service.owner", Role::Administrator).await;
    let job = start(&owner, "", &units(MANY)).await;
    under_way(&owner, &job).await;
    app.keeper(kind("grant"))
        .delete(&grant.path, &grant.etag)
        .await
        .status(200);
    let job = ended(&owner, &job).await;
    let (done, failed) = (
        job["done"].as_i64(),
        job["failed"].as_i64().expect("a number"),
    );
    assert_eq!(
        (&job["state"], done),
        (&json!("partly_succeeded"), Some(MANY as i64))
    );
    assert!(0 < failed && failed < MANY as i64, "{failed}");
    let admin = app.role(Role::Administrator);
    assert_eq!(count(&admin).await, MANY as i64 - failed);
    assert_eq!(job["errors"][0]["problem"]["code"], "forbidden");
    assert_eq!(job["errors"][0]["index"], MANY as i64 - failed);
    // Without its account a job ends.
    let job = start(&owner, "", &units(MANY)).await;
    under_way(&owner, &job).await;
    app.keeper(kind("account"))
        .patch(
            &account.path,
            &account.etag,
            &json!({ "status": "disabled" }),
        )
        .await
        .status(200);
    let job = ended(&admin, &job).await;
    assert_eq!(
        (&job["state"], &job["failure"]),
        (&json!("failed"), &json!("refused"))
    );
    assert!(job["done"].as_i64() < Some(MANY as i64));
}

/// A job is its owner's; administrators may end it, auditors see it, for others it is not there.
async fn a_job_belongs_to_its_owner(app: TestApp) {
    let (owner, account, _) = someone(&app, "service.owner", Role::Administrator).await;
    let (other, ..) = someone(&app, "another.lead", Role::StrategyManager).await;
    let (auditor, ..) = someone(&app, "audit.lead", Role::Auditor).await;
    let (admin, ..) = someone(&app, "another.owner", Role::Administrator).await;
    let job = start(&owner, "", &mixed()).await;
    let whole = ended(&owner, &job).await;
    assert_eq!(whole["owner_id"], account.id_text());
    other.get(&job).await.problem("not_found");
    other
        .post(&format!("{job}/cancel"), &json!({}))
        .await
        .problem("not_found");
    assert_eq!(other.items(PATH).await, [Value::Null; 0]);
    assert_eq!(
        auditor.get(&job).await.status(200).json(),
        whole,
        "cleared for everything"
    );
    auditor
        .post(&format!("{job}/cancel"), &json!({}))
        .await
        .problem("forbidden");
    let seen = admin.get(&job).await.status(200).json();
    assert_eq!(
        (&seen["failed"], &seen["errors"]),
        (&whole["failed"], &json!([])),
        "not cleared for what was refused"
    );
    let long = start(&owner, "", &units(MANY)).await;
    admin
        .post(&format!("{long}/cancel"), &json!({}))
        .await
        .status(200);
    assert_eq!(ended(&owner, &long).await["state"], "cancelled");
    let own = start(&admin, "", &mixed()).await;
    for (client, jobs) in [
        (&owner, vec![&own, &long, &job]),
        (&auditor, vec![&own, &long, &job]),
    ] {
        let listed: Vec<String> = client
            .items(PATH)
            .await
            .iter()
            .map(|j| format!("{PATH}/{}", j["id"].as_str().expect("an id")))
            .collect();
        assert_eq!(listed.iter().collect::<Vec<_>>(), jobs);
    }
    let first = owner.get(&format!("{PATH}?limit=2")).await;
    let cursor = first.status(200).json()["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    assert!(first.header("link").contains(&cursor));
    let rest = owner
        .get(&format!("{PATH}?limit=2&cursor={cursor}"))
        .await
        .status(200)
        .json();
    assert_eq!(
        (&rest["items"][0]["id"], &rest["next_cursor"]),
        (&whole["id"], &Value::Null)
    );
    owner
        .get(&format!("{PATH}?cursor=x"))
        .await
        .problem_at("invalid_query", "?cursor");
}

/// A job whose process is gone ends where it was, and stays so.
async fn a_job_whose_process_died_is_interrupted(app: TestApp) {
    let ago = Utc::now() - TimeDelta::hours(1);
    let mut ids = Vec::new();
    for (mode, state, done) in [
        (JobMode::Each, "running", 400),
        (JobMode::Atomic, "running", 0),
        (JobMode::Each, "queued", 0),
    ] {
        let id = Uuid::now_v7();
        let mut row = queued(id, app.operator(), "the-load", mode, false, 2_000, ago);
        (row.state, row.done) = (state.into(), done);
        let store = app
            .service
            .engine
            .write(Write::system(Uuid::nil(), "test"), move |txn| {
                txn.beside(Side::Job(row));
                Ok(Outcome::default())
            });
        store.await.expect("it is stored");
        ids.push((id, done));
    }
    let next = app.replica().await;
    let client = next.role(Role::Administrator);
    for (id, done) in some(ids) {
        let job = client.get(&format!("{PATH}/{id}")).await.status(200).json();
        assert_eq!(
            (&job["state"], &job["failure"], &job["done"]),
            (&json!("failed"), &json!("interrupted"), &json!(done))
        );
        let detail = job["detail"].as_str().unwrap_or_default();
        assert!(
            if job["mode"] == "each" {
                detail.contains(&done.to_string())
            } else {
                detail.contains("nothing was changed")
            },
            "{detail}"
        );
        client
            .post(&format!("{PATH}/{id}/cancel"), &json!({}))
            .await
            .problem("conflict");
    }
    next.stop().await;
}

/// A service that stops stops its jobs between two parts, and says so.
async fn a_service_that_stops_ends_its_jobs(app: TestApp) {
    let first = app.replica().await;
    let client = first.role(Role::Administrator);
    let (running, waiting) = (
        start(&client, "", &units(MANY)).await,
        start(&client, "", &units(3)).await,
    );
    under_way(&client, &running).await;
    first.jobs.stop();
    let job = client.get(&running).await.status(200).json();
    assert_eq!(
        (&job["state"], &job["failure"]),
        (&json!("failed"), &json!("interrupted"))
    );
    assert_eq!(Some(count(&client).await), job["done"].as_i64());
    let job = client.get(&waiting).await.status(200).json();
    assert_eq!(
        (&job["failure"], &job["done"], &job["started_at"]),
        (&json!("interrupted"), &json!(0), &Value::Null)
    );
    first.stop().await;
}

/// The same request under the same key is the same job.
async fn a_repeated_request_makes_one_job(app: TestApp) {
    let client = app.role(Role::Administrator);
    let send = |body: Value| {
        client
            .ask("POST", PATH)
            .header("idempotency-key", "k")
            .json(&body)
            .send()
    };
    let first = send(units(3)).await;
    first.status(202);
    ended(&client, first.header("location")).await;
    let again = send(units(3)).await;
    assert_eq!(
        (again.status(202).json(), again.header("location")),
        (first.json(), first.header("location"))
    );
    assert_eq!(again.header("idempotency-replayed"), "true");
    send(units(4)).await.problem("idempotency_key_reused");
    assert_eq!(
        (client.items(PATH).await.len(), count(&client).await),
        (1, 3)
    );
}

/// What a job may be, and how many there may be.
async fn a_job_has_limits(app: TestApp) {
    let small = TestApp::on(std::sync::Arc::clone(&app.store), app.backend, |c| {
        c.serving.job_limit = 20_000
    })
    .await;
    let client = small.role(Role::Administrator);
    let refused = |reply: Reply, code: &str| reply.problem(code);
    refused(client.post(PATH, &units(1_000)).await, "payload_too_large");
    let pieces = units(1_000).to_string().into_bytes();
    refused(
        client.ask("POST", PATH).body(JSON, pieces).send().await,
        "payload_too_large",
    );
    let client = app.role(Role::Administrator);
    for query in ["?mode=atomic", "?dry_run=true"] {
        client
            .post(&format!("{PATH}{query}"), &units(MANY + 1))
            .await
            .problem_at("invalid_body", "/operations");
    }
    client
        .post(
            PATH,
            &json!({ "operations": [unit(1), { "kind": "unicorn", "op": "create" }] }),
        )
        .await
        .problem_at("invalid_body", "/operations/1/kind");
    client
        .post(&format!("{PATH}?mode=both"), &units(1))
        .await
        .problem_at("invalid_query", "?mode");
    client
        .ask("POST", PATH)
        .body(JSON, "[]")
        .send()
        .await
        .problem("malformed_body");
    let reader = app.with(&Subject {
        account: app.operator(),
        client_id: "tests".into(),
        read_only: true,
        acting_as: None,
    });
    reader.post(PATH, &units(1)).await.problem("forbidden");
    assert_eq!(
        (count(&client).await, client.items(PATH).await.len()),
        (0, 0),
        "none of them was taken"
    );
    // Places are given back.
    let mut places: Vec<_> = (0..4)
        .map(|_| app.jobs.reserve(app.operator()).expect("a place"))
        .collect();
    let full = client.post(PATH, &units(1)).await;
    full.problem("too_many_requests");
    assert_eq!(full.header("retry-after"), "5");
    places.extend((0..4).map(|_| app.jobs.reserve(Uuid::nil()).expect("a place")));
    let (other, ..) = someone(&app, "service.owner", Role::Administrator).await;
    other.post(PATH, &units(1)).await.problem("unavailable");
    places.clear();
    ended(&other, &start(&other, "", &units(1)).await).await;
    small.stop().await;
}

on_both!(
    a_job_does_what_it_was_given,
    a_refused_operation_is_named,
    a_cancelled_job_changes_nothing_more,
    a_job_that_waits_can_be_cancelled,
    a_revocation_takes_effect_in_the_middle_of_a_job,
    a_job_belongs_to_its_owner,
    a_job_whose_process_died_is_interrupted,
    a_service_that_stops_ends_its_jobs,
    a_repeated_request_makes_one_job,
    a_job_has_limits
);
