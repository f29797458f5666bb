//! Keys of the service: those that sign access tokens, and others by name.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::{secrets, signing_keys};
use crate::db::types::At;

/// A key that signs access tokens.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub struct SigningKeyRow {
    pub kid: String,
    pub private_key: Vec<u8>,
    pub created_at: At,
    pub retired_at: Option<At>,
}

/// Returns a key by its name.
///
/// # Errors
/// The database cannot be queried.
pub fn secret(conn: &mut Conn, name: &str) -> Result<Option<Vec<u8>>, DbError> {
    Ok(secrets::table
        .filter(secrets::name.eq(name))
        .select(secrets::value)
        .first(conn)
        .optional()?)
}

/// Returns all signing keys, oldest first.
///
/// # Errors
/// The database cannot be queried.
pub fn signing_keys(conn: &mut Conn) -> Result<Vec<SigningKeyRow>, DbError> {
    Ok(signing_keys::table
        .order(signing_keys::created_at)
        .select(SigningKeyRow::as_select())
        .load(conn)?)
}

/// Adds a signing key, and retires all others at that time unless they are retired sooner.
///
/// # Errors
/// The database cannot be written.
pub fn rotate_signing_key(
    conn: &mut Conn,
    row: &SigningKeyRow,
    retire_others: DateTime<Utc>,
) -> Result<(), DbError> {
    let others = signing_keys::table.filter(signing_keys::retired_at.is_null());
    let sooner = signing_keys::table.filter(signing_keys::retired_at.gt(At(retire_others)));
    let retired = || signing_keys::retired_at.eq(Some(At(retire_others)));
    diesel::update(others).set(retired()).execute(conn)?;
    diesel::update(sooner).set(retired()).execute(conn)?;
    add_signing_key(conn, row)
}

pub(super) fn add_signing_key(conn: &mut Conn, row: &SigningKeyRow) -> Result<(), DbError> {
    diesel::insert_into(signing_keys::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

/// Stores a key, unless there is one under this name.
pub(super) fn add_secret(conn: &mut Conn, name: &str, value: &[u8]) -> Result<(), DbError> {
    if secret(conn, name)?.is_none() {
        diesel::insert_into(secrets::table)
            .values((secrets::name.eq(name), secrets::value.eq(value)))
            .execute(conn)?;
    }
    Ok(())
}
