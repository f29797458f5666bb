//! Codes of the rules that find gaps, each with its register and the kind of record it checks. The
//! rules themselves are in a view; a test there compares them with this list.

use serde::{Deserialize, Deserializer, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::policy::Subject;
use crate::problem::one_of;

/// Register that a gap belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum GapRegister {
    /// Strategies and what belongs to them.
    Strategy,
    /// Plans and their items.
    Plan,
    /// Boards, their members and meetings, and oversight.
    Boards,
    /// Audit reviews and recommendations.
    Assurance,
    /// Risks, their registers, controls and escalations.
    Risk,
    /// Measures, their figures, and dashboards.
    Performance,
    /// Communications activities, intranet pages and good practice.
    Communications,
    /// Papers for boards.
    Papers,
    /// Waivers themselves. Their gaps must be resolved and cannot be waived.
    Waivers,
}

impl GapRegister {
    /// Returns the subject whose owners may waive the register's gaps. Gaps in waivers cannot be
    /// waived.
    #[must_use]
    pub fn keepers(self) -> Option<Subject> {
        match self {
            GapRegister::Strategy => Some(Subject::Strategy),
            GapRegister::Plan => Some(Subject::Plan),
            GapRegister::Boards => Some(Subject::Governance),
            GapRegister::Assurance => Some(Subject::Assurance),
            GapRegister::Risk => Some(Subject::Risk),
            GapRegister::Performance => Some(Subject::Performance),
            GapRegister::Communications => Some(Subject::Communications),
            GapRegister::Papers => Some(Subject::Paper),
            GapRegister::Waivers => None,
        }
    }
}

/// Every code, by register and the kind of record its rule checks. Codes never change.
pub const GAP_CODES: &[(GapRegister, &str, &[&str])] = &[
    (
        GapRegister::Strategy,
        "strategy",
        &[
            "strategy_without_owner",
            "strategy_planned_without_date",
            "strategy_without_approved_version",
        ],
    ),
    (
        GapRegister::Strategy,
        "strategy_version",
        &[
            "version_without_approval",
            "version_approved_but_document_draft",
        ],
    ),
    (
        GapRegister::Strategy,
        "strategy_review",
        &[
            "strategy_review_without_target_date",
            "strategy_review_without_start",
            "strategy_review_overdue",
        ],
    ),
    (
        GapRegister::Strategy,
        "goal",
        &[
            "goal_without_outcome",
            "goal_without_item",
            "goal_without_measure",
            "goal_without_board",
            "goal_decided_by_several_boards",
            "goal_without_owner",
        ],
    ),
    (
        GapRegister::Strategy,
        "cross_reference",
        &[
            "cross_reference_without_rationale",
            "cross_reference_not_everywhere",
            "cross_reference_one_sided",
        ],
    ),
    (
        GapRegister::Strategy,
        "suggestion",
        &["suggestion_without_disposition"],
    ),
    (
        GapRegister::Plan,
        "plan",
        &[
            "plan_without_owner",
            "plan_without_version",
            "plan_incomplete",
            "plan_without_items",
            "plan_ended_with_open_items",
        ],
    ),
    (
        GapRegister::Plan,
        "work_plan_item",
        &[
            "item_without_lead",
            "item_without_unit",
            "item_without_what",
            "item_without_how",
            "item_without_outcome",
            "item_without_measure",
            "item_without_goal",
            "item_without_deadline",
            "item_deadline_vague",
            "item_deferred_without_date",
            "item_overdue",
            "item_stale",
            "item_without_risk",
            "item_not_allocated",
            "item_rag_disagrees",
            "item_complete_without_update",
            "item_not_carried_forward",
        ],
    ),
    (
        GapRegister::Plan,
        "dependency",
        &[
            "dependency_undated",
            "dependency_given_up",
            "dependency_late",
        ],
    ),
    (
        GapRegister::Plan,
        "benefit_claim",
        &["benefit_without_evidence"],
    ),
    (
        GapRegister::Boards,
        "board",
        &[
            "board_without_owner",
            "board_without_terms",
            "terms_not_agreed",
            "board_without_chair",
            "board_without_reporting_line",
            "board_without_remit",
            "board_same_remit",
            "board_meets_too_rarely",
        ],
    ),
    (
        GapRegister::Boards,
        "terms_of_reference",
        &[
            "terms_incomplete",
            "terms_without_approval",
            "terms_review_overdue",
        ],
    ),
    (
        GapRegister::Boards,
        "board_relationship",
        &["relationship_agreed_by_one_side"],
    ),
    (
        GapRegister::Boards,
        "membership",
        &[
            "membership_without_basis",
            "membership_past_term",
            "membership_uninvited",
            "rotation_overdue",
            "seat_without_rotation",
            "seat_never_filled",
        ],
    ),
    (
        GapRegister::Boards,
        "meeting",
        &["meeting_not_recorded", "meeting_without_minutes"],
    ),
    (GapRegister::Boards, "minutes", &["minutes_unapproved"]),
    (
        GapRegister::Boards,
        "action",
        &[
            "action_without_owner",
            "action_without_deadline",
            "action_deferred_without_date",
            "action_overdue",
            "action_deferred_often",
            "action_closed_with_open_part",
        ],
    ),
    (
        GapRegister::Boards,
        "representation_target",
        &["representation_below_target"],
    ),
    (GapRegister::Boards, "unit", &["constituency_unrepresented"]),
    (
        GapRegister::Boards,
        "report_obligation",
        &["report_missed", "report_without_days"],
    ),
    (
        GapRegister::Boards,
        "oversight_channel",
        &["channel_without_coverage", "channel_without_frequency"],
    ),
    (
        GapRegister::Assurance,
        "recommendation",
        &[
            "recommendation_without_owner",
            "recommendation_without_priority",
            "recommendation_incomplete",
            "recommendation_without_response",
            "recommendation_rejection_open",
            "recommendation_without_deadline",
            "recommendation_overdue",
            "recommendation_extended_often",
            "recommendation_deferred_without_date",
            "recommendation_waits_for_undated",
            "recommendation_waits_for_given_up",
            "recommendation_waits_beyond_deadline",
            "recommendation_stale",
            "recommendation_long_unverified",
            "recommendation_claim_without_evidence",
            "recommendation_rejected_claim",
        ],
    ),
    (
        GapRegister::Assurance,
        "recommendation_link",
        &["duplicate_not_accepted", "recommendation_made_again"],
    ),
    (
        GapRegister::Assurance,
        "assertion",
        &["assertion_without_evidence"],
    ),
    (
        GapRegister::Risk,
        "risk_register",
        &["risk_register_without_board", "risk_register_empty"],
    ),
    (
        GapRegister::Risk,
        "risk",
        &[
            "risk_without_owner",
            "risk_without_score",
            "risk_without_appetite",
            "risk_without_control",
            "risk_without_review",
            "risk_review_overdue",
            "risk_above_appetite",
            "escalation_due",
        ],
    ),
    (
        GapRegister::Risk,
        "escalation",
        &["escalation_unacknowledged"],
    ),
    (
        GapRegister::Risk,
        "control",
        &[
            "control_without_owner",
            "control_unassessed",
            "control_failing",
        ],
    ),
    (
        GapRegister::Performance,
        "measure",
        &[
            "measure_without_definition",
            "measure_without_owner",
            "measure_without_source",
            "measure_without_target",
            "measure_without_frequency",
            "measure_without_data",
            "measure_data_late",
            "characteristic_unavailable",
        ],
    ),
    (
        GapRegister::Performance,
        "dashboard",
        &["dashboard_overdue", "dashboard_without_date"],
    ),
    (
        GapRegister::Communications,
        "communications_plan",
        &["communications_plan_without_aim"],
    ),
    (
        GapRegister::Communications,
        "communications_activity",
        &["activity_without_goal", "activity_without_evaluation"],
    ),
    (
        GapRegister::Communications,
        "campaign_evaluation",
        &["evaluation_without_evidence"],
    ),
    (
        GapRegister::Communications,
        "intranet_asset",
        &[
            "asset_without_owner",
            "asset_review_overdue",
            "asset_without_review",
        ],
    ),
    (
        GapRegister::Communications,
        "unit",
        &["group_without_good_practice"],
    ),
    (
        GapRegister::Communications,
        "good_practice",
        &["good_practice_ad_hoc"],
    ),
    (
        GapRegister::Papers,
        "paper",
        &[
            "paper_implication_not_assessed",
            "paper_appendix_draft",
            "paper_reference_unresolved",
            "overdue_recommendation_not_in_paper",
            "paper_decision_unrecorded",
        ],
    ),
    (GapRegister::Waivers, "gap_waiver", &["waiver_without_gap"]),
];

/// Code given in a query. Must be one of the existing codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapCode(pub String);

impl<'de> Deserialize<'de> for GapCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let known = || {
            GAP_CODES
                .iter()
                .flat_map(|(_, _, codes)| codes.iter().copied())
        };
        if known().any(|k| k == code) {
            Ok(Self(code))
        } else {
            Err(serde::de::Error::custom(one_of(
                &code,
                &known().collect::<Vec<_>>(),
            )))
        }
    }
}

impl PartialSchema for GapCode {
    fn schema() -> RefOr<Schema> {
        let known = GAP_CODES
            .iter()
            .flat_map(|(_, _, codes)| codes.iter().copied());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(known))
            .into()
    }
}
impl ToSchema for GapCode {}

/// Returns the register of a code and the kind of record its rule checks.
#[must_use]
pub fn gap_code(code: &str) -> Option<(GapRegister, &'static str)> {
    let found = GAP_CODES.iter().find(|(_, _, codes)| codes.contains(&code));
    found.map(|(register, kind, _)| (*register, *kind))
}

/// Returns the codes of the rules whose gaps can be waived.
pub(super) fn waivable() -> Vec<&'static str> {
    let groups = GAP_CODES
        .iter()
        .filter(|(register, _, _)| register.keepers().is_some());
    groups
        .flat_map(|(_, _, codes)| codes.iter().copied())
        .collect()
}
