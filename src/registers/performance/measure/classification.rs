//! Classifications: code lists by which figures about people are broken down, with their versions.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::fixed;
use crate::registers::organisation::UnitId;
use crate::registers::performance::Observation;
use crate::registers::query::{Any, any, is_some, same_name};
use crate::world::collation::fold;
use crate::world::dates::Days;
use crate::world::{
    Form, Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// What a classification divides people by: a protected characteristic under section 4 of the
/// Equality Act 2010, or something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Characteristic {
    /// Age or age group (Equality Act 2010, section 5).
    Age,
    /// Whether a person has a disability (Equality Act 2010, section 6).
    Disability,
    /// Proposing to undergo, undergoing or having undergone a process to reassign sex (Equality Act
    /// 2010, section 7).
    GenderReassignment,
    /// Counts for the first limb of the public sector equality duty only (section 149(1)(a)).
    #[strum(message = "Marriage and civil partnership")]
    MarriageCivilPartnership,
    /// Pregnancy, and maternity in the period after a birth (Equality Act 2010, sections 17 and
    /// 18).
    #[strum(message = "Pregnancy and maternity")]
    PregnancyMaternity,
    /// Colour, nationality, or ethnic or national origins (Equality Act 2010, section 9).
    Race,
    /// Any religion or belief, or the lack of one (Equality Act 2010, section 10).
    #[strum(message = "Religion or belief")]
    ReligionBelief,
    /// Whether a person is a man or a woman (Equality Act 2010, section 11).
    Sex,
    /// Orientation towards people of the same sex, the opposite sex or either sex (Equality Act
    /// 2010, section 12).
    SexualOrientation,
    /// Not a protected characteristic: rank, length of service, business group.
    Other,
}

/// The code of a category or an aggregate.
pub enum CategoryForm {}

impl Form for CategoryForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^[A-Za-z0-9][A-Za-z0-9_.+-]*$");
}

/// Code of a category or an aggregate, as used in the figures.
pub type CategoryCode = Text<20, 1, CategoryForm>;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassificationCategory {
    /// Code, as used in the figures.
    pub code: CategoryCode,
    /// Meaning.
    pub label: Text<200, 1>,
}

/// Several categories under one name, as used in older figures. It is less precise than its member
/// categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegacyAggregate {
    /// Code, as used in the older figures.
    pub code: CategoryCode,
    /// Meaning.
    pub label: Text<200, 1>,
    /// Codes of the categories that the aggregate combines.
    #[schema(min_items = 1, max_items = 200)]
    pub member_codes: Vec<Text<20, 1>>,
}

/// Id of a classification.
pub type ClassificationId = Id<Classification>;

/// A version of a code list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Classification {
    /// Title. The same in every version.
    pub title: Text<200, 1>,
    /// What it divides people by.
    pub characteristic: Characteristic,
    /// Version label. Unique within the title.
    pub version_label: Text<60, 1>,
    /// Purpose, and where it is defined.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Unit that owns it. Null for a classification shared by all.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// First day of the version.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// Last day of the version.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Version that it replaces.
    #[serde(default)]
    pub supersedes_id: Option<ClassificationId>,
    /// Categories. Together they cover everybody, and nobody belongs to more than one.
    #[schema(min_items = 1, max_items = 200)]
    pub categories: Vec<ClassificationCategory>,
    /// Aggregates used in older figures, such as "BAME".
    #[serde(default)]
    #[schema(max_items = 20)]
    pub legacy_aggregates: Vec<LegacyAggregate>,
}

/// Narrows a list of classifications.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ClassificationFilter {
    /// Only classifications by these characteristics.
    #[param(value_type = Option<Vec<Characteristic>>, inline, explode = false)]
    characteristic: Option<Any<Characteristic>>,
    /// Only versions of the classification with this title.
    title: Option<Text<200>>,
    /// Only classifications owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only the version that replaces this one.
    supersedes_id: Option<ClassificationId>,
    /// Only versions valid on this date.
    valid_on: Option<NaiveDate>,
}

impl Classification {
    /// Returns the label of the category or aggregate with this code.
    #[must_use]
    pub fn label(&self, code: &str) -> Option<&str> {
        let category = self
            .categories
            .iter()
            .find(|c| c.code == code)
            .map(|c| c.label.as_str());
        category.or_else(|| self.aggregate(code).map(|a| a.label.as_str()))
    }

    /// Returns the aggregate with this code.
    #[must_use]
    pub fn aggregate(&self, code: &str) -> Option<&LegacyAggregate> {
        self.legacy_aggregates.iter().find(|a| a.code == code)
    }

    fn check_codes(&self, rules: &mut Rules<'_, Self>) {
        let mut seen = HashSet::new();
        let categories = self
            .categories
            .iter()
            .enumerate()
            .map(|(n, c)| (format!("/categories/{n}/code"), &c.code));
        let aggregates = self
            .legacy_aggregates
            .iter()
            .enumerate()
            .map(|(n, a)| (format!("/legacy_aggregates/{n}/code"), &a.code));
        for (pointer, code) in categories.chain(aggregates) {
            if !seen.insert(code) {
                rules.refuse(
                    pointer,
                    "duplicate",
                    "another category or aggregate has this code; choose another",
                );
            }
        }
        let known: HashSet<&str> = self.categories.iter().map(|c| c.code.as_str()).collect();
        for (n, aggregate) in self.legacy_aggregates.iter().enumerate() {
            let mut members = HashSet::new();
            for (m, code) in aggregate.member_codes.iter().enumerate() {
                let at = format!("/legacy_aggregates/{n}/member_codes/{m}");
                if !known.contains(code.as_str()) {
                    rules.refuse(
                        at,
                        "unknown",
                        "no category has this code; add the category or correct the code",
                    );
                } else if !members.insert(code) {
                    rules.refuse(at, "duplicate", "is listed twice; remove it");
                }
            }
        }
    }

    /// Checks that no code used by recorded figures is removed or regrouped.
    fn check_lost(&self, rules: &mut Rules<'_, Self>, before: &Rec<Self>) {
        let was = &before.data;
        let all = was
            .categories
            .iter()
            .map(|c| &c.code)
            .chain(was.legacy_aggregates.iter().map(|a| &a.code));
        let lost: HashSet<&str> = all
            .map(|c| c.as_str())
            .filter(|c| self.label(c).is_none())
            .collect();
        let members = |c: &Self| {
            c.legacy_aggregates
                .iter()
                .map(|a| (a.code.clone(), a.member_codes.clone()))
                .collect::<Vec<_>>()
        };
        let regrouped = members(was) != members(self);
        if lost.is_empty() && !regrouped {
            return;
        }
        let id = rules.meta.id;
        let used = |o: &Rec<Observation>| {
            let mut own = o
                .data
                .breakdown
                .iter()
                .filter(|b| b.classification_id == id);
            own.any(|b| {
                lost.contains(b.code.as_str()) || (regrouped && was.aggregate(&b.code).is_some())
            })
        };
        if let Some(holder) = rules
            .reading
            .world
            .pointing::<Observation>(id)
            .find(|o| used(o))
        {
            let detail = format!(
                "{} uses a code that would be removed or get other members; record a new version \
                    that supersedes this one",
                holder.meta.reference
            );
            rules.refuse("/categories", "in_use", detail);
        }
    }
}

impl Resource for Classification {
    const KIND: &'static str = "classification";
    const PATH: &'static str = "classifications";
    const PREFIX: &'static str = "CLS";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "Code lists by which figures are broken down, one record for each \
        version. Aggregates used in older figures are kept with the categories they combine.";
    type Computed = NothingComputed;
    type Filter = ClassificationFilter;

    fn example() -> Value {
        json!({
            "title": "Disability, as declared", "characteristic": "disability", "version_label": "2020",
            "valid_from": "2020-04-01",
            "supersedes_id": "019abcde-0000-7000-8000-000000000001",
            "categories": [
                { "code": "D1", "label": "Physical impairment" }, { "code": "D2", "label": "Other impairment" },
                { "code": "N", "label": "No disability" }, { "code": "NS", "label": "Not stated" }
            ],
            "legacy_aggregates": [{ "code": "DIS", "label": "Disabled", "member_codes": ["D1", "D2"] }]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    // S33
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record another classification";
        fixed(rules, self, "/characteristic", |c| c.characteristic, remedy);
        rules.in_order(
            self.valid_from,
            self.valid_until,
            "/valid_until",
            "valid_from",
        );
        rules.no_circle("/supersedes_id", self.supersedes_id, |c| c.supersedes_id);
        let earlier = self
            .supersedes_id
            .and_then(|id| rules.reading.world.get::<Self>(id));
        rules.require(
            earlier.is_none_or(|e| e.data.characteristic == self.characteristic),
            "/supersedes_id",
            "other_characteristic",
            "must be a classification by the same characteristic",
        );
        self.check_codes(rules);
        if let Some(before) = rules.before {
            self.check_lost(rules, before);
        }
    }
    fn active_days(&self) -> Days {
        (self.valid_from, self.valid_until)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "valid_from",
                key: |r| Key::from(r.data.valid_from),
            },
        ]
    }
    /// Two versions with the same title and label could not be told apart.
    fn unique(&self) -> Option<Vec<u8>> {
        Some(format!("{}\n{}", fold(&self.title), fold(&self.version_label)).into_bytes())
    }
    const UNIQUE: &'static str = "/version_label";
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        any(&f.characteristic, &r.data.characteristic)
            && f.title
                .as_deref()
                .is_none_or(|title| same_name(title, &r.data.title))
            && is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.supersedes_id, &r.data.supersedes_id)
            && f.valid_on.is_none_or(|day| reading.is_active_on(r, day))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.supersedes_id
            .map(Uuid::from)
            .or(f.owner_unit_id.map(Uuid::from))
    }
}
