//! How much a finding weighs, and why: the severity of its rule, how late the record is, how much
//! waits for it, how important it is, and how often it was deferred. Severity and rank follow from
//! the points. The points are settings ([`AttentionWeights`]).

use chrono::NaiveDate;
use serde::Serialize;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::rule::{FindingSeverity, Nature};
use crate::registers::assurance::{Assertion, Recommendation, RecommendationPriority};
use crate::registers::governance::{Board, TermsOfReference};
use crate::registers::meetings::Action;
use crate::registers::oversight::{
    OccurrenceState, ReportObligation, ReportSubmission, occurrences,
};
use crate::registers::papers::{Paper, PaperStatus};
use crate::registers::plan::{Plan, PlanStatus, WorkPlanItem};
use crate::registers::risk::{Escalation, Risk, RiskBand};
use crate::registers::settings::{AttentionWeights, SettingSet};
use crate::registers::strategy::{Strategy, StrategyReview, StrategyVersion};
use crate::views::rag::{counted, days, times};
use crate::views::wait_graph::waiting_on;
use crate::world::record::word;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource, Text};

/// Why a finding has its severity and rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum WeightReason {
    /// Severity of the rule.
    #[strum(message = "Severity of the rule")]
    Rule,
    /// The record is overdue.
    Overdue,
    /// Open records wait for it.
    #[strum(message = "Others wait for it")]
    Awaited,
    /// How important the record is.
    Importance,
    /// It was deferred or extended.
    Deferred,
    /// A claim is contradicted by what is recorded.
    Contradicted,
}

/// One reason, with its points.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingReason {
    /// The reason.
    pub reason: WeightReason,
    /// The reason in words.
    pub words: Text<200>,
    /// Points that it adds; negative if it makes the finding less serious.
    pub points: i64,
}

/// What a record adds to the weight of each finding on it.
#[derive(Debug, Clone, Default)]
pub struct RecordWeight(Vec<FindingReason>);

fn reason(reason: WeightReason, words: impl AsRef<str>, points: i64) -> FindingReason {
    FindingReason {
        reason,
        words: Text::cut(words.as_ref()),
        points,
    }
}

impl RecordWeight {
    /// The weight of a record on a date.
    #[must_use]
    pub fn new(
        seen: &VisibleWorld,
        on: NaiveDate,
        settings: &SettingSet,
        record: &dyn AnyRecord,
    ) -> Self {
        let weights = &settings.attention;
        let mut reasons = Vec::new();
        let deadline = record.deadline(seen.reading(on));
        let due = deadline.counts_on().filter(|_| deadline.is_overdue(on));
        if let Some(due) = due.or_else(|| missed(seen, on, record)) {
            let late = (on - due).num_days();
            let more = (late / 30 * weights.overdue_each_30_days).min(weights.overdue_at_most);
            let words = format!("overdue by {}", days(late));
            reasons.push(reason(WeightReason::Overdue, words, weights.overdue + more));
        }
        let waiting =
            i64::try_from(waiting_on(seen, on, record.meta().id).len()).unwrap_or(i64::MAX);
        if waiting > 0 {
            let points = waiting
                .saturating_mul(weights.awaited_each)
                .min(weights.awaited_at_most);
            let waits = if waiting == 1 { "waits" } else { "wait" };
            let words = format!("{} {waits} for it", counted(waiting, "open record"));
            reasons.push(reason(WeightReason::Awaited, words, points));
        }
        if let Some((steps, words)) = importance(seen, record) {
            let points = steps * weights.importance;
            reasons.push(reason(WeightReason::Importance, words, points));
        }
        let moved = moves(record);
        if moved > 0 {
            let points = (moved * weights.deferred_each).min(weights.deferred_at_most);
            let words = format!("deferred or extended {}", times(moved));
            reasons.push(reason(WeightReason::Deferred, words, points));
        }
        Self(reasons)
    }

    /// The reasons that count for a finding of this nature. That a detail is missing is no more urgent
    /// because the record is late; how well a record is kept, no more because it is important. A claim
    /// is contradicted whether or not the record is late: that is a finding of its own.
    fn of(&self, nature: Nature, contradicts: bool) -> impl Iterator<Item = &FindingReason> {
        use WeightReason::{Deferred, Importance, Overdue};
        self.0.iter().filter(move |r| match nature {
            Nature::Fact => !contradicts || !matches!(r.reason, Overdue | Deferred),
            Nature::Keeping => r.reason != Importance,
            Nature::Detail => false,
        })
    }

    /// All reasons for the weight of a finding of a rule on the record.
    #[must_use]
    pub fn reasons(
        &self,
        weights: &AttentionWeights,
        (severity, nature): (FindingSeverity, Nature),
        contradicts: bool,
    ) -> Vec<FindingReason> {
        let words = format!("rule of {} severity", word(&severity));
        let mut all = vec![reason(
            WeightReason::Rule,
            words,
            points_of(weights, severity),
        )];
        if contradicts {
            let words = "what is recorded contradicts a claim";
            all.push(reason(
                WeightReason::Contradicted,
                words,
                weights.contradicted,
            ));
        }
        all.extend(self.of(nature, contradicts).cloned());
        all
    }

    /// The points of a finding of a rule on the record.
    #[must_use]
    pub fn points(
        &self,
        weights: &AttentionWeights,
        (severity, nature): (FindingSeverity, Nature),
        contradicts: bool,
    ) -> i64 {
        let own: i64 = self.of(nature, contradicts).map(|r| r.points).sum();
        let contradicted = if contradicts { weights.contradicted } else { 0 };
        points_of(weights, severity) + contradicted + own
    }
}

fn points_of(weights: &AttentionWeights, severity: FindingSeverity) -> i64 {
    match severity {
        FindingSeverity::High => weights.high,
        FindingSeverity::Medium => weights.medium,
        FindingSeverity::Low => weights.low,
    }
}

/// The severity of a finding with these points.
#[must_use]
pub fn severity_of(weights: &AttentionWeights, points: i64) -> FindingSeverity {
    if points >= weights.high {
        FindingSeverity::High
    } else if points >= weights.medium {
        FindingSeverity::Medium
    } else {
        FindingSeverity::Low
    }
}

/// Day on which the first report that an obligation misses was due.
fn missed(seen: &VisibleWorld, on: NaiveDate, record: &dyn AnyRecord) -> Option<NaiveDate> {
    let obligation = is::<ReportObligation>(record)?;
    let submissions: Vec<&Rec<ReportSubmission>> = seen.pointing(obligation.meta.id).collect();
    let all = occurrences(&obligation.data, &submissions, on);
    let mut missed = all.iter().filter(|o| o.state == OccurrenceState::Missed);
    missed.next().map(|o| o.due_on)
}

fn is<R: Resource>(record: &dyn AnyRecord) -> Option<&Rec<R>> {
    record.as_any().downcast_ref()
}

/// How important a record is, in steps from ordinary, with the reason.
fn importance(seen: &VisibleWorld, record: &dyn AnyRecord) -> Option<(i64, &'static str)> {
    if let Some(r) = is::<Recommendation>(record) {
        return match r.data.priority {
            Some(RecommendationPriority::Critical) => {
                Some((4, "audit recommendation of critical priority"))
            }
            Some(RecommendationPriority::High) => {
                Some((3, "audit recommendation of high priority"))
            }
            Some(RecommendationPriority::Medium) | None => Some((2, "audit recommendation")),
            Some(RecommendationPriority::Low) => None,
            Some(RecommendationPriority::Advisory) => Some((-2, "advice only")),
        };
    }
    if let Some(r) = is::<Risk>(record) {
        return match r.computed.current_level.map(|l| l.band) {
            Some(RiskBand::Extreme) => Some((3, "extreme risk")),
            Some(RiskBand::High) => Some((2, "high risk")),
            Some(RiskBand::Low) => Some((-2, "low risk")),
            None => Some((2, "risk without a score")),
            Some(RiskBand::Moderate) => None,
        };
    }
    if let Some(escalation) = is::<Escalation>(record) {
        let risk = seen.any(escalation.data.risk_id.uuid())?;
        return importance(seen, risk.as_ref());
    }
    if let Some(obligation) = is::<ReportObligation>(record) {
        let is_outside = obligation.data.to_unit_id.is_some();
        return is_outside.then_some((1, "owed to another body"));
    }
    if let Some(paper) = is::<Paper>(record) {
        let is_draft = paper.computed.status == PaperStatus::Draft;
        return is_draft.then_some((2, "can still be put right before the meeting"));
    }
    if let Some(item) = is::<WorkPlanItem>(record) {
        let plan = seen.get::<Plan>(item.data.plan_id);
        return match (plan.map(|p| p.data.status), item.data.goals.len()) {
            (Some(PlanStatus::Draft), _) => Some((-2, "item of a draft plan")),
            (_, 0) => None,
            (_, 1) => Some((1, "serves a goal")),
            (_, _) => Some((2, "serves several goals")),
        };
    }
    if let Some(assertion) = is::<Assertion>(record) {
        let about = seen.any(assertion.data.about_id.uuid())?;
        let is_statement = about.as_any().is::<Rec<Assertion>>();
        return match is_statement {
            true => None,
            false => importance(seen, about.as_ref()),
        };
    }
    let governs = is::<Board>(record).is_some()
        || is::<TermsOfReference>(record).is_some()
        || is::<Strategy>(record).is_some()
        || is::<StrategyVersion>(record).is_some()
        || is::<StrategyReview>(record).is_some()
        || is::<Plan>(record).is_some();
    governs.then_some((1, "other records rest on it"))
}

/// How often a record was deferred or extended.
fn moves(record: &dyn AnyRecord) -> i64 {
    if let Some(r) = is::<Recommendation>(record) {
        return r.computed.extension_count.into();
    }
    if let Some(r) = is::<WorkPlanItem>(record) {
        return r.computed.deadline_changes.into();
    }
    is::<Action>(record).map_or(0, |a| a.computed.deferral_count.into())
}
