//! What HTTP itself asks for: conditions, ranges, encodings, caches, pages of other origins, and the
//! path in front of every path.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use stride::access::Held;
use stride::policy::Role;
use stride::registers::catalogue;
use uuid::Uuid;

use crate::support::client::{JSON, MERGE_PATCH};
use crate::support::document::{Described, operations};
use crate::support::maker::{FILE, Maker, collection};
use crate::support::{Client, TestApp, some};

/// Someone who may call an operation.
fn caller(app: &TestApp, o: &Described, official_sensitive: bool) -> Client {
    match o.operation["x-roles"][0].as_str() {
        None => app.client.clone(),
        Some(role) => app.holding(Held {
            role: Role::parse(role).unwrap_or(Role::Viewer),
            scope: None,
            official_sensitive,
        }),
    }
}

/// The operations that read something at an address without parameters.
fn reads() -> impl Iterator<Item = Described> {
    (operations().into_iter()).filter(|o| o.method == "GET" && !o.path.contains('{'))
}

/// A read of another version than the current one is refused, and several lines are one list. A
/// caller that has the version already gets 304 without anything about a body.
async fn conditions_on_reads_are_those_of_rfc_9110(app: TestApp) {
    let maker = Maker::new(&app);
    let mut addresses: Vec<(Client, String)> = Vec::new();
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        addresses.push((maker.client(kind), made.path.clone()));
        addresses.push((maker.client(kind), collection(kind)));
        if kind.name == "document_version" {
            addresses.push((maker.client(kind), format!("{}/content", made.path)));
        }
    }
    for o in some(reads()) {
        addresses.push((caller(&app, &o, false), o.path.clone()));
    }
    let mut tagged = 0;
    for (client, path) in some(addresses) {
        let reply = client.get(&path).await;
        let Some(etag) = reply.header_if("etag").filter(|_| reply.status == 200) else {
            continue;
        };
        tagged += 1;
        let ask = |method: &str, name: &str, value: &str| {
            client.ask(method, &path).header(name, value).send()
        };
        for method in ["GET", "HEAD"] {
            for other in ["\"other\"", "\"x\", \"y\""] {
                let refused = ask(method, "if-match", other).await;
                assert_eq!(refused.status, 412, "{method} {path}");
            }
            let weak = ask(method, "if-match", &format!("W/{etag}")).await;
            assert_eq!(weak.status, 412, "{method} {path}: weak");
            for same in ["*", etag, &format!("\"x\", {etag}")] {
                let found = ask(method, "if-match", same).await;
                assert_eq!(found.status, 200, "{method} {path}: {same}");
            }
            let lines = client
                .ask(method, &path)
                .header("if-none-match", "\"other\"")
                .header("if-none-match", etag);
            let same = lines.send().await;
            assert_eq!(same.status, 304, "{method} {path}: several lines");
            assert_eq!(same.header("etag"), etag);
            for name in ["content-range", "content-type", "content-disposition"] {
                assert_eq!(same.header_if(name), None, "{method} {path}: {name}");
            }
            // If-Match is asked first (section 13.2.2).
            let both = client
                .ask(method, &path)
                .header("if-match", "\"other\"")
                .header("if-none-match", etag);
            assert_eq!(both.send().await.status, 412, "{method} {path}: both");
        }
    }
    assert!(tagged > 100, "{tagged}");
}

/// A range is of what the caller wants and does not have, and only GET has one.
async fn a_range_comes_after_the_conditions(app: TestApp) {
    let version = Maker::new(&app).make_named("document_version").await;
    let client = app.role(Role::Viewer);
    let path = format!("{}/content", version.path);
    let etag = client.get(&path).await.etag();
    for range in ["bytes=0-3", "bytes=99999-"] {
        let ask = |method: &str| client.ask(method, &path).header("range", range);
        let head = ask("HEAD").send().await;
        assert_eq!(
            head.status(200).header("content-length"),
            FILE.len().to_string()
        );
        assert_eq!(head.header_if("content-range"), None);
        let same = ask("GET").header("if-none-match", &etag).send().await;
        assert_eq!(same.status(304).header_if("content-range"), None, "{range}");
        let other = ask("GET").header("if-match", "\"other\"").send().await;
        assert_eq!(
            other.status(412).header_if("content-range"),
            None,
            "{range}"
        );
    }
    let part = client
        .ask("GET", &path)
        .header("range", "bytes=0-3")
        .header("if-match", &etag)
        .header("if-range", &etag);
    assert_eq!(part.send().await.status(206).body, FILE[..4]);
}

/// The operations that take a body, each with a caller and an example of the body.
fn with_bodies() -> impl Iterator<Item = (Described, String)> {
    operations().into_iter().filter_map(|o| {
        let media_type = o.media_types().first()?.clone();
        Some((o, media_type))
    })
}

/// A body is sent as it is.
async fn a_compressed_body_is_refused(app: TestApp) {
    let id = Uuid::now_v7().to_string();
    for (o, media_type) in some(with_bodies()) {
        for coding in ["gzip", "br", "zstd, gzip", "", "no-such-coding"] {
            let ask = caller(&app, &o, false)
                .ask(&o.method, &o.address(&id))
                .header("if-match", "\"1\"")
                .header("content-encoding", coding)
                .body(&media_type, "x");
            let refused = ask.send().await;
            refused.problem("unsupported_media_type");
            assert_eq!(
                refused.header("accept-encoding"),
                "identity",
                "{}",
                o.name()
            );
        }
        let plain = caller(&app, &o, false)
            .ask(&o.method, &o.address(&id))
            .header("content-encoding", "Identity")
            .body(&media_type, "x");
        assert_ne!(plain.send().await.status, 415, "{}", o.name());
    }
}

/// An object that names a member twice is refused, at every depth, and the member is named.
async fn a_member_given_twice_is_named(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let id = document.id_text().to_owned();
    let json = |m: &str| m == JSON || m == MERGE_PATCH;
    for (o, media_type) in some(with_bodies().filter(|(_, m)| json(m))) {
        for (body, pointer) in [
            (r#"{"title":"One","title":"Two"}"#, "/title"),
            (
                r#"{"operations":[{"op":"create","record":{"a":1,"a":1}}]}"#,
                "/operations/0/record/a",
            ),
        ] {
            let ask = caller(&app, &o, false)
                .ask(&o.method, &o.address(&id))
                .header("if-match", "\"1\"")
                .body(&media_type, body);
            let refused = ask.send().await;
            assert_eq!(refused.status, 400, "{}: {}", o.name(), refused.text());
            let problem = refused.problem_at("malformed_body", pointer);
            assert_eq!(problem["errors"][0]["code"], "duplicate", "{}", o.name());
        }
    }
}

/// Who may see marked records keeps no copy of any answer, refusals included; nobody else is told
/// so.
async fn what_may_contain_marked_records_is_not_stored(app: TestApp) {
    let maker = Maker::new(&app);
    let mut asked: Vec<(Described, String)> = reads().map(|o| (o.clone(), o.path)).collect();
    for kind in some(catalogue().kinds()) {
        let made = maker.make(kind).await;
        let path = format!("{}/{{id}}", collection(kind));
        let own = operations().into_iter().filter(|o| {
            o.method == "GET" && o.path.starts_with(&path) && !o.path.contains("difference")
        });
        asked.extend(own.map(|o| {
            let address = o.address(made.id_text());
            (o, address)
        }));
    }
    for (o, path) in some(asked) {
        let is_open = o.operation["security"] == json!([]);
        let first = o.operation["x-roles"][0].as_str();
        for cleared in [false, true] {
            let reply = caller(&app, &o, cleared).get(&path).await;
            // An auditor sees what is marked without being cleared for it.
            let sees = !is_open && (cleared || first == Some("auditor"));
            let cache = reply.header("cache-control");
            assert_eq!(
                cache.contains("no-store"),
                sees,
                "{} {path}: {cache}",
                o.name()
            );
            let refused = caller(&app, &o, cleared).get(&format!("{path}?no=1")).await;
            let cache = refused.header("cache-control");
            assert_eq!(
                cache.contains("no-store"),
                sees,
                "{} {path}: {cache}",
                o.name()
            );
        }
    }
}

/// Text files are UTF-8, and say so.
async fn a_text_file_says_its_charset(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let client = app.role(Role::StrategyManager);
    for (media_type, name, body) in [
        ("text/csv", "a.csv", "a,b\n£,é\n"),
        ("text/plain", "a.txt", "£ and é\n"),
        ("text/markdown", "a.md", "# £ and é\n"),
    ] {
        let path = format!("{}/versions?file_name={name}", document.path);
        let made = client
            .ask("POST", &path)
            .body(media_type, body)
            .send()
            .await;
        let id = made.status(201).json()["id"].clone();
        let path = format!(
            "/api/v1/document-versions/{}/content",
            id.as_str().expect("an id")
        );
        let file = client.get(&path).await;
        let sent = file.status(200).header("content-type");
        assert_eq!(sent, format!("{media_type}; charset=utf-8"));
        let part = client
            .ask("GET", &path)
            .header("range", "bytes=0-1")
            .send()
            .await;
        assert_eq!(part.status(206).header("content-type"), sent);
    }
}

/// Pages of these origins may call the service.
const ORIGIN: &str = "https://app.example.org";

async fn with(app: &TestApp, adjust: impl FnOnce(&mut stride::config::Serving)) -> TestApp {
    let store = std::sync::Arc::clone(&app.store);
    TestApp::on(store, app.backend, |config| adjust(&mut config.serving)).await
}

/// What the framework refuses before any operation is a problem too.
async fn the_frameworks_own_refusals_are_problems(app: TestApp) {
    let app = with(&app, |serving| serving.cors_origins = vec![ORIGIN.into()]).await;
    let preflight = |origin: &str, method: &str, headers: &str| {
        app.client
            .ask("OPTIONS", "/api/v1/units")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers)
            .send_unchecked()
    };
    let allowed = preflight(ORIGIN, "PATCH", "if-match,content-type").await;
    assert_eq!(
        allowed.status(200).header("access-control-allow-origin"),
        ORIGIN
    );
    for (origin, method, headers) in [
        ("https://elsewhere.example", "GET", "accept"),
        (ORIGIN, "TRACE", "accept"),
        (ORIGIN, "GET", "x-no-such-header"),
    ] {
        preflight(origin, method, headers)
            .await
            .problem("invalid_header");
    }
    let client = app.role(Role::Viewer);
    for nothing in ["identity;q=0, *;q=0", "*;q=0"] {
        let ask = client
            .ask("GET", "/api/v1/units")
            .header("accept-encoding", nothing);
        ask.send_unchecked().await.problem("not_acceptable");
    }
    let long = "x".repeat(30_000);
    client
        .ask("GET", &format!("/api/v1/{long}"))
        .send_unchecked()
        .await
        .status(404);
    client
        .get(&format!("/api/v1/units?q={long}"))
        .await
        .problem("invalid_query");
    let reply = client
        .ask("GET", "/api/v1/units")
        .header("origin", ORIGIN)
        .send()
        .await;
    let exposed = reply.header("access-control-expose-headers").to_lowercase();
    for name in [
        "www-authenticate",
        "idempotency-replayed",
        "etag",
        "location",
        "link",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
}

/// A request whose body was announced with this length, and of which only the beginning was sent.
fn begun(client: &Client, path: &str, media_type: &str, length: usize, body: &str) -> TcpStream {
    let address = client.base.trim_start_matches("http://").to_owned();
    let token = client.token.clone().unwrap_or_default();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream
}

/// A body of which nothing arrives any more is given up, and one account cannot use up all uploads.
async fn a_silent_body_is_given_up(app: TestApp) {
    let document = Maker::new(&app).make_named("document").await;
    let path = format!("{}/versions", document.path);
    let app = with(&app, |serving| {
        serving.body_idle_seconds = 1;
        serving.uploads = 4;
    })
    .await;
    let answered = |mut stream: TcpStream| {
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let client = app.role(Role::StrategyManager);
    for (path, media_type) in [
        (path.as_str(), "application/pdf"),
        ("/api/v1/units", "application/json"),
        ("/api/v1/jobs", "application/json"),
        ("/auth/login", "application/json"),
    ] {
        let administrator = app.role(Role::Administrator);
        let of = if path.ends_with("units") {
            &administrator
        } else {
            &client
        };
        let stream = begun(of, path, media_type, 1_000, "%PDF-1.7");
        let began = Instant::now();
        let answer = actix_web::web::block(move || answered(stream))
            .await
            .expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
        assert!(answer.contains("request_timeout"), "{path}: {answer}");
        assert!(began.elapsed() < Duration::from_secs(15), "{path}");
    }
}

/// One account has a share of the uploads, and the others go on.
async fn one_account_cannot_use_up_all_uploads(app: TestApp) {
    let maker = Maker::new(&app);
    let (mine, _, _) = maker.account("strategy_manager").await;
    let document = maker.make_named("document").await;
    let path = format!("{}/versions", document.path);
    let app = with(&app, |serving| {
        serving.uploads = 4;
        serving.body_idle_seconds = 600;
    })
    .await;
    let mine = app.client.with_token(&mine.token.expect("a token"));
    // One that arrives while another is being received is refused itself, so it is sent again.
    let mut silent = Vec::new();
    let mut is_full = false;
    for attempt in 0..1_000 {
        if attempt % 20 == 0 {
            silent.push(begun(&mine, &path, "application/pdf", 1_000, ""));
        }
        let ask = mine.ask("POST", &path).body("application/pdf", FILE);
        let reply = ask.send().await;
        if reply.status == 429 {
            reply.problem("too_many_requests");
            is_full = true;
            break;
        }
        reply.status(201);
    }
    assert!(is_full, "one account may upload as many files as it likes");
    let other = app.role(Role::StrategyManager);
    let ask = other.ask("POST", &path).body("application/pdf", FILE);
    ask.send().await.status(201);
}

/// Large bodies that are being received take no more memory than they may, and one account no more
/// than its share; what was taken is given back. Small bodies need no room.
async fn bodies_have_their_share_of_memory(app: TestApp) {
    let maker = Maker::new(&app);
    let (mine, _, _) = maker.account("administrator").await;
    let (third, _, _) = maker.account("administrator").await;
    let app = with(&app, |serving| {
        serving.body_memory = 64 * 1024;
        serving.body_idle_seconds = 600;
    })
    .await;
    let client = |of: &Client| app.client.with_token(of.token.as_deref().expect("a token"));
    let (mine, third) = (client(&mine), client(&third));
    let other = app.role(Role::Administrator);
    let post = async |client: &Client, kib: usize| {
        let unit = json!({ "title": "A unit", "unit_kind": "unit" }).to_string();
        let padded = format!("{unit}{}", " ".repeat(kib * 1024 - unit.len()));
        let ask = client.ask("POST", "/api/v1/units").body(JSON, padded);
        ask.send().await
    };
    // A body that has stalled, once it has its room: then another one of `probe` has none. One that
    // arrives while the other is being received is refused itself, so it is sent again.
    let stalled = async |client: &Client, probe: &Client, status: u16| {
        for _ in 0..100 {
            let stream = begun(client, "/api/v1/units", JSON, 30 * 1024, "{");
            for _ in 0..20 {
                if post(probe, 20).await.status == status {
                    return stream;
                }
            }
        }
        panic!("a stalled body never takes room");
    };
    // It counts for the whole of what it announced.
    let own = stalled(&mine, &mine, 429).await;
    post(&mine, 20).await.problem("too_many_requests");
    post(&mine, 1).await.status(201);
    post(&third, 20).await.status(201);
    let _others = stalled(&other, &third, 503).await;
    post(&third, 20).await.problem("unavailable");
    post(&third, 8).await.status(201);
    drop(own);
    let mut again = post(&mine, 20).await;
    for _ in 0..1_000 {
        if again.status == 201 {
            break;
        }
        again = post(&mine, 20).await;
    }
    again.status(201);
}

/// An operation without a token takes only a small body.
async fn a_body_without_a_token_is_small(app: TestApp) {
    let public = with_bodies().filter(|(o, _)| o.is_public());
    for (operation, media_type) in some(public) {
        for (length, is_refused) in some([(8 * 1024, false), (8 * 1024 + 1, true)]) {
            let ask = app
                .client
                .ask(&operation.method, &operation.path)
                .body(&media_type, "x".repeat(length));
            let answer = ask.send().await;
            assert_eq!(answer.status == 413, is_refused, "{}", operation.path);
        }
    }
}

/// Every URL that is answered begins with the path of the public URL, and the service answers with
/// it and without it, as a proxy takes it off or not.
async fn a_base_path_is_in_every_url(app: TestApp) {
    let prefix = "/base/stride";
    let public = format!("https://api.example.org{prefix}");
    let app = with(&app, |serving| {
        serving.public_url = Some(format!("{public}/"))
    })
    .await;
    let client = app.role(Role::Administrator);
    for front in ["", prefix] {
        let unit = json!({ "title": "A unit", "unit_kind": "unit" });
        let ask = client
            .ask("POST", &format!("{front}/api/v1/units"))
            .json(&unit);
        let made = ask.send_unchecked().await;
        let location = made.status(201).header("location").to_owned();
        assert!(
            location.starts_with(&format!("{prefix}/api/v1/units/")),
            "{location}"
        );
        client
            .ask("GET", &location)
            .send_unchecked()
            .await
            .status(200);
        client
            .ask("POST", &format!("{front}/api/v1/units"))
            .json(&unit)
            .send_unchecked()
            .await
            .status(201);
        let list = format!("{front}/api/v1/units?limit=1");
        let link = client.ask("GET", &list).send_unchecked().await;
        let link = link.status(200).header("link").to_owned();
        assert!(
            link.starts_with(&format!("<{prefix}/api/v1/units?")),
            "{link}"
        );
        let next = link
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap_or_default();
        client.ask("GET", next).send_unchecked().await.status(200);
        let nothing = client
            .ask("GET", &format!("{front}/api/v1/units/x"))
            .send_unchecked()
            .await;
        let problem = nothing.status(404).json();
        assert_eq!(problem["instance"], format!("{prefix}/api/v1/units/x"));
        let page = problem["type"].as_str().expect("a page");
        assert_eq!(page, format!("{prefix}/problems/not_found"));
        client.ask("GET", page).send_unchecked().await.status(200);
        for document in ["/openapi.json", "/openapi/governance.json"] {
            let document = client
                .ask("GET", &format!("{front}{document}"))
                .send_unchecked()
                .await;
            assert_eq!(document.status(200).json()["servers"][0]["url"], prefix);
        }
        let docs = client
            .ask("GET", &format!("{front}/docs"))
            .send_unchecked()
            .await;
        assert_eq!(
            docs.status(308).header("location"),
            format!("{prefix}/docs/")
        );
        let script = format!("{front}/docs/swagger-initializer.js");
        let script = client
            .ask("GET", &script)
            .send_unchecked()
            .await
            .status(200)
            .text();
        assert!(
            script.contains(&format!("\"{prefix}/openapi/governance.json\"")),
            "{script}"
        );
        assert!(!script.contains("\"/openapi"), "{script}");
        let found = format!("{front}/.well-known/oauth-authorization-server");
        let found = client
            .ask("GET", &found)
            .send_unchecked()
            .await
            .status(200)
            .json();
        assert_eq!(found["token_endpoint"], format!("{public}/oauth/token"));
        assert_eq!(found["jwks_uri"], format!("{public}/.well-known/jwks.json"));
    }
    let (owner, _, _) = Maker::new(&app).account("viewer").await;
    let feed = json!({ "title": "Deadlines" });
    let feed = owner
        .ask("POST", "/api/v1/calendar-feeds")
        .json(&feed)
        .send_unchecked()
        .await;
    let address = feed.status(201).json()["address"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let path = address
        .strip_prefix("https://api.example.org")
        .expect("the public URL");
    assert!(path.starts_with(prefix), "{address}");
    let calendar = app.client.ask("GET", path).send_unchecked().await;
    assert!(
        calendar.status(200).headers[CONTENT_TYPE]
            .to_str()
            .is_ok_and(|t| t.contains("calendar"))
    );
    // Not one of the service's own paths, with the prefix or without.
    for path in [
        "/base",
        prefix,
        "/base/stride/",
        "/base/strideapi/v1/units",
        "/base/stride/nothing",
    ] {
        app.client
            .ask("GET", path)
            .send_unchecked()
            .await
            .status(404);
    }
}

/// What does not change while the service runs has an ETag.
async fn documents_and_pages_have_an_etag(app: TestApp) {
    for path in [
        "/openapi.json",
        "/openapi/governance.json",
        "/docs/",
        "/docs/index.html",
        "/docs/swagger-initializer.js",
        "/docs/swagger-ui.css",
    ] {
        let etag = app.client.get(path).await.status(200).etag();
        let again = app.client.ask("GET", path).header("if-none-match", &etag);
        again.send().await.status(304);
    }
}

/// A problem's `errors`, as field and code.
pub fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors
        .map(|e| {
            let text = |name: &str| e[name].as_str().unwrap_or_default();
            (text("field"), text("code"))
        })
        .collect()
}

/// A row that is refused is explained by field, value and what is allowed, in the same words whatever
/// the format.
async fn a_row_is_refused_with_field_value_and_what_is_allowed(app: TestApp) {
    let analyst = app.role(Role::Analyst);
    let path = "/api/v1/observations/import";
    for (field, value, allowed) in [
        ("state", json!("nope"), "present, missing, not_stated"),
        ("numerator", json!("many"), "whole number"),
        ("numerator", json!(-1), ""),
        ("denominator", json!(1.5), ""),
        ("value", json!("x"), ""),
        ("period", json!("someday"), ""),
    ] {
        let mut row = json!({ "measure": "MSR-0001", "period": "2020-Q1" });
        row[field] = value.clone();
        let shown = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let names: Vec<&String> = row.as_object().expect("a row").keys().collect();
        let cells: Vec<String> = row
            .as_object()
            .expect("a row")
            .values()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect();
        let header: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
        let csv = format!("{}\n{}\n", header.join(","), cells.join(","));
        for (media_type, body) in [("application/x-ndjson", row.to_string()), ("text/csv", csv)] {
            let reply = analyst
                .ask("POST", path)
                .body(media_type, body)
                .send()
                .await;
            let done = reply.status(200).json();
            let error = &done["errors"][0];
            assert_eq!(error["field"], field, "{media_type} {value}: {done:#}");
            let detail = error["detail"].as_str().expect("a detail");
            assert!(detail.contains(&shown), "{media_type} {value}: {detail}");
            if media_type == "text/csv" || !allowed.contains("whole") {
                assert!(detail.contains(allowed), "{media_type} {value}: {detail}");
            }
            for foreign in ["expected", "variant", "invalid type", "u64", "line 1"] {
                assert!(!detail.contains(foreign), "{media_type} {value}: {detail}");
            }
        }
    }
    for (row, expected) in [
        (
            r#"{"measure":"M","period":"2020-Q1","period":"2020-Q2"}"#,
            ("period", "duplicate"),
        ),
        (
            r#"{"measure":"M","period":"2020-Q1","colour":"red"}"#,
            ("colour", "unknown_field"),
        ),
        (r#"["measure"]"#, ("", "type")),
        (r#"{"measure":"#, ("", "invalid")),
    ] {
        let ask = analyst.ask("POST", path).body("application/x-ndjson", row);
        let done = ask.send().await.status(200).json();
        assert_eq!(faults(&done), [expected], "{row}");
    }
}

/// The framework gives only the first head on a connection its time.
async fn a_later_head_that_does_not_end_is_cut_off(app: TestApp) {
    use std::io::{Read as _, Write as _};
    use std::time::{Duration, Instant};
    let address = app.client.base.trim_start_matches("http://").to_owned();
    let connections = app.service.connections.clone();
    let ask = move || {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        let mut answer = [0; 4_096];
        let whole = b"GET /livez HTTP/1.1\r\nHost: stride\r\n\r\n";
        let mut take = |stream: &mut TcpStream| stream.read(&mut answer).map_err(|e| e.kind());
        stream.write_all(whole).expect("it is sent");
        assert_ne!(take(&mut stream), Ok(0));
        // Nothing happens, and nothing is wrong with that yet.
        let almost = connections.silence() - Duration::from_secs(60);
        connections.sweep(Instant::now() + almost);
        stream.write_all(whole).expect("it is sent");
        assert_ne!(take(&mut stream), Ok(0));
        stream.write_all(&whole[..20]).expect("it is sent");
        connections.sweep(Instant::now() + connections.silence());
        assert_eq!(take(&mut stream), Ok(0), "it is closed");
    };
    actix_web::web::block(ask).await.expect("it is asked");
}

on_both!(
    a_later_head_that_does_not_end_is_cut_off,
    conditions_on_reads_are_those_of_rfc_9110,
    a_range_comes_after_the_conditions,
    a_compressed_body_is_refused,
    a_member_given_twice_is_named,
    what_may_contain_marked_records_is_not_stored,
    a_text_file_says_its_charset,
    the_frameworks_own_refusals_are_problems,
    a_silent_body_is_given_up,
    one_account_cannot_use_up_all_uploads,
    bodies_have_their_share_of_memory,
    a_body_without_a_token_is_small,
    a_base_path_is_in_every_url,
    documents_and_pages_have_an_etag,
    a_row_is_refused_with_field_value_and_what_is_allowed,
);
