//! Very many connections, bodies that stall and readers that take nothing: memory stays bounded, and
//! everybody else is answered.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Server, assert_sound};

/// How much the service may grow while it is besieged, in bytes. Debug builds are included.
const GROWTH: u64 = 250 * 1024 * 1024;

/// Connections that come at once.
const CROWD: usize = 2_000;

/// A caller's address on this machine.
fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 3, last).into()
}

/// Opens a connection from this address, which takes as little as possible at a time.
fn connect(from: IpAddr, server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// Resident memory of the service.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// A service with a unit, and a caller from an address of its own.
struct Besieged {
    database: Database,
    server: Server,
    admin: Client,
    unit: String,
    before: u64,
    metrics: String,
}

impl Besieged {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let database = Database::new(Backend::Sqlite).unwrap();
        let metrics = crate::watched::free();
        let settings: Vec<_> = [("STRIDE_METRICS_BIND", metrics.as_str())]
            .into_iter()
            .chain(settings.iter().copied())
            .collect();
        let server = Server::with(&database, &settings);
        let admin = Client::administrator(&database, &server).from(address(1));
        let body = json!({ "title": "Unit", "unit_kind": "unit" });
        let unit = admin.create("/api/v1/units", &body).await;
        let unit = format!("/api/v1/units/{}", unit["id"].as_str().unwrap());
        let before = memory(&server);
        Self {
            database,
            server,
            admin,
            unit,
            before,
            metrics,
        }
    }

    /// Others are answered, also on new connections, and the service has not grown much.
    async fn holds(&self) {
        for n in 0..20 {
            let other = self.admin.from(address(100 + n));
            assert_eq!(other.get("/livez").await.0, 200);
            assert_eq!(other.get(&self.unit).await.0, 200);
            assert_eq!(self.admin.get(&self.unit).await.0, 200);
        }
        let body = json!({ "title": "Another", "unit_kind": "unit" });
        self.admin.create("/api/v1/units", &body).await;
        let grown = memory(&self.server).saturating_sub(self.before);
        assert!(grown < GROWTH, "it has grown by {} MiB", grown >> 20);
        println!("grown by {} MiB", grown >> 20);
    }

    async fn counted(&self, name: &str) -> f64 {
        crate::watched::metrics(&self.metrics).await[name]
    }

    /// Waits until a metric has this value.
    async fn until(&self, name: &str, is_reached: impl Fn(f64) -> bool) {
        let began = Instant::now();
        while !is_reached(self.counted(name).await) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{name} remains {}",
                self.counted(name).await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

const REFUSED: &str = "stride_http_requests_shed_total{limit=\"connections\"}";
const OPEN: &str = "stride_http_connections";

/// What a connection gets for a request: the answer, or nothing if it was closed at once.
fn asked(mut stream: &TcpStream) -> String {
    let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: stride\r\n\r\n");
    let mut answer = vec![0; 4_096];
    match stream.read(&mut answer) {
        Ok(n) => String::from_utf8_lossy(&answer[..n]).into_owned(),
        Err(e) => {
            assert_ne!(
                e.kind(),
                ErrorKind::WouldBlock,
                "it is neither answered nor closed"
            );
            String::new()
        }
    }
}

#[tokio::test]
async fn one_address_has_its_share_of_connections() {
    let besieged = Besieged::new(&[("STRIDE_CONNECTIONS_PER_ADDRESS", "40")]).await;
    let crowd = address(2);
    let open = || connect(crowd, &besieged.server);
    let admitted: Vec<TcpStream> = (0..40).map(|_| open()).collect();
    for stream in some(&admitted) {
        assert!(asked(stream).starts_with("HTTP/1.1 200"));
    }
    // The next ones are told why, and the rest are closed at once.
    let more: Vec<TcpStream> = (0..20).map(|_| open()).collect();
    besieged.until(REFUSED, |n| n == 20.0).await;
    let answers: Vec<String> = more.iter().map(asked).collect();
    let told: Vec<&String> = answers.iter().filter(|a| !a.is_empty()).collect();
    assert_eq!(told.len(), 10, "{answers:?}");
    for answer in some(told) {
        assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
        let lower = answer.to_lowercase();
        for part in [
            "retry-after: 1\r\n",
            "connection: close\r\n",
            "too_many_requests",
            "this address has 40 connections already",
        ] {
            assert!(lower.contains(part), "{part}: {answer}");
        }
    }
    // Others have their own, those that are admitted go on, and what is given back can be had again.
    besieged.holds().await;
    for stream in some(&admitted) {
        assert!(asked(stream).starts_with("HTTP/1.1 200"));
    }
    drop((admitted, more));
    besieged.until(OPEN, |n| n < 40.0).await;
    assert!(asked(&open()).starts_with("HTTP/1.1 200"));
    assert_sound(&besieged.database);
}

#[tokio::test]
async fn a_proxy_connects_for_many() {
    let settings = [
        ("STRIDE_CONNECTIONS_PER_ADDRESS", "4"),
        ("STRIDE_TRUSTED_PROXIES", "127.0.3.2/32"),
    ];
    let besieged = Besieged::new(&settings).await;
    let proxied: Vec<TcpStream> = (0..50)
        .map(|_| connect(address(2), &besieged.server))
        .collect();
    for stream in some(&proxied) {
        assert!(asked(stream).starts_with("HTTP/1.1 200"));
    }
    assert_eq!(besieged.counted(REFUSED).await, 0.0);
}

/// All of them from one address, with the limit that holds by default, and then without a limit.
#[tokio::test]
async fn two_thousand_connections_hold_up_nobody() {
    for (limit, is_limited) in some([("512", true), ("0", false)]) {
        let besieged = Besieged::new(&[("STRIDE_CONNECTIONS_PER_ADDRESS", limit)]).await;
        let crowd: Vec<TcpStream> = (0..CROWD)
            .map(|_| connect(address(2), &besieged.server))
            .collect();
        if is_limited {
            let beyond = (CROWD - 512) as f64;
            besieged.until(REFUSED, |n| n == beyond).await;
        } else {
            besieged.until(OPEN, |n| n >= CROWD as f64).await;
        }
        // A third of them send half a head, a third ask, and a third say nothing.
        for (n, mut stream) in crowd.iter().enumerate() {
            let _ = match n % 3 {
                0 => stream.write_all(b"GET /livez HTTP/1.1\r\nHost: str"),
                1 => stream.write_all(b"GET /livez HTTP/1.1\r\nHost: stride\r\n\r\n"),
                _ => Ok(()),
            };
        }
        besieged.holds().await;
        if is_limited {
            // A head that does not end is cut off.
            let mut answer = String::new();
            let _ = (&crowd[0]).read_to_string(&mut answer);
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
        drop(crowd);
        besieged.until(OPEN, |n| n < 100.0).await;
        let without = "stride_http_connections_without_request_total";
        assert!(besieged.counted(without).await > 0.0);
        besieged.holds().await;
    }
}

/// A head for a body of 4 MB, and most of it.
fn stalled(besieged: &Besieged, from: u8) -> TcpStream {
    let mut stream = connect(address(from), &besieged.server);
    let head = format!(
        "POST /api/v1/units/bulk HTTP/1.1\r\nHost: stride\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 4000000\r\n\r\n",
        besieged.admin.token
    );
    stream.set_nonblocking(true).unwrap();
    let _ = stream.write_all(head.as_bytes());
    let piece = [b' '; 64 * 1024];
    // As much as the service takes.
    while stream.write_all(&piece).is_ok() {}
    stream
}

#[tokio::test]
async fn stalled_bodies_hold_up_nobody() {
    let besieged = Besieged::new(&[("STRIDE_BODY_IDLE_SECONDS", "5")]).await;
    let crowd: Vec<TcpStream> = (0..600)
        .map(|n| stalled(&besieged, 2 + u8::try_from(n % 8).unwrap()))
        .collect();
    besieged.holds().await;
    let idle = "stride_http_requests_shed_total{limit=\"body_idle\"}";
    besieged.until(idle, |n| n > 0.0).await;
    drop(crowd);
    besieged.until(OPEN, |n| n < 100.0).await;
    besieged.holds().await;
    assert_sound(&besieged.database);
}

#[tokio::test]
async fn readers_that_take_nothing_hold_up_nobody() {
    let besieged = Besieged::new(&[("STRIDE_READER_IDLE_SECONDS", "3")]).await;
    let long = "A description that makes the answers long. ".repeat(40);
    let operations: Vec<Value> = (0..1_000)
        .map(|n| json!({ "op": "create", "record": { "title": format!("Unit {n}"), "description": long, "unit_kind": "unit" } }))
        .collect();
    let (status, made) = besieged
        .admin
        .post("/api/v1/units/bulk", &json!({ "operations": operations }))
        .await;
    assert_eq!(status, 200, "{}", made["title"]);
    let crowd: Vec<TcpStream> = (0..300)
        .map(|n| {
            let mut stream = connect(address(2 + u8::try_from(n % 8).unwrap()), &besieged.server);
            // As many tables as one account may have.
            let path = if n < 8 {
                "/api/v1/units?format=csv"
            } else {
                "/api/v1/units?limit=200"
            };
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: stride\r\nAuthorization: Bearer {}\r\n\r\n",
                besieged.admin.token
            )
            .unwrap();
            stream
        })
        .collect();
    besieged.holds().await;
    // Those who take nothing are given up, while they are still there.
    besieged.until(OPEN, |n| n < 100.0).await;
    besieged.holds().await;
    drop(crowd);
}
