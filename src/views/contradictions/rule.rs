//! Rules that find contradictions, and what they may use.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::registers::assurance::RecommendationVerification;
use crate::registers::settings::{SettingSet, in_force};
use crate::views::findings::{self, Finding};
use crate::views::judgement::Judge;
use crate::views::wait_graph::is_worked;
use crate::world::AnyRecord;
use crate::world::record::word;
use crate::world::visible::VisibleWorld;
use crate::world::vocabulary::in_words;

/// What a rule may use in addition to the record itself.
pub struct Context<'a> {
    pub seen: &'a VisibleWorld,
    /// The date to calculate for.
    pub on: NaiveDate,
    pub settings: &'a SettingSet,
    /// The state of records, as every view reports it.
    pub judge: Judge<'a>,
}

impl Context<'_> {
    /// Whether a record exists or applies on the date.
    pub fn is_active(&self, record: &dyn AnyRecord) -> bool {
        self.seen.is_active_on(record, self.on)
    }

    /// Name of a record for a sentence: its title, with the reference in brackets.
    pub fn name(&self, id: Uuid) -> String {
        let Some(record) = self.seen.any(id) else {
            return "a record".to_owned();
        };
        let reference = &record.meta().reference;
        match record.title() {
            Some(title) => format!("{title} ({reference})"),
            None => {
                let kind = in_words(self.seen.kind_of(record)).to_lowercase();
                format!("the {kind} ({reference})")
            }
        }
    }

    /// Whether a plan is still being worked to.
    pub fn is_planned(&self, plan: Uuid) -> bool {
        is_worked(self.seen, self.on, plan)
    }
}

impl Finding for Clash {
    type Context<'a> = Context<'a>;
    const CONTRADICTS: bool = true;

    fn context(seen: &VisibleWorld, on: NaiveDate) -> Context<'_> {
        let settings = in_force(seen.reading(on).world);
        Context {
            seen,
            on,
            settings,
            judge: Judge::new(seen, on, settings),
        }
    }

    fn seen<'c>(context: &'c Context<'_>) -> &'c VisibleWorld {
        context.seen
    }
}

/// Looks at every live record of a kind.
pub(super) type Each<R> = findings::Each<R, Clash>;

/// A rule that compares statements.
pub(super) type Rule = findings::Rule<Clash>;

/// One of the three statements, as a rule finds it.
pub struct Said {
    pub(super) code: String,
    pub(super) words: String,
    pub(super) by: Option<Uuid>,
    pub(super) on: Option<NaiveDate>,
}

impl Said {
    /// Makes a statement from its code and the same in words.
    pub fn new(code: impl Into<String>, words: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            words: words.into(),
            by: None,
            on: None,
        }
    }

    /// Adds the post that said it, or the post or board that approved it.
    pub fn by(mut self, by: Option<Uuid>) -> Self {
        self.by = by;
        self
    }

    /// Adds the date on which it was said.
    pub fn on(mut self, day: Option<NaiveDate>) -> Self {
        self.on = day;
        self
    }
}

/// What audit has found about a recommendation's claim.
pub fn audit(found: RecommendationVerification) -> Said {
    let words = match found {
        RecommendationVerification::None => {
            "there is no current claim, and audit has verified nothing"
        }
        RecommendationVerification::Submitted => "audit has not responded to the claim",
        RecommendationVerification::Verified => "audit has verified the claim",
        RecommendationVerification::Rejected => "audit has rejected the claim",
    };
    Said::new(word(&found), words)
}

/// What a rule finds.
pub struct Clash {
    pub(super) claimed: Said,
    pub(super) verified: Option<Said>,
    pub(super) computed: Option<Said>,
    pub(super) against: Vec<Uuid>,
}

impl Clash {
    /// Starts with what is claimed.
    pub fn of(claimed: Said) -> Self {
        Self {
            claimed,
            verified: None,
            computed: None,
            against: Vec::new(),
        }
    }

    /// Adds what was found by those who check it.
    pub fn verified(mut self, said: Said) -> Self {
        self.verified = Some(said);
        self
    }

    /// Adds what follows from the records.
    pub fn computed(mut self, said: Said) -> Self {
        self.computed = Some(said);
        self
    }

    /// Adds the records that contradict the claim.
    pub fn against(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.against.extend(ids);
        self
    }
}
