//! Progress updates on work-plan items: dated entries that are never changed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::links::others;
use crate::registers::organisation::{PostId, UnitId};
use crate::registers::plan::is_of_plan;
use crate::registers::plan::{ItemStatus, PlanId, Rag, WorkPlanItem, WorkPlanItemId};
use crate::registers::query::{Any, any, is, same_name};
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// Part of an update's narrative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressPart {
    /// Label ("a"), if there are several parts.
    #[serde(default)]
    pub label: Option<Text<20, 1>>,
    /// What was done, and what comes next.
    pub text: Text<8000, 1>,
}

/// A progress update. What it declares is the lead's claim.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProgressUpdate {
    /// The item it is about.
    pub item_id: WorkPlanItemId,
    /// Date of the update.
    pub made_on: NaiveDate,
    /// The post that made it.
    pub by_post_id: PostId,
    /// The narrative, in one or more parts.
    #[schema(min_items = 1, max_items = 26)]
    pub parts: Vec<ProgressPart>,
    /// The item's RAG rating from then on. Leave out to keep the current rating.
    #[serde(default)]
    pub declared_rag: Option<Rag>,
    /// Percentage of the item that is done, from 0 to 100. Leave out to keep the current value.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100)]
    pub percent_complete: Option<u8>,
    /// New status of the item. If it is `complete`, the item counts as completed on `made_on`.
    /// Leave out to keep the current status.
    #[serde(default)]
    pub status: Option<ItemStatus>,
}

/// Filters for a list of progress updates.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct ProgressUpdateFilter {
    /// Only updates on this item.
    item_id: Option<WorkPlanItemId>,
    /// Only updates on items in this plan.
    plan_id: Option<PlanId>,
    /// Only updates on items that belong to this unit or a unit below it.
    unit_below: Option<UnitId>,
    /// Only updates made by this post.
    by_post_id: Option<PostId>,
    /// Only updates that declare any of these RAG ratings.
    #[param(value_type = Option<Vec<Rag>>, inline, explode = false)]
    declared_rag: Option<Any<Rag>>,
    /// Only updates that set any of these statuses.
    #[param(value_type = Option<Vec<ItemStatus>>, inline, explode = false)]
    status: Option<Any<ItemStatus>>,
    /// Only updates made on or after this date.
    made_from: Option<NaiveDate>,
    /// Only updates made on or before this date.
    made_until: Option<NaiveDate>,
}

impl ProgressUpdate {
    /// Returns what the item takes from this update.
    fn declares(&self, item: &WorkPlanItem) -> Value {
        let mut patch = Map::new();
        if let Some(rag) = self.declared_rag {
            patch.insert("declared_rag".into(), json!(rag));
        }
        if let Some(percent) = self.percent_complete {
            patch.insert("percent_complete".into(), json!(percent));
        }
        if let Some(status) = self.status.filter(|s| *s != item.status) {
            patch.insert("status".into(), json!(status));
            let completed_on = (status == ItemStatus::Complete).then_some(self.made_on);
            patch.insert("completed_on".into(), json!(completed_on));
        }
        Value::Object(patch)
    }

    fn check_labels(&self, rules: &mut Rules<'_, Self>) {
        for (n, part) in self.parts.iter().enumerate() {
            let Some(label) = &part.label else { continue };
            let mut earlier = self.parts.iter().take(n).filter_map(|p| p.label.as_ref());
            if earlier.any(|l| same_name(l, label)) {
                let detail = "must differ from the labels of earlier parts; choose another";
                rules.refuse(format!("/parts/{n}/label"), "duplicate", detail);
            }
        }
    }
}

impl Resource for ProgressUpdate {
    const KIND: &'static str = "progress_update";
    const PATH: &'static str = "progress-updates";
    const PREFIX: &'static str = "UPD";
    const SUBJECT: Subject = Subject::Progress;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Progress on work-plan items, as dated entries. Entries are never \
        changed; a later one corrects an earlier one. The latest by made_on sets the item's \
        declared RAG rating, percentage and status if it gives them. Withdrawing it does not set \
        them back.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = ProgressUpdateFilter;

    fn example() -> Value {
        json!({
            "item_id": "019abcde-0000-7000-8000-000000000001", "made_on": "2020-10-26",
            "by_post_id": "019abcde-0000-7000-8000-000000000001",
            "parts": [
                { "label": "a", "text": "The first module has been written" },
                { "label": "b", "text": "A pilot group has been chosen" }
            ],
            "declared_rag": "green", "percent_complete": 60, "status": "in_progress"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.item_id])
    }
    // S12
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/made_on", Some(self.made_on));
        self.check_labels(rules);
        let is_latest = others(rules, self.item_id.uuid()).all(|u| u.data.made_on <= self.made_on);
        let item = rules.reading.world.get::<WorkPlanItem>(self.item_id);
        if let Some(item) = item.filter(|_| is_latest && rules.before.is_none()) {
            rules.follow_up(self.item_id, self.declares(&item.data));
        }
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.item_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "made_on",
            key: |r| Key::from(Some(r.data.made_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        is(&f.item_id, &r.data.item_id)
            && is(&f.by_post_id, &r.data.by_post_id)
            && (f.declared_rag.is_none()
                || r.data
                    .declared_rag
                    .is_some_and(|c| any(&f.declared_rag, &c)))
            && (f.status.is_none() || r.data.status.is_some_and(|s| any(&f.status, &s)))
            && in_window(Some(r.data.made_on), (f.made_from, f.made_until))
            && is_of_plan(reading, r.data.item_id, f.plan_id)
            && f.unit_below
                .is_none_or(|top| reading.world.is_in_scope(r.meta.id, top))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.item_id.map(Uuid::from).or(f.by_post_id.map(Uuid::from))
    }
}
