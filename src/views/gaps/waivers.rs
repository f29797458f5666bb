//! Waivers for which there is no gap.

use super::rule::{Context, Each, Fault, FindingSeverity as Is, Rule, because};
use crate::registers::gaps::GapWaiver;
use crate::world::Rec;

/// The rules.
pub const RULES: &[Rule] = &[Rule {
    code: "waiver_without_gap",
    severity: Is::Low,
    checks: "The waiver is in force, but there is no gap for it to waive.",
    why: "If the gap came back, the waiver would hide it.",
    remedy: "Withdraw the waiver.",
    answers: &[],
    check: &Each::new(waiver_without_gap),
}];

fn waiver_without_gap(c: &Context<'_>, waiver: &Rec<GapWaiver>) -> Fault {
    if !c.is_active(waiver) {
        return None;
    }
    let Some(rule) = c.rules.named(&waiver.data.rule) else {
        return because(format!("the rule {} no longer exists", waiver.data.rule));
    };
    let record = c.seen.any(waiver.data.record_id)?;
    if !c.seen.is_live(record.as_ref()) {
        return because(format!("{} is withdrawn", record.meta().reference));
    }
    match rule.found(c, record.as_ref()) {
        Some(_) => None,
        None => because(format!("{} on {}", rule.code, record.meta().reference)),
    }
}
