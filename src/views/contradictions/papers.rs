//! Contradictions in papers: implications that are said not to exist, or were not assessed, while
//! the registers hold what would be one.
//!
//! Nothing is compared with the financial implications: the registers keep no costs.

use chrono::NaiveDate;
use uuid::Uuid;

use super::facts::{open_risks, risks_in_words};
use super::rule::{Clash, Context, Each, Rule, Said};
use crate::registers::assurance::{RecommendationLink, RecommendationRelation};
use crate::registers::governance::Board;
use crate::registers::meetings::{Meeting, MeetingStatus};
use crate::registers::organisation::{Post, Unit};
use crate::registers::oversight::{
    OccurrenceState, ReportObligation, ReportSubmission, occurrences,
};
use crate::registers::papers::{ImplicationState, Paper, PaperImplication, PaperStatus};
use crate::registers::performance::Measure;
use crate::registers::plan::WorkPlanItem;
use crate::registers::risk::Risk;
use crate::views::findings::FindingSeverity as Is;
use crate::views::papers::{Basis, Scope, Sources};
use crate::views::performance::availability;
use crate::views::rag::counted;
use crate::world::collation::fold;
use crate::world::record::word;
use crate::world::vocabulary::Coded;
use crate::world::{Rec, calendar};

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "paper_risk_contradicted",
        severity: Is::High,
        checks: "The paper names no risk implications, but open risks are recorded for what it \
            reports on.",
        why: "The panel is told that there is nothing to consider.",
        remedy: "Say in the paper what the risks are and how they are controlled.",
        answers: &["2017, section 5", "2020, section 5"],
        check: &Each::new(|c, p: &Rec<Paper>| {
            let claimed = named_none(c, p, "risk", &p.data.risk)?;
            let mut risks = Vec::new();
            let scope = scope(c, p);
            for of in scope.recommendations.iter().chain(&scope.plans) {
                risks.extend(open_risks(c, *of));
            }
            for recommendation in &scope.recommendations {
                let links = c.seen.pointing::<RecommendationLink>(*recommendation);
                let answers = links.filter(|l| {
                    l.data.relation == RecommendationRelation::AddressedBy
                        && l.data.recommendation_id == *recommendation
                        && c.seen.get::<Risk>(l.data.to_id.uuid()).is_some()
                });
                risks.extend(answers.flat_map(|l| open_risks(c, l.data.to_id.uuid())));
            }
            risks.sort_unstable_by_key(|r| r.meta.id);
            risks.dedup_by_key(|r| r.meta.id);
            let computed = Said::new("open_risks", risks_in_words(&risks)?);
            let ids = risks.iter().map(|r| r.meta.id);
            Some(Clash::of(claimed).computed(computed).against(ids))
        }),
    },
    Rule {
        code: "paper_equality_contradicted",
        severity: Is::High,
        checks: "The paper names no impact on equality, but a report under the equality duty is \
            missed, or figures that would show the impact are not broken down.",
        why: "Without them nobody can have assessed the impact.",
        remedy: "Publish what is missing, or say in the paper that the impact is not known.",
        answers: &["2017, section 2", "2020, section 2"],
        check: &Each::new(|c, p: &Rec<Paper>| {
            let claimed = named_none(c, p, "equality and diversity", &p.data.equality_impact)?;
            let missed = missed(c, p, |o| o.statutory_duty.is_some());
            let is_denied = p.data.equality_impact.state == ImplicationState::AssessedNone;
            let undivided = if is_denied {
                not_broken_down(c, p)
            } else {
                Vec::new()
            };
            let mut words = missed_in_words(c, &missed);
            if !undivided.is_empty() {
                words.push(format!(
                    "{} not broken down by a characteristic",
                    counted(number(undivided.len()), "measure")
                ));
            }
            let against = missed.into_iter().map(|(id, _)| id).chain(undivided);
            contradicted(claimed, &words, against)
        }),
    },
    Rule {
        code: "paper_legal_contradicted",
        severity: Is::High,
        checks: "The paper names no legal implications, but open work in its scope answers a court \
            or tribunal, or a report that the law requires is missed.",
        why: "The panel is told that there is nothing to consider.",
        remedy: "Say in the paper what the law requires and what is outstanding.",
        answers: &["2017, section 4"],
        check: &Each::new(|c, p: &Rec<Paper>| {
            let claimed = named_none(c, p, "legal", &p.data.legal)?;
            let is_legal =
                |o: &ReportObligation| o.statutory_duty.is_some() || o.legal_basis.is_some();
            let missed = missed(c, p, is_legal);
            let mut words = missed_in_words(c, &missed);
            let items: Vec<&Rec<WorkPlanItem>> = items(c, &scope(c, p))
                .filter(|i| !i.data.status.is_closed() && answers_a_court(i))
                .collect();
            words.extend(items.iter().map(|i| {
                let source = i.data.external_source.as_deref().unwrap_or_default();
                format!("{} is open; its source: {source}", c.name(i.meta.id))
            }));
            let items = items.iter().map(|i| i.meta.id);
            contradicted(
                claimed,
                &words,
                missed.into_iter().map(|(id, _)| id).chain(items),
            )
        }),
    },
];

fn contradicted(
    claimed: Said,
    words: &[String],
    against: impl IntoIterator<Item = Uuid>,
) -> Option<Clash> {
    (!words.is_empty()).then(|| {
        let computed = Said::new("recorded", words.join("; "));
        Clash::of(claimed).computed(computed).against(against)
    })
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The statement of a paper that still counts, if it names no implications of a kind.
fn named_none(
    c: &Context<'_>,
    paper: &Rec<Paper>,
    what: &str,
    implication: &PaperImplication,
) -> Option<Said> {
    let status = paper.computed.status;
    let names_some = implication.state == ImplicationState::AssessedSome;
    let is_read = matches!(status, PaperStatus::Draft | PaperStatus::Issued);
    if names_some || !is_read {
        return None;
    }
    let meeting = c.seen.get::<Meeting>(paper.data.meeting_id)?;
    let day = meeting.computed.meeting_on;
    if day.is_some_and(|day| has_met_since(c, meeting.data.board_id.uuid(), day)) {
        return None;
    }
    let said = implication.text.as_ref().map_or_else(
        || implication.state.in_sentence().to_string(),
        ToString::to_string,
    );
    let words = format!("{what} implications: {said}");
    Some(
        Said::new(word(&implication.state), words)
            .by(Some(paper.data.author_post_id.uuid()))
            .on(paper.computed.issued_on.or(day)),
    )
}

/// Whether the board, or one that succeeded it, has met again: its papers are then past business.
fn has_met_since(c: &Context<'_>, board: Uuid, day: NaiveDate) -> bool {
    const MOST_SUCCESSORS: usize = 10;
    let mut at = Some(board);
    for _ in 0..MOST_SUCCESSORS {
        let Some(board) = at else { return false };
        let again = |m: &Rec<Meeting>| {
            m.data.board_id == board
                && m.data.status != MeetingStatus::Cancelled
                && m.computed
                    .meeting_on
                    .is_some_and(|on| day < on && on <= c.on)
        };
        if c.seen.pointing::<Meeting>(board).any(again) {
            return true;
        }
        let board = c.seen.get::<Board>(board);
        at = board.and_then(|b| b.data.successor_id).map(Uuid::from);
    }
    false
}

fn scope(c: &Context<'_>, paper: &Rec<Paper>) -> Scope {
    let basis = Basis::of_day(c.seen.clone(), c.on);
    Scope::of(&Sources {
        paper,
        seen: c.seen,
        basis: &basis,
    })
}

fn items<'a>(
    c: &Context<'a>,
    scope: &Scope,
) -> impl Iterator<Item = &'a Rec<WorkPlanItem>> + use<'a> {
    let seen = c.seen;
    scope.plans.clone().into_iter().flat_map(move |plan| {
        let items = seen.pointing::<WorkPlanItem>(plan);
        items.filter(move |i| i.data.plan_id == plan)
    })
}

/// Words by which a source shows that it binds in law.
const BINDING: [&str; 3] = ["tribunal", "court", "statut"];

fn answers_a_court(item: &Rec<WorkPlanItem>) -> bool {
    let source = fold(item.data.external_source.as_deref().unwrap_or_default());
    BINDING.iter().any(|word| source.contains(word))
}

/// The obligations of the author's unit, those above it, the author or the board, of which a report
/// is missed, each with the day on which the last one was due.
fn missed(
    c: &Context<'_>,
    paper: &Rec<Paper>,
    is_meant: impl Fn(&ReportObligation) -> bool,
) -> Vec<(Uuid, NaiveDate)> {
    const MOST_LEVELS: usize = 20;
    let author = paper.data.author_post_id.uuid();
    let mut owing = vec![author];
    owing.extend(paper.computed.board_id.map(Uuid::from));
    let mut unit = c.seen.get::<Post>(author).map(|p| p.data.unit_id.uuid());
    while let Some(id) = unit.filter(|_| owing.len() < MOST_LEVELS) {
        owing.push(id);
        unit = c
            .seen
            .get::<Unit>(id)
            .and_then(|u| u.data.parent_id)
            .map(Uuid::from);
    }
    let owes = |o: &ReportObligation| {
        let from = [
            o.from_unit_id.map(Uuid::from),
            o.from_post_id.map(Uuid::from),
            o.from_board_id.map(Uuid::from),
        ];
        from.into_iter().flatten().any(|id| owing.contains(&id))
    };
    let mut found = Vec::new();
    for of in &owing {
        for o in c.seen.pointing::<ReportObligation>(*of) {
            let is_new = found.iter().all(|(id, _)| *id != o.meta.id);
            if !is_new || !owes(&o.data) || !is_meant(&o.data) {
                continue;
            }
            let made: Vec<&Rec<ReportSubmission>> = c.seen.pointing(o.meta.id).collect();
            let all = occurrences(&o.data, &made, c.on);
            let last = all.iter().rfind(|o| o.state == OccurrenceState::Missed);
            found.extend(last.map(|last| (o.meta.id, last.due_on)));
        }
    }
    found
}

fn missed_in_words(c: &Context<'_>, missed: &[(Uuid, NaiveDate)]) -> Vec<String> {
    let words = |(id, due): &(Uuid, NaiveDate)| {
        let due = calendar::in_words(*due);
        format!("{}, due on {due}, is not recorded as made", c.name(*id))
    };
    missed.iter().map(words).collect()
}

/// The measures of the items in scope that have figures, but none by a characteristic that they
/// should be broken down by.
fn not_broken_down(c: &Context<'_>, paper: &Rec<Paper>) -> Vec<Uuid> {
    let mut found = Vec::new();
    for item in items(c, &scope(c, paper)) {
        for measure in c.seen.pointing::<Measure>(item.meta.id) {
            let rows = availability(c.seen, measure, 1).rows;
            let known =
                |r: &&crate::views::performance::AvailabilityRow| r.present + r.suppressed > 0;
            let has_total = rows
                .iter()
                .filter(known)
                .any(|r| r.characteristic.is_none());
            let is_divided = |wanted| {
                let mut known = rows.iter().filter(known);
                known.any(|r| r.characteristic == Some(wanted))
            };
            let lacks = measure.data.characteristics.iter().any(|w| !is_divided(*w));
            if has_total && lacks && !found.contains(&measure.meta.id) {
                found.push(measure.meta.id);
            }
        }
    }
    found
}
