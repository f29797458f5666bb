//! Dates as precise as their source: a day, a month, a quarter, a half, a year (of the calendar or
//! of the organisation's finances), a period, or no date.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use super::calendar::Calendar;
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
    /// A financial year: April to March, unless the organisation's starts in another month.
    FinancialYear,
    /// January to June or July to December.
    #[strum(message = "Half-year")]
    Half,
    /// The first or second half of a financial year.
    #[strum(message = "Financial half-year")]
    FinancialHalf,
    /// A calendar quarter.
    Quarter,
    /// A quarter of a financial year.
    FinancialQuarter,
    /// A calendar month.
    Month,
    /// One day.
    Day,
}

/// The words of a source for a date.
pub enum DateWordsForm {}

impl Form for DateWordsForm {
    type Store = Box<str>;
    const EXAMPLE: Option<&'static str> = Some("November 2020");
}

/// Words of a source for a date.
pub type DateWords = Text<100, 0, DateWordsForm>;

impl Precision {
    /// Length in months, and the month in which a year starts, if it is a part of a year.
    fn months(self) -> Option<(u32, u32)> {
        let financial = Calendar::current().financial_year_starts;
        match self {
            Self::Unspecified | Self::Period | Self::Day => None,
            Self::Year => Some((12, 1)),
            Self::FinancialYear => Some((12, financial)),
            Self::Half => Some((6, 1)),
            Self::FinancialHalf => Some((6, financial)),
            Self::Quarter => Some((3, 1)),
            Self::FinancialQuarter => Some((3, financial)),
            Self::Month => Some((1, 1)),
        }
    }

    /// First and last day of the month, quarter, half or year that contains a day.
    #[must_use]
    pub fn around(self, day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let (months, starts) = self.months()?;
        let past = (day.month() + 12 - starts) % months;
        let first = day.with_day(1)?.checked_sub_months(Months::new(past))?;
        let last = first
            .checked_add_months(Months::new(months))?
            .checked_sub_days(Days::new(1))?;
        Some((first, last))
    }
}

/// A planned date with its precision and the words of its source. Something due in a period is due
/// on the last day of the period: "November 2020" means 30 November 2020.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "SentDate")]
pub struct PlannedDate {
    /// How precisely the date is known. If it is left out, a date is a day, or a period if
    /// `from_on` is another day.
    #[serde(default)]
    pub precision: Precision,
    /// First day. Required for `period`. Otherwise set by the service; if sent, it must be the
    /// first day of the month, quarter, half or year.
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// Due date: the last day of the month, quarter, half, year or period. Set by the service if
    /// `from_on` is sent instead.
    #[serde(default)]
    #[schema(example = "2020-11-30")]
    pub due_on: Option<NaiveDate>,
    /// The words of the source.
    #[serde(default)]
    pub source_text: Option<DateWords>,
}

/// Name of the type as serialized, by which a walk through a record finds it.
pub(super) const PLANNED_DATE: &str = "PlannedDate";

/// A planned date as it is sent.
#[derive(Deserialize)]
struct SentDate {
    precision: Option<Precision>,
    from_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    source_text: Option<DateWords>,
}

impl From<SentDate> for PlannedDate {
    fn from(sent: SentDate) -> Self {
        let meant = match (sent.from_on, sent.due_on) {
            (_, None) => Precision::Unspecified,
            (Some(from), Some(due)) if from != due => Precision::Period,
            (_, Some(_)) => Precision::Day,
        };
        Self {
            precision: sent.precision.unwrap_or(meant),
            from_on: sent.from_on,
            due_on: sent.due_on,
            source_text: sent.source_text,
        }
    }
}

/// What is wrong with a planned date.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub field: &'static str,
    pub code: &'static str,
    pub detail: String,
}

impl PlannedDate {
    /// Completes the first or last day of a month, quarter, half or year, or of a day. A day that
    /// was sent is neither moved nor dropped; if it is not the one that the precision needs, that
    /// is a [`PlannedDate::fault`].
    pub fn normalise(&mut self) {
        if self.precision == Precision::Day {
            self.from_on = self.from_on.or(self.due_on);
            self.due_on = self.due_on.or(self.from_on);
        } else if let Some((first, last)) = self.span() {
            self.from_on = self.from_on.or(Some(first));
            self.due_on = self.due_on.or(Some(last));
        }
    }

    /// First and last day of the month, quarter, half or year that is meant.
    fn span(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.precision.around(self.due_on.or(self.from_on)?)
    }

    /// What is wrong with the date, once completed.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let fault = |field, code, detail: String| {
            Some(Fault {
                field,
                code,
                detail,
            })
        };
        let (from, due) = (self.from_on, self.due_on);
        if self.precision == Precision::Unspecified {
            let field = if due.is_some() { "due_on" } else { "from_on" };
            let detail = "must be null, because the precision is unspecified; leave the precision \
                out if this is a day";
            return (due.is_some() || from.is_some())
                .then(|| fault(field, "contradiction", detail.into()))?;
        }
        let Some(due) = due else {
            let detail = "a date with this precision needs due_on; leave the precision out if there \
                is no date";
            return fault("due_on", "required", detail.into());
        };
        if let Some((first, last)) = self.span() {
            let name = super::record::word(&self.precision).replace('_', " ");
            if due != last {
                let detail = format!(
                    "the last day of that {name} is {last}; send that day, or another precision"
                );
                return fault("due_on", "contradiction", detail);
            }
            if from != Some(first) {
                let detail = format!(
                    "the first day of that {name} is {first}; send that day or leave it out"
                );
                return fault("from_on", "contradiction", detail);
            }
            return None;
        }
        match (self.precision, from) {
            (Precision::Day, from) if from != Some(due) => {
                let detail = "a day starts on due_on; leave from_on out, or send the precision \
                    period";
                fault("from_on", "contradiction", detail.into())
            }
            (Precision::Period, None) => {
                let detail = "a period needs from_on, its first day";
                fault("from_on", "required", detail.into())
            }
            (Precision::Period, Some(from)) if from > due => {
                fault("due_on", "date_order", "must not be before from_on".into())
            }
            _ => None,
        }
    }

    /// Prepares a stored date for a merge patch. What the service set gives way to what the patch
    /// sends: a new due date has another first day, a date where there was none is a day, and
    /// `unspecified` leaves no date.
    pub fn give_way(stored: &mut Value, patch: &Value) {
        let (Some(stored), Some(patch)) = (stored.as_object_mut(), patch.as_object()) else {
            return;
        };
        let sends = |name: &str| patch.contains_key(name);
        if !(sends("precision") || sends("due_on") || sends("from_on")) {
            return;
        }
        let is = |map: &Map<String, Value>, precision: Precision| {
            map.get("precision") == serde_json::to_value(precision).ok().as_ref()
        };
        let no_date = is(patch, Precision::Unspecified);
        if no_date || !is(stored, Precision::Period) || sends("precision") {
            stored.remove("from_on");
        }
        if no_date {
            stored.remove("due_on");
        }
        if is(stored, Precision::Unspecified) {
            stored.remove("precision");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(sent: Value) -> PlannedDate {
        let mut date: PlannedDate = serde_json::from_value(sent).expect("a planned date");
        date.normalise();
        date
    }

    fn days(precision: &str, due_on: &str) -> (String, String) {
        let date = read(json!({ "precision": precision, "due_on": due_on }));
        assert_eq!(date.fault(), None, "{precision} {due_on}");
        let text = |day: Option<NaiveDate>| day.expect("a day").to_string();
        (text(date.from_on), text(date.due_on))
    }

    #[test]
    fn the_first_day_follows_from_the_last() {
        for (precision, from, due) in [
            ("day", "2020-06-29", "2020-06-29"),
            ("month", "2020-11-01", "2020-11-30"),
            ("month", "2024-02-01", "2024-02-29"),
            ("quarter", "2020-04-01", "2020-06-30"),
            ("half", "2020-07-01", "2020-12-31"),
            ("year", "2021-01-01", "2021-12-31"),
            ("financial_quarter", "2026-01-01", "2026-03-31"),
            ("financial_half", "2026-04-01", "2026-09-30"),
            ("financial_half", "2026-10-01", "2027-03-31"),
            ("financial_year", "2026-04-01", "2027-03-31"),
            ("financial_year", "2027-04-01", "2028-03-31"),
        ] {
            assert_eq!(days(precision, due), (from.into(), due.into()));
            let by_first = read(json!({ "precision": precision, "from_on": from }));
            assert_eq!(
                (by_first.fault(), by_first.due_on),
                (None, due.parse().ok())
            );
        }
    }

    #[test]
    fn a_date_without_precision_is_a_day_or_a_period() {
        for (sent, precision) in [
            (json!({}), Precision::Unspecified),
            (
                json!({ "source_text": "to be agreed" }),
                Precision::Unspecified,
            ),
            (json!({ "due_on": "2027-03-31" }), Precision::Day),
            (
                json!({ "from_on": "2027-03-31", "due_on": "2027-03-31" }),
                Precision::Day,
            ),
            (
                json!({ "from_on": "2027-03-01", "due_on": "2027-03-31" }),
                Precision::Period,
            ),
        ] {
            let date = read(sent.clone());
            assert_eq!((date.precision, date.fault()), (precision, None), "{sent}");
        }
    }

    #[test]
    fn days_that_contradict_the_precision_are_refused() {
        for (sent, field, code) in [
            (
                json!({ "precision": "unspecified", "due_on": "2027-03-31" }),
                "due_on",
                "contradiction",
            ),
            (
                json!({ "precision": "unspecified", "from_on": "2027-03-31" }),
                "from_on",
                "contradiction",
            ),
            (
                json!({ "from_on": "2027-03-31" }),
                "from_on",
                "contradiction",
            ),
            (
                json!({ "precision": "half", "from_on": "2026-04-01", "due_on": "2026-09-30" }),
                "due_on",
                "contradiction",
            ),
            (
                json!({ "precision": "year", "from_on": "2026-04-01", "due_on": "2027-03-31" }),
                "due_on",
                "contradiction",
            ),
            (
                json!({ "precision": "quarter", "from_on": "2026-01-01", "due_on": "2026-06-30" }),
                "from_on",
                "contradiction",
            ),
            (
                json!({ "precision": "month", "due_on": "2026-06-15" }),
                "due_on",
                "contradiction",
            ),
            (
                json!({ "precision": "month", "from_on": "2026-06-15" }),
                "from_on",
                "contradiction",
            ),
            (
                json!({ "precision": "day", "from_on": "2026-06-01", "due_on": "2026-06-15" }),
                "from_on",
                "contradiction",
            ),
            (json!({ "precision": "month" }), "due_on", "required"),
            (
                json!({ "precision": "period", "due_on": "2026-06-15" }),
                "from_on",
                "required",
            ),
            (
                json!({ "precision": "period", "from_on": "2026-06-16", "due_on": "2026-06-15" }),
                "due_on",
                "date_order",
            ),
        ] {
            let fault = read(sent.clone())
                .fault()
                .unwrap_or_else(|| panic!("{sent}"));
            assert_eq!((fault.field, fault.code), (field, code), "{sent}");
        }
    }

    #[test]
    fn a_patch_replaces_what_the_service_set() {
        let month = json!({ "precision": "month", "from_on": "2026-11-01", "due_on": "2026-11-30", "source_text": null });
        let none = json!({ "precision": "unspecified", "from_on": null, "due_on": null, "source_text": null });
        let period = json!({ "precision": "period", "from_on": "2026-11-03", "due_on": "2026-11-30", "source_text": null });
        for (stored, patch, precision, from, due) in [
            (
                &month,
                json!({ "due_on": "2026-12-31" }),
                Precision::Month,
                "2026-12-01",
                "2026-12-31",
            ),
            (
                &month,
                json!({ "precision": "day", "due_on": "2026-12-18" }),
                Precision::Day,
                "2026-12-18",
                "2026-12-18",
            ),
            (
                &month,
                json!({ "precision": "day" }),
                Precision::Day,
                "2026-11-30",
                "2026-11-30",
            ),
            (
                &month,
                json!({ "source_text": "November" }),
                Precision::Month,
                "2026-11-01",
                "2026-11-30",
            ),
            (
                &none,
                json!({ "due_on": "2026-12-18" }),
                Precision::Day,
                "2026-12-18",
                "2026-12-18",
            ),
            (
                &period,
                json!({ "due_on": "2026-12-18" }),
                Precision::Period,
                "2026-11-03",
                "2026-12-18",
            ),
            (
                &month,
                json!({ "precision": "unspecified" }),
                Precision::Unspecified,
                "",
                "",
            ),
            (
                &period,
                json!({ "precision": "unspecified" }),
                Precision::Unspecified,
                "",
                "",
            ),
        ] {
            let mut merged = stored.clone();
            PlannedDate::give_way(&mut merged, &patch);
            for (name, value) in patch.as_object().expect("an object") {
                merged[name] = value.clone();
            }
            let date = read(merged);
            assert_eq!(
                (date.fault(), date.precision, date.from_on, date.due_on),
                (None, precision, from.parse().ok(), due.parse().ok()),
                "{patch} on {stored}"
            );
        }
    }
}
