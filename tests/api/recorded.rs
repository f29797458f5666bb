//! What earlier builds recorded is read by this one.
//!
//! `recorded.jsonl` has one snapshot for each kind and shape that was ever recorded, with the codes
//! that its fields could have. Lines are added and never changed: a renamed kind, field or code
//! fails here until the resource says how the older one is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stride::registers::catalogue;
use stride::world::Kind;
use stride::world::schema::{LOCAL, Schemas};

use crate::support::app::run;
use crate::support::golden::updating;
use crate::support::maker::Maker;
use crate::support::{Backend, TestApp, some};

const REMEDY: &str = "STRIDE_TEST_UPDATE=1 cargo test --test api recorded";

/// What the journal may hold of one kind and shape.
#[derive(Serialize, Deserialize)]
struct Recorded {
    kind: String,
    shape: i32,
    /// Codes by field.
    codes: BTreeMap<String, BTreeSet<String>>,
    snapshot: Value,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/recorded.jsonl")
}

fn recorded() -> Vec<Recorded> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of the file"))
        .collect()
}

/// The codes that each field of a kind's records can have now.
fn codes(kind: &Kind) -> BTreeMap<String, BTreeSet<String>> {
    let mut schemas = Schemas::new();
    (kind.schemas)(&mut schemas);
    let fields = schemas[&kind.schema_name]["properties"]
        .as_object()
        .expect("fields");
    fields
        .iter()
        .filter(|(name, _)| kind.markable || *name != "marking")
        .map(|(name, schema)| (name.clone(), codes_of(schema, &schemas)))
        .filter(|(_, codes)| !codes.is_empty())
        .collect()
}

/// The codes of a field that is one, or null.
fn codes_of(schema: &Value, schemas: &Schemas) -> BTreeSet<String> {
    let named = schema["$ref"].as_str().and_then(|r| r.strip_prefix(LOCAL));
    if let Some(name) = named {
        return codes_of(&schemas[name], schemas);
    }
    let options = schema["oneOf"].as_array().into_iter().flatten();
    let own = schema["enum"].as_array().into_iter().flatten();
    own.filter_map(Value::as_str)
        .map(str::to_owned)
        .chain(options.flat_map(|o| codes_of(o, schemas)))
        .collect()
}

#[test]
fn what_earlier_builds_recorded_is_read() {
    let all = recorded();
    assert!(all.len() >= catalogue().kinds().len(), "run {REMEDY}");
    for old in some(all) {
        let name = format!("{} of shape {}", old.kind, old.shape);
        let kind = catalogue().recorded(&old.kind).unwrap_or_else(|| {
            panic!("{name} is not read; put its name into the FORMER_KINDS of its resource")
        });
        let read = |snapshot: &Value| {
            (kind.parse)(&snapshot.to_string(), old.shape, 1, kind.index).unwrap_or_else(|e| {
                panic!("{name} is not read: {e}; raise SHAPE and convert it in lift")
            })
        };
        let record = read(&old.snapshot);
        for (field, codes) in &old.codes {
            for code in codes {
                let mut snapshot = old.snapshot.clone();
                snapshot[field] = code.as_str().into();
                let read = read(&snapshot);
                // A field that is only a text in the type accepts any; the schema knows its codes.
                kind.check_schema(&read.draft())
                    .unwrap_or_else(|p| panic!("{name}: {field} `{code}`: {:?}", p.errors));
            }
        }
        #[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
        let again = record.json().expect("JSON");
        let again = std::str::from_utf8(&again).expect("UTF-8");
        let again = (kind.parse)(again, kind.shape, 1, kind.index).expect("today's shape");
        assert_eq!(again.content(), record.content(), "{name}");
    }
}

async fn what_this_build_records_is_in_the_file(app: TestApp) {
    let mut all = recorded();
    let maker = Maker::new(&app);
    for kind in some(catalogue().kinds()) {
        let codes = codes(kind);
        let known = all
            .iter_mut()
            .find(|r| r.kind == kind.name && r.shape == kind.shape);
        match known {
            Some(known) if updating() => {
                for (field, codes) in codes {
                    known.codes.entry(field).or_default().extend(codes);
                }
            }
            Some(known) => {
                for (field, codes) in codes {
                    let old = known.codes.get(&field).cloned().unwrap_or_default();
                    assert!(
                        codes.is_subset(&old),
                        "{}: {field} has codes that are not in {}; run\n    {REMEDY}",
                        kind.name,
                        file().display()
                    );
                }
            }
            None => {
                assert!(
                    updating(),
                    "{} has no snapshot of shape {}; run\n    {REMEDY}",
                    kind.name,
                    kind.shape
                );
                let snapshot = maker.make(kind).await.record;
                all.push(Recorded {
                    kind: kind.name.to_owned(),
                    shape: kind.shape,
                    codes,
                    snapshot,
                });
            }
        }
    }
    if updating() {
        let lines: Vec<String> = all
            .iter()
            .map(|r| serde_json::to_string(r).expect("JSON"))
            .collect();
        std::fs::write(file(), lines.join("\n") + "\n").expect("the file is written");
    }
}

#[test]
fn every_kind_and_shape_is_in_the_file() {
    run(Backend::Sqlite, what_this_build_records_is_in_the_file);
}
