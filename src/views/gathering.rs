//! What views count or collect over the records of a kind, on all cores.

use std::sync::Arc;

use crate::world::seen::Seen;
use crate::world::{AnyRecord, Rec, Resource, Table};

/// Something counted or collected over records, part by part.
pub trait Gathered: Default + Send {
    /// Adds what a later part gathered.
    fn join(&mut self, other: Self);
}

/// Records that one thread goes through before the next part is taken.
pub(super) const PART: usize = 2048;

/// Goes through the live records of a kind that the caller may know of, on all cores; the parts are put together in the order of the records,
/// so the outcome does not depend on how many cores there are.
pub(super) fn gather<'a, R: Resource, T: Gathered>(
    seen: &'a Seen,
    add: impl Fn(&mut T, &'a Rec<R>) + Sync,
) -> T {
    gather_any(seen, seen.table_of::<R>(), of_kind(add))
}

/// Goes on from a record of any kind to one of this kind.
pub(super) fn of_kind<'a, R: Resource, T>(
    add: impl Fn(&mut T, &'a Rec<R>),
) -> impl Fn(&mut T, &'a Arc<dyn AnyRecord>) {
    move |gathered, record| {
        if let Some(record) = record.as_any().downcast_ref() {
            add(gathered, record);
        }
    }
}

/// The same, of a kind that is known only when it runs.
pub(super) fn gather_any<'a, T: Gathered>(
    seen: &'a Seen,
    kind: Option<&'a Table>,
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

/// Goes through those of these records that are live and that the caller may know of.
pub(super) fn gather_part<'a, T: Gathered>(
    seen: &Seen,
    rows: &[&'a Arc<dyn AnyRecord>],
    add: impl Fn(&mut T, &'a Arc<dyn AnyRecord>),
) -> T {
    let mut gathered = T::default();
    let shown = rows
        .iter()
        .filter(|r| r.meta().withdrawn_at.is_none() && seen.may_see(r.meta().id));
    shown.for_each(|r| add(&mut gathered, r));
    gathered
}
