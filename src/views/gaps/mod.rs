//! Gaps: what should be there but is not, found by rules that run automatically. A gap names the
//! record, the reason and the remedy.
//!
//! Each register's rules are kept in tables in their own file. A rule checks every live record of
//! one kind that is visible to the caller. To add a rule, add its entry, its code in
//! [`crate::registers::gaps`] and its entry in the table of tests. A rule asks the [`Context`]
//! about other records. The context works out once what would otherwise be searched for each
//! record.
//!
//! A waived gap is still found, but does not count as open.

mod assurance;
mod boards;
mod causes;
mod communications;
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

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rule::{Context, Missing, Rule};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::RecordName;
use super::findings::{
    Cause, Finding, FindingName, FindingReason, FindingRules, FindingSeverity, Folded,
    FoldedFindings, Found, KeptFindings, Listed, OpenFinding, Rules, ToldFinding,
};
use super::request::{Asked, View, operation, words};
use crate::http::operation::Operation;
use crate::http::parameters::{query, schema_ref};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::gaps::{GapRegister, GapWaiver};
use crate::registers::settings::{SettingsUsed, in_force, used};
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Text};

/// All rules, by register, in the order in which they are listed.
static RULES: Rules<Missing> = Rules(&[
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

impl Finding for Missing {
    type Context<'a> = Context<'a>;
    const CONTRADICTS: bool = false;

    fn context(seen: &VisibleWorld, on: NaiveDate) -> Context<'_> {
        Context::new(seen, on, in_force(seen.reading(on).world), &RULES)
    }

    fn seen<'c>(context: &'c Context<'_>) -> &'c VisibleWorld {
        context.seen
    }

    fn is_waived(context: &Context<'_>, (rule, record): Cause) -> bool {
        context.waiver(rule, record).is_some()
    }

    fn waived(context: &Context<'_>) -> Vec<Cause> {
        let waivers = context.seen.live::<GapWaiver>();
        let in_force = waivers.filter(|w| context.is_active(*w));
        let waived = |w: &Rec<GapWaiver>| {
            let rule = context.rules.named(&w.data.rule)?;
            Some((rule.code, w.data.record_id.uuid()))
        };
        in_force.filter_map(waived).collect()
    }
}

/// Something that should be there but is not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gap {
    /// Code of the rule that found it. With the id of the record, it stays the same from day to day.
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
    /// What is wrong.
    pub reason: Text<4000>,
    /// When it began: the change or the start of the day since which the rule finds it.
    pub since: DateTime<Utc>,
    /// How to put it right.
    pub remedy: Text<300>,
    /// Gaps folded under it.
    pub also: FoldedFindings,
    /// The gap that it is folded under; null if it is listed on its own.
    pub follows_from: Option<FindingName>,
    /// Waiver of the gap; null if the gap is not waived.
    pub waiver: Option<GapWaiverInForce>,
}

/// The waiver of a gap.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapWaiverInForce {
    /// Id of the waiver.
    pub id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Why the gap does not count.
    pub reason: Text<2000>,
    /// Date on which the waiver was granted.
    pub granted_on: NaiveDate,
    /// Last day of the waiver.
    pub expires_on: NaiveDate,
}

/// Number of gaps found by one rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapCount {
    /// Code of the rule.
    pub rule: Text<60>,
    /// Severity of the rule.
    pub severity: FindingSeverity,
    /// Register that they belong to.
    pub register: GapRegister,
    /// Number of open gaps found, not counting those folded under others.
    #[schema(minimum = 0)]
    pub gaps: usize,
    /// Number of waived gaps found.
    #[schema(minimum = 0)]
    pub waived: usize,
    /// Number of open gaps folded under others.
    #[schema(minimum = 0)]
    pub folded: usize,
}

/// A gap that a paper shows.
pub struct ShownGap {
    pub severity: FindingSeverity,
    /// What is wrong; none if the rule no longer finds anything.
    pub reason: Option<String>,
    pub remedy: &'static str,
}

/// What a rule finds on a record; none if there is no such rule.
#[must_use]
pub fn gap_on(
    seen: &VisibleWorld,
    on: chrono::NaiveDate,
    code: &str,
    record: Uuid,
) -> Option<ShownGap> {
    let rule = RULES.named(code)?;
    let context = Missing::context(seen, on);
    let found = seen
        .any(record)
        .filter(|r| seen.is_live(r.as_ref()) && seen.kind_of(r) == rule.check.kind())
        .and_then(|r| rule.found(&context, r.as_ref()));
    Some(ShownGap {
        severity: rule.severity,
        reason: found.map(|missing| missing.reason(rule)),
        remedy: rule.remedy,
    })
}

/// A page of gaps, with counts for everything that matches the filters.
#[derive(Debug, Serialize, ToSchema)]
pub struct GapsView {
    /// Date they are calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Settings used to find them.
    pub settings: SettingsUsed,
    /// Number of gaps on all pages, as `waived` and `folded` say which are listed.
    #[schema(minimum = 0)]
    pub total: usize,
    /// Number of waived gaps that match the filters, whether or not they are listed.
    #[schema(minimum = 0)]
    pub waived: usize,
    /// Number of open gaps that match the filters and are folded under others.
    #[schema(minimum = 0)]
    pub folded: usize,
    /// Number of open, folded and waived gaps by rule; only rules that found something.
    #[schema(max_items = 500)]
    pub by_rule: Vec<GapCount>,
    /// Gaps, ordered by register, rule and reference.
    #[schema(max_items = 200)]
    pub items: Vec<Gap>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<Text<200>>,
}

impl View for GapsView {
    fn fields(&self) -> Vec<Field> {
        fields_of::<Gap>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// Puts a finding into words.
fn gap(found: Found<'_, Missing>, context: &Context<'_>) -> Gap {
    let rule = found.rule;
    let waiver = context.waiver(rule.code, found.record.meta().id);
    Gap {
        rule: Text::cut(rule.code),
        severity: found.severity,
        reasons: found.reasons,
        register: found.register,
        record: RecordName::of(context.seen, found.record),
        reason: Text::cut(reason(found.finding.as_ref(), rule, found.parts)),
        since: found.since,
        remedy: Text::cut(rule.remedy),
        also: found.also,
        follows_from: found.follows_from,
        waiver: waiver.map(|w| GapWaiverInForce {
            id: w.meta.id,
            reference: (&w.meta.reference).into(),
            reason: (&w.data.reason).into(),
            granted_on: w.data.granted_on,
            expires_on: w.data.expires_on,
        }),
    }
}

/// What is wrong, in words.
fn reason(finding: Option<&Missing>, rule: &Rule, parts: Option<usize>) -> String {
    match (finding, parts) {
        (Some(missing), _) => missing.reason(rule),
        (None, parts) => format!(
            "{} ({} records)",
            rule.checks.trim_end_matches('.'),
            parts.unwrap_or_default()
        ),
    }
}

/// Whether waived or folded gaps are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum GapListing {
    /// They are left out.
    #[strum(message = "false")]
    False,
    /// They are listed with the others.
    #[strum(message = "true")]
    True,
    /// Nothing else is listed.
    Only,
}

impl GapListing {
    fn of(asked: &Asked, name: &str) -> Result<Option<Self>, Problem> {
        match words(asked, name)?.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(invalid(name, "must be one of false, true, only")),
        }
    }
}

/// Which gaps are listed.
fn lists(waived: Option<GapListing>, folded: Option<GapListing>, is_single: bool) -> Listed {
    use GapListing as Too;
    let waived = waived.unwrap_or(Too::False);
    // Who asks for a rule or a record by name wants to see what was found there.
    let folded = folded.unwrap_or(if is_single { Too::True } else { Too::False });
    Listed {
        open: waived != Too::Only && folded != Too::Only,
        waived: waived != Too::False && folded != Too::Only,
        folded: folded != Too::False && waived != Too::Only,
    }
}

pub(super) fn gaps(asked: &Asked, kept: &KeptFindings) -> Result<GapsView, Problem> {
    let waived = GapListing::of(asked, "waived")?;
    let folded = GapListing::of(asked, "folded")?;
    let context = context(asked);
    let page = RULES.page(
        asked,
        (&context, kept),
        |is_single| lists(waived, folded, is_single),
        |found| gap(found, &context),
    )?;
    let count = |c: &super::findings::Count<Missing>| GapCount {
        rule: Text::cut(c.rule.code),
        severity: c.rule.severity,
        register: c.register,
        gaps: c.open,
        waived: c.waived,
        folded: c.folded,
    };
    Ok(GapsView {
        on: asked.on,
        journal_seq: asked.seen.seq(),
        settings: used(&asked.seen),
        total: page.total,
        waived: page.by_rule.iter().map(|c| c.waived).sum(),
        folded: page.by_rule.iter().map(|c| c.folded).sum(),
        by_rule: page.by_rule.iter().map(count).collect(),
        items: page.items,
        next_cursor: page.next_cursor.map(Text::known),
    })
}

/// What the rules may use for an answer.
pub(super) fn context(asked: &Asked) -> Context<'_> {
    Missing::context(&asked.seen, asked.on)
}

/// The gaps, folded, for the attention list.
pub(super) fn folded<'a>(
    asked: &'a Asked,
    context: &Context<'_>,
    kept: &'a KeptFindings,
) -> Folded<'a, Missing> {
    RULES.folded(asked, (context, kept), None)
}

/// The open gaps.
pub(super) fn open_findings(folded: &Folded<'_, Missing>) -> Vec<OpenFinding> {
    RULES.open_findings(folded, |_, _| Vec::new())
}

/// The open gaps that are wanted, in words.
pub(super) fn told_findings(
    asked: &Asked,
    with: (&Context<'_>, &Folded<'_, Missing>),
    wanted: &HashSet<(&str, Uuid)>,
) -> Result<Vec<ToldFinding>, Problem> {
    RULES.told(
        asked,
        with,
        |rule, record| wanted.contains(&(rule.code, record)),
        |found| ToldFinding {
            code: found.rule.code,
            record: found.record.meta().id,
            what: reason(found.finding.as_ref(), found.rule, found.parts),
            since: found.since,
            why: found.rule.why,
            remedy: found.rule.remedy,
            severity: found.severity,
            reasons: found.reasons,
            also: found.also,
            parts: found.parts.map(|_| found.rule.check.kind()),
        },
    )
}

/// Codes of the findings on each board, including its terms of reference, relationships and seats.
pub(super) type OfBoards = BTreeMap<Uuid, BTreeSet<&'static str>>;

/// Every board's gaps that are not waived, for the organogram.
pub(super) fn of_boards(asked: &Asked, kept: &KeptFindings) -> OfBoards {
    let context = context(asked);
    let is_drawn = |register, rule: &Rule| {
        register == GapRegister::Boards
            && [
                "board",
                "board_relationship",
                "membership",
                "terms_of_reference",
            ]
            .contains(&rule.check.kind())
    };
    let mut of_boards = OfBoards::new();
    RULES.open(asked, (&context, kept), is_drawn, |rule, record| {
        let within = record.place().within.into_iter();
        for id in within.chain([record.meta().id]) {
            of_boards.entry(id).or_default().insert(rule.code);
        }
    });
    of_boards
}

/// The operations of this view.
pub fn operations(kept: &Arc<KeptFindings>) -> Vec<Operation> {
    let kept = Arc::clone(kept);
    let list = move |asked: &Asked| gaps(asked, &kept);
    vec![
        operation("/api/v1/gaps", "listGaps", Subject::PlanItem, list)
            .takes(RULES.parameters(
                "Gaps",
                [
                    query(
                        "waived",
                        "Whether waived gaps are listed. Defaults to `false`.",
                        schema_ref("GapListing"),
                    ),
                    query(
                        "folded",
                        "Whether gaps folded under others are listed. Defaults to `true` with `rule` \
                            or `record_id`, otherwise to `false`.",
                        schema_ref("GapListing"),
                    ),
                ],
            ))
            .says(
                "Views",
                "List gaps",
                "Returns every gap that a rule finds, with the record, the reason and the remedy. One \
                    fact is one gap: what follows from it, further details that the record lacks, \
                    and a detail that three or more of its parts lack are in `also`. `by_rule` \
                    counts all gaps that match the filters, on all pages. POST /api/v1/gap-waivers waives a gap until a date. A waiver that is \
                    not visible to the caller has no effect here. The rules are at \
                    `/api/v1/gap-rules`.",
            ),
        operation("/api/v1/gap-rules", "listGapRules", Subject::PlanItem, |_| Ok(RULES.described())).says(
            "Views",
            "List the rules that find gaps",
            "Returns, for each rule, what it checks, why it matters, how to put a gap right, and \
                which complaint of the Audit Panel papers of 2017 and 2020 it answers.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<GapsView>(schemas);
    add_answer::<GapListing>(schemas);
    add_answer::<FindingRules>(schemas);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;
    use crate::registers::gaps::{GAP_CODES, gap_code};

    #[test]
    fn rules_are_sound_and_their_codes_are_in_the_register() {
        RULES.check();
        for (register, rule) in some(RULES.all()) {
            assert_eq!(
                gap_code(rule.code),
                Some((register, rule.check.kind())),
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
