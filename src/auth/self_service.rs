//! What people do about their own sign-in: change their password, sign out, and revoke a token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::accounts::{hashed, replace_password};
use super::form::Form;
use super::sign_in::refused;
use super::throttle::Throttle;
use crate::access::accounts::{Account, OPERATOR};
use crate::access::secrets;
use crate::db::Conn;
use crate::db::store::{self, CredentialRow, Side};
use crate::engine::{Author, Outcome, Txn, Write};
use crate::http::operation::{Access, Operation};
use crate::http::parameters::schema_ref;
use crate::http::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::world::Resource;
use crate::world::schema::{Schemas, add_input};

/// The longest hint about a token, in characters.
const LONGEST_HINT: usize = 60;

/// A person's own new password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The current password.
    #[schema(min_length = 1, max_length = 1000, format = "password")]
    current_password: String,
    /// The new password, of at least twelve characters. One that is easily guessed is refused.
    #[schema(min_length = 12, max_length = 1000, format = "password")]
    password: String,
}

/// A request to revoke a token (RFC 7009), sent as a form.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "documents the form, which is read parameter by parameter"
)]
pub struct RevocationRequest {
    /// The refresh token.
    #[schema(min_length = 1, max_length = 1000)]
    token: String,
    /// What sort of token it is. Ignored: the token itself says so.
    #[serde(default)]
    #[schema(max_length = 60, nullable = false)]
    token_type_hint: Option<String>,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_input::<ChangePassword>(schemas);
    add_input::<RevocationRequest>(schemas);
    // RFC 7009, section 2.1: unrecognised parameters are ignored.
    if let Some(Value::Object(form)) = schemas.get_mut("RevocationRequestInput") {
        form.remove("additionalProperties");
    }
}

/// The operations of this module. `throttle` counts wrong passwords together with those of
/// sign-ins.
#[must_use]
pub(super) fn operations(throttle: &Arc<Throttle>) -> Vec<Operation> {
    const TAG: &str = "Sign-in";
    vec![
        Operation::holding(
            "PUT",
            "/api/v1/me/password",
            "changeOwnPassword",
            Access::Authenticated,
            throttle,
            change_password,
        )
        .says(
            TAG,
            "Change your own password",
            "For people who sign in with name and password. Ends every refresh token of the \
                account; access tokens expire within fifteen minutes.",
        )
        .body(
            &["application/json"],
            schema_ref("ChangePasswordInput"),
            json!({ "current_password": "…", "password": "purple tractor under seven moons" }),
        )
        .answers(204, "The password is changed.", Value::Null)
        .refuses(&[Code::Conflict, Code::BadCredentials, Code::RuleViolation]),
        Operation::new(
            "POST",
            "/api/v1/me/sign-out",
            "signOut",
            Access::Authenticated,
            sign_out,
        )
        .says(
            TAG,
            "Sign out everywhere",
            "Ends every access token and refresh token of the current account. The answer takes up \
                to a second.",
        )
        .answers(204, "Every session has ended.", Value::Null)
        .refuses(&[Code::Conflict]),
        Operation::new(
            "POST",
            "/oauth/revoke",
            "revokeToken",
            Access::Public,
            revoke,
        )
        .says(
            TAG,
            "Revoke a refresh token",
            "Ends the session of a refresh token (RFC 7009): the token and all that came from the \
                same sign-in. The response is the same for a token that is not known. Access \
                tokens cannot be revoked one by one; they expire within fifteen minutes.",
        )
        .body(
            &["application/x-www-form-urlencoded"],
            schema_ref("RevocationRequestInput"),
            json!({ "token": "…" }),
        )
        .answers(
            200,
            "The token is not accepted any more.",
            json!({ "type": "object" }),
        )
        .refuses(&[Code::InvalidRequest]),
    ]
}

/// The account of a caller whose token may write.
fn writer(call: &Call) -> Result<Uuid, Problem> {
    let caller = call.caller()?;
    caller.require_write()?;
    Ok(caller.account)
}

/// A change that anybody may make to their own account.
fn own(call: &Call, account: Uuid) -> Result<Write, Problem> {
    Ok(Write {
        author: Author::System(account),
        ..call.write()?
    })
}

/// The account's current password.
async fn current(call: &Call, account: Uuid) -> Result<CredentialRow, Problem> {
    let read = move |c: &mut Conn| store::credentials_of(c, account, "password");
    let stored = call.service.engine.read(read).await?;
    let detail =
        "this account has no password here; it signs in with a secret or at another issuer";
    (stored.into_iter().next()).ok_or_else(|| Problem::new(Code::Conflict, detail))
}

async fn change_password(call: Call, throttle: Arc<Throttle>) -> Result<Answer, Problem> {
    let account = writer(&call)?;
    let asked: ChangePassword = call.input()?;
    let stored = current(&call, account).await?;
    let (id, login) = (stored.id, stored.login.unwrap_or_default());
    let hashes = vec![stored.hash];
    let check = throttle.check(&login, &call.peer, asked.current_password, hashes);
    if !check.await? {
        return Err(refused());
    }
    let hash = hashed(&throttle, asked.password, login.clone()).await?;
    let change = move |txn: &mut Txn<'_>| {
        // An administrator may have set another one in the meantime.
        let now = txn.ask(|c| store::credentials_of(c, account, "password"))?;
        if now.iter().all(|c| c.id != id) {
            return Err(refused());
        }
        let what = "the password was changed by its owner";
        replace_password(txn, account, login, hash, what)
    };
    let write = own(&call, account)?;
    call.service.engine.write(write, change).await?;
    Ok(Answer::json(204, Bytes::new()))
}

async fn sign_out(call: Call) -> Result<Answer, Problem> {
    let account = writer(&call)?;
    let operator = call
        .now()
        .get::<Account>(account)
        .map(|a| a.meta.reference == OPERATOR);
    if operator == Some(true) {
        let detail = "the tokens of the command line are not sessions: they expire within fifteen \
            minutes";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let change = move |txn: &mut Txn<'_>| {
        let at = txn.now();
        let catalogue = txn.world.catalogue();
        let kind = (catalogue.named(Account::KIND))
            .ok_or_else(|| Problem::internal("the catalogue has no accounts"))?;
        let mut fields = Map::new();
        fields.insert("tokens_valid_from".into(), json!(at));
        txn.stamp(kind, account, "signed out everywhere", fields)?;
        txn.beside(Side::EndRefreshOf { account, at });
        Ok(Outcome::default())
    };
    let write = own(&call, account)?;
    call.service.engine.write(write, change).await?;
    // A token says only in which second it was issued. Anyone who signs in after this answer gets one
    // of a later second, which is not refused.
    let now = Utc::now().timestamp_subsec_millis();
    tokio::time::sleep(Duration::from_millis(u64::from(
        1_000_u32.saturating_sub(now),
    )))
    .await;
    Ok(Answer::json(204, Bytes::new()))
}

async fn revoke(call: Call) -> Result<Answer, Problem> {
    let form = Form::read(&call.body, &["token", "token_type_hint"])?;
    let token = form.require("token")?;
    let hint = form.get("token_type_hint").unwrap_or_default();
    if hint.chars().count() > LONGEST_HINT {
        let (field, detail) = ("/token_type_hint", "must be at most 60 characters long");
        return Err(Problem::field(
            Code::InvalidRequest,
            field,
            "max_length",
            detail,
        ));
    }
    let wanted = secrets::digest(&token);
    let read = move |c: &mut Conn| store::refresh_token(c, &wanted);
    if let Some(stored) = call.service.engine.read(read).await? {
        let family = stored.family.0;
        let end = move |txn: &mut Txn<'_>| {
            let at = txn.now();
            txn.beside(Side::EndRefreshFamily { family, at });
            Ok(Outcome::default())
        };
        let write = Write::system(stored.account_id.0, "token revoked");
        call.service.engine.write(write, end).await?;
    }
    Answer::of(200, &json!({}))
}
