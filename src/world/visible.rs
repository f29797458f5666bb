//! The world as one caller may see it. Handlers and views get this and never the world itself, so
//! that records not visible to a caller do not affect any list, count, history or search.
//!
//! A record's JSON reaches an answer only as [`RedactedRecord`], which is made here: in full for callers who
//! may see its figures, otherwise in the form that its resource releases. `clippy.toml` refuses
//! code that bypasses this.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::changes::Moment;
use super::collation::reference_key;
use super::reads::{self, Reads};
use super::record::BY_REFERENCE;
use super::search::Found;
use super::{
    AnyRecord, Id, IdSet, Key, Kind, Marking, Reading, Rec, Resource, Share, Table, World,
};
use crate::policy::Subject;
use crate::problem::Problem;

/// Which marked records a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clearance {
    None,
    /// Records that belong to these units or boards.
    Within(Vec<Uuid>),
    All,
}

/// What a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Visibility {
    /// Which marked records are visible.
    pub clearance: Clearance,
    /// Subjects whose figures are visible as recorded, each in a scope or everywhere.
    pub exact: Vec<(Subject, Option<Uuid>)>,
}

impl Visibility {
    /// No marked records, and every figure in its released form.
    #[must_use]
    pub const fn least() -> Self {
        Self {
            clearance: Clearance::None,
            exact: Vec::new(),
        }
    }

    /// Whether the figures of a record are shown as recorded. The current owners decide, also for
    /// the past.
    #[must_use]
    pub fn is_exact(&self, now: &World, record: &dyn AnyRecord) -> bool {
        !record.releases() || self.keeps(now, record)
    }

    fn keeps(&self, now: &World, record: &dyn AnyRecord) -> bool {
        let covers = |scope: &Option<Uuid>| {
            scope.is_none_or(|scope| now.is_in_scope(record.meta().id, scope))
        };
        self.exact
            .iter()
            .any(|(subject, scope)| *subject == record.subject() && covers(scope))
    }
}

/// Which records of the current world a caller may see. Two values are equal only if they are the
/// same.
#[derive(Debug, Clone)]
pub enum Visible {
    All,
    /// All except these.
    But(Arc<IdSet>),
}

impl PartialEq for Visible {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::All) => true,
            (Self::But(mine), Self::But(theirs)) => Arc::ptr_eq(mine, theirs),
            _ => false,
        }
    }
}

/// The records around one that is released. What else the caller may see decides how much may be
/// disclosed.
pub struct DisclosureContext<'a> {
    pub world: &'a World,
    /// The current world. Its settings apply to every release, and records marked in it are not
    /// visible in the past either.
    pub now: &'a World,
    pub visibility: &'a Visibility,
    memo: &'a Memo,
}

/// Results computed for one answer.
type Memo = Mutex<HashMap<Vec<u8>, Known>>;

/// A result, and what was read for it if that was noted.
type Known = (Arc<dyn Any + Send + Sync>, Option<Arc<Reads>>);

impl DisclosureContext<'_> {
    /// Whether the record is visible to the caller.
    #[must_use]
    pub fn may_see(&self, id: impl Into<Uuid>) -> bool {
        let id = id.into();
        [self.world, self.now]
            .iter()
            .all(|w| cleared(w, &self.visibility.clearance, id))
    }

    /// Computes something once for all records of an answer.
    pub fn once<T: Send + Sync + 'static>(&self, key: Vec<u8>, work: impl FnOnce() -> T) -> Arc<T> {
        let known = |memo: &Memo| {
            let memo = memo.lock().unwrap_or_else(PoisonError::into_inner);
            memo.get(&key).cloned()
        };
        let notes = reads::is_recording();
        if let Some((found, read)) = known(self.memo)
            && (read.is_some() || !notes)
            && let Ok(found) = Arc::downcast::<T>(found)
        {
            read.iter().for_each(reads::also);
            return found;
        }
        let (made, read) = match notes {
            true => {
                let (made, read) = reads::recorded(work);
                (made, Some(Arc::new(read)))
            }
            false => (work(), None),
        };
        read.iter().for_each(reads::also);
        let made = Arc::new(made);
        let kept: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&made);
        self.memo
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, (kept, read));
        made
    }
}

/// A record in the form that a caller may see.
#[derive(Debug, Clone)]
pub struct RedactedRecord {
    json: Bytes,
    tag: String,
}

impl RedactedRecord {
    /// Its JSON.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Its ETag: the version, and for a released form also a digest of that form, because it
    /// changes with the records around it.
    #[must_use]
    pub fn etag(&self) -> String {
        self.tag.clone()
    }
}

/// JSON, or the error if it cannot be written.
type Json = Result<Bytes, serde_json::Error>;

/// JSON of a record, with every figure.
#[expect(
    clippy::disallowed_methods,
    reason = "used by `show`, which decides who may see it"
)]
fn whole(record: &dyn AnyRecord) -> Json {
    record.json()
}

/// Puts a record into the form that a caller may see, given the other records of a world. This is
/// the only place where that happens. `exact` gives the JSON with every figure.
fn show(
    record: &dyn AnyRecord,
    now: &World,
    visibility: &Visibility,
    context: Option<&DisclosureContext<'_>>,
    exact: impl FnOnce() -> Json,
) -> Result<RedactedRecord, Problem> {
    let version = record.meta().version;
    if visibility.is_exact(now, record) {
        return Ok(RedactedRecord {
            json: exact().map_err(Problem::internal)?,
            tag: format!("\"{version}\""),
        });
    }
    let json = record.released(context).map_err(Problem::internal)?;
    let mut digest = hex::encode(Sha256::digest(&json));
    digest.truncate(16);
    Ok(RedactedRecord {
        json,
        tag: format!("\"{version}.{digest}\""),
    })
}

/// Shows a record of the current world, as the answer to a change. `written` is its JSON with every
/// figure, if that has been written already.
///
/// # Errors
/// Fails if it cannot be written.
pub fn show_now(
    world: &World,
    visibility: &Visibility,
    record: &dyn AnyRecord,
    written: Option<&str>,
) -> Result<RedactedRecord, Problem> {
    let memo = Memo::default();
    let context = DisclosureContext {
        world,
        now: world,
        visibility,
        memo: &memo,
    };
    let exact = || match written {
        Some(json) => Ok(Bytes::copy_from_slice(json.as_bytes())),
        None => whole(record),
    };
    show(record, world, visibility, Some(&context), exact)
}

/// The world as visible to one caller.
#[derive(Clone)]
pub struct VisibleWorld {
    world: Arc<World>,
    /// The current world, if `world` is an earlier one. What is not visible today is not visible in
    /// the past either.
    now: Option<Arc<World>>,
    visibility: Visibility,
    memo: Arc<Memo>,
}

impl VisibleWorld {
    /// The current world.
    #[must_use]
    pub fn now(world: Arc<World>, visibility: Visibility) -> Self {
        Self {
            world,
            now: None,
            visibility,
            memo: Arc::default(),
        }
    }

    /// A past world.
    #[must_use]
    pub fn past(world: Arc<World>, now: Arc<World>, visibility: Visibility) -> Self {
        Self {
            world,
            now: Some(now),
            visibility,
            memo: Arc::default(),
        }
    }

    /// Takes records back to earlier versions, which makes this an earlier world. A record without
    /// an earlier version is left out.
    pub fn take_back<'a>(
        &mut self,
        records: impl IntoIterator<Item = (Uuid, Option<&'a Arc<dyn AnyRecord>>)>,
    ) {
        self.now.get_or_insert_with(|| Arc::clone(&self.world));
        self.memo = Arc::default();
        let world = Arc::make_mut(&mut self.world);
        for (id, version) in records {
            match version {
                Some(version) => drop(world.apply(Arc::clone(version))),
                None => world.forget(id),
            }
        }
    }

    fn context(&self) -> DisclosureContext<'_> {
        DisclosureContext {
            world: &self.world,
            now: self.now.as_ref().unwrap_or(&self.world),
            visibility: &self.visibility,
            memo: &self.memo,
        }
    }

    /// A record in the form that the caller may see.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn show(&self, record: &Arc<dyn AnyRecord>) -> Result<RedactedRecord, Problem> {
        let context = self.context();
        show(
            record.as_ref(),
            context.now,
            &self.visibility,
            Some(&context),
            || self.world.written.of(record),
        )
    }

    /// The same, for an answer with more records than are worth caching.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn show_once(&self, record: &dyn AnyRecord) -> Result<RedactedRecord, Problem> {
        let context = self.context();
        show(
            record,
            context.now,
            &self.visibility,
            Some(&context),
            || whole(record),
        )
    }

    /// One version of a record in the form that the caller may see. Without the records around it,
    /// a released version shows no figures.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    pub fn show_version(&self, version: &dyn AnyRecord) -> Result<RedactedRecord, Problem> {
        show(version, self.context().now, &self.visibility, None, || {
            whole(version)
        })
    }

    /// Whether one version of a record is visible. A version that was marked stays invisible after
    /// the marking is removed.
    #[must_use]
    pub fn may_see_version(&self, version: &dyn AnyRecord) -> bool {
        let meta = version.meta();
        self.may_see_marking(meta.id, meta.marking)
    }

    /// Whether a version of a record with this marking is visible.
    #[must_use]
    pub fn may_see_marking(&self, id: Uuid, marking: Marking) -> bool {
        version_cleared(self.context().now, &self.visibility.clearance, id, marking)
    }

    /// Whether the caller sees the record as recorded.
    #[must_use]
    pub fn is_exact(&self, record: &dyn AnyRecord) -> bool {
        self.visibility.is_exact(self.context().now, record)
    }

    /// Whether the caller is responsible for such records in a scope that covers this one. Figures
    /// in that scope are shown as recorded.
    #[must_use]
    pub fn keeps(&self, record: &dyn AnyRecord) -> bool {
        self.visibility.keeps(self.context().now, record)
    }

    /// The released form of a record, unless the caller sees it as recorded.
    #[must_use]
    pub fn released<R: Resource>(&self, record: &Rec<R>) -> Option<(R, R::Computed)> {
        let context = self.context();
        if self.visibility.is_exact(context.now, record) {
            return None;
        }
        R::release(record, Some(&context))
    }

    /// The live records of a kind whose unique key starts with this prefix ([`Resource::unique`]),
    /// in the order of the keys.
    pub fn unique_from<'a, 'p, R: Resource>(
        &'a self,
        prefix: &'p [u8],
    ) -> impl Iterator<Item = &'a Rec<R>> + use<'a, 'p, R> {
        let table = self.world.table_of::<R>();
        let found = table.into_iter().flat_map(move |t| t.unique_from(prefix));
        found
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.is_live(*r) && self.may_see(r.meta.id))
    }

    /// Whether the record is visible to the caller.
    #[must_use]
    pub fn may_see(&self, id: impl Into<Uuid>) -> bool {
        let id = id.into();
        std::iter::once(&self.world)
            .chain(self.now.as_ref())
            .all(|w| cleared(w, &self.visibility.clearance, id))
    }

    /// Which records of the current world the caller may see; `None` for an earlier world, and
    /// where each record must be checked.
    #[must_use]
    pub fn visible(&self) -> Option<Visible> {
        reads::everything();
        match &self.visibility.clearance {
            _ if self.now.is_some() => None,
            _ if self.world.hidden().is_empty() => Some(Visible::All),
            Clearance::All => Some(Visible::All),
            Clearance::None => Some(Visible::But(Arc::clone(self.world.hidden()))),
            Clearance::Within(_) => None,
        }
    }

    /// A record of any kind that the caller may see.
    #[must_use]
    pub fn any(&self, id: impl Into<Uuid>) -> Option<&Arc<dyn AnyRecord>> {
        let id = id.into();
        self.world.any(id).filter(|_| self.may_see(id))
    }

    /// A record of a given kind that the caller may see.
    #[must_use]
    pub fn get<R: Resource>(&self, id: impl Into<Id<R>>) -> Option<&Rec<R>> {
        self.any(id.into())?.as_any().downcast_ref()
    }

    /// The name of a record's kind.
    #[must_use]
    pub fn kind_of(&self, record: &Arc<dyn AnyRecord>) -> &'static str {
        self.world
            .catalogue()
            .kinds()
            .get(record.meta().kind())
            .map_or("", |k| k.name)
    }

    /// Every kind of record.
    #[must_use]
    pub fn kinds(&self) -> &'static [Kind] {
        self.world.catalogue().kinds()
    }

    /// The records of a kind. Each must still pass [`VisibleWorld::may_see`].
    #[must_use]
    pub fn table_of<R: Resource>(&self) -> Option<Table<'_>> {
        self.world.table_of::<R>()
    }

    /// The same, for a kind that is known only at run time.
    #[must_use]
    pub fn table(&self, kind: &Kind) -> Option<Table<'_>> {
        self.world.table(kind.index)
    }

    /// Every live record of a kind that the caller may see.
    pub fn live<R: Resource>(&self) -> impl Iterator<Item = &Rec<R>> {
        self.world.live::<R>().filter(|r| self.may_see(r.meta.id))
    }

    /// The same, for a kind that is known only at run time.
    pub fn live_of(&self, kind: &Kind) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        let rows = self.table(kind).into_iter().flat_map(Table::rows);
        rows.filter(|r| self.is_live(r.as_ref()) && self.may_see(r.meta().id))
    }

    /// The records of a kind that have all of these words ([`World::search`]). Each must still pass
    /// [`VisibleWorld::may_see`]. None for an earlier world, of which each text must be asked.
    #[must_use]
    pub fn search(&self, kind: &Kind, words: &[String], most: usize) -> Option<Found> {
        let is_now = self.now.is_none() && !words.is_empty();
        let found = is_now.then(|| self.world.search(kind.index, words, most));
        found.flatten()
    }

    /// Number of records that [`VisibleWorld::count_live`] looks at.
    #[must_use]
    pub fn exceptions(&self) -> usize {
        self.world.lapsed().len() + self.world.hidden().len()
    }

    /// Number of live records of a kind that the caller may see; none for an earlier world, where
    /// each must be asked.
    #[must_use]
    pub fn count_live(&self, kind: &Kind) -> Option<usize> {
        let live = self.table(kind)?.live() - self.count_lapsed(kind);
        let hidden = self.world.hidden().iter();
        let unseen = hidden.filter_map(|id| self.world.any(*id)).filter(|r| {
            let meta = r.meta();
            meta.kind() == kind.index && self.is_live(r.as_ref()) && !self.may_see(meta.id)
        });
        self.now.is_none().then(|| live - unseen.count())
    }

    /// Number of records of a kind that do not count although they are not withdrawn themselves.
    fn count_lapsed(&self, kind: &Kind) -> usize {
        let lapsed = self.world.lapsed().iter();
        let lapsed = lapsed.filter_map(|id| self.world.any(*id));
        lapsed.filter(|r| r.meta().kind() == kind.index).count()
    }

    /// Those of the records found.
    pub fn found<'w>(&'w self, found: &Found) -> impl Iterator<Item = &'w Arc<dyn AnyRecord>> {
        found.records(&self.world)
    }

    /// Whether a record is one of those found.
    #[must_use]
    pub fn is_found(&self, found: &Found, id: Uuid) -> bool {
        found.has(&self.world, id)
    }

    /// Whether a record counts ([`World::is_live`]).
    #[must_use]
    pub fn is_live(&self, record: &dyn AnyRecord) -> bool {
        self.world.is_live(record)
    }

    /// Whether a record counts and exists or applies on a day ([`World::is_active_on`]).
    #[must_use]
    pub fn is_active_on(&self, record: &dyn AnyRecord, day: NaiveDate) -> bool {
        self.world.is_active_on(record, day, |id| self.may_see(id))
    }

    /// The live records of a kind with a reference after `after`, ordered by reference.
    pub fn by_reference<'a, R: Resource>(
        &'a self,
        after: &str,
    ) -> impl Iterator<Item = &'a Rec<R>> {
        let from = (Key::Text(reference_key(after)), Uuid::max());
        let table = self.world.table_of::<R>().into_iter();
        table
            .flat_map(move |t| t.up(BY_REFERENCE, Bound::Excluded(&from)))
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.is_live(*r) && self.may_see(r.meta.id))
    }

    /// The live records of a kind that link to `id`.
    pub fn pointing<R: Resource>(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Rec<R>> {
        self.world
            .pointing::<R>(id)
            .filter(|r| self.may_see(r.meta.id))
    }

    /// The records of any kind that link to `id`.
    pub fn pointing_to(&self, id: impl Into<Uuid>) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world
            .pointing_to(id)
            .filter(|r| self.may_see(r.meta().id))
    }

    /// The records of one kind that link to `id`, including withdrawn ones.
    pub fn pointing_of(&self, id: Uuid, kind: &Kind) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world
            .pointing_of(id, kind.index)
            .filter(|r| self.may_see(r.meta().id))
    }

    /// Number of records that link to `id`, including those not visible. Only for choosing a way to
    /// search; never shown to a caller.
    #[must_use]
    pub fn pointing_count(&self, id: impl Into<Uuid>) -> usize {
        self.world.pointing_count(id)
    }

    /// What filters may use.
    #[must_use]
    pub fn reading(&self, on: NaiveDate) -> Reading<'_> {
        Reading {
            world: &self.world,
            on,
            now: self.now.as_deref(),
            clearance: &self.visibility.clearance,
        }
    }

    /// A setting currently in force, also used for what is shown of the past.
    #[must_use]
    pub fn setting<T>(&self, of: fn(&World) -> T) -> T {
        of(self.context().now)
    }

    /// The state of the current world as the caller sees it; none for an earlier world.
    #[must_use]
    pub fn moment(&self) -> Option<Moment> {
        let moment = || self.world.moment(&self.visibility.clearance);
        self.now.is_none().then(moment)
    }

    /// What the caller may see.
    #[must_use]
    pub fn visibility(&self) -> &Visibility {
        &self.visibility
    }

    /// Number of journal entries up to this world, without those about records that are not visible
    /// to the caller.
    #[must_use]
    pub fn seq(&self) -> i64 {
        reads::everything();
        let Some(now) = &self.now else {
            return visible_state(&self.world, &self.visibility.clearance).entries;
        };
        let clearance = &self.visibility.clearance;
        let mut gone: IdSet = unseen(&self.world, clearance).copied().collect();
        gone.extend(unseen(now, clearance));
        let versions = gone.iter().filter_map(|id| self.world.any(*id));
        self.world.seq - versions.map(|r| r.meta().version).sum::<i64>()
    }

    /// Number of the last journal entry in this world, for comparisons. It is never told.
    #[must_use]
    pub fn last_entry(&self) -> i64 {
        reads::everything();
        self.world.seq
    }

    /// Number of a journal entry, for callers who may see every marked record. For all others it
    /// would show how many entries are not visible to them.
    #[must_use]
    pub fn entry_number(&self, seq: i64) -> Option<i64> {
        (self.visibility.clearance == Clearance::All).then_some(seq)
    }

    /// Which marked records are visible.
    #[must_use]
    pub fn clearance(&self) -> &Clearance {
        &self.visibility.clearance
    }
}

/// Whether a caller with this clearance may see a record.
#[must_use]
pub fn cleared(world: &World, clearance: &Clearance, id: Uuid) -> bool {
    match clearance {
        Clearance::All => true,
        _ if !world.is_hidden(id) => true,
        Clearance::None => false,
        Clearance::Within(scopes) => scopes.iter().any(|scope| world.is_in_scope(id, *scope)),
    }
}

/// The state of a world as far as a caller can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleState {
    /// Number of journal entries, without those about records that are not visible.
    pub entries: i64,
    /// Differs whenever what is visible differs, and only then.
    pub digest: u128,
}

/// The state of a world as far as a caller with this clearance can see it.
#[must_use]
pub fn visible_state(world: &World, clearance: &Clearance) -> VisibleState {
    reads::everything();
    let unseen = match clearance {
        Clearance::All => Share::default(),
        Clearance::None => world.hidden_share().share,
        Clearance::Within(_) => unseen(world, clearance)
            .filter_map(|id| world.any(*id))
            .fold(Share::default(), |share, r| share.and(r.as_ref())),
    };
    VisibleState {
        entries: world.seq - unseen.entries,
        digest: world.digest.wrapping_sub(unseen.digest),
    }
}

/// The records that a caller with this clearance may not see.
fn unseen<'a>(world: &'a World, clearance: &'a Clearance) -> impl Iterator<Item = &'a Uuid> {
    reads::everything();
    let hidden = world.hidden().iter();
    hidden.filter(|id| !cleared(world, clearance, **id))
}

/// The world as if the records that a caller with this clearance may not see had never been
/// recorded. What a caller is told about a proposed change is decided in this world, so it cannot
/// depend on them.
#[must_use]
pub fn visible_part<'a>(world: &'a World, clearance: &Clearance) -> Cow<'a, World> {
    reads::everything();
    match clearance {
        _ if world.hidden().is_empty() => Cow::Borrowed(world),
        Clearance::All => Cow::Borrowed(world),
        Clearance::None => Cow::Borrowed(world.open()),
        Clearance::Within(_) => Cow::Owned(world.without(unseen(world, clearance))),
    }
}

/// Whether one version of a record is visible: a version that was marked stays invisible after the
/// marking is removed.
#[must_use]
pub fn version_cleared(world: &World, clearance: &Clearance, id: Uuid, marking: Marking) -> bool {
    match (marking, clearance) {
        (Marking::Official, _) | (_, Clearance::All) => cleared(world, clearance, id),
        (Marking::OfficialSensitive, Clearance::None) => false,
        (Marking::OfficialSensitive, Clearance::Within(scopes)) => {
            scopes.iter().any(|s| world.is_in_scope(id, *s))
        }
    }
}
