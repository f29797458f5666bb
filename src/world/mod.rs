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
pub mod page;
pub mod reads;
pub mod record;
pub mod sample;
pub mod schema;
pub mod text;
pub mod visible;
pub mod vocabulary;
pub mod walk;
mod written;

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, Utc};
use imbl::{OrdMap, OrdSet};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use catalogue::{Catalogue, Kind};
pub use id::Id;
pub use page::Page;
pub use record::{
    AnyRecord, Key, Link, Marking, Meta, NothingComputed, Place, Reading, Rec, Resource, Rules,
    Sort, rename,
};
pub use text::{Form, Reference, Text};

use self::changes::Changes;
use self::collation::{reference_prefix, same_name};
use self::record::lasts;
use self::written::Written;

/// Records ordered by a key, then by id.
pub type Order = OrdMap<(Key, Uuid), Arc<dyn AnyRecord>>;

/// Records by their unique key, then by id.
type Unique = OrdMap<(Arc<[u8]>, Uuid), Arc<dyn AnyRecord>>;

/// A map by record id.
type ById<V> =
    imbl::GenericHashMap<Uuid, V, foldhash::fast::RandomState, imbl::shared_ptr::DefaultSharedPtr>;

/// Longest way up from a record to the records with which it ends. Longer ones are circles.
const DEEPEST: usize = 100;

/// Ids of records.
pub type IdSet = std::collections::HashSet<Uuid, foldhash::fast::RandomState>;

/// A map from record id to what belongs to the record.
pub type IdMap<V> = std::collections::HashMap<Uuid, V, foldhash::fast::RandomState>;

/// A record that links to another: its kind's position in the catalogue, and its id. Kept small,
/// because there are more of these than records.
type Source = (u16, Uuid);

fn source(kind: usize, id: Uuid) -> Source {
    (u16::try_from(kind).unwrap_or(u16::MAX), id)
}

/// The records of one kind.
#[derive(Clone, Default)]
pub struct Table {
    rows: OrdMap<Uuid, Arc<dyn AnyRecord>>,
    /// One for each sort order of the kind; the first is by reference.
    orders: Vec<Order>,
    /// Live records by their unique key ([`Resource::unique`]), then by id: a marked record may have
    /// the key of one that was made by a caller who cannot see it.
    unique: Unique,
    last_numbers: LastNumbers,
}

/// Highest numbers used in references with a kind's prefix.
#[derive(Debug, Clone, Copy, Default)]
struct LastNumbers {
    open: u32,
    marked: u32,
}

impl LastNumbers {
    fn of(&mut self, series: Series) -> &mut u32 {
        match series {
            Series::Open => &mut self.open,
            Series::Marked => &mut self.marked,
        }
    }
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

impl Table {
    /// Its records ordered by id, which is the order of creation.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Arc<dyn AnyRecord>> {
        self.rows.values()
    }

    /// Its records in one of the kind's sort orders.
    #[must_use]
    pub fn order(&self, sort: usize) -> Option<&Order> {
        self.orders.get(sort)
    }

    /// The record with this reference, in upper or lower case. In a world with records that a caller
    /// cannot see, use [`Table::all_with_reference`].
    #[must_use]
    pub fn by_reference(&self, reference: &str) -> Option<Uuid> {
        self.all_with_reference(reference).next()
    }

    /// The records with this reference, in upper or lower case: one, and perhaps others that not
    /// everyone can see. Older builds accepted references that differ only in case; those with
    /// exactly these letters come first.
    pub fn all_with_reference(&self, reference: &str) -> impl Iterator<Item = Uuid> + use<> {
        let prefix = reference_prefix(reference);
        let from = (Key::Text(prefix.as_slice().into()), Uuid::nil());
        let orders = self.orders.first().into_iter();
        let (exact, alike): (Vec<&Meta>, Vec<&Meta>) = orders
            .flat_map(|order| order.range(from.clone()..))
            .take_while(|((key, _), _)| matches!(key, Key::Text(key) if key.starts_with(&prefix)))
            .map(|(_, record)| record.meta())
            .filter(|meta| same_name(&meta.reference, reference))
            .partition(|meta| meta.reference == *reference);
        let ids: Vec<Uuid> = exact.into_iter().chain(alike).map(|meta| meta.id).collect();
        ids.into_iter()
    }

    /// Whether a record is of this kind.
    #[must_use]
    pub fn has(&self, id: Uuid) -> bool {
        self.rows.contains_key(&id)
    }

    /// The live records with this unique key ([`Resource::unique`]): one, and perhaps others that
    /// not everyone can see.
    pub fn by_unique<'a>(&'a self, key: &[u8]) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> {
        let key: Arc<[u8]> = key.into();
        self.unique
            .range((Arc::clone(&key), Uuid::nil())..=(key, Uuid::max()))
            .map(|(_, record)| record)
    }

    /// The live records whose unique key starts with this prefix, in the order of the keys.
    pub fn unique_from<'a, 'p>(
        &'a self,
        prefix: &'p [u8],
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a, 'p> {
        self.unique
            .range((Arc::from(prefix), Uuid::nil())..)
            .take_while(move |((key, _), _)| key.starts_with(prefix))
            .map(|(_, record)| record)
    }

    /// Number of records, including withdrawn ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the table is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// How to restore the world to what it was before a record was applied.
pub struct Undo {
    id: Uuid,
    kind: usize,
    old: Option<Arc<dyn AnyRecord>>,
    last_numbers: LastNumbers,
}

impl Undo {
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
    tables: Vec<Arc<Table>>,
    all: ById<Arc<dyn AnyRecord>>,
    /// Records that link to a record, by kind and id, so that those of one kind are found without
    /// looking at the others.
    pointing: ById<OrdSet<Source>>,
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
        let tables = catalogue
            .kinds()
            .iter()
            .map(|k| Table {
                orders: vec![OrdMap::new(); k.sorts.len()],
                ..Table::default()
            })
            .map(Arc::new)
            .collect();
        Self {
            catalogue,
            tables,
            all: ById::default(),
            pointing: ById::default(),
            marked: OrdSet::new(),
            lapsed: OrdSet::new(),
            hidden: OnceLock::new(),
            open: OnceLock::new(),
            digest: 0,
            written: Written::default(),
            changes: Changes::default(),
            seq: 0,
            head: Arc::from(crate::journal::GENESIS.as_slice()),
            at: DateTime::UNIX_EPOCH,
            last_redaction: 0,
        }
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
        self.all.get(&id)
    }

    /// A record of a given kind.
    #[must_use]
    pub fn get<R: Resource>(&self, id: impl Into<Id<R>>) -> Option<&Rec<R>> {
        self.any(id.into())?.as_any().downcast_ref()
    }

    /// The records of one kind, by the kind's position in the catalogue.
    #[must_use]
    pub fn table(&self, kind: usize) -> Option<&Table> {
        reads::kind(kind);
        self.tables.get(kind).map(AsRef::as_ref)
    }

    /// The records of one kind.
    #[must_use]
    pub fn table_of<R: Resource>(&self) -> Option<&Table> {
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
        self.pointing
            .get(&id)
            .into_iter()
            .flat_map(|s| s.iter())
            .filter_map(|(_, source)| self.all.get(source))
    }

    /// The records of one kind that link to `id`, by the kind's position in the catalogue,
    /// including withdrawn ones.
    pub fn pointing_of(&self, id: Uuid, kind: usize) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        reads::pointing(id, Some(kind));
        self.pointing
            .get(&id)
            .into_iter()
            .flat_map(move |s| s.range(source(kind, Uuid::nil())..=source(kind, Uuid::max())))
            .filter_map(|(_, source)| self.all.get(source))
    }

    /// Number of records that link to `id`.
    #[must_use]
    pub fn pointing_count(&self, id: impl Into<Uuid>) -> usize {
        let id = id.into();
        reads::pointing(id, None);
        self.pointing.get(&id).map_or(0, OrdSet::len)
    }

    /// The live records of one kind that link to `id`.
    pub fn pointing<R: Resource>(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Rec<R>> {
        let (id, kind) = (id.into(), self.catalogue.index_of(R::KIND));
        kind.into_iter()
            .flat_map(move |kind| self.pointing_of(id, kind))
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.is_live(*r))
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
        table.map_or(0, |t| *t.last_numbers.clone().of(series))
    }

    /// Notes that a record of the kind had this number in its reference. It may have another
    /// reference by now.
    pub fn had_number(&mut self, kind: &Kind, series: Series, number: u32) {
        if let Some(table) = self.tables.get_mut(kind.index).map(Arc::make_mut) {
            let last = table.last_numbers.of(series);
            *last = (*last).max(number);
        }
    }

    /// Applies a record in place of its earlier version, and returns what is needed to undo this.
    pub fn apply(&mut self, record: Arc<dyn AnyRecord>) -> Undo {
        let meta = record.meta();
        let (id, kind) = (meta.id, meta.kind);
        let old = self.all.insert(id, Arc::clone(&record));
        // Nobody asks what changed while the world is being read.
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
        self.relink(source(kind, id), old.as_deref(), Some(record.as_ref()));
        let was_withdrawn = old
            .as_ref()
            .is_some_and(|old| old.meta().withdrawn_at.is_some());
        // Parts may have been read before their whole.
        if was_withdrawn != meta.withdrawn_at.is_some() {
            let parts: Vec<Uuid> = self.parts(id).map(|part| part.meta().id).collect();
            parts.into_iter().for_each(|part| self.settle(part));
        }
        self.settle(id);
        let named = self.catalogue.kinds().get(kind);
        let number = named.and_then(|k| Series::of(k, meta.reference.as_str()));
        let mut last_numbers = LastNumbers::default();
        if let Some(table) = self.tables.get_mut(kind).map(Arc::make_mut) {
            last_numbers = table.last_numbers;
            table.put(old.as_deref(), &record);
            if let Some((series, number)) = number {
                let last = table.last_numbers.of(series);
                *last = (*last).max(number);
            }
        }
        Undo {
            id,
            kind,
            old,
            last_numbers,
        }
    }

    /// Undoes the last applied record.
    pub fn undo(&mut self, undo: Undo) {
        match undo.old {
            Some(old) => drop(self.apply(old)),
            None => self.forget(undo.id),
        }
        if let Some(table) = self.tables.get_mut(undo.kind).map(Arc::make_mut) {
            table.last_numbers = undo.last_numbers;
        }
    }

    /// Removes a record as if it had never existed, to undo a change or to make an earlier world.
    pub fn forget(&mut self, id: Uuid) {
        let Some(old) = self.all.remove(&id) else {
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
        self.relink(source(old.meta().kind, id), Some(old.as_ref()), None);
        if self.lapsed.remove(&id).is_some() || old.meta().withdrawn_at.is_some() {
            let parts: Vec<Uuid> = self.parts(id).map(|part| part.meta().id).collect();
            parts.into_iter().for_each(|part| self.settle(part));
        }
        if let Some(table) = self.tables.get_mut(old.meta().kind).map(Arc::make_mut) {
            table.drop_row(old.as_ref());
        }
    }

    fn relink(&mut self, source: Source, old: Option<&dyn AnyRecord>, new: Option<&dyn AnyRecord>) {
        let targets = |r: Option<&dyn AnyRecord>| r.map(AnyRecord::targets).unwrap_or_default();
        let (was, is) = (targets(old), targets(new));
        for gone in was.iter().filter(|t| !is.contains(t)) {
            if let Some(sources) = self.pointing.get_mut(gone) {
                sources.remove(&source);
            }
        }
        for added in is.iter().filter(|t| !was.contains(t)) {
            self.pointing.entry(*added).or_default().insert(source);
        }
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

impl Table {
    fn put(&mut self, old: Option<&dyn AnyRecord>, new: &Arc<dyn AnyRecord>) {
        let id = new.meta().id;
        for (n, order) in self.orders.iter_mut().enumerate() {
            let key = new.key(n);
            if let Some(old_key) = old.map(|o| o.key(n)).filter(|k| *k != key) {
                order.remove(&(old_key.clone(), id));
            }
            order.insert((key.clone(), id), Arc::clone(new));
        }
        self.put_unique(old, new);
        self.rows.insert(id, Arc::clone(new));
    }

    fn put_unique(&mut self, old: Option<&dyn AnyRecord>, new: &Arc<dyn AnyRecord>) {
        let id = new.meta().id;
        if let Some((_, was)) = old.and_then(AnyRecord::unique) {
            self.unique.remove(&(was.into(), id));
        }
        if let Some((_, key)) = new.unique().filter(|_| new.meta().withdrawn_at.is_none()) {
            self.unique.insert((key.into(), id), Arc::clone(new));
        }
    }

    fn drop_row(&mut self, old: &dyn AnyRecord) {
        let id = old.meta().id;
        if let Some((_, key)) = old.unique() {
            self.unique.remove(&(key.into(), id));
        }
        for (n, order) in self.orders.iter_mut().enumerate() {
            order.remove(&(old.key(n).clone(), id));
        }
        self.rows.remove(&id);
    }
}
