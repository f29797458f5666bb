//! Text that callers wrote, made safe for one line of what people read.

use chrono::{DateTime, Utc};

/// One line for human readers, without control characters, repeated white space or characters that
/// change the direction of writing.
#[must_use]
pub fn line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFFE}'..='\u{FFFF}');
    let words = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ");
    line.retain(|c| !turns(c));
    line
}

/// Escapes a text for use within a line of Markdown. Anything that CommonMark or its common
/// extensions read as markup, a link, an entity, a mention or HTML gets a backslash.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = line(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    let mut last = [' '; 3];
    while let Some(c) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        let is_active = match c {
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '&' | '#' | '|' | '!' | '$'
            | '@' | '^' | '{' | '}' | '"' => true,
            // `http://`, `:emoji:`; a time stays as it is.
            ':' => !next.is_whitespace() && !next.is_ascii_digit(),
            // `www.`
            '.' => last.iter().all(|l| l.eq_ignore_ascii_case(&'w')),
            _ => false,
        };
        if is_active {
            out.push('\\');
        }
        out.push(c);
        last = [last[1], last[2], c];
    }
    out
}

/// A time for human readers.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_is_markup() {
        for (text, safe) in [
            ("# Title\n\n## Version 9", "\\# Title \\#\\# Version 9"),
            (
                "<img src=x onerror=alert(1)>",
                "\\<img src=x onerror=alert(1)\\>",
            ),
            ("[a](javascript:alert(1))", "\\[a\\](javascript\\:alert(1))"),
            ("![a](b)", "\\!\\[a\\](b)"),
            (
                "https://x.test www.x.test a@x.test",
                "https\\://x.test www\\.x.test a\\@x.test",
            ),
            (
                "&lt;b&gt; **b** __b__ ~~b~~ `b`",
                "\\&lt;b\\&gt; \\*\\*b\\*\\* \\_\\_b\\_\\_ \\~\\~b\\~\\~ \\`b\\`",
            ),
            ("tail\\", "tail\\\\"),
            ("09:30, at 5: late\u{202E}\u{0}", "09:30, at 5: late"),
        ] {
            assert_eq!(markdown(text), safe);
        }
    }
}
