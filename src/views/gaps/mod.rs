//! Gaps: what should be there and is not, found by rules that run by themselves. A gap names the record, the reason and the remedy.
//!
//! Each register's rules stand in tables in files of their own. A rule looks at every live record of one kind that the caller may
//! know of; adding one is adding its entry, its code in [`crate::registers::gaps`], and its entry in the table of tests. What it asks of
//! other records it asks the [`Context`], which works out once what would else be gone through for each record.
//!
//! A gap that is waived is still found, and left out of what is open.

mod assurance;
mod boards;
mod communications;
mod context;
mod meetings;
mod oversight;
mod papers;
mod performance;
mod plan;
mod risk;
mod rule;
mod seats;
mod strategy;
mod waivers;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use papers::gap_on;

use super::RecordName;
use super::findings::{GapRules, GapSeverity, Rules};
use super::gathering::Gathered;
use super::request::{Asked, View, operation, words};
use super::rows::row;
use crate::http::operation::{Operation, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::gaps::GapRegister;
use crate::registers::settings::{SettingsUsed, in_force, used};
use crate::world::schema::{Schemas, add_answer};
use context::Context;
use rule::{Missing, Rule};

/// Every rule, by register, in the order in which they are shown.
const RULES: Rules<Missing> = Rules(&[
    (GapRegister::Strategy, strategy::RULES),
    (GapRegister::Plan, plan::RULES),
    (GapRegister::Boards, boards::RULES),
    (GapRegister::Boards, seats::RULES),
    (GapRegister::Boards, meetings::RULES),
    (GapRegister::Boards, oversight::RULES),
    (GapRegister::Assurance, assurance::RULES),
    (GapRegister::Risk, risk::RULES),
    (GapRegister::Performance, performance::RULES),
    (GapRegister::Communications, communications::RULES),
    (GapRegister::Papers, papers::RULES),
    (GapRegister::Waivers, waivers::RULES),
]);

/// Something that should be there and is not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gap {
    /// The code of the rule that found it.
    #[schema(max_length = 60)]
    pub rule: String,
    /// How much it weighs.
    pub severity: GapSeverity,
    /// Where it belongs.
    pub register: GapRegister,
    /// The record that it was found on.
    pub record: RecordName,
    /// What is wrong.
    #[schema(max_length = 4000)]
    pub reason: String,
    /// What mends it.
    #[schema(max_length = 300)]
    pub remedy: String,
    /// The waiver by which it does not count; null for an open gap.
    pub waiver: Option<Waived>,
}

/// The waiver of a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct Waived {
    /// The waiver.
    pub id: Uuid,
    /// Its reference.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Why the gap is not to count.
    #[schema(max_length = 2000)]
    pub reason: String,
    /// Day on which it was granted.
    pub granted_on: NaiveDate,
    /// Last day on which the gap does not count.
    pub expires_on: NaiveDate,
}

/// How many gaps one rule found.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapCount {
    /// The rule's code.
    #[schema(max_length = 60)]
    pub rule: String,
    /// How much each weighs.
    pub severity: GapSeverity,
    /// Where they belong.
    pub register: GapRegister,
    /// How many it found that are open.
    #[schema(minimum = 0)]
    pub gaps: usize,
    /// How many it found that are waived.
    #[schema(minimum = 0)]
    pub waived: usize,
}

/// Gaps, a page at a time, with the counts of all that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapsView {
    /// The day they are judged by.
    pub on: NaiveDate,
    /// Number of the journal entry up to which they look.
    pub journal_seq: i64,
    /// The settings that they are judged by.
    pub settings: SettingsUsed,
    /// How many there are on all pages: the open ones, unless asked otherwise.
    #[schema(minimum = 0)]
    pub total: usize,
    /// How many of those asked for are waived, whether they are listed or not.
    #[schema(minimum = 0)]
    pub waived: usize,
    /// How many by rule, open and waived, rules that found something alone.
    #[schema(max_items = 500)]
    pub by_rule: Vec<GapCount>,
    /// The gaps: by register, rule and reference.
    #[schema(max_items = 200)]
    pub items: Vec<Gap>,
    /// Where the next page begins; null on the last.
    #[schema(max_length = 200)]
    pub next_cursor: Option<String>,
}

impl View for GapsView {
    fn rows(&self) -> Vec<Map<String, Value>> {
        self.items.iter().map(row).collect()
    }
}

type Found<'a> = super::findings::Found<'a, Missing>;

/// Puts what was found into words.
fn gap(found: &Found<'_>, context: &Context<'_>) -> Gap {
    let rule = found.rule;
    let waiver = context.waiver(rule.code, found.record.meta().id);
    Gap {
        rule: rule.code.to_owned(),
        severity: rule.severity,
        register: found.register,
        record: RecordName::of(context.seen, found.record),
        reason: found.finding.reason(rule),
        remedy: rule.remedy.to_owned(),
        waiver: waiver.map(|w| Waived {
            id: w.meta.id,
            reference: w.meta.reference.clone(),
            reason: w.data.reason.clone(),
            granted_on: w.data.granted_on,
            expires_on: w.data.expires_on,
        }),
    }
}

/// Whether waived gaps are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WaivedToo {
    False,
    True,
    Only,
}

impl WaivedToo {
    fn of(asked: &Asked) -> Result<Self, Problem> {
        match words(asked, "waived")?.as_slice() {
            [] => Ok(Self::False),
            [one] => Ok(*one),
            _ => Err(invalid("waived", "takes one of false, true, only")),
        }
    }

    /// Whether a gap is listed that is waived, or is not.
    fn lists(self, is_waived: bool) -> bool {
        match self {
            Self::False => !is_waived,
            Self::True => true,
            Self::Only => is_waived,
        }
    }
}

fn gaps(asked: &Asked) -> Result<GapsView, Problem> {
    let waived = WaivedToo::of(asked)?;
    let world = asked.seen.reading(asked.on).world;
    let context = Context::new(&asked.seen, asked.on, in_force(world));
    let page = RULES.page(asked, &context, |is_waived| waived.lists(is_waived))?;
    let count = |c: &super::findings::Count<Missing>| GapCount {
        rule: c.rule.code.to_owned(),
        severity: c.rule.severity,
        register: c.register,
        gaps: c.open,
        waived: c.waived,
    };
    Ok(GapsView {
        on: asked.on,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        total: page.total,
        waived: page.by_rule.iter().map(|c| c.waived).sum(),
        by_rule: page.by_rule.iter().map(count).collect(),
        items: page.items.iter().map(|f| gap(f, &context)).collect(),
        next_cursor: page.next_cursor,
    })
}

/// The codes of what the boards' rules find on each board, on its terms, its lines and its seats.
pub(super) type OfBoards = BTreeMap<Uuid, BTreeSet<&'static str>>;

impl Gathered for OfBoards {
    fn join(&mut self, other: Self) {
        for (id, codes) in other {
            self.entry(id).or_default().extend(codes);
        }
    }
}

/// What every board lacks and nobody has waived, for who draws them.
pub(super) fn of_boards(asked: &Asked) -> OfBoards {
    let world = asked.seen.reading(asked.on).world;
    let context = Context::new(&asked.seen, asked.on, in_force(world));
    let is_drawn = |register, rule: &Rule| {
        register == GapRegister::Boards
            && ["board", "board_edge", "membership", "terms_of_reference"]
                .contains(&rule.look.kind())
    };
    RULES.find(
        asked,
        &context,
        is_drawn,
        |_| true,
        |of_boards: &mut OfBoards, found: Found<'_>| {
            if !found.is_waived {
                for id in found
                    .record
                    .place()
                    .within
                    .into_iter()
                    .chain([found.record.meta().id])
                {
                    of_boards.entry(id).or_default().insert(found.rule.code);
                }
            }
        },
    )
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    vec![
        operation("/api/v1/gaps", "listGaps", Subject::PlanItem, gaps)
            .takes(RULES.parameters(
                "Gaps",
                [query(
                    "waived",
                    "Whether waived gaps are listed: not (`false`), too (`true`), or they alone (`only`).",
                    json!({ "type": "string", "enum": ["false", "true", "only"], "default": "false" }),
                )],
            ))
            .says(
                "Views",
                "What is missing",
                "Every gap that a rule finds: the record, the reason, the remedy. `by_rule` counts all that were asked for, on all pages, open and waived. A gap is waived by POST /api/v1/gap-waivers, until a day; a waiver that the caller may not see waives nothing here. The rules stand at `/api/v1/gap-rules`.",
            ),
        operation("/api/v1/gap-rules", "listGapRules", Subject::PlanItem, |_| Ok(RULES.told())).says(
            "Views",
            "The rules that find gaps",
            "What each rule looks for, why it matters, what mends it, and which complaint of the Audit Panel papers of 2017 and 2020 it answers.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<GapsView>(schemas);
    add_answer::<GapRules>(schemas);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::gaps::{GAP_CODES, gap_code};

    #[test]
    fn rules_are_sound_and_their_codes_stand_in_the_register() {
        RULES.check();
        for (register, rule) in RULES.all() {
            assert_eq!(
                gap_code(rule.code),
                Some((register, rule.look.kind())),
                "{} in registers/gaps",
                rule.code
            );
        }
        let known: usize = GAP_CODES.iter().map(|(_, _, codes)| codes.len()).sum();
        assert_eq!(
            known,
            RULES.all().count(),
            "a code in registers/gaps has no rule"
        );
    }
}
