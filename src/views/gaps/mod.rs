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

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use papers::gap_on;
pub use rule::GapSeverity;

use super::{Asked, Gathered, RecordName, View, flatten, gather_any, id_of, operation, some_of, words};
use crate::access::policy::Subject;
use crate::http::operation::{Operation, id_query, query};
use crate::http::page::{limit, limit_parameter};
use crate::http::query::invalid;
use crate::problem::Problem;
use crate::registers::gaps::{GAP_CODES, GapCode, GapRegister, GapWaiver};
use crate::registers::settings::{SettingsUsed, in_force, used};
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::{AnyRecord, Rec};
use context::Context;
use rule::Rule;

/// Every rule, by register, in the order in which they are shown.
const RULES: &[(GapRegister, &[Rule])] = &[
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
];

/// Every rule with its register.
fn rules() -> impl Iterator<Item = (GapRegister, &'static Rule)> {
    RULES.iter().flat_map(|(register, rules)| rules.iter().map(|r| (*register, r)))
}

/// The rule with this code.
fn rule(code: &str) -> Option<&'static Rule> {
    rules().find(|(_, r)| r.code == code).map(|(_, r)| r)
}

/// A rule, for whoever reads what it found.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapRule {
    /// Its stable code.
    #[schema(max_length = 60)]
    pub code: String,
    /// How much what it finds weighs.
    pub severity: GapSeverity,
    /// Where it belongs.
    pub register: GapRegister,
    /// The kind of record that it looks at.
    #[schema(max_length = 60)]
    pub kind: String,
    /// What is wrong where it finds something.
    #[schema(max_length = 300)]
    pub checks: String,
    /// Why it matters.
    #[schema(max_length = 300)]
    pub why: String,
    /// What mends it.
    #[schema(max_length = 300)]
    pub remedy: String,
    /// The complaints of the Audit Panel papers of 2017 and 2020 that it answers; none where it is good practice alone.
    #[schema(max_items = 10, schema_with = complaints)]
    pub answers: Vec<String>,
}

pub(super) fn complaints() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    let words = ObjectBuilder::new().schema_type(Type::String).max_length(Some(200));
    ArrayBuilder::new()
        .description(Some(
            "The complaints of the Audit Panel papers of 2017 and 2020 that it answers; none where it is good practice alone.",
        ))
        .items(words)
        .max_items(Some(10))
        .build()
}

/// Every rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapRules {
    /// The rules, by register.
    #[schema(max_items = 500)]
    pub items: Vec<GapRule>,
}

impl View for GapRules {
    fn rows(&self) -> Vec<Map<String, Value>> {
        self.items.iter().map(row).collect()
    }
}

fn row<T: Serialize>(of: &T) -> Map<String, Value> {
    let mut row = Map::new();
    flatten(&mut row, "", json!(of));
    row
}

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

/// A gap as found, before it is put into words.
struct Found<'a> {
    /// Place of the rule in [`rules`].
    place: usize,
    rule: &'static Rule,
    register: GapRegister,
    record: &'a Arc<dyn AnyRecord>,
    words: std::borrow::Cow<'static, str>,
    waiver: Option<&'a Rec<GapWaiver>>,
}

impl Found<'_> {
    fn key(&self) -> (usize, &str) {
        (self.place, &self.record.meta().reference)
    }

    fn gap(&self, asked: &Asked) -> Gap {
        let reason = if self.words.is_empty() {
            self.rule.checks.to_owned()
        } else {
            format!("{} ({})", self.rule.checks.trim_end_matches('.'), self.words)
        };
        Gap {
            rule: self.rule.code.to_owned(),
            severity: self.rule.severity,
            register: self.register,
            record: RecordName::of(&asked.seen, self.record),
            reason,
            remedy: self.rule.remedy.to_owned(),
            waiver: self.waiver.map(|w| Waived {
                id: w.meta.id,
                reference: w.meta.reference.clone(),
                reason: w.data.reason.clone(),
                granted_on: w.data.granted_on,
                expires_on: w.data.expires_on,
            }),
        }
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

/// Which gaps are asked for.
struct Wanted {
    rules: Vec<GapCode>,
    severities: Vec<GapSeverity>,
    registers: Vec<GapRegister>,
    record: Option<Uuid>,
    scopes: Vec<Uuid>,
    waived: WaivedToo,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Problem> {
        let waived = words::<WaivedToo>(asked, "waived")?;
        let waived = match waived.as_slice() {
            [] => WaivedToo::False,
            [one] => *one,
            _ => return Err(invalid("waived", "takes one of false, true, only")),
        };
        Ok(Self {
            rules: words(asked, "rule")?,
            severities: words(asked, "severity")?,
            registers: words(asked, "register")?,
            record: id_of(asked, "record_id")?,
            scopes: [id_of(asked, "unit_id")?, id_of(asked, "board_id")?]
                .into_iter()
                .flatten()
                .collect(),
            waived,
        })
    }

    fn rule(&self, register: GapRegister, rule: &Rule) -> bool {
        (self.rules.is_empty() || self.rules.iter().any(|GapCode(code)| code == rule.code))
            && (self.severities.is_empty() || self.severities.contains(&rule.severity))
            && (self.registers.is_empty() || self.registers.contains(&register))
    }

    /// Whether a gap is listed, waived or not.
    fn lists(&self, is_waived: bool) -> bool {
        match self.waived {
            WaivedToo::False => !is_waived,
            WaivedToo::True => true,
            WaivedToo::Only => is_waived,
        }
    }
}

fn codes() -> Vec<&'static str> {
    rules().map(|(_, r)| r.code).collect()
}

fn severities() -> Vec<String> {
    [GapSeverity::High, GapSeverity::Medium, GapSeverity::Low]
        .map(|s| word(&s))
        .to_vec()
}

fn registers() -> Vec<String> {
    let mut registers: Vec<GapRegister> = GAP_CODES.iter().map(|(register, _, _)| *register).collect();
    registers.sort_unstable();
    registers.dedup();
    registers.iter().map(word).collect()
}

/// What was found in one part of the records: every gap counted, and those that may stand on the page.
#[derive(Default)]
struct Tally<'a> {
    /// Open and waived gaps, by the place of the rule.
    counts: BTreeMap<usize, (usize, usize)>,
    /// Gaps behind the cursor that can stand on the page: in this part there is no page full of gaps before them.
    first: Vec<Found<'a>>,
    /// How many of these each rule has.
    kept: BTreeMap<usize, usize>,
    /// The last rule whose gaps can stand on the page, once that is known.
    last: Option<usize>,
}

impl<'a> Tally<'a> {
    fn count(&mut self, found: &Found<'_>) {
        let (open, waived) = self.counts.entry(found.place).or_default();
        *(if found.waiver.is_some() { waived } else { open }) += 1;
    }

    /// Keeps a gap unless a page of `limit`, and one gap more, is full without it.
    fn keep(&mut self, found: Found<'a>, limit: usize) {
        if self.last.is_some_and(|last| found.place > last) {
            return;
        }
        *self.kept.entry(found.place).or_default() += 1;
        self.first.push(found);
        let mut before = 0;
        self.last = self.kept.iter().find_map(|(place, n)| {
            before += n;
            (before > limit).then_some(*place)
        });
    }
}

impl Gathered for Tally<'_> {
    fn join(&mut self, other: Self) {
        for (place, (open, waived)) in other.counts {
            let mine = self.counts.entry(place).or_default();
            *mine = (mine.0 + open, mine.1 + waived);
        }
        self.first.extend(other.first);
    }
}

/// Every gap that is wanted, counted; and of those after the cursor at least the first `limit` and one more.
fn find<'a>(context: &Context<'a>, wanted: &Wanted, after: Option<(usize, &str)>, limit: usize) -> Tally<'a> {
    let seen = context.seen;
    let world = seen.reading(context.on).world;
    let mut by_kind: BTreeMap<usize, Vec<(usize, GapRegister, &'static Rule)>> = BTreeMap::new();
    for (place, (register, rule)) in rules().enumerate().filter(|(_, (register, rule))| wanted.rule(*register, rule)) {
        if let Some(kind) = world.catalogue().index_of(rule.look.kind()) {
            by_kind.entry(kind).or_default().push((place, register, rule));
        }
    }
    let mut all = Tally::default();
    for (kind, rules) in by_kind {
        all.join(gather_any(seen, world.table(kind), |tally: &mut Tally<'a>, record| {
            let id = record.meta().id;
            if wanted.record.is_some_and(|r| r != id) || !wanted.scopes.iter().all(|s| world.is_in_scope(id, *s)) {
                return;
            }
            for (place, register, rule) in &rules {
                let Some(words) = rule.look.at(context, record.as_ref()) else {
                    continue;
                };
                let found = Found {
                    place: *place,
                    rule,
                    register: *register,
                    record,
                    words,
                    waiver: context.waiver(rule.code, id),
                };
                tally.count(&found);
                if wanted.lists(found.waiver.is_some()) && after.is_none_or(|a| found.key() > a) {
                    tally.keep(found, limit);
                }
            }
        }));
    }
    all
}

fn gaps(asked: &Asked) -> Result<GapsView, Problem> {
    let limit = limit(&asked.query)?;
    let wanted = Wanted::of(asked)?;
    let after = asked.query.get("cursor").map(cursor).transpose()?;
    let world = asked.seen.reading(asked.on).world;
    let context = Context::new(&asked.seen, asked.on, in_force(world));
    let Tally { counts, mut first, .. } = find(&context, &wanted, after, limit);
    let by_rule = |((register, rule), (gaps, waived)): ((GapRegister, &Rule), (usize, usize))| GapCount {
        rule: rule.code.to_owned(),
        severity: rule.severity,
        register,
        gaps,
        waived,
    };
    let by_rule: Vec<GapCount> = rules()
        .enumerate()
        .filter_map(|(place, rule)| Some(by_rule((rule, *counts.get(&place)?))))
        .collect();
    let (open, waived) = by_rule.iter().fold((0, 0), |(o, w), c| (o + c.gaps, w + c.waived));
    if first.len() > limit + 1 {
        first.select_nth_unstable_by(limit, |a, b| a.key().cmp(&b.key()));
        first.truncate(limit + 1);
    }
    first.sort_by(|a, b| a.key().cmp(&b.key()));
    let more = first.len() > limit;
    first.truncate(limit);
    let last = first.last().filter(|_| more);
    Ok(GapsView {
        on: asked.on,
        journal_seq: asked.seen.seq(),
        settings: used(world),
        total: if wanted.lists(false) { open } else { 0 } + if wanted.lists(true) { waived } else { 0 },
        waived,
        by_rule,
        next_cursor: last.map(|f| format!("{}:{}", f.rule.code, f.record.meta().reference)),
        items: first.iter().map(|f| f.gap(asked)).collect(),
    })
}

/// The codes of what the boards' rules find on each board, on its terms, its lines and its seats.
pub(super) type OfBoards = BTreeMap<Uuid, std::collections::BTreeSet<&'static str>>;

/// What every board lacks and nobody has waived, for who draws them.
pub(super) fn of_boards(asked: &Asked) -> OfBoards {
    let world = asked.seen.reading(asked.on).world;
    let context = Context::new(&asked.seen, asked.on, in_force(world));
    let is_drawn = |kind: &str| ["board", "board_edge", "membership", "terms_of_reference"].contains(&kind);
    let mut of_boards = OfBoards::new();
    for (_, rule) in rules().filter(|(register, rule)| *register == GapRegister::Boards && is_drawn(rule.look.kind())) {
        let table = world.catalogue().index_of(rule.look.kind()).and_then(|kind| world.table(kind));
        for record in table.into_iter().flat_map(|t| t.rows()) {
            let meta = record.meta();
            let is_live = meta.withdrawn_at.is_none() && asked.seen.may_see(meta.id);
            if is_live && rule.look.at(&context, record.as_ref()).is_some() && context.waiver(rule.code, meta.id).is_none() {
                for id in record.place().within.into_iter().chain([meta.id]) {
                    of_boards.entry(id).or_default().insert(rule.code);
                }
            }
        }
    }
    of_boards
}

/// Where a page begins: after a rule's gap on a record.
fn cursor(text: &str) -> Result<(usize, &str), Problem> {
    let parts = text.split_once(':');
    let found = parts.and_then(|(code, reference)| Some((rules().position(|(_, r)| r.code == code)?, reference)));
    found.ok_or_else(|| invalid("cursor", "must be the next_cursor of the page before"))
}

fn all_rules(_: &Asked) -> Result<GapRules, Problem> {
    let rule = |(register, rule): (GapRegister, &Rule)| GapRule {
        code: rule.code.to_owned(),
        severity: rule.severity,
        register,
        kind: rule.look.kind().to_owned(),
        checks: rule.checks.to_owned(),
        why: rule.why.to_owned(),
        remedy: rule.remedy.to_owned(),
        answers: rule.answers.iter().map(|&a| a.to_owned()).collect(),
    };
    Ok(GapRules {
        items: rules().map(rule).collect(),
    })
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    vec![
        operation("/api/v1/gaps", "listGaps", Subject::PlanItem, gaps)
            .takes([
                limit_parameter("Gaps"),
                query("cursor", "`next_cursor` of the page before.", json!({ "type": "string", "maxLength": 200 })),
                some_of("rule", "Only what these rules found.", &codes()),
                some_of("severity", "Only gaps that weigh this much.", &severities()),
                some_of("register", "Only gaps in these registers.", &registers()),
                query(
                    "waived",
                    "Whether waived gaps are listed: not (`false`), too (`true`), or they alone (`only`).",
                    json!({ "type": "string", "enum": ["false", "true", "only"], "default": "false" }),
                ),
                id_query("record_id", "Only gaps on this record."),
                id_query("unit_id", "Only gaps on what this unit owns, or a unit below it."),
                id_query("board_id", "Only gaps on this board and what belongs to it."),
            ])
            .says(
                "Views",
                "What is missing",
                "Every gap that a rule finds: the record, the reason, the remedy. `by_rule` counts all that were asked for, on all pages, open and waived. A gap is waived by POST /api/v1/gap-waivers, until a day; a waiver that the caller may not see waives nothing here. The rules stand at `/api/v1/gap-rules`.",
            ),
        operation("/api/v1/gap-rules", "listGapRules", Subject::PlanItem, all_rules).says(
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
    use crate::registers::catalogue;

    #[test]
    fn codes_are_stable_words_each_used_once_on_a_kind_that_exists() {
        let codes = codes();
        for (n, (register, rule)) in rules().enumerate() {
            assert!(!codes[..n].contains(&rule.code), "{} twice", rule.code);
            let known = crate::registers::gaps::gap_code(rule.code);
            assert_eq!(known, Some((register, rule.look.kind())), "{} in registers/gaps", rule.code);
            assert!(rule.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", rule.code);
            assert!(
                catalogue().named(rule.look.kind()).is_some(),
                "{}: no kind {}",
                rule.code,
                rule.look.kind()
            );
            for words in [rule.checks, rule.why, rule.remedy] {
                assert!(words.ends_with('.') && words.len() <= 300, "{}: {words}", rule.code);
            }
        }
        let known: usize = GAP_CODES.iter().map(|(_, _, codes)| codes.len()).sum();
        assert_eq!(known, codes.len(), "a code in registers/gaps has no rule");
    }
}
