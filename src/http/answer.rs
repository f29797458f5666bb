//! What a handler answers, before it becomes bytes on a connection.

use bytes::{BufMut, Bytes, BytesMut};
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
    pub body: Bytes,
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
            body,
        }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn of<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        Ok(Self::json(status, serde_json::to_vec(value).map_err(Problem::internal)?.into()))
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
            body: o.body,
        }
    }
}

impl From<Answer> for Outcome {
    fn from(a: Answer) -> Self {
        Self {
            status: a.status,
            headers: a.headers,
            body: a.body,
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
