//! What the check for losses finds when something is lost: the negative control. Each edit is one that
//! `stride verify` alone cannot notice, because the chain and the records fit each other.

use diesel::connection::SimpleConnection as _;
use serde_json::json;

use crate::cluster::{Backend, Database};
use crate::loss::{Ledger, assert_nothing_lost, faults, next, send};
use crate::server::{Client, Server, assert_sound};
use crate::tampered::{cut_off_the_end, made_again};

/// A number of acknowledged requests of one writer, and a service that has stopped.
struct Written {
    database: Database,
    client: Client,
    before: usize,
    ledger: Ledger,
}

impl Written {
    async fn new(backend: Backend, requests: usize) -> Option<Self> {
        let database = Database::new(backend)?;
        let mut server = Server::start(&database);
        let client = Client::administrator(&database, &server);
        let before = assert_sound(&database);
        let mut ledger = Ledger::default();
        for _ in 0..requests {
            let sent = next("control", &ledger.acknowledged);
            let (status, answer, _) = send(&client, &sent).await.unwrap();
            assert!((200..300).contains(&status), "{answer}");
            ledger.acknowledged.push((sent, answer));
        }
        server.terminate();
        assert!(server.wait().success());
        Some(Self {
            database,
            client,
            before,
            ledger,
        })
    }

    /// What is found once the service runs again.
    async fn found(&self) -> Vec<String> {
        let server = Server::start(&self.database);
        let client = self.client.at(&server);
        let ledgers = std::slice::from_ref(&self.ledger);
        faults(&self.database, &client, self.before, ledgers).await
    }
}

fn assert_named(found: &[String], fault: &str) {
    let is_named = found.iter().any(|f| f.contains(fault));
    assert!(is_named, "nothing says `{fault}`: {found:#?}");
}

async fn a_lost_write_is_noticed(backend: Backend) {
    let Some(written) = Written::new(backend, 5).await else {
        return;
    };
    let server = Server::start(&written.database);
    let ledgers = std::slice::from_ref(&written.ledger);
    let client = written.client.at(&server);
    assert_nothing_lost(&written.database, &client, written.before, ledgers).await;
    drop(server);
    cut_off_the_end(&mut written.database.connect());
    assert_sound(&written.database);
    let found = written.found().await;
    assert_named(
        &found,
        "control-n4 was acknowledged and is lost from the journal",
    );
    assert_named(&found, "control-n4 was acknowledged and its record is lost");
    assert_named(&found, "were asked for");
}

async fn an_altered_write_is_noticed(backend: Backend) {
    let Some(written) = Written::new(backend, 3).await else {
        return;
    };
    made_again(&mut written.database.connect(), "control-n2", "control-n9");
    assert_sound(&written.database);
    let found = written.found().await;
    assert_named(&found, "control-n2 is not as it was acknowledged: title");
}

async fn half_of_a_write_is_noticed(backend: Backend) {
    let Some(mut written) = Written::new(backend, 4).await else {
        return;
    };
    // Nobody has heard of the last one, of several records.
    written.ledger.open = written.ledger.acknowledged.pop().map(|(sent, _)| sent);
    cut_off_the_end(&mut written.database.connect());
    assert_sound(&written.database);
    assert_named(
        &written.found().await,
        "4 of 5 records of control-n3 are there",
    );

    let Some(written) = Written::new(backend, 3).await else {
        return;
    };
    let of = |key: &str| format!("\"description\":\"{key}\"");
    made_again(
        &mut written.database.connect(),
        &of("control-n2"),
        &of("control-n1"),
    );
    assert_sound(&written.database);
    assert_named(&written.found().await, "half of a change is there");
}

/// A key that was forgotten: the repeat is carried out a second time.
async fn a_write_that_is_there_twice_is_noticed(backend: Backend) {
    let Some(written) = Written::new(backend, 5).await else {
        return;
    };
    let server = Server::start(&written.database);
    let unit = json!({ "title": "control", "description": "control", "unit_kind": "unit" });
    let client = written.client.at(&server);
    client.create("/api/v1/units", &unit).await;
    drop(server);
    assert_named(&written.found().await, "were asked for");
    let mut forgotten = written;
    forgotten.ledger.open = forgotten.ledger.acknowledged.pop().map(|(sent, _)| sent);
    let sql = "DELETE FROM idempotency_keys";
    forgotten.database.connect().batch_execute(sql).unwrap();
    assert_named(
        &forgotten.found().await,
        "a repeat of control-n4 was refused",
    );
}

on_both!(
    a_lost_write_is_noticed,
    an_altered_write_is_noticed,
    half_of_a_write_is_noticed,
    a_write_that_is_there_twice_is_noticed
);
