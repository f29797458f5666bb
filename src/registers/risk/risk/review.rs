//! Risk reviews: dated entries that are never changed. The latest one sets the risk's score and its
//! next review date.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::organisation::PostId;
use crate::registers::query::{is, is_some};
use crate::registers::risk::score::RiskScore;
use crate::registers::risk::{Risk, RiskId, RiskRegister, RiskRegisterId};
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// One review of one risk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RiskReview {
    /// The risk that was reviewed.
    pub risk_id: RiskId,
    /// Date of the review. Must not be in the future.
    pub reviewed_on: NaiveDate,
    /// The post that reviewed it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// What was found.
    pub note: Text<4000, 1>,
    /// Score found. It becomes the risk's current score unless a later review is recorded. If left
    /// out, the score does not change.
    #[serde(default)]
    pub current: Option<RiskScore>,
    /// Date of the next review. It becomes the risk's review date unless a later review is
    /// recorded. If left out, the date does not change.
    #[serde(default)]
    pub next_review_on: Option<NaiveDate>,
}

/// Values the service records with a review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RiskReviewComputed {
    /// The risk's current score when the review was recorded.
    pub current_before: Option<RiskScore>,
}

/// Filters for a list of risk reviews.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct RiskReviewFilter {
    /// Only reviews of this risk.
    risk_id: Option<RiskId>,
    /// Only reviews of risks on this register.
    register_id: Option<RiskRegisterId>,
    /// Only reviews of risks on registers that this board oversees.
    board_id: Option<BoardId>,
    /// Only reviews by this post.
    by_post_id: Option<PostId>,
    /// Only reviews on or after this date.
    reviewed_from: Option<NaiveDate>,
    /// Only reviews on or before this date.
    reviewed_until: Option<NaiveDate>,
    /// Whether the review found a different score from the one the risk had.
    rescored: Option<bool>,
}

impl RiskReview {
    /// The values that the latest review sets on the risk.
    fn findings(&self) -> Value {
        let mut patch = Map::new();
        if let Some(score) = self.current {
            patch.insert("current".into(), json!(score));
        }
        if let Some(day) = self.next_review_on {
            patch.insert("review_on".into(), json!(day));
        }
        Value::Object(patch)
    }
}

impl Resource for RiskReview {
    const KIND: &'static str = "risk_review";
    const PATH: &'static str = "risk-reviews";
    const PREFIX: &'static str = "RVW";
    const SUBJECT: Subject = Subject::Risk;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Reviews of risks. Each is a dated entry that is never changed. \
        The latest review sets the risk's current score and its next review date.";
    const APPEND_ONLY: bool = true;
    type Computed = RiskReviewComputed;
    type Filter = RiskReviewFilter;

    fn example() -> Value {
        json!({
            "risk_id": "019abcde-0000-7000-8000-000000000001",
            "reviewed_on": "2020-10-26",
            "note": "Terms of reference are redrafted but not agreed; no change in likelihood.",
            "current": { "likelihood": "possible", "impact": "major" },
            "next_review_on": "2021-01-31"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.risk_id])
    }
    // S31
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/reviewed_on", Some(self.reviewed_on));
        rules.in_order(
            Some(self.reviewed_on),
            self.next_review_on,
            "/next_review_on",
            "reviewed_on",
        );
        let (world, own) = (rules.reading.world, rules.meta.id);
        let closed_on = world
            .get::<Risk>(self.risk_id)
            .and_then(|r| r.data.closed_on);
        if let Some(day) = closed_on.filter(|d| self.reviewed_on > *d) {
            rules.refuse(
                "/reviewed_on",
                "date_order",
                format!(
                    "is after {day}, when the risk was closed; reopen the risk before you record \
                        this review"
                ),
            );
        }
        let later = world
            .pointing::<Self>(self.risk_id)
            .any(|r| r.meta.id != own && r.data.reviewed_on > self.reviewed_on);
        if !later {
            rules.follow_up(self.risk_id, self.findings());
        }
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        _: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        match before {
            Some(before) => before.computed.clone(),
            None => RiskReviewComputed {
                current_before: reading
                    .world
                    .get::<Risk>(self.risk_id)
                    .and_then(|r| r.data.current),
            },
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.risk_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "reviewed_on",
            key: |r| Key::from(Some(r.data.reviewed_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let register = || {
            reading
                .world
                .get::<Risk>(r.data.risk_id)
                .map(|r| r.data.register_id)
        };
        let watched_by = |board| {
            register()
                .and_then(|id| reading.world.get::<RiskRegister>(id))
                .is_some_and(|r| r.data.board_id == Some(board))
        };
        let rescored = || r.data.current.is_some() && r.data.current != r.computed.current_before;
        is(&f.risk_id, &r.data.risk_id)
            && (f.register_id.is_none() || register() == f.register_id)
            && f.board_id.is_none_or(watched_by)
            && is_some(&f.by_post_id, &r.data.by_post_id)
            && in_window(
                Some(r.data.reviewed_on),
                (f.reviewed_from, f.reviewed_until),
            )
            && asked(f.rescored, rescored)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.risk_id.map(Uuid::from).or(f.by_post_id.map(Uuid::from))
    }
}
