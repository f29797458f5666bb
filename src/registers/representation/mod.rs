//! Who represents whom on a board: the seats each constituency should have, the invitations, and
//! the rotation of seats.

mod constituency;
mod invitation;
mod rotation_policy;
mod target;

pub use constituency::{includes, speaks_for};
pub use invitation::Invitation;
pub use rotation_policy::RotationPolicy;
pub use rotation_policy::rotation::{Rotation, RotationState, holds_for};
pub use target::RepresentationTarget;

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[Vocabulary::of::<RotationState>];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<RepresentationTarget>()
        .with::<Invitation>()
        .with::<RotationPolicy>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn targets_and_invitations() {
        check(
            "representation_target",
            &[
                ("board_id", Value::Null),
                ("constituency_kind", json!("everybody")),
                ("constituency_unit_ids", json!(vec![ID; 201])),
                ("seats_wanted", json!(0)),
                ("seats_wanted", json!("each")),
                ("collective_seat", json!("yes")),
                ("terms_clause", long(201)),
                ("basis", long(1001)),
                ("from_on", json!("June 2020")),
            ],
        );
        check(
            "invitation",
            &[
                ("board_id", json!("STRIDE")),
                ("unit_id", json!(1)),
                ("constituency_kind", json!("friends")),
                ("capacity", json!("guest")),
                ("basis", json!("")),
                ("basis", long(2001)),
                ("decided_on", json!(2020)),
            ],
        );
    }

    #[test]
    fn rotation_policies() {
        check(
            "rotation_policy",
            &[
                ("term_months", Value::Null),
                ("term_months", json!(0)),
                ("term_months", json!(241)),
                ("maximum_terms", json!(0)),
                ("pool", long(501)),
                ("pool_unit_ids", json!([""])),
                ("constituency_unit_ids", json!("all")),
            ],
        );
    }
}
