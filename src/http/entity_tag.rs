//! Comparison of entity tags (RFC 9110, sections 8.8.3 and 13), read by the types of actix.

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, Header, IfMatch, IfNoneMatch};

use crate::problem::{Code, Problem};

/// What a caller asks about the version of what it reads.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The versions that it wants, if it names any.
    pub if_match: Option<IfMatch>,
    if_none_match: Option<IfNoneMatch>,
}

impl Conditions {
    /// The conditions of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        Self {
            if_match: if_match(request),
            if_none_match: IfNoneMatch::parse(request).ok(),
        }
    }

    /// Whether what is tagged `tag` is a version that the caller wants (RFC 9110, section 13.1.1).
    /// The comparison is strong.
    #[must_use]
    pub fn wants(&self, tag: &str) -> bool {
        match (&self.if_match, tag.parse::<EntityTag>()) {
            (None | Some(IfMatch::Any), _) => true,
            (Some(IfMatch::Items(tags)), Ok(own)) => tags.iter().any(|t| t.strong_eq(&own)),
            (Some(IfMatch::Items(_)), Err(_)) => false,
        }
    }

    /// Whether the caller already has what is tagged `tag` (section 13.1.2). The comparison is weak,
    /// because a copy that was compressed on the way has a weak tag.
    #[must_use]
    pub fn has_already(&self, tag: &str) -> bool {
        let Ok(own) = tag.parse::<EntityTag>() else {
            return false;
        };
        match &self.if_none_match {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|t| t.weak_eq(&own)),
            None => false,
        }
    }

    /// Refuses to answer a version that the caller does not want.
    ///
    /// # Errors
    /// 412 with the current ETag.
    pub fn check(&self, tag: &str) -> Result<(), Problem> {
        if self.wants(tag) {
            return Ok(());
        }
        let detail = "If-Match names another version of this than the current one";
        Err(Problem::new(Code::VersionMismatch, detail).header("ETag", tag))
    }
}

/// Whether `sent` is exactly the tag `tag`, as `If-Range` requires: parts of two versions must not
/// be put together.
#[must_use]
pub fn is_same(sent: &str, tag: &str) -> bool {
    let parse = |text: &str| text.trim().parse::<EntityTag>().ok();
    parse(sent)
        .zip(parse(tag))
        .is_some_and(|(sent, own)| sent.strong_eq(&own))
}

/// What the caller sends as `If-Match`, if anything.
fn if_match(request: &HttpRequest) -> Option<IfMatch> {
    request.headers().contains_key(IfMatch::name()).then(|| {
        // A header that cannot be read must not count as a missing one.
        IfMatch::parse(request).unwrap_or_else(|_| IfMatch::Items(Vec::new()))
    })
}

/// The versions that tags of records name, without weak tags, which by section 13.1.1 never match.
/// `None` if a tag is not one of this service, or if there are none.
#[must_use]
pub fn versions(tags: &[EntityTag]) -> Option<Vec<i64>> {
    let all: Vec<(i64, bool)> = tags
        .iter()
        .map(|tag| Some((version(tag.tag())?, tag.weak)))
        .collect::<Option<_>>()?;
    let strong = all.iter().filter(|(_, is_weak)| !is_weak);
    (!all.is_empty()).then(|| strong.map(|(version, _)| *version).collect())
}

/// The version in a record's tag. The tag of a released form has a digest after the version.
fn version(tag: &str) -> Option<i64> {
    let (version, digest) = tag.split_once('.').unwrap_or((tag, "0"));
    let is_digest = !digest.is_empty() && digest.bytes().all(|b| b.is_ascii_hexdigit());
    version.parse().ok().filter(|v| is_digest && *v > 0)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(name: &'static str, lines: &[&str]) -> HttpRequest {
        let request = TestRequest::default();
        let request = lines
            .iter()
            .fold(request, |r, line| r.append_header((name, *line)));
        request.to_http_request()
    }

    #[test]
    fn if_none_match_is_compared_weakly() {
        let has = |lines: &[&str]| {
            Conditions::of(&request("if-none-match", lines)).has_already("\"7-ab\"")
        };
        for lines in [
            &["\"7-ab\""] as &[&str],
            &["W/\"7-ab\""],
            &["\"other\", \"7-ab\""],
            &["\"other\"", "\"7-ab\""],
            &["*"],
        ] {
            assert!(has(lines), "{lines:?}");
        }
        for lines in [&[] as &[&str], &["\"7\""], &["7-ab"], &["\"7-a\", \"b\""]] {
            assert!(!has(lines), "{lines:?}");
        }
    }

    #[test]
    fn if_match_on_a_read_is_compared_strongly() {
        let wants = |lines: &[&str]| Conditions::of(&request("if-match", lines)).wants("\"7-ab\"");
        for lines in [
            &[] as &[&str],
            &["*"],
            &["\"7-ab\""],
            &["\"x\"", "\"7-ab\""],
        ] {
            assert!(wants(lines), "{lines:?}");
        }
        for lines in [&["\"7\""] as &[&str], &["W/\"7-ab\""], &["7-ab"], &[""]] {
            assert!(!wants(lines), "{lines:?}");
        }
    }

    #[test]
    fn if_range_is_compared_strongly() {
        assert!(is_same("\"a\"", "\"a\""));
        for sent in ["W/\"a\"", "\"b\"", "a", "", "Mon, 26 Oct 2020 12:00:00 GMT"] {
            assert!(!is_same(sent, "\"a\""), "{sent}");
        }
    }

    #[test]
    fn if_match_names_versions() {
        let named = |line: &str| match if_match(&request("if-match", &[line])) {
            Some(IfMatch::Items(tags)) => versions(&tags),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(named("\"3\""), Some(vec![3]));
        assert_eq!(
            named("\"3.0123456789abcdef\", W/\"4\",\"5\""),
            Some(vec![3, 5])
        );
        assert_eq!(named("W/\"3\""), Some(vec![]));
        for line in ["3", "\"x\"", "\"0\"", "\"-1\"", "\"3.\"", "\"3\", \"x\""] {
            assert_eq!(named(line), None, "{line}");
        }
        assert_eq!(if_match(&request("if-match", &["*"])), Some(IfMatch::Any));
        assert_eq!(if_match(&request("if-match", &[])), None);
    }
}
