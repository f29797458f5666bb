//! Cache of what a view counted in each part of a kind's records. A write makes only the part that it
//! falls into stale; the others are reused.
//!
//! A part is valid as long as it has exactly the same records, which is checked by their addresses.
//! So nothing needs to be invalidated, and counts of an older world can never be mixed in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::gathering::{Gathered, PART, gather_part, of_kind};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource};

/// Most entries: several kinds of records, for callers with different visibility.
const MOST_ENTRIES: usize = 16;

/// A part of the records, and what was gathered from exactly these.
struct Part<T> {
    /// Held so that no other record can be allocated at the address of one of them.
    records: Vec<Arc<dyn AnyRecord>>,
    gathered: T,
}

impl<T> Part<T> {
    fn is_of(&self, records: &[&Arc<dyn AnyRecord>]) -> bool {
        let same =
            |(mine, theirs): (&Arc<dyn AnyRecord>, &&Arc<dyn AnyRecord>)| Arc::ptr_eq(mine, theirs);
        self.records.len() == records.len() && self.records.iter().zip(records).all(same)
    }
}

/// All parts of a kind's records, with what else the counts depend on.
struct Entry<B, T> {
    kind: &'static str,
    basis: Arc<B>,
    parts: Vec<Arc<Part<T>>>,
}

/// What was gathered, keyed by everything it depends on except the records themselves: the basis.
pub struct CachedCounts<B, T>(Mutex<VecDeque<Entry<B, T>>>);

impl<B, T> Default for CachedCounts<B, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: PartialEq + Send + Sync, T: Gathered + Clone + Sync> CachedCounts<B, T> {
    /// Gives the same result as [`super::gather`], and reuses cached parts whose records have not
    /// changed. `add` uses only the record and the basis.
    pub(super) fn gather<'a, R: Resource>(
        &self,
        seen: &'a VisibleWorld,
        basis: &Arc<B>,
        add: impl Fn(&mut T, &'a Rec<R>) + Sync,
    ) -> T {
        let rows: Vec<&'a Arc<dyn AnyRecord>> = seen
            .table_of::<R>()
            .into_iter()
            .flat_map(|t| t.rows())
            .collect();
        let add = of_kind(add);
        // There would be only one part, which every write to this kind makes stale.
        if rows.len() <= PART {
            return gather_part(seen, &rows, add);
        }
        let old = self.parts(R::KIND, basis);
        // Records are in the order of creation, so parts keep their places: a new record changes
        // the last part only.
        let part = |(n, records): (usize, &[&'a Arc<dyn AnyRecord>])| {
            if let Some(same) = old.get(n).filter(|p| p.is_of(records)) {
                return Arc::clone(same);
            }
            Arc::new(Part {
                records: records.iter().map(|r| Arc::clone(r)).collect(),
                gathered: gather_part(seen, records, &add),
            })
        };
        let parts: Vec<Arc<Part<T>>> = rows.par_chunks(PART).enumerate().map(part).collect();
        let mut all = T::default();
        parts.iter().for_each(|p| all.join(p.gathered.clone()));
        self.put(Entry {
            kind: R::KIND,
            basis: Arc::clone(basis),
            parts,
        });
        all
    }

    /// The cached parts; empty if nothing is cached.
    fn parts(&self, kind: &str, basis: &B) -> Vec<Arc<Part<T>>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = entries
            .iter()
            .find(|e| e.kind == kind && *e.basis == *basis);
        same.map(|e| e.parts.clone()).unwrap_or_default()
    }

    fn put(&self, new: Entry<B, T>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have put the same in the meantime. Either is right: parts are
        // compared with the records when they are used.
        entries.retain(|e| e.kind != new.kind || *e.basis != *new.basis);
        entries.push_front(new);
        entries.truncate(MOST_ENTRIES);
    }
}
