//! Settings. Each is a flag and an environment variable; `--help` documents them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::db::{Address, DbError};

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

    /// The database's address.
    ///
    /// # Errors
    /// The URL is not supported.
    pub fn address(&self) -> Result<Address, DbError> {
        match self.database_url.as_deref().filter(|u| !u.is_empty()) {
            Some(url) => Address::parse(url),
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
        global = true
    )]
    pub time_zone: chrono_tz::Tz,
    /// Month in which the financial year starts, 1 to 12
    #[arg(long, env = "STRIDE_FINANCIAL_YEAR_STARTS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=12), global = true)]
    pub financial_year_starts: u32,
}

/// How the service handles requests.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Address to listen on
    #[arg(long, env = "STRIDE_BIND", default_value = "127.0.0.1:8080")]
    pub bind: SocketAddr,
    /// Address for Prometheus metrics (`/metrics`); if not set, none are served
    #[arg(long, env = "STRIDE_METRICS_BIND")]
    pub metrics_bind: Option<SocketAddr>,
    /// Address that callers use, for links in responses, such as `https://stride.example.org`
    #[arg(long, env = "STRIDE_PUBLIC_URL")]
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
    /// Proxies whose `X-Forwarded-For` is trusted, as networks such as 10.0.0.0/8, separated by
    /// commas
    #[arg(long, env = "STRIDE_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// Largest request body accepted, in bytes
    #[arg(long, env = "STRIDE_BODY_LIMIT", default_value_t = 4 * 1024 * 1024)]
    pub body_limit: usize,
    /// Largest streamed body accepted (a document, a file of observations), in bytes
    #[arg(long, env = "STRIDE_STREAM_LIMIT", default_value_t = 1024 * 1024 * 1024)]
    pub stream_limit: u64,
    /// Seconds that a request with a streamed body may take
    #[arg(long, env = "STRIDE_STREAM_SECONDS", default_value_t = 600)]
    pub stream_seconds: u64,
    /// Number of files that may be uploaded at the same time
    #[arg(long, env = "STRIDE_UPLOADS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub uploads: u16,
    /// Largest body of a job, in bytes; a process holds eight jobs at most
    #[arg(long, env = "STRIDE_JOB_LIMIT", default_value_t = 32 * 1024 * 1024)]
    pub job_limit: u64,
    /// Seconds that one request may take
    #[arg(long, env = "STRIDE_REQUEST_SECONDS", default_value_t = 30)]
    pub request_seconds: u64,
    /// Origins whose pages may call the service, separated by commas
    #[arg(long, env = "STRIDE_CORS_ORIGINS", value_delimiter = ',')]
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
