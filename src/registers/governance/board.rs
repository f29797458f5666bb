//! Boards, groups and workstreams: what they are, who owns them, and whether they are still active.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::not_in_future;
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is_some, same_name};
use crate::world::dates::{Days, Deadline, Progress, When, runs_on};
use crate::world::{
    Id, KeptBy, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, rename,
};

/// Kind of body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum BoardKind {
    /// Any other kind of board.
    Board,
    /// The top board of the organisation.
    ManagementBoard,
    /// A business group's board for the strategy.
    BusinessGroupBoard,
    /// The board of one project or programme.
    ProjectBoard,
    /// Body called a group, such as a working group or delivery group.
    Group,
    /// Body called a panel, such as an audit panel.
    Panel,
    /// Body called a committee.
    Committee,
    /// Body that takes forward one strand of work.
    Workstream,
}

/// Status of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum BoardStatus {
    /// Not yet set up.
    #[default]
    Proposed,
    /// Set up and not dissolved.
    Active,
    /// No longer meets.
    Dissolved,
}

/// Id of a board.
pub type BoardId = Id<Board>;

/// A board, group, panel, committee or workstream.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Title.
    pub title: Text<200, 1>,
    /// Kind of body.
    pub board_kind: BoardKind,
    /// Status of the board. It goes from proposed to active to dissolved. A dissolved board can be
    /// made active again.
    #[serde(default)]
    pub status: BoardStatus,
    /// Unit that owns the board. A board without an owner unit is a gap.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Other names, current or former.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub aliases: Vec<Text<200, 1>>,
    /// Purpose in brief. The terms of reference give it in full.
    #[serde(default)]
    pub purpose: Option<Text<2000>>,
    /// Board that took over from this one.
    #[serde(default)]
    pub successor_id: Option<BoardId>,
    /// Date the board was set up or first met, if known.
    #[serde(default)]
    pub established_on: Option<NaiveDate>,
    /// Date the board was dissolved. Required for a dissolved board; not allowed for any other.
    #[serde(default)]
    pub dissolved_on: Option<NaiveDate>,
    /// Who keeps the full record.
    #[serde(default)]
    pub kept_by: KeptBy,
}

impl Board {
    /// Whether the board is dissolved.
    #[must_use]
    pub fn is_dissolved(&self) -> bool {
        self.status == BoardStatus::Dissolved
    }
}

/// Narrows a list of boards.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BoardFilter {
    /// Only boards in these statuses.
    #[param(value_type = Option<Vec<BoardStatus>>, inline, explode = false)]
    status: Option<Any<BoardStatus>>,
    /// Only boards of these kinds.
    #[param(value_type = Option<Vec<BoardKind>>, inline, explode = false)]
    board_kind: Option<Any<BoardKind>>,
    /// Only boards owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only boards owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only boards that this board took over from.
    successor_id: Option<BoardId>,
    /// Only boards with this title or alias, ignoring case.
    title: Option<Text<200>>,
}

impl Resource for Board {
    const KIND: &'static str = "board";
    const PATH: &'static str = "boards";
    const PREFIX: &'static str = "BRD";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "The boards, groups, panels and workstreams that decide, oversee \
        and deliver. The chair is recorded as a membership, and the purpose in the terms of \
        reference.";
    const SHAPE: i32 = 2;
    type Computed = NothingComputed;
    type Filter = BoardFilter;

    fn example() -> Value {
        json!({
            "reference": "STRIDE-BOARD",
            "title": "STRIDE Board",
            "board_kind": "board",
            "status": "active",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "aliases": ["STR.I.D.E Board"],
            "purpose": "Oversees delivery of the inclusion strategy."
        })
    }
    /// The title was called a name.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "name", "title");
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn kept_by(&self) -> KeptBy {
        self.kept_by
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    // S16
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        use BoardStatus::{Active, Dissolved, Proposed};
        // A new record may have any status, because past boards are recorded too.
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            &[
                (Proposed, &[Active, Dissolved]),
                (Active, &[Dissolved]),
                (Dissolved, &[Active]),
            ],
        );
        rules.require(
            !self.is_dissolved() || self.dissolved_on.is_some(),
            "/dissolved_on",
            "required",
            "a dissolved board needs the date it was dissolved; give dissolved_on",
        );
        rules.require(
            self.is_dissolved() || self.dissolved_on.is_none(),
            "/dissolved_on",
            "not_allowed",
            "only a dissolved board has dissolved_on; set status to dissolved or leave \
                dissolved_on out",
        );
        not_in_future(rules, "/dissolved_on", self.dissolved_on);
        rules.in_order(
            self.established_on,
            self.dissolved_on,
            "/dissolved_on",
            "established_on",
        );
        rules.no_circle("/successor_id", self.successor_id, |b| b.successor_id);
    }
    /// A proposed board is still to be set up; one that was dissolved will not act again.
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            BoardStatus::Proposed => Progress::Open,
            BoardStatus::Active => Progress::Lasting,
            BoardStatus::Dissolved => Progress::GivenUp,
        };
        Deadline::new(progress, When::default())
    }
    fn active_days(&self) -> Days {
        (self.established_on, self.dissolved_on)
    }
    fn exists_on(&self, day: NaiveDate) -> bool {
        // Boards recorded before the date was required may lack it.
        let has_ended = self.is_dissolved() && self.dissolved_on.is_none();
        self.status != BoardStatus::Proposed && !has_ended && runs_on(self.active_days(), day)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "established_on",
                key: |r| Key::from(r.data.established_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let named = |wanted: &str| {
            std::iter::once(&r.data.title)
                .chain(&r.data.aliases)
                .any(|n| same_name(n, wanted))
        };
        any(&f.status, &r.data.status)
            && any(&f.board_kind, &r.data.board_kind)
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.successor_id, &r.data.successor_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && f.title.as_deref().is_none_or(named)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.successor_id.map(Uuid::from))
    }
}
