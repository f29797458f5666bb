//! A PostgreSQL server for the tests: `TEST_POSTGRES_URL`, or a private cluster made from the
//! installed binaries.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use stride::db::Address;

/// A server with a database that is migrated already, to be copied for each test.
pub struct Server {
    /// The address up to the database's name, and what follows the name.
    before: String,
    after: String,
    template: String,
    /// One copy at a time: PostgreSQL refuses to copy a database that is being copied.
    copying: Mutex<()>,
    /// The cluster ends when this process does: the child sees the end of its input.
    _cluster: Option<Child>,
}

/// The server, started when first asked for; why there is none.
pub fn server() -> Result<&'static Server, &'static str> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref().map_err(String::as_str)
}

fn start() -> Result<Server, String> {
    let (before, after, cluster) = match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => {
            let (before, after) = split(&url)?;
            (before, after, None)
        }
        _ => {
            let (folder, child) = start_cluster()?;
            let host = folder.replace('/', "%2F");
            (
                format!("postgres://stride@{host}/"),
                String::new(),
                Some(child),
            )
        }
    };
    let server = Server {
        before,
        after,
        template: format!("stride_template_{}", uuid::Uuid::now_v7().simple()),
        copying: Mutex::new(()),
        _cluster: cluster,
    };
    server.run(&format!("CREATE DATABASE {}", server.template))?;
    Address::parse(&server.url(&server.template))
        .and_then(|address| address.connect())
        .and_then(|mut c| c.migrate())
        .map_err(|e| format!("the template cannot be migrated: {e}"))?;
    Ok(server)
}

/// `postgres://host/name?options` in two, without the name.
fn split(url: &str) -> Result<(String, String), String> {
    let (rest, options) = url
        .split_once('?')
        .map_or((url, String::new()), |(u, o)| (u, format!("?{o}")));
    let start = rest
        .find("://")
        .map(|n| n + 3)
        .ok_or("TEST_POSTGRES_URL is not a URL")?;
    let host = rest[start..].split('/').next().unwrap_or_default();
    Ok((format!("{}{host}/", &rest[..start]), options))
}

fn start_cluster() -> Result<(String, Child), String> {
    let bin = installed().ok_or("neither TEST_POSTGRES_URL is set nor is initdb installed")?;
    let mut child = Command::new("sh")
        .args(["-c", include_str!("cluster.sh"), "cluster"])
        .arg(bin)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("sh cannot be started: {e}"))?;
    let mut folder = String::new();
    let out = child.stdout.take().ok_or("the cluster has no output")?;
    BufReader::new(out)
        .read_line(&mut folder)
        .map_err(|e| e.to_string())?;
    if folder.trim().is_empty() {
        return Err(
            "the private PostgreSQL cluster did not start; its complaint stands above".into(),
        );
    }
    Ok((folder.trim().to_owned(), child))
}

/// Where `initdb` and `pg_ctl` are: in PATH, or where Debian keeps them (the newest).
fn installed() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .collect();
    debian.sort();
    in_path
        .chain(debian.into_iter().rev().map(|(_, path)| path))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

impl Server {
    fn url(&self, database: &str) -> String {
        format!("{}{database}{}", self.before, self.after)
    }

    fn run(&self, sql: &str) -> Result<(), String> {
        PgConnection::establish(&self.url("postgres"))
            .map_err(|e| format!("the PostgreSQL server cannot be reached: {e}"))?
            .batch_execute(sql)
            .map_err(|e| format!("{sql}: {e}"))
    }

    /// A database of the test's own.
    pub fn database(&'static self) -> Database {
        let name = format!("stride_test_{}", uuid::Uuid::now_v7().simple());
        let _one_at_a_time = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        self.run(&format!(
            "CREATE DATABASE {name} TEMPLATE {}",
            self.template
        ))
        .expect("the template can be copied");
        Database { server: self, name }
    }
}

/// A database that is dropped with the test.
pub struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// URL.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(e) = self
            .server
            .run(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
        {
            eprintln!("a test's database stays behind: {e}");
        }
    }
}
