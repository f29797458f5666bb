//! Cursors that name an entry of the journal.
//!
//! The number of an entry shows how many came before it, including those about records that are not
//! visible. Callers who may see every marked record get numbers; for all others, an entry is named
//! by its record and version.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::parameters::query;
use super::query::invalid;
use crate::db::store;
use crate::problem::Problem;
use crate::world::visible::VisibleWorld;

/// The query parameter for such a cursor.
#[must_use]
pub fn parameter(what: &str) -> Value {
    query(
        "cursor",
        what,
        json!({ "type": "string", "maxLength": 60, "pattern": "^([0-9]{1,18}|[0-9a-f-]{36}[.][0-9]{1,18})$" }),
    )
}

/// The cursor that names an entry: the last one on a page.
#[must_use]
pub fn write(seen: &VisibleWorld, seq: i64, record: Uuid, version: i64) -> String {
    match seen.entry_number(seq) {
        Some(seq) => seq.to_string(),
        None => format!("{record}.{version}"),
    }
}

/// Returns the number of the entry that the request's cursor names, if there is one.
///
/// # Errors
/// 400 if it names no entry that is visible to the caller; 503 if the journal cannot be read.
pub async fn read(call: &Call) -> Result<Option<i64>, Problem> {
    let refused = || {
        invalid(
            "cursor",
            "must be the next_cursor of a page, and the record that it names must still be visible; \
                otherwise start again without it",
        )
    };
    let Some(text) = call.query.get("cursor") else {
        return Ok(None);
    };
    let seen = call.now();
    let Some((record, version)) = text.split_once('.') else {
        let number = text.parse::<i64>().map_err(|_| refused())?.max(0);
        // Any other number would tell whether there is an entry between two that are visible.
        let is_known = number == 0 || seen.entry_number(number).is_some();
        return is_known.then_some(Some(number)).ok_or_else(refused);
    };
    let record = Uuid::try_parse(record).map_err(|_| refused())?;
    let version = version.parse::<i64>().map_err(|_| refused())?;
    if seen.any(record).is_none() {
        return Err(refused());
    }
    let row = call
        .service
        .engine
        .read(move |c| store::version(c, record, version))
        .await?;
    let row = row.filter(|r| call.knows(r.seq)).ok_or_else(refused)?;
    Ok(Some(row.seq))
}
