//! Data of an account that is never recorded in the journal: secrets and passwords.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::throttle::Throttle;
use crate::access::accounts::{Account, AccountKind};
use crate::access::secrets;
use crate::db::store::{self, CredentialRow, Side};
use crate::engine::{Outcome, Txn};
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{id_parameter, schema_ref};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::world::schema::{Schemas, add_answer, add_input};
use crate::world::{Resource, Text};

/// A new client secret, returned only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientSecret {
    /// Client id, which is the id of the account.
    pub client_id: Text<36>,
    /// Client secret.
    pub client_secret: Text<100>,
    /// Time until which earlier secrets still work. Null if there were none.
    pub previous_until_at: Option<DateTime<Utc>>,
}

/// How long earlier secrets stay valid.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RotateSecret {
    /// Number of hours that earlier secrets stay valid, so that clients can change over. 0 ends
    /// them at once.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 720)]
    overlap_hours: Option<i64>,
}

/// A person's sign-in name and password.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetPassword {
    /// Sign-in name. Upper and lower case count as the same.
    #[schema(min_length = 3, max_length = 200, pattern = "^[A-Za-z0-9._@+-]+$")]
    login: String,
    /// Password of at least twelve characters. One that is easily guessed is refused.
    #[schema(min_length = 12, max_length = 1000, format = "password")]
    password: String,
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<ClientSecret>(schemas);
    add_input::<RotateSecret>(schemas);
    add_input::<SetPassword>(schemas);
}

const JSON: &[&str] = &["application/json"];
const TAG: &str = "Accounts";

/// The operations of this module.
#[must_use]
pub(super) fn operations(throttle: &Arc<Throttle>) -> Vec<Operation> {
    let write = Access::Needs(Subject::Access, Act::Update);
    vec![
        Operation::new(
            "POST",
            "/api/v1/accounts/{id}/secrets",
            "createAccountSecret",
            write,
            rotate,
        )
        .says(
            TAG,
            "Create a new client secret",
            "Returns the secret once; only its hash is kept. Earlier secrets stay valid for the \
                overlap (24 hours by default) and then expire.",
        )
        .takes([id_parameter("account")])
        .body(
            JSON,
            schema_ref("RotateSecretInput"),
            json!({ "overlap_hours": 24 }),
        )
        .answers(201, "The new secret.", schema_ref("ClientSecret"))
        .refuses(&[Code::Conflict]),
        Operation::holding(
            "PUT",
            "/api/v1/accounts/{id}/password",
            "setAccountPassword",
            write,
            throttle,
            set_password,
        )
        .says(
            TAG,
            "Set a person's sign-in name and password",
            "Ends the previous password and all refresh tokens of the account.",
        )
        .takes([id_parameter("account")])
        .body(
            JSON,
            schema_ref("SetPasswordInput"),
            json!({ "login": "delivery.lead", "password": "purple tractor under seven moons" }),
        )
        .answers(
            204,
            "The sign-in name and password are set.",
            serde_json::Value::Null,
        )
        .refuses(&[Code::Conflict, Code::ReferenceTaken, Code::RuleViolation]),
    ]
}

/// Returns the account if it is of the kind that the operation is for.
fn account(call: &Call, kind: AccountKind) -> Result<Uuid, Problem> {
    let id = call.id()?;
    let seen = call.now();
    let account = seen
        .get::<Account>(id)
        .filter(|a| seen.is_live(*a))
        .ok_or_else(Problem::not_found)?;
    if account.data.account_kind == kind {
        return Ok(id);
    }
    let detail = match kind {
        AccountKind::Person => {
            "this account belongs to a system; only a person's account has a name and password"
        }
        AccountKind::Service => {
            "this account belongs to a person; only a system's account has secrets"
        }
    };
    Err(Problem::new(Code::Conflict, detail))
}

/// Records in the journal that it happened, but not the value.
pub(crate) fn noted<'a>(txn: &mut Txn<'a>, id: Uuid, what: &'a str) -> Result<(), Problem> {
    let kind = txn
        .world
        .catalogue()
        .named(Account::KIND)
        .ok_or_else(|| Problem::internal("the catalogue has no accounts"))?;
    txn.note(kind, id, what).map(drop)
}

fn credential(
    account: Uuid,
    kind: &str,
    login: Option<String>,
    hash: String,
    now: DateTime<Utc>,
) -> Side {
    Side::Credential(CredentialRow {
        id: Uuid::now_v7().into(),
        account_id: account.into(),
        kind: kind.into(),
        login,
        hash,
        created_at: now.into(),
        expires_at: None,
        revoked_at: None,
    })
}

/// Hashes a new password.
///
/// # Errors
/// 422 if it is easily guessed; 429 if too many wait.
pub(super) async fn hashed(
    throttle: &Throttle,
    password: String,
    login: String,
) -> Result<String, Problem> {
    let work = move || {
        is_strong(&password, &login)?;
        secrets::hash(&password)
    };
    throttle.hash(work).await?
}

/// Replaces the password of an account, and ends what was signed in with the old one. `what` goes
/// into the journal.
pub(super) fn replace_password<'a>(
    txn: &mut Txn<'a>,
    account: Uuid,
    login: String,
    hash: String,
    what: &'a str,
) -> Result<Outcome, Problem> {
    let at = txn.now();
    noted(txn, account, what)?;
    txn.beside(Side::EndCredentials {
        account,
        kind: "password".into(),
        at,
    });
    txn.beside(Side::EndRefreshOf { account, at });
    txn.beside(credential(account, "password", Some(login), hash, at));
    Ok(empty())
}

/// Refuses a password that is easily guessed: at most 10^8 guesses (score 2 of zxcvbn), or one that
/// contains the sign-in name.
fn is_strong(password: &str, login: &str) -> Result<(), Problem> {
    let weak = |detail: String| {
        Err(Problem::field(
            Code::RuleViolation,
            "/password",
            "weak",
            detail,
        ))
    };
    let (lower, login) = (password.to_lowercase(), login.to_lowercase());
    if !login.is_empty() && lower.contains(&login) {
        return weak("must not contain the sign-in name".into());
    }
    let parts: Vec<&str> = login.split(['.', '_', '@', '+', '-']).collect();
    let known: Vec<&str> = parts
        .into_iter()
        .chain(["stride", login.as_str()])
        .collect();
    let guess = zxcvbn::zxcvbn(password, &known);
    if guess.score() >= zxcvbn::Score::Three {
        return Ok(());
    }
    let hint = guess.feedback().and_then(|f| f.warning());
    let hint = hint.map(|w| format!(" ({w})")).unwrap_or_default();
    weak(format!(
        "is easily guessed{hint}; use several words that do not belong together"
    ))
}

fn empty() -> Outcome {
    Outcome {
        status: 204,
        ..Outcome::default()
    }
}

async fn rotate(call: Call) -> Result<Answer, Problem> {
    let asked: RotateSecret = call.input()?;
    let id = account(&call, AccountKind::Service)?;
    let secret = secrets::random();
    let hash = secrets::generated(&secret);
    let overlap = Duration::hours(asked.overlap_hours.unwrap_or(24));
    let write = call.write()?;
    call.change(write, move |txn| {
        let now = txn.now();
        let had = !txn
            .ask(|c| store::credentials_of(c, id, "secret"))?
            .is_empty();
        let until = now + overlap;
        noted(txn, id, "a new client secret was issued")?;
        txn.beside(Side::LimitCredentials {
            account: id,
            kind: "secret".into(),
            until,
        });
        txn.beside(credential(id, "secret", None, hash, now));
        let body = ClientSecret {
            client_id: Text::cut(id.to_string()),
            client_secret: Text::known(secret),
            previous_until_at: had.then_some(until),
        };
        Ok(Answer::of(201, &body)?.into())
    })
    .await
}

async fn set_password(call: Call, throttle: Arc<Throttle>) -> Result<Answer, Problem> {
    let asked: SetPassword = call.input()?;
    let id = account(&call, AccountKind::Person)?;
    let login = asked.login.to_lowercase();
    let hash = hashed(&throttle, asked.password, login.clone()).await?;
    let write = call.write()?;
    call.change(write, move |txn| {
        let holder = txn.ask(|c| store::credential_by_login(c, &login))?;
        if holder.is_some_and(|h| h.account_id.0 != id) {
            return Err(Problem::field(
                Code::ReferenceTaken,
                "/login",
                "taken",
                "another account already uses this sign-in name",
            ));
        }
        replace_password(txn, id, login, hash, "sign-in name and password were set")
    })
    .await
}
