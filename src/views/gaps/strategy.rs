//! What strategies lack.

use super::causes;
use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::governance::{Remit, RemitKind};
use crate::registers::performance::MeasureState;
use crate::registers::plan::WorkPlanItem;
use crate::registers::strategy::{
    CrossReference, CrossReferenceRelation, CrossReferenceStatement, Goal, Strategy,
    StrategyReview, StrategyReviewStatus, StrategyStatus, StrategyVersion, StrategyVersionStatus,
    Suggestion, SuggestionDisposition,
};
use crate::views::wait_graph::waiting_on;
use crate::world::Rec;
use crate::world::blank::OptionalText;
use crate::world::collation::{Collated, fold};
use crate::world::dates::Progress;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "strategy_without_owner",
        severity: Is::High,
        checks: "No owner unit is recorded for the strategy.",
        why: "Without an owner, nobody is accountable for what it promises.",
        remedy: "Record the unit that owns it.",
        answers: &["2020, recommendation 1"],
        check: &Each::new(|c, s: &Rec<Strategy>| {
            unowned(c, is_running(s), None, s.data.owner_unit_id)
        })
        .detail(),
    },
    Rule {
        code: "strategy_planned_without_date",
        severity: Is::Medium,
        checks: "The strategy is planned, but no expected date is recorded.",
        why: "Whatever waits for it waits indefinitely.",
        remedy: "Record when it is expected, or ask those who are to write it.",
        answers: &["2020, key considerations"],
        check: &Each::new(|c, s: &Rec<Strategy>| {
            let undated =
                s.data.status == StrategyStatus::Planned && s.data.expected_date.due_on.is_none();
            // What waits for a strategy that others write is asked instead.
            let is_asked =
                || s.data.kept_by.is_here() || waiting_on(c.seen, c.on, s.meta.id).is_empty();
            plain_if(undated && is_asked())
        })
        .follows(
            &["strategy_review_without_target_date"],
            causes::of_planned_strategy,
        ),
    },
    Rule {
        code: "strategy_without_approved_version",
        severity: Is::High,
        checks: "The strategy is current, but no approved version is recorded.",
        why: "A strategy that was never approved is not binding.",
        remedy: "Record the approved version with its approver and date, or have a version \
            approved.",
        answers: &["2017, Action 14"],
        check: &Each::new(strategy_without_approved_version).keeping(),
    },
    Rule {
        code: "version_without_approval",
        severity: Is::High,
        checks: "The version counts as approved, but the approver or the date is missing.",
        why: "Nobody can be shown an approval that has no approver or date.",
        remedy: "Record who approved it and when, or set it back to draft.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|_, v: &Rec<StrategyVersion>| {
            let nobody = v.data.approver_post_id.is_none() && v.data.approver_board_id.is_none();
            match (nobody, v.data.approved_on.is_none()) {
                _ if !v.data.status.is_approved() => None,
                (true, true) => because("neither approver nor date"),
                (true, false) => because("no approver"),
                (false, true) => because("no date"),
                (false, false) => None,
            }
        })
        .keeping(),
    },
    Rule {
        code: "version_approved_but_document_draft",
        severity: Is::Medium,
        checks: "The version counts as approved, but its document says draft.",
        why: "Readers cannot tell which text is in force.",
        remedy: "Attach the approved document, or correct the version's status.",
        answers: &["2017, appendices 1 and 2"],
        check: &Each::new(|_, v: &Rec<StrategyVersion>| {
            let stated = v
                .data
                .document
                .as_ref()
                .and_then(|d| d.stated_status.as_deref())
                .unwrap_or_default();
            plain_if(v.data.status.is_approved() && fold(stated).contains("draft"))
        })
        .keeping()
        .follows_own(&["version_without_approval"]),
    },
    Rule {
        code: "strategy_review_without_target_date",
        severity: Is::High,
        checks: "No target date is recorded for the review of the strategy.",
        why: "Whatever waits for the review waits indefinitely.",
        remedy: "Set the review's target date.",
        answers: &["2020, recommendations 1, 2, 3, 4 and 9"],
        check: &Each::new(|c, r: &Rec<StrategyReview>| {
            plain_if(is_open(c, r) && r.data.target.due_on.is_none())
        }),
    },
    Rule {
        code: "strategy_review_without_start",
        severity: Is::Low,
        checks: "The review of the strategy is under way, but no start date is recorded.",
        why: "Nobody can tell how long it has been under way.",
        remedy: "Record the date on which it began.",
        answers: &["2020, key considerations"],
        check: &Each::new(|_, r: &Rec<StrategyReview>| {
            plain_if(
                r.data.status == StrategyReviewStatus::InProgress && r.data.started_on.is_none(),
            )
        })
        .keeping()
        .follows_own(&["strategy_review_without_target_date"]),
    },
    Rule {
        code: "strategy_review_overdue",
        severity: Is::High,
        checks: "The review of the strategy is past its target date.",
        why: "Whatever waits for the review is late with it.",
        remedy: "Complete the review, or set a new target date with the reason.",
        answers: &[],
        check: &Each::new(|c, r: &Rec<StrategyReview>| match r.data.target.due_on {
            Some(due) if is_open(c, r) && due < c.on => because(format!("was due on {due}")),
            _ => None,
        }),
    },
    Rule {
        code: "goal_without_outcome",
        severity: Is::Medium,
        checks: "No intended outcome is recorded for the goal.",
        why: "Nobody can tell when it has been achieved.",
        remedy: "Say what will be different once the goal is achieved.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, g: &Rec<Goal>| {
            plain_if(is_pursued(c, g) && g.data.intended_outcome.is_unsaid())
        })
        .detail(),
    },
    Rule {
        code: "goal_without_item",
        severity: Is::Medium,
        checks: "No plan item that serves the goal is recorded.",
        why: "Nothing is being done to reach the goal.",
        remedy: "Record the goal on the items that serve it, or plan an item for it.",
        answers: &["2020, recommendation 4"],
        check: &Each::new(|c, g: &Rec<Goal>| {
            let served = |id| c.seen.pointing::<WorkPlanItem>(id).next().is_some();
            let below = || {
                c.seen
                    .pointing::<Goal>(g.meta.id)
                    .any(|p| p.data.parent_id == Some(g.meta.id.into()) && served(p.meta.id))
            };
            plain_if(is_pursued(c, g) && !served(g.meta.id) && !below())
        })
        .detail(),
    },
    Rule {
        code: "goal_without_measure",
        severity: Is::Medium,
        checks: "No measure that shows whether the goal is being achieved is recorded.",
        why: "Reported progress cannot be checked.",
        remedy: "Record the goal on the measures that report on it, or define a measure.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, g: &Rec<Goal>| {
            let measured = |id| {
                c.measures
                    .of(id)
                    .any(|m| m.data.state != MeasureState::Retired)
            };
            let below = || {
                let mut parts = c.seen.pointing::<Goal>(g.meta.id);
                parts.any(|p| p.data.parent_id == Some(g.meta.id.into()) && measured(p.meta.id))
            };
            plain_if(is_pursued(c, g) && !measured(g.meta.id) && !below())
        })
        .detail(),
    },
    Rule {
        code: "goal_without_board",
        severity: Is::Medium,
        checks: "No active board with the goal in its remit is recorded.",
        why: "Nobody decides on it, oversees it or is consulted on it.",
        remedy: "Record which board decides on the goal and which oversees it.",
        answers: &["2020, recommendation 1"],
        check: &Each::new(|c, g: &Rec<Goal>| {
            plain_if(is_pursued(c, g) && remits(c, g).next().is_none())
        })
        .detail(),
    },
    Rule {
        code: "goal_decided_by_several_boards",
        severity: Is::Medium,
        checks: "Several boards decide on the goal.",
        why: "When two boards decide, neither is accountable.",
        remedy: "Leave the decision to one board, and give the others another kind of remit.",
        answers: &["2020, recommendation 2"],
        check: &Each::new(|c, g: &Rec<Goal>| {
            let mut boards: Vec<_> = remits(c, g)
                .filter(|r| r.data.remit_kind == RemitKind::Decides)
                .map(|r| r.data.board_id)
                .collect();
            boards.sort_unstable();
            boards.dedup();
            if boards.len() > 1 {
                because(format!("{} boards", boards.len()))
            } else {
                None
            }
        }),
    },
    Rule {
        code: "goal_without_owner",
        severity: Is::Low,
        checks: "No owner post is recorded for the goal.",
        why: "No post is accountable for it.",
        remedy: "Record the post that owns the goal.",
        answers: &[],
        check: &Each::new(|c, g: &Rec<Goal>| {
            unowned(c, is_pursued(c, g), g.data.owner_post_id, None)
        })
        .detail(),
    },
    Rule {
        code: "cross_reference_without_rationale",
        severity: Is::Low,
        checks: "How the strategies relate to each other is not recorded for the cross-reference.",
        why: "A list of titles does not show what depends on what.",
        remedy: "Say in a sentence what one strategy needs of the other.",
        answers: &["2017, interdependencies"],
        check: &Each::new(|_, x: &Rec<CrossReference>| plain_if(x.data.rationale.is_unsaid()))
            .detail(),
    },
    Rule {
        code: "cross_reference_not_everywhere",
        severity: Is::Low,
        checks: "A document that states the cross-reference is inconsistent: one of its lists \
            includes it, another leaves it out.",
        why: "Two lists of the same interdependencies differ, and nobody can tell which is right.",
        remedy: "Have the document name the same strategies everywhere and record the place, or \
            withdraw what no longer applies.",
        answers: &["2017, interdependencies and paragraph 1.1"],
        check: &Each::new(cross_reference_not_everywhere).keeping(),
    },
    Rule {
        code: "cross_reference_one_sided",
        severity: Is::Low,
        checks: "This strategy refers to the other, but the other, which is the organisation's \
            own, has no cross-reference back.",
        why: "Those who work to the other strategy do not know about this one.",
        remedy: "Record where the other strategy refers back, or have a reference added to it.",
        answers: &["2017, interdependencies"],
        check: &Each::new(|c, x: &Rec<CrossReference>| {
            let own = |id| {
                c.seen
                    .get::<Strategy>(id)
                    .is_some_and(|s| c.seen.is_live(s) && is_running(s) && s.data.kept_by.is_here())
            };
            let (from, to) = (x.data.from_strategy_id, x.data.to_strategy_id);
            let expected =
                x.data.relation != CrossReferenceRelation::Supersedes && own(from) && own(to);
            let back = || {
                let mut others = c.seen.pointing::<CrossReference>(to);
                others.any(|b| b.data.from_strategy_id == to && b.data.to_strategy_id == from)
            };
            plain_if(expected && !back())
        })
        .keeping(),
    },
    Rule {
        code: "suggestion_without_disposition",
        severity: Is::Medium,
        checks: "What became of the suggestion is not fully recorded.",
        why: "The person who made it cannot tell whether it was considered.",
        remedy: "Record whether it was incorporated, in which version, and why or why not.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|_, s: &Rec<Suggestion>| match s.data.disposition {
            SuggestionDisposition::Pending => because("still pending"),
            SuggestionDisposition::Incorporated | SuggestionDisposition::Partly
                if s.data.taken_in_version_id.is_none() =>
            {
                because("incorporated, but no version is named")
            }
            _ => None,
        })
        .keeping(),
    },
];

/// Whether it is one of the organisation's own strategies and has not ended.
fn is_running(strategy: &Rec<Strategy>) -> bool {
    strategy.data.strategy_kind.is_own() && strategy.data.status != StrategyStatus::Ended
}

fn is_open(c: &Context<'_>, review: &Rec<StrategyReview>) -> bool {
    c.deadline(review).progress == Progress::Open
}

/// Whether the goal's strategy is one of the organisation's own and current.
fn is_pursued(c: &Context<'_>, goal: &Rec<Goal>) -> bool {
    let strategy = c.seen.get::<Strategy>(goal.data.strategy_id);
    strategy.is_some_and(|s| s.data.strategy_kind.is_own()) && c.is_active(goal)
}

/// The remits on a goal that are in force.
fn remits<'a>(c: &'a Context<'_>, goal: &Rec<Goal>) -> impl Iterator<Item = &'a Rec<Remit>> {
    c.remits.of(goal.meta.id).filter(move |r| c.is_active(*r))
}

/// The places in the same sources that list the same interdependencies, but not this one: lists that
/// have another cross-reference in common with a place that states this one.
fn cross_reference_not_everywhere(c: &Context<'_>, x: &Rec<CrossReference>) -> Fault {
    let from = x.data.from_strategy_id;
    let is_own = |s: &&CrossReferenceStatement| s.place.is_some() && x.data.stated_in.contains(s);
    let is_own_source =
        |s: &&CrossReferenceStatement| x.data.stated_in.iter().any(|own| own.source == s.source);
    let mut left_out: Vec<String> = c
        .seen
        .pointing::<CrossReference>(from)
        .filter(|other| other.data.from_strategy_id == from)
        .filter(|other| other.data.stated_in.iter().any(|s| is_own(&s)))
        .flat_map(|other| &other.data.stated_in)
        .filter(is_own_source)
        .filter(|s| !x.data.stated_in.contains(s))
        .filter_map(|s| Some(format!("{}: {}", s.source, s.place.as_ref()?)))
        .collect();
    left_out.sort_by(|a, b| Collated(a).cmp(&Collated(b)));
    left_out.dedup();
    if left_out.is_empty() {
        return None;
    }
    because(format!("left out in {}", left_out.join("; ")))
}

fn strategy_without_approved_version(c: &Context<'_>, strategy: &Rec<Strategy>) -> Fault {
    if !is_running(strategy) || !c.is_active(strategy) {
        return None;
    }
    let versions: Vec<&Rec<StrategyVersion>> = c
        .seen
        .pointing::<StrategyVersion>(strategy.meta.id)
        .collect();
    if versions.iter().any(|v| v.data.status.is_approved()) {
        return None;
    }
    match versions.len() {
        0 => because("no version is recorded"),
        _ if versions
            .iter()
            .any(|v| v.data.status == StrategyVersionStatus::InReview) =>
        {
            because("one is in review")
        }
        n => because(format!("{n} recorded, none approved")),
    }
}
