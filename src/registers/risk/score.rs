//! Scores: likelihood times impact, and the bands for the products.

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::risk::parts::RiskBand;
use crate::registers::settings::SettingSet;

/// How likely the event is, in five steps from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskLikelihood {
    /// Likelihood 1 of 5: it will probably never happen.
    Rare = 1,
    /// Likelihood 2 of 5: it is not expected to happen, but it could.
    Unlikely,
    /// Likelihood 3 of 5: it might happen.
    Possible,
    /// Likelihood 4 of 5: it will probably happen.
    Likely,
    /// Likelihood 5 of 5: it is expected to happen.
    AlmostCertain,
}

/// How severe the impact would be, in five steps from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskImpact {
    /// Impact 1 of 5: little or no effect.
    Negligible = 1,
    /// Impact 2 of 5: a small effect.
    Minor,
    /// Impact 3 of 5: a noticeable effect.
    Moderate,
    /// Impact 4 of 5: a serious effect.
    Major,
    /// Impact 5 of 5: the most severe effect.
    Catastrophic,
}

/// A score on the five by five matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RiskScore {
    /// How likely the event is.
    pub likelihood: RiskLikelihood,
    /// How severe the impact would be.
    pub impact: RiskImpact,
}

/// A score's product and its band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RiskLevel {
    /// Likelihood times impact.
    #[schema(minimum = 1, maximum = 25)]
    pub product: u8,
    /// Band, using the settings in force. By default: low 1 to 3, moderate 4 to 6, high 8 to 12,
    /// extreme 15 to 25.
    pub band: RiskBand,
}

/// The level for a likelihood and an impact in steps of 1 to 5, using the bands of these settings.
#[must_use]
pub fn level(settings: &SettingSet, likelihood: u8, impact: u8) -> RiskLevel {
    let product = likelihood.saturating_mul(impact);
    RiskLevel {
        product,
        band: settings.band(product),
    }
}

impl RiskScore {
    /// Its product and band.
    #[must_use]
    pub fn level(self, settings: &SettingSet) -> RiskLevel {
        level(settings, self.likelihood as u8, self.impact as u8)
    }

    /// Likelihood times impact.
    #[must_use]
    pub fn product(self) -> u8 {
        (self.likelihood as u8).saturating_mul(self.impact as u8)
    }

    /// The level after taking steps off likelihood and impact; neither falls below 1.
    #[must_use]
    pub fn reduced(self, settings: &SettingSet, likelihood: u8, impact: u8) -> RiskLevel {
        let less = |from: u8, steps: u8| from.saturating_sub(steps).max(1);
        level(
            settings,
            less(self.likelihood as u8, likelihood),
            less(self.impact as u8, impact),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_exactly_one_built_in_band() {
        let settings = SettingSet::default();
        for likelihood in 1..=5u8 {
            for impact in 1..=5u8 {
                let product = likelihood * impact;
                let bands: Vec<RiskBand> = settings
                    .score_bands
                    .iter()
                    .filter(|b| (b.from..=b.to).contains(&product))
                    .map(|b| b.band)
                    .collect();
                assert_eq!(bands.len(), 1, "{likelihood} x {impact}");
                assert_eq!(
                    level(&settings, likelihood, impact),
                    RiskLevel {
                        product,
                        band: bands[0]
                    }
                );
            }
        }
    }

    #[test]
    fn a_score_counts_from_one_to_five() {
        let worst = RiskScore {
            likelihood: RiskLikelihood::AlmostCertain,
            impact: RiskImpact::Catastrophic,
        };
        let least = RiskScore {
            likelihood: RiskLikelihood::Rare,
            impact: RiskImpact::Negligible,
        };
        assert_eq!((least.product(), worst.product()), (1, 25));
        assert_eq!(worst.reduced(&SettingSet::default(), 2, 1).product, 12);
        assert_eq!(
            worst.reduced(&SettingSet::default(), 9, 9).product,
            1,
            "no step leads below 1"
        );
    }
}
