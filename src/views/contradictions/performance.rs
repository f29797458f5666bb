//! Contradictions in measures and dashboards: called integrated or published, against figures.

use super::rule::{Clash, Each, Rule, Said};
use crate::registers::performance::{
    Dashboard, DashboardMaturity, Measure, MeasureId, MeasureState, Observation,
};
use crate::views::findings::FindingSeverity as Is;
use crate::world::Rec;

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
        code: "dashboard_published_without_figures",
        severity: Is::Medium,
        checks: "The dashboard is recorded as published, but no figure of its measures is recorded.",
        why: "It shows nothing.",
        remedy: "Load the figures of its measures, or set the version back to draft.",
        answers: &["2020, recommendation 5"],
        check: &Each::new(|c, d: &Rec<Dashboard>| {
            let is_empty = d.data.measure_ids.is_empty();
            if d.computed.maturity != DashboardMaturity::Published || is_empty {
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
                let words = format!("measures with a figure: 0 of {}", d.data.measure_ids.len());
                Clash::of(claimed)
                    .computed(Said::new("no_figures", words))
                    .against(d.data.measure_ids.iter().map(|id| id.uuid()))
            })
        }),
    },
];
