//! The organogram: boards, the bodies that they are linked to, the board relationships, and the
//! gaps, drawn in.

mod graph;
mod layout;
pub mod model;
mod picture;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::{
    OrganogramCounts, OrganogramMembers, OrganogramNode, OrganogramNodeKind, OrganogramPlace,
    OrganogramRelationship, OrganogramRepeat, OrganogramTerms, OrganogramView,
};
use serde_json::{Value, json};
use strum::VariantArray;
use uuid::Uuid;

use super::findings::KeptFindings;
use super::gaps;
use super::request::{Asked, View, id_of, operation, some_of, words};
use super::status::Named;
use crate::http::formats::Format;
use crate::http::operation::Operation;
use crate::http::parameters::id_query;
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::governance::{
    Board, BoardRelationship, BoardRelationshipKind, BoardStatus, Membership, MembershipCapacity,
    TermsOfReference,
};
use crate::registers::organisation::{Post, Unit};
use crate::render::diagram::{dot, mermaid, svg};
use crate::world::collation::reference_key;
use crate::world::dates::runs_on;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer, set};
use crate::world::vocabulary::Coded;
use crate::world::{Rec, Resource, Text};

/// Most boards and bodies in one answer.
const MOST: usize = 1_000;

/// The lines from a board that its row shows.
const LINES: [BoardRelationshipKind; 4] = [
    BoardRelationshipKind::ReportsTo,
    BoardRelationshipKind::Assures,
    BoardRelationshipKind::AllocatesTo,
    BoardRelationshipKind::EscalatesTo,
];

impl View for OrganogramView {
    const FORMATS: &'static [Format] = &[
        Format::Csv,
        Format::Xlsx,
        Format::Mermaid,
        Format::Dot,
        Format::Svg,
    ];

    fn fields(&self) -> Vec<Field> {
        let lines = LINES.map(|kind| Field::named(&word(&kind)));
        fields_of::<OrganogramNode>()
            .into_iter()
            .chain(lines)
            .collect()
    }
    fn rows(&self) -> Vec<Value> {
        let reference: HashMap<Uuid, &str> = self
            .nodes
            .iter()
            .map(|n| (n.id, n.reference.as_str()))
            .collect();
        let row = |node: &OrganogramNode| {
            let lines = |kind: BoardRelationshipKind| {
                let own = self
                    .relationships
                    .iter()
                    .filter(|e| e.from_id == node.id && e.relationship_kind == kind);
                own.filter_map(|e| reference.get(&e.to_id).copied())
                    .collect::<Vec<_>>()
            };
            let mut row = json!(node);
            for kind in LINES {
                set(&mut row, &word(&kind), json!(lines(kind)));
            }
            row
        };
        self.nodes.iter().map(row).collect()
    }

    fn drawn(&self, format: Format) -> Option<String> {
        match format {
            Format::Mermaid => Some(mermaid::write(&graph::graph(self))),
            Format::Dot => Some(dot::write(&graph::graph(self))),
            Format::Svg => Some(svg::write(&picture::picture(self))),
            _ => None,
        }
    }
}

impl OrganogramNode {
    /// Its kind, and its status unless it is simply active.
    fn sort(&self) -> String {
        let board = self.board_kind.as_ref().map(Coded::label);
        let kind = board.or(self.unit_kind.as_ref().map(Coded::label));
        let kind = kind.unwrap_or_default().into_owned();
        match self.status {
            Some(BoardStatus::Active) | None => kind,
            Some(status) => format!("{kind}, {}", status.in_sentence()),
        }
    }

    /// Facts about a board, one to a line.
    fn facts(&self) -> Vec<String> {
        let Some(members) = &self.members else {
            return Vec::new();
        };
        let chairs: Vec<&str> = self.chairs.iter().map(|c| c.title.as_str()).collect();
        let chairs = if chairs.is_empty() {
            "none".to_owned()
        } else {
            chairs.join(", ")
        };
        let terms = self
            .terms
            .as_ref()
            .map_or_else(|| "none".to_owned(), |t| t.status.label().into_owned());
        vec![
            format!("Chair: {chairs}"),
            format!("Terms: {terms}"),
            format!("Seats held: {}", members.total),
        ]
    }
}

fn board_node(
    asked: &Asked,
    board: &Rec<Board>,
    found: &gaps::OfBoards,
    tied_only: bool,
) -> OrganogramNode {
    let seen = &asked.seen;
    let seats: Vec<&Rec<Membership>> = seen
        .pointing::<Membership>(board.meta.id)
        .filter(|m| m.data.board_id == board.meta.id && asked.is_active(*m))
        .collect();
    let mut members = OrganogramMembers::default();
    for seat in &seats {
        members.total += 1;
        *match seat.data.capacity {
            MembershipCapacity::Chair => &mut members.chair,
            MembershipCapacity::DeputyChair => &mut members.deputy_chair,
            MembershipCapacity::Member => &mut members.member,
            MembershipCapacity::Deputy => &mut members.deputy,
            MembershipCapacity::Adviser => &mut members.adviser,
            MembershipCapacity::Observer => &mut members.observer,
            MembershipCapacity::Secretary => &mut members.secretary,
        } += 1;
    }
    let holder = |m: &Membership| {
        let post = m
            .post_id
            .and_then(|p| seen.get::<Post>(p))
            .map(|p| Named::new(&p.meta, &p.data.title));
        post.or_else(|| {
            m.unit_id
                .and_then(|u| seen.get::<Unit>(u))
                .map(|u| Named::new(&u.meta, &u.data.title))
        })
    };
    let mut chairs: Vec<Named> = seats
        .iter()
        .filter(|m| m.data.capacity == MembershipCapacity::Chair)
        .filter_map(|m| holder(&m.data))
        .collect();
    chairs.sort_by_cached_key(|n| reference_key(&n.reference));
    let terms = seen.pointing::<TermsOfReference>(board.meta.id);
    let terms = terms.filter(|t| t.data.board_id == board.meta.id);
    let terms = TermsOfReference::applicable(terms);
    OrganogramNode {
        id: board.meta.id,
        node_kind: OrganogramNodeKind::Board,
        reference: (&board.meta.reference).into(),
        title: (&board.data.title).into(),
        tied_only,
        board_kind: Some(board.data.board_kind),
        unit_kind: None,
        status: Some(board.data.status),
        owner: board
            .data
            .owner_unit_id
            .and_then(|u| seen.get::<Unit>(u))
            .map(|u| Named::new(&u.meta, &u.data.title)),
        chairs,
        terms: terms.map(|t| OrganogramTerms {
            id: t.meta.id,
            reference: (&t.meta.reference).into(),
            version_label: (&t.data.version_label).into(),
            status: t.data.status,
            completeness: t.computed.completeness,
        }),
        members: Some(members),
        gaps: found
            .get(&board.meta.id)
            .into_iter()
            .flatten()
            .map(|c| Text::cut(*c))
            .collect(),
    }
}

fn unit_node(unit: &Rec<Unit>) -> OrganogramNode {
    OrganogramNode {
        id: unit.meta.id,
        node_kind: OrganogramNodeKind::Unit,
        reference: (&unit.meta.reference).into(),
        title: (&unit.data.title).into(),
        tied_only: true,
        board_kind: None,
        unit_kind: Some(unit.data.unit_kind),
        status: None,
        owner: None,
        chairs: Vec::new(),
        terms: None,
        members: None,
        gaps: Vec::new(),
    }
}

/// The boards that are asked for.
fn wanted(
    asked: &Asked,
    all: &[&Rec<Board>],
    relationships: &[&Rec<BoardRelationship>],
) -> Result<BTreeSet<Uuid>, Problem> {
    let statuses: Vec<BoardStatus> = words(asked, "status")?;
    let (root, unit) = (id_of(asked, "board_id")?, id_of(asked, "unit_id")?);
    let world = asked.seen.reading(asked.on).world;
    let below = root.map(|root| {
        let mut below = BTreeSet::from([root]);
        let mut todo = vec![root];
        while let Some(at) = todo.pop() {
            let up = |e: &&&Rec<BoardRelationship>| {
                e.data.relationship_kind == BoardRelationshipKind::ReportsTo && e.data.to_id == at
            };
            for relationship in relationships.iter().filter(up) {
                if below.insert(relationship.data.from_board_id.uuid()) {
                    todo.push(relationship.data.from_board_id.uuid());
                }
            }
        }
        below
    });
    let is_wanted = |b: &Rec<Board>| {
        (statuses.is_empty() || statuses.contains(&b.data.status))
            && below
                .as_ref()
                .is_none_or(|below| below.contains(&b.meta.id))
            && unit.is_none_or(|u| world.is_in_scope(b.meta.id, u))
    };
    Ok(all
        .iter()
        .filter(|b| is_wanted(b))
        .map(|b| b.meta.id)
        .collect())
}

pub(super) fn organogram(
    asked: &Asked,
    found_gaps: &KeptFindings,
) -> Result<OrganogramView, Problem> {
    let (seen, on) = (&asked.seen, asked.on);
    let sits = |b: &&Rec<Board>| {
        let is_proposed = b.data.status == BoardStatus::Proposed;
        asked.is_active(*b) || (is_proposed && runs_on(b.data.active_days(), on))
    };
    let all: Vec<&Rec<Board>> = seen.live::<Board>().filter(sits).collect();
    let kinds: Vec<BoardRelationshipKind> = words(asked, "relationship_kind")?;
    let lines: Vec<&Rec<BoardRelationship>> = seen.live::<BoardRelationship>().collect();
    let wanted = wanted(asked, &all, &lines)?;
    let boards: HashMap<Uuid, &Rec<Board>> = all.iter().map(|b| (b.meta.id, *b)).collect();
    let is_there = |id: Uuid| {
        boards.contains_key(&id) || seen.get::<Unit>(id).is_some_and(|u| asked.is_active(u))
    };
    let mut relationships: Vec<&Rec<BoardRelationship>> = lines
        .into_iter()
        .filter(|e| kinds.is_empty() || kinds.contains(&e.data.relationship_kind))
        .filter(|e| {
            wanted.contains(&e.data.from_board_id.uuid()) || wanted.contains(&e.data.to_id.uuid())
        })
        .filter(|e| {
            boards.contains_key(&e.data.from_board_id.uuid()) && is_there(e.data.to_id.uuid())
        })
        .collect();
    relationships.sort_by_cached_key(|e| reference_key(&e.meta.reference));
    let mut ids = wanted.clone();
    ids.extend(
        relationships
            .iter()
            .flat_map(|e| [e.data.from_board_id.uuid(), e.data.to_id.uuid()]),
    );
    if ids.len() > MOST {
        let detail = format!(
            "there are more than {MOST} boards and bodies; narrow the organogram with board_id or \
                unit_id"
        );
        return Err(invalid("board_id", &detail));
    }
    let found = gaps::of_boards(asked, found_gaps);
    let mut nodes: Vec<OrganogramNode> = ids
        .into_iter()
        .filter_map(|id| match boards.get(&id) {
            Some(board) => Some(board_node(asked, board, &found, !wanted.contains(&id))),
            None => seen.get::<Unit>(id).map(unit_node),
        })
        .collect();
    nodes.sort_by_cached_key(|n| reference_key(&n.reference));
    let relationships: Vec<OrganogramRelationship> = relationships
        .into_iter()
        .map(|e| OrganogramRelationship {
            id: e.meta.id,
            reference: (&e.meta.reference).into(),
            from_id: e.data.from_board_id.uuid(),
            to_id: e.data.to_id.uuid(),
            relationship_kind: e.data.relationship_kind,
            agreement: e.computed.agreement,
        })
        .collect();
    let tied: BTreeSet<Uuid> = relationships
        .iter()
        .flat_map(|e| [e.from_id, e.to_id])
        .collect();
    let is_board = |n: &&OrganogramNode| n.node_kind == OrganogramNodeKind::Board;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let boards = || nodes.iter().filter(is_board);
    Ok(OrganogramView {
        on,
        journal_seq: seen.seq(),
        counts: OrganogramCounts {
            boards: count(boards().count()),
            bodies: count(nodes.len() - boards().count()),
            relationships: count(relationships.len()),
            boards_with_gaps: count(boards().filter(|n| !n.gaps.is_empty()).count()),
            boards_without_relationships: count(boards().filter(|n| !tied.contains(&n.id)).count()),
        },
        tree: tree(&nodes, &relationships),
        nodes,
        relationships,
    })
}

/// The reporting lines as a tree, from the top down. A body that reports to several others appears
/// in full below the first of them, by reference. Bodies in a circle have no top, so their tree
/// begins with the first of them.
fn tree(
    nodes: &[OrganogramNode],
    relationships: &[OrganogramRelationship],
) -> Vec<OrganogramPlace> {
    let mut below: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    let mut has_parent: BTreeSet<Uuid> = BTreeSet::new();
    for relationship in relationships
        .iter()
        .filter(|e| e.relationship_kind == BoardRelationshipKind::ReportsTo)
    {
        below
            .entry(relationship.to_id)
            .or_default()
            .push(relationship.from_id);
        has_parent.insert(relationship.from_id);
    }
    let rank: HashMap<Uuid, usize> = nodes
        .iter()
        .enumerate()
        .map(|(n, node)| (node.id, n))
        .collect();
    for children in below.values_mut() {
        children.sort_by_key(|id| rank.get(id).copied());
    }
    let mut tree: Vec<OrganogramPlace> = Vec::new();
    let mut placed: BTreeSet<Uuid> = BTreeSet::new();
    let tops = nodes
        .iter()
        .filter(|n| !has_parent.contains(&n.id))
        .chain(nodes);
    for top in tops {
        if placed.contains(&top.id) {
            continue;
        }
        // What is still to be placed, and the path down to it.
        let mut todo: Vec<(Uuid, Vec<Uuid>)> = vec![(top.id, Vec::new())];
        while let Some((id, way)) = todo.pop() {
            let repeats = if way.contains(&id) {
                Some(OrganogramRepeat::Circle)
            } else if !placed.insert(id) {
                Some(OrganogramRepeat::SeveralParents)
            } else {
                None
            };
            tree.push(OrganogramPlace {
                id,
                parent_id: way.last().copied(),
                depth: u32::try_from(way.len()).unwrap_or(u32::MAX),
                repeats,
            });
            if repeats.is_none() {
                let way: Vec<Uuid> = way.into_iter().chain([id]).collect();
                let children = below.get(&id).into_iter().flatten().rev();
                todo.extend(children.map(|child| (*child, way.clone())));
            }
        }
    }
    tree
}

/// The operations of this view.
pub fn operations(found_gaps: &Arc<KeptFindings>) -> Vec<Operation> {
    let found_gaps = Arc::clone(found_gaps);
    let draw = move |asked: &Asked| organogram(asked, &found_gaps);
    let kinds: Vec<String> = BoardRelationshipKind::VARIANTS.iter().map(word).collect();
    let statuses: Vec<String> = BoardStatus::VARIANTS.iter().map(word).collect();
    vec![
        operation(
            "/api/v1/organogram",
            "getOrganogram",
            Subject::Governance,
            draw,
        )
        .takes([
            id_query(
                "board_id",
                "Only this board and the boards that report to it, directly or indirectly, and \
                    what they are linked to.",
            ),
            id_query(
                "unit_id",
                "Only boards of this unit and all units below it, and what they are linked to.",
            ),
            some_of(
                "relationship_kind",
                "Only board relationships of these kinds.",
                &kinds,
            ),
            some_of(
                "status",
                "Only boards in these statuses, and what they are linked to.",
                &statuses,
            ),
        ])
        .says(
            "Views",
            "Get the organogram",
            "Returns the boards in place on the date with their chair (a post, never a person), \
                terms of reference and seats; the bodies that they are linked to; who reports \
                to, assures, allocates to and escalates to whom; and the gaps that the rules \
                find on each board. Available as nodes and board relationships, as a tree of \
                reporting lines, and drawn: `format=mermaid`, `dot` or `svg`. A body that \
                reports to several others appears in full below the first of them, and by name \
                below the others.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<OrganogramView>(schemas);
}
