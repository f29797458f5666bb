//! Templates: the sections of a paper, their order, and the source of each section's content.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::PaperSource;
use crate::policy::Subject;
use crate::registers::query::{Any, same_name};
use crate::world::text::CodeWord;
use crate::world::{
    Form, Id, Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, rename,
};

/// A section of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateSection {
    /// Key by which the author's narrative refers to the section. Unique within the template.
    pub key: CodeWord<60>,
    /// Heading.
    pub heading: Text<200, 1>,
    /// Level below the title, starting at 1.
    #[serde(default = "first_level")]
    #[schema(minimum = 1, maximum = 3)]
    pub level: u8,
    /// Whether it is numbered ("1", "1.2").
    #[serde(default)]
    pub is_numbered: bool,
    /// Source of its content. For any source, the author's narrative for the section comes first.
    pub source: PaperSource,
    /// Whether to leave out what is closed: items that are complete or cancelled, recommendations
    /// and actions that are closed.
    #[serde(default)]
    pub open_only: bool,
}

const fn first_level() -> u8 {
    1
}

/// Id of a paper template.
pub type PaperTemplateId = Id<PaperTemplate>;

/// The language of a text (BCP 47).
pub enum LanguageForm {}

impl Form for LanguageForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$");
    const EXAMPLE: Option<&'static str> = Some("en-GB");
}

/// Language of a text (BCP 47).
pub type Language = Text<20, 2, LanguageForm>;

/// A template for papers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperTemplate {
    /// Title.
    pub title: Text<200, 1>,
    /// Purpose.
    #[serde(default)]
    pub description: Option<Text<2000>>,
    /// Language of the papers, as a BCP 47 tag.
    #[serde(default = "british_english")]
    pub language: Language,
    /// Sections, in order.
    #[schema(min_items = 1, max_items = 60)]
    pub sections: Vec<TemplateSection>,
}

fn british_english() -> Language {
    Language::known("en-GB")
}

/// Narrows a list of templates.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PaperTemplateFilter {
    /// Only templates with a section from any of these sources.
    #[param(value_type = Option<Vec<PaperSource>>, inline, explode = false)]
    source: Option<Any<PaperSource>>,
}

impl Resource for PaperTemplate {
    const KIND: &'static str = "paper_template";
    const PATH: &'static str = "paper-templates";
    const PREFIX: &'static str = "PTM";
    const SUBJECT: Subject = Subject::Paper;
    const ABOUT: &'static str = "Templates for panel papers: ordered sections with heading, \
        level, numbering and source. POST /api/v1/paper-templates/from-template creates the \
        ready-made ones. Changing a template changes drafts, never issued papers.";
    const SHAPE: i32 = 2;
    type Computed = NothingComputed;
    type Filter = PaperTemplateFilter;

    fn example() -> Value {
        json!({
            "title": "Short update", "description": "What is asked, what is overdue", "language": "en-GB",
            "sections": [
                { "key": "purpose", "heading": "Purpose", "source": "purpose" },
                { "key": "asked", "heading": "Recommendations", "source": "recommendations_to_panel" },
                { "key": "supporting", "heading": "Supporting information", "is_numbered": true, "source": "narrative" },
                { "key": "overdue", "heading": "Overdue", "level": 2, "is_numbered": true, "source": "overdue" }
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
    fn place(&self) -> Place {
        Place::default()
    }
    // S37
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let mut above = 0;
        for (n, section) in self.sections.iter().enumerate() {
            let mut earlier = self.sections.iter().take(n);
            if earlier.clone().any(|s| s.key == section.key) {
                let detail = "is the key of an earlier section; choose another key";
                rules.refuse(format!("/sections/{n}/key"), "duplicate", detail);
            }
            if section.source != PaperSource::Narrative
                && earlier.any(|s| s.source == section.source)
            {
                let detail = "an earlier section has this source, and a source can be used only \
                    once; choose another or remove the section";
                rules.refuse(format!("/sections/{n}/source"), "duplicate", detail);
            }
            // A skipped heading level confuses readers who navigate by headings (WCAG 1.3.1).
            if section.level > above + 1 {
                let detail = format!(
                    "must not exceed {}: a section can be only one level below the section before \
                        it",
                    above + 1
                );
                rules.refuse(format!("/sections/{n}/level"), "skipped_level", detail);
            }
            above = section.level;
        }
        for (source, what) in [
            (PaperSource::Overdue, "overdue"),
            (
                PaperSource::RecommendationsToPanel,
                "recommendations_to_panel",
            ),
        ] {
            let has = self.sections.iter().any(|s| s.source == source);
            let detail =
                format!("no section has the source {what}, which every paper needs; add one");
            if !has {
                rules.refuse("/sections", "required", detail);
            }
        }
        let id = rules.meta.id;
        let twin = rules.reading.world.live::<Self>().find(|t| {
            t.meta.id != id
                && same_name(&t.data.title, &self.title)
                && t.data.sections == self.sections
        });
        if let Some(twin) = twin {
            let detail = format!(
                "{} is an identical template; use that one, or give this one another title",
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
        f.source
            .as_ref()
            .is_none_or(|wanted| r.data.sections.iter().any(|s| wanted.has(&s.source)))
    }
}
