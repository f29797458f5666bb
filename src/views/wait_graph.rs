//! What waits for what, and the earliest date that each record can meet: a graph of everything, or
//! of what one record waits for.
//!
//! What a record waits for directly follows from its own links ([`waits_of`]), for every view alike.
//! A recommendation waits for what it depends on, what is to implement it and what it was deferred
//! to. Records that it only refers to, duplicates or repeats hold nothing up, so they are not in the
//! graph. Dates are worked out starting from the records that wait for nothing, so a circle leaves
//! its members unresolved and does not trap the search.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::kept::KeptWhole;
use super::readiness::{Readiness, readiness};
use crate::registers::assurance::{
    Recommendation, RecommendationLink, RecommendationRelation, RecommendationUpdate,
    RecommendationUpdateKind,
};
use crate::registers::meetings::{Action, ActionDeferral, ActionPart, deferral_of};
use crate::registers::plan::{Dependency, Plan, WorkPlanItem};
use crate::registers::strategy::{Strategy, StrategyReview};
use crate::world::collation::fold;
use crate::world::dates::{Deadline, Progress};
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{AnyRecord, IdMap, IdSet, Rec, Resource};

/// Why one record waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum WaitKind {
    /// A dependency of a work-plan item.
    Dependency,
    /// The recommendation cannot be implemented before it.
    DependsOn,
    /// It is to implement the recommendation.
    AddressedBy,
    /// It was deferred to this record, such as a review of a strategy.
    #[strum(message = "Deferred to")]
    DeferredTo,
    /// It is due at this meeting.
    DueAt,
    /// The strategy is to result from this review.
    #[strum(message = "Results from")]
    ComesOutOf,
}

/// Whether a record's deadline can still be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum CanBeMet {
    /// It waits for nothing that is open, or only for what comes by its deadline.
    #[strum(message = "Can be met")]
    Possible,
    /// The deadline has passed, or what it waits for, directly or indirectly, comes after it or was
    /// given up.
    #[strum(message = "Cannot be met")]
    Impossible,
    /// What it waits for, directly or indirectly, has no date.
    #[strum(message = "Waits for something undated")]
    Unknown,
    /// It waits for itself, or for others that wait for themselves.
    #[strum(message = "Circular wait")]
    Circle,
    /// It has no deadline date, and nothing that it waits for is in doubt.
    NoDeadline,
    /// It is done, reported as done, or was abandoned.
    Closed,
}

impl CanBeMet {
    /// Whether the deadline cannot be relied on.
    #[must_use]
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Impossible | Self::Unknown | Self::Circle)
    }

    /// The answer for a record with this deadline, which has this node if it waits for anything.
    #[must_use]
    pub fn of(node: Option<&Node>, deadline: &Deadline<'_>, on: NaiveDate) -> Self {
        let is_gone = node.is_some_and(|n| !matches!(n.readiness, Readiness::Open(_)));
        if is_gone || !deadline.is_open_on(on) {
            return Self::Closed;
        }
        let due = deadline.due.due_on;
        match node {
            // Of what was deferred without a date, the first deadline counts, as everywhere.
            _ if deadline.is_overdue(on) => Self::Impossible,
            // What was given up never comes, and a known date that is too late is certain, whatever
            // else has no date.
            Some(node) if node.never.is_some() || node.days_late(due).is_some() => Self::Impossible,
            Some(node) if node.is_circle => Self::Circle,
            Some(node) if node.is_unknown => Self::Unknown,
            _ if due.is_none() => Self::NoDeadline,
            _ => Self::Possible,
        }
    }
}

/// What a node is: a record, or an event in words that is not recorded in the service.
#[derive(Clone)]
pub enum What {
    Record(Arc<dyn AnyRecord>),
    Words(String),
}

/// A record or event in the graph.
pub struct Node {
    pub what: What,
    pub readiness: Readiness,
    /// What it waits for, as indices in [`Graph::edges`].
    pub waits: Vec<usize>,
    /// What waits for it, as indices in the same list.
    pub awaited: Vec<usize>,
    /// The earliest date by which everything it waits for is done, as far as dates are known. None
    /// if it waits for nothing with a date.
    pub earliest: Option<NaiveDate>,
    /// Whether something it waits for has no date.
    pub is_unknown: bool,
    /// Whether it is part of a circle, or waits for one.
    pub is_circle: bool,
    /// The first wait for something that was given up, directly or through others.
    never: Option<usize>,
    /// The wait that determines the earliest date.
    latest: Option<usize>,
    /// The first wait without a date, or in a circle.
    undated: Option<usize>,
}

/// A wait of one record or event for another.
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub kind: WaitKind,
    /// Whether it is still waiting.
    pub is_open: bool,
    /// The date by which it is needed, used if the awaited record has no date of its own.
    pub needed_by: Option<NaiveDate>,
}

/// What waits for what.
pub struct Graph {
    on: NaiveDate,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    by_id: IdMap<usize>,
    by_words: HashMap<String, usize>,
}

/// What a graph depends on besides the world.
#[derive(PartialEq)]
struct Basis {
    on: NaiveDate,
    visibility: Visibility,
}

/// The graphs asked for last, kept until something that they were made from has changed.
#[derive(Default)]
pub struct KeptGraphs(KeptWhole<Basis, Graph>);

impl KeptGraphs {
    /// The graph of everything visible to the caller, with its dates as of `on`.
    pub fn of(&self, seen: &VisibleWorld, on: NaiveDate) -> Arc<Graph> {
        let visibility = seen.visibility().clone();
        let basis = Basis { on, visibility };
        self.0.of(seen, basis, || Graph::of(seen, on))
    }
}

impl Node {
    /// The record's id. None for an event in words.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match &self.what {
            What::Record(r) => Some(r.meta().id),
            What::Words(_) => None,
        }
    }

    /// The date it is expected, if one is recorded.
    #[must_use]
    pub fn expected(&self) -> Option<NaiveDate> {
        match self.readiness {
            Readiness::Open(day) => day,
            _ => None,
        }
    }

    /// Days from a deadline to the earliest date by which all that it waits for is done, if that is
    /// later.
    #[must_use]
    pub fn days_late(&self, due: Option<NaiveDate>) -> Option<i64> {
        let late = (self.earliest? - due?).num_days();
        (late > 0).then_some(late)
    }

    /// Whether something that it waits for, directly or indirectly, was given up.
    #[must_use]
    pub fn waits_for_given_up(&self) -> bool {
        self.never.is_some()
    }
}

/// What a record waits for directly.
pub struct Wait<'a> {
    to: To<'a>,
    pub kind: WaitKind,
    needed_by: Option<NaiveDate>,
    /// Whether the record that says so still holds: a dependency that was met does not.
    is_open: bool,
}

enum To<'a> {
    Record(Uuid),
    Words(&'a str),
}

impl<'a> Wait<'a> {
    fn on(id: impl Into<Uuid>, kind: WaitKind) -> Self {
        Self {
            to: To::Record(id.into()),
            kind,
            needed_by: None,
            is_open: true,
        }
    }

    /// The record that it waits for; none for an event in words.
    pub fn record(&self, seen: &'a VisibleWorld) -> Option<&'a Arc<dyn AnyRecord>> {
        match self.to {
            To::Record(id) => seen.any(id),
            To::Words(_) => None,
        }
    }
}

/// What a record waits for directly, from its own links. Done and given-up records are included.
pub fn waits_of<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    record: &'a Arc<dyn AnyRecord>,
) -> Vec<Wait<'a>> {
    let (id, any, reading) = (record.meta().id, record.as_any(), seen.reading(on));
    let mut waits = Vec::new();
    if let Some(item) = any.downcast_ref() {
        waits_of_item(seen, on, item, &mut waits);
    } else if let Some(recommendation) = any.downcast_ref() {
        waits_of_recommendation(seen, on, recommendation, &mut waits);
    } else if let Some(action) = any.downcast_ref::<Rec<Action>>() {
        let meeting = action.data.target_meeting_id;
        waits.extend(meeting.map(|m| Wait::on(m, WaitKind::DueAt)));
    } else if let Some(part) = any.downcast_ref::<Rec<ActionPart>>() {
        let meeting = deferral_of(reading, part).and_then(|d| d.data.to_meeting_id);
        waits.extend(meeting.map(|m| Wait::on(m, WaitKind::DueAt)));
    }
    let given_up = |r: &Rec<StrategyReview>| {
        StrategyReview::deadline(r, reading).progress == Progress::GivenUp
    };
    for review in seen.pointing::<StrategyReview>(id).filter(|r| !given_up(r)) {
        if review.data.deferred.iter().any(|d| d.record_id == id) {
            waits.push(Wait::on(review.meta.id, WaitKind::DeferredTo));
        }
        let planned = |s: &Rec<Strategy>| {
            seen.is_live(s) && Strategy::deadline(s, reading).progress == Progress::Open
        };
        let is_result = review.data.successor_strategy_id.is_some_and(|s| s == id);
        if is_result && any.downcast_ref().is_some_and(planned) {
            waits.push(Wait::on(review.meta.id, WaitKind::ComesOutOf));
        }
    }
    waits
}

/// The open records that wait for a record directly: those from which the graph has an open edge to
/// it, found from its own side.
#[must_use]
pub fn waiting_on(seen: &VisibleWorld, on: NaiveDate, id: Uuid) -> IdSet {
    let mut found = IdSet::default();
    let Some(record) = seen.any(id) else {
        return found;
    };
    let awaited = readiness(seen, on, record);
    let dependencies = seen
        .pointing::<Dependency>(id)
        .map(|d| d.data.item_id.uuid());
    let links = seen.pointing::<RecommendationLink>(id);
    let links = links.map(|l| l.data.recommendation_id.uuid());
    let updates = seen.pointing::<RecommendationUpdate>(id);
    let updates = updates.map(|u| u.data.recommendation_id.uuid());
    let actions = seen.pointing::<Action>(id).map(|a| a.meta.id);
    let deferrals = seen.pointing::<ActionDeferral>(id);
    let parts = deferrals.filter_map(|d| d.data.part_id.map(Uuid::from));
    let review = seen.get::<StrategyReview>(id).map(|r| &r.data);
    let of_review = review.into_iter().flat_map(|r| {
        let deferred = r.deferred.iter().map(|d| d.record_id.uuid());
        deferred.chain(r.successor_strategy_id.map(Uuid::from))
    });
    let mut asked = IdSet::from_iter([id]);
    let all = dependencies.chain(links).chain(updates).chain(actions);
    for waiter in all.chain(parts).chain(of_review) {
        let record = seen.any(waiter).filter(|_| asked.insert(waiter));
        let Some(record) = record else { continue };
        let is_open = matches!(readiness(seen, on, record), Readiness::Open(_));
        let waits = |w: &Wait<'_>| {
            matches!(w.to, To::Record(to) if to == id) && w.is_open && is_to_come(awaited, w.kind)
        };
        if is_open && waits_of(seen, on, record).iter().any(waits) {
            found.insert(waiter);
        }
    }
    found
}

/// Whether a record in this state is waited for. One that is never simply done or still to come, such
/// as a goal, is waited for only if a link or a dependency says so.
fn is_to_come(awaited: Readiness, kind: WaitKind) -> bool {
    match awaited {
        Readiness::NeverDue => matches!(kind, WaitKind::DependsOn | WaitKind::Dependency),
        other => other.is_open(),
    }
}

fn waits_of_item<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    item: &'a Rec<WorkPlanItem>,
    waits: &mut Vec<Wait<'a>>,
) {
    let is_worked = || {
        let plan = seen.get::<Plan>(item.data.plan_id);
        plan.is_some_and(|p| seen.is_active_on(p, on))
    };
    let mut dependencies = seen
        .pointing::<Dependency>(item.meta.id)
        .filter(|d| d.data.item_id == item.meta.id)
        .peekable();
    if dependencies.peek().is_none() || !is_worked() {
        return;
    }
    for dependency in dependencies {
        let data = &dependency.data;
        let progress = Dependency::deadline(dependency, seen.reading(on)).progress;
        let to = match (data.on_id, &data.on_other) {
            (Some(id), _) => To::Record(id.uuid()),
            (None, Some(words)) => To::Words(words),
            (None, None) => continue,
        };
        if progress != Progress::GivenUp {
            waits.push(Wait {
                to,
                kind: WaitKind::Dependency,
                needed_by: data.needed_by.due_on,
                is_open: progress == Progress::Open,
            });
        }
    }
}

fn waits_of_recommendation<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    recommendation: &'a Rec<Recommendation>,
    waits: &mut Vec<Wait<'a>>,
) {
    let id = recommendation.meta.id;
    if !seen.is_live(recommendation) || recommendation.deadline_on(on).progress != Progress::Open {
        return;
    }
    for link in seen
        .pointing::<RecommendationLink>(id)
        .filter(|l| l.data.recommendation_id == id)
    {
        let kind = match link.data.relation {
            RecommendationRelation::DependsOn => WaitKind::DependsOn,
            RecommendationRelation::AddressedBy => WaitKind::AddressedBy,
            RecommendationRelation::RefersTo
            | RecommendationRelation::Duplicates
            | RecommendationRelation::Repeats => continue,
        };
        waits.push(Wait::on(link.data.to_id, kind));
    }
    // Only the last deferral counts: it replaces the one before.
    let deferral = seen
        .pointing::<RecommendationUpdate>(id)
        .filter(|u| {
            u.data.recommendation_id == id
                && u.data.update_kind == RecommendationUpdateKind::Deferral
        })
        .max_by_key(|u| (u.data.stated_on, u.meta.created_at, u.meta.id));
    // A deferral may also mention a board or a document, to which nothing can be deferred.
    let is_dated = |id: &Uuid| {
        let record = seen.any(*id);
        record.is_some_and(|r| {
            !matches!(
                readiness(seen, on, r),
                Readiness::NeverDue | Readiness::InForce
            )
        })
    };
    let referred = deferral.into_iter().flat_map(|u| u.data.referred());
    waits.extend(
        referred
            .filter(is_dated)
            .map(|to| Wait::on(to, WaitKind::DeferredTo)),
    );
}

impl Graph {
    fn empty(on: NaiveDate) -> Self {
        Self {
            on,
            nodes: Vec::new(),
            edges: Vec::new(),
            by_id: IdMap::default(),
            by_words: HashMap::new(),
        }
    }

    /// The graph of everything visible to the caller, with its dates as of `on`.
    pub fn of(seen: &VisibleWorld, on: NaiveDate) -> Self {
        let mut graph = Self::empty(on);
        let mut done = IdSet::default();
        for id in waiting(seen) {
            if done.insert(id) {
                graph.expand(seen, id);
            }
        }
        graph.resolve();
        graph
    }

    /// The graph of what a record waits for, directly and indirectly: the same as in the graph of
    /// everything. None if that is more than `most` records.
    #[must_use]
    pub fn ahead_of(seen: &VisibleWorld, on: NaiveDate, id: Uuid, most: usize) -> Option<Self> {
        let mut graph = Self::empty(on);
        graph.expand(seen, id);
        let mut at = 0;
        while let Some(node) = graph.nodes.get(at) {
            if graph.nodes.len() > most {
                return None;
            }
            // What is done or given up keeps nobody waiting.
            let next = node.id().filter(|next| *next != id);
            if let Some(next) = next.filter(|_| matches!(node.readiness, Readiness::Open(_))) {
                graph.expand(seen, next);
            }
            at += 1;
        }
        graph.resolve();
        Some(graph)
    }

    /// The node of a record, if anything waits for it or it waits for anything.
    #[must_use]
    pub fn node(&self, id: Uuid) -> Option<(usize, &Node)> {
        let at = *self.by_id.get(&id)?;
        Some((at, self.nodes.get(at)?))
    }

    fn push(&mut self, what: What, readiness: Readiness) -> usize {
        self.nodes.push(Node {
            what,
            readiness,
            waits: Vec::new(),
            awaited: Vec::new(),
            earliest: None,
            is_unknown: false,
            is_circle: false,
            never: None,
            latest: None,
            undated: None,
        });
        self.nodes.len() - 1
    }

    fn place(&mut self, seen: &VisibleWorld, id: Uuid) -> Option<usize> {
        if let Some(at) = self.by_id.get(&id) {
            return Some(*at);
        }
        let record = seen.any(id)?;
        let at = self.push(
            What::Record(Arc::clone(record)),
            readiness(seen, self.on, record),
        );
        self.by_id.insert(id, at);
        Some(at)
    }

    /// Adds an event in words. The same words ([`fold`]) are the same event.
    fn event(&mut self, words: &str, is_open: bool) -> usize {
        let key = fold(words);
        let at = match self.by_words.get(&key) {
            Some(at) => *at,
            None => {
                let at = self.push(What::Words(words.to_owned()), Readiness::Done);
                self.by_words.insert(key, at);
                at
            }
        };
        // It is still to come as long as something waits for it.
        if let Some(node) = self.nodes.get_mut(at).filter(|_| is_open) {
            node.readiness = Readiness::Open(None);
        }
        at
    }

    fn wait(&mut self, edge: Edge) {
        let place = self.edges.len();
        if let Some(from) = self.nodes.get_mut(edge.from) {
            from.waits.push(place);
        }
        if let Some(to) = self.nodes.get_mut(edge.to) {
            to.awaited.push(place);
        }
        self.edges.push(edge);
    }

    /// Adds what a record waits for directly.
    fn expand(&mut self, seen: &VisibleWorld, id: Uuid) {
        let Some(record) = seen.any(id) else { return };
        for wait in waits_of(seen, self.on, record) {
            self.add(seen, id, &wait);
        }
    }

    /// Adds a wait that lasts as long as both records are open. Repeated waits are kept once.
    fn add(&mut self, seen: &VisibleWorld, from: Uuid, wait: &Wait<'_>) {
        let Some(from) = self.place(seen, from) else {
            return;
        };
        let readiness = |graph: &Self, at: usize| graph.nodes.get(at).map(|n| n.readiness);
        let is_waiting = wait.is_open && matches!(readiness(self, from), Some(Readiness::Open(_)));
        let to = match wait.to {
            To::Record(id) => self.place(seen, id),
            To::Words(words) => Some(self.event(words, is_waiting)),
        };
        let Some(to) = to.filter(|to| *to != from) else {
            return;
        };
        let waits = self.nodes.get(from).map(|n| n.waits.as_slice());
        let mut known = waits
            .unwrap_or_default()
            .iter()
            .filter_map(|n| self.edges.get(*n));
        // A link or dependency says more than a deferral to the same record.
        let kind = wait.kind;
        let is_said = |e: &Edge| {
            let same = e.kind == kind && kind != WaitKind::Dependency;
            e.to == to && (same || (kind == WaitKind::DeferredTo && e.is_open))
        };
        if known.any(is_said) {
            return;
        }
        let to_come = readiness(self, to).is_some_and(|awaited| is_to_come(awaited, kind));
        self.wait(Edge {
            from,
            to,
            kind,
            is_open: is_waiting && to_come,
            needed_by: wait.needed_by,
        });
    }

    /// Works out the earliest dates, starting from what waits for nothing.
    fn resolve(&mut self) {
        // A node is resolved once everything that it waits for is (Kahn's algorithm), so each wait
        // is looked at once. What is never resolved is in a circle, or waits for one.
        let mut left: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let open = node
                .waits
                .iter()
                .filter_map(|e| self.edges.get(*e))
                .filter(|e| e.is_open);
            left.push(open.count());
        }
        let mut ready: VecDeque<usize> = (0..self.nodes.len())
            .filter(|n| left.get(*n) == Some(&0))
            .collect();
        let mut resolved = vec![false; self.nodes.len()];
        while let Some(at) = ready.pop_front() {
            if let Some(done) = resolved.get_mut(at) {
                *done = true;
            }
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            for place in &node.awaited.clone() {
                let Some(edge) = self.edges.get(*place).filter(|e| e.is_open) else {
                    continue;
                };
                let comes = self.comes(at, edge);
                let from = edge.from;
                self.hear(from, *place, comes);
                self.hear_of_never(at, from, *place);
                if let Some(n) = left.get_mut(from) {
                    *n = n.saturating_sub(1);
                    if *n == 0 {
                        ready.push_back(from);
                    }
                }
            }
        }
        for (at, _) in resolved.iter().enumerate().filter(|(_, r)| !**r) {
            let waits = self
                .nodes
                .get(at)
                .map(|n| n.waits.clone())
                .unwrap_or_default();
            let around = waits.into_iter().find(|place| {
                let edge = self.edges.get(*place).filter(|e| e.is_open);
                edge.is_some_and(|e| resolved.get(e.to) == Some(&false))
            });
            if let Some(node) = self.nodes.get_mut(at) {
                (node.is_circle, node.is_unknown) = (true, true);
                // The chain that readers are shown must lead into the circle, whatever else has no
                // date.
                node.undated = around.or(node.undated);
            }
        }
    }

    /// The earliest date by which the awaited record is done: not before today, not before its own
    /// date, and not before what it waits for itself. The second value says whether any of these
    /// has no date.
    fn comes(&self, at: usize, edge: &Edge) -> (Option<NaiveDate>, bool) {
        let Some(node) = self.nodes.get(at) else {
            return (None, true);
        };
        let own = match node.readiness {
            Readiness::Open(day) => day.or(edge.needed_by),
            Readiness::NeverDue => edge.needed_by,
            Readiness::GivenUp => None,
            Readiness::Done | Readiness::InForce => return (None, false),
        };
        // Something past its date but not done comes today at the earliest.
        let known = own.map(|day| day.max(self.on)).max(node.earliest);
        (known, own.is_none() || node.is_unknown)
    }

    /// Notes that what a record waits for was given up, or waits for something that was.
    fn hear_of_never(&mut self, at: usize, waiter: usize, place: usize) {
        let never = |node: &Node| node.readiness == Readiness::GivenUp || node.never.is_some();
        if self.nodes.get(at).is_some_and(never)
            && let Some(node) = self.nodes.get_mut(waiter)
        {
            node.never = node.never.or(Some(place));
        }
    }

    fn hear(&mut self, waiter: usize, place: usize, (day, is_unknown): (Option<NaiveDate>, bool)) {
        let Some(node) = self.nodes.get_mut(waiter) else {
            return;
        };
        // `None` is before every date, so this also takes the first known one.
        if day > node.earliest {
            node.latest = Some(place);
        }
        if is_unknown && node.undated.is_none() {
            node.undated = Some(place);
        }
        node.earliest = node.earliest.max(day);
        node.is_unknown |= is_unknown;
    }

    /// The chain of waits that determines a record's date: what it waits for, what that waits for,
    /// and so on. If something was given up, the chain ends with it. If the date is known to be too
    /// late for `due`, it ends with the record that has that date. Otherwise it ends with one that
    /// has no date.
    #[must_use]
    pub fn chain(&self, from: usize, due: Option<NaiveDate>, most: usize) -> Vec<usize> {
        let mut chain: Vec<usize> = Vec::new();
        let Some(mut node) = self.nodes.get(from) else {
            return chain;
        };
        let by_never = node.never.is_some();
        let by_day = node.days_late(due).is_some() || node.undated.is_none();
        let wanted = node.earliest;
        while chain.len() < most {
            let next = if by_never {
                node.never
            } else if by_day {
                // The date is followed as long as it is handed on unchanged. A record that sets it
                // by its own date waits for nothing so late, and ends the chain.
                node.latest.filter(|_| node.earliest == wanted)
            } else {
                node.undated
            };
            let Some(edge) = next.and_then(|e| self.edges.get(e)) else {
                break;
            };
            let again = chain.contains(&edge.to) || edge.to == from;
            chain.push(edge.to);
            match self.nodes.get(edge.to) {
                Some(to) if !again => node = to,
                _ => break,
            }
        }
        chain
    }
}

/// The records that may wait for something. Some occur several times.
fn waiting(seen: &VisibleWorld) -> impl Iterator<Item = Uuid> {
    let dependencies = seen.live::<Dependency>().map(|d| d.data.item_id.uuid());
    let links = seen
        .live::<RecommendationLink>()
        .map(|l| l.data.recommendation_id.uuid());
    let deferrals = seen
        .live::<RecommendationUpdate>()
        .filter(|u| u.data.update_kind == RecommendationUpdateKind::Deferral)
        .map(|u| u.data.recommendation_id.uuid());
    let reviews = seen.live::<StrategyReview>().flat_map(|r| {
        let deferred = r.data.deferred.iter().map(|d| d.record_id.uuid());
        deferred.chain(r.data.successor_strategy_id.map(Uuid::from))
    });
    let actions = seen
        .live::<Action>()
        .filter(|a| a.data.target_meeting_id.is_some())
        .map(|a| a.meta.id);
    let parts = seen.live::<ActionPart>().map(|p| p.meta.id);
    dependencies
        .chain(links)
        .chain(deferrals)
        .chain(reviews)
        .chain(actions)
        .chain(parts)
}

/// Whether a plan is still being worked to.
#[must_use]
pub fn is_worked(seen: &VisibleWorld, on: NaiveDate, plan: Uuid) -> bool {
    let plan = seen.get::<Plan>(plan);
    plan.is_some_and(|plan| seen.is_active_on(plan, on))
}

/// All plans that are still being worked to.
#[must_use]
pub fn worked_plans(seen: &VisibleWorld, on: NaiveDate) -> IdSet {
    let worked = seen.live::<Plan>().filter(|p| seen.is_active_on(*p, on));
    worked.map(|p| p.meta.id).collect()
}
