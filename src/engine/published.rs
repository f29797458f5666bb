//! The current world of this process.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::world::World;

/// The current world. It is only ever replaced by a later one.
pub(super) struct Published {
    world: ArcSwap<World>,
    guard: Mutex<()>,
}

impl Published {
    pub(super) fn new(world: World) -> Self {
        Self {
            world: ArcSwap::from_pointee(world),
            guard: Mutex::new(()),
        }
    }

    pub(super) fn load(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// Replaces the world unless a later one is already published: the writer and the follower may
    /// both have seen the same entries.
    pub(super) fn publish(&self, world: World) {
        let _one_at_a_time = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if world.seq > self.world.load().seq {
            self.world.store(Arc::new(world));
        }
    }
}
