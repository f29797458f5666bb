//! Controls: what reduces risks, who owns each control, and whether anyone has checked that it
//! works.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::assurance::{
    Recommendation, RecommendationClosureState, RecommendationId, RecommendationVerification,
};
use crate::registers::checks::{asked, distinct, in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, any_some, is_some, same_name};
use crate::registers::risk::RiskId;
use crate::world::visible::{Clearance, cleared};
use crate::world::{Key, Marking, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text, World};

/// How it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ControlKind {
    /// Prevents the event.
    Preventive,
    /// Limits the effects.
    Corrective,
    /// Directs what people do: policy, training.
    Directive,
    /// Detects that the event has happened.
    Detective,
}

/// Line of assurance it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ControlLine {
    /// The managers who do the work.
    #[strum(message = "First line")]
    First,
    /// Functions that oversee it.
    #[strum(message = "Second line")]
    Second,
    /// Internal audit.
    #[strum(message = "Third line")]
    Third,
    /// External audit, inspection, regulators.
    External,
}

/// Result of an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ControlEffectiveness {
    /// No assessment is recorded.
    #[default]
    NotAssessed,
    /// It does not work.
    Ineffective,
    /// It works in part.
    #[strum(message = "Partially effective")]
    Partial,
    /// It works as intended.
    Effective,
}

/// Number of steps that a control is assumed to take off a risk's inherent score. An assumption; it
/// changes no score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssumedReduction {
    /// Steps taken off the likelihood.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4)]
    pub likelihood: u8,
    /// Steps taken off the impact.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4)]
    pub impact: u8,
}

/// A control for one or more risks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Control {
    /// Risks it reduces.
    #[schema(min_items = 1, max_items = 50)]
    pub risk_ids: Vec<RiskId>,
    /// Title.
    pub title: Text<200, 1>,
    /// What is done, by whom and how often.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// How it works.
    #[serde(default)]
    pub control_kind: Option<ControlKind>,
    /// Line of assurance the control belongs to.
    #[serde(default)]
    pub line: Option<ControlLine>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Unit that owns it. The unit's contributors keep it up to date.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Result of the last assessment.
    #[serde(default)]
    pub effectiveness: ControlEffectiveness,
    /// Date of the last assessment. Required for an assessed control, and not allowed for any
    /// other.
    #[serde(default)]
    pub assessed_on: Option<NaiveDate>,
    /// Audit recommendation that the control implements. The control cannot be assessed as
    /// effective until audit has verified the recommendation.
    #[serde(default)]
    pub recommendation_id: Option<RecommendationId>,
    /// Reduction it is assumed to make to the inherent score.
    #[serde(default)]
    pub assumed_reduction: Option<AssumedReduction>,
}

/// Values computed by the service for a control.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ControlComputed {
    /// Audit's verification of the recommendation that the control implements. Null if it
    /// implements none, or one with a stricter marking than the control.
    pub recommendation_verification: Option<RecommendationVerification>,
    /// Effectiveness that follows from the recommendation: effective if it is verified; ineffective
    /// if the claim was rejected, the risk was accepted or the recommendation was rejected;
    /// otherwise not assessed.
    pub effectiveness_from_recommendation: Option<ControlEffectiveness>,
    /// Effectiveness used for the risk: the control's own assessment, but never better than what
    /// follows from the recommendation it implements. If the control itself is not assessed, what
    /// follows from the recommendation.
    pub counted_effectiveness: ControlEffectiveness,
    /// Reference of the recommendation in words, from before recommendations were recorded in the
    /// service. Removed once `recommendation_id` is set.
    pub recommendation_reference: Option<Text<60>>,
}

/// Filters for a list of controls.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ControlFilter {
    /// Only controls of this risk.
    risk_id: Option<RiskId>,
    /// Only controls owned by this post.
    owner_post_id: Option<PostId>,
    /// Only controls owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only controls owned by this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only controls assessed as any of these.
    #[param(value_type = Option<Vec<ControlEffectiveness>>, inline, explode = false)]
    effectiveness: Option<Any<ControlEffectiveness>>,
    /// Only controls of these kinds.
    #[param(value_type = Option<Vec<ControlKind>>, inline, explode = false)]
    control_kind: Option<Any<ControlKind>>,
    /// Only controls in these lines of assurance.
    #[param(value_type = Option<Vec<ControlLine>>, inline, explode = false)]
    line: Option<Any<ControlLine>>,
    /// Whether the control implements an audit recommendation.
    has_recommendation: Option<bool>,
    /// Only controls that implement this recommendation.
    recommendation_id: Option<RecommendationId>,
    /// Only controls that name a recommendation in words only (`true`), or all others (`false`).
    unresolved_recommendation: Option<bool>,
    /// Only controls whose recommendation has any of these verification states.
    #[param(value_type = Option<Vec<RecommendationVerification>>, inline, explode = false)]
    recommendation_verification: Option<Any<RecommendationVerification>>,
    /// Only controls that count for a risk as any of these.
    #[param(value_type = Option<Vec<ControlEffectiveness>>, inline, explode = false)]
    counted_effectiveness: Option<Any<ControlEffectiveness>>,
    /// Only controls that are failing today, or on the date given in `as_of`, because their
    /// recommendation is overdue (`true`), or all others (`false`).
    failing: Option<bool>,
    /// Only controls assessed on or after this date.
    assessed_from: Option<NaiveDate>,
    /// Only controls assessed on or before this date.
    assessed_until: Option<NaiveDate>,
}

impl ControlEffectiveness {
    /// The worse of an assessment and what follows from a recommendation. If the control itself has
    /// not been assessed, what follows from the recommendation.
    fn capped(self, by: Self) -> Self {
        let rank = |e| match e {
            Self::Ineffective => 0,
            Self::NotAssessed => 1,
            Self::Partial => 2,
            Self::Effective => 3,
        };
        match self {
            Self::NotAssessed => by,
            assessed if rank(by) < rank(assessed) => by,
            assessed => assessed,
        }
    }
}

/// The effectiveness that follows from a recommendation (S30).
fn follows_from(recommendation: &Rec<Recommendation>) -> ControlEffectiveness {
    use RecommendationClosureState as C;
    use RecommendationVerification as V;
    match (
        recommendation.computed.closure,
        recommendation.computed.verification,
    ) {
        (C::RiskAccepted | C::RejectedByManagement, _) | (_, V::Rejected) => {
            ControlEffectiveness::Ineffective
        }
        (C::Verified, _) => ControlEffectiveness::Effective,
        _ => ControlEffectiveness::NotAssessed,
    }
}

impl Control {
    fn recommendation<'a>(&self, world: &'a World) -> Option<&'a Rec<Recommendation>> {
        world.get(self.recommendation_id?)
    }

    /// S30: audit decides whether its recommendation has been implemented. An assessment of the
    /// control cannot come before that.
    fn check_recommendation(&self, rules: &mut Rules<'_, Self>) {
        let (is, before) = (self.effectiveness, rules.before.map(|b| &b.data));
        let said = before
            .is_none_or(|b| (b.effectiveness, b.recommendation_id) != (is, self.recommendation_id));
        let unverified = self
            .recommendation(rules.reading.world)
            .is_some_and(|r| follows_from(r) != ControlEffectiveness::Effective);
        rules.require(
            rules.following || !said || is != ControlEffectiveness::Effective || !unverified,
            "/effectiveness",
            "not_verified",
            "cannot be effective until audit has verified the recommendation that the control \
                implements; set it after that",
        );
    }
}

impl Rec<Control> {
    /// Whether the recommendation that it implements is overdue, as far as it is visible to the
    /// caller.
    #[must_use]
    pub fn is_failing(&self, reading: Reading<'_>) -> bool {
        self.data
            .recommendation(reading.world)
            .filter(|r| cleared(reading.world, reading.clearance, r.meta.id))
            .is_some_and(|r| r.is_overdue(reading.on))
    }
}

impl Resource for Control {
    const KIND: &'static str = "control";
    const PATH: &'static str = "controls";
    const PREFIX: &'static str = "CTL";
    const SUBJECT: Subject = Subject::Control;
    const ABOUT: &'static str = "What reduces risks. A control counts only as far as it has been \
        assessed. A control that implements an audit recommendation counts for no more than \
        audit has verified.";
    const SHAPE: i32 = 2;
    type Computed = ControlComputed;
    type Filter = ControlFilter;

    fn example() -> Value {
        json!({
            "risk_ids": ["019abcde-0000-7000-8000-000000000001"],
            "title": "Agree terms of reference for both STRIDE bodies",
            "control_kind": "directive",
            "line": "second",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "effectiveness": "not_assessed",
            "recommendation_id": "019abcde-0000-7000-8000-000000000001",
            "assumed_reduction": { "likelihood": 2, "impact": 0 }
        })
    }
    /// Shape 1: the recommendation was a text. It stays in words until `link_recommendations` in
    /// `transfer/first_start.rs`, or a caller, sets the link.
    fn lift(snapshot: &mut Map<String, Value>, shape: i32) {
        if shape < 2 {
            let declared = snapshot
                .get("effectiveness")
                .cloned()
                .unwrap_or_else(|| json!("not_assessed"));
            snapshot.insert("counted_effectiveness".into(), declared);
            for field in [
                "recommendation_id",
                "recommendation_verification",
                "effectiveness_from_recommendation",
            ] {
                snapshot.insert(field.into(), Value::Null);
            }
            snapshot
                .entry("recommendation_reference")
                .or_insert(Value::Null);
        }
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
            .and_within(self.risk_ids.iter().copied())
            .shared()
    }
    // S30
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/risk_ids", &self.risk_ids);
        let assessed = self.effectiveness != ControlEffectiveness::NotAssessed;
        let (code, detail) = if assessed {
            (
                "required",
                "is required for an assessed control; give the date of the assessment",
            )
        } else {
            (
                "not_allowed",
                "is not allowed for a control that is not assessed; set effectiveness, or leave \
                    it out",
            )
        };
        rules.require(
            assessed == self.assessed_on.is_some(),
            "/assessed_on",
            code,
            detail,
        );
        not_in_future(rules, "/assessed_on", self.assessed_on);
        self.check_recommendation(rules);
        // A risk that loses the control is recomputed too.
        let lost = |was: &Rec<Self>| {
            was.data
                .risk_ids
                .iter()
                .copied()
                .filter(|id| !self.risk_ids.contains(id))
                .map(Uuid::from)
                .collect()
        };
        let lost: Vec<Uuid> = rules.before.map(lost).unwrap_or_default();
        for risk in lost {
            rules.follow_up(risk, json!({}));
        }
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        // The control reveals nothing about a recommendation that is not visible to its readers,
        // and does not count as effective because of it.
        let world = reading.world;
        let recommendation = self.recommendation(world);
        let told = |r: &&Rec<Recommendation>| {
            let hidden = r.meta.marking == Marking::OfficialSensitive
                || !cleared(world, &Clearance::None, r.meta.id);
            !hidden || meta.marking == Marking::OfficialSensitive
        };
        let known = recommendation.filter(told);
        let follows =
            recommendation.map(|_| known.map_or(ControlEffectiveness::NotAssessed, follows_from));
        ControlComputed {
            recommendation_verification: known.map(|r| r.computed.verification),
            effectiveness_from_recommendation: follows,
            counted_effectiveness: follows
                .map_or(self.effectiveness, |by| self.effectiveness.capped(by)),
            recommendation_reference: before
                .and_then(|b| b.computed.recommendation_reference.clone())
                .filter(|_| self.recommendation_id.is_none()),
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        self.risk_ids.iter().map(|id| id.uuid()).collect()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "assessed_on",
                key: |r| Key::from(r.data.assessed_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let c = &r.data;
        let (computed, words) = (&r.computed, r.computed.recommendation_reference.is_some());
        f.risk_id.is_none_or(|risk| c.risk_ids.contains(&risk))
            && is_some(&f.owner_post_id, &c.owner_post_id)
            && is_some(&f.owner_unit_id, &c.owner_unit_id)
            && f.unit_below.is_none_or(|top| {
                c.owner_unit_id
                    .is_some_and(|u| reading.world.is_in_scope(u, top))
            })
            && any(&f.effectiveness, &c.effectiveness)
            && any_some(&f.control_kind, c.control_kind)
            && any_some(&f.line, c.line)
            && asked(f.has_recommendation, || {
                c.recommendation_id.is_some() || words
            })
            && is_some(&f.recommendation_id, &c.recommendation_id)
            && asked(f.unresolved_recommendation, || words)
            && (f.recommendation_verification.is_none()
                || computed
                    .recommendation_verification
                    .is_some_and(|v| any(&f.recommendation_verification, &v)))
            && any(&f.counted_effectiveness, &computed.counted_effectiveness)
            && asked(f.failing, || r.is_failing(reading))
            && in_window(c.assessed_on, (f.assessed_from, f.assessed_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.risk_id
            .map(Uuid::from)
            .or(f.recommendation_id.map(Uuid::from))
            .or(f.owner_post_id.map(Uuid::from))
            .or(f.owner_unit_id.map(Uuid::from))
    }
}

/// The controls that name in words a recommendation that has since been recorded, each with that
/// recommendation.
#[must_use]
pub fn resolvable_controls(world: &World) -> Vec<(Uuid, Uuid)> {
    let unresolved = world
        .live::<Control>()
        .filter_map(|c| Some((c, c.computed.recommendation_reference.as_ref()?)));
    unresolved
        .filter_map(|(control, reference)| {
            let named = world
                .live::<Recommendation>()
                .find(|r| same_name(&r.meta.reference, reference))?;
            Some((control.meta.id, named.meta.id))
        })
        .collect()
}
