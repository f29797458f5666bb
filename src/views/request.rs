//! What a view is asked, what it answers with, and the operation made of the two.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::http::formats::{self, Format, TABLES};
use crate::http::operation::{Access, Handler, Operation, Tag, query, schema_ref};
use crate::http::query::{Query, invalid};
use crate::http::resource::{as_of, moment};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::world::seen::Seen;

/// What a view is asked.
pub struct Asked {
    pub seen: Seen,
    /// The day to judge by.
    pub on: NaiveDate,
    /// What `compare_to` asks for: the world of an earlier time, and the day to judge it by.
    pub(super) earlier: Option<(Seen, NaiveDate)>,
    pub query: Query,
    pub(super) params: Vec<(String, String)>,
}

impl Asked {
    /// What a call asks: the world that it means, and the day.
    ///
    /// # Errors
    /// 400 for a time or a day that is none; 503 when the journal cannot be read.
    pub(super) async fn of(call: &Call) -> Result<Self, Problem> {
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

/// How a view is computed.
pub trait Compute<V>: Fn(&Asked) -> Result<V, Problem> + Send + Sync + 'static {}

impl<V, F: Fn(&Asked) -> Result<V, Problem> + Send + Sync + 'static> Compute<V> for F {}

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
    compute: impl Compute<V>,
) -> Operation {
    let compute = Arc::new(compute);
    operation_by::<V>(
        path,
        id,
        needs,
        Arc::new(move |call| Box::pin(answer(call, Arc::clone(&compute)))),
    )
}

/// The operation of a view that is more than a function of one world: its handler makes the answer and keeps it.
pub(super) fn operation_by<V: View>(
    path: &str,
    id: &str,
    needs: Subject,
    handler: Handler,
) -> Operation {
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

pub(super) async fn answer<V: View>(
    call: Call,
    compute: Arc<impl Compute<V>>,
) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let asked = Asked::of(&call).await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let work = move || {
        service
            .answers
            .kept(key, || render(&compute(&asked)?, format))
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

pub(super) fn render<V: View>(view: &V, format: Format) -> Result<Answer, Problem> {
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
pub(super) fn id_of(asked: &Asked, name: &str) -> Result<Option<uuid::Uuid>, Problem> {
    asked
        .query
        .get(name)
        .map(|v| uuid::Uuid::try_parse(v).map_err(|_| invalid(name, "must be an id")))
        .transpose()
}

/// A window of days, both included, that ends where it begins or later and is shorter than so many days: `longest`, and the same in words.
pub(super) fn window(
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

/// The parameter that names an earlier time to compare with.
pub(super) fn compare_to() -> Value {
    query(
        "compare_to",
        "An earlier time: what was recorded then, judged by its day, is compared with what is shown. A day means its end (UTC).",
        moment("2020-06-29"),
    )
}

/// A query parameter that takes one or more of these words.
pub(super) fn some_of(name: &str, what: &str, words: &[impl AsRef<str>]) -> Value {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let list = json!({ "type": "array", "items": { "type": "string", "enum": words }, "maxItems": crate::registers::query::MOST_VALUES });
    let mut parameter = query(name, what, list);
    crate::world::schema::set(&mut parameter, "style", "form");
    crate::world::schema::set(&mut parameter, "explode", false);
    parameter
}

/// A parameter that names one or more codes, separated by commas; none where it is not given.
pub(super) fn words<T: serde::de::DeserializeOwned>(
    asked: &Asked,
    name: &str,
) -> Result<Vec<T>, Problem> {
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
pub(super) struct NotAWord(String);

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
