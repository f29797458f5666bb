//! A paper's content as headings, paragraphs, lists and tables, in the order of its sections. The
//! three written formats are made from this.

use chrono::NaiveDate;

use super::content::{
    PaperAction, PaperAnswer, PaperContent, PaperItem, PaperPart, PaperPriority,
    PaperRecommendation, PaperSection, PaperState, PaperUpdate,
};
use super::references::replace;
use crate::registers::assurance::{RecommendationUpdateKind, Timeliness};
use crate::registers::evidence::DocumentState;
use crate::registers::papers::{ImplicationState, PaperImplication, PaperSource};
use crate::render::document::markup::{self, Cell, Node, Span, Table};
use crate::views::RecordName;
use crate::views::rag::{days, in_days, times};
use crate::world::date::PlannedDate;
use crate::world::vocabulary::{Coded, in_words};

fn day(on: NaiveDate) -> String {
    on.format("%-d %B %Y").to_string()
}

fn para(spans: Vec<Span>) -> Node {
    Node::Para(spans)
}

fn says(label: &str, text: impl Into<String>) -> Vec<Span> {
    vec![
        Span::strong(format!("{label}:")),
        Span::text(format!(" {}", text.into())),
    ]
}

/// A deadline in the words of the source, otherwise as a date.
fn deadline(date: &PlannedDate) -> String {
    let own = date.source_text.as_ref().map(String::from);
    own.or_else(|| date.due_on.map(day))
        .unwrap_or_else(|| "none".into())
}

/// The whole paper.
#[must_use]
pub fn nodes(content: &PaperContent) -> Vec<Node> {
    let mut nodes = vec![
        Node::Heading(0, vec![Span::text(&content.paper.title)]),
        cover(content),
    ];
    for (n, section) in content.sections.iter().enumerate() {
        let heading = match &section.number {
            Some(number) => format!("{number} {}", section.heading),
            None => section.heading.to_string(),
        };
        nodes.push(Node::Heading(section.level, vec![Span::text(heading)]));
        let own = body(content, section);
        let begun = nodes.len();
        nodes.extend(author(content, section.text.as_deref()));
        nodes.extend(figures(section));
        nodes.extend(own);
        let goes_on = content
            .sections
            .get(n + 1)
            .is_some_and(|next| next.level > section.level);
        if nodes.len() == begun && !goes_on {
            nodes.push(para(vec![Span::Emphasis(vec![Span::text(
                "This section is empty.",
            )])]));
        }
    }
    nodes.extend(unresolved(content));
    nodes
}

/// The author's Markdown, with its references replaced.
fn author(content: &PaperContent, text: Option<&str>) -> Vec<Node> {
    let nodes = text.map_or_else(Vec::new, |t| markup::read(t, &mut |_| {}));
    replace(nodes, &content.references)
}

/// The same for text within a line: the spans if it is a single paragraph, otherwise its blocks.
fn author_line(content: &PaperContent, text: &str) -> Result<Vec<Span>, Vec<Node>> {
    let mut nodes = author(content, Some(text));
    match nodes.as_mut_slice() {
        [Node::Para(spans)] => Ok(std::mem::take(spans)),
        _ => Err(nodes),
    }
}

fn cover(content: &PaperContent) -> Node {
    let name = |r: &Option<RecordName>| {
        r.as_ref()
            .map_or_else(|| "not stated".to_owned(), |r| r.title.to_string())
    };
    let to = format!(
        "{}{}",
        name(&content.board),
        content
            .meeting_on
            .map(|d| format!(", {}", day(d)))
            .unwrap_or_default()
    );
    let state = match content.state {
        PaperState::Draft => "draft: changes as records change",
        PaperState::Issued => "issued: no longer changes",
    };
    let lines = [
        says("Paper", &content.paper.reference),
        says("To", to),
        says("Meeting", name(&content.meeting)),
        says("Report by", name(&content.author)),
        says("State", state),
        says(
            "Based on",
            format!(
                "what was recorded up to {}, assessed on {}",
                content.as_of.format("%-d %B %Y, %H:%M UTC"),
                day(content.on)
            ),
        ),
    ];
    Node::List(None, lines.into_iter().map(|l| vec![para(l)]).collect())
}

fn figures(section: &PaperSection) -> Option<Node> {
    let item = |f: &super::content::PaperFigure| {
        vec![para(vec![
            Span::text(format!("{}: ", f.label)),
            Span::link(&f.query, f.value.to_string()),
        ])]
    };
    (!section.figures.is_empty())
        .then(|| Node::List(None, section.figures.iter().map(item).collect()))
}

fn body(content: &PaperContent, section: &PaperSection) -> Vec<Node> {
    let level = section.level + 1;
    match section.source {
        PaperSource::Narrative | PaperSource::Purpose => Vec::new(),
        PaperSource::KeyConsiderations => considerations(content),
        PaperSource::Interdependencies => interdependencies(content),
        PaperSource::RecommendationsToPanel => asked(content),
        PaperSource::AssuranceRecommendations => {
            let of = |r| recommendation(r, level);
            none_or(
                content.recommendations.iter().flat_map(of).collect(),
                "There are no recommendations in scope.",
            )
        }
        PaperSource::PlanPriorities => {
            let of = |p| priority(p, level);
            none_or(
                content.priorities.iter().flat_map(of).collect(),
                "There are no plans in scope.",
            )
        }
        PaperSource::PriorActions => {
            let of = |a| action(a, level);
            none_or(
                content.actions.iter().flat_map(of).collect(),
                "There are no actions of earlier meetings in scope.",
            )
        }
        PaperSource::Risks => risks(content),
        PaperSource::Gaps => gaps(content),
        PaperSource::Overdue => overdue(content),
        PaperSource::EqualityImpact => implication(content, &content.equality_impact),
        PaperSource::Financial => implication(content, &content.financial),
        PaperSource::Legal => implication(content, &content.legal),
        PaperSource::RiskImplications => implication(content, &content.risk),
        PaperSource::Contact => {
            let contact = content
                .contact
                .as_ref()
                .map_or("not stated", |c| c.title.as_str());
            vec![para(says("Contact", contact))]
        }
        PaperSource::Appendices => appendices(content),
    }
}

/// Returns the nodes, or a sentence saying that there are no entries, so that nothing is left out
/// silently.
fn none_or(nodes: Vec<Node>, otherwise: &str) -> Vec<Node> {
    if nodes.is_empty() {
        vec![para(vec![Span::text(otherwise)])]
    } else {
        nodes
    }
}

fn considerations(content: &PaperContent) -> Vec<Node> {
    let items: Vec<Vec<Node>> = content
        .key_considerations
        .iter()
        .map(|t| author(content, Some(t)))
        .collect();
    if items.is_empty() {
        none_or(Vec::new(), "No key considerations are recorded.")
    } else {
        vec![Node::List(None, items)]
    }
}

fn asked(content: &PaperContent) -> Vec<Node> {
    if content.recommendations_to_panel.is_empty() {
        return none_or(Vec::new(), "The panel is not asked to do anything.");
    }
    let item = |r: &super::content::PaperRecommendationToPanel| {
        let verb = vec![
            Span::text(format!("{}. ", r.label)),
            Span::strong(r.verb.label()),
            Span::text(" "),
        ];
        match author_line(content, &r.text) {
            Ok(line) => vec![para([verb, line].concat())],
            Err(blocks) => [vec![para(verb)], blocks].concat(),
        }
    };
    vec![
        para(vec![Span::text("The panel is asked to:")]),
        Node::List(
            None,
            content.recommendations_to_panel.iter().map(item).collect(),
        ),
    ]
}

fn interdependencies(content: &PaperContent) -> Vec<Node> {
    let row = |x: &super::content::PaperInterdependency| {
        vec![
            vec![Span::link(&x.query, &x.from.title)],
            vec![Span::text(x.relation.label())],
            vec![Span::text(&x.to.title)],
            vec![Span::text(
                x.rationale.as_deref().unwrap_or("no reason recorded"),
            )],
            vec![Span::text(if x.stated_in.is_empty() {
                "not stated".to_owned()
            } else {
                x.stated_in.join("; ")
            })],
        ]
    };
    table(
        "Cross-references of the strategies in scope",
        &["Strategy", "Relation", "To", "Why", "Stated in"],
        content.interdependencies.iter().map(row).collect(),
        "No cross-references are recorded for the strategies in scope.",
    )
}

fn table(caption: &str, head: &[&str], rows: Vec<Vec<Cell>>, otherwise: &str) -> Vec<Node> {
    if rows.is_empty() {
        return none_or(Vec::new(), otherwise);
    }
    vec![Node::Table(Table {
        caption: caption.into(),
        head: head.iter().map(|h| vec![Span::text(*h)]).collect(),
        rows,
    })]
}

/// Timeliness of a recommendation, in words.
fn timeliness(r: &PaperRecommendation) -> String {
    let n = r.days.unwrap_or(0);
    match r.timeliness {
        Timeliness::Overdue => format!("is overdue by {}", days(-n)),
        Timeliness::DueSoon | Timeliness::NotDue if r.days.is_some() => {
            format!("is due {}", in_days(n))
        }
        Timeliness::DueSoon => "is due soon".into(),
        Timeliness::NotDue => "is no longer due".into(),
        Timeliness::Met => "was claimed on time".into(),
        Timeliness::MetLate => format!("was claimed {} late", days(-n)),
        Timeliness::NoDeadline => "has no deadline date".into(),
    }
}

fn recommendation(r: &PaperRecommendation, level: u8) -> Vec<Node> {
    let number = r.number.map(|n| format!("{n}) ")).unwrap_or_default();
    let heading = format!(
        "{number}{} – deadline: {}",
        r.recommendation.title,
        deadline(&r.deadline)
    );
    let mut nodes = vec![Node::Heading(level, vec![Span::text(heading)])];
    let status = format!(
        " {}. Implementation reported by management: {}. Verification: {}. Closure: {}.",
        timeliness(r),
        r.implementation.label(),
        r.verification.label(),
        r.closure.label()
    );
    nodes.push(para(vec![
        Span::link(&r.query, &r.recommendation.reference),
        Span::text(status),
    ]));
    if let Some(first) = &r.first_deadline {
        nodes.push(para(says("First deadline", deadline(first))));
    }
    nodes.extend(r.finding.as_deref().map(|f| para(says("Finding", f))));
    nodes.extend(r.asks.as_deref().map(|a| para(says("Recommended", a))));
    nodes.extend(r.updates.iter().flat_map(update));
    if r.updates.is_empty() {
        nodes.push(para(says("Update", "none recorded.")));
    }
    if !r.linked_records.is_empty() {
        nodes.push(para(vec![Span::strong("Linked records:")]));
        nodes.push(Node::List(
            None,
            r.linked_records
                .iter()
                .map(|l| vec![para(linked_record(l))])
                .collect(),
        ));
    }
    nodes
}

fn linked_record(l: &super::content::PaperLinkedRecord) -> Vec<Span> {
    let relation = l.relation.map_or("Mentions".into(), |r| r.label());
    let until = match l.expected_on {
        Some(on) => format!(", expected by {}", day(on)),
        None if l.without_date => ", which has no date".into(),
        None => String::new(),
    };
    let title = if l.record.title == l.record.reference {
        String::new()
    } else {
        format!(" {}", l.record.title)
    };
    vec![
        Span::text(format!("{relation} ")),
        Span::link(&l.query, &l.record.reference),
        Span::text(format!("{title}{until}")),
    ]
}

fn update(u: &PaperUpdate) -> Vec<Node> {
    let kind = match u.update_kind {
        RecommendationUpdateKind::Progress => "progress",
        RecommendationUpdateKind::ClaimComplete => "claimed complete",
        RecommendationUpdateKind::Deferral => "deferral, which is not progress",
        RecommendationUpdateKind::ExtensionRequest => "request for a later deadline",
        RecommendationUpdateKind::RefersTo => "refers to other records",
    };
    let mut line = vec![Span::Strong(vec![
        Span::text("Update, "),
        Span::link(&u.query, day(u.stated_on)),
        Span::text(format!(" ({kind}):")),
    ])];
    line.extend(u.narrative.as_deref().map(|n| Span::text(format!(" {n}"))));
    let mut nodes = vec![para(line)];
    nodes.extend(parts(&u.parts));
    nodes
}

fn parts(parts: &[PaperPart]) -> Option<Node> {
    let item = |p: &PaperPart| {
        let label = p
            .label
            .as_deref()
            .map(|l| format!("{l}) "))
            .unwrap_or_default();
        vec![para(vec![Span::text(format!("{label}{}", p.text))])]
    };
    (!parts.is_empty()).then(|| Node::List(None, parts.iter().map(item).collect()))
}

fn priority(p: &PaperPriority, level: u8) -> Vec<Node> {
    let kind = p.goal_kind.map(|k| k.label()).unwrap_or_default();
    let heading = match (&p.goal, p.number) {
        (Some(goal), Some(n)) => format!("{kind} {n}: {}", goal.title),
        (Some(goal), None) => goal.title.to_string(),
        (None, _) => "Items that serve no goal".into(),
    };
    let mut nodes = vec![Node::Heading(level, vec![Span::text(heading)])];
    nodes.extend(table(
        "Items, with declared and computed RAG ratings",
        &[
            "Item",
            "Deadline",
            "Lead",
            "Status",
            "Declared",
            "Computed",
            "Latest update",
        ],
        p.items.iter().map(item).collect(),
        "No items serve this goal.",
    ));
    nodes
}

fn item(i: &PaperItem) -> Vec<Cell> {
    let lead = match (&i.lead, &i.unit) {
        (Some(post), _) => post.title.to_string(),
        (None, Some(unit)) => format!("no lead; {} is responsible", unit.title),
        (None, None) => "no lead".into(),
    };
    let first = i
        .first_deadline
        .as_ref()
        .map(|d| format!(", first {}", deadline(d)))
        .unwrap_or_default();
    let due = if i.is_overdue { ", overdue" } else { "" };
    let said: Vec<&str> = i.latest.iter().map(|p| p.text.as_str()).collect();
    let latest = match i.updated_on {
        Some(on) => format!("{}: {}", day(on), said.join(" ")),
        None => "none".into(),
    };
    vec![
        vec![
            Span::link(&i.query, &i.item.reference),
            Span::text(format!(" {}", i.item.title)),
        ],
        vec![Span::text(format!("{}{first}{due}", deadline(&i.deadline)))],
        vec![Span::text(lead)],
        vec![Span::text(i.status.label())],
        vec![Span::text(i.declared_rag.label())],
        vec![Span::text(format!(
            "{}: {}",
            i.computed_rag.label(),
            i.computed_reason
        ))],
        vec![Span::text(latest)],
    ]
}

fn action(a: &PaperAction, level: u8) -> Vec<Node> {
    let meeting = a
        .meeting
        .as_ref()
        .map(|m| format!(", {}", m.title))
        .unwrap_or_default();
    let mut nodes = vec![Node::Heading(
        level,
        vec![Span::text(format!("Action {}{meeting}", a.number))],
    )];
    nodes.push(para(vec![Span::text(&a.text)]));
    let late = if a.is_overdue { "; overdue" } else { "" };
    let deferred = match i64::from(a.deferral_count) {
        0 => "never deferred".to_owned(),
        n => format!("deferred {}", times(n)),
    };
    let status = format!(
        " is {}, {}; due: {}{late}; {deferred}.",
        a.status.in_sentence(),
        a.progress.in_sentence(),
        a.due.as_deref().unwrap_or("no date"),
    );
    nodes.push(para(vec![
        Span::link(&a.query, &a.action.reference),
        Span::text(status),
    ]));
    nodes.extend(answers(&a.answers));
    if !a.parts.is_empty() {
        let item = |p: &super::content::PaperActionPart| {
            let owed = if p.is_open { "outstanding" } else { "settled" };
            let mut blocks = vec![para(vec![
                Span::text(format!("{}) {} – ", p.label, p.part.title)),
                Span::link(&p.query, p.status.label()),
                Span::text(format!(", {owed}")),
            ])];
            blocks.extend(answers(&p.answers));
            blocks
        };
        nodes.push(Node::List(None, a.parts.iter().map(item).collect()));
    }
    nodes
}

fn answers(answers: &[PaperAnswer]) -> Option<Node> {
    let item = |a: &PaperAnswer| {
        let what = match (&a.deferred_to, a.claimed_status) {
            (Some(to), _) => format!("Deferred to {to}: "),
            (None, Some(claimed)) => format!("Response, claimed {}: ", claimed.in_sentence()),
            (None, None) => "Response: ".into(),
        };
        vec![para(vec![
            Span::link(&a.query, day(a.on)),
            Span::text(format!(" {what}{}", a.text)),
        ])]
    };
    (!answers.is_empty()).then(|| Node::List(None, answers.iter().map(item).collect()))
}

fn risks(content: &PaperContent) -> Vec<Node> {
    let row = |r: &super::content::PaperRisk| {
        let register = r
            .register
            .as_ref()
            .map_or("not stated", |g| g.title.as_str());
        let score = r.current.map_or_else(
            || "not scored".into(),
            |l| format!("{} ({})", l.product, l.band.label()),
        );
        vec![
            vec![
                Span::link(&r.query, &r.risk.reference),
                Span::text(format!(" {}", r.risk.title)),
            ],
            vec![Span::text(register)],
            vec![Span::text(r.event.as_deref().unwrap_or("not stated"))],
            vec![Span::text(r.status.label())],
            vec![Span::text(score)],
            vec![Span::text(format!(
                "{} of {} known to be effective",
                r.effective_controls, r.controls
            ))],
        ]
    };
    table(
        "Risks related to this paper",
        &["Risk", "Register", "Event", "Status", "Score", "Controls"],
        content.risks.iter().map(row).collect(),
        "No risks are recorded for what is in scope.",
    )
}

fn gaps(content: &PaperContent) -> Vec<Node> {
    let row = |g: &super::content::PaperGap| {
        let record = g.record.as_ref().map_or_else(
            || "not available".into(),
            |r| format!("{} {}", r.reference, r.title),
        );
        let state = if g.is_open {
            "open"
        } else {
            "no longer reported"
        };
        vec![
            vec![Span::link(&g.query, record)],
            vec![Span::text(in_words(&g.rule))],
            vec![Span::text(state)],
            vec![Span::text(g.reason.as_deref().unwrap_or("–"))],
            vec![Span::text(g.remedy.as_deref().unwrap_or("–"))],
        ]
    };
    table(
        "Gaps that the author chose to include",
        &["Record", "Rule", "State", "Reason", "Remedy"],
        content.gaps.iter().map(row).collect(),
        "The author included no gaps.",
    )
}

fn overdue(content: &PaperContent) -> Vec<Node> {
    let row = |o: &super::content::PaperOverdueLine| {
        let name = match &o.struck {
            Some(_) => String::new(),
            None => format!(" {}", o.record.title),
        };
        let note = match (&o.struck, o.deferred) {
            (Some(reason), _) => format!("left out by the author: {reason}"),
            (None, true) => "deferred without a new date; overdue since its first due date".into(),
            (None, false) => "–".into(),
        };
        vec![
            vec![Span::link(&o.query, &o.record.reference), Span::text(name)],
            vec![Span::text(in_words(&o.record.kind))],
            vec![Span::text(day(o.due_on))],
            vec![Span::text(days(o.days_late))],
            vec![Span::text(note)],
        ]
    };
    table(
        "Everything overdue",
        &["Record", "Kind", "Due", "Overdue by", "Note"],
        content.overdue.iter().map(row).collect(),
        "Nothing in scope is overdue.",
    )
}

fn implication(content: &PaperContent, implication: &PaperImplication) -> Vec<Node> {
    let state = match implication.state {
        ImplicationState::AssessedNone => "assessed: no implications.",
        ImplicationState::AssessedSome => "assessed: some implications.",
        ImplicationState::Boilerplate => "not assessed: the text would fit any paper.",
        ImplicationState::NotAssessed => "not assessed.",
    };
    let mut nodes = vec![para(says("State", state))];
    nodes.extend(author(content, implication.text.as_deref()));
    nodes
}

fn appendices(content: &PaperContent) -> Vec<Node> {
    let row = |a: &super::content::PaperAppendixLine| {
        let pinned = match (&a.version, &a.sha256, &a.document) {
            (Some(v), Some(hash), _) => format!("{} (SHA-256 {hash})", v.reference),
            (_, _, Some(d)) => format!("{}, no file held here", d.reference),
            _ => "not recorded".into(),
        };
        let link = match &a.query {
            Some(query) => Span::link(query, pinned),
            None => Span::text(pinned),
        };
        let state = match (&a.stated_status, a.document_state) {
            (Some(own), _) => format!("stated in the document: {own}"),
            (None, Some(DocumentState::NotStated) | None) => "not stated in the document".into(),
            (None, Some(state)) => state.label().into_owned(),
        };
        vec![
            vec![Span::text(format!("Appendix {}", a.number))],
            vec![Span::text(&a.title)],
            vec![link],
            vec![Span::text(state)],
        ]
    };
    table(
        "Appendices",
        &["Appendix", "Title", "Document", "State"],
        content.appendices.iter().map(row).collect(),
        "There are no appendices.",
    )
}

/// Lists unresolved references at the end, so that nothing is dropped silently.
fn unresolved(content: &PaperContent) -> Vec<Node> {
    if content.unresolved.is_empty() {
        return Vec::new();
    }
    let row = |u: &super::content::PaperUnresolvedReference| {
        vec![
            vec![Span::text(&u.text)],
            vec![Span::text(u.reason.label())],
            vec![Span::text(&u.pointer)],
        ]
    };
    let rows = content.unresolved.iter().map(row).collect();
    let mut nodes = vec![Node::Heading(1, vec![Span::text("Unresolved references")])];
    nodes.extend(table(
        "References that could not be resolved",
        &["Text", "Reason", "Field"],
        rows,
        "",
    ));
    nodes
}
