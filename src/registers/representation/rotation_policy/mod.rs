//! Rotation policies: how long a constituency's seats on a board are held, for how many terms in a
//! row, and where the next holder comes from.

pub mod rotation;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed};
use crate::registers::governance::{BoardId, TermsOfReferenceId};
use crate::registers::links::others;
use crate::registers::organisation::{UnitId, UnitKind};
use crate::registers::query::{Any, any_some, is};
use crate::registers::representation::constituency::{check_constituency, check_terms};
use crate::registers::representation::rotation_policy::rotation::{
    RotationState, rotation_dates, rotations,
};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// How a constituency's seats on a board rotate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RotationPolicy {
    /// The board. Cannot be changed.
    pub board_id: BoardId,
    /// The seats of all units of this kind. Give either this or `constituency_unit_ids`.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// The seats of these units. Give either this or `constituency_kind`.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub constituency_unit_ids: Vec<UnitId>,
    /// Length of a term in months. A term of 12 months that began on 29 June 2020 is over on 29
    /// June 2021.
    #[schema(minimum = 1, maximum = 240)]
    pub term_months: u16,
    /// Maximum number of consecutive terms for a member. If left out, there is no limit. A
    /// membership's own limit takes precedence.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub maximum_terms: Option<u8>,
    /// Where the next holder comes from, in words.
    #[serde(default)]
    pub pool: Option<Text<500>>,
    /// Units from which the next holder is chosen.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub pool_unit_ids: Vec<UnitId>,
    /// The board's terms of reference that provide for it.
    #[serde(default)]
    pub terms_of_reference_id: Option<TermsOfReferenceId>,
    /// Clause in those terms of reference.
    #[serde(default)]
    pub terms_clause: Option<Text<200, 1>>,
    /// First day it applies. Null if it applied from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day it applies. Null if it still applies.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Filters for a list of rotation policies.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RotationPolicyFilter {
    /// Only policies of this board.
    board_id: Option<BoardId>,
    /// Only policies for all units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Only policies that name this unit.
    constituency_unit_id: Option<UnitId>,
    /// Whether the policy is in force today.
    current: Option<bool>,
    /// Whether a seat under the policy is overdue for rotation today.
    overdue: Option<bool>,
}

impl Resource for RotationPolicy {
    const KIND: &'static str = "rotation_policy";
    const PATH: &'static str = "rotation-policies";
    const PREFIX: &'static str = "ROT";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "How the seats of associations, advisory groups or other units on \
        a board rotate: length of a term, number of consecutive terms, and pool. The date each \
        seat is due follows from the terms in the memberships.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::RotationDue];
    type Computed = NothingComputed;
    type Filter = RotationPolicyFilter;

    fn example() -> Value {
        json!({
            "board_id": "019abcde-0000-7000-8000-000000000001",
            "constituency_kind": "independent_advisory_group",
            "term_months": 12,
            "maximum_terms": 2,
            "pool": "All independent advisory groups",
            "pool_unit_ids": ["019abcde-0000-7000-8000-000000000002"],
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
            |p| p.board_id,
            "end this policy and record a new one",
        );
        check_constituency(rules, self.constituency_kind, &self.constituency_unit_ids);
        distinct(rules, "/pool_unit_ids", &self.pool_unit_ids);
        check_terms(
            rules,
            self.board_id.uuid().into(),
            self.terms_of_reference_id,
            self.terms_clause.as_deref(),
        );
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
        let same = |p: &Self| {
            (self.constituency_kind.is_some() && p.constituency_kind == self.constituency_kind)
                || p.constituency_unit_ids
                    .iter()
                    .any(|u| self.constituency_unit_ids.contains(u))
        };
        let taken = others(rules, self.board_id.uuid()).any(|p: &Rec<Self>| {
            same(&p.data) && overlap(self.active_days(), p.data.active_days())
        });
        rules.require(
            !taken,
            "/constituency_kind",
            "duplicate",
            "another policy of the board covers some of these units on some of these dates; \
                change or end that policy first",
        );
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        rotation_dates(reading, record)
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
        let p = &r.data;
        let overdue = || {
            rotations(reading, r)
                .iter()
                .any(|found| found.state == RotationState::Overdue)
        };
        is(&f.board_id, &p.board_id)
            && any_some(&f.constituency_kind, p.constituency_kind)
            && f.constituency_unit_id
                .is_none_or(|u| p.constituency_unit_ids.contains(&u))
            && asked(f.current, || reading.is_active(r))
            && asked(f.overdue, overdue)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.constituency_unit_id.map(Uuid::from))
    }
}
