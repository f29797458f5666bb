//! Sign-in: client credentials for systems, name and password for people, and refresh tokens for
//! people.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::form::Form;
use super::throttle::Throttle;
use crate::access::accounts::{Account, AccountStatus};
use crate::access::secrets;
use crate::access::tokens::{ACCESS_SECONDS, Subject};
use crate::db::store::{self, RefreshRow, Side};
use crate::engine::{Outcome, Write};
use crate::http::openapi::add_extended_problem;
use crate::http::operation::{Access, Extension, Operation};
use crate::http::parameters::schema_ref;
use crate::http::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::world::Text;
use crate::world::schema::{Schemas, add_answer, add_input};

/// Lifetime of a refresh token in days. Each use returns a new token and invalidates the old one.
const REFRESH_DAYS: i64 = 14;

/// Sign-in name and password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Login {
    /// Sign-in name that the administrator gave to the account.
    login: Text<200, 1>,
    /// The password.
    #[schema(min_length = 1, max_length = 1000, format = "password")]
    password: String,
    /// `read` for a read-only token; `read write` if left out.
    #[serde(default)]
    #[schema(max_length = 40, pattern = "^(read|write|read write|write read)$")]
    scope: Option<String>,
}

/// A token request (RFC 6749), sent as a form.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `client_credentials` or `refresh_token`.
    #[schema(max_length = 40, pattern = "^(client_credentials|refresh_token)$")]
    grant_type: String,
    /// Id of the account, unless sent by HTTP Basic.
    #[serde(default)]
    #[schema(nullable = false)]
    client_id: Option<Text<60>>,
    /// Secret of the account, unless sent by HTTP Basic.
    #[serde(default)]
    #[schema(nullable = false)]
    client_secret: Option<Text<200>>,
    /// The refresh token, for grant type `refresh_token`.
    #[serde(default)]
    #[schema(nullable = false)]
    refresh_token: Option<Text<200>>,
    /// `read` for a read-only token; `read write` if left out.
    #[serde(default)]
    #[schema(
        max_length = 40,
        nullable = false,
        pattern = "^(read|write|read write|write read)$"
    )]
    scope: Option<String>,
}

/// A token response (RFC 6749).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: Text<4096>,
    /// `Bearer`.
    pub token_type: Text<20>,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// Scope of the token.
    pub scope: Text<40>,
    /// Can be used once to get the next access token; null for systems, which use their secret.
    pub refresh_token: Option<Text<200>>,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_input::<Login>(schemas);
    add_input::<TokenRequest>(schemas);
    add_answer::<TokenAnswer>(schemas);
    // RFC 6749, section 3.2: unrecognised parameters are ignored.
    if let Some(form) = schemas.get_mut("TokenRequestInput") {
        form.as_object_mut()
            .map(|form| form.remove("additionalProperties"));
    }
    add_extended_problem(
        schemas,
        PROBLEM.schema,
        json!({
            "error": {
                "type": "string", "description": "The error code from RFC 6749, section 5.2.",
                "enum": Code::ALL.iter().filter(|c| c.is_oauth()).map(|c| c.slug()).collect::<Vec<_>>(),
            },
            "error_description": { "type": "string", "maxLength": 4000, "description": "The text of `detail`, limited \
                to the characters that RFC 6749 allows here." },
        }),
    );
}

/// The members that RFC 6749, section 5.2 requires in an error, for OAuth clients that do not
/// understand problem details. They are not added when the server is overloaded or has failed.
const PROBLEM: Extension = Extension {
    schema: "TokenProblem",
    covers: |status| status < 429,
    members: |problem| {
        let error = if problem.code.is_oauth() {
            problem.code
        } else {
            Code::InvalidRequest
        };
        let allowed = |c: char| match c {
            '"' | '`' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        };
        json!({ "error": error.slug(), "error_description": problem.detail.chars().map(allowed).collect::<String>() })
    },
};

/// The operations of this module. `throttle` counts wrong passwords and secrets.
pub(super) fn operations(throttle: &Arc<Throttle>) -> Vec<Operation> {
    vec![
        Operation::holding("POST", "/oauth/token", "requestToken", Access::Public, throttle, token)
            .says("Sign-in", "Get an access token", "For systems: `client_credentials` with the \
                account's id and secret, in the form or by HTTP Basic. For people: \
                `refresh_token`, with the token from the last response. Access tokens are valid \
                for fifteen minutes. As RFC 6749 requires, unknown parameters and those without a \
                value are ignored, and an error has `error` and `error_description` as well as \
                the members of every problem.")
            .body(
                &["application/x-www-form-urlencoded"],
                schema_ref("TokenRequestInput"),
                json!({ "grant_type": "client_credentials", "client_id": "019abcde-0000-7000-8000-000000000001", "client_secret": "…" }),
            )
            .answers(200, "A token.", schema_ref("TokenAnswer"))
            .refuses(&[Code::InvalidRequest, Code::InvalidClient, Code::InvalidGrant, Code::UnauthorizedClient, Code::UnsupportedGrantType, Code::InvalidScope])
            .extends_problems(PROBLEM),
        Operation::holding("POST", "/auth/login", "login", Access::Public, throttle, login)
            .says("Sign-in", "Sign in with name and password", "For people. A wrong name and a \
                wrong password get the same response. After several failures with that name or \
                from that network, sign-in from there is refused for some time.")
            .body(&["application/json"], schema_ref("LoginInput"), json!({ "login": "delivery.lead", "password": "…" }))
            .answers(200, "A token.", schema_ref("TokenAnswer"))
            .refuses(&[Code::BadCredentials]),
    ]
}

pub(super) fn refused() -> Problem {
    Problem::new(Code::BadCredentials, "the name or password is not accepted")
        .header("WWW-Authenticate", CHALLENGE)
}

fn invalid_client() -> Problem {
    Problem::new(
        Code::InvalidClient,
        "the client's id or secret is missing or not accepted",
    )
    .header("WWW-Authenticate", CHALLENGE)
}

fn invalid_grant() -> Problem {
    Problem::new(
        Code::InvalidGrant,
        "the refresh token is missing or not accepted",
    )
}

const CHALLENGE: &str = "Basic realm=\"stride\"";

/// Whether a scope asks for a read-only token. `refusal` is the error code for a scope that is not
/// offered.
fn read_only(scope: Option<&str>, refusal: Code) -> Result<bool, Problem> {
    match scope.map(|s| s.split(' ').collect::<Vec<_>>()) {
        None => Ok(false),
        Some(words) if words.iter().all(|w| matches!(*w, "read" | "write")) => {
            Ok(!words.contains(&"write"))
        }
        Some(_) => Err(Problem::field(
            refusal,
            "/scope",
            "scope",
            "must be `read` or `read write`",
        )),
    }
}

async fn token(call: Call, throttle: Arc<Throttle>) -> Result<Answer, Problem> {
    let form = read_form(&call)?;
    let client = client(call.authorization.as_deref(), &form)?;
    match form.grant_type.as_str() {
        "client_credentials" => client_credentials(&call, &throttle, &form, client).await,
        "refresh_token" => {
            if let Some((id, secret)) = client {
                authenticate(&call, &throttle, &id, secret).await?;
                return Err(Problem::new(
                    Code::UnauthorizedClient,
                    Code::UnauthorizedClient.remedy(),
                ));
            }
            refresh(&call, &form).await
        }
        _ => Err(Problem::field(
            Code::UnsupportedGrantType,
            "/grant_type",
            "enum",
            "must be client_credentials or refresh_token",
        )),
    }
}

fn read_form(call: &Call) -> Result<TokenRequest, Problem> {
    const FIELDS: [&str; 5] = [
        "grant_type",
        "client_id",
        "client_secret",
        "refresh_token",
        "scope",
    ];
    let form = Form::read(&call.body, &FIELDS)?;
    Ok(TokenRequest {
        grant_type: form.require("grant_type")?,
        client_id: form.get("client_id").map(Text::known),
        client_secret: form.get("client_secret").map(Text::known),
        refresh_token: form.get("refresh_token").map(Text::known),
        scope: form.get("scope"),
    })
}

/// The client's id and secret, by HTTP Basic or in the form: a request uses one way only (RFC 6749,
/// section 2.3).
fn client(header: Option<&str>, form: &TokenRequest) -> Result<Option<(String, String)>, Problem> {
    let encoded = header
        .and_then(|h| h.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let Some((_, encoded)) = encoded else {
        let id = form.client_id.as_ref().map(String::from);
        return Ok(id.zip(form.client_secret.as_ref().map(String::from)));
    };
    let (id, secret) = basic(encoded).ok_or_else(invalid_client)?;
    let twice = |field: &str, detail: &str| {
        Err(Problem::field(
            Code::InvalidRequest,
            field,
            "repeated",
            detail,
        ))
    };
    if form.client_secret.is_some() {
        return twice(
            "/client_secret",
            "must be left out, because it is given in the Authorization header",
        );
    }
    if form.client_id.as_ref().is_some_and(|f| *f != id) {
        return twice(
            "/client_id",
            "must match the id in the Authorization header",
        );
    }
    Ok(Some((id, secret)))
}

/// Decodes id and secret, each form-encoded before they were joined (RFC 6749, section 2.3.1).
fn basic(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |word: &str| {
        let pair = format!("v={word}");
        form_urlencoded::parse(pair.as_bytes())
            .next()
            .map(|(_, v)| v.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}

fn is_active(call: &Call, account: Uuid) -> bool {
    let seen = call.now();
    seen.get::<Account>(account)
        .is_some_and(|a| seen.is_live(a) && a.data.status == AccountStatus::Active)
}

/// Whether a system's secret is one of these. Those that earlier builds hashed like passwords are
/// treated as such.
async fn is_secret(
    call: &Call,
    throttle: &Throttle,
    account: Uuid,
    secret: String,
    hashes: Vec<String>,
) -> Result<bool, Problem> {
    let compared = hashes
        .iter()
        .map(|h| secrets::matches_generated(&secret, h));
    if compared.clone().any(|c| c == Some(true)) {
        return Ok(true);
    }
    let slow: Vec<String> = (hashes.iter().zip(compared))
        .filter(|(_, c)| c.is_none())
        .map(|(h, _)| h.clone())
        .collect();
    if slow.is_empty() {
        throttle.failed(&call.peer)?;
        return Ok(false);
    }
    let account = account.to_string();
    throttle.check(&account, &call.peer, secret, slow).await
}

/// Authenticates a system by its id and secret, and returns its account.
async fn authenticate(
    call: &Call,
    throttle: &Throttle,
    id: &str,
    secret: String,
) -> Result<Uuid, Problem> {
    let account = Uuid::try_parse(id).unwrap_or(Uuid::nil());
    let is_known = call.now().get::<Account>(account).is_some();
    if is_known {
        call.learnt.is_account(account);
    }
    let now = Utc::now();
    let stored = call
        .service
        .engine
        .read(move |c| store::credentials_of(c, account, "secret"))
        .await?;
    let hashes = stored
        .into_iter()
        .filter(|c| c.expires_at.is_none_or(|e| e.0 > now))
        .map(|c| c.hash)
        .collect();
    let is_right = is_secret(call, throttle, account, secret, hashes).await?;
    if is_right && is_active(call, account) {
        return Ok(account);
    }
    Err(invalid_client())
}

async fn client_credentials(
    call: &Call,
    throttle: &Throttle,
    form: &TokenRequest,
    client: Option<(String, String)>,
) -> Result<Answer, Problem> {
    let (id, secret) = client.ok_or_else(invalid_client)?;
    let read_only = read_only(form.scope.as_deref(), Code::InvalidScope)?;
    let subject = Subject {
        account: authenticate(call, throttle, &id, secret).await?,
        client_id: id,
        read_only,
        acting_as: None,
    };
    given(&answer(call, &subject, None)?)
}

/// A token response, which must not be cached (RFC 6749, section 5.1).
fn given(answer: &TokenAnswer) -> Result<Answer, Problem> {
    Ok(Answer::of(200, answer)?
        .header("Cache-Control", "no-store, no-cache")
        .header("Pragma", "no-cache"))
}

fn answer(
    call: &Call,
    subject: &Subject,
    refresh_token: Option<String>,
) -> Result<TokenAnswer, Problem> {
    Ok(TokenAnswer {
        access_token: Text::known(call.service.tokens.issue(subject)?),
        token_type: Text::known("Bearer"),
        expires_in: ACCESS_SECONDS,
        scope: Text::known(if subject.read_only {
            "read"
        } else {
            "read write"
        }),
        refresh_token: refresh_token.map(Text::known),
    })
}

async fn login(call: Call, throttle: Arc<Throttle>) -> Result<Answer, Problem> {
    let login: Login = call.input()?;
    let read_only = read_only(login.scope.as_deref(), Code::InvalidBody)?;
    let name = login.login.to_lowercase();
    let wanted = name.clone();
    let stored = call
        .service
        .engine
        .read(move |c| store::credential_by_login(c, &wanted))
        .await?;
    let account = stored.as_ref().map_or(Uuid::nil(), |s| s.account_id.0);
    if stored.is_some() {
        call.learnt.is_account(account);
    }
    // An account that may not sign in has no password to match, so nobody can find out that one is
    // right.
    let stored = stored.filter(|_| is_active(&call, account));
    let hashes = stored.into_iter().map(|c| c.hash).collect();
    let check = throttle.check(&name, &call.peer, login.password, hashes);
    if !check.await? {
        return Err(refused());
    }
    let subject = Subject {
        account,
        client_id: "password".into(),
        read_only,
        acting_as: None,
    };
    give_refresh(&call, &subject, Uuid::now_v7(), None).await
}

/// Stores a new refresh token of a family, replacing `used`, and returns it.
async fn give_refresh(
    call: &Call,
    subject: &Subject,
    family: Uuid,
    used: Option<Vec<u8>>,
) -> Result<Answer, Problem> {
    // The token itself carries whether it may write, so a read-only token never leads to one that
    // can write.
    let token = format!(
        "{}{}",
        if subject.read_only { "r." } else { "w." },
        secrets::random()
    );
    let body = answer(call, subject, Some(token.clone()))?;
    let (hash, account) = (secrets::digest(&token), subject.account);
    let outcome = call
        .service
        .engine
        .write(Write::system(account, "sign-in"), move |txn| {
            let now = txn.now();
            if let Some(used) = used {
                let known = used.clone();
                let again = txn
                    .ask(move |c| store::refresh_token(c, &known))?
                    .is_none_or(|t| t.used_at.is_some() || t.revoked_at.is_some());
                if again {
                    return Err(invalid_grant());
                }
                txn.beside(Side::RefreshUsed {
                    hash: used,
                    at: now,
                });
            }
            txn.beside(Side::Refresh(RefreshRow {
                hash,
                family: family.into(),
                account_id: account.into(),
                created_at: now.into(),
                expires_at: (now + Duration::days(REFRESH_DAYS)).into(),
                used_at: None,
                revoked_at: None,
            }));
            Ok(Outcome {
                status: 200,
                ..Outcome::default()
            })
        });
    outcome.await?;
    given(&body)
}

async fn refresh(call: &Call, form: &TokenRequest) -> Result<Answer, Problem> {
    let token = form.refresh_token.clone().ok_or_else(invalid_grant)?;
    let hash = secrets::digest(&token);
    let wanted = hash.clone();
    let stored = call
        .service
        .engine
        .read(move |c| store::refresh_token(c, &wanted))
        .await?
        .ok_or_else(invalid_grant)?;
    let (account, family) = (stored.account_id.0, stored.family.0);
    call.learnt.is_account(account);
    if stored.used_at.is_some() {
        // The token was copied, so every token of the family is revoked (RFC 9700, section 4.14).
        let end = move |txn: &mut crate::engine::Txn<'_>| {
            let at = txn.now();
            txn.beside(Side::EndRefreshFamily { family, at });
            Ok(Outcome::default())
        };
        call.service
            .engine
            .write(Write::system(account, "refresh token used twice"), end)
            .await?;
        return Err(invalid_grant());
    }
    let ended = call
        .now()
        .get::<Account>(account)
        .and_then(|a| a.data.tokens_valid_from)
        .is_some_and(|from| stored.created_at.0 < from);
    if ended
        || stored.revoked_at.is_some()
        || stored.expires_at.0 <= Utc::now()
        || !is_active(call, account)
    {
        return Err(invalid_grant());
    }
    let read_only =
        token.starts_with("r.") || read_only(form.scope.as_deref(), Code::InvalidScope)?;
    let subject = Subject {
        account,
        client_id: "password".into(),
        read_only,
        acting_as: None,
    };
    give_refresh(call, &subject, family, Some(hash)).await
}
