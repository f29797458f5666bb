//! A paper as its reader may see it: frozen, or computed now.

use chrono::NaiveDate;
use uuid::Uuid;

use super::compute;
use super::content::{PaperContent, PaperState};
use super::queries::{Basis, end_of};
use super::scope::Sources;
use crate::http::Call;
use crate::problem::Problem;
use crate::registers::papers::{Paper, PaperIssue};
use crate::world::visible::VisibleWorld;
use crate::world::{Marking, Rec};

/// Content of a paper, limited to what its reader may see.
pub(super) enum Says {
    /// The frozen content, and its marking.
    Frozen(Box<PaperIssue>, Marking),
    Now(Box<PaperContent>),
}

impl Says {
    /// The content, for writing in another format.
    pub(super) fn content(self) -> Result<PaperContent, Problem> {
        match self {
            Self::Now(content) => Ok(*content),
            Self::Frozen(issue, marking) => {
                let mut content: PaperContent =
                    serde_json::from_str(&issue.content).map_err(Problem::internal)?;
                content.marking.get_or_insert(marking);
                Ok(content)
            }
        }
    }
}

/// Issue of a paper, including a withdrawn one: a recalled paper keeps its content.
pub(super) fn issue_of<'a>(
    seen: &'a VisibleWorld,
    paper: &Rec<Paper>,
) -> Option<&'a Rec<PaperIssue>> {
    let id = paper.meta.id;
    let issues = seen
        .pointing_to(id)
        .filter_map(|r| r.as_any().downcast_ref::<Rec<PaperIssue>>());
    issues
        .filter(|i| i.data.paper_id == id)
        .max_by_key(|i| (seen.is_live(*i), i.meta.created_at))
}

/// Content of a paper. `(seen, on)`: the world that holds its record, and the date of that world.
pub(super) async fn says(
    call: &Call,
    (seen, on): (&VisibleWorld, NaiveDate),
    id: Uuid,
) -> Result<Says, Problem> {
    let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
    if paper.is_frozen() {
        // An issue with a stricter marking than its paper is found only by callers who may see it.
        let issue = issue_of(seen, paper).ok_or_else(Problem::not_found)?;
        return Ok(Says::Frozen(
            Box::new(issue.data.clone()),
            issue.meta.marking,
        ));
    }
    let basis = match paper.data.as_of_on.filter(|d| *d < on) {
        Some(day) => {
            let found = call.service.engine.world_at(end_of(day)).await?;
            Basis::of_day(call.seen_at(found), day)
        }
        None => match call.query.moment("as_of")? {
            Some(_) if call.query.get("as_of").is_some_and(|t| t.len() == 10) => {
                Basis::of_day(seen.clone(), on)
            }
            Some(at) => Basis::of_moment(seen.clone(), on, at),
            None => Basis::of_moment(seen.clone(), on, call.last_entry_at()),
        },
    };
    let seen = seen.clone();
    let work = move || {
        let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
        let sources = Sources {
            paper,
            seen: &seen,
            basis: &basis,
        };
        Ok(Says::Now(Box::new(compute::content(
            &sources,
            PaperState::Draft,
        ))))
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}
