//! What rules find automatically: tables of rules, a check of each record on all cores, filters,
//! counts and pages. A view that has rules says what one of them finds (a [`Finding`]), what it may
//! use, and how a finding is put into words.
//!
//! Which rule finds something on which record is kept by part ([`super::kept`]). The finding itself
//! is made again for the records on the page.

use std::collections::{BTreeMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::NaiveDate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::kept::{Kept, Made, Part, Rows};
use super::request::{Asked, View, id_of, some_of, words};
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::problem::{Problem, one_of};
use crate::registers::gaps::GapRegister;
use crate::registers::settings::{SettingSet, in_force};
use crate::views::wait_graph::worked_plans;
use crate::world::collation::reference_key;
use crate::world::fields::{Field, fields_of};
use crate::world::record::{BY_REFERENCE, word};
use crate::world::visible::Visibility;
use crate::world::{AnyRecord, IdSet, Key, Rec, Resource, Text};

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

/// What a view's rules find on a record.
pub trait Finding: Send + Sized + 'static {
    /// What a rule may use in addition to the record itself. Rules read it from several threads.
    type Context<'a>: Sync;

    /// Findings that are waived: the record, and the code of the rule. A waived finding is still
    /// found, and is counted separately.
    fn waived(_: &Self::Context<'_>) -> Vec<(Uuid, &'static str)> {
        Vec::new()
    }
}

/// What findings depend on besides the world: what they are kept under.
#[derive(PartialEq)]
pub struct Basis {
    pub on: NaiveDate,
    visibility: Visibility,
    settings: SettingSet,
    /// Plans that are still being worked to.
    pub planned: IdSet,
}

impl Basis {
    /// The basis of what is asked for.
    pub fn of(asked: &Asked) -> Self {
        Self {
            on: asked.on,
            visibility: asked.seen.visibility().clone(),
            settings: in_force(asked.seen.reading(asked.on).world).clone(),
            planned: worked_plans(&asked.seen, asked.on),
        }
    }
}

/// What the rules of a view found, by part.
pub type KeptFindings = Kept<Basis, Findings>;

/// A finding in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Mark {
    /// Position of the rule among all rules.
    rule: u16,
    /// Place of the record in the part.
    row: u16,
}

/// What rules found in one part, by rule and reference.
#[derive(Default)]
pub struct Findings(Vec<Mark>);

impl Made for Findings {
    fn finish(&mut self, rows: &Rows) {
        let ranks = rows.ranks();
        self.0
            .sort_unstable_by_key(|mark| (mark.rule, ranks.get(usize::from(mark.row)).copied()));
        self.0.shrink_to_fit();
    }
}

/// Checks records of one kind.
pub trait Check<F: Finding>: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// What it finds on the record, if anything.
    fn find(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<F>;
}

/// Checks every live record of a kind.
pub struct Each<R: Resource, F: Finding> {
    check: fn(&F::Context<'_>, &Rec<R>) -> Option<F>,
    of: PhantomData<fn(R)>,
}

impl<R: Resource, F: Finding> Each<R, F> {
    /// A check of each record.
    #[must_use]
    pub const fn new(check: fn(&F::Context<'_>, &Rec<R>) -> Option<F>) -> Self {
        Self {
            check,
            of: PhantomData,
        }
    }
}

impl<R: Resource, F: Finding> Check<F> for Each<R, F> {
    fn kind(&self) -> &'static str {
        R::KIND
    }
    fn find(&self, context: &F::Context<'_>, record: &dyn AnyRecord) -> Option<F> {
        (self.check)(context, record.as_any().downcast_ref()?)
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

/// A rule, for readers of its findings.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingRule {
    /// Its stable code.
    pub code: Text<60>,
    /// How serious its findings are.
    pub severity: FindingSeverity,
    /// Where it belongs in the registers.
    pub register: GapRegister,
    /// Kind of record that it checks.
    pub kind: Text<60>,
    /// What is wrong, or does not agree, when the rule finds something.
    pub checks: Text<300>,
    /// Why it matters.
    pub why: Text<300>,
    /// How to put it right.
    pub remedy: Text<300>,
    /// Complaints in the Audit Panel papers of 2017 and 2020 that it answers; empty if it is only
    /// good practice.
    #[schema(max_items = 10)]
    pub answers: Vec<Text<200>>,
}

/// All rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingRules {
    /// The rules, by register.
    #[schema(max_items = 500)]
    pub items: Vec<FindingRule>,
}

impl View for FindingRules {
    fn fields(&self) -> Vec<Field> {
        fields_of::<FindingRule>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// Rules by register, in the order in which they are listed.
pub struct Rules<F: Finding>(pub &'static [(GapRegister, &'static [Rule<F>])]);

/// A rule with its register.
type Placed<F> = (GapRegister, &'static Rule<F>);

/// A record on which a rule found something.
pub struct Found<'a, F: Finding> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    pub record: &'a Arc<dyn AnyRecord>,
    pub finding: F,
}

/// Number of findings of one rule.
pub struct Count<F: Finding> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    /// Number not waived.
    pub open: usize,
    pub waived: usize,
}

/// A page of findings in words, with counts for everything that matches the filters.
pub struct Page<F: Finding, T> {
    /// Number on all pages.
    pub total: usize,
    /// Only rules that found something.
    pub by_rule: Vec<Count<F>>,
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// The filters; an empty list means no filter.
struct Wanted {
    rules: Vec<String>,
    severities: Vec<String>,
    registers: Vec<String>,
    record: Option<Uuid>,
    scopes: Vec<Uuid>,
}

impl Wanted {
    fn has<F: Finding>(&self, register: GapRegister, rule: &Rule<F>) -> bool {
        let has = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w == word);
        has(&self.rules, rule.code)
            && has(&self.severities, &word(&rule.severity))
            && has(&self.registers, &word(&register))
    }
}

/// The waived findings of a part. They are few, and not kept: a waiver changes nothing that is.
struct Waived(HashSet<Mark>);

impl Waived {
    fn of<F: Finding>(
        part: &Part<Findings>,
        waived: &[(Uuid, &'static str)],
        all: &[Placed<F>],
    ) -> Self {
        let mark = |(record, code): &(Uuid, &'static str)| {
            let row = u16::try_from(part.rows.place(*record)?).ok()?;
            let rule = all.iter().position(|(_, rule)| rule.code == *code)?;
            let rule = u16::try_from(rule).ok()?;
            Some(Mark { rule, row })
        };
        Self(waived.iter().filter_map(mark).collect())
    }

    fn has(&self, mark: &Mark) -> bool {
        !self.0.is_empty() && self.0.contains(mark)
    }
}

/// What is wanted of one part.
struct Wants {
    waived: Waived,
    /// Which of its records match the filters; empty if all do.
    fits: Vec<bool>,
    /// Open and waived findings, by the position of the rule.
    counts: BTreeMap<u16, (usize, usize)>,
}

impl Wants {
    fn fits(&self, mark: &Mark) -> bool {
        self.fits.is_empty() || self.fits.get(usize::from(mark.row)) == Some(&true)
    }
}

impl<F: Finding> Rules<F> {
    /// Every rule with its register.
    pub fn all(&self) -> impl Iterator<Item = (GapRegister, &'static Rule<F>)> + use<F> {
        self.0
            .iter()
            .flat_map(|(register, rules)| rules.iter().map(|r| (*register, r)))
    }

    /// The rule with this code.
    pub fn named(&self, code: &str) -> Option<&'static Rule<F>> {
        self.all().find(|(_, r)| r.code == code).map(|(_, r)| r)
    }

    fn codes(&self) -> Vec<String> {
        self.all().map(|(_, r)| r.code.to_owned()).collect()
    }

    fn registers(&self) -> Vec<String> {
        let mut registers: Vec<String> = self.0.iter().map(|(r, _)| word(r)).collect();
        registers.dedup();
        registers
    }

    /// The parameters for filtering and paging, with the view's own parameters.
    pub fn parameters(&self, what: &str, own: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let low = what.to_lowercase();
        let mut parameters = vec![
            limit_parameter(what),
            query(
                "cursor",
                "`next_cursor` of the previous page.",
                json!({ "type": "string", "maxLength": 200 }),
            ),
            some_of("rule", "Only findings of these rules.", &self.codes()),
            some_of(
                "severity",
                &format!("Only {low} of these severities."),
                &severities(),
            ),
            some_of(
                "register",
                &format!("Only {low} in these registers."),
                &self.registers(),
            ),
        ];
        parameters.extend(own);
        parameters.extend([
            id_query("record_id", &format!("Only {low} on this record.")),
            id_query(
                "unit_id",
                &format!("Only {low} on records owned by this unit or a unit below it."),
            ),
            id_query(
                "board_id",
                &format!("Only {low} on this board and records that belong to it."),
            ),
        ]);
        parameters
    }

    fn wanted(&self, asked: &Asked) -> Result<Wanted, Problem> {
        let some = |name: &str, known: Vec<String>| -> Result<Vec<String>, Problem> {
            let given: Vec<String> = words(asked, name)?;
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            match given.iter().find(|g| !known.contains(&g.as_str())) {
                Some(other) => Err(invalid(name, &one_of(other, &known))),
                None => Ok(given),
            }
        };
        let scopes = [id_of(asked, "unit_id")?, id_of(asked, "board_id")?];
        Ok(Wanted {
            rules: some("rule", self.codes())?,
            severities: some("severity", severities())?,
            registers: some("register", self.registers())?,
            record: id_of(asked, "record_id")?,
            scopes: scopes.into_iter().flatten().collect(),
        })
    }

    /// The wanted rules by the kind that they check, with their positions.
    fn by_kind(
        &self,
        asked: &Asked,
        is_wanted: impl Fn(GapRegister, &Rule<F>) -> bool,
    ) -> BTreeMap<usize, Vec<(u16, &'static Rule<F>)>> {
        let catalogue = asked.seen.reading(asked.on).world.catalogue();
        let mut by_kind: BTreeMap<usize, Vec<(u16, &'static Rule<F>)>> = BTreeMap::new();
        for (at, (register, rule)) in (0..).zip(self.all()) {
            let kind = catalogue.index_of(rule.check.kind());
            if let Some(kind) = kind.filter(|_| is_wanted(register, rule)) {
                by_kind.entry(kind).or_default().push((at, rule));
            }
        }
        by_kind
    }

    /// What all rules find on the records of each kind that a wanted rule checks, by part.
    fn find(
        &self,
        asked: &Asked,
        (context, kept): (&F::Context<'_>, &KeptFindings),
        is_wanted: impl Fn(GapRegister, &Rule<F>) -> bool,
    ) -> Vec<Arc<Part<Findings>>> {
        let kinds: Vec<usize> = self.by_kind(asked, is_wanted).into_keys().collect();
        let rules = self.by_kind(asked, |_, _| true);
        kept.of(
            &asked.seen,
            Basis::of(asked),
            &kinds,
            |findings, row, record| {
                for (at, rule) in rules.get(&record.meta().kind()).into_iter().flatten() {
                    if rule.check.find(context, record.as_ref()).is_some() {
                        findings.0.push(Mark { rule: *at, row });
                    }
                }
            },
        )
    }

    /// Every record on which one of the wanted rules finds something that is not waived, in no
    /// particular order.
    pub fn open(
        &self,
        asked: &Asked,
        with: (&F::Context<'_>, &KeptFindings),
        is_wanted: impl Fn(GapRegister, &Rule<F>) -> bool,
        mut add: impl FnMut(&'static Rule<F>, &Arc<dyn AnyRecord>),
    ) {
        let all: Vec<Placed<F>> = self.all().collect();
        let waived = F::waived(with.0);
        for part in &self.find(asked, with, &is_wanted) {
            let waived = Waived::of(part, &waived, &all);
            for mark in part.made.0.iter().filter(|mark| !waived.has(mark)) {
                let rule = all.get(usize::from(mark.rule));
                let rule = rule.filter(|(register, rule)| is_wanted(*register, rule));
                if let Some(((_, rule), record)) = rule.zip(part.rows.at(mark.row)) {
                    add(rule, record);
                }
            }
        }
    }

    /// The page asked for, ordered by register, rule and reference, each finding put into words by
    /// `tell`. `lists` says whether waived findings, or those not waived, are on it.
    ///
    /// # Errors
    /// 400 for an invalid parameter.
    pub fn page<T: Send>(
        &self,
        asked: &Asked,
        (context, kept): (&F::Context<'_>, &KeptFindings),
        lists: impl Fn(bool) -> bool + Sync,
        tell: impl Fn(Found<'_, F>) -> T + Sync,
    ) -> Result<Page<F, T>, Problem> {
        let limit = asked.limit()?;
        let wanted = self.wanted(asked)?;
        let after = asked.cursor().map(|c| self.cursor(c)).transpose()?;
        let world = asked.seen.reading(asked.on).world;
        let fits = |record: &Arc<dyn AnyRecord>| {
            let id = record.meta().id;
            wanted.record.is_none_or(|r| r == id)
                && wanted.scopes.iter().all(|s| world.is_in_scope(id, *s))
        };
        let all: Vec<Placed<F>> = self.all().collect();
        let waived = F::waived(context);
        let rules: Vec<bool> = all.iter().map(|(g, r)| wanted.has(*g, r)).collect();
        let parts = self.find(asked, (context, kept), |g, r| wanted.has(g, r));
        let wants = |part: &Arc<Part<Findings>>| {
            let mut wants = Wants {
                waived: Waived::of(part, &waived, &all),
                fits: match wanted.record.is_none() && wanted.scopes.is_empty() {
                    true => Vec::new(),
                    false => part.rows.records.iter().map(fits).collect(),
                },
                counts: BTreeMap::new(),
            };
            for found in part.made.0.chunk_by(|a, b| a.rule == b.rule) {
                let rule = found.first().map_or(0, |mark| mark.rule);
                let found = || found.iter().filter(|mark| wants.fits(mark));
                let waived = found().filter(|mark| wants.waived.has(mark)).count();
                let open = found().count() - waived;
                if rules.get(usize::from(rule)) == Some(&true) && open + waived > 0 {
                    wants.counts.insert(rule, (open, waived));
                }
            }
            wants
        };
        let wants: Vec<Wants> = parts.par_iter().map(wants).collect();
        let mut counts: BTreeMap<u16, (usize, usize)> = BTreeMap::new();
        for (rule, (open, waived)) in wants.iter().flat_map(|w| &w.counts) {
            let all = counts.entry(*rule).or_default();
            *all = (all.0 + open, all.1 + waived);
        }
        // One more than the page holds, to tell whether there is another page.
        let most = limit.saturating_add(1);
        let mut places: Vec<(u16, &Arc<dyn AnyRecord>)> = Vec::new();
        for rule in counts.keys() {
            let left = most - places.len();
            let is_after = |record: &Arc<dyn AnyRecord>| {
                after
                    .as_ref()
                    .is_none_or(|(last, key)| (*rule, &record.key(BY_REFERENCE)) > (*last, key))
            };
            let mut first: Vec<&Arc<dyn AnyRecord>> = Vec::new();
            for (part, wants) in parts.iter().zip(&wants) {
                if !wants.counts.contains_key(rule) {
                    continue;
                }
                let marks = &part.made.0;
                let from = marks.partition_point(|mark| mark.rule < *rule);
                let found = marks
                    .iter()
                    .skip(from)
                    .take_while(|mark| mark.rule == *rule);
                let listed = found.filter(|mark| wants.fits(mark) && lists(wants.waived.has(mark)));
                let records = listed.filter_map(|mark| part.rows.at(mark.row));
                // They are in the order of the page, so no more than these of a part can be on it.
                first.extend(records.filter(|record| is_after(record)).take(left));
            }
            first.sort_by_cached_key(|record| record.key(BY_REFERENCE));
            first.truncate(left);
            places.extend(first.into_iter().map(|record| (*rule, record)));
            if places.len() == most {
                break;
            }
        }
        let more = places.len() > limit;
        places.truncate(limit);
        let found = |(rule, record): &(u16, &Arc<dyn AnyRecord>)| {
            let (register, rule) = *all.get(usize::from(*rule))?;
            let finding = rule.check.find(context, record.as_ref())?;
            Some(tell(Found {
                rule,
                register,
                record,
                finding,
            }))
        };
        // A code and a reference rather than positions, because positions change while someone
        // reads on.
        let last = places.last().filter(|_| more).and_then(|(rule, record)| {
            let (_, rule) = all.get(usize::from(*rule))?;
            Some(format!("{}:{}", rule.code, record.meta().reference))
        });
        let count = |(rule, (open, waived)): (&u16, &(usize, usize))| {
            let (register, rule) = *all.get(usize::from(*rule))?;
            Some(Count {
                rule,
                register,
                open: *open,
                waived: *waived,
            })
        };
        let by_rule: Vec<Count<F>> = counts.iter().filter_map(count).collect();
        let listed = |c: &Count<F>| if lists(false) { c.open } else { 0 } + if lists(true) { c.waived } else { 0 };
        Ok(Page {
            total: by_rule.iter().map(listed).sum(),
            by_rule,
            items: places.par_iter().filter_map(found).collect(),
            next_cursor: last,
        })
    }

    /// All rules, for readers of their findings.
    pub fn told(&self) -> FindingRules {
        let rule = |(register, rule): (GapRegister, &Rule<F>)| FindingRule {
            code: Text::cut(rule.code),
            severity: rule.severity,
            register,
            kind: Text::cut(rule.check.kind()),
            checks: Text::cut(rule.checks),
            why: Text::cut(rule.why),
            remedy: Text::cut(rule.remedy),
            answers: rule.answers.iter().map(|&a| Text::cut(a)).collect(),
        };
        FindingRules {
            items: self.all().map(rule).collect(),
        }
    }

    /// Where a page begins: after a rule's finding on a record.
    fn cursor(&self, text: &str) -> Result<(u16, Key), Problem> {
        let parts = text.split_once(':');
        let found = parts.and_then(|(code, reference)| {
            Some((
                u16::try_from(self.all().position(|(_, r)| r.code == code)?).ok()?,
                Key::Text(reference_key(reference)),
            ))
        });
        found.ok_or_else(|| invalid("cursor", "must be the next_cursor of the previous page"))
    }
}

fn severities() -> Vec<String> {
    FindingSeverity::VARIANTS.iter().map(word).collect()
}

#[cfg(test)]
impl<F: Finding> Rules<F> {
    /// Checks that codes are stable words, each used once and on a kind that exists, and that each
    /// rule's texts are sentences.
    pub fn check(&self) {
        use crate::lists::some;

        let catalogue = crate::registers::catalogue();
        let codes = self.codes();
        for (n, (_, rule)) in some(self.all().enumerate()) {
            let (code, kind) = (rule.code, rule.check.kind());
            assert!(
                codes.iter().position(|c| c == code) == Some(n),
                "{code} twice"
            );
            assert!(
                some(code.bytes()).all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{code}"
            );
            assert!(catalogue.named(kind).is_some(), "{code}: no kind {kind}");
            for words in [rule.checks, rule.why, rule.remedy] {
                assert!(
                    words.ends_with('.') && words.len() <= 300,
                    "{code}: {words}"
                );
            }
        }
    }
}
