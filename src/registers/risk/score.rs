//! Scores: likelihood times impact, and the bands that products fall into.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How likely the event is; each step counts one, from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLikelihood {
    Rare = 1,
    Unlikely,
    Possible,
    Likely,
    AlmostCertain,
}

/// How hard it would hit; each step counts one, from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskImpact {
    Negligible = 1,
    Minor,
    Moderate,
    Major,
    Catastrophic,
}

/// A score on the five by five matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RiskScore {
    /// How likely the event is.
    pub likelihood: RiskLikelihood,
    /// How hard it would hit.
    pub impact: RiskImpact,
}

/// A band of products, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskBand {
    #[default]
    Low,
    Moderate,
    High,
    Extreme,
}

/// A score's product and the band it falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct RiskLevel {
    /// Likelihood times impact.
    #[schema(minimum = 1, maximum = 25)]
    pub product: u8,
    /// The band: low 1 to 3, moderate 4 to 6, high 8 to 12, extreme 15 to 25.
    pub band: RiskBand,
}

/// The bands with their lowest and highest product: the risk matrix of the National Patient Safety Agency (2008).
pub const BANDS: [(RiskBand, u8, u8); 4] = [
    (RiskBand::Low, 1, 3),
    (RiskBand::Moderate, 4, 6),
    (RiskBand::High, 8, 12),
    (RiskBand::Extreme, 15, 25),
];

/// The level of likelihood and impact in steps of 1 to 5.
#[must_use]
pub fn level(likelihood: u8, impact: u8) -> RiskLevel {
    let product = likelihood.saturating_mul(impact);
    // What no band names is worse than all of them; a test shows that no product is.
    let band = BANDS
        .iter()
        .find(|(_, low, high)| (*low..=*high).contains(&product))
        .map_or(RiskBand::Extreme, |(band, ..)| *band);
    RiskLevel { product, band }
}

impl RiskScore {
    /// Its product and band.
    #[must_use]
    pub fn level(self) -> RiskLevel {
        level(self.likelihood as u8, self.impact as u8)
    }

    /// Likelihood times impact.
    #[must_use]
    pub fn product(self) -> u8 {
        self.level().product
    }

    /// The level after taking steps off likelihood and impact; neither falls below 1.
    #[must_use]
    pub fn reduced(self, likelihood: u8, impact: u8) -> RiskLevel {
        let less = |from: u8, steps: u8| from.saturating_sub(steps).max(1);
        level(less(self.likelihood as u8, likelihood), less(self.impact as u8, impact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_exactly_one_band() {
        for likelihood in 1..=5u8 {
            for impact in 1..=5u8 {
                let product = likelihood * impact;
                let bands: Vec<RiskBand> = BANDS
                    .iter()
                    .filter(|(_, low, high)| (*low..=*high).contains(&product))
                    .map(|(band, ..)| *band)
                    .collect();
                assert_eq!(bands.len(), 1, "{likelihood} x {impact}");
                assert_eq!(level(likelihood, impact), RiskLevel { product, band: bands[0] });
            }
        }
    }

    #[test]
    fn bands_stand_in_order() {
        assert!(
            BANDS
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[0].2 && pair[0].2 < pair[1].1)
        );
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
        assert_eq!(worst.reduced(2, 1).product, 12);
        assert_eq!(worst.reduced(9, 9).product, 1, "no step leads below 1");
    }
}
