//! Signing in: client credentials for systems, name and password for people, refresh tokens for both of the second kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::accounts::{Account, AccountStatus};
use crate::access::secrets;
use crate::access::tokens::{ACCESS_SECONDS, Subject};
use crate::db::store::{self, RefreshRow, Side};
use crate::engine::{Outcome, Write};
use crate::http::operation::{Access, Operation, schema_ref};
use crate::http::{Answer, Call};
use crate::problem::{Code, FieldError, Problem};
use crate::world::schema::{Schemas, add_answer, add_input};

/// How long a refresh token is good for. Each use gives a new one; the old is good no more.
const REFRESH_DAYS: i64 = 14;

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Login {
    /// The name that the administrator gave to the account.
    #[schema(min_length = 1, max_length = 200)]
    login: String,
    /// The password.
    #[schema(min_length = 1, max_length = 1000, format = "password")]
    password: String,
    /// `read` for a token that changes nothing; `read write` when left out.
    #[serde(default)]
    #[schema(max_length = 40, pattern = "^(read|write|read write|write read)$")]
    scope: Option<String>,
}

/// A request for a token (RFC 6749), as a form.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// `client_credentials` or `refresh_token`.
    #[schema(max_length = 40, pattern = "^(client_credentials|refresh_token)$")]
    grant_type: String,
    /// The account's id; or by HTTP Basic.
    #[serde(default)]
    #[schema(max_length = 60, nullable = false)]
    client_id: Option<String>,
    /// Its secret; or by HTTP Basic.
    #[serde(default)]
    #[schema(max_length = 200, nullable = false)]
    client_secret: Option<String>,
    /// For `refresh_token`: the token.
    #[serde(default)]
    #[schema(max_length = 200, nullable = false)]
    refresh_token: Option<String>,
    /// `read` for a token that changes nothing; `read write` when left out.
    #[serde(default)]
    #[schema(max_length = 40, nullable = false, pattern = "^(read|write|read write|write read)$")]
    scope: Option<String>,
}

/// A token (RFC 6749).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Send it as `Authorization: Bearer …`.
    #[schema(max_length = 4096)]
    pub access_token: String,
    /// `Bearer`.
    #[schema(max_length = 20)]
    pub token_type: String,
    /// Seconds that it is good for.
    pub expires_in: i64,
    /// What it may be used for.
    #[schema(max_length = 40)]
    pub scope: String,
    /// Good once, for the next access token; null for systems, which have their secret.
    #[schema(max_length = 200)]
    pub refresh_token: Option<String>,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_input::<Login>(schemas);
    add_input::<TokenRequest>(schemas);
    add_answer::<TokenAnswer>(schemas);
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new("POST", "/oauth/token", "requestToken", Access::Public, token)
            .says("Sign-in", "Get an access token", "For systems: `client_credentials` with the account's id and secret, in the form or by HTTP Basic. For people: `refresh_token`, with the token that the last answer gave. Tokens are good for fifteen minutes.")
            .body(
                &["application/x-www-form-urlencoded"],
                schema_ref("TokenRequestInput"),
                json!({ "grant_type": "client_credentials", "client_id": "019abcde-0000-7000-8000-000000000001", "client_secret": "…" }),
            )
            .answers(200, "A token.", schema_ref("TokenAnswer"))
            .refuses(&[Code::BadCredentials]),
        Operation::new("POST", "/auth/login", "login", Access::Public, login)
            .says("Sign-in", "Sign in with name and password", "For people. A wrong name and a wrong password are answered alike; after several failures a name must wait.")
            .body(&["application/json"], schema_ref("LoginInput"), json!({ "login": "delivery.lead", "password": "…" }))
            .answers(200, "A token.", schema_ref("TokenAnswer"))
            .refuses(&[Code::BadCredentials]),
    ]
}

fn refused() -> Problem {
    Problem::new(Code::BadCredentials, "name or secret is not accepted").header("WWW-Authenticate", "Basic realm=\"stride\"")
}

fn read_only(scope: Option<&str>) -> Result<bool, Problem> {
    match scope.map(|s| s.split(' ').collect::<Vec<_>>()) {
        None => Ok(false),
        Some(words) if words.iter().all(|w| matches!(*w, "read" | "write")) => Ok(!words.contains(&"write")),
        Some(_) => Err(Problem::field(
            Code::InvalidBody,
            "/scope",
            "scope",
            "must be `read` or `read write`",
        )),
    }
}

async fn token(call: Call) -> Result<Answer, Problem> {
    let mut form = read_form(&call)?;
    if let Some((id, secret)) = basic(call.authorization.as_deref()) {
        (form.client_id, form.client_secret) = (Some(id), Some(secret));
    }
    match form.grant_type.as_str() {
        "client_credentials" => client_credentials(&call, &form).await,
        "refresh_token" => refresh(&call, &form).await,
        _ => Err(Problem::field(
            Code::InvalidBody,
            "/grant_type",
            "enum",
            "must be client_credentials or refresh_token",
        )),
    }
}

/// The form, each field once and none unknown.
fn read_form(call: &Call) -> Result<TokenRequest, Problem> {
    const FIELDS: [&str; 5] = ["grant_type", "client_id", "client_secret", "refresh_token", "scope"];
    let pairs: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
    let mut errors = Vec::new();
    for (n, (name, value)) in pairs.iter().enumerate() {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        let mut fault = |code: &str, detail: &str| {
            errors.push(FieldError {
                pointer: format!("/{shown}"),
                code: code.into(),
                detail: detail.into(),
            })
        };
        if !FIELDS.contains(&name.as_str()) {
            fault("unknown_field", "there is no such field; remove it or correct its name");
        } else if pairs.iter().take(n).any(|(other, _)| other == name) {
            fault("repeated", "is given more than once");
        } else if value.len() > 1_000 {
            fault("max_length", "is too long");
        }
    }
    if !errors.is_empty() {
        return Err(Problem::with_errors(Code::InvalidBody, errors));
    }
    let get = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let grant_type = get("grant_type").ok_or_else(|| Problem::field(Code::InvalidBody, "/grant_type", "required", "must be given"))?;
    Ok(TokenRequest {
        grant_type,
        client_id: get("client_id"),
        client_secret: get("client_secret"),
        refresh_token: get("refresh_token"),
        scope: get("scope"),
    })
}

fn basic(header: Option<&str>) -> Option<(String, String)> {
    let (scheme, encoded) = header?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn is_active(call: &Call, account: Uuid) -> bool {
    call.now()
        .get::<Account>(account)
        .is_some_and(|a| a.is_live() && a.data.status == AccountStatus::Active)
}

/// Checks a secret against hashes, off the async threads; with no hash as much time is spent.
async fn check(secret: String, hashes: Vec<String>) -> Result<bool, Problem> {
    let check = move || match hashes.as_slice() {
        [] => secrets::matches(&secret, None),
        some => some.iter().any(|h| secrets::matches(&secret, Some(h))),
    };
    actix_web::web::block(check).await.map_err(Problem::internal)
}

async fn client_credentials(call: &Call, form: &TokenRequest) -> Result<Answer, Problem> {
    let (Some(id), Some(secret)) = (&form.client_id, &form.client_secret) else {
        return Err(refused());
    };
    let read_only = read_only(form.scope.as_deref())?;
    call.service.limits.may_sign_in(id)?;
    let account = Uuid::try_parse(id).unwrap_or(Uuid::nil());
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
    if !check(secret.clone(), hashes).await? || !is_active(call, account) {
        call.service.limits.failed(id);
        return Err(refused());
    }
    let subject = Subject {
        account,
        client_id: id.clone(),
        read_only,
        acting_as: None,
    };
    Answer::of(200, &answer(call, &subject, None)?)
}

fn answer(call: &Call, subject: &Subject, refresh_token: Option<String>) -> Result<TokenAnswer, Problem> {
    Ok(TokenAnswer {
        access_token: call.service.tokens.issue(subject)?,
        token_type: "Bearer".into(),
        expires_in: ACCESS_SECONDS,
        scope: if subject.read_only { "read" } else { "read write" }.into(),
        refresh_token,
    })
}

async fn login(call: Call) -> Result<Answer, Problem> {
    let login: Login = call.input()?;
    let read_only = read_only(login.scope.as_deref())?;
    let name = login.login.to_lowercase();
    call.service.limits.may_sign_in(&name)?;
    let wanted = name.clone();
    let stored = call.service.engine.read(move |c| store::credential_by_login(c, &wanted)).await?;
    let account = stored.as_ref().map_or(Uuid::nil(), |s| s.account_id.0);
    let hashes = stored.into_iter().map(|c| c.hash).collect();
    if !check(login.password, hashes).await? || !is_active(&call, account) {
        call.service.limits.failed(&name);
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

/// Stores a new refresh token of a family, in place of `used`, and answers with it.
async fn give_refresh(call: &Call, subject: &Subject, family: Uuid, used: Option<Vec<u8>>) -> Result<Answer, Problem> {
    // Whether the token may write goes with it: a narrow one never begets a wide one.
    let token = format!("{}{}", if subject.read_only { "r." } else { "w." }, secrets::random());
    let body = answer(call, subject, Some(token.clone()))?;
    let (hash, account) = (secrets::digest(&token), subject.account);
    let outcome = call.service.engine.write(Write::system(account, "sign-in"), move |txn| {
        let now = txn.now();
        if let Some(used) = used {
            let known = used.clone();
            let again = txn
                .ask(move |c| store::refresh_token(c, &known))?
                .is_none_or(|t| t.used_at.is_some() || t.revoked_at.is_some());
            if again {
                return Err(refused());
            }
            txn.beside(Side::RefreshUsed { hash: used, at: now });
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
    Answer::of(200, &body)
}

async fn refresh(call: &Call, form: &TokenRequest) -> Result<Answer, Problem> {
    let token = form.refresh_token.clone().ok_or_else(refused)?;
    let hash = secrets::digest(&token);
    let wanted = hash.clone();
    let stored = call
        .service
        .engine
        .read(move |c| store::refresh_token(c, &wanted))
        .await?
        .ok_or_else(refused)?;
    let (account, family) = (stored.account_id.0, stored.family.0);
    if stored.used_at.is_some() {
        // Somebody has a copy: every token of the family ends (RFC 9700, section 4.14).
        let end = move |txn: &mut crate::engine::Txn<'_>| {
            let at = txn.now();
            txn.beside(Side::EndRefreshFamily { family, at });
            Ok(Outcome::default())
        };
        call.service
            .engine
            .write(Write::system(account, "refresh token used twice"), end)
            .await?;
        return Err(refused());
    }
    let ended = call
        .now()
        .get::<Account>(account)
        .and_then(|a| a.data.tokens_valid_from)
        .is_some_and(|from| stored.created_at.0 < from);
    if ended || stored.revoked_at.is_some() || stored.expires_at.0 <= Utc::now() || !is_active(call, account) {
        return Err(refused());
    }
    let read_only = token.starts_with("r.") || read_only(form.scope.as_deref())?;
    let subject = Subject {
        account,
        client_id: "password".into(),
        read_only,
        acting_as: None,
    };
    give_refresh(call, &subject, family, Some(hash)).await
}
