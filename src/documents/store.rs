//! Where files are kept: a folder, or an S3-compatible store.
//!
//! `files/<id of the version>` is a file. `pending/<id>` is a mark that exists from before its
//! first byte until the journal's answer. It identifies what a killed process left behind; a sweep
//! never touches anything else.

use std::path::{Path as Folder, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use crate::db::private_folder;
use crate::http::answer::Pieces;
use crate::http::places::{Place, Places, Refusals};
use crate::problem::{Code, Problem, Shed};

type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Number of bytes written or read at once: in a folder, and in a store that accepts no part
/// smaller than 5 MiB.
const PIECE: usize = 1024 * 1024;
const REMOTE_PIECE: usize = 6 * 1024 * 1024;
/// Number of pieces of one file that may be in transit to the store before no more bytes are
/// accepted.
const AHEAD: usize = 2;

/// The files of documents.
pub struct Documents {
    store: Arc<dyn ObjectStore>,
    /// The folder, if the store is a folder.
    folder: Option<PathBuf>,
    piece: usize,
    uploads: Places,
}

/// What a caller is told when no more files can be uploaded.
const FULL: Refusals = Refusals {
    doing: "is already uploading",
    share: "files; send the next one when one of them is complete",
    full: "the maximum number of files is already being uploaded",
    limit: Shed::Uploads,
};

impl Documents {
    /// Opens `s3://bucket/prefix`, or a folder, which is created if it does not exist. At most
    /// `uploads` files can be uploaded at the same time.
    ///
    /// # Errors
    /// The folder cannot be created, or the store's settings are incomplete.
    pub fn open(place: &str, uploads: u16) -> Result<Self, StartError> {
        if let Some(bucket) = place.strip_prefix("s3://") {
            let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
            let s3 = AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .build()?;
            let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(s3, prefix));
            return Ok(Self::on(store, None, REMOTE_PIECE, uploads));
        }
        if place.contains("://") {
            return Err(format!(
                "STRIDE_STORE must be a folder or s3://bucket/prefix; {place} is neither"
            )
            .into());
        }
        let folder = PathBuf::from(place);
        private_folder(&folder).map_err(|e| {
            format!(
                "the folder for documents ({place}) cannot be created: {e}; name another with \
                    STRIDE_STORE"
            )
        })?;
        // A file must be stored as durably as the journal entry that names it.
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self::on(Arc::new(store), Some(folder), PIECE, uploads))
    }

    /// Keeps files in memory. For callers that need the operations, and no files.
    #[must_use]
    pub fn in_memory() -> Self {
        let store = object_store::memory::InMemory::new();
        Self::on(Arc::new(store), None, PIECE, 1)
    }

    fn on(
        store: Arc<dyn ObjectStore>,
        folder: Option<PathBuf>,
        piece: usize,
        uploads: u16,
    ) -> Self {
        Self {
            store,
            folder,
            piece,
            uploads: Places::new(uploads.into(), FULL),
        }
    }

    /// Returns a place for this account to upload a file.
    ///
    /// # Errors
    /// 429 if the account is uploading as many files as it may, 503 if the maximum number of files
    /// is being uploaded.
    pub fn admit(&self, owner: Uuid) -> Result<Place, Problem> {
        self.uploads.take(owner)
    }

    /// Waits until no file is being uploaded.
    pub async fn quiet(&self) {
        self.uploads.all_free().await;
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn begin(&self, id: Uuid) -> Result<Upload, Problem> {
        self.store
            .put(&mark(id), PutPayload::new())
            .await
            .map_err(away)?;
        let parts = self.store.put_multipart(&file(id)).await.map_err(away)?;
        Ok(Upload {
            write: WriteMultipart::new_with_chunk_size(parts, self.piece),
            hash: Sha256::new(),
            size: 0,
        })
    }

    /// Keeps a file for good, because the journal names it.
    pub async fn keep(&self, id: Uuid) {
        if let Err(e) = self.store.delete(&mark(id)).await {
            log::warn!("the mark of file {id} remains until the next sweep: {e}");
        }
    }

    /// Removes a file that the journal does not name.
    pub async fn remove(&self, id: Uuid) {
        match self.store.delete(&file(id)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => self.keep(id).await,
            // The mark remains, so that a sweep finds the file.
            Err(e) => log::warn!("file {id} remains until the next sweep: {e}"),
        }
    }

    /// Abandons a file that is not yet complete.
    pub async fn give_up(&self, id: Uuid, upload: Upload) {
        if let Err(e) = upload.write.abort().await {
            log::warn!("the incomplete file {id} remains until the next sweep: {e}");
            return;
        }
        self.remove(id).await;
    }

    /// Returns the size of a file.
    ///
    /// # Errors
    /// The store is unavailable, or has no such file.
    pub async fn size(&self, id: Uuid) -> Result<u64, Problem> {
        match self.store.head(&file(id)).await {
            Ok(meta) => Ok(meta.size),
            Err(e @ StoreError::NotFound { .. }) => {
                Err(Problem::internal(format!("file {id} is missing: {e}")))
            }
            Err(e) => Err(away(e)),
        }
    }

    /// Returns `length` bytes of a file from `start`, piece by piece.
    #[must_use]
    pub fn read(&self, id: Uuid, start: u64, length: u64) -> Pieces {
        let (store, piece) = (Arc::clone(&self.store), self.piece as u64);
        let end = start + length;
        let open = move || {
            let store = Arc::clone(&store);
            let next = move |at: u64| {
                let store = Arc::clone(&store);
                async move {
                    if at >= end {
                        return Ok(None);
                    }
                    let until = end.min(at + piece);
                    let bytes = store
                        .get_range(&file(id), at..until)
                        .await
                        .map_err(std::io::Error::other)?;
                    Ok(Some((bytes, until)))
                }
            };
            stream::try_unfold(start, next).boxed()
        };
        Pieces {
            length: Some(length),
            open: Arc::new(open),
        }
    }

    /// Copies a file to a local file. Returns its size and SHA-256, or `None` if there is no such file.
    ///
    /// # Errors
    /// The store is unavailable, or the local file cannot be written.
    pub async fn copy_to(
        &self,
        id: Uuid,
        local: &Folder,
    ) -> Result<Option<(u64, String)>, StartError> {
        let found = match self.store.get(&file(id)).await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut to = tokio::fs::File::create(local).await?;
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
            size += piece.len() as u64;
            to.write_all(&piece).await?;
        }
        to.flush().await?;
        Ok(Some((size, hex::encode(hash.finalize()))))
    }

    /// Returns the size and SHA-256 of a stored file, or `None` if there is no such file.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn measure(&self, id: Uuid) -> Result<Option<(u64, String)>, StoreError> {
        let size = match self.store.head(&file(id)).await {
            Ok(meta) => meta.size,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(e),
        };
        let (mut hash, mut at) = (Sha256::new(), 0);
        while at < size {
            let until = size.min(at + self.piece as u64);
            hash.update(self.store.get_range(&file(id), at..until).await?);
            at = until;
        }
        Ok(Some((size, hex::encode(hash.finalize()))))
    }

    /// Removes what uploads that began longer ago than `age` left behind. `is_named` says whether
    /// the journal names a file. Returns how many files were removed.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn sweep(
        &self,
        age: TimeDelta,
        is_named: impl Fn(Uuid) -> bool,
    ) -> Result<usize, StoreError> {
        let before = Utc::now() - age;
        let marks: Vec<_> = self
            .store
            .list(Some(&Path::from(PENDING)))
            .try_collect()
            .await?;
        let mut removed = 0;
        for meta in marks.into_iter().filter(|m| m.last_modified <= before) {
            let Some(id) = meta
                .location
                .filename()
                .and_then(|name| Uuid::try_parse(name).ok())
            else {
                continue;
            };
            if is_named(id) {
                self.keep(id).await;
            } else {
                self.remove_parts(id);
                self.remove(id).await;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// In a folder, an unfinished file is kept next to its final place, under its name with a
    /// number.
    fn remove_parts(&self, id: Uuid) {
        let Some(folder) = self.folder.as_deref().map(|f| f.join(FILES)) else {
            return;
        };
        let begins = format!("{id}#");
        let left = |path: &Folder| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(&begins))
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if left(&entry.path())
                && let Err(e) = std::fs::remove_file(entry.path())
            {
                log::warn!("{} cannot be removed: {e}", entry.path().display());
            }
        }
    }
}

/// A file being uploaded.
pub struct Upload {
    write: WriteMultipart,
    hash: Sha256,
    size: u64,
}

impl Upload {
    /// Adds a piece; waits if the store is behind.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn put(&mut self, piece: Bytes) -> Result<(), Problem> {
        self.hash.update(&piece);
        self.size += piece.len() as u64;
        self.write.wait_for_capacity(AHEAD).await.map_err(away)?;
        self.write.put(piece);
        Ok(())
    }

    /// Number of bytes received so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of the bytes received so far.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    /// Stores the complete file durably in its final place.
    ///
    /// # Errors
    /// The store is unavailable. Then there is no file in its final place.
    pub async fn finish(self) -> Result<(), Problem> {
        self.write.finish().await.map_err(away).map(drop)
    }
}

const FILES: &str = "files";
const PENDING: &str = "pending";

fn file(id: Uuid) -> Path {
    Path::from(format!("{FILES}/{id}"))
}

fn mark(id: Uuid) -> Path {
    Path::from(format!("{PENDING}/{id}"))
}

fn away(e: StoreError) -> Problem {
    log::error!("document store: {e}");
    Problem::new(Code::Unavailable, "the document store is unavailable").header("Retry-After", "5")
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    /// Behaves like a remote store, without a network: parts of 6 MiB, no folder.
    fn remote() -> Documents {
        Documents::on(Arc::new(InMemory::new()), None, REMOTE_PIECE, 2)
    }

    async fn put(documents: &Documents, id: Uuid, bytes: &[u8]) -> [u8; 32] {
        let mut upload = documents.begin(id).await.expect("it begins");
        for piece in bytes.chunks(30_000) {
            upload
                .put(Bytes::copy_from_slice(piece))
                .await
                .expect("it is taken");
        }
        let hash = upload.sha256();
        upload.finish().await.expect("it is put in place");
        hash
    }

    async fn lies(documents: &Documents) -> Vec<String> {
        let all: Vec<_> = documents
            .store
            .list(None)
            .try_collect()
            .await
            .expect("a list");
        all.iter().map(|m| m.location.to_string()).collect()
    }

    async fn check(documents: Documents) {
        let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
        let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
        let hash = put(&documents, id, &bytes).await;
        documents.keep(id).await;
        assert_eq!(
            documents.measure(id).await.expect("it is there"),
            Some((20_000_000, hex::encode(hash)))
        );
        assert_eq!(lies(&documents).await, [file(id).to_string()]);
        let part = documents.read(id, 7_999_999, 9_000_000);
        let read: Vec<Bytes> = (part.open)().try_collect().await.expect("pieces");
        assert_eq!(read.concat(), bytes[7_999_999..16_999_999]);

        let mut upload = documents.begin(other).await.expect("it begins");
        upload.put(Bytes::from(bytes)).await.expect("it is taken");
        documents.give_up(other, upload).await;
        assert_eq!(
            lies(&documents).await,
            [file(id).to_string()],
            "nothing is left of what was given up"
        );

        // A process that ends between file and journal leaves a mark; the sweep ignores files
        // without one.
        put(&documents, other, b"left").await;
        documents
            .begin(id)
            .await
            .expect("it begins")
            .write
            .abort()
            .await
            .expect("it ends");
        assert_eq!(
            documents
                .sweep(TimeDelta::days(1), |_| false)
                .await
                .expect("a sweep"),
            0,
            "too young"
        );
        assert_eq!(
            documents
                .sweep(TimeDelta::zero(), |i| i == id)
                .await
                .expect("a sweep"),
            1
        );
        assert_eq!(lies(&documents).await, [file(id).to_string()]);
        assert_eq!(documents.measure(other).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn files_are_kept_and_cleared_away_in_a_remote_store() {
        check(remote()).await;
    }

    #[tokio::test]
    async fn files_are_kept_and_cleared_away_in_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("documents");
        check(Documents::open(&place.to_string_lossy(), 2).expect("it opens")).await;
        let left = Uuid::now_v7();
        let documents = Documents::open(&place.to_string_lossy(), 2).expect("it opens");
        documents
            .begin(left)
            .await
            .expect("it begins")
            .put(Bytes::from_static(b"x"))
            .await
            .expect("it is taken");
        // What a killed process leaves: the mark, and the unfinished file next to its final place.
        std::fs::write(place.join(FILES).join(format!("{left}#1")), "x")
            .expect("the change is written");
        assert_eq!(
            documents
                .sweep(TimeDelta::zero(), |_| false)
                .await
                .expect("a sweep"),
            1
        );
        let names = std::fs::read_dir(place.join(FILES))
            .expect("a folder")
            .flatten();
        let left = left.to_string();
        assert!(
            !names
                .into_iter()
                .any(|n| n.file_name().to_string_lossy().contains(&left))
        );
    }

    #[tokio::test]
    async fn concurrent_uploads_are_limited() {
        let documents = remote();
        let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
        let one = documents.admit(first).expect("a place");
        assert_eq!(
            documents.admit(first).expect_err("more than a share").code,
            Code::TooManyRequests
        );
        let _two = documents.admit(second).expect("a place");
        assert_eq!(
            documents.admit(third).expect_err("no place").code,
            Code::Unavailable
        );
        drop(one);
        documents.admit(first).map(drop).expect("a place again");
    }
}
