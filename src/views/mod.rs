//! What is asked: each view is a pure function of the world as its caller may see it and of a day, cached until the journal moves.
//!
//! A view says its type (which is its documented answer), how it becomes a table, and how it is computed; [`operation`] does the rest:
//! `as_of`, the day to judge by, JSON, CSV and Excel, ETag and cache. A view that can be drawn says in which forms ([`View::FORMATS`]) and
//! writes them ([`View::drawn`]); what others wrote gets into them through `diagram` alone.

mod attendance;
mod awaits;
pub mod calendar;
mod changes;
mod communications;
mod contradictions;
mod coverage;
mod dependency_graph;
mod diagram;
mod expected;
mod findings;
mod gaps;
mod kept;
mod organogram;
mod oversight;
pub mod papers;
mod performance;
mod rag;
mod recommendations;
mod representation;
mod slippage;
mod standing;
mod status;

use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use rag::{Rated, RatedBy};

pub use crate::http::naming::RecordName;

use crate::access::policy::{Act, Subject};
use crate::http::formats::{self, Format, TABLES};
use crate::http::operation::{Access, Handler, Operation, Tag, query, schema_ref};
use crate::http::query::{Query, invalid};
use crate::http::resource::{as_of, moment};
use crate::http::{Answer, Call};
use crate::problem::Problem;
use crate::registers::settings::SettingsUsed;
use crate::world::schema::{Schemas, add_answer, page};
use crate::world::seen::Seen;
use crate::world::{AnyRecord, Rec, Resource, Table};

/// Answers kept until the journal moves, by their ETag; and what outlasts that.
pub struct Cache {
    answers: moka::sync::Cache<String, Answer>,
    status: Arc<status::Counted>,
}

/// Bytes of answers kept.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;

impl Cache {
    /// The answer kept under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Answer> {
        self.answers.get(key)
    }

    /// The answer kept under this key, else the one that is made now; whoever asks for the same meanwhile waits for it.
    ///
    /// # Errors
    /// What making it fails with.
    pub fn kept(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        self.answers
            .try_get_with(key, make)
            .map_err(|p: Arc<Problem>| (*p).clone())
    }
}

impl Default for Cache {
    fn default() -> Self {
        let weigh = |key: &String, answer: &Answer| {
            u32::try_from(key.len() as u64 + answer.body.length()).unwrap_or(u32::MAX)
        };
        Self {
            answers: moka::sync::Cache::builder()
                .weigher(weigh)
                .max_capacity(KEPT_BYTES)
                .build(),
            status: Arc::default(),
        }
    }
}

/// What a view is asked.
pub struct Asked {
    pub seen: Seen,
    /// The day to judge by.
    pub on: NaiveDate,
    /// What `compare_to` asks for: the world of an earlier time, and the day to judge it by.
    earlier: Option<(Seen, NaiveDate)>,
    pub query: Query,
    params: Vec<(String, String)>,
    /// What was counted before of records that are still the same.
    counted: Arc<status::Counted>,
}

impl Asked {
    /// What a call asks: the world that it means, and the day.
    ///
    /// # Errors
    /// 400 for a time or a day that is none; 503 when the journal cannot be read.
    async fn of(call: &Call) -> Result<Self, Problem> {
        let (seen, day) = call.world().await?;
        let on = call
            .query
            .value::<NaiveDate>("on", "a day like 2020-10-26")?
            .unwrap_or(day);
        Ok(Self {
            seen,
            on,
            earlier: call.earlier().await?,
            query: call.query.clone(),
            params: call.params.clone(),
            counted: Arc::clone(&call.service.views.status),
        })
    }

    /// The id in the path.
    ///
    /// # Errors
    /// 404 where it is none.
    pub fn id(&self) -> Result<uuid::Uuid, Problem> {
        let text = self
            .params
            .iter()
            .find(|(n, _)| n == "id")
            .map(|(_, v)| v.as_str());
        text.and_then(|t| uuid::Uuid::try_parse(t).ok())
            .ok_or_else(Problem::not_found)
    }
}

/// A view's answer.
pub trait View: Serialize + ToSchema + 'static {
    /// The forms that it offers beside JSON.
    const FORMATS: &'static [Format] = TABLES;

    /// Its rows, when it is asked for as a table.
    fn rows(&self) -> Vec<Map<String, Value>>;

    /// It as text that draws it, in a form of [`View::FORMATS`] that is no table; none where it draws nothing.
    fn drawn(&self, _: Format) -> Option<String> {
        None
    }
}

/// The operation of a view.
pub fn operation<V: View>(
    path: &str,
    id: &str,
    needs: Subject,
    compute: fn(&Asked) -> Result<V, Problem>,
) -> Operation {
    operation_by::<V>(
        path,
        id,
        needs,
        Arc::new(move |call| Box::pin(answer(call, compute))),
    )
}

/// The operation of a view that is more than a function of one world: its handler makes the answer and keeps it.
fn operation_by<V: View>(path: &str, id: &str, needs: Subject, handler: Handler) -> Operation {
    Operation::with("GET", path, id, Access::Needs(needs, Act::Read), handler)
        .takes([
            as_of(),
            query(
                "on",
                "The day to judge by: deadlines before it are overdue. The day of `as_of` when left out.",
                json!({ "type": "string", "format": "date" }),
            ),
            formats::parameter(V::FORMATS),
        ])
        .answers(200, "The view.", schema_ref(&V::name()))
        .etag(Tag::Journal)
        .formats(V::FORMATS)
}

async fn answer<V: View>(
    call: Call,
    compute: fn(&Asked) -> Result<V, Problem>,
) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let asked = Asked::of(&call).await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let work = move || {
        service
            .views
            .kept(key, || render(&compute(&asked)?, format))
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

fn render<V: View>(view: &V, format: Format) -> Result<Answer, Problem> {
    if format == Format::Json {
        return Answer::of(200, view);
    }
    if !format.is_table() {
        let text = view.drawn(format);
        let text = text.ok_or_else(|| {
            Problem::internal(format!(
                "{} offers {} and draws nothing",
                V::name(),
                format.word()
            ))
        })?;
        return Ok(formats::drawing(format, "view", text));
    }
    let rows = view.rows();
    let mut columns: Vec<String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    formats::table(format, "view", &columns, rows.into_iter())
}

/// A parameter that is an id, if it is given.
fn id_of(asked: &Asked, name: &str) -> Result<Option<uuid::Uuid>, Problem> {
    asked
        .query
        .get(name)
        .map(|v| uuid::Uuid::try_parse(v).map_err(|_| invalid(name, "must be an id")))
        .transpose()
}

/// A window of days, both included, that ends where it begins or later and is shorter than so many days: `longest`, and the same in words.
fn window(
    from: NaiveDate,
    until: NaiveDate,
    (longest, words): (i64, &str),
) -> Result<(NaiveDate, NaiveDate), Problem> {
    if until < from {
        return Err(invalid(
            "until",
            &format!("must not lie before from ({from})"),
        ));
    }
    if (until - from).num_days() >= longest {
        let detail = format!("lies more than {words} after from; ask for a shorter window");
        return Err(invalid("until", &detail));
    }
    Ok((from, until))
}

/// Puts nested counts side by side: `declared_rag.red`.
fn flatten(row: &mut Map<String, Value>, prefix: &str, value: Value) {
    if let Value::Object(map) = value {
        for (name, value) in map {
            let name = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            flatten(row, &name, value);
        }
    } else {
        row.insert(prefix.to_owned(), value);
    }
}

/// The row of what is shown as it is, nested fields side by side.
fn row<T: Serialize>(of: &T) -> Map<String, Value> {
    let mut row = Map::new();
    flatten(&mut row, "", json!(of));
    row
}

/// Something counted or collected over records, part by part.
trait Gathered: Default + Send {
    /// Adds what a later part gathered.
    fn join(&mut self, other: Self);
}

/// Records that one thread goes through before the next part is taken.
const PART: usize = 2048;

/// Goes through the live records of a kind that the caller may know of, on all cores; the parts are put together in the order of the records,
/// so the outcome does not depend on how many cores there are.
fn gather<'a, R: Resource, T: Gathered>(
    seen: &'a Seen,
    add: impl Fn(&mut T, &'a Rec<R>) + Sync,
) -> T {
    gather_any(seen, seen.table_of::<R>(), of_kind(add))
}

/// Goes on from a record of any kind to one of this kind.
fn of_kind<'a, R: Resource, T>(
    add: impl Fn(&mut T, &'a Rec<R>),
) -> impl Fn(&mut T, &'a Arc<dyn AnyRecord>) {
    move |gathered, record| {
        if let Some(record) = record.as_any().downcast_ref() {
            add(gathered, record);
        }
    }
}

/// The same, of a kind that is known only when it runs.
fn gather_any<'a, T: Gathered>(
    seen: &'a Seen,
    kind: Option<&'a Table>,
    add: impl Fn(&mut T, &'a Arc<dyn AnyRecord>) + Sync,
) -> T {
    use rayon::prelude::*;
    let rows: Vec<&'a Arc<dyn AnyRecord>> = kind.into_iter().flat_map(Table::rows).collect();
    let parts: Vec<T> = match rows.len() {
        0..=PART => return gather_part(seen, &rows, add),
        _ => rows
            .par_chunks(PART)
            .map(|part| gather_part(seen, part, &add))
            .collect(),
    };
    let mut all = T::default();
    parts.into_iter().for_each(|p| all.join(p));
    all
}

/// Goes through those of these records that are live and that the caller may know of.
fn gather_part<'a, T: Gathered>(
    seen: &Seen,
    rows: &[&'a Arc<dyn AnyRecord>],
    add: impl Fn(&mut T, &'a Arc<dyn AnyRecord>),
) -> T {
    let mut gathered = T::default();
    let shown = rows
        .iter()
        .filter(|r| r.meta().withdrawn_at.is_none() && seen.may_see(r.meta().id));
    shown.for_each(|r| add(&mut gathered, r));
    gathered
}

/// The parameter that names an earlier time to compare with.
fn compare_to() -> Value {
    query(
        "compare_to",
        "An earlier time: what was recorded then, judged by its day, is compared with what is shown. A day means its end (UTC).",
        moment("2020-06-29"),
    )
}

/// A query parameter that takes one or more of these words.
fn some_of(name: &str, what: &str, words: &[impl AsRef<str>]) -> Value {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let list = json!({ "type": "array", "items": { "type": "string", "enum": words }, "maxItems": crate::registers::query::MOST_VALUES });
    let mut parameter = query(name, what, list);
    crate::world::schema::set(&mut parameter, "style", "form");
    crate::world::schema::set(&mut parameter, "explode", false);
    parameter
}

/// A parameter that names one or more codes, separated by commas; none where it is not given.
fn words<T: serde::de::DeserializeOwned>(asked: &Asked, name: &str) -> Result<Vec<T>, Problem> {
    use serde::de::IntoDeserializer;
    let Some(text) = asked.query.get(name) else {
        return Ok(Vec::new());
    };
    if text.split(',').count() > crate::registers::query::MOST_VALUES {
        let detail = format!(
            "names more than {} values",
            crate::registers::query::MOST_VALUES
        );
        return Err(invalid(name, &detail));
    }
    let parse = |word: &str| {
        T::deserialize(word.trim().into_deserializer())
            .map_err(|NotAWord(detail)| invalid(name, &detail))
    };
    text.split(',').map(parse).collect()
}

/// Why a word is none that a parameter takes, with those it does take.
#[derive(Debug)]
struct NotAWord(String);

impl std::fmt::Display for NotAWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAWord {}

impl serde::de::Error for NotAWord {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self(crate::problem::one_of(word, known))
    }
}

/// A page of rows that are judged by a day and by settings, which it names.
fn judged_page(row: &str) -> Value {
    let mut page = page(&schema_ref(row));
    let own = [
        (
            "on",
            json!({ "type": "string", "format": "date", "description": "The day it is judged by." }),
        ),
        (
            "settings",
            json!({ "allOf": [schema_ref("SettingsUsed")], "description": "The settings that it is judged by." }),
        ),
    ];
    for (name, schema) in own {
        if let Some(Value::Object(properties)) = page.get_mut("properties") {
            properties.insert(name.into(), schema);
        }
        if let Some(Value::Array(required)) = page.get_mut("required") {
            required.push(name.into());
        }
    }
    page
}

/// The views' operations.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let mut all = status::operations();
    all.extend(gaps::operations());
    all.extend(contradictions::operations());
    all.extend(slippage::operations());
    all.extend(dependency_graph::operations());
    all.extend(coverage::operations());
    all.extend(recommendations::operations());
    all.extend(calendar::operations());
    all.extend(changes::operations());
    all.extend(communications::operations());
    all.extend(organogram::operations());
    all.extend(oversight::operations());
    all.extend(representation::operations());
    all.extend(performance::operations());
    all.extend(papers::operations());
    all
}

/// The schemas that they use.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<SettingsUsed>(schemas);
    calendar::schemas(schemas);
    changes::schemas(schemas);
    communications::schemas(schemas);
    organogram::schemas(schemas);
    oversight::schemas(schemas);
    representation::schemas(schemas);
    status::schemas(schemas);
    gaps::schemas(schemas);
    contradictions::schemas(schemas);
    slippage::schemas(schemas);
    dependency_graph::schemas(schemas);
    coverage::schemas(schemas);
    recommendations::schemas(schemas);
    performance::schemas(schemas);
    papers::schemas(schemas);
}
