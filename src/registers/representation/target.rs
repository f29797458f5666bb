//! Representation targets: how many seats a constituency should have on a board.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::constituency::{check_constituency, check_terms};
use crate::policy::Subject;
use crate::registers::checks::{asked, fixed};
use crate::registers::governance::{BoardId, TermsOfReference, TermsOfReferenceId};
use crate::registers::links::others;
use crate::registers::organisation::{UnitId, UnitKind};
use crate::registers::query::{Any, any_some, is};
use crate::world::dates::{Days, overlap};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// How many seats a constituency should have on a board.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RepresentationTarget {
    /// The board. Cannot be changed.
    pub board_id: BoardId,
    /// All units of this kind, such as all staff support associations. Give either this or
    /// `constituency_unit_ids`.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// These units. Give either this or `constituency_kind`.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub constituency_unit_ids: Vec<UnitId>,
    /// Number of seats they should have together. If left out, one seat each.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    pub seats_wanted: Option<u16>,
    /// Whether one seat may represent all of them. If terms of reference are named, they must provide
    /// for it, and it counts once they are agreed.
    #[serde(default)]
    pub collective_seat: bool,
    /// The board's terms of reference that provide for it.
    #[serde(default)]
    pub terms_of_reference_id: Option<TermsOfReferenceId>,
    /// Clause in those terms of reference.
    #[serde(default)]
    pub terms_clause: Option<Text<200, 1>>,
    /// What it is based on, in words: an audit recommendation, a decision.
    #[serde(default)]
    pub basis: Option<Text<1000>>,
    /// First day it applies. Null if it applied from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day it applies. Null if it still applies.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Filters for a list of targets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RepresentationTargetFilter {
    /// Only targets for this board.
    board_id: Option<BoardId>,
    /// Only targets for all units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Only targets that name this unit.
    constituency_unit_id: Option<UnitId>,
    /// Whether one seat may represent all of them.
    collective_seat: Option<bool>,
    /// Whether the target is in force today.
    current: Option<bool>,
}

impl RepresentationTarget {
    fn check_collective(&self, rules: &mut Rules<'_, Self>) {
        let names_terms = self.terms_of_reference_id.is_some() || self.terms_clause.is_some();
        if !self.collective_seat || !names_terms {
            return;
        }
        let needed = "is required if terms of reference are to provide for a collective seat; \
            give terms_of_reference_id and terms_clause, or neither";
        rules.require(
            self.terms_of_reference_id.is_some(),
            "/terms_of_reference_id",
            "required",
            needed,
        );
        rules.require(
            self.terms_clause.is_some(),
            "/terms_clause",
            "required",
            needed,
        );
        let terms = self
            .terms_of_reference_id
            .and_then(|id| rules.reading.world.get::<TermsOfReference>(id));
        rules.require(
            terms.is_none_or(|t| t.data.collective_seat),
            "/collective_seat",
            "not_in_terms",
            "is not provided for in those terms of reference; name terms whose collective_seat is \
                true, or ask for one seat each",
        );
    }
}

impl Resource for RepresentationTarget {
    const KIND: &'static str = "representation_target";
    const PATH: &'static str = "representation-targets";
    const PREFIX: &'static str = "RPT";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "How many seats staff support associations, advisory groups or \
        other units should have on a board, and whether one seat may represent all of them. The \
        board's representation shows which seats are filled.";
    type Computed = NothingComputed;
    type Filter = RepresentationTargetFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "constituency_kind": "staff_support_association",
            "collective_seat": false,
            "basis": "Audit recommendation 8: the associations are to be heard at the board",
            "from_on": "2020-06-29"
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
        fixed(
            rules,
            self,
            "/board_id",
            |t| t.board_id,
            "end this target and record a new one",
        );
        check_constituency(rules, self.constituency_kind, &self.constituency_unit_ids);
        check_terms(
            rules,
            self.board_id.uuid().into(),
            self.terms_of_reference_id,
            self.terms_clause.as_deref(),
        );
        self.check_collective(rules);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
        let same = |t: &Self| {
            t.constituency_kind == self.constituency_kind
                && t.constituency_unit_ids == self.constituency_unit_ids
        };
        let taken = others(rules, self.board_id.uuid()).any(|t: &Rec<Self>| {
            same(&t.data) && overlap(self.active_days(), t.data.active_days())
        });
        rules.require(
            !taken,
            "/constituency_kind",
            "duplicate",
            "the board already has a target for them on some of these dates; change or end that \
                target first",
        );
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "from_on",
            key: |r| Key::from(r.data.from_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let t = &r.data;
        is(&f.board_id, &t.board_id)
            && any_some(&f.constituency_kind, t.constituency_kind)
            && f.constituency_unit_id
                .is_none_or(|u| t.constituency_unit_ids.contains(&u))
            && is(&f.collective_seat, &t.collective_seat)
            && asked(f.current, || reading.is_active(r))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.constituency_unit_id.map(Uuid::from))
    }
}
