//! Names and contact details of people, kept in the one place that can be erased. The journal
//! records only that they were set or erased.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::accounts::{Account, AccountStatus};
use crate::db::store::{self, PersonRow, Side};
use crate::engine::{Outcome, Txn};
use crate::http::operation::{Access, Operation};
use crate::http::parameters::{id_parameter, schema_ref};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::organisation::Person;
use crate::world::schema::{Schemas, add_answer, add_input};
use crate::world::{Kind, Rec, Resource, Text};

/// Name and contact details of a person, kept in the one place that can be erased.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PersonDetails {
    /// Name of the person.
    pub display_name: Text<200, 1>,
    /// Email address.
    #[serde(default)]
    #[schema(max_length = 320, format = "email")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(default)]
    #[schema(min_length = 3, max_length = 40, pattern = "^[0-9+() ./x-]+$")]
    pub telephone: Option<String>,
}

impl PersonDetails {
    /// The database row to store.
    #[must_use]
    pub fn of(self, person: Uuid) -> Side {
        Side::Person(PersonRow {
            person_id: person.into(),
            display_name: self.display_name.to_string(),
            email: self.email,
            telephone: self.telephone,
        })
    }
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_input::<PersonDetails>(schemas);
    add_answer::<PersonDetails>(schemas);
}

const TAG: &str = "People";

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    // Auditors may read accounts, but not the personal details behind them.
    let administrators = Access::Needs(Subject::Access, Act::Update);
    vec![
        Operation::new(
            "GET",
            "/api/v1/people/{id}/details",
            "getPersonDetails",
            administrators,
            details,
        )
        .says(
            TAG,
            "Get a person's details",
            "Personal data: visible only to administrators and never in the journal. Returns 404 \
                if no details are recorded.",
        )
        .takes([id_parameter("person")])
        .answers(
            200,
            "Name and contact details.",
            schema_ref("PersonDetails"),
        ),
        Operation::new(
            "PUT",
            "/api/v1/people/{id}/details",
            "setPersonDetails",
            administrators,
            set_details,
        )
        .says(
            TAG,
            "Set a person's details",
            "Personal data, kept apart from the journal so that it can be erased. Replaces any \
                details recorded before.",
        )
        .takes([id_parameter("person")])
        .body(
            &["application/json"],
            schema_ref("PersonDetailsInput"),
            json!({ "display_name": "A. N. Other", "email": "a.n.other@example.org" }),
        )
        .answers(204, "The details were stored.", Value::Null)
        .refuses(&[Code::Conflict]),
        Operation::new(
            "POST",
            "/api/v1/people/{id}/erase",
            "erasePerson",
            administrators,
            erase,
        )
        .says(
            TAG,
            "Erase a person's details",
            "Deletes the person's name and contact details from the database and its free space. \
                Deletes every password, sign-in name, secret and session of the person's \
                accounts, and disables those accounts. The record, its history and the journal \
                stay, with `erased_at`. This cannot be undone; repeating the call changes \
                nothing more. Backups made earlier still contain the details.",
        )
        .takes([id_parameter("person")])
        .answers(200, "The record that remains.", schema_ref("Person"))
        .tagged()
        .refuses(&[Code::Conflict, Code::RuleViolation]),
    ]
}

/// Looks up the kind `R` in the catalogue.
fn kind<R: Resource>(txn: &Txn<'_>) -> Result<&'static Kind, Problem> {
    let found = txn.world.catalogue().named(R::KIND);
    found.ok_or_else(|| Problem::internal(format!("the catalogue has no kind {}", R::KIND)))
}

async fn details(call: Call) -> Result<Answer, Problem> {
    let id = call.id()?;
    if call.now().get::<Person>(id).is_none() {
        return Err(Problem::not_found());
    }
    let row = call
        .service
        .engine
        .read(move |c| store::person(c, id))
        .await?;
    let row = row.ok_or_else(Problem::not_found)?;
    let details = PersonDetails {
        display_name: Text::cut(row.display_name),
        email: row.email,
        telephone: row.telephone,
    };
    Answer::of(200, &details)
}

async fn set_details(call: Call) -> Result<Answer, Problem> {
    let asked: PersonDetails = call.input()?;
    let id = call.id()?;
    let write = call.write()?;
    call.change(write, move |txn| {
        txn.note(kind::<Person>(txn)?, id, "name or contact details set")?;
        if is_erased(txn, id) {
            return Err(Problem::new(
                Code::Conflict,
                "this person has been erased; create a new person record",
            ));
        }
        txn.beside(asked.of(id));
        Ok(Outcome {
            status: 204,
            ..Outcome::default()
        })
    })
    .await
}

fn is_erased(txn: &Txn<'_>, id: Uuid) -> bool {
    txn.world
        .get::<Person>(id)
        .is_some_and(|p| p.computed.erased_at.is_some())
}

async fn erase(call: Call) -> Result<Answer, Problem> {
    let id = call.id()?;
    if call.now().get::<Person>(id).is_none() {
        return Err(Problem::not_found());
    }
    let write = call.write()?;
    call.change(write, move |txn| {
        let people = kind::<Person>(txn)?;
        let mut record = txn
            .world
            .any(id)
            .map(Arc::clone)
            .ok_or_else(Problem::not_found)?;
        if !is_erased(txn, id) {
            let at = serde_json::to_value(txn.now()).map_err(Problem::internal)?;
            let fields = [("erased_at".to_owned(), at)].into_iter().collect();
            record = txn.stamp(people, id, "name and contact details erased", fields)?;
        }
        end_accounts(txn, id)?;
        txn.beside(Side::ErasePerson(id));
        Ok(Answer::record(200, &txn.show(&record)?).into())
    })
    .await
}

/// Disables the person's active accounts and deletes all their sign-in credentials. Withdrawn
/// accounts cannot be used anyway.
fn end_accounts(txn: &mut Txn<'_>, person: Uuid) -> Result<(), Problem> {
    let accounts = kind::<Account>(txn)?;
    let pointing = txn
        .world
        .pointing_to(person)
        .filter_map(|r| r.as_any().downcast_ref::<Rec<Account>>());
    let found: Vec<(Uuid, i64, bool)> = pointing
        .map(|a| {
            (
                a.meta.id,
                a.meta.version,
                txn.world.is_live(a) && a.data.status == AccountStatus::Active,
            )
        })
        .collect();
    for (id, version, is_active) in found {
        let disabled = json!({ "status": "disabled" });
        if is_active && txn.may_see(id) {
            txn.patch(accounts, id, &[version], disabled)?;
        } else if is_active {
            // A refusal would show that the account exists.
            txn.bring_about(id, disabled)?;
        }
        txn.beside(Side::EraseSignIn(id));
    }
    Ok(())
}

/// Completes the earlier persons of accounts that were recorded before these were kept: accounts
/// that once belonged to the same person count as one.
///
/// # Errors
/// The database cannot be read, or the writer refuses a change.
pub fn keep_earlier_persons(txn: &mut Txn<'_>) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Linked {
        #[serde(default)]
        person_id: Option<Uuid>,
    }
    let found = txn.ask(store::earlier_persons)?;
    if !found.is_empty() {
        txn.beside(Side::EarlierPersonsKept);
    }
    for id in found {
        let versions = txn.ask(|c| store::versions(c, id, 0, i64::MAX))?;
        let mut linked: Vec<Uuid> = versions
            .iter()
            .filter_map(|v| serde_json::from_str::<Linked>(v.snapshot.as_deref()?).ok())
            .filter_map(|v| v.person_id)
            .collect();
        linked.sort_unstable();
        linked.dedup();
        let now = txn.world.get::<Account>(id).and_then(|a| a.data.person_id);
        if linked.iter().all(|p| now.map(Uuid::from) == Some(*p)) {
            continue;
        }
        let fields = [("linked_person_ids".to_owned(), json!(linked))];
        let kind = kind::<Account>(txn)?;
        let why = "earlier persons of the account found in the journal";
        txn.stamp(kind, id, why, fields.into_iter().collect())?;
    }
    Ok(())
}

/// Creates a person record for each account whose personal details were stored with the account
/// (databases from before people had records of their own).
///
/// # Errors
/// The database cannot be read, or the writer refuses a change.
pub fn give_records(txn: &mut Txn<'_>) -> Result<(), Problem> {
    for id in txn.ask(store::people_ids)? {
        let Some((version, is_live)) = txn
            .world
            .get::<Account>(id)
            .map(|a| (a.meta.version, txn.world.is_live(a)))
        else {
            continue;
        };
        let person = txn.create(
            kind::<Person>(txn)?,
            None,
            json!({ "affiliation": "internal" }),
        )?;
        let to = person.meta().id;
        // A withdrawn account cannot be changed, and nobody can sign in with it.
        if is_live {
            txn.patch(
                kind::<Account>(txn)?,
                id,
                &[version],
                json!({ "person_id": to }),
            )?;
        }
        txn.beside(Side::MovePerson { from: id, to });
    }
    Ok(())
}
