//! The registers: one folder for each register, one file for each resource.
//!
//! A resource file contains the record's documented fields, its filter, its rules and its sort
//! orders. It contains nothing about HTTP or storage. To add a resource: write its file, name it in
//! its folder's `mod.rs`, add its line below, write its test.

pub mod assurance;
pub mod checks;
pub mod communications;
pub mod evidence;
pub mod gaps;
pub mod governance;
pub mod links;
pub mod meetings;
pub mod organisation;
pub mod oversight;
pub mod papers;
pub mod parts;
pub mod performance;
pub mod plan;
pub mod query;
pub mod recurrence;
pub mod representation;
pub mod risk;
pub mod settings;
pub mod strategy;

use std::sync::LazyLock;

use crate::access::accounts::{Account, Grant};
use crate::world::Catalogue;

/// Every kind of record. Linked records come before the records that link to them, so that an
/// export can be loaded from top to bottom.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        let catalogue = Catalogue::new();
        let catalogue = settings::register(catalogue);
        let catalogue = organisation::register(catalogue);
        let catalogue = strategy::register(catalogue);
        let catalogue = governance::register(catalogue);
        let catalogue = plan::register(catalogue);
        let catalogue = assurance::register(catalogue);
        let catalogue = risk::register(catalogue);
        let catalogue = meetings::register(catalogue);
        let catalogue = representation::register(catalogue);
        let catalogue = oversight::register(catalogue);
        let catalogue = performance::register(catalogue);
        let catalogue = communications::register(catalogue);
        let catalogue = evidence::register(catalogue);
        let catalogue = gaps::register(catalogue);
        let catalogue = papers::register(catalogue);
        catalogue.with::<Account>().with::<Grant>()
    });
    &CATALOGUE
}
