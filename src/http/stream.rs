//! A body too large to be held: taken piece by piece, within the limit for such bodies.

use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::problem::{Code, Problem};

/// A request's body on its way in. Dropping it gives the rest up.
pub struct Incoming {
    payload: web::Payload,
    /// What it may still bring.
    left: u64,
    limit: u64,
    announced: Option<u64>,
}

impl Incoming {
    /// A body of at most `limit` bytes.
    ///
    /// # Errors
    /// 413 where more than that was announced.
    pub(super) fn new(
        payload: web::Payload,
        announced: Option<u64>,
        limit: u64,
    ) -> Result<Self, Problem> {
        let incoming = Self {
            payload,
            left: limit,
            limit,
            announced,
        };
        incoming.within(limit)
    }

    /// The same body, of which at most `limit` bytes are taken.
    fn within(mut self, limit: u64) -> Result<Self, Problem> {
        (self.limit, self.left) = (limit, self.left.min(limit));
        if self.announced.is_some_and(|n| n > limit) {
            return Err(self.too_large());
        }
        Ok(self)
    }

    /// All of it, where the operation has a limit of its own.
    ///
    /// # Errors
    /// 400 where the body breaks off, 413 where it goes beyond the limit.
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
    /// 400 where the body breaks off, 413 where it goes beyond the limit.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(piece) = self.payload.next().await else {
            return Ok(None);
        };
        let piece = piece.map_err(|_| Problem::new(Code::MalformedBody, "the body broke off"))?;
        self.left = self
            .left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| self.too_large())?;
        Ok(Some(piece))
    }

    fn too_large(&self) -> Problem {
        Problem::new(
            Code::PayloadTooLarge,
            format!("at most {} bytes are taken", self.limit),
        )
    }
}
