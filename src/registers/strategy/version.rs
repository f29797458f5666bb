//! Versions of a strategy, each with its status, who approved it and when, its document, and what
//! changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::links::others;
use crate::registers::query::{Any, any, is, is_some, same_name};
use crate::world::dates::{Deadline, Progress, When};
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StrategyVersionStatus {
    /// Being written.
    #[default]
    Draft,
    /// Out for comment, or with the approver.
    InReview,
    /// Approved, not yet published.
    Approved,
    /// Approved and published: the version in force.
    Published,
    /// In force, while its refresh is being prepared.
    UnderReview,
    /// Replaced by a later version.
    Superseded,
    /// No longer going ahead.
    Withdrawn,
}

impl StrategyVersionStatus {
    /// Whether it is the version in force.
    #[must_use]
    pub fn is_in_force(self) -> bool {
        matches!(self, Self::Published | Self::UnderReview)
    }

    /// Whether it counts as approved, published or not.
    #[must_use]
    pub fn is_approved(self) -> bool {
        self == Self::Approved || self.is_in_force()
    }
}

/// The document that holds a version's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StrategyDocument {
    /// Title.
    pub title: Text<300, 1>,
    /// URL where it can be read.
    #[serde(default)]
    pub url: Option<WebAddress>,
    /// Status shown on the document itself ("draft"), which may differ from the version's.
    #[serde(default)]
    pub stated_status: Option<Text<100, 1>>,
}

/// Id of a strategy version.
pub type StrategyVersionId = Id<StrategyVersion>;

/// A version of a strategy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StrategyVersion {
    /// The strategy it is a version of.
    pub strategy_id: StrategyId,
    /// Its label ("v1.0", "final draft"), unique within the strategy.
    pub label: Text<60, 1>,
    /// Current status.
    #[serde(default)]
    pub status: StrategyVersionStatus,
    /// Post that approved it, or is to approve it.
    #[serde(default)]
    pub approver_post_id: Option<PostId>,
    /// Board that approved it, or is to approve it.
    #[serde(default)]
    pub approver_board_id: Option<BoardId>,
    /// Date it was approved. Empty for an approved version if the sources give no date, which is a
    /// gap.
    #[serde(default)]
    pub approved_on: Option<NaiveDate>,
    /// The document that holds its text.
    #[serde(default)]
    pub document: Option<StrategyDocument>,
    /// What changed since the previous version.
    #[serde(default)]
    pub what_changed: Option<Text<4000>>,
}

/// Narrows a list of versions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct StrategyVersionFilter {
    /// Only versions of this strategy.
    strategy_id: Option<StrategyId>,
    /// Only versions in any of these statuses.
    #[param(value_type = Option<Vec<StrategyVersionStatus>>, inline, explode = false)]
    status: Option<Any<StrategyVersionStatus>>,
    /// Only versions that this post approved or is to approve.
    approver_post_id: Option<PostId>,
    /// Only versions that this board approved or is to approve.
    approver_board_id: Option<BoardId>,
    /// Only versions without an approver (`true`), or only those with one (`false`).
    without_approver: Option<bool>,
    /// Only versions approved on or after this date.
    approved_from: Option<NaiveDate>,
    /// Only versions approved on or before this date.
    approved_until: Option<NaiveDate>,
}

use crate::registers::governance::BoardId;
use crate::registers::organisation::PostId;
use crate::registers::strategy::{Strategy, StrategyId};
use crate::world::text::WebAddress;
use StrategyVersionStatus as S;

const TRANSITIONS: &[(S, &[S])] = &[
    (S::Draft, &[S::InReview, S::Superseded, S::Withdrawn]),
    (
        S::InReview,
        &[S::Draft, S::Approved, S::Superseded, S::Withdrawn],
    ),
    (
        S::Approved,
        &[S::InReview, S::Published, S::Superseded, S::Withdrawn],
    ),
    (S::Published, &[S::UnderReview, S::Superseded, S::Withdrawn]),
    (S::UnderReview, &[S::Published, S::Superseded, S::Withdrawn]),
];

impl StrategyVersion {
    fn has_no_approver(&self) -> bool {
        self.approver_post_id.is_none() && self.approver_board_id.is_none()
    }
}

impl Resource for StrategyVersion {
    const KIND: &'static str = "strategy_version";
    const PATH: &'static str = "strategy-versions";
    const PREFIX: &'static str = "SV";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Versions of strategies. A version can first be recorded in its \
        current status. From then on it moves through draft, in_review, approved, published, \
        under_review, superseded or withdrawn. Only one version of a strategy is in force at a \
        time.";
    type Computed = NothingComputed;
    type Filter = StrategyVersionFilter;

    fn example() -> Value {
        json!({
            "strategy_id": "019abcde-0000-7000-8000-000000000001", "label": "v1.0", "status": "published", "approved_on": "2017-06-30",
            "document": { "title": "Inclusion Strategy 2017-2021", "stated_status": "draft" }
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.label)
    }
    fn place(&self) -> Place {
        Place::within([self.strategy_id])
    }
    // S4: "refreshed" counts only with a date; a missing approver is a gap.
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        fixed(
            rules,
            self,
            "/strategy_id",
            |v| v.strategy_id,
            "record the version under the other strategy",
        );
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            TRANSITIONS,
        );
        not_in_future(rules, "/approved_on", self.approved_on);
        let mut same_label = others(rules, self.strategy_id.uuid())
            .filter(|v| same_name(&v.data.label, &self.label));
        if let Some(v) = same_label.next() {
            rules.refuse(
                "/label",
                "duplicate",
                format!(
                    "{} already has this label; choose another",
                    v.meta.reference
                ),
            );
        }
        let mut in_force = others(rules, self.strategy_id.uuid())
            .filter(|v| self.status.is_in_force() && v.data.status.is_in_force());
        if let Some(v) = in_force.next() {
            rules.refuse(
                "/status",
                "duplicate",
                format!(
                    "{} is already in force; set that version to superseded first",
                    v.meta.reference
                ),
            );
        }
    }
    /// Expected when its strategy is.
    fn deadline<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            S::Draft | S::InReview => Progress::Open,
            S::Approved | S::Published | S::UnderReview => Progress::InForce,
            S::Superseded => Progress::Done,
            S::Withdrawn => Progress::GivenUp,
        };
        let strategy = reading.get::<Strategy>(record.data.strategy_id);
        let expected = strategy.map(|s| When::from(&s.data.expected_date));
        Deadline::new(progress, expected.unwrap_or_default()).done_on(record.data.approved_on)
    }
    fn exists_on(&self, _: NaiveDate) -> bool {
        self.status.is_in_force()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "label",
                key: |r| Key::from(r.data.label.as_str()),
            },
            Sort {
                name: "approved_on",
                key: |r| Key::from(r.data.approved_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.strategy_id, &r.data.strategy_id)
            && any(&f.status, &r.data.status)
            && is_some(&f.approver_post_id, &r.data.approver_post_id)
            && is_some(&f.approver_board_id, &r.data.approver_board_id)
            && asked(f.without_approver, || r.data.has_no_approver())
            && in_window(r.data.approved_on, (f.approved_from, f.approved_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.strategy_id
            .map(Uuid::from)
            .or(f.approver_post_id.map(Uuid::from))
            .or(f.approver_board_id.map(Uuid::from))
    }
}
