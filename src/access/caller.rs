//! One caller: what the grants of its account allow in this world today.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use strum::VariantArray;
use uuid::Uuid;

use super::accounts::{Account, AccountStatus, Grant, OPERATOR};
use super::identity::{Claimed, Held, Identity};
use crate::policy::{Act, RELEASED, Role, Subject, allows};
use crate::problem::{Code, Problem};
use crate::world::World;
use crate::world::calendar::today;
use crate::world::visible::{Clearance, Visibility};

/// The account that a valid token names, and what that account held when last looked up. This
/// cannot change until the journal moves or the day changes.
#[derive(Debug)]
pub struct Known {
    pub identity: Identity,
    resolved: ArcSwapOption<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    seq: i64,
    on: NaiveDate,
    caller: Arc<Caller>,
}

impl From<Identity> for Known {
    fn from(identity: Identity) -> Self {
        Self {
            identity,
            resolved: ArcSwapOption::empty(),
        }
    }
}

impl Known {
    /// Returns what the account holds today in a recorded world.
    ///
    /// # Errors
    /// See [`Caller::resolve`].
    pub fn caller(&self, world: &World) -> Result<Arc<Caller>, Problem> {
        let on = today();
        let last = self.resolved.load();
        if let Some(same) = last.as_ref().filter(|r| r.seq == world.seq && r.on == on) {
            return Ok(Arc::clone(&same.caller));
        }
        let caller = Arc::new(Caller::resolve(world, &self.identity, on)?);
        self.resolved.store(Some(Arc::new(Resolved {
            seq: world.seq,
            on,
            caller: Arc::clone(&caller),
        })));
        Ok(caller)
    }
}

/// A caller and the roles it holds.
#[derive(Debug, Clone)]
pub struct Caller {
    pub account: Uuid,
    pub held: Vec<Held>,
    /// Number of roles, counted from the first, that come from grants recorded here. The token
    /// brought the rest.
    pub granted: usize,
    pub read_only: bool,
    fingerprint: OnceLock<[u8; 32]>,
}

impl Caller {
    /// Returns what the account of a verified token holds in this world.
    ///
    /// # Errors
    /// The account does not exist or is not active, the token is too old for the account, or its
    /// subject now has another account.
    pub fn resolve(world: &World, who: &Identity, today: NaiveDate) -> Result<Self, Problem> {
        let refused = |why: &str| Problem::new(Code::Unauthenticated, why);
        let account = world
            .get::<Account>(who.account)
            .filter(|a| world.is_live(*a) && a.data.status == AccountStatus::Active)
            .ok_or_else(|| refused("the account of this token is no longer active"))?;
        if account
            .data
            .tokens_valid_from
            .is_some_and(|from| who.issued_at <= from.timestamp())
        {
            return Err(refused("this token is no longer valid; sign in again"));
        }
        if let Some(vouched) = &who.external
            && account.data.external_id.as_deref() != Some(vouched.external_id.as_str())
        {
            return Err(refused(
                "the subject of this token now has another account; try again",
            ));
        }
        let mut held: Vec<Held> = match &who.acting_as {
            Some(_) if account.meta.reference == OPERATOR => Vec::new(),
            _ => world
                .pointing::<Grant>(who.account)
                .filter(|g| {
                    g.data.account_id == who.account && world.is_active_on(*g, today, |_| true)
                })
                .map(|g| Held {
                    role: g.data.role,
                    scope: g.data.scope_id.map(Into::into),
                    official_sensitive: g.data.official_sensitive,
                })
                .collect(),
        };
        let granted = held.len();
        held.extend(
            who.acting_as
                .iter()
                .filter(|_| account.meta.reference == OPERATOR)
                .cloned(),
        );
        held.extend(
            who.external
                .iter()
                .flat_map(|v| &v.roles)
                .filter_map(|role| claimed(world, role)),
        );
        Ok(Self {
            account: who.account,
            held,
            granted,
            read_only: who.read_only,
            fingerprint: OnceLock::new(),
        })
    }

    /// Caller for the loader and the first start. It may do everything, as the operator.
    #[must_use]
    pub fn system(account: Uuid) -> Self {
        let all = |role| Held {
            role,
            scope: None,
            official_sensitive: true,
        };
        Self {
            account,
            held: Role::VARIANTS.iter().copied().map(all).collect(),
            granted: 0,
            read_only: false,
            fingerprint: OnceLock::new(),
        }
    }

    /// Whether any grant allows it, whatever its scope.
    #[must_use]
    pub fn may(&self, subject: Subject, act: Act) -> bool {
        (act == Act::Read || !self.read_only)
            && self.held.iter().any(|h| allows(h.role, subject, act))
    }

    /// Whether a grant allows it for this record.
    #[must_use]
    pub fn may_on(&self, world: &World, subject: Subject, act: Act, id: Uuid) -> bool {
        (act == Act::Read || !self.read_only)
            && self
                .held
                .iter()
                .filter(|h| allows(h.role, subject, act))
                .any(|h| {
                    act == Act::Read || h.scope.is_none_or(|scope| world.is_in_scope(id, scope))
                })
    }

    /// Returns which records marked official_sensitive are visible to the caller.
    #[must_use]
    pub fn clearance(&self) -> Clearance {
        let mut within: Vec<Uuid> = Vec::new();
        for held in self
            .held
            .iter()
            .filter(|h| h.official_sensitive || h.role == Role::Auditor)
        {
            match held.scope {
                None => return Clearance::All,
                Some(scope) => within.push(scope),
            }
        }
        within.sort_unstable();
        within.dedup();
        if within.is_empty() {
            Clearance::None
        } else {
            Clearance::Within(within)
        }
    }

    /// Refuses a token that was issued for reading only.
    ///
    /// # Errors
    /// 403.
    pub fn require_write(&self) -> Result<(), Problem> {
        if self.read_only {
            Err(only_reads())
        } else {
            Ok(())
        }
    }

    /// Returns what is visible to the caller: which marked records, and which figures as recorded.
    /// A caller whose role may update a subject's records sees its figures as recorded, even if
    /// this token cannot change them.
    #[must_use]
    pub fn visibility(&self) -> Visibility {
        let keeps = |subject: Subject| {
            let held = self
                .held
                .iter()
                .filter(move |h| allows(h.role, subject, Act::Update));
            held.map(move |h| (subject, h.scope))
        };
        let mut exact: Vec<_> = RELEASED.into_iter().flat_map(keeps).collect();
        exact.sort_by_key(|(subject, scope)| (*subject as usize, *scope));
        exact.dedup();
        Visibility {
            clearance: self.clearance(),
            exact,
        }
    }

    /// Distinguishes callers that may get different answers while the journal is unchanged: by
    /// account, by what is visible, and by the roles the token brings (a recorded grant changes the
    /// journal).
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        self.fingerprint.get_or_init(|| {
            let mut hash = Sha256::new();
            hash.update(self.account);
            hash.update(format!(
                "{:?}",
                (self.visibility(), self.held.get(self.granted..))
            ));
            hash.finalize().into()
        })
    }

    /// Refuses unless some grant allows it.
    ///
    /// # Errors
    /// 403, naming the roles that would allow it.
    pub fn require(&self, subject: Subject, act: Act) -> Result<(), Problem> {
        if self.may(subject, act) {
            Ok(())
        } else {
            Err(forbidden(self, subject, act))
        }
    }
}

/// Resolves a role that a token brings, in this world. Returns none if there is no such unit or
/// board: an unknown scope must not become the whole organisation.
fn claimed(world: &World, role: &Claimed) -> Option<Held> {
    let scope = match &role.scope {
        None => None,
        Some(named) => {
            let by_id = Uuid::try_parse(named).ok();
            let found = ["board", "unit"].into_iter().find_map(|kind| {
                let table = world
                    .catalogue()
                    .index_of(kind)
                    .and_then(|k| world.table(k))?;
                by_id
                    .filter(|id| table.has(*id))
                    .or_else(|| table.by_reference(named))
            });
            Some(found?)
        }
    };
    Some(Held {
        role: role.role,
        scope,
        official_sensitive: role.official_sensitive,
    })
}

/// A refusal that names the roles that would allow the request.
#[must_use]
pub fn forbidden(caller: &Caller, subject: Subject, act: Act) -> Problem {
    if caller.read_only && act != Act::Read {
        return only_reads();
    }
    let names: Vec<&str> = crate::policy::roles(subject, act)
        .into_iter()
        .map(Role::as_str)
        .collect();
    Problem::new(
        Code::Forbidden,
        format!(
            "you need the role {}, in a scope that covers the record",
            names.join(" or ")
        ),
    )
}

fn only_reads() -> Problem {
    Problem::new(
        Code::Forbidden,
        "this token was issued with scope `read`; request one with scope `read write`",
    )
}
