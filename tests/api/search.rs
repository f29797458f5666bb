//! What search knows follows every change.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use stride::registers::catalogue;
use stride::world::search::has_words;
use stride::world::{AnyRecord, Kind, World};
use uuid::Uuid;

use crate::support::maker::kind;
use crate::support::some;

const TOKENS: [&str; 12] = [
    "at-risk",
    "risk",
    "Café",
    "board",
    "boards",
    "a",
    "2020/21",
    "O’Neil",
    "über",
    "boarding",
    "x",
    "assurance",
];
/// Parts of tokens, whole ones, several at once, and what nothing has.
const SEARCHES: [&[&str]; 10] = [
    &["risk"],
    &["board"],
    &["boards"],
    &["a"],
    &["cafe"],
    &["o'neil"],
    &["risk", "boarding"],
    &["nowhere"],
    &["unt-00", "x"],
    &["risk", "nowhere"],
];

/// A version of a record with some words as its title.
fn version(kind: &Kind, id: Uuid, title: &str, seq: i64, at: DateTime<Utc>) -> Arc<dyn AnyRecord> {
    let mut record = (kind.example)();
    let number = id.as_u128() % 10_000;
    for (field, value) in [
        ("id", json!(id)),
        ("reference", json!(format!("UNT-{number:04}"))),
        ("version", json!(seq)),
        ("marking", json!("official")),
        ("created_at", json!(at)),
        ("updated_at", json!(at)),
        ("withdrawn_at", Value::Null),
        ("parent_id", Value::Null),
        ("title", json!(title)),
    ] {
        record[field] = value;
    }
    (kind.parse)(&record.to_string(), kind.shape, seq, kind.index).expect("a record")
}

/// The records that have the words, found by reading each.
fn read(world: &World, kind: &Kind, words: &[String]) -> Vec<Uuid> {
    let rows = world.table(kind.index).expect("a table").rows();
    let found = rows.filter(|r| has_words(&r.text(), words));
    found.map(|r| r.meta().id).collect()
}

/// Compares what is found with what is read. False if the world is too old to be asked.
fn agrees(world: &World, kind: &Kind, words: &[&str], most: usize) -> bool {
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    let Some(found) = world.search(kind.index, &words, most) else {
        return false;
    };
    let mut ids: Vec<Uuid> = found.records(world).map(|r| r.meta().id).collect();
    assert_eq!(ids.len(), found.count());
    ids.sort_unstable();
    assert_eq!(ids, read(world, kind, &words), "{words:?} at {}", world.seq);
    for record in some(world.table(kind.index).expect("a table").rows()) {
        let id = record.meta().id;
        assert_eq!(found.has(world, id), ids.binary_search(&id).is_ok());
    }
    true
}

#[test]
fn what_is_found_is_what_is_there() {
    let unit = kind("unit");
    let mut dice = StdRng::seed_from_u64(12);
    let mut world = World::empty(catalogue());
    let mut ids: Vec<Uuid> = Vec::new();
    let (mut asked, mut too_old) = (0, 0);
    let mut earlier = world.clone();
    for seq in 1..=3_000 {
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(seq);
        let words: Vec<&str> = (0..dice.random_range(1..5))
            .map(|_| *TOKENS.choose(&mut dice).expect("a token"))
            .collect();
        let id = match ids.choose(&mut dice).filter(|_| dice_says(seq)) {
            Some(id) => *id,
            None => {
                let id = Uuid::from_u128(ids.len() as u128 + 1);
                ids.push(id);
                id
            }
        };
        let new = version(unit, id, &words.join(" "), seq, at);
        if seq % 11 == 0 {
            // A change that is refused after all.
            let undo = world.apply(version(unit, id, "undone", seq, at));
            world.undo(undo);
        }
        world.apply(new);
        (world.seq, world.at) = (seq, at);
        if seq == 1 || seq % 400 == 0 {
            earlier = world.clone();
        }
        if seq % 37 == 0 {
            for words in some(SEARCHES) {
                assert!(
                    agrees(&world, unit, words, usize::MAX),
                    "the latest world knows"
                );
                asked += 1;
                too_old += i32::from(!agrees(&earlier, unit, words, usize::MAX));
            }
        }
    }
    assert!(asked > 500 && too_old > 0);
    // A world read at a start finds the same.
    let all = world
        .table(unit.index)
        .expect("a table")
        .rows()
        .cloned()
        .collect();
    let mut read = World::of(catalogue(), all);
    (read.seq, read.at) = (world.seq, world.at);
    for words in some(SEARCHES) {
        assert!(
            !agrees(&read, unit, words, 5),
            "too many records would have to be read"
        );
    }
    for words in some(SEARCHES) {
        assert!(agrees(&read, unit, words, usize::MAX));
    }
    assert!(
        agrees(&read, unit, SEARCHES[0], 0),
        "what is known need not be read again"
    );
}

/// Most changes are to records that are there.
fn dice_says(seq: i64) -> bool {
    seq % 5 != 0
}
