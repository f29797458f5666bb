//! What papers lack, and how a paper shows a gap.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because};
use crate::registers::assurance::Recommendation;
use crate::registers::evidence::{Document, DocumentState, DocumentVersion};
use crate::registers::meetings::Meeting;
use crate::registers::papers::{
    ImplicationState, Paper, PaperAppendix, PaperImplication, PaperStatus,
};
use crate::views::papers::{Basis, Found, Scope, Sources};
use crate::world::Rec;
use crate::world::collation::{Collated, fold};
use crate::world::vocabulary::Coded;

/// The rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "paper_implication_not_assessed",
        severity: Is::Medium,
        checks: "An implication of the paper is not assessed, or its wording would fit any paper.",
        why: "The panel decides without knowing the cost, the legal requirements and the risks.",
        remedy: "Assess it, and say what the implications are or that there are none.",
        answers: &["2017, sections 3 to 5", "2020, section 2"],
        check: &Each::new(implications),
    },
    Rule {
        code: "paper_appendix_draft",
        severity: Is::Medium,
        checks: "An appendix of the paper is a draft.",
        why: "The panel notes as complete something that may still change.",
        remedy: "Attach the final version, or say in the paper that it is a draft.",
        answers: &["2017, appendices 1 and 2"],
        check: &Each::new(appendices),
    },
    Rule {
        code: "paper_reference_unresolved",
        severity: Is::Medium,
        checks: "A reference in the paper's text does not match any record.",
        why: "Anyone who follows it finds nothing.",
        remedy: "Name an existing record as [[kind:REFERENCE]], or remove the reference.",
        answers: &["2020, interdependencies"],
        check: &Each::new(references),
    },
    Rule {
        code: "overdue_recommendation_not_in_paper",
        severity: Is::High,
        checks: "The paper reports on an audit but leaves out an overdue recommendation of it, or \
            strikes out one that is not overdue.",
        why: "A recommendation that is late and not mentioned stays late.",
        remedy: "Include the recommendation in the paper's scope. Strike out only what is \
            overdue, and say why.",
        answers: &["2020, recommendations 6, 7 and 9"],
        check: &Each::new(silent_on),
    },
    Rule {
        code: "paper_decision_unrecorded",
        severity: Is::Medium,
        checks: "The meeting is over, but the panel's decision on the paper is not recorded.",
        why: "Nobody can tell later what was noted, approved or refused.",
        remedy: "Record the decision and its date for each recommendation of the paper.",
        answers: &["2017, recommendations", "2020, recommendations"],
        check: &Each::new(undecided),
    },
];

/// Whether the paper can still be put right: it is a draft, or it was issued and its meeting is not
/// over.
fn is_current(c: &Context<'_>, paper: &Rec<Paper>) -> bool {
    match paper.computed.status {
        PaperStatus::Draft => true,
        PaperStatus::Issued => !is_over(c, paper),
        _ => false,
    }
}

fn is_over(c: &Context<'_>, paper: &Rec<Paper>) -> bool {
    let meeting = c.seen.get::<Meeting>(paper.data.meeting_id);
    let day = meeting.and_then(|m| m.computed.meeting_on);
    day.is_some_and(|d| d < c.on)
}

fn joined(words: Vec<String>) -> Fault {
    if words.is_empty() {
        None
    } else {
        because(words.join("; "))
    }
}

/// Phrases that would fit any paper.
const FIT_ANY: [&str; 4] = [
    "as required",
    "as appropriate",
    "as needed",
    "any appropriate",
];

fn implications(c: &Context<'_>, paper: &Rec<Paper>) -> Fault {
    if !is_current(c, paper) {
        return None;
    }
    let data = &paper.data;
    let all = [
        ("equality and diversity", &data.equality_impact),
        ("financial", &data.financial),
        ("legal", &data.legal),
        ("risk", &data.risk),
    ];
    let fault = |i: &PaperImplication| match i.state {
        ImplicationState::NotAssessed | ImplicationState::Boilerplate => {
            Some(i.state.in_sentence())
        }
        _ => {
            let text = fold(i.text.as_deref().unwrap_or_default());
            let empty = FIT_ANY.iter().find(|w| text.contains(*w));
            empty.map(|w| format!("its wording would fit any paper: {w}"))
        }
    };
    joined(
        all.into_iter()
            .filter_map(|(name, i)| Some(format!("{name}: {}", fault(i)?)))
            .collect(),
    )
}

fn appendices(c: &Context<'_>, paper: &Rec<Paper>) -> Fault {
    if !is_current(c, paper) {
        return None;
    }
    let draft = |text: Option<&str>| text.is_some_and(|t| fold(t).contains("draft"));
    let is_draft = |a: &&PaperAppendix| {
        let version = a
            .document_version_id
            .and_then(|id| c.seen.get::<DocumentVersion>(id));
        let document = version.map(|v| v.data.document_id).or(a.document_id);
        let document = document.and_then(|id| c.seen.get::<Document>(id));
        draft(a.stated_status.as_deref())
            || version.is_some_and(|v| draft(v.data.label.as_deref()))
            || document.is_some_and(|d| {
                d.data.state == DocumentState::Draft || draft(d.data.state_words.as_deref())
            })
    };
    joined(
        paper
            .data
            .appendices
            .iter()
            .filter(is_draft)
            .map(|a| a.title.to_string())
            .collect(),
    )
}

fn references(c: &Context<'_>, paper: &Rec<Paper>) -> Fault {
    if !is_current(c, paper) {
        return None;
    }
    let basis = Basis::of_day(c.seen.clone(), c.on);
    let found = Found::of(paper, &basis).unresolved;
    joined(
        found
            .into_iter()
            .take(20)
            .map(|u| format!("{} at {}", u.text, u.pointer))
            .collect(),
    )
}

fn silent_on(c: &Context<'_>, paper: &Rec<Paper>) -> Fault {
    if !is_current(c, paper) {
        return None;
    }
    // An issued paper is checked for the date that it was written for.
    let on = paper
        .computed
        .assessed_on
        .or(paper.data.as_of_on)
        .unwrap_or(c.on);
    let basis = Basis::of_day(c.seen.clone(), on);
    let scope = Scope::of(&Sources {
        paper,
        seen: c.seen,
        basis: &basis,
    });
    let of_paper = scope
        .recommendations
        .iter()
        .filter_map(|id| c.seen.get::<Recommendation>(*id));
    let reviews: BTreeSet<Uuid> = of_paper.map(|r| r.data.review_id).map(Into::into).collect();
    let mut words: Vec<String> = reviews
        .iter()
        .flat_map(|review| c.seen.pointing::<Recommendation>(*review))
        .filter(|r| r.is_overdue(on) && !scope.recommendations.contains(&r.meta.id))
        .map(|r| format!("{} is overdue but not in scope", r.meta.reference))
        .collect();
    let struck = paper
        .data
        .struck
        .iter()
        .filter_map(|s| c.seen.get::<Recommendation>(s.record_id.uuid()));
    words.extend(
        struck
            .filter(|r| !r.is_overdue(on))
            .map(|r| format!("{} is struck out but not overdue", r.meta.reference)),
    );
    words.sort_by(|a, b| Collated(a).cmp(&Collated(b)));
    joined(words)
}

fn undecided(c: &Context<'_>, paper: &Rec<Paper>) -> Fault {
    let open = paper.computed.decisions_open;
    if paper.computed.status != PaperStatus::Issued || open == 0 || !is_over(c, paper) {
        return None;
    }
    because(format!("{open} of {}", paper.data.recommendations.len()))
}
