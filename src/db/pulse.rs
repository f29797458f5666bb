//! Whether a connection's server answers, seen from other threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

/// How long a statement is awaited once another connection's server was found silent.
const SOON: Duration = Duration::from_secs(1);

/// Until when a connection's statement must be answered, in milliseconds since the process began to
/// count; 0 while it has none.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicU64);

impl Pulse {
    fn now() -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        // One more, so that no time is 0.
        u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// A statement was sent, whose answer must come within this time.
    pub(super) fn expect(&self, silence: Duration) {
        let until = Self::now() + u64::try_from(silence.as_millis()).unwrap_or_default();
        self.0.store(until, Ordering::Relaxed);
    }

    /// Nothing is awaited.
    pub(super) fn rest(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A statement that is awaited now must be answered soon, because another connection's was not.
    pub(super) fn hurry(&self) {
        let soon = Self::now() + u64::try_from(SOON.as_millis()).unwrap_or_default();
        let hurried = |until| (until > soon).then_some(soon);
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, hurried);
    }

    pub(super) fn is_overdue(&self) -> bool {
        let until = self.0.load(Ordering::Relaxed);
        until != 0 && until < Self::now()
    }
}

/// Keeps a connection's [`Pulse`], and passes on what happens.
pub(super) struct Beat {
    pulse: Arc<Pulse>,
    silence: Duration,
    next: Option<Box<dyn Instrumentation>>,
}

impl Beat {
    pub(super) fn new(pulse: &Arc<Pulse>, silence: Duration) -> Self {
        Self {
            pulse: Arc::clone(pulse),
            silence,
            next: get_default_instrumentation(),
        }
    }
}

impl Instrumentation for Beat {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.pulse.expect(self.silence),
            InstrumentationEvent::FinishQuery { .. } => self.pulse.rest(),
            _ => {}
        }
        self.next.on_connection_event(event);
    }
}
