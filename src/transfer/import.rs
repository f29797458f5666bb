//! Imports a file of observations: any number of rows in one call, read in pieces and committed in
//! batches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::engine::{Outcome, Txn};
use crate::http::json::no_member_twice;
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{query, schema_ref};
use crate::http::query::invalid;
use crate::http::resource::reason;
use crate::http::rows::{MEDIA_TYPES, Rows};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::performance::CategoryCode;
use crate::registers::performance::{
    BreakdownCategory, Classification, Figure, Figures, Measure, Observation, ObservationState,
    Period,
};
use crate::world::schema::{self, Schemas, add_answer, add_input};
use crate::world::vocabulary::Coded;
use crate::world::{AnyRecord, Kind, Rec, Resource, Text};

/// Number of rows that share a commit.
const PORTION: usize = 1_000;
/// Maximum number of errors in a response.
const NAMED: usize = 1_000;

/// A figure in a row. In CSV these are the columns, in any order; an empty cell counts as a field
/// left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ObservationRow {
    /// Reference or id of the measure.
    measure: Text<60, 1>,
    /// Period that the figure is for.
    #[schema(value_type = Period)]
    period: Option<Period>,
    /// Reference or id of the classification for the breakdown. Leave out for the total.
    #[serde(default)]
    classification: Option<Text<60, 1>>,
    /// Code of the category or aggregate.
    #[serde(default)]
    code: Option<CategoryCode>,
    /// Reference or id of a second classification.
    #[serde(default)]
    classification_2: Option<Text<60, 1>>,
    /// Code of the category or aggregate in the second classification.
    #[serde(default)]
    code_2: Option<CategoryCode>,
    /// Whether there is a figure.
    #[serde(default)]
    state: Option<ObservationState>,
    /// The figure.
    #[serde(default)]
    value: Option<Figure>,
    /// Number counted.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 999_999_999)]
    numerator: Option<u64>,
    /// Number of people or cases that the figure is based on.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 999_999_999)]
    denominator: Option<u64>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ImportError {
    /// Number of the row, from 1. In CSV the header row is not counted.
    #[schema(minimum = 1)]
    row: u64,
    /// Field with the error. Empty if the error concerns the whole row.
    field: Text<200>,
    /// Stable code for the kind of error.
    code: Text<60>,
    /// What is wrong and how to correct it.
    detail: Text<2000>,
}

/// Result of the import.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ImportResult {
    /// Whether this was a dry run.
    dry_run: bool,
    /// Number of rows in the body.
    rows: u64,
    /// Number of rows recorded as new observations.
    accepted: u64,
    /// Number of rows that corrected an observation, each as a new version.
    corrected: u64,
    /// Number of rows that match existing records.
    unchanged: u64,
    /// Number of rows refused.
    refused: u64,
    /// Errors in the refused rows, in order, up to the first 1,000.
    #[schema(max_items = 1000)]
    errors: Vec<ImportError>,
}

impl ImportResult {
    fn refuse(&mut self, errors: impl IntoIterator<Item = ImportError>) {
        self.refused += 1;
        let room = NAMED.saturating_sub(self.errors.len());
        self.errors.extend(errors.into_iter().take(room));
    }

    fn add(&mut self, portion: Self) {
        self.accepted += portion.accepted;
        self.corrected += portion.corrected;
        self.unchanged += portion.unchanged;
        self.refused += portion.refused;
        let room = NAMED.saturating_sub(self.errors.len());
        self.errors.extend(portion.errors.into_iter().take(room));
    }
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ImportResult>(schemas);
    add_input::<ObservationRow>(schemas);
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let row = json!({ "measure": "MSR-0001", "period": "2020-Q3", "classification": "CLS-0001", "code": "A1", "value": 125, "denominator": 2400 });
    vec![
        Operation::new(
            "POST",
            "/api/v1/observations/import",
            "importObservations",
            Access::Needs(Subject::Performance, Act::Create),
            import,
        )
        .says(
            "Observations",
            "Import observations",
            "Send any number of rows in one call, as NDJSON (one such object on each line) or as \
                CSV with a header row of the same names, where a state may be its code or its label. \
                The body is read in pieces: every 1,000 \
                rows are checked and committed together, so the import as a whole is not atomic. \
                A refused row is listed in the response and does not stop other rows. If a call \
                breaks off, send it again: rows that match existing records count as unchanged. \
                A row that differs from a recorded figure is refused, or corrects it with \
                `on_conflict=correct`. You need the role in the scope of each row's measure.",
        )
        .takes([
            reason(),
            query(
                "on_conflict",
                "`refuse`: the recorded figure is kept. `correct`: the row creates a new version \
                    of it.",
                json!({ "type": "string", "enum": ["refuse", "correct"], "default": "refuse" }),
            ),
            query(
                "dry_run",
                "Check everything but write nothing. Duplicate rows are then found only within \
                    the same 1,000 rows.",
                json!({ "type": "boolean", "default": false }),
            ),
        ])
        .body(MEDIA_TYPES, schema_ref("ObservationRowInput"), row)
        .streamed()
        .answers(200, "The result of the import.", schema_ref("ImportResult"))
        .refuses(&[Code::RuleViolation]),
    ]
}

async fn import(mut call: Call) -> Result<Answer, Problem> {
    let corrects = match call.query.get("on_conflict") {
        None | Some("refuse") => false,
        Some("correct") => true,
        Some(_) => return Err(invalid("on_conflict", "must be refuse or correct")),
    };
    let mut write = call.write()?;
    write.dry_run = call.query.flag("dry_run")?;
    let mut reader = Reader {
        rows: Rows::of(&mut call)?,
        columns: None,
        next: 1,
    };
    let mut result = ImportResult {
        dry_run: write.dry_run,
        ..ImportResult::default()
    };
    let mut portion = reader.next().await?;
    while let Some(rows) = portion {
        result.rows += rows.len() as u64;
        let done = Arc::new(Mutex::new(ImportResult::default()));
        let into = Arc::clone(&done);
        write.changes = rows.len();
        let job = move |txn: &mut Txn<'_>| {
            let taken = Taking::new(txn, corrects)?.take(rows)?;
            *into.lock().unwrap_or_else(PoisonError::into_inner) = taken;
            Ok(Outcome {
                status: 200,
                ..Outcome::default()
            })
        };
        // The next rows are read while these are written.
        let (written, next) =
            tokio::join!(call.service.engine.write(write.clone(), job), reader.next());
        let so_far = |problem: Problem| broke_off(problem, &result);
        written.map_err(so_far)?;
        result.add(std::mem::take(
            &mut *done.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        portion = next.map_err(|problem| broke_off(problem, &result))?;
    }
    Answer::of(200, &result)
}

/// Says how many rows were recorded before the error.
fn broke_off(mut problem: Problem, result: &ImportResult) -> Problem {
    let taken = result.accepted + result.corrected;
    if taken > 0 && !result.dry_run {
        problem.detail = format!(
            "{}; {taken} rows were recorded before this error and will count as unchanged if sent \
                again",
            problem.detail
        );
    }
    problem
}

/// A row with its number, or what is wrong with its format.
type Read = (u64, Result<ObservationRow, ImportError>);

/// Reads rows in batches.
struct Reader {
    rows: Rows,
    /// The columns of a CSV file.
    columns: Option<csv::StringRecord>,
    /// Number of the next row.
    next: u64,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Vec<Read>>, Problem> {
        loop {
            let Some(bytes) = self.rows.next(PORTION).await? else {
                return Ok(None);
            };
            let rows = if self.rows.is_csv {
                self.csv(&bytes)?
            } else {
                self.ndjson(&bytes)
            };
            // A batch with only a header or empty lines is not the end.
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn ndjson(&mut self, bytes: &Bytes) -> Vec<Read> {
        let lines = bytes
            .split(|b| *b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|l| !l.is_empty());
        lines
            .map(|line| {
                let row = self.number();
                (
                    row,
                    serde_json::from_slice(line).map_err(|e| faulty_json(row, line, &e)),
                )
            })
            .collect()
    }

    fn csv(&mut self, bytes: &Bytes) -> Result<Vec<Read>, Problem> {
        let malformed = |e: csv::Error| {
            Problem::new(Code::MalformedBody, format!("the CSV cannot be read: {e}"))
        };
        // Spreadsheets often write a byte order mark at the start of a file.
        let text = bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .filter(|_| self.columns.is_none())
            .unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut record = csv::ByteRecord::new();
        let mut rows = Vec::with_capacity(PORTION);
        while reader.read_byte_record(&mut record).map_err(malformed)? {
            match &self.columns {
                None => self.columns = Some(header(&record)?),
                Some(columns) => {
                    let row = self.next;
                    rows.push((row, cells(row, columns, &record)));
                    self.next += 1;
                }
            }
        }
        Ok(rows)
    }
}

const COLUMNS: [&str; 10] = [
    "measure",
    "period",
    "classification",
    "code",
    "classification_2",
    "code_2",
    "state",
    "value",
    "numerator",
    "denominator",
];

fn header(record: &csv::ByteRecord) -> Result<csv::StringRecord, Problem> {
    let refused = |detail: String| Problem::field(Code::MalformedBody, "", "header", detail);
    let names = csv::StringRecord::from_byte_record_lossy(record.clone());
    let mut seen: Vec<&str> = Vec::new();
    for name in names.iter().map(str::trim) {
        if !COLUMNS.contains(&name) || seen.contains(&name) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
            let known = COLUMNS.join(", ");
            return Err(refused(format!(
                "the header row has `{name}`, which is not a column or appears twice; the columns \
                    are {known}"
            )));
        }
        seen.push(name);
    }
    if !seen.contains(&"measure") || !seen.contains(&"period") {
        return Err(refused(
            "the header row must contain measure and period".into(),
        ));
    }
    Ok(names)
}

fn fault(row: u64, field: &str, code: &str, detail: impl Into<String>) -> ImportError {
    ImportError {
        row,
        field: Text::cut(field),
        code: Text::cut(code),
        detail: Text::cut(detail),
    }
}

/// Returns what is wrong with a line that is not a row, in the words of every other body. `parsed`
/// is what the parser says, of which only the place is told.
fn faulty_json(row: u64, line: &[u8], parsed: &serde_json::Error) -> ImportError {
    let first = |problem: Problem, value: Option<&Value>| {
        let Some(error) = problem.errors.into_iter().next() else {
            return fault(row, "", "invalid", problem.detail);
        };
        let field = error.pointer.trim_start_matches('/');
        let sent = value.and_then(|v| v.pointer(&error.pointer));
        let detail = match sent {
            Some(sent) => told(&sent.to_string(), &error.detail),
            None => error.detail,
        };
        fault(row, field, &error.code, detail)
    };
    if let Err(twice) = no_member_twice(line) {
        return first(twice, None);
    }
    let value = match serde_json::from_slice::<Value>(line) {
        Ok(value) if value.is_object() => value,
        Ok(_) => return fault(row, "", "type", "must be one JSON object on each line"),
        Err(e) => {
            let detail = format!("not valid JSON: error at column {}", e.column());
            return fault(row, "", "invalid", detail);
        }
    };
    match schema::check(&schema::input_validator::<ObservationRow>(), &value) {
        Err(problem) => first(problem, Some(&value)),
        // The schema allows a little more than can be recorded.
        Ok(()) => {
            let detail = format!("cannot be read at column {}", parsed.column());
            fault(row, "", "invalid", detail)
        }
    }
}

/// A value that is refused, and what is allowed.
fn told(value: &str, allowed: &str) -> String {
    let shown: String = value.chars().filter(|c| !c.is_control()).take(60).collect();
    let more = if value.chars().count() > 60 {
        "…"
    } else {
        ""
    };
    format!("{shown}{more} is not allowed: {allowed}")
}

fn cells(
    row: u64,
    columns: &csv::StringRecord,
    record: &csv::ByteRecord,
) -> Result<ObservationRow, ImportError> {
    if record.len() > columns.len() {
        return Err(fault(
            row,
            "",
            "too_many_cells",
            "has more cells than the header row has columns",
        ));
    }
    let mut read = ObservationRow::default();
    for (name, cell) in columns.iter().map(str::trim).zip(record) {
        let text = std::str::from_utf8(cell)
            .map_err(|_| fault(row, name, "encoding", "is not UTF-8"))?
            .trim();
        if text.is_empty() {
            continue;
        }
        let refused = |code: &str, allowed: &str| fault(row, name, code, told(text, allowed));
        let number = || {
            text.parse::<u64>()
                .map_err(|_| refused("type", "must be a whole number, 0 or more"))
        };
        match name {
            "measure" => read.measure = Text::known(text),
            "period" => read.period = Some(text.parse().map_err(|e: &str| refused("invalid", e))?),
            "classification" => read.classification = Some(Text::known(text)),
            "code" => read.code = Some(Text::known(text)),
            "classification_2" => read.classification_2 = Some(Text::known(text)),
            "code_2" => read.code_2 = Some(Text::known(text)),
            "state" => {
                read.state = Some(ObservationState::read(text).ok_or_else(|| {
                    refused(
                        "enum",
                        "must be one of present, missing, not_stated, or the label of one",
                    )
                })?)
            }
            "value" => read.value = Some(text.parse().map_err(|e: &str| refused("invalid", e))?),
            "numerator" => read.numerator = Some(number()?),
            "denominator" => read.denominator = Some(number()?),
            _ => {}
        }
    }
    Ok(read)
}

/// A batch of rows being imported.
struct Taking<'a, 'b> {
    txn: &'a mut Txn<'b>,
    kind: &'static Kind,
    corrects: bool,
    /// Ids found for references, kept because many rows use the same ones.
    known: HashMap<(&'static str, String), Option<Uuid>>,
    result: ImportResult,
}

/// The categories of a row's breakdown, each with the column that names it.
type Named = Vec<(BreakdownCategory, &'static str)>;

impl<'a, 'b> Taking<'a, 'b> {
    fn new(txn: &'a mut Txn<'b>, corrects: bool) -> Result<Self, Problem> {
        let kind = txn.world.catalogue().named(Observation::KIND);
        Ok(Self {
            kind: kind.ok_or_else(|| Problem::internal("the catalogue has no observations"))?,
            txn,
            corrects,
            known: HashMap::new(),
            result: ImportResult::default(),
        })
    }

    fn take(mut self, rows: Vec<Read>) -> Result<ImportResult, Problem> {
        for (row, read) in rows {
            match read.and_then(|read| self.figure(row, read)) {
                Ok((data, columns)) => self.record(row, data, &columns)?,
                Err(error) => self.result.refuse([error]),
            }
        }
        Ok(self.result)
    }

    /// Returns the id for a reference, if the record is visible to the caller.
    fn find<R: Resource>(&mut self, text: &str) -> Option<Uuid> {
        if let Some(found) = self.known.get(&(R::KIND, text.to_owned())) {
            return *found;
        }
        let by_reference = || {
            let table = self.txn.world.table_of::<R>()?;
            table
                .all_with_reference(text)
                .find(|id| self.txn.may_see(*id))
        };
        let id = Uuid::try_parse(text).ok().or_else(by_reference);
        let found = id.filter(|id| self.txn.world.get::<R>(*id).is_some() && self.txn.may_see(*id));
        self.known.insert((R::KIND, text.to_owned()), found);
        found
    }

    /// Returns the observation in a row, and the column that each category came from.
    fn figure(
        &mut self,
        row: u64,
        read: ObservationRow,
    ) -> Result<(Observation, Named), ImportError> {
        let unknown = |field: &str, what: &str| {
            fault(
                row,
                field,
                "unknown",
                format!("there is no {what} with this reference or id"),
            )
        };
        let measure_id = self
            .find::<Measure>(&read.measure)
            .ok_or_else(|| unknown("measure", "measure"))?;
        let period = read
            .period
            .ok_or_else(|| fault(row, "period", "required", "must be given"))?;
        let mut columns = Vec::new();
        for (classification, code, field, suffix) in [
            (read.classification, read.code, "classification", ""),
            (read.classification_2, read.code_2, "classification_2", "_2"),
        ] {
            match (classification, code) {
                (None, None) => {}
                (Some(name), Some(code)) => {
                    let found = self.find::<Classification>(&name);
                    let classification_id =
                        found.ok_or_else(|| unknown(field, "classification"))?;
                    columns.push((
                        BreakdownCategory {
                            classification_id: classification_id.into(),
                            code,
                        },
                        suffix,
                    ));
                }
                _ => {
                    return Err(fault(
                        row,
                        field,
                        "required",
                        "classification and code go together; give both or neither",
                    ));
                }
            }
        }
        let within = |n: Option<u64>| n.is_none_or(|n| n <= 999_999_999);
        for (number, field) in [
            (read.numerator, "numerator"),
            (read.denominator, "denominator"),
        ] {
            if !within(number) {
                return Err(fault(row, field, "maximum", "must be at most 999999999"));
            }
        }
        columns.sort();
        let figures = Figures {
            state: read.state.unwrap_or_default(),
            value: read.value,
            numerator: read.numerator,
            denominator: read.denominator,
        };
        let breakdown: Vec<_> = columns
            .iter()
            .map(|(category, _)| category.clone())
            .collect();
        Ok((
            Observation::new(measure_id, period, breakdown, figures),
            columns,
        ))
    }

    /// Records a row under the same rules as a single observation.
    fn record(
        &mut self,
        row: u64,
        data: Observation,
        columns: &[(BreakdownCategory, &'static str)],
    ) -> Result<(), Problem> {
        let key = data.unique().unwrap_or_default();
        let table = self.txn.world.table(self.kind.index);
        let before = table
            .and_then(|t| t.by_unique(&key).find(|r| self.txn.may_see(r.meta().id)))
            .map(Arc::clone);
        let kind = self.kind;
        let done = match before {
            None => {
                let made = self.txn.part(|txn| txn.create_typed(kind, data));
                made.map(|_| self.result.accepted += 1)
            }
            Some(before) => self.again(&before, data),
        };
        match done {
            Ok(()) => Ok(()),
            Err(problem) if problem.code.status() >= 500 => Err(problem),
            Err(problem) => {
                self.result.refuse(explained(row, problem, columns));
                Ok(())
            }
        }
    }

    /// Handles a row for a figure that is already recorded.
    fn again(&mut self, before: &Arc<dyn AnyRecord>, data: Observation) -> Result<(), Problem> {
        let (id, kind) = (before.meta().id, self.kind);
        // Callers who may not change the figure must not find out its value by trial.
        self.txn.in_scope(kind, Act::Update, id)?;
        let is_same = before
            .as_any()
            .downcast_ref::<Rec<Observation>>()
            .is_some_and(|o| o.data.says(&data));
        if is_same {
            self.result.unchanged += 1;
        } else if self.corrects {
            self.txn.part(|txn| txn.update_typed(kind, id, data))?;
            self.result.corrected += 1;
        } else {
            let detail = format!(
                "{} records a different figure; correct it, or send on_conflict=correct",
                before.meta().reference
            );
            return Err(Problem::field(
                Code::RuleViolation,
                "/value",
                "recorded",
                detail,
            ));
        }
        Ok(())
    }
}

/// Turns a refusal into errors that name the columns of the row.
fn explained(
    row: u64,
    problem: Problem,
    columns: &[(BreakdownCategory, &'static str)],
) -> Vec<ImportError> {
    if problem.errors.is_empty() {
        return vec![fault(row, "measure", problem.code.slug(), problem.detail)];
    }
    let field = |pointer: &str| {
        let pointer = pointer.trim_start_matches('/');
        let mut parts = pointer.split('/');
        let (first, place, name) = (parts.next(), parts.next(), parts.next());
        let suffix = place
            .and_then(|p| p.parse::<usize>().ok())
            .and_then(|n| columns.get(n))
            .map(|(_, s)| *s);
        match (first, suffix, name) {
            (Some("breakdown"), Some(suffix), Some(name)) => {
                format!("{}{suffix}", name.trim_end_matches("_id"))
            }
            (Some("measure_id"), ..) => "measure".to_owned(),
            _ => pointer.to_owned(),
        }
    };
    let errors = problem.errors.into_iter();
    errors
        .map(|e| fault(row, &field(&e.pointer), &e.code, e.detail))
        .collect()
}
