//! What oversight lacks: reports that were not made, channels of which nobody knows what passes through them.

use super::context::Context;
use super::rule::{Each, Fault, GapSeverity as Is, Rule, because, plain_if};
use crate::registers::checks::runs_on;
use crate::registers::oversight::{
    OccurrenceState, OversightChannel, ReportObligation, ReportSubmission, occurrences,
};
use crate::world::Rec;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "report_missed",
        severity: Is::High,
        checks: "Reports that were due were never made.",
        why: "Who is to oversee the work has not heard of it.",
        remedy: "Hand the report in, or have the obligation changed.",
        answers: &["2020, recommendation 5"],
        look: &Each::new(report_missed),
    },
    Rule {
        code: "report_without_days",
        severity: Is::Medium,
        checks: "Nobody has said on which days the report is due.",
        why: "A report that is due on no day can never be missed.",
        remedy: "Say how often it is due, and from when.",
        answers: &["2017, paragraph 1.1", "2020, recommendation 5"],
        look: &Each::new(|c, o: &Rec<ReportObligation>| {
            plain_if(!o.computed.is_scheduled && o.data.until_on.is_none_or(|until| c.on <= until))
        }),
    },
    Rule {
        code: "channel_without_coverage",
        severity: Is::Medium,
        checks: "Nobody has said what is covered where these meet.",
        why: "That people meet shows nothing of what is overseen.",
        remedy: "Say what is covered: the goals, the strategies, the boards, or in words.",
        answers: &["2017, paragraph 1.1"],
        look: &Each::new(|c, o: &Rec<OversightChannel>| {
            let d = &o.data;
            let covers = d.covers.is_some()
                || !d.goal_ids.is_empty()
                || !d.strategy_ids.is_empty()
                || !d.board_ids.is_empty();
            plain_if(is_used(c, o) && !covers)
        }),
    },
    Rule {
        code: "channel_without_frequency",
        severity: Is::Low,
        checks: "Nobody has said how often these meet.",
        why: "\"Regularly\" can never be missed.",
        remedy: "Say how often, by a rule or an interval.",
        answers: &["2017, paragraph 1.1"],
        look: &Each::new(|c, o: &Rec<OversightChannel>| match &o.data.frequency {
            f if f.is_dated() || !is_used(c, o) => None,
            f => because(f.source_text.as_ref().map_or_else(
                || "nothing is said".into(),
                |words| format!("only \"{words}\""),
            )),
        }),
    },
];

fn is_used(c: &Context<'_>, channel: &Rec<OversightChannel>) -> bool {
    runs_on(channel.data.days(), c.on)
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
    because(format!("{} missed, the last due on {last}", missed.len()))
}
