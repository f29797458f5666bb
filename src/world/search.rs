//! Which records contain which words.
//!
//! Search finds a word wherever it is part of one: `risk` in "at-risk". What is between two spaces
//! is a *token*, so a word, which has no space in it, is found by looking through the tokens in use,
//! of which there are few, and not through the texts. What is known is kept in *parts*, each made of
//! some records and never changed. Records that have changed since the last part was made are read
//! themselves, and become a part once there are enough of them.

use std::collections::{HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use rayon::prelude::*;
use uuid::Uuid;

use super::records::{Records, Slot};
use super::table::Table;
use super::{AnyRecord, Key, World};

/// Most changed records that are read themselves.
const MOST_READ: usize = 128;
/// A part takes in the smaller ones unless they are this much smaller together.
const GROWTH: usize = 4;
/// Place of the order by time of change among those of every kind.
const BY_CHANGE: usize = 2;
/// Records whose tokens are collected by one thread.
const AT_ONCE: usize = 4_096;

/// A set of slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots(Vec<u64>);

impl Slots {
    fn put(&mut self, slot: Slot) {
        let at = slot as usize / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(word) = self.0.get_mut(at) {
            *word |= 1 << (slot % 64);
        }
    }

    fn remove(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word &= !(1 << (slot % 64));
        }
    }

    fn has(&self, slot: Slot) -> bool {
        let word = self.0.get(slot as usize / 64);
        word.is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// Keeps what both have.
    fn and(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// Takes what another set says about its own slots.
    fn replace(&mut self, about: &Self, with: &Self) {
        self.0.resize(self.0.len().max(about.0.len()), 0);
        for (at, word) in self.0.iter_mut().enumerate() {
            let about = about.0.get(at).copied().unwrap_or_default();
            *word = *word & !about | with.0.get(at).copied().unwrap_or_default();
        }
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn iter(&self) -> impl Iterator<Item = Slot> {
        let words = (0..).zip(&self.0).filter(|(_, word)| **word != 0);
        words.flat_map(|(at, word)| {
            // Each step clears the lowest bit.
            let rest = std::iter::successors(Some(*word), |word| Some(word & word.wrapping_sub(1)));
            let bits = rest.take_while(|word| *word != 0);
            bits.map(move |word| at * 64 + word.trailing_zeros())
        })
    }
}

/// The tokens of some records.
#[derive(Default)]
struct Part {
    slots: Slots,
    /// Number of records.
    records: usize,
    /// All tokens, each with a line break after it.
    tokens: String,
    /// Where each token starts in `tokens`.
    starts: Vec<u32>,
    /// The slots that have a token, one token's after the other's.
    postings: Vec<Slot>,
    /// Where those of each token end in `postings`.
    ends: Vec<u32>,
}

type Collected = HashMap<Box<str>, Vec<Slot>, RandomState>;

impl Part {
    fn of(records: &[(Slot, &Arc<dyn AnyRecord>)]) -> Self {
        let parts = records.par_chunks(AT_ONCE).map(|some| {
            let mut collected = Collected::default();
            for (slot, record) in some {
                for token in record.text().split_whitespace() {
                    if let Some(slots) = collected.get_mut(token) {
                        if slots.last() != Some(slot) {
                            slots.push(*slot);
                        }
                    } else {
                        collected.insert(token.into(), vec![*slot]);
                    }
                }
            }
            collected
        });
        let mut all = Collected::default();
        for (token, slots) in parts.collect::<Vec<_>>().into_iter().flatten() {
            all.entry(token).or_default().extend(slots);
        }
        let mut part = Self {
            records: records.len(),
            ..Self::default()
        };
        records.iter().for_each(|(slot, _)| part.slots.put(*slot));
        let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        for (token, slots) in all {
            part.starts.push(length(part.tokens.len()));
            part.tokens.push_str(&token);
            part.tokens.push('\n');
            part.postings.extend(slots);
            part.ends.push(length(part.postings.len()));
        }
        part
    }

    /// Those of its records whose text has all of these words.
    fn with(&self, words: &[String]) -> Slots {
        let mut found = words.iter().map(|word| self.with_one(word));
        let mut all = found.next().unwrap_or_default();
        found.for_each(|slots| all.and(&slots));
        all
    }

    fn with_one(&self, word: &str) -> Slots {
        let mut found = Slots::default();
        let mut done = 0;
        for at in memchr::memmem::find_iter(self.tokens.as_bytes(), word.as_bytes()) {
            let next = self.starts.partition_point(|start| *start as usize <= at);
            // It may occur more than once in a token.
            if next <= done {
                continue;
            }
            done = next;
            let end = |n: usize| self.ends.get(n).map_or(0, |end| *end as usize);
            let from = next.checked_sub(2).map_or(0, end);
            let slots = self.postings.get(from..end(next - 1)).unwrap_or_default();
            slots.iter().for_each(|slot| found.put(*slot));
        }
        found
    }
}

/// What is known of one kind.
#[derive(Clone, Default)]
struct Known {
    /// Newer ones say what older ones no longer know.
    parts: Vec<Arc<Part>>,
    /// The world that the newest was made from.
    seq: i64,
    at: i64,
}

/// How many states of what is known are kept for callers whose world is not the latest: one has
/// begun before a change and searches after it.
const STATES: usize = 4;

/// What is known of each kind, in the latest states of the world, the newest last. It is shared by a
/// world and those made from it.
#[derive(Clone)]
pub(super) struct Searched(Arc<[Mutex<VecDeque<Known>>]>);

impl Searched {
    /// Nothing is known yet.
    pub(super) fn nothing(kinds: usize) -> Self {
        Self((0..kinds).map(|_| Mutex::default()).collect())
    }
}

/// The records of a kind that have all the words searched for.
#[derive(Debug)]
pub struct Found(Slots);

impl Found {
    /// Number of records.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether a record is one of them.
    #[must_use]
    pub fn has(&self, world: &World, id: Uuid) -> bool {
        world.records.slot(id).is_some_and(|slot| self.0.has(slot))
    }

    /// The records.
    pub fn records<'w>(&self, world: &'w World) -> impl Iterator<Item = &'w Arc<dyn AnyRecord>> {
        self.0.iter().filter_map(|slot| world.records.get(slot))
    }
}

/// Whether a text, folded, has all these words.
#[must_use]
pub fn has_words(text: &str, words: &[String]) -> bool {
    let has = |word: &String| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    words.iter().all(has)
}

impl World {
    /// The records of a kind that have all of these words, which are folded and have no space in
    /// them. None if more than `most` records must be read for that, or if it is too late: something
    /// much newer than this world has been searched. Then each text must be asked.
    #[must_use]
    pub fn search(&self, kind: usize, words: &[String], most: usize) -> Option<Found> {
        let (table, known) = (self.table(kind)?, self.searched.0.get(kind)?);
        // Another thread may be reading many records; who may not read many does not wait for it.
        let mut states = match known.try_lock() {
            Ok(states) => states,
            Err(_) if most < table.len() => return None,
            Err(_) => known.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let is_newest = states.back().is_none_or(|newest| newest.seq <= self.seq);
        let mut known = match states.iter().rfind(|known| known.seq <= self.seq) {
            Some(known) => known.clone(),
            None if is_newest => Known::default(),
            None => return None,
        };
        let mut changed = changed_since(table, &known, most)?;
        if changed.len() > MOST_READ && is_newest {
            known = Known {
                parts: known.grow(table, &changed, most)?,
                seq: self.seq,
                at: self.at.timestamp_micros(),
            };
            changed.clear();
            states.push_back(known.clone());
            if states.len() > STATES {
                states.pop_front();
            }
        }
        drop(states);
        let mut found = Slots::default();
        for part in &known.parts {
            found.replace(&part.slots, &part.with(words));
        }
        for (slot, record) in changed {
            found.remove(slot);
            if has_words(&record.text(), words) {
                found.put(slot);
            }
        }
        Some(Found(found))
    }
}

/// The records of a table that changed after what is known; none if there are more than `most`.
fn changed_since<'a>(
    table: Table<'a>,
    known: &Known,
    most: usize,
) -> Option<Vec<(Slot, &'a Arc<dyn AnyRecord>)>> {
    // Time never runs backwards in the journal.
    let from = (Key::Number(known.at), Uuid::nil());
    let slots = table.slots_up(BY_CHANGE, Bound::Included(&from));
    let records = slots.filter_map(|slot| Some((slot, table.records.get(slot)?)));
    let changed = records.filter(|(_, record)| record.meta().seq > known.seq);
    // Before anything was searched, that is every record.
    let changed: Vec<_> = changed.take(most.saturating_add(1)).collect();
    (changed.len() <= most).then_some(changed)
}

impl Known {
    /// The parts with one more, of the records that changed and of those in parts that are small
    /// in comparison. None if that takes more than `most` records.
    fn grow(
        &self,
        table: Table<'_>,
        changed: &[(Slot, &Arc<dyn AnyRecord>)],
        most: usize,
    ) -> Option<Vec<Arc<Part>>> {
        let mut parts = self.parts.clone();
        let mut slots = Slots::default();
        let mut size = changed.len();
        while let Some(last) = parts.pop_if(|last| last.records < GROWTH * size) {
            size += last.records;
            slots.replace(&last.slots, &last.slots);
        }
        changed.iter().for_each(|(slot, _)| slots.put(*slot));
        let records: &Records = table.records;
        let records = slots.iter().filter_map(|s| Some((s, records.get(s)?)));
        let records: Vec<(Slot, &Arc<dyn AnyRecord>)> = records.collect();
        if records.len() > most {
            return None;
        }
        parts.push(Arc::new(Part::of(&records)));
        Some(parts)
    }
}
