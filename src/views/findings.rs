//! What rules find automatically: tables of rules, a check of each record on all cores, filters,
//! counts and pages. A view that has rules says what one of them finds (a [`Finding`]), what it may
//! use, and how a finding is put into words.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::gathering::{Gathered, gather_any};
use super::request::{Asked, View, id_of, some_of, words};
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::problem::{Problem, one_of};
use crate::registers::gaps::GapRegister;
use crate::world::collation::reference_key;
use crate::world::fields::{Field, fields_of};
use crate::world::record::{BY_REFERENCE, word};
use crate::world::{AnyRecord, Key, Rec, Resource, Text};

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

    /// Whether a rule's finding on a record is waived. A waived finding is still found, and is
    /// counted separately.
    fn is_waived(_: &Self::Context<'_>, _rule: &str, _record: Uuid) -> bool {
        false
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

/// A rule with its position among all rules, and its register.
type Placed<F> = (usize, GapRegister, &'static Rule<F>);

/// A record on which a rule found something.
pub struct Found<'a, F: Finding> {
    /// Position of the rule among all rules.
    place: usize,
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    pub record: &'a Arc<dyn AnyRecord>,
    pub finding: F,
    pub is_waived: bool,
}

impl<F: Finding> Found<'_, F> {
    fn key(&self) -> (usize, Key) {
        (self.place, self.record.key(BY_REFERENCE))
    }
}

/// Number of findings of one rule.
pub struct Count<F: Finding> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    /// Number not waived.
    pub open: usize,
    pub waived: usize,
}

/// A page of findings, with counts for everything that matches the filters.
pub struct Page<'a, F: Finding> {
    /// Number on all pages.
    pub total: usize,
    /// Only rules that found something.
    pub by_rule: Vec<Count<F>>,
    pub items: Vec<Found<'a, F>>,
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

/// Findings in one part of the records: all of them counted, and those that may be on the page.
struct Tally<'a, F: Finding> {
    /// Open and waived, by the position of the rule.
    counts: BTreeMap<usize, (usize, usize)>,
    /// Findings after the cursor: at least as many as were asked for, in no order, and no more than
    /// twice as many.
    first: Vec<Found<'a, F>>,
    /// The last rule that can still have findings on the page, once that is known.
    last: Option<usize>,
}

impl<F: Finding> Default for Tally<'_, F> {
    fn default() -> Self {
        Self {
            counts: BTreeMap::new(),
            first: Vec::new(),
            last: None,
        }
    }
}

impl<F: Finding> Gathered for Tally<'_, F> {
    fn join(&mut self, other: Self) {
        for (place, (open, waived)) in other.counts {
            let mine = self.counts.entry(place).or_default();
            *mine = (mine.0 + open, mine.1 + waived);
        }
        self.first.extend(other.first);
    }
}

impl<'a, F: Finding> Tally<'a, F> {
    fn count(&mut self, found: &Found<'_, F>) {
        let (open, waived) = self.counts.entry(found.place).or_default();
        *(if found.is_waived { waived } else { open }) += 1;
    }

    /// Keeps a finding, unless it is known not to be among the first `most`.
    fn keep(&mut self, found: Found<'a, F>, most: usize) {
        if self.last.is_some_and(|last| found.place > last) {
            return;
        }
        self.first.push(found);
        // A cut takes as long as there are findings, so it is made only when their number has
        // doubled. On average that is constant for each finding.
        if self.first.len() >= 2 * most {
            self.cut(most);
        }
    }

    /// Drops all but the first `most`.
    fn cut(&mut self, most: usize) {
        if self.first.len() > most {
            let (_, nth, _) = self
                .first
                .select_nth_unstable_by(most - 1, |a, b| a.key().cmp(&b.key()));
            // Findings of later rules come after all of these. Those of the same rule may come
            // before, and are sorted out by the next cut.
            self.last = Some(nth.place);
            self.first.truncate(most);
        }
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

    /// Collects on all cores, in no order, the findings of the wanted rules on the matching
    /// records, with one pass over the records of each kind.
    pub fn find<'a, T: Gathered>(
        &self,
        asked: &'a Asked,
        context: &F::Context<'_>,
        is_wanted: impl Fn(GapRegister, &Rule<F>) -> bool,
        fits: impl Fn(Uuid) -> bool + Sync,
        add: impl Fn(&mut T, Found<'a, F>) + Sync,
    ) -> T {
        let world = asked.seen.reading(asked.on).world;
        let mut by_kind: BTreeMap<usize, Vec<Placed<F>>> = BTreeMap::new();
        for (place, (register, rule)) in self
            .all()
            .enumerate()
            .filter(|(_, (g, r))| is_wanted(*g, r))
        {
            if let Some(kind) = world.catalogue().index_of(rule.check.kind()) {
                by_kind
                    .entry(kind)
                    .or_default()
                    .push((place, register, rule));
            }
        }
        let mut all = T::default();
        for (kind, rules) in by_kind {
            all.join(gather_any(
                &asked.seen,
                world.table(kind),
                |gathered: &mut T, record| {
                    let id = record.meta().id;
                    if !fits(id) {
                        return;
                    }
                    for (place, register, rule) in &rules {
                        if let Some(finding) = rule.check.find(context, record.as_ref()) {
                            let found = Found {
                                place: *place,
                                rule,
                                register: *register,
                                record,
                                finding,
                                is_waived: F::is_waived(context, rule.code, id),
                            };
                            add(gathered, found);
                        }
                    }
                },
            ));
        }
        all
    }

    /// The page asked for, ordered by register, rule and reference. `lists` says whether waived
    /// findings, or those not waived, are on it.
    ///
    /// # Errors
    /// 400 for an invalid parameter.
    pub fn page<'a>(
        &self,
        asked: &'a Asked,
        context: &F::Context<'_>,
        lists: impl Fn(bool) -> bool + Sync,
    ) -> Result<Page<'a, F>, Problem> {
        let limit = asked.limit()?;
        let wanted = self.wanted(asked)?;
        let after = asked.cursor().map(|c| self.cursor(c)).transpose()?;
        let world = asked.seen.reading(asked.on).world;
        // One more than the page holds, to tell whether there is another page.
        let most = limit + 1;
        let mut tally: Tally<'a, F> = self.find(
            asked,
            context,
            |register, rule| wanted.has(register, rule),
            |id| {
                wanted.record.is_none_or(|r| r == id)
                    && wanted.scopes.iter().all(|s| world.is_in_scope(id, *s))
            },
            |tally: &mut Tally<'a, F>, found| {
                tally.count(&found);
                if lists(found.is_waived)
                    && after
                        .as_ref()
                        .is_none_or(|(place, key)| found.key() > (*place, key.clone()))
                {
                    tally.keep(found, most);
                }
            },
        );
        tally.cut(most);
        let Tally {
            counts,
            first: mut items,
            ..
        } = tally;
        items.sort_by(|a, b| a.key().cmp(&b.key()));
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        // A code and a reference rather than positions, because positions change while someone
        // reads on.
        let next_cursor = last.map(|f| format!("{}:{}", f.rule.code, f.record.meta().reference));
        let count = |(place, (register, rule))| {
            let (open, waived) = *counts.get(&place)?;
            Some(Count {
                rule,
                register,
                open,
                waived,
            })
        };
        let by_rule: Vec<Count<F>> = self.all().enumerate().filter_map(count).collect();
        let listed = |c: &Count<F>| if lists(false) { c.open } else { 0 } + if lists(true) { c.waived } else { 0 };
        Ok(Page {
            total: by_rule.iter().map(listed).sum(),
            by_rule,
            items,
            next_cursor,
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
    fn cursor(&self, text: &str) -> Result<(usize, Key), Problem> {
        let parts = text.split_once(':');
        let found = parts.and_then(|(code, reference)| {
            Some((
                self.all().position(|(_, r)| r.code == code)?,
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
