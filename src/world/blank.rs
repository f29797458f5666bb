//! What says nothing: the one definition of a blank text. Callers cannot record one, and what older
//! journals hold counts as absent wherever a rule, a filter or a view asks whether something is
//! said.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::text::{Form, Text};

/// What to do about it, as a sentence.
pub const REMEDY: &str = "says nothing: it has no visible character; write something, or leave the \
    field out";

/// Braille pattern without dots. Unicode counts it as a symbol, but it shows nothing.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether a text has no visible character: only white space, control and format characters, and
/// others that Unicode defines to be displayed as nothing.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|c| !c.is_ascii_graphic() && shows_nothing(c))
}

fn shows_nothing(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new();
    CodePointSetData::new::<WhiteSpace>().contains(c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(
            category.get(c),
            GeneralCategory::Control | GeneralCategory::Format
        )
        || c == BRAILLE_BLANK
}

/// An optional text that may be blank.
pub trait OptionalText {
    /// The text, if it says something.
    fn said(&self) -> Option<&str>;

    /// Whether it says nothing.
    fn is_unsaid(&self) -> bool {
        self.said().is_none()
    }
}

impl<const MAX: usize, const MIN: usize, F: Form> OptionalText for Option<Text<MAX, MIN, F>> {
    fn said(&self) -> Option<&str> {
        self.as_deref().filter(|text| !is_blank(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_text_that_shows_nothing_is_unsaid() {
        let older: Option<Text<20>> = Some(Text::cut("\u{200b}"));
        assert!(older.is_unsaid() && older.said().is_none());
        let said: Option<Text<20>> = Some(Text::cut("x"));
        assert_eq!(said.said(), Some("x"));
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        for blank in [
            "",
            " ",
            "\t\r\n",
            "\u{a0}",
            "\u{2003}\u{3000}",
            "\u{200b}",
            "\u{200d}\u{feff}",
            "\u{ad}",
            "\u{2060}",
            "\u{202e}",
            "\u{115f}",
            "\u{3164}",
            "\u{fe0f}",
            "\u{e0020}",
            "\u{34f}",
            "\u{180e}",
            "\u{2028}",
            "\u{2800}",
        ] {
            assert!(is_blank(blank), "{}", blank.escape_unicode());
        }
        for words in [
            "x",
            ".",
            "–",
            "é",
            "\u{200b}x",
            "語",
            "👩\u{200d}🔬",
            "0",
            "\u{301}",
        ] {
            assert!(!is_blank(words), "{}", words.escape_unicode());
        }
    }
}
