//! People, by pseudonym: something that posts, accounts and history can point to once nobody may
//! know any more who it was.
//!
//! Who a person is (name, address) never enters a record: it is kept in a table of its own, which
//! [`crate::auth::people`] keeps and erases.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};

use crate::policy::Subject;
use crate::registers::checks::asked;
use crate::registers::query::is;
use crate::world::{Id, Meta, Place, Reading, Rec, Resource};

/// Relationship of a person to the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Affiliation {
    /// Employed or appointed by the organisation.
    Internal,
    /// From an outside body, an association or the public.
    External,
}

/// Id of a person.
pub type PersonId = Id<Person>;

/// A person, by pseudonym. No field, including the reference, may identify the person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Relationship of the person to the organisation.
    pub affiliation: Affiliation,
}

/// Values that only the service sets for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonComputed {
    /// Time at which the name and address were erased. After that the person can no longer be
    /// identified.
    #[serde(default)]
    pub erased_at: Option<DateTime<Utc>>,
}

/// Narrows a list of people.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PersonFilter {
    /// Only internal or only external people.
    #[param(inline)]
    affiliation: Option<Affiliation>,
    /// Whether the name and address were erased.
    erased: Option<bool>,
}

impl Resource for Person {
    const KIND: &'static str = "person";
    const PATH: &'static str = "people";
    const PREFIX: &'static str = "PER";
    const SUBJECT: Subject = Subject::Access;
    const ABOUT: &'static str = "People, by pseudonym, so that posts and accounts can refer to a \
        person. The name and address are kept separately (`/people/{id}/details`), for \
        administrators only, and can be erased. Let the service assign the reference, or choose \
        one that does not identify the person.";
    type Computed = PersonComputed;
    type Filter = PersonFilter;

    fn example() -> Value {
        json!({ "affiliation": "internal" })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::default()
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, before: Option<&Rec<Self>>) -> Self::Computed {
        before.map(|b| b.computed.clone()).unwrap_or_default()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.affiliation, &r.data.affiliation)
            && asked(f.erased, || r.computed.erased_at.is_some())
    }
}
