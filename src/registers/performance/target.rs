//! Targets: what a measure should reach, and what it is compared with.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::measure::{BreakdownCategory, check_breakdown, normalise};
use super::period::{Figure, Period};
use crate::policy::Subject;
use crate::registers::checks::fixed;
use crate::registers::links::others;
use crate::registers::performance::{ClassificationId, Measure, MeasureId};
use crate::registers::query::is;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::{Key, Meta, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// What a measure should reach in a period. The baseline is given as a period. Its figure is the
/// observation with the same breakdown, so that it is kept, corrected and released in one place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MeasureTarget {
    /// Measure the record is for.
    pub measure_id: MeasureId,
    /// Period the target applies to.
    pub period: Period,
    /// Category it is for, or two categories from two classifications. Empty for the total.
    #[serde(default)]
    #[schema(max_items = 2)]
    pub breakdown: Vec<BreakdownCategory>,
    /// Figure to reach, in the measure's unit. Targets are policy, so they are shown as recorded.
    pub target_value: Figure,
    /// Period whose figure it is compared with.
    #[serde(default)]
    pub baseline_period: Option<Period>,
    /// Why this figure was chosen, and who decided it.
    #[serde(default)]
    pub rationale: Option<Text<2000>>,
}

/// Values computed by the service.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct MeasureTargetComputed {
    /// First day of the period.
    pub from_on: NaiveDate,
    /// Last day of the period.
    pub until_on: NaiveDate,
}

impl Default for MeasureTargetComputed {
    fn default() -> Self {
        Self {
            from_on: NaiveDate::MIN,
            until_on: NaiveDate::MAX,
        }
    }
}

/// Filters for a list of targets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct MeasureTargetFilter {
    /// Only targets of this measure.
    measure_id: Option<MeasureId>,
    /// Only targets for a category of this classification.
    classification_id: Option<ClassificationId>,
    /// Only targets that apply on this date.
    holds_on: Option<NaiveDate>,
    /// Only targets for the total (`true`), or only those for a category (`false`).
    is_total: Option<bool>,
}

impl Resource for MeasureTarget {
    const KIND: &'static str = "measure_target";
    const PATH: &'static str = "measure-targets";
    const PREFIX: &'static str = "TGT";
    const SUBJECT: Subject = Subject::Performance;
    const ABOUT: &'static str = "What measures should reach in each period, in total or for a \
        category, and the period they are compared with.";
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::MeasureTargetEnd];
    type Computed = MeasureTargetComputed;
    type Filter = MeasureTargetFilter;

    fn example() -> Value {
        json!({
            "measure_id": "019abcde-0000-7000-8000-000000000001", "period": "2020/21", "target_value": 150,
            "baseline_period": "2019/20", "rationale": "As the board agreed with the delivery plan"
        })
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.measure_id])
    }
    fn normalise(&mut self) {
        normalise(&mut self.breakdown);
    }
    // S32
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        let remedy = "record a target under the other measure";
        fixed(rules, self, "/measure_id", |t| t.measure_id, remedy);
        check_breakdown(rules, self.measure_id.uuid(), &self.breakdown);
        let is_same = |t: &&Rec<Self>| {
            t.data.breakdown == self.breakdown && overlap(t.data.active_days(), self.active_days())
        };
        if let Some(other) = others(rules, self.measure_id.uuid()).find(is_same) {
            let detail = format!(
                "{} already applies to {}; change or withdraw it first, or choose another period",
                other.meta.reference, other.data.period
            );
            rules.refuse("/period", "overlap", detail);
        }
    }
    fn compute(&self, _: Reading<'_>, _: &Meta, _: Option<&Rec<Self>>) -> MeasureTargetComputed {
        MeasureTargetComputed {
            from_on: self.period.from_on,
            until_on: self.period.until_on,
        }
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        let last = record.data.period.until_on;
        vec![Dated::end(CalendarEntryKind::MeasureTargetEnd, Some(last))]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let measure = reading.title_of::<Measure>(record.data.measure_id);
        measure.unwrap_or_default().into()
    }
    fn active_days(&self) -> Days {
        (Some(self.period.from_on), Some(self.period.until_on))
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "until_on",
            key: |r| Key::from(Some(r.data.period.until_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let t = &r.data;
        is(&f.measure_id, &t.measure_id)
            && f.classification_id
                .is_none_or(|id| t.breakdown.iter().any(|b| b.classification_id == id))
            && f.holds_on.is_none_or(|day| reading.is_active_on(r, day))
            && f.is_total
                .is_none_or(|total| total == t.breakdown.is_empty())
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.measure_id
            .map(Uuid::from)
            .or(f.classification_id.map(Uuid::from))
    }
}
