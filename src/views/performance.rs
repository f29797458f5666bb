//! What is known of measures, and their figures: both in the form in which the caller may see
//! figures.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{Asked, View, operation};
use crate::http::operation::Operation;
use crate::http::parameters::{id_parameter, query};
use crate::http::query::invalid;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::performance::{
    BreakdownCategory, Characteristic, Classification, Dashboard, DashboardMaturity, Direction,
    Figure, Figures, Measure, MeasureState, MeasureTarget, MeasureUnit, Observation,
    ObservationState, Period, ShownFigures, figures, table_of,
};
use crate::registers::settings::{SettingsUsed, suppression, used_today};
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Text};

/// Number of periods that a matrix shows by default, latest first.
const PERIODS: usize = 12;
const MOST_PERIODS: usize = 120;

/// How figures are released.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReleaseRule {
    /// Figures based on fewer than this are suppressed.
    pub below: u32,
    /// Counts are rounded to a multiple of this.
    pub round_to: u32,
    /// Settings that define this: those currently in force, for figures of any time.
    pub settings: SettingsUsed,
}

fn rule(seen: &VisibleWorld) -> ReleaseRule {
    let rule = seen.setting(suppression);
    ReleaseRule {
        below: rule.below,
        round_to: rule.round_to,
        settings: used_today(seen),
    }
}

/// Number of categories with a figure, for one classification and period.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct AvailabilityRow {
    /// The characteristic; null for the total.
    pub characteristic: Option<Characteristic>,
    /// The classification; null for the total, and where the measure should be broken down by a
    /// characteristic but has no classification for it.
    pub classification_id: Option<Uuid>,
    /// Reference.
    pub classification: Option<Text<60>>,
    /// The period; null where the measure has no figures at all, or no classification for the
    /// characteristic.
    pub period: Option<Period>,
    /// Number of categories; 1 for the total.
    pub categories: u32,
    /// Number of these with a visible figure.
    pub present: u32,
    /// Number recorded as missing.
    pub missing: u32,
    /// Number recorded as not stated by the source.
    pub not_stated: u32,
    /// Number with a suppressed figure.
    pub suppressed: u32,
    /// Number without any record.
    pub none: u32,
}

/// What is known about one measure.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeasureAvailability {
    /// Measure the record is for.
    pub measure_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Title.
    pub title: Text<200>,
    /// Whether the measure's figures are being received.
    pub state: MeasureState,
    /// Form in which the caller sees its figures.
    pub figures: ShownFigures,
    /// Totals first, then each characteristic; latest period first.
    #[schema(max_items = 5000)]
    pub rows: Vec<AvailabilityRow>,
}

/// Availability of figures by measure, characteristic and period. Figures for two categories at
/// once are not counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailabilityView {
    /// How figures are released.
    pub release: ReleaseRule,
    /// The measures, ordered by reference.
    #[schema(max_items = 10000)]
    pub measures: Vec<MeasureAvailability>,
}

impl View for AvailabilityView {
    fn fields(&self) -> Vec<Field> {
        let of_measure = ["measure", "title", "figures"].map(Field::named);
        of_measure
            .into_iter()
            .chain(fields_of::<AvailabilityRow>())
            .collect()
    }
    fn rows(&self) -> Vec<Value> {
        let of = |m: &MeasureAvailability, row: &AvailabilityRow| {
            let mut cells =
                object(json!({ "measure": m.reference, "title": m.title, "figures": m.figures }));
            cells.extend(object(json!(row)));
            Value::Object(cells)
        };
        self.measures
            .iter()
            .flat_map(|m| m.rows.iter().map(move |r| of(m, r)))
            .collect()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl AvailabilityRow {
    fn add(&mut self, found: Option<ObservationState>) {
        *match found {
            Some(ObservationState::Present) => &mut self.present,
            Some(ObservationState::Missing) => &mut self.missing,
            Some(ObservationState::NotStated) => &mut self.not_stated,
            Some(ObservationState::Suppressed) => &mut self.suppressed,
            None => &mut self.none,
        } += 1;
    }
}

/// Periods for which a measure has figures, latest first.
fn periods(seen: &VisibleWorld, measure: Uuid) -> Vec<Period> {
    let mut periods: Vec<Period> = seen
        .unique_from::<Observation>(measure.as_bytes())
        .map(|o| o.data.period)
        .collect();
    periods.sort_by_key(|p| std::cmp::Reverse((p.until_on, p.from_on)));
    periods.dedup();
    periods
}

/// What is known about a measure in its latest periods, at most `most` of them.
pub(super) fn availability(
    seen: &VisibleWorld,
    measure: &Rec<Measure>,
    most: usize,
) -> MeasureAvailability {
    let data = &measure.data;
    let by: Vec<&Rec<Classification>> = data
        .classification_ids
        .iter()
        .filter_map(|id| seen.get(*id))
        .collect();
    let mut periods: Vec<Option<Period>> = periods(seen, measure.meta.id)
        .into_iter()
        .take(most)
        .map(Some)
        .collect();
    if periods.is_empty() {
        periods.push(None);
    }
    let mut rows = Vec::new();
    let tables: Vec<(Option<Period>, Vec<&Rec<Observation>>)> = periods
        .into_iter()
        .map(|period| {
            let key = period.map(|p| table_of(measure.meta.id, p));
            let found = key
                .map(|key| seen.unique_from::<Observation>(&key).collect())
                .unwrap_or_default();
            (period, found)
        })
        .collect();
    for (period, table) in &tables {
        let mut total = AvailabilityRow {
            period: *period,
            categories: 1,
            ..AvailabilityRow::default()
        };
        total.add(
            table
                .iter()
                .find(|o| o.data.breakdown.is_empty())
                .map(|o| figures(seen, o).state),
        );
        rows.push(total);
    }
    for classification in &by {
        for (period, table) in &tables {
            rows.push(by_category(seen, classification, *period, table));
        }
    }
    let known = |c: &Characteristic| by.iter().any(|k| k.data.characteristic == *c);
    for characteristic in data.characteristics.iter().filter(|c| !known(c)) {
        rows.push(AvailabilityRow {
            characteristic: Some(*characteristic),
            ..AvailabilityRow::default()
        });
    }
    MeasureAvailability {
        measure_id: measure.meta.id,
        reference: (&measure.meta.reference).into(),
        title: (&data.title).into(),
        state: data.state,
        figures: shown(seen, measure),
        rows,
    }
}

fn by_category(
    seen: &VisibleWorld,
    classification: &Rec<Classification>,
    period: Option<Period>,
    table: &[&Rec<Observation>],
) -> AvailabilityRow {
    let mut row = AvailabilityRow {
        characteristic: Some(classification.data.characteristic),
        classification_id: Some(classification.meta.id),
        classification: Some((&classification.meta.reference).into()),
        period,
        categories: u32::try_from(classification.data.categories.len()).unwrap_or(u32::MAX),
        ..AvailabilityRow::default()
    };
    for category in &classification.data.categories {
        let is_it = |b: &BreakdownCategory| {
            b.classification_id == classification.meta.id && b.code == category.code
        };
        let found = table
            .iter()
            .find(|o| matches!(&*o.data.breakdown, [only] if is_it(only)));
        row.add(found.map(|o| figures(seen, o).state));
    }
    row
}

/// Form in which the caller sees the figures of a measure. It is the same for all of them, decided
/// by the measure's owner.
fn shown(seen: &VisibleWorld, measure: &Rec<Measure>) -> ShownFigures {
    if seen.keeps(measure) {
        ShownFigures::Exact
    } else {
        ShownFigures::Released
    }
}

fn wanted_periods(asked: &Asked) -> Result<usize, Problem> {
    let form = "a number from 1 to 120";
    let wanted = asked
        .query
        .value::<usize>("periods", form)?
        .unwrap_or(PERIODS);
    if (1..=MOST_PERIODS).contains(&wanted) {
        Ok(wanted)
    } else {
        Err(invalid("periods", &format!("must be {form}")))
    }
}

fn all(asked: &Asked) -> Result<AvailabilityView, Problem> {
    let most = wanted_periods(asked)?;
    Ok(AvailabilityView {
        release: rule(&asked.seen),
        measures: asked
            .seen
            .by_reference::<Measure>("")
            .map(|m| availability(&asked.seen, m, most))
            .collect(),
    })
}

fn one(asked: &Asked) -> Result<AvailabilityView, Problem> {
    let most = wanted_periods(asked)?;
    let measure = asked
        .seen
        .get::<Measure>(asked.id()?)
        .ok_or_else(Problem::not_found)?;
    Ok(AvailabilityView {
        release: rule(&asked.seen),
        measures: vec![availability(&asked.seen, measure, most)],
    })
}

/// A figure with its target and its baseline.
#[derive(Debug, Serialize, ToSchema)]
pub struct DashboardFigureRow {
    /// The characteristic; null for the total.
    pub characteristic: Option<Characteristic>,
    /// The classification; null for the total.
    pub classification_id: Option<Uuid>,
    /// Code of the category.
    pub code: Option<Text<20>>,
    /// Meaning.
    pub label: Option<Text<200>>,
    /// The observation.
    pub observation_id: Uuid,
    /// Whether there is a figure.
    pub state: ObservationState,
    /// The figure.
    pub value: Option<Figure>,
    /// Number counted.
    #[schema(minimum = 0)]
    pub numerator: Option<u64>,
    /// Denominator of the figure.
    #[schema(minimum = 0)]
    pub denominator: Option<u64>,
    /// Target in force on the last day of the period.
    pub target_value: Option<Figure>,
    /// Period that the target is for.
    pub target_period: Option<Period>,
    /// Whether the figure, as shown, meets the target; null if there is nothing to compare, or if
    /// neither direction is better.
    pub is_met: Option<bool>,
    /// Baseline period that it is compared with.
    pub baseline_period: Option<Period>,
    /// Whether there is a figure for the baseline period.
    pub baseline_state: Option<ObservationState>,
    /// Figure for the baseline period.
    pub baseline_value: Option<Figure>,
}

/// The latest figures of a measure.
#[derive(Debug, Serialize, ToSchema)]
pub struct DashboardMeasureFigures {
    /// Measure the record is for.
    pub measure_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Title.
    pub title: Text<200>,
    /// Unit of the measure's figures.
    pub unit: MeasureUnit,
    /// Which direction is better.
    pub direction: Direction,
    /// Form in which the caller sees its figures.
    pub figures: ShownFigures,
    /// Latest period with figures; null if the measure has no figures.
    pub period: Option<Period>,
    /// The total first, then the categories of each characteristic that the dashboard shows.
    #[schema(max_items = 5000)]
    pub rows: Vec<DashboardFigureRow>,
}

/// Current figures of a dashboard.
#[derive(Debug, Serialize, ToSchema)]
pub struct DashboardFigures {
    /// The dashboard.
    pub dashboard_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Title.
    pub title: Text<200>,
    /// Progress so far.
    pub maturity: DashboardMaturity,
    /// How figures are released.
    pub release: ReleaseRule,
    /// Its measures, in the dashboard's order.
    #[schema(max_items = 100)]
    pub measures: Vec<DashboardMeasureFigures>,
}

impl View for DashboardFigures {
    fn fields(&self) -> Vec<Field> {
        let of_measure = ["measure", "title", "unit", "figures"].map(Field::named);
        let period = fields_of::<Period>();
        of_measure
            .into_iter()
            .chain(period.into_iter().map(|field| field.within("period")))
            .chain(fields_of::<DashboardFigureRow>())
            .collect()
    }
    fn rows(&self) -> Vec<Value> {
        let of = |m: &DashboardMeasureFigures, row: &DashboardFigureRow| {
            let mut cells = object(
                json!({ "measure": m.reference, "title": m.title, "unit": m.unit, "figures": m.figures, "period": m.period }),
            );
            cells.extend(object(json!(row)));
            Value::Object(cells)
        };
        self.measures
            .iter()
            .flat_map(|m| m.rows.iter().map(move |r| of(m, r)))
            .collect()
    }
}

fn row(
    seen: &VisibleWorld,
    measure: &Rec<Measure>,
    observation: &Rec<Observation>,
) -> DashboardFigureRow {
    let category = observation.data.breakdown.first();
    let classification = category.and_then(|c| seen.get::<Classification>(c.classification_id));
    let figure = figures(seen, observation);
    let last = observation.data.period.until_on;
    let target = seen
        .pointing::<MeasureTarget>(measure.meta.id)
        .find(|t| *t.data.breakdown == *observation.data.breakdown && t.data.period.contains(last));
    let baseline_period = target.and_then(|t| t.data.baseline_period);
    let baseline: Option<Figures> = baseline_period.and_then(|period| {
        let key = table_of(measure.meta.id, period);
        let found = seen
            .unique_from::<Observation>(&key)
            .find(|o| o.data.breakdown == observation.data.breakdown)?;
        Some(figures(seen, found))
    });
    let target_value = target.map(|t| t.data.target_value);
    let is_met = match (figure.value, target_value, measure.data.direction) {
        (Some(value), Some(target), Direction::HigherIsBetter) => Some(value >= target),
        (Some(value), Some(target), Direction::LowerIsBetter) => Some(value <= target),
        _ => None,
    };
    DashboardFigureRow {
        characteristic: classification.map(|c| c.data.characteristic),
        classification_id: category.map(|c| c.classification_id).map(Into::into),
        code: category.map(|c| (&c.code).into()),
        label: category
            .zip(classification)
            .and_then(|(c, k)| k.data.label(&c.code))
            .map(Text::cut),
        observation_id: observation.meta.id,
        state: figure.state,
        value: figure.value,
        numerator: figure.numerator,
        denominator: figure.denominator,
        target_value,
        target_period: target.map(|t| t.data.period),
        is_met,
        baseline_period,
        baseline_state: baseline.map(|b| b.state),
        baseline_value: baseline.and_then(|b| b.value),
    }
}

fn latest(asked: &Asked, measure: &Rec<Measure>, by: &[Characteristic]) -> DashboardMeasureFigures {
    let seen = &asked.seen;
    let period = periods(seen, measure.meta.id)
        .into_iter()
        .find(|p| p.from_on <= asked.on);
    let key = period
        .map(|p| table_of(measure.meta.id, p))
        .unwrap_or_default();
    let is_shown = |o: &&Rec<Observation>| match &*o.data.breakdown {
        [] => true,
        [only] => seen
            .get::<Classification>(only.classification_id)
            .is_some_and(|c| by.contains(&c.data.characteristic)),
        _ => false,
    };
    let rows = period.map(|_| {
        let found = seen.unique_from::<Observation>(&key).filter(is_shown);
        found.map(|o| row(seen, measure, o)).collect()
    });
    DashboardMeasureFigures {
        measure_id: measure.meta.id,
        reference: (&measure.meta.reference).into(),
        title: (&measure.data.title).into(),
        unit: measure.data.unit,
        direction: measure.data.direction,
        figures: shown(seen, measure),
        period,
        rows: rows.unwrap_or_default(),
    }
}

fn dashboard(asked: &Asked) -> Result<DashboardFigures, Problem> {
    let dashboard = asked
        .seen
        .get::<Dashboard>(asked.id()?)
        .ok_or_else(Problem::not_found)?;
    let measures = dashboard
        .data
        .measure_ids
        .iter()
        .filter_map(|id| asked.seen.get::<Measure>(*id));
    Ok(DashboardFigures {
        dashboard_id: dashboard.meta.id,
        reference: (&dashboard.meta.reference).into(),
        title: (&dashboard.data.title).into(),
        maturity: dashboard.computed.maturity,
        release: rule(&asked.seen),
        measures: measures
            .map(|m| latest(asked, m, &dashboard.data.characteristics))
            .collect(),
    })
}

/// The operations of these views.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let periods = || {
        query(
            "periods",
            "Number of periods to return, latest first.",
            json!({ "type": "integer", "minimum": 1, "maximum": MOST_PERIODS, "default": PERIODS }),
        )
    };
    let about = "Returns, for each characteristic and period, the number of categories that have \
        a figure, have none, or have one that is suppressed. A characteristic that a measure \
        should be broken down by, but has no classification for, is listed with zeros.";
    vec![
        operation(
            "/api/v1/availability",
            "getAvailability",
            Subject::Performance,
            all,
        )
        .takes([periods()])
        .says(
            "Views",
            "List the availability of figures for all measures",
            about,
        ),
        operation(
            "/api/v1/measures/{id}/availability",
            "getMeasureAvailability",
            Subject::Performance,
            one,
        )
        .takes([id_parameter("measure"), periods()])
        .says(
            "Views",
            "Get the availability of figures for a measure",
            about,
        ),
        operation(
            "/api/v1/dashboards/{id}/figures",
            "getDashboardFigures",
            Subject::Performance,
            dashboard,
        )
        .takes([id_parameter("dashboard")])
        .says(
            "Views",
            "Get the figures of a dashboard",
            "Returns the latest figures of its measures, in total and by its characteristics, \
                with the target in force and the figure they are compared with. Figures are in \
                the form that the caller may see.",
        ),
    ]
}

/// The schemas of these views.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<AvailabilityView>(schemas);
    add_answer::<DashboardFigures>(schemas);
}
