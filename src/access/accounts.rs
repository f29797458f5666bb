//! Accounts and the roles granted to them. People's names and addresses are not kept here but in
//! the one place where they can be erased.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::{Role, Subject};
use crate::problem::Problem;
use crate::world::dates::Days;
use crate::world::id::Target;
use crate::world::text::Sha256Hex;
use crate::world::walk::unsearched;
use crate::world::{Id, Meta, NothingComputed, Place, Reading, Rec, Resource, Rules, Text, World};

/// A post. Its register is above this room.
#[derive(Debug)]
pub enum PostTarget {}

impl Target for PostTarget {
    const KINDS: &'static str = "post";
}

/// Id of such a record.
pub type PostLinkId = Id<PostTarget>;

/// A person. Its register is above this room.
#[derive(Debug)]
pub enum PersonTarget {}

impl Target for PersonTarget {
    const KINDS: &'static str = "person";
}

/// Id of such a record.
pub type PersonLinkId = Id<PersonTarget>;

/// A unit or a board, as the scope of a grant.
#[derive(Debug)]
pub enum UnitOrBoard {}

impl Target for UnitOrBoard {
    const KINDS: &'static str = "unit|board";
}

/// Id of such a record.
pub type ScopeId = Id<UnitOrBoard>;

/// Reference of the account that `stride token` and `stride load` act as.
pub const OPERATOR: &str = "local-operator";
/// Reference of the first administrator.
pub const FIRST_ADMINISTRATOR: &str = "first-administrator";

/// Who uses the account: a person or a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AccountKind {
    /// A person, who signs in with a name and password.
    Person,
    /// A system, which signs in with a client id and secret.
    #[strum(message = "System")]
    Service,
}

/// Whether the account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum AccountStatus {
    /// The account may be used.
    #[default]
    Active,
    /// All tokens of the account are refused from the next request.
    Disabled,
}

/// Id of an account.
pub type AccountId = Id<Account>;

/// An account of a person or a system. Its grants say what it may do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Whether the account belongs to a person or a system.
    pub account_kind: AccountKind,
    /// The post or system the account is for. Never a person's name.
    pub title: Text<200, 1>,
    /// Whether the account may be used.
    #[serde(default)]
    pub status: AccountStatus,
    /// The post that the person holds.
    #[serde(default)]
    pub post_id: Option<PostLinkId>,
    /// Pseudonym of the person who holds the account. Accounts of the same person count as one: a
    /// claim made with one cannot be verified with another.
    #[serde(default)]
    pub person_id: Option<PersonLinkId>,
    /// Identity at a trusted issuer: a keyed digest of issuer and subject, set when the subject is
    /// first seen. Unique to one account.
    #[serde(default)]
    #[serde(serialize_with = "unsearched")]
    pub external_id: Option<Sha256Hex>,
    /// Tokens issued up to this time are refused. Set it to the current time to end every session.
    #[serde(default)]
    pub tokens_valid_from: Option<DateTime<Utc>>,
}

/// Filters for a list of accounts.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct AccountFilter {
    /// Only accounts of people, or only accounts of systems.
    #[param(inline)]
    account_kind: Option<AccountKind>,
    /// Only accounts with this status.
    #[param(inline)]
    status: Option<AccountStatus>,
    /// Only accounts of this person.
    person_id: Option<Uuid>,
    /// Only accounts with (true) or without (false) an identity at a trusted issuer.
    external: Option<bool>,
}

/// Values set by the service for an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountComputed {
    /// Every person that the account has belonged to, including earlier ones. Accounts that share
    /// one count as one, so removing `person_id` does not separate them.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub linked_person_ids: Vec<PersonLinkId>,
}

/// Whether two accounts count as one: they are the same account, or they belong or have belonged to
/// the same person.
#[must_use]
pub fn same_hand<'a>(
    account: impl Fn(Uuid) -> Option<&'a Rec<Account>>,
    one: Uuid,
    other: Uuid,
) -> bool {
    let persons = |id| {
        account(id).into_iter().flat_map(|a| {
            let earlier = a.computed.linked_person_ids.iter();
            earlier.chain(&a.data.person_id)
        })
    };
    one == other || persons(one).any(|p| persons(other).any(|q| p == q))
}

impl Resource for Account {
    const KIND: &'static str = "account";
    const PATH: &'static str = "accounts";
    const PREFIX: &'static str = "ACC";
    const SUBJECT: Subject = Subject::Access;
    const SHAPE: i32 = 2;
    const ABOUT: &'static str = "Accounts of people and systems. Grants say what an account may \
        do. People's names and addresses are kept separately, where they can be erased.";
    type Computed = AccountComputed;
    type Filter = AccountFilter;

    fn example() -> Value {
        json!({ "account_kind": "service", "title": "Corporate dashboard" })
    }
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        for field in ["person_id", "external_id"] {
            snapshot.entry(field).or_insert(Value::Null);
        }
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::default()
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        if let Some(before) = rules.before {
            rules.require(
                before.data.account_kind == self.account_kind,
                "/account_kind",
                "fixed",
                "cannot be changed; create another account",
            );
        }
        rules.require(
            self.person_id.is_none() || self.account_kind == AccountKind::Person,
            "/person_id",
            "not_allowed",
            "must be left out: a system's account does not belong to a person",
        );
        // Includes withdrawn accounts: restoring one must not give the subject two accounts.
        if let Some(external) = &self.external_id
            && rules.reading.world.all::<Self>().any(|a| {
                a.meta.id != rules.meta.id && a.data.external_id.as_ref() == Some(external)
            })
        {
            rules.refuse(
                "/external_id",
                "taken",
                "another account already has this identity; remove it there first",
            );
        }
        let own = rules.before.is_some()
            && rules.actor == rules.meta.id
            && self.status == AccountStatus::Disabled;
        rules.require(
            !own,
            "/status",
            "own_account",
            "you cannot disable the account you are signed in with",
        );
        // A future time would lock the account out until then, even an administrator's. Allows for
        // a small difference between clocks.
        let latest = rules.meta.updated_at + TimeDelta::minutes(1);
        rules.require(
            self.tokens_valid_from.is_none_or(|from| from <= latest),
            "/tokens_valid_from",
            "future",
            "must not be in the future",
        );
        if rules.before.is_some_and(|b| b.meta.reference == OPERATOR) {
            let kept = rules.meta.reference == OPERATOR && self.status == AccountStatus::Active;
            rules.require(
                kept,
                "",
                "operator",
                "the local operator must keep its reference and stay active: the command line \
                    acts as this account",
            );
        }
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, before: Option<&Rec<Self>>) -> AccountComputed {
        let earlier = before.map(|b| b.computed.linked_person_ids.iter().chain(&b.data.person_id));
        let mut linked: Vec<PersonLinkId> = earlier
            .into_iter()
            .flatten()
            .chain(&self.person_id)
            .copied()
            .collect();
        linked.sort_unstable();
        linked.dedup();
        AccountComputed {
            linked_person_ids: linked,
        }
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        f.account_kind.is_none_or(|k| k == r.data.account_kind)
            && f.status.is_none_or(|s| s == r.data.status)
            && (f.person_id.is_none() || f.person_id == r.data.person_id.map(Into::into))
            && f.external.is_none_or(|e| e == r.data.external_id.is_some())
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.person_id
    }
}

/// A role granted to an account, for the whole organisation or within a scope.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// Account that holds the role.
    pub account_id: AccountId,
    /// The role.
    pub role: Role,
    /// Unit (including all units below it) or board that the role is limited to. Null for the whole
    /// organisation.
    #[serde(default)]
    pub scope_id: Option<ScopeId>,
    /// Whether records marked official_sensitive are visible to the account, within the scope. They
    /// are always visible to auditors.
    #[serde(default)]
    pub official_sensitive: bool,
    /// Last day on which the grant is valid.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// Filters for a list of grants.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct GrantFilter {
    /// Only grants to this account.
    account_id: Option<AccountId>,
    /// Only grants of this role.
    #[param(inline)]
    role: Option<Role>,
    /// Only grants limited to this unit or board.
    scope_id: Option<ScopeId>,
}

impl Resource for Grant {
    const KIND: &'static str = "grant";
    const PATH: &'static str = "grants";
    const PREFIX: &'static str = "GRT";
    const SUBJECT: Subject = Subject::Access;
    const ABOUT: &'static str =
        "Roles granted to accounts. Withdrawing a grant takes effect from the next request.";
    type Computed = NothingComputed;
    type Filter = GrantFilter;

    fn example() -> Value {
        json!({ "account_id": "019abcde-0000-7000-8000-000000000001", "role": "viewer" })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.account_id])
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        if let Some(before) = rules.before {
            rules.require(
                before.data.account_id == self.account_id,
                "/account_id",
                "fixed",
                "cannot be changed; withdraw this grant and create another",
            );
        }
        let account = |id| rules.whole.get::<Account>(id);
        let own = same_hand(account, rules.actor, self.account_id.uuid());
        if own && !rules.following {
            rules.forbid(
                "/account_id",
                "nobody grants a role to an account of their own, or changes or restores such a \
                    grant; another administrator must do it",
            );
        }
        let unscoped = self.role != Role::Administrator || self.scope_id.is_none();
        rules.require(
            unscoped,
            "/scope_id",
            "scope",
            "must be left out: the role administrator always covers the whole organisation",
        );
    }
    /// The days on which it is valid.
    fn active_days(&self) -> Days {
        (None, self.until_on)
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        f.account_id.is_none_or(|a| a == r.data.account_id)
            && f.role.is_none_or(|x| x == r.data.role)
            && f.scope_id.is_none_or(|s| Some(s) == r.data.scope_id)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.account_id.map(Uuid::from).or(f.scope_id.map(Uuid::from))
    }
}

/// Returns the local operator's account.
///
/// # Errors
/// The database was never prepared.
pub fn operator(world: &World) -> Result<Uuid, Problem> {
    world
        .table_of::<Account>()
        .and_then(|t| t.by_reference(OPERATOR))
        .ok_or_else(|| {
            Problem::internal("the database has no local operator; start the service once")
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registers::catalogue;

    fn snapshot(n: u128, person: Option<u128>) -> Value {
        json!({
            "id": Uuid::from_u128(n), "reference": format!("ACC-{n}"), "version": 1, "marking": "official", "created_at": "2020-01-01T00:00:00Z",
            "created_by": null, "updated_at": "2020-01-01T00:00:00Z", "withdrawn_at": null, "account_kind": "person", "title": "A post",
            "status": "active", "post_id": null, "person_id": person.map(Uuid::from_u128), "external_id": null, "tokens_valid_from": null,
        })
    }

    #[test]
    fn accounts_of_one_person_count_as_one() {
        let kind = catalogue().named(Account::KIND).expect("accounts are kept");
        let mut world = World::empty(catalogue());
        for (n, person) in [
            (1, Some(9)),
            (2, Some(9)),
            (3, Some(8)),
            (4, None),
            (5, None),
        ] {
            let record = (kind.parse)(&snapshot(n, person).to_string(), kind.shape, 1, kind.index)
                .expect("an account");
            world.apply(record);
        }
        let account = |id: Uuid| world.get::<Account>(id);
        let same = |one, other| same_hand(account, Uuid::from_u128(one), Uuid::from_u128(other));
        assert!(same(1, 1) && same(1, 2) && same(4, 4));
        assert!(
            !same(1, 3) && !same(1, 4) && !same(4, 5),
            "nobody known is not somebody"
        );
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "nobody is shown it")]
    fn an_account_of_the_first_shape_is_lifted() {
        let mut old = snapshot(1, None);
        let map = old.as_object_mut().expect("an object");
        map.retain(|field, _| field != "person_id" && field != "external_id");
        let lifted = Rec::<Account>::from_snapshot(&old.to_string(), 1, 1, 0).expect("an account");
        let json: Value = serde_json::from_slice(&lifted.json().expect("JSON")).expect("JSON");
        assert_eq!(
            (&json["person_id"], &json["external_id"]),
            (&Value::Null, &Value::Null)
        );
    }
}
