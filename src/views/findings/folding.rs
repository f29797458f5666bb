//! One fact, one finding. A finding is folded under another one if it follows from it, if it is a
//! further detail that the same record lacks, or if several parts of one record lack the same detail:
//! that is one finding on the record that they are part of.
//!
//! What a finding follows from is kept with it. The rest depends on waivers and on what a caller
//! asks for, and is worked out for each answer from the marks of all parts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use rayon::prelude::*;
use uuid::Uuid;

use serde::Serialize;
use utoipa::ToSchema;

use super::rule::{Cause, Finding, FindingSeverity, Placed, Rule};
use super::since::Beginnings;
use super::weight::severity_of;
use crate::registers::gaps::GapRegister;
use crate::registers::settings::{AttentionWeights, in_force};
use crate::views::RecordName;
use crate::views::kept::{Made, Part, Rows};
use crate::views::request::Asked;
use crate::world::record::BY_REFERENCE;
use crate::world::{AnyRecord, Key, Text};

/// Most folded findings named with a finding.
const MOST_NAMED: usize = 20;
/// Marks a finding without a cause, or not on a part.
const NONE: u16 = u16::MAX;

/// Whether a record matches what is asked for.
pub type Fits<'a> = &'a (dyn Fn(&Arc<dyn AnyRecord>) -> bool + Sync);

/// A rule by its position, and a record.
pub type At = (u16, Uuid);

/// A folded finding with its record, after the finding that it is directly under.
type FoldedMark<'a> = (At, At, &'a Arc<dyn AnyRecord>);

/// Rules and records, with a cheap hash.
type AtSet = HashSet<At, foldhash::fast::RandomState>;

/// A map by rule and record, with a cheap hash.
type AtMap<T> = HashMap<At, T, foldhash::fast::RandomState>;

/// Name of a finding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingName {
    /// Code of the rule.
    pub rule: Text<60>,
    /// Record that it was found on.
    pub record: RecordName,
}

/// Findings that are folded under another one: what follows from it, further details that the record
/// lacks, or the parts of the record on which it was found.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct FoldedFindings {
    /// Number of them.
    #[schema(minimum = 0)]
    pub count: usize,
    /// The first 20.
    #[schema(max_items = 20)]
    pub items: Vec<FindingName>,
}

/// Which findings are listed.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// Those that are neither waived nor folded.
    pub open: bool,
    pub waived: bool,
    pub folded: bool,
}

/// A finding in a part.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Position of the rule among all rules.
    rule: u16,
    /// Place of the record in the part.
    row: u16,
    points: i16,
    /// Place of what it follows from.
    cause: u16,
    /// Place of the record that its record is a part of, if it is a detail.
    whole: u16,
    is_detail: bool,
}

/// What rules found in one part, by rule and reference.
#[derive(Default)]
pub struct Findings {
    marks: Vec<Mark>,
    causes: Vec<At>,
    wholes: Vec<Uuid>,
}

fn place_of<T: PartialEq>(list: &mut Vec<T>, value: Option<T>) -> u16 {
    let Some(value) = value else { return NONE };
    let place = list.iter().rposition(|known| *known == value);
    let place = place.unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    });
    u16::try_from(place).unwrap_or(NONE)
}

impl Findings {
    /// Adds the finding of a rule on a record.
    pub fn add(
        &mut self,
        (rule, row): (u16, u16),
        points: i64,
        cause: Option<At>,
        detail: Option<Option<Uuid>>,
    ) {
        let is_detail = detail.is_some();
        self.marks.push(Mark {
            rule,
            row,
            points: i16::try_from(points).unwrap_or(i16::MAX),
            cause: place_of(&mut self.causes, cause),
            whole: place_of(&mut self.wholes, detail.flatten()),
            is_detail,
        });
    }
}

impl Made for Findings {
    fn finish(&mut self, rows: &Rows) {
        let ranks = rows.ranks();
        self.marks
            .sort_unstable_by_key(|mark| (mark.rule, ranks.get(usize::from(mark.row)).copied()));
        self.marks.shrink_to_fit();
        self.causes.shrink_to_fit();
        self.wholes.shrink_to_fit();
    }
}

/// The waived findings of a part, as rule and row. They are few, and not kept: a waiver changes
/// nothing that is.
fn waived_in<F: Finding>(
    part: &Part<Findings>,
    waived: &[Cause],
    all: &[Placed<F>],
) -> HashSet<(u16, u16)> {
    let mark = |(code, record): &Cause| {
        let row = u16::try_from(part.rows.place(*record)?).ok()?;
        let rule = all.iter().position(|(_, rule)| rule.code == *code)?;
        Some((u16::try_from(rule).ok()?, row))
    };
    waived.iter().filter_map(mark).collect()
}

/// The findings of a part that are not waived.
pub fn unwaived<'a, F: Finding>(
    part: &'a Part<Findings>,
    waived: &[Cause],
    all: &[Placed<F>],
) -> impl Iterator<Item = (u16, &'a Arc<dyn AnyRecord>)> {
    let waived = waived_in(part, waived, all);
    let marks = part.made.marks.iter();
    marks
        .filter(move |mark| !waived.contains(&(mark.rule, mark.row)))
        .filter_map(|mark| Some((mark.rule, part.rows.at(mark.row)?)))
}

/// What becomes of a finding in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It does not match the scopes asked for.
    Out,
    Open,
    Waived,
    /// Under what it follows from.
    Caused,
    /// Under another detail of the same record: that of the rule at this position.
    Detail(u16),
    /// Under a finding on the record that its record is a part of, at this place.
    Part(u16),
}

/// A finding on a record several parts of which lack a detail.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// Number of records that lack the detail.
    records: usize,
    points: i16,
}

/// Number of findings of a rule.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counted {
    pub open: usize,
    pub waived: usize,
    pub folded: usize,
}

/// A finding as a row of an answer.
pub struct Row<'a> {
    pub rule: u16,
    pub record: &'a Arc<dyn AnyRecord>,
    pub severity: FindingSeverity,
    pub points: i64,
    /// Number of parts of the record that it is about, if it is about several.
    pub parts: Option<usize>,
    pub follows_from: Option<At>,
}

/// The findings of one answer, folded.
pub struct Folded<'a, F: Finding> {
    asked: &'a Asked,
    /// When findings began.
    pub beginnings: &'a Beginnings,
    weights: AttentionWeights,
    all: Vec<Placed<F>>,
    parts: Vec<Arc<Part<Findings>>>,
    states: Vec<Vec<State>>,
    /// The findings on records several parts of which lack a detail, by rule and record.
    groups: BTreeMap<At, Group>,
    /// The rule of the finding for each such record and kind of part.
    heads: HashMap<(Uuid, usize), u16>,
}

impl<'a, F: Finding> Folded<'a, F> {
    /// Folds the findings of these parts that fit.
    pub fn new(
        asked: &'a Asked,
        (all, parts): (Vec<Placed<F>>, Vec<Arc<Part<Findings>>>),
        (waived, beginnings): (&[Cause], &'a Beginnings),
        fits: Option<Fits<'_>>,
    ) -> Self {
        let seen = &asked.seen;
        let first = |part: &Arc<Part<Findings>>| first_states(asked, part, waived, &all, fits);
        let mut states: Vec<Vec<State>> = parts.par_iter().map(first).collect();
        let mut lacking: HashMap<At, (usize, usize)> = HashMap::new();
        for (part, states) in parts.iter().zip(&states) {
            for (mark, state) in part.made.marks.iter().zip(states) {
                if let (State::Open, true, Some(whole)) = (
                    state,
                    mark.is_detail,
                    part.made.wholes.get(usize::from(mark.whole)),
                ) {
                    let entry = lacking.entry((mark.rule, *whole));
                    entry.or_insert((0, part.rows.kind)).0 += 1;
                }
            }
        }
        let weights = in_force(seen.reading(asked.on).world).attention;
        let least = usize::try_from(weights.group_from).unwrap_or(usize::MAX);
        lacking.retain(|(_, whole), (count, _)| *count >= least && seen.any(*whole).is_some());
        let mut heads: HashMap<(Uuid, usize), u16> = HashMap::new();
        for ((rule, whole), (_, kind)) in &lacking {
            let head = heads.entry((*whole, *kind)).or_insert(*rule);
            *head = (*head).min(*rule);
        }
        parts
            .par_iter()
            .zip(&mut states)
            .for_each(|(part, states)| fold_details(part, states, &lacking));
        let mut groups: BTreeMap<At, Group> = BTreeMap::new();
        for (part, states) in parts.iter().zip(&states) {
            for (mark, state) in part.made.marks.iter().zip(states) {
                let State::Part(whole) = state else { continue };
                let Some(whole) = part.made.wholes.get(usize::from(*whole)) else {
                    continue;
                };
                let Some(head) = heads.get(&(*whole, part.rows.kind)) else {
                    continue;
                };
                let group = groups.entry((*head, *whole)).or_insert(Group {
                    records: 0,
                    points: i16::MIN,
                });
                group.records += usize::from(mark.rule == *head);
                group.points = group.points.max(mark.points);
            }
        }
        Self {
            asked,
            beginnings,
            weights,
            all,
            parts,
            states,
            groups,
            heads,
        }
    }

    /// The rule at a position.
    pub fn rule(&self, at: u16) -> Option<(GapRegister, &'static Rule<F>)> {
        self.all.get(usize::from(at)).copied()
    }

    /// The name of a finding.
    pub fn name(&self, (rule, record): At) -> Option<FindingName> {
        let seen = &self.asked.seen;
        Some(FindingName {
            rule: Text::cut(self.rule(rule)?.1.code),
            record: RecordName::of(seen, seen.any(record)?),
        })
    }

    fn severity(&self, points: i16) -> FindingSeverity {
        severity_of(&self.weights, points.into())
    }

    /// The number of findings of each wanted rule that found something.
    pub fn counts(
        &self,
        is_wanted: impl Fn(GapRegister, &Rule<F>) -> bool,
        has_severity: impl Fn(FindingSeverity) -> bool,
    ) -> BTreeMap<u16, Counted> {
        let mut counts: BTreeMap<u16, Counted> = BTreeMap::new();
        for (part, states) in self.parts.iter().zip(&self.states) {
            for (mark, state) in part.made.marks.iter().zip(states) {
                if *state == State::Out || !has_severity(self.severity(mark.points)) {
                    continue;
                }
                let counted = counts.entry(mark.rule).or_default();
                match state {
                    State::Open => counted.open += 1,
                    State::Waived => counted.waived += 1,
                    _ => counted.folded += 1,
                }
            }
        }
        for ((rule, _), group) in &self.groups {
            if has_severity(self.severity(group.points)) {
                counts.entry(*rule).or_default().open += 1;
            }
        }
        counts.retain(|rule, _| {
            self.rule(*rule)
                .is_some_and(|(register, rule)| is_wanted(register, rule))
        });
        counts
    }

    fn row<'s>(&'s self, part: &'s Part<Findings>, mark: &Mark, state: State) -> Option<Row<'s>> {
        let record = part.rows.at(mark.row)?;
        let whole = |place: u16| {
            let whole = part.made.wholes.get(usize::from(place))?;
            Some((*self.heads.get(&(*whole, part.rows.kind))?, *whole))
        };
        Some(Row {
            rule: mark.rule,
            record,
            severity: self.severity(mark.points),
            points: mark.points.into(),
            parts: None,
            follows_from: match state {
                State::Caused => part.made.causes.get(usize::from(mark.cause)).copied(),
                State::Detail(rule) => Some((rule, record.meta().id)),
                State::Part(place) => whole(place),
                State::Out | State::Open | State::Waived => None,
            },
        })
    }

    fn group_row(&self, at: &At, group: &Group) -> Option<Row<'_>> {
        Some(Row {
            rule: at.0,
            record: self.asked.seen.any(at.1)?,
            severity: self.severity(group.points),
            points: group.points.into(),
            parts: Some(group.records),
            follows_from: None,
        })
    }

    /// The page of rows after a place, by rule and reference, and whether there are more.
    pub fn rows(
        &self,
        (counts, lists): (&BTreeMap<u16, Counted>, Listed),
        has_severity: impl Fn(FindingSeverity) -> bool,
        after: Option<(u16, Key)>,
        limit: usize,
    ) -> (Vec<Row<'_>>, bool) {
        let is_listed = |state: &State| match state {
            State::Out => false,
            State::Open => lists.open,
            State::Waived => lists.waived,
            State::Caused | State::Detail(_) | State::Part(_) => lists.folded,
        };
        // One more than the page holds, to tell whether there is another page.
        let most = limit.saturating_add(1);
        let mut rows: Vec<Row<'_>> = Vec::new();
        for rule in counts.keys() {
            let left = most - rows.len();
            let is_after = |row: &Row<'_>| {
                after
                    .as_ref()
                    .is_none_or(|(last, key)| (*rule, &row.record.key(BY_REFERENCE)) > (*last, key))
            };
            let mut first: Vec<Row<'_>> = Vec::new();
            for (part, states) in self.parts.iter().zip(&self.states) {
                let marks = &part.made.marks;
                let from = marks.partition_point(|mark| mark.rule < *rule);
                let of_rule = marks.iter().zip(states).skip(from);
                let of_rule = of_rule.take_while(|(mark, _)| mark.rule == *rule);
                let listed = of_rule.filter(|(_, state)| is_listed(state));
                let found = listed.filter_map(|(mark, state)| self.row(part, mark, *state));
                let found = found.filter(|row| has_severity(row.severity) && is_after(row));
                // They are in the order of the page, so no more than these of a part can be on it.
                first.extend(found.take(left));
            }
            if lists.open {
                let of_rule = self.groups.iter().filter(|((r, _), _)| r == rule);
                let found = of_rule.filter_map(|(at, group)| self.group_row(at, group));
                first.extend(found.filter(|row| has_severity(row.severity) && is_after(row)));
            }
            first.sort_by_cached_key(|row| row.record.key(BY_REFERENCE));
            first.truncate(left);
            rows.extend(first);
            if rows.len() == most {
                break;
            }
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        (rows, more)
    }

    /// Every open finding, in no particular order.
    pub fn open_rows(&self) -> Vec<Row<'_>> {
        let of_parts = self.parts.par_iter().zip(&self.states);
        let mut rows: Vec<Row<'_>> = of_parts
            .flat_map_iter(|(part, states)| {
                let marks = part.made.marks.iter().zip(states);
                let open = marks.filter(|(_, state)| **state == State::Open);
                open.filter_map(|(mark, state)| self.row(part, mark, *state))
            })
            .collect();
        rows.extend(
            self.groups
                .iter()
                .filter_map(|(at, g)| self.group_row(at, g)),
        );
        rows
    }

    /// What is folded under the findings of these rows, directly or through others.
    pub fn also(&self, rows: &[Row<'_>]) -> HashMap<At, FoldedFindings> {
        let tops: HashSet<At> = rows.iter().map(|r| (r.rule, r.record.meta().id)).collect();
        if tops.is_empty() {
            return HashMap::new();
        }
        // What is directly under each finding that is reached from the rows. Few rules lead to others,
        // so nothing is looked for under most findings.
        let leads = self.leading_rules();
        let mut under: AtMap<Vec<(At, &Arc<dyn AnyRecord>)>> = AtMap::default();
        let mut next: AtSet = tops.iter().copied().collect();
        while !next.is_empty() {
            let reached = self.directly_under(&next);
            under.extend(next.drain().map(|at| (at, Vec::new())));
            for (above, at, record) in reached {
                if leads.contains(&at.0) && !under.contains_key(&at) {
                    next.insert(at);
                }
                under.entry(above).or_default().push((at, record));
            }
        }
        let of_top = |top: At| {
            let mut found: Vec<(At, &Arc<dyn AnyRecord>)> = Vec::new();
            let mut known = AtSet::from_iter([top]);
            let mut todo = vec![top];
            while let Some(at) = todo.pop() {
                for (at, record) in under.get(&at).into_iter().flatten() {
                    if known.insert(*at) {
                        found.push((*at, record));
                        todo.push(*at);
                    }
                }
            }
            let items = first_named(&found).into_iter();
            let items = items.filter_map(|at| self.name(at)).collect();
            let count = found.len();
            (top, FoldedFindings { count, items })
        };
        tops.into_par_iter().map(of_top).collect()
    }

    /// The positions of the rules that others may follow from.
    fn leading_rules(&self) -> HashSet<u16> {
        let causes: HashSet<&str> = (self.all.iter())
            .flat_map(|(_, rule)| rule.check.causes())
            .collect();
        let leads = (0..).zip(&self.all);
        let leads = leads.filter(|(_, (_, rule))| causes.contains(rule.code));
        leads.map(|(at, _)| at).collect()
    }

    /// The findings that are folded directly under one of these.
    fn directly_under(&self, above: &AtSet) -> Vec<FoldedMark<'_>> {
        let of_parts = self.parts.par_iter().zip(&self.states);
        let folded = of_parts.flat_map_iter(|(part, states)| {
            let made = &part.made;
            let causes: Vec<bool> = made.causes.iter().map(|at| above.contains(at)).collect();
            let wholes: Vec<Option<At>> = (made.wholes.iter())
                .map(|whole| Some((*self.heads.get(&(*whole, part.rows.kind))?, *whole)))
                .map(|at| at.filter(|at| above.contains(at)))
                .collect();
            let marks = made.marks.iter().zip(states);
            marks.filter_map(move |(mark, state)| {
                let under = match state {
                    State::Out | State::Open | State::Waived => None,
                    State::Caused => {
                        let place = usize::from(mark.cause);
                        let cause = made.causes.get(place);
                        cause.copied().filter(|_| causes.get(place) == Some(&true))
                    }
                    State::Detail(rule) => {
                        let at = (*rule, part.rows.at(mark.row)?.meta().id);
                        above.contains(&at).then_some(at)
                    }
                    State::Part(place) => wholes.get(usize::from(*place)).copied().flatten(),
                }?;
                let record = part.rows.at(mark.row)?;
                Some((under, (mark.rule, record.meta().id), record))
            })
        });
        folded.collect()
    }
}

/// The first findings by rule and reference, as many as are named.
fn first_named(found: &[(At, &Arc<dyn AnyRecord>)]) -> Vec<At> {
    let mut by_rule: Vec<&(At, &Arc<dyn AnyRecord>)> = found.iter().collect();
    // Only the references of rules that reach the first few are compared.
    if by_rule.len() > MOST_NAMED {
        let (_, last, _) = by_rule.select_nth_unstable_by_key(MOST_NAMED - 1, |(at, _)| at.0);
        let last = last.0.0;
        by_rule.retain(|(at, _)| at.0 <= last);
    }
    let key = |(at, record): &&(At, &Arc<dyn AnyRecord>)| (at.0, record.key(BY_REFERENCE));
    by_rule.sort_by_cached_key(key);
    let first = by_rule.into_iter().take(MOST_NAMED);
    first.map(|(at, _)| *at).collect()
}

/// The states of the marks of a part before details are folded.
fn first_states<F: Finding>(
    asked: &Asked,
    part: &Part<Findings>,
    waived: &[Cause],
    all: &[Placed<F>],
    fits: Option<Fits<'_>>,
) -> Vec<State> {
    let waived = waived_in(part, waived, all);
    let fitting: Vec<bool> = fits.map_or_else(Vec::new, |fits| {
        part.rows.records.iter().map(fits).collect()
    });
    let is_in = |row: u16| fits.is_none() || fitting.get(usize::from(row)) == Some(&true);
    let causes: Vec<bool> = part
        .made
        .causes
        .iter()
        .map(|(_, id)| fits.is_none_or(|fits| asked.seen.any(*id).is_some_and(fits)))
        .collect();
    let state = |mark: &Mark| {
        if !is_in(mark.row) {
            State::Out
        } else if waived.contains(&(mark.rule, mark.row)) {
            State::Waived
        } else if causes.get(usize::from(mark.cause)) == Some(&true) {
            State::Caused
        } else {
            State::Open
        }
    };
    part.made.marks.iter().map(state).collect()
}

/// Folds the details of a part: those that several parts of one record lack, and with them the other
/// details of the same records; and the further details of each other record.
fn fold_details(
    part: &Part<Findings>,
    states: &mut [State],
    lacking: &HashMap<At, (usize, usize)>,
) {
    let mut wholes: Vec<u16> = vec![NONE; part.rows.records.len()];
    let mut first: Vec<u16> = vec![NONE; part.rows.records.len()];
    let marks = &part.made.marks;
    for (mark, _) in marks
        .iter()
        .zip(&*states)
        .filter(|(mark, state)| mark.is_detail && **state == State::Open)
    {
        let row = usize::from(mark.row);
        let whole = part.made.wholes.get(usize::from(mark.whole));
        if whole.is_some_and(|whole| lacking.contains_key(&(mark.rule, *whole)))
            && let Some(place) = wholes.get_mut(row)
        {
            *place = mark.whole;
        }
        // Marks are in the order of the rules.
        if let Some(rule) = first.get_mut(row).filter(|rule| **rule == NONE) {
            *rule = mark.rule;
        }
    }
    for (mark, state) in marks.iter().zip(states) {
        if !mark.is_detail || *state != State::Open {
            continue;
        }
        let row = usize::from(mark.row);
        match (wholes.get(row), first.get(row)) {
            (Some(place), _) if *place != NONE => *state = State::Part(*place),
            (_, Some(rule)) if *rule != mark.rule => *state = State::Detail(*rule),
            _ => {}
        }
    }
}
