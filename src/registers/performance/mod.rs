//! Performance: measures, sources, classifications, observations, dashboards.

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
