//! Measures against the protected characteristics for which there are figures.

use uuid::Uuid;

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::{AS_TABLE, measures};
use super::matrix::{Line, Matrix};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::performance::Characteristic;
use crate::views::performance::availability;
use crate::views::request::{self, Asked};

/// The nine protected characteristics of the Equality Act 2010, section 4.
const PROTECTED: [Characteristic; 9] = [
    Characteristic::Age,
    Characteristic::Disability,
    Characteristic::GenderReassignment,
    Characteristic::MarriageCivilPartnership,
    Characteristic::PregnancyMaternity,
    Characteristic::Race,
    Characteristic::ReligionBelief,
    Characteristic::Sex,
    Characteristic::SexualOrientation,
];

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/measures-characteristics",
        "getCoverageMeasuresCharacteristics",
        Subject::PlanItem,
        compute,
    )
    .says(
        "Views",
        "Show measures against protected characteristics",
        &format!(
            "Returns measures against the nine protected characteristics of the Equality Act \
                2010: whether there are figures for the latest period, as visible to the \
                caller. A cell that is only `wanted` is a gap. {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let (measures, rows) = measures(seen);
    let code = |c: Characteristic| Uuid::from_u128(c as u128);
    let columns = PROTECTED.map(|c| (code(c), Line::of_code(&c)));
    let mut matrix = Matrix::new(rows, columns.into());
    for measure in &measures {
        // Only the latest period counts. Older figures are not coverage.
        for row in availability(seen, measure, 1).rows {
            let Some(cell) = row
                .characteristic
                .and_then(|c| matrix.cell(measure.meta.id, code(c)))
            else {
                continue;
            };
            cell.count += row.present;
            for (mark, n) in [
                ("figures", row.present),
                ("suppressed", row.suppressed),
                ("missing", row.missing),
                ("not_stated", row.not_stated),
            ] {
                if n > 0 {
                    cell.marks.insert(mark.to_owned());
                }
            }
            cell.is_filled |= row.present + row.suppressed > 0;
            if !cell.is_filled {
                cell.marks.insert("wanted".to_owned());
            }
        }
    }
    Ok(matrix.into_view(asked, CoverageMatrix::MeasuresCharacteristics))
}
