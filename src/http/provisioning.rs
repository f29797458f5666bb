//! Finds the local account of a subject of a trusted issuer. A subject seen for the first time gets
//! an account, exactly once, whichever replica handles the request.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::access::Identity;
use crate::access::accounts::Account;
use crate::access::identity::{Vouched, unauthenticated};
use crate::db::store::{PersonRow, Side};
use crate::engine::{Outcome, Txn, Write};
use crate::http::service::Service;
use crate::problem::Problem;
use crate::world::{Kind, World};

/// Identifies the caller of a token from a trusted issuer. Whether the account may be used is
/// checked later, as with every token.
///
/// # Errors
/// 401 if the subject has no account and the token has no role. Also fails if the account cannot be
/// written.
pub async fn recognise(
    service: &Service,
    vouched: Arc<Vouched>,
    request_id: &str,
) -> Result<Identity, Problem> {
    let world = service.engine.now();
    let known = service
        .issuers
        .account(&vouched.external_id)
        .filter(|id| is_of(&world, *id, &vouched));
    let account = match known.or_else(|| find(&world, &vouched)) {
        Some(account) => account,
        None if vouched.is_admitted => admit(service, &vouched, request_id).await?,
        None => {
            let why = "the subject of this token has no account here, and the token has no role \
                that would create one";
            return Err(unauthenticated(why));
        }
    };
    service.issuers.remember(&vouched.external_id, account);
    Ok(Identity {
        account,
        issued_at: vouched.issued_at,
        acting_as: None,
        read_only: false,
        external: Some(vouched),
    })
}

fn is_of(world: &World, account: Uuid, vouched: &Vouched) -> bool {
    world
        .get::<Account>(account)
        .is_some_and(|a| a.data.external_id.as_deref() == Some(vouched.external_id.as_str()))
}

/// The subject's account, even if withdrawn: access that was removed does not come back
/// automatically.
fn find(world: &World, vouched: &Vouched) -> Option<Uuid> {
    let mut all = world.all::<Account>();
    all.find(|a| a.data.external_id.as_deref() == Some(vouched.external_id.as_str()))
        .map(|a| a.meta.id)
}

async fn admit(
    service: &Service,
    vouched: &Arc<Vouched>,
    request_id: &str,
) -> Result<Uuid, Problem> {
    // The account creates itself: the subject of the token is the actor of its first entry.
    let id = Uuid::now_v7();
    let write = Write {
        request_id: request_id.to_owned(),
        ..Write::system(id, "first seen with a token of a trusted issuer")
    };
    let vouched = Arc::clone(vouched);
    let made = service.engine.write(write, move |txn| {
        // Another request or replica may have created it already.
        let account = match find(&txn.world, &vouched) {
            Some(account) => account,
            None => make(txn, id, &vouched)?,
        };
        Ok(Outcome {
            body: account.into_bytes().to_vec().into(),
            ..Outcome::default()
        })
    });
    Uuid::from_slice(&made.await?.body).map_err(Problem::internal)
}

fn make(txn: &mut Txn<'_>, id: Uuid, vouched: &Vouched) -> Result<Uuid, Problem> {
    let kind = |name: &str| -> Result<&'static Kind, Problem> {
        let found = txn.world.catalogue().named(name);
        found.ok_or_else(|| Problem::internal(format!("the catalogue has no kind {name}")))
    };
    let (people, accounts) = (kind("person")?, kind("account")?);
    let mut person = None;
    // An email address alone also identifies the person; it is used as the name if the issuer gives
    // none.
    if let Some(display_name) = vouched
        .name
        .clone()
        .or_else(|| vouched.email.clone())
        .filter(|_| !vouched.is_service)
    {
        let made = txn
            .create(people, None, json!({ "affiliation": "internal" }))?
            .meta()
            .id;
        txn.beside(Side::Person(PersonRow {
            person_id: made.into(),
            display_name,
            email: vouched.email.clone(),
            telephone: None,
        }));
        person = Some(made);
    }
    let draft = json!({
        "account_kind": if vouched.is_service { "service" } else { "person" },
        "title": if vouched.is_service { "System known to a trusted issuer" } else { "Person known to a trusted issuer" },
        "external_id": vouched.external_id,
        "person_id": person,
    });
    Ok(txn.create(accounts, Some(id), draft)?.meta().id)
}
