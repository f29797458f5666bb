//! One judgement of the state of a record: its RAG rating, whether its deadline can still be met,
//! and what it waits for. Status, slippage, contradictions, the dependency graph, gaps and papers
//! all ask here, so that they never differ.
//!
//! An item that waits for nothing is judged by its own dates, without a look at other records. What
//! an item waits for is followed from its own links. Only if that leads to very many records is the
//! graph of everything made, once for all items of the request.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::NaiveDate;

use super::rag::{ItemRagRule, Rated};
use super::readiness::{Readiness, readiness};
use super::wait_graph::{CanBeMet, Graph, Node, What, waits_of};
use crate::registers::assurance::Recommendation;
use crate::registers::organisation::has_owner;
use crate::registers::plan::{Dependency, Rag, WorkPlanItem};
use crate::registers::risk::{Control, Risk, RiskBand, RiskStatus};
use crate::registers::settings::SettingSet;
use crate::registers::strategy::StrategyReview;
use crate::world::reads::Shared;
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, Rec, Text};

/// Most records that are followed from one item.
const MOST_AHEAD: usize = 256;

/// What judges the records of one request.
pub struct Judge<'a> {
    seen: &'a VisibleWorld,
    on: NaiveDate,
    settings: &'a SettingSet,
    everything: Shared<Graph>,
}

/// Something that a recommendation waits for.
pub struct Awaited<'a> {
    pub record: &'a Arc<dyn AnyRecord>,
    pub readiness: Readiness,
}

/// What a recommendation waits for that is still to come or was given up: what it depends on, what
/// is to implement it, and what it was deferred to.
#[must_use]
pub fn awaited_by<'a>(
    seen: &'a VisibleWorld,
    on: NaiveDate,
    recommendation: &Rec<Recommendation>,
) -> Vec<Awaited<'a>> {
    let Some(record) = seen.any(recommendation.meta.id) else {
        return Vec::new();
    };
    let mut all: Vec<Awaited<'a>> = Vec::new();
    for awaited in waits_of(seen, on, record)
        .iter()
        .filter_map(|w| w.record(seen))
    {
        let readiness = readiness(seen, on, awaited);
        let id = awaited.meta().id;
        if readiness.is_open() && !all.iter().any(|a| a.record.meta().id == id) {
            all.push(Awaited {
                record: awaited,
                readiness,
            });
        }
    }
    all
}

/// What is wrong with a risk. None of these is good news, whatever the score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RiskFaults {
    /// It should be escalated and is not.
    pub escalation_due: bool,
    pub above_appetite: bool,
    /// A control of it carries out a recommendation that is overdue.
    pub control_failing: bool,
    pub not_scored: bool,
    pub without_owner: bool,
    /// It is in the highest band, and nobody has recorded an appetite for it.
    pub extreme_without_appetite: bool,
}

impl RiskFaults {
    /// The RAG rating of an open risk.
    #[must_use]
    pub fn rag(self) -> Rag {
        if self.escalation_due {
            Rag::Red
        } else if self == Self::default() {
            Rag::Green
        } else {
            Rag::Amber
        }
    }
}

impl<'a> Judge<'a> {
    /// Judges what is visible to a caller, on a date.
    #[must_use]
    pub fn new(seen: &'a VisibleWorld, on: NaiveDate, settings: &'a SettingSet) -> Self {
        Self {
            seen,
            on,
            settings,
            everything: Shared::default(),
        }
    }

    /// The RAG rating of an item.
    #[must_use]
    pub fn item(&self, item: &Rec<WorkPlanItem>) -> Rated {
        let own = self.item_by_dates(item);
        if item.data.status.is_closed() {
            return own;
        }
        own.or_graver(self.item_by_waits(item))
    }

    /// The RAG rating of an item by its own dates alone.
    #[must_use]
    pub fn item_by_dates(&self, item: &Rec<WorkPlanItem>) -> Rated {
        Rated::by_dates(item, self.on, self.settings)
    }

    /// The RAG rating of an open item by what it waits for, if that is late or in doubt.
    fn item_by_waits(&self, item: &Rec<WorkPlanItem>) -> Option<Rated> {
        let id = item.meta.id;
        let waits = self.seen.pointing::<Dependency>(id).next().is_some()
            || self.seen.pointing::<StrategyReview>(id).next().is_some();
        if !waits {
            return None;
        }
        let own = Graph::ahead_of(self.seen, self.on, id, MOST_AHEAD);
        let graph = match &own {
            Some(graph) => graph,
            None => self
                .everything
                .get_or_make(|| Graph::of(self.seen, self.on)),
        };
        let (at, node) = graph.node(id)?;
        let (due, settings) = (item.data.deadline.due_on, self.settings);
        let awaited = || {
            let chain = graph.chain(at, due, MOST_AHEAD);
            let last = chain.last().and_then(|at| graph.nodes.get(*at));
            last.map(|node| self.name(node)).unwrap_or_default()
        };
        let late = node.days_late(due);
        let (rag, by, days) = match CanBeMet::of(Some(node), &item.due(), self.on) {
            CanBeMet::Impossible if node.waits_for_given_up() => (
                if due.is_some() { Rag::Red } else { Rag::Amber },
                ItemRagRule::CannotBeMet,
                0,
            ),
            // If only its own deadline has passed, its own dates say so.
            CanBeMet::Impossible => (
                Rated::late(late?, settings),
                ItemRagRule::CannotBeMet,
                late?,
            ),
            CanBeMet::Circle => (Rag::Amber, ItemRagRule::CircularWait, 0),
            CanBeMet::Unknown => (Rag::Amber, ItemRagRule::WaitsForUndated, 0),
            CanBeMet::Possible | CanBeMet::NoDeadline | CanBeMet::Closed => return None,
        };
        Some(Rated::waiting(rag, by, days, awaited()))
    }

    /// A record by its title, with the reference in brackets.
    fn name(&self, node: &Node) -> String {
        match &node.what {
            What::Record(record) => {
                let meta = record.meta();
                let title = record.title().unwrap_or_default();
                if title.is_empty() {
                    meta.reference.to_string()
                } else {
                    format!("{} ({})", Text::<80>::cut(title), meta.reference)
                }
            }
            What::Words(words) => Text::<80>::cut(words.clone()).to_string(),
        }
    }

    /// What is wrong with an open risk; none for a closed one.
    #[must_use]
    pub fn risk(&self, risk: &Rec<Risk>) -> Option<RiskFaults> {
        if risk.data.status != RiskStatus::Open {
            return None;
        }
        let (data, computed, reading) = (&risk.data, &risk.computed, self.seen.reading(self.on));
        let mut controls = self.seen.pointing::<Control>(risk.meta.id);
        let level = computed.current_level;
        Some(RiskFaults {
            escalation_due: computed.escalation_due,
            above_appetite: computed.above_appetite == Some(true),
            control_failing: controls.any(|c| c.is_failing(reading)),
            not_scored: level.is_none(),
            without_owner: !has_owner(reading, data.owner_post_id, data.owner_unit_id),
            extreme_without_appetite: data.appetite.is_none()
                && level.is_some_and(|l| l.band == RiskBand::Extreme),
        })
    }
}
