//! Where everything stands: work-plan items, audit recommendations, actions and risks, counted for everything or for what belongs to one
//! record; declared beside computed; what is due next; and what has moved since an earlier time.

mod counts;
mod items;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use self::counts::{
    ItemState, Plus, RecommendationCounts, RiskCounts, StatusCounts, StatusFigures,
};
use self::items::{ItemStatusRow, items};
use self::scope::Scope;
use super::RecordName;
use super::gathering::{Gathered, gather};
use super::kept::Kept;
use super::request::{Asked, View, compare_to, operation};
use super::rows::{flatten, judged_page};
pub use crate::http::naming::Named;
use crate::http::operation::{Operation, id_parameter, id_query, query};
use crate::http::page::limit_parameter;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{Recommendation, RecommendationClosureState};
use crate::registers::meetings::{Action, ActionStatus};
use crate::registers::organisation::Unit;
use crate::registers::plan::{Plan, Rag, WorkPlanItem};
use crate::registers::risk::{Risk, RiskStatus};
use crate::registers::settings::{SettingSet, SettingsUsed, in_force, used};
use crate::registers::strategy::Goal;
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::{Seen, Visible};
use crate::world::{IdSet, Rec, Resource};

/// How many dates the view shows.
const NEXT_DATES: usize = 20;

/// The items of one goal or unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusGroup {
    /// The goal or unit; null for the items that have none.
    pub of: Option<Named>,
    /// How they stand.
    pub counts: StatusCounts,
}

/// A date to come.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextDate {
    /// The day it is due; of a risk, its review.
    pub due_on: NaiveDate,
    /// The open item, recommendation, action or risk.
    pub record: RecordName,
    /// The post that leads it or answers for it; null where none does.
    pub owner_post_id: Option<Uuid>,
}

/// What the figures were judged by.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusThresholds {
    /// A deadline within so many days is due soon.
    pub due_soon_days: i64,
    /// Without an update for so many days an open item is stale.
    pub stale_after_days: i64,
    /// The settings that these come from.
    pub settings: SettingsUsed,
}

/// Why a whole has its computed colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusCause {
    /// Items are red by computation.
    ItemsRed,
    /// Recommendations are past their deadline, and nobody claims that they are implemented.
    RecommendationsOverdue,
    /// Audit has rejected claims.
    ClaimsRejected,
    /// Actions are past their day.
    ActionsOverdue,
    /// The settings ask for risks to be escalated, and they are not.
    EscalationsDue,
    /// Items are amber by computation.
    ItemsAmber,
    /// Claims wait for audit.
    ClaimsUnverified,
    /// Risks are above their appetite.
    RisksAboveAppetite,
    /// Open actions were put off, once or more: a deferral is no progress.
    ActionsDeferred,
    /// Actions count as closed though a part of them is open.
    ActionsClosedWithOpenPart,
    /// Leads rate items other than the service does.
    ItemsDisagreeing,
    /// Nothing is open.
    NothingOpen,
    /// What is open has a day to be judged by, and nothing speaks against it.
    OnCourse,
    /// What is open has no day to be judged by; or there is nothing at all.
    NothingToJudge,
}

/// One reason for the computed colour of a whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusReason {
    /// The colour that it gives by itself.
    pub rag: Rag,
    /// What it is.
    pub cause: StatusCause,
    /// How many records.
    pub count: u32,
}

/// A figure that has moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureChange {
    /// Which figure, by its place in the answer: `recommendations.timeliness.overdue`; those of items begin with `items`.
    #[schema(max_length = 100)]
    pub figure: String,
    /// What it was.
    #[schema(minimum = 0)]
    pub earlier: u64,
    /// What it is.
    #[schema(minimum = 0)]
    pub now: u64,
    /// By how much it has grown; negative: shrunk.
    pub change: i64,
}

/// What has moved since an earlier time.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusTrend {
    /// The earlier day, by which the earlier figures are judged.
    pub compared_to: NaiveDate,
    /// Number of the journal entry up to which they look.
    pub journal_seq: i64,
    /// The settings that the earlier figures are judged by: those of that time.
    pub settings: SettingsUsed,
    /// Whether what the view is about was on record then.
    pub was_on_record: bool,
    /// The computed colour then; null where it was not on record.
    pub computed_rag: Option<Rag>,
    /// The figures that differ, in the order of the answer.
    #[schema(max_items = 200)]
    pub changes: Vec<FigureChange>,
}

/// Where everything stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// The strategy, plan, goal, unit, board, review or risk register that it is about; null for everything.
    pub about: Option<RecordName>,
    /// The day it is judged by.
    pub on: NaiveDate,
    /// Number of the journal entry up to which it looks.
    pub journal_seq: i64,
    /// What the figures were judged by.
    pub thresholds: StatusThresholds,
    /// The colour of the whole as the service computes it: the worst that any reason gives.
    pub computed_rag: Rag,
    /// The reasons, the worst first.
    #[schema(max_items = 20)]
    pub reasons: Vec<StatusReason>,
    /// Work-plan items together.
    pub totals: StatusCounts,
    /// Audit recommendations together.
    pub recommendations: RecommendationCounts,
    /// Actions together.
    pub actions: counts::ActionCounts,
    /// Risks together.
    pub risks: RiskCounts,
    /// Items by each goal that is served, in the order of the references; an item that serves several counts for each.
    #[schema(max_items = 100_000)]
    pub by_goal: Vec<StatusGroup>,
    /// Items by the unit that is responsible.
    #[schema(max_items = 100_000)]
    pub by_unit: Vec<StatusGroup>,
    /// The next dates of what is open, soonest first: deadlines, and the reviews of risks.
    #[schema(max_items = 20)]
    pub next_dates: Vec<NextDate>,
    /// What has moved since `compare_to`; null where that was not asked for.
    pub trend: Option<StatusTrend>,
}

/// A row of a status as a table.
fn table_row(
    group: &str,
    of: Option<(Uuid, &str, &str)>,
    counts: &impl Serialize,
) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("group".into(), group.into());
    row.insert("id".into(), json!(of.map(|n| n.0)));
    row.insert("reference".into(), json!(of.map(|n| n.1)));
    row.insert("name".into(), json!(of.map(|n| n.2)));
    flatten(&mut row, "", json!(counts));
    row
}

impl View for StatusView {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let about = self
            .about
            .as_ref()
            .map(|a| (a.id, a.reference.as_str(), a.name.as_str()));
        let mut total = table_row("total", about, &self.totals);
        total.insert("computed".into(), json!(self.computed_rag));
        flatten(&mut total, "recommendations", json!(self.recommendations));
        flatten(&mut total, "actions", json!(self.actions));
        flatten(&mut total, "risks", json!(self.risks));
        let group = |group: &'static str| {
            move |g: &StatusGroup| {
                let of =
                    g.of.as_ref()
                        .map(|n| (n.id, n.reference.as_str(), n.name.as_str()));
                table_row(group, of, &g.counts)
            }
        };
        let mut rows = vec![total];
        rows.extend(self.by_goal.iter().map(group("goal")));
        rows.extend(self.by_unit.iter().map(group("unit")));
        rows
    }
}

/// What is due on a day to come.
#[derive(Clone)]
struct Due {
    kind: &'static str,
    name: String,
    owner_post_id: Option<Uuid>,
}

/// The next dates found so far, soonest first; of one day by reference.
#[derive(Clone, Default)]
struct Next(BTreeMap<(NaiveDate, String, Uuid), Due>);

impl Next {
    fn add<R: Resource>(
        &mut self,
        due: Option<NaiveDate>,
        record: &Rec<R>,
        name: &str,
        owner_post_id: Option<Uuid>,
    ) {
        let Some(due) = due else { return };
        let meta = &record.meta;
        let is_before = |(day, reference, id): &(NaiveDate, String, Uuid)| {
            (*day, reference.as_str(), *id) < (due, &meta.reference, meta.id)
        };
        if self.0.len() >= NEXT_DATES
            && self
                .0
                .last_key_value()
                .is_some_and(|(last, _)| is_before(last))
        {
            return;
        }
        let found = Due {
            kind: R::KIND,
            name: name.chars().take(300).collect(),
            owner_post_id,
        };
        self.0.insert((due, meta.reference.clone(), meta.id), found);
        if self.0.len() > NEXT_DATES {
            self.0.pop_last();
        }
    }

    fn dates(self) -> Vec<NextDate> {
        let date = |((due_on, reference, id), due): ((NaiveDate, String, Uuid), Due)| NextDate {
            due_on,
            record: RecordName {
                kind: due.kind.to_owned(),
                id,
                reference,
                name: due.name,
            },
            owner_post_id: due.owner_post_id,
        };
        self.0.into_iter().map(date).collect()
    }
}

/// What was counted of one part of the records.
#[derive(Clone, Default)]
pub struct Part {
    figures: StatusFigures,
    goals: HashMap<Option<Uuid>, StatusCounts, foldhash::fast::RandomState>,
    units: HashMap<Option<Uuid>, StatusCounts, foldhash::fast::RandomState>,
    next: Next,
    /// The items and recommendations that were counted; kept only for a status of less than everything.
    covered: Vec<Uuid>,
}

impl Gathered for Part {
    fn join(&mut self, other: Self) {
        self.figures.plus(&other.figures);
        for (mine, theirs) in [
            (&mut self.goals, other.goals),
            (&mut self.units, other.units),
        ] {
            for (id, counts) in theirs {
                mine.entry(id).or_default().plus(&counts);
            }
        }
        self.covered.extend(other.covered);
        self.next.0.extend(other.next.0);
        while self.next.0.len() > NEXT_DATES {
            self.next.0.pop_last();
        }
    }
}

/// What decides how a record counts in the status of everything, beside the record.
#[derive(PartialEq)]
pub struct Basis {
    on: NaiveDate,
    settings: SettingSet,
    visible: Visible,
    standing_plans: IdSet,
    withdrawn: IdSet,
}

/// What was counted of the records as they are.
pub type Counted = Kept<Basis, Part>;

/// What a status looks at, and how it judges.
struct Picture<'a> {
    seen: &'a Seen,
    on: NaiveDate,
    settings: &'a SettingSet,
    standing_plans: IdSet,
    counted: &'a Counted,
}

impl<'a> Picture<'a> {
    fn new(seen: &'a Seen, on: NaiveDate, counted: &'a Counted) -> Self {
        Self {
            seen,
            on,
            settings: in_force(seen.reading(on).world),
            standing_plans: seen.live::<Plan>().map(|p| p.meta.id).collect(),
            counted,
        }
    }

    fn is_to_come(&self, day: Option<NaiveDate>) -> Option<NaiveDate> {
        day.filter(|d| *d >= self.on)
    }

    fn add_item(&self, scope: &Scope, part: &mut Part, record: &Rec<WorkPlanItem>) {
        let data = &record.data;
        if !scope.has_item(record, self.standing_plans.contains(&data.plan_id)) {
            return;
        }
        if !scope.is_everything() {
            part.covered.push(record.meta.id);
        }
        let item = ItemState::new(record, self.on, self.settings);
        part.figures.items.add(&item);
        part.units
            .entry(data.responsible_unit_id)
            .or_default()
            .add(&item);
        if data.goals.is_empty() {
            part.goals.entry(None).or_default().add(&item);
        }
        for served in &data.goals {
            part.goals
                .entry(Some(served.goal_id))
                .or_default()
                .add(&item);
        }
        if !data.status.is_closed() {
            part.next.add(
                self.is_to_come(data.deadline.due_on),
                record,
                &data.title,
                data.lead_post_id,
            );
        }
    }

    fn add_recommendation(&self, scope: &Scope, part: &mut Part, record: &Rec<Recommendation>) {
        if !scope.has_recommendation(self.seen, record) {
            return;
        }
        if !scope.is_everything() {
            part.covered.push(record.meta.id);
        }
        part.figures
            .recommendations
            .add(record, self.on, self.settings);
        let is_open = record.computed.closure == RecommendationClosureState::None
            && record.computed.claimed_on.is_none();
        if is_open {
            let data = &record.data;
            part.next.add(
                self.is_to_come(data.deadline.due_on),
                record,
                &data.title,
                data.owner_post_id,
            );
        }
    }

    fn add_action(&self, scope: &Scope, part: &mut Part, record: &Rec<Action>) {
        if !scope.has_action(self.seen, record) {
            return;
        }
        part.figures.actions.add(record, self.on, self.settings);
        if record.data.status == ActionStatus::Open {
            let due = self.is_to_come(record.computed.due_on);
            part.next
                .add(due, record, &record.data.text, record.data.owner_post_id);
        }
    }

    fn add_risk(&self, scope: &Scope, part: &mut Part, record: &Rec<Risk>) {
        if !scope.has_risk(self.seen, record) {
            return;
        }
        part.figures.risks.add(record, self.on);
        if record.data.status == RiskStatus::Open {
            let due = self.is_to_come(record.data.review_on);
            part.next
                .add(due, record, &record.data.title, record.data.owner_post_id);
        }
    }

    /// What was counted before may stand for what is counted now: of everything, and of the world of now.
    fn basis(&self, scope: &Scope) -> Option<Arc<Basis>> {
        let visible = self.seen.visible().filter(|_| scope.is_everything())?;
        Some(Arc::new(Basis {
            on: self.on,
            settings: self.settings.clone(),
            visible,
            standing_plans: self.standing_plans.clone(),
            withdrawn: scope.withdrawn().clone(),
        }))
    }

    fn gather<R: Resource>(
        &self,
        basis: Option<&Arc<Basis>>,
        add: impl Fn(&mut Part, &Rec<R>) + Sync,
    ) -> Part {
        match basis {
            Some(basis) => self.counted.gather(self.seen, basis, add),
            None => gather(self.seen, add),
        }
    }

    /// Items first, then recommendations: others may be about either.
    fn count(&self, mut scope: Scope) -> Part {
        let basis = self.basis(&scope);
        let basis = basis.as_ref();
        let mut all = self.gather(basis, |part, item| self.add_item(&scope, part, item));
        scope.cover(std::mem::take(&mut all.covered));
        all.join(self.gather(basis, |part, r| self.add_recommendation(&scope, part, r)));
        scope.cover(std::mem::take(&mut all.covered));
        all.join(self.gather(basis, |part, a| self.add_action(&scope, part, a)));
        all.join(self.gather(basis, |part, r| self.add_risk(&scope, part, r)));
        all
    }
}

/// The reasons for the colour of a whole, the worst first.
fn reasons(f: &StatusFigures) -> Vec<StatusReason> {
    use StatusCause as C;
    let causes = [
        (Rag::Red, C::ItemsRed, f.items.computed_rag.red),
        (
            Rag::Red,
            C::RecommendationsOverdue,
            f.recommendations.timeliness.overdue,
        ),
        (
            Rag::Red,
            C::ClaimsRejected,
            f.recommendations.verification.rejected,
        ),
        (Rag::Red, C::ActionsOverdue, f.actions.overdue),
        (Rag::Red, C::EscalationsDue, f.risks.escalation_due),
        (Rag::Amber, C::ItemsAmber, f.items.computed_rag.amber),
        (
            Rag::Amber,
            C::ClaimsUnverified,
            f.recommendations.verification.submitted,
        ),
        (Rag::Amber, C::RisksAboveAppetite, f.risks.above_appetite),
        (Rag::Amber, C::ActionsDeferred, f.actions.deferred),
        (
            Rag::Amber,
            C::ActionsClosedWithOpenPart,
            f.actions.closed_with_open_part,
        ),
        (Rag::Amber, C::ItemsDisagreeing, f.items.disagreeing),
    ];
    let found: Vec<StatusReason> = causes
        .into_iter()
        .filter(|(_, _, count)| *count > 0)
        .map(|(rag, cause, count)| StatusReason { rag, cause, count })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let (items, time) = (&f.items.computed_rag, &f.recommendations.timeliness);
    let scored = f.risks.open - f.risks.by_band.not_scored;
    let judged = items.green
        + time.not_due
        + time.due_soon
        + (f.actions.open - f.actions.without_due)
        + scored;
    let done = items.blue + f.recommendations.closed + f.actions.closed;
    let unjudged = (items.grey - f.items.by_status.cancelled - f.items.by_status.superseded)
        + time.no_deadline
        + f.actions.without_due
        + f.risks.by_band.not_scored;
    let (rag, cause, count) = match (judged, unjudged, done) {
        (0, 0, done) if done > 0 => (Rag::Blue, C::NothingOpen, done),
        (0, unjudged, _) => (Rag::Grey, C::NothingToJudge, unjudged),
        (judged, ..) => (Rag::Green, C::OnCourse, judged),
    };
    vec![StatusReason { rag, cause, count }]
}

fn colour(reasons: &[StatusReason]) -> Rag {
    reasons.first().map_or(Rag::Grey, |r| r.rag)
}

/// Every figure by its place.
fn figures_of(figures: &StatusFigures) -> Map<String, Value> {
    let mut all = Map::new();
    flatten(&mut all, "", json!(figures));
    all
}

/// What has moved since the earlier world that was asked for.
fn trend(
    asked: &Asked,
    counted: &Counted,
    about: Option<Uuid>,
    now: &StatusFigures,
) -> Option<StatusTrend> {
    let (seen, on) = asked.earlier.as_ref()?;
    let scope = match about {
        None => Some(Scope::everything(seen)),
        Some(id) => Scope::to(seen, id, *on).map(|(scope, _)| scope),
    };
    let was_on_record = scope.is_some();
    let figures = scope
        .map(|s| Picture::new(seen, *on, counted).count(s).figures)
        .unwrap_or_default();
    let (earlier, now) = (figures_of(&figures), figures_of(now));
    let number =
        |of: &Map<String, Value>, figure: &str| of.get(figure).and_then(Value::as_u64).unwrap_or(0);
    let change = |figure: &String| {
        let (earlier, now) = (number(&earlier, figure), number(&now, figure));
        let change = i64::try_from(now).ok()? - i64::try_from(earlier).ok()?;
        (change != 0).then(|| FigureChange {
            figure: figure.clone(),
            earlier,
            now,
            change,
        })
    };
    Some(StatusTrend {
        compared_to: *on,
        journal_seq: seen.seq(),
        settings: used(seen),
        was_on_record,
        computed_rag: was_on_record.then(|| colour(&reasons(&figures))),
        changes: now.keys().filter_map(change).collect(),
    })
}

/// Computes the view, for what belongs to one record or for everything.
fn status(asked: &Asked, counted: &Counted, about: Option<(Scope, RecordName)>) -> StatusView {
    let seen = &asked.seen;
    let picture = Picture::new(seen, asked.on, counted);
    let (scope, about) = match about {
        Some((scope, about)) => (scope, Some(about)),
        None => (Scope::everything(seen), None),
    };
    let all = picture.count(scope);
    let goal = |id| {
        seen.get::<Goal>(id)
            .map(|g| Named::new(&g.meta, &g.data.title))
    };
    let unit = |id| {
        seen.get::<Unit>(id)
            .map(|u| Named::new(&u.meta, &u.data.name))
    };
    let reasons = reasons(&all.figures);
    StatusView {
        on: asked.on,
        journal_seq: seen.seq(),
        thresholds: StatusThresholds {
            due_soon_days: picture.settings.due_soon_days,
            stale_after_days: picture.settings.stale_after_days,
            settings: used(seen),
        },
        computed_rag: colour(&reasons),
        reasons,
        trend: trend(asked, counted, about.as_ref().map(|a| a.id), &all.figures),
        about,
        totals: all.figures.items,
        recommendations: all.figures.recommendations,
        actions: all.figures.actions,
        risks: all.figures.risks,
        by_goal: groups(all.goals, goal),
        by_unit: groups(all.units, unit),
        next_dates: all.next.dates(),
    }
}

/// Names the groups. What the caller may not know of is counted with what has no group.
fn groups(
    counts: impl IntoIterator<Item = (Option<Uuid>, StatusCounts)>,
    name: impl Fn(Uuid) -> Option<Named>,
) -> Vec<StatusGroup> {
    let mut groups: Vec<StatusGroup> = Vec::new();
    let mut hidden: Option<StatusCounts> = None;
    for (id, counts) in counts {
        match id.and_then(&name) {
            Some(of) => groups.push(StatusGroup {
                of: Some(of),
                counts,
            }),
            None => hidden.get_or_insert_default().plus(&counts),
        }
    }
    let reference = |g: &StatusGroup| g.of.as_ref().map(|n| n.reference.clone());
    groups.sort_by_key(reference);
    if let Some(counts) = hidden {
        groups.push(StatusGroup { of: None, counts });
    }
    groups
}

/// The status of what belongs to the record in the path, which is of this kind.
fn of<R: Resource>(asked: &Asked, counted: &Counted) -> Result<StatusView, Problem> {
    let id = asked.id()?;
    let scope = asked
        .seen
        .get::<R>(id)
        .and_then(|_| Scope::to(&asked.seen, id, asked.on));
    let scope = scope.ok_or_else(Problem::not_found)?;
    Ok(status(asked, counted, Some(scope)))
}

const ABOUT: &str = "Work-plan items by status and colour, by goal and by unit; overdue, due soon, without a lead, without a deadline, not heard of for long; audit recommendations by the three axes and in time or not; actions; risks; the next dates of all of them. What is declared stands beside what the service computes, with the reasons for the colour of the whole. `compare_to` adds what has moved since an earlier time.";

fn rags() -> [String; 5] {
    [Rag::Red, Rag::Amber, Rag::Green, Rag::Blue, Rag::Grey].map(|r| word(&r))
}

/// A status of what belongs to a record of one kind.
fn operation_of<R: Resource>(
    counted: &Arc<Counted>,
    id: &str,
    needs: Subject,
    summary: &str,
    covers: &str,
) -> Operation {
    let path = format!("/api/v1/{}/{{id}}/status", R::PATH);
    let counted = Arc::clone(counted);
    operation(&path, id, needs, move |asked| of::<R>(asked, &counted))
        .takes([id_parameter(&R::KIND.replace('_', " ")), compare_to()])
        .says("Views", summary, &format!("{covers} {ABOUT}"))
}

/// The operations of this view.
pub fn operations(counted: &Arc<Counted>) -> Vec<Operation> {
    use crate::registers::{
        assurance::AuditReview, governance::Board, risk::RiskRegister, strategy::Strategy,
    };
    vec![
        operation("/api/v1/status", "getStatus", Subject::PlanItem, {
            let counted = Arc::clone(counted);
            move |asked: &Asked| Ok(status(asked, &counted, None))
        })
            .takes([compare_to()])
            .says("Views", "Where everything stands", ABOUT),
        operation_of::<Strategy>(counted,
            "getStrategyStatus",
            Subject::Strategy,
            "Where a strategy stands",
            "The items of the plans that deliver it and those that serve its goals, the recommendations that bear on its goals or these items, or depend on or are addressed by one of them or by a review of the strategy, and the actions and risks about any of these.",
        ),
        operation_of::<Plan>(counted,
            "getPlanStatus",
            Subject::Plan,
            "Where a plan stands",
            "Its items, and the recommendations, actions and risks that are about it or them.",
        ),
        operation_of::<Goal>(counted,
            "getGoalStatus",
            Subject::Strategy,
            "Where a goal stands",
            "The items that serve it or a goal below it, and the recommendations, actions and risks that are about these goals or items.",
        ),
        operation_of::<Unit>(counted,
            "getUnitStatus",
            Subject::Organisation,
            "Where a unit stands",
            "What the unit, or a unit below it, is responsible for.",
        ),
        operation_of::<Board>(counted,
            "getBoardStatus",
            Subject::Governance,
            "Where a board stands",
            "The items that it allocated and those that serve the goals that it decides on, oversees or delivers on the day; the recommendations that bear on them, or are addressed by one of them or by the board; its own actions; the risks on the registers that it watches and those escalated to it.",
        ),
        operation_of::<AuditReview>(counted,
            "getAuditReviewStatus",
            Subject::Assurance,
            "Where an audit review stands",
            "Its recommendations, the items that they bear on, the actions about them, and the risks whose controls carry them out.",
        ),
        operation_of::<RiskRegister>(counted, "getRiskRegisterStatus", Subject::Risk, "Where a risk register stands", "Its risks."),
        operation("/api/v1/status/items", "listItemStatus", Subject::PlanItem, items)
            .takes([
                limit_parameter("Items"),
                query(
                    "cursor",
                    "`next_cursor` of the page before.",
                    json!({ "type": "string", "maxLength": 60 }),
                ),
                query(
                    "disagreeing",
                    "Only open items whose declared and computed colour differ.",
                    json!({ "type": "boolean", "default": false }),
                ),
                query(
                    "computed_rag",
                    "Only items of this computed colour.",
                    json!({ "type": "string", "enum": rags() }),
                ),
                id_query("strategy_id", "Only items of plans that deliver this strategy."),
                id_query("goal_id", "Only items that serve this goal."),
                id_query("responsible_unit_id", "Only items that this unit is responsible for."),
            ])
            .says(
                "Views",
                "Items, declared beside computed",
                "Each item with the colour that its lead declares, the one that the service computes, and the reason for it.",
            ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<StatusView>(schemas);
    add_answer::<ItemStatusRow>(schemas);
    schemas.insert("ItemStatusRowPage".into(), judged_page("ItemStatusRow"));
}
