//! The organisation: its units and the bodies around it, and the posts within them.

mod post;
mod unit;

pub use post::Post;
pub use unit::{Unit, UnitKind};

use crate::world::Catalogue;

/// Adds the register's kinds.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue.with::<Unit>().with::<Post>()
}
