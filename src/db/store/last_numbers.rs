//! The highest numbers of generated references.

use diesel::prelude::*;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::last_numbers;

/// Returns the highest numbers of generated references by series (a kind, or the marked records of
/// a kind), for series in which a record has lost such a reference.
///
/// # Errors
/// The database cannot be queried.
pub fn last_numbers(conn: &mut Conn) -> Result<Vec<(String, i64)>, DbError> {
    Ok(last_numbers::table.load(conn)?)
}

pub(super) fn store(conn: &mut Conn, series: &str, number: u32) -> Result<(), DbError> {
    diesel::delete(last_numbers::table.filter(last_numbers::kind.eq(series))).execute(conn)?;
    diesel::insert_into(last_numbers::table)
        .values((
            last_numbers::kind.eq(series),
            last_numbers::number.eq(i64::from(number)),
        ))
        .execute(conn)?;
    Ok(())
}
