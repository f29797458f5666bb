//! What boards lack.

use uuid::Uuid;

use super::rule::{
    Context, Each, Fault, FindingSeverity as Is, Rule, because, goals_of, plain_if, unowned,
};
use crate::registers::governance::{
    Board, BoardKind, BoardRelationship, BoardRelationshipKind, Membership, MembershipBasis,
    MembershipCapacity, RelationshipAgreement, TermsOfReference, TermsStatus,
};
use crate::views::findings::Cause;
use crate::world::Rec;
use crate::world::collation::Collated;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "board_without_owner",
        severity: Is::Medium,
        checks: "No owner unit is recorded for the board.",
        why: "Nobody makes sure that it meets, has a chair and reports.",
        remedy: "Record the unit that owns it.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, b: &Rec<Board>| {
            unowned(c, c.is_active(b), None, b.data.owner_unit_id)
        })
        .detail()
        .follows_own(&["board_without_terms", "terms_not_agreed"]),
    },
    Rule {
        code: "board_without_terms",
        severity: Is::High,
        checks: "No terms of reference are recorded for the board.",
        why: "Nobody can say what it is for, what it decides and what it is accountable for.",
        remedy: "Agree terms of reference and record them.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, b: &Rec<Board>| {
            plain_if(c.is_active(b) && latest_terms(c, b.meta.id).is_none())
        })
        .keeping(),
    },
    Rule {
        code: "terms_not_agreed",
        severity: Is::High,
        checks: "No agreed terms of reference are recorded for the board.",
        why: "A draft is not binding.",
        remedy: "Have them agreed, and record the approver and date.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, b: &Rec<Board>| {
            let latest = latest_terms(c, b.meta.id).filter(|_| c.is_active(b))?;
            let any = c
                .terms
                .of(b.meta.id)
                .any(|t| t.data.status == TermsStatus::Agreed);
            if any {
                None
            } else {
                because(format!(
                    "{} has the status {}",
                    latest.meta.reference,
                    latest.data.status.in_sentence()
                ))
            }
        })
        .keeping(),
    },
    Rule {
        code: "terms_incomplete",
        severity: Is::Medium,
        checks: "Sections of the terms of reference are empty.",
        why: "What they leave out is decided case by case.",
        remedy: "Fill in the empty sections.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, t: &Rec<TermsOfReference>| {
            if !is_latest(c, t) || t.computed.empty_sections.is_empty() {
                return None;
            }
            because(format!(
                "{} empty: {}",
                t.computed.empty_sections.len(),
                t.computed.empty_sections.join(", ")
            ))
        })
        .keeping()
        .follows(&["terms_not_agreed"], |_, t| {
            vec![("terms_not_agreed", t.data.board_id.uuid())]
        }),
    },
    Rule {
        code: "terms_without_approval",
        severity: Is::High,
        checks: "The terms of reference are recorded as agreed, but the approver or the date is \
            missing.",
        why: "\"Refreshed\" does not mean approved.",
        remedy: "Record who approved them and when.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|_, t: &Rec<TermsOfReference>| {
            let nobody = t.data.approver_post_id.is_none() && t.data.approver_board_id.is_none();
            plain_if(
                t.data.status == TermsStatus::Agreed && (nobody || t.data.approved_on.is_none()),
            )
        })
        .keeping(),
    },
    Rule {
        code: "terms_review_overdue",
        severity: Is::Medium,
        checks: "The terms of reference are past their review date.",
        why: "They may no longer describe what the board does.",
        remedy: "Review them and set the next review date.",
        answers: &[],
        check: &Each::new(|c, t: &Rec<TermsOfReference>| match t.data.review_on {
            Some(due) if is_latest(c, t) && due < c.on => because(format!("was due on {due}")),
            _ => None,
        })
        .follows(&["terms_not_agreed"], |_, t| {
            vec![("terms_not_agreed", t.data.board_id.uuid())]
        }),
    },
    Rule {
        code: "board_without_chair",
        severity: Is::High,
        checks: "No chair is recorded for the board.",
        why: "Nobody is accountable for what it does.",
        remedy: "Record a membership with the capacity chair.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, b: &Rec<Board>| {
            let chaired =
                || members(c, b.meta.id).any(|m| m.data.capacity == MembershipCapacity::Chair);
            plain_if(c.is_active(b) && !chaired())
        })
        .detail()
        .follows_own(&["board_without_terms", "terms_not_agreed"]),
    },
    Rule {
        code: "board_without_reporting_line",
        severity: Is::Medium,
        checks: "No reporting line to an active board or body is recorded for the board.",
        why: "What it finds is not passed on.",
        remedy: "Record the board or body that it reports to.",
        answers: &["2020, recommendations 1 and 5"],
        check: &Each::new(|c, b: &Rec<Board>| {
            let mut edges = c.edges.of(b.meta.id);
            // A management board is at the top and has no board above it.
            let is_below = c.is_active(b) && b.data.board_kind != BoardKind::ManagementBoard;
            plain_if(
                is_below
                    && !edges.any(|e| {
                        e.data.relationship_kind == BoardRelationshipKind::ReportsTo
                            && c.is_active(e)
                    }),
            )
        })
        .detail()
        .follows_own(&["board_without_terms", "terms_not_agreed"]),
    },
    Rule {
        code: "board_without_remit",
        severity: Is::Medium,
        checks: "No goal of a current strategy is recorded in the board's remit.",
        why: "Nobody can say what it is meant to achieve.",
        remedy: "Record the goals that it decides on, oversees, delivers or is consulted on.",
        answers: &["2020, recommendations 1 and 3"],
        check: &Each::new(|c, b: &Rec<Board>| {
            plain_if(c.is_active(b) && goals_of(c, b.meta.id).is_empty())
        })
        .detail()
        .follows_own(&["board_without_terms", "terms_not_agreed"]),
    },
    Rule {
        code: "board_same_remit",
        severity: Is::Medium,
        checks: "Another board has the same remit.",
        why: "Two bodies with the same aim and objectives duplicate work or leave it to each \
            other.",
        remedy: "Divide the remit, or dissolve one of the two.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(board_same_remit)
            .keeping()
            .follows(&["board_same_remit"], first_of_same_remit),
    },
    Rule {
        code: "relationship_agreed_by_one_side",
        severity: Is::Medium,
        checks: "The board relationship needs both sides to agree, but no agreement is recorded.",
        why: "A relationship that one side does not know about has no effect.",
        remedy: "Have the other side agree, and record the date.",
        answers: &["2020, recommendation 3"],
        check: &Each::new(|c, e: &Rec<BoardRelationship>| match e.computed.agreement {
            _ if !c.is_active(e) => None,
            RelationshipAgreement::OneSided => because("only one side has agreed"),
            RelationshipAgreement::Missing => because("neither side has agreed"),
            RelationshipAgreement::NotNeeded | RelationshipAgreement::Agreed => None,
        })
        .keeping(),
    },
    Rule {
        code: "membership_without_basis",
        severity: Is::Medium,
        checks: "No basis is recorded for the seat.",
        why: "Nobody can say who takes the seat next, or why the current holder has it.",
        remedy: "Record the basis: the clause of the terms of reference, the nomination or the \
            invitation.",
        answers: &["2020, recommendation 9"],
        check: &Each::new(|c, m: &Rec<Membership>| {
            plain_if(c.is_active(m) && m.data.basis == MembershipBasis::Unstated)
        })
        .detail(),
    },
    Rule {
        code: "membership_past_term",
        severity: Is::Medium,
        checks: "The term has ended, and nobody is recorded in the seat since.",
        why: "Either the seat is empty, or somebody holds it without a term.",
        remedy: "Record the next term, or withdraw the membership.",
        answers: &["2020, recommendation 9"],
        check: &Each::new(|c, m: &Rec<Membership>| {
            let ended = m.data.term_until_on.filter(|d| *d < c.on)?;
            let board = c
                .seen
                .get::<Board>(m.data.board_id)
                .filter(|b| c.is_active(*b))?;
            let follows = |o: &Rec<Membership>| {
                o.meta.id != m.meta.id
                    && o.data.capacity == m.data.capacity
                    && o.data.constituency_unit_id == m.data.constituency_unit_id
                    && o.data.term_until_on.is_none_or(|d| d > ended)
            };
            if c.members.of(board.meta.id).any(follows) {
                None
            } else {
                because(format!("ended on {ended}"))
            }
        })
        .keeping(),
    },
];

/// The board's applicable terms.
pub(super) fn latest_terms<'a>(c: &Context<'a>, board: Uuid) -> Option<&'a Rec<TermsOfReference>> {
    TermsOfReference::applicable(c.terms.of(board))
}

fn is_latest(c: &Context<'_>, terms: &Rec<TermsOfReference>) -> bool {
    let board = c.seen.get::<Board>(terms.data.board_id);
    board.is_some_and(|b| c.is_active(b))
        && latest_terms(c, terms.data.board_id.uuid()).is_some_and(|t| t.meta.id == terms.meta.id)
}

fn members<'a>(c: &'a Context<'_>, board: Uuid) -> impl Iterator<Item = &'a Rec<Membership>> {
    c.members.of(board).filter(move |m| c.is_active(*m))
}

/// The first by reference of the boards with the same remit: they are one finding.
fn first_of_same_remit(c: &Context<'_>, board: &Rec<Board>) -> Vec<Cause> {
    let same = c.with_goals(&goals_of(c, board.meta.id)).into_iter();
    let first = same.min_by_key(|b| Collated(&b.meta.reference));
    first
        .map(|b| ("board_same_remit", b.meta.id))
        .into_iter()
        .collect()
}

fn board_same_remit(c: &Context<'_>, board: &Rec<Board>) -> Fault {
    if !c.is_active(board) {
        return None;
    }
    let own = goals_of(c, board.meta.id);
    if own.is_empty() {
        return None;
    }
    let same = c
        .with_goals(&own)
        .into_iter()
        .filter(|b| b.meta.id != board.meta.id);
    let mut same: Vec<&str> = same.map(|b| b.meta.reference.as_str()).collect();
    same.sort_unstable_by_key(|reference| Collated(reference));
    if same.is_empty() {
        None
    } else {
        because(format!("same goals as {}", same.join(", ")))
    }
}
