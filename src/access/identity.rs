//! The contents of a verified token, from this service or from a trusted issuer, and the refusals
//! of tokens that are not valid.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::Role;
use crate::problem::{Code, Problem};

/// A role held within a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Held {
    pub role: Role,
    pub scope: Option<Uuid>,
    pub official_sensitive: bool,
}

/// A role that a token brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub role: Role,
    /// Reference or id of the unit or board that the role is limited to.
    pub scope: Option<String>,
    pub official_sensitive: bool,
}

/// What a trusted issuer says in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    pub issuer: String,
    /// Keyed digest of issuer and subject.
    pub external_id: String,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: i64,
    pub roles: Vec<Claimed>,
    /// Whether an account may be created for the subject.
    pub is_admitted: bool,
    pub is_service: bool,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// What a verified token says: the account, when it was issued, and any limits on its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub account: Uuid,
    /// When the token was issued, in seconds since 1970.
    pub issued_at: i64,
    /// The one role the token was made with. For the local operator only.
    pub acting_as: Option<Held>,
    /// Whether the token was requested with scope `read`, so that it cannot change anything.
    pub read_only: bool,
    /// What the trusted issuer says, if one issued the token.
    pub external: Option<Arc<Vouched>>,
}

/// 401 with the header that RFC 6750 requires.
#[must_use]
pub fn unauthenticated(detail: &str) -> Problem {
    Problem::new(Code::Unauthenticated, detail)
        .header("WWW-Authenticate", "Bearer error=\"invalid_token\"")
}

/// 401 for a token that has expired.
#[must_use]
pub fn expired() -> Problem {
    unauthenticated("the access token has expired; request a new one")
}
