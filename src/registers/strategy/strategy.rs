//! Strategies and plans that guide the work: the organisation's own, and those of other bodies that
//! it answers to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::asked;
use crate::registers::organisation::{UnitId, has_owner};
use crate::registers::query::{Any, any, is_some, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::PlannedDate;
use crate::world::dates::{Dated, Days, Deadline, Progress};
use crate::world::{
    Id, KeptBy, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};
use chrono::NaiveDate;

/// Kind of document, and whether it is the organisation's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StrategyKind {
    /// A strategy of the organisation itself.
    OwnStrategy,
    /// A plan of the organisation itself, such as its business plan.
    OwnPlan,
    /// An action plan of the organisation itself.
    OwnActionPlan,
    /// A strategy of an outside body.
    ExternalStrategy,
    /// A plan of an outside body that affects the organisation, such as a police and crime plan.
    ExternalPlan,
    /// An action plan of an outside body.
    ExternalActionPlan,
}

impl StrategyKind {
    /// Whether the organisation itself is responsible for it.
    #[must_use]
    pub fn is_own(self) -> bool {
        matches!(
            self,
            Self::OwnStrategy | Self::OwnPlan | Self::OwnActionPlan
        )
    }
}

/// Status of the strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StrategyStatus {
    /// Announced or being written; not in force yet.
    Planned,
    /// In force.
    #[default]
    Current,
    /// No longer in force, or abandoned.
    Ended,
}

/// Id of a strategy.
pub type StrategyId = Id<Strategy>;

/// A strategy, plan or action plan. Its text is held in its versions, and its aims and priorities
/// in its goals.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Strategy {
    /// Title.
    pub title: Text<200, 1>,
    /// Other names, current or former.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub aliases: Vec<Text<200, 1>>,
    /// Kind of document, and whether it is the organisation's own.
    pub strategy_kind: StrategyKind,
    /// Status of the strategy.
    #[serde(default)]
    pub status: StrategyStatus,
    /// The unit or outside body that owns it. A strategy without an owner is a gap.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// First year of the period it covers.
    #[serde(default)]
    #[schema(minimum = 1900, maximum = 2200)]
    pub from_year: Option<i32>,
    /// Last year of the period it covers.
    #[serde(default)]
    #[schema(minimum = 1900, maximum = 2200)]
    pub until_year: Option<i32>,
    /// Short name shared by a strategy and all its refreshes ("STRIDE").
    #[serde(default)]
    pub family: Option<Text<100, 1>>,
    /// Strategy that this one succeeds. A refresh is a new strategy with the old one as its
    /// predecessor.
    #[serde(default)]
    pub predecessor_id: Option<StrategyId>,
    /// What it is about.
    #[serde(default)]
    pub description: Option<Text<4000>>,
    /// When it is expected, if it is still to come.
    #[serde(default)]
    pub expected_date: PlannedDate,
    /// Who keeps the full record.
    #[serde(default)]
    pub kept_by: KeptBy,
}

/// Filters for a list of strategies.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct StrategyFilter {
    /// Only strategies of these kinds.
    #[param(value_type = Option<Vec<StrategyKind>>, inline, explode = false)]
    strategy_kind: Option<Any<StrategyKind>>,
    /// Only strategies in any of these statuses.
    #[param(value_type = Option<Vec<StrategyStatus>>, inline, explode = false)]
    status: Option<Any<StrategyStatus>>,
    /// Only strategies owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only strategies owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only strategies without an owner unit that exists on the date (`true`), or with one
    /// (`false`).
    without_owner: Option<bool>,
    /// Only strategies in this family, ignoring case.
    family: Option<Text<100>>,
    /// Only strategies with this title or alias, ignoring case.
    title: Option<Text<200>>,
    /// Only strategies that directly succeed this one.
    predecessor_id: Option<StrategyId>,
    /// Only strategies whose period covers this year. Those without a period do not match.
    #[param(minimum = 1900, maximum = 2200)]
    in_year: Option<i32>,
}

const TRANSITIONS: &[(StrategyStatus, &[StrategyStatus])] = &[
    (
        StrategyStatus::Planned,
        &[StrategyStatus::Current, StrategyStatus::Ended],
    ),
    (StrategyStatus::Current, &[StrategyStatus::Ended]),
    (
        StrategyStatus::Ended,
        &[StrategyStatus::Planned, StrategyStatus::Current],
    ),
];

impl Strategy {
    fn covers(&self, year: i32) -> bool {
        (self.from_year.is_some() || self.until_year.is_some())
            && self.from_year.is_none_or(|y| y <= year)
            && self.until_year.is_none_or(|y| year <= y)
    }
    fn is_called(&self, name: &str) -> bool {
        std::iter::once(&self.title)
            .chain(&self.aliases)
            .any(|n| same_name(n, name))
    }
    fn repeats(&self, other: &Self) -> bool {
        same_name(&self.title, &other.title)
            && (self.from_year, self.until_year) == (other.from_year, other.until_year)
    }
}

impl Resource for Strategy {
    const KIND: &'static str = "strategy";
    const PATH: &'static str = "strategies";
    const PREFIX: &'static str = "STR";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Strategies, plans and action plans: the organisation's own, and \
        those of other bodies that affect it. A strategy still to come can be recorded with or \
        without an expected date.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::StrategyExpected];
    type Computed = NothingComputed;
    type Filter = StrategyFilter;

    fn example() -> Value {
        json!({
            "reference": "STRIDE-2021", "title": "Inclusion Strategy 2021-2024", "strategy_kind": "own_strategy", "status": "planned",
            "from_year": 2021, "until_year": 2024, "family": "STRIDE", "expected_date": { "precision": "year", "due_on": "2021-12-31" }
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn kept_by(&self) -> KeptBy {
        self.kept_by
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    fn normalise(&mut self) {
        self.expected_date.normalise();
    }
    // S3: each strategy is recorded once.
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            TRANSITIONS,
        );
        rules.no_circle("/predecessor_id", self.predecessor_id, |s| s.predecessor_id);
        rules.planned("/expected_date", &self.expected_date);
        let in_order = self.from_year.is_none()
            || self.until_year.is_none()
            || self.from_year <= self.until_year;
        rules.require(
            in_order,
            "/until_year",
            "date_order",
            "must not be before from_year; correct one of the two",
        );
        if rules
            .before
            .is_none_or(|b| !b.data.repeats(self) || b.meta.withdrawn_at.is_some())
        {
            let own = rules.meta.id;
            let twin = rules
                .reading
                .world
                .live::<Self>()
                .find(|s| s.meta.id != own && s.data.repeats(self));
            if let Some(twin) = twin {
                rules.refuse(
                    "/title",
                    "duplicate",
                    format!(
                        "{} already has this title and period; use that record, or give another \
                            period",
                        twin.meta.reference
                    ),
                );
            }
        }
    }
    /// A strategy comes about when it is current. One that has ended did so once; nothing waits for
    /// it.
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            StrategyStatus::Planned => Progress::Open,
            StrategyStatus::Current => Progress::InForce,
            StrategyStatus::Ended => Progress::Done,
        };
        Deadline::new(progress, &record.data.expected_date)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let deadline = Self::deadline(record, reading);
        vec![Dated::due(CalendarEntryKind::StrategyExpected, deadline)]
    }
    fn exists_on(&self, _: NaiveDate) -> bool {
        self.status == StrategyStatus::Current
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "from_year",
                key: |r| Key::from(r.data.from_year.map(i64::from)),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        any(&f.strategy_kind, &r.data.strategy_kind)
            && any(&f.status, &r.data.status)
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.predecessor_id, &r.data.predecessor_id)
            && asked(f.without_owner, || {
                !has_owner(reading, None, r.data.owner_unit_id)
            })
            && f.in_year.is_none_or(|y| r.data.covers(y))
            && f.family
                .as_ref()
                .is_none_or(|x| r.data.family.as_ref().is_some_and(|own| same_name(own, x)))
            && f.title.as_ref().is_none_or(|n| r.data.is_called(n))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.predecessor_id.map(Uuid::from))
    }
}
