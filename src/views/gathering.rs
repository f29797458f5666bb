//! What views count or collect over the records of a kind, on all cores.

use std::sync::Arc;

use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource, Table};

/// Something counted or collected over records, part by part.
pub trait Gathered: Default + Send {
    /// Adds what a later part gathered.
    fn join(&mut self, other: Self);
}

/// Number of records that one thread goes through before it takes the next part.
pub(super) const PART: usize = 2048;

/// Goes through the live records of a kind that are visible to the caller, on all cores. The parts
/// are joined in the order of the records, so the result does not depend on the number of cores.
pub(super) fn gather<'a, R: Resource, T: Gathered>(
    seen: &'a VisibleWorld,
    add: impl Fn(&mut T, &'a Rec<R>) + Sync,
) -> T {
    gather_any(seen, seen.table_of::<R>(), of_kind(add))
}

/// Turns a function for records of this kind into one for records of any kind.
pub(super) fn of_kind<'a, R: Resource, T>(
    add: impl Fn(&mut T, &'a Rec<R>),
) -> impl Fn(&mut T, &'a Arc<dyn AnyRecord>) {
    move |gathered, record| {
        if let Some(record) = record.as_any().downcast_ref() {
            add(gathered, record);
        }
    }
}

/// The same, for a kind that is known only at run time.
pub(super) fn gather_any<'a, T: Gathered>(
    seen: &'a VisibleWorld,
    kind: Option<Table<'a>>,
    add: impl Fn(&mut T, &'a Arc<dyn AnyRecord>) + Sync,
) -> T {
    use rayon::prelude::*;
    let rows: Vec<&'a Arc<dyn AnyRecord>> = kind.into_iter().flat_map(Table::rows).collect();
    let parts: Vec<T> = match rows.len() {
        0..=PART => return gather_part(seen, &rows, add),
        _ => rows
            .par_chunks(PART)
            .map(|part| gather_part(seen, part, &add))
            .collect(),
    };
    let mut all = T::default();
    parts.into_iter().for_each(|p| all.join(p));
    all
}

/// Goes through those of these records that are live and visible to the caller.
pub(super) fn gather_part<'a, T: Gathered>(
    seen: &VisibleWorld,
    rows: &[&'a Arc<dyn AnyRecord>],
    add: impl Fn(&mut T, &'a Arc<dyn AnyRecord>),
) -> T {
    let mut gathered = T::default();
    let shown = rows
        .iter()
        .filter(|r| seen.is_live(r.as_ref()) && seen.may_see(r.meta().id));
    shown.for_each(|r| add(&mut gathered, r));
    gathered
}
