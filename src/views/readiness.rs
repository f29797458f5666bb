//! Whether a record that others wait on is done, still to come, or given up.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::registers::assurance::{Recommendation, RecommendationClosureState};
use crate::registers::governance::{Board, BoardStatus, TermsOfReference, TermsStatus};
use crate::registers::meetings::{Action, ActionPart, ActionStatus, Meeting, MeetingStatus};
use crate::registers::performance::{Dashboard, DashboardMaturity};
use crate::registers::plan::{ItemStatus, Plan, PlanStatus, WorkPlanItem};
use crate::registers::strategy::{
    Strategy, StrategyReview, StrategyReviewStatus, StrategyStatus, StrategyVersion,
    StrategyVersionStatus,
};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource};

/// State of a record, for the records that wait on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Done: complete, closed or in force.
    Done,
    /// Still to come, on this date if one is recorded.
    Open(Option<NaiveDate>),
    /// Given up: it will not happen.
    GivenUp,
    /// A kind of record that is neither done nor still to come: a document, a goal, an active
    /// board.
    NeverDue,
}

impl Readiness {
    /// Whether it is not done: still to come, or given up.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open(_) | Self::GivenUp)
    }
}

fn of<R: Resource>(record: &dyn AnyRecord) -> Option<&Rec<R>> {
    record.as_any().downcast_ref()
}

/// State of a record. A record that was deferred without a new date has no expected date, because
/// its first deadline does not say when it will be done.
#[must_use]
pub fn readiness(seen: &VisibleWorld, record: &Arc<dyn AnyRecord>) -> Readiness {
    use Readiness::{Done, GivenUp, NeverDue, Open};
    if record.meta().withdrawn_at.is_some() {
        return GivenUp;
    }
    let record = record.as_ref();
    if let Some(item) = of::<WorkPlanItem>(record) {
        return match item.data.status {
            ItemStatus::Complete => Done,
            ItemStatus::Cancelled | ItemStatus::Superseded => GivenUp,
            _ => Open(item.data.deadline.due_on),
        };
    }
    if let Some(recommendation) = of::<Recommendation>(record) {
        return match recommendation.computed.closure {
            RecommendationClosureState::None => Open(recommendation.data.deadline.due_on),
            _ => Done,
        };
    }
    if let Some(action) = of::<Action>(record) {
        return match action.data.status {
            ActionStatus::Open => Open(action.computed.due_on),
            ActionStatus::Closed => Done,
            ActionStatus::Cancelled => GivenUp,
        };
    }
    if let Some(part) = of::<ActionPart>(record) {
        return if part.computed.is_open {
            Open(None)
        } else {
            Done
        };
    }
    if let Some(review) = of::<StrategyReview>(record) {
        return match review.data.status {
            StrategyReviewStatus::Completed => Done,
            StrategyReviewStatus::Cancelled => GivenUp,
            _ => Open(review.data.target.due_on),
        };
    }
    if let Some(strategy) = of::<Strategy>(record) {
        return match strategy.data.status {
            StrategyStatus::Planned => Open(strategy.data.expected_date.due_on),
            _ => Done,
        };
    }
    if let Some(version) = of::<StrategyVersion>(record) {
        use StrategyVersionStatus::{Draft, InReview, Withdrawn};
        let expected = || {
            seen.get::<Strategy>(version.data.strategy_id)?
                .data
                .expected_date
                .due_on
        };
        return match version.data.status {
            Withdrawn => GivenUp,
            Draft | InReview => Open(expected()),
            _ => Done,
        };
    }
    if let Some(terms) = of::<TermsOfReference>(record) {
        return match terms.data.status {
            TermsStatus::Agreed | TermsStatus::Superseded => Done,
            _ => Open(None),
        };
    }
    if let Some(meeting) = of::<Meeting>(record) {
        return match meeting.data.status {
            MeetingStatus::Held => Done,
            MeetingStatus::Scheduled => Open(meeting.computed.meeting_on),
            MeetingStatus::Cancelled => GivenUp,
        };
    }
    if let Some(plan) = of::<Plan>(record) {
        return if plan.data.status == PlanStatus::Draft {
            Open(None)
        } else {
            Done
        };
    }
    if let Some(dashboard) = of::<Dashboard>(record) {
        return match dashboard.computed.maturity {
            DashboardMaturity::Published => Done,
            _ => Open(dashboard.computed.due_on),
        };
    }
    match of::<Board>(record).map(|b| b.data.status) {
        Some(BoardStatus::Proposed) => Open(None),
        Some(BoardStatus::Dissolved) => GivenUp,
        _ => NeverDue,
    }
}
