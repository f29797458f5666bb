//! Jobs and their progress.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::jobs;
use crate::db::types::{At, Guid};

/// A job and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: Guid,
    pub owner_id: Guid,
    pub request_id: String,
    pub mode: String,
    /// 0 or 1: SQLite has no booleans.
    pub dry_run: i32,
    pub state: String,
    pub total: i32,
    pub done: i32,
    pub failed: i32,
    /// JSON.
    pub errors: String,
    pub failure: Option<String>,
    pub detail: Option<String>,
    pub created_at: At,
    pub started_at: Option<At>,
    pub finished_at: Option<At>,
    /// When the process that runs the job last reported.
    pub heartbeat_at: At,
}

/// Returns a job.
///
/// # Errors
/// The database cannot be queried.
pub fn job(conn: &mut Conn, id: Uuid) -> Result<Option<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::id.eq(Guid(id)))
        .select(JobRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns jobs created before `before` (ids are ordered by time), newest first, at most `limit`:
/// those of one account, or all.
///
/// # Errors
/// The database cannot be queried.
pub fn jobs_before(
    conn: &mut Conn,
    owner: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<JobRow>, DbError> {
    let all = jobs::table.filter(jobs::id.lt(Guid(before)));
    let found = match owner {
        Some(owner) => all
            .filter(jobs::owner_id.eq(Guid(owner)))
            .order(jobs::id.desc())
            .limit(limit)
            .select(JobRow::as_select())
            .load(conn)?,
        None => all
            .order(jobs::id.desc())
            .limit(limit)
            .select(JobRow::as_select())
            .load(conn)?,
    };
    Ok(found)
}

/// Returns unfinished jobs that have not reported since `since`.
///
/// # Errors
/// The database cannot be queried.
pub fn silent_jobs(conn: &mut Conn, since: DateTime<Utc>) -> Result<Vec<JobRow>, DbError> {
    Ok(jobs::table
        .filter(jobs::finished_at.is_null())
        .filter(jobs::heartbeat_at.lt(At(since)))
        .select(JobRow::as_select())
        .load(conn)?)
}

pub(super) fn store(conn: &mut Conn, row: &JobRow) -> Result<(), DbError> {
    diesel::delete(jobs::table.filter(jobs::id.eq(row.id))).execute(conn)?;
    diesel::insert_into(jobs::table).values(row).execute(conn)?;
    Ok(())
}

/// Records that a live process holds these jobs, as far as they are unfinished.
pub(super) fn hold(conn: &mut Conn, ids: &[Uuid], at: DateTime<Utc>) -> Result<(), DbError> {
    for id in ids {
        let unfinished = jobs::table
            .filter(jobs::id.eq(Guid(*id)))
            .filter(jobs::finished_at.is_null());
        diesel::update(unfinished)
            .set(jobs::heartbeat_at.eq(At(at)))
            .execute(conn)?;
    }
    Ok(())
}

/// Deletes jobs that finished before `at`.
pub(super) fn forget_before(conn: &mut Conn, at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::delete(jobs::table.filter(jobs::finished_at.lt(At(at)))).execute(conn)?;
    Ok(())
}
