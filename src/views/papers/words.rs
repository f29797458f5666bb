//! Dates, deadlines and records in the words of a paper.

use chrono::NaiveDate;

use crate::views::RecordName;
use crate::world::date::PlannedDate;
use crate::world::vocabulary::in_words;

/// A date: "30 November 2020".
#[must_use]
pub fn day(on: NaiveDate) -> String {
    on.format("%-d %B %Y").to_string()
}

/// A planned date: its last day, otherwise the words of the source.
#[must_use]
pub fn planned(date: &PlannedDate) -> Option<String> {
    let own = || date.source_text.as_ref().map(String::from);
    date.due_on.map(day).or_else(own)
}

/// A deadline in words, or that no deadline is recorded.
#[must_use]
pub fn deadline(date: &PlannedDate) -> String {
    planned(date).unwrap_or_else(|| "none stated".into())
}

/// Longer titles are whole sentences and are not written out within another.
const LONG: usize = 80;

/// What a record is called within a sentence: its title with the reference in brackets, or its kind
/// and its reference if it has no title or a very long one.
#[must_use]
pub fn called(record: &RecordName) -> String {
    let is_long = record.title.chars().count() > LONG;
    if record.title == record.reference || is_long {
        let kind = in_words(&record.kind).to_lowercase();
        return format!("{kind} {}", record.reference);
    }
    format!("{} ({})", record.title, record.reference)
}

/// Words joined as in a sentence: "a, b and c".
#[must_use]
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_lists_are_said_in_words() {
        let date = |json| serde_json::from_value::<PlannedDate>(json).expect("a date");
        let month = serde_json::json!({
            "precision": "month", "from_on": "2020-11-01", "due_on": "2020-11-30",
            "source_text": "Nov 2020",
        });
        assert_eq!(deadline(&date(month)), "30 November 2020");
        let words = serde_json::json!({ "source_text": "broad timescales" });
        assert_eq!(deadline(&date(words)), "broad timescales");
        assert_eq!(deadline(&PlannedDate::default()), "none stated");
        let words = |n: usize| ["a", "b", "c"].map(String::from)[..n].to_vec();
        assert_eq!(
            [0, 1, 2, 3].map(|n| listed(&words(n))),
            ["", "a", "a and b", "a, b and c"]
        );
    }
}
