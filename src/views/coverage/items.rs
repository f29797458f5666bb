//! Matrices with a row for every plan item. There are many items, so what is found of them is kept
//! by part ([`crate::views::kept`]).

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rayon::prelude::*;
use uuid::Uuid;

use super::answer::{CoverageCell, CoverageEntry, CoverageMatrix, CoverageView};
use super::lines::{is_listed, plans};
use super::matrix::{Line, MOST_CELLS, MOST_ENTRIES, Side, places};
use crate::registers::links::count;
use crate::registers::plan::WorkPlanItem;
use crate::views::kept::{Kept, Made, Part, Rows};
use crate::views::request::Asked;
use crate::world::record::BY_REFERENCE;
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{AnyRecord, IdMap, IdSet, Key, Rec, Resource, Text};

/// What a matrix of items depends on besides the world.
#[derive(PartialEq)]
pub struct Basis {
    matrix: CoverageMatrix,
    on: NaiveDate,
    visibility: Visibility,
    plans: IdSet,
    columns: IdSet,
}

/// One item of a matrix.
struct Item {
    /// Place of the record in its part.
    row: u16,
    /// Number of its cells.
    filled: u32,
}

/// The items of one part, by reference.
#[derive(Default)]
pub struct Items {
    items: Vec<Item>,
    /// Number of cells in each column.
    columns: IdMap<u32>,
}

impl Made for Items {
    fn finish(&mut self, rows: &Rows) {
        let ranks = rows.ranks();
        self.items
            .sort_unstable_by_key(|item| ranks.get(usize::from(item.row)).copied());
        self.items.shrink_to_fit();
    }
}

/// What is kept of these matrices.
pub type KeptItems = Kept<Basis, Items>;

/// What one of these matrices has in its cells.
pub(super) struct Cells {
    pub(super) matrix: CoverageMatrix,
    /// How an item and a column are related.
    pub(super) mark: &'static str,
    /// The records that an item has cells with, some of them several times.
    pub(super) of: fn(&VisibleWorld, &Rec<WorkPlanItem>) -> Vec<Uuid>,
    /// Further information on an item.
    pub(super) note: fn(&Rec<WorkPlanItem>) -> Option<String>,
}

/// A matrix being built.
pub(super) struct ItemsMatrix<'a> {
    asked: &'a Asked,
    cells: Cells,
    parts: Vec<Arc<Part<Items>>>,
    pub(super) columns: Vec<Line>,
    pub(super) column_of: HashMap<Uuid, usize>,
}

fn item(record: &Arc<dyn AnyRecord>) -> Option<&Rec<WorkPlanItem>> {
    record.as_any().downcast_ref()
}

impl<'a> ItemsMatrix<'a> {
    /// Finds the items of a plan, of a strategy, or of all plans, and counts their cells.
    pub(super) fn new(
        asked: &'a Asked,
        kept: &KeptItems,
        of: (Option<Uuid>, Option<Uuid>),
        cells: Cells,
        columns: Vec<(Uuid, Line)>,
    ) -> Self {
        let seen = &asked.seen;
        let (mut columns, column_of) = places(columns);
        let plans = plans(asked, of);
        let basis = Basis {
            matrix: cells.matrix,
            on: asked.on,
            visibility: seen.visibility().clone(),
            plans: plans.clone(),
            columns: column_of.keys().copied().collect(),
        };
        let catalogue = seen.reading(asked.on).world.catalogue();
        let kind: Vec<usize> = catalogue.index_of(WorkPlanItem::KIND).into_iter().collect();
        let parts = kept.of(seen, basis, &kind, |items, row, record| {
            let Some(item) = item(record).filter(|i| is_listed(i, &plans)) else {
                return;
            };
            let mut of_item = (cells.of)(seen, item);
            of_item.retain(|id| column_of.contains_key(id));
            of_item.sort_unstable();
            of_item.dedup();
            for id in &of_item {
                *items.columns.entry(*id).or_default() += 1;
            }
            items.items.push(Item {
                row,
                filled: count(of_item.len()),
            });
        });
        for (id, n) in parts.iter().flat_map(|part| &part.made.columns) {
            let line = column_of.get(id).and_then(|at| columns.get_mut(*at));
            if let Some(line) = line {
                line.filled += n;
            }
        }
        Self {
            asked,
            cells,
            parts,
            columns,
            column_of,
        }
    }

    pub(super) fn into_view(self) -> CoverageView {
        let mut all: Vec<(Key, &Arc<dyn AnyRecord>, u32)> = Vec::new();
        for part in &self.parts {
            let items = part.made.items.iter();
            all.extend(items.filter_map(|item| {
                let record = part.rows.at(item.row)?;
                Some((record.key(BY_REFERENCE), record, item.filled))
            }));
        }
        // References are mostly in the order of creation, so this is nearly sorted.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let filled_count: usize = all.iter().map(|(.., filled)| *filled as usize).sum();
        let is_gap = |(.., filled): &&(Key, &Arc<dyn AnyRecord>, u32)| *filled == 0;
        let gap_count = all.iter().filter(is_gap).count();
        let entries = |is_wanted: bool| -> Vec<CoverageEntry> {
            let wanted = all.iter().filter(|row| is_gap(row) == is_wanted);
            let wanted: Vec<_> = wanted.take(MOST_ENTRIES).collect();
            let wanted = wanted.par_iter();
            wanted
                .map(|(_, record, filled)| self.entry(record, *filled))
                .collect()
        };
        let mut left = MOST_CELLS;
        let first = all.iter().take_while(|(.., filled)| {
            let is_wanted = left > 0;
            left = left.saturating_sub(*filled as usize);
            is_wanted
        });
        let first: Vec<_> = first.filter(|row| !is_gap(row)).collect();
        let keys: Vec<Arc<str>> = self.columns.iter().map(|c| c.key.as_str().into()).collect();
        let marks: Arc<[Text<60>]> = [Text::cut(self.cells.mark)].into();
        let cells = first.par_iter().flat_map_iter(|(_, record, _)| {
            let of_item = item(record).map(|item| (self.cells.of)(&self.asked.seen, item));
            let places = of_item.into_iter().flatten();
            let mut places: Vec<usize> = places
                .filter_map(|id| self.column_of.get(&id).copied())
                .collect();
            places.sort_unstable();
            let row: Arc<str> = record.meta().id.to_string().into();
            let cell = |places: &[usize]| {
                Some(CoverageCell {
                    row: Arc::clone(&row),
                    column: Arc::clone(keys.get(*places.first()?)?),
                    marks: Arc::clone(&marks),
                    count: count(places.len()),
                    is_filled: true,
                    turnout: None,
                    collective_turnout: None,
                })
            };
            let cells = places.chunk_by(|a, b| a == b).filter_map(cell);
            cells.collect::<Vec<_>>()
        });
        let mut cells: Vec<CoverageCell> = cells.collect();
        cells.truncate(MOST_CELLS);
        let rows = Side {
            count: all.len(),
            covered: entries(false),
            gaps: entries(true),
            gap_count,
        };
        CoverageView::of(
            self.asked,
            self.cells.matrix,
            (rows, Side::of(&self.columns)),
            (cells, filled_count, filled_count),
        )
    }

    fn entry(&self, record: &Arc<dyn AnyRecord>, filled: u32) -> CoverageEntry {
        let meta = record.meta();
        CoverageEntry {
            key: Text::cut(meta.id.to_string()),
            reference: (&meta.reference).into(),
            title: Text::cut(record.title().unwrap_or_default()),
            filled,
            note: item(record).and_then(self.cells.note).map(Text::cut),
        }
    }
}
