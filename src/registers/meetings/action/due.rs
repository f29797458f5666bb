//! When an action and its parts are due, after all deferrals.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::Action;
use crate::registers::meetings::ActionDeferral;
use crate::registers::meetings::meeting::checks::day_of;
use crate::world::date::PlannedDate;
use crate::world::{Meta, Rec, World};

/// When something is due: a planned date, a meeting, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub date: PlannedDate,
    pub meeting: Option<Uuid>,
}

impl Due {
    /// Returns the date, if there is one.
    pub fn day(&self, world: &World) -> Option<NaiveDate> {
        self.date.due_on.or_else(|| day_of(world, self.meeting?))
    }
}

/// A deferral with the key that orders it among the others.
type Deferred<'a> = ((NaiveDate, DateTime<Utc>, Uuid), &'a ActionDeferral);

fn placed<'a>(deferral: &'a ActionDeferral, meta: &Meta) -> Deferred<'a> {
    ((deferral.decided_on, meta.created_at, meta.id), deferral)
}

fn all<'a>(world: &'a World, action: Uuid) -> impl Iterator<Item = Deferred<'a>> {
    world
        .pointing::<ActionDeferral>(action)
        .map(|d| placed(&d.data, &d.meta))
}

/// Returns when the action as a whole is due (its first due date, or its last deferral as a whole),
/// and the deferrals of single parts since then.
fn split<'a>(action: &Rec<Action>, deferrals: &[Deferred<'a>]) -> (Due, Vec<Deferred<'a>>) {
    let whole = deferrals
        .iter()
        .filter(|(_, d)| d.part_id.is_none())
        .max_by_key(|(place, _)| *place);
    let first = || Due {
        date: action.computed.first_due.clone().unwrap_or_default(),
        meeting: action.computed.first_target_meeting_id,
    };
    let since = deferrals
        .iter()
        .filter(|(place, d)| d.part_id.is_some() && whole.is_none_or(|(w, _)| place > w))
        .copied()
        .collect();
    (whole.map_or_else(first, |(_, d)| d.due()), since)
}

/// Returns when an action, or one of its parts, is currently due.
pub fn due_of(world: &World, action: &Rec<Action>, part: Option<Uuid>) -> Due {
    let deferrals: Vec<Deferred<'_>> = all(world, action.meta.id).collect();
    let (whole, since) = split(action, &deferrals);
    match part {
        None => latest(world, whole, since),
        Some(_) => since
            .iter()
            .filter(|(_, d)| d.part_id == part.map(Into::into))
            .max_by_key(|(place, _)| *place)
            .map_or(whole, |(_, d)| d.due()),
    }
}

/// Returns when an action is due once one more deferral is recorded.
pub fn due_with(
    world: &World,
    action: &Rec<Action>,
    deferral: &ActionDeferral,
    meta: &Meta,
) -> Due {
    let others = all(world, action.meta.id).filter(|((_, _, id), _)| *id != meta.id);
    let deferrals: Vec<Deferred<'_>> = others.chain([placed(deferral, meta)]).collect();
    let (whole, since) = split(action, &deferrals);
    latest(world, whole, since)
}

/// An action is due with the last of its parts. A part deferred without a date ranks later than any
/// date.
fn latest(world: &World, whole: Due, mut since: Vec<Deferred<'_>>) -> Due {
    since.sort_by_key(|(place, _)| *place);
    let mut last_of_each: Vec<&ActionDeferral> = Vec::new();
    for (_, d) in since {
        last_of_each.retain(|o| o.part_id != d.part_id);
        last_of_each.push(d);
    }
    let rank = |due: &Due| due.day(world).unwrap_or(NaiveDate::MAX);
    last_of_each
        .into_iter()
        .map(ActionDeferral::due)
        .fold(whole, |latest, due| {
            if rank(&due) >= rank(&latest) {
                due
            } else {
                latest
            }
        })
}
