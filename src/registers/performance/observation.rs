//! Observations: one figure of a measure, for a period, in all or for one category.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::disclosure::{Figures, release};
use super::measure::{
    BreakdownCategory, Measure, MeasureUnit, check_breakdown, link_breakdown, normalise,
};
use super::period::{Figure, Period};
use crate::policy::Subject;
use crate::registers::checks::{fixed, overlap};
use crate::registers::query::{Any, any, is};
use crate::world::seen::Among;
use crate::world::{Key, Links, Meta, Place, Reading, Rec, Resource, Rules, Sort};

/// Whether there is a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObservationState {
    /// There is.
    #[default]
    Present,
    /// There should be, and is not.
    Missing,
    /// The source was asked and does not say.
    NotStated,
    /// There is, and it is not shown, because it might tell of single people. Never sent: the service says so.
    Suppressed,
}

/// How the figures of a record are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShownFigures {
    /// As they were recorded.
    #[default]
    Exact,
    /// Suppressed and rounded for release.
    Released,
}

/// A figure of a measure. It is unique for measure, period and breakdown; a correction is a new version of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    /// The measure.
    pub measure_id: Uuid,
    /// The period it is for.
    pub period: Period,
    /// The category it is for, or two of two classifications; none for the total.
    #[serde(default)]
    #[schema(max_items = 2)]
    pub breakdown: Vec<BreakdownCategory>,
    /// Whether there is a figure.
    #[serde(default)]
    state: ObservationState,
    /// The figure, in the measure's unit; null where there is none or it is not shown, and never 0 in its stead.
    #[serde(default)]
    value: Option<Figure>,
    /// What was counted, where it is known.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 999_999_999)]
    numerator: Option<u64>,
    /// The people or cases that the figure rests on, where it is known. Figures other than counts are released only with it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 999_999_999)]
    denominator: Option<u64>,
}

/// What the service works out.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct ObservationComputed {
    /// First day of the period.
    pub from_on: NaiveDate,
    /// Last day of the period.
    pub until_on: NaiveDate,
    /// How the figures are shown: exactly to analysts whose scope covers the measure, else as released.
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

/// Narrows a list of observations. There is none on figures: what a filter finds would tell what is suppressed.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ObservationFilter {
    /// Observations of this measure.
    measure_id: Option<Uuid>,
    /// Observations broken down by this classification.
    classification_id: Option<Uuid>,
    /// Observations for the category or aggregate with this code.
    #[param(max_length = 20)]
    code: Option<String>,
    /// Totals (`true`), or figures for a category (`false`).
    is_total: Option<bool>,
    /// Observations in any of these states, as recorded: a suppressed figure is present.
    #[param(value_type = Option<Vec<ObservationState>>, inline, explode = false)]
    state: Option<Any<ObservationState>>,
    /// Observations for periods that end on or after this day.
    period_from: Option<NaiveDate>,
    /// Observations for periods that begin on or before this day.
    period_until: Option<NaiveDate>,
}

impl Observation {
    /// The figures as they were recorded. What a caller is shown is [`super::figures`].
    pub(super) fn recorded(&self) -> Figures {
        Figures {
            state: self.state,
            value: self.value,
            numerator: self.numerator,
            denominator: self.denominator,
        }
    }

    /// An observation, with its breakdown in order.
    #[must_use]
    pub fn new(
        measure_id: Uuid,
        period: Period,
        breakdown: Vec<BreakdownCategory>,
        figures: Figures,
    ) -> Self {
        let mut observation = Self {
            measure_id,
            period,
            breakdown,
            state: figures.state,
            value: figures.value,
            numerator: figures.numerator,
            denominator: figures.denominator,
        };
        observation.normalise();
        observation
    }

    /// Whether both have the same figures. For who may see them.
    #[must_use]
    pub fn says(&self, other: &Self) -> bool {
        self.recorded() == other.recorded()
    }

    /// The same observation with other figures.
    fn with(&self, figures: Figures) -> Self {
        Self::new(
            self.measure_id,
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
            "figures are suppressed by the service when they are shown; record what there is as present",
        );
        let (code, detail) = if is_present {
            (
                "required",
                "a figure that is present has a value; say missing or not_stated where there is none",
            )
        } else {
            (
                "not_allowed",
                "there is no figure in this state; leave it out or say present",
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
            let detail = "the measure counts: it must be a whole number and not negative";
            rules.require(count != Some(None), "/value", "not_a_count", detail);
        }
        if measure.unit == MeasureUnit::Percent
            && let (Some(numerator), Some(denominator)) = (self.numerator, self.denominator)
        {
            rules.require(
                numerator <= denominator,
                "/numerator",
                "part_of",
                "must not be greater than the denominator",
            );
        }
    }
}

impl Resource for Observation {
    const KIND: &'static str = "observation";
    const PATH: &'static str = "observations";
    const PREFIX: &'static str = "OBS";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "Figures of measures, one for each period and category. Analysts whose scope covers the measure see them as recorded; everybody else sees them released: small numbers suppressed, others rounded.";
    type Computed = ObservationComputed;
    type Filter = ObservationFilter;

    fn example() -> Value {
        json!({
            "measure_id": "019abcde-0000-7000-8000-000000000001", "period": "2020-Q3", "state": "present",
            "value": 125, "denominator": 2400
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/measure_id", &["measure"], self.measure_id);
        link_breakdown(links, &self.breakdown);
    }
    fn place(&self) -> Place {
        Place::within([self.measure_id])
    }
    fn normalise(&mut self) {
        normalise(&mut self.breakdown);
    }
    // S33
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy =
            "it is another figure; record that one, and withdraw this where it should not be";
        fixed(rules, self, "/measure_id", |o| o.measure_id, remedy);
        fixed(rules, self, "/period", |o| o.period, remedy);
        fixed(rules, self, "/breakdown", |o| o.breakdown.clone(), remedy);
        let today = rules.reading.on;
        rules.require(
            self.period.from_on <= today,
            "/period",
            "future_date",
            "has not begun; record its figure once there can be one",
        );
        check_breakdown(rules, self.measure_id, &self.breakdown);
        if let Some(measure) = rules.reading.world.get::<Measure>(self.measure_id) {
            self.check_figures(rules, &measure.data);
        }
    }
    const RELEASES: bool = true;
    fn release(
        record: &Rec<Self>,
        among: Option<&Among<'_>>,
    ) -> Option<(Self, ObservationComputed)> {
        let computed = ObservationComputed {
            figures: ShownFigures::Released,
            ..record.computed
        };
        Some((record.data.with(release(record, among)), computed))
    }
    const UNIQUE: &'static str = "/period";
    /// Measure, period and breakdown, in the order in which tables of figures are read.
    fn unique(&self) -> Option<Vec<u8>> {
        let mut key = table_of(self.measure_id, self.period);
        for category in &self.breakdown {
            key.extend_from_slice(category.classification_id.as_bytes());
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
    fn text(&self) -> Vec<&str> {
        self.breakdown.iter().map(|b| b.code.as_str()).collect()
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
        f.measure_id.or(f.classification_id)
    }
}

/// How the keys of all figures of a measure begin, by period.
#[must_use]
pub fn table_of(measure: Uuid, period: Period) -> Vec<u8> {
    use chrono::Datelike;
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(measure.as_bytes());
    // Days are counted from the year 1, so that their bytes stand in their order.
    for day in [period.from_on, period.until_on] {
        key.extend_from_slice(
            &u32::try_from(day.num_days_from_ce())
                .unwrap_or(0)
                .to_be_bytes(),
        );
    }
    key
}
