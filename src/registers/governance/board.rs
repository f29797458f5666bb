//! Boards, groups and workstreams: who they are, whose they are, and whether they still sit.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::not_in_future;
use crate::registers::query::{Any, any, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What sort of body it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoardKind {
    Board,
    /// The top board of the organisation.
    ManagementBoard,
    /// The board of one business group for the strategy.
    BusinessGroupBoard,
    /// The board of one project or programme.
    ProjectBoard,
    Group,
    Panel,
    Committee,
    Workstream,
}

/// Whether it sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoardStatus {
    /// Not yet set up.
    #[default]
    Proposed,
    Active,
    /// Sits no longer.
    Dissolved,
}

/// A board, group, panel, committee or workstream.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Board {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What sort of body it is.
    pub board_kind: BoardKind,
    /// Whether it sits. It goes from proposed to active to dissolved; a dissolved board can be made active again.
    #[serde(default)]
    pub status: BoardStatus,
    /// The unit whose board it is. A board without one is a gap.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// Other names it goes or went by.
    #[serde(default)]
    #[schema(max_items = 20, schema_with = crate::registers::names)]
    pub aliases: Vec<String>,
    /// What it is for, in short; its terms of reference say it in full.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub purpose: Option<String>,
    /// The board that took over from it.
    #[serde(default)]
    pub successor_id: Option<Uuid>,
    /// First day on which it sat or was set up, where known.
    #[serde(default)]
    pub established_on: Option<NaiveDate>,
    /// Day of its end; a dissolved board needs it and no other has it.
    #[serde(default)]
    pub dissolved_on: Option<NaiveDate>,
}

impl Board {
    /// Whether it sits or is to sit.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        self.status != BoardStatus::Dissolved
    }
}

/// Narrows a list of boards.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct BoardFilter {
    /// Boards in these statuses.
    #[param(value_type = Option<Vec<BoardStatus>>, inline, explode = false)]
    status: Option<Any<BoardStatus>>,
    /// Boards of these kinds.
    #[param(value_type = Option<Vec<BoardKind>>, inline, explode = false)]
    board_kind: Option<Any<BoardKind>>,
    /// Boards of this unit.
    owner_unit_id: Option<Uuid>,
    /// Boards of this unit and of all units below it.
    unit_below: Option<Uuid>,
    /// Boards that this board took over from.
    successor_id: Option<Uuid>,
    /// Boards by this name or alias, in any case.
    #[param(max_length = 200)]
    name: Option<String>,
}

impl Resource for Board {
    const KIND: &'static str = "board";
    const PATH: &'static str = "boards";
    const PREFIX: &'static str = "BRD";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "The boards, groups, panels and workstreams that decide, oversee and deliver. Who chairs one is a membership; what it is for stands in its terms of reference.";
    type Computed = NothingComputed;
    type Filter = BoardFilter;

    fn example() -> Value {
        json!({
            "reference": "STRIDE-BOARD",
            "name": "STRIDE Board",
            "board_kind": "board",
            "status": "active",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "aliases": ["STR.I.D.E Board"],
            "purpose": "Oversees delivery of the inclusion strategy."
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.to("/successor_id", &["board"], self.successor_id);
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    // S16
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        use BoardStatus::{Active, Dissolved, Proposed};
        // It may start in any status: boards of the past are recorded too.
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
            self.is_standing() || self.dissolved_on.is_some(),
            "/dissolved_on",
            "required",
            "a dissolved board needs the day of its end; give dissolved_on",
        );
        rules.require(
            !self.is_standing() || self.dissolved_on.is_none(),
            "/dissolved_on",
            "not_allowed",
            "only a dissolved board has it; set status to dissolved or leave it out",
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
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "name",
                key: |r| Key::from(r.data.name.as_str()),
            },
            Sort {
                name: "established_on",
                key: |r| Key::from(r.data.established_on),
            },
        ]
    }
    fn text(&self) -> Vec<&str> {
        let mut words = vec![
            self.name.as_str(),
            self.purpose.as_deref().unwrap_or_default(),
        ];
        words.extend(self.aliases.iter().map(String::as_str));
        words
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let named = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            std::iter::once(&r.data.name)
                .chain(&r.data.aliases)
                .any(|n| n.to_lowercase() == wanted)
        };
        any(&f.status, &r.data.status)
            && any(&f.board_kind, &r.data.board_kind)
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.successor_id, &r.data.successor_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && f.name.as_ref().is_none_or(named)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id.or(f.successor_id)
    }
}
