//! Limits how often a caller may make requests.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use actix_web::http::header::HeaderMap;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use uuid::Uuid;

use super::places::{Place, Places, Refusals};
use crate::problem::{Code, Problem, Shed};

type Keyed =
    RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The limits of this process.
pub struct Limits {
    calls: Option<(u32, Keyed)>,
    clock: DefaultClock,
    /// A place for each KiB.
    bodies: Places,
}

/// Length up to which a body is small, in bytes. Operations without a token take no larger one, and the
/// number of connections bounds the memory for those.
pub const SMALL_BODY: usize = 8 * 1024;

/// What a caller is told when there is no memory for a body.
const NO_ROOM: Refusals = Refusals {
    doing: "may send",
    share: "KiB of large bodies at the same time; send this one when the others are complete",
    full: "the service is receiving as many large bodies as it has memory for",
    limit: Shed::BodyMemory,
};

/// Room for the body of one account's request, held until it is dropped.
pub struct Room {
    places: Places,
    account: Option<Uuid>,
    /// A place for each KiB, as the body grows.
    held: Vec<Place>,
    kib: u32,
}

impl Room {
    /// Makes room for a body of this size in all.
    ///
    /// # Errors
    /// 429 if the account would use more than its share, 503 if all bodies together take too much.
    pub fn grow(&mut self, size: usize) -> Result<(), Problem> {
        // Without an account, no body is larger than a small one.
        let Some(account) = self.account.filter(|_| size > SMALL_BODY) else {
            return Ok(());
        };
        let kib = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX);
        if kib > self.kib {
            let more = self.places.take_several(account, kib - self.kib)?;
            self.held.push(more);
            self.kib = kib;
        }
        Ok(())
    }
}

/// Headers that tell a caller about its limit.
pub type LimitHeaders = Vec<(&'static str, String)>;

impl Limits {
    /// `per_second` calls for each caller, and twice as many in a burst; 0 means no limit. Bodies may
    /// take `body_memory` bytes together.
    #[must_use]
    pub fn new(per_second: u32, body_memory: usize) -> Self {
        let keyed = |quota| RateLimiter::dashmap(quota).with_middleware();
        let calls = NonZeroU32::new(per_second).map(|n| {
            (
                per_second,
                keyed(Quota::per_second(n).allow_burst(n.saturating_mul(TWO))),
            )
        });
        Self {
            calls,
            clock: DefaultClock::default(),
            bodies: Places::new(
                u32::try_from(body_memory / 1024).unwrap_or(u32::MAX),
                NO_ROOM,
            ),
        }
    }

    /// Room for the body of a request by this account, or by somebody unknown.
    #[must_use]
    pub fn room(&self, account: Option<Uuid>) -> Room {
        Room {
            places: self.bodies.clone(),
            account,
            held: Vec::new(),
            kib: 0,
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
                .shed(Shed::Rate)
                .header("Retry-After", wait.to_string())
                .header("RateLimit-Policy", policy)
                .header("RateLimit", format!("\"caller\";r=0;t={wait}")))
            }
        }
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
