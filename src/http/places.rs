//! Places for what is limited in number, with a share for each account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::problem::{Code, Problem, Shed};

/// What a caller is told when there is no place.
#[derive(Debug, Clone, Copy)]
pub struct Refusals {
    /// What an account that has its share is doing already, such as `is already uploading`.
    pub doing: &'static str,
    /// What it has this many of, and when it may try again.
    pub share: &'static str,
    /// That everything is taken.
    pub full: &'static str,
    /// The limit that is counted.
    pub limit: Shed,
}

/// A number of places. One account gets half of them, so that it cannot keep out all others.
#[derive(Debug, Clone)]
pub struct Places {
    most: u32,
    slots: Arc<Semaphore>,
    refusals: Refusals,
    /// Number of places that each account has.
    taken: Arc<Mutex<HashMap<Uuid, u32>>>,
}

/// A place or several, taken while this is held.
#[derive(Debug)]
pub struct Place {
    slots: OwnedSemaphorePermit,
    owner: Uuid,
    taken: Arc<Mutex<HashMap<Uuid, u32>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.remove(&self.owner).unwrap_or_default();
        let left = own.saturating_sub(u32::try_from(self.slots.num_permits()).unwrap_or(own));
        if left > 0 {
            taken.insert(self.owner, left);
        }
    }
}

impl Places {
    /// This many places.
    #[must_use]
    pub fn new(most: u32, refusals: Refusals) -> Self {
        Self {
            most,
            slots: Arc::new(Semaphore::new(most as usize)),
            refusals,
            taken: Arc::default(),
        }
    }

    /// Number of places that one account may have.
    fn share(&self) -> u32 {
        (self.most / 2).max(1)
    }

    /// Number of places taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.values().sum()
    }

    /// Waits until no place is taken.
    pub async fn all_free(&self) {
        drop(self.slots.acquire_many(self.most).await);
    }

    /// Takes a place for this account.
    ///
    /// # Errors
    /// 429 if the account has its share, 503 if all places are taken.
    pub fn take(&self, owner: Uuid) -> Result<Place, Problem> {
        self.take_several(owner, 1)
    }

    /// Takes this many places for this account, or none.
    ///
    /// # Errors
    /// 429 if the account would have more than its share, 503 if too few places are free.
    pub fn take_several(&self, owner: Uuid, places: u32) -> Result<Place, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let share = self.share();
        let own = taken.get(&owner).copied().unwrap_or_default();
        if own.saturating_add(places) > share {
            let Refusals {
                doing, share: what, ..
            } = self.refusals;
            let detail = format!("this account {doing} {share} {what}");
            return Err(Problem::new(Code::TooManyRequests, detail)
                .header("Retry-After", "5")
                .shed(self.refusals.limit));
        }
        let full = |_| Problem::unavailable(self.refusals.full).shed(self.refusals.limit);
        let slots = Arc::clone(&self.slots);
        let slots = slots.try_acquire_many_owned(places).map_err(full)?;
        taken.insert(owner, own + places);
        Ok(Place {
            slots,
            owner,
            taken: Arc::clone(&self.taken),
        })
    }
}
