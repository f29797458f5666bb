//! The organisation: its units, the bodies around it, its posts, and, by pseudonym, the people who
//! hold them.

mod person;
mod post;
mod post_holding;
mod unit;

pub use person::{Person, PersonId};
pub use post::{Post, PostId};
pub use post_holding::PostHolding;
pub use unit::{Unit, UnitId, UnitKind};

use crate::registers::organisation::person::Affiliation;
use crate::registers::organisation::post_holding::HoldingCapacity;
use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<Affiliation>,
    Vocabulary::of::<HoldingCapacity>,
    Vocabulary::of::<UnitKind>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Unit>()
        .with::<Post>()
        .with::<Person>()
        .with::<PostHolding>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::registers::checks::bodies::check;

    #[test]
    fn bodies_of_people_and_their_terms_are_checked() {
        check(
            "person",
            &[
                ("affiliation", json!("friend")),
                ("erased_at", json!("2020-01-01T00:00:00Z")),
                ("name", json!("x")),
            ],
        );
        check(
            "post_holding",
            &[
                ("capacity", json!("honorary")),
                ("from_on", json!("soon")),
                ("person_id", json!("x")),
                ("until_on", json!(1)),
            ],
        );
    }
}
