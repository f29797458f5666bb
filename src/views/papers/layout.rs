//! A paper's content as headings, paragraphs, lists and tables: a front sheet with the summary of
//! the report, the numbered sections, and a note on what the paper is based on. The written formats
//! are made from this. What is empty is left out, and named in the note.

use uuid::Uuid;

use super::content::{
    PaperAction, PaperAnswer, PaperContent, PaperEvent, PaperEventKind, PaperInterdependency,
    PaperItem, PaperLinkedRecord, PaperPart, PaperPriority, PaperRecommendation, PaperSection,
    PaperState,
};
use super::references::replace;
use super::words::{called, day, deadline, listed, planned};
use crate::registers::assurance::{
    ManagementDecision, RecommendationClosureState, RecommendationRelation,
    RecommendationVerification, Timeliness,
};
use crate::registers::evidence::DocumentState;
use crate::registers::papers::{ImplicationState, PaperImplication, PaperSource};
use crate::registers::strategy::CrossReferenceRelation;
use crate::render::document::markup::{self, Cell, Front, Mark, Node, Span, Table};
use crate::views::RecordName;
use crate::views::rag::{days, in_days, times};
use crate::world::vocabulary::{Coded, in_words, sentence_case};

fn para(spans: Vec<Span>) -> Node {
    Node::Para(spans)
}

fn says(label: &str, text: impl Into<String>) -> Vec<Span> {
    vec![
        Span::strong(format!("{label}:")),
        Span::text(format!(" {}", text.into())),
    ]
}

/// A text as the end of a sentence.
fn ended(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?', ':', ';']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The whole paper.
#[must_use]
pub fn nodes(content: &PaperContent) -> Vec<Node> {
    let mut nodes = vec![Node::Front(front(content))];
    let empty = content.empty_sections();
    let sections: Vec<&PaperSection> = content
        .sections
        .iter()
        .zip(&empty)
        .filter(|(_, is_empty)| !**is_empty)
        .map(|(section, _)| section)
        .collect();
    // As in the papers that the format comes from, what comes before the first number is the
    // summary of the report.
    let is_summary = |s: &&&PaperSection| s.number.is_none();
    let summary = sections.iter().take_while(is_summary).count();
    if summary > 0 && summary < sections.len() {
        nodes.push(Node::Heading(1, vec![Span::text("Report summary")]));
    }
    for (n, section) in sections.iter().enumerate() {
        let deeper = u8::from(n < summary && summary < sections.len());
        if n == summary && n > 0 {
            nodes.push(Node::NewPage);
        }
        nodes.extend(section_nodes(content, section, section.level + deeper));
    }
    nodes.extend(unresolved(content));
    nodes.extend(about(content, &empty));
    nodes
}

fn section_nodes(content: &PaperContent, section: &PaperSection, level: u8) -> Vec<Node> {
    let heading = match &section.number {
        Some(number) => format!("{number} {}", section.heading),
        None => section.heading.to_string(),
    };
    let mut nodes = vec![Node::Heading(level, vec![Span::text(heading)])];
    nodes.extend(author(content, section.text.as_deref()));
    nodes.extend(figures(section));
    nodes.extend(body(content, section, level + 1));
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

/// The board and the date of its meeting, the title, and who reports.
fn front(content: &PaperContent) -> Front {
    let board = content.board.as_ref().or(content.meeting.as_ref());
    let day_of = content.meeting_on.map(day);
    // A meeting without a date is named instead.
    let meeting = || content.meeting.as_ref().map(|m| m.title.to_string());
    let state = match content.state {
        PaperState::Draft => "draft",
        PaperState::Issued => "issued",
    };
    let mut facts = Vec::new();
    if let Some(author) = &content.author {
        facts.push(("Report by".to_owned(), author.title.to_string()));
    }
    facts.push((
        "Paper".to_owned(),
        format!("{} ({state})", content.paper.reference),
    ));
    Front {
        above: board
            .map(|b| b.title.to_string())
            .into_iter()
            .chain(day_of.or_else(meeting))
            .collect(),
        title: content.paper.title.to_string(),
        facts,
    }
}

/// What is counted, and how often: "9 recommendations, 3 overdue", for each subject.
fn figures(section: &PaperSection) -> Option<Node> {
    let mut subjects: Vec<(&str, Vec<Span>)> = Vec::new();
    for figure in &section.figures {
        let label = figure.label.as_str();
        let (subject, what) = label.rsplit_once(": ").unwrap_or(("", label));
        let is_first = subjects.last().is_none_or(|(s, _)| *s != subject);
        if is_first {
            let of = if subject.is_empty() { "" } else { ": " };
            subjects.push((subject, vec![Span::text(format!("{subject}{of}"))]));
        }
        // A count of zero is printed only if it is the first of its subject.
        if figure.value == 0 && !is_first {
            continue;
        }
        if let Some((_, line)) = subjects.last_mut() {
            if !is_first {
                line.push(Span::text(", "));
            }
            let words = format!("{} {}", figure.value, counted(what, figure.value));
            line.push(Span::link(&figure.query, words));
        }
    }
    let ended = |(_, mut line): (&str, Vec<Span>)| {
        line.push(Span::text("."));
        line
    };
    let mut lines: Vec<Vec<Span>> = subjects.into_iter().map(ended).collect();
    match lines.len() {
        0 => None,
        1 => lines.pop().map(para),
        _ => Some(Node::List(
            Mark::Bullet,
            lines.into_iter().map(|l| vec![para(l)]).collect(),
        )),
    }
}

/// What is counted, in the singular if there is one.
fn counted(what: &str, value: usize) -> String {
    let mut words = what.splitn(2, ' ');
    let first = words.next().unwrap_or_default();
    match first.strip_suffix('s').filter(|_| value == 1) {
        Some(one) => words.fold(one.to_owned(), |all, more| format!("{all} {more}")),
        None => what.to_owned(),
    }
}

fn body(content: &PaperContent, section: &PaperSection, level: u8) -> Vec<Node> {
    match section.source {
        PaperSource::Narrative | PaperSource::Purpose => Vec::new(),
        PaperSource::KeyConsiderations => considerations(content),
        PaperSource::Interdependencies => interdependencies(content),
        PaperSource::RecommendationsToPanel => asked(content),
        PaperSource::AssuranceRecommendations => {
            let mut nodes = recommendations(content);
            let of = |r| recommendation(content, r, level);
            nodes.extend(content.recommendations.iter().flat_map(of));
            nodes
        }
        PaperSource::PlanPriorities => priorities(content, level),
        PaperSource::PriorActions => {
            let of = |a| action(a, level);
            content.actions.iter().flat_map(of).collect()
        }
        PaperSource::Risks => risks(content),
        PaperSource::Gaps => gaps(content),
        PaperSource::Overdue => overdue(content),
        PaperSource::EqualityImpact => implication(content, &content.equality_impact),
        PaperSource::Financial => implication(content, &content.financial),
        PaperSource::Legal => implication(content, &content.legal),
        PaperSource::RiskImplications => implication(content, &content.risk),
        PaperSource::Contact => {
            let contact = content.contact.iter();
            let of = |c: &RecordName| para(vec![Span::text(&c.title)]);
            contact.map(of).collect()
        }
        PaperSource::Appendices => appendices(content),
    }
}

fn considerations(content: &PaperContent) -> Vec<Node> {
    let items: Vec<Vec<Node>> = content
        .key_considerations
        .iter()
        .map(|t| author(content, Some(t)))
        .collect();
    list(Mark::Bullet, items)
}

/// A list, unless it is empty.
fn list(mark: Mark, items: Vec<Vec<Node>>) -> Vec<Node> {
    if items.is_empty() {
        Vec::new()
    } else {
        vec![Node::List(mark, items)]
    }
}

fn asked(content: &PaperContent) -> Vec<Node> {
    if content.recommendations_to_panel.is_empty() {
        return Vec::new();
    }
    let item = |r: &super::content::PaperRecommendationToPanel| {
        let verb = vec![Span::strong(r.verb.label()), Span::text(" ")];
        match author_line(content, &r.text) {
            Ok(line) => vec![para([verb, line].concat())],
            Err(blocks) => [vec![para(verb)], blocks].concat(),
        }
    };
    let items = content.recommendations_to_panel.iter().map(item).collect();
    vec![
        para(vec![Span::text("The panel is asked to:")]),
        Node::List(Mark::Letter, items),
    ]
}

fn interdependencies(content: &PaperContent) -> Vec<Node> {
    let item = |x: &PaperInterdependency| {
        let (verb, end) = match x.relation {
            CrossReferenceRelation::References => ("refers to", ""),
            CrossReferenceRelation::AlignsTo => ("is aligned to", ""),
            CrossReferenceRelation::DependsOn => ("depends on", ""),
            CrossReferenceRelation::HoldsToAccount => ("holds", " to account"),
            CrossReferenceRelation::Supersedes => ("supersedes", ""),
        };
        let mut line = vec![
            Span::link(&x.query, &x.from.title),
            Span::text(format!(" {verb} {}{end}", x.to.title)),
        ];
        let stated = x.stated_in.join("; ");
        if !stated.is_empty() {
            line.push(Span::text(format!(" ({stated})")));
        }
        line.push(Span::text("."));
        let why = x.rationale.as_deref();
        line.extend(why.map(|w| Span::text(format!(" {}", ended(w)))));
        vec![para(line)]
    };
    list(
        Mark::Bullet,
        content.interdependencies.iter().map(item).collect(),
    )
}

/// A table, unless it has no rows.
fn table(caption: &str, head: &[&str], rows: Vec<Vec<Cell>>) -> Vec<Node> {
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Node::Table(Table {
        caption: caption.into(),
        head: head.iter().map(|h| vec![Span::text(*h)]).collect(),
        rows,
        widths: Vec::new(),
    })]
}

fn cell(text: impl Into<String>) -> Cell {
    vec![Span::text(text)]
}

/// A record as the head of a row: its title, linked, with its reference in brackets.
fn row_head(query: &str, title: &str, reference: &str) -> Cell {
    if title == reference {
        return vec![Span::link(query, reference)];
    }
    vec![
        Span::link(query, title),
        Span::Break,
        Span::text(format!("({reference})")),
    ]
}

/// A deadline and whether it is met: "31 July 2020, overdue by 87 days".
fn due(r: &PaperRecommendation) -> String {
    let n = r.days.unwrap_or(0);
    let timeliness = match r.timeliness {
        Timeliness::Overdue => format!(", overdue by {}", days(-n)),
        Timeliness::DueSoon | Timeliness::NotDue if r.days.is_some() => {
            format!(", due {}", in_days(n))
        }
        Timeliness::DueSoon => ", due soon".into(),
        Timeliness::NotDue => ", no longer due".into(),
        Timeliness::Met => ", claimed on time".into(),
        Timeliness::MetLate => format!(", claimed {} late", days(-n)),
        Timeliness::NoDeadline => String::new(),
    };
    let first = r.first_deadline.as_ref().and_then(planned);
    let first = first.map(|d| format!(" (first {d})")).unwrap_or_default();
    format!("{}{timeliness}{first}", deadline(&r.deadline))
}

/// What audit says of a recommendation.
fn audited(r: &PaperRecommendation) -> String {
    match (r.closure, r.verification) {
        (RecommendationClosureState::None, RecommendationVerification::None) => {
            "no claim to verify".into()
        }
        (RecommendationClosureState::None, RecommendationVerification::Submitted) => {
            "claim not yet verified".into()
        }
        (RecommendationClosureState::None, RecommendationVerification::Verified)
        | (RecommendationClosureState::Verified, _) => "verified and closed".into(),
        (RecommendationClosureState::None, RecommendationVerification::Rejected) => {
            "claim rejected".into()
        }
        (closure, _) => format!("closed: {}", closure.in_sentence()),
    }
}

/// The recommendations in one table, if there are several.
fn recommendations(content: &PaperContent) -> Vec<Node> {
    if content.recommendations.len() < 2 {
        return Vec::new();
    }
    let is_numbered = content.recommendations.iter().any(|r| r.number.is_some());
    let row = |r: &PaperRecommendation| {
        let own = &r.recommendation;
        let number = is_numbered.then(|| cell(r.number.map(|n| n.to_string()).unwrap_or_default()));
        let cells = [
            row_head(&r.query, &own.title, &own.reference),
            cell(due(r)),
            cell(r.implementation.label()),
            cell(sentence_case(&audited(r))),
        ];
        number.into_iter().chain(cells).collect()
    };
    let head = [
        "No.",
        "Recommendation",
        "Deadline",
        "Management reports",
        "Audit",
    ];
    table(
        "Recommendations: deadline, report by management and verification by audit",
        head.get(usize::from(!is_numbered)..).unwrap_or_default(),
        content.recommendations.iter().map(row).collect(),
    )
}

fn recommendation(content: &PaperContent, r: &PaperRecommendation, level: u8) -> Vec<Node> {
    let own = &r.recommendation;
    let heading = match r.number {
        Some(n) => format!("Recommendation {n}: {}", own.title),
        None => own.title.to_string(),
    };
    let mut nodes = vec![Node::Heading(level, vec![Span::text(heading)])];
    let mut line = vec![
        Span::strong("Deadline:"),
        Span::text(format!(" {}. ", due(r))),
        Span::strong("Management reports:"),
        Span::text(format!(" {}. ", r.implementation.in_sentence())),
        Span::strong("Audit:"),
        Span::text(format!(" {}. (", audited(r))),
        Span::link(&r.query, &own.reference),
    ];
    // Numbers are those of a review, and several reviews have the same.
    let review = r.review.as_ref().map(|review| &review.reference);
    let first = content
        .recommendations
        .first()
        .and_then(|f| f.review.as_ref());
    if let Some(named) = &r.review
        && first.map(|f| &f.reference) != review
    {
        line.push(Span::text(format!(", {}", named.title)));
    }
    line.push(Span::text(")"));
    nodes.push(para(line));
    nodes.extend(r.finding.as_deref().map(|f| para(says("Finding", f))));
    nodes.extend(r.asks.as_deref().map(|a| para(says("Recommended", a))));
    let author = content.author.as_ref().map(|a| a.id);
    nodes.extend(r.events.iter().flat_map(|e| event(e, author)));
    if r.events.is_empty() {
        nodes.push(para(says("Update", "none recorded.")));
    }
    nodes.extend(linked_records(r));
    nodes
}

/// The records that it waits for, and those that it only refers to, each group in its own words.
fn linked_records(r: &PaperRecommendation) -> Vec<Node> {
    use RecommendationRelation as R;
    // In papers frozen by older builds, only the relation and a missing date say so.
    let waits =
        |l: &PaperLinkedRecord| l.is_awaited || l.without_date || l.relation == Some(R::DependsOn);
    let is_duplicate = r.closure == RecommendationClosureState::Duplicate;
    let groups: [(&str, Option<R>); 5] = [
        ("Addressed by", Some(R::AddressedBy)),
        (
            if is_duplicate {
                "Duplicates"
            } else {
                "Said to duplicate"
            },
            Some(R::Duplicates),
        ),
        ("Repeats", Some(R::Repeats)),
        ("Refers to", Some(R::RefersTo)),
        ("Mentions", None),
    ];
    let group = |label: &str, all: Vec<&PaperLinkedRecord>| {
        let mut line = vec![Span::strong(format!("{label}:")), Span::text(" ")];
        for (n, l) in all.iter().enumerate() {
            if n > 0 {
                line.push(Span::text("; "));
            }
            line.extend(link_to(l));
            let expected = waits(l) || l.relation == Some(R::AddressedBy);
            let until = match l.expected_on.filter(|_| expected) {
                Some(on) => format!(", expected by {}", day(on)),
                None if l.without_date => ", which has no date".into(),
                None => String::new(),
            };
            line.push(Span::text(until));
        }
        line.push(Span::text("."));
        (!all.is_empty()).then(|| para(line))
    };
    let awaited = r.linked_records.iter().filter(|l| waits(l)).collect();
    let others = groups.into_iter().filter_map(|(label, relation)| {
        let all = r.linked_records.iter();
        let all = all.filter(|l| !waits(l) && l.relation == relation);
        group(label, all.collect())
    });
    group("Waits for", awaited)
        .into_iter()
        .chain(others)
        .collect()
}

/// A linked record: its title, with its kind and reference in brackets. Most that are linked are
/// recommendations, so their kind is not said.
fn link_to(l: &PaperLinkedRecord) -> Vec<Span> {
    let record = &l.record;
    let called = called(record);
    if record.kind.as_str() == "recommendation" || !called.ends_with(')') {
        return vec![Span::link(&l.query, called)];
    }
    let kind = in_words(&record.kind).to_lowercase();
    vec![
        Span::link(&l.query, record.title.to_string()),
        Span::text(format!(" ({kind} {})", record.reference)),
    ]
}

/// One event: when, what, by whom, and what was said. What the paper's author reports needs no name.
fn event(e: &PaperEvent, author: Option<Uuid>) -> Vec<Node> {
    let to = e.deadline_to.as_ref().and_then(planned);
    let to = |before: &str| {
        to.as_ref()
            .map(|to| format!("{before}{to}"))
            .unwrap_or_default()
    };
    let claim = |what: &str| match e.claimed_on {
        Some(on) => format!("claim of {} {what} by audit", day(on)),
        None => format!("claim {what} by audit"),
    };
    let what = match e.kind {
        PaperEventKind::Progress => "progress".to_owned(),
        PaperEventKind::ClaimComplete => "claimed complete".into(),
        PaperEventKind::Deferral => format!("deferred{}, which is not progress", to(" to ")),
        PaperEventKind::ExtensionRequest => format!("later deadline requested{}", to(", ")),
        PaperEventKind::RefersTo => "refers to other records".into(),
        PaperEventKind::Response => match e.response {
            Some(ManagementDecision::Accepted) => "accepted by management".into(),
            Some(ManagementDecision::Partly) => "accepted in part by management".into(),
            Some(ManagementDecision::Rejected) => "rejected by management".into(),
            None => "response by management".into(),
        },
        PaperEventKind::Verified => claim("verified"),
        PaperEventKind::Rejected => claim("rejected"),
        PaperEventKind::Extended => {
            let from = e.deadline_from.as_ref().and_then(planned);
            let from = from.map(|d| format!(" from {d}")).unwrap_or_default();
            format!("deadline extended{from}{}", to(" to "))
        }
        PaperEventKind::Closed => match e.closure {
            Some(ground) => format!("closed: {}", ground.in_sentence()),
            None => "closed".into(),
        },
    };
    let by = e.by.iter().filter(|r| Some(r.id) != author);
    let by: Vec<String> = by.map(|r| r.title.to_string()).collect();
    let by = match by.as_slice() {
        [] => String::new(),
        by => format!(" ({})", listed(by)),
    };
    let mut line = vec![Span::Strong(vec![
        Span::link(&e.query, day(e.on)),
        Span::text(format!(", {what}{by}:")),
    ])];
    line.extend(e.text.as_deref().map(|n| Span::text(format!(" {n}"))));
    let mut nodes = vec![para(line)];
    nodes.extend(parts(&e.parts));
    nodes
}

/// Items with labels: a lettered list if these are the letters, otherwise each label in front of
/// its text.
fn labelled(items: Vec<(Option<&str>, Vec<Node>)>) -> Node {
    let is_lettered = items
        .iter()
        .enumerate()
        .all(|(n, (label, _))| label.is_some_and(|l| l.to_lowercase() == Mark::letter(n)));
    if is_lettered {
        let items = items.into_iter().map(|(_, nodes)| nodes).collect();
        return Node::List(Mark::Letter, items);
    }
    let with_label = |(label, mut nodes): (Option<&str>, Vec<Node>)| {
        if let (Some(label), Some(Node::Para(spans))) = (label, nodes.first_mut()) {
            spans.insert(0, Span::text(format!("{label}: ")));
        }
        nodes
    };
    Node::List(Mark::Bullet, items.into_iter().map(with_label).collect())
}

fn parts(parts: &[PaperPart]) -> Option<Node> {
    let item = |p: &'_ PaperPart| vec![para(vec![Span::text(p.text.to_string())])];
    let items = parts.iter().map(|p| (p.label.as_deref(), item(p)));
    (!parts.is_empty()).then(|| labelled(items.collect()))
}

/// A table for each goal, all with columns of the same widths.
fn priorities(content: &PaperContent, level: u8) -> Vec<Node> {
    let all = content.priorities.iter().flat_map(|p| &p.items);
    let whole = items("", all.map(item).collect());
    let widths = match whole.as_slice() {
        [Node::Table(table)] => table.shares(),
        _ => Vec::new(),
    };
    let of = |p| priority(p, level, &widths);
    content.priorities.iter().flat_map(of).collect()
}

fn items(caption: &str, rows: Vec<Vec<Cell>>) -> Vec<Node> {
    let head = [
        "Item",
        "Deadline",
        "Lead",
        "Status and rating",
        "Latest update",
    ];
    table(caption, &head, rows)
}

fn priority(p: &PaperPriority, level: u8, widths: &[f64]) -> Vec<Node> {
    let kind = p.goal_kind.map(|k| k.label()).unwrap_or_default();
    let (heading, caption) = match (&p.goal, p.number) {
        (Some(goal), Some(n)) => {
            let kind = kind.to_lowercase();
            (
                format!("{} {n}: {}", sentence_case(&kind), goal.title),
                format!("Items that serve {kind} {n}"),
            )
        }
        (Some(goal), None) => (
            goal.title.to_string(),
            format!("Items that serve: {}", goal.title),
        ),
        (None, _) => (
            "Items that serve no goal".into(),
            "Items without a goal".into(),
        ),
    };
    let mut nodes = vec![Node::Heading(level, vec![Span::text(heading)])];
    let mut own = items(&caption, p.items.iter().map(item).collect());
    if own.is_empty() {
        nodes.push(para(vec![Span::text("No item serves this goal.")]));
    }
    if let Some(Node::Table(table)) = own.first_mut() {
        table.widths = widths.to_vec();
    }
    nodes.extend(own);
    nodes
}

fn item(i: &PaperItem) -> Vec<Cell> {
    let lead = match (&i.lead, &i.unit) {
        (Some(post), _) => post.title.to_string(),
        (None, Some(unit)) => format!("No lead recorded; unit: {}", unit.title),
        (None, None) => "No lead recorded".into(),
    };
    let first = i.first_deadline.as_ref().and_then(planned);
    let first = first.map(|d| format!(", first {d}")).unwrap_or_default();
    let due = if i.is_overdue { ", overdue" } else { "" };
    let said: Vec<&str> = i.latest.iter().map(|p| p.text.as_str()).collect();
    let latest = match i.updated_on {
        Some(on) => format!("{}: {}", day(on), said.join(" ")),
        None => "None recorded".into(),
    };
    let rating = format!(
        "{}. Declared {}; computed {}: {}",
        i.status.label(),
        i.declared_rag.in_sentence(),
        i.computed_rag.in_sentence(),
        ended(&i.computed_reason)
    );
    vec![
        row_head(&i.query, &i.item.title, &i.item.reference),
        cell(sentence_case(&format!(
            "{}{first}{due}",
            deadline(&i.deadline)
        ))),
        cell(lead),
        cell(rating),
        cell(latest),
    ]
}

fn action(a: &PaperAction, level: u8) -> Vec<Node> {
    let meeting = a
        .meeting
        .as_ref()
        .map(|m| format!(", {}", m.title))
        .unwrap_or_default();
    let heading = format!("Action {}{meeting}", a.number);
    let mut nodes = vec![
        Node::Heading(level, vec![Span::text(heading)]),
        para(vec![Span::text(&a.text)]),
    ];
    let late = if a.is_overdue { ", overdue" } else { "" };
    let deferred = match i64::from(a.deferral_count) {
        0 => String::new(),
        n => format!(" Deferred {}.", times(n)),
    };
    nodes.push(para(vec![
        Span::strong("Due:"),
        Span::text(format!(
            " {}{late}.{deferred} ",
            a.due.as_deref().unwrap_or("no date")
        )),
        Span::strong("Status:"),
        Span::text(format!(
            " {}, {}. (",
            a.status.in_sentence(),
            a.progress.in_sentence()
        )),
        Span::link(&a.query, &a.action.reference),
        Span::text(")"),
    ]));
    nodes.extend(answers(&a.answers));
    if !a.parts.is_empty() {
        let item = |p: &super::content::PaperActionPart| {
            let mut blocks = vec![para(vec![
                Span::link(&p.query, p.part.title.trim_end_matches('.')),
                Span::text(format!(" – {}", p.status.in_sentence())),
            ])];
            blocks.extend(answers(&p.answers));
            blocks
        };
        let items = a.parts.iter().map(|p| (Some(p.label.as_str()), item(p)));
        nodes.push(labelled(items.collect()));
    }
    nodes
}

fn answers(answers: &[PaperAnswer]) -> Option<Node> {
    let item = |a: &PaperAnswer| {
        let what = match (&a.deferred_to, a.claimed_status) {
            (Some(to), _) => format!("deferred to {to}: "),
            (None, Some(claimed)) => format!("response, claimed {}: ", claimed.in_sentence()),
            (None, None) => "response: ".into(),
        };
        vec![para(vec![
            Span::link(&a.query, day(a.on)),
            Span::text(format!(", {what}{}", ended(&a.text))),
        ])]
    };
    (!answers.is_empty()).then(|| Node::List(Mark::Bullet, answers.iter().map(item).collect()))
}

fn risks(content: &PaperContent) -> Vec<Node> {
    let row = |r: &super::content::PaperRisk| {
        let register = r
            .register
            .as_ref()
            .map_or("Not stated", |g| g.title.as_str());
        let score = r.current.map_or_else(
            || "Not scored".into(),
            |l| format!("{} ({})", l.product, l.band.in_sentence()),
        );
        let controls = match r.controls {
            0 => "None recorded".to_owned(),
            all => format!("{} of {all} known to be effective", r.effective_controls),
        };
        vec![
            row_head(&r.query, &r.risk.title, &r.risk.reference),
            cell(register),
            cell(r.event.as_deref().unwrap_or("Not stated")),
            cell(format!("{}; {}", r.status.label(), score.to_lowercase())),
            cell(controls),
        ]
    };
    table(
        "Risks related to this paper",
        &[
            "Risk",
            "Register",
            "What might happen",
            "Status and score",
            "Controls",
        ],
        content.risks.iter().map(row).collect(),
    )
}

fn gaps(content: &PaperContent) -> Vec<Node> {
    let row = |g: &super::content::PaperGap| {
        let record = match &g.record {
            Some(r) => row_head(&g.query, &r.title, &r.reference),
            None => vec![Span::link(&g.query, "Not available")],
        };
        let reason = match (g.is_open, g.reason.as_deref()) {
            (true, Some(reason)) => reason.to_owned(),
            (true, None) => in_words(&g.rule),
            (false, _) => format!("{}: no longer reported", in_words(&g.rule)),
        };
        let remedy = g.remedy.as_deref().filter(|_| g.is_open);
        vec![record, cell(reason), cell(remedy.unwrap_or("None needed"))]
    };
    table(
        "What is missing in the registers",
        &["Record", "What is missing", "What would put it right"],
        content.gaps.iter().map(row).collect(),
    )
}

fn overdue(content: &PaperContent) -> Vec<Node> {
    let lines = &content.overdue;
    let row = |o: &super::content::PaperOverdueLine| {
        let mut record = match &o.struck {
            Some(_) => vec![Span::link(&o.query, &o.record.reference)],
            None => row_head(&o.query, &o.record.title, &o.record.reference),
        };
        let struck = o.struck.as_deref();
        record
            .extend(struck.map(|reason| Span::text(format!(" left out by the author: {reason}"))));
        let since = if o.deferred {
            ", from the first due date: deferred without a new one"
        } else {
            ""
        };
        vec![
            record,
            cell(in_words(&o.record.kind)),
            cell(day(o.due_on)),
            cell(format!("{}{since}", days(o.days_late))),
        ]
    };
    let mut nodes = Vec::new();
    if !content.overdue_covers.is_empty() && !lines.is_empty() {
        let covers: Vec<String> = content.overdue_covers.iter().map(Into::into).collect();
        let words = format!("This is what is overdue among {}.", listed(&covers));
        nodes.push(para(vec![Span::text(words)]));
    }
    nodes.extend(table(
        "Overdue, longest first",
        &["Record", "Kind", "Due", "Overdue by"],
        lines.iter().map(row).collect(),
    ));
    nodes
}

fn implication(content: &PaperContent, implication: &PaperImplication) -> Vec<Node> {
    let text = author(content, implication.text.as_deref());
    let state = match (implication.state, text.is_empty()) {
        (ImplicationState::AssessedNone, _) => Some("None. This was assessed."),
        (ImplicationState::AssessedSome, false) => None,
        (ImplicationState::AssessedSome, true) => Some("There are some, which are not described."),
        (ImplicationState::Boilerplate, _) => {
            Some("No assessment is recorded: this wording would fit any paper.")
        }
        (ImplicationState::NotAssessed, _) => Some("No assessment is recorded."),
    };
    let mut nodes = text;
    nodes.extend(state.map(|s| para(vec![Span::text(s)])));
    nodes
}

fn appendices(content: &PaperContent) -> Vec<Node> {
    let item = |a: &super::content::PaperAppendixLine| {
        let state = match (&a.stated_status, a.document_state) {
            (Some(own), _) => format!(" Its status, as stated in it: {own}."),
            (None, Some(DocumentState::NotStated) | None) => String::new(),
            (None, Some(state)) => format!(" Its status: {}.", state.in_sentence()),
        };
        let named = a.version.as_ref().or(a.document.as_ref());
        let mut line = vec![
            Span::strong(format!("Appendix {}:", a.number)),
            Span::text(format!(" {}", a.title)),
        ];
        if let Some(named) = named {
            line.push(Span::text(" ("));
            line.push(match &a.query {
                Some(query) => Span::link(query, &named.reference),
                None => Span::text(&named.reference),
            });
            line.push(Span::text(")"));
        }
        line.push(Span::text(format!(".{state}")));
        match &a.sha256 {
            Some(hash) => {
                line.push(Span::text(" SHA-256 of its file: "));
                line.push(Span::Code(hash.to_string()));
            }
            None => line.push(Span::text(" No file of it is held here.")),
        }
        vec![para(line)]
    };
    list(Mark::Bullet, content.appendices.iter().map(item).collect())
}

/// Lists unresolved references at the end, so that nothing is dropped silently.
fn unresolved(content: &PaperContent) -> Vec<Node> {
    if content.unresolved.is_empty() {
        return Vec::new();
    }
    let place = |pointer: &str| {
        let parts = pointer.split('/').filter(|p| !p.is_empty());
        let words = parts.map(|p| match p.parse::<usize>() {
            Ok(n) => (n + 1).to_string(),
            Err(_) => p.replace('_', " "),
        });
        sentence_case(&words.collect::<Vec<_>>().join(", "))
    };
    let row = |u: &super::content::PaperUnresolvedReference| {
        vec![
            cell(&u.text),
            cell(u.reason.label()),
            cell(place(&u.pointer)),
        ]
    };
    let rows = content.unresolved.iter().map(row).collect();
    let mut nodes = vec![Node::Heading(1, vec![Span::text("Unresolved references")])];
    nodes.extend(table(
        "References that could not be resolved",
        &["Text", "Reason", "Field"],
        rows,
    ));
    nodes
}

/// What the paper is based on, and the sections that have nothing to print.
fn about(content: &PaperContent, empty: &[bool]) -> Vec<Node> {
    let state = match content.state {
        PaperState::Draft => "This is a draft: it changes as records change.",
        PaperState::Issued => "This paper is issued and no longer changes.",
    };
    let basis = format!(
        "{state} It is based on what was recorded up to {}. Deadlines are assessed as on {}. \
            References in brackets are those of the records that a statement is taken from; the \
            query behind each figure is in the JSON form of the paper.",
        content.as_of.format("%-d %B %Y, %H:%M UTC"),
        day(content.on)
    );
    let mut nodes = vec![
        Node::Heading(1, vec![Span::text("About this paper")]),
        para(vec![Span::text(basis)]),
    ];
    let left_out: Vec<String> = content
        .sections
        .iter()
        .zip(empty)
        .filter(|(_, is_empty)| **is_empty)
        .map(|(section, _)| format!("“{}”", section.heading))
        .collect();
    if !left_out.is_empty() {
        let words = format!(
            "Nothing is recorded for the sections {}.",
            listed(&left_out)
        );
        let one = words.replace("the sections", "the section");
        nodes.push(para(vec![Span::text(if left_out.len() == 1 {
            one
        } else {
            words
        })]));
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::document::markdown;

    /// Content as the build before marked contents and events froze it.
    const FROZEN: &str = include_str!("frozen.json");

    #[test]
    fn what_an_older_build_froze_is_laid_out() {
        let content: PaperContent = serde_json::from_str(FROZEN).expect("it is read");
        assert_eq!(content.marking, None, "its issue has it");
        let text = markdown::write(&nodes(&content));
        for words in [
            "### Recommendation 2: Board accountabilities",
            "30 November 2020, due in 35 days",
            ", deferred, which is not progress:** They will be part of the refresh",
            "**Waits for:** [strategy review REVIEW-STRIDE]",
            "**Said to duplicate:** [Role of the business groups' STRIDE boards (DARA-2020-3)]",
            "a) Said to duplicate the recommendations above.",
            "a) [The final, approved strategy]",
            "#### Action 14, Audit Panel, March 2017",
            "1214 days, from the first due date",
            "**Appendix 1:** Inclusion strategy and work-plan",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(
            !text.contains("expected by"),
            "a duplicate is not waited for"
        );
        // The numbers are those that were frozen.
        assert!(text.contains("\n### 1.4 Risks\n"), "{text}");
    }
}
