//! Bodies with many rows, read piece by piece and split into chunks of complete rows: NDJSON, and
//! CSV with a header row (RFC 4180).

use bytes::{Bytes, BytesMut};

use super::call::Call;
use super::stream::Incoming;
use crate::problem::{Code, Problem};

/// Media types that such an operation accepts.
pub const MEDIA_TYPES: &[&str] = &["application/x-ndjson", "text/csv"];

/// Maximum length of a row, in bytes.
const LONGEST: usize = 64 * 1024;

/// A body of rows being received. It keeps no more in memory than one chunk and the rest of the
/// last piece received.
pub struct Rows {
    incoming: Incoming,
    buffer: BytesMut,
    /// How far the buffer has been searched.
    scanned: usize,
    /// Where the last complete row found ends, and how many complete rows there are so far.
    end: usize,
    count: usize,
    in_quotes: bool,
    pub is_csv: bool,
    is_done: bool,
}

impl Rows {
    /// The rows of a request body.
    ///
    /// # Errors
    /// The operation does not read its body piece by piece.
    pub fn of(call: &mut Call) -> Result<Self, Problem> {
        let incoming = call
            .stream
            .take()
            .ok_or_else(|| Problem::internal("the operation does not read its body as a stream"))?;
        let is_csv = call.media_type == "text/csv";
        Ok(Self {
            incoming,
            buffer: BytesMut::new(),
            scanned: 0,
            end: 0,
            count: 0,
            in_quotes: false,
            is_csv,
            is_done: false,
        })
    }

    /// Returns the next `most` rows, or those that remain; `None` at the end.
    ///
    /// # Errors
    /// The body ends early, is too long, or has a row that is too long.
    pub async fn next(&mut self, most: usize) -> Result<Option<Bytes>, Problem> {
        loop {
            self.scan(most);
            if self.count == most {
                return Ok(Some(self.cut(self.end)));
            }
            if self.is_done {
                let all = self.buffer.len();
                return Ok((all > 0).then(|| self.cut(all)));
            }
            if self.buffer.len() - self.end > LONGEST {
                let detail = format!(
                    "a row must not be longer than {LONGEST} bytes; rows are separated by line \
                        breaks"
                );
                return Err(Problem::new(Code::MalformedBody, detail));
            }
            match self.incoming.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => self.is_done = true,
            }
        }
    }

    /// Finds the ends of rows, until there are `most`.
    fn scan(&mut self, most: usize) {
        let new = self.buffer.get(self.scanned..).unwrap_or_default();
        let from = self.scanned;
        for at in memchr::memchr2_iter(b'\n', b'"', new) {
            if new.get(at) == Some(&b'"') {
                // A quoted CSV cell may contain a line break; a JSON row never does.
                self.in_quotes ^= self.is_csv;
            } else if !self.in_quotes {
                self.count += 1;
                self.end = from + at + 1;
                if self.count == most {
                    self.scanned = self.end;
                    return;
                }
            }
        }
        self.scanned = self.buffer.len();
    }

    fn cut(&mut self, at: usize) -> Bytes {
        (self.scanned, self.end, self.count) = (self.scanned.saturating_sub(at), 0, 0);
        self.buffer.split_to(at).freeze()
    }
}
