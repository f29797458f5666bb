//! What a handler answers, before it becomes bytes on a connection.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use serde::Serialize;

use crate::engine::Outcome;
use crate::problem::Problem;
use crate::world::seen::Shown;

/// An answer that is not a problem.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content_type: &'static str,
    pub body: Body,
}

/// What an answer carries: bytes that are there, or pieces that are fetched as the caller takes them.
#[derive(Clone)]
pub enum Body {
    Whole(Bytes),
    Pieces(Pieces),
}

/// A body too large to be held. It is opened only when it is sent: not for HEAD, and not for a 304.
#[derive(Clone)]
pub struct Pieces {
    /// Bytes that all pieces together have.
    pub length: u64,
    pub open: Arc<dyn Fn() -> BoxStream<'static, std::io::Result<Bytes>> + Send + Sync>,
}

impl Body {
    /// The bytes that are there.
    #[must_use]
    pub fn whole(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Pieces(_) => Bytes::new(),
        }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Pieces(pieces) => pieces.length,
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

/// JSON, as every answer is unless another format was asked for.
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
    /// It cannot be written.
    pub fn of<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        Ok(Self::json(
            status,
            serde_json::to_vec(value).map_err(Problem::internal)?.into(),
        ))
    }

    /// A record with its ETag.
    #[must_use]
    pub fn record(status: u16, record: &Shown) -> Self {
        Self::json(status, record.json().clone()).header("ETag", record.etag())
    }

    /// The same with a header.
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

/// Joins records that are JSON already into a JSON array.
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
