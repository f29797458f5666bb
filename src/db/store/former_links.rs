//! Links that records no longer have: where to look for what a record was linked with at an earlier
//! time.

use diesel::prelude::*;
use uuid::Uuid;

use crate::db::connection::{Conn, DbError};
use crate::db::schema::former_links;
use crate::db::types::Guid;

/// A record that linked to another record and does not link to it any more.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = former_links)]
pub struct FormerLinkRow {
    pub target_id: Guid,
    pub record_id: Guid,
}

/// Returns the records that have linked to these records and may not link to them any more.
///
/// # Errors
/// The database cannot be queried.
pub fn former_links_to(conn: &mut Conn, targets: &[Uuid]) -> Result<Vec<FormerLinkRow>, DbError> {
    let targets: Vec<Guid> = targets.iter().map(|id| Guid(*id)).collect();
    Ok(former_links::table
        .filter(former_links::target_id.eq_any(targets))
        .order((former_links::target_id, former_links::record_id))
        .select(FormerLinkRow::as_select())
        .load(conn)?)
}

/// Notes a link that a record no longer has. The writer is alone, so nobody else notes it meanwhile.
pub(super) fn add(conn: &mut Conn, target: Uuid, record: Uuid) -> Result<(), DbError> {
    let (target_id, record_id) = (Guid(target), Guid(record));
    let known = former_links::table.find((target_id, record_id));
    if !diesel::select(diesel::dsl::exists(known)).get_result::<bool>(conn)? {
        let row = FormerLinkRow {
            target_id,
            record_id,
        };
        diesel::insert_into(former_links::table)
            .values(&row)
            .execute(conn)?;
    }
    Ok(())
}
