//! The mark beside an embedded database: one process serves it, and it is noticed when the file is
//! lost.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::connection::mark_of;
use super::{Address, DbError};

/// What the mark says once the database has been in use.
const BEGUN: &[u8] =
    b"The database beside this file has been in use. If it is lost, restore it from a \
    backup. To begin with an empty database, remove this file.\n";

/// Held by the process that serves an embedded database. A database server has locks of its own.
#[derive(Debug)]
pub struct InUse {
    mark: Option<File>,
}

/// Which file a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl InUse {
    /// Takes the lock before the database is opened.
    ///
    /// # Errors
    /// Another process serves this database.
    pub fn take(address: &Address) -> Result<Self, DbError> {
        let Address::Sqlite(path) = address else {
            return Ok(Self { mark: None });
        };
        address.make_folder()?;
        let beside = mark_of(path);
        let failed =
            |e: std::io::Error| DbError::Url(format!("the file {beside} cannot be opened: {e}"));
        let mark = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&beside)
            .map_err(failed)?;
        match mark.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DbError::Url(format!(
                    "another process is serving the database {path}: stop it first, or name another \
                        data folder (STRIDE_DATA_DIR) or database (DATABASE_URL)"
                )));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        Ok(Self { mark: Some(mark) })
    }

    /// Notes that the database has something in it.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn begin(&mut self) -> Result<(), DbError> {
        let Some(mark) = &mut self.mark else {
            return Ok(());
        };
        let mut write = || -> std::io::Result<()> {
            if mark.metadata()?.len() == 0 {
                mark.write_all(BEGUN)?;
                mark.sync_all()?;
            }
            Ok(())
        };
        write().map_err(|e| DbError::Url(format!("cannot write next to the database: {e}")))
    }
}

impl DatabaseFile {
    /// The file of an embedded database, if it is one.
    #[must_use]
    pub fn of(address: &Address) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let Address::Sqlite(path) = address else {
            return None;
        };
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            path: path.into(),
            device: found.dev(),
            inode: found.ino(),
        })
    }

    /// Checks that it is still in its place, with something in it. What is written to a file that
    /// was removed would be lost.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self) -> Result<(), DbError> {
        use std::os::unix::fs::MetadataExt as _;
        let is_there = std::fs::metadata(&self.path)
            .is_ok_and(|m| (m.dev(), m.ino()) == (self.device, self.inode) && m.len() > 0);
        if is_there {
            Ok(())
        } else {
            Err(DbError::Damaged(
                "the file of the database was removed, replaced or emptied: restore it from a \
                    backup, and start again"
                    .into(),
            ))
        }
    }
}
