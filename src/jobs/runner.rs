//! Runs jobs in the background, one after another, while the process serves requests.
//!
//! Each step of a job is one change made by the writer: a chunk of its operations plus the progress
//! made, in one transaction. Every step first checks that the job is still open. So a job that was
//! cancelled, or that another process has declared interrupted, makes no further changes, and
//! `done` is exact even if a process dies. Other writes can run between steps.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
use crate::problem::{Code, Problem, Shed};
use crate::world::record::word;

/// Number of operations in one step of a job whose operations are independent.
const CHUNK: usize = 200;
/// Maximum number of jobs that one process holds, including jobs being submitted, and the maximum
/// for one account.
const HELD: usize = 8;
const HELD_OF_ONE: usize = 4;
/// How often a process confirms that it still holds its jobs, and how long it may be silent before
/// they count as interrupted.
const BEAT: Duration = Duration::from_secs(10);
const SILENCE: TimeDelta = TimeDelta::seconds(60);
/// Number of attempts at a step while the database is unavailable, and the pause between them.
const TRIES: usize = 20;
const BREATH: Duration = Duration::from_secs(1);

/// The jobs that this process holds: id and owner.
type Held = Arc<Mutex<Vec<(Uuid, Uuid)>>>;

/// A reserved place for one job, released when dropped.
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

/// A job waiting to run.
pub struct Waiting {
    pub slot: Slot,
    pub who: Identity,
    pub request_id: String,
    pub reason: Option<String>,
    pub mode: JobMode,
    pub dry_run: bool,
    pub operations: Vec<Bytes>,
    /// The state that its last step found or left, for the metrics.
    pub state: Mutex<String>,
}

impl Waiting {
    /// Notes the state of its row.
    fn is_in(&self, row: &JobRow) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        row.state.clone_into(&mut state);
    }

    /// The state in which it ended. One that could not be given up has none: it is marked as
    /// interrupted later, and counted then.
    fn ended(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let open = [
            word(&JobState::Queued),
            word(&JobState::Running),
            String::new(),
        ];
        (!open.contains(&state)).then(|| state.clone())
    }
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
    /// Starts the thread, and marks jobs whose process has stopped as interrupted.
    ///
    /// # Errors
    /// The database is unavailable or the thread cannot be started.
    pub async fn start(&self, engine: &Arc<Engine>) -> Result<(), Problem> {
        // A database file is served by one process only, so no running process holds the jobs that
        // are open in it now.
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

    /// Reserves a place for a job of this account.
    ///
    /// # Errors
    /// 429 when the account has too many jobs, 503 when the process has.
    pub fn reserve(&self, owner: Uuid) -> Result<Slot, Problem> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.iter().filter(|(_, of)| *of == owner).count() >= HELD_OF_ONE {
            let detail = format!(
                "{HELD_OF_ONE} jobs of this account are already queued or running here; send the \
                    next one when one of them has finished"
            );
            return Err(Problem::new(Code::TooManyRequests, detail)
                .header("Retry-After", "5")
                .shed(Shed::Jobs));
        }
        if held.len() >= HELD {
            return Err(Problem::unavailable("too many jobs are queued").shed(Shed::Jobs));
        }
        let id = Uuid::now_v7();
        held.push((id, owner));
        Ok(Slot {
            id,
            held: Arc::clone(&self.held),
        })
    }

    /// Queues a stored job. If the service is stopping, the job is not queued and is later marked
    /// as interrupted.
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

    /// Stops the thread. A running job stops after its current step, and queued jobs never start.
    /// Each is marked as interrupted.
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

/// Marks jobs with no sign of life since `since` as interrupted, and counts them as failed.
async fn interrupt_silent(engine: &Engine, since: DateTime<Utc>) -> Result<(), Problem> {
    if engine
        .read(move |c| store::silent_jobs(c, since))
        .await?
        .is_empty()
    {
        return Ok(());
    }
    let write = Write::system(Uuid::nil(), "jobs of a process that stopped");
    let interrupted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&interrupted);
    engine
        .write(write, move |txn| {
            let now = txn.now();
            let silent = txn.ask(|c| store::silent_jobs(c, since))?;
            count.store(silent.len(), Ordering::Relaxed);
            for mut row in silent {
                state::interrupt(&mut row, now);
                txn.beside(Side::Job(row));
            }
            Ok(Outcome::default())
        })
        .await?;
    for _ in 0..interrupted.load(Ordering::Relaxed) {
        engine.metrics.jobs.finished(&word(&JobState::Failed));
    }
    Ok(())
}

struct Runner {
    engine: Arc<Engine>,
    held: Held,
    stopping: Arc<AtomicBool>,
}

/// What one step receives: the job's current row, and the transaction.
type Step = Box<dyn FnOnce(&mut JobRow, &mut Txn<'_>) -> Result<(), Problem> + Send>;

impl Runner {
    async fn run(&self, mut waiting: UnboundedReceiver<Waiting>) {
        while let Some(job) = waiting.recv().await {
            let job = Arc::new(job);
            let counts = &self.engine.metrics.jobs;
            counts.queued.dec();
            counts.running.inc();
            if let Err(problem) = self.run_one(&job).await {
                self.give_up(&job, &problem).await;
            }
            counts.running.dec();
            job.ended().iter().for_each(|state| counts.finished(state));
        }
    }

    /// Confirms regularly that this process holds its jobs, and marks jobs that no process holds
    /// any more as interrupted.
    async fn beat(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            let ids: Vec<Uuid> = {
                let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.iter().map(|(id, _)| *id).collect()
            };
            let told = async {
                if !ids.is_empty() {
                    let write = Write::system(Uuid::nil(), "jobs still held");
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

    /// Handles a job that cannot go on, either because the service is stopping or because the job
    /// has already ended.
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

    /// Runs a step on behalf of the job's owner, with the owner's current grants. Returns false
    /// when the job is no longer open.
    async fn step(
        &self,
        job: &Arc<Waiting>,
        done: Option<usize>,
        step: impl Fn() -> Step,
    ) -> Result<bool, Problem> {
        self.step_as(job, Author::Token(job.who.clone()), done, step)
            .await
    }

    /// `done` is the progress the job must have reached. If the job is further on, this step was
    /// already done and only its acknowledgement was lost.
    async fn step_as(
        &self,
        job: &Arc<Waiting>,
        author: Author,
        done: Option<usize>,
        step: impl Fn() -> Step,
    ) -> Result<bool, Problem> {
        /// The job is no longer open.
        const OVER: u16 = 409;
        let id = job.slot.id;
        let mut tries = 0;
        loop {
            let noted = Arc::clone(job);
            let (write, step) = (
                Write {
                    author: author.clone(),
                    request_id: job.request_id.clone(),
                    reason: job.reason.clone(),
                    idempotency: None,
                    dry_run: false,
                    changes: done.map_or(1, |_| job.operations.len()),
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
                noted.is_in(&row);
                if done.is_some_and(|done| usize::try_from(row.done).is_ok_and(|is| is > done)) {
                    return Ok(answer(200));
                }
                if !state::is_open(&row) {
                    return Ok(answer(OVER));
                }
                step(&mut row, txn)?;
                noted.is_in(&row);
                row.heartbeat_at = txn.now().into();
                txn.beside(Side::Job(row));
                Ok(answer(200))
            };
            match self.engine.write(write, work).await {
                Ok(outcome) => return Ok(outcome.status != OVER),
                // Either nothing was written or the result is unknown; the next attempt finds out.
                Err(problem)
                    if problem.code.is_passing() && tries < TRIES && !self.is_stopping() =>
                {
                    tries += 1;
                    tokio::time::sleep(BREATH).await;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Ends a job whose step failed, because the account may no longer run it or because of an
    /// internal error.
    async fn give_up(&self, job: &Arc<Waiting>, problem: &Problem) {
        let failure = match problem.code {
            // Nothing can be written now. Once the job has been silent for too long, another
            // process marks it as interrupted.
            code if code.is_passing() => {
                return log::error!("giving up on job {}: {problem}", job.slot.id);
            }
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
            log::error!(
                "job {} could not be marked as failed: {problem}",
                job.slot.id
            );
        }
    }
}

/// Runs the operations of one step. An operation that is refused changes nothing; in an atomic job,
/// nor do the others.
fn chunk(job: &Waiting, start: usize, size: usize, row: &mut JobRow, txn: &mut Txn<'_>) {
    let mut refused = Vec::new();
    let mut done = 0;
    // This error only rolls everything back; its content is not used.
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
                state::complete(row, txn.now());
            }
        }
    }
}
