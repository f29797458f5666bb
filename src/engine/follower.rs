//! Keeps the current world in step with the journal when other processes write too.
//!
//! On a shared database, every read waits until the world includes the journal's last entry as of
//! when the read arrived. One query answers all waiting reads, so the cost does not grow with the
//! number of requests. On SQLite this process is the writer; changes made by the command line are
//! noticed within [`POLL`].

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::published::Published;
use super::reading::follow;
use crate::db::{Address, Conn, DbError, store};
use crate::problem::Problem;

/// How quickly a write by another process to a SQLite file is noticed.
const POLL: Duration = Duration::from_millis(50);
/// How long a PostgreSQL follower pauses when nothing asks it.
const IDLE: Duration = Duration::from_secs(5);

type Waiting = oneshot::Sender<Result<(), String>>;

/// Handle to the follower thread.
pub struct Follower {
    shared: bool,
    ask: Sender<Waiting>,
}

impl Follower {
    /// Starts the thread.
    pub fn start(address: Address, now: Arc<Published>) -> Result<Self, DbError> {
        let shared = address.is_shared();
        let conn = address.connect()?;
        let (ask, asked) = channel();
        std::thread::Builder::new()
            .name("follower".into())
            .spawn(move || run(conn, &address, &now, &asked))
            .map_err(|e| DbError::Url(format!("cannot start the follower thread: {e}")))?;
        Ok(Self { shared, ask })
    }

    /// Waits until the world includes everything committed before this call.
    pub async fn catch_up(&self) -> Result<(), Problem> {
        if !self.shared {
            return Ok(());
        }
        let away = || Problem::unavailable("the database is unavailable");
        let (send, done) = oneshot::channel();
        self.ask.send(send).map_err(|_| away())?;
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => {
                log::error!("cannot follow the journal: {cause}");
                Err(away())
            }
            Err(_) => Err(away()),
        }
    }
}

fn run(mut conn: Conn, address: &Address, now: &Published, asked: &Receiver<Waiting>) {
    let rest = if address.is_shared() { IDLE } else { POLL };
    loop {
        let mut waiting: Vec<Waiting> = match asked.recv_timeout(rest) {
            Ok(first) => vec![first],
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Collected before the journal is read: everyone who asked before that is answered by it,
        // and nobody who asks later is.
        waiting.extend(asked.try_iter());
        let mut result = take_in(&mut conn, now);
        // The database may have closed an idle connection, so a failure counts only on a fresh one.
        if result.is_err()
            && let Ok(fresh) = address.connect()
        {
            conn = fresh;
            result = take_in(&mut conn, now);
        }
        let result = result.map_err(|e| e.to_string());
        for one in waiting {
            let _ = one.send(result.clone());
        }
    }
}

fn take_in(conn: &mut Conn, now: &Published) -> Result<(), DbError> {
    if store::head_seq(conn)? <= now.load().seq {
        return Ok(());
    }
    let mut world = (*now.load()).clone();
    follow(conn, &mut world)?;
    now.publish(world);
    Ok(())
}
