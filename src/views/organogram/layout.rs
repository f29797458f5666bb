//! Where boxes and lines go. Boxes are in the cells of a grid, with the body reported to above.
//! Lines run only in the channels between rows and the gutters between columns, so that none
//! crosses a box. Lines of the same kind to (or from) the same body share a trunk, as on paper.

use std::collections::{BTreeMap, BTreeSet};

/// Width of a box.
pub const BOX: i32 = 224;
/// Smallest width of a gutter and height of a channel, and what each line in it adds.
const GUTTER: i32 = 26;
const CHANNEL: i32 = 34;
const TRACK: i32 = 9;
/// Room for the heading above the bodies without lines.
const HEADING: i32 = 40;
/// Smallest and largest number of boxes in a row.
const COLUMNS: std::ops::RangeInclusive<usize> = 3..=6;

/// A line to be laid from one box to another: which of the two is above, and which end lines of its
/// kind share.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub from: usize,
    pub to: usize,
    /// Lines of different kinds share nothing.
    pub kind: usize,
    /// Whether it leads upwards. If so, `to` is above and is the shared end; otherwise `from` is.
    pub upwards: bool,
    /// Whether the end that is not shared has a mark.
    pub is_marked: bool,
}

impl Line {
    const fn upper(&self) -> usize {
        if self.upwards { self.to } else { self.from }
    }
    const fn lower(&self) -> usize {
        if self.upwards { self.from } else { self.to }
    }
}

/// A box in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub x: i32,
    pub y: i32,
    pub height: i32,
}

/// Where a line meets a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    pub x: i32,
    pub y: i32,
    /// Whether it meets the box from below.
    pub from_below: bool,
    pub is_marked: bool,
}

/// Lines of one kind that share a trunk.
#[derive(Debug)]
pub struct Net {
    pub kind: usize,
    pub hub: usize,
    pub leaves: Vec<usize>,
    pub upwards: bool,
    /// Straight pieces: x and y of both ends.
    pub pieces: Vec<(i32, i32, i32, i32)>,
    pub hub_ports: Vec<Port>,
    pub leaf_ports: Vec<Port>,
}

/// Everything in its place.
#[derive(Debug)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    pub boxes: Vec<Placed>,
    pub nets: Vec<Net>,
    /// Where the bodies without lines begin, if there are any as well as others.
    pub heading: Option<i32>,
}

/// Row and column of a box.
type Cell = (usize, usize);

/// One side of a box, for a net: box, whether it is the bottom.
type Side = (usize, bool);

/// The parts of a net that are known before anything has a size.
struct Route {
    kind: usize,
    hub: usize,
    upwards: bool,
    leaves: Vec<(usize, bool)>,
    /// Sides of boxes that meet each channel.
    meets: BTreeMap<usize, BTreeSet<Side>>,
    /// Gutters, each with the channels that it joins.
    gutters: BTreeMap<usize, BTreeSet<usize>>,
}

/// Puts boxes of these heights and these lines in their places.
#[must_use]
pub fn lay(heights: &[i32], lines: &[Line]) -> Layout {
    let lines: Vec<Line> = lines
        .iter()
        .filter(|l| l.from != l.to && l.from.max(l.to) < heights.len())
        .copied()
        .collect();
    let (cells, columns, loose_row) = cells(heights.len(), &lines);
    let rows = cells.iter().map(|(row, _)| row + 1).max().unwrap_or(0);
    let routes = routes(&cells, &lines);
    let cell = |n: usize| cells.get(n).copied().unwrap_or_default();

    // Across: gutters as wide as the lines in them need, then the columns. Nothing has a height
    // yet, so a stretch of a gutter is measured in channels: two lines may share a track if they
    // run past no channel in common.
    let mut gutter_tracks: BTreeMap<usize, Tracks> = BTreeMap::new();
    let mut in_gutter: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (n, route) in routes.iter().enumerate() {
        for (gutter, channels) in &route.gutters {
            let (first, last) = (
                channels.first().copied().unwrap_or(0),
                channels.last().copied().unwrap_or(0),
            );
            let track = gutter_tracks
                .entry(*gutter)
                .or_default()
                .take(to_i32(first), to_i32(last));
            in_gutter.insert((n, *gutter), track);
        }
    }
    let gutter_width = |g: usize| GUTTER + TRACK * gutter_tracks.get(&g).map_or(0, Tracks::count);
    let gutter_x = |g: usize| (0..g).map(|g| gutter_width(g) + BOX).sum::<i32>();
    let column_x = |c: usize| gutter_x(c) + gutter_width(c);
    let width = gutter_x(columns) + gutter_width(columns);
    let track_x = |net: usize, gutter: usize| {
        let track = in_gutter.get(&(net, gutter)).copied().unwrap_or(0);
        gutter_x(gutter) + GUTTER / 2 + TRACK * to_i32(track)
    };
    let ports = ports(&routes, &cells);
    let port_x = |net: usize, side: Side| {
        column_x(cell(side.0).1) + ports.get(&(net, side)).copied().unwrap_or(BOX / 2)
    };

    // Down: channels as high as the lines in them need, then the rows. This comes second because
    // what overlaps in a channel is known only when every port and gutter has its x.
    let mut channel_tracks: BTreeMap<usize, Tracks> = BTreeMap::new();
    let mut in_channel: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut spans: BTreeMap<(usize, usize), (i32, i32)> = BTreeMap::new();
    for (n, route) in routes.iter().enumerate() {
        for (channel, sides) in &route.meets {
            let at_ports = sides.iter().map(|side| port_x(n, *side));
            let at_gutters = route
                .gutters
                .iter()
                .filter(|(_, joins)| joins.contains(channel))
                .map(|(g, _)| track_x(n, *g));
            let xs: Vec<i32> = at_ports.chain(at_gutters).collect();
            let span = (
                xs.iter().min().copied().unwrap_or(0),
                xs.iter().max().copied().unwrap_or(0),
            );
            spans.insert((n, *channel), span);
            let track = channel_tracks
                .entry(*channel)
                .or_default()
                // Room at both ends, so that two trunks on one track do not look like one.
                .take(span.0 - TRACK, span.1 + TRACK);
            in_channel.insert((n, *channel), track);
        }
    }
    let channel_height = |k: usize| {
        let heading = if loose_row == Some(k) { HEADING } else { 0 };
        heading + CHANNEL + TRACK * channel_tracks.get(&k).map_or(0, Tracks::count)
    };
    let row_height = |row: usize| {
        let in_row = cells.iter().zip(heights).filter(|((r, _), _)| *r == row);
        in_row.map(|(_, h)| *h).max().unwrap_or(0)
    };
    let mut channel_y = vec![0];
    for k in 0..rows {
        let next = channel_y.last().copied().unwrap_or(0) + channel_height(k) + row_height(k);
        channel_y.push(next);
    }
    let channel_y = |k: usize| channel_y.get(k).copied().unwrap_or(0);
    let row_y = |row: usize| channel_y(row) + channel_height(row);
    let height = channel_y(rows) + channel_height(rows);
    let track_y = |net: usize, channel: usize| {
        let track = in_channel.get(&(net, channel)).copied().unwrap_or(0);
        channel_y(channel) + CHANNEL / 2 + TRACK * to_i32(track)
    };
    let boxes: Vec<Placed> = cells
        .iter()
        .zip(heights)
        .map(|((row, column), height)| Placed {
            x: column_x(*column),
            y: row_y(*row),
            height: *height,
        })
        .collect();

    let edge_y = |side: Side| {
        let placed = boxes.get(side.0).copied().unwrap_or(Placed {
            x: 0,
            y: 0,
            height: 0,
        });
        if side.1 {
            placed.y + placed.height
        } else {
            placed.y
        }
    };
    let net = |(n, route): (usize, &Route)| {
        let mut pieces = Vec::new();
        for (channel, sides) in &route.meets {
            let y = track_y(n, *channel);
            let (left, right) = spans.get(&(n, *channel)).copied().unwrap_or_default();
            if left < right {
                pieces.push((left, y, right, y));
            }
            pieces.extend(sides.iter().map(|side| {
                let x = port_x(n, *side);
                (x, edge_y(*side), x, y)
            }));
        }
        for (gutter, channels) in &route.gutters {
            let (x, ys) = (track_x(n, *gutter), channels.iter().map(|k| track_y(n, *k)));
            let ys: Vec<i32> = ys.collect();
            if let (Some(top), Some(bottom)) = (ys.iter().min(), ys.iter().max()) {
                pieces.push((x, *top, x, *bottom));
            }
        }
        let port = |side: Side, is_marked| Port {
            x: port_x(n, side),
            y: edge_y(side),
            from_below: side.1,
            is_marked,
        };
        let sides = || route.meets.values().flatten();
        let marked = |leaf: usize| route.leaves.iter().any(|(l, marked)| *l == leaf && *marked);
        Net {
            kind: route.kind,
            hub: route.hub,
            leaves: route.leaves.iter().map(|(l, _)| *l).collect(),
            upwards: route.upwards,
            pieces,
            hub_ports: sides()
                .filter(|s| s.0 == route.hub)
                .map(|s| port(*s, false))
                .collect(),
            leaf_ports: sides()
                .filter(|s| s.0 != route.hub)
                .map(|s| port(*s, marked(s.0)))
                .collect(),
        }
    };
    let nets = routes.iter().enumerate().map(net).collect();
    Layout {
        width,
        height,
        boxes,
        nets,
        heading: loose_row
            .filter(|row| *row > 0)
            .map(|row| row_y(row) - CHANNEL / 2),
    }
}

fn to_i32(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Parallel tracks, each with the stretches that are taken on it.
#[derive(Default)]
struct Tracks(Vec<Vec<(i32, i32)>>);

impl Tracks {
    /// The first track on which this stretch does not overlap another.
    fn take(&mut self, from: i32, until: i32) -> usize {
        let is_free = |taken: &Vec<(i32, i32)>| taken.iter().all(|(f, u)| *u < from || until < *f);
        let at = self.0.iter().position(is_free).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Vec::new());
        }
        if let Some(track) = self.0.get_mut(at) {
            track.push((from, until));
        }
        at
    }

    fn count(&self) -> i32 {
        to_i32(self.0.len())
    }
}

/// A cell for each box, the number of columns, and the row where the boxes without lines begin.
fn cells(count: usize, lines: &[Line]) -> (Vec<Cell>, usize, Option<usize>) {
    let tied: BTreeSet<usize> = lines.iter().flat_map(|l| [l.from, l.to]).collect();
    let columns = (count * 4 / 3)
        .isqrt()
        .clamp(*COLUMNS.start(), *COLUMNS.end());
    let mut cells = vec![(0, 0); count];
    let mut row = 0;
    let mut put = |members: &[usize]| {
        for chunk in members.chunks(columns) {
            let first = (columns - chunk.len()) / 2;
            for (n, member) in chunk.iter().enumerate() {
                if let Some(cell) = cells.get_mut(*member) {
                    *cell = (row, first + n);
                }
            }
            row += 1;
        }
        row
    };
    let mut next = 0;
    for layer in layers(count, lines, &tied) {
        next = put(&layer);
    }
    let loose: Vec<usize> = (0..count).filter(|n| !tied.contains(n)).collect();
    let loose_row = (!loose.is_empty()).then_some(next);
    put(&loose);
    (cells, columns, loose_row)
}

/// The boxes with lines, in layers: each is below everything that a line puts above it, as far as
/// possible. In a circle, the first of its boxes goes first.
fn layers(count: usize, lines: &[Line], tied: &BTreeSet<usize>) -> Vec<Vec<usize>> {
    let mut above: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
    let mut below: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); count];
    for line in lines {
        if let (Some(a), Some(b)) = (above.get_mut(line.lower()), below.get_mut(line.upper())) {
            a.insert(line.upper());
            b.insert(line.lower());
        }
    }
    let none = BTreeSet::new();
    let mut waits: BTreeMap<usize, usize> = tied
        .iter()
        .map(|n| (*n, above.get(*n).map_or(0, BTreeSet::len)))
        .collect();
    let mut depth: BTreeMap<usize, usize> = BTreeMap::new();
    while let Some(next) = waits
        .iter()
        // If every box left waits for another, they are in a circle or below one. The first of them
        // is placed as if it waited for nothing, which frees the others.
        .min_by_key(|(n, waits)| (**waits > 0, **n))
        .map(|(n, _)| *n)
    {
        waits.remove(&next);
        let over = above
            .get(next)
            .unwrap_or(&none)
            .iter()
            .filter_map(|n| depth.get(n));
        let own = over.max().map_or(0, |d| d + 1);
        depth.insert(next, own);
        for lower in below.get(next).unwrap_or(&none) {
            if let Some(waits) = waits.get_mut(lower) {
                *waits = waits.saturating_sub(1);
            }
        }
    }
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for (n, own) in &depth {
        if layers.len() <= *own {
            layers.resize(own + 1, Vec::new());
        }
        if let Some(layer) = layers.get_mut(*own) {
            layer.push(*n);
        }
    }
    // Places boxes below what they are linked to: at the average of the positions above.
    let mut place: BTreeMap<usize, i64> = BTreeMap::new();
    for layer in &mut layers {
        let middle = |n: usize| {
            let over: Vec<i64> = above
                .get(n)
                .unwrap_or(&none)
                .iter()
                .filter_map(|u| place.get(u).copied())
                .collect();
            let many = i64::try_from(over.len()).unwrap_or(1).max(1);
            over.iter().sum::<i64>() / many
        };
        layer.sort_by_cached_key(|n| (middle(*n), *n));
        // Measured from the middle, because rows of different lengths are centred on each other.
        let half = i64::try_from(layer.len()).unwrap_or(0) * 500;
        for (at, n) in (0i64..).zip(layer.iter()) {
            place.insert(*n, at * 1_000 - half);
        }
    }
    layers.retain(|layer| !layer.is_empty());
    layers
}

/// Which channels and gutters each trunk goes through.
fn routes(cells: &[Cell], lines: &[Line]) -> Vec<Route> {
    let cell = |n: usize| cells.get(n).copied().unwrap_or_default();
    let mut routes: BTreeMap<(usize, usize, bool), Route> = BTreeMap::new();
    for line in lines {
        let (hub, leaf) = (line.upper(), line.lower());
        let route = routes
            .entry((hub, line.kind, line.upwards))
            .or_insert_with(|| Route {
                kind: line.kind,
                hub,
                upwards: line.upwards,
                leaves: Vec::new(),
                meets: BTreeMap::new(),
                gutters: BTreeMap::new(),
            });
        route.leaves.push((leaf, line.is_marked));
        let ((hub_row, hub_column), (leaf_row, leaf_column)) = (cell(hub), cell(leaf));
        // The channel above a row has the row's number.
        let (hub_side, leaf_side) = match leaf_row.cmp(&hub_row) {
            std::cmp::Ordering::Greater => ((hub, true), (leaf, false)),
            // In one row both are met from above: they share that channel and need no gutter.
            std::cmp::Ordering::Equal => ((hub, false), (leaf, false)),
            std::cmp::Ordering::Less => ((hub, false), (leaf, true)),
        };
        let hub_channel = hub_row + usize::from(hub_side.1);
        let leaf_channel = leaf_row + usize::from(leaf_side.1);
        route.meets.entry(hub_channel).or_default().insert(hub_side);
        route
            .meets
            .entry(leaf_channel)
            .or_default()
            .insert(leaf_side);
        if hub_channel != leaf_channel {
            // The gutter next to the hub, on the side of the leaf: all leaves on that side share
            // it, and each is reached along the channel at its own row.
            let gutter = hub_column + usize::from(leaf_column >= hub_column);
            route
                .gutters
                .entry(gutter)
                .or_default()
                .extend([hub_channel, leaf_channel]);
        }
    }
    routes.into_values().collect()
}

/// Where each line meets the side of a box, measured from the left of the box, in the order of
/// where the lines come from. Lines at the top and lines at the bottom are never aligned, so that
/// no two run into each other.
fn ports(routes: &[Route], cells: &[Cell]) -> BTreeMap<(usize, Side), i32> {
    let column = |n: usize| to_i32(cells.get(n).copied().unwrap_or_default().1);
    let mut sides: BTreeMap<Side, Vec<(i32, usize)>> = BTreeMap::new();
    for (n, route) in routes.iter().enumerate() {
        for side in route.meets.values().flatten() {
            let others: Vec<i32> = if side.0 == route.hub {
                route.leaves.iter().map(|(l, _)| column(*l) * 10).collect()
            } else {
                vec![column(route.hub) * 10]
            };
            let from = others.iter().sum::<i32>() / to_i32(others.len()).max(1);
            sides.entry(*side).or_default().push((from, n));
        }
    }
    let mut ports = BTreeMap::new();
    for (side, mut nets) in sides {
        nets.sort_unstable();
        let many = to_i32(nets.len());
        for (at, (_, net)) in (1..).zip(nets) {
            // Multiples of 8 at the top, 4 more at the bottom.
            let even = BOX * at / (many + 1) / 8 * 8;
            ports.insert((net, side), even + if side.1 { 4 } else { 0 });
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lists::perhaps;

    /// Checks that no box overlaps another and no line runs through a box.
    fn check(layout: &Layout) {
        let boxes = &layout.boxes;
        for (n, a) in perhaps(boxes.iter().enumerate()) {
            assert!(
                a.x >= 0
                    && a.y >= 0
                    && a.x + BOX <= layout.width
                    && a.y + a.height <= layout.height,
                "{a:?} lies outside"
            );
            for b in &boxes[n + 1..] {
                let apart = a.x + BOX <= b.x
                    || b.x + BOX <= a.x
                    || a.y + a.height <= b.y
                    || b.y + b.height <= a.y;
                assert!(apart, "{a:?} and {b:?} overlap");
            }
        }
        for net in perhaps(&layout.nets) {
            for (x1, y1, x2, y2) in &net.pieces {
                for b in boxes {
                    let through_x = x1.max(x2) > &b.x && x1.min(x2) < &(b.x + BOX);
                    let through_y = y1.max(y2) > &b.y && y1.min(y2) < &(b.y + b.height);
                    assert!(
                        !(through_x && through_y),
                        "{:?} runs through {b:?}",
                        (x1, y1, x2, y2)
                    );
                }
            }
        }
        // Horizontal lines of different trunks never overlap.
        let level = layout
            .nets
            .iter()
            .enumerate()
            .flat_map(|(n, net)| net.pieces.iter().map(move |p| (n, p)));
        let level: Vec<_> = level.filter(|(_, p)| p.1 == p.3).collect();
        for (at, (n, a)) in perhaps(level.iter().enumerate()) {
            for (m, b) in &level[at + 1..] {
                let apart = n == m || a.1 != b.1 || a.2 < b.0 || b.2 < a.0;
                assert!(apart, "{a:?} and {b:?} lie on each other");
            }
        }
    }

    fn line(from: usize, to: usize, kind: usize) -> Line {
        Line {
            from,
            to,
            kind,
            upwards: kind < 2,
            is_marked: false,
        }
    }

    #[test]
    fn a_board_is_above_those_that_report_to_it() {
        let layout = lay(
            &[50, 60, 70, 80],
            &[line(1, 0, 0), line(2, 0, 0), line(0, 3, 2)],
        );
        check(&layout);
        assert!(layout.boxes[0].y < layout.boxes[1].y && layout.boxes[1].y == layout.boxes[2].y);
        assert!(
            layout.boxes[3].y > layout.boxes[0].y,
            "a body that is given work is drawn below the board that gives it"
        );
        assert_eq!(layout.nets.len(), 2, "two lines of one kind share a trunk");
        assert!(layout.heading.is_none());
        let with_loose = lay(&[50, 60, 70], &[line(1, 0, 0)]);
        assert!(
            with_loose
                .heading
                .is_some_and(|y| y < with_loose.boxes[2].y)
        );
    }

    proptest! {
        #[test]
        fn nothing_overlaps_whatever_the_lines(
            heights in prop::collection::vec(40..260i32, 1..40),
            ends in prop::collection::vec((0..40usize, 0..40usize, 0..4usize), 0..60),
        ) {
            let lines: Vec<Line> = ends.into_iter().map(|(from, to, kind)| line(from, to, kind)).collect();
            check(&lay(&heights, &lines));
        }
    }
}
