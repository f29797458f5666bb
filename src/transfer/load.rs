//! Loads a file of records through the same rules as the API, all or nothing.
//!
//! `{"format": "stride.load.1", "records": [{"kind": "unit", "record": {…}}, …]}`. Where a field
//! refers to another record, `"@unit:HR"` names it by kind and reference. That record must come
//! earlier in the file or already exist.
//!
//! `{"kind": "goal", "reference": "G1", "patch": {…}}` changes a record. Instead of `records`, a
//! file may have `stages`, each with the time at which its records would have been recorded. In an
//! empty database they are recorded with those times and marked in the journal.
//!
//! A file written by `stride export` has `snapshot` in place of `record`. The record is restored as
//! it was, with its id and its computed fields. It satisfied the rules when it was made, so they
//! are not checked again; its links must resolve once the whole file is loaded.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::access::accounts::operator;
use crate::engine::{Engine, Outcome, Txn, Write};
use crate::http::json::no_member_twice;
use crate::problem::{Code, FieldError, Problem};
use crate::views::papers::issue_loaded;
use crate::world::{AnyRecord, World};

/// Both papers, as far as the registers can hold them.
pub const EXAMPLE: &str = include_str!("../../examples/papers.json");

/// Name of the format.
pub const FORMAT: &str = "stride.load.1";

/// What loading leaves out.
pub const LEFT_OUT: &str = "what was loaded begins a history of its own. An exported file has no \
    earlier versions, accounts, personal data or files of documents";

/// A file to load.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    format: String,
    /// What the file is, for human readers.
    #[serde(default)]
    #[expect(dead_code, reason = "for human readers of the file")]
    about: Option<String>,
    #[serde(default)]
    records: Vec<Item>,
    /// Records in chronological order, used instead of `records`.
    #[serde(default)]
    stages: Vec<Stage>,
}

/// The records known at one point in time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    /// When the records would have been recorded.
    recorded_at: DateTime<Utc>,
    #[serde(default)]
    #[expect(dead_code, reason = "for human readers of the file")]
    about: Option<String>,
    records: Vec<Item>,
}

/// One record in the file: a new one that must satisfy the rules, a change to one that comes
/// earlier or exists, or an exported one restored as it was.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Item {
    New(NewItem),
    Changed(ChangedItem),
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
struct ChangedItem {
    kind: String,
    reference: String,
    patch: Value,
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
            Self::Changed(item) => &item.kind,
            Self::Exported(item) => &item.kind,
        }
    }
}

/// Makes a record that normally has its own operation.
type Make = fn(&mut Txn<'_>, Value) -> Result<Arc<dyn AnyRecord>, Problem>;

/// Kinds that callers cannot create directly but a file can, using the input of their own
/// operation.
const MAKERS: &[(&str, Make)] = &[("paper_issue", issue_loaded)];

/// The times with which the stages of a file are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// All with the current time.
    Now,
    /// Each with its own time; only into an empty database.
    AsGiven,
}

impl File {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// The text is not a file of this format.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let malformed = |detail: String| Problem::new(Code::MalformedBody, detail);
        let file: Self = serde_json::from_str(text)
            .map_err(|e| malformed(format!("not a file that can be loaded: {e}")))?;
        no_member_twice(text.as_bytes())?;
        if file.format != FORMAT {
            return Err(malformed(format!(
                "the format is `{}`, but this build loads `{FORMAT}`",
                file.format
            )));
        }
        if !file.records.is_empty() && !file.stages.is_empty() {
            return Err(malformed(
                "a file may have `records` or `stages`, not both".into(),
            ));
        }
        Ok(file)
    }

    /// When its first stage was recorded, if it has stages.
    #[must_use]
    pub fn begins(&self) -> Option<DateTime<Utc>> {
        self.stages.first().map(|s| s.recorded_at)
    }

    /// Number of records, including changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() + self.stages.iter().map(|s| s.records.len()).sum::<usize>()
    }

    /// Whether the file has no records.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Loads the file.
    ///
    /// # Errors
    /// Every error in the first record that has any, located by its place in the file.
    pub fn load(self, txn: &mut Txn<'_>, times: Times) -> Result<(), Problem> {
        let mut brought_back = Vec::new();
        let mut load_all = |txn: &mut Txn<'_>, records: Vec<Item>, place: &str| {
            for (n, item) in records.into_iter().enumerate() {
                let place = format!("{place}/records/{n}");
                let record = load(txn, item).map_err(|p| at(p, &place))?;
                brought_back.extend(record.map(|id| (place, id)));
            }
            Ok::<(), Problem>(())
        };
        load_all(txn, self.records, "")?;
        for (n, stage) in self.stages.into_iter().enumerate() {
            let place = format!("/stages/{n}");
            if times == Times::AsGiven {
                txn.back_date(stage.recorded_at)
                    .map_err(|p| at(p, &place))?;
            }
            load_all(txn, stage.records, &place)?;
        }
        for (place, id) in brought_back {
            txn.links_hold(id).map_err(|p| at(p, &place))?;
        }
        Ok(())
    }
}

/// Loads the text of a file, with the current time for all records. Returns the number of records.
///
/// # Errors
/// Every error in the first record that has any, located by its place in the file. Nothing is then
/// loaded.
pub async fn text(engine: &Engine, text: &str) -> Result<usize, Problem> {
    let file = File::parse(text)?;
    let write = Write::system(operator(&engine.now())?, "loaded from a file");
    let count = file.len();
    let loaded = engine.write(write, move |txn| {
        file.load(txn, Times::Now)?;
        Ok(Outcome {
            status: 200,
            ..Outcome::default()
        })
    });
    loaded.await?;
    Ok(count)
}

/// Loads one record. Returns the id if it was restored from an export.
fn load(txn: &mut Txn<'_>, item: Item) -> Result<Option<Uuid>, Problem> {
    let catalogue = txn.world.catalogue();
    let kind = match &item {
        Item::Exported(item) => catalogue.recorded(&item.kind),
        Item::New(_) | Item::Changed(_) => catalogue.named(item.kind()),
    };
    let kind = kind.ok_or_else(|| {
        Problem::field(
            Code::RuleViolation,
            "/kind",
            "unknown",
            format!("there is no kind `{}`", item.kind()),
        )
    })?;
    match item {
        Item::New(NewItem {
            mut record,
            kind: name,
        }) if let Some((_, make)) = MAKERS.iter().find(|(kind, _)| *kind == name) => {
            resolve(&txn.world, &mut record, &mut String::new())?;
            make(txn, record)?;
            Ok(None)
        }
        Item::New(_) if !kind.offers_create => Err(Problem::field(
            Code::RuleViolation,
            "/kind",
            "not_offered",
            "these records are created by their own operation; a file can only load exported ones",
        )),
        Item::New(NewItem { mut record, .. }) => {
            resolve(&txn.world, &mut record, &mut String::new())?;
            txn.create(kind, None, record)?;
            Ok(None)
        }
        Item::Changed(ChangedItem {
            reference,
            mut patch,
            ..
        }) => {
            let before = txn
                .world
                .table(kind.index)
                .and_then(|t| t.by_reference(&reference));
            let before = before.and_then(|id| txn.world.any(id)).ok_or_else(|| {
                let detail = format!(
                    "no {} with this reference comes earlier in the file or exists already",
                    kind.name
                );
                Problem::field(Code::RuleViolation, "/reference", "unknown", detail)
            })?;
            let (id, version) = (before.meta().id, before.meta().version);
            resolve(&txn.world, &mut patch, &mut String::new())?;
            txn.patch(kind, id, &[version], patch)?;
            Ok(None)
        }
        Item::Exported(ExportedItem {
            shape, snapshot, ..
        }) => Ok(Some(txn.bring_back(kind, shape, &snapshot)?.meta().id)),
    }
}

fn at(mut problem: Problem, place: &str) -> Problem {
    for error in &mut problem.errors {
        error.pointer.insert_str(0, place);
    }
    problem.detail = format!("{place}: {}", problem.detail);
    problem
}

/// Replaces `@kind:reference` with ids.
fn resolve(world: &World, value: &mut Value, pointer: &mut String) -> Result<(), Problem> {
    let at = pointer.len();
    match value {
        Value::String(text) => {
            let Some((kind, reference)) = text.strip_prefix('@').and_then(|t| t.split_once(':'))
            else {
                return Ok(());
            };
            let Some(index) = world.catalogue().index_of(kind) else {
                return Ok(());
            };
            let id = world
                .table(index)
                .and_then(|t| t.by_reference(reference))
                .ok_or_else(|| {
                    let detail = format!(
                        "no {kind} with the reference `{reference}` comes earlier in the file or \
                            exists already"
                    );
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
