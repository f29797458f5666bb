//! Lists: filtered, sorted, and paged by a cursor that continues exactly where the previous page
//! ended.

use std::fs::File;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answer::{Answer, Body, put_array};
use super::call::Call;
use super::formats::{self, Format, LinkNames};
use super::large_answers::{PIECE, Reader};
use super::parameters::query;
use super::query::{Query, invalid};
use crate::problem::{Code, Problem};
use crate::render::table::csv::Csv;
use crate::render::table::{Column, Row};
use crate::world::catalogue::Filter;
use crate::world::collation::{fold, same_name};
use crate::world::fields::Field;
use crate::world::search::{Found, has_words};
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
    /// Whether every record that is live and visible matches.
    is_whole: bool,
}

/// A list's records in a world, with what is known of the words searched for.
struct Source<'w> {
    seen: &'w VisibleWorld,
    words: Words,
}

/// What is known of the words searched for.
enum Words {
    /// There are none.
    None,
    /// The records that have them.
    In(Found),
    /// Each text must be asked.
    Unknown,
}

/// Number of records that the thread of a request goes through for a page. If it takes more, the
/// page is made elsewhere.
const FEW: usize = 1_000;

/// Returns a page of a list.
///
/// # Errors
/// 400 if the query is not valid; 429 or 503 if too many tables are being made.
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
        return table(&call, asked, seen).await;
    }
    let page = PageAsked {
        asked,
        after,
        limit,
        is_counted: call.query.flag("include_total")?,
        fingerprint,
        path: call.address.split('?').next().unwrap_or_default().into(),
        query: call.query.clone(),
    };
    if let Some(answer) = page.answer(&seen, Some(FEW))? {
        return Ok(answer);
    }
    // The next caller who asks the same before the journal moves is answered from the cache.
    let (service, key) = (Arc::clone(&call.service), call.tag.clone());
    let make = move || {
        let whole = || page.answer(&seen, None)?.ok_or_else(Problem::not_found);
        match key {
            Some(key) => service.answers.get_or_make(key, whole),
            None => whole(),
        }
    };
    call.service.large.list(make).await
}

/// A page of a list.
struct PageAsked {
    asked: Asked,
    after: Option<Cursor>,
    limit: usize,
    /// Whether all matches are counted.
    is_counted: bool,
    fingerprint: Fingerprint,
    path: String,
    query: Query,
}

impl PageAsked {
    /// The page, or none if it takes more records than `most` to make.
    fn answer(&self, seen: &VisibleWorld, most: Option<usize>) -> Result<Option<Answer>, Problem> {
        let mut left = Budget(most.unwrap_or(WHOLE));
        let Some(source) = self.asked.source(seen, &left) else {
            return Ok(None);
        };
        let page = (self.asked).page(&source, self.after.as_ref(), self.limit, &mut left);
        let Some((page, more)) = page else {
            return Ok(None);
        };
        let total = match self.is_counted {
            true => match self.asked.count(&source, &mut left) {
                Some(total) => Some(total),
                None => return Ok(None),
            },
            false => None,
        };
        let next = page
            .last()
            .filter(|_| more)
            .map(|last| self.asked.cursor(last.as_ref(), self.fingerprint));
        let shown = page
            .iter()
            .map(|r| seen.show(r))
            .collect::<Result<Vec<_>, _>>()?;
        let length = shown.iter().map(|r| r.json().len() + 1).sum::<usize>();
        let mut body = BytesMut::with_capacity(length + 200);
        body.put_slice(b"{\"items\":");
        put_array(&mut body, shown.iter().map(RedactedRecord::json));
        let next_json = next
            .as_ref()
            .map_or_else(|| "null".to_owned(), |c| format!("\"{c}\""));
        let total_json = total.map_or_else(|| "null".to_owned(), |t| t.to_string());
        body.put_slice(format!(",\"next_cursor\":{next_json},\"total\":{total_json}}}").as_bytes());
        let answer = Answer::json(200, body.freeze());
        Ok(Some(match next {
            Some(cursor) => answer.header("Link", link(&self.path, &self.query, &cursor)),
            None => answer,
        }))
    }
}

/// Number of records that may still be gone through.
struct Budget(usize);

impl Budget {
    /// Counts a record; none if it is one too many.
    fn spend(&mut self, records: usize) -> Option<()> {
        self.0 = self.0.checked_sub(records)?;
        Some(())
    }
}

/// Every record that matches, as a table. All rows are of one world.
async fn table(call: &Call, asked: Asked, seen: VisibleWorld) -> Result<Answer, Problem> {
    let large = &call.service.large;
    let place = large.admit(call.who()?.account)?;
    let codes = (call.service.codes)(&asked.kind.schema_name);
    let column = |field: &Field| Column {
        codes: codes
            .at(&format!("/{}", field.path.join("/")))
            .own()
            .to_vec(),
        field: field.clone(),
    };
    let (kind, columns) = (asked.kind, asked.kind.fields().iter().map(column));
    let columns: Vec<Column> = columns.collect();
    let body = match call.format {
        Format::Xlsx => {
            let file = large.whole(move |reader| workbook(&asked, &seen, columns, reader));
            large.read(place, file.await?)?
        }
        _ => {
            let mut rows = CsvRows::new(asked, seen, columns);
            large.made(place, move || rows.next())
        }
    };
    let format = match call.format {
        Format::Xlsx => Format::Xlsx,
        _ => Format::Csv,
    };
    Ok(formats::table(format, kind.path, Body::Pieces(body)))
}

/// A workbook of every record that matches, in a file that is gone once it is closed.
fn workbook(
    asked: &Asked,
    seen: &VisibleWorld,
    columns: Vec<Column>,
    reader: &Reader,
) -> Result<File, Problem> {
    let names = LinkNames::of(seen);
    let mut book = formats::workbook(asked.kind.path, columns)?;
    for record in asked.all(seen) {
        if reader.has_left() {
            return Err(Problem::unavailable("nobody waits for the workbook"));
        }
        let shown = seen.show_once(record.as_ref())?;
        let row: Row<'_> = serde_json::from_slice(shown.json()).map_err(Problem::internal)?;
        book.add(&row, &|id| names.name(id))?;
    }
    let mut file = tempfile::tempfile().map_err(Problem::internal)?;
    book.save(&mut file)?;
    Ok(file)
}

/// The records that match as CSV, a piece at a time.
struct CsvRows {
    asked: Asked,
    seen: VisibleWorld,
    columns: Vec<Column>,
    /// The table as far as it was written, and the records that are still to come; none before the
    /// first piece.
    rest: Option<(Csv, std::vec::IntoIter<Arc<dyn AnyRecord>>)>,
}

impl CsvRows {
    fn new(asked: Asked, seen: VisibleWorld, columns: Vec<Column>) -> Self {
        Self {
            asked,
            seen,
            columns,
            rest: None,
        }
    }

    /// The next piece; none after the last.
    fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let (mut csv, mut records) = match self.rest.take() {
            Some(rest) => rest,
            None => {
                let all: Vec<_> = self.asked.all(&self.seen).into_iter().cloned().collect();
                (Csv::with_head(&self.columns)?, all.into_iter())
            }
        };
        let names = LinkNames::of(&self.seen);
        for record in records.by_ref() {
            let shown = self.seen.show_once(record.as_ref())?;
            let row: Row<'_> = serde_json::from_slice(shown.json()).map_err(Problem::internal)?;
            csv.add(&row, &self.columns, &|id| names.name(id))?;
            if csv.length() >= PIECE {
                break;
            }
        }
        let piece = csv.take()?;
        self.rest = Some((csv, records));
        Ok((!piece.is_empty()).then(|| piece.into()))
    }
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
    link(path, &call.query, cursor)
}

fn link(path: &str, asked: &Query, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query
        .extend_pairs(asked.without(&["cursor"]))
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
        let own = query.without(&COMMON);
        let is_whole = own.is_empty()
            && ["q", "reference", "updated_since"]
                .iter()
                .all(|name| query.get(name).is_none());
        let words = query
            .get("q")
            .map(|q| fold(q).split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        Ok(Self {
            kind,
            filter: (kind.filter)(&own)?,
            words,
            reference: query.get("reference").map(str::to_owned),
            updated_since: query.since("updated_since")?,
            withdrawn: query.flag("include_withdrawn")?,
            order: order(query.get("sort").unwrap_or("reference"), kind)?,
            on,
            is_whole,
        })
    }

    /// The list's records in a world; none if too many must be read for the words.
    fn source<'w>(&self, seen: &'w VisibleWorld, left: &Budget) -> Option<Source<'w>> {
        let words = match seen.search(self.kind, &self.words, left.0) {
            _ if self.words.is_empty() => Words::None,
            Some(found) => Words::In(found),
            None if left.0 < WHOLE => return None,
            None => Words::Unknown,
        };
        Some(Source { seen, words })
    }

    fn matches(&self, record: &dyn AnyRecord, source: &Source<'_>) -> bool {
        let Source { seen, words } = source;
        let meta = record.meta();
        let has_words = || match words {
            Words::None => true,
            Words::In(found) => seen.is_found(found, meta.id),
            Words::Unknown => has_words(&record.text(), &self.words),
        };
        (self.withdrawn || seen.is_live(record))
            && self
                .reference
                .as_ref()
                .is_none_or(|r| same_name(r, &meta.reference))
            && self
                .updated_since
                .is_none_or(|since| meta.updated_at >= since)
            && self.filter.matches(record, seen.reading(self.on))
            && has_words()
            && seen.may_see(meta.id)
    }

    /// Every record, in order.
    fn all<'w>(&self, seen: &'w VisibleWorld) -> Vec<&'w Arc<dyn AnyRecord>> {
        let mut left = Budget(WHOLE);
        let source = self.source(seen, &left);
        let page = source.and_then(|source| self.page(&source, None, WHOLE, &mut left));
        page.map(|(all, _)| all).unwrap_or_default()
    }

    /// The records after `after`, at most `limit`, and whether more follow. None if there are too
    /// many to go through.
    fn page<'w>(
        &self,
        source: &Source<'w>,
        after: Option<&Cursor>,
        limit: usize,
        left: &mut Budget,
    ) -> Option<(Vec<&'w Arc<dyn AnyRecord>>, bool)> {
        let mut found = match self.few(source) {
            Some(few) => self.sorted(self.matching(few, source, left)?, after, limit + 1),
            None => self.walk(source, after, limit + 1, left)?,
        };
        let more = found.len() > limit;
        found.truncate(limit);
        Some((found, more))
    }

    /// The only records that can match, if a filter names a record that they all refer to, or if
    /// the reference itself is given.
    fn few<'w>(
        &self,
        source: &Source<'w>,
    ) -> Option<Box<dyn Iterator<Item = &'w Arc<dyn AnyRecord>> + 'w>> {
        let seen = source.seen;
        if let Some(reference) = &self.reference {
            let ids = seen.table(self.kind)?.all_with_reference(reference);
            return Some(Box::new(ids.into_iter().filter_map(|id| seen.any(id))));
        }
        let all = seen.table(self.kind).map_or(0, crate::world::Table::len);
        // Walking an index and stopping early is faster than collecting most of a table.
        let is_few = |records: usize| records <= FEW || records * 8 <= all;
        let pivot = self.filter.pivot();
        if let Some(pivot) = pivot.filter(|pivot| is_few(seen.pointing_count(*pivot))) {
            return Some(Box::new(seen.pointing_of(pivot, self.kind)));
        }
        match &source.words {
            Words::In(found) if is_few(found.count()) => {
                let found: Vec<_> = seen.found(found).collect();
                Some(Box::new(found.into_iter()))
            }
            _ => None,
        }
    }

    /// Those of these records that match.
    fn matching<'w>(
        &self,
        records: impl Iterator<Item = &'w Arc<dyn AnyRecord>>,
        source: &Source<'_>,
        left: &mut Budget,
    ) -> Option<Vec<&'w Arc<dyn AnyRecord>>> {
        let mut found = Vec::new();
        for record in records {
            left.spend(1)?;
            if self.matches(record.as_ref(), source) {
                found.push(record);
            }
        }
        Some(found)
    }

    /// The first of these records after `after`, in order, at most `limit`.
    fn sorted<'w>(
        &self,
        few: Vec<&'w Arc<dyn AnyRecord>>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Vec<&'w Arc<dyn AnyRecord>> {
        let last = after.map(|after| self.place(after.keys.iter().cloned(), after.id));
        let mut placed: Vec<(Place, &'w Arc<dyn AnyRecord>)> = few
            .into_iter()
            .map(|record| (self.position(record.as_ref()), record))
            .filter(|(place, _)| last.as_ref().is_none_or(|last| place > last))
            .collect();
        if placed.len() > limit {
            placed.select_nth_unstable_by(limit, |(a, _), (b, _)| a.cmp(b));
            placed.truncate(limit);
        }
        placed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        placed.into_iter().map(|(_, record)| record).collect()
    }

    /// Walks the index of the first sort key from the cursor on. Records with the same first key
    /// are sorted by the remaining keys.
    fn walk<'w>(
        &self,
        source: &Source<'w>,
        after: Option<&Cursor>,
        limit: usize,
        left: &mut Budget,
    ) -> Option<Vec<&'w Arc<dyn AnyRecord>>> {
        let Some((first, down)) = self.order.first().copied() else {
            return Some(Vec::new());
        };
        let Some(table) = source.seen.table(self.kind) else {
            return Some(Vec::new());
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
        let edge = match &edge {
            Some(edge) if single => Bound::Excluded(edge),
            Some(edge) => Bound::Included(edge),
            None => Bound::Unbounded,
        };
        let wanted = (limit, after.filter(|_| !single));
        match down {
            true => self.take(table.down(first, edge), source, wanted, left),
            false => self.take(table.up(first, edge), source, wanted, left),
        }
    }

    fn take<'w>(
        &self,
        rows: impl Iterator<Item = &'w Arc<dyn AnyRecord>>,
        source: &Source<'w>,
        (limit, after): (usize, Option<&Cursor>),
        left: &mut Budget,
    ) -> Option<Vec<&'w Arc<dyn AnyRecord>>> {
        let [(first, _), _, ..] = self.order.as_slice() else {
            return self.first(rows, source, limit, left);
        };
        let mut found: Vec<&'w Arc<dyn AnyRecord>> = Vec::new();
        let mut run: Vec<&'w Arc<dyn AnyRecord>> = Vec::new();
        let mut at: Option<Key> = None;
        for record in rows {
            if found.len() >= limit {
                break;
            }
            left.spend(1)?;
            if !self.matches(record.as_ref(), source) {
                continue;
            }
            let key = record.key(*first);
            if at.as_ref().is_some_and(|k| *k != key) {
                found.extend(self.sorted(std::mem::take(&mut run), after, limit - found.len()));
            }
            at = Some(key);
            run.push(record);
        }
        if found.len() < limit {
            found.extend(self.sorted(run, after, limit - found.len()));
        }
        Some(found)
    }

    /// The first matches, at most `limit`.
    fn first<'w>(
        &self,
        rows: impl Iterator<Item = &'w Arc<dyn AnyRecord>>,
        source: &Source<'w>,
        limit: usize,
        left: &mut Budget,
    ) -> Option<Vec<&'w Arc<dyn AnyRecord>>> {
        let mut found = Vec::new();
        for record in rows {
            if found.len() >= limit {
                break;
            }
            left.spend(1)?;
            if self.matches(record.as_ref(), source) {
                found.push(record);
            }
        }
        Some(found)
    }

    /// Number of all matches; none if there are too many records to go through.
    fn count(&self, source: &Source<'_>, left: &mut Budget) -> Option<usize> {
        if let Some(few) = self.few(source) {
            return Some(self.matching(few, source, left)?.len());
        }
        if self.is_whole && !self.withdrawn {
            left.spend(source.seen.exceptions())?;
            if let Some(count) = source.seen.count_live(self.kind) {
                return Some(count);
            }
        }
        let Some(table) = source.seen.table(self.kind) else {
            return Some(0);
        };
        left.spend(table.len())?;
        let rows = table.rows();
        Some(rows.filter(|r| self.matches(r.as_ref(), source)).count())
    }

    fn position(&self, record: &dyn AnyRecord) -> Place {
        let keys = self.order.iter().map(|(sort, _)| record.key(*sort));
        self.place(keys, record.meta().id)
    }

    fn place(&self, keys: impl Iterator<Item = Key>, id: Uuid) -> Place {
        let down = self.order.first().is_some_and(|(_, down)| *down);
        let mut keys = keys
            .zip(&self.order)
            .map(|(key, (_, down))| Directed::new(key, *down));
        Place {
            first: keys.next(),
            others: keys.collect(),
            id: Directed::new(id, down),
        }
    }

    fn cursor(&self, last: &dyn AnyRecord, of: Fingerprint) -> String {
        let keys = self.order.iter();
        let keys = keys.map(|(sort, _)| last.key(*sort)).collect();
        let cursor = Cursor {
            of,
            id: last.meta().id,
            keys,
        };
        cursor.written()
    }
}

/// Where a record comes in an order. Ties are broken by id, in the direction of the first key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    first: Option<Directed<Key>>,
    others: Vec<Directed<Key>>,
    id: Directed<Uuid>,
}

/// A key with its sort direction.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Directed<K> {
    Up(K),
    Down(std::cmp::Reverse<K>),
}

impl<K> Directed<K> {
    fn new(key: K, down: bool) -> Self {
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
