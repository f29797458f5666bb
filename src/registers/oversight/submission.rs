//! Submissions: a report that was handed in, and for which due date. They are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ReportObligation;
use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::query::{is, is_some};
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// What was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportDocument {
    /// Its title.
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// Where it can be read.
    #[serde(default)]
    #[schema(
        max_length = 2000,
        pattern = "^https?://[^\\s]+$",
        example = "https://intranet.example/equality-information-2020.pdf"
    )]
    pub url: Option<String>,
    /// How it can be found where it has no address.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300)]
    pub location: Option<String>,
}

/// A report that was handed in.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportSubmission {
    /// The obligation that it answers.
    pub obligation_id: Uuid,
    /// The due date that it is for, one of the obligation's; left out where the obligation names no days.
    #[serde(default)]
    pub period_due_on: Option<NaiveDate>,
    /// Day on which it was handed in. The first submission for a due date decides whether that was met.
    pub submitted_on: NaiveDate,
    /// The post that handed it in.
    #[serde(default)]
    pub by_post_id: Option<Uuid>,
    /// What was handed in.
    #[serde(default)]
    pub document: Option<ReportDocument>,
    /// What there is to say about it.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// Narrows a list of submissions.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ReportSubmissionFilter {
    /// Submissions for this obligation.
    obligation_id: Option<Uuid>,
    /// Submissions for this due date.
    period_due_on: Option<NaiveDate>,
    /// Submissions of obligations of this unit and of all units below it.
    unit_below: Option<Uuid>,
    /// Reports handed in on or after this day.
    submitted_from: Option<NaiveDate>,
    /// Reports handed in on or before this day.
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
                "say which due date it is for; the obligation's occurrences name them",
            ),
            Some(_) if days.is_empty() => {
                let detail = "the obligation names no days; leave period_due_on out, or give the obligation first_due_on and a frequency";
                rules.refuse("/period_due_on", "not_allowed", detail);
            }
            Some(due) if !days.contains(&due) => {
                let before = days
                    .iter()
                    .rfind(|d| **d < due)
                    .map(|d| format!("before it {d}"));
                let after = days
                    .iter()
                    .find(|d| **d > due)
                    .map(|d| format!("after it {d}"));
                let near: Vec<String> = before.into_iter().chain(after).collect();
                let detail = format!(
                    "is not a day on which this report is due; {}",
                    near.join(", ")
                );
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
    const ABOUT: &'static str = "Reports that were handed in under an obligation to report, each for one due date. None is changed: one that was recorded wrongly is withdrawn.";
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
    fn links(&self, links: &mut Links) {
        links.to("/obligation_id", &["report_obligation"], self.obligation_id);
        links.to("/by_post_id", &["post"], self.by_post_id);
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
    fn text(&self) -> Vec<&str> {
        let mut words = vec![self.note.as_deref().unwrap_or_default()];
        words.extend(self.document.iter().map(|d| d.title.as_str()));
        words
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
        f.obligation_id
    }
}
