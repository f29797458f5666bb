//! What oversight lacks: reports that should have been made, and a record of what channels cover.

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if};
use crate::registers::oversight::{
    OccurrenceState, OversightChannel, ReportObligation, ReportSubmission, occurrences,
};
use crate::world::Rec;
use crate::world::blank::OptionalText;
use crate::world::id::either;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "report_missed",
        severity: Is::High,
        checks: "Reports that were due are not recorded as made.",
        why: "Those responsible for oversight have not been informed.",
        remedy: "Submit the report, or have the obligation changed.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(report_missed),
    },
    Rule {
        code: "report_without_days",
        severity: Is::Medium,
        checks: "No due dates are recorded for the report.",
        why: "A report without due dates can never be missed.",
        remedy: "Record how often it is due, and from when.",
        answers: &["2017, paragraph 1.1", "2020, recommendation 5"],
        check: &Each::new(|c, o: &Rec<ReportObligation>| {
            if o.computed.is_scheduled || !c.is_active(o) {
                return None;
            }
            because(owed_by(c, o).trim_start_matches("; "))
        })
        .detail(),
    },
    Rule {
        code: "channel_without_coverage",
        severity: Is::Medium,
        checks: "What the oversight channel covers is not recorded.",
        why: "Meetings on their own do not show what is overseen.",
        remedy: "Record what is covered: the goals, the strategies, the boards, or a description \
            in words.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, o: &Rec<OversightChannel>| {
            let d = &o.data;
            let covers = !d.covers.is_unsaid()
                || !d.goal_ids.is_empty()
                || !d.strategy_ids.is_empty()
                || !d.board_ids.is_empty();
            plain_if(is_used(c, o) && !covers)
        })
        .detail(),
    },
    Rule {
        code: "channel_without_frequency",
        severity: Is::Low,
        checks: "How often the oversight channel meets is not recorded.",
        why: "A meeting that is due \"regularly\" can never be missed.",
        remedy: "Record how often, as a rule or an interval.",
        answers: &["2017, paragraph 1.1"],
        check: &Each::new(|c, o: &Rec<OversightChannel>| match &o.data.frequency {
            f if f.is_dated() || !is_used(c, o) => None,
            f => because(f.source_text.as_ref().map_or_else(
                || "nothing is recorded".into(),
                |words| format!("only \"{words}\""),
            )),
        })
        .detail(),
    },
];

fn is_used(c: &Context<'_>, channel: &Rec<OversightChannel>) -> bool {
    c.is_active(channel)
}

fn report_missed(c: &Context<'_>, obligation: &Rec<ReportObligation>) -> Fault {
    let submissions: Vec<&Rec<ReportSubmission>> = c.seen.pointing(obligation.meta.id).collect();
    let all = occurrences(&obligation.data, &submissions, c.on);
    let missed: Vec<_> = all
        .iter()
        .filter(|o| o.state == OccurrenceState::Missed)
        .map(|o| o.due_on)
        .collect();
    let last = missed.last()?;
    let by = owed_by(c, obligation);
    because(format!(
        "reports missed: {}; the last was due on {last}{by}",
        missed.len()
    ))
}

/// Who owes a report, for the end of a sentence.
fn owed_by(c: &Context<'_>, obligation: &Rec<ReportObligation>) -> String {
    let data = &obligation.data;
    let by = either(data.from_board_id, data.from_post_id);
    let Some(by) = either(by, data.from_unit_id).and_then(|id| c.seen.any(id)) else {
        return String::new();
    };
    let reference = &by.meta().reference;
    match by.title() {
        Some(title) => format!("; owed by {title} ({reference})"),
        None => format!("; owed by {reference}"),
    }
}
