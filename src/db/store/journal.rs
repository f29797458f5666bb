//! The journal: entries are added (see [`super::append`]) and read. Nothing in them is ever changed
//! but that a redaction removes the content of one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::journal;
use crate::db::types::{At, Guid};

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal)]
pub struct JournalRow {
    pub seq: i64,
    pub at: At,
    pub actor: Guid,
    pub request_id: String,
    pub kind: String,
    pub record_id: Guid,
    pub version: i64,
    pub action: String,
    pub shape: i32,
    pub reason: Option<String>,
    pub snapshot: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub digest: Vec<u8>,
    pub previous: Vec<u8>,
    pub hash: Vec<u8>,
    /// When the entry was really made, if `at` was given an earlier time.
    pub entered_at: Option<At>,
    /// Number of the entry whose content this one removed.
    pub redacts: Option<i64>,
}

/// Who made a journal entry, when and why, without the content of the record.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub struct AuthorRow {
    pub seq: i64,
    pub at: At,
    pub actor: Guid,
    pub action: String,
    pub reason: Option<String>,
    pub entered_at: Option<At>,
}

/// Number, hash and time of the last journal entry.
pub type Head = (i64, Vec<u8>, At);

/// Returns the number of the last entry. A shared database is asked for it before the world is
/// trusted to be current.
///
/// # Errors
/// The database cannot be queried.
pub fn head_seq(conn: &mut Conn) -> Result<i64, DbError> {
    let seq = journal::table
        .select(journal::seq)
        .order(journal::seq.desc())
        .first::<i64>(conn)
        .optional()?;
    Ok(seq.unwrap_or(0))
}

/// Returns the number, hash and time of the last entry.
///
/// # Errors
/// The database cannot be queried.
pub fn head(conn: &mut Conn) -> Result<Option<Head>, DbError> {
    Ok(journal::table
        .select((journal::seq, journal::hash, journal::at))
        .order(journal::seq.desc())
        .first(conn)
        .optional()?)
}

/// Returns the entries after `seq`, oldest first, at most `limit`.
///
/// # Errors
/// The database cannot be queried.
pub fn entries_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::seq.gt(seq))
        .order(journal::seq)
        .limit(limit)
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns one entry.
///
/// # Errors
/// The database cannot be queried.
pub fn entry(conn: &mut Conn, seq: i64) -> Result<Option<JournalRow>, DbError> {
    Ok(journal::table
        .find(seq)
        .select(JournalRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the redactions in a record's history: the version whose content was removed, and the
/// version that records it.
///
/// # Errors
/// The database cannot be queried.
pub fn redactions(conn: &mut Conn, id: Uuid) -> Result<Vec<(i64, i64)>, DbError> {
    let emptying: Vec<(i64, i64)> = journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::redacts.is_not_null())
        .select((journal::redacts.assume_not_null(), journal::version))
        .load(conn)?;
    if emptying.is_empty() {
        return Ok(Vec::new());
    }
    let emptied: HashMap<i64, i64> = journal::table
        .filter(journal::seq.eq_any(emptying.iter().map(|(seq, _)| *seq)))
        .select((journal::seq, journal::version))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let versions = emptying.into_iter();
    Ok(versions
        .filter_map(|(seq, by)| Some((*emptied.get(&seq)?, by)))
        .collect())
}

/// Removes the content of an entry: its snapshot and its reason, with the salt that their digest was
/// made with, so that nobody can try out what they said.
///
/// # Errors
/// The database refuses.
pub fn redact(conn: &mut Conn, seq: i64) -> Result<(), DbError> {
    diesel::update(journal::table.find(seq))
        .set((
            journal::snapshot.eq(None::<String>),
            journal::reason.eq(None::<String>),
            journal::salt.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Returns the number of the last entry recorded at or before `at`, or 0.
///
/// # Errors
/// The database cannot be queried.
pub fn seq_at(conn: &mut Conn, at: DateTime<Utc>) -> Result<i64, DbError> {
    // Uses the index on the time: journal times never run backwards.
    let found = journal::table
        .filter(journal::at.le(At(at)))
        .order((journal::at.desc(), journal::seq.desc()))
        .select(journal::seq)
        .first::<i64>(conn)
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// Returns the versions of a record with `after < version`, oldest first.
///
/// # Errors
/// The database cannot be queried.
pub fn versions(
    conn: &mut Conn,
    id: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::version.gt(after))
        .order(journal::version)
        .limit(limit)
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns the versions of these records at or before entry `until`, newest first, at most `most` of
/// all together.
///
/// # Errors
/// The database cannot be queried.
pub fn versions_of(
    conn: &mut Conn,
    ids: &[Uuid],
    until: i64,
    most: i64,
) -> Result<Vec<JournalRow>, DbError> {
    let ids: Vec<Guid> = ids.iter().map(|id| Guid(*id)).collect();
    Ok(journal::table
        .filter(journal::record_id.eq_any(ids))
        .filter(journal::seq.le(until))
        .order(journal::seq.desc())
        .limit(most)
        .select(JournalRow::as_select())
        .load(conn)?)
}

/// Returns who changed a record between two journal entries, including the second: newest first, at
/// most `limit`.
///
/// # Errors
/// The database cannot be queried.
pub fn authors(
    conn: &mut Conn,
    id: Uuid,
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<AuthorRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::seq.gt(after))
        .filter(journal::seq.le(until))
        .order(journal::version.desc())
        .limit(limit)
        .select(AuthorRow::as_select())
        .load(conn)?)
}

/// Returns one version of a record.
///
/// # Errors
/// The database cannot be queried.
pub fn version(conn: &mut Conn, id: Uuid, version: i64) -> Result<Option<JournalRow>, DbError> {
    Ok(journal::table
        .filter(journal::record_id.eq(Guid(id)))
        .filter(journal::version.eq(version))
        .select(JournalRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the last version of each of these records at or before entry `seq`. Records made later
/// are left out.
///
/// # Errors
/// The database cannot be queried.
pub fn versions_at(conn: &mut Conn, ids: &[Uuid], seq: i64) -> Result<Vec<JournalRow>, DbError> {
    let ids: Vec<Guid> = ids.iter().map(|id| Guid(*id)).collect();
    let inner = diesel::alias!(journal as inner);
    let last = inner
        .filter(inner.field(journal::record_id).eq_any(ids))
        .filter(inner.field(journal::seq).le(seq))
        .group_by(inner.field(journal::record_id))
        .select(diesel::dsl::max(inner.field(journal::seq)));
    Ok(journal::table
        .filter(journal::seq.nullable().eq_any(last))
        .select(JournalRow::as_select())
        .load(conn)?)
}
