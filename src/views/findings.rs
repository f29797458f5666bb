//! What rules find by themselves: tables of rules, one look at each record, filters and pages. A view that has rules says what one finds (`F`)
//! and how that is put into words.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::gaps::GapSeverity;
use super::{Asked, id_of, some_of};
use crate::http::operation::{id_query, query};
use crate::http::page::{limit, limit_parameter};
use crate::http::query::invalid;
use crate::problem::Problem;
use crate::registers::gaps::GapRegister;
use crate::registers::settings::SettingSet;
use crate::world::record::word;
use crate::world::seen::Seen;
use crate::world::{AnyRecord, Rec, Resource};

/// What a rule may look at beside the record itself.
pub struct Context<'a> {
    pub seen: &'a Seen,
    /// The day to judge by.
    pub on: NaiveDate,
    pub settings: &'a SettingSet,
}

/// Looks at records of one kind.
pub trait Look<F>: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// What it finds on the record, if anything.
    fn at(&self, context: &Context<'_>, record: &dyn AnyRecord) -> Option<F>;
}

/// Looks at every live record of a kind.
pub struct Each<R: Resource, F> {
    look: fn(&Context<'_>, &Rec<R>) -> Option<F>,
    of: PhantomData<fn(R)>,
}

impl<R: Resource, F> Each<R, F> {
    /// A look at each.
    #[must_use]
    pub const fn new(look: fn(&Context<'_>, &Rec<R>) -> Option<F>) -> Self {
        Self { look, of: PhantomData }
    }
}

impl<R: Resource, F> Look<F> for Each<R, F> {
    fn kind(&self) -> &'static str {
        R::KIND
    }
    fn at(&self, context: &Context<'_>, record: &dyn AnyRecord) -> Option<F> {
        (self.look)(context, record.as_any().downcast_ref()?)
    }
}

/// A rule: what it looks for, and why.
pub struct Rule<F: 'static> {
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
    pub look: &'static dyn Look<F>,
}

/// Rules by register, in the order in which they are shown.
pub struct Rules<F: 'static>(pub &'static [(GapRegister, &'static [Rule<F>])]);

/// A record that a rule found something on.
pub struct Found<'a, F: 'static> {
    place: usize,
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    pub record: &'a Arc<dyn AnyRecord>,
}

impl<F> Found<'_, F> {
    fn key(&self) -> (usize, &str) {
        (self.place, &self.record.meta().reference)
    }
}

/// A rule with its place among all, and its register.
type Placed<F> = (usize, GapRegister, &'static Rule<F>);

/// How much one rule found.
pub struct Count<F: 'static> {
    pub rule: &'static Rule<F>,
    pub register: GapRegister,
    pub found: usize,
}

/// A page of what was found, with the counts of all that was asked for.
pub struct Page<'a, F: 'static> {
    pub total: usize,
    pub by_rule: Vec<Count<F>>,
    pub items: Vec<Found<'a, F>>,
    pub next_cursor: Option<String>,
}

/// What is asked for.
struct Wanted<'a> {
    rules: Option<Vec<&'a str>>,
    severities: Option<Vec<&'a str>>,
    registers: Option<Vec<&'a str>>,
    record: Option<Uuid>,
    scopes: Vec<Uuid>,
}

impl<F> Rules<F> {
    /// Every rule with its register.
    pub fn all(&self) -> impl Iterator<Item = (GapRegister, &'static Rule<F>)> + use<F> {
        self.0.iter().flat_map(|(register, rules)| rules.iter().map(|r| (*register, r)))
    }

    fn codes(&self) -> Vec<String> {
        self.all().map(|(_, r)| r.code.to_owned()).collect()
    }

    fn registers(&self) -> Vec<String> {
        self.0.iter().map(|(r, _)| word(r)).collect()
    }

    /// The parameters by which a caller narrows and pages.
    pub fn parameters(&self, what: &str) -> Vec<Value> {
        let low = what.to_lowercase();
        vec![
            limit_parameter(what),
            query(
                "cursor",
                "`next_cursor` of the page before.",
                json!({ "type": "string", "maxLength": 200 }),
            ),
            some_of("rule", "Only what these rules found.", &self.codes()),
            some_of("severity", &format!("Only {low} that weigh this much."), &severities()),
            some_of("register", &format!("Only {low} in these registers."), &self.registers()),
            id_query("record_id", &format!("Only {low} on this record.")),
            id_query("unit_id", &format!("Only {low} on what this unit owns, or a unit below it.")),
            id_query("board_id", &format!("Only {low} on this board and what belongs to it.")),
        ]
    }

    fn wanted<'a>(&self, asked: &'a Asked) -> Result<Wanted<'a>, Problem> {
        let list = |name: &str, known: &[String]| -> Result<Option<Vec<&'a str>>, Problem> {
            let Some(text) = asked.query.get(name) else { return Ok(None) };
            let words: Vec<&str> = text.split(',').map(str::trim).collect();
            match words.iter().find(|w| !known.iter().any(|k| k == *w)) {
                Some(word) => Err(invalid(name, &format!("knows no `{word}`; it takes {}", known.join(", ")))),
                None => Ok(Some(words)),
            }
        };
        Ok(Wanted {
            rules: list("rule", &self.codes())?,
            severities: list("severity", &severities())?,
            registers: list("register", &self.registers())?,
            record: id_of(asked, "record_id")?,
            scopes: [id_of(asked, "unit_id")?, id_of(asked, "board_id")?]
                .into_iter()
                .flatten()
                .collect(),
        })
    }

    /// Every record that a wanted rule finds something on, in no order. One pass over the records of each kind.
    fn find<'a>(&self, asked: &'a Asked, context: &Context<'_>, wanted: &Wanted<'_>) -> Vec<Found<'a, F>> {
        let has = |list: &Option<Vec<&str>>, word: &str| list.as_ref().is_none_or(|l| l.contains(&word));
        let is_wanted = |register: GapRegister, rule: &Rule<F>| {
            has(&wanted.rules, rule.code) && has(&wanted.severities, &word(&rule.severity)) && has(&wanted.registers, &word(&register))
        };
        let world = asked.seen.reading(asked.on).world;
        let mut by_kind: BTreeMap<usize, Vec<Placed<F>>> = BTreeMap::new();
        for (place, (register, rule)) in self.all().enumerate().filter(|(_, (g, r))| is_wanted(*g, r)) {
            if let Some(kind) = world.catalogue().index_of(rule.look.kind()) {
                by_kind.entry(kind).or_default().push((place, register, rule));
            }
        }
        let mut found = Vec::new();
        for (kind, rules) in by_kind {
            let rows = world.table(kind).into_iter().flat_map(|t| t.rows());
            for record in rows.filter(|r| r.meta().withdrawn_at.is_none()) {
                let id = record.meta().id;
                let fits = || wanted.record.is_none_or(|r| r == id) && wanted.scopes.iter().all(|s| world.is_in_scope(id, *s));
                if !asked.seen.may_see(id) || !fits() {
                    continue;
                }
                // What is found is put into words for the page alone.
                let hits = rules.iter().filter(|(_, _, rule)| rule.look.at(context, record.as_ref()).is_some());
                found.extend(hits.map(|(place, register, rule)| Found {
                    place: *place,
                    rule,
                    register: *register,
                    record,
                }));
            }
        }
        found
    }

    /// The page that is asked for: by register, rule and reference.
    ///
    /// # Errors
    /// 400 for a parameter that is not understood.
    pub fn page<'a>(&self, asked: &'a Asked, context: &Context<'_>) -> Result<Page<'a, F>, Problem> {
        let limit = limit(&asked.query)?;
        let wanted = self.wanted(asked)?;
        let after = asked.query.get("cursor").map(|c| self.cursor(c)).transpose()?;
        let mut found = self.find(asked, context, &wanted);
        let mut counts: BTreeMap<usize, Count<F>> = BTreeMap::new();
        for f in &found {
            let count = counts.entry(f.place).or_insert(Count {
                rule: f.rule,
                register: f.register,
                found: 0,
            });
            count.found += 1;
        }
        let total = found.len();
        found.retain(|f| after.is_none_or(|a| f.key() > a));
        if found.len() > limit + 1 {
            found.select_nth_unstable_by(limit, |a, b| a.key().cmp(&b.key()));
            found.truncate(limit + 1);
        }
        found.sort_by(|a, b| a.key().cmp(&b.key()));
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more);
        Ok(Page {
            total,
            by_rule: counts.into_values().collect(),
            next_cursor: last.map(|f| format!("{}:{}", f.rule.code, f.record.meta().reference)),
            items: found,
        })
    }

    /// Where a page begins: after what a rule found on a record.
    fn cursor<'c>(&self, text: &'c str) -> Result<(usize, &'c str), Problem> {
        let parts = text.split_once(':');
        let found = parts.and_then(|(code, reference)| Some((self.all().position(|(_, r)| r.code == code)?, reference)));
        found.ok_or_else(|| invalid("cursor", "must be the next_cursor of the page before"))
    }
}

fn severities() -> Vec<String> {
    [GapSeverity::High, GapSeverity::Medium, GapSeverity::Low]
        .map(|s| word(&s))
        .to_vec()
}
