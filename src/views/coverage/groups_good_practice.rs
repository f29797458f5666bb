//! Business groups against good practice, by whether it was published by plan or ad hoc.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use strum::VariantArray;
use uuid::Uuid;

use super::answer::{CoverageMatrix, CoverageView};
use super::lines::AS_TABLE;
use super::matrix::{Line, Matrix};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::communications::{GoodPractice, PracticeBasis};
use crate::registers::organisation::{Unit, UnitKind};
use crate::views::good_practice::published;
use crate::views::request::{self, Asked};
use crate::world::{IdSet, Rec};

pub(super) fn operation() -> Operation {
    request::operation(
        "/api/v1/coverage/groups-good-practice",
        "getCoverageGroupsGoodPractice",
        Subject::PlanItem,
        compute,
    )
    .says(
        "Views",
        "Show business groups against good practice",
        &format!(
            "Returns business groups against published examples of good practice, by plan or ad \
                hoc. Examples of a unit below a group count for the group. {AS_TABLE}"
        ),
    )
}

fn compute(asked: &Asked) -> Result<CoverageView, Problem> {
    let seen = &asked.seen;
    let is_group =
        |u: &&Rec<Unit>| u.data.unit_kind == UnitKind::BusinessGroup && asked.is_active(*u);
    let mut rows: BTreeMap<Uuid, Line> = seen
        .live::<Unit>()
        .filter(is_group)
        .map(|u| (u.meta.id, Line::of(&u.meta, &u.data.title)))
        .collect();
    let groups: IdSet = rows.keys().copied().collect();
    let mut examples: Vec<(Uuid, &Rec<GoodPractice>)> = Vec::new();
    for (example, units) in published(seen) {
        let of: Vec<Uuid> = units
            .iter()
            .copied()
            .filter(|u| groups.contains(u))
            .collect();
        let own = example.data.unit_id.uuid();
        if of.is_empty() {
            if let Entry::Vacant(place) = rows.entry(own)
                && let Some(unit) = seen.get::<Unit>(own)
            {
                let line = Line::of(&unit.meta, &unit.data.title);
                place.insert(line.with_note("not a business group or part of one".to_owned()));
            }
            examples.push((own, example));
        }
        examples.extend(of.into_iter().map(|group| (group, example)));
    }
    let code = |b: PracticeBasis| Uuid::from_u128(b as u128);
    let columns = PracticeBasis::VARIANTS
        .iter()
        .map(|b| (code(*b), Line::of_code(b)));
    let mut matrix = Matrix::new(rows.into_iter().collect(), columns.collect());
    for (of, example) in examples {
        if let Some(cell) = matrix.cell(of, code(example.data.basis)) {
            cell.mark("example");
        }
    }
    Ok(matrix.into_view(asked, CoverageMatrix::GroupsGoodPractice))
}
