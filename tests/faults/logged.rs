//! The log: a line for every request, with account, address and outcome, which stays a line whatever
//! is sent.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::{Backend, Database};
use crate::lists::some;
use crate::server::{Client, Document, Server, run_with};

/// A running service, its log, and an administrator.
struct Logged {
    database: Database,
    server: Server,
    file: tempfile::NamedTempFile,
}

impl Logged {
    fn start(backend: Backend, format: &str) -> Option<Self> {
        let database = Database::new(backend)?;
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = [("RUST_LOG", "info"), ("STRIDE_LOG_FORMAT", format)];
        let server = Server::logging(&database, &settings, file.reopen().unwrap());
        Some(Self {
            database,
            server,
            file,
        })
    }

    /// Ends the service, which writes out the log; the lines of it.
    fn lines(mut self) -> Vec<String> {
        self.server.terminate();
        assert!(self.server.wait().success());
        let text = std::fs::read_to_string(self.file.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// Sends bytes as they are; what came back.
fn raw(server: &Server, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Values that would end a line, forge a field, or break a parser.
const HOSTILE: [&str; 8] = [
    "x request_id=forged status=200",
    "\"} {\"level\":\"ERROR\"}",
    "a\\nb\\",
    "%0A%0D%00",
    "\u{1b}[31m",
    "\t\u{2028}\u{85}",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 account=forged",
    "\u{202e}gnp.exe",
];

/// Headers that the service reads.
const HEADERS: [&str; 12] = [
    "traceparent",
    "X-Request-Id",
    "X-Forwarded-For",
    "Authorization",
    "User-Agent",
    "Accept",
    "Accept-Encoding",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "Content-Type",
    "Content-Encoding",
];

async fn every_line_can_be_parsed_whatever_is_sent(backend: Backend) {
    for format in ["json", "plain"] {
        let Some(logged) = Logged::start(backend, format) else {
            return;
        };
        let client = Client::administrator(&logged.database, &logged.server);
        let mut sent = 0;
        for value in HOSTILE {
            for header in HEADERS {
                for path in ["/api/v1/units", "/nothing", "/oauth/token"] {
                    let authorization = format!("Authorization: Bearer {}\r\n", client.token);
                    let authorization = if header == "Authorization" {
                        ""
                    } else {
                        &authorization
                    };
                    let head = format!(
                        "POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}{header}: {value}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
                    );
                    raw(&logged.server, head.as_bytes());
                    sent += 1;
                }
            }
            let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            for path in [
                format!("/api/v1/units/{escaped}"),
                format!("/{escaped}"),
                format!("/api/v1/units?q={escaped}"),
            ] {
                client.get(&path).await;
                sent += 1;
            }
            client
                .post("/auth/login", &json!({ "login": value, "password": value }))
                .await;
        }
        let lines = logged.lines();
        assert!(lines.len() > sent / 2, "{} lines", lines.len());
        for line in some(&lines) {
            assert!(
                !line.contains("forged status") && !line.contains("account=forged"),
                "{line}"
            );
            assert!(!line.chars().any(char::is_control), "{line:?}");
            if format == "json" {
                let fields: Value =
                    serde_json::from_str(line).unwrap_or_else(|e| panic!("not JSON: {e}\n{line}"));
                for field in ["at", "level", "target", "message"] {
                    assert!(fields[field].is_string(), "{line}");
                }
                if fields["message"] == "request" {
                    assert_eq!(fields["address"], "127.0.0.1", "{line}");
                    assert!(fields["status"].is_u64(), "{line}");
                }
            }
        }
    }
}

/// Each sign-in and each refused call is in the log with account, address and outcome, and no secret
/// is.
async fn sign_ins_and_refused_calls_are_logged(backend: Backend) {
    let Some(logged) = Logged::start(backend, "json") else {
        return;
    };
    let admin = Client::administrator(&logged.database, &logged.server);
    let account = json!({ "account_kind": "person", "title": "A clerk" });
    let account = admin.create("/api/v1/accounts", &account).await;
    let id = account["id"].as_str().unwrap().to_owned();
    let password = "correct horse battery staple";
    let set = admin
        .request(Method::PUT, &format!("/api/v1/accounts/{id}/password"))
        .json(&json!({ "login": "a.clerk", "password": password }));
    assert_eq!(set.send().await.unwrap().status(), 204);
    let sign_in = |login: &str, password: &str| {
        let body = json!({ "login": login, "password": password });
        let admin = admin.clone();
        async move { admin.post("/auth/login", &body).await }
    };
    let (status, token) = sign_in("a.clerk", password).await;
    assert_eq!(status, 200, "{token}");
    assert_eq!(sign_in("a.clerk", "not the right one").await.0, 401);
    assert_eq!(sign_in("nobody", "whatever it may be").await.0, 401);
    let refresh = token["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    for expected in [200, 400] {
        let again = admin.request(Method::POST, "/oauth/token").form(&form);
        assert_eq!(again.send().await.unwrap().status(), expected);
    }
    let clerk = Client::new(
        &logged.server,
        token["access_token"].as_str().unwrap().to_owned(),
    );
    assert_eq!(clerk.get("/api/v1/units").await.0, 403);
    assert_eq!(admin.get("/api/v1/units/unknown").await.0, 404);
    assert_eq!(admin.get("/elsewhere").await.0, 404);
    let stranger = Client::new(&logged.server, "no token".into());
    assert_eq!(stranger.get("/api/v1/units").await.0, 401);

    let lines = logged.lines();
    let text = lines.join("\n");
    for secret in [password, "not the right one", refresh, &clerk.token] {
        assert!(!text.contains(secret), "the log has {secret}");
    }
    let lines: Vec<Value> = lines
        .iter()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    for (operation, status, outcome, account) in [
        ("login", 200, "ok", Some(id.as_str())),
        ("login", 401, "bad_credentials", Some(&id)),
        ("login", 401, "bad_credentials", None),
        ("requestToken", 200, "ok", Some(&id)),
        ("requestToken", 400, "invalid_grant", Some(&id)),
        ("listUnits", 403, "forbidden", Some(&id)),
        ("getUnit", 404, "not_found", None),
        ("listUnits", 401, "unauthenticated", None),
        ("", 404, "not_found", None),
    ] {
        let found = lines.iter().any(|l| {
            l["operation"].as_str().unwrap_or_default() == operation
                && l["status"] == status
                && l["outcome"] == outcome
                && l["address"] == "127.0.0.1"
                && account.is_none_or(|account| l["account"] == account)
        });
        assert!(
            found,
            "{operation} {status} {outcome} {account:?} in\n{text}"
        );
    }
}

/// A line says what was asked by names of the source, what came of it, and how long it took. What a
/// caller filled in is not in it.
async fn a_line_has_the_fields_of_its_request(backend: Backend) {
    let Some(logged) = Logged::start(backend, "json") else {
        return;
    };
    let admin = Client::administrator(&logged.database, &logged.server);
    let unit = json!({ "reference": "UNIT-SECRET", "title": "Secret", "unit_kind": "unit" });
    let id = admin.create("/api/v1/units", &unit).await["id"].clone();
    let id = id.as_str().unwrap();
    let nobody = Client::new(&logged.server, "no token".into());
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let mut expected = vec![(
        "POST".into(),
        "createUnit",
        "/api/v1/units".to_owned(),
        201,
        true,
    )];
    for (client, method, path, operation, template, status) in [
        (
            &admin,
            "GET",
            format!("/api/v1/units/{id}"),
            "getUnit",
            "/api/v1/units/{id}",
            200,
        ),
        (
            &admin,
            "GET",
            "/api/v1/units?q=Secret".into(),
            "listUnits",
            "/api/v1/units",
            200,
        ),
        (
            &admin,
            "GET",
            "/api/v1/units?secret=1".into(),
            "listUnits",
            "/api/v1/units",
            400,
        ),
        (
            &nobody,
            "GET",
            "/api/v1/units".into(),
            "listUnits",
            "/api/v1/units",
            401,
        ),
        (
            &admin,
            "DELETE",
            format!("/api/v1/units/{id}/history"),
            "",
            "/api/v1/units/*/history",
            405,
        ),
        (
            &admin,
            "GET",
            format!("/api/v1/unitz/{id}"),
            "",
            "/api/v1/unitz/*",
            404,
        ),
        (
            &admin,
            "GET",
            "/Secret%20Name/%0A%1B".into(),
            "",
            "/*/*",
            404,
        ),
        (
            &admin,
            "POST",
            "/api/v1/units".into(),
            "createUnit",
            "/api/v1/units",
            400,
        ),
    ] {
        let request = client.request(method.parse().unwrap(), &path);
        let request = request
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
            .header("content-type", "application/json");
        let answer = request.body(if method == "POST" { "{" } else { "" });
        assert_eq!(answer.send().await.unwrap().status(), status, "{path}");
        expected.push((
            method.to_owned(),
            operation,
            template.to_owned(),
            status,
            false,
        ));
    }
    let lines = logged.lines();
    let lines: Vec<Value> = lines
        .iter()
        .map(|l| serde_json::from_str(l).unwrap())
        .filter(|l: &Value| l["message"] == "request")
        .collect();
    for line in some(&lines) {
        let text = line.to_string();
        for hidden in ["SECRET", "Secret", "secret", id] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert!(line["duration_ms"].is_number(), "{line}");
        assert!(line["bytes"].as_u64().is_some_and(|n| n > 0), "{line}");
        assert!(line["request_id"].is_string(), "{line}");
    }
    for (method, operation, path, status, is_untraced) in some(expected) {
        let found = lines.iter().any(|l| {
            l["method"] == method
                && l["operation"].as_str().unwrap_or_default() == operation
                && l["path"] == path
                && l["status"] == status
                && (is_untraced || l["trace_id"] == trace)
        });
        assert!(found, "{method} {operation} {path} {status} in {lines:?}");
    }
    let timed = lines.iter().filter_map(|l| l["duration_ms"].as_f64());
    assert!(
        timed.clone().any(|ms| ms.fract() != 0.0),
        "whole milliseconds"
    );
    assert!(timed.max_by(f64::total_cmp).is_some_and(|ms| ms < 60_000.0));
}

/// A panic is a line like any other, also of a command. It is caused by threads that cannot have the
/// memory for their stacks.
#[tokio::test]
async fn a_panic_is_a_line() {
    let database = Database::new(Backend::Sqlite).unwrap();
    let store = tempfile::tempdir().unwrap();
    let mut settings = vec![("STRIDE_STORE", store.path().to_str().unwrap())];
    let server = Server::with(&database, &settings);
    let document = Document::new(&database, &server).await;
    assert_eq!(document.upload().await.0, 201);
    drop(server);
    let verify = ["verify", "--documents"];
    let output = run_with(&database, &settings, &verify);
    assert!(output.status.success(), "{output:?}");
    settings.push(("RUST_MIN_STACK", "4611686018427387904"));
    for format in ["json", "plain"] {
        settings.push(("STRIDE_LOG_FORMAT", format));
        let output = run_with(&database, &settings, &verify);
        assert!(!output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("panicked at"), "{text}");
        if format == "json" {
            let line: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                (&line["level"], &line["thread"]),
                (&json!("ERROR"), &json!("main"))
            );
        }
    }
}

on_both!(
    a_line_has_the_fields_of_its_request,
    every_line_can_be_parsed_whatever_is_sent,
    sign_ins_and_refused_calls_are_logged
);
