//! What a work-plan item waits for. Items and dependencies both ask, and know each other, so this
//! reads them as records of any kind.

use uuid::Uuid;

use crate::world::Reading;
use crate::world::dates::Progress;

/// The records that an item is still waiting for: those that it depends on, and the items that are
/// part of it, because it is complete only once they are. The dependency `but` is ignored.
pub fn awaited(reading: Reading<'_>, item: Uuid, but: Uuid) -> Vec<Uuid> {
    let mut awaited = Vec::new();
    for source in reading.world.pointing_to(item) {
        if source.meta().id == but || !reading.is_live(source.as_ref()) {
            continue;
        }
        let links = source.links();
        let linked = |pointer: &str| links.iter().find(|l| l.pointer == pointer).map(|l| l.id);
        if linked("/parent_id") == Some(item) {
            awaited.push(source.meta().id);
        }
        let is_open = || source.deadline(reading).progress == Progress::Open;
        if linked("/item_id") == Some(item) && is_open() {
            awaited.extend(linked("/on_id"));
        }
    }
    awaited
}
