//! Query parameters that several filters use.

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::world::Id;
use crate::world::catalogue::MOST_VALUES;
use crate::world::id::Target;

pub use crate::world::collation::same_name;

/// One or more values, separated by commas. A record matches if it has any of them. Filters declare
/// it with `#[param(value_type = Option<Vec<T>>, inline, explode = false)]`, so that the OpenAPI
/// document describes it in the same way.
#[derive(Debug, Clone)]
pub struct Any<T>(Vec<T>);

impl<T: PartialEq> Any<T> {
    /// Whether the value is among those asked for.
    pub fn has(&self, value: &T) -> bool {
        self.0.contains(value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Any<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::IntoDeserializer;
        use serde::de::value::StringDeserializer;
        let text = String::deserialize(deserializer)?;
        if text.split(',').count() > MOST_VALUES {
            return Err(serde::de::Error::custom(format!(
                "names more than {MOST_VALUES} values"
            )));
        }
        text.split(',')
            .map(|word| {
                let word: StringDeserializer<D::Error> = word.trim().to_owned().into_deserializer();
                T::deserialize(word)
            })
            .collect::<Result<Vec<T>, D::Error>>()
            .map(Self)
    }
}

/// Whether `value` passes a filter that may list several values. Without a filter, every value
/// passes.
pub fn any<T: PartialEq>(wanted: &Option<Any<T>>, value: &T) -> bool {
    wanted.as_ref().is_none_or(|w| w.has(value))
}

/// The same for a field that may be empty. An empty field matches none of the values.
pub fn any_some<T: PartialEq>(wanted: &Option<Any<T>>, value: Option<T>) -> bool {
    wanted
        .as_ref()
        .is_none_or(|w| value.is_some_and(|v| w.has(&v)))
}

/// Whether `value` passes a filter for one value. Without a filter, every value passes.
pub fn is<T: PartialEq<V>, V>(wanted: &Option<T>, value: &V) -> bool {
    wanted.as_ref().is_none_or(|w| w == value)
}

/// Whether a list of ids has this one.
pub fn has<T: Target>(ids: &[Id<T>], id: Uuid) -> bool {
    ids.iter().any(|i| *i == id)
}

/// The same for a field that may be empty.
pub fn is_some<T: PartialEq<V>, V>(wanted: &Option<T>, value: &Option<V>) -> bool {
    wanted
        .as_ref()
        .is_none_or(|w| value.as_ref().is_some_and(|v| w == v))
}
