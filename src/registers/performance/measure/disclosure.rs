//! Disclosure control: which figures could reveal something about individuals, and how the other
//! figures are rounded. S33
//!
//! *Primary*: a figure is suppressed if it is based on fewer people or cases than the settings
//! require, if its complement is, or if it is not known what it is based on. *Secondary*: if a
//! total, an aggregate or a row would reveal a suppressed figure by subtraction, the next smallest
//! figure is suppressed as well. The remaining figures are rounded: counts to a multiple, and the
//! others from rounded counts. The README says what this does not protect against.

use std::collections::HashMap;

use uuid::Uuid;

use crate::registers::performance::measure::classification::Classification;
use crate::registers::performance::measure::observation::{
    Observation, ObservationState, table_of,
};
use crate::registers::performance::measure::{BreakdownCategory, Measure, MeasureUnit};
use crate::registers::performance::period::Figure;
use crate::registers::settings::{Suppression, suppression};
use crate::world::Rec;
use crate::world::visible::DisclosureContext;

/// The figures of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    pub state: ObservationState,
    pub value: Option<Figure>,
    pub numerator: Option<u64>,
    pub denominator: Option<u64>,
}

impl Figures {
    /// The same figures without their values. Figures that are present are marked as suppressed.
    #[must_use]
    pub fn suppressed(self) -> Self {
        match self.state {
            ObservationState::Present => Self {
                state: ObservationState::Suppressed,
                ..Self::default()
            },
            state => Self {
                state,
                ..Self::default()
            },
        }
    }

    /// Numerator and denominator, as recorded or as implied by the value.
    fn parts(&self, measure: &Measure) -> Option<(u64, u64)> {
        let (value, of) = (self.value?.as_f64(), self.denominator?);
        let counted = match self.numerator {
            Some(n) => n,
            None => (value * of as f64 / per(measure)?).round().max(0.0) as u64,
        };
        Some((counted, of))
    }

    /// The smallest number of people or cases the figure could reveal: those it counts, those it
    /// leaves out, or those it is based on. 0 if not known.
    fn size(&self, measure: &Measure) -> u64 {
        let given = [self.numerator, self.denominator].into_iter().flatten();
        let least = match measure.unit {
            MeasureUnit::Count => self.value.and_then(Figure::as_count),
            MeasureUnit::Percent | MeasureUnit::Rate => self.parts(measure).map(|(n, of)| {
                let rest = of.checked_sub(n).unwrap_or(of);
                n.min(rest).min(of)
            }),
            MeasureUnit::Score | MeasureUnit::Days | MeasureUnit::Pounds => self.denominator,
        };
        given.chain([least.unwrap_or(0)]).min().unwrap_or(0)
    }

    /// Rounds the figures.
    #[must_use]
    fn rounded(self, measure: &Measure, rule: Suppression) -> Self {
        let decimals = |number: f64, places: i32| {
            let unit = 10_f64.powi(places);
            Figure::nearest((number * unit).round() / unit)
        };
        let value =
            self.value.and_then(
                |value| match (measure.unit, self.parts(measure), per(measure)) {
                    (MeasureUnit::Count, ..) => value
                        .as_count()
                        .and_then(|n| Figure::whole(nearest(n, rule))),
                    (_, Some((n, of)), Some(per)) => {
                        let plain = n as f64 * per / of.max(1) as f64;
                        // The value is weighted if it differs from what its counts give.
                        // A value from the exact counts would give them away; from the rounded
                        // counts it says no more than they do. A weighted value does not follow
                        // from its counts, so it is rounded on its own.
                        if (plain - value.as_f64()).abs() <= per / 100.0 {
                            decimals(
                                nearest(n, rule) as f64 * per / nearest(of, rule).max(1) as f64,
                                1,
                            )
                        } else {
                            decimals(value.as_f64(), 0)
                        }
                    }
                    _ => decimals(value.as_f64(), 1),
                },
            );
        Self {
            state: self.state,
            value,
            numerator: self.numerator.map(|n| nearest(n, rule)),
            denominator: self.denominator.map(|n| nearest(n, rule)),
        }
    }
}

/// The factor by which a percentage or rate is multiplied.
fn per(measure: &Measure) -> Option<f64> {
    match measure.unit {
        MeasureUnit::Percent => Some(100.0),
        MeasureUnit::Rate => measure.rate_per.map(f64::from),
        _ => None,
    }
}

/// Rounds to the nearest multiple, upwards if two are equally near. A count that is rounded never
/// becomes 0.
fn nearest(count: u64, rule: Suppression) -> u64 {
    match u64::from(rule.round_to) {
        0 | 1 => count,
        to => ((count.saturating_add(to / 2)) / to)
            .max(1)
            .saturating_mul(to),
    }
}

/// One figure of a table. A table is all the figures of a measure for one period.
#[derive(Debug, Clone)]
pub struct Cell {
    pub breakdown: Vec<BreakdownCategory>,
    /// The smallest number of people or cases the figure could reveal.
    pub size: u64,
    /// Whether it is hidden in any case, because its marking is above the caller's clearance.
    pub is_hidden: bool,
}

/// Figures that add up: the total, if it is recorded, and the parts.
struct Sum {
    whole: Option<usize>,
    parts: Vec<usize>,
}

/// Returns which cells must be suppressed. `aggregates` gives the members of each aggregate of a
/// classification.
#[must_use]
pub fn suppress(
    cells: &[Cell],
    aggregates: &dyn Fn(Uuid) -> Vec<(String, Vec<String>)>,
    below: u64,
) -> Vec<bool> {
    let mut gone: Vec<bool> = cells
        .iter()
        // A cell that is marked above the caller's clearance must not be found by subtraction
        // either, so it is protected like a small one.
        .map(|c| c.is_hidden || c.size < below)
        .collect();
    let sums = sums(cells, aggregates);
    // Suppressing a cell for one sum may reveal a cell in another, so repeat until nothing more is
    // suppressed.
    let mut is_settled = false;
    while !is_settled {
        is_settled = true;
        for sum in &sums {
            while let Some(cell) =
                gives_away(sum, cells, &gone, below).and_then(|n| gone.get_mut(n))
            {
                (*cell, is_settled) = (true, false);
            }
        }
    }
    gone
}

/// What figures that add up to one total have in common: the rest of their breakdown, and the
/// classification they are summed over.
type Group = (Vec<BreakdownCategory>, Uuid);

/// Returns a further cell to suppress if a sum reveals a suppressed one.
fn gives_away(sum: &Sum, cells: &[Cell], gone: &[bool], below: u64) -> Option<usize> {
    let is_gone = |n: &usize| gone.get(*n).copied().unwrap_or(false);
    let size = |n: usize| cells.get(n).map_or(0, |c| c.size);
    let hides_whole = sum.whole.is_some_and(|w| is_gone(&w));
    let hidden: Vec<usize> = sum.parts.iter().copied().filter(is_gone).collect();
    let unknown = hidden.len() + usize::from(hides_whole);
    // Cells that hide each other must together reach the minimum size of a single cell.
    let too_few = !hides_whole && hidden.iter().map(|n| size(*n)).sum::<u64>() < below;
    if unknown == 0 || (unknown > 1 && !too_few) {
        return None;
    }
    // The smallest, because suppressing it loses the least.
    let shown = sum.parts.iter().copied().filter(|n| !is_gone(n));
    shown.min_by_key(|n| size(*n))
}

fn sums(cells: &[Cell], aggregates: &dyn Fn(Uuid) -> Vec<(String, Vec<String>)>) -> Vec<Sum> {
    let at: HashMap<&[BreakdownCategory], usize> = cells
        .iter()
        .enumerate()
        .map(|(n, c)| (c.breakdown.as_slice(), n))
        .collect();
    // Grouped by the fixed part of the breakdown and the classification that varies.
    let mut groups: HashMap<Group, Vec<(&str, usize)>> = HashMap::new();
    for (n, cell) in cells.iter().enumerate() {
        for (place, category) in cell.breakdown.iter().enumerate() {
            let mut fixed = cell.breakdown.clone();
            fixed.remove(place);
            let group = groups
                .entry((fixed, category.classification_id.uuid()))
                .or_default();
            group.push((&category.code, n));
        }
    }
    let mut sums = Vec::new();
    // In a fixed order: which cell is suppressed depends on it, and every replica must suppress the
    // same.
    let mut keys: Vec<_> = groups.keys().collect();
    keys.sort();
    for key in keys {
        let Some(group) = groups.get(key) else {
            continue;
        };
        add_sums(
            &mut sums,
            at.get(key.0.as_slice()).copied(),
            group,
            &aggregates(key.1),
        );
    }
    sums
}

/// Adds the sums of a group: a total is the sum of its categories; an aggregate is the sum of its
/// members; the total is also an aggregate plus the categories outside it; and a wide aggregate is
/// a narrower one plus the rest of its members.
fn add_sums(
    sums: &mut Vec<Sum>,
    whole: Option<usize>,
    group: &[(&str, usize)],
    aggregates: &[(String, Vec<String>)],
) {
    let is_aggregate = |code: &str| aggregates.iter().any(|(a, _)| a == code);
    let cell_of = |code: &str| group.iter().find(|(c, _)| *c == code).map(|(_, n)| *n);
    let those = |wanted: &dyn Fn(&str) -> bool| -> Vec<usize> {
        group
            .iter()
            .filter(|(c, _)| !is_aggregate(c) && wanted(c))
            .map(|(_, n)| *n)
            .collect()
    };
    sums.push(Sum {
        whole,
        parts: those(&|_| true),
    });
    for (code, members) in aggregates {
        let Some(cell) = cell_of(code) else { continue };
        let is_member = |c: &str| members.iter().any(|m| m == c);
        sums.push(Sum {
            whole: Some(cell),
            parts: those(&is_member),
        });
        let mut parts = those(&|c| !is_member(c));
        parts.push(cell);
        sums.push(Sum { whole, parts });
        for (narrow, inner) in aggregates.iter().filter(|(n, _)| n != code) {
            let Some(part) = cell_of(narrow).filter(|_| inner.iter().all(|m| is_member(m))) else {
                continue;
            };
            let mut parts = those(&|c| is_member(c) && !inner.iter().any(|m| m == c));
            parts.push(part);
            sums.push(Sum {
                whole: Some(cell),
                parts,
            });
        }
    }
}

/// Returns which observations of a table are suppressed for the caller.
fn table(
    context: &DisclosureContext<'_>,
    key: &[u8],
    measure: &Measure,
    rule: Suppression,
) -> HashMap<Uuid, bool> {
    let rows = context
        .world
        .table_of::<Observation>()
        .into_iter()
        .flat_map(|t| t.unique_from(key));
    let (ids, cells): (Vec<Uuid>, Vec<Cell>) = rows
        .filter_map(|r| r.as_any().downcast_ref::<Rec<Observation>>())
        // A figure that is not present reveals nothing and cannot be used to subtract.
        .filter(|o| o.data.recorded().state == ObservationState::Present)
        .map(|o| {
            let cell = Cell {
                breakdown: o.data.breakdown.to_vec(),
                size: o.data.recorded().size(measure),
                is_hidden: !context.may_see(o.meta.id),
            };
            (o.meta.id, cell)
        })
        .unzip();
    let aggregates = |id: Uuid| {
        let classification = context.world.get::<Classification>(id);
        let of = |c: &Rec<Classification>| {
            c.data
                .legacy_aggregates
                .iter()
                .map(|a| {
                    let members = a.member_codes.iter().map(String::from).collect();
                    (a.code.to_string(), members)
                })
                .collect()
        };
        classification.map(of).unwrap_or_default()
    };
    ids.into_iter()
        .zip(suppress(&cells, &aggregates, rule.below.into()))
        .collect()
}

/// The figures of an observation as released, given the other figures in its table. A withdrawn
/// observation is no longer in the table and shows none.
#[must_use]
pub fn release(observation: &Rec<Observation>, context: Option<&DisclosureContext<'_>>) -> Figures {
    let recorded = observation.data.recorded();
    let Some(context) = context else {
        return recorded.suppressed();
    };
    let Some(measure) = context.world.get::<Measure>(observation.data.measure_id) else {
        return recorded.suppressed();
    };
    let rule = suppression(context.now);
    let key = table_of(observation.data.measure_id.uuid(), observation.data.period);
    let table = context.once(key.clone(), || table(context, &key, &measure.data, rule));
    match table.get(&observation.meta.id) {
        // What is not in the table was not checked against the other figures, so it is not shown.
        Some(false) => recorded.rounded(&measure.data, rule),
        _ => recorded.suppressed(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::lists::some;

    const RULE: Suppression = Suppression {
        below: 10,
        round_to: 5,
    };
    const RACE: Uuid = Uuid::from_u128(1);
    const SEX: Uuid = Uuid::from_u128(2);

    fn measure(unit: &str) -> Measure {
        let rate_per = (unit == "rate").then_some(1_000);
        serde_json::from_value(json!({ "title": "x", "unit": unit, "rate_per": rate_per }))
            .expect("a measure")
    }

    fn figures(value: f64, numerator: Option<u64>, denominator: Option<u64>) -> Figures {
        Figures {
            state: ObservationState::Present,
            value: Figure::nearest(value),
            numerator,
            denominator,
        }
    }

    fn cell(by: &[(Uuid, &str)], size: u64) -> Cell {
        let category = |(id, code): &(Uuid, &str)| BreakdownCategory {
            classification_id: (*id).into(),
            code: crate::registers::performance::measure::classification::CategoryCode::known(
                *code,
            ),
        };
        Cell {
            breakdown: by.iter().map(category).collect(),
            size,
            is_hidden: false,
        }
    }

    fn none(_: Uuid) -> Vec<(String, Vec<String>)> {
        Vec::new()
    }

    #[test]
    fn a_figure_tells_of_the_fewest_it_counts_or_leaves_out() {
        let size = |unit: &str, value, n, of| figures(value, n, of).size(&measure(unit));
        assert_eq!(size("count", 7.0, None, None), 7);
        assert_eq!(size("count", 700.0, None, Some(8)), 8);
        assert_eq!(
            size("percent", 98.0, None, Some(100)),
            2,
            "those left out are few"
        );
        assert_eq!(
            size("percent", 3.0, None, Some(100)),
            3,
            "the counted are few"
        );
        assert_eq!(size("percent", 50.0, Some(50), Some(100)), 50);
        assert_eq!(
            size("percent", 50.0, None, None),
            0,
            "nobody can say what it rests on"
        );
        assert_eq!(size("rate", 20.0, None, Some(1_000)), 20);
        assert_eq!(size("score", 3.4, None, Some(30)), 30);
    }

    #[test]
    fn what_is_shown_is_rounded() {
        let value = |unit: &str, value, n, of| figures(value, n, of).rounded(&measure(unit), RULE);
        assert_eq!(
            value("count", 1_237.0, None, Some(2_401)),
            figures(1_235.0, None, Some(2_400))
        );
        assert_eq!(value("count", 12.0, None, None).value, Figure::whole(10));
        assert_eq!(
            value("percent", 33.3, Some(333), Some(1_000)),
            figures(33.5, Some(335), Some(1_000))
        );
        assert_eq!(
            value("percent", 33.3, None, Some(1_000)).value,
            Figure::nearest(33.5)
        );
        assert_eq!(
            value("percent", 41.27, Some(333), Some(1_000)).value,
            Figure::whole(41),
            "weighted"
        );
        assert_eq!(
            value("score", 3.4567, None, Some(30)).value,
            Figure::nearest(3.5)
        );
        assert_eq!(
            nearest(
                12,
                Suppression {
                    below: 10,
                    round_to: 25
                }
            ),
            25,
            "never 0"
        );
        assert_eq!(
            nearest(
                13,
                Suppression {
                    below: 0,
                    round_to: 0
                }
            ),
            13
        );
    }

    #[test]
    fn a_total_does_not_give_its_only_small_part_away() {
        let by = |code| {
            cell(
                &[(RACE, code)],
                match code {
                    "A" => 4,
                    "B" => 20,
                    _ => 300,
                },
            )
        };
        let cells = [cell(&[], 324), by("A"), by("B"), by("C")];
        assert_eq!(suppress(&cells, &none, 10), [false, true, true, false]);
        // Two small cells hide each other only if they are large enough together.
        let cells = [
            cell(&[], 112),
            cell(&[(RACE, "A")], 6),
            cell(&[(RACE, "B")], 6),
            cell(&[(RACE, "C")], 100),
        ];
        assert_eq!(suppress(&cells, &none, 10), [false, true, true, false]);
        let cells = [
            cell(&[], 102),
            cell(&[(RACE, "A")], 1),
            cell(&[(RACE, "B")], 1),
            cell(&[(RACE, "C")], 100),
        ];
        assert_eq!(suppress(&cells, &none, 10), [false, true, true, true]);
        assert_eq!(suppress(&cells, &none, 0), [false; 4]);
    }

    #[test]
    fn an_aggregate_does_not_give_its_members_away() {
        let bame = |_| vec![("BAME".to_owned(), vec!["A".to_owned(), "B".to_owned()])];
        let cells = [
            cell(&[], 400),
            cell(&[(RACE, "A")], 4),
            cell(&[(RACE, "B")], 30),
            cell(&[(RACE, "W1")], 100),
            cell(&[(RACE, "W2")], 266),
            cell(&[(RACE, "BAME")], 34),
        ];
        // B is suppressed with A because of the aggregate; the white categories then need not be
        // suppressed.
        assert_eq!(
            suppress(&cells, &bame, 10),
            [false, true, true, false, false, false]
        );
    }

    #[test]
    fn rows_and_columns_are_looked_at_together() {
        let mut cells = vec![cell(&[], 0)];
        let sizes = [[4, 40, 50], [60, 70, 80], [90, 100, 110]];
        for (row, a) in sizes.iter().zip(["A", "B", "C"]) {
            cells.push(cell(&[(RACE, a)], row.iter().sum()));
            for (size, s) in row.iter().zip(["F", "M", "X"]) {
                cells.push(cell(&[(RACE, a), (SEX, s)], *size));
            }
        }
        for (n, s) in ["F", "M", "X"].iter().enumerate() {
            cells.push(cell(&[(SEX, s)], sizes.iter().map(|r| r[n]).sum()));
        }
        cells[0].size = 604;
        let gone = suppress(&cells, &none, 10);
        assert_eq!(
            gone.iter().filter(|g| **g).count(),
            4,
            "the smallest square around it: {gone:?}"
        );
        let sums = sums(&cells, &none);
        assert!(some(&sums).all(|s| gives_away(s, &cells, &gone, 10).is_none()));
    }

    proptest! {
        /// Whatever the figures, no sum has exactly one suppressed part, and no small figure is
        /// shown.
        #[test]
        fn nothing_is_left_to_subtract(sizes in proptest::collection::vec(0_u64..40, 12), hidden in 0_usize..16) {
            let codes = ["A", "B", "C"];
            let mut cells = Vec::new();
            for (n, size) in sizes.iter().enumerate() {
                let (a, s) = (codes[n % 3], ["F", "M", "X", "Y"][n / 3]);
                cells.push(cell(&[(RACE, a), (SEX, s)], *size));
            }
            for a in codes {
                let size = cells.iter().filter(|c| c.breakdown.len() == 2 && c.breakdown[0].code == a).map(|c| c.size).sum();
                cells.push(cell(&[(RACE, a)], size));
            }
            cells.push(cell(&[], sizes.iter().sum()));
            if let Some(cell) = cells.get_mut(hidden) {
                cell.is_hidden = true;
            }
            let gone = suppress(&cells, &none, 10);
            for (c, gone) in cells.iter().zip(&gone) {
                prop_assert!(*gone || (c.size >= 10 && !c.is_hidden));
            }
            for sum in sums(&cells, &none) {
                let unknown = sum.parts.iter().chain(sum.whole.as_ref()).filter(|n| gone[**n]).count();
                let left = sum.parts.iter().filter(|n| !gone[**n]).count();
                prop_assert!(unknown != 1 || left == 0, "{unknown} unknown, {left} shown");
            }
        }
    }
}
