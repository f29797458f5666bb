//! The line that the log has for every request: who asked from where, and what came of it.
//!
//! Each value is a field of its own, which the log's format escapes (`main`), so no caller can write
//! a line or a field.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
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
    pub status: u16,
    /// Code of the problem, or `ok`.
    pub code: &'a str,
    pub took: Duration,
}

/// Writes the line.
pub fn write(request: &HttpRequest, id: &str, peer: &str, learnt: &Learnt, outcome: &Outcome<'_>) {
    log::info!(
        method = request.method().as_str(),
        operation = outcome.operation,
        status = outcome.status,
        outcome = outcome.code,
        account = learnt.account.get().map_or("", String::as_str),
        address = peer,
        micros = u64::try_from(outcome.took.as_micros()).unwrap_or(u64::MAX),
        request_id = id,
        traceparent = trace(request.headers()).unwrap_or_default();
        "request"
    );
}

/// The caller's `traceparent`, if it has the form of W3C Trace Context.
fn trace(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else {
        return None;
    };
    let fits = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    fits.then_some(text)
}
