//! Obligations to report: what, by whom, to whom, on what legal basis, and when.

pub mod occurrence;
pub mod submission;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::{EnumMessage, VariantArray};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{asked, in_window};
use crate::registers::governance::BoardId;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::oversight::{Occurrence, OccurrenceState, ReportSubmission, occurrences};
use crate::registers::query::{Any, any_some, is, is_some};
use crate::registers::recurrence::Frequency;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, Deadline, Progress, When, runs_on};
use crate::world::{Id, Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Statutory duty for which there is a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum StatutoryDuty {
    /// Information that shows compliance with the public sector equality duty, at least yearly (SI
    /// 2017/353, regulation 4).
    #[strum(message = "PSED equality information")]
    PsedEqualityInformation,
    /// Equality objectives, at least every four years (SI 2017/353, regulation 5).
    #[strum(message = "PSED equality objectives")]
    PsedEqualityObjectives,
}

/// Id of a report obligation.
pub type ReportObligationId = Id<ReportObligation>;

/// An obligation to report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportObligation {
    /// Title.
    pub title: Text<200, 1>,
    /// What must be reported.
    #[serde(default)]
    pub what: Option<Text<4000>>,
    /// Unit that reports. At least one of a unit, a post and a board is required.
    #[serde(default)]
    pub from_unit_id: Option<UnitId>,
    /// Post that reports.
    #[serde(default)]
    pub from_post_id: Option<PostId>,
    /// Board that reports.
    #[serde(default)]
    pub from_board_id: Option<BoardId>,
    /// Unit or outside body that receives the report.
    #[serde(default)]
    pub to_unit_id: Option<UnitId>,
    /// Board that receives the report.
    #[serde(default)]
    pub to_board_id: Option<BoardId>,
    /// Post that receives the report.
    #[serde(default)]
    pub to_post_id: Option<PostId>,
    /// Other recipients, if the report goes to nobody in particular ("published").
    #[serde(default)]
    pub to_others: Option<Text<200, 1>>,
    /// Law, terms of reference or decision that requires it.
    #[serde(default)]
    pub legal_basis: Option<Text<500>>,
    /// Statutory duty it fulfils, if it is one of these.
    #[serde(default)]
    pub statutory_duty: Option<StatutoryDuty>,
    /// How often. With a rule or an interval, every occurrence from `first_due_on` is expected.
    /// With words alone, none is.
    #[serde(default)]
    pub frequency: Frequency,
    /// Date the first report is due. Without a frequency, it is the only one.
    #[serde(default)]
    pub first_due_on: Option<NaiveDate>,
    /// Last day on which a report can be due. Null if open-ended.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    /// Number of days after the due date within which a report still counts as met.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 366)]
    pub grace_days: u16,
}

/// Values computed by the service for an obligation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportObligationComputed {
    /// Whether the due dates of its reports are known, so that missed reports are detected. An
    /// obligation without known due dates is a gap.
    #[serde(default)]
    pub is_scheduled: bool,
}

/// Narrows a list of obligations to report.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ReportObligationFilter {
    /// Only obligations of this unit.
    from_unit_id: Option<UnitId>,
    /// Only obligations of this post.
    from_post_id: Option<PostId>,
    /// Only obligations of this board.
    from_board_id: Option<BoardId>,
    /// Only obligations of this unit or any unit below it.
    unit_below: Option<UnitId>,
    /// Only obligations to report to this unit.
    to_unit_id: Option<UnitId>,
    /// Only obligations to report to this board.
    to_board_id: Option<BoardId>,
    /// Only obligations to report to this post.
    to_post_id: Option<PostId>,
    /// Only obligations that fulfil these statutory duties.
    #[param(value_type = Option<Vec<StatutoryDuty>>, inline, explode = false)]
    statutory_duty: Option<Any<StatutoryDuty>>,
    /// Whether the due dates of its reports are known.
    is_scheduled: Option<bool>,
    /// Whether a report is missed as of today and was never submitted.
    missed: Option<bool>,
    /// Only obligations whose first report is due on or after this date.
    first_due_from: Option<NaiveDate>,
    /// Only obligations whose first report is due on or before this date.
    first_due_until: Option<NaiveDate>,
}

impl ReportObligation {
    /// Returns the dates on which reports are due. Empty if they are not known.
    #[must_use]
    pub fn due_days(&self) -> Vec<NaiveDate> {
        let Some(first) = self.first_due_on else {
            return Vec::new();
        };
        match self.frequency.days(first, self.until_on) {
            Some(days) => days,
            // Words alone say that there are more reports, but not when.
            None if self.frequency.source_text.is_none() => vec![first],
            None => Vec::new(),
        }
    }

    fn is_scheduled(&self) -> bool {
        self.first_due_on.is_some()
            && (self.frequency.is_dated() || self.frequency.source_text.is_none())
    }
}

impl Resource for ReportObligation {
    const KIND: &'static str = "report_obligation";
    const PATH: &'static str = "report-obligations";
    const PREFIX: &'static str = "OBL";
    const SUBJECT: Subject = Subject::Oversight;
    const ABOUT: &'static str = "Obligations to report: what, by whom, to whom, on what basis, \
        how often. Which reports were met, late or missed is computed from the submissions and \
        the date.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::ReportDue];
    type Computed = ReportObligationComputed;
    type Filter = ReportObligationFilter;

    fn example() -> Value {
        json!({
            "title": "Equality information",
            "what": "Information that shows how the equality duty is met",
            "from_unit_id": "019abcde-0000-7000-8000-000000000001",
            "to_others": "The public",
            "legal_basis": "SI 2017/353, regulation 4",
            "frequency": { "rule": "FREQ=YEARLY" },
            "first_due_on": "2018-03-30",
            "grace_days": 0
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
    fn place(&self) -> Place {
        Place::owned(
            self.from_unit_id
                .map(Uuid::from)
                .into_iter()
                .chain(self.from_post_id.map(Uuid::from))
                .chain(self.from_board_id.map(Uuid::from)),
        )
    }
    // S22
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.require(
            self.from_unit_id.is_some()
                || self.from_post_id.is_some()
                || self.from_board_id.is_some(),
            "/from_unit_id",
            "required",
            "an obligation needs someone who reports; give from_unit_id, from_post_id or \
                from_board_id",
        );
        let to = [
            self.to_unit_id.map(Uuid::from),
            self.to_board_id.map(Uuid::from),
            self.to_post_id.map(Uuid::from),
        ];
        rules.require(
            to.iter().any(Option::is_some) || self.to_others.is_some(),
            "/to_board_id",
            "required",
            "an obligation needs a recipient; give to_unit_id, to_board_id, to_post_id or \
                to_others",
        );
        if let Some((field, code, detail)) = self.frequency.fault(self.first_due_on, self.until_on)
        {
            rules.refuse(format!("/frequency/{field}"), code, detail);
        }
        let days = self.due_days();
        let shortest = (days.iter().zip(days.iter().skip(1)))
            .map(|(one, next)| (*next - *one).num_days())
            .min();
        if let Some(days) = shortest.filter(|days| i64::from(self.grace_days) >= *days) {
            let detail = format!(
                "must be less than {days}, the number of days until the next report: otherwise a \
                    report would count as met when the next one is due"
            );
            rules.refuse("/grace_days", "overlap", detail);
        }
        rules.require(
            !self.frequency.is_dated() || self.first_due_on.is_some(),
            "/first_due_on",
            "required",
            "a frequency needs the date of the first report; give first_due_on",
        );
        rules.in_order(
            self.first_due_on,
            self.until_on,
            "/until_on",
            "first_due_on",
        );
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> Self::Computed {
        ReportObligationComputed {
            is_scheduled: self.is_scheduled(),
        }
    }
    fn dates<'a>(record: &'a Rec<Self>, reading: Reading<'a>, window: Days) -> Vec<Dated<'a>> {
        let submissions: Vec<&Rec<ReportSubmission>> = reading.pointing(record.meta.id).collect();
        let date = |o: Occurrence<'_>| {
            let progress = match o.state {
                OccurrenceState::Expected | OccurrenceState::Missed => Progress::Open,
                OccurrenceState::Met | OccurrenceState::Late => Progress::Done,
            };
            let deadline = Deadline::new(progress, When::on(Some(o.due_on)));
            Dated {
                late_after: Some(o.last_on),
                occurrence: Some(o.due_on),
                board_id: record.data.to_board_id.map(Into::into),
                ..Dated::due(CalendarEntryKind::ReportDue, deadline)
            }
        };
        let all = occurrences(&record.data, &submissions, reading.on).into_iter();
        all.filter(|o| runs_on(window, o.due_on))
            .map(date)
            .collect()
    }
    /// The days on which a report can be due.
    fn active_days(&self) -> Days {
        (None, self.until_on)
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "title",
                key: |r| Key::from(r.data.title.as_str()),
            },
            Sort {
                name: "first_due_on",
                key: |r| Key::from(r.data.first_due_on),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let o = &r.data;
        let missed = || {
            let submissions: Vec<&Rec<ReportSubmission>> = reading.pointing(r.meta.id).collect();
            occurrences(o, &submissions, reading.on)
                .iter()
                .any(|o| o.state == OccurrenceState::Missed)
        };
        is_some(&f.from_unit_id, &o.from_unit_id)
            && is_some(&f.from_post_id, &o.from_post_id)
            && is_some(&f.from_board_id, &o.from_board_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
            && is_some(&f.to_unit_id, &o.to_unit_id)
            && is_some(&f.to_board_id, &o.to_board_id)
            && is_some(&f.to_post_id, &o.to_post_id)
            && any_some(&f.statutory_duty, o.statutory_duty)
            && is(&f.is_scheduled, &r.computed.is_scheduled)
            && in_window(o.first_due_on, (f.first_due_from, f.first_due_until))
            && asked(f.missed, missed)
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.from_unit_id
            .map(Uuid::from)
            .or(f.from_post_id.map(Uuid::from))
            .or(f.from_board_id.map(Uuid::from))
            .or(f.to_unit_id.map(Uuid::from))
            .or(f.to_board_id.map(Uuid::from))
            .or(f.to_post_id.map(Uuid::from))
    }
}
