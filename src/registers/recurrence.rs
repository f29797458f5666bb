//! Recurrence in whole days: a rule of RFC 5545, an interval, or only the words of the source.
//!
//! The rules come from callers, so their cost is limited: nothing more frequent than daily, a
//! horizon, and a maximum number of days.

use chrono::{Datelike, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use rrule::{RRule, Tz, Unvalidated};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::world::{Form, Text};

/// Number of years from its first day for which a recurrence is followed.
pub const HORIZON_YEARS: u32 = 50;
/// Maximum number of days a recurrence may have within that time.
pub const MOST: u16 = 5_000;
/// Years in which a recurrence may begin.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;
/// Maximum value of INTERVAL.
const INTERVAL: u32 = 1_000;
/// Parts of a rule that select days. Parts for hours, minutes and seconds are not accepted.
const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYMONTHDAY",
    "BYDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
];

/// Unit of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum IntervalUnit {
    /// Interval counted in days.
    Day,
    /// Interval counted in weeks.
    Week,
    /// Interval counted in months.
    Month,
    /// Interval counted in quarters of three months.
    Quarter,
    /// Interval counted in years.
    Year,
}

/// A rule of recurrence.
pub enum RuleForm {}

impl Form for RuleForm {
    type Store = Box<str>;
    const EXAMPLE: Option<&'static str> = Some("FREQ=MONTHLY;BYDAY=-1FR");
}

/// Recurrence rule of RFC 5545.
pub type RecurrenceRule = Text<200, 6, RuleForm>;

/// The words of a source for how often something happens.
pub enum FrequencyWordsForm {}

impl Form for FrequencyWordsForm {
    type Store = Box<str>;
    const EXAMPLE: Option<&'static str> = Some("regularly");
}

/// Words of a source for how often something happens.
pub type FrequencyWords = Text<200, 1, FrequencyWordsForm>;

/// How often something happens: by a rule, by an interval, or only in the source's words
/// ("regularly").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Frequency {
    /// Recurrence rule of RFC 5545, without `RRULE:`. FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.
    /// Give either this or `every`.
    #[serde(default)]
    pub rule: Option<RecurrenceRule>,
    /// Length of the interval, counted in `unit`. A day that a month does not have (the 30th)
    /// falls on the last day of the month. What starts on the last day of a month stays on the last
    /// day: 30 June, 30 September, 31 December.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub every: Option<u16>,
    /// Unit that `every` counts.
    #[serde(default)]
    pub unit: Option<IntervalUnit>,
    /// The source's own words. They give no dates on their own.
    #[serde(default)]
    pub source_text: Option<FrequencyWords>,
}

/// An error in a field, as (field, code, detail).
pub type Fault = (&'static str, &'static str, String);

impl Frequency {
    /// Whether dates can be worked out.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.rule.is_some() || self.every.is_some()
    }

    /// Returns the error, if any, for something that begins on `first` and, if known, ends on
    /// `until`.
    #[must_use]
    pub fn fault(&self, first: Option<NaiveDate>, until: Option<NaiveDate>) -> Option<Fault> {
        if self.rule.is_some() && self.every.is_some() {
            return Some((
                "rule",
                "one_of",
                "must not be given together with every; give either rule, or every with unit"
                    .into(),
            ));
        }
        if self.every.is_some() != self.unit.is_some() {
            let (field, other) = if self.every.is_some() {
                ("unit", "every")
            } else {
                ("every", "unit")
            };
            return Some((
                field,
                "required",
                format!("must be given together with {other}; give both or neither"),
            ));
        }
        if let Some(rule) = &self.rule {
            return fault(rule, first, until).map(|detail| ("rule", "recurrence", detail));
        }
        let days = first.and_then(|first| self.days(first, until))?;
        (days.len() > usize::from(MOST)).then(|| ("every", "recurrence", too_many()))
    }

    /// The dates from `first` on, at most one more than [`MOST`]. `None` if the rule is invalid, or
    /// if there is neither a rule nor an interval.
    #[must_use]
    pub fn days(&self, first: NaiveDate, until: Option<NaiveDate>) -> Option<Vec<NaiveDate>> {
        if let Some(rule) = &self.rule {
            return days(rule, first, until).ok();
        }
        let every = u32::from(self.every.filter(|n| *n > 0)?);
        let step = |n: u32| match self.unit? {
            IntervalUnit::Day => first.checked_add_signed(TimeDelta::days(i64::from(n))),
            IntervalUnit::Week => first.checked_add_signed(TimeDelta::weeks(i64::from(n))),
            IntervalUnit::Month => months_after(first, n),
            IntervalUnit::Quarter => months_after(first, n.saturating_mul(3)),
            IntervalUnit::Year => months_after(first, n.saturating_mul(12)),
        };
        let end = end(first, until);
        // From the first day each time. Counted from the previous day, the 31st would become the
        // 28th and never the 31st again.
        let nth = |n: u32| step(n.saturating_mul(every));
        Some(
            (0..=u32::from(MOST))
                .map_while(nth)
                .take_while(|d| *d <= end)
                .collect(),
        )
    }
}

/// The day some months after `first`: the last day of that month if `first` is the last day of its
/// own.
fn months_after(first: NaiveDate, months: u32) -> Option<NaiveDate> {
    let day = first.checked_add_months(Months::new(months))?;
    let is_last = first.num_days_in_month() == u8::try_from(first.day()).ok()?;
    if is_last {
        day.with_day(u32::from(day.num_days_in_month()))
    } else {
        Some(day)
    }
}

/// The last day considered.
fn end(first: NaiveDate, until: Option<NaiveDate>) -> NaiveDate {
    let horizon = first
        .checked_add_months(Months::new(HORIZON_YEARS * 12))
        .unwrap_or(NaiveDate::MAX);
    until.map_or(horizon, |u| u.min(horizon))
}

fn too_many() -> String {
    format!(
        "gives more than {MOST} days within {HORIZON_YEARS} years; end it sooner, or make it less \
            frequent"
    )
}

/// Returns the error, if any, in a rule for something that begins on `first`. That day must be the
/// first of the rule's days.
#[must_use]
pub fn fault(rule: &str, first: Option<NaiveDate>, until: Option<NaiveDate>) -> Option<String> {
    let Some(first) = first else {
        // No start date is given, so any date will do to check that the rule is valid.
        return NaiveDate::from_ymd_opt(2020, 1, 1).and_then(|any| days(rule, any, None).err());
    };
    match days(rule, first, until) {
        Err(detail) => Some(detail),
        Ok(days) if days.first() != Some(&first) => Some(match days.first() {
            Some(day) => {
                format!(
                    "does not start on the first day ({first}) but on {day}; make the two match"
                )
            }
            None => format!("gives no day from {first} on; correct the rule"),
        }),
        Ok(_) => None,
    }
}

/// The dates given by a rule from `first` to `until` or the horizon.
///
/// # Errors
/// Why the rule is not accepted, in words.
pub fn days(
    rule: &str,
    first: NaiveDate,
    until: Option<NaiveDate>,
) -> Result<Vec<NaiveDate>, String> {
    if !YEARS.contains(&first.year()) {
        return Err(format!(
            "begins on {first}; a recurrence must begin in the years {} to {}",
            YEARS.start(),
            YEARS.end()
        ));
    }
    let start = Tz::UTC.from_utc_datetime(&first.and_time(NaiveTime::MIN));
    let end = Tz::UTC.from_utc_datetime(&end(first, until).and_time(NaiveTime::MIN));
    let rule: RRule<Unvalidated> = in_days(rule)?
        .parse()
        .map_err(|e| format!("is not a valid rule of RFC 5545: {e}"))?;
    let set = rule
        .build(start)
        .map_err(|e| format!("cannot be worked out: {e}"))?;
    // One more than allowed, to tell whether there are more.
    let found = set.before(end).all(MOST + 1);
    if found.dates.len() > usize::from(MOST) {
        return Err(too_many());
    }
    Ok(found.dates.into_iter().map(|d| d.date_naive()).collect())
}

/// Returns the rule in capitals, with a time in UNTIL as the library requires, if it gives whole
/// days and is within the limits.
fn in_days(rule: &str) -> Result<String, String> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for part in rule.to_ascii_uppercase().split(';') {
        let (name, value) = part
            .split_once('=')
            .filter(|(_, value)| !value.is_empty())
            .ok_or(
                "is not a rule; write parts as NAME=VALUE, separated by semicolons, without RRULE:",
            )?;
        if !PARTS.contains(&name) {
            return Err(format!(
                "{name:?} is not an accepted part of a rule; use only {}",
                PARTS.join(", ")
            ));
        }
        if parts.iter().any(|(n, _)| n == name) {
            return Err(format!("{name} is given twice; remove one"));
        }
        let value = checked_part(name, value)?;
        parts.push((name.to_owned(), value));
    }
    let has = |name: &str| parts.iter().any(|(n, _)| n == name);
    if !has("FREQ") {
        return Err("FREQ is missing; set it to DAILY, WEEKLY, MONTHLY or YEARLY".into());
    }
    if has("COUNT") && has("UNTIL") {
        return Err("ends twice; give either COUNT or UNTIL".into());
    }
    Ok(parts
        .into_iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect::<Vec<_>>()
        .join(";"))
}

fn checked_part(name: &str, value: &str) -> Result<String, String> {
    let up_to = |most: u32| {
        let fits = value.parse::<u32>().is_ok_and(|n| (1..=most).contains(&n));
        if fits {
            Ok(value.to_owned())
        } else {
            Err(format!("{name} must be a number from 1 to {most}"))
        }
    };
    match name {
        "FREQ" if !["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value) => Err(
            "FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY; nothing may recur more often than daily"
                .into(),
        ),
        "INTERVAL" => up_to(INTERVAL),
        "COUNT" => up_to(u32::from(MOST)),
        "UNTIL" => {
            let day = value
                .strip_suffix('Z')
                .and_then(|v| v.split_once('T'))
                .map_or(value, |(day, _)| day);
            let known = day.len() == 8 && NaiveDate::parse_from_str(day, "%Y%m%d").is_ok();
            if known {
                Ok(format!("{day}T000000Z"))
            } else {
                Err("UNTIL must be a date such as 20301231".into())
            }
        }
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn of(rule: &str, first: &str, until: &str) -> Vec<String> {
        let days = days(rule, day(first), Some(day(until))).expect("a rule");
        days.iter().map(NaiveDate::to_string).collect()
    }

    #[test]
    fn a_rule_names_its_days_and_the_last_counts() {
        assert_eq!(
            of("FREQ=WEEKLY;BYDAY=MO", "2020-09-28", "2020-10-12"),
            ["2020-09-28", "2020-10-05", "2020-10-12"]
        );
        assert_eq!(
            of("FREQ=YEARLY", "2018-03-30", "2020-12-31"),
            ["2018-03-30", "2019-03-30", "2020-03-30"]
        );
        assert_eq!(
            of("freq=daily;until=20201003", "2020-10-01", "2030-01-01"),
            ["2020-10-01", "2020-10-02", "2020-10-03"]
        );
        assert_eq!(
            of(
                "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2",
                "2020-01-31",
                "2030-01-01"
            ),
            ["2020-01-31", "2020-02-29"]
        );
    }

    #[test]
    fn an_interval_falls_on_the_last_day_of_a_short_month() {
        let every = |every, unit| Frequency {
            every: Some(every),
            unit: Some(unit),
            ..Frequency::default()
        };
        let days = |f: &Frequency, first: &str, until: &str| {
            f.days(day(first), Some(day(until))).expect("days")
        };
        let found = days(&every(1, IntervalUnit::Month), "2020-01-31", "2020-04-30");
        assert_eq!(
            found,
            ["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"].map(day)
        );
        assert_eq!(
            days(&every(4, IntervalUnit::Year), "2018-03-30", "2026-03-30").len(),
            3
        );
        assert_eq!(
            days(&every(1, IntervalUnit::Quarter), "2020-11-30", "2021-02-28"),
            ["2020-11-30", "2021-02-28"].map(day)
        );
        assert_eq!(
            days(&every(1, IntervalUnit::Quarter), "2020-06-30", "2021-03-31"),
            ["2020-06-30", "2020-09-30", "2020-12-31", "2021-03-31"].map(day),
            "what starts on a last day stays on the last day"
        );
        assert_eq!(
            days(&every(2, IntervalUnit::Week), "2020-06-01", "2020-06-28").len(),
            2
        );
        let daily = every(1, IntervalUnit::Day);
        assert_eq!(
            daily.fault(Some(day("2020-01-01")), None).map(|f| f.0),
            Some("every"),
            "never-ending"
        );
        assert_eq!(
            daily.fault(Some(day("2020-01-01")), Some(day("2021-01-01"))),
            None
        );
    }

    #[test]
    fn hostile_rules_are_refused() {
        let first = Some(day("2020-01-01"));
        for rule in [
            "",
            "FREQ",
            "RRULE:FREQ=DAILY",
            "FREQ=SECONDLY",
            "FREQ=HOURLY;COUNT=3",
            "FREQ=DAILY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=WEEKLY;INTERVAL=65535",
            "FREQ=DAILY;COUNT=0",
            "FREQ=DAILY;COUNT=4000000000",
            "FREQ=DAILY;COUNT=2;UNTIL=20300101",
            "FREQ=DAILY;FREQ=WEEKLY",
            "FREQ=DAILY;UNTIL=20201301",
            "FREQ=DAILY;UNTIL=20190101",
            "FREQ=DAILY;COUNT=2;BYHOUR=1,2,3",
            "FREQ=DAILY;COUNT=2;BYEASTER=1",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=WEEKLY;BYDAY=MO",
            "FREQ=WEEKLY\nDTSTART:19000101",
        ] {
            assert!(fault(rule, first, None).is_some(), "{rule} is taken");
        }
        assert!(fault("FREQ=DAILY;COUNT=5", Some(day("0001-01-01")), None).is_some());
        assert_eq!(fault("FREQ=WEEKLY;BYDAY=WE", first, None), None);
        assert_eq!(
            fault("FREQ=WEEKLY;BYDAY=MO", None, None),
            None,
            "nothing to agree with"
        );
    }

    proptest! {
        #[test]
        fn no_rule_panics(rule in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY))(;(INTERVAL=[0-9]{1,3}|COUNT=[0-9]{1,3}|BYMONTH=[0-9]{1,2}|BYMONTHDAY=-?[0-9]{1,2}|BYDAY=-?[0-9]?(MO|TU|SU)|BYYEARDAY=-?[0-9]{1,3}|BYWEEKNO=-?[0-9]{1,2}|BYSETPOS=-?[0-9]{1,3}|WKST=(MO|SU))){0,4}") {
            let first = day("2020-02-29");
            if let Ok(days) = days(&rule, first, Some(day("2024-12-31"))) {
                prop_assert!(days.iter().all(|d| *d >= first && *d <= day("2024-12-31")));
                prop_assert!(days.windows(2).all(|w| matches!(w, [a, b] if a < b)));
            }
        }
    }
}
