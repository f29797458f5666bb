//! What rules find automatically: tables of rules, a check of each record on all cores, filters,
//! counts and pages. A view that has rules says what one of them finds (a [`Finding`]), what it may
//! use, and how a finding is put into words.
//!
//! Which rule finds something on which record is kept by part ([`super::kept`]). The finding itself
//! is made again for the records on the page.
//!
//! One fact is one finding. What follows from another finding, further details that one record lacks,
//! and a detail that several parts of one record lack are folded under one finding ([`folding`]).
//! Severity and rank follow from points ([`weight`]).

mod folding;
mod rule;
mod since;
mod weight;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use strum::VariantArray;
use utoipa::ToSchema;
use uuid::Uuid;

use super::kept::{Kept, Part, Parts};
use super::request::{Asked, View, id_of, some_of, words};
use folding::At;
pub use folding::{FindingName, Findings, Fits, Folded, FoldedFindings, Listed};
use rule::Placed;
pub use rule::{Cause, Check, Each, Finding, FindingSeverity, Nature, Rule};
use since::Beginnings;
use weight::RecordWeight;
pub use weight::{FindingReason, WeightReason};

use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::problem::{Problem, one_of};
use crate::registers::gaps::GapRegister;
use crate::registers::settings::{SettingSet, in_force};
use crate::world::collation::reference_key;
use crate::world::fields::{Field, fields_of};
use crate::world::record::word;
use crate::world::visible::Visibility;
use crate::world::{AnyRecord, Key, Text};

/// What findings depend on besides the world: what they are kept under.
#[derive(PartialEq)]
pub struct Basis {
    pub on: NaiveDate,
    visibility: Visibility,
    settings: SettingSet,
}

impl Basis {
    /// The basis of what is asked for.
    pub fn of(asked: &Asked) -> Self {
        Self {
            on: asked.on,
            visibility: asked.seen.visibility().clone(),
            settings: in_force(asked.seen.reading(asked.on).world).clone(),
        }
    }
}

/// What the rules of a view found, by part, and when the findings began.
pub struct KeptFindings {
    parts: Kept<Basis, Findings>,
    beginnings: Beginnings,
}

impl KeptFindings {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(parts: &Arc<Parts>) -> Self {
        Self {
            parts: Kept::new(parts),
            beginnings: Beginnings::default(),
        }
    }
}

/// A rule, for readers of its findings.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingRule {
    /// Its stable code.
    pub code: Text<60>,
    /// How serious its findings are on an ordinary record that is not late.
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
    /// Rules that its findings may follow from. Such a finding is folded under its cause.
    #[schema(max_items = 20)]
    pub follows_from: Vec<Text<60>>,
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

/// A finding on the page.
pub struct Found<'a, F: Finding> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    /// The record on which the rule found something, or the record several parts of which it found
    /// something on.
    pub record: &'a Arc<dyn AnyRecord>,
    /// What it found; none if it was found on parts of the record.
    pub finding: Option<F>,
    /// Number of parts of the record on which it was found, if it was found on several.
    pub parts: Option<usize>,
    /// When it began.
    pub since: DateTime<Utc>,
    pub severity: FindingSeverity,
    /// Why it has this severity and rank.
    pub reasons: Vec<FindingReason>,
    /// Findings folded under it.
    pub also: FoldedFindings,
    /// The finding that it is folded under itself.
    pub follows_from: Option<FindingName>,
}

/// An open finding, for a list that several views share.
pub struct OpenFinding {
    /// Code of the rule.
    pub code: &'static str,
    /// Position of the rule among all rules of its view.
    pub rule: u16,
    pub record: Arc<dyn AnyRecord>,
    pub points: i64,
    /// Records that contradict it, if it is a claim.
    pub against: Vec<Uuid>,
}

/// A finding in words, for a list that several views share.
pub struct ToldFinding {
    pub code: &'static str,
    pub record: Uuid,
    pub what: String,
    pub since: DateTime<Utc>,
    pub why: &'static str,
    pub remedy: &'static str,
    pub severity: FindingSeverity,
    pub reasons: Vec<FindingReason>,
    pub also: FoldedFindings,
    /// Kind of the parts that it was found on, if it was found on several parts of the record.
    pub parts: Option<&'static str>,
}

/// Number of findings of one rule.
pub struct Count<F: Finding> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    /// Number neither waived nor folded.
    pub open: usize,
    pub waived: usize,
    /// Number folded under others.
    pub folded: usize,
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
        has(&self.rules, rule.code) && has(&self.registers, &word(&register))
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
        let settings = in_force(asked.seen.reading(asked.on).world);
        let basis = Basis::of(asked);
        kept.parts
            .of(&asked.seen, basis, &kinds, |findings, row, record| {
                let record = record.as_ref();
                let rules = rules.get(&record.meta().kind()).into_iter().flatten();
                let mut found = rules
                    .filter(|(_, rule)| rule.found(context, record).is_some())
                    .peekable();
                if found.peek().is_none() {
                    return;
                }
                let weight = RecordWeight::new(&asked.seen, asked.on, settings, record);
                for (at, rule) in found {
                    let kind = (rule.severity, rule.check.nature());
                    let points = weight.points(&settings.attention, kind, F::CONTRADICTS);
                    let cause = self.cause(context, rule, record);
                    let is_detail = rule.check.nature() == Nature::Detail;
                    let whole = is_detail.then(|| rule.check.whole(context, record));
                    findings.add((*at, row), points, cause, whole);
                }
            })
    }

    /// The open finding that a finding of the rule on the record follows from.
    fn cause(
        &self,
        context: &F::Context<'_>,
        rule: &Rule<F>,
        record: &dyn AnyRecord,
    ) -> Option<(u16, Uuid)> {
        let seen = F::seen(context);
        let causes = rule.check.follows(context, record).into_iter();
        let mut causes = causes.filter(|cause| *cause != (rule.code, record.meta().id));
        causes.find_map(|(code, id)| {
            let place = self.all().position(|(_, rule)| rule.code == code)?;
            let (_, rule) = self.all().nth(place)?;
            let record = seen.any(id).filter(|r| seen.is_live(r.as_ref()))?;
            let is_kind = seen.kind_of(record) == rule.check.kind();
            let is_open = is_kind
                && rule.found(context, record.as_ref()).is_some()
                && !F::is_waived(context, (code, id));
            is_open.then_some((u16::try_from(place).ok()?, id))
        })
    }

    /// Every finding that is not waived, also those folded under others, in no particular order.
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
            for (rule, record) in folding::unwaived(part, &waived, &all) {
                if let Some((_, rule)) = all
                    .get(usize::from(rule))
                    .filter(|(register, rule)| is_wanted(*register, rule))
                {
                    add(rule, record);
                }
            }
        }
    }

    /// The folded findings on the records that fit, or on all records if `fits` is not given.
    pub fn folded<'a>(
        &self,
        asked: &'a Asked,
        with: (&F::Context<'_>, &'a KeptFindings),
        fits: Option<Fits<'_>>,
    ) -> Folded<'a, F> {
        let all: Vec<Placed<F>> = self.all().collect();
        let parts = self.find(asked, with, |_, _| true);
        let waived = F::waived(with.0);
        Folded::new(asked, (all, parts), (&waived, &with.1.beginnings), fits)
    }

    /// The open findings, for a list that several views share.
    pub fn open_findings(
        &self,
        folded: &Folded<'_, F>,
        against: impl Fn(&'static Rule<F>, &Arc<dyn AnyRecord>) -> Vec<Uuid>,
    ) -> Vec<OpenFinding> {
        let rows = folded.open_rows().into_iter();
        let open = rows.filter_map(|row| {
            let (_, rule) = folded.rule(row.rule)?;
            Some(OpenFinding {
                code: rule.code,
                rule: row.rule,
                record: Arc::clone(row.record),
                points: row.points,
                against: against(rule, row.record),
            })
        });
        open.collect()
    }

    /// Every open finding that is wanted, put into words by `tell`.
    pub fn told<T>(
        &self,
        asked: &Asked,
        (context, folded): (&F::Context<'_>, &Folded<'_, F>),
        is_wanted: impl Fn(&'static Rule<F>, Uuid) -> bool,
        tell: impl Fn(Found<'_, F>) -> T,
    ) -> Result<Vec<T>, Problem> {
        let mut rows = folded.open_rows();
        rows.retain(|row| {
            let rule = folded.rule(row.rule);
            rule.is_some_and(|(_, rule)| is_wanted(rule, row.record.meta().id))
        });
        let also = folded.also(&rows);
        let since = self.since(asked, (folded, &rows), &also)?;
        let found = rows
            .iter()
            .filter_map(|row| self.found_on(asked, context, (folded, row), (&also, &since)));
        Ok(found.map(tell).collect())
    }

    /// A finding as a row, with everything that is said of it.
    fn found_on<'r>(
        &self,
        asked: &Asked,
        context: &F::Context<'_>,
        (folded, row): (&Folded<'_, F>, &folding::Row<'r>),
        (also, since): (&HashMap<At, FoldedFindings>, &HashMap<At, DateTime<Utc>>),
    ) -> Option<Found<'r, F>> {
        let (register, rule) = folded.rule(row.rule)?;
        let at = (row.rule, row.record.meta().id);
        let finding = match row.parts {
            Some(_) => None,
            None => Some(rule.check.find(context, row.record.as_ref())?),
        };
        let settings = in_force(asked.seen.reading(asked.on).world);
        let weights = &settings.attention;
        let weight = RecordWeight::new(&asked.seen, asked.on, settings, row.record.as_ref());
        let kind = (rule.severity, rule.check.nature());
        let reasons = weight.reasons(weights, kind, F::CONTRADICTS);
        Some(Found {
            rule,
            register,
            record: row.record,
            finding,
            parts: row.parts,
            since: *since.get(&at)?,
            severity: row.severity,
            reasons,
            also: also.get(&at).cloned().unwrap_or_default(),
            follows_from: row.follows_from.and_then(|cause| folded.name(cause)),
        })
    }

    /// When the finding of each row began. One on several parts of a record began with the first of
    /// those that are named.
    fn since(
        &self,
        asked: &Asked,
        (folded, rows): (&Folded<'_, F>, &[folding::Row<'_>]),
        also: &HashMap<At, FoldedFindings>,
    ) -> Result<HashMap<At, DateTime<Utc>>, Problem> {
        let tops = rows.iter().filter_map(|row| {
            let (top, rule) = ((row.rule, row.record.meta().id), folded.rule(row.rule)?.1);
            let named = also.get(&top).filter(|_| row.parts.is_some()).into_iter();
            let parts = named.flat_map(|also| &also.items);
            let parts = parts.filter(|part| part.rule.as_str() == rule.code);
            let on: Vec<Uuid> = match row.parts {
                Some(_) => parts.map(|part| part.record.id).collect(),
                None => vec![top.1],
            };
            Some(on.into_iter().map(move |record| (top, rule, record)))
        });
        let found: Vec<(At, &Rule<F>, Uuid)> = tops.flatten().collect();
        let asked_for: Vec<(&Rule<F>, Uuid)> = found.iter().map(|(_, r, id)| (*r, *id)).collect();
        let mut since: HashMap<At, DateTime<Utc>> = HashMap::new();
        for ((top, ..), began) in found.iter().zip(folded.beginnings.of(asked, &asked_for)?) {
            let first = since.entry(*top).or_insert(began);
            *first = (*first).min(began);
        }
        Ok(since)
    }

    /// The page asked for, ordered by register, rule and reference, each finding put into words by
    /// `tell`. `lists` says which findings are on it, given whether the caller asks for single
    /// rules or a single record.
    ///
    /// # Errors
    /// 400 for an invalid parameter.
    pub fn page<T: Send>(
        &self,
        asked: &Asked,
        (context, kept): (&F::Context<'_>, &KeptFindings),
        lists: impl Fn(bool) -> Listed,
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
        let is_narrow = wanted.record.is_some() || !wanted.scopes.is_empty();
        let lists = lists(!wanted.rules.is_empty() || wanted.record.is_some());
        let fits: Fits<'_> = &fits;
        let folded = self.folded(asked, (context, kept), is_narrow.then_some(fits));
        let is_wanted = |register, rule: &Rule<F>| wanted.has(register, rule);
        let has_severity = |severity: FindingSeverity| {
            wanted.severities.is_empty() || wanted.severities.contains(&word(&severity))
        };
        let counts = folded.counts(is_wanted, has_severity);
        let (rows, more) = folded.rows((&counts, lists), has_severity, after, limit);
        let also = folded.also(&rows);
        // A code and a reference rather than positions, because positions change while someone
        // reads on.
        let next_cursor = rows.last().filter(|_| more).and_then(|row| {
            let (_, rule) = folded.rule(row.rule)?;
            Some(format!("{}:{}", rule.code, row.record.meta().reference))
        });
        let since = self.since(asked, (&folded, &rows), &also)?;
        let found = |row: &folding::Row<'_>| {
            self.found_on(asked, context, (&folded, row), (&also, &since))
                .map(&tell)
        };
        let by_rule: Vec<Count<F>> = counts
            .iter()
            .filter_map(|(rule, counted)| {
                let (register, rule) = folded.rule(*rule)?;
                Some(Count {
                    rule,
                    register,
                    open: counted.open,
                    waived: counted.waived,
                    folded: counted.folded,
                })
            })
            .collect();
        let listed = |c: &Count<F>| {
            let part = |is_listed: bool, n: usize| if is_listed { n } else { 0 };
            part(lists.open, c.open) + part(lists.waived, c.waived) + part(lists.folded, c.folded)
        };
        Ok(Page {
            total: by_rule.iter().map(listed).sum(),
            by_rule,
            items: rows.par_iter().filter_map(found).collect(),
            next_cursor,
        })
    }

    /// All rules, for readers of their findings.
    pub fn described(&self) -> FindingRules {
        let rule = |(register, rule): (GapRegister, &Rule<F>)| FindingRule {
            code: Text::cut(rule.code),
            severity: rule.severity,
            register,
            kind: Text::cut(rule.check.kind()),
            checks: Text::cut(rule.checks),
            why: Text::cut(rule.why),
            remedy: Text::cut(rule.remedy),
            answers: rule.answers.iter().map(|&a| Text::cut(a)).collect(),
            follows_from: rule.check.causes().into_iter().map(Text::cut).collect(),
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
    /// Whether findings of a rule may follow from those of another, directly or through others.
    fn leads(&self, from: &str, to: &str, depth: u8) -> bool {
        let causes = self.named(from).map_or_else(Vec::new, |r| r.check.causes());
        depth < 20
            && causes
                .iter()
                .any(|c| *c == to || (*c != from && self.leads(c, to, depth + 1)))
    }

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
            for cause in rule.check.causes() {
                assert!(self.named(cause).is_some(), "{code}: no rule {cause}");
                assert!(
                    cause == code || !self.leads(cause, code, 0),
                    "{code} and {cause} follow from each other"
                );
            }
            for words in [rule.checks, rule.why, rule.remedy] {
                assert!(
                    words.ends_with('.') && words.len() <= 300,
                    "{code}: {words}"
                );
            }
        }
    }
}
