//! Controls: what keeps risks down, who answers for it, and whether anybody has checked that it works.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::access::policy::Subject;
use crate::registers::checks::{asked, distinct, in_window, not_in_future};
use crate::registers::query::{Any, any, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// How it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// Keeps the event from happening.
    Preventive,
    /// Limits what follows.
    Corrective,
    /// Makes people do what is wanted: policy, training.
    Directive,
    /// Shows that the event has happened.
    Detective,
}

/// Which of the lines of assurance it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlLine {
    /// Management that does the work.
    First,
    /// Functions that oversee it.
    Second,
    /// Internal audit.
    Third,
    /// External audit, inspection, regulators.
    External,
}

/// What an assessment found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlEffectiveness {
    /// Nobody has checked.
    #[default]
    NotAssessed,
    Ineffective,
    /// It works in part.
    Partial,
    Effective,
}

/// Steps that a control is assumed to take off a risk's inherent score. An assumption: it changes no score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssumedReduction {
    /// Steps off the likelihood.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4)]
    pub likelihood: u8,
    /// Steps off the impact.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4)]
    pub impact: u8,
}

/// A control of one risk or several.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Control {
    /// The risks it keeps down.
    #[schema(min_items = 1, max_items = 50)]
    pub risk_ids: Vec<Uuid>,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// What is done, by whom and how often.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// How it works.
    #[serde(default)]
    pub control_kind: Option<ControlKind>,
    /// Which line of assurance it belongs to.
    #[serde(default)]
    pub line: Option<ControlLine>,
    /// The post that answers for it.
    #[serde(default)]
    pub owner_post_id: Option<Uuid>,
    /// The unit that answers for it; its contributors keep it up to date.
    #[serde(default)]
    pub owner_unit_id: Option<Uuid>,
    /// What the last assessment found.
    #[serde(default)]
    pub effectiveness: ControlEffectiveness,
    /// Day of the last assessment; an assessed control needs it and no other has it.
    #[serde(default)]
    pub assessed_on: Option<NaiveDate>,
    /// Reference of the audit recommendation that the control carries out, as the auditors give it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 60)]
    pub recommendation_reference: Option<String>,
    /// What it is assumed to take off the inherent score.
    #[serde(default)]
    pub assumed_reduction: Option<AssumedReduction>,
}

/// Narrows a list of controls.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ControlFilter {
    /// Controls of this risk.
    risk_id: Option<Uuid>,
    /// Controls that this post answers for.
    owner_post_id: Option<Uuid>,
    /// Controls that this unit answers for.
    owner_unit_id: Option<Uuid>,
    /// Controls that this unit or a unit below it answers for.
    unit_below: Option<Uuid>,
    /// Controls found to be this effective.
    #[param(value_type = Option<Vec<ControlEffectiveness>>, inline, explode = false)]
    effectiveness: Option<Any<ControlEffectiveness>>,
    /// Controls that work in these ways.
    #[param(value_type = Option<Vec<ControlKind>>, inline, explode = false)]
    control_kind: Option<Any<ControlKind>>,
    /// Controls of these lines.
    #[param(value_type = Option<Vec<ControlLine>>, inline, explode = false)]
    line: Option<Any<ControlLine>>,
    /// Whether the control carries out an audit recommendation.
    has_recommendation: Option<bool>,
    /// Controls that carry out the recommendation with this reference, in any case.
    #[param(max_length = 60)]
    recommendation_reference: Option<String>,
    /// Controls assessed on or after this day.
    assessed_from: Option<NaiveDate>,
    /// Controls assessed on or before this day.
    assessed_until: Option<NaiveDate>,
}

impl Resource for Control {
    const KIND: &'static str = "control";
    const PATH: &'static str = "controls";
    const PREFIX: &'static str = "CTL";
    const SUBJECT: Subject = Subject::Control;
    const ABOUT: &'static str = "What keeps risks down. A control is believed in only as far as it was assessed; one that carries out an audit recommendation names it.";
    type Computed = NothingComputed;
    type Filter = ControlFilter;

    fn example() -> Value {
        json!({
            "risk_ids": ["019abcde-0000-7000-8000-000000000001"],
            "title": "Agree terms of reference for both STRIDE bodies",
            "control_kind": "directive",
            "line": "second",
            "owner_unit_id": "019abcde-0000-7000-8000-000000000002",
            "effectiveness": "not_assessed",
            "recommendation_reference": "DARA-2",
            "assumed_reduction": { "likelihood": 2, "impact": 0 }
        })
    }
    fn links(&self, links: &mut Links) {
        links.each("/risk_ids", &["risk"], self.risk_ids.iter().copied());
        links.to("/owner_post_id", &["post"], self.owner_post_id);
        links.to("/owner_unit_id", &["unit"], self.owner_unit_id);
    }
    fn place(&self) -> Place {
        Place::owned(self.owner_unit_id).and_within(self.risk_ids.iter().copied())
    }
    // S30
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        distinct(rules, "/risk_ids", &self.risk_ids);
        let assessed = self.effectiveness != ControlEffectiveness::NotAssessed;
        let (code, detail) = if assessed {
            ("required", "an assessed control needs the day of the assessment; give assessed_on")
        } else {
            (
                "not_allowed",
                "nothing was assessed; say how effective it was found or leave assessed_on out",
            )
        };
        rules.require(assessed == self.assessed_on.is_some(), "/assessed_on", code, detail);
        not_in_future(rules, "/assessed_on", self.assessed_on);
        // A risk that loses the control is computed anew too.
        let lost = |was: &Rec<Self>| was.data.risk_ids.iter().copied().filter(|id| !self.risk_ids.contains(id)).collect();
        let lost: Vec<Uuid> = rules.before.map(lost).unwrap_or_default();
        for risk in lost {
            rules.follow_up(risk, json!({}));
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        self.risk_ids.clone()
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "assessed_on",
                key: |r| Key::from(r.data.assessed_on),
            },
        ]
    }
    fn text(&self) -> Vec<&str> {
        [&self.description, &self.recommendation_reference]
            .into_iter()
            .flatten()
            .chain([&self.title])
            .map(String::as_str)
            .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let c = &r.data;
        let recommendation = c.recommendation_reference.as_ref().map(|r| r.to_lowercase());
        f.risk_id.is_none_or(|risk| c.risk_ids.contains(&risk))
            && is_some(&f.owner_post_id, &c.owner_post_id)
            && is_some(&f.owner_unit_id, &c.owner_unit_id)
            && f.unit_below
                .is_none_or(|top| c.owner_unit_id.is_some_and(|u| reading.world.is_in_scope(u, top)))
            && any(&f.effectiveness, &c.effectiveness)
            && f.control_kind.as_ref().is_none_or(|w| c.control_kind.is_some_and(|k| w.has(&k)))
            && f.line.as_ref().is_none_or(|w| c.line.is_some_and(|l| w.has(&l)))
            && asked(f.has_recommendation, || recommendation.is_some())
            && is_some(&f.recommendation_reference.as_ref().map(|r| r.to_lowercase()), &recommendation)
            && in_window(c.assessed_on, (f.assessed_from, f.assessed_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.risk_id.or(f.owner_post_id).or(f.owner_unit_id)
    }
}
