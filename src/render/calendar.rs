//! Calendar entries as iCalendar (RFC 5545). The library does the escaping, folding and line ends.

use chrono::{DateTime, Days, NaiveDate, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

/// The longest description, in characters.
const LONGEST: usize = 1_000;

/// An entry of one or more whole days.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Identifier that does not change when the entry does.
    pub uid: String,
    pub updated_at: DateTime<Utc>,
    /// Number of changes.
    pub version: i64,
    /// First and last day, both included.
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub summary: String,
    pub description: String,
    pub category: String,
    pub certainty: Certainty,
    /// Address of a page about it.
    pub url: Option<String>,
}

/// How certain it is that something takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    Confirmed,
    Tentative,
    Cancelled,
}

/// The text without what calendar programs cannot handle: control characters are removed, and
/// separators that some programs take for the end of a line become line breaks.
fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.chars().map(|c| match c {
        '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        c => c,
    });
    kept.filter(|c| *c == '\n' || !c.is_control())
        .take(LONGEST)
        .collect()
}

/// The same on one line.
fn line(text: &str) -> String {
    plain(text).replace('\n', " ")
}

/// A calendar of whole days.
#[must_use]
pub fn write(title: &str, entries: &[Entry]) -> String {
    let mut calendar = Calendar::empty();
    for (name, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//stride//calendar//EN"),
        ("CALSCALE", "GREGORIAN"),
    ] {
        calendar.append_property(Property::new(name, value));
    }
    // Not NAME of RFC 7986, because the library would write it unescaped, including line ends.
    calendar.append_property(Property::new("X-WR-CALNAME", line(title)));
    // How often to refresh. There are two names, for old and new programs (RFC 7986, 5.7).
    calendar.append_property(
        Property::new("REFRESH-INTERVAL", "PT1H")
            .add_parameter("VALUE", "DURATION")
            .done(),
    );
    calendar.append_property(Property::new("X-PUBLISHED-TTL", "PT1H"));
    for entry in entries {
        calendar.push(event(entry));
    }
    calendar.to_string()
}

fn event(entry: &Entry) -> Event {
    let mut event = Event::new();
    let after = entry
        .last
        .checked_add_days(Days::new(1))
        .unwrap_or(entry.last);
    event
        .uid(&entry.uid)
        .timestamp(entry.updated_at)
        .sequence(u32::try_from(entry.version).unwrap_or(u32::MAX))
        .starts(entry.first)
        // RFC 5545, 3.6.1: the end is the first day after the event.
        .ends(after)
        .summary(&line(&entry.summary))
        .description(&plain(&entry.description))
        .categories([entry.category.clone()])
        .status(match entry.certainty {
            Certainty::Confirmed => EventStatus::Confirmed,
            Certainty::Tentative => EventStatus::Tentative,
            Certainty::Cancelled => EventStatus::Cancelled,
        })
        // A deadline does not make anyone busy on that day.
        .add_property("TRANSP", "TRANSPARENT");
    if let Some(url) = &entry.url {
        event.url(url);
    }
    event.done()
}

#[cfg(test)]
mod tests {
    use calcard::icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::lists::some;

    fn entry(name: &str) -> Entry {
        let day = NaiveDate::from_ymd_opt(2020, 9, 28).expect("a day");
        Entry {
            uid: "00000000-0000-0000-0000-000000000007.communications@stride".into(),
            updated_at: "2020-09-01T10:00:00Z".parse().expect("a moment"),
            version: 3,
            first: day,
            last: day + chrono::TimeDelta::days(6),
            summary: name.into(),
            description: name.into(),
            category: "Communications".into(),
            certainty: Certainty::Confirmed,
            url: Some("https://stride.example.org/api/v1/communications-activities/7".into()),
        }
    }

    /// The events that a second library finds.
    fn events(text: &str) -> Vec<ICalendarComponent> {
        let calendar = ICalendar::parse(text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        let is_event = |c: &ICalendarComponent| c.component_type == ICalendarComponentType::VEvent;
        calendar.components.into_iter().filter(is_event).collect()
    }

    fn said(event: &ICalendarComponent, of: &ICalendarProperty) -> String {
        let entry = event.property(of).unwrap_or_else(|| panic!("no {of:?}"));
        entry
            .values
            .first()
            .and_then(|v| v.as_text())
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn a_run_of_days_ends_on_the_day_after_its_last() {
        let text = write("Inclusion", &[entry("National Inclusion Week")]);
        for wanted in [
            "DTSTART;VALUE=DATE:20200928\r\n",
            "DTEND;VALUE=DATE:20201005\r\n",
            "DTSTAMP:20200901T100000Z\r\n",
            "SEQUENCE:3\r\n",
            "UID:00000000-0000-0000-0000-000000000007.communications@stride\r\n",
            "STATUS:CONFIRMED\r\n",
            "X-WR-CALNAME:Inclusion\r\n",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
        }
        let unfolded = text.replace("\r\n ", "");
        let address = "URL:https://stride.example.org/api/v1/communications-activities/7\r\n";
        assert!(unfolded.contains(address), "{text}");
    }

    #[test]
    fn hostile_words_stay_words() {
        for name in [
            "a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR",
            "semi; colon, comma \\ back \\n slash \"quote\": ]]> </text>",
            "a\u{2028}BEGIN:VALARM\u{85}ACTION:PROCEDURE\u{0}",
            "ÅÄÖ 老虎 🦁 ".repeat(30).as_str(),
            ":",
            ";",
            ",",
            "\\",
            "",
        ] {
            let text = write(name, &[entry(name), entry("the next")]);
            let found = events(&text);
            assert_eq!(found.len(), 2, "{text}");
            let wanted = line(name);
            assert_eq!(
                said(&found[0], &ICalendarProperty::Summary),
                wanted,
                "{text}"
            );
            assert_eq!(said(&found[1], &ICalendarProperty::Uid), entry("").uid);
            assert!(
                some(text.split("\r\n")).all(|l| l.len() <= 75 && !l.contains(['\r', '\n'])),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_words_break_the_file(name in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
            let text = write(&name, &[entry(&name), entry("the next")]);
            let found = events(&text);
            prop_assert_eq!(found.len(), 2);
            prop_assert_eq!(said(&found[0], &ICalendarProperty::Summary), line(&name));
        }
    }
}
