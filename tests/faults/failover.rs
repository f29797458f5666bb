//! A PostgreSQL server that is frozen, killed or cut off by its network while its synchronous standby
//! takes over: the service leaves it within 10 s, and nothing that it acknowledged is lost.

use std::time::{Duration, Instant};

use crate::cluster::{Network, Replicated};
use crate::loss::{Load, assert_nothing_lost, is_ready, next, send};
use crate::server::{Client, Server, assert_sound};

const WRITERS: usize = 4;

async fn the_standby_takes_over(servers: &Replicated, fall: impl Fn()) {
    // With the limits that a service has by default.
    let server = Server::start(&servers.database);
    let client = Client::administrator(&servers.database, &server);
    let entries = assert_sound(&servers.database);
    let load = Load::start(std::slice::from_ref(&client), WRITERS, "writer");
    load.reach(40).await;
    fall();
    let fallen = Instant::now();
    servers.promote();
    // One that is begun now, so that no earlier answer is taken for it.
    let after = next("after", &[]);
    while !matches!(send(&client, &after).await, Ok((201, ..))) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = fallen.elapsed();
    println!("left after {took:?}");
    // On a machine that has nothing else to do it takes nine at most.
    assert!(took < Duration::from_secs(12), "it took {took:?}");
    is_ready(&client).await;
    load.reach(load.acknowledged() + 40).await;
    let ledgers = load.end().await;
    assert_nothing_lost(&servers.database, &client, entries + 1, &ledgers).await;
}

#[tokio::test]
async fn of_a_frozen_server() {
    if let Some(servers) = Replicated::new() {
        the_standby_takes_over(&servers, || servers.freeze()).await;
    }
}

#[tokio::test]
async fn of_a_killed_server() {
    if let Some(servers) = Replicated::new() {
        the_standby_takes_over(&servers, || servers.kill()).await;
    }
}

#[tokio::test]
async fn of_a_server_that_is_cut_off() {
    if let Some(network) = Network::new()
        && let Some(servers) = Replicated::in_network(&network)
    {
        the_standby_takes_over(&servers, || network.cut()).await;
    }
}
