//! Passwords and client secrets of accounts, as hashes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::credentials;
use crate::db::types::{At, Guid};

/// A password or a client secret, hashed with Argon2id.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = credentials)]
pub struct CredentialRow {
    pub id: Guid,
    pub account_id: Guid,
    pub kind: String,
    pub login: Option<String>,
    pub hash: String,
    pub created_at: At,
    pub expires_at: Option<At>,
    pub revoked_at: Option<At>,
}

/// Returns the active credential with this sign-in name.
///
/// # Errors
/// The database cannot be queried.
pub fn credential_by_login(conn: &mut Conn, login: &str) -> Result<Option<CredentialRow>, DbError> {
    Ok(credentials::table
        .filter(credentials::login.eq(login))
        .filter(credentials::revoked_at.is_null())
        .select(CredentialRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the active credentials of one kind that an account has.
///
/// # Errors
/// The database cannot be queried.
pub fn credentials_of(
    conn: &mut Conn,
    account: Uuid,
    kind: &str,
) -> Result<Vec<CredentialRow>, DbError> {
    Ok(credentials::table
        .filter(credentials::account_id.eq(Guid(account)))
        .filter(credentials::kind.eq(kind))
        .filter(credentials::revoked_at.is_null())
        .select(CredentialRow::as_select())
        .load(conn)?)
}

pub(super) fn add(conn: &mut Conn, row: &CredentialRow) -> Result<(), DbError> {
    diesel::insert_into(credentials::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

/// Revokes the account's active credentials of one kind.
pub(super) fn end(
    conn: &mut Conn,
    account: Uuid,
    kind: &str,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let active = credentials::table
        .filter(credentials::account_id.eq(Guid(account)))
        .filter(credentials::kind.eq(kind))
        .filter(credentials::revoked_at.is_null());
    // The sign-in name is removed too, so that it can be used again.
    diesel::update(active)
        .set((
            credentials::revoked_at.eq(At(at)),
            credentials::login.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes the account's active credentials of one kind expire at `until`, unless they expire sooner.
pub(super) fn limit(
    conn: &mut Conn,
    account: Uuid,
    kind: &str,
    until: DateTime<Utc>,
) -> Result<(), DbError> {
    let expire_later = credentials::expires_at
        .is_null()
        .or(credentials::expires_at.gt(At(until)));
    let active = credentials::table
        .filter(credentials::account_id.eq(Guid(account)))
        .filter(credentials::kind.eq(kind))
        .filter(credentials::revoked_at.is_null());
    diesel::update(active.filter(expire_later))
        .set(credentials::expires_at.eq(At(until)))
        .execute(conn)?;
    Ok(())
}

/// Deletes the account's credentials with their sign-in names.
pub(super) fn erase(conn: &mut Conn, account: Uuid) -> Result<(), DbError> {
    let all = credentials::table.filter(credentials::account_id.eq(Guid(account)));
    diesel::delete(all).execute(conn)?;
    Ok(())
}
