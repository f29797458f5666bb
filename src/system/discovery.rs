//! What a newcomer asks: is it there, what can it do, who am I, what does that problem mean, where is the documentation.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::caller::Held;
use crate::http::openapi::API_VERSION;
use crate::http::operation::{Access, Operation, Tag, schema_ref};
use crate::http::{Answer, Call};
use crate::policy::{Act, Role, Subject, allows};
use crate::problem::{Code, Problem};
use crate::world::schema::{Schemas, add_answer};

/// Whether the service is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(max_length = 10)]
    pub status: String,
}

/// What runs here.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// `stride`.
    #[schema(max_length = 40)]
    pub service: String,
    /// Version of the build.
    #[schema(max_length = 40)]
    pub version: String,
    /// Version of the API.
    #[schema(max_length = 40)]
    pub api_version: String,
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The account of the token.
    pub account_id: Uuid,
    /// Its reference.
    #[schema(max_length = 60)]
    pub reference: String,
    /// The post or system it is for.
    #[schema(max_length = 200)]
    pub title: String,
    /// The trusted issuer that made the token; null: this service.
    #[schema(max_length = 500)]
    pub issuer: Option<String>,
    /// Whether the token may only read.
    pub read_only: bool,
    /// The roles it holds, and where.
    #[schema(max_items = 1000)]
    pub roles: Vec<HeldRole>,
}

/// Where a role comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// A grant recorded here.
    Grant,
    /// The token: what its issuer's claims are worth here, or the command line made it so.
    Token,
}

/// A role within a scope.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// The unit (with all below it) or board that it is limited to; null for the whole organisation.
    pub scope_id: Option<Uuid>,
    /// Whether records marked official_sensitive show there.
    pub official_sensitive: bool,
    /// Where it comes from.
    pub source: RoleSource,
}

impl HeldRole {
    fn of(held: &Held, source: RoleSource) -> Self {
        Self {
            source,
            role: held.role,
            scope_id: held.scope,
            official_sensitive: held.official_sensitive || held.role == Role::Auditor,
        }
    }
}

/// One cell of the permission matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permission {
    /// What is acted on.
    pub subject: Subject,
    /// Who acts.
    pub role: Role,
    /// What the role may do to the subject, within the scope of its grant.
    #[schema(max_items = 4)]
    pub acts: Vec<Act>,
}

/// The permission matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permissions {
    /// One for each subject and role.
    #[schema(max_items = 1000)]
    pub items: Vec<Permission>,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<Health>(schemas);
    add_answer::<Version>(schemas);
    add_answer::<Me>(schemas);
    add_answer::<Permissions>(schemas);
}

/// The operations of this module.
#[must_use]
pub fn operations(document: &Arc<LazyLock<Bytes>>) -> Vec<Operation> {
    let any = || json!({ "type": "object" });
    vec![
        Operation::new("GET", "/livez", "isAlive", Access::Public, |_| async { ok() })
            .says("Service", "Whether the process answers", "For the supervisor: says nothing about the database.")
            .answers(200, "It does.", schema_ref("Health")),
        Operation::new("GET", "/readyz", "isReady", Access::Public, ready)
            .says("Service", "Whether requests can be served", "The database answers and its tables are those of this build.")
            .answers(200, "They can.", schema_ref("Health")),
        Operation::new("GET", "/version", "getVersion", Access::Public, |_| async {
            Answer::of(200, &Version { service: "stride".into(), version: env!("CARGO_PKG_VERSION").into(), api_version: API_VERSION.into() })
        })
        .says("Service", "What runs here", "Versions of the build and of the API.")
        .answers(200, "The versions.", schema_ref("Version")),
        Operation::holding("GET", "/openapi.json", "getOpenApi", Access::Public, document, |_, document| async move { Ok(Answer::json(200, Bytes::clone(&document))) })
            .says("Service", "This document", "The OpenAPI document, from which clients can be generated.")
            .answers(200, "The document.", any()),
        Operation::new("GET", "/docs", "getDocs", Access::Public, |_| async {
            Ok(Answer { status: 308, headers: vec![("Location".into(), "/docs/".into())], content_type: "text/plain", body: Bytes::new().into() })
        })
        .says("Service", "The documentation", "Leads to the documentation to click through.")
        .answers(308, "It is at /docs/.", Value::Null),
        Operation::new("GET", "/docs/{file:.*}", "getDocsFile", Access::Public, docs)
            .says("Service", "A part of the documentation", "Swagger UI, served from here: nothing is loaded from elsewhere.")
            .takes([json!({ "name": "file", "in": "path", "required": true, "description": "Name of the file.", "schema": { "type": "string", "maxLength": 100 } })])
            .media_type("text/html")
            .answers(200, "The file.", json!({ "type": "string" })),
        Operation::new("GET", "/problems/{code}", "getProblem", Access::Public, problem)
            .says("Service", "What a problem means", "The page that a problem's `type` leads to.")
            .takes([json!({ "name": "code", "in": "path", "required": true, "description": "Code of the problem.", "schema": { "type": "string", "enum": Code::ALL.iter().map(|c| c.slug()).collect::<Vec<_>>() } })])
            .answers(200, "Its meaning and its remedy.", any()),
        Operation::new("GET", "/.well-known/jwks.json", "getKeys", Access::Public, |call: Call| async move { Answer::of(200, &call.service.tokens.jwks()) })
            .says("Sign-in", "Keys that tokens are signed with", "A JSON Web Key Set (RFC 7517).")
            .answers(200, "The public keys.", any()),
        Operation::new("GET", "/.well-known/oauth-authorization-server", "getAuthorizationServer", Access::Public, authorization_server)
            .says("Sign-in", "How tokens are issued", "Authorization server metadata (RFC 8414).")
            .answers(200, "The metadata.", any()),
        Operation::new("GET", "/api/v1/me", "getMe", Access::Authenticated, me)
            .says("Sign-in", "Who am I", "The account of the token, what it holds, and from where: grants recorded here and what the token itself brings add up.")
            .answers(200, "The caller.", schema_ref("Me"))
            .etag(Tag::Journal),
        Operation::new("GET", "/api/v1/permissions", "listPermissions", Access::Authenticated, permissions)
            .says("Sign-in", "Who may do what", "The whole matrix of roles, subjects and acts. A grant's scope limits all acts but reading.")
            .answers(200, "The matrix.", schema_ref("Permissions"))
            .etag(Tag::Journal),
    ]
}

fn ok() -> Result<Answer, Problem> {
    Answer::of(
        200,
        &Health {
            status: "ok".into(),
        },
    )
}

async fn ready(call: Call) -> Result<Answer, Problem> {
    call.service.engine.ready().await?;
    ok()
}

async fn me(call: Call) -> Result<Answer, Problem> {
    let caller = call.caller()?;
    let seen = call.now();
    let account = seen.get::<crate::access::accounts::Account>(caller.account);
    let role = |(n, held): (usize, &Held)| {
        let source = if n < caller.granted {
            RoleSource::Grant
        } else {
            RoleSource::Token
        };
        HeldRole::of(held, source)
    };
    Answer::of(
        200,
        &Me {
            account_id: caller.account,
            reference: account
                .map(|a| a.meta.reference.clone())
                .unwrap_or_default(),
            title: account.map(|a| a.data.title.clone()).unwrap_or_default(),
            issuer: call.issuer().map(str::to_owned),
            read_only: caller.read_only,
            roles: caller.held.iter().enumerate().map(role).collect(),
        },
    )
}

async fn permissions(_: Call) -> Result<Answer, Problem> {
    let cell = |subject: Subject, role: Role| Permission {
        subject,
        role,
        acts: Act::ALL
            .into_iter()
            .filter(|act| allows(role, subject, *act))
            .collect(),
    };
    let items = Subject::ALL
        .into_iter()
        .flat_map(|s| Role::ALL.into_iter().map(move |r| cell(s, r)))
        .collect();
    Answer::of(200, &Permissions { items })
}

async fn problem(call: Call) -> Result<Answer, Problem> {
    let slug = call.param("code").unwrap_or_default();
    let code = Code::ALL
        .iter()
        .find(|c| c.slug() == slug)
        .ok_or_else(Problem::not_found)?;
    Answer::of(
        200,
        &json!({ "code": code.slug(), "status": code.status(), "title": code.title(), "remedy": code.remedy() }),
    )
}

async fn authorization_server(call: Call) -> Result<Answer, Problem> {
    let base = call
        .service
        .config
        .serving
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", call.service.config.serving.bind));
    Answer::of(
        200,
        &json!({
            "issuer": call.service.tokens.issuer(),
            "token_endpoint": format!("{base}/oauth/token"),
            "jwks_uri": format!("{base}/.well-known/jwks.json"),
            "grant_types_supported": ["client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "scopes_supported": ["read", "write"],
            "response_types_supported": [],
            "service_documentation": format!("{base}/docs/"),
        }),
    )
}

/// Swagger UI sets styles and runs its own scripts; nothing comes from elsewhere.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

async fn docs(call: Call) -> Result<Answer, Problem> {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    let file = utoipa_swagger_ui::serve(call.param("file").unwrap_or_default(), config)
        .map_err(Problem::internal)?;
    let file = file.ok_or_else(Problem::not_found)?;
    let body = Bytes::from(file.bytes.into_owned());
    let answer = Answer {
        status: 200,
        headers: Vec::new(),
        content_type: "text/html",
        body: body.into(),
    };
    Ok(answer
        .header("Content-Type", file.content_type)
        .header("Content-Security-Policy", DOCS_POLICY))
}
