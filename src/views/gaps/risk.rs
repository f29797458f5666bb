//! What risk registers lack.

use super::rule::{Each, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::risk::{
    Control, ControlEffectiveness, Escalation, EscalationStatus, Risk, RiskBand, RiskRegister,
    RiskStatus,
};
use crate::views::rag::days;
use crate::world::Rec;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "risk_register_without_board",
        severity: Is::Medium,
        checks: "No board that oversees the risk register is recorded.",
        why: "There is nobody to whom its risks can be escalated.",
        remedy: "Record the board that oversees it.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, r: &Rec<RiskRegister>| plain_if(r.data.board_id.is_none())).detail(),
    },
    Rule {
        code: "risk_register_empty",
        severity: Is::Low,
        checks: "No risk is recorded in the risk register.",
        why: "A risk that nobody has identified cannot be watched.",
        remedy: "Record its risks, or withdraw the register.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<RiskRegister>| {
            plain_if(c.seen.pointing::<Risk>(r.meta.id).next().is_none())
        })
        .detail(),
    },
    Rule {
        code: "risk_without_owner",
        severity: Is::High,
        checks: "No owner post or unit is recorded for the risk.",
        why: "Nobody watches a risk that has no owner.",
        remedy: "Record its owner.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<Risk>| {
            unowned(c, is_open(r), r.data.owner_post_id, r.data.owner_unit_id)
        }),
    },
    Rule {
        code: "risk_without_score",
        severity: Is::Medium,
        checks: "No current score is recorded for the risk.",
        why: "It cannot be compared with other risks or with any appetite.",
        remedy: "Score it by likelihood and impact.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, r: &Rec<Risk>| plain_if(is_open(r) && r.data.current.is_none()))
            .detail(),
    },
    Rule {
        code: "risk_without_appetite",
        severity: Is::Medium,
        checks: "The risk is high or extreme, but no appetite is recorded for it.",
        why: "Nobody has decided how much of it is acceptable.",
        remedy: "Have the appetite decided, and record it.",
        answers: &[],
        check: &Each::new(|_, r: &Rec<Risk>| {
            let band = r.computed.current_level.map(|l| l.band);
            let is_serious = matches!(band, Some(RiskBand::High | RiskBand::Extreme));
            plain_if(is_open(r) && is_serious && r.data.appetite.is_none())
        })
        .detail(),
    },
    Rule {
        code: "risk_without_control",
        severity: Is::Medium,
        checks: "No control is recorded for the risk.",
        why: "Nothing reduces it.",
        remedy: "Record the controls, or record that the risk is tolerated.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<Risk>| {
            plain_if(is_open(r) && c.seen.pointing::<Control>(r.meta.id).next().is_none())
        })
        .detail(),
    },
    Rule {
        code: "risk_without_review",
        severity: Is::Medium,
        checks: "Neither a review of the risk nor a review date is recorded.",
        why: "A register that nobody reviews goes out of date.",
        remedy: "Review it, or set a review date.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, r: &Rec<Risk>| {
            plain_if(
                is_open(r) && r.data.review_on.is_none() && r.computed.last_reviewed_on.is_none(),
            )
        })
        .detail(),
    },
    Rule {
        code: "risk_review_overdue",
        severity: Is::Medium,
        checks: "The risk is past its review date.",
        why: "Its score is older than agreed.",
        remedy: "Review it and set the next review date.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<Risk>| match r.data.review_on {
            Some(due) if r.data.review().is_overdue(c.on) => because(format!("was due on {due}")),
            _ => None,
        }),
    },
    Rule {
        code: "risk_above_appetite",
        severity: Is::High,
        checks: "The current score is above the risk's appetite.",
        why: "More risk is being taken than anyone has decided to take.",
        remedy: "Reduce the risk, or have a new appetite decided.",
        answers: &[],
        check: &Each::new(|_, r: &Rec<Risk>| {
            plain_if(is_open(r) && r.computed.above_appetite == Some(true))
        }),
    },
    Rule {
        code: "escalation_due",
        severity: Is::High,
        checks: "The risk should be escalated but is not.",
        why: "Those who could act do not know about it.",
        remedy: "Escalate it to a board.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, r: &Rec<Risk>| plain_if(r.computed.escalation_due))
            .follows_own(&["risk_above_appetite"]),
    },
    Rule {
        code: "escalation_unacknowledged",
        severity: Is::High,
        checks: "No acknowledgement of the escalation in time is recorded.",
        why: "Nobody knows whether anyone is dealing with it.",
        remedy: "Have the board acknowledge or return it.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, e: &Rec<Escalation>| {
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
        checks: "No owner post or unit is recorded for the control.",
        why: "Nobody makes sure that it works.",
        remedy: "Record its owner.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, k: &Rec<Control>| {
            // A control that is a recommendation has the owner of the recommendation.
            let own = k.data.recommendation_id.is_none();
            unowned(c, own, k.data.owner_post_id, k.data.owner_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "control_unassessed",
        severity: Is::Medium,
        checks: "No assessment of the control is recorded.",
        why: "The score rests on an assumption.",
        remedy: "Assess it, and record the result and the date.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, c: &Rec<Control>| {
            // The state of a control that is a recommendation follows from its verification.
            let own = c.data.recommendation_id.is_none();
            plain_if(own && c.data.effectiveness == ControlEffectiveness::NotAssessed)
        })
        .detail(),
    },
    Rule {
        code: "control_failing",
        severity: Is::High,
        checks: "The control is failing: the recommendation that it carries out is overdue.",
        why: "The risk is controlled by something that has not been done.",
        remedy: "Implement the recommendation, or rely on other controls.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, control: &Rec<Control>| {
            plain_if(control.is_failing(c.seen.reading(c.on)))
        })
        .follows(&["recommendation_overdue"], |_, k: &Rec<Control>| {
            k.data
                .recommendation_id
                .map(|id| ("recommendation_overdue", id.uuid()))
                .into_iter()
                .collect()
        }),
    },
];

fn is_open(risk: &Rec<Risk>) -> bool {
    risk.data.status == RiskStatus::Open
}
