//! Contradictions in risks and controls: assumed, assessed and verified.

use uuid::Uuid;

use super::rule::{Clash, Context, Each, Rule, Said, audit};
use crate::registers::risk::{Control, ControlEffectiveness, Risk, RiskResponse, RiskStatus};
use crate::views::findings::FindingSeverity as Is;
use crate::world::Rec;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "control_effective_not_verified",
        severity: Is::High,
        checks: "The control was assessed as more effective than audit's findings on its \
            recommendation support.",
        why: "The risk looks lower than anyone has verified.",
        remedy: "Have audit verify the recommendation, or reassess the control.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|_, k: &Rec<Control>| {
            let verification = k.computed.recommendation_verification?;
            let good = matches!(
                k.data.effectiveness,
                ControlEffectiveness::Effective | ControlEffectiveness::Partial
            );
            (good && k.computed.counted_effectiveness != k.data.effectiveness).then(|| {
                let claimed = Said::new(word(&k.data.effectiveness), "as last assessed")
                    .by(k.data.owner_post_id.map(Into::into))
                    .on(k.data.assessed_on);
                let found = audit(verification);
                let computed = Said::new(
                    word(&k.computed.counted_effectiveness),
                    "effectiveness counted for the risk",
                );
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against(k.data.recommendation_id.map(Uuid::from))
            })
        }),
    },
    Rule {
        code: "control_assumed_not_verified",
        severity: Is::High,
        checks: "The control is assumed to reduce a risk, but the recommendation that it carries \
            out is not verified.",
        why: "A recommendation recorded as a control does nothing until it is carried out.",
        remedy: "Carry out the recommendation, or assume no reduction from the control.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, k: &Rec<Control>| {
            let by = k
                .data
                .assumed_reduction
                .filter(|r| r.likelihood + r.impact > 0)?;
            let verification = k.computed.recommendation_verification?;
            (k.computed.counted_effectiveness != ControlEffectiveness::Effective).then(|| {
                let words = format!(
                    "assumed to reduce likelihood by {} and impact by {}",
                    by.likelihood, by.impact
                );
                let claimed = Said::new("assumed", words).by(k.data.owner_post_id.map(Into::into));
                let found = audit(verification);
                let computed = if k.is_failing(c.seen.reading(c.on)) {
                    Said::new("failing", "the recommendation is overdue")
                } else {
                    Said::new(
                        word(&k.computed.counted_effectiveness),
                        "effectiveness counted for the risk",
                    )
                };
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against(k.data.recommendation_id.map(Uuid::from))
            })
        }),
    },
    Rule {
        code: "risk_assumed_below_verified",
        severity: Is::Medium,
        checks: "The score assumed after controls is lower than the score that verified controls \
            support.",
        why: "The difference is assumed, not verified.",
        remedy: "Have the controls assessed, or rely on fewer of them.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<Risk>| {
            if !is_reduction_stated(c, r) {
                return None;
            }
            let (assumed, verified) = (r.computed.assumed_level?, r.computed.verified_level?);
            (r.data.status == RiskStatus::Open && assumed.product < verified.product).then(|| {
                let score = |what: &str, l: crate::registers::risk::RiskLevel| {
                    Said::new(
                        format!("{}_{}", word(&l.band), l.product),
                        format!("{what}: {} ({})", l.product, l.band.in_sentence()),
                    )
                };
                let clash = Clash::of(
                    score("assumed score", assumed).by(r.data.owner_post_id.map(Into::into)),
                )
                .verified(score("verified score", verified));
                match r.computed.current_level {
                    Some(current) => clash
                        .computed(score("current score", current).on(r.computed.last_reviewed_on)),
                    None => clash,
                }
            })
        }),
    },
    Rule {
        code: "risk_current_below_verified",
        severity: Is::Medium,
        checks: "The current score is lower than the score that verified controls support.",
        why: "Nothing that has been verified explains the lower score.",
        remedy: "Review the risk and score it on what is verified, or record what else reduces it.",
        answers: &["2020, recommendation 6"],
        check: &Each::new(|c, r: &Rec<Risk>| {
            if !is_reduction_stated(c, r) {
                return None;
            }
            let (current, verified) = (r.computed.current_level?, r.computed.verified_level?);
            (r.data.status == RiskStatus::Open && current.product < verified.product).then(|| {
                let score = |what: &str, l: crate::registers::risk::RiskLevel| {
                    Said::new(
                        format!("{}_{}", word(&l.band), l.product),
                        format!("{what}: {} ({})", l.product, l.band.in_sentence()),
                    )
                };
                let claimed = score("current score", current)
                    .by(r.data.owner_post_id.map(Into::into))
                    .on(r.computed.last_reviewed_on);
                Clash::of(claimed).verified(score("verified score", verified))
            })
        }),
    },
    Rule {
        code: "risk_tolerated_above_appetite",
        severity: Is::High,
        checks: "The response to the risk is tolerate, but the risk is above its owner's appetite.",
        why: "One of the two statements cannot be right.",
        remedy: "Treat the risk, or have a higher appetite agreed.",
        answers: &[],
        check: &Each::new(|_, r: &Rec<Risk>| {
            let tolerated = r.data.response == Some(RiskResponse::Tolerate)
                && r.data.status == RiskStatus::Open;
            (tolerated && r.computed.above_appetite == Some(true)).then(|| {
                let appetite = r
                    .data
                    .appetite
                    .map(|a| a.in_sentence().to_string())
                    .unwrap_or_default();
                let claimed = Said::new("tolerate", "the risk is tolerated")
                    .by(r.data.owner_post_id.map(Into::into));
                Clash::of(claimed).computed(Said::new(
                    "above_appetite",
                    format!("its score is above its appetite, which is {appetite}"),
                ))
            })
        }),
    },
];

/// Whether every effective control of a risk says by how much it reduces the risk. If one does not,
/// the score that verified controls support is not known.
fn is_reduction_stated(c: &Context<'_>, risk: &Rec<Risk>) -> bool {
    let mut controls = c.seen.pointing::<Control>(risk.meta.id);
    controls.all(|k| {
        k.computed.counted_effectiveness != ControlEffectiveness::Effective
            || k.data.assumed_reduction.is_some()
    })
}
