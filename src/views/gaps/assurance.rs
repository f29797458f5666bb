//! What audit recommendations and assertions lack.

use chrono::NaiveDate;

use super::causes;
use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::assurance::{
    Assertion, AssertionEvidence, AuditReview, ManagementDecision, Recommendation,
    RecommendationLink, RecommendationRelation, RecommendationUpdate, RecommendationUpdateKind,
    RecommendationVerification, Verification, VerificationResult,
};
use crate::registers::evidence::Evidence;
use crate::views::judgement::{Awaited, awaited_by};
use crate::views::rag::{days, times};
use crate::views::readiness::Readiness;
use crate::world::Rec;
use crate::world::blank::OptionalText;
use crate::world::collation::Collated;
use crate::world::dates::Progress;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "recommendation_without_owner",
        severity: Is::High,
        checks: "No owner post or unit is recorded for the recommendation.",
        why: "Nobody can be asked about progress.",
        remedy: "Record the post or unit that owns it.",
        answers: &["2020, recommendations 1 to 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            unowned(c, is_open(c, r), r.data.owner_post_id, r.data.owner_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "recommendation_without_priority",
        severity: Is::Medium,
        checks: "No priority is recorded for the recommendation.",
        why: "The most important work cannot be done first.",
        remedy: "Ask audit for its priority, and record it.",
        answers: &["2020, recommendations 1 to 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            plain_if(is_open(c, r) && r.data.priority.is_none())
        })
        .detail(),
    },
    Rule {
        code: "recommendation_incomplete",
        severity: Is::Medium,
        checks: "The finding or the recommended action is not recorded.",
        why: "Without the finding nobody knows why the recommendation was made; without the \
            recommended action nobody knows what to do.",
        remedy: "Add what is missing from the audit report.",
        answers: &["2020, recommendations 1 to 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            match (r.data.finding.said(), r.data.recommendation.said()) {
                (None, _) if is_open(c, r) => because("no finding"),
                (_, None) if is_open(c, r) => because("no recommended action"),
                _ => None,
            }
        })
        .detail(),
    },
    Rule {
        code: "recommendation_without_response",
        severity: Is::Medium,
        checks: "No management response to the recommendation is recorded.",
        why: "Nobody has agreed to do it.",
        remedy: "Record management's response.",
        answers: &["2020, recommendations 1 to 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let waited = || {
                reported_on(c, r)
                    .is_none_or(|on| (c.on - on).num_days() > c.settings.gaps.response_after_days)
            };
            plain_if(is_open(c, r) && r.computed.management_response.is_none() && waited())
        })
        .detail(),
    },
    Rule {
        code: "recommendation_rejection_open",
        severity: Is::Medium,
        checks: "Management rejects the recommendation, but no closure by audit is recorded.",
        why: "It stays open, but nobody works on it.",
        remedy: "Have audit close it and accept the rejection, or resolve the disagreement.",
        answers: &[],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            plain_if(
                is_open(c, r)
                    && r.computed.management_response == Some(ManagementDecision::Rejected),
            )
        }),
    },
    Rule {
        code: "recommendation_without_deadline",
        severity: Is::High,
        checks: "No deadline is recorded for the recommendation.",
        why: "It can never become overdue.",
        remedy: "Agree a deadline.",
        answers: &["2017, recommendation b"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            plain_if(is_open(c, r) && r.data.deadline.due_on.is_none())
        })
        .detail(),
    },
    Rule {
        code: "recommendation_overdue",
        severity: Is::High,
        checks: "The recommendation is past its deadline, but nobody claims that it is \
            implemented.",
        why: "A deadline that passes without comment has no effect.",
        remedy: "Implement it and record the claim, or ask for an extension.",
        answers: &["2020, recommendations 6, 7 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let due = r.deadline_on(c.on).counts_on();
            let due = due.filter(|_| is_open(c, r) && r.is_overdue(c.on))?;
            because(format!(
                "was due on {due}, {} ago",
                days((c.on - due).num_days())
            ))
        })
        .follows_own(&["recommendation_rejected_claim"]),
    },
    Rule {
        code: "recommendation_extended_often",
        severity: Is::Medium,
        checks: "The deadline of the recommendation has been extended repeatedly.",
        why: "A deadline that keeps moving has no effect.",
        remedy: "Have the board decide what is realistic, or have audit say what risk is carried \
            in the meantime.",
        answers: &[],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let often =
                is_open(c, r) && r.computed.extension_count >= c.settings.gaps.many_extensions;
            if often {
                because(times(i64::from(r.computed.extension_count)))
            } else {
                None
            }
        })
        .follows_own(&["recommendation_overdue"]),
    },
    Rule {
        code: "recommendation_deferred_without_date",
        severity: Is::High,
        checks: "Management has deferred the recommendation without giving a date.",
        why: "Without a date, nobody can tell whether the promise has been broken or kept.",
        remedy: "Give a date, and ask for an extension to it.",
        answers: &["2020, recommendations 1, 2, 3, 4 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let latest = r
                .computed
                .latest_update_id
                .and_then(|id| c.seen.get::<RecommendationUpdate>(id))?;
            let off = latest.data.update_kind == RecommendationUpdateKind::Deferral
                && latest.data.asked_deadline.due_on.is_none();
            if off && is_open(c, r) {
                because(format!("on {}", latest.data.stated_on))
            } else {
                None
            }
        })
        .follows(causes::UNDATED, causes::of_waiting)
        .follows_own(&["recommendation_overdue"]),
    },
    Rule {
        code: "recommendation_waits_for_undated",
        severity: Is::Medium,
        checks: "The recommendation waits for something that has no date.",
        why: "Its own deadline cannot be relied on.",
        remedy: "Give what it waits for a date, or implement the recommendation without it.",
        answers: &["2020, recommendations 1, 2, 3, 4, 7 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            check_awaited(c, r, |a| {
                let undated = matches!(a.readiness, Readiness::Open(None) | Readiness::NeverDue);
                undated.then(|| a.record.meta().reference.to_string())
            })
        })
        .follows(causes::UNDATED, causes::of_waiting),
    },
    Rule {
        code: "recommendation_waits_for_given_up",
        severity: Is::High,
        checks: "The recommendation waits for something that was given up.",
        why: "What was cancelled, dissolved or superseded never comes, so the recommendation \
            cannot be implemented as planned.",
        remedy: "Withdraw the link, or record what will implement the recommendation instead.",
        answers: &["2020, recommendations 1, 2, 3, 4, 7 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            check_awaited(c, r, |a| {
                let given_up = a.readiness == Readiness::GivenUp;
                given_up.then(|| a.record.meta().reference.to_string())
            })
        }),
    },
    Rule {
        code: "recommendation_waits_beyond_deadline",
        severity: Is::High,
        checks: "Something that the recommendation waits for is expected after the \
            recommendation's own deadline.",
        why: "The deadline cannot be met, and this is already known.",
        remedy: "Bring forward what it waits for, or ask for an extension now.",
        answers: &["2020, recommendations 1, 2, 3, 4, 7 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let due = r.data.deadline.due_on?;
            check_awaited(c, r, |a| {
                let Readiness::Open(on) = a.readiness else {
                    return None;
                };
                let on = on.filter(|on| *on > due)?;
                Some(format!("{} expected on {on}", a.record.meta().reference))
            })
        })
        .follows(causes::OVERDUE, causes::of_late_wait),
    },
    Rule {
        code: "recommendation_stale",
        severity: Is::Medium,
        checks: "No recent update of the recommendation is recorded.",
        why: "Without updates, nobody can see progress.",
        remedy: "Record an update.",
        answers: &["2017, recommendation b"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let reading = c.seen.reading(c.on);
            match r.stale_days(reading, c.settings.stale_after_days) {
                Some(silent) if is_open(c, r) => because(format!("no update for {}", days(silent))),
                _ => None,
            }
        })
        .detail()
        .follows_own(&[
            "recommendation_overdue",
            "recommendation_deferred_without_date",
        ]),
    },
    Rule {
        code: "recommendation_long_unverified",
        severity: Is::High,
        checks: "Management claims that the recommendation is implemented, but no verification by \
            audit has been recorded for a long time.",
        why: "A claim that nobody checks is treated as done when it may not be.",
        remedy: "Verify the claim, or reject it.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claimed = r.computed.claimed_on.filter(|_| is_open(c, r))?;
            let waited = (c.on - claimed).num_days();
            if waited > c.settings.unverified_after_days {
                because(format!("claimed on {claimed}, {} ago", days(waited)))
            } else {
                None
            }
        })
        .follows_own(&["recommendation_claim_without_evidence"]),
    },
    Rule {
        code: "recommendation_claim_without_evidence",
        severity: Is::High,
        checks: "Management claims that the recommendation is implemented, but has submitted no \
            evidence.",
        why: "A claim without evidence cannot be verified.",
        remedy: "Submit the evidence with the claim, or withdraw the claim.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claim = r.computed.claim_id.filter(|_| is_open(c, r))?;
            let shown = |id| {
                c.seen
                    .pointing::<Evidence>(id)
                    .any(|e| e.data.supports_id == id)
            };
            plain_if(!shown(claim) && !shown(r.meta.id))
        }),
    },
    Rule {
        code: "recommendation_rejected_claim",
        severity: Is::High,
        checks: "Audit rejected the claim that the recommendation is implemented, and no update \
            has been recorded since.",
        why: "Nobody has acted on the rejection.",
        remedy: "Act on what audit found, and record an update.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(recommendation_rejected_claim),
    },
    Rule {
        code: "duplicate_not_accepted",
        severity: Is::Medium,
        checks: "The recommendation is recorded as a duplicate of another, but no acceptance of \
            that by audit is recorded.",
        why: "Until audit agrees, both recommendations must be implemented.",
        remedy: "Have audit close one as a duplicate, or respond to both.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, l: &Rec<RecommendationLink>| {
            let says = l.data.relation == RecommendationRelation::Duplicates;
            let open = |id: uuid::Uuid| {
                c.seen
                    .get::<Recommendation>(id)
                    .is_some_and(|r| is_open(c, r))
            };
            plain_if(says && open(l.data.recommendation_id.uuid()))
        }),
    },
    Rule {
        code: "recommendation_made_again",
        severity: Is::Medium,
        checks: "The recommendation repeats an earlier one that is still open.",
        why: "The earlier recommendation was not carried out, and the same may happen again.",
        remedy: "Record why the earlier one was not carried out, and close it as superseded by \
            the later one.",
        answers: &["2020, recommendation 7"],
        check: &Each::new(|c, l: &Rec<RecommendationLink>| {
            let repeats = l.data.relation == RecommendationRelation::Repeats;
            let open = |id: uuid::Uuid| {
                c.seen
                    .get::<Recommendation>(id)
                    .is_some_and(|r| is_open(c, r))
            };
            plain_if(repeats && open(l.data.recommendation_id.uuid()) && open(l.data.to_id.uuid()))
        })
        .follows(&["recommendation_overdue"], |_, l| {
            vec![("recommendation_overdue", l.data.recommendation_id.uuid())]
        }),
    },
    Rule {
        code: "assertion_without_evidence",
        severity: Is::Medium,
        checks: "No evidence is recorded for the assertion.",
        why: "Anyone can say so.",
        remedy: "Record the evidence, or withdraw the assertion.",
        answers: &[
            "2017, key considerations and interdependencies",
            "2020, recommendations 4 and 7",
        ],
        check: &Each::new(|c, a: &Rec<Assertion>| {
            let shown = || {
                c.seen
                    .pointing::<Evidence>(a.meta.id)
                    .any(|e| e.data.supports_id == a.meta.id)
            };
            plain_if(a.data.evidence == AssertionEvidence::None && !shown())
        })
        .detail(),
    },
];

/// Whether it still binds management: it counts and has not been closed.
fn is_open(c: &Context<'_>, r: &Rec<Recommendation>) -> bool {
    c.seen.is_live(r) && c.deadline(r).progress == Progress::Open
}

/// Date on which its review was reported, if known.
fn reported_on(c: &Context<'_>, r: &Rec<Recommendation>) -> Option<NaiveDate> {
    c.seen
        .get::<AuditReview>(r.data.review_id)?
        .data
        .reported
        .due_on
}

/// What is wrong with the records that it waits for, in words.
fn check_awaited(
    c: &Context<'_>,
    r: &Rec<Recommendation>,
    wrong: impl Fn(&Awaited<'_>) -> Option<String>,
) -> Fault {
    if !is_open(c, r) || r.computed.claim_id.is_some() {
        return None;
    }
    let mut words: Vec<String> = awaited_by(c.seen, c.on, r)
        .iter()
        .filter_map(wrong)
        .collect();
    words.sort_by(|a, b| Collated(a).cmp(&Collated(b)));
    if words.is_empty() {
        None
    } else {
        because(words.join(", "))
    }
}

fn recommendation_rejected_claim(c: &Context<'_>, r: &Rec<Recommendation>) -> Fault {
    if !is_open(c, r) || r.computed.verification != RecommendationVerification::Rejected {
        return None;
    }
    let rejections = c.seen.pointing::<Verification>(r.meta.id);
    let on = rejections
        .filter(|v| {
            v.data.recommendation_id == r.meta.id && v.data.result == VerificationResult::Rejected
        })
        .map(|v| v.data.decided_on)
        .max()?;
    let taken_up = r.computed.latest_update_on.is_some_and(|said| said > on);
    if !taken_up && (c.on - on).num_days() > c.settings.gaps.response_after_days {
        because(format!("on {on}"))
    } else {
        None
    }
}
