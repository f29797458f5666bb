//! The primary of PostgreSQL is cut off from everybody by its network, and its synchronous standby is
//! promoted: the service leaves the old one within 10 s, and nothing that it acknowledged is lost.

use std::time::{Duration, Instant};

use crate::cluster::{Network, Replicated};
use crate::loss::{Load, assert_nothing_lost, is_ready};
use crate::server::{Client, Server, assert_sound};

const WRITERS: usize = 4;

#[tokio::test]
async fn a_primary_that_is_cut_off_is_left() {
    let Some(network) = Network::new() else {
        return;
    };
    let Some(servers) = Replicated::in_network(&network) else {
        return;
    };
    // With the limits that a service has by default.
    let server = Server::start(&servers.database);
    let client = Client::administrator(&servers.database, &server);
    let entries = assert_sound(&servers.database);
    let load = Load::start(std::slice::from_ref(&client), WRITERS, "cut");
    load.reach(40).await;
    network.cut();
    let cut = Instant::now();
    servers.promote();
    load.goes_on().await;
    let took = cut.elapsed();
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    is_ready(&client).await;
    let ledgers = load.end().await;
    assert_nothing_lost(&servers.database, &client, entries, &ledgers).await;
}
