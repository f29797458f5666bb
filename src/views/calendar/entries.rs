//! The calendar's dates as entries of a calendar program.

use std::fmt::Write as _;

use super::{CalendarEntry, CalendarEntryState};
use crate::registers::{catalogue, register_of};
use crate::render::calendar::{self, Certainty, Entry};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::date::Precision;
use crate::world::vocabulary::{Coded, in_words, sentence_case};

/// The dates as iCalendar. `address` is the address at which callers reach the service, if known;
/// each entry then links to its record.
#[must_use]
pub fn write(title: &str, address: Option<&str>, things: &[CalendarEntry]) -> String {
    let entries: Vec<Entry> = things.iter().map(|t| entry(address, t)).collect();
    calendar::write(title, &entries)
}

fn entry(address: Option<&str>, thing: &CalendarEntry) -> Entry {
    let path = catalogue().named(&thing.record.kind).map(|k| k.path);
    let url = address.zip(path).map(|(address, path)| {
        let address = address.trim_end_matches('/');
        format!("{address}/api/v1/{path}/{}", thing.record.id)
    });
    Entry {
        uid: thing.uid.clone(),
        updated_at: thing.updated_at,
        version: thing.version,
        first: thing.starts_on,
        last: thing.ends_on,
        summary: summary(thing),
        description: description(thing),
        category: category(&thing.record.kind),
        certainty: certainty(thing),
        url,
    }
}

/// A meeting known only to the month is tentative. A deadline in a month is on its last day.
fn certainty(thing: &CalendarEntry) -> Certainty {
    let is_vague = thing.precision != Precision::Day && thing.precision != Precision::Unspecified;
    let happens = matches!(
        thing.date_kind,
        CalendarEntryKind::Meeting
            | CalendarEntryKind::StrategyExpected
            | CalendarEntryKind::ItemStart
    );
    match thing.state {
        CalendarEntryState::Cancelled => Certainty::Cancelled,
        _ if is_vague && happens => Certainty::Tentative,
        _ => Certainty::Confirmed,
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
        in_words(&thing.record.kind),
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
            thing.precision.in_sentence()
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
    match catalogue().named(kind).map_or("", register_of) {
        "governance" | "representation" => "Boards".to_owned(),
        register => sentence_case(register),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::views::RecordName;
    use crate::world::Text;

    #[test]
    fn an_entry_says_what_is_dated_and_leads_to_it() {
        let day = chrono::NaiveDate::from_ymd_opt(2020, 9, 30).expect("a day");
        let meeting = CalendarEntry {
            uid: "7.meeting@stride".into(),
            date_kind: CalendarEntryKind::Meeting,
            record: RecordName {
                kind: Text::cut("meeting"),
                id: Uuid::from_u128(7),
                reference: Text::cut("MTG-7"),
                title: Text::cut("Panel"),
            },
            starts_on: day,
            ends_on: day,
            precision: Precision::Month,
            source_text: Some("September".into()),
            state: CalendarEntryState::Upcoming,
            is_first_date: false,
            board_id: None,
            version: 3,
            updated_at: "2020-09-01T10:00:00Z".parse().expect("a moment"),
        };
        let entry = entry(Some("https://stride.example.org/"), &meeting);
        assert_eq!(entry.summary, "Meeting: Panel (MTG-7)");
        assert_eq!(
            entry.description,
            "Meeting MTG-7\nKnown only to the month (September)."
        );
        assert_eq!(entry.certainty, Certainty::Tentative);
        assert_eq!(
            entry.url.as_deref(),
            Some("https://stride.example.org/api/v1/meetings/00000000-0000-0000-0000-000000000007")
        );
    }
}
