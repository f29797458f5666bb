//! Coverage: which records are meant to cover which others, as sparse matrices, with the gaps on
//! either side listed and counted (Q5).
//!
//! A matrix has a file of its own, which says what its rows, columns and cells are. `matrix` does
//! the rest, and `table` writes it as a spreadsheet.

mod answer;
mod boards_goals;
mod constituencies_boards;
mod groups_good_practice;
mod items_goals;
mod items_measures;
mod lines;
mod matrix;
mod measures_characteristics;
mod table;

pub use answer::CoverageMatrix;

use answer::CoverageView;

use crate::http::Operation;
use crate::world::schema::{Schemas, add_answer};

/// The operations of these views.
pub fn operations() -> Vec<Operation> {
    vec![
        items_goals::operation(),
        boards_goals::operation(),
        constituencies_boards::operation(),
        items_measures::operation(),
        measures_characteristics::operation(),
        groups_good_practice::operation(),
    ]
}

/// The schemas of these views.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<CoverageView>(schemas);
}
