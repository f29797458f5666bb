//! Contradictions in assertions. What is said of a record decides what can contradict it: each kind
//! of assertion has its own test, and cites the figure or record that speaks against it. Where
//! nothing of that kind is recorded, the assertion is not contradicted.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::facts::{
    Fact, has_members, not_mitigated, open_risks, risks_in_words, says_draft, seats_missing, trend,
};
use super::plan::lacks;
use super::rule::{Clash, Context, Each, Rule, Said};
use crate::registers::assurance::{
    Assertion, AssertionKind, Recommendation, RecommendationClosureState,
    RecommendationImplementation, RecommendationVerification,
};
use crate::registers::evidence::{Document, DocumentState, DocumentVersion};
use crate::registers::governance::{Board, Membership, TermsOfReference};
use crate::registers::meetings::{Action, ActionPart, ActionStatus};
use crate::registers::organisation::{Unit, UnitKind};
use crate::registers::performance::Measure;
use crate::registers::plan::{Plan, PlanStatus, WorkPlanItem};
use crate::registers::query::has;
use crate::registers::representation::RepresentationTarget;
use crate::registers::risk::{Control, ControlEffectiveness};
use crate::registers::strategy::{Goal, Strategy, StrategyVersion, StrategyVersionStatus};
use crate::views::findings::FindingSeverity as Is;
use crate::views::readiness::{Readiness, readiness};
use crate::views::representation::{at_the_table, unit_of};
use crate::world::calendar;
use crate::world::dates::Progress;
use crate::world::record::word;
use crate::world::vocabulary::{Coded, in_words};
use crate::world::{Meta, Rec};

/// The rules.
pub const RULES: &[Rule] = &[Rule {
    code: "assertion_contradicted",
    severity: Is::High,
    checks: "What the assertion says of the record is not what the register shows.",
    why: "Words such as \"complete\" or \"fully aligned\" close a question that the records leave \
        open.",
    remedy: "Correct the record that is cited, or withdraw the assertion.",
    answers: &["2017, key considerations", "2020, recommendation 4"],
    check: &Each::new(|c, a: &Rec<Assertion>| {
        let kind = a.data.assertion_kind?;
        let about = a.data.about_id.uuid();
        if !c.seen.is_live(c.seen.any(about)?.as_ref()) {
            return None;
        }
        let fact = match kind {
            AssertionKind::Complete => incomplete(c, about).or_else(|| asked_for(c, about)),
            AssertionKind::Aligned => unaligned(c, about, a.data.aligned_to_id?.uuid()),
            AssertionKind::AllOfGroup => left_out(c, about, a.data.group_kind),
            AssertionKind::Improved => worse(c, &a.data, about),
            AssertionKind::Mitigates => unmitigated(c, about),
            AssertionKind::None => some_risk(c, about),
            AssertionKind::Other => None,
        }?;
        let claimed = Said::new(word(&kind), a.data.claim.clone())
            .by(a.data.said_by_post_id.map(Into::into))
            .on(Some(a.data.said_on));
        Some(
            Clash::of(claimed)
                .computed(Said::new(fact.code, fact.words))
                .against(fact.records),
        )
    }),
}];

/// What shows that a record is not complete or final.
fn incomplete(c: &Context<'_>, about: Uuid) -> Option<Fact> {
    if let Some(strategy) = c.seen.get::<Strategy>(about) {
        return no_final_version(c, strategy);
    }
    if let Some(version) = c.seen.get::<StrategyVersion>(about)
        && version.data.status.is_approved()
    {
        return document_draft(c, version);
    }
    if let Some(plan) = c.seen.get::<Plan>(about).filter(|p| is_worked_out(p)) {
        return unfinished(c, plan);
    }
    if let Some(item) = c.seen.get::<WorkPlanItem>(about) {
        let parts = c.seen.pointing::<WorkPlanItem>(about);
        let own = parts.filter(|p| p.data.parent_id == Some(item.meta.id.into()));
        let open = ids(own.filter(|p| !p.data.status.is_closed()).map(|p| &p.meta));
        if !open.is_empty() {
            let words = format!("open items that are part of it: {}", open.len());
            return Some(Fact::new("parts_open", words, open));
        }
    }
    if let Some(recommendation) = c.seen.get::<Recommendation>(about) {
        return not_implemented(c, recommendation);
    }
    if let Some(action) = c.seen.get::<Action>(about) {
        let parts = c.seen.pointing::<ActionPart>(about);
        let own = parts.filter(|p| p.data.action_id == action.meta.id);
        let open = ids(own.filter(|p| p.computed.is_open).map(|p| &p.meta));
        let is_open = action.data.status == ActionStatus::Open;
        return (is_open && !open.is_empty()).then(|| {
            let words = format!(
                "open parts: {} of {}",
                open.len(),
                action.computed.parts_total
            );
            Fact::new("parts_open", words, open)
        });
    }
    if let Some(terms) = c.seen.get::<TermsOfReference>(about)
        && terms.computed.completeness < 100
    {
        let empty = terms.computed.empty_sections.iter();
        let empty: Vec<String> = empty.map(|s| in_words(s).to_lowercase()).collect();
        let words = format!("empty sections: {}", empty.join(", "));
        return Some(Fact::new("sections_empty", words, [about]));
    }
    let version = c.seen.get::<DocumentVersion>(about);
    let document = version.map_or(about, |v| v.data.document_id.uuid());
    if let Some(document) = c.seen.get::<Document>(document) {
        return draft(c, document);
    }
    not_done(c, about)
}

/// What shows that a record is still to be done or brought about, whatever its kind.
pub fn not_done(c: &Context<'_>, id: Uuid) -> Option<Fact> {
    let record = c.seen.any(id)?;
    let words = match readiness(c.seen, c.on, record) {
        Readiness::Open(_) => format!("{} is recorded as open, or not in force", c.name(id)),
        Readiness::GivenUp if c.seen.is_live(record.as_ref()) => {
            format!("{} is recorded as given up", c.name(id))
        }
        Readiness::GivenUp => format!("{} is withdrawn", c.name(id)),
        Readiness::Done | Readiness::InForce | Readiness::NeverDue => return None,
    };
    Some(Fact::new("not_done", words, [id]))
}

/// What shows that a document is a draft, in its own words.
pub fn draft(c: &Context<'_>, document: &Rec<Document>) -> Option<Fact> {
    let data = &document.data;
    let is_draft = data.state == DocumentState::Draft || says_draft(data.state_words.as_deref());
    is_draft.then(|| {
        let said = data.state_words.as_deref().unwrap_or("draft");
        let words = format!("{} says of itself: {said}", c.name(document.meta.id));
        Fact::new("document_draft", words, [document.meta.id])
    })
}

fn document_draft(c: &Context<'_>, version: &Rec<StrategyVersion>) -> Option<Fact> {
    let document = version.data.document.as_ref()?;
    let stated = document.stated_status.as_deref();
    says_draft(stated).then(|| {
        let words = format!(
            "the document of {} says: {}",
            c.name(version.meta.id),
            stated.unwrap_or_default()
        );
        Fact::new("document_draft", words, [version.meta.id])
    })
}

/// What shows that a strategy has no final text: the document of its approved version says draft,
/// or it has versions of which none is approved.
fn no_final_version(c: &Context<'_>, strategy: &Rec<Strategy>) -> Option<Fact> {
    use StrategyVersionStatus::{Draft, InReview};
    let versions = || {
        let all = c.seen.pointing::<StrategyVersion>(strategy.meta.id);
        all.filter(|v| v.data.strategy_id == strategy.meta.id)
    };
    let mut approved = versions()
        .filter(|v| v.data.status.is_approved())
        .peekable();
    if approved.peek().is_some() {
        return approved.find_map(|v| document_draft(c, v));
    }
    let drafts = || versions().filter(|v| matches!(v.data.status, Draft | InReview));
    let last = drafts().max_by_key(|v| (v.meta.created_at, v.meta.id))?;
    let words = format!(
        "no version is recorded as approved; {} is {}",
        c.name(last.meta.id),
        last.data.status.in_sentence()
    );
    Some(Fact::new("no_approved_version", words, [last.meta.id]))
}

fn is_worked_out(plan: &Rec<Plan>) -> bool {
    plan.data.status != PlanStatus::Draft
}

/// The items that show that a plan is not complete: of one that is worked to, those that do not say
/// what a deliverable must say; of one that is closed, those that are open.
pub fn unfinished(c: &Context<'_>, plan: &Rec<Plan>) -> Option<Fact> {
    let items = c.seen.pointing::<WorkPlanItem>(plan.meta.id);
    let items: Vec<_> = items.filter(|i| i.data.plan_id == plan.meta.id).collect();
    let is_closed = plan.data.status == PlanStatus::Closed;
    let is_against = |i: &&&Rec<WorkPlanItem>| {
        if is_closed {
            !i.data.status.is_closed()
        } else {
            lacks(i)
        }
    };
    let against = ids(items.iter().filter(is_against).map(|i| &i.meta));
    let (code, what) = if is_closed {
        ("items_open", "open items")
    } else {
        (
            "items_incomplete",
            "items without a lead, unit, what, how, outcome, measure, goal or deadline",
        )
    };
    let words = format!("{what}: {} of {}", against.len(), items.len());
    (!against.is_empty()).then(|| Fact::new(code, words, against))
}

/// What shows that a recommendation is not implemented: audit's rejection, or what was last
/// reported. A claim that audit has not decided on is no contradiction.
fn not_implemented(c: &Context<'_>, r: &Rec<Recommendation>) -> Option<Fact> {
    let words = match (r.computed.verification, r.computed.implementation) {
        _ if r.computed.closure != RecommendationClosureState::None => return None,
        (RecommendationVerification::Rejected, _) => "audit has rejected the claim".to_owned(),
        (_, RecommendationImplementation::ClaimedImplemented) => return None,
        (_, reported) => format!("it is last reported as {}", reported.in_sentence()),
    };
    let due = r.data.deadline.due_on.filter(|_| r.is_overdue(c.on));
    let due = due.map(|due| format!(" and was due on {}", calendar::in_words(due)));
    let words = format!("{}: {words}{}", c.name(r.meta.id), due.unwrap_or_default());
    Some(Fact::new("not_implemented", words, [r.meta.id]))
}

/// An open recommendation that a record is to show as done, and that nobody claims to be.
fn asked_for(c: &Context<'_>, about: Uuid) -> Option<Fact> {
    let named = c.seen.pointing::<Recommendation>(about);
    let mut named = named.filter(|r| has(&r.data.shown_by_ids, about));
    named.find_map(|r| not_implemented(c, r))
}

/// What shows that a plan or an item is not aligned to a strategy or goal: it delivers another
/// strategy, items serve none of the goals, or goals are served by no item.
fn unaligned(c: &Context<'_>, about: Uuid, to: Uuid) -> Option<Fact> {
    let goals = goals_of(c, to);
    if let Some(item) = c.seen.get::<WorkPlanItem>(about) {
        let serves = item
            .data
            .goals
            .iter()
            .any(|g| goals.contains(&g.goal_id.uuid()));
        let words = format!("none of its goals is one of {}", c.name(to));
        let is_known = !goals.is_empty() && !item.data.goals.is_empty();
        let own = item.data.goals.iter().map(|g| g.goal_id.uuid());
        return (is_known && !serves).then(|| Fact::new("other_goals", words, own));
    }
    let plan = c.seen.get::<Plan>(about)?;
    if let Some(fact) = bound_to_another(c, plan, to) {
        return Some(fact);
    }
    let items: HashMap<Uuid, &Rec<WorkPlanItem>> = c
        .seen
        .pointing::<WorkPlanItem>(about)
        .filter(|i| i.data.plan_id == plan.meta.id && i.due().progress != Progress::GivenUp)
        .map(|i| (i.meta.id, i))
        .collect();
    if goals.is_empty() || items.is_empty() {
        // What audit asks of the plan is known even if none of its items is.
        return asked_for(c, about);
    }
    let serving: HashSet<Uuid> = (items.values())
        .filter(|i| {
            i.data
                .goals
                .iter()
                .any(|g| goals.contains(&g.goal_id.uuid()))
        })
        .map(|i| i.meta.id)
        .collect();
    // What an item is part of, and what is part of it, serves its goals too.
    let parent = |id: &Uuid| {
        let item = items.get(id)?;
        item.data.parent_id.map(Uuid::from)
    };
    let with_parents: HashSet<Uuid> = serving
        .iter()
        .filter_map(parent)
        .chain(serving.clone())
        .collect();
    let is_aligned =
        |id: &Uuid| with_parents.contains(id) || parent(id).is_some_and(|p| serving.contains(&p));
    let mut loose: Vec<Uuid> = items.keys().copied().filter(|i| !is_aligned(i)).collect();
    let served: HashSet<Uuid> = (items.values())
        .flat_map(|i| i.data.goals.iter().map(|g| g.goal_id.uuid()))
        .collect();
    let is_served = |goal: &Uuid| {
        let below = || {
            let mut parts = c.seen.pointing::<Goal>(*goal);
            parts.any(|p| p.data.parent_id == Some((*goal).into()) && served.contains(&p.meta.id))
        };
        served.contains(goal) || below()
    };
    let mut unserved: Vec<Uuid> = goals.iter().copied().filter(|g| !is_served(g)).collect();
    if loose.is_empty() && unserved.is_empty() {
        return None;
    }
    let mut words = Vec::new();
    if !loose.is_empty() {
        words.push(format!(
            "items for which none of its goals is recorded: {} of {}",
            loose.len(),
            items.len()
        ));
    }
    if !unserved.is_empty() {
        words.push(format!(
            "goals that no item serves: {} of {}",
            unserved.len(),
            goals.len()
        ));
    }
    let by_reference = |id: &Uuid| c.seen.any(*id).map(|r| r.meta().reference.to_string());
    loose.sort_by_cached_key(by_reference);
    unserved.sort_by_cached_key(by_reference);
    loose.extend(unserved);
    Some(Fact::new("not_aligned", words.join("; "), loose))
}

/// The goals of a strategy or of a version's strategy, or a goal with those below it.
fn goals_of(c: &Context<'_>, to: Uuid) -> HashSet<Uuid> {
    let version = c.seen.get::<StrategyVersion>(to);
    let of = version.map_or(to, |v| v.data.strategy_id.uuid());
    let all = c.seen.pointing::<Goal>(of);
    let own = all.filter(|g| g.data.strategy_id == of || g.data.parent_id == Some(of.into()));
    let goal = c.seen.get::<Goal>(of).map(|g| g.meta.id);
    own.map(|g| g.meta.id).chain(goal).collect()
}

/// The version that a plan delivers, if it is of another strategy, another one than is named, or
/// no longer valid.
fn bound_to_another(c: &Context<'_>, plan: &Rec<Plan>, to: Uuid) -> Option<Fact> {
    use StrategyVersionStatus::{Superseded, Withdrawn};
    let version = c
        .seen
        .get::<StrategyVersion>(plan.data.strategy_version_id?)?;
    let named = c.seen.get::<StrategyVersion>(to);
    let strategy = named
        .map(|v| v.data.strategy_id.uuid())
        .or_else(|| c.seen.get::<Goal>(to).map(|g| g.data.strategy_id.uuid()))
        .unwrap_or(to);
    let status = version.data.status;
    let name = || c.name(version.meta.id);
    let words = if version.data.strategy_id != strategy {
        format!(
            "the plan delivers {}",
            c.name(version.data.strategy_id.uuid())
        )
    } else if named.is_some_and(|v| v.meta.id != version.meta.id) {
        format!("the plan delivers {}", name())
    } else if matches!(status, Superseded | Withdrawn) {
        format!(
            "{}, which the plan delivers, is {}",
            name(),
            status.in_sentence()
        )
    } else {
        return None;
    };
    Some(Fact::new("other_version", words, [version.meta.id]))
}

/// Who is left out, where all of a group are said to take part: seats that a target asks for, or
/// units of a kind without a seat.
fn left_out(c: &Context<'_>, about: Uuid, group: Option<UnitKind>) -> Option<Fact> {
    if let Some(target) = c.seen.get::<RepresentationTarget>(about) {
        return seats_missing(c, target);
    }
    let board = c.seen.get::<Board>(about)?;
    let is_meant = |t: &&Rec<RepresentationTarget>| {
        t.data.board_id == board.meta.id
            && (group.is_none() || t.data.constituency_kind == group)
            && c.is_active(*t)
    };
    let mut targets = c
        .seen
        .pointing::<RepresentationTarget>(about)
        .filter(is_meant)
        .peekable();
    if targets.peek().is_some() {
        return targets.find_map(|t| seats_missing(c, t));
    }
    let kind = group.filter(|_| has_members(c, about))?;
    let seats = c.seen.pointing::<Membership>(about);
    let seats: Vec<_> = seats
        .filter(|m| m.data.board_id == about && c.is_active(*m) && at_the_table(&m.data))
        .collect();
    if seats.iter().any(|m| m.data.constituency_kind == Some(kind)) {
        return None;
    }
    let seated: HashSet<Uuid> = (seats.iter())
        .filter_map(|m| unit_of(c.seen, &m.data).map(|u| u.meta.id))
        .collect();
    let units = c.seen.live::<Unit>();
    let units: Vec<_> = units
        .filter(|u| u.data.unit_kind == kind && c.is_active(*u))
        .collect();
    let without = units.iter().filter(|u| !seated.contains(&u.meta.id));
    let without = ids(without.map(|u| &u.meta));
    let words = format!(
        "without a seat on {}: {} of {}",
        c.name(about),
        without.len(),
        units.len()
    );
    (!without.is_empty()).then(|| Fact::new("seats_missing", words, without))
}

/// The measures of a record that did not improve, if none of those with figures did.
fn worse(c: &Context<'_>, assertion: &Assertion, about: Uuid) -> Option<Fact> {
    let recommendation = c.seen.get::<Recommendation>(about);
    let shown = recommendation.map(|r| r.data.shown_by_ids.as_slice());
    let shown = shown.unwrap_or_default().iter().map(|id| id.uuid());
    let measures = [about]
        .into_iter()
        .chain(shown)
        .filter_map(|id| c.seen.get::<Measure>(id))
        .chain(c.seen.pointing::<Measure>(about));
    let (mut words, mut records) = (Vec::new(), Vec::new());
    for (improved, fact) in measures.filter_map(|m| trend(c, m, assertion.said_on)) {
        if improved {
            return None;
        }
        words.push(fact.words);
        records.extend(fact.records);
    }
    (!words.is_empty()).then(|| Fact::new("not_improved", words.join("; "), records))
}

/// What shows that a risk is not mitigated: a control that fails, or open risks without a control
/// that is known to work.
fn unmitigated(c: &Context<'_>, about: Uuid) -> Option<Fact> {
    let Some(control) = c.seen.get::<Control>(about) else {
        return not_mitigated(c, about);
    };
    let words = if control.is_failing(c.seen.reading(c.on)) {
        "the recommendation that it carries out is overdue"
    } else if control.computed.counted_effectiveness == ControlEffectiveness::Ineffective {
        "it is recorded as ineffective"
    } else {
        return None;
    };
    let recommendation = control.data.recommendation_id.map(Uuid::from);
    let records = [about].into_iter().chain(recommendation);
    Some(Fact::new("not_mitigated", words, records))
}

fn some_risk(c: &Context<'_>, about: Uuid) -> Option<Fact> {
    let risks = open_risks(c, about);
    let words = risks_in_words(&risks)?;
    Some(Fact::new(
        "open_risks",
        words,
        risks.iter().map(|r| r.meta.id),
    ))
}

fn ids<'a>(of: impl Iterator<Item = &'a Meta>) -> Vec<Uuid> {
    of.map(|meta| meta.id).collect()
}
