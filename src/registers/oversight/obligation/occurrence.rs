//! The occurrences of an obligation to report, and the state of each on a date.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::oversight::{ReportObligation, ReportSubmission};
use crate::world::Rec;

/// State of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum OccurrenceState {
    /// Not submitted, and the days of grace are not over.
    Expected,
    /// Submitted by the due date or within the days of grace.
    Met,
    /// Submitted after the days of grace.
    #[strum(message = "Met late")]
    Late,
    /// Not submitted, and the days of grace are over.
    Missed,
}

/// One report that is or was due.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    pub due_on: NaiveDate,
    /// Last day on which it counts as met.
    pub last_on: NaiveDate,
    pub state: OccurrenceState,
    /// First submission for it.
    pub submission: Option<&'a Rec<ReportSubmission>>,
    /// Number of days after `last_on` that it was submitted or, if it was not, has been missing.
    pub days_late: i64,
}

/// Returns the occurrences of an obligation in order, using the submissions up to the date.
#[must_use]
pub fn occurrences<'a>(
    obligation: &ReportObligation,
    submissions: &[&'a Rec<ReportSubmission>],
    on: NaiveDate,
) -> Vec<Occurrence<'a>> {
    let first_for = |due: NaiveDate| {
        submissions
            .iter()
            .copied()
            .filter(|s| s.data.period_due_on == Some(due) && s.data.submitted_on <= on)
            .min_by_key(|s| (s.data.submitted_on, s.meta.id))
    };
    let of = |due_on: NaiveDate| {
        let last_on = due_on
            .checked_add_days(Days::new(obligation.grace_days.into()))
            .unwrap_or(NaiveDate::MAX);
        let submission = first_for(due_on);
        let compared_on = submission.map_or(on, |s| s.data.submitted_on);
        let state = match (submission.is_some(), compared_on <= last_on) {
            (true, true) => OccurrenceState::Met,
            (true, false) => OccurrenceState::Late,
            (false, true) => OccurrenceState::Expected,
            (false, false) => OccurrenceState::Missed,
        };
        Occurrence {
            due_on,
            last_on,
            state,
            submission,
            days_late: (compared_on - last_on).num_days().max(0),
        }
    };
    obligation.due_days().into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::world::{Marking, Meta, NothingComputed};

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn obligation(fields: Value) -> ReportObligation {
        let mut draft = json!({ "title": "A report", "first_due_on": "2018-03-30", "frequency": { "every": 1, "unit": "year" } });
        draft
            .as_object_mut()
            .expect("an object")
            .extend(fields.as_object().expect("fields").clone());
        serde_json::from_value(draft).expect("an obligation")
    }

    fn handed_in(due: &str, on: &str) -> Rec<ReportSubmission> {
        let now = chrono::Utc::now();
        let meta = Meta {
            id: Uuid::now_v7(),
            reference: crate::world::Reference::known("SUB-1"),
            version: 1,
            marking: Marking::Official,
            created_at: now,
            created_by: None,
            updated_at: now,
            withdrawn_at: None,
            seq: 1,
            kind: 0.into(),
        };
        let data =
            json!({ "obligation_id": Uuid::nil(), "period_due_on": due, "submitted_on": on });
        Rec::new(
            meta,
            serde_json::from_value(data).expect("a submission"),
            NothingComputed::default(),
        )
    }

    fn states(
        o: &ReportObligation,
        submissions: &[&Rec<ReportSubmission>],
        on: &str,
    ) -> Vec<(OccurrenceState, i64)> {
        let upto = day("2020-12-31");
        let all = occurrences(o, submissions, day(on));
        all.iter()
            .filter(|o| o.due_on <= upto)
            .map(|o| (o.state, o.days_late))
            .collect()
    }

    #[test]
    fn what_was_not_handed_in_is_missed_once_the_grace_is_over() {
        use OccurrenceState::{Expected, Late, Met, Missed};
        let o = obligation(json!({ "grace_days": 7 }));
        let (first, second) = (
            handed_in("2018-03-30", "2018-04-06"),
            handed_in("2019-03-30", "2019-04-08"),
        );
        let all = [&first, &second];
        assert_eq!(
            states(&o, &all, "2020-04-06"),
            [(Met, 0), (Late, 2), (Expected, 0)]
        );
        assert_eq!(
            states(&o, &all, "2020-04-07"),
            [(Met, 0), (Late, 2), (Missed, 1)]
        );
        assert_eq!(
            states(&o, &all, "2019-04-07"),
            [(Met, 0), (Missed, 1), (Expected, 0)],
            "nobody knew then of what came later"
        );
    }

    #[test]
    fn an_obligation_without_days_misses_nothing() {
        assert!(
            obligation(json!({ "frequency": { "source_text": "regularly" } }))
                .due_days()
                .is_empty()
        );
        assert!(
            obligation(json!({ "first_due_on": null }))
                .due_days()
                .is_empty()
        );
        let once = obligation(json!({ "frequency": {} }));
        assert_eq!(once.due_days(), [day("2018-03-30")]);
        let ended = obligation(json!({ "until_on": "2020-03-29" }));
        assert_eq!(ended.due_days().len(), 2);
    }
}
