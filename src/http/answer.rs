//! The response of a handler, before it is sent.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use serde::Serialize;

use crate::engine::Outcome;
use crate::problem::Problem;
use crate::world::visible::RedactedRecord;

/// A response that is not a problem.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content_type: &'static str,
    pub body: Body,
}

/// Content of a response: bytes in memory, or pieces fetched as the caller reads them.
#[derive(Clone)]
pub enum Body {
    Whole(Bytes),
    Pieces(Pieces),
}

/// A body too large to keep in memory. It is opened only when it is sent, so not for HEAD and not
/// for a 304.
#[derive(Clone)]
pub struct Pieces {
    /// Total length of all pieces in bytes, if it is known before they are made.
    pub length: Option<u64>,
    pub open: Arc<dyn Fn() -> BoxStream<'static, std::io::Result<Bytes>> + Send + Sync>,
}

impl Body {
    /// The bytes in memory.
    #[must_use]
    pub fn whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Pieces(_) => Bytes::new(),
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.length.unwrap_or_default(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.length())
    }
}

/// JSON, the media type of every response unless another format was requested.
pub const JSON: &str = "application/json";

impl Answer {
    /// A JSON body.
    #[must_use]
    pub fn json(status: u16, body: Bytes) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: JSON,
            body: body.into(),
        }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// The value cannot be serialised.
    pub fn of<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        Ok(Self::json(
            status,
            serde_json::to_vec(value).map_err(Problem::internal)?.into(),
        ))
    }

    /// A record with its ETag.
    #[must_use]
    pub fn record(status: u16, record: &RedactedRecord) -> Self {
        Self::json(status, record.json().clone()).header("ETag", record.etag())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl From<Outcome> for Answer {
    fn from(o: Outcome) -> Self {
        Self {
            status: o.status,
            headers: o.headers,
            content_type: JSON,
            body: o.body.into(),
        }
    }
}

impl From<Answer> for Outcome {
    fn from(a: Answer) -> Self {
        Self {
            status: a.status,
            headers: a.headers,
            body: a.body.whole(),
        }
    }
}

/// Joins records that are already JSON into a JSON array.
pub fn put_array<'a>(out: &mut BytesMut, items: impl Iterator<Item = &'a Bytes>) {
    out.put_u8(b'[');
    for (n, item) in items.enumerate() {
        if n > 0 {
            out.put_u8(b',');
        }
        out.put_slice(item);
    }
    out.put_u8(b']');
}
