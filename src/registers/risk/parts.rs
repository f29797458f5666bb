//! Codes of the risk register that settings use too.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

/// How much risk its owner is willing to take, from least to most, from HM Treasury's Risk Appetite
/// Guidance Note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskAppetite {
    /// Avoiding risk and uncertainty is the main aim.
    Averse,
    /// Very safe options with a low inherent risk are preferred.
    Minimal,
    /// Safe options with a low residual risk are preferred.
    Cautious,
    /// All options are considered, and some risk is accepted for a good result.
    Open,
    /// Innovative options are chosen for the opportunity, even if the inherent risk is higher.
    Eager,
}

/// A band of products, from mildest to worst.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskBand {
    /// Lowest band of risk scores, as the settings define it.
    #[default]
    Low,
    /// Second-lowest band of risk scores, as the settings define it.
    Moderate,
    /// Second-highest band of risk scores, as the settings define it.
    High,
    /// Highest band of risk scores, as the settings define it.
    Extreme,
}
