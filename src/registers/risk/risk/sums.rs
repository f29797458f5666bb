//! Values computed by the service for a risk: its levels, the assumed and verified effects of its
//! controls, reviews and escalations.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::links::{count, parts};
use crate::registers::risk::risk::control::{Control, ControlEffectiveness};
use crate::registers::risk::risk::escalation::{Escalation, EscalationStatus};
use crate::registers::risk::risk::review::RiskReview;
use crate::registers::risk::risk::{Risk, RiskStatus};
use crate::registers::risk::score::RiskLevel;
use crate::registers::settings::{SettingSet, in_force};
use crate::world::{Meta, Rec, World};

/// Why a score cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RiskLevelMissing {
    /// No inherent score is recorded.
    #[strum(message = "Inherent score not stated")]
    InherentNotStated,
    /// The reduction that a control makes is not recorded.
    ReductionNotStated,
}

/// Values computed by the service for a risk. Controls, reviews and escalations with a stricter
/// marking than the risk itself are not counted here. Lists show them to callers with clearance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RiskComputed {
    /// Product and band of the inherent score.
    pub inherent_level: Option<RiskLevel>,
    /// Product and band of the current score.
    pub current_level: Option<RiskLevel>,
    /// Product and band of the target score.
    pub target_level: Option<RiskLevel>,
    /// Inherent score minus the assumed reductions of all controls. Null if none is stated.
    pub assumed_level: Option<RiskLevel>,
    /// Why `assumed_level` is null.
    #[serde(default)]
    #[schema(required)]
    pub assumed_level_missing: Option<RiskLevelMissing>,
    /// The same, counting only controls that were assessed as effective or whose recommendation
    /// audit has verified. Null if one of these does not state its reduction.
    pub verified_level: Option<RiskLevel>,
    /// Why `verified_level` is null.
    #[serde(default)]
    #[schema(required)]
    pub verified_level_missing: Option<RiskLevelMissing>,
    /// Whether the current score is above the risk's appetite. Null if either is not known.
    #[serde(default)]
    #[schema(required)]
    pub above_appetite: Option<bool>,
    /// Whether the settings in force require it to be escalated and no escalation is open.
    #[serde(default)]
    pub escalation_due: bool,
    /// Number of controls.
    #[schema(minimum = 0)]
    pub control_count: u32,
    /// Number of controls that have been assessed, whatever the result.
    #[schema(minimum = 0)]
    pub assessed_control_count: u32,
    /// Number of controls that count as effective: assessed as effective, or implementing a
    /// recommendation that audit has verified. A control whose recommendation is not verified never
    /// counts.
    #[schema(minimum = 0)]
    pub effective_control_count: u32,
    /// Date of its last review.
    pub last_reviewed_on: Option<NaiveDate>,
    /// Number of open escalations.
    #[schema(minimum = 0)]
    pub open_escalation_count: u32,
    /// Status of the open escalation, or of the one proposed last if several are open. Null if the
    /// risk is not escalated.
    pub escalation_status: Option<EscalationStatus>,
}

impl RiskComputed {
    pub(in crate::registers::risk) fn of(risk: &Risk, world: &World, meta: &Meta) -> Self {
        let controls: Vec<&Rec<Control>> = parts(world, meta).collect();
        let effective: Vec<&Rec<Control>> = controls
            .iter()
            .filter(|c| c.computed.counted_effectiveness == ControlEffectiveness::Effective)
            .copied()
            .collect();
        let not_assessed =
            |c: &&&Rec<Control>| c.data.effectiveness == ControlEffectiveness::NotAssessed;
        let open: Vec<&Rec<Escalation>> = parts(world, meta)
            .filter(|e: &&Rec<Escalation>| e.data.status.is_open())
            .collect();
        let settings = in_force(world);
        let rule = settings.escalation;
        let current = risk.current.map(|s| s.level(settings));
        let above_appetite = current
            .zip(risk.appetite)
            .and_then(|(c, a)| settings.is_above(c.product, a));
        // A control for which nobody assumes a reduction counts for none, unless that is so of all.
        let stated: Vec<&Rec<Control>> = controls
            .iter()
            .filter(|c| c.data.assumed_reduction.is_some())
            .copied()
            .collect();
        let assumed = match stated.is_empty() {
            true => left(settings, risk, &controls),
            false => left(settings, risk, &stated),
        };
        let verified = left(settings, risk, &effective);
        Self {
            inherent_level: risk.inherent.map(|s| s.level(settings)),
            current_level: current,
            target_level: risk.target.map(|s| s.level(settings)),
            assumed_level: assumed.ok(),
            assumed_level_missing: assumed.err(),
            verified_level: verified.ok(),
            verified_level_missing: verified.err(),
            above_appetite,
            escalation_due: risk.status == RiskStatus::Open
                && open.is_empty()
                && current.is_some_and(|c| {
                    c.product >= rule.from_product
                        || (rule.above_appetite && above_appetite == Some(true))
                }),
            assessed_control_count: count(
                controls.len() - controls.iter().filter(not_assessed).count(),
            ),
            control_count: count(controls.len()),
            effective_control_count: count(effective.len()),
            last_reviewed_on: parts(world, meta)
                .map(|r: &Rec<RiskReview>| r.data.reviewed_on)
                .max(),
            open_escalation_count: count(open.len()),
            escalation_status: open
                .iter()
                .max_by_key(|e| (e.data.proposed_on, e.meta.id))
                .map(|e| e.data.status),
        }
    }
}

/// The inherent score minus the assumed reductions of these controls. What is not stated is not
/// taken for nought.
fn left(
    settings: &SettingSet,
    risk: &Risk,
    controls: &[&Rec<Control>],
) -> Result<RiskLevel, RiskLevelMissing> {
    let inherent = risk.inherent.ok_or(RiskLevelMissing::InherentNotStated)?;
    let (mut likelihood, mut impact) = (0u8, 0u8);
    for control in controls {
        let by = control.data.assumed_reduction;
        let by = by.ok_or(RiskLevelMissing::ReductionNotStated)?;
        likelihood = likelihood.saturating_add(by.likelihood);
        impact = impact.saturating_add(by.impact);
    }
    Ok(inherent.reduced(settings, likelihood, impact))
}
