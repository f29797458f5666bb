//! Moves a database to another place: from SQLite to PostgreSQL or back, with everything that is kept.

use crate::db::{Address, InUse, store};
use crate::journal::verify::{Report, verify};

type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Copies the whole journal with its hashes, every record and everything else that is kept (accounts'
/// secrets, personal data, keys, jobs, calendar feeds) into an empty database, all or nothing, and
/// verifies the copy. Nobody else can write to either in the meantime. The files of documents are
/// kept elsewhere and stay where they are.
///
/// # Errors
/// A service uses one of the embedded databases, `to` is not empty, `from` is of another build, or
/// one of them cannot be read or written. Nothing is copied then.
pub fn copy(from: &Address, to: &Address) -> Result<Report, StartError> {
    if from == to {
        return Err("name another database to copy to".into());
    }
    from.exists()?;
    let _source = InUse::take(from)?;
    let mut source = from.connect()?;
    source.refuse_newer()?;
    if !source.is_migrated()? {
        return Err("the database is of an older build: run `stride migrate` first".into());
    }
    let mut target = InUse::take(to)?;
    to.connect()?.migrate()?;
    let mut copy = to.connect()?;
    source.begin_without_limits()?;
    copy.begin_without_limits()?;
    if store::head(&mut copy)?.is_some() {
        return Err("the database to copy to is not empty: name a new one".into());
    }
    let head = store::head(&mut source)?;
    store::copy(&mut source, &mut copy)?;
    let report = verify(&mut copy, &[])?;
    let copied = (report.head.seq, &report.head.hash);
    if head
        .as_ref()
        .map_or((0, &Vec::new()), |(seq, hash, _)| (*seq, hash))
        != copied
    {
        return Err("the copy is not complete".into());
    }
    copy.commit()?;
    copy.settle()?;
    target.begin()?;
    source.roll_back()?;
    Ok(report)
}
