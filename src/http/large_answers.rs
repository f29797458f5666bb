//! Answers that take long to make or are too large to keep in memory. They are made away from the
//! threads that answer requests, few at once, so that nobody else waits for them.
//!
//! A table is made a piece at a time and sent as its reader takes it. A reader who is slow holds a
//! few pieces and no thread, one who has left ends the work, and one who takes nothing for a while
//! is given up.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::answer::Pieces;
use super::places::{Place, Places, Refusals};
use crate::config::Serving;
use crate::problem::{Problem, Shed};

/// Length at which a piece is sent.
pub const PIECE: usize = 64 * 1024;
/// Number of pieces that may wait for their reader.
const AHEAD: usize = 1;
/// Number of tables that may be open for each one that is made at the same time.
const OPEN: u32 = 8;

/// What a caller is told when no more tables can be made.
const FULL: Refusals = Refusals {
    doing: "already has",
    share: "tables under way; ask for the next one when one of them is complete",
    full: "as many tables are being made and sent as this service allows",
    limit: Shed::Exports,
};

/// What makes large answers, and how many at once.
pub struct LargeAnswers {
    places: Places,
    /// Turns to make a piece, for tables that are sent as they are made.
    pieces: Arc<Semaphore>,
    /// Turns to make a table that is sent once it is complete.
    whole: Arc<Semaphore>,
    /// Turns to go through many records for a page of a list.
    lists: Arc<Semaphore>,
    /// How long a reader may take nothing.
    idle: Duration,
    /// How long a table may take to send.
    longest: Duration,
}

/// Tells the maker of a table whether its reader has left.
#[derive(Debug, Default)]
pub struct Reader {
    has_left: AtomicBool,
}

impl Reader {
    /// Whether nobody waits for the table any more.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.has_left.load(Ordering::Relaxed)
    }
}

/// Says that the reader has left, when it is dropped.
struct Waiting(Arc<Reader>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.has_left.store(true, Ordering::Relaxed);
    }
}

impl LargeAnswers {
    /// As the settings say.
    #[must_use]
    pub fn new(serving: &Serving) -> Self {
        let exports = usize::from(serving.exports).max(1);
        let whole = (exports / 2).max(1);
        Self {
            places: Places::new(u32::from(serving.exports) * OPEN, FULL),
            pieces: Arc::new(Semaphore::new((exports - whole).max(1))),
            whole: Arc::new(Semaphore::new(whole)),
            lists: Arc::new(Semaphore::new(exports)),
            idle: Duration::from_secs(serving.reader_idle_seconds),
            longest: Duration::from_secs(serving.stream_seconds),
        }
    }

    /// Takes a place for a table of this account.
    ///
    /// # Errors
    /// 429 if the account has its share of them, 503 if all are taken.
    pub fn admit(&self, account: Uuid) -> Result<Place, Problem> {
        self.places.take(account)
    }

    /// Number of tables that are being made or sent.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.places.taken()
    }

    /// Goes through many records, in its turn.
    ///
    /// # Errors
    /// Whatever the work is refused with.
    pub async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        in_turn(&self.lists, work).await
    }

    /// Makes a table that is sent once it is complete, in its turn. The work ends early when its
    /// reader has left.
    ///
    /// # Errors
    /// Whatever the work is refused with.
    pub async fn whole<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let waiting = Waiting(Arc::default());
        let reader = Arc::clone(&waiting.0);
        let made = in_turn(&self.whole, move || work(&reader)).await;
        drop(waiting);
        made
    }

    /// A body made by `next`, a piece at a time, until it has none.
    pub fn made(
        self: &Arc<Self>,
        place: Place,
        next: impl FnMut() -> Result<Option<Bytes>, Problem> + Send + 'static,
    ) -> Pieces {
        self.body(None, place, next)
    }

    /// A body read from a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(self: &Arc<Self>, place: Place, mut file: File) -> Result<Pieces, Problem> {
        let length = file.seek(SeekFrom::End(0)).map_err(Problem::internal)?;
        file.rewind().map_err(Problem::internal)?;
        let next = move || {
            let mut piece = Vec::with_capacity(PIECE);
            let mut part = (&mut file).take(PIECE as u64);
            part.read_to_end(&mut piece).map_err(Problem::internal)?;
            Ok((!piece.is_empty()).then(|| piece.into()))
        };
        Ok(self.body(Some(length), place, next))
    }

    fn body(
        self: &Arc<Self>,
        length: Option<u64>,
        place: Place,
        next: impl FnMut() -> Result<Option<Bytes>, Problem> + Send + 'static,
    ) -> Pieces {
        let (own, once) = (Arc::clone(self), Mutex::new(Some((place, next))));
        let open = move || -> BoxStream<'static, std::io::Result<Bytes>> {
            let taken = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            match taken {
                Some((place, next)) => own.send(place, next),
                None => stream::once(async { Err(ended_early()) }).boxed(),
            }
        };
        Pieces {
            length,
            open: Arc::new(open),
        }
    }

    /// Makes pieces as long as they are taken. The place is given back when the last piece has been
    /// taken, or when the reader has left or is given up.
    fn send(
        self: &Arc<Self>,
        place: Place,
        mut next: impl FnMut() -> Result<Option<Bytes>, Problem> + Send + 'static,
    ) -> BoxStream<'static, std::io::Result<Bytes>> {
        let (pieces, received) = mpsc::channel::<Option<Bytes>>(AHEAD);
        let own = Arc::clone(self);
        actix_web::rt::spawn(async move {
            let _place = place;
            let left = pieces.clone();
            let all = async {
                loop {
                    let made = in_turn(&own.pieces, move || next().map(|piece| (piece, next)));
                    let piece;
                    (piece, next) = made.await?;
                    let is_last = piece.is_none();
                    let given_up = |_| Problem::unavailable("the reader took nothing for too long");
                    let sent = timeout(own.idle, pieces.send(piece)).await;
                    if sent.map_err(given_up)?.is_err() || is_last {
                        return Ok(());
                    }
                }
            };
            let late = |_| Err(Problem::unavailable("the reader took too long"));
            let ended = tokio::select! {
                ended = timeout(own.longest, all) => ended.unwrap_or_else(late),
                () = left.closed() => Ok(()),
            };
            if let Err(problem) = ended {
                log::warn!("a table was not sent to its end: {}", problem.detail);
            }
        });
        let each = |received: Option<mpsc::Receiver<Option<Bytes>>>| async move {
            let mut received = received?;
            match received.recv().await {
                Some(Some(piece)) => Some((Ok(piece), Some(received))),
                Some(None) => None,
                None => Some((Err(ended_early()), None)),
            }
        };
        stream::unfold(Some(received), each).boxed()
    }
}

/// Does work on a thread that may block, in turn.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let turn = Arc::clone(turns).acquire_owned().await;
    let turn = turn.map_err(Problem::internal)?;
    // The turn lasts as long as the work, also if nobody waits for it any more.
    let work = move || {
        let done = work();
        drop(turn);
        done
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

/// The connection is closed on this, so that no reader takes a part for the whole.
fn ended_early() -> std::io::Error {
    std::io::Error::other("the table was not sent to its end")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Runs a test as the service runs its threads.
    fn run(test: impl Future<Output = ()>) {
        actix_web::rt::System::new().block_on(test);
    }

    fn large() -> Arc<LargeAnswers> {
        Arc::new(LargeAnswers::new(&Serving::defaults()))
    }

    /// What arrives of a body, and whether it ends as it should.
    async fn taken(body: Pieces) -> (Vec<Bytes>, bool) {
        let (mut all, mut stream) = (Vec::new(), (body.open)());
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) => all.push(piece),
                Err(_) => return (all, false),
            }
        }
        (all, true)
    }

    #[test]
    fn pieces_arrive_in_order_and_the_place_is_given_back() {
        run(async {
            let large = large();
            let mut numbers = 0..100_u8;
            let place = large.admit(Uuid::nil()).expect("a place");
            let body = large.made(place, move || Ok(numbers.next().map(|n| vec![n].into())));
            assert_eq!((body.length, large.open()), (None, 1));
            let (pieces, is_whole) = taken(body).await;
            assert!(is_whole && pieces.concat().iter().copied().eq(0..100));
            while large.open() > 0 {
                tokio::task::yield_now().await;
            }
        });
    }

    #[test]
    fn what_cannot_be_made_to_its_end_does_not_look_complete() {
        run(async {
            let large = large();
            let mut numbers = 0..3_u8;
            let place = large.admit(Uuid::nil()).expect("a place");
            let body = large.made(place, move || match numbers.next() {
                Some(n) => Ok(Some(vec![n].into())),
                None => Err(Problem::internal("a test")),
            });
            let (pieces, is_whole) = taken(body).await;
            assert_eq!((pieces.len(), is_whole), (3, false));
        });
    }

    /// Makes pieces without an end.
    fn endless(large: &Arc<LargeAnswers>) -> BoxStream<'static, std::io::Result<Bytes>> {
        let place = large.admit(Uuid::nil()).expect("a place");
        let body = large.made(place, || Ok(Some(Bytes::from_static(b"piece"))));
        (body.open)()
    }

    /// Waits until no table is being made.
    async fn until_ended(large: &LargeAnswers) {
        for _ in 0..6_000 {
            if large.open() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it is still being made");
    }

    #[test]
    fn a_reader_who_leaves_ends_the_work() {
        run(async {
            let large = large();
            let mut stream = endless(&large);
            assert!(stream.next().await.is_some_and(|piece| piece.is_ok()));
            assert_eq!(large.open(), 1);
            drop(stream);
            until_ended(&large).await;
        });
    }

    #[test]
    fn a_reader_who_takes_nothing_is_given_up() {
        run(async {
            let mut serving = Serving::defaults();
            serving.reader_idle_seconds = 1;
            let large = Arc::new(LargeAnswers::new(&serving));
            let mut stream = endless(&large);
            assert!(stream.next().await.is_some_and(|piece| piece.is_ok()));
            until_ended(&large).await;
            let rest: Vec<_> = stream.collect().await;
            assert!(rest.last().is_some_and(Result::is_err), "it looks complete");
        });
    }

    #[test]
    fn a_file_is_sent_whole() {
        run(async {
            let (large, mut file) = (large(), tempfile::tempfile().expect("a file"));
            let content: Vec<u8> = (0..PIECE * 2 + 5).map(|n| (n % 251) as u8).collect();
            file.write_all(&content).expect("it is written");
            let place = large.admit(Uuid::nil()).expect("a place");
            let body = large.read(place, file).expect("a body");
            assert_eq!(body.length, Some(content.len() as u64));
            let (pieces, is_whole) = taken(body).await;
            assert!(is_whole && pieces.concat() == content);
        });
    }
}
