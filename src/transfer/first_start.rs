//! The first start: a signing key, the local operator in whose name the command line acts, and the first administrator.

use serde_json::json;
use uuid::Uuid;

use super::load;
use crate::access::accounts::{FIRST_ADMINISTRATOR, OPERATOR};
use crate::access::tokens::new_signing_key;
use crate::auth::people;
use crate::db::store::{Side, signing_keys};
use crate::engine::{Engine, Outcome, Txn, Write};
use crate::problem::{Code, Problem};
use crate::registers::risk::resolvable_controls;

/// Name of the key that makes pseudonyms of the subjects of trusted issuers.
pub const PSEUDONYMS: &str = "pseudonyms";

/// The local operator's account.
///
/// # Errors
/// The database was never prepared.
pub fn operator(engine: &Engine) -> Result<Uuid, Problem> {
    let world = engine.now();
    let accounts = world
        .catalogue()
        .index_of("account")
        .and_then(|k| world.table(k));
    accounts
        .and_then(|t| t.by_reference(OPERATOR))
        .ok_or_else(|| {
            Problem::internal("the database has no local operator; start the service once")
        })
}

/// Makes what the first start needs and loads `first` into an empty database, in the order of time; whether it was empty. Safe when
/// several replicas start at once.
///
/// # Errors
/// The database is away, or the file has a fault: then nothing was written.
pub async fn prepare(engine: &Engine, first: Option<load::File>) -> Result<bool, Problem> {
    let write = Write::system(Uuid::nil(), "first start");
    let outcome = engine.write(write, move |txn| {
        let is_new = txn.world.seq == 0;
        if is_new {
            if let Some(at) = first.as_ref().and_then(load::File::begins) {
                txn.back_date(at)?;
            }
            accounts(txn)?;
            if let Some(file) = first {
                file.load(txn, load::Times::AsGiven)?;
            }
        }
        if txn
            .ask(signing_keys)?
            .iter()
            .all(|k| k.retired_at.is_some())
        {
            txn.beside(Side::SigningKey(new_signing_key()?));
        }
        txn.beside(Side::Secret {
            name: PSEUDONYMS.into(),
            value: rand::random::<[u8; 32]>().to_vec(),
        });
        people::give_records(txn)?;
        Ok(Outcome {
            status: if is_new { 201 } else { 200 },
            ..Outcome::default()
        })
    });
    Ok(outcome.await?.status == 201)
}

/// Controls of an older shape name their recommendation in words. Those whose recommendation is on record by now get the link, each by a
/// journalled change; how many did. The others keep their words. Safe when several replicas start at once.
///
/// # Errors
/// The database is away.
pub async fn link_recommendations(engine: &Engine) -> Result<usize, Problem> {
    if resolvable_controls(&engine.now()).is_empty() {
        return Ok(0);
    }
    let write = Write::system(
        operator(engine)?,
        "the recommendation that was named in words is on record",
    );
    let outcome = engine.write(write, |txn| {
        let Some(kind) = txn.world.catalogue().named("control") else {
            return Ok(Outcome::default());
        };
        let mut linked = 0_u32;
        for (control, recommendation) in resolvable_controls(&txn.world) {
            let Some(version) = txn.world.any(control).map(|c| c.meta().version) else {
                continue;
            };
            match txn.part(|txn| {
                txn.patch(
                    kind,
                    control,
                    version,
                    json!({ "recommendation_id": recommendation }),
                )
            }) {
                Ok(_) => linked += 1,
                Err(p) if p.code == Code::RuleViolation => {
                    log::warn!("control {control} keeps its recommendation in words: {p}")
                }
                Err(p) => return Err(p),
            }
        }
        Ok(Outcome {
            status: 200,
            body: linked.to_string().into(),
            ..Outcome::default()
        })
    });
    let body = outcome.await?.body;
    Ok(std::str::from_utf8(&body)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or_default())
}

fn accounts(txn: &mut Txn<'_>) -> Result<(), Problem> {
    let catalogue = txn.world.catalogue();
    let (Some(account), Some(grant)) = (catalogue.named("account"), catalogue.named("grant"))
    else {
        return Err(Problem::internal("the catalogue has no accounts"));
    };
    // The operator makes itself: its own account is the actor of the journal's first entry.
    let id = Uuid::now_v7();
    txn.caller.account = id;
    txn.create(
        account,
        Some(id),
        json!({ "reference": OPERATOR, "account_kind": "service", "title": "The command line on the machine itself" }),
    )?;
    let first = txn.create(
        account,
        None,
        json!({ "reference": FIRST_ADMINISTRATOR, "account_kind": "person", "title": "Service owner" }),
    )?;
    txn.create(
        grant,
        None,
        json!({ "account_id": first.meta().id, "role": "administrator" }),
    )?;
    Ok(())
}
