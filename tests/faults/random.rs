//! SIGSTOP and SIGKILL of services and of the database at random moments, while writers work.
//!
//! The seed is printed. `STRIDE_TEST_SEED` repeats a run as far as its moments can be repeated, and
//! `STRIDE_TEST_ROUNDS` is the number of rounds on each database, for a longer run.

use std::io::Write as _;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::cluster::{Backend, Database, Own};
use crate::loss::{Load, assert_nothing_lost, is_ready};
use crate::server::{Client, Server, assert_sound};
use crate::silent::SHORT;

const WRITERS: usize = 6;

/// Rounds unless the environment says otherwise, and faults in each.
const ROUNDS: usize = 2;
const FAULTS: usize = 4;

/// What a fault happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Service(usize),
    Database,
}

/// Everything that can be stopped and killed.
struct Stage {
    own: Option<Own>,
    embedded: Option<Database>,
    servers: Vec<Server>,
    client: Client,
}

impl Stage {
    fn new(backend: Backend) -> Option<Self> {
        let (own, embedded, replicas) = match backend {
            Backend::Sqlite => (None, Database::new(backend), 1),
            Backend::Postgres => (Some(Own::new()?), None, 2),
        };
        let database = own
            .as_ref()
            .map(|own| &own.database)
            .or(embedded.as_ref())?;
        let servers: Vec<Server> = (0..replicas)
            .map(|_| Server::with(database, &SHORT))
            .collect();
        let client = Client::administrator(database, &servers[0]);
        Some(Self {
            own,
            embedded,
            servers,
            client,
        })
    }

    fn database(&self) -> &Database {
        let own = self.own.as_ref().map(|own| &own.database);
        own.or(self.embedded.as_ref()).unwrap()
    }

    fn clients(&self) -> Vec<Client> {
        let at = |server| self.client.at(server);
        self.servers.iter().map(at).collect()
    }

    fn victims(&self) -> Vec<Victim> {
        let services = (0..self.servers.len()).map(Victim::Service);
        let database = self.own.as_ref().map(|_| Victim::Database);
        services.chain(database).collect()
    }

    fn signal(&self, victim: Victim, name: &str) {
        match victim {
            Victim::Service(n) => self.servers[n].signal(name),
            Victim::Database => self.own.as_ref().unwrap().signal(&format!("-{name}")),
        }
    }

    /// Starts again what was killed, as a supervisor does. The database comes first.
    fn restart(&mut self, killed: &[Victim], load: &Load) {
        if killed.contains(&Victim::Database) {
            self.own.as_ref().unwrap().restart();
        }
        for n in 0..self.servers.len() {
            if killed.contains(&Victim::Service(n)) {
                let server = Server::with(self.database(), &SHORT);
                load.moved(n, self.client.at(&server));
                self.servers[n] = server;
            }
        }
    }

    /// One or two of them are stopped or killed, for a while.
    async fn suffers(&mut self, load: &Load, random: &mut StdRng) -> String {
        let mut victims = self.victims();
        victims.shuffle(random);
        victims.truncate(random.random_range(1..=2));
        let (mut stopped, mut killed) = (Vec::new(), Vec::new());
        for victim in victims {
            let is_killed = random.random_bool(0.5);
            let (name, list) = if is_killed {
                ("KILL", &mut killed)
            } else {
                ("STOP", &mut stopped)
            };
            self.signal(victim, name);
            list.push(victim);
            tokio::time::sleep(Duration::from_millis(random.random_range(0..100))).await;
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(20..2_500))).await;
        for victim in stopped.iter().rev() {
            self.signal(*victim, "CONT");
        }
        self.restart(&killed, load);
        format!("stopped {stopped:?}, killed {killed:?}")
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn nothing_is_lost_whatever_is_stopped_or_killed(backend: Backend) {
    let Some(mut stage) = Stage::new(backend) else {
        return;
    };
    let seed = number("STRIDE_TEST_SEED").unwrap_or_else(rand::random);
    let rounds = number("STRIDE_TEST_ROUNDS").map_or(ROUNDS, |n| n as usize);
    let _ = writeln!(std::io::stderr(), "{backend:?}: STRIDE_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut entries = assert_sound(stage.database());
    for round in 0..rounds {
        // Tokens do not last for all rounds.
        stage.client = Client::administrator(stage.database(), &stage.servers[0]);
        let load = Load::start(&stage.clients(), WRITERS, &format!("r{round}"));
        let mut suffered = Vec::new();
        for _ in 0..FAULTS {
            load.reach(load.acknowledged() + random.random_range(1..60))
                .await;
            suffered.push(stage.suffers(&load, &mut random).await);
            load.goes_on().await;
        }
        let ledgers = load.end().await;
        let clients = stage.clients();
        for client in crate::lists::some(&clients) {
            is_ready(client).await;
        }
        println!("round {round}: {}", suffered.join("; "));
        entries = assert_nothing_lost(stage.database(), &clients[0], entries, &ledgers).await;
    }
}

on_both!(nothing_is_lost_whatever_is_stopped_or_killed);
