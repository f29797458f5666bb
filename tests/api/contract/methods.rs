//! Every path takes what the document says and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use stride::policy::Role;
use uuid::Uuid;

use crate::support::document::{Described, operations};
use crate::support::{TestApp, some};

/// The document's paths with the methods of each.
fn paths() -> BTreeMap<String, Vec<Described>> {
    let mut all: BTreeMap<String, Vec<Described>> = BTreeMap::new();
    for o in operations() {
        all.entry(o.path.clone()).or_default().push(o);
    }
    all
}

/// An undeclared method is answered 405, with the declared ones in `Allow`, and OPTIONS with the
/// same.
async fn an_undeclared_method_is_refused_with_those_that_are_allowed(app: TestApp) {
    let client = app.role(Role::Administrator);
    let id = Uuid::now_v7().to_string();
    for (path, declared) in some(paths()) {
        let taken: BTreeSet<&str> = declared.iter().map(|o| o.method.as_str()).collect();
        let mut wanted = taken.clone();
        wanted.insert("OPTIONS");
        if taken.contains("GET") {
            wanted.insert("HEAD");
        }
        let address = declared[0].address(&id);
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "HEAD",
        ] {
            if wanted.contains(method) {
                continue;
            }
            let reply = client.ask(method, &address).send_unchecked().await;
            let allow: BTreeSet<&str> = reply.header("allow").split(", ").collect();
            assert_eq!(allow, wanted, "{path}");
            if method == "HEAD" {
                reply.status(405);
            } else {
                reply.problem("method_not_allowed");
            }
        }
        let options = client.ask("OPTIONS", &address).send_unchecked().await;
        assert_eq!(
            options
                .status(204)
                .header("allow")
                .split(", ")
                .collect::<BTreeSet<_>>(),
            wanted,
            "{path}"
        );
    }
}

/// What leads nowhere is a 404 like any other, whatever the method.
async fn an_unknown_path_is_a_problem(app: TestApp) {
    let client = app.role(Role::Administrator);
    for path in [
        "/",
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/units",
        "/api/v1/units/",
        "/api/v1//units",
        "/%00",
        "/api/v1/units/x/y/z",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let reply = client.ask(method, path).send_unchecked().await;
            assert!(
                reply.status == 404 || reply.status == 405,
                "{method} {path}: {}",
                reply.status
            );
            reply.problem(if reply.status == 404 {
                "not_found"
            } else {
                "method_not_allowed"
            });
        }
    }
}

/// An address without an id of ours leads nowhere either.
async fn an_invalid_id_is_not_found(app: TestApp) {
    for o in some(operations().into_iter().filter(|o| o.path.contains("{id}"))) {
        let role = o.operation["x-roles"][0]
            .as_str()
            .and_then(Role::parse)
            .expect("a role");
        let mut ask = app
            .role(role)
            .ask(&o.method, &o.address("not-an-id"))
            .header("if-match", "\"1\"");
        if let Some(media_type) = o.media_types().first() {
            let body = &o.operation["requestBody"]["content"][media_type]["example"];
            ask = ask.body(media_type, body.to_string());
        }
        ask.send().await.problem("not_found");
    }
}

/// Every operation names a query parameter that it does not take, and one that is given twice; a
/// list may be, as some clients do.
async fn an_unknown_or_repeated_parameter_is_named(app: TestApp) {
    let id = Uuid::now_v7().to_string();
    for o in some(operations()) {
        let client = match o.operation["x-roles"][0].as_str().and_then(Role::parse) {
            Some(role) => app.role(role),
            None => app.client.clone(),
        };
        let send = |query: String| {
            let ask = client
                .ask(&o.method, &format!("{}?{query}", o.address(&id)))
                .header("if-match", "\"1\"");
            match o.media_types().first() {
                Some(media_type) => ask.body(media_type, "{}").send(),
                None => ask.body("application/json", "").send(),
            }
        };
        send("no_such_parameter=1".into())
            .await
            .problem_at("invalid_query", "?no_such_parameter");
        let one = o
            .parameters("query")
            .into_iter()
            .find(|p| p["schema"]["type"] != "array");
        if let Some(name) = one.as_ref().and_then(|p| p["name"].as_str()) {
            send(format!("{name}=1&{name}=1"))
                .await
                .problem_at("invalid_query", &format!("?{name}"));
        }
    }
}

/// HEAD is answered as GET is, without the body.
async fn head_works_wherever_get_does(app: TestApp) {
    let id = Uuid::now_v7().to_string();
    for o in some(operations().into_iter().filter(|o| o.method == "GET")) {
        let client = match o.operation["x-roles"][0].as_str().and_then(Role::parse) {
            Some(role) => app.role(role),
            None => app.client.clone(),
        };
        let get = client.get(&o.address(&id)).await;
        let head = client.ask("HEAD", &o.address(&id)).send().await;
        assert_eq!(head.status, get.status, "{}", o.name());
        assert!(head.body.is_empty(), "{}", o.name());
        for name in [
            "etag",
            "content-type",
            "api-version",
            "vary",
            "cache-control",
        ] {
            assert_eq!(
                head.header_if(name),
                get.header_if(name),
                "{}: {name}",
                o.name()
            );
        }
        assert_ne!(get.status, 405, "{}", o.name());
    }
}

/// Every answer carries the headers of the conventions.
async fn every_answer_carries_the_common_headers(app: TestApp) {
    let id = Uuid::now_v7().to_string();
    for o in some(operations()) {
        let reply = app.client.ask(&o.method, &o.address(&id)).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("api-version", "1.0.0"),
        ] {
            assert_eq!(reply.header(name), value, "{}", o.name());
        }
        assert!(!reply.header("content-security-policy").is_empty());
        assert!((1..=64).contains(&reply.header("x-request-id").len()));
        assert!(
            reply.header("cache-control").contains("no-cache"),
            "{}",
            o.name()
        );
        for part in ["Accept", "Accept-Encoding", "Authorization"] {
            assert!(
                reply
                    .headers
                    .get_all("vary")
                    .iter()
                    .any(|v| v.to_str().is_ok_and(|v| v.contains(part))),
                "{}: vary {part}",
                o.name()
            );
        }
    }
}

on_both!(
    an_undeclared_method_is_refused_with_those_that_are_allowed,
    an_unknown_path_is_a_problem,
    an_invalid_id_is_not_found,
    an_unknown_or_repeated_parameter_is_named,
    head_works_wherever_get_does,
    every_answer_carries_the_common_headers
);
