//! Loading a file of records through the same rules as the API: all of it or nothing.
//!
//! `{"format": "stride.load.1", "records": [{"kind": "unit", "record": {…}}, …]}`. Where a field points to another record, `"@unit:HR"`
//! names it by kind and reference; it must stand further up in the file or be there already. `id` brings back an exported record.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::bootstrap::operator;
use crate::engine::{Engine, Outcome, Write};
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

/// One record of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    kind: String,
    #[serde(default)]
    id: Option<Uuid>,
    /// An exported record that was withdrawn.
    #[serde(default)]
    withdrawn: bool,
    record: Value,
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
            for (n, item) in file.records.into_iter().enumerate() {
                let place = |p: Problem| at(p, n);
                let kind = txn.world.catalogue().named(&item.kind).ok_or_else(|| {
                    place(Problem::field(
                        Code::RuleViolation,
                        "/kind",
                        "unknown",
                        format!("there is no kind `{}`", item.kind),
                    ))
                })?;
                let mut draft = item.record;
                resolve(&txn.world, &mut draft, &mut String::new()).map_err(place)?;
                let record = txn.create(kind, item.id, draft).map_err(place)?;
                if item.withdrawn {
                    txn.withdraw(kind, record.meta().id, record.meta().version).map_err(place)?;
                }
            }
            Ok(Outcome {
                status: 200,
                ..Outcome::default()
            })
        })
        .await?;
    Ok(count)
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
