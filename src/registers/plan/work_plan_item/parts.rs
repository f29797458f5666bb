//! The parts of a work-plan item.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::organisation::UnitId;
use crate::registers::strategy::GoalId;
use crate::world::Text;
use crate::world::dates::Progress;

/// Kind of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ItemKind {
    /// A strand of work that contains other items.
    Strand,
    /// Piece of work run as a project.
    Project,
    /// Trial of something before wider use.
    Pilot,
    /// Something that is handed over.
    Deliverable,
    /// Something that is done, once or continuously.
    Activity,
}

/// Status of an item, as declared by its lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ItemStatus {
    /// No work has been done yet.
    #[default]
    NotStarted,
    /// Work has started and is not finished.
    InProgress,
    /// Paused for the time being, whether or not it has started.
    OnHold,
    /// All the work is done.
    Complete,
    /// No longer going ahead.
    Cancelled,
    /// Replaced by another item. Final.
    Superseded,
}

impl ItemStatus {
    /// Whether the item is still to be done.
    #[must_use]
    pub fn progress(self) -> Progress {
        match self {
            Self::NotStarted | Self::InProgress | Self::OnHold => Progress::Open,
            Self::Complete => Progress::Done,
            Self::Cancelled | Self::Superseded => Progress::GivenUp,
        }
    }

    /// Whether no more work is to be done.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self.progress() != Progress::Open
    }
}

/// What became of an item of the plan that was refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ItemCarry {
    /// It continues unchanged.
    Carried,
    /// It continues in another form. One item may continue as several.
    Changed,
    /// It does not continue. This record says so and has the status cancelled.
    Dropped,
}

/// How success will be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemMeasure {
    /// What is measured.
    pub name: Text<300, 1>,
    /// What it should reach.
    #[serde(default)]
    pub target: Option<Text<300>>,
}

/// A partner that helps to deliver the item: a unit recorded in the service, or a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemPartner {
    /// The unit or outside body.
    #[serde(default)]
    pub unit_id: Option<UnitId>,
    /// Name of a partner that is not recorded as a unit. Never a person's name.
    #[serde(default)]
    pub name: Option<Text<200, 1>>,
}

/// A goal that the item serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServedGoal {
    /// The goal.
    pub goal_id: GoalId,
    /// How the item serves it.
    #[serde(default)]
    pub rationale: Option<Text<1000>>,
}

/// A target in whole numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuantifiedTarget {
    /// Who or what is counted ("officers and staff").
    pub population: Text<300, 1>,
    /// Number to be reached.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub target: i64,
    /// Number reached so far, if known.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub actual: Option<i64>,
    /// What is counted ("people trained", "per cent").
    pub unit: Text<60, 1>,
}
