//! Cached counts equal fresh counts, whatever is written between two answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::db::Address;
use crate::engine::{Engine, Outcome, Txn, Write};
use crate::http::query::Query;
use crate::registers::catalogue;
use crate::transfer::first_start;
use crate::transfer::generate::{Amounts, generate};
use crate::views::gathering::PART;
use crate::world::Kind;
use crate::world::visible::{Clearance, Visibility};

/// More than one part of each kind.
const AMOUNTS: Amounts = Amounts {
    items: 2 * PART + 50,
    recommendations: PART + 50,
    boards: 2,
    entries: 0,
};

fn kind(name: &str) -> &'static Kind {
    catalogue().named(name).expect("the kind exists")
}

/// The record of a kind at a position in its order.
fn at(engine: &Engine, name: &str, place: usize) -> (Uuid, i64) {
    let world = engine.now();
    let table = world.table(kind(name).index).expect("a table");
    let record = table.rows().nth(place).expect("enough records");
    (record.meta().id, record.meta().version)
}

async fn write(
    engine: &Engine,
    job: impl FnOnce(&mut Txn<'_>) -> Result<(), Problem> + Send + 'static,
) {
    let operator = crate::access::accounts::operator(&engine.now()).expect("an operator");
    let done = engine.write(Write::system(operator, "test"), |txn| {
        job(txn).map(|()| Outcome::default())
    });
    done.await.expect("the change is written");
}

async fn patch(engine: &Engine, name: &'static str, place: usize, patch: Value) {
    let (id, version) = at(engine, name, place);
    write(engine, move |txn| {
        txn.patch(kind(name), id, &[version], patch).map(drop)
    })
    .await;
}

async fn withdraw(engine: &Engine, name: &'static str, place: usize) {
    let (id, version) = at(engine, name, place);
    write(engine, move |txn| {
        txn.withdraw(kind(name), id, &[version], true).map(drop)
    })
    .await;
}

fn asked(engine: &Engine, clearance: &Clearance, days: i64) -> Asked {
    let visibility = Visibility {
        clearance: clearance.clone(),
        exact: Vec::new(),
    };
    Asked {
        seen: VisibleWorld::now(engine.now(), visibility),
        on: crate::world::calendar::today() + chrono::TimeDelta::days(days),
        earlier: None,
        query: Query::default(),
        is_table: false,
        engine: None,
        params: Vec::new(),
    }
}

/// Every answer, computed from cached counts and from scratch. The two are the same.
fn answers(engine: &Engine, cached: &Arc<Counted>) -> Vec<Value> {
    let askers = [
        (Clearance::None, 0),
        (Clearance::All, 0),
        (Clearance::None, 400),
        (Clearance::Within(vec![Uuid::nil()]), 0),
    ];
    let answer = |(clearance, days): &(Clearance, i64)| {
        let by =
            |counted: &Arc<Counted>| json!(status(&asked(engine, clearance, *days), counted, None));
        let (mine, fresh) = (by(cached), by(&Arc::default()));
        assert_eq!(mine, fresh, "{clearance:?}, {days} days on");
        mine
    };
    askers.iter().map(answer).collect()
}

async fn filled(folder: &tempfile::TempDir) -> Arc<Engine> {
    let file = folder
        .path()
        .join("stride.db")
        .to_string_lossy()
        .into_owned();
    let engine = Engine::start(Address::Sqlite(file), catalogue()).expect("the engine starts");
    first_start::prepare(&engine, None)
        .await
        .expect("the database is prepared");
    generate(&engine, AMOUNTS)
        .await
        .expect("the records are generated");
    engine
}

#[derive(Clone, Default)]
struct Sum(usize);

impl Gathered for Sum {
    fn join(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[tokio::test]
async fn a_write_makes_one_part_stale() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = filled(&folder).await;
    let cached = CachedCounts::<u8, Sum>::default();
    let looked = |basis: u8| {
        let looked = AtomicUsize::new(0);
        let seen = VisibleWorld::now(engine.now(), Visibility::least());
        let sum = cached.gather::<WorkPlanItem>(&seen, &Arc::new(basis), |sum, _| {
            sum.0 += 1;
            looked.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(sum.0, AMOUNTS.items);
        looked.into_inner()
    };
    assert_eq!((looked(1), looked(1)), (AMOUNTS.items, 0));
    patch(
        &engine,
        "work_plan_item",
        3,
        json!({ "declared_rag": "blue" }),
    )
    .await;
    assert_eq!(looked(1), PART);
    assert_eq!(
        (looked(2), looked(1)),
        (AMOUNTS.items, 0),
        "each basis is counted separately"
    );
}

#[tokio::test]
async fn cached_counts_equal_fresh_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = filled(&folder).await;
    let cached = Arc::<Counted>::default();
    let mut before = answers(&engine, &cached);
    let mut changed = async |what: &str| {
        let now = answers(&engine, &cached);
        let figures = |all: &[Value]| {
            all.iter()
                .map(|a| [&a["totals"], &a["recommendations"], &a["reasons"]].map(Clone::clone))
                .collect::<Vec<_>>()
        };
        assert_ne!(
            figures(&before),
            figures(&now),
            "{what} changes the figures"
        );
        before = now;
    };
    patch(
        &engine,
        "work_plan_item",
        3,
        json!({ "declared_rag": "blue", "lead_post_id": null }),
    )
    .await;
    changed("a change in the first part").await;
    let (plan, _) = at(&engine, "plan", 0);
    let item = json!({ "plan_id": plan, "item_kind": "activity", "title": "The newest" });
    write(&engine, move |txn| {
        txn.create(kind("work_plan_item"), None, item).map(drop)
    })
    .await;
    changed("a new item").await;
    patch(
        &engine,
        "work_plan_item",
        PART + 7,
        json!({ "marking": "official_sensitive" }),
    )
    .await;
    changed("a marked item").await;
    patch(
        &engine,
        "recommendation",
        PART - 2,
        json!({ "owner_unit_id": null, "owner_post_id": null }),
    )
    .await;
    changed("a change of a recommendation").await;
    withdraw(&engine, "work_plan_item", 2 * PART + 50).await;
    changed("a withdrawn item").await;
    let mut soon = (kind("setting_set").example)();
    soon["due_soon_days"] = json!(365);
    write(&engine, move |txn| {
        txn.create(kind("setting_set"), None, soon).map(drop)
    })
    .await;
    changed("a setting").await;
    withdraw(&engine, "audit_review", 0).await;
    changed("a withdrawn review").await;
    // Nothing outside this plan links into it, so it can be withdrawn with its item.
    let (unit, _) = at(&engine, "unit", 0);
    let plan = json!({ "title": "Another plan", "status": "active", "owner_unit_id": unit });
    write(&engine, move |txn| {
        txn.create(kind("plan"), None, plan).map(drop)
    })
    .await;
    let (plan, _) = at(&engine, "plan", 1);
    let item = json!({ "plan_id": plan, "item_kind": "activity", "title": "In another plan" });
    write(&engine, move |txn| {
        txn.create(kind("work_plan_item"), None, item).map(drop)
    })
    .await;
    changed("an item in another plan").await;
    withdraw(&engine, "plan", 1).await;
    changed("a withdrawn plan").await;
}
