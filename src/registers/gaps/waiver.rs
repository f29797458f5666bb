//! Waiver of a gap: for a limited time, and with a reason, a gap found by a rule on one record is
//! not counted.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::codes::{GapCode, GapRegister, gap_code, waivable};
use crate::policy::{Act, Subject};
use crate::registers::checks::{asked, in_window, not_in_future};
use crate::registers::links::others;
use crate::registers::query::Any;
use crate::registers::settings::in_force;
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::dates::{Dated, Days, overlap};
use crate::world::id::AnyRecordId;
use crate::world::vocabulary::in_words;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text};

/// A waiver of a gap.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GapWaiver {
    /// The code of the rule whose gap is waived.
    #[schema(schema_with = rule_codes)]
    pub rule: String,
    /// Record on which the rule finds the gap.
    pub record_id: AnyRecordId,
    /// Why the gap should not count.
    pub reason: Text<2000, 1>,
    /// Date the waiver was granted. Must not be in the future.
    pub granted_on: NaiveDate,
    /// Last day on which the gap is not counted. A setting limits how far ahead it may be.
    pub expires_on: NaiveDate,
}

/// The rules that can be waived are those of one table, which no derive can read.
fn rule_codes() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The code of the rule whose gap is waived."))
        .enum_values(Some(waivable()))
        .build()
}

/// Narrows a list of waivers.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct GapWaiverFilter {
    /// Only waivers of gaps found by these rules.
    #[param(value_type = Option<Vec<GapCode>>, inline, explode = false)]
    rule: Option<Any<GapCode>>,
    /// Only waivers for this record.
    record_id: Option<AnyRecordId>,
    /// Only waivers of gaps in these registers.
    #[param(value_type = Option<Vec<GapRegister>>, inline, explode = false)]
    register: Option<Any<GapRegister>>,
    /// Only waivers in force today (`true`), or those not yet or no longer in force (`false`).
    in_force: Option<bool>,
    /// Only waivers that expire on or after this date.
    expires_from: Option<NaiveDate>,
    /// Only waivers that expire on or before this date.
    expires_until: Option<NaiveDate>,
}

impl GapWaiver {
    /// Q2: checks that the caller is entitled to waive the gap. The caller must be able to create
    /// and withdraw what the rule is about, in a scope that covers the record: strategy managers
    /// for strategies, plans and communications, board secretaries for boards, auditors for
    /// recommendations and what is claimed of them, risk managers, analysts. Being able to see the
    /// gap is not enough, nor is contributing to the work it is found on.
    fn check_entitled(&self, rules: &mut Rules<'_, Self>) {
        let subject = gap_code(&self.rule).and_then(|(register, _)| register.keepers());
        if !subject.is_some_and(|s| rules.may(s, Act::Withdraw, self.record_id)) {
            let detail = "only those responsible for the rule's register, in a scope that covers \
                the record, can waive this gap";
            rules.forbid("/rule", detail);
        }
    }

    fn check_record(&self, rules: &mut Rules<'_, Self>) {
        let world = rules.reading.world;
        let is = world
            .any(self.record_id)
            .and_then(|r| world.catalogue().kinds().get(r.meta().kind()))
            .map_or("", |k| k.name);
        if let Some((_, kind)) = gap_code(&self.rule).filter(|(_, kind)| *kind != is) {
            let detail = format!(
                "the rule checks records of the kind {kind}, and this record is of another kind"
            );
            rules.refuse("/record_id", "wrong_kind", detail);
        }
    }

    fn check_days(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/granted_on", Some(self.granted_on));
        rules.in_order(
            Some(self.granted_on),
            Some(self.expires_on),
            "/expires_on",
            "granted_on",
        );
        let longest = in_force(rules.reading.world).gaps.longest_waiver_days;
        if rules.before.is_none() && (self.expires_on - self.granted_on).num_days() > longest {
            let detail = format!(
                "must not be more than {longest} days after granted_on; waive the gap again once \
                    this waiver has expired"
            );
            rules.refuse("/expires_on", "too_far", detail);
        }
        let same = |w: &&Rec<Self>| w.data.rule == self.rule && w.data.record_id == self.record_id;
        let twin = others(rules, self.record_id.uuid())
            .filter(same)
            .find(|w| overlap(w.data.active_days(), self.active_days()));
        if let Some(twin) = twin {
            let detail = format!(
                "{} waives the same gap until {}; withdraw that waiver, or start this one after \
                    it ends",
                twin.meta.reference, twin.data.expires_on
            );
            rules.refuse("/granted_on", "overlap", detail);
        }
    }
}

impl Resource for GapWaiver {
    const KIND: &'static str = "gap_waiver";
    const PATH: &'static str = "gap-waivers";
    const PREFIX: &'static str = "GWV";
    const SUBJECT: Subject = Subject::Waiver;
    const ABOUT: &'static str = "Waivers of gaps: one rule, one record, a reason, a last day. \
        Until then the gap is left out of the open gaps and listed as waived; from the next day \
        it counts again. Granted by those responsible for the rule's register; `created_by` \
        gives the account.";
    const SHAPE: i32 = 2;
    const APPEND_ONLY: bool = true;
    const DATES: &'static [CalendarEntryKind] = &[CalendarEntryKind::WaiverEnd];
    type Computed = NothingComputed;
    type Filter = GapWaiverFilter;

    fn example() -> Value {
        json!({
            "rule": "measure_without_target", "record_id": "019abcde-0000-7000-8000-000000000001",
            "reason": "The target is set with the business plan in March", "granted_on": "2020-10-26", "expires_on": "2021-03-31"
        })
    }
    /// Three rules had `put_off` in their codes, and one called a relationship an edge.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        if let Some(Value::String(rule)) = snapshot.get_mut("rule") {
            *rule = rule
                .replace("_put_off_without_date", "_deferred_without_date")
                .replace("edge_agreed_by", "relationship_agreed_by");
        }
    }
    fn title(&self) -> Option<&str> {
        Some(&self.reason)
    }
    fn place(&self) -> Place {
        Place::within([self.record_id])
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        self.check_record(rules);
        self.check_days(rules);
        self.check_entitled(rules);
    }
    fn withdrawal(&self, rules: &mut Rules<'_, Self>) {
        self.check_entitled(rules);
    }
    fn dates<'a>(record: &'a Rec<Self>, _: Reading<'a>, _: Days) -> Vec<Dated<'a>> {
        vec![Dated::end(
            CalendarEntryKind::WaiverEnd,
            Some(record.data.expires_on),
        )]
    }
    fn date_title<'a>(record: &'a Rec<Self>, reading: Reading<'a>) -> Cow<'a, str> {
        let on = reading.any(record.data.record_id);
        let on = on.map_or("", |r| r.meta().reference.as_str());
        format!("{}, {on}", in_words(&record.data.rule)).into()
    }
    /// A gap can be on a record that has ended or has not begun: a strategy that is planned.
    fn ends_with(&self) -> Place {
        Place::default()
    }
    /// The days on which the gap is not counted.
    fn active_days(&self) -> Days {
        (Some(self.granted_on), Some(self.expires_on))
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[
            Sort {
                name: "expires_on",
                key: |r| Key::from(Some(r.data.expires_on)),
            },
            Sort {
                name: "rule",
                key: |r| Key::from(r.data.rule.as_str()),
            },
        ]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, reading: Reading<'_>) -> bool {
        let register = || gap_code(&r.data.rule).map(|(register, _)| register);
        f.rule
            .as_ref()
            .is_none_or(|wanted| wanted.has(&GapCode(r.data.rule.clone())))
            && f.record_id.is_none_or(|id| r.data.record_id == id)
            && f.register
                .as_ref()
                .is_none_or(|wanted| register().is_some_and(|is| wanted.has(&is)))
            && asked(f.in_force, || reading.is_active(r))
            && in_window(Some(r.data.expires_on), (f.expires_from, f.expires_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.record_id.map(Uuid::from)
    }
}
