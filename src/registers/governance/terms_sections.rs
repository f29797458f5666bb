//! The sections of terms of reference, and which of them are empty.

use crate::world::Text;
use crate::world::blank::is_blank;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sections of terms of reference, each as text. An empty section is a gap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TermsSections {
    /// Name of the board as given in the document.
    #[serde(default)]
    pub name: Option<Text<4000>>,
    /// What the board is for.
    #[serde(default)]
    pub purpose: Option<Text<4000>>,
    /// What it covers and what it does not.
    #[serde(default)]
    pub scope: Option<Text<4000>>,
    /// Who has which role.
    #[serde(default)]
    pub roles: Option<Text<4000>>,
    /// What it has to do.
    #[serde(default)]
    pub responsibilities: Option<Text<4000>>,
    /// What it is accountable for, and to whom.
    #[serde(default)]
    pub accountabilities: Option<Text<4000>>,
    /// What it may decide on its own.
    #[serde(default)]
    pub authority: Option<Text<4000>>,
    /// Where its business ends and that of other boards starts.
    #[serde(default)]
    pub boundaries: Option<Text<4000>>,
    /// Who sits on it, on what basis and for how long.
    #[serde(default)]
    pub membership: Option<Text<4000>>,
    /// Who chairs it, and who deputises.
    #[serde(default)]
    pub chair: Option<Text<4000>>,
    /// How many members must be present for a decision.
    #[serde(default)]
    pub quorum: Option<Text<4000>>,
    /// How often it meets.
    #[serde(default)]
    pub frequency: Option<Text<4000>>,
    /// What it reports, to whom and how often.
    #[serde(default)]
    pub reporting_requirements: Option<Text<4000>>,
    /// The boards and strategies it depends on, and those that depend on it.
    #[serde(default)]
    pub interdependencies: Option<Text<4000>>,
    /// Its secretariat, money and people.
    #[serde(default)]
    pub resources: Option<Text<4000>>,
}

/// Number of parts in complete terms of reference: every section and the review date.
const PARTS: usize = 16;

impl TermsSections {
    /// Returns every section with its name, in the order of the document.
    #[must_use]
    pub fn all(&self) -> [(&'static str, Option<&str>); PARTS - 1] {
        [
            ("name", self.name.as_deref()),
            ("purpose", self.purpose.as_deref()),
            ("scope", self.scope.as_deref()),
            ("roles", self.roles.as_deref()),
            ("responsibilities", self.responsibilities.as_deref()),
            ("accountabilities", self.accountabilities.as_deref()),
            ("authority", self.authority.as_deref()),
            ("boundaries", self.boundaries.as_deref()),
            ("membership", self.membership.as_deref()),
            ("chair", self.chair.as_deref()),
            ("quorum", self.quorum.as_deref()),
            ("frequency", self.frequency.as_deref()),
            (
                "reporting_requirements",
                self.reporting_requirements.as_deref(),
            ),
            ("interdependencies", self.interdependencies.as_deref()),
            ("resources", self.resources.as_deref()),
        ]
    }

    /// Returns the names of the parts without content, including the review date.
    #[must_use]
    pub fn empty(&self, has_review_date: bool) -> Vec<Text<30>> {
        let silent = |text: Option<&str>| text.is_none_or(is_blank);
        let mut names: Vec<Text<30>> = self
            .all()
            .into_iter()
            .filter(|(_, text)| silent(*text))
            .map(|(name, _)| Text::known(name))
            .collect();
        if !has_review_date {
            names.push(Text::known("review_on"));
        }
        names
    }
}

/// Returns the share of parts that have content, in whole per cent, rounded down.
#[must_use]
pub fn completeness(empty: usize) -> u8 {
    let filled = PARTS.saturating_sub(empty);
    u8::try_from(filled * 100 / PARTS).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;

    #[test]
    fn every_section_counts_once() {
        let fields = serde_json::to_value(TermsSections::default()).unwrap();
        assert_eq!(
            fields.as_object().unwrap().len() + 1,
            PARTS,
            "a new section must be counted too"
        );
        let names = TermsSections::default().empty(false);
        assert_eq!(names.len(), PARTS);
        for name in some(names.iter().filter(|n| *n != "review_on")) {
            assert!(fields.get(name.as_str()).is_some(), "{name} is no section");
        }
    }

    #[test]
    fn completeness_is_the_share_of_filled_parts() {
        assert_eq!(completeness(PARTS), 0);
        assert_eq!(completeness(8), 50);
        assert_eq!(completeness(1), 93);
        assert_eq!(completeness(0), 100);
        let blank = TermsSections {
            purpose: Some(Text::cut("  ")),
            scope: Some(Text::cut("Everything")),
            ..TermsSections::default()
        };
        let empty = blank.empty(true);
        assert!(empty.iter().any(|n| n == "purpose") && !empty.iter().any(|n| n == "scope"));
        assert_eq!(completeness(empty.len()), 12);
    }
}
