//! SIGKILL in the middle of concurrent writes: what was acknowledged is there, nothing is half
//! there, repeats are safe.

use crate::cluster::{Backend, Database};
use crate::loss::{Load, assert_nothing_lost};
use crate::server::{Client, Server, assert_sound};

const WRITERS: usize = 8;

async fn a_killed_process_loses_nothing_that_it_acknowledged(backend: Backend) {
    let Some(database) = Database::new(backend) else {
        return;
    };
    let mut server = Server::start(&database);
    let mut entries = assert_sound(&database);
    for (round, enough) in [40, 97, 160].into_iter().enumerate() {
        let client = Client::administrator(&database, &server);
        let load = Load::start(std::slice::from_ref(&client), WRITERS, &format!("r{round}"));
        load.reach(enough).await;
        assert_eq!(load.refused(), 0, "something was refused before the fault");
        server.kill();
        let ledgers = load.end().await;
        server = Server::start(&database);
        entries = assert_nothing_lost(&database, &client.at(&server), entries, &ledgers).await;
    }
}

on_both!(a_killed_process_loses_nothing_that_it_acknowledged);
