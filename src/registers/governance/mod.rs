//! Governance: boards, their relationships, terms of reference, remits and members.

mod board;
mod membership;
mod relationship;
mod remit;
pub mod template;
mod terms;
mod terms_sections;

pub use board::{Board, BoardId, BoardKind, BoardStatus};
pub use membership::{Membership, MembershipBasis, MembershipCapacity, MembershipId};
pub use relationship::{
    BoardOrUnitId, BoardRelationship, BoardRelationshipKind, RelationshipAgreement,
};
pub use remit::{Remit, RemitKind};
pub use terms::{TermsDocument, TermsOfReference, TermsOfReferenceId, TermsStatus};
pub use terms_sections::TermsSections;

use crate::world::Catalogue;
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<BoardRelationshipKind>,
    Vocabulary::of::<BoardKind>,
    Vocabulary::of::<BoardStatus>,
    Vocabulary::of::<RelationshipAgreement>,
    Vocabulary::of::<MembershipBasis>,
    Vocabulary::of::<MembershipCapacity>,
    Vocabulary::of::<RemitKind>,
    Vocabulary::of::<TermsStatus>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<Board>()
        .with::<BoardRelationship>()
        .with::<TermsOfReference>()
        .with::<Remit>()
        .with::<Membership>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::template::business_group_board;
    use crate::registers::catalogue;
    use crate::registers::checks::bodies::{check, long};

    const ID: &str = "019abcde-0000-7000-8000-000000000001";

    #[test]
    fn boards_and_lines() {
        check(
            "board",
            &[
                ("title", json!("")),
                ("title", long(201)),
                ("title", Value::Null),
                ("board_kind", json!("cabal")),
                ("status", json!("asleep")),
                ("owner_unit_id", json!("HR")),
                ("aliases", json!([""])),
                ("aliases", json!(vec!["x"; 21])),
                ("purpose", long(2001)),
                ("dissolved_on", json!("2020-13-01")),
            ],
        );
        check(
            "board_relationship",
            &[
                ("from_board_id", Value::Null),
                ("relationship_kind", json!("likes")),
                ("needs_agreement", json!("yes")),
                ("agreed_by_to_on", json!("June 2020")),
                ("agreement", json!("agreed")),
            ],
        );
    }

    #[test]
    fn terms_and_remits() {
        check(
            "terms_of_reference",
            &[
                ("version_label", json!("")),
                ("status", json!("refreshed")),
                ("sections", json!({ "quorum": long(4001) })),
                ("sections", json!({ "dress_code": "none" })),
                ("sections", json!("all of them")),
                ("meetings_per_year", json!(0)),
                ("meetings_per_year", json!(367)),
                ("document", json!({ "url": "https://intranet.example/tor" })),
                (
                    "document",
                    json!({ "title": "Terms", "url": "javascript:alert(1)" }),
                ),
                ("completeness", json!(100)),
            ],
        );
        check(
            "remit",
            &[
                ("goal_id", Value::Null),
                ("remit_kind", json!("owns")),
                ("note", long(2001)),
                ("until_on", json!(2020)),
            ],
        );
    }

    #[test]
    fn memberships() {
        check(
            "membership",
            &[
                ("board_id", Value::Null),
                ("capacity", json!("guest")),
                ("basis", json!("friendship")),
                ("seat", json!("")),
                ("seat", long(101)),
                ("constituency", long(201)),
                ("constituency_kind", json!("everybody")),
                ("basis_reference", long(201)),
                ("maximum_terms", json!(0)),
                ("maximum_terms", json!(101)),
                ("rotation_pool", long(501)),
                ("term_until_on", json!("2021-02-29")),
            ],
        );
    }

    #[test]
    fn the_template_gives_a_board_however_long_the_names_are() {
        let board = catalogue().named("board").unwrap();
        let unit: Uuid = ID.parse().unwrap();
        let draft = business_group_board("HR", "Human Resources", unit);
        assert_eq!(draft["reference"], "STRIDE-HR");
        assert_eq!(draft["title"], "Human Resources STRIDE Board");
        board.check_schema(&draft).unwrap();
        let draft = business_group_board(&"R".repeat(60), &"é".repeat(200), unit);
        board.check_schema(&draft).unwrap();
    }
}
