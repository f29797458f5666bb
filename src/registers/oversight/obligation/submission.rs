//! Submissions: reports submitted, each for a due date. They are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::oversight::{ReportObligation, ReportObligationId};
use crate::registers::query::{is, is_some};
use crate::world::text::WebAddress;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// What was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportDocument {
    /// Title.
    pub title: Text<300, 1>,
    /// URL where it can be read.
    #[serde(default)]
    pub url: Option<WebAddress>,
    /// Where it can be found, if it has no URL.
    #[serde(default)]
    pub location: Option<Text<300, 1>>,
}

/// A report that was submitted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportSubmission {
    /// Obligation it fulfils.
    pub obligation_id: ReportObligationId,
    /// Due date it is for. Must be one of the obligation's due dates. Left out if the obligation
    /// has none.
    #[serde(default)]
    pub period_due_on: Option<NaiveDate>,
    /// Date it was submitted. The first submission for a due date decides whether the due date was
    /// met.
    pub submitted_on: NaiveDate,
    /// Post that submitted it.
    #[serde(default)]
    pub by_post_id: Option<PostId>,
    /// What was submitted.
    #[serde(default)]
    pub document: Option<ReportDocument>,
    /// Any comments on it.
    #[serde(default)]
    pub note: Option<Text<2000>>,
}

/// Narrows a list of submissions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ReportSubmissionFilter {
    /// Only submissions for this obligation.
    obligation_id: Option<ReportObligationId>,
    /// Only submissions for this due date.
    period_due_on: Option<NaiveDate>,
    /// Only submissions for obligations of this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only reports submitted on or after this date.
    submitted_from: Option<NaiveDate>,
    /// Only reports submitted on or before this date.
    submitted_until: Option<NaiveDate>,
}

impl ReportSubmission {
    fn check_period(&self, rules: &mut Rules<'_, Self>, obligation: &ReportObligation) {
        let days = obligation.due_days();
        match self.period_due_on {
            None => rules.require(
                days.is_empty(),
                "/period_due_on",
                "required",
                "say which due date it is for; give one of the due dates of the obligation's \
                    occurrences",
            ),
            Some(_) if days.is_empty() => {
                let detail = "the obligation has no due dates; leave period_due_on out, or set \
                    first_due_on and a frequency on the obligation";
                rules.refuse("/period_due_on", "not_allowed", detail);
            }
            Some(due) if !days.contains(&due) => {
                let before = days
                    .iter()
                    .rfind(|d| **d < due)
                    .map(|d| format!("the previous one is {d}"));
                let after = days
                    .iter()
                    .find(|d| **d > due)
                    .map(|d| format!("the next one is {d}"));
                let near: Vec<String> = before.into_iter().chain(after).collect();
                let detail = format!("is not a due date of this report; {}", near.join(", "));
                rules.refuse("/period_due_on", "no_occurrence", detail);
            }
            Some(_) => {}
        }
    }
}

impl Resource for ReportSubmission {
    const KIND: &'static str = "report_submission";
    const PATH: &'static str = "report-submissions";
    const PREFIX: &'static str = "SUB";
    const SUBJECT: Subject = Subject::Oversight;
    const ABOUT: &'static str = "Reports submitted under an obligation to report, each for one \
        due date. They are never changed: one recorded wrongly is withdrawn.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = ReportSubmissionFilter;

    fn example() -> Value {
        json!({
            "obligation_id": "019abcde-0000-7000-8000-000000000001",
            "period_due_on": "2020-03-30",
            "submitted_on": "2020-03-27",
            "by_post_id": "019abcde-0000-7000-8000-000000000002",
            "document": { "title": "Equality information 2020", "url": "https://intranet.example/equality-information-2020.pdf" }
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.obligation_id])
    }
    // S22
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/submitted_on", Some(self.submitted_on));
        let obligation = rules
            .reading
            .world
            .get::<ReportObligation>(self.obligation_id);
        if let Some(obligation) = obligation.filter(|_| rules.before.is_none()) {
            self.check_period(rules, &obligation.data);
        }
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "submitted_on",
                key: |r| Key::from(Some(r.data.submitted_on)),
            },
            Sort {
                name: "period_due_on",
                key: |r| Key::from(r.data.period_due_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.obligation_id, &r.data.obligation_id)
            && is_some(&f.period_due_on, &r.data.period_due_on)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && in_window(
                Some(r.data.submitted_on),
                (f.submitted_from, f.submitted_until),
            )
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.obligation_id.map(Uuid::from)
    }
}
