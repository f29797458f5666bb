//! The journal: one hash-chained entry for every change, in the order of commits. It is the source
//! of truth; everything else is derived from it.
//!
//! An entry's hash covers its own columns and the previous hash. The content (snapshot and reason)
//! is covered through a salted digest. So content that must be redacted can be removed together
//! with its salt, and the chain can still be verified. Another entry says that this was done, by
//! whom and why; its hash covers the number of the emptied one.

pub mod verify;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::store::JournalRow;

/// The previous hash of the first entry.
pub const GENESIS: [u8; 32] = [0; 32];

/// The action of entries that record a redaction.
pub const REDACT: &str = "redact";

/// What was done to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Withdraw,
    Restore,
    /// The record stays as it is; the content of this entry, an earlier version, was removed.
    Redact(i64),
}

impl Action {
    /// The code stored in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Withdraw => "withdraw",
            Self::Restore => "restore",
            Self::Redact(_) => REDACT,
        }
    }

    /// Number of the entry whose content was removed.
    #[must_use]
    pub const fn redacts(self) -> Option<i64> {
        match self {
            Self::Redact(seq) => Some(seq),
            _ => None,
        }
    }
}

/// A change about to be recorded in the journal.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// When it was actually entered, if `at` is back-dated.
    pub entered_at: Option<DateTime<Utc>>,
    pub actor: Uuid,
    pub request_id: String,
    pub kind: &'static str,
    pub record_id: Uuid,
    pub version: i64,
    pub action: Action,
    pub shape: i32,
    pub reason: Option<String>,
    pub snapshot: String,
}

impl NewEntry {
    /// The row to store, chained to `previous`.
    #[must_use]
    pub fn seal(self, previous: &[u8], salt: [u8; 16]) -> JournalRow {
        let mut row = JournalRow {
            seq: self.seq,
            at: self.at.into(),
            actor: self.actor.into(),
            request_id: self.request_id,
            kind: self.kind.to_owned(),
            record_id: self.record_id.into(),
            version: self.version,
            action: self.action.as_str().to_owned(),
            shape: self.shape,
            reason: self.reason,
            digest: Vec::new(),
            previous: previous.to_vec(),
            hash: Vec::new(),
            entered_at: self.entered_at.map(Into::into),
            redacts: self.action.redacts(),
            snapshot: Some(self.snapshot),
            salt: Some(salt.to_vec()),
        };
        row.digest = digest(&row).unwrap_or_default();
        row.hash = hash(&row);
        row
    }
}

/// The salted digest of an entry's content; `None` once it is redacted.
#[must_use]
pub fn digest(row: &JournalRow) -> Option<Vec<u8>> {
    let (salt, snapshot) = (row.salt.as_ref()?, row.snapshot.as_ref()?);
    let mut h = Sha256::new();
    part(&mut h, salt);
    match &row.reason {
        Some(reason) => {
            h.update([1]);
            part(&mut h, reason.as_bytes());
        }
        None => h.update([0]),
    }
    part(&mut h, snapshot.as_bytes());
    Some(h.finalize().to_vec())
}

/// The hash of an entry, over its columns, the digest of its content and the previous hash.
#[must_use]
pub fn hash(row: &JournalRow) -> Vec<u8> {
    let mut h = Sha256::new();
    part(&mut h, b"stride.journal.1");
    h.update(row.seq.to_be_bytes());
    h.update(row.at.0.timestamp_micros().to_be_bytes());
    h.update(row.actor.0.as_bytes());
    part(&mut h, row.request_id.as_bytes());
    part(&mut h, row.kind.as_bytes());
    h.update(row.record_id.0.as_bytes());
    h.update(row.version.to_be_bytes());
    part(&mut h, row.action.as_bytes());
    h.update(row.shape.to_be_bytes());
    part(&mut h, &row.digest);
    part(&mut h, &row.previous);
    if let Some(entered) = row.entered_at {
        part(&mut h, &entered.0.timestamp_micros().to_be_bytes());
    }
    if let Some(seq) = row.redacts {
        part(&mut h, b"redacts");
        part(&mut h, &seq.to_be_bytes());
    }
    h.finalize().to_vec()
}

/// Writes the length first, so that no two different rows give the same bytes.
fn part(h: &mut Sha256, bytes: &[u8]) {
    h.update((bytes.len() as u64).to_be_bytes());
    h.update(bytes);
}
