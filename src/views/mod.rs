//! The views. Each is a pure function of the world as its caller may see it and of a date, and is
//! cached until the journal changes.
//!
//! A view defines its type (its documented answer), its table, and how it is computed.
//! `request::operation` does the rest: `as_of`, the date, JSON, CSV and Excel, ETag and cache. A
//! view that can be drawn lists its formats (`View::FORMATS`) and writes them (`View::drawn`). What
//! callers wrote gets into a drawing only through `render::diagram`.

mod attendance;
mod attention;
mod cached_counts;
pub mod calendar;
mod changes;
mod communications;
mod contradictions;
mod coverage;
mod dependency_graph;
mod findings;
mod gaps;
mod gathering;
mod good_practice;
mod judgement;
mod kept;
mod organogram;
mod oversight;
pub mod papers;
mod performance;
mod rag;
mod readiness;
mod recommendations;
mod representation;
mod request;
mod rows;
mod slippage;
mod status;
mod wait_graph;

use std::sync::Arc;

pub use crate::http::naming::RecordName;
pub use rag::{ItemRagRule, Rated};

use crate::http::Operation;
use crate::registers::settings::SettingsUsed;
use crate::views::calendar::dates::CalendarEntryState;
use crate::views::changes::{ChangeKind, ChangeRegister};
use crate::views::coverage::{CoverageMatrix, KeptItems};
use crate::views::dependency_graph::DependencyGraphNodeState;
use crate::views::findings::{FindingSeverity, KeptFindings, WeightReason};
use crate::views::gaps::GapListing;
use crate::views::kept::Parts;
use crate::views::organogram::model::{OrganogramNodeKind, OrganogramRepeat};
use crate::views::papers::content::{PaperEventKind, PaperState, PaperUnresolvedReason};
use crate::views::slippage::{KeptDates, SlippageKind, SlippageMoveKind};
use crate::views::status::{Counted, StatusCause};
use crate::views::wait_graph::{CanBeMet, KeptGraphs, WaitKind};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::schema::{Schemas, add_answer};
use crate::world::vocabulary::Vocabulary;

/// The vocabularies of the views.
pub const VOCABULARY: &[fn() -> Vocabulary] = &[
    Vocabulary::of::<ChangeRegister>,
    Vocabulary::of::<CoverageMatrix>,
    Vocabulary::of::<CalendarEntryKind>,
    Vocabulary::of::<CalendarEntryState>,
    Vocabulary::of::<SlippageKind>,
    Vocabulary::of::<CanBeMet>,
    Vocabulary::of::<FindingSeverity>,
    Vocabulary::of::<GapListing>,
    Vocabulary::of::<WeightReason>,
    Vocabulary::of::<ChangeKind>,
    Vocabulary::of::<SlippageMoveKind>,
    Vocabulary::of::<DependencyGraphNodeState>,
    Vocabulary::of::<OrganogramNodeKind>,
    Vocabulary::of::<OrganogramRepeat>,
    Vocabulary::of::<PaperEventKind>,
    Vocabulary::of::<PaperState>,
    Vocabulary::of::<ItemRagRule>,
    Vocabulary::of::<StatusCause>,
    Vocabulary::of::<PaperUnresolvedReason>,
    Vocabulary::of::<WaitKind>,
];

/// What the views computed of the current world and can use again.
pub struct KeptViews {
    status: Arc<Counted>,
    gaps: Arc<KeptFindings>,
    contradictions: Arc<KeptFindings>,
    graphs: Arc<KeptGraphs>,
    dates: Arc<KeptDates>,
    items: Arc<KeptItems>,
}

impl Default for KeptViews {
    fn default() -> Self {
        let parts = Arc::<Parts>::default();
        Self {
            status: Arc::new(Counted::new(&parts)),
            gaps: Arc::new(KeptFindings::new(&parts)),
            contradictions: Arc::new(KeptFindings::new(&parts)),
            graphs: Arc::default(),
            dates: Arc::new(KeptDates::new(&parts)),
            items: Arc::new(KeptItems::new(&parts)),
        }
    }
}

/// The views' operations.
#[must_use]
pub fn operations(kept: &KeptViews) -> Vec<Operation> {
    let mut all = status::operations(&kept.status);
    all.extend(gaps::operations(&kept.gaps));
    all.extend(contradictions::operations(&kept.contradictions));
    all.extend(attention::operations((&kept.gaps, &kept.contradictions)));
    all.extend(slippage::operations(&kept.graphs, &kept.dates));
    all.extend(dependency_graph::operations(&kept.graphs));
    all.extend(coverage::operations(&kept.items));
    all.extend(recommendations::operations());
    all.extend(calendar::operations());
    all.extend(changes::operations());
    all.extend(communications::operations());
    all.extend(organogram::operations(&kept.gaps));
    all.extend(oversight::operations());
    all.extend(representation::operations());
    all.extend(performance::operations());
    all.extend(papers::operations());
    all
}

/// Schemas used by these operations.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<SettingsUsed>(schemas);
    calendar::schemas(schemas);
    changes::schemas(schemas);
    communications::schemas(schemas);
    organogram::schemas(schemas);
    oversight::schemas(schemas);
    representation::schemas(schemas);
    status::schemas(schemas);
    gaps::schemas(schemas);
    contradictions::schemas(schemas);
    attention::schemas(schemas);
    slippage::schemas(schemas);
    dependency_graph::schemas(schemas);
    coverage::schemas(schemas);
    recommendations::schemas(schemas);
    performance::schemas(schemas);
    papers::schemas(schemas);
}
