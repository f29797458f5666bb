//! Contradictions: what is claimed, what is verified and what the service computes, side by side,
//! wherever the three differ (Q3).
//!
//! Claims are not facts. Nothing here decides who is right. A row names the record, the three
//! statements, and what contradicts the claim.

mod assertions;
mod assurance;
mod boards;
mod facts;
mod papers;
mod performance;
mod plan;
mod risk;
mod rule;
mod strategy;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use self::rule::{Clash, Context, Said};
use super::RecordName;
use super::findings::{
    Finding, FindingReason, FindingSeverity, Folded, Found, KeptFindings, Listed, OpenFinding,
    Rules, ToldFinding,
};
use super::request::{Asked, View, operation};
use super::status::Named;
use crate::http::operation::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{Assertion, Recommendation};
use crate::registers::gaps::GapRegister;
use crate::registers::organisation::Post;
use crate::registers::papers::Paper;
use crate::registers::settings::{SettingsUsed, used};
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Resource, Text};

/// All rules, by register, in the order in which they are listed.
const RULES: Rules<Clash> = Rules(&[
    (GapRegister::Strategy, strategy::RULES),
    (GapRegister::Plan, plan::RULES),
    (GapRegister::Boards, boards::RULES),
    (GapRegister::Assurance, assurance::RULES),
    (GapRegister::Assurance, assertions::RULES),
    (GapRegister::Risk, risk::RULES),
    (GapRegister::Performance, performance::RULES),
    (GapRegister::Papers, papers::RULES),
]);

/// Most records named as contradicting a claim.
const MOST_AGAINST: usize = 20;

/// One of the three statements about a record.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContradictionStatement {
    /// The statement as a code.
    pub code: Text<100>,
    /// The statement in words.
    pub words: Text<8000>,
    /// Post that made the statement, or the post or board that approved it; null if this is not
    /// recorded or not visible to the caller.
    pub by: Option<Named>,
    /// Date on which the statement was made; null if not recorded.
    pub on: Option<NaiveDate>,
}

/// A record for which the three statements differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contradiction {
    /// Code of the rule that found it. The rule says which statements of which records are
    /// compared.
    pub rule: Text<60>,
    /// How serious it is.
    pub severity: FindingSeverity,
    /// Why it has this severity.
    #[schema(max_items = 10)]
    pub reasons: Vec<FindingReason>,
    /// Where it belongs in the registers.
    pub register: GapRegister,
    /// Record that it was found on.
    pub record: RecordName,
    /// How the statements differ.
    pub reason: Text<300>,
    /// When it began: the change or the start of the day since which the rule finds it.
    pub since: DateTime<Utc>,
    /// What is claimed or declared.
    pub claimed: ContradictionStatement,
    /// What was found by those who check it: audit, the board or an approver. Null if nobody checks
    /// such records.
    pub verified: Option<ContradictionStatement>,
    /// What follows from the records. Null if only a verification contradicts the claim.
    pub computed: Option<ContradictionStatement>,
    /// Records that contradict the claim; the first 20.
    #[schema(max_items = 20)]
    pub against: Vec<RecordName>,
    /// What would resolve it.
    pub remedy: Text<300>,
}

/// Number of contradictions found by one rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContradictionCount {
    /// Code of the rule.
    pub rule: Text<60>,
    /// Severity of the rule.
    pub severity: FindingSeverity,
    /// Register that they belong to.
    pub register: GapRegister,
    /// Number found.
    #[schema(minimum = 0)]
    pub contradictions: usize,
}

/// A page of contradictions, with counts for everything that matches the filters.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContradictionsView {
    /// Date they are calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Settings used to find them.
    pub settings: SettingsUsed,
    /// Number on all pages.
    #[schema(minimum = 0)]
    pub total: usize,
    /// Number by rule; only rules that found something.
    #[schema(max_items = 500)]
    pub by_rule: Vec<ContradictionCount>,
    /// Contradictions, ordered by register, rule and reference.
    #[schema(max_items = 200)]
    pub items: Vec<Contradiction>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<Text<200>>,
}

impl View for ContradictionsView {
    fn fields(&self) -> Vec<Field> {
        fields_of::<Contradiction>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

fn statement(seen: &VisibleWorld, said: Said) -> ContradictionStatement {
    let named = |id: Uuid| {
        if let Some(post) = seen.get::<Post>(id) {
            return Some(Named::new(&post.meta, &post.data.title));
        }
        let of = RecordName::of(seen, seen.any(id)?);
        Some(Named {
            id: of.id,
            reference: of.reference,
            title: of.title,
        })
    };
    ContradictionStatement {
        code: Text::cut(said.code),
        words: Text::cut(said.words),
        by: said.by.and_then(named),
        on: said.on,
    }
}

/// Puts a finding into words.
fn told(found: Found<'_, Clash>, context: &Context<'_>) -> Option<Contradiction> {
    let (seen, clash) = (context.seen, found.finding?);
    let named = |id: &Uuid| seen.any(*id).map(|r| RecordName::of(seen, r));
    Some(Contradiction {
        rule: Text::cut(found.rule.code),
        severity: found.severity,
        reasons: found.reasons,
        register: found.register,
        record: RecordName::of(seen, found.record),
        reason: Text::cut(found.rule.checks),
        since: found.since,
        claimed: statement(seen, clash.claimed),
        verified: clash.verified.map(|s| statement(seen, s)),
        computed: clash.computed.map(|s| statement(seen, s)),
        against: clash
            .against
            .iter()
            .filter_map(named)
            .take(MOST_AGAINST)
            .collect(),
        remedy: Text::cut(found.rule.remedy),
    })
}

pub(super) fn contradictions(
    asked: &Asked,
    kept: &KeptFindings,
) -> Result<ContradictionsView, Problem> {
    let context = context(asked);
    let page = RULES.page(
        asked,
        (&context, kept),
        |_| Listed {
            open: true,
            waived: false,
            folded: false,
        },
        |found| told(found, &context),
    )?;
    Ok(ContradictionsView {
        on: asked.on,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        total: page.total,
        by_rule: page
            .by_rule
            .iter()
            .map(|c| ContradictionCount {
                rule: Text::cut(c.rule.code),
                severity: c.rule.severity,
                register: c.register,
                contradictions: c.open,
            })
            .collect(),
        items: page.items.into_iter().flatten().collect(),
        next_cursor: page.next_cursor.map(Text::known),
    })
}

/// What the rules may use for an answer.
pub(super) fn context(asked: &Asked) -> Context<'_> {
    Clash::context(&asked.seen, asked.on)
}

/// The contradictions, for the attention list.
pub(super) fn folded<'a>(
    asked: &'a Asked,
    context: &Context<'_>,
    kept: &'a KeptFindings,
) -> Folded<'a, Clash> {
    RULES.folded(asked, (context, kept), None)
}

/// Kinds of record that state something for which another record may be named as proof.
const CLAIMS: [&str; 3] = [Recommendation::KIND, Assertion::KIND, Paper::KIND];

/// The contradictions. Those on claims have the records that contradict them.
pub(super) fn open_findings(context: &Context<'_>, folded: &Folded<'_, Clash>) -> Vec<OpenFinding> {
    RULES.open_findings(folded, |rule, record| {
        let is_claim = CLAIMS.contains(&rule.check.kind());
        let found = is_claim.then(|| rule.check.find(context, record.as_ref()));
        found.flatten().map_or_else(Vec::new, |clash| clash.against)
    })
}

/// The contradictions that are wanted, in words.
pub(super) fn told_findings(
    asked: &Asked,
    with: (&Context<'_>, &Folded<'_, Clash>),
    wanted: &HashSet<(&str, Uuid)>,
) -> Result<Vec<ToldFinding>, Problem> {
    let told = RULES.told(
        asked,
        with,
        |rule, record| wanted.contains(&(rule.code, record)),
        |found| {
            let (claimed, against) = found.finding.as_ref().map(|clash| {
                let computed = clash.computed.as_ref().or(clash.verified.as_ref());
                (
                    clash.claimed.words.clone(),
                    computed.map(|s| s.words.clone()),
                )
            })?;
            let checks = found.rule.checks.trim_end_matches('.');
            Some(ToldFinding {
                code: found.rule.code,
                record: found.record.meta().id,
                what: match against {
                    Some(against) => format!("{checks}: {claimed}; but {against}"),
                    None => format!("{checks}: {claimed}"),
                },
                since: found.since,
                why: found.rule.why,
                remedy: found.rule.remedy,
                severity: found.severity,
                reasons: found.reasons,
                also: found.also,
                parts: None,
            })
        },
    )?;
    Ok(told.into_iter().flatten().collect())
}

/// The operations of this view.
pub fn operations(kept: &Arc<KeptFindings>) -> Vec<Operation> {
    let kept = Arc::clone(kept);
    let list = move |asked: &Asked| contradictions(asked, &kept);
    vec![
        operation(
            "/api/v1/contradictions",
            "listContradictions",
            Subject::PlanItem,
            list,
        )
        .takes(RULES.parameters("Contradictions", []))
        .says(
            "Views",
            "List contradictions",
            "Returns every record for which claim, verification and computation differ: what is \
                claimed, by whom and when; what was found by those who check it; what follows \
                from the records; and the records that contradict the claim. `by_rule` counts \
                everything that matches the filters, on all pages. The rules are at \
                `/api/v1/contradiction-rules`.",
        ),
        operation(
            "/api/v1/contradiction-rules",
            "listContradictionRules",
            Subject::PlanItem,
            |_| Ok(RULES.described()),
        )
        .says(
            "Views",
            "List the rules that find contradictions",
            "Returns, for each rule, which statements it compares, why that matters, what would \
                resolve a contradiction, and which complaint of the Audit Panel papers of 2017 \
                and 2020 it answers.",
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
