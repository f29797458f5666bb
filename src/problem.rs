//! What can go wrong, once: each code with its status, its title and what to do about it.
//!
//! Every error answer is an RFC 9457 problem built from this table; the table is also served under `/problems/{code}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($name:ident $status:literal $slug:literal $title:literal $remedy:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $name),* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
            /// Stable name, the last part of the `type` address.
            #[must_use]
            pub const fn slug(self) -> &'static str { match self { $(Code::$name => $slug),* } }
            /// Short title, the same at every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Code::$name => $title),* } }
            /// What a caller can do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str { match self { $(Code::$name => $remedy),* } }
        }
    };
}

codes! {
    MalformedBody 400 "malformed_body" "The body cannot be read" "Send one JSON object in UTF-8.";
    InvalidQuery 400 "invalid_query" "The query is not understood" "Use the query parameters that the operation documents, each once, with values of the documented form.";
    InvalidHeader 400 "invalid_header" "A header is not understood" "Send the header in the documented form.";
    InvalidCursor 400 "invalid_cursor" "The cursor does not belong to this list" "Start again without a cursor; a cursor is good for the filters and the order it was made with.";
    InvalidRequest 400 "invalid_request" "The token request is not understood" "Send the parameters of the grant, each once, and the client's secret in one way only.";
    InvalidGrant 400 "invalid_grant" "The grant is not accepted" "Sign in again: the refresh token has been used, has ended, or was never issued.";
    UnauthorizedClient 400 "unauthorized_client" "The client may not use this grant" "Use `client_credentials`: a system gets no refresh tokens.";
    UnsupportedGrantType 400 "unsupported_grant_type" "That grant is not offered" "Use `client_credentials` or `refresh_token`.";
    InvalidScope 400 "invalid_scope" "That scope is not offered" "Ask for `read` or `read write`.";
    InvalidClient 401 "invalid_client" "The client is not known or its secret is not accepted" "Check id and secret, and that the account is active; after several failures wait before trying again.";
    Unauthenticated 401 "unauthenticated" "A valid access token is needed" "Send `Authorization: Bearer …` with a token from /oauth/token or /auth/login.";
    BadCredentials 401 "bad_credentials" "The credentials are not accepted" "Check the name and the secret; after several failures wait before trying again.";
    Forbidden 403 "forbidden" "Your roles do not allow this" "Ask an administrator for one of the roles that the operation names, in a scope that covers the record.";
    NotFound 404 "not_found" "There is no such thing" "Check the address; what you may not know of is answered in the same way.";
    MethodNotAllowed 405 "method_not_allowed" "This address does not take that method" "Use one of the methods in the Allow header.";
    NotAcceptable 406 "not_acceptable" "None of the accepted formats is offered" "Ask for application/json or one of the formats that the operation documents.";
    Conflict 409 "conflict" "The record's state does not allow this" "Read the record again; the detail says which state stands in the way.";
    ReferenceTaken 409 "reference_taken" "The reference is in use" "Choose another reference, or leave it out to be given one.";
    TransitionRefused 409 "transition_refused" "The status cannot change in that way" "Choose one of the statuses that the detail names.";
    InUse 409 "in_use" "Other records point to this one" "Change or withdraw the records that the errors name first.";
    VersionMismatch 412 "version_mismatch" "The record has changed since you read it" "Read it again, apply your change to what it says now, and send its new ETag.";
    PayloadTooLarge 413 "payload_too_large" "The body is too large" "Keep within the documented size, or split the work into several requests.";
    UnsupportedMediaType 415 "unsupported_media_type" "That media type is not taken here" "Send one of the media types that the operation documents.";
    RangeNotSatisfiable 416 "range_not_satisfiable" "That range is not there" "Ask for a range within the length that Content-Range names.";
    InvalidBody 422 "invalid_body" "The body does not fit its schema" "Correct the fields that the errors name.";
    RuleViolation 422 "rule_violation" "A rule refuses this" "Correct the fields that the errors name.";
    IdempotencyKeyReused 422 "idempotency_key_reused" "The idempotency key belongs to another request" "Use a new key for a new request, and the same key only to repeat the same one.";
    PreconditionRequired 428 "precondition_required" "Say which version you are changing" "Send If-Match with the ETag of the record as you read it.";
    TooManyRequests 429 "too_many_requests" "Too many requests" "Wait for the seconds in Retry-After.";
    Internal 500 "internal_error" "Something went wrong here" "Try again; if it stays, report the request_id.";
    Unavailable 503 "unavailable" "The service cannot answer now" "Try again after the seconds in Retry-After.";
}

impl Code {
    /// Whether it is one of the error codes of RFC 6749, section 5.2: only the token endpoint answers with them.
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

/// One fault in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON Pointer into the body (`/title`), or `?name` for a query parameter, or a header's name.
    #[schema(max_length = 500, example = "/title")]
    pub pointer: String,
    /// What kind of fault, in a stable word.
    #[schema(max_length = 60, example = "max_length")]
    pub code: String,
    /// What is wrong and what would be right.
    #[schema(max_length = 2000, example = "must be at most 200 characters long")]
    pub detail: String,
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Further headers of the answer, such as `Allow` or `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

/// Faults that one answer names.
pub const MOST_ERRORS: usize = 100;

impl Problem {
    /// A problem with a sentence about this occurrence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
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

    /// A problem with several fields. Of more than [`MOST_ERRORS`] the first are named.
    #[must_use]
    pub fn with_errors(code: Code, mut errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => code.remedy().to_owned(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            [first, ..] => format!(
                "{} faults; the first is {}: {}",
                errors.len(),
                first.pointer,
                first.detail
            ),
        };
        errors.truncate(MOST_ERRORS);
        Self {
            code,
            detail,
            errors,
            headers: Vec::new(),
        }
    }

    /// The same with a further header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Nothing there, or nothing the caller may know of.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            "nothing that you may see is at this address",
        )
    }

    /// An unexpected failure: the cause goes to the log, never to the caller.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        log::error!("internal error: {cause}");
        Self::new(
            Code::Internal,
            "the cause has been logged under this request_id",
        )
    }

    /// Not now.
    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::new(Code::Unavailable, detail).header("Retry-After", "1")
    }
}

/// So many words are named in full to who used another.
const MOST_WORDS: usize = 60;

/// What to use in place of a word that is none of those known: all of them or, where they are too many to read, the nearest.
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
        "must be one of {} words; the nearest are {}",
        known.len(),
        nearest.join(", ")
    )
}

impl From<crate::db::DbError> for Problem {
    fn from(e: crate::db::DbError) -> Self {
        if matches!(e, crate::db::DbError::Busy) {
            return Self::unavailable("too many requests wait for the journal");
        }
        if crate::db::is_lost(&e) {
            log::error!("database connection lost: {e}");
            return Self::unavailable("the database is away");
        }
        Self::internal(e)
    }
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
            detail: "is there twice".into(),
        };
        let problem =
            super::Problem::with_errors(super::Code::RuleViolation, (0..118).map(fault).collect());
        assert!(
            problem.detail.starts_with("118 faults; the first is /0"),
            "{}",
            problem.detail
        );
        assert_eq!(problem.errors.len(), super::MOST_ERRORS);
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
            said.starts_with("must be one of 100 words; the nearest are measure_without_target, "),
            "{said}"
        );
    }
}
