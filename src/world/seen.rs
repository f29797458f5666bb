//! The world as one caller may see it. Handlers and views get this and never the world itself, so that what is hidden from a
//! caller changes no list, no count, no history and no search.

use std::ops::Bound;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{AnyRecord, Key, Kind, Marking, Reading, Rec, Resource, Table, World};

/// How much of what is marked a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clearance {
    None,
    /// What belongs to these units or boards.
    Within(Vec<Uuid>),
    All,
}

/// The world through one caller's eyes.
#[derive(Clone)]
pub struct Seen {
    world: Arc<World>,
    /// The world of now, when `world` is an earlier one: what is hidden today is hidden in the past too.
    now: Option<Arc<World>>,
    clearance: Clearance,
}

impl Seen {
    /// The world of now.
    #[must_use]
    pub fn now(world: Arc<World>, clearance: Clearance) -> Self {
        Self {
            world,
            now: None,
            clearance,
        }
    }

    /// An earlier world.
    #[must_use]
    pub fn past(world: Arc<World>, now: Arc<World>, clearance: Clearance) -> Self {
        Self {
            world,
            now: Some(now),
            clearance,
        }
    }

    /// Whether the caller may know of the record.
    #[must_use]
    pub fn may_see(&self, id: Uuid) -> bool {
        std::iter::once(&self.world)
            .chain(self.now.as_ref())
            .all(|w| cleared(w, &self.clearance, id))
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
        self.world.catalogue().kinds().get(record.meta().kind).map_or("", |k| k.name)
    }

    /// The records of a kind. Each must still pass [`Seen::may_see`].
    #[must_use]
    pub fn table(&self, kind: &Kind) -> Option<&Table> {
        self.world.table(kind.index)
    }

    /// Every live record of a kind that the caller may know of.
    pub fn live<R: Resource>(&self) -> impl Iterator<Item = &Rec<R>> {
        self.world.live::<R>().filter(|r| self.may_see(r.meta.id))
    }

    /// The live records of a kind with a reference after `after`, in the order of their references.
    pub fn by_reference<'a, R: Resource>(&'a self, after: &str) -> impl Iterator<Item = &'a Rec<R>> {
        let from = (Bound::Excluded((Key::Text(after.into()), Uuid::max())), Bound::Unbounded);
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
        self.world.pointing::<R>(id).filter(|r| self.may_see(r.meta.id))
    }

    /// The records of any kind that point to `id`.
    pub fn pointing_to(&self, id: Uuid) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world.pointing_to(id).filter(|r| self.may_see(r.meta().id))
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
            clearance: &self.clearance,
        }
    }

    /// Number of the last journal entry that this world holds.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.world.seq
    }

    /// How much of what is marked shows.
    #[must_use]
    pub fn clearance(&self) -> &Clearance {
        &self.clearance
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
        (Marking::OfficialSensitive, Clearance::Within(scopes)) => scopes.iter().any(|s| world.is_in_scope(id, *s)),
    }
}
