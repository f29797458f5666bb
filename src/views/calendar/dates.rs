//! All dates that are still to come, have been missed, or are past, each with its day and its
//! state.
//!
//! Things that simply happened (a response, a verification, an approval) are history and are not
//! included.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::assurance::{Recommendation, Timeliness};
use crate::registers::checks::{overlap, runs_on};
use crate::registers::communications::{
    ActivityState, ActivityStatus, AssetStatus, CommunicationsActivity, CommunicationsPlan,
    IntranetAsset, runs,
};
use crate::registers::gaps::GapWaiver;
use crate::registers::governance::{Board, Membership, Remit, TermsOfReference, TermsStatus};
use crate::registers::meetings::{
    Action, ActionDeferral, ActionPart, ActionPartStatus, ActionStatus, Meeting, MeetingStatus,
};
use crate::registers::organisation::{Post, Unit};
use crate::registers::oversight::{
    OccurrenceState, ReportObligation, ReportSubmission, occurrences,
};
use crate::registers::performance::{Dashboard, Measure, MeasureTarget};
use crate::registers::plan::{Dependency, DependencyStatus, ItemStatus, WorkPlanItem};
use crate::registers::representation::{
    Invitation, Rotation, RotationPolicy, RotationState, holds_for, speaks_for,
};
use crate::registers::risk::{Escalation, EscalationStatus, Risk, RiskStatus};
use crate::registers::settings::in_force;
use crate::registers::strategy::{
    Goal, Strategy, StrategyReview, StrategyReviewStatus, StrategyStatus,
};
use crate::views::RecordName;
use crate::world::date::{PlannedDate, Precision};
use crate::world::visible::VisibleWorld;
use crate::world::{Meta, Rec, Resource};

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
    /// Every kind.
    pub const ALL: [CalendarEntryKind; 22] = [
        Self::ItemStart,
        Self::ItemDeadline,
        Self::DependencyNeeded,
        Self::RecommendationDeadline,
        Self::ActionDue,
        Self::ActionPartDue,
        Self::Meeting,
        Self::ReportDue,
        Self::Communications,
        Self::AssetReview,
        Self::TermsReview,
        Self::StrategyReview,
        Self::StrategyExpected,
        Self::RiskReview,
        Self::EscalationAcknowledgement,
        Self::RotationDue,
        Self::MembershipEnd,
        Self::InvitationEnd,
        Self::RemitEnd,
        Self::DashboardPromised,
        Self::MeasureTargetEnd,
        Self::WaiverEnd,
    ];

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

/// State of a calendar entry on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CalendarEntryState {
    /// Still to come.
    Upcoming,
    /// In progress.
    Running,
    /// It should have been done or taken place, but was not.
    Overdue,
    /// It was done or held, or nothing more has to be done.
    Done,
    /// Over, with nothing that had to be done.
    Passed,
    /// It is no longer going ahead, or nothing is due any more.
    Cancelled,
}

/// A calendar entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CalendarEntry {
    /// Identifier that does not change when the date moves: the record's id and the kind of date,
    /// and the date too if it recurs. The UID in iCalendar.
    #[schema(max_length = 120)]
    pub uid: String,
    /// Kind of date.
    pub date_kind: CalendarEntryKind,
    /// Record the date comes from.
    pub record: RecordName,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day, included. Something due in a month is due on the last day of that month.
    pub ends_on: NaiveDate,
    /// Precision of the date.
    pub precision: Precision,
    /// The source's own words for the date, if recorded.
    #[schema(max_length = 100)]
    pub source_text: Option<String>,
    /// State on the day.
    pub state: CalendarEntryState,
    /// Whether it was deferred without a date and is shown on the day it was first due.
    pub is_first_date: bool,
    /// Board it concerns, if there is one.
    pub board_id: Option<Uuid>,
    /// Version of the record.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When the record was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which calendar entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// First and last day. An entry is included if any of its days is between them.
    pub window: (NaiveDate, NaiveDate),
    /// Only these kinds. If empty, all kinds.
    pub kinds: Vec<CalendarEntryKind>,
    /// Only entries owned by this unit or a unit below it.
    pub unit: Option<Uuid>,
    /// Only entries that belong to this board or concern it.
    pub board: Option<Uuid>,
}

/// When a calendar entry takes place.
struct When {
    first: NaiveDate,
    last: NaiveDate,
    precision: Precision,
    words: Option<String>,
    is_first_date: bool,
}

impl When {
    fn on(day: NaiveDate) -> Self {
        Self {
            first: day,
            last: day,
            precision: Precision::Day,
            words: None,
            is_first_date: false,
        }
    }

    /// The last day of a planned date.
    fn due(date: &PlannedDate) -> Option<Self> {
        Some(Self {
            precision: date.precision,
            words: date.source_text.clone(),
            ..Self::on(date.due_on?)
        })
    }

    /// The date itself or, if it was deferred without a date, the day on which it was first due.
    fn due_or_first(date: &PlannedDate, first_due_on: Option<NaiveDate>) -> Option<Self> {
        Self::due(date).or_else(|| {
            Some(Self {
                is_first_date: true,
                ..Self::on(first_due_on?)
            })
        })
    }
}

/// Collects the entries that are wanted.
struct Gather<'a> {
    seen: &'a VisibleWorld,
    on: NaiveDate,
    wanted: &'a Wanted,
    found: Vec<CalendarEntry>,
}

/// Returns every entry that is wanted, by first day, kind and reference.
pub fn gather(seen: &VisibleWorld, on: NaiveDate, wanted: &Wanted) -> Vec<CalendarEntry> {
    let mut all = Gather {
        seen,
        on,
        wanted,
        found: Vec::new(),
    };
    all.plan();
    all.assurance_and_risk();
    all.meetings();
    all.boards();
    all.strategy();
    all.oversight_and_communications();
    all.waivers();
    let mut found = all.found;
    found.sort_by(|a, b| {
        let key = |d: &CalendarEntry| (d.starts_on, d.ends_on, d.date_kind);
        key(a)
            .cmp(&key(b))
            .then_with(|| (&a.record.reference, &a.uid).cmp(&(&b.record.reference, &b.uid)))
    });
    found
}

impl Gather<'_> {
    fn wants(&self, kind: CalendarEntryKind) -> bool {
        self.wanted.kinds.is_empty() || self.wanted.kinds.contains(&kind)
    }

    /// Upcoming until its day has passed, then overdue.
    fn due(&self, when: &When) -> CalendarEntryState {
        if when.last < self.on {
            CalendarEntryState::Overdue
        } else {
            CalendarEntryState::Upcoming
        }
    }

    /// Upcoming until its day has passed, then over.
    fn ends(&self, when: &When) -> CalendarEntryState {
        if when.last < self.on {
            CalendarEntryState::Passed
        } else {
            CalendarEntryState::Upcoming
        }
    }

    fn add<R: Resource>(
        &mut self,
        kind: CalendarEntryKind,
        of: &Rec<R>,
        name: &str,
        when: Option<When>,
        board: Option<Uuid>,
        state: CalendarEntryState,
    ) {
        self.add_as(kind, of, "", name, when, board, state);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "these are the parts of a calendar entry"
    )]
    fn add_as<R: Resource>(
        &mut self,
        kind: CalendarEntryKind,
        of: &Rec<R>,
        which: &str,
        name: &str,
        when: Option<When>,
        board: Option<Uuid>,
        state: CalendarEntryState,
    ) {
        let Some(when) = when.filter(|_| self.wants(kind)) else {
            return;
        };
        let (from, until) = self.wanted.window;
        if !overlap(
            (Some(from), Some(until)),
            (Some(when.first), Some(when.last)),
        ) || !self.concerns(&of.meta, board)
        {
            return;
        }
        self.found.push(CalendarEntry {
            uid: format!(
                "{}.{}{which}@stride",
                of.meta.id,
                crate::world::record::word(&kind)
            ),
            date_kind: kind,
            record: RecordName {
                kind: R::KIND.to_owned(),
                id: of.meta.id,
                reference: of.meta.reference.clone(),
                title: name.chars().take(300).collect(),
            },
            starts_on: when.first,
            ends_on: when.last,
            precision: when.precision,
            source_text: when.words,
            state,
            is_first_date: when.is_first_date,
            board_id: board.filter(|b| self.seen.may_see(*b)),
            version: of.meta.version,
            updated_at: of.meta.updated_at,
        });
    }

    fn concerns(&self, meta: &Meta, board: Option<Uuid>) -> bool {
        let world = self.seen.reading(self.on).world;
        self.wanted
            .unit
            .is_none_or(|u| world.is_in_scope(meta.id, u))
            && self
                .wanted
                .board
                .is_none_or(|b| board == Some(b) || world.is_in_scope(meta.id, b))
    }

    fn plan(&mut self) {
        let seen = self.seen;
        for item in seen.live::<WorkPlanItem>() {
            let (data, title) = (&item.data, item.data.title.as_str());
            let begins = data.start.from_on.or(data.start.due_on).map(|day| When {
                precision: data.start.precision,
                words: data.start.source_text.clone(),
                ..When::on(day)
            });
            let gone = matches!(data.status, ItemStatus::Cancelled | ItemStatus::Superseded);
            let state = match &begins {
                _ if gone => CalendarEntryState::Cancelled,
                Some(when) if data.status == ItemStatus::NotStarted => self.due(when),
                _ => CalendarEntryState::Done,
            };
            self.add(
                CalendarEntryKind::ItemStart,
                item,
                title,
                begins,
                None,
                state,
            );
            let due = When::due_or_first(&data.deadline, item.due_on());
            let state = match &due {
                _ if gone => CalendarEntryState::Cancelled,
                Some(when) if data.status != ItemStatus::Complete => self.due(when),
                _ => CalendarEntryState::Done,
            };
            self.add(
                CalendarEntryKind::ItemDeadline,
                item,
                title,
                due,
                None,
                state,
            );
        }
        for dependency in seen.live::<Dependency>() {
            let Some(due) = When::due(&dependency.data.needed_by) else {
                continue;
            };
            let state = match dependency.data.status {
                DependencyStatus::Open => self.due(&due),
                DependencyStatus::Met => CalendarEntryState::Done,
                DependencyStatus::Dropped => CalendarEntryState::Cancelled,
            };
            let item = seen
                .get::<WorkPlanItem>(dependency.data.item_id)
                .map_or("", |i| i.data.title.as_str());
            let what = dependency
                .data
                .on_other
                .as_deref()
                .or(dependency.data.description.as_deref());
            let name = what.map_or_else(
                || format!("for {item}"),
                |what| format!("{what}, for {item}"),
            );
            self.add(
                CalendarEntryKind::DependencyNeeded,
                dependency,
                &name,
                Some(due),
                None,
                state,
            );
        }
    }

    fn assurance_and_risk(&mut self) {
        let seen = self.seen;
        for r in seen.live::<Recommendation>() {
            let (timeliness, days) = r.timeliness(self.on, 0);
            let state = match timeliness {
                Timeliness::Met | Timeliness::MetLate => CalendarEntryState::Done,
                Timeliness::Overdue => CalendarEntryState::Overdue,
                // Closed without being implemented, so nothing is due any more.
                Timeliness::NotDue if days.is_none() => CalendarEntryState::Cancelled,
                _ => CalendarEntryState::Upcoming,
            };
            self.add(
                CalendarEntryKind::RecommendationDeadline,
                r,
                &r.data.title,
                When::due(&r.data.deadline),
                None,
                state,
            );
        }
        for risk in seen
            .live::<Risk>()
            .filter(|r| r.data.status == RiskStatus::Open)
        {
            let Some(due) = risk.data.review_on.map(When::on) else {
                continue;
            };
            let state = self.due(&due);
            self.add(
                CalendarEntryKind::RiskReview,
                risk,
                &risk.data.title,
                Some(due),
                None,
                state,
            );
        }
        let within = in_force(seen.reading(self.on).world)
            .escalation
            .acknowledge_within_days;
        let within = Days::new(u64::try_from(within).unwrap_or(0));
        for e in seen.live::<Escalation>() {
            let due = e
                .data
                .escalated_on
                .and_then(|d| d.checked_add_days(within))
                .map(When::on);
            let state = match (e.data.status, &due) {
                (EscalationStatus::Escalated, Some(due)) => self.due(due),
                (EscalationStatus::Acknowledged, _) => CalendarEntryState::Done,
                _ => CalendarEntryState::Cancelled,
            };
            let risk = seen
                .get::<Risk>(e.data.risk_id)
                .map_or(e.data.reason.as_str(), |r| r.data.title.as_str());
            self.add(
                CalendarEntryKind::EscalationAcknowledgement,
                e,
                risk,
                due,
                Some(e.data.to_board_id.uuid()),
                state,
            );
        }
    }

    fn meetings(&mut self) {
        let seen = self.seen;
        for meeting in seen.live::<Meeting>() {
            let when = match meeting.data.held_on {
                Some(day) => Some(When::on(day)),
                None => When::due(&meeting.data.scheduled),
            };
            let state = match (meeting.data.status, &when) {
                (MeetingStatus::Cancelled, _) => CalendarEntryState::Cancelled,
                (MeetingStatus::Scheduled, Some(when)) => self.due(when),
                _ => CalendarEntryState::Done,
            };
            self.add(
                CalendarEntryKind::Meeting,
                meeting,
                &meeting.data.title,
                when,
                Some(meeting.data.board_id.uuid()),
                state,
            );
        }
        for action in seen.live::<Action>() {
            let due = action.computed.due_on.map(|day| When {
                // If a meeting is the target, the date is that of the meeting.
                precision: if action.data.due.due_on.is_some() {
                    action.data.due.precision
                } else {
                    Precision::Day
                },
                words: action.data.due.source_text.clone(),
                ..When::on(day)
            });
            let due =
                due.or_else(|| When::due_or_first(&PlannedDate::default(), action.overdue_after()));
            let state = match (action.data.status, &due) {
                (ActionStatus::Cancelled, _) => CalendarEntryState::Cancelled,
                (ActionStatus::Open, Some(when)) => self.due(when),
                _ => CalendarEntryState::Done,
            };
            self.add(
                CalendarEntryKind::ActionDue,
                action,
                &action.data.text,
                due,
                action.computed.board_id,
                state,
            );
            if self.wants(CalendarEntryKind::ActionPartDue) {
                self.parts(action);
            }
        }
    }

    /// The parts of an action that were deferred separately since the action as a whole was last
    /// deferred.
    fn parts(&mut self, action: &Rec<Action>) {
        let seen = self.seen;
        let mut last: BTreeMap<Option<Uuid>, &Rec<ActionDeferral>> = BTreeMap::new();
        let place = |d: &Rec<ActionDeferral>| (d.data.decided_on, d.meta.created_at, d.meta.id);
        for deferral in seen.pointing::<ActionDeferral>(action.meta.id) {
            let known = last
                .entry(deferral.data.part_id.map(Into::into))
                .or_insert(deferral);
            if place(deferral) > place(known) {
                *known = deferral;
            }
        }
        let whole = last.get(&None).map(|d| place(d));
        for part in seen
            .pointing::<ActionPart>(action.meta.id)
            .filter(|p| p.data.action_id == action.meta.id)
        {
            let own = last
                .get(&Some(part.meta.id))
                .filter(|d| whole.is_none_or(|w| place(d) > w));
            let Some(deferral) = own else { continue };
            let at_meeting = || {
                seen.get::<Meeting>(deferral.data.to_meeting_id?)?
                    .computed
                    .meeting_on
                    .map(When::on)
            };
            let Some(due) = When::due(&deferral.data.to).or_else(at_meeting) else {
                continue;
            };
            let state = match part.data.status {
                ActionPartStatus::Dropped => CalendarEntryState::Cancelled,
                status if status.is_open() && action.data.status == ActionStatus::Open => {
                    self.due(&due)
                }
                _ => CalendarEntryState::Done,
            };
            let name = format!("{}: {}", part.data.label, part.data.text);
            self.add(
                CalendarEntryKind::ActionPartDue,
                part,
                &name,
                Some(due),
                action.computed.board_id,
                state,
            );
        }
    }

    fn boards(&mut self) {
        let seen = self.seen;
        let board_name = |id: Uuid| seen.get::<Board>(id).map_or("", |b| b.data.title.as_str());
        for terms in seen.live::<TermsOfReference>() {
            let Some(due) = terms.data.review_on.map(When::on) else {
                continue;
            };
            let state = match terms.data.status {
                TermsStatus::Superseded => CalendarEntryState::Done,
                _ => self.due(&due),
            };
            let (label, board) = (&terms.data.version_label, terms.data.board_id);
            let name = format!("{}, {label}", board_name(board.uuid()));
            self.add(
                CalendarEntryKind::TermsReview,
                terms,
                &name,
                Some(due),
                Some(board.uuid()),
                state,
            );
        }
        let holder = |m: &Membership| {
            let post = m
                .post_id
                .and_then(|p| seen.get::<Post>(p))
                .map(|p| p.data.title.as_str());
            let unit = || {
                m.unit_id
                    .and_then(|u| seen.get::<Unit>(u))
                    .map(|u| u.data.title.as_str())
            };
            post.or_else(unit).unwrap_or("a member").to_owned()
        };
        let of_board = |m: &Membership| format!("{}, {}", holder(m), board_name(m.board_id.uuid()));
        for member in seen.live::<Membership>() {
            let Some(ends) = member.data.term_until_on.map(When::on) else {
                continue;
            };
            let state = self.ends(&ends);
            let board = Some(member.data.board_id);
            self.add(
                CalendarEntryKind::MembershipEnd,
                member,
                &of_board(&member.data),
                Some(ends),
                board.map(Into::into),
                state,
            );
        }
        for invitation in seen.live::<Invitation>() {
            let Some(ends) = invitation.data.until_on.map(When::on) else {
                continue;
            };
            let state = self.ends(&ends);
            let board = invitation.data.board_id;
            self.add(
                CalendarEntryKind::InvitationEnd,
                invitation,
                board_name(board.uuid()),
                Some(ends),
                Some(board.uuid()),
                state,
            );
        }
        for remit in seen.live::<Remit>() {
            let Some(ends) = remit.data.until_on.map(When::on) else {
                continue;
            };
            let state = self.ends(&ends);
            let goal = seen
                .get::<Goal>(remit.data.goal_id)
                .map_or("", |g| g.data.title.as_str());
            let name = format!("{goal}, {}", board_name(remit.data.board_id.uuid()));
            self.add(
                CalendarEntryKind::RemitEnd,
                remit,
                &name,
                Some(ends),
                Some(remit.data.board_id.uuid()),
                state,
            );
        }
        if self.wants(CalendarEntryKind::RotationDue) {
            for (seat, rotation) in rotations(seen, self.on) {
                let state = match rotation.state {
                    RotationState::Overdue => CalendarEntryState::Overdue,
                    _ => CalendarEntryState::Upcoming,
                };
                let (name, due) = (of_board(&seat.data), rotation.due_on.map(When::on));
                self.add(
                    CalendarEntryKind::RotationDue,
                    seat,
                    &name,
                    due,
                    Some(seat.data.board_id.uuid()),
                    state,
                );
            }
        }
    }

    fn strategy(&mut self) {
        let seen = self.seen;
        for strategy in seen.live::<Strategy>() {
            let Some(due) = When::due(&strategy.data.expected_date) else {
                continue;
            };
            let state = match strategy.data.status {
                StrategyStatus::Planned => self.due(&due),
                StrategyStatus::Current => CalendarEntryState::Done,
                StrategyStatus::Ended => CalendarEntryState::Cancelled,
            };
            self.add(
                CalendarEntryKind::StrategyExpected,
                strategy,
                &strategy.data.title,
                Some(due),
                None,
                state,
            );
        }
        for review in seen.live::<StrategyReview>() {
            let Some(due) = When::due(&review.data.target) else {
                continue;
            };
            let state = match review.data.status {
                StrategyReviewStatus::Completed => CalendarEntryState::Done,
                StrategyReviewStatus::Cancelled => CalendarEntryState::Cancelled,
                _ => self.due(&due),
            };
            let strategy = seen
                .get::<Strategy>(review.data.strategy_id)
                .map_or("", |s| s.data.title.as_str());
            self.add(
                CalendarEntryKind::StrategyReview,
                review,
                strategy,
                Some(due),
                None,
                state,
            );
        }
        for dashboard in seen.live::<Dashboard>() {
            let Some(due) = dashboard.computed.due_on.map(When::on) else {
                continue;
            };
            let published = dashboard
                .computed
                .first_published_on
                .is_some_and(|d| d <= self.on);
            let state = if published {
                CalendarEntryState::Done
            } else {
                self.due(&due)
            };
            let promise = dashboard
                .data
                .promised
                .iter()
                .rev()
                .find(|p| p.due.due_on == Some(due.last));
            let due = promise.and_then(|p| When::due(&p.due)).unwrap_or(due);
            self.add(
                CalendarEntryKind::DashboardPromised,
                dashboard,
                &dashboard.data.title,
                Some(due),
                dashboard.data.board_id.map(Into::into),
                state,
            );
        }
        for target in seen.live::<MeasureTarget>() {
            let ends = When::on(target.data.period.until_on);
            let state = self.ends(&ends);
            let measure = seen
                .get::<Measure>(target.data.measure_id)
                .map_or("", |m| m.data.title.as_str());
            self.add(
                CalendarEntryKind::MeasureTargetEnd,
                target,
                measure,
                Some(ends),
                None,
                state,
            );
        }
    }

    fn waivers(&mut self) {
        let seen = self.seen;
        for waiver in seen.live::<GapWaiver>() {
            let ends = When::on(waiver.data.expires_on);
            let state = self.ends(&ends);
            let on = seen
                .any(waiver.data.record_id)
                .map_or("", |r| r.meta().reference.as_str());
            let name = format!("{}, {on}", waiver.data.rule.replace('_', " "));
            self.add(
                CalendarEntryKind::WaiverEnd,
                waiver,
                &name,
                Some(ends),
                None,
                state,
            );
        }
    }

    fn oversight_and_communications(&mut self) {
        let seen = self.seen;
        let (from, until) = self.wanted.window;
        if self.wants(CalendarEntryKind::ReportDue) {
            for obligation in seen.live::<ReportObligation>() {
                let submissions: Vec<&Rec<ReportSubmission>> =
                    seen.pointing(obligation.meta.id).collect();
                let (title, board) = (&obligation.data.title, obligation.data.to_board_id);
                for o in occurrences(&obligation.data, &submissions, self.on) {
                    let state = match o.state {
                        OccurrenceState::Expected => CalendarEntryState::Upcoming,
                        OccurrenceState::Met | OccurrenceState::Late => CalendarEntryState::Done,
                        OccurrenceState::Missed => CalendarEntryState::Overdue,
                    };
                    let (which, when) = (format!(".{}", o.due_on), Some(When::on(o.due_on)));
                    self.add_as(
                        CalendarEntryKind::ReportDue,
                        obligation,
                        &which,
                        title,
                        when,
                        board.map(Into::into),
                        state,
                    );
                }
            }
        }
        // Activities of a withdrawn plan are left out too.
        let is_live = |plan: Uuid| {
            seen.get::<CommunicationsPlan>(plan)
                .is_none_or(Rec::is_live)
        };
        let wants_runs = self.wants(CalendarEntryKind::Communications);
        for activity in seen
            .live::<CommunicationsActivity>()
            .filter(|a| wants_runs && is_live(a.data.plan_id.uuid()))
        {
            for run in runs(&activity.data, (Some(from), Some(until))) {
                let state = match run.state(self.on) {
                    _ if activity.data.status == ActivityStatus::Cancelled => {
                        CalendarEntryState::Cancelled
                    }
                    ActivityState::Due => CalendarEntryState::Upcoming,
                    ActivityState::Running => CalendarEntryState::Running,
                    ActivityState::Ended | ActivityState::Cancelled => CalendarEntryState::Passed,
                };
                let which = match activity.data.recurrence {
                    Some(_) => format!(".{}", run.starts_on),
                    None => String::new(),
                };
                let when = When {
                    last: run.ends_on,
                    ..When::on(run.starts_on)
                };
                self.add_as(
                    CalendarEntryKind::Communications,
                    activity,
                    &which,
                    &activity.data.title,
                    Some(when),
                    None,
                    state,
                );
            }
        }
        for asset in seen
            .live::<IntranetAsset>()
            .filter(|a| a.data.status != AssetStatus::Retired)
        {
            let Some(due) = asset.data.review_due_on.map(When::on) else {
                continue;
            };
            let state = self.due(&due);
            self.add(
                CalendarEntryKind::AssetReview,
                asset,
                &asset.data.title,
                Some(due),
                None,
                state,
            );
        }
    }
}

/// The seats that a rotation policy covers on the day, each once. None is due soon, because a
/// calendar shows that by its date. A policy that names the unit takes precedence over one for all
/// units of its kind.
fn rotations(seen: &VisibleWorld, on: NaiveDate) -> Vec<(&Rec<Membership>, Rotation)> {
    let mut policies: Vec<&Rec<RotationPolicy>> = seen
        .live::<RotationPolicy>()
        .filter(|p| runs_on(p.data.days(), on))
        .collect();
    policies.sort_by_key(|p| (p.data.constituency_kind.is_some(), p.meta.id));
    let mut found: BTreeMap<Uuid, (&Rec<Membership>, Rotation)> = BTreeMap::new();
    for policy in policies {
        let members: Vec<&Rec<Membership>> =
            seen.pointing::<Membership>(policy.data.board_id).collect();
        let terms: Vec<&Membership> = members.iter().map(|m| &m.data).collect();
        for seat in members.into_iter().filter(|m| runs_on(m.data.term(), on)) {
            let of_post = |post| seen.get::<Post>(post).map(|p| p.data.unit_id);
            let unit = speaks_for(&seat.data, of_post).and_then(|id| seen.get::<Unit>(id));
            if holds_for(&policy.data, &seat.data, unit) {
                found.entry(seat.meta.id).or_insert_with(|| {
                    (
                        seat,
                        Rotation::of(&policy.data, &seat.data, &terms, (on, 0)),
                    )
                });
            }
        }
    }
    found.into_values().collect()
}
