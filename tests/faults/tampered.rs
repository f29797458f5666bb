//! A database edited behind the service's back: `stride verify` fails and names the entry.

use diesel::connection::SimpleConnection as _;
use serde_json::json;
use stride::db::{Conn, store};
use stride::journal;

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound, run};

/// The entries that the edits are about: two creations and two changes of the same units, followed
/// by others.
struct Known {
    /// Creation of the first unit.
    first: i64,
    /// Creation of the second unit.
    second: i64,
    /// Change of the first unit: its record's last entry.
    changed: i64,
    /// The journal's last entry, of a record of its own.
    last: i64,
}

/// An honest journal, and nobody connected to it.
async fn honest(backend: Backend) -> Option<(Database, Known)> {
    let database = Database::new(backend)?;
    let mut server = Server::start(&database);
    let client = Client::administrator(&database, &server);
    let before = assert_sound(&database) as i64;
    let mut paths = Vec::new();
    for name in ["First", "Second"] {
        let body = json!({ "title": name, "unit_kind": "unit", "reference": name.to_uppercase() });
        let record = client.create("/api/v1/units?reason=opened", &body).await;
        paths.push(format!("/api/v1/units/{}", record["id"].as_str().unwrap()));
    }
    for path in some(&paths) {
        assert_eq!(
            client
                .patch(path, 1, &json!({ "description": "Watched over" }))
                .await
                .0,
            200
        );
    }
    client
        .create(
            "/api/v1/units",
            &json!({ "title": "Last", "unit_kind": "unit", "reference": "LAST" }),
        )
        .await;
    server.terminate();
    assert!(server.wait().success());
    assert_eq!(assert_sound(&database) as i64, before + 5);
    let known = Known {
        first: before + 1,
        second: before + 2,
        changed: before + 3,
        last: before + 5,
    };
    Some((database, known))
}

/// Drops the constraints, as anyone who can edit the tables can do.
fn unconstrained(conn: &mut Conn) {
    let sql = match conn {
        Conn::Postgres(_) => "ALTER TABLE records DROP CONSTRAINT records_seq_fkey",
        Conn::Sqlite(_) => "PRAGMA foreign_keys = OFF",
    };
    conn.batch_execute(sql).unwrap();
}

/// Edits an entry and makes its own digest and hash right again, as one would who knows how they
/// are made.
fn forge(conn: &mut Conn, seq: i64) {
    let mut row = store::entries_after(conn, seq - 1, 1).unwrap().remove(0);
    row.snapshot = row.snapshot.map(|s| s.replace("First", "Forged"));
    row.digest = journal::digest(&row).unwrap();
    row.hash = journal::hash(&row);
    let bytes = |b: &[u8]| match conn {
        Conn::Postgres(_) => format!(r"'\x{}'::bytea", hex::encode(b)),
        Conn::Sqlite(_) => format!("x'{}'", hex::encode(b)),
    };
    let (digest, hash) = (bytes(&row.digest), bytes(&row.hash));
    conn.batch_execute(&format!(
        "UPDATE journal SET snapshot = replace(snapshot, 'First', 'Forged'), digest = {digest}, hash = {hash} WHERE seq = {seq}"
    ))
    .unwrap();
}

/// Replaces a text everywhere and makes the whole chain again: it is sound in itself.
pub fn made_again(conn: &mut Conn, text: &str, by: &str) {
    unconstrained(conn);
    let mut previous = journal::GENESIS.to_vec();
    for mut row in store::entries_after(conn, 0, 10_000).unwrap() {
        row.snapshot = row.snapshot.map(|s| s.replace(text, by));
        row.previous.clone_from(&previous);
        row.digest = journal::digest(&row).unwrap();
        row.hash = journal::hash(&row);
        previous.clone_from(&row.hash);
        let bytes = |b: &[u8]| match conn {
            Conn::Postgres(_) => format!(r"'\x{}'::bytea", hex::encode(b)),
            Conn::Sqlite(_) => format!("x'{}'", hex::encode(b)),
        };
        let sql = format!(
            "UPDATE journal SET snapshot = replace(snapshot, '{text}', '{by}'), digest = {}, previous = {}, hash = {} WHERE seq = {}; \
             UPDATE records SET body = replace(body, '{text}', '{by}')",
            bytes(&row.digest),
            bytes(&row.previous),
            bytes(&row.hash),
            row.seq
        );
        conn.batch_execute(&sql).unwrap();
    }
}

/// Removes the journal's last entry with the record that it made, as if neither had been.
pub fn cut_off_the_end(conn: &mut Conn) {
    unconstrained(conn);
    conn.batch_execute(
        "DELETE FROM records WHERE seq = (SELECT max(seq) FROM journal); \
         DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
    )
    .unwrap();
}

/// Runs the edit on a copy; the faults that `verify` then names.
fn after(honest: &Database, edit: impl FnOnce(&mut Conn)) -> Vec<String> {
    let copy = honest.copy();
    let mut conn = copy.connect();
    unconstrained(&mut conn);
    edit(&mut conn);
    drop(conn);
    let output = run(&copy, &["verify"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|l| l.starts_with("entry "))
        .map(str::to_owned)
        .collect()
}

async fn every_edit_behind_the_services_back_is_found(backend: Backend) {
    let Some((honest, known)) = honest(backend).await else {
        return;
    };
    let Known {
        first,
        second,
        changed,
        last,
    } = known;
    let sql = |text: String| move |conn: &mut Conn| conn.batch_execute(&text).unwrap();
    let names = |what: &str, faults: Vec<String>, seq: i64, word: &str| {
        let named = faults
            .iter()
            .any(|f| f.starts_with(&format!("entry {seq} ")) && f.contains(word));
        assert!(
            named,
            "{what}: no fault says `{word}` of entry {seq}: {faults:#?}"
        );
    };

    let edit = sql(format!(
        "UPDATE journal SET snapshot = replace(snapshot, 'First', 'Forged') WHERE seq = {first}"
    ));
    names(
        "a snapshot",
        after(&honest, edit),
        first,
        "snapshot or reason was changed",
    );

    for column in [
        "request_id = 'another'",
        "action = 'restore'",
        "kind = 'post'",
        "shape = shape + 1",
        "version = version + 10",
        "actor = record_id",
        "record_id = actor",
        "at = (SELECT at FROM journal WHERE seq = 1)",
    ] {
        let edit = sql(format!("UPDATE journal SET {column} WHERE seq = {changed}"));
        names(
            column,
            after(&honest, edit),
            changed,
            "its columns do not match its hash",
        );
    }
    for reason in ["'closed'", "NULL"] {
        let edit = sql(format!(
            "UPDATE journal SET reason = {reason} WHERE seq = {first}"
        ));
        names(
            "a reason",
            after(&honest, edit),
            first,
            "snapshot or reason was changed",
        );
    }
    let edit = sql(format!(
        "UPDATE journal SET snapshot = NULL WHERE seq = {first}"
    ));
    names(
        "an erased snapshot",
        after(&honest, edit),
        first,
        "but not both",
    );

    names(
        "a forged entry",
        after(&honest, |c| forge(c, first)),
        second,
        "does not follow the previous entry",
    );

    let edit = sql(format!("DELETE FROM journal WHERE seq = {second}"));
    names(
        "a removed entry",
        after(&honest, edit),
        second + 1,
        &format!("entries {second} to {second} are missing"),
    );
    let edit = sql(format!("DELETE FROM journal WHERE seq = {last}"));
    names(
        "the last entry removed",
        after(&honest, edit),
        last,
        "no entry in the journal",
    );

    let edit = sql(format!(
        "UPDATE journal SET seq = -1 WHERE seq = {first}; UPDATE journal SET seq = {first} WHERE seq = {second}; \
         UPDATE journal SET seq = {second} WHERE seq = -1"
    ));
    let faults = after(&honest, edit);
    for seq in [first, second] {
        names(
            "swapped entries",
            faults.clone(),
            seq,
            "its columns do not match its hash",
        );
    }

    let edit = sql(
        "UPDATE records SET body = replace(body, 'First', 'Forged') WHERE reference = 'FIRST'"
            .into(),
    );
    names(
        "a record",
        after(&honest, edit),
        changed,
        "differs from its snapshot",
    );
    let edit = sql("UPDATE records SET version = version + 1 WHERE reference = 'FIRST'".into());
    names(
        "a record's version",
        after(&honest, edit),
        changed,
        "the record is at version 3",
    );
    let edit = sql(format!(
        "UPDATE records SET seq = {first} WHERE reference = 'FIRST'"
    ));
    names(
        "a record's entry",
        after(&honest, edit),
        first,
        "the latest in the journal is 2",
    );
    let edit = sql("UPDATE records SET reference = 'OTHER' WHERE reference = 'FIRST'".into());
    names(
        "a record's reference",
        after(&honest, edit),
        changed,
        "which is not the reference in its body",
    );
    let edit = sql("UPDATE records SET shape = shape + 1 WHERE reference = 'FIRST'".into());
    names(
        "a record's shape",
        after(&honest, edit),
        changed,
        "differs from its snapshot",
    );
    let edit = sql("DELETE FROM records WHERE reference = 'FIRST'".into());
    names(
        "a removed record",
        after(&honest, edit),
        changed,
        "the record itself is missing",
    );
}

/// What `verify` says of a database, and whether it finds it sound.
fn verified(database: &Database, arguments: &[&str]) -> (bool, String) {
    let output = run(database, &[&["verify"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

/// Every entry that was emptied by hand is named, and one that was emptied by a redaction is not; nor
/// can a redaction be claimed for another entry.
async fn an_entry_emptied_without_a_redaction_is_named(backend: Backend) {
    let Some((honest, known)) = honest(backend).await else {
        return;
    };
    let Known { first, second, .. } = known;
    let empty = |seqs: &str| {
        format!(
            "UPDATE journal SET snapshot = NULL, salt = NULL, reason = NULL WHERE seq IN ({seqs})"
        )
    };
    let uncovered = "its content was removed, and no redaction covers it";
    let by_hand = honest.copy();
    by_hand
        .connect()
        .batch_execute(&empty(&format!("{first}, {second}")))
        .unwrap();
    let (is_sound, text) = verified(&by_hand, &[]);
    assert!(!is_sound, "{text}");
    for seq in [first, second] {
        let named = |l: &&str| l.starts_with(&format!("entry {seq} ")) && l.contains(uncovered);
        assert!(text.lines().any(|l| named(&l)), "entry {seq}:\n{text}");
    }

    let redacted = honest.copy();
    let mut server = Server::start(&redacted);
    let client = Client::administrator(&redacted, &server);
    let reason = json!({ "reason": "erasure request 7" });
    let (status, body) = client
        .post(&format!("/api/v1/journal/{first}/redact"), &reason)
        .await;
    assert_eq!(status, 201, "{body}");
    server.terminate();
    assert!(server.wait().success());
    let (is_sound, text) = verified(&redacted, &[]);
    assert!(is_sound && text.contains(" 1 redacted"), "{text}");
    let recorded = body["seq"].as_i64().unwrap();
    let row = store::entries_after(&mut redacted.connect(), first - 1, 1)
        .unwrap()
        .remove(0);
    assert_eq!((row.snapshot, row.salt, row.reason), (None, None, None));

    // The same number of emptied entries, but not the same entries. And the content itself, put back.
    let was = store::entries_after(&mut honest.connect(), first - 1, 1)
        .unwrap()
        .remove(0);
    let salt = hex::encode(was.salt.unwrap());
    let salt = match backend {
        Backend::Sqlite => format!("X'{salt}'"),
        Backend::Postgres => format!("'\\x{salt}'"),
    };
    let quoted = |text: Option<String>| text.unwrap().replace('\'', "''");
    let put_back = format!(
        "UPDATE journal SET snapshot = '{}', salt = {salt}, reason = '{}' WHERE seq = {first}",
        quoted(was.snapshot),
        quoted(was.reason)
    );
    for edit in [
        put_back,
        empty(&second.to_string()),
        format!(
            "{}; UPDATE journal SET redacts = {second} WHERE seq = {recorded}",
            empty(&second.to_string())
        ),
        format!("UPDATE journal SET redacts = NULL WHERE seq = {recorded}"),
        format!("UPDATE journal SET snapshot = '{{}}', salt = digest WHERE seq = {first}"),
        format!("UPDATE journal SET reason = 'made up' WHERE seq = {first}"),
    ] {
        let copy = redacted.copy();
        copy.connect().batch_execute(&edit).unwrap();
        let (is_sound, text) = verified(&copy, &[]);
        assert!(!is_sound, "{edit}:\n{text}");
    }
}

/// A chain that was made again from the beginning is sound in itself, and does not have the hashes
/// that were kept elsewhere.
async fn a_journal_without_a_head_kept_elsewhere_is_refused(backend: Backend) {
    let Some((honest, known)) = honest(backend).await else {
        return;
    };
    let head = |seq: i64| {
        let row = store::entries_after(&mut honest.connect(), seq - 1, 1)
            .unwrap()
            .remove(0);
        format!("{seq}:{}", hex::encode(row.hash))
    };
    let (middle, last) = (head(known.second), head(known.last));
    let (is_sound, text) = verified(&honest, &["--head", &middle, "--head", &last]);
    assert!(is_sound && text.contains(&format!("head {last}")), "{text}");

    let forged = honest.copy();
    made_again(&mut forged.connect(), "First", "Forged");
    let (is_sound, text) = verified(&forged, &[]);
    assert!(is_sound, "{text}");
    let (is_sound, text) = verified(&forged, &["--head", &last]);
    assert!(!is_sound, "{text}");
    assert!(text.contains(&format!("entry {}: its hash is not that of", known.last)));

    // The end cut off, with the record that it made.
    let cut = honest.copy();
    cut_off_the_end(&mut cut.connect());
    assert!(verified(&cut, &["--head", &middle]).0);
    let (is_sound, text) = verified(&cut, &["--head", &last]);
    assert!(
        !is_sound && text.contains("is not in the journal"),
        "{text}"
    );

    let malformed = run(&honest, &["verify", "--head", "7"]);
    assert!(!malformed.status.success());
    assert!(String::from_utf8_lossy(&malformed.stderr).contains("number of an entry"));
}

on_both!(
    every_edit_behind_the_services_back_is_found,
    an_entry_emptied_without_a_redaction_is_named,
    a_journal_without_a_head_kept_elsewhere_is_refused
);
