//! Contradictions in recommendations: what management claims, what audit found, what the claim
//! depends on, and what is to show that it is true.

use chrono::NaiveDate;
use uuid::Uuid;

use super::assertions::{draft, not_done, unfinished};
use super::facts::{Fact, below_target, seats_missing};
use super::rule::{Clash, Context, Each, Rule, Said, audit};
use crate::access::accounts::{Account, Grant, same_hand};
use crate::policy::Role;
use crate::registers::assurance::{
    Recommendation, RecommendationClosure, RecommendationClosureState,
    RecommendationImplementation as I, RecommendationLink, RecommendationRelation,
    RecommendationUpdate, RecommendationUpdateKind, RecommendationVerification as V, Verification,
    VerificationResult,
};
use crate::registers::evidence::{Document, DocumentVersion};
use crate::registers::performance::Measure;
use crate::registers::plan::Plan;
use crate::registers::representation::RepresentationTarget;
use crate::views::findings::FindingSeverity as Is;
use crate::views::readiness::readiness;
use crate::world::id::either;
use crate::world::record::word;
use crate::world::vocabulary::Coded;
use crate::world::{Meta, Rec};

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "recommendation_claim_rejected",
        severity: Is::High,
        checks: "Management claimed that the recommendation is implemented, but audit rejected \
            the claim.",
        why: "A rejected claim counts as never made, but is easily repeated.",
        remedy: "Do what audit found missing, then claim again with evidence.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            if r.computed.verification != V::Rejected {
                return None;
            }
            let verdicts = c.seen.pointing::<Verification>(r.meta.id);
            let rejected = verdicts.filter(|v| {
                v.data.recommendation_id == r.meta.id
                    && v.data.result == VerificationResult::Rejected
            });
            let last =
                rejected.max_by_key(|v| (v.data.decided_on, v.meta.created_at, v.meta.id))?;
            let claim = c.seen.get::<RecommendationUpdate>(last.data.claim_id);
            let found = Said::new("rejected", last.data.reason.as_deref().unwrap_or_default())
                .by(last.data.by_post_id.map(Into::into))
                .on(Some(last.data.decided_on));
            let claimed = claim.map_or_else(
                || Said::new("claimed_implemented", "claimed as implemented"),
                said,
            );
            Some(
                Clash::of(claimed)
                    .verified(found)
                    .computed(recorded_state(c, r))
                    .against([last.meta.id]),
            )
        }),
    },
    Rule {
        code: "recommendation_claim_unverified",
        severity: Is::Medium,
        checks: "Management claims that the recommendation is implemented, but no response of audit \
            is recorded.",
        why: "Until audit has verified it, it is only a claim, whatever a report says.",
        remedy: "Have audit verify or reject the claim.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claim = open_claim(c, r)?;
            let when = match (c.on - claim.data.stated_on).num_days() {
                0 => "today".to_owned(),
                days => format!("{} ago", crate::views::rag::days(days)),
            };
            let words = format!("claimed {when}; no response of audit is recorded");
            let found = Said::new("submitted", words);
            Some(
                Clash::of(said(claim))
                    .verified(found)
                    .computed(recorded_state(c, r)),
            )
        }),
    },
    Rule {
        code: "recommendation_claim_with_open_linked_record",
        severity: Is::High,
        checks: "Management claims that the recommendation is implemented, but a record that it \
            depends on, or that is to address it, is open.",
        why: "A recommendation is not implemented while something it depends on is missing.",
        remedy: "Complete what it depends on, or withdraw the claim.",
        answers: &["2020, recommendations 1 to 7 and 9"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claim = open_claim(c, r)?;
            let links = c
                .seen
                .pointing::<RecommendationLink>(r.meta.id)
                .filter(|l| l.data.recommendation_id == r.meta.id);
            let linked = links.filter(|l| {
                // A record that is only referred to may well be open.
                matches!(
                    l.data.relation,
                    RecommendationRelation::DependsOn | RecommendationRelation::AddressedBy
                )
            });
            let mut to: Vec<Uuid> = linked.map(|l| l.data.to_id.uuid()).collect();
            to.sort_unstable();
            to.dedup();
            let is_open = |id: &Uuid| {
                c.seen
                    .any(*id)
                    .is_some_and(|x| readiness(c.seen, c.on, x).is_open())
            };
            let open: Vec<Uuid> = to.into_iter().filter(is_open).collect();
            (!open.is_empty()).then(|| {
                let computed = Said::new(
                    "linked_record_open",
                    format!(
                        "open records that it depends on, or that are to address it: {}",
                        open.len()
                    ),
                );
                Clash::of(said(claim))
                    .verified(verified(r))
                    .computed(computed)
                    .against(open)
            })
        }),
    },
    Rule {
        code: "recommendation_claim_with_open_part",
        severity: Is::High,
        checks: "Management claims that the recommendation is implemented, but its own update \
            says that a part is not.",
        why: "The claim contradicts itself.",
        remedy: "Report the recommendation as partially implemented, or complete the part.",
        answers: &["2020, recommendations 3 and 5"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claim = open_claim(c, r)?;
            let open: Vec<String> = claim
                .data
                .parts
                .iter()
                .enumerate()
                .filter_map(|(n, p)| {
                    let is_open = p.implementation.is_some_and(|i| i != I::ClaimedImplemented);
                    is_open.then(|| match &p.label {
                        Some(label) => label.to_string(),
                        None => (n + 1).to_string(),
                    })
                })
                .collect();
            (!open.is_empty()).then(|| {
                let computed = Said::new(
                    "parts_open",
                    format!(
                        "parts that the update itself says are not implemented: {}",
                        open.join(", ")
                    ),
                );
                Clash::of(said(claim))
                    .verified(verified(r))
                    .computed(computed)
                    .against([claim.meta.id])
            })
        }),
    },
    Rule {
        code: "recommendation_partial_with_all_parts_done",
        severity: Is::Low,
        checks: "The recommendation is reported as partially implemented, but its update says \
            that every part is implemented.",
        why: "Either a part is not named, or nobody has asked for verification.",
        remedy: "Claim it as implemented, or name the part that is missing.",
        answers: &[],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let open = r.computed.closure == RecommendationClosureState::None;
            if !open || r.computed.implementation != I::PartiallyImplemented {
                return None;
            }
            let last = c
                .seen
                .get::<RecommendationUpdate>(r.computed.latest_update_id?)?;
            let done = !last.data.parts.is_empty()
                && last
                    .data
                    .parts
                    .iter()
                    .all(|p| p.implementation == Some(I::ClaimedImplemented));
            done.then(|| {
                let claimed = Said::new("partially_implemented", words(last))
                    .by(last.data.by_post_id.map(Into::into))
                    .on(Some(last.data.stated_on));
                let computed = Said::new(
                    "all_parts_implemented",
                    format!(
                        "parts reported as implemented: all {}",
                        last.data.parts.len()
                    ),
                );
                Clash::of(claimed)
                    .verified(verified(r))
                    .computed(computed)
                    .against([last.meta.id])
            })
        }),
    },
    Rule {
        code: "recommendation_decided_by_claimant",
        severity: Is::High,
        checks: "The claim was verified, or the recommendation closed, with an account of the \
            person who made the claim, or with one that was given its role by that person.",
        why: "Nobody may decide on their own claim. The accounts may have been linked only later.",
        remedy: "Have another auditor verify the claim again.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claims = c
                .seen
                .pointing_to(r.meta.id)
                .filter_map(|x| x.as_any().downcast_ref::<Rec<RecommendationUpdate>>())
                .filter(|u| u.data.recommendation_id == r.meta.id && u.data.is_claim());
            let verdicts = c
                .seen
                .pointing::<Verification>(r.meta.id)
                .filter(|v| {
                    v.data.recommendation_id == r.meta.id
                        && v.data.result == VerificationResult::Verified
                })
                .map(|v| (&v.meta, v.data.decided_on));
            let closed = c
                .seen
                .pointing::<RecommendationClosure>(r.meta.id)
                .filter(|k| k.data.recommendation_id == r.meta.id)
                .map(|k| (&k.meta, k.data.closed_on));
            let decided: Vec<_> = verdicts.chain(closed).collect();
            let mut found = claims.filter_map(|claim| {
                let claimant = claim.meta.created_by?;
                let by_claimant = |(m, _): &&(&Meta, NaiveDate)| {
                    m.created_by
                        .is_some_and(|decider| depends_on(c, decider, claimant))
                };
                let (meta, on) = decided.iter().find(by_claimant)?;
                let words = "decided with an account that is not independent of the claimant";
                Some(
                    Clash::of(said(claim))
                        .verified(verified(r))
                        .computed(Said::new("not_independent", words).on(Some(*on)))
                        .against([meta.id]),
                )
            });
            found.next()
        }),
    },
    Rule {
        code: "recommendation_closed_by_one_that_is_open",
        severity: Is::Medium,
        checks: "The recommendation is closed as a duplicate or as superseded, but the other \
            recommendation is open.",
        why: "The work is still outstanding, but a closed recommendation no longer appears in any \
            count.",
        remedy: "Track the other recommendation instead, and report the two together until it is \
            verified.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            use RecommendationClosureState::{Duplicate, Superseded};
            if !matches!(r.computed.closure, Duplicate | Superseded) {
                return None;
            }
            let closures = c.seen.pointing::<RecommendationClosure>(r.meta.id);
            let last = closures
                .filter(|k| k.data.recommendation_id == r.meta.id)
                .max_by_key(|k| (k.data.closed_on, k.meta.created_at, k.meta.id))?;
            let link = last
                .data
                .duplicate_link_id
                .and_then(|id| c.seen.get::<RecommendationLink>(id))
                .map(|l| l.data.to_id);
            let other = c
                .seen
                .get::<Recommendation>(either(last.data.superseded_by_id, link)?)?;
            (other.computed.closure == RecommendationClosureState::None).then(|| {
                let claimed = Said::new(word(&r.computed.closure), last.data.reason.clone())
                    .on(Some(last.data.closed_on));
                let found = audit(other.computed.verification);
                Clash::of(claimed)
                    .verified(found)
                    .computed(recorded_state(c, other))
                    .against([other.meta.id])
            })
        }),
    },
    Rule {
        code: "claim_against_figure",
        severity: Is::High,
        checks: "Management claims that the recommendation is implemented, but a record named to \
            show this does not show it.",
        why: "A claim can be checked against a figure, whatever the update says.",
        remedy: "Do what is missing, or retract the claim with a progress update.",
        answers: &["2020, recommendation 8"],
        check: &Each::new(|c, r: &Rec<Recommendation>| {
            let claim = open_claim(c, r)?;
            let shown = r.data.shown_by_ids.iter().map(|id| id.uuid());
            let facts: Vec<Fact> = shown.filter_map(|id| not_shown(c, id)).collect();
            let code = facts.first()?.code;
            let words: Vec<&str> = facts.iter().map(|f| f.words.as_str()).collect();
            let computed = Said::new(code, words.join("; "));
            Some(
                Clash::of(said(claim))
                    .verified(verified(r))
                    .computed(computed)
                    .against(facts.into_iter().flat_map(|f| f.records)),
            )
        }),
    },
];

/// What shows that a recommendation is not done, in a record that was named to show that it is.
/// A measure without figures shows neither.
fn not_shown(c: &Context<'_>, by: Uuid) -> Option<Fact> {
    if !c.seen.is_live(c.seen.any(by)?.as_ref()) {
        return not_done(c, by);
    }
    if let Some(measure) = c.seen.get::<Measure>(by) {
        return below_target(c, measure);
    }
    if let Some(target) = c.seen.get::<RepresentationTarget>(by) {
        return seats_missing(c, target);
    }
    if let Some(plan) = c.seen.get::<Plan>(by) {
        return unfinished(c, plan).or_else(|| not_done(c, by));
    }
    let version = c.seen.get::<DocumentVersion>(by);
    let document = version.map_or(by, |v| v.data.document_id.uuid());
    let Some(document) = c.seen.get::<Document>(document) else {
        return not_done(c, by);
    };
    let is_kept = document.computed.version_count > 0 || document.data.url.is_some();
    draft(c, document).or_else(|| {
        (!is_kept).then(|| {
            let words = format!("no file or address of {} is recorded", c.name(by));
            Fact::new("not_recorded", words, [by])
        })
    })
}

/// Text of an update.
fn words(update: &Rec<RecommendationUpdate>) -> String {
    let parts = update.data.parts.iter().map(|p| p.text.as_str());
    let all: Vec<&str> = update
        .data
        .narrative
        .as_deref()
        .into_iter()
        .chain(parts)
        .collect();
    all.join(" ").chars().take(4000).collect()
}

fn said(claim: &Rec<RecommendationUpdate>) -> Said {
    Said::new("claimed_implemented", words(claim))
        .by(claim.data.by_post_id.map(Into::into))
        .on(Some(claim.data.stated_on))
}

/// State of a recommendation as recorded.
fn recorded_state(c: &Context<'_>, r: &Rec<Recommendation>) -> Said {
    let timeliness = r.timeliness(c.on, c.settings.due_soon_days).0;
    let words = format!(
        "{}, {}",
        r.computed.implementation.in_sentence(),
        timeliness.in_sentence()
    );
    Said::new(word(&r.computed.implementation), words)
}

fn verified(r: &Rec<Recommendation>) -> Said {
    audit(r.computed.verification).on(r.computed.verified_on)
}

/// Whether an account that decides belongs to the same person as the one that claimed, or was given
/// the role of an auditor by its own person or by the claimant.
fn depends_on(c: &Context<'_>, decider: Uuid, claimant: Uuid) -> bool {
    let same = |one, other| same_hand(|id| c.seen.get::<Account>(id), one, other);
    let granted = || {
        let grants = c.seen.pointing_to(decider);
        let mut grants = grants.filter_map(|g| g.as_any().downcast_ref::<Rec<Grant>>());
        grants.any(|g| {
            let by = g.meta.created_by;
            let is_own = |by| same(by, decider) || same(by, claimant);
            g.data.account_id.uuid() == decider
                && g.data.role == Role::Auditor
                && by.is_some_and(is_own)
        })
    };
    same(decider, claimant) || granted()
}

/// The current claim, if audit has not yet decided on it.
fn open_claim<'a>(
    c: &Context<'a>,
    r: &Rec<Recommendation>,
) -> Option<&'a Rec<RecommendationUpdate>> {
    let open = r.computed.closure == RecommendationClosureState::None
        && r.computed.verification == V::Submitted;
    let claim = c
        .seen
        .get::<RecommendationUpdate>(r.computed.claim_id.filter(|_| open)?)?;
    (claim.data.update_kind == RecommendationUpdateKind::ClaimComplete).then_some(claim)
}
