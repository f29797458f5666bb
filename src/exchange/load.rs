//! Loading a file of records through the same rules as the API: all of it or nothing.
//!
//! `{"format": "stride.load.1", "records": [{"kind": "unit", "record": {…}}, …]}`. Where a field points to another record, `"@unit:HR"`
//! names it by kind and reference; it must stand further up in the file or be there already.
//!
//! What `stride export` wrote has `snapshot` in place of `record`: the record comes back as it stood, with its id and what was computed.
//! Its rules were kept when it was made and are not asked again; its links must lead somewhere once the whole file is in.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::bootstrap::operator;
use crate::engine::{Engine, Outcome, Txn, Write};
use crate::problem::{Code, FieldError, Problem};
use crate::world::World;

/// Both papers, as far as the registers hold them.
pub const EXAMPLE: &str = include_str!("../../examples/papers.json");

/// The format's name.
pub const FORMAT: &str = "stride.load.1";

/// A file to load.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    /// What the file is, for people.
    #[serde(default)]
    #[expect(dead_code, reason = "for people who read the file")]
    about: Option<String>,
    records: Vec<Item>,
}

/// One record of it: a new one by the rules, or an exported one as it stood.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    New(NewItem),
    Exported(ExportedItem),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewItem {
    kind: String,
    record: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportedItem {
    kind: String,
    shape: i32,
    snapshot: Value,
}

impl Item {
    fn kind(&self) -> &str {
        match self {
            Self::New(item) => &item.kind,
            Self::Exported(item) => &item.kind,
        }
    }
}

/// Loads a file's text; how many records there were.
///
/// # Errors
/// Every fault of the first record that has one, by its place in the file; then nothing was loaded.
pub async fn text(engine: &Engine, text: &str) -> Result<usize, Problem> {
    let file: File = serde_json::from_str(text).map_err(|e| Problem::new(Code::MalformedBody, format!("not a file to load: {e}")))?;
    if file.format != FORMAT {
        return Err(Problem::new(
            Code::MalformedBody,
            format!("the format is `{}`, this build loads `{FORMAT}`", file.format),
        ));
    }
    let count = file.records.len();
    let write = Write::system(operator(engine)?, "loaded from a file");
    engine
        .write(write, move |txn| {
            let mut brought_back = Vec::new();
            for (n, item) in file.records.into_iter().enumerate() {
                let record = load(txn, item).map_err(|p| at(p, n))?;
                brought_back.extend(record.map(|id| (n, id)));
            }
            for (n, id) in brought_back {
                txn.links_hold(id).map_err(|p| at(p, n))?;
            }
            Ok(Outcome {
                status: 200,
                ..Outcome::default()
            })
        })
        .await?;
    Ok(count)
}

/// Loads one record; the id of one that was brought back.
fn load(txn: &mut Txn<'_>, item: Item) -> Result<Option<Uuid>, Problem> {
    let kind = txn.world.catalogue().named(item.kind()).ok_or_else(|| {
        Problem::field(
            Code::RuleViolation,
            "/kind",
            "unknown",
            format!("there is no kind `{}`", item.kind()),
        )
    })?;
    match item {
        Item::New(NewItem { mut record, .. }) => {
            resolve(&txn.world, &mut record, &mut String::new())?;
            txn.create(kind, None, record)?;
            Ok(None)
        }
        Item::Exported(ExportedItem { shape, snapshot, .. }) => Ok(Some(txn.bring_back(kind, shape, &snapshot)?.meta().id)),
    }
}

fn at(mut problem: Problem, n: usize) -> Problem {
    for error in &mut problem.errors {
        error.pointer.insert_str(0, &format!("/records/{n}"));
    }
    problem.detail = format!("record {n}: {}", problem.detail);
    problem
}

/// Puts ids in place of `@kind:reference`.
fn resolve(world: &World, value: &mut Value, pointer: &mut String) -> Result<(), Problem> {
    let at = pointer.len();
    match value {
        Value::String(text) => {
            let Some((kind, reference)) = text.strip_prefix('@').and_then(|t| t.split_once(':')) else {
                return Ok(());
            };
            let Some(index) = world.catalogue().index_of(kind) else {
                return Ok(());
            };
            let id = world.table(index).and_then(|t| t.by_reference(reference)).ok_or_else(|| {
                let detail = format!("no {kind} with the reference `{reference}` stands further up or is there already");
                Problem::with_errors(
                    Code::RuleViolation,
                    vec![FieldError {
                        pointer: pointer.clone(),
                        code: "unknown".into(),
                        detail,
                    }],
                )
            })?;
            *text = id.to_string();
        }
        Value::Array(list) => {
            for (n, v) in list.iter_mut().enumerate() {
                pointer.push_str(&format!("/{n}"));
                resolve(world, v, pointer)?;
                pointer.truncate(at);
            }
        }
        Value::Object(map) => {
            for (name, v) in map.iter_mut() {
                pointer.push_str(&format!("/{name}"));
                resolve(world, v, pointer)?;
                pointer.truncate(at);
            }
        }
        _ => {}
    }
    Ok(())
}
