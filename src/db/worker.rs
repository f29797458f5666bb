//! Threads that work with the database, each with a connection of its own. No wait is without an
//! end: a thread whose database falls silent is given up, those who wait for it are told, and
//! another thread with a fresh connection takes its place.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::pulse::Pulse;
use super::{Address, Conn, DbError};
use crate::metrics::Connections;

/// How often threads are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// When this process last reached a database. A thread that failed before that tries again at once, so that
/// a service that says that it is ready takes changes too.
static REACHED: Mutex<Option<Instant>> = Mutex::new(None);

/// How long a failed attempt to connect stands for others that would fail too.
const PAUSE: Duration = Duration::from_millis(500);

/// What a lock holds, also after a thread that held it has panicked.
pub fn unpoisoned<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a connection keeps the right to write before other replicas get it. To take it and to see
/// what others wrote takes three round trips, to write takes one.
const HOLD: Duration = Duration::from_millis(10);

/// A connection that is being made for a thread whose own is not to be trusted any more. One that is
/// idle does not show that its server has fallen silent, and the thread would find out only when it
/// is needed.
type Spare = Arc<Mutex<Option<Receiver<Conn>>>>;

/// A thread's connection, which is made again after it was lost.
pub struct Link {
    address: Address,
    pulse: Arc<Pulse>,
    spare: Spare,
    counts: Connections,
    /// Whether there has been a connection for this purpose before.
    was_connected: bool,
    conn: Option<Conn>,
    /// Since when the connection has the right to write, over several transactions.
    held: Option<Instant>,
    /// When the database could last not be reached, and why.
    failed: Option<(Instant, String)>,
}

impl Link {
    fn new(address: Address, pulse: Arc<Pulse>, spare: Spare, counts: Connections) -> Self {
        Self {
            address,
            pulse,
            spare,
            counts,
            was_connected: false,
            conn: None,
            held: None,
            failed: None,
        }
    }

    /// The connection.
    ///
    /// # Errors
    /// The database cannot be reached, or could not a moment ago.
    pub fn get(&mut self) -> Result<&mut Conn, DbError> {
        let spare = unpoisoned(&self.spare).take();
        if let Some(coming) = spare {
            self.close();
            let made = match coming.try_recv() {
                Err(TryRecvError::Empty) => {
                    let away = |_| DbError::Away("it does not answer".into());
                    Some(coming.recv_timeout(self.address.patience()).map_err(away)?)
                }
                // One that could not be made some time ago says nothing about now.
                made => made.ok(),
            };
            if let Some(mut conn) = made {
                self.address.watch(&mut conn, &self.pulse);
                self.failed = None;
                self.counts.reconnects.inc();
                self.conn = Some(conn);
            }
        }
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => {
                if let Some((at, why)) = &self.failed
                    && at.elapsed() < PAUSE
                    && unpoisoned(&REACHED).is_none_or(|reached| reached < *at)
                {
                    return Err(DbError::Away(why.clone()));
                }
                match self.address.connect_watched(&self.pulse) {
                    Ok(conn) => {
                        *unpoisoned(&REACHED) = Some(Instant::now());
                        self.failed = None;
                        if std::mem::replace(&mut self.was_connected, true) {
                            self.counts.reconnects.inc();
                        }
                        Ok(none.insert(conn))
                    }
                    Err(e) => {
                        self.failed = Some((Instant::now(), e.to_string()));
                        Err(e)
                    }
                }
            }
        }
    }

    /// Closes the connection. The next use makes another.
    pub fn close(&mut self) {
        self.conn = None;
        self.held = None;
        self.pulse.rest();
    }

    /// Whether the connection was lost, rather than the statement being wrong. Then it is closed.
    /// Either way the error is counted.
    pub fn is_lost(&mut self, error: &DbError) -> bool {
        self.counts.errors.inc();
        let is_lost = error.is_lost()
            || error.may_be_lost() && self.conn.as_mut().is_none_or(|c| c.ping().is_err());
        if is_lost {
            self.close();
        }
        is_lost
    }

    /// Takes the right to write, unless the connection has it. Returns the connection, and whether
    /// others may have written since it last did. A connection that was lost is replaced.
    ///
    /// # Errors
    /// Another process writes for too long, or the database cannot be reached.
    pub fn to_write(&mut self) -> Result<(&mut Conn, bool), DbError> {
        let is_held = self.held.is_some() && unpoisoned(&self.spare).is_none();
        if !is_held {
            self.run(Conn::take_right)?;
            self.held = self.address.is_shared().then(Instant::now);
        }
        let away = || DbError::Away("it was lost".into());
        Ok((self.conn.as_mut().ok_or_else(away)?, !is_held))
    }

    /// How much longer the connection keeps the right to write, so that other replicas get it in
    /// their turn; none if it has not.
    #[must_use]
    pub fn may_write_for(&self) -> Option<Duration> {
        self.held.map(|since| HOLD.saturating_sub(since.elapsed()))
    }

    /// Gives back the right to write.
    pub fn let_go(&mut self) {
        if self.held.take().is_some()
            && let Some(Err(e)) = self.conn.as_mut().map(Conn::let_go)
        {
            log::warn!("the right to write is given back with the connection: {e}");
            self.close();
        }
    }

    /// Runs `work`, and once more on a fresh connection if the first one turns out to be lost.
    ///
    /// # Errors
    /// The error of `work`, or the database cannot be reached.
    pub fn run<T>(
        &mut self,
        mut work: impl FnMut(&mut Conn) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        match self.get().and_then(&mut work) {
            // What could not be reached a moment ago is not tried again at once.
            Err(e) if self.is_lost(&e) && !matches!(e, DbError::Away(_)) => {
                let failed = self.counts.errors.clone();
                self.get().and_then(work).inspect_err(|_| failed.inc())
            }
            done => done,
        }
    }
}

/// What a thread has in hand.
struct Hand<A> {
    /// Number of the thread that works. An earlier one was given up, and must do nothing more.
    thread: u64,
    pulse: Arc<Pulse>,
    /// Who waits for it.
    asked: Option<A>,
    is_committing: bool,
}

/// A thread's right to work, until it is given up.
pub struct Turn<A> {
    hand: Arc<Mutex<Hand<A>>>,
    thread: u64,
}

impl<A> Turn<A> {
    fn mine(&self) -> Option<MutexGuard<'_, Hand<A>>> {
        Some(unpoisoned(&self.hand)).filter(|hand| hand.thread == self.thread)
    }

    /// Notes who waits for what is begun now. False if the thread was given up.
    #[must_use]
    pub fn begin(&self, asked: A) -> bool {
        self.mine().is_some_and(|mut hand| {
            hand.asked = Some(asked);
            hand.is_committing = false;
            true
        })
    }

    /// Asks for the right to commit. From then on nobody can say that nothing was written. False if
    /// the thread was given up.
    #[must_use]
    pub fn may_commit(&self) -> bool {
        self.mine().is_some_and(|mut hand| {
            hand.is_committing = true;
            true
        })
    }

    /// Does what a thread that was given up must not do, such as to publish what a server said that
    /// has been replaced. False if the thread was given up.
    #[must_use]
    pub fn does(&self, work: impl FnOnce()) -> bool {
        self.mine().is_some_and(|_hand| {
            work();
            true
        })
    }

    /// Whether the thread was given up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.mine().is_none()
    }

    /// Returns who waits for what is done now; none if the thread was given up, and they were told.
    #[must_use]
    pub fn end(&self) -> Option<A> {
        self.mine()?.asked.take()
    }
}

type Body<A> = Box<dyn Fn(&Turn<A>, &mut Link) + Send + Sync>;
type Tell<A> = Box<dyn Fn(A, Silent) + Send + Sync>;

/// At what a thread's database fell silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silent {
    /// Nothing was written.
    AtWork,
    /// It is not known whether it was written.
    AtCommit,
}

/// A thread that works with the database, and is replaced when the database falls silent.
pub struct Worker<A> {
    name: String,
    address: Address,
    counts: Connections,
    hand: Arc<Mutex<Hand<A>>>,
    spare: Spare,
    body: Arc<Body<A>>,
    tell: Tell<A>,
    running: Mutex<Option<(u64, JoinHandle<()>)>>,
}

impl<A: Send + 'static> Worker<A> {
    /// Connects and starts the thread. `body` ends when there is no more work, or when its turn is
    /// over. `tell` is called for those who waited for a thread that is given up.
    ///
    /// # Errors
    /// The database cannot be reached, or the thread cannot be started.
    pub fn start(
        name: impl Into<String>,
        address: &Address,
        counts: &Connections,
        body: impl Fn(&Turn<A>, &mut Link) + Send + Sync + 'static,
        tell: impl Fn(A, Silent) + Send + Sync + 'static,
    ) -> Result<Arc<Self>, DbError> {
        let pulse = Arc::new(Pulse::default());
        let spare = Spare::default();
        let mut link = Link::new(
            address.clone(),
            Arc::clone(&pulse),
            Arc::clone(&spare),
            counts.clone(),
        );
        link.get()?;
        let worker = Self {
            name: name.into(),
            address: address.clone(),
            counts: counts.clone(),
            hand: Arc::new(Mutex::new(Hand {
                thread: 0,
                pulse,
                asked: None,
                is_committing: false,
            })),
            spare,
            body: Arc::new(Box::new(body)),
            tell: Box::new(tell),
            running: Mutex::new(None),
        };
        worker.spawn(0, link)?;
        Ok(Arc::new(worker))
    }

    fn spawn(&self, thread: u64, mut link: Link) -> Result<(), DbError> {
        let (body, turn) = (
            Arc::clone(&self.body),
            Turn {
                hand: Arc::clone(&self.hand),
                thread,
            },
        );
        let spawned = std::thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || body(&turn, &mut link))
            .map_err(|e| DbError::Url(format!("cannot start the {} thread: {e}", self.name)))?;
        *unpoisoned(&self.running) = Some((thread, spawned));
        Ok(())
    }

    /// Waits until there is no more work, or the database has fallen silent.
    pub fn join(&self) {
        loop {
            let Some((thread, running)) = unpoisoned(&self.running).take() else {
                return;
            };
            while !running.is_finished() && unpoisoned(&self.hand).thread == thread {
                std::thread::sleep(Duration::from_millis(2));
            }
            if running.is_finished() && running.join().is_err() {
                log::error!("the {} thread has panicked", self.name);
            }
        }
    }
}

/// What is looked at again and again.
pub trait Watched: Send + Sync {
    /// Replaces a thread whose database has fallen silent; whether it had to.
    fn look(&self) -> bool;

    /// Another thread's database has fallen silent: makes a connection to take the place of this one's,
    /// and awaits what it has asked for a moment only.
    fn distrust(&self);
}

impl<A: Send + 'static> Watched for Worker<A> {
    fn look(&self) -> bool {
        let (thread, pulse, asked, silent) = {
            let mut hand = unpoisoned(&self.hand);
            if !hand.pulse.is_overdue() {
                return false;
            }
            hand.thread += 1;
            hand.pulse = Arc::default();
            let silent = if hand.is_committing {
                Silent::AtCommit
            } else {
                Silent::AtWork
            };
            (
                hand.thread,
                Arc::clone(&hand.pulse),
                hand.asked.take(),
                silent,
            )
        };
        log::error!(
            "the database has not answered the {}: its connection is given up",
            self.name
        );
        if let Some(asked) = asked {
            (self.tell)(asked, silent);
        }
        let mut link = Link::new(
            self.address.clone(),
            pulse,
            Arc::clone(&self.spare),
            self.counts.clone(),
        );
        link.was_connected = true;
        link.counts.errors.inc();
        if let Err(e) = self.spawn(thread, link) {
            log::error!("{e}");
        }
        true
    }

    fn distrust(&self) {
        let (made, coming) = channel();
        let address = self.address.clone();
        let spawned = std::thread::Builder::new()
            .name(format!("{}-spare", self.name))
            .spawn(move || {
                match address.connect() {
                    // Nobody may wait for it any more.
                    Ok(conn) => drop(made.send(conn)),
                    Err(e) => log::error!("{e}"),
                }
            });
        if let Err(e) = spawned {
            log::error!("cannot start a thread: {e}");
            return;
        }
        *unpoisoned(&self.spare) = Some(coming);
        unpoisoned(&self.hand).pulse.hurry();
    }
}

/// Looks at threads until it is dropped.
pub struct Watch {
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to look.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(watched: Vec<Arc<dyn Watched>>) -> Result<Self, DbError> {
        let (ends, ended) = channel::<()>();
        let thread = std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || {
                while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    if watched.iter().filter(|one| one.look()).count() > 0 {
                        watched.iter().for_each(|one| one.distrust());
                    }
                }
            })
            .map_err(|e| DbError::Url(format!("cannot start the watch thread: {e}")))?;
        Ok(Self {
            ends: Some(ends),
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    /// A worker that was given up learns it before it commits, and answers nobody.
    #[test]
    fn a_thread_that_was_given_up_commits_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.db").to_string_lossy().into_owned();
        let (send, told) = channel();
        let (results, done) = channel();
        let worker = Worker::start(
            "test",
            &Address::Sqlite(file),
            &Metrics::new().expect("metrics").writer.connections,
            move |turn: &Turn<&str>, link| {
                if !turn.begin("caller") {
                    return;
                }
                let is_first = turn.thread == 0;
                if is_first {
                    // A statement that began long ago and is not answered.
                    link.pulse.expect(Duration::ZERO);
                    while turn.mine().is_some() {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                let mut has_done = false;
                let does = turn.does(|| has_done = true);
                assert_eq!(does, has_done, "it says what it did");
                let _ = results.send((is_first, does, turn.may_commit(), turn.end()));
            },
            move |asked, silent| {
                let _ = send.send((asked, silent));
            },
        )
        .expect("it starts");
        let told = loop {
            worker.look();
            if let Ok(told) = told.try_recv() {
                break told;
            }
        };
        assert_eq!(told, ("caller", Silent::AtWork));
        worker.join();
        let mut done: Vec<_> = done.recv().into_iter().chain(done.recv()).collect();
        done.sort_unstable();
        let second = (false, true, true, Some("caller"));
        assert_eq!(done, [second, (true, false, false, None)]);
    }
}
