//! What a view is asked, what it answers with, and the operation made of the two.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::engine::Engine;
use crate::http::formats::{self, Format, LinkNames, TABLES};
use crate::http::operation::{Access, Handler, Operation, Tag};
use crate::http::page::{WHOLE, limit};
use crate::http::parameters::{query, schema_ref};
use crate::http::query::{Query, invalid};
use crate::http::resource::{as_of, moment};
use crate::http::service::Service;
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::render::table::csv::Csv;
use crate::render::table::{Column, Row};
use crate::world::AnyRecord;
use crate::world::fields::Field;
use crate::world::visible::VisibleWorld;

/// What a view is asked for.
pub struct Asked {
    pub seen: VisibleWorld,
    /// The date to calculate for.
    pub on: NaiveDate,
    /// For `compare_to`: the world of an earlier time, and the date to calculate it for.
    pub(super) earlier: Option<(VisibleWorld, NaiveDate)>,
    pub query: Query,
    /// A table has all rows, so it is no page.
    pub(super) is_table: bool,
    /// Reads earlier versions of records; none where there is no database.
    pub(super) engine: Option<Arc<Engine>>,
    pub(super) params: Vec<(String, String)>,
}

impl Asked {
    /// Reads what a call asks for: the world and the date.
    ///
    /// # Errors
    /// 400 if the time or date is invalid; 503 if the journal cannot be read.
    pub(super) async fn of(call: &Call) -> Result<Self, Problem> {
        let (seen, day) = call.world().await?;
        let on = call
            .query
            .value::<NaiveDate>("on", "a date such as 2020-10-26")?
            .unwrap_or(day);
        Ok(Self {
            seen,
            on,
            earlier: call.earlier().await?,
            query: call.query.clone(),
            is_table: call.format.is_table(),
            engine: Some(Arc::clone(&call.service.engine)),
            params: call.params.clone(),
        })
    }

    /// Whether a record exists or applies on the date.
    pub fn is_active(&self, record: &dyn AnyRecord) -> bool {
        self.seen.is_active_on(record, self.on)
    }

    /// Number of rows that the answer may have: a page, or all of them in a table.
    ///
    /// # Errors
    /// 400 if the size of a page is not from 1 to 200.
    pub fn limit(&self) -> Result<usize, Problem> {
        let limit = limit(&self.query)?;
        Ok(if self.is_table { WHOLE } else { limit })
    }

    /// Where the previous page ended, if the answer is a later page.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.query.get("cursor").filter(|_| !self.is_table)
    }

    /// The id in the path.
    ///
    /// # Errors
    /// 404 if it is not an id.
    pub fn id(&self) -> Result<Uuid, Problem> {
        let text = self
            .params
            .iter()
            .find(|(n, _)| n == "id")
            .map(|(_, v)| v.as_str());
        text.and_then(|t| Uuid::try_parse(t).ok())
            .ok_or_else(Problem::not_found)
    }
}

/// How a view is computed.
pub trait Compute<V>: Fn(&Asked) -> Result<V, Problem> + Send + Sync + 'static {}

impl<V, F: Fn(&Asked) -> Result<V, Problem> + Send + Sync + 'static> Compute<V> for F {}

/// A view's answer. Its type is its documentation; how it is computed is a function of what is
/// [`Asked`], and [`operation`] adds the rest: `as_of`, `on`, formats, ETag and cache.
///
/// # Example
///
/// ```ignore
/// /// Number of boards.
/// #[derive(Debug, Serialize, ToSchema)]
/// pub struct BoardCount {
///     /// Date the view is calculated for.
///     pub on: NaiveDate,
///     /// Number of journal entries taken into account: those about records visible to the caller.
///     pub journal_seq: i64,
///     /// Number of boards.
///     #[schema(minimum = 0)]
///     pub boards: usize,
/// }
///
/// impl View for BoardCount {
///     fn fields(&self) -> Vec<Field> {
///         fields_of::<Self>()
///     }
///     fn rows(&self) -> Vec<Value> {
///         vec![json!(self)]
///     }
/// }
///
/// fn count(asked: &Asked) -> Result<BoardCount, Problem> {
///     Ok(BoardCount {
///         on: asked.on,
///         journal_seq: asked.seen.seq(),
///         boards: asked.seen.live::<Board>().count(),
///     })
/// }
///
/// operation("/api/v1/board-count", "getBoardCount", Subject::Governance, count).says(
///     "Views",
///     "Count the boards",
///     "Returns the number of boards that are not withdrawn.",
/// )
/// ```
pub trait View: Serialize + ToSchema + 'static {
    /// Formats that it offers in addition to JSON.
    const FORMATS: &'static [Format] = TABLES;

    /// The fields of its rows that are columns of its table: never those that the rows happen to
    /// have.
    fn fields(&self) -> Vec<Field>;

    /// Its rows, if it is asked for as a table.
    fn rows(&self) -> Vec<Value>;

    /// Its JSON.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    fn written(self) -> serde_json::Result<Vec<u8>>
    where
        Self: Sized,
    {
        serde_json::to_vec(&self)
    }

    /// Whether the rows are all there are. If they are not, there is no table of them.
    fn is_whole(&self) -> bool {
        true
    }

    /// The field whose codes a column has. It is the field that gives the column its name, unless a
    /// view names the column differently.
    #[must_use]
    fn field_of(column: &str) -> &str {
        column.rsplit('.').next().unwrap_or(column)
    }

    /// Its drawing as text, in a format of [`View::FORMATS`] that is not a table; none if it draws
    /// nothing.
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

/// The operation of a view that is more than a function of one world. Its handler makes the answer
/// and caches it.
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
                "Date to calculate the view for: deadlines before it are overdue. Defaults to the \
                    date of `as_of`.",
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
    let name = name_of(&call);
    let work = move || {
        service.answers.get_or_make(key, || {
            let view = compute(&asked)?;
            render(view, &asked.seen, (format, &name), &service)
        })
    };
    in_place(&call, work).await
}

/// Makes an answer where it holds up nobody: a table in its turn, because it has every row.
pub(super) async fn in_place(
    call: &Call,
    work: impl FnOnce() -> Result<Answer, Problem> + Send + 'static,
) -> Result<Answer, Problem> {
    if call.format.is_table() {
        let large = &call.service.large;
        let _place = large.admit(call.who()?.account)?;
        return large.whole(move |_| work()).await;
    }
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

pub(super) fn render<V: View>(
    view: V,
    seen: &VisibleWorld,
    (format, name): (Format, &str),
    service: &Service,
) -> Result<Answer, Problem> {
    if format == Format::Json {
        let json = view.written().map_err(Problem::internal)?;
        return Ok(Answer::json(200, json.into()));
    }
    if !format.is_table() {
        let text = view.drawn(format);
        let text = text.ok_or_else(|| {
            Problem::internal(format!(
                "{} offers {} but draws nothing",
                V::name(),
                format.word()
            ))
        })?;
        return Ok(formats::drawing(format, name, text));
    }
    if !view.is_whole() {
        let detail = "there are too many rows or columns for one table; narrow the view with its \
            parameters, or ask for JSON, which says how much was left out";
        return Err(Problem::new(Code::NotAcceptable, detail));
    }
    let codes = (service.codes)(&V::name());
    let column = |field: Field| Column {
        // The rows of a view are parts of it, in which a field keeps its name.
        codes: codes.anywhere(V::field_of(&field.name)),
        field,
    };
    let columns: Vec<Column> = view.fields().into_iter().map(column).collect();
    let rows = view.rows();
    debug_assert!(
        rows.iter()
            .filter_map(Value::as_object)
            .flat_map(|row| row.keys())
            .all(|name| columns.iter().any(|c| c.field.path.first() == Some(name))),
        "{}: a row has a field without a column",
        V::name()
    );
    let names = LinkNames::of(seen);
    let names = |id: &str| names.name(id);
    let rows = rows.iter().map(Row::deserialize);
    if format == Format::Xlsx {
        let mut book = formats::workbook(name, columns)?;
        for row in rows {
            book.add(&row.map_err(Problem::internal)?, &names)?;
        }
        let mut file = Vec::new();
        book.save(&mut file)?;
        return Ok(formats::table(format, name, file));
    }
    let mut csv = Csv::with_head(&columns)?;
    for row in rows {
        csv.add(&row.map_err(Problem::internal)?, &columns, &names)?;
    }
    Ok(formats::table(Format::Csv, name, csv.take()?))
}

/// Name of a view's file: the words of its path, without ids.
pub(super) fn name_of(call: &Call) -> String {
    let path = call.address.split('?').next().unwrap_or_default();
    let words = path.trim_start_matches("/api/v1/").split('/');
    let words = words.filter(|word| Uuid::try_parse(word).is_err());
    words.collect::<Vec<_>>().join("-")
}

/// A parameter that is an id, if given.
pub(super) fn id_of(asked: &Asked, name: &str) -> Result<Option<Uuid>, Problem> {
    asked
        .query
        .get(name)
        .map(|v| Uuid::try_parse(v).map_err(|_| invalid(name, "must be an id")))
        .transpose()
}

/// A window of days, both included. It must not end before it begins, and it must be shorter than
/// `longest` days; `words` says the same in words.
pub(super) fn window(
    from: NaiveDate,
    until: NaiveDate,
    (longest, words): (i64, &str),
) -> Result<(NaiveDate, NaiveDate), Problem> {
    if until < from {
        return Err(invalid(
            "until",
            &format!("must not be before from ({from})"),
        ));
    }
    if (until - from).num_days() >= longest {
        let detail = format!("is more than {words} after from; ask for a shorter window");
        return Err(invalid("until", &detail));
    }
    Ok((from, until))
}

/// The parameter that names an earlier time to compare with.
pub(super) fn compare_to() -> Value {
    query(
        "compare_to",
        "An earlier time to compare with. What was recorded then, calculated for its date, is \
            compared with the current answer. A day means the end of that day.",
        moment("2020-06-29"),
    )
}

/// A query parameter that takes one or more of these words.
pub(super) fn some_of(name: &str, what: &str, words: &[impl AsRef<str>]) -> Value {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let list = json!({ "type": "array", "items": { "type": "string", "enum": words }, "maxItems": crate::world::catalogue::MOST_VALUES });
    let mut parameter = query(name, what, list);
    crate::world::schema::set(&mut parameter, "style", "form");
    crate::world::schema::set(&mut parameter, "explode", false);
    parameter
}

/// A parameter that names one or more codes, separated by commas; empty if not given.
pub(super) fn words<T: serde::de::DeserializeOwned>(
    asked: &Asked,
    name: &str,
) -> Result<Vec<T>, Problem> {
    use serde::de::IntoDeserializer;
    let Some(text) = asked.query.get(name) else {
        return Ok(Vec::new());
    };
    if text.split(',').count() > crate::world::catalogue::MOST_VALUES {
        let detail = format!(
            "must not name more than {} values",
            crate::world::catalogue::MOST_VALUES
        );
        return Err(invalid(name, &detail));
    }
    let parse = |word: &str| {
        T::deserialize(word.trim().into_deserializer())
            .map_err(|NotAWord(detail)| invalid(name, &detail))
    };
    text.split(',').map(parse).collect()
}

/// Why a word is not valid for a parameter, with the words that are.
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
