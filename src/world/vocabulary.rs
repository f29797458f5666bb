//! Vocabularies: the codes of an enum, each with a label for people and a description. Both are
//! kept with the enum: the description is the variant's documentation, and the label is its code in
//! words unless `#[strum(message = "…")]` says otherwise.

use std::borrow::Cow;

use serde::Serialize;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::collation::same_name;
use super::record::word;

/// An enum whose codes people read.
pub trait Coded: VariantArray + EnumMessage + Serialize + ToSchema {
    /// What people read in place of the code.
    fn label(&self) -> Cow<'static, str> {
        match self.get_message() {
            Some(label) => label.into(),
            None => in_words(&word(self)).into(),
        }
    }

    /// The value with this code or label, as people type it: in capitals or not.
    fn read(text: &str) -> Option<Self>
    where
        Self: Copy,
    {
        let is_it =
            |value: &&Self| same_name(&word(*value), text) || same_name(&value.label(), text);
        Self::VARIANTS.iter().find(is_it).copied()
    }

    /// The label within a sentence.
    fn in_sentence(&self) -> String {
        in_sentence(&self.label())
    }
}

impl<T: VariantArray + EnumMessage + Serialize + ToSchema> Coded for T {}

/// A code in words: `in_progress` is "In progress".
#[must_use]
pub fn in_words(code: &str) -> String {
    sentence_case(&code.replace('_', " "))
}

/// Words with a capital at the start, and otherwise as they are: a name within them may have
/// capitals of its own.
#[must_use]
pub fn sentence_case(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A label within a sentence: without its capital, unless it is all capitals.
fn in_sentence(label: &str) -> String {
    let mut letters = label.chars();
    let first = letters.next();
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return label.to_owned();
    }
    let first = first.into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

/// One code of a vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub code: String,
    pub label: Cow<'static, str>,
    /// What the code means, as a sentence; empty if it is missing.
    pub description: &'static str,
}

/// The codes of one enum, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// Name of the enum's schema.
    pub name: Cow<'static, str>,
    pub terms: Vec<Term>,
}

impl Vocabulary {
    /// The vocabulary of an enum.
    #[must_use]
    pub fn of<T: Coded>() -> Self {
        let term = |value: &T| Term {
            code: word(value),
            label: value.label(),
            description: value.get_documentation().unwrap_or_default(),
        };
        Self {
            name: T::name(),
            terms: T::VARIANTS.iter().map(term).collect(),
        }
    }

    /// What people read in place of a code; none if it is not one of these.
    #[must_use]
    pub fn label(&self, code: &str) -> Option<&str> {
        let term = self.terms.iter().find(|t| t.code == code)?;
        Some(&term.label)
    }

    /// Its terms as a Markdown list, for the description of its schema.
    #[must_use]
    pub fn as_list(&self) -> String {
        let line = |t: &Term| {
            let label = if t.label == t.code || t.label == in_words(&t.code) {
                String::new()
            } else {
                format!(" ({})", t.label)
            };
            format!("- `{}`{label}: {}", t.code, t.description)
        };
        let lines: Vec<String> = self.terms.iter().map(line).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;
    use crate::world::Marking;

    #[test]
    fn a_code_has_a_label_and_a_description() {
        let marking = Vocabulary::of::<Marking>();
        assert_eq!(marking.name, "Marking");
        let labels: Vec<&str> = marking.terms.iter().map(|t| t.label.as_ref()).collect();
        assert_eq!(labels, ["OFFICIAL", "OFFICIAL-SENSITIVE"]);
        assert!(some(&marking.terms).all(|t| !t.description.is_empty()));
        assert_eq!(in_words("not_started"), "Not started");
        for text in [
            "official_sensitive",
            "OFFICIAL-SENSITIVE",
            "Official-Sensitive",
        ] {
            assert_eq!(Marking::read(text), Some(Marking::OfficialSensitive));
        }
        assert_eq!(Marking::read("secret"), None);
        assert_eq!(in_sentence("Not started"), "not started");
        assert_eq!(in_sentence("OFFICIAL"), "OFFICIAL");
        assert_eq!(
            marking.label("official_sensitive"),
            Some("OFFICIAL-SENSITIVE")
        );
        assert_eq!(marking.label("secret"), None);
    }
}
