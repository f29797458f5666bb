//! The first start: a signing key, the local operator that the command line acts as, and the first
//! administrator.

use serde_json::json;
use uuid::Uuid;

use super::load;
use crate::access::accounts::{FIRST_ADMINISTRATOR, OPERATOR, operator};
use crate::access::tokens::new_signing_key;
use crate::auth::people;
use crate::db::store::{Side, signing_keys};
use crate::engine::{Engine, Outcome, Txn, Write};
use crate::problem::{Code, Problem};
use crate::registers::risk::resolvable_controls;

/// Name of the key that makes pseudonyms of the subjects of trusted issuers.
pub const PSEUDONYMS: &str = "pseudonyms";

/// Creates what the first start needs and loads `first` into an empty database, in order of time.
/// Returns whether the database was empty. Several replicas may call it at the same time.
///
/// # Errors
/// The database is unavailable, or the file has an error. Nothing was written in either case.
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
        people::keep_earlier_persons(txn)?;
        Ok(Outcome {
            status: if is_new { 201 } else { 200 },
            ..Outcome::default()
        })
    });
    Ok(outcome.await?.status == 201)
}

/// Links controls of an older shape, which name their recommendation as text, to the recommendation
/// if it is recorded by now. Each link is a change in the journal. Other controls keep their text.
/// Returns the number linked. Several replicas may call it at the same time.
///
/// # Errors
/// The database is unavailable.
pub async fn link_recommendations(engine: &Engine) -> Result<usize, Problem> {
    if resolvable_controls(&engine.now()).is_empty() {
        return Ok(0);
    }
    let write = Write::system(
        operator(&engine.now())?,
        "the recommendation that was named as text is now recorded",
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
                    &[version],
                    json!({ "recommendation_id": recommendation }),
                )
            }) {
                Ok(_) => linked += 1,
                Err(p) if p.code == Code::RuleViolation => {
                    log::warn!("control {control} keeps its recommendation as text: {p}")
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
    // The operator creates its own account, which is the actor of the journal's first entry.
    let id = Uuid::now_v7();
    txn.caller.account = id;
    txn.create(
        account,
        Some(id),
        json!({ "reference": OPERATOR, "account_kind": "service", "title": "Command line on the server" }),
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
