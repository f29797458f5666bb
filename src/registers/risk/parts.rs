//! Codes of the risk register that settings use too.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much risk its owner is willing to take, from least to most, from HM Treasury's Risk Appetite
/// Guidance Note.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RiskAppetite {
    Averse,
    Minimal,
    Cautious,
    Open,
    Eager,
}

/// A band of products, from mildest to worst.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RiskBand {
    #[default]
    Low,
    Moderate,
    High,
    Extreme,
}
