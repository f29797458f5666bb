//! The filters for lists of risks.

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::registers::checks::{asked, in_window};
use crate::registers::governance::BoardId;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::{PlanId, WorkPlanItemId};
use crate::registers::query::{Any, any, any_some, is, is_some};
use crate::registers::risk::parts::{RiskAppetite, RiskBand};
use crate::registers::risk::risk::{RiskCategory, RiskResponse, RiskStatus};
use crate::registers::risk::score::RiskLevel;
use crate::registers::risk::{Escalation, Risk, RiskRegister, RiskRegisterId};
use crate::registers::strategy::GoalId;
use crate::world::{Reading, Rec, World};

/// Filters for a list of risks.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RiskFilter {
    /// Only risks on this register.
    register_id: Option<RiskRegisterId>,
    /// Only risks on registers that this board oversees.
    board_id: Option<BoardId>,
    /// Only risks on registers of this plan.
    plan_id: Option<PlanId>,
    /// Only risks with an open escalation to this board.
    escalated_to: Option<BoardId>,
    /// Whether the risk has an open escalation.
    escalated: Option<bool>,
    /// Only risks in these statuses.
    #[param(value_type = Option<Vec<RiskStatus>>, inline, explode = false)]
    status: Option<Any<RiskStatus>>,
    /// Only risks in these categories.
    #[param(value_type = Option<Vec<RiskCategory>>, inline, explode = false)]
    category: Option<Any<RiskCategory>>,
    /// Only risks with these appetites.
    #[param(value_type = Option<Vec<RiskAppetite>>, inline, explode = false)]
    appetite: Option<Any<RiskAppetite>>,
    /// Only risks with these responses.
    #[param(value_type = Option<Vec<RiskResponse>>, inline, explode = false)]
    response: Option<Any<RiskResponse>>,
    /// Only risks whose inherent score is in these bands.
    #[param(value_type = Option<Vec<RiskBand>>, inline, explode = false)]
    inherent_band: Option<Any<RiskBand>>,
    /// Only risks whose current score is in these bands.
    #[param(value_type = Option<Vec<RiskBand>>, inline, explode = false)]
    current_band: Option<Any<RiskBand>>,
    /// Only risks whose current score has at least this product.
    #[param(minimum = 1, maximum = 25)]
    current_from: Option<u8>,
    /// Whether the current score exceeds the target.
    above_target: Option<bool>,
    /// Whether the current score is above the risk's appetite.
    above_appetite: Option<bool>,
    /// Whether the settings in force require it to be escalated and no escalation is open.
    escalation_due: Option<bool>,
    /// Whether the risk has any controls.
    has_controls: Option<bool>,
    /// Only risks owned by this post.
    owner_post_id: Option<PostId>,
    /// Only risks owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only risks that this unit or a unit below it is responsible for: as the owner, as the unit
    /// of the owner post or, if a risk has no owner, as the owner of its register.
    unit_below: Option<UnitId>,
    /// Only risks that threaten this goal.
    goal_id: Option<GoalId>,
    /// Only risks that threaten this work-plan item.
    item_id: Option<WorkPlanItemId>,
    /// Only risks due for review on or after this date.
    due_from: Option<NaiveDate>,
    /// Only risks due for review on or before this date.
    due_until: Option<NaiveDate>,
    /// Whether the risk is open and past its review date.
    overdue: Option<bool>,
}

impl RiskFilter {
    pub(in crate::registers::risk) fn pivot(&self) -> Option<Uuid> {
        self.register_id
            .map(Uuid::from)
            .or(self.item_id.map(Uuid::from))
            .or(self.goal_id.map(Uuid::from))
            .or(self.owner_post_id.map(Uuid::from))
            .or(self.owner_unit_id.map(Uuid::from))
    }

    pub(in crate::registers::risk) fn lets_through(
        &self,
        r: &Rec<Risk>,
        reading: Reading<'_>,
    ) -> bool {
        self.by_belonging(r, reading)
            && self.by_state(r, reading)
            && self.by_score(r)
            && self.by_escalation(r, reading.world)
    }

    fn by_belonging(&self, r: &Rec<Risk>, reading: Reading<'_>) -> bool {
        let (risk, world) = (&r.data, reading.world);
        let register = || world.get::<RiskRegister>(risk.register_id).map(|r| &r.data);
        is(&self.register_id, &risk.register_id)
            && is_some(&self.owner_post_id, &risk.owner_post_id)
            && is_some(&self.owner_unit_id, &risk.owner_unit_id)
            && self.goal_id.is_none_or(|g| risk.goal_ids.contains(&g))
            && self.item_id.is_none_or(|i| risk.item_ids.contains(&i))
            && (self.board_id.is_none() || register().is_some_and(|r| r.board_id == self.board_id))
            && (self.plan_id.is_none() || register().is_some_and(|r| r.plan_id == self.plan_id))
            && self.unit_below.is_none_or(|top| {
                r.unit_responsible(reading)
                    .is_some_and(|u| world.is_in_scope(u, top))
            })
    }

    fn by_state(&self, r: &Rec<Risk>, reading: Reading<'_>) -> bool {
        let risk = &r.data;
        any(&self.status, &risk.status)
            && any_some(&self.category, risk.category)
            && any_some(&self.appetite, risk.appetite)
            && any_some(&self.response, risk.response)
            && in_window(risk.review_on, (self.due_from, self.due_until))
            && asked(self.overdue, || risk.review().is_overdue(reading.on))
            && asked(self.has_controls, || r.computed.control_count > 0)
    }

    fn by_score(&self, r: &Rec<Risk>) -> bool {
        let band = |level: Option<RiskLevel>| level.map(|l| l.band);
        let product = |level: Option<RiskLevel>| level.map(|l| l.product);
        let c = &r.computed;
        let above = || matches!((product(c.current_level), product(c.target_level)), (Some(is), Some(to)) if is > to);
        any_some(&self.inherent_band, band(c.inherent_level))
            && any_some(&self.current_band, band(c.current_level))
            && self
                .current_from
                .is_none_or(|least| product(c.current_level).is_some_and(|p| p >= least))
            && asked(self.above_target, above)
            && asked(self.above_appetite, || c.above_appetite == Some(true))
            && asked(self.escalation_due, || c.escalation_due)
    }

    fn by_escalation(&self, r: &Rec<Risk>, world: &World) -> bool {
        let to = |board: BoardId| {
            world
                .pointing::<Escalation>(r.meta.id)
                .any(|e| e.data.to_board_id == board && e.data.status.is_open())
        };
        asked(self.escalated, || r.computed.open_escalation_count > 0)
            && self.escalated_to.is_none_or(to)
    }
}
