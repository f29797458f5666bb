//! Comparison of entity tags (RFC 9110, sections 8.8.3 and 13), read by the types of actix.

use actix_web::HttpRequest;
use actix_web::http::header::{EntityTag, Header, IfMatch, IfNoneMatch};

/// Whether the caller already has what is tagged `tag`, by its `If-None-Match`. The comparison is
/// weak, because a copy that was compressed on the way has a weak tag.
#[must_use]
pub fn has_already(request: &HttpRequest, tag: &str) -> bool {
    let Ok(own) = tag.parse::<EntityTag>() else {
        return false;
    };
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|t| t.weak_eq(&own)),
        Err(_) => false,
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
#[must_use]
pub fn if_match(request: &HttpRequest) -> Option<IfMatch> {
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
        let has = |lines: &[&str]| has_already(&request("if-none-match", lines), "\"7-ab\"");
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
