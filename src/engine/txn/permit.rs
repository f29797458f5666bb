//! What a caller may make of a record: its scope, the records that compute from it, the post in whose
//! name it speaks, and its marking. All of it is decided before the schema, the links and the rules.

use std::sync::Arc;

use uuid::Uuid;

use super::Txn;
use crate::access::accounts::Account;
use crate::access::caller::forbidden;
use crate::policy::{Act, Role, roles};
use crate::problem::{Code, FieldError, Problem};
use crate::world::catalogue::Outline;
use crate::world::visible::Clearance;
use crate::world::{AnyRecord, IdSet, Kind, Link, Marking, Place};

/// The field that names the post in whose name a record states something.
const SPEAKER: &str = "/by_post_id";

/// A change that a caller asks for.
struct Asked<'a> {
    kind: &'a Kind,
    act: Act,
    id: Uuid,
    before: Option<&'a Arc<dyn AnyRecord>>,
    outline: &'a Outline,
    /// Where the record would belong, without records that are not visible to the caller.
    place: Place,
}

impl Txn<'_> {
    /// Whether a record with this marking at this place would be hidden from callers without
    /// clearance.
    pub(super) fn would_hide(&self, marking: Marking, place: &Place) -> bool {
        marking != Marking::Official || self.world.is_hidden_at(place)
    }

    /// Decides whether the caller may make a record what this outline says, before its schema, its
    /// links and its rules are checked: what a record belongs to, the records that compute from it,
    /// the post in whose name it speaks, and its marking. A record that the caller cannot see is no
    /// different from one that does not exist: its link is refused later.
    pub(super) fn permit(
        &self,
        kind: &Kind,
        act: Act,
        id: Uuid,
        before: Option<&Arc<dyn AnyRecord>>,
        outline: &Outline,
    ) -> Result<(), Problem> {
        let was = before.map(|b| b.place()).unwrap_or_default();
        let asked = Asked {
            kind,
            act,
            id,
            before,
            outline,
            place: self.place_as_seen(&was, &outline.place),
        };
        let is_moved = before.is_none() || was != outline.place;
        let is_known = asked.place == outline.place;
        let may = || (self.caller).may_at(&self.world, kind.subject, act, id, &asked.place);
        if is_moved && is_known && !may() {
            return Err(forbidden(&self.caller, kind.subject, act));
        }
        let joined = |place: &Place, touched: &[Uuid]| -> IdSet {
            let all = place.within.iter().chain(touched).copied();
            all.filter(|other| *other != id).collect()
        };
        let touched = before.map(|b| b.touches()).unwrap_or_default();
        let is = joined(&asked.place, &outline.touches);
        let changed = joined(&was, &touched)
            .symmetric_difference(&is)
            .copied()
            .collect();
        let mut links = outline.links.clone();
        links.extend(before.map(|b| b.links()).unwrap_or_default());
        let mut errors = self.out_of_scope(kind, act, changed, &links);
        errors.extend(self.speaks_for(&asked));
        if !errors.is_empty() {
            return Err(Problem::with_errors(Code::Forbidden, errors));
        }
        self.permit_marking(&asked)
    }

    /// A place without the records that the caller cannot see, except those that the record belongs
    /// to already.
    fn place_as_seen(&self, was: &Place, place: &Place) -> Place {
        let is_known =
            |id: &Uuid| self.is_known(*id) || was.owners.contains(id) || was.within.contains(id);
        let known = |ids: &[Uuid]| ids.iter().copied().filter(is_known).collect();
        Place {
            owners: known(&place.owners),
            within: known(&place.within),
            is_shared: place.is_shared,
        }
    }

    /// Whether there is such a record for the caller.
    fn is_known(&self, id: Uuid) -> bool {
        self.world.any(id).is_some() && self.may_see(id)
    }

    /// The records among these that are outside the caller's scope, each with the link to it.
    fn out_of_scope(
        &self,
        kind: &Kind,
        act: Act,
        mut targets: Vec<Uuid>,
        links: &[Link],
    ) -> Vec<FieldError> {
        targets.sort_unstable();
        targets.retain(|id| {
            self.is_known(*id) && !self.caller.may_on(&self.world, kind.subject, act, *id)
        });
        let outside = targets.into_iter().filter_map(|id| self.world.any(id));
        let error = |record: &Arc<dyn AnyRecord>| {
            let link = links.iter().find(|l| l.id == record.meta().id);
            FieldError {
                pointer: link.map_or_else(String::new, |l| l.pointer.clone()),
                code: "out_of_scope".into(),
                detail: format!(
                    "{} would change, and is outside the scope of your roles; ask those \
                        responsible for it",
                    self.called(record.as_ref())
                ),
            }
        };
        outside.map(error).collect()
    }

    /// Refuses to state something in the name of a post of another unit. A post may be named that
    /// is in the caller's scope, that the caller's account is for, or that is responsible for what
    /// the record is part of. Who keeps the records of a board records what others say there.
    fn speaks_for(&self, asked: &Asked<'_>) -> Option<FieldError> {
        let link = asked.outline.links.iter().find(|l| l.pointer == SPEAKER)?;
        let post = link.id;
        let known = self.world.any(post).filter(|_| self.may_see(post))?;
        let is_same = asked.before.is_some_and(|b| {
            let links = b.links();
            links.iter().any(|l| l.pointer == SPEAKER && l.id == post)
        });
        let own = self.world.get::<Account>(self.caller.account);
        let is_own = own.is_some_and(|a| a.data.post_id.map(Uuid::from) == Some(post));
        let of_whole = |whole: &Uuid| {
            let whole = self.world.any(*whole);
            whole.is_some_and(|w| w.targets().contains(&post))
        };
        let is_unit = |scope: Uuid| {
            let kind = self.world.any(scope).and_then(|s| self.kind_of(s).ok());
            kind.is_some_and(|k| k.name == "unit")
        };
        let in_scope = || {
            let mut scopes = self.caller.scopes(asked.kind.subject, asked.act);
            scopes.any(|scope| {
                let Some(scope) = scope else { return true };
                let covers = scope == asked.id || self.world.is_place_in_scope(&asked.place, scope);
                (covers && !is_unit(scope)) || self.world.is_in_scope(post, scope)
            })
        };
        if is_same || is_own || asked.place.within.iter().any(of_whole) || in_scope() {
            return None;
        }
        Some(FieldError {
            pointer: SPEAKER.into(),
            code: "out_of_scope".into(),
            detail: format!(
                "{} is outside the scope of your roles; you can state something only in the name \
                    of a post in your scope, of your own post, or of a post responsible for this",
                self.called(known.as_ref())
            ),
        })
    }

    /// Decides whether the caller may mark a record or remove its marking.
    fn permit_marking(&self, asked: &Asked<'_>) -> Result<(), Problem> {
        let (kind, id, marking) = (asked.kind, asked.id, asked.outline.marking);
        let was = asked.before.map_or(Marking::Official, |b| b.meta().marking);
        let is_marking = was != marking;
        // A record also changes who may see it by becoming part of a marked record.
        let is_moved = asked.before.is_some()
            && self.world.is_hidden(id) != self.would_hide(marking, &asked.place);
        if !kind.markable || !(is_marking || is_moved) {
            return Ok(());
        }
        let place = &asked.place;
        let cleared = match self.caller.clearance() {
            Clearance::All => true,
            Clearance::None => false,
            Clearance::Within(scopes) => scopes
                .iter()
                .any(|s| *s == id || self.world.is_place_in_scope(place, *s)),
        };
        let may = (self.caller).may_at(&self.world, kind.subject, Act::Mark, id, place);
        if !may || !cleared {
            let roles = roles(kind.subject, Act::Mark);
            let roles: Vec<&str> = roles.into_iter().map(Role::as_str).collect();
            let detail = format!(
                "marking a record or removing its marking needs the role {}, with clearance for \
                    records marked official_sensitive, in a scope that covers the record",
                roles.join(" or ")
            );
            return Err(Problem::field(
                Code::Forbidden,
                "/marking",
                "reserved",
                detail,
            ));
        }
        if asked.before.is_some() && is_marking && self.reason.is_none() {
            let detail = "is required to mark a record or to remove its marking";
            return Err(Problem::field(
                Code::RuleViolation,
                "?reason",
                "required",
                detail,
            ));
        }
        Ok(())
    }

    /// Refuses to withdraw or restore a record that others outside the caller's scope compute from.
    pub(super) fn covers_touched(
        &self,
        kind: &Kind,
        act: Act,
        record: &Arc<dyn AnyRecord>,
    ) -> Result<(), Problem> {
        let errors = self.out_of_scope(kind, act, record.touches(), &record.links());
        if errors.is_empty() {
            return Ok(());
        }
        Err(Problem::with_errors(Code::Forbidden, errors))
    }
}
