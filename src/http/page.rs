//! Lists: filtered, sorted, and paged by a cursor that continues exactly where the previous page
//! ended.

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::{Answer, put_array};
use super::call::Call;
use super::formats::{Format, Table};
use super::parameters::query;
use super::query::{Query, invalid};
use crate::problem::{Code, Problem};
use crate::render::table::Column;
use crate::world::catalogue::Filter;
use crate::world::codes::Codes;
use crate::world::collation::{fold, same_name};
use crate::world::fields::Field;
use crate::world::visible::{RedactedRecord, VisibleWorld};
use crate::world::{AnyRecord, Key, Kind, Page};

/// Number of records on a page by default, and the maximum.
pub const DEFAULT_LIMIT: usize = 50;
pub const MAX_LIMIT: usize = crate::world::page::MAX_ITEMS;
/// More than any list has: a table is never a page.
pub const WHOLE: usize = usize::MAX / 4;

/// Parameters that every list accepts.
pub const COMMON: [&str; 10] = [
    "limit",
    "cursor",
    "sort",
    "q",
    "reference",
    "updated_since",
    "include_withdrawn",
    "include_total",
    "as_of",
    "format",
];

/// The position where a page ended. It contains no text of the filters and only the beginning of long
/// sort keys, so it is short enough for the next request whatever was asked for.
struct Cursor {
    of: Fingerprint,
    id: Uuid,
    keys: Vec<Key>,
}

/// Digest of the URL path, the filters, the order and the requested time.
type Fingerprint = [u8; 12];

impl Cursor {
    fn written(&self) -> String {
        let mut bytes = [self.of.as_slice(), self.id.as_bytes()].concat();
        for key in &self.keys {
            match key {
                Key::Number(n) => {
                    bytes.push(0);
                    bytes.extend_from_slice(&n.to_be_bytes());
                }
                Key::Text(text) => {
                    bytes.push(1);
                    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
                    bytes.extend_from_slice(&length.to_be_bytes());
                    bytes.extend(text.iter().take(usize::from(length)));
                }
                Key::None => bytes.push(2),
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (of, rest) = bytes.split_first_chunk()?;
        let (id, mut rest) = rest.split_first_chunk()?;
        let mut keys = Vec::new();
        while let Some((sort, after)) = rest.split_first() {
            let key;
            (key, rest) = match sort {
                0 => {
                    let (number, after) = after.split_first_chunk()?;
                    (Key::Number(i64::from_be_bytes(*number)), after)
                }
                1 => {
                    let (length, after) = after.split_first_chunk()?;
                    let length = u16::from_be_bytes(*length).into();
                    let (text, after) = after.split_at_checked(length)?;
                    (Key::Text(text.into()), after)
                }
                2 => (Key::None, after),
                _ => return None,
            };
            keys.push(key);
        }
        Some(Self {
            of: *of,
            id: Uuid::from_bytes(*id),
            keys,
        })
    }
}

/// The parameters of a list request.
struct Asked {
    kind: &'static Kind,
    filter: Box<dyn Filter>,
    words: Vec<String>,
    reference: Option<String>,
    updated_since: Option<DateTime<Utc>>,
    withdrawn: bool,
    order: Vec<(usize, bool)>,
    on: NaiveDate,
}

/// Returns a page of a list.
///
/// # Errors
/// 400 if the query is not valid.
pub async fn list(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let (seen, on) = call.world().await?;
    let asked = Asked::read(&call, kind, on)?;
    let fingerprint = fingerprint(&call);
    let after = call
        .query
        .get("cursor")
        .map(|c| read_cursor(c, fingerprint, asked.order.len()))
        .transpose()?;
    let limit = limit(&call.query)?;
    if call.format.is_table() {
        let (format, codes) = (call.format, (call.service.codes)(&kind.schema_name));
        let work = move || table(&asked, &seen, format, codes);
        return actix_web::web::block(work)
            .await
            .map_err(Problem::internal)?;
    }
    let (page, more) = asked.page(&seen, after.as_ref(), limit);
    let next = page
        .last()
        .filter(|_| more)
        .map(|last| asked.cursor(last.as_ref(), fingerprint));
    let total = if call.query.flag("include_total")? {
        Some(asked.count(&seen))
    } else {
        None
    };
    let shown = page
        .iter()
        .map(|r| seen.show(r))
        .collect::<Result<Vec<_>, _>>()?;
    let mut body =
        BytesMut::with_capacity(shown.iter().map(|r| r.json().len() + 1).sum::<usize>() + 200);
    body.put_slice(b"{\"items\":");
    put_array(&mut body, shown.iter().map(RedactedRecord::json));
    let next_json = next
        .as_ref()
        .map_or_else(|| "null".to_owned(), |c| format!("\"{c}\""));
    let total_json = total.map_or_else(|| "null".to_owned(), |t| t.to_string());
    body.put_slice(format!(",\"next_cursor\":{next_json},\"total\":{total_json}}}").as_bytes());
    let answer = Answer::json(200, body.freeze());
    Ok(match next {
        Some(cursor) => answer.header("Link", next_link(&call, &cursor)),
        None => answer,
    })
}

/// Returns every record that matches, as a table.
fn table(
    asked: &Asked,
    seen: &VisibleWorld,
    format: Format,
    codes: &Codes,
) -> Result<Answer, Problem> {
    let column = |field: &Field| Column {
        codes: codes
            .at(&format!("/{}", field.path.join("/")))
            .own()
            .to_vec(),
        field: field.clone(),
    };
    let columns: Vec<Column> = asked.kind.fields().iter().map(column).collect();
    let (records, _) = asked.page(seen, None, WHOLE);
    let row = |record| {
        let shown = seen.show(record)?;
        serde_json::from_slice(shown.json()).map_err(Problem::internal)
    };
    let table = Table {
        name: asked.kind.path,
        columns: &columns,
        seen,
    };
    table.write(format, records.into_iter().map(row))
}

/// The query parameter for the size of a page.
#[must_use]
pub fn limit_parameter(what: &str) -> Value {
    let size =
        json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT });
    query("limit", &format!("{what} per page."), size)
}

/// Returns the size of a page.
///
/// # Errors
/// 400 if it is not from 1 to 200.
pub fn limit(asked: &Query) -> Result<usize, Problem> {
    let form = "a number from 1 to 200";
    let limit = asked
        .value::<usize>("limit", form)?
        .unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(invalid("limit", &format!("must be {form}")))
    }
}

/// The answer with a page, and the link to the next one.
///
/// # Errors
/// 500 if an item cannot be written.
pub fn answer<T: Serialize>(call: &Call, page: &Page<T>) -> Result<Answer, Problem> {
    Ok(linked(call, Answer::of(200, page)?, page))
}

/// An answer made from a page, with the link to the next one.
#[must_use]
pub fn linked<T>(call: &Call, answer: Answer, page: &Page<T>) -> Answer {
    match &page.next_cursor {
        Some(cursor) => answer.header("Link", next_link(call, cursor)),
        None => answer,
    }
}

/// The link to the next page (RFC 8288).
#[must_use]
pub fn next_link(call: &Call, cursor: &str) -> String {
    let path = call.address.split('?').next().unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .extend_pairs(call.query.without(&["cursor"]))
        .append_pair("cursor", cursor);
    format!("<{path}?{}>; rel=\"next\"", query.finish())
}

/// What a cursor is bound to: everything that decides which records are returned and in what order.
fn fingerprint(call: &Call) -> Fingerprint {
    let mut pairs = call
        .query
        .without(&["cursor", "limit", "include_total", "format"]);
    pairs.sort();
    let mut hash = Sha256::new();
    hash.update(call.address.split('?').next().unwrap_or_default());
    for (name, value) in pairs {
        hash.update([0]);
        hash.update(name);
        hash.update([1]);
        hash.update(value);
    }
    let digest = hash.finalize();
    *digest.first_chunk().unwrap_or(&[0; 12])
}

fn read_cursor(text: &str, fingerprint: Fingerprint, keys: usize) -> Result<Cursor, Problem> {
    let refused = |detail: &str| Problem::field(Code::InvalidCursor, "?cursor", "invalid", detail);
    let cursor =
        Cursor::read(text).ok_or_else(|| refused("must be a cursor returned by this service"))?;
    if cursor.of != fingerprint || cursor.keys.len() != keys {
        return Err(refused(
            "belongs to a list with other filters or another order; start again without a cursor",
        ));
    }
    Ok(cursor)
}

impl Asked {
    fn read(call: &Call, kind: &'static Kind, on: NaiveDate) -> Result<Self, Problem> {
        let query = &call.query;
        let words = query
            .get("q")
            .map(|q| fold(q).split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        Ok(Self {
            kind,
            filter: (kind.filter)(&query.without(&COMMON))?,
            words,
            reference: query.get("reference").map(str::to_owned),
            updated_since: query.since("updated_since")?,
            withdrawn: query.flag("include_withdrawn")?,
            order: order(query.get("sort").unwrap_or("reference"), kind)?,
            on,
        })
    }

    fn matches(&self, record: &dyn AnyRecord, seen: &VisibleWorld) -> bool {
        let meta = record.meta();
        (self.withdrawn || seen.is_live(record))
            && self
                .reference
                .as_ref()
                .is_none_or(|r| same_name(r, &meta.reference))
            && self
                .updated_since
                .is_none_or(|since| meta.updated_at >= since)
            && self.filter.matches(record, seen.reading(self.on))
            && self
                .words
                .iter()
                .all(|w| memchr::memmem::find(record.text().as_bytes(), w.as_bytes()).is_some())
            && seen.may_see(meta.id)
    }

    /// The records after `after`, at most `limit`, and whether more follow.
    fn page<'w>(
        &self,
        seen: &'w VisibleWorld,
        after: Option<&Cursor>,
        limit: usize,
    ) -> (Vec<&'w Arc<dyn AnyRecord>>, bool) {
        let mut found = match self.few(seen) {
            Some(few) => self.sorted(few, after),
            None => self.walk(seen, after, limit + 1),
        };
        let more = found.len() > limit;
        found.truncate(limit);
        (found, more)
    }

    /// The only records that can match, if a filter names a record that they all refer to, or if
    /// the reference itself is given.
    fn few<'w>(&self, seen: &'w VisibleWorld) -> Option<Vec<&'w Arc<dyn AnyRecord>>> {
        if let Some(reference) = &self.reference {
            let table = seen.table(self.kind);
            let ids = table
                .into_iter()
                .flat_map(|t| t.all_with_reference(reference));
            return Some(
                ids.filter_map(|id| seen.any(id))
                    .filter(|r| self.matches(r.as_ref(), seen))
                    .collect(),
            );
        }
        let pivot = self.filter.pivot()?;
        let all = seen.table(self.kind).map_or(0, crate::world::Table::len);
        let pointing = seen.pointing_count(pivot);
        // Walking an index and stopping early is faster than collecting most of a table.
        if pointing > 1_000 && pointing * 8 > all {
            return None;
        }
        let pointing = seen.pointing_of(pivot, self.kind);
        Some(
            pointing
                .filter(|r| self.matches(r.as_ref(), seen))
                .collect(),
        )
    }

    fn sorted<'w>(
        &self,
        mut few: Vec<&'w Arc<dyn AnyRecord>>,
        after: Option<&Cursor>,
    ) -> Vec<&'w Arc<dyn AnyRecord>> {
        few.sort_by_cached_key(|r| self.position(r.as_ref()));
        if let Some(after) = after {
            let last = self.place(&after.keys, after.id);
            few.retain(|r| self.position(r.as_ref()) > last);
        }
        few
    }

    /// Walks the index of the first sort key from the cursor on. Records with the same first key
    /// are sorted by the remaining keys.
    fn walk<'w>(
        &self,
        seen: &'w VisibleWorld,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Vec<&'w Arc<dyn AnyRecord>> {
        let Some((first, down)) = self.order.first().copied() else {
            return Vec::new();
        };
        let Some(order) = seen.table(self.kind).and_then(|t| t.order(first)) else {
            return Vec::new();
        };
        let single = self.order.len() == 1;
        // With one key, starts at the cursor's position; with several, at the first record with the
        // same first key.
        let edge = after.and_then(|c| {
            let key = c.keys.first()?.clone();
            let id = match (single, down) {
                (true, _) => c.id,
                (false, false) => Uuid::nil(),
                (false, true) => Uuid::max(),
            };
            Some((key, id))
        });
        let start = |e| {
            if single {
                Bound::Excluded(e)
            } else {
                Bound::Included(e)
            }
        };
        let range = match (edge, down) {
            (None, _) => (Bound::Unbounded, Bound::Unbounded),
            (Some(e), false) => (start(e), Bound::Unbounded),
            (Some(e), true) => (Bound::Unbounded, start(e)),
        };
        let rows = order.range::<_, (Key, Uuid)>(range);
        if down {
            self.take(rows.rev(), seen, after.filter(|_| !single), limit, single)
        } else {
            self.take(rows, seen, after.filter(|_| !single), limit, single)
        }
    }

    fn take<'w>(
        &self,
        rows: impl Iterator<Item = (&'w (Key, Uuid), &'w Arc<dyn AnyRecord>)>,
        seen: &'w VisibleWorld,
        after: Option<&Cursor>,
        limit: usize,
        single: bool,
    ) -> Vec<&'w Arc<dyn AnyRecord>> {
        let matching = rows.filter(|(_, r)| self.matches(r.as_ref(), seen));
        if single {
            return matching.map(|(_, r)| r).take(limit).collect();
        }
        let mut found: Vec<&'w Arc<dyn AnyRecord>> = Vec::new();
        let mut run: Vec<&'w Arc<dyn AnyRecord>> = Vec::new();
        let mut at: Option<&Key> = None;
        for ((key, _), record) in matching {
            if at.is_some_and(|k| k != key) {
                found.extend(self.sorted(std::mem::take(&mut run), after));
                if found.len() >= limit {
                    break;
                }
            }
            at = Some(key);
            run.push(record);
        }
        found.extend(self.sorted(run, after));
        found
    }

    fn count(&self, seen: &VisibleWorld) -> usize {
        match self.few(seen) {
            Some(few) => few.len(),
            None => seen.table(self.kind).map_or(0, |t| {
                t.rows().filter(|r| self.matches(r.as_ref(), seen)).count()
            }),
        }
    }

    fn position(&self, record: &dyn AnyRecord) -> Vec<Directed> {
        let keys: Vec<Key> = self
            .order
            .iter()
            .map(|(sort, _)| record.key(*sort).clone())
            .collect();
        self.place(&keys, record.meta().id)
    }

    /// Ties are broken by id, in the direction of the first key.
    fn place(&self, keys: &[Key], id: Uuid) -> Vec<Directed> {
        let down = self.order.first().is_some_and(|(_, down)| *down);
        let mut place: Vec<Directed> = keys
            .iter()
            .zip(&self.order)
            .map(|(k, (_, down))| Directed::new(k.clone(), *down))
            .collect();
        place.push(Directed::new(
            Key::Text(id.as_bytes().as_slice().into()),
            down,
        ));
        place
    }

    fn cursor(&self, last: &dyn AnyRecord, of: Fingerprint) -> String {
        let keys = self.order.iter();
        let keys = keys.map(|(sort, _)| last.key(*sort).clone()).collect();
        let cursor = Cursor {
            of,
            id: last.meta().id,
            keys,
        };
        cursor.written()
    }
}

/// A key with its sort direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Directed {
    Up(Key),
    Down(std::cmp::Reverse<Key>),
}

impl Directed {
    fn new(key: Key, down: bool) -> Self {
        if down {
            Self::Down(std::cmp::Reverse(key))
        } else {
            Self::Up(key)
        }
    }
}

fn order(text: &str, kind: &Kind) -> Result<Vec<(usize, bool)>, Problem> {
    let mut order: Vec<(usize, bool)> = Vec::new();
    for word in text.split(',') {
        let (name, down) = word.strip_prefix('-').map_or((word, false), |n| (n, true));
        let Some(sort) = kind.sorts.iter().position(|s| *s == name) else {
            return Err(invalid(
                "sort",
                &format!(
                    "must be one or more of {}, each with - before it for descending order",
                    kind.sorts.join(", ")
                ),
            ));
        };
        if order.iter().any(|(s, _)| *s == sort) {
            return Err(invalid("sort", "must not contain the same field twice"));
        }
        order.push((sort, down));
    }
    Ok(order)
}
