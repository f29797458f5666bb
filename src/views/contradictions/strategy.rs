//! Contradictions in strategies: called approved, current or incorporated, against versions and
//! their documents.

use chrono::Datelike;

use super::rule::{Clash, Each, Rule, Said};
use crate::registers::plan::WorkPlanItem;
use crate::registers::strategy::{
    Strategy, StrategyReview, StrategyReviewStatus, StrategyStatus, StrategyVersion,
    StrategyVersionStatus, Suggestion, SuggestionDisposition,
};
use crate::views::findings::FindingSeverity as Is;
use crate::world::Rec;
use crate::world::collation::fold;
use crate::world::id::either;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "version_approved_document_draft",
        severity: Is::High,
        checks: "The version counts as approved, but its document says that it is a draft.",
        why: "Nobody can tell which text was approved.",
        remedy: "Attach the approved document, or set the version back.",
        answers: &["2017, appendix 2"],
        check: &Each::new(|_, v: &Rec<StrategyVersion>| {
            let stated = v.data.document.as_ref()?.stated_status.as_ref()?;
            (v.data.status.is_approved() && fold(stated).contains("draft")).then(|| {
                let approver = either(v.data.approver_post_id, v.data.approver_board_id);
                let claimed = Said::new(word(&v.data.status), "the version counts as approved")
                    .on(v.data.approved_on)
                    .by(approver);
                Clash::of(claimed)
                    .computed(Said::new("draft", format!("its document says: {stated}")))
            })
        }),
    },
    Rule {
        code: "strategy_current_past_its_period",
        severity: Is::Medium,
        checks: "The strategy is recorded as current, but the period that it covers is over.",
        why: "Work is continuing under a strategy that has run out.",
        remedy: "End it or name its successor, or extend the period with a new version.",
        answers: &[],
        check: &Each::new(|c, s: &Rec<Strategy>| {
            let until = s
                .data
                .until_year
                .filter(|y| *y < c.on.year() && s.data.status == StrategyStatus::Current)?;
            let computed = Said::new("period_over", format!("its period ended in {until}"));
            Some(Clash::of(Said::new("current", "recorded as current")).computed(computed))
        }),
    },
    Rule {
        code: "strategy_ended_version_in_force",
        severity: Is::Medium,
        checks: "The strategy has ended, but a version of it still counts as in force.",
        why: "Anyone who looks for the text in force finds one that no longer applies.",
        remedy: "Set the version to superseded or withdrawn, or set the strategy to current.",
        answers: &[],
        check: &Each::new(|c, s: &Rec<Strategy>| {
            if s.data.status != StrategyStatus::Ended {
                return None;
            }
            let mut versions = c.seen.pointing::<StrategyVersion>(s.meta.id);
            let version = versions
                .find(|v| v.data.strategy_id == s.meta.id && v.data.status.is_in_force())?;
            let computed = Said::new(
                word(&version.data.status),
                "a version of it counts as in force",
            );
            Some(
                Clash::of(Said::new("ended", "recorded as ended"))
                    .computed(computed)
                    .against([version.meta.id]),
            )
        }),
    },
    Rule {
        code: "strategy_planned_version_approved",
        severity: Is::Low,
        checks: "The strategy is recorded as planned, but its period has begun and a version of it \
            counts as approved.",
        why: "Anyone waiting for the strategy is waiting for something that already exists.",
        remedy: "Set the strategy to current, or set the version back.",
        answers: &[],
        check: &Each::new(|c, s: &Rec<Strategy>| {
            // A strategy may well be approved before its period begins.
            let has_begun = s.data.from_year.is_none_or(|from| from <= c.on.year());
            if s.data.status != StrategyStatus::Planned || !has_begun {
                return None;
            }
            let mut versions = c.seen.pointing::<StrategyVersion>(s.meta.id);
            let version = versions
                .find(|v| v.data.strategy_id == s.meta.id && v.data.status.is_approved())?;
            let computed = Said::new(
                word(&version.data.status),
                "a version of it counts as approved",
            );
            Some(
                Clash::of(Said::new("planned", "recorded as planned"))
                    .computed(computed)
                    .against([version.meta.id]),
            )
        }),
    },
    Rule {
        code: "suggestion_taken_in_nowhere",
        severity: Is::Medium,
        checks: "The suggestion is recorded as incorporated, but no approved version contains it.",
        why: "The person who made it is told that it was accepted, but it appears nowhere.",
        remedy: "Name the version that incorporates it, or correct the disposition.",
        answers: &["2017, recommendation a"],
        check: &Each::new(|c, s: &Rec<Suggestion>| {
            use StrategyVersionStatus::{Draft, InReview, Withdrawn};
            let taken = matches!(
                s.data.disposition,
                SuggestionDisposition::Incorporated | SuggestionDisposition::Partly
            );
            let version = s
                .data
                .taken_in_version_id
                .and_then(|id| c.seen.get::<StrategyVersion>(id));
            let computed = match version {
                None if s.data.taken_in_version_id.is_none() => {
                    Said::new("no_version", "no version is named as containing it")
                }
                Some(v)
                    if !c.seen.is_live(v)
                        || matches!(v.data.status, Draft | InReview | Withdrawn) =>
                {
                    Said::new(
                        word(&v.data.status),
                        format!(
                            "the version that contains it is {}",
                            v.data.status.in_sentence()
                        ),
                    )
                }
                _ => return None,
            };
            taken.then(|| {
                let claimed = Said::new(
                    word(&s.data.disposition),
                    "recorded as incorporated, wholly or partly",
                );
                Clash::of(claimed)
                    .computed(computed)
                    .against(version.map(|v| v.meta.id))
            })
        }),
    },
    Rule {
        code: "review_completed_deferred_open",
        severity: Is::High,
        checks: "The review of the strategy is completed, but work that was deferred to it is \
            still open.",
        why: "What was left to the refresh was not dealt with in it.",
        remedy: "Settle what was deferred, or defer it again with a date.",
        answers: &["2020, recommendations 1 to 4, 7 and 9"],
        check: &Each::new(|c, r: &Rec<StrategyReview>| {
            if r.data.status != StrategyReviewStatus::Completed {
                return None;
            }
            let items = r
                .data
                .deferred
                .iter()
                .filter_map(|d| c.seen.get::<WorkPlanItem>(d.record_id.uuid()));
            let open: Vec<uuid::Uuid> = items
                .filter(|i| c.seen.is_live(*i) && !i.data.status.is_closed())
                .map(|i| i.meta.id)
                .collect();
            (!open.is_empty()).then(|| {
                let claimed =
                    Said::new("completed", "the review is completed").on(r.data.completed_on);
                let computed = Said::new(
                    "deferred_open",
                    format!("open items deferred to it: {}", open.len()),
                );
                Clash::of(claimed).computed(computed).against(open)
            })
        }),
    },
];
