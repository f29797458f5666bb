//! Personal data of people. It can be erased.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::{earlier_persons, people};
use crate::db::types::Guid;

/// Personal data of a person: name, e-mail address, telephone number. Can be erased.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = people)]
pub struct PersonRow {
    pub person_id: Guid,
    pub display_name: String,
    pub email: Option<String>,
    pub telephone: Option<String>,
}

/// Returns the personal data of a person, if kept.
///
/// # Errors
/// The database cannot be queried.
pub fn person(conn: &mut Conn, person: Uuid) -> Result<Option<PersonRow>, DbError> {
    Ok(people::table
        .filter(people::person_id.eq(Guid(person)))
        .select(PersonRow::as_select())
        .first(conn)
        .optional()?)
}

/// Returns the ids of all people whose personal data is kept.
///
/// # Errors
/// The database cannot be queried.
pub fn people_ids(conn: &mut Conn) -> Result<Vec<Uuid>, DbError> {
    let ids: Vec<Guid> = people::table
        .select(people::person_id)
        .order(people::person_id)
        .load(conn)?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Returns the ids of the accounts whose earlier persons have to be found in the journal.
///
/// # Errors
/// The database cannot be queried.
pub fn earlier_persons(conn: &mut Conn) -> Result<Vec<Uuid>, DbError> {
    let ids: Vec<Guid> = earlier_persons::table
        .select(earlier_persons::account_id)
        .order(earlier_persons::account_id)
        .load(conn)?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

pub(super) fn earlier_persons_kept(conn: &mut Conn) -> Result<(), DbError> {
    diesel::delete(earlier_persons::table).execute(conn)?;
    Ok(())
}

pub(super) fn store(conn: &mut Conn, row: &PersonRow) -> Result<(), DbError> {
    erase(conn, row.person_id)?;
    diesel::insert_into(people::table)
        .values(row)
        .execute(conn)?;
    Ok(())
}

pub(super) fn move_to(conn: &mut Conn, from: Uuid, to: Uuid) -> Result<(), DbError> {
    diesel::update(people::table.filter(people::person_id.eq(Guid(from))))
        .set(people::person_id.eq(Guid(to)))
        .execute(conn)?;
    Ok(())
}

pub(super) fn erase(conn: &mut Conn, person: Guid) -> Result<(), DbError> {
    diesel::delete(people::table.filter(people::person_id.eq(person))).execute(conn)?;
    Ok(())
}
