//! The engine: the current world, the single writer, the follower of other replicas, and past
//! worlds.
//!
//! A change is a job for the writer (`writer`). The writer runs it on a copy of the world
//! ([`txn`]), writes journal and rows for a whole batch in one transaction, and publishes the new
//! world after the commit. On a shared database, a read first asks whether the journal has moved
//! (`follower`); one such query serves all requests that are waiting.

mod follower;
mod past;
mod published;
mod reading;
pub mod txn;
mod writer;

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use past::{EarlierVersion, WorldAt};
pub use txn::{Outcome, Txn};
pub use writer::{Author, Idempotency, JOB_DAYS, Write};

use self::published::Published;
use crate::db::{Address, Conn, DatabaseFile, DbError, Readers, Watch, unpoisoned};
use crate::metrics::{CacheState, Metrics};
use crate::problem::Problem;
use crate::world::{Catalogue, World};

/// Reader threads for history and past worlds. Current records are read from memory.
const READERS: usize = 2;

/// The engine, shared by everything that reads or writes.
pub struct Engine {
    address: Address,
    now: Arc<Published>,
    writer: writer::Writer,
    follower: follower::Follower,
    readers: Readers,
    past: past::Past,
    /// What this process counts, from here up.
    pub metrics: Arc<Metrics>,
    /// The file of an embedded database.
    file: Option<DatabaseFile>,
    /// Looks whether a database server answers.
    watch: Mutex<Option<Watch>>,
}

impl Engine {
    /// Connects, migrates, reads every record into memory and starts the threads.
    ///
    /// # Errors
    /// The database cannot be reached, migrated or read.
    pub fn start(address: Address, catalogue: &'static Catalogue) -> Result<Arc<Self>, DbError> {
        let metrics = Metrics::new().map_err(|e| DbError::Url(format!("metrics: {e}")))?;
        let metrics = Arc::new(metrics);
        let counted = || Arc::clone(&metrics);
        address.connect()?.migrate()?;
        let world = reading::load(&mut address.connect()?, catalogue)?;
        let now = Arc::new(Published::new(world));
        let writer = writer::Writer::start(&address, Arc::clone(&now), counted())?;
        let follower = follower::Follower::start(&address, Arc::clone(&now), counted())?;
        let readers = Readers::start(&address, READERS, &metrics.readers)?;
        let watched = [writer.watched(), follower.watched()];
        let watch = address
            .is_shared()
            .then(|| Watch::start(watched.into_iter().chain(readers.watched()).collect()))
            .transpose()?;
        Ok(Arc::new(Self {
            writer,
            follower,
            readers,
            past: past::Past::default(),
            file: DatabaseFile::of(&address),
            watch: Mutex::new(watch),
            address,
            now,
            metrics,
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
        let now = self.fresh().await?;
        self.past.world_at(now, &self.readers, at).await
    }

    /// Runs a read of the journal on a reader thread.
    ///
    /// # Errors
    /// See [`Readers::run`].
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, Problem> {
        Ok(self.readers.run(read).await?)
    }

    /// Returns the records that have linked to these records and may not link to them any more, each
    /// with the record that it linked to. For threads that may wait.
    ///
    /// # Errors
    /// See [`Readers::run`].
    pub fn former_links(&self, to: Vec<Uuid>) -> Result<Vec<(Uuid, Uuid)>, Problem> {
        self.read_waiting(move |conn| past::former_links(conn, &to))
    }

    /// Returns the versions of these records at or before entry `until`, newest first, at most
    /// `most` for each 2,000 records. For threads that may wait.
    ///
    /// # Errors
    /// See [`Readers::run`].
    pub fn earlier_versions(
        &self,
        ids: Vec<Uuid>,
        until: i64,
        most: i64,
    ) -> Result<Vec<EarlierVersion>, Problem> {
        let catalogue = self.now().catalogue();
        self.read_waiting(move |conn| past::earlier_versions(conn, catalogue, (&ids, until), most))
    }

    fn read_waiting<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Conn) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, Problem> {
        let waiting = tokio::runtime::Builder::new_current_thread().build();
        let waiting = waiting.map_err(Problem::internal)?;
        Ok(waiting.block_on(self.readers.run(read))?)
    }

    /// Has the writer run a job. Returns after its commit.
    ///
    /// # Errors
    /// The job's refusal, or the database is unavailable. Nothing was written in either case, unless
    /// the problem says that this is not known.
    pub async fn write(
        &self,
        write: Write,
        job: impl FnOnce(&mut Txn<'_>) -> Result<Outcome, Problem> + Send + 'static,
    ) -> Result<Outcome, Problem> {
        self.writer.submit(write, Box::new(job)).await
    }

    /// Checks that the database answers and has this build's tables, within a second.
    ///
    /// # Errors
    /// It does not.
    pub async fn ready(&self) -> Result<(), Problem> {
        if let Some(Err(e)) = self.file.as_ref().map(DatabaseFile::check) {
            log::error!("{e}");
            return Err(Problem::unavailable("the database is unavailable"));
        }
        if self.follower.is_migrated().await? {
            Ok(())
        } else {
            Err(Problem::unavailable(
                "the database's tables do not match this build",
            ))
        }
    }

    /// The past worlds that are cached.
    #[must_use]
    pub fn past_worlds(&self) -> CacheState<'_> {
        self.past.state()
    }

    /// Whether other processes may serve the same data.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.address.is_shared()
    }

    /// Finishes the work in progress, ends the threads and closes the database, so that an embedded
    /// one is a single complete file.
    pub fn stop(&self) {
        self.readers.stop();
        self.follower.stop();
        // The last one on an embedded database, whose log it empties.
        self.writer.stop();
        drop(unpoisoned(&self.watch).take());
    }
}
