//! Contradictions in boards: status against successor and meetings, terms of reference called
//! refreshed or agreed, actions called closed or done.

use uuid::Uuid;

use super::rule::{Clash, Context, Each, Rule, Said};
use crate::registers::assurance::RecommendationUpdate;
use crate::registers::governance::{Board, BoardStatus, TermsOfReference, TermsStatus};
use crate::registers::meetings::{
    Action, ActionPart, ActionResponse, ActionState, ActionStatus, Meeting, MeetingStatus,
};
use crate::views::findings::FindingSeverity as Is;
use crate::world::Rec;
use crate::world::id::either;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "board_active_beside_its_successor",
        severity: Is::High,
        checks: "The board is active, and so is its successor.",
        why: "When two boards have the same remit, it is not clear which of them decides.",
        remedy: "Dissolve one of the two, or correct the successor.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, b: &Rec<Board>| {
            let successor = c.seen.get::<Board>(b.data.successor_id?)?;
            (c.is_active(b) && c.is_active(successor)).then(|| {
                let computed = Said::new("succeeded", "its successor is active")
                    .on(successor.data.established_on);
                Clash::of(Said::new("active", "recorded as active"))
                    .computed(computed)
                    .against([successor.meta.id])
            })
        }),
    },
    Rule {
        code: "board_proposed_and_meeting",
        severity: Is::Medium,
        checks: "The board is recorded as proposed, but it has met.",
        why: "It is making decisions without having been set up.",
        remedy: "Set its status to active, and record its terms of reference.",
        answers: &["2020, recommendation 3"],
        check: &Each::new(|c, b: &Rec<Board>| {
            if b.data.status != BoardStatus::Proposed {
                return None;
            }
            let held = c.seen.pointing::<Meeting>(b.meta.id);
            let held = held
                .filter(|m| m.data.board_id == b.meta.id && m.data.status == MeetingStatus::Held);
            let last = held.max_by_key(|m| (m.computed.meeting_on, m.meta.id))?;
            let computed =
                Said::new("has_met", "it has held a meeting").on(last.computed.meeting_on);
            Some(
                Clash::of(Said::new("proposed", "not yet set up"))
                    .computed(computed)
                    .against([last.meta.id]),
            )
        }),
    },
    Rule {
        code: "terms_called_refreshed_not_agreed",
        severity: Is::High,
        checks: "An update on a recommendation cites these terms of reference as its answer, but \
            no agreement of them is recorded.",
        why: "Terms of reference that are called refreshed, but have no version, approver and \
            date, are not binding.",
        remedy: "Have them agreed, and record the approver and date, or say that they are a draft.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, t: &Rec<TermsOfReference>| {
            if !matches!(t.data.status, TermsStatus::Draft | TermsStatus::InReview) {
                return None;
            }
            let updates = c.seen.pointing::<RecommendationUpdate>(t.meta.id);
            let last = updates.max_by_key(|u| (u.data.stated_on, u.meta.id))?;
            let words = last
                .data
                .narrative
                .as_ref()
                .or_else(|| last.data.parts.first().map(|p| &p.text));
            let claimed = Said::new(
                word(&last.data.update_kind),
                words.map(|w| w.as_str()).unwrap_or_default(),
            )
            .by(last.data.by_post_id.map(Into::into))
            .on(Some(last.data.stated_on));
            let approver = either(t.data.approver_post_id, t.data.approver_board_id);
            let found = Said::new("not_agreed", "no agreement is recorded")
                .by(approver)
                .on(t.data.approved_on);
            let computed = Said::new(
                word(&t.data.status),
                format!(
                    "{}, {} per cent complete",
                    t.data.status.in_sentence(),
                    t.computed.completeness
                ),
            );
            Some(
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against([last.meta.id]),
            )
        }),
    },
    Rule {
        code: "terms_approved_not_agreed",
        severity: Is::Medium,
        checks: "The terms of reference have an approver and an approval date, but their status \
            is draft or in review.",
        why: "It is not clear whether the board works to a draft or to agreed terms.",
        remedy: "Set the status to agreed, or remove the approval.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|_, t: &Rec<TermsOfReference>| {
            let approver = either(t.data.approver_post_id, t.data.approver_board_id)?;
            let draft = matches!(t.data.status, TermsStatus::Draft | TermsStatus::InReview);
            let on = t.data.approved_on.filter(|_| draft)?;
            let claimed = Said::new("approved", "an approval is recorded")
                .by(Some(approver))
                .on(Some(on));
            Some(Clash::of(claimed).computed(Said::new(
                word(&t.data.status),
                "their status is not agreed",
            )))
        }),
    },
    Rule {
        code: "action_closed_with_open_part",
        severity: Is::High,
        checks: "The action is recorded as closed, but a part of it is open.",
        why: "When an action asks for several things, the one that is missing is easily forgotten.",
        remedy: "Settle the part, or reopen the action.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, a: &Rec<Action>| {
            if a.data.status != ActionStatus::Closed {
                return None;
            }
            let open = open_parts(c, a);
            (!open.is_empty()).then(|| {
                let said = Said::new(
                    "closed",
                    a.data
                        .closure_reason
                        .as_deref()
                        .unwrap_or("the board requires nothing more"),
                );
                let words = format!("open parts: {} of {}", open.len(), a.computed.parts_total);
                Clash::of(said.on(a.data.closed_on))
                    .computed(Said::new("parts_open", words))
                    .against(open)
            })
        }),
    },
    Rule {
        code: "action_claimed_done_and_open",
        severity: Is::Medium,
        checks: "The owner of the action says that it has been dealt with, but the board has it \
            as open.",
        why: "Either the board has not considered the response, or it is not satisfied and has \
            not said so.",
        remedy: "Close the action, or say what is missing.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, a: &Rec<Action>| {
            let claim = a
                .computed
                .claimed_status
                .filter(|s| s.is_settled() && a.data.status == ActionStatus::Open)?;
            let claimed = response(c, a.meta.id, |r| r.part_id.is_none(), word(&claim));
            let found = Said::new("open", "recorded as open by the board's secretary");
            Some(Clash::of(claimed).verified(found).computed(Said::new(
                word(&a.computed.state),
                "worked out from its parts",
            )))
        }),
    },
    Rule {
        code: "action_open_with_nothing_owed",
        severity: Is::Low,
        checks: "The action is recorded as open, but none of its parts is open.",
        why: "Finished actions in a list of open actions hide the unfinished ones.",
        remedy: "Close the action, or add the part that is still outstanding.",
        answers: &[],
        check: &Each::new(|_, a: &Rec<Action>| {
            let settled = a.computed.parts_total > 0 && a.computed.state == ActionState::Complete;
            (a.data.status == ActionStatus::Open && settled).then(|| {
                let computed = Said::new(
                    "complete",
                    format!("open parts: 0 of {}", a.computed.parts_total),
                );
                Clash::of(Said::new(
                    "open",
                    "recorded as open by the board's secretary",
                ))
                .computed(computed)
            })
        }),
    },
    Rule {
        code: "action_part_claim_differs",
        severity: Is::Medium,
        checks: "The status that the last response claims for the part is not the one that the \
            board has recorded.",
        why: "The claim was never accepted, or was reversed without explanation.",
        remedy: "Accept the claim, or tell the person who made it why not.",
        answers: &["2017, Action 14"],
        check: &Each::new(|c, p: &Rec<ActionPart>| {
            let claim = p
                .computed
                .claimed_status
                .filter(|_| p.computed.claim_differs)?;
            let claimed = response(
                c,
                p.meta.id,
                |r| r.part_id == Some(p.meta.id.into()),
                word(&claim),
            );
            let words = p.data.note.as_ref().map_or_else(
                || format!("recorded by the board as {}", p.data.status.in_sentence()),
                String::from,
            );
            Some(Clash::of(claimed).verified(Said::new(word(&p.data.status), words)))
        }),
    },
];

fn open_parts(c: &Context<'_>, action: &Rec<Action>) -> Vec<Uuid> {
    let parts = c.seen.pointing::<ActionPart>(action.meta.id);
    parts
        .filter(|p| p.data.action_id == action.meta.id && p.computed.is_open)
        .map(|p| p.meta.id)
        .collect()
}

/// The last response that makes this claim.
fn response(
    c: &Context<'_>,
    to: Uuid,
    about: impl Fn(&ActionResponse) -> bool,
    code: String,
) -> Said {
    let all = c.seen.pointing::<ActionResponse>(to);
    let claims =
        all.filter(|r| about(&r.data) && r.data.claimed_status.is_some_and(|s| word(&s) == code));
    match claims.max_by_key(|r| (r.data.responded_on, r.meta.created_at, r.meta.id)) {
        Some(r) => Said::new(code, r.data.text.clone())
            .by(Some(r.data.by_post_id.uuid()))
            .on(Some(r.data.responded_on)),
        None => Said::new(code, "claimed by the owner"),
    }
}
