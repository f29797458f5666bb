//! Keeps the current world in step with the journal when other processes write too.
//!
//! On a shared database, every read waits until the world includes the journal's last entry as of
//! when the read arrived. One query answers all waiting reads, so the cost does not grow with the
//! number of requests. On SQLite this process is the writer; changes made by the command line are
//! noticed within [`POLL`].

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::published::Published;
use super::reading::follow;
use crate::db::{Address, Conn, DbError, Link, Turn, Watched, Worker, store, unpoisoned};
use crate::metrics::{self, Metrics};
use crate::problem::Problem;

/// How quickly a write by another process to a SQLite file is noticed.
const POLL: Duration = Duration::from_millis(50);
/// How long a PostgreSQL follower pauses when nothing asks it.
const IDLE: Duration = Duration::from_secs(5);
/// How long a question whether the service is ready waits for its answer.
const READY_WAIT: Duration = Duration::from_millis(800);

/// What the follower is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// To take in what was committed before.
    CatchUp,
    /// Whether the database answers, and its tables are this build's.
    Ready,
}

struct Waiting {
    question: Question,
    answer: oneshot::Sender<Result<bool, String>>,
}

/// Handle to the follower thread.
pub struct Follower {
    shared: bool,
    ask: Mutex<Option<Sender<Waiting>>>,
    thread: Arc<Worker<Vec<Waiting>>>,
}

impl Follower {
    /// Starts the thread.
    pub fn start(
        address: &Address,
        now: Arc<Published>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, DbError> {
        let shared = address.is_shared();
        let rest = if shared { IDLE } else { POLL };
        let (ask, asked) = channel();
        let asked = Mutex::new(asked);
        let connections = metrics.follower.connections.clone();
        let body = move |turn: &Turn<_>, link: &mut Link| {
            run(turn, link, rest, &now, &asked, &metrics.follower);
        };
        let tell = |waiting, _| answer(waiting, &Err("it does not answer".into()), true);
        Ok(Self {
            shared,
            ask: Mutex::new(Some(ask)),
            thread: Worker::start("follower", address, &connections, body, tell)?,
        })
    }

    /// The thread, to be looked at.
    pub fn watched(&self) -> Arc<dyn Watched> {
        Arc::clone(&self.thread) as Arc<dyn Watched>
    }

    /// Ends the thread and closes its connection.
    pub fn stop(&self) {
        drop(unpoisoned(&self.ask).take());
        self.thread.join();
    }

    async fn asked(&self, question: Question) -> Result<bool, Problem> {
        let away = || Problem::unavailable("the database is unavailable");
        let (answer, done) = oneshot::channel();
        let ask = unpoisoned(&self.ask).clone().ok_or_else(away)?;
        ask.send(Waiting { question, answer }).map_err(|_| away())?;
        // Not held while waiting: the thread ends when nobody can ask any more.
        drop(ask);
        match done.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(cause)) => {
                log::error!("cannot follow the journal: {cause}");
                Err(away())
            }
            Err(_) => Err(away()),
        }
    }

    /// Waits until the world includes everything committed before this call.
    pub async fn catch_up(&self) -> Result<(), Problem> {
        if !self.shared {
            return Ok(());
        }
        self.asked(Question::CatchUp).await.map(drop)
    }

    /// Whether the database's tables are this build's.
    ///
    /// # Errors
    /// The database does not answer at once.
    pub async fn is_migrated(&self) -> Result<bool, Problem> {
        tokio::time::timeout(READY_WAIT, self.asked(Question::Ready))
            .await
            .map_err(|_| Problem::unavailable("the database does not answer"))?
    }
}

fn answer(waiting: Vec<Waiting>, result: &Result<(), String>, is_migrated: bool) {
    for one in waiting {
        let _ = one.answer.send(result.clone().map(|()| is_migrated));
    }
}

fn run(
    turn: &Turn<Vec<Waiting>>,
    link: &mut Link,
    rest: Duration,
    now: &Published,
    asked: &Mutex<Receiver<Waiting>>,
    counts: &metrics::Follower,
) {
    loop {
        let waiting = {
            let asked = unpoisoned(asked);
            let mut waiting: Vec<Waiting> = match asked.recv_timeout(rest) {
                Ok(first) => vec![first],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // Collected before the journal is read: everyone who asked before that is answered by
            // it, and nobody who asks later is.
            waiting.extend(asked.try_iter());
            waiting
        };
        let asks_ready = waiting.iter().any(|one| one.question == Question::Ready);
        if !turn.begin(waiting) {
            return;
        }
        let began = Instant::now();
        let result = link.run(|conn| {
            take_in(conn, turn, now, counts)?;
            Ok(!asks_ready || conn.is_migrated()?)
        });
        match &result {
            Ok(_) => counts.caught_up(began),
            Err(_) => counts.failures.inc(),
        }
        let is_migrated = *result.as_ref().unwrap_or(&true);
        let Some(waiting) = turn.end() else {
            return;
        };
        let result = result.map(drop).map_err(|e| e.to_string());
        answer(waiting, &result, is_migrated);
    }
}

fn take_in<A>(
    conn: &mut Conn,
    turn: &Turn<A>,
    now: &Published,
    counts: &metrics::Follower,
) -> Result<(), DbError> {
    let behind = store::head_seq(conn)? - now.load().seq;
    if behind <= 0 {
        return Ok(());
    }
    counts.lag.set(behind);
    let mut world = (*now.load()).clone();
    follow(conn, &mut world)?;
    // If this thread was given up, the callers have their answer already.
    let _ = turn.does(|| now.publish(world));
    Ok(())
}
