//! Calendar entries as iCalendar (RFC 5545). The library does the escaping, folding and line ends.

use std::fmt::Write as _;

use chrono::Days;
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

use super::{CalendarEntry, CalendarEntryState};
use crate::registers::{catalogue, register_of};
use crate::world::date::Precision;
use crate::world::date_kind::CalendarEntryKind;
use crate::world::record::word;

/// The longest description, in characters.
const LONGEST: usize = 1_000;

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

/// A calendar of whole days. `address` is the address at which callers reach the service, if known;
/// each event then links to its record.
#[must_use]
pub fn write(title: &str, address: Option<&str>, things: &[CalendarEntry]) -> String {
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
    for thing in things {
        calendar.push(event(address, thing));
    }
    calendar.to_string()
}

fn event(address: Option<&str>, thing: &CalendarEntry) -> Event {
    let mut event = Event::new();
    let after = thing
        .ends_on
        .checked_add_days(Days::new(1))
        .unwrap_or(thing.ends_on);
    event
        .uid(&thing.uid)
        .timestamp(thing.updated_at)
        .sequence(u32::try_from(thing.version).unwrap_or(u32::MAX))
        .starts(thing.starts_on)
        // RFC 5545, 3.6.1: the end is the first day after the event.
        .ends(after)
        .summary(&line(&summary(thing)))
        .description(&plain(&description(thing)))
        .categories([category(&thing.record.kind)])
        .status(status(thing))
        // A deadline does not make anyone busy on that day.
        .add_property("TRANSP", "TRANSPARENT");
    let path = catalogue().named(&thing.record.kind).map(|k| k.path);
    if let (Some(address), Some(path)) = (address, path) {
        event.url(&format!(
            "{}/api/v1/{path}/{}",
            address.trim_end_matches('/'),
            thing.record.id
        ));
    }
    event.done()
}

/// A meeting known only to the month is tentative. A deadline in a month is on its last day.
fn status(thing: &CalendarEntry) -> EventStatus {
    let is_vague = thing.precision != Precision::Day && thing.precision != Precision::Unspecified;
    let happens = matches!(
        thing.date_kind,
        CalendarEntryKind::Meeting
            | CalendarEntryKind::StrategyExpected
            | CalendarEntryKind::ItemStart
    );
    match thing.state {
        CalendarEntryState::Cancelled => EventStatus::Cancelled,
        _ if is_vague && happens => EventStatus::Tentative,
        _ => EventStatus::Confirmed,
    }
}

fn summary(thing: &CalendarEntry) -> String {
    format!(
        "{}: {} ({})",
        thing.date_kind.label(),
        thing.record.title,
        thing.record.reference
    )
}

/// Further details. None of them depends on the day of the request.
fn description(thing: &CalendarEntry) -> String {
    let mut text = format!(
        "{} {}",
        thing.record.kind.replace('_', " "),
        thing.record.reference
    );
    if thing.is_first_date {
        text.push_str("\nDeferred without a date; this is when it was first due.");
    } else if thing.precision != Precision::Day && thing.precision != Precision::Unspecified {
        let words = thing
            .source_text
            .as_deref()
            .map(|w| format!(" ({w})"))
            .unwrap_or_default();
        let _ = write!(
            text,
            "\nKnown only to the {}{words}.",
            word(&thing.precision)
        );
    }
    match thing.state {
        CalendarEntryState::Done => text.push_str("\nDone."),
        CalendarEntryState::Cancelled => text.push_str("\nCancelled."),
        _ => {}
    }
    text
}

/// The register that keeps the record, as people call it.
fn category(kind: &str) -> String {
    let register = catalogue().named(kind).map_or("", register_of);
    match register {
        "governance" | "representation" => "Boards".to_owned(),
        _ => capitalised(register),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use calcard::icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty,
    };
    use chrono::NaiveDate;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::views::RecordName;

    fn thing(name: &str) -> CalendarEntry {
        let day = NaiveDate::from_ymd_opt(2020, 9, 28).expect("a day");
        CalendarEntry {
            uid: format!("{}.communications@stride", Uuid::from_u128(7)),
            date_kind: CalendarEntryKind::Communications,
            record: RecordName {
                kind: "communications_activity".into(),
                id: Uuid::from_u128(7),
                reference: "COM-7".into(),
                title: name.into(),
            },
            starts_on: day,
            ends_on: day + chrono::TimeDelta::days(6),
            precision: Precision::Day,
            source_text: None,
            state: CalendarEntryState::Upcoming,
            is_first_date: false,
            board_id: None,
            version: 3,
            updated_at: "2020-09-01T10:00:00Z".parse().expect("a moment"),
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
        let text = write(
            "Inclusion",
            Some("https://stride.example.org/"),
            &[thing("National Inclusion Week")],
        );
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
        let address = "URL:https://stride.example.org/api/v1/communications-activities/00000000-0000-0000-0000-000000000007\r\n";
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
            let text = write(name, None, &[thing(name), thing("the next")]);
            let found = events(&text);
            assert_eq!(found.len(), 2, "{text}");
            let wanted = line(&summary(&thing(name)));
            assert_eq!(
                said(&found[0], &ICalendarProperty::Summary),
                wanted,
                "{text}"
            );
            assert_eq!(said(&found[1], &ICalendarProperty::Uid), thing("").uid);
            assert!(
                text.split("\r\n")
                    .all(|l| l.len() <= 75 && !l.contains(['\r', '\n'])),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_words_break_the_file(name in "\\PC{0,200}|[\\x00-\\x7f]{0,200}") {
            let text = write(&name, None, &[thing(&name), thing("the next")]);
            let found = events(&text);
            prop_assert_eq!(found.len(), 2);
            prop_assert_eq!(said(&found[0], &ICalendarProperty::Summary), line(&summary(&thing(&name))));
        }
    }
}
