//! Copies everything from one database to another, row by row and unchanged, so that every hash still
//! holds.

use diesel::prelude::*;
use uuid::Uuid;

use super::{
    CalendarFeedRow, CredentialRow, FormerLinkRow, IdempotencyRow, JobRow, JournalRow, PersonRow,
    RefreshRow, SigningKeyRow, append, entries_after, records_after,
};
use crate::db::connection::{Conn, DbError};
use crate::db::schema::{
    calendar_feeds, credentials, earlier_persons, former_links, idempotency_keys, jobs,
    last_numbers, markings, people, refresh_tokens, secrets, signing_keys,
};
use crate::db::types::Guid;

/// Number of rows read and written at once.
const PAGE: i64 = 1_000;

/// Copies the tables other than the journal and the records: each with the columns of a row, and the
/// columns that its rows are ordered by.
macro_rules! beside {
    ($from:ident, $to:ident, $($table:ident ($($order:ident),+) as $row:ty;)*) => {
        $(
            let mut read = 0;
            loop {
                let rows: Vec<$row> = $table::table
                    .order(($($table::$order,)+))
                    .offset(read)
                    .limit(PAGE)
                    .select(<$row>::as_select())
                    .load($from)?;
                if rows.is_empty() {
                    break;
                }
                read += PAGE;
                for row in &rows {
                    diesel::insert_into($table::table).values(row).execute($to)?;
                }
            }
        )*
    };
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = secrets)]
struct SecretRow {
    name: String,
    value: Vec<u8>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = earlier_persons)]
struct EarlierPersonsRow {
    account_id: Guid,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = markings)]
struct MarkingRow {
    seq: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = last_numbers)]
struct LastNumberRow {
    kind: String,
    number: i64,
}

/// Copies every row of every table. Both connections are in a transaction of their own, in which
/// nobody else writes.
///
/// # Errors
/// A database cannot be read or written.
pub fn copy(from: &mut Conn, to: &mut Conn) -> Result<(), DbError> {
    let mut after = 0;
    loop {
        let entries: Vec<JournalRow> = entries_after(from, after, PAGE)?;
        let Some(last) = entries.last() else {
            break;
        };
        after = last.seq;
        append(to, &entries, &[])?;
    }
    let mut after = Uuid::nil();
    loop {
        let records = records_after(from, after, PAGE)?;
        let Some(last) = records.last() else {
            break;
        };
        after = last.id.0;
        append::add_records(to, &records)?;
    }
    beside! { from, to,
        calendar_feeds (id) as CalendarFeedRow;
        credentials (id) as CredentialRow;
        earlier_persons (account_id) as EarlierPersonsRow;
        former_links (target_id, record_id) as FormerLinkRow;
        idempotency_keys (account_id, key) as IdempotencyRow;
        jobs (id) as JobRow;
        last_numbers (kind) as LastNumberRow;
        markings (seq) as MarkingRow;
        people (person_id) as PersonRow;
        refresh_tokens (hash) as RefreshRow;
        secrets (name) as SecretRow;
        signing_keys (kid) as SigningKeyRow;
    }
    Ok(())
}
