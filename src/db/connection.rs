//! One connection type for SQLite and PostgreSQL. The URL decides which; nothing is tried out.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::pulse::{Beat, Pulse};
use super::waits::Waits;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// PostgreSQL advisory lock that every replica takes to append to the journal ("stride" in ASCII).
const WRITER_LOCK: i64 = 0x0073_7472_6964_6500;

/// How long a migration waits for replicas that write.
const MIGRATION_WAIT: &str = "60s";

/// How long a SQLite connection waits for another one to finish.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 10000";

/// SQLite's answer when its log is to be emptied.
#[derive(QueryableByName)]
struct Checkpoint {
    /// Not 0 if another connection was reading, so that the log was not emptied.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// A database error. Callers never see it: it is logged, and the caller gets a problem without
/// details.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The address is not supported.
    #[error("{0}")]
    Url(String),
    /// The database cannot be reached.
    #[error("cannot connect to the database: {0}")]
    Connect(#[from] diesel::ConnectionError),
    /// A statement failed.
    #[error("{0}")]
    Query(#[from] diesel::result::Error),
    /// A migration failed.
    #[error("migration: {0}")]
    Migration(String),
    /// The stored data is not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// All readers are busy and the queue is full.
    #[error("too many reads are waiting for the database")]
    Busy,
    /// The database could not be reached a moment ago, or does not answer.
    #[error("the database is away: {0}")]
    Away(String),
    /// The connection was lost during a commit.
    #[error("it is not known whether a commit succeeded: {0}")]
    Unknown(String),
}

impl DbError {
    /// Whether the connection was lost (by a failover or a restart), rather than the statement being
    /// wrong.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        matches!(
            self,
            Self::Connect(_)
                | Self::Away(_)
                | Self::Unknown(_)
                | Self::Query(
                    Error::DatabaseError(
                        Kind::ClosedConnection
                            | Kind::UnableToSendCommand
                            | Kind::ReadOnlyTransaction,
                        _,
                    ) | Error::BrokenTransactionManager
                        | Error::AlreadyInTransaction
                )
        )
    }

    /// Whether only another statement can tell whether the connection was lost: a server that
    /// stops, a session that is ended and a socket that breaks are reported in many words.
    #[must_use]
    pub fn may_be_lost(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        matches!(
            self,
            Self::Query(
                Error::DatabaseError(Kind::Unknown, _)
                    | Error::RollbackErrorOnCommit { .. }
                    | Error::NotInTransaction
                    | Error::DeserializationError(_)
            )
        )
    }
}

/// A connection to either kind of database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Where the data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `postgres://…`, which any number of replicas can share.
    Postgres(String, Waits),
    /// A file.
    Sqlite(String),
}

/// The file next to an embedded database that its process locks. It has content once the database has
/// been in use.
pub(super) fn mark_of(path: &str) -> String {
    format!("{path}.lock")
}

impl Address {
    /// Reads `postgres://…`, `postgresql://…` or `sqlite://PATH`.
    ///
    /// # Errors
    /// Any other scheme, and a URL that asks for TLS in a build whose libpq has none.
    pub fn parse(url: &str) -> Result<Self, DbError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() {
                return Err(DbError::Url(
                    "sqlite:// needs a path, for example sqlite:///var/lib/stride/stride.db".into(),
                ));
            }
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let wants_tls = ["require", "verify-ca", "verify-full"]
                .iter()
                .any(|mode| url.contains(&format!("sslmode={mode}")));
            if wants_tls && cfg!(feature = "bundled-libpq") {
                return Err(DbError::Url(
                    "this build does not support TLS to the database: build with \
                        `--no-default-features --features system-libpq`, or leave sslmode out"
                        .into(),
                ));
            }
            return Ok(Self::Postgres(url.to_owned(), Waits::default()));
        }
        Err(DbError::Url(
            "DATABASE_URL must start with postgres:// or sqlite://".into(),
        ))
    }

    /// The same database, with these limits.
    #[must_use]
    pub fn waiting(self, waits: Waits) -> Self {
        match self {
            Self::Postgres(url, _) => Self::Postgres(url, waits),
            embedded => embedded,
        }
    }

    /// Whether other processes may write to this database too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(..))
    }

    /// Checks that there is a database to read, before a connection makes an empty one.
    ///
    /// # Errors
    /// The file of an embedded database is missing or empty.
    pub fn exists(&self) -> Result<(), DbError> {
        let Self::Sqlite(path) = self else {
            return Ok(());
        };
        Self::refuse_lost(path)?;
        match std::fs::metadata(path).is_ok_and(|m| m.len() > 0) {
            true => Ok(()),
            false => Err(DbError::Url(format!("there is no database at {path}"))),
        }
    }

    /// Checks that an embedded database that has been in use is still there. A connection would make
    /// an empty one in its place.
    fn refuse_lost(path: &str) -> Result<(), DbError> {
        let has_content = |path: &str| std::fs::metadata(path).is_ok_and(|m| m.len() > 0);
        let mark = mark_of(path);
        if has_content(&mark) && !has_content(path) {
            return Err(DbError::Url(format!(
                "the database {path} has been in use, and is now missing or empty: restore it from \
                    a backup, or remove {mark} to begin with an empty database"
            )));
        }
        Ok(())
    }

    /// Creates the folder of an embedded database, if it does not exist.
    pub(super) fn make_folder(&self) -> Result<(), DbError> {
        let Self::Sqlite(path) = self else {
            return Ok(());
        };
        let folder = Path::new(path).parent();
        let Some(folder) = folder.filter(|f| !f.as_os_str().is_empty()) else {
            return Ok(());
        };
        private_folder(folder).map_err(|e| {
            DbError::Url(format!(
                "the data folder {} cannot be created: {e}",
                folder.display()
            ))
        })
    }

    /// Makes the file of an embedded database if it does not exist. Only its owner may read it, because
    /// keys of the service and personal data are in it. SQLite gives the files next to it the same
    /// permissions.
    fn make_file(path: &str) -> Result<(), DbError> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match made {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(DbError::Url(format!(
                "the database {path} cannot be made: {e}"
            ))),
            _ => Ok(()),
        }
    }

    /// Opens a connection with the settings for its database.
    ///
    /// # Errors
    /// The database cannot be reached or rejects the settings.
    pub fn connect(&self) -> Result<Conn, DbError> {
        self.open(None)
    }

    /// The same, with a pulse that tells other threads whether the server answers.
    pub(super) fn connect_watched(&self, pulse: &Arc<Pulse>) -> Result<Conn, DbError> {
        self.open(Some(pulse))
    }

    /// Has a connection that was made without a pulse keep this one.
    pub(super) fn watch(&self, conn: &mut Conn, pulse: &Arc<Pulse>) {
        if let (Self::Postgres(_, waits), Conn::Postgres(c)) = (self, conn) {
            c.set_instrumentation(Beat::new(pulse, waits.silence()));
        }
    }

    /// How long it takes at most to find one of several servers, as long as at least one answers.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::Postgres(url, waits) => {
                let hosts = u32::try_from(url.matches(',').count() + 1).unwrap_or(1);
                waits.connect * hosts + Duration::from_secs(1)
            }
            Self::Sqlite(_) => Duration::ZERO,
        }
    }

    fn open(&self, pulse: Option<&Arc<Pulse>>) -> Result<Conn, DbError> {
        match self {
            Self::Postgres(url, waits) => {
                let mut c = PgConnection::establish(&waits.url(url))?;
                if let Some(pulse) = pulse {
                    c.set_instrumentation(Beat::new(pulse, waits.silence()));
                }
                c.batch_execute(&waits.session())?;
                Ok(Conn::Postgres(c))
            }
            Self::Sqlite(path) => {
                self.make_folder()?;
                Self::refuse_lost(path)?;
                Self::make_file(path)?;
                let mut c = SqliteConnection::establish(path)?;
                c.batch_execute(BUSY_TIMEOUT)?;
                c.batch_execute(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = \
                        ON; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY; PRAGMA \
                        wal_autocheckpoint = 4000; PRAGMA secure_delete = ON;",
                )?;
                Ok(Conn::Sqlite(c))
            }
        }
    }
}

/// Makes a folder, and those that it is in, that only their owner may read.
///
/// # Errors
/// It cannot be made.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Refuses a database that a newer build has changed: this one would not know what its tables mean,
/// and would leave out fields that it does not know.
fn refuse_newer<D: Backend>(
    c: &mut impl MigrationHarness<D>,
    known: &EmbeddedMigrations,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let known = MigrationSource::<D>::migrations(known)?;
    let is_known = |version: &MigrationVersion<'_>| {
        known.iter().any(|known| known.name().version() == *version)
    };
    match c.applied_migrations()?.iter().find(|v| !is_known(v)) {
        None => Ok(()),
        Some(newer) => Err(format!(
            "a newer build of stride has changed this database (migration {newer}): start that \
                build, or restore a backup that was made before it"
        )
        .into()),
    }
}

impl Conn {
    /// Migrates the tables to this build's version. Several processes may call it at the same time.
    /// Afterwards the connection waits longer than others: use another.
    ///
    /// # Errors
    /// A migration fails, or the database is newer than this build.
    pub fn migrate(&mut self) -> Result<(), DbError> {
        let failed =
            |e: Box<dyn std::error::Error + Send + Sync>| DbError::Migration(e.to_string());
        match self {
            Self::Postgres(c) => {
                // A change of a large table may take its time; replicas may finish what they write.
                c.batch_execute(&format!(
                    "SET statement_timeout TO 0; SET lock_timeout TO '{MIGRATION_WAIT}'; SELECT \
                        pg_advisory_lock({WRITER_LOCK})"
                ))?;
                let done = refuse_newer(c, &POSTGRES)
                    .and_then(|()| c.run_pending_migrations(POSTGRES).map(drop))
                    .map_err(failed);
                c.batch_execute(&format!("SELECT pg_advisory_unlock({WRITER_LOCK})"))?;
                done
            }
            Self::Sqlite(c) => c
                .exclusive_transaction(|c| {
                    refuse_newer(c, &SQLITE)
                        .and_then(|()| c.run_pending_migrations(SQLITE).map(drop))
                        .map_err(diesel::result::Error::DeserializationError)
                })
                .map_err(|e| DbError::Migration(e.to_string())),
        }
    }

    /// Checks that no newer build has changed the database.
    ///
    /// # Errors
    /// One has, or the database cannot be queried.
    pub fn refuse_newer(&mut self) -> Result<(), DbError> {
        match self {
            Self::Postgres(c) => refuse_newer(c, &POSTGRES),
            Self::Sqlite(c) => refuse_newer(c, &SQLITE),
        }
        .map_err(|e| DbError::Migration(e.to_string()))
    }

    /// Whether all migrations of this build have run.
    ///
    /// # Errors
    /// The database cannot be queried.
    pub fn is_migrated(&mut self) -> Result<bool, DbError> {
        let failed =
            |e: Box<dyn std::error::Error + Send + Sync>| DbError::Migration(e.to_string());
        let applied = match self {
            Self::Postgres(c) => MigrationHarness::<diesel::pg::Pg>::applied_migrations(c)
                .map_err(failed)?
                .len(),
            Self::Sqlite(c) => MigrationHarness::<diesel::sqlite::Sqlite>::applied_migrations(c)
                .map_err(failed)?
                .len(),
        };
        let known = MigrationSource::<diesel::pg::Pg>::migrations(&POSTGRES)
            .map_err(failed)?
            .len();
        Ok(applied >= known)
    }

    /// Writes a complete copy of an embedded database to a file, while others read and write. The copy
    /// is of one moment.
    ///
    /// # Errors
    /// The file exists or cannot be written, or the database is not an embedded one.
    pub fn copy_to(&mut self, file: &Path) -> Result<(), DbError> {
        let Self::Sqlite(c) = self else {
            return Err(DbError::Url("only an embedded database is copied".into()));
        };
        diesel::sql_query("VACUUM INTO ?")
            .bind::<diesel::sql_types::Text, _>(file.to_string_lossy())
            .execute(c)?;
        Ok(())
    }

    /// Empties the log of an embedded database into the database, before the connection is closed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn settle(&mut self) -> Result<(), DbError> {
        if let Self::Sqlite(c) = self {
            c.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    /// Removes erased data from the database's free space and, on SQLite, from its log. Call it
    /// outside any transaction. What a PostgreSQL server keeps elsewhere (its own log, archives,
    /// backups) is the responsibility of its operator.
    ///
    /// # Errors
    /// Another connection has been reading the data for more than a few seconds.
    pub fn scrub(&mut self) -> Result<(), DbError> {
        match self {
            Self::Postgres(c) => {
                // Rewritten rather than vacuumed: a vacuum would keep rows that a snapshot might
                // still see. The statements in one string are one transaction.
                ["people", "credentials", "refresh_tokens"]
                    .iter()
                    .try_for_each(|table| {
                        c.batch_execute(&format!(
                        "SET LOCAL lock_timeout TO '2s'; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; CREATE TEMPORARY TABLE kept \
                            ON COMMIT DROP AS SELECT * FROM {table}; TRUNCATE {table}; INSERT \
                            INTO {table} SELECT * FROM kept"
                    ))
                    })?;
                Ok(())
            }
            Self::Sqlite(c) => {
                // Deleted rows are overwritten at once (secure_delete), but the log still has the
                // old pages.
                c.batch_execute("PRAGMA busy_timeout = 2000")?;
                let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)")
                    .get_result::<Checkpoint>(c);
                c.batch_execute(BUSY_TIMEOUT)?;
                if done?.busy == 0 {
                    Ok(())
                } else {
                    Err(DbError::Busy)
                }
            }
        }
    }

    /// Begins a transaction while no other process or replica can write.
    ///
    /// # Errors
    /// Another one writes for too long, or the database is unavailable. No transaction is begun.
    pub fn begin(&mut self) -> Result<(), DbError> {
        match self {
            Self::Postgres(c) => {
                // The wait for the lock has a limit of its own. The server must not end a commit
                // that waits for a standby: it would report it as done.
                let begin = format!(
                    "BEGIN; SET LOCAL statement_timeout TO 0; SELECT \
                        pg_advisory_xact_lock({WRITER_LOCK})"
                );
                if let Err(e) = AnsiTransactionManager::begin_transaction_sql(c, &begin) {
                    // The transaction may have begun without getting the lock.
                    let _ = c.batch_execute("ROLLBACK");
                    return Err(e.into());
                }
            }
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
        }
        Ok(())
    }

    /// Begins a transaction that may take long, on a connection that serves nothing else.
    ///
    /// # Errors
    /// See [`Conn::begin`].
    pub fn begin_without_limits(&mut self) -> Result<(), DbError> {
        if let Self::Postgres(c) = self {
            c.batch_execute(
                "SET statement_timeout TO 0; SET idle_in_transaction_session_timeout TO 0",
            )?;
        }
        self.begin()
    }

    /// Whether the connection is in a transaction.
    ///
    /// # Errors
    /// The connection can no longer be used.
    pub fn is_in_transaction(&mut self) -> Result<bool, DbError> {
        let status = <Self as Connection>::TransactionManager::transaction_manager_status_mut(self);
        Ok(status.transaction_depth()?.is_some())
    }

    /// Begins a transaction unless the connection is in one, while this process has the right to
    /// write.
    ///
    /// # Errors
    /// The database is unavailable.
    pub fn ensure_transaction(&mut self) -> Result<(), DbError> {
        if !self.is_in_transaction()? {
            <Self as Connection>::TransactionManager::begin_transaction(self)?;
        }
        Ok(())
    }

    /// Takes the right to write. On a server this process then has it, over any number of
    /// transactions, until [`Conn::let_go`], until the connection ends, or until it has said nothing
    /// for as long as a transaction may; on an embedded database it is a transaction.
    ///
    /// # Errors
    /// Another process or replica writes for too long, or the database is unavailable.
    pub fn take_right(&mut self) -> Result<(), DbError> {
        match self {
            // The wait has a limit of its own, and the server must not end a commit that waits for a
            // standby: it would report it as done.
            Self::Postgres(c) => c.batch_execute(&format!(
                "SET statement_timeout TO 0; SELECT set_config('idle_session_timeout', \
                    current_setting('idle_in_transaction_session_timeout'), false); SELECT \
                    pg_advisory_lock({WRITER_LOCK})"
            ))?,
            Self::Sqlite(_) => self.begin()?,
        }
        Ok(())
    }

    /// Gives the right to write back to the other replicas.
    ///
    /// # Errors
    /// The server is unavailable.
    pub fn let_go(&mut self) -> Result<(), DbError> {
        if let Self::Postgres(c) = self {
            c.batch_execute(&format!(
                "SELECT pg_advisory_unlock({WRITER_LOCK}); SET idle_session_timeout TO 0"
            ))?;
        }
        Ok(())
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// [`DbError::Unknown`] if the connection was lost: it may have been committed. After any other
    /// error it was not.
    pub fn commit(&mut self) -> Result<(), DbError> {
        let done = <Self as Connection>::TransactionManager::commit_transaction(self);
        done.map_err(|e| self.unless_lost(e.into()))
    }

    /// What an error of a statement that commits means: after any other error than
    /// [`DbError::Unknown`], nothing was committed.
    pub fn unless_lost(&mut self, e: DbError) -> DbError {
        if self.is_server() && (e.is_lost() || e.may_be_lost() && self.ping().is_err()) {
            return DbError::Unknown(e.to_string());
        }
        e
    }

    /// Undoes the transaction.
    ///
    /// # Errors
    /// The connection can no longer be used.
    pub fn roll_back(&mut self) -> Result<(), DbError> {
        Ok(<Self as Connection>::TransactionManager::rollback_transaction(self)?)
    }

    fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// It does not.
    pub fn ping(&mut self) -> Result<(), DbError> {
        Ok(self.batch_execute("SELECT 1")?)
    }
}
