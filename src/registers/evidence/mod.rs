//! Documents with their versions, and what they are evidence of.

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
