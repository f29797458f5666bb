//! Reads worlds from the database: the current one at the start, and what was recorded since.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rayon::prelude::*;

use crate::db::store::RecordRow;
use crate::db::{Conn, DbError, store};
use crate::world::{AnyRecord, Catalogue, Series, World};

/// Number of records read at once at the start, and of pages that may wait to be applied.
const PAGE: i64 = 2_000;
const LOTS_AHEAD: usize = 2;

/// Reads the current version of every record.
pub(super) fn load(conn: &mut Conn, catalogue: &'static Catalogue) -> Result<World, DbError> {
    let Some((seq, hash, at)) = store::head(conn)? else {
        return Ok(World::empty(catalogue));
    };
    let mut all: Result<Lot, DbError> = Ok(Lot::new());
    ahead(
        |pages| read_pages(conn, pages),
        |rows: Vec<RecordRow>| {
            if let Ok(known) = &mut all {
                match parse_all(catalogue, &rows) {
                    Ok(mut lot) => known.append(&mut lot),
                    Err(e) => all = Err(e),
                }
            }
        },
    )?;
    let mut world = World::of(catalogue, all?);
    for (name, number) in store::last_numbers(conn)? {
        let (kind, series) = Series::named(&name);
        if let Some((kind, number)) = catalogue.recorded(kind).zip(u32::try_from(number).ok()) {
            world.had_number(kind, series, number);
        }
    }
    (world.seq, world.head, world.at) = (seq, hash.into(), at.0);
    // Another replica may have written in the meantime. Applying an entry twice does no harm.
    follow(conn, &mut world)?;
    Ok(world)
}

/// A batch of records that were read and parsed.
pub(super) type Lot = Vec<Arc<dyn AnyRecord>>;

fn parse_all(catalogue: &Catalogue, rows: &[RecordRow]) -> Result<Lot, DbError> {
    let parsed = rows
        .par_iter()
        .map(|row| parse(catalogue, &row.kind, &row.body, row.shape, row.seq));
    parsed.collect()
}

/// One thread reads while this one works on what it sends. This halves the time to load a large
/// world.
pub(super) fn ahead<T: Send>(
    read: impl FnOnce(&SyncSender<T>) -> Result<(), DbError> + Send,
    take: impl FnMut(T),
) -> Result<(), DbError> {
    std::thread::scope(|scope| {
        let (send, lots) = std::sync::mpsc::sync_channel(LOTS_AHEAD);
        let reader = scope.spawn(move || read(&send));
        lots.into_iter().for_each(take);
        reader.join().unwrap_or_else(|_| {
            Err(DbError::Damaged(
                "the recorded data could not be read".into(),
            ))
        })
    })
}

/// Sends the current version of every record, page by page.
fn read_pages(conn: &mut Conn, pages: &SyncSender<Vec<RecordRow>>) -> Result<(), DbError> {
    let mut after = uuid::Uuid::nil();
    loop {
        let rows = store::records_after(conn, after, PAGE)?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.id.0;
        // Sending fails only if the thread that builds the world has failed.
        if pages.send(rows).is_err() {
            return Ok(());
        }
    }
}

/// Applies the entries that follow the world's last one.
pub(super) fn follow(conn: &mut Conn, world: &mut World) -> Result<(), DbError> {
    loop {
        let entries = store::entries_after(conn, world.seq, 5_000)?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            if let Some(snapshot) = &entry.snapshot {
                let record = parse(
                    world.catalogue(),
                    &entry.kind,
                    snapshot,
                    entry.shape,
                    entry.seq,
                )?;
                world.apply(record);
            }
            if entry.redacts.is_some() {
                world.last_redaction = entry.seq;
            }
            (world.seq, world.head, world.at) = (entry.seq, entry.hash.into(), entry.at.0);
        }
    }
}

/// Parses a snapshot, given the name of its kind.
pub(super) fn parse(
    catalogue: &Catalogue,
    kind: &str,
    body: &str,
    shape: i32,
    seq: i64,
) -> Result<Arc<dyn AnyRecord>, DbError> {
    let kind = catalogue.recorded(kind).ok_or_else(|| {
        DbError::Damaged(format!(
            "entry {seq} is of the kind `{kind}`, which is unknown to this build"
        ))
    })?;
    (kind.parse)(body, shape, seq, kind.index)
        .map_err(|e| DbError::Damaged(format!("entry {seq} ({}): {e}", kind.name)))
}
