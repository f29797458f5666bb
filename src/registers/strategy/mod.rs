//! The strategy register.

use crate::world::Catalogue;

/// Adds the register's kinds.
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
}
