//! A row of a table: JSON that is read only to be written again. Texts are borrowed where they can
//! be, and members are in a list, because a row is looked through in the order of its columns.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Number;

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Row<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Row<'a>>),
    Object(Vec<(Cow<'a, str>, Row<'a>)>),
}

impl Row<'_> {
    /// The member of an object, which is most often where it was in the row before.
    pub(super) fn member(&self, name: &str, place: &mut usize) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        if members.get(*place).is_none_or(|(n, _)| n != name) {
            *place = members.iter().position(|(n, _)| n == name)?;
        }
        members.get(*place).map(|(_, value)| value)
    }

    /// The text at the end of these names.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        let at = path
            .iter()
            .try_fold(self, |value, name| value.member(name, &mut 0))?;
        match at {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// A key of an object, or a text.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(AnyValue)? {
            Row::Text(text) => Ok(Self(text)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Row::Null)
    }
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Row::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        Row::deserialize(value)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Row::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Row::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Row::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Row::Null, Row::Number))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Row::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Row::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Row::Text(Cow::Owned(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(member) = members.next_element()? {
            list.push(member);
        }
        Ok(Row::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Vec::with_capacity(members.size_hint().unwrap_or(16));
        while let Some((Key(name), value)) = members.next_entry()? {
            object.push((name, value));
        }
        Ok(Row::Object(object))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(list) => list.serialize(serializer),
            Self::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    object.serialize_entry(name, value)?;
                }
                object.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_row_says_what_its_json_says() {
        let json = json!({
            "text": "é \"quoted\"\n", "none": null, "yes": true, "whole": -3, "large": u64::MAX,
            "part": 1.0, "tiny": 1e-7, "list": [[1], {}, ["a"]], "object": { "b": { "a": 1 } },
        });
        let text = json.to_string();
        let read: Row<'_> = serde_json::from_str(&text).expect("a row");
        assert_eq!(serde_json::to_string(&read).expect("text"), text);
        let from_value = Row::deserialize(&json).expect("a row");
        assert_eq!(from_value, read);
        let again: Value = serde_json::from_str(&text).expect("a value");
        assert_eq!(again, json);
        let mut place = 7;
        assert_eq!(read.member("yes", &mut place), Some(&Row::Bool(true)));
        assert_eq!(place, 2);
        assert_eq!(read.member("absent", &mut place), None);
    }
}
