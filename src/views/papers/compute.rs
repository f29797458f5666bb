//! Computes the content of a paper: a pure function of the paper, its template and the world that
//! it reports on.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::content::{
    FORMAT, PaperAppendixLine, PaperContent, PaperFigure, PaperGap, PaperInterdependency,
    PaperOverdueLine, PaperRecommendationToPanel, PaperRisk, PaperSection, PaperState,
    PaperUnresolvedReason,
};
use super::queries::Basis;
use super::references::Found;
use super::scope::{Scope, Sources, name_of, named};
use super::{actions, priorities, progress};
use crate::registers::assurance::{Recommendation, RecommendationLink, RecommendationRelation};
use crate::registers::evidence::{Document, DocumentVersion};
use crate::registers::meetings::{Action, Meeting};
use crate::registers::papers::{Paper, PaperSource, PaperTemplate, TemplateSection};
use crate::registers::plan::WorkPlanItem;
use crate::registers::risk::{Control, Risk, RiskRegister};
use crate::registers::settings::used;
use crate::registers::strategy::{
    CrossReference, CrossReferenceStatement, Strategy, StrategyReview,
};
use crate::views::RecordName;
use crate::views::gaps::gap_on;
use crate::views::status::Named;
use crate::world::collation::{Collated, reference_key};
use crate::world::visible::Clearance;
use crate::world::{Marking, Rec, Resource, Text};

/// Computes a paper's content.
#[must_use]
pub fn content(sources: &Sources<'_>, state: PaperState) -> PaperContent {
    let Sources { paper, seen, basis } = *sources;
    let data = &paper.data;
    let template = seen.get::<PaperTemplate>(data.template_id);
    let meeting = seen.get::<Meeting>(data.meeting_id);
    let mut found = Found::of(paper, basis);
    let wanted =
        |source| template.and_then(|t| t.data.sections.iter().find(|s| s.source == source));
    let open_only = |source| wanted(source).is_some_and(|s| s.open_only);
    let scope = Scope::of(sources);
    for (n, narrative) in data.narrative.iter().enumerate() {
        if template.is_some_and(|t| !t.data.sections.iter().any(|s| s.key == narrative.section)) {
            let pointer = format!("/narrative/{n}/section");
            found.fail(
                &pointer,
                &narrative.section,
                PaperUnresolvedReason::NoSuchSection,
            );
        }
    }
    let mut content = PaperContent {
        marking: Some(paper.meta.marking),
        format: FORMAT.to_owned(),
        state,
        language: template.map_or_else(|| Text::cut("en-GB"), |t| (&t.data.language).into()),
        paper: Named::new(&paper.meta, &data.title),
        board: meeting.and_then(|m| name_of(seen, m.data.board_id)),
        meeting: name_of(seen, data.meeting_id),
        meeting_on: meeting.and_then(|m| m.computed.meeting_on),
        author: name_of(seen, data.author_post_id),
        contact: name_of(seen, data.contact_post_id.unwrap_or(data.author_post_id)),
        template: name_of(seen, data.template_id).unwrap_or_else(|| RecordName {
            kind: Text::cut(PaperTemplate::KIND),
            id: data.template_id.uuid(),
            reference: Text::default(),
            title: Text::default(),
        }),
        on: basis.on,
        as_of: basis.as_of,
        journal_seq: basis.seen.seq(),
        settings: used(&basis.seen),
        sections: template.map_or_else(Vec::new, |t| {
            sections(&t.data.sections, paper, basis, &scope)
        }),
        key_considerations: data.key_considerations.iter().map(Into::into).collect(),
        recommendations_to_panel: data
            .recommendations
            .iter()
            .zip('a'..='z')
            .map(|(r, label)| PaperRecommendationToPanel {
                label: Text::cut(label),
                verb: r.verb,
                text: (&r.text).into(),
            })
            .collect(),
        interdependencies: scope.interdependencies(basis),
        recommendations: progress::recommendations(
            basis,
            &scope,
            open_only(PaperSource::AssuranceRecommendations),
        ),
        priorities: priorities::priorities(basis, &scope, open_only(PaperSource::PlanPriorities)),
        actions: actions::actions(basis, &scope, open_only(PaperSource::PriorActions)),
        risks: scope.risks(basis, open_only(PaperSource::Risks)),
        gaps: gaps(paper, basis),
        overdue: overdue(paper, basis, &scope),
        overdue_covers: covered(basis, &scope),
        equality_impact: data.equality_impact.clone(),
        financial: data.financial.clone(),
        legal: data.legal.clone(),
        risk: data.risk.clone(),
        appendices: data
            .appendices
            .iter()
            .enumerate()
            .map(|(n, _)| appendix(sources, n))
            .collect(),
        references: found.resolved.into_values().collect(),
        unresolved: found.unresolved,
    };
    if let Some(template) = template {
        number(&mut content, &template.data.sections);
    }
    if state == PaperState::Draft && *seen.clearance() != Clearance::None {
        content.marking = content.marking.max(highest(&content, basis));
    }
    content
}

/// The highest marking of the records that a content names.
fn highest(content: &PaperContent, basis: &Basis) -> Option<Marking> {
    fn of(value: &Value, basis: &Basis) -> Option<Marking> {
        match value {
            Value::Object(map) => {
                let id = map.get("id").and_then(Value::as_str);
                let id = id.and_then(|id| Uuid::try_parse(id).ok());
                let own = id
                    .and_then(|id| basis.seen.any(id))
                    .map(|r| r.meta().marking);
                own.max(map.values().filter_map(|v| of(v, basis)).max())
            }
            Value::Array(list) => list.iter().filter_map(|v| of(v, basis)).max(),
            _ => None,
        }
    }
    of(&json!(content), basis)
}

/// Numbers the sections that have something to print: 1, 1.1, 1.2, 2. Sections that the template
/// leaves without a number do not count.
fn number(content: &mut PaperContent, template: &[TemplateSection]) {
    let empty = content.empty_sections();
    let mut counts = [0_u32; 3];
    let all = content.sections.iter_mut().zip(template).zip(empty);
    for ((section, given), is_empty) in all {
        section.is_empty = is_empty;
        if !given.is_numbered || is_empty {
            continue;
        }
        let level = usize::from(section.level).clamp(1, counts.len());
        if let Some(count) = counts.get_mut(level - 1) {
            *count += 1;
        }
        counts.iter_mut().skip(level).for_each(|c| *c = 0);
        let parts: Vec<String> = counts.iter().take(level).map(u32::to_string).collect();
        section.number = Some(Text::cut(parts.join(".")));
    }
}

/// The sections of the template, without numbers.
fn sections(
    template: &[TemplateSection],
    paper: &Rec<Paper>,
    basis: &Basis,
    scope: &Scope,
) -> Vec<PaperSection> {
    let of = |section: &TemplateSection| PaperSection {
        key: (&section.key).into(),
        number: None,
        heading: (&section.heading).into(),
        level: section.level,
        source: section.source,
        text: words(section, paper).map(Text::cut),
        figures: figures(section.source, basis, scope),
        is_empty: false,
    };
    template.iter().map(of).collect()
}

/// The author's text for a section: the narrative, and the field that the source names.
fn words(section: &TemplateSection, paper: &Rec<Paper>) -> Option<String> {
    let field = match section.source {
        PaperSource::Purpose => paper.data.purpose.as_deref(),
        PaperSource::Interdependencies => paper.data.interdependencies.as_deref(),
        _ => None,
    };
    let texts: Vec<&str> = paper.narrative(&section.key).chain(field).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// Figures of a section, and the queries that return what they count.
fn figures(source: PaperSource, basis: &Basis, scope: &Scope) -> Vec<PaperFigure> {
    match source {
        PaperSource::AssuranceRecommendations => progress::figures(basis, scope),
        PaperSource::PlanPriorities => priorities::figures(basis, scope),
        PaperSource::PriorActions => actions::figures(basis, scope),
        _ => Vec::new(),
    }
}

impl Scope {
    fn interdependencies(&self, basis: &Basis) -> Vec<PaperInterdependency> {
        let seen = &basis.seen;
        let mut rows: Vec<&Rec<CrossReference>> = Vec::new();
        let mut known = HashSet::new();
        for strategy in &self.strategies {
            rows.extend(
                seen.pointing::<CrossReference>(*strategy)
                    .filter(|x| known.insert(x.meta.id)),
            );
        }
        rows.sort_by_key(|x| Collated(&x.meta.reference));
        let title: fn(&Strategy) -> &str = |s| &s.title;
        let row = |x: &Rec<CrossReference>| {
            Some(PaperInterdependency {
                id: x.meta.id,
                from: named(seen, x.data.from_strategy_id, title)?,
                to: named(seen, x.data.to_strategy_id, title)?,
                relation: x.data.relation,
                rationale: x.data.rationale.clone(),
                stated_in: stated(&x.data.stated_in)
                    .into_iter()
                    .map(Text::cut)
                    .collect(),
                query: Text::cut(basis.one(CrossReference::KIND, &x.meta.reference)),
            })
        };
        rows.into_iter().filter_map(row).collect()
    }

    /// Risks that the recommendations control or that answer them, and risks on the registers of
    /// the plans.
    fn risks(&self, basis: &Basis, open_only: bool) -> Vec<PaperRisk> {
        use crate::registers::risk::RiskStatus;
        let seen = &basis.seen;
        let mut ids: HashSet<Uuid> = HashSet::new();
        for recommendation in &self.recommendations {
            ids.extend(
                seen.pointing::<Control>(*recommendation)
                    .flat_map(|c| c.data.risk_ids.iter().map(|id| id.uuid())),
            );
            let answered = seen
                .pointing::<RecommendationLink>(*recommendation)
                .filter(|l| {
                    l.data.relation == RecommendationRelation::AddressedBy
                        && l.data.recommendation_id == *recommendation
                });
            ids.extend(answered.map(|l| l.data.to_id.uuid()));
        }
        for plan in &self.plans {
            for register in seen.pointing::<RiskRegister>(*plan) {
                ids.extend(seen.pointing::<Risk>(register.meta.id).map(|r| r.meta.id));
            }
        }
        let mut risks: Vec<&Rec<Risk>> = ids
            .into_iter()
            .filter_map(|id| seen.get::<Risk>(id))
            .collect();
        risks.retain(|r| seen.is_live(*r) && !(open_only && r.data.status == RiskStatus::Closed));
        risks.sort_by_key(|r| Collated(&r.meta.reference));
        let row = |r: &Rec<Risk>| PaperRisk {
            risk: Named::new(&r.meta, &r.data.title),
            register: named::<RiskRegister>(seen, r.data.register_id, |g| &g.title),
            event: r.data.event.clone(),
            status: r.data.status,
            current: r.computed.current_level,
            controls: r.computed.control_count,
            effective_controls: r.computed.effective_control_count,
            query: Text::cut(basis.one(Risk::KIND, &r.meta.reference)),
        };
        risks.into_iter().map(row).collect()
    }
}

/// Where a cross-reference is stated, in words: each document once, with the places in it.
fn stated(all: &[CrossReferenceStatement]) -> Vec<String> {
    let mut documents: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in all {
        let place = one.place.as_deref();
        match documents
            .iter_mut()
            .find(|(source, _)| *source == &*one.source)
        {
            Some((_, places)) => places.extend(place),
            None => documents.push((&one.source, place.into_iter().collect())),
        }
    }
    let words = |(source, places): (&str, Vec<&str>)| match places.as_slice() {
        [] => source.to_owned(),
        places => format!("{source}: {}", places.join("; ")),
    };
    documents.into_iter().map(words).collect()
}

fn gaps(paper: &Rec<Paper>, basis: &Basis) -> Vec<PaperGap> {
    let row = |chosen: &crate::registers::papers::ChosenGap| {
        let record = name_of(&basis.seen, chosen.record_id);
        let gap = gap_on(&basis.seen, basis.on, &chosen.rule, chosen.record_id.uuid());
        PaperGap {
            rule: (&chosen.rule).into(),
            severity: gap.as_ref().map(|g| g.severity),
            is_open: gap.as_ref().is_some_and(|g| g.reason.is_some()),
            reason: gap.as_ref().and_then(|g| g.reason.clone()).map(Text::cut),
            remedy: gap.map(|g| Text::cut(g.remedy)),
            query: Text::cut(basis.rows(
                "gaps",
                &[
                    ("rule", &chosen.rule),
                    ("record_id", &chosen.record_id.to_string()),
                ],
            )),
            record,
        }
    };
    paper.data.gaps.iter().map(row).collect()
}

/// What is looked at for what is overdue, in words.
fn covered(basis: &Basis, scope: &Scope) -> Vec<Text<700>> {
    let seen = &basis.seen;
    let mut all: Vec<String> = Vec::new();
    let mut among = |what: &str, ids: &[Uuid]| {
        let known = ids.iter().filter_map(|id| name_of(seen, *id));
        all.extend(known.map(|r| format!("{what} {}", r.title)));
    };
    among("the recommendations of", &scope.reviews);
    let of_review = |id: &&Uuid| {
        let review = seen
            .get::<Recommendation>(**id)
            .map(|r| r.data.review_id.uuid());
        !review.is_some_and(|review| scope.reviews.contains(&review))
    };
    let single: Vec<Uuid> = scope
        .recommendations
        .iter()
        .filter(of_review)
        .copied()
        .collect();
    among("the recommendation", &single);
    among("the items of", &scope.plans);
    among("the reviews of", &scope.strategies);
    among(
        "the actions given by",
        &scope.board.into_iter().collect::<Vec<_>>(),
    );
    let elsewhere = |id: &&Uuid| {
        seen.get::<Meeting>(**id)
            .is_some_and(|m| Some(m.data.board_id.uuid()) != scope.board)
    };
    let meetings: Vec<Uuid> = scope.meetings.iter().filter(elsewhere).copied().collect();
    among("the actions of", &meetings);
    all.into_iter().map(Text::cut).collect()
}

/// What is overdue in scope, and every overdue action of the board, longest overdue first. The
/// panel sees it whether or not the author mentions it.
fn overdue(paper: &Rec<Paper>, basis: &Basis, scope: &Scope) -> Vec<PaperOverdueLine> {
    let (seen, on) = (&basis.seen, basis.on);
    let mut lines: Vec<PaperOverdueLine> = Vec::new();
    let mut line = |id: Uuid, due: Option<NaiveDate>, deferred: bool| {
        let (Some(due_on), Some(record)) = (due, name_of(seen, id)) else {
            return;
        };
        lines.push(PaperOverdueLine {
            due_on,
            days_late: (on - due_on).num_days(),
            deferred,
            struck: paper
                .data
                .struck
                .iter()
                .find(|s| s.record_id == id)
                .map(|s| (&s.reason).into()),
            query: Text::cut(basis.one(&record.kind, &record.reference)),
            record,
        });
    };
    let recommendations = scope
        .recommendations
        .iter()
        .filter_map(|id| seen.get::<Recommendation>(*id));
    for r in recommendations.filter(|r| r.is_overdue(on)) {
        line(r.meta.id, r.data.deadline.due_on, false);
    }
    for plan in &scope.plans {
        for i in seen
            .pointing::<WorkPlanItem>(*plan)
            .filter(|i| i.data.plan_id == *plan && i.due().is_overdue(on))
        {
            line(
                i.meta.id,
                i.due().counts_on(),
                i.data.deadline.due_on.is_none(),
            );
        }
    }
    for strategy in &scope.strategies {
        let reviews = seen
            .pointing::<StrategyReview>(*strategy)
            .filter(|r| r.data.strategy_id == *strategy);
        for r in reviews {
            let deadline = StrategyReview::deadline(r, seen.reading(on));
            if deadline.is_overdue(on) {
                line(r.meta.id, deadline.counts_on(), false);
            }
        }
    }
    let mut meetings = scope.meetings.clone();
    let of_board = scope
        .board
        .into_iter()
        .flat_map(|b| seen.pointing::<Meeting>(b));
    meetings.extend(of_board.map(|m| m.meta.id));
    meetings.sort_unstable();
    meetings.dedup();
    for meeting in meetings {
        let given = seen
            .pointing::<Action>(meeting)
            .filter(|a| a.data.meeting_id == meeting);
        for a in given.filter(|a| a.due().is_overdue(on)) {
            line(a.meta.id, a.due().counts_on(), a.computed.due_on.is_none());
        }
    }
    lines.sort_by_cached_key(|l| (l.due_on, reference_key(&l.record.reference)));
    lines
}

fn appendix(sources: &Sources<'_>, n: usize) -> PaperAppendixLine {
    let Sources { paper, seen, basis } = *sources;
    let given = paper.data.appendices.get(n);
    let version = given
        .and_then(|a| a.document_version_id)
        .and_then(|id| seen.get::<DocumentVersion>(id));
    let document = version
        .map(|v| v.data.document_id)
        .or(given.and_then(|a| a.document_id));
    let document = document.and_then(|id| seen.get::<Document>(id));
    let own = |r: &Rec<DocumentVersion>| basis.one(DocumentVersion::KIND, &r.meta.reference);
    PaperAppendixLine {
        number: n + 1,
        title: given.map(|a| (&a.title).into()).unwrap_or_default(),
        version: version.and_then(|v| name_of(seen, v.meta.id)),
        sha256: version.map(|v| (&v.data.sha256).into()),
        document_state: document.map(|d| d.data.state),
        stated_status: given
            .and_then(|a| a.stated_status.as_ref())
            .map(Into::into)
            .or_else(|| {
                document
                    .and_then(|d| d.data.state_words.as_ref())
                    .map(Into::into)
            }),
        query: version
            .map(own)
            .or_else(|| document.map(|d| basis.one(Document::KIND, &d.meta.reference)))
            .map(Text::cut),
        document: document.and_then(|d| name_of(seen, d.meta.id)),
    }
}
