//! Metrics for Prometheus, served on a separate address.

use std::time::Duration;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Metrics of this process.
pub struct Metrics {
    registry: Registry,
    seconds: HistogramVec,
    answers: IntCounterVec,
    journal: IntGauge,
}

impl Metrics {
    /// Registers all metrics.
    ///
    /// # Errors
    /// A name is used twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let buckets = vec![
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
        ];
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "stride_request_seconds",
                "Response time in seconds, by operation",
            )
            .buckets(buckets),
            &["operation"],
        )?;
        let answers = IntCounterVec::new(
            Opts::new(
                "stride_answers_total",
                "Number of responses, by operation and status",
            ),
            &["operation", "status"],
        )?;
        let journal = IntGauge::new(
            "stride_journal_seq",
            "Number of the last journal entry loaded",
        )?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(journal.clone()))?;
        Ok(Self {
            registry,
            seconds,
            answers,
            journal,
        })
    }

    /// Counts a response and its time.
    pub fn answered(&self, operation: &str, status: u16, took: Duration) {
        self.seconds
            .with_label_values(&[operation])
            .observe(took.as_secs_f64());
        self.count(operation, status);
    }

    /// Counts a response.
    pub fn count(&self, operation: &str, status: u16) {
        self.answers
            .with_label_values(&[operation, &status.to_string()])
            .inc();
    }

    /// All metrics in the Prometheus text format.
    #[must_use]
    pub fn text(&self, journal_seq: i64) -> String {
        self.journal.set(journal_seq);
        let mut out = Vec::new();
        if let Err(e) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            log::error!("metrics: {e}");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
