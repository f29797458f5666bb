//! Metrics: each moves when what it counts happens, none says who or what was asked for, and the
//! dashboard, the alerts and the README name only those that are served.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use stride::app::{self, metrics_text};
use stride::config::Serving;
use stride::documents::Documents;
use stride::engine::{Outcome, Write};
use stride::policy::Role;
use stride::problem::Shed;
use stride::registers::catalogue;
use uuid::Uuid;

use crate::support::client::JSON;
use crate::support::maker::Maker;
use crate::support::{TestApp, some};

/// Every series with its value.
fn series(app: &TestApp) -> BTreeMap<String, f64> {
    let text = metrics_text(&app.service);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

fn value(app: &TestApp, name: &str) -> f64 {
    series(app).get(name).copied().unwrap_or_default()
}

/// What metrics are called: the first column of their `# TYPE`.
fn families(app: &TestApp) -> BTreeSet<String> {
    let text = metrics_text(&app.service);
    let types = text.lines().filter_map(|l| l.strip_prefix("# TYPE "));
    types
        .map(|t| t.split(' ').next().expect("a name").to_owned())
        .collect()
}

async fn with(app: &TestApp, adjust: impl FnOnce(&mut Serving)) -> TestApp {
    TestApp::on(Arc::clone(&app.store), app.backend, |config| {
        adjust(&mut config.serving);
    })
    .await
}

/// Does something, and checks that these series have grown.
async fn moves(app: &TestApp, cause: &str, expected: &[&str], done: impl Future<Output = ()>) {
    let before = series(app);
    done.await;
    for name in some(expected) {
        let old = before.get(*name).copied().unwrap_or_default();
        // What a thread counts after its answer may be a moment later.
        let mut tries = 0;
        while value(app, name) <= old {
            tries += 1;
            assert!(tries < 10_000, "{cause}: {name} remains {old}");
            tokio::task::yield_now().await;
        }
    }
}

async fn a_metric_moves_when_its_cause_happens(app: TestApp) {
    let admin = app.role(Role::Administrator);
    let unit = json!({ "title": "A unit", "unit_kind": "unit" });
    let units = "/api/v1/units";
    moves(
        &app,
        "a read",
        &[
            "stride_http_requests_total{operation=\"listUnits\",status=\"200\"}",
            "stride_http_request_duration_seconds_count{operation=\"listUnits\"}",
            "stride_cache_misses_total{cache=\"tokens\"}",
            "stride_cache_entries{cache=\"tokens\"}",
        ],
        async {
            admin.get(units).await.status(200);
        },
    )
    .await;
    moves(
        &app,
        "a read with the same token",
        &["stride_cache_hits_total{cache=\"tokens\"}"],
        async {
            admin.get(units).await.status(200);
        },
    )
    .await;
    moves(
        &app,
        "a change",
        &[
            "stride_http_requests_total{operation=\"createUnit\",status=\"201\"}",
            "stride_writer_batch_changes_count",
            "stride_writer_batch_duration_seconds_count",
            "stride_writer_journal_sequence",
            "stride_journal_sequence",
            "stride_records{kind=\"unit\"}",
            "stride_follower_catch_up_duration_seconds_count",
            "stride_follower_last_success_timestamp_seconds",
        ],
        async {
            admin.post(units, &unit).await.status(201);
            admin.get(units).await.status(200);
        },
    )
    .await;
    let nobody = app.client.with_token("no token");
    let refusals = [
        ("GET", "/elsewhere", 404, "none"),
        ("DELETE", "/livez", 405, "none"),
        ("GET", "/api/v1/units?colour=red", 400, "listUnits"),
        ("GET", "/api/v1/units/UNT-9999", 404, "getUnit"),
    ];
    for (method, path, status, operation) in some(refusals) {
        let total =
            format!("stride_http_requests_total{{operation=\"{operation}\",status=\"{status}\"}}");
        moves(&app, path, &[&total], async {
            let reply = admin.ask(method, path).send_unchecked().await;
            reply.status(status);
        })
        .await;
    }
    moves(
        &app,
        "a string that is not a token",
        &["stride_http_requests_total{operation=\"listUnits\",status=\"401\"}"],
        async {
            nobody.get(units).await.status(401);
        },
    )
    .await;
    let past = format!(
        "{units}?as_of={}",
        (chrono::Utc::now() - chrono::TimeDelta::days(1)).format("%Y-%m-%d")
    );
    for (hit, view) in [("misses", past.as_str()), ("hits", past.as_str())] {
        let name = format!("stride_cache_{hit}_total{{cache=\"past_worlds\"}}");
        moves(&app, "the past", &[&name], async {
            // An answer that is cached itself would not ask for the world again.
            let ask = format!("{view}&limit={}", hit.len());
            admin.get(&ask).await.status(200);
        })
        .await;
    }
    for hit in ["misses", "hits"] {
        let name = format!("stride_cache_{hit}_total{{cache=\"answers\"}}");
        moves(&app, "a view", &[&name], async {
            admin.get("/api/v1/gaps").await.status(200);
        })
        .await;
    }
}

async fn a_job_is_counted_by_its_end(app: TestApp) {
    let admin = app.role(Role::Administrator);
    let good = json!({ "kind": "unit", "op": "create", "record": { "title": "A unit", "unit_kind": "unit" } });
    let bad = json!({ "kind": "unit", "op": "create", "record": { "titel": "A unit" } });
    for (operations, state) in [
        (vec![&good], "succeeded"),
        (vec![&good, &bad], "partly_succeeded"),
        (vec![&bad], "failed"),
    ] {
        let name = format!("stride_jobs_finished_total{{state=\"{state}\"}}");
        moves(&app, state, &[&name], async {
            let job = json!({ "operations": operations });
            let job = admin.post("/api/v1/jobs", &job).await;
            let job = job.status(202).header("location").to_owned();
            while admin.get(&job).await.json()["finished_at"].is_null() {}
        })
        .await;
    }
    for state in ["queued", "running"] {
        let name = format!("stride_jobs{{state=\"{state}\"}}");
        assert_eq!(value(&app, &name), 0.0, "{name}");
    }
}

async fn every_limit_that_is_met_is_counted(app: TestApp) {
    let maker = Maker::new(&app);
    let document = maker.make_named("document").await;
    let versions = format!("{}/versions", document.path);
    let unit = json!({ "title": "A unit", "unit_kind": "unit" });
    let owner = app.operator();
    let mut counted = BTreeSet::new();
    for limit in Shed::ALL {
        let app = with(&app, |serving| match limit {
            Shed::Connections => serving.connections_per_address = 2,
            Shed::Rate => serving.rate_limit = 1,
            Shed::BodySize => serving.body_limit = 10,
            Shed::BodyIdle => serving.body_idle_seconds = 1,
            Shed::Time => serving.request_seconds = 0,
            Shed::Uploads => serving.uploads = 1,
            Shed::BodyMemory => serving.body_memory = 10,
            _ => {}
        })
        .await;
        let admin = app.role(Role::Administrator);
        let name = format!(
            "stride_http_requests_shed_total{{limit=\"{}\"}}",
            limit.name()
        );
        moves(&app, limit.name(), &[&name], async {
            match limit {
                Shed::Connections => {
                    let address = admin.base.trim_start_matches("http://");
                    let _held = [(); 4].map(|()| TcpStream::connect(address));
                    while value(&app, &name) == 0.0 {
                        tokio::task::yield_now().await;
                    }
                }
                Shed::Rate => while admin.get("/api/v1/units").await.status != 429 {},
                Shed::SignIn => {
                    let wrong = json!({ "login": "nobody", "password": "wrong" });
                    while admin.post("/auth/login", &wrong).await.status != 429 {}
                }
                Shed::Uploads => {
                    let _one = app.documents.admit(owner).expect("a place");
                    let client = app.role(Role::StrategyManager);
                    let ask = client.ask("POST", &versions);
                    ask.body("application/pdf", "%PDF-1.7")
                        .send()
                        .await
                        .status(429);
                }
                Shed::Jobs => {
                    let reserve = || app.jobs.reserve(owner);
                    let _held: Vec<_> = std::iter::from_fn(|| reserve().ok()).collect();
                    let job = json!({ "operations": [] });
                    admin.post("/api/v1/jobs", &job).await.status(429);
                }
                Shed::WriterQueue => {
                    let (waiting, done) = writer_blocked(&app).await;
                    // Any number that is more than may wait.
                    let write = || app.service.engine.write(dry(), |_| Ok(Outcome::default()));
                    let many: Vec<_> = (0..1_024).map(|_| Box::pin(write())).collect();
                    let many = join_all(many);
                    let refused = async {
                        tokio::task::yield_now().await;
                        while value(&app, "stride_writer_queue_length") < 1_024.0 {
                            tokio::task::yield_now().await;
                        }
                        admin.post("/api/v1/units", &unit).await.status(503);
                        waiting.send(()).expect("the writer waits");
                    };
                    let (all, ()) = tokio::join!(many, refused);
                    assert!(some(&all).all(Result::is_ok));
                    done.await.expect("it ran").expect("it is written");
                    assert_eq!(value(&app, "stride_writer_queue_length"), 0.0);
                }
                Shed::ReaderQueue => {
                    let (ends, told) = channel::<()>();
                    let told = Arc::new(Mutex::new(told));
                    let begun = Arc::new(AtomicUsize::new(0));
                    let read = || {
                        let (told, begun) = (Arc::clone(&told), Arc::clone(&begun));
                        Box::pin(app.service.engine.read(move |_| {
                            begun.fetch_add(1, Ordering::SeqCst);
                            let _ = told.lock().map(|told| told.recv());
                            Ok(())
                        }))
                    };
                    let being_read = join_all((0..2).map(|_| read()));
                    let refused = async {
                        while begun.load(Ordering::SeqCst) < 2 {
                            tokio::task::yield_now().await;
                        }
                        let waiting = join_all((0..256).map(|_| read()));
                        let refused = async {
                            while value(&app, "stride_reader_queue_length") < 256.0 {
                                tokio::task::yield_now().await;
                            }
                            let history = format!("{}/history", document.path);
                            admin.get(&history).await.status(503);
                            drop(ends);
                        };
                        tokio::join!(waiting, refused)
                    };
                    let (first, (others, ())) = tokio::join!(being_read, refused);
                    assert!(some(first.iter().chain(&others)).all(Result::is_ok));
                    assert_eq!(value(&app, "stride_reader_queue_length"), 0.0);
                }
                Shed::BodySize => {
                    admin.post("/api/v1/units", &unit).await.status(413);
                }
                Shed::BodyMemory => {
                    let large = format!("{unit}{}", " ".repeat(9 * 1024));
                    let ask = admin.ask("POST", "/api/v1/units").body(JSON, large);
                    ask.send().await.status(429);
                }
                Shed::Exports => {
                    let place = || app.service.large.admit(owner).ok();
                    let _held: Vec<_> = std::iter::from_fn(place).collect();
                    admin.get("/api/v1/units?format=csv").await.status(429);
                }
                Shed::BodyIdle => silent(&admin.base, &admin.token).await,
                Shed::Time => {
                    // On a busy machine the change may be done before the clock is asked.
                    let mut reply = admin.post("/api/v1/units", &unit).await;
                    for _ in 0..20 {
                        if reply.status == 503 {
                            break;
                        }
                        reply = admin.post("/api/v1/units", &unit).await;
                    }
                    reply.status(503);
                }
            }
        })
        .await;
        counted.insert(limit.name());
    }
    assert_eq!(counted.len(), Shed::ALL.len());
}

fn dry() -> Write {
    Write {
        dry_run: true,
        ..Write::system(Uuid::nil(), "test")
    }
}

type Done = tokio::task::JoinHandle<Result<Outcome, stride::problem::Problem>>;

/// Keeps the writer busy until it is told.
async fn writer_blocked(app: &TestApp) -> (Sender<()>, Done) {
    let (end, told) = channel::<()>();
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let engine = Arc::clone(&app.service.engine);
    let done = actix_web::rt::spawn(async move {
        let work = engine.write(dry(), move |_| {
            let _ = began.send(());
            let _ = told.recv();
            Ok(Outcome::default())
        });
        work.await
    });
    has_begun.await.expect("it begins");
    (end, done)
}

/// Sends a head without a body, and waits for the answer.
async fn silent(base: &str, token: &Option<String>) {
    use std::io::{Read as _, Write as _};
    let address = base.trim_start_matches("http://").to_owned();
    let token = token.clone().unwrap_or_default();
    let ask = move || {
        let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
        let head = format!(
            "POST /api/v1/units HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    };
    actix_web::web::block(ask).await.expect("an answer");
}

/// What is under way is counted as long as it is.
async fn requests_and_connections_are_counted_while_they_last(app: TestApp) {
    use std::io::Write as _;
    let admin = app.role(Role::Administrator);
    let address = admin.base.trim_start_matches("http://").to_owned();
    let token = admin.token.clone().expect("a token");
    let (flying, open) = ("stride_http_requests_in_flight", "stride_http_connections");
    assert_eq!((value(&app, flying), value(&app, open)), (0.0, 0.0));
    let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "POST /api/v1/units HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    let until = async |expected: (f64, f64)| {
        while (value(&app, flying), value(&app, open)) != expected {
            tokio::task::yield_now().await;
        }
    };
    until((1.0, 1.0)).await;
    drop(stream);
    until((0.0, 0.0)).await;
}

/// Labels are words of the source. Whatever callers send, there are no more series.
async fn no_label_says_who_or_what_was_asked_for(app: TestApp) {
    let admin = app.role(Role::Administrator);
    let unit = json!({ "reference": "SECRET-1", "title": "A unit", "unit_kind": "unit" });
    admin.post("/api/v1/units", &unit).await.status(201);
    let ask = async |n: usize| {
        for path in [
            format!("/elsewhere/{n}"),
            format!("/api/v1/units/SECRET-{n}"),
            format!("/api/v1/units?q=secret{n}"),
        ] {
            let request = admin.ask("GET", &path);
            request
                .header("x-request-id", &format!("id-{n}"))
                .send_unchecked()
                .await;
        }
    };
    for n in 0..2 {
        ask(n).await;
    }
    let names = |app: &TestApp| series(app).into_keys().collect::<BTreeSet<_>>();
    let before = names(&app);
    for n in 2..20 {
        ask(n).await;
    }
    assert_eq!(names(&app), before);

    let words = Words::new();
    for name in some(&before) {
        let labels = name
            .split_once('{')
            .map_or("", |(_, l)| l.trim_end_matches('}'));
        for label in labels.split(',').filter(|l| !l.is_empty()) {
            let (label, value) = label.split_once('=').expect("a label");
            assert!(words.has(label, value.trim_matches('"')), "{name}");
        }
    }
}

/// What a label may say.
struct Words(BTreeMap<&'static str, BTreeSet<String>>);

impl Words {
    fn new() -> Self {
        let parts = app::Parts::with(Documents::in_memory(), "");
        let operations = app::operations(&parts).into_iter().map(|o| o.id);
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Self(BTreeMap::from([
            ("operation", operations.chain(["none".into()]).collect()),
            (
                "kind",
                (catalogue().kinds().iter())
                    .map(|k| k.name.to_owned())
                    .collect(),
            ),
            (
                "limit",
                Shed::ALL.iter().map(|l| l.name().to_owned()).collect(),
            ),
            ("cache", owned(&["answers", "tokens", "past_worlds"])),
            ("connection", owned(&["writer", "reader", "follower"])),
            (
                "state",
                owned(&[
                    "queued",
                    "running",
                    "succeeded",
                    "partly_succeeded",
                    "failed",
                    "cancelled",
                ]),
            ),
            ("version", owned(&[env!("CARGO_PKG_VERSION")])),
        ]))
    }

    fn has(&self, label: &str, value: &str) -> bool {
        match label {
            "status" => value == "other" || value.parse::<u16>().is_ok(),
            "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
            _ => self.0.get(label).is_some_and(|words| words.contains(value)),
        }
    }

    /// Values that queries select by and that no metric has.
    fn unknown(&self, queries: &str) -> Vec<String> {
        // A label of Prometheus' own, which ends with the name of one here.
        let queries = queries.replace("alertstate", "");
        let of = |label: &'static str| {
            let after = queries.split(label).skip(1);
            let values = after.filter_map(|rest| {
                let rest = rest.trim_start_matches(['=', '!', '~']);
                rest.strip_prefix('"')?.split('"').next()
            });
            values
                .flat_map(|all| all.split('|'))
                // A variable of the dashboard, or everything.
                .filter(move |value| !value.contains(['$', '.']) && !self.has(label, value))
                .map(move |value| format!("{label}={value}"))
        };
        self.0.keys().copied().flat_map(of).collect()
    }
}

/// Names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c))
        .filter(|word| {
            ["stride_", "process_"]
                .iter()
                .any(|p| word.len() > p.len() && word.starts_with(p))
        })
        .map(str::to_owned)
        .collect()
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every query of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    match dashboard {
        Value::Object(fields) => (fields.iter())
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "expr" || name == "query" => vec![text.clone()],
                value => queries(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

async fn dashboard_alerts_and_readme_name_what_is_served(app: TestApp) {
    let admin = app.role(Role::Administrator);
    admin.get("/api/v1/units").await.status(200);
    let (families, words) = (families(&app), Words::new());
    let is_served = |name: &str| {
        let of = ["_bucket", "_sum", "_count"];
        let mut without = of.iter().filter_map(|end| name.strip_suffix(end));
        families.contains(name) || without.any(|name| families.contains(name))
    };
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana.json")).expect("JSON");
    let queries = queries(&dashboard).join("\n");
    for (path, text) in [
        ("deploy/grafana.json", queries.as_str()),
        ("deploy/alerts.yml", &file("deploy/alerts.yml")),
        ("deploy/alerts_test.yml", &file("deploy/alerts_test.yml")),
        ("README.md", &file("README.md")),
    ] {
        let names = named(text);
        assert!(names.len() >= 10, "{path} names {} metrics", names.len());
        let unknown: Vec<_> = names.iter().filter(|name| !is_served(name)).collect();
        assert!(
            unknown.is_empty(),
            "{path} names what is not served: {unknown:?}"
        );
        // README is no query.
        let unknown = if path == "README.md" {
            Vec::new()
        } else {
            words.unknown(text)
        };
        assert!(unknown.is_empty(), "{path} selects by {unknown:?}");
    }
    let shown = named(&queries);
    let described = named(&file("README.md"));
    let is_in = |names: &BTreeSet<String>, family: &String| {
        names.iter().any(|name| name.starts_with(family.as_str()))
    };
    for family in some(families.iter().filter(|f| f.starts_with("stride_"))) {
        assert!(
            is_in(&shown, family),
            "deploy/grafana.json does not show {family}"
        );
        assert!(
            is_in(&described, family),
            "README.md does not describe {family}"
        );
    }
}

crate::on_both!(
    a_metric_moves_when_its_cause_happens,
    a_job_is_counted_by_its_end,
    every_limit_that_is_met_is_counted,
    requests_and_connections_are_counted_while_they_last,
    no_label_says_who_or_what_was_asked_for,
    dashboard_alerts_and_readme_name_what_is_served,
);
