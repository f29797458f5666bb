//! Worlds of the past: the world of now with everything undone that was recorded later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Engine, parse};
use crate::db::store;
use crate::problem::Problem;
use crate::world::World;

/// An earlier world.
#[derive(Clone)]
pub struct WorldAt {
    pub world: Arc<World>,
    /// It is the world of now: nothing has been recorded since.
    pub is_now: bool,
}

/// Past worlds kept for the next question; each shares with now what has not changed since.
const KEPT: usize = 4;

/// Above this many changed records the journal is read in one sweep.
const ONE_BY_ONE: usize = 200;

/// The past worlds last asked for.
#[derive(Default)]
pub struct Past {
    kept: Mutex<VecDeque<(i64, Arc<World>)>>,
}

impl Past {
    /// The world as recorded at `at`.
    pub async fn world_at(&self, engine: &Engine, at: DateTime<Utc>) -> Result<WorldAt, Problem> {
        let now = engine.fresh().await?;
        if at >= now.at {
            return Ok(WorldAt { world: now, is_now: true });
        }
        let seq = engine.read(move |c| store::seq_at(c, at)).await?;
        if let Some(world) = self.find(seq) {
            return Ok(WorldAt { world, is_now: false });
        }
        let world = Arc::new(undo(engine, &now, seq).await?);
        self.keep(seq, &world);
        Ok(WorldAt { world, is_now: false })
    }

    fn find(&self, seq: i64) -> Option<Arc<World>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(s, _)| *s == seq).map(|(_, w)| Arc::clone(w))
    }

    fn keep(&self, seq: i64, world: &Arc<World>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((seq, Arc::clone(world)));
        kept.truncate(KEPT);
    }
}

/// Takes back every change after entry `seq`.
async fn undo(engine: &Engine, now: &Arc<World>, seq: i64) -> Result<World, Problem> {
    let changed: Vec<Uuid> = now
        .catalogue()
        .kinds()
        .iter()
        .filter_map(|k| now.table(k.index))
        .flat_map(|t| t.rows())
        .filter(|r| r.meta().seq > seq)
        .map(|r| r.meta().id)
        .collect();
    let (base, catalogue) = (Arc::clone(now), now.catalogue());
    let world = engine
        .read(move |conn| {
            let mut world = (*base).clone();
            let rows = if changed.len() > ONE_BY_ONE {
                store::all_versions_at(conn, seq)?
            } else {
                let mut rows = Vec::with_capacity(changed.len());
                for id in &changed {
                    rows.extend(store::version_at(conn, *id, seq)?);
                }
                rows
            };
            for id in &changed {
                world.forget(*id);
            }
            for row in rows {
                let unchanged = world.any(row.record_id.0).is_some();
                if let Some(snapshot) = row.snapshot.as_ref().filter(|_| !unchanged) {
                    world.apply(parse(catalogue, &row.kind, snapshot, row.shape, row.seq)?);
                }
            }
            world.seq = seq;
            Ok(world)
        })
        .await?;
    Ok(world)
}
