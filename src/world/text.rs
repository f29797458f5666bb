//! Texts whose limits are part of their type. A field of type `Text<200>` accepts at most 200
//! characters, one of type `Text<200, 1>` at least one as well; its schema follows from the type.
//!
//! ```
//! use stride::world::Text;
//!
//! let title = Text::<8>::cut("Inclusion");
//! assert_eq!(title, "Inclusi…");
//! assert_eq!(serde_json::to_string(&title).unwrap(), "\"Inclusi…\"");
//! ```

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;

use ecow::EcoString;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What a text may be held in.
pub trait Store:
    Clone
    + Deref<Target = str>
    + Ord
    + Hash
    + for<'a> From<&'a str>
    + From<String>
    + Send
    + Sync
    + 'static
{
}

/// For texts that may be long, or are often missing.
impl Store for Box<str> {}

/// For short texts that every record has: up to 15 bytes take no memory of their own.
impl Store for EcoString {}

/// What a text looks like, besides its length.
pub trait Form: 'static {
    /// How it is held.
    type Store: Store;
    /// Regular expression that it matches.
    const PATTERN: Option<&'static str> = None;
    /// Format, as in JSON Schema.
    const FORMAT: Option<&'static str> = None;
    const EXAMPLE: Option<&'static str> = None;
}

/// Words of any kind.
pub enum Words {}

impl Form for Words {
    type Store = Box<str>;
}

/// A reference that people use for a record.
pub enum ReferenceForm {}

impl Form for ReferenceForm {
    type Store = EcoString;
    const PATTERN: Option<&'static str> = Some("^[A-Za-z0-9][A-Za-z0-9._/-]*$");
}

/// Reference that people use for a record.
pub type Reference = Text<60, 1, ReferenceForm>;

/// A code in lower case.
pub enum CodeForm {}

impl Form for CodeForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^[a-z][a-z0-9_]*$");
}

/// Code in lower case, such as `progress_report`.
pub type CodeWord<const MAX: usize> = Text<MAX, 1, CodeForm>;

/// A SHA-256 in hexadecimal digits.
pub enum Sha256Form {}

impl Form for Sha256Form {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^[0-9a-f]{64}$");
}

/// SHA-256 in hexadecimal digits.
pub type Sha256Hex = Text<64, 64, Sha256Form>;

/// The address of a page.
pub enum WebForm {}

impl Form for WebForm {
    type Store = Box<str>;
    const PATTERN: Option<&'static str> = Some("^https?://[^\\s]+$");
    const EXAMPLE: Option<&'static str> = Some("https://intranet.example/inclusion");
}

/// Address of a page.
pub type WebAddress<const MAX: usize = 2000> = Text<MAX, 0, WebForm>;

/// A text of `MIN` to `MAX` characters (Unicode code points, as JSON Schema counts them) in the form
/// `F`. Fields with a form use an alias ([`Reference`]), because the schemas are derived from how a
/// type is written.
///
/// The limits are checked where something new comes in: bodies by the schema, parameters when a
/// query is parsed. What the journal holds is read whatever its length, because a limit may have
/// been lowered since.
pub struct Text<const MAX: usize, const MIN: usize = 0, F: Form = Words>(
    F::Store,
    PhantomData<fn() -> F>,
);

impl<const MAX: usize, const MIN: usize> Text<MAX, MIN> {
    /// A text that the service composes. What does not fit is cut off, and `…` shows where.
    #[must_use]
    pub fn cut(text: impl Into<String>) -> Self {
        let mut text = text.into();
        // No text has more characters than bytes, so most need not be counted.
        if text.len() > MAX && text.chars().count() > MAX {
            let end = text.char_indices().nth(MAX.saturating_sub(1));
            text.truncate(end.map_or(0, |(at, _)| at));
            text.push('…');
        }
        Self::known(text)
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Text<MAX, MIN, F> {
    /// A text that is known to have this form and length, because the caller checked or made it.
    #[must_use]
    pub fn known(text: impl Into<String>) -> Self {
        Self::held(text.into())
    }

    fn held(text: impl Into<F::Store>) -> Self {
        Self(text.into(), PhantomData)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Deref for Text<MAX, MIN, F> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> AsRef<str> for Text<MAX, MIN, F> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Borrow<str> for Text<MAX, MIN, F> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> From<Text<MAX, MIN, F>> for String {
    fn from(text: Text<MAX, MIN, F>) -> Self {
        text.to_string()
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> From<&Text<MAX, MIN, F>> for String {
    fn from(text: &Text<MAX, MIN, F>) -> Self {
        text.as_str().into()
    }
}

/// A copy in a field that has room for it; if it has not, this does not compile.
impl<const A: usize, const B: usize, const MAX: usize, const MIN: usize, F: Form>
    From<&Text<A, B, F>> for Text<MAX, MIN>
{
    fn from(text: &Text<A, B, F>) -> Self {
        const { assert!(A <= MAX && B >= MIN, "the text may not fit") };
        Self::known(text.as_str())
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Serialize for Text<MAX, MIN, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize, const MIN: usize, F: Form> Deserialize<'de> for Text<MAX, MIN, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(Reader(PhantomData))
            .map(|text: F::Store| Self(text, PhantomData))
    }
}

/// Reads a text without a copy in between.
struct Reader<S>(PhantomData<S>);

impl<S: Store> Visitor<'_> for Reader<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_str<E>(self, text: &str) -> Result<S, E> {
        Ok(text.into())
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Clone for Text<MAX, MIN, F> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

/// An empty text, for what is still to be filled in.
impl<const MAX: usize, const MIN: usize, F: Form> Default for Text<MAX, MIN, F> {
    fn default() -> Self {
        Self::known("")
    }
}

impl<const A: usize, const B: usize, const MAX: usize, const MIN: usize, F: Form, G: Form>
    PartialEq<Text<A, B, G>> for Text<MAX, MIN, F>
{
    fn eq(&self, other: &Text<A, B, G>) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Eq for Text<MAX, MIN, F> {}

impl<const MAX: usize, const MIN: usize, F: Form> PartialEq<str> for Text<MAX, MIN, F> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> PartialEq<&str> for Text<MAX, MIN, F> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> PartialEq<String> for Text<MAX, MIN, F> {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> PartialEq<Text<MAX, MIN, F>> for String {
    fn eq(&self, other: &Text<MAX, MIN, F>) -> bool {
        *other == *self
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> PartialOrd for Text<MAX, MIN, F> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Ord for Text<MAX, MIN, F> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> Hash for Text<MAX, MIN, F> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> fmt::Debug for Text<MAX, MIN, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> fmt::Display for Text<MAX, MIN, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> PartialSchema for Text<MAX, MIN, F> {
    #[expect(deprecated, reason = "the derive writes examples in the same way")]
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(F::FORMAT.map(|f| SchemaFormat::Custom(f.into())))
            .min_length((MIN > 0).then_some(MIN))
            .max_length(Some(MAX))
            .pattern(F::PATTERN)
            .example(F::EXAMPLE.map(Into::into))
            .into()
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> ToSchema for Text<MAX, MIN, F> {
    fn name() -> Cow<'static, str> {
        super::schema::inlined::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(Text::<3>::cut("äöü"), "äöü");
        assert_eq!(Text::<3>::cut("äöüß"), "äö…");
        assert_eq!(Text::<3>::cut("ab"), "ab");
    }

    /// A limit may have been lowered since the text was recorded.
    #[test]
    fn a_longer_text_is_read() {
        let text: Text<2> = serde_json::from_str("\"longer\"").unwrap();
        assert_eq!(text, "longer");
    }
}
