//! Everything that is kept, as a file that `stride load` takes again into an empty database. Accounts, grants and secrets stay here.

use serde_json::{Value, json};

use super::load::FORMAT;
use crate::access::policy::Subject;
use crate::world::{World, schema};

/// The world as a file to load. Records stand in the order of their last change, except that what others point to comes first.
#[must_use]
pub fn document(world: &World) -> Value {
    let catalogue = world.catalogue();
    let mut records = Vec::new();
    let mut done = std::collections::HashSet::new();
    for kind in catalogue.kinds().iter().filter(|k| k.subject != Subject::Access) {
        for record in world.table(kind.index).into_iter().flat_map(|t| t.rows()) {
            visit(world, record.meta().id, &mut done, &mut records);
        }
    }
    json!({ "format": FORMAT, "about": format!("Export at journal entry {}", world.seq), "records": records })
}

/// Puts what a record points to before it.
fn visit(world: &World, id: uuid::Uuid, done: &mut std::collections::HashSet<uuid::Uuid>, out: &mut Vec<Value>) {
    if !done.insert(id) {
        return;
    }
    let Some(record) = world.any(id) else { return };
    for link in record.links() {
        visit(world, link.id, done, out);
    }
    let kind = world.catalogue().kinds().get(record.meta().kind).map_or("", |k| k.name);
    let mut item = json!({ "kind": kind, "id": id, "record": record.draft() });
    if record.meta().withdrawn_at.is_some() {
        schema::set(&mut item, "withdrawn", true);
    }
    out.push(item);
}
