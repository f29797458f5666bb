//! What a rule is, and how it looks at the records.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::context::Context;
use crate::world::{AnyRecord, Rec, Resource};

/// How much a gap weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapSeverity {
    /// Nobody can be held to account, or a promise is broken.
    High,
    /// Progress cannot be judged.
    Medium,
    /// Good order.
    Low,
}

/// What is wrong with one record, in a few words; empty where the rule's own words say all.
pub type Fault = Option<Cow<'static, str>>;

/// The rule's own words say all.
pub const PLAIN: Fault = Some(Cow::Borrowed(""));

/// The fault without words of its own, if it is one.
#[must_use]
pub fn plain_if(is_fault: bool) -> Fault {
    if is_fault { PLAIN } else { None }
}

/// The fault with words of its own.
pub fn because(words: impl Into<String>) -> Fault {
    Some(Cow::Owned(words.into()))
}

/// Looks at records of one kind.
pub trait Look: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// What is wrong with the record, if anything is.
    fn at(&self, context: &Context<'_>, record: &dyn AnyRecord) -> Fault;
}

/// Looks at every live record of a kind.
pub struct Each<R: Resource> {
    look: fn(&Context<'_>, &Rec<R>) -> Fault,
    of: PhantomData<fn(R)>,
}

impl<R: Resource> Each<R> {
    /// A look at each.
    #[must_use]
    pub const fn new(look: fn(&Context<'_>, &Rec<R>) -> Fault) -> Self {
        Self { look, of: PhantomData }
    }
}

impl<R: Resource> Look for Each<R> {
    fn kind(&self) -> &'static str {
        R::KIND
    }
    fn at(&self, context: &Context<'_>, record: &dyn AnyRecord) -> Fault {
        (self.look)(context, record.as_any().downcast_ref()?)
    }
}

/// A rule: what must be there, and why.
pub struct Rule {
    /// Its stable code.
    pub code: &'static str,
    pub severity: GapSeverity,
    /// What is wrong where it finds something, as a sentence.
    pub checks: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it.
    pub remedy: &'static str,
    /// The complaints of the two papers that it answers; none where it is good practice alone.
    pub answers: &'static [&'static str],
    pub look: &'static dyn Look,
}
