//! Audit recommendations of a paper, one by one.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::content::{
    PaperEvent, PaperEventKind, PaperFigure, PaperLinkedRecord, PaperPart, PaperRecommendation,
};
use super::queries::Basis;
use super::scope::{Scope, name_of, named};
use crate::registers::assurance::{
    AuditReview, ManagementResponse, Recommendation, RecommendationClosure,
    RecommendationClosureState, RecommendationExtension, RecommendationLink,
    RecommendationRelation, RecommendationUpdate, RecommendationUpdateKind, Timeliness,
    Verification, VerificationResult,
};
use crate::registers::settings::in_force;
use crate::views::RecordName;
use crate::views::readiness::expected_on;
use crate::views::status::Named;
use crate::world::collation::Collated;
use crate::world::{Rec, Resource, Text};

/// The recommendations in scope.
#[must_use]
pub fn recommendations(basis: &Basis, scope: &Scope, open_only: bool) -> Vec<PaperRecommendation> {
    let all = scope
        .recommendations
        .iter()
        .filter_map(|id| basis.seen.get::<Recommendation>(*id));
    all.filter(|r| !open_only || r.computed.closure == RecommendationClosureState::None)
        .map(|r| row(r, basis))
        .collect()
}

fn row(r: &Rec<Recommendation>, basis: &Basis) -> PaperRecommendation {
    let soon = in_force(basis.seen.reading(basis.on).world).due_soon_days;
    let (timeliness, days) = r.timeliness(basis.on, soon);
    let updates = updates(r, basis);
    let latest = latest(&updates);
    PaperRecommendation {
        recommendation: Named::new(&r.meta, &r.data.title),
        number: r.data.number,
        review: named::<AuditReview>(&basis.seen, r.data.review_id, |v| &v.title),
        finding: r.data.finding.as_ref().map(Into::into),
        asks: r.data.recommendation.as_ref().map(Into::into),
        deadline: r.data.deadline.clone(),
        first_deadline: r
            .computed
            .first_deadline
            .clone()
            .filter(|d| *d != r.data.deadline),
        timeliness,
        days,
        implementation: r.computed.implementation,
        verification: r.computed.verification,
        closure: r.computed.closure,
        linked_records: linked_records(r, &latest, basis),
        events: events(r, &updates, &latest, basis),
        query: Text::cut(basis.one(Recommendation::KIND, &r.meta.reference)),
    }
}

/// Its updates up to the date of the paper.
fn updates<'a>(r: &Rec<Recommendation>, basis: &'a Basis) -> Vec<&'a Rec<RecommendationUpdate>> {
    let own = |u: &&Rec<RecommendationUpdate>| {
        u.data.recommendation_id == r.meta.id && u.data.stated_on <= basis.on
    };
    let mut all: Vec<_> = basis
        .seen
        .pointing::<RecommendationUpdate>(r.meta.id)
        .filter(own)
        .collect();
    all.sort_by_key(|u| (u.meta.created_at, Collated(&u.meta.reference)));
    all
}

/// Updates of the most recent date on which any were made. A progress report and a deferral are
/// often two entries of the same date.
fn latest<'a>(all: &[&'a Rec<RecommendationUpdate>]) -> Vec<&'a Rec<RecommendationUpdate>> {
    let last = all.iter().map(|u| u.data.stated_on).max();
    let is_last = |u: &&&Rec<RecommendationUpdate>| Some(u.data.stated_on) == last;
    all.iter().filter(is_last).copied().collect()
}

/// Everything that decided something about a recommendation, and the latest of what was reported,
/// by date. Entries of the same date are in the order in which they were recorded.
fn events(
    r: &Rec<Recommendation>,
    updates: &[&Rec<RecommendationUpdate>],
    latest: &[&Rec<RecommendationUpdate>],
    basis: &Basis,
) -> Vec<PaperEvent> {
    let (seen, id) = (&basis.seen, r.meta.id);
    let mut all: Vec<(DateTime<Utc>, PaperEvent)> = Vec::new();
    for u in updates {
        let is_shown = match u.data.update_kind {
            RecommendationUpdateKind::Progress | RecommendationUpdateKind::RefersTo => {
                u.data.is_claim() || latest.iter().any(|l| l.meta.id == u.meta.id)
            }
            _ => true,
        };
        if is_shown {
            all.push((u.meta.created_at, update(u, basis)));
        }
    }
    for own in seen.pointing::<ManagementResponse>(id) {
        let event = PaperEvent {
            by: names(basis, [own.data.by_post_id.map(Uuid::from)]),
            text: Some((&own.data.text).into()),
            response: Some(own.data.response),
            ..event(own, PaperEventKind::Response, own.data.responded_on, basis)
        };
        all.push((own.meta.created_at, event));
    }
    for own in seen.pointing::<Verification>(id) {
        let kind = match own.data.result {
            VerificationResult::Verified => PaperEventKind::Verified,
            VerificationResult::Rejected => PaperEventKind::Rejected,
        };
        let claim = seen.get::<RecommendationUpdate>(own.data.claim_id);
        let event = PaperEvent {
            by: names(basis, [own.data.by_post_id.map(Uuid::from)]),
            text: own.data.reason.as_ref().map(Into::into),
            claimed_on: claim.map(|c| c.data.stated_on),
            ..event(own, kind, own.data.decided_on, basis)
        };
        all.push((own.meta.created_at, event));
    }
    for own in seen.pointing::<RecommendationExtension>(id) {
        let by = [
            own.data.approver_board_id.map(Uuid::from),
            own.data.approver_post_id.map(Uuid::from),
        ];
        let event = PaperEvent {
            by: names(basis, by),
            text: Some((&own.data.reason).into()),
            deadline_from: Some(own.computed.from.clone()),
            deadline_to: Some(own.data.to.clone()),
            ..event(own, PaperEventKind::Extended, own.data.approved_on, basis)
        };
        all.push((own.meta.created_at, event));
    }
    let closures = seen.pointing::<RecommendationClosure>(id);
    for own in closures.filter(|c| c.data.recommendation_id == id) {
        let event = PaperEvent {
            by: names(basis, [own.data.accepted_by_post_id.map(Uuid::from)]),
            text: Some((&own.data.reason).into()),
            closure: Some(own.data.closure),
            ..event(own, PaperEventKind::Closed, own.data.closed_on, basis)
        };
        all.push((own.meta.created_at, event));
    }
    all.retain(|(_, event)| event.on <= basis.on);
    all.sort_by_key(|(at, event)| (event.on, *at));
    all.into_iter().map(|(_, event)| event).collect()
}

/// The event that a record is, without what only some kinds have.
fn event<R: Resource>(
    record: &Rec<R>,
    kind: PaperEventKind,
    on: NaiveDate,
    basis: &Basis,
) -> PaperEvent {
    PaperEvent {
        id: record.meta.id,
        kind,
        on,
        by: Vec::new(),
        text: None,
        parts: Vec::new(),
        response: None,
        closure: None,
        claimed_on: None,
        deadline_from: None,
        deadline_to: None,
        query: Text::cut(basis.one(R::KIND, &record.meta.reference)),
    }
}

fn names<const N: usize>(basis: &Basis, ids: [Option<Uuid>; N]) -> Vec<RecordName> {
    let known = ids.into_iter().flatten();
    known.filter_map(|id| name_of(&basis.seen, id)).collect()
}

fn update(u: &Rec<RecommendationUpdate>, basis: &Basis) -> PaperEvent {
    let part = |p: &crate::registers::assurance::RecommendationUpdatePart| PaperPart {
        label: p.label.as_ref().map(Into::into),
        text: (&p.text).into(),
    };
    let kind = match u.data.update_kind {
        RecommendationUpdateKind::Progress => PaperEventKind::Progress,
        RecommendationUpdateKind::ClaimComplete => PaperEventKind::ClaimComplete,
        RecommendationUpdateKind::Deferral => PaperEventKind::Deferral,
        RecommendationUpdateKind::ExtensionRequest => PaperEventKind::ExtensionRequest,
        RecommendationUpdateKind::RefersTo => PaperEventKind::RefersTo,
    };
    let asked = &u.data.asked_deadline;
    let is_asked = asked.due_on.is_some() || asked.source_text.is_some();
    PaperEvent {
        by: names(basis, [u.data.by_post_id.map(Uuid::from)]),
        text: u.data.narrative.as_ref().map(Into::into),
        parts: u.data.parts.iter().map(part).collect(),
        deadline_to: is_asked.then(|| asked.clone()),
        ..event(u, kind, u.data.stated_on, basis)
    }
}

/// Records named by its links, followed by other records that its latest updates refer to.
fn linked_records(
    r: &Rec<Recommendation>,
    updates: &[&Rec<RecommendationUpdate>],
    basis: &Basis,
) -> Vec<PaperLinkedRecord> {
    let own = |l: &&Rec<RecommendationLink>| l.data.recommendation_id == r.meta.id;
    let mut links: Vec<_> = basis
        .seen
        .pointing::<RecommendationLink>(r.meta.id)
        .filter(own)
        .collect();
    links.sort_by_key(|l| Collated(&l.meta.reference));
    let mut all: Vec<(Uuid, Option<RecommendationRelation>, bool)> = links
        .iter()
        .map(|l| {
            (
                l.data.to_id.uuid(),
                Some(l.data.relation),
                l.data.relation == RecommendationRelation::DependsOn,
            )
        })
        .collect();
    for u in updates {
        let waits = u.data.update_kind == RecommendationUpdateKind::Deferral;
        for id in u.data.referred() {
            if !all.iter().any(|(known, ..)| *known == id) {
                all.push((id, None, waits));
            }
        }
    }
    let row = |(id, relation, is_awaited): (Uuid, Option<RecommendationRelation>, bool)| {
        let record = name_of(&basis.seen, id)?;
        let is_expected = is_awaited || relation == Some(RecommendationRelation::AddressedBy);
        let expected_on = expected_on(&basis.seen, basis.on, id).filter(|_| is_expected);
        Some(PaperLinkedRecord {
            relation,
            is_awaited,
            expected_on,
            without_date: is_awaited && expected_on.is_none(),
            query: Text::cut(basis.one(&record.kind, &record.reference)),
            record,
        })
    };
    all.into_iter().filter_map(row).collect()
}

/// Number of recommendations of each review, and number of those that are late.
#[must_use]
pub fn figures(basis: &Basis, scope: &Scope) -> Vec<PaperFigure> {
    let soon = in_force(basis.seen.reading(basis.on).world).due_soon_days;
    let mut figures = Vec::new();
    for review in &scope.reviews {
        let Some(name) = named::<AuditReview>(&basis.seen, *review, |v| &v.title) else {
            continue;
        };
        let own: Vec<_> = basis.seen.pointing::<Recommendation>(*review).collect();
        let id = review.to_string();
        let mut figure = |what: &str, value: usize, path: &str, filters: &[(&str, &str)]| {
            figures.push(PaperFigure {
                label: Text::cut(format!("{}: {what}", name.title)),
                value,
                query: Text::cut(basis.rows(path, filters)),
            });
        };
        figure(
            "recommendations",
            own.len(),
            "recommendations",
            &[("review_id", &id)],
        );
        for (timeliness, what) in [
            (Timeliness::Overdue, "overdue"),
            (Timeliness::MetLate, "claimed late"),
        ] {
            let value = own
                .iter()
                .filter(|r| r.timeliness(basis.on, soon).0 == timeliness)
                .count();
            let word = crate::world::record::word(&timeliness);
            figure(
                what,
                value,
                "status/recommendations",
                &[("review_id", &id), ("timeliness", &word)],
            );
        }
    }
    figures
}
