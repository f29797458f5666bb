//! Which units have published good practice. Gaps and the coverage matrix both ask here.

use uuid::Uuid;

use crate::registers::communications::GoodPractice;
use crate::registers::organisation::Unit;
use crate::world::Rec;
use crate::world::visible::VisibleWorld;

/// Most units above one another.
const DEEPEST: usize = 50;

/// Every published example of good practice, with the units that it counts for: its own and those
/// above it, nearest first.
pub fn published(seen: &VisibleWorld) -> impl Iterator<Item = (&Rec<GoodPractice>, Vec<Uuid>)> {
    let published = seen
        .live::<GoodPractice>()
        .filter(|p| p.data.is_published());
    published.map(|practice| {
        let above = |id: &Uuid| {
            let unit = seen.get::<Unit>(*id)?;
            unit.data.parent_id.map(Uuid::from)
        };
        let units = std::iter::successors(Some(practice.data.unit_id.uuid()), above);
        (practice, units.take(DEEPEST).collect())
    })
}
