//! What measures and dashboards lack.

use chrono::{Months, NaiveDate};
use uuid::Uuid;

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because, plain_if, unowned};
use crate::registers::links::count;
use crate::registers::performance::{
    Dashboard, DataSource, DataSourceState, FigureFrequency, Measure, MeasureState, MeasureTarget,
    is_overdue,
};
use crate::views::performance::AvailabilityRow;
use crate::views::rag::{days, times};
use crate::world::Rec;
use crate::world::blank::OptionalText;
use crate::world::record::word;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "measure_without_definition",
        severity: Is::Medium,
        checks: "No definition is recorded for the measure.",
        why: "Two people may calculate two different figures.",
        remedy: "Record what the measure shows and how it is calculated.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|_, m: &Rec<Measure>| {
            plain_if(is_wanted(m) && m.data.definition.is_unsaid())
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_without_owner",
        severity: Is::Medium,
        checks: "No owner post or unit is recorded for the measure.",
        why: "Nobody makes sure that its figures arrive and are right.",
        remedy: "Record its owner.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, m: &Rec<Measure>| {
            unowned(c, is_wanted(m), m.data.owner_post_id, m.data.owner_unit_id)
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_without_source",
        severity: Is::Medium,
        checks: "No source is recorded for the measure's figures, or its source is retired.",
        why: "Figures without a source cannot be checked.",
        remedy: "Record the source.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, m: &Rec<Measure>| {
            let source = m.data.source_id.and_then(|id| c.seen.get::<DataSource>(id));
            match source {
                _ if !is_wanted(m) => None,
                None => plain_if(m.data.source_id.is_none()),
                Some(s) if s.data.state == DataSourceState::Retired => {
                    because(format!("{} is retired", s.meta.reference))
                }
                Some(_) => None,
            }
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_without_target",
        severity: Is::Medium,
        checks: "No target for the current or a later period is recorded for the measure.",
        why: "Nobody can tell good performance from bad.",
        remedy: "Set a target, and the date by which it should be reached.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, m: &Rec<Measure>| {
            let holds = |t: &Rec<MeasureTarget>| {
                t.data.measure_id == m.meta.id && c.on <= t.data.period.until_on
            };
            plain_if(is_wanted(m) && !c.seen.pointing::<MeasureTarget>(m.meta.id).any(holds))
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_without_frequency",
        severity: Is::Medium,
        checks: "How often the measure's figures are due is not recorded.",
        why: "Figures without due dates are never late.",
        remedy: "Record the frequency.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|_, m: &Rec<Measure>| {
            plain_if(is_wanted(m) && m.data.frequency.is_none())
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_without_data",
        severity: Is::Medium,
        checks: "No figures are recorded for the measure.",
        why: "A measure without figures shows nothing.",
        remedy: "Record its figures, or record that it is no longer wanted.",
        answers: &["2020, recommendations 3 and 5"],
        check: &Each::new(|c, m: &Rec<Measure>| {
            plain_if(is_wanted(m) && !c.figures(m).rows.iter().any(is_there))
        })
        .detail()
        .part_of(dashboard_of),
    },
    Rule {
        code: "measure_data_late",
        severity: Is::Medium,
        checks: "The measure's latest figures are out of date.",
        why: "Decisions based on them are based on the past.",
        remedy: "Record the figures that are due.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(measure_data_late),
    },
    Rule {
        code: "characteristic_unavailable",
        severity: Is::Medium,
        checks: "No figures are recorded for a characteristic that the measure should be broken down \
            by.",
        why: "Nobody can see who is left out.",
        remedy: "Have the figures broken down, and record them.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(characteristic_unavailable)
            .detail()
            .part_of(dashboard_of)
            .follows_own(&["measure_without_data"]),
    },
    Rule {
        code: "dashboard_overdue",
        severity: Is::High,
        checks: "The dashboard was promised for a date that has passed, but is not recorded as published.",
        why: "Those who were to use it for monitoring cannot.",
        remedy: "Publish it, or promise it again with the reason.",
        answers: &["2017, Action 14", "2020, recommendation 5"],
        check: &Each::new(|c, d: &Rec<Dashboard>| {
            if !is_overdue(d, c.on) {
                return None;
            }
            let first = d
                .data
                .promised
                .iter()
                .filter_map(|p| p.due.due_on)
                .filter(|due| *due < c.on)
                .min()?;
            because(format!(
                "promised {}, first for {first}",
                times(count(d.data.promised.len()).into())
            ))
        }),
    },
    Rule {
        code: "dashboard_without_date",
        severity: Is::Medium,
        checks: "The dashboard is not recorded as published, and no date is recorded for it.",
        why: "It can never become overdue.",
        remedy: "Record a date for which it is promised.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, d: &Rec<Dashboard>| {
            let out = d.computed.first_published_on.is_some_and(|on| on <= c.on);
            plain_if(!out && d.computed.due_on.is_none())
        })
        .keeping(),
    },
];

/// The dashboard that shows a measure.
fn dashboard_of(c: &Context<'_>, measure: &Rec<Measure>) -> Option<Uuid> {
    let mut dashboards = c.seen.pointing::<Dashboard>(measure.meta.id);
    dashboards.next().map(|d| d.meta.id)
}

fn is_wanted(measure: &Rec<Measure>) -> bool {
    measure.data.state != MeasureState::Retired
}

/// Whether there is a figure, even if it is suppressed.
fn is_there(row: &AvailabilityRow) -> bool {
    row.present + row.suppressed > 0
}

/// The last day of the next period, if figures come at regular intervals.
fn next_end(frequency: FigureFrequency, end: NaiveDate) -> Option<NaiveDate> {
    let months = |n| end.checked_add_months(Months::new(n));
    match frequency {
        FigureFrequency::Weekly => end.checked_add_days(chrono::Days::new(7)),
        FigureFrequency::Monthly => months(1),
        FigureFrequency::Quarterly => months(3),
        FigureFrequency::HalfYearly => months(6),
        FigureFrequency::Yearly => months(12),
        FigureFrequency::Continuous | FigureFrequency::AdHoc => None,
    }
}

fn measure_data_late(c: &Context<'_>, measure: &Rec<Measure>) -> Fault {
    let frequency = measure.data.frequency.filter(|_| is_wanted(measure))?;
    let latest = c
        .figures(measure)
        .rows
        .iter()
        .filter_map(|r| r.period)
        .map(|p| p.until_on)
        .max()?;
    let late = (c.on - next_end(frequency, latest)?).num_days();
    if late > c.settings.gaps.figures_after_days {
        because(format!(
            "the latest figures run to {latest}; the next were due {} ago",
            days(late)
        ))
    } else {
        None
    }
}

fn characteristic_unavailable(c: &Context<'_>, measure: &Rec<Measure>) -> Fault {
    let known = c.figures(measure);
    let by = |wanted| {
        known
            .rows
            .iter()
            .any(|r| r.characteristic == Some(wanted) && is_there(r))
    };
    let missing = measure
        .data
        .characteristics
        .iter()
        .filter(|wanted| !by(**wanted));
    let words: Vec<String> = missing.filter(|_| is_wanted(measure)).map(word).collect();
    if words.is_empty() {
        None
    } else {
        because(words.join(", "))
    }
}
