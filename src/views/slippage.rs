//! Slippage: first and current deadlines, what records wait on, and which deadlines cannot be
//! relied on (Q4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::kept::{Kept, Made, Part, Rows};
use super::readiness::Readiness;
use super::request::{Asked, View, id_of, operation, some_of, words};
use super::status::Named;
use super::wait_graph::{CanBeMet, Edge, Graph, KeptGraphs, Node, WaitKind, What, worked_plans};
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{
    Recommendation, RecommendationExtension, RecommendationUpdate, RecommendationUpdateKind,
    Timeliness,
};
use crate::registers::links::count;
use crate::registers::meetings::{Action, ActionDeferral, ActionPart, Meeting};
use crate::registers::organisation::Post;
use crate::registers::performance::Dashboard;
use crate::registers::plan::{DeadlineChange, WorkPlanItem};
use crate::registers::settings::in_force;
use crate::world::collation::reference_key;
use crate::world::dates::{Deadline, Progress};
use crate::world::fields::{Field, fields_of};
use crate::world::record::{BY_REFERENCE, word};
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{AnyRecord, IdSet, Key, Meta, Rec};

/// Maximum number of moves, and of records waited on or waiting, that are listed. The count for
/// each list stays exact.
const MOST: usize = 50;
/// Maximum number of events that are listed.
const MOST_EVENTS: usize = 100;
/// Maximum number of records listed in a chain of dependencies.
const LONGEST_CHAIN: usize = 20;

/// Kind of dated record that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum SlippageKind {
    /// An item of a plan.
    #[strum(message = "Work-plan item")]
    WorkPlanItem,
    /// An audit recommendation.
    Recommendation,
    /// An action set by a board.
    Action,
    /// One of the things that an action asks for.
    ActionPart,
    /// A review of a strategy.
    StrategyReview,
    /// A dashboard with the dates for which it was promised.
    Dashboard,
}

const KINDS: [SlippageKind; 6] = [
    SlippageKind::WorkPlanItem,
    SlippageKind::Recommendation,
    SlippageKind::Action,
    SlippageKind::ActionPart,
    SlippageKind::StrategyReview,
    SlippageKind::Dashboard,
];

/// Subsets that a caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    /// Due later than first planned, or deferred without a new date.
    Slipped,
    /// Deferred without a new date.
    Deferred,
    Overdue,
    /// Open, with a deadline that cannot be relied on.
    CannotHold,
    Open,
}

const ONLY: [Only; 5] = [
    Only::Slipped,
    Only::Deferred,
    Only::Overdue,
    Only::CannotHold,
    Only::Open,
];

/// How a deadline moved, or was asked to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum SlippageMoveKind {
    /// By decision: a changed deadline of an item, an extension of a recommendation.
    #[strum(message = "Changed by decision")]
    Change,
    /// By statement: deferred, whether or not anyone agreed.
    Deferral,
    /// Requested only. This does not move the deadline.
    #[strum(message = "Extension requested")]
    Request,
    /// A new date was promised.
    #[strum(message = "New promised date")]
    Promise,
}

/// One move of a deadline, or one request to move it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageMove {
    /// By decision, by statement, requested or promised.
    pub move_kind: SlippageMoveKind,
    /// Date it was decided or stated.
    pub decided_on: Option<NaiveDate>,
    /// Due date before the move; null if there was none or it is not recorded.
    pub from_on: Option<NaiveDate>,
    /// Due date after the move; null if it was deferred without a new date.
    pub to_on: Option<NaiveDate>,
    /// Number of days it moved. Null if either date is missing.
    pub days_moved: Option<i64>,
    /// Posts, boards or meetings that approved it; empty if there was no approval.
    #[schema(max_items = 3)]
    pub approved_by: Vec<RecordName>,
    /// Post that asked for it or stated it.
    pub asked_by: Option<Named>,
    /// Reason.
    #[schema(max_length = 8000)]
    pub reason: Option<String>,
}

/// What a record waits on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageWait {
    /// Why it waits.
    pub wait_kind: WaitKind,
    /// Record that it waits on; null for an event that is not recorded.
    pub record: Option<RecordName>,
    /// Event that it waits on, if that is not recorded.
    #[schema(max_length = 300)]
    pub event: Option<String>,
    /// Whether it is still waiting.
    pub is_open: bool,
    /// Date that it is expected; null if not stated.
    pub expected_on: Option<NaiveDate>,
    /// Whether that is after the deadline of the waiting record, or it was given up.
    pub is_late: bool,
}

/// One dated record.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageRow {
    /// Id of the record.
    pub record: RecordName,
    /// Kind of record.
    pub dated_kind: SlippageKind,
    /// Whether it still has to be done.
    pub is_open: bool,
    /// First due date.
    pub first_due_on: Option<NaiveDate>,
    /// Current due date; null if it has none or was deferred without a new date.
    pub due_on: Option<NaiveDate>,
    /// Due date in the words of the source.
    #[schema(max_length = 100)]
    pub due_words: Option<String>,
    /// Days from the first to the current deadline; negative if brought forward.
    pub moved_days: Option<i64>,
    /// Whether it had a deadline and was deferred without a new date.
    pub deferred_without_date: bool,
    /// Number of times its deadline was changed by decision.
    #[schema(minimum = 0)]
    pub changes: u32,
    /// Number of times it was deferred by statement.
    #[schema(minimum = 0)]
    pub deferrals: u32,
    /// Each move, or request to move, in order; the first 50.
    #[schema(max_items = 50)]
    pub moves: Vec<SlippageMove>,
    /// Whether it is overdue. If it was deferred without a new date, its first deadline counts.
    pub is_overdue: bool,
    /// Number of days overdue.
    pub days_overdue: Option<i64>,
    /// What it waits on; the first 50.
    #[schema(max_items = 50)]
    pub waits_on: Vec<SlippageWait>,
    /// Number of other records that wait on it directly.
    #[schema(minimum = 0)]
    pub awaited_by: u32,
    /// How its deadline compares with the date of the view or, once it is done, with that day.
    pub timeliness: Timeliness,
    /// Whether its deadline can still be met, given the date and what it waits on.
    pub can_be_met: CanBeMet,
    /// Earliest date on which everything that it waits on is available, as far as dates are known.
    pub earliest_on: Option<NaiveDate>,
    /// Dependencies that decide this, from what it waits on directly to the last; the first 20.
    #[schema(max_items = 20)]
    pub chain: Vec<SlippageChainLink>,
}

/// A step in a chain of dependencies.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageChainLink {
    /// The record; null for an event that is not recorded.
    pub record: Option<RecordName>,
    /// The event, if it has no record.
    #[schema(max_length = 300)]
    pub event: Option<String>,
    /// Date on which it is expected; null if nobody has given one.
    pub expected_on: Option<NaiveDate>,
}

/// Something that several records wait on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageEvent {
    /// Record that is waited on; null for an event that is not recorded.
    pub record: Option<RecordName>,
    /// The event, if it has no record.
    #[schema(max_length = 300)]
    pub event: Option<String>,
    /// Date it is expected; null if not stated, or if it will not happen.
    pub expected_on: Option<NaiveDate>,
    /// Whether it was given up and will not happen.
    pub is_given_up: bool,
    /// Earliest due date of anything that waits on it.
    pub first_needed_on: Option<NaiveDate>,
    /// Number of the requested records that wait on it directly.
    #[schema(minimum = 2)]
    pub waiting: u32,
    /// Number of records of any kind that wait on it, directly or through others.
    #[schema(minimum = 2)]
    pub waiting_in_all: u32,
    /// Records that wait on it directly; the first 50.
    #[schema(max_items = 50)]
    pub waiters: Vec<RecordName>,
}

/// Number of requested dated records, by state.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct SlippageCounts {
    /// Total.
    pub records: u32,
    /// Those still to be done.
    pub open: u32,
    /// Those due later than first planned, or deferred without a new date.
    pub slipped: u32,
    /// Those deferred without a new date.
    pub deferred_without_date: u32,
    /// Those that are overdue.
    pub overdue: u32,
    /// Those that cannot be met: overdue, or waiting on something that was given up or comes after
    /// their deadline.
    pub cannot_be_met: u32,
    /// Those that wait on something without a date.
    pub unknown: u32,
    /// Those in a circular dependency, or that wait on one.
    pub circle: u32,
}

/// What slipped, what waits on what, and which deadlines cannot be relied on.
#[derive(Debug, Serialize, ToSchema)]
pub struct SlippageView {
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Number on all pages.
    pub counts: SlippageCounts,
    /// What two or more of them wait on, most awaited first; the first 100.
    #[schema(max_items = 100)]
    pub events: Vec<SlippageEvent>,
    /// The dated records, ordered by kind and reference.
    #[schema(max_items = 200)]
    pub items: Vec<SlippageRow>,
    /// Cursor for the next page; null on the last page.
    #[schema(max_length = 200)]
    pub next_cursor: Option<String>,
}

impl View for SlippageView {
    fn fields(&self) -> Vec<Field> {
        fields_of::<SlippageRow>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// A dated record as found, before it is described.
struct Dated<'a> {
    kind: SlippageKind,
    record: &'a Arc<dyn AnyRecord>,
    meta: &'a Meta,
    /// Place in the order by reference.
    reference: Key,
    deadline: Deadline<'a>,
    is_open: bool,
    overdue: bool,
    timeliness: Timeliness,
    can_be_met: CanBeMet,
    node: Option<usize>,
}

/// How far a deadline moved.
struct Moves {
    is_open: bool,
    first: Option<NaiveDate>,
    due: Option<NaiveDate>,
}

impl Moves {
    fn of(deadline: &Deadline<'_>) -> Self {
        Self {
            is_open: deadline.progress == Progress::Open,
            first: deadline.first_on,
            due: deadline.due.due_on,
        }
    }

    fn days(&self) -> Option<i64> {
        let both = self.first.zip(self.due);
        both.map(|(first, due)| (due - first).num_days())
    }

    fn is_deferred(&self) -> bool {
        self.is_open && self.first.is_some() && self.due.is_none()
    }

    fn is_slipped(&self) -> bool {
        self.is_deferred() || self.days().is_some_and(|d| d > 0)
    }
}

impl Dated<'_> {
    fn moves(&self) -> Moves {
        Moves::of(&self.deadline)
    }

    fn due(&self) -> Option<NaiveDate> {
        self.deadline.due.due_on
    }

    fn is(&self, only: Only) -> bool {
        match only {
            Only::Slipped => self.moves().is_slipped(),
            Only::Deferred => self.moves().is_deferred(),
            Only::Overdue => self.overdue,
            Only::CannotHold => self.can_be_met.is_doubtful(),
            Only::Open => self.is_open,
        }
    }

    fn key(&self) -> (SlippageKind, &Key) {
        (self.kind, &self.reference)
    }
}

/// What is kept of a record: what its own dates say. What it waits for is known only to the graph.
#[derive(Debug, Clone, Copy)]
struct Own {
    /// Place of the record in its part.
    row: u16,
    /// Whether it ever had a date. If not, it cannot slip, unless it waits for something.
    has_date: bool,
    is_open: bool,
    is_slipped: bool,
    is_deferred: bool,
    is_overdue: bool,
    /// Whether it can be met if it waits for nothing.
    can_be_met: CanBeMet,
}

impl Own {
    fn is(&self, only: Only) -> bool {
        match only {
            Only::Slipped => self.is_slipped,
            Only::Deferred => self.is_deferred,
            Only::Overdue => self.is_overdue,
            Only::CannotHold => self.can_be_met.is_doubtful(),
            Only::Open => self.is_open,
        }
    }
}

/// The dated records of one part, by reference.
#[derive(Default)]
pub struct Dates(Vec<Own>);

impl Made for Dates {
    fn finish(&mut self, rows: &Rows) {
        let ranks = rows.ranks();
        self.0
            .sort_unstable_by_key(|own| ranks.get(usize::from(own.row)).copied());
        self.0.shrink_to_fit();
    }
}

/// What slippage depends on besides the world.
#[derive(PartialEq)]
pub struct Basis {
    on: NaiveDate,
    visibility: Visibility,
    /// Plans that are still being worked to.
    planned: IdSet,
}

/// What is kept of slippage.
pub type KeptDates = Kept<Basis, Dates>;

/// The requested records of one part.
#[derive(Default)]
struct Found<'a> {
    counts: SlippageCounts,
    /// Those that wait for something.
    waiting: Vec<Dated<'a>>,
    /// The first of those that may be on the page, by reference.
    first: Vec<Dated<'a>>,
}

fn dated<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    graph: &Graph,
    kind: SlippageKind,
    record: &'a Arc<dyn AnyRecord>,
) -> Option<Dated<'a>> {
    let deadline = record.deadline(seen.reading(on));
    let is_open = deadline.progress == Progress::Open;
    let node = graph.node(record.meta().id);
    let waits = node.is_some_and(|(_, n)| !n.waits.is_empty());
    if deadline.counts_on().is_none() && !waits {
        return None;
    }
    let soon = in_force(seen.reading(on).world).due_soon_days;
    Some(Dated {
        kind,
        record,
        meta: record.meta(),
        reference: record.key(BY_REFERENCE),
        deadline,
        is_open,
        overdue: deadline.is_overdue(on),
        timeliness: Timeliness::of(&deadline, on, soon).0,
        can_be_met: CanBeMet::of(node.map(|(_, node)| node), &deadline, on),
        node: node.map(|(at, _)| at),
    })
}

/// How often the deadline of a record was changed by decision, and how often it was deferred by
/// statement. Counts the changes of an item that the caller may see: the item's own count leaves
/// out marked ones.
fn times_moved(seen: &VisibleWorld, record: &dyn AnyRecord) -> (u32, u32) {
    let record = record.as_any();
    if let Some(item) = record.downcast_ref::<Rec<WorkPlanItem>>() {
        return (
            count(seen.pointing::<DeadlineChange>(item.meta.id).count()),
            0,
        );
    }
    if let Some(r) = record.downcast_ref::<Rec<Recommendation>>() {
        return (r.computed.extension_count, r.computed.deferral_count);
    }
    if let Some(action) = record.downcast_ref::<Rec<Action>>() {
        return (0, action.computed.deferral_count);
    }
    if let Some(part) = record.downcast_ref::<Rec<ActionPart>>() {
        return (0, part.computed.deferral_count);
    }
    let dashboard = record.downcast_ref::<Rec<Dashboard>>();
    let promises = dashboard.map_or(0, |d| d.data.promised.len());
    (0, count(promises.saturating_sub(1)))
}

/// Which records the caller asked for.
struct Wanted {
    kinds: Vec<SlippageKind>,
    only: Vec<Only>,
    record: Option<Uuid>,
    review: Option<Uuid>,
    scopes: Vec<Uuid>,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Problem> {
        Ok(Self {
            kinds: words(asked, "dated_kind")?,
            only: words(asked, "only")?,
            record: id_of(asked, "record_id")?,
            review: id_of(asked, "review_id")?,
            scopes: [id_of(asked, "unit_id")?, id_of(asked, "board_id")?]
                .into_iter()
                .flatten()
                .collect(),
        })
    }

    /// Whether a record is requested. Its kind is.
    fn takes(&self, asked: &Asked, id: Uuid, is: impl Fn(Only) -> bool) -> bool {
        let of_review = |review: Uuid| {
            let found = asked.seen.get::<Recommendation>(id);
            found.is_some_and(|r| r.data.review_id == review)
        };
        let world = asked.seen.reading(asked.on).world;
        (self.only.is_empty() || self.only.iter().any(|o| is(*o)))
            && self.record.is_none_or(|r| r == id)
            && self.review.is_none_or(of_review)
            && self.scopes.iter().all(|s| world.is_in_scope(id, *s))
    }
}

fn cursor(text: &str) -> Result<(SlippageKind, Key), Problem> {
    let parts = text.split_once(':');
    let found = parts.and_then(|(kind, reference)| {
        Some((
            KINDS.into_iter().find(|k| word(k) == kind)?,
            Key::Text(reference_key(reference)),
        ))
    });
    found.ok_or_else(|| invalid("cursor", "must be the next_cursor of the previous page"))
}

pub(super) fn slippage(
    asked: &Asked,
    graphs: &KeptGraphs,
    dates: &KeptDates,
) -> Result<SlippageView, Problem> {
    let limit = asked.limit()?;
    let wanted = Wanted::of(asked)?;
    let after = asked.cursor().map(cursor).transpose()?;
    let (seen, on) = (&asked.seen, asked.on);
    let graph = graphs.of(seen, on);
    let kinds: Vec<(usize, SlippageKind)> = KINDS
        .into_iter()
        .filter(|kind| wanted.kinds.is_empty() || wanted.kinds.contains(kind))
        .filter_map(|kind| {
            Some((
                seen.reading(on).world.catalogue().index_of(&word(&kind))?,
                kind,
            ))
        })
        .collect();
    let parts = kept_parts(asked, dates, &kinds);
    let find = parts.par_iter().map(|part| {
        let kind = kinds.iter().find(|(index, _)| *index == part.rows.kind);
        let mut found = Found::default();
        let Some((_, kind)) = kind else {
            return found;
        };
        for own in &part.made.0 {
            let Some(record) = part.rows.at(own.row) else {
                continue;
            };
            let full = || dated(seen, on, &graph, *kind, record);
            let id = record.meta().id;
            let node = graph.node(id);
            let full_dated = match node {
                Some(_) => match full().filter(|d| wanted.takes(asked, id, |only| d.is(only))) {
                    Some(dated) => Some(dated),
                    None => continue,
                },
                None if own.has_date && wanted.takes(asked, id, |only| own.is(only)) => None,
                None => continue,
            };
            let known = full_dated.as_ref().map(|d| d.can_be_met);
            found.counts.add(own, known);
            let is_after = after
                .as_ref()
                .is_none_or(|(last, key)| (*kind, &record.key(BY_REFERENCE)) > (*last, key));
            if is_after && found.first.len() <= limit {
                found.first.extend(full());
            }
            found.waiting.extend(full_dated);
        }
        found
    });
    let found: Vec<Found<'_>> = find.collect();
    let mut counts = SlippageCounts::default();
    let (mut waiting, mut first) = (Vec::new(), Vec::new());
    for part in found {
        counts.join(&part.counts);
        waiting.extend(part.waiting);
        first.extend(part.first);
    }
    let events = events(asked, &graph, &waiting);
    first.sort_by(|a, b| a.key().cmp(&b.key()));
    let more = first.len() > limit;
    first.truncate(limit);
    let last = first.last().filter(|_| more);
    Ok(SlippageView {
        on,
        journal_seq: seen.seq(),
        counts,
        events,
        next_cursor: last.map(|d| format!("{}:{}", word(&d.kind), d.meta.reference)),
        items: first.iter().map(|d| row(asked, &graph, d)).collect(),
    })
}

/// The dated records of these kinds, by part.
fn kept_parts(
    asked: &Asked,
    dates: &KeptDates,
    kinds: &[(usize, SlippageKind)],
) -> Vec<Arc<Part<Dates>>> {
    let (seen, on) = (&asked.seen, asked.on);
    let planned = worked_plans(seen, on);
    let basis = Basis {
        on,
        visibility: seen.visibility().clone(),
        planned: planned.clone(),
    };
    let kinds: Vec<usize> = kinds.iter().map(|(index, _)| *index).collect();
    dates.of(seen, basis, &kinds, |dates, row, record| {
        let item = record.as_any().downcast_ref::<Rec<WorkPlanItem>>();
        if item.is_some_and(|i| !planned.contains(&i.data.plan_id.uuid())) {
            return;
        }
        let deadline = record.deadline(seen.reading(on));
        let moves = Moves::of(&deadline);
        dates.0.push(Own {
            row,
            has_date: deadline.counts_on().is_some(),
            is_open: moves.is_open,
            is_slipped: moves.is_slipped(),
            is_deferred: moves.is_deferred(),
            is_overdue: deadline.is_overdue(on),
            can_be_met: CanBeMet::of(None, &deadline, on),
        });
    })
}

impl SlippageCounts {
    /// Counts a record. Whether it can be met is known from the graph if it waits for something, or
    /// is waited for.
    fn add(&mut self, own: &Own, known: Option<CanBeMet>) {
        let can_be_met = known.unwrap_or(own.can_be_met);
        self.records += 1;
        self.open += u32::from(own.is_open);
        self.slipped += u32::from(own.is_slipped);
        self.deferred_without_date += u32::from(own.is_deferred);
        self.overdue += u32::from(own.is_overdue);
        self.cannot_be_met += u32::from(can_be_met == CanBeMet::Impossible);
        self.unknown += u32::from(can_be_met == CanBeMet::Unknown);
        self.circle += u32::from(can_be_met == CanBeMet::Circle);
    }

    fn join(&mut self, other: &Self) {
        self.records += other.records;
        self.open += other.open;
        self.slipped += other.slipped;
        self.deferred_without_date += other.deferred_without_date;
        self.overdue += other.overdue;
        self.cannot_be_met += other.cannot_be_met;
        self.unknown += other.unknown;
        self.circle += other.circle;
    }
}

/// Name of a node: its record, or its words.
fn named(seen: &VisibleWorld, node: &Node) -> (Option<RecordName>, Option<String>) {
    match &node.what {
        What::Record(r) => (Some(RecordName::of(seen, r)), None),
        What::Words(words) => (None, Some(words.clone())),
    }
}

/// What two or more of the requested records wait on.
fn events(asked: &Asked, graph: &Graph, found: &[Dated<'_>]) -> Vec<SlippageEvent> {
    let mut waiting: BTreeMap<usize, Vec<&Dated<'_>>> = BTreeMap::new();
    for dated in found {
        let node = dated.node.and_then(|n| graph.nodes.get(n));
        let open = node
            .into_iter()
            .flat_map(|n| &n.waits)
            .filter_map(|e| graph.edges.get(*e))
            .filter(|e| e.is_open);
        for edge in open {
            let waiters = waiting.entry(edge.to).or_default();
            if waiters.last().is_none_or(|w| w.meta.id != dated.meta.id) {
                waiters.push(dated);
            }
        }
    }
    let mut shared: Vec<(usize, Vec<&Dated<'_>>)> =
        waiting.into_iter().filter(|(_, w)| w.len() > 1).collect();
    let reference = |at: usize| match graph.nodes.get(at).map(|n| &n.what) {
        Some(What::Record(r)) => reference_key(&r.meta().reference),
        Some(What::Words(words)) => reference_key(words),
        None => Arc::default(),
    };
    shared.sort_by_cached_key(|(at, waiters)| (std::cmp::Reverse(waiters.len()), reference(*at)));
    shared.truncate(MOST_EVENTS);
    let event = |(at, mut waiters): (usize, Vec<&Dated<'_>>)| {
        let node = graph.nodes.get(at)?;
        waiters.sort_by(|a, b| a.key().cmp(&b.key()));
        let (record, event) = named(&asked.seen, node);
        let names = waiters
            .iter()
            .take(MOST)
            .filter_map(|d| asked.seen.any(d.meta.id));
        Some(SlippageEvent {
            record,
            event,
            expected_on: node.expected(),
            is_given_up: node.readiness == Readiness::GivenUp,
            first_needed_on: waiters.iter().filter_map(|d| d.due()).min(),
            waiting: count(waiters.len()),
            waiting_in_all: count(in_the_end(graph, at)),
            waiters: names.map(|r| RecordName::of(&asked.seen, r)).collect(),
        })
    };
    shared.into_iter().filter_map(event).collect()
}

/// Number of records that wait on a node, directly or through others.
fn in_the_end(graph: &Graph, at: usize) -> usize {
    let mut seen = std::collections::HashSet::from([at]);
    let mut todo = vec![at];
    while let Some(at) = todo.pop() {
        let awaited = graph.nodes.get(at).into_iter().flat_map(|n| &n.awaited);
        for edge in awaited
            .filter_map(|e| graph.edges.get(*e))
            .filter(|e| e.is_open)
        {
            if seen.insert(edge.from) {
                todo.push(edge.from);
            }
        }
    }
    seen.len() - 1
}

fn row(asked: &Asked, graph: &Graph, dated: &Dated<'_>) -> SlippageRow {
    let seen = &asked.seen;
    let node = dated.node.and_then(|n| graph.nodes.get(n));
    let waits = node
        .into_iter()
        .flat_map(|n| &n.waits)
        .filter_map(|e| graph.edges.get(*e));
    let wait = |edge: &Edge| {
        let on = graph.nodes.get(edge.to)?;
        let (record, event) = named(seen, on);
        let expected_on = on.expected().or(edge.needed_by);
        Some(SlippageWait {
            wait_kind: edge.kind,
            record,
            event,
            is_open: edge.is_open,
            expected_on,
            is_late: edge.is_open
                && (on.readiness == Readiness::GivenUp
                    || expected_on
                        .zip(dated.due())
                        .is_some_and(|(expected, due)| expected > due)),
        })
    };
    let link = |at: usize| {
        let node = graph.nodes.get(at)?;
        let (record, event) = named(seen, node);
        Some(SlippageChainLink {
            record,
            event,
            expected_on: node.expected(),
        })
    };
    let awaited = node.map_or(0, |n| {
        let edges = n.awaited.iter().filter_map(|e| graph.edges.get(*e));
        let waiting = edges.filter(|e| e.is_open).map(|e| e.from);
        waiting.collect::<BTreeSet<usize>>().len()
    });
    let chain = dated
        .node
        .map(|n| graph.chain(n, dated.due(), LONGEST_CHAIN))
        .unwrap_or_default();
    let late_by = dated
        .deadline
        .counts_on()
        .map(|d| (asked.on - d).num_days());
    let (changes, deferrals) = times_moved(seen, dated.record.as_ref());
    SlippageRow {
        record: RecordName::of(seen, dated.record),
        dated_kind: dated.kind,
        is_open: dated.is_open,
        first_due_on: dated.deadline.first_on,
        due_on: dated.due(),
        due_words: dated.deadline.due.source_text.map(str::to_owned),
        moved_days: dated.moves().days(),
        deferred_without_date: dated.moves().is_deferred(),
        changes,
        deferrals,
        moves: moves(seen, dated),
        is_overdue: dated.overdue,
        days_overdue: late_by.filter(|_| dated.overdue),
        waits_on: waits.filter_map(wait).take(MOST).collect(),
        awaited_by: count(awaited),
        timeliness: dated.timeliness,
        can_be_met: dated.can_be_met,
        earliest_on: node.and_then(|n| n.earliest).filter(|_| dated.is_open),
        chain: chain.into_iter().filter_map(link).collect(),
    }
}

/// Each move of a deadline, or request to move it, in order.
fn moves(seen: &VisibleWorld, dated: &Dated<'_>) -> Vec<SlippageMove> {
    let id = dated.meta.id;
    let post = |id: Option<Uuid>| {
        id.and_then(|id| seen.get::<Post>(id))
            .map(|p| Named::new(&p.meta, &p.data.title))
    };
    let by = |ids: [Option<Uuid>; 2]| -> Vec<RecordName> {
        let known = ids.into_iter().flatten().filter_map(|id| seen.any(id));
        known.map(|r| RecordName::of(seen, r)).collect()
    };
    let between = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
        from.zip(to).map(|(from, to)| (to - from).num_days())
    };
    let mut all: Vec<SlippageMove> = match dated.kind {
        SlippageKind::WorkPlanItem => seen
            .pointing::<DeadlineChange>(id)
            .map(|c| SlippageMove {
                move_kind: SlippageMoveKind::Change,
                decided_on: Some(c.data.decided_on),
                from_on: c.computed.from.due_on,
                to_on: c.data.to.due_on,
                days_moved: c.computed.days_moved,
                approved_by: by([
                    c.data.approver_post_id.map(Into::into),
                    c.data.approver_board_id.map(Into::into),
                ]),
                asked_by: None,
                reason: Some(c.data.reason.to_string()),
            })
            .collect(),
        SlippageKind::Recommendation => of_recommendation(seen, id, &post, &by),
        SlippageKind::Action | SlippageKind::ActionPart => {
            let action = seen
                .get::<ActionPart>(id)
                .map_or(id, |p| p.data.action_id.uuid());
            let deferrals = seen.pointing::<ActionDeferral>(action);
            let about =
                |d: &&Rec<ActionDeferral>| action == id || d.data.part_id.is_none_or(|p| p == id);
            let day_of = |meeting: Option<Uuid>| seen.get::<Meeting>(meeting?)?.computed.meeting_on;
            deferrals
                .filter(|d| d.data.action_id == action)
                .filter(about)
                .map(|d| SlippageMove {
                    move_kind: SlippageMoveKind::Deferral,
                    decided_on: Some(d.data.decided_on),
                    from_on: d
                        .computed
                        .from
                        .due_on
                        .or_else(|| day_of(d.computed.from_meeting_id)),
                    to_on: d
                        .data
                        .to
                        .due_on
                        .or_else(|| day_of(d.data.to_meeting_id.map(Into::into))),
                    days_moved: d.computed.days_moved,
                    approved_by: by([d.data.agreed_at_meeting_id.map(Into::into), None]),
                    asked_by: post(d.data.by_post_id.map(Into::into)),
                    reason: Some(d.data.reason.to_string()),
                })
                .collect()
        }
        SlippageKind::StrategyReview => Vec::new(),
        SlippageKind::Dashboard => {
            let promised = seen
                .get::<Dashboard>(id)
                .map(|d| d.data.promised.as_slice())
                .unwrap_or_default();
            let pairs = promised.iter().zip(promised.iter().skip(1));
            pairs
                .map(|(before, after)| SlippageMove {
                    move_kind: SlippageMoveKind::Promise,
                    decided_on: after.made_on,
                    from_on: before.due.due_on,
                    to_on: after.due.due_on,
                    days_moved: between(before.due.due_on, after.due.due_on),
                    approved_by: Vec::new(),
                    asked_by: None,
                    reason: after.stated_in.as_ref().map(String::from),
                })
                .collect()
        }
    };
    if dated.kind != SlippageKind::Dashboard {
        all.sort_by_key(|m| m.decided_on);
    }
    all.truncate(MOST);
    all
}

type Posts<'f> = &'f dyn Fn(Option<Uuid>) -> Option<Named>;
type Approvers<'f> = &'f dyn Fn([Option<Uuid>; 2]) -> Vec<RecordName>;

fn of_recommendation(
    seen: &VisibleWorld,
    id: Uuid,
    post: Posts<'_>,
    by: Approvers<'_>,
) -> Vec<SlippageMove> {
    let extensions = seen
        .pointing::<RecommendationExtension>(id)
        .map(|e| SlippageMove {
            move_kind: SlippageMoveKind::Change,
            decided_on: Some(e.data.approved_on),
            from_on: e.computed.from.due_on,
            to_on: e.data.to.due_on,
            days_moved: e.computed.days_moved,
            approved_by: by([
                e.data.approver_post_id.map(Into::into),
                e.data.approver_board_id.map(Into::into),
            ]),
            asked_by: None,
            reason: Some(e.data.reason.to_string()),
        });
    let mut all: Vec<SlippageMove> = extensions.collect();
    for update in seen
        .pointing::<RecommendationUpdate>(id)
        .filter(|u| u.data.recommendation_id == id)
    {
        let move_kind = match update.data.update_kind {
            RecommendationUpdateKind::Deferral => SlippageMoveKind::Deferral,
            RecommendationUpdateKind::ExtensionRequest => SlippageMoveKind::Request,
            _ => continue,
        };
        all.push(SlippageMove {
            move_kind,
            decided_on: Some(update.data.stated_on),
            from_on: None,
            to_on: update.data.asked_deadline.due_on,
            days_moved: None,
            approved_by: Vec::new(),
            asked_by: post(update.data.by_post_id.map(Into::into)),
            reason: update
                .data
                .narrative
                .as_ref()
                .or_else(|| update.data.parts.first().map(|p| &p.text))
                .map(String::from),
        });
    }
    all
}

/// The operations of this view.
pub fn operations(graphs: &Arc<KeptGraphs>, dates: &Arc<KeptDates>) -> Vec<Operation> {
    let (graphs, dates) = (Arc::clone(graphs), Arc::clone(dates));
    let list = move |asked: &Asked| slippage(asked, &graphs, &dates);
    let only: Vec<String> = ONLY.iter().map(word).collect();
    let kinds: Vec<String> = KINDS.iter().map(word).collect();
    let about = "Returns items, recommendations, actions and their parts, strategy reviews and \
        dashboards: the first and current deadline, each move and who approved it, what the \
        record waits on, how its deadline compares with the date (`timeliness`), and whether it \
        can still be met, given everything that it waits on (`can_be_met`; `chain` names what \
        decides). Records that a recommendation only refers to hold nothing up. `events` lists what several of the \
        records wait on. Reports under an obligation recur and do not move: see the obligation's \
        occurrences.";
    vec![
        operation(
            "/api/v1/slippage",
            "listSlippage",
            Subject::PlanItem,
            list,
        )
        .takes([
            limit_parameter("Records"),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 200 }),
            ),
            some_of("dated_kind", "Only records of these kinds.", &kinds),
            some_of(
                "only",
                "Only records that slipped, were deferred without a new date, are overdue, have a \
                    deadline that cannot be relied on (`can_be_met` is impossible, unknown or circle), or are \
                    open. Records that match any of the given values are returned.",
                &only,
            ),
            id_query("record_id", "Only this record."),
            id_query("review_id", "Only recommendations of this audit review."),
            id_query(
                "unit_id",
                "Only records owned by this unit or a unit below it.",
            ),
            id_query("board_id", "Only records that belong to this board."),
        ])
        .says(
            "Views",
            "List what slipped and which deadlines cannot be relied on",
            about,
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<SlippageView>(schemas);
}
