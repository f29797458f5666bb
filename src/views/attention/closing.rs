//! What would close a finding: the operation, and the fields that it needs.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::resource::Names;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Kind, Text};

/// The operation that would close a finding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClosingOperation {
    /// Id of the operation in this document.
    pub operation_id: Text<100>,
    /// Method.
    pub method: Text<10>,
    /// Path, with the id of the record where the operation changes a known one.
    pub path: Text<200>,
    /// Fields that it needs, of which one may be enough.
    #[schema(max_items = 10)]
    pub fields: Vec<Text<100>>,
}

/// How a finding is closed.
#[derive(Debug, Clone, Copy)]
enum How {
    /// By changing the record that it was found on.
    Change,
    /// By changing another record of this kind.
    ChangeOther(&'static str),
    /// By recording a record of this kind.
    Record(&'static str),
}

use How::{Change, ChangeOther, Record};

/// How the findings of each rule are closed, with the fields. Findings of a rule that is not listed
/// are closed by changing the record.
const CLOSES: &[(&str, How, &[&str])] = &[
    ("strategy_without_owner", Change, &["owner_unit_id"]),
    ("strategy_planned_without_date", Change, &["expected_date"]),
    (
        "strategy_without_approved_version",
        Record("strategy_version"),
        &["strategy_id", "status", "approver_board_id", "approved_on"],
    ),
    (
        "version_without_approval",
        Change,
        &["approver_post_id", "approver_board_id", "approved_on"],
    ),
    (
        "version_approved_but_document_draft",
        Change,
        &["document", "status"],
    ),
    ("strategy_review_without_target_date", Change, &["target"]),
    ("strategy_review_without_start", Change, &["started_on"]),
    (
        "strategy_review_overdue",
        Change,
        &["status", "completed_on", "target"],
    ),
    ("goal_without_outcome", Change, &["intended_outcome"]),
    (
        "goal_without_item",
        ChangeOther("work_plan_item"),
        &["goals"],
    ),
    (
        "goal_without_measure",
        ChangeOther("measure"),
        &["goal_ids"],
    ),
    (
        "goal_without_board",
        Record("remit"),
        &["board_id", "goal_id", "remit_kind"],
    ),
    (
        "goal_decided_by_several_boards",
        ChangeOther("remit"),
        &["remit_kind"],
    ),
    ("goal_without_owner", Change, &["owner_post_id"]),
    ("cross_reference_without_rationale", Change, &["rationale"]),
    ("cross_reference_not_everywhere", Change, &["stated_in"]),
    (
        "cross_reference_one_sided",
        Record("cross_reference"),
        &["from_strategy_id", "to_strategy_id", "relation"],
    ),
    (
        "suggestion_without_disposition",
        Change,
        &["disposition", "taken_in_version_id", "reason"],
    ),
    ("plan_without_owner", Change, &["owner_unit_id"]),
    ("plan_without_version", Change, &["strategy_version_id"]),
    ("plan_incomplete", Change, &["completeness_claim"]),
    (
        "plan_without_items",
        Record("work_plan_item"),
        &["plan_id", "title", "item_kind"],
    ),
    (
        "plan_ended_with_open_items",
        ChangeOther("work_plan_item"),
        &["status"],
    ),
    ("item_without_lead", Change, &["lead_post_id"]),
    ("item_without_unit", Change, &["responsible_unit_id"]),
    ("item_without_what", Change, &["what"]),
    ("item_without_how", Change, &["how"]),
    ("item_without_outcome", Change, &["intended_outcome"]),
    (
        "item_without_measure",
        Change,
        &["measures", "quantified_target"],
    ),
    ("item_without_goal", Change, &["goals"]),
    ("item_without_deadline", Change, &["deadline"]),
    (
        "item_deadline_vague",
        Record("deadline_change"),
        &["item_id", "to", "reason"],
    ),
    (
        "item_deferred_without_date",
        Record("deadline_change"),
        &["item_id", "to", "reason"],
    ),
    ("item_overdue", Change, &["status", "completed_on"]),
    (
        "item_stale",
        Record("progress_update"),
        &["item_id", "parts"],
    ),
    ("item_without_risk", Change, &["risk_summary"]),
    (
        "item_not_allocated",
        Record("allocation"),
        &["item_id", "board_id", "unit_id"],
    ),
    ("item_rag_disagrees", Change, &["declared_rag"]),
    (
        "item_complete_without_update",
        Record("progress_update"),
        &["item_id", "parts"],
    ),
    (
        "item_not_carried_forward",
        Record("work_plan_item"),
        &["plan_id", "carried_from_item_id", "carry"],
    ),
    ("dependency_undated", Change, &["needed_by"]),
    ("dependency_given_up", Change, &["status"]),
    (
        "dependency_late",
        Record("deadline_change"),
        &["item_id", "to", "reason"],
    ),
    (
        "benefit_without_evidence",
        Record("evidence"),
        &["supports_id", "document_version_id", "shows"],
    ),
    ("board_without_owner", Change, &["owner_unit_id"]),
    (
        "board_without_terms",
        Record("terms_of_reference"),
        &["board_id", "sections", "status"],
    ),
    (
        "terms_not_agreed",
        ChangeOther("terms_of_reference"),
        &["status", "approver_board_id", "approved_on"],
    ),
    ("terms_incomplete", Change, &["sections"]),
    (
        "terms_without_approval",
        Change,
        &["approver_post_id", "approver_board_id", "approved_on"],
    ),
    ("terms_review_overdue", Change, &["review_on"]),
    (
        "board_without_chair",
        Record("membership"),
        &["board_id", "post_id", "capacity"],
    ),
    (
        "board_without_reporting_line",
        Record("board_relationship"),
        &["from_board_id", "to_id", "relationship_kind"],
    ),
    (
        "board_without_remit",
        Record("remit"),
        &["board_id", "goal_id", "remit_kind"],
    ),
    ("board_same_remit", ChangeOther("remit"), &["remit_kind"]),
    (
        "relationship_agreed_by_one_side",
        Change,
        &["agreed_by_from_on", "agreed_by_to_on"],
    ),
    ("membership_without_basis", Change, &["basis"]),
    (
        "membership_past_term",
        Record("membership"),
        &["board_id", "post_id", "capacity", "term_from_on"],
    ),
    (
        "membership_uninvited",
        Record("invitation"),
        &["board_id", "unit_id", "post_id", "basis"],
    ),
    (
        "rotation_overdue",
        Record("membership"),
        &["board_id", "unit_id", "term_from_on"],
    ),
    (
        "seat_without_rotation",
        Record("rotation_policy"),
        &["board_id", "constituency_kind", "term_months", "pool"],
    ),
    ("seat_never_filled", Change, &["term_until_on"]),
    (
        "representation_below_target",
        Record("membership"),
        &["board_id", "constituency_unit_id", "capacity"],
    ),
    (
        "constituency_unrepresented",
        Record("membership"),
        &["board_id", "constituency_unit_id", "capacity"],
    ),
    (
        "board_meets_too_rarely",
        Record("meeting"),
        &["board_id", "scheduled"],
    ),
    (
        "meeting_not_recorded",
        Change,
        &["status", "held_on", "cancellation_reason"],
    ),
    (
        "meeting_without_minutes",
        Record("minutes"),
        &["meeting_id", "text"],
    ),
    (
        "minutes_unapproved",
        Change,
        &["status", "approved_at_meeting_id", "approved_on"],
    ),
    (
        "action_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    (
        "action_without_deadline",
        Change,
        &["due", "target_meeting_id"],
    ),
    (
        "action_deferred_without_date",
        Record("action_deferral"),
        &["action_id", "to", "reason"],
    ),
    (
        "action_overdue",
        Record("action_response"),
        &["action_id", "text", "claimed_status"],
    ),
    (
        "action_deferred_often",
        Record("action_response"),
        &["action_id", "text", "claimed_status"],
    ),
    ("action_closed_with_open_part", Change, &["status"]),
    (
        "report_missed",
        Record("report_submission"),
        &["obligation_id", "period_due_on", "submitted_on"],
    ),
    (
        "report_without_days",
        Change,
        &["frequency", "first_due_on"],
    ),
    (
        "channel_without_coverage",
        Change,
        &["covers", "goal_ids", "strategy_ids", "board_ids"],
    ),
    ("channel_without_frequency", Change, &["frequency"]),
    (
        "recommendation_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    ("recommendation_without_priority", Change, &["priority"]),
    (
        "recommendation_incomplete",
        Change,
        &["finding", "recommendation"],
    ),
    (
        "recommendation_without_response",
        Record("management_response"),
        &["recommendation_id", "response"],
    ),
    (
        "recommendation_rejection_open",
        Record("recommendation_closure"),
        &["recommendation_id", "closure", "reason"],
    ),
    ("recommendation_without_deadline", Change, &["deadline"]),
    (
        "recommendation_overdue",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    (
        "recommendation_extended_often",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    (
        "recommendation_deferred_without_date",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "asked_deadline"],
    ),
    (
        "recommendation_waits_for_undated",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    (
        "recommendation_waits_for_given_up",
        Record("recommendation_link"),
        &["recommendation_id", "relation", "to_id"],
    ),
    (
        "recommendation_waits_beyond_deadline",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "asked_deadline"],
    ),
    (
        "recommendation_stale",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    (
        "recommendation_long_unverified",
        Record("verification"),
        &["recommendation_id", "claim_id", "result"],
    ),
    (
        "recommendation_claim_without_evidence",
        Record("evidence"),
        &["supports_id", "document_version_id", "shows"],
    ),
    (
        "recommendation_rejected_claim",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    (
        "duplicate_not_accepted",
        Record("recommendation_closure"),
        &["recommendation_id", "closure", "duplicate_link_id"],
    ),
    (
        "recommendation_made_again",
        Record("recommendation_closure"),
        &["recommendation_id", "closure", "superseded_by_id"],
    ),
    (
        "assertion_without_evidence",
        Record("evidence"),
        &["supports_id", "document_version_id", "shows"],
    ),
    ("risk_register_without_board", Change, &["board_id"]),
    (
        "risk_register_empty",
        Record("risk"),
        &["register_id", "title", "current"],
    ),
    (
        "risk_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    ("risk_without_score", Change, &["current"]),
    ("risk_without_appetite", Change, &["appetite"]),
    (
        "risk_without_control",
        Record("control"),
        &["risk_ids", "title", "owner_unit_id"],
    ),
    ("risk_without_review", Change, &["review_on"]),
    (
        "risk_review_overdue",
        Record("risk_review"),
        &["risk_id", "reviewed_on", "next_review_on"],
    ),
    ("risk_above_appetite", Change, &["current", "appetite"]),
    (
        "escalation_due",
        Record("escalation"),
        &["risk_id", "to_board_id", "status"],
    ),
    (
        "escalation_unacknowledged",
        Change,
        &["status", "acknowledged_on"],
    ),
    (
        "control_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    (
        "control_unassessed",
        Change,
        &["effectiveness", "assessed_on"],
    ),
    (
        "control_failing",
        Record("recommendation_update"),
        &["recommendation_id", "update_kind", "narrative"],
    ),
    ("measure_without_definition", Change, &["definition"]),
    (
        "measure_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    ("measure_without_source", Change, &["source_id"]),
    (
        "measure_without_target",
        Record("measure_target"),
        &["measure_id", "period", "target_value"],
    ),
    ("measure_without_frequency", Change, &["frequency"]),
    (
        "measure_without_data",
        Record("observation"),
        &["measure_id", "period", "value"],
    ),
    (
        "measure_data_late",
        Record("observation"),
        &["measure_id", "period", "value"],
    ),
    (
        "characteristic_unavailable",
        Record("observation"),
        &["measure_id", "period", "breakdown", "value"],
    ),
    (
        "dashboard_overdue",
        Record("dashboard_version"),
        &["dashboard_id", "maturity", "published_on"],
    ),
    ("dashboard_without_date", Change, &["promised"]),
    (
        "communications_plan_without_aim",
        Change,
        &["strategy_id", "goal_ids"],
    ),
    ("activity_without_goal", Change, &["goal_ids"]),
    (
        "activity_without_evaluation",
        Record("campaign_evaluation"),
        &["activity_id", "evaluated_on", "learnt"],
    ),
    ("evaluation_without_evidence", Change, &["evidence"]),
    (
        "asset_without_owner",
        Change,
        &["owner_post_id", "owner_unit_id"],
    ),
    (
        "asset_review_overdue",
        Change,
        &["last_reviewed_on", "review_due_on"],
    ),
    ("asset_without_review", Change, &["review_due_on"]),
    (
        "group_without_good_practice",
        Record("good_practice"),
        &["unit_id", "title", "published_on"],
    ),
    (
        "good_practice_ad_hoc",
        Record("communications_activity"),
        &["plan_id", "title", "starts_on"],
    ),
    (
        "paper_implication_not_assessed",
        Change,
        &["equality_impact", "financial", "legal", "risk"],
    ),
    ("paper_appendix_draft", Change, &["appendices"]),
    ("paper_reference_unresolved", Change, &["narrative"]),
    (
        "overdue_recommendation_not_in_paper",
        Change,
        &["scope", "struck"],
    ),
    ("paper_decision_unrecorded", Change, &["recommendations"]),
];

/// The rules whose findings only audit can close.
const BY_AUDIT: &[&str] = &[
    "recommendation_without_priority",
    "recommendation_incomplete",
    "recommendation_without_deadline",
    "recommendation_rejection_open",
    "recommendation_long_unverified",
    "duplicate_not_accepted",
    "recommendation_made_again",
];

/// Whether only audit can close the findings of a rule.
pub fn is_for_audit(rule: &str) -> bool {
    BY_AUDIT.contains(&rule)
}

fn named<'a>(kinds: &'a [Kind], name: &str) -> Option<&'a Kind> {
    kinds.iter().find(|kind| kind.name == name)
}

/// What would close the finding of a rule on a record.
pub fn closing(
    seen: &VisibleWorld,
    rule: &str,
    record: &dyn AnyRecord,
    parts: Option<&'static str>,
) -> Option<ClosingOperation> {
    let (how, fields) = CLOSES
        .iter()
        .find(|(code, _, _)| *code == rule)
        .map_or((Change, &[][..]), |(_, how, fields)| (*how, *fields));
    let own = parts.unwrap_or_else(|| own_kind(seen, record));
    let (name, id): (&str, Option<Uuid>) = match how {
        Change => (own, parts.is_none().then(|| record.meta().id)),
        ChangeOther(kind) | Record(kind) => (kind, None),
    };
    let kind = named(seen.kinds(), name)?;
    let names = Names::of(kind);
    let collection = Names::collection(kind);
    let (method, verb, path) = match (how, id) {
        (Record(_), _) => ("POST", "create", collection),
        (_, Some(id)) => ("PATCH", "update", format!("{collection}/{id}")),
        (_, None) => ("PATCH", "update", format!("{collection}/{{id}}")),
    };
    Some(ClosingOperation {
        operation_id: Text::cut(format!("{verb}{}", names.type_name)),
        method: Text::cut(method),
        path: Text::cut(path),
        fields: fields.iter().map(|&field| Text::cut(field)).collect(),
    })
}

fn own_kind(seen: &VisibleWorld, record: &dyn AnyRecord) -> &'static str {
    let kinds = seen.kinds();
    kinds.get(record.meta().kind()).map_or("", |kind| kind.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;
    use crate::registers::catalogue;
    use crate::registers::gaps::{GAP_CODES, gap_code};

    #[test]
    fn every_gap_says_what_would_close_it() {
        for (_, _, codes) in some(GAP_CODES) {
            for code in some(*codes).filter(|code| **code != "waiver_without_gap") {
                let listed = CLOSES.iter().filter(|(known, _, _)| known == code).count();
                assert_eq!(listed, 1, "{code}");
            }
        }
    }

    #[test]
    fn it_names_fields_that_exist() {
        let document = crate::app::document_value();
        let schemas = &document["components"]["schemas"];
        for (code, how, fields) in some(CLOSES) {
            let kind = match how {
                Change => gap_code(code).map(|(_, kind)| kind),
                ChangeOther(kind) | Record(kind) => Some(*kind),
            };
            let kind = kind.unwrap_or_else(|| panic!("{code} is not the code of a gap"));
            let kind = catalogue()
                .named(kind)
                .unwrap_or_else(|| panic!("{code}: {kind}"));
            let schema = &schemas[&format!("{}Input", kind.schema_name)];
            for field in some(*fields) {
                assert!(
                    schema["properties"][*field].is_object(),
                    "{code}: {} has no {field}",
                    kind.name
                );
            }
        }
    }
}
