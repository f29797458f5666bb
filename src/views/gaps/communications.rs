//! What communications lack.

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::communications::{
    ActivityStatus, AssetStatus, CampaignEvaluation, CommunicationsActivity, CommunicationsPlan,
    GoodPractice, IntranetAsset, PracticeBasis, ended_on,
};
use crate::registers::evidence::Evidence;
use crate::registers::organisation::{Unit, UnitKind};
use crate::world::Rec;
use crate::world::blank::OptionalText;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "communications_plan_without_aim",
        severity: Is::Low,
        checks: "No strategy or goal is recorded for the communications plan.",
        why: "Nobody can tell what it is meant to achieve.",
        remedy: "Record the strategy that it supports, or the goals.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, p: &Rec<CommunicationsPlan>| {
            plain_if(c.is_active(p) && p.data.strategy_id.is_none() && p.data.goal_ids.is_empty())
        })
        .detail(),
    },
    Rule {
        code: "activity_without_goal",
        severity: Is::Low,
        checks: "No goal is recorded for the campaign or activity.",
        why: "Nobody can tell what it is for.",
        remedy: "Record the goals that it serves.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, a: &Rec<CommunicationsActivity>| {
            plain_if(is_planned(c, a) && a.data.goal_ids.is_empty())
        })
        .detail(),
    },
    Rule {
        code: "activity_without_evaluation",
        severity: Is::Medium,
        checks: "The campaign or activity is over, but no evaluation is recorded.",
        why: "Nobody knows whom it reached and what was learnt.",
        remedy: "Record an evaluation.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(activity_without_evaluation).keeping(),
    },
    Rule {
        code: "evaluation_without_evidence",
        severity: Is::Low,
        checks: "No evidence is recorded for the evaluation.",
        why: "Without evidence it is only a claim.",
        remedy: "Record the evidence.",
        answers: &["2017, paragraph 1.1", "2020, recommendation 7"],
        check: &Each::new(|c, e: &Rec<CampaignEvaluation>| {
            let shown = || {
                c.seen
                    .pointing::<Evidence>(e.meta.id)
                    .any(|v| v.data.supports_id == e.meta.id)
            };
            plain_if(e.data.evidence.is_unsaid() && !shown())
        })
        .detail(),
    },
    Rule {
        code: "asset_without_owner",
        severity: Is::Low,
        checks: "No owner post or unit is recorded for the intranet asset.",
        why: "It may go out of date without anyone noticing.",
        remedy: "Record the post or unit that looks after it.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, a: &Rec<IntranetAsset>| {
            unowned(
                c,
                c.is_active(a),
                a.data.owner_post_id,
                a.data.owner_unit_id,
            )
        })
        .detail(),
    },
    Rule {
        code: "asset_review_overdue",
        severity: Is::Medium,
        checks: "The intranet asset is past its review date.",
        why: "It may be out of date.",
        remedy: "Review it and set the next review date.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, a: &Rec<IntranetAsset>| match a.data.review_due_on {
            Some(due) if a.data.is_overdue(c.on) => because(format!("was due on {due}")),
            _ => None,
        }),
    },
    Rule {
        code: "asset_without_review",
        severity: Is::Low,
        checks: "No review date is recorded for the intranet asset.",
        why: "Its review can never become overdue.",
        remedy: "Set a review date.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|_, a: &Rec<IntranetAsset>| {
            let is_public = matches!(
                a.data.status,
                AssetStatus::Published | AssetStatus::UnderReview
            );
            plain_if(is_public && a.data.review_due_on.is_none())
        })
        .detail(),
    },
    Rule {
        code: "group_without_good_practice",
        severity: Is::Low,
        checks: "No published good practice is recorded for the business group.",
        why: "Others cannot learn from it.",
        remedy: "Publish what works in the group.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, u: &Rec<Unit>| {
            let is = u.data.unit_kind == UnitKind::BusinessGroup && c.is_active(u);
            plain_if(is && !c.shares_practice(u))
        })
        .detail()
        .part_of(|_, u| u.data.parent_id.map(Into::into)),
    },
    Rule {
        code: "good_practice_ad_hoc",
        severity: Is::Low,
        checks: "The good practice was published ad hoc.",
        why: "Without a plan, the next example may never come.",
        remedy: "Plan who publishes what and when.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|_, g: &Rec<GoodPractice>| {
            plain_if(g.data.is_published() && g.data.basis == PracticeBasis::AdHoc)
        })
        .detail(),
    },
];

/// Whether it is to take place, or did take place, under a live plan.
fn is_planned(c: &Context<'_>, activity: &Rec<CommunicationsActivity>) -> bool {
    activity.data.status == ActivityStatus::Planned && c.seen.is_live(activity)
}

fn activity_without_evaluation(c: &Context<'_>, activity: &Rec<CommunicationsActivity>) -> Fault {
    let ended = ended_on(&activity.data).filter(|_| is_planned(c, activity))?;
    /// After a year nobody can evaluate it any more.
    const TOO_LATE_DAYS: i64 = 366;
    let evaluated = || {
        let mut evaluations = c.seen.pointing::<CampaignEvaluation>(activity.meta.id);
        evaluations.any(|e| e.data.activity_id == activity.meta.id)
    };
    let since = (c.on - ended).num_days();
    let is_asked = since > c.settings.gaps.evaluated_after_days && since <= TOO_LATE_DAYS;
    if is_asked && !evaluated() {
        because(format!("ended on {ended}"))
    } else {
        None
    }
}
