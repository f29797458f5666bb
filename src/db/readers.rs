//! A few threads, each with its own connection, that read the past. They never wait for the writer.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use super::worker::{Link, Turn, Watched, Worker, unpoisoned};
use super::{Address, Conn, DbError};
use crate::metrics;
use crate::problem::{Problem, Shed};

/// Dropped when the reader is given up. Nothing is ever sent.
type Reading = oneshot::Sender<Infallible>;

struct Job {
    read: Box<dyn FnOnce(&mut Link) + Send>,
    reading: Reading,
}

/// Number of reads that may wait before more are refused.
const QUEUE: usize = 256;

/// The reader threads.
pub struct Readers {
    queue: Mutex<Option<SyncSender<Job>>>,
    threads: Vec<Arc<Worker<Reading>>>,
    counts: metrics::Readers,
}

impl Readers {
    /// Starts `threads` readers.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub fn start(
        address: &Address,
        threads: usize,
        counts: &metrics::Readers,
    ) -> Result<Self, DbError> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        let start = |n| {
            let jobs = Arc::clone(&jobs);
            let body = move |turn: &Turn<Reading>, link: &mut Link| run(turn, link, &jobs);
            let counts = &counts.connections;
            Worker::start(
                format!("reader-{n}"),
                address,
                counts,
                body,
                |reading, _| {
                    drop(reading);
                },
            )
        };
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            threads: (0..threads).map(start).collect::<Result<_, _>>()?,
            counts: counts.clone(),
        })
    }

    /// The threads, to be looked at.
    pub fn watched(&self) -> impl Iterator<Item = Arc<dyn Watched>> {
        let one = |thread: &Arc<Worker<Reading>>| Arc::clone(thread) as Arc<dyn Watched>;
        self.threads.iter().map(one)
    }

    /// Finishes the reads in progress and closes the connections.
    pub fn stop(&self) {
        drop(unpoisoned(&self.queue).take());
        self.threads.iter().for_each(|thread| thread.join());
    }

    /// Runs `read` on a reader's connection.
    ///
    /// # Errors
    /// [`DbError::Busy`] if the queue is full or the readers have ended; [`DbError::Away`] if the
    /// database does not answer; otherwise the error of `read`. If the connection was lost, it is
    /// opened again and the read is tried once more.
    pub async fn run<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let (send, mut answer) = oneshot::channel();
        let (reading, given_up) = oneshot::channel();
        let waiting = self.counts.queue.clone();
        let read = Box::new(move |link: &mut Link| {
            waiting.dec();
            if send.is_closed() {
                return; // the caller has gone: stop
            }
            let _ = send.send(link.run(&read));
        });
        let queue = unpoisoned(&self.queue).clone().ok_or(DbError::Busy)?;
        self.counts.queue.inc();
        queue.try_send(Job { read, reading }).map_err(|e| match e {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => {
                self.counts.queue.dec();
                DbError::Busy
            }
        })?;
        drop(queue);
        tokio::select! {
            biased;
            answer = &mut answer => answer.map_err(|_| DbError::Busy)?,
            // Also dropped when the read is done, which may be just after the answer was asked for.
            Err(_) = given_up => answer
                .try_recv()
                .unwrap_or_else(|_| Err(DbError::Away("it does not answer".into()))),
        }
    }
}

fn run(turn: &Turn<Reading>, link: &mut Link, jobs: &Mutex<Receiver<Job>>) {
    while let Some(Job { read, reading }) = next(jobs) {
        if !turn.begin(reading) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| read(link))).is_err() {
            log::error!("a read panicked; its connection is replaced");
            link.close();
        }
        if turn.end().is_none() {
            return;
        }
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    unpoisoned(jobs).recv().ok()
}

impl From<DbError> for Problem {
    fn from(e: DbError) -> Self {
        if matches!(e, DbError::Busy) {
            return Self::unavailable("too many requests are waiting for the journal")
                .shed(Shed::ReaderQueue);
        }
        if e.is_lost() {
            log::error!("database connection lost: {e}");
            return Self::unavailable("the database is unavailable");
        }
        Self::internal(e)
    }
}
