//! Waivers of gaps, and the codes of the gap rules with what each is about. The rules are in
//! [`crate::views`].

mod codes;
mod waiver;

pub use codes::{GAP_CODES, GapCode, GapRegister, gap_code};
pub use waiver::GapWaiver;

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[Vocabulary::of::<GapRegister>];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue.with::<GapWaiver>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    #[test]
    fn waivers() {
        check(
            "gap_waiver",
            &[
                ("rule", json!("no_such_rule")),
                ("rule", json!("waiver_without_gap")),
                ("rule", Value::Null),
                ("record_id", json!("x")),
                ("record_id", Value::Null),
                ("reason", json!("")),
                ("reason", long(2001)),
                ("granted_on", json!("soon")),
                ("expires_on", Value::Null),
            ],
        );
    }
}
