//! Plan items against the measures that report on them.

use std::sync::Arc;

use super::answer::{CoverageMatrix, CoverageView};
use super::items::{Cells, ItemsMatrix, KeptItems};
use super::lines::{AS_TABLE, measures, of_plan, plan_parameter, strategy_parameter};
use crate::http::Operation;
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::performance::Measure;
use crate::views::request::{self, Asked};
use crate::world::Rec;

pub(super) fn operation(kept: &Arc<KeptItems>) -> Operation {
    let kept = Arc::clone(kept);
    request::operation(
        "/api/v1/coverage/items-measures",
        "getCoverageItemsMeasures",
        Subject::PlanItem,
        move |asked| compute(asked, &kept),
    )
    .takes([strategy_parameter(), plan_parameter()])
    .says(
        "Views",
        "Show plan items against measures",
        &format!(
            "Returns plan items against recorded measures, with items that no measure reports \
                on (`note` says if an item has measures described in words) and measures \
                that report on no item. {AS_TABLE}"
        ),
    )
}

pub(super) fn compute(asked: &Asked, kept: &KeptItems) -> Result<CoverageView, Problem> {
    let (_, columns) = measures(&asked.seen);
    let cells = Cells {
        matrix: CoverageMatrix::ItemsMeasures,
        mark: "told_by",
        of: |seen, item| {
            let id = item.meta.id;
            let of_measure = |m: &Rec<Measure>| {
                let times = m.data.item_ids.iter().filter(|i| **i == id).count();
                std::iter::repeat_n(m.meta.id, times)
            };
            seen.pointing::<Measure>(id).flat_map(of_measure).collect()
        },
        note: |item| match item.data.measures.len() {
            0 => None,
            1 => Some("one measure described in words".to_owned()),
            n => Some(format!("{n} measures described in words")),
        },
    };
    Ok(ItemsMatrix::new(asked, kept, of_plan(asked)?, cells, columns).into_view())
}
