//! Who speaks for whom at a board: constituencies, targets, rotation.

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
