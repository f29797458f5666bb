//! Calendar feeds that calendar programs read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::calendar_feeds;
use crate::db::types::{At, Guid};

/// A calendar feed that a calendar program reads, found by the SHA-256 of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = calendar_feeds)]
pub struct CalendarFeedRow {
    pub id: Guid,
    pub owner_id: Guid,
    pub title: String,
    /// JSON.
    pub filters: String,
    pub digest: Vec<u8>,
    pub created_at: At,
    pub last_used_at: Option<At>,
}

/// Returns the calendar feed whose secret has this SHA-256.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feed_by_digest(
    conn: &mut Conn,
    digest: &[u8],
) -> Result<Option<CalendarFeedRow>, DbError> {
    Ok(calendar_feeds::table
        .filter(calendar_feeds::digest.eq(digest))
        .select(CalendarFeedRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns a calendar feed.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feed(conn: &mut Conn, id: Uuid) -> Result<Option<CalendarFeedRow>, DbError> {
    Ok(calendar_feeds::table
        .filter(calendar_feeds::id.eq(Guid(id)))
        .select(CalendarFeedRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns calendar feeds created before `before` (ids are ordered by time), newest first, at most
/// `limit`: those of one account, or all.
///
/// # Errors
/// The database cannot be queried.
pub fn calendar_feeds_before(
    conn: &mut Conn,
    owner: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<CalendarFeedRow>, DbError> {
    let all = calendar_feeds::table.filter(calendar_feeds::id.lt(Guid(before)));
    let found = match owner {
        Some(owner) => all
            .filter(calendar_feeds::owner_id.eq(Guid(owner)))
            .order(calendar_feeds::id.desc())
            .limit(limit)
            .select(CalendarFeedRow::as_select())
            .load(conn)?,
        None => all
            .order(calendar_feeds::id.desc())
            .limit(limit)
            .select(CalendarFeedRow::as_select())
            .load(conn)?,
    };
    Ok(found)
}

pub(super) fn add(conn: &mut Conn, row: &CalendarFeedRow) -> Result<(), DbError> {
    diesel::insert_into(calendar_feeds::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub(super) fn mark_used(conn: &mut Conn, id: Uuid, at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::update(calendar_feeds::table.filter(calendar_feeds::id.eq(Guid(id))))
        .set(calendar_feeds::last_used_at.eq(At(at)))
        .execute(conn)?;
    Ok(())
}

pub(super) fn end(conn: &mut Conn, id: Uuid) -> Result<(), DbError> {
    let feed = calendar_feeds::table.filter(calendar_feeds::id.eq(Guid(id)));
    diesel::delete(feed).execute(conn)?;
    Ok(())
}

pub(super) fn erase(conn: &mut Conn, owner: Uuid) -> Result<(), DbError> {
    let all = calendar_feeds::table.filter(calendar_feeds::owner_id.eq(Guid(owner)));
    diesel::delete(all).execute(conn)?;
    Ok(())
}
