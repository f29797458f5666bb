//! The dependency graph: what waits for what, as nodes and edges and as a drawing. It covers
//! everything, one record's surroundings or one unit. Its size is limited, and it says when
//! something is left out.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::readiness::Readiness;
use super::request::{Asked, View, id_of, operation, some_of, words};
use super::wait_graph::{CanBeMet, Graph, KeptGraphs, Node, WaitKind, What};
use crate::http::formats::Format;
use crate::http::operation::Operation;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::links::count;
use crate::render::diagram::{self, Border, Class, Direction, Stroke, dot, mermaid};
use crate::world::Text;
use crate::world::collation::reference_key;
use crate::world::dates::{Deadline, Progress, When};
use crate::world::fields::Field;
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::vocabulary::Coded;

/// Default and highest number of nodes returned.
const NODES: usize = 300;
const MOST_NODES: usize = 1000;
/// Default and highest number of steps from a record.
const DEPTH: usize = 2;
const MOST_DEPTH: usize = 20;

/// State of a node for the records that wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DependencyGraphNodeState {
    /// Done, held or closed.
    Done,
    /// It came about and lasts: an active plan, a strategy or terms in force.
    InForce,
    /// Not done yet and not overdue.
    Open,
    /// Not done yet and past its deadline.
    Overdue,
    /// It was withdrawn, cancelled, superseded or dissolved.
    #[strum(message = "Will not happen")]
    GivenUp,
    /// A kind of record that is never done or due, such as a document or a goal.
    NeverDue,
}

/// A record or an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct DependencyGraphNode {
    /// Key of the node in this answer and in the drawings.
    pub key: Text<20>,
    /// The record; null for an event that is not recorded.
    pub record: Option<RecordName>,
    /// The event, if it has no record.
    pub event: Option<Text<300>>,
    /// State.
    pub state: DependencyGraphNodeState,
    /// Date on which it is expected; null if nobody has given one.
    pub expected_on: Option<NaiveDate>,
    /// Whether that date can still be met, given what the node itself waits for.
    pub can_be_met: CanBeMet,
}

/// A wait of one record or event for another.
#[derive(Debug, Serialize, ToSchema)]
pub struct DependencyGraphEdge {
    /// Key of the node that waits.
    pub from: Text<20>,
    /// Key of the node that it waits for.
    pub to: Text<20>,
    /// Why it waits.
    pub wait_kind: WaitKind,
    /// Whether it is still waiting.
    pub is_open: bool,
}

/// What waits for what.
#[derive(Debug, Serialize, ToSchema)]
pub struct DependencyGraphView {
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Number of nodes that match, including those left out.
    #[schema(minimum = 0)]
    pub nodes_in_all: u32,
    /// Number of edges between them, including those left out.
    #[schema(minimum = 0)]
    pub edges_in_all: u32,
    /// Whether any nodes or edges are left out.
    pub is_cut: bool,
    /// Records and events. If a record was asked for, the nearest come first; otherwise the most
    /// connected.
    #[schema(max_items = 1000)]
    pub nodes: Vec<DependencyGraphNode>,
    /// The edges between them.
    #[schema(max_items = 20_000)]
    pub edges: Vec<DependencyGraphEdge>,
}

impl DependencyGraphNode {
    /// Text of its label.
    fn label(&self) -> String {
        let day = self
            .expected_on
            .map(|d| format!(", {d}"))
            .unwrap_or_default();
        match (&self.record, &self.event) {
            (Some(r), _) if r.title == r.reference => format!("{}{day}", r.reference),
            (Some(r), _) => format!("{} {}{day}", r.reference, r.title),
            (None, Some(event)) => format!("{event}{day}"),
            _ => self.key.to_string(),
        }
    }

    /// Class that decides its colour.
    fn class(&self) -> &'static str {
        match self.state {
            DependencyGraphNodeState::Done => "done",
            DependencyGraphNodeState::InForce => "inforce",
            DependencyGraphNodeState::NeverDue => "never_due",
            DependencyGraphNodeState::GivenUp => "givenup",
            DependencyGraphNodeState::Overdue => "overdue",
            DependencyGraphNodeState::Open if self.can_be_met.is_doubtful() => "doubtful",
            DependencyGraphNodeState::Open if self.expected_on.is_none() => "undated",
            DependencyGraphNodeState::Open => "open",
        }
    }
}

/// How boxes look, by the state of what is in them.
const CLASSES: &[Class] = &[
    class("done", "#d5e8d4", "#2d7600"),
    class("inforce", "#e6f2e6", "#2d7600"),
    class("never_due", "#f5f5f5", "#666666"),
    class("givenup", "#e0e0e0", "#000000"),
    class("overdue", "#f8cecc", "#9c2a00"),
    class("doubtful", "#ffe6cc", "#8a5a00"),
    class("undated", "#fff2cc", "#7a6200"),
    class("open", "#dae8fc", "#2f4b7c"),
];

const fn class(name: &'static str, fill: &'static str, outline: &'static str) -> Class {
    Class {
        name,
        fill,
        outline,
        border: Border::Plain,
    }
}

impl DependencyGraphView {
    /// The graph as boxes and lines.
    fn graph(&self) -> diagram::Graph {
        let cut = || {
            format!(
                "{} of {} nodes shown; narrow the graph with record_id or unit_id",
                self.nodes.len(),
                self.nodes_in_all
            )
        };
        let node = |node: &DependencyGraphNode| diagram::Node {
            key: node.key.to_string(),
            lines: vec![node.label()],
            class: node.class(),
            is_round: node.record.is_none(),
        };
        let edge = |edge: &DependencyGraphEdge| diagram::Edge {
            from: edge.from.to_string(),
            to: edge.to.to_string(),
            label: edge.wait_kind.in_sentence(),
            stroke: if edge.is_open {
                Stroke::Solid
            } else {
                Stroke::Dashed
            },
            ranks: true,
        };
        diagram::Graph {
            name: "waits",
            direction: Direction::Right,
            note: self.is_cut.then(cut),
            classes: CLASSES,
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.iter().map(edge).collect(),
        }
    }
}

impl View for DependencyGraphView {
    const FORMATS: &'static [Format] = &[Format::Csv, Format::Xlsx, Format::Mermaid, Format::Dot];

    /// A row for each edge.
    fn fields(&self) -> Vec<Field> {
        const OF_NODE: [&str; 7] = [
            "id",
            "kind",
            "reference",
            "title",
            "state",
            "expected_on",
            "can_be_met",
        ];
        let of = |end: &'static str| OF_NODE.map(|name| Field::named(name).within(end));
        let own = ["wait_kind", "is_open"].map(Field::named);
        of("from").into_iter().chain(of("to")).chain(own).collect()
    }
    fn is_whole(&self) -> bool {
        !self.is_cut
    }
    fn rows(&self) -> Vec<Value> {
        let nodes: BTreeMap<&str, &DependencyGraphNode> =
            self.nodes.iter().map(|n| (n.key.as_str(), n)).collect();
        let end = |key: &str| {
            let node = nodes.get(key);
            let record = node.and_then(|n| n.record.as_ref());
            json!({
                "id": record.map(|r| r.id), "kind": record.map(|r| &r.kind), "reference": record.map(|r| &r.reference),
                "title": record.map(|r| &r.title).or_else(|| node.and_then(|n| n.event.as_ref())),
                "state": node.map(|n| n.state), "expected_on": node.and_then(|n| n.expected_on), "can_be_met": node.map(|n| n.can_be_met),
            })
        };
        let row = |edge: &DependencyGraphEdge| {
            json!({
                "from": end(&edge.from), "to": end(&edge.to),
                "wait_kind": edge.wait_kind, "is_open": edge.is_open,
            })
        };
        self.edges.iter().map(row).collect()
    }

    fn drawn(&self, format: Format) -> Option<String> {
        match format {
            Format::Mermaid => Some(mermaid::write(&self.graph())),
            Format::Dot => Some(dot::write(&self.graph())),
            _ => None,
        }
    }
}

/// A number within bounds, or the default if none is given.
fn number(asked: &Asked, name: &str, (usual, most): (usize, usize)) -> Result<usize, Problem> {
    let form = format!("a number from 1 to {most}");
    let given = asked.query.value::<usize>(name, &form)?.unwrap_or(usual);
    if (1..=most).contains(&given) {
        Ok(given)
    } else {
        Err(invalid(name, &format!("must be {form}")))
    }
}

/// Until when a node is to be done. An event in words has no date.
fn deadline<'a>(seen: &'a VisibleWorld, node: &'a Node, on: NaiveDate) -> Deadline<'a> {
    match (&node.what, node.readiness) {
        (What::Record(record), _) => record.deadline(seen.reading(on)),
        (What::Words(_), Readiness::Open(_)) => Deadline::new(Progress::Open, When::default()),
        (What::Words(_), _) => Deadline::new(Progress::Done, When::default()),
    }
}

/// The part of a graph that was asked for.
struct Narrowed {
    edges: Vec<usize>,
    /// The nodes that the edges connect, and the one that was asked for.
    nodes: Vec<usize>,
}

/// The nodes around a record, nearest first, so that the furthest are left out first.
fn around(graph: &Graph, edges: &[usize], start: usize, depth: usize) -> Narrowed {
    let mut next: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for place in edges {
        let Some(edge) = graph.edges.get(*place) else {
            continue;
        };
        next.entry(edge.from).or_default().push((edge.to, *place));
        next.entry(edge.to).or_default().push((edge.from, *place));
    }
    let mut nodes = vec![start];
    let mut known = HashSet::from([start]);
    let mut todo = VecDeque::from([(start, 0)]);
    let mut kept = BTreeSet::new();
    while let Some((at, steps)) = todo.pop_front() {
        for (other, place) in next.get(&at).into_iter().flatten() {
            if steps < depth || known.contains(other) {
                kept.insert(*place);
            }
            if steps < depth && known.insert(*other) {
                nodes.push(*other);
                todo.push_back((*other, steps + 1));
            }
        }
    }
    Narrowed {
        edges: kept.into_iter().collect(),
        nodes,
    }
}

/// The nodes of some edges, the most connected first.
fn connected(graph: &Graph, edges: Vec<usize>) -> Narrowed {
    let mut degree: BTreeMap<usize, usize> = BTreeMap::new();
    for edge in edges.iter().filter_map(|e| graph.edges.get(*e)) {
        *degree.entry(edge.from).or_default() += 1;
        *degree.entry(edge.to).or_default() += 1;
    }
    let reference = |at: usize| match graph.nodes.get(at).map(|n| &n.what) {
        Some(What::Record(r)) => reference_key(&r.meta().reference),
        Some(What::Words(words)) => reference_key(words),
        None => Arc::default(),
    };
    let mut nodes: Vec<(usize, usize)> = degree.into_iter().collect();
    nodes.sort_by_cached_key(|(at, degree)| (std::cmp::Reverse(*degree), reference(*at)));
    Narrowed {
        edges,
        nodes: nodes.into_iter().map(|(at, _)| at).collect(),
    }
}

pub(super) fn graph(asked: &Asked, graphs: &KeptGraphs) -> Result<DependencyGraphView, Problem> {
    let seen = &asked.seen;
    let most = number(asked, "max_nodes", (NODES, MOST_NODES))?;
    let depth = number(asked, "depth", (DEPTH, MOST_DEPTH))?;
    let (record, unit) = (id_of(asked, "record_id")?, id_of(asked, "unit_id")?);
    let kinds: Vec<WaitKind> = words(asked, "wait_kind")?;
    let open = asked.query.flag("open")?;
    let graph = graphs.of(seen, asked.on);
    let world = seen.reading(asked.on).world;
    let mut of_unit: BTreeMap<usize, bool> = BTreeMap::new();
    let mut belongs = |at: usize, unit: Uuid| {
        let id = graph.nodes.get(at).and_then(Node::id);
        *of_unit
            .entry(at)
            .or_insert_with(|| id.is_some_and(|id| world.is_in_scope(id, unit)))
    };
    let edges: Vec<usize> = (0..graph.edges.len())
        .filter(|place| {
            let Some(edge) = graph.edges.get(*place) else {
                return false;
            };
            (kinds.is_empty() || kinds.contains(&edge.kind))
                && (!open || edge.is_open)
                && unit.is_none_or(|u| belongs(edge.from, u) || belongs(edge.to, u))
        })
        .collect();
    let narrowed = match record {
        Some(id) => match graph.node(id) {
            Some((start, _)) => around(&graph, &edges, start, depth),
            // Nothing waits for it, and it waits for nothing.
            None => Narrowed {
                edges: Vec::new(),
                nodes: Vec::new(),
            },
        },
        None => connected(&graph, edges),
    };
    let shown: BTreeMap<usize, String> = narrowed
        .nodes
        .iter()
        .take(most)
        .enumerate()
        .map(|(n, at)| (*at, format!("n{n}")))
        .collect();
    let node = |at: &usize| {
        let (node, key) = (graph.nodes.get(*at)?, shown.get(at)?.clone());
        let (record, event) = match &node.what {
            What::Record(r) => (Some(RecordName::of(seen, r)), None),
            What::Words(words) => (None, Some(words.clone())),
        };
        let deadline = deadline(seen, node, asked.on);
        let state = match node.readiness {
            Readiness::Done => DependencyGraphNodeState::Done,
            Readiness::InForce => DependencyGraphNodeState::InForce,
            Readiness::GivenUp => DependencyGraphNodeState::GivenUp,
            Readiness::NeverDue => DependencyGraphNodeState::NeverDue,
            Readiness::Open(_) if deadline.is_overdue(asked.on) => {
                DependencyGraphNodeState::Overdue
            }
            Readiness::Open(_) => DependencyGraphNodeState::Open,
        };
        Some(DependencyGraphNode {
            key: Text::cut(key),
            record,
            event: event.map(Text::cut),
            state,
            expected_on: node.expected(),
            can_be_met: CanBeMet::of(Some(node), &deadline, asked.on),
        })
    };
    let edge = |place: &usize| {
        let edge = graph.edges.get(*place)?;
        Some(DependencyGraphEdge {
            from: Text::cut(shown.get(&edge.from)?.clone()),
            to: Text::cut(shown.get(&edge.to)?.clone()),
            wait_kind: edge.kind,
            is_open: edge.is_open,
        })
    };
    /// Most edges returned.
    const MOST_EDGES: usize = 20_000;
    let edges: Vec<DependencyGraphEdge> = narrowed
        .edges
        .iter()
        .filter_map(edge)
        .take(MOST_EDGES)
        .collect();
    Ok(DependencyGraphView {
        on: asked.on,
        journal_seq: seen.seq(),
        nodes_in_all: count(narrowed.nodes.len()),
        edges_in_all: count(narrowed.edges.len()),
        is_cut: shown.len() < narrowed.nodes.len() || edges.len() < narrowed.edges.len(),
        nodes: narrowed.nodes.iter().take(most).filter_map(node).collect(),
        edges,
    })
}

/// The operations of this view.
pub fn operations(graphs: &Arc<KeptGraphs>) -> Vec<Operation> {
    let graphs = Arc::clone(graphs);
    let draw = move |asked: &Asked| graph(asked, &graphs);
    let size = |usual: usize, most: usize| json!({ "type": "integer", "minimum": 1, "maximum": most, "default": usual });
    let kinds: Vec<String> = WaitKind::VARIANTS.iter().map(word).collect();
    vec![
        operation(
            "/api/v1/dependency-graph",
            "getDependencyGraph",
            Subject::PlanItem,
            draw,
        )
        .takes([
            id_query("record_id", "Only the surroundings of this record."),
            query(
                "depth",
                "Number of steps from that record, in either direction.",
                size(DEPTH, MOST_DEPTH),
            ),
            id_query(
                "unit_id",
                "Only what this unit or a unit below it owns, what that waits for, and what waits \
                    for it.",
            ),
            some_of("wait_kind", "Only dependencies of these kinds.", &kinds),
            query(
                "open",
                "Whether to return only open dependencies.",
                json!({ "type": "boolean", "default": false }),
            ),
            query(
                "max_nodes",
                "Most records and events to return.",
                size(NODES, MOST_NODES),
            ),
        ])
        .says(
            "Views",
            "Get the dependency graph",
            "Returns records and events that wait for each other, with the state of each, its \
                expected date, and whether that date can be met. Records that a recommendation \
                only refers to are left out. Available as JSON, as a table \
                with a row for each dependency, or drawn in Mermaid or DOT. `is_cut` says \
                whether anything is left out, and the drawings say so too.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<DependencyGraphView>(schemas);
}
