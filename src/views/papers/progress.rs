//! Audit recommendations of a paper, one by one.

use uuid::Uuid;

use super::content::{PaperFigure, PaperLinkedRecord, PaperPart, PaperRecommendation, PaperUpdate};
use super::queries::Basis;
use super::scope::{Scope, name_of, named};
use crate::registers::assurance::{
    AuditReview, Recommendation, RecommendationClosureState, RecommendationLink,
    RecommendationRelation, RecommendationUpdate, RecommendationUpdateKind, Timeliness,
};
use crate::registers::settings::in_force;
use crate::views::expected::due_of;
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
    let updates = latest(r, basis);
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
        linked_records: linked_records(r, &updates, basis),
        updates: updates.into_iter().map(|u| update(u, basis)).collect(),
        query: Text::cut(basis.one(Recommendation::KIND, &r.meta.reference)),
    }
}

/// Updates of the most recent date on which any were made. A progress report and a deferral are
/// often two entries of the same date.
fn latest<'a>(r: &Rec<Recommendation>, basis: &'a Basis) -> Vec<&'a Rec<RecommendationUpdate>> {
    let own = |u: &&Rec<RecommendationUpdate>| {
        u.data.recommendation_id == r.meta.id && u.data.stated_on <= basis.on
    };
    let mut all: Vec<_> = basis
        .seen
        .pointing::<RecommendationUpdate>(r.meta.id)
        .filter(own)
        .collect();
    let last = all.iter().map(|u| u.data.stated_on).max();
    all.retain(|u| Some(u.data.stated_on) == last);
    all.sort_by_key(|u| (u.meta.created_at, Collated(&u.meta.reference)));
    all
}

fn update(u: &Rec<RecommendationUpdate>, basis: &Basis) -> PaperUpdate {
    let part = |p: &crate::registers::assurance::RecommendationUpdatePart| PaperPart {
        label: p.label.as_ref().map(Into::into),
        text: (&p.text).into(),
    };
    PaperUpdate {
        id: u.meta.id,
        update_kind: u.data.update_kind,
        stated_on: u.data.stated_on,
        narrative: u.data.narrative.as_ref().map(Into::into),
        parts: u.data.parts.iter().map(part).collect(),
        query: Text::cut(basis.one(RecommendationUpdate::KIND, &u.meta.reference)),
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
    let row = |(id, relation, waits): (Uuid, Option<RecommendationRelation>, bool)| {
        let record = name_of(&basis.seen, id)?;
        let expected_on = due_of(&basis.seen, basis.on, id);
        Some(PaperLinkedRecord {
            relation,
            expected_on,
            without_date: waits && expected_on.is_none(),
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
