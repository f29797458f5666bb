//! The registers: one folder for each register, one file for each resource.
//!
//! A resource file contains the record's documented fields, its filter, its rules and its sort
//! orders. It contains nothing about HTTP or storage. To add a resource: write its file, name it in
//! its register's `mod.rs`, write its test.

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
pub mod performance;
pub mod plan;
pub mod query;
pub mod recurrence;
pub mod representation;
pub mod risk;
pub mod settings;
pub mod strategy;

use std::sync::LazyLock;

use self::recurrence::IntervalUnit;
use crate::access::accounts::{Account, AccountKind, AccountStatus, Grant};
use crate::policy::{Act, Role, Subject};
use crate::world::date::Precision;
use crate::world::vocabulary::Vocabulary;
use crate::world::{Catalogue, Kind, Marking};

/// Adds the kinds of a register.
pub type AddKinds = fn(Catalogue) -> Catalogue;

/// The registers, each with what adds its kinds. What others point to stands before them, so that
/// an export can be loaded from top to bottom.
pub const REGISTERS: [(&str, AddKinds); 16] = [
    ("settings", settings::register),
    ("organisation", organisation::register),
    ("strategy", strategy::register),
    ("governance", governance::register),
    ("plan", plan::register),
    ("assurance", assurance::register),
    ("risk", risk::register),
    ("meetings", meetings::register),
    ("representation", representation::register),
    ("oversight", oversight::register),
    ("performance", performance::register),
    ("communications", communications::register),
    ("evidence", evidence::register),
    ("gaps", gaps::register),
    ("papers", papers::register),
    ("access", |catalogue| {
        catalogue.with::<Account>().with::<Grant>()
    }),
];

/// The vocabularies of the registers, and of what they all use.
#[must_use]
pub fn vocabularies() -> Vec<Vocabulary> {
    const SHARED: &[fn() -> Vocabulary] = &[
        Vocabulary::of::<AccountKind>,
        Vocabulary::of::<AccountStatus>,
        Vocabulary::of::<Act>,
        Vocabulary::of::<IntervalUnit>,
        Vocabulary::of::<Marking>,
        Vocabulary::of::<Precision>,
        Vocabulary::of::<Role>,
        Vocabulary::of::<Subject>,
    ];
    let all = [
        SHARED,
        organisation::VOCABULARY,
        strategy::VOCABULARY,
        governance::VOCABULARY,
        plan::VOCABULARY,
        assurance::VOCABULARY,
        risk::VOCABULARY,
        meetings::VOCABULARY,
        representation::VOCABULARY,
        oversight::VOCABULARY,
        performance::VOCABULARY,
        communications::VOCABULARY,
        evidence::VOCABULARY,
        gaps::VOCABULARY,
        papers::VOCABULARY,
    ];
    all.concat().into_iter().map(|of| of()).collect()
}

/// Every kind of record, and how many there are at the end of each register.
static KINDS: LazyLock<(Catalogue, Vec<usize>)> = LazyLock::new(|| {
    let mut ends = Vec::new();
    let catalogue = REGISTERS
        .iter()
        .fold(Catalogue::new(), |catalogue, (_, add)| {
            let catalogue = add(catalogue);
            ends.push(catalogue.kinds().len());
            catalogue
        });
    (catalogue, ends)
});

/// Every kind of record.
pub fn catalogue() -> &'static Catalogue {
    &KINDS.0
}

/// The register that a kind belongs to.
#[must_use]
pub fn register_of(kind: &Kind) -> &'static str {
    let at = KINDS.1.iter().position(|end| kind.index < *end);
    at.and_then(|at| REGISTERS.get(at))
        .map_or("", |(name, _)| name)
}
