//! Databases for one test each: a SQLite file in a folder of its own, or a database in a private
//! PostgreSQL cluster.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use stride::db::{Address, Conn};
use tempfile::TempDir;

use crate::skipped::skipped;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Makes of each function of a backend the tests that run it on both.
macro_rules! on_both {
    ($($name:ident),+) => { $(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name($crate::cluster::Backend::Sqlite).await;
            }
            #[tokio::test]
            async fn on_postgres() {
                super::$name($crate::cluster::Backend::Postgres).await;
            }
        }
    )+ };
}

/// A database that nobody else uses.
pub struct Database {
    pub url: String,
    _folder: Option<TempDir>,
}

impl Database {
    /// An empty database; none where PostgreSQL is asked for and is not to be had.
    pub fn new(backend: Backend) -> Option<Self> {
        match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("stride.db").display());
                let _folder = Some(folder);
                Some(Self { url, _folder })
            }
            Backend::Postgres => {
                let server = postgres()?;
                let name = format!("stride_{}", uuid::Uuid::new_v4().simple());
                connect(&server.url("postgres"))
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .unwrap();
                Some(Self {
                    url: server.url(&name),
                    _folder: None,
                })
            }
        }
    }

    /// An embedded database in this folder, which the caller keeps.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            url: format!("sqlite://{}", folder.join("stride.db").display()),
            _folder: None,
        }
    }

    /// A copy, made while nobody is connected.
    pub fn copy(&self) -> Self {
        if let Some(path) = self.url.strip_prefix("sqlite://") {
            let copy = Self::new(Backend::Sqlite).unwrap();
            // What is still in the write-ahead log belongs to the database.
            connect(&self.url)
                .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
                .unwrap();
            std::fs::copy(path, copy.url.strip_prefix("sqlite://").unwrap()).unwrap();
            return copy;
        }
        let server = postgres().unwrap();
        let (old, new) = (
            self.name(),
            format!("stride_{}", uuid::Uuid::new_v4().simple()),
        );
        connect(&server.url("postgres"))
            .batch_execute(&format!("CREATE DATABASE {new} TEMPLATE {old}"))
            .unwrap();
        Self {
            url: server.url(&new),
            _folder: None,
        }
    }

    /// A connection of the kind that an intruder with the database's password would have.
    pub fn connect(&self) -> Conn {
        connect(&self.url)
    }

    fn name(&self) -> &str {
        let path = self.url.split('?').next().unwrap();
        path.rsplit('/').next().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.url.starts_with("sqlite://")
            // Servers of its own go as a whole.
            && self.name() != "stride"
            && let Some(server) = postgres()
            && let Ok(mut conn) = Address::parse(&server.url("postgres")).and_then(|a| a.connect())
        {
            let _ = conn.batch_execute(&format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                self.name()
            ));
        }
    }
}

fn connect(url: &str) -> Conn {
    Address::parse(url).unwrap().connect().unwrap()
}

/// A PostgreSQL server, by the parts of its address around the database's name.
struct Server {
    before: String,
    after: String,
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.before, self.after)
    }
}

/// The server of this test run: `TEST_POSTGRES_URL`, or a private cluster made from the installed
/// programs.
fn postgres() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => Some(given(&url)),
        _ => programs().map(|bin| private(&bin)),
    });
    if server.is_none() {
        skipped(
            "STRIDE_TEST_REQUIRE_POSTGRES",
            "no PostgreSQL (install it, or set TEST_POSTGRES_URL to a server where databases may be made)",
        );
    }
    server.as_ref()
}

fn given(url: &str) -> Server {
    let (address, after) = url
        .split_once('?')
        .map_or((url, String::new()), |(a, q)| (a, format!("?{q}")));
    let (scheme, rest) = address
        .split_once("://")
        .expect("TEST_POSTGRES_URL is postgres://…");
    let host = rest.split('/').next().unwrap();
    Server {
        before: format!("{scheme}://{host}"),
        after,
    }
}

/// Where `initdb` and `pg_ctl` are.
fn programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH")
        .map(|p| std::env::split_paths(&p).collect::<Vec<_>>())
        .unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut debian: Vec<PathBuf> = debian.map(|d| d.path().join("bin")).collect();
    debian.sort();
    debian
        .into_iter()
        .rev()
        .chain(in_path)
        .find(|bin| bin.join("initdb").exists() && bin.join("pg_ctl").exists())
}

/// A private PostgreSQL server that listens on a socket in its own folder alone, and ends with this
/// process.
struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    as_root: bool,
    /// Address on which it listens besides its socket; empty for none.
    listens: String,
    /// What its programs are run by, such as a command that enters a network namespace.
    within: Vec<String>,
}

impl Cluster {
    /// A folder for a cluster.
    fn new(bin: &Path) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("stride-pg")
            .tempdir_in("/tmp")
            .unwrap()
            .keep();
        let as_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if as_root {
            let owned = Command::new("chown").arg("postgres").arg(&folder).status();
            assert!(owned.unwrap().success());
        }
        Self {
            bin: bin.to_owned(),
            folder,
            as_root,
            listens: String::new(),
            within: Vec::new(),
        }
    }

    fn at(&self) -> String {
        self.folder.display().to_string()
    }

    fn data(&self) -> String {
        format!("{}/data", self.at())
    }

    /// Runs one of PostgreSQL's programs, which refuse to run as root.
    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let path = self.bin.join(program).display().to_string();
        let mut words: Vec<&str> = self.within.iter().map(String::as_str).collect();
        if self.as_root {
            words.extend(["runuser", "-u", "postgres", "--"]);
        }
        words.push(&path);
        words.extend(arguments);
        Command::new(words[0])
            .args(&words[1..])
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The same for one that must succeed.
    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.output(program, arguments);
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn make(&self) {
        let data = self.data();
        self.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "stride",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
        );
    }

    fn start(&self) {
        assert!(self.has_started(), "PostgreSQL does not start");
        self.end_with_us();
    }

    /// Starts the server; whether that succeeded.
    fn has_started(&self) -> bool {
        let options = format!(
            "-k {} -c listen_addresses={} -c max_connections=200 -c fsync=off",
            self.at(),
            self.listens
        );
        let data = self.data();
        let log = format!("{data}/log");
        let arguments = ["-D", &data, "-o", &options, "-l", &log, "-w", "start"];
        self.output("pg_ctl", &arguments).status.success()
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://stride@/{database}?host={}", self.at())
    }

    /// Leaves a shell behind that waits for this process to end, however it ends, and then stops the
    /// cluster and removes it.
    fn end_with_us(&self) {
        let stop = format!(
            "{}/pg_ctl -D {} -m immediate stop",
            self.bin.display(),
            self.data()
        );
        let stop = if self.as_root {
            format!("runuser -u postgres -- {stop}")
        } else {
            stop
        };
        at_our_end(&format!(
            "kill -CONT $(head -1 {data}/postmaster.pid); {stop}; rm -rf {at}",
            data = self.data(),
            at = self.at()
        ));
    }

    /// Sends a signal to the server and to every process of it.
    fn signal(&self, name: &str) {
        let file = std::fs::read_to_string(format!("{}/postmaster.pid", self.data())).unwrap();
        let server = file.lines().next().unwrap().trim().to_owned();
        let send = |name: &str| Command::new("kill").args([name, &server]).status().unwrap();
        // It makes no more children, and does not lose those that it has.
        assert!(send("-STOP").success());
        // There may be none.
        let _ = Command::new("pkill").args([name, "-P", &server]).status();
        assert!(send(name).success());
    }
}

/// Leaves a shell behind that waits for this process to end, however it ends, and then runs this.
pub fn at_our_end(script: &str) {
    let shell = Command::new("sh")
        .args(["-c", &format!("trap '' INT TERM; read line; {script}")])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The pipe stays open until the process is gone.
    std::mem::forget(shell);
}

/// A PostgreSQL server of a test's own, which can be stopped, killed and started again.
pub struct Own {
    cluster: Cluster,
    pub database: Database,
}

impl Own {
    /// A server with an empty database; none where PostgreSQL's programs are not to be had.
    pub fn new() -> Option<Self> {
        let cluster = own(None)?;
        let database = Database {
            url: cluster.url("stride"),
            _folder: None,
        };
        Some(Self { cluster, database })
    }

    /// The same, with the database in a tablespace in this folder.
    pub fn in_tablespace(folder: &Path) -> Option<Self> {
        let cluster = own(Some(folder))?;
        let database = Database {
            url: cluster.url("stride"),
            _folder: None,
        };
        Some(Self { cluster, database })
    }

    /// Sends a signal to every process of the server.
    pub fn signal(&self, name: &str) {
        self.cluster.signal(name);
    }

    /// Starts the server after it was killed.
    pub fn restart(&self) {
        // The last of its processes may need a moment to notice.
        let mut tries = 0;
        while !self.cluster.has_started() {
            tries += 1;
            assert!(tries < 50, "PostgreSQL does not start again");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A server with the database `stride`, which may be in a tablespace in this folder.
fn own(tablespace: Option<&Path>) -> Option<Cluster> {
    postgres()?;
    let Some(bin) = programs() else {
        skipped(
            "STRIDE_TEST_REQUIRE_POSTGRES",
            "no programs of PostgreSQL for a server of a test's own (install it)",
        );
        return None;
    };
    let cluster = Cluster::new(&bin);
    cluster.make();
    cluster.start();
    let mut conn = connect(&cluster.url("postgres"));
    let mut place = String::new();
    if let Some(folder) = tablespace {
        if cluster.as_root {
            let owned = Command::new("chown").arg("postgres").arg(folder).status();
            assert!(owned.unwrap().success());
        }
        let at = folder.display();
        conn.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{at}'"))
            .unwrap();
        place.push_str(" TABLESPACE small");
    }
    conn.batch_execute(&format!("CREATE DATABASE stride{place}"))
        .unwrap();
    Some(cluster)
}

fn private(bin: &Path) -> Server {
    let cluster = Cluster::new(bin);
    cluster.make();
    cluster.start();
    Server {
        before: "postgres://stride@".into(),
        after: format!("?host={}", cluster.at()),
    }
}

/// A PostgreSQL server and a standby that has everything that the first one has acknowledged.
pub struct Replicated {
    primary: Cluster,
    standby: Cluster,
    /// The database at whichever of the two takes changes.
    pub database: Database,
}

impl Replicated {
    /// Two servers; none where PostgreSQL's programs are not to be had.
    pub fn new() -> Option<Self> {
        Self::with(None)
    }

    /// The same, with the first server in a network namespace, reached over the network alone.
    pub fn in_network(network: &Network) -> Option<Self> {
        Self::with(Some(network))
    }

    fn with(network: Option<&Network>) -> Option<Self> {
        postgres()?;
        let bin = programs()?;
        let (mut primary, standby) = (Cluster::new(&bin), Cluster::new(&bin));
        primary.make();
        let mut host = primary.at();
        if let Some(network) = network {
            host.clone_from(&network.inside);
            primary.listens.clone_from(&network.inside);
            primary.within = network.enter();
            let trusted = "host all all samenet trust\nhost replication all samenet trust\n";
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(format!("{}/pg_hba.conf", primary.data()))
                .unwrap();
            file.write_all(trusted.as_bytes()).unwrap();
        }
        primary.start();
        let mut conn = connect(&primary.url("postgres"));
        conn.batch_execute("CREATE DATABASE stride").unwrap();
        standby.run(
            "pg_basebackup",
            &[
                "--write-recovery-conf",
                "--checkpoint=fast",
                "-D",
                &standby.data(),
                "-h",
                &host,
                "-U",
                "stride",
            ],
        );
        standby.start();
        conn.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .unwrap();
        conn.batch_execute("SELECT pg_reload_conf()").unwrap();
        let url = format!(
            "postgres://stride@/stride?host={host},{}&target_session_attrs=read-write",
            standby.at()
        );
        let database = Database { url, _folder: None };
        Some(Self {
            primary,
            standby,
            database,
        })
    }

    /// The server that took changes says nothing more. Its connections stay.
    pub fn freeze(&self) {
        self.primary.signal("-STOP");
    }

    /// The server that took changes is gone, and its connections with it.
    pub fn kill(&self) {
        self.primary.signal("-KILL");
    }

    /// The standby takes changes from now on.
    pub fn promote(&self) {
        self.standby
            .run("pg_ctl", &["-D", &self.standby.data(), "-w", "promote"]);
    }
}

/// A network namespace with a cable to this machine. It is removed with the test, or with the
/// process if the test does not end well.
pub struct Network {
    name: String,
    /// This machine's end of the cable.
    cable: String,
    /// Address of the other end.
    inside: String,
}

impl Network {
    /// A network; none where it cannot be made.
    pub fn new() -> Option<Self> {
        static MADE: AtomicU8 = AtomicU8::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let (name, cable) = (
            format!("stride{process}n{number}"),
            format!("s{process}n{number}"),
        );
        // A network of two addresses, of those that are for tests (RFC 2544).
        let at = |host: u32| {
            let [_, _, high, low] = (process * 4 + host).to_be_bytes();
            format!("198.{}.{high}.{low}", 18 + number % 2)
        };
        let (outside, inside) = (at(1), at(2));
        let made = [
            format!("netns add {name}"),
            format!("link add {cable} type veth peer name inside netns {name}"),
            format!("address add {outside}/30 dev {cable}"),
            format!("link set {cable} up"),
            format!("-n {name} address add {inside}/30 dev inside"),
            format!("-n {name} link set inside up"),
            format!("-n {name} link set lo up"),
        ]
        .iter()
        .all(|arguments| ip(arguments));
        let network = Self {
            name,
            cable,
            inside,
        };
        at_our_end(&network.removal());
        if !made {
            skipped(
                "STRIDE_TEST_REQUIRE_FAULTS",
                "no network namespace can be made (run as root, with iproute2)",
            );
            return None;
        }
        Some(network)
    }

    /// What runs a command inside.
    fn enter(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.name]
            .map(str::to_owned)
            .into()
    }

    fn removal(&self) -> String {
        format!(
            "ip link delete {}; ip netns delete {}",
            self.cable, self.name
        )
    }

    /// Nothing passes any more, and nobody is told.
    pub fn cut(&self) {
        assert!(ip(&format!("-n {} link set inside down", self.name)));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let mut shell = Command::new("sh");
        let _ = shell.args(["-c", &self.removal()]).output();
    }
}

/// Runs `ip`; whether it succeeded.
fn ip(arguments: &str) -> bool {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    output.is_ok_and(|output| output.status.success())
}

/// How a relay behaves.
#[derive(Clone, Default)]
struct Mood {
    /// Nothing passes, in either direction.
    is_silent: bool,
    /// After this was sent to the server, its answers do not come back.
    keeps_back: Option<String>,
    /// Connections made before this many cuts are closed.
    cuts: u64,
}

/// Passes bytes between a service and a PostgreSQL server's socket, and can fall silent as a frozen
/// server or a broken network does: connections stay, and nothing comes.
pub struct Relay {
    pub url: String,
    mood: Arc<Mutex<Mood>>,
}

impl Relay {
    /// A relay to the server of this database.
    pub fn to(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::default()));
        let server = Upstream::of(&database.url);
        let shared = Arc::clone(&mood);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (up, down) = server.connect();
                let (from, to) = (client.try_clone().unwrap(), client);
                let born = shared.lock().unwrap().cuts;
                let kept = Arc::new(AtomicBool::new(false));
                pass(Box::new(from), up, &shared, born, true, &kept);
                pass(down, Box::new(to), &shared, born, false, &kept);
            }
        });
        Self {
            url: format!("postgres://stride@127.0.0.1:{port}/{}", database.name()),
            mood,
        }
    }

    /// From now on nothing passes.
    pub fn fall_silent(&self) {
        self.mood.lock().unwrap().is_silent = true;
    }

    /// What was sent in the meantime arrives, and everything passes again.
    pub fn speak(&self) {
        let mut mood = self.mood.lock().unwrap();
        (mood.is_silent, mood.keeps_back) = (false, None);
    }

    /// Once this was sent, the server's answers do not come back.
    pub fn keep_back_answers_to(&self, sent: &str) {
        self.mood.lock().unwrap().keeps_back = Some(sent.to_owned());
    }

    /// Closes every connection made so far, when it is used next.
    pub fn cut(&self) {
        self.mood.lock().unwrap().cuts += 1;
        // Both sides are gone when this returns.
        std::thread::sleep(PULSE * 3);
    }
}

/// How often a waiting relay looks at what is asked of it.
const PULSE: Duration = Duration::from_millis(5);

/// Where the server listens.
enum Upstream {
    Socket(PathBuf),
    Tcp(String),
}

type Source = Box<dyn Wire>;

/// A stream whose reads can end after a moment.
trait Wire: Read + Write + Send {
    fn wait_briefly(&self);
    fn close(&self);
}

impl Wire for TcpStream {
    fn wait_briefly(&self) {
        self.set_read_timeout(Some(PULSE)).unwrap();
    }
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Wire for UnixStream {
    fn wait_briefly(&self) {
        self.set_read_timeout(Some(PULSE)).unwrap();
    }
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Upstream {
    fn of(url: &str) -> Self {
        if let Some((_, folder)) = url.split_once("?host=") {
            return Self::Socket(Path::new(folder).join(".s.PGSQL.5432"));
        }
        let host = url.split_once("://").unwrap().1.split('/').next().unwrap();
        let host = host.rsplit('@').next().unwrap();
        let port = if host.contains(':') { "" } else { ":5432" };
        Self::Tcp(format!("{host}{port}"))
    }

    fn connect(&self) -> (Source, Source) {
        match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path).unwrap();
                (Box::new(stream.try_clone().unwrap()), Box::new(stream))
            }
            Self::Tcp(host) => {
                let stream = TcpStream::connect(host).unwrap();
                (Box::new(stream.try_clone().unwrap()), Box::new(stream))
            }
        }
    }
}

/// Passes what comes in one direction, in a thread.
fn pass(
    mut from: Source,
    mut to: Source,
    mood: &Arc<Mutex<Mood>>,
    born: u64,
    is_request: bool,
    kept: &Arc<AtomicBool>,
) {
    let (mood, kept) = (Arc::clone(mood), Arc::clone(kept));
    from.wait_briefly();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut held: Vec<u8> = Vec::new();
        loop {
            let now = mood.lock().unwrap().clone();
            if now.cuts > born {
                break;
            }
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => held.extend(&buffer[..n]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
            if is_request
                && now.keeps_back.as_ref().is_some_and(|sent| {
                    held.windows(sent.len()).any(|part| part == sent.as_bytes())
                })
            {
                kept.store(true, Ordering::Relaxed);
            }
            let is_kept = !is_request && kept.load(Ordering::Relaxed);
            if now.is_silent || is_kept || held.is_empty() {
                continue;
            }
            if to.write_all(&held).is_err() {
                break;
            }
            held.clear();
        }
        from.close();
        to.close();
    });
}
