//! One call as a handler sees it. The world in it is the world as the caller may see it; there is no other way to the data.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::formats::Format;
use super::query::{Query, invalid};
use crate::access::{Caller, Identity, Known};
use crate::engine::{Author, Idempotency, Outcome, Txn, WorldAt, Write};
use crate::http::service::Service;
use crate::problem::{Code, Problem};
use crate::world::seen::{Seen, Sight};
use crate::world::{World, schema};

/// A request on its way through a handler.
pub struct Call {
    pub service: Arc<Service>,
    pub request_id: String,
    pub method: &'static str,
    /// The address as asked for, with its query.
    pub address: String,
    pub params: Vec<(String, String)>,
    pub query: Query,
    pub format: Format,
    pub if_match: Option<String>,
    pub idempotency_key: Option<String>,
    pub authorization: Option<String>,
    /// The headers that the operation documents, by their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The media type of the body, without its parameters.
    pub media_type: String,
    /// The body; empty where the operation takes it piece by piece.
    pub body: Bytes,
    /// The body of an operation that takes it piece by piece.
    pub stream: Option<super::stream::Incoming>,
    /// The answer's ETag, where it is known before the answer is.
    pub tag: Option<String>,
    /// Where the caller is, as far as the connection tells.
    pub peer: String,
    pub(super) who: Option<Arc<Known>>,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) world: Arc<World>,
    /// The day by which dates are judged.
    pub on: NaiveDate,
}

/// The deepest nesting of a body.
const DEEPEST: usize = 32;

impl Call {
    /// Who is calling.
    ///
    /// # Errors
    /// 401 where nobody signed in.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller
            .as_deref()
            .ok_or_else(|| crate::access::tokens::unauthenticated("send an access token"))
    }

    /// The trusted issuer that made the caller's token; none: this service.
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

    /// What the token says, for work that goes on after the answer.
    ///
    /// # Errors
    /// 401 where nobody signed in.
    pub fn who(&self) -> Result<Identity, Problem> {
        self.who
            .as_ref()
            .map(|known| known.identity.clone())
            .ok_or_else(|| crate::access::tokens::unauthenticated("send an access token"))
    }

    /// What the caller sees.
    #[must_use]
    pub fn sight(&self) -> Sight {
        self.caller
            .as_deref()
            .map_or_else(Sight::least, Caller::sight)
    }

    /// The world of now, as the caller may see it.
    #[must_use]
    pub fn now(&self) -> Seen {
        Seen::now(Arc::clone(&self.world), self.sight())
    }

    /// The world that `as_of` asks for, and the day to judge it by.
    ///
    /// # Errors
    /// 400 for a time to come or an unreadable one; 503 when the journal cannot be read.
    pub async fn world(&self) -> Result<(Seen, NaiveDate), Problem> {
        match self.query.moment("as_of")? {
            Some(at) => self.world_at("as_of", at).await,
            None => Ok((self.now(), self.on)),
        }
    }

    /// The earlier world that `compare_to` asks for, and the day to judge it by; none where it is not given.
    ///
    /// # Errors
    /// 400 for a time to come, an unreadable one or one after `as_of`; 503 when the journal cannot be read.
    pub async fn earlier(&self) -> Result<Option<(Seen, NaiveDate)>, Problem> {
        let Some(at) = self.query.moment("compare_to")? else {
            return Ok(None);
        };
        if self.query.moment("as_of")?.is_some_and(|as_of| as_of < at) {
            return Err(invalid("compare_to", "must not lie after as_of"));
        }
        self.world_at("compare_to", at).await.map(Some)
    }

    async fn world_at(
        &self,
        parameter: &str,
        at: DateTime<Utc>,
    ) -> Result<(Seen, NaiveDate), Problem> {
        if at.date_naive() > self.on {
            return Err(invalid(
                parameter,
                "lies in the future: nothing is recorded there yet",
            ));
        }
        let found = self.service.engine.world_at(at).await?;
        Ok((self.seen_at(found), at.date_naive()))
    }

    /// An earlier world, as the caller may see it.
    #[must_use]
    pub fn seen_at(&self, found: WorldAt) -> Seen {
        if found.is_now {
            Seen::now(found.world, self.sight())
        } else {
            Seen::past(found.world, Arc::clone(&self.world), self.sight())
        }
    }

    /// When the last entry was recorded that the world of now holds.
    #[must_use]
    pub fn last_entry_at(&self) -> DateTime<Utc> {
        self.world.at
    }

    /// The id in the path.
    ///
    /// # Errors
    /// 404: an address without a UUID leads nowhere.
    pub fn id(&self) -> Result<Uuid, Problem> {
        self.param("id")
            .and_then(|v| Uuid::try_parse(v).ok())
            .ok_or_else(Problem::not_found)
    }

    /// A part of the path.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// A header that the operation documents.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// 400 for anything else.
    pub fn object(&self) -> Result<Value, Problem> {
        object(&self.body)
    }

    /// The body as `T`, checked against the named input schema.
    ///
    /// # Errors
    /// 400 or 422 with every fault.
    pub fn input<T: DeserializeOwned + utoipa::ToSchema + 'static>(&self) -> Result<T, Problem> {
        let value = self.object()?;
        schema::check(&schema::input_validator::<T>(), &value)?;
        serde_json::from_value(value).map_err(|e| Problem::new(Code::InvalidBody, e.to_string()))
    }

    /// The version that If-Match names.
    ///
    /// # Errors
    /// 428 when it is missing (or `*`, which names none), 400 when it is not an ETag of ours.
    pub fn if_match(&self) -> Result<i64, Problem> {
        let needed = || {
            Problem::new(
                Code::PreconditionRequired,
                Code::PreconditionRequired.remedy(),
            )
        };
        let text = self
            .if_match
            .as_deref()
            .map(str::trim)
            .filter(|t| *t != "*")
            .ok_or_else(needed)?;
        version_of(text).ok_or_else(|| {
            Problem::field(
                Code::InvalidHeader,
                "If-Match",
                "invalid",
                "must be one ETag as the service gave it, such as \"3\"",
            )
        })
    }

    /// What the writer is told about the change.
    ///
    /// # Errors
    /// 400 for a key or a reason that is not of the documented form.
    pub fn write(&self) -> Result<Write, Problem> {
        self.write_of(&self.body)
    }

    /// The same for a body that was taken piece by piece; `what` stands for it where a repeated request is told from another.
    ///
    /// # Errors
    /// See [`Call::write`].
    pub fn write_of(&self, what: &[u8]) -> Result<Write, Problem> {
        let reason = self.query.get("reason").map(str::to_owned);
        if reason
            .as_ref()
            .is_some_and(|r| r.is_empty() || r.chars().count() > 1_000)
        {
            return Err(invalid("reason", "must be 1 to 1,000 characters long"));
        }
        Ok(Write {
            author: Author::Token(self.who()?),
            request_id: self.request_id.clone(),
            reason,
            idempotency: self.idempotency(what)?,
            dry_run: false,
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
        let mut hash = Sha256::new();
        for part in [
            self.method.as_bytes(),
            self.address.as_bytes(),
            self.if_match.as_deref().unwrap_or_default().as_bytes(),
            what,
            // Whoever has come to see less is not shown again what it was shown before.
            format!("{:?}", self.sight()).as_bytes(),
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Ok(Some(Idempotency {
            key: key.clone(),
            request: hash.finalize().to_vec(),
        }))
    }

    /// Has the writer do the change.
    ///
    /// # Errors
    /// What the change is refused with.
    pub async fn change(
        &self,
        write: Write,
        job: impl FnOnce(&mut Txn<'_>) -> Result<Outcome, Problem> + Send + 'static,
    ) -> Result<super::Answer, Problem> {
        Ok(self.service.engine.write(write, job).await?.into())
    }
}

/// A JSON object, whole numbers written as such.
///
/// # Errors
/// 400 for anything else.
pub fn object(body: &[u8]) -> Result<Value, Problem> {
    let mut value: Value = serde_json::from_slice(body).map_err(|e| not_json(&e))?;
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

/// 400 with the place where the parser gave up.
#[must_use]
pub fn not_json(e: &serde_json::Error) -> Problem {
    // The parser has a limit of its own, which it reaches long after ours.
    if e.to_string().starts_with("recursion limit") {
        return too_deep();
    }
    Problem::new(
        Code::MalformedBody,
        format!("not JSON at line {}, column {}", e.line(), e.column()),
    )
}

fn too_deep() -> Problem {
    Problem::new(
        Code::MalformedBody,
        format!("the body is nested deeper than {DEEPEST} levels"),
    )
}

/// The version in an ETag of ours.
#[must_use]
pub fn version_of(etag: &str) -> Option<i64> {
    let tag = etag.strip_prefix('"')?.strip_suffix('"')?;
    // That of a released form says more than the version.
    let (version, digest) = tag.split_once('.').unwrap_or((tag, "0"));
    let is_digest = !digest.is_empty() && digest.bytes().all(|b| b.is_ascii_hexdigit());
    version.parse().ok().filter(|v| is_digest && *v > 0)
}

/// Writes `3.0` as `3`: to JSON Schema both are the same integer.
fn write_whole(value: &mut Value) {
    /// From here on not every integer has a float of its own.
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
