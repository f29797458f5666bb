//! Adds journal entries together with the records that they describe.

use diesel::RunQueryDsl;
use diesel::result::{DatabaseErrorKind, Error};

use super::inserts::{Changed, Changes, Entries, Entry, Record, Records};
use super::{JournalRow, RecordRow};
use crate::db::connection::{Conn, DbError};

/// Number of rows sent to PostgreSQL in one statement.
pub const ROWS_AT_ONCE: usize = 1_000;

/// Appends entries and updates the records to match: inserts new ones, and updates changed ones
/// from the version before. On PostgreSQL it is one statement, unless there are more than
/// [`ROWS_AT_ONCE`] entries.
///
/// # Errors
/// A row was not at the version before its entry, or the database refuses.
pub fn append(conn: &mut Conn, entries: &[JournalRow], now: &[RecordRow]) -> Result<(), DbError> {
    if entries.is_empty() {
        return Ok(());
    }
    match conn {
        Conn::Postgres(c) => {
            let mut add = |entries: &[JournalRow], records: &[RecordRow]| {
                let changes = Changes {
                    entries: Entries::of(entries),
                    records: Records::of(records),
                    count: i64::try_from(records.len()).unwrap_or(i64::MAX),
                };
                changes.execute(c).map(drop).map_err(later)
            };
            if entries.len() <= ROWS_AT_ONCE {
                add(entries, now)?;
            } else {
                // The entries first: each record names its last one.
                (entries.chunks(ROWS_AT_ONCE)).try_for_each(|entries| add(entries, &[]))?;
                (now.chunks(ROWS_AT_ONCE)).try_for_each(|records| add(&[], records))?;
            }
        }
        Conn::Sqlite(c) => {
            for row in entries {
                Entry::of(row).execute(c)?;
            }
            for row in now {
                let stored = match row.version {
                    1 => Record::of(row).execute(c)?,
                    // Also inserted, if it was created within the same batch.
                    _ => Changed(Record::of(row)).execute(c)?,
                };
                if stored != 1 {
                    return Err(DbError::Damaged(LATER.into()));
                }
            }
        }
    }
    Ok(())
}

const LATER: &str = "a record is at a later version than the journal";

/// What the statement that adds changes means by a division by zero.
fn later(error: Error) -> DbError {
    match &error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, what)
            if what.message() == "division by zero" =>
        {
            DbError::Damaged(LATER.into())
        }
        _ => error.into(),
    }
}

/// Adds records as they are, whatever their version.
///
/// # Errors
/// The database refuses.
pub fn add_records(conn: &mut Conn, rows: &[RecordRow]) -> Result<(), DbError> {
    match conn {
        Conn::Postgres(c) => {
            for rows in rows.chunks(ROWS_AT_ONCE) {
                Records::of(rows).execute(c)?;
            }
        }
        Conn::Sqlite(c) => {
            for row in rows {
                Record::of(row).execute(c)?;
            }
        }
    }
    Ok(())
}
