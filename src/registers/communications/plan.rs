//! Communications plans: whose they are, which strategy and goals they serve, and for which time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{Days, asked, distinct, runs_on};
use crate::registers::query::is_some;
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// A communications plan.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommunicationsPlan {
    /// Its title.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// The unit whose plan it is.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// The post that answers for it.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// The strategy that it supports. A plan that serves neither strategy nor goal is a gap.
    #[serde(default)]
    pub strategy_id: Option<Uuid>,
    /// The goals that it serves.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub goal_ids: Vec<Uuid>,
    /// What it is to bring about.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub description: Option<String>,
    /// First day of its time; none: not known.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day of its time; none: open.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of communications plans.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct CommunicationsPlanFilter {
    /// Plans of this unit.
    owner_unit_id: Option<Uuid>,
    /// Plans of this unit and of all units below it.
    unit_below: Option<Uuid>,
    /// Plans that this post answers for.
    owner_post_id: Option<Uuid>,
    /// Plans that support this strategy.
    strategy_id: Option<Uuid>,
    /// Plans that serve this goal.
    goal_id: Option<Uuid>,
    /// Whether today lies in the plan's time.
    current: Option<bool>,
}

impl CommunicationsPlan {
    /// The days of its time.
    #[must_use]
    pub fn days(&self) -> Days {
        (self.from_on, self.until_on)
    }
}

impl Resource for CommunicationsPlan {
    const KIND: &'static str = "communications_plan";
    const PATH: &'static str = "communications-plans";
    const PREFIX: &'static str = "CPL";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Communications plans: the frame of activities and campaigns, with owner, strategy, goals and time.";
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
    fn links(&self, links: &mut Links) {
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.to("/owner_post_id", &["post"], self.owner_post_id);
        links.to("/strategy_id", &["strategy"], self.strategy_id);
        links.each("/goal_ids", &["goal"], self.goal_ids.iter().copied());
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id.into_iter().chain(self.owner_post_id))
    }
    // S35
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/goal_ids", &self.goal_ids);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
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
    fn text(&self) -> Vec<&str> {
        vec![&self.title, self.description.as_deref().unwrap_or_default()]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let p = &r.data;
        is_some(&f.owner_unit_id, &p.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && is_some(&f.owner_post_id, &p.owner_post_id)
            && is_some(&f.strategy_id, &p.strategy_id)
            && f.goal_id.is_none_or(|g| p.goal_ids.contains(&g))
            && asked(f.current, || runs_on(p.days(), reading.on))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .or(f.owner_post_id)
            .or(f.strategy_id)
            .or(f.goal_id)
    }
}
