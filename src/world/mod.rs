//! The world: every record at one moment, in memory, immutable and shared.
//!
//! Lists, records, filters and views read only this; the database keeps what must persist. The
//! current world follows the journal entry by entry. The world of an earlier moment is made from it
//! by undoing later entries ([`crate::engine`]). A copy costs nothing (the maps share their parts),
//! so the writer works on a copy, and the current world is replaced only after the commit.

pub mod blank;
pub mod calendar;
pub mod calendar_entry_kind;
pub mod catalogue;
pub mod changes;
pub mod codes;
pub mod collation;
pub mod date;
pub mod dates;
pub mod fields;
pub mod id;
pub mod kept_by;
pub mod page;
mod pointers;
pub mod reads;
pub mod record;
mod records;
mod runs;
pub mod sample;
pub mod schema;
pub mod search;
mod table;
pub mod text;
pub mod visible;
pub mod vocabulary;
pub mod walk;
mod written;

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, Utc};
use imbl::OrdSet;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use catalogue::{Catalogue, Kind};
pub use id::Id;
pub use kept_by::KeptBy;
pub use page::Page;
pub use record::{
    AnyRecord, Key, Link, Marking, Meta, NothingComputed, Place, Reading, Rec, Resource, Rules,
    Sort, rename,
};
pub use table::{Position, Table};
pub use text::{Form, Reference, Text};

use self::changes::Changes;
use self::pointers::{Pointers, Source};
use self::record::lasts;
use self::records::{Records, Slot};
use self::search::Searched;
use self::table::{Indexes, LastNumbers};
use self::written::Written;

/// A map by record id.
type ById<V> =
    imbl::GenericHashMap<Uuid, V, foldhash::fast::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// Longest way up from a record to the records with which it ends. Longer ones are circles.
const DEEPEST: usize = 100;

/// Ids of records.
pub type IdSet = std::collections::HashSet<Uuid, foldhash::fast::RandomState>;

/// A map from record id to what belongs to the record.
pub type IdMap<V> = std::collections::HashMap<Uuid, V, foldhash::fast::RandomState>;

fn source(kind: usize, slot: Slot) -> Source {
    (u16::try_from(kind).unwrap_or(u16::MAX), slot)
}

/// The series that a generated reference belongs to. Records that are marked, or are part of a
/// marked record, have a series of their own, so that the numbers of the others do not show how
/// many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// `RSK-0001`
    Open,
    /// `RSK-S-0001`
    Marked,
}

/// How the name of a series of marked records ends.
const MARKED: &str = "/marked";

impl Series {
    /// Every series.
    pub const ALL: [Self; 2] = [Self::Open, Self::Marked];

    /// What comes before the number.
    #[must_use]
    pub fn prefix(self, kind: &Kind) -> String {
        match self {
            Self::Open => format!("{}-", kind.prefix),
            Self::Marked => format!("{}-S-", kind.prefix),
        }
    }

    /// The name under which its last number is kept.
    #[must_use]
    pub fn name(self, kind: &Kind) -> String {
        match self {
            Self::Open => kind.name.to_owned(),
            Self::Marked => format!("{}{MARKED}", kind.name),
        }
    }

    /// The kind and the series with this name.
    #[must_use]
    pub fn named(name: &str) -> (&str, Self) {
        match name.strip_suffix(MARKED) {
            Some(kind) => (kind, Self::Marked),
            None => (name, Self::Open),
        }
    }

    /// The series that a reference belongs to, and its number there.
    #[must_use]
    pub fn of(kind: &Kind, reference: &str) -> Option<(Self, u32)> {
        Self::ALL.into_iter().find_map(|series| {
            let prefix = series.prefix(kind);
            let (start, digits) = reference.split_at_checked(prefix.len())?;
            let number = digits.parse::<u32>().ok()?;
            if !start.eq_ignore_ascii_case(&prefix) {
                return None;
            }
            (number < 1_000_000_000).then_some((series, number))
        })
    }
}

/// How to restore the world to what it was before a record was applied.
pub struct Undo {
    id: Uuid,
    kind: usize,
    old: Option<Arc<dyn AnyRecord>>,
    lost_links: Vec<Uuid>,
    last_numbers: LastNumbers,
}

impl Undo {
    /// The records that the earlier version linked to and the new one does not.
    #[must_use]
    pub fn lost_links(&self) -> &[Uuid] {
        &self.lost_links
    }

    /// Whether the record had another reference before.
    #[must_use]
    pub fn is_renamed(&self, record: &dyn AnyRecord) -> bool {
        let was = self.old.as_ref().map(|old| &old.meta().reference);
        was.is_some_and(|was| *was != record.meta().reference)
    }
}

/// The records that are marked, or are part of a marked record.
#[derive(Clone)]
struct Hidden {
    ids: Arc<IdSet>,
    /// What they contribute to the world.
    share: Share,
}

/// Number of journal entries about some records, and the sum of the digests of their versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    entries: i64,
    digest: u128,
}

impl Share {
    fn and(self, record: &dyn AnyRecord) -> Self {
        Self {
            // Each version of a record is one entry of the journal.
            entries: self.entries + record.meta().version,
            digest: self.digest.wrapping_add(digest_of(record)),
        }
    }
}

/// Digest of one version of a record. The sum over all records names a state of the world.
fn digest_of(record: &dyn AnyRecord) -> u128 {
    let meta = record.meta();
    let mut hash = Sha256::new();
    hash.update(meta.id);
    hash.update(meta.version.to_be_bytes());
    hash.update(meta.updated_at.timestamp_micros().to_be_bytes());
    let mut first = [0; 16];
    first
        .iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    u128::from_be_bytes(first)
}

/// Every record at one moment.
#[derive(Clone)]
pub struct World {
    catalogue: &'static Catalogue,
    records: Records,
    /// Where the records of each kind are.
    indexes: Vec<Arc<Indexes>>,
    pointers: Pointers,
    /// For each record that another one no longer links to, the last entry since this process
    /// started by which it lost a link.
    losses: ById<i64>,
    /// Records that are themselves marked.
    marked: OrdSet<Uuid>,
    /// Records that are not withdrawn themselves, but are part of a record that does not count. Few
    /// or none: a record is withdrawn with its parts, except those that its caller could not see
    /// and those of journals from before that was so.
    lapsed: OrdSet<Uuid>,
    hidden: OnceLock<Hidden>,
    /// The world without its hidden records, once it was needed. It follows every change.
    open: OnceLock<Arc<World>>,
    /// Sum of the digests of all records' versions ([`digest_of`]).
    digest: u128,
    written: Written,
    searched: Searched,
    /// What was applied last.
    changes: Changes,
    /// Number of the last entry it holds.
    pub seq: i64,
    /// Hash of that entry.
    pub head: Arc<[u8]>,
    /// Time of that entry.
    pub at: DateTime<Utc>,
    /// Number of the last entry known to record a redaction. Earlier worlds made before it may
    /// contain what it removed.
    pub last_redaction: i64,
}

impl World {
    /// A world without records.
    #[must_use]
    pub fn empty(catalogue: &'static Catalogue) -> Self {
        let kinds = catalogue.kinds().iter();
        Self {
            catalogue,
            records: Records::default(),
            indexes: kinds.map(|k| Arc::new(Indexes::empty(k))).collect(),
            pointers: Pointers::default(),
            losses: ById::default(),
            marked: OrdSet::new(),
            lapsed: OrdSet::new(),
            hidden: OnceLock::new(),
            open: OnceLock::new(),
            digest: 0,
            written: Written::default(),
            searched: Searched::nothing(catalogue.kinds().len()),
            changes: Changes::default(),
            seq: 0,
            head: Arc::from(crate::journal::GENESIS.as_slice()),
            at: DateTime::UNIX_EPOCH,
            last_redaction: 0,
        }
    }

    /// A world of these records, no two of which have the same id, made on all cores.
    #[must_use]
    pub fn of(catalogue: &'static Catalogue, mut records: Vec<Arc<dyn AnyRecord>>) -> Self {
        records.par_sort_unstable_by_key(|r| r.meta().id);
        let mut by_kind: Vec<Vec<Slot>> = vec![Vec::new(); catalogue.kinds().len()];
        for (slot, record) in (0..).zip(&records) {
            if let Some(slots) = by_kind.get_mut(record.meta().kind()) {
                slots.push(slot);
            }
        }
        let links = |(slot, record): (usize, &Arc<dyn AnyRecord>)| {
            let slot = Slot::try_from(slot).unwrap_or(Slot::MAX);
            let source = source(record.meta().kind(), slot);
            let targets = record.targets();
            targets.into_iter().map(move |target| (target, source))
        };
        let mut links: Vec<(Uuid, Source)> = records
            .par_iter()
            .enumerate()
            .flat_map_iter(links)
            .collect();
        // Slots are in the order of the ids, so the sources come in the order of their ids.
        links.par_sort_unstable();
        links.dedup();
        let marked = records.iter().map(|r| r.meta());
        let marked = marked.filter(|meta| meta.marking == Marking::OfficialSensitive);
        let marked = marked.map(|meta| meta.id).collect();
        let withdrawn = records.iter().map(|r| r.meta());
        let withdrawn = withdrawn.filter(|meta| meta.withdrawn_at.is_some());
        let withdrawn: Vec<Uuid> = withdrawn.map(|meta| meta.id).collect();
        let digests = records.par_iter().map(|r| digest_of(r.as_ref()));
        let digest = digests.reduce(|| 0, u128::wrapping_add);
        let records = Records::of(records);
        let kinds = catalogue.kinds().iter().zip(by_kind);
        let kinds: Vec<(&Kind, Vec<Slot>)> = kinds.collect();
        let indexes = kinds.par_iter();
        let indexes = indexes.map(|(kind, slots)| Arc::new(Indexes::of(kind, slots, &records)));
        let mut world = Self {
            indexes: indexes.collect(),
            pointers: Pointers::of(&links, &records),
            records,
            marked,
            digest,
            ..Self::empty(catalogue)
        };
        let parts = |id: &Uuid| world.parts(*id).map(|r| r.meta().id).collect::<Vec<_>>();
        let parts: Vec<Uuid> = withdrawn.iter().flat_map(parts).collect();
        parts.into_iter().for_each(|part| world.settle(part));
        world.changes.skip();
        world
    }

    /// The kinds of records.
    #[must_use]
    pub fn catalogue(&self) -> &'static Catalogue {
        self.catalogue
    }

    /// A record of any kind.
    #[must_use]
    pub fn any(&self, id: impl Into<Uuid>) -> Option<&Arc<dyn AnyRecord>> {
        let id = id.into();
        reads::record(id);
        self.records.by_id(id)
    }

    /// A record of a given kind.
    #[must_use]
    pub fn get<R: Resource>(&self, id: impl Into<Id<R>>) -> Option<&Rec<R>> {
        self.any(id.into())?.as_any().downcast_ref()
    }

    /// The records of one kind, by the kind's position in the catalogue.
    #[must_use]
    pub fn table(&self, kind: usize) -> Option<Table<'_>> {
        reads::kind(kind);
        Some(Table {
            records: &self.records,
            indexes: self.indexes.get(kind)?,
        })
    }

    /// The records of one kind.
    #[must_use]
    pub fn table_of<R: Resource>(&self) -> Option<Table<'_>> {
        self.catalogue.index_of(R::KIND).and_then(|k| self.table(k))
    }

    /// Every record of a kind, including withdrawn ones.
    pub fn all<R: Resource>(&self) -> impl Iterator<Item = &Rec<R>> {
        self.table_of::<R>()
            .into_iter()
            .flat_map(|t| t.rows())
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
    }

    /// Every record of a kind that counts.
    pub fn live<R: Resource>(&self) -> impl Iterator<Item = &Rec<R>> {
        self.all::<R>().filter(|r| self.is_live(*r))
    }

    /// Whether a record counts: it is not withdrawn, and neither is a record that it is part of.
    /// Every list, filter, rule and view asks this.
    #[must_use]
    pub fn is_live(&self, record: &dyn AnyRecord) -> bool {
        let meta = record.meta();
        meta.withdrawn_at.is_none() && !self.lapsed.contains(&meta.id)
    }

    /// Records that are not withdrawn themselves, but are part of a record that does not count.
    #[must_use]
    pub fn lapsed(&self) -> &OrdSet<Uuid> {
        reads::everything();
        &self.lapsed
    }

    /// Whether a record counts and exists or applies on a day, and so do the records with which it
    /// ends ([`Resource::ends_with`]). Every list, filter, rule and view asks this. Records that
    /// the caller may not see do not affect the answer.
    #[must_use]
    pub fn is_active_on(
        &self,
        record: &dyn AnyRecord,
        day: NaiveDate,
        may_see: impl Fn(Uuid) -> bool + Copy,
    ) -> bool {
        self.is_live(record) && self.lasts_on(record, day, may_see, DEEPEST)
    }

    fn lasts_on(
        &self,
        record: &dyn AnyRecord,
        day: NaiveDate,
        may_see: impl Fn(Uuid) -> bool + Copy,
        depth: usize,
    ) -> bool {
        let goes_on = |id: Uuid| {
            let with = self.any(id).filter(|_| depth > 0 && may_see(id));
            with.is_none_or(|with| {
                with.meta().withdrawn_at.is_none()
                    && self.lasts_on(with.as_ref(), day, may_see, depth - 1)
            })
        };
        let with = record.ends_with();
        record.exists_on(day) && lasts(&with.within, with.is_shared, goes_on)
    }

    /// Whether the records that a record is part of count, so that it can.
    #[must_use]
    pub fn is_part_of_live(&self, record: &dyn AnyRecord) -> bool {
        let place = record.place();
        lasts(&place.within, place.is_shared, |id| {
            self.any(id)
                .is_none_or(|whole| self.is_live(whole.as_ref()))
        })
    }

    /// Records the withdrawal or restoration of a record, or of one that it is part of, with the
    /// parts below it.
    fn settle(&mut self, id: Uuid) {
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            let Some(record) = self.any(id).map(Arc::clone) else {
                continue;
            };
            let lapses =
                record.meta().withdrawn_at.is_none() && !self.is_part_of_live(record.as_ref());
            let changes = match lapses {
                true => self.lapsed.insert(id).is_none(),
                false => self.lapsed.remove(&id).is_some(),
            };
            if changes {
                todo.extend(self.parts(id).map(|part| part.meta().id));
            }
        }
    }

    /// The records that are part of a record, including withdrawn ones.
    pub fn parts(&self, id: Uuid) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.pointing_to(id)
            .filter(move |r| r.place().within.contains(&id))
    }

    /// The records of any kind that link to `id`, including withdrawn ones.
    pub fn pointing_to(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        let id = id.into();
        reads::pointing(id, None);
        let slots = self.pointers.to(id);
        slots.filter_map(|slot| self.records.get(slot))
    }

    /// The records of one kind that link to `id`, by the kind's position in the catalogue,
    /// including withdrawn ones.
    pub fn pointing_of(&self, id: Uuid, kind: usize) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        reads::pointing(id, Some(kind));
        let kind = u16::try_from(kind).unwrap_or(u16::MAX);
        let slots = self.pointers.of_kind(id, kind);
        slots.filter_map(|slot| self.records.get(slot))
    }

    /// Number of records that link to `id`.
    #[must_use]
    pub fn pointing_count(&self, id: impl Into<Uuid>) -> usize {
        let id = id.into();
        reads::pointing(id, None);
        self.pointers.count(id)
    }

    /// The live records of one kind that link to `id`.
    pub fn pointing<R: Resource>(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Rec<R>> {
        let (id, kind) = (id.into(), self.catalogue.index_of(R::KIND));
        kind.into_iter()
            .flat_map(move |kind| self.pointing_of(id, kind))
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.is_live(*r))
    }

    /// Number of the last entry since this process started by which another record lost its link to
    /// this one, or 0 if no record has lost one.
    #[must_use]
    pub fn last_loss(&self, id: Uuid) -> i64 {
        reads::pointing(id, None);
        self.losses.get(&id).copied().unwrap_or_default()
    }

    /// A reference that no record of the kind has or has had: `PREFIX-0001` and up, or
    /// `PREFIX-S-0001` and up for marked records.
    #[must_use]
    pub fn next_reference(&self, kind: &Kind, series: Series) -> String {
        let next = self.last_number(kind, series) + 1;
        format!("{}{next:04}", series.prefix(kind))
    }

    /// Highest number used in a reference of the kind.
    #[must_use]
    pub fn last_number(&self, kind: &Kind, series: Series) -> u32 {
        let table = self.table(kind.index);
        table.map_or(0, |t| *t.indexes.last_numbers.clone().of(series))
    }

    /// Notes that a record of the kind had this number in its reference. It may have another
    /// reference by now.
    pub fn had_number(&mut self, kind: &Kind, series: Series, number: u32) {
        if let Some(indexes) = self.indexes.get_mut(kind.index).map(Arc::make_mut) {
            let last = indexes.last_numbers.of(series);
            *last = (*last).max(number);
        }
    }

    /// Applies a record in place of its earlier version, and returns what is needed to undo this.
    pub fn apply(&mut self, record: Arc<dyn AnyRecord>) -> Undo {
        let meta = record.meta();
        let (id, kind) = (meta.id, meta.kind());
        let (old, lost_links, last_numbers) = self.put(&record);
        // Nobody asks what changed before there was anything.
        match self.seq {
            0 => self.changes.skip(),
            _ => self.changes.add(old.clone(), Some(Arc::clone(&record))),
        }
        let old_digest = old.as_deref().map_or(0, digest_of);
        self.digest = self
            .digest
            .wrapping_sub(old_digest)
            .wrapping_add(digest_of(record.as_ref()));
        if self.changes_hidden(record.as_ref()) {
            self.hidden = OnceLock::new();
            self.open = OnceLock::new();
        } else if let Some(open) = self.open.get_mut() {
            Arc::make_mut(open).apply(Arc::clone(&record));
        }
        if meta.marking == Marking::OfficialSensitive {
            self.marked.insert(id);
        } else if self.marked.contains(&id) {
            self.marked.remove(&id);
        }
        let was_withdrawn = old
            .as_ref()
            .is_some_and(|old| old.meta().withdrawn_at.is_some());
        // Parts may have been read before their whole.
        if was_withdrawn != meta.withdrawn_at.is_some() {
            let parts: Vec<Uuid> = self.parts(id).map(|part| part.meta().id).collect();
            parts.into_iter().for_each(|part| self.settle(part));
        }
        self.settle(id);
        Undo {
            id,
            kind,
            old,
            lost_links,
            last_numbers,
        }
    }

    /// Undoes the last applied record.
    pub fn undo(&mut self, undo: Undo) {
        match undo.old {
            Some(old) => drop(self.apply(old)),
            None => self.forget(undo.id),
        }
        if let Some(indexes) = self.indexes.get_mut(undo.kind).map(Arc::make_mut) {
            indexes.last_numbers = undo.last_numbers;
        }
    }

    /// Removes a record as if it had never existed, to undo a change or to make an earlier world.
    pub fn forget(&mut self, id: Uuid) {
        let Some(old) = self.take(id) else {
            return;
        };
        self.changes.add(Some(Arc::clone(&old)), None);
        self.digest = self.digest.wrapping_sub(digest_of(old.as_ref()));
        // Without a record that was not hidden, the others are hidden as before.
        if self.hidden.get().is_none_or(|h| h.ids.contains(&id)) {
            self.hidden = OnceLock::new();
            self.open = OnceLock::new();
        } else if let Some(open) = self.open.get_mut() {
            Arc::make_mut(open).forget(id);
        }
        self.marked.remove(&id);
        if self.lapsed.remove(&id).is_some() || old.meta().withdrawn_at.is_some() {
            let parts: Vec<Uuid> = self.parts(id).map(|part| part.meta().id).collect();
            parts.into_iter().for_each(|part| self.settle(part));
        }
    }

    /// Puts a record in the place of its earlier version, in every index. Returns that version, the
    /// records that no longer have its link, and the last numbers of before.
    fn put(
        &mut self,
        record: &Arc<dyn AnyRecord>,
    ) -> (Option<Arc<dyn AnyRecord>>, Vec<Uuid>, LastNumbers) {
        let meta = record.meta();
        let slot = self.records.slot(meta.id);
        let old = slot.and_then(|slot| self.records.get(slot)).cloned();
        let indexes = self.indexes.get_mut(meta.kind()).map(Arc::make_mut);
        let Some((indexes, kind)) = indexes.zip(self.catalogue.kinds().get(meta.kind())) else {
            return (old, Vec::new(), LastNumbers::default());
        };
        let moves = indexes.moves(old.as_deref(), Some(record.as_ref()));
        if let Some(slot) = slot {
            indexes.take_out(slot, &moves, &self.records);
        }
        let slot = self.records.put(slot, Arc::clone(record));
        indexes.put_in(slot, &moves, &self.records);
        let last_numbers = indexes.last_numbers;
        indexes.last_numbers.count(kind, &meta.reference);
        let lost = self.relink(
            source(meta.kind(), slot),
            old.as_deref(),
            Some(record.as_ref()),
        );
        for target in &lost {
            self.losses.insert(*target, meta.seq);
        }
        (old, lost, last_numbers)
    }

    /// Takes a record out of every index.
    fn take(&mut self, id: Uuid) -> Option<Arc<dyn AnyRecord>> {
        let slot = self.records.slot(id)?;
        let old = Arc::clone(self.records.get(slot)?);
        let kind = old.meta().kind();
        self.relink(source(kind, slot), Some(old.as_ref()), None);
        if let Some(indexes) = self.indexes.get_mut(kind).map(Arc::make_mut) {
            let moves = indexes.moves(Some(old.as_ref()), None);
            indexes.take_out(slot, &moves, &self.records);
        }
        self.records.remove(slot);
        Some(old)
    }

    /// Notes what a record links to, and returns what its earlier version linked to and it does not.
    fn relink(
        &mut self,
        source: Source,
        old: Option<&dyn AnyRecord>,
        new: Option<&dyn AnyRecord>,
    ) -> Vec<Uuid> {
        let targets = |r: Option<&dyn AnyRecord>| r.map(AnyRecord::targets).unwrap_or_default();
        let (mut was, is) = (targets(old), targets(new));
        for added in is.iter().filter(|t| !was.contains(t)) {
            self.pointers.insert(*added, source, &self.records);
        }
        was.retain(|target| !is.contains(target));
        for gone in &was {
            self.pointers.remove(*gone, source, &self.records);
        }
        was
    }

    /// Whether applying this record may change the set of `hidden` records. A record that was not
    /// in the set and will not be changes nothing, so most writes do not need to compute the set
    /// again.
    fn changes_hidden(&self, record: &dyn AnyRecord) -> bool {
        let Some(hidden) = self
            .hidden
            .get()
            .map(|h| &h.ids)
            .filter(|_| record.meta().marking == Marking::Official)
        else {
            return true;
        };
        let is_within = || {
            record
                .place()
                .within
                .iter()
                .any(|whole| hidden.contains(whole))
        };
        !hidden.is_empty() && (hidden.contains(&record.meta().id) || is_within())
    }

    /// Ids of the records that are marked, or are part of a marked record.
    fn hidden(&self) -> &Arc<IdSet> {
        &self.hidden_share().ids
    }

    fn hidden_share(&self) -> &Hidden {
        self.hidden.get_or_init(|| {
            let mut ids: IdSet = self.marked.iter().copied().collect();
            let mut todo: Vec<Uuid> = ids.iter().copied().collect();
            while let Some(id) = todo.pop() {
                for part in self.parts(id) {
                    if ids.insert(part.meta().id) {
                        todo.push(part.meta().id);
                    }
                }
            }
            let hidden = ids.iter().filter_map(|id| self.any(*id));
            let share = hidden.fold(Share::default(), |share, r| share.and(r.as_ref()));
            Hidden {
                ids: Arc::new(ids),
                share,
            }
        })
    }

    /// Whether a record is marked or is part of a marked record.
    #[must_use]
    pub fn is_hidden(&self, id: Uuid) -> bool {
        reads::record(id);
        self.hidden().contains(&id)
    }

    /// The records that are marked or are part of a marked record.
    #[must_use]
    pub fn hidden_ids(&self) -> Arc<IdSet> {
        reads::everything();
        Arc::clone(self.hidden())
    }

    /// Whether a record at this place is part of a marked record.
    #[must_use]
    pub fn is_hidden_at(&self, place: &Place) -> bool {
        place.within.iter().any(|whole| self.is_hidden(*whole))
    }

    /// This world without some of its records.
    fn without<'a>(&self, gone: impl IntoIterator<Item = &'a Uuid>) -> Self {
        let mut rest = self.clone();
        (rest.hidden, rest.open) = (OnceLock::new(), OnceLock::new());
        gone.into_iter().for_each(|id| rest.forget(*id));
        rest
    }

    /// This world without the records that are marked or are part of a marked record.
    fn open(&self) -> &Self {
        self.open
            .get_or_init(|| Arc::new(self.without(self.hidden().iter())))
    }

    /// Whether `id` is `scope`, belongs to it, or is part of it: climbs from a record to its
    /// owners, or, if it has no owner, to the records that it is part of.
    #[must_use]
    pub fn is_in_scope(&self, id: impl Into<Uuid>, scope: impl Into<Uuid>) -> bool {
        self.any_in_scope(vec![id.into()], scope.into())
    }

    /// Whether a record at this place would belong to `scope` or be part of it.
    #[must_use]
    pub fn is_place_in_scope(&self, place: &Place, scope: impl Into<Uuid>) -> bool {
        let above = if place.owners.is_empty() {
            &place.within
        } else {
            &place.owners
        };
        self.any_in_scope(above.clone(), scope.into())
    }

    fn any_in_scope(&self, mut todo: Vec<Uuid>, scope: Uuid) -> bool {
        let mut seen = std::collections::HashSet::new();
        while let Some(at) = todo.pop() {
            if at == scope {
                return true;
            }
            if seen.insert(at)
                && let Some(record) = self.any(at)
            {
                let place = record.place();
                todo.extend(if place.owners.is_empty() {
                    place.within
                } else {
                    place.owners
                });
            }
        }
        false
    }
}
