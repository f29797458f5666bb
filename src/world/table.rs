//! The records of one kind: by id, in the kind's orders, by reference and by unique key.

use std::ops::Bound;
use std::sync::Arc;

use rayon::prelude::*;
use uuid::Uuid;

use super::collation::{reference_prefix, same_name};
use super::record::BY_REFERENCE;
use super::records::{Records, Slot};
use super::runs::{Keys, Runs};
use super::{AnyRecord, Key, Kind, Meta, Series};

/// Place of a record in an order: its key, then its id.
pub type Position = (Key, Uuid);

/// Place of a record among unique keys.
type UniquePosition = (Arc<[u8]>, Uuid);

/// Highest numbers used in references with a kind's prefix.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LastNumbers {
    open: u32,
    marked: u32,
}

impl LastNumbers {
    /// The number of a series.
    pub(super) fn of(&mut self, series: Series) -> &mut u32 {
        match series {
            Series::Open => &mut self.open,
            Series::Marked => &mut self.marked,
        }
    }

    /// Takes the number in a reference into account.
    pub(super) fn count(&mut self, kind: &Kind, reference: &str) {
        if let Some((series, number)) = Series::of(kind, reference) {
            let last = self.of(series);
            *last = (*last).max(number);
        }
    }
}

/// Where the records of one kind are.
#[derive(Clone, Default)]
pub(super) struct Indexes {
    rows: Runs<Uuid>,
    /// One for each sort order of the kind; the first is by reference.
    orders: Vec<Runs<Position>>,
    /// Live records by their unique key ([`super::Resource::unique`]), then by id: a marked record
    /// may have the key of one that was made by a caller who cannot see it.
    unique: Runs<UniquePosition>,
    /// Number of records that are withdrawn.
    withdrawn: usize,
    pub(super) last_numbers: LastNumbers,
}

/// What a new version of a record changes in the indexes of its kind.
pub(super) struct Moves {
    is_new: bool,
    is_gone: bool,
    /// Orders in which it has another place.
    orders: Vec<usize>,
    /// Whether it had a unique key that it has no longer.
    leaves_unique: bool,
    /// Whether it has a unique key that it had not.
    enters_unique: bool,
    was_withdrawn: bool,
    is_withdrawn: bool,
}

/// The unique key of a record, unless it is withdrawn.
fn unique_key(record: &dyn AnyRecord) -> Option<Vec<u8>> {
    let key = record.unique().map(|(_, key)| key);
    key.filter(|_| record.meta().withdrawn_at.is_none())
}

fn is_withdrawn(record: &dyn AnyRecord) -> bool {
    record.meta().withdrawn_at.is_some()
}

/// The keys of one of the sort orders.
struct Positions<'r> {
    records: &'r Records,
    sort: usize,
}

impl<'r> Positions<'r> {
    fn of(records: &'r Records, sort: usize) -> Self {
        Self { records, sort }
    }
}

impl Keys for Positions<'_> {
    type Key = Position;
    fn of(&self, slot: Slot) -> Position {
        let record = self.records.get(slot);
        record.map_or((Key::None, Uuid::nil()), |r| {
            (r.key(self.sort), r.meta().id)
        })
    }
    /// The place of a text in the order takes long to find. A reference's does not.
    fn is_dear(&self, (key, _): &Position) -> bool {
        self.sort != BY_REFERENCE && matches!(key, Key::Text(_))
    }
}

/// The unique keys.
struct UniquePositions<'r>(&'r Records);

impl Keys for UniquePositions<'_> {
    type Key = UniquePosition;
    fn of(&self, slot: Slot) -> UniquePosition {
        self.0.get(slot).map_or_else(Default::default, |r| {
            let key = r.unique().map(|(_, key)| key);
            (key.unwrap_or_default().into(), r.meta().id)
        })
    }
}

/// Slots in the order of their keys. Most are in order already, because records and their references
/// are made one after the other.
fn sorted<K: Ord + Clone + Send>(slots: &[Slot], by: &(impl Keys<Key = K> + Sync)) -> Runs<K> {
    if slots
        .iter()
        .map(|slot| by.of(*slot))
        .is_sorted_by(|a, b| a < b)
    {
        return Runs::in_order(slots, by);
    }
    let mut keyed: Vec<(K, Slot)> = slots.par_iter().map(|slot| (by.of(*slot), *slot)).collect();
    keyed.par_sort_unstable();
    let slots: Vec<Slot> = keyed.into_iter().map(|(_, slot)| slot).collect();
    Runs::in_order(&slots, by)
}

impl Indexes {
    /// The indexes of a kind without records.
    pub(super) fn empty(kind: &Kind) -> Self {
        Self {
            orders: vec![Runs::default(); kind.sorts.len()],
            ..Self::default()
        }
    }

    /// The indexes of these records of a kind, which are ordered by id.
    pub(super) fn of(kind: &Kind, slots: &[Slot], records: &Records) -> Self {
        let sorts: Vec<usize> = (0..kind.sorts.len()).collect();
        let orders = sorts.par_iter();
        let orders = orders.map(|sort| sorted(slots, &Positions::of(records, *sort)));
        let known = |slot: &Slot| records.get(*slot).map(AsRef::as_ref);
        let is_unique = |slot: &Slot| known(slot).and_then(unique_key).is_some();
        let unique: Vec<Slot> = slots.iter().copied().filter(is_unique).collect();
        let (orders, unique) = rayon::join(
            || orders.collect(),
            || sorted(&unique, &UniquePositions(records)),
        );
        let mut last_numbers = LastNumbers::default();
        for record in slots.iter().filter_map(known) {
            last_numbers.count(kind, &record.meta().reference);
        }
        Self {
            rows: Runs::in_order(slots, records),
            orders,
            unique,
            withdrawn: slots
                .iter()
                .filter_map(known)
                .filter(|r| is_withdrawn(*r))
                .count(),
            last_numbers,
        }
    }

    /// What changes when a record takes the place of another version of it, or of nothing, or is
    /// removed.
    pub(super) fn moves(&self, old: Option<&dyn AnyRecord>, new: Option<&dyn AnyRecord>) -> Moves {
        let moves = |sort: &usize| match (old, new) {
            (Some(old), Some(new)) => old.key(*sort) != new.key(*sort),
            _ => true,
        };
        let (was, is) = (old.and_then(unique_key), new.and_then(unique_key));
        let differs = was != is;
        Moves {
            is_new: old.is_none(),
            is_gone: new.is_none(),
            orders: (0..self.orders.len()).filter(moves).collect(),
            leaves_unique: was.is_some() && differs,
            enters_unique: is.is_some() && differs,
            was_withdrawn: old.is_some_and(is_withdrawn),
            is_withdrawn: new.is_some_and(is_withdrawn),
        }
    }

    /// Takes a record out of where it will not be any longer, while its old version is in place.
    pub(super) fn take_out(&mut self, slot: Slot, moves: &Moves, records: &Records) {
        self.withdrawn -= usize::from(moves.was_withdrawn);
        if moves.is_new {
            return;
        }
        for sort in &moves.orders {
            if let Some(order) = self.orders.get_mut(*sort) {
                order.remove(slot, &Positions::of(records, *sort));
            }
        }
        if moves.leaves_unique {
            self.unique.remove(slot, &UniquePositions(records));
        }
        if moves.is_gone {
            self.rows.remove(slot, records);
        }
    }

    /// Puts a record where it was not before, once its new version is in place.
    pub(super) fn put_in(&mut self, slot: Slot, moves: &Moves, records: &Records) {
        self.withdrawn += usize::from(moves.is_withdrawn);
        for sort in &moves.orders {
            if let Some(order) = self.orders.get_mut(*sort) {
                order.insert(slot, &Positions::of(records, *sort));
            }
        }
        if moves.enters_unique {
            self.unique.insert(slot, &UniquePositions(records));
        }
        if moves.is_new {
            self.rows.insert(slot, records);
        }
    }
}

/// The records of one kind in a world.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    pub(super) records: &'a Records,
    pub(super) indexes: &'a Indexes,
}

impl<'a> Table<'a> {
    /// Its records ordered by id, which is the order of creation.
    pub fn rows(self) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> {
        let rows = self.indexes.rows.all();
        rows.filter_map(move |slot| self.records.get(slot))
    }

    /// Its records in one of the kind's sort orders, from a position on.
    pub fn up(
        self,
        sort: usize,
        from: Bound<&Position>,
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a> {
        let slots = self.slots_up(sort, from);
        slots.filter_map(move |slot| self.records.get(slot))
    }

    /// The slots of these records.
    pub(super) fn slots_up(
        self,
        sort: usize,
        from: Bound<&Position>,
    ) -> impl Iterator<Item = Slot> + use<'a> {
        let order = self.indexes.orders.get(sort);
        let slots = order.map(|order| order.up(from, &Positions::of(self.records, sort)));
        slots.into_iter().flatten()
    }

    /// The same downwards, up to a position.
    pub fn down(
        self,
        sort: usize,
        until: Bound<&Position>,
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a> {
        let order = self.indexes.orders.get(sort);
        let slots = order.map(|order| order.down(until, &Positions::of(self.records, sort)));
        let slots = slots.into_iter().flatten();
        slots.filter_map(move |slot| self.records.get(slot))
    }

    /// The record with this reference, in upper or lower case. In a world with records that a caller
    /// cannot see, use [`Table::all_with_reference`].
    #[must_use]
    pub fn by_reference(self, reference: &str) -> Option<Uuid> {
        self.all_with_reference(reference).next()
    }

    /// The records with this reference, in upper or lower case: one, and perhaps others that not
    /// everyone can see. Older builds accepted references that differ only in case; those with
    /// exactly these letters come first.
    pub fn all_with_reference(self, reference: &str) -> impl Iterator<Item = Uuid> + use<> {
        let prefix = reference_prefix(reference);
        let from = (Key::Text(prefix.as_slice().into()), Uuid::nil());
        let records = self.up(BY_REFERENCE, Bound::Included(&from));
        let (exact, alike): (Vec<&Meta>, Vec<&Meta>) = records
            .take_while(
                |r| matches!(r.key(BY_REFERENCE), Key::Text(key) if key.starts_with(&prefix)),
            )
            .map(|record| record.meta())
            .filter(|meta| same_name(&meta.reference, reference))
            .partition(|meta| meta.reference == *reference);
        let ids: Vec<Uuid> = exact.into_iter().chain(alike).map(|meta| meta.id).collect();
        ids.into_iter()
    }

    /// Whether a record is of this kind.
    #[must_use]
    pub fn has(self, id: Uuid) -> bool {
        let rows = &self.indexes.rows;
        let slot = self.records.slot(id);
        slot.is_some_and(|slot| rows.has(slot, self.records))
    }

    /// The live records with this unique key ([`super::Resource::unique`]): one, and perhaps others
    /// that not everyone can see.
    pub fn by_unique(self, key: &[u8]) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a> {
        let wanted: Arc<[u8]> = key.into();
        let from = (Arc::clone(&wanted), Uuid::nil());
        self.unique_up(&from)
            .take_while(move |record| record.unique().is_some_and(|(_, key)| *key == *wanted))
    }

    /// The live records whose unique key starts with this prefix, in the order of the keys.
    pub fn unique_from<'p>(
        self,
        prefix: &'p [u8],
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a, 'p> {
        let from = (Arc::from(prefix), Uuid::nil());
        self.unique_up(&from)
            .take_while(move |r| r.unique().is_some_and(|(_, key)| key.starts_with(prefix)))
    }

    fn unique_up(
        self,
        from: &UniquePosition,
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a> {
        let unique = &self.indexes.unique;
        let slots = unique.up(Bound::Included(from), &UniquePositions(self.records));
        slots.filter_map(move |slot| self.records.get(slot))
    }

    /// Number of records, including withdrawn ones.
    #[must_use]
    pub fn len(self) -> usize {
        self.indexes.rows.len()
    }

    /// Number of records that are not withdrawn themselves.
    #[must_use]
    pub fn live(self) -> usize {
        self.len() - self.indexes.withdrawn
    }

    /// Whether the table is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
