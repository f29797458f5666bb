//! Actions of earlier meetings that a paper answers, part by part.

use uuid::Uuid;

use super::content::{PaperAction, PaperActionPart, PaperAnswer, PaperFigure};
use super::queries::Basis;
use super::scope::{Scope, name_of, named};
use super::words::planned;
use crate::registers::meetings::{Action, ActionDeferral, ActionPart, ActionResponse, Meeting};
use crate::views::status::Named;
use crate::world::collation::{Collated, reference_key};
use crate::world::date::PlannedDate;
use crate::world::dates::Progress;
use crate::world::{Rec, Resource, Text};

/// Actions set by the meetings in scope.
#[must_use]
pub fn actions(basis: &Basis, scope: &Scope, open_only: bool) -> Vec<PaperAction> {
    let mut all = Vec::new();
    for meeting in &scope.meetings {
        let own = |a: &&Rec<Action>| {
            a.data.meeting_id == *meeting && !(open_only && a.due().progress != Progress::Open)
        };
        let mut given: Vec<_> = basis
            .seen
            .pointing::<Action>(*meeting)
            .filter(own)
            .collect();
        given.sort_by_key(|a| a.data.number);
        all.extend(given.into_iter().filter_map(|a| row(a, basis)));
    }
    all
}

fn row(a: &Rec<Action>, basis: &Basis) -> Option<PaperAction> {
    let seen = &basis.seen;
    let mut parts: Vec<_> = seen.pointing::<ActionPart>(a.meta.id).collect();
    parts.sort_by(|a, b| Collated(&a.data.label).cmp(&Collated(&b.data.label)));
    Some(PaperAction {
        action: name_of(seen, a.meta.id)?,
        number: a.data.number,
        meeting: named::<Meeting>(seen, a.data.meeting_id, |m| &m.title),
        text: (&a.data.text).into(),
        status: a.data.status,
        progress: a.computed.state,
        due: when(basis, &a.data.due, a.data.target_meeting_id.map(Into::into)).map(Text::cut),
        overdue_after: a.due().counts_on(),
        is_overdue: a.due().is_overdue(basis.on),
        deferral_count: a.computed.deferral_count,
        parts: parts.into_iter().map(|p| part(p, basis)).collect(),
        answers: answers(basis, a.meta.id, None),
        query: Text::cut(basis.one(Action::KIND, &a.meta.reference)),
    })
}

fn part(p: &Rec<ActionPart>, basis: &Basis) -> PaperActionPart {
    PaperActionPart {
        part: Named::new(&p.meta, &p.data.text),
        label: (&p.data.label).into(),
        status: p.data.status,
        is_open: p.data.status.is_open(),
        answers: answers(basis, p.data.action_id.uuid(), Some(p.meta.id)),
        query: Text::cut(basis.one(ActionPart::KIND, &p.meta.reference)),
    }
}

/// Responses and deferrals of an action as a whole, or of one of its parts.
fn answers(basis: &Basis, action: Uuid, part: Option<Uuid>) -> Vec<PaperAnswer> {
    let seen = &basis.seen;
    let responses = seen
        .pointing::<ActionResponse>(action)
        .filter(|r| r.data.action_id == action && r.data.part_id == part.map(Into::into))
        .map(|r| {
            let row = PaperAnswer {
                id: r.meta.id,
                on: r.data.responded_on,
                text: (&r.data.text).into(),
                claimed_status: r.data.claimed_status.map(|c| c.as_status()),
                deferred_to: None,
                query: Text::cut(basis.one(ActionResponse::KIND, &r.meta.reference)),
            };
            (
                (
                    r.data.responded_on,
                    0,
                    r.meta.created_at,
                    reference_key(&r.meta.reference),
                ),
                row,
            )
        });
    let deferrals = seen
        .pointing::<ActionDeferral>(action)
        .filter(|d| d.data.action_id == action && d.data.part_id == part.map(Into::into))
        .map(|d| {
            let row = PaperAnswer {
                id: d.meta.id,
                on: d.data.decided_on,
                text: (&d.data.reason).into(),
                claimed_status: None,
                deferred_to: Some(Text::cut(
                    when(basis, &d.data.to, d.data.to_meeting_id.map(Into::into))
                        .unwrap_or_else(|| "no date".into()),
                )),
                query: Text::cut(basis.one(ActionDeferral::KIND, &d.meta.reference)),
            };
            (
                (
                    d.data.decided_on,
                    1,
                    d.meta.created_at,
                    reference_key(&d.meta.reference),
                ),
                row,
            )
        });
    let mut all: Vec<_> = responses.chain(deferrals).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, row)| row).collect()
}

/// When something is due: the date, otherwise the words of the source, followed by the meeting.
fn when(basis: &Basis, date: &PlannedDate, meeting: Option<Uuid>) -> Option<String> {
    let words = planned(date);
    let meeting = meeting
        .and_then(|id| named::<Meeting>(&basis.seen, id, |m| &m.title))
        .map(|m| m.title.to_string());
    match (words, meeting) {
        (Some(words), Some(meeting)) => {
            Some(format!("{words} ({meeting})").chars().take(300).collect())
        }
        (words, meeting) => words.or(meeting),
    }
}

/// Number of actions, and number of their parts that are still open.
#[must_use]
pub fn figures(basis: &Basis, scope: &Scope) -> Vec<PaperFigure> {
    let mut figures = Vec::new();
    for meeting in &scope.meetings {
        let Some(name) = named::<Meeting>(&basis.seen, *meeting, |m| &m.title) else {
            continue;
        };
        let given = basis
            .seen
            .pointing::<Action>(*meeting)
            .filter(|a| a.data.meeting_id == *meeting);
        let own: Vec<Uuid> = given.map(|a| a.meta.id).collect();
        let parts = own
            .iter()
            .flat_map(|a| basis.seen.pointing::<ActionPart>(*a));
        let owed = parts.filter(|p| p.data.status.is_open()).count();
        let id = meeting.to_string();
        for (what, value, path, more) in [
            ("actions", own.len(), "actions", None),
            (
                "parts still open",
                owed,
                "action-parts",
                Some(("is_open", "true")),
            ),
        ] {
            let filters: Vec<(&str, &str)> = [("meeting_id", id.as_str())]
                .into_iter()
                .chain(more)
                .collect();
            figures.push(PaperFigure {
                label: Text::cut(format!("{}: {what}", name.title)),
                value,
                query: Text::cut(basis.rows(path, &filters)),
            });
        }
    }
    figures
}
