//! What risk registers lack.

use super::rule::{Each, GapSeverity as Is, Rule, because, plain_if};
use crate::registers::risk::{
    Control, ControlEffectiveness, Escalation, EscalationStatus, Risk, RiskStatus,
};
use crate::views::rag::days;
use crate::world::Rec;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "risk_without_owner",
        severity: Is::High,
        checks: "No post or unit owns the risk.",
        why: "A risk that nobody owns is watched by nobody.",
        remedy: "Name its owner.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| {
            plain_if(is_open(r) && r.data.owner_post_id.is_none() && r.data.owner_unit_id.is_none())
        }),
    },
    Rule {
        code: "risk_without_score",
        severity: Is::Medium,
        checks: "The risk has no current score.",
        why: "It cannot be weighed against others, nor against any appetite.",
        remedy: "Score it by likelihood and impact.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| plain_if(is_open(r) && r.data.current.is_none())),
    },
    Rule {
        code: "risk_without_control",
        severity: Is::Medium,
        checks: "The risk has no control.",
        why: "Nothing keeps it down.",
        remedy: "Record the controls, or say that it is tolerated.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|c, r: &Rec<Risk>| {
            plain_if(is_open(r) && c.seen.pointing::<Control>(r.meta.id).next().is_none())
        }),
    },
    Rule {
        code: "risk_without_review",
        severity: Is::Medium,
        checks: "The risk was never reviewed and has no review date.",
        why: "A register that nobody reads again is an archive.",
        remedy: "Review it, or set the day of its review.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| {
            plain_if(
                is_open(r) && r.data.review_on.is_none() && r.computed.last_reviewed_on.is_none(),
            )
        }),
    },
    Rule {
        code: "risk_review_overdue",
        severity: Is::Medium,
        checks: "The risk is past the day of its review.",
        why: "Its score is older than was agreed.",
        remedy: "Review it and set the next day.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|c, r: &Rec<Risk>| match r.data.review_on {
            Some(due) if is_open(r) && due < c.on => because(format!("was due on {due}")),
            _ => None,
        }),
    },
    Rule {
        code: "risk_above_appetite",
        severity: Is::High,
        checks: "The current score is above what the risk's appetite lives with.",
        why: "More risk is taken than anybody decided to take.",
        remedy: "Bring it down, or have the appetite decided anew.",
        answers: &[],
        look: &Each::new(|_, r: &Rec<Risk>| {
            plain_if(is_open(r) && r.computed.above_appetite == Some(true))
        }),
    },
    Rule {
        code: "escalation_due",
        severity: Is::High,
        checks: "The risk is to be escalated and is not.",
        why: "Who could act does not know of it.",
        remedy: "Escalate it to a board.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| plain_if(r.computed.escalation_due)),
    },
    Rule {
        code: "escalation_unacknowledged",
        severity: Is::High,
        checks: "The board has not acknowledged the escalation in time.",
        why: "Nobody knows whether anybody has it.",
        remedy: "Have the board acknowledge or return it.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|c, e: &Rec<Escalation>| {
            let since = e
                .data
                .escalated_on
                .filter(|_| e.data.status == EscalationStatus::Escalated)?;
            let waited = (c.on - since).num_days();
            if waited > c.settings.escalation.acknowledge_within_days {
                because(format!("waiting for {}", days(waited)))
            } else {
                None
            }
        }),
    },
    Rule {
        code: "control_without_owner",
        severity: Is::Medium,
        checks: "No post or unit answers for the control.",
        why: "Nobody sees to it that it works.",
        remedy: "Name its owner.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, c: &Rec<Control>| {
            plain_if(c.data.owner_post_id.is_none() && c.data.owner_unit_id.is_none())
        }),
    },
    Rule {
        code: "control_unassessed",
        severity: Is::Medium,
        checks: "Nobody has checked whether the control works.",
        why: "The score rests on an assumption.",
        remedy: "Assess it, and record what was found and when.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, c: &Rec<Control>| {
            plain_if(c.data.effectiveness == ControlEffectiveness::NotAssessed)
        }),
    },
    Rule {
        code: "control_failing",
        severity: Is::High,
        checks: "The control fails: the recommendation that it carries out is overdue.",
        why: "The risk is kept down by something that is not done.",
        remedy: "Implement the recommendation, or count on other controls.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|c, control: &Rec<Control>| {
            plain_if(control.is_failing(c.seen.reading(c.on)))
        }),
    },
];

fn is_open(risk: &Rec<Risk>) -> bool {
    risk.data.status == RiskStatus::Open
}
