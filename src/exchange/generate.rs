//! Load-test data of realistic shape.

use crate::engine::Engine;
use crate::problem::Problem;

/// Makes `items` work-plan items with what belongs around them.
///
/// # Errors
/// The database is not empty, or away.
pub async fn generate(_engine: &Engine, _items: usize) -> Result<usize, Problem> {
    Err(Problem::unavailable("not made yet"))
}
