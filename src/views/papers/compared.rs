//! Compares a paper with the previous one: what was added, changed and removed, section by section.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::content::{PaperContent, PaperResolvedReference};
use super::reading::says;
use super::references::{Piece, pieces};
use super::words::{called, day, planned};
use crate::http::formats::{self, Format};
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{id_parameter, id_query, schema_ref};
use crate::http::resource::{BASE, as_of};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::papers::Paper;
use crate::render::document::markdown;
use crate::render::document::markup::{Front, Mark, Node, Span};
use crate::render::labels;
use crate::views::status::Named;
use crate::world::codes::Codes;
use crate::world::date::PlannedDate;
use crate::world::schema::{Schemas, add_answer};
use crate::world::visible::VisibleWorld;
use crate::world::{Rec, Text};

/// A row that is in one paper but not in the other.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperRow {
    /// Identifies the row: the reference of its record, or its text.
    pub row: Text<400>,
    /// Title of the record, if the row is about one.
    pub title: Option<Text<4000>>,
}

/// One thing that differs in a row, in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperFieldChange {
    /// What differs, such as "deadline".
    pub label: Text<1000>,
    /// The earlier value in words; null if there was none.
    pub before: Option<Text<40_000>>,
    /// The later value in words; null if there is no later value.
    pub after: Option<Text<40_000>>,
}

/// A row that is in both papers with different content.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperRowChange {
    /// Identifies the row.
    pub row: Text<400>,
    /// Title of its record, if the row is about one.
    pub title: Option<Text<4000>>,
    /// What differs, before and after.
    #[schema(max_items = 100_000)]
    pub fields: Vec<PaperFieldChange>,
}

/// A record that has another title in the later paper.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperRename {
    /// Its reference.
    pub reference: Text<60>,
    /// Title in the earlier paper.
    pub before: Text<4000>,
    /// Title in the later paper.
    pub after: Text<4000>,
}

/// Differences in one section.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperSectionDifference {
    /// Name of the list in the content that differs, or `text` and the section's key for the
    /// author's text in that section.
    pub section: Text<100>,
    /// Its heading in the later paper, otherwise in the earlier one.
    pub heading: Option<Text<200>>,
    /// Rows only in the later paper.
    #[schema(max_items = 100_000)]
    pub added: Vec<PaperRow>,
    /// Rows in both papers that differ.
    #[schema(max_items = 100_000)]
    pub changed: Vec<PaperRowChange>,
    /// Rows only in the earlier paper.
    #[schema(max_items = 100_000)]
    pub gone: Vec<PaperRow>,
}

/// Comparison of a paper with another.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperComparison {
    /// The earlier paper.
    pub before: Named,
    /// The paper in the request.
    pub after: Named,
    /// Records that both papers name by different titles. Nothing else is reported as changed for
    /// it.
    #[schema(max_items = 10_000)]
    pub renamed: Vec<PaperRename>,
    /// Sections that differ, in the order of the later paper. Values are in words. Days until or
    /// since a deadline change from day to day and are left out.
    #[schema(max_items = 200)]
    pub sections: Vec<PaperSectionDifference>,
}

/// The lists in a paper's content, the source of the section that shows each, and the fields that
/// identify a row.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("key_considerations", "key_considerations", &[]),
    ("interdependencies", "interdependencies", &["/id"]),
    (
        "recommendations_to_panel",
        "recommendations_to_panel",
        &["/text"],
    ),
    (
        "recommendations",
        "assurance_recommendations",
        &["/recommendation/id"],
    ),
    ("priorities", "plan_priorities", &["/goal/id"]),
    ("actions", "prior_actions", &["/action/id"]),
    ("risks", "risks", &["/risk/id"]),
    ("gaps", "gaps", &["/rule", "/record/id"]),
    ("overdue", "overdue", &["/record/id"]),
    ("appendices", "appendices", &["/title"]),
];

/// Parts of the content that hold a single value.
const SINGLE: &[(&str, &str)] = &[
    ("equality_impact", "equality_impact"),
    ("financial", "financial"),
    ("legal", "legal"),
    ("risk", "risk_implications"),
    ("contact", "contact"),
];

/// What changes from one paper to the next although nothing happened.
const PASSING: [&str; 3] = ["query", "days", "days_late"];

/// Removes what is not part of what a row says.
fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter(|(name, _)| !PASSING.contains(&name.as_str()));
            Value::Object(kept.map(|(n, v)| (n.clone(), lasting(v))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(lasting).collect()),
        other => other.clone(),
    }
}

/// Title and reference of every record that a content names, by id.
fn titles(value: &Value, known: &mut BTreeMap<String, (String, String)>) {
    match value {
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some(id), Some(title), Some(reference)) =
                (text("id"), text("title"), text("reference"))
            {
                known.insert(id, (title, reference));
            }
            map.values().for_each(|v| titles(v, known));
        }
        Value::Array(list) => list.iter().for_each(|v| titles(v, known)),
        _ => {}
    }
}

/// Gives records their later titles, so that a new title is one change and not one for each place
/// that names the record.
fn retitled(value: &mut Value, renamed: &BTreeMap<String, (String, String)>) {
    match value {
        Value::Object(map) => {
            let id = map.get("id").and_then(Value::as_str);
            let new = id
                .and_then(|id| renamed.get(id))
                .map(|(_, new)| new.clone());
            if let (Some(new), Some(title)) = (new, map.get_mut("title")) {
                *title = new.into();
            }
            // When an action is due names a meeting within a text.
            for name in ["due", "deferred_to"] {
                if let Some(Value::String(text)) = map.get_mut(name) {
                    for (old, new) in renamed.values() {
                        *text = text.replace(&format!("({old})"), &format!("({new})"));
                    }
                }
            }
            map.values_mut().for_each(|v| retitled(v, renamed));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| retitled(v, renamed)),
        _ => {}
    }
}

/// Says values in words: titles and references of records, labels of codes, dates.
struct Words<'a> {
    /// References in the author's texts, with those of the later paper first.
    references: Vec<&'a PaperResolvedReference>,
}

impl Words<'_> {
    /// The author's text, with records by their names.
    fn text(&self, text: &str) -> String {
        let of = |piece: Piece<'_>| match piece {
            Piece::Words(text) | Piece::Open(text) => text.to_owned(),
            Piece::Named(named) => match self.references.iter().find(|r| r.text == named) {
                Some(r) => called(&r.record),
                None => format!("[[{named}]]"),
            },
        };
        pieces(text).into_iter().map(of).collect()
    }

    fn value(&self, value: &Value, codes: &Codes) -> Option<String> {
        match value {
            Value::Null => None,
            Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.into()),
            Value::Number(n) => Some(n.to_string()),
            Value::String(text) => Some(match codes.label(text) {
                Some(label) => label.to_owned(),
                None => match text.parse::<NaiveDate>() {
                    Ok(on) => day(on),
                    Err(_) => self.text(text),
                },
            }),
            Value::Array(list) => {
                let all: Vec<String> = list.iter().filter_map(|v| self.value(v, codes)).collect();
                (!all.is_empty()).then(|| all.join("; "))
            }
            Value::Object(map) if map.contains_key("precision") => {
                let date = serde_json::from_value::<PlannedDate>(value.clone()).ok()?;
                planned(&date)
            }
            Value::Object(map) => {
                if let (Some(title), Some(reference)) = (
                    map.get("title").and_then(Value::as_str),
                    map.get("reference").and_then(Value::as_str),
                ) {
                    return Some(format!("{title} ({reference})"));
                }
                let of = |(name, value): (&String, &Value)| {
                    let said = self.value(value, codes.field(name))?;
                    let is_plain = matches!(name.as_str(), "text" | "narrative" | "label")
                        || value.get("reference").is_some();
                    Some(if is_plain {
                        said
                    } else {
                        format!("{}: {said}", labels::of_field(name))
                    })
                };
                let named = map.iter().filter(|(name, _)| *name != "id");
                let all: Vec<String> = named.filter_map(of).collect();
                (!all.is_empty()).then(|| all.join(", "))
            }
        }
    }

    /// Describes a row by the reference and title of its record, or by its text.
    fn row(&self, row: &Value, codes: &Codes) -> PaperRow {
        let record = [
            "/recommendation",
            "/goal",
            "/action",
            "/risk",
            "/record",
            "/item",
            "/part",
            "/from",
        ]
        .iter()
        .find_map(|p| row.pointer(p).filter(|v| v.is_object()));
        let text = |v: &Value, p: &str| v.pointer(p).and_then(Value::as_str).map(str::to_owned);
        let words = || {
            text(row, "/text")
                .or_else(|| text(row, "/title"))
                .or_else(|| row.as_str().map(str::to_owned))
                .map(|t| self.text(&t))
        };
        let named = record.and_then(|r| text(r, "/reference"));
        let title = record.and_then(|r| text(r, "/title"));
        // A cross-reference is named by both of its ends.
        let title = match (title, text(row, "/to/title"), text(row, "/relation")) {
            (Some(from), Some(to), Some(relation)) => {
                let relation = codes
                    .field("relation")
                    .label(&relation)
                    .unwrap_or(&relation);
                Some(format!("{from}: {} {to}", relation.to_lowercase()))
            }
            (title, ..) => title,
        };
        let nothing = || match row.pointer("/items") {
            Some(_) => "items that serve no goal".to_owned(),
            None => self.value(row, codes).unwrap_or_default(),
        };
        PaperRow {
            row: Text::known(
                named
                    .or_else(words)
                    .unwrap_or_else(nothing)
                    .chars()
                    .take(400)
                    .collect::<String>(),
            ),
            title: title.map(Text::cut),
        }
    }

    /// What differs between two rows. Lists of records are compared entry by entry.
    fn fields(
        &self,
        (before, after): (&Value, &Value),
        codes: &Codes,
        within: &str,
        found: &mut Vec<PaperFieldChange>,
    ) {
        let change =
            |label: &str, before: Option<String>, after: Option<String>| PaperFieldChange {
                label: Text::cut(label),
                before: before.map(Text::cut),
                after: after.map(Text::cut),
            };
        let (Value::Object(b), Value::Object(a)) = (before, after) else {
            let (was, is) = (self.value(before, codes), self.value(after, codes));
            let label = if within.is_empty() { "text" } else { within };
            return found.push(change(label, was, is));
        };
        let names = a.keys().chain(b.keys().filter(|n| !a.contains_key(*n)));
        for name in names {
            let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or_default();
            let (was, is) = (of(b), of(a));
            if was == is || name == "id" {
                continue;
            }
            let own = codes.field(name);
            let label = match within {
                "" => labels::of_field(name),
                within => format!("{within}, {}", labels::of_field(name)),
            };
            let (Some(old), Some(new)) = (entries(&was), entries(&is)) else {
                found.push(change(&label, self.value(&was, own), self.value(&is, own)));
                continue;
            };
            let named = |entry: &Value| {
                let row = self.row(entry, own);
                let title = row.title.as_ref().map(ToString::to_string);
                format!("{label}: {}", title.unwrap_or_else(|| row.row.to_string()))
            };
            let find =
                |list: &[(String, &Value)], key: &str| list.iter().position(|(k, _)| k == key);
            let mut nested = Vec::new();
            for (key, entry) in &new {
                match find(&old, key).and_then(|n| old.get(n)) {
                    None => found.push(change(&label, None, self.value(entry, own))),
                    Some((_, was)) if was != entry => nested.push((named(entry), *was, *entry)),
                    Some(_) => {}
                }
            }
            for (_, entry) in old.iter().filter(|(key, _)| find(&new, key).is_none()) {
                found.push(change(&label, self.value(entry, own), None));
            }
            for (label, was, is) in nested {
                self.fields((was, is), own, &label, found);
            }
        }
    }

    fn rows(&self, before: &[Value], after: &[Value], by: &[&str], codes: &Codes) -> Rows {
        let find =
            |list: &[Value], row: &Value| list.iter().find(|r| key(r, by) == key(row, by)).cloned();
        let (mut added, mut changed) = (Vec::new(), Vec::new());
        for row in after {
            match find(before, row) {
                None => added.push(self.row(row, codes)),
                Some(was) if was != *row => {
                    let named = self.row(row, codes);
                    let mut fields = Vec::new();
                    self.fields((&was, row), codes, "", &mut fields);
                    changed.push(PaperRowChange {
                        row: named.row,
                        title: named.title,
                        fields,
                    });
                }
                Some(_) => {}
            }
        }
        let gone = before
            .iter()
            .filter(|r| find(after, r).is_none())
            .map(|r| self.row(r, codes))
            .collect();
        (added, changed, gone)
    }
}

type Rows = (Vec<PaperRow>, Vec<PaperRowChange>, Vec<PaperRow>);

/// The entries of a list of records, each with its id. None for anything else; an empty list may be
/// one.
fn entries(value: &Value) -> Option<Vec<(String, &Value)>> {
    let id = |entry: &Value| {
        let pointers = ["/item/id", "/part/id", "/record/id", "/id"];
        let found = pointers.iter().find_map(|p| entry.pointer(p));
        found.and_then(Value::as_str).map(str::to_owned)
    };
    let list = value.as_array()?;
    list.iter().map(|e| id(e).map(|id| (id, e))).collect()
}

/// Identifies a row among others.
fn key(row: &Value, by: &[&str]) -> String {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    if by.is_empty() {
        return text(row);
    }
    let parts: Vec<String> = by
        .iter()
        .map(|p| row.pointer(p).map(text).unwrap_or_default())
        .collect();
    parts.join(" ")
}

/// Compares two contents.
#[must_use]
pub fn compare(before: &PaperContent, after: &PaperContent, codes: &Codes) -> PaperComparison {
    let (mut b, a) = (lasting(&json!(before)), lasting(&json!(after)));
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    titles(&b, &mut old);
    titles(&a, &mut new);
    let mut titled = BTreeMap::new();
    let mut renamed = Vec::new();
    for (id, (was, _)) in old {
        let Some((is, reference)) = new.get(&id).filter(|(is, _)| *is != was) else {
            continue;
        };
        renamed.push(PaperRename {
            reference: Text::cut(reference),
            before: Text::cut(&was),
            after: Text::cut(is),
        });
        titled.insert(id, (was, is.clone()));
    }
    renamed.sort_by(|a, b| a.reference.as_str().cmp(b.reference.as_str()));
    retitled(&mut b, &titled);
    let words = Words {
        references: after.references.iter().chain(&before.references).collect(),
    };
    let heading = |holds: &dyn Fn(&super::content::PaperSection) -> bool| {
        let all = after.sections.iter().chain(&before.sections);
        all.clone().find(|s| holds(s)).map(|s| s.heading.clone())
    };
    let mut sections: Vec<PaperSectionDifference> = Vec::new();
    let mut keys: Vec<&str> = after
        .sections
        .iter()
        .chain(&before.sections)
        .map(|s| s.key.as_str())
        .collect();
    let mut known = std::collections::HashSet::new();
    keys.retain(|k| known.insert(*k));
    for section in keys {
        let text = |c: &PaperContent| {
            c.sections
                .iter()
                .find(|s| s.key == section)
                .and_then(|s| s.text.clone())
        };
        let (was, is) = (text(before), text(after));
        if was != is {
            let one = |text: Option<&str>| {
                text.iter()
                    .map(|t| json!({ "section": section, "text": t }))
                    .collect::<Vec<_>>()
            };
            let (added, changed, gone) = words.rows(
                &one(was.as_deref()),
                &one(is.as_deref()),
                &["/section"],
                codes,
            );
            sections.push(PaperSectionDifference {
                section: Text::cut(format!("text {section}")),
                heading: heading(&|s| s.key == section),
                added,
                changed,
                gone,
            });
        }
    }
    let list = |c: &Value, name: &str| {
        c.get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let single = |c: &Value, name: &str| {
        c.get(name)
            .filter(|v| !v.is_null())
            .cloned()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let word = |s: &super::content::PaperSection| crate::world::record::word(&s.source);
    let lists = LISTS.iter().map(|(name, source, by)| {
        let own = codes.field(name);
        let rows = words.rows(&list(&b, name), &list(&a, name), by, own);
        (*name, *source, rows)
    });
    let singles = SINGLE.iter().map(|(name, source)| {
        (
            *name,
            *source,
            // A field that no value has gives both the same key, so they are compared as one row.
            words.rows(
                &single(&b, name),
                &single(&a, name),
                &["/no-such-field"],
                codes.field(name),
            ),
        )
    });
    for (name, source, (added, changed, gone)) in lists.chain(singles) {
        if !(added.is_empty() && changed.is_empty() && gone.is_empty()) {
            sections.push(PaperSectionDifference {
                section: Text::cut(name),
                heading: heading(&|s| word(s) == source),
                added,
                changed,
                gone,
            });
        }
    }
    PaperComparison {
        before: before.paper.clone(),
        after: after.paper.clone(),
        renamed,
        sections,
    }
}

/// The paper to compare with: the one that the paper names, otherwise the last one issued to the
/// same board before it.
fn earlier(seen: &VisibleWorld, paper: &Rec<Paper>) -> Option<Uuid> {
    if let Some(named) = paper.data.previous_id.or(paper.data.supersedes_id) {
        return Some(named.uuid());
    }
    let before = |p: &&Rec<Paper>| {
        let in_order = match (paper.computed.issued_on, p.computed.issued_on) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(own), Some(other)) => (other, p.meta.created_at) < (own, paper.meta.created_at),
        };
        p.meta.id != paper.meta.id && p.computed.board_id == paper.computed.board_id && in_order
    };
    let last = seen
        .live::<Paper>()
        .filter(before)
        .max_by_key(|p| (p.computed.issued_on, p.meta.created_at));
    last.map(|p| p.meta.id)
}

/// The operation.
pub fn operation() -> Operation {
    Operation::new(
        "GET",
        format!("{BASE}/papers/{{id}}/compared"),
        "comparePapers",
        Access::Needs(Subject::Paper, Act::Read),
        run,
    )
    .says(
        "Papers",
        "Compare a paper with the previous one",
        "Returns what was added, changed and removed, section by section and in words, compared with \
            another paper: the one given in `with`, otherwise its `previous_id` or the paper that it \
            supersedes, otherwise the last one issued to the same board. To compare versions of \
            the same paper's record, use `/papers/{id}/difference`.",
    )
    .takes([
        id_parameter("paper"),
        id_query("with", "Id of the paper to compare with."),
        as_of(),
        formats::parameter(formats::TEXT),
    ])
    .answers(200, "The comparison.", schema_ref("PaperComparison"))
    .refuses(&[Code::Conflict])
    .etag(Tag::Journal)
    .formats(formats::TEXT)
}

async fn run(call: Call) -> Result<Answer, Problem> {
    let id = call.id()?;
    let (seen, on) = call.world().await?;
    let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
    let with = call.query.value::<Uuid>("with", "an id")?;
    let other = with.or_else(|| earlier(&seen, paper));
    let Some(other) = other.filter(|o| seen.get::<Paper>(*o).is_some()) else {
        let detail =
            "no earlier paper that you may see was issued to this board; name one with `with`";
        return Err(match with {
            Some(_) => crate::http::query::invalid("with", "must be the id of a paper"),
            None => Problem::new(Code::Conflict, detail),
        });
    };
    let after = says(&call, (&seen, on), id).await?.content()?;
    let before = says(&call, (&seen, on), other).await?.content()?;
    let codes = (call.service.codes)(&PaperContent::name());
    let comparison = compare(&before, &after, codes);
    if call.format == Format::Markdown {
        let text = markdown::write(&nodes(&comparison));
        let name = format!("{}-compared", after.paper.reference);
        return Ok(formats::document(
            Format::Markdown,
            &name,
            text.into_bytes(),
        ));
    }
    Answer::of(200, &comparison)
}

/// The comparison to read.
fn nodes(comparison: &PaperComparison) -> Vec<Node> {
    let PaperComparison { before, after, .. } = comparison;
    let para = |text: String| Node::Para(vec![Span::text(text)]);
    let heading = |text: &str| Node::Heading(1, vec![Span::text(text)]);
    let row = |row: &Text<400>, title: &Option<Text<4000>>| match title {
        Some(title) if title.as_str() != row.as_str() => format!("{title} ({row})"),
        _ => row.to_string(),
    };
    let mut nodes = vec![Node::Front(Front {
        title: format!("What is new in {}", after.title),
        facts: vec![
            (
                "Paper".into(),
                format!("{} ({})", after.title, after.reference),
            ),
            (
                "Compared with".into(),
                format!("{} ({})", before.title, before.reference),
            ),
        ],
        ..Front::default()
    })];
    if comparison.renamed.is_empty() && comparison.sections.is_empty() {
        nodes.push(para("Nothing differs.".into()));
    }
    if !comparison.renamed.is_empty() {
        nodes.push(heading("Renamed"));
        let item = |r: &PaperRename| {
            vec![para(format!(
                "{}: “{}”, was “{}”",
                r.reference, r.after, r.before
            ))]
        };
        nodes.push(Node::List(
            Mark::Bullet,
            comparison.renamed.iter().map(item).collect(),
        ));
    }
    for section in &comparison.sections {
        let own = section
            .heading
            .as_ref()
            .map_or(section.section.as_str(), |h| h.as_str());
        nodes.push(heading(own));
        let mut items = Vec::new();
        let only = |what: &str, rows: &[PaperRow], items: &mut Vec<Vec<Node>>| {
            items.extend(
                rows.iter()
                    .map(|r| vec![para(format!("{what}: {}", row(&r.row, &r.title)))]),
            );
        };
        only("New", &section.added, &mut items);
        for changed in &section.changed {
            let field = |f: &PaperFieldChange| {
                let said = |text: &Option<Text<40_000>>| {
                    text.as_ref()
                        .map_or_else(|| "nothing".to_owned(), ToString::to_string)
                };
                vec![para(format!(
                    "{}: {}; was: {}",
                    f.label,
                    said(&f.after),
                    said(&f.before)
                ))]
            };
            let fields = Node::List(Mark::Bullet, changed.fields.iter().map(field).collect());
            items.push(vec![
                para(format!("Changed: {}", row(&changed.row, &changed.title))),
                fields,
            ]);
        }
        only("No longer there", &section.gone, &mut items);
        nodes.push(Node::List(Mark::Bullet, items));
    }
    nodes
}

/// Schemas used by the operation.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<PaperComparison>(schemas);
}
