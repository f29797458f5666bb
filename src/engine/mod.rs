//! The engine: the current world, the single writer, the follower of other replicas, and past
//! worlds.
//!
//! A change is a job for the writer (`writer`). The writer runs it on a copy of the world
//! ([`txn`]), writes journal and rows for a whole batch in one transaction, and publishes the new
//! world after the commit. On a shared database, a read first asks whether the journal has moved
//! (`follower`); one such query serves all requests that are waiting.

mod follower;
mod past;
pub mod txn;
mod writer;

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};

use crate::db::{Address, Conn, DbError, Readers, store};
use crate::problem::Problem;
use crate::world::{AnyRecord, Catalogue, World};

pub use past::WorldAt;
pub use txn::{Outcome, Txn};
pub use writer::{Author, Idempotency, JOB_DAYS, Write};

/// Reader threads for history and past worlds. Current records are read from memory.
const READERS: usize = 2;

/// Number of records read at once at the start, and of pages that may wait to be applied.
const PAGE: i64 = 2_000;
const LOTS_AHEAD: usize = 2;

/// The engine, shared by everything that reads or writes.
pub struct Engine {
    address: Address,
    now: Arc<Published>,
    writer: writer::Writer,
    follower: follower::Follower,
    readers: Readers,
    past: past::Past,
}

/// The current world. It is only ever replaced by a later one.
pub(crate) struct Published {
    world: ArcSwap<World>,
    guard: Mutex<()>,
}

impl Published {
    fn new(world: World) -> Self {
        Self {
            world: ArcSwap::from_pointee(world),
            guard: Mutex::new(()),
        }
    }

    fn load(&self) -> Arc<World> {
        self.world.load_full()
    }

    /// Replaces the world unless a later one is already published: the writer and the follower may
    /// both have seen the same entries.
    fn publish(&self, world: World) {
        let _one_at_a_time = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        if world.seq > self.world.load().seq {
            self.world.store(Arc::new(world));
        }
    }
}

impl Engine {
    /// Connects, migrates, reads every record into memory and starts the threads.
    ///
    /// # Errors
    /// The database cannot be reached, migrated or read.
    pub fn start(address: Address, catalogue: &'static Catalogue) -> Result<Arc<Self>, DbError> {
        let mut conn = address.connect()?;
        conn.migrate()?;
        let world = load(&mut conn, catalogue)?;
        let now = Arc::new(Published::new(world));
        Ok(Arc::new(Self {
            writer: writer::Writer::start(conn, address.clone(), Arc::clone(&now))?,
            follower: follower::Follower::start(address.clone(), Arc::clone(&now))?,
            readers: Readers::start(&address, READERS)?,
            past: past::Past::default(),
            address,
            now,
        }))
    }

    /// Returns the current world, as this process knows it.
    #[must_use]
    pub fn now(&self) -> Arc<World> {
        self.now.load()
    }

    /// Returns the current world, with everything that any replica had committed at the time of the
    /// call.
    ///
    /// # Errors
    /// The database is unavailable, so the current world is not known.
    pub async fn fresh(&self) -> Result<Arc<World>, Problem> {
        self.follower.catch_up().await?;
        Ok(self.now())
    }

    /// Returns the world as recorded at `at`.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn world_at(&self, at: DateTime<Utc>) -> Result<WorldAt, Problem> {
        self.past.world_at(self, at).await
    }

    /// Runs a read of the journal on a reader thread.
    ///
    /// # Errors
    /// See [`Readers::run`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, Problem> {
        Ok(self.readers.run(self.address.clone(), read).await?)
    }

    /// Has the writer run a job. Returns after its commit.
    ///
    /// # Errors
    /// The job's refusal, or the database is unavailable. Nothing was written in either case.
    pub async fn write(
        &self,
        write: Write,
        job: impl FnOnce(&mut Txn<'_>) -> Result<Outcome, Problem> + Send + 'static,
    ) -> Result<Outcome, Problem> {
        self.writer.submit(write, Box::new(job)).await
    }

    /// Checks that the database answers and has this build's tables.
    ///
    /// # Errors
    /// It does not.
    pub async fn ready(&self) -> Result<(), Problem> {
        let migrated = self.read(Conn::is_migrated).await?;
        if migrated {
            Ok(())
        } else {
            Err(Problem::unavailable(
                "the database's tables do not match this build",
            ))
        }
    }

    /// Whether other processes may serve the same data.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.address.is_shared()
    }

    /// Finishes the work in progress and ends the threads.
    pub fn stop(&self) {
        self.writer.stop();
    }
}

/// Reads the current version of every record.
fn load(conn: &mut Conn, catalogue: &'static Catalogue) -> Result<World, DbError> {
    let mut world = World::empty(catalogue);
    let Some((seq, hash, at)) = store::head(conn)? else {
        return Ok(world);
    };
    ahead(
        |pages| read_pages(conn, catalogue, pages),
        |page: Lot| {
            page.into_iter()
                .for_each(|record| drop(world.apply(record)))
        },
    )?;
    for (kind, number) in store::last_numbers(conn)? {
        if let Some((kind, number)) = catalogue.named(&kind).zip(u32::try_from(number).ok()) {
            world.had_number(kind, number);
        }
    }
    (world.seq, world.head, world.at) = (seq, hash.into(), at.0);
    // Another replica may have written in the meantime. Applying an entry twice does no harm.
    follow(conn, &mut world)?;
    Ok(world)
}

/// A batch of records that were read and parsed.
type Lot = Vec<Arc<dyn AnyRecord>>;

/// One thread reads and parses while this one applies what it sends. This halves the time to load a
/// large world.
fn ahead<T: Send>(
    read: impl FnOnce(&SyncSender<T>) -> Result<(), DbError> + Send,
    take: impl FnMut(T),
) -> Result<(), DbError> {
    std::thread::scope(|scope| {
        let (send, lots) = std::sync::mpsc::sync_channel(LOTS_AHEAD);
        let reader = scope.spawn(move || read(&send));
        lots.into_iter().for_each(take);
        reader.join().unwrap_or_else(|_| {
            Err(DbError::Damaged(
                "the recorded data could not be read".into(),
            ))
        })
    })
}

/// Sends the current version of every record, page by page.
fn read_pages(
    conn: &mut Conn,
    catalogue: &Catalogue,
    pages: &SyncSender<Lot>,
) -> Result<(), DbError> {
    let mut after = uuid::Uuid::nil();
    loop {
        let rows = store::records_after(conn, after, PAGE)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.id.0;
        let parsed = rows
            .iter()
            .map(|row| parse(catalogue, &row.kind, &row.body, row.shape, row.seq));
        // Sending fails only if the thread that builds the world has failed.
        if pages.send(parsed.collect::<Result<_, _>>()?).is_err() {
            return Ok(());
        }
    }
}

/// Applies the entries that follow the world's last one.
pub(crate) fn follow(conn: &mut Conn, world: &mut World) -> Result<(), DbError> {
    loop {
        let entries = store::entries_after(conn, world.seq, 5_000)?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            if let Some(snapshot) = &entry.snapshot {
                let record = parse(
                    world.catalogue(),
                    &entry.kind,
                    snapshot,
                    entry.shape,
                    entry.seq,
                )?;
                world.apply(record);
            }
            (world.seq, world.head, world.at) = (entry.seq, entry.hash.into(), entry.at.0);
        }
    }
}

/// Parses a snapshot, given the name of its kind.
pub(crate) fn parse(
    catalogue: &Catalogue,
    kind: &str,
    body: &str,
    shape: i32,
    seq: i64,
) -> Result<Arc<dyn AnyRecord>, DbError> {
    let kind = catalogue.named(kind).ok_or_else(|| {
        DbError::Damaged(format!(
            "entry {seq} is of the kind `{kind}`, which is unknown to this build"
        ))
    })?;
    (kind.parse)(body, shape, seq, kind.index)
        .map_err(|e| DbError::Damaged(format!("entry {seq} ({}): {e}", kind.name)))
}
