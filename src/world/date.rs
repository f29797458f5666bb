//! Dates as precise as their source: a day, a month, a quarter, a half, a year, a period, or no
//! date.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::text::{Form, Text};

/// How precisely a date is known, from least to most precise.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum Precision {
    /// The source gives no date.
    #[default]
    Unspecified,
    /// From one day to another.
    Period,
    /// A calendar year.
    Year,
    /// January to June or July to December.
    #[strum(message = "Half-year")]
    Half,
    /// A calendar quarter.
    Quarter,
    /// A calendar month.
    Month,
    /// One day.
    Day,
}

/// The words of a source for a date.
pub enum DateWordsForm {}

impl Form for DateWordsForm {
    const EXAMPLE: Option<&'static str> = Some("November 2020");
}

/// Words of a source for a date.
pub type DateWords = Text<100, 0, DateWordsForm>;

/// A planned date with its precision and the words of its source. Something due in a period is due
/// on the last day of the period: "November 2020" means 30 November 2020.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedDate {
    /// How precisely the date is known.
    #[serde(default)]
    pub precision: Precision,
    /// First day of the period. Set by the service, except for `period`, where it is required.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Due date: the last day of the period. Any date within a month, quarter, half or year may be
    /// sent; the service changes it to the last day.
    #[serde(default)]
    #[schema(example = "2020-11-30")]
    pub due_on: Option<NaiveDate>,
    /// The words of the source.
    #[serde(default)]
    pub source_text: Option<DateWords>,
}

impl PlannedDate {
    /// Moves both dates to the first and last day of the period.
    pub fn normalise(&mut self) {
        let months = match self.precision {
            Precision::Unspecified => {
                (self.from_on, self.due_on) = (None, None);
                return;
            }
            Precision::Period => return,
            Precision::Day => {
                self.from_on = self.due_on;
                return;
            }
            Precision::Month => 1,
            Precision::Quarter => 3,
            Precision::Half => 6,
            Precision::Year => 12,
        };
        let Some(day) = self.due_on else { return };
        let first_month = (day.month0() / months) * months + 1;
        self.from_on = NaiveDate::from_ymd_opt(day.year(), first_month, 1);
        self.due_on = self
            .from_on
            .and_then(|d| d.checked_add_months(Months::new(months)))
            .and_then(|d| d.checked_sub_days(Days::new(1)));
    }

    /// What is wrong with the date, as (field, code, detail).
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str, &'static str)> {
        match self.precision {
            Precision::Unspecified => None,
            _ if self.due_on.is_none() => Some((
                "due_on",
                "required",
                "a date with this precision needs due_on; leave precision at unspecified if there \
                    is no date",
            )),
            Precision::Period if self.from_on.is_none() => Some((
                "from_on",
                "required",
                "a period needs from_on, its first day",
            )),
            Precision::Period if self.from_on > self.due_on => {
                Some(("due_on", "date_order", "must not be before from_on"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(precision: Precision, day: &str) -> String {
        let mut date = PlannedDate {
            precision,
            due_on: day.parse().ok(),
            ..PlannedDate::default()
        };
        date.normalise();
        format!("{:?}..{:?}", date.from_on, date.due_on)
    }

    #[test]
    fn a_period_falls_due_on_its_last_day() {
        assert_eq!(
            due(Precision::Month, "2020-11-01"),
            "Some(2020-11-01)..Some(2020-11-30)"
        );
        assert_eq!(
            due(Precision::Month, "2024-02-10"),
            "Some(2024-02-01)..Some(2024-02-29)"
        );
        assert_eq!(
            due(Precision::Quarter, "2020-05-15"),
            "Some(2020-04-01)..Some(2020-06-30)"
        );
        assert_eq!(
            due(Precision::Half, "2020-12-31"),
            "Some(2020-07-01)..Some(2020-12-31)"
        );
        assert_eq!(
            due(Precision::Year, "2021-03-01"),
            "Some(2021-01-01)..Some(2021-12-31)"
        );
        assert_eq!(
            due(Precision::Day, "2020-06-29"),
            "Some(2020-06-29)..Some(2020-06-29)"
        );
        assert_eq!(due(Precision::Unspecified, "2020-06-29"), "None..None");
    }
}
