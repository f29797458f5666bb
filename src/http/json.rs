//! JSON that names a member twice. Parsers keep the last of the two, so what is recorded would not
//! be what someone else reads in the same text; it is refused.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::problem::{Code, Problem};

/// Maximum number of characters of a member's name that are repeated to the caller.
const SHOWN: usize = 60;

/// Refuses a text in which an object has two members with the same name. Other errors are left to
/// the parser.
///
/// # Errors
/// 400, naming the member.
pub fn no_member_twice(text: &[u8]) -> Result<(), Problem> {
    let twice = RefCell::new(None);
    let mut input = serde_json::Deserializer::from_slice(text);
    let parsed = Members { twice: &twice }.deserialize(&mut input);
    match (parsed, twice.into_inner()) {
        (Err(_), Some(place)) => Err(Problem::field(
            Code::MalformedBody,
            place,
            "duplicate",
            "is given twice in the same object; give it once",
        )),
        _ => Ok(()),
    }
}

/// Reads a value and keeps nothing of it but the place of a member that is given twice.
#[derive(Clone, Copy)]
struct Members<'a> {
    twice: &'a RefCell<Option<String>>,
}

impl Members<'_> {
    /// Adds a step to the place that was found further down.
    fn below(self, step: &str) {
        if let Some(place) = self.twice.borrow_mut().as_mut() {
            *place = format!("/{}{place}", shown(step));
        }
    }
}

/// A member's name as it can be part of a pointer.
fn shown(name: &str) -> String {
    let clean: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(SHOWN)
        .collect();
    clean.replace('~', "~0").replace('/', "~1")
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.contains(&name) {
                *self.twice.borrow_mut() = Some(format!("/{}", shown(&name)));
                return Err(A::Error::custom("a member is given twice"));
            }
            if let Err(error) = map.next_value_seed(self) {
                self.below(&name);
                return Err(error);
            }
            names.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        loop {
            match list.next_element_seed(self) {
                Ok(Some(())) => place += 1,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.below(&format!("{place}"));
                    return Err(error);
                }
            }
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_given_twice_is_named() {
        let place = |text: &str| {
            let problem = no_member_twice(text.as_bytes()).err()?;
            assert_eq!(problem.code, Code::MalformedBody);
            problem.errors.into_iter().next().map(|e| e.pointer)
        };
        for (text, expected) in [
            (r#"{"a":1,"a":1}"#, Some("/a")),
            (r#"{"a":1,"\u0061":2}"#, Some("/a")),
            (
                r#"{"x":[{"a":1},{"b":{"c":1,"d":[],"c":null}}]}"#,
                Some("/x/1/b/c"),
            ),
            (r#"{"a/b~":{"":1,"":2}}"#, Some("/a~1b~0/")),
            (r#"[{"a":1},{"a":2}]"#, None),
            (r#"{"a":{"a":{"a":1.5}},"b":"a","c":true,"d":-1}"#, None),
            (r#"{"a":1,"a""#, Some("/a")),
            (r#"{"a":1,"#, None),
            ("", None),
        ] {
            assert_eq!(place(text).as_deref(), expected, "{text}");
        }
    }
}
