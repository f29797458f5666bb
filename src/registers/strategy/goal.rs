//! Goals of a strategy in one tree: aims, objectives and priorities, and the goals of an earlier
//! strategy that they come from.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::links::{no_repeats, others, reaches};
use crate::registers::organisation::{PostId, has_owner};
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::registers::strategy::StrategyId;
use crate::world::blank::OptionalText;
use crate::world::{
    Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, World,
};

/// Kind of goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum GoalKind {
    /// What the strategy sets out to achieve overall.
    Aim,
    /// A specific result that the strategy is to achieve.
    Objective,
    /// An area that the strategy puts first.
    Priority,
}

/// How a goal relates to one of an earlier strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum LineageRelation {
    /// The earlier goal, unchanged.
    Same,
    /// The earlier goal in other words.
    Reworded,
    /// A part of the earlier goal.
    Split,
    /// The earlier goal together with others.
    Merged,
    /// This goal was not carried into a later strategy. Names no goal.
    Dropped,
    /// No earlier strategy had a goal like it. Names no goal.
    New,
}

impl LineageRelation {
    fn names_a_goal(self) -> bool {
        !matches!(self, Self::Dropped | Self::New)
    }
}

/// Where a goal comes from, or that it was not carried further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalLineage {
    /// Goal of an earlier strategy. Left out for `new` and `dropped`.
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    /// How this goal relates to it.
    pub relation: LineageRelation,
    /// What changed and why.
    #[serde(default)]
    pub note: Option<Text<1000>>,
}

/// Id of a goal.
pub type GoalId = Id<Goal>;

/// A goal of a strategy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Goal {
    /// The strategy it belongs to.
    pub strategy_id: StrategyId,
    /// Kind of goal.
    pub goal_kind: GoalKind,
    /// Title of the goal, in one line.
    pub title: Text<300, 1>,
    /// Its number among the goals of its kind under the same parent ("Priority 3").
    #[serde(default)]
    #[schema(minimum = 1, maximum = 999)]
    pub number: Option<u16>,
    /// The goal it is part of, in the same strategy.
    #[serde(default)]
    pub parent_id: Option<GoalId>,
    /// What will be different once it is met. A goal without one is a gap.
    #[serde(default)]
    pub intended_outcome: Option<Text<2000>>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Where it comes from.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub lineage: Vec<GoalLineage>,
}

/// Filters for a list of goals.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct GoalFilter {
    /// Only goals of this strategy.
    strategy_id: Option<StrategyId>,
    /// Only goals of these kinds.
    #[param(value_type = Option<Vec<GoalKind>>, inline, explode = false)]
    goal_kind: Option<Any<GoalKind>>,
    /// Only goals directly below this one.
    parent_id: Option<GoalId>,
    /// Only goals owned by this post.
    owner_post_id: Option<PostId>,
    /// Only goals that come from this goal of an earlier strategy.
    from_goal_id: Option<GoalId>,
    /// Only goals without an owner post that exists on the date (`true`), or with one (`false`).
    without_owner: Option<bool>,
    /// Only goals without an intended outcome (`true`), or only those with one (`false`).
    without_outcome: Option<bool>,
}

impl Goal {
    fn comes_from(&self) -> impl Iterator<Item = Uuid> {
        self.lineage
            .iter()
            .filter_map(|l| l.goal_id.map(Into::into))
    }

    fn check_lineage(&self, rules: &mut Rules<'_, Self>) {
        no_repeats(
            rules,
            "/lineage",
            "goal_id",
            self.lineage.iter().map(|l| l.goal_id),
        );
        let world = rules.reading.world;
        let is_new = self
            .lineage
            .iter()
            .any(|l| l.relation == LineageRelation::New);
        for (n, entry) in self.lineage.iter().enumerate() {
            let at = format!("/lineage/{n}/goal_id");
            let named = entry.relation.names_a_goal();
            match entry.goal_id {
                None if named => rules.refuse(
                    at,
                    "required",
                    "is required for this relation; name the goal of the earlier strategy",
                ),
                Some(_) if !named => rules.refuse(
                    at,
                    "not_allowed",
                    "is not allowed for the relations new and dropped; leave it out",
                ),
                Some(id) => self.check_origin(rules, world, at, id.uuid()),
                None => {}
            }
            if is_new && named {
                let detail = "contradicts new: a goal is either new or comes from an earlier one; \
                    remove one of the two";
                rules.refuse(format!("/lineage/{n}/relation"), "contradiction", detail);
            }
        }
    }

    fn check_origin(&self, rules: &mut Rules<'_, Self>, world: &World, at: String, id: Uuid) {
        let same_strategy = world
            .get::<Self>(id)
            .is_some_and(|g| g.data.strategy_id == self.strategy_id);
        let next = |at| {
            world
                .get::<Self>(at)
                .map_or_else(Vec::new, |g| g.data.comes_from().collect())
        };
        if same_strategy {
            let detail =
                "is a goal of the same strategy; name one of an earlier strategy, or use parent_id";
            rules.refuse(at, "same_strategy", detail);
        } else if reaches(id, rules.meta.id, next) {
            rules.refuse(
                at,
                "circle",
                "names a goal that itself comes from this one; name the earlier of the two",
            );
        }
    }

    fn check_siblings(&self, rules: &mut Rules<'_, Self>) {
        let is_sibling = |g: &&Rec<Self>| {
            (g.data.goal_kind, g.data.parent_id) == (self.goal_kind, self.parent_id)
        };
        let siblings: Vec<&Rec<Self>> = others(rules, self.strategy_id.uuid())
            .filter(is_sibling)
            .collect();
        if let Some(twin) = siblings
            .iter()
            .find(|g| self.number.is_some() && g.data.number == self.number)
        {
            let detail = format!(
                "{} already has this number; choose another, or leave it out",
                twin.meta.reference
            );
            rules.refuse("/number", "duplicate", detail);
        }
        if let Some(twin) = siblings
            .iter()
            .find(|g| same_name(&g.data.title, &self.title))
        {
            let detail = format!(
                "{} already has this title; use that record, or choose another title",
                twin.meta.reference
            );
            rules.refuse("/title", "duplicate", detail);
        }
    }
}

impl Resource for Goal {
    const KIND: &'static str = "goal";
    const PATH: &'static str = "goals";
    const PREFIX: &'static str = "GOAL";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Aims, objectives and priorities of a strategy in one tree. The \
        lineage of a goal names the goals of an earlier strategy that it comes from, so that \
        none is lost unnoticed in a refresh.";
    type Computed = NothingComputed;
    type Filter = GoalFilter;

    fn example() -> Value {
        json!({
            "strategy_id": "019abcde-0000-7000-8000-000000000001", "goal_kind": "priority", "number": 3,
            "title": "Fairness and respect at work", "intended_outcome": "Colleagues say that they are treated with respect",
            "lineage": [{ "goal_id": "019abcde-0000-7000-8000-000000000001", "relation": "reworded" }]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::within([self.strategy_id]).and_within(self.parent_id)
    }
    // S5
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record a goal under the other strategy and name this one in its lineage";
        fixed(rules, self, "/strategy_id", |g| g.strategy_id, remedy);
        let parent = self
            .parent_id
            .and_then(|id| rules.reading.world.get::<Self>(id));
        rules.require(
            parent.is_none_or(|p| p.data.strategy_id == self.strategy_id),
            "/parent_id",
            "other_strategy",
            "must be a goal of the same strategy; use lineage for a goal of an earlier one",
        );
        rules.no_circle("/parent_id", self.parent_id, |g| g.parent_id);
        self.check_siblings(rules);
        self.check_lineage(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "number",
                key: |r| Key::from(r.data.number.map(i64::from)),
            },
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.strategy_id, &r.data.strategy_id)
            && any(&f.goal_kind, &r.data.goal_kind)
            && is_some(&f.parent_id, &r.data.parent_id)
            && is_some(&f.owner_post_id, &r.data.owner_post_id)
            && asked(f.without_owner, || {
                !has_owner(reading, r.data.owner_post_id, None)
            })
            && asked(f.without_outcome, || r.data.intended_outcome.is_unsaid())
            && f.from_goal_id
                .is_none_or(|from| r.data.comes_from().any(|id| id == from))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.parent_id
            .map(Uuid::from)
            .or(f.from_goal_id.map(Uuid::from))
            .or(f.owner_post_id.map(Uuid::from))
            .or(f.strategy_id.map(Uuid::from))
    }
}
