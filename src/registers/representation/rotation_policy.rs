//! Rotation policies: how long a constituency's seats on a board are held, how often in a row, and from whom the next holder comes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::constituency::{check_constituency, check_terms};
use super::rotation::{RotationState, rotations};
use crate::policy::Subject;
use crate::registers::checks::{Days, asked, distinct, fixed, overlap, runs_on};
use crate::registers::links::others;
use crate::registers::organisation::UnitKind;
use crate::registers::query::{Any, any_some, is};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// How a constituency's seats on a board rotate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RotationPolicy {
    /// The board. Cannot change.
    pub board_id: Uuid,
    /// The seats of all units of this kind; either this or `constituency_unit_ids`.
    #[serde(default)]
    pub constituency_kind: Option<UnitKind>,
    /// The seats of these units; either this or `constituency_kind`.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub constituency_unit_ids: Vec<Uuid>,
    /// Length of a term in months. A term that began on 29 June 2020 and lasts 12 months is over on 29 June 2021.
    #[schema(minimum = 1, maximum = 240)]
    pub term_months: u16,
    /// How many terms a member may sit in a row; none: no limit is laid down. A membership's own limit goes before it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    pub maximum_terms: Option<u8>,
    /// From whom the next holder is drawn, in words.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub pool: Option<String>,
    /// The units from which the next holder is drawn.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub pool_unit_ids: Vec<Uuid>,
    /// The board's terms of reference that lay it down.
    #[serde(default)]
    pub terms_of_reference_id: Option<Uuid>,
    /// The clause in them.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub terms_clause: Option<String>,
    /// First day on which it holds; none: from the start.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day on which it holds; none: it holds still.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of rotation policies.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RotationPolicyFilter {
    /// Policies of this board.
    board_id: Option<Uuid>,
    /// Policies for all units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    constituency_kind: Option<Any<UnitKind>>,
    /// Policies that name this unit.
    constituency_unit_id: Option<Uuid>,
    /// Whether the policy holds today.
    current: Option<bool>,
    /// Whether a seat under it is overdue for rotation today.
    overdue: Option<bool>,
}

impl RotationPolicy {
    /// The days on which it holds.
    #[must_use]
    pub fn days(&self) -> Days {
        (self.from_on, self.until_on)
    }
}

impl Resource for RotationPolicy {
    const KIND: &'static str = "rotation_policy";
    const PATH: &'static str = "rotation-policies";
    const PREFIX: &'static str = "ROT";
    const SUBJECT: Subject = Subject::Governance;
    const ABOUT: &'static str = "How the seats of associations, advisory groups or other units on a board rotate: length of a term, terms in a row, the pool. When each seat is due follows from the memberships' terms and the day.";
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
    fn links(&self, links: &mut Links) {
        links.to("/board_id", &["board"], self.board_id);
        links.each(
            "/constituency_unit_ids",
            &["unit"],
            self.constituency_unit_ids.iter().copied(),
        );
        links.each(
            "/pool_unit_ids",
            &["unit"],
            self.pool_unit_ids.iter().copied(),
        );
        links.to(
            "/terms_of_reference_id",
            &["terms_of_reference"],
            self.terms_of_reference_id,
        );
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
            "end this policy and make another",
        );
        check_constituency(rules, self.constituency_kind, &self.constituency_unit_ids);
        distinct(rules, "/pool_unit_ids", &self.pool_unit_ids);
        check_terms(
            rules,
            self.board_id,
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
        let taken = others(rules, self.board_id)
            .any(|p: &Rec<Self>| same(&p.data) && overlap(self.days(), p.data.days()));
        rules.require(
            !taken,
            "/constituency_kind",
            "duplicate",
            "a policy of the board holds for some of them on some of these days; change or end that one first",
        );
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "from_on",
            key: |r| Key::from(r.data.from_on),
        }]
    }
    fn text(&self) -> Vec<&str> {
        [&self.pool, &self.terms_clause]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
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
            && asked(f.current, || runs_on(p.days(), reading.on))
            && asked(f.overdue, overdue)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id.or(f.constituency_unit_id)
    }
}
