//! Every record of a world by its id, and the number under which indexes know it.
//!
//! A record has a *slot*: a small number that stays the same through all its versions. Indexes hold
//! slots of four bytes, so an index costs little, a copy of a part of it copies plain numbers, and a
//! new version changes only the indexes whose keys it changes.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use imbl::Vector;
use uuid::Uuid;

use super::AnyRecord;
use super::runs::Keys;

/// Number of a record among all records.
pub(super) type Slot = u32;

/// By their ids.
impl Keys for Records {
    type Key = Uuid;
    fn of(&self, slot: Slot) -> Uuid {
        self.id(slot)
    }
}

/// Number of records that are found in the persistent map before all are put into the table. Below
/// it, the table is not worth making.
const FEW: usize = 1_024;

type Recent = imbl::GenericHashMap<Uuid, Slot, RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// The records of a world by slot and by id.
#[derive(Clone, Default)]
pub(super) struct Records {
    /// The record of each slot; none if it is not in this world.
    at: Vector<Option<Arc<dyn AnyRecord>>>,
    /// Slots of most records, by the hash of the id. It is made again from time to time, and never
    /// changed, so that copies of the world share it.
    settled: Arc<Settled>,
    /// Slots of the records since.
    recent: Recent,
    /// Number of records.
    count: usize,
}

#[derive(Default)]
struct Settled {
    slots: HashTable<Slot>,
    hasher: RandomState,
    /// Number of slots when it was made.
    until: usize,
}

impl Records {
    /// Records whose slots are their places.
    pub(super) fn of(records: Vec<Arc<dyn AnyRecord>>) -> Self {
        let mut all = Self {
            count: records.len(),
            at: records.into_iter().map(Some).collect(),
            ..Self::default()
        };
        all.settle();
        all
    }

    /// The slot of a record.
    pub(super) fn slot(&self, id: Uuid) -> Option<Slot> {
        let Settled { slots, hasher, .. } = self.settled.as_ref();
        let is_it = |slot: &Slot| self.get(*slot).is_some_and(|r| r.meta().id == id);
        let settled = slots.find(hasher.hash_one(id), is_it);
        settled.or_else(|| self.recent.get(&id)).copied()
    }

    /// The record of a slot.
    pub(super) fn get(&self, slot: Slot) -> Option<&Arc<dyn AnyRecord>> {
        self.at.get(slot as usize)?.as_ref()
    }

    /// The id of the record of a slot.
    pub(super) fn id(&self, slot: Slot) -> Uuid {
        self.get(slot)
            .map_or(Uuid::nil(), |record| record.meta().id)
    }

    /// The record with an id.
    pub(super) fn by_id(&self, id: Uuid) -> Option<&Arc<dyn AnyRecord>> {
        self.get(self.slot(id)?)
    }

    /// Puts a version of a record in the place of the one before. `slot` is where the one before is.
    pub(super) fn put(&mut self, slot: Option<Slot>, record: Arc<dyn AnyRecord>) -> Slot {
        if let Some(slot) = slot {
            self.at.set(slot as usize, Some(record));
            return slot;
        }
        let slot = Slot::try_from(self.at.len()).unwrap_or(Slot::MAX);
        self.recent.insert(record.meta().id, slot);
        self.at.push_back(Some(record));
        self.count += 1;
        // Each time a quarter more has come, so on average it takes a constant time for each.
        if self.recent.len() > FEW.max(self.settled.slots.len() / 4) {
            self.settle();
        }
        slot
    }

    /// Takes a record out.
    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(Some(gone)) = self.at.get(slot as usize) else {
            return;
        };
        self.recent.remove(&gone.meta().id);
        self.count -= 1;
        let at = slot as usize;
        if at + 1 == self.at.len() && at >= self.settled.until {
            self.at.pop_back();
        } else {
            self.at.set(at, None);
        }
    }

    /// Puts the slots of all records into one table.
    fn settle(&mut self) {
        let hasher = self.settled.hasher.clone();
        let mut slots = HashTable::with_capacity(self.count);
        let hash = |slot: &Slot| {
            let record = self.get(*slot);
            record.map_or(0, |r| hasher.hash_one(r.meta().id))
        };
        for (slot, record) in (0..).zip(&self.at) {
            if let Some(record) = record {
                slots.insert_unique(hasher.hash_one(record.meta().id), slot, hash);
            }
        }
        self.settled = Arc::new(Settled {
            slots,
            hasher,
            until: self.at.len(),
        });
        self.recent = Recent::default();
    }
}
