//! Deadline changes of work-plan items: the old and the new deadline, who approved the change, and
//! why. They are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{approved, in_window, not_in_future};
use crate::registers::governance::BoardId;
use crate::registers::links::others;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::is_of_plan;
use crate::registers::plan::{PlanId, WorkPlanItem, WorkPlanItemId};
use crate::registers::query::{is, is_some};
use crate::world::date::PlannedDate;
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// A change of a work-plan item's deadline.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeadlineChange {
    /// Item whose deadline changes.
    pub item_id: WorkPlanItemId,
    /// New deadline. Unspecified if the item is deferred without a date.
    pub to: PlannedDate,
    /// Post that approved the change. Give a post, a board or both.
    #[serde(default)]
    pub approver_post_id: Option<PostId>,
    /// Board that approved it.
    #[serde(default)]
    pub approver_board_id: Option<BoardId>,
    /// Reason for the change.
    pub reason: Text<2000, 1>,
    /// Date of the decision.
    pub decided_on: NaiveDate,
}

/// Values computed by the service for a deadline change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadlineChangeComputed {
    /// Previous deadline.
    #[serde(default)]
    pub from: PlannedDate,
    /// Number of days the deadline moves. Negative if it is brought forward; null if the old or new
    /// deadline has no date.
    #[serde(default)]
    #[schema(required)]
    pub days_moved: Option<i64>,
    /// Whether the change gives more time. Deferring a deadline without a date does.
    #[serde(default)]
    pub is_extension: bool,
}

/// Filters for a list of deadline changes.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct DeadlineChangeFilter {
    /// Only changes of this item's deadline.
    item_id: Option<WorkPlanItemId>,
    /// Only changes of the deadlines of items in this plan.
    plan_id: Option<PlanId>,
    /// Only changes of the deadlines of items that belong to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only changes approved by this post.
    approver_post_id: Option<PostId>,
    /// Only changes approved by this board.
    approver_board_id: Option<BoardId>,
    /// Only changes that give more time (`true`), or only those that do not (`false`).
    is_extension: Option<bool>,
    /// Only changes decided on or after this date.
    decided_from: Option<NaiveDate>,
    /// Only changes decided on or before this date.
    decided_until: Option<NaiveDate>,
}

/// Returns the number of days from one deadline to another, and whether that gives more time.
fn distance(from: &PlannedDate, to: &PlannedDate) -> (Option<i64>, bool) {
    let days = from
        .due_on
        .zip(to.due_on)
        .map(|(from, to)| (to - from).num_days());
    let deferred = from.due_on.is_some() && to.due_on.is_none();
    (days, deferred || days.is_some_and(|d| d > 0))
}

impl DeadlineChange {
    /// Checks the change when it is first recorded. It is not checked again, because the item's
    /// deadline may have moved since.
    fn check_move(&self, rules: &mut Rules<'_, Self>, item: &Rec<WorkPlanItem>) {
        rules.require(
            item.computed.first_deadline.is_some(),
            "/item_id",
            "no_deadline",
            "names an item that has no deadline yet; set its deadline with PATCH on the item",
        );
        let now = &item.data.deadline;
        let same = (now.precision, now.from_on, now.due_on)
            == (self.to.precision, self.to.from_on, self.to.due_on);
        rules.require(
            !same,
            "/to",
            "unchanged",
            "is already the item's deadline; give a different one, or record nothing",
        );
        rules.in_order(
            item.data.start.from_on,
            self.to.due_on,
            "/to/due_on",
            "the start of the item",
        );
        let last = others(rules, self.item_id.uuid())
            .map(|c| c.data.decided_on)
            .max();
        rules.in_order(
            last,
            Some(self.decided_on),
            "/decided_on",
            "the last change of this deadline",
        );
    }
}

impl Resource for DeadlineChange {
    const KIND: &'static str = "deadline_change";
    const PATH: &'static str = "deadline-changes";
    const PREFIX: &'static str = "DLC";
    const SUBJECT: Subject = Subject::DeadlineChange;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Changes to the deadlines of work-plan items. Recording a change \
        moves the item's deadline. Withdrawing the last change moves it back. The item's first \
        deadline never changes.";
    const APPEND_ONLY: bool = true;
    type Computed = DeadlineChangeComputed;
    type Filter = DeadlineChangeFilter;

    fn example() -> Value {
        json!({
            "item_id": "019abcde-0000-7000-8000-000000000001", "to": { "precision": "quarter", "due_on": "2021-03-31" },
            "approver_post_id": "019abcde-0000-7000-8000-000000000001", "reason": "The supplier delivers later than agreed",
            "decided_on": "2020-10-26"
        })
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.item_id])
    }
    fn normalise(&mut self) {
        self.to.normalise();
    }
    // S12
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        rules.planned("/to", &self.to);
        approved(
            rules,
            self.approver_post_id.is_some() || self.approver_board_id.is_some(),
        );
        not_in_future(rules, "/decided_on", Some(self.decided_on));
        let item = rules.reading.world.get::<WorkPlanItem>(self.item_id);
        if let Some(item) = item.filter(|_| rules.before.is_none()) {
            self.check_move(rules, item);
            rules.follow_up(self.item_id, json!({ "deadline": self.to }));
        }
    }
    fn compute(
        &self,
        reading: Reading<'_>,
        _: &Meta,
        before: Option<&Rec<Self>>,
    ) -> Self::Computed {
        let from = match before {
            Some(b) => b.computed.from.clone(),
            None => reading
                .world
                .get::<WorkPlanItem>(self.item_id)
                .map_or_else(PlannedDate::default, |i| i.data.deadline.clone()),
        };
        let (days_moved, is_extension) = distance(&from, &self.to);
        DeadlineChangeComputed {
            from,
            days_moved,
            is_extension,
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.item_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "decided_on",
            key: |r| Key::from(Some(r.data.decided_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.item_id, &r.data.item_id)
            && is_some(&f.approver_post_id, &r.data.approver_post_id)
            && is_some(&f.approver_board_id, &r.data.approver_board_id)
            && is(&f.is_extension, &r.computed.is_extension)
            && in_window(Some(r.data.decided_on), (f.decided_from, f.decided_until))
            && is_of_plan(reading, r.data.item_id, f.plan_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.item_id
            .map(Uuid::from)
            .or(f.approver_post_id.map(Uuid::from))
            .or(f.approver_board_id.map(Uuid::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::date::Precision;

    fn day(text: &str) -> PlannedDate {
        PlannedDate {
            precision: Precision::Day,
            due_on: text.parse().ok(),
            ..PlannedDate::default()
        }
    }

    #[test]
    fn an_extension_gives_more_time() {
        assert_eq!(
            distance(&day("2020-11-30"), &day("2020-12-10")),
            (Some(10), true)
        );
        assert_eq!(
            distance(&day("2020-11-30"), &day("2020-11-20")),
            (Some(-10), false)
        );
        assert_eq!(
            distance(&day("2020-11-30"), &PlannedDate::default()),
            (None, true)
        );
        assert_eq!(
            distance(&PlannedDate::default(), &day("2020-11-30")),
            (None, false)
        );
    }
}
