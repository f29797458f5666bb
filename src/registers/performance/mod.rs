//! Performance: data sources, measures, the figures themselves and how they are released, and the
//! dashboards that show them.

mod dashboard;
mod measure;
mod period;
mod source;
mod target;

pub use dashboard::{Dashboard, DashboardId, DashboardMaturity, DashboardVersion, is_overdue};
pub use measure::classification::{
    CategoryCode, Characteristic, Classification, ClassificationCategory, ClassificationId,
    LegacyAggregate,
};
pub use measure::disclosure::Figures;
pub use measure::observation::{Observation, ObservationState, ShownFigures, table_of};
pub use measure::{
    BreakdownCategory, Direction, Measure, MeasureGroup, MeasureId, MeasureState, MeasureUnit,
};
pub use period::{Figure, Period};
pub use source::{DataSource, DataSourceId, DataSourceState, FigureFrequency};
pub use target::MeasureTarget;

use crate::world::visible::VisibleWorld;
use crate::world::vocabulary::Vocabulary;
use crate::world::{Catalogue, Rec};

/// The figures of an observation as shown to the caller. Code outside this register reads figures
/// only through this function.
#[must_use]
pub fn figures(seen: &VisibleWorld, observation: &Rec<Observation>) -> Figures {
    seen.released(observation)
        .map_or_else(|| observation.data.recorded(), |(data, _)| data.recorded())
}

/// The vocabularies of this register.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<Characteristic>,
    Vocabulary::of::<DashboardMaturity>,
    Vocabulary::of::<DataSourceState>,
    Vocabulary::of::<Direction>,
    Vocabulary::of::<FigureFrequency>,
    Vocabulary::of::<MeasureGroup>,
    Vocabulary::of::<MeasureState>,
    Vocabulary::of::<MeasureUnit>,
    Vocabulary::of::<ObservationState>,
    Vocabulary::of::<ShownFigures>,
];

/// Adds the kinds of record in this register.
#[must_use]
pub fn register(catalogue: Catalogue) -> Catalogue {
    catalogue
        .with::<DataSource>()
        .with::<Classification>()
        .with::<Measure>()
        .with::<MeasureTarget>()
        .with::<Observation>()
        .with::<Dashboard>()
        .with::<DashboardVersion>()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::registers::checks::bodies::{check, long};

    #[test]
    fn sources_and_classifications() {
        check(
            "data_source",
            &[
                ("title", json!("")),
                ("title", long(201)),
                ("description", long(2001)),
                ("method", long(4001)),
                ("owner_unit_id", json!("HR")),
                ("frequency", json!("often")),
                ("state", json!("suspended")),
            ],
        );
        check(
            "classification",
            &[
                ("title", Value::Null),
                ("characteristic", json!("class")),
                ("version_label", json!("")),
                ("valid_from", json!("April 2020")),
                ("categories", json!([])),
                ("categories", json!([{ "code": "A B", "label": "x" }])),
                ("categories", json!([{ "code": "A" }])),
                (
                    "categories",
                    json!(vec![json!({ "code": "A", "label": "x" }); 201]),
                ),
                (
                    "legacy_aggregates",
                    json!([{ "code": "BME", "label": "x", "member_codes": [] }]),
                ),
                (
                    "legacy_aggregates",
                    json!([{ "code": "BME", "label": "x", "member_codes": [1] }]),
                ),
            ],
        );
    }

    #[test]
    fn measures_and_targets() {
        check(
            "measure",
            &[
                ("title", json!("")),
                ("unit", json!("people")),
                ("rate_per", json!(0)),
                ("rate_per", json!(1_000_001)),
                ("direction", json!("up")),
                ("group", json!("pay")),
                ("state", json!("published")),
                ("goal_ids", json!(["x"])),
                ("characteristics", json!(["class"])),
                ("classification_ids", json!("x")),
            ],
        );
        check(
            "measure_target",
            &[
                ("measure_id", Value::Null),
                ("period", json!("last year")),
                ("period", json!("2020-Q5")),
                ("target_value", json!("many")),
                ("target_value", json!(1_000_000_000)),
                ("baseline_period", json!("2019-Q9")),
                ("breakdown", json!([{ "code": "A1" }])),
                ("rationale", long(2001)),
            ],
        );
    }

    #[test]
    fn observations() {
        check(
            "observation",
            &[
                ("measure_id", Value::Null),
                ("period", json!("2020-Q0")),
                ("state", json!("unknown")),
                ("value", json!("125")),
                ("value", json!(1e10)),
                ("numerator", json!(-1)),
                ("numerator", json!(1.5)),
                ("denominator", json!(1_000_000_000)),
                (
                    "breakdown",
                    json!([{ "classification_id": "x", "code": "A1" }]),
                ),
                (
                    "breakdown",
                    json!(vec![
                        json!({ "classification_id": "019abcde-0000-7000-8000-000000000001", "code": "A1" });
                        3
                    ]),
                ),
                ("figures", json!("released")),
                ("from_on", json!("2020-07-01")),
            ],
        );
    }

    #[test]
    fn dashboards() {
        check(
            "dashboard",
            &[
                ("title", long(201)),
                ("board_id", json!("x")),
                ("measure_ids", json!([1])),
                ("promised", json!([{ "due": "September" }])),
                ("promised", json!([{ "stated_in": long(501) }])),
                ("maturity", json!("published")),
            ],
        );
        check(
            "dashboard_version",
            &[
                ("dashboard_id", Value::Null),
                ("label", json!("")),
                ("maturity", json!("final")),
                ("published_on", json!("soon")),
                ("document", long(501)),
            ],
        );
    }
}
