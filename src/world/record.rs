//! Definition of a record: the fields that every record has, its own fields, and what a resource
//! must define.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::World;
use super::calendar_entry_kind::CalendarEntryKind;
use super::collation::{fold, reference_key, sort_key};
use super::date::{Fault, PlannedDate};
use super::dates::{Dated, Days, Deadline, runs_on};
use super::id::{ANY, Id};
use super::kept_by::KeptBy;

#[cfg(doc)]
use super::id::Target;
use super::text::Reference;
use super::visible::{Clearance, DisclosureContext, cleared};
use super::walk::{Pointer, Visitor, walk};
use crate::policy::{Act, Subject};
use crate::problem::{Code, FieldError, Problem};

/// Who may see a record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Marking {
    /// Everyone who may read records of this kind.
    #[default]
    #[strum(message = "OFFICIAL")]
    Official,
    /// Only callers with clearance for it. Records that are part of a marked record (the controls
    /// of a risk, for example) are not visible either.
    #[strum(message = "OFFICIAL-SENSITIVE")]
    OfficialSensitive,
}

/// Fields that every record has. They come first in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// Identifier, a UUID of version 7.
    pub id: Uuid,
    /// Reference that people use; unique among records of its kind.
    pub reference: Reference,
    /// Version number. It increases by one with every change, and is the record's ETag.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Who may see it.
    pub marking: Marking,
    /// When it was first recorded.
    pub created_at: DateTime<Utc>,
    /// Account that first recorded it; null if it was recorded before accounts were stored with
    /// records.
    #[serde(default)]
    #[schema(required)]
    pub created_by: Option<Uuid>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was withdrawn, if it is.
    #[schema(required)]
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Number of its last journal entry.
    #[serde(skip)]
    pub seq: i64,
    #[serde(skip)]
    pub kind: KindNumber,
}

/// Position of a kind in the catalogue, in little room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindNumber(u16);

impl From<usize> for KindNumber {
    fn from(index: usize) -> Self {
        Self(u16::try_from(index).unwrap_or(u16::MAX))
    }
}

impl Meta {
    /// Position of its kind in the catalogue.
    #[must_use]
    pub fn kind(&self) -> usize {
        self.kind.0.into()
    }
}

/// Fields that a caller may set on every record, as well as the record's own fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Common {
    /// Reference that people use; generated (`WPI-0042`) if left out. Unique among records
    /// of its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reference: Option<Reference>,
    /// Who may see it.
    #[serde(default)]
    pub marking: Marking,
}

/// For a resource that computes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NothingComputed {}

/// A field that links to another record, found by its type ([`Id`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// JSON Pointer of the field.
    pub pointer: String,
    /// Kinds that it may link to, as in [`Target::KINDS`].
    pub kinds: &'static str,
    pub id: Uuid,
    /// Whether the linked record is only mentioned. A mentioned record can still be withdrawn.
    pub is_mention: bool,
}

impl Link {
    /// Whether it may link to any kind except those about access.
    #[must_use]
    pub fn takes_any(&self) -> bool {
        self.kinds == ANY
    }

    /// The kinds that it may link to; none if it takes any.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.split('|').filter(|k| *k != ANY)
    }
}

/// The links of a record.
struct Links(Vec<Link>);

impl Visitor for Links {
    fn link(&mut self, at: &Pointer, kinds: &'static str, id: Uuid, is_mention: bool) {
        self.0.push(Link {
            pointer: at.to_string(),
            kinds,
            id,
            is_mention,
        });
    }
    fn text(&mut self, _: &str) {}
}

/// Every field of a record that links to another.
pub fn links_of(data: &impl Serialize) -> Vec<Link> {
    let mut links = Links(Vec::new());
    walk(data, &mut links);
    links.0
}

/// The ids of the records that a record links to.
struct Targets(Vec<Uuid>);

impl Visitor for Targets {
    fn link(&mut self, _: &Pointer, _: &'static str, id: Uuid, _: bool) {
        self.0.push(id);
    }
    fn text(&mut self, _: &str) {}
}

/// The texts of a record that say nothing.
struct Blanks(Vec<String>);

impl Visitor for Blanks {
    fn link(&mut self, _: &Pointer, _: &'static str, _: Uuid, _: bool) {}
    fn text(&mut self, _: &str) {}
    fn blank(&mut self, at: &Pointer) {
        self.0.push(at.to_string());
    }
}

/// The fields of a record or of a body whose texts say nothing.
#[must_use]
pub fn blanks_of(data: &impl Serialize) -> Vec<String> {
    let mut blanks = Blanks(Vec::new());
    walk(data, &mut blanks);
    blanks.0
}

/// The planned dates of a record.
struct PlannedDates(Vec<String>);

impl Visitor for PlannedDates {
    fn link(&mut self, _: &Pointer, _: &'static str, _: Uuid, _: bool) {}
    fn text(&mut self, _: &str) {}
    fn planned_date(&mut self, at: &Pointer) {
        self.0.push(at.to_string());
    }
}

/// What search looks through: the reference and every text of a record, folded.
struct SearchText(String);

impl Visitor for SearchText {
    fn link(&mut self, _: &Pointer, _: &'static str, _: Uuid, _: bool) {}
    fn text(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(&fold(text));
    }
}

/// Where a record belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Owners: the units or boards whose grants cover it. If empty, the owners of the records that
    /// it is part of.
    pub owners: Vec<Uuid>,
    /// Records that it is part of. If one of them is not visible, neither is this record.
    pub within: Vec<Uuid>,
    /// Whether it is part of each of them on its own (a control of several risks). It then lasts
    /// until the last of them is withdrawn or ends. Otherwise it ends with the first.
    pub is_shared: bool,
}

impl Place {
    /// Owned by a unit or board.
    pub fn owned<I: Into<Uuid>>(by: impl IntoIterator<Item = I>) -> Self {
        Self {
            owners: by.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// A part of another record.
    pub fn within<I: Into<Uuid>>(whole: impl IntoIterator<Item = I>) -> Self {
        Self {
            within: whole.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The same, and a part of another record.
    #[must_use]
    pub fn and_within<I: Into<Uuid>>(mut self, whole: impl IntoIterator<Item = I>) -> Self {
        self.within.extend(whole.into_iter().map(Into::into));
        self
    }

    /// The same, lasting until the last of the records that it is part of has ended.
    #[must_use]
    pub fn shared(self) -> Self {
        Self {
            is_shared: true,
            ..self
        }
    }
}

/// Whether what something is part of allows it to last: all of its wholes do or, if it is shared,
/// one of them.
pub(super) fn lasts(wholes: &[Uuid], is_shared: bool, mut holds: impl FnMut(Uuid) -> bool) -> bool {
    let mut wholes = wholes.iter().copied();
    match is_shared {
        true => wholes.len() == 0 || wholes.any(holds),
        false => wholes.all(&mut holds),
    }
}

/// Value that a list can be sorted by. Records without the value come last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Number(i64),
    /// Bytes that are in the order of the texts ([`super::collation`]). Shared, because a write
    /// copies the part of an order that it changes, including the keys.
    Text(Arc<[u8]>),
    None,
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Key::Text(sort_key(text))
    }
}

impl From<Option<NaiveDate>> for Key {
    fn from(day: Option<NaiveDate>) -> Self {
        use chrono::Datelike;
        day.map_or(Key::None, |d| Key::Number(i64::from(d.num_days_from_ce())))
    }
}

impl From<Option<i64>> for Key {
    fn from(n: Option<i64>) -> Self {
        n.map_or(Key::None, Key::Number)
    }
}

/// A sort order that a resource offers.
pub struct Sort<R: Resource> {
    pub name: &'static str,
    pub key: fn(&Rec<R>) -> Key,
}

/// What rules and filters may use.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub world: &'a World,
    /// The date to calculate for.
    pub on: NaiveDate,
    /// The current world, if `world` is an earlier one. What is not visible today is not visible in
    /// the past either.
    pub now: Option<&'a World>,
    /// Clearance of the caller, so that the matches of a filter reveal nothing that the caller may
    /// not see.
    pub clearance: &'a Clearance,
}

impl<'a> Reading<'a> {
    /// Whether the record is visible to the caller.
    #[must_use]
    pub fn may_see(self, id: Uuid) -> bool {
        std::iter::once(self.world)
            .chain(self.now)
            .all(|w| cleared(w, self.clearance, id))
    }

    /// A record of any kind that the caller may see.
    #[must_use]
    pub fn any(self, id: impl Into<Uuid>) -> Option<&'a Arc<dyn AnyRecord>> {
        let id = id.into();
        self.world.any(id).filter(|_| self.may_see(id))
    }

    /// A record of a given kind that the caller may see.
    #[must_use]
    pub fn get<R: Resource>(self, id: impl Into<Id<R>>) -> Option<&'a Rec<R>> {
        self.any(id.into())?.as_any().downcast_ref()
    }

    /// Whether a record counts ([`World::is_live`]).
    #[must_use]
    pub fn is_live(self, record: &dyn AnyRecord) -> bool {
        self.world.is_live(record)
    }

    /// Whether a record counts and exists or applies on a day ([`World::is_active_on`]).
    #[must_use]
    pub fn is_active_on(self, record: &dyn AnyRecord, day: NaiveDate) -> bool {
        self.world.is_active_on(record, day, |id| self.may_see(id))
    }

    /// The same on the date to calculate for.
    #[must_use]
    pub fn is_active(self, record: &dyn AnyRecord) -> bool {
        self.is_active_on(record, self.on)
    }

    /// The title of a record of a given kind, if the caller may see it.
    #[must_use]
    pub fn title_of<R: Resource>(self, id: impl Into<Id<R>>) -> Option<&'a str> {
        self.get::<R>(id)?.data.title()
    }

    /// The live records of one kind that link to `id` and that the caller may see.
    pub fn pointing<R: Resource>(self, id: impl Into<Uuid>) -> impl Iterator<Item = &'a Rec<R>> {
        self.world
            .pointing::<R>(id)
            .filter(move |r| self.may_see(r.meta.id))
    }
}

/// A change to another record that follows from a change, in the same transaction.
#[derive(Debug, Clone)]
pub struct FollowUp {
    pub id: Uuid,
    /// Merge patch for the fields that a caller may set.
    pub patch: Value,
}

/// Checks one change: the record before, the proposed record, and the errors found.
pub struct Rules<'a, R: Resource> {
    /// What is visible to the caller. A refusal may name anything in it.
    pub reading: Reading<'a>,
    /// Everything that is recorded, for rules that also hold for records that the caller cannot see,
    /// such as that nobody decides on their own claim. A refusal must not say anything about it.
    pub whole: &'a World,
    pub meta: &'a Meta,
    /// The current record; `None` for a new one.
    pub before: Option<&'a Rec<R>>,
    /// Account that proposes the change.
    pub actor: Uuid,
    /// Whether the change comes from another record's rules ([`FollowUp`]), not from a caller.
    pub following: bool,
    /// Whether the grants of the account that proposes the change allow an act on a record in its
    /// current state.
    pub(super) may: &'a dyn Fn(Subject, Act, Uuid) -> bool,
    pub(super) errors: Vec<FieldError>,
    pub(super) code: Code,
    pub(super) follow_ups: Vec<FollowUp>,
}

impl<R: Resource> Rules<'_, R> {
    /// Refuses the change because of a field.
    pub fn refuse(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        });
    }

    /// Whether the account that proposes the change may do this to a record in its current state. A
    /// change that follows from an allowed change is allowed.
    #[must_use]
    pub fn may(&self, subject: Subject, act: Act, id: impl Into<Uuid>) -> bool {
        self.following || (self.may)(subject, act, id.into())
    }

    /// Refuses the change because the caller may not set a field.
    pub fn forbid(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.refuse(pointer, "reserved", detail);
        self.code = Code::Forbidden;
    }

    /// Refuses the change unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, code: &str, detail: &str) {
        if !holds {
            self.refuse(pointer, code, detail);
        }
    }

    /// Refuses a planned date that lacks what its precision needs, or contradicts it.
    pub fn planned(&mut self, pointer: &str, date: &PlannedDate) {
        if let Some(Fault {
            field,
            code,
            detail,
        }) = date.fault()
        {
            self.refuse(format!("{pointer}/{field}"), code, detail);
        }
    }

    /// Refuses the change unless `first` is on or before `last`, if both are known.
    pub fn in_order(
        &mut self,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        pointer: &str,
        first_name: &str,
    ) {
        if let (Some(first), Some(last)) = (first, last)
            && first > last
        {
            self.refuse(
                pointer,
                "date_order",
                format!("must not be before {first_name} ({first})"),
            );
        }
    }

    /// Refuses a change of status that `allowed` does not list for the current status.
    pub fn transition<S: PartialEq + Copy + Serialize>(
        &mut self,
        pointer: &str,
        was: Option<S>,
        is: S,
        allowed: &[(S, &[S])],
    ) {
        let Some(was) = was.filter(|w| *w != is) else {
            return;
        };
        let next = allowed
            .iter()
            .find(|(from, _)| *from == was)
            .map_or(&[][..], |(_, to)| *to);
        if next.contains(&is) {
            return;
        }
        let names: Vec<String> = next.iter().map(word).collect();
        let from_here = if names.is_empty() {
            "none, it is final".to_owned()
        } else {
            names.join(", ")
        };
        self.refuse(
            pointer,
            "transition",
            format!(
                "cannot change from {} to {}; allowed from {}: {from_here}",
                word(&was),
                word(&is),
                word(&was)
            ),
        );
        self.code = Code::TransitionRefused;
    }

    /// Refuses a parent that is the record itself or is below it. `parent_of` climbs one step.
    pub fn no_circle(
        &mut self,
        pointer: &str,
        parent: Option<Id<R>>,
        parent_of: impl Fn(&R) -> Option<Id<R>>,
    ) {
        let mut at = parent;
        let mut steps = 0;
        while let Some(id) = at {
            steps += 1;
            if id == self.meta.id || steps > 10_000 {
                self.refuse(
                    pointer,
                    "circle",
                    "the parent is the record itself or is below it",
                );
                return;
            }
            at = self
                .reading
                .world
                .get::<R>(id)
                .and_then(|r| parent_of(&r.data));
        }
    }

    /// Adds a change to another record that follows from this one.
    pub fn follow_up(&mut self, id: impl Into<Uuid>, patch: Value) {
        let id = id.into();
        self.follow_ups.push(FollowUp { id, patch });
    }
}

/// The code of an enum value.
pub fn word<S: Serialize>(value: &S) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(s)) => s,
        _ => String::new(),
    }
}

/// A resource: its own fields and rules, and nothing about how it is stored, served or journalled.
///
/// `Self` holds the fields that a caller may set. Their documentation and limits (`Text<2000>`) go
/// into the OpenAPI document, and the schema in that document checks each body, so a limit is
/// defined in one place.
///
/// # Example
///
/// A resource as its file defines it. Its links are found by their types, its texts by their
/// fields, and everything else is generic.
///
/// ```text
/// /// Remit of one board for one goal.
/// #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
/// pub struct Remit {
///     /// The board. Cannot be changed.
///     pub board_id: BoardId,
///     /// The goal. Cannot be changed.
///     pub goal_id: GoalId,
///     /// Extent of the remit, or where it is laid down.
///     #[serde(default)]
///     pub note: Option<Text<2000>>,
/// }
///
/// /// Narrows a list of remits.
/// #[derive(Debug, Default, Deserialize, IntoParams)]
/// pub struct RemitFilter {
///     /// Only remits of this board.
///     board_id: Option<BoardId>,
/// }
///
/// impl Resource for Remit {
///     const KIND: &'static str = "remit";
///     const PATH: &'static str = "remits";
///     const PREFIX: &'static str = "RMT";
///     const SUBJECT: Subject = Subject::Governance;
///     const ABOUT: &'static str = "Which board is responsible for which goal.";
///     type Computed = NothingComputed;
///     type Filter = RemitFilter;
///
///     fn example() -> Value {
///         json!({
///             "board_id": "019abcde-0000-7000-8000-000000000001",
///             "goal_id": "019abcde-0000-7000-8000-000000000002"
///         })
///     }
///     fn title(&self) -> Option<&str> {
///         None
///     }
///     fn place(&self) -> Place {
///         Place::within([self.board_id])
///     }
///     fn rules(&self, rules: &mut Rules<'_, Self>) {
///         let remedy = "end this remit and create another";
///         fixed(rules, self, "/board_id", |r| r.board_id, remedy);
///     }
///     fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
///         is(&f.board_id, &r.data.board_id)
///     }
/// }
/// ```
///
/// `.with::<Remit>()` in the register's `mod.rs` adds it to the catalogue. The recipe in
/// CONTRIBUTING.md has every step.
pub trait Resource:
    Serialize + DeserializeOwned + ToSchema + Debug + Send + Sync + 'static
{
    /// Name in the journal. If it changes, the old one goes into [`Resource::FORMER_KINDS`].
    const KIND: &'static str;
    /// Names under which older journals and exports hold such records.
    const FORMER_KINDS: &'static [&'static str] = &[];
    /// Last part of the collection's path.
    const PATH: &'static str;
    /// Prefix of generated references: `WPI` gives `WPI-0042`.
    const PREFIX: &'static str;
    /// Row of the permission matrix.
    const SUBJECT: Subject;
    /// What it is for, for readers of the OpenAPI document.
    const ABOUT: &'static str;
    /// Version of the snapshot's shape. Raise it and adapt [`Resource::lift`] when a field changes
    /// its meaning or its name.
    const SHAPE: i32 = 1;
    /// Whether records are entries of a log (a progress update). They can be withdrawn but not
    /// changed, so no PATCH is offered.
    const APPEND_ONLY: bool = false;
    /// Whether callers may mark such a record directly. False for a record that changes others
    /// through its rules, or that others are assessed by, because its content shows there. It is
    /// not visible if the record that it is part of is not visible.
    const MARKABLE: bool = true;
    /// Kinds whose records are all recomputed when a record of this kind changes, because they are
    /// assessed by it.
    const RECOMPUTES: &'static [&'static str] = &[];
    /// Whether callers create records with the operation that every kind has, alone and in bulk.
    /// False if another operation creates them, because only that operation can vouch for their
    /// fields (the hash of a file).
    const OFFERS_CREATE: bool = true;
    /// Whether its figures are shown as recorded only to those responsible for these records. For
    /// everyone else, [`Resource::release`] decides.
    const RELEASES: bool = false;
    /// Field to name in the error when [`Resource::unique`] is already taken.
    const UNIQUE: &'static str = "";
    /// Kinds of the dates in [`Resource::dates`].
    const DATES: &'static [CalendarEntryKind] = &[];
    /// Fields that the service computes when the record changes.
    type Computed: Serialize + DeserializeOwned + ToSchema + Default + Debug + Send + Sync;
    /// Its own query parameters for lists.
    type Filter: DeserializeOwned + IntoParams + Default + Send + Sync;

    /// A body that creates a plausible record. Ids in it are placeholders.
    fn example() -> Value;
    /// Converts a snapshot of an older shape to the current shape.
    fn lift(_snapshot: &mut Map<String, Value>, _shape: i32) {}
    /// What it is called, wherever people read; none if only its reference says so.
    fn title(&self) -> Option<&str>;
    /// Where it belongs in the registers.
    fn place(&self) -> Place;
    /// Key that no other live record of the kind has, apart from its reference (measure, period and
    /// category of a figure). The world keeps an index by it, in byte order.
    fn unique(&self) -> Option<Vec<u8>> {
        None
    }
    /// Converts the input to its canonical form (a month's deadline to its last day).
    fn normalise(&mut self) {}
    /// Its rules in addition to the schema, with the source of each.
    fn rules(&self, _rules: &mut Rules<'_, Self>)
    where
        Self: Sized,
    {
    }
    /// Its rules for withdrawal, in addition to the rule that no record outside it links to it.
    fn withdrawal(&self, _rules: &mut Rules<'_, Self>)
    where
        Self: Sized,
    {
    }
    /// The computed fields. The record's own links are already checked.
    fn compute(
        &self,
        _reading: Reading<'_>,
        _meta: &Meta,
        _before: Option<&Rec<Self>>,
    ) -> Self::Computed
    where
        Self: Sized,
    {
        Self::Computed::default()
    }
    /// The form in which the record is shown to callers who are not responsible for these records.
    /// Without the records around it (for an earlier version in a history), it cannot be decided
    /// what would be disclosed, so no figure is shown.
    fn release(
        _record: &Rec<Self>,
        _context: Option<&DisclosureContext<'_>>,
    ) -> Option<(Self, Self::Computed)>
    where
        Self: Sized,
    {
        None
    }
    /// Records whose computed fields use this one. They are recomputed whenever it changes.
    fn touches(&self) -> Vec<Uuid> {
        Vec::new()
    }
    /// Until when it is to be done, and whether it is. By default it is not something to be done.
    fn deadline<'a>(_record: &'a Rec<Self>, _reading: Reading<'a>) -> Deadline<'a>
    where
        Self: Sized,
    {
        Deadline::default()
    }
    /// Its dates that are still to come, have been missed or are past, for the calendar. What only
    /// happened (an approval) is not among them. Dates that recur are needed only within `window`.
    fn dates<'a>(_record: &'a Rec<Self>, _reading: Reading<'a>, _window: Days) -> Vec<Dated<'a>>
    where
        Self: Sized,
    {
        Vec::new()
    }
    /// What its dates are shown as, if its title does not say enough there.
    fn date_title<'a>(record: &'a Rec<Self>, _reading: Reading<'a>) -> Cow<'a, str>
    where
        Self: Sized,
    {
        record.data.title().unwrap_or_default().into()
    }
    /// First and last day on which it exists or applies, by its own fields.
    fn active_days(&self) -> Days {
        (None, None)
    }
    /// Whether it exists or applies on a day, by its own fields. To be defined where a status says
    /// so and no day. Whether a record is active depends on the records around it as well: that is
    /// [`World::is_active_on`].
    fn exists_on(&self, day: NaiveDate) -> bool {
        runs_on(self.active_days(), day)
    }
    /// Who keeps the full record.
    fn kept_by(&self) -> KeptBy {
        KeptBy::Here
    }
    /// Records with which it ends or ceases to apply: by default those that it is part of.
    fn ends_with(&self) -> Place {
        self.place()
    }
    /// Sort orders in addition to reference, created_at and updated_at.
    fn sorts() -> &'static [Sort<Self>]
    where
        Self: Sized,
    {
        &[]
    }
    /// Whether a record passes the filter.
    fn matches(record: &Rec<Self>, filter: &Self::Filter, reading: Reading<'_>) -> bool
    where
        Self: Sized;
    /// A record that every match must link to, so that a list reads only the records that do.
    fn pivot(_filter: &Self::Filter) -> Option<Uuid> {
        None
    }
}

/// Renames a field of a snapshot, for [`Resource::lift`].
pub fn rename(snapshot: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = snapshot.remove(from) {
        snapshot.insert(to.into(), value);
    }
}

/// A record of one kind.
#[derive(Debug)]
pub struct Rec<R: Resource> {
    pub meta: Meta,
    /// Fields that a caller may set.
    pub data: R,
    pub computed: R::Computed,
}

/// A record of any kind.
pub trait AnyRecord: Send + Sync + Debug {
    fn meta(&self) -> &Meta;
    /// The record as journalled: one flat JSON object with every figure. The form for a caller
    /// comes from [`super::visible::VisibleWorld::show`].
    ///
    /// # Errors
    /// Fails if it cannot be written.
    fn json(&self) -> Result<Bytes, serde_json::Error>;
    fn subject(&self) -> Subject;
    /// Whether callers who are not responsible for these records see it in another form.
    fn releases(&self) -> bool;
    /// That form, as JSON.
    fn released(&self, context: Option<&DisclosureContext<'_>>)
    -> Result<Bytes, serde_json::Error>;
    /// The text that search covers, folded ([`super::collation::fold`]).
    fn text(&self) -> String;
    fn links(&self) -> Vec<Link>;
    /// The ids of the records that it links to. Called whenever a record is applied, so the
    /// pointers of [`AnyRecord::links`] are not made.
    fn targets(&self) -> Vec<Uuid>;
    /// JSON Pointers of the planned dates that a caller may set.
    fn planned_dates(&self) -> Vec<String>;
    /// What it is called; none if only its reference says so.
    fn title(&self) -> Option<&str>;
    fn place(&self) -> Place;
    /// Key that no other live record of the kind may have, and the field that holds it.
    fn unique(&self) -> Option<(&'static str, Vec<u8>)>;
    /// Fields that a caller may set, for a merge patch.
    fn draft(&self) -> Value;
    /// All fields except the envelope, to tell whether anything changed.
    fn content(&self) -> Value;
    fn touches(&self) -> Vec<Uuid>;
    /// Until when it is to be done, and whether it is.
    fn deadline<'a>(&'a self, reading: Reading<'a>) -> Deadline<'a>;
    /// Its dates, as in [`Resource::dates`].
    fn dates<'a>(&'a self, reading: Reading<'a>, window: Days) -> Vec<Dated<'a>>;
    /// What its dates are shown as.
    fn date_title<'a>(&'a self, reading: Reading<'a>) -> Cow<'a, str>;
    /// Whether its own fields say that it exists or applies on a day. Ask
    /// [`World::is_active_on`] instead, which knows the records around it.
    fn exists_on(&self, day: NaiveDate) -> bool;
    /// Who keeps the full record.
    fn kept_by(&self) -> KeptBy;
    /// Records with which it ends ([`Resource::ends_with`]).
    fn ends_with(&self) -> Place;
    /// Its place in one of the kind's sort orders, without its id.
    fn key(&self, sort: usize) -> Key;
    fn as_any(&self) -> &dyn Any;
}

/// Place of the order by reference among the sort orders of every resource.
pub const BY_REFERENCE: usize = 0;
/// Sort orders that every resource has, before its own.
pub const COMMON_SORTS: [&str; 3] = ["reference", "created_at", "updated_at"];

impl<R: Resource> AnyRecord for Rec<R> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
    fn json(&self) -> Result<Bytes, serde_json::Error> {
        flat(&self.meta, &self.data, &self.computed)
    }
    fn subject(&self) -> Subject {
        R::SUBJECT
    }
    fn releases(&self) -> bool {
        R::RELEASES
    }
    fn released(
        &self,
        context: Option<&DisclosureContext<'_>>,
    ) -> Result<Bytes, serde_json::Error> {
        match R::release(self, context) {
            Some((data, computed)) => flat(&self.meta, &data, &computed),
            None => flat(&self.meta, &self.data, &self.computed),
        }
    }
    fn text(&self) -> String {
        let mut text = SearchText(fold(&self.meta.reference));
        walk(&self.data, &mut text);
        text.0
    }
    fn links(&self) -> Vec<Link> {
        links_of(&self.data)
    }
    fn targets(&self) -> Vec<Uuid> {
        let mut targets = Targets(Vec::new());
        walk(&self.data, &mut targets);
        targets.0
    }
    fn planned_dates(&self) -> Vec<String> {
        let mut dates = PlannedDates(Vec::new());
        walk(&self.data, &mut dates);
        dates.0
    }
    fn title(&self) -> Option<&str> {
        self.data.title()
    }
    fn place(&self) -> Place {
        self.data.place()
    }
    fn unique(&self) -> Option<(&'static str, Vec<u8>)> {
        self.data.unique().map(|key| (R::UNIQUE, key))
    }
    fn draft(&self) -> Value {
        let mut draft = serde_json::to_value(&self.data).unwrap_or_default();
        if let Value::Object(map) = &mut draft {
            map.insert("reference".into(), self.meta.reference.as_str().into());
            map.insert("marking".into(), word(&self.meta.marking).into());
        }
        draft
    }
    fn content(&self) -> Value {
        serde_json::json!([&self.data, &self.computed])
    }
    fn touches(&self) -> Vec<Uuid> {
        self.data.touches()
    }
    fn deadline<'a>(&'a self, reading: Reading<'a>) -> Deadline<'a> {
        R::deadline(self, reading)
    }
    fn dates<'a>(&'a self, reading: Reading<'a>, window: Days) -> Vec<Dated<'a>> {
        R::dates(self, reading, window)
    }
    fn date_title<'a>(&'a self, reading: Reading<'a>) -> Cow<'a, str> {
        R::date_title(self, reading)
    }
    fn exists_on(&self, day: NaiveDate) -> bool {
        self.data.exists_on(day)
    }
    fn kept_by(&self) -> KeptBy {
        self.data.kept_by()
    }
    fn ends_with(&self) -> Place {
        self.data.ends_with()
    }
    fn key(&self, sort: usize) -> Key {
        match sort {
            BY_REFERENCE => Key::Text(reference_key(&self.meta.reference)),
            1 => Key::Number(self.meta.created_at.timestamp_micros()),
            2 => Key::Number(self.meta.updated_at.timestamp_micros()),
            own => {
                let sort = R::sorts().get(own - COMMON_SORTS.len());
                sort.map_or(Key::None, |sort| (sort.key)(self))
            }
        }
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Most records are no longer than this as JSON.
const USUAL_BYTES: usize = 4_096;

#[derive(Serialize)]
struct Flat<'a, R, C> {
    #[serde(flatten)]
    meta: &'a Meta,
    #[serde(flatten)]
    data: &'a R,
    #[serde(flatten)]
    computed: &'a C,
}

fn flat<R: Resource>(
    meta: &Meta,
    data: &R,
    computed: &R::Computed,
) -> Result<Bytes, serde_json::Error> {
    let mut json = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(
        &mut json,
        &Flat {
            meta,
            data,
            computed,
        },
    )?;
    Ok(json.into())
}

impl<R: Resource> Rec<R> {
    /// Builds a record.
    pub fn new(meta: Meta, data: R, computed: R::Computed) -> Self {
        Self {
            meta,
            data,
            computed,
        }
    }

    /// Reads a snapshot, converting an older shape to the current one.
    ///
    /// # Errors
    /// Fails if it is not a snapshot of this kind.
    pub fn from_snapshot(
        snapshot: &str,
        shape: i32,
        seq: i64,
        kind: usize,
    ) -> Result<Arc<dyn AnyRecord>, serde_json::Error> {
        let lifted;
        if shape > R::SHAPE {
            return Err(serde::de::Error::custom(
                "was written by a newer build of stride, which this one cannot read",
            ));
        }
        let text = if shape == R::SHAPE {
            snapshot
        } else {
            let mut map: Map<String, Value> = serde_json::from_str(snapshot)?;
            R::lift(&mut map, shape);
            lifted = serde_json::to_string(&map)?;
            &lifted
        };
        let Members(members) = serde_json::from_str(text)?;
        let own = || {
            members
                .iter()
                .copied()
                .filter(|(name, _)| !META.contains(name))
        };
        let mut meta = Meta::deserialize(MapDeserializer::new(members.iter().copied()))?;
        (meta.seq, meta.kind) = (seq, kind.into());
        let data = R::deserialize(MapDeserializer::new(own()))?;
        let computed = match size_of::<R::Computed>() {
            0 => R::Computed::default(),
            _ => R::Computed::deserialize(MapDeserializer::new(own()))?,
        };
        Ok(Arc::new(Self::new(meta, data, computed)))
    }
}

/// The members of [`Meta`], as they are written.
pub(crate) const META: [&str; 8] = [
    "id",
    "reference",
    "version",
    "marking",
    "created_at",
    "created_by",
    "updated_at",
    "withdrawn_at",
];

/// The members of an object, not yet read. A record is read in three parts, and a start reads
/// millions of records, so that the text is gone through once.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> serde::de::Visitor<'de> for Reader {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(USUAL_MEMBERS);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

/// Most records have no more members than this.
const USUAL_MEMBERS: usize = 40;

/// The problem to return for the errors that rules found.
pub(super) fn refused(code: Code, errors: Vec<FieldError>) -> Problem {
    Problem::with_errors(code, errors)
}
