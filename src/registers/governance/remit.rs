//! Remits: which board decides, oversees, delivers or is consulted on which goal.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::governance::{Board, BoardId};
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is};
use crate::registers::strategy::{Goal, GoalId};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Role of a board for a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RemitKind {
    /// Takes the decisions on the goal.
    Decides,
    /// Oversees delivery of the goal.
    Oversees,
    /// Delivers the goal.
    Delivers,
    /// Is consulted before decisions are taken.
    Consulted,
}

/// Remit of one board for one goal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Remit {
    /// The board. Cannot be changed.
    pub board_id: BoardId,
    /// The goal. Cannot be changed.
    pub goal_id: GoalId,
    /// Role of the board for the goal.
    pub remit_kind: RemitKind,
    /// Extent of the remit, or where it is laid down.
    #[serde(default)]
    pub note: Option<Text<2000>>,
    /// First day it applies. Null if it applied from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day it applies. Null if it still applies.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of remits.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RemitFilter {
    /// Only remits of this board.
    board_id: Option<BoardId>,
    /// Only remits for this goal.
    goal_id: Option<GoalId>,
    /// Only remits of these kinds.
    #[param(value_type = Option<Vec<RemitKind>>, inline, explode = false)]
    remit_kind: Option<Any<RemitKind>>,
    /// Only remits of boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Whether the remit applies today.
    current: Option<bool>,
}

impl Remit {
    fn same_matter(&self, other: &Self) -> bool {
        (self.board_id, self.goal_id, self.remit_kind)
            == (other.board_id, other.goal_id, other.remit_kind)
    }
}

impl Resource for Remit {
    const KIND: &'static str = "remit";
    const PATH: &'static str = "remits";
    const PREFIX: &'static str = "RMT";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "Which board decides, oversees, delivers or is consulted on which \
        goal. It shows goals that nobody owns and goals owned twice.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::RemitEnd];
    type Computed = NothingComputed;
    type Filter = RemitFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "goal_id": "019abcde-0000-7000-8000-000000000002",
            "remit_kind": "oversees",
            "from_on": "2020-06-29"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.board_id])
    }
    // S18
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "end this remit and create another";
        fixed(rules, self, "/board_id", |r| r.board_id, remedy);
        fixed(rules, self, "/goal_id", |r| r.goal_id, remedy);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
        let (world, own) = (rules.reading.world, rules.meta.id);
        let taken = world.pointing::<Self>(self.board_id).any(|r| {
            r.meta.id != own
                && self.same_matter(&r.data)
                && overlap(self.active_days(), r.data.active_days())
        });
        rules.require(
            !taken,
            "/goal_id",
            "duplicate",
            "the board already has this remit for this goal on some of these days; change or end \
                that remit first",
        );
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let end = Dated::end(CalendarEntryKind::RemitEnd, record.data.until_on);
        vec![end.at_board(record.data.board_id)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let goal = reading
            .title_of::<Goal>(record.data.goal_id)
            .unwrap_or_default();
        let board = reading.title_of::<Board>(record.data.board_id);
        format!("{goal}, {}", board.unwrap_or_default()).into()
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    /// There is nothing to decide on a goal that is no longer pursued.
    fn ends_with(&self) -> Place {
        self.place().and_within([self.goal_id])
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "from_on",
            key: |r| Key::from(r.data.from_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.board_id, &r.data.board_id)
            && is(&f.goal_id, &r.data.goal_id)
            && any(&f.remit_kind, &r.data.remit_kind)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && asked(f.current, || reading.is_active(r))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id.map(Uuid::from).or(f.goal_id.map(Uuid::from))
    }
}
