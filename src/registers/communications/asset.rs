//! Intranet assets: pages on inclusion, who looks after them, which policies they lead to, and when they are to be reviewed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::query::{Any, any, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// Where a page stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    /// Not there yet.
    Planned,
    #[default]
    Published,
    /// There, and being reviewed.
    UnderReview,
    /// No longer there.
    Retired,
}

/// A policy that a page leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetPolicy {
    /// Its title.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// Where it can be read.
    #[serde(default)]
    #[schema(
        max_length = 2000,
        pattern = "^https?://[^\\s]+$",
        example = "https://intranet.example/policies/equality"
    )]
    pub url: Option<String>,
}

/// A page or site on the intranet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IntranetAsset {
    /// Its title.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Its address.
    #[serde(default)]
    #[schema(
        max_length = 2000,
        pattern = "^https?://[^\\s]+$",
        example = "https://intranet.example/inclusion"
    )]
    pub url: Option<String>,
    /// Its path within the intranet.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^/[^\\s]*$", example = "/cpie/inclusion")]
    pub path: Option<String>,
    /// The unit that looks after it. Without an owner it is a gap.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// The post that looks after it.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// Day by which it is to be reviewed.
    #[serde(default)]
    pub review_due_on: Option<NaiveDate>,
    /// Day of the last review.
    #[serde(default)]
    pub last_reviewed_on: Option<NaiveDate>,
    /// The policies that it leads to.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub policies: Vec<AssetPolicy>,
    /// Where it stands in its life.
    #[serde(default)]
    pub status: AssetStatus,
}

/// Narrows a list of intranet assets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct IntranetAssetFilter {
    /// Assets of this unit.
    owner_unit_id: Option<Uuid>,
    /// Assets of this unit and of all units below it.
    unit_below: Option<Uuid>,
    /// Assets that this post looks after.
    owner_post_id: Option<Uuid>,
    /// Assets in these statuses.
    #[param(value_type = Option<Vec<AssetStatus>>, inline, explode = false)]
    status: Option<Any<AssetStatus>>,
    /// Whether the review is overdue today. A retired page needs none.
    overdue: Option<bool>,
    /// Whether it leads to a policy.
    has_policies: Option<bool>,
    /// Assets to be reviewed on or after this day.
    due_from: Option<NaiveDate>,
    /// Assets to be reviewed on or before this day.
    due_until: Option<NaiveDate>,
}

impl IntranetAsset {
    /// Whether its review is overdue on a day.
    #[must_use]
    pub fn is_overdue(&self, on: NaiveDate) -> bool {
        self.status != AssetStatus::Retired && self.review_due_on.is_some_and(|d| d < on)
    }
}

impl Resource for IntranetAsset {
    const KIND: &'static str = "intranet_asset";
    const PATH: &'static str = "intranet-assets";
    const PREFIX: &'static str = "WEB";
    const SUBJECT: Subject = Subject::Communications;
    const ABOUT: &'static str = "Intranet pages on inclusion: who looks after them, the policies they lead to, the last review and the next.";
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
    fn links(&self, links: &mut Links) {
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
        links.to("/owner_post_id", &["post"], self.owner_post_id);
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id.into_iter().chain(self.owner_post_id))
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
    fn text(&self) -> Vec<&str> {
        let mut words = vec![
            self.title.as_str(),
            self.description.as_deref().unwrap_or_default(),
        ];
        words.extend(self.policies.iter().map(|p| p.title.as_str()));
        words
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
        f.owner_unit_id.or(f.owner_post_id)
    }
}
