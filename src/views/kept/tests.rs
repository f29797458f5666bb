//! What is kept answers as if it were computed from nothing, whatever changes between two answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::*;
use crate::db::Address;
use crate::engine::Engine;
use crate::http::query::Query;
use crate::policy::Subject;
use crate::registers::catalogue;
use crate::transfer::{first_start, load};
use crate::views::request::Asked;
use crate::views::{
    KeptViews, contradictions, coverage, dependency_graph, gaps, organogram, slippage, status,
};
use crate::world::Kind;
use crate::world::reads::{LEFT_OUT, Reading};
use crate::world::record::META;
use crate::world::visible::{Clearance, Visibility};

/// Changes in each of the random sequences.
const CHANGES: usize = 120;
/// Number of sequences, unless `STRIDE_TEST_SEQUENCES` says another.
const SEQUENCES: u64 = 3;
/// Sequences tried before a reading that is not noted counts as not found out.
const CONTROLS: u64 = 12;

/// The example data: every register, and two papers.
pub async fn example() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stride.db");
    let file = file.to_string_lossy().into_owned();
    let engine = Engine::start(Address::Sqlite(file), catalogue()).expect("the engine starts");
    let example = load::File::parse(load::EXAMPLE).expect("the example data is read");
    first_start::prepare(&engine, Some(example))
        .await
        .expect("the example data is loaded");
    World::clone(&engine.now())
}

fn id_of(world: &World, kind: &str, reference: &str) -> Uuid {
    let kind = catalogue().named(kind).expect("a kind").index;
    let rows = world.table(kind).into_iter().flat_map(|t| t.rows());
    let mut rows = rows.filter(|r| r.meta().reference == reference);
    rows.next().map(|r| r.meta().id).expect("a record")
}

/// The example data, with work that the papers do not tell of: items that are overdue, complete, on
/// course, and that wait for each other, for an event and for a review without a date.
pub async fn busy() -> World {
    let day = |due_on: &str| json!({ "precision": "day", "due_on": due_on });
    let mut changer = Changer::new(example().await, 0);
    for (reference, fields) in [
        (
            "WP17-DETECTIVES",
            json!({ "deadline": day("2017-09-30"), "status": "in_progress" }),
        ),
        (
            "WP17-RESEARCH",
            json!({ "status": "complete", "completed_on": "2017-07-01" }),
        ),
        (
            "WP17-LEADING",
            json!({ "deadline": day("2021-03-31"), "last_heard_on": "2020-10-20", "last_update_on": "2020-10-20" }),
        ),
        ("WP17-HATE", json!({ "deadline": day("2021-06-30") })),
        ("WP17-COMMS", json!({ "deadline": day("2020-12-31") })),
        ("WP17-MISCONDUCT", json!({ "deadline": day("2021-06-30") })),
        ("WP17-RECRUIT", json!({ "deadline": day("2021-06-30") })),
    ] {
        changer.set("work_plan_item", reference, &fields);
    }
    let item = |world: &World, reference: &str| id_of(world, "work_plan_item", reference);
    let review = id_of(&changer.world, "strategy_review", "REVIEW-STRIDE");
    let waits = [
        ("WP17-HATE", json!({ "on_other": "An event" })),
        (
            "WP17-COMMS",
            json!({ "on_id": item(&changer.world, "WP17-LEADING") }),
        ),
        ("WP17-MISCONDUCT", json!({ "on_id": review })),
        (
            "WP17-RECRUIT",
            json!({ "on_id": item(&changer.world, "WP17-PILOTS") }),
        ),
        (
            "WP17-PILOTS",
            json!({ "on_id": item(&changer.world, "WP17-RECRUIT") }),
        ),
    ];
    for (n, (from, on)) in (0u128..).zip(waits) {
        let mut fields = json!({
            "item_id": item(&changer.world, from), "on_id": null, "on_other": null, "status": "open",
            "needed_by": { "precision": "unspecified" },
        });
        let (Value::Object(all), Value::Object(on)) = (&mut fields, on) else {
            continue;
        };
        all.extend(on);
        changer.make("dependency", n, &fields);
    }
    changer.world
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// Who asks, and for which day.
type Asker = (Visibility, NaiveDate);

/// Callers without clearance, with clearance in one unit, and with all of it; on several days. Fewer
/// than the bases that are kept, so that each is answered from what was kept.
fn askers(world: &World) -> Vec<Asker> {
    let units = world.live::<crate::registers::organisation::Unit>();
    let units: Vec<Uuid> = units.map(|u| u.meta.id).take(2).collect();
    let exact = vec![(Subject::Performance, None)];
    let visibility = |clearance, exact| Visibility { clearance, exact };
    vec![
        (visibility(Clearance::None, Vec::new()), day("2020-10-26")),
        (
            visibility(Clearance::Within(units), Vec::new()),
            day("2020-10-26"),
        ),
        (visibility(Clearance::All, exact), day("2017-11-20")),
        (visibility(Clearance::All, Vec::new()), day("2022-01-01")),
    ]
}

pub fn asked(seen: VisibleWorld, on: NaiveDate, is_table: bool) -> Asked {
    Asked {
        seen,
        on,
        earlier: None,
        query: Query::default(),
        is_table,
        engine: None,
        params: Vec::new(),
    }
}

/// Every view that keeps something, whole and as a page.
fn answers(kept: &KeptViews, seen: &VisibleWorld, on: NaiveDate) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut add = |name: &str, answer: Value| all.insert(name.to_owned(), answer);
    for is_table in [false, true] {
        let asked = asked(seen.clone(), on, is_table);
        let name = |view: &str| format!("{view}, {}", if is_table { "whole" } else { "a page" });
        let words = "the view is answered";
        add(
            &name("gaps"),
            json!(gaps::gaps(&asked, &kept.gaps).expect(words)),
        );
        add(
            &name("contradictions"),
            json!(contradictions::contradictions(&asked, &kept.contradictions).expect(words)),
        );
        add(
            &name("slippage"),
            json!(slippage::slippage(&asked, &kept.graphs, &kept.dates).expect(words)),
        );
    }
    let asked = asked(seen.clone(), on, false);
    add(
        "organogram",
        json!(organogram::organogram(&asked, &kept.gaps).expect("the organogram")),
    );
    add(
        "dependency graph",
        json!(dependency_graph::graph(&asked, &kept.graphs).expect("the graph")),
    );
    add("status", json!(status::status(&asked, &kept.status, None)));
    for (name, answer) in coverage::kept_answers(&asked, &kept.items) {
        add(name, answer);
    }
    all
}

/// How what is kept differs from what is computed from nothing, as it is for an earlier world.
fn difference(kept: &KeptViews, world: &Arc<World>, asker: &Asker) -> Option<String> {
    let (visibility, on) = asker;
    let now = VisibleWorld::now(Arc::clone(world), visibility.clone());
    let past = VisibleWorld::past(Arc::clone(world), Arc::clone(world), visibility.clone());
    let (mine, fresh) = (
        answers(kept, &now, *on),
        answers(&KeptViews::default(), &past, *on),
    );
    assert!(mine.len() > 10, "the views were not asked");
    let mut pairs = mine.into_iter().zip(fresh);
    pairs.find_map(|((name, mine), (_, fresh))| {
        let differs = first_difference(&mine, &fresh, String::new())?;
        Some(format!("{name} for {asker:?}: {differs:?}"))
    })
}

/// Where two values differ first, and how.
fn first_difference(mine: &Value, fresh: &Value, at: String) -> Option<(String, String, String)> {
    let found = match (mine, fresh) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => a
            .iter()
            .find_map(|(k, v)| first_difference(v, b.get(k)?, format!("{at}/{k}"))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(n, (a, b))| first_difference(a, b, format!("{at}/{n}"))),
        _ => None,
    };
    let text = |v: &Value| v.to_string().chars().take(400).collect();
    found.or_else(|| (mine != fresh).then(|| (at, text(mine), text(fresh))))
}

/// Makes random changes to a world, without its rules: what is kept must be right in any state.
pub struct Changer {
    pub world: World,
    dice: StdRng,
    /// Values of each field in the example data, by kind and field.
    values: BTreeMap<(usize, String), Vec<Value>>,
    /// Records that were added.
    added: Vec<Uuid>,
}

#[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
fn json_of(record: &dyn AnyRecord) -> Value {
    serde_json::from_slice(&record.json().expect("JSON")).expect("JSON")
}

/// The pointers of everything in a value that is not an object, and of lists.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if !at.is_empty() || !META.contains(&name.as_str()) {
                    leaves(value, &format!("{at}/{name}"), found);
                }
            }
        }
        Value::Array(list) => {
            found.push(at.to_owned());
            for (n, value) in list.iter().enumerate() {
                leaves(value, &format!("{at}/{n}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// A pointer without the positions in lists.
fn field(pointer: &str) -> String {
    let names = pointer.split('/').filter(|n| n.parse::<usize>().is_err());
    names.collect::<Vec<_>>().join("/")
}

impl Changer {
    pub fn new(world: World, seed: u64) -> Self {
        let mut values: BTreeMap<(usize, String), Vec<Value>> = BTreeMap::new();
        for kind in catalogue().kinds() {
            for record in world.table(kind.index).into_iter().flat_map(|t| t.rows()) {
                let json = json_of(record.as_ref());
                let mut found = Vec::new();
                leaves(&json, "", &mut found);
                for pointer in found {
                    let known = values.entry((kind.index, field(&pointer))).or_default();
                    known.extend(json.pointer(&pointer).cloned());
                }
            }
        }
        Self {
            world,
            dice: StdRng::seed_from_u64(seed),
            values,
            added: Vec::new(),
        }
    }

    /// A record of any kind; kinds with few records as often as those with many.
    fn some_record(&mut self) -> Arc<dyn AnyRecord> {
        loop {
            let kind = catalogue().kinds().choose(&mut self.dice).expect("kinds");
            let rows: Vec<_> = self
                .world
                .table(kind.index)
                .into_iter()
                .flat_map(|t| t.rows())
                .collect();
            if let Some(record) = rows.choose(&mut self.dice) {
                return Arc::clone(record);
            }
        }
    }

    /// Another value for a field: of another record, a day nearby, another record's id, none.
    fn other(&mut self, kind: &Kind, pointer: &str, was: &Value) -> Value {
        let known = self.values.get(&(kind.index, field(pointer)));
        let of_others = known.and_then(|v| v.choose(&mut self.dice)).cloned();
        let text = was.as_str().unwrap_or_default();
        let day = text.parse::<NaiveDate>().ok();
        match self.dice.random_range(0..10) {
            0 => Value::Null,
            1..=4 if day.is_some() => {
                let days = *[-1000, -30, -1, 1, 30, 1000]
                    .choose(&mut self.dice)
                    .expect("days");
                json!(day.map(|d| d + TimeDelta::days(days)))
            }
            1..=4 if Uuid::try_parse(text).is_ok() => {
                let same = |r: &Arc<dyn AnyRecord>| r.meta().kind();
                let linked = Uuid::try_parse(text).ok().and_then(|id| self.world.any(id));
                let kind = linked.map(same);
                let rows: Vec<Uuid> = kind
                    .and_then(|kind| self.world.table(kind))
                    .into_iter()
                    .flat_map(|t| t.rows())
                    .map(|r| r.meta().id)
                    .collect();
                json!(rows.choose(&mut self.dice))
            }
            1..=4 if was.is_boolean() => json!(was != &json!(true)),
            1..=4 if was.is_number() => json!(self.dice.random_range(0..4)),
            5 if was.is_array() => json!([]),
            _ => of_others.unwrap_or(Value::Null),
        }
    }

    /// Sets fields of a record.
    fn set(&mut self, kind: &str, reference: &str, fields: &Value) {
        let id = id_of(&self.world, kind, reference);
        let mut json = json_of(self.world.any(id).expect("a record").as_ref());
        let all = json.as_object_mut().expect("an object");
        all.extend(fields.as_object().expect("fields").clone());
        let kind = catalogue().named(kind).expect("a kind");
        assert!(self.apply(kind, json), "{reference}");
    }

    /// Makes a record with some fields.
    fn make(&mut self, kind: &str, n: u128, fields: &Value) {
        let kind = catalogue().named(kind).expect("a kind");
        let mut json = (kind.example)();
        let all = json.as_object_mut().expect("an object");
        all.extend(fields.as_object().expect("fields").clone());
        let at = "2017-06-30T09:00:00Z";
        let meta = json!({
            "id": Uuid::from_u128(0x0193_9ab0_7c00_7000_8000_0000_0000_0000 + n),
            "reference": format!("{}-{n}", kind.prefix), "version": 0, "marking": "official",
            "created_at": at, "updated_at": at,
        });
        all.extend(meta.as_object().expect("fields").clone());
        assert!(self.apply(kind, json), "{}", kind.name);
    }

    /// Applies a version of a record, if it is one.
    fn apply(&mut self, kind: &Kind, mut json: Value) -> bool {
        self.world.seq += 1;
        let version = json["version"].as_i64().unwrap_or_default() + 1;
        json["version"] = version.into();
        let text = json.to_string();
        let record = (kind.parse)(&text, kind.shape, self.world.seq, kind.index);
        record.map(|r| drop(self.world.apply(r))).is_ok()
    }

    /// Makes one change, and says which.
    pub fn change(&mut self) -> String {
        loop {
            let record = self.some_record();
            let kinds = catalogue().kinds();
            let kind = &kinds[record.meta().kind()];
            let mut json = json_of(record.as_ref());
            let what = match self.dice.random_range(0..20) {
                0..=2 => {
                    let now = json!("2020-10-20T09:00:00Z");
                    let is = json["withdrawn_at"].is_null();
                    json["withdrawn_at"] = if is { now } else { Value::Null };
                    "the withdrawal or restoration"
                }
                3..=4 if kind.markable => {
                    let is = json["marking"] == "official";
                    json["marking"] = json!(if is { "official_sensitive" } else { "official" });
                    "the marking"
                }
                5..=6 => {
                    // Between the others, before them or after them.
                    let id = match self.dice.random() {
                        true => Uuid::now_v7(),
                        false => Uuid::from_u128(self.dice.random()),
                    };
                    json["id"] = json!(id);
                    json["reference"] = json!(format!("NEW-{}", self.world.seq));
                    self.added.push(id);
                    "a copy"
                }
                7 => {
                    let Some(id) = self.added.pop() else {
                        continue;
                    };
                    self.world.seq += 1;
                    self.world.forget(id);
                    return format!("the end of {id}");
                }
                _ => {
                    let mut found = Vec::new();
                    leaves(&json, "", &mut found);
                    for _ in 0..self.dice.random_range(1..4) {
                        let Some(pointer) = found.choose(&mut self.dice).cloned() else {
                            continue;
                        };
                        let was = json.pointer(&pointer).cloned().unwrap_or_default();
                        let other = self.other(kind, &pointer, &was);
                        if let Some(value) = json.pointer_mut(&pointer) {
                            *value = other;
                        }
                    }
                    "a change"
                }
            };
            if self.apply(kind, json) {
                return format!("{what} of {} {}", kind.name, record.meta().reference);
            }
        }
    }
}

/// Changes the example data again and again, and asks the views after each change or two. Returns the
/// first answer that differs from one computed from nothing.
fn first_wrong_answer(example: &World, seed: u64, changes: usize) -> Option<String> {
    let kept = KeptViews::default();
    let mut changer = Changer::new(example.clone(), seed);
    let askers = askers(example);
    let world = Arc::new(changer.world.clone());
    let wrong = askers.iter().find_map(|a| difference(&kept, &world, a));
    if let Some(wrong) = wrong {
        return Some(format!("before any change: {wrong}"));
    }
    (0..changes).find_map(|n| {
        // Mostly one change between two answers, sometimes two.
        let few = changer.dice.random_range(1..4) / 2 + 1;
        let said: Vec<String> = (0..few).map(|_| changer.change()).collect();
        let world = Arc::new(changer.world.clone());
        let asker = askers.choose(&mut changer.dice).expect("askers");
        let wrong = difference(&kept, &world, asker)?;
        Some(format!(
            "seed {seed}, change {n}: {}: {wrong}",
            said.join(", ")
        ))
    })
}

/// Leaves out a kind of reading until it is dropped, also by a panic.
struct LeavesOut;

impl LeavesOut {
    fn new(what: Reading) -> Self {
        LEFT_OUT.store(what as u8, Ordering::SeqCst);
        Self
    }
}

impl Drop for LeavesOut {
    fn drop(&mut self) {
        LEFT_OUT.store(0, Ordering::SeqCst);
    }
}

/// One at a time: what one test leaves out, the other needs.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn what_is_kept_is_what_is_computed_from_nothing() {
    let _turn = TURN.lock().await;
    let example = busy().await;
    let number = std::env::var("STRIDE_TEST_SEQUENCES").ok();
    let number = number.and_then(|n| n.parse().ok());
    for seed in 1..=number.unwrap_or(SEQUENCES) {
        assert_eq!(first_wrong_answer(&example, seed, CHANGES), None);
    }
}

/// The control of the test above: whatever kind of reading is not noted, a wrong answer is found.
#[tokio::test]
async fn a_reading_that_is_not_noted_is_found_out() {
    let _turn = TURN.lock().await;
    let example = busy().await;
    for left_out in [
        Reading::Record,
        Reading::Pointing,
        Reading::OfOwn,
        Reading::Kind,
        Reading::Shared,
    ] {
        let all_again = LeavesOut::new(left_out);
        let mut tries = 1..=CONTROLS;
        let wrong = tries.find_map(|seed| first_wrong_answer(&example, seed, CHANGES));
        drop(all_again);
        assert!(
            wrong.is_some(),
            "{left_out:?} was left out, and no answer was wrong"
        );
    }
}

#[tokio::test]
async fn a_change_makes_few_parts_stale() {
    let world = Arc::new(example().await);
    let parts = Arc::<Parts>::default();
    let kept = Kept::<u8, Sum>::new(&parts);
    let kind = catalogue().named("unit").expect("a kind").index;
    let computed = AtomicUsize::new(0);
    let count = |world: &Arc<World>, basis: u8| {
        let before = computed.load(Ordering::Relaxed);
        let visibility = Visibility {
            clearance: Clearance::All,
            exact: Vec::new(),
        };
        let seen = VisibleWorld::now(Arc::clone(world), visibility);
        let parts = kept.of(&seen, basis, &[kind], |sum, _, _| {
            sum.0 += 1;
            computed.fetch_add(1, Ordering::Relaxed);
        });
        let all: usize = parts.iter().map(|p| p.made.0).sum();
        let new = computed.load(Ordering::Relaxed) - before;
        (all, new)
    };
    let (all, new) = count(&world, 1);
    assert!(all > 2 * PART, "there are several parts: {all}");
    assert_eq!((all, new), (all, all), "all are computed the first time");
    assert_eq!(count(&world, 1), (all, 0), "and none again");
    assert_eq!(count(&world, 2), (all, all), "each basis on its own");
    let mut changer = Changer::new(World::clone(&world), 1);
    let unit = world.table(kind).expect("units").rows().nth(1);
    let json = json_of(unit.expect("a unit").as_ref());
    assert!(changer.apply(&catalogue().kinds()[kind], json));
    let world = Arc::new(changer.world);
    assert_eq!(count(&world, 1), (all, PART), "one part after a change");
}

#[derive(Default)]
struct Sum(usize);

impl Made for Sum {}
