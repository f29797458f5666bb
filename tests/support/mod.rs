//! What every test needs: the service itself on a database of the test's own, and callers who ask
//! it.
//!
//! A test is written once and runs on SQLite and on PostgreSQL ([`on_both!`]). PostgreSQL is
//! `TEST_POSTGRES_URL` or a private cluster made from the installed binaries; where there is
//! neither those tests say that they were skipped, and with `STRIDE_TEST_REQUIRE_POSTGRES=1` they
//! fail.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support: a panic is a failed test; not every test binary uses all of it"
)]

pub mod app;
pub mod client;
pub mod document;
pub mod golden;
pub mod lists;
pub mod maker;
pub mod postgres;
pub mod workbook;

pub use app::{Backend, TestApp};
pub use client::Client;

pub use lists::{perhaps, some};

/// Runs each of these `async fn name(app: TestApp)` on both databases: `on_both!(boards, lines);`.
/// A function that is not named here is dead code, which the compiler reports. A runner other than
/// the one that starts on an empty database comes first: `on_both!(by crate::golden::run; boards,
/// lines);`.
#[macro_export]
macro_rules! on_both {
    (by $run:path; $($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn sqlite() {
                $run($crate::support::Backend::Sqlite, super::$name);
            }
            #[test]
            fn postgres() {
                $run($crate::support::Backend::Postgres, super::$name);
            }
        }
    )+ };
    ($($name:ident),+ $(,)?) => {
        $crate::on_both! { by $crate::support::app::run; $($name),+ }
    };
}
