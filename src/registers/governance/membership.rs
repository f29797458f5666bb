//! Memberships: which post or body sits on which board, in what capacity, representing whom, on
//! what basis and for how long.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Board;
use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window};
use crate::registers::governance::BoardId;
use crate::registers::organisation::{Post, PostId, Unit, UnitId, UnitKind};
use crate::registers::query::{Any, any, any_some, is, is_some, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Capacity in which a member sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MembershipCapacity {
    /// Chairs the board.
    Chair,
    /// Deputises for the chair.
    DeputyChair,
    /// Sits on the board as an ordinary member.
    Member,
    /// Deputises for a member.
    Deputy,
    /// Gives advice and has no vote.
    Adviser,
    /// Attends and has no vote.
    Observer,
    /// Looks after the agenda and minutes.
    Secretary,
}

/// Basis on which a member has the seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum MembershipBasis {
    /// By virtue of the post.
    ExOfficio,
    /// Nominated by the body represented.
    Nominated,
    /// Elected by those represented.
    Elected,
    /// Invited by the board.
    Invited,
    /// Chosen by the members.
    #[strum(message = "Co-opted")]
    CoOpted,
    /// No basis is recorded. This is a gap.
    #[default]
    #[strum(message = "Not stated")]
    Unstated,
}

/// Id of a membership.
pub type MembershipId = Id<Membership>;

/// One seat on a board for one term.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Membership {
    /// The board. Cannot be changed.
    pub board_id: BoardId,
    /// Post that sits on the board. Give either this or `unit_id`. The chair must be a post. Cannot
    /// be changed.
    #[serde(default)]
    pub post_id: Option<PostId>,
    /// Unit, association or outside body that sits on the board. Give either this or `post_id`.
    /// Cannot be changed.
    #[serde(default)]
    pub unit_id: Option<UnitId>,
    /// Capacity.
    pub capacity: MembershipCapacity,
    /// Name of the seat, if the board names its seats ("Staff associations 1"). Terms of one seat
    /// must not overlap, whichever member holds it. A seat in another capacity, such as a deputy's,
    /// is a different seat.
    #[serde(default)]
    pub seat: Option<Text<100, 1>>,
    /// Who the member represents, in words.
    #[serde(default)]
    pub constituency: Option<Text<200>>,
    /// Staff support association, advisory group or unit that the member represents.
    #[serde(default)]
    pub constituency_unit_id: Option<UnitId>,
    /// Kind of unit, for a collective seat that represents all units of that kind. Give either this
    /// or `constituency_unit_id`.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// Basis on which the member has the seat.
    #[serde(default)]
    pub basis: MembershipBasis,
    /// Source of the basis: the clause of the terms of reference, or the invitation.
    #[serde(default)]
    pub basis_reference: Option<Text<200>>,
    /// First day of the term. Null if not known.
    #[serde(default)]
    pub term_from_on: Option<NaiveDate>,
    /// Last day of the term. Null if open-ended.
    #[serde(default)]
    pub term_until_on: Option<NaiveDate>,
    /// Maximum number of consecutive terms for the member.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub maximum_terms: Option<u8>,
    /// Pool from which the next holder of the seat is drawn.
    #[serde(default)]
    pub rotation_pool: Option<Text<500>>,
}

/// Narrows a list of memberships.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MembershipFilter {
    /// Only seats on this board.
    board_id: Option<BoardId>,
    /// Only seats held by this post.
    post_id: Option<PostId>,
    /// Only seats held by this unit, association or outside body.
    unit_id: Option<UnitId>,
    /// Only seats in these capacities.
    #[param(value_type = Option<Vec<MembershipCapacity>>, inline, explode = false)]
    capacity: Option<Any<MembershipCapacity>>,
    /// Only seats with this name, ignoring case.
    seat: Option<Text<100>>,
    /// Only seats that represent this association, group or unit.
    constituency_unit_id: Option<UnitId>,
    /// Only collective seats for these kinds of unit.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Only seats held on these bases.
    #[param(value_type = Option<Vec<MembershipBasis>>, inline, explode = false)]
    basis: Option<Any<MembershipBasis>>,
    /// Whether the term includes today.
    current: Option<bool>,
    /// Only terms that end on or after this date.
    ends_from: Option<NaiveDate>,
    /// Only terms that end on or before this date.
    ends_until: Option<NaiveDate>,
}

impl Membership {
    /// Returns the member: a post or a unit.
    #[must_use]
    pub fn member(&self) -> (Option<Uuid>, Option<Uuid>) {
        (self.post_id.map(Into::into), self.unit_id.map(Into::into))
    }

    fn is_same_seat(&self, other: &Self) -> bool {
        let named = self.seat.as_ref().zip(other.seat.as_ref());
        named.is_some_and(|(one, other)| same_name(one, other))
    }

    fn check_member(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "end this membership and create another";
        fixed(rules, self, "/board_id", |m| m.board_id, remedy);
        fixed(rules, self, "/post_id", |m| m.post_id, remedy);
        fixed(rules, self, "/unit_id", |m| m.unit_id, remedy);
        rules.require(
            self.post_id.is_some() != self.unit_id.is_some(),
            "/post_id",
            "one_of",
            "a seat has one holder; give either post_id or unit_id",
        );
        rules.require(
            self.capacity != MembershipCapacity::Chair || self.unit_id.is_none(),
            "/unit_id",
            "not_allowed",
            "only a post can chair a board; give post_id instead of unit_id",
        );
        rules.require(
            self.constituency_kind.is_none() || self.constituency_unit_id.is_none(),
            "/constituency_kind",
            "one_of",
            "a seat represents one body or all bodies of a kind; give either constituency_unit_id \
                or constituency_kind",
        );
    }

    fn check_term(&self, rules: &mut Rules<'_, Self>) {
        rules.in_order(
            self.term_from_on,
            self.term_until_on,
            "/term_until_on",
            "term_from_on",
        );
        let (world, own) = (rules.reading.world, rules.meta.id);
        let ended = world
            .get::<Board>(self.board_id)
            .and_then(|b| b.data.dissolved_on);
        if let (Some(ended), Some(from)) = (ended, self.term_from_on)
            && from > ended
        {
            rules.refuse(
                "/term_from_on",
                "date_order",
                format!("the board was dissolved on {ended}; name a board that is not dissolved"),
            );
        }
        let at_once = |m: &&Rec<Self>| {
            m.meta.id != own
                && m.data.board_id == self.board_id
                && m.data.capacity == self.capacity
                && overlap(self.active_days(), m.data.active_days())
        };
        let others: Vec<&Rec<Self>> = world
            .pointing::<Self>(self.board_id)
            .filter(at_once)
            .collect();
        if others.iter().any(|m| m.data.member() == self.member()) {
            rules.refuse(
                "/term_from_on",
                "overlap",
                "the member already holds a seat in this capacity on this board on some of these \
                    days; end or change that term first",
            );
        } else if self.capacity == MembershipCapacity::Chair && !others.is_empty() {
            rules.refuse(
                "/capacity",
                "taken",
                "the board already has a chair on some of these days; end that term first, or \
                    choose deputy_chair",
            );
        } else if others.iter().any(|m| self.is_same_seat(&m.data)) {
            rules.refuse(
                "/seat",
                "taken",
                "another member holds this seat on some of these days; end that term first, or \
                    name another seat",
            );
        }
    }
}

impl Resource for Membership {
    const KIND: &'static str = "membership";
    const PATH: &'static str = "memberships";
    const PREFIX: &'static str = "MBR";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "Who sits on which board: a post or a body, its capacity, whom it \
        represents, on what basis, and for which term. A new term is a new record.";
    /// 2: adds seat names and collective seats.
    const SHAPE: i32 = 2;
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::MembershipEnd];
    type Computed = NothingComputed;
    type Filter = MembershipFilter;

    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        for field in ["seat", "constituency_kind"] {
            snapshot.entry(field).or_insert(Value::Null);
        }
    }
    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "unit_id": "019abcde-0000-7000-8000-000000000002",
            "capacity": "adviser",
            "seat": "Independent adviser 1",
            "constituency": "Independent advisers",
            "constituency_unit_id": "019abcde-0000-7000-8000-000000000002",
            "basis": "invited",
            "basis_reference": "Terms of reference 1.0, membership",
            "term_from_on": "2020-06-29",
            "term_until_on": "2021-06-28",
            "maximum_terms": 2,
            "rotation_pool": "All independent advisory groups"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    // S19
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        self.check_member(rules);
        self.check_term(rules);
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let end = Dated::end(CalendarEntryKind::MembershipEnd, record.data.term_until_on);
        vec![end.at_board(record.data.board_id)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let data = &record.data;
        let post = data.post_id.and_then(|id| reading.title_of::<Post>(id));
        let unit = || data.unit_id.and_then(|id| reading.title_of::<Unit>(id));
        let member = post.or_else(unit).unwrap_or("a member");
        let board = reading.title_of::<Board>(data.board_id).unwrap_or_default();
        format!("{member}, {board}").into()
    }
    /// Nobody sits for a post or body that no longer exists.
    fn ends_with(&self) -> Place {
        (self.place().and_within(self.post_id)).and_within(self.unit_id)
    }
    /// Its term.
    fn active_days(&self) -> Days {
        (self.term_from_on, self.term_until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "term_from_on",
                key: |r| Key::from(r.data.term_from_on),
            },
            Sort {
                name: "term_until_on",
                key: |r| Key::from(r.data.term_until_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let m = &r.data;
        is(&f.board_id, &m.board_id)
            && is_some(&f.post_id, &m.post_id)
            && is_some(&f.unit_id, &m.unit_id)
            && any(&f.capacity, &m.capacity)
            && f.seat
                .as_ref()
                .is_none_or(|s| m.seat.as_ref().is_some_and(|own| same_name(own, s)))
            && is_some(&f.constituency_unit_id, &m.constituency_unit_id)
            && any_some(&f.constituency_kind, m.constituency_kind)
            && any(&f.basis, &m.basis)
            && asked(f.current, || reading.is_active(r))
            && in_window(m.term_until_on, (f.ends_from, f.ends_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.post_id.map(Uuid::from))
            .or(f.unit_id.map(Uuid::from))
            .or(f.constituency_unit_id.map(Uuid::from))
    }
}
