//! What is asked: pure functions of the world and a day, cached until the journal moves.

use crate::http::Operation;
use crate::world::schema::Schemas;

/// Answers kept until the journal moves.
#[derive(Default)]
pub struct Cache;

/// The views' operations.
#[must_use]
pub fn operations() -> Vec<Operation> {
    Vec::new()
}

/// The schemas that they use.
pub fn schemas(_schemas: &mut Schemas) {}
