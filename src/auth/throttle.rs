//! Slows the guessing of passwords and secrets. Every try is counted before anything is hashed, so
//! that no number of simultaneous tries gets past a limit; a try that succeeds is not counted.
//!
//! The limits are per process. Nobody can lock out an account from elsewhere: what anyone fails at
//! counts against their own network, and against the account only for networks from which nobody
//! has signed in to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use crate::problem::{Code, Problem};

/// A number of failures within a time.
#[derive(Clone, Copy)]
struct Limit {
    failures: u32,
    within: Duration,
}

/// Failures of one network with one account.
const PAIR: Limit = Limit {
    failures: 5,
    within: Duration::from_secs(30),
};
/// Failures of one network, with whatever accounts.
const NETWORK: Limit = Limit {
    failures: 50,
    within: Duration::from_secs(60),
};
/// Failures with one account, of all networks that nobody has signed in to it from.
const ACCOUNT: Limit = Limit {
    failures: 100,
    within: Duration::from_secs(600),
};
/// How long a network is remembered from which somebody has signed in to an account.
const KNOWN: Duration = Duration::from_secs(60 * 60 * 24 * 60);
/// Number of entries remembered of each sort.
const MOST: u64 = 100_000;
/// Passwords hashed at the same time, and tries that wait for their turn. One takes about 20 ms
/// and 19 MiB.
const HASHED_AT_ONCE: usize = 2;
const WAITING: usize = 32;

type Counts = Cache<String, Arc<AtomicU32>>;

/// Counts failures.
struct Counter {
    limit: Limit,
    counts: Counts,
}

impl Counter {
    fn new(limit: Limit) -> Self {
        let counts = Cache::builder()
            .max_capacity(MOST)
            .time_to_live(limit.within)
            .build();
        Self { limit, counts }
    }

    /// Counts a try.
    ///
    /// # Errors
    /// 429 with Retry-After if there were too many.
    fn count(&self, key: &str) -> Result<Arc<AtomicU32>, Problem> {
        let count = self.counts.get_with_by_ref(key, Arc::default);
        let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
            (n < self.limit.failures).then_some(n + 1)
        });
        match taken {
            Ok(_) => Ok(count),
            Err(_) => Err(slow_down(self.limit.within.as_secs())),
        }
    }
}

fn slow_down(seconds: u64) -> Problem {
    let detail = format!("sign-in failed too often; try again in {seconds} seconds");
    Problem::new(Code::TooManyRequests, detail).header("Retry-After", seconds.to_string())
}

/// What has been tried, by account and by network.
pub struct Throttle {
    pairs: Counter,
    networks: Counter,
    accounts: Counter,
    known: Cache<String, ()>,
    hashing: Semaphore,
    turns: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            pairs: Counter::new(PAIR),
            networks: Counter::new(NETWORK),
            accounts: Counter::new(ACCOUNT),
            known: Cache::builder()
                .max_capacity(MOST)
                .time_to_idle(KNOWN)
                .build(),
            hashing: Semaphore::new(HASHED_AT_ONCE),
            turns: Semaphore::new(HASHED_AT_ONCE + WAITING),
        }
    }
}

/// A try that has been counted. Dropped, it stays counted as a failure.
pub struct Try<'a> {
    throttle: &'a Throttle,
    pair: String,
    counted: Vec<Arc<AtomicU32>>,
}

impl Throttle {
    /// Counts a try to sign in with a password. `account` is the name or id in its canonical form,
    /// `peer` the caller's address.
    ///
    /// # Errors
    /// 429 with Retry-After.
    pub fn attempt(&self, account: &str, peer: &str) -> Result<Try<'_>, Problem> {
        let network = network(peer);
        let pair = format!("{network} {account}");
        let mut attempt = Try {
            throttle: self,
            counted: vec![self.networks.count(&network)?],
            pair,
        };
        attempt.counted.push(self.pairs.count(&attempt.pair)?);
        if !self.known.contains_key(&attempt.pair) {
            attempt.counted.push(self.accounts.count(account)?);
        }
        Ok(attempt)
    }

    /// Counts a try with a secret that the service generated. Nobody guesses such a secret, so
    /// only the network is counted, and the right secret is never refused because of others.
    ///
    /// # Errors
    /// 429 with Retry-After.
    pub fn failed(&self, peer: &str) -> Result<(), Problem> {
        self.networks.count(&network(peer)).map(drop)
    }

    /// Waits until a password may be hashed.
    ///
    /// # Errors
    /// 429 with Retry-After if too many wait already.
    pub async fn turn(&self) -> Result<Turn<'_>, Problem> {
        let waits = self.turns.try_acquire().map_err(|e| match e {
            TryAcquireError::NoPermits => slow_down(1),
            TryAcquireError::Closed => Problem::internal(e),
        })?;
        let hashes = self.hashing.acquire().await.map_err(Problem::internal)?;
        Ok(Turn(waits, hashes))
    }
}

/// While it is held, a password may be hashed.
#[expect(dead_code, reason = "held until a password is hashed")]
pub struct Turn<'a>(SemaphorePermit<'a>, SemaphorePermit<'a>);

impl Try<'_> {
    /// The secret was right: nothing is counted, and the network is known for this account.
    pub fn succeeded(self) {
        for count in &self.counted {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        self.throttle.known.insert(self.pair, ());
    }
}

/// The network of an address: an IPv4 address itself, or the /64 of an IPv6 address, which one
/// customer has to themselves.
fn network(peer: &str) -> String {
    match peer.parse::<IpAddr>().map(|a| a.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            std::net::Ipv6Addr::from(prefix).to_string()
        }
        Ok(address) => address.to_string(),
        Err(_) => peer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_or_its_64() {
        for (peer, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("", ""),
        ] {
            assert_eq!(network(peer), expected);
        }
    }

    #[test]
    fn five_failures_of_one_network_with_one_account_are_enough() {
        let throttle = Throttle::default();
        for _ in 0..PAIR.failures {
            assert!(throttle.attempt("lead", "192.0.2.1").is_ok());
        }
        assert!(throttle.attempt("lead", "192.0.2.1").is_err());
        assert!(
            throttle.attempt("lead", "192.0.2.2").is_ok(),
            "from elsewhere"
        );
        assert!(
            throttle.attempt("other", "192.0.2.1").is_ok(),
            "another account"
        );
    }

    #[test]
    fn a_success_is_not_counted() {
        let throttle = Throttle::default();
        for _ in 0..ACCOUNT.failures * 2 {
            let attempt = throttle.attempt("lead", "192.0.2.1").expect("a try");
            attempt.succeeded();
        }
    }

    #[test]
    fn one_network_cannot_try_every_account() {
        let throttle = Throttle::default();
        let tries = (0..NETWORK.failures * 2).filter(|n| {
            throttle
                .attempt(&format!("account {n}"), "2001:db8::1")
                .is_ok()
        });
        assert_eq!(tries.count(), NETWORK.failures as usize);
        let beside = throttle.attempt("lead", "2001:db8::ffff");
        assert!(beside.is_err(), "the same /64");
    }

    #[test]
    fn nobody_locks_out_a_network_that_is_known() {
        let throttle = Throttle::default();
        throttle
            .attempt("lead", "192.0.2.1")
            .expect("a try")
            .succeeded();
        let far = |n: u32| format!("198.51.{}.{}", n / 250, n % 250);
        let tries =
            (0..ACCOUNT.failures * 2).filter(|n| throttle.attempt("lead", &far(*n)).is_ok());
        assert_eq!(tries.count(), ACCOUNT.failures as usize);
        assert!(
            throttle.attempt("lead", "203.0.113.9").is_err(),
            "not known"
        );
        assert!(throttle.attempt("lead", "192.0.2.1").is_ok(), "known");
    }
}
