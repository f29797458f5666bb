//! The state of a job, and how it changes.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::store::JobRow;
use crate::http::resource::BulkProblem;
use crate::problem::Problem;
use crate::world::Text;
use crate::world::record::word;

/// Maximum number of refusals kept, and the size of their JSON after which no more are kept.
const MOST_ERRORS: usize = 100;
const MOST_BYTES: usize = 64 * 1024;
/// Maximum number of errors kept for one refusal.
const MOST_FAULTS: usize = 10;

/// State of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum JobState {
    /// Waiting to run.
    Queued,
    /// Its operations are being processed.
    Running,
    /// All operations succeeded.
    Succeeded,
    /// All operations were processed, and some were refused; `failed` gives their number.
    PartlySucceeded,
    /// Nothing was changed, or the job did not finish; `failure` says why.
    Failed,
    /// It was cancelled before it ended.
    Cancelled,
}

/// Whether a job's operations are independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum JobMode {
    /// Each operation succeeds or fails on its own.
    #[strum(message = "Independent operations")]
    Each,
    /// If any operation is refused, the job changes nothing.
    #[strum(message = "All or nothing")]
    Atomic,
}

/// Why a job did not finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum JobFailure {
    /// The process running it stopped.
    Interrupted,
    /// An operation of an atomic job or every operation was refused, or the account that requested
    /// the job may no longer run it.
    Refused,
    /// An error in the service stopped the job.
    #[strum(message = "Internal error")]
    Internal,
}

/// Why one operation of a job was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// Index of the operation, counted from 0.
    #[schema(minimum = 0)]
    pub index: i32,
    /// What was wrong with it.
    pub problem: BulkProblem,
}

/// A bulk load that runs in the background.
#[derive(Debug, Serialize, ToSchema)]
pub struct Job {
    /// Id.
    pub id: Uuid,
    /// Account that requested the job; the job runs with this account's grants.
    pub owner_id: Uuid,
    /// Id of the request that started the job; its journal entries carry the same id.
    pub request_id: Text<64>,
    /// Current status.
    pub state: JobState,
    /// Whether its operations are independent of each other.
    pub mode: JobMode,
    /// Whether the job only checks its operations.
    pub dry_run: bool,
    /// Number of operations in the job.
    #[schema(minimum = 0)]
    pub total: i32,
    /// Number of operations, counted from the first, whose outcome is final. An interrupted job can
    /// be continued with a new job from this index. An atomic job that did not succeed, and a dry
    /// run, changed nothing.
    #[schema(minimum = 0)]
    pub done: i32,
    /// Number of operations that were refused.
    #[schema(minimum = 0)]
    pub failed: i32,
    /// The first refusals, at most 100, or fewer if they are long. Empty unless the caller owns the
    /// job or may see every record.
    #[schema(max_items = 100)]
    pub errors: Vec<JobError>,
    /// Why the job failed; null if it did not.
    pub failure: Option<JobFailure>,
    /// The reason as a sentence.
    pub detail: Option<Text<4000>>,
    /// When the job was requested.
    pub created_at: DateTime<Utc>,
    /// When the job started.
    pub started_at: Option<DateTime<Utc>>,
    /// When the job ended, whatever the outcome.
    pub finished_at: Option<DateTime<Utc>>,
}

fn read<T: DeserializeOwned>(word: &str) -> Result<T, Problem> {
    serde_json::from_value(Value::from(word)).map_err(Problem::internal)
}

impl Job {
    /// Reads a job from its database row.
    ///
    /// # Errors
    /// The row contains a value that no build of this service writes.
    pub fn of(row: &JobRow) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            request_id: Text::cut(row.request_id.clone()),
            state: read(&row.state)?,
            mode: read(&row.mode)?,
            dry_run: row.dry_run != 0,
            total: row.total,
            done: row.done,
            failed: row.failed,
            errors: errors(row),
            failure: row.failure.as_deref().map(read).transpose()?,
            detail: row.detail.clone().map(Text::cut),
            created_at: row.created_at.0,
            started_at: row.started_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
        })
    }
}

fn errors(row: &JobRow) -> Vec<JobError> {
    serde_json::from_str(&row.errors).unwrap_or_default()
}

/// A new job, ready to be queued.
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

/// Marks the job as running.
pub fn begin(row: &mut JobRow, now: DateTime<Utc>) {
    row.state = word(&JobState::Running);
    (row.started_at, row.heartbeat_at) = (Some(now.into()), now.into());
}

/// Records the refused operations of a step, with details of the first ones of the job.
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

/// All operations have been processed: it succeeded, in part or whole, or all were refused.
pub fn complete(row: &mut JobRow, now: DateTime<Utc>) {
    match row.failed {
        0 => end(row, JobState::Succeeded, now),
        n if n < row.total => end(row, JobState::PartlySucceeded, now),
        _ => fail(row, JobFailure::Refused, "every operation was refused", now),
    }
}

/// Marks the job as failed.
pub fn fail(row: &mut JobRow, failure: JobFailure, detail: &str, now: DateTime<Utc>) {
    row.failure = Some(word(&failure));
    row.detail = Some(detail.chars().take(4_000).collect());
    end(row, JobState::Failed, now);
}

/// Marks the job as interrupted because the process that held it has stopped.
pub fn interrupt(row: &mut JobRow, now: DateTime<Utc>) {
    let detail = if row.mode == word(&JobMode::Each) && row.dry_run == 0 {
        format!(
            "the process running this job stopped; the outcome of the first {} operations is \
                final; send the others as a new job",
            row.done
        )
    } else {
        "the process running this job stopped and nothing was changed; send the job again"
            .to_owned()
    };
    fail(row, JobFailure::Interrupted, &detail, now);
}

/// Whether the job is queued or running.
#[must_use]
pub fn is_open(row: &JobRow) -> bool {
    row.finished_at.is_none()
}
