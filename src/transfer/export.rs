//! Exports all records to a file that `stride load` can read into an empty database: the current
//! version of each record, with ids, dates and computed fields. Accounts, grants and secrets are
//! not exported. Neither is the history, which is in the journal (back up the database for that).

use serde_json::{Value, json};

use super::load::FORMAT;
use crate::policy::Subject;
use crate::world::World;

/// What an export leaves out.
pub const LEFT_OUT: &str = "an export has the current records. It leaves out the history, accounts \
    with their grants and secrets, personal data, and the files of documents. To keep everything, \
    use `stride backup`; to move to another database, `stride copy --to URL`";

/// Returns the world as a file for loading: the current version of every record, in the order of
/// the kinds.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "for the holder of the database, who may load the file again"
)]
pub fn document(world: &World) -> Value {
    let mut records = Vec::new();
    for kind in world
        .catalogue()
        .kinds()
        .iter()
        .filter(|k| k.subject != Subject::Access)
    {
        for record in world.table(kind.index).into_iter().flat_map(|t| t.rows()) {
            let json = record.json().unwrap_or_default();
            let snapshot: Value = serde_json::from_slice(&json).unwrap_or_default();
            records.push(json!({ "kind": kind.name, "shape": kind.shape, "snapshot": snapshot }));
        }
    }
    json!({ "format": FORMAT, "about": format!("Export at journal entry {}", world.seq), "records": records })
}
