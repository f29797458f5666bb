//! The period a figure is for, and the figure itself as a number that keeps its value in every
//! format.

use std::borrow::Cow;
use std::fmt;
use std::num::{NonZeroI64, NonZeroU32};
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::world::calendar::Calendar;

/// A period from its first to its last day, both included. Written as the shortest code for it:
/// `2020`, `2020-H2`, `2020-Q3`, `2020-10`, `2020-W44` (ISO 8601), `2020-10-26`, `2020/21` (a
/// financial year), `2020/21-H1`, `2020/21-Q1`, or otherwise `2020-10-01/2020-11-15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
}

impl Period {
    /// The period from one day to another, if they are in order.
    #[must_use]
    pub fn between(from_on: NaiveDate, until_on: NaiveDate) -> Option<Self> {
        (from_on <= until_on).then_some(Self { from_on, until_on })
    }

    fn months(year: i32, first_month: u32, months: u32) -> Option<Self> {
        let from_on = NaiveDate::from_ymd_opt(year, first_month, 1)?;
        let until_on = from_on
            .checked_add_months(Months::new(months))?
            .checked_sub_days(Days::new(1))?;
        Some(Self { from_on, until_on })
    }

    /// `months` of the financial year that starts in `year`, from its month `after` (0 is the
    /// first). `following` is the next year's last two digits, as written after the `/`.
    fn financial(year: i32, following: u32, after: u32, months: u32) -> Option<Self> {
        let starts = Calendar::current().financial_year_starts;
        let is_next = following == u32::try_from(year + 1).ok()? % 100;
        let first =
            NaiveDate::from_ymd_opt(year, starts, 1)?.checked_add_months(Months::new(after))?;
        Self::months(first.year(), first.month(), months).filter(|_| is_next && starts != 1)
    }

    /// The code of a part of a financial year that is no part of a calendar year.
    fn financial_code(&self) -> Option<String> {
        let starts = Calendar::current().financial_year_starts;
        let past = (self.from_on.month() + 12 - starts) % 12;
        let year = self.from_on.checked_sub_months(Months::new(past))?.year();
        let code = format!("{year:04}/{:02}", (year + 1) % 100);
        let parts = [(12, None), (6, Some('H')), (3, Some('Q'))];
        let (months, letter) = parts.into_iter().find(|(months, _)| {
            past.is_multiple_of(*months)
                && Self::months(self.from_on.year(), self.from_on.month(), *months) == Some(*self)
        })?;
        let code = match letter {
            Some(letter) => format!("{code}-{letter}{}", past / months + 1),
            None => code,
        };
        (starts != 1).then_some(code)
    }

    fn week(year: i32, week: u32) -> Option<Self> {
        Self::between(
            NaiveDate::from_isoywd_opt(year, week, Weekday::Mon)?,
            NaiveDate::from_isoywd_opt(year, week, Weekday::Sun)?,
        )
    }

    fn read(text: &str) -> Option<Self> {
        // Only dates written in full are accepted: chrono would also take `2020-1-1` and signs.
        let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'H' | b'Q' | b'W');
        if !text.bytes().all(plain) || !text.get(..4)?.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let year: i32 = text.get(..4)?.parse().ok()?;
        let number = |from: usize| text.get(from..)?.parse::<u32>().ok();
        match (text.len(), text.get(4..6)) {
            (4, _) => Self::months(year, 1, 12),
            (7, Some("-H")) => {
                Self::months(year, number(6).filter(|n| (1..=2).contains(n))? * 6 - 5, 6)
            }
            (7, Some("-Q")) => {
                Self::months(year, number(6).filter(|n| (1..=4).contains(n))? * 3 - 2, 3)
            }
            (7, _) if text.as_bytes().get(4) == Some(&b'-') => Self::months(year, number(5)?, 1),
            (7, _) if text.as_bytes().get(4) == Some(&b'/') => {
                Self::financial(year, number(5)?, 0, 12)
            }
            (10, Some(slash)) if slash.starts_with('/') => {
                let months = match text.get(7..9)? {
                    "-H" => 6,
                    "-Q" => 3,
                    _ => return None,
                };
                let part = number(9).filter(|n| (1..=12 / months).contains(n))?;
                let following = text.get(5..7)?.parse().ok()?;
                Self::financial(year, following, (part - 1) * months, months)
            }
            (8, Some("-W")) => Self::week(year, number(6)?),
            (10, _) => text.parse().ok().and_then(|d| Self::between(d, d)),
            (21, _) => {
                let (from, until) = text.split_once('/').filter(|(from, _)| from.len() == 10)?;
                Self::between(from.parse().ok()?, until.parse().ok()?)
            }
            _ => None,
        }
    }

    /// Whether a day is in the period.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        (self.from_on..=self.until_on).contains(&day)
    }
}

impl FromStr for Period {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text).ok_or(
            "must be a period such as 2020, 2020-H2, 2020-Q3, 2020-10, 2020-W44, 2020-10-26, \
                2020/21, 2020/21-H1, 2020/21-Q1 or 2020-10-01/2020-11-15",
        )
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from_on, self.until_on);
        let (year, month) = (from.year(), from.month());
        if from == until {
            return write!(f, "{from}");
        }
        if Some(*self) == Self::months(year, 1, 12) {
            return write!(f, "{year:04}");
        }
        for (months, letter) in [(6, 'H'), (3, 'Q')] {
            if (month - 1).is_multiple_of(months)
                && Some(*self) == Self::months(year, month, months)
            {
                return write!(f, "{year:04}-{letter}{}", (month - 1) / months + 1);
            }
        }
        if Some(*self) == Self::months(year, month, 1) {
            return write!(f, "{year:04}-{month:02}");
        }
        if let Some(code) = self.financial_code() {
            return f.write_str(&code);
        }
        let week = from.iso_week();
        if Some(*self) == Self::week(week.year(), week.week()) {
            return write!(f, "{:04}-W{:02}", week.year(), week.week());
        }
        write!(f, "{from}/{until}")
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl PartialSchema for Period {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(21))
            .pattern(Some("^[0-9]{4}(-(H[12]|Q[1-4]|W[0-5][0-9]|[01][0-9](-[0-3][0-9](/[0-9]{4}-[01][0-9]-[0-3][0-9])?)?)|/[0-9]{2}(-(H[12]|Q[1-4]))?)?$"))
            .description(Some(
                "A period: 2020, 2020-H2, 2020-Q3, 2020-10, 2020-W44 (ISO 8601), 2020-10-26, \
                    2020/21 (a financial year: April to March, unless the organisation's starts in \
                    another month), 2020/21-H1, 2020/21-Q1 or 2020-10-01/2020-11-15. Stored in the \
                    shortest of these forms: in that of the calendar if both have the same days.",
            ))
            .build()
            .into()
    }
}

impl ToSchema for Period {
    fn name() -> Cow<'static, str> {
        "Period".into()
    }
}

/// A figure with up to nine digits before the decimal point and six after it. A floating-point
/// number keeps fifteen digits in every language, so the figure can be a plain number in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Figure(NonZeroI64);

/// Figures are stored in millionths.
const ONE: i64 = 1_000_000;
/// The largest figure.
const MOST: f64 = 999_999_999.999_999;
/// Added to what is stored, so that no figure is zero and "no figure" takes no room of its own.
const OFFSET: i64 = 1 << 60;

impl Figure {
    fn of(millionths: i64) -> Option<Self> {
        NonZeroI64::new(millionths.checked_add(OFFSET)?).map(Self)
    }

    fn millionths(self) -> i64 {
        self.0.get() - OFFSET
    }

    /// The figure nearest to a number, to six decimals.
    #[must_use]
    pub fn nearest(number: f64) -> Option<Self> {
        (number.is_finite() && number.abs() <= MOST)
            .then(|| Self::of((number * ONE as f64).round() as i64))
            .flatten()
    }

    /// The figure for a whole number.
    #[must_use]
    pub fn whole(number: u64) -> Option<Self> {
        i64::try_from(number)
            .ok()
            .and_then(|n| n.checked_mul(ONE))
            .and_then(Self::of)
    }

    /// As a floating-point number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.millionths() as f64 / ONE as f64
    }

    /// Whether it is `part` of `whole` in per cent, rounded to the decimals that it has.
    #[must_use]
    pub fn is_percentage(self, part: u64, whole: u64) -> bool {
        let step = (0..6)
            .map(|n| ONE / 10_i64.pow(n))
            .find(|step| self.millionths() % step == 0)
            .unwrap_or(1);
        let exact = i128::from(part) * 100 * i128::from(ONE);
        let off = i128::from(self.millionths()) * i128::from(whole) - exact;
        // At most half of the last decimal, multiplied by the whole to stay with whole numbers.
        2 * off.abs() <= i128::from(step) * i128::from(whole)
    }

    /// As a count, if it is one: whole and not negative.
    #[must_use]
    pub fn as_count(self) -> Option<u64> {
        (self.millionths() % ONE == 0)
            .then_some(self.millionths() / ONE)
            .and_then(|n| u64::try_from(n).ok())
    }
}

impl FromStr for Figure {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        text.parse()
            .ok()
            .filter(|_| plain)
            .and_then(Self::nearest)
            .ok_or("must be a number with at most nine digits before the decimal point")
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.millionths() % ONE == 0 {
            serializer.serialize_i64(self.millionths() / ONE)
        } else {
            serializer.serialize_f64(self.as_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::nearest(f64::deserialize(deserializer)?).ok_or_else(|| {
            D::Error::custom("must have at most nine digits before the decimal point")
        })
    }
}

/// A number of people or cases, up to 4,294,967,294.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted(NonZeroU32);

impl Counted {
    /// The count, unless it is too large.
    #[must_use]
    pub fn of(number: u64) -> Option<Self> {
        // One more is stored, so that "not known" takes no room of its own.
        let stored = u32::try_from(number).ok()?.checked_add(1)?;
        NonZeroU32::new(stored).map(Self)
    }

    /// The number counted.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from(self.0.get()) - 1
    }
}

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(u64::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("must be at most 4294967294"))
    }
}

impl PartialSchema for Figure {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .minimum(Some(-MOST))
            .maximum(Some(MOST))
            .description(Some(
                "A number with up to nine digits before the decimal point. Stored to six decimal \
                    places.",
            ))
            .build()
            .into()
    }
}

impl ToSchema for Figure {
    fn name() -> Cow<'static, str> {
        "Figure".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_kept_as_its_shortest_code() {
        for (sent, kept, from, until) in [
            ("2020", "2020", "2020-01-01", "2020-12-31"),
            ("2020-H2", "2020-H2", "2020-07-01", "2020-12-31"),
            ("2020-Q3", "2020-Q3", "2020-07-01", "2020-09-30"),
            ("2020-02", "2020-02", "2020-02-01", "2020-02-29"),
            ("2020-W53", "2020-W53", "2020-12-28", "2021-01-03"),
            ("2020-10-26", "2020-10-26", "2020-10-26", "2020-10-26"),
            ("2020/21", "2020/21", "2020-04-01", "2021-03-31"),
            ("1999/00", "1999/00", "1999-04-01", "2000-03-31"),
            ("2026/27-H1", "2026/27-H1", "2026-04-01", "2026-09-30"),
            ("2026/27-H2", "2026/27-H2", "2026-10-01", "2027-03-31"),
            (
                "2026-10-01/2027-03-31",
                "2026/27-H2",
                "2026-10-01",
                "2027-03-31",
            ),
            // With years from April, the same days as a quarter of the calendar.
            ("2026/27-Q1", "2026-Q2", "2026-04-01", "2026-06-30"),
            ("2026/27-Q4", "2027-Q1", "2027-01-01", "2027-03-31"),
            (
                "2020-07-01/2020-09-30",
                "2020-Q3",
                "2020-07-01",
                "2020-09-30",
            ),
            (
                "2020-10-12/2020-10-18",
                "2020-W42",
                "2020-10-12",
                "2020-10-18",
            ),
            (
                "2020-01-02/2020-11-15",
                "2020-01-02/2020-11-15",
                "2020-01-02",
                "2020-11-15",
            ),
        ] {
            let period: Period = sent.parse().unwrap_or_else(|e| panic!("{sent}: {e}"));
            assert_eq!(period.to_string(), kept, "{sent}");
            assert_eq!(
                (period.from_on.to_string(), period.until_on.to_string()),
                (from.into(), until.into()),
                "{sent}"
            );
            assert_eq!(kept.parse(), Ok(period));
        }
        for bad in [
            "",
            "20",
            "2020-Q5",
            "2020-H0",
            "2020-13",
            "2020-W54",
            "2020-02-30",
            "2020/22",
            "2020/22-H1",
            "2020/21-H3",
            "2020/21-Q5",
            "2020/21-Q0",
            "2020/21-X1",
            "2020/2-1-H",
            "2020-1-1",
            "2021-01-01/2020-01-01",
            "２０２０",
            "2020-Q",
            "+020",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_figure_survives_being_written() {
        for text in [
            "0",
            "250",
            "-3",
            "12.5",
            "0.000001",
            "999999999.999999",
            "-999999999.999999",
            "0.1",
        ] {
            let figure: Figure = text.parse().expect(text);
            let json = serde_json::to_string(&figure).expect(text);
            assert_eq!(
                serde_json::from_str::<Figure>(&json).expect(&json),
                figure,
                "{json}"
            );
        }
        assert_eq!(
            serde_json::to_string(&Figure::whole(250)).expect("the change is written"),
            "250"
        );
        for bad in ["1e3", "inf", "NaN", "1000000000", "x", ""] {
            assert!(bad.parse::<Figure>().is_err(), "{bad}");
        }
        assert_eq!("7".parse::<Figure>().map(Figure::as_count), Ok(Some(7)));
        assert_eq!("7.5".parse::<Figure>().map(Figure::as_count), Ok(None));
    }

    #[test]
    fn a_percentage_agrees_with_its_parts_within_rounding() {
        for (value, part, whole, agrees) in [
            ("54", 130, 240, true),
            ("54.2", 130, 240, true),
            ("54.17", 130, 240, true),
            ("54.166667", 130, 240, true),
            ("54.1", 130, 240, false),
            ("99", 130, 240, false),
            ("12.5", 1, 8, true),
            // Half is rounded either way.
            ("12", 1, 8, true),
            ("13", 1, 8, true),
            ("0", 0, 8, true),
            ("100", 8, 8, true),
            ("0", 0, 0, true),
        ] {
            let figure: Figure = value.parse().expect(value);
            assert_eq!(
                figure.is_percentage(part, whole),
                agrees,
                "{value} {part}/{whole}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn every_figure_comes_back(millionths in -999_999_999_999_999_i64..=999_999_999_999_999) {
            let figure = Figure::of(millionths).expect("it is small");
            let json = serde_json::to_string(&figure).expect("the change is written");
            proptest::prop_assert_eq!(serde_json::from_str::<Figure>(&json).expect("it is read"), figure);
        }
    }
}
