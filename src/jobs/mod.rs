//! Jobs: loads too large for one request. They are accepted at once, run in the background, and can
//! be followed and cancelled.
//!
//! The operations of a job are in the memory of the process that accepted it. Its progress is in
//! the database, where every replica can read it. If the process dies, the job is reported as
//! interrupted, with the number of operations done.

mod load;
mod runner;
mod state;

use std::sync::{Arc, Mutex};

use runner::Waiting;
use serde_json::json;
use state::{JobFailure, JobState, end, is_open};
use uuid::Uuid;

pub use runner::Jobs;
pub use state::{Job, JobMode, queued};

use crate::access::Caller;
use crate::db::store::{self, JobRow, Side};
use crate::engine::JOB_DAYS;
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{id_parameter, query, schema_ref};
use crate::http::query::invalid;
use crate::http::resource::{BASE, idempotency, reason};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::world::Page;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::Clearance;
use crate::world::vocabulary::Vocabulary;

/// Maximum number of operations in a job that is one transaction, because other changes wait while
/// it runs.
const MOST_AT_ONCE: usize = 20_000;

/// The vocabularies of this module.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<JobFailure>,
    Vocabulary::of::<JobMode>,
    Vocabulary::of::<JobState>,
];

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    load::schemas(schemas);
    add_answer::<Page<Job>>(schemas);
}

/// The operations of this module.
#[must_use]
pub fn operations(jobs: &Arc<Jobs>) -> Vec<Operation> {
    let example = json!({ "operations": [
        { "kind": "unit", "op": "create", "record": { "title": "Corporate services", "unit_kind": "unit" } },
        { "kind": "unit", "op": "restore", "id": "019abcde-0000-7000-8000-000000000001" },
    ] });
    vec![
        Operation::holding(
            "POST",
            "/api/v1/jobs",
            "createJob",
            Access::Authenticated,
            jobs,
            create,
        )
        .says(
            "Jobs",
            "Load many records of any kind",
            &format!(
                "Runs up to {} operations in order, in the background. 202 gives the URL where \
                    progress can be read. With `mode=each`, the default, operations are \
                    committed in small groups and each succeeds or fails on its own; with \
                    `mode=atomic`, either all succeed or none is kept. An atomic job or a dry \
                    run takes at most {MOST_AT_ONCE} operations, because other changes wait \
                    while it runs. The body is at most 32 MiB unless the service is configured \
                    otherwise. Each operation needs its own permission, from the grants that the \
                    account holds when it runs. The journal entries carry the request id of this \
                    request. An account can have at most four jobs waiting or running in one \
                    process.",
                load::MOST,
            ),
        )
        .takes([
            idempotency(),
            reason(),
            query(
                "mode",
                "`each`: every operation on its own. `atomic`: all or nothing.",
                json!({ "type": "string", "enum": ["each", "atomic"], "default": "each" }),
            ),
            query(
                "dry_run",
                "Check everything but change nothing.",
                json!({ "type": "boolean", "default": false }),
            ),
        ])
        .body(&["application/json"], schema_ref("JobInput"), example)
        .streamed()
        .answers(202, "The job, with `Location`.", schema_ref("Job"))
        .located()
        .refuses(&[
            Code::Forbidden,
            Code::InvalidHeader,
            Code::IdempotencyKeyReused,
        ]),
        Operation::new(
            "GET",
            "/api/v1/jobs",
            "listJobs",
            Access::Authenticated,
            list,
        )
        .says(
            "Jobs",
            "List jobs",
            &format!(
                "Returns the caller's own jobs, newest first. Administrators and auditors see all \
                    jobs. Finished jobs are kept for {JOB_DAYS} days."
            ),
        )
        .takes([
            page::limit_parameter("Jobs"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "format": "uuid", "maxLength": 36 }),
            ),
        ])
        .answers(200, "A page of jobs.", schema_ref("JobPage")),
        Operation::new(
            "GET",
            "/api/v1/jobs/{id}",
            "getJob",
            Access::Authenticated,
            get,
        )
        .says(
            "Jobs",
            "Get a job",
            "Returns the progress of a job. Available to the account that created it, \
                administrators and auditors; others get 404.",
        )
        .takes([id_parameter("job")])
        .answers(200, "The job.", schema_ref("Job")),
        Operation::new(
            "POST",
            "/api/v1/jobs/{id}/cancel",
            "cancelJob",
            Access::Authenticated,
            cancel,
        )
        .says(
            "Jobs",
            "Cancel a job",
            "Allowed for the account that created the job and for administrators. After the \
                response the job makes no more changes. Changes already made are kept; an atomic \
                job has made none.",
        )
        .takes([id_parameter("job"), idempotency()])
        .answers(200, "The cancelled job.", schema_ref("Job"))
        .refuses(&[
            Code::Forbidden,
            Code::Conflict,
            Code::InvalidHeader,
            Code::IdempotencyKeyReused,
        ]),
    ]
}

fn sees_all(caller: &Caller) -> bool {
    caller.may(Subject::Access, Act::Read)
}

/// Returns the job as visible to this caller. For others it does not exist.
fn seen(row: Option<JobRow>, caller: &Caller) -> Result<Job, Problem> {
    let row = row.ok_or_else(Problem::not_found)?;
    let owns = row.owner_id.0 == caller.account;
    if !owns && !sees_all(caller) {
        return Err(Problem::not_found());
    }
    let mut job = Job::of(&row)?;
    // Refused operations may mention marked records that are visible only to the owner.
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
        let detail = format!(
            "an atomic job or a dry run can have at most {MOST_AT_ONCE} operations; split it"
        );
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
        state: Mutex::default(),
    };
    let (id, service, request_id) = (
        job.slot.id,
        Arc::clone(&call.service),
        write.request_id.clone(),
    );
    let location = format!("{BASE}/jobs/{id}");
    let address = location.clone();
    // Runs as a separate task: if the caller disconnects now, no job must be left that nothing
    // runs.
    let taken = actix_web::rt::spawn(async move {
        let stored = service.engine.write(write, move |txn| {
            let row = queued(id, owner, &request_id, mode, dry_run, total, txn.now());
            let answer = Answer::of(202, &Job::of(&row)?)?.header("Location", address);
            txn.beside(Side::Job(row));
            Ok(answer.into())
        });
        let outcome = stored.await?;
        // A repeated request gets the job that the first one created.
        if outcome
            .headers
            .iter()
            .any(|(name, value)| name == "Location" && *value == location)
        {
            service.engine.metrics.jobs.queued.inc();
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
        .value::<Uuid>("cursor", "the next_cursor of the previous page")?;
    let before = before.unwrap_or(Uuid::max());
    let caller = call.caller()?;
    let owner = (!sees_all(caller)).then_some(caller.account);
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let rows = call
        .service
        .engine
        .read(move |c| store::jobs_before(c, owner, before, take))
        .await?;
    let page = Page::of(rows, limit, |r| r.id.0.to_string());
    let page = page.try_map(|r| seen(Some(r), caller))?;
    page::answer(&call, &page)
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
                "the job has already ended; its state is {}",
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
