//! What cannot be tested here is said where it is seen.

use std::io::Write as _;

/// Says that a test is left out and why. With `1` in the environment variable `required`, the test
/// fails instead.
pub fn skipped(required: &str, why: &str) {
    assert!(
        !std::env::var(required).is_ok_and(|v| v == "1"),
        "{required} is set: {why}"
    );
    // Straight to the terminal: what a passing test prints is swallowed otherwise.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
