//! Basic questions of a new client: whether the service is running, what it can do, which account
//! the token belongs to, what a problem code means, and where the documentation is.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;
use utoipa_swagger_ui::Url;
use uuid::Uuid;

use super::specification::{self, Specification};
use crate::access::Held;
use crate::http::openapi::API_VERSION;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::schema_ref;
use crate::http::{Answer, Call};
use crate::policy::{Act, Role, Subject, allows};
use crate::problem::{Code, Problem};
use crate::world::Text;
use crate::world::schema::{Schemas, add_answer};

/// Whether the service is running.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: Text<10>,
}

/// Version of the running service.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Always `stride`.
    pub service: Text<40>,
    /// Version of the build.
    pub version: Text<40>,
    /// Version of the API.
    pub api_version: Text<40>,
}

/// The account behind the token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Account that the token belongs to.
    pub account_id: Uuid,
    /// Reference.
    pub reference: Text<60>,
    /// Post or system that the account is for.
    pub title: Text<200>,
    /// Trusted issuer that issued the token. Null if this service issued it.
    pub issuer: Option<Text<500>>,
    /// Whether the token may only read.
    pub read_only: bool,
    /// Roles that the account holds, and their scopes.
    #[schema(max_items = 1000)]
    pub roles: Vec<HeldRole>,
}

/// Where a role comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum RoleSource {
    /// A grant recorded here.
    Grant,
    /// The token: a role given by its issuer's claims or set on the command line.
    Token,
}

/// A role held within a scope.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldRole {
    /// The role.
    pub role: Role,
    /// Unit (including all units below it) or board that the role is limited to. Null for the whole
    /// organisation.
    pub scope_id: Option<Uuid>,
    /// Whether records marked official_sensitive are visible within the scope.
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
    /// Subject that is acted on.
    pub subject: Subject,
    /// Role of the caller.
    pub role: Role,
    /// What the role may do with the subject, within the scope of its grant.
    #[schema(max_items = 5)]
    pub acts: Vec<Act>,
}

/// The permission matrix.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permissions {
    /// One entry for each subject and role.
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
pub fn operations(specification: &Arc<Specification>) -> Vec<Operation> {
    let any = || json!({ "type": "object" });
    vec![
        Operation::new("GET", "/livez", "isAlive", Access::Public, |_| async { ok() })
            .says("Service", "Check that the process is running", "For process supervisors. Does not check the database.")
            .answers(200, "The process is running.", schema_ref("Health")),
        Operation::new("GET", "/readyz", "isReady", Access::Public, ready)
            .says("Service", "Check that the service is ready", "Checks that the database answers \
                and that its tables match this build.")
            .answers(200, "The service is ready.", schema_ref("Health")),
        Operation::new("GET", "/version", "getVersion", Access::Public, |_| async {
            Answer::of(200, &Version { service: Text::known("stride"), version: Text::known(env!("CARGO_PKG_VERSION")), api_version: Text::known(API_VERSION) })
        })
        .says("Service", "Get the version", "Returns the versions of the build and of the API.")
        .answers(200, "The versions.", schema_ref("Version")),
        Operation::new("GET", "/docs", "getDocs", Access::Public, |_| async {
            Ok(Answer { status: 308, headers: vec![("Location".into(), "/docs/".into())], content_type: "text/plain", body: Bytes::new().into() })
        })
        .says("Service", "Open the documentation", "Redirects to the interactive documentation.")
        .answers(308, "Redirect to /docs/.", Value::Null)
        .located(),
        Operation::holding("GET", "/docs/{file:.*}", "getDocsFile", Access::Public, specification, docs)
            .says("Service", "Get a file of the documentation", "Returns a file of Swagger UI, \
                served by this service. Nothing is loaded from other sites.")
            .takes([json!({ "name": "file", "in": "path", "required": true, "description": "Name of the file.", "schema": { "type": "string", "maxLength": 100 } })])
            // Which document the page opens.
            .passes("urls.primaryName")
            .reads("accept-encoding")
            .etag(Tag::Version)
            .media_type("text/html")
            .answers(200, "The file.", json!({ "type": "string" })),
        Operation::new("GET", "/problems/{code}", "getProblem", Access::Public, problem)
            .says("Service", "Explain a problem code", "Returns the page that the `type` of a problem links to.")
            .takes([json!({ "name": "code", "in": "path", "required": true, "description": "Code of the problem.", "schema": schema_ref("ProblemCode") })])
            .answers(200, "Meaning of the problem and what to do about it.", any()),
        Operation::new("GET", "/.well-known/jwks.json", "getKeys", Access::Public, |call: Call| async move { Answer::of(200, &call.service.tokens.jwks()) })
            .says("Sign-in", "List the keys that sign tokens", "Returns a JSON Web Key Set (RFC 7517).")
            .answers(200, "The public keys.", any()),
        Operation::new("GET", "/.well-known/oauth-authorization-server", "getAuthorizationServer", Access::Public, authorization_server)
            .says("Sign-in", "Get the authorization server metadata", "Returns authorization server \
                metadata (RFC 8414), which says how tokens are issued.")
            .answers(200, "The metadata.", any()),
        Operation::new("GET", "/api/v1/me", "getMe", Access::Authenticated, me)
            .says("Sign-in", "Get the current account", "Returns the account of the token, the \
                roles it holds and where each comes from. Grants recorded here and roles from \
                the token add up.")
            .answers(200, "The current account and its roles.", schema_ref("Me"))
            .etag(Tag::Journal),
        Operation::new("GET", "/api/v1/permissions", "listPermissions", Access::Authenticated, permissions)
            .says("Sign-in", "List permissions", "Returns the full matrix of what each role may \
                do with each subject. The scope of a grant limits everything except reading.")
            .answers(200, "The permission matrix.", schema_ref("Permissions"))
            .etag(Tag::Journal),
    ]
}

fn ok() -> Result<Answer, Problem> {
    Answer::of(
        200,
        &Health {
            status: Text::known("ok"),
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
                .map(|a| (&a.meta.reference).into())
                .unwrap_or_default(),
            title: account.map(|a| (&a.data.title).into()).unwrap_or_default(),
            issuer: call.issuer().map(Text::known),
            read_only: caller.read_only,
            roles: caller.held.iter().enumerate().map(role).collect(),
        },
    )
}

async fn permissions(_: Call) -> Result<Answer, Problem> {
    let cell = |subject: Subject, role: Role| Permission {
        subject,
        role,
        acts: Act::VARIANTS
            .iter()
            .copied()
            .filter(|act| allows(role, subject, *act))
            .collect(),
    };
    let items = Subject::VARIANTS
        .iter()
        .flat_map(|s| Role::VARIANTS.iter().map(move |r| cell(*s, *r)))
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
    let base = call.service.config.serving.base();
    Answer::of(
        200,
        &json!({
            "issuer": call.service.tokens.issuer(),
            "token_endpoint": format!("{base}/oauth/token"),
            "revocation_endpoint": format!("{base}/oauth/revoke"),
            "revocation_endpoint_auth_methods_supported": ["none"],
            "jwks_uri": format!("{base}/.well-known/jwks.json"),
            "grant_types_supported": ["client_credentials", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "scopes_supported": ["read", "write"],
            "response_types_supported": [],
            "service_documentation": format!("{base}/docs/"),
        }),
    )
}

/// The part that the documentation opens on.
const DOCS_FIRST: &str = "governance";

/// Swagger UI sets styles and runs its own scripts. Nothing is loaded from other sites.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' \
    data:; frame-ancestors 'none'";

async fn docs(call: Call, own: Arc<Specification>) -> Result<Answer, Problem> {
    let prefix = call.service.config.serving.prefix();
    let parts: Vec<(&str, String)> = specification::parts()
        .map(|name| (name, format!("{prefix}/openapi/{name}.json")))
        .chain([("everything", format!("{prefix}/openapi.json"))])
        .collect();
    let urls = parts
        .iter()
        .map(|(name, url)| Url::with_primary(name, url, *name == DOCS_FIRST));
    let config = utoipa_swagger_ui::Config::new(urls)
        .filter(true)
        .deep_linking(true)
        .doc_expansion("none")
        // The list of all schemas and the colouring of long answers take longer than everything
        // else together.
        .default_models_expand_depth(-1)
        .default_model_expand_depth(1)
        .with_syntax_highlight(false)
        .show_extensions(true)
        .validator_url("none");
    let config = Arc::new(config);
    let name = call.param("file").unwrap_or_default();
    let file = utoipa_swagger_ui::serve(name, config).map_err(Problem::internal)?;
    let file = file.ok_or_else(Problem::not_found)?;
    let published = own.file(name, || Ok(file.bytes.into_owned()))?;
    let mut answer = published.answer(&call);
    answer.content_type = "text/html";
    Ok(answer
        .header("Content-Type", file.content_type)
        .header("Content-Security-Policy", DOCS_POLICY))
}
