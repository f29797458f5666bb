//! The operations for any kind of record: list, create, read, change, withdraw, restore, history,
//! difference, bulk.

use std::sync::{Arc, LazyLock};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use heck::ToUpperCamelCase;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{Answer, put_array};
use super::call::Call;
use super::formats::{self, TABLES, TEXT};
use super::operation::{Access, Announced, Operation, Tag};
use super::parameters::{header, id_parameter, query, schema_ref};
use super::{history, page};
use crate::engine::{Outcome, Txn};
use crate::policy::Act;
use crate::problem::{Code, FieldError, Problem};
use crate::world::record::word;
use crate::world::{AnyRecord, Kind, Text, schema};

/// Base path of every record operation.
pub const BASE: &str = "/api/v1";

pub(crate) const JSON_BODY: &[&str] = &["application/json"];
const PATCH_BODY: &[&str] = &["application/merge-patch+json", "application/json"];

/// The names of a kind in texts, schemas and paths.
pub struct Names {
    /// `work plan item`
    pub one: String,
    /// `a work plan item`; no article for a kind that English does not count, as in `minutes`.
    pub one_of: String,
    /// `work plan items`
    pub many: String,
    /// `WorkPlanItem`
    pub type_name: String,
    /// `WorkPlanItems`
    pub plural: String,
}

impl Names {
    /// The names of a kind.
    #[must_use]
    pub fn of(kind: &Kind) -> Self {
        let (one, many) = match kind.name {
            "board_relationship" => (
                "board relationship".to_owned(),
                "board relationships".to_owned(),
            ),
            "evidence" => ("evidence record".to_owned(), "evidence records".to_owned()),
            "good_practice" => (
                "good practice example".to_owned(),
                "good practice examples".to_owned(),
            ),
            "setting_set" => ("set of settings".to_owned(), "sets of settings".to_owned()),
            name => (name.replace('_', " "), kind.path.replace('-', " ")),
        };
        let one_of = match kind.name {
            "minutes" | "terms_of_reference" => one.clone(),
            _ => a(&one),
        };
        Self {
            one,
            one_of,
            many,
            type_name: kind.schema_name.clone(),
            plural: kind.path.to_upper_camel_case(),
        }
    }

    /// The path of a kind's collection.
    pub fn collection(kind: &Kind) -> String {
        format!("{BASE}/{}", kind.path)
    }
}

fn handler<F>(kind: &'static Kind, run: fn(Call, &'static Kind) -> F) -> super::operation::Handler
where
    F: Future<Output = Result<Answer, Problem>> + 'static,
{
    Arc::new(move |call| -> LocalBoxFuture<'static, _> { Box::pin(run(call, kind)) })
}

/// One of the operations that kinds have.
struct OfEachKind {
    method: &'static str,
    /// Its path after that of the collection.
    path: &'static str,
    is_offered: fn(&Kind) -> bool,
    define: fn(&'static Kind, &Names, Place) -> Operation,
}

/// The method and path of an operation.
type Place = (&'static str, String);

/// A row of the table below.
const fn each(
    method: &'static str,
    path: &'static str,
    define: fn(&'static Kind, &Names, Place) -> Operation,
) -> OfEachKind {
    OfEachKind {
        method,
        path,
        is_offered: |_| true,
        define,
    }
}

const OF_EACH_KIND: [OfEachKind; 9] = [
    each("GET", "", list),
    OfEachKind {
        is_offered: |kind| kind.offers_create,
        ..each("POST", "", create)
    },
    each("GET", "/{id}", get),
    OfEachKind {
        is_offered: |kind| !kind.append_only,
        ..each("PATCH", "/{id}", update)
    },
    each("DELETE", "/{id}", withdraw),
    each("POST", "/{id}/restore", restore),
    each("GET", "/{id}/history", versions),
    each("GET", "/{id}/difference", difference),
    each("POST", "/bulk", bulk),
];

/// The operations of a kind.
pub fn operations(kind: &'static Kind) -> impl Iterator<Item = Announced> {
    let offered = OF_EACH_KIND.iter().filter(|o| (o.is_offered)(kind));
    offered.map(move |o| {
        let path = format!("{}{}", Names::collection(kind), o.path);
        let place = (o.method, path.clone());
        Announced::new(o.method, path, move || {
            (o.define)(kind, &Names::of(kind), place.clone())
        })
    })
}

/// `a board`, `an escalation`.
fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// The group in which a kind's operations are listed.
pub fn tag(kind: &Kind) -> String {
    let mut words = kind.path.replace('-', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// Schema for a time or a day.
pub fn moment(example: &str) -> Value {
    const PATTERN: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$";
    json!({ "type": "string", "maxLength": 40, "pattern": PATTERN, "example": example })
}

/// The query parameter for reading the past.
#[must_use]
pub fn as_of() -> Value {
    query(
        "as_of",
        "Return what was recorded at this time. A day means the end of that day.",
        moment("2020-10-26T12:00:00Z"),
    )
}

/// The query parameter for the reason of a change.
#[must_use]
pub fn reason() -> Value {
    query(
        "reason",
        "Reason for the change, recorded in the journal. Must not contain personal data.",
        json!({ "type": "string", "minLength": 1, "maxLength": 1000 }),
    )
}

/// The header that makes a request safe to repeat.
#[must_use]
pub fn idempotency() -> Value {
    header(
        "Idempotency-Key",
        false,
        "Makes the request safe to repeat for 24 hours. The same key with the same request gets \
            the same response as the first time. A repeat that arrives while the first request \
            is being processed waits for it.",
        json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" }),
    )
}

/// The header with the version to be changed.
#[must_use]
pub fn if_match() -> Value {
    header(
        "If-Match",
        true,
        "ETag of the record when you read it, or several, separated by commas.",
        json!({ "type": "string", "maxLength": 400, "pattern": "^\"[1-9][0-9]{0,17}([.][0-9a-f]{16})?\"(, *\"[1-9][0-9]{0,17}([.][0-9a-f]{16})?\")*$", "example": "\"1\"" }),
    )
}

/// Parameters of every list, followed by those of the kind.
fn list_parameters(kind: &Kind) -> Vec<Value> {
    let words = kind.sorts.join("|");
    let mut all = vec![
        page::limit_parameter("Records"),
        query(
            "cursor",
            "`next_cursor` of the previous page. Valid only with the same filters and order.",
            json!({ "type": "string", "maxLength": 2000 }),
        ),
        json!({
            "name": "sort", "in": "query", "explode": false,
            "description": "Order: field names, with a `-` before one for descending.",
            "schema": {
                "type": "array", "minItems": 1, "maxItems": 10, "default": ["reference"],
                "items": { "type": "string", "maxLength": 60, "pattern": format!("^-?({words})$") }
            }
        }),
        query(
            "q",
            "Full-text search, ignoring case, accents and kinds of apostrophes and dashes. Every word must \
                occur, as a word or as part of one.",
            json!({ "type": "string", "maxLength": 200 }),
        ),
        query(
            "reference",
            "Only the record with this reference, in upper or lower case.",
            json!({ "type": "string", "maxLength": 60 }),
        ),
        query(
            "updated_since",
            "Only records changed at or after this time. A day means its start.",
            moment("2020-10-01T00:00:00Z"),
        ),
        query(
            "include_withdrawn",
            "Include withdrawn records.",
            json!({ "type": "boolean", "default": false }),
        ),
        query(
            "include_total",
            "Return the number of all matches in `total`; otherwise it is null.",
            json!({ "type": "boolean", "default": false }),
        ),
        as_of(),
        formats::parameter(TABLES),
    ];
    all.extend((kind.filter_params)());
    all
}

fn list(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("list{}", n.plural),
        Access::Needs(kind.subject, Act::Read),
        handler(kind, page::list),
    )
    .says(&tag(kind), &format!("List {}", n.many), kind.about)
    .takes(list_parameters(kind))
    .answers(
        200,
        &format!("A page of {}.", n.many),
        schema_ref(&format!("{}Page", n.type_name)),
    )
    .refuses(&[Code::InvalidCursor])
    .etag(Tag::Journal)
    .formats(TABLES)
}

fn create(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("create{}", n.type_name),
        Access::Needs(kind.subject, Act::Create),
        handler(kind, post),
    )
    .settled_by_writer()
    .says(&tag(kind), &format!("Create {}", n.one_of), "")
    .takes([idempotency(), reason()])
    .body(
        JSON_BODY,
        schema_ref(&format!("{}Input", n.type_name)),
        (kind.example)(),
    )
    .creates(&n.one, &n.type_name)
    .refuses(&[
        Code::InvalidHeader,
        Code::ReferenceTaken,
        Code::TransitionRefused,
        Code::RuleViolation,
        Code::IdempotencyKeyReused,
    ])
}

fn get(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("get{}", n.type_name),
        Access::Needs(kind.subject, Act::Read),
        handler(kind, read),
    )
    .says(&tag(kind), &format!("Read {}", n.one_of), "")
    .takes([id_parameter("record"), as_of()])
    .answers(200, &format!("The {}.", n.one), schema_ref(&n.type_name))
    .etag(Tag::Version)
}

fn update(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("update{}", n.type_name),
        Access::Needs(kind.subject, Act::Update),
        handler(kind, patch),
    )
    .settled_by_writer()
    .says(
        &tag(kind),
        &format!("Change {}", n.one_of),
        "Accepts a JSON merge patch.",
    )
    .takes([id_parameter("record"), if_match(), idempotency(), reason()])
    .body(
        PATCH_BODY,
        schema_ref(&format!("{}Patch", n.type_name)),
        json!({ "marking": "official" }),
    )
    .answers(200, &format!("The {}.", n.one), schema_ref(&n.type_name))
    .tagged()
    .refuses(&[
        Code::InvalidHeader,
        Code::Conflict,
        Code::ReferenceTaken,
        Code::TransitionRefused,
        Code::VersionMismatch,
        Code::RuleViolation,
        Code::IdempotencyKeyReused,
        Code::PreconditionRequired,
    ])
}

fn withdraw(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("withdraw{}", n.type_name),
        Access::Needs(kind.subject, Act::Withdraw),
        handler(kind, delete),
    )
    .settled_by_writer()
    .says(
        &tag(kind),
        &format!("Withdraw {}", n.one_of),
        "Nothing is deleted.",
    )
    .takes([
        id_parameter("record"),
        if_match(),
        query(
            "within",
            "`withdraw`: also withdraw the records that are part of it, at any depth, for the same \
                reason. Without it, a record with such parts cannot be withdrawn.",
            json!({ "type": "string", "enum": ["withdraw"] }),
        ),
        reason(),
    ])
    .answers(200, &format!("The {}.", n.one), schema_ref(&n.type_name))
    .tagged()
    .refuses(&[
        Code::InvalidHeader,
        Code::Conflict,
        Code::InUse,
        Code::VersionMismatch,
        Code::RuleViolation,
        Code::PreconditionRequired,
    ])
}

fn restore(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("restore{}", n.type_name),
        Access::Needs(kind.subject, Act::Withdraw),
        handler(kind, undelete),
    )
    .settled_by_writer()
    .says(&tag(kind), &format!("Restore {}", n.one_of), "")
    .takes([
        id_parameter("record"),
        idempotency(),
        query(
            "within",
            "`restore`: also restore the records that were withdrawn with it because they are part \
                of it. Without it, they stay withdrawn.",
            json!({ "type": "string", "enum": ["restore"] }),
        ),
        reason(),
    ])
    .answers(200, &format!("The {}.", n.one), schema_ref(&n.type_name))
    .tagged()
    .refuses(&[
        Code::InvalidHeader,
        Code::Conflict,
        Code::RuleViolation,
        Code::TransitionRefused,
        Code::IdempotencyKeyReused,
    ])
}

fn versions(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    Operation::with(
        at.0,
        at.1,
        format!("list{}History", n.type_name),
        Access::Needs(kind.subject, Act::Read),
        handler(kind, history::history),
    )
    .says(
        &tag(kind),
        &format!("List the history of {}", n.one_of),
        "Oldest first.",
    )
    .takes([
        id_parameter("record"),
        page::limit_parameter("Versions"),
        query(
            "cursor",
            "`next_cursor` of the previous page.",
            json!({ "type": "string", "maxLength": 20, "pattern": "^[0-9]+$" }),
        ),
        formats::parameter(TEXT),
    ])
    .answers(200, "A page of versions.", schema_ref("VersionEntryPage"))
    .etag(Tag::Journal)
    .formats(TEXT)
}

fn difference(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    let version = |name: &str, what: &str| {
        let mut p = query(
            name,
            what,
            json!({ "type": "integer", "format": "int64", "minimum": 1 }),
        );
        schema::set(&mut p, "required", true);
        p
    };
    Operation::with(
        at.0,
        at.1,
        format!("compare{}Versions", n.type_name),
        Access::Needs(kind.subject, Act::Read),
        handler(kind, history::compare),
    )
    .says(
        &tag(kind),
        &format!("Compare two versions of {}", n.one_of),
        "",
    )
    .takes([
        id_parameter("record"),
        version("from", "The earlier version."),
        version("to", "The later version."),
    ])
    .answers(200, "The differences.", schema_ref("VersionDifference"))
    .etag(Tag::Journal)
}

fn bulk(kind: &'static Kind, n: &Names, at: Place) -> Operation {
    let example = json!({ "operations": [{ "op": "withdraw", "id": "019abcde-0000-7000-8000-000000000001", "if_match": 1 }] });
    Operation::with(
        at.0,
        at.1,
        format!("bulk{}", n.plural),
        Access::Needs(kind.subject, Act::Read),
        handler(kind, many),
    )
    .settled_by_writer()
    .says(&tag(kind), &format!("Change many {}", n.many), "")
    .takes([
        idempotency(),
        reason(),
        query(
            "mode",
            "`atomic`: all or nothing. `each`: every operation succeeds or fails on its own.",
            json!({ "type": "string", "enum": ["atomic", "each"], "default": "atomic" }),
        ),
        query(
            "dry_run",
            "Check everything but write nothing.",
            json!({ "type": "boolean", "default": false }),
        ),
    ])
    .body(
        JSON_BODY,
        schema_ref(&format!("{}Bulk", n.type_name)),
        example,
    )
    .answers(
        200,
        "What became of each operation.",
        schema_ref(&format!("{}BulkResult", n.type_name)),
    )
    .answers(
        207,
        "What became of each operation.",
        schema_ref(&format!("{}BulkResult", n.type_name)),
    )
    .refuses(&[
        Code::InvalidHeader,
        Code::NotFound,
        Code::Conflict,
        Code::ReferenceTaken,
        Code::TransitionRefused,
        Code::InUse,
        Code::VersionMismatch,
        Code::RuleViolation,
        Code::IdempotencyKeyReused,
        Code::PreconditionRequired,
    ])
}

async fn read(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let id = call.id()?;
    let (seen, _) = call.world().await?;
    let Some(record) = seen.any(id).filter(|r| r.meta().kind() == kind.index) else {
        return Err(history::not_recorded(&call, kind, id, seen.seq()).await);
    };
    Ok(Answer::record(200, &seen.show(record)?))
}

fn changed(txn: &Txn<'_>, record: &Arc<dyn AnyRecord>) -> Result<Outcome, Problem> {
    Ok(Answer::record(200, &txn.show(record)?).into())
}

async fn post(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let draft = call.object()?;
    let write = call.write()?;
    call.change(write, move |txn| {
        let record = txn.create(kind, None, draft)?;
        let location = format!("{BASE}/{}/{}", kind.path, record.meta().id);
        Ok(Answer::record(201, &txn.show(&record)?)
            .header("Location", location)
            .into())
    })
    .await
}

async fn patch(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let (id, versions, patch, write) =
        (call.id()?, call.if_match()?, call.object()?, call.write()?);
    call.change(write, move |txn| {
        let record = txn.patch(kind, id, &versions, patch)?;
        changed(txn, &record)
    })
    .await
}

/// Whether the parts of the record are to be withdrawn or restored as well.
fn within(call: &Call, op: BulkOp) -> Result<bool, Problem> {
    let op = word(&op);
    match call.query.get("within") {
        None => Ok(false),
        Some(asked) if asked == op => Ok(true),
        Some(_) => Err(super::query::invalid("within", &format!("must be {op}"))),
    }
}

async fn delete(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let (id, versions, write) = (call.id()?, call.if_match()?, call.write()?);
    let within = within(&call, BulkOp::Withdraw)?;
    call.change(write, move |txn| {
        let record = txn.withdraw(kind, id, &versions, within)?;
        changed(txn, &record)
    })
    .await
}

async fn undelete(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let (id, write) = (call.id()?, call.write()?);
    let within = within(&call, BulkOp::Restore)?;
    call.change(write, move |txn| {
        let record = txn.restore(kind, id, None, within)?;
        changed(txn, &record)
    })
    .await
}

/// Type of operation in a bulk call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum BulkOp {
    /// Creates a record; needs `record`.
    Create,
    /// Changes a record; needs `id`, `if_match` and `patch`.
    Update,
    /// Withdraws a record; needs `id` and `if_match`.
    Withdraw,
    /// Restores a withdrawn record; needs `id`.
    Restore,
}

/// What a bulk operation does to the parts of its record as well; the same as its `op`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum BulkWithin {
    /// Withdraws the live parts of the record with it.
    Withdraw,
    /// Restores the parts that were withdrawn with the record.
    Restore,
}

impl BulkOp {
    /// What the caller must be allowed to do.
    const fn act(self) -> Act {
        match self {
            Self::Create => Act::Create,
            Self::Update => Act::Update,
            Self::Withdraw | Self::Restore => Act::Withdraw,
        }
    }
}

/// Why one operation in a bulk call was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkProblem {
    /// Code of this kind of problem, for programs.
    #[schema(value_type = Code)]
    pub code: String,
    /// Title of this kind of problem, the same every time it occurs.
    pub title: Text<200>,
    /// What went wrong this time, as a sentence.
    pub detail: Text<4000>,
    /// Every error found, with its place in the operation.
    #[schema(max_items = 100)]
    pub errors: Vec<FieldError>,
}

impl From<Problem> for BulkProblem {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code.slug().into(),
            title: Text::cut(problem.code.title()),
            detail: Text::cut(problem.detail),
            errors: problem.errors,
        }
    }
}

/// One operation in a bulk call.
#[derive(Deserialize)]
pub struct BulkOperation {
    op: BulkOp,
    id: Option<Uuid>,
    if_match: Option<i64>,
    record: Option<Value>,
    patch: Option<Value>,
    within: Option<BulkWithin>,
}

impl BulkOperation {
    /// Runs the operation and returns the resulting record.
    ///
    /// # Errors
    /// The same as for the operation on its own.
    pub fn run(self, kind: &Kind, txn: &mut Txn<'_>) -> Result<Arc<dyn AnyRecord>, Problem> {
        let op = self.op;
        let need = |field: &str| {
            Problem::field(
                Code::InvalidBody,
                format!("/{field}"),
                "required",
                format!("is required for this op ({})", word(&op)),
            )
        };
        let id = || self.id.ok_or_else(|| need("id"));
        let version = || self.if_match.ok_or_else(|| need("if_match"));
        let fits = match self.within {
            None => true,
            Some(BulkWithin::Withdraw) => op == BulkOp::Withdraw,
            Some(BulkWithin::Restore) => op == BulkOp::Restore,
        };
        if !fits {
            return Err(Problem::field(
                Code::RuleViolation,
                "/within",
                "invalid",
                "must be the same as op: withdraw or restore",
            ));
        }
        let within = self.within.is_some();
        txn.caller.require(kind.subject, op.act())?;
        match op {
            BulkOp::Create if !kind.offers_create => Err(Problem::field(
                Code::RuleViolation,
                "/op",
                "not_offered",
                "these records are created by their own operation, one at a time; see the \
                    description of their list",
            )),
            BulkOp::Create => {
                let record = self.record.ok_or_else(|| need("record"))?;
                txn.create(kind, None, record)
                    .map_err(|p| below(p, "/record"))
            }
            BulkOp::Update if kind.append_only => Err(Problem::field(
                Code::RuleViolation,
                "/op",
                "append_only",
                "these records cannot be changed; create another, or withdraw this one",
            )),
            BulkOp::Update => {
                let patch = self.patch.ok_or_else(|| need("patch"))?;
                txn.patch(kind, id()?, &[version()?], patch)
                    .map_err(|p| below(p, "/patch"))
            }
            BulkOp::Withdraw => txn.withdraw(kind, id()?, &[version()?], within),
            BulkOp::Restore => txn.restore(
                kind,
                id()?,
                self.if_match.as_ref().map(std::slice::from_ref),
                within,
            ),
        }
    }
}

/// A problem with one part, its errors located within the whole request.
#[must_use]
pub fn below(mut problem: Problem, prefix: &str) -> Problem {
    for error in problem
        .errors
        .iter_mut()
        .filter(|e| e.pointer.is_empty() || e.pointer.starts_with('/'))
    {
        error.pointer.insert_str(0, prefix);
    }
    problem
}

/// The form of a bulk call. Each record is checked by its own operation, so that with `mode=each`
/// one invalid record does not affect the others.
fn bulk_form() -> &'static jsonschema::Validator {
    static FORM: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let object = json!({ "type": ["object", "null"] });
        let operation = schema::bulk_operation(object.clone(), object);
        schema::compile(
            "Bulk",
            &schema::Schemas::from([("Bulk".to_owned(), schema::bulk(&operation))]),
        )
    });
    &FORM
}

async fn many(call: Call, kind: &'static Kind) -> Result<Answer, Problem> {
    let body = call.object()?;
    schema::check(bulk_form(), &body)?;
    #[derive(Deserialize)]
    struct Bulk {
        operations: Vec<BulkOperation>,
    }
    let bulk: Bulk =
        serde_json::from_value(body).map_err(|e| Problem::new(Code::InvalidBody, e.to_string()))?;
    let mut write = call.write()?;
    write.dry_run = call.query.flag("dry_run")?;
    write.changes = bulk.operations.len();
    let each = match call.query.get("mode") {
        None | Some("atomic") => false,
        Some("each") => true,
        Some(_) => return Err(super::query::invalid("mode", "must be atomic or each")),
    };
    let dry_run = write.dry_run;
    call.change(write, move |txn| {
        let mut results: Vec<Bytes> = Vec::with_capacity(bulk.operations.len());
        for (index, operation) in bulk.operations.into_iter().enumerate() {
            match txn.part(|txn| operation.run(kind, txn)) {
                Ok(record) => {
                    let shown = txn.show(&record)?;
                    // The record's JSON as it is: to read it again would take a fifth of the call.
                    let head = format!("{{\"index\":{index},\"status\":200,\"record\":");
                    results.push([head.as_bytes(), shown.json(), b",\"problem\":null}"].concat().into());
                }
                Err(problem) if each => results.push(json!({
                    "index": index, "status": problem.code.status(), "record": null, "problem": BulkProblem::from(problem),
                }).to_string().into()),
                Err(problem) => {
                    let mut problem = below(problem, &format!("/operations/{index}"));
                    problem.detail = format!("operation {index}: {}", problem.detail);
                    return Err(problem);
                }
            }
        }
        let mut body = BytesMut::from(format!("{{\"dry_run\":{dry_run},\"results\":").as_bytes());
        put_array(&mut body, results.iter());
        body.put_u8(b'}');
        Ok(Answer::json(if each { 207 } else { 200 }, body.freeze()).into())
    })
    .await
}
