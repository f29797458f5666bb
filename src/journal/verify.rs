//! Checks that the journal is unchanged, and that the records match the journal.

use std::collections::HashMap;

use uuid::Uuid;

use super::{GENESIS, digest, hash};
use crate::db::{Conn, DbError, store};

/// One inconsistency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Number of the journal entry, or of the record's last entry.
    pub seq: i64,
    pub record: Option<(String, Uuid)>,
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry {}", self.seq)?;
        if let Some((kind, id)) = &self.record {
            write!(f, " ({kind} {id})")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What was checked, and the inconsistencies found.
#[derive(Debug, Default)]
pub struct Report {
    pub entries: i64,
    pub records: usize,
    pub redacted: usize,
    /// Hash of the last entry, in hexadecimal. Keep a copy elsewhere to prove later that no earlier
    /// entry was changed.
    pub head: String,
    pub faults: Vec<Fault>,
}

/// What the journal contains for a record's latest version.
struct Latest {
    seq: i64,
    version: i64,
    kind: String,
    shape: i32,
    body: Option<String>,
}

/// Number of inconsistencies after which the check ends; a damaged chain can have as many as it has
/// entries.
const MOST: usize = 100;

/// Reads the whole journal and every record.
///
/// # Errors
/// The database cannot be read.
pub fn verify(conn: &mut Conn) -> Result<Report, DbError> {
    let mut report = Report::default();
    let mut latest: HashMap<Uuid, Latest> = HashMap::new();
    chain(conn, &mut report, &mut latest)?;
    rows(conn, &mut report, latest)?;
    Ok(report)
}

fn chain(
    conn: &mut Conn,
    report: &mut Report,
    latest: &mut HashMap<Uuid, Latest>,
) -> Result<(), DbError> {
    let mut previous = GENESIS.to_vec();
    let mut seq = 0;
    let mut at = None;
    loop {
        let page = store::entries_after(conn, seq, 5_000)?;
        let Some(last) = page.last() else { break };
        let last_seq = last.seq;
        for row in page {
            let mut faults = Vec::new();
            if row.seq != seq + 1 {
                faults.push(format!(
                    "entries {} to {} are missing",
                    seq + 1,
                    row.seq - 1
                ));
            }
            if row.previous != previous {
                faults.push(
                    "does not follow the previous entry: one of the two was changed, removed or \
                        moved"
                        .into(),
                );
            }
            if row.hash != hash(&row) {
                faults.push("its columns do not match its hash".into());
            }
            match digest(&row) {
                Some(d) if d != row.digest => {
                    faults.push("its snapshot or reason was changed".into())
                }
                Some(_) => {}
                None if row.snapshot.is_none() && row.salt.is_none() => report.redacted += 1,
                None => faults.push("its snapshot or its salt is missing, but not both".into()),
            }
            if at.is_some_and(|before| row.at < before) {
                faults.push("its time is earlier than that of the previous entry".into());
            }
            let expected = latest.get(&row.record_id.0).map_or(1, |l| l.version + 1);
            if row.version != expected {
                faults.push(format!(
                    "is version {} of its record, but version {expected} was expected",
                    row.version
                ));
            }
            let record = Some((row.kind.clone(), row.record_id.0));
            report.faults.extend(faults.into_iter().map(|what| Fault {
                seq: row.seq,
                record: record.clone(),
                what,
            }));
            seq = row.seq;
            at = Some(row.at);
            report.entries += 1;
            latest.insert(
                row.record_id.0,
                Latest {
                    seq,
                    version: row.version,
                    kind: row.kind,
                    shape: row.shape,
                    body: row.snapshot,
                },
            );
            previous = row.hash;
            if report.faults.len() >= MOST {
                return Ok(());
            }
        }
        seq = last_seq;
    }
    report.head = hex::encode(previous);
    Ok(())
}

fn rows(
    conn: &mut Conn,
    report: &mut Report,
    mut latest: HashMap<Uuid, Latest>,
) -> Result<(), DbError> {
    let mut after = Uuid::nil();
    loop {
        let page = store::records_after(conn, after, 5_000)?;
        let Some(last) = page.last() else { break };
        after = last.id.0;
        for row in page {
            report.records += 1;
            let record = Some((row.kind.clone(), row.id.0));
            let what = match latest.remove(&row.id.0) {
                None => Some("the record has no entry in the journal".to_owned()),
                Some(l) if l.version != row.version || l.seq != row.seq || l.kind != row.kind => {
                    Some(format!(
                        "the record is at version {}, but the latest in the journal is {} (entry \
                            {})",
                        row.version, l.version, l.seq
                    ))
                }
                Some(l)
                    if l.shape != row.shape || l.body.as_ref().is_some_and(|s| *s != row.body) =>
                {
                    Some("the record differs from its snapshot".to_owned())
                }
                Some(_) if reference(&row.body).is_none_or(|r| r != row.reference) => {
                    Some(format!(
                        "the reference in the record's row is `{}`, which is not the reference in \
                            its body",
                        row.reference
                    ))
                }
                Some(_) => None,
            };
            report.faults.extend(what.map(|what| Fault {
                seq: row.seq,
                record,
                what,
            }));
        }
    }
    for (id, l) in latest {
        report.faults.push(Fault {
            seq: l.seq,
            record: Some((l.kind, id)),
            what: "the record itself is missing".into(),
        });
    }
    report.faults.truncate(MOST);
    Ok(())
}

/// The reference in a record's body; the row repeats it for its index.
fn reference(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        reference: String,
    }
    serde_json::from_str::<Body>(body).ok().map(|b| b.reference)
}
