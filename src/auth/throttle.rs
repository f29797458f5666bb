//! Slows the guessing of passwords and secrets. Every try is counted before anything is hashed, so
//! that no number of simultaneous tries gets past a limit; a try that succeeds is not counted.
//!
//! The limits are per process. Where somebody has signed in to an account from a network, only what
//! fails there with that account counts: nobody else can lock them out.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::{Semaphore, TryAcquireError};

use crate::access::secrets;
use crate::problem::{Code, Problem, Shed};

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
    Problem::new(Code::TooManyRequests, detail)
        .header("Retry-After", seconds.to_string())
        .shed(Shed::SignIn)
}

/// What has been tried, by account and by network.
pub struct Throttle {
    pairs: Counter,
    networks: Counter,
    accounts: Counter,
    known: Cache<String, ()>,
    turns: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
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
            turns: Arc::new(Semaphore::new(HASHED_AT_ONCE + WAITING)),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
        }
    }
}

/// A try that has been counted. Dropped, it stays counted as a failure.
struct Try<'a> {
    throttle: &'a Throttle,
    pair: String,
    counted: Vec<Arc<AtomicU32>>,
}

impl Throttle {
    /// Whether a password matches one of the hashes of an account; false if there are none, after
    /// the same time. `account` is the sign-in name or the id in its canonical form, `peer` the
    /// caller's address.
    ///
    /// # Errors
    /// 429 with Retry-After if too many tries failed, or if too many passwords wait to be hashed.
    pub async fn check(
        &self,
        account: &str,
        peer: &str,
        password: String,
        hashes: Vec<String>,
    ) -> Result<bool, Problem> {
        let attempt = self.attempt(account, peer)?;
        let matches = move || match hashes.as_slice() {
            [] => secrets::matches(&password, None),
            some => some.iter().any(|h| secrets::matches(&password, Some(h))),
        };
        match self.hash(matches).await {
            Ok(true) => {
                attempt.succeeded();
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(unanswered) => {
                attempt.take_back();
                Err(unanswered)
            }
        }
    }

    /// Counts a try with a secret that the service generated and that was not right. Nobody guesses
    /// such a secret, so only the network is counted, and the right secret is never refused.
    ///
    /// # Errors
    /// 429 with Retry-After.
    pub fn failed(&self, peer: &str) -> Result<(), Problem> {
        self.networks.count(&network(peer)).map(drop)
    }

    /// Hashes a password with `work`, off the async threads and when it is its turn.
    ///
    /// # Errors
    /// 429 with Retry-After if too many wait already.
    pub async fn hash<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.turns).try_acquire_owned();
        let place = place.map_err(|e| match e {
            TryAcquireError::NoPermits => slow_down(1),
            TryAcquireError::Closed => Problem::internal(e),
        })?;
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let turn = turn.map_err(Problem::internal)?;
        // The turn goes with the work, which runs on when its caller hangs up.
        let work = move || {
            let result = work();
            drop((place, turn));
            result
        };
        actix_web::web::block(work).await.map_err(Problem::internal)
    }

    /// Counts a try before it is looked at. One that is refused is not counted.
    fn attempt(&self, account: &str, peer: &str) -> Result<Try<'_>, Problem> {
        let network = network(peer);
        let mut attempt = Try {
            throttle: self,
            pair: format!("{network} {account}"),
            counted: Vec::new(),
        };
        let pair = attempt.pair.clone();
        let everywhere = [
            (&self.networks, network.as_str()),
            (&self.accounts, account),
        ];
        // From a known network, what others fail at does not matter.
        let is_known = self.known.contains_key(&pair);
        let others = everywhere.into_iter().filter(|_| !is_known);
        for (counter, key) in std::iter::once((&self.pairs, pair.as_str())).chain(others) {
            match counter.count(key) {
                Ok(count) => attempt.counted.push(count),
                Err(refused) => {
                    attempt.take_back();
                    return Err(refused);
                }
            }
        }
        Ok(attempt)
    }
}

impl Try<'_> {
    /// Does not count it.
    fn take_back(&self) {
        for count in &self.counted {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The password was right: it is not counted, and the network is known for this account.
    fn succeeded(self) {
        self.take_back();
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

    #[test]
    fn what_is_refused_is_not_counted() {
        let throttle = Throttle::default();
        // Far more tries with one account than its network is allowed in all.
        for _ in 0..NETWORK.failures * 2 {
            let _ = throttle.attempt("lead", "192.0.2.1");
        }
        assert!(throttle.attempt("other", "192.0.2.1").is_ok());
    }

    #[test]
    fn others_in_a_known_network_lock_nobody_out() {
        let throttle = Throttle::default();
        throttle
            .attempt("lead", "192.0.2.1")
            .expect("a try")
            .succeeded();
        for n in 0..NETWORK.failures * 2 {
            let _ = throttle.attempt(&format!("account {n}"), "192.0.2.1");
        }
        assert!(throttle.attempt("stranger", "192.0.2.1").is_err());
        assert!(throttle.attempt("lead", "192.0.2.1").is_ok());
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_keeps_the_turn_until_the_work_is_done() {
        let throttle = Throttle::default();
        let mut ends = Vec::new();
        for _ in 0..HASHED_AT_ONCE {
            let (begun, has_begun) = std::sync::mpsc::channel();
            let (end, told) = std::sync::mpsc::channel::<()>();
            let work = throttle.hash(move || {
                let _ = begun.send(());
                told.recv()
            });
            let wait = async move {
                actix_web::web::block(move || has_begun.recv())
                    .await
                    .expect("it runs")
            };
            // The work has begun, and nobody waits for it any more.
            tokio::select! { _ = work => panic!("it ended"), begun = wait => begun.expect("it began") }
            ends.push(end);
        }
        assert_eq!(throttle.hashing.available_permits(), 0);
        for end in ends {
            end.send(()).expect("it waits for this");
        }
        let all = u32::try_from(HASHED_AT_ONCE).expect("a few");
        let free = throttle.hashing.acquire_many(all).await;
        assert!(free.is_ok(), "every turn comes back");
    }
}
