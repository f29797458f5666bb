//! The line that the log has for every request: who asked from where, and what came of it.
//!
//! Each value is a field of its own, which the log's format escapes (`main`), so no caller can write
//! a line or a field.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use log::kv::Value;
use uuid::Uuid;

/// What is learnt about a caller while its request is answered.
#[derive(Debug, Default)]
pub struct Learnt {
    account: OnceLock<String>,
    sees_marked: OnceLock<()>,
}

impl Learnt {
    /// The account that asks or that is signed in to, known before anything is decided.
    pub fn is_account(&self, account: Uuid) {
        let _ = self.account.set(account.to_string());
    }

    /// A subject of a trusted issuer, as it is called in the journal.
    pub fn is_subject(&self, pseudonym: &str) {
        let _ = self.account.set(pseudonym.to_owned());
    }

    /// Records marked official_sensitive are visible to the caller.
    pub fn sees_marked(&self) {
        let _ = self.sees_marked.set(());
    }

    /// Whether the answer may contain such records.
    #[must_use]
    pub fn may_contain_marked(&self) -> bool {
        self.sees_marked.get().is_some()
    }
}

/// What came of a request.
pub struct Outcome<'a> {
    /// Id of the operation; empty if the URL or the method is unknown.
    pub operation: &'a str,
    /// Path template of the operation; empty for unknown paths and methods.
    pub path: &'a str,
    pub status: u16,
    /// Code of the problem, or `ok`.
    pub code: &'a str,
    pub took: Duration,
    /// Length of the answer before it is compressed, if it is known when the answer begins.
    pub bytes: Option<u64>,
}

/// Most segments of an unknown path in the log, and most characters of each.
const SEGMENTS: usize = 8;
const LONGEST: usize = 30;

/// An unknown path as the log has it: short, and without what may be an id, a secret or a name.
fn outline(path: &str) -> String {
    let is_plain = |segment: &str| {
        segment.len() <= LONGEST
            && (segment.bytes()).all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let mut segments = path.split('/').skip(1);
    let mut outline = String::new();
    for segment in segments.by_ref().take(SEGMENTS) {
        outline.push('/');
        outline.push_str(if is_plain(segment) { segment } else { "*" });
    }
    if segments.next().is_some() {
        outline.push_str("/*");
    }
    outline
}

/// Writes the line.
pub fn write(request: &HttpRequest, id: &str, peer: &str, learnt: &Learnt, outcome: &Outcome<'_>) {
    if !log::log_enabled!(log::Level::Info) {
        return;
    }
    let path = match outcome.path {
        "" => Cow::Owned(outline(request.path())),
        template => Cow::Borrowed(template),
    };
    log::info!(
        method = request.method().as_str(),
        operation = outcome.operation,
        path = path.as_ref(),
        status = outcome.status,
        outcome = outcome.code,
        account = learnt.account.get().map_or("", String::as_str),
        address = peer,
        duration_ms = (outcome.took.as_secs_f64() * 1e6).round() / 1e3,
        bytes = outcome.bytes.map_or(Value::from(""), Value::from),
        request_id = id,
        trace_id = trace(request.headers()).unwrap_or_default();
        "request"
    );
}

/// The id of the trace in the caller's `traceparent`, if that is valid by W3C Trace Context.
fn trace(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |length: usize| {
        parts.next().filter(|part| {
            part.len() == length
                && (part.bytes()).all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    let (version, trace, span, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let is_zero = |id: &str| id.bytes().all(|b| b == b'0');
    // A later version may say more.
    let is_whole = version != "00" || parts.next().is_none();
    (version != "ff" && is_whole && !is_zero(trace) && !is_zero(span)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn an_unknown_path_is_short_and_says_nothing_of_anybody() {
        for (path, expected) in [
            ("/", "/"),
            ("/elsewhere", "/elsewhere"),
            ("/api/v1/boardz", "/api/v1/boardz"),
            ("/wp-admin/setup.php", "/wp-admin/setup.php"),
            (
                "/api/v1/units/0197f6d0-0000-7000-8000-000000000001/x",
                "/api/v1/units/*/x",
            ),
            ("/people/jo.bloggs@example.org", "/people/*"),
            ("/people/Jo%20Bloggs/%0A", "/people/*/*"),
            ("/a b/\u{1b}[31m", "/*/*"),
            ("/1/2/3/4/5/6/7/8/9/10", "/1/2/3/4/5/6/7/8/*"),
        ] {
            assert_eq!(outline(path), expected);
        }
        let long = format!("/{}", "x/".repeat(10_000));
        assert!(outline(&long).len() <= SEGMENTS * (LONGEST + 1) + 2);
    }

    #[test]
    fn the_trace_is_that_of_a_valid_traceparent() {
        let trace_id = "0af7651916cd43dd8448eb211c80319c";
        for (text, is_valid) in [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                true,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                false,
            ),
            (
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                true,
            ),
            (
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                false,
            ),
            ("0af7651916cd43dd8448eb211c80319c", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_static(text);
            headers.insert(HeaderName::from_static("traceparent"), value);
            assert_eq!(trace(&headers), is_valid.then_some(trace_id), "{text}");
        }
    }
}
