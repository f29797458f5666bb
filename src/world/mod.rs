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
pub mod codes;
pub mod collation;
pub mod date;
pub mod dates;
pub mod fields;
pub mod id;
pub mod page;
pub mod record;
pub mod sample;
pub mod schema;
pub mod text;
pub mod visible;
pub mod vocabulary;
pub mod walk;
mod written;

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, Utc};
use imbl::{OrdMap, OrdSet};
use uuid::Uuid;

pub use catalogue::{Catalogue, Kind};
pub use id::Id;
pub use page::Page;
pub use record::{
    AnyRecord, Key, Link, Marking, Meta, NothingComputed, Place, Reading, Rec, Resource, Rules,
    Sort, rename,
};
pub use text::{Form, Reference, Text};

use self::collation::{reference_prefix, same_name};
use self::record::lasts;
use self::written::Written;

/// Records ordered by a key, then by id.
pub type Order = OrdMap<(Key, Uuid), Arc<dyn AnyRecord>>;

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
    /// Live records by their unique key ([`Resource::unique`]).
    unique: OrdMap<Arc<[u8]>, Arc<dyn AnyRecord>>,
    /// Highest number used in a reference with the kind's prefix.
    last_number: u32,
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

    /// The record with this reference, in upper or lower case. Where an older build accepted two that
    /// differ only in case, the one with exactly these letters comes first.
    #[must_use]
    pub fn by_reference(&self, reference: &str) -> Option<Uuid> {
        let prefix = reference_prefix(reference);
        let from = (Key::Text(prefix.as_slice().into()), Uuid::nil());
        let alike = self.orders.first()?.range(from..);
        let alike = alike
            .take_while(|((key, _), _)| matches!(key, Key::Text(key) if key.starts_with(&prefix)))
            .map(|(_, record)| record.meta());
        let mut found = None;
        for meta in alike.filter(|meta| same_name(&meta.reference, reference)) {
            if meta.reference == *reference {
                return Some(meta.id);
            }
            found = found.or(Some(meta.id));
        }
        found
    }

    /// Whether a record is of this kind.
    #[must_use]
    pub fn has(&self, id: Uuid) -> bool {
        self.rows.contains_key(&id)
    }

    /// The live record with this unique key ([`Resource::unique`]).
    #[must_use]
    pub fn by_unique(&self, key: &[u8]) -> Option<&Arc<dyn AnyRecord>> {
        self.unique.get(key)
    }

    /// The live records whose unique key starts with this prefix, in the order of the keys.
    pub fn unique_from<'a, 'p>(
        &'a self,
        prefix: &'p [u8],
    ) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> + use<'a, 'p> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.unique
            .range::<_, [u8]>(from)
            .take_while(move |(key, _)| key.starts_with(prefix))
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
    last_number: u32,
}

impl Undo {
    /// Whether the record had another reference before.
    #[must_use]
    pub fn is_renamed(&self, record: &dyn AnyRecord) -> bool {
        let was = self.old.as_ref().map(|old| &old.meta().reference);
        was.is_some_and(|was| *was != record.meta().reference)
    }
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
    hidden: OnceLock<Arc<IdSet>>,
    written: Written,
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
            written: Written::default(),
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
        self.all.get(&id.into())
    }

    /// A record of a given kind.
    #[must_use]
    pub fn get<R: Resource>(&self, id: impl Into<Id<R>>) -> Option<&Rec<R>> {
        self.any(id.into())?.as_any().downcast_ref()
    }

    /// The records of one kind, by the kind's position in the catalogue.
    #[must_use]
    pub fn table(&self, kind: usize) -> Option<&Table> {
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
        self.pointing
            .get(&id.into())
            .into_iter()
            .flat_map(|s| s.iter())
            .filter_map(|(_, source)| self.any(*source))
    }

    /// The records of one kind that link to `id`, by the kind's position in the catalogue,
    /// including withdrawn ones.
    pub fn pointing_of(&self, id: Uuid, kind: usize) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.pointing
            .get(&id)
            .into_iter()
            .flat_map(move |s| s.range(source(kind, Uuid::nil())..=source(kind, Uuid::max())))
            .filter_map(|(_, source)| self.any(*source))
    }

    /// Number of records that link to `id`.
    #[must_use]
    pub fn pointing_count(&self, id: impl Into<Uuid>) -> usize {
        self.pointing.get(&id.into()).map_or(0, OrdSet::len)
    }

    /// The live records of one kind that link to `id`.
    pub fn pointing<R: Resource>(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Rec<R>> {
        let (id, kind) = (id.into(), self.catalogue.index_of(R::KIND));
        kind.into_iter()
            .flat_map(move |kind| self.pointing_of(id, kind))
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.is_live(*r))
    }

    /// A reference that no record of the kind has or has had: `PREFIX-0001` and up.
    #[must_use]
    pub fn next_reference(&self, kind: &Kind) -> String {
        format!("{}-{:04}", kind.prefix, self.last_number(kind) + 1)
    }

    /// Highest number used in a reference with the kind's prefix.
    #[must_use]
    pub fn last_number(&self, kind: &Kind) -> u32 {
        self.table(kind.index).map_or(0, |t| t.last_number)
    }

    /// Notes that a record of the kind had this number in its reference. It may have another
    /// reference by now.
    pub fn had_number(&mut self, kind: &Kind, number: u32) {
        if let Some(table) = self.tables.get_mut(kind.index).map(Arc::make_mut) {
            table.last_number = table.last_number.max(number);
        }
    }

    /// Applies a record in place of its earlier version, and returns what is needed to undo this.
    pub fn apply(&mut self, record: Arc<dyn AnyRecord>) -> Undo {
        let meta = record.meta();
        let (id, kind) = (meta.id, meta.kind);
        let old = self.all.insert(id, Arc::clone(&record));
        if self.changes_hidden(record.as_ref()) {
            self.hidden = OnceLock::new();
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
        let prefix = self.catalogue.kinds().get(kind).map_or("", |k| k.prefix);
        let mut last_number = 0;
        if let Some(table) = self.tables.get_mut(kind).map(Arc::make_mut) {
            last_number = table.last_number;
            table.put(prefix, old.as_deref(), &record);
        }
        Undo {
            id,
            kind,
            old,
            last_number,
        }
    }

    /// Undoes the last applied record.
    pub fn undo(&mut self, undo: Undo) {
        match undo.old {
            Some(old) => drop(self.apply(old)),
            None => self.forget(undo.id),
        }
        if let Some(table) = self.tables.get_mut(undo.kind).map(Arc::make_mut) {
            table.last_number = undo.last_number;
        }
    }

    /// Removes a record as if it had never existed, to undo a change or to make an earlier world.
    pub fn forget(&mut self, id: Uuid) {
        let Some(old) = self.all.remove(&id) else {
            return;
        };
        self.hidden = OnceLock::new();
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
        self.hidden.get_or_init(|| {
            let mut hidden: IdSet = self.marked.iter().copied().collect();
            let mut todo: Vec<Uuid> = hidden.iter().copied().collect();
            while let Some(id) = todo.pop() {
                for part in self.parts(id) {
                    if hidden.insert(part.meta().id) {
                        todo.push(part.meta().id);
                    }
                }
            }
            Arc::new(hidden)
        })
    }

    /// Whether `id` is `scope`, belongs to it, or is part of it: climbs from a record to its
    /// owners, or, if it has no owner, to the records that it is part of.
    #[must_use]
    pub fn is_in_scope(&self, id: impl Into<Uuid>, scope: impl Into<Uuid>) -> bool {
        let (mut todo, scope) = (vec![id.into()], scope.into());
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
    fn put(&mut self, prefix: &str, old: Option<&dyn AnyRecord>, new: &Arc<dyn AnyRecord>) {
        let id = new.meta().id;
        for (n, order) in self.orders.iter_mut().enumerate() {
            let key = new.key(n);
            if let Some(old_key) = old.map(|o| o.key(n)).filter(|k| *k != key) {
                order.remove(&(old_key.clone(), id));
            }
            order.insert((key.clone(), id), Arc::clone(new));
        }
        self.put_unique(old, new);
        let reference = new.meta().reference.as_str();
        let number = reference
            .split_at_checked(prefix.len())
            .filter(|(start, _)| start.eq_ignore_ascii_case(prefix))
            .and_then(|(_, rest)| rest.strip_prefix('-'))
            .and_then(|n| n.parse::<u32>().ok());
        self.last_number = self
            .last_number
            .max(number.filter(|n| *n < 1_000_000_000).unwrap_or(0));
        self.rows.insert(id, Arc::clone(new));
    }

    fn put_unique(&mut self, old: Option<&dyn AnyRecord>, new: &Arc<dyn AnyRecord>) {
        let Some((_, key)) = new.unique() else { return };
        let was = old.and_then(AnyRecord::unique).map(|(_, key)| key);
        let is_live = new.meta().withdrawn_at.is_none();
        if let Some(was) = was.filter(|was| !is_live || *was != key) {
            self.drop_unique(&was, new.meta().id);
        }
        if is_live {
            self.unique.insert(key.into(), Arc::clone(new));
        }
    }

    fn drop_unique(&mut self, key: &[u8], id: Uuid) {
        // Another record may have taken the key since this one was withdrawn.
        if self.unique.get(key).is_some_and(|r| r.meta().id == id) {
            self.unique.remove(key);
        }
    }

    fn drop_row(&mut self, old: &dyn AnyRecord) {
        let id = old.meta().id;
        if let Some((_, key)) = old.unique() {
            self.drop_unique(&key, id);
        }
        for (n, order) in self.orders.iter_mut().enumerate() {
            order.remove(&(old.key(n).clone(), id));
        }
        self.rows.remove(&id);
    }
}
