//! Backups of the embedded database: an archive (tar) of the database and the files of documents,
//! made while the service runs. Unpacked, it is a data folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::db::Address;
use crate::documents::{self, Documents};
use crate::journal::verify::{Report, verify};

type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Names in the archive: those of a data folder.
const DATABASE: &str = "stride.db";
const FILES: &str = "documents/files";

const POSTGRES: &str = "this is a PostgreSQL database, which is backed up with its own tools: \
    `pg_dump --format=custom`, or continuous archiving for every moment. Back up the files of \
    documents (STRIDE_STORE) after it";

/// How the time of a backup is written in the name of its file.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// What a backup contains.
pub struct Backup {
    /// What was found in the copy of the database.
    pub report: Report,
    /// Number of files of documents.
    pub files: usize,
    /// What is wrong with files: they are missing, or differ from what was uploaded.
    pub faults: Vec<String>,
}

impl Backup {
    /// Number of inconsistencies, which were there before: a backup keeps what it finds.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.report.faults.len() + self.faults.len()
    }
}

/// Makes a backup while others read and write. The file appears when it is complete and verified.
///
/// # Errors
/// The database is not an embedded one, is missing or cannot be read, or the file exists or cannot
/// be written.
pub async fn make(
    address: &Address,
    documents: &Documents,
    to: &Path,
) -> Result<Backup, StartError> {
    if address.is_shared() {
        return Err(POSTGRES.into());
    }
    address.exists()?;
    if to.exists() {
        return Err(format!("{} exists; name another file", to.display()).into());
    }
    let part = Part::beside(to)?;
    let copy = part.file(DATABASE);
    // The copy is of one moment. A file is in its place before the journal names it, so every file
    // that the copy names is there.
    address.connect()?.copy_to(&copy)?;
    let copied = Address::Sqlite(copy.to_string_lossy().into_owned());
    let (report, files) = {
        let mut conn = copied.connect()?;
        conn.refuse_newer()?;
        let found = (verify(&mut conn, &[])?, documents::named(&mut conn)?);
        conn.settle()?;
        found
    };
    let archive = part.file("archive");
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&archive)?;
    let mut tar = tar::Builder::new(BufWriter::new(written));
    add(&mut tar, &copy, DATABASE)?;
    let mut faults = Vec::new();
    let local = part.file("document");
    for file in &files {
        let found = documents.copy_to(file.id, &local).await?;
        if found.is_some() {
            add(&mut tar, &local, &format!("{FILES}/{}", file.id))?;
        }
        faults.extend(file.fault(found));
    }
    let mut written = tar.into_inner()?;
    written.flush()?;
    written.get_ref().sync_all()?;
    std::fs::rename(&archive, to)?;
    File::open(folder_of(to))?.sync_all()?;
    Ok(Backup {
        report,
        files: files.len(),
        faults,
    })
}

/// Adds a file to an archive, such that only its owner may read it wherever it is restored: keys of the
/// service and personal data are in it.
fn add<W: std::io::Write>(
    tar: &mut tar::Builder<W>,
    file: &Path,
    name: &str,
) -> std::io::Result<()> {
    let mut file = File::open(file)?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&file.metadata()?);
    header.set_mode(0o600);
    tar.append_data(&mut header, name, &mut file)
}

/// Makes a backup now and then one each time the interval has passed, each in a file with the time in
/// its name, and keeps the newest. A backup that fails is logged, and the next one is made in time.
pub async fn keep_making(
    address: &Address,
    documents: &Documents,
    to: &Path,
    every: Duration,
    keep: usize,
) {
    loop {
        let file = stamped(to, Utc::now());
        match make(address, documents, &file).await {
            Ok(backup) => {
                log::info!(
                    "backed up to {}: {} entries, {} files, head {}, {} inconsistencies",
                    file.display(),
                    backup.report.entries,
                    backup.files,
                    backup.report.head,
                    backup.faults()
                );
                if let Err(e) = remove_oldest(to, keep) {
                    log::error!("an old backup could not be removed: {e}");
                }
            }
            Err(e) => log::error!("no backup was made: {e}"),
        }
        tokio::time::sleep(every).await;
    }
}

/// `backup.tar` at a time is `backup-20201026T090000Z.tar`.
fn stamped(to: &Path, at: DateTime<Utc>) -> PathBuf {
    let (before, after) = name_around(to);
    to.with_file_name(format!("{before}{}{after}", at.format(STAMP)))
}

/// The parts of a name before and after the time.
fn name_around(to: &Path) -> (String, String) {
    let stem = to.file_stem().unwrap_or_default().to_string_lossy();
    let extension = to.extension().map(|e| format!(".{}", e.to_string_lossy()));
    (format!("{stem}-"), extension.unwrap_or_default())
}

/// Removes all backups of this name but the newest.
fn remove_oldest(to: &Path, keep: usize) -> std::io::Result<()> {
    let (before, after) = name_around(to);
    let is_stamped = |name: &str| {
        let stamp = name
            .strip_prefix(&before)
            .and_then(|n| n.strip_suffix(&after));
        stamp.is_some_and(|stamp| NaiveDateTime::parse_from_str(stamp, STAMP).is_ok())
    };
    let mut made: Vec<String> = std::fs::read_dir(folder_of(to))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_stamped(name))
        .collect();
    made.sort_unstable_by(|a, b| b.cmp(a));
    for old in made.iter().skip(keep.max(1)) {
        std::fs::remove_file(to.with_file_name(old))?;
    }
    Ok(())
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

/// A folder for what is not complete yet. It goes when the backup ends, however it ends.
struct Part(PathBuf);

impl Part {
    fn beside(to: &Path) -> Result<Self, StartError> {
        let name = to.file_name().ok_or("name a file for the backup")?;
        std::fs::create_dir_all(folder_of(to))?;
        let folder = to.with_file_name(format!("{}.part", name.to_string_lossy()));
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|e| {
            format!(
                "{} cannot be made ({e}): another backup is being made to this file, or one was \
                    interrupted; in that case remove it",
                folder.display()
            )
        })?;
        Ok(Self(folder))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            log::warn!("{} could not be removed: {e}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_nothing_else_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("stride.tar");
        let names = [
            "stride-20201026T090000Z.tar",
            "stride-20201027T090000Z.tar",
            "stride-20201028T090000Z.tar",
            "stride-20201029T090000Z.tar.part",
            "stride-notes.tar",
            "other-20201026T090000Z.tar",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), "x").expect("a file");
        }
        remove_oldest(&to, 2).expect("the oldest is removed");
        let left: Vec<&str> = names
            .into_iter()
            .filter(|name| folder.path().join(name).exists())
            .collect();
        assert_eq!(left, names[1..]);
    }

    #[test]
    fn a_backup_has_its_time_in_its_name() {
        let at = "2020-10-26T09:00:00Z".parse().expect("a time");
        let named = |to: &str| stamped(Path::new(to), at).to_string_lossy().into_owned();
        assert_eq!(named("/b/stride.tar"), "/b/stride-20201026T090000Z.tar");
        assert_eq!(named("stride"), "stride-20201026T090000Z");
    }
}
