//! What must hold when things go wrong: a process killed in the middle of writes, two replicas on
//! one database, a database edited behind the service's back, a request to stop while requests are
//! under way. The real binary runs as a child process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod cluster;
mod backup;
mod clock;
mod control;
mod crowd;
mod disk;
mod failover;
mod in_use;
mod jobs;
mod killed;
#[path = "../support/lists.rs"]
mod lists;
mod locked_out;
mod logged;
mod loss;
mod moved;
mod random;
mod replicas;
mod server;
mod settings;
mod silent;
mod skipped;
mod stopped;
mod tampered;
mod time_zone;
mod watched;
