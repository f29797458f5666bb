//! Assurance scales: the opinions that an audit body gives, from best to worst. Bodies use
//! different scales, so scales are data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::policy::Subject;
use crate::registers::assurance::AuditReview;
use crate::registers::query::same_name;
use crate::world::text::CodeWord;
use crate::world::{
    Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, World, rename,
};

/// One level of an assurance scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssuranceLevel {
    /// Code by which reviews refer to it.
    pub code: CodeWord<60>,
    /// Label in words.
    pub label: Text<100, 1>,
    /// Meaning of the level, as defined by the audit body.
    #[serde(default)]
    pub description: Option<Text<1000>>,
}

/// Id of an assurance scale.
pub type AssuranceScaleId = Id<AssuranceScale>;

/// A scale of assurance opinions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AssuranceScale {
    /// Title.
    pub title: Text<200, 1>,
    /// Levels, from best to worst.
    #[schema(min_items = 2, max_items = 10)]
    pub levels: Vec<AssuranceLevel>,
    /// Which body uses the scale, and where it is defined.
    #[serde(default)]
    pub description: Option<Text<1000>>,
}

/// Narrows a list of assurance scales.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AssuranceScaleFilter {
    /// Only scales that have a level with this code.
    level: Option<Text<60>>,
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
    const ABOUT: &'static str = "Scales of assurance opinions. UK internal audit has no single \
        scale, so any number can be recorded; POST /api/v1/assurance-scales/from-template \
        creates the usual ones. A level used by a review cannot be removed from its scale.";
    const SHAPE: i32 = 2;
    type Computed = NothingComputed;
    type Filter = AssuranceScaleFilter;

    fn example() -> Value {
        json!({
            "title": "Opinions of the audit directorate",
            "levels": [
                { "code": "substantial", "label": "Substantial", "description": "Controls are sound and applied" },
                { "code": "adequate", "label": "Adequate" },
                { "code": "limited", "label": "Limited" },
                { "code": "none", "label": "No assurance" }
            ]
        })
    }
    /// The title was called a name.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "name", "title");
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    // S23
    fn place(&self) -> Place {
        Place::default()
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        for (n, level) in self.levels.iter().enumerate() {
            let mut earlier = self.levels.iter().take(n);
            if earlier.clone().any(|l| l.code == level.code) {
                let detail = "must differ from the codes of earlier levels; choose another";
                rules.refuse(format!("/levels/{n}/code"), "duplicate", detail);
            }
            if earlier.any(|l| same_name(&l.label, &level.label)) {
                let detail = "must differ from the labels of earlier levels; choose another";
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
                "a review uses the opinion `{opinion}`; keep that level, or create another scale"
            );
            rules.refuse("/levels", "in_use", detail);
        }
        let twin = rules.reading.world.live::<Self>().find(|s| {
            s.meta.id != id && same_name(&s.data.title, &self.title) && s.data.levels == self.levels
        });
        if let Some(twin) = twin {
            let detail = format!(
                "{} is the same scale; use that one, or give this one another title",
                twin.meta.reference
            );
            rules.refuse("/title", "duplicate", detail);
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "title",
            key: |r| Key::from(r.data.title.as_str()),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        f.level
            .as_ref()
            .is_none_or(|code| r.data.level(code).is_some())
    }
}

/// The usual scales (domain.md §4), by template name.
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

/// Template names.
pub const TEMPLATES: [&str; 3] = [PRESETS[0].0, PRESETS[1].0, PRESETS[2].0];

/// Drafts of the scales from one template, or from all, that do not exist yet.
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
            json!({ "title": labels.join(", "), "levels": levels })
        })
        .collect()
}
