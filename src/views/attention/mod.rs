//! What needs attention: gaps and contradictions as one list of things to do, ranked. A line is one
//! thing that somebody can do. It says what is wrong, why it matters, who must act, what follows from
//! it, and what would close it.
//!
//! Overdue deadlines, deadlines that cannot be met, unverified claims and missed reports are gaps as
//! well, so nothing is computed twice.

mod closing;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use self::closing::{ClosingOperation, closing, is_for_audit};
use super::findings::{
    FindingName, FindingReason, FindingSeverity, FoldedFindings, KeptFindings, OpenFinding,
    ToldFinding,
};
use super::request::{Asked, View, id_of, in_place, name_of, operation, operation_by, render};
use super::wait_graph::waiting_on;
use super::{RecordName, contradictions, gaps};
use crate::access::accounts::Account;
use crate::http::operation::Operation;
use crate::http::page::limit_parameter;
use crate::http::parameters::{id_query, query};
use crate::http::query::invalid;
use crate::http::{Answer, Call};
use crate::policy::Subject;
use crate::problem::Problem;
use crate::registers::assurance::{Assertion, AuditReview, Recommendation, RecommendationLink};
use crate::registers::governance::{Board, Membership, MembershipCapacity, TermsOfReference};
use crate::registers::meetings::ActionPart;
use crate::registers::organisation::{Post, PostHolding, Unit};
use crate::registers::plan::{Dependency, Plan};
use crate::registers::risk::Escalation;
use crate::registers::settings::{SettingsUsed, used};
use crate::registers::strategy::StrategyVersion;
use crate::views::status::Named;
use crate::world::collation::reference_key;
use crate::world::fields::{Field, fields_of};
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{AnyRecord, IdMap, IdSet, Key, Rec, Text};

/// Most records named as waiting.
const MOST_WAITING: usize = 20;
/// Most further findings named.
const MOST_NAMED: usize = 20;

/// Who must act.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ResponsibleParty {
    /// Post; null if none is recorded.
    pub post: Option<Named>,
    /// Unit; null if none is recorded.
    pub unit: Option<Named>,
    /// Board; null if none is concerned.
    pub board: Option<Named>,
}

/// Records that wait for a record.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct WaitingRecords {
    /// Number of them.
    #[schema(minimum = 0)]
    pub count: usize,
    /// The first 20.
    #[schema(max_items = 20)]
    pub items: Vec<RecordName>,
}

/// One thing to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttentionLine {
    /// Place in the list, from 1.
    #[schema(minimum = 1)]
    pub rank: usize,
    /// Points that decide the rank; `reasons` explains them.
    pub points: i64,
    /// How serious it is.
    pub severity: FindingSeverity,
    /// The record that it is about.
    pub record: RecordName,
    /// Code of the gap or contradiction rule that found it.
    pub rule: Text<60>,
    /// Record that the rule found it on, such as the terms of reference of a board.
    pub found_on: RecordName,
    /// What is wrong.
    pub what: Text<4000>,
    /// When it began: the change or the start of the day since which the rule finds it.
    pub since: DateTime<Utc>,
    /// Why it matters.
    pub why: Text<300>,
    /// What to do.
    pub remedy: Text<300>,
    /// Who must act.
    pub must_act: ResponsibleParty,
    /// The operation that would close it.
    pub closed_by: Option<ClosingOperation>,
    /// Due date that has passed; null if it is not overdue.
    pub overdue_since: Option<NaiveDate>,
    /// Open records that wait for it.
    pub waiting: WaitingRecords,
    /// Further findings that follow from it or are about the same thing.
    pub also: FoldedFindings,
    /// Why it has this rank.
    #[schema(max_items = 10)]
    pub reasons: Vec<FindingReason>,
}

/// What needs attention, most urgent first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttentionView {
    /// Date the view is calculated for.
    pub on: NaiveDate,
    /// Number of journal entries taken into account: those about records visible to the caller.
    pub journal_seq: i64,
    /// Settings used, with the weights that decide the rank.
    pub settings: SettingsUsed,
    /// Number of lines on all pages.
    #[schema(minimum = 0)]
    pub total: usize,
    /// The lines.
    #[schema(max_items = 200)]
    pub items: Vec<AttentionLine>,
    /// Cursor for the next page; null on the last page.
    pub next_cursor: Option<Text<200>>,
}

impl View for AttentionView {
    fn fields(&self) -> Vec<Field> {
        fields_of::<AttentionLine>()
    }
    fn rows(&self) -> Vec<Value> {
        self.items.iter().map(|row| json!(row)).collect()
    }
}

/// The findings about one thing.
struct Line<'a> {
    about: Uuid,
    /// The finding that weighs most, then the others.
    findings: Vec<&'a OpenFinding>,
    points: i64,
}

/// The record that a finding asks somebody to do something about. A link, a version or a statement
/// leads to the record that it belongs to.
fn about(record: &Arc<dyn AnyRecord>) -> Uuid {
    let any = record.as_any();
    let is_part = any.is::<Rec<RecommendationLink>>()
        || any.is::<Rec<TermsOfReference>>()
        || any.is::<Rec<Dependency>>()
        || any.is::<Rec<StrategyVersion>>()
        || any.is::<Rec<ActionPart>>()
        || any.is::<Rec<Escalation>>()
        || any.is::<Rec<Assertion>>();
    let whole = is_part.then(|| record.place().within.first().copied());
    whole.flatten().unwrap_or(record.meta().id)
}

/// Contradictions that a gap reports as well, folded under what explains it.
const TOLD_AS_GAPS: [&str; 1] = ["item_rag_differs"];

/// Kinds of record that a claim is compared with: what is found on one that contradicts a claim is
/// the same thing to do.
const SHOWS: [&str; 5] = [
    "representation_target",
    "dashboard",
    "measure",
    "document",
    "control",
];

/// The order of the lines: by points, then what is longest overdue, then by reference. Records of
/// different kinds may have the same reference.
type Place = (Reverse<i64>, NaiveDate, Key, Uuid);

fn place(seen: &VisibleWorld, on: NaiveDate, about: Uuid, points: i64) -> Place {
    let record = seen.any(about);
    let overdue = record.and_then(|r| {
        let deadline = r.deadline(seen.reading(on));
        deadline.counts_on().filter(|_| deadline.is_overdue(on))
    });
    let reference = record.map_or("", |r| r.meta().reference.as_str());
    let overdue = overdue.unwrap_or(NaiveDate::MAX);
    (
        Reverse(points),
        overdue,
        Key::Text(reference_key(reference)),
        about,
    )
}

/// The lines, in the order of their points alone.
fn lines<'a>(asked: &Asked, findings: &'a [OpenFinding]) -> Vec<Line<'a>> {
    let seen = &asked.seen;
    let mut by_record: IdMap<Vec<&OpenFinding>> = IdMap::default();
    for finding in findings {
        by_record
            .entry(about(&finding.record))
            .or_default()
            .push(finding);
    }
    let claims = findings.iter().filter(|f| !f.against.is_empty());
    let shown = claims.flat_map(|f| {
        let about = about(&f.record);
        f.against.iter().map(move |cited| (*cited, about))
    });
    let mut under: BTreeMap<Uuid, Uuid> = BTreeMap::new();
    for (cited, claim) in shown {
        let is_shown = seen
            .any(cited)
            .is_some_and(|r| SHOWS.contains(&seen.kind_of(r)));
        if is_shown && cited != claim && by_record.contains_key(&cited) {
            under.entry(cited).or_insert(claim);
        }
    }
    for (cited, claim) in &under {
        // A claim about a record that is itself cited keeps its own line.
        let is_cited = under.contains_key(claim);
        if !is_cited && let Some(findings) = by_record.remove(cited) {
            by_record.entry(*claim).or_default().extend(findings);
        }
    }
    let mut lines: Vec<Line<'_>> = by_record
        .into_par_iter()
        .map(|(about, mut findings)| {
            findings.sort_by_key(|f| (Reverse(f.points), f.rule, f.record.meta().id));
            Line {
                about,
                points: findings.first().map_or(0, |f| f.points),
                findings,
            }
        })
        .collect();
    lines.par_sort_unstable_by_key(|line| Reverse(line.points));
    lines
}

/// Puts the lines that a page may have into their order: those with the points of the lines from
/// `from` on, as many as it may have. Lines with other points stay where they are.
fn put_in_order(asked: &Asked, lines: &mut [Line<'_>], from: usize, limit: usize) {
    let points = |lines: &[Line<'_>], at: usize| lines.get(at).map(|line| line.points);
    let Some(first) = points(lines, from) else {
        return;
    };
    let last = from.saturating_add(limit).min(lines.len()) - 1;
    let last = points(lines, last).unwrap_or(first);
    let begin = lines.partition_point(|line| line.points > first);
    let end = lines.partition_point(|line| line.points >= last);
    if let Some(lines) = lines.get_mut(begin..end) {
        lines.par_sort_by_cached_key(|line| place(&asked.seen, asked.on, line.about, line.points));
    }
}

/// Who must act on a record: those responsible for it or, if nobody is recorded, for what it is part
/// of.
fn must_act(seen: &VisibleWorld, rule: &str, record: &Arc<dyn AnyRecord>) -> ResponsibleParty {
    if is_for_audit(rule)
        && let Some(party) = audit_of(seen, record)
    {
        return party;
    }
    let (mut party, mut at) = (ResponsibleParty::default(), Some(record));
    // A part of a part of a part, but never endlessly.
    for _ in 0..8 {
        let Some(record) = at else { break };
        if party.post.is_none() && party.unit.is_none() {
            let (post, unit) = responsible(seen, record.as_ref());
            (party.post, party.unit) = (post, unit);
        }
        if party.board.is_none() {
            party.board = board(seen, record);
        }
        at = above(seen, record);
    }
    party
}

/// Who must act on a line. A board that one of its findings names comes before the board of the
/// record: the board to which a risk was escalated, before that of its register.
fn party(seen: &VisibleWorld, line: &Line<'_>, about: &Arc<dyn AnyRecord>) -> ResponsibleParty {
    let rule = line.findings.first().map_or("", |f| f.code);
    let mut party = must_act(seen, rule, about);
    let mut named = line.findings.iter().filter_map(|f| board(seen, &f.record));
    party.board = named.next().or(party.board);
    party
}

/// The record that answers for another one.
fn above<'a>(
    seen: &'a VisibleWorld,
    record: &Arc<dyn AnyRecord>,
) -> Option<&'a Arc<dyn AnyRecord>> {
    if let Some(plan) = record.as_any().downcast_ref::<Rec<Plan>>() {
        return seen.any(plan.data.strategy_version_id?.uuid());
    }
    seen.any(*record.place().within.first()?)
}

fn named_post(seen: &VisibleWorld, id: Uuid) -> Option<Named> {
    let post = seen.get::<Post>(id)?;
    Some(Named::new(&post.meta, &post.data.title))
}

fn named_unit(seen: &VisibleWorld, id: Uuid) -> Option<Named> {
    let unit = seen.get::<Unit>(id)?;
    Some(Named::new(&unit.meta, &unit.data.title))
}

/// The audit body of the review that a recommendation belongs to.
fn audit_of(seen: &VisibleWorld, record: &Arc<dyn AnyRecord>) -> Option<ResponsibleParty> {
    let recommendation = seen
        .get::<Recommendation>(record.meta().id)
        .or_else(|| seen.get::<Recommendation>(*record.place().within.first()?));
    let review = recommendation.map_or(record.meta().id, |r| r.data.review_id.uuid());
    let review = seen.get::<AuditReview>(review)?;
    Some(ResponsibleParty {
        post: review
            .data
            .lead_post_id
            .and_then(|id| named_post(seen, id.uuid())),
        unit: named_unit(seen, review.data.body_unit_id.uuid()),
        board: None,
    })
}

/// Fields that say who is responsible for a record, the first that is set first.
const POSTS: [&str; 5] = [
    "/owner_post_id",
    "/lead_post_id",
    "/author_post_id",
    "/from_post_id",
    "/post_id",
];
const UNITS: [&str; 4] = [
    "/owner_unit_id",
    "/responsible_unit_id",
    "/from_unit_id",
    "/unit_id",
];

fn responsible(seen: &VisibleWorld, record: &dyn AnyRecord) -> (Option<Named>, Option<Named>) {
    let links = record.links();
    let first = |names: &[&str]| {
        let mut names = names.iter();
        names.find_map(|name| {
            links
                .iter()
                .find(|link| link.pointer == **name)
                .map(|l| l.id)
        })
    };
    (
        first(&POSTS).and_then(|id| named_post(seen, id)),
        first(&UNITS).and_then(|id| named_unit(seen, id)),
    )
}

fn board(seen: &VisibleWorld, record: &Arc<dyn AnyRecord>) -> Option<Named> {
    let own = seen.get::<Board>(record.meta().id).map(|b| b.meta.id);
    let linked = || {
        let links = record.links().into_iter();
        let mut boards = links.filter(|l| l.pointer == "/board_id" || l.pointer == "/to_board_id");
        boards.next().map(|l| l.id)
    };
    let board = seen.get::<Board>(own.or_else(linked)?)?;
    Some(Named::new(&board.meta, &board.data.title))
}

/// What the list is narrowed to.
#[derive(Default)]
struct Wanted {
    scopes: Vec<Uuid>,
    strategy: Option<IdSet>,
    /// Posts, and the boards that they chair or are secretary of.
    posts: Option<(IdSet, IdSet)>,
}

impl Wanted {
    fn of(asked: &Asked, own: Option<&[Uuid]>) -> Result<Self, Problem> {
        let scopes = [id_of(asked, "unit_id")?, id_of(asked, "board_id")?];
        let post = id_of(asked, "post_id")?;
        let posts = own.map(<[Uuid]>::to_vec).or(post.map(|p| vec![p]));
        Ok(Self {
            scopes: scopes.into_iter().flatten().collect(),
            strategy: id_of(asked, "strategy_id")?.map(|id| belonging(&asked.seen, id)),
            posts: posts.map(|posts| with_boards(asked, &posts)),
        })
    }

    fn has(&self, asked: &Asked, line: &Line<'_>) -> bool {
        let seen = &asked.seen;
        let world = seen.reading(asked.on).world;
        let in_scope = |scope: &Uuid| {
            let mut findings = line.findings.iter();
            findings.any(|f| world.is_in_scope(f.record.meta().id, *scope))
                || world.is_in_scope(line.about, *scope)
        };
        let in_strategy = |all: &IdSet| {
            let is_linked = |record: &Arc<dyn AnyRecord>| {
                all.contains(&record.meta().id) || record.targets().iter().any(|t| all.contains(t))
            };
            seen.any(line.about).is_some_and(is_linked)
        };
        let is_theirs = |(posts, boards): &(IdSet, IdSet)| {
            let Some(about) = seen.any(line.about) else {
                return false;
            };
            let party = party(seen, line, about);
            let is = |named: Option<Named>, of: &IdSet| named.is_some_and(|n| of.contains(&n.id));
            is(party.post, posts) || is(party.board, boards)
        };
        self.scopes.iter().all(in_scope)
            && self.strategy.as_ref().is_none_or(in_strategy)
            && self.posts.as_ref().is_none_or(is_theirs)
    }
}

/// A strategy with its versions, goals, reviews, plans and what else is part of it.
fn belonging(seen: &VisibleWorld, strategy: Uuid) -> IdSet {
    let mut all = IdSet::from_iter([strategy]);
    let parts = seen
        .pointing_to(strategy)
        .filter(|r| r.place().within.contains(&strategy))
        .map(|r| r.meta().id);
    all.extend(parts.collect::<Vec<_>>());
    let plans = seen.live::<Plan>().filter(|p| {
        let version = p.data.strategy_version_id.map(|id| id.uuid());
        version.is_some_and(|version| all.contains(&version))
    });
    all.extend(plans.map(|p| p.meta.id).collect::<Vec<_>>());
    all
}

/// Posts, with the boards that they chair or are secretary of on the date.
fn with_boards(asked: &Asked, posts: &[Uuid]) -> (IdSet, IdSet) {
    use MembershipCapacity::{Chair, Secretary};
    let seats = posts
        .iter()
        .flat_map(|post| asked.seen.pointing::<Membership>(*post));
    let boards = seats
        .filter(|m| matches!(m.data.capacity, Chair | Secretary) && asked.is_active(*m))
        .map(|m| m.data.board_id.uuid());
    (posts.iter().copied().collect(), boards.collect())
}

/// Where a page begins: after the line about a record that had these points.
fn cursor(text: &str) -> Result<(i64, Uuid), Problem> {
    let parts = text.split_once(':');
    let found =
        parts.and_then(|(points, id)| Some((points.parse().ok()?, Uuid::try_parse(id).ok()?)));
    found.ok_or_else(|| invalid("cursor", "must be the next_cursor of the previous page"))
}

fn attention(
    asked: &Asked,
    kept: (&KeptFindings, &KeptFindings),
    own: Option<&[Uuid]>,
) -> Result<AttentionView, Problem> {
    let limit = asked.limit()?;
    let wanted = Wanted::of(asked, own)?;
    let after = asked.cursor().map(cursor).transpose()?;
    let seen = &asked.seen;
    let (of_gaps, of_claims) = (gaps::context(asked), contradictions::context(asked));
    let missing = gaps::folded(asked, &of_gaps, kept.0);
    let clashes = contradictions::folded(asked, &of_claims, kept.1);
    let mut findings = gaps::open_findings(&missing);
    let contradicted = contradictions::open_findings(&of_claims, &clashes).into_iter();
    findings.extend(contradicted.filter(|f| !TOLD_AS_GAPS.contains(&f.code)));
    let lines = lines(asked, &findings);
    let is_all = wanted.scopes.is_empty() && wanted.strategy.is_none() && wanted.posts.is_none();
    let mut lines: Vec<Line<'_>> = match is_all {
        true => lines,
        false => {
            let fitting = lines.into_par_iter().filter(|line| wanted.has(asked, line));
            fitting.collect()
        }
    };
    let total = lines.len();
    let from = after.map_or(0, |(points, id)| {
        let last = place(seen, asked.on, id, points);
        let is_before = |line: &&Line<'_>| {
            line.points > points
                || (line.points == points && place(seen, asked.on, line.about, points) <= last)
        };
        lines.par_iter().filter(is_before).count()
    });
    put_in_order(asked, &mut lines, from, limit);
    let page: Vec<(usize, &Line<'_>)> = lines.iter().enumerate().skip(from).take(limit).collect();
    let more = from + page.len() < total;
    let last = page.last().filter(|_| more);
    let next_cursor = last.map(|(_, line)| Text::known(format!("{}:{}", line.points, line.about)));
    let on_page: HashSet<(&str, Uuid)> = page
        .iter()
        .flat_map(|(_, line)| line.findings.iter().map(|f| (f.code, f.record.meta().id)))
        .collect();
    let mut told = gaps::told_findings(asked, (&of_gaps, &missing), &on_page)?;
    let with = (&of_claims, &clashes);
    told.append(&mut contradictions::told_findings(asked, with, &on_page)?);
    let told: HashMap<(&str, Uuid), ToldFinding> = told
        .into_iter()
        .map(|told| ((told.code, told.record), told))
        .collect();
    let lines = page.into_iter();
    let items = lines.filter_map(|(at, line)| in_words(asked, at, line, &told));
    Ok(AttentionView {
        on: asked.on,
        journal_seq: seen.seq(),
        settings: used(seen),
        total,
        items: items.collect(),
        next_cursor,
    })
}

fn in_words(
    asked: &Asked,
    at: usize,
    line: &Line<'_>,
    told: &HashMap<(&str, Uuid), ToldFinding>,
) -> Option<AttentionLine> {
    let seen = &asked.seen;
    let first = line.findings.first()?;
    let about = seen.any(line.about)?;
    let found = told.get(&(first.code, first.record.meta().id))?;
    // First the other findings of the line, then what is folded under each.
    let mut also = FoldedFindings::default();
    for finding in line.findings.iter().skip(1) {
        also.count += 1;
        also.items.push(FindingName {
            rule: Text::cut(finding.code),
            record: RecordName::of(seen, &finding.record),
        });
    }
    for finding in &line.findings {
        if let Some(told) = told.get(&(finding.code, finding.record.meta().id)) {
            also.count += told.also.count;
            also.items.extend(told.also.items.iter().cloned());
        }
    }
    also.items.truncate(MOST_NAMED);
    let deadline = about.deadline(seen.reading(asked.on));
    let waiting = waiting_on(seen, asked.on, line.about);
    let mut names: Vec<RecordName> = waiting
        .iter()
        .filter_map(|id| Some(RecordName::of(seen, seen.any(*id)?)))
        .collect();
    names.sort_by_cached_key(|name| reference_key(&name.reference));
    names.truncate(MOST_WAITING);
    Some(AttentionLine {
        rank: at + 1,
        points: line.points,
        severity: found.severity,
        record: RecordName::of(seen, about),
        rule: Text::cut(first.code),
        found_on: RecordName::of(seen, &first.record),
        what: Text::cut(&found.what),
        since: found.since,
        why: Text::cut(found.why),
        remedy: Text::cut(found.remedy),
        must_act: party(seen, line, about),
        closed_by: closing(seen, first.code, first.record.as_ref(), found.parts),
        overdue_since: deadline
            .counts_on()
            .filter(|_| deadline.is_overdue(asked.on)),
        waiting: WaitingRecords {
            count: waiting.len(),
            items: names,
        },
        also,
        reasons: found.reasons.clone(),
    })
}

fn parameters() -> Vec<Value> {
    vec![
        limit_parameter("Lines"),
        query(
            "cursor",
            "`next_cursor` of the previous page.",
            json!({ "type": "string", "maxLength": 200 }),
        ),
    ]
}

/// The posts of the caller: that of the account, and those that the account's person holds.
fn own_posts(call: &Call, seen: &VisibleWorld, on: NaiveDate) -> Result<Vec<Uuid>, Problem> {
    let account = seen.get::<Account>(call.caller()?.account);
    let of_account = account.and_then(|a| a.data.post_id).map(|id| id.uuid());
    let person = account.and_then(|a| a.data.person_id).map(|id| id.uuid());
    let held = person
        .into_iter()
        .flat_map(|person| seen.pointing::<PostHolding>(person))
        .filter(|h| seen.is_active_on(*h, on))
        .map(|h| h.data.post_id.uuid());
    Ok(of_account.into_iter().chain(held).collect())
}

async fn mine(
    call: Call,
    (gaps, contradictions): (Arc<KeptFindings>, Arc<KeptFindings>),
) -> Result<Answer, Problem> {
    let asked = Asked::of(&call).await?;
    let posts = own_posts(&call, &call.now(), asked.on)?;
    // The ETag is that of the account, so the answer can be cached under it.
    let key = call.tag.clone().unwrap_or_default();
    let (service, format) = (Arc::clone(&call.service), call.format);
    let name = name_of(&call);
    let work = move || {
        service.answers.get_or_make(key, || {
            let view = attention(&asked, (&gaps, &contradictions), Some(&posts))?;
            render(view, &asked.seen, (format, &name), &service)
        })
    };
    in_place(&call, work).await
}

/// The operations of this view.
pub fn operations(kept: (&Arc<KeptFindings>, &Arc<KeptFindings>)) -> Vec<Operation> {
    let (gaps, contradictions) = (Arc::clone(kept.0), Arc::clone(kept.1));
    let own = (Arc::clone(kept.0), Arc::clone(kept.1));
    let list = move |asked: &Asked| attention(asked, (&gaps, &contradictions), None);
    vec![
        operation(
            "/api/v1/attention",
            "listAttention",
            Subject::PlanItem,
            list,
        )
        .takes(parameters())
        .takes([
            id_query(
                "unit_id",
                "Only what belongs to this unit or a unit below it.",
            ),
            id_query("board_id", "Only what belongs to this board."),
            id_query("post_id", "Only what this post must act on."),
            id_query("strategy_id", "Only what belongs to this strategy."),
        ])
        .says(
            "Views",
            "List what needs attention",
            "Returns gaps and contradictions as one list of things to do, most urgent first: \
                    what is wrong, why it matters, who must act, what waits for it, and the \
                    operation that would close it. `reasons` explains the rank; the weights are \
                    in the settings.",
        ),
        operation_by::<AttentionView>(
            "/api/v1/me/attention",
            "listMyAttention",
            Subject::PlanItem,
            Arc::new(move |call| Box::pin(mine(call, own.clone()))),
        )
        .takes(parameters())
        .says(
            "Views",
            "List what the caller must act on",
            "Returns the lines of the attention list on which the caller's own posts must act: the \
                post of the account, the posts that its person holds, and the boards that they \
                chair or are secretary of.",
        ),
    ]
}

/// The schemas of this view.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<AttentionView>(schemas);
}
