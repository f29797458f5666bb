//! Runs jobs, one after the other, beside the requests of this process.
//!
//! A step of a job is one change for the writer: a chunk of its operations and how far the job has come, in one transaction. Each step
//! first looks whether the job is still open. So a cancelled job, or one that another process has taken for dead, changes nothing more,
//! and `done` is exact whenever a process dies. Between two steps others have their turn.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use super::load;
use super::state::{self, JobFailure, JobMode, JobState};
use crate::access::Identity;
use crate::db::store::{self, JobRow, Side};
use crate::engine::{Author, Engine, Outcome, Txn, Write};
use crate::problem::{Code, Problem};

/// Operations in one step of a job whose operations stand alone.
const CHUNK: usize = 200;
/// Jobs that a process holds, those on their way in counted, and those of one account.
const HELD: usize = 8;
const HELD_OF_ONE: usize = 4;
/// How often a process says that it still holds its jobs, and for how long its silence is borne.
const BEAT: Duration = Duration::from_secs(10);
const SILENCE: TimeDelta = TimeDelta::seconds(60);
/// How often a step is tried while the database is away, a second apart.
const TRIES: usize = 20;
const BREATH: Duration = Duration::from_secs(1);

/// The jobs that this process holds: id and owner.
type Held = Arc<Mutex<Vec<(Uuid, Uuid)>>>;

/// A place for one job, given back when dropped.
pub struct Slot {
    pub id: Uuid,
    held: Held,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(id, _)| *id != self.id);
    }
}

/// A job as it waits.
pub struct Waiting {
    pub slot: Slot,
    pub who: Identity,
    pub request_id: String,
    pub reason: Option<String>,
    pub mode: JobMode,
    pub dry_run: bool,
    pub operations: Vec<Bytes>,
}

/// The door to the thread that runs jobs. Until it is started nothing is run.
#[derive(Default)]
pub struct Jobs {
    held: Held,
    stopping: Arc<AtomicBool>,
    queue: Mutex<Option<UnboundedSender<Waiting>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Jobs {
    /// Starts the thread, and says of the jobs that died with an earlier process that they did.
    ///
    /// # Errors
    /// The database is away or no thread is to be had.
    pub async fn start(&self, engine: &Arc<Engine>) -> Result<(), Problem> {
        // A file has one process that serves it: what is open there is nobody's.
        let since = if engine.is_shared() {
            Utc::now() - SILENCE
        } else {
            Utc::now() + SILENCE
        };
        interrupt_silent(engine, since).await?;
        let (queue, waiting) = unbounded_channel();
        let runner = Runner {
            engine: Arc::clone(engine),
            held: Arc::clone(&self.held),
            stopping: Arc::clone(&self.stopping),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(Problem::internal)?;
        let thread = std::thread::Builder::new()
            .name("jobs".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = runner.run(waiting) => {}
                        () = runner.beat() => {}
                    }
                });
            })
            .map_err(Problem::internal)?;
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue);
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Makes room for a job of this account.
    ///
    /// # Errors
    /// 429 when the account has too many, 503 when the process has.
    pub fn reserve(&self, owner: Uuid) -> Result<Slot, Problem> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.iter().filter(|(_, of)| *of == owner).count() >= HELD_OF_ONE {
            let detail = format!(
                "{HELD_OF_ONE} jobs of this account wait or run here; send the next when one has ended"
            );
            return Err(Problem::new(Code::TooManyRequests, detail).header("Retry-After", "5"));
        }
        if held.len() >= HELD {
            return Err(Problem::unavailable("too many jobs wait"));
        }
        let id = Uuid::now_v7();
        held.push((id, owner));
        Ok(Slot {
            id,
            held: Arc::clone(&self.held),
        })
    }

    /// Lets a job that is stored wait for its turn. When the service is stopping it stays behind, and is found interrupted.
    pub fn submit(&self, job: Waiting) {
        if let Some(queue) = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            let _ = queue.send(job);
        }
    }

    /// Ends the thread: a running job stops after the step it is in, and those that wait never begin. Each says so.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        if let Some(thread) = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            let _ = thread.join();
        }
    }
}

/// Says of the jobs of which nothing was heard since `since` that they were interrupted.
async fn interrupt_silent(engine: &Engine, since: DateTime<Utc>) -> Result<(), Problem> {
    if engine
        .read(move |c| store::silent_jobs(c, since))
        .await?
        .is_empty()
    {
        return Ok(());
    }
    let write = Write::system(Uuid::nil(), "jobs of a process that stopped");
    engine
        .write(write, move |txn| {
            let now = txn.now();
            for mut row in txn.ask(|c| store::silent_jobs(c, since))? {
                state::interrupt(&mut row, now);
                txn.beside(Side::Job(row));
            }
            Ok(Outcome::default())
        })
        .await
        .map(drop)
}

struct Runner {
    engine: Arc<Engine>,
    held: Held,
    stopping: Arc<AtomicBool>,
}

/// What one step is given: the job as it stands, and the transaction.
type Step = Box<dyn FnOnce(&mut JobRow, &mut Txn<'_>) -> Result<(), Problem> + Send>;

impl Runner {
    async fn run(&self, mut waiting: UnboundedReceiver<Waiting>) {
        while let Some(job) = waiting.recv().await {
            let job = Arc::new(job);
            if let Err(problem) = self.run_one(&job).await {
                self.give_up(&job, &problem).await;
            }
        }
    }

    /// Says that its jobs are held, and finds those whose process no longer does.
    async fn beat(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            let ids: Vec<Uuid> = {
                let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.iter().map(|(id, _)| *id).collect()
            };
            let told = async {
                if !ids.is_empty() {
                    let write = Write::system(Uuid::nil(), "jobs that are held");
                    let note = move |txn: &mut Txn<'_>| {
                        let at = txn.now();
                        txn.beside(Side::JobsHeld { ids, at });
                        Ok(Outcome::default())
                    };
                    self.engine.write(write, note).await?;
                }
                interrupt_silent(&self.engine, Utc::now() - SILENCE).await
            };
            if let Err(problem) = told.await {
                log::warn!("jobs: {problem}");
            }
        }
    }

    async fn run_one(&self, job: &Arc<Waiting>) -> Result<(), Problem> {
        let begin = || -> Step {
            Box::new(|row, txn| {
                state::begin(row, txn.now());
                Ok(())
            })
        };
        if self.is_stopping() || !self.step(job, None, begin).await? {
            return self.stopped(job).await;
        }
        let whole = job.mode == JobMode::Atomic || job.dry_run;
        let size = if whole {
            job.operations.len().max(1)
        } else {
            CHUNK
        };
        for start in (0..job.operations.len()).step_by(size) {
            let chunk = || -> Step {
                let job = Arc::clone(job);
                Box::new(move |row, txn| {
                    chunk(&job, start, size, row, txn);
                    Ok(())
                })
            };
            if self.is_stopping() || !self.step(job, Some(start), chunk).await? {
                return self.stopped(job).await;
            }
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// A job that goes no further: because the service stops, or because it has ended otherwise.
    async fn stopped(&self, job: &Arc<Waiting>) -> Result<(), Problem> {
        if !self.is_stopping() {
            return Ok(());
        }
        let interrupt = || -> Step {
            Box::new(|row, txn| {
                state::interrupt(row, txn.now());
                Ok(())
            })
        };
        self.step_as(job, Author::System(Uuid::nil()), None, interrupt)
            .await
            .map(drop)
    }

    /// A step in the name of the job's owner, with what its grants allow now. False when the job is open no more.
    async fn step(
        &self,
        job: &Arc<Waiting>,
        done: Option<usize>,
        step: impl Fn() -> Step,
    ) -> Result<bool, Problem> {
        self.step_as(job, Author::Token(job.who.clone()), done, step)
            .await
    }

    /// `done` is how far the job must have come; one that has come further did this step, and only its acknowledgement was lost.
    async fn step_as(
        &self,
        job: &Arc<Waiting>,
        author: Author,
        done: Option<usize>,
        step: impl Fn() -> Step,
    ) -> Result<bool, Problem> {
        /// The job is open no more.
        const OVER: u16 = 409;
        let id = job.slot.id;
        let mut tries = 0;
        loop {
            let (write, step) = (
                Write {
                    author: author.clone(),
                    request_id: job.request_id.clone(),
                    reason: job.reason.clone(),
                    idempotency: None,
                    dry_run: false,
                },
                step(),
            );
            let work = move |txn: &mut Txn<'_>| {
                let answer = |status| Outcome {
                    status,
                    ..Outcome::default()
                };
                let Some(mut row) = txn.ask(|c| store::job(c, id))? else {
                    return Ok(answer(OVER));
                };
                if done.is_some_and(|done| usize::try_from(row.done).is_ok_and(|is| is > done)) {
                    return Ok(answer(200));
                }
                if !state::is_open(&row) {
                    return Ok(answer(OVER));
                }
                step(&mut row, txn)?;
                row.heartbeat_at = txn.now().into();
                txn.beside(Side::Job(row));
                Ok(answer(200))
            };
            match self.engine.write(write, work).await {
                Ok(outcome) => return Ok(outcome.status != OVER),
                // Nothing was written, or nobody knows: the next try finds out.
                Err(problem)
                    if problem.code == Code::Unavailable
                        && tries < TRIES
                        && !self.is_stopping() =>
                {
                    tries += 1;
                    tokio::time::sleep(BREATH).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// The account is gone, or the service is at fault.
    async fn give_up(&self, job: &Arc<Waiting>, problem: &Problem) {
        let failure = match problem.code {
            // Nobody can be told now; once the silence is too long, others say that it was interrupted.
            Code::Unavailable => return log::error!("job {} is given up: {problem}", job.slot.id),
            Code::Internal => JobFailure::Internal,
            _ => JobFailure::Refused,
        };
        let fail = || -> Step {
            let detail = problem.detail.clone();
            Box::new(move |row, txn| {
                state::fail(row, failure, &detail, txn.now());
                Ok(())
            })
        };
        if let Err(problem) = self
            .step_as(job, Author::System(Uuid::nil()), None, fail)
            .await
        {
            log::error!("job {} cannot be ended: {problem}", job.slot.id);
        }
    }
}

/// Does the operations of one step; a refused one leaves nothing, and in an atomic job nor do the others.
fn chunk(job: &Waiting, start: usize, size: usize, row: &mut JobRow, txn: &mut Txn<'_>) {
    let mut refused = Vec::new();
    let mut done = 0;
    // The error undoes all of it, and says nothing else.
    let undo = Problem::not_found;
    let kept = txn.part(|txn| {
        for (index, raw) in job.operations.iter().enumerate().skip(start).take(size) {
            if let Err(problem) = txn.part(|txn| load::run(raw, txn)) {
                refused.push((index, problem));
                if job.mode == JobMode::Atomic {
                    return Err(undo());
                }
            }
            done += 1;
        }
        if job.dry_run { Err(undo()) } else { Ok(()) }
    });
    let first = refused
        .first()
        .map(|(index, p)| format!("operation {index}: {}", p.detail));
    state::refuse(row, refused);
    match first {
        Some(detail) if kept.is_err() && job.mode == JobMode::Atomic => {
            state::fail(row, JobFailure::Refused, &detail, txn.now())
        }
        _ => {
            row.done = row.done.saturating_add(done);
            if row.done == row.total {
                state::end(row, JobState::Succeeded, txn.now());
            }
        }
    }
}
