//! Random numbers, words and days for made-up records: the same in every run.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::world::date::Precision;

/// The words of made-up sentences.
const WORDS: &[&str] = &[
    "the",
    "and",
    "of",
    "to",
    "with",
    "for",
    "by",
    "in",
    "each",
    "all",
    "board",
    "unit",
    "borough",
    "command",
    "training",
    "leaders",
    "officers",
    "staff",
    "inclusion",
    "fairness",
    "respect",
    "confidence",
    "trust",
    "communities",
    "young",
    "people",
    "recruitment",
    "retention",
    "progression",
    "disproportionality",
    "complaints",
    "grievances",
    "outcomes",
    "evidence",
    "survey",
    "feedback",
    "review",
    "policy",
    "practice",
    "guidance",
    "workshop",
    "pilot",
    "evaluation",
    "partners",
    "advisers",
    "associations",
    "networks",
    "delivery",
    "plan",
    "strategy",
    "priority",
    "objective",
    "milestone",
    "deadline",
    "progress",
    "report",
    "quarterly",
    "monthly",
    "annual",
    "data",
    "dashboard",
    "measure",
    "baseline",
    "target",
    "improvement",
    "engagement",
    "consultation",
    "publication",
    "approval",
    "assurance",
    "audit",
    "recommendation",
    "control",
    "risk",
    "mitigation",
    "resource",
    "budget",
    "procurement",
    "estate",
    "technology",
    "systems",
    "records",
    "quality",
    "standards",
    "leadership",
    "culture",
    "wellbeing",
    "mentoring",
    "coaching",
    "promotion",
    "selection",
    "interviews",
    "panels",
    "scrutiny",
    "independent",
    "external",
    "internal",
    "joint",
    "shared",
    "revised",
    "agreed",
    "published",
    "completed",
    "started",
    "delayed",
    "extended",
    "supports",
    "establishes",
    "reviews",
    "develops",
    "delivers",
    "embeds",
    "monitors",
];

/// Repeatable random numbers (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % n).unwrap_or(0)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `cases` of a hundred cases.
    pub fn in_hundred(&mut self, cases: usize) -> bool {
        self.below(100) < cases
    }

    /// One of the values, if there are any.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let n = self.below(of.len());
        of.get(n).copied()
    }

    /// One of the values in `cases` of a hundred cases, otherwise none.
    pub fn maybe<T: Copy>(&mut self, cases: usize, of: &[T]) -> Option<T> {
        if self.in_hundred(cases) {
            self.one(of)
        } else {
            None
        }
    }

    /// Between one and `most` of the values, without repeats.
    pub fn some<T: Copy + PartialEq>(&mut self, of: &[T], most: usize) -> Vec<T> {
        let mut chosen = Vec::new();
        for _ in 0..self.between(1, most) {
            if let Some(next) = self.one(of).filter(|n| !chosen.contains(n)) {
                chosen.push(next);
            }
        }
        chosen
    }

    /// `count` words, the first with a capital.
    pub fn words(&mut self, count: usize) -> String {
        let mut text = String::new();
        for n in 0..count {
            let word = self.one(WORDS).unwrap_or_default();
            match (n, word.get(..1).zip(word.get(1..))) {
                (0, Some((first, rest))) => {
                    text.push_str(&first.to_uppercase());
                    text.push_str(rest);
                }
                _ => {
                    text.push(' ');
                    text.push_str(word);
                }
            }
        }
        text
    }

    /// Sentences with at least `bytes` bytes in all.
    pub fn text(&mut self, bytes: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            if !text.is_empty() {
                text.push(' ');
            }
            let words = self.between(6, 16);
            text.push_str(&self.words(words));
            text.push('.');
        }
        text
    }

    /// A day from `before` days before `today` to `after` days after it.
    pub fn day(&mut self, today: NaiveDate, before: u64, after: u64) -> NaiveDate {
        let span = usize::try_from(before + after).unwrap_or(0);
        let ahead = u64::try_from(self.between(0, span)).unwrap_or(0);
        let first = today.checked_sub_days(Days::new(before));
        first
            .and_then(|d| d.checked_add_days(Days::new(ahead)))
            .unwrap_or(today)
    }

    /// A planned date on that day, with varying precision.
    pub fn planned(&mut self, due_on: NaiveDate) -> Value {
        use Precision::{Day, Month, Quarter, Year};
        let precision = self.one(&[Day, Day, Month, Month, Month, Quarter, Year]);
        let span = precision.and_then(|p| p.around(due_on));
        json!({ "precision": precision, "due_on": span.map_or(due_on, |(_, last)| last) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;

    #[test]
    fn chance_repeats_itself_and_keeps_within_bounds() {
        let (mut one, mut other) = (Dice(7), Dice(7));
        let numbers: Vec<usize> = (0..200).map(|_| one.between(3, 5)).collect();
        assert!(some(&numbers).all(|n| (3..=5).contains(n)), "{numbers:?}");
        for n in 3..=5 {
            assert!(numbers.contains(&n), "{n} never comes up");
        }
        assert_eq!(
            numbers,
            (0..200).map(|_| other.between(3, 5)).collect::<Vec<_>>()
        );
        assert_eq!(one.one::<u8>(&[]), None);
    }

    #[test]
    fn a_text_has_the_length_asked_for() {
        let text = Dice(1).text(300);
        assert!((300..500).contains(&text.len()), "{}", text.len());
        assert!(
            text.starts_with(char::is_uppercase) && text.ends_with('.'),
            "{text}"
        );
    }
}
