//! What all kinds of records have in common, shown for each of them.

mod bodies;
mod bulk;
mod changing;
mod correlation;
mod dates;
mod declared_dates;
mod exports;
mod filters;
mod idempotency;
mod lists;
mod making;
mod past;
mod tables;
mod texts;

use serde_json::Value;
use stride::world::Kind;

use crate::support::maker::{Made, Maker};

/// How many records of a kind a list is tried with.
const SOME: usize = 4;

/// Several records of a kind.
async fn several(maker: &Maker<'_>, kind: &'static Kind) -> Vec<Made> {
    let mut all = Vec::new();
    for _ in 0..SOME {
        all.push(maker.make(kind).await);
    }
    all
}

/// The ids of a list's items.
fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .map(|i| i["id"].as_str().expect("an id").to_owned())
        .collect()
}
