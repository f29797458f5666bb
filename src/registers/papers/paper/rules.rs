//! Rules for papers.

use std::collections::HashSet;

use uuid::Uuid;

use crate::policy::{Act, Subject};
use crate::registers::checks::{distinct, not_in_future};
use crate::registers::links::no_repeats;
use crate::registers::meetings::Meeting;
use crate::registers::papers::{ImplicationState, Paper, PaperTemplate};
use crate::world::{Marking, Rules};

// S37
pub(in crate::registers::papers) fn check(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    if rules.following {
        return;
    }
    decisions(paper, rules);
    if rules.before.is_some_and(|b| b.is_frozen()) {
        frozen(paper, rules);
        return;
    }
    narrative(paper, rules);
    lists(paper, rules);
    not_in_future(rules, "/as_of_on", paper.as_of_on);
    others(paper, rules);
}

/// Checks that an issued paper stays as the panel read it, and that its marking is not relaxed.
fn frozen(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    let Some(before) = rules.before else { return };
    let remedy = "the paper is issued, so its content is frozen and only the panel's decisions \
        can be recorded; write another that supersedes it (supersedes_id)";
    let same_reference = before.meta.reference == rules.meta.reference;
    rules.require(
        before.data.undecided() == paper.undecided() && same_reference,
        "",
        "issued",
        remedy,
    );
    let shown_wider = before.meta.marking == Marking::OfficialSensitive
        && rules.meta.marking == Marking::Official;
    rules.require(
        !shown_wider,
        "/marking",
        "issued",
        "the paper was issued as official_sensitive and may contain marked information; issue \
            another paper for a wider audience",
    );
}

/// Checks that only the board's secretary records the panel's decisions, and only after the paper
/// is issued.
fn decisions(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    let before = rules.before;
    let first_day = rules
        .reading
        .world
        .get::<Meeting>(paper.meeting_id)
        .and_then(|m| m.data.days().0);
    for (n, asked) in paper.recommendations.iter().enumerate() {
        let was = before
            .and_then(|b| b.data.recommendations.get(n))
            .map(|r| r.decided());
        let at = |field: &str| format!("/recommendations/{n}/{field}");
        if asked.decided() != was.unwrap_or_default() {
            if !before.is_some_and(|b| b.is_frozen()) {
                let detail = "a draft cannot have a decision; issue the paper first, or leave the \
                    decision out";
                rules.refuse(at("decision"), "not_issued", detail);
            } else if !rules.may(Subject::Meeting, Act::Update, paper.meeting_id) {
                rules.forbid(
                    at("decision"),
                    "only the board's secretary can record its decision",
                );
            }
        }
        let needed = "decision and decided_on go together; give both or neither";
        rules.require(
            asked.decision.is_some() == asked.decided_on.is_some(),
            &at("decided_on"),
            "required",
            needed,
        );
        let loose = asked.decision.is_none() && asked.decision_note.is_some();
        rules.require(
            !loose,
            &at("decision_note"),
            "not_allowed",
            "decision_note needs a decision; give decision, or leave decision_note out",
        );
        not_in_future(rules, &at("decided_on"), asked.decided_on);
        rules.in_order(
            first_day,
            asked.decided_on,
            &at("decided_on"),
            "the meeting",
        );
    }
}

fn narrative(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    let template = rules.reading.world.get::<PaperTemplate>(paper.template_id);
    let mut seen = HashSet::new();
    for (n, text) in paper.narrative.iter().enumerate() {
        let at = format!("/narrative/{n}/section");
        if !seen.insert(text.section.as_str()) {
            rules.refuse(
                &at,
                "duplicate",
                "an earlier entry is for the same section; combine the two",
            );
        }
        if let Some(template) =
            template.filter(|t| !t.data.sections.iter().any(|s| s.key == text.section))
        {
            let keys: Vec<&str> = template
                .data
                .sections
                .iter()
                .map(|s| s.key.as_str())
                .collect();
            rules.refuse(
                at,
                "unknown",
                format!(
                    "the template has no such section; use one of {}",
                    keys.join(", ")
                ),
            );
        }
    }
    for (at, implication) in [
        ("/equality_impact/text", &paper.equality_impact),
        ("/financial/text", &paper.financial),
        ("/legal/text", &paper.legal),
        ("/risk/text", &paper.risk),
    ] {
        let unsaid =
            implication.state == ImplicationState::AssessedSome && implication.text.is_none();
        rules.require(
            !unsaid,
            at,
            "required",
            "state is assessed_some; say in text what the implications are",
        );
    }
}

fn lists(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    let scope = &paper.scope;
    distinct(rules, "/scope/strategy_ids", &scope.strategy_ids);
    distinct(rules, "/scope/plan_ids", &scope.plan_ids);
    distinct(rules, "/scope/review_ids", &scope.review_ids);
    distinct(
        rules,
        "/scope/recommendation_ids",
        &scope.recommendation_ids,
    );
    distinct(rules, "/scope/meeting_ids", &scope.meeting_ids);
    no_repeats(
        rules,
        "/struck",
        "record_id",
        paper.struck.iter().map(|s| Some(s.record_id)),
    );
    for (n, appendix) in paper.appendices.iter().enumerate() {
        let both = appendix.document_version_id.is_some() && appendix.document_id.is_some();
        let none = appendix.document_version_id.is_none() && appendix.document_id.is_none();
        let at = format!("/appendices/{n}/document_version_id");
        let detail = "give either document_version_id or, if no file of the document is kept \
            here, document_id";
        rules.require(
            !both && !none,
            &at,
            if both { "not_allowed" } else { "required" },
            detail,
        );
    }
    for (n, gap) in paper.gaps.iter().enumerate() {
        if paper.gaps.iter().take(n).any(|g| g == gap) {
            rules.refuse(
                format!("/gaps/{n}"),
                "duplicate",
                "the paper already shows this gap; remove it",
            );
        }
    }
}

fn others(paper: &Paper, rules: &mut Rules<'_, Paper>) {
    let world = rules.reading.world;
    let board = |meeting: Uuid| world.get::<Meeting>(meeting).map(|m| m.data.board_id);
    let own = rules.meta.id;
    for (at, other) in [
        ("/previous_id", paper.previous_id),
        ("/supersedes_id", paper.supersedes_id),
    ] {
        let Some(other) = other.and_then(|id| world.get::<Paper>(id)) else {
            continue;
        };
        rules.require(
            other.meta.id != own,
            at,
            "circle",
            "is the paper itself; name an earlier paper",
        );
        rules.require(
            board(other.data.meeting_id.uuid()) == board(paper.meeting_id.uuid()),
            at,
            "other_board",
            "is a paper for another board; name a paper for the same board",
        );
    }
    let replaced = paper.supersedes_id.and_then(|id| world.get::<Paper>(id));
    rules.require(
        replaced.is_none_or(|p| p.is_frozen()),
        "/supersedes_id",
        "not_issued",
        "is a paper that was never issued; change that draft instead",
    );
    rules.no_circle("/supersedes_id", paper.supersedes_id, |p| p.supersedes_id);
}
