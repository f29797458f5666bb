//! Refresh tokens of accounts, by their SHA-256.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::refresh_tokens;
use crate::db::types::{At, Guid};

/// A refresh token, by its SHA-256.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = refresh_tokens)]
pub struct RefreshRow {
    pub hash: Vec<u8>,
    pub family: Guid,
    pub account_id: Guid,
    pub created_at: At,
    pub expires_at: At,
    pub used_at: Option<At>,
    pub revoked_at: Option<At>,
}

/// Returns a refresh token by its hash.
///
/// # Errors
/// The database cannot be queried.
pub fn refresh_token(conn: &mut Conn, hash: &[u8]) -> Result<Option<RefreshRow>, DbError> {
    Ok(refresh_tokens::table
        .filter(refresh_tokens::hash.eq(hash))
        .select(RefreshRow::as_select())
        .first(conn)
        .optional()?)
}

pub(super) fn add(conn: &mut Conn, row: &RefreshRow) -> Result<(), DbError> {
    diesel::insert_into(refresh_tokens::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub(super) fn mark_used(conn: &mut Conn, hash: &[u8], at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::hash.eq(hash)))
        .set(refresh_tokens::used_at.eq(At(at)))
        .execute(conn)?;
    Ok(())
}

pub(super) fn end_family(conn: &mut Conn, family: Uuid, at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::family.eq(Guid(family))))
        .set(refresh_tokens::revoked_at.eq(At(at)))
        .execute(conn)?;
    Ok(())
}

pub(super) fn end_of(conn: &mut Conn, account: Uuid, at: DateTime<Utc>) -> Result<(), DbError> {
    diesel::update(refresh_tokens::table.filter(refresh_tokens::account_id.eq(Guid(account))))
        .set(refresh_tokens::revoked_at.eq(At(at)))
        .execute(conn)?;
    Ok(())
}

pub(super) fn erase(conn: &mut Conn, account: Uuid) -> Result<(), DbError> {
    let all = refresh_tokens::table.filter(refresh_tokens::account_id.eq(Guid(account)));
    diesel::delete(all).execute(conn)?;
    Ok(())
}
