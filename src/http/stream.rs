//! A body too large to keep in memory, read piece by piece up to the limit for such bodies.

use std::time::Duration;

use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::problem::{Code, Problem};

/// The next piece of a body; `None` at the end.
///
/// # Errors
/// 408 if nothing arrives for `idle`, 400 if the body ends early.
pub(super) async fn piece(
    payload: &mut web::Payload,
    idle: Duration,
) -> Result<Option<Bytes>, Problem> {
    let silent = |_| {
        Problem::new(
            Code::RequestTimeout,
            format!("nothing of the body arrived for {} seconds", idle.as_secs()),
        )
        .header("Connection", "close")
    };
    let Some(piece) = timeout(idle, payload.next()).await.map_err(silent)? else {
        return Ok(None);
    };
    piece
        .map(Some)
        .map_err(|_| Problem::new(Code::MalformedBody, "the body ended before it was complete"))
}

/// A request body being received. Dropping it discards the rest.
pub struct Incoming {
    payload: web::Payload,
    /// Number of bytes that it may still receive.
    left: u64,
    limit: u64,
    announced: Option<u64>,
    /// How long it may be silent.
    idle: Duration,
}

impl Incoming {
    /// A body of at most `limit` bytes.
    ///
    /// # Errors
    /// 413 if a longer body was announced.
    pub(super) fn new(
        payload: web::Payload,
        announced: Option<u64>,
        limit: u64,
        idle: Duration,
    ) -> Result<Self, Problem> {
        let incoming = Self {
            payload,
            left: limit,
            limit,
            announced,
            idle,
        };
        incoming.within(limit)
    }

    /// The same body, limited to `limit` bytes.
    fn within(mut self, limit: u64) -> Result<Self, Problem> {
        (self.limit, self.left) = (limit, self.left.min(limit));
        if self.announced.is_some_and(|n| n > limit) {
            return Err(self.too_large());
        }
        Ok(self)
    }

    /// Reads the whole body, for an operation with its own limit.
    ///
    /// # Errors
    /// 400 if the body ends early, 413 if it exceeds the limit.
    pub async fn whole(self, limit: u64) -> Result<Bytes, Problem> {
        let mut incoming = self.within(limit)?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = incoming.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// 400 if the body ends early, 408 if it falls silent, 413 if it exceeds the limit.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(piece) = piece(&mut self.payload, self.idle).await? else {
            return Ok(None);
        };
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| self.too_large())?;
        Ok(Some(piece))
    }

    fn too_large(&self) -> Problem {
        Problem::new(
            Code::PayloadTooLarge,
            format!("the body must not be longer than {} bytes", self.limit),
        )
    }
}
