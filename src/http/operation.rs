//! An operation, defined in one place: method, path, permission, parameters, types, responses and
//! handler.

use std::sync::{Arc, OnceLock};

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use strum::VariantArray;

use super::answer::Answer;
use super::call::Call;
use super::formats::Format;
use super::limits::SMALL_BODY;
use super::parameters::{query, schema_ref};
use super::query::Parameter;
use crate::metrics::Counted;
use crate::policy::{Act, Role, Subject, roles};
use crate::problem::{Code, Problem};
use crate::world::schema::set;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a token.
    Public,
    /// Anyone with a valid token.
    Authenticated,
    /// Anyone with a role that the permission matrix allows, within the scope of the grant.
    Needs(Subject, Act),
}

impl Access {
    /// Roles that may call it.
    #[must_use]
    pub fn roles(self) -> Vec<Role> {
        match self {
            Access::Public | Access::Authenticated => Role::VARIANTS.to_vec(),
            Access::Needs(subject, act) => roles(subject, act),
        }
    }
}

/// How the ETag for conditional GET is formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// From the record's version, set by the handler.
    Version,
    /// From the journal and the day: the response changes only when one of them does, so a 304
    /// costs no work.
    Journal,
    /// No ETag.
    Nothing,
}

/// Body of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    pub media_types: &'static [&'static str],
    /// A reference to a named schema, or a schema.
    pub schema: Value,
    pub example: Value,
}

/// Members that an operation's problems have in addition to the common ones (RFC 9457, section
/// 3.2).
#[derive(Clone, Copy)]
pub struct Extension {
    /// Name of the schema for these problems.
    pub schema: &'static str,
    /// Whether problems with this status have the members.
    pub covers: fn(u16) -> bool,
    /// The members, as an object.
    pub members: fn(&Problem) -> Value,
}

/// The type of a handler: takes a call, returns a response or a problem.
pub type Handler =
    Arc<dyn Fn(Call) -> LocalBoxFuture<'static, Result<Answer, Problem>> + Send + Sync>;

/// One operation. The route, the authorisation and the entry in the OpenAPI document follow from
/// it.
///
/// # Example
///
/// An operation that changes a record. Problems that follow from its form are not listed: 401 and
/// 403 because it needs a role, 404 because its path has an id, 412 and 428 because it takes
/// `If-Match` ([`Operation::all_problems`]).
///
/// ```text
/// Operation::new(
///     "POST",
///     "/api/v1/papers/{id}/issue",
///     "issuePaper",
///     Access::Needs(Subject::Paper, Act::Update),
///     issue,
/// )
/// .says("Papers", "Issue a paper", "Freezes the content of the paper.")
/// .takes([id_parameter("paper"), if_match(), idempotency(), reason()])
/// .answers(201, "The issue.", schema_ref("PaperIssue"))
/// .refuses(&[Code::RuleViolation])
///
/// async fn issue(call: Call) -> Result<Answer, Problem> {
///     let (id, versions, write) = (call.id()?, call.if_match()?, call.write()?);
///     call.change(write, move |txn| …).await
/// }
/// ```
#[derive(Clone)]
pub struct Operation {
    pub method: &'static str,
    pub path: String,
    pub id: String,
    pub tag: String,
    pub summary: String,
    pub description: String,
    pub access: Access,
    /// OpenAPI parameters.
    pub parameters: Vec<Value>,
    /// The query parameters among them.
    pub in_query: Vec<Parameter>,
    /// The names of those that are headers, and of others that the handler reads, in lower case.
    pub header_names: Vec<String>,
    pub body: Option<Body>,
    /// Whether the handler reads the body piece by piece ([`super::stream::Incoming`]) and may take
    /// longer than others.
    pub is_streamed: bool,
    /// Status, description and schema (null for none) of each response that is not a problem.
    pub answers: Vec<(u16, String, Value)>,
    /// Problems in addition to those that follow from the operation's form.
    pub problems: Vec<Code>,
    /// Extra members of its problems.
    pub extension: Option<Extension>,
    pub etag: Tag,
    /// Whether the answer to a change has the record's ETag.
    pub is_tagged: bool,
    /// Whether the answer has the address of what was created.
    pub is_located: bool,
    /// Whether the writer alone decides, on current data under its lock. The handler then reads
    /// nothing.
    pub is_settled_by_writer: bool,
    /// Formats as well as JSON, for `?format=`.
    pub formats: &'static [Format],
    /// Media type of the response, if it is not JSON.
    pub media_type: &'static str,
    pub handler: Handler,
    /// Its counters, found at its first request.
    pub counted: OnceLock<Counted>,
}

/// An operation of which only method and path are known until someone asks for it. There are
/// hundreds, and what each says for the document takes longer to make than the rest of a start.
pub struct Announced {
    pub method: &'static str,
    pub path: String,
    make: Box<dyn Fn() -> Arc<Operation> + Send + Sync>,
    made: OnceLock<Arc<Operation>>,
}

impl Announced {
    /// An operation that is made when it is first asked for.
    pub fn new(
        method: &'static str,
        path: String,
        make: impl Fn() -> Operation + Send + Sync + 'static,
    ) -> Self {
        Self {
            method,
            path,
            make: Box::new(move || Arc::new(make())),
            made: OnceLock::new(),
        }
    }

    /// The operation.
    pub fn operation(&self) -> &Arc<Operation> {
        self.made.get_or_init(|| (self.make)())
    }
}

impl From<Operation> for Announced {
    fn from(operation: Operation) -> Self {
        let made = Arc::new(operation);
        Self {
            method: made.method,
            path: made.path.clone(),
            make: Box::new(move || Arc::clone(&made)),
            made: OnceLock::new(),
        }
    }
}

impl Operation {
    /// An operation, completed by the methods below.
    pub fn new<F>(
        method: &'static str,
        path: impl Into<String>,
        id: impl Into<String>,
        access: Access,
        handler: fn(Call) -> F,
    ) -> Self
    where
        F: Future<Output = Result<Answer, Problem>> + 'static,
    {
        Self::with(
            method,
            path,
            id,
            access,
            Arc::new(move |call| Box::pin(handler(call))),
        )
    }

    /// The same, for a handler that needs something of its own.
    pub fn holding<S: Send + Sync + 'static, F>(
        method: &'static str,
        path: impl Into<String>,
        id: impl Into<String>,
        access: Access,
        own: &Arc<S>,
        handler: fn(Call, Arc<S>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<Answer, Problem>> + 'static,
    {
        let own = Arc::clone(own);
        Self::with(
            method,
            path,
            id,
            access,
            Arc::new(move |call| Box::pin(handler(call, Arc::clone(&own)))),
        )
    }

    /// The same, for a handler in any form.
    pub fn with(
        method: &'static str,
        path: impl Into<String>,
        id: impl Into<String>,
        access: Access,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path: path.into(),
            id: id.into(),
            tag: String::new(),
            summary: String::new(),
            description: String::new(),
            access,
            parameters: Vec::new(),
            in_query: Vec::new(),
            header_names: Vec::new(),
            body: None,
            is_streamed: false,
            answers: Vec::new(),
            problems: Vec::new(),
            extension: None,
            etag: Tag::Nothing,
            is_tagged: false,
            is_located: false,
            is_settled_by_writer: false,
            formats: &[],
            media_type: super::answer::JSON,
            handler,
            counted: OnceLock::new(),
        }
    }

    /// Sets the group, the summary and the description.
    #[must_use]
    pub fn says(mut self, tag: &str, summary: &str, description: &str) -> Self {
        (self.tag, self.summary, self.description) =
            (tag.into(), summary.into(), description.into());
        self
    }

    /// Adds parameters.
    #[must_use]
    pub fn takes(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        for mut parameter in parameters {
            if let Some(schema) = parameter.get_mut("schema") {
                as_in_query(schema);
            }
            self.in_query.extend(Parameter::of(&parameter));
            if parameter.get("in").is_some_and(|i| i == "header") {
                let name = parameter.get("name").and_then(Value::as_str);
                self.header_names.extend(name.map(str::to_ascii_lowercase));
            }
            self.parameters.push(parameter);
        }
        self
    }

    /// Reads this header, which means the same everywhere and is not documented, in lower case.
    #[must_use]
    pub fn reads(mut self, header: &str) -> Self {
        self.header_names.push(header.to_owned());
        self
    }

    /// Lets a query parameter pass that is the page's own, for its script to read, and means
    /// nothing to the service.
    #[must_use]
    pub fn passes(mut self, name: &str) -> Self {
        let parameter = query(name, "", json!({ "type": "string", "maxLength": 100 }));
        self.in_query.extend(Parameter::of(&parameter));
        self
    }

    /// Sets the request body.
    #[must_use]
    pub fn body(
        mut self,
        media_types: &'static [&'static str],
        schema: Value,
        example: Value,
    ) -> Self {
        self.body = Some(Body {
            media_types,
            schema,
            example,
        });
        self
    }

    /// Maximum length of the body in bytes. `limit` is the maximum for records; operations without a
    /// token take only names and secrets.
    #[must_use]
    pub fn body_limit(&self, limit: usize) -> usize {
        match self.access {
            Access::Public => limit.min(SMALL_BODY),
            _ => limit,
        }
    }

    /// Passes the body to the handler piece by piece.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.is_streamed = true;
        self
    }

    /// Adds a response for success.
    #[must_use]
    pub fn answers(mut self, status: u16, description: &str, schema: Value) -> Self {
        self.answers.push((status, description.into(), schema));
        self
    }

    /// Adds the answer of an operation that creates a record, with `Location` and `ETag`.
    #[must_use]
    pub fn creates(self, what: &str, type_name: &str) -> Self {
        let said = format!("The {what}, with `Location` and `ETag`.");
        self.answers(201, &said, schema_ref(type_name))
            .tagged()
            .located()
    }

    /// Promises the ETag of the changed record in the answer.
    #[must_use]
    pub fn tagged(mut self) -> Self {
        self.is_tagged = true;
        self
    }

    /// Promises the `Location` of what was created in the answer.
    #[must_use]
    pub fn located(mut self) -> Self {
        self.is_located = true;
        self
    }

    /// Adds problems that the operation can return.
    #[must_use]
    pub fn refuses(mut self, problems: &[Code]) -> Self {
        self.problems.extend_from_slice(problems);
        self
    }

    /// Adds extra members to its problems.
    #[must_use]
    pub fn extends_problems(mut self, extension: Extension) -> Self {
        self.extension = Some(extension);
        self
    }

    /// How the ETag for conditional GET is formed.
    #[must_use]
    pub fn etag(mut self, tag: Tag) -> Self {
        self.etag = tag;
        self
    }

    /// Leaves every decision to the writer, including permission.
    #[must_use]
    pub fn settled_by_writer(mut self) -> Self {
        self.is_settled_by_writer = true;
        self
    }

    /// Offers these formats as well as JSON.
    #[must_use]
    pub fn formats(mut self, formats: &'static [Format]) -> Self {
        self.formats = formats;
        self
    }

    /// Sets the media type of the response.
    #[must_use]
    pub fn media_type(mut self, media_type: &'static str) -> Self {
        self.media_type = media_type;
        self
    }

    /// Whether it accepts an idempotency key.
    #[must_use]
    pub fn takes_key(&self) -> bool {
        self.header_names.iter().any(|n| n == "idempotency-key")
    }

    /// Problems that any operation can answer with.
    pub const ANY_PROBLEMS: &'static [Code] = &[
        Code::InvalidQuery,
        Code::NotAcceptable,
        Code::TooManyRequests,
        Code::Internal,
        Code::Unavailable,
    ];
    /// Those of operations that change something.
    pub const CHANGE_PROBLEMS: &'static [Code] = &[Code::OutcomeUnknown];
    /// Those of operations that need a token.
    pub const TOKEN_PROBLEMS: &'static [Code] = &[Code::Unauthenticated];
    /// Those of operations that need a role.
    pub const ROLE_PROBLEMS: &'static [Code] = &[Code::Forbidden];
    /// Those of operations that have a parameter in their path.
    pub const PATH_PROBLEMS: &'static [Code] = &[Code::NotFound];
    /// Those of operations that take a body.
    pub const BODY_PROBLEMS: &'static [Code] = &[
        Code::MalformedBody,
        Code::RequestTimeout,
        Code::PayloadTooLarge,
        Code::UnsupportedMediaType,
        Code::InvalidBody,
    ];

    /// Those of reads that have an ETag: `If-Match` may ask for another version.
    pub const ETAG_PROBLEMS: &'static [Code] = &[Code::VersionMismatch];
    /// Those of operations that take a cursor.
    pub const CURSOR_PROBLEMS: &'static [Code] = &[Code::InvalidCursor];
    /// Those of operations that take `If-Match`.
    pub const IF_MATCH_PROBLEMS: &'static [Code] = &[
        Code::InvalidHeader,
        Code::VersionMismatch,
        Code::PreconditionRequired,
    ];
    /// Those of operations that take an idempotency key.
    pub const KEY_PROBLEMS: &'static [Code] = &[Code::InvalidHeader, Code::IdempotencyKeyReused];

    /// Those of bulk calls, whose operations can fail like single ones.
    pub const BULK_PROBLEMS: &'static [Code] = &[
        Code::NotFound,
        Code::Conflict,
        Code::InUse,
        Code::ReferenceTaken,
        Code::TransitionRefused,
        Code::VersionMismatch,
        Code::RuleViolation,
        Code::PreconditionRequired,
    ];

    /// Those of operations on a record, by how their ids start.
    pub const RECORD_PROBLEMS: &'static [(&'static str, &'static [Code])] = &[
        (
            "create",
            &[
                Code::ReferenceTaken,
                Code::TransitionRefused,
                Code::RuleViolation,
            ],
        ),
        (
            "update",
            &[
                Code::Conflict,
                Code::ReferenceTaken,
                Code::TransitionRefused,
                Code::RuleViolation,
            ],
        ),
        (
            "withdraw",
            &[Code::Conflict, Code::InUse, Code::RuleViolation],
        ),
        (
            "restore",
            &[Code::Conflict, Code::RuleViolation, Code::TransitionRefused],
        ),
    ];

    fn problems_of_form(&self) -> Vec<Code> {
        let mut codes = Self::ANY_PROBLEMS.to_vec();
        for (_, of_form) in (Self::RECORD_PROBLEMS.iter()).filter(|(id, _)| self.id.starts_with(id))
        {
            codes.extend(*of_form);
        }
        if self.method != "GET" {
            codes.extend(Self::CHANGE_PROBLEMS);
        }
        if self.path.ends_with("/bulk") {
            codes.extend(Self::BULK_PROBLEMS);
        }
        if self.access != Access::Public {
            codes.extend(Self::TOKEN_PROBLEMS);
        }
        if matches!(self.access, Access::Needs(..)) {
            codes.extend(Self::ROLE_PROBLEMS);
        }
        if self.path.contains('{') {
            codes.extend(Self::PATH_PROBLEMS);
        }
        if self.body.is_some() {
            codes.extend(Self::BODY_PROBLEMS);
        }
        if self.in_query.iter().any(|p| p.is("cursor")) {
            codes.extend(Self::CURSOR_PROBLEMS);
        }
        if self.etag != Tag::Nothing {
            codes.extend(Self::ETAG_PROBLEMS);
        }
        if self.header_names.iter().any(|n| n == "if-match") {
            codes.extend(Self::IF_MATCH_PROBLEMS);
        }
        if self.takes_key() {
            codes.extend(Self::KEY_PROBLEMS);
        }
        codes
    }

    /// Every problem it can return, including those that follow from its form.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Code> {
        let mut codes = self.problems_of_form();
        codes.extend(&self.problems);
        codes.sort_by_key(|c| (c.status(), c.slug()));
        codes.dedup();
        codes
    }

    /// The problems that do not follow from its form.
    #[must_use]
    pub fn own_problems(&self) -> Vec<Code> {
        let of_form = self.problems_of_form();
        let mut codes = self.all_problems();
        codes.retain(|c| !of_form.contains(c));
        codes
    }
}

/// Removes what a query cannot express from a parameter's schema: null, and an empty list (members
/// are separated by commas).
fn as_in_query(schema: &mut Value) {
    let is_null = |v: &Value| v == "null" || v.get("type").is_some_and(|t| t == "null");
    for word in ["type", "oneOf"] {
        let Some(all) = schema.get_mut(word).and_then(Value::as_array_mut) else {
            continue;
        };
        all.retain(|v| !is_null(v));
        let [only] = all.as_slice() else { continue };
        let only = only.clone();
        if word == "type" {
            set(schema, word, only);
        } else {
            *schema = only;
        }
    }
    if schema.get("type").is_some_and(|t| t == "array") {
        set(schema, "minItems", 1);
    }
}
