//! Everything that is kept, as a file that `stride load` takes again into an empty database: records as they stand, with ids, dates and
//! computed fields. Accounts, grants and secrets stay here, and so does the history, which is the journal's (back up the database).

use serde_json::{Value, json};

use super::load::FORMAT;
use crate::policy::Subject;
use crate::world::World;

/// The world as a file to load: every record as it stands, in the order of the kinds.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "for who holds the database: the file is to be loaded again"
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
