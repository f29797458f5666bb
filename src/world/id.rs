//! Typed ids. A field of type `Id<Board>` is a link to a board: its schema, the kinds it may lead
//! to, the check that the record exists, and the list of a record's links all follow from the type.
//!
//! ```
//! use stride::registers::governance::Board;
//! use stride::world::Id;
//!
//! let id: Id<Board> = "019abcde-0000-7000-8000-000000000001".parse().unwrap();
//! assert_eq!(serde_json::to_string(&id).unwrap(), "\"019abcde-0000-7000-8000-000000000001\"");
//! ```

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::record::Resource;

/// What a link may lead to: a resource, or a set of kinds that has a name of its own.
pub trait Target: 'static {
    /// Names of the kinds, separated by `|`. [`ANY`]: every kind except those about access.
    const KINDS: &'static str;
    /// The record is only mentioned: it can be withdrawn all the same.
    const IS_MENTION: bool = false;
}

impl<R: Resource> Target for R {
    const KINDS: &'static str = R::KIND;
}

/// Every kind of record except those about access.
pub const ANY: &str = "*";

/// A link to a record of any kind.
#[derive(Debug)]
pub enum AnyKind {}

impl Target for AnyKind {
    const KINDS: &'static str = ANY;
}

/// A link that only mentions a record (in an agenda item, say): the record can be withdrawn all the
/// same.
pub struct Mention<T>(PhantomData<T>);

impl<T: Target> Target for Mention<T> {
    const KINDS: &'static str = T::KINDS;
    const IS_MENTION: bool = true;
}

/// Id of a record of any kind.
pub type AnyRecordId = Id<AnyKind>;

/// Id of a record of any kind that is only mentioned.
pub type MentionId = Id<Mention<AnyKind>>;

/// Id of a record that `T` names. Fields use an alias of it (`BoardId`), because the schemas are
/// derived from how a type is written.
pub struct Id<T: Target>(Uuid, PhantomData<fn() -> T>);

impl<T: Target> Id<T> {
    /// The id without its type.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// The first of two ids that is given.
#[must_use]
pub fn either(one: Option<impl Into<Uuid>>, other: Option<impl Into<Uuid>>) -> Option<Uuid> {
    one.map(Into::into).or(other.map(Into::into))
}

/// How a serializer recognises an id; JSON does not show it.
pub(super) const LINK: &str = "stride link";
pub(super) const MENTION: &str = "stride mention";

/// The inner part of an id as serialized: its name is the kinds of the target.
struct Inner<T>(Uuid, PhantomData<fn() -> T>);

impl<T: Target> Serialize for Inner<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(T::KINDS, &self.0)
    }
}

impl<T: Target> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = if T::IS_MENTION { MENTION } else { LINK };
        serializer.serialize_newtype_struct(name, &Inner::<T>(self.0, PhantomData))
    }
}

impl<'de, T: Target> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from)
    }
}

impl<T: Target> From<Uuid> for Id<T> {
    fn from(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<T: Target> From<Id<T>> for Uuid {
    fn from(id: Id<T>) -> Self {
        id.0
    }
}

impl<T: Target> FromStr for Id<T> {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Uuid>().map(Self::from)
    }
}

impl<T: Target> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Target> Copy for Id<T> {}

impl<T: Target> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Target> Eq for Id<T> {}

impl<T: Target> PartialEq<Uuid> for Id<T> {
    fn eq(&self, other: &Uuid) -> bool {
        self.0 == *other
    }
}

impl<T: Target> PartialEq<Id<T>> for Uuid {
    fn eq(&self, other: &Id<T>) -> bool {
        *self == other.0
    }
}

impl<T: Target> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Target> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T: Target> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Target> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<T: Target> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<T: Target> PartialSchema for Id<T> {
    fn schema() -> RefOr<Schema> {
        let kinds = (T::KINDS != ANY).then(|| {
            let kinds: Vec<&str> = T::KINDS.split('|').collect();
            ExtensionsBuilder::new().add("x-kinds", kinds).build()
        });
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .extensions(kinds)
            .into()
    }
}

impl<T: Target> ToSchema for Id<T> {
    fn name() -> Cow<'static, str> {
        super::schema::inlined::<Self>()
    }
}
