//! What callers wrote as labels of diagrams. Each language has ways to break out of a label: quotes,
//! comments, directives, markup. Nothing that can begin one gets through unchanged.

use std::fmt::Write;

use crate::render::text::line as one_line;

/// The longest label, in characters.
const LONGEST: usize = 120;

/// One line of at most `LONGEST` visible characters.
#[must_use]
pub fn line(text: &str) -> String {
    let mut line = one_line(text);
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    line
}

/// A label for Mermaid, including its quotes. Any character that could end the label, or be read as
/// markup, a list, a directive or an entity, is written as an entity (`#34;`). Mermaid turns that
/// into the character only after all parsing.
#[must_use]
pub fn mermaid(text: &str) -> String {
    let text = line(text);
    let mut label = String::with_capacity(text.len() + 2);
    label.push('"');
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let within_word = characters.peek().is_some_and(|next| next.is_alphanumeric());
        if c.is_alphanumeric()
            || matches!(c, ' ' | ',')
            || (within_word && matches!(c, '.' | '-' | '/' | '(' | ')'))
        {
            label.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(label, "#{};", u32::from(c));
        }
    }
    label.push('"');
    label
}

/// A label for DOT, including its quotes. Inside them the quote and the backslash are special, and
/// the ampersand begins an entity.
#[must_use]
pub fn dot(text: &str) -> String {
    let mut label = String::from("\"");
    for c in line(text).chars() {
        match c {
            '"' => label.push_str("\\\""),
            '\\' => label.push_str("\\\\"),
            '&' => label.push_str("&amp;"),
            other => label.push(other),
        }
    }
    label.push('"');
    label
}

/// Text, or the value of an attribute, in XML such as SVG. It is not shortened: who places text in a
/// picture knows how much fits.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut label = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => label.push_str("&amp;"),
            '<' => label.push_str("&lt;"),
            '>' => label.push_str("&gt;"),
            '"' => label.push_str("&quot;"),
            '\'' => label.push_str("&#39;"),
            other => label.push(other),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &[&str] = &[
        "a\"] --> b[\"c",
        "%%{init: {'securityLevel': 'loose'}}%%",
        "`**bold**`",
        "<img src=x onerror=alert(1)>",
        "end\nclick n1 href \"javascript:alert(1)\"",
        "1. first",
        "- first",
        "style a:b#35;;",
        "\\\"]; evil [label=\"",
        "tail\\",
        "&lt;b&gt;\u{202E}\u{0}",
    ];

    #[test]
    fn no_label_is_left_by_what_stands_in_it() {
        for text in HOSTILE {
            let label = mermaid(text);
            let inner = &label[1..label.len() - 1];
            assert!(
                !inner.contains([
                    '"', '<', '>', '%', '`', '\n', '\\', '[', ']', '{', '}', ':', '*', '|', '&'
                ]),
                "{label}"
            );
            let label = dot(text);
            let inner = label[1..label.len() - 1]
                .replace("\\\\", "")
                .replace("\\\"", "");
            assert!(
                !inner.contains(['"', '\\', '\n', '\u{202E}', '\u{0}']),
                "{label}"
            );
            assert!(
                !xml(text).contains(['"', '<', '>', '\'', '\n', '\u{0}']),
                "{text}"
            );
        }
        assert_eq!(mermaid("1. first"), "\"1#46; first\"");
        assert_eq!(
            mermaid("DARA-2020-3 (Diversity)"),
            "\"DARA-2020-3 (Diversity#41;\""
        );
        assert_eq!(mermaid("a \"b\""), "\"a #34;b#34;\"");
        assert_eq!(dot("a \"b\\\" & c"), "\"a \\\"b\\\\\\\" &amp; c\"");
        assert_eq!(
            xml("<a b='c'> & \"d\""),
            "&lt;a b=&#39;c&#39;&gt; &amp; &quot;d&quot;"
        );
    }

    #[test]
    fn a_label_is_one_line_and_no_longer_than_can_be_read() {
        assert_eq!(dot(" a\r\n\tb "), "\"a b\"");
        assert_eq!(dot(&"x".repeat(500)).chars().count(), LONGEST + 2);
        assert!(dot(&"x".repeat(500)).ends_with("…\""));
    }
}
