//! Ready-made templates: the format of the paper of 2017 (a strategy by its priorities) and of 2020
//! (an audit by its recommendations).

use serde_json::{Value, json};

use super::PaperTemplate;
use crate::world::World;

/// Names of the ready-made templates.
pub const TEMPLATES: [&str; 2] = ["strategy_update_by_priority", "progress_by_recommendation"];

fn section(key: &str, heading: &str, level: u8, is_numbered: bool, source: &str) -> Value {
    json!({ "key": key, "heading": heading, "level": level, "is_numbered": is_numbered, "source": source })
}

/// Sections before the numbered ones in both papers.
fn summary() -> Vec<Value> {
    vec![
        section("purpose", "Purpose", 1, false, "purpose"),
        section(
            "key_considerations",
            "Key considerations for the panel",
            1,
            false,
            "key_considerations",
        ),
        section(
            "interdependencies",
            "Interdependencies and cross-cutting issues",
            1,
            false,
            "interdependencies",
        ),
        section(
            "recommendations",
            "Recommendations",
            1,
            false,
            "recommendations_to_panel",
        ),
    ]
}

/// Sections after the supporting information in both papers.
fn close() -> Vec<Value> {
    vec![
        section(
            "equality_impact",
            "Equality and diversity impact",
            1,
            true,
            "equality_impact",
        ),
        section("financial", "Financial implications", 1, true, "financial"),
        section("legal", "Legal implications", 1, true, "legal"),
        section(
            "risk_implications",
            "Risk implications",
            1,
            true,
            "risk_implications",
        ),
        section("contact", "Contact details", 1, true, "contact"),
        section(
            "appendices",
            "Appendices and background papers",
            1,
            true,
            "appendices",
        ),
    ]
}

/// Sections that neither paper had and that every paper has here.
fn shown_always(sections: &[(&str, &str, &str)]) -> Vec<Value> {
    let of = |(key, heading, source): &(&str, &str, &str)| section(key, heading, 2, true, source);
    sections.iter().map(of).collect()
}

fn preset(name: &str) -> Option<Value> {
    let (title, description, middle) = match name {
        "strategy_update_by_priority" => (
            "Strategy update by priority",
            "A strategy and its plan, priority by priority, in the order of the Audit Panel paper \
                of 30 June 2017.",
            [
                vec![
                    section("supporting", "Supporting information", 1, true, "narrative"),
                    section(
                        "statement",
                        "The strategy, its plan and its oversight",
                        2,
                        true,
                        "narrative",
                    ),
                    section(
                        "current_work",
                        "Current work by priority",
                        2,
                        true,
                        "plan_priorities",
                    ),
                ],
                shown_always(&[
                    (
                        "prior_actions",
                        "Actions of earlier meetings",
                        "prior_actions",
                    ),
                    (
                        "assurance",
                        "Recommendations of audit",
                        "assurance_recommendations",
                    ),
                    ("overdue", "Overdue", "overdue"),
                    ("risks", "Risks", "risks"),
                    ("gaps", "What is missing", "gaps"),
                ]),
            ]
            .concat(),
        ),
        "progress_by_recommendation" => (
            "Progress by recommendation",
            "Audit recommendations one by one, in the order of the Joint Audit Panel paper of 26 \
                October 2020.",
            [
                vec![section(
                    "supporting",
                    "Supporting information",
                    1,
                    true,
                    "assurance_recommendations",
                )],
                shown_always(&[
                    ("overdue", "Overdue", "overdue"),
                    (
                        "prior_actions",
                        "Actions of earlier meetings",
                        "prior_actions",
                    ),
                    (
                        "current_work",
                        "Current work by priority",
                        "plan_priorities",
                    ),
                    ("risks", "Risks", "risks"),
                    ("gaps", "What is missing", "gaps"),
                ]),
            ]
            .concat(),
        ),
        _ => return None,
    };
    let sections = [summary(), middle, close()].concat();
    Some(
        json!({ "title": title, "description": description, "language": "en-GB", "sections": sections }),
    )
}

/// Returns drafts of the ready-made templates that do not exist yet: the one asked for, or all.
#[must_use]
pub fn missing_templates(world: &World, wanted: Option<&str>) -> Vec<Value> {
    let names = TEMPLATES
        .into_iter()
        .filter(|name| wanted.is_none_or(|w| w == *name));
    let is_there = |draft: &Value| {
        let sections = draft.get("sections").cloned().unwrap_or_default();
        let read: Option<Vec<super::TemplateSection>> = serde_json::from_value(sections).ok();
        read.is_some_and(|s| world.live::<PaperTemplate>().any(|t| t.data.sections == s))
    };
    names
        .filter_map(preset)
        .filter(|draft| !is_there(draft))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::catalogue;

    #[test]
    fn ready_made_templates_fit_their_schema() {
        let kind = catalogue().named("paper_template").expect("the kind");
        for name in TEMPLATES {
            let draft = preset(name).expect("a preset");
            kind.check_schema(&draft)
                .unwrap_or_else(|p| panic!("{name}: {:?}", p.errors));
        }
        assert_eq!(missing_templates(&World::empty(catalogue()), None).len(), 2);
        assert_eq!(
            missing_templates(&World::empty(catalogue()), Some(TEMPLATES[1])).len(),
            1
        );
    }
}
