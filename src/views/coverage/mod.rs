//! Coverage: which records are meant to cover which others, as sparse matrices, with the gaps on
//! either side listed and counted (Q5).
//!
//! A matrix has a file of its own, which says what its rows, columns and cells are. `matrix` does
//! the rest, and `table` writes it as a spreadsheet.

mod answer;
mod boards_goals;
mod constituencies_boards;
mod groups_good_practice;
mod items;
mod items_goals;
mod items_measures;
mod lines;
mod matrix;
mod measures_characteristics;
mod table;

pub use answer::CoverageMatrix;
pub use items::KeptItems;

use std::sync::Arc;

use answer::CoverageView;

use crate::http::Operation;
use crate::world::schema::{Schemas, add_answer};

/// The operations of these views.
pub fn operations(kept: &Arc<KeptItems>) -> Vec<Operation> {
    vec![
        items_goals::operation(kept),
        boards_goals::operation(),
        constituencies_boards::operation(),
        items_measures::operation(kept),
        measures_characteristics::operation(),
        groups_good_practice::operation(),
    ]
}

/// The schemas of these views.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<CoverageView>(schemas);
}

/// The matrices of which something is kept.
#[cfg(test)]
pub(super) fn kept_answers(
    asked: &crate::views::request::Asked,
    kept: &KeptItems,
) -> [(&'static str, serde_json::Value); 2] {
    use serde_json::json;

    let words = "the matrix is computed";
    [
        (
            "items and goals",
            json!(items_goals::compute(asked, kept).expect(words)),
        ),
        (
            "items and measures",
            json!(items_measures::compute(asked, kept).expect(words)),
        ),
    ]
}
