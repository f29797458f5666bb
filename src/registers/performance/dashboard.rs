//! Dashboards: what was promised, for which board, for when, and how mature each one is.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::measure::classification::Characteristic;
use crate::policy::Subject;
use crate::registers::checks::{asked, distinct, fixed, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::{others, parts};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::performance::MeasureId;
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::PlannedDate;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::{
    Id, Key, Meta, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// Maturity of a dashboard.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum DashboardMaturity {
    /// Promised.
    #[default]
    Planned,
    /// Visible to those who work on it.
    Draft,
    /// In use.
    Published,
}

const TRANSITIONS: &[(DashboardMaturity, &[DashboardMaturity])] = &[
    (
        DashboardMaturity::Planned,
        &[DashboardMaturity::Draft, DashboardMaturity::Published],
    ),
    (
        DashboardMaturity::Draft,
        &[DashboardMaturity::Planned, DashboardMaturity::Published],
    ),
    (DashboardMaturity::Published, &[]),
];

/// Date for which a dashboard was promised. A later promise is added after the earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DashboardPromise {
    /// When it was promised for.
    #[serde(default)]
    pub due: PlannedDate,
    /// Date the promise was made.
    #[serde(default)]
    pub made_on: Option<NaiveDate>,
    /// Where it was promised, and by whom.
    #[serde(default)]
    pub stated_in: Option<Text<500>>,
}

/// Id of a dashboard.
pub type DashboardId = Id<Dashboard>;

/// A dashboard.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Dashboard {
    /// Title.
    pub title: Text<200, 1>,
    /// Purpose.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Unit that produces it.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Post responsible for it.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Board that receives it.
    #[serde(default)]
    pub board_id: Option<BoardId>,
    /// Measures, in the order in which they are shown.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub measure_ids: Vec<MeasureId>,
    /// Characteristics by which the measures are broken down.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub characteristics: Vec<Characteristic>,
    /// Dates for which it was promised, oldest promise first.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub promised: Vec<DashboardPromise>,
}

/// Values computed by the service for a dashboard.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct DashboardComputed {
    /// Maturity of the latest version. Planned if there is no version.
    #[serde(default)]
    pub maturity: DashboardMaturity,
    /// The latest version.
    #[serde(default)]
    pub latest_version_id: Option<Uuid>,
    /// Date a version was first published.
    #[serde(default)]
    pub first_published_on: Option<NaiveDate>,
    /// Due date of the last promise that has a date.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
}

/// Narrows a list of dashboards.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DashboardFilter {
    /// Only dashboards produced by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only dashboards produced by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only dashboards received by this board.
    board_id: Option<BoardId>,
    /// Only dashboards that show this measure.
    measure_id: Option<MeasureId>,
    /// Only dashboards with these maturities.
    #[param(value_type = Option<Vec<DashboardMaturity>>, inline, explode = false)]
    maturity: Option<Any<DashboardMaturity>>,
    /// Only dashboards promised for a date that has passed and never published (`true`), or the
    /// others (`false`).
    overdue: Option<bool>,
}

/// Whether a promised date has passed without anything being published, even if a later date was
/// promised since.
#[must_use]
pub fn is_overdue(dashboard: &Rec<Dashboard>, on: NaiveDate) -> bool {
    let passed = |p: &DashboardPromise| p.due.due_on.is_some_and(|due| due < on);
    dashboard.computed.first_published_on.is_none_or(|d| d > on)
        && dashboard.data.promised.iter().any(passed)
}

impl Resource for Dashboard {
    const KIND: &'static str = "dashboard";
    const PATH: &'static str = "dashboards";
    const PREFIX: &'static str = "DSH";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "Dashboards: the measures they show, the board that receives \
        them, when they were promised for, and how mature they are.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::DashboardPromised];
    type Computed = DashboardComputed;
    type Filter = DashboardFilter;

    fn example() -> Value {
        json!({
            "title": "STRIDE dashboard", "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "board_id": "019abcde-0000-7000-8000-000000000002", "measure_ids": ["019abcde-0000-7000-8000-000000000003"],
            "characteristics": ["race", "sex"],
            "promised": [{ "due": { "precision": "month", "due_on": "2017-09-30", "source_text": "September 2017" }, "made_on": "2017-06-19" }]
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id)
    }
    fn normalise(&mut self) {
        self.promised.iter_mut().for_each(|p| p.due.normalise());
    }
    // S34
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/measure_ids", &self.measure_ids);
        for (n, promise) in self.promised.iter().enumerate() {
            rules.planned(&format!("/promised/{n}/due"), &promise.due);
            not_in_future(rules, &format!("/promised/{n}/made_on"), promise.made_on);
        }
        for (n, characteristic) in self.characteristics.iter().enumerate() {
            if self
                .characteristics
                .iter()
                .take(n)
                .any(|c| c == characteristic)
            {
                rules.refuse(
                    format!("/characteristics/{n}"),
                    "duplicate",
                    "is listed twice; remove it",
                );
            }
        }
        // Promises cannot be removed, because later dates are compared with them.
        let kept = |before: &Rec<Self>| {
            before
                .data
                .promised
                .iter()
                .all(|p| self.promised.contains(p))
        };
        rules.require(
            rules.before.is_none_or(kept),
            "/promised",
            "fixed",
            "a promise stays once it is recorded; keep it, and add the new one after it",
        );
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        meta: &Meta,
        _: Option<&Rec<Self>>,
    ) -> DashboardComputed {
        let versions = || parts::<DashboardVersion>(reading.world, meta);
        let latest = versions().max_by_key(|v| (v.meta.created_at, v.meta.id));
        DashboardComputed {
            maturity: latest.map(|v| v.data.maturity).unwrap_or_default(),
            latest_version_id: latest.map(|v| v.meta.id),
            first_published_on: versions().filter_map(|v| v.data.published_on).min(),
            due_on: self.promised.iter().rev().find_map(|p| p.due.due_on),
        }
    }
    /// The promise is met by the first version that is published. The drafts of the next do not
    /// revive it.
    fn deadline<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Deadline<'a> {
        let published = record.computed.first_published_on;
        let progress = match published {
            Some(day) if day <= reading.on => Progress::Done,
            _ => Progress::Open,
        };
        let promised = || record.data.promised.iter().map(|p| &p.due);
        let due = promised().next_back().map(When::from).unwrap_or_default();
        Deadline::new(progress, due)
            .first_on(promised().find_map(|d| d.due_on))
            .done_on(published)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        // The last day that was promised is shown, even if a later promise names none.
        let mut promised = record.data.promised.iter().map(|p| &p.due);
        let last = promised.rfind(|d| d.due_on.is_some());
        let deadline = Deadline {
            due: last.map(When::from).unwrap_or_default(),
            ..Self::deadline(record, reading)
        };
        vec![Dated {
            board_id: record.data.board_id.map(Into::into),
            ..Dated::due(CalendarEntryKind::DashboardPromised, deadline)
        }]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "due_on",
                key: |r| Key::from(r.computed.due_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is_some(&f.owner_unit_id, &r.data.owner_unit_id)
            && is_some(&f.board_id, &r.data.board_id)
            && f.measure_id
                .is_none_or(|id| r.data.measure_ids.contains(&id))
            && any(&f.maturity, &r.computed.maturity)
            && asked(f.overdue, || is_overdue(r, reading.on))
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.board_id
            .map(Uuid::from)
            .or(f.measure_id.map(Uuid::from))
            .or(f.owner_unit_id.map(Uuid::from))
    }
}

/// A version of a dashboard.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DashboardVersion {
    /// The dashboard.
    pub dashboard_id: DashboardId,
    /// Version label. Unique within the dashboard.
    pub label: Text<60, 1>,
    /// Progress so far.
    #[serde(default)]
    pub maturity: DashboardMaturity,
    /// Date it was published. Required for a published version; not allowed for any other.
    #[serde(default)]
    pub published_on: Option<NaiveDate>,
    /// Location of the document, in words.
    #[serde(default)]
    pub document: Option<Text<500>>,
    /// What is new in this version.
    #[serde(default)]
    pub what_changed: Option<Text<2000>>,
}

/// Narrows a list of versions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DashboardVersionFilter {
    /// Only versions of this dashboard.
    dashboard_id: Option<DashboardId>,
    /// Only versions with these maturities.
    #[param(value_type = Option<Vec<DashboardMaturity>>, inline, explode = false)]
    maturity: Option<Any<DashboardMaturity>>,
}

impl Resource for DashboardVersion {
    const KIND: &'static str = "dashboard_version";
    const PATH: &'static str = "dashboard-versions";
    const PREFIX: &'static str = "DSV";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str =
        "Versions of dashboards. The latest version gives the maturity of the dashboard.";
    type Computed = NothingComputed;
    type Filter = DashboardVersionFilter;

    fn example() -> Value {
        json!({
            "dashboard_id": "019abcde-0000-7000-8000-000000000001", "label": "0.2", "maturity": "draft",
            "document": "Draft pages shared with the delivery group"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.label)
    }
    fn place(&self) -> Place {
        Place::within([self.dashboard_id])
    }
    // S34
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record a version of the other dashboard";
        fixed(rules, self, "/dashboard_id", |v| v.dashboard_id, remedy);
        rules.transition(
            "/maturity",
            rules.before.map(|b| b.data.maturity),
            self.maturity,
            TRANSITIONS,
        );
        let is_published = self.maturity == DashboardMaturity::Published;
        let (code, detail) = if is_published {
            (
                "required",
                "a published version needs the date it was published; give published_on",
            )
        } else {
            (
                "not_allowed",
                "only a published version has published_on; set maturity to published or leave \
                    published_on out",
            )
        };
        rules.require(
            is_published == self.published_on.is_some(),
            "/published_on",
            code,
            detail,
        );
        not_in_future(rules, "/published_on", self.published_on);
        let twin =
            others(rules, self.dashboard_id.uuid()).find(|v| same_name(&v.data.label, &self.label));
        if let Some(twin) = twin {
            let detail = format!(
                "{} already has this label; choose another",
                twin.meta.reference
            );
            rules.refuse("/label", "duplicate", detail);
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.dashboard_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "published_on",
            key: |r| Key::from(r.data.published_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.dashboard_id, &r.data.dashboard_id) && any(&f.maturity, &r.data.maturity)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.dashboard_id.map(Uuid::from)
    }
}
