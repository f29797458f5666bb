//! Contradictions in measures and dashboards: called integrated or promised, against figures and
//! versions.

use super::rule::{Clash, Each, Rule, Said};
use crate::registers::performance::{
    Dashboard, DashboardMaturity, Measure, MeasureId, MeasureState, Observation,
};
use crate::views::findings::FindingSeverity as Is;
use crate::world::Rec;
use crate::world::record::word;
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "measure_integrated_without_figures",
        severity: Is::High,
        checks: "The measure's figures are said to arrive regularly, but none are recorded.",
        why: "Measures without figures show nothing.",
        remedy: "Load the figures, or set the measure back to planned.",
        answers: &["2020, recommendations 3 and 5"],
        check: &Each::new(|c, m: &Rec<Measure>| {
            let none = || {
                c.seen
                    .unique_from::<Observation>(m.meta.id.as_bytes())
                    .next()
                    .is_none()
            };
            (m.data.state == MeasureState::Integrated && none()).then(|| {
                let claimed = Said::new(
                    "integrated",
                    "its figures arrive regularly and are reviewed",
                )
                .by(m.data.owner_post_id.map(Into::into));
                Clash::of(claimed).computed(Said::new("no_figures", "no figures are recorded"))
            })
        }),
    },
    Rule {
        code: "dashboard_promised_not_published",
        severity: Is::High,
        checks: "The dashboard was promised for a date that has passed, but no version of it is \
            published.",
        why: "A dashboard promised in 2017 was still missing in 2020, and nobody noticed because \
            nobody compared the two.",
        remedy: "Publish it, or record what happened to it.",
        answers: &["2017, Action 14", "2020, recommendation 5"],
        check: &Each::new(|c, d: &Rec<Dashboard>| {
            if d.computed.first_published_on.is_some_and(|day| day <= c.on) {
                return None;
            }
            let promise = d
                .data
                .promised
                .iter()
                .find(|p| p.due.due_on.is_some_and(|due| due < c.on))?;
            let due = promise
                .due
                .due_on
                .map(|d| d.to_string())
                .unwrap_or_default();
            let words = match &promise.stated_in {
                Some(place) => format!("promised for {due} in {place}"),
                None => format!("promised for {due}"),
            };
            let claimed = Said::new("promised", words)
                .by(d.data.owner_post_id.map(Into::into))
                .on(promise.made_on);
            let computed = Said::new(
                word(&d.computed.maturity),
                format!(
                    "its latest version is {}",
                    d.computed.maturity.in_sentence()
                ),
            );
            Some(
                Clash::of(claimed)
                    .computed(computed)
                    .against(d.computed.latest_version_id),
            )
        }),
    },
    Rule {
        code: "dashboard_published_without_figures",
        severity: Is::Medium,
        checks: "The dashboard is recorded as published, but none of its measures has a figure.",
        why: "It shows nothing.",
        remedy: "Load the figures of its measures, or set the version back to draft.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, d: &Rec<Dashboard>| {
            if d.computed.maturity != DashboardMaturity::Published {
                return None;
            }
            let has = |id: &MeasureId| {
                c.seen
                    .unique_from::<Observation>(id.uuid().as_bytes())
                    .next()
                    .is_some()
            };
            (!d.data.measure_ids.iter().any(has)).then(|| {
                let claimed = Said::new("published", "a version of it is published")
                    .by(d.data.owner_post_id.map(Into::into))
                    .on(d.computed.first_published_on);
                let words = format!(
                    "none of its {} measures has a figure",
                    d.data.measure_ids.len()
                );
                Clash::of(claimed)
                    .computed(Said::new("no_figures", words))
                    .against(d.data.measure_ids.iter().map(|id| id.uuid()))
            })
        }),
    },
];
