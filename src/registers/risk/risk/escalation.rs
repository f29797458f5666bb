//! Escalations: a risk escalated to a board, and whether the board has acknowledged it.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::governance::{Board, BoardId};
use crate::registers::query::{Any, any, is};
use crate::registers::risk::risk::RiskStatus;
use crate::registers::risk::{Risk, RiskId, RiskRegister, RiskRegisterId};
use crate::registers::settings::in_force;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum EscalationStatus {
    /// Not yet sent to the board.
    #[default]
    Proposed,
    /// Sent to the board, but not yet acknowledged.
    Escalated,
    /// The board has confirmed that it has received it.
    Acknowledged,
    /// The board gave the risk back. Final.
    Returned,
    /// The board is no longer needed. Final.
    #[strum(message = "De-escalated")]
    DeEscalated,
}

impl EscalationStatus {
    /// Whether the risk is on its way to the board or with the board.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Proposed | Self::Escalated | Self::Acknowledged)
    }
}

/// A risk escalated to a board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Escalation {
    /// Risk that is escalated. Cannot change.
    pub risk_id: RiskId,
    /// Board it is escalated to. Cannot change.
    pub to_board_id: BoardId,
    /// Status: proposed, escalated, acknowledged. From any of these it can end as returned or
    /// de_escalated.
    #[serde(default)]
    pub status: EscalationStatus,
    /// Reason for the escalation.
    pub reason: Text<2000, 1>,
    /// Date it was proposed.
    pub proposed_on: NaiveDate,
    /// Date it was sent to the board. Required once it is escalated.
    #[serde(default)]
    pub escalated_on: Option<NaiveDate>,
    /// Date the board acknowledged it. Required once it is acknowledged.
    #[serde(default)]
    pub acknowledged_on: Option<NaiveDate>,
    /// Date it was returned or de-escalated. Required then, and not allowed before.
    #[serde(default)]
    pub closed_on: Option<NaiveDate>,
    /// Why it was returned or de-escalated, and what the board decided.
    #[serde(default)]
    pub outcome: Option<Text<2000>>,
}

/// Values computed by the service for an escalation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EscalationComputed {
    /// Whether it is neither returned nor de-escalated.
    pub is_open: bool,
    /// Whether it was sent to the board but has not been acknowledged.
    pub unacknowledged: bool,
}

/// Filters for a list of escalations.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct EscalationFilter {
    /// Only escalations of this risk.
    risk_id: Option<RiskId>,
    /// Only escalations of risks on this register.
    register_id: Option<RiskRegisterId>,
    /// Only escalations to this board.
    to_board_id: Option<BoardId>,
    /// Only escalations from registers that this board oversees.
    from_board_id: Option<BoardId>,
    /// Only escalations in these statuses.
    #[param(value_type = Option<Vec<EscalationStatus>>, inline, explode = false)]
    status: Option<Any<EscalationStatus>>,
    /// Whether it is neither returned nor de-escalated.
    open: Option<bool>,
    /// Whether it was sent to the board but has not been acknowledged.
    unacknowledged: Option<bool>,
    /// Only escalations sent to the board on or after this date.
    escalated_from: Option<NaiveDate>,
    /// Only escalations sent to the board on or before this date.
    escalated_until: Option<NaiveDate>,
}

impl Escalation {
    fn check_dates(&self, rules: &mut Rules<'_, Self>) {
        use EscalationStatus::{Acknowledged, Escalated, Proposed};
        let days = [
            ("/proposed_on", "proposed_on", Some(self.proposed_on)),
            ("/escalated_on", "escalated_on", self.escalated_on),
            ("/acknowledged_on", "acknowledged_on", self.acknowledged_on),
            ("/closed_on", "closed_on", self.closed_on),
        ];
        let mut last: Option<(&str, NaiveDate)> = None;
        for (pointer, name, day) in days {
            not_in_future(rules, pointer, day);
            if let Some((earlier, on)) = last {
                rules.in_order(Some(on), day, pointer, earlier);
            }
            last = day.map(|d| (name, d)).or(last);
        }
        let needed = "is required in this status; give the date on which it was reached";
        let early = "is not allowed because the status has not been reached; change status, or \
            leave the date out";
        let sent =
            matches!(self.status, Escalated | Acknowledged) || self.acknowledged_on.is_some();
        rules.require(
            !sent || self.escalated_on.is_some(),
            "/escalated_on",
            "required",
            needed,
        );
        let had = self.status == Acknowledged;
        rules.require(
            !had || self.acknowledged_on.is_some(),
            "/acknowledged_on",
            "required",
            needed,
        );
        let closed = !self.status.is_open();
        rules.require(
            !closed || self.closed_on.is_some(),
            "/closed_on",
            "required",
            needed,
        );
        rules.require(
            closed || self.closed_on.is_none(),
            "/closed_on",
            "not_allowed",
            early,
        );
        rules.require(
            self.status != Proposed || self.escalated_on.is_none(),
            "/escalated_on",
            "not_allowed",
            early,
        );
        rules.require(
            !matches!(self.status, Proposed | Escalated) || self.acknowledged_on.is_none(),
            "/acknowledged_on",
            "not_allowed",
            early,
        );
    }

    fn check_open(&self, rules: &mut Rules<'_, Self>) {
        if !self.status.is_open() {
            return;
        }
        let (world, own) = (rules.reading.world, rules.meta.id);
        let taken = world.pointing::<Self>(self.risk_id).any(|e| {
            e.meta.id != own && e.data.to_board_id == self.to_board_id && e.data.status.is_open()
        });
        rules.require(
            !taken,
            "/to_board_id",
            "duplicate",
            "names a board that already has an open escalation of this risk; continue that one, \
                or end it first",
        );
        let closed = world
            .get::<Risk>(self.risk_id)
            .is_some_and(|r| r.data.status == RiskStatus::Closed);
        rules.require(
            !closed,
            "/risk_id",
            "closed",
            "names a closed risk; reopen it before you escalate it",
        );
        let gone = rules.before.is_none()
            && world
                .get::<Board>(self.to_board_id)
                .is_some_and(|b| b.data.is_dissolved());
        rules.require(
            !gone,
            "/to_board_id",
            "dissolved",
            "names a dissolved board; name its successor or another board",
        );
    }
}

impl Resource for Escalation {
    const KIND: &'static str = "escalation";
    const PATH: &'static str = "escalations";
    const PREFIX: &'static str = "ESC";
    const SUBJECT: Subject = Subject::Risk;
    const ABOUT: &'static str = "Risks escalated from their register to a board, with the date of \
        each step. An escalation that the board has not acknowledged is flagged.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::EscalationAcknowledgement];
    type Computed = EscalationComputed;
    type Filter = EscalationFilter;

    fn example() -> Value {
        json!({
            "risk_id": "019abcde-0000-7000-8000-000000000001",
            "to_board_id": "019abcde-0000-7000-8000-000000000002",
            "status": "escalated",
            "reason": "Above appetite, and beyond what the project board can decide",
            "proposed_on": "2020-09-14",
            "escalated_on": "2020-09-21"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    /// Both sides may update it: the owners of the risk, and the board that acknowledges or returns
    /// it.
    fn place(&self) -> Place {
        Place::owned([self.risk_id.uuid(), self.to_board_id.uuid()]).and_within([self.risk_id])
    }
    // S31
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        use EscalationStatus::{Acknowledged, DeEscalated, Escalated, Proposed, Returned};
        let remedy = "end this escalation and record a new one";
        fixed(rules, self, "/risk_id", |e| e.risk_id, remedy);
        fixed(rules, self, "/to_board_id", |e| e.to_board_id, remedy);
        // It may start in any status, because past escalations are recorded too.
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            &[
                (Proposed, &[Escalated, Returned, DeEscalated]),
                (Escalated, &[Acknowledged, Returned, DeEscalated]),
                (Acknowledged, &[Returned, DeEscalated]),
                (Returned, &[]),
                (DeEscalated, &[]),
            ],
        );
        self.check_dates(rules);
        self.check_open(rules);
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        EscalationComputed {
            is_open: self.status.is_open(),
            unacknowledged: self.status == EscalationStatus::Escalated,
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.risk_id.uuid()]
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let progress = match record.data.status {
            EscalationStatus::Escalated => Progress::Open,
            EscalationStatus::Acknowledged => Progress::Done,
            EscalationStatus::Proposed
            | EscalationStatus::Returned
            | EscalationStatus::DeEscalated => Progress::GivenUp,
        };
        let within = in_force(reading.world).escalation.acknowledge_within_days;
        let within = chrono::Days::new(u64::try_from(within).unwrap_or(0));
        let due = record
            .data
            .escalated_on
            .and_then(|d| d.checked_add_days(within));
        let deadline = Deadline::new(progress, When::on(due));
        let date = Dated::due(CalendarEntryKind::EscalationAcknowledgement, deadline);
        vec![date.at_board(record.data.to_board_id)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let risk = reading.title_of::<Risk>(record.data.risk_id);
        risk.unwrap_or(&record.data.reason).into()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "proposed_on",
                key: |r| Key::from(Some(r.data.proposed_on)),
            },
            Sort {
                name: "escalated_on",
                key: |r| Key::from(r.data.escalated_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let register = || {
            reading
                .world
                .get::<Risk>(r.data.risk_id)
                .map(|r| r.data.register_id)
        };
        let watched_by = |board| {
            register()
                .and_then(|id| reading.world.get::<RiskRegister>(id))
                .is_some_and(|r| r.data.board_id == Some(board))
        };
        is(&f.risk_id, &r.data.risk_id)
            && (f.register_id.is_none() || register() == f.register_id)
            && is(&f.to_board_id, &r.data.to_board_id)
            && f.from_board_id.is_none_or(watched_by)
            && any(&f.status, &r.data.status)
            && asked(f.open, || r.computed.is_open)
            && asked(f.unacknowledged, || r.computed.unacknowledged)
            && in_window(r.data.escalated_on, (f.escalated_from, f.escalated_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.risk_id.map(Uuid::from).or(f.to_board_id.map(Uuid::from))
    }
}
