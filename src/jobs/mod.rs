//! Jobs: loads too large for one request. Taken at once, run beside requests, asked after, cancelled.
//!
//! What a job is given lies in the memory of the process that took it; how far it has come lies in the database, where every replica
//! sees it. A job whose process died is shown as interrupted, with how much of it stands.

mod load;
mod runner;
mod state;

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::access::Caller;
use crate::db::store::{self, JobRow, Side};
use crate::engine::JOB_DAYS;
use crate::http::operation::{Access, Operation, id_parameter, query, schema_ref};
use crate::http::query::invalid;
use crate::http::resource::{BASE, idempotency, reason};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::world::schema::{self, Schemas, add_answer};
use crate::world::seen::Clearance;

pub use runner::Jobs;
use runner::Waiting;
pub use state::{Job, JobMode, queued};
use state::{JobState, end, is_open};

/// Operations in a job that is one transaction: while it runs, others wait.
const MOST_AT_ONCE: usize = 20_000;

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    load::schemas(schemas);
    add_answer::<Job>(schemas);
    schemas.insert("JobPage".into(), schema::page(&schema_ref("Job")));
}

/// The operations of this module.
#[must_use]
pub fn operations(jobs: &Arc<Jobs>) -> Vec<Operation> {
    let example = json!({ "operations": [
        { "kind": "unit", "op": "create", "record": { "name": "Corporate services", "unit_kind": "unit" } },
        { "kind": "unit", "op": "restore", "id": "019abcde-0000-7000-8000-000000000001" },
    ] });
    vec![
        Operation::holding("POST", "/api/v1/jobs", "createJob", Access::Authenticated, jobs, create)
            .says("Jobs", "Load many records of any kind", &format!(
                "Up to {} operations, in order, beside other requests: 202 says where to ask how far it is. With `mode=each`, the default, operations are committed in small parts and each stands alone; with `mode=atomic` they are all or nothing. An atomic job and a dry run take at most {MOST_AT_ONCE} operations: other changes wait while they run. The body is at most 32 MiB unless the service is set up otherwise. Permissions are those of each operation, by the grants that the account holds when its turn comes. The journal's entries carry the request id of this request. Four jobs of an account may wait or run at a process.",
                load::MOST,
            ))
            .takes([
                idempotency(),
                reason(),
                query("mode", "`each`: every operation for itself. `atomic`: all or nothing.", json!({ "type": "string", "enum": ["each", "atomic"], "default": "each" })),
                query("dry_run", "Check everything, change nothing.", json!({ "type": "boolean", "default": false })),
            ])
            .body(&["application/json"], schema_ref("JobInput"), example)
            .streamed()
            .answers(202, "The job, with `Location`.", schema_ref("Job"))
            .refuses(&[Code::Forbidden, Code::InvalidHeader, Code::IdempotencyKeyReused]),
        Operation::new("GET", "/api/v1/jobs", "listJobs", Access::Authenticated, list)
            .says("Jobs", "List jobs", &format!("The caller's own, youngest first; administrators and auditors see all. Finished ones are kept for {JOB_DAYS} days."))
            .takes([
                page::limit_parameter("Jobs"),
                query("cursor", "`next_cursor` of the page before.", json!({ "type": "string", "format": "uuid", "maxLength": 36 })),
            ])
            .answers(200, "A page of jobs.", schema_ref("JobPage")),
        Operation::new("GET", "/api/v1/jobs/{id}", "getJob", Access::Authenticated, get)
            .says("Jobs", "How far a job is", "For the account that asked for it, administrators and auditors; for others it is not there.")
            .takes([id_parameter("job")])
            .answers(200, "The job.", schema_ref("Job")),
        Operation::new("POST", "/api/v1/jobs/{id}/cancel", "cancelJob", Access::Authenticated, cancel)
            .says("Jobs", "Cancel a job", "For the account that asked for it and administrators. Once it is answered the job changes nothing more; what is done stands, and an atomic job has changed nothing.")
            .takes([id_parameter("job"), idempotency()])
            .answers(200, "The cancelled job.", schema_ref("Job"))
            .refuses(&[Code::Forbidden, Code::Conflict, Code::InvalidHeader, Code::IdempotencyKeyReused]),
    ]
}

fn sees_all(caller: &Caller) -> bool {
    caller.may(Subject::Access, Act::Read)
}

/// The job as this caller may see it; to others it does not exist.
fn seen(row: Option<JobRow>, caller: &Caller) -> Result<Job, Problem> {
    let row = row.ok_or_else(Problem::not_found)?;
    let owns = row.owner_id.0 == caller.account;
    if !owns && !sees_all(caller) {
        return Err(Problem::not_found());
    }
    let mut job = Job::of(&row)?;
    // What was refused may speak of marked records, which the owner may know of.
    if !owns && caller.clearance() != Clearance::All {
        job.errors.clear();
        job.detail = None;
    }
    Ok(job)
}

async fn create(mut call: Call, jobs: Arc<Jobs>) -> Result<Answer, Problem> {
    let caller = call.caller()?;
    caller.require_write()?;
    let owner = caller.account;
    let dry_run = call.query.flag("dry_run")?;
    let mode = match call.query.get("mode") {
        None | Some("each") => JobMode::Each,
        Some("atomic") => JobMode::Atomic,
        Some(_) => return Err(invalid("mode", "must be each or atomic")),
    };
    let slot = jobs.reserve(owner)?;
    let body = call
        .stream
        .take()
        .ok_or_else(|| Problem::internal("a job without a body"))?;
    call.body = body.whole(call.service.config.serving.job_limit).await?;
    let body = call.body.clone();
    let operations = actix_web::web::block(move || load::operations(&body))
        .await
        .map_err(Problem::internal)??;
    let total = operations.len();
    if total > MOST_AT_ONCE && (dry_run || mode == JobMode::Atomic) {
        let detail =
            format!("an atomic job or a dry run has at most {MOST_AT_ONCE} operations; split it");
        return Err(Problem::field(
            Code::InvalidBody,
            "/operations",
            "max_items",
            detail,
        ));
    }
    let write = call.write()?;
    let job = Waiting {
        who: call.who()?,
        request_id: write.request_id.clone(),
        reason: write.reason.clone(),
        mode,
        dry_run,
        operations,
        slot,
    };
    let (id, service, request_id) = (
        job.slot.id,
        Arc::clone(&call.service),
        write.request_id.clone(),
    );
    let location = format!("{BASE}/jobs/{id}");
    let address = location.clone();
    // On its own: a caller who goes away now must not leave a job behind that nobody runs.
    let taken = actix_web::rt::spawn(async move {
        let stored = service.engine.write(write, move |txn| {
            let row = queued(id, owner, &request_id, mode, dry_run, total, txn.now());
            let answer = Answer::of(202, &Job::of(&row)?)?.header("Location", address);
            txn.beside(Side::Job(row));
            Ok(answer.into())
        });
        let outcome = stored.await?;
        // A repeated request is answered with the job that the first one made.
        if outcome
            .headers
            .iter()
            .any(|(name, value)| name == "Location" && *value == location)
        {
            jobs.submit(job);
        }
        Ok(outcome)
    });
    taken.await.map_err(Problem::internal)?.map(Answer::from)
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let limit = page::limit(&call.query)?;
    let before = call
        .query
        .value::<Uuid>("cursor", "the next_cursor of the page before")?;
    let before = before.unwrap_or(Uuid::max());
    let caller = call.caller()?;
    let owner = (!sees_all(caller)).then_some(caller.account);
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let mut rows = call
        .service
        .engine
        .read(move |c| store::jobs_before(c, owner, before, take))
        .await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|r| r.id.0.to_string());
    let items: Vec<Job> = rows
        .into_iter()
        .map(|r| seen(Some(r), caller))
        .collect::<Result<_, _>>()?;
    let answer = Answer::of(
        200,
        &json!({ "items": items, "next_cursor": next, "total": null }),
    )?;
    Ok(match next {
        Some(cursor) => answer.header("Link", page::next_link(&call, &cursor)),
        None => answer,
    })
}

async fn get(call: Call) -> Result<Answer, Problem> {
    let id = call.id()?;
    let row = call.service.engine.read(move |c| store::job(c, id)).await?;
    Answer::of(200, &seen(row, call.caller()?)?)
}

async fn cancel(call: Call) -> Result<Answer, Problem> {
    let (id, write) = (call.id()?, call.write()?);
    call.caller()?.require_write()?;
    call.change(write, move |txn| {
        let row = txn.ask(|c| store::job(c, id))?;
        let state = seen(row.clone(), &txn.caller)?.state;
        let mut row = row.ok_or_else(Problem::not_found)?;
        let owner = row.owner_id.0;
        if owner != txn.caller.account
            && !txn
                .caller
                .may_on(&txn.world, Subject::Access, Act::Update, owner)
        {
            return Err(crate::access::caller::forbidden(
                &txn.caller,
                Subject::Access,
                Act::Update,
            ));
        }
        if !is_open(&row) {
            let detail = format!(
                "the job has ended: it is {}",
                crate::world::record::word(&state)
            );
            return Err(Problem::new(Code::Conflict, detail));
        }
        end(&mut row, JobState::Cancelled, txn.now());
        let answer = Answer::of(200, &seen(Some(row.clone()), &txn.caller)?)?;
        txn.beside(Side::Job(row));
        Ok(answer.into())
    })
    .await
}
