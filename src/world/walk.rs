//! A walk through the fields of a record, which finds its links and its texts.
//!
//! A record is serialized without being written: ids say what they lead to ([`super::id`]), codes
//! and dates are told apart from texts by the way in which they are serialized.

use std::fmt::Display;

use serde::ser::{self, Serialize};
use uuid::Uuid;

use super::blank::is_blank;
use super::date::PLANNED_DATE;
use super::id::{LINK, MENTION};

/// How the walk recognises a field that search leaves out; JSON does not show it.
const UNSEARCHED: &str = "stride unsearched";

/// For a field that search leaves out, because no person looks for it: a hash, or the same words in
/// another form. `#[serde(serialize_with = "unsearched")]`.
///
/// # Errors
/// Those of the serializer.
pub fn unsearched<T: Serialize, S: ser::Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(UNSEARCHED, value)
}

/// What a walk reports.
pub trait Visitor {
    /// A field that links to a record; `kinds` as in [`super::id::Target::KINDS`].
    fn link(&mut self, at: &Pointer, kinds: &'static str, id: Uuid, is_mention: bool);
    /// A text.
    fn text(&mut self, text: &str);
    /// A text that says nothing.
    fn blank(&mut self, _at: &Pointer) {}
    /// A planned date.
    fn planned_date(&mut self, _at: &Pointer) {}
}

/// Walks through a value.
pub fn walk(value: &impl Serialize, visitor: &mut dyn Visitor) {
    let mut at = Pointer::default();
    // Nothing fails: no field refuses to be serialized, and the walk writes nothing.
    let _ = value.serialize(Walk {
        at: &mut at,
        visitor,
        id_of: None,
    });
}

/// One part of a JSON Pointer.
enum Step {
    Field(&'static str),
    Member(usize),
    Key(String),
}

/// The position of a value in a record.
#[derive(Default)]
pub struct Pointer(Vec<Step>);

impl Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.0 {
            match step {
                Step::Field(name) => write!(f, "/{name}")?,
                Step::Member(n) => write!(f, "/{n}")?,
                Step::Key(key) => write!(f, "/{key}")?,
            }
        }
        Ok(())
    }
}

/// An error that never occurs; serde asks for one.
#[derive(Debug)]
struct Never;

impl Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a walk does not fail")
    }
}

impl std::error::Error for Never {}

impl ser::Error for Never {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

struct Walk<'a> {
    at: &'a mut Pointer,
    visitor: &'a mut dyn Visitor,
    /// Inside an id: its kinds, once known, and whether it is only a mention.
    id_of: Option<(&'static str, bool)>,
}

impl Walk<'_> {
    fn step<T: Serialize + ?Sized>(&mut self, step: Step, value: &T) -> Result<(), Never> {
        self.at.0.push(step);
        value.serialize(Walk {
            at: self.at,
            visitor: self.visitor,
            id_of: None,
        })?;
        self.at.0.pop();
        Ok(())
    }
}

/// Values that are neither links nor texts nor made of parts.
macro_rules! skip {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, _: $kind) -> Result<(), Never> { Ok(()) })*
    };
}

impl<'a> ser::Serializer for Walk<'a> {
    type Ok = ();
    type Error = Never;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    skip! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_unit_struct: &'static str
    }

    fn serialize_str(self, text: &str) -> Result<(), Never> {
        self.visitor.text(text);
        if is_blank(text) {
            self.visitor.blank(self.at);
        }
        Ok(())
    }
    /// The bytes of an id.
    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Never> {
        if let (Some((kinds, is_mention)), Ok(id)) = (self.id_of, Uuid::from_slice(bytes)) {
            self.visitor.link(self.at, kinds, id, is_mention);
        }
        Ok(())
    }
    /// Dates and times.
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Never> {
        Ok(())
    }
    fn serialize_none(self) -> Result<(), Never> {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Never> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Never> {
        Ok(())
    }
    /// A code.
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Never> {
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        if name == UNSEARCHED {
            return Ok(());
        }
        let id_of = match (name, self.id_of) {
            (LINK | MENTION, _) => Some(("", name == MENTION)),
            (kinds, Some((_, is_mention))) => Some((kinds, is_mention)),
            (_, None) => None,
        };
        value.serialize(Walk { id_of, ..self })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Never> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Never> {
        if name == PLANNED_DATE {
            self.visitor.planned_date(self.at);
        }
        Ok(Parts::of(self))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Never> {
        Ok(Parts::of(self))
    }
    /// Ids give their bytes and not their text.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a list, a map or a record.
struct Parts<'a> {
    walk: Walk<'a>,
    count: usize,
    key: String,
}

impl<'a> Parts<'a> {
    fn of(walk: Walk<'a>) -> Self {
        Self {
            walk,
            count: 0,
            key: String::new(),
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.count += 1;
        self.walk.step(Step::Member(self.count - 1), value)
    }
}

/// Parts by position.
macro_rules! members {
    ($($kind:ident: $method:ident),*) => { $(
        impl ser::$kind for Parts<'_> {
            type Ok = ();
            type Error = Never;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
                self.member(value)
            }
            fn end(self) -> Result<(), Never> {
                Ok(())
            }
        }
    )* };
}

members!(
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

/// Parts by name.
macro_rules! fields {
    ($($kind:ident),*) => { $(
        impl ser::$kind for Parts<'_> {
            type Ok = ();
            type Error = Never;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Never> {
                self.walk.step(Step::Field(name), value)
            }
            fn end(self) -> Result<(), Never> {
                Ok(())
            }
        }
    )* };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Never;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        let key = serde_json::to_value(key).unwrap_or_default();
        self.key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        let key = std::mem::take(&mut self.key);
        self.walk.step(Step::Key(key), value)
    }
    fn end(self) -> Result<(), Never> {
        Ok(())
    }
}
