//! What a computation reads of the world, so that its result can be used again until something that
//! it read has changed.
//!
//! [`recorded`] runs a computation and returns what it read. The world notes each reading itself, in
//! the functions through which everything is read, so a computation cannot leave one out. What it
//! knew before it began (a date, the settings, what the caller may see) is not noted: that belongs
//! to what the result is kept under.
//!
//! A computation must not hand its work to other threads: what they read is not noted.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

/// A record, a set of links or a kind, as a digest. If two are the same by chance, a result is
/// computed again without need.
type Key = u64;

/// Digests are spread already, but a cheap hash is needed all the same.
pub(super) type Keys = HashSet<Key, foldhash::fast::RandomState>;

/// What a computation read.
#[derive(Debug, Default)]
pub struct Reads {
    keys: Keys,
    /// Kinds of which the records that link to its own record were read, as a set of bits.
    of_own: u128,
    /// What was read for results that several computations share.
    shared: Vec<Arc<Reads>>,
    /// Whether it read something that every change may affect.
    everything: bool,
}

thread_local! {
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    static OWN: Cell<Uuid> = const { Cell::new(Uuid::nil()) };
    static READS: RefCell<Reads> = RefCell::default();
    /// Keys that were noted last: most are noted again and again.
    static RECENT: [Cell<Key>; RECENTLY] = const { [const { Cell::new(0) }; RECENTLY] };
}

/// Number of keys that are recognised without a look into the set.
const RECENTLY: usize = 64;

fn forget_recent() {
    RECENT.with(|recent| recent.iter().for_each(|key| key.set(0)));
}

/// Kinds of reading that a test leaves out, to see that it is noticed.
#[cfg(test)]
pub(crate) static LEFT_OUT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// The kinds of reading.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    Record = 1,
    Pointing = 2,
    OfOwn = 4,
    Kind = 8,
    Shared = 16,
}

/// Whether this thread notes readings of this kind.
fn notes(what: Reading) -> bool {
    #[cfg(test)]
    if LEFT_OUT.load(std::sync::atomic::Ordering::SeqCst) & what as u8 != 0 {
        return false;
    }
    let _ = what;
    IS_ON.get()
}

/// What is noted outside a computation, put back when it ends, also by a panic.
struct Outer {
    is_on: bool,
    own: Uuid,
    reads: Reads,
}

impl Drop for Outer {
    fn drop(&mut self) {
        IS_ON.set(self.is_on);
        OWN.set(self.own);
        READS.replace(std::mem::take(&mut self.reads));
        forget_recent();
    }
}

/// Runs a computation, and returns with its result what it read of the world.
pub fn recorded<T>(work: impl FnOnce() -> T) -> (T, Reads) {
    let outer = Outer {
        is_on: IS_ON.replace(true),
        own: OWN.replace(Uuid::nil()),
        reads: READS.take(),
    };
    forget_recent();
    let made = work();
    let reads = READS.take();
    drop(outer);
    (made, reads)
}

/// Whether what this thread reads is noted.
#[must_use]
pub fn is_recording() -> bool {
    IS_ON.get()
}

/// Says which record the computation goes on with. The caller knows its own records, so they are not
/// noted, and of what links to them only the kinds.
pub fn with_own(id: Uuid) {
    OWN.set(id);
}

/// Notes that a computation uses a result for which this was read.
pub fn also(reads: &Arc<Reads>) {
    if !notes(Reading::Shared) {
        return;
    }
    READS.with_borrow_mut(|all| {
        if !all.shared.iter().any(|known| Arc::ptr_eq(known, reads)) {
            all.shared.push(Arc::clone(reads));
        }
    });
}

/// A result that is made when it is first needed, and used by several computations. Each of them has
/// then read what it was made from.
#[derive(Debug)]
pub struct Shared<T>(OnceLock<(T, Arc<Reads>)>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Shared<T> {
    /// The result.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        let (made, reads) = self.0.get_or_init(|| {
            let (made, reads) = recorded(make);
            (made, Arc::new(reads))
        });
        also(reads);
        made
    }
}

fn note(key: Key) {
    let known = RECENT.with(|recent| {
        let place = usize::try_from(key >> 58).unwrap_or_default();
        recent
            .get(place)
            .is_some_and(|last| last.replace(key) == key)
    });
    if known {
        return;
    }
    READS.with_borrow_mut(|reads| reads.keys.insert(key));
}

/// Notes that a record was read, or that it is missing, or whether it is visible.
pub(super) fn record(id: Uuid) {
    if notes(Reading::Record) && OWN.get() != id {
        note(key_of_record(id));
    }
}

/// Notes that the records of one kind, or of any kind, that link to a record were read.
pub(super) fn pointing(id: Uuid, kind: Option<usize>) {
    if OWN.get() == id {
        if notes(Reading::OfOwn) {
            let kinds = kind.map_or(u128::MAX, bit);
            READS.with_borrow_mut(|reads| reads.of_own |= kinds);
        }
    } else if notes(Reading::Pointing) {
        note(key_of_pointing(id, kind));
    }
}

/// Notes that the records of a kind were gone through.
pub(super) fn kind(kind: usize) {
    if notes(Reading::Kind) {
        note(key_of_kind(kind));
    }
}

/// Notes something that every change may affect.
pub(super) fn everything() {
    if IS_ON.get() {
        READS.with_borrow_mut(|reads| reads.everything = true);
    }
}

/// The bit of a kind in a set of kinds. Kinds beyond the last bit share it.
pub(super) fn bit(kind: usize) -> u128 {
    1 << kind.min(127)
}

fn digest(id: Uuid, of: u64) -> Key {
    let (high, low) = id.as_u64_pair();
    (low ^ high.rotate_left(32) ^ of.rotate_left(48)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(super) fn key_of_record(id: Uuid) -> Key {
    digest(id, 0)
}

pub(super) fn key_of_pointing(id: Uuid, kind: Option<usize>) -> Key {
    digest(id, kind.map_or(1, |kind| 2 + kind as u64))
}

pub(super) fn key_of_kind(kind: usize) -> Key {
    digest(Uuid::nil(), 2 + kind as u64)
}

impl Reads {
    /// Whether one of these keys was read.
    pub(super) fn has_any(&self, keys: &Keys) -> bool {
        let (few, many) = match self.keys.len() < keys.len() {
            true => (&self.keys, keys),
            false => (keys, &self.keys),
        };
        self.everything
            || few.iter().any(|key| many.contains(key))
            || self.shared.iter().any(|reads| reads.has_any(keys))
    }

    /// Whether this record was read.
    #[must_use]
    pub fn has_record(&self, id: Uuid) -> bool {
        self.has(key_of_record(id))
    }

    /// Whether the records of a kind that link to this record were read, or those of all kinds.
    #[must_use]
    pub fn has_pointing(&self, id: Uuid, kind: usize) -> bool {
        self.has(key_of_pointing(id, Some(kind))) || self.has(key_of_pointing(id, None))
    }

    /// Whether the records of a kind were gone through.
    #[must_use]
    pub fn has_kind(&self, kind: usize) -> bool {
        self.has(key_of_kind(kind))
    }

    fn has(&self, key: Key) -> bool {
        self.keys.contains(&key) || self.shared.iter().any(|reads| reads.has(key))
    }

    /// Whether records of these kinds that link to an own record were read.
    pub(super) fn has_of_own(&self, kinds: u128) -> bool {
        self.of_own & kinds != 0
    }

    /// Gives back memory that is not needed.
    pub fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.shared.shrink_to_fit();
    }
}
