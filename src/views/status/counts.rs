//! Counts in a status view, and how the counts of two parts are added together.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::registers::assurance::{
    Recommendation, RecommendationClosureState, RecommendationImplementation,
    RecommendationVerification, Timeliness,
};
use crate::registers::meetings::{Action, ActionStatus};
use crate::registers::organisation::has_owner;
use crate::registers::plan::{ItemStatus, Rag, WorkPlanItem};
use crate::registers::risk::{Risk, RiskBand};
use crate::registers::settings::SettingSet;
use crate::views::judgement::RiskFaults;
use crate::views::rag::{Rated, is_due_soon};
use crate::world::dates::{Deadline, Progress, When};
use crate::world::{Reading, Rec};

/// Counts that can be added together.
pub trait Plus {
    /// Adds the counts of another part.
    fn plus(&mut self, other: &Self);
    /// Takes away counts that were added before.
    fn minus(&mut self, other: &Self);
    /// The count at this path of fields, if the path leads to a count.
    fn at(&self, path: &[&str]) -> Option<u32>;
}

impl Plus for u32 {
    fn plus(&mut self, other: &Self) {
        *self = self.saturating_add(*other);
    }
    fn minus(&mut self, other: &Self) {
        *self = self.saturating_sub(*other);
    }
    fn at(&self, path: &[&str]) -> Option<u32> {
        path.is_empty().then_some(*self)
    }
}

/// A struct of counts.
macro_rules! counts {
    ($($(#[$about:meta])* pub struct $name:ident { $($(#[$says:meta])* pub $field:ident: $of:ty,)* })*) => { $(
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
        pub struct $name { $($(#[$says])* pub $field: $of,)* }

        impl Plus for $name {
            fn plus(&mut self, other: &Self) {
                $(self.$field.plus(&other.$field);)*
            }
            fn minus(&mut self, other: &Self) {
                $(self.$field.minus(&other.$field);)*
            }
            fn at(&self, path: &[&str]) -> Option<u32> {
                let (first, rest) = path.split_first()?;
                match *first {
                    $(stringify!($field) => self.$field.at(rest),)*
                    _ => None,
                }
            }
        }
    )* };
}

counts! {
    /// Items or risks by RAG rating, declared or computed.
    pub struct ItemRagCounts {
        /// Will not be met unless something changes.
        pub red: u32,
        /// At risk.
        pub amber: u32,
        /// On track.
        pub green: u32,
        /// Complete.
        pub blue: u32,
        /// Not rated.
        pub grey: u32,
    }

    /// Items by status.
    pub struct ItemStatusCounts {
        /// Not started.
        pub not_started: u32,
        /// Under way.
        pub in_progress: u32,
        /// Work is paused.
        pub on_hold: u32,
        /// Done.
        pub complete: u32,
        /// No longer going ahead.
        pub cancelled: u32,
        /// Replaced by another item.
        pub superseded: u32,
    }

    /// Counts of a set of work-plan items.
    pub struct ItemCounts {
        /// Items in the set, including closed ones.
        pub items: u32,
        /// By declared status.
        pub by_status: ItemStatusCounts,
        /// RAG ratings declared by the leads.
        pub declared_rag: ItemRagCounts,
        /// RAG rating computed by the service.
        pub computed_rag: ItemRagCounts,
        /// Open items whose declared and computed RAG ratings differ. Items that their lead has not
        /// rated are not counted.
        pub disagreeing: u32,
        /// Open items whose deadline has passed, or whose first deadline has passed if they were
        /// deferred without a new date.
        pub overdue: u32,
        /// Open items that are due soon.
        pub due_soon: u32,
        /// Open items without a lead.
        pub without_lead: u32,
        /// Open items without a deadline.
        pub without_deadline: u32,
        /// Open items with no recent update.
        pub stale: u32,
    }

    /// Recommendations by timeliness. The date of the claim counts.
    pub struct RecommendationTimelinessCounts {
        /// No deadline is known.
        pub no_deadline: u32,
        /// Due later.
        pub not_due: u32,
        /// Due within the number of days that the settings define as soon.
        pub due_soon: u32,
        /// The deadline has passed, and implementation is not claimed.
        pub overdue: u32,
        /// Claimed, or closed, on time.
        pub met: u32,
        /// Claimed, or closed, late.
        pub met_late: u32,
    }

    /// Recommendations by implementation status, as reported by management.
    pub struct RecommendationImplementationCounts {
        /// Nothing has been reported.
        pub open: u32,
        /// Work is under way.
        pub in_progress: u32,
        /// Some of it is done.
        pub partially_implemented: u32,
        /// Reported as implemented by management.
        pub claimed_implemented: u32,
        /// Reported as not implemented by management.
        pub not_implemented: u32,
    }

    /// Recommendations by what audit has found about management's claim.
    pub struct RecommendationVerificationCounts {
        /// No claim to verify.
        pub none: u32,
        /// A claim is waiting for verification.
        pub submitted: u32,
        /// Audit has verified the claim.
        pub verified: u32,
        /// Audit has rejected the last claim.
        pub rejected: u32,
    }

    /// Counts of a set of audit recommendations: what is claimed, what is verified and what the
    /// service computes, side by side.
    pub struct RecommendationCounts {
        /// Recommendations in the set, including closed ones.
        pub recommendations: u32,
        /// By timeliness.
        pub timeliness: RecommendationTimelinessCounts,
        /// By implementation status, as reported by management.
        pub implementation: RecommendationImplementationCounts,
        /// By verification status.
        pub verification: RecommendationVerificationCounts,
        /// Closed: verified, risk accepted, superseded, duplicate or rejected by management.
        pub closed: u32,
        /// Open ones without an owner post or unit that exists on the date.
        pub without_owner: u32,
        /// Open ones without a management response.
        pub without_response: u32,
        /// Open ones with no recent update, response, extension or verification that are not
        /// waiting for audit.
        pub stale: u32,
    }

    /// Counts of a set of actions.
    pub struct ActionCounts {
        /// Actions in the set, including closed ones.
        pub actions: u32,
        /// Still to be dealt with.
        pub open: u32,
        /// Dealt with, as declared by the secretary.
        pub closed: u32,
        /// No longer going ahead.
        pub cancelled: u32,
        /// Open ones whose due date has passed, or whose first due date has passed if they were
        /// deferred without a new date.
        pub overdue: u32,
        /// Open ones that are due soon.
        pub due_soon: u32,
        /// Open ones without a due date.
        pub without_due: u32,
        /// Open ones that were deferred at least once.
        pub deferred: u32,
        /// Closed ones with an open part.
        pub closed_with_open_part: u32,
    }

    /// Open risks by the band of their current score.
    pub struct RiskBandCounts {
        /// The lowest band.
        pub low: u32,
        /// The next band up.
        pub moderate: u32,
        /// The next band up.
        pub high: u32,
        /// The highest band.
        pub extreme: u32,
        /// Without a current score.
        pub not_scored: u32,
    }

    /// Counts of a set of risks.
    pub struct RiskCounts {
        /// Risks in the set, including closed ones.
        pub risks: u32,
        /// Those that are open.
        pub open: u32,
        /// Open ones by band.
        pub by_band: RiskBandCounts,
        /// Open ones above their appetite.
        pub above_appetite: u32,
        /// Open ones that should be escalated under the settings, and are not.
        pub escalation_due: u32,
        /// Open ones that are escalated.
        pub escalated: u32,
        /// Open ones whose review is overdue.
        pub review_overdue: u32,
        /// Open ones by RAG rating: red if an escalation is due, amber if anything else is wrong.
        pub computed_rag: ItemRagCounts,
        /// Open ones with a control that is failing because its recommendation is overdue.
        pub control_failing: u32,
        /// Open ones without an owner post or unit that exists on the date.
        pub without_owner: u32,
        /// Open ones in the highest band for which no appetite is recorded.
        pub extreme_without_appetite: u32,
    }

    /// Everything that a status view counts.
    pub struct StatusFigures {
        /// Work-plan items.
        pub items: ItemCounts,
        /// Audit recommendations.
        pub recommendations: RecommendationCounts,
        /// Actions set by boards.
        pub actions: ActionCounts,
        /// Risks.
        pub risks: RiskCounts,
    }
}

impl ItemRagCounts {
    fn add(&mut self, rag: Rag) {
        *match rag {
            Rag::Red => &mut self.red,
            Rag::Amber => &mut self.amber,
            Rag::Green => &mut self.green,
            Rag::Blue => &mut self.blue,
            Rag::Grey => &mut self.grey,
        } += 1;
    }
}

impl ItemStatusCounts {
    fn add(&mut self, status: ItemStatus) {
        *match status {
            ItemStatus::NotStarted => &mut self.not_started,
            ItemStatus::InProgress => &mut self.in_progress,
            ItemStatus::OnHold => &mut self.on_hold,
            ItemStatus::Complete => &mut self.complete,
            ItemStatus::Cancelled => &mut self.cancelled,
            ItemStatus::Superseded => &mut self.superseded,
        } += 1;
    }
}

/// An item as used by the status views.
pub struct ItemState<'a> {
    pub record: &'a Rec<WorkPlanItem>,
    pub rated: Rated,
    is_overdue: bool,
    is_stale: bool,
    is_due_soon: bool,
}

impl<'a> ItemState<'a> {
    /// Assesses an item on a date against the settings.
    pub fn new(
        record: &'a Rec<WorkPlanItem>,
        rated: Rated,
        on: NaiveDate,
        settings: &SettingSet,
    ) -> Self {
        Self {
            record,
            rated,
            is_overdue: record.due().is_overdue(on),
            is_stale: record.stale_days(on, settings.stale_after_days).is_some(),
            is_due_soon: is_due_soon(record, on, settings),
        }
    }

    /// Whether the declared and computed RAG ratings agree.
    pub fn agrees(&self) -> bool {
        self.rated.agrees(self.record.data.declared_rag)
    }
}

impl ItemCounts {
    pub(super) fn add(&mut self, item: &ItemState<'_>) {
        let data = &item.record.data;
        self.items += 1;
        self.by_status.add(data.status);
        self.declared_rag.add(data.declared_rag);
        self.computed_rag.add(item.rated.rag);
        if data.status.is_closed() {
            return;
        }
        self.disagreeing += u32::from(!item.agrees());
        self.overdue += u32::from(item.is_overdue);
        self.due_soon += u32::from(item.is_due_soon);
        self.without_lead += u32::from(data.lead_post_id.is_none());
        self.without_deadline += u32::from(data.deadline.due_on.is_none());
        self.stale += u32::from(item.is_stale);
    }
}

impl RecommendationCounts {
    pub(super) fn add(
        &mut self,
        record: &Rec<Recommendation>,
        reading: Reading<'_>,
        settings: &SettingSet,
    ) {
        use {RecommendationImplementation as I, RecommendationVerification as V};
        let (data, computed, time) = (&record.data, &record.computed, &mut self.timeliness);
        self.recommendations += 1;
        *match record.timeliness(reading.on, settings.due_soon_days).0 {
            Timeliness::NoDeadline => &mut time.no_deadline,
            Timeliness::NotDue => &mut time.not_due,
            Timeliness::DueSoon => &mut time.due_soon,
            Timeliness::Overdue => &mut time.overdue,
            Timeliness::Met => &mut time.met,
            Timeliness::MetLate => &mut time.met_late,
        } += 1;
        let done = &mut self.implementation;
        *match computed.implementation {
            I::Open => &mut done.open,
            I::InProgress => &mut done.in_progress,
            I::PartiallyImplemented => &mut done.partially_implemented,
            I::ClaimedImplemented => &mut done.claimed_implemented,
            I::NotImplemented => &mut done.not_implemented,
        } += 1;
        let found = &mut self.verification;
        *match computed.verification {
            V::None => &mut found.none,
            V::Submitted => &mut found.submitted,
            V::Verified => &mut found.verified,
            V::Rejected => &mut found.rejected,
        } += 1;
        if computed.closure != RecommendationClosureState::None {
            self.closed += 1;
            return;
        }
        let has_owner = has_owner(reading, data.owner_post_id, data.owner_unit_id);
        self.without_owner += u32::from(!has_owner);
        self.without_response += u32::from(computed.management_response.is_none());
        let stale = record.stale_days(reading, settings.stale_after_days);
        self.stale += u32::from(stale.is_some());
    }
}

impl ActionCounts {
    pub(super) fn add(&mut self, record: &Rec<Action>, on: NaiveDate, settings: &SettingSet) {
        let due = record.due();
        self.actions += 1;
        *match record.data.status {
            ActionStatus::Open => &mut self.open,
            ActionStatus::Closed => &mut self.closed,
            ActionStatus::Cancelled => &mut self.cancelled,
        } += 1;
        self.closed_with_open_part += u32::from(record.computed.closed_with_open_part);
        if due.progress != Progress::Open {
            return;
        }
        self.overdue += u32::from(due.is_overdue(on));
        // What was deferred without a date is due on its first day here.
        let counted = Deadline {
            due: When::on(due.counts_on()),
            ..due
        };
        self.due_soon += u32::from(counted.is_due_within(on, settings.due_soon_days));
        self.without_due += u32::from(due.counts_on().is_none());
        self.deferred += u32::from(record.computed.deferral_count > 0);
    }
}

impl RiskCounts {
    /// Adds a risk. What is wrong with it is known if it is open.
    pub(super) fn add(&mut self, record: &Rec<Risk>, faults: Option<RiskFaults>, on: NaiveDate) {
        let (data, computed, bands) = (&record.data, &record.computed, &mut self.by_band);
        self.risks += 1;
        let Some(faults) = faults else { return };
        self.open += 1;
        self.computed_rag.add(faults.rag());
        self.control_failing += u32::from(faults.control_failing);
        self.without_owner += u32::from(faults.without_owner);
        self.extreme_without_appetite += u32::from(faults.extreme_without_appetite);
        *match computed.current_level.map(|l| l.band) {
            Some(RiskBand::Low) => &mut bands.low,
            Some(RiskBand::Moderate) => &mut bands.moderate,
            Some(RiskBand::High) => &mut bands.high,
            Some(RiskBand::Extreme) => &mut bands.extreme,
            None => &mut bands.not_scored,
        } += 1;
        self.above_appetite += u32::from(faults.above_appetite);
        self.escalation_due += u32::from(faults.escalation_due);
        self.escalated += u32::from(computed.open_escalation_count > 0);
        self.review_overdue += u32::from(data.review().is_overdue(on));
    }
}
