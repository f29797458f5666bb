//! The service, started as `main` starts it, on a port and a database of its own.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use stride::access::Held;
use stride::access::tokens::Subject;
use stride::app::Application;
use stride::config::{Config, Issuing, Place, Serving};
use stride::documents::Documents;
use stride::http::service::Service;
use stride::jobs::Jobs;
use stride::policy::{Act, Role, allows};
use stride::world::Kind;
use strum::VariantArray;
use uuid::Uuid;

use super::client::Client;
use super::postgres::{self, Database};

/// The database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Where a test's data lies; it goes with the test.
pub enum Store {
    Sqlite(tempfile::TempDir),
    /// The database, and a folder for what does not lie in it.
    Postgres(Database, tempfile::TempDir),
}

impl Store {
    /// An empty, migrated database; why there is none.
    pub fn new(backend: Backend) -> Result<Self, &'static str> {
        let folder = tempfile::tempdir().expect("a folder for the test");
        match backend {
            Backend::Sqlite => Ok(Self::Sqlite(folder)),
            Backend::Postgres => postgres::server().map(|s| Self::Postgres(s.database(), folder)),
        }
    }

    /// URL.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => {
                format!("sqlite://{}", folder.path().join("stride.db").display())
            }
            Self::Postgres(database, _) => database.url(),
        }
    }

    /// Where files are kept.
    pub fn documents(&self) -> PathBuf {
        let (Self::Sqlite(folder) | Self::Postgres(_, folder)) = self;
        folder.path().join("documents")
    }
}

/// Runs a test on one backend. Without PostgreSQL its tests say so, and fail where it is required.
pub fn run<F: Future<Output = ()>>(backend: Backend, test: impl FnOnce(TestApp) -> F) {
    let Some(store) = store_for(backend) else {
        return;
    };
    actix_web::rt::System::new().block_on(async move {
        test(TestApp::on(store, backend, |_| {}).await).await;
    });
}

/// A database to test on, or `None` after saying that the test is skipped.
pub fn store_for(backend: Backend) -> Option<Store> {
    match Store::new(backend) {
        Ok(store) => Some(store),
        Err(why) => {
            let required = std::env::var("STRIDE_TEST_REQUIRE_POSTGRES").is_ok_and(|v| v == "1");
            assert!(!required, "PostgreSQL is required and not to be had: {why}");
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            // Not `eprintln!`, which the test harness would keep to itself.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr().lock(), "SKIPPED {test}: {why}");
            None
        }
    }
}

/// A running service.
pub struct TestApp {
    pub service: Arc<Service>,
    pub documents: Arc<Documents>,
    pub jobs: Arc<Jobs>,
    pub backend: Backend,
    pub client: Client,
    handle: ServerHandle,
    pub store: Arc<Store>,
}

impl TestApp {
    /// Starts the service on a new database, without example data and without rate limits.
    pub async fn start(backend: Backend) -> Option<Self> {
        Some(Self::on(store_for(backend)?, backend, |_| {}).await)
    }

    /// Starts it on this database, with settings of the test's own.
    pub async fn on(
        store: impl Into<Arc<Store>>,
        backend: Backend,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        let store: Arc<Store> = store.into();
        let mut serving = Serving::defaults();
        serving.bind = ([127, 0, 0, 1], 0).into();
        serving.no_example = true;
        serving.rate_limit = 0;
        serving.workers = 1;
        serving.shutdown_seconds = 1;
        serving.metrics_bind = None;
        let mut config = Config {
            place: Place {
                data_dir: PathBuf::from("unused"),
                database_url: Some(store.url()),
                store: Some(store.documents().to_string_lossy().into_owned()),
                waits: Default::default(),
            },
            issuing: Issuing {
                issuer: "stride".into(),
                audience: "stride".into(),
            },
            serving,
        };
        adjust(&mut config);
        let app = Application::build(config)
            .await
            .unwrap_or_else(|e| panic!("the service does not start: {e}"));
        let client = Client {
            // No proxy of the surroundings may stand between a test and its service.
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            base: format!("http://{}", app.address),
            token: None,
        };
        let (service, handle) = (Arc::clone(&app.service), app.handle());
        let (documents, jobs) = (
            Arc::clone(&app.parts.documents),
            Arc::clone(&app.parts.jobs),
        );
        actix_web::rt::spawn(app.run());
        Self {
            service,
            documents,
            jobs,
            backend,
            client,
            handle,
            store,
        }
    }

    /// Another process on the same database.
    pub async fn replica(&self) -> Self {
        Self::on(Arc::clone(&self.store), self.backend, |_| {}).await
    }

    /// Stops it and waits until it has stopped.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }

    /// The account in whose name `stride token` acts.
    pub fn operator(&self) -> Uuid {
        stride::access::accounts::operator(&self.service.engine.now()).expect("an operator")
    }

    /// A caller with exactly this.
    pub fn holding(&self, held: Held) -> Client {
        let subject = Subject {
            account: self.operator(),
            client_id: "tests".into(),
            read_only: false,
            acting_as: Some(held),
        };
        self.with(&subject)
    }

    /// A caller with a token for this.
    pub fn with(&self, subject: &Subject) -> Client {
        self.client
            .with_token(&self.service.tokens.issue(subject).expect("a token"))
    }

    /// A caller with a role in the whole organisation, not cleared for official_sensitive.
    pub fn role(&self, role: Role) -> Client {
        self.holding(Held {
            role,
            scope: None,
            official_sensitive: false,
        })
    }

    /// A caller with a role within a scope.
    pub fn scoped(&self, role: Role, scope: Uuid) -> Client {
        self.holding(Held {
            role,
            scope: Some(scope),
            official_sensitive: false,
        })
    }

    /// A caller who may do everything with records of this kind, marked ones too.
    pub fn keeper(&self, kind: &Kind) -> Client {
        self.holding(Held {
            role: keeping(kind),
            scope: None,
            official_sensitive: true,
        })
    }

    /// The same, without the marked ones.
    pub fn uncleared_keeper(&self, kind: &Kind) -> Client {
        self.role(keeping(kind))
    }

    /// Number of the last journal entry.
    pub async fn seq(&self) -> i64 {
        self.service.engine.fresh().await.expect("the world").seq
    }
}

/// The role that may do everything with records of this kind.
pub fn keeping(kind: &Kind) -> Role {
    Role::VARIANTS
        .iter()
        .copied()
        .find(|r| {
            Act::VARIANTS
                .iter()
                .all(|act| allows(*r, kind.subject, *act))
        })
        .unwrap_or_else(|| panic!("no role may do everything with {}", kind.path))
}
