//! Scope of a status: everything, or what belongs to one strategy, plan, goal, unit, board, review
//! or risk register.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::registers::assurance::{
    AuditReview, Recommendation, RecommendationLink, RecommendationRelation,
};
use crate::registers::governance::{Board, Remit, RemitKind};
use crate::registers::meetings::Action;
use crate::registers::organisation::{Post, PostId, Unit, UnitId};
use crate::registers::plan::{Allocation, Plan, WorkPlanItem, WorkPlanItemId};
use crate::registers::risk::{Control, Escalation, Risk, RiskRegister};
use crate::registers::strategy::{Goal, GoalId, Strategy, StrategyReview, StrategyVersion};
use crate::views::RecordName;
use crate::world::visible::VisibleWorld;
use crate::world::{IdSet, Rec, Resource};

/// Kind of record that the scope is for. It decides how items, recommendations, actions and risks
/// are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Everything,
    /// A strategy, a plan or a goal: what serves it or relates to it.
    Purpose,
    Unit,
    Board,
    Review,
    Register,
}

/// Scope of a status.
pub struct Scope {
    about: About,
    id: Uuid,
    /// Plans whose items it covers.
    plans: IdSet,
    /// Goals that it covers.
    goals: IdSet,
    /// Units that it covers.
    units: IdSet,
    /// Items that it covers other than by plan, goal or unit.
    allocated: IdSet,
    /// Items, recommendations and other records found to be covered, because other records may be
    /// about them.
    covered: IdSet,
}

/// A record and all records below it.
fn with_below<R: Resource>(
    seen: &VisibleWorld,
    top: Uuid,
    is_below: impl Fn(&Rec<R>, Uuid) -> bool,
) -> IdSet {
    let (mut all, mut todo) = (IdSet::from_iter([top]), vec![top]);
    while let Some(at) = todo.pop() {
        let below = seen
            .pointing::<R>(at)
            .filter(|r| is_below(r, at))
            .map(|r| r.meta.id);
        todo.extend(below.filter(|id| all.insert(*id)));
    }
    all
}

/// The strategy that an item's plan delivers.
pub fn strategy_of(seen: &VisibleWorld, plan: Uuid) -> Option<Uuid> {
    let version = seen.get::<Plan>(plan)?.data.strategy_version_id?;
    Some((seen.get::<StrategyVersion>(version)?.data.strategy_id).uuid())
}

impl Scope {
    fn of(about: About, id: Uuid) -> Self {
        Self {
            about,
            id,
            plans: IdSet::default(),
            goals: IdSet::default(),
            units: IdSet::default(),
            allocated: IdSet::default(),
            covered: IdSet::from_iter([id]),
        }
    }

    /// Everything that the caller may see.
    pub fn everything() -> Self {
        Self::of(About::Everything, Uuid::nil())
    }

    /// Whether it covers everything.
    pub fn is_everything(&self) -> bool {
        self.about == About::Everything
    }

    /// What belongs to a record, with the record's name; `None` if its kind has no status, or if
    /// the caller may not see it.
    pub fn to(seen: &VisibleWorld, id: Uuid, on: NaiveDate) -> Option<(Self, RecordName)> {
        let record = seen.any(id)?;
        let mut scope = if seen.get::<Strategy>(id).is_some() {
            let mut scope = Self::of(About::Purpose, id);
            scope.plans = seen
                .live::<Plan>()
                .map(|p| p.meta.id)
                .filter(|p| strategy_of(seen, *p) == Some(id))
                .collect();
            scope.goals = seen
                .pointing::<Goal>(id)
                .filter(|g| g.data.strategy_id == id)
                .map(|g| g.meta.id)
                .collect();
            scope
                .covered
                .extend(seen.pointing::<StrategyReview>(id).map(|r| r.meta.id));
            scope
        } else if let Some(plan) = seen.get::<Plan>(id) {
            let mut scope = Self::of(About::Purpose, id);
            scope.plans.extend(seen.is_live(plan).then_some(id));
            scope
        } else if seen.get::<Goal>(id).is_some() {
            let mut scope = Self::of(About::Purpose, id);
            scope.goals = with_below::<Goal>(seen, id, |g, at| g.data.parent_id == Some(at.into()));
            scope
        } else if seen.get::<Unit>(id).is_some() {
            let mut scope = Self::of(About::Unit, id);
            scope.units = with_below::<Unit>(seen, id, |u, at| u.data.parent_id == Some(at.into()));
            scope
        } else if seen.get::<Board>(id).is_some() {
            let mut scope = Self::of(About::Board, id);
            scope.allocated = seen
                .pointing::<Allocation>(id)
                .map(|a| a.data.item_id)
                .map(Into::into)
                .collect();
            let is_theirs = |r: &&Rec<Remit>| {
                r.data.remit_kind != RemitKind::Consulted && seen.is_active_on(*r, on)
            };
            scope.goals = seen
                .pointing::<Remit>(id)
                .filter(is_theirs)
                .map(|r| r.data.goal_id)
                .map(Into::into)
                .collect();
            scope
        } else if seen.get::<AuditReview>(id).is_some() {
            let mut scope = Self::of(About::Review, id);
            scope.allocated = seen
                .pointing::<Recommendation>(id)
                .flat_map(|r| r.data.item_ids.iter().copied())
                .map(Into::into)
                .collect();
            scope
        } else if seen.get::<RiskRegister>(id).is_some() {
            Self::of(About::Register, id)
        } else {
            return None;
        };
        scope.covered.extend(scope.goals.iter().copied());
        Some((scope, RecordName::of(seen, record)))
    }

    /// Adds records found to be covered, because actions, recommendations and risks may be about
    /// them.
    pub fn cover(&mut self, ids: impl IntoIterator<Item = Uuid>) {
        self.covered.extend(ids);
    }

    fn covers_any(&self, mut ids: impl Iterator<Item = Uuid>) -> bool {
        ids.any(|id| self.covered.contains(&id))
    }

    /// Whether it covers an item.
    pub fn has_item(&self, item: &Rec<WorkPlanItem>) -> bool {
        let data = &item.data;
        let serves = || {
            data.goals
                .iter()
                .any(|g| self.goals.contains(&g.goal_id.uuid()))
        };
        match self.about {
            About::Everything => true,
            About::Purpose => self.plans.contains(&data.plan_id.uuid()) || serves(),
            About::Unit => data
                .responsible_unit_id
                .is_some_and(|u| self.units.contains(&u.uuid())),
            About::Board => self.allocated.contains(&item.meta.id) || serves(),
            About::Review => self.allocated.contains(&item.meta.id),
            About::Register => false,
        }
    }

    /// Whether it covers a recommendation.
    pub fn has_recommendation(
        &self,
        seen: &VisibleWorld,
        recommendation: &Rec<Recommendation>,
    ) -> bool {
        let data = &recommendation.data;
        match self.about {
            About::Everything => true,
            About::Purpose | About::Board => {
                let leads = |l: &Rec<RecommendationLink>| {
                    let theirs = matches!(
                        l.data.relation,
                        RecommendationRelation::DependsOn | RecommendationRelation::AddressedBy
                    );
                    theirs
                        && l.data.recommendation_id == recommendation.meta.id
                        && self.covered.contains(&l.data.to_id.uuid())
                };
                let reviews_it = || {
                    let review = seen.get::<AuditReview>(data.review_id);
                    review.is_some_and(|r| {
                        let mut subjects = r.data.subject_ids.iter().map(|id| id.uuid());
                        subjects.any(|id| id == self.id || self.plans.contains(&id))
                    })
                };
                self.covers_any(goals_and_items(&data.goal_ids, &data.item_ids))
                    || reviews_it()
                    || seen
                        .pointing::<RecommendationLink>(recommendation.meta.id)
                        .any(leads)
            }
            About::Unit => self.owns(seen, data.owner_unit_id, data.owner_post_id),
            About::Review => data.review_id == self.id,
            About::Register => false,
        }
    }

    /// Whether it covers an action.
    pub fn has_action(&self, seen: &VisibleWorld, action: &Rec<Action>) -> bool {
        let data = &action.data;
        match self.about {
            About::Everything => true,
            About::Purpose | About::Review => {
                self.covers_any(data.record_ids.iter().map(|id| id.uuid()))
            }
            About::Unit => self.owns(seen, data.owner_unit_id, data.owner_post_id),
            About::Board => action.computed.board_id == Some(self.id),
            About::Register => false,
        }
    }

    /// Whether it covers a risk.
    pub fn has_risk(&self, seen: &VisibleWorld, on: NaiveDate, risk: &Rec<Risk>) -> bool {
        let data = &risk.data;
        let register = seen.get::<RiskRegister>(data.register_id);
        let is_about = || self.covers_any(goals_and_items(&data.goal_ids, &data.item_ids));
        match self.about {
            About::Everything => true,
            About::Purpose => {
                is_about()
                    || register.is_some_and(|r| {
                        r.data
                            .plan_id
                            .is_some_and(|p| self.plans.contains(&p.uuid()))
                    })
            }
            About::Unit => risk
                .unit_responsible(seen.reading(on))
                .is_some_and(|u| self.units.contains(&u.uuid())),
            About::Board => {
                let has_it =
                    |e: &Rec<Escalation>| e.data.to_board_id == self.id && e.data.status.is_open();
                register.is_some_and(|r| r.data.board_id == Some(self.id.into()))
                    || seen.pointing::<Escalation>(risk.meta.id).any(has_it)
            }
            About::Review => {
                let mut controls = seen.pointing::<Control>(risk.meta.id);
                controls.any(|c| {
                    c.data
                        .recommendation_id
                        .is_some_and(|r| self.covered.contains(&r.uuid()))
                })
            }
            About::Register => data.register_id == self.id,
        }
    }

    fn owns(&self, seen: &VisibleWorld, unit: Option<UnitId>, post: Option<PostId>) -> bool {
        let of_post = || seen.get::<Post>(post?).map(|p| p.data.unit_id);
        unit.or_else(of_post)
            .is_some_and(|u| self.units.contains(&u.uuid()))
    }
}

/// The goals and items that a record is about.
fn goals_and_items(goals: &[GoalId], items: &[WorkPlanItemId]) -> impl Iterator<Item = Uuid> {
    let items = items.iter().map(|id| id.uuid());
    goals.iter().map(|id| id.uuid()).chain(items)
}
