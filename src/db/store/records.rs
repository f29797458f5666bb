//! The current version of each record.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::records;
use crate::db::types::Guid;

/// The current version of a record.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = records)]
pub struct RecordRow {
    pub id: Guid,
    pub kind: String,
    pub reference: String,
    pub version: i64,
    pub seq: i64,
    pub shape: i32,
    pub body: String,
}

/// Returns the current version of every record of a kind, in pages by id.
///
/// # Errors
/// The database cannot be queried.
pub fn records_of(
    conn: &mut Conn,
    kind: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<RecordRow>, DbError> {
    Ok(records::table
        .filter(records::kind.eq(kind))
        .filter(records::id.gt(Guid(after)))
        .order(records::id)
        .limit(limit)
        .select(RecordRow::as_select())
        .load(conn)?)
}

/// Returns the current version of every record, in pages by id.
///
/// # Errors
/// The database cannot be queried.
pub fn records_after(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<RecordRow>, DbError> {
    Ok(records::table
        .filter(records::id.gt(Guid(after)))
        .order(records::id)
        .limit(limit)
        .select(RecordRow::as_select())
        .load(conn)?)
}

/// Returns the id of the oldest record of a kind with this reference.
///
/// # Errors
/// The database cannot be queried.
pub fn id_by_reference(
    conn: &mut Conn,
    kind: &str,
    reference: &str,
) -> Result<Option<Uuid>, DbError> {
    let id: Option<Guid> = records::table
        .filter(records::kind.eq(kind))
        .filter(records::reference.eq(reference))
        .order(records::seq)
        .select(records::id)
        .first(conn)
        .optional()?;
    Ok(id.map(|id| id.0))
}
