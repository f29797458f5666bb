//! An operation, defined in one place: method, path, permission, parameters, types, responses and
//! handler.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::formats::Format;
use super::query::Parameter;
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
            Access::Public | Access::Authenticated => Role::ALL.to_vec(),
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

/// One operation.
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
    /// Names of the header parameters, in lower case.
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
    /// Whether the writer alone decides, on current data under its lock. The handler then reads
    /// nothing.
    pub is_settled_by_writer: bool,
    /// Formats as well as JSON, for `?format=`.
    pub formats: &'static [Format],
    /// Media type of the response, if it is not JSON.
    pub media_type: &'static str,
    pub handler: Handler,
}

/// A reference to a named schema.
#[must_use]
pub fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
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
            is_settled_by_writer: false,
            formats: &[],
            media_type: super::answer::JSON,
            handler,
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

    /// Every problem it can return, including those that follow from its form.
    #[must_use]
    pub fn all_problems(&self) -> Vec<Code> {
        let mut codes = vec![
            Code::InvalidQuery,
            Code::NotAcceptable,
            Code::TooManyRequests,
            Code::Internal,
            Code::Unavailable,
        ];
        match self.access {
            Access::Public => {}
            Access::Authenticated => codes.push(Code::Unauthenticated),
            Access::Needs(..) => codes.extend([Code::Unauthenticated, Code::Forbidden]),
        }
        if self.path.contains('{') {
            codes.push(Code::NotFound);
        }
        if self.body.is_some() {
            codes.extend([
                Code::MalformedBody,
                Code::PayloadTooLarge,
                Code::UnsupportedMediaType,
                Code::InvalidBody,
            ]);
        }
        codes.extend(&self.problems);
        codes.sort_by_key(|c| (c.status(), c.slug()));
        codes.dedup();
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

/// A query parameter.
#[must_use]
pub fn query(name: &str, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// A query parameter that is an id.
#[must_use]
pub fn id_query(name: &str, description: &str) -> Value {
    query(
        name,
        description,
        json!({ "type": "string", "format": "uuid", "maxLength": 36 }),
    )
}

/// A path parameter that is an id.
#[must_use]
pub fn id_parameter(what: &str) -> Value {
    json!({ "name": "id", "in": "path", "required": true, "description": format!("Id of the {what}."),
            "schema": { "type": "string", "format": "uuid", "maxLength": 36 }, "example": "019abcde-0000-7000-8000-000000000001" })
}

/// A header parameter.
#[must_use]
pub fn header(name: &str, required: bool, description: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "header", "required": required, "description": description, "schema": schema })
}
