//! Past worlds: the current world with everything recorded later undone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use uuid::Uuid;

use super::reading::{Lot, ahead, parse};
use crate::db::store::JournalRow;
use crate::db::{Conn, DbError, Readers, store};
use crate::metrics::{CacheState, Hits};
use crate::problem::Problem;
use crate::world::{AnyRecord, Catalogue, IdSet, World};

/// A past world.
#[derive(Clone)]
pub struct WorldAt {
    pub world: Arc<World>,
    /// Whether this is the current world: nothing has been recorded since.
    pub is_now: bool,
}

/// An earlier version of a record.
pub struct EarlierVersion {
    pub id: Uuid,
    /// Number of the entry that recorded it.
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// None if its content was removed.
    pub record: Option<Arc<dyn AnyRecord>>,
}

/// The versions of records at or before an entry, newest first, parsed on all cores.
pub(super) fn earlier_versions(
    conn: &mut Conn,
    catalogue: &'static Catalogue,
    (ids, until): (&[Uuid], i64),
    most: i64,
) -> Result<Vec<EarlierVersion>, DbError> {
    let mut rows = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        rows.append(&mut store::versions_of(conn, ids, until, most)?);
    }
    let version = |row: &JournalRow| {
        let snapshot = row.snapshot.as_ref();
        let parsed = snapshot.map(|text| parse(catalogue, &row.kind, text, row.shape, row.seq));
        Ok(EarlierVersion {
            id: row.record_id.0,
            seq: row.seq,
            at: row.at.0,
            record: parsed.transpose()?,
        })
    };
    rows.par_iter().map(version).collect()
}

/// The records that have linked to these records, each with the record that it linked to.
pub(super) fn former_links(conn: &mut Conn, to: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let mut all = Vec::new();
    for to in to.chunks(AT_ONCE) {
        let rows = store::former_links_to(conn, to)?.into_iter();
        all.extend(rows.map(|row| (row.target_id.0, row.record_id.0)));
    }
    Ok(all)
}

/// Number of past worlds cached for the next request. Each shares unchanged records with the current
/// world.
const MOST_WORLDS: usize = 4;
/// Maximum number of records in the cached worlds that are not shared with the current world. The
/// last world requested is always cached.
const OWN_RECORDS: usize = 20_000;

/// Number of changed records whose earlier versions are read and parsed at once.
const AT_ONCE: usize = 2_000;

/// A past world, with the number of its last entry and how many records it does not share with the
/// current world.
struct CachedWorld {
    seq: i64,
    /// The last redaction that it was made after. A later one makes it stale.
    redaction: i64,
    own: usize,
    world: Arc<World>,
}

/// The past worlds requested most recently.
#[derive(Default)]
pub struct Past {
    cached: Mutex<VecDeque<CachedWorld>>,
    hits: Hits,
    /// Lets one past world be built at a time. Other requests for the same world wait for it.
    making: tokio::sync::Mutex<()>,
}

impl Past {
    /// Returns the world as recorded at `at`, from the current one.
    pub async fn world_at(
        &self,
        now: Arc<World>,
        readers: &Readers,
        at: DateTime<Utc>,
    ) -> Result<WorldAt, Problem> {
        if at >= now.at {
            return Ok(WorldAt {
                world: now,
                is_now: true,
            });
        }
        let seq = readers.run(move |c| store::seq_at(c, at)).await?;
        let redaction = now.last_redaction;
        if let Some(world) = self.hits.count(self.find(seq, redaction)) {
            return Ok(WorldAt {
                world,
                is_now: false,
            });
        }
        let _one_at_a_time = self.making.lock().await;
        // Another request may have built it while this one waited.
        if let Some(world) = self.find(seq, redaction) {
            return Ok(WorldAt {
                world,
                is_now: false,
            });
        }
        let changed = changed_since(&now, seq);
        let own = changed.len();
        // Before building, so that memory never holds one world more than allowed.
        self.make_room(own);
        let world = Arc::new(
            readers
                .run(move |conn| rebuild((*now).clone(), conn, &changed, seq))
                .await?,
        );
        self.cache(CachedWorld {
            seq,
            redaction,
            own,
            world: Arc::clone(&world),
        });
        Ok(WorldAt {
            world,
            is_now: false,
        })
    }

    /// How many there are, and how often one was found.
    pub fn state(&self) -> CacheState<'_> {
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        CacheState {
            name: "past_worlds",
            hits: &self.hits,
            entries: cached.len() as u64,
        }
    }

    fn find(&self, seq: i64, redaction: i64) -> Option<Arc<World>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.retain(|k| k.redaction >= redaction);
        let at = cached.iter().position(|k| k.seq == seq)?;
        let found = cached.remove(at)?;
        let world = Arc::clone(&found.world);
        cached.push_front(found);
        Some(world)
    }

    /// Drops the worlds requested longest ago, before building a new one with `own` records of its
    /// own.
    fn make_room(&self, own: usize) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        cached.truncate(MOST_WORLDS - 1);
        while own + cached.iter().map(|k| k.own).sum::<usize>() > OWN_RECORDS
            && cached.pop_back().is_some()
        {}
    }

    fn cache(&self, new: CachedWorld) {
        self.cached
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_front(new);
    }
}

/// Returns the records changed after entry `seq`.
fn changed_since(now: &World, seq: i64) -> Vec<Uuid> {
    // Nothing is ever deleted, so what was changed later is still there with a later entry.
    let kinds = now.catalogue().kinds().iter();
    let rows = kinds
        .filter_map(|k| now.table(k.index))
        .flat_map(|t| t.rows());
    rows.filter(|r| r.meta().seq > seq)
        .map(|r| r.meta().id)
        .collect()
}

/// Replaces records changed later by their versions at entry `seq`, parsing on all cores.
fn rebuild(
    mut world: World,
    conn: &mut Conn,
    changed: &[Uuid],
    seq: i64,
) -> Result<World, DbError> {
    let catalogue = world.catalogue();
    ahead(
        |lots| {
            for ids in changed.chunks(AT_ONCE) {
                let rows = store::versions_at(conn, ids, seq)?;
                let told = rows.par_iter().filter_map(|row| {
                    // A version whose content was redacted cannot be shown, so the record is left
                    // out.
                    let snapshot = row.snapshot.as_ref()?;
                    Some(parse(catalogue, &row.kind, snapshot, row.shape, row.seq))
                });
                // Sending fails only if the thread that builds the world has failed.
                if lots.send((ids, told.collect::<Result<_, _>>()?)).is_err() {
                    break;
                }
            }
            Ok(())
        },
        |(ids, records): (&[Uuid], Lot)| {
            // Records without a version at that time were created later.
            let there: IdSet = records.iter().map(|r| r.meta().id).collect();
            for id in ids.iter().filter(|id| !there.contains(*id)) {
                world.forget(*id);
            }
            for record in records {
                world.apply(record);
            }
        },
    )?;
    world.seq = seq;
    Ok(world)
}
