//! Compares a paper with the previous one: what was added, changed and removed, section by section.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::content::PaperContent;
use super::reading::says;
use crate::http::history::FieldChange;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{id_parameter, id_query, schema_ref};
use crate::http::resource::{BASE, as_of};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::papers::Paper;
use crate::views::status::Named;
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

/// A row that is in both papers with different content.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperRowChange {
    /// Identifies the row.
    pub row: Text<400>,
    /// Title of its record, if the row is about one.
    pub title: Option<Text<4000>>,
    /// Values before and after, field by field.
    #[schema(max_items = 100)]
    pub fields: Vec<FieldChange>,
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
    /// Sections that differ, in the order of the later paper.
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

/// Removes the queries, which are not part of what a row says.
fn without_queries(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| *name != "query");
            Value::Object(kept.map(|(n, v)| (n.clone(), without_queries(v))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_queries).collect()),
        other => other.clone(),
    }
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

/// Describes a row by the reference and title of its record, or by its text.
fn spoken(row: &Value) -> PaperRow {
    let record = [
        "/recommendation",
        "/goal",
        "/action",
        "/risk",
        "/record",
        "/from",
    ]
    .iter()
    .find_map(|p| row.pointer(p).filter(|v| v.is_object()));
    let text = |v: &Value, p: &str| v.pointer(p).and_then(Value::as_str).map(str::to_owned);
    let words = || {
        text(row, "/text")
            .or_else(|| text(row, "/title"))
            .or_else(|| row.as_str().map(str::to_owned))
    };
    let named = record.and_then(|r| text(r, "/reference"));
    PaperRow {
        row: Text::known(
            named
                .or_else(words)
                .unwrap_or_else(|| "items that serve no goal".into())
                .chars()
                .take(400)
                .collect::<String>(),
        ),
        title: record.and_then(|r| text(r, "/title")).map(Text::cut),
    }
}

/// Fields in which two rows differ.
fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let (Value::Object(b), Value::Object(a)) = (before, after) else {
        return vec![FieldChange::unnamed(
            String::new(),
            before.clone(),
            after.clone(),
        )];
    };
    let names = a.keys().chain(b.keys().filter(|n| !a.contains_key(*n)));
    let of = |map: &Map<String, Value>, name: &str| map.get(name).cloned().unwrap_or_default();
    names
        .map(|n| (n, of(b, n), of(a, n)))
        .filter(|(_, before, after)| before != after)
        // The rows of a paper already name their records.
        .map(|(n, before, after)| FieldChange::unnamed(format!("/{n}"), before, after))
        .collect()
}

fn rows(
    before: &[Value],
    after: &[Value],
    by: &[&str],
) -> (Vec<PaperRow>, Vec<PaperRowChange>, Vec<PaperRow>) {
    let find =
        |list: &[Value], row: &Value| list.iter().find(|r| key(r, by) == key(row, by)).cloned();
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    for row in after {
        match find(before, row) {
            None => added.push(spoken(row)),
            Some(was) if was != *row => {
                let spoken = spoken(row);
                changed.push(PaperRowChange {
                    row: spoken.row,
                    title: spoken.title,
                    fields: fields(&was, row),
                });
            }
            Some(_) => {}
        }
    }
    let gone = before
        .iter()
        .filter(|r| find(after, r).is_none())
        .map(spoken)
        .collect();
    (added, changed, gone)
}

/// Compares two contents.
#[must_use]
pub fn compare(before: &PaperContent, after: &PaperContent) -> PaperComparison {
    let (b, a) = (
        without_queries(&json!(before)),
        without_queries(&json!(after)),
    );
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
            let (added, changed, gone) =
                rows(&one(was.as_deref()), &one(is.as_deref()), &["/section"]);
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
    let lists = LISTS
        .iter()
        .map(|(name, source, by)| (*name, *source, rows(&list(&b, name), &list(&a, name), by)));
    let singles = SINGLE.iter().map(|(name, source)| {
        (
            *name,
            *source,
            // A field that no value has gives both the same key, so they are compared as one row.
            rows(&single(&b, name), &single(&a, name), &["/no-such-field"]),
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
        "Returns what was added, changed and removed, section by section, compared with another \
            paper: the one given in `with`, otherwise its `previous_id` or the paper that it \
            supersedes, otherwise the last one issued to the same board. To compare versions of \
            the same paper's record, use `/papers/{id}/difference`.",
    )
    .takes([
        id_parameter("paper"),
        id_query("with", "Id of the paper to compare with."),
        as_of(),
    ])
    .answers(200, "The comparison.", schema_ref("PaperComparison"))
    .refuses(&[Code::Conflict])
    .etag(Tag::Journal)
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
    Answer::of(200, &compare(&before, &after))
}

/// Schemas used by the operation.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<PaperComparison>(schemas);
}
