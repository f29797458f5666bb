//! Facts that several rules compare a statement with, each with its figure in words.

use chrono::NaiveDate;
use uuid::Uuid;

use super::rule::Context;
use crate::registers::governance::{Board, Membership};
use crate::registers::performance::{
    Direction, Measure, MeasureTarget, Observation, ObservationState, Period, figures,
};
use crate::registers::plan::{Plan, WorkPlanItem};
use crate::registers::representation::{RepresentationTarget, includes};
use crate::registers::risk::{Control, ControlEffectiveness, Risk, RiskRegister, RiskStatus};
use crate::registers::settings::suppression;
use crate::registers::strategy::{Goal, StrategyVersion};
use crate::views::rag::counted;
use crate::views::representation::Picture;
use crate::world::Rec;
use crate::world::collation::fold;

/// What contradicts a statement: a code, the figure in words, and the records.
pub struct Fact {
    pub code: &'static str,
    pub words: String,
    pub records: Vec<Uuid>,
}

impl Fact {
    /// A fact about some records.
    pub fn new(
        code: &'static str,
        words: impl Into<String>,
        records: impl IntoIterator<Item = Uuid>,
    ) -> Self {
        Self {
            code,
            words: words.into(),
            records: records.into_iter().collect(),
        }
    }
}

/// The seats that a target asks for, if some of them are not filled. A board without any recorded
/// member says nothing about who sits on it.
pub fn seats_missing(c: &Context<'_>, target: &Rec<RepresentationTarget>) -> Option<Fact> {
    let board = c.seen.get::<Board>(target.data.board_id)?;
    if !c.is_active(target) || !c.is_active(board) || !has_members(c, board.meta.id) {
        return None;
    }
    let picture = Picture::new(c.seen, board.meta.id, c.on);
    let (targets, constituencies) = picture.heard();
    let state = targets
        .into_iter()
        .find(|t| t.target_id == target.meta.id && !t.met)?;
    let filled = if state.one_each {
        state.seated
    } else {
        state.seats_filled
    };
    let words = format!(
        "{filled} of {} on {} filled",
        counted(state.seats_wanted.into(), "seat"),
        c.name(board.meta.id)
    );
    let data = &target.data;
    let without = constituencies.iter().filter(|u| {
        let of = |unit| includes(data.constituency_kind, &data.constituency_unit_ids, unit);
        !u.seated && c.seen.get(u.unit.id).is_some_and(of)
    });
    let mut records = vec![target.meta.id];
    if state.one_each {
        records.extend(without.map(|u| u.unit.id));
    }
    Some(Fact::new("seats_missing", words, records))
}

/// Whether any member of a board is recorded.
pub fn has_members(c: &Context<'_>, board: Uuid) -> bool {
    let mut seats = c.seen.pointing::<Membership>(board);
    seats.any(|m| m.data.board_id == board && c.is_active(m))
}

/// A total of a measure, as the caller may see it.
#[derive(Clone, Copy)]
struct Total {
    id: Uuid,
    period: Period,
    value: f64,
    /// By how much rounding may have changed it.
    margin: f64,
}

impl Total {
    fn words(&self) -> String {
        format!("{} in {}", self.value, self.period)
    }

    fn days(&self) -> i64 {
        (self.period.until_on - self.period.from_on).num_days()
    }
}

/// The totals of a measure, latest first.
fn totals(c: &Context<'_>, measure: Uuid) -> Vec<Total> {
    let observations = c.seen.unique_from::<Observation>(measure.as_bytes());
    let round_to = c.seen.setting(suppression).round_to;
    let total = |o: &Rec<Observation>| {
        let shown = figures(c.seen, o);
        let is_known = shown.state == ObservationState::Present && o.data.breakdown.is_empty();
        let is_exact = c.seen.is_exact(o);
        Some(Total {
            id: o.meta.id,
            period: o.data.period,
            value: shown.value.filter(|_| is_known)?.as_f64(),
            margin: if is_exact { 0.0 } else { round_to.into() },
        })
    };
    let mut all: Vec<Total> = observations
        .filter(|o| o.data.period.until_on <= c.on)
        .filter_map(total)
        .collect();
    all.sort_by_key(|t| std::cmp::Reverse((t.period.until_on, t.period.from_on)));
    all
}

/// By how much a figure is better than another, if the measure says which direction is better.
fn gain(direction: Direction, one: f64, other: f64) -> Option<f64> {
    match direction {
        Direction::HigherIsBetter => Some(one - other),
        Direction::LowerIsBetter => Some(other - one),
        Direction::OnTarget | Direction::Neutral => None,
    }
}

/// Whether the last two totals of a measure that had begun by a day show an improvement, with the
/// two. Only periods of the same length can be compared.
pub fn trend(c: &Context<'_>, measure: &Rec<Measure>, said_on: NaiveDate) -> Option<(bool, Fact)> {
    const SAME_LENGTH: i64 = 3;
    let mut all = totals(c, measure.meta.id)
        .into_iter()
        .filter(|t| t.period.from_on <= said_on);
    let last = all.next()?;
    let before = all.find(|t| {
        t.period.until_on < last.period.from_on && (t.days() - last.days()).abs() <= SAME_LENGTH
    })?;
    let gain = gain(measure.data.direction, last.value, before.value)?;
    let margin = last.margin + before.margin;
    // A difference that rounding may have made says nothing.
    if margin > 0.0 && gain.abs() <= margin {
        return None;
    }
    let words = format!(
        "{}: {}, after {}",
        c.name(measure.meta.id),
        last.words(),
        before.words()
    );
    let records = [measure.meta.id, last.id, before.id];
    Some((gain > 0.0, Fact::new("not_improved", words, records)))
}

/// The latest total of a measure and the target for its period, or else the last target before it,
/// if the total does not reach it.
pub fn below_target(c: &Context<'_>, measure: &Rec<Measure>) -> Option<Fact> {
    let last = totals(c, measure.meta.id).into_iter().next()?;
    let targets = c.seen.pointing::<MeasureTarget>(measure.meta.id);
    let target = targets
        .filter(|t| t.data.measure_id == measure.meta.id && t.data.breakdown.is_empty())
        .filter(|t| t.data.period.from_on <= last.period.until_on)
        .max_by_key(|t| (t.data.period.until_on, t.meta.id))?;
    let wanted = target.data.target_value.as_f64();
    let gain = gain(measure.data.direction, last.value, wanted)?;
    (gain < -last.margin).then(|| {
        let words = format!(
            "{}: {}, where the target is {wanted}",
            c.name(measure.meta.id),
            last.words(),
        );
        Fact::new(
            "target_not_reached",
            words,
            [measure.meta.id, last.id, target.meta.id],
        )
    })
}

/// The open risks of a record: a register's, those to a plan, an item, a goal or a strategy, and
/// those that a recommendation is to control.
pub fn open_risks<'a>(c: &Context<'a>, of: Uuid) -> Vec<&'a Rec<Risk>> {
    let mut risks: Vec<&Rec<Risk>> = c.seen.get::<Risk>(of).into_iter().collect();
    let linked = |id: Uuid| c.seen.pointing::<Risk>(id);
    let controlled = |id: Uuid| {
        let controls = c.seen.pointing::<Control>(id);
        controls.flat_map(|k| {
            k.data
                .risk_ids
                .iter()
                .filter_map(|r| c.seen.get::<Risk>(*r))
        })
    };
    risks.extend(linked(of));
    risks.extend(controlled(of));
    if let Some(control) = c.seen.get::<Control>(of) {
        let ids = control.data.risk_ids.iter();
        risks.extend(ids.filter_map(|r| c.seen.get::<Risk>(*r)));
    }
    let mut plans: Vec<Uuid> = c
        .seen
        .get::<Plan>(of)
        .map(|p| p.meta.id)
        .into_iter()
        .collect();
    for version in c.seen.pointing::<StrategyVersion>(of) {
        plans.extend(c.seen.pointing::<Plan>(version.meta.id).map(|p| p.meta.id));
    }
    for plan in plans {
        for register in c.seen.pointing::<RiskRegister>(plan) {
            risks.extend(linked(register.meta.id));
        }
        for item in c.seen.pointing::<WorkPlanItem>(plan) {
            risks.extend(linked(item.meta.id));
        }
    }
    for goal in c
        .seen
        .pointing::<Goal>(of)
        .filter(|g| g.data.strategy_id == of)
    {
        risks.extend(linked(goal.meta.id));
    }
    risks.retain(|r| c.seen.is_live(*r) && r.data.status == RiskStatus::Open);
    risks.sort_unstable_by_key(|r| r.meta.id);
    risks.dedup_by_key(|r| r.meta.id);
    risks
}

/// Open risks with the number of their controls that are known to work: "1 open risk, 0 of 9
/// controls known to work". `None` without a risk.
pub fn risks_in_words(risks: &[&Rec<Risk>]) -> Option<String> {
    let number = i64::try_from(risks.len()).unwrap_or(i64::MAX);
    let controls: u32 = risks.iter().map(|r| r.computed.control_count).sum();
    let working: u32 = risks
        .iter()
        .map(|r| r.computed.effective_control_count)
        .sum();
    let controlled = if controls == 0 {
        "no control recorded".to_owned()
    } else {
        format!(
            "{working} of {} known to work",
            counted(controls.into(), "control")
        )
    };
    (number > 0).then(|| format!("{}, {controlled}", counted(number, "open risk")))
}

/// The open risks of a record whose recorded controls do not hold: one of them is ineffective or
/// overdue, or none is known to work. A risk without a recorded control says nothing.
pub fn not_mitigated(c: &Context<'_>, of: Uuid) -> Option<Fact> {
    let fails = |k: &Rec<Control>| {
        k.computed.counted_effectiveness == ControlEffectiveness::Ineffective
            || k.is_failing(c.seen.reading(c.on))
    };
    let mut records = Vec::new();
    let mut risks = open_risks(c, of);
    risks.retain(|risk| {
        let mut failing = c
            .seen
            .pointing::<Control>(risk.meta.id)
            .filter(|k| fails(k));
        let first = failing.next();
        let unknown = risk.computed.control_count > 0 && risk.computed.effective_control_count == 0;
        let is_against = first.is_some() || unknown;
        if is_against {
            records.push(risk.meta.id);
            records.extend(first.into_iter().chain(failing).map(|k| k.meta.id));
        }
        is_against
    });
    let words = risks_in_words(&risks)?;
    Some(Fact::new("not_mitigated", words, records))
}

/// Whether a text says draft.
pub fn says_draft(text: Option<&str>) -> bool {
    text.is_some_and(|t| fold(t).contains("draft"))
}
