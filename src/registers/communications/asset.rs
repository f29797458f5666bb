//! Intranet assets: pages on inclusion, their owners, the policies they link to, and their review
//! dates.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is_some};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When};
use crate::world::text::WebAddress;
use crate::world::{
    Form, Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text,
};

/// Status of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AssetStatus {
    /// Planned but not yet live.
    Planned,
    /// Live.
    #[default]
    Published,
    /// Live and under review.
    UnderReview,
    /// No longer live.
    Retired,
}

/// Policy that a page links to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetPolicy {
    /// Title.
    pub title: Text<300, 1>,
    /// URL where it can be read.
    #[serde(default)]
    pub url: Option<WebAddress>,
}

/// Id of an intranet asset.
pub type IntranetAssetId = Id<IntranetAsset>;

/// The path of a page on a site.
pub enum PathForm {}

impl Form for PathForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^/[^\\s]*$");
    const EXAMPLE: Option<&'static str> = Some("/cpie/inclusion");
}

/// Path of a page on a site.
pub type SitePath = Text<500, 0, PathForm>;

/// A page or site on the intranet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IntranetAsset {
    /// Title.
    pub title: Text<200, 1>,
    /// URL.
    #[serde(default)]
    pub url: Option<WebAddress>,
    /// Path within the intranet.
    #[serde(default)]
    pub path: Option<SitePath>,
    /// Unit that owns the page. A page without an owner is a gap.
    #[serde(default)]
    pub owner_unit_id: Option<UnitId>,
    /// Post that owns the page.
    #[serde(default)]
    pub owner_post_id: Option<PostId>,
    /// Purpose.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Date by which the page must be reviewed.
    #[serde(default)]
    pub review_due_on: Option<NaiveDate>,
    /// Date of the last review.
    #[serde(default)]
    pub last_reviewed_on: Option<NaiveDate>,
    /// Policies that the page links to.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub policies: Vec<AssetPolicy>,
    /// Status of the page.
    #[serde(default)]
    pub status: AssetStatus,
}

/// Narrows a list of intranet assets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct IntranetAssetFilter {
    /// Only assets owned by this unit.
    owner_unit_id: Option<UnitId>,
    /// Only assets owned by this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only assets owned by this post.
    owner_post_id: Option<PostId>,
    /// Only assets in these statuses.
    #[param(value_type = Option<Vec<AssetStatus>>, inline, explode = false)]
    status: Option<Any<AssetStatus>>,
    /// Whether the review is overdue today. Retired pages are never overdue.
    overdue: Option<bool>,
    /// Whether the page links to a policy.
    has_policies: Option<bool>,
    /// Only assets due for review on or after this date.
    due_from: Option<NaiveDate>,
    /// Only assets due for review on or before this date.
    due_until: Option<NaiveDate>,
}

impl IntranetAsset {
    fn review(&self) -> Deadline<'_> {
        let progress = match self.status {
            AssetStatus::Retired => Progress::GivenUp,
            _ => Progress::Open,
        };
        Deadline::new(progress, When::on(self.review_due_on))
    }

    /// Whether the review is overdue on a date.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.review().is_overdue(on)
    }
}

impl Resource for IntranetAsset {
    const KIND: &'static str = "intranet_asset";
    const PATH: &'static str = "intranet-assets";
    const PREFIX: &'static str = "WEB";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Intranet pages on inclusion: their owners, the policies they \
        link to, and the dates of the last and next review.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::AssetReview];
    type Computed = NothingComputed;
    type Filter = IntranetAssetFilter;

    fn example() -> Value {
        json!({
            "title": "Inclusion and diversity",
            "path": "/cpie/inclusion",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000001",
            "description": "The pages that support the strategy",
            "review_due_on": "2020-12-31",
            "last_reviewed_on": "2020-06-30",
            "policies": [{ "title": "Equality policy", "url": "https://intranet.example/policies/equality" }],
            "status": "under_review"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(
            self.owner_unit_id
                .map(Uuid::from)
                .into_iter()
                .chain(self.owner_post_id.map(Uuid::from)),
        )
    }
    // S36
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/last_reviewed_on", self.last_reviewed_on);
        rules.in_order(
            self.last_reviewed_on,
            self.review_due_on,
            "/review_due_on",
            "last_reviewed_on",
        );
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let review = Dated::due(CalendarEntryKind::AssetReview, record.data.review());
        // Retired pages are not reviewed any more.
        let retired = record.data.status == AssetStatus::Retired;
        (!retired).then_some(review).into_iter().collect()
    }
    fn exists_on(&self, _: NaiveDate) -> bool {
        self.status != AssetStatus::Retired
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "review_due_on",
                key: |r| Key::from(r.data.review_due_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let a = &r.data;
        is_some(&f.owner_unit_id, &a.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && is_some(&f.owner_post_id, &a.owner_post_id)
            && any(&f.status, &a.status)
            && asked(f.overdue, || a.is_overdue(reading.on))
            && asked(f.has_policies, || !a.policies.is_empty())
            && in_window(a.review_due_on, (f.due_from, f.due_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.owner_unit_id
            .map(Uuid::from)
            .or(f.owner_post_id.map(Uuid::from))
    }
}
