//! Reviews of a strategy (a refresh): when it began, when it is due to end, its scope, and what was
//! deferred to it.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, fixed, in_window, not_in_future};
use crate::registers::links::no_repeats;
use crate::registers::query::{Any, any, is, is_some};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::PlannedDate;
use crate::world::dates::{Dated, Days, Deadline, Progress};
use crate::world::id::Target;
use crate::world::{Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Status of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StrategyReviewStatus {
    /// Not started yet.
    #[default]
    Planned,
    /// Started and not completed.
    InProgress,
    /// The review is finished.
    Completed,
    /// The review is no longer going ahead.
    Cancelled,
}

/// A record that was deferred to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeferredRecord {
    /// Record that waits for the review: a goal, a plan, a work-plan item, a board, terms of
    /// reference, a risk or a control.
    pub record_id: DeferrableId,
    /// What the review is to settle.
    #[serde(default)]
    pub note: Option<Text<1000>>,
}

/// A review of a strategy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StrategyReview {
    /// The strategy under review.
    pub strategy_id: StrategyId,
    /// Status of the review.
    #[serde(default)]
    pub status: StrategyReviewStatus,
    /// Date it began. Empty for a review under way if the sources give no date, which is a gap.
    #[serde(default)]
    pub started_on: Option<NaiveDate>,
    /// Target date for completion. Unspecified if no date is recorded, which is a gap.
    #[serde(default)]
    pub target: PlannedDate,
    /// Date it was completed. Required once it is completed, and not allowed before.
    #[serde(default)]
    pub completed_on: Option<NaiveDate>,
    /// What it covers.
    #[serde(default)]
    pub scope: Option<Text<4000>>,
    /// Strategy that is to result, or has resulted, from it.
    #[serde(default)]
    pub successor_strategy_id: Option<StrategyId>,
    /// Records deferred to it.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub deferred: Vec<DeferredRecord>,
}

/// Filters for a list of reviews.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct StrategyReviewFilter {
    /// Only reviews of this strategy.
    strategy_id: Option<StrategyId>,
    /// Only reviews that lead to this strategy.
    successor_strategy_id: Option<StrategyId>,
    /// Only reviews in any of these statuses.
    #[param(value_type = Option<Vec<StrategyReviewStatus>>, inline, explode = false)]
    status: Option<Any<StrategyReviewStatus>>,
    /// Only reviews to which this record was deferred.
    deferred_id: Option<Uuid>,
    /// Only reviews due on or after this date.
    due_from: Option<NaiveDate>,
    /// Only reviews due on or before this date.
    due_until: Option<NaiveDate>,
    /// Only reviews past their target date that are neither completed nor cancelled (`true`), or
    /// all others (`false`).
    overdue: Option<bool>,
}

/// A record that may be deferred to a review.
#[derive(Debug)]
pub enum Deferrable {}

impl Target for Deferrable {
    const KINDS: &'static str = "goal|plan|work_plan_item|board|terms_of_reference|risk|control";
}

/// Id of such a record.
pub type DeferrableId = Id<Deferrable>;

use crate::registers::strategy::{Strategy, StrategyId};
use StrategyReviewStatus as S;

const TRANSITIONS: &[(S, &[S])] = &[
    (S::Planned, &[S::InProgress, S::Cancelled]),
    (S::InProgress, &[S::Completed, S::Cancelled]),
    (S::Completed, &[S::InProgress]),
    (S::Cancelled, &[S::Planned, S::InProgress]),
];

impl StrategyReview {
    fn check_dates(&self, rules: &mut Rules<'_, Self>) {
        let has_begun = matches!(self.status, S::InProgress | S::Completed);
        rules.require(
            (self.status == S::Completed) == self.completed_on.is_some(),
            "/completed_on",
            "required",
            "is required for a completed review and not allowed for any other; change it together \
                with status",
        );
        rules.planned("/target", &self.target);
        rules.in_order(
            self.started_on,
            self.target.due_on,
            "/target/due_on",
            "started_on",
        );
        rules.in_order(
            self.started_on,
            self.completed_on,
            "/completed_on",
            "started_on",
        );
        if has_begun {
            not_in_future(rules, "/started_on", self.started_on);
        }
        not_in_future(rules, "/completed_on", self.completed_on);
    }
}

impl Resource for StrategyReview {
    const KIND: &'static str = "strategy_review";
    const PATH: &'static str = "strategy-reviews";
    const PREFIX: &'static str = "REV";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Reviews of strategies. A review names what was deferred to it, \
        so that everything waiting for the refresh can be listed. Its target date may be \
        unknown, which is reported as a gap.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::StrategyReview];
    type Computed = NothingComputed;
    type Filter = StrategyReviewFilter;

    fn example() -> Value {
        json!({
            "strategy_id": "019abcde-0000-7000-8000-000000000001", "status": "in_progress", "started_on": "2020-10-01",
            "target": { "precision": "unspecified" }, "scope": "Roles and responsibilities of the boards",
            "deferred": [{ "record_id": "019abcde-0000-7000-8000-000000000001", "note": "Basis of the advisory groups' invitation" }]
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.strategy_id])
    }
    fn normalise(&mut self) {
        self.target.normalise();
    }
    // S7
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record a review of the other strategy";
        fixed(rules, self, "/strategy_id", |r| r.strategy_id, remedy);
        rules.transition(
            "/status",
            rules.before.map(|b| b.data.status),
            self.status,
            TRANSITIONS,
        );
        rules.require(
            self.successor_strategy_id != Some(self.strategy_id),
            "/successor_strategy_id",
            "self_reference",
            "must not be the strategy under review; name another strategy",
        );
        self.check_dates(rules);
        no_repeats(
            rules,
            "/deferred",
            "record_id",
            self.deferred.iter().map(|d| Some(d.record_id)),
        );
    }
    fn deadline<'a>(record: &'a Rec<Self>, _: Reading<'a>) -> Deadline<'a> {
        let progress = match record.data.status {
            S::Planned | S::InProgress => Progress::Open,
            S::Completed => Progress::Done,
            S::Cancelled => Progress::GivenUp,
        };
        Deadline::new(progress, &record.data.target)
            // The first target date of a review is not recorded.
            .first_on(record.data.target.due_on)
            .done_on(record.data.completed_on)
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let deadline = Self::deadline(record, reading);
        vec![Dated::due(CalendarEntryKind::StrategyReview, deadline)]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let strategy = reading.title_of::<Strategy>(record.data.strategy_id);
        strategy.unwrap_or_default().into()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "due_on",
                key: |r| Key::from(r.data.target.due_on),
            },
            Sort {
                name: "started_on",
                key: |r| Key::from(r.data.started_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.strategy_id, &r.data.strategy_id)
            && is_some(&f.successor_strategy_id, &r.data.successor_strategy_id)
            && any(&f.status, &r.data.status)
            && f.deferred_id
                .is_none_or(|id| r.data.deferred.iter().any(|d| d.record_id == id))
            && in_window(r.data.target.due_on, (f.due_from, f.due_until))
            && asked(f.overdue, || {
                Self::deadline(r, reading).is_overdue(reading.on)
            })
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.deferred_id
            .or(f.strategy_id.map(Uuid::from))
            .or(f.successor_strategy_id.map(Uuid::from))
    }
}
