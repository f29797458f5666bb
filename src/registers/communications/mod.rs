//! Communications: plans, campaigns and activities, intranet assets, good practice.

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
