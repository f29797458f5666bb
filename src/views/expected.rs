//! When a record that others wait for is expected, as the gap rules and the papers work it out: a
//! record deferred without a date counts by its first deadline. The dependency graph (`awaits`)
//! uses `readiness`, where such a date says nothing.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::registers::assurance::{
    Recommendation, RecommendationLink, RecommendationRelation, RecommendationUpdate,
};
use crate::views::readiness::{Readiness, readiness};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec};

/// Date on which a record was done or else is expected, if it has one. A version without an approval
/// date is expected when its strategy is.
#[must_use]
pub fn due_of(seen: &VisibleWorld, on: NaiveDate, id: Uuid) -> Option<NaiveDate> {
    seen.any(id)?.deadline(seen.reading(on)).expected_on()
}

/// Something that has not happened yet, and that something else waits for.
pub struct Awaited<'a> {
    pub record: &'a Arc<dyn AnyRecord>,
    /// Date on which it is expected.
    pub due_on: Option<NaiveDate>,
}

/// What a recommendation depends on or is to be implemented by, if it was given up.
pub fn given_up_of<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    recommendation: &Rec<Recommendation>,
) -> impl Iterator<Item = &'a Arc<dyn AnyRecord>> {
    use RecommendationRelation::{AddressedBy, DependsOn};
    let own = recommendation.meta.id;
    seen.pointing::<RecommendationLink>(own)
        .filter(move |l| {
            l.data.recommendation_id == own && matches!(l.data.relation, DependsOn | AddressedBy)
        })
        .filter_map(|l| seen.any(l.data.to_id.uuid()))
        .filter(move |r| readiness(seen, on, r) == Readiness::GivenUp)
}

/// What a recommendation depends on or refers to that has not happened yet, from its links and its
/// latest update. Records that only describe something (a board, a register, a document) are never
/// expected.
#[must_use]
pub fn awaited_by<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    recommendation: &Rec<Recommendation>,
) -> Vec<Awaited<'a>> {
    use RecommendationRelation::{AddressedBy, DependsOn, RefersTo};
    let own = recommendation.meta.id;
    let mut ids: Vec<Uuid> = seen
        .pointing::<RecommendationLink>(own)
        .filter(|l| {
            l.data.recommendation_id == own
                && matches!(l.data.relation, RefersTo | DependsOn | AddressedBy)
        })
        .map(|l| l.data.to_id)
        .map(Into::into)
        .collect();
    let latest = recommendation
        .computed
        .latest_update_id
        .and_then(|id| seen.get::<RecommendationUpdate>(id));
    ids.extend(latest.iter().flat_map(|u| u.data.referred()));
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter()
        .filter(|id| *id != own)
        .filter_map(|id| {
            let record = seen.any(id).filter(|r| seen.is_live(r.as_ref()))?;
            let deadline = record.deadline(seen.reading(on));
            deadline.is_open_on(on).then(|| Awaited {
                record,
                due_on: deadline.counts_on(),
            })
        })
        .collect()
}
