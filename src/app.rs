//! The whole service. `main` and the tests start it the same way.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use actix_cors::Cors;
use actix_web::body::EitherBody;
use actix_web::dev::{ServerHandle, Service as _, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, Uri};
use actix_web::middleware::{Compress, Condition};
use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::TryFutureExt;
use serde_json::Value;

use crate::access::issuers::Issuers;
use crate::access::tokens::Tokens;
use crate::config::{Config, Issuing};
use crate::db::store::{self, SigningKeyRow};
use crate::documents::{self, Documents};
use crate::engine::Engine;
use crate::http::answer_cache::AnswerCache;
use crate::http::connections::{Connection, Connections, KEEP_ALIVE};
use crate::http::large_answers::LargeAnswers;
use crate::http::limits::Limits;
use crate::http::operation::{Announced, Operation};
use crate::http::parameters::schema_ref;
use crate::http::resource::{BulkOp, BulkWithin};
use crate::http::routes::Routes;
use crate::http::service::Service;
use crate::http::{dispatch, openapi, resource};
use crate::jobs::{self, Jobs};
use crate::metrics::Held;
use crate::problem::{Code, Problem};
use crate::registers::catalogue;
use crate::system::discovery::RoleSource;
use crate::system::specification::Specification;
use crate::transfer::{self, first_start};
use crate::views::{self, KeptViews};
use crate::world::codes::{CodeBook, Codes};
use crate::world::schema::{self, Schemas};
use crate::world::vocabulary::{Term, Vocabulary, sentence_case};
use crate::world::{Kind, Table};
use crate::{auth, system};

/// An error at the start.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// What the operations of one room need and others do not.
pub struct Parts {
    pub documents: Arc<Documents>,
    pub jobs: Arc<Jobs>,
    pub kept: Arc<KeptViews>,
    /// Made when it is first asked for, so that the start does not wait for it.
    pub specification: Arc<Specification>,
}

impl Parts {
    /// Parts that keep these files and run nothing yet. Callers see every path after `prefix`.
    #[must_use]
    pub fn with(documents: Documents, prefix: &str) -> Self {
        Self {
            documents: Arc::new(documents),
            jobs: Arc::default(),
            kept: Arc::default(),
            specification: Arc::new(Specification::of(document_value, prefix)),
        }
    }
}

/// Every operation of the service, made.
#[must_use]
pub fn operations(parts: &Parts) -> Vec<Operation> {
    let all = announced(parts);
    let made = all.iter().map(|o| o.operation().as_ref().clone());
    made.collect()
}

/// Every operation of the service. Those of the registers are made when they are asked for.
fn announced(parts: &Parts) -> Vec<Announced> {
    let mut all = system::discovery::operations(&parts.specification);
    all.extend(system::specification::operations(&parts.specification));
    all.extend(auth::operations());
    all.extend(views::operations(&parts.kept));
    let mut all: Vec<Announced> = all.into_iter().map(Announced::from).collect();
    all.extend(catalogue().kinds().iter().flat_map(resource::operations));
    let mut rest = auth::people::operations();
    rest.extend(transfer::templates::operations());
    rest.extend(documents::operations(&parts.documents));
    rest.extend(transfer::import::operations());
    rest.extend(system::audit_log::operations());
    rest.extend(jobs::operations(&parts.jobs));
    rest.extend(transfer::calendar_feeds::operations());
    all.extend(rest.into_iter().map(Announced::from));
    all
}

/// How often the signing keys are read again.
const KEYS_EVERY: Duration = Duration::from_secs(10);

/// How often files that uploads left behind are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// The schemas that they use beyond those of the records.
const SCHEMAS: [fn(&mut Schemas); 11] = [
    auth::accounts::schemas,
    auth::people::schemas,
    auth::self_service::schemas,
    auth::sign_in::schemas,
    system::discovery::schemas,
    transfer::templates::schemas,
    transfer::import::schemas,
    system::audit_log::schemas,
    jobs::schemas,
    transfer::calendar_feeds::schemas,
    views::schemas,
];

/// Every vocabulary: what each code is called, and what it means.
#[must_use]
pub fn vocabularies() -> Vec<Vocabulary> {
    let mut all = crate::registers::vocabularies();
    all.extend(views::VOCABULARY.iter().map(|of| of()));
    all.extend(jobs::VOCABULARY.iter().map(|of| of()));
    all.push(Vocabulary::of::<BulkOp>());
    all.push(Vocabulary::of::<BulkWithin>());
    all.push(Vocabulary::of::<RoleSource>());
    all
}

/// The codes in an answer, by the name of its schema.
pub fn codes(schema: &str) -> &'static Codes {
    static BOOK: LazyLock<CodeBook> = LazyLock::new(|| {
        const KIND: &str = "RecordKind";
        let mut schemas = openapi::schemas(catalogue(), &SCHEMAS, &[]);
        // The document does not list the kinds each time that a record is named.
        let all = schemas.values_mut().filter_map(|s| s.get_mut("properties"));
        let text = |properties: &&mut Value| {
            let kind = properties.get("kind").and_then(|kind| kind.get("type"));
            kind.is_some_and(|kind| kind == "string")
        };
        for properties in all.filter(text) {
            schema::set(properties, "kind", schema_ref(KIND));
        }
        let mut vocabularies = vocabularies();
        vocabularies.push(Vocabulary {
            name: KIND.into(),
            terms: catalogue().kinds().iter().map(term).collect(),
        });
        CodeBook::new(schemas, vocabularies)
    });
    BOOK.of(schema)
}

/// A kind of record as a term.
fn term(kind: &Kind) -> Term {
    Term {
        code: kind.name.to_owned(),
        label: sentence_case(&resource::Names::of(kind).one).into(),
        description: kind.about,
    }
}

/// The OpenAPI document.
#[must_use]
pub fn document_value() -> serde_json::Value {
    let schemas: Schemas = openapi::schemas(catalogue(), &SCHEMAS, &vocabularies());
    let operations = operations(&Parts::with(Documents::in_memory(), ""));
    openapi::document(&operations, &schemas)
}

/// The same as text for people to read and compare.
#[must_use]
pub fn document() -> String {
    let mut text = serde_json::to_string_pretty(&document_value()).unwrap_or_default();
    text.push('\n');
    text
}

/// Issues and checks tokens with these keys.
///
/// # Errors
/// There is no usable key.
pub fn tokens(keys: &[SigningKeyRow], issuing: &Issuing) -> Result<Tokens, Problem> {
    Tokens::new(issuing.issuer.clone(), issuing.audience.clone(), keys)
}

/// The service, listening for requests.
pub struct Application {
    pub service: Arc<Service>,
    pub parts: Parts,
    pub address: SocketAddr,
    server: actix_web::dev::Server,
    metrics: Option<actix_web::dev::Server>,
}

/// Binds an address, or says which one cannot be had.
fn bound(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|e| {
        let said = format!(
            "cannot listen on {address}: {e}; name another with STRIDE_BIND or STRIDE_METRICS_BIND"
        );
        std::io::Error::new(e.kind(), said)
    })
}

impl Application {
    /// Opens the database, migrates it to this build's version, loads the example data if it is
    /// empty, and binds the address.
    ///
    /// # Errors
    /// The database or the address is unavailable, or the data cannot be loaded.
    pub async fn build(config: Config) -> Result<Self, StartError> {
        let began = Instant::now();
        stay_up_on_hangup()?;
        // Whatever can be wrong with the settings is found before anything is read or made.
        for bind in [Some(config.serving.bind), config.serving.metrics_bind]
            .into_iter()
            .flatten()
        {
            drop(bound(bind)?);
        }
        let documents = Documents::open(&config.place.store(), config.serving.uploads)?;
        let address = config.place.address()?;
        let engine = Engine::start(address, catalogue())?;
        let example = !config.serving.no_example && engine.now().seq == 0;
        let example = example
            .then(|| transfer::load::File::parse(transfer::load::EXAMPLE))
            .transpose()?;
        let has_example = example.is_some();
        if first_start::prepare(&engine, example).await? && has_example {
            log::info!(
                "loaded the example data: {} journal entries",
                engine.now().seq
            );
        }
        let linked = first_start::link_recommendations(&engine).await?;
        if linked > 0 {
            log::info!("linked {linked} controls to the recommendations that they named as text");
        }
        let tokens = tokens(&engine.read(store::signing_keys).await?, &config.issuing)?;
        let pseudonyms = engine
            .read(|c| store::secret(c, first_start::PSEUDONYMS))
            .await?;
        let pseudonyms = pseudonyms.ok_or("the database has no key for pseudonyms")?;
        let issuers = Issuers::load(
            config.serving.issuers.as_deref(),
            &config.issuing.issuer,
            &pseudonyms,
        )?;
        let parts = Parts::with(documents, config.serving.prefix());
        parts.jobs.start(&engine).await?;
        let service = Arc::new(Service {
            issuers,
            limits: Limits::new(config.serving.rate_limit, config.serving.body_memory),
            connections: Connections::new(&config.serving, &engine.metrics),
            metrics: Arc::clone(&engine.metrics),
            answers: AnswerCache::default(),
            large: Arc::new(LargeAnswers::new(&config.serving)),
            codes,
            engine,
            tokens,
            config,
        });
        let operations = announced(&parts).into_iter().map(Arc::new);
        let operations: Vec<Arc<Announced>> = operations.collect();
        let routes = Arc::new(Routes::new(&operations)?);
        // Worked out here, the first answer with labels does not hold up its thread for it.
        drop(actix_web::rt::task::spawn_blocking(|| codes("")));
        let listener = bound(service.config.serving.bind)?;
        let address = listener.local_addr()?;
        let server = listen(&service, routes, &operations, listener)?;
        let metrics = service
            .config
            .serving
            .metrics_bind
            .map(|bind| serve_metrics(&service, bind))
            .transpose()?;
        service.metrics.started(began);
        Ok(Self {
            service,
            parts,
            address,
            server,
            metrics,
        })
    }

    /// A handle that stops the service.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Answers requests until told to stop. Then finishes and answers the requests in progress, and
    /// closes the database.
    ///
    /// # Errors
    /// The server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let service = Arc::clone(&self.service);
        if let Some(metrics) = self.metrics {
            actix_web::rt::spawn(metrics);
        }
        let (engine, files) = (
            Arc::clone(&service.engine),
            Arc::clone(&self.parts.documents),
        );
        actix_web::rt::spawn(async move {
            loop {
                documents::sweep(&engine, &files).await;
                tokio::time::sleep(SWEEP_EVERY).await;
            }
        });
        let keeper = Arc::clone(&service);
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(KEYS_EVERY).await;
                let taken = match keeper.engine.read(store::signing_keys).await {
                    Ok(keys) => keeper.tokens.take(&keys, chrono::Utc::now()),
                    Err(away) => Err(away),
                };
                if let Err(e) = taken {
                    log::warn!("the signing keys could not be read again: {e}");
                }
            }
        });
        let sweeper = Arc::clone(&service);
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
                sweeper.limits.sweep();
                sweeper.connections.sweep(Instant::now());
            }
        });
        let result = self.server.await;
        self.parts.jobs.stop();
        service.engine.stop();
        result
    }
}

/// A hangup (SIGHUP) reopens nothing and ends nothing: there is no file to read again, and a terminal
/// that is closed does not end the service.
fn stay_up_on_hangup() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup())?;
        actix_web::rt::spawn(async move {
            while hangups.recv().await.is_some() {
                log::info!("SIGHUP does nothing: settings are read at the start");
            }
        });
    }
    Ok(())
}

fn listen(
    service: &Arc<Service>,
    routes: Arc<Routes>,
    operations: &[Arc<Announced>],
    listener: TcpListener,
) -> std::io::Result<actix_web::dev::Server> {
    let shared = Arc::clone(service);
    let serving = &service.config.serving;
    let has_origins = serving.cors_origins.iter().any(|o| !o.is_empty());
    let roots: Arc<[String]> = operations
        .iter()
        .map(|o| root(&o.path).to_owned())
        .collect();
    let connections = service.connections.clone();
    let server = HttpServer::new(move || {
        let (answering, asked, roots) =
            (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&roots));
        App::new()
            .wrap(Condition::new(has_origins, cors(&shared)))
            .wrap(Compress::default())
            // `identity` marks a body that must not be compressed (http/dispatch). Callers do not
            // need the header.
            .wrap_fn(|request, next| next.call(request).map_ok(without_identity))
            .configure(|config| dispatch::mount(config, &shared, &routes))
            // The last one is the outermost.
            .wrap_fn(move |request, next| {
                let service = Arc::clone(&answering);
                next.call(request)
                    .map_ok(move |response| in_own_words(&service, response))
            })
            .wrap_fn(move |mut request, next| {
                let activity = request.conn_data::<Connection>().map(Connection::asks);
                within_prefix(&mut request, asked.config.serving.prefix(), &roots);
                next.call(request).inspect_ok(move |_| {
                    if let Some(activity) = activity {
                        activity.note();
                    }
                })
            })
    })
    .on_connect(move |connection, kept| {
        kept.insert(connections.begin(connection));
    })
    .workers(usize::from(serving.workers))
    .tcp_nodelay(true)
    .shutdown_timeout(serving.shutdown_seconds)
    .client_request_timeout(Duration::from_secs(15))
    .keep_alive(KEEP_ALIVE)
    .server_hostname("stride")
    .listen(listener)?;
    Ok(server.run())
}

/// First segment of a path.
fn root(path: &str) -> &str {
    path.trim_start_matches('/')
        .split(['/', '{'])
        .next()
        .unwrap_or_default()
}

/// Takes the path of the public URL off a request. A proxy may take it off or not; both arrive at the
/// same operation.
fn within_prefix(request: &mut ServiceRequest, prefix: &str, roots: &[String]) {
    let rest = request.path().strip_prefix(prefix);
    let is_own = |rest: &&str| {
        !prefix.is_empty() && rest.starts_with('/') && roots.iter().any(|r| r == root(rest))
    };
    let Some(rest) = rest.filter(is_own) else {
        return;
    };
    let path_and_query = match request.query_string() {
        "" => rest.to_owned(),
        query => format!("{rest}?{query}"),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Puts a problem in place of an error that the framework answers in its own words: a preflight that
/// is refused, encodings none of which can be sent.
fn in_own_words<B>(
    service: &Service,
    response: ServiceResponse<B>,
) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response.headers().contains_key("api-version")
    {
        return response.map_into_left_body();
    }
    let problem = match status.as_u16() {
        400 if response.request().method() == Method::OPTIONS => Problem::new(
            Code::InvalidHeader,
            "pages of this origin may not send this request; the service accepts the origins in \
                STRIDE_CORS_ORIGINS, with the methods and headers that its operations document",
        ),
        406 => Problem::new(
            Code::NotAcceptable,
            "none of the encodings in Accept-Encoding can be sent; accept identity, gzip or zstd",
        ),
        413 => Problem::new(Code::PayloadTooLarge, Code::PayloadTooLarge.remedy()),
        500.. => Problem::internal(format!("the framework answered {status}")),
        _ => Problem::new(Code::MalformedBody, "the request cannot be read"),
    };
    let (request, _) = response.into_parts();
    let answer = dispatch::outside(service, &request, &problem);
    ServiceResponse::new(request, answer).map_into_right_body()
}

fn without_identity<B>(mut response: ServiceResponse<B>) -> ServiceResponse<B> {
    if response
        .headers()
        .get("content-encoding")
        .is_some_and(|e| e == "identity")
    {
        response.headers_mut().remove("content-encoding");
    }
    response
}

fn cors(service: &Service) -> Cors {
    let mut cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "accept",
            "if-match",
            "if-none-match",
            "idempotency-key",
            "x-request-id",
            "traceparent",
            "content-disposition",
            "content-digest",
            "repr-digest",
            "range",
            "if-range",
        ])
        .expose_headers([
            "etag",
            "link",
            "location",
            "retry-after",
            "ratelimit",
            "ratelimit-policy",
            "x-request-id",
            "api-version",
            "accept-ranges",
            "content-range",
            "content-disposition",
            "www-authenticate",
            "idempotency-replayed",
            "allow",
            "accept-patch",
            "accept-post",
        ])
        .max_age(3_600);
    for origin in service
        .config
        .serving
        .cors_origins
        .iter()
        .filter(|o| !o.is_empty())
    {
        cors = cors.allowed_origin(origin);
    }
    // For a page from another origin, the browser enforces the rule; the response itself is the
    // same.
    cors.block_on_origin_mismatch(false)
}

/// All metrics of the service, as Prometheus reads them.
#[must_use]
pub fn metrics_text(service: &Service) -> String {
    let world = service.engine.now();
    let kinds = world.catalogue().kinds().iter();
    service.metrics.text(Held {
        journal_seq: world.seq,
        records: kinds.map(|k| (k.name, world.table(k.index).map_or(0, Table::len))),
        caches: &[
            service.answers.state(),
            service.tokens.state(),
            service.engine.past_worlds(),
        ],
    })
}

fn serve_metrics(
    service: &Arc<Service>,
    bind: SocketAddr,
) -> std::io::Result<actix_web::dev::Server> {
    let shared = Arc::clone(service);
    let server = HttpServer::new(move || {
        let service = Arc::clone(&shared);
        let scrape = move || {
            let text = metrics_text(&service);
            async move {
                HttpResponse::Ok()
                    .content_type("text/plain; version=0.0.4")
                    .body(text)
            }
        };
        App::new().route("/metrics", web::get().to(scrape))
    })
    .workers(1)
    .disable_signals()
    .bind(bind)?;
    Ok(server.run())
}
