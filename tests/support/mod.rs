//! What every test needs: the service itself on a database of the test's own, and callers who ask it.
//!
//! A test is written once and runs on SQLite and on PostgreSQL ([`on_both!`]). PostgreSQL is `TEST_POSTGRES_URL` or a private cluster
//! made from the installed binaries; where there is neither those tests say that they were skipped, and with
//! `STRIDE_TEST_REQUIRE_POSTGRES=1` they fail.
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
pub mod maker;
pub mod postgres;

pub use app::{Backend, TestApp};
pub use client::Client;

/// Defines tests that run on both databases: `on_both! { async fn name(app: TestApp) { … } }`. Another runner than the one that starts
/// on nothing stands before them: `on_both! { by crate::golden::run; async fn … }`.
#[macro_export]
macro_rules! on_both {
    (by $run:path; $($(#[doc = $doc:literal])* async fn $name:ident($app:ident: TestApp) $body:block)*) => { $(
        $(#[doc = $doc])*
        async fn $name($app: $crate::support::TestApp) $body

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
    )* };
    ($($tests:tt)*) => {
        $crate::on_both! { by $crate::support::app::run; $($tests)* }
    };
}
