//! A few threads, each with its own connection, that read the past. They never wait for the writer.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{Address, Conn, DbError};
use crate::problem::Problem;

type Job = Box<dyn FnOnce(&mut Conn) + Send>;

/// Number of reads that may wait before more are refused.
const QUEUE: usize = 256;

/// The reader threads.
#[derive(Clone)]
pub struct Readers {
    queue: SyncSender<Job>,
}

impl Readers {
    /// Starts `threads` readers.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub fn start(address: &Address, threads: usize) -> Result<Self, DbError> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..threads {
            let mut conn = address.connect()?;
            let (jobs, address) = (Arc::clone(&jobs), address.clone());
            std::thread::Builder::new()
                .name(format!("reader-{n}"))
                .spawn(move || {
                    while let Some(job) = next(&jobs) {
                        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&mut conn)))
                            .is_err()
                        {
                            log::error!("a read panicked; its connection is replaced");
                            if let Ok(fresh) = address.connect() {
                                conn = fresh;
                            }
                        }
                    }
                })
                .map_err(|e| DbError::Url(format!("cannot start a reader thread: {e}")))?;
        }
        Ok(Self { queue })
    }

    /// Runs `read` on a reader's connection.
    ///
    /// # Errors
    /// [`DbError::Busy`] if the queue is full or the readers have ended; otherwise the error of
    /// `read`. If the connection was lost, it is opened again and the read is tried once more.
    pub async fn run<T: Send + 'static>(
        &self,
        address: Address,
        read: impl Fn(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let (send, answer) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            if send.is_closed() {
                return; // the caller has gone: stop
            }
            let mut result = read(conn);
            if matches!(&result, Err(e) if is_lost(e))
                && let Ok(fresh) = address.connect()
            {
                *conn = fresh;
                result = read(conn);
            }
            let _ = send.send(result);
        });
        self.queue.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => DbError::Busy,
        })?;
        answer.await.map_err(|_| DbError::Busy)?
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

/// Whether the connection itself was lost (by a failover or a restart), rather than the statement
/// being wrong.
pub fn is_lost(error: &DbError) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        DbError::Connect(_) => true,
        DbError::Query(Error::DatabaseError(kind, message)) => {
            matches!(
                kind,
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand
            ) || message.message().contains("terminating connection")
                || message.message().contains("server closed the connection")
                || message.message().contains("no connection to the server")
        }
        DbError::Query(Error::BrokenTransactionManager) => true,
        _ => false,
    }
}

impl From<DbError> for Problem {
    fn from(e: DbError) -> Self {
        if matches!(e, DbError::Busy) {
            return Self::unavailable("too many requests are waiting for the journal");
        }
        if is_lost(&e) {
            log::error!("database connection lost: {e}");
            return Self::unavailable("the database is unavailable");
        }
        Self::internal(e)
    }
}
