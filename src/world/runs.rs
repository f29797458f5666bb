//! Slots in an order, in short runs.
//!
//! A run is an array of slots that is never changed: a write copies one short run, and everything
//! else is shared with the world before it.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use super::records::Slot;

/// Most slots in a run, and in one whose keys are kept: a copy of those counts the references of
/// every key.
const LONGEST: usize = 124;
const LONGEST_KEPT: usize = 32;
/// How full runs are made, so that what comes later has room. With the counts of a shared pointer,
/// these lengths fill what the allocator gives.
const MADE: usize = 108;
const MADE_KEPT: usize = 24;

/// The keys by which slots are ordered. No two slots share one.
pub(super) trait Keys {
    type Key: Ord + Clone;
    /// The key of a slot.
    fn of(&self, slot: Slot) -> Self::Key;
    /// Whether it takes so long to make a key that it is kept.
    fn is_dear(&self, _key: &Self::Key) -> bool {
        false
    }
}

/// Slots in the order of their keys. The caller says which key a slot has, and changes a slot's key
/// only while the slot is not in here.
#[derive(Clone)]
pub(super) struct Runs<K: Ord + Clone> {
    runs: Form<K>,
    count: usize,
}

#[derive(Clone)]
enum Form<K: Ord + Clone> {
    One(Run<K>),
    /// By the key of the first slot in each.
    Many(OrdMap<K, Run<K>>),
}

#[derive(Clone)]
struct Run<K> {
    slots: Arc<[Slot]>,
    /// The keys of the slots, if they are dear.
    keys: Option<Arc<[K]>>,
}

impl<K> Default for Run<K> {
    fn default() -> Self {
        Self {
            slots: Arc::default(),
            keys: None,
        }
    }
}

impl<K: Ord + Clone> Run<K> {
    fn of(slots: &[Slot], by: &impl Keys<Key = K>) -> Self {
        let dear = |slot: &Slot| by.is_dear(&by.of(*slot));
        let is_dear = slots.first().is_some_and(dear) || slots.last().is_some_and(dear);
        let keys = is_dear.then(|| slots.iter().map(|slot| by.of(*slot)).collect());
        Self {
            slots: slots.into(),
            keys,
        }
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn is_too_long(&self) -> bool {
        let most = if self.keys.is_some() {
            LONGEST_KEPT
        } else {
            LONGEST
        };
        self.len() > most
    }

    /// Number of slots at its beginning whose keys pass a test that the others do not pass.
    fn count_while(&self, by: &impl Keys<Key = K>, test: impl Fn(&K) -> bool) -> usize {
        match &self.keys {
            Some(keys) => keys.partition_point(test),
            None => self.slots.partition_point(|slot| test(&by.of(*slot))),
        }
    }

    fn key(&self, at: usize, by: &impl Keys<Key = K>) -> Option<K> {
        match &self.keys {
            Some(keys) => keys.get(at).cloned(),
            None => self.slots.get(at).map(|slot| by.of(*slot)),
        }
    }

    /// How many of its slots come before a key. Most of what comes is new, and so is its key.
    fn count_before(&self, key: &K, by: &impl Keys<Key = K>) -> usize {
        let last = self.len().checked_sub(1).and_then(|at| self.key(at, by));
        match last {
            Some(last) if last < *key => self.len(),
            _ => self.count_while(by, |other| other < key),
        }
    }

    fn with(&self, at: usize, slot: Slot, key: &K, by: &impl Keys<Key = K>) -> Self {
        let is_dear = self.keys.is_some() || by.is_dear(key);
        let known = |at: usize| self.key(at, by);
        let keys = is_dear.then(|| {
            let before = (0..at).filter_map(known);
            let after = (at..self.len()).filter_map(known);
            before
                .chain(std::iter::once(key.clone()))
                .chain(after)
                .collect()
        });
        Self {
            slots: put_in(&self.slots, at, slot),
            keys,
        }
    }

    fn without(&self, at: usize) -> Self {
        Self {
            slots: taken_out(&self.slots, at),
            keys: self.keys.as_ref().map(|keys| taken_out(keys, at)),
        }
    }

    /// Both parts of a run that has become too long. What grows at its end leaves full runs behind.
    fn cut(&self, at: usize) -> [Self; 2] {
        let middle = match at + 1 == self.len() {
            true => at,
            false => self.len() / 2,
        };
        let [first, second] = halves(&self.slots, middle);
        let [keys, later] = match &self.keys {
            Some(keys) => halves(keys, middle).map(Some),
            None => [None, None],
        };
        [
            Self { slots: first, keys },
            Self {
                slots: second,
                keys: later,
            },
        ]
    }
}

fn put_in<T: Clone>(all: &[T], at: usize, one: T) -> Arc<[T]> {
    let (before, after) = all.split_at_checked(at).unwrap_or((all, &[]));
    let mut new = Vec::with_capacity(all.len() + 1);
    new.extend_from_slice(before);
    new.push(one);
    new.extend_from_slice(after);
    new.into()
}

fn taken_out<T: Clone>(all: &[T], at: usize) -> Arc<[T]> {
    let mut rest = all.to_vec();
    if at < rest.len() {
        rest.remove(at);
    }
    rest.into()
}

fn halves<T: Clone>(all: &[T], middle: usize) -> [Arc<[T]>; 2] {
    let (first, second) = all.split_at_checked(middle).unwrap_or((all, &[]));
    [first.into(), second.into()]
}

impl<K: Ord + Clone> Default for Runs<K> {
    fn default() -> Self {
        Self {
            runs: Form::One(Run::default()),
            count: 0,
        }
    }
}

impl<K: Ord + Clone> Runs<K> {
    /// Slots that are in order.
    pub(super) fn in_order(slots: &[Slot], by: &impl Keys<Key = K>) -> Self {
        let keyed = |slots: &[Slot]| {
            let run = Run::of(slots, by);
            Some((run.key(0, by)?, run))
        };
        let mut first = slots.iter().take(MADE_KEPT);
        let made = match first.any(|slot| by.is_dear(&by.of(*slot))) {
            true => MADE_KEPT,
            false => MADE,
        };
        let runs = match slots.len() <= made {
            true => Form::One(Run::of(slots, by)),
            false => Form::Many(slots.chunks(made).filter_map(keyed).collect()),
        };
        Self {
            runs,
            count: slots.len(),
        }
    }

    /// Whether a slot is in here.
    pub(super) fn has(&self, slot: Slot, by: &impl Keys<Key = K>) -> bool {
        let key = by.of(slot);
        self.up(Bound::Included(&key), by).next() == Some(slot)
    }

    /// Number of slots.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Puts a slot in.
    pub(super) fn insert(&mut self, slot: Slot, by: &impl Keys<Key = K>) {
        let key = by.of(slot);
        self.count += 1;
        match &mut self.runs {
            Form::One(run) => {
                let at = run.count_before(&key, by);
                let new = run.with(at, slot, &key, by);
                if !new.is_too_long() {
                    *run = new;
                    return;
                }
                let keyed = new.cut(at).into_iter();
                let keyed = keyed.filter_map(|run| Some((run.key(0, by)?, run)));
                self.runs = Form::Many(keyed.collect());
            }
            Form::Many(runs) => {
                let before = runs.get_prev(&key);
                let before = before.or_else(|| runs.get_min().map(|(first, run)| (first, run)));
                let Some((first, run)) = before.map(|(first, run)| (first.clone(), run.clone()))
                else {
                    runs.insert(key, Run::of(&[slot], by));
                    return;
                };
                let at = run.count_before(&key, by);
                let new = run.with(at, slot, &key, by);
                if at == 0 {
                    runs.remove(&first);
                }
                if !new.is_too_long() {
                    runs.insert(if at == 0 { key } else { first }, new);
                    return;
                }
                for run in new.cut(at) {
                    if let Some(first) = run.key(0, by) {
                        runs.insert(first, run);
                    }
                }
            }
        }
    }

    /// Takes a slot out. Its key must still be the one that it was put in with.
    pub(super) fn remove(&mut self, slot: Slot, by: &impl Keys<Key = K>) {
        let key = by.of(slot);
        let place = |run: &Run<K>| {
            let at = run.count_while(by, |other| *other < key);
            (run.slots.get(at) == Some(&slot)).then_some(at)
        };
        match &mut self.runs {
            Form::One(run) => {
                if let Some(at) = place(run) {
                    *run = run.without(at);
                    self.count -= 1;
                }
            }
            Form::Many(runs) => {
                let Some((first, run)) = runs.get_prev(&key) else {
                    return;
                };
                let Some(at) = place(run) else {
                    return;
                };
                let (first, rest) = (first.clone(), run.without(at));
                self.count -= 1;
                if at == 0 {
                    runs.remove(&first);
                }
                match rest.key(0, by) {
                    Some(key) if at == 0 => drop(runs.insert(key, rest)),
                    Some(_) => drop(runs.insert(first, rest)),
                    None => {}
                }
            }
        }
    }

    /// The slots from a key on, in order.
    pub(super) fn up<'a, B: Keys<Key = K>>(
        &'a self,
        from: Bound<&K>,
        by: &B,
    ) -> impl Iterator<Item = Slot> + use<'a, K, B> {
        let (first, rest) = match &self.runs {
            Form::One(run) => (Some(run), None),
            Form::Many(runs) => match key_of(from).and_then(|key| runs.get_prev(key)) {
                Some((first, run)) => {
                    let rest = (Bound::Excluded(first.clone()), Bound::Unbounded);
                    (Some(run), Some(runs.range(rest)))
                }
                None => (None, Some(runs.range::<_, K>(..))),
            },
        };
        let first = first.map_or([].as_slice(), |run| {
            let at = run.count_while(by, |other| match from {
                Bound::Included(key) => other < key,
                Bound::Excluded(key) => other <= key,
                Bound::Unbounded => false,
            });
            run.slots.get(at..).unwrap_or_default()
        });
        let rest = rest.into_iter().flatten();
        let rest = rest.flat_map(|(_, run)| run.slots.iter());
        first.iter().chain(rest).copied()
    }

    /// The slots up to a key, in descending order.
    pub(super) fn down<'a, B: Keys<Key = K>>(
        &'a self,
        until: Bound<&K>,
        by: &B,
    ) -> impl Iterator<Item = Slot> + use<'a, K, B> {
        let (last, rest) = match &self.runs {
            Form::One(run) => (Some(run), None),
            Form::Many(runs) => match key_of(until) {
                None => (None, Some(runs.range::<_, K>(..))),
                Some(key) => match runs.get_prev(key) {
                    Some((first, run)) => (Some(run), Some(runs.range(..first.clone()))),
                    None => (None, None),
                },
            },
        };
        let last = last.map_or([].as_slice(), |run| {
            let end = run.count_while(by, |other| match until {
                Bound::Included(key) => other <= key,
                Bound::Excluded(key) => other < key,
                Bound::Unbounded => true,
            });
            run.slots.get(..end).unwrap_or_default()
        });
        let rest = rest.into_iter().flatten().rev();
        let rest = rest.flat_map(|(_, run)| run.slots.iter().rev());
        last.iter().rev().chain(rest).copied()
    }

    /// All slots, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = Slot> + use<'_, K> {
        let (one, many) = match &self.runs {
            Form::One(run) => (Some(run), None),
            Form::Many(runs) => (None, Some(runs.values())),
        };
        let runs = one.into_iter().chain(many.into_iter().flatten());
        runs.flat_map(|run| run.slots.iter().copied())
    }
}

fn key_of<K>(bound: Bound<&K>) -> Option<&K> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// In another order than the slots, and some keys are kept.
    struct Mixed {
        are_dear: bool,
    }

    impl Keys for Mixed {
        type Key = u32;
        fn of(&self, slot: Slot) -> u32 {
            key(slot)
        }
        fn is_dear(&self, key: &u32) -> bool {
            self.are_dear && !key.is_multiple_of(3)
        }
    }

    fn key(slot: Slot) -> u32 {
        slot.reverse_bits() ^ slot
    }

    proptest! {
        /// Compared with a set, after every change, from every bound and in both directions.
        #[test]
        fn they_are_a_set_in_order(
            changes in proptest::collection::vec((any::<bool>(), 0_u32..400), 0..900),
            ascending in 0_u32..300,
            bounds in proptest::collection::vec(0_u32..400, 8),
            are_dear in any::<bool>(),
        ) {
            let by = &Mixed { are_dear };
            let mut runs = Runs::in_order(&[], by);
            let mut set = BTreeSet::new();
            let mut grown: Vec<Slot> = (0..ascending).collect();
            grown.sort_by_key(|slot| key(*slot));
            for slot in grown {
                runs.insert(slot, by);
                set.insert((key(slot), slot));
            }
            for (is_in, slot) in changes {
                if is_in && set.insert((key(slot), slot)) {
                    runs.insert(slot, by);
                } else if !is_in {
                    set.remove(&(key(slot), slot));
                    runs.remove(slot, by);
                }
                prop_assert_eq!(runs.len(), set.len());
            }
            let all: Vec<Slot> = set.iter().map(|(_, slot)| *slot).collect();
            prop_assert_eq!(runs.all().collect::<Vec<_>>(), all.clone());
            let made = Runs::in_order(&all, by);
            for runs in [&runs, &made] {
                let up: Vec<_> = runs.up(Bound::Unbounded, by).collect();
                let down: Vec<_> = runs.down(Bound::Unbounded, by).collect();
                prop_assert_eq!(&up, &all);
                prop_assert_eq!(down.into_iter().rev().collect::<Vec<_>>(), all.clone());
                for at in &bounds {
                    let at = key(*at);
                    for (from, keeps) in [(Bound::Included(&at), true), (Bound::Excluded(&at), false)] {
                        let up: Vec<_> = runs.up(from, by).collect();
                        let down: Vec<_> = runs.down(from, by).collect();
                        let above = |k: u32| k > at || (keeps && k == at);
                        let below = |k: u32| k < at || (keeps && k == at);
                        let is = |test: &dyn Fn(u32) -> bool| {
                            all.iter().copied().filter(|s| test(key(*s))).collect::<Vec<_>>()
                        };
                        prop_assert_eq!(up, is(&above));
                        prop_assert_eq!(down.into_iter().rev().collect::<Vec<_>>(), is(&below));
                    }
                }
            }
        }
    }
}
