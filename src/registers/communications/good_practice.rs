//! Good practice published by business groups, whether planned or ad hoc.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window};
use crate::registers::communications::{CommunicationsActivityId, IntranetAssetId};
use crate::registers::organisation::UnitId;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::text::WebAddress;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// How it came to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum PracticeBasis {
    /// Published without a plan, as the occasion arose.
    AdHoc,
    /// Published under a plan.
    Planned,
}

/// An example of good practice.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GoodPractice {
    /// Business group or unit whose practice it is. Cannot be changed.
    pub unit_id: UnitId,
    /// Title.
    pub title: Text<200, 1>,
    /// What is done and what it achieves.
    #[serde(default)]
    pub description: Option<Text<4000>>,
    /// How it came to be published.
    pub basis: PracticeBasis,
    /// Where it was published, in words.
    #[serde(default)]
    pub published_where: Option<Text<500>>,
    /// The intranet asset on which it was published.
    #[serde(default)]
    pub asset_id: Option<IntranetAssetId>,
    /// URL where it can be read.
    #[serde(default)]
    pub url: Option<WebAddress>,
    /// Date of publication. Null if not known or not published.
    #[serde(default)]
    pub published_on: Option<NaiveDate>,
    /// Communications activity that shared it.
    #[serde(default)]
    pub activity_id: Option<CommunicationsActivityId>,
}

/// Narrows a list of good practice examples.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct GoodPracticeFilter {
    /// Only examples from this unit.
    unit_id: Option<UnitId>,
    /// Only examples from this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only examples published in these ways.
    #[param(value_type = Option<Vec<PracticeBasis>>, inline, explode = false)]
    basis: Option<Any<PracticeBasis>>,
    /// Only examples published on this intranet asset.
    asset_id: Option<IntranetAssetId>,
    /// Only examples shared by this activity.
    activity_id: Option<CommunicationsActivityId>,
    /// Whether the place or date of publication is recorded.
    is_published: Option<bool>,
    /// Only examples published on or after this date.
    published_from: Option<NaiveDate>,
    /// Only examples published on or before this date.
    published_until: Option<NaiveDate>,
}

impl GoodPractice {
    /// Whether the place or date of publication is recorded.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published_on.is_some()
            || self.published_where.is_some()
            || self.asset_id.is_some()
            || self.url.is_some()
    }
}

impl Resource for GoodPractice {
    const KIND: &'static str = "good_practice";
    const PATH: &'static str = "good-practices";
    const PREFIX: &'static str = "GPR";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Examples of good practice by business group, where they were \
        published, and whether they were planned or ad hoc.";
    type Computed = NothingComputed;
    type Filter = GoodPracticeFilter;

    fn example() -> Value {
        json!({
            "unit_id": "019abcde-0000-7000-8000-000000000001",
            "title": "Mentoring for new starters",
            "description": "Each new starter has a mentor from another unit for a year",
            "basis": "ad_hoc",
            "published_where": "The business group's intranet page",
            "asset_id": "019abcde-0000-7000-8000-000000000002"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned([self.unit_id])
    }
    // S36
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/unit_id",
            |p| p.unit_id,
            "withdraw this example and create another",
        );
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "published_on",
                key: |r| Key::from(r.data.published_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let p = &r.data;
        is(&f.unit_id, &p.unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && any(&f.basis, &p.basis)
            && is_some(&f.asset_id, &p.asset_id)
            && is_some(&f.activity_id, &p.activity_id)
            && asked(f.is_published, || p.is_published())
            && in_window(p.published_on, (f.published_from, f.published_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.unit_id
            .map(Uuid::from)
            .or(f.asset_id.map(Uuid::from))
            .or(f.activity_id.map(Uuid::from))
    }
}
