//! How texts are compared: what search finds, which names are the same, and in what order people
//! read them. All three follow from one notion of a letter, so that what search finds in one form is
//! also the same name, and sorts next to it.
//!
//! ```
//! use stride::world::collation::{Collated, fold, same_name};
//!
//! assert_eq!(fold("Café  O’Neil – Straße"), "cafe o'neil - strasse");
//! assert!(same_name("Crime & Harm", "crime  & harm "));
//! assert!(Collated("ZZ-9") < Collated("ZZ-10000"));
//! assert!(Collated("Écoute") < Collated("Forum"));
//! ```

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::{Dash, DefaultIgnorableCodePoint};

/// Longest sort key of a text in bytes, so that a cursor has room for it. Texts that agree in so
/// much (over 200 letters) are ordered like records with the same text.
const LONGEST_KEY: usize = 240;

/// The root order of the Unicode Collation Algorithm, which is that of English, with accents but
/// without case, and numbers by value.
static ORDER: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Secondary);
    #[expect(clippy::expect_used, reason = "the data is compiled in")]
    CollatorBorrowed::try_new(preferences, options).expect("the root collation")
});

/// Puts quotation marks, apostrophes and dashes into the form that keyboards have, and removes what
/// cannot be seen. Everything else stays.
fn unified(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains('`') {
        return text.into();
    }
    text.chars().filter_map(unify).collect::<String>().into()
}

/// One character of [`unified`].
fn unify(c: char) -> Option<char> {
    match c {
        '`' | '´' | '‘' | '’' | '‚' | '‛' | '′' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | '‹' | '›' => {
            Some('\'')
        }
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => Some('"'),
        c if c.is_ascii() => Some(c),
        c if CodePointSetData::new::<Dash>().contains(c) => Some('-'),
        c if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) => None,
        c => Some(c),
    }
}

/// Whether a character is an accent on the letter before it.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// A letter without case, and without a stroke: the letters that Unicode does not decompose and that
/// its collation sorts as variants of others.
fn plain(c: char) -> impl Iterator<Item = char> {
    // Upper case first, because only it knows that ß is SS and that ς is σ.
    c.to_uppercase()
        .flat_map(char::to_lowercase)
        .flat_map(|c| match c {
            'ø' => ['o', '\0'],
            'đ' => ['d', '\0'],
            'ł' => ['l', '\0'],
            'ħ' => ['h', '\0'],
            'ŧ' => ['t', '\0'],
            'æ' => ['a', 'e'],
            'œ' => ['o', 'e'],
            c => [c, '\0'],
        })
        .filter(|c| *c != '\0')
}

/// The form of a text in which search and names are compared: compatibility forms of Unicode are
/// unified (NFKD), case, accents and kinds of apostrophes, quotation marks and dashes make no
/// difference, nor do characters that cannot be seen, and white space is one space.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut add = |letters: &mut dyn Iterator<Item = char>| {
        for c in letters {
            if !c.is_whitespace() {
                folded.push(c);
            } else if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        }
    };
    let unified = unified(text);
    if unified.is_ascii() {
        add(&mut unified.chars().map(|c| c.to_ascii_lowercase()));
    } else {
        let decomposed = DecomposingNormalizerBorrowed::new_nfkd();
        let letters = decomposed.normalize_iter(unified.chars());
        let letters = letters.filter(|c| !is_accent(*c)).flat_map(plain);
        // What was decomposed may be an apostrophe or a dash.
        add(&mut letters.filter_map(unify));
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Whether two names are the same to people ([`fold`]).
#[must_use]
pub fn same_name(one: &str, other: &str) -> bool {
    one == other || fold(one) == fold(other)
}

/// Bytes whose order is that of the texts.
fn order_key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() + 8);
    let Ok(()) = ORDER.write_sort_key_to(&unified(text), &mut key);
    key
}

/// Bytes whose order is that of the texts, of limited length.
#[must_use]
pub fn sort_key(text: &str) -> Arc<[u8]> {
    let mut key = order_key(text);
    key.truncate(LONGEST_KEY);
    key.into()
}

/// What every reference has in front of its sort key that may be the same to people. The order knows
/// neither case nor leading zeros, so references that are not the same may share it.
///
/// It is that of all texts ([`Collated`]), for the characters that references have. A list is kept
/// ordered by reference, so finding the key must cost little.
#[must_use]
pub fn reference_prefix(reference: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 * reference.len() + 4);
    let is_written = write_reference(reference.as_bytes(), &mut key)
        || (!reference.is_ascii() && write_reference(fold(reference).as_bytes(), &mut key));
    if !is_written {
        // No reference is like that. In a query, it may be.
        key.clear();
        key.push(u8::MAX);
        key.append(&mut order_key(reference));
    }
    key.push(0);
    key
}

/// Adds bytes in the order of references; false if one has characters that no reference has.
fn write_reference(reference: &[u8], key: &mut Vec<u8>) -> bool {
    key.clear();
    let mut rest = reference;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        key.push(match first {
            b'_' => 1,
            b'-' => 2,
            b'.' => 3,
            b'/' => 4,
            b'0'..=b'9' => {
                let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
                let (number, after) = after.split_at_checked(digits).unwrap_or((after, &[]));
                rest = after;
                let zeros = std::iter::once(first).chain(number);
                let number: Vec<u8> = zeros.skip_while(|b| **b == b'0').copied().collect();
                // A number is larger the more digits it has.
                key.extend([5, u8::try_from(number.len()).unwrap_or(u8::MAX)]);
                key.extend(number);
                continue;
            }
            letter if letter.is_ascii_alphabetic() => 6 + letter.to_ascii_lowercase() - b'a',
            _ => return false,
        });
    }
    true
}

/// The sort key of a reference, which no other reference has.
#[must_use]
pub fn reference_key(reference: &str) -> Arc<[u8]> {
    let mut key = reference_prefix(reference);
    key.extend_from_slice(reference.as_bytes());
    key.into()
}

/// A text that is compared in the order in which people read. Texts that differ only in case are
/// ordered by their characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collated<'a>(pub &'a str);

impl Ord for Collated<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        ORDER
            .compare(&unified(self.0), &unified(other.0))
            .then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Collated<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// References sort among themselves as texts do.
        #[test]
        fn references_are_in_the_order_of_texts(
            one in "[A-Za-z0-9][A-Za-z0-9._/-]{0,20}",
            other in "[A-Za-z0-9][A-Za-z0-9._/-]{0,20}",
            same in "[A-Za-z0-9][A-Za-z0-9._/-]{0,8}",
        ) {
            for (one, other) in [(&one, &other), (&format!("{same}{one}"), &format!("{same}{other}"))] {
                let of_texts = order_key(one).cmp(&order_key(other));
                prop_assert_eq!(
                    reference_prefix(one).cmp(&reference_prefix(other)), of_texts, "{} {}", one, other
                );
            }
        }
    }

    #[test]
    fn what_people_read_as_the_same_is_the_same() {
        for [one, other] in [
            ["O'Neil", "O’NEIL"],
            ["O'Neil", "O`Neil"],
            ["O'Neil", "Oʼneil"],
            ["café", "CAFE"],
            ["café", "cafe\u{301}"],
            ["2020–2025", "2020-2025"],
            ["2020—2025", "2020\u{2011}2025"],
            ["“Inclusion”", "\"inclusion\""],
            ["Straße", "STRASSE"],
            ["ＢＲＤ", "brd"],
            ["ﬁnance", "Finance"],
            ["Łódź", "Lodz"],
            ["Søren Æbler", "soren aebler"],
            ["ΟΔΟΣ", "οδος"],
            ["co\u{ad}operation", "cooperation"],
            ["zero\u{200b}width", "zerowidth"],
            [" Crime\u{a0} and\nharm ", "crime and harm"],
            ["TRİO", "trio"],
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
            assert!(same_name(one, other), "{one} {other}");
        }
        for [one, other] in [
            ["O'Neil", "ONeil"],
            ["ZZ-9", "ZZ-09"],
            ["か", "が"],
            ["कि", "कु"],
            ["2020-25", "2020/25"],
        ] {
            assert!(!same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn order_is_as_people_expect() {
        let texts = [
            "",
            "(draft)",
            "2 boards",
            "10 boards",
            "a board",
            "Áb",
            "abc",
            "Board",
            "boards",
            "cafe",
            "café",
            "cafes",
            "E",
            "É",
            "f",
            "O'Neil",
            "O’Neill",
            "O'Neills",
            "ONeil",
            "Z",
            "ZZ-9",
            "ZZ-10",
            "ZZ-10000",
            "ZZ-20000",
        ];
        assert!(texts.is_sorted_by(|a, b| Collated(a) < Collated(b)));
        assert!(texts.is_sorted_by(|a, b| sort_key(a) < sort_key(b)));
        let references = [
            "a", "a_1", "a-1", "a.1", "a/1", "A1", "a1b", "a2", "A10", "AB", "ab0", "b", "ZZ-9",
            "ZZ-10", "ZZ-10/2", "ZZ-10000", "ZZ-20000", "ZZA",
        ];
        assert!(references.is_sorted_by(|a, b| Collated(a) <= Collated(b)));
        assert!(references.is_sorted_by(|a, b| reference_key(a) <= reference_key(b)));
        assert_eq!(sort_key("ZZ-9"), sort_key("zz-09"));
        assert!(reference_key("ZZ-9") > reference_key("ZZ-09"));
    }

    proptest! {
        #[test]
        fn keys_and_comparisons_agree(a in ".{0,60}", b in ".{0,60}") {
            let keys = (order_key(&a), &a).cmp(&(order_key(&b), &b));
            prop_assert_eq!(keys, Collated(&a).cmp(&Collated(&b)));
            prop_assert!(sort_key(&a.repeat(20)).len() <= LONGEST_KEY);
        }

        #[test]
        fn a_folded_text_stays_as_it_is(text in ".{0,60}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn references_that_are_the_same_share_their_prefix(text in "[A-Za-z0-9][A-Za-z0-9._/-]{0,59}") {
            prop_assert_eq!(reference_prefix(&text), reference_prefix(&text.to_lowercase()));
        }
    }
}
