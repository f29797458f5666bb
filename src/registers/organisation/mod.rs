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

use uuid::Uuid;

use crate::registers::organisation::person::Affiliation;
use crate::registers::organisation::post_holding::HoldingCapacity;
use crate::world::vocabulary::Vocabulary;
use crate::world::{Catalogue, Reading};

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<Affiliation>,
    Vocabulary::of::<HoldingCapacity>,
    Vocabulary::of::<crate::world::KeptBy>,
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

/// Whether the post or the unit that a record names as responsible exists on the date. One that the
/// caller may not see counts as one that exists, so that it does not affect the answer.
#[must_use]
pub fn has_owner(reading: Reading<'_>, post: Option<PostId>, unit: Option<UnitId>) -> bool {
    let exists = |id: Uuid| {
        let owner = reading.any(id);
        owner.is_none_or(|owner| reading.is_active(owner.as_ref()))
    };
    post.is_some_and(|id| exists(id.uuid())) || unit.is_some_and(|id| exists(id.uuid()))
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
