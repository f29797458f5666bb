//! The three axes of a recommendation, and its other computed fields.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Recommendation;
use crate::access::accounts::{Account, same_hand};
use crate::registers::assurance::{
    ClosureKind, ManagementDecision, ManagementResponse, RecommendationClosure,
    RecommendationExtension, RecommendationUpdate, RecommendationUpdateKind, Verification,
    VerificationResult,
};
use crate::registers::links::{count, counts};
use crate::world::date::{PlannedDate, Precision};
use crate::world::{Meta, Rec, Resource, World};

/// Implementation status, as reported by management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationImplementation {
    /// Management has reported no progress.
    #[default]
    Open,
    /// Management has reported progress, or its first report was a claim that audit rejected.
    InProgress,
    /// Management has reported that it is implemented in part.
    PartiallyImplemented,
    /// Reported as implemented by management.
    ClaimedImplemented,
    /// Reported as not implemented by management.
    NotImplemented,
}

/// Result of audit's verification of management's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationVerification {
    /// No claim to verify.
    #[default]
    #[strum(message = "No claim")]
    None,
    /// A claim is waiting for verification.
    Submitted,
    /// Audit has verified the claim.
    Verified,
    /// Audit has rejected the last claim.
    Rejected,
}

/// How the recommendation was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RecommendationClosureState {
    /// The recommendation is still open.
    #[default]
    #[strum(message = "Not closed")]
    None,
    /// Audit has verified that it is implemented.
    Verified,
    /// Management accepts the risk of not implementing it.
    RiskAccepted,
    /// Another recommendation replaces it.
    Superseded,
    /// Audit accepts that it duplicates another recommendation.
    Duplicate,
    /// Management rejects it, and audit has closed it.
    RejectedByManagement,
}

/// Fields that the service computes for a recommendation from related records. Records with a
/// stricter marking than the recommendation are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecommendationComputed {
    /// The first deadline ever set. It never changes.
    pub first_deadline: Option<PlannedDate>,
    /// Number of times the deadline was extended.
    #[schema(minimum = 0)]
    pub extension_count: u32,
    /// Days from the first deadline to the current one; null if there is no date.
    pub deadline_moved_days: Option<i64>,
    /// Implementation status, as reported by management.
    pub implementation: RecommendationImplementation,
    /// Result of audit's verification of management's claim.
    pub verification: RecommendationVerification,
    /// How the recommendation was closed.
    pub closure: RecommendationClosureState,
    /// Management's latest response.
    pub management_response: Option<ManagementDecision>,
    /// The current claim, neither rejected nor retracted by a later report.
    pub claim_id: Option<Uuid>,
    /// Date of that claim, used to determine timeliness.
    pub claimed_on: Option<NaiveDate>,
    /// Date on which audit verified it.
    pub verified_on: Option<NaiveDate>,
    /// Date on which it was closed.
    pub closed_on: Option<NaiveDate>,
    /// Number of updates.
    #[schema(minimum = 0)]
    pub update_count: u32,
    /// Number of deferrals.
    #[schema(minimum = 0)]
    pub deferral_count: u32,
    /// Id of the latest update.
    pub latest_update_id: Option<Uuid>,
    /// Date of the latest update.
    pub latest_update_on: Option<NaiveDate>,
    /// Its kind.
    pub latest_update_kind: Option<RecommendationUpdateKind>,
    /// Date of the latest update, management response, extension or verification.
    #[serde(default)]
    #[schema(required)]
    pub last_heard_on: Option<NaiveDate>,
}

/// The records that count towards a recommendation's state, each kind in date order.
#[derive(Default)]
struct Parts<'a> {
    responses: Vec<&'a Rec<ManagementResponse>>,
    updates: Vec<&'a Rec<RecommendationUpdate>>,
    verifications: Vec<&'a Rec<Verification>>,
    extensions: Vec<&'a Rec<RecommendationExtension>>,
    closures: Vec<&'a Rec<RecommendationClosure>>,
}

impl<'a> Parts<'a> {
    fn of(world: &'a World, meta: &Meta) -> Self {
        let mut parts = Self::default();
        for source in world.pointing_to(meta.id) {
            if !world.is_live(source.as_ref()) || !counts(meta, source.meta()) {
                continue;
            }
            let any = source.as_any();
            // An update or a closure of another recommendation may also refer to this one.
            if let Some(r) = any.downcast_ref::<Rec<RecommendationUpdate>>() {
                parts
                    .updates
                    .extend(Some(r).filter(|r| r.data.recommendation_id == meta.id));
            } else if let Some(r) = any.downcast_ref::<Rec<RecommendationClosure>>() {
                parts
                    .closures
                    .extend(Some(r).filter(|r| r.data.recommendation_id == meta.id));
            } else if let Some(r) = any.downcast_ref::<Rec<ManagementResponse>>() {
                parts.responses.push(r);
            } else if let Some(r) = any.downcast_ref::<Rec<Verification>>() {
                parts.verifications.push(r);
            } else if let Some(r) = any.downcast_ref() {
                parts.extensions.push(r);
            }
        }
        sort(&mut parts.responses, |r| r.responded_on);
        sort(&mut parts.updates, |u| u.stated_on);
        sort(&mut parts.verifications, |v| v.decided_on);
        sort(&mut parts.closures, |c| c.closed_on);
        sort(&mut parts.extensions, |e| e.approved_on);
        parts
    }

    fn last_heard_on(&self) -> Option<NaiveDate> {
        let days = [
            self.updates.last().map(|u| u.data.stated_on),
            self.responses.last().map(|r| r.data.responded_on),
            self.extensions.last().map(|e| e.data.approved_on),
            self.verifications.last().map(|v| v.data.decided_on),
        ];
        days.into_iter().flatten().max()
    }
}

fn sort<R: Resource>(parts: &mut [&Rec<R>], day: impl Fn(&R) -> NaiveDate) {
    parts.sort_by_key(|r| (day(&r.data), r.meta.created_at, r.meta.id));
}

impl RecommendationComputed {
    pub(super) fn of(
        data: &Recommendation,
        world: &World,
        meta: &Meta,
        before: Option<&Rec<Recommendation>>,
    ) -> Self {
        let parts = Parts::of(world, meta);
        let own =
            (data.deadline.precision != Precision::Unspecified).then(|| data.deadline.clone());
        let first_deadline = before
            .and_then(|b| b.computed.first_deadline.clone())
            .or(own);
        let first_due = first_deadline.as_ref().and_then(|d| d.due_on);
        let deferrals = parts
            .updates
            .iter()
            .filter(|u| u.data.update_kind == RecommendationUpdateKind::Deferral);
        let latest = parts.updates.last();
        let mut computed = Self {
            deadline_moved_days: first_due
                .zip(data.deadline.due_on)
                .map(|(first, now)| (now - first).num_days()),
            first_deadline,
            extension_count: count(parts.extensions.len()),
            management_response: parts.responses.last().map(|r| r.data.response),
            update_count: count(parts.updates.len()),
            deferral_count: count(deferrals.count()),
            latest_update_id: latest.map(|u| u.meta.id),
            latest_update_on: latest.map(|u| u.data.stated_on),
            latest_update_kind: latest.map(|u| u.data.update_kind),
            last_heard_on: parts.last_heard_on(),
            ..Self::default()
        };
        computed.axes(&parts);
        computed
    }

    /// Derives implementation from the updates in date order; verifications decide which claims
    /// count.
    fn axes(&mut self, parts: &Parts<'_>) {
        use RecommendationImplementation as I;
        use RecommendationVerification as V;
        let verifications: HashMap<Uuid, &Rec<Verification>> = parts
            .verifications
            .iter()
            .map(|v| (v.data.claim_id.uuid(), *v))
            .collect();
        let result = |id: Uuid| verifications.get(&id).map(|v| v.data.result);
        let mut claim: Option<&Rec<RecommendationUpdate>> = None;
        for update in &parts.updates {
            match (update.data.update_kind, update.data.implementation) {
                (RecommendationUpdateKind::ClaimComplete, _)
                    if result(update.meta.id) == Some(VerificationResult::Rejected) =>
                {
                    (self.verification, claim) = (V::Rejected, None);
                    if self.implementation == I::Open {
                        self.implementation = I::InProgress;
                    }
                }
                (RecommendationUpdateKind::ClaimComplete, _) => {
                    (self.implementation, self.verification) =
                        (I::ClaimedImplemented, V::Submitted);
                    claim = Some(update);
                }
                // A later report of less progress retracts an unverified claim.
                (RecommendationUpdateKind::Progress, Some(reported)) => {
                    self.implementation = reported.into();
                    if claim.take().is_some() {
                        self.verification = V::None;
                    }
                }
                (RecommendationUpdateKind::Progress, None) if self.implementation == I::Open => {
                    self.implementation = I::InProgress
                }
                _ => {}
            }
        }
        if let Some(claim) = claim {
            (self.claim_id, self.claimed_on) = (Some(claim.meta.id), Some(claim.data.stated_on));
            if let Some(verification) = verifications.get(&claim.meta.id) {
                self.verification = V::Verified;
                self.closure = RecommendationClosureState::Verified;
                self.verified_on = Some(verification.data.decided_on);
                self.closed_on = self.verified_on;
            }
        }
        if let Some(closure) = parts.closures.last() {
            self.closure = closure.data.closure.into();
            self.closed_on = Some(closure.data.closed_on);
        }
    }
}

impl From<ClosureKind> for RecommendationClosureState {
    fn from(kind: ClosureKind) -> Self {
        match kind {
            ClosureKind::RiskAccepted => Self::RiskAccepted,
            ClosureKind::Superseded => Self::Superseded,
            ClosureKind::Duplicate => Self::Duplicate,
            ClosureKind::RejectedByManagement => Self::RejectedByManagement,
        }
    }
}

/// Whether an account, or another account of the same person, has ever claimed that the
/// recommendation or a part of it is implemented. Claims that were rejected, withdrawn or marked
/// count too: anyone who has spoken for management on a recommendation may not decide on it.
pub fn claimed_by(world: &World, recommendation: Uuid, account: Uuid) -> bool {
    world
        .pointing_to(recommendation)
        .filter_map(|r| r.as_any().downcast_ref::<Rec<RecommendationUpdate>>())
        .any(|u| {
            let by_same_hand = u
                .meta
                .created_by
                .is_some_and(|by| same_hand(|id| world.get::<Account>(id), by, account));
            u.data.recommendation_id == recommendation && by_same_hand && u.data.is_claim()
        })
}
