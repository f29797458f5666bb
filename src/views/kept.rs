//! What views computed, kept until something that it read has changed.
//!
//! The records of a kind are cut into parts of some hundred. What is computed of a part is kept with
//! what it read ([`crate::world::reads`]). After a write, only the parts are computed again whose
//! own records have changed, or that read what has changed. What a result depends on besides the
//! world (the date, the settings, who asks) is its *basis*: results are kept for each basis.
//!
//! Results are kept for the current world alone. Those of an earlier world are computed as a whole.
//!
//! Memory: the records of the parts are those of the world, shared by all views. Results are kept for
//! [`MOST_BASES`] bases in each view, and dropped at the view's next answer once the world no longer
//! remembers what changed since they were made. In between they hold at most one older version of
//! each record.

#[cfg(test)]
pub(super) mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use uuid::Uuid;

use crate::world::changes::{Changed, Moment};
use crate::world::reads::{self, Reads};
use crate::world::record::BY_REFERENCE;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, World};

/// Number of records in a part when it is made. Smaller parts cost memory, larger ones time after a
/// write.
const PART: usize = if cfg!(test) { 8 } else { 512 };
/// A part with this many records is cut in two.
const LARGE: usize = 2 * PART;
/// Most bases that results are kept for, in each view.
const MOST_BASES: usize = 4;

/// The records of one part, by id.
pub struct Rows {
    pub kind: usize,
    pub records: Vec<Arc<dyn AnyRecord>>,
}

impl Rows {
    /// The place of a record in this part.
    pub fn place(&self, id: Uuid) -> Option<usize> {
        let last = self.records.last()?.meta().id;
        let is_between = self.first() <= id && id <= last;
        let found = || self.records.binary_search_by_key(&id, |r| r.meta().id);
        is_between.then(found)?.ok()
    }

    /// The record at this place.
    pub fn at(&self, place: u16) -> Option<&Arc<dyn AnyRecord>> {
        self.records.get(usize::from(place))
    }

    /// For each record, its place in the order of the references.
    pub fn ranks(&self) -> Vec<usize> {
        // References are mostly in the order of creation, so this is nearly sorted.
        let mut sorted: Vec<usize> = (0..self.records.len()).collect();
        sorted.sort_by_key(|row| self.records.get(*row).map(|r| r.key(BY_REFERENCE)));
        let mut ranks = vec![0; sorted.len()];
        for (rank, row) in sorted.into_iter().enumerate() {
            if let Some(place) = ranks.get_mut(row) {
                *place = rank;
            }
        }
        ranks
    }

    fn first(&self) -> Uuid {
        self.records.first().map_or(Uuid::nil(), |r| r.meta().id)
    }
}

/// The parts of each kind that a view has asked for, in one state of the world.
#[derive(Clone)]
struct Cut {
    stamp: u64,
    seq: i64,
    kinds: BTreeMap<usize, Vec<Arc<Rows>>>,
}

/// The parts of all kinds, shared by all views and callers. Parts without changes stay the same.
#[derive(Default)]
pub struct Parts(Mutex<Option<Arc<Cut>>>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cut(world: &World, kind: usize) -> Vec<Arc<Rows>> {
    let rows = world.table(kind).into_iter().flat_map(|t| t.rows());
    let rows: Vec<&Arc<dyn AnyRecord>> = rows.collect();
    let part = |records: &[&Arc<dyn AnyRecord>]| Rows {
        kind,
        records: records.iter().map(|r| Arc::clone(r)).collect(),
    };
    rows.chunks(PART).map(part).map(Arc::new).collect()
}

impl Cut {
    /// Brings the parts of one kind up to date. The changed records are given in no order, some of
    /// them several times.
    fn follow(&mut self, world: &World, kind: usize, changed: &[Uuid]) {
        let Some(parts) = self.kinds.get_mut(&kind) else {
            return;
        };
        let mut by_part: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
        for id in changed {
            // A record before the first part goes into the first.
            let at = parts
                .partition_point(|p| p.first() <= *id)
                .saturating_sub(1);
            by_part.entry(at).or_default().push(*id);
        }
        // From the last to the first, so that cutting one in two leaves the places of the others.
        for (at, ids) in by_part.into_iter().rev() {
            let mut records = parts.get(at).map_or_else(Vec::new, |p| p.records.clone());
            for id in ids {
                let now = world.any(id).filter(|r| r.meta().kind() == kind);
                match (records.binary_search_by_key(&id, |r| r.meta().id), now) {
                    (Ok(place), Some(now)) => {
                        if let Some(record) = records.get_mut(place) {
                            *record = Arc::clone(now);
                        }
                    }
                    (Ok(place), None) => drop(records.remove(place)),
                    (Err(place), Some(now)) => records.insert(place, Arc::clone(now)),
                    (Err(_), None) => {}
                }
            }
            let size = match records.len() {
                0..LARGE => LARGE,
                _ => PART,
            };
            let new: Vec<Arc<Rows>> = records
                .chunks(size)
                .map(|records| Rows {
                    kind,
                    records: records.to_vec(),
                })
                .map(Arc::new)
                .collect();
            parts.splice(at..(at + 1).min(parts.len()), new);
        }
    }
}

impl Parts {
    /// The parts of these kinds in a world.
    fn of(&self, world: &World, stamp: u64, kinds: &[usize]) -> Arc<Cut> {
        let before = locked(&self.0).clone();
        let changed = before
            .as_ref()
            .and_then(|before| world.applied_since(before.stamp));
        let mut now = match (&before, changed) {
            (Some(before), Some(changed)) => {
                let mut by_kind: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
                for (kind, id) in changed {
                    by_kind.entry(kind).or_default().push(id);
                }
                let mut now = Cut::clone(before);
                for (kind, ids) in by_kind {
                    now.follow(world, kind, &ids);
                }
                now
            }
            _ => Cut {
                stamp,
                seq: world.seq,
                kinds: BTreeMap::new(),
            },
        };
        (now.stamp, now.seq) = (stamp, world.seq);
        for kind in kinds {
            now.kinds.entry(*kind).or_insert_with(|| cut(world, *kind));
        }
        let now = Arc::new(now);
        let mut kept = locked(&self.0);
        // A request that was admitted earlier must not undo what a later one did.
        if kept.as_ref().is_none_or(|kept| kept.seq <= now.seq) {
            *kept = Some(Arc::clone(&now));
        }
        now
    }
}

/// What is computed of a part, record by record.
pub trait Made: Default + Send + Sync {
    /// Called once all records of the part were added.
    fn finish(&mut self, _: &Rows) {}
}

/// A part with what was computed of it.
pub struct Part<T> {
    pub rows: Arc<Rows>,
    pub made: T,
    reads: Reads,
}

/// The records of a part, and what is kept of it if that is still right.
type Todo<'a, T> = (&'a Arc<Rows>, Option<Arc<Part<T>>>);

/// The parts of one kind, as computed at some moment.
struct OfKind<T> {
    moment: Moment,
    seq: i64,
    parts: Vec<Arc<Part<T>>>,
}

/// What is kept for one basis, by kind.
struct OfBasis<B, T> {
    basis: B,
    kinds: HashMap<usize, Arc<OfKind<T>>>,
}

/// What a view computes of the parts of some kinds, kept for the bases asked for last.
pub struct Kept<B, T> {
    parts: Arc<Parts>,
    of: Mutex<VecDeque<OfBasis<B, T>>>,
}

impl<B: PartialEq, T: Made> Kept<B, T> {
    /// Nothing kept yet.
    pub fn new(parts: &Arc<Parts>) -> Self {
        Self {
            parts: Arc::clone(parts),
            of: Mutex::default(),
        }
    }

    /// What `add` makes of each part of these kinds, in the order of kinds and records. `add` gets
    /// each live record that the caller may see, with its place in the part. It uses only these, the
    /// basis and what it reads of the world.
    pub fn of(
        &self,
        seen: &VisibleWorld,
        basis: B,
        kinds: &[usize],
        add: impl Fn(&mut T, u16, &Arc<dyn AnyRecord>) + Sync,
    ) -> Vec<Arc<Part<T>>> {
        let world = seen.reading(chrono::NaiveDate::MIN).world;
        let Some(moment) = seen.moment() else {
            let rows: Vec<Arc<Rows>> = kinds.iter().flat_map(|k| cut(world, *k)).collect();
            let rows = rows.into_par_iter();
            return rows.map(|rows| made(seen, rows, &add)).collect();
        };
        let now = self.parts.of(world, moment.stamp(), kinds);
        let before = self.before(&basis);
        // Kinds may have been computed at different moments.
        let mut changes: HashMap<u64, Option<Changed>> = HashMap::new();
        let mut todo: Vec<Todo<'_, T>> = Vec::new();
        for kind in kinds {
            let old = before.get(kind);
            let changed = old.and_then(|old| {
                let known = changes.entry(old.moment.stamp());
                known
                    .or_insert_with(|| world.changed_since(&old.moment))
                    .as_ref()
            });
            let rows = now.kinds.get(kind).map_or(&[][..], Vec::as_slice);
            todo.extend(rows.iter().map(|rows| {
                let valid = old.zip(changed).and_then(|(old, changed)| {
                    let at = old
                        .parts
                        .binary_search_by_key(&rows.first(), |p| p.rows.first());
                    let part = old.parts.get(at.ok()?)?;
                    let same = Arc::ptr_eq(&part.rows, rows);
                    let is_valid =
                        same && !changed.affects(&part.reads, |id| rows.place(id).is_some());
                    is_valid.then(|| Arc::clone(part))
                });
                (rows, valid)
            }));
        }
        let all: Vec<Arc<Part<T>>> = todo
            .into_par_iter()
            .map(|(rows, valid)| valid.unwrap_or_else(|| made(seen, Arc::clone(rows), &add)))
            .collect();
        self.put(world, basis, &moment, (kinds, &all));
        all
    }

    fn before(&self, basis: &B) -> HashMap<usize, Arc<OfKind<T>>> {
        let kept = locked(&self.of);
        let same = kept.iter().find(|of| of.basis == *basis);
        same.map(|of| of.kinds.clone()).unwrap_or_default()
    }

    fn put(
        &self,
        world: &World,
        basis: B,
        moment: &Moment,
        (kinds, all): (&[usize], &[Arc<Part<T>>]),
    ) {
        let seq = world.seq;
        let mut kept = locked(&self.of);
        // What is older than the world remembers is of no use, and would hold old records.
        for of in kept.iter_mut() {
            of.kinds
                .retain(|_, old| old.seq > seq || world.remembers(old.moment.stamp()));
        }
        kept.retain(|of| !of.kinds.is_empty());
        let at = kept.iter().position(|of| of.basis == basis);
        let mut of = at.and_then(|at| kept.remove(at)).unwrap_or(OfBasis {
            basis,
            kinds: HashMap::new(),
        });
        for kind in kinds {
            let new = || OfKind {
                moment: moment.clone(),
                seq,
                parts: all
                    .iter()
                    .filter(|p| p.rows.kind == *kind)
                    .map(Arc::clone)
                    .collect(),
            };
            // A request that was admitted earlier must not undo what a later one did.
            if of.kinds.get(kind).is_none_or(|old| old.seq <= seq) {
                of.kinds.insert(*kind, Arc::new(new()));
            }
        }
        kept.push_front(of);
        kept.truncate(MOST_BASES);
    }
}

/// Computes one part.
fn made<T: Made>(
    seen: &VisibleWorld,
    rows: Arc<Rows>,
    add: &(impl Fn(&mut T, u16, &Arc<dyn AnyRecord>) + Sync),
) -> Arc<Part<T>> {
    let work = || {
        let mut made = T::default();
        for (place, record) in (0..).zip(&rows.records) {
            let id = record.meta().id;
            reads::with_own(id);
            if seen.is_live(record.as_ref()) && seen.may_see(id) {
                add(&mut made, place, record);
            }
        }
        made.finish(&rows);
        made
    };
    let (made, mut reads) = match seen.moment() {
        Some(_) => reads::recorded(work),
        None => (work(), Reads::default()),
    };
    reads.shrink();
    Arc::new(Part { rows, made, reads })
}

/// A result of a whole view, kept for the bases asked for last.
pub struct KeptWhole<B, T>(Mutex<VecDeque<Whole<B, T>>>);

struct Whole<B, T> {
    basis: B,
    moment: Moment,
    made: Arc<T>,
    reads: Arc<Reads>,
}

impl<B, T> Default for KeptWhole<B, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<B: PartialEq, T> KeptWhole<B, T> {
    /// What `make` makes from the basis and what it reads of the world.
    pub fn of(&self, seen: &VisibleWorld, basis: B, make: impl FnOnce() -> T) -> Arc<T> {
        let Some(moment) = seen.moment() else {
            return Arc::new(make());
        };
        let world = seen.reading(chrono::NaiveDate::MIN).world;
        let known = locked(&self.0).iter().find_map(|w| {
            let same = w.basis == basis;
            same.then(|| (w.moment.clone(), Arc::clone(&w.made), Arc::clone(&w.reads)))
        });
        let valid = known.filter(|(then, _, reads)| {
            let changed = world.changed_since(then);
            changed.is_some_and(|changed| !changed.affects(reads, |_| false))
        });
        let (made, reads) = match valid {
            Some((_, made, reads)) => (made, reads),
            None => {
                let (made, mut reads) = reads::recorded(make);
                reads.shrink();
                (Arc::new(made), Arc::new(reads))
            }
        };
        let mut kept = locked(&self.0);
        let is_useful = |w: &Whole<B, T>| world.remembers(w.moment.stamp());
        kept.retain(|w| w.basis != basis && is_useful(w));
        kept.push_front(Whole {
            basis,
            moment,
            made: Arc::clone(&made),
            reads,
        });
        kept.truncate(MOST_BASES);
        made
    }
}
