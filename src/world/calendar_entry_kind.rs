//! The kinds of dates that records have, whichever resource declares them.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

/// Kind of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CalendarEntryKind {
    /// A work-plan item is due to start.
    ItemStart,
    /// A work-plan item is due to be done.
    ItemDeadline,
    /// A work-plan item needs what it waits for.
    DependencyNeeded,
    /// An audit recommendation is due to be implemented.
    RecommendationDeadline,
    /// An action set by a board is due.
    ActionDue,
    /// A part of an action that was deferred separately is due. Other parts are due with their
    /// action.
    ActionPartDue,
    /// A board meets.
    Meeting,
    /// A report is due.
    ReportDue,
    /// A communications activity or campaign runs.
    Communications,
    /// An intranet page or site is due for review.
    AssetReview,
    /// Terms of reference are due for review.
    #[strum(message = "Terms of reference review")]
    TermsReview,
    /// A strategy review is due to be completed.
    StrategyReview,
    /// A strategy that is still to come is expected.
    StrategyExpected,
    /// A risk is due for review.
    RiskReview,
    /// A board is due to acknowledge an escalation.
    EscalationAcknowledgement,
    /// A seat on a board is due for rotation.
    RotationDue,
    /// A term on a board ends.
    MembershipEnd,
    /// An invitation to a board ends.
    InvitationEnd,
    /// A goal leaves a board's remit.
    RemitEnd,
    /// A dashboard was promised for this date.
    DashboardPromised,
    /// The period of a measure's target ends.
    MeasureTargetEnd,
    /// A waiver expires. Its gap counts again after this day.
    WaiverEnd,
}

impl CalendarEntryKind {
    /// Label shown before the record's name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ItemStart => "Begins",
            Self::ItemDeadline => "Deadline",
            Self::DependencyNeeded => "Needed",
            Self::RecommendationDeadline => "Audit recommendation due",
            Self::ActionDue => "Action due",
            Self::ActionPartDue => "Part of an action due",
            Self::Meeting => "Meeting",
            Self::ReportDue => "Report due",
            Self::Communications => "Communications",
            Self::AssetReview => "Page review due",
            Self::TermsReview => "Terms of reference review due",
            Self::StrategyReview => "Strategy review due",
            Self::StrategyExpected => "Strategy expected",
            Self::RiskReview => "Risk review due",
            Self::EscalationAcknowledgement => "Escalation acknowledgement due",
            Self::RotationDue => "Rotation due",
            Self::MembershipEnd => "Term ends",
            Self::InvitationEnd => "Invitation ends",
            Self::RemitEnd => "Remit ends",
            Self::DashboardPromised => "Dashboard promised",
            Self::MeasureTargetEnd => "Target period ends",
            Self::WaiverEnd => "Waiver expires",
        }
    }
}
