//! What a rule is: what it checks, how its findings relate to others, and what it may use.

use std::marker::PhantomData;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::registers::gaps::GapRegister;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Resource};

/// How serious a gap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum FindingSeverity {
    /// Nobody can be held to account, or a promise is broken.
    High,
    /// Progress cannot be assessed.
    Medium,
    /// Good housekeeping.
    Low,
}

/// What a finding follows from: a rule, and the record that it finds something on.
pub type Cause = (&'static str, Uuid);

/// What a view's rules find on a record.
pub trait Finding: Send + Sized + 'static {
    /// What a rule may use in addition to the record itself. Rules read it from several threads.
    type Context<'a>: Sync;
    /// Whether a finding is a claim that what is recorded contradicts.
    const CONTRADICTS: bool;
    /// What a rule may use, for what is visible to a caller on a date.
    fn context(seen: &VisibleWorld, on: NaiveDate) -> Self::Context<'_>;
    /// The world of a context.
    fn seen<'c>(context: &'c Self::Context<'_>) -> &'c VisibleWorld;

    /// Whether the finding of a rule on a record is waived. Asked only for causes.
    fn is_waived(_: &Self::Context<'_>, _: Cause) -> bool {
        false
    }

    /// Findings that are waived. A waived finding is still
    /// found, and is counted separately.
    fn waived(_: &Self::Context<'_>) -> Vec<Cause> {
        Vec::new()
    }
}

/// How a rule's findings relate to other findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Something happened or was stated.
    Fact,
    /// How well a record is kept. Not asked of records that others keep or that are only mentioned.
    Keeping,
    /// A detail that is not recorded. As for `Keeping`; moreover the details that one record lacks
    /// are one finding, and so is a detail that several parts of one record lack.
    Detail,
}

/// Checks records of one kind.
pub trait Check<F: Finding>: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// What it finds on the record, if anything.
    fn find(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<F>;
    /// How its findings relate to others.
    fn nature(&self) -> Nature;
    /// The rules that its findings may follow from.
    fn causes(&self) -> Vec<&'static str>;
    /// What a finding on the record follows from if the rule finds something there: the first that
    /// does counts.
    fn follows(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Vec<Cause>;
    /// The record that the checked record is a part of, for details that several parts lack.
    fn whole(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<Uuid>;
}

/// A function of a record and what a rule may use.
type Of<R, F, T> = fn(&<F as Finding>::Context<'_>, &Rec<R>) -> T;

/// Checks every live record of a kind.
pub struct Each<R: Resource, F: Finding> {
    check: Of<R, F, Option<F>>,
    nature: Nature,
    causes: &'static [&'static str],
    follows: Option<Of<R, F, Vec<Cause>>>,
    /// Rules whose findings on the same record its findings follow from.
    own: &'static [&'static str],
    whole: Option<Of<R, F, Option<Uuid>>>,
    of: PhantomData<fn(R)>,
}

impl<R: Resource, F: Finding> Each<R, F> {
    /// A check of each record.
    #[must_use]
    pub const fn new(check: Of<R, F, Option<F>>) -> Self {
        Self {
            check,
            nature: Nature::Fact,
            causes: &[],
            follows: None,
            own: &[],
            whole: None,
            of: PhantomData,
        }
    }

    /// A check of how well a record is kept.
    #[must_use]
    pub const fn keeping(mut self) -> Self {
        self.nature = Nature::Keeping;
        self
    }

    /// A check of a detail.
    #[must_use]
    pub const fn detail(mut self) -> Self {
        self.nature = Nature::Detail;
        self
    }

    /// What its findings follow from: findings of these rules, on the records that the function
    /// gives.
    #[must_use]
    pub const fn follows(
        mut self,
        causes: &'static [&'static str],
        follows: Of<R, F, Vec<Cause>>,
    ) -> Self {
        self.causes = causes;
        self.follows = Some(follows);
        self
    }

    /// Findings of these rules on the same record are what its findings follow from, unless others
    /// are.
    #[must_use]
    pub const fn follows_own(mut self, causes: &'static [&'static str]) -> Self {
        self.own = causes;
        self
    }

    /// The record that each record is a part of, if that is not the first that its place names.
    #[must_use]
    pub const fn part_of(mut self, whole: Of<R, F, Option<Uuid>>) -> Self {
        self.whole = Some(whole);
        self
    }
}

impl<R: Resource, F: Finding> Check<F> for Each<R, F> {
    fn kind(&self) -> &'static str {
        R::KIND
    }
    fn find(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<F> {
        (self.check)(context, record.as_any().downcast_ref()?)
    }
    fn nature(&self) -> Nature {
        self.nature
    }
    fn causes(&self) -> Vec<&'static str> {
        [self.causes, self.own].concat()
    }
    fn follows(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Vec<Cause> {
        let typed = self.follows.zip(record.as_any().downcast_ref());
        let mut causes = typed.map_or_else(Vec::new, |(follows, r)| follows(context, r));
        causes.extend(self.own.iter().map(|rule| (*rule, record.meta().id)));
        causes
    }
    fn whole(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<Uuid> {
        match self.whole {
            Some(whole) => whole(context, record.as_any().downcast_ref()?),
            None => record.place().within.first().copied(),
        }
    }
}

/// A rule: what it checks, and why.
pub struct Rule<F: Finding> {
    /// Its stable code.
    pub code: &'static str,
    pub severity: FindingSeverity,
    /// What is wrong when the rule finds something, as a sentence.
    pub checks: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to put it right.
    pub remedy: &'static str,
    /// Complaints in the two papers that it answers; empty if it is only good practice.
    pub answers: &'static [&'static str],
    pub check: &'static dyn Check<F>,
}

impl<F: Finding> Rule<F> {
    /// What it finds on a record of its kind. Rules about how well a record is kept find nothing on
    /// one that is not kept here.
    pub fn found(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<F> {
        let found = self.check.find(context, record)?;
        let is_asked =
            self.check.nature() == Nature::Fact || is_kept_here(F::seen(context), record, 0);
        is_asked.then_some(found)
    }
}

/// Whether this organisation keeps the full record, and those that it is part of.
fn is_kept_here(seen: &VisibleWorld, record: &dyn AnyRecord, depth: u8) -> bool {
    /// A record is part of a part of a part, but never endlessly.
    const DEEPEST: u8 = 8;
    record.kept_by().is_here()
        && (depth == DEEPEST
            || record.place().within.iter().all(|whole| {
                let whole = seen.any(*whole);
                whole.is_none_or(|whole| is_kept_here(seen, whole.as_ref(), depth + 1))
            }))
}

/// A rule with its register.
pub type Placed<F> = (GapRegister, &'static Rule<F>);
