//! What a work-plan item is made of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What sort of item it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// A strand of work that holds others.
    Strand,
    Project,
    Pilot,
    /// Something that is handed over.
    Deliverable,
    Activity,
}

/// Where an item stands, as declared by whoever leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    #[default]
    NotStarted,
    InProgress,
    /// Begun or not, nothing is done for the time being.
    OnHold,
    Complete,
    /// Given up.
    Cancelled,
    /// Another item took its place. Final.
    Superseded,
}

impl ItemStatus {
    /// Whether nothing more is to be done.
    #[must_use]
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Complete | Self::Cancelled | Self::Superseded)
    }
}

/// What became of an item of the plan that was refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemCarry {
    /// It goes on as it was.
    Carried,
    /// It goes on in another form. One item may go on as several.
    Changed,
    /// It does not go on: this record says so, with the status cancelled.
    Dropped,
}

/// How success will be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemMeasure {
    /// What is measured.
    #[schema(min_length = 1, max_length = 300)]
    pub name: String,
    /// What it should reach.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub target: Option<String>,
}

/// Who helps to deliver it: a unit that is on record, or a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemPartner {
    /// The unit or outside body.
    #[serde(default)]
    pub unit_id: Option<Uuid>,
    /// The name of a partner that is not on record as a unit. Never a person's name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
}

/// A goal that the item serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServedGoal {
    /// The goal.
    pub goal_id: Uuid,
    /// How the item serves it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub rationale: Option<String>,
}

/// What is to be reached, in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuantifiedTarget {
    /// Who or what is counted ("officers and staff").
    #[schema(min_length = 1, max_length = 300)]
    pub population: String,
    /// How many are to be reached.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub target: i64,
    /// How many have been reached, where known.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub actual: Option<i64>,
    /// What is counted ("people trained", "per cent").
    #[schema(min_length = 1, max_length = 60)]
    pub unit: String,
}
