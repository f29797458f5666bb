//! Sources of figures: the personnel system, the user satisfaction survey, the public attitude
//! survey.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is_some};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// How often figures are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum FigureFrequency {
    /// As they arise.
    Continuous,
    /// Once a week.
    Weekly,
    /// Once a month.
    Monthly,
    /// Once every three months.
    Quarterly,
    /// Once every six months.
    #[strum(message = "Half-yearly")]
    HalfYearly,
    /// Once a year.
    Yearly,
    /// Once, or on request.
    AdHoc,
}

/// Whether the source supplies figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DataSourceState {
    /// Named, but no figures come from it yet.
    #[default]
    Planned,
    /// Figures come from it.
    Active,
    /// It has ended.
    Retired,
}

const TRANSITIONS: &[(DataSourceState, &[DataSourceState])] = &[
    (
        DataSourceState::Planned,
        &[DataSourceState::Active, DataSourceState::Retired],
    ),
    (
        DataSourceState::Active,
        &[DataSourceState::Planned, DataSourceState::Retired],
    ),
    (DataSourceState::Retired, &[DataSourceState::Active]),
];

/// Id of a data source.
pub type DataSourceId = Id<DataSource>;

/// A source of figures.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DataSource {
    /// Title.
    pub title: Text<200, 1>,
    /// What the source holds.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// How its figures are produced: who they cover, and how they are counted or asked for.
    #[serde(default)]
    pub method: Option<Text<4000>>,
    /// Unit that owns it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// How often its figures are received.
    #[serde(default)]
    pub frequency: Option<FigureFrequency>,
    /// Whether the source supplies figures.
    #[serde(default)]
    pub state: DataSourceState,
}

/// Filters for a list of data sources.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DataSourceFilter {
    /// Only sources owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only sources owned by this post.
    owner_post_id: Option<PostId>,
    /// Only sources in any of these states.
    #[param(value_type = Option<Vec<DataSourceState>>, inline, explode = false)]
    state: Option<Any<DataSourceState>>,
}

impl Resource for DataSource {
    const KIND: &'static str = "data_source";
    const PATH: &'static str = "data-sources";
    const PREFIX: &'static str = "SRC";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str =
        "Where figures come from, how they are produced, and who owns each source.";
    type Computed = NothingComputed;
    type Filter = DataSourceFilter;

    fn example() -> Value {
        json!({
            "title": "User satisfaction survey", "description": "What victims of crime say about the service they had",
            "method": "Telephone interviews with victims of selected crimes, six to twelve weeks \
                after the report",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001", "frequency": "quarterly", "state": "active"
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
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.owner_post_id, &r.data.owner_post_id)
            && any(&f.state, &r.data.state)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.owner_post_id.map(Uuid::from))
    }
}
