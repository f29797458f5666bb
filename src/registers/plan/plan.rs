//! Plans: a delivery plan belongs to one version of a strategy, and a refresh is a new plan.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is_some};
use crate::registers::strategy::{StrategyId, StrategyVersion, StrategyVersionId};
use crate::world::dates::{Deadline, Progress, When};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};
use chrono::NaiveDate;

/// Status of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PlanStatus {
    /// Being written.
    #[default]
    Draft,
    /// Being worked to.
    Active,
    /// Finished, or replaced by its refresh.
    Closed,
}

/// What a plan's owner says about its completeness. This is a claim; what is actually missing is
/// reported as gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PlanCompleteness {
    /// The owner has not said whether the plan is complete.
    #[default]
    NotStated,
    /// Parts are still missing.
    Partial,
    /// Said to contain all activity that serves the strategy.
    Complete,
}

/// Id of a plan.
pub type PlanId = Id<Plan>;

/// A delivery plan.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// Title.
    pub title: Text<200, 1>,
    /// The version of the strategy that it delivers. A plan without one is a gap.
    #[serde(default)]
    pub strategy_version_id: Option<StrategyVersionId>,
    /// Unit that owns it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// The plan that it refreshes. Its items are carried forward one by one.
    #[serde(default)]
    pub predecessor_id: Option<PlanId>,
    /// Current status.
    #[serde(default)]
    pub status: PlanStatus,
    /// What it is about.
    #[serde(default)]
    pub description: Option<Text<4000>>,
    /// What its owner says about its completeness.
    #[serde(default)]
    pub completeness_claim: PlanCompleteness,
    /// Where the statement about completeness is made, and in which words.
    #[serde(default)]
    pub completeness_source: Option<Text<500>>,
}

/// Filters for a list of plans.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PlanFilter {
    /// Only plans for any version of this strategy.
    strategy_id: Option<StrategyId>,
    /// Only plans for this version of a strategy.
    strategy_version_id: Option<StrategyVersionId>,
    /// Only plans owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only plans owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only plans that refresh this one.
    predecessor_id: Option<PlanId>,
    /// Only plans in any of these statuses.
    #[param(value_type = Option<Vec<PlanStatus>>, inline, explode = false)]
    status: Option<Any<PlanStatus>>,
    /// Only plans with any of these completeness claims.
    #[param(value_type = Option<Vec<PlanCompleteness>>, inline, explode = false)]
    completeness_claim: Option<Any<PlanCompleteness>>,
}

const TRANSITIONS: &[(PlanStatus, &[PlanStatus])] = &[
    (PlanStatus::Draft, &[PlanStatus::Active, PlanStatus::Closed]),
    (PlanStatus::Active, &[PlanStatus::Draft, PlanStatus::Closed]),
    (PlanStatus::Closed, &[PlanStatus::Active]),
];

impl Resource for Plan {
    const KIND: &'static str = "plan";
    const PATH: &'static str = "plans";
    const PREFIX: &'static str = "PLN";
    const SUBJECT: Subject = Subject::Plan;
    const ABOUT: &'static str = "Delivery plans. A plan delivers one version of a strategy. A \
        refresh is a new plan that names the old one as its predecessor; items are carried into \
        it one by one.";
    type Computed = NothingComputed;
    type Filter = PlanFilter;

    fn example() -> Value {
        json!({
            "title": "STRIDE Delivery Plan 2017-2021", "strategy_version_id": "019abcde-0000-7000-8000-000000000001",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001", "status": "active", "completeness_claim": "partial",
            "completeness_source": "Audit review of 2020, recommendation 4"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    // S8
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            TRANSITIONS,
        );
        rules.no_circle("/predecessor_id", self.predecessor_id, |p| p.predecessor_id);
    }
    /// A plan comes about when it leaves its draft.
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            PlanStatus::Draft => Progress::Open,
            PlanStatus::Active => Progress::InForce,
            PlanStatus::Closed => Progress::Done,
        };
        Deadline::new(progress, When::default())
    }
    /// Whether it is still worked to.
    fn exists_on(&self, _: NaiveDate) -> bool {
        self.status != PlanStatus::Closed
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let strategy = || {
            let version = reading
                .world
                .get::<StrategyVersion>(r.data.strategy_version_id?)?;
            Some(version.data.strategy_id)
        };
        is_some(&f.strategy_version_id, &r.data.strategy_version_id)
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.predecessor_id, &r.data.predecessor_id)
            && any(&f.status, &r.data.status)
            && any(&f.completeness_claim, &r.data.completeness_claim)
            && (f.strategy_id.is_none() || f.strategy_id == strategy())
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.strategy_version_id
            .map(Uuid::from)
            .or(f.predecessor_id.map(Uuid::from))
            .or(f.owner_unit_id.map(Uuid::from))
    }
}
