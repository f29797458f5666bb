//! Places for what is limited in number, with a share for each account.

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
    /// The accounts that have places, once for each place.
    taken: Arc<Mutex<Vec<Uuid>>>,
}

/// A place, taken while it is held.
#[derive(Debug)]
pub struct Place {
    _slot: OwnedSemaphorePermit,
    owner: Uuid,
    taken: Arc<Mutex<Vec<Uuid>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = taken.iter().position(|owner| *owner == self.owner) {
            taken.swap_remove(at);
        }
    }
}

impl Places {
    /// This many places.
    #[must_use]
    pub fn new(most: u16, refusals: Refusals) -> Self {
        Self {
            most: most.into(),
            slots: Arc::new(Semaphore::new(most.into())),
            refusals,
            taken: Arc::default(),
        }
    }

    /// Number of places that one account may have.
    fn share(&self) -> usize {
        usize::try_from(self.most / 2).unwrap_or(1).max(1)
    }

    /// Number of places taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.len()
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
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let share = self.share();
        if taken.iter().filter(|of| **of == owner).count() >= share {
            let Refusals {
                doing, share: what, ..
            } = self.refusals;
            let detail = format!("this account {doing} {share} {what}");
            return Err(Problem::new(Code::TooManyRequests, detail)
                .header("Retry-After", "5")
                .shed(self.refusals.limit));
        }
        let full = |_| Problem::unavailable(self.refusals.full).shed(self.refusals.limit);
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(full)?;
        taken.push(owner);
        Ok(Place {
            _slot: slot,
            owner,
            taken: Arc::clone(&self.taken),
        })
    }
}
