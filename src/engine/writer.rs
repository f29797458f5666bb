//! The single writer of this process. It runs jobs in batches, with one transaction and one commit
//! for each batch, and answers only after the commit.
//!
//! The jobs of a batch run on one copy of the world. If a job fails, its changes are undone; after
//! a panic, the copy is built again. On PostgreSQL the writer first takes an advisory lock and
//! catches up with other replicas, so that all of them append in one order. It keeps the lock for
//! some milliseconds, in which a batch that only changes records takes a single round trip.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{Duration, Utc};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::published::Published;
use super::reading::{follow, parse};
use super::txn::{Outcome, Txn};
use crate::access::Caller;
use crate::access::identity::Identity;
use crate::db::store::{IdempotencyRow, JournalRow, RecordRow, Side};
use crate::db::{
    Address, Conn, DatabaseFile, DbError, Link, Silent, Turn, Watched, Worker, store, unpoisoned,
};
use crate::journal::NewEntry;
use crate::metrics::{self, Metrics};
use crate::problem::{Code, Problem, Shed};
use crate::world::World;
use crate::world::calendar::today;

/// Number of jobs that may wait before more are refused.
const QUEUE: usize = 1_024;
/// Maximum number of jobs that share a commit.
const BATCH: usize = 128;
/// How long a batch for a server waits for the callers of the last one, most of whom ask again at once:
/// it is quicker to store their changes together than in two halves.
const GATHER: std::time::Duration = std::time::Duration::from_micros(200);
/// A job that changes more records than this shares its commit with no other, so that nobody waits for
/// two such jobs.
const SHARES: usize = 50;
/// How long an idempotency key is kept, in hours.
pub const REPLAY_HOURS: i64 = 24;
/// How long a finished job is kept, in days.
pub const JOB_DAYS: i64 = 30;
/// Number of batches between deletions of old idempotency keys and jobs.
const SWEEP_EVERY: u64 = 1_000;

/// Who makes a change.
#[derive(Debug, Clone)]
pub enum Author {
    /// The account named by the token, with the roles it holds when the job runs.
    Token(Identity),
    /// The service itself (first start, loader, sign-in).
    System(Uuid),
}

/// The idempotency key of a request, which makes it safe to repeat.
#[derive(Debug, Clone)]
pub struct Idempotency {
    pub key: String,
    /// SHA-256 of method, URL, precondition and body.
    pub request: Vec<u8>,
}

/// What is known about a change before it runs.
#[derive(Debug, Clone)]
pub struct Write {
    pub author: Author,
    pub request_id: String,
    pub reason: Option<String>,
    pub idempotency: Option<Idempotency>,
    /// Whether to check everything but write nothing.
    pub dry_run: bool,
    /// About how many records it changes.
    pub changes: usize,
}

impl Write {
    /// A change by the service itself.
    #[must_use]
    pub fn system(account: Uuid, reason: &str) -> Self {
        Self {
            author: Author::System(account),
            request_id: "system".into(),
            reason: Some(reason.into()),
            idempotency: None,
            dry_run: false,
            changes: 1,
        }
    }
}

/// The work to be done by the writer.
pub type Work = Box<dyn FnOnce(&mut Txn<'_>) -> Result<Outcome, Problem> + Send>;

type Answer = oneshot::Sender<Result<Outcome, Problem>>;

struct Job {
    write: Write,
    work: Work,
    answer: Answer,
}

/// The jobs that wait. They outlive a thread that is given up.
struct Waiting {
    jobs: Receiver<Job>,
    /// A large job that came while a batch was gathered, and is the next one.
    large: Option<Job>,
}

/// Handle to the writer thread.
pub struct Writer {
    queue: Mutex<Option<SyncSender<Job>>>,
    thread: Arc<Worker<Vec<Answer>>>,
    metrics: Arc<Metrics>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(
        address: &Address,
        now: Arc<Published>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, DbError> {
        let (queue, jobs) = sync_channel(QUEUE);
        let file = DatabaseFile::of(address);
        let waiting = Mutex::new(Waiting { jobs, large: None });
        let counted = Arc::clone(&metrics);
        let body = move |turn: &Turn<_>, link: &mut Link| {
            run(turn, link, file.as_ref(), &now, &waiting, &counted.writer);
        };
        let tell = |answers: Vec<Answer>, silent| {
            let problem = match silent {
                Silent::AtWork => not_stored(),
                Silent::AtCommit => unknown(),
            };
            refuse(answers, &problem);
        };
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Worker::start("writer", address, &metrics.writer.connections, body, tell)?,
            metrics,
        })
    }

    /// The thread, to be looked at.
    pub fn watched(&self) -> Arc<dyn Watched> {
        Arc::clone(&self.thread) as Arc<dyn Watched>
    }

    /// Queues a job and waits for its commit.
    pub async fn submit(&self, write: Write, work: Work) -> Result<Outcome, Problem> {
        let stopping = || Problem::unavailable("the service is stopping");
        let (answer, done) = oneshot::channel();
        let queue = unpoisoned(&self.queue).clone().ok_or_else(stopping)?;
        let waiting = &self.metrics.writer.queue;
        waiting.inc();
        queue
            .try_send(Job {
                write,
                work,
                answer,
            })
            .inspect_err(|_| waiting.dec())
            .map_err(|e| match e {
                TrySendError::Full(_) => {
                    Problem::unavailable("too many changes are waiting to be written")
                        .shed(Shed::WriterQueue)
                }
                TrySendError::Disconnected(_) => stopping(),
            })?;
        drop(queue);
        done.await.map_err(|_| stopping())?
    }

    /// Finishes the queued jobs and ends the thread.
    pub fn stop(&self) {
        drop(unpoisoned(&self.queue).take());
        self.thread.join();
    }
}

fn not_stored() -> Problem {
    Problem::unavailable("the change could not be stored; nothing was written")
}

fn unknown() -> Problem {
    let detail = "the database was lost while the change was being committed, so it is not known \
        whether it was written";
    Problem::new(Code::OutcomeUnknown, detail).header("Retry-After", "1")
}

fn refuse(answers: Vec<Answer>, problem: &Problem) {
    for answer in answers {
        let _ = answer.send(Err(problem.clone()));
    }
}

/// The next job. No job if none comes in the time for which the right to write may still be kept; none at
/// all when there will be no more.
fn first_job(waiting: &Mutex<Waiting>, kept: Option<std::time::Duration>) -> Option<Option<Job>> {
    let mut waiting = unpoisoned(waiting);
    match kept {
        Some(std::time::Duration::ZERO) => Some(None),
        _ if waiting.large.is_some() => Some(waiting.large.take()),
        None => waiting.jobs.recv().ok().map(Some),
        Some(time) => match waiting.jobs.recv_timeout(time) {
            Ok(job) => Some(Some(job)),
            Err(RecvTimeoutError::Timeout) => Some(None),
            Err(RecvTimeoutError::Disconnected) => None,
        },
    }
}

/// The next jobs whose callers still wait. None when there will be no more, or when the thread was
/// given up. `expected`: how many there will probably be. The right to write is given back when it has been kept for long enough.
fn next_batch(
    turn: &Turn<Vec<Answer>>,
    waiting: &Mutex<Waiting>,
    link: &mut Link,
    expected: usize,
    counts: &metrics::Writer,
) -> Option<Vec<Job>> {
    let first = loop {
        if let Some(first) = first_job(waiting, link.may_write_for())? {
            break first;
        }
        // Without the lock on what waits: the database may not answer, and another thread take over.
        link.let_go();
        if turn.is_over() {
            return None;
        }
    };
    let mut waiting = unpoisoned(waiting);
    let Waiting { jobs, large } = &mut *waiting;
    let mut batch = vec![first];
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH && batch.iter().all(|job| job.write.changes <= SHARES) {
        let job = match jobs.try_recv() {
            Ok(job) => job,
            Err(_) if batch.len() < expected => {
                match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(job) => job,
                    Err(_) => break,
                }
            }
            Err(_) => break,
        };
        if job.write.changes > SHARES {
            *large = Some(job);
            break;
        }
        batch.push(job);
    }
    counts.queue.sub(i64::try_from(batch.len()).unwrap_or(0));
    batch.retain(|job| !job.answer.is_closed());
    Some(batch)
}

fn run(
    turn: &Turn<Vec<Answer>>,
    link: &mut Link,
    file: Option<&DatabaseFile>,
    now: &Published,
    waiting: &Mutex<Waiting>,
    counts: &metrics::Writer,
) {
    let mut batches: u64 = 0;
    // Whether erased data may still be in the database's free space.
    let mut is_to_scrub = false;
    let mut expected = 0;
    while let Some(batch) = next_batch(turn, waiting, link, expected, counts) {
        if batch.is_empty() {
            continue;
        }
        let (began, changes) = (Instant::now(), batch.len());
        let sweep = batches.is_multiple_of(SWEEP_EVERY);
        batches += 1;
        let (senders, work): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|j| (j.answer, (j.write, j.work)))
            .unzip();
        if !turn.begin(senders) {
            return;
        }
        let is_in_place = file.map_or(Ok(()), DatabaseFile::check);
        let done = is_in_place.and_then(|()| store_batch(turn, link, now, work, sweep));
        counts.batch(changes, began);
        match done {
            Ok((world, answers, erased)) => {
                counts.wrote(world.seq);
                // Before the answers, so that a caller who is answered and reads next finds the change.
                if !turn.does(|| now.publish(world)) {
                    return;
                }
                is_to_scrub |= erased;
                // Also before the answers: a caller who is told that data is erased relies on it.
                if is_to_scrub {
                    match link.get().and_then(Conn::scrub) {
                        Ok(()) => is_to_scrub = false,
                        Err(e) => log::warn!(
                            "erased data may still be in the database's free space; trying again \
                                after the next change: {e}"
                        ),
                    }
                }
                let Some(senders) = turn.end() else {
                    return;
                };
                // Those who came meanwhile, and those who come back.
                let came = usize::try_from(counts.queue.get()).unwrap_or(0);
                expected = match link.may_write_for() {
                    Some(_) => came + senders.len(),
                    None => 0,
                };
                for (sender, answer) in senders.into_iter().zip(answers) {
                    let _ = sender.send(answer);
                }
            }
            Err(e) => {
                let Some(senders) = turn.end() else {
                    return;
                };
                let is_unknown = matches!(e, DbError::Unknown(_));
                let what = if is_unknown {
                    "may not have been stored"
                } else {
                    "was rolled back"
                };
                log::error!("a batch of {} changes {what}: {e}", senders.len());
                refuse(senders, &if is_unknown { unknown() } else { not_stored() });
                // What others wrote may be why.
                if !link.is_lost(&e) {
                    link.let_go();
                }
            }
        }
    }
    if let Err(e) = link.get().and_then(Conn::settle) {
        log::warn!("the log of the database could not be emptied into it: {e}");
    }
}

type Answers = Vec<Result<Outcome, Problem>>;

/// What a batch leaves.
struct Batch {
    world: World,
    answers: Answers,
    /// Whether anything was erased.
    erased: bool,
    entries: Vec<JournalRow>,
    records: Vec<RecordRow>,
}

/// Runs a batch and stores it, all or nothing.
fn store_batch(
    turn: &Turn<Vec<Answer>>,
    link: &mut Link,
    now: &Published,
    work: Vec<(Write, Work)>,
    sweep: bool,
) -> Result<(World, Answers, bool), DbError> {
    let (conn, is_behind) = link.to_write()?;
    let done = run_batch(conn, now, work, sweep, is_behind).and_then(|batch| {
        store_changes(turn, conn, &batch.entries, &batch.records)?;
        Ok((batch.world, batch.answers, batch.erased))
    });
    // Still in a transaction: nothing was committed.
    if done.is_err()
        && conn.is_in_transaction().unwrap_or(true)
        && let Err(again) = conn.roll_back()
    {
        log::error!("rollback failed: {again}");
        link.close();
    }
    done
}

/// Adds what a batch changed and commits it. If nothing else was to be written, so that no
/// transaction was begun, this is one statement.
fn store_changes(
    turn: &Turn<Vec<Answer>>,
    conn: &mut Conn,
    entries: &[JournalRow],
    records: &[RecordRow],
) -> Result<(), DbError> {
    // Those who asked were told that nothing was written.
    let given_up = || DbError::Away("the transaction took too long".into());
    let may_commit = || turn.may_commit().then_some(()).ok_or_else(given_up);
    if entries.len() > store::ROWS_AT_ONCE {
        conn.ensure_transaction()?;
    }
    if conn.is_in_transaction()? {
        store::append(conn, entries, records)?;
        may_commit()?;
        return conn.commit();
    }
    may_commit()?;
    store::append(conn, entries, records).map_err(|e| conn.unless_lost(e))
}

/// Runs a batch on the current world; `is_behind` if others may have written since this process last
/// did.
fn run_batch(
    conn: &mut Conn,
    now: &Published,
    work: Vec<(Write, Work)>,
    sweep: bool,
    is_behind: bool,
) -> Result<Batch, DbError> {
    let mut world = (*now.load()).clone();
    if is_behind {
        follow(conn, &mut world)?;
    }
    // Kept for a job that panics. It costs nothing, because worlds share their records.
    let base = world.clone();
    let mut entries: Vec<NewEntry> = Vec::new();
    let mut answers = Vec::with_capacity(work.len());
    let mut erased = false;
    if sweep {
        conn.ensure_transaction()?;
        store::write_side(
            conn,
            &Side::ForgetReplaysBefore(Utc::now() - Duration::hours(REPLAY_HOURS)),
        )?;
        store::write_side(
            conn,
            &Side::ForgetJobsBefore(Utc::now() - Duration::days(JOB_DAYS)),
        )?;
    }
    for (write, work) in work {
        let (after, answer, erases) = run_job(conn, &base, world, &mut entries, write, work)?;
        world = after;
        answers.push(answer);
        erased |= erases;
    }
    // Hashed last, when it is certain which entries are in the journal: a refused job must leave no
    // gap in the chain.
    let entries = seal(&mut world, entries);
    let records = latest(&entries, &world);
    Ok(Batch {
        world,
        answers,
        erased,
        entries,
        records,
    })
}

type Done = (World, Result<Outcome, Problem>, bool);

/// Runs one job on the batch's world. A refused job is undone. Only errors of the database itself
/// end the batch.
fn run_job(
    conn: &mut Conn,
    base: &World,
    world: World,
    entries: &mut Vec<NewEntry>,
    write: Write,
    work: Work,
) -> Result<Done, DbError> {
    let caller = match &write.author {
        Author::System(account) => Caller::system(*account),
        // Roles are resolved in the batch's world, because another replica or an earlier job of
        // this batch may have ended them since the request arrived.
        Author::Token(who) => match Caller::resolve(&world, who, today()) {
            Ok(caller) => caller,
            Err(refused) => return Ok((world, Err(refused), false)),
        },
    };
    let account = caller.account;
    // Asked in the transaction of the batch, so that the second of two equal requests in one batch
    // finds the answer of the first.
    if let Some(idempotency) = &write.idempotency {
        conn.ensure_transaction()?;
        let since = Utc::now() - Duration::hours(REPLAY_HOURS);
        if let Some(first) = store::replay(conn, account, &idempotency.key, since)? {
            return Ok((world, replay(idempotency, first), false));
        }
    }
    let mut txn = Txn::new(
        world,
        caller,
        &write.request_id,
        write.reason.as_deref(),
        conn,
    );
    let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(&mut txn))) else {
        return Ok((
            redo(base, entries)?,
            Err(Problem::internal("a change panicked")),
            false,
        ));
    };
    let outcome = match result {
        Ok(outcome) if !write.dry_run => outcome,
        nothing_written => return Ok((txn.give_up(), nothing_written, false)),
    };
    let (world, made, mut sides) = txn.finish();
    if let Some(idempotency) = write.idempotency {
        sides.push(Side::Replay(IdempotencyRow {
            account_id: account.into(),
            key: idempotency.key,
            request: idempotency.request,
            status: i32::from(outcome.status),
            headers: serde_json::to_string(&outcome.headers).unwrap_or_default(),
            body: outcome.body.to_vec(),
            created_at: Utc::now().into(),
        }));
    }
    // Written now rather than with the entries, because later jobs of the batch read it.
    if !sides.is_empty() {
        conn.ensure_transaction()?;
    }
    for side in &sides {
        store::write_side(conn, side)?;
    }
    entries.extend(made);
    Ok((world, Ok(outcome), sides.iter().any(Side::is_erasure)))
}

/// Rebuilds the batch's world without the job that panicked, because its partial changes cannot be
/// undone step by step.
fn redo(base: &World, entries: &[NewEntry]) -> Result<World, DbError> {
    let mut world = base.clone();
    for entry in entries {
        let record = parse(
            world.catalogue(),
            entry.kind,
            &entry.snapshot,
            entry.shape,
            entry.seq,
        )?;
        world.apply(record);
        (world.seq, world.at) = (entry.seq, entry.at);
    }
    Ok(world)
}

fn replay(asked: &Idempotency, first: IdempotencyRow) -> Result<Outcome, Problem> {
    if asked.request != first.request {
        let detail = "was used for a different request; use a new key";
        return Err(Problem::field(
            Code::IdempotencyKeyReused,
            "Idempotency-Key",
            "reused",
            detail,
        ));
    }
    let mut headers: Vec<(String, String)> =
        serde_json::from_str(&first.headers).unwrap_or_default();
    headers.push(("Idempotency-Replayed".into(), "true".into()));
    Ok(Outcome {
        status: u16::try_from(first.status).unwrap_or(200),
        headers,
        body: first.body.into(),
    })
}

/// Chains the batch's entries to the journal's last one.
fn seal(world: &mut World, entries: Vec<NewEntry>) -> Vec<JournalRow> {
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = entry.seal(&world.head, rand::random());
        world.head = row.hash.as_slice().into();
        rows.push(row);
    }
    rows
}

/// Returns the latest state of each record that the batch changed.
fn latest(rows: &[JournalRow], world: &World) -> Vec<RecordRow> {
    rows.iter()
        .filter_map(|row| {
            let record = world
                .any(row.record_id.0)
                // Of several versions in one batch only the last is current.
                .filter(|r| r.meta().seq == row.seq)?;
            Some(RecordRow {
                id: row.record_id,
                kind: row.kind.clone(),
                reference: record.meta().reference.to_string(),
                version: row.version,
                seq: row.seq,
                shape: row.shape,
                body: row.snapshot.clone()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::Engine;
    use crate::registers::catalogue;

    fn create(txn: &mut Txn<'_>, name: &str) -> Result<String, Problem> {
        let unit = catalogue().named("unit").expect("units are kept");
        let made = txn.create(unit, None, json!({ "title": name, "unit_kind": "unit" }))?;
        Ok(made.meta().reference.to_string())
    }

    fn answered(reference: String) -> Outcome {
        Outcome {
            body: reference.into(),
            ..Outcome::default()
        }
    }

    #[tokio::test]
    async fn a_job_that_fails_or_panics_leaves_no_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder
            .path()
            .join("stride.db")
            .to_string_lossy()
            .into_owned();
        let engine = Engine::start(Address::Sqlite(file), catalogue()).expect("the engine starts");
        let write = || Write::system(Uuid::nil(), "test");
        let good =
            |name: &'static str| engine.write(write(), move |txn| Ok(answered(create(txn, name)?)));
        assert_eq!(
            good("One").await.expect("the change is written").body,
            "UNT-0001"
        );

        let before = engine.now();
        let refused = engine.write(write(), |txn| {
            create(txn, "Two")?;
            let kept: Result<(), Problem> =
                txn.part(|txn| create(txn, "Three").and(Err(Problem::not_found())));
            assert!(
                kept.is_err() && txn.world.seq == 2,
                "only the part is undone"
            );
            assert_eq!(create(txn, "Three")?, "UNT-0003");
            Err(Problem::not_found())
        });
        assert_eq!(
            refused.await.expect_err("it is refused").code,
            Code::NotFound
        );
        let tried = Write {
            dry_run: true,
            ..write()
        };
        let dry = engine.write(tried, |txn| Ok(answered(create(txn, "Two")?)));
        assert_eq!(dry.await.expect("it would do").body, "UNT-0002");
        let panicked = engine.write(write(), |txn| {
            create(txn, "Two")?;
            panic!("on purpose")
        });
        assert_eq!(
            panicked.await.expect_err("it panicked").code,
            Code::Internal
        );

        // All at once: good jobs before and after a bad one, most likely in one batch.
        let bad = engine.write(write(), |txn| {
            create(txn, "Two").map(|_| panic!("on purpose"))
        });
        let (first, bad, last) = tokio::join!(good("Two"), bad, good("Three"));
        assert!(bad.is_err());
        assert_eq!(first.expect("the change is written").body, "UNT-0002");
        assert_eq!(last.expect("the change is written").body, "UNT-0003");
        let (now, units) = (
            engine.now(),
            catalogue().index_of("unit").expect("units are kept"),
        );
        assert_eq!((before.seq, now.seq), (1, 3));
        let names = |world: &World| {
            world
                .table(units)
                .map(|t| t.rows().map(|r| r.text().to_owned()).collect::<Vec<_>>())
        };
        let of = |name: &str, n: usize| format!("unt-000{n}\n{name}");
        assert_eq!(
            names(&now),
            Some(vec![of("one", 1), of("two", 2), of("three", 3)])
        );
        assert_eq!(
            names(&before),
            Some(vec![of("one", 1)]),
            "an earlier world stays as it was"
        );
        engine.stop();
        let report = crate::journal::verify::verify(
            &mut engine.address.connect().expect("it connects"),
            &[],
        )
        .expect("it is read");
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
}
