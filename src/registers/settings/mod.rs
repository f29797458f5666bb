//! What differs by organisation, kept as data with versions.

use crate::world::{Catalogue, World};

/// When and how far figures about few people are hidden on release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Counts below this are suppressed; 0 and 1 suppress nothing.
    pub below: u32,
    /// Counts are rounded to the nearest multiple of this; 1 rounds nothing.
    pub round_to: u32,
}

/// The suppression in force.
#[must_use]
pub fn suppression(_world: &World) -> Suppression {
    Suppression { below: 10, round_to: 5 }
}

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
