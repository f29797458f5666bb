//! The organisation's calendar: which day it is in its time zone, and when its financial year
//! begins. Both are settings of the process, which it reads once at the start.

use std::sync::OnceLock;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// What a day and a year are for the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// Time zone of every day that is not given with a time.
    pub time_zone: Tz,
    /// Month in which the financial year starts, 1 to 12.
    pub financial_year_starts: u32,
}

impl Default for Calendar {
    /// London, and April, as for public bodies in the United Kingdom.
    fn default() -> Self {
        Self {
            time_zone: Tz::Europe__London,
            financial_year_starts: 4,
        }
    }
}

static CALENDAR: OnceLock<Calendar> = OnceLock::new();

impl Calendar {
    /// The calendar of this process.
    pub fn current() -> Self {
        *CALENDAR.get_or_init(Self::default)
    }

    /// Makes it the calendar of this process. It has no effect once a calendar has been used.
    pub fn adopt(self) {
        CALENDAR.get_or_init(|| self);
    }

    /// The day of an instant.
    #[must_use]
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.time_zone).date_naive()
    }

    /// What clocks show at an instant.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.time_zone).naive_local()
    }

    /// The first instant of a day. Where the clocks go forward at midnight, the day starts when
    /// they have.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        (0..=4)
            .filter_map(|half_hours| {
                midnight.checked_add_signed(chrono::TimeDelta::minutes(30 * half_hours))
            })
            .find_map(|time: NaiveDateTime| self.time_zone.from_local_datetime(&time).earliest())
            .map_or_else(|| midnight.and_utc(), |at| at.to_utc())
    }

    /// The last microsecond of a day, which is the precision of the journal.
    #[must_use]
    pub fn end_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
        self.start_of(next) - chrono::TimeDelta::microseconds(1)
    }
}

/// The day of an instant, for the organisation.
#[must_use]
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    Calendar::current().day_of(at)
}

/// A day for a sentence: `30 November 2020`.
#[must_use]
pub fn in_words(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// The current day, for the organisation.
#[must_use]
pub fn today() -> NaiveDate {
    day_of(Utc::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(at: &str) -> String {
        Calendar::default()
            .day_of(at.parse().expect(at))
            .to_string()
    }

    #[test]
    fn a_day_begins_at_midnight_in_london() {
        for (at, expected) in [
            // 00:30 British Summer Time on 1 June.
            ("2026-05-31T23:30:00Z", "2026-06-01"),
            ("2026-05-31T22:59:59.999999Z", "2026-05-31"),
            // Clocks go forward at 01:00 on 29 March and back at 02:00 on 25 October.
            ("2026-03-28T23:59:59Z", "2026-03-28"),
            ("2026-03-29T00:00:00Z", "2026-03-29"),
            ("2026-03-29T22:59:59Z", "2026-03-29"),
            ("2026-03-29T23:00:00Z", "2026-03-30"),
            ("2026-10-24T23:00:00Z", "2026-10-25"),
            ("2026-10-25T23:59:59Z", "2026-10-25"),
            ("2026-10-26T00:00:00Z", "2026-10-26"),
            ("2028-02-28T23:59:59Z", "2028-02-28"),
            ("2028-02-29T12:00:00Z", "2028-02-29"),
            ("2028-03-01T00:00:00Z", "2028-03-01"),
        ] {
            assert_eq!(day(at), expected, "{at}");
        }
    }

    #[test]
    fn a_day_is_as_long_as_its_clocks_say() {
        let calendar = Calendar::default();
        for (day, start, end) in [
            (
                "2026-06-01",
                "2026-05-31T23:00:00Z",
                "2026-06-01T22:59:59.999999Z",
            ),
            (
                "2026-03-29",
                "2026-03-29T00:00:00Z",
                "2026-03-29T22:59:59.999999Z",
            ),
            (
                "2026-10-25",
                "2026-10-24T23:00:00Z",
                "2026-10-25T23:59:59.999999Z",
            ),
            (
                "2028-02-29",
                "2028-02-29T00:00:00Z",
                "2028-02-29T23:59:59.999999Z",
            ),
        ] {
            let day: NaiveDate = day.parse().expect(day);
            let (start, end): (DateTime<Utc>, DateTime<Utc>) =
                (start.parse().expect(start), end.parse().expect(end));
            assert_eq!((calendar.start_of(day), calendar.end_of(day)), (start, end));
            assert_eq!((calendar.day_of(start), calendar.day_of(end)), (day, day));
        }
    }

    #[test]
    fn a_day_without_midnight_starts_when_the_clocks_have_gone_forward() {
        let calendar = Calendar {
            time_zone: Tz::America__Santiago,
            ..Calendar::default()
        };
        let day: NaiveDate = "2026-09-06".parse().expect("a day");
        let start = calendar.start_of(day);
        assert_eq!(start.to_rfc3339(), "2026-09-06T04:00:00+00:00");
        assert_eq!(calendar.day_of(start), day);
        assert_ne!(
            calendar.day_of(start - chrono::TimeDelta::microseconds(1)),
            day
        );
    }
}
