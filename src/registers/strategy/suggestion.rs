//! Suggestions by stakeholders on a strategy, and what became of each.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::StrategyVersion;
use crate::policy::Subject;
use crate::registers::checks::{fixed, in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::query::{Any, any, is, is_some};
use crate::registers::strategy::{StrategyId, StrategyVersionId};
use crate::world::blank::OptionalText;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// What became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum SuggestionDisposition {
    /// Not decided yet.
    #[default]
    Pending,
    /// Incorporated as made.
    Incorporated,
    /// Incorporated in part.
    #[strum(message = "Partly incorporated")]
    Partly,
    /// Decided against and left out.
    NotIncorporated,
}

/// A suggestion on a strategy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    /// The strategy it is about.
    pub strategy_id: StrategyId,
    /// Post that made it. Give a post, a unit or both.
    #[serde(default)]
    pub from_post_id: Option<PostId>,
    /// Unit, association or outside body that made it.
    #[serde(default)]
    pub from_unit_id: Option<UnitId>,
    /// What is suggested.
    pub text: Text<4000, 1>,
    /// Date it was made, if known.
    #[serde(default)]
    pub made_on: Option<NaiveDate>,
    /// What became of it.
    #[serde(default)]
    pub disposition: SuggestionDisposition,
    /// Why it was incorporated only in part or not at all. Required in those two cases.
    #[serde(default)]
    pub reason: Option<Text<2000, 1>>,
    /// Version of the same strategy that incorporated it, in whole or in part.
    #[serde(default)]
    pub taken_in_version_id: Option<StrategyVersionId>,
}

/// Filters for a list of suggestions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct SuggestionFilter {
    /// Only suggestions on this strategy.
    strategy_id: Option<StrategyId>,
    /// Only suggestions by this post.
    from_post_id: Option<PostId>,
    /// Only suggestions by this unit, association or body.
    from_unit_id: Option<UnitId>,
    /// Only suggestions with any of these dispositions.
    #[param(value_type = Option<Vec<SuggestionDisposition>>, inline, explode = false)]
    disposition: Option<Any<SuggestionDisposition>>,
    /// Only suggestions that this version incorporated.
    taken_in_version_id: Option<StrategyVersionId>,
    /// Only suggestions made on or after this date.
    made_from: Option<NaiveDate>,
    /// Only suggestions made on or before this date.
    made_until: Option<NaiveDate>,
}

impl Suggestion {
    fn check_disposition(&self, rules: &mut Rules<'_, Self>) {
        use SuggestionDisposition::{Incorporated, NotIncorporated, Partly};
        let needs_reason = matches!(self.disposition, Partly | NotIncorporated);
        rules.require(
            !needs_reason || !self.reason.is_unsaid(),
            "/reason",
            "required",
            "is required if a suggestion is incorporated only in part or not at all; give the \
                reason",
        );
        let Some(id) = self.taken_in_version_id else {
            return;
        };
        rules.require(
            matches!(self.disposition, Incorporated | Partly),
            "/taken_in_version_id",
            "not_allowed",
            "is only allowed for a suggestion that is incorporated or partly incorporated; change \
                the disposition, or leave it out",
        );
        let version = rules.reading.world.get::<StrategyVersion>(id);
        rules.require(
            version.is_none_or(|v| v.data.strategy_id == self.strategy_id),
            "/taken_in_version_id",
            "other_strategy",
            "must be a version of the same strategy",
        );
    }
}

impl Resource for Suggestion {
    const KIND: &'static str = "suggestion";
    const PATH: &'static str = "suggestions";
    const PREFIX: &'static str = "SUG";
    const SUBJECT: Subject = Subject::Strategy;
    const ABOUT: &'static str = "Suggestions by stakeholders on a strategy: who made each one, \
        whether it was incorporated and in which version, or why not.";
    type Computed = NothingComputed;
    type Filter = SuggestionFilter;

    fn example() -> Value {
        json!({
            "strategy_id": "019abcde-0000-7000-8000-000000000001", "from_post_id": "019abcde-0000-7000-8000-000000000001",
            "text": "Add timescales to the work plan", "made_on": "2017-03-31", "disposition": "partly",
            "reason": "Timescales are given by quarter, not by day"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.text)
    }
    fn place(&self) -> Place {
        Place::within([self.strategy_id])
    }
    // S4
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record the suggestion under the other strategy";
        fixed(rules, self, "/strategy_id", |s| s.strategy_id, remedy);
        rules.require(
            self.from_post_id.is_some() || self.from_unit_id.is_some(),
            "/from_unit_id",
            "required",
            "say who made it: give from_post_id, from_unit_id or both",
        );
        not_in_future(rules, "/made_on", self.made_on);
        self.check_disposition(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "made_on",
            key: |r| Key::from(r.data.made_on),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.strategy_id, &r.data.strategy_id)
            && is_some(&f.from_post_id, &r.data.from_post_id)
            && is_some(&f.from_unit_id, &r.data.from_unit_id)
            && any(&f.disposition, &r.data.disposition)
            && is_some(&f.taken_in_version_id, &r.data.taken_in_version_id)
            && in_window(r.data.made_on, (f.made_from, f.made_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.taken_in_version_id
            .map(Uuid::from)
            .or(f.from_post_id.map(Uuid::from))
            .or(f.from_unit_id.map(Uuid::from))
            .or(f.strategy_id.map(Uuid::from))
    }
}
