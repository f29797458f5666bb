//! Board relationships: which board reports to, assures, allocates to or escalates to another
//! board, a unit or an outside body.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{fixed, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::query::{Any, any, is};
use crate::world::id::Target;
use crate::world::{Id, Meta, Place, Reading, Rec, Resource, Rules, Text, World, rename};

/// A board, or a unit outside the organisation.
#[derive(Debug)]
pub enum BoardOrUnit {}

impl Target for BoardOrUnit {
    const KINDS: &'static str = "board|unit";
}

/// Id of such a record.
pub type BoardOrUnitId = Id<BoardOrUnit>;

/// Kind of board relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum BoardRelationshipKind {
    /// The board reports to the other body.
    ReportsTo,
    /// The board assures the other body that the work is done.
    Assures,
    /// The board gives the other body work and holds it to account.
    AllocatesTo,
    /// The board takes risks and decisions up to the other body.
    EscalatesTo,
}

/// Agreement of both sides to a board relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RelationshipAgreement {
    /// The relationship does not need the agreement of both sides.
    #[default]
    NotNeeded,
    /// Neither side has agreed.
    Missing,
    /// One side has agreed, the other has not.
    #[strum(message = "One-sided")]
    OneSided,
    /// Both sides have agreed.
    Agreed,
}

/// A relationship between a board and another board, a unit or an outside body.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BoardRelationship {
    /// Board the relationship starts from. Cannot be changed.
    pub from_board_id: BoardId,
    /// Board, unit or outside body at the other end. Cannot be changed.
    pub to_id: BoardOrUnitId,
    /// Kind of relationship. Cannot be changed.
    pub relationship_kind: BoardRelationshipKind,
    /// What is passed on through the relationship, and how often.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Whether both sides must agree to it.
    #[serde(default)]
    pub needs_agreement: bool,
    /// Date the board it starts from agreed.
    #[serde(default)]
    pub agreed_by_from_on: Option<NaiveDate>,
    /// Date the body at the other end agreed.
    #[serde(default)]
    pub agreed_by_to_on: Option<NaiveDate>,
}

/// Values computed by the service for a board relationship.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardRelationshipComputed {
    /// Agreement of both sides.
    pub agreement: RelationshipAgreement,
}

/// Narrows a list of board relationships.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BoardRelationshipFilter {
    /// Only relationships from or to this board.
    board_id: Option<BoardId>,
    /// Only relationships from this board.
    from_board_id: Option<BoardId>,
    /// Only relationships to this board, unit or outside body.
    to_id: Option<BoardOrUnitId>,
    /// Only relationships of these kinds.
    #[param(value_type = Option<Vec<BoardRelationshipKind>>, inline, explode = false)]
    relationship_kind: Option<Any<BoardRelationshipKind>>,
    /// Only relationships with these states of agreement.
    #[param(value_type = Option<Vec<RelationshipAgreement>>, inline, explode = false)]
    agreement: Option<Any<RelationshipAgreement>>,
}

impl BoardRelationship {
    /// Whether relationships of the same kind lead from `to_id` back to the board where this one
    /// starts.
    fn closes_circle(&self, world: &World, own: Uuid) -> bool {
        let mut todo = vec![self.to_id];
        let mut seen = HashSet::new();
        while let Some(at) = todo.pop() {
            if at == self.from_board_id.uuid() {
                return true;
            }
            if seen.insert(at) {
                let onwards = world.pointing::<BoardRelationship>(at).filter(|e| {
                    e.meta.id != own
                        && e.data.from_board_id == at.uuid()
                        && e.data.relationship_kind == self.relationship_kind
                });
                todo.extend(onwards.map(|e| e.data.to_id));
            }
        }
        false
    }

    fn same_line(&self, other: &BoardRelationship) -> bool {
        (self.from_board_id, self.to_id, self.relationship_kind)
            == (other.from_board_id, other.to_id, other.relationship_kind)
    }
}

impl Resource for BoardRelationship {
    const KIND: &'static str = "board_relationship";
    const FORMER_KINDS: &'static [&'static str] = &["board_edge"];
    const PATH: &'static str = "board-relationships";
    const PREFIX: &'static str = "REL";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "Board relationships: which board reports to, assures, allocates \
        to or escalates to another board, a unit or an outside body. A relationship may need the \
        agreement of both sides.";
    const SHAPE: i32 = 2;
    type Computed = BoardRelationshipComputed;
    type Filter = BoardRelationshipFilter;

    fn example() -> Value {
        json!({
            "from_board_id": "019abcde-0000-7000-8000-000000000001",
            "to_id": "019abcde-0000-7000-8000-000000000002",
            "relationship_kind": "reports_to",
            "description": "Progress against the delivery plan, each quarter",
            "needs_agreement": true,
            "agreed_by_from_on": "2020-06-29"
        })
    }
    /// Relationships were called edges.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "edge_kind", "relationship_kind");
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.from_board_id])
    }
    /// It needs both sides.
    fn ends_with(&self) -> Place {
        self.place().and_within([self.to_id])
    }
    // S16
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        // Both sides agreed to this relationship and no other.
        let remedy = "withdraw this relationship and create another";
        fixed(rules, self, "/from_board_id", |e| e.from_board_id, remedy);
        fixed(rules, self, "/to_id", |e| e.to_id, remedy);
        fixed(
            rules,
            self,
            "/relationship_kind",
            |e| e.relationship_kind,
            remedy,
        );
        not_in_future(rules, "/agreed_by_from_on", self.agreed_by_from_on);
        not_in_future(rules, "/agreed_by_to_on", self.agreed_by_to_on);
        let (world, own) = (rules.reading.world, rules.meta.id);
        if self.to_id == self.from_board_id.uuid() {
            rules.refuse(
                "/to_id",
                "circle",
                "a board cannot have a relationship with itself; name another body",
            );
            return;
        }
        let taken = world
            .pointing::<BoardRelationship>(self.from_board_id)
            .any(|e| e.meta.id != own && self.same_line(&e.data));
        rules.require(
            !taken,
            "/to_id",
            "duplicate",
            "the board already has a relationship of this kind with this body; change that one",
        );
        let upwards = matches!(
            self.relationship_kind,
            BoardRelationshipKind::ReportsTo | BoardRelationshipKind::EscalatesTo
        );
        rules.require(
            !upwards || !self.closes_circle(world, own),
            "/to_id",
            "circle",
            "relationships of this kind already lead from that body back to this board; withdraw \
                one of them or name another body",
        );
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        let agreement = match (
            self.needs_agreement,
            self.agreed_by_from_on,
            self.agreed_by_to_on,
        ) {
            (false, ..) => RelationshipAgreement::NotNeeded,
            (true, None, None) => RelationshipAgreement::Missing,
            (true, Some(_), Some(_)) => RelationshipAgreement::Agreed,
            _ => RelationshipAgreement::OneSided,
        };
        BoardRelationshipComputed { agreement }
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        f.board_id
            .is_none_or(|b| r.data.from_board_id == b || r.data.to_id == b.uuid())
            && is(&f.from_board_id, &r.data.from_board_id)
            && is(&f.to_id, &r.data.to_id)
            && any(&f.relationship_kind, &r.data.relationship_kind)
            && any(&f.agreement, &r.computed.agreement)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.from_board_id.map(Uuid::from))
            .or(f.to_id.map(Uuid::from))
    }
}
