//! Status of work-plan items, audit recommendations, actions and risks, counted for everything or
//! for what belongs to one record: declared and computed values, what is due next, and what has
//! changed since an earlier time.

mod counts;
mod figures;
mod items;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use self::counts::{ItemCounts, ItemState, Plus, RecommendationCounts, RiskCounts, StatusFigures};
use self::figures::{FIRST, PATH, Queries, StatusFigure, figures_of};
#[cfg(test)]
pub(super) use self::items::items as item_rows;
use self::items::{ItemStatusRow, items};
use self::scope::Scope;
use super::RecordName;
use super::cached_counts::CachedCounts;
use super::gathering::{Gathered, gather};
use super::judgement::Judge;
use super::kept::{Kept, Made, Parts};
use super::rag::Rated;
use super::request::{Asked, View, compare_to, id_of, operation};
use super::rows::AssessedPage;
pub use crate::http::naming::Named;
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_parameter, id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::{Code, Problem};
use crate::registers::assurance::Recommendation;
use crate::registers::meetings::Action;
use crate::registers::organisation::Unit;
use crate::registers::plan::{Plan, Rag, WorkPlanItem};
use crate::registers::risk::{Risk, RiskStatus};
use crate::registers::settings::{SettingSet, SettingsUsed, in_force, used};
use crate::registers::strategy::Goal;
use crate::world::Text;
use crate::world::collation::{Collated, reference_key};
use crate::world::dates::Progress;
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer, set};
use crate::world::visible::{Visibility, Visible, VisibleWorld};
use crate::world::{Page, Rec, Resource};

/// How many dates the view shows.
const NEXT_DATES: usize = 20;

/// The items of one goal or unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusGroup {
    /// The goal or unit; null for items that have none.
    pub of: Option<Named>,
    /// Counts of these items.
    pub counts: ItemCounts,
    /// Query that lists these items; null for those that have none. For one of the counts, its name
    /// goes into `figure`, as in `figures`.
    pub query: Option<Text<400>>,
}

/// An upcoming date.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusNextDate {
    /// Due date; for a risk, its review date. If something was deferred without a date, the day on
    /// which it was first due.
    pub due_on: NaiveDate,
    /// The open item, recommendation, action or risk.
    pub record: RecordName,
    /// Post that leads it or is responsible for it, if any.
    pub owner_post_id: Option<Uuid>,
}

/// Thresholds used for the figures.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusThresholds {
    /// Number of days before the due date from which something counts as due soon.
    pub due_soon_days: i64,
    /// Number of days without an update after which an open item is stale.
    pub stale_after_days: i64,
    /// Settings that define these.
    pub settings: SettingsUsed,
}

/// Reason for a computed overall RAG rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StatusCause {
    /// Items have a computed RAG rating of red.
    #[strum(message = "Red items")]
    ItemsRed,
    /// Recommendations are overdue, and implementation is not claimed.
    #[strum(message = "Overdue recommendations")]
    RecommendationsOverdue,
    /// Audit has rejected claims.
    #[strum(message = "Rejected claims")]
    ClaimsRejected,
    /// Open actions have passed their due date.
    #[strum(message = "Overdue actions")]
    ActionsOverdue,
    /// Risks should be escalated under the settings, and are not.
    EscalationsDue,
    /// Items have a computed RAG rating of amber.
    #[strum(message = "Amber items")]
    ItemsAmber,
    /// Claims are waiting for verification by audit.
    #[strum(message = "Unverified claims")]
    ClaimsUnverified,
    /// Open risks are above their appetite.
    RisksAboveAppetite,
    /// Open risks have a control that is failing.
    #[strum(message = "Failing controls")]
    ControlsFailing,
    /// Open risks are in the highest band, and no appetite is recorded for them.
    #[strum(message = "Extreme risks without appetite")]
    RisksExtremeWithoutAppetite,
    /// Open risks have no current score.
    #[strum(message = "Risks without score")]
    RisksNotScored,
    /// Open risks have no owner.
    RisksWithoutOwner,
    /// Open actions were deferred at least once. A deferral is not progress.
    #[strum(message = "Deferred actions")]
    ActionsDeferred,
    /// Actions are closed although a part of them is open.
    #[strum(message = "Closed with open part")]
    ActionsClosedWithOpenPart,
    /// The RAG ratings declared by leads differ from those computed by the service.
    #[strum(message = "Ratings differ")]
    ItemsDisagreeing,
    /// All records that count are complete or closed.
    NothingOpen,
    /// Open records can be assessed, and none of the reasons above applies.
    OnCourse,
    /// No open record can be assessed by a date, or there are no records.
    #[strum(message = "Nothing to assess")]
    NothingToAssess,
}

/// One reason for the computed overall RAG rating.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusReason {
    /// RAG rating that this reason gives on its own.
    pub rag: Rag,
    /// What it is.
    pub cause: StatusCause,
    /// Number of records.
    pub count: u32,
    /// Query that lists them; null if they are of several kinds.
    pub query: Option<Text<400>>,
}

/// A figure that has changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusFigureChange {
    /// Name of the figure, as its path in the answer: `recommendations.timeliness.overdue`. Names
    /// of item figures begin with `items`.
    pub figure: Text<100>,
    /// Earlier value.
    #[schema(minimum = 0)]
    pub earlier: u64,
    /// What it is.
    #[schema(minimum = 0)]
    pub now: u64,
    /// Change since then; negative if the figure fell.
    pub change: i64,
}

/// Changes since an earlier time.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusTrend {
    /// Earlier date, used to assess the earlier figures.
    pub compared_to: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Settings used for the earlier figures: those in force at that time.
    pub settings: SettingsUsed,
    /// Whether the record that the view is about was recorded by then.
    pub was_on_record: bool,
    /// Computed RAG rating then; null if the record was not recorded by then.
    pub computed_rag: Option<Rag>,
    /// Figures that differ, in the order of the answer.
    #[schema(max_items = 200)]
    pub changes: Vec<StatusFigureChange>,
}

/// Status of everything, or of one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusView {
    /// Strategy, plan, goal, unit, board, review or risk register that it is about; null for
    /// everything.
    pub about: Option<RecordName>,
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Thresholds used for the figures.
    pub thresholds: StatusThresholds,
    /// Overall RAG rating computed by the service: the worst that any reason gives.
    pub computed_rag: Rag,
    /// The reasons, worst first.
    #[schema(max_items = 20)]
    pub reasons: Vec<StatusReason>,
    /// Every figure by its name, with the query that lists the records behind it.
    #[schema(max_items = 200)]
    pub figures: Vec<StatusFigure>,
    /// Totals for work-plan items.
    pub totals: ItemCounts,
    /// Totals for audit recommendations.
    pub recommendations: RecommendationCounts,
    /// Totals for actions.
    pub actions: counts::ActionCounts,
    /// Totals for risks.
    pub risks: RiskCounts,
    /// Items by goal served, ordered by reference. An item that serves several goals counts for
    /// each.
    #[schema(max_items = 100_000)]
    pub by_goal: Vec<StatusGroup>,
    /// Items by responsible unit.
    #[schema(max_items = 100_000)]
    pub by_unit: Vec<StatusGroup>,
    /// Next dates of open records, soonest first: deadlines, and reviews of risks.
    #[schema(max_items = 20)]
    pub next_dates: Vec<StatusNextDate>,
    /// Changes since `compare_to`; null if it was not given.
    pub trend: Option<StatusTrend>,
}

/// A row of a status view as a table.
fn table_row(group: &str, of: Option<(Uuid, &str, &str)>, counts: &ItemCounts) -> Value {
    let mut row = json!(counts);
    set(&mut row, "group", group);
    set(&mut row, "id", json!(of.map(|n| n.0)));
    set(&mut row, "reference", json!(of.map(|n| n.1)));
    set(&mut row, "title", json!(of.map(|n| n.2)));
    row
}

impl View for StatusView {
    fn fields(&self) -> Vec<Field> {
        let within = |outer: &'static str, fields: Vec<Field>| {
            fields.into_iter().map(move |field| field.within(outer))
        };
        let of_group = ["group", "id", "reference", "title"].map(Field::named);
        of_group
            .into_iter()
            .chain(fields_of::<ItemCounts>())
            .chain([Field::named("computed")])
            .chain(within(
                "recommendations",
                fields_of::<RecommendationCounts>(),
            ))
            .chain(within("actions", fields_of::<counts::ActionCounts>()))
            .chain(within("risks", fields_of::<RiskCounts>()))
            .collect()
    }
    fn rows(&self) -> Vec<Value> {
        let about = self
            .about
            .as_ref()
            .map(|a| (a.id, a.reference.as_str(), a.title.as_str()));
        let mut total = table_row("total", about, &self.totals);
        set(&mut total, "computed", json!(self.computed_rag));
        set(&mut total, "recommendations", json!(self.recommendations));
        set(&mut total, "actions", json!(self.actions));
        set(&mut total, "risks", json!(self.risks));
        let group = |group: &'static str| {
            move |g: &StatusGroup| {
                let of =
                    g.of.as_ref()
                        .map(|n| (n.id, n.reference.as_str(), n.title.as_str()));
                table_row(group, of, &g.counts)
            }
        };
        let mut rows = vec![total];
        rows.extend(self.by_goal.iter().map(group("goal")));
        rows.extend(self.by_unit.iter().map(group("unit")));
        rows
    }

    fn field_of(column: &str) -> &str {
        match column {
            "computed" => "computed_rag",
            other => other.rsplit('.').next().unwrap_or(other),
        }
    }
}

/// Something due on an upcoming date.
#[derive(Clone)]
struct Due {
    kind: &'static str,
    reference: Text<60>,
    title: Text<300>,
    owner_post_id: Option<Uuid>,
}

/// Next dates found so far, soonest first, then by reference.
#[derive(Clone, Default)]
struct Next(BTreeMap<(NaiveDate, Arc<[u8]>, Uuid), Due>);

impl Next {
    fn add<R: Resource>(
        &mut self,
        due: Option<NaiveDate>,
        record: &Rec<R>,
        title: &str,
        owner_post_id: Option<Uuid>,
    ) {
        let Some(due) = due else { return };
        let meta = &record.meta;
        let reference = Collated(&meta.reference);
        if self.0.len() >= NEXT_DATES
            && self.0.last_key_value().is_some_and(|((day, _, id), last)| {
                (*day, Collated(&last.reference), *id) < (due, reference, meta.id)
            })
        {
            return;
        }
        let found = Due {
            kind: R::KIND,
            reference: (&meta.reference).into(),
            title: Text::cut(title),
            owner_post_id,
        };
        self.0
            .insert((due, reference_key(&meta.reference), meta.id), found);
        if self.0.len() > NEXT_DATES {
            self.0.pop_last();
        }
    }

    fn dates(self) -> Vec<StatusNextDate> {
        let date = |((due_on, _, id), due): ((NaiveDate, Arc<[u8]>, Uuid), Due)| StatusNextDate {
            due_on,
            record: RecordName {
                kind: Text::cut(due.kind),
                id,
                reference: due.reference,
                title: due.title,
            },
            owner_post_id: due.owner_post_id,
        };
        self.0.into_iter().map(date).collect()
    }
}

/// Counts of one part of the records.
#[derive(Clone, Default)]
pub struct Part {
    figures: StatusFigures,
    goals: HashMap<Option<Uuid>, ItemCounts, foldhash::fast::RandomState>,
    units: HashMap<Option<Uuid>, ItemCounts, foldhash::fast::RandomState>,
    next: Next,
    /// Items and recommendations that were counted. Kept only if the status is not for everything.
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

/// What decides, apart from the record itself, how a record counts in the status of everything.
#[derive(PartialEq)]
pub struct Basis {
    on: NaiveDate,
    settings: SettingSet,
    visible: Visible,
    lapsed: imbl::OrdSet<Uuid>,
}

/// What is kept of the status of everything, for the current records.
///
/// Items and actions are counted by part and by what they say themselves. What depends on other
/// records is kept with what it read: recommendations and risks, and the ratings of those items
/// whose rating follows from what they wait for.
pub struct Counted {
    parts: CachedCounts<Basis, Part>,
    judged: Kept<JudgedBasis, Judged>,
}

/// What decides about [`Judged`], apart from the world.
#[derive(PartialEq)]
struct JudgedBasis {
    on: NaiveDate,
    settings: SettingSet,
    visibility: Visibility,
}

/// What follows from other records, in one part.
#[derive(Default)]
struct Judged {
    part: Part,
    /// Items whose rating is not that of their own dates: the place in the part, and the rating.
    waiting: Vec<(u16, Rated)>,
}

impl Made for Judged {}

impl Counted {
    /// Nothing kept yet.
    pub fn new(parts: &Arc<Parts>) -> Self {
        Self {
            parts: CachedCounts::default(),
            judged: Kept::new(parts),
        }
    }
}

impl Default for Counted {
    fn default() -> Self {
        Self::new(&Arc::default())
    }
}

/// What a status is computed from.
struct Picture<'a> {
    seen: &'a VisibleWorld,
    on: NaiveDate,
    settings: &'a SettingSet,
    judge: Judge<'a>,
    counted: &'a Counted,
}

impl<'a> Picture<'a> {
    fn new(seen: &'a VisibleWorld, on: NaiveDate, counted: &'a Counted) -> Self {
        let settings = in_force(seen.reading(on).world);
        Self {
            seen,
            on,
            settings,
            judge: Judge::new(seen, on, settings),
            counted,
        }
    }

    fn is_to_come(&self, day: Option<NaiveDate>) -> Option<NaiveDate> {
        day.filter(|d| *d >= self.on)
    }

    /// Adds an item with its rating.
    fn add_item(
        &self,
        scope: &Scope,
        part: &mut Part,
        record: &Rec<WorkPlanItem>,
        rated: impl FnOnce() -> Rated,
    ) {
        let data = &record.data;
        if !scope.has_item(record) {
            return;
        }
        if !scope.is_everything() {
            part.covered.push(record.meta.id);
        }
        let item = self.state(record, rated());
        part.figures.items.add(&item);
        part.units
            .entry(data.responsible_unit_id.map(Into::into))
            .or_default()
            .add(&item);
        if data.goals.is_empty() {
            part.goals.entry(None).or_default().add(&item);
        }
        for served in &data.goals {
            part.goals
                .entry(Some(served.goal_id.uuid()))
                .or_default()
                .add(&item);
        }
        if !data.status.is_closed() {
            part.next.add(
                self.is_to_come(record.due().counts_on()),
                record,
                &data.title,
                data.lead_post_id.map(Into::into),
            );
        }
    }

    fn state<'r>(&self, record: &'r Rec<WorkPlanItem>, rated: Rated) -> ItemState<'r> {
        ItemState::new(record, rated, self.on, self.settings)
    }

    /// Counts an item that was counted with one rating with another instead.
    fn rate_again(&self, all: &mut Part, record: &Rec<WorkPlanItem>, rated: &Rated) {
        let counts = |rated: Rated| {
            let mut counts = ItemCounts::default();
            counts.add(&self.state(record, rated));
            counts
        };
        let (old, new) = (
            counts(self.judge.item_by_dates(record)),
            counts(rated.clone()),
        );
        let change = |counts: &mut ItemCounts| {
            counts.plus(&new);
            counts.minus(&old);
        };
        let data = &record.data;
        change(&mut all.figures.items);
        change(
            all.units
                .entry(data.responsible_unit_id.map(Into::into))
                .or_default(),
        );
        if data.goals.is_empty() {
            change(all.goals.entry(None).or_default());
        }
        for served in &data.goals {
            change(all.goals.entry(Some(served.goal_id.uuid())).or_default());
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
            .add(record, self.seen.reading(self.on), self.settings);
        let deadline = record.deadline_on(self.on);
        if deadline.is_open_on(self.on) {
            let data = &record.data;
            part.next.add(
                self.is_to_come(deadline.counts_on()),
                record,
                &data.title,
                data.owner_post_id.map(Into::into),
            );
        }
    }

    fn add_action(&self, scope: &Scope, part: &mut Part, record: &Rec<Action>) {
        if !scope.has_action(self.seen, record) {
            return;
        }
        part.figures.actions.add(record, self.on, self.settings);
        if record.due().progress == Progress::Open {
            let due = self.is_to_come(record.due().counts_on());
            part.next.add(
                due,
                record,
                &record.data.text,
                record.data.owner_post_id.map(Into::into),
            );
        }
    }

    fn add_risk(&self, scope: &Scope, part: &mut Part, record: &Rec<Risk>) {
        if !scope.has_risk(self.seen, self.on, record) {
            return;
        }
        part.figures
            .risks
            .add(record, self.judge.risk(record), self.on);
        if record.data.status == RiskStatus::Open {
            let due = self.is_to_come(record.data.review_on);
            part.next.add(
                due,
                record,
                &record.data.title,
                record.data.owner_post_id.map(Into::into),
            );
        }
    }

    /// What is kept can be used only for the status of everything, and only in the current world.
    fn basis(&self, scope: &Scope) -> Option<Arc<Basis>> {
        let visible = self.seen.visible().filter(|_| scope.is_everything())?;
        Some(Arc::new(Basis {
            on: self.on,
            settings: self.settings.clone(),
            visible,
            lapsed: self.seen.reading(self.on).world.lapsed().clone(),
        }))
    }

    /// Items first, then recommendations, because other records may be about either.
    fn count(&self, mut scope: Scope) -> Part {
        if let Some(basis) = self.basis(&scope) {
            return self.count_everything(&scope, &basis);
        }
        let mut all: Part = gather(self.seen, |part, item| {
            self.add_item(&scope, part, item, || self.judge.item(item));
        });
        scope.cover(std::mem::take(&mut all.covered));
        all.join(gather(self.seen, |part, r| {
            self.add_recommendation(&scope, part, r);
        }));
        scope.cover(std::mem::take(&mut all.covered));
        all.join(gather(self.seen, |part, a| {
            self.add_action(&scope, part, a)
        }));
        all.join(gather(self.seen, |part, r| self.add_risk(&scope, part, r)));
        all
    }

    /// The same for everything, from what is kept.
    fn count_everything(&self, scope: &Scope, basis: &Arc<Basis>) -> Part {
        let parts = &self.counted.parts;
        let mut all = parts.gather(self.seen, basis, |part, item| {
            self.add_item(scope, part, item, || self.judge.item_by_dates(item));
        });
        all.join(parts.gather(self.seen, basis, |part, a| self.add_action(scope, part, a)));
        let catalogue = self.seen.reading(self.on).world.catalogue();
        let kinds = [WorkPlanItem::KIND, Recommendation::KIND, Risk::KIND];
        let kinds: Vec<usize> = kinds.iter().filter_map(|k| catalogue.index_of(k)).collect();
        let basis = JudgedBasis {
            on: self.on,
            settings: self.settings.clone(),
            visibility: self.seen.visibility().clone(),
        };
        let judged = &self.counted.judged;
        let judged = judged.of(self.seen, basis, &kinds, |made, row, record| {
            let any = record.as_any();
            if let Some(item) = any.downcast_ref() {
                let rated = self.judge.item(item);
                if rated != self.judge.item_by_dates(item) {
                    made.waiting.push((row, rated));
                }
            } else if let Some(recommendation) = any.downcast_ref() {
                self.add_recommendation(scope, &mut made.part, recommendation);
            } else if let Some(risk) = any.downcast_ref() {
                self.add_risk(scope, &mut made.part, risk);
            }
        });
        for part in judged {
            all.join(part.made.part.clone());
            for (row, rated) in &part.made.waiting {
                let item = part.rows.at(*row).and_then(|r| r.as_any().downcast_ref());
                if let Some(item) = item {
                    self.rate_again(&mut all, item, rated);
                }
            }
        }
        all
    }
}

/// Reasons for the overall RAG rating, worst first.
fn reasons(f: &StatusFigures, queries: &Queries) -> Vec<StatusReason> {
    use StatusCause as C;
    let causes = [
        (Rag::Red, C::ItemsRed, "items.computed_rag.red"),
        (
            Rag::Red,
            C::RecommendationsOverdue,
            "recommendations.timeliness.overdue",
        ),
        (
            Rag::Red,
            C::ClaimsRejected,
            "recommendations.verification.rejected",
        ),
        (Rag::Red, C::ActionsOverdue, "actions.overdue"),
        (Rag::Red, C::EscalationsDue, "risks.escalation_due"),
        (Rag::Amber, C::ItemsAmber, "items.computed_rag.amber"),
        (
            Rag::Amber,
            C::ClaimsUnverified,
            "recommendations.verification.submitted",
        ),
        (Rag::Amber, C::RisksAboveAppetite, "risks.above_appetite"),
        (Rag::Amber, C::ControlsFailing, "risks.control_failing"),
        (
            Rag::Amber,
            C::RisksExtremeWithoutAppetite,
            "risks.extreme_without_appetite",
        ),
        (Rag::Amber, C::RisksNotScored, "risks.by_band.not_scored"),
        (Rag::Amber, C::RisksWithoutOwner, "risks.without_owner"),
        (Rag::Amber, C::ActionsDeferred, "actions.deferred"),
        (
            Rag::Amber,
            C::ActionsClosedWithOpenPart,
            "actions.closed_with_open_part",
        ),
        (Rag::Amber, C::ItemsDisagreeing, "items.disagreeing"),
    ];
    let reason = |(rag, cause, figure): (Rag, StatusCause, &str)| {
        let path: Vec<&str> = figure.split('.').collect();
        let count = f.at(&path).filter(|count| *count > 0)?;
        let query = Some(queries.of(figure, None));
        Some(StatusReason {
            rag,
            cause,
            count,
            query,
        })
    };
    let found: Vec<StatusReason> = causes.into_iter().filter_map(reason).collect();
    if !found.is_empty() {
        return found;
    }
    let (items, time) = (&f.items.computed_rag, &f.recommendations.timeliness);
    let assessed = items.green
        + time.not_due
        + time.due_soon
        + (f.actions.open - f.actions.without_due)
        + f.risks.computed_rag.green;
    let done = items.blue + f.recommendations.closed + f.actions.closed;
    let unassessed = (items.grey - f.items.by_status.cancelled - f.items.by_status.superseded)
        + time.no_deadline
        + f.actions.without_due;
    let (rag, cause, count) = match (assessed, unassessed, done) {
        (0, 0, done) if done > 0 => (Rag::Blue, C::NothingOpen, done),
        (0, unassessed, _) => (Rag::Grey, C::NothingToAssess, unassessed),
        (assessed, ..) => (Rag::Green, C::OnCourse, assessed),
    };
    vec![StatusReason {
        rag,
        cause,
        count,
        query: None,
    }]
}

fn colour(reasons: &[StatusReason]) -> Rag {
    reasons.first().map_or(Rag::Grey, |r| r.rag)
}

/// Changes since the earlier world, if one was asked for.
fn trend(
    asked: &Asked,
    counted: &Counted,
    about: Option<Uuid>,
    (now, queries): (&StatusFigures, &Queries),
) -> Option<StatusTrend> {
    let (seen, on) = asked.earlier.as_ref()?;
    let scope = match about {
        None => Some(Scope::everything()),
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
        (change != 0).then(|| StatusFigureChange {
            figure: Text::cut(figure.clone()),
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
        computed_rag: was_on_record.then(|| colour(&reasons(&figures, queries))),
        changes: now.keys().filter_map(change).collect(),
    })
}

/// Computes the view, for what belongs to one record or for everything.
pub(super) fn status(
    asked: &Asked,
    counted: &Counted,
    about: Option<(Scope, RecordName)>,
) -> StatusView {
    let seen = &asked.seen;
    let picture = Picture::new(seen, asked.on, counted);
    let (scope, about) = match about {
        Some((scope, about)) => (scope, Some(about)),
        None => (Scope::everything(), None),
    };
    let all = picture.count(scope);
    let goal = |id| {
        seen.get::<Goal>(id)
            .map(|g| Named::new(&g.meta, &g.data.title))
    };
    let unit = |id| {
        seen.get::<Unit>(id)
            .map(|u| Named::new(&u.meta, &u.data.title))
    };
    let queries = Queries::new(asked, about.as_ref().map(|a| a.id));
    let reasons = reasons(&all.figures, &queries);
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
        trend: trend(
            asked,
            counted,
            about.as_ref().map(|a| a.id),
            (&all.figures, &queries),
        ),
        figures: queries.all(&all.figures),
        about,
        totals: all.figures.items,
        recommendations: all.figures.recommendations,
        actions: all.figures.actions,
        risks: all.figures.risks,
        by_goal: groups(all.goals, goal, |id| {
            queries.of(FIRST, Some(("goal_id", id)))
        }),
        by_unit: groups(all.units, unit, |id| {
            queries.of(FIRST, Some(("responsible_unit_id", id)))
        }),
        next_dates: all.next.dates(),
    }
}

/// Names the groups. Groups that the caller may not see are counted with the records that have no
/// group.
fn groups(
    counts: impl IntoIterator<Item = (Option<Uuid>, ItemCounts)>,
    name: impl Fn(Uuid) -> Option<Named>,
    query: impl Fn(Uuid) -> Text<400>,
) -> Vec<StatusGroup> {
    let mut groups: Vec<StatusGroup> = Vec::new();
    let mut hidden: Option<ItemCounts> = None;
    for (id, counts) in counts {
        match id.and_then(&name) {
            Some(of) => groups.push(StatusGroup {
                query: Some(query(of.id)),
                of: Some(of),
                counts,
            }),
            None => hidden.get_or_insert_default().plus(&counts),
        }
    }
    let reference = |g: &StatusGroup| g.of.as_ref().map(|n| reference_key(&n.reference));
    groups.sort_by_cached_key(reference);
    if let Some(counts) = hidden {
        groups.push(StatusGroup {
            of: None,
            counts,
            query: None,
        });
    }
    groups
}

impl View for AssessedPage<RecordName> {
    fn fields(&self) -> Vec<Field> {
        fields_of::<RecordName>()
    }
    fn rows(&self) -> Vec<Value> {
        self.page.items.iter().map(|row| json!(row)).collect()
    }
}

/// What is asked of the records behind a figure.
struct Behind<'a> {
    asked: &'a Asked,
    path: Vec<&'a str>,
    limit: usize,
}

impl Behind<'_> {
    /// The records of a kind that count in the figure, in the order of their references, after the
    /// cursor. Each is counted as the status counts it.
    fn list<R: Resource>(&self, add: impl Fn(&mut Part, &Rec<R>)) -> Vec<RecordName> {
        let seen = &self.asked.seen;
        let counts = |record: &&Rec<R>| {
            let mut part = Part::default();
            add(&mut part, record);
            part.figures.at(&self.path).unwrap_or_default() > 0
        };
        let found = seen.by_reference::<R>(self.asked.cursor().unwrap_or_default());
        found
            .filter(counts)
            .filter_map(|r| seen.any(r.meta.id))
            .take(self.limit + 1)
            .map(|r| RecordName::of(seen, r))
            .collect()
    }
}

/// The records behind a figure of a status.
fn records(asked: &Asked, counted: &Counted) -> Result<AssessedPage<RecordName>, Problem> {
    let (seen, on) = (&asked.seen, asked.on);
    let figure = asked.query.get("figure").unwrap_or(FIRST);
    if !figures::names().iter().any(|name| name == figure) {
        return Err(invalid(
            "figure",
            "must be the name of a figure in a status",
        ));
    }
    let (goal, unit) = (
        id_of(asked, "goal_id")?,
        id_of(asked, "responsible_unit_id")?,
    );
    let mut scope = match id_of(asked, "record_id")? {
        None => Scope::everything(),
        Some(id) => match Scope::to(seen, id, on) {
            Some((scope, _)) => scope,
            None => {
                let detail = "must be the id of a strategy, plan, goal, unit, board, audit review \
                    or risk register that is visible to you";
                return Err(Problem::field(
                    Code::InvalidQuery,
                    "?record_id",
                    "not_found",
                    detail,
                ));
            }
        },
    };
    let picture = Picture::new(seen, on, counted);
    let behind = Behind {
        asked,
        path: figure.split('.').collect(),
        limit: asked.limit()?,
    };
    let is_in_group = |item: &Rec<WorkPlanItem>| {
        let data = &item.data;
        goal.is_none_or(|g| data.goals.iter().any(|s| s.goal_id == g))
            && unit.is_none_or(|u| data.responsible_unit_id.is_some_and(|own| own == u))
    };
    // The same order as in a status, because records may be about those of other kinds.
    let cover_items = |scope: &mut Scope| {
        if !scope.is_everything() {
            let items: Part = gather(seen, |part, item| {
                picture.add_item(scope, part, item, || picture.judge.item_by_dates(item));
            });
            scope.cover(items.covered);
        }
    };
    let cover_recommendations = |scope: &mut Scope| {
        if !scope.is_everything() {
            let all: Part = gather(seen, |part, r| picture.add_recommendation(scope, part, r));
            scope.cover(all.covered);
        }
    };
    let rows = match behind.path.first().copied() {
        Some("recommendations") => {
            cover_items(&mut scope);
            behind.list(|part, r| picture.add_recommendation(&scope, part, r))
        }
        Some("actions") => {
            cover_items(&mut scope);
            cover_recommendations(&mut scope);
            behind.list(|part, a| picture.add_action(&scope, part, a))
        }
        Some("risks") => {
            cover_items(&mut scope);
            cover_recommendations(&mut scope);
            behind.list(|part, r| picture.add_risk(&scope, part, r))
        }
        _ => behind.list(|part, item| {
            if is_in_group(item) {
                picture.add_item(&scope, part, item, || picture.judge.item(item));
            }
        }),
    };
    let page = Page::of(rows, behind.limit, |r| r.reference.to_string());
    Ok(AssessedPage::of(page, asked))
}

/// Status of what belongs to the record in the path, which is of this kind.
fn of<R: Resource>(asked: &Asked, counted: &Counted) -> Result<StatusView, Problem> {
    let id = asked.id()?;
    let scope = asked
        .seen
        .get::<R>(id)
        .and_then(|_| Scope::to(&asked.seen, id, asked.on));
    let scope = scope.ok_or_else(Problem::not_found)?;
    Ok(status(asked, counted, Some(scope)))
}

const ABOUT: &str = "Work-plan items are counted by status, RAG rating, goal and unit, and by \
    whether they are overdue, due soon, without a lead, without a deadline or without a recent \
    update. Audit recommendations are counted by implementation, verification, closure and \
    timeliness; actions and risks are counted too, and the next dates of all of them are listed. \
    Declared and computed values are given separately, with the reasons for the overall RAG \
    rating. `compare_to` adds the changes since an earlier time.";

/// Status operation for records of one kind.
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
        .says("Views", "Get the overall status", ABOUT),
        operation_of::<Strategy>(
            counted,
            "getStrategyStatus",
            Subject::Strategy,
            "Get the status of a strategy",
            "Covers the items of the plans that deliver it and those that serve its goals; the \
                recommendations that relate to its goals or these items, that depend on or are \
                addressed by one of them or by a review of the strategy, or whose audit review is \
                about the strategy or one of these plans; and the actions and \
                risks about any of these.",
        ),
        operation_of::<Plan>(
            counted,
            "getPlanStatus",
            Subject::Plan,
            "Get the status of a plan",
            "Covers its items, the recommendations, actions and risks about the plan or its items, \
                and the recommendations of audit reviews of the plan.",
        ),
        operation_of::<Goal>(
            counted,
            "getGoalStatus",
            Subject::Strategy,
            "Get the status of a goal",
            "Covers the items that serve it or a goal below it, and the recommendations, actions \
                and risks about these goals or items.",
        ),
        operation_of::<Unit>(
            counted,
            "getUnitStatus",
            Subject::Organisation,
            "Get the status of a unit",
            "Covers what the unit, or a unit below it, is responsible for. Risks without an owner \
                count for the unit that owns their register.",
        ),
        operation_of::<Board>(
            counted,
            "getBoardStatus",
            Subject::Governance,
            "Get the status of a board",
            "Covers the items that it allocated and those that serve the goals that it decides on, \
                oversees or delivers on the date; the recommendations that relate to them, or \
                are addressed by one of them or by the board, or whose audit review is about the \
                board; its own actions; and the risks on \
                the registers that it oversees and those escalated to it.",
        ),
        operation_of::<AuditReview>(
            counted,
            "getAuditReviewStatus",
            Subject::Assurance,
            "Get the status of an audit review",
            "Covers its recommendations, the items that they relate to, the actions about them, \
                and the risks whose controls carry them out.",
        ),
        operation_of::<RiskRegister>(
            counted,
            "getRiskRegisterStatus",
            Subject::Risk,
            "Get the status of a risk register",
            "Covers its risks.",
        ),
        operation(
            &format!("/api/v1/{PATH}"),
            "listStatusRecords",
            Subject::PlanItem,
            {
                let counted = Arc::clone(counted);
                move |asked: &Asked| records(asked, &counted)
            },
        )
        .takes([
            limit_parameter("Records"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 60 }),
            ),
            query(
                "figure",
                "Name of the figure, as in `figures` of the status.",
                json!({ "type": "string", "maxLength": 100, "pattern": figures::pattern(), "default": FIRST }),
            ),
            id_query(
                "record_id",
                "The record that the status is about. Without it, everything.",
            ),
            id_query("goal_id", "Of items, only those that serve this goal."),
            id_query(
                "responsible_unit_id",
                "Of items, only those that this unit is responsible for.",
            ),
        ])
        .says(
            "Views",
            "List the records behind a figure",
            "Returns the items, recommendations, actions or risks that a figure of a status counts.",
        ),
        operation(
            "/api/v1/status/items",
            "listItemStatus",
            Subject::PlanItem,
            items,
        )
        .takes([
            limit_parameter("Items"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 60 }),
            ),
            query(
                "disagreeing",
                "Only open items whose declared and computed RAG ratings differ.",
                json!({ "type": "boolean", "default": false }),
            ),
            query(
                "computed_rag",
                "Only items with this computed RAG rating.",
                json!({ "type": "string", "enum": crate::views::rag::codes() }),
            ),
            id_query(
                "strategy_id",
                "Only items of plans that deliver this strategy.",
            ),
            id_query("goal_id", "Only items that serve this goal."),
            id_query(
                "responsible_unit_id",
                "Only items that this unit is responsible for.",
            ),
        ])
        .says(
            "Views",
            "List items with declared and computed RAG ratings",
            "Returns each item with the RAG rating declared by its lead, the one computed by the \
                service, and the reason for it.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<StatusView>(schemas);
    add_answer::<AssessedPage<ItemStatusRow>>(schemas);
    add_answer::<AssessedPage<RecordName>>(schemas);
}
