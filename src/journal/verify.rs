//! Checks that the journal is unchanged, and that the records match the journal.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{GENESIS, REDACT, digest, hash};
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
    /// Number of entries whose content was removed by a redaction.
    pub redacted: usize,
    /// The last entry. Keep a copy elsewhere to prove later that no earlier entry was changed.
    pub head: Head,
    /// The inconsistencies: every entry that was emptied without a redaction, every head that is not
    /// in the journal, and of the others the first ones.
    pub faults: Vec<Fault>,
    /// Number of the others.
    others: usize,
}

impl Report {
    /// Adds an inconsistency, unless there are too many to list.
    fn add(&mut self, seq: i64, record: Option<(String, Uuid)>, what: String) {
        self.others += 1;
        if self.others <= MOST {
            self.faults.push(Fault { seq, record, what });
        }
    }
}

/// Number and hash of an entry that was the last one at some time, written `SEQ:HASH`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(&self.hash))
    }
}

impl std::str::FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (seq, hash) = text.split_once(':')?;
            let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
            let hash = hex::decode(hash).ok().filter(|hash| hash.len() == 32)?;
            Some(Self { seq, hash })
        };
        parse().ok_or_else(|| {
            "must be the number of an entry, a colon and its hash in hexadecimal, as `stride \
                verify` prints them"
                .to_owned()
        })
    }
}

/// What the journal contains for a record's latest version.
struct Latest {
    seq: i64,
    version: i64,
    kind: String,
    shape: i32,
    body: Option<String>,
}

/// Number of inconsistencies that are listed; a damaged chain can have as many as it has entries.
const MOST: usize = 100;

/// Entries without content, by their numbers, and the redactions, by the numbers of the entries that
/// they emptied.
#[derive(Default)]
struct Redactions {
    emptied: BTreeMap<i64, (String, Uuid)>,
    recorded: BTreeMap<i64, (i64, Uuid)>,
}

impl Redactions {
    /// Every emptied entry must have been emptied by a redaction, and every redaction must have
    /// emptied its entry.
    fn check(mut self, report: &mut Report) {
        for (emptied, (seq, record)) in self.recorded {
            match self.emptied.remove(&emptied) {
                Some((_, id)) if id == record => report.redacted += 1,
                Some(other) => {
                    self.emptied.insert(emptied, other);
                    let what = format!("says that it emptied entry {emptied} of another record");
                    report.add(seq, None, what);
                }
                None => {
                    let what =
                        format!("says that it emptied entry {emptied}, but the content is there");
                    report.add(seq, None, what);
                }
            }
        }
        let uncovered = self.emptied.into_iter().map(|(seq, record)| Fault {
            seq,
            record: Some(record),
            what: "its content was removed, and no redaction covers it".into(),
        });
        report.faults.extend(uncovered);
    }
}

/// Reads the whole journal and every record, and checks that entries kept elsewhere are still there.
///
/// # Errors
/// The database cannot be read.
pub fn verify(conn: &mut Conn, heads: &[Head]) -> Result<Report, DbError> {
    let mut report = Report::default();
    let mut latest: HashMap<Uuid, Latest> = HashMap::new();
    chain(conn, &mut report, &mut latest, heads)?;
    rows(conn, &mut report, latest)?;
    report.faults.sort_by_key(|fault| fault.seq);
    Ok(report)
}

fn chain(
    conn: &mut Conn,
    report: &mut Report,
    latest: &mut HashMap<Uuid, Latest>,
    heads: &[Head],
) -> Result<(), DbError> {
    let mut redactions = Redactions::default();
    let mut missing: Vec<&Head> = heads.iter().collect();
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
                None if row.snapshot.is_none() && row.salt.is_none() => {
                    let emptied = (row.kind.clone(), row.record_id.0);
                    redactions.emptied.insert(row.seq, emptied);
                    if row.reason.is_some() {
                        faults.push("it has a reason, but no content to check it by".into());
                    }
                }
                None => faults.push("its snapshot or its salt is missing, but not both".into()),
            }
            match row.redacts {
                Some(emptied) if row.action == REDACT && emptied < row.seq => {
                    let redaction = (row.seq, row.record_id.0);
                    if redactions.recorded.insert(emptied, redaction).is_some() {
                        faults.push(format!("entry {emptied} had been emptied before"));
                    }
                }
                None if row.action != REDACT => {}
                _ => faults.push("it is a redaction, but not of an earlier entry".into()),
            }
            for head in heads.iter().filter(|head| head.seq == row.seq) {
                missing.retain(|m| m.seq != head.seq);
                if head.hash != row.hash {
                    let what = format!("its hash is not that of the head {head} kept elsewhere");
                    report.faults.push(Fault {
                        seq: row.seq,
                        record: None,
                        what,
                    });
                }
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
            for what in faults {
                report.add(row.seq, record.clone(), what);
            }
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
        }
        seq = last_seq;
    }
    redactions.check(report);
    report.faults.extend(missing.into_iter().map(|head| Fault {
        seq: head.seq,
        record: None,
        what: format!("the head {head} kept elsewhere is not in the journal"),
    }));
    report.head = Head {
        seq,
        hash: previous,
    };
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
            if let Some(what) = what {
                report.add(row.seq, record, what);
            }
        }
    }
    for (id, l) in latest {
        let what = "the record itself is missing".to_owned();
        report.add(l.seq, Some((l.kind, id)), what);
    }
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
