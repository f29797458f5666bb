//! Who may do what: the whole permission matrix in one place.
//!
//! Scope is not decided here. A grant applies to the organisation, to a unit and all units below
//! it, or to a board (see [`crate::access::caller`]).

use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

/// A role, least privilege, scoped to the organisation, a unit or a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Role {
    /// Other systems, scripts and oversight bodies. Reads records that are not marked
    /// official_sensitive.
    Viewer,
    /// Delivery leads. Keeps the work-plan items, recommendations, actions and controls of their
    /// unit up to date.
    Contributor,
    /// Data and insight. Maintains measures, sources and observations.
    Analyst,
    /// Board secretaries. Maintains boards, terms of reference, membership, remit, meetings,
    /// actions and oversight.
    BoardSecretary,
    /// Maintains risk registers, risks, controls and escalations.
    RiskManager,
    /// Maintains strategies, goals, plans and items, oversight and communications. Speaks for
    /// management on recommendations.
    StrategyManager,
    /// Reads everything, including the audit log. Maintains reviews and recommendations, verifies
    /// and closes.
    Auditor,
    /// Manages accounts, units and settings. Removes from the journal what must not be kept.
    Administrator,
}

impl Role {
    /// The code used in requests and responses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Contributor => "contributor",
            Role::Analyst => "analyst",
            Role::BoardSecretary => "board_secretary",
            Role::RiskManager => "risk_manager",
            Role::StrategyManager => "strategy_manager",
            Role::Auditor => "auditor",
            Role::Administrator => "administrator",
        }
    }

    /// The role with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::VARIANTS.iter().copied().find(|r| r.as_str() == code)
    }
}

/// What a caller may do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Act {
    /// Read records.
    Read,
    /// Create records.
    Create,
    /// Change existing records.
    Update,
    /// Withdraw records and restore them.
    Withdraw,
}

/// The subject acted on: a row of the matrix. Each resource belongs to exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Subject {
    /// Units and posts.
    Organisation,
    /// Strategies, versions, suggestions, goals, cross-references, reviews.
    #[strum(message = "Strategies")]
    Strategy,
    /// Plans, dependencies, allocations.
    #[strum(message = "Plans")]
    Plan,
    /// Items of plans. Contributors keep those of their unit up to date.
    #[strum(message = "Work-plan items")]
    PlanItem,
    /// Progress updates and benefit claims on items.
    #[strum(message = "Progress on items")]
    Progress,
    /// Changes to the deadlines of items. Decided by those who run the plan, never by the lead
    /// alone.
    #[strum(message = "Deadline changes")]
    DeadlineChange,
    /// Boards, board relationships, terms of reference, remits, memberships.
    Governance,
    /// Risk registers, risks, reviews, escalations.
    #[strum(message = "Risks")]
    Risk,
    /// Controls for risks. Contributors keep those of their unit up to date.
    #[strum(message = "Controls")]
    Control,
    /// Audit reviews, recommendations, their extensions, verifications and closures. Maintained by
    /// the auditors.
    Assurance,
    /// What management says about a recommendation: responses, updates and claims, assertions.
    /// Never maintained by those who verify it.
    #[strum(message = "Progress on recommendations")]
    AssuranceProgress,
    /// Links between recommendations. Management and audit may both propose them, because a link
    /// has no effect on its own.
    #[strum(message = "Recommendation links")]
    AssuranceLink,
    /// Documents, their versions, and what they are evidence for.
    #[strum(message = "Documents and evidence")]
    Document,
    /// Meetings, attendance, minutes and outcomes.
    #[strum(message = "Meetings")]
    Meeting,
    /// Actions set by a board. Contributors keep those of their unit up to date.
    #[strum(message = "Actions")]
    Action,
    /// Progress on an action: responses, deferrals.
    #[strum(message = "Progress on actions")]
    ActionProgress,
    /// Oversight channels and report obligations.
    Oversight,
    /// Measures, sources, classifications, targets, observations, dashboards.
    Performance,
    /// Communications plans, activities, campaigns, assets, good practice.
    Communications,
    /// Waivers of gaps. This row says which roles may try. A waiver also checks the row of the
    /// rule's register, so that each role can waive only in its own register.
    #[strum(message = "Waivers of gaps")]
    Waiver,
    /// Papers for boards, their templates, and their issues.
    #[strum(message = "Board papers")]
    Paper,
    /// Settings that differ between organisations: scales, bands, thresholds, suppression.
    #[strum(message = "Settings")]
    Setting,
    /// Accounts, service accounts, grants.
    #[strum(message = "Accounts and grants")]
    Access,
    /// Journal entries: who changed which record, when and why.
    #[strum(message = "Audit log")]
    Journal,
    /// Removal of the content of a superseded version from the journal. Auditors see every one.
    #[strum(message = "Redactions")]
    Redaction,
}

/// What one role may do with one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights(u8);

const NO: Rights = Rights(0);
/// Read.
const R: Rights = Rights(1);
/// Read and update.
const RU: Rights = Rights(1 | 4);
/// Read and create.
const RC: Rights = Rights(1 | 2);
/// Read, create, update, withdraw.
const ALL: Rights = Rights(1 | 2 | 4 | 8);

/// The permission matrix: a row for each subject and a column for each role, in the order of their
/// variants.
#[rustfmt::skip]
const MATRIX: [[Rights; Role::VARIANTS.len()]; Subject::VARIANTS.len()] = [
    // viewer contributor analyst secretary risk_mgr strategy auditor admin
    /* Organisation      */ [R,   R,          R,      R,        R,       R,       R,      ALL],
    /* Strategy          */ [R,   R,          R,      R,        R,       ALL,     R,      R],
    /* Plan              */ [R,   R,          R,      R,        R,       ALL,     R,      R],
    /* PlanItem          */ [R,   RU,         R,      R,        R,       ALL,     R,      R],
    /* Progress          */ [R,   RC,         R,      R,        R,       ALL,     R,      R],
    /* DeadlineChange    */ [R,   R,          R,      R,        R,       ALL,     R,      R],
    /* Governance        */ [R,   R,          R,      ALL,      R,       R,       R,      R],
    /* Risk              */ [R,   R,          R,      R,        ALL,     R,       R,      R],
    /* Control           */ [R,   RU,         R,      R,        ALL,     R,       R,      R],
    /* Assurance         */ [R,   R,          R,      R,        R,       R,       ALL,    R],
    /* AssuranceProgress */ [R,   RC,         R,      R,        R,       ALL,     R,      R],
    /* AssuranceLink     */ [R,   RC,         R,      R,        R,       ALL,     ALL,    R],
    /* Document          */ [R,   ALL,        ALL,    ALL,      ALL,     ALL,     RC,     R],
    /* Meeting           */ [R,   R,          R,      ALL,      R,       R,       R,      R],
    /* Action            */ [R,   RU,         R,      ALL,      R,       R,       R,      R],
    /* ActionProgress    */ [R,   RC,         R,      ALL,      R,       RC,      R,      R],
    /* Oversight         */ [R,   R,          R,      ALL,      R,       ALL,     R,      R],
    /* Performance       */ [R,   R,          ALL,    R,        R,       R,       R,      R],
    /* Communications    */ [R,   R,          R,      R,        R,       ALL,     R,      R],
    /* Waiver            */ [R,   R,          ALL,    ALL,      ALL,     ALL,     ALL,    R],
    /* Paper             */ [R,   R,          R,      ALL,      R,       ALL,     R,      R],
    /* Setting           */ [R,   R,          R,      R,        R,       R,       R,      ALL],
    /* Access            */ [NO,  NO,         NO,     NO,       NO,      NO,      R,      ALL],
    /* Journal           */ [NO,  NO,         NO,     NO,       NO,      NO,      R,      R],
    /* Redaction         */ [NO,  NO,         NO,     NO,       NO,      NO,      R,      RC],
];

/// Subjects whose figures are visible as recorded only to the roles that maintain them, in the
/// scope of the grant. Everyone else, including auditors, sees the released form
/// ([`crate::world::visible`]).
pub const RELEASED: [Subject; 1] = [Subject::Performance];

/// Whether `role` may do `act` on `subject`, within the scope of its grant.
#[must_use]
pub fn allows(role: Role, subject: Subject, act: Act) -> bool {
    let bit = match act {
        Act::Read => 1,
        Act::Create => 2,
        Act::Update => 4,
        Act::Withdraw => 8,
    };
    MATRIX
        .get(subject as usize)
        .and_then(|row| row.get(role as usize))
        .is_some_and(|rights| rights.0 & bit != 0)
}

/// Returns the roles that may do `act` on `subject`.
#[must_use]
pub fn roles(subject: Subject, act: Act) -> Vec<Role> {
    Role::VARIANTS
        .iter()
        .copied()
        .filter(|r| allows(*r, subject, act))
        .collect()
}
