//! Metrics for Prometheus, served on a separate address.
//!
//! What is counted while a request is answered is a handle found once, so that counting is a few
//! additions. Labels are operations, kinds of records and other words of this source: never a path,
//! a reference, an account or anything else that a caller sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use prometheus::core::Collector;
use prometheus::{
    Encoder, Error, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::problem::Shed;

/// Bounds of the times of requests and batches, in seconds.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// Bounds of the number of changes that share a commit.
const CHANGES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The statuses that the service answers with. Any other is counted as `other`.
const STATUSES: [u16; 26] = [
    200, 201, 202, 204, 206, 207, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415,
    416, 422, 428, 429, 500, 503, 504,
];

/// What requests outside every operation are counted as: unknown paths and methods.
const NO_OPERATION: &str = "none";

/// Metrics of this process.
pub struct Metrics {
    registry: Registry,
    pub requests: Requests,
    pub writer: Writer,
    pub readers: Readers,
    pub follower: Follower,
    pub jobs: Jobs,
    /// Locked while metrics are read, so that nothing is added twice.
    caches: Mutex<Caches>,
    journal: IntGauge,
    records: IntGaugeVec,
    start: Gauge,
}

/// Metrics being registered.
struct Registering(Registry);

impl Registering {
    fn add<C: Collector + Clone + 'static>(&self, made: Result<C, Error>) -> Result<C, Error> {
        let made = made?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Error> {
        self.add(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Error> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.add(IntGauge::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> Result<IntGaugeVec, Error> {
        self.add(IntGaugeVec::new(Opts::new(name, help), &[label]))
    }

    fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Result<Histogram, Error> {
        let opts = HistogramOpts::new(name, help).buckets(bounds.to_vec());
        self.add(Histogram::with_opts(opts))
    }
}

/// Requests, of all operations together.
pub struct Requests {
    answered: IntCounterVec,
    seconds: HistogramVec,
    outside: OnceLock<Counted>,
    shed: Vec<IntCounter>,
    in_flight: IntGauge,
    connections: IntGauge,
    without_request: IntCounter,
}

/// Counts the answers of one operation.
#[derive(Clone)]
pub struct Counted {
    operation: String,
    answered: IntCounterVec,
    seconds: Histogram,
    /// In the order of [`STATUSES`], then others.
    statuses: [OnceLock<IntCounter>; STATUSES.len() + 1],
}

impl Counted {
    /// Counts an answer and its time.
    pub fn answer(&self, status: u16, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
        let at = STATUSES.iter().position(|s| *s == status);
        let at = at.unwrap_or(STATUSES.len());
        if let Some(counter) = self.statuses.get(at) {
            counter
                .get_or_init(|| {
                    let status = STATUSES
                        .get(at)
                        .map_or_else(|| "other".to_owned(), u16::to_string);
                    self.answered.with_label_values(&[&self.operation, &status])
                })
                .inc();
        }
    }
}

/// Something that is under way as long as this is held.
pub struct UnderWay(IntGauge);

impl UnderWay {
    fn of(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Requests {
    fn new(all: &Registering) -> Result<Self, Error> {
        let seconds = HistogramOpts::new(
            "stride_http_request_duration_seconds",
            "Time from the head of a request until its answer begins, by operation.",
        );
        let seconds = HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["operation"]);
        let shed = all.counters(
            "stride_http_requests_shed_total",
            "Requests and connections refused because of a limit, by limit.",
            &["limit"],
        )?;
        Ok(Self {
            answered: all.counters(
                "stride_http_requests_total",
                "Requests answered, by operation (`none` for unknown paths and methods) and status.",
                &["operation", "status"],
            )?,
            seconds: all.add(seconds)?,
            outside: OnceLock::new(),
            shed: (Shed::ALL.iter())
                .map(|limit| shed.with_label_values(&[limit.name()]))
                .collect(),
            in_flight: all.gauge(
                "stride_http_requests_in_flight",
                "Requests being answered.",
            )?,
            connections: all.gauge("stride_http_connections", "Open connections of callers.")?,
            without_request: all.counter(
                "stride_http_connections_without_request_total",
                "Connections that ended before a request was read: malformed or slow ones, and probes.",
            )?,
        })
    }

    /// The counters of an operation, to be kept with it.
    #[must_use]
    pub fn of(&self, operation: &str) -> Counted {
        Counted {
            operation: operation.to_owned(),
            answered: self.answered.clone(),
            seconds: self.seconds.with_label_values(&[operation]),
            statuses: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// The counters of requests that are for no operation.
    pub fn outside(&self) -> &Counted {
        self.outside.get_or_init(|| self.of(NO_OPERATION))
    }

    /// Counts a request that was refused because of a limit.
    pub fn shed(&self, limit: Shed) {
        let at = Shed::ALL.iter().position(|l| *l == limit);
        if let Some(counter) = at.and_then(|at| self.shed.get(at)) {
            counter.inc();
        }
    }

    /// A request is being answered.
    #[must_use]
    pub fn in_flight(&self) -> UnderWay {
        UnderWay::of(&self.in_flight)
    }

    /// A connection has ended on which no request was read.
    pub fn without_request(&self) {
        self.without_request.inc();
    }

    /// A connection is open.
    #[must_use]
    pub fn connected(&self) -> UnderWay {
        UnderWay::of(&self.connections)
    }
}

/// Connections to the database for one purpose.
#[derive(Clone)]
pub struct Connections {
    pub errors: IntCounter,
    pub reconnects: IntCounter,
}

/// The writer.
pub struct Writer {
    /// Changes that wait.
    pub queue: IntGauge,
    pub connections: Connections,
    changes: Histogram,
    seconds: Histogram,
    journal: IntGauge,
}

impl Writer {
    /// A batch was committed or rolled back.
    pub fn batch(&self, changes: usize, began: Instant) {
        self.changes
            .observe(u32::try_from(changes).map_or(f64::MAX, f64::from));
        self.seconds.observe(began.elapsed().as_secs_f64());
    }

    /// A batch was committed that ends with this entry.
    pub fn wrote(&self, seq: i64) {
        self.journal.set(seq);
    }
}

/// The readers of the journal.
#[derive(Clone)]
pub struct Readers {
    /// Reads that wait.
    pub queue: IntGauge,
    pub connections: Connections,
}

/// The follower of the journal.
pub struct Follower {
    /// Entries in the database that are not yet in memory.
    pub lag: IntGauge,
    pub failures: IntCounter,
    pub connections: Connections,
    seconds: Histogram,
    last_success: Gauge,
}

impl Follower {
    /// The world includes everything that was in the journal at `began`.
    pub fn caught_up(&self, began: Instant) {
        self.lag.set(0);
        self.seconds.observe(began.elapsed().as_secs_f64());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.last_success.set(now.unwrap_or_default().as_secs_f64());
    }
}

/// Jobs of this process.
pub struct Jobs {
    pub queued: IntGauge,
    pub running: IntGauge,
    finished: IntCounterVec,
}

impl Jobs {
    /// A job has ended in this state.
    pub fn finished(&self, state: &str) {
        self.finished.with_label_values(&[state]).inc();
    }
}

/// How often a cache had what was asked for.
#[derive(Debug, Default)]
pub struct Hits {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Hits {
    /// Counts what was found, or not.
    pub fn count<T>(&self, found: Option<T>) -> Option<T> {
        let counter = match &found {
            Some(_) => &self.hits,
            None => &self.misses,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }
}

/// A cache when the metrics are read.
pub struct CacheState<'a> {
    pub name: &'a str,
    pub hits: &'a Hits,
    pub entries: u64,
}

/// Caches, by name.
struct Caches {
    hits: IntCounterVec,
    misses: IntCounterVec,
    entries: IntGaugeVec,
}

impl Caches {
    fn read(&self, cache: &CacheState<'_>) {
        for (counters, counted) in [
            (&self.hits, &cache.hits.hits),
            (&self.misses, &cache.hits.misses),
        ] {
            let counter = counters.with_label_values(&[cache.name]);
            let more = counted
                .load(Ordering::Relaxed)
                .saturating_sub(counter.get());
            counter.inc_by(more);
        }
        let entries = i64::try_from(cache.entries).unwrap_or(i64::MAX);
        self.entries.with_label_values(&[cache.name]).set(entries);
    }
}

/// What the service holds when the metrics are read.
pub struct Held<'a, R> {
    pub journal_seq: i64,
    /// Number of records, by kind.
    pub records: R,
    pub caches: &'a [CacheState<'a>],
}

impl Metrics {
    /// Registers all metrics.
    ///
    /// # Errors
    /// A name is used twice.
    pub fn new() -> Result<Self, Error> {
        let all = Registering(Registry::new());
        #[cfg(target_os = "linux")]
        all.0.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        let build = "The build that runs; always 1.";
        let build = all.gauges("stride_build_info", build, "version")?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let errors = all.counters(
            "stride_database_errors_total",
            "Failed connections to the database, statements and transactions, by purpose of the \
                connection.",
            &["connection"],
        )?;
        let reconnects = all.counters(
            "stride_database_reconnects_total",
            "Connections to the database replaced after they were lost, by purpose.",
            &["connection"],
        )?;
        let connections = |purpose: &str| Connections {
            errors: errors.with_label_values(&[purpose]),
            reconnects: reconnects.with_label_values(&[purpose]),
        };
        let jobs = all.gauges(
            "stride_jobs",
            "Jobs held by this process, by state.",
            "state",
        )?;
        let finished = all.counters(
            "stride_jobs_finished_total",
            "Jobs that ended in this process, by state.",
            &["state"],
        )?;
        // Known to a rule on failures before the first one.
        for state in ["succeeded", "partly_succeeded", "failed", "cancelled"] {
            finished.with_label_values(&[state]);
        }
        Ok(Self {
            requests: Requests::new(&all)?,
            writer: Writer {
                queue: all.gauge(
                    "stride_writer_queue_length",
                    "Changes that wait to be written.",
                )?,
                connections: connections("writer"),
                changes: all.histogram(
                    "stride_writer_batch_changes",
                    "Number of changes that share a transaction.",
                    &CHANGES,
                )?,
                seconds: all.histogram(
                    "stride_writer_batch_duration_seconds",
                    "Time from the start of a transaction to its commit.",
                    &SECONDS,
                )?,
                journal: all.gauge(
                    "stride_writer_journal_sequence",
                    "Number of the last journal entry that this process wrote.",
                )?,
            },
            readers: Readers {
                queue: all.gauge(
                    "stride_reader_queue_length",
                    "Reads of history, past worlds and secrets that wait for the database.",
                )?,
                connections: connections("reader"),
            },
            follower: Follower {
                lag: all.gauge(
                    "stride_follower_lag_entries",
                    "Journal entries in the database that this process has yet to take in.",
                )?,
                failures: all.counter(
                    "stride_follower_failures_total",
                    "Failed attempts to follow the journal, also on a new connection.",
                )?,
                connections: connections("follower"),
                seconds: all.histogram(
                    "stride_follower_catch_up_duration_seconds",
                    "Time to ask for the end of the journal and to take in what is new.",
                    &SECONDS,
                )?,
                last_success: all.add(Gauge::new(
                    "stride_follower_last_success_timestamp_seconds",
                    "When this process last had every entry of the journal, since 1970.",
                ))?,
            },
            jobs: Jobs {
                queued: jobs.with_label_values(&["queued"]),
                running: jobs.with_label_values(&["running"]),
                finished,
            },
            caches: Mutex::new(Caches {
                hits: all.counters(
                    "stride_cache_hits_total",
                    "Look-ups that a cache answered, by cache.",
                    &["cache"],
                )?,
                misses: all.counters(
                    "stride_cache_misses_total",
                    "Look-ups that a cache could not answer, by cache.",
                    &["cache"],
                )?,
                entries: all.gauges("stride_cache_entries", "Entries of a cache.", "cache")?,
            }),
            journal: all.gauge(
                "stride_journal_sequence",
                "Number of the last journal entry in this process's memory.",
            )?,
            records: all.gauges(
                "stride_records",
                "Records in memory, withdrawn ones included, by kind.",
                "kind",
            )?,
            start: all.add(Gauge::new(
                "stride_start_duration_seconds",
                "Time that the start took, until requests were accepted.",
            ))?,
            registry: all.0,
        })
    }

    /// The service accepts requests.
    pub fn started(&self, began: Instant) {
        self.start.set(began.elapsed().as_secs_f64());
    }

    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn text<'a>(&self, held: Held<'a, impl Iterator<Item = (&'a str, usize)>>) -> String {
        let caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        self.journal.set(held.journal_seq);
        for (kind, number) in held.records {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            self.records.with_label_values(&[kind]).set(number);
        }
        held.caches.iter().for_each(|cache| caches.read(cache));
        let mut out = Vec::new();
        if let Err(e) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            log::error!("metrics: {e}");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
