//! The journal entries by which a record was marked, or its marking removed.

use diesel::prelude::*;

use super::JournalRow;
use crate::db::connection::{Conn, DbError};
use crate::db::schema::{journal, markings};

/// Returns the entries after `seq` by which a record was marked, or its marking removed, oldest
/// first, at most `limit`.
///
/// # Errors
/// The database cannot be queried.
pub fn markings_after(conn: &mut Conn, seq: i64, limit: i64) -> Result<Vec<JournalRow>, DbError> {
    let found: Vec<i64> = markings::table
        .filter(markings::seq.gt(seq))
        .order(markings::seq)
        .limit(limit)
        .select(markings::seq)
        .load(conn)?;
    Ok(journal::table
        .filter(journal::seq.eq_any(found))
        .order(journal::seq)
        .select(JournalRow::as_select())
        .load(conn)?)
}

pub(super) fn add(conn: &mut Conn, seq: i64) -> Result<(), DbError> {
    diesel::insert_into(markings::table)
        .values(markings::seq.eq(seq))
        .execute(conn)?;
    Ok(())
}
