//! First answers to requests that carried an idempotency key.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::idempotency_keys;
use crate::db::types::{At, Guid};

/// The first answer to a request that carried an idempotency key.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys)]
pub struct IdempotencyRow {
    pub account_id: Guid,
    pub key: String,
    pub request: Vec<u8>,
    pub status: i32,
    pub headers: String,
    pub body: Vec<u8>,
    pub created_at: At,
}

/// Returns the stored answer for an idempotency key, if it is newer than `since`.
///
/// # Errors
/// The database cannot be queried.
pub fn replay(
    conn: &mut Conn,
    account: Uuid,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<IdempotencyRow>, DbError> {
    Ok(idempotency_keys::table
        .filter(idempotency_keys::account_id.eq(Guid(account)))
        .filter(idempotency_keys::key.eq(key))
        .filter(idempotency_keys::created_at.ge(At(since)))
        .select(IdempotencyRow::as_select())
        .first(conn)
        .optional()?)
}

/// Stores the answer in place of an earlier one under the same key.
pub(super) fn store(conn: &mut Conn, row: &IdempotencyRow) -> Result<(), DbError> {
    let same = idempotency_keys::table
        .filter(idempotency_keys::account_id.eq(row.account_id))
        .filter(idempotency_keys::key.eq(&row.key));
    diesel::delete(same).execute(conn)?;
    diesel::insert_into(idempotency_keys::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub(super) fn forget_before(conn: &mut Conn, at: DateTime<Utc>) -> Result<(), DbError> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(At(at)));
    diesel::delete(old).execute(conn)?;
    Ok(())
}
