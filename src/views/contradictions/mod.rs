//! Contradictions: what is claimed, what is verified and what the service computes, side by side, wherever the three do not say the same (Q3).
//!
//! Claims are not facts. Nothing here decides who is right; a row names the record, the three statements, and what speaks against the claim.

mod assurance;
mod boards;
mod performance;
mod plan;
mod risk;
mod strategy;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::findings::{self, Finding, Found, GapSeverity, Rules};
use super::request::{Asked, View, operation};
use super::rows::flatten;
use super::status::Named;
use super::wait_graph::worked_plans;
use crate::http::operation::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::RecommendationVerification;
use crate::registers::gaps::GapRegister;
use crate::registers::organisation::Post;
use crate::registers::settings::{SettingSet, SettingsUsed, in_force, used};
use crate::world::IdSet;
use crate::world::record::word;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::Seen;

/// Every rule, by register, in the order in which they are shown.
const RULES: Rules<Clash> = Rules(&[
    (GapRegister::Strategy, strategy::RULES),
    (GapRegister::Plan, plan::RULES),
    (GapRegister::Boards, boards::RULES),
    (GapRegister::Assurance, assurance::RULES),
    (GapRegister::Risk, risk::RULES),
    (GapRegister::Performance, performance::RULES),
]);

/// What a rule may look at beside the record itself.
pub struct Context<'a> {
    pub seen: &'a Seen,
    /// The day to judge by.
    pub on: NaiveDate,
    pub settings: &'a SettingSet,
    planned: IdSet,
}

impl Context<'_> {
    /// Whether a plan is still worked to.
    pub fn is_planned(&self, plan: Uuid) -> bool {
        self.planned.contains(&plan)
    }
}

impl Finding for Clash {
    type Context<'a> = Context<'a>;
}

/// Looks at every live record of a kind.
type Each<R> = findings::Each<R, Clash>;

/// A rule: which statements it compares.
type Rule = findings::Rule<Clash>;

/// At most so many records are named that speak against a claim.
const MOST_AGAINST: usize = 20;

/// One of the three statements, as a rule finds it.
pub struct Said {
    code: String,
    words: String,
    by: Option<Uuid>,
    on: Option<NaiveDate>,
}

impl Said {
    /// A statement: its code, and the same in words.
    pub fn new(code: impl Into<String>, words: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            words: words.into(),
            by: None,
            on: None,
        }
    }

    /// Said by this post, or approved by this post or board.
    pub fn by(mut self, by: Option<Uuid>) -> Self {
        self.by = by;
        self
    }

    /// Said on this day.
    pub fn on(mut self, day: Option<NaiveDate>) -> Self {
        self.on = day;
        self
    }
}

/// What audit has found of a recommendation's claim.
pub fn audit(found: RecommendationVerification) -> Said {
    let words = match found {
        RecommendationVerification::None => "audit has verified nothing: no claim stands",
        RecommendationVerification::Submitted => "audit has not said anything of the claim",
        RecommendationVerification::Verified => "audit has confirmed it",
        RecommendationVerification::Rejected => "audit has rejected the claim",
    };
    Said::new(word(&found), words)
}

/// What a rule finds.
pub struct Clash {
    claimed: Said,
    verified: Option<Said>,
    computed: Option<Said>,
    against: Vec<Uuid>,
}

impl Clash {
    /// What is claimed, against nothing yet.
    pub fn of(claimed: Said) -> Self {
        Self {
            claimed,
            verified: None,
            computed: None,
            against: Vec::new(),
        }
    }

    /// What whoever is to check it found.
    pub fn verified(mut self, said: Said) -> Self {
        self.verified = Some(said);
        self
    }

    /// What follows from the records.
    pub fn computed(mut self, said: Said) -> Self {
        self.computed = Some(said);
        self
    }

    /// The records that speak against it.
    pub fn against(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.against.extend(ids);
        self
    }
}

/// One of three statements about a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statement {
    /// What it says, as a code.
    #[schema(max_length = 100)]
    pub code: String,
    /// What it says, in words.
    #[schema(max_length = 8000)]
    pub words: String,
    /// The post that says so, or the post or board that approved it; null where that is not on record or the caller may not know of it.
    pub by: Option<Named>,
    /// The day on which it was said; null where that is not on record.
    pub on: Option<NaiveDate>,
}

/// A record of which the three do not say the same.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contradiction {
    /// The code of the rule that found it: which statements of which records are compared.
    #[schema(max_length = 60)]
    pub rule: String,
    /// How much it weighs.
    pub severity: GapSeverity,
    /// Where it belongs.
    pub register: GapRegister,
    /// The record that it was found on.
    pub record: RecordName,
    /// What does not fit together.
    #[schema(max_length = 300)]
    pub reason: String,
    /// What is claimed or declared.
    pub claimed: Statement,
    /// What whoever is to check it found: audit, the board, an approver. Null where nobody checks such a thing.
    pub verified: Option<Statement>,
    /// What follows from the records. Null where the claim is contradicted by a verification alone.
    pub computed: Option<Statement>,
    /// The records that speak against the claim, the first 20.
    #[schema(max_items = 20)]
    pub against: Vec<RecordName>,
    /// What would settle it.
    #[schema(max_length = 300)]
    pub remedy: String,
}

/// How many contradictions one rule found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContradictionCount {
    /// The rule's code.
    #[schema(max_length = 60)]
    pub rule: String,
    /// How much each weighs.
    pub severity: GapSeverity,
    /// Where they belong.
    pub register: GapRegister,
    /// How many it found.
    #[schema(minimum = 0)]
    pub contradictions: usize,
}

/// Contradictions, a page at a time, with the counts of all that were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContradictionsView {
    /// The day they are judged by.
    pub on: NaiveDate,
    /// Number of the journal entry up to which they look.
    pub journal_seq: i64,
    /// The settings that they are judged by.
    pub settings: SettingsUsed,
    /// How many there are on all pages.
    #[schema(minimum = 0)]
    pub total: usize,
    /// How many by rule, rules that found something alone.
    #[schema(max_items = 500)]
    pub by_rule: Vec<ContradictionCount>,
    /// The contradictions: by register, rule and reference.
    #[schema(max_items = 200)]
    pub items: Vec<Contradiction>,
    /// Where the next page begins; null on the last.
    #[schema(max_length = 200)]
    pub next_cursor: Option<String>,
}

impl View for ContradictionsView {
    fn rows(&self) -> Vec<Map<String, Value>> {
        let flat = |c: &Contradiction| {
            // Every row has the same columns in the same order, whichever statements there are.
            let mut cells = Map::new();
            for (name, value) in [
                ("rule", json!(c.rule)),
                ("severity", json!(c.severity)),
                ("register", json!(c.register)),
            ] {
                cells.insert(name.into(), value);
            }
            flatten(&mut cells, "record", json!(c.record));
            cells.insert("reason".into(), json!(c.reason));
            let statements = [
                ("claimed", Some(&c.claimed)),
                ("verified", c.verified.as_ref()),
                ("computed", c.computed.as_ref()),
            ];
            for (name, statement) in statements {
                let by = statement.and_then(|s| s.by.as_ref());
                for (part, value) in [
                    ("code", json!(statement.map(|s| &s.code))),
                    ("words", json!(statement.map(|s| &s.words))),
                    ("by.id", json!(by.map(|b| b.id))),
                    ("by.reference", json!(by.map(|b| &b.reference))),
                    ("by.name", json!(by.map(|b| &b.name))),
                    ("on", json!(statement.and_then(|s| s.on))),
                ] {
                    cells.insert(format!("{name}.{part}"), value);
                }
            }
            let against: Vec<&str> = c.against.iter().map(|r| r.reference.as_str()).collect();
            cells.insert("against".into(), json!(against));
            cells.insert("remedy".into(), json!(c.remedy));
            cells
        };
        self.items.iter().map(flat).collect()
    }
}

fn statement(seen: &Seen, said: Said) -> Statement {
    let named = |id: Uuid| {
        if let Some(post) = seen.get::<Post>(id) {
            return Some(Named::new(&post.meta, &post.data.title));
        }
        let of = RecordName::of(seen, seen.any(id)?);
        Some(Named {
            id: of.id,
            reference: of.reference,
            name: of.name,
        })
    };
    Statement {
        code: said.code,
        words: said.words,
        by: said.by.and_then(named),
        on: said.on,
    }
}

/// Puts what was found into words.
fn told(found: Found<'_, Clash>, context: &Context<'_>) -> Contradiction {
    let (seen, clash) = (context.seen, found.finding);
    let named = |id: &Uuid| seen.any(*id).map(|r| RecordName::of(seen, r));
    Contradiction {
        rule: found.rule.code.to_owned(),
        severity: found.rule.severity,
        register: found.register,
        record: RecordName::of(seen, found.record),
        reason: found.rule.checks.to_owned(),
        claimed: statement(seen, clash.claimed),
        verified: clash.verified.map(|s| statement(seen, s)),
        computed: clash.computed.map(|s| statement(seen, s)),
        against: clash
            .against
            .iter()
            .filter_map(named)
            .take(MOST_AGAINST)
            .collect(),
        remedy: found.rule.remedy.to_owned(),
    }
}

fn contradictions(asked: &Asked) -> Result<ContradictionsView, Problem> {
    let world = asked.seen.reading(asked.on).world;
    let context = Context {
        seen: &asked.seen,
        on: asked.on,
        settings: in_force(world),
        planned: worked_plans(&asked.seen),
    };
    let page = RULES.page(asked, &context, |_| true)?;
    Ok(ContradictionsView {
        on: asked.on,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        total: page.total,
        by_rule: page
            .by_rule
            .iter()
            .map(|c| ContradictionCount {
                rule: c.rule.code.to_owned(),
                severity: c.rule.severity,
                register: c.register,
                contradictions: c.open,
            })
            .collect(),
        items: page.items.into_iter().map(|f| told(f, &context)).collect(),
        next_cursor: page.next_cursor,
    })
}

/// The operations of this view.
pub fn operations() -> Vec<Operation> {
    vec![
        operation("/api/v1/contradictions", "listContradictions", Subject::PlanItem, contradictions)
            .takes(RULES.parameters("Contradictions", []))
            .says(
                "Views",
                "Where claim, verification and computation differ",
                "Every record of which the three do not say the same: what is claimed, by whom and when; what whoever is to check it found; what follows from the records; and the records that speak against the claim. `by_rule` counts all that were asked for, on all pages. The rules stand at `/api/v1/contradiction-rules`.",
            ),
        operation(
            "/api/v1/contradiction-rules",
            "listContradictionRules",
            Subject::PlanItem,
            |_| Ok(RULES.told()),
        )
        .says(
            "Views",
            "The rules that find contradictions",
            "Which statements each rule compares, why that matters, what would settle it, and which complaint of the Audit Panel papers of 2017 and 2020 it answers.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ContradictionsView>(schemas);
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_are_sound() {
        super::RULES.check();
    }
}
