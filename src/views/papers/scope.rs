//! What a paper reports on, and the names of records in it.

use uuid::Uuid;

use super::queries::Basis;
use crate::registers::assurance::Recommendation;
use crate::registers::meetings::Meeting;
use crate::registers::papers::Paper;
use crate::registers::plan::Plan;
use crate::registers::strategy::StrategyVersion;
use crate::views::RecordName;
use crate::views::status::Named;
use crate::world::collation::Collated;
use crate::world::id::Target;
use crate::world::visible::VisibleWorld;
use crate::world::{Id, Rec, Resource};

/// A paper, the world that holds its record, and the world that it reports on. A paper written
/// today may report on last month.
pub struct Sources<'a> {
    pub paper: &'a Rec<Paper>,
    pub seen: &'a VisibleWorld,
    pub basis: &'a Basis,
}

/// The name of a record.
pub fn name_of(seen: &VisibleWorld, id: impl Into<Uuid>) -> Option<RecordName> {
    seen.any(id).map(|r| RecordName::of(seen, r))
}

/// Name of a record of the given kind.
pub fn named<R: Resource>(
    seen: &VisibleWorld,
    id: impl Into<Id<R>>,
    name: fn(&R) -> &str,
) -> Option<Named> {
    seen.get::<R>(id)
        .map(|r| Named::new(&r.meta, name(&r.data)))
}

/// The records of a list that are live.
fn live<T: Target>(seen: &VisibleWorld, ids: &[Id<T>]) -> Vec<Uuid> {
    let is_live = |id: &Uuid| seen.any(*id).is_some_and(|r| seen.is_live(r.as_ref()));
    ids.iter().map(|id| id.uuid()).filter(is_live).collect()
}

/// What a paper reports on, limited to what its reader may see.
pub struct Scope {
    pub board: Option<Uuid>,
    pub strategies: Vec<Uuid>,
    pub plans: Vec<Uuid>,
    pub reviews: Vec<Uuid>,
    /// Each recommendation once, ordered by review and number.
    pub recommendations: Vec<Uuid>,
    pub meetings: Vec<Uuid>,
}

impl Scope {
    /// The scope of a paper.
    #[must_use]
    pub fn of(sources: &Sources<'_>) -> Self {
        let (data, seen) = (&sources.paper.data, &sources.basis.seen);
        let (plans, reviews) = (
            live(seen, &data.scope.plan_ids),
            live(seen, &data.scope.review_ids),
        );
        let mut strategies = live(seen, &data.scope.strategy_ids);
        for plan in &plans {
            let version = seen
                .get::<Plan>(*plan)
                .and_then(|p| p.data.strategy_version_id);
            let strategy = version
                .and_then(|v| seen.get::<StrategyVersion>(v))
                .map(|v| v.data.strategy_id.uuid());
            strategies.extend(strategy.filter(|s| !strategies.contains(s)));
        }
        let mut recommendations = Vec::new();
        for review in &reviews {
            let mut own: Vec<&Rec<Recommendation>> =
                seen.pointing::<Recommendation>(*review).collect();
            own.sort_by_key(|r| {
                (
                    r.data.number.unwrap_or(u32::MAX),
                    Collated(&r.meta.reference),
                )
            });
            recommendations.extend(own.into_iter().map(|r| r.meta.id));
        }
        let more: Vec<Uuid> = live(seen, &data.scope.recommendation_ids);
        recommendations.extend(
            more.into_iter()
                .filter(|id| !recommendations.contains(id))
                .collect::<Vec<_>>(),
        );
        Self {
            board: sources
                .seen
                .get::<Meeting>(data.meeting_id)
                .map(|m| m.data.board_id.uuid()),
            strategies,
            plans,
            reviews,
            recommendations,
            meetings: live(seen, &data.scope.meeting_ids),
        }
    }
}
