//! Risk registers: of projects, plans, business groups and the organisation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::governance::BoardId;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::PlanId;
use crate::registers::query::{Any, any, is_some};
use crate::world::id::either;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Sort, Text};

/// What the register covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskRegisterKind {
    /// One project or programme.
    Project,
    /// The delivery of one plan.
    Plan,
    /// One unit below a business group.
    Unit,
    /// One business group.
    BusinessGroup,
    /// The whole organisation.
    Corporate,
}

/// Id of a risk register.
pub type RiskRegisterId = Id<RiskRegister>;

/// A risk register.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RiskRegister {
    /// Title.
    pub title: Text<200, 1>,
    /// What it covers.
    pub register_kind: RiskRegisterKind,
    /// What it is for and how it is maintained.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Unit that owns it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Board that oversees it.
    #[serde(default)]
    pub board_id: Option<BoardId>,
    /// The plan whose delivery it covers.
    #[serde(default)]
    pub plan_id: Option<PlanId>,
}

/// Filters for a list of risk registers.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RiskRegisterFilter {
    /// Only registers of these kinds.
    #[param(value_type = Option<Vec<RiskRegisterKind>>, inline, explode = false)]
    register_kind: Option<Any<RiskRegisterKind>>,
    /// Only registers owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only registers owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only registers owned by this post.
    owner_post_id: Option<PostId>,
    /// Only registers that this board oversees.
    board_id: Option<BoardId>,
    /// Only registers of this plan.
    plan_id: Option<PlanId>,
}

impl Resource for RiskRegister {
    const KIND: &'static str = "risk_register";
    const PATH: &'static str = "risk-registers";
    const PREFIX: &'static str = "RRG";
    const SUBJECT: Subject = Subject::Risk;
    const ABOUT: &'static str = "Risk registers of projects, plans, business groups and the whole \
        organisation, each with its owner and the board that oversees it.";
    type Computed = NothingComputed;
    type Filter = RiskRegisterFilter;

    fn example() -> Value {
        json!({
            "reference": "CPIE-RISKS",
            "title": "CPIE risk register",
            "register_kind": "business_group",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "board_id": "019abcde-0000-7000-8000-000000000002"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(either(self.owner_unit_id, self.board_id))
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        any(&f.register_kind, &r.data.register_kind)
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && f.unit_below.is_none_or(|top| {
                r.data
                    .owner_unit_id
                    .is_some_and(|u| reading.world.is_in_scope(u, top))
            })
            && is_some(&f.owner_post_id, &r.data.owner_post_id)
            && is_some(&f.board_id, &r.data.board_id)
            && is_some(&f.plan_id, &r.data.plan_id)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.plan_id.map(Uuid::from))
            .or(f.owner_unit_id.map(Uuid::from))
            .or(f.owner_post_id.map(Uuid::from))
    }
}
