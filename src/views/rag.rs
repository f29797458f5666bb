//! The RAG rating of a work-plan item computed by the service, with the reason. It is shown with
//! the rating that the lead declares and never replaces it. Views ask [`super::judgement`] for it,
//! which knows what the item waits for.

use chrono::NaiveDate;
use serde::Serialize;
use strum::{EnumMessage, VariantArray};
use utoipa::ToSchema;

use crate::registers::plan::{ItemStatus, Rag, WorkPlanItem};
use crate::registers::settings::SettingSet;
use crate::world::Rec;
use crate::world::dates::Progress;
use crate::world::record::word;

/// Reason for the computed RAG rating of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[derive(EnumMessage, VariantArray, ToSchema)]
pub enum ItemRagRule {
    /// The lead has declared it complete.
    Complete,
    /// It was cancelled or superseded.
    Ended,
    /// Its deadline has passed.
    Overdue,
    /// It was deferred without a new date, and its first deadline has passed.
    #[strum(message = "Deferred without date")]
    Deferred,
    /// What it waits for was given up, or comes after its deadline.
    CannotBeMet,
    /// What it waits for has no date.
    #[strum(message = "Waits for something undated")]
    WaitsForUndated,
    /// It waits for itself, or for others that wait for themselves.
    CircularWait,
    /// It is on hold with a deadline still to be met.
    OnHold,
    /// It should have started by now.
    #[strum(message = "Start overdue")]
    LateStart,
    /// Its deadline is near and it has not started.
    #[strum(message = "Due soon, not started")]
    DueSoonNotStarted,
    /// It has gone longer without an update than the settings allow.
    #[strum(message = "No recent update")]
    Stale,
    /// It has no deadline date.
    NoDeadline,
    /// None of the other reasons applies.
    OnCourse,
}

/// A computed RAG rating and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    pub rag: Rag,
    pub by: ItemRagRule,
    /// Number of days in the reason, if it has one.
    pub days: i64,
    /// What it waits for, in words, if that is the reason.
    pub waits_for: Option<String>,
}

/// Whether the item is due soon.
#[must_use]
pub fn is_due_soon(item: &Rec<WorkPlanItem>, on: NaiveDate, settings: &SettingSet) -> bool {
    item.due().is_due_within(on, settings.due_soon_days)
}

/// A number with its noun: `1 day`, `2 days`. The noun is one that takes an s in the plural.
#[must_use]
pub fn counted(n: i64, noun: &str) -> String {
    if n == 1 {
        format!("1 {noun}")
    } else {
        format!("{n} {noun}s")
    }
}

/// Number of days in words.
#[must_use]
pub fn days(n: i64) -> String {
    counted(n, "day")
}

/// `today`, or `in` a number of days.
#[must_use]
pub fn in_days(n: i64) -> String {
    if n == 0 {
        "today".to_owned()
    } else {
        format!("in {}", days(n))
    }
}

/// How often something happened: `never`, `once`, `twice`, `3 times`.
#[must_use]
pub fn times(n: i64) -> String {
    match n {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{n} times"),
    }
}

impl Rated {
    fn new(rag: Rag, by: ItemRagRule, days: i64) -> Self {
        Self {
            rag,
            by,
            days,
            waits_for: None,
        }
    }

    /// The rating of an item that waits for something that is late or in doubt.
    #[must_use]
    pub fn waiting(rag: Rag, by: ItemRagRule, days: i64, waits_for: String) -> Self {
        Self {
            waits_for: Some(waits_for),
            ..Self::new(rag, by, days)
        }
    }

    /// The graver of the rating by an item's own dates and that by what it waits for. Of two that
    /// are equally grave, a deadline that has passed is named first, and then what it waits for.
    #[must_use]
    pub fn or_graver(self, waiting: Option<Self>) -> Self {
        let Some(waiting) = waiting else { return self };
        let has_passed = matches!(self.by, ItemRagRule::Overdue | ItemRagRule::Deferred);
        if self.rag == Rag::Red || (has_passed && waiting.rag != Rag::Red) {
            self
        } else {
            waiting
        }
    }

    /// Red or amber, for something this many days late.
    #[must_use]
    pub fn late(days: i64, settings: &SettingSet) -> Rag {
        if days > settings.rag.late_is_red_after_days {
            Rag::Red
        } else {
            Rag::Amber
        }
    }

    /// Computes the RAG rating of an item by its own dates. The first rule that applies decides; the
    /// rules are in order of weight.
    #[must_use]
    pub fn by_dates(record: &Rec<WorkPlanItem>, on: NaiveDate, settings: &SettingSet) -> Self {
        let item = &record.data;
        let rated = Self::new;
        let due = record.due();
        match due.progress {
            Progress::Done => return rated(Rag::Blue, ItemRagRule::Complete, 0),
            Progress::GivenUp => return rated(Rag::Grey, ItemRagRule::Ended, 0),
            Progress::Open | Progress::InForce | Progress::Lasting => {}
        }
        let late = |days| Self::late(days, settings);
        let left = due.due.due_on.map(|d| (d - on).num_days());
        if let Some(days) = left.filter(|d| *d < 0) {
            return rated(late(-days), ItemRagRule::Overdue, -days);
        }
        if due.is_overdue(on) {
            let days = due.counts_on().map_or(0, |d| (on - d).num_days());
            return rated(late(days), ItemRagRule::Deferred, days);
        }
        if item.status == ItemStatus::OnHold && left.is_some() {
            return rated(Rag::Amber, ItemRagRule::OnHold, 0);
        }
        if item.status == ItemStatus::NotStarted {
            if let Some(late) = item
                .start
                .due_on
                .map(|d| (on - d).num_days())
                .filter(|d| *d > 0)
            {
                return rated(Rag::Amber, ItemRagRule::LateStart, late);
            }
            if let Some(near) = left.filter(|d| *d <= settings.rag.not_started_is_amber_within_days)
            {
                return rated(Rag::Amber, ItemRagRule::DueSoonNotStarted, near);
            }
        }
        if let Some(days) = record.stale_days(on, settings.stale_after_days) {
            return rated(Rag::Amber, ItemRagRule::Stale, days);
        }
        match left {
            None => rated(Rag::Grey, ItemRagRule::NoDeadline, 0),
            Some(days) => rated(Rag::Green, ItemRagRule::OnCourse, days),
        }
    }

    /// Whether a declared RAG rating agrees with the computed one. An item that its lead has not
    /// rated always agrees.
    #[must_use]
    pub fn agrees(&self, declared: Rag) -> bool {
        declared == Rag::Grey || declared == self.rag
    }

    /// The reason in words.
    #[must_use]
    pub fn reason(&self) -> String {
        let days = days(self.days);
        let awaited = self.waits_for.as_deref().unwrap_or("something");
        match self.by {
            ItemRagRule::Complete => "complete".into(),
            ItemRagRule::Ended => "cancelled or superseded".into(),
            ItemRagRule::Overdue => format!("its deadline passed {days} ago"),
            ItemRagRule::Deferred => {
                format!("deferred without a new date, and its first deadline passed {days} ago")
            }
            ItemRagRule::CannotBeMet if self.days > 0 => {
                format!("waits for {awaited}, which comes {days} after its deadline or later")
            }
            ItemRagRule::CannotBeMet => format!("waits for {awaited}, which was given up"),
            ItemRagRule::WaitsForUndated => format!("waits for {awaited}, which has no date"),
            ItemRagRule::CircularWait => {
                format!("waits for {awaited} in a circle, so none of them can be done first")
            }
            ItemRagRule::OnHold => "on hold with a deadline still to be met".into(),
            ItemRagRule::LateStart => format!("should have started {days} ago"),
            ItemRagRule::DueSoonNotStarted => format!("due {} and not started", in_days(self.days)),
            ItemRagRule::Stale => format!("no update for {days}"),
            ItemRagRule::NoDeadline => "no deadline date".into(),
            ItemRagRule::OnCourse => format!("due {}", in_days(self.days)),
        }
    }
}

/// Every code of a RAG rating.
#[must_use]
pub fn codes() -> [String; 5] {
    [Rag::Red, Rag::Amber, Rag::Green, Rag::Blue, Rag::Grey].map(|r| word(&r))
}
