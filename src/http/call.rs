//! One call as a handler receives it. It contains only the records visible to the caller; there is
//! no other access to the data.

use std::sync::Arc;

use actix_web::http::header::IfMatch;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::entity_tag::{self, Conditions};
use super::formats::Format;
use super::json::no_member_twice;
use super::limits::Room;
use super::query::{Query, invalid};
use super::request_log::Learnt;
use crate::access::{Caller, Identity, Known};
use crate::engine::{Author, Idempotency, Outcome, Txn, WorldAt, Write};
use crate::http::service::Service;
use crate::problem::{Code, FieldError, Problem};
use crate::world::blank::{REMEDY, is_blank};
use crate::world::calendar::day_of;
use crate::world::record::blanks_of;
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{World, schema};

/// A request being handled.
pub struct Call {
    pub service: Arc<Service>,
    pub request_id: String,
    pub method: &'static str,
    /// The requested URL, with its query.
    pub address: String,
    pub params: Vec<(String, String)>,
    pub query: Query,
    pub format: Format,
    pub(super) conditions: Conditions,
    pub idempotency_key: Option<String>,
    pub authorization: Option<String>,
    /// The headers that the operation documents, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The media type of the body, without its parameters.
    pub media_type: String,
    /// The body; empty if the operation reads it piece by piece.
    pub body: Bytes,
    /// The body, if the operation reads it piece by piece.
    pub stream: Option<super::stream::Incoming>,
    /// Holds the memory for the body.
    pub(super) _room: Room,
    /// ETag of the response, if it is known in advance.
    pub tag: Option<String>,
    /// The caller's network address, as far as it is known from the connection.
    pub peer: String,
    /// What the log is to say about the caller.
    pub learnt: Arc<Learnt>,
    pub(super) who: Option<Arc<Known>>,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) world: Arc<World>,
    /// The day for which dates are evaluated.
    pub on: NaiveDate,
}

/// Maximum nesting depth of a body.
const DEEPEST: usize = 32;

impl Call {
    /// Returns the caller.
    ///
    /// # Errors
    /// 401 if nobody is signed in.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller
            .as_deref()
            .ok_or_else(|| crate::access::identity::unauthenticated("send an access token"))
    }

    /// The trusted issuer of the caller's token, or none if this service issued it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        Some(
            self.who
                .as_ref()?
                .identity
                .external
                .as_ref()?
                .issuer
                .as_str(),
        )
    }

    /// Returns the identity in the token, for work that continues after the response.
    ///
    /// # Errors
    /// 401 if nobody is signed in.
    pub fn who(&self) -> Result<Identity, Problem> {
        self.who
            .as_ref()
            .map(|known| known.identity.clone())
            .ok_or_else(|| crate::access::identity::unauthenticated("send an access token"))
    }

    /// What is visible to the caller.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        self.caller
            .as_deref()
            .map_or_else(Visibility::least, Caller::visibility)
    }

    /// The current world, as visible to the caller.
    #[must_use]
    pub fn now(&self) -> VisibleWorld {
        VisibleWorld::now(Arc::clone(&self.world), self.visibility())
    }

    /// Returns the world at the time given in `as_of`, and the day for which to evaluate it.
    ///
    /// # Errors
    /// 400 if the time is invalid or in the future; 503 if the journal cannot be read.
    pub async fn world(&self) -> Result<(VisibleWorld, NaiveDate), Problem> {
        match self.query.moment("as_of")? {
            Some(at) => self.world_at("as_of", at).await,
            None => Ok((self.now(), self.on)),
        }
    }

    /// Returns the earlier world at the time given in `compare_to`, and the day for which to
    /// evaluate it, or none if it is not given.
    ///
    /// # Errors
    /// 400 if the time is invalid, in the future or later than `as_of`; 503 if the journal cannot
    /// be read.
    pub async fn earlier(&self) -> Result<Option<(VisibleWorld, NaiveDate)>, Problem> {
        let Some(at) = self.query.moment("compare_to")? else {
            return Ok(None);
        };
        if self.query.moment("as_of")?.is_some_and(|as_of| as_of < at) {
            return Err(invalid("compare_to", "must not be later than as_of"));
        }
        self.world_at("compare_to", at).await.map(Some)
    }

    async fn world_at(
        &self,
        parameter: &str,
        at: DateTime<Utc>,
    ) -> Result<(VisibleWorld, NaiveDate), Problem> {
        // After the clock was set back, what is recorded is later than it.
        if day_of(at) > self.on.max(day_of(self.world.at)) {
            return Err(invalid(
                parameter,
                "must not be in the future, because nothing is recorded there yet",
            ));
        }
        let found = self.service.engine.world_at(at).await?;
        Ok((self.seen_at(found), day_of(at)))
    }

    /// An earlier world, as visible to the caller.
    #[must_use]
    pub fn seen_at(&self, found: WorldAt) -> VisibleWorld {
        if found.is_now {
            VisibleWorld::now(found.world, self.visibility())
        } else {
            VisibleWorld::past(found.world, Arc::clone(&self.world), self.visibility())
        }
    }

    /// Whether an entry of the journal is part of the current world. The database may have later
    /// ones already: what the caller may see of them is not known yet, so they are not answered, and
    /// a page ends before them.
    #[must_use]
    pub fn knows(&self, seq: i64) -> bool {
        seq <= self.world.seq
    }

    /// When the last entry in the current world was recorded.
    #[must_use]
    pub fn last_entry_at(&self) -> DateTime<Utc> {
        self.world.at
    }

    /// Returns the id in the path.
    ///
    /// # Errors
    /// 404 if it is not a UUID.
    pub fn id(&self) -> Result<Uuid, Problem> {
        self.param("id")
            .and_then(|v| Uuid::try_parse(v).ok())
            .ok_or_else(Problem::not_found)
    }

    /// A path parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// A header that the operation documents, or says that it reads.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Returns the body as a JSON object.
    ///
    /// # Errors
    /// 400 if it is anything else.
    pub fn object(&self) -> Result<Value, Problem> {
        object(&self.body)
    }

    /// Returns the body as `T`, checked against the input schema of `T`.
    ///
    /// # Errors
    /// 400 or 422, listing every error.
    pub fn input<T: DeserializeOwned + utoipa::ToSchema + 'static>(&self) -> Result<T, Problem> {
        let value = self.object()?;
        schema::check(&schema::input_validator::<T>(), &value)?;
        check_said(&value)?;
        serde_json::from_value(value).map_err(|e| Problem::new(Code::InvalidBody, e.to_string()))
    }

    /// Returns the versions given in If-Match. Weak ETags name none, because they never match.
    ///
    /// # Errors
    /// 428 if the header is missing (or `*`, which gives no version), 400 if it has an ETag that is
    /// not of this service.
    pub fn if_match(&self) -> Result<Vec<i64>, Problem> {
        let needed = || {
            Problem::new(
                Code::PreconditionRequired,
                Code::PreconditionRequired.remedy(),
            )
        };
        let tags = match &self.conditions.if_match {
            None | Some(IfMatch::Any) => return Err(needed()),
            Some(IfMatch::Items(tags)) => tags,
        };
        entity_tag::versions(tags).ok_or_else(|| {
            Problem::field(
                Code::InvalidHeader,
                "If-Match",
                "invalid",
                "must be an ETag as returned by this service, such as \"3\", or several",
            )
        })
    }

    /// Whether what is tagged `tag` is to be answered in full: the caller wants this version and does
    /// not have it.
    #[must_use]
    pub fn wants(&self, tag: &str) -> bool {
        self.conditions.wants(tag) && !self.conditions.has_already(tag)
    }

    /// Returns the details of the change that the writer needs.
    ///
    /// # Errors
    /// 400 if the idempotency key or the reason is not in the documented form.
    pub fn write(&self) -> Result<Write, Problem> {
        self.write_of(&self.body)
    }

    /// As [`Call::write`], for a body that was read piece by piece. `what` is used in place of the
    /// body to recognise a repeated request.
    ///
    /// # Errors
    /// See [`Call::write`].
    pub fn write_of(&self, what: &[u8]) -> Result<Write, Problem> {
        let reason = self.query.get("reason").map(str::to_owned);
        if let Some(reason) = &reason {
            if !(1..=1_000).contains(&reason.chars().count()) {
                return Err(invalid("reason", "must be 1 to 1,000 characters long"));
            }
            if is_blank(reason) {
                return Err(Problem::field(
                    Code::RuleViolation,
                    "?reason",
                    "blank",
                    REMEDY,
                ));
            }
        }
        Ok(Write {
            author: Author::Token(self.who()?),
            request_id: self.request_id.clone(),
            reason,
            idempotency: self.idempotency(what)?,
            dry_run: false,
            changes: 1,
        })
    }

    fn idempotency(&self, what: &[u8]) -> Result<Option<Idempotency>, Problem> {
        let Some(key) = &self.idempotency_key else {
            return Ok(None);
        };
        let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            let detail = "must be 1 to 255 visible ASCII characters, such as a UUID";
            return Err(Problem::field(
                Code::InvalidHeader,
                "Idempotency-Key",
                "invalid",
                detail,
            ));
        }
        let if_match = self.conditions.if_match.as_ref().map(IfMatch::to_string);
        let if_match = if_match.unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [
            self.method.as_bytes(),
            self.address.as_bytes(),
            if_match.as_bytes(),
            what,
            // If the caller's access has been narrowed since, a stored response is not returned
            // again.
            format!("{:?}", self.visibility()).as_bytes(),
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(Some(Idempotency {
            key: key.clone(),
            request: hash.finalize().to_vec(),
        }))
    }

    /// Passes the change to the writer.
    ///
    /// # Errors
    /// Whatever the change is refused with.
    pub async fn change(
        &self,
        write: Write,
        job: impl FnOnce(&mut Txn<'_>) -> Result<Outcome, Problem> + Send + 'static,
    ) -> Result<super::Answer, Problem> {
        Ok(self.service.engine.write(write, job).await?.into())
    }
}

/// Refuses texts that say nothing.
fn check_said(value: &Value) -> Result<(), Problem> {
    let error = |pointer| FieldError {
        pointer,
        code: "blank".into(),
        detail: REMEDY.into(),
    };
    let errors: Vec<FieldError> = blanks_of(value).into_iter().map(error).collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Problem::with_errors(Code::InvalidBody, errors)),
    }
}

/// Parses a JSON object, with whole numbers written as integers.
///
/// # Errors
/// 400 for anything else.
pub fn object(body: &[u8]) -> Result<Value, Problem> {
    let mut value: Value = serde_json::from_slice(body).map_err(|e| not_json(&e))?;
    no_member_twice(body)?;
    if !value.is_object() {
        return Err(Problem::new(
            Code::MalformedBody,
            "the body must be a JSON object",
        ));
    }
    if depth(&value) > DEEPEST {
        return Err(too_deep());
    }
    write_whole(&mut value);
    Ok(value)
}

/// 400, giving the place where parsing failed.
#[must_use]
pub fn not_json(e: &serde_json::Error) -> Problem {
    // The parser has its own, much higher limit.
    if e.to_string().starts_with("recursion limit") {
        return too_deep();
    }
    Problem::new(
        Code::MalformedBody,
        format!(
            "not valid JSON: error at line {}, column {}",
            e.line(),
            e.column()
        ),
    )
}

fn too_deep() -> Problem {
    Problem::new(
        Code::MalformedBody,
        format!("the body must not be nested deeper than {DEEPEST} levels"),
    )
}

/// Writes `3.0` as `3`, because JSON Schema treats both as the same integer.
fn write_whole(value: &mut Value) {
    /// From here on, not every integer can be represented exactly as a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(n) if n.is_f64() => {
            if let Some(whole) = n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < EXACT) {
                *value = (whole as i64).into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(write_whole),
        Value::Object(map) => map.values_mut().for_each(write_whole),
        _ => {}
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
