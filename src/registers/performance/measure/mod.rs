//! Measures: what is counted, out of what, from which source, and for whom.

mod breakdown;
pub mod classification;
pub mod disclosure;
pub mod observation;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct};
use crate::registers::organisation::{PostId, UnitId, has_owner};
use crate::registers::performance::measure::classification::{
    CategoryCode, Characteristic, Classification,
};
use crate::registers::performance::measure::observation::Observation;
use crate::registers::performance::source::FigureFrequency;
use crate::registers::performance::{ClassificationId, DataSourceId};
use crate::registers::plan::WorkPlanItemId;
use crate::registers::query::{Any, any, is_some};
use crate::registers::strategy::GoalId;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Unit of the measure's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MeasureUnit {
    /// Number of people or cases, as whole numbers.
    Count,
    /// Numerator as a percentage of the denominator.
    #[strum(message = "Per cent")]
    Percent,
    /// Numerator per `rate_per` of the denominator.
    Rate,
    /// Mean score on a scale.
    Score,
    /// Mean or median number of days.
    Days,
    /// Amount of money in pounds.
    Pounds,
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Direction {
    /// A rise in the figure is an improvement.
    HigherIsBetter,
    /// A fall in the figure is an improvement.
    LowerIsBetter,
    /// Closer to the target is better, from either side.
    #[strum(message = "On target is better")]
    OnTarget,
    /// Monitored only; neither direction is better.
    #[default]
    Neutral,
}

/// Area of work the measure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MeasureGroup {
    /// Attraction, recruitment, progression, leaving.
    EmployeeLifecycle,
    /// The diversity and inclusion standard.
    #[strum(message = "D&I Standard")]
    DiStandard,
    /// Services that HR provides to the organisation.
    #[strum(message = "HR service delivery")]
    HrServiceDelivery,
    /// Any other area of work.
    Other,
}

/// Whether the measure's figures are being received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MeasureState {
    /// Wanted, but not measured yet.
    #[default]
    Planned,
    /// Figures are received regularly and reviewed.
    Integrated,
    /// No longer measured.
    Retired,
}

const TRANSITIONS: &[(MeasureState, &[MeasureState])] = &[
    (
        MeasureState::Planned,
        &[MeasureState::Integrated, MeasureState::Retired],
    ),
    (
        MeasureState::Integrated,
        &[MeasureState::Planned, MeasureState::Retired],
    ),
    (
        MeasureState::Retired,
        &[MeasureState::Planned, MeasureState::Integrated],
    ),
];

/// Id of a measure.
pub type MeasureId = Id<Measure>;

/// A measure.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Measure {
    /// Title.
    pub title: Text<200, 1>,
    /// What it shows and how it is calculated.
    #[serde(default)]
    pub definition: Option<Text<4000>>,
    /// What is counted.
    #[serde(default)]
    pub numerator: Option<Text<1000>>,
    /// What the count is divided by.
    #[serde(default)]
    pub denominator: Option<Text<1000>>,
    /// Unit of the measure's figures.
    pub unit: MeasureUnit,
    /// For a rate: the number the rate is per, such as 1000. Not allowed for any other unit.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub rate_per: Option<u32>,
    /// Source of its figures.
    #[serde(default)]
    pub source_id: Option<DataSourceId>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit that owns it. Analysts whose grant covers this unit see its figures as recorded.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// How often its figures are due.
    #[serde(default)]
    pub frequency: Option<FigureFrequency>,
    /// Which direction is better.
    #[serde(default)]
    pub direction: Direction,
    /// Area of work the measure belongs to.
    #[serde(default)]
    pub group: Option<MeasureGroup>,
    /// Whether the measure's figures are being received.
    #[serde(default)]
    pub state: MeasureState,
    /// Goals it relates to.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub goal_ids: Vec<GoalId>,
    /// Work-plan items it relates to.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub item_ids: Vec<WorkPlanItemId>,
    /// Characteristics its figures should be broken down by, whether or not that is possible yet.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub characteristics: Vec<Characteristic>,
    /// Classifications its figures are broken down by. Figures that use any other classification
    /// are refused.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub classification_ids: Vec<ClassificationId>,
}

/// Filters for a list of measures.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MeasureFilter {
    /// Only measures from this source.
    source_id: Option<DataSourceId>,
    /// Only measures owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only measures owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only measures owned by this post.
    owner_post_id: Option<PostId>,
    /// Only measures that relate to this goal.
    goal_id: Option<GoalId>,
    /// Only measures that relate to this work-plan item.
    item_id: Option<WorkPlanItemId>,
    /// Only measures broken down by this classification.
    classification_id: Option<ClassificationId>,
    /// Only measures that should be broken down by any of these characteristics.
    #[param(value_type = Option<Vec<Characteristic>>, inline, explode = false)]
    characteristic: Option<Any<Characteristic>>,
    /// Only measures in any of these groups.
    #[param(value_type = Option<Vec<MeasureGroup>>, inline, explode = false)]
    group: Option<Any<MeasureGroup>>,
    /// Only measures in any of these states.
    #[param(value_type = Option<Vec<MeasureState>>, inline, explode = false)]
    state: Option<Any<MeasureState>>,
    /// Only measures without an owner post or unit that exists on the date (`true`), or with one
    /// (`false`).
    without_owner: Option<bool>,
}

impl Measure {
    fn check_classifications(&self, rules: &mut Rules<'_, Self>) {
        let Some(before) = rules.before else { return };
        let lost: Vec<Uuid> = before
            .data
            .classification_ids
            .iter()
            .copied()
            .filter(|id| !self.classification_ids.contains(id))
            .map(Uuid::from)
            .collect();
        if lost.is_empty() {
            return;
        }
        let uses = |o: &&Rec<Observation>| {
            o.data
                .breakdown
                .iter()
                .any(|b| lost.contains(&b.classification_id.uuid()))
        };
        if let Some(o) = rules
            .reading
            .world
            .pointing::<Observation>(rules.meta.id)
            .find(uses)
        {
            let detail = format!(
                "{} is broken down by a classification that this change removes; keep the \
                    classification, or withdraw those observations first",
                o.meta.reference
            );
            rules.refuse("/classification_ids", "in_use", detail);
        }
    }
}

impl Resource for Measure {
    const KIND: &'static str = "measure";
    const PATH: &'static str = "measures";
    const PREFIX: &'static str = "MSR";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "What is measured: how it is calculated, where its figures come \
        from, who owns it, which characteristics it should be broken down by, and which \
        direction is better.";
    type Computed = NothingComputed;
    type Filter = MeasureFilter;

    fn example() -> Value {
        json!({
            "title": "Officers promoted to sergeant", "definition": "Officers substantively promoted in the period",
            "numerator": "Officers promoted", "denominator": "Officers eligible", "unit": "count",
            "source_id": "019abcde-0000-7000-8000-000000000001", "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "frequency": "quarterly", "direction": "higher_is_better", "group": "employee_lifecycle", "state": "planned",
            "goal_ids": ["019abcde-0000-7000-8000-000000000003"], "characteristics": ["race", "sex", "disability"],
            "classification_ids": ["019abcde-0000-7000-8000-000000000004"]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    // S32
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.transition(
            "/state",
            rules.before.map(|b| b.data.state),
            self.state,
            TRANSITIONS,
        );
        distinct(rules, "/goal_ids", &self.goal_ids);
        distinct(rules, "/item_ids", &self.item_ids);
        distinct(rules, "/classification_ids", &self.classification_ids);
        for (n, characteristic) in self.characteristics.iter().enumerate() {
            if self
                .characteristics
                .iter()
                .take(n)
                .any(|c| c == characteristic)
            {
                rules.refuse(
                    format!("/characteristics/{n}"),
                    "duplicate",
                    "is listed twice; remove it",
                );
            }
        }
        let is_rate = self.unit == MeasureUnit::Rate;
        let (code, detail) = if is_rate {
            (
                "required",
                "is required for a rate; give the number the rate is per, such as 1000",
            )
        } else {
            ("not_allowed", "is only allowed for a rate; leave it out")
        };
        rules.require(
            is_rate == self.rate_per.is_some(),
            "/rate_per",
            code,
            detail,
        );
        // Figures recorded in one unit would otherwise be read in another.
        let world = rules.reading.world;
        let changes = rules
            .before
            .is_some_and(|b| (b.data.unit, b.data.rate_per) != (self.unit, self.rate_per));
        rules.require(
            !changes
                || world
                    .pointing::<Observation>(rules.meta.id)
                    .next()
                    .is_none(),
            "/unit",
            "fixed",
            "cannot change once figures are recorded; record a new measure and retire this one",
        );
        self.check_classifications(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let m = &r.data;
        is_some(&f.source_id, &m.source_id)
            && is_some(&f.owner_unit_id, &m.owner_unit_id)
            && is_some(&f.owner_post_id, &m.owner_post_id)
            && f.goal_id.is_none_or(|id| m.goal_ids.contains(&id))
            && f.item_id.is_none_or(|id| m.item_ids.contains(&id))
            && f.classification_id
                .is_none_or(|id| m.classification_ids.contains(&id))
            && (f.characteristic.is_none()
                || m.characteristics.iter().any(|c| any(&f.characteristic, c)))
            && (f.group.is_none() || m.group.is_some_and(|g| any(&f.group, &g)))
            && any(&f.state, &m.state)
            && asked(f.without_owner, || {
                !has_owner(reading, m.owner_post_id, m.owner_unit_id)
            })
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.goal_id
            .map(Uuid::from)
            .or(f.item_id.map(Uuid::from))
            .or(f.classification_id.map(Uuid::from))
            .or(f.source_id.map(Uuid::from))
            .or(f.owner_post_id.map(Uuid::from))
            .or(f.owner_unit_id.map(Uuid::from))
    }
}

/// A category of a classification that a figure is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct BreakdownCategory {
    /// The classification.
    pub classification_id: ClassificationId,
    /// Code of one of its categories or legacy aggregates.
    pub code: CategoryCode,
}

/// Sorts a breakdown into the order in which it is stored.
pub fn normalise(breakdown: &mut [BreakdownCategory]) {
    breakdown.sort();
}

/// Refuses a breakdown that the measure does not have.
pub fn check_breakdown<R: Resource>(
    rules: &mut Rules<'_, R>,
    measure_id: Uuid,
    breakdown: &[BreakdownCategory],
) {
    let world = rules.reading.world;
    let Some(measure) = world.get::<Measure>(measure_id) else {
        return;
    };
    for (n, category) in breakdown.iter().enumerate() {
        let id = category.classification_id;
        if breakdown.iter().take(n).any(|b| b.classification_id == id) {
            let detail = "names a classification already named; a figure can have only one \
                category of each classification, so remove one";
            rules.refuse(
                format!("/breakdown/{n}/classification_id"),
                "duplicate",
                detail,
            );
        }
        if !measure.data.classification_ids.contains(&id) {
            let detail = "is not a classification of the measure; add it to the measure's \
                classification_ids first";
            rules.refuse(
                format!("/breakdown/{n}/classification_id"),
                "not_of_measure",
                detail,
            );
        }
        let classification = world.get::<Classification>(id);
        if classification.is_some_and(|c| c.data.label(&category.code).is_none()) {
            let detail = "is not the code of a category or aggregate of this classification; use \
                one of its codes";
            rules.refuse(format!("/breakdown/{n}/code"), "unknown", detail);
        }
    }
}
