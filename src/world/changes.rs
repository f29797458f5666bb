//! What changed between two states of the world: a short memory of the last changes, which is part
//! of the world and copied with it.
//!
//! Each change gets a stamp that no other has, in any copy of any world. A world whose memory has
//! the last stamp of an earlier state has followed from that state by the changes after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use imbl::{OrdSet, Vector};
use uuid::Uuid;

use super::reads::{self, Keys, Reads};
use super::visible::Clearance;
use super::{AnyRecord, IdMap, IdSet, World};

/// Number of changes remembered. For a state before them, the answer is that everything may
/// have changed.
const MOST: usize = 1_024;

static STAMPS: AtomicU64 = AtomicU64::new(1);

/// One record, before and after a change.
#[derive(Clone)]
struct Change {
    stamp: u64,
    old: Option<Arc<dyn AnyRecord>>,
    new: Option<Arc<dyn AnyRecord>>,
}

/// The last changes.
#[derive(Clone, Default)]
pub(super) struct Changes {
    /// Stamp of the state before the first of them.
    before: u64,
    last: Vector<Change>,
}

impl Changes {
    pub(super) fn add(&mut self, old: Option<Arc<dyn AnyRecord>>, new: Option<Arc<dyn AnyRecord>>) {
        let stamp = STAMPS.fetch_add(1, Ordering::Relaxed);
        self.last.push_back(Change { stamp, old, new });
        if self.last.len() > MOST
            && let Some(first) = self.last.pop_front()
        {
            self.before = first.stamp;
        }
    }

    /// Remembers nothing of what led to the current state, which is another one than before.
    pub(super) fn skip(&mut self) {
        self.before = STAMPS.fetch_add(1, Ordering::Relaxed);
        self.last.clear();
    }

    fn stamp(&self) -> u64 {
        self.last.last().map_or(self.before, |change| change.stamp)
    }

    /// The records of the changes after this stamp; none if it is not remembered.
    fn after(&self, stamp: u64) -> Option<impl Iterator<Item = &Arc<dyn AnyRecord>>> {
        let first = match stamp == self.before {
            true => 0,
            false => 1 + self.last.binary_search_by_key(&stamp, |c| c.stamp).ok()?,
        };
        let changes = self.last.iter().skip(first);
        Some(changes.flat_map(|change| change.old.iter().chain(&change.new)))
    }
}

/// A state of the world as some callers see it.
#[derive(Clone)]
pub struct Moment {
    stamp: u64,
    lapsed: OrdSet<Uuid>,
    /// Records that are hidden from those without clearance; none for those who see all.
    hidden: Option<Arc<IdSet>>,
}

impl Moment {
    /// Differs between any two states.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.stamp
    }
}

/// What changed since an earlier state: records, and what links to what.
#[derive(Default)]
pub struct Changed {
    keys: Keys,
    records: IdSet,
    /// For each record that is linked to, the kinds of the changed records that link to it or did.
    targets: IdMap<u128>,
}

impl Changed {
    fn add(&mut self, record: &dyn AnyRecord) {
        let (id, kind) = (record.meta().id, record.meta().kind());
        self.records.insert(id);
        self.keys.insert(reads::key_of_record(id));
        self.keys.insert(reads::key_of_kind(kind));
        for target in record.targets() {
            self.keys.insert(reads::key_of_pointing(target, Some(kind)));
            self.keys.insert(reads::key_of_pointing(target, None));
            *self.targets.entry(target).or_default() |= reads::bit(kind);
        }
    }

    /// Whether it may change the result of a computation about its own records that read this.
    pub fn affects(&self, reads: &Reads, is_own: impl Fn(Uuid) -> bool) -> bool {
        let links = |(id, kinds): (&Uuid, &u128)| reads.has_of_own(*kinds) && is_own(*id);
        reads.has_any(&self.keys)
            || self.records.iter().any(|id| is_own(*id))
            || self.targets.iter().any(links)
    }
}

impl World {
    /// The current state, as callers with this clearance see it.
    #[must_use]
    pub fn moment(&self, clearance: &Clearance) -> Moment {
        Moment {
            stamp: self.changes.stamp(),
            lapsed: self.lapsed.clone(),
            hidden: (*clearance != Clearance::All).then(|| Arc::clone(self.hidden())),
        }
    }

    /// Whether it is known what changed since an earlier state.
    #[must_use]
    pub fn remembers(&self, then: u64) -> bool {
        self.changes.after(then).is_some()
    }

    /// The records that were applied since an earlier state, some of them several times; none if
    /// that is not known.
    #[must_use]
    pub fn applied_since(&self, then: u64) -> Option<Vec<(usize, Uuid)>> {
        let records = self.changes.after(then)?;
        Some(records.map(|r| (r.meta().kind(), r.meta().id)).collect())
    }

    /// What changed since an earlier state, for the callers that it was taken for; none if that is
    /// not known.
    #[must_use]
    pub fn changed_since(&self, then: &Moment) -> Option<Changed> {
        let mut changed = Changed::default();
        for record in self.changes.after(then.stamp)? {
            changed.add(record.as_ref());
        }
        let mut turned: Vec<Uuid> = Vec::new();
        if !then.lapsed.ptr_eq(&self.lapsed) {
            turned.extend(then.lapsed.iter().filter(|id| !self.lapsed.contains(*id)));
            turned.extend(self.lapsed.iter().filter(|id| !then.lapsed.contains(*id)));
        }
        if let Some(was) = &then.hidden
            && !Arc::ptr_eq(was, self.hidden())
        {
            turned.extend(was.symmetric_difference(self.hidden()));
        }
        let turned = turned.iter().filter_map(|id| self.records.by_id(*id));
        turned.for_each(|record| changed.add(record.as_ref()));
        Some(changed)
    }
}
