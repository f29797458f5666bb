//! A job as far as it has come, and the ways in which it goes on.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store::JobRow;
use crate::http::resource::BulkProblem;
use crate::problem::Problem;
use crate::world::record::word;

/// Refusals kept, at most, and the size of their JSON beyond which no more is kept.
const MOST_ERRORS: usize = 100;
const MOST_BYTES: usize = 64 * 1024;
/// Faults kept of one refusal.
const MOST_FAULTS: usize = 10;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    Running,
    /// It came to its end; `failed` says how many of its operations were refused.
    Succeeded,
    /// It did not come to its end; `failure` says why.
    Failed,
    Cancelled,
}

/// How a job's operations hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobMode {
    /// Every operation for itself.
    Each,
    /// All or nothing.
    Atomic,
}

/// Why a job did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobFailure {
    /// The process that ran it stopped.
    Interrupted,
    /// An operation of an atomic job was refused, or the account that asked for it may do nothing any more.
    Refused,
    /// The service is at fault.
    Internal,
}

/// Why one operation of a job was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// The operation, counted from 0.
    #[schema(minimum = 0)]
    pub index: i32,
    /// What was wrong with it.
    pub problem: BulkProblem,
}

/// A load that runs beside requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: Uuid,
    /// The account that asked for it, and whose grants it runs with.
    pub owner_id: Uuid,
    /// The request that asked for it; its journal entries carry the same.
    #[schema(max_length = 64)]
    pub request_id: String,
    /// Where it stands.
    pub state: JobState,
    /// How its operations hang together.
    pub mode: JobMode,
    /// Whether it only checks.
    pub dry_run: bool,
    /// Operations that it has.
    #[schema(minimum = 0)]
    pub total: i32,
    /// Operations from the first on whose outcome stands. What is cut off can go on with a new job from this index; an atomic job that
    /// did not succeed, and a dry run, changed nothing.
    #[schema(minimum = 0)]
    pub done: i32,
    /// Operations that were refused.
    #[schema(minimum = 0)]
    pub failed: i32,
    /// The first refusals; at most 100, fewer where they are long. Empty for whoever neither owns the job nor is cleared for everything.
    #[schema(max_items = 100)]
    pub errors: Vec<JobError>,
    /// Why it failed; null unless it did.
    pub failure: Option<JobFailure>,
    /// The same in a sentence.
    #[schema(max_length = 4000)]
    pub detail: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended, in whatever way.
    pub finished_at: Option<DateTime<Utc>>,
}

fn read<T: DeserializeOwned>(word: &str) -> Result<T, Problem> {
    serde_json::from_value(Value::from(word)).map_err(Problem::internal)
}

impl Job {
    /// What a row says.
    ///
    /// # Errors
    /// The row holds what no build of ours writes.
    pub fn of(row: &JobRow) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            request_id: row.request_id.clone(),
            state: read(&row.state)?,
            mode: read(&row.mode)?,
            dry_run: row.dry_run != 0,
            total: row.total,
            done: row.done,
            failed: row.failed,
            errors: errors(row),
            failure: row.failure.as_deref().map(read).transpose()?,
            detail: row.detail.clone(),
            created_at: row.created_at.0,
            started_at: row.started_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
        })
    }
}

fn errors(row: &JobRow) -> Vec<JobError> {
    serde_json::from_str(&row.errors).unwrap_or_default()
}

/// A job about to wait for its turn.
#[must_use]
pub fn queued(
    id: Uuid,
    owner: Uuid,
    request_id: &str,
    mode: JobMode,
    dry_run: bool,
    total: usize,
    now: DateTime<Utc>,
) -> JobRow {
    JobRow {
        id: id.into(),
        owner_id: owner.into(),
        request_id: request_id.into(),
        mode: word(&mode),
        dry_run: dry_run.into(),
        state: word(&JobState::Queued),
        total: i32::try_from(total).unwrap_or(i32::MAX),
        done: 0,
        failed: 0,
        errors: "[]".into(),
        failure: None,
        detail: None,
        created_at: now.into(),
        started_at: None,
        finished_at: None,
        heartbeat_at: now.into(),
    }
}

/// It is its turn.
pub fn begin(row: &mut JobRow, now: DateTime<Utc>) {
    row.state = word(&JobState::Running);
    (row.started_at, row.heartbeat_at) = (Some(now.into()), now.into());
}

/// Notes the refusals of some operations, the first of a job in words.
pub fn refuse(row: &mut JobRow, refused: Vec<(usize, Problem)>) {
    row.failed = row
        .failed
        .saturating_add(i32::try_from(refused.len()).unwrap_or(i32::MAX));
    if refused.is_empty() || row.errors.len() > MOST_BYTES {
        return;
    }
    let mut kept = errors(row);
    for (index, problem) in refused
        .into_iter()
        .take(MOST_ERRORS.saturating_sub(kept.len()))
    {
        let mut problem = BulkProblem::from(problem);
        problem.errors.truncate(MOST_FAULTS);
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        kept.push(JobError { index, problem });
        row.errors = serde_json::to_string(&kept).unwrap_or_default();
        if row.errors.len() > MOST_BYTES {
            return;
        }
    }
}

/// It has ended.
pub fn end(row: &mut JobRow, state: JobState, now: DateTime<Utc>) {
    row.state = word(&state);
    row.finished_at = Some(now.into());
}

/// It has ended before its end.
pub fn fail(row: &mut JobRow, failure: JobFailure, detail: &str, now: DateTime<Utc>) {
    row.failure = Some(word(&failure));
    row.detail = Some(detail.chars().take(4_000).collect());
    end(row, JobState::Failed, now);
}

/// The process that held it has stopped.
pub fn interrupt(row: &mut JobRow, now: DateTime<Utc>) {
    let detail = if row.mode == word(&JobMode::Each) && row.dry_run == 0 {
        format!(
            "the process that ran it stopped; the outcome of the first {} operations stands: send the others as a new job",
            row.done
        )
    } else {
        "the process that ran it stopped; nothing was changed: send it again".to_owned()
    };
    fail(row, JobFailure::Interrupted, &detail, now);
}

/// Whether it waits or runs.
#[must_use]
pub fn is_open(row: &JobRow) -> bool {
    row.finished_at.is_none()
}
