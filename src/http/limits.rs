//! Limits how often a caller may make requests, and how soon a name may sign in again after
//! failures.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::problem::{Code, Problem};

type Keyed =
    RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Number of failed sign-ins after which a name must wait, and how long it must wait after the last
/// one.
const FAILURES: u32 = 5;
const FORGIVEN_AFTER: Duration = Duration::from_secs(30);
/// Maximum number of names remembered.
const NAMES: u64 = 100_000;
const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The limits of this process.
pub struct Limits {
    calls: Option<(u32, Keyed)>,
    failures: moka::sync::Cache<String, u32>,
    clock: DefaultClock,
}

/// Headers that tell a caller about its limit.
pub type LimitHeaders = Vec<(&'static str, String)>;

impl Limits {
    /// `per_second` calls for each caller, and twice as many in a burst; 0 means no limit.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let keyed = |quota| RateLimiter::dashmap(quota).with_middleware();
        let calls = NonZeroU32::new(per_second).map(|n| {
            (
                per_second,
                keyed(Quota::per_second(n).allow_burst(n.saturating_mul(TWO))),
            )
        });
        let failures = moka::sync::Cache::builder()
            .max_capacity(NAMES)
            .time_to_live(FORGIVEN_AFTER)
            .build();
        Self {
            calls,
            failures,
            clock: DefaultClock::default(),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// 429 with Retry-After.
    pub fn call(&self, caller: &str) -> Result<LimitHeaders, Problem> {
        let Some((rate, limiter)) = &self.calls else {
            return Ok(Vec::new());
        };
        let policy = format!("\"caller\";q={};w=2", rate.saturating_mul(2));
        match limiter.check_key(&caller.to_owned()) {
            Ok(state) => Ok(vec![
                ("RateLimit-Policy", policy),
                (
                    "RateLimit",
                    format!("\"caller\";r={};t=1", state.remaining_burst_capacity()),
                ),
            ]),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now()).as_secs() + 1;
                Err(Problem::new(
                    Code::TooManyRequests,
                    format!("try again in {wait} seconds"),
                )
                .header("Retry-After", wait.to_string())
                .header("RateLimit-Policy", policy)
                .header("RateLimit", format!("\"caller\";r=0;t={wait}")))
            }
        }
    }

    /// Counts a failed sign-in with this name.
    pub fn failed(&self, name: &str) {
        let before = self.failures.get(name).unwrap_or(0);
        self.failures.insert(name.to_owned(), before + 1);
    }

    /// Refuses a name with too many recent failures.
    ///
    /// # Errors
    /// 429 with Retry-After.
    pub fn may_sign_in(&self, name: &str) -> Result<(), Problem> {
        if self.failures.get(name).is_none_or(|n| n < FAILURES) {
            return Ok(());
        }
        let wait = FORGIVEN_AFTER.as_secs();
        Err(Problem::new(
            Code::TooManyRequests,
            format!("sign-in with this name failed too often; try again in {wait} seconds"),
        )
        .header("Retry-After", wait.to_string()))
    }

    /// Forgets callers that have not made a request for a while.
    pub fn sweep(&self) {
        if let Some((_, calls)) = &self.calls {
            calls.retain_recent();
        }
    }
}

/// Returns the caller's address: the other end of the connection or, if that is a trusted proxy,
/// the last address in `X-Forwarded-For` that is not a trusted proxy. Earlier addresses were
/// written by the caller and prove nothing.
#[must_use]
pub fn peer(connected: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> String {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let Some(mut at) = connected.map(|a| a.ip().to_canonical()) else {
        return String::new();
    };
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .collect();
    for hop in forwarded.iter().rev() {
        if !is_trusted(&at) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => at = address.to_canonical(),
            Err(_) => break,
        }
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let told = |from: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(
                    HeaderName::from_static("x-forwarded-for"),
                    HeaderValue::from_str(value).expect("a value"),
                );
            }
            peer(
                Some(SocketAddr::new(from.parse().expect("an address"), 1)),
                &headers,
                &trusted,
            )
        };
        assert_eq!(
            told("192.0.2.1", &["198.51.100.7"]),
            "192.0.2.1",
            "nobody believes a stranger"
        );
        assert_eq!(told("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            told("::ffff:10.0.0.1", &["198.51.100.7"]),
            "198.51.100.7",
            "an address written as IPv6 is the same"
        );
        assert_eq!(
            told("10.0.0.1", &["203.0.113.9, 198.51.100.7", "10.1.2.3"]),
            "198.51.100.7",
            "what comes before is only what the caller says"
        );
        assert_eq!(told("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(told("10.0.0.1", &[]), "10.0.0.1");
    }
}
