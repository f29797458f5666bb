//! A setting that cannot be used ends the start in words: which setting it is, and what to set.

use crate::cluster::{Backend, Database};
use crate::server::run_with;

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_named_with_its_remedy() {
    let database = Database::new(Backend::Sqlite).unwrap();
    for (name, value, remedy) in [
        ("STRIDE_CORS_ORIGINS", "*", "https://app.example.org"),
        (
            "STRIDE_CORS_ORIGINS",
            "https://a.example,*",
            "https://app.example.org",
        ),
        (
            "STRIDE_CORS_ORIGINS",
            "app.example.org",
            "https://app.example.org",
        ),
        (
            "STRIDE_CORS_ORIGINS",
            "https://app.example.org/path",
            "without a path",
        ),
        (
            "STRIDE_PUBLIC_URL",
            "stride.example.org",
            "https://stride.example.org",
        ),
        (
            "STRIDE_PUBLIC_URL",
            "ftp://stride.example.org",
            "https://stride.example.org",
        ),
        (
            "STRIDE_PUBLIC_URL",
            "https://stride.example.org/?a=b",
            "without query",
        ),
        ("STRIDE_TRUSTED_PROXIES", "10.0.0.1", "/32"),
        ("STRIDE_TRUSTED_PROXIES", "all", "10.0.0.0/8"),
        ("STRIDE_BIND", "8080", "127.0.0.1:8080"),
        ("STRIDE_METRICS_BIND", "localhost", "127.0.0.1:8080"),
        ("STRIDE_TIME_ZONE", "London", "Europe/London"),
        ("STRIDE_WORKERS", "0", "1..=256"),
        ("STRIDE_FINANCIAL_YEAR_STARTS", "13", "1..=12"),
        ("STRIDE_BODY_IDLE_SECONDS", "0", "1.."),
        ("STRIDE_LOG_FORMAT", "xml", "plain, json"),
    ] {
        let output = run_with(&database, &[(name, value)], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}={value}");
        let flag = name
            .trim_start_matches("STRIDE_")
            .to_lowercase()
            .replace('_', "-");
        assert!(
            said.contains(name) || said.contains(&format!("--{flag}")),
            "{name}={value} is not named:\n{said}"
        );
        assert!(
            said.contains(remedy),
            "{name}={value} without remedy:\n{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
}
