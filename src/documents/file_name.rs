//! Makes the names of uploaded files safe for saving.

use super::media::Media;

/// Maximum length of a name, in characters.
const LONGEST: usize = 150;

/// Device names on some systems, which a file cannot have.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Returns a name under which a file of this type can be saved anywhere: no folders, nothing that
/// hides or reorders characters, and an extension that opens it as its own type and no other
/// (`report.html` with plain text in it becomes `report.html.txt`).
#[must_use]
pub fn safe(given: &str, media: &Media) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !hides(*c))
        .map(plain)
        .collect();
    let clean = clean.trim_matches([' ', '.']);
    let usual = media.endings.first().copied().unwrap_or("bin");
    let (stem, ending) = match clean.rsplit_once('.') {
        Some((stem, ending)) if media.endings.iter().any(|e| ending.eq_ignore_ascii_case(e)) => {
            (stem, ending)
        }
        _ => (clean, usual),
    };
    let stem = stem.trim_end_matches([' ', '.']);
    let first = stem
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end_matches(|c: char| c.is_ascii_digit());
    let device = DEVICES.iter().any(|d| first.eq_ignore_ascii_case(d));
    let before = if stem.is_empty() || device {
        "file_"
    } else {
        ""
    };
    let room = LONGEST - before.len() - ending.len() - 1;
    let stem: String = stem.chars().take(room).collect();
    format!("{before}{}.{ending}", stem.trim_end_matches([' ', '.']))
}

/// Replaces characters that some file systems do not accept.
fn plain(c: char) -> char {
    if matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') {
        '_'
    } else {
        c
    }
}

/// Whether a character is invisible or reverses the reading order (so that `annexefdp.exe` appears
/// as `annexeexe.pdf`).
fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::super::media::named;
    use super::*;

    #[test]
    fn a_name_can_be_saved_anywhere() {
        let pdf = named("application/pdf").expect("a type");
        for (given, kept) in [
            ("Strategy v0.4.pdf", "Strategy v0.4.pdf"),
            ("Übersicht.PDF", "Übersicht.PDF"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\temp\\a.pdf", "a.pdf"),
            ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"),
            ("report.html", "report.html.pdf"),
            ("annexe\u{202e}fdp.exe", "annexefdp.exe.pdf"),
            ("x.pdf. . ", "x.pdf"),
            ("", "file_.pdf"),
            ("...", "file_.pdf"),
            (".pdf", "pdf.pdf"),
            ("con.pdf", "file_con.pdf"),
            ("LPT1.pdf", "file_LPT1.pdf"),
            ("a\"; filename=\"b.exe", "a_; filename=_b.exe.pdf"),
        ] {
            assert_eq!(safe(given, pdf), kept, "{given:?}");
        }
        let long = safe(&format!("{}.pdf", "ä".repeat(400)), pdf);
        assert!(long.chars().count() == LONGEST && long.ends_with(".pdf"));
    }
}
