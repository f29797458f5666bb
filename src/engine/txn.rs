//! One change in progress: the writer's world, how to undo what was done to it, the journal entries
//! it will write, and the rules that every change must satisfy.

mod permit;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::access::Caller;
use crate::access::accounts::{Account, AccountStatus, OPERATOR};
use crate::access::caller::forbidden;
use crate::db::store::Side;
use crate::db::{Conn, DbError, store};
use crate::journal::{Action, NewEntry};
use crate::policy::{Act, Subject};
use crate::problem::{Code, FieldError, Problem};
use crate::world::calendar::day_of;
use crate::world::catalogue::{Outline, Proposal, validate};
use crate::world::date::PlannedDate;
use crate::world::record::FollowUp;
use crate::world::visible::{Clearance, RedactedRecord, cleared, show_now, visible_part};
use crate::world::{
    AnyRecord, IdSet, Kind, Link, Marking, Meta, Reading, Rec, Resource, Series, Text, Undo, World,
};

/// The answer of a job, given after its commit.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// Most records named in one refusal.
const MOST_NAMED: usize = 10;

/// Maximum depth of changes that follow from one another.
const FOLLOW_UPS: usize = 10;

/// A change in progress.
pub struct Txn<'a> {
    pub world: World,
    /// What was done to the world. Undone in reverse order.
    undo: Vec<Undo>,
    pub caller: Caller,
    request_id: &'a str,
    reason: Option<&'a str>,
    now: DateTime<Utc>,
    /// When the change was really made, if its entries are back-dated.
    entered_at: Option<DateTime<Utc>>,
    /// Number and time of the world's last entry before the change.
    began: (i64, DateTime<Utc>),
    entries: Vec<NewEntry>,
    sides: Vec<Side>,
    conn: &'a mut Conn,
    /// How deep this change is in a chain of follow-ups; 0 for the one the caller asked for.
    following: usize,
}

/// The current time, to the microsecond, which is the precision of the database.
fn clock() -> DateTime<Utc> {
    let now = Utc::now();
    now.duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(now)
}

/// A follow-up that only recomputes the record.
fn recompute(id: Uuid) -> FollowUp {
    FollowUp {
        id,
        patch: Value::Object(Map::new()),
    }
}

/// The record after a change.
pub type Changed = Result<Arc<dyn AnyRecord>, Problem>;

impl<'a> Txn<'a> {
    pub(super) fn new(
        world: World,
        caller: Caller,
        request_id: &'a str,
        reason: Option<&'a str>,
        conn: &'a mut Conn,
    ) -> Self {
        // The database keeps microseconds, and the journal's time never runs backwards whichever
        // replica writes.
        let now = clock().max(world.at);
        Self {
            began: (world.seq, world.at),
            world,
            undo: Vec::new(),
            caller,
            request_id,
            reason,
            now,
            entered_at: None,
            entries: Vec::new(),
            sides: Vec::new(),
            conn,
            following: 0,
        }
    }

    /// Returns the world with the change in it, the new entries, and what is written outside the
    /// journal.
    pub(super) fn finish(self) -> (World, Vec<NewEntry>, Vec<Side>) {
        (self.world, self.entries, self.sides)
    }

    /// Returns the world as it was before the change.
    pub(super) fn give_up(mut self) -> World {
        self.undo_to(0, 0, 0);
        self.world
    }

    /// Undoes everything after the given numbers of steps, entries and sides.
    fn undo_to(&mut self, steps: usize, entries: usize, sides: usize) {
        for undo in self.undo.drain(steps..).rev() {
            self.world.undo(undo);
        }
        self.entries.truncate(entries);
        self.sides.truncate(sides);
        (self.world.seq, self.world.at) = self.entries.last().map_or(self.began, |e| (e.seq, e.at));
    }

    /// The time under which the change is recorded.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Records what follows under an earlier time. The journal also keeps the time when it was
    /// really entered. Only for an empty database: recorded entries are never changed.
    ///
    /// # Errors
    /// Something is already recorded, `at` is in the future, or it is before the last entry of this
    /// change.
    pub fn back_date(&mut self, at: DateTime<Utc>) -> Result<(), Problem> {
        let refused = |detail: String| {
            Problem::field(Code::RuleViolation, "/recorded_at", "recorded_at", detail)
        };
        if self.began.0 != 0 {
            let detail = "only an empty database accepts records with an earlier time; this one \
                already has journal entries";
            return Err(Problem::new(Code::Conflict, detail));
        }
        let clock = clock();
        if at > clock {
            return Err(refused("must not be in the future".into()));
        }
        if !self.entries.is_empty() && at < self.now {
            return Err(refused(format!(
                "must not be before the previous record ({}); put the records in order of time",
                self.now
            )));
        }
        self.now = at;
        self.entered_at = Some(clock);
        Ok(())
    }

    /// Returns a record of the changed world in the form visible to the caller.
    ///
    /// # Errors
    /// It cannot be serialised.
    pub fn show(&self, record: &Arc<dyn AnyRecord>) -> Result<RedactedRecord, Problem> {
        let meta = record.meta();
        let entry = self.entries.last().filter(|e| e.seq == meta.seq);
        let written = entry.map(|e| e.snapshot.as_str());
        let visibility = self.caller.visibility();
        show_now(&self.world, &visibility, record.as_ref(), written)
    }

    /// Writes something outside the journal, in the same transaction.
    pub fn beside(&mut self, side: Side) {
        self.sides.push(side);
    }

    /// Queries the database for something that is not a record (a credential, for example), in the
    /// transaction of the change.
    ///
    /// # Errors
    /// The database cannot be queried.
    pub fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Conn) -> Result<T, DbError>,
    ) -> Result<T, Problem> {
        self.conn.ensure_transaction()?;
        Ok(question(self.conn)?)
    }

    /// Does part of the work. If it fails, everything in that part is undone.
    ///
    /// # Errors
    /// The error of that part.
    pub fn part<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let (steps, entries, sides, following) = (
            self.undo.len(),
            self.entries.len(),
            self.sides.len(),
            self.following,
        );
        work(self).inspect_err(|_| {
            self.undo_to(steps, entries, sides);
            self.following = following;
        })
    }

    /// Creates a record. `id` is only for the first start, when the operator creates its own
    /// account.
    ///
    /// # Errors
    /// Permission, schema, links, rules, a reference already in use.
    pub fn create(&mut self, kind: &Kind, id: Option<Uuid>, draft: Value) -> Changed {
        self.caller.require(kind.subject, Act::Create)?;
        let id = id.unwrap_or_else(Uuid::now_v7);
        let outline = (kind.outline)(&draft);
        if let Some(outline) = &outline {
            self.permit(kind, Act::Create, id, None, outline)?;
        }
        check_text(&draft)?;
        kind.check_schema(&draft)?;
        if self.world.any(id).is_some() {
            return Err(Problem::field(
                Code::ReferenceTaken,
                "/id",
                "taken",
                "a record with this id already exists",
            ));
        }
        let meta = self.first_version(kind, id, outline.as_ref());
        let record = self.propose(kind, None, draft, meta, Action::Create)?;
        self.in_scope(kind, Act::Create, id)?;
        Ok(record)
    }

    /// Creates a record from typed fields, for imports of thousands of rows. The type must ensure
    /// everything that the schema would. Call it within a part of the work: a refusal because of
    /// its scope must be undone.
    ///
    /// # Errors
    /// Permission, links, rules, a value that belongs to another record.
    pub fn create_typed<R: Resource>(&mut self, kind: &Kind, data: R) -> Changed {
        self.caller.require(kind.subject, Act::Create)?;
        let (id, outline) = (Uuid::now_v7(), Outline::of(&data, Marking::Official));
        self.permit(kind, Act::Create, id, None, &outline)?;
        let meta = self.first_version(kind, id, Some(&outline));
        let may = |subject, act, id| self.caller.may_on(&self.world, subject, act, id);
        let seen = self.judged_in(id);
        let proposal = self.proposal(&seen, None, Value::Null, meta, &may);
        let proposed = validate(proposal, data, &|links| self.check_links(None, links))?;
        let record = self.conclude(kind, proposed, Action::Create)?;
        self.in_scope(kind, Act::Create, id)?;
        Ok(record)
    }

    /// Changes a record, whatever its version, to typed fields ([`Txn::create_typed`]).
    ///
    /// # Errors
    /// Permission, links, rules, a value that belongs to another record.
    pub fn update_typed<R: Resource>(&mut self, kind: &Kind, id: Uuid, data: R) -> Changed {
        let before = self.find(kind, Act::Update, id, None)?;
        let outline = Outline::of(&data, before.meta().marking);
        self.permit(kind, Act::Update, id, Some(&before), &outline)?;
        let may = |subject, act, id| self.caller.may_on(&self.world, subject, act, id);
        let (seen, meta) = (self.judged_in(id), self.next_version(&before));
        let proposal = self.proposal(&seen, Some(&before), Value::Null, meta, &may);
        let proposed = validate(proposal, data, &|links| {
            self.check_links(Some(&before), links)
        })?;
        let record = self.conclude(kind, proposed, Action::Update)?;
        self.in_scope(kind, Act::Update, id)?;
        Ok(record)
    }

    fn first_version(&self, kind: &Kind, id: Uuid, outline: Option<&Outline>) -> Meta {
        let series = match outline.is_some_and(|o| self.would_hide(o.marking, &o.place)) {
            true => Series::Marked,
            false => Series::Open,
        };
        Meta {
            id,
            reference: Text::known(self.world.next_reference(kind, series)),
            version: 1,
            marking: Marking::Official,
            created_at: self.now,
            created_by: Some(self.caller.account),
            updated_at: self.now,
            withdrawn_at: None,
            seq: self.world.seq + 1,
            kind: kind.index.into(),
        }
    }

    /// Restores an exported record with the same id, fields and computed fields, as version 1 in
    /// this journal. No follow-ups run. Check its links with [`Txn::links_hold`] once all records
    /// are restored.
    ///
    /// # Errors
    /// Permission, a snapshot that does not fit the kind, an id or reference already in use.
    pub fn bring_back(&mut self, kind: &Kind, shape: i32, snapshot: &Value) -> Changed {
        self.caller.require(kind.subject, Act::Create)?;
        check_text(snapshot)?;
        let parse = |text: &str, shape, seq| {
            (kind.parse)(text, shape, seq, kind.index).map_err(|e| {
                Problem::field(Code::InvalidBody, "/snapshot", "invalid", e.to_string())
            })
        };
        let record = parse(&snapshot.to_string(), shape, self.world.seq + 1)?;
        kind.check_schema(&record.draft())?;
        let mut meta = record.meta().clone();
        (meta.version, meta.updated_at) = (1, self.now);
        let seen = self.judged_in(meta.id);
        let taken = seen
            .table(kind.index)
            .is_some_and(|t| t.by_reference(&meta.reference).is_some());
        if taken || self.world.any(meta.id).is_some() {
            return Err(Problem::field(
                Code::ReferenceTaken,
                "/snapshot",
                "taken",
                "a record with this id or reference already exists",
            ));
        }
        let record = parse(
            &with_envelope(&record, &meta, Map::new())?,
            kind.shape,
            meta.seq,
        )?;
        self.not_taken(kind, &record)?;
        self.enter(kind, &record, Action::Create)?;
        Ok(record)
    }

    /// Checks that every link of a record names a record of the right kind.
    ///
    /// # Errors
    /// Every link that does not.
    pub fn links_hold(&self, id: Uuid) -> Result<(), Problem> {
        let Some(record) = self.world.any(id) else {
            return Err(Problem::not_found());
        };
        self.check_links(Some(record), record.links())
    }

    /// Changes a record by an RFC 7396 merge patch, if its version is one of `if_match`. A patch
    /// that changes nothing creates no new version.
    ///
    /// # Errors
    /// Permission, an outdated version, schema, links, rules.
    pub fn patch(&mut self, kind: &Kind, id: Uuid, if_match: &[i64], patch: Value) -> Changed {
        let before = self.find(kind, Act::Update, id, Some(if_match))?;
        let was = before.draft();
        let mut asked = was.clone();
        merge(&mut asked, patch.clone());
        if let Some(outline) = (kind.outline)(&asked) {
            self.permit(kind, Act::Update, id, Some(&before), &outline)?;
        }
        check_text(&patch)?;
        let mut stored = was.clone();
        for pointer in before.planned_dates() {
            if let (Some(date), Some(patch)) =
                (stored.pointer_mut(&pointer), patch.pointer(&pointer))
            {
                PlannedDate::give_way(date, patch);
            }
        }
        let draft = kind.patched(stored, &patch)?;
        if draft == was {
            return Ok(before);
        }
        let may = |subject, act, id| self.caller.may_on(&self.world, subject, act, id);
        let (seen, meta) = (self.judged_in(id), self.next_version(&before));
        let proposal = self.proposal(&seen, Some(&before), draft, meta, &may);
        let proposed = (kind.propose)(proposal, &|links| self.check_links(Some(&before), links))?;
        // A null where nothing was, or a value that the service brings to the form that it had.
        if proposed.0.draft() == was {
            return Ok(before);
        }
        let record = self.conclude(kind, proposed, Action::Update)?;
        // Checked again after the change, because the service may have brought the fields into
        // another form.
        self.in_scope(kind, Act::Update, id)?;
        Ok(record)
    }

    /// Records in the journal that something changed that must not be in the journal itself (a
    /// password was set): a new version with the same fields, and `what` as the reason.
    ///
    /// # Errors
    /// Permission, or a record that is not visible to the caller.
    pub fn note(&mut self, kind: &Kind, id: Uuid, what: &'a str) -> Changed {
        self.find(kind, Act::Update, id, None)?;
        self.stamp(kind, id, what, Map::new())
    }

    /// Records in the journal what the service itself states about a record, in fields that callers
    /// cannot set (a person was erased): a new version with these fields, and `what` as the reason.
    /// Also works on a withdrawn record, which stays withdrawn.
    ///
    /// # Errors
    /// Permission, or a record that is not visible to the caller.
    pub fn stamp(
        &mut self,
        kind: &Kind,
        id: Uuid,
        what: &'a str,
        fields: Map<String, Value>,
    ) -> Changed {
        self.caller.require(kind.subject, Act::Update)?;
        let before = self.visible(kind, id)?;
        self.in_scope(kind, Act::Update, id)?;
        let said = self.reason.replace(what);
        let record = self.rewrite(
            kind,
            &before,
            self.next_version(&before),
            Action::Update,
            fields,
        );
        self.reason = said;
        record
    }

    /// Withdraws a record, if its version is one of `if_match`. It stays in the history and can be
    /// restored. `within` withdraws the records that are part of it as well, at any depth; without
    /// it, such records prevent the withdrawal.
    ///
    /// Parts that the caller may not see neither prevent it nor are withdrawn: whether there are
    /// any does not change the answer. They cease to count with their whole ([`World::is_live`]),
    /// and count again once it is restored.
    ///
    /// # Errors
    /// Permission, an outdated version, other current records that link to one of them, or the
    /// rules of one of them.
    pub fn withdraw(&mut self, kind: &Kind, id: Uuid, if_match: &[i64], within: bool) -> Changed {
        let before = self.find(kind, Act::Withdraw, id, Some(if_match))?;
        if id == self.caller.account
            || (kind.name == "account" && before.meta().reference == OPERATOR)
        {
            let detail = "you cannot withdraw the account you are signed in with, or the local \
                operator's account";
            return Err(Problem::new(Code::Conflict, detail));
        }
        let (mut all, mut parts) = (vec![before], self.live_parts(id));
        if within {
            all.append(&mut parts);
        }
        for record in &all {
            self.may_be_withdrawn(id, record)?;
        }
        self.nothing_points_to(&all, self.has_parts(&parts))?;
        // The deepest first: nothing is ever part of a withdrawn record.
        let mut last = None;
        for before in all.iter().rev() {
            let mut meta = self.next_version(before);
            meta.withdrawn_at = Some(self.now);
            let kind = self.kind_of(before)?;
            last = Some(self.enter_again(kind, before, meta, Action::Withdraw, Map::new())?);
        }
        // Records that are withdrawn together are not recomputed for one another.
        let gone: IdSet = all.iter().map(|r| r.meta().id).collect();
        let mut others: Vec<Uuid> = all.iter().flat_map(|r| r.touches()).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|id| !gone.contains(id));
        self.follow(others.into_iter().map(recompute).collect())?;
        let mut kinds: Vec<usize> = all.iter().map(|r| r.meta().kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            if let Some(kind) = self.world.catalogue().kinds().get(kind) {
                self.follow(self.recomputed(kind))?;
            }
        }
        last.ok_or_else(Problem::not_found)
    }

    /// Removes the content of a journal entry, an earlier version of a record, and records that in a
    /// new version of the record, which is otherwise the same.
    ///
    /// # Errors
    /// Permission, clearance for less than everything, an unknown entry, the current version, content
    /// that was removed before, an account or a grant.
    pub fn redact(&mut self, seq: i64) -> Changed {
        self.caller.require(Subject::Redaction, Act::Create)?;
        // Entries of every record are numbered together, so that a number tells how many there are.
        if self.caller.clearance() != Clearance::All {
            let detail = "removing the content of an entry needs clearance for every record marked \
                official_sensitive, because the number of an entry counts those of marked records";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        let found = self.ask(|conn| store::entry(conn, seq))?;
        let row = found.ok_or_else(Problem::not_found)?;
        let id = row.record_id.0;
        let kind = self.world.catalogue().recorded(&row.kind);
        let kind = kind.ok_or_else(Problem::not_found)?;
        let before = self.visible(kind, id)?;
        if !(self.caller).may_on(&self.world, Subject::Redaction, Act::Create, id) {
            return Err(forbidden(&self.caller, Subject::Redaction, Act::Create));
        }
        let refused = if kind.subject == Subject::Access {
            Some(
                "accounts and grants cannot be redacted: who had which rights must remain provable",
            )
        } else if row.version == before.meta().version {
            Some(
                "this entry has the current version of the record; correct the record first, then \
                    redact the entry",
            )
        } else if row.snapshot.is_none() {
            Some("the content of this entry has been removed already")
        } else {
            None
        };
        if let Some(detail) = refused {
            return Err(Problem::new(Code::Conflict, detail));
        }
        self.beside(Side::Redact(seq));
        self.world.last_redaction = self.world.seq + 1;
        let meta = self.next_version(&before);
        self.rewrite(kind, &before, meta, Action::Redact(seq), Map::new())
    }

    /// Checks whether a record may be withdrawn, on its own or with `whole`, by the caller's grants
    /// and the record's own rules.
    fn may_be_withdrawn(&self, whole: Uuid, record: &Arc<dyn AnyRecord>) -> Result<(), Problem> {
        let (kind, id) = (self.kind_of(record)?, record.meta().id);
        let may = |subject, act, id| self.caller.may_on(&self.world, subject, act, id);
        let mut meta = self.next_version(record);
        meta.withdrawn_at = Some(self.now);
        let check = || {
            self.in_scope(kind, Act::Withdraw, id)?;
            self.covers_touched(kind, Act::Withdraw, record)?;
            let seen = self.judged_in(id);
            (kind.withdrawable)(self.proposal(&seen, Some(record), record.draft(), meta, &may))
        };
        check().map_err(|problem| match id == whole {
            true => problem,
            false => self.of_part(record, problem),
        })
    }

    /// Restores a withdrawn record. `within` also restores the parts that were withdrawn with it;
    /// what was withdrawn before it stays withdrawn.
    ///
    /// # Errors
    /// Permission, an outdated version, the record is not withdrawn, or it is part of a record that
    /// is.
    pub fn restore(
        &mut self,
        kind: &Kind,
        id: Uuid,
        if_match: Option<&[i64]>,
        within: bool,
    ) -> Changed {
        self.caller.require(kind.subject, Act::Withdraw)?;
        let before = self.visible(kind, id)?;
        self.in_scope(kind, Act::Withdraw, id)?;
        self.covers_touched(kind, Act::Withdraw, &before)?;
        same_version(&before, if_match)?;
        if before.meta().withdrawn_at.is_none() {
            return Err(Problem::new(Code::Conflict, "the record is not withdrawn"));
        }
        let parts = match within {
            true => self.parts_withdrawn_with(&before),
            false => Vec::new(),
        };
        self.restore_one(kind, &before)?;
        for part in &parts {
            let kind = self.kind_of(part)?;
            let restored = self
                .in_scope(kind, Act::Withdraw, part.meta().id)
                .and_then(|()| self.covers_touched(kind, Act::Withdraw, part))
                .and_then(|()| self.restore_one(kind, part).map(drop));
            restored.map_err(|problem| self.of_part(part, problem))?;
        }
        // A part may have changed it.
        self.visible(kind, id)
    }

    fn restore_one(&mut self, kind: &Kind, before: &Arc<dyn AnyRecord>) -> Changed {
        self.is_part_of_live(before)?;
        let mut meta = self.next_version(before);
        meta.withdrawn_at = None;
        // It must satisfy the current rules: a seat may have been given to someone else in the
        // meantime.
        self.propose(kind, Some(before), before.draft(), meta, Action::Restore)
    }

    /// Refuses what is done to a part of a record that does not count.
    fn is_part_of_live(&self, record: &Arc<dyn AnyRecord>) -> Result<(), Problem> {
        if self.world.is_part_of_live(record.as_ref()) {
            return Ok(());
        }
        let wholes = record.place().within;
        let gone = (wholes.iter().filter_map(|id| self.world.any(*id)))
            .find(|whole| !self.world.is_live(whole.as_ref()));
        let Some(gone) = gone else { return Ok(()) };
        let detail = match gone.meta().withdrawn_at {
            Some(_) => "it is withdrawn; restore it first",
            None => "it is part of a withdrawn record; restore that first",
        };
        let detail = format!(
            "the record is part of {}: {detail}",
            self.called(gone.as_ref())
        );
        Err(Problem::new(Code::Conflict, detail))
    }

    /// The records within a record that count and that the caller may see, at any depth, each after
    /// its whole. A part that lasts without it, because it is part of another record as well, is
    /// not among them.
    fn live_parts(&self, whole: Uuid) -> Vec<Arc<dyn AnyRecord>> {
        let ends = |part: &Arc<dyn AnyRecord>, found: &IdSet| {
            let place = part.place();
            let is_left = |id: &Uuid| {
                let other = self.world.any(*id).filter(|_| !found.contains(id));
                other.is_some_and(|r| self.world.is_live(r.as_ref()))
            };
            self.world.is_live(part.as_ref())
                && !(place.is_shared && place.within.iter().any(is_left))
        };
        self.parts(whole, ends)
    }

    /// The parts of a withdrawn record that were withdrawn with it.
    fn parts_withdrawn_with(&self, whole: &Arc<dyn AnyRecord>) -> Vec<Arc<dyn AnyRecord>> {
        let at = whole.meta().withdrawn_at;
        self.parts(whole.meta().id, |part, _| part.meta().withdrawn_at == at)
    }

    /// The parts of a record that are wanted and that the caller may see, at any depth, each after
    /// the records that it is part of.
    fn parts(
        &self,
        whole: Uuid,
        is_wanted: impl Fn(&Arc<dyn AnyRecord>, &IdSet) -> bool,
    ) -> Vec<Arc<dyn AnyRecord>> {
        let mut todo = VecDeque::from([whole]);
        let mut left: Vec<Arc<dyn AnyRecord>> = Vec::new();
        let mut known = IdSet::from_iter([whole]);
        while let Some(id) = todo.pop_front() {
            for part in self.world.parts(id) {
                let part_id = part.meta().id;
                if self.may_see(part_id) && is_wanted(part, &known) && known.insert(part_id) {
                    todo.push_back(part_id);
                    left.push(Arc::clone(part));
                }
            }
        }
        // An item is part of its plan and of the item above it: it must come after both.
        let mut found = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let before: IdSet = left.iter().map(|r| r.meta().id).collect();
            let is_later =
                |r: &Arc<dyn AnyRecord>| r.place().within.iter().any(|id| before.contains(id));
            let (later, next): (Vec<_>, Vec<_>) = left.into_iter().partition(is_later);
            // Nothing is part of itself, so there is always a next one.
            if next.is_empty() {
                found.extend(later);
                break;
            }
            found.extend(next);
            left = later;
        }
        found
    }

    fn kind_of(&self, record: &Arc<dyn AnyRecord>) -> Result<&'static Kind, Problem> {
        let kinds = self.world.catalogue().kinds();
        kinds
            .get(record.meta().kind())
            .ok_or_else(Problem::not_found)
    }

    /// Returns the record if it is visible to the caller, the caller may do this to it, the version
    /// matches and it is not withdrawn.
    ///
    /// # Errors
    /// Permission, a record that is not visible to the caller, an outdated version, a withdrawn
    /// record.
    pub fn find(&self, kind: &Kind, act: Act, id: Uuid, if_match: Option<&[i64]>) -> Changed {
        self.caller.require(kind.subject, act)?;
        let record = self.visible(kind, id)?;
        self.in_scope(kind, act, id)?;
        same_version(&record, if_match)?;
        if record.meta().withdrawn_at.is_some() {
            return Err(Problem::new(
                Code::Conflict,
                "the record is withdrawn; restore it first",
            ));
        }
        // It can still be withdrawn.
        if act != Act::Withdraw {
            self.is_part_of_live(&record)?;
        }
        Ok(record)
    }

    fn visible(&self, kind: &Kind, id: Uuid) -> Changed {
        self.world
            .any(id)
            .filter(|r| r.meta().kind() == kind.index && self.may_see(id))
            .map(Arc::clone)
            .ok_or_else(Problem::not_found)
    }

    /// Whether the record is visible to the caller.
    #[must_use]
    pub fn may_see(&self, id: Uuid) -> bool {
        cleared(&self.world, &self.caller.clearance(), id)
    }

    /// Refuses an act that the caller may not do to a record.
    ///
    /// # Errors
    /// 403, naming the roles that would allow it.
    pub fn in_scope(&self, kind: &Kind, act: Act, id: Uuid) -> Result<(), Problem> {
        if self.caller.may_on(&self.world, kind.subject, act, id) {
            return Ok(());
        }
        Err(forbidden(&self.caller, kind.subject, act))
    }

    fn next_version(&self, before: &Arc<dyn AnyRecord>) -> Meta {
        let mut meta = before.meta().clone();
        meta.version += 1;
        meta.updated_at = self.now;
        meta.seq = self.world.seq + 1;
        meta
    }

    /// Prepares a change for the record's own rules to check.
    fn proposal<'p>(
        &'p self,
        seen: &'p World,
        before: Option<&'p Arc<dyn AnyRecord>>,
        draft: Value,
        meta: Meta,
        may: &'p dyn Fn(Subject, Act, Uuid) -> bool,
    ) -> Proposal<'p> {
        let reading = |world| Reading {
            world,
            on: day_of(self.now),
            now: None,
            clearance: &Clearance::All,
        };
        Proposal {
            reading: reading(seen),
            whole: reading(&self.world),
            before,
            draft,
            meta,
            actor: self.caller.account,
            following: self.following > 0,
            may,
        }
    }

    /// Checks links and rules, enters the record, and runs the follow-ups in other records.
    fn propose(
        &mut self,
        kind: &Kind,
        before: Option<&Arc<dyn AnyRecord>>,
        draft: Value,
        meta: Meta,
        action: Action,
    ) -> Changed {
        let may = |subject, act, id| self.caller.may_on(&self.world, subject, act, id);
        let seen = self.judged_in(meta.id);
        let proposal = self.proposal(&seen, before, draft, meta, &may);
        let proposed = (kind.propose)(proposal, &|links| self.check_links(before, links))?;
        self.conclude(kind, proposed, action)
    }

    /// The world in which a change to this record is judged: what is visible to the caller. A
    /// follow-up in a record that is not visible is judged by everything.
    fn judged_in(&self, id: Uuid) -> Cow<'_, World> {
        if self.may_see(id) {
            visible_part(&self.world, &self.caller.clearance())
        } else {
            Cow::Borrowed(&self.world)
        }
    }

    /// The world without what is not visible to the caller.
    #[must_use]
    pub fn visible_world(&self) -> Cow<'_, World> {
        visible_part(&self.world, &self.caller.clearance())
    }

    fn conclude(
        &mut self,
        kind: &Kind,
        proposed: (Arc<dyn AnyRecord>, Vec<FollowUp>),
        action: Action,
    ) -> Changed {
        let (record, follow_ups) = proposed;
        self.not_taken(kind, &record)?;
        self.in_its_series(kind, &record)?;
        let id = record.meta().id;
        let was_hidden = self.world.any(id).is_some() && self.world.is_hidden(id);
        let hidden_before = was_hidden.then(|| self.world.hidden_ids());
        self.enter(kind, &record, action)?;
        if let Some(before) = hidden_before {
            self.nothing_shown_twice(&before)?;
        }
        self.follow(follow_ups)?;
        self.follow(self.recomputed(kind))?;
        // A follow-up may have changed the record itself.
        Ok(self.world.any(id).map_or(record, Arc::clone))
    }

    /// Checks that no other record that is visible to the caller has its reference or its other
    /// unique value. A record that is not visible does not prevent the change, because the refusal
    /// would show that it exists.
    fn not_taken(&self, kind: &Kind, record: &Arc<dyn AnyRecord>) -> Result<(), Problem> {
        let meta = record.meta();
        let seen = self.judged_in(meta.id);
        let Some(table) = seen.table(kind.index) else {
            return Ok(());
        };
        let what = || kind.name.replace('_', " ");
        if table
            .all_with_reference(&meta.reference)
            .any(|h| h != meta.id)
        {
            let detail = format!(
                "`{}` is already the reference of another {}",
                meta.reference,
                what()
            );
            return Err(Problem::field(
                Code::ReferenceTaken,
                "/reference",
                "taken",
                detail,
            ));
        }
        let Some((pointer, key)) = record.unique().filter(|_| meta.withdrawn_at.is_none()) else {
            return Ok(());
        };
        let mut holders = table.by_unique(&key).map(|r| r.meta());
        let Some(holder) = holders.find(|h| h.id != meta.id) else {
            return Ok(());
        };
        let detail = format!(
            "{} already records this {}; change or withdraw that record",
            holder.reference,
            what()
        );
        Err(Problem::field(
            Code::RuleViolation,
            pointer,
            "duplicate",
            detail,
        ))
    }

    /// Checks that records that are no longer hidden share no unique value with others. Such others
    /// may have been made by callers who could not see them.
    fn nothing_shown_twice(&self, hidden_before: &IdSet) -> Result<(), Problem> {
        let shown = hidden_before
            .iter()
            .filter(|id| !self.world.is_hidden(**id))
            .filter_map(|id| self.world.any(*id));
        for record in shown {
            if let Some(kind) = self.world.catalogue().kinds().get(record.meta().kind()) {
                self.not_taken(kind, record)?;
            }
        }
        Ok(())
    }

    /// Checks that a new reference has not the form of those that the service generates for other
    /// records: records that are marked, or are part of a marked record, have a series of their own.
    fn in_its_series(&self, kind: &Kind, record: &Arc<dyn AnyRecord>) -> Result<(), Problem> {
        let meta = record.meta();
        let before = self.world.any(meta.id).map(|b| &b.meta().reference);
        let is_hidden =
            meta.marking != Marking::Official || self.world.is_hidden_at(&record.place());
        let refused = match Series::of(kind, &meta.reference) {
            _ if before == Some(&meta.reference) => return Ok(()),
            Some((Series::Open, _)) if is_hidden => {
                "has the form of generated references of records that are not marked; leave it out \
                    or choose another"
            }
            Some((Series::Marked, _)) if !is_hidden => {
                "has the form of generated references of marked records; leave it out or choose \
                    another"
            }
            _ => return Ok(()),
        };
        Err(Problem::field(
            Code::RuleViolation,
            "/reference",
            "reserved",
            refused,
        ))
    }

    /// Enters a new version of a record. Its own fields stay the same; `fields` are set by the
    /// service.
    fn rewrite(
        &mut self,
        kind: &Kind,
        before: &Arc<dyn AnyRecord>,
        meta: Meta,
        action: Action,
        fields: Map<String, Value>,
    ) -> Changed {
        let record = self.enter_again(kind, before, meta, action, fields)?;
        self.follow(record.touches().into_iter().map(recompute).collect())?;
        self.follow(self.recomputed(kind))?;
        Ok(record)
    }

    /// The same, without recomputing other records.
    fn enter_again(
        &mut self,
        kind: &Kind,
        before: &Arc<dyn AnyRecord>,
        meta: Meta,
        action: Action,
        fields: Map<String, Value>,
    ) -> Changed {
        let text = with_envelope(before, &meta, fields)?;
        let record =
            (kind.parse)(&text, kind.shape, meta.seq, kind.index).map_err(Problem::internal)?;
        self.enter(kind, &record, action)?;
        Ok(record)
    }

    /// Returns the records to recompute whenever a record of this kind changes.
    fn recomputed(&self, kind: &Kind) -> Vec<FollowUp> {
        let catalogue = self.world.catalogue();
        let tables = kind
            .recomputes
            .iter()
            .filter_map(|name| self.world.table(catalogue.index_of(name)?));
        let live = tables
            .flat_map(|t| t.rows())
            .filter(|r| self.world.is_live(r.as_ref()));
        live.map(|r| recompute(r.meta().id)).collect()
    }

    /// Changes other records as a result of this change. The depth is limited: more than that means
    /// that rules form a circle.
    fn follow(&mut self, follow_ups: Vec<FollowUp>) -> Result<(), Problem> {
        if follow_ups.is_empty() {
            return Ok(());
        }
        self.following += 1;
        let result = if self.following > FOLLOW_UPS {
            Err(Problem::internal("changes trigger one another in a circle"))
        } else {
            follow_ups.into_iter().try_for_each(|f| self.follow_one(f))
        };
        self.following -= 1;
        result
    }

    /// Changes a record because of a change that was allowed, whether or not the caller can see it.
    ///
    /// # Errors
    /// Schema, links, rules.
    pub fn bring_about(&mut self, id: Uuid, patch: Value) -> Result<(), Problem> {
        self.follow(vec![FollowUp { id, patch }])
    }

    fn follow_one(&mut self, FollowUp { id, patch }: FollowUp) -> Result<(), Problem> {
        let Some(before) = self.world.any(id).map(Arc::clone) else {
            return Ok(());
        };
        let Some(kind) = self.world.catalogue().kinds().get(before.meta().kind()) else {
            return Ok(());
        };
        let mut draft = before.draft();
        merge(&mut draft, patch);
        // Whether anything changes is known only after rules and computation have run. If not, the
        // part is undone: a recomputation must not add an entry to the journal each time.
        let content = before.content();
        let result = self.part(|txn| {
            kind.check_schema(&draft)?;
            let record = txn.propose(
                kind,
                Some(&before),
                draft,
                txn.next_version(&before),
                Action::Update,
            )?;
            if record.content() == content {
                Err(unchanged())
            } else {
                Ok(())
            }
        });
        match result {
            Err(p) if p == unchanged() => Ok(()),
            // A refusal would show that the record exists. Its keepers see that it does not fit.
            Err(p) if !self.may_see(id) && p.code.status() < 500 => Ok(()),
            other => other,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the journal keeps the record in full"
    )]
    fn enter(
        &mut self,
        kind: &Kind,
        record: &Arc<dyn AnyRecord>,
        action: Action,
    ) -> Result<(), Problem> {
        let meta = record.meta();
        let json = record.json().map_err(Problem::internal)?;
        if let Some(account) = record.as_any().downcast_ref::<Rec<Account>>()
            && !(account.data.status == AccountStatus::Active && meta.withdrawn_at.is_none())
        {
            // For good: an account that is made active again signs in again.
            let (account, at) = (meta.id, self.now);
            self.beside(Side::EndRefreshOf { account, at });
        }
        self.world.seq += 1;
        self.world.at = self.now;
        self.entries.push(NewEntry {
            seq: self.world.seq,
            at: self.now,
            entered_at: self.entered_at,
            actor: self.caller.account,
            request_id: self.request_id.to_owned(),
            kind: kind.name,
            record_id: meta.id,
            version: meta.version,
            action,
            shape: kind.shape,
            reason: self.reason.map(str::to_owned),
            snapshot: String::from_utf8(json.into()).map_err(Problem::internal)?,
        });
        let was = (self.world.any(meta.id)).map_or(Marking::Official, |b| b.meta().marking);
        if was != meta.marking {
            self.beside(Side::Marking(self.world.seq));
        }
        let undo = self.world.apply(Arc::clone(record));
        // The number of a generated reference is taken for ever. Until now the record itself showed
        // that it is, so it must be stored elsewhere when the reference is changed.
        for series in Series::ALL {
            if undo.is_renamed(record.as_ref()) {
                let number = self.world.last_number(kind, series);
                let series = series.name(kind);
                self.beside(Side::LastNumber { series, number });
            }
        }
        for &target in undo.lost_links() {
            let record = meta.id;
            self.beside(Side::FormerLink { target, record });
        }
        self.undo.push(undo);
        Ok(())
    }

    /// Checks that every link names a record of the right kind that is visible to the caller. New
    /// links must not name a withdrawn record.
    fn check_links(
        &self,
        before: Option<&Arc<dyn AnyRecord>>,
        links: Vec<Link>,
    ) -> Result<(), Problem> {
        let old: Vec<Uuid> = before.map(|b| b.targets()).unwrap_or_default();
        let mut errors = Vec::new();
        for link in links {
            let names = || match link.takes_any() {
                true => "record".to_owned(),
                false => link
                    .kinds()
                    .map(|k| k.replace('_', " "))
                    .collect::<Vec<_>>()
                    .join(" or "),
            };
            let error = match self
                .world
                .any(link.id)
                // A follow-up is the service's own change, and may repeat links that its caller
                // cannot see. So may a change to other fields.
                .filter(|_| self.following > 0 || old.contains(&link.id) || self.may_see(link.id))
            {
                None => Some(("unknown", format!("there is no {} with this id", names()))),
                Some(to) if !self.is_of(to, &link) => {
                    Some(("wrong_kind", format!("must be the id of a {}", names())))
                }
                Some(to) if !self.world.is_live(to.as_ref()) && !old.contains(&link.id) => Some((
                    "withdrawn",
                    format!(
                        "this {} is withdrawn; restore it first or name another",
                        names()
                    ),
                )),
                Some(_) => None,
            };
            errors.extend(error.map(|(code, detail)| FieldError {
                pointer: link.pointer,
                code: code.into(),
                detail,
            }));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::with_errors(Code::RuleViolation, errors))
        }
    }

    fn is_of(&self, record: &Arc<dyn AnyRecord>, link: &Link) -> bool {
        let kinds = self.world.catalogue().kinds();
        kinds.get(record.meta().kind()).is_some_and(|k| {
            if link.takes_any() {
                // Accounts and grants are not part of what is recorded about the organisation, and
                // few callers may see them.
                k.subject != Subject::Access
            } else {
                link.kinds().any(|name| name == k.name)
            }
        })
    }

    /// The records within a record that prevent its withdrawal.
    fn has_parts(&self, parts: &[Arc<dyn AnyRecord>]) -> Vec<FieldError> {
        let more = parts.len().saturating_sub(MOST_NAMED);
        let error = |(n, part): (usize, &Arc<dyn AnyRecord>)| {
            let others = match (n + 1 == MOST_NAMED, more) {
                (true, 1..) => format!(", and so are {more} more"),
                _ => String::new(),
            };
            FieldError {
                pointer: String::new(),
                code: "has_parts".into(),
                detail: format!(
                    "{} is part of this record{others}; withdraw it first, or withdraw both with \
                        within=withdraw",
                    self.called(part.as_ref())
                ),
            }
        };
        parts
            .iter()
            .take(MOST_NAMED)
            .enumerate()
            .map(error)
            .collect()
    }

    /// Checks that no live record other than these and their parts links to one of these. `errors`:
    /// what prevents their withdrawal already.
    fn nothing_points_to(
        &self,
        all: &[Arc<dyn AnyRecord>],
        mut errors: Vec<FieldError>,
    ) -> Result<(), Problem> {
        let most = errors.len() + MOST_NAMED;
        let gone: IdSet = all.iter().map(|r| r.meta().id).collect();
        for to in all {
            let id = to.meta().id;
            let outside = |r: &&Arc<dyn AnyRecord>| {
                !gone.contains(&r.meta().id) && !r.place().within.contains(&id)
            };
            for r in self.visible_pointing_to(id).filter(outside) {
                let by: Vec<String> = r
                    .links()
                    .into_iter()
                    .filter(|l| l.id == id && !l.is_mention)
                    .map(|l| l.pointer)
                    .collect();
                if by.is_empty() || errors.len() == most {
                    continue;
                }
                let what = match all.first().is_some_and(|first| first.meta().id == id) {
                    true => "this record".to_owned(),
                    false => format!(
                        "{}, which is part of this record,",
                        self.called(to.as_ref())
                    ),
                };
                let by = by.join(", ");
                errors.push(FieldError {
                    pointer: String::new(),
                    code: "in_use".into(),
                    detail: format!("{} links to {what} in {by}", self.called(r.as_ref())),
                });
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Problem::with_errors(Code::InUse, errors))
    }

    /// The live records that link to `id`, as far as they are visible to the caller. Only these may
    /// prevent a change or be named in a refusal.
    pub fn visible_pointing_to(&self, id: Uuid) -> impl Iterator<Item = &Arc<dyn AnyRecord>> {
        self.world
            .pointing_to(id)
            .filter(|r| self.world.is_live(r.as_ref()) && self.may_see(r.meta().id))
    }

    /// What prevents a part from being withdrawn or restored with its whole.
    fn of_part(&self, part: &Arc<dyn AnyRecord>, mut problem: Problem) -> Problem {
        problem.detail = format!(
            "{}, which is part of this record: {}",
            self.called(part.as_ref()),
            problem.detail
        );
        problem
    }

    /// What a record is called in a refusal, such as `work plan item WPI-0042`.
    #[must_use]
    pub fn called(&self, record: &dyn AnyRecord) -> String {
        let meta = record.meta();
        let kind = self.world.catalogue().kinds().get(meta.kind());
        let kind = kind.map_or("", |k| k.name).replace('_', " ");
        format!("{kind} {}", meta.reference)
    }
}

/// Returns a record's JSON with another envelope and these fields.
#[expect(clippy::disallowed_methods, reason = "for the journal")]
fn with_envelope(
    record: &Arc<dyn AnyRecord>,
    meta: &Meta,
    fields: Map<String, Value>,
) -> Result<String, Problem> {
    let mut map: Map<String, Value> =
        serde_json::from_slice(&record.json().map_err(Problem::internal)?)
            .map_err(Problem::internal)?;
    if let Value::Object(envelope) = serde_json::to_value(meta).map_err(Problem::internal)? {
        map.extend(envelope);
    }
    map.extend(fields);
    serde_json::to_string(&map).map_err(Problem::internal)
}

/// Marks a follow-up that changed nothing, so that it is undone.
fn unchanged() -> Problem {
    Problem {
        code: Code::Conflict,
        detail: String::new(),
        errors: Vec::new(),
        headers: Vec::new(),
        shed: None,
    }
}

/// Checks that the record is at one of these versions, if any are given.
fn same_version(record: &Arc<dyn AnyRecord>, if_match: Option<&[i64]>) -> Result<(), Problem> {
    let version = record.meta().version;
    let Some(expected) = if_match.filter(|expected| !expected.contains(&version)) else {
        return Ok(());
    };
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    let detail = if expected.is_empty() {
        format!("a weak ETag names no version to change; the record is at version {version}")
    } else {
        let expected = expected.join(" or ");
        format!("you changed version {expected}, but the record is now at version {version}")
    };
    let etag = format!("\"{version}\"");
    Err(Problem::new(Code::VersionMismatch, detail).header("ETag", etag))
}

/// RFC 7396: `null` removes, objects merge, everything else replaces.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Refuses NUL and other control characters, which neither databases nor readers can handle.
fn check_text(value: &Value) -> Result<(), Problem> {
    let mut errors = Vec::new();
    walk_text(value, &mut String::new(), &mut errors);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::with_errors(Code::InvalidBody, errors))
    }
}

fn walk_text(value: &Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
    let clean = |s: &str| {
        !s.chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    };
    let at = pointer.len();
    match value {
        Value::String(s) if !clean(s) => errors.push(FieldError {
            pointer: pointer.clone(),
            code: "control_character".into(),
            detail: "must not contain control characters other than line breaks and tabs".into(),
        }),
        Value::Array(list) => {
            for (n, v) in list.iter().enumerate() {
                pointer.push_str(&format!("/{n}"));
                walk_text(v, pointer, errors);
                pointer.truncate(at);
            }
        }
        Value::Object(map) => {
            for (name, v) in map {
                pointer.push('/');
                pointer.extend(name.chars().filter(|c| !c.is_control()));
                walk_text(v, pointer, errors);
                pointer.truncate(at);
            }
        }
        _ => {}
    }
}
