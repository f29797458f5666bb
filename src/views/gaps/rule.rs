//! Rules that find gaps.

use std::borrow::Cow;

use uuid::Uuid;

use super::context::Context;
use crate::views::findings::{self, Finding};

pub use crate::views::findings::GapSeverity;

/// What is wrong with one record, in a few words; empty if the rule's own text says everything.
pub struct Missing(Cow<'static, str>);

impl Missing {
    /// What is wrong, as a sentence: the rule's own text, and the words about the record.
    pub fn reason(&self, rule: &Rule) -> String {
        match self.0.as_ref() {
            "" => rule.checks.to_owned(),
            words => format!("{} ({words})", rule.checks.trim_end_matches('.')),
        }
    }
}

impl Finding for Missing {
    type Context<'a> = Context<'a>;

    fn is_waived(context: &Context<'_>, rule: &str, record: Uuid) -> bool {
        context.waiver(rule, record).is_some()
    }
}

/// What a rule finds on a record.
pub type Fault = Option<Missing>;

/// Looks at every live record of a kind.
pub type Each<R> = findings::Each<R, Missing>;

/// A rule: what must be there, and why.
pub type Rule = findings::Rule<Missing>;

/// A finding without words of its own, if the condition holds.
#[must_use]
pub fn plain_if(is_fault: bool) -> Fault {
    is_fault.then_some(Missing(Cow::Borrowed("")))
}

/// A finding with words of its own.
pub fn because(words: impl Into<String>) -> Fault {
    Some(Missing(Cow::Owned(words.into())))
}
