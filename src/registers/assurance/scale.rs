//! Assurance scales: the opinions that an audit body gives, from the best to the worst. Bodies differ, so scales are data.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::AuditReview;
use crate::policy::Subject;
use crate::registers::query::same_name;
use crate::world::{
    Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, World,
};

/// One opinion on a scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssuranceLevel {
    /// Its code; what reviews name it by.
    #[schema(
        min_length = 1,
        max_length = 60,
        pattern = "^[a-z][a-z0-9_]*$",
        example = "limited"
    )]
    pub code: String,
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
    /// What the body means by it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
}

/// A scale of assurance opinions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AssuranceScale {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// The opinions, from the best to the worst.
    #[schema(min_items = 2, max_items = 10)]
    pub levels: Vec<AssuranceLevel>,
    /// Whose scale it is, and where it is laid down.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: Option<String>,
}

/// Narrows a list of assurance scales.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AssuranceScaleFilter {
    /// Scales that have a level with this code.
    #[param(max_length = 60)]
    level: Option<String>,
}

impl AssuranceScale {
    /// The level with this code.
    #[must_use]
    pub fn level(&self, code: &str) -> Option<&AssuranceLevel> {
        self.levels.iter().find(|l| l.code == code)
    }
}

impl Resource for AssuranceScale {
    const KIND: &'static str = "assurance_scale";
    const PATH: &'static str = "assurance-scales";
    const PREFIX: &'static str = "ASC";
    const SUBJECT: Subject = Subject::Setting;
    const ABOUT: &'static str = "Scales of assurance opinions. UK internal audit has no single one, so any number can be kept; POST /api/v1/assurance-scales/from-template makes the usual ones. A level that a review gave stays on its scale.";
    type Computed = NothingComputed;
    type Filter = AssuranceScaleFilter;

    fn example() -> Value {
        json!({
            "name": "Opinions of the audit directorate",
            "levels": [
                { "code": "substantial", "label": "Substantial", "description": "Controls are sound and applied" },
                { "code": "adequate", "label": "Adequate" },
                { "code": "limited", "label": "Limited" },
                { "code": "none", "label": "No assurance" }
            ]
        })
    }
    fn links(&self, _: &mut Links) {}
    fn place(&self) -> Place {
        Place::default()
    }
    // S23
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        for (n, level) in self.levels.iter().enumerate() {
            let mut earlier = self.levels.iter().take(n);
            if earlier.clone().any(|l| l.code == level.code) {
                let detail = "is the code of an earlier level; choose another";
                rules.refuse(format!("/levels/{n}/code"), "duplicate", detail);
            }
            if earlier.any(|l| same_name(&l.label, &level.label)) {
                let detail = "is the label of an earlier level; choose another";
                rules.refuse(format!("/levels/{n}/label"), "duplicate", detail);
            }
        }
        let id = rules.meta.id;
        let orphan = rules.reading.world.pointing::<AuditReview>(id).find(|r| {
            r.data
                .opinion
                .as_deref()
                .is_some_and(|o| self.level(o).is_none())
        });
        if let Some(opinion) = orphan.and_then(|r| r.data.opinion.as_deref()) {
            let detail = format!(
                "a review gave the opinion `{opinion}`; keep that level, or make another scale"
            );
            rules.refuse("/levels", "in_use", detail);
        }
        let twin = rules.reading.world.live::<Self>().find(|s| {
            s.meta.id != id && same_name(&s.data.name, &self.name) && s.data.levels == self.levels
        });
        if let Some(twin) = twin {
            let detail = format!(
                "{} is the same scale; use that one, or give this one another name",
                twin.meta.reference
            );
            rules.refuse("/name", "duplicate", detail);
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "name",
            key: |r| Key::from(r.data.name.as_str()),
        }]
    }
    fn text(&self) -> Vec<&str> {
        let labels = self.levels.iter().map(|l| l.label.as_str());
        labels
            .chain([
                self.name.as_str(),
                self.description.as_deref().unwrap_or_default(),
            ])
            .collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        f.level
            .as_ref()
            .is_none_or(|code| r.data.level(code).is_some())
    }
}

/// The usual scales (domain.md §4), by the name of their template.
const PRESETS: [(&str, [(&str, &str); 4]); 3] = [
    (
        "substantial_adequate_limited_none",
        [
            ("substantial", "Substantial"),
            ("adequate", "Adequate"),
            ("limited", "Limited"),
            ("none", "None"),
        ],
    ),
    (
        "substantial_reasonable_limited_none",
        [
            ("substantial", "Substantial"),
            ("reasonable", "Reasonable"),
            ("limited", "Limited"),
            ("none", "None"),
        ],
    ),
    (
        "substantial_moderate_limited_unsatisfactory",
        [
            ("substantial", "Substantial"),
            ("moderate", "Moderate"),
            ("limited", "Limited"),
            ("unsatisfactory", "Unsatisfactory"),
        ],
    ),
];

/// Names of the templates.
pub const TEMPLATES: [&str; 3] = [PRESETS[0].0, PRESETS[1].0, PRESETS[2].0];

/// Drafts for the scales made from a template, or from any, that are not there yet.
#[must_use]
pub fn missing_scales(world: &World, template: Option<&str>) -> Vec<Value> {
    let wanted = PRESETS
        .iter()
        .filter(|(name, _)| template.is_none_or(|t| t == *name));
    let is_there = |levels: &[(&str, &str)]| {
        world.live::<AssuranceScale>().any(|s| {
            let codes = s.data.levels.iter().map(|l| l.code.as_str());
            codes.eq(levels.iter().map(|(code, _)| *code))
        })
    };
    wanted
        .filter(|(_, levels)| !is_there(levels))
        .map(|(_, levels)| {
            let labels: Vec<&str> = levels.iter().map(|(_, label)| *label).collect();
            let levels: Vec<Value> = levels
                .iter()
                .map(|(code, label)| json!({ "code": code, "label": label }))
                .collect();
            json!({ "name": labels.join(", "), "levels": levels })
        })
        .collect()
}
