//! Limits how many connections one address may have, and ends those on which nothing happens.
//!
//! A connection beyond the limit is answered with a problem and closed. An address that opens still
//! more gets no answer: those are closed at once, so that they hold nothing while they are silent.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, Shutdown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::rt::net::TcpStream;
use ipnet::IpNet;
use socket2::{SockRef, Socket};

use crate::config::Serving;
use crate::metrics::{Metrics, UnderWay};
use crate::problem::{Code, Problem, Shed};

/// How long a connection may be idle: longer than reverse proxies keep theirs, which is 60 seconds for
/// the common ones. Otherwise a proxy may send a request on a connection that is just being closed.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// The connections of this process.
#[derive(Clone)]
pub struct Connections {
    /// How many one address may have; 0 for no limit.
    most: u32,
    /// Proxies, which connect for many callers.
    trusted: Arc<[IpNet]>,
    idle: Duration,
    /// How long nothing may be asked and nothing of an answer taken.
    silence: Duration,
    metrics: Arc<Metrics>,
    open: Arc<Mutex<Open>>,
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    /// How many each address has, with those that are being refused.
    counts: HashMap<IpAddr, u32>,
    by_number: HashMap<u64, Arc<Activity>>,
    last_number: u64,
}

/// When something last happened on a connection.
pub struct Activity {
    at: Mutex<Instant>,
    /// Another handle of its socket, to close it with.
    socket: Option<Socket>,
}

impl Activity {
    /// Something has happened now.
    pub fn note(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_before(&self, time: Instant) -> bool {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) < time
    }
}

/// A connection, kept with it until it is closed.
pub struct Connection {
    of: Connections,
    number: u64,
    activity: Arc<Activity>,
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
    /// Connections by these settings.
    #[must_use]
    pub fn new(serving: &Serving, metrics: &Arc<Metrics>) -> Self {
        let idle = Duration::from_secs(serving.reader_idle_seconds);
        Self {
            most: serving.connections_per_address,
            trusted: serving.trusted_proxies.clone().into(),
            idle,
            // Longer than any request takes, and than an idle connection is kept.
            silence: Duration::from_secs(serving.stream_seconds.max(serving.request_seconds))
                + idle
                + KEEP_ALIVE,
            metrics: Arc::clone(metrics),
            open: Arc::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
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
            let mut open = self.open();
            let has = open.counts.entry(address).or_default();
            let admission = admission(*has, self.most);
            *has += 1;
            admission
        });
        let socket = stream.map(SockRef::from);
        if let Some(socket) = &socket {
            end_if_idle(socket, self.idle);
            if admission == Admission::Cut {
                close(socket);
            }
        }
        let activity = Arc::new(Activity {
            at: Mutex::new(Instant::now()),
            socket: socket.and_then(|socket| socket.try_clone().ok()),
        });
        let number = {
            let mut open = self.open();
            open.last_number += 1;
            let number = open.last_number;
            open.by_number.insert(number, Arc::clone(&activity));
            number
        };
        if admission != Admission::Admitted {
            self.metrics.requests.shed(Shed::Connections);
        }
        Connection {
            of: self.clone(),
            number,
            activity,
            address,
            is_refused: admission != Admission::Admitted,
            has_asked: AtomicBool::new(false),
            _open: self.metrics.requests.connected(),
        }
    }

    /// Ends connections on which nothing has happened for too long. The framework gives the first
    /// head its time; a later one that does not end is left to this.
    pub fn sweep(&self, now: Instant) {
        let Some(since) = now.checked_sub(self.silence) else {
            return;
        };
        let all: Vec<_> = self.open().by_number.values().cloned().collect();
        for silent in all.iter().filter(|activity| activity.is_before(since)) {
            if let Some(socket) = &silent.socket {
                close(socket);
            }
        }
    }

    /// How long nothing may happen on a connection.
    #[must_use]
    pub const fn silence(&self) -> Duration {
        self.silence
    }
}

/// Closes a connection whatever its other end does. The framework notices and forgets it.
fn close(socket: &Socket) {
    if let Err(e) = socket.shutdown(Shutdown::Both) {
        log::debug!("a connection was closed already: {e}");
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
    /// A request has been read. What happens until it is answered is to be noted.
    #[must_use]
    pub fn asks(&self) -> Arc<Activity> {
        self.has_asked.store(true, Ordering::Relaxed);
        self.activity.note();
        self.activity()
    }

    /// When something last happened.
    #[must_use]
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.activity)
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
        let mut open = self.of.open();
        open.by_number.remove(&self.number);
        let Some(address) = self.address else {
            return;
        };
        let left = open.counts.remove(&address).unwrap_or_default();
        if left > 1 {
            open.counts.insert(address, left - 1);
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
