//! Databases for one test each: a SQLite file in a folder of its own, or a database in a private
//! PostgreSQL cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use diesel::connection::SimpleConnection as _;
use stride::db::{Address, Conn};
use tempfile::TempDir;

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
            && let Some(server) = postgres()
            && let Ok(mut conn) = Address::Postgres(server.url("postgres")).connect()
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
        let required = std::env::var("STRIDE_TEST_REQUIRE_POSTGRES").is_ok_and(|v| v == "1");
        assert!(
            !required,
            "STRIDE_TEST_REQUIRE_POSTGRES is set, and neither TEST_POSTGRES_URL nor initdb is there"
        );
        // Straight to the terminal: what a passing test prints is swallowed otherwise.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: no PostgreSQL (install it, or set TEST_POSTGRES_URL to a server where databases may be made)"
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

/// Starts a cluster that listens on a socket in its own folder alone, and ends with this process.
fn private(bin: &Path) -> Server {
    let folder = tempfile::Builder::new()
        .prefix("stride-pg")
        .tempdir_in("/tmp")
        .unwrap()
        .keep();
    let as_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    // PostgreSQL refuses to run as root.
    let run = |program: &str, arguments: &[&str]| {
        let path = bin.join(program).display().to_string();
        let mut command = if as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", &path]);
            command
        } else {
            Command::new(&path)
        };
        let output = command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let at = folder.display().to_string();
    if as_root {
        assert!(
            Command::new("chown")
                .args(["postgres", &at])
                .status()
                .unwrap()
                .success()
        );
    }
    let data = format!("{at}/data");
    run(
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
    let options = format!("-k {at} -c listen_addresses= -c max_connections=200 -c fsync=off");
    run(
        "pg_ctl",
        &[
            "-D",
            &data,
            "-o",
            &options,
            "-l",
            &format!("{data}/log"),
            "-w",
            "start",
        ],
    );
    end_with_us(bin, &folder, as_root);
    Server {
        before: "postgres://stride@".into(),
        after: format!("?host={at}"),
    }
}

/// Leaves a shell behind that waits for this process to end, however it ends, and then stops the
/// cluster and removes it.
fn end_with_us(bin: &Path, folder: &Path, as_root: bool) {
    let stop = format!(
        "{}/pg_ctl -D {}/data -m immediate stop",
        bin.display(),
        folder.display()
    );
    let stop = if as_root {
        format!("runuser -u postgres -- {stop}")
    } else {
        stop
    };
    let script = format!(
        "trap '' INT TERM; read line; {stop}; rm -rf {}",
        folder.display()
    );
    let shell = Command::new("sh")
        .args(["-c", &script])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The pipe stays open until the process is gone.
    std::mem::forget(shell);
}
