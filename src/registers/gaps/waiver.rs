//! A gap's waiver: for a time, and with a reason, a gap that a rule finds on one record does not count.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::codes::{GapCode, GapRegister, gap_code, waivable};
use crate::policy::{Act, Subject};
use crate::registers::checks::{Days, asked, in_window, not_in_future, overlap, runs_on};
use crate::registers::links::others;
use crate::registers::query::Any;
use crate::registers::settings::in_force;
use crate::world::record::ANY_KIND;
use crate::world::{Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort};

/// A waiver of a gap.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GapWaiver {
    /// The code of the rule whose gap is waived.
    #[schema(schema_with = rule_codes)]
    pub rule: String,
    /// The record on which the rule finds it.
    pub record_id: Uuid,
    /// Why it is not to count.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// Day on which it was granted; not to come.
    pub granted_on: NaiveDate,
    /// Last day on which the gap does not count. How far off it may be is a setting.
    pub expires_on: NaiveDate,
}

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
    /// Waivers of gaps that one of these rules finds.
    #[param(value_type = Option<Vec<GapCode>>, inline, explode = false)]
    rule: Option<Any<GapCode>>,
    /// Waivers for this record.
    record_id: Option<Uuid>,
    /// Waivers of gaps in one of these registers.
    #[param(value_type = Option<Vec<GapRegister>>, inline, explode = false)]
    register: Option<Any<GapRegister>>,
    /// Waivers that hold on the day (`true`), or that do not yet or no longer (`false`).
    in_force: Option<bool>,
    /// Waivers that expire on or after this day.
    expires_from: Option<NaiveDate>,
    /// Waivers that expire on or before this day.
    expires_until: Option<NaiveDate>,
}

impl GapWaiver {
    /// First and last day on which the gap does not count.
    #[must_use]
    pub fn days(&self) -> Days {
        (Some(self.granted_on), Some(self.expires_on))
    }

    /// Q2: a gap is waived by someone entitled. Whoever may make and withdraw what the rule is about, in a scope that covers the record:
    /// strategy managers for strategies, plans and communications, board secretaries for boards, auditors for recommendations and what
    /// is claimed of them, risk managers, analysts. Never who is only told of the gap, nor the contributors whose work it is found on.
    fn check_entitled(&self, rules: &mut Rules<'_, Self>) {
        let subject = gap_code(&self.rule).and_then(|(register, _)| register.keepers());
        if !subject.is_some_and(|s| rules.may(s, Act::Withdraw, self.record_id)) {
            let detail = "a gap is waived by whoever keeps the register that the rule belongs to, in a scope that covers the record";
            rules.forbid("/rule", detail);
        }
    }

    fn check_record(&self, rules: &mut Rules<'_, Self>) {
        let world = rules.reading.world;
        let is = world
            .any(self.record_id)
            .and_then(|r| world.catalogue().kinds().get(r.meta().kind))
            .map_or("", |k| k.name);
        if let Some((_, kind)) = gap_code(&self.rule).filter(|(_, kind)| *kind != is) {
            let detail = format!("the rule looks at records of the kind {kind}, and this is none");
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
                "lies more than {longest} days after granted_on; waive it again once this waiver has expired"
            );
            rules.refuse("/expires_on", "too_far", detail);
        }
        let same = |w: &&Rec<Self>| w.data.rule == self.rule && w.data.record_id == self.record_id;
        let twin = others(rules, self.record_id)
            .filter(same)
            .find(|w| overlap(w.data.days(), self.days()));
        if let Some(twin) = twin {
            let detail = format!(
                "{} waives the same gap up to {}; withdraw that waiver, or let this one begin after it",
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
    const ABOUT: &'static str = "Waivers of gaps: one rule, one record, a reason, a last day. Until then the gap is left out of the open ones and shown as waived; from the day after it counts again. Waived by whoever keeps the register that the rule belongs to; `created_by` says by which account.";
    const APPEND_ONLY: bool = true;
    type Computed = NothingComputed;
    type Filter = GapWaiverFilter;

    fn example() -> Value {
        json!({
            "rule": "measure_without_target", "record_id": "019abcde-0000-7000-8000-000000000001",
            "reason": "The target is set with the business plan in March", "granted_on": "2020-10-26", "expires_on": "2021-03-31"
        })
    }
    fn links(&self, links: &mut Links) {
        links.to("/record_id", ANY_KIND, self.record_id);
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
    fn text(&self) -> Vec<&str> {
        vec![&self.reason, &self.rule]
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
            && asked(f.in_force, || runs_on(r.data.days(), reading.on))
            && in_window(Some(r.data.expires_on), (f.expires_from, f.expires_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.record_id
    }
}
