//! Limits how many connections one address may have.
//!
//! A connection beyond the limit is answered with a problem and closed. An address that opens still
//! more gets no answer: those are closed at once, so that they hold nothing while they are silent.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use ipnet::IpNet;
use socket2::SockRef;

use crate::metrics::{Metrics, UnderWay};
use crate::problem::{Code, Problem, Shed};

/// The connections of this process.
#[derive(Clone)]
pub struct Connections {
    /// How many one address may have; 0 for no limit.
    most: u32,
    /// Proxies, which connect for many callers.
    trusted: Arc<[IpNet]>,
    idle: Duration,
    metrics: Arc<Metrics>,
    /// How many each address has, with those that are being refused.
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// A connection, kept with it until it is closed.
pub struct Connection {
    of: Connections,
    /// Where it comes from, if that is counted.
    address: Option<IpAddr>,
    is_refused: bool,
    has_asked: AtomicBool,
    _open: UnderWay,
}

/// What is done with a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Admitted,
    /// Its request is answered with a problem.
    Refused,
    /// It is closed without an answer.
    Cut,
}

/// Decides by how many connections the address has already.
fn admission(has: u32, most: u32) -> Admission {
    if most == 0 || has < most {
        Admission::Admitted
    } else if has < most.saturating_add((most / 4).max(1)) {
        Admission::Refused
    } else {
        Admission::Cut
    }
}

/// What counts as one address: a network of 64 bits in IPv6, because one machine has all of it.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

impl Connections {
    /// At most `most` for each address that is not one of the `trusted` proxies; 0 for no limit. A
    /// connection whose other end takes nothing for `idle` is ended.
    #[must_use]
    pub fn new(most: u32, trusted: &[IpNet], idle: Duration, metrics: &Arc<Metrics>) -> Self {
        Self {
            most,
            trusted: trusted.into(),
            idle,
            metrics: Arc::clone(metrics),
            open: Arc::default(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a new connection. What is returned is to be kept with it.
    #[must_use]
    pub fn begin(&self, connection: &dyn Any) -> Connection {
        let stream = connection.downcast_ref::<TcpStream>();
        let address = stream
            .and_then(|stream| stream.peer_addr().ok())
            .map(|peer| peer.ip().to_canonical())
            .filter(|ip| self.most > 0 && !self.trusted.iter().any(|net| net.contains(ip)))
            .map(counted_as);
        let admission = address.map_or(Admission::Admitted, |address| {
            let mut counts = self.counts();
            let has = counts.entry(address).or_default();
            let admission = admission(*has, self.most);
            *has += 1;
            admission
        });
        if let Some(socket) = stream.map(SockRef::from) {
            let is_cut = admission == Admission::Cut;
            if is_cut && let Err(e) = socket.shutdown(std::net::Shutdown::Both) {
                log::debug!("a connection is not closed at once: {e}");
            }
            end_if_idle(&socket, self.idle);
        }
        if admission != Admission::Admitted {
            self.metrics.requests.shed(Shed::Connections);
        }
        Connection {
            of: self.clone(),
            address,
            is_refused: admission != Admission::Admitted,
            has_asked: AtomicBool::new(false),
            _open: self.metrics.requests.connected(),
        }
    }
}

/// Has a connection ended when its other end takes nothing for this long. Linux does that; on other
/// systems such a connection lasts until its other end closes it, and holds what the system had
/// accepted for it.
fn end_if_idle(socket: &SockRef<'_>, idle: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(e) = socket.set_tcp_user_timeout(Some(idle)) {
        log::debug!("a connection is not ended when its other end takes nothing: {e}");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, idle);
}

impl Connection {
    /// A request has been read.
    pub fn asks(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
    }

    /// Why its requests are refused, if they are.
    #[must_use]
    pub fn refusal(&self) -> Option<Problem> {
        self.is_refused.then(|| {
            let detail = format!(
                "this address has {} connections already; use those again, or close some",
                self.of.most
            );
            Problem::new(Code::TooManyRequests, detail).header("Retry-After", "1")
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_refused && !self.has_asked.load(Ordering::Relaxed) {
            self.of.metrics.requests.without_request();
        }
        let Some(address) = self.address else {
            return;
        };
        let mut counts = self.of.counts();
        let left = counts.remove(&address).unwrap_or_default();
        if left > 1 {
            counts.insert(address, left - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_beyond_its_limit_and_then_cut() {
        for (has, most, expected) in [
            (3, 4, Admission::Admitted),
            (4, 4, Admission::Refused),
            (5, 4, Admission::Cut),
            (1, 1, Admission::Refused),
            (2, 1, Admission::Cut),
            (1_000_000, 0, Admission::Admitted),
        ] {
            assert_eq!(admission(has, most), expected, "{has} of {most}");
        }
    }

    #[test]
    fn a_machine_is_one_address() {
        let counted = |text: &str| counted_as(text.parse().expect("an address")).to_string();
        assert_eq!(counted("192.0.2.1"), "192.0.2.1");
        assert_eq!(counted("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
