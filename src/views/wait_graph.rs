//! What waits for what: one graph of all dated records, and the earliest date that each can meet.
//!
//! The graph is built in one pass over the records. Dates are worked out starting from the records
//! that wait for nothing, so a circle leaves its members unresolved and does not trap the search.

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
};
use crate::registers::meetings::{Action, ActionPart, deferral_of};
use crate::registers::plan::{Dependency, Plan, WorkPlanItem};
use crate::registers::strategy::{Strategy, StrategyId, StrategyReview};
use crate::world::collation::fold;
use crate::world::dates::Progress;
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{AnyRecord, IdMap, IdSet, Resource};

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
    /// The response to the recommendation is found there.
    RefersTo,
    /// An update on the recommendation refers to it.
    UpdateRefersTo,
    /// It was deferred to this review of a strategy.
    #[strum(message = "Deferred to")]
    DeferredTo,
    /// It is due at this meeting.
    DueAt,
    /// The strategy is to result from this review.
    #[strum(message = "Results from")]
    ComesOutOf,
}

/// Whether a record's deadline can be met, given what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DeadlineHolds {
    /// It waits for nothing that is open, or for nothing that comes after its deadline.
    #[strum(message = "Can be met")]
    Holds,
    /// What it waits for, directly or indirectly, comes after its deadline, or was given up.
    #[strum(message = "Cannot be met")]
    Late,
    /// What it waits for, directly or indirectly, has no date.
    Unknown,
    /// It waits for itself, or for others that wait for themselves.
    #[strum(message = "Circular wait")]
    Circle,
    /// The record has no deadline date.
    NoDeadline,
    /// It is done or was abandoned.
    Closed,
}

impl DeadlineHolds {
    /// Whether the deadline cannot be relied on.
    #[must_use]
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Late | Self::Unknown | Self::Circle)
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

    /// Whether a deadline can be met, given the dates of what it waits for.
    #[must_use]
    pub fn holds(&self, due: Option<NaiveDate>) -> DeadlineHolds {
        let Readiness::Open(_) = self.readiness else {
            return DeadlineHolds::Closed;
        };
        let Some(due) = due else {
            return DeadlineHolds::NoDeadline;
        };
        match self.earliest {
            // What was given up never comes.
            _ if self.never.is_some() => DeadlineHolds::Late,
            // A known date that is too late is certain, whatever else has no date.
            Some(earliest) if earliest > due => DeadlineHolds::Late,
            _ if self.is_circle => DeadlineHolds::Circle,
            _ if self.is_unknown => DeadlineHolds::Unknown,
            _ => DeadlineHolds::Holds,
        }
    }
}

impl Graph {
    /// The graph of everything visible to the caller, with its dates as of `on`.
    fn of(seen: &VisibleWorld, on: NaiveDate) -> Self {
        let mut graph = Self {
            on,
            nodes: Vec::new(),
            edges: Vec::new(),
            by_id: IdMap::default(),
            by_words: HashMap::new(),
        };
        graph.items(seen);
        graph.recommendations(seen);
        graph.reviews(seen);
        graph.actions(seen);
        graph.resolve();
        graph
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

    /// Adds a wait that lasts as long as both records are open. Repeated waits are kept once.
    fn add_wait(&mut self, seen: &VisibleWorld, from: Uuid, to: Uuid, kind: WaitKind) {
        let (Some(from), Some(to)) = (self.place(seen, from), self.place(seen, to)) else {
            return;
        };
        let waits = self
            .nodes
            .get(from)
            .map(|n| n.waits.as_slice())
            .unwrap_or_default();
        let edge = |n: &usize| self.edges.get(*n);
        // A link or dependency says more than a mention of the same record in an update.
        let said = |e: &Edge| {
            e.to == to
                && (e.kind == kind
                    || kind == WaitKind::UpdateRefersTo
                    || (kind == WaitKind::DeferredTo && e.is_open))
        };
        if from == to || waits.iter().filter_map(edge).any(said) {
            return;
        }
        let readiness = |at: usize| self.nodes.get(at).map(|n| n.readiness);
        // A record that is never simply done or still to come, such as a goal, is waited for only
        // if a link says so.
        let to_come = match readiness(to) {
            Some(Readiness::NeverDue) => kind == WaitKind::DependsOn,
            other => other.is_some_and(Readiness::is_open),
        };
        let is_open = to_come && matches!(readiness(from), Some(Readiness::Open(_)));
        self.wait(Edge {
            from,
            to,
            kind,
            is_open,
            needed_by: None,
        });
    }

    fn items(&mut self, seen: &VisibleWorld) {
        let plans = worked_plans(seen, self.on);
        for dependency in seen.live::<Dependency>() {
            let data = &dependency.data;
            let Some(item) = seen.get::<WorkPlanItem>(data.item_id) else {
                continue;
            };
            if !plans.contains(&item.data.plan_id.uuid()) {
                continue;
            }
            let reading = seen.reading(self.on);
            let progress = Dependency::deadline(dependency, reading).progress;
            let is_open = progress == Progress::Open && item.due().progress == Progress::Open;
            let Some(from) = self.place(seen, data.item_id.uuid()) else {
                continue;
            };
            let to = match (data.on_id, &data.on_other) {
                (Some(id), _) => self.place(seen, id.uuid()),
                (None, Some(words)) => Some(self.event(words, is_open)),
                (None, None) => None,
            };
            let Some(to) = to.filter(|_| progress != Progress::GivenUp) else {
                continue;
            };
            // The dependency says that the item waits, but nothing waits for what is already done.
            let done = self
                .nodes
                .get(to)
                .is_some_and(|n| n.readiness == Readiness::Done);
            self.wait(Edge {
                from,
                to,
                kind: WaitKind::Dependency,
                is_open: is_open && !done,
                needed_by: data.needed_by.due_on,
            });
        }
    }

    fn recommendations(&mut self, seen: &VisibleWorld) {
        let on = self.on;
        let open = |id: Uuid| {
            let found = seen.get::<Recommendation>(id).filter(|r| seen.is_live(*r));
            found.is_some_and(|r| r.deadline_on(on).progress == Progress::Open)
        };
        for link in seen
            .live::<RecommendationLink>()
            .filter(|l| open(l.data.recommendation_id.uuid()))
        {
            let kind = match link.data.relation {
                RecommendationRelation::DependsOn => WaitKind::DependsOn,
                RecommendationRelation::AddressedBy => WaitKind::AddressedBy,
                RecommendationRelation::RefersTo => WaitKind::RefersTo,
                RecommendationRelation::Duplicates | RecommendationRelation::Repeats => continue,
            };
            self.add_wait(
                seen,
                link.data.recommendation_id.uuid(),
                link.data.to_id.uuid(),
                kind,
            );
        }
        for update in seen
            .live::<RecommendationUpdate>()
            .filter(|u| open(u.data.recommendation_id.uuid()))
        {
            for to in update.data.referred() {
                self.add_wait(
                    seen,
                    update.data.recommendation_id.uuid(),
                    to,
                    WaitKind::UpdateRefersTo,
                );
            }
        }
    }

    fn reviews(&mut self, seen: &VisibleWorld) {
        let reading = seen.reading(self.on);
        for review in seen.live::<StrategyReview>() {
            if StrategyReview::deadline(review, reading).progress == Progress::GivenUp {
                continue;
            }
            for deferred in &review.data.deferred {
                self.add_wait(
                    seen,
                    deferred.record_id.uuid(),
                    review.meta.id,
                    WaitKind::DeferredTo,
                );
            }
            let planned = |id: &StrategyId| {
                let found = seen.get::<Strategy>(*id).filter(|s| seen.is_live(*s));
                found.is_some_and(|s| Strategy::deadline(s, reading).progress == Progress::Open)
            };
            if let Some(strategy) = review.data.successor_strategy_id.filter(planned) {
                self.add_wait(seen, strategy.uuid(), review.meta.id, WaitKind::ComesOutOf);
            }
        }
    }

    fn actions(&mut self, seen: &VisibleWorld) {
        for action in seen.live::<Action>() {
            if let Some(meeting) = action.data.target_meeting_id {
                self.add_wait(seen, action.meta.id, meeting.uuid(), WaitKind::DueAt);
            }
            for part in seen
                .pointing::<ActionPart>(action.meta.id)
                .filter(|p| p.data.action_id == action.meta.id)
            {
                if let Some(meeting) =
                    deferral_of(seen.reading(self.on), part).and_then(|d| d.data.to_meeting_id)
                {
                    self.add_wait(seen, part.meta.id, meeting.uuid(), WaitKind::DueAt);
                }
            }
        }
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
            Readiness::Done => return (None, false),
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
    /// late, it ends with the record that has that date. Otherwise it ends with one that has no
    /// date.
    #[must_use]
    pub fn chain(&self, from: usize, holds: DeadlineHolds, most: usize) -> Vec<usize> {
        let mut chain: Vec<usize> = Vec::new();
        let Some(mut node) = self.nodes.get(from) else {
            return chain;
        };
        let by_never = holds == DeadlineHolds::Late && node.never.is_some();
        let by_day = holds == DeadlineHolds::Late || node.undated.is_none();
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

/// All plans that are still being worked to.
#[must_use]
pub fn worked_plans(seen: &VisibleWorld, on: NaiveDate) -> IdSet {
    let worked = seen.live::<Plan>().filter(|p| seen.is_active_on(*p, on));
    worked.map(|p| p.meta.id).collect()
}
