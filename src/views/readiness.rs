//! Whether a record that others wait on is done, still to come, or given up.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::world::AnyRecord;
use crate::world::dates::Progress;
use crate::world::visible::VisibleWorld;

/// State of a record, for the records that wait on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Done: complete, held or closed.
    Done,
    /// It came about and lasts: an active plan, a strategy or terms in force. Nothing waits for it
    /// any more.
    InForce,
    /// Still to come, on this date if one is recorded.
    Open(Option<NaiveDate>),
    /// Given up: it will not happen.
    GivenUp,
    /// A kind of record that is neither done nor still to come: a document, a goal, an active
    /// board.
    NeverDue,
}

impl Readiness {
    /// Whether it is not done: still to come, or given up.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open(_) | Self::GivenUp)
    }
}

/// State of a record on a day. A record that was deferred without a new date has no expected date,
/// because its first deadline does not say when it will be done.
#[must_use]
pub fn readiness(seen: &VisibleWorld, on: NaiveDate, record: &Arc<dyn AnyRecord>) -> Readiness {
    if !seen.is_live(record.as_ref()) {
        return Readiness::GivenUp;
    }
    let deadline = record.deadline(seen.reading(on));
    match deadline.progress {
        Progress::Open => Readiness::Open(deadline.due.due_on),
        Progress::Done => Readiness::Done,
        Progress::InForce => Readiness::InForce,
        Progress::GivenUp => Readiness::GivenUp,
        Progress::Lasting => Readiness::NeverDue,
    }
}

/// Date on which a record was done or else is expected, if it has one. A version without an approval
/// date is expected when its strategy is.
#[must_use]
pub fn expected_on(seen: &VisibleWorld, on: NaiveDate, id: Uuid) -> Option<NaiveDate> {
    let deadline = seen.any(id)?.deadline(seen.reading(on));
    deadline.done_on.or(deadline.due.due_on)
}
