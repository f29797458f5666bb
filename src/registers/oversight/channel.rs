//! Oversight channels other than boards: who meets, how often, and about what.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct};
use crate::registers::governance::BoardId;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::has;
use crate::registers::recurrence::Frequency;
use crate::registers::strategy::{GoalId, StrategyId};
use crate::world::dates::Days;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// A way of holding someone to account other than a board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OversightChannel {
    /// Title.
    pub title: Text<200, 1>,
    /// Posts that meet. A channel needs at least two parties, counting posts and units together.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub party_post_ids: Vec<PostId>,
    /// Units or outside bodies that meet.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub party_unit_ids: Vec<UnitId>,
    /// How often they meet. The words of the source are enough. If nobody has stated a frequency,
    /// that is a gap.
    #[serde(default)]
    pub frequency: Frequency,
    /// What the channel covers, in words.
    #[serde(default)]
    pub covers: Option<Text<2000>>,
    /// Goals covered.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub goal_ids: Vec<GoalId>,
    /// Strategies covered.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub strategy_ids: Vec<StrategyId>,
    /// Boards covered.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub board_ids: Vec<BoardId>,
    /// Source of this information.
    #[serde(default)]
    pub source_text: Option<Text<500>>,
    /// First day the channel is used. Null if not known.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day the channel was used. Null if it is still used.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of oversight channels.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct OversightChannelFilter {
    /// Only channels of this post or unit.
    party_id: Option<Uuid>,
    /// Only channels that cover this goal, strategy or board.
    covers_id: Option<Uuid>,
    /// Whether a rule or an interval gives the frequency.
    is_scheduled: Option<bool>,
    /// Whether the channel is used today.
    current: Option<bool>,
}

impl Resource for OversightChannel {
    const KIND: &'static str = "oversight_channel";
    const PATH: &'static str = "oversight-channels";
    const PREFIX: &'static str = "OVC";
    const SUBJECT: Subject = Subject::Oversight;
    const ABOUT: &'static str = "Oversight arrangements other than boards: the parties, how often \
        they meet, and the goals, strategies and boards they cover.";
    type Computed = NothingComputed;
    type Filter = OversightChannelFilter;

    fn example() -> Value {
        json!({
            "title": "Meetings of the Commissioner and the Deputy Mayor",
            "party_post_ids": ["019abcde-0000-7000-8000-000000000001"],
            "party_unit_ids": ["019abcde-0000-7000-8000-000000000002"],
            "frequency": { "source_text": "regularly" },
            "covers": "Progress of the inclusion strategy",
            "goal_ids": ["019abcde-0000-7000-8000-000000000003"],
            "source_text": "Audit Panel paper, June 2017"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    /// Every party owns it.
    fn place(&self) -> Place {
        Place::owned(
            (self.party_post_ids.iter().map(|id| id.uuid()))
                .chain(self.party_unit_ids.iter().map(|id| id.uuid())),
        )
    }
    // S22
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/party_post_ids", &self.party_post_ids);
        distinct(rules, "/party_unit_ids", &self.party_unit_ids);
        distinct(rules, "/goal_ids", &self.goal_ids);
        distinct(rules, "/strategy_ids", &self.strategy_ids);
        distinct(rules, "/board_ids", &self.board_ids);
        rules.require(
            self.party_post_ids.len() + self.party_unit_ids.len() >= 2,
            "/party_post_ids",
            "required",
            "a channel needs at least two parties; name them in party_post_ids and party_unit_ids",
        );
        if let Some((field, code, detail)) = self.frequency.fault(self.from_on, self.until_on) {
            rules.refuse(format!("/frequency/{field}"), code, detail);
        }
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let c = &r.data;
        f.party_id
            .is_none_or(|p| has(&c.party_post_ids, p) || has(&c.party_unit_ids, p))
            && f.covers_id.is_none_or(|id| {
                has(&c.goal_ids, id) || has(&c.strategy_ids, id) || has(&c.board_ids, id)
            })
            && asked(f.is_scheduled, || c.frequency.is_dated())
            && asked(f.current, || reading.is_active(r))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.party_id.or(f.covers_id)
    }
}
