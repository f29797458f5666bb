//! Risks and controls: assumed, assessed and verified.

use super::{Clash, Each, Rule, Said, audit};
use crate::registers::risk::{Control, ControlEffectiveness, Risk, RiskResponse, RiskStatus};
use crate::views::findings::GapSeverity as Is;
use crate::world::Rec;
use crate::world::record::word;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "control_effective_not_verified",
        severity: Is::High,
        checks: "The control was assessed better than audit has found the recommendation that it carries out.",
        why: "A risk looks lower than anybody has verified.",
        remedy: "Have audit verify the recommendation, or assess the control anew.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, k: &Rec<Control>| {
            let verification = k.computed.recommendation_verification?;
            let good = matches!(
                k.data.effectiveness,
                ControlEffectiveness::Effective | ControlEffectiveness::Partial
            );
            (good && k.computed.counted_effectiveness != k.data.effectiveness).then(|| {
                let claimed = Said::new(word(&k.data.effectiveness), "as last assessed")
                    .by(k.data.owner_post_id)
                    .on(k.data.assessed_on);
                let found = audit(verification);
                let computed = Said::new(
                    word(&k.computed.counted_effectiveness),
                    "what the risk counts it as",
                );
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against(k.data.recommendation_id)
            })
        }),
    },
    Rule {
        code: "control_assumed_not_verified",
        severity: Is::High,
        checks: "The control is assumed to lower a risk, and the recommendation that it carries out is not verified.",
        why: "Recommendations that stand as controls do nothing until they are carried out.",
        remedy: "Carry the recommendation out, or assume nothing of the control.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|c, k: &Rec<Control>| {
            let by = k
                .data
                .assumed_reduction
                .filter(|r| r.likelihood + r.impact > 0)?;
            let verification = k.computed.recommendation_verification?;
            (k.computed.counted_effectiveness != ControlEffectiveness::Effective).then(|| {
                let words = format!(
                    "assumed to take {} off the likelihood and {} off the impact",
                    by.likelihood, by.impact
                );
                let claimed = Said::new("assumed", words).by(k.data.owner_post_id);
                let found = audit(verification);
                let computed = if k.is_failing(c.seen.reading(c.on)) {
                    Said::new("failing", "the recommendation is overdue")
                } else {
                    Said::new(
                        word(&k.computed.counted_effectiveness),
                        "what the risk counts it as",
                    )
                };
                Clash::of(claimed)
                    .verified(found)
                    .computed(computed)
                    .against(k.data.recommendation_id)
            })
        }),
    },
    Rule {
        code: "risk_assumed_below_verified",
        severity: Is::Medium,
        checks: "What the controls are assumed to leave of the risk is less than what verified controls leave.",
        why: "The difference is believed, not known.",
        remedy: "Have the controls assessed, or count on fewer of them.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| {
            let (assumed, verified) = (r.computed.assumed_level?, r.computed.verified_level?);
            (r.data.status == RiskStatus::Open && assumed.product < verified.product).then(|| {
                let score = |what: &str, l: crate::registers::risk::RiskLevel| {
                    Said::new(
                        format!("{}_{}", word(&l.band), l.product),
                        format!("{what}: {} ({})", l.product, word(&l.band)),
                    )
                };
                let clash = Clash::of(score("assumed score", assumed).by(r.data.owner_post_id))
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
        checks: "The current score is lower than what verified controls leave of the risk.",
        why: "Nothing that anybody has verified accounts for the lower score.",
        remedy: "Review the risk and score it by what is verified, or say what else lowers it.",
        answers: &["2020, recommendation 6"],
        look: &Each::new(|_, r: &Rec<Risk>| {
            let (current, verified) = (r.computed.current_level?, r.computed.verified_level?);
            (r.data.status == RiskStatus::Open && current.product < verified.product).then(|| {
                let score = |what: &str, l: crate::registers::risk::RiskLevel| {
                    Said::new(
                        format!("{}_{}", word(&l.band), l.product),
                        format!("{what}: {} ({})", l.product, word(&l.band)),
                    )
                };
                let claimed = score("current score", current)
                    .by(r.data.owner_post_id)
                    .on(r.computed.last_reviewed_on);
                Clash::of(claimed).verified(score("verified score", verified))
            })
        }),
    },
    Rule {
        code: "risk_tolerated_above_appetite",
        severity: Is::High,
        checks: "The risk is said to be tolerated, and it is above what its owner says it is ready to take.",
        why: "One of the two statements is not meant.",
        remedy: "Treat the risk, or raise the appetite by decision.",
        answers: &[],
        look: &Each::new(|_, r: &Rec<Risk>| {
            let tolerated = r.data.response == Some(RiskResponse::Tolerate)
                && r.data.status == RiskStatus::Open;
            (tolerated && r.computed.above_appetite == Some(true)).then(|| {
                let appetite = r.data.appetite.map(|a| word(&a)).unwrap_or_default();
                let claimed = Said::new("tolerate", "it is lived with").by(r.data.owner_post_id);
                Clash::of(claimed).computed(Said::new(
                    "above_appetite",
                    format!("its score is above an appetite that is {appetite}"),
                ))
            })
        }),
    },
];
