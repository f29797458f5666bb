//! Checks shared by the rules and filters of several resources.

use std::collections::HashSet;

use chrono::NaiveDate;

use crate::world::dates::{Days, runs_on};
use crate::world::id::Target;
use crate::world::{Id, Resource, Rules};

/// Refuses a change to a field that cannot be changed once set. `remedy` follows "cannot change: ".
pub fn fixed<R: Resource, T: PartialEq>(
    rules: &mut Rules<'_, R>,
    is: &R,
    pointer: &str,
    field: impl Fn(&R) -> T,
    remedy: &str,
) {
    if rules
        .before
        .is_some_and(|before| field(&before.data) != field(is))
    {
        rules.refuse(pointer, "fixed", format!("cannot be changed: {remedy}"));
    }
}

/// Refuses a list that names the same record twice.
pub fn distinct<R: Resource, T: Target>(rules: &mut Rules<'_, R>, pointer: &str, ids: &[Id<T>]) {
    let mut seen = HashSet::new();
    for (n, id) in ids.iter().enumerate() {
        if !seen.insert(id) {
            rules.refuse(
                format!("{pointer}/{n}"),
                "duplicate",
                "is already in the list; remove it",
            );
        }
    }
}

/// Refuses a future date for something reported as having happened.
pub fn not_in_future<R: Resource>(rules: &mut Rules<'_, R>, pointer: &str, day: Option<NaiveDate>) {
    let today = rules.reading.on;
    if day.is_some_and(|d| d > today) {
        rules.refuse(
            pointer,
            "future_date",
            format!("must not be later than today ({today}); record it once it has happened"),
        );
    }
}

/// Refuses a change of deadline that names no approver. `by` is the post or the board that approved
/// it.
pub fn approved<R: Resource>(rules: &mut Rules<'_, R>, is_named: bool) {
    rules.require(
        is_named,
        "/approver_post_id",
        "required",
        "name the approver in approver_post_id, approver_board_id or both",
    );
}

/// Whether a record's date passes a filter's period; a record without a date passes only if the
/// filter is not set.
#[must_use]
pub fn in_window(day: Option<NaiveDate>, window: Days) -> bool {
    window == (None, None) || day.is_some_and(|d| runs_on(window, d))
}

/// Whether the result of `holds` matches a yes-or-no filter; true if the filter is not set.
pub fn asked(wanted: Option<bool>, holds: impl FnOnce() -> bool) -> bool {
    wanted.is_none_or(|w| w == holds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }

    #[test]
    fn a_window_lets_through_the_days_in_it() {
        assert!(in_window(None, (None, None)));
        assert!(!in_window(None, (day("2020-01-01"), None)));
        assert!(in_window(
            day("2020-01-01"),
            (day("2020-01-01"), day("2020-01-01"))
        ));
        assert!(!in_window(day("2020-01-02"), (None, day("2020-01-01"))));
    }
}

/// For the tests of a register: its examples match their schema, and bodies that do not match are
/// refused.
#[cfg(test)]
pub mod bodies {
    use serde_json::{Value, json};

    use crate::lists::some;
    use crate::registers::catalogue;

    /// Checks the example, and checks that a body without fields, with an unknown field, or with
    /// one of the values in `bad` is refused.
    pub fn check(kind: &str, bad: &[(&str, Value)]) {
        let kind = catalogue().named(kind).expect("the kind is registered");
        let example = (kind.example)();
        kind.check_schema(&example)
            .unwrap_or_else(|p| panic!("{}: the example is refused: {:?}", kind.name, p.errors));
        kind.check_schema(&json!({}))
            .expect_err("a body without fields");
        kind.check_schema(&json!([])).expect_err("a list");
        let unknown = [("no_such_field", json!(1)), ("id", json!("x"))];
        for (field, value) in some(bad.iter().chain(&unknown)) {
            let mut body = example.clone();
            body[*field] = value.clone();
            let refused = kind.check_schema(&body).map_err(|p| p.errors);
            let errors =
                refused.expect_err(&format!("{}: {field} = {value} must be refused", kind.name));
            assert!(
                some(&errors).all(|e| e.pointer.starts_with(&format!("/{field}"))),
                "{}: {errors:?}",
                kind.name
            );
        }
    }

    /// A text of `n` characters.
    pub fn long(n: usize) -> Value {
        "x".repeat(n).into()
    }
}
