//! Units in a tree: the organisation, its business groups and units, outside bodies, associations
//! and advisory groups.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::query::{Any, any, is_some, same_name};
use crate::world::dates::Days;
use crate::world::{
    Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, rename,
};

/// Kind of body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum UnitKind {
    /// The public body itself.
    Organisation,
    /// Part of the organisation under one chief officer.
    BusinessGroup,
    /// A borough or operational command unit.
    #[strum(message = "B/OCU")]
    OperationalCommandUnit,
    /// Any other unit, branch or team.
    Unit,
    /// A body outside the organisation: oversight, audit, a regulator, a university.
    OutsideBody,
    /// Association that supports and represents a group of staff.
    StaffSupportAssociation,
    /// Group that gives the organisation independent advice.
    IndependentAdvisoryGroup,
}

/// Id of a unit.
pub type UnitId = Id<Unit>;

/// A unit of the organisation, or a body that it deals with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Unit {
    /// Title.
    pub title: Text<200, 1>,
    /// Kind of body.
    pub unit_kind: UnitKind,
    /// Unit it is part of.
    #[serde(default)]
    pub parent_id: Option<UnitId>,
    /// Other names, current or former.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub aliases: Vec<Text<200, 1>>,
    /// What it does.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Unit it took over from.
    #[serde(default)]
    pub predecessor_id: Option<UnitId>,
    /// First day it existed, if known.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Last day it existed.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Narrows a list of units.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct UnitFilter {
    /// Only units of these kinds.
    #[param(value_type = Option<Vec<UnitKind>>, inline, explode = false)]
    unit_kind: Option<Any<UnitKind>>,
    /// Only units directly below this one.
    parent_id: Option<UnitId>,
    /// Only this unit and the units below it.
    below: Option<Uuid>,
    /// Only units with this title or alias, ignoring case.
    title: Option<Text<200>>,
}

impl Resource for Unit {
    const KIND: &'static str = "unit";
    const PATH: &'static str = "units";
    const PREFIX: &'static str = "UNT";
    const SUBJECT: Subject = Subject::Organisation;
    const ABOUT: &'static str = "The organisation's units in a tree, and the bodies outside it: \
        oversight, audit, regulators, staff support associations, independent advisory groups.";
    const SHAPE: i32 = 2;
    type Computed = NothingComputed;
    type Filter = UnitFilter;

    fn example() -> Value {
        json!({ "reference": "HR", "title": "Human Resources", "unit_kind": "business_group", "aliases": ["Met HR"] })
    }
    /// The title was called a name.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "name", "title");
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.parent_id)
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.no_circle("/parent_id", self.parent_id, |u| u.parent_id);
        rules.no_circle("/predecessor_id", self.predecessor_id, |u| u.predecessor_id);
        rules.in_order(self.from_on, self.until_on, "/until_on", "from_on");
    }
    fn active_days(&self) -> Days {
        (self.from_on, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let named = |wanted: &str| {
            std::iter::once(&r.data.title)
                .chain(&r.data.aliases)
                .any(|n| same_name(n, wanted))
        };
        any(&f.unit_kind, &r.data.unit_kind)
            && is_some(&f.parent_id, &r.data.parent_id)
            && f.below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && f.title.as_deref().is_none_or(named)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.parent_id.map(Uuid::from)
    }
}
