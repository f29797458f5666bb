//! The runs of an activity and their state on a date. The first and last day are part of a run.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::communications::{ActivityStatus, CommunicationsActivity};
use crate::registers::recurrence;
use crate::world::dates::{Days, overlap};

/// State of an activity or of one of its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ActivityState {
    /// Still to come.
    Due,
    /// In progress on the date. The first and last day count.
    Running,
    /// Finished.
    Ended,
    /// Will not take place.
    Cancelled,
}

/// One run of an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
}

impl Run {
    /// Returns the state on a date, assuming the run takes place.
    #[must_use]
    pub fn state(self, on: NaiveDate) -> ActivityState {
        if on < self.starts_on {
            ActivityState::Due
        } else if on <= self.ends_on {
            ActivityState::Running
        } else {
            ActivityState::Ended
        }
    }
}

/// Returns the runs with at least one day in the window, in order.
#[must_use]
pub fn runs(activity: &CommunicationsActivity, window: Days) -> Vec<Run> {
    let length = activity.ends_on - activity.starts_on;
    let starts = match &activity.recurrence {
        None => vec![activity.starts_on],
        Some(rule) => recurrence::days(rule, activity.starts_on, window.1).unwrap_or_default(),
    };
    starts
        .into_iter()
        .map(|starts_on| Run {
            starts_on,
            ends_on: starts_on.checked_add_signed(length).unwrap_or(starts_on),
        })
        .filter(|r| overlap(window, (Some(r.starts_on), Some(r.ends_on))))
        .collect()
}

/// Returns the state of an activity on a date: running if any of its runs is, due if one is still
/// to come, ended after the last.
#[must_use]
pub fn state(activity: &CommunicationsActivity, on: NaiveDate) -> ActivityState {
    if activity.status == ActivityStatus::Cancelled {
        return ActivityState::Cancelled;
    }
    let left = runs(activity, (Some(on), None));
    let running = left.iter().any(|r| r.state(on) == ActivityState::Running);
    match (running, left.is_empty()) {
        (true, _) => ActivityState::Running,
        (false, false) => ActivityState::Due,
        (false, true) => ActivityState::Ended,
    }
}

/// Returns the last day of the last run, or `None` if the activity recurs without end.
#[must_use]
pub fn ended_on(activity: &CommunicationsActivity) -> Option<NaiveDate> {
    let ends = |rule: &str| rule.contains("COUNT") || rule.contains("UNTIL");
    let has_end = activity.recurrence.as_deref().is_none_or(ends);
    has_end
        .then(|| runs(activity, (None, None)).last().map(|r| r.ends_on))
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::ActivityState::{Cancelled, Due, Ended, Running};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn activity(from: &str, until: &str, recurrence: Option<&str>) -> CommunicationsActivity {
        serde_json::from_value(json!({
            "plan_id": Uuid::nil(), "activity_kind": "campaign", "title": "A campaign", "channels": ["press"], "audiences": ["public"],
            "starts_on": from, "ends_on": until, "recurrence": recurrence,
        }))
        .expect("an activity")
    }

    #[test]
    fn the_last_day_belongs_to_it() {
        // The three campaigns of autumn 2020.
        for (from, until, before, after) in [
            ("2020-09-28", "2020-10-04", "2020-09-27", "2020-10-05"),
            ("2020-10-10", "2020-10-17", "2020-10-09", "2020-10-18"),
            ("2020-10-01", "2020-10-31", "2020-09-30", "2020-11-01"),
        ] {
            let a = activity(from, until, None);
            let states = [before, from, until, after].map(|on| state(&a, day(on)));
            assert_eq!(states, [Due, Running, Running, Ended], "{from}");
        }
    }

    #[test]
    fn each_run_is_as_long_as_the_first() {
        let a = activity("2020-10-01", "2020-10-31", Some("FREQ=YEARLY;COUNT=3"));
        let found = runs(&a, (Some(day("2021-01-01")), Some(day("2022-10-01"))));
        let wanted =
            [("2021-10-01", "2021-10-31"), ("2022-10-01", "2022-10-31")].map(|(from, until)| Run {
                starts_on: day(from),
                ends_on: day(until),
            });
        assert_eq!(
            found, wanted,
            "a run that begins on the window's last day counts"
        );
        let on = |text: &str| state(&a, day(text));
        assert_eq!(
            [on("2021-02-01"), on("2021-10-31"), on("2022-11-01")],
            [Due, Running, Ended]
        );
        let mut off = a.clone();
        off.status = ActivityStatus::Cancelled;
        assert_eq!(state(&off, day("2021-10-31")), Cancelled);
    }

    #[test]
    fn a_run_that_began_before_the_window_counts() {
        let a = activity(
            "2020-09-28",
            "2020-10-04",
            Some("FREQ=WEEKLY;INTERVAL=2;COUNT=2"),
        );
        let found = runs(&a, (Some(day("2020-10-04")), Some(day("2020-10-11"))));
        assert_eq!(found.first().map(|r| r.starts_on), Some(day("2020-09-28")));
        assert_eq!(found.len(), 1);
    }
}
