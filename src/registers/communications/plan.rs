//! Communications plans: their owners, the strategy and goals they serve, and the period they
//! cover.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::is_some;
use crate::registers::strategy::{GoalId, StrategyId};
use crate::world::dates::Days;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Id of a communications plan.
pub type CommunicationsPlanId = Id<CommunicationsPlan>;

/// A communications plan.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommunicationsPlan {
    /// Title.
    pub title: Text<200, 1>,
    /// Unit that owns the plan.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Strategy that the plan supports. A plan with no strategy and no goals is a gap.
    #[serde(default)]
    pub strategy_id: Option<StrategyId>,
    /// Goals served.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub goal_ids: Vec<GoalId>,
    /// What the plan is meant to achieve.
    #[serde(default)]
    pub description: Option<Text<4000>>,
    /// First day of the period covered. Null if not known.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day of the period covered. Null if open-ended.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of communications plans.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CommunicationsPlanFilter {
    /// Only plans owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only plans owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only plans owned by this post.
    owner_post_id: Option<PostId>,
    /// Only plans that support this strategy.
    strategy_id: Option<StrategyId>,
    /// Only plans that serve this goal.
    goal_id: Option<GoalId>,
    /// Whether today falls within the plan's period.
    current: Option<bool>,
}

impl Resource for CommunicationsPlan {
    const KIND: &'static str = "communications_plan";
    const PATH: &'static str = "communications-plans";
    const PREFIX: &'static str = "CPL";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Communications plans, which group activities and campaigns, with \
        owner, strategy, goals and period.";
    type Computed = NothingComputed;
    type Filter = CommunicationsPlanFilter;

    fn example() -> Value {
        json!({
            "title": "Inclusion communications 2020",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "strategy_id": "019abcde-0000-7000-8000-000000000002",
            "goal_ids": ["019abcde-0000-7000-8000-000000000003"],
            "description": "Raises awareness of the strategy, within and with partners",
            "from_on": "2020-01-01",
            "until_on": "2020-12-31"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(
            self.owner_unit_id
                .map(Uuid::from)
                .into_iter()
                .chain(self.owner_post_id.map(Uuid::from)),
        )
    }
    // S35
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/goal_ids", &self.goal_ids);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "from_on",
                key: |r| Key::from(r.data.from_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let p = &r.data;
        is_some(&f.owner_unit_id, &p.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && is_some(&f.owner_post_id, &p.owner_post_id)
            && is_some(&f.strategy_id, &p.strategy_id)
            && f.goal_id.is_none_or(|g| p.goal_ids.contains(&g))
            && asked(f.current, || reading.is_active(r))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.owner_post_id.map(Uuid::from))
            .or(f.strategy_id.map(Uuid::from))
            .or(f.goal_id.map(Uuid::from))
    }
}
