//! Cache of what a view gathered from each part of a kind's records. A write makes only the part
//! that it falls into stale; the others are reused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::gathering::{Gathered, PART, gather_part, of_kind};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource};

/// Most wholes kept: several kinds of records, for callers with different visibility.
const WHOLES: usize = 16;

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

/// All parts of a kind's records.
struct Whole<B, T> {
    kind: &'static str,
    basis: Arc<B>,
    parts: Vec<Arc<Part<T>>>,
}

/// What was gathered, keyed by everything it depends on except the records themselves: the basis.
pub struct Kept<B, T>(Mutex<VecDeque<Whole<B, T>>>);

impl<B, T> Default for Kept<B, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: PartialEq + Send + Sync, T: Gathered + Clone + Sync> Kept<B, T> {
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
        if rows.len() <= PART {
            return gather_part(seen, &rows, add);
        }
        let old = self.parts(R::KIND, basis);
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
        self.put(Whole {
            kind: R::KIND,
            basis: Arc::clone(basis),
            parts,
        });
        all
    }

    /// The cached parts; empty if nothing is cached.
    fn parts(&self, kind: &str, basis: &B) -> Vec<Arc<Part<T>>> {
        let wholes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = wholes.iter().find(|w| w.kind == kind && *w.basis == *basis);
        same.map(|w| w.parts.clone()).unwrap_or_default()
    }

    fn put(&self, new: Whole<B, T>) {
        let mut wholes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wholes.retain(|w| w.kind != new.kind || *w.basis != *new.basis);
        wholes.push_front(new);
        wholes.truncate(WHOLES);
    }
}
