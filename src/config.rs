//! Settings. Each is a flag and an environment variable; `--help` documents them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::db::{Address, DbError, Waits};

/// Where the data is kept. Every command needs this.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Folder for the embedded database; created if it does not exist
    #[arg(long, env = "STRIDE_DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,
    /// postgres://user@host/name, or sqlite://PATH; if not set, an embedded SQLite database in the
    /// data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// Where the files of documents are kept: a folder, or s3://bucket/prefix with the usual AWS_*
    /// variables; if not set, the folder `documents` in the data folder
    #[arg(long, env = "STRIDE_STORE", global = true)]
    pub store: Option<String>,
    #[command(flatten)]
    pub waits: DatabaseWaits,
}

/// How long a PostgreSQL server is waited for.
#[derive(Debug, Clone, Args)]
pub struct DatabaseWaits {
    /// Seconds for a connection to each PostgreSQL server that DATABASE_URL names
    #[arg(long, env = "STRIDE_DATABASE_CONNECT_SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600), global = true)]
    pub database_connect_seconds: u64,
    /// Seconds for one statement; a PostgreSQL server that says nothing for longer is left
    #[arg(long, env = "STRIDE_DATABASE_STATEMENT_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600), global = true)]
    pub database_statement_seconds: u64,
    /// Seconds that a change waits while another replica writes
    #[arg(long, env = "STRIDE_DATABASE_LOCK_SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600), global = true)]
    pub database_lock_seconds: u64,
    /// Seconds after which PostgreSQL ends the connection of a replica that was stopped while it wrote
    #[arg(long, env = "STRIDE_DATABASE_IDLE_SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600), global = true)]
    pub database_idle_seconds: u64,
    /// Seconds for the network to deliver what is sent to and from PostgreSQL
    #[arg(long, env = "STRIDE_DATABASE_NETWORK_SECONDS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(2..=600), global = true)]
    pub database_network_seconds: u64,
}

impl Default for DatabaseWaits {
    fn default() -> Self {
        let waits = Waits::default();
        Self {
            database_connect_seconds: waits.connect.as_secs(),
            database_statement_seconds: waits.statement.as_secs(),
            database_lock_seconds: waits.lock.as_secs(),
            database_idle_seconds: waits.idle_in_transaction.as_secs(),
            database_network_seconds: waits.network.as_secs(),
        }
    }
}

impl DatabaseWaits {
    fn waits(&self) -> Waits {
        Waits {
            connect: Duration::from_secs(self.database_connect_seconds),
            statement: Duration::from_secs(self.database_statement_seconds),
            lock: Duration::from_secs(self.database_lock_seconds),
            idle_in_transaction: Duration::from_secs(self.database_idle_seconds),
            network: Duration::from_secs(self.database_network_seconds),
        }
    }
}

impl Place {
    /// Where files are kept: a folder, or `s3://bucket/prefix`.
    #[must_use]
    pub fn store(&self) -> String {
        let beside = || {
            self.data_dir
                .join("documents")
                .to_string_lossy()
                .into_owned()
        };
        self.store
            .clone()
            .filter(|s| !s.is_empty())
            .unwrap_or_else(beside)
    }

    /// The address of another database, with the same limits.
    ///
    /// # Errors
    /// The URL is not supported.
    pub fn beside(&self, url: &str) -> Result<Address, DbError> {
        Ok(Address::parse(url)?.waiting(self.waits.waits()))
    }

    /// The database's address.
    ///
    /// # Errors
    /// The URL is not supported.
    pub fn address(&self) -> Result<Address, DbError> {
        match self.database_url.as_deref().filter(|u| !u.is_empty()) {
            Some(url) => self.beside(url),
            None => Ok(Address::Sqlite(
                self.data_dir
                    .join("stride.db")
                    .to_string_lossy()
                    .into_owned(),
            )),
        }
    }
}

/// How tokens are issued and checked. The server and `stride token` must use the same values.
#[derive(Debug, Clone, Args)]
pub struct Issuing {
    /// Issuer named in tokens; clients compare it with the discovery document
    #[arg(long, env = "STRIDE_ISSUER", default_value = "stride", global = true)]
    pub issuer: String,
    /// Audience named in tokens
    #[arg(long, env = "STRIDE_AUDIENCE", default_value = "stride", global = true)]
    pub audience: String,
}

/// What a day and a financial year are for the organisation. Every replica and command must use the
/// same values.
#[derive(Debug, Clone, Args)]
pub struct LocalCalendar {
    /// Time zone of the organisation, which decides what day it is
    #[arg(
        long,
        env = "STRIDE_TIME_ZONE",
        default_value = "Europe/London",
        value_parser = time_zone,
        global = true
    )]
    pub time_zone: chrono_tz::Tz,
    /// Month in which the financial year starts, 1 to 12
    #[arg(long, env = "STRIDE_FINANCIAL_YEAR_STARTS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=12), global = true)]
    pub financial_year_starts: u32,
}

/// Which running service to ask.
#[derive(Debug, Clone, Args)]
pub struct Asked {
    /// Address on which the service listens
    #[arg(long, env = "STRIDE_BIND", default_value = "127.0.0.1:8080", value_parser = socket)]
    pub bind: SocketAddr,
    /// Seconds to wait for its answer
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
}

impl Asked {
    /// The URL at which it says whether it is ready. A service that listens on every address is asked
    /// on this machine's own.
    #[must_use]
    pub fn readiness(&self) -> String {
        let mut address = self.bind;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}/readyz")
    }
}

/// How the service handles requests.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Address to listen on
    #[arg(long, env = "STRIDE_BIND", default_value = "127.0.0.1:8080", value_parser = socket)]
    pub bind: SocketAddr,
    /// Address for Prometheus metrics (`/metrics`); if not set, none are served
    #[arg(long, env = "STRIDE_METRICS_BIND", value_parser = socket)]
    pub metrics_bind: Option<SocketAddr>,
    /// URL that callers use, for links in responses, such as `https://stride.example.org`, or with a
    /// path `https://api.example.org/stride`
    #[arg(long, env = "STRIDE_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Do not load the example data into an empty database
    #[arg(long, env = "STRIDE_NO_EXAMPLE")]
    pub no_example: bool,
    /// Threads that answer requests
    #[arg(long, env = "STRIDE_WORKERS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Requests per second that one caller may keep up; 0 for no limit
    #[arg(long, env = "STRIDE_RATE_LIMIT", default_value_t = 500)]
    pub rate_limit: u32,
    /// Connections that one address may have, an IPv6 network of 64 bits being one; 0 for no limit.
    /// Trusted proxies have none
    #[arg(long, env = "STRIDE_CONNECTIONS_PER_ADDRESS", default_value_t = 512)]
    pub connections_per_address: u32,
    /// Proxies whose `X-Forwarded-For` is trusted, as networks such as 10.0.0.0/8, separated by
    /// commas
    #[arg(long, env = "STRIDE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Largest request body accepted, in bytes
    #[arg(long, env = "STRIDE_BODY_LIMIT", default_value_t = 4 * 1024 * 1024)]
    pub body_limit: usize,
    /// Memory for request bodies of more than 8 KiB that are being received, in bytes; one account may
    /// use half of it
    #[arg(long, env = "STRIDE_BODY_MEMORY", default_value_t = 64 * 1024 * 1024)]
    pub body_memory: usize,
    /// Largest streamed body accepted (a document, a file of observations), in bytes
    #[arg(long, env = "STRIDE_STREAM_LIMIT", default_value_t = 1024 * 1024 * 1024)]
    pub stream_limit: u64,
    /// Seconds that a request with a streamed body, or a table, may take
    #[arg(long, env = "STRIDE_STREAM_SECONDS", default_value_t = 600)]
    pub stream_seconds: u64,
    /// Seconds for which nothing of a body may arrive before the request is ended
    #[arg(long, env = "STRIDE_BODY_IDLE_SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub body_idle_seconds: u64,
    /// Number of files that may be uploaded at the same time; one account may upload half of them
    #[arg(long, env = "STRIDE_UPLOADS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub uploads: u16,
    /// Number of threads that make tables (CSV, Excel) and long lists; half of them make workbooks.
    /// Eight times as many tables may be under way, half of them of one account
    #[arg(long, env = "STRIDE_EXPORTS", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub exports: u16,
    /// Seconds for which a caller may take nothing of an answer before it is ended
    #[arg(long, env = "STRIDE_READER_IDLE_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub reader_idle_seconds: u64,
    /// Largest body of a job, in bytes; a process holds eight jobs at most
    #[arg(long, env = "STRIDE_JOB_LIMIT", default_value_t = 32 * 1024 * 1024)]
    pub job_limit: u64,
    /// Seconds that one request may take
    #[arg(long, env = "STRIDE_REQUEST_SECONDS", default_value_t = 30)]
    pub request_seconds: u64,
    /// Origins whose pages may call the service, such as `https://app.example.org`, separated by
    /// commas
    #[arg(long, env = "STRIDE_CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,
    /// Callers connect through TLS: send Strict-Transport-Security
    #[arg(long, env = "STRIDE_BEHIND_TLS")]
    pub behind_tls: bool,
    /// File that names other trusted issuers and the roles that their claims give (see README)
    #[arg(long, env = "STRIDE_ISSUERS")]
    pub issuers: Option<PathBuf>,
    /// Seconds that requests in progress are given when the service stops
    #[arg(long, env = "STRIDE_SHUTDOWN_SECONDS", default_value_t = 20)]
    pub shutdown_seconds: u64,
}

impl Serving {
    /// The settings that plain `stride` uses: the environment, or else the defaults.
    #[must_use]
    pub fn defaults() -> Self {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            serving: Serving,
        }
        <Alone as clap::Parser>::parse_from(["stride"]).serving
    }

    /// The URL that callers use, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.bind),
        }
    }

    /// The path of that URL, which is in front of every path of the service as callers see it. Empty
    /// for a URL without a path.
    #[must_use]
    pub fn prefix(&self) -> &str {
        let url = self.public_url.as_deref().unwrap_or_default();
        let after = url.split_once("://").map_or("", |(_, after)| after);
        let path = after.find('/').and_then(|at| after.get(at..));
        path.unwrap_or_default().trim_end_matches('/')
    }
}

/// Why a value is refused: the setting, what is wrong with it, and what to set instead.
fn refused(setting: &str, must: &str) -> String {
    format!("{setting} must be {must}")
}

fn socket(text: &str) -> Result<SocketAddr, String> {
    let must = "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080, or 0.0.0.0:8080 for \
        every address of the machine";
    text.parse()
        .map_err(|_| refused("STRIDE_BIND or STRIDE_METRICS_BIND", must))
}

fn time_zone(text: &str) -> Result<chrono_tz::Tz, String> {
    let must = "a time zone of the IANA database, such as Europe/London";
    text.parse().map_err(|_| refused("STRIDE_TIME_ZONE", must))
}

fn network(text: &str) -> Result<ipnet::IpNet, String> {
    let must = "networks such as 10.0.0.0/8 or 2001:db8::/32, separated by commas; for one proxy \
        write its address with /32 or /128";
    text.trim()
        .parse()
        .map_err(|_| refused("STRIDE_TRUSTED_PROXIES", must))
}

/// The scheme of a URL of the web, and what follows it.
fn web(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let host = rest.split('/').next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&b);
    let fits = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && rest.bytes().all(plain)
        && !rest.contains("//");
    fits.then_some((scheme, rest))
}

fn public_url(text: &str) -> Result<String, String> {
    let must = "the URL at which callers reach the service, without query and fragment, such as \
        https://stride.example.org or https://api.example.org/stride";
    web(text)
        .map(|_| text.trim_end_matches('/').to_owned())
        .ok_or_else(|| refused("STRIDE_PUBLIC_URL", must))
}

/// An origin as browsers send it. An empty text stands for a list without members.
fn origin(text: &str) -> Result<String, String> {
    let must = "origins such as https://app.example.org, separated by commas, each with its scheme \
        and without a path; `*` is not accepted, because each page that may use people's tokens \
        must be named";
    let text = text.trim();
    let is_origin = web(text).is_some_and(|(_, rest)| !rest.contains('/'));
    if text.is_empty() || is_origin {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(refused("STRIDE_CORS_ORIGINS", must))
    }
}

/// Format of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Plain,
    Json,
}

/// All settings of `stride serve`.
#[derive(Debug, Clone)]
pub struct Config {
    pub place: Place,
    pub issuing: Issuing,
    pub serving: Serving,
}
