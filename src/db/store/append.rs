//! Adds journal entries together with the records that they describe.

use diesel::prelude::*;

use super::{JournalRow, RecordRow, unnest};
use crate::db::connection::{Conn, DbError};
use crate::db::schema::{journal, records};

/// Number of rows sent to PostgreSQL in one statement.
const ROWS_AT_ONCE: usize = 1_000;

/// Appends entries and updates the records to match: inserts new ones, and updates changed ones
/// from the version before.
///
/// # Errors
/// A row was not at the version before its entry, or the database refuses.
pub fn append(conn: &mut Conn, entries: &[JournalRow], now: &[RecordRow]) -> Result<(), DbError> {
    let (new, changed): (Vec<&RecordRow>, Vec<&RecordRow>) =
        now.iter().partition(|r| r.version == 1);
    match conn {
        Conn::Postgres(c) => {
            for rows in entries.chunks(ROWS_AT_ONCE) {
                unnest::Entries::of(rows).execute(c)?;
            }
            for rows in new.chunks(ROWS_AT_ONCE) {
                unnest::New(unnest::Records::of(rows)).execute(c)?;
            }
            for rows in changed.chunks(ROWS_AT_ONCE) {
                if unnest::Changed(unnest::Records::of(rows)).execute(c)? != rows.len() {
                    return Err(DbError::Damaged(
                        "a record is at a later version than the journal".into(),
                    ));
                }
            }
        }
        Conn::Sqlite(c) => {
            for row in entries {
                diesel::insert_into(journal::table).values(row).execute(c)?;
            }
            for row in new {
                diesel::insert_into(records::table).values(row).execute(c)?;
            }
            for row in changed {
                let moved = diesel::update(
                    records::table
                        .filter(records::id.eq(row.id))
                        .filter(records::version.lt(row.version)),
                )
                .set((
                    records::reference.eq(&row.reference),
                    records::version.eq(row.version),
                    records::seq.eq(row.seq),
                    records::shape.eq(row.shape),
                    records::body.eq(&row.body),
                ))
                .execute(c)?;
                if moved == 0 {
                    // Created and changed within the same batch.
                    diesel::insert_into(records::table).values(row).execute(c)?;
                }
            }
        }
    }
    Ok(())
}

/// Adds records as they are, whatever their version.
///
/// # Errors
/// The database refuses.
pub fn add_records(conn: &mut Conn, rows: &[RecordRow]) -> Result<(), DbError> {
    match conn {
        Conn::Postgres(c) => {
            for rows in rows.chunks(ROWS_AT_ONCE) {
                unnest::New(unnest::Records::of(rows)).execute(c)?;
            }
        }
        Conn::Sqlite(c) => {
            for row in rows {
                diesel::insert_into(records::table).values(row).execute(c)?;
            }
        }
    }
    Ok(())
}
