//! Observations: one figure of a measure for a period, either in total or for one category.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::fixed;
use crate::registers::performance::measure::breakdown::Breakdown;
use crate::registers::performance::measure::disclosure::{Figures, release};
use crate::registers::performance::measure::{
    BreakdownCategory, Measure, MeasureUnit, check_breakdown,
};
use crate::registers::performance::period::{Counted, Figure, Period};
use crate::registers::performance::{ClassificationId, MeasureId};
use crate::registers::query::{Any, any, is};
use crate::world::dates::overlap;
use crate::world::visible::DisclosureContext;
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Whether there is a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ObservationState {
    /// There is a figure.
    #[default]
    Present,
    /// There should be a figure, but there is not.
    Missing,
    /// The source was asked but gave no answer.
    NotStated,
    /// There is a figure, but it is not shown because it could reveal something about individuals.
    /// Set by the service only; never send it.
    Suppressed,
}

/// How the figures of a record are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ShownFigures {
    /// The figures exactly as they were recorded.
    #[default]
    #[strum(message = "As recorded")]
    Exact,
    /// Suppressed and rounded for release.
    Released,
}

/// A figure of a measure. It is unique by measure, period and breakdown. A correction is recorded
/// as a new version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    /// Measure the record is for.
    pub measure_id: MeasureId,
    /// Period that the figure is for.
    pub period: Period,
    /// Category it is for, or two categories from two classifications. Empty for the total.
    #[serde(default)]
    #[schema(value_type = Vec<BreakdownCategory>, max_items = 2)]
    pub breakdown: Breakdown,
    /// Whether there is a figure.
    #[serde(default)]
    state: ObservationState,
    /// The figure, in the measure's unit. Null, never 0, if there is no figure or it is not shown.
    #[serde(default)]
    value: Option<Figure>,
    /// Number counted, if known.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 999_999_999)]
    numerator: Option<Counted>,
    /// Number of people or cases the figure is based on, if known. Figures other than counts are
    /// released only if it is given.
    #[serde(default)]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 999_999_999)]
    denominator: Option<Counted>,
}

/// Values computed by the service.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ObservationComputed {
    /// First day of the period.
    pub from_on: NaiveDate,
    /// Last day of the period.
    pub until_on: NaiveDate,
    /// How the figures are shown: exact to analysts whose scope covers the measure, otherwise as
    /// released.
    #[serde(default)]
    pub figures: ShownFigures,
}

impl Default for ObservationComputed {
    fn default() -> Self {
        Self {
            from_on: NaiveDate::MIN,
            until_on: NaiveDate::MAX,
            figures: ShownFigures::Exact,
        }
    }
}

/// Filters for a list of observations. The figures themselves cannot be filtered, because the
/// results would reveal suppressed figures.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ObservationFilter {
    /// Only observations of this measure.
    measure_id: Option<MeasureId>,
    /// Only observations broken down by this classification.
    classification_id: Option<ClassificationId>,
    /// Only observations for the category or aggregate with this code.
    code: Option<Text<20>>,
    /// Only totals (`true`), or only figures for a category (`false`).
    is_total: Option<bool>,
    /// Only observations in any of these states, as recorded. A suppressed figure counts as
    /// present.
    #[param(value_type = Option<Vec<ObservationState>>, inline, explode = false)]
    state: Option<Any<ObservationState>>,
    /// Only observations for periods that end on or after this date.
    period_from: Option<NaiveDate>,
    /// Only observations for periods that begin on or before this date.
    period_until: Option<NaiveDate>,
}

impl Observation {
    /// The figures as recorded. Callers are shown the figures from [`crate::registers::performance::figures`].
    pub(in crate::registers::performance) fn recorded(&self) -> Figures {
        Figures {
            state: self.state,
            value: self.value,
            numerator: self.numerator.map(Counted::number),
            denominator: self.denominator.map(Counted::number),
        }
    }

    /// Creates an observation with its breakdown in order.
    #[must_use]
    pub fn new(
        measure_id: Uuid,
        period: Period,
        breakdown: impl Into<Breakdown>,
        figures: Figures,
    ) -> Self {
        let mut observation = Self {
            measure_id: measure_id.into(),
            period,
            breakdown: breakdown.into(),
            state: figures.state,
            value: figures.value,
            numerator: figures.numerator.and_then(Counted::of),
            denominator: figures.denominator.and_then(Counted::of),
        };
        observation.normalise();
        observation
    }

    /// Whether both have the same figures. Only for callers who may see them.
    #[must_use]
    pub fn says(&self, other: &Self) -> bool {
        self.recorded() == other.recorded()
    }

    /// The same observation with other figures.
    fn with(&self, figures: Figures) -> Self {
        Self::new(
            self.measure_id.uuid(),
            self.period,
            self.breakdown.clone(),
            figures,
        )
    }

    fn check_figures(&self, rules: &mut Rules<'_, Self>, measure: &Measure) {
        let is_present = self.state == ObservationState::Present;
        rules.require(
            self.state != ObservationState::Suppressed,
            "/state",
            "not_allowed",
            "must not be suppressed: the service suppresses figures when it shows them; record \
                the figure as present",
        );
        let (code, detail) = if is_present {
            (
                "required",
                "is required for a figure that is present; give it, or set state to missing or \
                    not_stated",
            )
        } else {
            (
                "not_allowed",
                "is not allowed in this state, because there is no figure; leave it out, or set \
                    state to present",
            )
        };
        rules.require(is_present == self.value.is_some(), "/value", code, detail);
        for (given, pointer) in [
            (self.numerator, "/numerator"),
            (self.denominator, "/denominator"),
        ] {
            rules.require(is_present || given.is_none(), pointer, code, detail);
        }
        let count = self.value.map(Figure::as_count);
        if measure.unit == MeasureUnit::Count {
            let detail = "must be a whole number and not negative, because the measure's unit is \
                count";
            rules.require(count != Some(None), "/value", "not_a_count", detail);
        }
        let figures = self.recorded();
        if measure.unit == MeasureUnit::Percent
            && let (Some(numerator), Some(denominator)) = (figures.numerator, figures.denominator)
        {
            rules.require(
                numerator <= denominator,
                "/numerator",
                "part_of",
                "must not be greater than the denominator",
            );
            let agrees = self
                .value
                .is_none_or(|v| v.is_percentage(numerator, denominator));
            let detail = "must be the numerator as a percentage of the denominator, rounded; \
                correct one of the three";
            rules.require(
                agrees || numerator > denominator,
                "/value",
                "mismatch",
                detail,
            );
        }
    }
}

impl Resource for Observation {
    const KIND: &'static str = "observation";
    const PATH: &'static str = "observations";
    const PREFIX: &'static str = "OBS";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "Figures of measures, one for each period and category. Analysts \
        whose scope covers the measure see them as recorded. Everyone else sees the released \
        figures: small numbers are suppressed and the others are rounded.";
    type Computed = ObservationComputed;
    type Filter = ObservationFilter;

    fn example() -> Value {
        json!({
            "measure_id": "019abcde-0000-7000-8000-000000000001", "period": "2020-Q3", "state": "present",
            "value": 125, "denominator": 2400
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.measure_id])
    }
    fn normalise(&mut self) {
        self.breakdown.normalise();
    }
    // S33
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "it would be a different figure; record that figure separately, and withdraw \
            this one if it is wrong";
        fixed(rules, self, "/measure_id", |o| o.measure_id, remedy);
        fixed(rules, self, "/period", |o| o.period, remedy);
        fixed(rules, self, "/breakdown", |o| o.breakdown.clone(), remedy);
        let today = rules.reading.on;
        rules.require(
            self.period.from_on <= today,
            "/period",
            "future_date",
            "must not start in the future; record the figure once the period has begun",
        );
        check_breakdown(rules, self.measure_id.uuid(), &self.breakdown);
        if let Some(measure) = rules.reading.world.get::<Measure>(self.measure_id) {
            self.check_figures(rules, &measure.data);
        }
    }
    const RELEASES: bool = true;
    fn release(
        record: &Rec<Self>,
        context: Option<&DisclosureContext<'_>>,
    ) -> Option<(Self, ObservationComputed)> {
        let computed = ObservationComputed {
            figures: ShownFigures::Released,
            ..record.computed
        };
        Some((record.data.with(release(record, context)), computed))
    }
    const UNIQUE: &'static str = "/period";
    /// Measure, period and breakdown, in the order in which tables of figures are read.
    fn unique(&self) -> Option<Vec<u8>> {
        let mut key = table_of(self.measure_id.uuid(), self.period);
        for category in self.breakdown.iter() {
            key.extend_from_slice(category.classification_id.uuid().as_bytes());
            key.extend_from_slice(category.code.as_bytes());
            key.push(0);
        }
        Some(key)
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> ObservationComputed {
        ObservationComputed {
            from_on: self.period.from_on,
            until_on: self.period.until_on,
            figures: ShownFigures::Exact,
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "until_on",
            key: |r| Key::from(Some(r.data.period.until_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        let o = &r.data;
        let by = |test: &dyn Fn(&BreakdownCategory) -> bool| o.breakdown.iter().any(test);
        is(&f.measure_id, &o.measure_id)
            && f.classification_id
                .is_none_or(|id| by(&|b| b.classification_id == id))
            && f.code.as_ref().is_none_or(|code| by(&|b| b.code == *code))
            && f.is_total.is_none_or(|t| t == o.breakdown.is_empty())
            && any(&f.state, &o.state)
            && overlap(
                (Some(o.period.from_on), Some(o.period.until_on)),
                (f.period_from, f.period_until),
            )
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.measure_id
            .map(Uuid::from)
            .or(f.classification_id.map(Uuid::from))
    }
}

/// The prefix shared by the keys of all figures of a measure for one period.
#[must_use]
pub fn table_of(measure: Uuid, period: Period) -> Vec<u8> {
    use chrono::Datelike;
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(measure.as_bytes());
    // Days are counted from year 1, so that their bytes sort in date order.
    for day in [period.from_on, period.until_on] {
        key.extend_from_slice(
            &u32::try_from(day.num_days_from_ce())
                .unwrap_or(0)
                .to_be_bytes(),
        );
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are millions of them. With the counts of a shared pointer, a figure is 192 bytes, which
    /// the allocator gives without loss; its places in the indexes take some 80 more.
    #[test]
    fn a_figure_is_small() {
        assert!(size_of::<Rec<Observation>>() <= 192 - 2 * size_of::<usize>());
    }
}
