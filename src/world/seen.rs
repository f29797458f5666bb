//! The world as one caller may see it. Handlers and views get this and never the world itself, so that what is hidden from a
//! caller changes no list, no count, no history and no search.
//!
//! A record's JSON reaches an answer only as [`Shown`], which is made here: whole for who may see its figures, else in the form that its
//! resource releases. `clippy.toml` refuses the way round it.

use std::any::Any;
use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{AnyRecord, IdSet, Key, Kind, Marking, Reading, Rec, Resource, Table, World};
use crate::policy::Subject;
use crate::problem::Problem;

/// How much of what is marked a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clearance {
    None,
    /// What belongs to these units or boards.
    Within(Vec<Uuid>),
    All,
}

/// What a caller sees.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sight {
    /// How much of what is marked.
    pub clearance: Clearance,
    /// The subjects whose figures it sees as they were recorded, each in a scope or everywhere.
    pub exact: Vec<(Subject, Option<Uuid>)>,
}

impl Sight {
    /// Nothing that is marked, every figure released.
    #[must_use]
    pub const fn least() -> Self {
        Self {
            clearance: Clearance::None,
            exact: Vec::new(),
        }
    }

    /// Whether the figures of a record show as they were recorded. Today's owners decide, also about the past.
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

/// What of the world of now a caller may know of: equal only where it is the same.
#[derive(Debug, Clone)]
pub enum Visible {
    All,
    /// All but these.
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

/// The records that one is released among: what the caller sees beside it decides how much it may show.
pub struct Among<'a> {
    pub world: &'a World,
    /// Today's world: its settings hold for every release, and what is marked in it is hidden in the past too.
    pub now: &'a World,
    pub sight: &'a Sight,
    memo: &'a Memo,
}

/// What was worked out for one answer.
type Memo = Mutex<HashMap<Vec<u8>, Arc<dyn Any + Send + Sync>>>;

impl Among<'_> {
    /// Whether the caller may know of the record.
    #[must_use]
    pub fn may_see(&self, id: Uuid) -> bool {
        [self.world, self.now]
            .iter()
            .all(|w| cleared(w, &self.sight.clearance, id))
    }

    /// Works something out once for all records of an answer.
    pub fn once<T: Send + Sync + 'static>(&self, key: Vec<u8>, work: impl FnOnce() -> T) -> Arc<T> {
        let known = |memo: &Memo| {
            memo.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&key)
                .map(Arc::clone)
        };
        if let Some(Ok(found)) = known(self.memo).map(Arc::downcast::<T>) {
            return found;
        }
        let made = Arc::new(work());
        let kept: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(&made);
        self.memo
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, kept);
        made
    }
}

/// A record as a caller is shown it.
#[derive(Debug, Clone)]
pub struct Shown {
    json: Bytes,
    tag: String,
}

impl Shown {
    /// Its JSON.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// Its ETag: the version; for a released form also a digest of it, since it changes with the records beside it.
    #[must_use]
    pub fn etag(&self) -> String {
        self.tag.clone()
    }
}

/// JSON, unless it cannot be written.
type Json = Result<Bytes, serde_json::Error>;

/// A record's JSON with every figure in it.
#[expect(
    clippy::disallowed_methods,
    reason = "for `show`, which decides who sees it"
)]
fn whole(record: &dyn AnyRecord) -> Json {
    record.json()
}

/// Shows a record to someone, beside the other records of a world: the one place where a record becomes what a caller is shown. `exact`
/// gives its JSON with every figure in it.
fn show(
    record: &dyn AnyRecord,
    now: &World,
    sight: &Sight,
    among: Option<&Among<'_>>,
    exact: impl FnOnce() -> Json,
) -> Result<Shown, Problem> {
    let version = record.meta().version;
    if sight.is_exact(now, record) {
        return Ok(Shown {
            json: exact().map_err(Problem::internal)?,
            tag: format!("\"{version}\""),
        });
    }
    let json = record.released(among).map_err(Problem::internal)?;
    let digest: String = Sha256::digest(&json)
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect();
    Ok(Shown {
        json,
        tag: format!("\"{version}.{digest}\""),
    })
}

/// Shows a record of the world of now, as the answer to a change.
///
/// # Errors
/// It cannot be written.
pub fn show_now(world: &World, sight: &Sight, record: &dyn AnyRecord) -> Result<Shown, Problem> {
    let memo = Memo::default();
    let among = Among {
        world,
        now: world,
        sight,
        memo: &memo,
    };
    show(record, world, sight, Some(&among), || whole(record))
}

/// The world through one caller's eyes.
#[derive(Clone)]
pub struct Seen {
    world: Arc<World>,
    /// The world of now, when `world` is an earlier one: what is hidden today is hidden in the past too.
    now: Option<Arc<World>>,
    sight: Sight,
    memo: Arc<Memo>,
}

impl Seen {
    /// The world of now.
    #[must_use]
    pub fn now(world: Arc<World>, sight: Sight) -> Self {
        Self {
            world,
            now: None,
            sight,
            memo: Arc::default(),
        }
    }

    /// An earlier world.
    #[must_use]
    pub fn past(world: Arc<World>, now: Arc<World>, sight: Sight) -> Self {
        Self {
            world,
            now: Some(now),
            sight,
            memo: Arc::default(),
        }
    }

    fn among(&self) -> Among<'_> {
        Among {
            world: &self.world,
            now: self.now.as_ref().unwrap_or(&self.world),
            sight: &self.sight,
            memo: &self.memo,
        }
    }

    /// A record as the caller is shown it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn show(&self, record: &Arc<dyn AnyRecord>) -> Result<Shown, Problem> {
        let among = self.among();
        show(
            record.as_ref(),
            among.now,
            &self.sight,
            Some(&among),
            || self.world.written.of(record),
        )
    }

    /// One version of a record as the caller is shown it. Out of the company it stood in, a version that is released shows no figures.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn show_version(&self, version: &dyn AnyRecord) -> Result<Shown, Problem> {
        show(version, self.among().now, &self.sight, None, || {
            whole(version)
        })
    }

    /// Whether one version of a record may be shown: one that was marked stays hidden after the mark is gone.
    #[must_use]
    pub fn may_see_version(&self, version: &dyn AnyRecord) -> bool {
        let meta = version.meta();
        version_cleared(
            self.among().now,
            &self.sight.clearance,
            meta.id,
            meta.marking,
        )
    }

    /// Whether the caller sees the record as it was recorded.
    #[must_use]
    pub fn is_exact(&self, record: &dyn AnyRecord) -> bool {
        self.sight.is_exact(self.among().now, record)
    }

    /// Whether the caller keeps such records in a scope that covers this one: the figures within it show as they were recorded.
    #[must_use]
    pub fn keeps(&self, record: &dyn AnyRecord) -> bool {
        self.sight.keeps(self.among().now, record)
    }

    /// The released form of a record, unless the caller sees it as it was recorded.
    #[must_use]
    pub fn released<R: Resource>(&self, record: &Rec<R>) -> Option<(R, R::Computed)> {
        let among = self.among();
        if self.sight.is_exact(among.now, record) {
            return None;
        }
        R::release(record, Some(&among))
    }

    /// The live records of a kind whose unique part begins like this ([`Resource::unique`]), in its order.
    pub fn unique_from<'a, 'p, R: Resource>(
        &'a self,
        prefix: &'p [u8],
    ) -> impl Iterator<Item = &'a Rec<R>> + use<'a, 'p, R> {
        let table = self.world.table_of::<R>();
        let found = table.into_iter().flat_map(move |t| t.unique_from(prefix));
        found
            .filter_map(|r| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| self.may_see(r.meta.id))
    }

    /// Whether the caller may know of the record.
    #[must_use]
    pub fn may_see(&self, id: Uuid) -> bool {
        std::iter::once(&self.world)
            .chain(self.now.as_ref())
            .all(|w| cleared(w, &self.sight.clearance, id))
    }

    /// What of the world of now the caller may know of; none for a world of the past, and where each record must be looked at.
    #[must_use]
    pub fn visible(&self) -> Option<Visible> {
        match &self.sight.clearance {
            _ if self.now.is_some() => None,
            _ if self.world.hidden().is_empty() => Some(Visible::All),
            Clearance::All => Some(Visible::All),
            Clearance::None => Some(Visible::But(Arc::clone(self.world.hidden()))),
            Clearance::Within(_) => None,
        }
    }

    /// A record of any kind that the caller may know of.
    #[must_use]
    pub fn any(&self, id: Uuid) -> Option<&Arc<dyn AnyRecord>> {
        self.world.any(id).filter(|_| self.may_see(id))
    }

    /// A record of a given kind that the caller may know of.
    #[must_use]
    pub fn get<R: Resource>(&self, id: Uuid) -> Option<&Rec<R>> {
        self.any(id)?.as_any().downcast_ref()
    }

    /// The name of a record's kind.
    #[must_use]
    pub fn kind_of(&self, record: &Arc<dyn AnyRecord>) -> &'static str {
        self.world
            .catalogue()
            .kinds()
            .get(record.meta().kind)
            .map_or("", |k| k.name)
    }

    /// Every kind of record.
    #[must_use]
    pub fn kinds(&self) -> &'static [Kind] {
        self.world.catalogue().kinds()
    }

    /// The records of a kind. Each must still pass [`Seen::may_see`].
    #[must_use]
    pub fn table_of<R: Resource>(&self) -> Option<&Table> {
        self.world.table_of::<R>()
    }

    /// The same, of a kind that is known only when it runs.
    #[must_use]
    pub fn table(&self, kind: &Kind) -> Option<&Table> {
        self.world.table(kind.index)
    }

    /// Every live record of a kind that the caller may know of.
    pub fn live<R: Resource>(&self) -> impl Iterator<Item = &Rec<R>> {
        self.world.live::<R>().filter(|r| self.may_see(r.meta.id))
    }

    /// The live records of a kind with a reference after `after`, in the order of their references.
    pub fn by_reference<'a, R: Resource>(
        &'a self,
        after: &str,
    ) -> impl Iterator<Item = &'a Rec<R>> {
        let from = (
            Bound::Excluded((Key::Text(after.into()), Uuid::max())),
            Bound::Unbounded,
        );
        self.world
            .table_of::<R>()
            .and_then(|t| t.order(0))
            .into_iter()
            .flat_map(move |order| order.range::<_, (Key, Uuid)>(from.clone()))
            .filter_map(|(_, r)| r.as_any().downcast_ref::<Rec<R>>())
            .filter(|r| r.is_live() && self.may_see(r.meta.id))
    }

    /// The live records of a kind that point to `id`.
    pub fn pointing<R: Resource>(&self, id: Uuid) -> impl Iterator<Item = &Rec<R>> {
        self.world
            .pointing::<R>(id)
            .filter(|r| self.may_see(r.meta.id))
    }

    /// The records of any kind that point to `id`.
    pub fn pointing_to(&self, id: Uuid) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world
            .pointing_to(id)
            .filter(|r| self.may_see(r.meta().id))
    }

    /// The records of one kind that point to `id`, withdrawn ones too.
    pub fn pointing_of(&self, id: Uuid, kind: &Kind) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world
            .pointing_of(id, kind.index)
            .filter(|r| self.may_see(r.meta().id))
    }

    /// How many records point to `id`, hidden ones included: for choosing a way to search, never to be shown.
    #[must_use]
    pub fn pointing_count(&self, id: Uuid) -> usize {
        self.world.pointing_count(id)
    }

    /// What filters look at.
    #[must_use]
    pub fn reading(&self, on: NaiveDate) -> Reading<'_> {
        Reading {
            world: &self.world,
            on,
            clearance: &self.sight.clearance,
        }
    }

    /// A setting in force today, also for what is shown of the past.
    #[must_use]
    pub fn setting<T>(&self, of: fn(&World) -> T) -> T {
        of(self.among().now)
    }

    /// Number of the last journal entry that this world holds.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.world.seq
    }

    /// How much of what is marked shows.
    #[must_use]
    pub fn clearance(&self) -> &Clearance {
        &self.sight.clearance
    }
}

/// Whether someone with this clearance may know of a record.
#[must_use]
pub fn cleared(world: &World, clearance: &Clearance, id: Uuid) -> bool {
    match clearance {
        Clearance::All => true,
        _ if !world.hidden().contains(&id) => true,
        Clearance::None => false,
        Clearance::Within(scopes) => scopes.iter().any(|scope| world.is_in_scope(id, *scope)),
    }
}

/// Whether one version of a record may be shown: a version that was marked stays hidden after the mark is gone.
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
