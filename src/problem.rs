//! All errors in one place: each code with its status, its title and what to do about it.
//!
//! Every error response is an RFC 9457 problem built from this table. The table is also served
//! under `/problems/{code}`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! codes {
    ($($name:ident $status:literal $slug:literal $title:literal $remedy:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $name),* }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
            /// Stable name, used as the last part of the `type` URL.
            #[must_use]
            pub const fn slug(self) -> &'static str { match self { $(Code::$name => $slug),* } }
            /// Short title, the same every time the problem occurs.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Code::$name => $title),* } }
            /// What the caller can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str { match self { $(Code::$name => $remedy),* } }
        }
    };
}

codes! {
    MalformedBody 400 "malformed_body" "The body could not be parsed" "Send one JSON object in UTF-8.";
    InvalidQuery 400 "invalid_query" "The query is not valid" "Use only the query parameters that \
        the operation documents, each once, with values in the documented form.";
    InvalidHeader 400 "invalid_header" "A header is not valid" "Send the header in the documented form.";
    InvalidCursor 400 "invalid_cursor" "The cursor does not belong to this list" "Start again without a cursor. \
        A cursor is valid only for the filters and the order of its list.";
    InvalidRequest 400 "invalid_request" "The token request is not valid" "Send the parameters of the \
        grant, each once, and send the client's secret in one way only.";
    InvalidGrant 400 "invalid_grant" "The grant is not accepted" "Sign in again: the refresh \
        token has been used, has expired or been revoked, or was never issued.";
    UnauthorizedClient 400 "unauthorized_client" "The client may not use this grant" "Use `client_credentials`: \
        systems do not get refresh tokens.";
    UnsupportedGrantType 400 "unsupported_grant_type" "This grant type is not offered" "Use `client_credentials` or `refresh_token`.";
    InvalidScope 400 "invalid_scope" "This scope is not offered" "Request `read` or `read write`.";
    InvalidClient 401 "invalid_client" "The client is unknown or its secret is not accepted" "Check the id and the secret, \
        and check that the account is active. After several failures, wait before trying again.";
    Unauthenticated 401 "unauthenticated" "A valid access token is required" "Send `Authorization: Bearer \
        …` with a token from /oauth/token or /auth/login.";
    BadCredentials 401 "bad_credentials" "The credentials are not accepted" "Check the name and the \
        secret. After several failures, wait before trying again.";
    Forbidden 403 "forbidden" "Your roles do not allow this" "Ask an administrator for one of the \
        roles listed for the operation, with a scope that covers the record.";
    NotFound 404 "not_found" "Not found" "Check the URL. Records that are not visible to you also \
        return 404.";
    MethodNotAllowed 405 "method_not_allowed" "This URL does not accept that method" "Use one of the methods in the Allow header.";
    NotAcceptable 406 "not_acceptable" "None of the accepted formats is available" "Request application/json or \
        one of the formats that the operation documents.";
    RequestTimeout 408 "request_timeout" "The body did not arrive in time" "Send the whole body without \
        long pauses.";
    Conflict 409 "conflict" "The current state of the record does not allow this" "Read the record again. The \
        detail says which state prevents the change.";
    ReferenceTaken 409 "reference_taken" "The reference is already in use" "Choose another reference, or \
        leave it out to have one assigned.";
    TransitionRefused 409 "transition_refused" "This change of status is not allowed" "Choose one of the statuses given in the detail.";
    InUse 409 "in_use" "Other records refer to this one" "First change or withdraw the records listed in the errors.";
    VersionMismatch 412 "version_mismatch" "The record has changed since you read it" "Read it again, apply your \
        change to the current version, and send the new ETag.";
    PayloadTooLarge 413 "payload_too_large" "The body is too large" "Stay within the documented \
        size, or split the work into several requests.";
    UnsupportedMediaType 415 "unsupported_media_type" "That media type is not accepted here" "Send one of the media types that the operation documents.";
    RangeNotSatisfiable 416 "range_not_satisfiable" "The requested range does not exist" "Request a range within the length given in Content-Range.";
    InvalidBody 422 "invalid_body" "The body does not match its schema" "Correct the fields listed in the errors.";
    RuleViolation 422 "rule_violation" "A validation rule was broken" "Correct the fields listed in the errors.";
    IdempotencyKeyReused 422 "idempotency_key_reused" "The idempotency key was used for another request" "Use a new key for each new \
        request, and the same key only to repeat a request.";
    PreconditionRequired 428 "precondition_required" "The version to be changed is missing" "Send If-Match with the ETag of the record when you read it.";
    TooManyRequests 429 "too_many_requests" "Too many requests" "Wait for the number of seconds given in Retry-After.";
    Internal 500 "internal_error" "Something went wrong in the service" "Try again. If the problem persists, report the request_id.";
    Unavailable 503 "unavailable" "The service is not available at the moment" "Try again after the number of seconds given in Retry-After.";
    OutcomeUnknown 503 "outcome_unknown" "It is not known whether the change was written" "Repeat the request with the same \
        Idempotency-Key: what was written is then answered, not written again. Without a key, read the record first.";
}

impl Code {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Unavailable | Self::OutcomeUnknown)
    }

    /// Whether this is one of the error codes in RFC 6749, section 5.2. Only the token endpoint
    /// returns them.
    #[must_use]
    pub const fn is_oauth(self) -> bool {
        use Code::{
            InvalidClient, InvalidGrant, InvalidRequest, InvalidScope, UnauthorizedClient,
            UnsupportedGrantType,
        };
        matches!(
            self,
            InvalidRequest
                | InvalidClient
                | InvalidGrant
                | UnauthorizedClient
                | UnsupportedGrantType
                | InvalidScope
        )
    }
}

/// A closed list of words, as an enumeration of the OpenAPI document.
fn words(description: &str, words: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words));
    schema.into()
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        words(
            "The kind of problem. Others may be added.",
            Self::ALL.iter().map(|c| c.slug()),
        )
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

/// The codes of faults in a field, for the OpenAPI document.
pub struct FieldErrorCode;

impl FieldErrorCode {
    /// Every code there is. Those of the schema's own keywords come from
    /// [`crate::world::schema::check`], the others from the rules.
    pub const ALL: &'static [&'static str] = &[
        "already_claimed",
        "another_claims",
        "append_only",
        "blank",
        "cancelled",
        "circle",
        "closed",
        "contradiction",
        "control_character",
        "date_order",
        "dissolved",
        "does_not_match",
        "draft",
        "dropped",
        "duplicate",
        "empty",
        "enum",
        "erased",
        "escalated",
        "fixed",
        "format",
        "future",
        "future_date",
        "gap",
        "header",
        "has_parts",
        "in_use",
        "invalid",
        "issued",
        "max_items",
        "max_length",
        "maximum",
        "min_items",
        "min_length",
        "minimum",
        "mismatch",
        "no_deadline",
        "no_due",
        "no_occurrence",
        "not_a_count",
        "not_allowed",
        "not_found",
        "not_held",
        "not_in_terms",
        "not_issued",
        "not_later",
        "not_of_measure",
        "not_offered",
        "not_submitted",
        "not_the_hash",
        "not_utf8",
        "not_verified",
        "one_of",
        "operator",
        "order",
        "other_action",
        "other_board",
        "other_characteristic",
        "other_meeting",
        "other_plan",
        "other_strategy",
        "out_of_scope",
        "overlap",
        "own_account",
        "own_claim",
        "part_of",
        "pattern",
        "recorded",
        "recorded_at",
        "recurrence",
        "redacted",
        "repeated",
        "required",
        "reserved",
        "reused",
        "same",
        "same_strategy",
        "schema",
        "scope",
        "score_order",
        "self_reference",
        "skipped_level",
        "taken",
        "term",
        "too_far",
        "too_long",
        "transition",
        "type",
        "unchanged",
        "unique_items",
        "unknown",
        "unknown_field",
        "unknown_parameter",
        "use_amendment",
        "use_deadline_change",
        "use_deferral",
        "use_extension",
        "weak",
        "withdrawn",
        "wrong_kind",
    ];
}

impl PartialSchema for FieldErrorCode {
    fn schema() -> RefOr<Schema> {
        words(
            "The kind of fault. Others may be added.",
            Self::ALL.iter().copied(),
        )
    }
}

impl ToSchema for FieldErrorCode {
    fn name() -> Cow<'static, str> {
        "FieldErrorCode".into()
    }
}

/// One error in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Place of the error: a JSON Pointer into the body (`/title`), `?name` for a query parameter,
    /// or the name of a header.
    #[schema(max_length = 500, example = "/title")]
    pub pointer: String,
    /// Stable code for the kind of error.
    #[schema(value_type = FieldErrorCode)]
    pub code: String,
    /// What is wrong and how to correct it.
    #[schema(max_length = 2000, example = "must be at most 200 characters long")]
    pub detail: String,
}

/// A limit that a request was refused for, so that the others can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// The address has too many connections.
    Connections,
    /// The caller makes too many requests.
    Rate,
    /// Sign-in failed too often, or too many passwords wait to be checked.
    SignIn,
    /// Too many files are being uploaded.
    Uploads,
    /// Too many jobs are queued or running.
    Jobs,
    /// Too many changes wait for the writer.
    WriterQueue,
    /// Too many reads wait for the database.
    ReaderQueue,
    /// The body is too long.
    BodySize,
    /// Nothing of the body arrived for too long.
    BodyIdle,
    /// Bodies that are being received take all the memory for them.
    BodyMemory,
    /// Too many tables are being made and sent.
    Exports,
    /// The answer took too long.
    Time,
}

impl Shed {
    /// Every limit.
    pub const ALL: &'static [Self] = &[
        Self::Connections,
        Self::Rate,
        Self::SignIn,
        Self::Uploads,
        Self::Jobs,
        Self::WriterQueue,
        Self::ReaderQueue,
        Self::BodySize,
        Self::BodyIdle,
        Self::BodyMemory,
        Self::Exports,
        Self::Time,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Rate => "rate",
            Self::SignIn => "sign_in",
            Self::Uploads => "uploads",
            Self::Jobs => "jobs",
            Self::WriterQueue => "writer_queue",
            Self::ReaderQueue => "reader_queue",
            Self::BodySize => "body_size",
            Self::BodyIdle => "body_idle",
            Self::BodyMemory => "body_memory",
            Self::Exports => "exports",
            Self::Time => "time",
        }
    }
}

/// An error to be returned to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Additional headers of the response, such as `Allow` or `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
    /// The limit that the request met, if the code does not say which.
    pub shed: Option<Shed>,
}

/// Maximum number of errors listed in one response.
pub const MOST_ERRORS: usize = 100;

impl Problem {
    /// A problem with a sentence about this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            shed: None,
        }
    }

    /// A problem with one field.
    pub fn field(
        code: Code,
        pointer: impl Into<String>,
        kind: &str,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self::with_errors(
            code,
            vec![FieldError {
                pointer: pointer.into(),
                code: kind.into(),
                detail,
            }],
        )
    }

    /// A problem with several fields. If there are more than [`MOST_ERRORS`], only the first are
    /// listed.
    #[must_use]
    pub fn with_errors(code: Code, mut errors: Vec<FieldError>) -> Self {
        // An error about the record as a whole has no place to name.
        let told = |error: &FieldError| match error.pointer.as_str() {
            "" => error.detail.clone(),
            place => format!("{place}: {}", error.detail),
        };
        let detail = match errors.as_slice() {
            [] => code.remedy().to_owned(),
            [one] => told(one),
            [first, ..] => format!("{} errors; the first is {}", errors.len(), told(first)),
        };
        errors.truncate(MOST_ERRORS);
        Self {
            code,
            detail,
            errors,
            headers: Vec::new(),
            shed: None,
        }
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Says which limit the request met.
    #[must_use]
    pub fn shed(mut self, limit: Shed) -> Self {
        self.shed = Some(limit);
        self
    }

    /// The limit that the request met, if it met one.
    #[must_use]
    pub fn limit(&self) -> Option<Shed> {
        self.shed.or(match self.code {
            Code::PayloadTooLarge => Some(Shed::BodySize),
            Code::RequestTimeout => Some(Shed::BodyIdle),
            _ => None,
        })
    }

    /// The record does not exist or is not visible to the caller.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "nothing visible to you exists at this URL")
    }

    /// An unexpected failure. The cause is logged and never sent to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        log::error!("internal error: {cause}");
        Self::new(
            Code::Internal,
            "the cause has been logged under this request_id",
        )
    }

    /// The service cannot respond at the moment.
    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::new(Code::Unavailable, detail).header("Retry-After", "1")
    }
}

/// Maximum number of allowed words listed in full to a caller who used another.
const MOST_WORDS: usize = 60;

/// What to use instead of an unknown word: all known words or, if there are too many to read, the
/// closest ones.
#[must_use]
pub fn one_of(word: &str, known: &[&str]) -> String {
    if let [only] = known {
        return format!("must be {only}");
    }
    if known.len() <= MOST_WORDS {
        return format!("must be one of {}", known.join(", "));
    }
    let near = |other: &str| {
        let parts = word
            .split('_')
            .filter(|part| other.split('_').any(|o| o == *part))
            .count();
        let begins = word
            .bytes()
            .zip(other.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        std::cmp::Reverse((parts, begins))
    };
    let mut nearest = known.to_vec();
    nearest.sort_by_key(|other| near(other));
    nearest.truncate(8);
    format!(
        "must be one of {} words; the closest are {}",
        known.len(),
        nearest.join(", ")
    )
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.slug(), self.detail)?;
        self.errors
            .iter()
            .try_for_each(|e| write!(f, "\n  {} {}: {}", e.pointer, e.code, e.detail))
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    #[test]
    fn of_very_many_faults_the_first_are_named() {
        let fault = |n: usize| super::FieldError {
            pointer: format!("/{n}"),
            code: "duplicate".into(),
            detail: "is listed more than once".into(),
        };
        let problem =
            super::Problem::with_errors(super::Code::RuleViolation, (0..118).map(fault).collect());
        assert!(
            problem.detail.starts_with("118 errors; the first is /0"),
            "{}",
            problem.detail
        );
        assert_eq!(problem.errors.len(), super::MOST_ERRORS);
    }

    #[test]
    fn an_error_about_the_whole_record_has_no_place() {
        let problem = super::Problem::field(super::Code::InUse, "", "in_use", "a risk links to it");
        assert_eq!(problem.detail, "a risk links to it");
    }

    #[test]
    fn of_many_words_the_nearest_are_named() {
        assert_eq!(super::one_of("x", &["a", "b"]), "must be one of a, b");
        assert_eq!(super::one_of("x", &["a"]), "must be a");
        let many: Vec<String> = (0..99).map(|n| format!("rule_{n}_without")).collect();
        let many: Vec<&str> = many
            .iter()
            .map(String::as_str)
            .chain(["measure_without_target"])
            .collect();
        let said = super::one_of("measure_has_no_target", &many);
        assert!(
            said.starts_with("must be one of 100 words; the closest are measure_without_target, "),
            "{said}"
        );
    }
}
