//! One connection type for SQLite and PostgreSQL. The URL decides which; nothing is tried out.

use std::path::Path;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::MigrationSource;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// PostgreSQL advisory lock that every replica takes to append to the journal ("stride" in ASCII).
const WRITER_LOCK: i64 = 0x0073_7472_6964_6500;

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
    Postgres(String),
    /// A file.
    Sqlite(String),
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
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(DbError::Url(
            "DATABASE_URL must start with postgres:// or sqlite://".into(),
        ))
    }

    /// Whether other processes may write to this database too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens a connection with the settings for its database.
    ///
    /// # Errors
    /// The database cannot be reached or rejects the settings.
    pub fn connect(&self) -> Result<Conn, DbError> {
        match self {
            Self::Postgres(url) => {
                let mut c = PgConnection::establish(url)?;
                c.batch_execute(
                    "SET client_min_messages TO warning; SET timezone TO 'UTC'; SET \
                        statement_timeout TO '30s'",
                )?;
                Ok(Conn::Postgres(c))
            }
            Self::Sqlite(path) => {
                if let Some(folder) = Path::new(path)
                    .parent()
                    .filter(|f| !f.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder).map_err(|e| {
                        DbError::Url(format!("the data folder cannot be created: {e}"))
                    })?;
                }
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

impl Conn {
    /// Migrates the tables to this build's version. Several processes may call it at the same time.
    ///
    /// # Errors
    /// A migration fails, or the database is newer than this build.
    pub fn migrate(&mut self) -> Result<(), DbError> {
        let failed =
            |e: Box<dyn std::error::Error + Send + Sync>| DbError::Migration(e.to_string());
        match self {
            Self::Postgres(c) => {
                c.batch_execute(&format!("SELECT pg_advisory_lock({WRITER_LOCK})"))?;
                let done = c.run_pending_migrations(POSTGRES).map(drop).map_err(failed);
                c.batch_execute(&format!("SELECT pg_advisory_unlock({WRITER_LOCK})"))?;
                done
            }
            Self::Sqlite(c) => c
                .exclusive_transaction(|c| {
                    c.run_pending_migrations(SQLITE)
                        .map(drop)
                        .map_err(diesel::result::Error::DeserializationError)
                })
                .map_err(|e| DbError::Migration(e.to_string())),
        }
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

    /// Removes erased data from the database's free space and, on SQLite, from its log. Call it
    /// outside any transaction. What a PostgreSQL server keeps elsewhere (its own log, archives,
    /// backups) is the responsibility of its operator.
    ///
    /// # Errors
    /// Another connection has been reading the data for more than a few seconds.
    pub fn scrub(&mut self) -> Result<(), DbError> {
        match self {
            Self::Postgres(c) => {
                c.batch_execute("SET lock_timeout TO '2s'")?;
                // Rewritten rather than vacuumed: a vacuum would keep rows that a snapshot might
                // still see. The statements in one string are one transaction.
                let done = ["people", "credentials", "refresh_tokens"]
                    .iter()
                    .try_for_each(|table| {
                        c.batch_execute(&format!(
                        "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; CREATE TEMPORARY TABLE kept \
                            ON COMMIT DROP AS SELECT * FROM {table}; TRUNCATE {table}; INSERT \
                            INTO {table} SELECT * FROM kept"
                    ))
                    });
                c.batch_execute("SET lock_timeout TO DEFAULT")?;
                Ok(done?)
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

    /// Runs `work` in a transaction while no other process or replica can write.
    ///
    /// # Errors
    /// The error of `work` (then nothing is written), or of the commit.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        match self {
            Self::Postgres(c) => {
                let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})");
                if let Err(e) = AnsiTransactionManager::begin_transaction_sql(c, &begin) {
                    // The transaction may have begun without getting the lock.
                    let _ = c.batch_execute("ROLLBACK");
                    return Err(e.into());
                }
            }
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
        }
        match work(self) {
            Ok(value) => {
                <Self as Connection>::TransactionManager::commit_transaction(self)?;
                Ok(value)
            }
            Err(e) => {
                if let Err(again) =
                    <Self as Connection>::TransactionManager::rollback_transaction(self)
                {
                    log::error!("rollback failed: {again}");
                }
                Err(e)
            }
        }
    }
}
