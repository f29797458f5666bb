//! Bodies of many rows, taken piece by piece and cut into portions of whole rows: NDJSON, and CSV with a header row (RFC 4180).

use bytes::{Bytes, BytesMut};

use super::call::Call;
use super::stream::Incoming;
use crate::problem::{Code, Problem};

/// What such an operation takes.
pub const MEDIA_TYPES: &[&str] = &["application/x-ndjson", "text/csv"];

/// The longest row, in bytes.
const LONGEST: usize = 64 * 1024;

/// A body of rows on its way in: no more of it is held than a portion and what came with its last piece.
pub struct Rows {
    incoming: Incoming,
    buffer: BytesMut,
    /// Up to here the buffer was looked through.
    looked: usize,
    /// Where the last whole row ends, and how many rows there are before it.
    end: usize,
    count: usize,
    in_quotes: bool,
    pub is_csv: bool,
    is_done: bool,
}

impl Rows {
    /// The rows of a call's body.
    ///
    /// # Errors
    /// The operation does not take its body piece by piece.
    pub fn of(call: &mut Call) -> Result<Self, Problem> {
        let incoming = call
            .stream
            .take()
            .ok_or_else(|| Problem::internal("the operation takes no stream"))?;
        let is_csv = call.media_type == "text/csv";
        Ok(Self {
            incoming,
            buffer: BytesMut::new(),
            looked: 0,
            end: 0,
            count: 0,
            in_quotes: false,
            is_csv,
            is_done: false,
        })
    }

    /// The next `most` rows, or those that are left; `None` at the end.
    ///
    /// # Errors
    /// The body breaks off, is too long, or has a row that is.
    pub async fn next(&mut self, most: usize) -> Result<Option<Bytes>, Problem> {
        loop {
            self.look(most);
            if self.count == most {
                return Ok(Some(self.cut(self.end)));
            }
            if self.is_done {
                let all = self.buffer.len();
                return Ok((all > 0).then(|| self.cut(all)));
            }
            if self.buffer.len() - self.end > LONGEST {
                let detail = format!(
                    "a row is longer than {LONGEST} bytes; rows are separated by line breaks"
                );
                return Err(Problem::new(Code::MalformedBody, detail));
            }
            match self.incoming.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => self.is_done = true,
            }
        }
    }

    /// Finds the ends of rows, until there are so many.
    fn look(&mut self, most: usize) {
        let new = self.buffer.get(self.looked..).unwrap_or_default();
        let from = self.looked;
        for at in memchr::memchr2_iter(b'\n', b'"', new) {
            if new.get(at) == Some(&b'"') {
                // A quoted cell of CSV may hold a line break; JSON holds none.
                self.in_quotes ^= self.is_csv;
            } else if !self.in_quotes {
                self.count += 1;
                self.end = from + at + 1;
                if self.count == most {
                    self.looked = self.end;
                    return;
                }
            }
        }
        self.looked = self.buffer.len();
    }

    fn cut(&mut self, at: usize) -> Bytes {
        (self.looked, self.end, self.count) = (self.looked.saturating_sub(at), 0, 0);
        self.buffer.split_to(at).freeze()
    }
}
